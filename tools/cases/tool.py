"""The specialist as the chair calls it: a case in words, and a film if there is one; cases with their ids out."""

import csv
import threading
import uuid

from consilium.tools.cases import filters, report
from consilium.tools.cases.contract import MAX_CASES, FindSimilarCases
from consilium.tools.cases.embedder import load_embedder
from consilium.tools.cases.generation import EMPTY
from consilium.tools.cases.location import open_store
from consilium.tools.cases.pictures import FilmSearch, NearFilm
from consilium.tools.cases.query import Query, is_foreign, read_query
from consilium.tools.cases.quoting import cell, reads_like_an_order
from consilium.tools.cases.report import CaseLine, FilmLine
from consilium.tools.cases.search import CaseSearch, Found, Hit
from consilium.tools.contract import Artifact, ToolContext, ToolError, ToolResult
from consilium.tools.home import data_home

_COLUMNS = (
    "rank", "case", "similarity_percent", "age", "sex", "diagnoses", "shared", "differs",
    "outcome", "text", "collection",
)  # fmt: skip


class CaseFinder:
    """The case base with its embedding model, and the indexed films.

    Follows the base: what is added or removed is seen by the next call.
    """

    def __init__(self) -> None:
        self._store = open_store()
        self._opening = threading.Lock()
        snapshot = self._store.snapshot()
        self._search = CaseSearch(snapshot, load_embedder(snapshot.model))
        self._search.prepare()
        self.films = FilmSearch(data_home())

    def search(self) -> CaseSearch:
        """The search over the base as it is now."""
        snapshot = self._store.snapshot()
        with self._opening:
            if snapshot is not self._search.snapshot:
                same = snapshot.model == self._search.snapshot.model
                embedder = self._search.embedder if same else load_embedder(snapshot.model)
                self._search = CaseSearch(snapshot, embedder)
            return self._search


_loading = threading.Lock()
_loaded: list[CaseFinder] = []


def load_finder() -> CaseFinder:
    """Open the case base and its model once, whichever thread comes first.

    Raises
    ------
    ToolError
        If there is no case base or no model, or one of them is damaged.
    """
    with _loading:
        if not _loaded:
            _loaded.append(CaseFinder())
        return _loaded[0]


def find_similar_cases(args: FindSimilarCases, context: ToolContext) -> ToolResult:
    """Find the cases most like the one described; and the films most like the attached one.

    Raises
    ------
    ToolError
        If the request says nothing to compare, the attachment is unknown or no film, or the case base
        is missing or damaged.
    """
    films, warnings = _near_films(args, context)
    query = read_query(args.query)
    finder = load_finder()
    search = finder.search()
    if not search.snapshot.model.folder and is_foreign(query.text):
        return report.build_result([], films=films, warnings=warnings, reason=report.FOREIGN)
    if not len(search.snapshot):
        raise ToolError(EMPTY)
    found = search.search(args.query, _wanted(args, query))
    conditions = filters.in_words(found.query.conditions)
    hits = found.hits if found.near else ()
    if not found.eligible:
        reason = report.NONE_ELIGIBLE.format(conditions=conditions)
    else:
        reason = "" if hits else report.NOTHING_NEAR
    result = report.build_result(
        [_line(hit) for hit in hits],
        films=films,
        conditions=conditions,
        eligible=found.eligible,
        count=len(search.snapshot),
        outcome_asked=_asks_outcome(found),
        warnings=[*found.query.notes, *_cautions(found), *warnings],
        reason=reason,
    )
    if not hits:
        return result
    return result.model_copy(update={"artifacts": [_table(hits, context)]})


def _wanted(args: FindSimilarCases, query: Query) -> int:
    """How many cases: as the call says, else as the words of the request do."""
    if "k" in args.model_fields_set or not query.wanted:
        return args.k
    return min(query.wanted, MAX_CASES)


def _near_films(args: FindSimilarCases, context: ToolContext) -> tuple[list[FilmLine], list[str]]:
    if args.image is None:
        return [], []
    path = context.attachment(args.image)
    films = load_finder().films
    if not films.count:
        return [], [report.NO_FILMS]
    near = films.search(path, args.k)
    if near is None:
        return [], [report.NO_NEAR_FILM]
    return [_film_line(film) for film in near], []


def _film_line(film: NearFilm) -> FilmLine:
    return FilmLine(id=film.id, label=film.label, similarity=film.similarity)


def _line(hit: Hit) -> CaseLine:
    case = hit.case
    return CaseLine(
        id=case.id,
        similarity=hit.similarity,
        age=case.age,
        sex=case.sex,
        diagnoses=case.diagnoses,
        shared=hit.shared,
        differs=hit.differs,
        outcome=case.outcome.text,
        died_in_hospital=case.outcome.died_in_hospital,
        died=case.outcome.died,
        collection=case.source,
    )


def _asks_outcome(found: Found) -> bool:
    conditions = found.query.conditions
    return conditions.died is not None or conditions.died_in_hospital is not None


def _cautions(found: Found) -> list[str]:
    texts = (
        text
        for hit in found.hits
        for text in (hit.case.text, hit.case.outcome.text, *hit.case.diagnoses)
    )
    orders = [report.ORDERS] if any(map(reads_like_an_order, texts)) else []
    return orders + ([report.LEFT_OUT] if found.left_out else [])


def _table(hits: tuple[Hit, ...], context: ToolContext) -> Artifact:
    name = f"cases-{uuid.uuid4().hex[:12]}"
    path = context.artifact_dir / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_COLUMNS)
        for rank, hit in enumerate(hits, 1):
            case = hit.case
            percent = "" if hit.similarity is None else f"{hit.similarity:.1f}"
            age = "" if case.age is None else f"{case.age:.0f}"
            texts = (
                ", ".join(case.diagnoses), ", ".join(hit.shared), ", ".join(hit.differs),
                case.outcome.text, case.text, case.source,
            )  # fmt: skip
            rows.writerow([rank, case.id, percent, age, case.sex or "", *map(cell, texts)])
    return Artifact(id=name, kind="table", title="similar cases", path=path, media_type="text/csv")
