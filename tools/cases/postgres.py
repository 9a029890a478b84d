"""A case base in PostgreSQL with the pgvector extension, for a hospital with more than one machine.

Two tables of its own hold it: the cases with their vectors, and one row that says which model made them. A write is
one transaction, one writer at a time. Vectors are compared exactly; where they become too many for that, the
database's own administrator adds an index (pgvector's HNSW with `vector_ip_ops`), and searches use it unasked.
"""

import json
import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    any_,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    literal,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from consilium.tools.cases.case import Case, Filter
from consilium.tools.cases.generation import MISSING, ModelInfo
from consilium.tools.cases.index import Rows, Vectors
from consilium.tools.cases.interface import CONFLICT, Sorted, sort_out
from consilium.tools.cases.snapshot import check_dimension
from consilium.tools.cases.table import case_table, condition, plain_json, to_case, to_values
from consilium.tools.contract import ToolError

_METADATA = MetaData()
_CASES = case_table(_METADATA, "consilium_cases", Column("vector", VECTOR, nullable=False))
_BASE = Table(
    "consilium_case_base",
    _METADATA,
    Column("number", Integer, nullable=False),
    Column("stamp", String(16), nullable=False),
    Column("model", String, nullable=False),
)
_LOCK = 0x636F6E73  # of the writers, among the database's advisory locks
_PAGE = 2000
_KNOWN = [column for column in _CASES.c if column.name != "vector"]


class PostgresSnapshot:
    """The cases as they were when it was opened, but for those that were removed since.

    Who asks for one of these is told to search again. `folder` is local, for derived files.
    """

    def __init__(self, database: "_Database", number: int, model: ModelInfo, folder: Path) -> None:
        self.folder = folder
        self.number = number
        self.model = model
        self._database = database
        found = database.ask(select(_CASES.c.row).order_by(_CASES.c.row))
        self._rows: Rows = np.array([row for (row,) in found], np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> Rows:
        """Rows of all cases, ascending."""
        return self._rows

    def nearest(self, vector: Vectors, k: int, among: Rows | None = None) -> tuple[Rows, Vectors]:
        """The `k` cases nearest to a unit vector; see `CaseReader.nearest`."""
        check_dimension(self.model, len(vector))
        distance = _CASES.c.vector.max_inner_product(np.asarray(vector, np.float32))
        question = select(_CASES.c.row, distance).order_by(distance).limit(k)
        if among is not None:
            question = question.where(_CASES.c.row == _any_row(among))
        found = self._database.ask(question)
        rows = np.array([row for row, _ in found], np.int64)
        return rows, np.array([-negative for _, negative in found], np.float32)

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors [n, d] of existing rows."""
        question = select(_CASES.c.row, _CASES.c.vector).where(_CASES.c.row == _any_row(rows))
        found = dict(self._database.ask(question))
        vectors = [_present(found, row) for row in rows]
        return np.array(vectors, np.float32).reshape(len(rows), self.model.dimension)

    def cases(self, rows: Sequence[int] | Rows) -> list[Case]:
        """The cases of existing rows, in the same order."""
        found = {
            values.row: to_case(values._mapping)
            for values in self._database.ask(select(*_KNOWN).where(_CASES.c.row == _any_row(rows)))
        }
        return [_present(found, row) for row in rows]

    def by_id(self, ids: Sequence[str]) -> dict[str, Case]:
        """The cases with these ids, as far as they are here."""
        found = self._database.ask(select(*_KNOWN).where(_CASES.c.id == _any_word(ids)))
        return {values.id: to_case(values._mapping) for values in found}

    def owners(self, hashes: Sequence[str]) -> dict[str, str]:
        """Text hash to the id of a case that has this text, as far as one is here."""
        question = select(_CASES.c.text_hash, _CASES.c.id).where(
            _CASES.c.text_hash == _any_word(hashes)
        )
        return dict(self._database.ask(question))

    def select(self, wanted: Filter) -> Rows:
        """Rows of the cases that fulfil the filter, ascending."""
        if wanted.empty:
            return self._rows
        question = select(_CASES.c.row).where(condition(_CASES, wanted)).order_by(_CASES.c.row)
        found = np.array([row for (row,) in self._database.ask(question)], np.int64)
        return np.intersect1d(found, self._rows, assume_unique=True)

    def entries(self) -> Iterator[tuple[int, Case]]:
        """Every row and its case, by ascending row."""
        for start in range(0, len(self._rows), _PAGE):
            rows = self._rows[start : start + _PAGE]
            yield from zip(map(int, rows), self.cases(rows), strict=True)

    def texts(self) -> Iterator[tuple[int, str]]:
        """Row and matched text of every case, by ascending row."""
        return ((row, case.text) for row, case in self.entries())


class PostgresBase:
    """A case base in the database of a URL; see `interface.CaseStore` for each method.

    Parameters
    ----------
    url : `postgresql://user:password@host/database`. Never shown.
    workspace : local folder for locks, the key of the ids and derived files.
    """

    def __init__(self, url: str, workspace: Path) -> None:
        self.workspace = workspace
        self._database = _Database(url)
        self._opening = threading.Lock()
        self._opened: tuple[str, PostgresSnapshot] | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever written here."""
        with self._database.connection() as connection:
            return bool(inspect(connection).has_table(_BASE.name))

    def snapshot(self) -> PostgresSnapshot:
        """The present state, opened once and kept until there is a newer one."""
        with self._opening:
            number, stamp, model = self._state()
            if self._opened is None or self._opened[0] != stamp:
                folder = self.workspace / f"derived-{stamp}"
                for old in self.workspace.glob("derived-*"):
                    if old != folder:
                        shutil.rmtree(old, ignore_errors=True)
                folder.mkdir(parents=True, exist_ok=True)
                self._opened = stamp, PostgresSnapshot(self._database, number, model, folder)
            return self._opened[1]

    def create(self, model: ModelInfo) -> None:
        """Make an empty base for the vectors of this model; what was there before is gone."""
        with self._database.connection() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
            _METADATA.drop_all(connection)
            _METADATA.create_all(connection)
            state = {"number": 1, "stamp": _stamp(), "model": model.model_dump_json()}
            connection.execute(insert(_BASE), [state])

    def add(
        self,
        cases: Sequence[Case],
        vectors: Vectors,
        replace: bool = False,
        deduplicate: bool = True,
    ) -> Sorted:
        """Add cases with their unit vectors: all of them or none; see `CaseStore.add`."""
        with self._writing() as (connection, before):
            check_dimension(before.model, vectors.shape[1])
            found = sort_out(before, cases, replace, deduplicate)
            if found.conflicts:
                raise ToolError(CONFLICT.format(case=found.conflicts[0]))
            replaced = [cases[position].id for position in found.replaced]
            connection.execute(delete(_CASES).where(_CASES.c.id == _any_word(replaced)))
            values = [
                {**to_values(cases[position]), "vector": vectors[position]}
                for position in found.wanted
            ]
            if values:
                connection.execute(insert(_CASES), values)
        return found

    def remove(self, ids: Sequence[str]) -> list[str]:
        """Remove cases, text and vector; the ids of those that were here.

        The table is rewritten, so that its files hold nothing of them. The server's own logs and backups
        are its administrator's.
        """
        with self._writing() as (connection, before):
            removed = list(before.by_id(ids))
            connection.execute(delete(_CASES).where(_CASES.c.id == _any_word(removed)))
        if removed:
            with self._database.connection(transaction=False) as connection:
                connection.execute(text(f"VACUUM FULL {_CASES.name}"))
        return removed

    def stored(self) -> tuple[ModelInfo | None, Rows, list[Case]]:
        """The model, every row and its case."""
        snapshot = self.snapshot()
        return snapshot.model, snapshot.rows(), [case for _, case in snapshot.entries()]

    def replace_vectors(self, rows: Rows, vectors: Vectors, model: ModelInfo) -> None:
        """Give every case its vector anew; ids and rows stay."""
        with self._writing() as (connection, before):
            if not np.array_equal(before.rows(), rows):
                raise ToolError("Cases were added or removed meanwhile: run the rebuild again.")
            for row, vector in zip(rows, vectors, strict=True):
                chosen = update(_CASES).where(_CASES.c.row == int(row))
                connection.execute(chosen.values(vector=vector))
            connection.execute(update(_BASE).values(model=model.model_dump_json()))

    def verify(self) -> None:
        """Look for vectors that are not the model's; files are the server's to check."""
        snapshot = self.snapshot()
        wrong = func.vector_dims(_CASES.c.vector) != snapshot.model.dimension
        (count,) = self._database.ask(select(func.count()).select_from(_CASES).where(wrong))[0]
        if count:
            raise ToolError(f"{count} vectors are not the model's: run `consilium cases rebuild`.")

    def _state(self) -> tuple[int, str, ModelInfo]:
        if not self.exists:
            raise ToolError(MISSING)
        number, stamp, model = self._database.ask(select(_BASE))[0]
        return number, stamp, ModelInfo(**json.loads(model))

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, PostgresSnapshot]]:
        """A transaction of the only writer, with the state that it starts from."""
        if not self.exists:
            raise ToolError(MISSING)
        with self._database.connection() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            yield connection, self.snapshot()
            connection.execute(update(_BASE).values(number=_BASE.c.number + 1, stamp=_stamp()))


