"""Requests for the cardiovascular risk: the patient's values in many layouts, with what only looks like one."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from consilium.finetune.synthesis import risk_words as words
from consilium.finetune.synthesis.example import Call
from consilium.finetune.synthesis.people import SEXES, Person, Sex, introduce
from consilium.finetune.synthesis.request import Request
from consilium.finetune.synthesis.voices import Writer, guard

REQUIRED = ("age", "sex", "total_cholesterol", "hdl_cholesterol", "systolic_bp")


@dataclass(frozen=True)
class Patient:
    """What a risk request may state; `mmol` is the cholesterol unit, None where a value is not known."""

    age: int
    sex: Sex
    total_cholesterol: float
    hdl_cholesterol: float
    systolic_bp: int
    mmol: bool
    bp_treated: bool = False
    diabetes: bool = False
    smoker: bool = False
    statin: bool = False
    egfr: int | None = None
    bmi: float | None = None

    def call(self, omit: Collection[str] = ()) -> Call:
        """The call, fields in the contract's order, only what differs from a default, without `omit`."""
        arguments: dict[str, Any] = {
            name: getattr(self, name) for name in REQUIRED if name not in omit
        }
        if self.mmol and not {"total_cholesterol", "hdl_cholesterol"} <= set(omit):
            arguments["cholesterol_unit"] = "mmol/L"
        for name in ("bp_treated", "diabetes", "smoker", "statin"):
            if getattr(self, name):
                arguments[name] = True
        for name in ("egfr", "bmi"):
            if getattr(self, name) is not None:
                arguments[name] = getattr(self, name)
        return Call(name="predict_risk", arguments=arguments)


OPPOSITE: dict[Sex, Sex] = {"female": "male", "male": "female"}


def sample_patient(writer: Writer, sex: Sex | None = None, *, mmol: bool | None = None) -> Patient:
    """A patient whose values are spread as in a cardiovascular clinic."""
    rng = writer.rng
    if mmol is None:
        mmol = writer.chance(0.2 if writer.register == "terse" else 0.6)
    total = min(max(rng.gauss(210, 38), 118), 340)
    hdl = min(max(rng.gauss(52, 13), 24), 100)
    age = round(min(max(rng.gauss(57, 11), 24), 89))
    return Patient(
        age=age,
        sex=rng.choice(SEXES) if sex is None else sex,
        total_cholesterol=round(total / 38.67, rng.choice((1, 1, 2))) if mmol else round(total),
        hdl_cholesterol=round(hdl / 38.67, rng.choice((1, 2, 2))) if mmol else round(hdl),
        systolic_bp=round(min(max(rng.gauss(138, 16), 92), 206)),
        mmol=mmol,
        bp_treated=writer.chance(0.38),
        diabetes=writer.chance(0.3),
        smoker=writer.chance(0.3),
        statin=writer.chance(0.25),
        egfr=rng.randint(28, 112) if writer.chance(0.2) else None,
        bmi=(round(rng.gauss(28.5, 4.5), 1) if writer.chance(0.7) else rng.randint(19, 41))
        if writer.chance(0.17)
        else None,
    )


def _lipid_unit(writer: Writer, patient: Patient) -> str:
    if patient.mmol:
        return writer.choice((" mmol/L", " mmol/L", " mmol/l", "mmol/L", " mmol"))
    return writer.choice(("", "", "", " mg/dL", " mg/dl"))


