"""The published equations against the packages that implement them: `python benchmarks/risk.py [--people N]`.

Every package gets its own fastest public entry and its data in its own form, in turns within one run; the median of
the rounds counts. The last column is each one's answer to the published worked example. What is not installed
(`pip install ascvd==0.5 cvd-risk==0.1.48 pyprevent==0.1.6`) is left out and named.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from consilium.tools.risk import pooled_cohort, prevent
from consilium.tools.risk.model import load_model
from consilium.tools.risk.person import MMOL_PER_MG, People, Person

_ROUNDS = 7
_ONE = 200  # calls per round for one person
# Khan 2024, Table S25 (total CVD 14.7 %), and Goff 2014, Table A (2.1 %).
_PREVENT = Person(
    age=50, sex="female", total_cholesterol=200, hdl_cholesterol=45, systolic_bp=160,
    bp_treated=True, diabetes=True, egfr=90, bmi=35, race="white",
)  # fmt: skip
_PCE = Person(
    age=55, sex="female", total_cholesterol=213, hdl_cholesterol=50, systolic_bp=120, race="white"
)
_PUBLISHED = {"PREVENT total CVD": (_PREVENT, 14.7), "PCE": (_PCE, 2.1)}


class Entry(NamedTuple):
    """One way to compute an equation: for one person (in percent) and for many."""

    one: Callable[[], float]
    many: Callable[[], object]


def _ours(person: Person, count: int) -> dict[str, Entry]:
    many = _repeated(person, count)
    return {
        "PREVENT total CVD": Entry(
            lambda: 100 * (prevent.risk_of(person) or 0), lambda: prevent.risk(many)
        ),
        "PCE": Entry(
            lambda: 100 * (pooled_cohort.risk_of(person) or 0), lambda: pooled_cohort.risk(many)
        ),
    }


def _ascvd(person: Person, count: int) -> dict[str, Entry]:
    score = import_module("ascvd").compute_ten_year_score
    values = (
        person.sex == "male", person.race == "black", person.smoker, person.bp_treated,
        person.diabetes, int(person.age), int(person.systolic_bp), int(person.total_cholesterol),
        int(person.hdl_cholesterol),
    )  # fmt: skip
    return {"PCE": Entry(lambda: score(*values), lambda: [score(*values) for _ in range(count)])}


def _pyprevent(person: Person, count: int) -> dict[str, Entry]:
    package, pandas = import_module("pyprevent"), import_module("pandas")
    values = {
        "sex": person.sex, "age": person.age, "total_cholesterol": person.total_cholesterol,
        "hdl_cholesterol": person.hdl_cholesterol, "systolic_bp": person.systolic_bp,
        "has_diabetes": person.diabetes, "current_smoker": person.smoker, "bmi": person.bmi,
        "egfr": person.egfr, "on_htn_meds": person.bp_treated, "on_cholesterol_meds": person.statin,
    }  # fmt: skip
    frame = pandas.DataFrame([values]).loc[[0] * count].reset_index(drop=True)
    return {
        "PREVENT total CVD": Entry(
            lambda: package.calculate_10_yr_cvd_risk(**values),
            lambda: package.batch_calculate_10_yr_cvd_risk(frame),
        )
    }


def _cvd_risk(person: Person, count: int) -> dict[str, Entry]:
    package, pandas = import_module("cvd_risk"), import_module("pandas")
    values: Mapping[str, Any] = {
        "sex": person.sex, "age": int(person.age), "race": person.race,
        "total_cholesterol": person.total_cholesterol * MMOL_PER_MG,
        "hdl_cholesterol": person.hdl_cholesterol * MMOL_PER_MG,
        "systolic_bp": person.systolic_bp, "diabetes": person.diabetes, "smoking": person.smoker,
        "bmi": person.bmi, "egfr": person.egfr, "antihypertensive": person.bp_treated,
        "statin_use": person.statin,
    }  # fmt: skip
    patient = package.PatientData(**values)
    frame = pandas.DataFrame([values]).loc[[0] * count].reset_index(drop=True)
    models = {"PREVENT total CVD": package.Prevent(), "PCE": package.ASCVD()}

    def one(model: Any) -> float:
        return float(model.calculate(patient).risk_score)

    return {
        name: Entry(partial(one, model), partial(model.calculate_batch, frame))
        for name, model in models.items()
    }


_PACKAGES = {
    "consilium": _ours,
    "pyprevent": _pyprevent,
    "cvd-risk": _cvd_risk,
    "ascvd": _ascvd,
}


def _repeated(person: Person, count: int) -> People:
    one = People.of([person])
    return People(**{name: np.repeat(column, count) for name, column in vars(one).items()})


def _seconds(run: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        run()
    return (time.perf_counter() - started) / times


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    count = parser.parse_args().people
    print(
        f"{'equation':<18}{'package':<11}{'1 person, per s':>16}{'ours is':>10}"
        f"{f'{count:,}, per s':>17}{'ours is':>10}{'example':>10}{'published':>11}"
    )
    absent = set()
    for equation, (person, published) in _PUBLISHED.items():
        entries: dict[str, Entry] = {}
        for package, build in _PACKAGES.items():
            try:
                built = build(person, count)
            except ImportError:
                absent.add(package)
                continue
            if equation in built:
                entries[package] = built[equation]
        ones: dict[str, list[float]] = {package: [] for package in entries}
        many: dict[str, list[float]] = {package: [] for package in entries}
        for _ in range(_ROUNDS):
            for package, entry in entries.items():
                ones[package].append(_seconds(entry.one, _ONE))
                many[package].append(_seconds(entry.many, 1) / count)
        for package, entry in entries.items():
            one, each = median(ones[package]), median(many[package])
            faster = one / median(ones["consilium"]), each / median(many["consilium"])
            print(
                f"{equation:<18}{package:<11}{1 / one:>16,.0f}{faster[0]:>9.3f}x"
                f"{1 / each:>17,.0f}{faster[1]:>9.3f}x{entry.one():>8.2f} %{published:>9.1f} %"
            )
    model = load_model()
    rates = [
        people
        / median(
            _seconds(partial(model.predict_10y, _repeated(_PREVENT, people)), 1)
            for _ in range(_ROUNDS)
        )
        for people in (1, count)
    ]
    print(f"{'learned model':<18}{'consilium':<11}{rates[0]:>16,.0f}{'':>11}{rates[1]:>17,.0f}")
    if absent:
        print(f"not installed: {', '.join(sorted(absent))}")


if __name__ == "__main__":
    main()
