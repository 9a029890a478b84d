"""Molecules per second, measured side by side in one run on one core.

Sampling: the shipped generator, up to canonical SMILES, against a CharRNN of the size in MOSES
(three LSTM layers of 768; Polykovskiy et al. 2020) that writes SMILES of the usual length, up to
RDKit reading them. The CharRNN is untrained: its speed does not depend on what it has learned.
Profiling: everything the tool finds out about a molecule but the ADMET models' predictions (numbers,
alerts, gate, nearest drug, novelty) against a bare loop of RDKit calls for the numbers alone.

    python benchmarks/molecules.py [COUNT]
"""

import sys
import time
from collections.abc import Callable

import torch
from rdkit import Chem, RDLogger
from rdkit.Chem import QED, Crippen, Descriptors, rdMolDescriptors
from rdkit.Contrib.SA_Score import sascorer
from torch import nn

from consilium.tools.molecules import alerts, descriptors, safety
from consilium.tools.molecules.generator import MoleculeGenerator
from consilium.tools.molecules.profile import Profiler

_BATCH = 1024
_CHARACTERS = 30
_LENGTH = 36  # characters of a MOSES molecule's SMILES, with its end
_REPEATS = 3
_PROFILED = 256


class CharRNN(nn.Module):
    """The baseline of MOSES, by size."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_CHARACTERS, _CHARACTERS)
        self.layers = nn.LSTM(_CHARACTERS, 768, 3)
        self.out = nn.Linear(768, _CHARACTERS)

    @torch.inference_mode()
    def write(self, count: int) -> torch.Tensor:
        """Draw `count` strings of the usual length."""
        character, state, written = torch.zeros(count, dtype=torch.long), None, []
        for _ in range(_LENGTH):
            values, state = self.layers(self.embedding(character)[None], state)
            character = torch.multinomial(self.out(values[0]).softmax(1), 1)[:, 0]
            written.append(character)
        return torch.stack(written, 1)


def rdkit_only(smiles: str) -> None:
    """Compute the numbers of a profile and nothing else."""
    molecule = Chem.MolFromSmiles(smiles)
    for compute in (
        QED.qed,
        sascorer.calculateScore,
        Crippen.MolLogP,
        Descriptors.MolWt,
        rdMolDescriptors.CalcTPSA,
        rdMolDescriptors.CalcNumHBD,
        rdMolDescriptors.CalcNumHBA,
        rdMolDescriptors.CalcNumRotatableBonds,
        rdMolDescriptors.CalcNumRings,
        rdMolDescriptors.CalcMolFormula,
    ):
        compute(molecule)


def profile(profiler: Profiler, smiles: str) -> None:
    """Find out what a profile tells, without predictions."""
    molecule = Chem.MolFromSmiles(smiles)
    descriptors.compute(molecule)
    alerts.find(molecule)
    safety.examine(molecule)
    profiler.drugs.nearest(molecule)
    profiler.is_new(molecule)


def per_second(work: Callable[[], object], count: int) -> float:
    """Return the best rate of a few runs: the one that was least disturbed."""
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return count / min(seconds)


def main(count: int) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    RDLogger.DisableLog("rdApp.*")
    generator, baseline = MoleculeGenerator.load(), CharRNN().eval()
    smiles, profiler = generator.sample(count, 1), Profiler.load()
    some = smiles[:_PROFILED]

    def baseline_sample() -> None:
        for _ in range(0, count, _BATCH):
            baseline.write(min(_BATCH, count))
        for text in smiles:  # what reading and writing as many molecules takes
            Chem.CanonSmiles(text)

    rates = {
        "sampled: generator": per_second(lambda: generator.sample(count, 2), count),
        "sampled: CharRNN baseline": per_second(baseline_sample, count),
        "profiled: all but ADMET": per_second(
            lambda: [profile(profiler, text) for text in some], len(some)
        ),
        "profiled: RDKit calls only": per_second(
            lambda: [rdkit_only(text) for text in some], len(some)
        ),
    }
    print(f"{count} molecules, one thread, best of {_REPEATS}")
    for name, rate in rates.items():
        print(f"{name:<30}{rate:>10.0f} per second")
    for of in ("sampled", "profiled"):
        (one, first), (other, second) = ((n, r) for n, r in rates.items() if n.startswith(of))
        print(f"{one} / {other.split(': ')[1]}: {first / second:.2f} times")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2048)
