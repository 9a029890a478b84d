"""How the decoder is best read out: the noise around the generator's points and the temperature.

`python -m consilium.tools.molecules.choose_sampling --train FILE`. Each pair is measured by the FCD
against training molecules, with the share that is new; no test molecule is looked at. The pair of the
lowest FCD goes into the card.
"""

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from consilium.tools.contract import ToolError
from consilium.tools.molecules.card import WEIGHTS
from consilium.tools.molecules.data import canonical, read_smiles
from consilium.tools.molecules.generator import MoleculeGenerator
from consilium.tools.molecules.metrics.chemnet import Gaussian, activations, frechet

_LEAST = 1000  # molecules for a covariance of 512 dimensions


class Quality(NamedTuple):
    """FCD against a reference, and the share of distinct molecules that the training set lacks."""

    fcd: float
    novelty: float


def compare(
    generator: MoleculeGenerator,
    train: list[str],
    compared: int,
    count: int,
    pairs: list[tuple[float, float]],
    seed: int = 0,
) -> dict[tuple[float, float], Quality]:
    """Return the quality of `count` molecules for each (noise, temperature).

    Parameters
    ----------
    train : training molecules as canonical SMILES; `compared` of them, drawn, are the FCD's reference.
    """
    known = set(train)
    chosen = np.random.default_rng(0).permutation(len(train))[:compared]
    reference = activations([canonical(train[i]) for i in chosen], "reference")
    gaussian, found = Gaussian.of(reference), {}
    for noise, temperature in pairs:
        points = generator.latents(count, seed, noise)
        smiles = list(filter(None, generator.decode(points, seed + 1, noise, temperature)))
        seen = activations(smiles, f"noise {noise:g}, temperature {temperature:g}")
        distinct = set(smiles)
        found[noise, temperature] = Quality(
            frechet(Gaussian.of(seen), gaussian), len(distinct - known) / len(distinct)
        )
    return found


def main(
    train: Annotated[Path, typer.Option(exists=True, help="Training molecules to compare with.")],
    noise: Annotated[list[float], typer.Option(help="Repeatable.")],
    temperature: Annotated[list[float], typer.Option(help="Repeatable.")],
    count: Annotated[int, typer.Option(help="How many to draw for each pair.")] = 10_000,
    compared: Annotated[int, typer.Option(help="How many training molecules to use.")] = 30_000,
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = WEIGHTS,
) -> None:
    """Measure every pair and write the best one into the card."""
    generator, others = MoleculeGenerator.load(weights), read_smiles(train)
    if count < _LEAST or len(others) < _LEAST:
        raise ToolError(f"At least {_LEAST} molecules are needed on both sides.")
    pairs = [(n, t) for n in noise for t in temperature]
    found = compare(generator, others, compared, count, pairs)
    for (n, t), quality in found.items():
        typer.echo(
            f"noise {n:<5g} temperature {t:<5g} FCD {quality.fcd:.3f}  new {quality.novelty:.3f}"
        )
    best = min(found, key=lambda pair: found[pair].fcd)
    chosen_values = {"sampling_noise": best[0], "sampling_temperature": best[1]}
    card = generator.card
    config = card.config.model_copy(update=chosen_values)
    card.model_copy(update={"config": config}).save(weights)


if __name__ == "__main__":
    typer.run(main)
