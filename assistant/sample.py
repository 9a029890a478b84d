"""A real PA chest radiograph that an installed package ships (pydicom-data, MIT), so that nothing must be fetched."""

from importlib.resources import files
from pathlib import Path

# `data_store` is the import name of the distribution pydicom-data.
SAMPLE_FILM = Path(str(files("data_store"))) / "data" / "RG1_UNCR.dcm"
