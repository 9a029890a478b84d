"""Conversations in our own tables: SQLite embedded, Postgres by URL. Everything a chat shows is rebuilt from here.

The store is safe to use from many threads; that one conversation runs one turn at a time is the chair's affair.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import URL, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from consilium.assistant import export, schema
from consilium.assistant.domain import (
    Attachment,
    ConsiliumError,
    Conversation,
    ConversationInfo,
    Turn,
    TurnStatus,
)
from consilium.assistant.folders import ConversationFolders
from consilium.assistant.schema import AttachmentRow, ConversationRow, TurnRow
from consilium.tools.contract import Artifact

NEW_TITLE = "New chat"
TITLE_CHARS = 60
INTERRUPTED = "Consilium was closed while it was working on this message. Please ask again."

# What SQLite's error names mean to a person; the rest is told as it is.
_SQLITE_SENTENCES = {
    "SQLITE_FULL": "The disk is full, so this could not be stored: free some space and try again.",
    "SQLITE_IOERR": "The disk could not be written or read: check it and try again.",
    "SQLITE_BUSY": "The database is in use by another program: close that program and try again.",
    "SQLITE_LOCKED": "The database is in use by another program: close that program and try again.",
    "SQLITE_READONLY": "The database may not be written: check the permissions of its file.",
    "SQLITE_CANTOPEN": "The database could not be opened: check its folder, or set database_url.",
    "SQLITE_NOTADB": "The database file is not a database: restore a backup, or set database_url.",
    "SQLITE_CORRUPT": "The database file is damaged: restore a backup, or set database_url.",
}


class Store:
    """The store of record.

    Parameters
    ----------
    url : SQLAlchemy URL, e.g. "sqlite:////home/me/consilium.db" or "postgresql+psycopg://host/name".
    home : the folder below which films and artifacts lie; what is stored names them relative to it.

    Raises
    ------
    ConsiliumError
        From every method, where the database cannot be reached, read or written; what was stored before stays.
    """

    def __init__(self, url: str, home: Path) -> None:
        self.folders = ConversationFolders(home)
        self._engine = _engine(url)
        with _plain_errors():
            schema.prepare(self._engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def recover(self) -> int:
        """Mark turns that a died process left running as failed; returns how many.

        For the start of a server, before it takes messages: a turn running elsewhere would be marked as well
        (and put right again when it is saved).
        """
        with self._session() as session:
            rows = session.scalars(
                select(TurnRow).where(TurnRow.status == TurnStatus.RUNNING)
            ).all()
            for row in rows:
                row.status = TurnStatus.FAILED
                row.document = row.document | {"status": TurnStatus.FAILED, "error": INTERRUPTED}
            return len(rows)

    def create_conversation(self, title: str = NEW_TITLE) -> Conversation:
        """Begin an empty conversation."""
        now = datetime.now(UTC)
        row = ConversationRow(id=uuid4().hex, title=title, created_at=now, updated_at=now)
        with self._session() as session:
            session.add(row)
            session.flush()
            return self._conversation(row)

    def list_conversations(self) -> list[ConversationInfo]:
        """Every conversation, the most recently used first."""
        with self._session() as session:
            rows = session.scalars(
                select(ConversationRow).order_by(ConversationRow.updated_at.desc())
            )
            return [ConversationInfo.model_validate(row) for row in rows]

    def get(self, conversation_id: str) -> Conversation:
        """One conversation with its turns and attachments.

        Raises
        ------
        ConsiliumError
            If there is none of that id.
        """
        with self._session() as session:
            return self._conversation(_find(session, conversation_id))

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title; a blank one is refused."""
        shortened = _shorten(title)
        if not shortened:
            raise ConsiliumError("A title needs at least one character.")
        with self._session() as session:
            _find(session, conversation_id).title = shortened

    def delete(self, conversation_id: str) -> None:
        """Delete a conversation with its films and artifacts, for good."""
        with self._session() as session:
            session.delete(_find(session, conversation_id))
        self.folders.remove(conversation_id)

    def add_attachments(self, conversation_id: str, attachments: Sequence[Attachment]) -> None:
        """Add admitted films to a conversation."""
        with self._session() as session:
            row = _find(session, conversation_id)
            row.attachments += [
                AttachmentRow(document=self._stored_attachment(a)) for a in attachments
            ]
            row.updated_at = datetime.now(UTC)

    def begin_turn(
        self, conversation_id: str, text: str, attachment_ids: Sequence[str] = ()
    ) -> Turn:
        """Store the user's message as a running turn; the first one gives the conversation its title."""
        turn = Turn(
            id=uuid4().hex,
            user=text,
            attachments=list(attachment_ids),
            created_at=datetime.now(UTC),
        )
        with self._session() as session:
            conversation = _find(session, conversation_id)
            if not conversation.turns and conversation.title == NEW_TITLE:
                conversation.title = _shorten(text) or NEW_TITLE
            conversation.turns.append(
                TurnRow(id=turn.id, status=turn.status, document=self._stored_turn(turn))
            )
            conversation.updated_at = turn.created_at
        return turn

    def save_turn(self, turn: Turn) -> None:
        """Store a turn as it now stands, in place of how it stood before.

        Raises
        ------
        ConsiliumError
            If its conversation was deleted meanwhile.
        """
        with self._session() as session:
            row = session.scalar(select(TurnRow).where(TurnRow.id == turn.id))
            if row is None:
                raise ConsiliumError("This conversation was deleted while it was being answered.")
            row.status = turn.status
            row.document = self._stored_turn(turn)

    def export(self, conversation_id: str) -> dict[str, Any]:
        """The conversation as JSON-ready data, without paths of this machine."""
        return export.as_json(self.get(conversation_id))

    def export_markdown(self, conversation_id: str) -> str:
        """The conversation as a document to read."""
        return export.as_markdown(self.get(conversation_id))

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with _plain_errors(), Session(self._engine) as session, session.begin():
            yield session

    def _conversation(self, row: ConversationRow) -> Conversation:
        return Conversation(
            id=row.id,
            title=row.title,
            created_at=row.created_at,
            updated_at=row.updated_at,
            turns=[self._turn(turn.document) for turn in row.turns],
            attachments=[self._attachment(film.document) for film in row.attachments],
        )

    def _stored_attachment(self, attachment: Attachment) -> dict[str, Any]:
        relative = self.folders.relative
        return attachment.model_copy(
            update={"path": relative(attachment.path), "preview": relative(attachment.preview)}
        ).model_dump(mode="json")

    def _attachment(self, document: dict[str, Any]) -> Attachment:
        attachment = Attachment.model_validate(document)
        attachment.path = self.folders.absolute(attachment.path)
        attachment.preview = self.folders.absolute(attachment.preview)
        return attachment

    def _stored_turn(self, turn: Turn) -> dict[str, Any]:
        copy = turn.model_copy(deep=True)
        for artifact in _artifacts(copy):
            artifact.path = self.folders.relative(artifact.path)
        return copy.model_dump(mode="json")

    def _turn(self, document: dict[str, Any]) -> Turn:
        turn = Turn.model_validate(document)
        for artifact in _artifacts(turn):
            artifact.path = self.folders.absolute(artifact.path)
        return turn


def _artifacts(turn: Turn) -> Iterator[Artifact]:
    for call in turn.calls:
        if call.result is not None:
            yield from call.result.artifacts


def _find(session: Session, conversation_id: str) -> ConversationRow:
    row = session.get(ConversationRow, conversation_id)
    if row is None:
        raise ConsiliumError(
            "There is no such conversation; it may have been deleted. Start a new one."
        )
    return row


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _private_file(parsed)
        engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise ConsiliumError(
            "database_url cannot be used: it must read like sqlite:////folder/consilium.db or "
            "postgresql+psycopg://user@host/name (the latter needs `pip install consilium[postgres]`)."
        ) from error
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def _private_file(url: URL) -> None:
    """Make the file readable by its owner only, before SQLite makes it readable by all."""
    if not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConsiliumError(
            f"The database {path} could not be opened ({error.strerror}): "
            "check its folder, or set database_url."
        ) from error


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        name = getattr(getattr(error, "orig", None), "sqlite_errorname", "")
        kind = "_".join(name.split("_")[:2])  # SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR
        sentence = _SQLITE_SENTENCES.get(
            kind, "The database did not answer: check that it runs and that database_url is right."
        )
        raise ConsiliumError(f"{sentence} Nothing stored before is lost.") from error
