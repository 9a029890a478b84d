"""SELFIES cut into pieces: the alphabet the generator writes in.

Any sequence of SELFIES symbols is a molecule (Krenn et al. 2020, Mach. Learn.: Sci. Technol. 1
045024), so any sequence of pieces is one too. Pieces are frequent runs of symbols, learned by
byte-pair encoding: a molecule then takes a third of the steps, for training and for sampling alike.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import selfies
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

# The symbols of the MOSES training set (26 of 1,584,663 molecules; hydrogens on N are explicit).
SYMBOLS = tuple(
    "[C] [=C] [#C] [N] [=N] [#N] [NH1] [O] [=O] [S] [=S] [F] [Cl] [Br] [P] [H] [Ring1] [=Ring1] "
    "[Ring2] [=Ring2] [Branch1] [=Branch1] [#Branch1] [Branch2] [=Branch2] [#Branch2]".split()
)
END = 0  # the piece that begins and ends a molecule
_END_NAME = "<end>"
_FIRST_CHARACTER = 0x100  # the library works on text: each symbol stands as one character


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
    def learn(cls, sequences: Iterable[str], size: int) -> "Vocabulary":
        """Learn pieces from SELFIES strings; `size` counts them all, the end included."""
        trainer = BpeTrainer(
            vocab_size=size,
            special_tokens=[_END_NAME],
            initial_alphabet=list(_CHARACTERS.values()),
            show_progress=False,
        )
        tokenizer = Tokenizer(BPE())
        tokenizer.train_from_iterator((_characters(text) for text in sequences), trainer)
        return cls([tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]])

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def starts(self) -> list[bool]:
        """For each piece whether a molecule may begin with it: it begins with a heavy atom."""
        return [piece[0] in _HEAVY for piece in self._pieces]

    def encode(self, sequences: Sequence[str]) -> list[list[int]]:
        """Number the pieces of each SELFIES string, without the end.

        Raises
        ------
        UnknownSymbolError
            If a string holds a symbol outside the alphabet.
        """
        texts = [_characters(sequence) for sequence in sequences]
        return [found.ids for found in self._tokenizer.encode_batch(texts)]

    def decode(self, pieces: Sequence[int]) -> str:
        """Write pieces as a SELFIES string, up to the first end."""
        written = []
        for piece in pieces:
            if piece == END:
                break
            written += [_SYMBOL_OF[character] for character in self._pieces[piece]]
        return "".join(written)

    def save(self, path: Path) -> None:
        """Write the merges as JSON, in SELFIES symbols."""
        merges = [[_selfies(left), _selfies(right)] for left, right in self._merges]
        path.write_text(json.dumps({"merges": merges}, indent=0) + "\n", encoding="utf-8")

    @classmethod
    def parse(cls, text: str) -> "Vocabulary":
        """Read what `save` wrote."""
        merges = json.loads(text)["merges"]
        return cls([(_characters(left), _characters(right)) for left, right in merges])


_CHARACTERS = {symbol: chr(_FIRST_CHARACTER + i) for i, symbol in enumerate(SYMBOLS)}
_HEAVY = {_CHARACTERS[s] for s in SYMBOLS if "Ring" not in s and "Branch" not in s and s != "[H]"}
_SYMBOL_OF = {character: symbol for symbol, character in _CHARACTERS.items()}


def _characters(sequence: str) -> str:
    try:
        return "".join(_CHARACTERS[symbol] for symbol in selfies.split_selfies(sequence))
    except KeyError as error:
        raise UnknownSymbolError(error.args[0]) from None


def _selfies(characters: str) -> str:
    return "".join(_SYMBOL_OF[character] for character in characters)