def _values(writer: Writer, patient: Patient) -> dict[str, str]:
    """Every value a form may quote, as this writer writes it."""
    rng, number = writer.rng, writer.number
    dose = rng.choice((5, 10, 20, 40, 80))
    drugs = rng.sample(words.BP_DRUGS, 2)
    ldl = rng.randint(70, 210)
    tg = rng.randint(60, 380)
    person = Person(patient.age, patient.sex)
    return {
        "his": person.his,
        "he": person.he,
        "tc": number(patient.total_cholesterol),
        "hdl": number(patient.hdl_cholesterol),
        "sbp": number(patient.systolic_bp),
        "dbp": number(min(round(patient.systolic_bp * rng.uniform(0.5, 0.68)), 118)),
        "egfr": number(patient.egfr) if patient.egfr is not None else "",
        "bmi": number(patient.bmi) if patient.bmi is not None else "",
        "drug": guard(drugs[0]),
        "drug2": guard(drugs[1]),
        "statin": guard(rng.choice(words.STATINS)),
        "dose": number(dose),
        "per_day": number(rng.choice((5, 8, 10, 12, 15, 20, 25, 30))),
        "pack_years": number(rng.randint(5, 60)),
        "year": guard(str(rng.randint(1984, 2024))),
        "ldl": number(round(ldl / 38.67, 1) if patient.mmol else ldl),
        "tg": number(round(tg / 88.6, 1) if patient.mmol else tg),
        "hr": number(rng.randint(52, 104)),
        "hba1c": number(
            round(rng.uniform(6.3, 9.8) if patient.diabetes else rng.uniform(4.8, 5.6), 1)
        ),
        "weight": number(rng.randint(48, 118)),
        "waist": number(rng.randint(70, 124)),
        "crea": number(round(rng.uniform(0.6, 1.7), 1)),
        "mi_age": number(rng.randint(38, 72)),
        "temp": number(round(rng.uniform(36.2, 37.4), 1)),
        "sat": number(rng.randint(93, 99)),
        "height": number(rng.randint(148, 199)),
        "n": guard(str(rng.randint(2, 31))),
    }


def _mark_unit(writer: Writer, patient: Patient, names: Collection[str]) -> dict[str, str]:
    """The unit after each cholesterol value: mmol/L stands at one of them at least."""
    units = {name: _lipid_unit(writer, patient) for name in names}
    if patient.mmol and len(units) > 1 and writer.chance(0.25):
        units[writer.choice(sorted(units))] = ""
    return units


def fragments(writer: Writer, patient: Patient, omit: Collection[str] = ()) -> list[str]:
    """What is known as short phrases in random order, without `omit`, with some distractors.

    Age and sex are left to the words that introduce the patient.
    """
    person = Person(patient.age, None if "sex" in omit else patient.sex)
    values = _values(writer, patient) | {"his": person.his, "he": person.he}
    lipids = [n for n in ("total_cholesterol", "hdl_cholesterol") if n not in omit]
    found: list[str] = []
    if len(lipids) == 2 and writer.chance(0.3):
        unit = _lipid_unit(writer, patient)
        found.append(writer.say(words.LIPIDS, unit=unit, **values))
    else:
        units = _mark_unit(writer, patient, lipids)
        forms = {"total_cholesterol": words.TC, "hdl_cholesterol": words.HDL}
        found += [writer.say(forms[name], unit=units[name], **values) for name in lipids]
    if "systolic_bp" not in omit:
        found.append(writer.say(words.BP, **values))
    for stated, yes, no, negation in (
        (patient.bp_treated, words.TREATED, words.UNTREATED, 0.3),
        (patient.diabetes, words.DIABETIC, words.NOT_DIABETIC, 0.45),
        (patient.smoker, words.SMOKES, words.NO_SMOKER, 0.6),
        (patient.statin, words.STATIN, words.NO_STATIN, 0.2),
    ):
        if stated:
            found.append(writer.say(yes, **values))
        elif writer.chance(negation):
            found.append(writer.say(no, **values))
    if patient.egfr is not None:
        found.append(writer.say(words.EGFR, **values))
    if patient.bmi is not None:
        found.append(writer.say(words.BMI, **values))
    distractors = (
        writer.say(words.DISTRACTORS, **values) for _ in range(writer.choice((0, 0, 1, 1, 2, 3)))
    )
    found += dict.fromkeys(distractors)
    if writer.chance(0.75):
        writer.rng.shuffle(found)
    return found


def _listed(writer: Writer, patient: Patient, omit: Collection[str]) -> str:
    """The values as pasted lines, bullets or a table."""
    lines = fragments(writer, patient, omit)
    if "sex" not in omit:
        word = patient.sex if writer.chance(0.5) else patient.sex[0].upper()
        lines.insert(0, writer.choice(("Sex: ", "sex ", "Gender: ")) + word)
    if "age" not in omit:
        age = writer.number(patient.age)
        lines.insert(0, writer.choice(("Age: ", "age ", "Age ")) + age + writer.choice(("", " y")))
    if writer.chance(0.25):
        writer.rng.shuffle(lines)
    mark = writer.choice(("- ", "• ", "* ", "", "", "+ "))
    return "\n".join(mark + line for line in lines)


