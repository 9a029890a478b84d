"""From films to a shipped reader: fit each network, calibrate, measure, write weights and card.

`consilium train imaging CONFIG --data DIR --run DIR --weights DIR`. The run can be stopped and started
again; the loop itself is in `fit`.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import get_args

import numpy as np

from consilium.tools.imaging import data
from consilium.tools.imaging.calibration import Calibration, fit_calibration
from consilium.tools.imaging.card import WEIGHTS, Card, Collection
from consilium.tools.imaging.card_text import ABOUT, FINALISTS, INTENDED_USE, SOURCES
from consilium.tools.imaging.data import FilmSet, Site, Split
from consilium.tools.imaging.ensemble import Ensemble
from consilium.tools.imaging.evaluate import measure
from consilium.tools.imaging.fit import fit, shift
from consilium.tools.imaging.network import FilmNet
from consilium.tools.imaging.novelty import fit_novelty
from consilium.tools.imaging.population import fit_population
from consilium.tools.imaging.reader import FilmReader, embed, save_weights, score
from consilium.tools.imaging.recipe import TrainConfig, read_recipe
from consilium.tools.imaging.report import SOURCE

_ABSTAIN_SHARE = 0.005  # of each hospital's validation films


def train(config_path: Path, root: Path, run: Path, weights: Path = WEIGHTS) -> Card:
    """Train as configured and write the weights and their card into `weights`.

    Parameters
    ----------
    root : folder that holds the collections by the names in `data.FOLDERS`.
    run : folder of the run; an interrupted run goes on from there.
    """
    config = read_recipe(config_path)
    films = data.collect(config.collections, root, config.input_size, run)
    learned, val = films.split("train"), films.split("val")
    members = []
    for position, member in enumerate(config.members):
        size = member.network.input_size
        part = (
            films
            if size == config.input_size
            else data.collect(config.collections, root, size, run)
        )
        fitted = fit(member, part.split("train"), part.split("val"), run / f"member-{position + 1}")
        members.append(_as_shipped(fitted))
    network = Ensemble(members)
    card = ship(network, config, config_path.name, learned, val, weights)
    card = measure(FilmReader.load(weights), films, root).model_copy(
        update={
            "data": [
                _collection(films, site, root / data.FOLDERS[site]) for site in config.collections
            ]
        }
    )
    card.save(weights)
    return card


def ship(
    network: Ensemble,
    config: TrainConfig,
    name: str,
    learned: FilmSet,
    val: FilmSet,
    weights: Path,
) -> Card:
    """Calibrate fitted networks on the validation films and write them with a card without figures."""
    embedded = embed(network, learned.pictures)
    novelty = fit_novelty(embedded)
    population = fit_population(novelty.white(embedded), learned.sites)
    kind = "film" if "pneumoniamnist" not in config.collections else "thumbnail"
    card = Card(
        name=ABOUT[kind].name,
        version=SOURCE.version,
        date=date.today().isoformat(),
        description=ABOUT[kind].description,
        intended_use=INTENDED_USE,
        limits=list(ABOUT[kind].limits),
        finalists=list(FINALISTS[kind]),
        data=[],
        command=f"consilium train imaging configs/{name} --data DIR --run DIR --weights DIR",
        config=config,
        weights_sha256=save_weights(network, novelty, population, weights),
        parameters=sum(p.numel() for p in network.parameters()),
        calibration=_calibrations(network, config, val),
        novelty_threshold=max(
            float(np.quantile(novelty.distance(embed(network, part.pictures)), 1 - _ABSTAIN_SHARE))
            for part in _by_site(val)
        ),
        figures={},
    )
    card.save(weights)
    return card


def _calibrations(network: Ensemble, config: TrainConfig, val: FilmSet) -> dict[str, Calibration]:
    """Fitted for each hospital on its validation films as they are, and on copies shifted as in `fit`.

    The shifted half makes room for machines and hands that the training films do not show.
    """
    strength = config.members[0].strength
    found = {}
    for part in _by_site(val):
        pictures = np.concatenate([part.pictures, shift(part.pictures, strength)])
        weights = part.class_weights()
        found[part.films[0].site] = fit_calibration(
            np.tile(part.labels, 2),
            score(network, pictures).logits,
            np.tile(weights, 2),
            part.patients * 2,
        )
    return found


def _by_site(films: FilmSet) -> list[FilmSet]:
    sites: Sequence[str] = sorted(set(films.sites))
    return [films.where(lambda film, here=site: film.site == here) for site in sites]  # type: ignore[misc]


def _as_shipped(network: FilmNet) -> FilmNet:
    """Round the weights to the half precision in which they are kept."""
    state = network.state_dict()
    network.load_state_dict(
        {n: v.half().float() if v.is_floating_point() else v for n, v in state.items()}
    )
    network.frozen = 0
    return network


def _collection(films: FilmSet, site: Site, folder: Path) -> Collection:
    here = films.where(lambda film: film.site == site)
    counts = {name: len(here.split(name)) for name in get_args(Split)}
    source, licence = SOURCES[site]
    return Collection(
        name=site,
        source=source,
        licence=licence,
        labels_sha256=data.labels_sha256(folder),
        **counts,
    )
