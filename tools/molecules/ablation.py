"""What the adversarial training is worth: the same decoder fed with other points.

`python -m consilium.tools.molecules.ablation --train FILE --reference FILE`. Compared are points of
the trained generator, points drawn evenly from the sphere (the prior), points of a Gaussian fitted
to real molecules' codes, and the codes of real molecules, which is as good as a generator can get.
Of each the FCD is measured at one or more sizes of the noise around the points.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.molecules.card import WEIGHTS, Figure, Figures
from consilium.tools.molecules.data import canonical, read_smiles
from consilium.tools.molecules.evaluate import frechet_figure
from consilium.tools.molecules.generator import MoleculeGenerator, Points
from consilium.tools.molecules.metrics.chemnet import Gaussian, Numbers, activations

_LEAST = 1000  # molecules for a covariance of 512 dimensions


def ablate(
    generator: MoleculeGenerator,
    train: list[str],
    reference: list[str],
    count: int,
    noises: list[float],
    seed: int,
) -> dict[str, Figure]:
    """Return the FCD against a reference for each source of points and each noise.

    Parameters
    ----------
    train : molecules whose codes are taken for the real ones; `2 * count` are drawn.
    reference : molecules to compare with; all are used.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(train), min(2 * count, len(train)), replace=False)
    codes = generator.encode([train[i] for i in tqdm(drawn, "codes")])
    half = len(codes) // 2
    sources: dict[str, Callable[[], Points]] = {
        "generator": lambda: generator.latents(count, seed),
        "prior": lambda: _to_sphere(rng.standard_normal((count, codes.shape[1]))),
        "fitted Gaussian": lambda: _to_sphere(
            rng.multivariate_normal(codes[half:].mean(0), np.cov(codes[half:].T), count)
        ),
        "real codes": lambda: codes[:half],
    }
    compared = Gaussian.of(activations([canonical(text) for text in reference], "reference"))
    found = {}
    for name, points in sources.items():
        for noise in noises:
            smiles = generator.decode(points(), seed + 1, noise)
            seen = activations(smiles, f"{name}, noise {noise}")
            found[f"{name}, noise {noise:g}"] = frechet_figure(seen, compared)
    return found


def _to_sphere(points: Numbers) -> Points:
    centred = points - points.mean(1, keepdims=True)
    return np.asarray(centred / centred.std(1, keepdims=True), np.float32)


def main(
    train: Annotated[Path, typer.Option(exists=True, help="Molecules to take codes from.")],
    reference: Annotated[Path, typer.Option(exists=True, help="Molecules to compare with.")],
    count: Annotated[int, typer.Option(help="How many to draw from each source.")] = 10_000,
    compared: Annotated[int, typer.Option(help="How many of the reference to use.")] = 30_000,
    noise: Annotated[list[float] | None, typer.Option(help="Repeatable; default: usual.")] = None,
    seed: Annotated[int, typer.Option(help="Of all chance.")] = 0,
    weights: Annotated[Path, typer.Option(help="Folder of the weights.")] = WEIGHTS,
    card: Annotated[bool, typer.Option(help="Write the figures into the card.")] = False,
) -> None:
    """Measure what the generator adds to its decoder."""
    generator = MoleculeGenerator.load(weights)
    others = read_smiles(reference)
    if count < _LEAST or len(others) < _LEAST:
        raise ToolError(f"At least {_LEAST} molecules are needed on both sides.")
    chosen = np.random.default_rng(seed).permutation(len(others))[:compared]
    noises = noise or [generator.noise]
    found = ablate(generator, read_smiles(train), [others[i] for i in chosen], count, noises, seed)
    if card:
        figures = Figures(
            command="python -m consilium.tools.molecules.ablation --train F --reference F",
            molecules=count,
            notes=[f"FCD against {len(chosen)} molecules."],
            values=found,
        )
        generator.card.with_figures("ablation", figures).save(weights)
    for name, figure in found.items():
        typer.echo(f"{name:<28} FCD {figure.value:8.3f} ({figure.low:.3f} to {figure.high:.3f})")


if __name__ == "__main__":
    typer.run(main)
