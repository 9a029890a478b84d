"""A request in words, taken apart: conditions, what is affirmed and denied, who is described."""

import re
from dataclasses import dataclass

from consilium.tools.cases import concepts, filters
from consilium.tools.cases.case import Filter, Sex, clean_text
from consilium.tools.cases.concepts import Mentions
from consilium.tools.cases.negation import Statement, read
from consilium.tools.contract import ToolError

MAX_WORDS = 2000
CUT = "Only the first {limit:,} words of the request were used."

_WORD = re.compile(r"[^\W\d_]+")
_AGE = re.compile(
    r"\b(\d{1,3})\s*-?\s*(?:years?|yrs?|y)(?:[\s/-]*(?:olds?|o\b)|\b)|\b(\d{1,3})\s?[FMfm]\b|\baged?\s+(\d{1,3})\b"
)
_FEMALE = re.compile(r"\b(?:wom[ae]n|females?|lady|girl)\b|\b\d{1,3}\s?F\b", re.IGNORECASE)
_MALE = re.compile(r"\b(?:m[ae]n|males?|gentleman|boy)\b|\b\d{1,3}\s?M\b", re.IGNORECASE)
# How a request begins that says what is wanted before it says what the case is like.
_COUNTS = "one two three four five six seven eight nine ten".split()
_NOUN = r"(?:patients?|cases?|people|persons?|pts?|examples?)"
_LIKE = r"(?:similar|comparable|alike|like|resembling|close|closest|nearest)"
_LEAD = re.compile(
    r"^\s*(?:(?:please|kindly)\s+)?(?:(?:can|could|would)\s+you\s+)?(?:please\s+)?"
    r"(?:(?:find|show|list|give|get|search(?:\s+for)?|retrieve|return|pull\s+up|look\s+(?:up|for)|i\s+(?:need|want)"
    r"|are\s+there|do\s+(?:we|you)\s+have|have\s+you|which)\s+)?(?:(?:me|us|the|any|some|top)\s+)*"
    rf"(?:(?P<count>\d{{1,2}}|{'|'.join(_COUNTS)})\s+)?(?:(?:most|more|other|earlier|previous|past)\s+)*"
    rf"(?:{_LIKE}\s+{_NOUN}\b(?:\s*(?:to|as|of|with|for)\b)?"
    rf"|{_NOUN}\s+(?:(?:that|who|which|are|were|most)\s+)*{_LIKE}\b(?:\s*(?:to|as)\b)?)"
    r"(?:\s+(?:this|the\s+following|my|our|the)(?:\s+(?:one|patient|case|description))?(?=\s*[:,]))?\s*[:,.-]*\s*",
    re.IGNORECASE,
)
# Ages that a word stands for, where no number is given: it is compared, not applied as a limit.
_AGE_WORDS = {
    re.compile(r"\b(?:infant|newborn|neonate|baby|toddler)\b", re.IGNORECASE): 1.0,
    re.compile(r"\b(?:child|boy|girl)\b", re.IGNORECASE): 8.0,
}
# Little words that are frequent in one language and are no English words.
_FOREIGN = frozenset(
    "der die das und ist nicht mit ein eine einen einem einer für bei oder hat wurde keine kein patientin"
    " le la les des une et avec est pas pour dans du sur sans qui ans femme homme"
    " el los las una con por para del sin años mujer hombre paciente que"
    " il gli di che non per nel della donna uomo anni sono è"
    " het een van en met zonder niet jaar vrouw"
    " och med utan år kvinna som não com uma dos sem mulher homem".split()
)
_ENGLISH = frozenset(
    "the a an of and with in on for is was were has had who no not or to at by from after without year old"
    " over under patient patients woman man women men which like".split()
)


@dataclass(frozen=True)
class Query:
    """What a search works with.

    Parameters
    ----------
    conditions : applied as metadata.
    text : the words that are compared.
    statement, mentions : what they affirm and deny, in words and in concepts.
    age, sex : of the patient described, where the text says so.
    notes : what the user should know about how the request was read.
    wanted : cases that the words ask for ("find 3 patients similar to ...").
    """

    conditions: Filter
    text: str
    statement: Statement
    mentions: Mentions
    age: float | None = None
    sex: Sex | None = None
    notes: tuple[str, ...] = ()
    wanted: int | None = None


def read_query(request: str) -> Query:
    """Take a request apart.

    Raises
    ------
    ToolError
        If it says nothing that could be compared, or its conditions exclude each other.
    """
    words = clean_text(request).split()
    cut = len(words) > MAX_WORDS
    asked = " ".join(words[:MAX_WORDS])
    lead = _LEAD.match(asked)
    parsed = filters.parse(asked[lead.end() :] if lead else asked)
    if not _WORD.search(parsed.rest) or not parsed.has_content:
        said = filters.in_words(parsed.conditions)
        raise ToolError(
            f"The request only says which cases may be found ({said}): say also what the case is like,"
            " such as the disease or the findings."
            if said
            else "The request is empty: say in words what the case is like."
        )
    statement = read(parsed.rest)
    return Query(
        conditions=parsed.conditions,
        text=parsed.rest,
        statement=statement,
        mentions=concepts.load().mentions(statement),
        age=_age(parsed.rest),
        sex=_sex(parsed.rest),
        notes=((CUT.format(limit=MAX_WORDS),) if cut else ()) + parsed.notes,
        wanted=_count(lead["count"]) if lead and lead["count"] else None,
    )


def _count(word: str) -> int:
    return int(word) if word.isdigit() else _COUNTS.index(word.lower()) + 1


def is_foreign(text: str) -> bool:
    """Whether a text is not in English: another script, or more of other languages' little words."""
    words = [word.lower() for word in _WORD.findall(text)]
    if not words:
        return False
    latin = sum(word[0] < "ɐ" for word in words)
    other = sum(word in _FOREIGN for word in words)
    return 2 * latin < len(words) or (
        other >= 2 and other > sum(word in _ENGLISH for word in words)
    )


def _age(text: str) -> float | None:
    match = _AGE.search(text)
    if match is None:
        return next((years for word, years in _AGE_WORDS.items() if word.search(text)), None)
    years = float(next(filter(None, match.groups())))
    return years if years <= 120 else None


def _sex(text: str) -> Sex | None:
    female, male = bool(_FEMALE.search(text)), bool(_MALE.search(text))
    if female == male:
        return None
    return "female" if female else "male"
