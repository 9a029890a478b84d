"""What a clinical text affirms, what it denies, and what it says of others than the patient.

A small rule set after NegEx (Chapman 2001, J Biomed Inform 34:301) and ConText (Harkema 2009, J Biomed
Inform 42:839): cue phrases open a scope that ends at a cue of its own, at a new assertion or with the
sentence. "Possible" and "cannot be excluded" count as affirmed. English only; it knows no medicine.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Status = Literal["affirmed", "denied", "normal", "family"]
NOTHING_ABNORMAL = "Nothing abnormal is reported"
_Kind = Literal["pseudo", "before", "copula", "after", "end", "family", "normal"]

_CUES: dict[_Kind, str] = {
    # Looks like a negation or a normal finding and is none.
    "pseudo": """
        no change | no significant change | no interval change | no significant interval change
        no increase | no decrease | no improvement | no longer normal | no doubt
        not only | not certain if | not certain whether | not necessarily | not yet | not clear
        not normal | not unremarkable | not intact | not excluded | not been excluded | no response
        not be excluded | cannot be excluded | cannot be ruled out | cannot exclude | can not exclude
        cannot rule out | cannot entirely exclude | not rule out | not exclude | not ruled out
        without difficulty | without change | without improvement | no relief
        normal saline | normal pressure | clear cell | upper limits of normal | upper limit of normal
        top normal | upper normal | above normal | below normal | lower limits of normal
        high normal | low normal | larger than normal | more than normal | less than normal
        clear to | intact sternotomy | intact sternal | clears up | clear fluid | no known cause
        absent breath sounds | absent pulses | absent bowel sounds | no breath sounds | no pulse
        no bowel sounds | no urine output | no code | no cause | nor does | not responding
        not able to | not eating | not sleeping | not moving | not waking | not improving
        is not excluded | was not excluded | were not excluded | has not been excluded
        is not ruled out | was not ruled out | were not ruled out | has not been ruled out
        have not been ruled out | not be ruled out | have not been excluded
        not improve | not improved | not improving | not resolved | not resolving | not cleared
        not controlled | not compliant | not compensated | not breathing | not tolerating
        does not respond | did not respond | does not eat | without relief | without response
    """,
    "before": """
        no | not | without | w/o | denies | denied | denying | deny | negative for | neg for
        free of | free from | clear of | absence of | lack of | lacks | lacking | never | never had
        no evidence of | no sign of | no signs of | no history of | no h/o | no evidence for
        without evidence of | without sign of | without signs of | no suggestion of
        no radiographic evidence of | no indication of | no findings of | no definite
        rules out | ruled out for | rule out for | fails to reveal | failed to show | exclude
        excludes | excluding | rather than | instead of | no longer | no longer has | no longer have
        no longer had | ruled out | not have
        did not show | does not show | nothing | non | nor | resolution of | resolved | cleared | neither
    """,
    # Denies the whole clause, its subject included: "the heart is not enlarged".
    "copula": """
        is not | are not | was not | were not | isn't | aren't | wasn't | weren't | has not been
        have not been | not been | does not appear | do not appear | does not have | did not have
        doesn't have | do not have | is no longer | are no longer | does not | did not | do not
        doesn't | didn't | has not | have not | had not
    """,
    "after": """
        is absent | are absent | was absent | were absent | absent | is negative | are negative
        was negative | were negative | negative | is excluded | are excluded | was excluded
        has been excluded | can be excluded | can be ruled out | is ruled out | was ruled out
        were ruled out | has been ruled out | have been ruled out
        has resolved | have resolved | is resolved | are resolved
        has cleared | have cleared | has disappeared | unlikely | is unlikely | not seen
        not identified | not present | not visualized | not demonstrated | not detected
        not evident | not found | not appreciated | is gone | are gone | none | is denied
        are denied | was denied | were denied
    """,
    "end": """
        but | however | nevertheless | yet | though | although | except | except for | apart from
        aside from | other than | otherwise | besides | despite | secondary to | due to
        because of | as the cause of | which | who | while | whereas | still | there is | there are
        there was | there were | there has | suggesting | consistent with | compatible with
        status post | presented with | presents with | presenting with | admitted with
        admitted for | with known | and the | and there | and a | and an | and has | and is | and are
        and was | and had | and now | with a | with an | with mild | with small | with moderate
        with large | with severe | with bilateral | with new | with minimal | with associated
        with increased | with persistent | with right | with left | then | positive for | has | had
        shows | showed | reveals | complains of | reports | only | and he | and she | instead | now
    """,
    "family": """
        family history of | family history | mother had | mother has | father had | father has
        sister had | sister has | brother had | brother has | mother died | father died
        mother with | father with | brother with | sister with | grandmother | grandfather
        family hx | fh of | wife has | wife had | husband has | husband had | his mother
        her mother | his father | her father | runs in the family | in the family
        aunt had | aunt has | uncle had | uncle has | cousin had | cousin has | son had | son has
        daughter had | daughter has | parents had | parents have | aunt with | uncle with
        aunt died | uncle died | sister died | brother died
    """,
    "normal": """
        normal | within normal limits | unremarkable | clear | clear bilaterally | intact | wnl
        within normal range | afebrile | nontender | non-tender | benign | sharp | preserved
        well preserved | no abnormality | well aerated | well expanded | normally inflated
    """,
}
_TABLE: dict[tuple[str, ...], _Kind] = {
    tuple(phrase.split()): kind
    for kind, block in _CUES.items()
    for phrase in re.split(r"[|\n]", block)
    if phrase.strip()
}
_LONGEST = max(map(len, _TABLE))
_LONG_SENTENCE = 150  # words; a longer one is read in parts, so that time grows with length only
# A part behind a comma that begins like this is a new assertion, unless an "or" holds the list together.
_OPENERS = frozenset(
    "mild mildly minimal small moderate moderately large severe marked persistent stable chronic new"
    " increased enlarged a an the there he she his her patient now unchanged borderline scattered"
    " bilateral known old prior healed multiple recent acute-on-chronic also diffuse worsening"
    " interval slight slightly extensive presence".split()
)
_VERBS = frozenset(
    "is are was were has have had shows demonstrates appears remains noted seen".split()
)
_ARTICLES = frozenset("a an the".split())
_SHORT_LIST = 3  # words; the first of a list of organs is no longer
_QUALIFIERS = frozenset(
    "acute focal large definite suspicious significant obvious displaced".split()
)
_LISTED = frozenset({"or", "nor"})
_NO_SUBJECT = frozenset(", ( ) and but by with on in via after to".split())
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[a-z)])[.;](?=[A-Z])|\s*\n+\s*|;|\s--\s|(?<=[a-z]):\s")
# "Fever: no." as forms have it
_ANSWERED_NO = re.compile(
    r"(?<=[A-Za-z)]):[ \t]*(?:no|none|negative|denied|absent)(?=[ \t]*(?:[.,;]|$))",
    re.IGNORECASE | re.MULTILINE,
)
_TOKEN = re.compile(r"[A-Za-z0-9]+(?:[-'/.][A-Za-z0-9]+)*|[,()]")


@dataclass(frozen=True)
class Clause:
    """A stretch of text and how it is meant."""

    text: str
    status: Status


@dataclass(frozen=True)
class Statement:
    """What a text says of its patient.

    Parameters
    ----------
    affirmed, denied, normal, family : the stretches of each kind, in their order.
    """

    affirmed: tuple[str, ...]
    denied: tuple[str, ...]
    normal: tuple[str, ...]
    family: tuple[str, ...]

    @property
    def matched_text(self) -> str:
        """What a search by meaning should look at: never the words of what is denied."""
        return ". ".join(self.affirmed or self.normal or (NOTHING_ABNORMAL,)) + "."


def matched_text(text: str) -> str:
    """What of a text a search by meaning should look at: see `Statement.matched_text`."""
    return read(text).matched_text


def read(text: str) -> Statement:
    """Sort a text's clauses by how they are meant."""
    kinds: dict[Status, list[str]] = {"affirmed": [], "denied": [], "normal": [], "family": []}
    for clause in clauses(text):
        kinds[clause.status].append(clause.text)
    return Statement(*(tuple(kinds[kind]) for kind in ("affirmed", "denied", "normal", "family")))


