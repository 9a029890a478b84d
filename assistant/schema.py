"""The tables that are the store of record, and how an older database becomes a current one.

A new database is made from the tables as they stand here. An older one is brought up by the numbered steps in
`MIGRATIONS`, each applied once and in its own transaction; steps are appended and never changed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Engine,
    ForeignKey,
    Text,
    TypeDecorator,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from consilium.assistant.domain import ConsiliumError

# The statements that lead from version n to n + 1, at index n - 1.
MIGRATIONS: tuple[Sequence[str], ...] = ()


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store as UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Root of the tables."""


class SchemaVersion(Base):
    """Every version this database has had."""

    __tablename__ = "schema_version"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    applied_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ConversationRow(Base):
    """A chat."""

    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    turns: Mapped[list["TurnRow"]] = relationship(
        order_by="TurnRow.number", cascade="all, delete-orphan"
    )
    attachments: Mapped[list["AttachmentRow"]] = relationship(
        order_by="AttachmentRow.number", cascade="all, delete-orphan"
    )


class AttachmentRow(Base):
    """An admitted film; its paths are relative to the home folder."""

    __tablename__ = "attachments"

    number: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class TurnRow(Base):
    """A message and all that came of it. `document` is the whole turn; the columns beside it are for queries."""

    __tablename__ = "turns"

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    conversation_id: Mapped[str] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str] = mapped_column(index=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


def prepare(engine: Engine) -> None:
    """Make the tables, or bring those of an older version up to this one.

    Raises
    ------
    ConsiliumError
        If a newer version of Consilium wrote the database.
    """
    current = 1 + len(MIGRATIONS)
    if not inspect(engine).has_table(SchemaVersion.__tablename__):
        Base.metadata.create_all(engine)
        _stamp(engine, current)
        return
    with Session(engine) as session:
        found = max(session.scalars(select(SchemaVersion.version)), default=1)
    if found > current:
        raise ConsiliumError(
            f"The database has format {found} and this Consilium knows formats up to {current}: "
            "install the newer Consilium that wrote it, or choose another database_url."
        )
    for version in range(found, current):
        _stamp(engine, version + 1, MIGRATIONS[version - 1])


def _stamp(engine: Engine, version: int, statements: Sequence[str] = ()) -> None:
    with Session(engine) as session, session.begin():
        for statement in statements:
            session.execute(text(statement))
        session.merge(SchemaVersion(version=version, applied_at=datetime.now(UTC)))
