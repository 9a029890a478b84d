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
from pydantic import BaseModel
from tqdm import tqdm

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import MAX_TEXT, Case
from consilium.tools.cases.embedder import Embedder
from consilium.tools.cases.index import Vectors
from consilium.tools.cases.measures import DEPTH, Figures, Floats, area, ranked, rankings, share
from consilium.tools.cases.negation import matched_text
from consilium.tools.cases.query import read_query
from consilium.tools.cases.search import CaseSearch, Hit
from consilium.tools.cases.shards import embed_resumably
from consilium.tools.cases.support2 import read_support2
from consilium.tools.contract import ToolError
from consilium.tools.imaging.logistic import fit_logistic, sigmoid

PAIRS = "negation.csv"
FILMS, PATIENTS = "iu_xray_reports/indiana_reports.csv", "support2/support2.csv.gz"
TRIALS = Path(__file__).parent / "trials.yaml"
VOTES = (20, 50, 100)  # neighbours whose outcomes are averaged

_SPARE = 40  # hits asked for, so that ten are left without copies of the request
_TEST_PATIENTS = 2000
_HORIZON = 180  # days
_NOT_INDEXED = {"normal", "no indexing"}  # "Problems" that are no finding
_NUMBERS = (
    "age num.co scoma adlp adls hday meanbp wblc hrt resp temp pafi alb bili crea sod ph glucose bun urine"
    " diabetes dementia"
).split()
_KINDS = ("sex", "dzgroup", "ca")


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
    """Measure everything on a folder like `data/cases`; what it does not hold is left out.

    Parameters
    ----------
    folder : with `FILMS`, `PATIENTS`, and `PAIRS` (columns ask, says, denies), at least one of them.
    cache : folder for embeddings.

    Raises
    ------
    ToolError
        If the folder holds none of the data, or a file has not the columns that it needs.
    """
    there = {name: folder / name for name in (FILMS, PATIENTS, PAIRS) if (folder / name).is_file()}
    if not there:
        raise ToolError(f"The folder holds neither {FILMS} nor {PATIENTS}: name the one that does.")
    known = _Remembering(embedder, cache)
    trials = yaml.safe_load(TRIALS.read_text(encoding="utf-8"))
    near: Figures = {}
    films: list[Figures] = [{}, {}, {}]
    patients: Figures = {}
    try:
        if FILMS in there:
            *films, near_films = _films(there[FILMS], known, trials)
            near |= near_films
        if PATIENTS in there:
            patients, near_patients = _patients(there[PATIENTS], known, trials)
            near |= near_patients
        pairs = {"negation": trials["negation"], "negation_unseen": trials["negation_unseen"]}
        if PAIRS in there:
            pairs[PAIRS] = _pairs(there[PAIRS])
    except (KeyError, UnicodeDecodeError, csv.Error, gzip.BadGzipFile) as error:
        raise ToolError(
            f"A file of the folder cannot be read as what it is named: {error}."
        ) from error
    return Report(
        data={name: _sha256(path) for name, path in there.items()},
        model=f"{embedder.info.name} {embedder.info.sha256[:12]}",
        films=films[0],
        films_whole_text=films[1],
        films_unseen_half=films[2],
        patients=patients,
        negation=_negation(known, pairs),
        near=near,
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
            (row["uid"], _told(row), _problems(row["Problems"] or ""))
            for row in csv.DictReader(lines)
        ]
    rows = [row for row in rows if row[1]]
    texts, problems = [row[1] for row in rows], [row[2] for row in rows]
    cases = [Case(id=f"film-{i}", text=text) for i, text in enumerate(texts)]
    place = {case.id: i for i, case in enumerate(cases)}
    asked = [i for i, terms in enumerate(problems) if terms]
    terms = sorted(set().union(*problems))
    holds = np.array([[term in found for term in terms] for found in problems], np.float32)
    copies = np.unique(texts, return_inverse=True)[1]

    def judged(i: int, found: Sequence[int]) -> tuple[float, ...]:
        relevant = (holds @ holds[i] > 0) & (copies != copies[i])
        best = [j for j in found if copies[j] != copies[i]][:DEPTH]
        return ranked(relevant[best].astype(float), int(relevant.sum()))

    if not asked:
        raise ToolError(f"{FILMS} names no finding in its column Problems.")
    with _search(cases, embedder) as search:
        ours = []
        for i in tqdm(asked, desc="film reports", unit="request", disable=None):
            hits = _hits(search, texts[i], _SPARE)
            ours.append(judged(i, [place[hit.case.id] for hit in hits]))
        near = _near(search, "films", trials)
    embedder.learn(texts)
    vectors = embedder.embed(texts)
    whole = [
        judged(i, np.argsort(-(vectors @ vectors[i]), kind="stable")[:500].tolist()) for i in asked
    ]
    unseen = [
        score for i, score in zip(asked, ours, strict=True)
        if rows[i][0].isdigit() and int(rows[i][0]) % 2
    ]  # fmt: skip
    return rankings(ours), rankings(whole), rankings(unseen) if unseen else {}, near


