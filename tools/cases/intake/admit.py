"""From what a file says to a case: every value checked, every text freed of identifiers."""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from consilium.tools.cases.case import MAX_TEXT, Case, Outcome, clean_text
from consilium.tools.cases.intake.deidentify import Deidentifier, capped_age
from consilium.tools.cases.intake.record import Problem, Record
from consilium.tools.cases.intake.values import (
    age_in,
    means_unknown,
    parse_age,
    parse_days,
    parse_sex,
    parse_year,
    parse_yes_no,
    sex_in,
)
from consilium.tools.contract import ToolError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_KEY_BYTES = 32
_LONGEST_WORDS = 500  # characters of one diagnosis or of the source


class Admission:
    """Turns records into cases.

    Parameters
    ----------
    deidentifier : cleans every text.
    key : secret of the case base. Ids are made from the hospital's own with it: the same record gets
        the same id again, and nobody without the key can tell from an id whose it is.
    source : the collection, where the file does not say.
    keep_ids : take the file's ids as they are, because they identify nobody.
    """

    def __init__(
        self, deidentifier: Deidentifier, key: bytes, source: str = "", keep_ids: bool = False
    ) -> None:
        self._deidentifier = deidentifier
        self._key = key
        self._source = source
        self._keep_ids = keep_ids
        self.cut = 0  # texts that were longer than a case may be

    def admit(self, record: Record) -> Case | Problem:
        """The case of a record, or why it is none."""
        values = {name: clean_text(value) for name, value in record.values.items()}
        try:
            text = self._clean(values.get("text", ""), record)
            if not text:
                return Problem(record.where, "has no text")
            age, sex = parse_age(values.get("age", "")), parse_sex(values.get("sex", ""))
            source = self._clean(values.get("source", "")[:_LONGEST_WORDS], record) or self._source
            return Case(
                id=self._id(values, source),
                text=text,
                age=age_in(text) if age is None else capped_age(age),
                sex=sex or sex_in(text),
                diagnoses=self._diagnoses(values.get("diagnoses", ""), record),
                outcome=self._outcome(values, record),
                year=parse_year(values.get("date", "")),
                source=source,
            )
        except ValueError as error:
            return Problem(record.where, str(error))

    def _id(self, values: Mapping[str, str], source: str) -> str:
        given = values.get("id", "")
        if self._keep_ids:
            if not _ID.fullmatch(given):
                raise ValueError(
                    "the id cannot be kept as it is: letters, digits, '.', '_' and '-' make an id, 64"
                    " at most"
                )
            return given
        # without an id of its own, all that a record says is its id
        told = f"id\n{source}\n{given}" if given else json.dumps(dict(values), sort_keys=True)
        return f"case-{hmac.new(self._key, told.encode(), hashlib.sha256).hexdigest()[:16]}"

    def _clean(self, text: str, record: Record) -> str:
        if not text:
            return ""
        if len(text) > MAX_TEXT:
            self.cut += 1
            text = text[:MAX_TEXT]
        return self._deidentifier.clean(text, record.identifiers)[:MAX_TEXT].strip()

    def _outcome(self, values: Mapping[str, str], record: Record) -> Outcome:
        in_hospital = parse_yes_no(values, "died_in_hospital")
        return Outcome(
            text=self._clean(values.get("outcome", ""), record),
            died_in_hospital=in_hospital,
            died=in_hospital or parse_yes_no(values, "died"),
            followup_days=parse_days(values.get("followup_days", "")),
        )

    def _diagnoses(self, text: str, record: Record) -> tuple[str, ...]:
        parts = (part.strip()[:_LONGEST_WORDS] for part in re.split(r"[;|\n]", text))
        cleaned = (self._clean(part, record) for part in parts if not means_unknown(part))
        return tuple(dict.fromkeys(cleaned))


def base_key(folder: Path) -> bytes:
    """The secret of a case base, made at its first use and readable by its owner alone.

    Raises
    ------
    ToolError
        If it is damaged: other ids would be made with another one.
    """
    path = folder / "id.key"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "writer.lock"):
        if not path.exists():
            partial = path.with_suffix(".new")
            partial.touch(mode=0o600)
            partial.write_bytes(secrets.token_bytes(_KEY_BYTES))
            partial.replace(path)
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ToolError(
            f"The key of the case ids ({path.name}) is damaged: bring it back from a backup, or delete it; cases"
            " that are added again then get new ids."
        )
    return key
