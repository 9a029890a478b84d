"""Predicted absorption, distribution, metabolism, excretion and toxicity, by the models of admet-ai.

Swanson et al. (2024), Bioinformatics 40, btae416: ensembles of five Chemprop networks trained on the
Therapeutics Data Commons. They come with the extra `consilium[admet]` and are loaded when first
asked for (7 s). The package keeps its networks as pickles, which can run code when opened: only the very
files of the pinned version are, by their SHA-256.
"""

import csv
import hashlib
import importlib.util
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from consilium.tools.contract import Source, ToolError
from consilium.tools.molecules.drug_list import package_folder

if TYPE_CHECKING:
    from chemprop.models import MPNN

SOURCE = Source(
    name="ADMET-AI",
    version="2.0.1",
    data="Therapeutics Data Commons; percentiles among 2,845 approved drugs of DrugBank",
)

_MODELS_SHA256 = "72a7b58aaaa0f01ebf824dfbe9ecfbfe0b19d7d182d20c5e4b42c75bb91e41a0"
_MODELS = "resources/models"
_ENDPOINTS, _DRUGS = "resources/data/admet.csv", "resources/data/drugbank_approved.csv"
_COMPUTED = "Physicochemical"  # a category of admet-ai that `properties` covers


@dataclass(frozen=True)
class Endpoint:
    """One thing that is predicted.

    Parameters
    ----------
    key : admet-ai's name, e.g. "hERG".
    name, category : in words.
    unit : of the value; "probability" for a classifier.
    low, high : what the value can be.
    fit : how good the network is on held-out molecules, e.g. "AUROC 0.84".
    """

    key: str
    name: str
    category: str
    unit: str
    low: float
    high: float
    fit: str


@dataclass(frozen=True)
class Prediction:
    """A predicted value and the share of approved drugs, in per cent, that lie below it."""

    endpoint: Endpoint
    value: float
    percentile: float


class AdmetModels:
    """The networks of admet-ai with their endpoints and the approved drugs as a reference.

    Parameters
    ----------
    ensembles : the columns that each ensemble predicts, and its networks.
    endpoints : by key; those no better than guessing are left out.
    reference : sorted predictions for the approved drugs, by key.
    """

    def __init__(
        self,
        ensembles: Sequence[tuple[Sequence[str], Sequence["MPNN"]]],
        endpoints: Mapping[str, Endpoint],
        reference: Mapping[str, NDArray[np.float64]],
    ) -> None:
        self._ensembles = ensembles
        self._endpoints = endpoints
        self._reference = reference

    @staticmethod
    def installed() -> bool:
        """Whether the extra is there, without importing it."""
        return package_folder() is not None and importlib.util.find_spec("chemprop") is not None

    @classmethod
    def load(cls) -> "AdmetModels":
        """Load the networks.

        Raises
        ------
        ToolError
            If the extra is missing or its models are not those of the pinned version.
        """
        package = package_folder()
        if package is None or not cls.installed():
            raise ToolError("ADMET predictions need the extra consilium[admet]: install it.")
        files = sorted((package / _MODELS).glob("*/*.pt"))
        if _sha256(files) != _MODELS_SHA256:
            raise ToolError(
                "The ADMET models are not those of admet-ai 2.0.1: install the extra"
                " consilium[admet] again."
            )
        from chemprop.models import load_model
        from chemprop.models.utils import load_output_columns

        ensembles = []
        for folder in sorted({file.parent for file in files}):
            own = [file for file in files if file.parent == folder]
            ensembles.append((load_output_columns(own[0]), [load_model(f).eval() for f in own]))
        endpoints = _read_endpoints(package / _ENDPOINTS)
        return cls(ensembles, endpoints, _read_reference(package / _DRUGS, endpoints))

    def predict(self, mol: Chem.Mol) -> list[Prediction]:
        """Predict every endpoint, in the order of admet-ai's own table."""
        import torch
        from chemprop.data import MoleculeDatapoint, MoleculeDataset
        from chemprop.data.collate import collate_batch

        values: dict[str, float] = {}
        with torch.inference_mode():
            for columns, networks in self._ensembles:
                batch = collate_batch([MoleculeDataset([MoleculeDatapoint(mol=mol)])[0]])
                mean = torch.stack([net(batch.bmg, batch.V_d, batch.X_d) for net in networks]).mean(
                    0
                )
                values |= dict(zip(columns, mean[0].tolist(), strict=True))
        return [
            Prediction(
                endpoint,
                min(max(values[key], endpoint.low), endpoint.high),
                _percentile(self._reference[key], values[key]),
            )
            for key, endpoint in self._endpoints.items()
        ]


class LazyAdmet:
    """The networks, loaded in the background from the first call on, so that start-up stays quick."""

    def __init__(self) -> None:
        self._loading: Future[AdmetModels] | None = None
        self._lock = threading.Lock()

    def get(self, patience: float) -> AdmetModels | None:
        """Return the networks; None if they are not loaded after `patience` seconds.

        Raises
        ------
        ToolError
            As `AdmetModels.load`.
        """
        with self._lock:
            if self._loading is None:
                self._loading = Future()
                threading.Thread(target=self._load, args=(self._loading,), daemon=True).start()
        try:
            return self._loading.result(patience)
        except TimeoutError:
            return None

    @staticmethod
    def _load(loading: "Future[AdmetModels]") -> None:
        try:
            loading.set_result(AdmetModels.load())
        except BaseException as error:
            loading.set_exception(error)


def _read_endpoints(path: Path) -> dict[str, Endpoint]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["category"] != _COMPUTED]
    return {
        row["id"]: Endpoint(
            key=row["id"],
            name=row["name"],
            category=row["category"].lower(),
            unit="probability" if row["AUROC"] else row["units"].strip("-"),
            low=float(row["minimum"]),
            high=float(row["maximum"]),
            fit=f"AUROC {float(row['AUROC']):.2f}"
            if row["AUROC"]
            else f"R² {float(row['R^2']):.2f}",
        )
        for row in rows
        if row["AUROC"] or float(row["R^2"]) > 0
    }


def _read_reference(
    path: Path, endpoints: Mapping[str, Endpoint]
) -> dict[str, NDArray[np.float64]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {key: np.sort([float(row[key]) for row in rows]) for key in endpoints}


def _percentile(ordered: NDArray[np.float64], value: float) -> float:
    return float(100 * np.searchsorted(ordered, value) / len(ordered))


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
