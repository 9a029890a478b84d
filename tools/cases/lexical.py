"""Search by words: BM25 (bm25s) over what cases affirm, in words and in concepts, and over what they deny."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt

from consilium.tools.cases.concepts import Concepts, words
from consilium.tools.cases.negation import Statement

Scores = npt.NDArray[np.float32]

_K1, _B = 1.5, 0.75  # the usual ones (Robertson 2009, Found Trends Inf Retr 3:333)


def affirmed_tokens(concepts: Concepts, statement: Statement) -> list[str]:
    """Words and concepts that a statement affirms; a concept's token cannot be a word."""
    found = [word for stretch in statement.affirmed for word in words(stretch)]
    return found + [f"c:{name}" for name in sorted(concepts.mentions(statement).affirmed)]


def denied_tokens(concepts: Concepts, statement: Statement) -> list[str]:
    """Concepts that a statement denies, and the words of denials that hold none."""
    found = {f"-c:{name}" for name in concepts.mentions(statement).denied}
    for stretch in statement.denied:
        if not concepts.in_text(stretch):
            found.update(f"-{word}" for word in words(stretch))
    return sorted(found)


class Lexical:
    """A BM25 index over the tokens of n cases, by position."""

    def __init__(self, index: bm25s.BM25, count: int) -> None:
        self._index, self.count = index, count

    @classmethod
    def of(cls, documents: Sequence[list[str]]) -> "Lexical":
        """Index the tokens of each case."""
        index = bm25s.BM25(k1=_K1, b=_B, method="lucene")
        # A token that nobody uses keeps the vocabulary from being empty.
        index.index([tokens or [""] for tokens in documents] or [[""]], show_progress=False)
        return cls(index, len(documents))

    def save(self, folder: Path) -> None:
        """Write the index into a folder."""
        self._index.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path, count: int) -> "Lexical":
        """Open an index that `save` wrote, mapped into memory.

        Raises
        ------
        OSError, ValueError, KeyError
            If it is missing, damaged or not of `count` cases.
        """
        parameters = json.loads((folder / "params.index.json").read_text(encoding="utf-8"))
        if parameters["num_docs"] != max(count, 1):
            raise ValueError("the index is of another case base")
        return cls(bm25s.BM25.load(folder, mmap=True, show_progress=False), count)

    def coverage(self, tokens: Iterable[str]) -> Scores:
        """How much of the tokens' information each case holds: [n], about 0 to 1.

        BM25 over what a case of average length would score that holds each token once. A token that
        no case holds counts as the rarest, so a query of unknown words covers nothing.
        """
        wanted = sorted(set(tokens))
        known = [token for token in wanted if token in self._index.vocab_dict]
        if not known:
            return np.zeros(self.count, np.float32)
        scores: Scores = self._index.get_scores(known)[: self.count]
        return scores / np.float32(sum(self.rarity(wanted)) / (1 + _K1))

    def unused(self, tokens: Iterable[str]) -> float:
        """By which share `coverage` would be higher if tokens that no case holds were of mean rarity."""
        wanted = set(tokens)
        known = [token for token in wanted if token in self._index.vocab_dict]
        mean = sum(self.rarity(known)) / len(known) if known else 0.0
        return sum(self.rarity(wanted)) / (len(wanted) * mean) - 1 if mean > 0 else 0.0

    def rarity(self, tokens: Iterable[str]) -> list[float]:
        """Inverse document frequency of each token, as BM25 weighs it."""
        starts, vocabulary = self._index.scores["indptr"], self._index.vocab_dict
        found = []
        for token in tokens:
            place = vocabulary.get(token)
            uses = 0 if place is None else int(starts[place + 1] - starts[place])
            found.append(float(np.log1p((self.count - uses + 0.5) / (uses + 0.5))))
        return found
