"""What the adversarial training is worth: the same decoder fed with other points.

`python -m consilium.tools.molecules.ablation --train FILE --reference FILE`. Compared are points of
the generator, of the same generator before its adversarial training (standard normal: what codes would
be if their numbers were independent and normal), points of a Gaussian fitted to real molecules' codes,
and the codes of real molecules, which is as good as a generator can get. Of each the FCD is measured at
one or more sizes of the noise around the points, and the share that RDKit can read at the first try.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from consilium.tools.contract import ToolError
from consilium.tools.molecules.card import WEIGHTS, Figure, Figures
from consilium.tools.molecules.data import canonical, read_smiles
from consilium.tools.molecules.evaluate import frechet_figure, share
from consilium.tools.molecules.gan import Generator
from consilium.tools.molecules.generator import MoleculeGenerator, Points
from consilium.tools.molecules.metrics.chemnet import Gaussian, Numbers, activations
from consilium.tools.molecules.metrics.reference import Reference

_LEAST = 1000  # molecules for a covariance of 512 dimensions


def ablate(
    generator: MoleculeGenerator,
    train: list[str],
    compared: Gaussian,
    count: int,
    noises: list[float],
    seed: int,
) -> dict[str, Figure]:
    """Return FCD against a reference and raw validity for each source of points and each noise.

    Parameters
    ----------
    train : molecules whose codes are taken for the real ones; `2 * count` are drawn.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(train), min(2 * count, len(train)), replace=False)
    codes = generator.encode([train[i] for i in drawn])
    half = len(codes) // 2

    def blurred(clean: Points | Numbers, noise: float) -> Points:
        return np.asarray(clean + noise * rng.standard_normal(clean.shape), np.float32)

    config = generator.card.config
    untrained = Generator(config.adversaries, config.network.latent).requires_grad_(False)
    chance = torch.Generator().manual_seed(seed)
    fitted = codes[half:].mean(0), np.cov(codes[half:].T)
    sources: dict[str, Callable[[float], Points]] = {
        "generator": lambda noise: generator.latents(count, seed, noise),
        "untrained generator": lambda noise: blurred(untrained.draw(count, chance).numpy(), noise),
        "fitted Gaussian": lambda noise: blurred(rng.multivariate_normal(*fitted, count), noise),
        "real codes": lambda noise: blurred(codes[:half], noise),
    }
    found = {}
    for name, points in sources.items():
        for noise in noises:
            what, these = f"{name}, noise {noise:g}", points(noise)
            first = generator.write(these, torch.Generator().manual_seed(seed + 1), noise)
            again = generator.decode(these[[not text for text in first]], seed + 2, noise)
            found[f"valid at once, {what}"] = share(sum(map(bool, first)), len(first))
            smiles = [text for text in (*first, *again) if text]
            found[what] = frechet_figure(activations(smiles, what), compared)
    return found


def main(
    train: Annotated[Path, typer.Option(exists=True, help="Molecules to take codes from.")],
    reference: Annotated[Path, typer.Option(exists=True, help="Molecules to compare with.")],
    count: Annotated[int, typer.Option(help="How many to draw from each source.")] = 10_000,
    compared: Annotated[int, typer.Option(help="How many of the reference to use.")] = 30_000,
    noise: Annotated[list[float] | None, typer.Option(help="Repeatable; default: usual.")] = None,
    seed: Annotated[int, typer.Option(help="Of all chance.")] = 0,
    cache: Annotated[
        Path | None,
        typer.Option(help="Use all of the reference, and keep its statistics in this folder."),
    ] = None,
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = WEIGHTS,
    card: Annotated[
        str | None, typer.Option(help="Write the figures into the card, under this name.")
    ] = None,
) -> None:
    """Measure what the adversarial training adds to the decoder."""
    generator = MoleculeGenerator.load(weights)
    if cache:
        seen, against = "all", Reference.of_file(reference, cache).chemnet
    else:
        others = read_smiles(reference)
        chosen = np.random.default_rng(seed).permutation(len(others))[:compared]
        seen = str(len(chosen))
        against = _gaussian([others[i] for i in chosen])
    if count < _LEAST:
        raise ToolError(f"At least {_LEAST} molecules are needed.")
    noises = noise or [generator.noise]
    found = ablate(generator, read_smiles(train), against, count, noises, seed)
    if card:
        figures = Figures(
            command="python -m consilium.tools.molecules.ablation --train F --reference F",
            molecules=count,
            notes=[f"FCD against {seen} molecules of {reference.name}; seed {seed}."],
            values=found,
        )
        generator.card.with_figures(card, figures).save(weights)
    for name, figure in found.items():
        typer.echo(f"{name:<42} {figure.value:8.3f} ({figure.low:.3f} to {figure.high:.3f})")


def _gaussian(smiles: list[str]) -> Gaussian:
    if len(smiles) < _LEAST:
        raise ToolError(f"At least {_LEAST} molecules are needed on both sides.")
    return Gaussian.of(activations([canonical(text) for text in smiles], "reference"))


if __name__ == "__main__":
    typer.run(main)
