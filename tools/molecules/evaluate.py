"""The MOSES figures of a file of molecules, by our own code, beside the published ones.

Definitions are those of molecularsets/moses 0.3.1 (Polykovskiy et al. 2020), whose code no longer
runs with current libraries. Figures are on the molecules in the order of the file; MOSES asks for
30,000, and several figures (FCD above all) depend on how many there are.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from rdkit import Chem, RDLogger
from scipy.stats import wasserstein_distance
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.interval import wilson
from consilium.tools.molecules.card import Figure
from consilium.tools.molecules.data import read_smiles, sha256
from consilium.tools.molecules.metrics.chemnet import Gaussian, activations, frechet
from consilium.tools.molecules.metrics.filters import Filters
from consilium.tools.molecules.metrics.fragments import cosine, fragments, scaffolds
from consilium.tools.molecules.metrics.properties import PROPERTIES, properties
from consilium.tools.molecules.metrics.reference import Reference
from consilium.tools.molecules.metrics.similarity import (
    fingerprints,
    internal_similarity,
    nearest,
)

_UNIQUE_AT = (1000, 10000)
_LOOKED_AT = 500  # of the training molecules, whether they are canonical
_LEAST = 2  # molecules, for a covariance
_RESAMPLED = 20  # times, for the interval of the FCD
_Z = 1.96  # of the 95 % interval
# Of the table in the README of molecularsets/moses.
PUBLISHED = {
    "LatentGAN": {
        "valid": 0.8966,
        "unique@1000": 1.0,
        "unique@10000": 0.9968,
        "FCD/test": 0.2968,
        "FCD/scaffolds": 0.8281,
        "SNN/test": 0.5371,
        "SNN/scaffolds": 0.5132,
        "Frag/test": 0.9986,
        "Frag/scaffolds": 0.9972,
        "Scaf/test": 0.8867,
        "Scaf/scaffolds": 0.1072,
        "IntDiv": 0.8565,
        "IntDiv2": 0.8505,
        "Filters": 0.9735,
        "Novelty": 0.9498,
    },
    "VAE": {
        "valid": 0.9767,
        "unique@1000": 1.0,
        "unique@10000": 0.9984,
        "FCD/test": 0.099,
        "FCD/scaffolds": 0.567,
        "SNN/test": 0.6257,
        "SNN/scaffolds": 0.5783,
        "Frag/test": 0.9994,
        "Frag/scaffolds": 0.9984,
        "Scaf/test": 0.9386,
        "Scaf/scaffolds": 0.0588,
        "IntDiv": 0.8558,
        "IntDiv2": 0.8498,
        "Filters": 0.997,
        "Novelty": 0.6949,
    },
    "CharRNN": {
        "valid": 0.9748,
        "unique@1000": 1.0,
        "unique@10000": 0.9994,
        "FCD/test": 0.0732,
        "FCD/scaffolds": 0.5204,
        "SNN/test": 0.6015,
        "SNN/scaffolds": 0.5649,
        "Frag/test": 0.9998,
        "Frag/scaffolds": 0.9983,
        "Scaf/test": 0.9242,
        "Scaf/scaffolds": 0.1101,
        "IntDiv": 0.8562,
        "IntDiv2": 0.8503,
        "Filters": 0.9943,
        "Novelty": 0.8419,
    },
}


class Report(BaseModel):
    """Figures with what they were measured on."""

    molecules: int
    file_sha256: str
    train_sha256: str
    test_sha256: str
    scaffolds_sha256: str | None
    notes: list[str]
    figures: dict[str, Figure]


def evaluate(
    file: Path,
    train: Path,
    test: Path,
    scaffolds: Path | None,
    cache: Path,
    mcf: Path | None = None,
) -> Report:
    """Measure a file of generated molecules.

    Parameters
    ----------
    train, test, scaffolds : the sets of MOSES; files as in `data.read_smiles`.
    cache : folder for the statistics of test sets, which take long.
    mcf : patterns for the filters, see `metrics.filters`.

    Raises
    ------
    ToolError
        If a file cannot be used.
    """
    given = read_smiles(file)
    if len(given) < _LEAST:
        raise ToolError(f"The file {file.name} holds too few molecules to measure.")
    filters = Filters(mcf)  # first, as it is quick to fail
    references = {"test": Reference.of_file(test, cache)}
    if scaffolds:
        references["scaffolds"] = Reference.of_file(scaffolds, cache, with_properties=False)
    smiles = valid(given)
    if len(smiles) < _LEAST:
        raise ToolError(f"The file {file.name} holds no two valid molecules.")
    learned = read_smiles(train)
    figures = {"valid": share(len(smiles), len(given))}
    figures |= counts(smiles, set(learned))
    figures |= against(smiles, references, filters)
    notes = [] if filters.complete else ["Filters: without the MCF patterns (no --mcf given)."]
    if valid(some := learned[:_LOOKED_AT]) != some:
        notes.append("Novelty is too high: the training SMILES are not in RDKit's canonical form.")
    short = [n for n in _UNIQUE_AT if len(smiles) < n]
    notes += [f"unique@{n}: the file holds fewer valid molecules." for n in short]
    return Report(
        molecules=len(given),
        file_sha256=sha256(file),
        train_sha256=sha256(train),
        test_sha256=sha256(test),
        scaffolds_sha256=sha256(scaffolds) if scaffolds else None,
        notes=notes,
        figures=figures,
    )


def valid(smiles: Sequence[str]) -> list[str]:
    """Return the canonical SMILES of those that can be read."""
    with _Quiet():
        molecules = [Chem.MolFromSmiles(text) for text in tqdm(smiles, "reading")]
    return [Chem.MolToSmiles(molecule) for molecule in molecules if molecule is not None]


def counts(smiles: Sequence[str], train: set[str]) -> dict[str, Figure]:
    """Return uniqueness and novelty of canonical SMILES."""
    figures = {}
    for first in _UNIQUE_AT:
        some = smiles[:first]
        figures[f"unique@{first}"] = share(len(set(some)), len(some))
    distinct = set(smiles)
    figures["Novelty"] = share(len(distinct - train), len(distinct))
    return figures


def against(
    smiles: Sequence[str], references: dict[str, Reference], filters: Filters
) -> dict[str, Figure]:
    """Return what compares canonical SMILES with the references and with each other."""
    molecules = [Chem.MolFromSmiles(text) for text in tqdm(smiles, "reading")]
    seen = activations(smiles, "generated")
    bits = fingerprints(tqdm(molecules, "fingerprints"))
    parts, frames = fragments(tqdm(molecules, "fragments")), scaffolds(tqdm(molecules, "scaffolds"))
    values = properties(tqdm(molecules, "properties"))
    figures = {}
    for name, reference in references.items():
        figures[f"FCD/{name}"] = frechet_figure(seen, reference.chemnet)
        figures[f"SNN/{name}"] = mean(nearest(bits, reference.bits))
        figures[f"Frag/{name}"] = Figure(value=cosine(parts, reference.fragments))
        figures[f"Scaf/{name}"] = Figure(value=cosine(frames, reference.scaffolds))
    figures["IntDiv"] = Figure(value=float(1 - internal_similarity(bits).mean()))
    figures["IntDiv2"] = Figure(value=float(1 - internal_similarity(bits, 2).mean()))
    passed = sum(filters.passes(molecule) for molecule in tqdm(molecules, "filters"))
    figures["Filters"] = share(passed, len(molecules))
    for column, prop in enumerate(PROPERTIES):
        distance = wasserstein_distance(references["test"].properties[:, column], values[:, column])
        figures[prop.name] = Figure(value=float(distance))
    return figures


def as_text(report: Report) -> str:
    """Lay the figures out beside the published ones."""
    lines = [f"{'':<14}{'this file':>10}  {'95 % interval':<18}" + _row(list(PUBLISHED))]
    for name, figure in report.figures.items():
        interval = "" if figure.low is None else f"{figure.low:.4f} to {figure.high:.4f}"
        others = [f"{table[name]:.4f}" if name in table else "" for table in PUBLISHED.values()]
        lines.append(f"{name:<14}{figure.value:>10.4f}  {interval:<18}" + _row(others))
    return "\n".join([*lines, f"n = {report.molecules}", *report.notes])


def share(count: int, of: int) -> Figure:
    """Return a share with its 95 % interval."""
    low, high = wilson(count, of)
    return Figure(value=count / of, low=low, high=high)


def mean(values: NDArray[np.float64]) -> Figure:
    """Return a mean with its 95 % interval."""
    middle, half = float(values.mean()), float(_Z * values.std(ddof=1) / np.sqrt(len(values)))
    return Figure(value=middle, low=middle - half, high=middle + half)


def frechet_figure(seen: NDArray[np.float32], reference: Gaussian) -> Figure:
    """Return the FCD with an interval from its spread over resampled molecules.

    Resampling biases the FCD upwards, so only its spread is used.
    """
    value = frechet(Gaussian.of(seen), reference)
    rng = np.random.default_rng(0)
    again = [
        frechet(Gaussian.of(seen[rng.integers(len(seen), size=len(seen))]), reference)
        for _ in range(_RESAMPLED)
    ]
    half = float(_Z * np.std(again, ddof=1))
    return Figure(value=value, low=max(value - half, 0.0), high=value + half)


def _row(cells: Sequence[str]) -> str:
    return "".join(f"{cell:>11}" for cell in cells)


class _Quiet:
    """Keeps RDKit from writing a line for each molecule that cannot be read."""

    def __enter__(self) -> None:
        RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]

    def __exit__(self, *_: object) -> None:
        RDLogger.EnableLog("rdApp.*")  # type: ignore[attr-defined]
