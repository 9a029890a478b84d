"""From questions to batches: token ids, the options' tokens, the right answer; padded on the right.

The answer is the likelihood of each option's first token right after "Answer:".
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.qa.items import Item
from consilium.finetune.qa.prompting import continuations, encode

_NO_OPTION = -1


class Questions(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised questions in memory; `cut` counts those whose context had to be shortened.

    Raises
    ------
    ConsiliumError
        If a question does not fit, or two of its options begin with the same token; names file and line.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, items: Sequence[Item], max_tokens: int
    ) -> None:
        self.rows: list[dict[str, Any]] = []
        self.cut = 0
        for item in items:
            ids, cut = encode(tokenizer, item, max_tokens, lettered=True)
            self.cut += cut
            firsts = [
                tokenizer(text, add_special_tokens=False).input_ids[0]
                for text in continuations(item)
            ]
            if len(set(firsts)) < len(firsts):
                raise ConsiliumError(
                    f"{item.where}: the labels {', '.join(item.labels)} do not differ in their first "
                    "token; letter the options."
                )
            self.rows.append({"ids": ids, "options": firsts, "answer": item.answer})

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """One batch: `input_ids` and `attention_mask` (batch, longest), `options` (batch, most options), `answer`."""
    longest, most = (max(len(row[key]) for row in rows) for key in ("ids", "options"))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    options = torch.full((len(rows), most), _NO_OPTION)
    for at, row in enumerate(rows):
        ids[at, : len(row["ids"])] = torch.tensor(row["ids"])
        mask[at, : len(row["ids"])] = 1
        options[at, : len(row["options"])] = torch.tensor(row["options"])
    answers = torch.tensor([row["answer"] for row in rows])
    return {"input_ids": ids, "attention_mask": mask, "options": options, "answer": answers}


def option_logits(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Logits of each question's options, shape (batch, most options); -1e4 where a question has fewer."""
    ends = batch["attention_mask"].sum(dim=1) - 1
    places, place = torch.unique(ends, return_inverse=True)
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        logits_to_keep=places,
        use_cache=False,
    ).logits
    last: torch.Tensor = logits[torch.arange(len(place), device=place.device), place].float()
    options = batch["options"]
    return last.gather(1, options.clamp(min=0)).masked_fill(options == _NO_OPTION, -1e4)