def _told(row: Mapping[str, str | None]) -> str:
    return f"{(row['findings'] or '').strip()} {(row['impression'] or '').strip()}".strip()[
        :MAX_TEXT
    ]


def _hits(search: CaseSearch, request: str, count: int) -> tuple[Hit, ...]:
    """What a request finds; nothing where it says nothing."""
    try:
        return search.search(request, count).hits
    except ToolError:
        return ()


def _problems(cell: str) -> frozenset[str]:
    return (
        frozenset(term.strip().lower() for term in cell.split(";") if term.strip()) - _NOT_INDEXED
    )


def _patients(
    path: Path, embedder: _Remembering, trials: Mapping[str, list[str]]
) -> tuple[Figures, Figures]:
    """Death within 180 days, voted by the nearest reference patients and fitted on their table."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        cases = read_support2(lines)
    died = np.array([float(bool(case.outcome.died_within(_HORIZON))) for case in cases])
    tested = min(_TEST_PATIENTS, len(cases) // 4)
    order = np.random.default_rng(0).permutation(len(cases))
    asked, reference = order[:tested], np.sort(order[tested:])
    if len(set(died[asked])) < 2:
        raise ToolError(f"{PATIENTS} holds too few patients, or all or none of them died.")
    votes = np.empty((len(VOTES), len(asked)))
    with _search(cases, embedder) as search:
        all_rows = search.snapshot.rows()
        for n, i in enumerate(tqdm(asked, desc="patients", unit="request", disable=None)):
            found, _ = search.ranking(read_query(cases[i].text), all_rows[reference])
            outcomes = died[np.searchsorted(all_rows, found)]
            votes[:, n] = [outcomes[:k].mean() for k in VOTES]
        near = _near(search, "patients", trials)
    figures = {
        f"vote of {k}": area(died[asked], vote) for k, vote in zip(VOTES, votes, strict=True)
    }
    fitted = _logistic(rows, died, asked, reference)
    figures["logistic regression"] = area(died[asked], fitted)
    return figures, near


def _logistic(
    rows: Sequence[Mapping[str, str]], died: Floats, asked: npt.NDArray[np.intp],
    reference: npt.NDArray[np.intp],
) -> Floats:  # fmt: skip
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


def _pairs(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        pairs = [[row["ask"], row["says"], row["denies"]] for row in csv.DictReader(lines)]
    if not pairs or not all(map(all, pairs)):
        raise ToolError(
            f"{PAIRS} needs in every row what is asked, what says it and what denies it."
        )
    return pairs


def _negation(embedder: _Remembering, trials: Mapping[str, list[list[str]]]) -> Figures:
    """Pairs in which the text that says it is found before the text that denies it."""
    figures = {}
    for part, pairs in trials.items():
        cases = [
            Case(id=f"{i}-{name}", text=text)
            for i, (_, *texts) in enumerate(pairs)
            for name, text in zip(("yes", "no"), texts, strict=True)
        ]
        ours, whole = [], []
        with _search(cases, embedder) as search:
            for i, (asked, yes, no) in enumerate(pairs):
                found = [hit.case.id for hit in _hits(search, asked, len(cases))]
                ours.append(_before(found, f"{i}-yes", f"{i}-no"))
                request, first, second = embedder.embed([asked, yes, no])
                whole.append(float(request @ first) > float(request @ second))
        figures[part] = share(ours)
        figures[f"{part}, embeddings of the whole text"] = share(whole)
    return figures


def _before(found: Sequence[str], first: str, second: str) -> bool:
    if first not in found:
        return False
    return second not in found or found.index(first) < found.index(second)


def _near(search: CaseSearch, base: str, trials: Mapping[str, list[str]]) -> Figures:
    """How often the search says that something is near."""
    return {
        f"{part} requests to {base}": share([search.search(text, 3).near for text in trials[part]])
        for part in (f"clinical_{base}", "strange")
    }


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
        if figures:
            yield title
        for name, figure in figures.items():
            yield (
                f"  {name:<48} {figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f}),"
                f" n = {figure.n:,}"
            )
