"""From conversations to batches: chat messages, token ids with labels, padding, the order of training."""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from consilium import prompts
from consilium.assistant.llm import template
from consilium.finetune.synthesis.example import Conversation
from consilium.tools.registry import TOOLS

IGNORED = -100  # the label of a token that is not learned


def messages(conversation: Conversation, *, with_answer: bool = True) -> list[template.Message]:
    """A conversation as chat messages; without the last answer it ends at the last turn's calls."""
    chat: list[template.Message] = []
    last = conversation.turns[-1]
    for turn in conversation.turns:
        chat.append(template.user_message(turn.user, turn.attachments))
        if turn.calls:
            calls = [(call.name, call.arguments) for call in turn.calls]
            chat.append(template.call_message(calls, TOOLS.values()))
            if turn is last and not with_answer:
                break
            chat += [
                template.result_message(
                    call.name, template.render_result(result), earlier=turn is not last
                )
                for call, result in zip(turn.complete, turn.results, strict=True)
            ]
        if turn.complete or not turn.calls:  # else the house asks for what is null
            chat.append(template.words_message(turn.reply))
    return chat


def tokenise(
    tokenizer: PreTrainedTokenizerBase, chat: Sequence[template.Message]
) -> tuple[list[int], list[int]]:
    """Token ids of a chat and its labels: the id itself where the assistant speaks, -100 elsewhere.

    Words about earlier results are not learned: of these the chat holds the summaries only, the words may say more.
    """
    encoded: Any = tokenizer.apply_chat_template(
        [dict(message) for message in chat],  # type: ignore[arg-type]
        chat_template=prompts.load("chat.jinja"),
        return_assistant_tokens_mask=True,
        return_dict=True,
    )
    ids: list[int] = encoded["input_ids"]
    labels = []
    learned = iter(_learned(chat))
    for spoken, run in groupby(
        zip(ids, encoded["assistant_masks"], strict=True), key=itemgetter(1)
    ):
        kept = spoken and next(learned)
        labels += [token if kept else IGNORED for token, _ in run]
    return ids, labels


def _learned(chat: Sequence[template.Message]) -> list[bool]:
    """Of each of the assistant's messages, whether it is learned."""
    return [
        "tool_calls" in message or before["role"] != "tool" or message is chat[-1]
        for before, message in pairwise(chat)
        if message["role"] == "assistant"
    ]


def tokenise_fitting(
    tokenizer: PreTrainedTokenizerBase, chat: Conversation, longest: int, *, with_answer: bool
) -> tuple[list[int], list[int]] | None:
    """`tokenise` as many of a chat's turns, from the first, as have `longest` tokens; None where one has more.

    Before a turn is left out, its answer is.
    """
    for turns in range(len(chat.turns), 0, -1):
        part = chat.model_copy(update={"turns": chat.turns[:turns]})
        for answered in (True, False) if with_answer else (False,):
            row = tokenise(tokenizer, messages(part, with_answer=answered))
            if len(row[0]) <= longest:
                return row
    return None


class Examples(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised conversations, in memory; a row has `input_ids`, `labels` and `length`."""

    def __init__(self, rows: Iterable[tuple[list[int], list[int]]]) -> None:
        self.rows: list[dict[str, Any]] = [
            {"input_ids": ids, "labels": labels, "length": len(ids)} for ids, labels in rows
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Pad on the right: ids with 0 (masked), labels with -100; each of shape (batch, longest)."""
    ids = [torch.tensor(row["input_ids"]) for row in rows]
    labels = [torch.tensor(row["labels"]) for row in rows]
    return {
        "input_ids": pad_sequence(ids, batch_first=True),
        "attention_mask": pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
        "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED),
    }


class BatchesOfLikeLength(torch.utils.data.Sampler[int]):
    """Indices such that each batch has examples of like length (little padding), the batches in random order.

    Sorted batches in a row, as in transformers' own sampler, end each round with the short examples, which are
    mostly questions and answers: the model then forgot to call.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths, self._batch_size, self._seed = lengths, batch_size, seed

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        draw = random.Random(self._seed)
        jitter = [length + draw.uniform(0, 16) for length in self._lengths]
        order = sorted(range(len(jitter)), key=jitter.__getitem__)
        batches = [order[i : i + self._batch_size] for i in range(0, len(order), self._batch_size)]
        short = batches.pop() if len(batches[-1]) < self._batch_size else []
        draw.shuffle(batches)  # a short batch goes last: the loader cuts by a fixed size
        return (index for batch in [*batches, short] for index in batch)
