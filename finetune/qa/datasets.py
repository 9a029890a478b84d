"""Loaders of the data sets, in the files their authors publish, and of any JSON Lines file.

pubmedqa : ori_pqal.json and test_ground_truth.json; "test" is the official 500, "train" the other 500. The
    conclusion of each abstract is kept apart (`explanation`): the "reasoning required" setting.
medqa : JSON Lines with question, options {A: ..., ...}, answer_idx (or answer in words).
medmcqa : JSON Lines with question, opa, opb, opc, opd, cop counted from 1.
mmlu : CSV without a header (question, four options, letter), or JSON Lines with question, choices, answer.
jsonl : JSON Lines with question, options (a list, or an object of labels), answer (label, words, or a number
    counted from 0), and if wanted id, context, explanation.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from consilium.assistant.domain import ConsiliumError
from consilium.finetune.qa.items import Item, letters, make_item, unique
from consilium.finetune.qa.rows import (
    csv_rows,
    field,
    json_lines,
    json_object,
    optional,
    position,
    texts,
)

Dataset = Literal["pubmedqa", "medqa", "medmcqa", "mmlu", "jsonl"]
Split = Literal["train", "test"]

_DECISIONS = ("yes", "no", "maybe")
_PATTERNS: Mapping[str, tuple[str, ...]] = {
    "medqa": ("*{split}*.jsonl", "*.jsonl"),
    "medmcqa": ("{other}.json", "*{split}*.json*", "*.json*"),
    "mmlu": ("*{split}*.csv", "*{split}*.jsonl", "*.csv", "*.jsonl"),
    "jsonl": ("*{split}*.jsonl", "*.jsonl"),
}


def load(dataset: Dataset, data: Path, split: Split = "test") -> list[Item]:
    """The questions of a data set.

    Parameters
    ----------
    data : a folder with the files as published, or one file.
    split : "train" is for fine-tuning and for examples in the prompt.

    Raises
    ------
    ConsiliumError
        If a file is missing or a row is broken; names file and line.
    """
    if not data.exists():
        raise ConsiliumError(f"{data} does not exist.")
    if dataset == "pubmedqa":
        return _pubmedqa(data, split)
    readers: Mapping[str, Callable[[Path], Iterator[Item]]] = {
        "medqa": _medqa,
        "medmcqa": _medmcqa,
        "mmlu": _mmlu,
        "jsonl": _any,
    }
    files = [data] if data.is_file() else _files(dataset, data, split)
    return unique((item for file in files for item in readers[dataset](file)), data)


def _files(dataset: str, folder: Path, split: Split) -> list[Path]:
    for pattern in _PATTERNS[dataset]:
        named = "{split}" in pattern or "{other}" in pattern
        paths = folder.glob(
            pattern.format(split=split, other="dev" if split == "test" else "train")
        )
        # a file that says it is for training is no test
        found = sorted(
            path for path in paths if split == "train" or "train" not in path.name.lower()
        )
        if split == "train" and not named:
            break  # a file that does not say so is not taken for training data
        if found and (len(found) == 1 or dataset == "mmlu"):
            return found
        if found:
            names = ", ".join(path.name for path in found)
            raise ConsiliumError(f"{folder} holds several files ({names}): name one of them.")
    raise ConsiliumError(f"{folder} holds no {split} file of {dataset}; name the file itself.")


def _pubmedqa(data: Path, split: Split) -> list[Item]:
    folder = data if data.is_dir() else data.parent
    source = folder / "ori_pqal.json" if data.is_dir() else data
    truth = folder / "test_ground_truth.json"
    test = {} if not truth.exists() else _test_decisions(truth)
    if not test:
        raise ConsiliumError(
            f"{truth} is not there or is empty: without it nobody knows which questions are the test."
        )
    items = []
    for where, name, row in json_object(source):
        if (name in test) != (split == "test"):
            continue
        decision = field(where, row, "final_decision")
        labels = row.get("LABELS") or [""] * len(texts(where, row, "CONTEXTS"))
        parts = [
            f"{str(label).capitalize()}: {text}" if label else text
            for label, text in zip(labels, texts(where, row, "CONTEXTS"), strict=False)
        ]
        answer = position(where, _DECISIONS, _DECISIONS, decision)
        if split == "test" and test[name] != decision:
            raise ConsiliumError(
                f"{where}: the answer is {decision}, in {truth.name} {test[name]}."
            )
        items.append(
            make_item(
                where,
                name,
                field(where, row, "QUESTION"),
                _DECISIONS,
                answer,
                labels=_DECISIONS,
                context="\n".join(parts),
                explanation=optional(where, row, "LONG_ANSWER"),
            )
        )
    if split == "test" and (lacking := set(test) - {item.id for item in items}):
        raise ConsiliumError(f"{source} lacks the test question {min(lacking)}.")
    return unique(items, source)


def _test_decisions(path: Path) -> dict[str, Any]:
    import json

    from consilium.finetune.qa.rows import text_of

    try:
        found = json.loads(text_of(path))
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ConsiliumError(f"{path}, line {line}: this is not JSON ({error}).") from error
    if not isinstance(found, dict):
        raise ConsiliumError(f"{path}, line 1: this is not a JSON object.")
    return found


def _medqa(path: Path) -> Iterator[Item]:
    for number, (where, row) in enumerate(json_lines(path), start=1):
        yield _with_options(where, row, str(row.get("id", number)), ("answer_idx", "answer"))


def _any(path: Path) -> Iterator[Item]:
    for number, (where, row) in enumerate(json_lines(path), start=1):
        yield _with_options(where, row, str(row.get("id", number)), ("answer",))


def _with_options(where: str, row: Mapping[str, Any], name: str, answers: tuple[str, ...]) -> Item:
    question = field(where, row, "question")
    options = row.get("options")
    if isinstance(options, dict) and all(isinstance(text, str) for text in options.values()):
        labels, words = tuple(map(str, options)), list(options.values())
    else:
        words = texts(where, row, "options")
        labels = letters(len(words))
    given = next((row[key] for key in answers if key in row), None)
    if given is None:
        raise ConsiliumError(f"{where}: the column {answers[-1]} is missing.")
    return make_item(
        where,
        name,
        question,
        words,
        position(where, labels, words, given),
        labels=labels,
        context=optional(where, row, "context"),
        explanation=optional(where, row, "explanation"),
    )


def _medmcqa(path: Path) -> Iterator[Item]:
    for number, (where, row) in enumerate(json_lines(path), start=1):
        options = [field(where, row, f"op{letter}") for letter in "abcd"]
        if "cop" not in row:
            raise ConsiliumError(f"{where}: the column cop is missing.")
        right = row["cop"]
        if not isinstance(right, int) or isinstance(right, bool) or not 1 <= right <= 4:
            raise ConsiliumError(f"{where}: cop is {right!r}; it is counted from 1 to 4.")
        yield make_item(
            where,
            str(row.get("id") or number),
            field(where, row, "question"),
            options,
            right - 1,
            explanation=optional(where, row, "exp"),
        )


def _mmlu(path: Path) -> Iterator[Item]:
    if path.suffix == ".jsonl":
        for number, (where, row) in enumerate(json_lines(path), start=1):
            words = texts(where, row, "choices")
            if "answer" not in row:
                raise ConsiliumError(f"{where}: the column answer is missing.")
            answer = position(where, letters(len(words)), words, row["answer"])
            name = f"{path.stem}-{number}"
            yield make_item(where, name, field(where, row, "question"), words, answer)
        return
    for number, (where, cells) in enumerate(csv_rows(path), start=1):
        if len(cells) != 6:
            raise ConsiliumError(
                f"{where}: {len(cells)} columns instead of 6 (question, four options, letter)."
            )
        question, *words, right = cells
        answer = position(where, letters(4), words, right)
        yield make_item(where, f"{path.stem}-{number}", question, words, answer)
