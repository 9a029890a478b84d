"""Real histories for retraining: a CSV file in the columns of `patients_file`, as courses to train on.

In the YAML of a training run, `data: histories.csv` takes the place of simulated patients. Visits must
be evenly spaced, and their spacing is then what the retrained model forecasts in.
"""

from pathlib import Path

import numpy as np

from consilium.tools.contract import ToolError
from consilium.tools.treatment.history import CHEMOTHERAPY, RADIOTHERAPY
from consilium.tools.treatment.network import UNKNOWN_KIND
from consilium.tools.treatment.patients_file import read_patients
from consilium.tools.treatment.simulator import Courses


def import_histories(path: Path) -> Courses:
    """Read histories to train on; a single patient that cannot be right refuses the file.

    The type that the simulator's patients have is unknown for all of them.

    Raises
    ------
    ToolError
        If the file or one of its patients cannot be used.
    """
    patients = read_patients(path)
    wrong = [patient for patient in patients if patient.history is None]
    if wrong:
        raise ToolError(
            f"{len(wrong)} of {len(patients)} patients cannot be used for training; the first of "
            f"them is number {patients.index(wrong[0]) + 1} in the file: {wrong[0].problem}"
        )
    histories = [patient.history for patient in patients if patient.history is not None]
    visits = np.array([history.visits for history in histories])
    volumes = np.zeros((len(histories), visits.max()))
    treatments = np.zeros((*volumes.shape, 2), dtype=bool)
    for row, history in enumerate(histories):
        volumes[row, : history.visits] = history.volumes
        treatments[row, : history.visits] = history.treatments > 0
    return Courses(
        np.full(len(histories), UNKNOWN_KIND),
        volumes,
        treatments[..., CHEMOTHERAPY],
        treatments[..., RADIOTHERAPY],
        visits - 1,
    )