def clauses(text: str) -> Iterator[Clause]:
    """Yield the clauses of a text with their status; cue words between them are left out."""
    for sentence in _SENTENCE.split(_ANSWERED_NO.sub(" is absent", text)):
        tokens = [_Token(m[0].lower(), m.start(), m.end()) for m in _TOKEN.finditer(sentence)]
        for start in range(0, len(tokens), _LONG_SENTENCE):
            yield from _sentence(sentence, tokens[start : start + _LONG_SENTENCE])


@dataclass(frozen=True)
class _Token:
    word: str
    start: int
    end: int


def _sentence(sentence: str, tokens: list[_Token]) -> Iterator[Clause]:
    words = [token.word for token in tokens]
    cues = _cues(words)
    status: list[Status] = ["affirmed"] * len(words)
    part = _parts(words, cues)
    bare = [i for i, word in enumerate(words) if word not in {",", "(", ")"}]
    for first, last, kind in cues:
        if kind == "before":
            for i in range(last, _scope_end(words, cues, last)):
                status[i] = "denied"
        elif kind == "family":
            for i in range(first, len(words)):
                status[i] = "family"
    for first, last, kind in cues:
        if kind not in {"after", "copula", "normal"}:
            continue
        meant: Status = "normal" if kind == "normal" else "denied"
        inside = range(first, last)
        if kind == "normal" and any(status[i] == "denied" for i in inside):
            continue  # "no normal ..." stays a denial
        for i in bare:
            if part[i] == part[first] and status[i] == "affirmed":
                status[i] = meant
    silent = {
        i for first, last, kind in cues if kind in {"before", "end"} for i in range(first, last)
    }
    yield from _runs(sentence, tokens, status, part, silent)


