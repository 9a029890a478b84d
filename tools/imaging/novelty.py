"""How unlike the training films a film is.

Mahalanobis distance of its embedding (Lee et al., NeurIPS 2018), over the means of all stages:
photographs already differ in the first ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilium.tools.imaging.logistic import Numbers

_SHRINKAGE = 0.02


@dataclass(frozen=True)
class Novelty:
    """Centre and whitening of the training films' embeddings.

    Parameters
    ----------
    center : (d,) mean embedding.
    whitening : (d, d) matrix under which the training embeddings have unit covariance.
    """

    center: NDArray[np.float32]
    whitening: NDArray[np.float32]

    def distance(self, embeddings: NDArray[np.float32]) -> Numbers:
        """Return the distances of (n, d) embeddings; about 1 for a training film."""
        return np.asarray(np.sqrt((self.white(embeddings).astype(np.float64) ** 2).mean(axis=1)))

    def white(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, d) embeddings in which the training films have mean 0 and covariance 1."""
        return np.asarray((embeddings - self.center) @ self.whitening, np.float32)


def fit_novelty(embeddings: NDArray[np.float32]) -> Novelty:
    """Fit on the (n, d) embeddings of the training films."""
    center = embeddings.mean(axis=0)
    covariance = np.cov(embeddings.T.astype(np.float64))
    # Shrunk towards the features' own variances, so that no direction counts beyond what was seen.
    covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * np.diag(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance)
    return Novelty(center, (vectors / np.sqrt(values.clip(1e-12))).astype(np.float32))
