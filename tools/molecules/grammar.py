"""What may be written next in a SMILES: brackets and rings that are opened are closed, and no others.

The rules are those of RDKit's canonical SMILES: an atom's first new ring takes the lowest free number,
and only an atom or a ring's number ends a molecule. They are worked out once for whole pieces, so that a step of
the decoder looks one row up. Valences are not among them.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from consilium.tools.molecules.vocabulary import END, RINGS

_DEPTHS = 16  # brackets inside brackets, from none; no training molecule comes near
_NOTHING, _ATOM, _RING, _BOND, _OPENED, _CLOSED = range(6)  # what the last symbol was
_BONDS = "=#-"
_SHAPE = (2 ** len(RINGS), _DEPTHS, 6)
Numbers = NDArray[np.int64]


class Grammar:
    """The rules for one vocabulary, as a table of places and pieces.

    A place stands for the rings that are open, how many brackets are, and the last symbol's kind.

    Parameters
    ----------
    pieces : the symbols of each; the end has none.
    """

    def __init__(self, pieces: Sequence[Sequence[str]]) -> None:
        places = np.arange(np.prod(_SHAPE))
        after = np.stack([_follow(places, symbols) for symbols in pieces], 1)
        rings, depth, last = np.unravel_index(places, _SHAPE)
        whole = (rings == 0) & (depth == 0) & np.isin(last, (_ATOM, _RING))
        after[:, END] = np.where(whole, places, -1)
        self._after = torch.from_numpy(after)
        self._allowed = self._after >= 0

    def start(self, count: int) -> Tensor:
        """Return the (count,) places where nothing is written yet."""
        return torch.full((count,), int(np.ravel_multi_index((0, 0, _NOTHING), _SHAPE)))

    def allowed(self, places: Tensor) -> Tensor:
        """Return (n, pieces): True for what may come next."""
        return self._allowed[places]

    def after(self, places: Tensor, pieces: Tensor) -> Tensor:
        """Return the (n,) places after a piece each."""
        return self._after[places, pieces]


def _follow(places: Numbers, symbols: Sequence[str]) -> Numbers:
    """Return where symbols lead from each place, -1 where they may not be written."""
    rings, depth, last = (np.array(part) for part in np.unravel_index(places, _SHAPE))
    fine = np.ones(len(places), bool)
    for symbol in symbols:
        if symbol == "(":
            fine &= np.isin(last, (_ATOM, _RING, _CLOSED)) & (depth < _DEPTHS - 1)
            depth, kind = depth + 1, _OPENED
        elif symbol == ")":
            fine &= np.isin(last, (_ATOM, _RING, _CLOSED)) & (depth > 0)
            depth, kind = depth - 1, _CLOSED
        elif symbol in _BONDS:
            fine &= (last != _NOTHING) & (last != _BOND)
            kind = _BOND
        elif symbol in RINGS:
            ring = 1 << RINGS.index(symbol)
            lowest = (rings & ring > 0) | (rings & (ring - 1) == ring - 1)
            # A number that the same atom has just closed is not taken again at once.
            fine &= (last == _RING) | (np.isin(last, (_ATOM, _BOND)) & lowest)
            rings, kind = rings ^ ring, _RING
        else:
            kind = _ATOM
        last = np.full_like(last, kind)
    found = np.ravel_multi_index((rings, depth, last), _SHAPE, mode="clip")
    return np.where(fine, found, -1)
