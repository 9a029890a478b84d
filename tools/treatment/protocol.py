"""The benchmark's data for one confounding and one seed: training and validation courses, and two test sets.

As published (Melnychuk et al., ICML 2022, appendix J, and the code beside it): 10,000 / 1,000 / 1,000 patients;
the one-step test asks for all four treatments on every day of a course, the sequence test for ten plans of five
days from every day. Kept as published, because the published figures depend on it:

- In the test sets a patient is treated by the tumour sizes that stand in the row of the growing result table
  that bears the patient's own number; that row belongs to one of the first patients. (In the training data
  the patient's own sizes decide.)
- Test patients may be treated on the first day, training patients not.
- Volumes under counterfactual treatments are not cut off at death or at zero.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.random import RandomState

from consilium.tools.treatment.simulator import (
    CAPACITY,
    CELL_DENSITY,
    CHEMO_DECAY,
    CHEMO_DOSE,
    DAYS,
    DEATH_VOLUME,
    NOISE_SD,
    RADIO_DOSE,
    WINDOW,
    Array,
    Courses,
    Flags,
    Patients,
    concentrations,
    confounded,
    draw_patients,
    future,
    simulate,
    sphere_diameter,
    treatment_probability,
)

SequenceMode = Literal["random_trajectories", "sliding_treatment"]

TRAIN, VAL, TEST = 10_000, 1_000, 1_000
SEEDS = (10, 101, 1010, 10101, 101010)
GAMMAS = (0, 1, 2, 3, 4)
STEPS = 5  # days of a plan; with the day before it, volumes are predicted for 2 to 6 days ahead
_PLANS = 2 * STEPS
OPTIONS = np.array(
    [(0, 0), (0, 1), (1, 0), (1, 1)], dtype=bool
)  # (chemo, radio) of the one-step test


@dataclass(frozen=True)
class OneStepTest:
    """All four treatments on every day of every course.

    Parameters
    ----------
    patients : the truth behind the courses.
    courses : what is seen; `last` counts the days that are asked about.
    outcomes : (patients, days - 1, 4) volume on the next day under OPTIONS.
    """

    patients: Patients
    courses: Courses
    outcomes: Array


@dataclass(frozen=True)
class SequenceTest:
    """Plans of five days from every day of every course.

    On day t the history up to V[t] is seen; the treatment of day t is the course's own, and `chemo` and
    `radio` are the plan for the days t + 1 to t + 5.

    Parameters
    ----------
    chemo, radio : (patients, days - 1, plans, 5).
    outcomes : (patients, days - 1, plans, 5) volumes on the days t + 2 to t + 6; NaN where the benchmark leaves
        the plan out because a tumour would have had a negative volume.
    """

    patients: Patients
    courses: Courses
    chemo: Flags
    radio: Flags
    outcomes: Array


@dataclass(frozen=True)
class Benchmark:
    """Everything of one confounding and one seed."""

    train: Courses
    val: Courses
    one_step: OneStepTest
    sequences: dict[SequenceMode, SequenceTest]


def benchmark(
    gamma: float, seed: int, train: int = TRAIN, val: int = VAL, test: int = TEST
) -> Benchmark:
    """Draw the benchmark's sets of so many patients, in its order, from one stream of random numbers.

    Either kind of plans is the last set of the stream, as where only that kind is asked for.
    """
    random = RandomState(seed)
    policy = confounded(gamma)
    courses = [simulate(draw_patients(count, random), policy, random) for count in (train, val)]
    one_step = one_step_test(draw_patients(test, random), gamma, random)
    patients = draw_patients(test, random)
    place = random.get_state()
    sequences: dict[SequenceMode, SequenceTest] = {}
    for mode in get_args(SequenceMode):
        random.set_state(place)
        sequences[mode] = sequence_test(patients, gamma, mode, random)
    return Benchmark(courses[0], courses[1], one_step, sequences)


def one_step_test(patients: Patients, gamma: float, random: RandomState) -> OneStepTest:
    """Draw the one-step test set."""
    outcomes = np.zeros((len(patients), DAYS - 1, len(OPTIONS)))
    table = _Table(len(patients), DAYS)
    courses = []
    for row in range(len(patients)):
        patient = patients.take(np.array([row]))
        noise = NOISE_SD * random.randn(DAYS)
        draws = random.rand(3, DAYS)
        if row == 0:
            course = _follow(patient, np.zeros(DAYS), noise, draws, gamma)
            table.preview(course.volumes[0, :2])
        course = _follow(patient, table.sizes(row), noise, draws, gamma)
        days = course.last[0]
        after = _every_option(patient, course, noise)
        given = 2 * course.chemo[0, :days] + course.radio[0, :days]
        # The course itself is cut off at death and at zero; it comes first in the table.
        after[np.arange(days), given] = course.volumes[0, 1 : days + 1]
        outcomes[row, :days] = after
        if not table.full:
            for day in range(days):
                order = [given[day], *(option for option in range(4) if option != given[day])]
                table.add(course.volumes[0, : day + 1], after[day, order, None])
        courses.append(course)
    return OneStepTest(patients, _joined(courses), outcomes)


def sequence_test(
    patients: Patients, gamma: float, mode: SequenceMode, random: RandomState
) -> SequenceTest:
    """Draw the test set of plans: one application on one of five days, or random treatment."""
    shape = (len(patients), DAYS - 1, _PLANS, STEPS)
    chemo, radio = np.zeros((2, *shape), dtype=bool)
    outcomes = np.full(shape, np.nan)
    table = _Table(len(patients), DAYS + STEPS)
    if mode == "random_trajectories":
        _draw_plans(1, mode, random)  # the benchmark draws these and does not use them
    courses = []
    for row in range(len(patients)):
        patient = patients.take(np.array([row]))
        noise = NOISE_SD * random.randn(DAYS + STEPS)
        draws = random.rand(3, DAYS)
        plan = _draw_plans(1, mode, random)
        if row == 0:
            course = _follow(patient, np.zeros(DAYS), noise, draws, gamma)
            after = _planned(patient, course, plan, noise)[0]
            first = after[np.isfinite(after).all(axis=-1)][:1]
            table.preview(np.concatenate([course.volumes[0, :2], *first]))
        course = _follow(patient, table.sizes(row), noise, draws, gamma)
        days = course.last[0]
        plan = np.concatenate([plan, _draw_plans(days - 1, mode, random)])
        after = _planned(patient, course, plan, noise)
        kept: Flags = np.logical_not(np.isnan(after).any(axis=-1))
        chemo[row, :days], radio[row, :days] = plan[..., 0], plan[..., 1]
        outcomes[row, :days] = np.where(kept[..., None], after, np.nan)
        if not table.full:
            for day in range(days):
                table.add(course.volumes[0, : day + 2], after[day, kept[day]])
        courses.append(course)
    return SequenceTest(patients, _joined(courses), chemo, radio, outcomes)


class _Table:
    """The benchmark's growing table of courses, as far as its treatment policy looks into it."""

    def __init__(self, rows: int, days: int) -> None:
        self._rows = np.zeros((rows, days))
        self._used = 0

    @property
    def full(self) -> bool:
        """Whether every row that will be looked at has been written."""
        return self._used >= len(self._rows)

    def preview(self, row: Array) -> None:
        """Show the first patient its own row, which it writes at the end of its first day."""
        self._rows[0, : len(row)] = row

    def add(self, start: Array, ends: Array) -> None:
        """Append rows that begin with `start` and go on with each of (n, days) `ends`."""
        ends = ends[: len(self._rows) - self._used]
        rows = self._rows[self._used : self._used + len(ends)]
        rows[:, : len(start)] = start
        rows[:, len(start) : len(start) + ends.shape[1]] = ends
        self._used += len(ends)

    def sizes(self, row: int) -> Array:
        """Mean diameter of the last days of a row, for each day."""
        diameters = sphere_diameter(self._rows[row, :DAYS])
        windows = [diameters[max(day - WINDOW, 0) : day + 1] for day in range(DAYS)]
        sizes = np.array([window.mean() for window in windows])
        if row == 0:
            sizes[0] = 0  # not written yet
        return sizes


