"""How good the search is: on chest-film reports, on patients with outcomes, on negation, on strange requests.

Everything runs through `CaseSearch` as users get it. Embeddings are cached under the data folder, so an
interrupted evaluation goes on where it was.
"""

import csv
import gzip
import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import Case
from consilium.tools.cases.embedder import Embedder
from consilium.tools.cases.index import Vectors
from consilium.tools.cases.negation import matched_text
from consilium.tools.cases.query import read_query
from consilium.tools.cases.report import wilson
from consilium.tools.cases.search import CaseSearch
from consilium.tools.cases.shards import embed_resumably
from consilium.tools.cases.support2 import read_support2
from consilium.tools.contract import ToolError
from consilium.tools.imaging.logistic import fit_logistic, sigmoid
from consilium.tools.imaging.metrics import auc, patient_bootstrap

FILMS, PATIENTS = "iu_xray_reports/indiana_reports.csv", "support2/support2.csv.gz"
TRIALS = Path(__file__).parent / "trials.yaml"
VOTES = (20, 50, 100)  # neighbours whose outcomes are averaged

_Floats = npt.NDArray[np.float64]
_DEPTH = 10  # of nDCG
_SPARE = 40  # hits asked for, so that ten are left without copies of the request
_DRAWS = 1000  # of the bootstrap
_TEST_PATIENTS = 2000
_HORIZON = 180  # days
_NOT_INDEXED = {"normal", "no indexing"}  # "Problems" that are no finding
_NUMBERS = (
    "age num.co scoma adlp adls hday meanbp wblc hrt resp temp pafi alb bili crea sod ph glucose bun urine"
    " diabetes dementia"
).split()
_KINDS = ("sex", "dzgroup", "ca")


class Figure(BaseModel):
    """A measured value with its 95 % interval."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    n: int


Figures = dict[str, Figure]


class Report(BaseModel):
    """All figures, and a hash of each data file that they are from."""

    data: dict[str, str]
    model: str
    films: Figures
    films_unseen_half: Figures
    films_whole_text: Figures
    patients: Figures
    negation: Figures
    near: Figures


def evaluate(folder: Path, embedder: Embedder, cache: Path) -> Report:
    """Measure everything on a folder like `data/cases`.

    Raises
    ------
    ToolError
        If the folder does not hold the data.
    """
    for name in (FILMS, PATIENTS):
        if not (folder / name).is_file():
            raise ToolError(f"The folder does not hold {name}: name the one that does.")
    known = _Remembering(embedder, cache)
    trials = yaml.safe_load(TRIALS.read_text(encoding="utf-8"))
    films, whole, unseen, near_films = _films(folder / FILMS, known, trials)
    patients, near_patients = _patients(folder / PATIENTS, known, trials)
    return Report(
        data={name: _sha256(folder / name) for name in (FILMS, PATIENTS)},
        model=f"{embedder.info.name} {embedder.info.sha256[:12]}",
        films=films,
        films_unseen_half=unseen,
        films_whole_text=whole,
        patients=patients,
        negation=_negation(known, trials),
        near={**near_films, **near_patients},
    )


class _Remembering:
    """An embedder that embeds each text once, over interruptions too."""

    def __init__(self, embedder: Embedder, cache: Path) -> None:
        self.info, self._embedder, self._cache = embedder.info, embedder, cache
        self._known: dict[str, Vectors] = {}

    def learn(self, texts: Sequence[str]) -> None:
        """Embed texts with a progress bar, or take them from the cache."""
        vectors = embed_resumably(self._embedder, list(dict.fromkeys(texts)), self._cache)
        self._known.update(zip(dict.fromkeys(texts), vectors, strict=True))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [n, dimension] of length 1."""
        unknown = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(unknown, self._embedder.embed(unknown), strict=True))
        return np.stack([self._known[text] for text in texts])


@contextmanager
def _search(cases: Sequence[Case], embedder: _Remembering) -> Iterator[CaseSearch]:
    """The search over a case base that exists for the evaluation only."""
    texts = [matched_text(case.text) for case in cases]
    embedder.learn(texts)
    with tempfile.TemporaryDirectory() as folder:
        base = CaseBase(Path(folder))
        base.create(embedder.info)
        base.add(cases, embedder.embed(texts), deduplicate=False)
        yield CaseSearch(base.snapshot(), embedder)


