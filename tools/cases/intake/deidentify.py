"""Identifiers of persons out of texts, before anything is stored.

Presidio's pattern recognisers (numbers, dates, phones) and patterns of our own (record numbers, written dates,
addresses, hospitals, names by their cues) replace what they find by a word in brackets. Patterns find what has a
form; they do not understand. A text that passed here is poorer in identifiers, not proven to be free of them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from phonenumbers import SUPPORTED_REGIONS
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    DateRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UsSsnRecognizer,
)

from consilium.tools.cases.case import clean_text
from consilium.tools.cases.intake.names import find_names
from consilium.tools.contract import ToolError

_NO_PARSE: Any = None  # pattern recognisers need no language model's reading of the text
_SURE = 0.4  # below it are month/year and number pairs, which in a clinical text are mostly something else
_SHORTEST = 3  # characters of an identifier that is searched for as it stands
# Letters of scripts that write no space between words: kana, Han, Hangul (particles follow), Thai.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_OLD = 89
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|(?-i:Mar(?:ch)?|MAR(?:CH)?|May|MAY)|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_NUMBERED = (
    r"(?:MRN|ID|medical record(?: number| no\.?)?|record (?:number|no\.?)|chart (?:number|no\.?)|account"
    r" (?:number|no\.?)|accession(?: number| no\.?)?|patient (?:id|number|no\.?)|hospital (?:number|no\.?)"
    r"|SSN|social security(?: number)?|NHS (?:number|no\.?)|case (?:number|no\.?)|policy (?:number|no\.?)"
    r"|member (?:id|number)|encounter (?:id|number|no\.?)|visit (?:id|number|no\.?))"
)
_PATTERNS = {
    "ID": (
        rf"\b{_NUMBERED}[ ]*(?:is|[:#=])*[ ]*[A-Z]{{0,4}}[-]?\d[\d-]{{2,}}\w*"
        # letters and digits mixed, but for "ID", which may be infectious diseases
        rf"|\b(?!ID\b){_NUMBERED}[ ]*(?:is[ ]|[:#=])[ ]*(?=[A-Z-]*\d)[A-Z\d-]{{5,}}\b"
    ),
    "DATE": (
        rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?(?:[ ]of)?[ ]{_MONTH}|{_MONTH}[ ]\d{{1,2}}(?:st|nd|rd|th)?)"
        r"(?!\d)(?:,?[ ](?:19|20)\d\d)?"
        rf"|\b{_MONTH}[ ,]+(?:of[ ])?(?:19|20)\d\d\b"
        r"|(?<=\bon )(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])\b(?!/)"
        r"|\b(?:19|20)\d{6}\b"
    ),
    "EMAIL": r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b",
    "URL": r"\b(?:https?://|www\.)\S+",
    "PHONE": r"(?<!\w)\+\d{1,3}[ .()-]{0,2}(?:\d[ .()-]{0,2}){7,12}\d\b",
    "ADDRESS": (
        r"\b\d{1,5}[ ](?-i:(?:[A-Z][a-z]+[ ]){1,3}(?:Street|Avenue|Road|Lane|Boulevard|Drive|Court|Place"
        r"|St\.|Ave\.?|Rd\.|Ln\.|Blvd\.?))(?:,[ ](?-i:[A-Z][a-z]+)){0,2}"
        r"|\b(?-i:[A-Z]{2})[ ]\d{5}(?:-\d{4})?\b"
        r"|\bP\.?[ ]?O\.?[ ]Box[ ]\d+"
    ),
    "HOSPITAL": (
        r"\b(?-i:(?:(?:St\.|Saint|Mount|[A-Z][a-z'’]+)[ ]){1,3}(?:Hospital|Medical[ ]Center|Health[ ]System"
        r"|Infirmary|Nursing[ ]Home))\b"
    ),
}
_AGE = re.compile(
    r"\b(\d{2,3})(?=(?:[ -]?(?:years?|yrs?|y)\.?(?:[ -]?(?:old|o)\b|/o\b|[ ]of[ ]age\b)|[ ]?y[./]?o\b))"
    r"|(?:(?<=\baged )|(?<=\bage )|(?<=\bage:)|(?<=\bage: ))(\d{2,3})\b",
    re.IGNORECASE,
)
_WORDS = {
    "DATE_TIME": "DATE",
    "PHONE_NUMBER": "PHONE",
    "US_SSN": "ID",
    "CREDIT_CARD": "ID",
    "IBAN_CODE": "ID",
    "IP_ADDRESS": "URL",
}


@dataclass
class Deidentifier:
    """Takes identifiers out of texts and counts what it took.

    Parameters
    ----------
    region : two-letter country whose phone numbers are known without their country code.

    Raises
    ------
    ToolError
        If there is no such country.
    """

    region: str = "US"
    taken: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.region not in SUPPORTED_REGIONS:
            raise ToolError(
                f"There is no country {self.region!r}: name it by two letters, as in DE."
            )
        self._recognizers = _recognizers(self.region)

    def clean(self, text: str, identifiers: Sequence[str] = ()) -> str:
        """The text with each identifier replaced by what it was, e.g. "[DATE]"; ages over 89 by 90.

        Parameters
        ----------
        identifiers : what else must go, wherever it stands: the patient's name, numbers, address.
        """
        spaced = re.sub(f"[{_UNSPACED}]", "|", text)  # what stands among such letters has an edge
        found = [(*span, "NAME") for span in find_names(spaced)]
        found.extend((*span, "ID") for span in _literal(text, identifiers))
        for recognizer in self._recognizers:
            for hit in recognizer.analyze(spaced, recognizer.supported_entities, _NO_PARSE):
                if hit.score >= _SURE:
                    word = _WORDS.get(hit.entity_type, hit.entity_type)
                    found.append((hit.start, hit.end, word))
        return _AGE.sub(_capped_age, self._replaced(text, found))

    def _replaced(self, text: str, found: Iterable[tuple[int, int, str]]) -> str:
        parts, end = [], 0
        for start, stop, word in sorted(found, key=lambda hit: (hit[0], -hit[1])):
            if stop <= end:
                continue  # inside what is gone already
            if start >= end:
                parts += [text[end:start], f"[{word}]"]
                self.taken[word] += 1
            end = stop
        return "".join([*parts, text[end:]])


def _recognizers(region: str) -> list[EntityRecognizer]:
    own = [
        PatternRecognizer(word, patterns=[Pattern(word, pattern, 0.9)])
        for word, pattern in _PATTERNS.items()
    ]
    # The recognisers of e-mails and URLs are left out: they ask a server for the list of domains.
    return [
        *own,
        DateRecognizer(),
        UsSsnRecognizer(),
        PhoneRecognizer(supported_regions=(region,)),
        CreditCardRecognizer(),
        IbanRecognizer(),
        IpRecognizer(),
    ]


def _literal(text: str, identifiers: Sequence[str]) -> list[tuple[int, int]]:
    """Where identifiers stand in the text: whole, and each of their longer words by itself."""
    given = list(map(clean_text, identifiers))  # in the Unicode form of the text
    words = {word for identifier in given for word in re.findall(r"[\w'’-]+", identifier)}
    wanted = filter(_sought, sorted({*given, *words}, key=len, reverse=True))
    choices = "|".join(map(_standing, wanted))
    found = re.finditer(choices, text, re.IGNORECASE) if choices else ()
    return [match.span() for match in found]


def _sought(word: str) -> bool:
    """Whether an identifier is long enough to be told from other words: "Ng" and two Han letters are."""
    if word.lower() in _COMMON:
        return False
    is_name = re.fullmatch(rf"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]|[{_UNSPACED}]{{2}}", word)
    return len(word) >= _SHORTEST or is_name is not None


def _standing(word: str) -> str:
    """Pattern of an identifier that stands by itself; two letters as they are written, "NG" is a tube."""
    letter = rf"[^\W{_UNSPACED}]"  # that a neighbour may not be
    start = "" if re.match(f"[{_UNSPACED}]", word) else f"(?<!{letter})"
    end = "" if re.search(f"[{_UNSPACED}]$", word) else f"(?!{letter})"
    exact = "?-i:" if len(word) < _SHORTEST else "?:"
    return f"{start}({exact}{re.escape(word)}){end}"


_COMMON = frozenset(
    "the and for not was with pain street road avenue lane drive court box mrs"
    " no an as at be by do he if in is it my of on or so to up we".split()
)


def capped_age(years: float) -> float:
    """An age as it may be kept: those over 89 are 90."""
    return 90.0 if years > _OLD else years


def _capped_age(match: re.Match[str]) -> str:
    return f"{capped_age(float(match[0])):.0f}"
