"""Simulated histories, and what truly comes after them under each plan.

The patients are treated in many ways, from never to daily and by size or by chance, because nobody
knows how those of a user are. They serve to calibrate and to measure, never to train.
"""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.random import RandomState

from consilium.tools.treatment.contract import Plan
from consilium.tools.treatment.history import GIVEN, MEASURABLE, Floats
from consilium.tools.treatment.simulator import (
    CHEMO_DECAY,
    CHEMO_DOSE,
    DEATH_VOLUME,
    NOISE_SD,
    Courses,
    Patients,
    Policy,
    concentrations,
    confounded,
    draw_patients,
    future,
    randomised,
    simulate,
)

PLANS: tuple[Plan, ...] = get_args(Plan)
HORIZON = 6  # the most that the contract offers
_GAMMAS = (0.0, 1.0, 2.0, 3.0, 4.0)
_SHARES = (0.0, 0.1, 0.3, 0.5)  # of the visits with a therapy, where chance decides


@dataclass(frozen=True)
class Counterfactuals:
    """n histories of T visits with their futures.

    Parameters
    ----------
    volumes : (n, T) cm3, from MEASURABLE to below DEATH_VOLUME.
    treatments : (n, T, 2) 0 or 1, after the volume was measured.
    plans : (n, 4, 6, 2) treatments from the last visit on under each of PLANS, as `History.under`.
    outcomes : (n, 4, 6) true volume at each visit ahead under each plan, cm3; DEATH_VOLUME from death
        on, 0 from recovery on.
    """

    volumes: Floats
    treatments: Floats
    plans: Floats
    outcomes: Floats

    def __len__(self) -> int:
        return len(self.volumes)


def draw(visits: int, count: int, random: RandomState) -> Counterfactuals:
    """Draw `count` patients, half treated by size and half by chance, each followed for so many visits.

    Those who die or recover before the end, or have too small a tumour to be measured, are left out.
    """
    parts = []
    for policy, share in _policies(count, random):
        patients = draw_patients(share, random)
        courses = simulate(patients, policy, random, days=visits)
        seen = courses.volumes
        rows = np.flatnonzero((seen.min(axis=1) >= MEASURABLE) & (seen[:, -1] < DEATH_VOLUME))
        parts.append(_follow(patients.take(rows), courses.take(rows), random))
    return Counterfactuals(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Counterfactuals.__dataclass_fields__
        )
    )


def _policies(count: int, random: RandomState) -> list[tuple[Policy, int]]:
    by_size = max(count // (2 * len(_GAMMAS)), 1)
    by_chance = max(count - by_size * len(_GAMMAS), 1)
    chemo, radio = random.choice(_SHARES, (2, by_chance))
    return [
        *((confounded(gamma), by_size) for gamma in _GAMMAS),
        (randomised(chemo, radio), by_chance),
    ]


def _follow(patients: Patients, courses: Courses, random: RandomState) -> Counterfactuals:
    """Continue each course under each plan; one patient's noise is the same under all."""
    treatments = np.stack([courses.chemo, courses.radio], axis=-1).astype(float)
    planned = np.array([GIVEN[plan] for plan in PLANS], dtype=float)
    steps = np.tile(planned[None, :, None, :], (len(patients), 1, HORIZON, 1))
    steps[:, :, 0] = np.maximum(steps[:, :, 0], treatments[:, None, -1])
    left = (concentrations(courses.chemo)[:, -1] - CHEMO_DOSE * courses.chemo[:, -1]) / CHEMO_DECAY
    noise = NOISE_SD * random.randn(len(patients), 1, HORIZON)
    shape = (len(patients), len(PLANS))
    outcomes = future(
        patients,
        np.broadcast_to(courses.volumes[:, -1, None], shape),
        np.broadcast_to(left[:, None], shape),
        steps[..., 0] > 0,
        steps[..., 1] > 0,
        np.broadcast_to(noise, (*shape, HORIZON)),
    )
    return Counterfactuals(courses.volumes, treatments, steps, _ended(outcomes))


def _ended(volumes: Floats) -> Floats:
    """Death and recovery by the simulator's rules; a volume below zero counts as recovery."""
    dead = np.maximum.accumulate(volumes > DEATH_VOLUME, axis=-1)
    gone = np.maximum.accumulate(~(volumes > 0), axis=-1) & ~dead
    return np.where(dead, DEATH_VOLUME, np.where(gone, 0.0, volumes))
