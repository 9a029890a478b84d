"""The safety gate: chemical weapons and controlled substances, by structure, by likeness and by name.

What matches is neither designed nor used as a lead. A chemical-weapon structure is not profiled
either; a controlled substance is, if it is an approved medicine (hospitals use them daily), with a warning.
The lists are short and made to be read: they stop what is plainly on the international schedules,
not everything that could do harm. Nothing here or elsewhere in Consilium says how to make a substance.

Sources: Chemical Weapons Convention, Annex on Chemicals, schedules 1 to 3 with the additions of 2020
(entries 1.A.13 to 1.A.16); UN Single Convention on Narcotic Drugs 1961; UN Convention on
Psychotropic Substances 1971; the schedules of both conventions as of 2024.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from rdkit import Chem, DataStructs

from consilium.tools.contract import ToolError
from consilium.tools.molecules.drugs import fingerprint

Kind = Literal["weapon", "controlled"]

_ALIKE = 0.7  # Tanimoto similarity from which a molecule counts as an analogue of a listed agent

_CWC = "Chemical Weapons Convention"
_UN61 = "UN Single Convention 1961"
_UN71 = "UN Convention 1971"


@dataclass(frozen=True)
class Concern:
    """Why a molecule is refused.

    Parameters
    ----------
    kind : "weapon" or "controlled".
    reason : the end of a sentence that begins with "it".
    """

    kind: Kind
    reason: str


@dataclass(frozen=True)
class _Class:
    """A family of structures as a SMARTS pattern."""

    kind: Kind
    name: str
    source: str
    smarts: str


@dataclass(frozen=True)
class _Agent:
    """One listed substance; `also` are other names for it."""

    kind: Kind
    name: str
    source: str
    smiles: str
    also: tuple[str, ...] = ()


_CLASSES = (
    # Schedule 1.A.1, 1.A.13, 1.A.14, 1.B.9: P(=O)F and its sulphur analogue, also written [P+]([O-])F
    _Class("weapon", "an organophosphorus fluoride nerve agent", _CWC, "[PX4](~[OX1,SX1])F"),
    # 1.A.2: P-CN
    _Class("weapon", "an organophosphorus cyanide nerve agent", _CWC, "[PX4](~[OX1,SX1])C#N"),
    # 1.A.3: alkyl phosphonothiolate with an aminoethyl tail
    _Class(
        "weapon",
        "a V-series nerve agent",
        _CWC,
        "[#6][PX4](~[OX1,SX1])([OX2,SX2])[SX2][CX4][CX4][#7]",
    ),
    # 1.A.15, 1.A.16: quaternary dimethylcarbamoyloxypyridines
    _Class("weapon", "a carbamate nerve agent", _CWC, "[CH3]N([CH3])C(=O)Oc1cccnc1[CH2][NX4+]"),
    # 1.A.4
    _Class("weapon", "a sulfur mustard", _CWC, "Cl[CH2][CH2][SX2][#6]"),
    # 1.A.6: the third arm is a small alkyl or chloroethyl; the cytostatics carry larger ones
    _Class(
        "weapon",
        "a nitrogen mustard",
        _CWC,
        "[#7X3,#7X4+]([CH2][CH2]Cl)([CH2][CH2]Cl)"
        "[$([CH3]),$([CH2][CH3]),$([CH2][CH2]Cl),$([CH2][CH2][CH3]),$([CH]([CH3])[CH3])]",
    ),
    # 1.A.5
    _Class("weapon", "a lewisite", _CWC, "[As]C=CCl"),
    _Class(
        "controlled",
        "a fentanyl",
        _UN61,
        "[NX3](c)(C(=O)[#6])[CX4;R]1[CX4][CX4][NX3]([#6])[CX4][CX4]1",
    ),
    _Class("controlled", "a nitazene opioid", _UN61, "[NX3][CH2][CH2]n1c([CH2]c2ccccc2)nc2ccccc12"),
    _Class(
        "controlled",
        "an amphetamine",
        _UN71,
        "c1ccccc1[CH2][CH]([CH3])[$([NH2]),$([NH][CH3]),$([NH][CH2][CH3]),$(N([CH3])[CH3])]",
    ),
    _Class(
        "controlled",
        "a phencyclidine-like arylcyclohexylamine",
        _UN71,
        "c[CX4;R1]1([NX3;!$(N[C,S]=O);!$(N[#7,#8])])[CH2][CH2][CH2][CH2][$([CH2]),$(C=O)]1",
    ),
    _Class(
        "controlled",
        "a synthetic cannabinoid",
        _UN71,
        "[CH2][CH2][CH2][CH2]n1[c,n]c(C(=O)[#6,#7])c2ccccc12",
    ),
)

_AGENTS = (
    _Agent("weapon", "sarin", _CWC, "CC(C)OP(C)(=O)F", ("gb",)),
    _Agent("weapon", "soman", _CWC, "CC(OP(C)(=O)F)C(C)(C)C", ("gd",)),
    _Agent("weapon", "cyclosarin", _CWC, "CP(=O)(F)OC1CCCCC1", ("gf",)),
    _Agent("weapon", "tabun", _CWC, "CCOP(=O)(C#N)N(C)C", ("ga",)),
    _Agent("weapon", "VX", _CWC, "CCOP(C)(=O)SCCN(C(C)C)C(C)C", ("nerve agent vx",)),
    _Agent("weapon", "Russian VX", _CWC, "CCN(CC)CCSP(C)(=O)OCC(C)C", ("vr",)),
    _Agent("weapon", "amiton", _CWC, "CCOP(=O)(OCC)SCCN(CC)CC", ("vg", "tetram")),
    _Agent(
        "weapon",
        "sulfur mustard",
        _CWC,
        "ClCCSCCCl",
        ("mustard gas", "mustard", "sulphur mustard", "yperite"),
    ),
    _Agent("weapon", "nitrogen mustard HN1", _CWC, "CCN(CCCl)CCCl", ("hn1", "hn-1")),
    _Agent(
        "weapon",
        "nitrogen mustard HN2",
        _CWC,
        "CN(CCCl)CCCl",
        ("hn2", "hn-2", "nitrogen mustard", "mechlorethamine", "chlormethine"),
    ),
    _Agent("weapon", "nitrogen mustard HN3", _CWC, "ClCCN(CCCl)CCCl", ("hn3", "hn-3")),
    _Agent("weapon", "lewisite", _CWC, "ClC=C[As](Cl)Cl"),
    _Agent("weapon", "saxitoxin", _CWC, "NC(=O)OCC1N=C(N)N2CCC(O)(O)C23N=C(N)NC13"),
    _Agent(
        "weapon",
        "3-quinuclidinyl benzilate",
        _CWC,
        "OC(C(=O)OC1CN2CCC1CC2)(c1ccccc1)c1ccccc1",
        ("bz", "agent bz"),
    ),
    _Agent("weapon", "perfluoroisobutene", _CWC, "FC(F)=C(C(F)(F)F)C(F)(F)F", ("pfib",)),
    _Agent("weapon", "phosgene", _CWC, "ClC(Cl)=O"),
    _Agent("weapon", "cyanogen chloride", _CWC, "ClC#N"),
    _Agent("weapon", "hydrogen cyanide", _CWC, "C#N", ("zyklon b", "prussic acid")),
    _Agent("weapon", "chloropicrin", _CWC, "ClC(Cl)(Cl)[N+](=O)[O-]"),
    _Agent(
        "controlled",
        "heroin",
        _UN61,
        "CC(=O)OC1C=CC2C3CC4=C5C2(CCN3C)C1OC5=C(C=C4)OC(C)=O",
    ),
    _Agent("controlled", "morphine", _UN61, "CN1CCC23C4C(O)C=CC3C1Cc1ccc(O)c(O4)c12"),
    _Agent("controlled", "oxycodone", _UN61, "COc1ccc2CC3N(C)CCC45C(Oc1c24)C(=O)CCC35O"),
    _Agent("controlled", "hydromorphone", _UN61, "CN1CCC23C4Oc5c(O)ccc(CC1C2CCC4=O)c35"),
    _Agent(
        "controlled", "etorphine", _UN61, "CCCC(C)(O)C1CC23C=CC1(OC)C1Oc4c(O)ccc5CC2N(C)CCC31c45"
    ),
    _Agent("controlled", "methadone", _UN61, "CCC(=O)C(CC(C)N(C)C)(c1ccccc1)c1ccccc1"),
    _Agent("controlled", "fentanyl", _UN61, "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1"),
    _Agent(
        "controlled",
        "carfentanil",
        _UN61,
        "CCC(=O)N(c1ccccc1)C1(C(=O)OC)CCN(CCc2ccccc2)CC1",
    ),
    _Agent(
        "controlled",
        "isotonitazene",
        _UN61,
        "CCN(CC)CCn1c(Cc2ccc(OC(C)C)cc2)nc2cc([N+](=O)[O-])ccc12",
    ),
    _Agent("controlled", "cocaine", _UN61, "COC(=O)C1C(OC(=O)c2ccccc2)CC2CCC1N2C", ("crack",)),
    _Agent(
        "controlled", "LSD", _UN71, "CCN(CC)C(=O)C1CN(C)C2Cc3c[nH]c4cccc(C2=C1)c34", ("lysergide",)
    ),
    _Agent("controlled", "MDMA", _UN71, "CNC(C)Cc1ccc2OCOc2c1", ("ecstasy", "molly")),
    _Agent("controlled", "amphetamine", _UN71, "CC(N)Cc1ccccc1", ("speed",)),
    _Agent(
        "controlled", "methamphetamine", _UN71, "CNC(C)Cc1ccccc1", ("crystal meth", "meth", "ice")
    ),
    _Agent("controlled", "cathinone", _UN71, "CC(N)C(=O)c1ccccc1"),
    _Agent("controlled", "mephedrone", _UN71, "CNC(C)C(=O)c1ccc(C)cc1"),
    _Agent("controlled", "MDPV", _UN71, "CCCC(N1CCCC1)C(=O)c1ccc2OCOc2c1", ("bath salts",)),
    _Agent("controlled", "mescaline", _UN71, "COc1cc(CCN)cc(OC)c1OC"),
    _Agent("controlled", "2C-B", _UN71, "COc1cc(CCN)c(OC)cc1Br"),
    _Agent("controlled", "25I-NBOMe", _UN71, "COc1cc(CCNCc2ccccc2OC)c(OC)cc1I"),
    _Agent("controlled", "DMT", _UN71, "CN(C)CCc1c[nH]c2ccccc12"),
    _Agent("controlled", "psilocin", _UN71, "CN(C)CCc1c[nH]c2cccc(O)c12"),
    _Agent("controlled", "psilocybin", _UN71, "CN(C)CCc1c[nH]c2cccc(OP(O)(O)=O)c12"),
    _Agent(
        "controlled", "phencyclidine", _UN71, "C1CCC(CC1)(c1ccccc1)N1CCCCC1", ("pcp", "angel dust")
    ),
    _Agent("controlled", "methaqualone", _UN71, "Cc1ccccc1-n1c(C)nc2ccccc2c1=O"),
    _Agent("controlled", "JWH-018", _UN71, "CCCCCn1cc(C(=O)c2cccc3ccccc23)c2ccccc12", ("spice",)),
    _Agent("controlled", "THC", _UN71, "CCCCCc1cc(O)c2C3C=C(C)CCC3C(C)(C)Oc2c1"),
    _Agent("controlled", "GHB", _UN71, "OCCCC(=O)O"),
)

# Families that have no single structure.
_FAMILY_NAMES: dict[str, Kind] = {
    "novichok": "weapon",
    "a-230": "weapon",
    "a-232": "weapon",
    "a-234": "weapon",
    "nerve agent": "weapon",
    "nerve gas": "weapon",
    "poison gas": "weapon",
    "ricin": "weapon",
    "nitazene": "controlled",
    "nitazenes": "controlled",
}


def examine(mol: Chem.Mol) -> Concern | None:
    """Return why a molecule is refused, or None. Weapons come first."""
    rules = _rules()
    for pattern, family in rules.patterns:
        if mol.HasSubstructMatch(pattern):
            return Concern(family.kind, f"it has the structure of {family.name} ({family.source})")
    bits = fingerprint(mol)
    similarities = DataStructs.BulkTanimotoSimilarity(bits, rules.prints)
    best = max(range(len(_AGENTS)), key=similarities.__getitem__)
    if similarities[best] < _ALIKE:
        return None
    agent = _AGENTS[best]
    same = similarities[best] == 1 and _flat(mol) == rules.flat[best]
    what = f"it is {agent.name}" if same else f"it is a close analogue of {agent.name}"
    return Concern(agent.kind, f"{what} ({agent.source})")


def examine_name(name: str) -> Concern | None:
    """Return why a name is refused, or None: for names that resolve to no known drug."""
    key = " ".join(name.lower().split())
    for agent in _AGENTS:
        if key in {agent.name.lower(), *agent.also}:
            return Concern(agent.kind, f"it is {agent.name} ({agent.source})")
    if kind := _FAMILY_NAMES.get(key):
        return Concern(kind, f"it names {_WHAT[kind]}")
    return None


def refusal(concern: Concern, what: str) -> ToolError:
    """Say that `what` (such as "This molecule") is refused, and why."""
    return ToolError(f"{what} is refused because {concern.reason}: {_WHAT_IS_DONE[concern.kind]}")


_WHAT: dict[Kind, str] = {
    "weapon": "a chemical weapon",
    "controlled": "controlled substances",
}
_WHAT_IS_DONE: dict[Kind, str] = {
    "weapon": "chemical weapons are neither designed nor profiled here.",
    "controlled": (
        "analogues of controlled substances are not designed, and only approved medicines among"
        " them are profiled."
    ),
}


@dataclass(frozen=True)
class _Rules:
    patterns: list[tuple[Chem.Mol, _Class]]
    prints: list[DataStructs.ExplicitBitVect]
    flat: list[str]


@cache
def _rules() -> _Rules:
    agents = [Chem.MolFromSmiles(agent.smiles) for agent in _AGENTS]
    return _Rules(
        patterns=[(Chem.MolFromSmarts(family.smarts), family) for family in _CLASSES],
        prints=[fingerprint(mol) for mol in agents],
        flat=[_flat(mol) for mol in agents],
    )


def _flat(mol: Chem.Mol) -> str:
    return Chem.MolToSmiles(mol, isomericSmiles=False)
