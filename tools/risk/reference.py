"""What a value that nobody stated is likely to be: the values of similar people in a reference sample.

Nothing unknown is set to zero or to a mean. An estimate is computed once with each donor's value and averaged, so it
is an expectation over the values' conditional distribution, and its interval holds their spread. The sample is of US
adults without known cardiovascular disease and with an eGFR of 60 or more, and of nobody else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilium.tools.risk.features import FEATURES, INDEX
from consilium.tools.risk.person import Numbers

DONORS = 64
_SEX_APART = 1e3  # donors are of the same sex
_AGE_WEIGHT = 2.0  # age shapes every other value most
_BATCH = 512


@dataclass(frozen=True)
class Reference:
    """A sample of complete rows, shape (sample, features)."""

    rows: Numbers

    def complete(self, rows: Numbers) -> Numbers:
        """Fill the gaps of each row from its nearest donors.

        Parameters
        ----------
        rows : (people, features), NaN where not known; sex must be known.

        Returns
        -------
        (people, DONORS, features). What is known is the same in all of a person's copies.
        """
        filled = np.repeat(rows[:, None], DONORS, axis=1)
        gappy = np.flatnonzero(np.isnan(rows).any(axis=1))
        for start in range(0, len(gappy), _BATCH):
            batch = gappy[start : start + _BATCH]
            donors = self.rows[self._nearest(rows[batch])]
            filled[batch] = np.where(np.isnan(filled[batch]), donors, filled[batch])
        return filled

    def _nearest(self, rows: Numbers) -> NDArray[np.intp]:
        """The DONORS nearest donors by what is known, shape (people, DONORS)."""
        weights = 1 / self.rows.std(axis=0).clip(1e-9)
        weights[INDEX["age"]] *= _AGE_WEIGHT
        weights[INDEX["female"]] = _SEX_APART
        known = ~np.isnan(rows)
        here = np.where(known, rows, 0) * weights
        there = self.rows * weights
        # |a - b|^2 over the known values only, as three products of matrices.
        distance = (
            (here**2).sum(axis=1)[:, None] - 2 * here @ there.T + known.astype(float) @ (there**2).T
        )
        return np.argpartition(distance, DONORS, axis=1)[:, :DONORS]


def sample(rows: Numbers, count: int, seed: int) -> Reference:
    """A reference sample of `count` complete rows, in an order that tells nothing."""
    complete = rows[~np.isnan(rows).any(axis=1)]
    if len(complete) <= DONORS:
        raise ValueError(f"A reference sample needs more than {DONORS} complete rows.")
    chosen = np.random.default_rng(seed).permutation(len(complete))[:count]
    assert complete.shape[1] == len(FEATURES)
    return Reference(complete[chosen])
