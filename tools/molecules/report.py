"""The wording of the two tools: from plain values to a `ToolResult`.

Pure, without RDKit and torch: the tools call it with what they computed, the generator of training
conversations with sampled values, so both speak the same language. It decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consilium.tools.contract import Finding, Level, Source, ToolResult
from consilium.tools.molecules.properties import Properties

RDKIT = Source(name="RDKit", version="2026.9.1", data="computed from the structure")
DRUGS = Source(name="DrugBank's approved drugs", data="names and structures, from admet-ai 2.0.1")
GENERATOR = Source(
    name="Consilium molecule generator", version="0.3", data="MOSES train split (ZINC Clean Leads)"
)

RESEARCH_USE = "Research use only: computed values are no substitute for measurements."
NO_ADMET = "Toxicity and ADMET were not predicted: they need the extra consilium[admet]."
ADMET_LOADING = (
    "Toxicity and ADMET were not predicted: their models are still being loaded, ask again in a"
    " minute."
)
NO_DRUGS = "The nearest known drug was not looked up: `consilium fetch` brings the list."
LARGE = "The molecule is larger than those that QED and the predictions were made for."
CONTROLLED = "This medicine is a controlled substance: {reason}."
ON_A_SCALE = (
    "QED runs from 0 to 1 (more drug-like); synthetic accessibility from 1 (easy to make) to 10."
)
STEREO_IGNORED = "Similarity (Tanimoto, Morgan fingerprints) leaves stereochemistry out."

MIDDLE = "Each value is the middle one of the molecules found, with the lowest and the highest."
NOT_MADE = "Nobody has made or tested these molecules; no way of making them is given."

_SHOWN = 6  # molecules among the findings; the table and the files hold all
_REACHED = {  # the best value seen: word, unit, digits
    "min_qed": ("highest seen", "", 2),
    "max_logp": ("lowest seen", "", 2),
    "max_weight": ("lightest seen", " Da", 1),
    "similar_to": ("highest Tanimoto similarity seen", "", 2),
}
_LARGE_ATOMS = 70
_HIGH, _BORDERLINE = 80, 50  # percentiles among approved drugs from which a risk reads so
_TOXICITY = {"hERG": "hERG block", "AMES": "mutagenicity (Ames)", "DILI": "liver injury"}


@dataclass(frozen=True)
class NearestDrug:
    """The known drug most like a molecule; `same` if it is the molecule itself."""

    name: str
    similarity: float
    same: bool = False


def profile_result(
    properties: Properties,
    *,
    name: str = "",
    alerts: Sequence[tuple[str, str]] = (),
    nearest: NearestDrug | None = None,
    in_training_set: bool | None = None,
    toxicity: Mapping[str, tuple[float, float]] | None = None,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
    sources: Sequence[Source] = (RDKIT, DRUGS),
) -> ToolResult:
    """Turn one molecule's values into the result that the chair and the language model see.

    Parameters
    ----------
    name : of the drug, where the user gave one.
    alerts : (catalogue, name) of each structural alert, e.g. ("Brenk", "phenol ester").
    nearest : known drug; None if no list is installed.
    in_training_set : whether the generator learned from the molecule; None if not looked up.
    toxicity : (probability, percentile among approved drugs) by endpoint: "hERG", "AMES", "DILI".
    notes : sentences on what was assumed when reading the input.
    warnings : further sentences.
    """
    told = [*warnings]
    if nearest is None:
        told.append(NO_DRUGS)
    if properties.heavy_atoms > _LARGE_ATOMS:
        told.append(LARGE)
    p = properties
    findings = [
        Finding(label="QED", value=round(p.qed, 2)),
        Finding(label="synthetic accessibility", value=round(p.sa_score, 1)),
        Finding(label="logP", value=round(p.logp, 2)),
        Finding(label="polar surface area", value=round(p.tpsa, 1), unit="Å²"),
        Finding(label="molecular weight", value=round(p.weight, 1), unit="Da"),
        _rules(p),
        _alerts(alerts),
    ]
    if nearest is not None:
        findings.append(Finding(label="nearest known drug", value=_drug(nearest)))
    if in_training_set is not None:
        known = "in it" if in_training_set else "not in it"
        findings.append(Finding(label="generator's training set", value=known))
    findings += _toxicity(toxicity or {})
    subject = name or (nearest.name if nearest is not None and nearest.same else "The molecule")
    return ToolResult(
        summary=f"{subject[0].upper()}{subject[1:]} has QED {p.qed:.2f}, logP {p.logp:.2f}, weight"
        f" {p.weight:.1f} Da and synthetic accessibility {p.sa_score:.1f}; it {_verdict(p)} and"
        f" raises {_count(len(alerts), 'structural alert')}.",
        findings=findings,
        assumptions=[*notes, ON_A_SCALE, STEREO_IGNORED],
        warnings=[*told, RESEARCH_USE],
        sources=list(sources),
    )


@dataclass(frozen=True)
class Asked:
    """What a design request asked for; None where it set no limit. `lead` is a SMILES or a name."""

    count: int
    lead: str | None = None
    min_qed: float | None = None
    max_logp: float | None = None
    max_weight: float | None = None


@dataclass(frozen=True)
class Designed:
    """One new molecule; `similarity` to the lead, None without one."""

    smiles: str
    qed: float
    logp: float
    weight: float
    sa_score: float
    similarity: float | None = None


def design_result(
    molecules: Sequence[Designed],
    asked: Asked,
    *,
    tried: int,
    known: int = 0,
    refused: int = 0,
    blocking: Sequence[str] = (),
    reached: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
    sources: Sequence[Source] = (GENERATOR, RDKIT),
) -> ToolResult:
    """Turn designed molecules into the result that the chair and the language model see.

    Parameters
    ----------
    molecules : within every limit, the best first; fewer than asked for, or none, where the search
        found no more.
    tried : different molecules that were judged.
    known, refused : of these within every limit, but known already, or stopped by the safety gate.
    blocking : names of broken limits ("min_qed", "max_logp", "max_weight", "similar_to"), the one most
        in the way first.
    reached : by limit, the best value seen.
    notes, warnings : further sentences.
    """
    limits = _limits(asked)
    within = f" with {_listed(list(limits.values()))}" if limits else ""
    told = [*warnings]
    if len(molecules) < asked.count:
        if len(molecules) + known + refused >= asked.count:  # not the limits
            told.append(
                f"Within the limits, but known already: {known:,}; stopped by the safety gate: {refused:,}."
            )
        else:
            told.append(_in_the_way(limits, blocking, reached or {}, tried))
    if not molecules:
        lacking = ["is new", *(["passes the safety gate"] if refused else [])]
        if limits:
            lacking.append(f"has {_listed(list(limits.values()))}")
        reason = f"none of {tried:,} molecules tried {_listed(lacking)}"
        return ToolResult(
            summary=f"No molecule was designed: {reason}. {told[-1]}",
            status="abstained",
            reason=reason,
            findings=[_number_found(molecules, asked)],
            assumptions=list(notes),
            warnings=[*told, RESEARCH_USE],
            sources=list(sources),
        )
    ranges = {
        "QED": (_span([m.qed for m in molecules], 2), ""),
        "logP": (_span([m.logp for m in molecules], 2), ""),
        "molecular weight": (_span([m.weight for m in molecules], 1), "Da"),
        "synthetic accessibility": (_span([m.sa_score for m in molecules], 1), ""),
    }
    similarities = [m.similarity for m in molecules if m.similarity is not None]
    if similarities:
        ranges["similarity to the lead"] = (_span(similarities, 2), "Tanimoto")
    findings = [
        _number_found(molecules, asked),
        *(
            Finding(label=name, value=middle, unit=unit, interval=(low, high))
            for name, ((low, middle, high), unit) in ranges.items()
        ),
        *(
            Finding(label=f"molecule {number}", value=molecule.smiles)
            for number, molecule in enumerate(molecules[:_SHOWN], 1)
        ),
    ]
    found = str(len(molecules))
    if len(molecules) < asked.count:
        found += f" of {asked.count}"
    alike = f", Tanimoto similarity {_words(similarities, 2)}" if similarities else ""
    return ToolResult(
        summary=f"Found {found} new {'molecule' if found == '1' else 'molecules'}{within}:"
        f" QED {_words([m.qed for m in molecules], 2)},"
        f" logP {_words([m.logp for m in molecules], 2)},"
        f" weight {_words([m.weight for m in molecules], 1)} Da{alike}.",
        findings=findings,
        assumptions=[*notes, MIDDLE, ON_A_SCALE],
        warnings=[*told, NOT_MADE, RESEARCH_USE],
        sources=list(sources),
    )


def _number_found(molecules: Sequence[Designed], asked: Asked) -> Finding:
    return Finding(label="molecules found", value=f"{len(molecules)} of {asked.count}")


def _limits(asked: Asked) -> dict[str, str]:
    """Say each limit that was set, by its name."""
    said = {
        "min_qed": asked.min_qed is not None and f"QED at least {asked.min_qed:g}",
        "max_logp": asked.max_logp is not None and f"logP at most {asked.max_logp:g}",
        "max_weight": asked.max_weight is not None and f"weight at most {asked.max_weight:g} Da",
        "similar_to": asked.lead is not None and "similarity to the lead",
    }
    return {name: words for name, words in said.items() if words}


def _in_the_way(
    limits: Mapping[str, str], blocking: Sequence[str], reached: Mapping[str, float], tried: int
) -> str:
    named = [limits[name] for name in blocking if name in limits]
    if not named:
        return f"The search ended after {tried:,} molecules; ask for fewer."
    best = reached.get(blocking[0])
    word, unit, digits = _REACHED[blocking[0]]
    nearest = f" ({word} {best:.{digits}f}{unit})" if best is not None else ""
    if len(named) == 1:
        return f"What stands in the way is {named[0]}{nearest}."
    return (
        f"What stands in the way most is {named[0]}{nearest}, together with {_listed(named[1:])}."
    )


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _span(values: Sequence[float], digits: int) -> tuple[float, float, float]:
    """Lowest, middle and highest value."""
    ordered = sorted(values)
    low, middle, high = ordered[0], ordered[len(ordered) // 2], ordered[-1]
    return round(low, digits), round(middle, digits), round(high, digits)


def _words(values: Sequence[float], digits: int) -> str:
    low, _, high = _span(values, digits)
    return f"{low:.{digits}f}" if low == high else f"{low:.{digits}f} to {high:.{digits}f}"


def _rules(p: Properties) -> Finding:
    broken = (*p.lipinski_violations, *p.veber_violations)
    counts = (
        f"{_count(p.donors, 'hydrogen-bond donor')}, {_count(p.acceptors, 'acceptor')},"
        f" {_count(p.rotatable_bonds, 'rotatable bond')}"
    )
    verdict = f"broken: {', '.join(broken)}" if broken else "kept"
    return Finding(label="Lipinski and Veber rules", value=f"{verdict} ({counts})")


def _verdict(p: Properties) -> str:
    lipinski, veber = len(p.lipinski_violations), len(p.veber_violations)
    if not lipinski and not veber:
        return "keeps the Lipinski and Veber rules"
    if not veber:
        return f"breaks {lipinski} of 4 Lipinski limits"
    if not lipinski:
        return f"breaks {veber} of 2 Veber limits"
    return f"breaks {lipinski} of 4 Lipinski and {veber} of 2 Veber limits"


def _alerts(alerts: Sequence[tuple[str, str]]) -> Finding:
    by_catalogue: dict[str, list[str]] = {}
    for catalogue, alert in alerts:
        by_catalogue.setdefault(catalogue, []).append(alert)
    text = "; ".join(f"{name}: {', '.join(found)}" for name, found in by_catalogue.items())
    return Finding(label="structural alerts", value=text or "none (PAINS, Brenk, NIH)")


def _drug(nearest: NearestDrug) -> str:
    if nearest.same:
        return f"{nearest.name}, which it is"
    return f"{nearest.name} (Tanimoto similarity {nearest.similarity:.2f})"


def _toxicity(toxicity: Mapping[str, tuple[float, float]]) -> list[Finding]:
    return [
        Finding(
            label=f"{words}, predicted",
            value=round(toxicity[key][0], 2),
            unit=f"probability, above {toxicity[key][1]:.0f} % of approved drugs",
            level=_level(toxicity[key][1]),
        )
        for key, words in _TOXICITY.items()
        if key in toxicity
    ]


def _level(percentile: float) -> Level:
    if percentile >= _HIGH:
        return "high"
    return "borderline" if percentile >= _BORDERLINE else "low"


def _count(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"
