"""The known drugs: generic names to structures and back, from the list that `drug_list` finds."""

import csv
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdFingerprintGenerator

from consilium.tools.contract import ToolError
from consilium.tools.molecules.drug_list import find_drug_list
from consilium.tools.molecules.parent import parent_of

_RADIUS, _BITS = 2, 2048
_NEAR = 0.8  # of difflib's ratio: "ibuprophen" is near, "insulin" and "inosine" are not

# What a drug is called elsewhere (INN, BAN, USAN, everyday) and how the list calls it.
_OTHER_NAMES = {
    "aciclovir": "acyclovir",
    "adrenaline": "epinephrine",
    "amoxycillin": "amoxicillin",
    "aspirin": "acetylsalicylic acid",
    "asa": "acetylsalicylic acid",
    "candesartan": "candesartan cilexetil",
    "cefalexin": "cephalexin",
    "chlormethine": "mechlorethamine",
    "ciclosporin": "cyclosporine",
    "cyclosporin": "cyclosporine",
    "colecalciferol": "cholecalciferol",
    "bendrofluazide": "bendroflumethiazide",
    "frusemide": "furosemide",
    "glibenclamide": "glyburide",
    "glycerol": "glycerin",
    "heroin": "diamorphine",
    "hydroxycarbamide": "hydroxyurea",
    "indometacin": "indomethacin",
    "lignocaine": "lidocaine",
    "mesalamine": "mesalazine",
    "methamphetamine": "metamfetamine",
    "noradrenaline": "norepinephrine",
    "paracetamol": "acetaminophen",
    "penicillin g": "benzylpenicillin",
    "penicillin v": "phenoxymethylpenicillin",
    "pethidine": "meperidine",
    "phenobarbitone": "phenobarbital",
    "rifampicin": "rifampin",
    "salbutamol": "albuterol",
    "suxamethonium": "succinylcholine",
    "thc": "dronabinol",
    "thyroxine": "levothyroxine",
    "valproate": "valproic acid",
    "5-fluorouracil": "fluorouracil",
    "5-fu": "fluorouracil",
    "vitamin c": "ascorbic acid",
    "vitamin d3": "cholecalciferol",
}
_SALT_WORDS = frozenset(
    """acetate anhydrous benzoate besilate besylate bitartrate bromide calcium chloride citrate
    dihydrate dihydrochloride disodium fumarate hcl hydrobromide hydrochloride hydrate magnesium
    maleate mesilate mesylate monohydrate nitrate oxalate phosphate potassium sodium
    succinate sulfate sulphate tartrate tosylate trihydrate""".split()
)
_ESTERS = frozenset("acetate benzoate phosphate succinate".split())  # words of salts, and of esters
_ALCOHOL = Chem.MolFromSmarts("[OX2H][#6;!$(C=O)]")
_BASE = Chem.MolFromSmarts(  # an amine, amidine or guanidine
    "[$([NX3;!$(N[!#6;!#1]);!$(NC=[O,N,S]);!$(N-a)][CX4]),$([NX3][CX3]=[NX2;!$(N[!#6;!#1])])]"
)


@dataclass(frozen=True)
class Drug:
    """One entry of the list."""

    name: str
    smiles: str
    drugbank_id: str


@dataclass(frozen=True)
class Neighbour:
    """A known drug and how alike it is: Tanimoto similarity of Morgan fingerprints, 0 to 1.

    `same` if it is the molecule itself; where its stereochemistry is not told, whichever isomer is listed.
    Another isomer than the listed ones is not the same, and of similarity 1.
    """

    drug: Drug
    similarity: float
    same: bool = False


