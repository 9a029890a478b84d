"""From a recipe to a shipped network: simulate or import, fit, measure, write weights and card.

`consilium train treatment CONFIG --out DIR`. A run can be stopped and started again; the loops are in `fit`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.random import RandomState

from consilium.tools.contract import ToolError
from consilium.tools.treatment.card import Card
from consilium.tools.treatment.evaluate import evaluate
from consilium.tools.treatment.fit import fingerprint, fit
from consilium.tools.treatment.import_histories import import_histories
from consilium.tools.treatment.network import PARAMETERS, UNKNOWN_KIND, TreatmentNet
from consilium.tools.treatment.protocol import GAMMAS, SEEDS, benchmark
from consilium.tools.treatment.recipe import Recipe, SimulatedData, read_recipe
from consilium.tools.treatment.shipped import load_network, save_weights
from consilium.tools.treatment.simulator import (
    Courses,
    Policy,
    confounded,
    draw_patients,
    randomised,
    simulate,
)

NAME, VERSION = "tumour treatment network", "1"
_BY_CHANCE = 0.6  # largest probability of a therapy on a day, where chance decides
_HELD_OUT = 0.1  # share of imported patients kept for validation
_DESCRIPTION = (
    "A recurrent network that follows one tumour from visit to visit. Its first part is an exact filter: a "
    "mixture of normal distributions over the patient's growth rate, chemo- and radiosensitivity, updated by "
    "each visit through a given law of growth and kill (Geng et al. 2017). Its second part, a GRU, corrects "
    "the filter. The population that the filter starts from, the noise and the GRU are learned."
)
_INTENDED_USE = (
    "Research on treatment planning models and tool-using assistants. Not a medical device; no decision about "
    "a patient may rest on it."
)
_LIMITS = [
    "Trained on a simulator of lung tumour growth, not on patients and not on trials. Whether real tumours "
    "follow the law was not tested.",
    "The law of growth and kill is the simulator's own, given and not learned; the published models that it is "
    "compared with learned it from data. Part of the lead comes from that.",
    "It knows two therapies, in one dose each, and no toxicity, no surgery, no spread and no other disease.",
    "Visits are a day apart, in the simulator's time.",
    "Before a patient has had a therapy, its effect on that patient is guessed from the population: the bands "
    "are wide there, and rightly so.",
    "Volumes are taken as measured without error; a scan is less exact than that.",
]


def train(config_path: Path, out: Path) -> Card:
    """Train as configured; `out` gets the weights and their card, and under `run` the state to resume from.

    Raises
    ------
    ToolError
        If recipe or histories cannot be used, or another training is running on `out`.
    """
    recipe = read_recipe(config_path)
    train_courses, val_courses = _data(recipe, config_path.parent)
    with _alone(out):
        network = fit(recipe.fit, train_courses, val_courses, out / "run")
        card = Card(
            name=NAME,
            version=VERSION,
            date=date.today().isoformat(),
            description=_DESCRIPTION,
            intended_use=_INTENDED_USE,
            limits=_LIMITS,
            data=describe(recipe),
            data_sha256=fingerprint(train_courses, val_courses),
            train_patients=len(train_courses),
            val_patients=len(val_courses),
            command=f"consilium train treatment {config_path.name} --out DIR",
            recipe=recipe,
            weights_sha256=save_weights(network, out),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            population=_population(network),
        )
        card.save(out)
        if isinstance(recipe.data, SimulatedData):
            # Measured from the files as shipped, so that the card tells of them and of nothing else.
            loaded, card = load_network(out)
            figures = [
                evaluate(loaded, card.data, gamma, SEEDS[0], benchmark(gamma, SEEDS[0]))
                for gamma in GAMMAS
            ]
            card = card.model_copy(update={"figures": figures})
            card.save(out)
    return card


def describe(recipe: Recipe) -> str:
    """What a network was trained on, in words."""
    if not isinstance(recipe.data, SimulatedData):
        return "imported histories"
    data = recipe.data
    policies = len(data.gammas) + data.by_chance
    gammas = ", ".join(f"{gamma:g}" for gamma in data.gammas)
    return (
        f"{data.train * policies:,} simulated patients: treated by tumour size with confounding {gammas}, "
        f"or by chance ({data.by_chance} of {policies} parts)"
    )


def simulated(data: SimulatedData, count: int, random: RandomState) -> Courses:
    """So many patients of each policy."""
    policies: list[Policy] = [confounded(gamma) for gamma in data.gammas]
    for _ in range(data.by_chance):
        chemo, radio = random.uniform(0, _BY_CHANCE, (2, count))
        policies.append(randomised(chemo, radio))
    parts = [vars(simulate(draw_patients(count, random), policy, random)) for policy in policies]
    return Courses(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Two trainings would overwrite each other's state; the system lets go of the lock when a process ends."""
    lock = out / "run" / "train.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout as error:
        raise ToolError(
            "Another training is running on the --out folder: wait until it is done, or give another."
        ) from error


def _data(recipe: Recipe, folder: Path) -> tuple[Courses, Courses]:
    if isinstance(recipe.data, SimulatedData):
        random = RandomState(recipe.data.seed)
        learned = simulated(recipe.data, recipe.data.train, random)
        return learned, simulated(recipe.data, recipe.data.val, random)
    courses = import_histories(folder / recipe.data)
    courses = replace(courses, kind=np.full(len(courses), UNKNOWN_KIND))
    held_out = int(len(courses) * _HELD_OUT)
    if not held_out:
        raise ToolError("Too few histories to train on: give at least 10 patients.")
    order = RandomState(recipe.fit.seed).permutation(len(courses))
    return courses.take(order[held_out:]), courses.take(order[:held_out])


def _population(network: TreatmentNet) -> dict[str, float]:
    """Mean of each parameter over the learned population, and the learned noise."""
    learned = network.population
    share = learned.logits.softmax(0)[:, None]
    means = ((share * learned.means).sum(0) + learned.kind_shift.mean(0)) * learned.units
    found = dict(zip(PARAMETERS, means.tolist(), strict=True))
    return found | {"noise_sd": learned.log_noise.exp().item()}
