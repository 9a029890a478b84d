"""What goes into the store comes out: after a restart, a full disk, a died process, a newer version."""

import json
import os
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from consilium.assistant import schema
from consilium.assistant.domain import Attachment, Call, ConsiliumError, Turn, TurnStatus
from consilium.assistant.store import INTERRUPTED, NEW_TITLE, Store
from consilium.tools.contract import Artifact, Finding, Source, ToolResult


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/consilium.db"


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    store = Store(url, tmp_path)
    yield store
    store.close()


def film(store: Store, conversation_id: str, number: int = 1) -> Attachment:
    folder = store.folders.attachments(conversation_id) / f"scan-{number}"
    folder.mkdir(parents=True)
    for name in ("film.png", "preview.png"):
        (folder / name).write_bytes(b"png")
    return Attachment(
        id=f"scan-{number}",
        path=folder / "film.png",
        preview=folder / "preview.png",
        media_type="image/png",
        width=10,
        height=12,
        sha256="0" * 64,
        facts={"view position": "PA"},
    )


def answered(turn: Turn, picture: Path) -> Turn:
    result = ToolResult(
        summary="Pneumonia is likely.",
        findings=[
            Finding(label="pneumonia", value=0.87, unit="probability", interval=(0.8, 0.9)),
            Finding(label="view", value="PA"),
            Finding(label="effusion", value=None),
        ],
        assumptions=["frontal film"],
        sources=[Source(name="reader", version="1", data="films")],
        artifacts=[Artifact(id="overlay", kind="image", title="Where", path=picture)],
    )
    call = Call(id="c1", name="analyze_scan", arguments={"image": "scan-1"}, result=result)
    return turn.model_copy(
        update={"calls": [call], "answer": "It is *likely*.", "status": TurnStatus.DONE}
    )


def test_a_conversation_comes_back_whole_after_a_restart(
    store: Store, url: str, tmp_path: Path
) -> None:
    conversation = store.create_conversation()
    attachment = film(store, conversation.id)
    store.add_attachments(conversation.id, [attachment])
    turn = store.begin_turn(conversation.id, "Is this pneumonia?", [attachment.id])
    done = answered(turn, store.folders.artifacts(conversation.id) / "overlay.png")
    store.save_turn(done)
    store.close()

    again = Store(url, tmp_path).get(conversation.id)

    assert again.turns == [done]
    assert again.attachments == [attachment]
    assert again.title == "Is this pneumonia?"
    assert again.created_at.tzinfo is not None


def test_the_home_folder_can_be_moved(store: Store, tmp_path: Path) -> None:
    conversation = store.create_conversation()
    store.add_attachments(conversation.id, [film(store, conversation.id)])
    turn = store.begin_turn(conversation.id, "?", ["scan-1"])
    store.save_turn(answered(turn, store.folders.artifacts(conversation.id) / "overlay.png"))
    store.close()
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    tmp_path.rename(moved)

    again = Store(f"sqlite:///{moved}/consilium.db", moved).get(conversation.id)

    assert again.attachments[0].path.read_bytes() == b"png"
    assert again.turns[0].calls[0].result is not None
    assert again.turns[0].calls[0].result.artifacts[0].path.is_relative_to(moved)


def test_turns_keep_their_order_and_a_second_save_replaces_the_first(store: Store) -> None:
    conversation = store.create_conversation()
    turns = [store.begin_turn(conversation.id, str(n)) for n in range(5)]
    for turn in turns * 2:
        store.save_turn(turn.model_copy(update={"answer": turn.user, "status": TurnStatus.DONE}))
    assert [turn.answer for turn in store.get(conversation.id).turns] == list("01234")


def test_the_newest_is_listed_first_and_a_message_makes_newer(store: Store) -> None:
    first, second = store.create_conversation("a"), store.create_conversation("b")
    assert [info.id for info in store.list_conversations()] == [second.id, first.id]
    store.begin_turn(first.id, "hello")
    assert [info.id for info in store.list_conversations()] == [first.id, second.id]


