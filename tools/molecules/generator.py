"""The trained generator: points of the latent space, molecules from points, points from molecules."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import selfies
import torch
from numpy.typing import NDArray
from rdkit import Chem
from torch.nn.utils.rnn import pad_sequence

from consilium.tools import weights
from consilium.tools.contract import ToolError
from consilium.tools.molecules.autoencoder import Autoencoder, blur
from consilium.tools.molecules.card import OF, VOCABULARY_FILE, WEIGHTS, WEIGHTS_FILE, Card
from consilium.tools.molecules.data import canonical
from consilium.tools.molecules.gan import Generator
from consilium.tools.molecules.vocabulary import END, UnknownSymbolError, Vocabulary

_BATCH = 1024
_OTHER_CHANCE = 2**32
_AUTOENCODER, _GENERATOR = "autoencoder.", "generator."
Points = NDArray[np.float32]


class MoleculeGenerator:
    """Generator, decoder and encoder; from several threads if need be.

    Points lie on a sphere: mean 0 and variance 1 over their coordinates. `noise` is how far from a
    point the decoder looks when it samples: with more, molecules keep less of the point.
    """

    def __init__(
        self, generator: Generator, autoencoder: Autoencoder, vocabulary: Vocabulary, card: Card
    ) -> None:
        self._generator, self._autoencoder = generator.eval(), autoencoder.eval()
        self._vocabulary, self.card = vocabulary, card
        self._starts = torch.tensor(vocabulary.starts)
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
            autoencoder = Autoencoder(config.network, len(vocabulary))
            autoencoder.load_state_dict(_part(tensors, _AUTOENCODER))
            generator = Generator(config.adversaries, config.network.latent)
            generator.load_state_dict(_part(tensors, _GENERATOR))
        return cls(generator, autoencoder, vocabulary, card)

    @torch.inference_mode()
    def latents(self, count: int, seed: int) -> Points:
        """Draw (count, latent) points from the adversarially trained generator."""
        codes = self._generator.draw(count, torch.Generator().manual_seed(seed))
        return np.asarray(codes.numpy())

    @torch.inference_mode()
    def decode(
        self,
        points: Points,
        seed: int | None = None,
        noise: float | None = None,
        temperature: float | None = None,
    ) -> list[str]:
        """Write one canonical SMILES per point, always of a valid molecule.

        Parameters
        ----------
        points : (n, latent); they need not lie on the sphere.
        seed : chance of noise and decoder; None adds no noise and takes the likeliest piece at each
            step, so that a point always gives the same molecule.
        noise : how far around the points to look; None for the usual, 0 to take them at their word.
        temperature : below 1 keeps closer to the likeliest pieces; None for the usual.
        """
        chance = None if seed is None else torch.Generator().manual_seed(seed)
        size = self.noise if noise is None else noise
        heat = self._temperature if temperature is None else temperature
        found = []
        for start in range(0, len(points), _BATCH):
            batch = torch.from_numpy(np.asarray(points[start : start + _BATCH], np.float32))
            told = torch.full((len(batch), 1), size)
            if chance is not None:
                batch = blur(batch, told, chance)
            written = self._autoencoder.decode(
                batch, told, self.card.longest, self._starts, chance, heat
            )
            found += [self._as_smiles(row) for row in written.tolist()]
        return found

    def sample(self, count: int, seed: int) -> list[str]:
        """Draw `count` molecules as MOSES asks for them: independent, not sorted out, not distinct."""
        # Chance of its own for the decoder, or its noise would repeat what the points were made of.
        return self.decode(self.latents(count, seed), seed + _OTHER_CHANCE)

    @torch.inference_mode()
    def encode(self, smiles: Sequence[str]) -> Points:
        """Return the (n, latent) points of molecules.

        Raises
        ------
        ToolError
            If a molecule cannot be read or holds what the training molecules do not.
        """
        points = [np.zeros((0, self.card.config.network.latent), np.float32)]
        for start in range(0, len(smiles), _BATCH):
            rows = [torch.tensor(self._pieces(text)) for text in smiles[start : start + _BATCH]]
            padded = pad_sequence(rows, batch_first=True, padding_value=END)
            points.append(self._autoencoder.encode(padded).numpy())
        return np.concatenate(points)

    def _pieces(self, smiles: str) -> list[int]:
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None or not molecule.GetNumAtoms():
            raise ToolError("The molecule cannot be read: please give it as a valid SMILES.")
        plain = Chem.MolToSmiles(molecule, isomericSmiles=False)
        try:
            return self._vocabulary.encode([selfies.encoder(plain)])[0]
        except UnknownSymbolError as error:
            raise ToolError(
                f"The generator knows no molecules with {error.symbol.strip('[]')}: it learned "
                "from neutral molecules of C, N, O, S, F, Cl, Br and P in one piece."
            ) from None
        except selfies.EncoderError:
            raise ToolError(
                "The generator cannot write this molecule down: an atom has an unusual valence."
            ) from None

    def _as_smiles(self, pieces: list[int]) -> str:
        smiles: str = selfies.decoder(self._vocabulary.decode(pieces))
        return canonical(smiles)


def save_weights(generator: Generator, autoencoder: Autoencoder, folder: Path) -> str:
    """Write the weights in half precision and return the file's SHA-256."""
    tensors = {_AUTOENCODER + n: v.half() for n, v in autoencoder.state_dict().items()}
    tensors |= {_GENERATOR + n: v.half() for n, v in generator.state_dict().items()}
    return weights.save_weights(folder / WEIGHTS_FILE, tensors)


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