def _record(writer: Writer, patient: Patient, omit: Collection[str]) -> str:
    """The values as `name: value` lines or as a two-column table."""
    number = writer.number
    unit = "mmol/L" if patient.mmol else writer.choice(("mg/dL", "mg/dL", ""))
    dbp = min(round(patient.systolic_bp * 0.58), 110)
    known = {
        "age": ("Age", number(patient.age), "y"),
        "sex": ("Sex", patient.sex if writer.chance(0.5) else patient.sex[0].upper(), ""),
        "total_cholesterol": (
            writer.choice(("Cholesterol", "Total cholesterol", "CHOL", "Chol, total", "TC")),
            number(patient.total_cholesterol),
            unit,
        ),
        "hdl_cholesterol": (
            writer.choice(("HDL", "HDL-C", "HDL cholesterol")),
            number(patient.hdl_cholesterol),
            unit,
        ),
        "ldl": (
            "LDL",
            number(round(writer.rng.uniform(1.6, 4.9), 1) if patient.mmol else 131),
            unit,
        ),
        "systolic_bp": (
            writer.choice(("BP", "RR", "Blood pressure")),
            f"{number(patient.systolic_bp)}/{number(dbp)}",
            "mmHg",
        )
        if writer.chance(0.6)
        else (writer.choice(("SBP", "Systolic")), number(patient.systolic_bp), "mmHg"),
        "pulse": ("Pulse", number(writer.rng.randint(54, 99)), "/min"),
    }
    rows = [row for name, row in known.items() if name not in omit]
    rows = [r for r in rows if r[0] not in {"LDL", "Pulse"} or writer.chance(0.4)]
    yes, no = writer.choice((("yes", "no"), ("Y", "N"), ("1", "0"), ("+", "-"), ("true", "false")))
    flags = (
        (writer.choice(("Smoker", "Smoking", "Current smoker")), patient.smoker),
        (writer.choice(("Diabetes", "DM")), patient.diabetes),
        (writer.choice(("BP meds", "BP treatment", "Antihypertensives")), patient.bp_treated),
        (writer.choice(("Statin", "On statin")), patient.statin),
    )
    rows += [
        (label, yes if value else no, "") for label, value in flags if value or writer.chance(0.75)
    ]
    if patient.egfr is not None:
        rows.append(("eGFR", number(patient.egfr), ""))
    if patient.bmi is not None:
        rows.append(("BMI", number(patient.bmi), ""))
    if writer.chance(0.3):
        writer.rng.shuffle(rows)
    if writer.chance(0.35):
        head = writer.choice((("parameter", "value"), ("item", "result"), ("", "")))
        body = [f"| {label} | {value} {unit} |" for label, value, unit in rows]
        return guard(
            "\n".join([f"| {head[0]} | {head[1]} |", "|---|---|", *body]).replace("  ", " ")
        )
    sign = writer.choice((": ", " = ", "\t", " "))
    joiner = writer.choice(("\n", "\n", "; ", " | "))
    return joiner.join(f"{label}{sign}{value} {unit}".strip() for label, value, unit in rows)


_SEPARATORS = {
    "terse": (", ", ", ", " ", " / ", "; ", ". ", " - "),
    "plain": (", ", ", ", "; ", ". "),
    "formal": (", ", ", ", "; ", ". "),
}


def describe(writer: Writer, patient: Patient, omit: Collection[str] = ()) -> str:
    """The patient's values without those in `omit`, in one of the layouts."""
    if writer.chance(writer.voice.pasted):
        return (_listed if writer.chance(0.5) else _record)(writer, patient, omit)
    person = Person(None if "age" in omit else patient.age, None if "sex" in omit else patient.sex)
    facts = fragments(writer, patient, omit)
    separator = writer.choice(_SEPARATORS[writer.register])
    if len(facts) > 2 and separator == ", " and writer.chance(0.4):
        facts = [*facts[:-1], f"and {facts[-1]}"]
    text = writer.say(words.PROSE, who=introduce(writer, person), facts=separator.join(facts))
    return text.replace("and who", "who")


_PLAIN_NAMES = {
    "total_cholesterol": "total cholesterol",
    "hdl_cholesterol": "HDL",
    "systolic_bp": "blood pressure",
}


