"""SMILES cut into pieces: the alphabet the generator writes in, and what may be written next.

Pieces are frequent runs of symbols, learned by byte-pair encoding (SMILES pair encoding, Li and
Fourches 2021, J. Chem. Inf. Model. 61:1560): a molecule then takes a third of the steps. SMILES opens
and closes rings by name, so that a wrong piece does not change the rest of the molecule. `Grammar`
keeps brackets and rings balanced; what RDKit still cannot read is written anew by `generator`.
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

# The symbols of the MOSES training set.
SYMBOLS = tuple("C c N n [nH] O o S s F Cl Br [H] ( ) = # - 1 2 3 4 5 6".split())
END = 0  # the piece that begins and ends a molecule
_END_NAME = "<end>"
RINGS = "123456"
_FIRST_CHARACTER = 0x100  # the library works on text: each symbol stands as one character
_SYMBOL = re.compile(r"\[[^]]*\]|Cl|Br|%\d\d|.", re.DOTALL)


class UnknownSymbolError(ValueError):
    """A molecule holds something the training set does not, such as a charge or boron."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"there is no piece for {symbol}")
        self.symbol = symbol


class Vocabulary:
    """Pieces and their numbers.

    Parameters
    ----------
    merges : pairs of pieces, each written as its symbols' characters, in the order of joining.
    """

    def __init__(self, merges: Sequence[tuple[str, str]] = ()) -> None:
        self._merges = list(merges)
        names = [_END_NAME, *_CHARACTERS.values(), *(left + right for left, right in merges)]
        # Two different pairs may join to the same piece.
        self._pieces = list(dict.fromkeys(names))
        model = BPE(vocab={name: i for i, name in enumerate(self._pieces)}, merges=self._merges)
        self._tokenizer = Tokenizer(model)

    @classmethod
    def learn(cls, smiles: Iterable[str], size: int) -> "Vocabulary":
        """Learn pieces from SMILES; `size` counts them all, the end included."""
        trainer = BpeTrainer(
            vocab_size=size,
            special_tokens=[_END_NAME],
            initial_alphabet=list(_CHARACTERS.values()),
            show_progress=False,
        )
        tokenizer = Tokenizer(BPE())
        tokenizer.train_from_iterator((_characters(text) for text in smiles), trainer)
        return cls([tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]])

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def pieces(self) -> list[list[str]]:
        """The symbols of each piece; the end has none."""
        return [[], *([_SYMBOL_OF[c] for c in piece] for piece in self._pieces[1:])]

    def encode(self, smiles: Sequence[str]) -> list[list[int]]:
        """Number the pieces of each SMILES, without the end.

        Raises
        ------
        UnknownSymbolError
            If one holds a symbol outside the alphabet.
        """
        texts = [_characters(text) for text in smiles]
        return [found.ids for found in self._tokenizer.encode_batch(texts)]

    def decode(self, pieces: Sequence[int]) -> str:
        """Write pieces as a SMILES, up to the first end."""
        written = []
        for piece in pieces:
            if piece == END:
                break
            written += [_SYMBOL_OF[character] for character in self._pieces[piece]]
        return "".join(written)

    def save(self, path: Path) -> None:
        """Write the merges as JSON, in SMILES symbols."""
        merges = [[_text(left), _text(right)] for left, right in self._merges]
        path.write_text(json.dumps({"merges": merges}, indent=0) + "\n", encoding="utf-8")

    @classmethod
    def parse(cls, text: str) -> "Vocabulary":
        """Read what `save` wrote."""
        merges = json.loads(text)["merges"]
        return cls([(_characters(left), _characters(right)) for left, right in merges])


_CHARACTERS = {symbol: chr(_FIRST_CHARACTER + i) for i, symbol in enumerate(SYMBOLS)}
_SYMBOL_OF = {character: symbol for symbol, character in _CHARACTERS.items()}


def _characters(smiles: str) -> str:
    try:
        return "".join(_CHARACTERS[symbol] for symbol in _SYMBOL.findall(smiles))
    except KeyError as error:
        raise UnknownSymbolError(error.args[0]) from None


def _text(characters: str) -> str:
    return "".join(_SYMBOL_OF[character] for character in characters)
