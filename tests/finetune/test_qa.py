"""Medical QA without training: loaders and their faults, prompts, scoring, figures, contamination, calibration."""

import json
import os
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from consilium.assistant.domain import ConsiliumError
from consilium.assistant.settings import load_settings
from consilium.finetune.qa.baseline import tfidf_choices
from consilium.finetune.qa.calibration import fit
from consilium.finetune.qa.contamination import check, texts_of
from consilium.finetune.qa.datasets import Dataset, load
from consilium.finetune.qa.evaluate import QaEvaluation, evaluate
from consilium.finetune.qa.items import Item, make_item
from consilium.finetune.qa.metrics import macro_f1, measure
from consilium.finetune.qa.model import load_model, with_adapter
from consilium.finetune.qa.prompting import asked, encode, examples
from consilium.finetune.qa.scoring import Prompting, named, score

SHARED = Path(os.environ.get("CONSILIUM_SHARED", Path(__file__).parents[2].parent / "shared"))
PUBMED = SHARED / "data" / "qa" / "pubmedqa"
ROW = {"question": "Which is hot?", "options": ["ice", "fire"], "answer": "B"}


def _file(folder: Path, *rows: object, name: str = "test.jsonl") -> Path:
    path = folder / name
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def _yes_no(question: str, answer: int, context: str = "") -> Item:
    labels = ("yes", "no", "maybe")
    return make_item(
        "f, line 1", question, question, labels, answer, labels=labels, context=context
    )


@pytest.fixture(scope="module")
def embedded() -> Path:
    folder = load_settings().home / "models" / "smollm2-135m-instruct"
    if not folder.exists():
        pytest.skip(f"the embedded model is not in {folder} (run `consilium fetch`)")
    return folder


@pytest.fixture(scope="module")
def tokenizer(embedded: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(embedded)


@pytest.mark.parametrize(
    ("dataset", "row"),
    [
        ("jsonl", ROW),
        ("jsonl", {**ROW, "answer": "fire"}),
        ("jsonl", {**ROW, "answer": 1}),
        ("jsonl", {**ROW, "options": {"B": "fire", "A": "ice"}}),
        ("medqa", {**ROW, "options": {"A": "ice", "B": "fire"}, "answer_idx": "B"}),
        ("medmcqa", {"question": "q", "opa": "a", "opb": "fire", "opc": "c", "opd": "d", "cop": 2}),
        ("mmlu", {"question": "q", "choices": ["ice", "fire"], "answer": 1}),
        ("mmlu", 'q,ice,fire,"c, d",e,B'),
    ],
)
def test_each_format_gives_the_same_answer(dataset: Dataset, row: object, tmp_path: Path) -> None:
    name = "test.csv" if isinstance(row, str) else "test.jsonl"
    [item] = load(dataset, _file(tmp_path, row, name=name))
    assert item.texts[item.answer] == "fire"
    assert item.labels[item.answer] == "B"


@pytest.mark.parametrize(
    ("dataset", "row", "says"),
    [
        ("jsonl", "{broken", "this is not JSON"),
        ("jsonl", "[1]", "not a JSON object"),
        ("jsonl", {"question": "q", "options": ["a", "b"]}, "answer is missing"),
        ("jsonl", {"options": ["a", "b"], "answer": "A"}, "question is missing"),
        ("jsonl", {**ROW, "answer": " "}, "the answer is empty"),
        ("jsonl", {**ROW, "answer": "C"}, "none of A, B"),
        ("jsonl", {**ROW, "answer": True}, "none of A, B"),
        ("jsonl", {**ROW, "question": ""}, "question is empty"),
        ("jsonl", {**ROW, "options": ["ice", ""]}, "an option is empty"),
        ("jsonl", {**ROW, "options": ["ice"], "answer": 0}, "1 options"),
        ("medqa", {**ROW, "options": "ice"}, "options is not a list"),
        ("medmcqa", {"question": "q", "opa": "a", "opb": "b", "opc": "c"}, "opd is missing"),
        (
            "medmcqa",
            {"question": "q", "opa": "a", "opb": "b", "opc": "c", "opd": "d", "cop": 0},
            "from 1 to 4",
        ),
    ],
)
def test_a_fault_names_file_and_line(
    dataset: Dataset, row: object, says: str, tmp_path: Path
) -> None:
    good = {
        "medmcqa": {"question": "q", "opa": "a", "opb": "b", "opc": "c", "opd": "d", "cop": 1}
    }.get(dataset, ROW)
    path = _file(tmp_path, good, "", row)
    with pytest.raises(ConsiliumError, match=says) as error:
        load(dataset, path)
    assert f"{path}, line 3" in str(error.value)


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b'{"question": "q"}\n\xe9')
    with pytest.raises(ConsiliumError, match="line 2: this is not UTF-8"):
        load("jsonl", path)
    with pytest.raises(ConsiliumError, match="came before"):
        load("jsonl", _file(tmp_path, {**ROW, "id": "x"}, {**ROW, "id": "x"}))
    with pytest.raises(ConsiliumError, match="no question"):
        load("jsonl", _file(tmp_path, ""))
    with pytest.raises(ConsiliumError, match="6"):
        load("mmlu", _file(tmp_path, "q,a,b,A", name="x.csv"))
    with pytest.raises(ConsiliumError, match="does not exist"):
        load("jsonl", tmp_path / "none")
    with pytest.raises(ConsiliumError, match="no train file"):
        load("medqa", tmp_path, "train")  # a file that does not say so is not trained on