def _cues(words: list[str]) -> list[tuple[int, int, _Kind]]:
    """Find (first, last + 1, kind) of the cue phrases, the longest at each place."""
    found, i = [], 0
    while i < len(words):
        for size in range(min(_LONGEST, len(words) - i), 0, -1):
            kind = _TABLE.get(tuple(words[i : i + size]))
            if kind is not None:
                found.append((i, i + size, _turned(words, i, i + size, kind)))
                i += size
                break
        else:
            i += 1
    return [cue for cue in found if cue[2] != "pseudo"]


def _turned(words: list[str], first: int, last: int, kind: _Kind) -> _Kind:
    """Kind of a cue that looks either way: "embolism ruled out, ...", "..., unlikely embolism"."""
    cue, following = words[first:last], words[last : last + 1]
    if cue == ["ruled", "out"] and first and (not following or following[0] in _NO_SUBJECT):
        return "after"
    begins = not first or words[first - 1] in _NO_SUBJECT
    if cue == ["unlikely"] and begins and following and following[0] not in _NO_SUBJECT:
        return "before"
    return kind


def _breaks(words: list[str], i: int) -> bool:
    """Whether the comma at `i` begins a new assertion."""
    rest = words[i + 1 :]
    upto = rest.index(",") if "," in rest else len(rest)
    if words[i - 1] in _QUALIFIERS or _LISTED & set(rest[: upto + 3]):
        return False
    verb = next((j for j, word in enumerate(rest) if word in _VERBS), len(rest))
    if not _VERBS & set(words[:i]) and "and" in rest[:verb] and verb < upto:
        return False  # a list that shares its verb: "heart, mediastinum and lungs are ..."
    return _opens(rest)


def _opens(rest: list[str]) -> bool:
    """Whether words begin an assertion of their own: an opener, or a verb before the next comma."""
    upto = rest.index(",") if "," in rest else len(rest)
    return bool(rest) and (rest[0] in _OPENERS or bool(_VERBS & set(rest[:upto])))


def _scope_end(words: list[str], cues: list[tuple[int, int, _Kind]], start: int) -> int:
    ends = [first for first, _, kind in cues if kind in {"end", "normal"} and first >= start]
    commas = [i for i in range(start, len(words)) if words[i] == "," and _breaks(words, i)]
    return min([*ends[:1], *commas[:1], len(words)])


def _parts(words: list[str], cues: list[tuple[int, int, _Kind]]) -> list[int]:
    """Number the stretches between terminators, for cues that look back at their subject."""
    starts = {first for first, _, kind in cues if kind in {"end", "before"}}
    said = {last for _, last, kind in cues if kind == "after"}  # where a comma ends the matter
    normal = [first for first, _, kind in cues if kind == "normal"]
    numbers, current = [], 0
    for i, word in enumerate(words):
        after_comma = word == "," and (
            i in said
            or _breaks(words, i)
            or _splits(words, i, normal)
            or _turns_normal(words, i, normal)
        )
        after_and = word == "and" and _splits(words, i, normal) and _opens(words[i + 1 :])
        current += (i in starts) + (after_comma or after_and)
        numbers.append(current)
    return numbers


def _splits(words: list[str], i: int, normal: list[int]) -> bool:
    """Whether a "normal" before the comma or "and" at `i` has nothing to say of what follows."""
    return any(first < i for first in normal) and words[i + 1 : i + 2] != ["and"]


def _turns_normal(words: list[str], i: int, normal: list[int]) -> bool:
    """Whether what is normal behind the comma at `i` is not what stands before it.

    "Effusion, heart normal" against lists that share their verb: "heart, vessels and lungs are normal".
    """
    rest = words[i + 1 :]
    upto = i + 1 + (rest.index(",") if "," in rest else len(rest))
    if rest[:1] == ["and"] or not any(i < first < upto for first in normal):
        return False
    listed = "and" in rest[: upto - i - 1]
    return not listed or i > _SHORT_LIST or words[0] in _OPENERS - _ARTICLES


def _runs(
    sentence: str, tokens: list[_Token], status: list[Status], part: list[int], silent: set[int]
) -> Iterator[Clause]:
    i = 0
    while i < len(tokens):
        if i in silent or tokens[i].word in {",", "(", ")"}:
            i += 1
            continue
        j = i
        while (
            j + 1 < len(tokens)
            and status[j + 1] == status[i]
            and part[j + 1] == part[i]
            and j + 1 not in silent
        ):
            j += 1
        stretch = sentence[tokens[i].start : tokens[j].end].strip(" ,")
        if stretch.lower() not in {"and", "or", "with", "the", "is", "are", "of", "to"}:
            yield Clause(stretch, status[i])
        i = j + 1
