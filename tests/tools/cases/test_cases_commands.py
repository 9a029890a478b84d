"""`consilium cases ...` as people type it."""

import json

import pytest
import typer
from typer.testing import CliRunner

from consilium.tools.cases import commands
from consilium.tools.cases.base import CaseBase
from consilium.tools.contract import ToolError

TABLE = (
    "id,text,age,sex,outcome,died\n1,Cough and fever,50,f,Went home.,no\n2,Broken wrist,71,m,,\n"
)


@pytest.fixture
def run(tmp_path, monkeypatch, embedder):
    """The commands on an empty data folder, with the embedder of the tests."""
    monkeypatch.setenv("CONSILIUM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CONSILIUM_CASES", raising=False)
    monkeypatch.setattr("consilium.tools.cases.growth._embedder", lambda *_: embedder)
    monkeypatch.setattr("consilium.tools.cases.embedder.load_embedder", lambda *_: embedder)
    app = typer.Typer()
    for name, command in {
        "build": commands.build, "add": commands.add, "list": commands.list_cases, "show": commands.show,
        "remove": commands.remove, "stats": commands.stats, "search": commands.search,
        "rebuild": commands.rebuild, "export": commands.export,
    }.items():  # fmt: skip
        app.command(name)(command)

    def run(*words):
        result = CliRunner().invoke(app, [str(word) for word in words])
        if isinstance(result.exception, ToolError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


@pytest.fixture
def store(tmp_path):
    return CaseBase(tmp_path / "home/cases/text")


def test_before_anything_is_there(run):
    for words in (
        ["list"],
        ["stats"],
        ["search", "cough"],
        ["export"],
        ["remove", "x"],
        ["rebuild"],
    ):
        with pytest.raises(ToolError, match="consilium cases build"):
            run(*words)


def test_from_a_table_to_a_search_and_back(run, table, store, tmp_path):
    assert "2 cases added" in run("add", table, "--source", "ward 7")
    assert "2 were there already" in run("add", table, "--source", "ward 7")
    first, _ = (case for _, case in store.snapshot().entries())
    assert first.id in run("list")
    assert json.loads(run("show", first.id))["source"] == "ward 7"
    assert first.id in run("search", "cough and fever")
    told = run("stats", "--verify")
    assert "2  ward 7" in told
    assert "age is known of 2, the outcome of 1" in told
    out = tmp_path / "out.jsonl"
    run("export", out)
    with pytest.raises(ToolError, match="already"):
        run("export", out)
    assert run("export").count('"text"') == 2
    elsewhere = tmp_path / "elsewhere"
    run("add", out, "--keep-ids", "--base", elsewhere)
    assert list(CaseBase(elsewhere).snapshot().entries()) == list(store.snapshot().entries())
    assert "index of 2 cases" in run("rebuild")
    assert "1 cases were removed" in run("remove", first.id, "--yes")
    assert "1 cases were removed" in run("remove", "--source", "ward 7", "--yes")
    assert len(store.snapshot()) == 0
    assert "0 of 0" in run("list")
    with pytest.raises(ToolError, match="holds no case"):
        run("search", "cough")


def test_a_search_says_how_it_read_the_request(run, table):
    run("add", table)
    told = run("search", "women under 40 or men over 50 with cough")
    assert "(female, aged 39 or less) or (male, aged 51 or more) were searched: 1 of 2" in told
    assert "Nothing was found: no case in the case base is recorded" in run(
        "search", "children, cough"
    )
    assert "in English" in run("search", "Frau mit Husten und Fieber")


def test_removing_asks_and_names_what_is_unknown(run, table, store):
    run("add", table, "--source", "ward")
    with pytest.raises(ToolError, match="no case nobody; nothing was removed"):
        run("remove", "nobody", "--yes")
    with pytest.raises(ToolError, match="Name the cases"):
        run("remove", "--source", "other", "--yes")
    with pytest.raises(AssertionError, match="Aborted"):
        run("remove", "--source", "ward")
    assert len(store.snapshot()) == 2


def test_one_bad_row_and_nothing_is_added(run, table, store):
    table.write_text(TABLE + "3,,1,f,,\n4,Rash,old,m,,\n")
    with pytest.raises(ToolError) as told:
        run("add", table)
    assert "table.csv, line 4: has no text\ntable.csv, line 5: age 'old'" in str(told.value)
    assert not store.exists
    assert "2 cases added" in run("add", table, "--skip-bad")


def test_many_problems_are_counted(run, table):
    table.write_text("id,text\n" + "1,\n" * 25)
    with pytest.raises(ToolError, match="15 more"):
        run("add", table, "--skip-bad")


def test_a_changed_case_needs_to_be_replaced_on_purpose(run, table, store):
    run("add", table)
    table.write_text(TABLE.replace("Went home", "Died at home"))
    with pytest.raises(ToolError, match=r"table.csv, line 2: another case of the base has this id"):
        run("add", table)
    assert "1 replaced; 1 were there already" in run("add", table, "--replace")
    assert len(store.snapshot()) == 2


def test_a_text_of_another_case_is_left_out_and_said(run, table):
    table.write_text(TABLE + "3,  cough AND fever,20,m,,\n")
    assert "2 cases added, 0 replaced; 0 were there already, 1 have the text" in run("add", table)


def test_identifiers_are_counted_not_shown(run, table, store):
    table.write_text("id,text\n1,Mr. John Smith came on 03/14/2019 with cough.\n")
    told = run("add", table)
    assert "1 DATE, 1 NAME" in told
    assert "Smith" not in told
    assert "Smith" not in run("export")


def test_a_long_text_that_is_cut_is_said(run, table):
    table.write_text("id,text\n1," + "cough " * 9999 + "\n")
    told = run("add", table)
    assert "1 texts were longer than a case may be" in told
    assert "1 texts are longer than words reads" in told


def test_an_empty_table(run, table):
    table.write_text("id,text\n")
    with pytest.raises(ToolError, match="hold no case"):
        run("add", table)


def test_building_twice_embeds_once(run, store, embedder, make_cases, monkeypatch):
    monkeypatch.setattr("consilium.tools.cases.growth.fetch_support2", lambda _: make_cases(29))
    assert "29 cases were added" in run("build")
    assert "All 29 cases are there already" in run("build")
    assert len(embedder.embedded) == 29
