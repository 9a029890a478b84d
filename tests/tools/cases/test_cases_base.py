"""The case base of a folder: what goes in comes out, what is removed is gone, damage is said."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilium.tools.cases.base import CaseBase
from consilium.tools.cases.case import MAX_TEXT, Case, Filter, Outcome, clean_text
from consilium.tools.cases.generation import ModelInfo
from consilium.tools.cases.growth import grow, rebuild
from consilium.tools.cases.shards import embed_resumably
from consilium.tools.contract import ToolError

SECRET = "Zyxwv Qponmlk"


def generation(base: CaseBase) -> Path:
    return base.snapshot().folder


def everything(base: CaseBase) -> dict[str, Case]:
    return {case.id: case for _, case in base.snapshot().entries()}


def add(base: CaseBase, embedder, *cases: Case, **options):
    return base.add(cases, embedder.embed([case.text for case in cases]), **options)


def test_a_base_that_is_not_there_says_how_to_make_it(tmp_path):
    base = CaseBase(tmp_path)
    assert not base.exists
    with pytest.raises(ToolError, match="consilium cases build"):
        base.snapshot()


def test_cases_come_back_as_they_went_in(filled, make_cases):
    assert everything(filled) == {case.id: case for case in make_cases(100)}
    snapshot = filled.snapshot()
    assert len(snapshot) == 100
    rows = snapshot.rows()[[5, 2, 99]]
    assert [case.id for case in snapshot.cases(rows)] == ["c-0005", "c-0002", "c-0099"]
    assert set(snapshot.by_id(["c-0005", "no"])) == {"c-0005"}


def test_the_nearest_is_the_case_itself(filled, embedder):
    snapshot = filled.snapshot()
    for row, case in list(snapshot.entries())[:10]:
        rows, cosines = snapshot.nearest(embedder.embed([case.text])[0], 3)
        assert rows[0] == row
        assert cosines[0] == pytest.approx(1)
        assert list(cosines) == sorted(cosines, reverse=True)


def test_only_among_the_rows_given(filled, embedder):
    snapshot = filled.snapshot()
    among = snapshot.select(Filter(sex="female"))
    rows, _ = snapshot.nearest(embedder.embed(["Patient 4 with disease 4"])[0], 200, among)
    assert sorted(rows) == sorted(among)
    assert snapshot.nearest(embedder.embed(["x"])[0], 5, among[:0])[0].size == 0


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Filter(), lambda case: True),
        (Filter(sex="male"), lambda case: case.sex == "male"),
        (Filter(min_age=60), lambda case: case.age >= 60),
        (Filter(min_age=30, max_age=40), lambda case: 30 <= case.age <= 40),
        (Filter(died_in_hospital=True), lambda case: case.outcome.died_in_hospital),
        (Filter(died_in_hospital=False), lambda case: not case.outcome.died_in_hospital),
        (Filter(died=True, sex="female"), lambda case: case.outcome.died and case.sex == "female"),
        (Filter(diagnosis="DISEASE 3"), lambda case: case.diagnoses == ("disease 3",)),
        (Filter(since=2000, until=2003), lambda case: 2000 <= case.year <= 2003),
        (Filter(source="first"), lambda case: case.source == "first"),
        (Filter(diagnosis="%"), lambda case: False),
    ],
)
def test_filters_are_metadata(filled, make_cases, wanted, fits):
    snapshot = filled.snapshot()
    found = {case.id for case in snapshot.cases(snapshot.select(wanted))}
    assert found == {case.id for case in make_cases(100) if fits(case)}


def test_what_is_not_known_does_not_match(filled, embedder):
    add(filled, embedder, Case(id="bare", text="nothing is known here"))
    snapshot = filled.snapshot()
    for wanted in (Filter(sex="male"), Filter(died=False), Filter(min_age=0), Filter(until=2100)):
        assert "bare" not in {case.id for case in snapshot.cases(snapshot.select(wanted))}


def test_limits_that_exclude_each_other_are_refused():
    with pytest.raises(ValueError, match="above"):
        Filter(min_age=60, max_age=50)


def test_death_within_days():
    assert Outcome(died=True, followup_days=10).died_within(180) is True
    assert Outcome(died=True, followup_days=200).died_within(180) is False
    assert Outcome(died=False, followup_days=200).died_within(180) is False
    assert Outcome(died=False, followup_days=100).died_within(180) is None
    assert Outcome().died_within(180) is None


def test_the_same_case_again_changes_nothing(filled, embedder, make_cases):
    before = generation(filled)
    found = add(filled, embedder, *make_cases(10))
    assert len(found.known) == 10
    assert generation(filled) == before


def test_another_case_with_a_known_id_is_refused_unless_it_replaces(filled, embedder):
    other = Case(id="c-0003", text="quite another story")
    with pytest.raises(ToolError, match="c-0003"):
        add(filled, embedder, Case(id="new", text="new"), other)
    assert "new" not in everything(filled)
    add(filled, embedder, other, replace=True)
    assert everything(filled)["c-0003"] == other
    assert len(filled.snapshot()) == 100
    rows, _ = filled.snapshot().nearest(embedder.embed([other.text])[0], 1)
    assert filled.snapshot().cases(rows) == [other]


def test_two_different_cases_with_one_id_in_one_call(filled, embedder):
    with pytest.raises(ToolError, match="twin"):
        add(filled, embedder, Case(id="twin", text="a"), Case(id="twin", text="b"), replace=True)


def test_a_text_that_is_here_already_is_a_duplicate(filled, embedder, make_cases):
    text = f"  {make_cases(1)[0].text.upper()}\n"
    found = add(filled, embedder, Case(id="copy", text=text), Case(id="fresh", text="fresh"))
    assert found.duplicates == [("copy", "c-0000")]
    assert "fresh" in everything(filled)
    assert "copy" not in everything(filled)
    add(filled, embedder, Case(id="copy", text=text), deduplicate=False)
    assert "copy" in everything(filled)


def test_vectors_of_another_model_are_refused(filled):
    with pytest.raises(ToolError, match=r"32 numbers.* gives 8"):
        filled.add([Case(id="x", text="x")], np.ones((1, 8), np.float32))
    with pytest.raises(ToolError, match="rebuild --model"):
        filled.snapshot().nearest(np.ones(8, np.float32), 3)


def test_removal_leaves_neither_text_nor_vector(filled, embedder, tmp_path):
    case = Case(id="secret", text=f"Story of {SECRET}", source=SECRET)
    vector = embedder.embed([case.text])
    filled.add([case], vector)
    files = lambda: [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: E731
    assert any(SECRET.encode() in path.read_bytes() for path in files())
    assert any(vector.tobytes() in path.read_bytes() for path in files())
    assert filled.remove(["secret", "unknown"]) == ["secret"]
    for path in files():
        content = path.read_bytes()
        assert SECRET.encode() not in content
        assert vector.tobytes() not in content
    assert len(filled.snapshot()) == 100


def test_rows_stay_and_are_never_given_again(filled, embedder):
    before = {case.id: row for row, case in filled.snapshot().entries()}
    filled.remove(["c-0099", "c-0000"])
    add(filled, embedder, Case(id="later", text="later"))
    after = {case.id: row for row, case in filled.snapshot().entries()}
    assert after.pop("later") > before["c-0099"]
    assert all(before[case_id] == row for case_id, row in after.items())
    assert np.array_equal(filled.snapshot().rows(), sorted(filled.snapshot().rows()))


def test_a_snapshot_does_not_move(filled, embedder, make_cases):
    old = filled.snapshot()
    filled.remove([case.id for case in make_cases(90)])
    assert len(old) == 100
    assert len(list(old.entries())) == 100
    vector = embedder.embed([make_cases(1)[0].text])[0]
    assert old.cases(old.nearest(vector, 1)[0])[0].id == "c-0000"
    assert len(filled.snapshot()) == 10
    assert filled.snapshot() is filled.snapshot()


def test_searching_while_others_write(filled, embedder, make_cases):
    stop, failures = threading.Event(), []
    vector = embedder.embed([make_cases(3)[2].text])[0]

    def read():
        reader = CaseBase(filled.workspace)
        while not stop.is_set():
            try:
                snapshot = reader.snapshot()
                rows, _ = snapshot.nearest(vector, 5)
                assert snapshot.cases(rows)[0].id == "c-0002"
                assert len(list(snapshot.entries())) == len(snapshot)
            except Exception as error:
                failures.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(200, 206):
        add(filled, embedder, *make_cases(1, number))
        filled.remove([f"c-{number - 150:04d}"])
    stop.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert len(filled.snapshot()) == 100


def test_writers_take_turns(filled, embedder, make_cases):
    def write(start):
        other = CaseBase(filled.workspace)
        for case in make_cases(4, start):
            add(other, embedder, case)

    writers = [threading.Thread(target=write, args=(start,)) for start in (200, 300, 400)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(filled.snapshot()) == 112
    assert len(list(filled.workspace.glob("gen-*"))) == 1


@pytest.mark.parametrize(
    ("file", "hurt"),
    [
        ("vectors.faiss", lambda path: path.write_bytes(b"rubbish" * 99)),
        ("vectors.faiss", lambda path: path.write_bytes(path.read_bytes()[:-100])),
        ("vectors.faiss", lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!")),
        ("vectors.faiss", Path.unlink),
        ("manifest.json", lambda path: path.write_text("{")),
        ("../CURRENT", lambda path: path.write_text("elsewhere")),
        ("../CURRENT", lambda path: path.write_text("gen-00000009-gone")),
        ("../CURRENT", lambda path: path.write_text("")),
        ("../CURRENT", lambda path: path.write_bytes(b"\xff")),
    ],
)
def test_a_damaged_index_is_said_and_can_be_rebuilt(filled, embedder, monkeypatch, file, hurt):
    cases = everything(filled)
    hurt(generation(filled) / file)
    broken = CaseBase(filled.workspace)
    with pytest.raises(ToolError, match=r"damaged.*consilium cases rebuild"):
        broken.snapshot()
    with pytest.raises(ToolError, match="damaged"):  # and the attempt to write does no more harm
        grow(broken, embedder, [Case(id="x", text="x")])
    monkeypatch.setattr("consilium.tools.cases.growth._embedder", lambda *_: embedder)
    assert rebuild(broken, filled.workspace) == 100
    assert everything(broken) == cases
    assert broken.snapshot().number > 0
    broken.verify()


@pytest.mark.parametrize(
    "hurt", [Path.unlink, lambda path: path.write_bytes(b"SQLite rubbish" * 999)]
)
def test_damaged_texts_are_said(filled, embedder, hurt):
    hurt(generation(filled) / "cases.sqlite")
    broken = CaseBase(filled.workspace)
    for act in (
        broken.snapshot,
        broken.stored,
        lambda: add(broken, embedder, Case(id="x", text="x")),
    ):
        with pytest.raises(ToolError, match="damaged"):
            act()


def test_verify_finds_one_changed_byte_of_a_large_file(filled, monkeypatch):
    monkeypatch.setattr("consilium.tools.cases.generation._CHECKED_AT_ONCE", 0)
    path = generation(filled) / "vectors.faiss"
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    broken = CaseBase(filled.workspace)
    assert len(broken.snapshot()) == 100
    with pytest.raises(ToolError, match="changed"):
        broken.verify()


def test_a_full_disk_leaves_the_old_base(filled, embedder, monkeypatch):
    before = everything(filled)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("consilium.tools.cases.generation._sync", full)
    with pytest.raises(ToolError, match=r"No space left.*as it was before"):
        add(filled, embedder, Case(id="x", text="x"))
    monkeypatch.undo()
    assert everything(CaseBase(filled.workspace)) == before
    add(filled, embedder, Case(id="x", text="x"))


def test_without_current_the_newest_generation_is_the_base(filled, embedder):
    (filled.workspace / "CURRENT").unlink()
    base = CaseBase(filled.workspace)
    assert len(base.snapshot()) == 100
    grow(base, embedder, [Case(id="x", text="x")])
    assert len(CaseBase(filled.workspace).snapshot()) == 101


def test_leftovers_of_a_killed_writer_are_swept(filled, embedder):
    leftover = filled.workspace / "gen-00000099-deadbeef"
    leftover.mkdir()
    (leftover / "cases.sqlite").write_text(SECRET)
    add(filled, embedder, Case(id="x", text="x"))
    assert not leftover.exists()


def test_grow_makes_the_base_and_embeds_only_what_is_new(tmp_path, embedder, make_cases):
    base = CaseBase(tmp_path)
    grow(base, embedder, make_cases(20))
    assert len(embedder.embedded) == 20
    found = grow(base, embedder, make_cases(25))
    assert (len(found.new), len(found.known), len(embedder.embedded)) == (5, 20, 25)
    assert not (tmp_path / "shards").exists()


def test_while_the_first_cases_are_embedded_there_is_no_base(tmp_path, embedder, make_cases):
    base, real = CaseBase(tmp_path), embedder.embed

    def watching(texts):
        assert not base.exists
        return real(texts)

    embedder.embed = watching
    grow(base, embedder, make_cases(5))
    assert len(base.snapshot()) == 5


def test_grow_refuses_another_model(filled, make_cases):
    class Other:
        info = ModelInfo(name="other", sha256="f" * 64, dimension=32)

    with pytest.raises(ToolError, match="another model"):
        grow(filled, Other(), make_cases(1, 300))


def test_rebuild_with_a_model_of_another_dimension(filled, monkeypatch, make_cases):
    class Wide:
        info = ModelInfo(name="wide", sha256="e" * 64, dimension=48, folder="somewhere")

        def embed(self, texts):
            return np.eye(len(texts), 48, dtype=np.float32)

    monkeypatch.setattr("consilium.tools.cases.growth._embedder", lambda *_: Wide())
    rebuild(filled, filled.workspace)
    assert filled.snapshot().model.dimension == 48
    assert everything(filled) == {case.id: case for case in make_cases(100)}


def test_an_interrupted_embedding_goes_on(tmp_path, embedder, monkeypatch):
    monkeypatch.setattr("consilium.tools.cases.shards._SHARD", 10)
    texts = [f"text {number}" for number in range(35)]
    real, calls = embedder.embed, []

    def failing(batch):
        calls.append(len(batch))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(batch)

    embedder.embed = failing
    with pytest.raises(KeyboardInterrupt):
        embed_resumably(embedder, texts, tmp_path)
    damaged, _ = sorted(tmp_path.glob("*.npz"))
    damaged.write_bytes(damaged.read_bytes()[:50])  # the power failed while this one was written
    embedder.embed = real
    embedder.embedded.clear()
    vectors = embed_resumably(embedder, texts, tmp_path)
    assert len(embedder.embedded) == 25
    assert np.allclose(vectors, real(texts))


def test_text_is_cleaned_of_what_cannot_be_seen():
    assert clean_text(" a\u202eb\x00c\x1b[31md\u200b\n\te ") == "abc[31md\n\te"


def test_a_case_may_not_be_endless_or_empty():
    with pytest.raises(ValueError, match="at most"):
        Case(id="a", text="x" * (MAX_TEXT + 1))
    with pytest.raises(ValueError, match="at least"):
        Case(id="a", text="")
    with pytest.raises(ValueError, match="pattern"):
        Case(id="../../etc/passwd", text="x")


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(text, min_size=1, max_size=8),
    diagnoses=st.lists(text, max_size=3),
    outcome=text,
)
def test_any_text_survives(tmp_path_factory, texts, diagnoses, outcome):
    folder = tmp_path_factory.mktemp("any")
    base = CaseBase(folder)
    base.create(ModelInfo(name="m", sha256="0", dimension=4))
    cases = [
        Case(id=f"c{i}", text=text, diagnoses=tuple(diagnoses), outcome=Outcome(text=outcome))
        for i, text in enumerate(texts)
    ]
    base.add(cases, np.eye(4, dtype=np.float32)[[0] * len(cases)], deduplicate=False)
    assert list(everything(base).values()) == cases
    shutil.rmtree(folder)
