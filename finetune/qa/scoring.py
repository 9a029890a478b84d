"""Zero- and few-shot scoring of a model: the likelihood of each option, or what it writes.

letter : likelihood of the option's label ("A" or "yes") after the lettered question.
option : likelihood of the option's own words after the bare question, as a mean over their tokens.
generate : greedy text; the first label that stands in it as a word is the answer, or the first option in words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from tqdm import tqdm
from transformers import DynamicCache

from consilium.finetune.qa.items import Item
from consilium.finetune.qa.model import Loaded
from consilium.finetune.qa.prompting import continuations, encode, examples

Method = Literal["letter", "option", "generate"]

_NEW_TOKENS = 24  # of a generated answer
_LONGEST_OPTION = 96  # tokens; a longer one is scored by its beginning


@dataclass(frozen=True)
class Scored:
    """What the model made of one question.

    Parameters
    ----------
    scores : for each option the log-likelihood (mean over its tokens for "option"); empty where text was generated.
    choice : index of the chosen option; None where the generated text named none.
    text : what was generated.
    cut : whether the context had to be shortened.
    """

    id: str
    scores: tuple[float, ...]
    choice: int | None
    text: str = ""
    cut: bool = False


@dataclass(frozen=True)
class Prompting:
    """How questions are put: method, solved examples and the pool they are drawn from.

    `max_tokens` is the longest prompt; 0 is what the model's context holds.
    """

    method: Method = "letter"
    shots: int = 0
    pool: Sequence[Item] = ()
    seed: int = 0
    max_tokens: int = 0

    @property
    def lettered(self) -> bool:
        """Whether the options are listed under their labels."""
        return self.method != "option"


def score(loaded: Loaded, items: Sequence[Item], how: Prompting) -> Iterator[Scored]:
    """Answer the questions one after the other, with a progress bar.

    Raises
    ------
    ConsiliumError
        If a question does not fit the model's context, or there are too few examples.
    """
    before = examples(how.pool, how.shots, how.seed, lettered=how.lettered)
    room = loaded.context_length - max(_NEW_TOKENS, _LONGEST_OPTION)
    limit = min(room, how.max_tokens) if how.max_tokens else room
    for item in tqdm(items, desc="questions", unit="question"):
        ids, cut = encode(loaded.tokenizer, item, limit, before, lettered=how.lettered)
        if how.method == "generate":
            text = _generate(loaded, ids)
            yield Scored(item.id, (), named(item, text), text, cut)
            continue
        said = [
            loaded.tokenizer(text, add_special_tokens=False).input_ids[:_LONGEST_OPTION]
            for text in continuations(item, lettered=how.lettered)
        ]
        likelihoods = option_likelihoods(loaded, ids, said)
        if how.method == "option":
            likelihoods = [
                total / len(tokens) for total, tokens in zip(likelihoods, said, strict=True)
            ]
        best = max(range(len(likelihoods)), key=likelihoods.__getitem__)
        yield Scored(item.id, tuple(likelihoods), best, "", cut)


@torch.inference_mode()
def option_likelihoods(
    loaded: Loaded, prompt: Sequence[int], options: Sequence[Sequence[int]]
) -> list[float]:
    """Log-likelihood of each option's tokens after the prompt; the prompt is computed once."""
    model = loaded.model
    device = model.device
    cache = DynamicCache(config=model.config)
    out = model(
        torch.tensor([list(prompt)], device=device), past_key_values=cache, logits_to_keep=1
    )
    first = out.logits[0, -1].float().log_softmax(dim=-1)
    totals = [float(first[option[0]]) for option in options]
    longest = max(map(len, options))
    if longest == 1:
        return totals
    cache.batch_repeat_interleave(len(options))
    ids = torch.zeros(len(options), longest - 1, dtype=torch.long, device=device)
    for row, option in enumerate(options):
        ids[row, : len(option) - 1] = torch.tensor(list(option[:-1]))
    logits = model(ids, past_key_values=cache).logits.float().log_softmax(dim=-1)
    for row, option in enumerate(options):
        for at, token in enumerate(option[1:]):
            totals[row] += float(logits[row, at, token])
    return totals


@torch.inference_mode()
def _generate(loaded: Loaded, prompt: Sequence[int]) -> str:
    ids = torch.tensor([list(prompt)], device=loaded.model.device)
    made = loaded.model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=_NEW_TOKENS,
        do_sample=False,
        pad_token_id=loaded.tokenizer.pad_token_id,
    )
    text = str(loaded.tokenizer.decode(made[0, len(prompt) :], skip_special_tokens=True))
    return text.partition("\n\n")[0].strip()


def named(item: Item, text: str) -> int | None:
    """The option that a generated text names: by label as a word of its own, else by its words; None if none."""
    places = []
    for index, label in enumerate(item.labels):
        flags = 0 if len(label) == 1 else re.IGNORECASE  # "A" is a label, "a" is a word
        if match := re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text, flags):
            places.append((match.start(), index))
    if not places:
        lowered = text.lower()
        places = [
            (lowered.find(words.lower()), index)
            for index, words in enumerate(item.texts)
            if words.lower() in lowered
        ]
    return min(places)[1] if places else None