def _films(
    path: Path, embedder: _Remembering, trials: Mapping[str, list[str]]
) -> tuple[Figures, Figures, Figures, Figures]:
    """Reports that share a "Problems" term are relevant to each other; copies of a text do not count."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [
            (f"iu-{row['uid']}", f"{row['findings'].strip()} {row['impression'].strip()}".strip(),
             _problems(row["Problems"]))
            for row in csv.DictReader(lines)
        ]  # fmt: skip
    rows = [row for row in rows if row[1]]
    texts, problems = [row[1] for row in rows], [row[2] for row in rows]
    place = {row[0]: i for i, row in enumerate(rows)}
    asked = [i for i, terms in enumerate(problems) if terms]
    terms = sorted(set().union(*problems))
    holds = np.array([[term in found for term in terms] for found in problems], np.float32)
    copies = np.unique(texts, return_inverse=True)[1]

    def judged(i: int, found: Sequence[int]) -> tuple[float, ...]:
        relevant = (holds @ holds[i] > 0) & (copies != copies[i])
        best = [j for j in found if copies[j] != copies[i]][:_DEPTH]
        return _ranked(relevant[best].astype(float), int(relevant.sum()))

    with _search([Case(id=row[0], text=row[1]) for row in rows], embedder) as search:
        ours = []
        for i in tqdm(asked, desc="film reports", unit="request", disable=None):
            hits = search.search(texts[i], _SPARE).hits
            ours.append(judged(i, [place[hit.case.id] for hit in hits]))
        near = _near(search, "films", trials)
    embedder.learn(texts)
    vectors = embedder.embed(texts)
    whole = [
        judged(i, np.argsort(-(vectors @ vectors[i]), kind="stable")[:500].tolist()) for i in asked
    ]
    half = np.array([int(rows[i][0].removeprefix("iu-")) % 2 == 1 for i in asked])
    return _rankings(ours), _rankings(whole), _rankings(np.array(ours)[half].tolist()), near


def _problems(cell: str) -> frozenset[str]:
    return (
        frozenset(term.strip().lower() for term in cell.split(";") if term.strip()) - _NOT_INDEXED
    )


def _ranked(hits: _Floats, relevant: int) -> tuple[float, ...]:
    """P@5, P@1 and nDCG@10 of one request (Järvelin 2002, ACM Trans Inf Syst 20:422)."""
    gains = np.zeros(_DEPTH)
    gains[: len(hits)] = hits
    discounts = 1 / np.log2(np.arange(2, _DEPTH + 2))
    ideal = discounts[: min(_DEPTH, relevant)].sum()
    return gains[:5].mean(), gains[0], float(gains @ discounts / ideal) if relevant else 0.0


def _rankings(scores: Sequence[tuple[float, ...]]) -> Figures:
    columns = np.array(scores).T
    return {
        name: _mean(column) for name, column in zip(("P@5", "P@1", "nDCG@10"), columns, strict=True)
    }


def _patients(
    path: Path, embedder: _Remembering, trials: Mapping[str, list[str]]
) -> tuple[Figures, Figures]:
    """Death within 180 days, voted by the nearest reference patients and fitted on their table."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        cases = read_support2(lines)
    died = np.array([float(bool(case.outcome.died_within(_HORIZON))) for case in cases])
    order = np.random.default_rng(0).permutation(len(cases))
    asked, reference = order[:_TEST_PATIENTS], np.sort(order[_TEST_PATIENTS:])
    votes = np.empty((len(VOTES), len(asked)))
    with _search(cases, embedder) as search:
        all_rows = search.snapshot.rows()
        for n, i in enumerate(tqdm(asked, desc="patients", unit="request", disable=None)):
            found, _ = search.ranking(read_query(cases[i].text), all_rows[reference])
            outcomes = died[np.searchsorted(all_rows, found)]
            votes[:, n] = [outcomes[:k].mean() for k in VOTES]
        near = _near(search, "patients", trials)
    figures = {
        f"vote of {k}": _auc(died[asked], vote) for k, vote in zip(VOTES, votes, strict=True)
    }
    fitted = _logistic(rows, died, asked, reference)
    figures["logistic regression"] = _auc(died[asked], fitted)
    return figures, near


