"""Molecules within limits, by search in the generator's latent space.

An evolutionary search: the codes of the best molecules so far are mixed and shifted, decoded and
judged, and fresh ones keep coming from the generator. What counts is how far a molecule is outside
the limits, then its likeness to the lead. Only molecules that keep every limit, are new and pass
the safety gate are accepted.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem.Scaffolds import MurckoScaffold

from consilium.tools.contract import ToolError
from consilium.tools.molecules import descriptors, safety
from consilium.tools.molecules.drugs import fingerprint
from consilium.tools.molecules.novelty import plain_smiles
from consilium.tools.molecules.parent import has_carbon

Codes = NDArray[np.float32]

LEAST_SIMILARITY = 0.3  # Tanimoto to the lead from which a molecule counts as similar

_FIRST = 192  # of the generator's own molecules to begin with
_FRESH = 10  # of them in every further round
_CHILDREN = 86  # per round
_PARENTS = 24
_MIXED_SHARE = 0.4  # of the children: between two parents; the others near one
_SHIFTS = (0.15, 0.3, 0.5, 0.8)  # standard deviations, that of a code's coordinates being 1
_LARGEST_RING = 7  # atoms; larger ones are rare among drugs
_CHOICE = 2  # search on until there are this many times the molecules asked for
_LEAST_ROUNDS_WITH_LEAD = 12
_IDLE_ROUNDS = 25  # without a molecule more and without coming nearer to the limits: it ends


class LatentSpace(Protocol):
    """What the search needs of the generator."""

    def sample(self, count: int, seed: int) -> list[str]:
        """Return molecules of the generator's own as SMILES."""

    def encode(self, smiles: Sequence[str]) -> Codes:
        """Return the (n, d) codes of molecules; ToolError if one cannot be read."""

    def decode(self, points: Codes, *, noise: float) -> list[str]:
        """Return a molecule near each point as a SMILES, `noise` being how far from a code it lies.

        It is empty where there is none.
        """


@dataclass(frozen=True)
class Limits:
    """What molecules are asked for; None where there is no limit. `max_weight` is in Da."""

    min_qed: float | None = None
    max_logp: float | None = None
    max_weight: float | None = None
    lead: Chem.Mol | None = None


@dataclass(frozen=True)
class Candidate:
    """A decoded molecule with what it was judged by.

    Parameters
    ----------
    excess : by the name of the limit, how far outside it is, in steps that matter; 0 where kept.
    similarity : Tanimoto to the lead; None without one.
    """

    smiles: str
    mol: Chem.Mol
    logp: float
    weight: float
    similarity: float | None
    excess: dict[str, float]

    @cached_property
    def qed(self) -> float:
        """Drug-likeness; the costliest of the values, so only where it is asked for."""
        return descriptors.qed(self.mol)

    @property
    def total_excess(self) -> float:
        """How far outside the limits in all."""
        return sum(self.excess.values())

    @cached_property
    def scaffold(self) -> str:
        """Bemis-Murcko scaffold as a SMILES; empty for chains."""
        smiles = MurckoScaffold.MurckoScaffoldSmiles(mol=self.mol)  # type: ignore[no-untyped-call]
        return str(smiles)


@dataclass(frozen=True)
class Found:
    """How a search ended.

    Parameters
    ----------
    molecules : as many as asked for, or fewer; the best first.
    decoded : molecules that were generated.
    tried : different molecules among them, all judged.
    accepted : of these, within every limit, new and allowed.
    known : within every limit, but the lead itself or not new.
    refused : within every limit and new, but stopped by the safety gate.
    blocking : names of the broken limits, the one most in the way first.
    reached : by the name of each limit, the best value seen (highest QED and similarity, lowest logP
        and weight).
    seconds : the search took.
    """

    molecules: list[Candidate]
    decoded: int
    tried: int
    accepted: int
    known: int
    refused: int
    blocking: list[str]
    reached: dict[str, float]
    seconds: float