def ask(
    writer: Writer, patient: Patient, omit: Collection[str] = (), *, hint: bool = True
) -> Request:
    """A request for the risk of `patient`; values in `omit` stay unsaid."""
    person = Person(patient.age, None if "sex" in omit else patient.sex)
    description = describe(writer, patient, omit)
    request = writer.say(words.REQUESTS, his=person.his)
    pending = [_PLAIN_NAMES[name] for name in omit if name in _PLAIN_NAMES]
    if pending and hint and writer.chance(0.3):
        description += ", " + writer.say(words.PENDING, missing=writer.choice(pending))
    pasted = "\n" in description
    if not pasted and writer.chance(0.12):
        who = introduce(writer, Person(None if "age" in omit else patient.age, person.sex))
        facts = ", ".join(fragments(writer, patient, omit))
        text = writer.say(
            words.REQUEST_FOR, description=f"{who}{writer.choice((', ', ': ', ' - '))}{facts}"
        )
    elif writer.chance(0.4 if pasted else 0.3):
        text = f"{request.rstrip('.?')}{writer.choice((':', ':', ' -', '.'))} {description}"
        text = text.replace(": ", ":\n", 1) if pasted else text
    else:
        text = (
            description + ("\n" if pasted else writer.choice((". ", ". ", ", ", " - "))) + request
        )
    if writer.chance(0.2):
        text = f"{writer.say(words.SETTINGS, n=guard(str(writer.rng.randint(2, 17))))} {text}"
    return Request(text, (patient.call(omit),))


def ask_after_film(writer: Writer, patient: Patient, film: Request) -> Request:
    """The risk and the reading of a film for the same patient, who is introduced once."""
    person = Person(patient.age, patient.sex)
    text = writer.say(
        words.TASKS,
        who=introduce(writer, person),
        film=film.text.rstrip(".?"),
        his=person.his,
        facts=", ".join(fragments(writer, patient)),
    )
    film_first = text.index(film.text.rstrip(".?")) < text.rindex("risk")
    calls = (*film.calls, patient.call()) if film_first else (patient.call(), *film.calls)
    return Request(text, calls)


def ask_without_values(writer: Writer, patient: Patient) -> Request:
    """A request that names the patient at most by sex or age and gives no value."""
    known = writer.choice((("sex",), ("age", "sex"), ()))
    person = Person(
        patient.age if "age" in known else None, patient.sex if "sex" in known else None
    )
    text = writer.say(words.ONLY_NAME, who=introduce(writer, person))
    stated = {name: getattr(patient, name) for name in REQUIRED if name in known}
    return Request(text, (Call(name="predict_risk", arguments=stated),))


def supply(writer: Writer, patient: Patient, names: Collection[str]) -> str:
    """The values of `names`, given later: "HDL 1.1", "BP 142/80, and she is a woman of 61"."""
    values = _values(writer, patient)
    parts = []
    for name in names:
        if name == "age":
            age = writer.integer(patient.age)
            parts.append(writer.say("[age|aged|age is|] {age}[| years| yo]", age=age))
        elif name == "sex":
            parts.append(writer.say(f"[{patient.sex}|{patient.sex}|sex {patient.sex}]"))
        elif name == "systolic_bp":
            parts.append(writer.say(words.BP, **values))
        else:
            form = words.TC if name == "total_cholesterol" else words.HDL
            parts.append(writer.say(form, unit=_lipid_unit(writer, patient), **values))
    return writer.choice((", ", " and ", "; ")).join(part.strip() for part in parts)


def change(writer: Writer, patient: Patient) -> tuple[str, Patient]:
    """A follow-up that changes one thing, and the patient after it."""
    rng = writer.rng
    factor = rng.uniform(0.75, 1.2)
    mmol = patient.mmol
    new_tc = (
        round(patient.total_cholesterol * factor, 1)
        if mmol
        else round(patient.total_cholesterol * factor)
    )
    new_hdl = (
        round(patient.hdl_cholesterol * factor + 0.15, 2)
        if mmol
        else round(patient.hdl_cholesterol * factor + 4)
    )
    options: dict[str, Patient] = {
        "sbp": replace(patient, systolic_bp=max(round(patient.systolic_bp * factor) - 3, 90)),
        "tc": replace(patient, total_cholesterol=new_tc),
        "hdl": replace(patient, hdl_cholesterol=new_hdl),
        "age": replace(patient, age=patient.age + rng.choice((-4, -2, 2, 3, 5, 8, 10))),
        ("quits" if patient.smoker else "smokes"): replace(patient, smoker=not patient.smoker),
        ("untreated" if patient.bp_treated else "treated"): replace(
            patient, bp_treated=not patient.bp_treated
        ),
    }
    if not patient.diabetes:
        options["diabetic"] = replace(patient, diabetes=True)
    if not patient.statin:
        options["statin"] = replace(patient, statin=True)
    if patient.bmi is None:
        options["bmi"] = replace(patient, bmi=round(rng.uniform(19, 41), 1))
    if patient.egfr is None:
        options["egfr"] = replace(patient, egfr=rng.randint(24, 110))
    kind = rng.choice(sorted(options))
    changed = options[kind]
    values = _values(writer, changed) | {"age": writer.integer(changed.age)}
    return writer.say(words.CHANGES[kind], **values), changed


