"""Cohorts on which risk is learned and measured: NHANES, WCGS, Framingham, or a CSV with the contract's columns.

A cohort is recognised by its columns, whatever the file is called: `_COLUMNS` and `_OUTCOMES` say which name holds
which value in which unit. What a file does not have is not known (NaN). The outcomes are not the same: NHANES counts
cardiovascular deaths, Framingham first heart attacks, coronary deaths and strokes, WCGS coronary events.
"""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from consilium.tools.contract import ToolError
from consilium.tools.risk.features import FEATURES, INDEX, YES_NO, people_of
from consilium.tools.risk.limits import possible
from consilium.tools.risk.person import Flags, Numbers, to_mg

CENSORED, EVENT, OTHER_DEATH = 0, 1, 2

_DAYS = 365.25
_SHORTEST = 1 / _DAYS  # years; a death on the day of the examination counts as the day after


@dataclass(frozen=True)
class Cohort:
    """People with what is known of them at the start and what became of them.

    Parameters
    ----------
    name, endpoint : in words.
    rows : (people, features), NaN where not known.
    years : (people,) follow-up, above 0.
    status : (people,) CENSORED, EVENT or OTHER_DEATH at its end.
    black : (people,) 1, 0 or NaN, as the Pooled Cohort Equations read it.
    persons : (people,) survey numbers in NHANES; -1 elsewhere.
    entry : (people,) period of the examination, "" where there is one only.
    dropped : rows left out because a value is impossible or the outcome not known.
    """

    name: str
    endpoint: str
    rows: Numbers
    years: Numbers
    status: NDArray[np.int64]
    black: Numbers
    persons: NDArray[np.int64]
    entry: NDArray[np.str_]
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, keep: Flags) -> "Cohort":
        """The people for whom `keep` is true."""
        return replace(
            self,
            rows=self.rows[keep],
            years=self.years[keep],
            status=self.status[keep],
            black=self.black[keep],
            persons=self.persons[keep],
            entry=self.entry[keep],
        )

    @property
    def complete(self) -> Flags:
        """Whose values are all known; shape (people,)."""
        return np.asarray(np.isfinite(self.rows).all(axis=1), np.bool_)

    @property
    def unknown(self) -> list[str]:
        """Features that the file does not have."""
        return [name for name, at in INDEX.items() if np.isnan(self.rows[:, at]).all()]

    def time_at_risk(self, horizon: float) -> tuple[Numbers, Numbers]:
        """Time at risk up to the horizon, and 1 where the event ended it; for the subdistribution hazard.

        Who died of another cause stays at risk until the follow-up of the period would have ended: the median of its
        survivors' follow-up, as the survivors of one period are censored on one day.
        """
        years = self.years.copy()
        for entry in np.unique(self.entry):
            here = self.entry == entry
            survivors = here & (self.status == CENSORED)
            end = float(np.median(self.years[survivors])) if survivors.any() else horizon
            other = here & (self.status == OTHER_DEATH)
            years[other] = np.maximum(years[other], end)
        event = (self.status == EVENT) & (self.years <= horizon)
        return years.clip(max=horizon), event.astype(np.float64)


