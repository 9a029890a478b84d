"""The SQLite file of a generation: texts and what is known of each case. It is written once, then only read."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    NullPool,
    Select,
    StaticPool,
    create_engine,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.exc import DatabaseError

from consilium.tools.cases.case import Case, Filter
from consilium.tools.cases.generation import DAMAGED
from consilium.tools.cases.index import Rows
from consilium.tools.cases.table import case_table, condition, plain_json, to_case, to_values
from consilium.tools.contract import ToolError

TEXTS_FILE = "cases.sqlite"
_METADATA = MetaData()
_TABLE = case_table(_METADATA, "cases")
_BATCH = 500  # values in one question; SQLite allows some thousands


class Texts:
    """A finished file, safe to share between threads.

    One connection serves them all: a file that is unlinked while it is read stays whole for it.

    Parameters
    ----------
    folder : the generation's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._engine = create_engine(
            "sqlite://", creator=lambda: _open_for_reading(folder), poolclass=StaticPool
        )
        self._lock = threading.Lock()
        self.count: int = self._ask(select(func.count()).select_from(_TABLE))[0][0]

    def rows(self, wanted: Filter = Filter()) -> Rows:  # noqa: B008 - frozen
        """Rows of the cases that fulfil the filter, ascending."""
        question = select(_TABLE.c.row).where(condition(_TABLE, wanted)).order_by(_TABLE.c.row)
        return np.array([row for (row,) in self._ask(question)], dtype=np.int64)

    def cases(self, rows: Sequence[int] | Rows) -> list[Case]:
        """The cases of existing rows, in the same order."""
        wanted = [int(row) for row in rows]
        found = {
            values.row: to_case(values._mapping) for values in self._where(_TABLE.c.row, wanted)
        }
        return [found[row] for row in wanted]

    def by_id(self, ids: Sequence[str]) -> dict[str, Case]:
        """The cases with these ids, as far as they are here."""
        return {values.id: to_case(values._mapping) for values in self._where(_TABLE.c.id, ids)}

    def owners(self, hashes: Sequence[str]) -> dict[str, str]:
        """Text hash to the id of a case that has this text, as far as one is here."""
        return {values.text_hash: values.id for values in self._where(_TABLE.c.text_hash, hashes)}

    def entries(self) -> Iterator[tuple[int, Case]]:
        """Every row and its case, by ascending row."""
        last = -1
        while True:
            page = select(_TABLE).where(_TABLE.c.row > last).order_by(_TABLE.c.row)
            found = self._ask(page.limit(10 * _BATCH))
            if not found:
                return
            yield from ((values.row, to_case(values._mapping)) for values in found)
            last = found[-1].row

    def _where(self, column: Column[Any], values: Sequence[Any]) -> Iterator[Any]:
        for start in range(0, len(values), _BATCH):
            yield from self._ask(select(_TABLE).where(column.in_(values[start : start + _BATCH])))

    def _ask(self, question: Select[Any]) -> Sequence[Any]:
        try:
            with self._lock, self._engine.connect() as connection:
                return connection.execute(question).all()
        except DatabaseError as error:
            raise ToolError(DAMAGED.format(what=f"{TEXTS_FILE} cannot be read")) from error


class TextsWriter:
    """The transaction in which a new file is made; `rewritten` opens one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, cases: Sequence[Case]) -> None:
        """Append cases under new rows."""
        if cases:
            self._connection.execute(insert(_TABLE), [to_values(case) for case in cases])

    def remove(self, ids: Sequence[str]) -> None:
        """Take cases out; what they held is overwritten."""
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            self._connection.execute(delete(_TABLE).where(_TABLE.c.id.in_(batch)))

    def rows(self) -> Rows:
        """All rows, ascending."""
        found = self._connection.execute(select(_TABLE.c.row).order_by(_TABLE.c.row))
        return np.array(found.scalars().all(), dtype=np.int64)


@contextmanager
def rewritten(new: Path, old: Path | None) -> Iterator[TextsWriter]:
    """A transaction on the file of a new generation that starts as a copy of the old one's.

    The file belongs to nobody else until it is finished and is brought to the disk as a whole, so it
    needs no journal. At the end it is compacted: no page of what was removed is left in it.
    """
    path = new / TEXTS_FILE
    if old:
        shutil.copyfile(old / TEXTS_FILE, path)
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, json_serializer=plain_json)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in ("secure_delete = ON", "journal_mode = OFF", "synchronous = OFF"):
            connection.exec_driver_sql(f"PRAGMA {setting}")
        _METADATA.create_all(connection)
        connection.exec_driver_sql("BEGIN")
        yield TextsWriter(connection)
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("VACUUM")


def _open_for_reading(folder: Path) -> sqlite3.Connection:
    """A connection that takes no locks, since the file never changes."""
    address = f"{(folder / TEXTS_FILE).absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)
