"""The specialist as the chair calls it: a molecule or limits in, a typed result with pictures and files out."""

import threading
from typing import TYPE_CHECKING

import numpy as np
import rdkit
from numpy.typing import NDArray

from consilium.tools.contract import Source, ToolContext, ToolError, ToolResult
from consilium.tools.molecules import admet, descriptors, files, report
from consilium.tools.molecules.contract import DesignMolecules, ProfileMolecule
from consilium.tools.molecules.parsing import Molecule
from consilium.tools.molecules.profile import Profile, Profiler
from consilium.tools.molecules.report import Asked, Designed, NearestDrug
from consilium.tools.molecules.steering import LEAST_SIMILARITY, Candidate, Limits, search

if TYPE_CHECKING:
    from consilium.tools.molecules.generator import MoleculeGenerator

_loading = threading.Lock()
_profilers: list[Profiler] = []
_generators: list["MoleculeGenerator"] = []

_LIGHTEST = 16.0  # Da: methane


def profile_molecule(args: ProfileMolecule, context: ToolContext) -> ToolResult:
    """Profile one molecule, given as a SMILES or a generic drug name.

    Raises
    ------
    ToolError
        If it cannot be read, is refused by the safety gate, or a list of the specialist is damaged.
    """
    profiler = load_profiler()
    profile = profiler.profile(profiler.admit(args.molecule))
    result = report.profile_result(
        profile.properties,
        name=profile.molecule.name,
        alerts=[(alert.catalogue, alert.name) for alert in profile.alerts],
        nearest=_nearest(profile),
        in_training_set=profile.in_training_set,
        toxicity={p.endpoint.key: (p.value, p.percentile) for p in profile.predictions},
        notes=profile.molecule.notes,
        warnings=_warnings(profile),
        sources=_sources(profile),
    )
    return result.model_copy(update={"artifacts": files.of_profile(profile, context.artifact_dir)})


def design_molecules(args: DesignMolecules, context: ToolContext) -> ToolResult:
    """Design new molecules within limits, by search in the generator's latent space.

    Raises
    ------
    ToolError
        If the lead cannot be read or is refused by the safety gate, a limit is impossible, or the
        generator's weights are missing or damaged.
    """
    if args.max_weight is not None and args.max_weight < _LIGHTEST:
        raise ToolError(
            f"No organic molecule weighs {args.max_weight:g} Da or less: give a limit of some"
            " hundred Da, e.g. 350."
        )
    profiler = load_profiler()
    lead = None if args.similar_to is None else profiler.admit_lead(args.similar_to)
    generator = load_generator()
    limits = Limits(args.min_qed, args.max_logp, args.max_weight, lead.mol if lead else None)
    start, warnings = _start(generator, lead)
    found = search(generator, limits, args.count, start=start, is_new=profiler.is_new)
    designed = [_designed(candidate) for candidate in found.molecules]
    result = report.design_result(
        designed,
        Asked(args.count, args.similar_to, args.min_qed, args.max_logp, args.max_weight),
        tried=found.tried,
        known=found.known,
        refused=found.refused,
        blocking=found.blocking,
        reached=found.reached,
        notes=_notes(lead),
        warnings=warnings,
    )
    artifacts = files.of_design(found.molecules, context.artifact_dir) if designed else []
    return result.model_copy(update={"artifacts": artifacts})


def load_generator() -> "MoleculeGenerator":
    """Load the generator once, whichever thread comes first.

    Raises
    ------
    ToolError
        If its weights are missing or not those of their card.
    """
    with _loading:
        if not _generators:
            from consilium.tools.molecules.generator import MoleculeGenerator

            _generators.append(MoleculeGenerator.load())
        return _generators[0]


def load_profiler() -> Profiler:
    """Load the profiler once, whichever thread comes first.

    Raises
    ------
    ToolError
        If one of its lists is missing or damaged.
    """
    with _loading:
        if not _profilers:
            _profilers.append(Profiler.load())
        return _profilers[0]


def _nearest(profile: Profile) -> NearestDrug | None:
    found = profile.nearest
    return NearestDrug(found.drug.name, found.similarity, found.same) if found else None


def _designed(candidate: Candidate) -> Designed:
    return Designed(
        smiles=candidate.smiles,
        qed=candidate.qed,
        logp=candidate.logp,
        weight=candidate.weight,
        sa_score=descriptors.sa_score(candidate.mol),
        similarity=candidate.similarity,
    )


def _start(
    generator: "MoleculeGenerator", lead: Molecule | None
) -> tuple[NDArray[np.float32] | None, list[str]]:
    """Codes to begin near, and what has to be said about them."""
    if lead is None:
        return None, []
    try:
        return generator.encode([lead.smiles]), []
    except ToolError as error:
        return None, [f"{error} The search began from the generator's own molecules."]


def _notes(lead: Molecule | None) -> list[str]:
    if lead is None:
        return []
    named = [f"The lead is {lead.name}: {lead.smiles}."] if lead.name else []
    similar = f"Similar means a Tanimoto similarity of at least {LEAST_SIMILARITY:g}."
    return [*named, *lead.notes, similar]


def _warnings(profile: Profile) -> list[str]:
    told = []
    if profile.concern:
        told.append(report.CONTROLLED.format(reason=profile.concern.reason))
    if profile.unpredicted:
        told.append(profile.unpredicted)
    return told


def _sources(profile: Profile) -> list[Source]:
    used = [report.RDKIT.model_copy(update={"version": rdkit.__version__})]
    if profile.nearest:
        used.append(report.DRUGS)
    if profile.predictions:
        used.append(admet.SOURCE)
    return used
