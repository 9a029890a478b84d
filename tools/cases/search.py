"""The search: by meaning and by words together, over what cases affirm, within the stated conditions.

Both scores run from about 0 to 1 and are averaged: the cosine of the embeddings of what is affirmed, and
the share of the request's information (words, concepts) that a case affirms. Measured against reciprocal
rank fusion on chest-film reports this was the better one, and its scores can be compared between requests.
A case that affirms what a request denies is left out, whatever its score; where the request is a whole note,
whose denials are routine, it is only put behind.
"""

import json
import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from consilium.tools.cases import concepts
from consilium.tools.cases.case import Case
from consilium.tools.cases.concepts import Concepts, words
from consilium.tools.cases.index import Rows, Vectors
from consilium.tools.cases.interface import CaseReader
from consilium.tools.cases.lexical import Lexical, affirmed_tokens, denied_tokens
from consilium.tools.cases.negation import Statement, read
from consilium.tools.cases.query import Query, read_query
from consilium.tools.wheel import file_sha256

Numbers = npt.NDArray[np.float32]

DENSE_SHARE = 0.5  # of the score; chosen on half of the chest-film reports, flat from .4 to .6
NEAR = 0.30  # least score of a case that is near; see `evaluate`
NEAR_SHARED = 0.18  # the same, where request and case share a concept
_DENIAL = 0.6  # weight of what one affirms and the other denies, against what both affirm
_NOTE = 40  # words from which on a request is a whole note
_PER_YEAR = 0.002  # of the score, for each year between the age in the request and a case's
_CANDIDATES = 300  # from each side, from which the best are taken
_PAGE = 25  # cases that are read at once
_JUDGED = 3  # hits that decide whether anything is near
_LENGTHS = (4, 8, 16, 32, 64)  # words of a request, for the scale of similarity
_SAMPLED, _AGAINST = 100, 2000  # random pairs for the scale: so many cases against so many
_STEPS = 1001  # of the scale: every tenth of a percent
_FEWEST = 30  # cases below which a percentile says nothing
_OTHER_AGE = 15  # years that make a patient's age a difference
_FOLDER = "search-3"  # another number where what is kept changes
_SUMS = "sha256.json"


class Embeds(Protocol):
    """What the search needs of an embedding model."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors [n, dimension] of length 1."""