class _Search:
    """What was judged and accepted so far."""

    def __init__(self, limits: Limits, is_new: Callable[[Chem.Mol], bool]) -> None:
        self.limits = limits
        self.judged: dict[str, Candidate] = {}
        self.accepted: dict[str, Candidate] = {}
        self.decoded = 0
        self._least_excess = float("inf")
        self.known = 0
        self.refused = 0
        self._is_new = is_new
        lead = limits.lead
        self._lead_bits = fingerprint(lead) if lead is not None else None
        self._lead_smiles = plain_smiles(lead) if lead is not None else None
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.monotonic() - self._begun

    @property
    def progress(self) -> tuple[int, float]:
        """Molecules accepted, and how near to the limits the nearest is; both only rise."""
        return len(self.accepted), -self._least_excess

    def judge(self, smiles: Iterable[str]) -> None:
        """Judge what was not seen before."""
        for text in smiles:
            self.decoded += 1
            mol = Chem.MolFromSmiles(text)
            if mol is None or not has_carbon(mol) or (key := plain_smiles(mol)) in self.judged:
                continue
            if any(len(ring) > _LARGEST_RING for ring in mol.GetRingInfo().AtomRings()):
                continue
            candidate = self._candidate(key, mol)
            self.judged[key] = candidate
            self._least_excess = min(self._least_excess, candidate.total_excess)
            if candidate.total_excess:
                continue
            if key == self._lead_smiles or not self._is_new(mol):
                self.known += 1
            elif safety.examine(mol):
                self.refused += 1
            else:
                self.accepted[key] = candidate

    def _candidate(self, smiles: str, mol: Chem.Mol) -> Candidate:
        bits = self._lead_bits
        alike = None if bits is None else DataStructs.TanimotoSimilarity(fingerprint(mol), bits)
        logp, weight = descriptors.logp(mol), descriptors.weight(mol)
        one = Candidate(smiles, mol, logp, weight, alike, excess={})
        limits, excess = self.limits, one.excess
        if limits.min_qed is not None:
            excess["min_qed"] = max(0.0, (limits.min_qed - one.qed) / 0.1)
        if limits.max_logp is not None:
            excess["max_logp"] = max(0.0, (logp - limits.max_logp) / 0.5)
        if limits.max_weight is not None:
            excess["max_weight"] = max(0.0, (weight - limits.max_weight) / 25)
        if alike is not None:
            excess["similar_to"] = max(0.0, (LEAST_SIMILARITY - alike) / 0.05)
        return one

    def parents(self) -> list[Candidate]:
        """Return the best so far, at most two of one scaffold."""
        ranked = sorted(self.judged.values(), key=_worth, reverse=True)
        chosen: list[Candidate] = []
        seen: dict[str, int] = {}
        for candidate in ranked[: 8 * _PARENTS]:
            scaffold = candidate.scaffold
            if seen.get(scaffold, 0) < 2:
                seen[scaffold] = seen.get(scaffold, 0) + 1
                chosen.append(candidate)
            if len(chosen) == _PARENTS:
                break
        return chosen

    def ended(self, count: int) -> Found:
        """Choose the best and say how it went."""
        judged = [one for one in self.judged.values() if one.smiles != self._lead_smiles]
        return Found(
            molecules=_choose(self.accepted.values(), count),
            decoded=self.decoded,
            tried=len(judged),
            accepted=len(self.accepted),
            known=self.known,
            refused=self.refused,
            blocking=_blocking(judged),
            reached=_reached(judged),
            seconds=self.seconds,
        )


