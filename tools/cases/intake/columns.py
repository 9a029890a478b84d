"""Which column of a table holds what: named by the user, else recognised by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consilium.tools.contract import ToolError

# Field to the column names (in lower case, words joined by _) that are recognised unasked. More than one column
# of a field that is text is joined; identifiers are never kept, only used to clean the texts.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "note", "notes", "report", "narrative", "case", "findings", "impression",
             "history", "note_text", "report_text", "clinical_note"),
    "id": ("id", "case_id", "record_id", "uid", "note_id", "study_id"),
    "age": ("age", "age_years", "age_in_years"),
    "sex": ("sex", "gender"),
    "diagnoses": ("diagnoses", "diagnosis", "problems", "conditions", "icd10", "icd_10"),
    "outcome": ("outcome", "course", "discharge_summary", "disposition"),
    "died_in_hospital": ("died_in_hospital", "hospital_death", "hospdead", "in_hospital_death"),
    "died": ("died", "death", "dead", "deceased"),
    "followup_days": ("followup_days", "follow_up_days", "days_followed"),
    "date": ("date", "year", "admission_date", "study_date", "encounter_date"),
    "source": ("source", "collection", "department"),
    "identifier": ("name", "patient_name", "first_name", "last_name", "surname", "given_name", "mrn",
                   "patient_id", "medical_record_number", "ssn", "phone", "email", "address"),
}  # fmt: skip
JOINED = frozenset({"text", "diagnoses", "outcome"})


@dataclass(frozen=True)
class ColumnMap:
    """Columns of each field, as the user named them; what is not named is recognised.

    Columns that are neither are not kept.
    """

    named: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, words: Sequence[str]) -> "ColumnMap":
        """From words like `text=findings+impression`, as the command line takes them.

        Raises
        ------
        ToolError
            If a word is not of that form or names no field.
        """
        named: dict[str, tuple[str, ...]] = {}
        for word in words:
            name, equals, columns = word.partition("=")
            if not equals or name.strip() not in FIELDS:
                raise ToolError(
                    f"--map {word}: write FIELD=COLUMN or FIELD=COLUMN+COLUMN, where FIELD is one of"
                    f" {', '.join(FIELDS)}."
                )
            named[name.strip()] = tuple(filter(None, (part.strip() for part in columns.split("+"))))
        return cls(named)

    def fit(self, columns: Sequence[str], where: str) -> dict[str, list[str]]:
        """The columns that hold each field, of those that a file has.

        Raises
        ------
        ToolError
            If a column the user named is not there, or none holds a text.
        """
        present = set(columns)
        for field, wanted in self.named.items():
            for column in wanted:
                if column not in present:
                    raise ToolError(
                        f"{where}: has no column {column!r} for {field} (its columns:"
                        f" {_listed(columns)})."
                    )
        taken = {column for wanted in self.named.values() for column in wanted}
        found = {field: list(wanted) for field, wanted in self.named.items() if wanted}
        for field, known in FIELDS.items():
            if field in self.named:
                continue
            alike = [
                column for column in columns if column not in taken and _plain(column) in known
            ]
            if field not in JOINED and field != "identifier":
                alike = sorted(alike, key=lambda column: known.index(_plain(column)))[:1]
            if alike:
                found[field] = alike
        if "text" not in found:
            raise ToolError(
                f"{where}: no column is known to hold the text of the cases: name it with --map"
                f" text=COLUMN (its columns: {_listed(columns)})."
            )
        return found


def _plain(column: str) -> str:
    return "_".join(column.strip().lower().replace("-", " ").replace("_", " ").split())


def _listed(columns: Sequence[str], most: int = 30) -> str:
    shown = ", ".join(column[:60] for column in columns[:most])
    return f"{shown} and {len(columns) - most} more" if len(columns) > most else shown or "none"
