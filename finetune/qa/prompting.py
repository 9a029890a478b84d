"""How a question becomes the model's text, the same for scoring and for fine-tuning.

Plain text in the form that published evaluations use: context, question, lettered options, "Answer:". What an
option continues with begins with a blank.
"""

from collections.abc import Sequence
from random import Random

from transformers import PreTrainedTokenizerBase

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.qa.items import Item

_OPENING = "The following are medical questions with their answers.\n\n"


def asked(item: Item, *, lettered: bool = True) -> str:
    """The question as the model reads it, up to and with "Answer:"; `lettered` lists the options."""
    lines = [f"Question: {item.question}"]
    if lettered and item.lettered:
        lines += [f"{a}. {text}" for a, text in zip(item.labels, item.texts, strict=True)]
    elif lettered:
        lines.append(f"Answer {', '.join(item.labels[:-1])} or {item.labels[-1]}.")
    return "\n".join([*lines, "Answer:"])


def shown(item: Item) -> str:
    """The context as the model reads it, with the line break after it; empty where there is none."""
    return f"Abstract: {item.context}\n" if item.context else ""


def continuations(item: Item, *, lettered: bool = True) -> list[str]:
    """What each option continues the prompt with."""
    return [f" {text}" for text in (item.labels if lettered else item.texts)]


def examples(pool: Sequence[Item], shots: int, seed: int, *, lettered: bool = True) -> str:
    """The same `shots` solved questions for every prompt, drawn from a pool that is not evaluated.

    Raises
    ------
    ConsiliumError
        If the pool holds fewer.
    """
    if shots == 0:
        return ""
    if len(pool) < shots:
        raise ConsiliumError(
            f"{shots} examples are wanted, and there are {len(pool)} to draw from."
        )
    solved = [
        shown(item)
        + asked(item, lettered=lettered)
        + continuations(item, lettered=lettered)[item.answer]
        for item in Random(f"shots/{seed}").sample(list(pool), shots)
    ]
    return _OPENING + "".join(f"{text}\n\n" for text in solved)


def encode(
    tokenizer: PreTrainedTokenizerBase, item: Item, limit: int, before: str = "", *, lettered: bool
) -> tuple[list[int], bool]:
    """Token ids of a prompt of at most `limit` tokens, up to "Answer:", and whether the context had to be cut.

    A long context loses its beginning: what an abstract found stands at its end.

    Raises
    ------
    ConsiliumError
        If it does not fit without any context; names file and line.
    """
    start: list[int] = [tokenizer.bos_token_id] if _begins_with_bos(tokenizer) else []
    head = start + _ids(tokenizer, before)
    tail = _ids(tokenizer, "\n" * bool(item.context) + asked(item, lettered=lettered))
    room = limit - len(head) - len(tail)
    if room < 0:
        raise ConsiliumError(
            f"{item.where}: the question takes {len(head) + len(tail):,} tokens with its examples; "
            f"{limit:,} fit."
        )
    # A token is a character at least: what surely does not fit is not tokenised.
    context = _ids(tokenizer, shown(item).removesuffix("\n")[-20 * room :] if item.context else "")
    return head + (context[-room:] if room else []) + tail, len(context) > room


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids if text else []
    return ids


def _begins_with_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether this tokenizer puts its mark of the beginning before a text (Llama, Gemma; not Qwen, SmolLM)."""
    ids = tokenizer("a").input_ids
    return bool(ids) and ids[0] == tokenizer.bos_token_id
