"""Clinical concepts in a text, whatever words they are said in: "enlarged heart" is cardiomegaly.

The list (`concepts.yaml`) is ours, in our own words, and far from complete: what it does not hold is still
found by its words and its meaning. Whether a concept is affirmed or denied is decided by `negation`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from consilium.tools.cases.negation import Statement

_FILE = Path(__file__).parent / "concepts.yaml"
_SLACK = 2  # words that may stand between those of a saying
_WORD = re.compile(r"[a-z0-9]+")
# Words that say nothing of a case; "history" and "patient" stand in every note.
_FILLERS = frozenset(
    "a an the of in on at to and or is are was were be been being with for by from as it its this that these"
    " those there here which who whom whose what when where while than then so such can could may might will"
    " would should do does did has have had having he she his her him they their we our you your i my me"
    " after before during about into over under between again also more most other some any all both each few"
    " too just only own same how why because if but not patient history year old".split()
)


def words(text: str) -> list[str]:
    """Lower-case words of a text in the singular, without numbers and little words."""
    return [
        singular(word)
        for word in _WORD.findall(text.lower())
        if word not in _FILLERS and not word.isdigit()
    ]


@cache
def singular(word: str) -> str:
    """Strip an English plural (the S-stemmer, Harman 1991, J Am Soc Inf Sci 42:7)."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    return word[:-1]


@dataclass(frozen=True)
class Mentions:
    """Concepts that a text affirms and denies, by name; what it affirms anywhere is not denied.

    Places are never denied: "no pleural effusion" says nothing against a thickened pleura.
    """

    affirmed: frozenset[str]
    denied: frozenset[str]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    concepts: dict[str, list[str]]
    places: dict[str, list[str]]
    broader: dict[str, list[str]]


class Concepts:
    """The list, ready for matching."""

    def __init__(self, path: Path = _FILE) -> None:
        content = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        self.names = (*content.concepts, *content.places)
        self.places = frozenset(content.places)
        self.broader = {name: tuple(wider) for name, wider in content.broader.items()}
        self._sayings: dict[str, list[tuple[frozenset[str], str]]] = defaultdict(list)
        seen: dict[frozenset[str], str] = {}
        for name, sayings in {**content.concepts, **content.places}.items():
            for saying in (name, *sayings):
                key = frozenset(words(saying))
                if key and (key, name) not in seen.items():
                    seen[key] = name
                    self._sayings[min(key, key=_commonness)].append((key, name))

    def mentions(self, statement: Statement) -> Mentions:
        """Concepts that a statement affirms and denies."""
        affirmed = self._closed(self._in(statement.affirmed))
        denied = frozenset(self._in(statement.denied))
        return Mentions(affirmed, denied - affirmed - self.places)

    def in_text(self, text: str) -> frozenset[str]:
        """Concepts named in one stretch of text, with the wider ones they imply."""
        return self._closed(self._in([text]))

    def findings(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are findings by themselves, without what another of them implies."""
        given = set(names)
        implied = {wider for name in given for wider in self.broader.get(name, ())}
        return sorted(given - implied - self.places)

    def _in(self, stretches: Iterable[str]) -> Iterator[str]:
        for stretch in stretches:
            places: dict[str, list[int]] = defaultdict(list)
            for i, word in enumerate(words(stretch)):
                places[word].append(i)
            for word in places:
                for key, name in self._sayings.get(word, ()):
                    if key <= places.keys() and _close(places, key):
                        yield name

    def _closed(self, names: Iterable[str]) -> frozenset[str]:
        found = set(names)
        for name in tuple(found):
            found.update(self.broader.get(name, ()))
        return frozenset(found)


@cache
def load() -> Concepts:
    """The shipped list, read once."""
    return Concepts()


def _commonness(word: str) -> tuple[int, str]:
    return -len(word), word  # long words are rare ones


def _close(places: dict[str, list[int]], key: frozenset[str]) -> bool:
    """Whether the words of `key` stand within a window of their number and some slack."""
    if len(key) == 1:
        return True
    width = len(key) + _SLACK
    first = next(iter(key))
    return any(
        any(
            all(any(start <= j < start + width for j in places[word]) for word in key)
            for start in range(i - width + 1, i + 1)
        )
        for i in places[first]
    )