def test_the_first_message_gives_a_short_title_and_a_given_title_stays(store: Store) -> None:
    conversation = store.create_conversation()
    store.begin_turn(conversation.id, "word " * 100)
    title = store.get(conversation.id).title
    assert len(title) <= 60
    assert title.endswith("…")
    store.rename(conversation.id, "  Ward   round ")
    store.begin_turn(conversation.id, "another")
    assert store.get(conversation.id).title == "Ward round"
    named = store.create_conversation("Mine")
    store.begin_turn(named.id, "first")
    assert store.get(named.id).title == "Mine"
    with pytest.raises(ConsiliumError, match="at least one character"):
        store.rename(named.id, " \n ")


def test_delete_removes_rows_and_files_of_this_conversation_only(
    store: Store, url: str, tmp_path: Path
) -> None:
    gone, kept = store.create_conversation(), store.create_conversation()
    for conversation in (gone, kept):
        store.add_attachments(conversation.id, [film(store, conversation.id)])
        turn = store.begin_turn(conversation.id, "?", ["scan-1"])
        picture = store.folders.artifacts(conversation.id) / "overlay.png"
        picture.write_bytes(b"png")
        store.save_turn(answered(turn, picture))

    store.delete(gone.id)

    assert [info.id for info in store.list_conversations()] == [kept.id]
    left = {path.parent.name for path in tmp_path.rglob("*.png")}
    assert left == {"scan-1", kept.id}
    assert not list(tmp_path.rglob(f"*{gone.id}*"))
    with create_engine(url).connect() as connection:
        assert connection.scalar(text("select count(*) from turns")) == 1
        assert connection.scalar(text("select count(*) from attachments")) == 1
    with pytest.raises(ConsiliumError, match="no such conversation"):
        store.get(gone.id)


def test_a_turn_of_a_deleted_conversation_is_refused(store: Store) -> None:
    conversation = store.create_conversation()
    turn = store.begin_turn(conversation.id, "?")
    store.delete(conversation.id)
    with pytest.raises(ConsiliumError, match="deleted"):
        store.save_turn(turn)


@pytest.mark.parametrize("action", ["get", "delete", "export", "export_markdown", "begin_turn"])
def test_an_unknown_conversation_is_a_sentence(store: Store, action: str) -> None:
    arguments = ("nope", "text") if action == "begin_turn" else ("nope",)
    with pytest.raises(ConsiliumError, match="no such conversation"):
        getattr(store, action)(*arguments)


def test_a_turn_left_by_a_died_process_is_shown_as_failed(store: Store) -> None:
    conversation = store.create_conversation()
    running = store.begin_turn(conversation.id, "one")
    done = store.begin_turn(conversation.id, "two")
    store.save_turn(done.model_copy(update={"status": TurnStatus.DONE}))

    assert store.recover() == 1
    assert store.recover() == 0

    first, second = store.get(conversation.id).turns
    assert (first.id, first.status, first.error) == (running.id, TurnStatus.FAILED, INTERRUPTED)
    assert second.status is TurnStatus.DONE


def test_exports_hold_the_trace_and_no_path(store: Store, tmp_path: Path) -> None:
    conversation = store.create_conversation()
    store.add_attachments(conversation.id, [film(store, conversation.id)])
    turn = store.begin_turn(conversation.id, "Is <b>this</b> pneumonia?", ["scan-1"])
    store.save_turn(answered(turn, store.folders.artifacts(conversation.id) / "overlay.png"))

    exported = store.export(conversation.id)
    document = json.dumps(exported)
    assert exported["turns"][0]["calls"][0]["arguments"] == {"image": "scan-1"}
    assert exported["attachments"][0]["sha256"] == "0" * 64
    assert str(tmp_path) not in document
    assert '"path"' not in document

    markdown = store.export_markdown(conversation.id)
    assert "| pneumonia | 0.87 | probability | 0.8 to 0.9 | info |" in markdown
    assert "| effusion | not given |" in markdown
    assert r"> Is \<b\>this\</b\> pneumonia?" in markdown
    assert "not a medical device" in markdown.lower()
    assert str(tmp_path) not in markdown