@dataclass(frozen=True)
class Hit:
    """One case that was found.

    Parameters
    ----------
    score : 0 to about 1, the mean of meaning and words; comparable between requests.
    similarity : share of random pairs of cases in this base that are less alike, in percent, one of the
        two told in about as many words as the request; None where the base is too small to say. As those
        pairs are told in the base's own words, a word that no case uses weighs only as much as the
        request's others here.
    alike : concepts that request and case both affirm, the rarest first.
    shared : the same and, behind them, words.
    differs : what sets the case apart from the request, in words.
    """

    case: Case
    score: float
    similarity: float | None
    alike: tuple[str, ...]
    shared: tuple[str, ...]
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What a search found.

    Parameters
    ----------
    hits : best first.
    query : the request as it was read.
    eligible : cases that fulfil the conditions.
    left_out : cases that scored well enough but affirm what the request denies.
    near : whether the best hit is a case like the one described at all.
    """

    hits: tuple[Hit, ...]
    query: Query
    eligible: int
    left_out: int
    near: bool


@dataclass(frozen=True)
class _Derived:
    """What is made of a case base once, for all searches.

    Parameters
    ----------
    pairs : [length, step] scores of random pairs of cases, at every tenth of a percent, for each of
        `_LENGTHS`; empty in a small base.
    ages : [n] years, NaN where unknown.
    """

    lexical: Lexical
    pairs: Numbers
    ages: Numbers

    def percentile(self, score: float, length: int) -> float | None:
        if not self.pairs.size:
            return None
        pairs = self.pairs[int(np.argmin(np.abs(np.array(_LENGTHS) - length)))]
        return float(np.searchsorted(pairs, score)) * 100 / len(pairs)


class CaseSearch:
    """A search over one state of a case base, safe to share between threads."""

    def __init__(self, snapshot: CaseReader, embedder: Embeds) -> None:
        self.snapshot, self.embedder = snapshot, embedder
        self._concepts = concepts.load()
        self._rows = snapshot.rows()
        self._opening = threading.Lock()
        self._opened: _Derived | None = None

    def search(self, request: str, k: int = 5) -> Found:
        """Find the `k` cases most like the one described, within the conditions stated.

        Raises
        ------
        ToolError
            If the request says nothing to compare, its conditions exclude each other, or the base is
            damaged.
        """
        query = read_query(request)
        eligible = self.snapshot.select(query.conditions)
        allowed = self._not_denied(query, eligible)
        left_out = len(eligible) - len(allowed)
        hits: list[Hit] = []
        lowest = float("inf")
        unused = self._unused(query) if len(allowed) else np.empty(0, np.float32)
        for row, score, case in self._ranked(query, allowed) if len(allowed) else ():
            statement = read(case.text)
            if not _is_note(query) and self._contradicts(query, statement):
                left_out += 1
                continue
            in_own_words = score + float(unused[np.searchsorted(self._rows, row)])
            lowest = min(lowest, in_own_words)  # never above that of a case ranked before it
            hits.append(self._hit(query, case, score, lowest, statement))
            if len(hits) == k:
                break
        near = any(hit.score >= (NEAR_SHARED if hit.alike else NEAR) for hit in hits[:_JUDGED])
        return Found(tuple(hits), query, len(eligible), left_out, near)

    def prepare(self) -> None:
        """Make what the first search would make: the index of words and the scale of similarity."""
        self._open()

    def _unused(self, query: Query) -> Numbers:
        """What each case [n] loses of its score to words of the request that no case uses, beyond the mean."""
        lexical = self._open().lexical
        tokens = affirmed_tokens(self._concepts, query.statement)
        more = (1 - DENSE_SHARE) * lexical.unused(tokens)
        return np.float32(more) * lexical.coverage(tokens)

    def _ranked(self, query: Query, allowed: Rows) -> Iterator[tuple[int, float, Case]]:
        rows, scores = self.ranking(query, allowed)
        for start in range(0, len(rows), _PAGE):
            page = rows[start : start + _PAGE]
            cases = self.snapshot.cases(page)
            for row, score, case in zip(page, scores[start : start + _PAGE], cases, strict=True):
                yield int(row), float(score), case

    def ranking(self, query: Query, allowed: Rows) -> tuple[Rows, Numbers]:
        """Rows and scores of the best few hundred of the allowed rows (ascending), best first.

        What a short request denies is not looked at here.
        """
        derived = self._open()
        lexical = derived.lexical
        places = np.searchsorted(self._rows, allowed)
        if not query.statement.affirmed and not query.statement.normal:  # nothing but denials
            covered = lexical.coverage(denied_tokens(self._concepts, query.statement))[places]
            best = _best(covered, _CANDIDATES)
            return allowed[best], covered[best]
        covered = lexical.coverage(affirmed_tokens(self._concepts, query.statement))[places]
        against = [f"-c:{name}" for name in query.mentions.affirmed]
        covered -= np.float32(_DENIAL) * lexical.coverage(against)[places]
        if _is_note(query):
            against = [f"c:{name}" for name in query.mentions.denied]
            covered -= np.float32(_DENIAL) * lexical.coverage(against)[places]
        vector = self.embedder.embed([query.statement.matched_text])[0]
        among = None if len(allowed) == len(self._rows) else allowed
        nearest, _ = self.snapshot.nearest(vector, _CANDIDATES, among)
        rows = np.union1d(nearest, allowed[_best(covered, _CANDIDATES)])
        cosines = self.snapshot.vectors(rows) @ vector
        scores = _mix(cosines, covered[np.searchsorted(allowed, rows)])
        if query.age is not None:
            years = np.abs(derived.ages[np.searchsorted(self._rows, rows)] - query.age)
            scores -= np.float32(_PER_YEAR) * np.nan_to_num(years, nan=_OTHER_AGE)
        order = np.argsort(-scores, kind="stable")
        return rows[order], scores[order]

    def _not_denied(self, query: Query, rows: Rows) -> Rows:
        """Those of the rows that affirm no concept which the request denies."""
        denied = [f"c:{name}" for name in query.mentions.denied]
        if not denied or not len(rows) or _is_note(query):
            return rows
        affirmed = self._open().lexical.coverage(denied)[np.searchsorted(self._rows, rows)]
        kept: Rows = rows[affirmed == 0]
        return kept

    def _contradicts(self, query: Query, statement: Statement) -> bool:
        """Whether a case affirms, in the same words, what the request denies without a concept."""
        for stretch in query.statement.denied:
            denied = set(words(stretch))
            if not denied or self._concepts.in_text(stretch):
                continue  # concepts were looked at before the ranking
            if any(denied <= set(words(affirmed)) for affirmed in statement.affirmed):
                return True
        return False

    def _hit(
        self, query: Query, case: Case, score: float, in_own_words: float, statement: Statement
    ) -> Hit:
        derived = self._open()
        lexical = derived.lexical
        mentions = self._concepts.mentions(statement)
        wanted, here = query.mentions.affirmed, mentions.affirmed
        alike = self._rarest(self._concepts.findings(wanted & here), lexical)
        told = {word for name in wanted for word in words(name)}
        common = _content(statement) & _content(query.statement)
        plain = sorted(word for word in common if not self._concepts.in_text(word))
        shared = alike + [word for word in self._rarest(plain, lexical, "") if word not in told]
        differs = [f"denies {name}" for name in sorted(wanted & mentions.denied)]
        differs += [
            f"{name} not mentioned"
            for name in self._concepts.findings(wanted - here - mentions.denied)
        ]
        if (
            query.age is not None
            and case.age is not None
            and abs(query.age - case.age) >= _OTHER_AGE
        ):
            differs.append(f"aged {case.age:.0f}")
        if query.sex is not None and case.sex is not None and query.sex != case.sex:
            differs.append(case.sex)
        differs += [
            f"also {name}" for name in self._rarest(self._concepts.findings(here - wanted), lexical)
        ]
        similarity = derived.percentile(in_own_words, len(query.statement.matched_text.split()))
        return Hit(case, score, similarity, tuple(alike), tuple(shared), tuple(differs))

    def _rarest(self, names: list[str], lexical: Lexical, mark: str = "c:") -> list[str]:
        rarity = lexical.rarity(mark + name for name in names)
        return [name for _, name in sorted(zip(rarity, names, strict=True), reverse=True)]

    def _open(self) -> _Derived:
        with self._opening:
            if self._opened is None:
                folder = self.snapshot.folder / _FOLDER
                try:
                    self._opened = _load(folder, len(self._rows))
                except (OSError, ValueError, KeyError):  # not there yet, or damaged: made anew
                    shutil.rmtree(folder, ignore_errors=True)
                    self._opened = _derive(self.snapshot, self.embedder, self._concepts)
                    _save(self._opened, folder)
            return self._opened


def _load(folder: Path, count: int) -> _Derived:
    pairs = np.load(folder / "pairs.npy", allow_pickle=False)
    ages = np.load(folder / "ages.npy", allow_pickle=False)
    if json.loads((folder / _SUMS).read_text(encoding="utf-8")) != _sums(folder):
        raise ValueError("a file has changed since it was written")
    if len(ages) != count or pairs.shape not in {(0,), (len(_LENGTHS), _STEPS)}:
        raise ValueError("made for another case base, or by another version")
    return _Derived(Lexical.load(folder, count), pairs, ages)


def _sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but that which holds them."""
    return {path.name: file_sha256(path) for path in sorted(folder.iterdir()) if path.name != _SUMS}