def another(writer: Writer, patient: Patient) -> str:
    """A follow-up that asks the same for a second patient, all values given anew."""
    person = Person(patient.age, patient.sex)
    facts = writer.choice((", ", ", ", "; ")).join(fragments(writer, patient))
    return writer.say(words.NEXT, who=introduce(writer, person), facts=facts)


def several(writer: Writer, patients: list[Patient]) -> Request:
    """One message with two or three patients, a call for each."""
    calls = tuple(patient.call() for patient in patients)
    if writer.chance(0.38) and len({p.mmol for p in patients}) == 1:
        return Request(_table_of(writer, patients) + "\n" + writer.say(words.EACH), calls)
    labels = writer.choice(
        (
            ("A: ", "B: ", "C: "),
            ("1) ", "2) ", "3) "),
            ("pt 1: ", "pt 2: ", "pt 3: "),
            ("- ", "- ", "- "),
            ("first ", "second ", "third "),
            ("(a) ", "(b) ", "(c) "),
            ("pt A: ", "pt B: ", "pt C: "),
            ("Patient A: ", "Patient B: ", "Patient C: "),
            ("A) ", "B) ", "C) "),
            ("", "", ""),
            ("", "and ", "and "),
        )
    )
    joiner = writer.choice(("\n", "\n", ". ", "; ", " // "))
    described = []
    for label, patient in zip(labels, patients, strict=False):
        person = Person(patient.age, patient.sex)
        facts = ", ".join(fragments(writer, patient))
        described.append(f"{guard(label)}{introduce(writer, person)}, {facts}")
    body = joiner.join(described)
    lead = writer.say(words.EACH)
    if writer.chance(0.5):
        return Request(f"{lead.rstrip('.?')}:{'' if joiner == ' // ' else chr(10)} {body}", calls)
    return Request(f"{body}{joiner if joiner == chr(10) else '. '}{lead}", calls)


def _table_of(writer: Writer, patients: list[Patient]) -> str:
    unit = "mmol/L" if patients[0].mmol else "mg/dL"
    yes, no = writer.choice((("yes", "no"), ("y", "n"), ("+", "-"), ("1", "0")))
    flags = [("smoker", "smoker"), ("DM", "diabetes"), ("BP meds", "bp_treated")]
    if any(p.statin for p in patients):
        flags.append(("statin", "statin"))
    if writer.chance(0.6):
        writer.rng.shuffle(flags)
    head = ["pt", "age", "sex", f"TC {unit}", f"HDL {unit}", "SBP", *(name for name, _ in flags)]
    rows = []
    for name, p in zip("ABC", patients, strict=False):
        cells = [name, str(p.age), p.sex[0].upper()]
        cells += [writer.number(p.total_cholesterol), writer.number(p.hdl_cholesterol)]
        cells += [str(p.systolic_bp), *(yes if getattr(p, flag) else no for _, flag in flags)]
        rows.append(cells)
    for name in ("egfr", "bmi"):
        if any(getattr(p, name) is not None for p in patients):
            head.append({"egfr": "eGFR", "bmi": "BMI"}[name])
            for row, p in zip(rows, patients, strict=True):
                value = getattr(p, name)
                row.append(writer.number(value) if value is not None else "")
    if writer.chance(0.5):
        lines = ["| " + " | ".join(row) + " |" for row in [head, *rows]]
        lines.insert(1, "|" + "---|" * len(head))
    else:
        sign = writer.choice(("\t", ", ", "; "))
        sign = "; " if writer.decimal_comma and sign == ", " else sign
        lines = [sign.join(row) for row in [head, *rows]]
    return guard("\n".join(lines).replace("\ue000", "").replace("\ue001", ""))
