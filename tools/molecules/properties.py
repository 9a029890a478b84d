"""What is told of one molecule from its structure alone, and the two rules of oral drugs.

Plain values without RDKit, so that the wording in `report` needs no chemistry; `descriptors` computes them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Properties:
    """What the structure alone tells.

    Parameters
    ----------
    formula : molecular formula.
    weight : average molecular weight, Da.
    logp : octanol-water partition, Wildman and Crippen (1999), J. Chem. Inf. Comput. Sci. 39, 868.
    tpsa : topological polar surface area, A^2, Ertl et al. (2000), J. Med. Chem. 43, 3714.
    qed : drug-likeness, 0 to 1, Bickerton et al. (2012), Nat. Chem. 4, 90.
    sa_score : synthetic accessibility, 1 (easy) to 10 (hard), Ertl and Schuffenhauer (2009), J.
        Cheminform. 1, 8.
    donors, acceptors : of hydrogen bonds, as RDKit counts them.
    rotatable_bonds, rings, heavy_atoms : counts.
    """

    formula: str
    weight: float
    logp: float
    tpsa: float
    qed: float
    sa_score: float
    donors: int
    acceptors: int
    rotatable_bonds: int
    rings: int
    heavy_atoms: int

    @property
    def lipinski_violations(self) -> tuple[str, ...]:
        """Limits of the rule of five that are passed (Lipinski et al. 1997, Adv. Drug Deliv. Rev. 23, 3)."""
        broken = {
            "weight over 500 Da": self.weight > 500,
            "logP over 5": self.logp > 5,
            "more than 5 hydrogen-bond donors": self.donors > 5,
            "more than 10 hydrogen-bond acceptors": self.acceptors > 10,
        }
        return tuple(name for name, is_broken in broken.items() if is_broken)

    @property
    def veber_violations(self) -> tuple[str, ...]:
        """Limits for oral bioavailability that are passed (Veber et al. 2002, J. Med. Chem. 45, 2615)."""
        broken = {
            "more than 10 rotatable bonds": self.rotatable_bonds > 10,
            "polar surface over 140 Å²": self.tpsa > 140,
        }
        return tuple(name for name, is_broken in broken.items() if is_broken)