def _save(derived: _Derived, folder: Path) -> None:
    """Keep what was made beside the base, all of it or nothing; without that it works from memory."""
    aside = folder.with_name(f"{folder.name}-{secrets.token_hex(4)}")
    try:
        derived.lexical.save(aside)
        np.save(aside / "pairs.npy", derived.pairs, allow_pickle=False)
        np.save(aside / "ages.npy", derived.ages, allow_pickle=False)
        (aside / _SUMS).write_text(json.dumps(_sums(aside)), encoding="utf-8")
        aside.rename(folder)
    except OSError:  # another process was quicker, or nothing can be written
        shutil.rmtree(aside, ignore_errors=True)


def _derive(snapshot: CaseReader, embedder: Embeds, known: Concepts) -> _Derived:
    tokens, ages = [], []
    for _, case in snapshot.entries():
        statement = read(case.text)
        tokens.append(affirmed_tokens(known, statement) + denied_tokens(known, statement))
        ages.append(np.nan if case.age is None else case.age)
    lexical = Lexical.of(tokens)
    pairs = _pairs(snapshot, embedder, known, lexical)
    return _Derived(lexical, pairs, np.array(ages, np.float32))


def _pairs(snapshot: CaseReader, embedder: Embeds, known: Concepts, lexical: Lexical) -> Numbers:
    """Scores of random pairs, one of them cut to the length of a request and taken as the request."""
    rows = snapshot.rows()
    if len(rows) < _FEWEST:
        return np.empty(0, np.float32)
    chance = np.random.default_rng(len(rows))
    requests = np.sort(chance.permutation(len(rows))[:_SAMPLED])
    others = np.sort(chance.permutation(len(rows))[:_AGAINST])
    different = requests[:, None] != others[None, :]
    vectors = snapshot.vectors(rows[others])
    texts = [read(case.text).matched_text.split() for case in snapshot.cases(rows[requests])]
    scales = []
    for length in _LENGTHS:
        starts = [int(chance.integers(max(len(text) - length, 0) + 1)) for text in texts]
        cut = [
            " ".join(text[start : start + length])
            for text, start in zip(texts, starts, strict=True)
        ]
        covered = [lexical.coverage(affirmed_tokens(known, read(text)))[others] for text in cut]
        scores = _mix(embedder.embed(cut) @ vectors.T, np.stack(covered))[different]
        scales.append(np.quantile(scores, np.linspace(0, 1, _STEPS)))
    return np.array(scales, np.float32)


def _mix(cosines: Numbers, covered: Numbers) -> Numbers:
    return np.float32(DENSE_SHARE) * cosines + np.float32(1 - DENSE_SHARE) * covered


def _best(scores: Numbers, count: int) -> npt.NDArray[np.intp]:
    """Places of the highest scores, highest first; alike ones in their order."""
    count = min(count, len(scores))
    if count == len(scores):
        return np.argsort(-scores, kind="stable")
    best = np.sort(np.argpartition(-scores, count)[:count])
    return best[np.argsort(-scores[best], kind="stable")]


def _is_note(query: Query) -> bool:
    return len(query.text.split()) >= _NOTE


def _content(statement: Statement) -> set[str]:
    return {word for stretch in statement.affirmed for word in words(stretch) if len(word) > 3}
