"""The treatment simulator and network on this machine: `python benchmarks/treatment.py [--patients N]`.

The simulator runs against a plain loop over patients and days (Python numbers, no arrays), in turns within one run;
the median of the rounds counts. Training and inference are timed alone, with the shipped network's sizes.
"""

import argparse
import math
import random as plain_random
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from numpy.random import RandomState

from consilium.tools.treatment.fit import histories_of
from consilium.tools.treatment.network import TreatmentNet
from consilium.tools.treatment.predict import seen
from consilium.tools.treatment.shipped import load_network
from consilium.tools.treatment.simulator import (
    CAPACITY,
    CELL_DENSITY,
    DAYS,
    DEATH_DIAMETER,
    DEATH_VOLUME,
    Courses,
    Patients,
    confounded,
    draw_patients,
    simulate,
)

_GAMMA = 1.0
_ROUNDS = 5
_LOOPED = 500  # patients of a round of the plain loop
_BATCH = 1000  # patients of a training step


def plain_simulation(patients: Patients, gamma: float) -> list[list[float]]:
    """Each patient's volumes by the same law, one patient and one day after the other."""
    courses = []
    for row in range(len(patients)):
        alpha, beta = float(patients.alpha[row]), float(patients.beta[row])
        rho, beta_c = float(patients.rho[row]), float(patients.beta_c[row])
        volumes, diameters = [float(patients.first_volume[row])], []
        concentration = dose = 0.0
        for _ in range(1, DAYS):
            volume = volumes[-1]
            diameters.append((6 * volume / math.pi) ** (1 / 3))
            growth = rho * math.log(CAPACITY / volume) - beta_c * concentration
            growth += plain_random.gauss(0, 0.01) - (alpha * dose + beta * dose**2)
            recent = diameters[-15:]
            excess = sum(recent) / len(recent) - DEATH_DIAMETER / 2
            probability = 1 / (1 + math.exp(-gamma / DEATH_DIAMETER * excess))
            dose = 2.0 * (plain_random.random() < probability)
            concentration = concentration / 2 + 5.0 * (plain_random.random() < probability)
            volume *= 1 + growth
            if volume > DEATH_VOLUME:
                break
            if volume <= 0 or plain_random.random() < math.exp(-volume * CELL_DENSITY):
                break
            volumes.append(volume)
        courses.append(volumes)
    return courses


def _rates(jobs: dict[str, tuple[int, Callable[[], object]]]) -> dict[str, float]:
    """Patients per second of each job, taken in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(_ROUNDS):
        for name, (_, job) in jobs.items():
            start = time.perf_counter()
            job()
            seconds[name].append(time.perf_counter() - start)
    return {name: count / median(seconds[name]) for name, (count, _) in jobs.items()}


def _train_step(network: TreatmentNet, courses: Courses) -> None:
    loss = -network.population.log_evidence(*histories_of(courses)).mean()
    network.zero_grad()
    torch.autograd.backward(loss)


@torch.inference_mode()
def _infer(network: TreatmentNet, courses: Courses) -> None:
    """Four plans, six visits ahead, after ten visits."""
    visits = 10
    histories = seen(courses, visits)
    belief = network(histories).at(torch.arange(len(courses)), torch.full((len(courses),), 9))
    plans = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]])[None, :, None]
    chemo, radio = plans.expand(len(courses), 4, 6, 2).unbind(-1)
    network.follow(belief, histories.volumes[:, -1], torch.zeros(len(courses)), chemo, radio)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    count = parser.parse_args().patients
    patients = draw_patients(count, RandomState(1))
    few = patients.take(np.arange(min(_LOOPED, count)))
    courses = simulate(patients, confounded(_GAMMA), RandomState(2)).take(
        np.arange(min(_BATCH, count))
    )
    network, _ = load_network()
    rates = _rates(
        {
            "simulate, arrays": (
                count,
                lambda: simulate(patients, confounded(_GAMMA), RandomState(2)),
            ),
            "simulate, plain loop": (len(few), lambda: plain_simulation(few, _GAMMA)),
            "training step (60 visits)": (len(courses), lambda: _train_step(network, courses)),
            "inference (10 visits, 4 plans, 6 ahead)": (
                len(courses),
                lambda: _infer(network, courses),
            ),
        }
    )
    print(f"{torch.get_num_threads()} threads")
    for name, rate in rates.items():
        print(f"{name:42}{rate:>12,.0f} patients/s")
    ratio = rates["simulate, arrays"] / rates["simulate, plain loop"]
    print(f"arrays against the plain loop: {ratio:.1f} times")


if __name__ == "__main__":
    main()