class _Database:
    """Connections to one database, and its errors in plain words."""

    def __init__(self, url: str) -> None:
        address = make_url(url).set(drivername="postgresql+psycopg")
        try:
            self._engine = create_engine(
                address, pool_pre_ping=True, json_serializer=plain_json, hide_parameters=True
            )
        except ImportError as error:
            raise ToolError(
                "PostgreSQL needs the package psycopg: pip install 'consilium[postgres]'."
            ) from error

    @contextmanager
    def connection(self, transaction: bool = True) -> Iterator[Connection]:
        """A connection, in a transaction that is committed at the end."""
        level = "READ COMMITTED" if transaction else "AUTOCOMMIT"
        try:
            with self._engine.connect().execution_options(isolation_level=level) as connection:
                yield connection
                connection.commit()
        except OperationalError as error:
            raise ToolError(
                "The case base's PostgreSQL server cannot be reached, or refuses this user: check the"
                " URL and the server."
            ) from error
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise ToolError(f"The case base's PostgreSQL server says: {reason}.") from error

    def ask(self, question: Select[Any]) -> Sequence[Any]:
        """All rows of an answer."""
        with self.connection() as connection:
            return connection.execute(question).all()


def _any_row(rows: Sequence[int] | Rows) -> Any:
    """Any of so many rows: one parameter, however many there are."""
    return any_(literal([int(row) for row in rows], ARRAY(Integer)))


def _any_word(words: Sequence[str]) -> Any:
    return any_(literal(list(words), ARRAY(String)))


def _present(found: Any, row: int) -> Any:
    try:
        return found[int(row)]
    except KeyError as error:
        raise ToolError("The case base changed during the search: ask again.") from error


def _stamp() -> str:
    return secrets.token_hex(8)