class DrugList:
    """The known drugs by name and by structure.

    Parameters
    ----------
    drugs : entries; inorganic ones and mixtures are known by name only.
    """

    def __init__(self, drugs: Iterable[Drug]) -> None:
        self._by_name = {_key(drug.name): drug for drug in drugs}
        for other, name in _OTHER_NAMES.items():
            if name in self._by_name:
                self._by_name.setdefault(other, self._by_name[name])

    @classmethod
    def load(cls, home: Path) -> "DrugList":
        """Read the list from the data folder or the installed package; empty if it is in neither.

        Raises
        ------
        ToolError
            If the list is damaged.
        """
        path = find_drug_list(home)
        if path is None:
            return cls(())
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            return cls(Drug(row["name"], row["smiles"], row["id"]) for row in rows)

    def __len__(self) -> int:
        return len(set(self._by_name.values()))

    def find(self, name: str) -> Drug | None:
        """Return the drug of that name, in any case, also with the name of its salt.

        An ester is another molecule: "abiraterone acetate" is not found by "abiraterone".
        """
        key = _key(name)
        if key in self._by_name:
            return self._by_name[key]
        words = key.split()
        acids: list[str] = []
        while len(words) > 1 and words[-1] in _SALT_WORDS:
            word = words.pop()
            if word in _ESTERS:
                acids.append(word)
        if ester := self._by_name.get(" ".join([*words, *acids])):
            return ester
        drug = self._by_name.get(" ".join(words))
        return None if drug and acids and _makes_esters(drug) else drug

    def suggest(self, name: str) -> str | None:
        """Return the spelling in the list nearest to `name`; None if nothing is near."""
        near = difflib.get_close_matches(_key(name), self._by_name, n=1, cutoff=_NEAR)
        return near[0] if near else None

    def identify(self, mol: Chem.Mol) -> Drug | None:
        """Return the drug that a molecule is: with the same stereochemistry if there is one."""
        return self._structures.by_smiles.get(
            Chem.MolToSmiles(mol), self._structures.by_plain_smiles.get(_plain(mol))
        )

    def nearest(self, mol: Chem.Mol) -> Neighbour | None:
        """Return the most similar drug; None if the list is empty."""
        if same := self.identify(mol):
            told = Chem.MolToSmiles(mol)
            is_same = told in self._structures.by_smiles or told == _plain(mol)
            return Neighbour(same, 1.0, same=is_same)
        drugs, prints = self._structures.drugs, self._structures.prints
        if not drugs:
            return None
        similarities = DataStructs.BulkTanimotoSimilarity(fingerprint(mol), prints)
        best = max(range(len(drugs)), key=similarities.__getitem__)
        return Neighbour(drugs[best], float(similarities[best]))

    @cached_property
    def _structures(self) -> "_Structures":
        found = _Structures()
        with rdBase.BlockLogs():
            for drug in dict.fromkeys(self._by_name.values()):
                try:
                    mol, _ = parent_of(Chem.MolFromSmiles(drug.smiles))
                except ToolError:  # inorganic or a mixture: no structure to compare with
                    continue
                found.drugs.append(drug)
                found.prints.append(fingerprint(mol))
                found.by_smiles.setdefault(Chem.MolToSmiles(mol), drug)
                found.by_plain_smiles.setdefault(_plain(mol), drug)
        return found


@dataclass(frozen=True)
class _Structures:
    drugs: list[Drug] = field(default_factory=list)
    prints: list[DataStructs.ExplicitBitVect] = field(default_factory=list)
    by_smiles: dict[str, Drug] = field(default_factory=dict)
    by_plain_smiles: dict[str, Drug] = field(default_factory=dict)


def fingerprint(mol: Chem.Mol) -> DataStructs.ExplicitBitVect:
    """Morgan fingerprint (radius 2, 2,048 bits) without stereochemistry."""
    bits: DataStructs.ExplicitBitVect = _MORGAN.GetFingerprint(mol)
    return bits


def similarity(first: Chem.Mol, second: Chem.Mol) -> float:
    """Tanimoto similarity of two molecules, 0 to 1."""
    return float(DataStructs.TanimotoSimilarity(fingerprint(first), fingerprint(second)))


def unknown_name(name: str, drugs: DrugList) -> ToolError:
    """Say why a name does not resolve, and the nearest spelling."""
    if not len(drugs):
        return ToolError(
            "Drug names need the list of known drugs, which `consilium fetch` brings: run it, or give"
            " the molecule as a SMILES."
        )
    near = drugs.suggest(name)
    hint = f'did you mean "{near}"?' if near else "check the spelling, or give its SMILES."
    return ToolError(f'"{name[:60]}" is not among the {len(drugs):,} known drugs: {hint}')


def _makes_esters(drug: Drug) -> bool:
    """Whether the name of an acid behind a drug's means an ester: it has an alcohol, and no base for a salt."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(drug.smiles)
    return bool(mol and mol.HasSubstructMatch(_ALCOHOL) and not mol.HasSubstructMatch(_BASE))


def _plain(mol: Chem.Mol) -> str:
    return Chem.MolToSmiles(mol, isomericSmiles=False)


def _key(name: str) -> str:
    return re.sub(r"\s+", " ", name.strip().lower())


_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=_BITS)