def test_many_threads_lose_nothing(store: Store) -> None:
    conversations = [store.create_conversation() for _ in range(4)]

    def write(conversation_id: str) -> None:
        for number in range(10):
            turn = store.begin_turn(conversation_id, str(number))
            store.save_turn(turn.model_copy(update={"status": TurnStatus.DONE}))

    threads = [threading.Thread(target=write, args=(c.id,)) for c in conversations * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for conversation in conversations:
        turns = store.get(conversation.id).turns
        assert len(turns) == 20
        assert all(turn.status is TurnStatus.DONE for turn in turns)


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
def test_the_database_is_private(store: Store, tmp_path: Path) -> None:
    store.create_conversation()
    for path in tmp_path.glob("consilium.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_disk_is_a_sentence_and_keeps_what_was_stored(store: Store) -> None:
    conversation = store.create_conversation()
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # SQLite's own "no more space"
        connection.commit()
    with pytest.raises(ConsiliumError, match=r"disk is full.*Nothing stored before is lost"):
        for _ in range(50):
            store.begin_turn(conversation.id, "x" * 20_000)
    assert store.get(conversation.id).id == conversation.id


def test_a_locked_database_is_a_sentence(store: Store, url: str) -> None:
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    other = create_engine(url).connect()
    other.exec_driver_sql("BEGIN IMMEDIATE")
    with pytest.raises(ConsiliumError, match="in use by another program"):
        store.create_conversation()
    other.rollback()
    assert store.create_conversation().title == NEW_TITLE


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("not a url", "database_url cannot be used"),
        ("sqlite:////proc/consilium/nothing.db", "could not be opened"),
        ("strange://host/name", "database_url cannot be used"),
    ],
)
def test_a_bad_url_is_a_sentence(bad: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConsiliumError, match=sentence):
        Store(bad, tmp_path)


def test_a_file_that_is_no_database_is_a_sentence_and_stays(url: str, tmp_path: Path) -> None:
    file = tmp_path / "consilium.db"
    file.write_text("not a database " * 100)
    with pytest.raises(ConsiliumError, match="not a database"):
        Store(url, tmp_path)
    assert file.read_text().startswith("not a database")


def test_an_older_database_is_brought_up_without_loss(
    store: Store, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = store.create_conversation("kept")
    store.close()
    monkeypatch.setattr(
        schema, "MIGRATIONS", (["ALTER TABLE conversations ADD COLUMN note TEXT DEFAULT ''"],)
    )
    for _ in range(2):  # a step is applied once
        newer = Store(url, tmp_path)
        assert newer.get(conversation.id).title == "kept"
        newer.close()
    with create_engine(url).connect() as connection:
        assert connection.scalar(text("select max(version) from schema_version")) == 2
        assert connection.scalar(text("select note from conversations")) == ""


def test_a_newer_database_is_refused(store: Store, url: str, tmp_path: Path) -> None:
    store.close()
    with create_engine(url).begin() as connection:
        now = datetime.now(UTC).isoformat(" ")
        connection.execute(text(f"insert into schema_version values (99, '{now}')"))
    with pytest.raises(ConsiliumError, match="newer Consilium"):
        Store(url, tmp_path)


def test_the_tables_compile_for_postgres() -> None:
    for table in schema.Base.metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=postgresql.dialect()))


@pytest.mark.skipif(
    "CONSILIUM_TEST_POSTGRES" not in os.environ,
    reason="set CONSILIUM_TEST_POSTGRES to the URL of an empty Postgres database",
)
def test_postgres_holds_a_conversation(tmp_path: Path) -> None:
    store = Store(os.environ["CONSILIUM_TEST_POSTGRES"], tmp_path)
    conversation = store.create_conversation()
    turn = store.begin_turn(conversation.id, "hello")
    store.save_turn(turn)
    assert store.get(conversation.id).turns == [turn]
    store.delete(conversation.id)