def _logistic(
    rows: Sequence[Mapping[str, str]], died: _Floats, asked: npt.NDArray[np.intp],
    reference: npt.NDArray[np.intp],
) -> _Floats:  # fmt: skip
    """Probabilities of a ridge logistic regression on the table's columns, gaps filled by the mean."""
    numbers = np.array(
        [[float(row[c]) if row[c].strip() else np.nan for c in _NUMBERS] for row in rows]
    )
    numbers = np.where(np.isnan(numbers), np.nanmean(numbers[reference], axis=0), numbers)
    kinds = [(c, value) for c in _KINDS for value in sorted({row[c] for row in rows})]
    flags = np.array([[float(row[c] == value) for c, value in kinds] for row in rows])
    design = np.hstack([numbers, flags])
    middle, spread = design[reference].mean(axis=0), design[reference].std(axis=0)
    design = np.hstack([(design - middle) / np.maximum(spread, 1e-9), np.ones((len(rows), 1))])
    beta = fit_logistic(
        design[reference], died[reference], np.ones(len(reference)), np.zeros(design.shape[1]), 1.0
    )
    return sigmoid(design[asked] @ beta)


def _negation(embedder: _Remembering, trials: Mapping[str, list[list[str]]]) -> Figures:
    """Pairs in which the text that says it is found before the text that denies it."""
    figures = {}
    for part in ("negation", "negation_unseen"):
        pairs = trials[part]
        cases = [
            Case(id=f"{i}-{name}", text=text)
            for i, (_, *texts) in enumerate(pairs)
            for name, text in zip(("yes", "no"), texts, strict=True)
        ]
        ours, whole = [], []
        with _search(cases, embedder) as search:
            for i, (asked, yes, no) in enumerate(pairs):
                found = [hit.case.id for hit in search.search(asked, len(cases)).hits]
                ours.append(_before(found, f"{i}-yes", f"{i}-no"))
                request, first, second = embedder.embed([asked, yes, no])
                whole.append(float(request @ first) > float(request @ second))
        figures[part] = _share(ours)
        figures[f"{part}, embeddings of the whole text"] = _share(whole)
    return figures


def _before(found: Sequence[str], first: str, second: str) -> bool:
    if first not in found:
        return False
    return second not in found or found.index(first) < found.index(second)


def _near(search: CaseSearch, base: str, trials: Mapping[str, list[str]]) -> Figures:
    """How often the search says that something is near."""
    return {
        f"{part} requests to {base}": _share([search.search(text, 3).near for text in trials[part]])
        for part in (f"clinical_{base}", "strange")
    }


def _share(right: Sequence[bool]) -> Figure:
    low, high = wilson(sum(right), len(right))
    return Figure(
        value=round(sum(right) / len(right), 4),
        low=round(low, 4),
        high=round(high, 4),
        n=len(right),
    )


def _mean(values: _Floats) -> Figure:
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(_DRAWS)]
    return _figure(float(values.mean()), np.percentile(means, (2.5, 97.5)), len(values))


def _auc(labels: _Floats, scores: _Floats) -> Figure:
    everyone = [str(i) for i in range(len(labels))]
    interval = patient_bootstrap(auc, labels, scores, everyone, _DRAWS)
    return _figure(auc(labels, scores), interval, len(labels))


def _figure(value: float, interval: Sequence[float] | _Floats, count: int) -> Figure:
    low, high = (round(float(limit), 4) for limit in interval)
    return Figure(value=round(value, 4), low=low, high=high, n=count)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def told(report: Report) -> Iterator[str]:
    """The figures as lines of text."""
    parts = {
        "film reports": report.films,
        "film reports, the half not used for choosing": report.films_unseen_half,
        "film reports, embeddings of the whole text": report.films_whole_text,
        "patients, AUROC of 180-day death": report.patients,
        "negation, pairs in order": report.negation,
        "called near": report.near,
    }
    for title, figures in parts.items():
        yield title
        for name, figure in figures.items():
            yield (
                f"  {name:<48} {figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f}),"
                f" n = {figure.n:,}"
            )
