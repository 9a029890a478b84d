"""One case: the text that is matched, and beside it what is known and what became of the patient.

The outcome is kept apart from the text, so that it can never be part of what a search matches.
"""

import hashlib
import unicodedata
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Sex = Literal["female", "male"]
MAX_TEXT = 20_000  # characters; far more than an embedding model reads, about eight pages
CaseId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Year = Annotated[int, Field(ge=1850, le=2200)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Outcome(_Frozen):
    """What was done and what became of the patient; None where it is not known.

    `followup_days` counts from the start of the case to death, or to the last day the patient was
    known to be alive.
    """

    text: str = ""
    died_in_hospital: bool | None = None
    died: bool | None = None
    followup_days: Annotated[int, Field(ge=0)] | None = None

    def died_within(self, days: int) -> bool | None:
        """Whether the patient died within so many days; None where follow-up ended earlier alive."""
        if self.followup_days is None:
            return None
        if self.died and self.followup_days <= days:
            return True
        return False if self.followup_days >= days else None


class Case(_Frozen):
    """One patient's case.

    Parameters
    ----------
    id : stable name by which answers cite the case; no identifier of a person.
    text : what is matched; never holds the outcome.
    age : years; ages over 89 are given as 90 where the case came in through `intake`.
    diagnoses : in words, the main one first.
    year : of the case; None where unknown. More exact dates are not kept.
    source : the collection the case belongs to, e.g. "SUPPORT2".
    """

    id: CaseId
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    age: Annotated[float, Field(ge=0, le=130)] | None = None
    sex: Sex | None = None
    diagnoses: tuple[str, ...] = ()
    outcome: Outcome = Outcome()
    year: Year | None = None
    source: str = ""

    @property
    def text_hash(self) -> str:
        """SHA-256 of the text, alike for texts that differ in case, spacing or Unicode form only."""
        plain = " ".join(unicodedata.normalize("NFKC", self.text).casefold().split())
        return hashlib.sha256(plain.encode()).hexdigest()


class Filter(_Frozen):
    """Conditions on what is known about a case; a case that does not know it does not match.

    Ages and years are inclusive. `diagnosis` and `source` are matched anywhere in the words,
    whatever their case. Of the filters in `any_of` a case must fulfil one as well.
    """

    sex: Sex | None = None
    min_age: float | None = None
    max_age: float | None = None
    diagnosis: str | None = None
    died_in_hospital: bool | None = None
    died: bool | None = None
    since: int | None = None
    until: int | None = None
    source: str | None = None
    any_of: tuple["Filter", ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no condition at all."""
        return not self.model_dump(exclude_defaults=True)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for low, high in ((self.min_age, self.max_age), (self.since, self.until)):
            if low is not None and high is not None and low > high:
                raise ValueError("the lower limit is above the upper one")
        return self


def clean_text(text: str) -> str:
    """`text` without control and invisible formatting characters; line breaks and tabs stay."""
    kept = (
        character
        for character in unicodedata.normalize("NFC", text)
        if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
    )
    return "".join(kept).strip()
