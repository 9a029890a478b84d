"""The data folder of this installation: `CONSILIUM_HOME`, or the platform's folder for user data."""

import os
from pathlib import Path

from platformdirs import user_data_dir


def data_home() -> Path:
    """Absolute path of the data folder; it need not exist yet."""
    named = os.environ.get("CONSILIUM_HOME")
    return Path(named or user_data_dir("consilium", appauthor=False)).expanduser().resolve()