def search(
    space: LatentSpace,
    limits: Limits,
    count: int,
    *,
    start: Codes | None = None,
    is_new: Callable[[Chem.Mol], bool] = lambda mol: True,
    seconds: float = 20.0,
    seed: int = 0,
) -> Found:
    """Search for `count` molecules within the limits.

    Parameters
    ----------
    start : (n, d) codes to begin near, such as the lead's own.
    is_new : what may be returned, e.g. that it is no training molecule; the lead itself never is.
    seconds : after which the search ends with what it has. It ends earlier when it has a choice.
    """
    run = _Search(limits, is_new)
    rng = np.random.default_rng(seed)
    run.judge(space.sample(_FIRST, seed))
    if start is not None:
        for shift in _SHIFTS:
            run.judge(_near(space, np.repeat(start, -(-_PARENTS // len(start)), 0), shift, rng))
    rounds, idle, best = 1, 0, run.progress
    while run.seconds < seconds and idle < _IDLE_ROUNDS and not _is_enough(run, count, rounds):
        run.judge(_children(run.parents(), space, rng))
        run.judge(space.sample(_FRESH, int(rng.integers(2**31))))
        rounds += 1
        idle = 0 if run.progress > best else idle + 1
        best = run.progress
    return run.ended(count)


def sample(
    space: LatentSpace,
    limits: Limits,
    tries: int,
    *,
    is_new: Callable[[Chem.Mol], bool] = lambda mol: True,
    seed: int = 0,
) -> Found:
    """Filter `tries` of the generator's own molecules: what the search is measured against."""
    run = _Search(limits, is_new)
    run.judge(space.sample(tries, seed))
    return run.ended(tries)


def _worth(candidate: Candidate) -> tuple[float, float]:
    alike = candidate.similarity
    return (-candidate.total_excess, candidate.qed if alike is None else alike)


def _is_enough(run: _Search, count: int, rounds: int) -> bool:
    if run.limits.lead is not None and rounds < _LEAST_ROUNDS_WITH_LEAD:
        return False
    if len(run.accepted) < _CHOICE * count:
        return False
    return len({candidate.scaffold for candidate in run.accepted.values()}) >= count


def _children(
    parents: Sequence[Candidate], space: LatentSpace, rng: np.random.Generator
) -> list[str]:
    codes = _codes(parents, space)
    if not len(codes):
        return []
    first = codes[rng.integers(len(codes), size=_CHILDREN)]
    second = codes[rng.integers(len(codes), size=_CHILDREN)]
    share = rng.random((_CHILDREN, 1)) * (rng.random((_CHILDREN, 1)) < _MIXED_SHARE)
    return _near(space, (1 - share) * first + share * second, float(rng.choice(_SHIFTS)), rng)


def _codes(parents: Sequence[Candidate], space: LatentSpace) -> Codes:
    """Codes of the parents; what the encoder cannot read, though the decoder wrote it, is left out."""
    found = []
    for parent in parents:
        with contextlib.suppress(ToolError):
            found.append(space.encode([parent.smiles])[0])
    return np.array(found, np.float32)


def _near(
    space: LatentSpace, codes: NDArray[np.floating], shift: float, rng: np.random.Generator
) -> list[str]:
    """Molecules at points that lie `shift` away from codes."""
    points = codes + shift * rng.standard_normal(codes.shape)
    return space.decode(np.asarray(points, np.float32), noise=shift)


def _choose(accepted: Iterable[Candidate], count: int) -> list[Candidate]:
    """Return the best, one of each scaffold before a second one of any."""
    ranked = sorted(accepted, key=_worth, reverse=True)
    first: list[Candidate] = []
    others: list[Candidate] = []
    seen: set[str] = set()
    for candidate in ranked:
        scaffold = candidate.scaffold
        (others if scaffold in seen else first).append(candidate)
        seen.add(scaffold)
    return (first + others)[:count]


def _reached(judged: Sequence[Candidate]) -> dict[str, float]:
    best: dict[str, Callable[[], float]] = {
        "min_qed": lambda: max(candidate.qed for candidate in judged),
        "max_logp": lambda: min(candidate.logp for candidate in judged),
        "max_weight": lambda: min(candidate.weight for candidate in judged),
        "similar_to": lambda: max(candidate.similarity or 0.0 for candidate in judged),
    }
    return {name: best[name]() for name in judged[0].excess} if judged else {}


def _blocking(judged: Iterable[Candidate]) -> list[str]:
    """Names of the broken limits, the one without which most molecules would pass first."""
    alone: dict[str, int] = {}
    broken: dict[str, int] = {}
    for candidate in judged:
        names = [name for name, excess in candidate.excess.items() if excess]
        for name in names:
            broken[name] = broken.get(name, 0) + 1
        if len(names) == 1:
            alone[names[0]] = alone.get(names[0], 0) + 1
    return sorted(broken, key=lambda name: (alone.get(name, 0), broken[name]), reverse=True)