def read_cohort(path: Path) -> Cohort:
    """Read a cohort file (CSV, also gzipped).

    Raises
    ------
    ToolError
        If it cannot be read, or its columns say nothing of age, sex or outcome.
    """
    table = _table(path)
    outcome = next((o for o in _OUTCOMES if {o.years, o.event} <= set(table.columns)), None)
    if outcome is None:
        known = "; ".join(f"{o.years} with {o.event}" for o in _OUTCOMES)
        raise ToolError(f"The cohort file names no outcome; it needs one of the pairs: {known}.")
    if outcome.first_exam:
        table = table[(table["period"] == 1) & (table["prevchd"] == 0) & (table["prevstrk"] == 0)]
    rows = np.full((len(table), len(FEATURES)), np.nan)
    for name, column in INDEX.items():
        rows[:, column] = _feature(table, name)
    if outcome.men:
        rows[:, INDEX["female"]] = 0
    for name in ("age", "female"):
        if np.isnan(rows[:, INDEX[name]]).all():
            raise ToolError(f"The cohort file does not say the people's {_WORDS[name]}.")
    years, status = _follow_up(table, outcome)
    binary = rows[:, [INDEX[name] for name in YES_NO]]
    sound = possible(people_of(rows)) & (np.isnan(binary) | np.isin(binary, (0, 1))).all(axis=1)
    sound &= np.isfinite(years) & (years >= 0) & (status >= 0)
    sound &= ~np.isnan(rows[:, [INDEX["age"], INDEX["female"]]]).any(axis=1)
    cohort = Cohort(
        outcome.name,
        outcome.endpoint,
        rows,
        years.clip(_SHORTEST),
        status,
        _black(table),
        table["seqn"].to_numpy(np.int64) if "seqn" in table else np.full(len(table), -1),
        table["cycle"].to_numpy(str) if "cycle" in table else np.full(len(table), "", "U9"),
        int((~sound).sum()),
    ).where(sound)
    if not len(cohort):
        raise ToolError("The cohort file holds no usable row: check its units and its outcome.")
    return cohort


class _Outcome(NamedTuple):
    """The columns that say what became of a person."""

    name: str
    endpoint: str
    years: str
    event: str
    died: str = ""
    died_years: str = ""
    unit: float = 1.0  # of the two times, in years
    men: bool = False
    first_exam: bool = False


_HARD_CVD = "first myocardial infarction, coronary death or stroke"
_OWN = "the file's own event"
_OUTCOMES = (
    _Outcome("NHANES", "cardiovascular death", "followup_years", "death_cvd", "death_all"),
    _Outcome(
        "Framingham", _HARD_CVD, "time_cvd_years", "event_cvd", "death", "time_death_years"
    ),
    _Outcome(
        "Framingham, exam 1", _HARD_CVD, "timecvd", "cvd", "death", "timedth",
        unit=1 / _DAYS, first_exam=True,
    ),
    _Outcome(
        "WCGS", "coronary heart disease", "time169", "chd69", unit=1 / _DAYS, men=True
    ),
    _Outcome("cohort", _OWN, "years", "event", "died"),
    _Outcome("cohort", _OWN, "time_years", "event", "died"),
    _Outcome("cohort", _OWN, "followup_years", "event", "died"),
)  # fmt: skip
_WORDS = {"age": "age", "female": "sex"}

_Column = Callable[[pd.DataFrame], "pd.Series[float]"]


def _number(table: pd.DataFrame, name: str) -> "pd.Series[float]":
    column = table[name]
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    text = column.astype("string").str.strip().str.casefold()
    values = pd.to_numeric(text.replace(_YES_NO), errors="coerce").astype("float64")
    if (unread := text.notna() & values.isna()).any():
        raise ToolError(
            f'The column {name} holds "{text[unread].iloc[0][:20]}", which is not a number.'
        )
    return values


_YES_NO = {"true": "1", "yes": "1", "false": "0", "no": "0"}


def _in_mg(name: str) -> _Column:
    """Cholesterol in mg/dL, whatever the column `cholesterol_unit` says it is in."""

    def column(table: pd.DataFrame) -> "pd.Series[float]":
        values = _number(table, name)
        if "cholesterol_unit" not in table:
            return values
        unit = table["cholesterol_unit"].astype("string").str.strip().str.casefold()
        return values.where(~unit.eq("mmol/l").fillna(False), values.map(to_mg))

    return column


def _female(table: pd.DataFrame) -> "pd.Series[float]":
    """Sex as a word, or as 1 (men) and 2 (women); with a 0 among them 1 may mean either."""
    text = table["sex"].astype("string").str.strip().str.casefold().str.removesuffix(".0")
    if text.eq("0").fillna(False).any():
        raise ToolError("The column sex holds 0: write male and female, or 1 and 2.")
    codes = {"female": 1.0, "f": 1.0, "2": 1.0, "male": 0.0, "m": 0.0, "1": 0.0}
    return text.map(codes).astype("float64")


