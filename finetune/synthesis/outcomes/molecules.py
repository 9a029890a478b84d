"""What the molecule generator and the molecule profiler return."""

from consilium.finetune.synthesis.voices import Writer
from consilium.tools.contract import ToolResult
from consilium.tools.molecules.contract import DesignMolecules, ProfileMolecule
from consilium.tools.molecules.properties import Properties
from consilium.tools.molecules.report import (
    Asked,
    Designed,
    NearestDrug,
    design_result,
    profile_result,
)

_ALERTS = (("Brenk", "phenol ester"), ("PAINS", "catechol"), ("NIH", "halogenated ring"))
_MARKS = frozenset("=#()[]123456789@/\\")


def profile(writer: Writer, args: ProfileMolecule) -> ToolResult:
    """Result of `profile_molecule`: a profile, or that the name is not known."""
    rng = writer.rng
    named = not _MARKS & set(args.molecule)
    if named and writer.chance(0.06):
        said = (
            f"No drug of the name {args.molecule} is known here: please check it, or give a SMILES."
        )
        return ToolResult(summary=said, status="error", reason=said)
    properties = Properties(
        formula="",
        weight=rng.uniform(110, 620),
        logp=rng.gauss(2.3, 1.8),
        tpsa=rng.uniform(10, 160),
        qed=rng.uniform(0.15, 0.94),
        sa_score=rng.uniform(1.2, 5.5),
        donors=rng.randint(0, 6),
        acceptors=rng.randint(1, 11),
        rotatable_bonds=rng.randint(0, 12),
        rings=rng.randint(0, 5),
        heavy_atoms=rng.randint(8, 45),
    )
    return profile_result(
        properties,
        name=args.molecule if named else "",
        alerts=rng.sample(_ALERTS, rng.choice((0, 0, 0, 1, 1, 2))),
        nearest=NearestDrug(args.molecule if named else "imatinib", rng.uniform(0.2, 0.9), named),
    )


def design(writer: Writer, args: DesignMolecules) -> ToolResult:
    """Result of `design_molecules`: as many as were asked for, fewer, or none."""
    rng = writer.rng
    found = args.count if writer.chance(0.85) else rng.randint(0, args.count)
    least = args.min_qed if args.min_qed is not None else 0.5
    most = args.max_logp if args.max_logp is not None else 4.0
    heaviest = args.max_weight if args.max_weight is not None else 360.0
    molecules = [
        Designed(
            smiles="",
            qed=rng.uniform(least, max(least, 0.95)),
            logp=rng.uniform(most - 2.5, most),
            weight=rng.uniform(0.7, 1) * heaviest,
            sa_score=rng.uniform(1.8, 3.5),
            similarity=rng.uniform(0.3, 0.8) if args.similar_to else None,
        )
        for _ in range(found)
    ]
    limits = ("min_qed", "max_logp", "max_weight", "similar_to")
    blocking = [name for name in limits if getattr(args, name) is not None]
    asked = Asked(args.count, args.similar_to, args.min_qed, args.max_logp, args.max_weight)
    result = design_result(
        molecules,
        asked,
        tried=rng.randint(200, 9000),
        blocking=rng.sample(blocking, min(1, len(blocking))),
    )
    # The structures themselves are left out: a reply does not spell them.
    kept = [finding for finding in result.findings if not finding.label.startswith("molecule ")]
    return result.model_copy(update={"findings": kept})