def _follow(patient: Patients, sizes: Array, noise: Array, draws: Array, gamma: float) -> Courses:
    """One test patient's course, treated by these sizes."""
    parameters = (patient.alpha, patient.beta, patient.rho, patient.beta_c)
    alpha, beta, rho, beta_c = (float(values[0]) for values in parameters)
    recovery, chemo_draw, radio_draw = draws
    probability = treatment_probability(sizes, gamma)
    chemo, radio = chemo_draw < probability, radio_draw < probability
    kill = RADIO_DOSE * alpha + RADIO_DOSE**2 * beta
    volumes = np.zeros(DAYS)
    volumes[0] = volume = float(patient.first_volume[0])
    concentration, day = 0.0, 0
    for day in range(DAYS - 1):
        concentration = CHEMO_DECAY * concentration + CHEMO_DOSE * chemo[day]
        growth = rho * math.log(CAPACITY / volume) - beta_c * concentration - kill * radio[day]
        volume = min(max(volume * (1 + growth + noise[day + 1]), 0.0), DEATH_VOLUME)
        volumes[day + 1] = volume
        if volume >= DEATH_VOLUME or recovery[day] <= math.exp(-volume * CELL_DENSITY):
            break
    chemo[day + 1 :] = radio[day + 1 :] = False
    return Courses(patient.kind, volumes[None], chemo[None], radio[None], np.array([day + 1]))