# For each feature, the columns that may hold it; the first one that a file has is read.
_COLUMNS: Mapping[str, Mapping[str, _Column | None]] = {
    "age": {"age": None, "age0": None},
    "female": {"female": None, "sex": _female},
    "total_cholesterol": {
        "total_cholesterol": _in_mg("total_cholesterol"),
        "total_chol_mgdl": None,
        "totchol": None,
        "chol0": None,
    },
    "hdl_cholesterol": {
        "hdl_cholesterol": _in_mg("hdl_cholesterol"),
        "hdl_mgdl": None,
        "hdlc": None,
    },
    "systolic_bp": {"systolic_bp": None, "sbp_mmhg": None, "sysbp": None, "sbp0": None},
    "bp_treated": {"bp_treated": None, "bp_meds": None, "bpmeds": None},
    "diabetes": {"diabetes": None},
    "smoker": {
        "smoker": None,
        "current_smoker": None,
        "cursmoke": None,
        "ncigs0": lambda table: (table["ncigs0"] > 0).astype("float64"),
    },
    "statin": {"statin": None},
    "egfr": {"egfr": None, "egfr_ckdepi2021": None},
    "bmi": {
        "bmi": None,
        "weight0": lambda table: table["weight0"] * 0.45359237 / (table["height0"] * 0.0254) ** 2,
    },
}


def _table(path: Path) -> pd.DataFrame:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as lines:
            header = next((line for line in lines if line.strip()), "")
        delimiter = max(",;\t", key=header.count)
        table = pd.read_csv(path, sep=delimiter, encoding="utf-8-sig", low_memory=False)
    except (ValueError, EOFError, gzip.BadGzipFile) as error:  # pandas' own are ValueErrors
        raise ToolError("The cohort file is empty or is not a CSV.") from error
    table.columns = [str(name).strip().casefold() for name in table.columns]
    return table


def _feature(table: pd.DataFrame, name: str) -> Numbers:
    for column, read in _COLUMNS[name].items():
        if column in table:
            values = read(table) if read else _number(table, column)
            return np.asarray(values, np.float64)
    return np.full(len(table), np.nan)


def _follow_up(table: pd.DataFrame, outcome: _Outcome) -> tuple[Numbers, NDArray[np.int64]]:
    """Years and status; status -1 where it is not known."""
    years = np.asarray(_number(table, outcome.years) * outcome.unit, np.float64)
    event = _happened(table, outcome.event)
    status = np.where(np.isnan(event), -1, np.where(event == 1, EVENT, CENSORED))
    if outcome.died in table:
        died = (_happened(table, outcome.died) == 1) & (status == CENSORED)
        status[died] = OTHER_DEATH
        if outcome.died_years in table:
            at = _number(table, outcome.died_years) * outcome.unit
            years = np.where(died, np.asarray(at, np.float64), years)
    return years, status


def _happened(table: pd.DataFrame, name: str) -> Numbers:
    """A column of 1 and 0, NaN where not known; in another coding (1 and 2, say) 1 may well mean "no"."""
    values = np.asarray(_number(table, name), np.float64)
    if (odd := ~np.isnan(values) & ~np.isin(values, (0, 1))).any():
        raise ToolError(
            f"The column {name} holds {values[odd][0]:g}: write 1 where it happened, else 0."
        )
    return values


def _black(table: pd.DataFrame) -> Numbers:
    """What the Pooled Cohort Equations read as race: NHANES' groups, or a column `race`."""
    name = next((n for n in ("race_eth", "race") if n in table), None)
    if name is None:
        return np.full(len(table), np.nan)
    text = table[name].astype("string").str.strip().str.casefold()
    black = text.str.contains("black").astype("float64").to_numpy(np.float64)
    # The guideline suggests the white equation for everyone else.
    return np.where(text.isna().to_numpy(), np.nan, black)
