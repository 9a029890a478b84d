"""The trained generator: points of the latent space, molecules from points, points from molecules."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from consilium.tools import weights
from consilium.tools.contract import ToolError
from consilium.tools.molecules.card import OF, VOCABULARY_FILE, WEIGHTS, WEIGHTS_FILE, Card
from consilium.tools.molecules.codes import Coder
from consilium.tools.molecules.decoder import Decoder, blur
from consilium.tools.molecules.gan import Generator
from consilium.tools.molecules.grammar import Grammar
from consilium.tools.molecules.vocabulary import Vocabulary

_BATCH = 1024
_TRIES = 8  # at a molecule that RDKit can read, from one point
_OTHER_CHANCE = 2**32
_DECODER, _GENERATOR, _CODER = "decoder.", "generator.", "coder."
Points = NDArray[np.float32]


class MoleculeGenerator:
    """Generator of codes, decoder and coder; from several threads if need be.

    A code's coordinates have mean 0 and variance 1 over the training molecules. A point is a code with
    noise on it, and the decoder is told how much: `noise`, a standard deviation. With more of it,
    molecules keep less of the code.
    """

    def __init__(
        self,
        generator: Generator,
        decoder: Decoder,
        coder: Coder,
        vocabulary: Vocabulary,
        card: Card,
    ) -> None:
        self._generator, self._decoder = generator.eval(), decoder.eval()
        self._coder = coder
        self._vocabulary, self.card = vocabulary, card
        self._grammar = Grammar(vocabulary.pieces)
        self._temperature = card.config.sampling_temperature
        self.noise = card.config.sampling_noise

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> "MoleculeGenerator":
        """Load the weights, checked against the card.

        Raises
        ------
        ToolError
            If weights, vocabulary or card are missing or damaged.
        """
        card, file = Card.read(folder), folder / WEIGHTS_FILE
        config = card.config
        loaded = weights.load_weights(file, card.weights_sha256, OF)
        pieces = weights.read_verified(folder / VOCABULARY_FILE, card.vocabulary_sha256, OF)
        with weights.fitting(file, OF):
            vocabulary = Vocabulary.parse(pieces.decode())
            tensors = {name: value.float() for name, value in loaded.items()}
            decoder = Decoder(config.network, len(vocabulary))
            decoder.load_state_dict(_part(tensors, _DECODER))
            generator = Generator(config.adversaries, config.network.latent)
            generator.load_state_dict(_part(tensors, _GENERATOR))
            coder = Coder(**{name: t.numpy() for name, t in _part(tensors, _CODER).items()})
        return cls(generator, decoder, coder, vocabulary, card)

    @torch.inference_mode()
    def latents(self, count: int, seed: int, noise: float | None = None) -> Points:
        """Draw (count, latent) points from the generator, with noise on them; None for the usual."""
        size = torch.full((count, 1), self.noise if noise is None else noise)
        chance = torch.Generator().manual_seed(seed)
        return np.asarray(blur(self._generator.draw(count, chance), size, chance).numpy())

    def decode(
        self,
        points: Points,
        seed: int | None = None,
        noise: float | None = None,
        temperature: float | None = None,
    ) -> list[str]:
        """Write one canonical SMILES per point; what cannot be read is written anew.

        It is empty where every try failed, which happens far from where molecules are.

        Parameters
        ----------
        points : (n, latent).
        seed : chance of the decoder; None takes the likeliest piece at each step as long as that is a
            molecule, so that a point always gives the same one.
        noise : that the points carry; None for the usual, 0 to take them at their word.
        temperature : below 1 keeps closer to the likeliest pieces; None for the usual.
        """
        chance = None if seed is None else torch.Generator().manual_seed(seed)
        found = self.write(points, chance, noise, temperature)
        chance = chance or torch.Generator().manual_seed(0)
        for _ in range(_TRIES - 1):
            left = [place for place, smiles in enumerate(found) if not smiles]
            if not left:
                break
            again = self.write(np.asarray(points)[left], chance, noise, temperature)
            for place, smiles in zip(left, again, strict=True):
                found[place] = smiles
        return found

    @torch.inference_mode()
    def write(
        self,
        points: Points,
        chance: torch.Generator | None,
        noise: float | None = None,
        temperature: float | None = None,
    ) -> list[str]:
        """Try once for each point, as `decode` does; empty where it is no molecule."""
        size = self.noise if noise is None else noise
        heat = self._temperature if temperature is None else temperature
        found = []
        for start in range(0, len(points), _BATCH):
            batch = torch.from_numpy(np.asarray(points[start : start + _BATCH], np.float32))
            told = torch.full((len(batch), 1), size)
            written = self._decoder.decode(
                batch, told, self.card.longest, self._grammar, chance, heat
            )
            found += [_canonical(self._vocabulary.decode(row)) for row in written.tolist()]
        return found

    def sample(self, count: int, seed: int) -> list[str]:
        """Draw `count` molecules as MOSES asks for them: independent and not distinct.

        None is sorted out but what RDKit cannot read.
        """
        found: list[str] = []
        while len(found) < count:
            # Chance of its own for the decoder, or its noise would repeat what the points were made of.
            points = self.latents(count, seed)
            found += filter(None, self.decode(points, seed + _OTHER_CHANCE))
            seed += 2 * _OTHER_CHANCE
        return found[:count]

    def encode(self, smiles: Sequence[str]) -> Points:
        """Return the (n, latent) points of molecules.

        Raises
        ------
        ToolError
            If a molecule cannot be read.
        """
        molecules = [Chem.MolFromSmiles(text) for text in smiles]
        if not all(molecule and molecule.GetNumAtoms() for molecule in molecules):
            raise ToolError("The molecule cannot be read: please give it as a valid SMILES.")
        return self._coder.encode(molecules)


def save_weights(generator: Generator, decoder: Decoder, coder: Coder, folder: Path) -> str:
    """Write the weights, the networks' in half precision, and return the file's SHA-256."""
    networks = {_DECODER: decoder, _GENERATOR: generator}
    tensors = {
        prefix + name: value.half()
        for prefix, network in networks.items()
        for name, value in network.state_dict().items()
    }
    tensors |= {_CODER + n: torch.from_numpy(v) for n, v in vars(coder).items()}
    return weights.save_weights(folder / WEIGHTS_FILE, tensors)


def _canonical(smiles: str) -> str:
    """Return the canonical form, empty if it cannot be read; read twice, as not every one can."""
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        found = Chem.MolToSmiles(molecule) if molecule is not None else ""
        return found if Chem.MolFromSmiles(found) is not None else ""


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
