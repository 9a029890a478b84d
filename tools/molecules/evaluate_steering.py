"""How much the search gains over filtering the generator's own molecules, request by request.

`python -m consilium.tools.molecules.evaluate_steering [--report R.json] [--card]`. Both get the same number of
molecules to generate and the same limits; both may return only new molecules that pass the safety gate.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rdkit import Chem
from tqdm import tqdm

from consilium.tools.contract import ToolError
from consilium.tools.molecules.card import WEIGHTS, Figure
from consilium.tools.molecules.card import Figures as CardFigures
from consilium.tools.molecules.generator import MoleculeGenerator
from consilium.tools.molecules.novelty import TrainingMolecules
from consilium.tools.molecules.steering import Codes, LatentSpace, Limits, sample, search

_RESAMPLES = 2000


@dataclass(frozen=True)
class Request:
    """What a user might ask for; `lead` is a SMILES."""

    count: int
    lead: str | None = None
    min_qed: float | None = None
    max_logp: float | None = None
    max_weight: float | None = None

    @property
    def limits(self) -> Limits:
        """The same as the search takes it."""
        lead = Chem.MolFromSmiles(self.lead) if self.lead else None
        return Limits(self.min_qed, self.max_logp, self.max_weight, lead)


# Without a lead, from mild to hard; then known drugs as leads (aspirin, paracetamol, ibuprofen, atenolol,
# propranolol, diclofenac, clonidine, ketoprofen, lidocaine, celecoxib, imatinib, warfarin).
REQUESTS = (
    Request(10, max_logp=3, max_weight=400),
    Request(10, min_qed=0.8),
    Request(10, max_logp=0),
    Request(10, max_logp=-1),
    Request(10, max_weight=250),
    Request(10, max_weight=220),
    Request(10, min_qed=0.93),
    Request(10, min_qed=0.9, max_logp=1),
    Request(20, min_qed=0.85, max_logp=2, max_weight=280),
    Request(10, min_qed=0.7, max_logp=0, max_weight=260),
    Request(10, "CC(=O)Oc1ccccc1C(=O)O", max_logp=3, max_weight=350),
    Request(6, "CC(=O)Nc1ccc(O)cc1", max_logp=2),
    Request(8, "CC(C)Cc1ccc(cc1)C(C)C(=O)O", min_qed=0.5, max_logp=4, max_weight=420),
    Request(6, "CC(C)NCC(O)COc1ccc(CC(N)=O)cc1", min_qed=0.5, max_logp=1.5),
    Request(5, "CC(C)NCC(O)COc1cccc2ccccc12"),
    Request(5, "O=C(O)Cc1ccccc1Nc1c(Cl)cccc1Cl"),
    Request(3, "Clc1cccc(Cl)c1NC1=NCCN1", max_weight=350),
    Request(10, "CC(C(=O)O)c1cccc(C(=O)c2ccccc2)c1", min_qed=0.6),
    Request(10, "CCN(CC)CC(=O)Nc1c(C)cccc1C", max_logp=3),
    Request(5, "Cc1ccc(cc1)-c1cc(nn1-c1ccc(cc1)S(N)(=O)=O)C(F)(F)F", max_logp=3),
    Request(5, "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1", max_weight=450),
    Request(5, "CC(=O)CC(c1ccccc1)c1c(O)c2ccccc2oc1=O", min_qed=0.7),
)


@dataclass(frozen=True)
class Outcome:
    """One request: molecules found and accepted by the search and by filtering as many."""

    request: Request
    decoded: int
    found: int
    accepted: int
    found_by_filtering: int
    accepted_by_filtering: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """All requests together; intervals are 95 %, over resampled requests.

    Parameters
    ----------
    met, met_by_filtering : share of requests that got every molecule asked for.
    rate, rate_by_filtering : mean share of generated molecules that were accepted.
    lift : how many times more molecules the search accepted: geometric mean over the requests, with one
        molecule added on both sides (filtering often accepts none).
    """

    requests: int
    met: float
    met_by_filtering: float
    rate: float
    rate_by_filtering: float
    lift: float
    lift_interval: tuple[float, float]
    median_seconds: float


def measure(
    space: LatentSpace,
    is_new: Callable[[Chem.Mol], bool],
    requests: Sequence[Request] = REQUESTS,
    seconds: float = 20.0,
) -> list[Outcome]:
    """Run every request by search, then by filtering with the same number of codes."""
    outcomes = []
    for request in tqdm(requests, "requests"):
        found = search(
            space,
            request.limits,
            request.count,
            start=_start(space, request.lead),
            is_new=is_new,
            seconds=seconds,
        )
        filtered = sample(space, request.limits, found.decoded, is_new=is_new, seed=1)
        outcomes.append(
            Outcome(
                request=request,
                decoded=found.decoded,
                found=len(found.molecules),
                accepted=found.accepted,
                found_by_filtering=min(filtered.accepted, request.count),
                accepted_by_filtering=filtered.accepted,
                seconds=round(found.seconds, 1),
            )
        )
    return outcomes


def summarise(outcomes: Sequence[Outcome]) -> Figures:
    """Put the outcomes into a few figures."""
    rates = np.array([one.accepted / one.decoded for one in outcomes])
    filtered = np.array([one.accepted_by_filtering / one.decoded for one in outcomes])
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(outcomes), size=(_RESAMPLES, len(outcomes)))
    gains = np.log([(1 + one.accepted) / (1 + one.accepted_by_filtering) for one in outcomes])
    low, high = np.exp(np.quantile(gains[drawn].mean(1), [0.025, 0.975]))
    return Figures(
        requests=len(outcomes),
        met=_share(one.found == one.request.count for one in outcomes),
        met_by_filtering=_share(one.found_by_filtering == one.request.count for one in outcomes),
        rate=round(float(rates.mean()), 4),
        rate_by_filtering=round(float(filtered.mean()), 4),
        lift=round(float(np.exp(gains.mean())), 2),
        lift_interval=(round(float(low), 2), round(float(high), 2)),
        median_seconds=float(np.median([one.seconds for one in outcomes])),
    )


def for_card(figures: Figures) -> CardFigures:
    """Return the same as the card keeps figures."""
    low, high = figures.lift_interval
    return CardFigures(
        command="python -m consilium.tools.molecules.evaluate_steering",
        molecules=figures.requests,
        notes=[
            f"{figures.requests} requests; each search beside filtering as many molecules of the "
            "generator's own."
        ],
        values={
            "requests met": Figure(value=figures.met),
            "requests met by filtering": Figure(value=figures.met_by_filtering),
            "accepted": Figure(value=figures.rate),
            "accepted by filtering": Figure(value=figures.rate_by_filtering),
            "lift": Figure(value=figures.lift, low=low, high=high),
            "median seconds": Figure(value=figures.median_seconds),
        },
    )


def _share(cases: Iterable[bool]) -> float:
    return round(float(np.mean(list(cases))), 3)


def _start(space: LatentSpace, lead: str | None) -> Codes | None:
    try:
        return space.encode([lead]) if lead else None
    except ToolError:  # the generator cannot write this lead
        return None


def main(
    seconds: Annotated[float, typer.Option(help="Time limit of one search.")] = 20.0,
    report: Annotated[Path | None, typer.Option(help="Where to write every outcome.")] = None,
    weights: Annotated[Path, typer.Option(help="Folder of the generator's weights.")] = WEIGHTS,
    card: Annotated[bool, typer.Option(help="Write the figures into the card.")] = False,
) -> None:
    """Measure the search against filtering."""
    generator, training = MoleculeGenerator.load(weights), TrainingMolecules.load()
    outcomes = measure(generator, lambda mol: mol not in training, seconds=seconds)
    figures = summarise(outcomes)
    if report:
        content = {"figures": asdict(figures), "outcomes": [asdict(one) for one in outcomes]}
        report.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if card:
        generator.card.with_figures("steering", for_card(figures)).save(weights)
    for one in outcomes:
        typer.echo(
            f"{_words(one.request)}: found {one.found} of {one.request.count}, filtering"
            f" {one.found_by_filtering}; accepted {one.accepted} and {one.accepted_by_filtering} of"
            f" {one.decoded} ({one.seconds} s)"
        )
    typer.echo(json.dumps(asdict(figures)))


def _words(request: Request) -> str:
    return ", ".join(
        f"{name} {value}" for name, value in asdict(request).items() if value is not None
    )


if __name__ == "__main__":
    typer.run(main)
