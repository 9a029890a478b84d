"""`consilium eval qa`: a data set, a model, one report."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.llm.weights import ensure_embedded
from consilium.assistant.settings import Settings
from consilium.finetune.evaluate.report import row_text
from consilium.finetune.qa.baseline import tfidf_choices
from consilium.finetune.qa.calibration import Calibration
from consilium.finetune.qa.card import WEIGHTS, read_card
from consilium.finetune.qa.contamination import check, texts_of
from consilium.finetune.qa.datasets import Dataset, load
from consilium.finetune.qa.items import Item
from consilium.finetune.qa.metrics import measure
from consilium.finetune.qa.model import load_model, with_adapter
from consilium.finetune.qa.scoring import Method, Prompting, score


@dataclass(frozen=True)
class QaEvaluation:
    """What to measure.

    Parameters
    ----------
    data : folder or file of the data set.
    adapter : of `consilium finetune`, or any LoRA adapter; None is the model as it is.
    shots, shots_from : solved examples in the prompt, and the file they are drawn from (default: the training part).
    contamination : JSONL of training texts that are searched for the questions.
    tfidf : also fit a bag-of-words baseline on the training part.
    limit : only the first so many questions; 0 is all.
    """

    dataset: Dataset
    data: Path
    adapter: Path | None = None
    method: Method = "letter"
    shots: int = 0
    shots_from: Path | None = None
    contamination: Path | None = None
    tfidf: bool = False
    limit: int = 0
    seed: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"


def evaluate(asked: QaEvaluation, settings: Settings) -> tuple[dict[str, Any], str]:
    """Report of one run and its text.

    Raises
    ------
    ConsiliumError
        If a row is broken (named by file and line), a question is too long, there is no training part for what is
        to learn from one, or the model cannot be loaded.
    """
    _refuse_its_own_test(asked)
    items = load(asked.dataset, asked.data)
    if asked.limit:
        items = items[: asked.limit]
    pool = _pool(asked, items)
    loaded = load_model(
        settings.model or ensure_embedded(settings.home),
        precision=asked.precision,
        quantization=settings.quantization,
        device=settings.device,
        local_files_only=not settings.allow_download,
    )
    report: dict[str, Any] = {
        "dataset": asked.dataset,
        "questions_sha256": _digest(items),
        "model": loaded.name,
        "adapter": asked.adapter.name if asked.adapter else "",
        "precision": str(loaded.model.dtype).removeprefix("torch."),
        "method": asked.method,
        "shots": asked.shots,
    }
    card = None
    if asked.adapter:
        card = read_card(asked.adapter, loaded.name)
        loaded = with_adapter(loaded, asked.adapter)
        report["weights_sha256"] = sha256((asked.adapter / WEIGHTS).read_bytes()).hexdigest()
    how = Prompting(asked.method, asked.shots, pool, asked.seed, card.max_tokens if card else 0)
    answers = list(score(loaded, items, how))
    choices = [answer.choice for answer in answers]
    if card and card.offsets and asked.method == "letter" and not asked.shots:
        calibration = Calibration(card.scale, tuple(card.offsets))
        choices = [calibration.choice(answer.scores) for answer in answers]
        report["calibrated"] = True
    report["context_cut"] = sum(answer.cut for answer in answers)
    report["answers"] = [
        {
            "id": a.id,
            "choice": None if choice is None else item.labels[choice],
            "right": choice == item.answer,
            "text": a.text,
        }
        for a, choice, item in zip(answers, choices, items, strict=True)
    ]
    report.update(measure(items, choices))
    if asked.tfidf:
        train = load(asked.dataset, asked.data, "train")
        report["tfidf"] = {
            "trained_on": len(train),
            **measure(items, tfidf_choices(train, items)),
        }
    if asked.contamination:
        report["contamination"] = check(items, texts_of(asked.contamination))
    return report, as_text(report)


def _refuse_its_own_test(asked: QaEvaluation) -> None:
    """One file holds both parts in PubMedQA only; of any other, what learns would learn the test questions."""
    if asked.dataset == "pubmedqa" or not asked.data.is_file():
        return
    if asked.tfidf or (asked.shots and not asked.shots_from):
        raise ConsiliumError(
            f"{asked.data} holds the test questions and no training part of its own: give a folder with both parts "
            "(for --tfidf or --shots), or name a file to draw examples from with --shots-from."
        )


def _pool(asked: QaEvaluation, items: Sequence[Item]) -> list[Item]:
    if not asked.shots:
        return []
    if asked.shots_from:
        pool = load("jsonl" if asked.dataset == "pubmedqa" else asked.dataset, asked.shots_from)
    else:
        try:
            pool = load(asked.dataset, asked.data, "train")
        except ConsiliumError as error:
            raise ConsiliumError(
                f"{asked.shots} examples are wanted, and there is nothing to draw them from ({error}) "
                "Name a file with --shots-from."
            ) from error
    questions = {item.question for item in items}
    return [item for item in pool if item.question not in questions]


def _digest(items: Sequence[Item]) -> str:
    text = "\n".join(f"{i.id}\t{i.question}\t{i.context}\t{i.texts}\t{i.answer}" for i in items)
    return sha256(text.encode()).hexdigest()


def as_text(report: dict[str, Any]) -> str:
    """The report as a table for a terminal."""
    majority = report["majority"]
    lines = [
        row_text("accuracy", report["accuracy"]),
        row_text("macro-F1", report["macro_f1"]),
        row_text(f"majority ({majority['label']})", majority),
        f"{'random':<20}{report['random']['percent']:>5.1f} %",
    ]
    if "tfidf" in report:
        lines.append(row_text("TF-IDF + logistic", report["tfidf"]["accuracy"]))
        lines.append(row_text("  macro-F1", report["tfidf"]["macro_f1"]))
    if report["unanswered"]:
        lines.append(f"{report['unanswered']} questions got no answer that names an option")
    if report["context_cut"]:
        lines.append(f"{report['context_cut']} contexts were cut to fit")
    if "contamination" in report:
        found = report["contamination"]
        lines.append(
            f"{found['contaminated']} of {found['questions']} questions share a run of "
            f"{found['ngram']} words with {found['training_texts']} training texts"
        )
    return "\n".join(lines)
