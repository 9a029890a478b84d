"""Where a case base is: in a folder, or in PostgreSQL by URL."""

import hashlib
import os
from pathlib import Path

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.interface import CaseStore
from consilium.tools.home import data_home

_VARIABLE = "CONSILIUM_CASES"


def open_store(location: str = "") -> CaseStore:
    """The case base at a folder or `postgresql://` URL.

    Where none is named it is the one that `CONSILIUM_CASES` names, else that of the data folder.

    Raises
    ------
    ToolError
        If it is a URL and what PostgreSQL needs is not installed.
    """
    home = data_home()
    location = location or os.environ.get(_VARIABLE, "")
    if not location.startswith("postgresql"):
        return CaseBase(Path(location).expanduser() if location else home / "cases" / "text")
    from consilium.tools.cases.postgres import PostgresBase

    name = hashlib.sha256(location.encode()).hexdigest()[:12]
    return PostgresBase(location, home / "cases" / f"postgres-{name}")