def test_a_file_for_training_is_no_test(tmp_path: Path) -> None:
    _file(tmp_path, ROW, name="my_train.jsonl")
    with pytest.raises(ConsiliumError, match="no test file"):
        load("jsonl", tmp_path)
    assert len(load("jsonl", tmp_path, "train")) == 1
    other = _file(tmp_path, {**ROW, "question": "Which is cold?"}, name="rest.jsonl")
    assert load("jsonl", tmp_path) == load("jsonl", other)


@pytest.mark.parametrize("learns", [{"tfidf": True}, {"shots": 1}])
def test_nothing_learns_from_the_test_questions(learns: dict[str, int], tmp_path: Path) -> None:
    asked = QaEvaluation("jsonl", _file(tmp_path, ROW), **learns)  # type: ignore[arg-type]
    with pytest.raises(ConsiliumError, match=r"give a folder .* --shots-from"):
        evaluate(asked, load_settings())


def test_pubmedqa_keeps_the_official_test_apart() -> None:
    if not PUBMED.exists():
        pytest.skip(f"no PubMedQA at {PUBMED}; set CONSILIUM_SHARED")
    train, test = load("pubmedqa", PUBMED, "train"), load("pubmedqa", PUBMED, "test")
    official = json.loads((PUBMED / "test_ground_truth.json").read_text(encoding="utf-8"))
    assert {item.id for item in test} == set(official)
    assert not {item.id for item in train} & set(official)
    assert measure(test, [0] * 500)["accuracy"]["percent"] == 55.2
    assert all(item.explanation not in item.context for item in train + test)


def test_a_prompt_of_any_length_is_cut_before_the_question(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    item = _yes_no("Is it hot?", 0, "cold " * 100_000 + "At the end it was hot.")
    ids, cut = encode(tokenizer, item, 60, lettered=True)
    text = str(tokenizer.decode(ids))
    assert cut and len(ids) == 60
    assert text.endswith(asked(item)) and "At the end it was hot." in text
    with pytest.raises(ConsiliumError, match=r"f, line 1.*64 fit"):
        encode(tokenizer, _yes_no("hot " * 100_000, 0), 64, lettered=True)


def test_examples_are_solved_and_the_same_for_every_prompt() -> None:
    pool = [_yes_no(f"Question {i}?", i % 3) for i in range(9)]
    text = examples(pool, 3, seed=1)
    assert text == examples(pool, 3, seed=1)
    assert text.count("Answer: ") == 3
    with pytest.raises(ConsiliumError, match="9 to draw from"):
        examples(pool, 10, seed=1)


@pytest.mark.model
@pytest.mark.parametrize("method", ["letter", "option", "generate"])
def test_every_method_scores_with_the_embedded_model(method: str, embedded: Path) -> None:
    items = [make_item("f, line 1", "1", "What do lungs breathe?", ["Air", "Sand"], 0)]
    pool = [make_item("f, line 2", "2", "What is ice?", ["Hot", "Cold"], 1)]
    loaded = load_model(embedded, precision="fp32", device="cpu")
    [answer] = score(loaded, items, Prompting(method, 1, pool))  # type: ignore[arg-type]
    assert answer.choice in (0, 1, None)
    assert bool(answer.text) == (method == "generate")
    with pytest.raises(ConsiliumError, match="no adapter"):
        with_adapter(loaded, embedded / "none")


def test_generated_text_is_read_by_label_then_by_words() -> None:
    item = make_item("f", "1", "q", ["aspirin", "a statin"], 1)
    assert named(item, "The answer is B. A is wrong") == 1
    assert named(item, "a statin") == 1
    assert named(item, "I do not know") is None
    assert named(_yes_no("q", 0), "No, it is not.") == 1


def test_macro_f1_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    truth, made = ["yes", "no", "yes", "maybe"], ["yes", "yes", "no", "maybe"]
    labels = ["yes", "no", "maybe"]
    want = 100 * f1_score(truth, made, labels=labels, average="macro", zero_division=0)
    assert macro_f1(truth, made, labels) == pytest.approx(want)


def test_contamination_finds_what_was_copied(tmp_path: Path) -> None:
    copied = (
        "does early goal directed therapy lower the mortality of septic shock in adult patients?"
    )
    items = [_yes_no(copied, 0), _yes_no("Is a wholly other thing asked here by somebody else?", 0)]
    texts = _file(tmp_path, {"messages": [{"content": f"He said: {copied.upper()}"}]}, {"a": "b"})
    found = check(items, texts_of(texts))
    assert found["ids"] == [copied] and found["training_texts"] == 2


def test_calibration_takes_away_a_lean() -> None:
    torch.manual_seed(0)
    truth = torch.randint(0, 3, (300,))
    logits = 3.0 * torch.nn.functional.one_hot(truth, 3) + torch.randn(300, 3)
    leaning = logits + torch.tensor([6.0, 0.0, 0.0])
    found = fit(leaning, truth.tolist())
    right = found.probabilities(leaning).argmax(dim=1) == truth
    assert (leaning.argmax(dim=1) == truth).float().mean() < 0.6
    assert right.float().mean() > 0.9
    assert found.choice(leaning[0].tolist()) == int(found.probabilities(leaning)[0].argmax())


def test_bag_of_words_learns_labels_and_options() -> None:
    train = [
        _yes_no(f"{i} {'it worked well' if i % 2 else 'it failed'} ?", (i + 1) % 2)
        for i in range(20)
    ]
    assert tfidf_choices(train, train[:4]) == [item.answer for item in train[:4]]
    lettered = [
        make_item("f", str(i), "which is hot ?", ["ice", "fire"][:: 1 if i % 2 else -1], i % 2)
        for i in range(20)
    ]
    assert tfidf_choices(lettered, lettered[:4]) == [item.answer for item in lettered[:4]]
