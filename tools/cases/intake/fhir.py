"""FHIR R4 as records: Bundles (.json) and bulk exports (.ndjson), one case for each patient.

The text says who the patient is, and the conditions, measurements, medicines and reports that there are; procedures
and what became of the patient go into the outcome. What a record calls refuted or entered in error is left out.
Resource types other than those of `_USED` are passed over.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from consilium.tools.cases.intake.lines import read_lines
from consilium.tools.cases.intake.record import Problem, Record
from consilium.tools.contract import ToolError

MAX_BUNDLE = 256 << 20  # bytes
_USED = frozenset(
    "Patient Encounter Condition Observation Procedure MedicationRequest MedicationStatement"
    " DiagnosticReport DocumentReference".split()
)
_MOST = 25  # of each kind of fact, the newest first
_WRONG = {"entered-in-error", "refuted", "cancelled", "not-done"}
# How a stay ended: HL7's own code, or those of US claims (NUBC: expired; expired in a medical facility).
_DIED_CODES = {"exp", "20", "41"}
_DIED_WORDS = re.compile(r"\b(?:expired|died|deceased|death)\b(?!.* at home)", re.IGNORECASE)
_KIND_OF_TERM = re.compile(
    r" \((?:disorder|finding|situation|procedure|regime/therapy|morphologic abnormality)\)$"
)


@dataclass
class _Chart:
    """All resources of one patient, by type."""

    where: str
    patient: Any
    resources: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))


def read_fhir(paths: Sequence[Path]) -> Iterator[Record | Problem]:
    """One record for each patient in all the files together: a bulk export has a file for each type.

    Raises
    ------
    ToolError
        If a file is no FHIR, or too large to be one Bundle.
    """
    charts: dict[str, _Chart] = {}
    others: list[tuple[str, Any]] = []
    for path in paths:
        for where, address, content in _resources(path):
            kind = content.get("resourceType")
            if not isinstance(kind, str) or kind not in _USED:
                continue
            try:
                resource: Any = get_fhir_model_class(kind).model_validate(content)
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"]))
                yield Problem(
                    where, f"this {kind} is not FHIR R4 ({place}: {first['msg'].lower()})"
                )
                continue
            if kind == "Patient":
                chart, name = _Chart(where, resource), f"Patient/{resource.id}"
                if resource.id and name in charts and charts[name].patient != resource:
                    yield Problem(where, f"has the id of another Patient ({charts[name].where})")
                    continue
                charts.update({key: chart for key in (name, address) if key})
            else:
                others.append((where, resource))
    for where, resource in others:
        subject = getattr(resource, "subject", None)
        reference = (subject.reference if subject else None) or ""
        owner = charts.get(reference) or charts.get("/".join(reference.split("/")[-2:]))
        if owner is None:
            yield Problem(where, f"this {_type(resource)} belongs to no Patient of these files")
        else:
            owner.resources[_type(resource)].append(resource)
    for chart in {id(chart): chart for chart in charts.values()}.values():
        yield _record(chart)


def _resources(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where it stands, its address and its content, for each resource of a file."""
    if path.suffix.lower() == ".ndjson":
        for number, line in read_lines(path):
            if line.strip():
                where = f"{path.name}, line {number}"
                yield where, "", _object(line, where)
        return
    if path.stat().st_size > MAX_BUNDLE:
        raise ToolError(
            f"{path.name}: larger than {MAX_BUNDLE >> 20} MB: export the patients in smaller Bundles or"
            " as .ndjson."
        )
    content = _object("".join(line for _, line in read_lines(path, MAX_BUNDLE)), path.name)
    if content.get("resourceType") != "Bundle":
        raise ToolError(
            f"{path.name}: is JSON, but no FHIR Bundle; tables of cases are .jsonl or .csv."
        )
    entries = content.get("entry", [])
    if not isinstance(entries, list):
        raise ToolError(f"{path.name}: is no FHIR Bundle (entry: should be a list).")
    for number, entry in enumerate(entries, 1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield f"{path.name}, entry {number}", str(entry.get("fullUrl") or ""), resource


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ToolError(f"{where}: is not JSON.") from error
    if not isinstance(content, dict):
        raise ToolError(f"{where}: is JSON, but no FHIR resource.")
    return content


def _record(chart: _Chart) -> Record:
    patient, resources = chart.patient, chart.resources
    stays = [stay for stay in resources["Encounter"] if stay.status not in {*_WRONG, "planned"}]
    encounter = max(stays, key=lambda stay: _day(stay, "period.start"), default=None)
    begun = _day(encounter, "period.start") if encounter else ""
    age = _years(_text(patient.birthDate), begun)
    sex = patient.gender if patient.gender in {"male", "female"} else ""
    conditions = [item for item in resources["Condition"] if _stands(item)]
    diagnoses = _newest(conditions, "recordedDate", lambda item: _coded(item.code))
    sections = {
        "Conditions": diagnoses,
        "Findings": _newest(resources["Observation"], "effectiveDateTime", _measured),
        "Medicines": _newest(
            [*resources["MedicationRequest"], *resources["MedicationStatement"]],
            "authoredOn",
            lambda item: _coded(item.medicationCodeableConcept),
        ),
        "Reports": [
            *_newest(
                resources["DiagnosticReport"],
                "effectiveDateTime",
                lambda item: item.conclusion or "",
            ),
            *_newest(resources["DocumentReference"], "date", _attached),
        ],
    }
    person = {"male": "man", "female": "woman"}.get(sex, "patient")
    who = f"{age}-year-old {person}" if age is not None else person.capitalize()
    facts = [
        f"{title}: {'; '.join(words).rstrip('.')}" for title, words in sections.items() if words
    ]
    return Record(
        chart.where,
        {
            "id": patient.id or "",
            "text": ".\n".join([who, *facts]) + "." if facts else "",
            "age": "" if age is None else str(age),
            "sex": sex,
            "diagnoses": "\n".join(diagnoses),
            **_outcome(patient, encounter, resources["Procedure"], begun),
            "date": begun,
        },
        _identifiers(patient),
    )


def _outcome(patient: Any, encounter: Any, procedures: Sequence[Any], begun: str) -> dict[str, str]:
    died = _text(patient.deceasedDateTime)
    dead = bool(died) or bool(patient.deceasedBoolean)
    left = _path(encounter, "hospitalization.dischargeDisposition")
    in_hospital = bool(left) and (
        any(coding.code in _DIED_CODES for coding in left.coding or [])
        or bool(_DIED_WORDS.search(_coded(left)))
    )
    done = _newest(procedures, "performedDateTime", lambda item: _coded(item.code))
    told = [f"Procedures: {'; '.join(done)}."] if done else []
    if left and (words := _coded(left)):
        told.append(f"Discharge: {words}.")
    if dead or in_hospital:
        told.append("Died.")
    known = dead or in_hospital or patient.deceasedBoolean is False
    days = (_date(died) - _date(begun)).days if _whole(died) and _whole(begun) else -1
    return {
        "outcome": " ".join(told),
        "died": ("yes" if dead or in_hospital else "no") if known else "",
        "died_in_hospital": ("yes" if in_hospital else "no") if left else "",
        "followup_days": str(days) if days >= 0 else "",
    }


def _identifiers(patient: Any) -> list[str]:
    """Of the patient and of the relatives and friends that the record names."""
    contacts = patient.contact or []
    found: list[Any] = [identifier.value for identifier in patient.identifier or []]
    for name in [*(patient.name or []), *(contact.name for contact in contacts)]:
        found += [name.text, name.family, *(name.given or [])] if name else []
    for person in [patient, *contacts]:
        found += [telecom.value for telecom in person.telecom or []]
    for address in [*(patient.address or []), *(contact.address for contact in contacts)]:
        if address:
            found += [address.text, address.city, address.postalCode, *(address.line or [])]
    return [str(value) for value in found if value]


def _stands(condition: Any) -> bool:
    status = condition.verificationStatus
    return not (status and any(coding.code in _WRONG for coding in status.coding or []))


def _newest(items: Iterable[Any], dated: str, words: Any) -> list[str]:
    """What the items say, the newest first, each thing once."""
    standing = [item for item in items if getattr(item, "status", None) not in _WRONG]
    by_day = sorted(standing, key=lambda item: _day(item, dated), reverse=True)
    said = (" ".join(words(item).split()) for item in by_day)
    return list(dict.fromkeys(filter(None, said)))[:_MOST]


def _measured(observation: Any) -> str:
    parts = [observation, *(observation.component or [])]
    said = [f"{_coded(part.code)} {value}" for part in parts if (value := _value(part))]
    return ", ".join(said)


def _value(part: Any) -> str:
    if part.valueQuantity and part.valueQuantity.value is not None:
        quantity, value = part.valueQuantity, float(part.valueQuantity.value)
        written = f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"  # "10500", not "1.05e+04"
        return f"{quantity.comparator or ''}{written} {quantity.unit or ''}".strip()
    if part.valueCodeableConcept:
        return _coded(part.valueCodeableConcept)
    return part.valueString or ""


def _attached(document: Any) -> str:
    texts = []
    for content in document.content:
        attachment = content.attachment
        if (attachment.contentType or "").startswith("text/plain") and attachment.data:
            texts.append(attachment.data.decode("utf-8", "replace"))
    return "\n".join(texts)


def _coded(concept: Any) -> str:
    if concept is None:
        return ""
    codings = concept.coding or []
    said = concept.text or next((coding.display for coding in codings if coding.display), "")
    return _KIND_OF_TERM.sub(
        "", said or next((coding.code for coding in codings if coding.code), "")
    )


def _type(resource: Any) -> str:
    return str(resource.get_resource_type())


def _path(resource: Any, names: str) -> Any:
    for name in names.split("."):
        resource = getattr(resource, name, None)
    return resource


def _day(resource: Any, names: str) -> str:
    return _text(_path(resource, names))


def _text(value: Any) -> str:
    """A FHIR date, which may lack its day or month, as sortable text without the time."""
    return str(value)[:10] if value else ""


def _whole(day: str) -> bool:
    return len(day) == 10


def _date(day: str) -> date:
    return date.fromisoformat(day)


def _years(born: str, day: str) -> int | None:
    """Completed years between two dates; by the years alone where one lacks its day.

    Below 0, which no age may be, where the year of the stay is before that of birth.
    """
    if not born or not day:
        return None
    years = int(day[:4]) - int(born[:4])
    birthday_ahead = _whole(born) and _whole(day) and day[5:] < born[5:]
    return years - birthday_ahead if years else 0
