"""Text of cases as data: one line, without control characters, cut to length, never an instruction."""

import re

from consilium.tools.cases.case import clean_text

WITHHELD = "[not shown: reads like an instruction]"

# Words that speak to a language model rather than of a patient.
_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.]{0,40}\b(?:rules?|instructions?|prompts?|above|previous|prior)\b"
    r"|\b(?:system|developer)\s+(?:prompt|message)\b|<\|?\s*/?\s*(?:im_start|im_end|system|assistant|tool)\b"
    r"|\byou\s+are\s+now\b|\b(?:act|behave)\s+as\s+(?:an?|the)\s+(?:assistant|ai|model|system)\b"
    r"|\bas\s+an?\s+(?:ai|language\s+model)\b|\bnew\s+instructions?\s*:|\b(?:call|invoke)\s+the\s+tool\b"
    r"|\bdo\s+not\s+tell\s+the\s+user\b|\b(?:reveal|print|repeat)\s+(?:your|the)\s+(?:rules|prompt|instructions)\b",
    re.IGNORECASE,
)


def reads_like_an_order(text: str) -> bool:
    """Whether a text seems to speak to the assistant."""
    return bool(_ORDER.search(" ".join(text.split())))


def quote(text: str, limit: int) -> str:
    """A stretch of a case for the language model: cleaned, one line, at most `limit` characters."""
    line = " ".join(clean_text(text).split())
    if reads_like_an_order(line):
        return WITHHELD
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def cell(text: str) -> str:
    """A text for a table: cleaned and one that a spreadsheet does not take for a formula."""
    line = clean_text(text)
    return f"'{line}" if line[:1] in {"=", "+", "-", "@"} else line