def _every_option(patient: Patients, course: Courses, noise: Array) -> Array:
    """(days, 4) volumes on the next day under OPTIONS, the noise of the course kept."""
    days = course.last[0]
    shape = (1, days, len(OPTIONS))
    level = concentrations(course.chemo)
    day_before = np.concatenate([[0.0], level[0, : days - 1]])
    after: Array = future(
        patient,
        np.broadcast_to(course.volumes[:, :days, None], shape),
        np.broadcast_to(day_before[None, :, None], shape),
        np.broadcast_to(OPTIONS[:, 0, None], (*shape, 1)),
        np.broadcast_to(OPTIONS[:, 1, None], (*shape, 1)),
        np.broadcast_to(noise[1 : days + 1, None, None], (*shape, 1)),
    )
    options: Array = after.reshape(days, len(OPTIONS))
    return options


def _planned(patient: Patients, course: Courses, plan: Flags, noise: Array) -> Array:
    """(days, plans, 5) volumes under plans that begin on the day after each of the first days."""
    days = len(plan)
    later = np.arange(days)[:, None] + 2 + np.arange(STEPS)
    after: Array = future(
        patient,
        np.broadcast_to(course.volumes[:, 1 : days + 1, None], (1, days, _PLANS)),
        np.broadcast_to(concentrations(course.chemo)[:, :days, None], (1, days, _PLANS)),
        plan[None, ..., 0],
        plan[None, ..., 1],
        np.broadcast_to(noise[later][None, :, None], (1, days, _PLANS, STEPS)),
    ).reshape(plan.shape[:-1])
    return after


def _draw_plans(days: int, mode: SequenceMode, random: RandomState) -> Flags:
    """(days, plans, 5, 2) applications of chemo- and radiotherapy."""
    shape = (days, _PLANS, STEPS, 2)
    if mode == "random_trajectories":
        return random.randint(0, 2, shape).astype(bool)
    plans = np.zeros(shape[1:], dtype=bool)
    plans[:STEPS, :, 0] = plans[STEPS:, :, 1] = np.eye(STEPS, dtype=bool)
    return np.broadcast_to(plans, shape)


def _joined(courses: list[Courses]) -> Courses:
    parts = [vars(course) for course in courses]
    return Courses(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
