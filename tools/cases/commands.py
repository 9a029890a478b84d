"""`consilium cases ...`: the case base on the command line."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from consilium.tools.cases.case import Case, Filter
from consilium.tools.contract import ToolError
from consilium.tools.home import data_home

if TYPE_CHECKING:
    from consilium.tools.cases.intake.record import Problem
    from consilium.tools.cases.interface import CaseStore

_SHOWN = 10  # problems in one message
_LINE = 100  # characters
_PAGE = 1000  # cases read at once

Base = Annotated[
    str,
    typer.Option("--base", help="Folder or postgresql:// URL; default: the one the chat uses."),
]
Model = Annotated[
    Path | None,
    typer.Option(help="Folder of another embedding model; default: the base's own."),
]
Source = Annotated[str | None, typer.Option(help="Only collections with this in their name.")]


def build(base: Base = "") -> None:
    """Make the case base of 9,105 hospital patients (SUPPORT2); takes minutes, once."""
    from consilium.tools.cases.growth import build as build_base
    from consilium.tools.cases.location import open_store

    store = open_store(base)
    found = build_base(store, data_home())
    _prepare(store)
    if found.wanted:
        typer.echo(f"{len(found.wanted):,} cases were added.")
    else:
        typer.echo(f"All {len(found.known):,} cases are there already.")


def add(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help=".csv, .tsv, .jsonl, FHIR .json or .ndjson, .txt, .md"),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="FIELD=COLUMN or FIELD=COLUMN+COLUMN; repeatable."),
    ] = None,
    source: Annotated[str, typer.Option(help="What the collection is called in answers.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Let a case take the place of the one with its id.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out what is wrong and add the rest.")
    ] = False,
    keep_ids: Annotated[
        bool, typer.Option("--keep-ids", help="Take the files' ids as they are: they name nobody.")
    ] = False,
    region: Annotated[
        str, typer.Option(help="Country whose phone numbers are recognised, e.g. DE.")
    ] = "US",
    model: Model = None,
    base: Base = "",
    images: Annotated[
        Path | None, typer.Option(help="Folder of chest films, for the search by picture.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV of the films, with the columns file and label.")
    ] = None,
) -> None:
    """Add your own cases, freed of identifiers: all that the files hold or, on an error, nothing."""
    if images or labels:
        _add_films(files or [], images, labels)
        return
    if not files:
        raise ToolError("Name the files to add, or films with --images and --labels.")
    from consilium.tools.cases.growth import embedder_for, grow
    from consilium.tools.cases.intake.admit import Admission, base_key
    from consilium.tools.cases.intake.columns import ColumnMap
    from consilium.tools.cases.intake.deidentify import Deidentifier
    from consilium.tools.cases.intake.files import admit_files
    from consilium.tools.cases.intake.record import Problem
    from consilium.tools.cases.location import open_store

    store = open_store(base)
    columns = ColumnMap.parse(mapping or [])
    deidentifier = Deidentifier(region.upper())
    admission = Admission(deidentifier, base_key(store.workspace), source, keep_ids)
    admitted = admit_files(files, columns, admission)
    problems = admitted.problems
    if not admitted.cases:
        raise ToolError(_told(problems) if problems else "The files hold no case.")
    if problems and not skip_bad:
        raise ToolError(_told(problems, "\nCorrect the files, or leave these out with --skip-bad."))
    embedder = embedder_for(store, data_home(), model)
    found = grow(store, embedder, list(admitted.cases.values()), replace)
    if found.conflicts:
        what = "another case of the base has this id: change it, or add with --replace"
        raise ToolError(_told([Problem(admitted.places[name], what) for name in found.conflicts]))
    _prepare(store)
    for problem in problems:
        typer.echo(f"Left out: {problem}", err=True)
    typer.echo(
        f"{len(found.new):,} cases added, {len(found.replaced):,} replaced; {len(found.known):,} were"
        f" there already, {len(found.duplicates):,} have the text of another case and were left out."
    )
    if admission.cut:
        typer.echo(f"{admission.cut:,} texts were longer than a case may be and were cut.")
    long = sum(not embedder.reads_all(case.text) for case in admitted.cases.values())
    if long:
        typer.echo(
            f"{long:,} texts are longer than {embedder.info.name} reads: by meaning they are found by"
            " their beginning, by words as a whole."
        )
    taken = ", ".join(f"{count:,} {word}" for word, count in sorted(deidentifier.taken.items()))
    typer.echo(
        f"Identifiers taken out: {taken or 'none were found'}. Patterns do not find every name: have a"
        " person read a sample (`consilium cases export`) before others use these cases."
    )


def _add_films(files: list[Path], images: Path | None, labels: Path | None) -> None:
    from consilium.tools.cases.pictures import add_pictures

    if files or not images or not labels:
        raise ToolError("Films are added by themselves, with both --images and --labels.")
    found = add_pictures(images, labels)
    typer.echo(f"{found.added:,} films added; {found.known:,} were there already.")


def list_cases(
    limit: Annotated[int, typer.Option(min=1)] = 20, source: Source = None, base: Base = ""
) -> None:
    """List cases, the newest first."""
    from consilium.tools.cases.location import open_store

    snapshot = open_store(base).snapshot()
    rows = snapshot.select(Filter(source=source))[::-1]
    for case in snapshot.cases(rows[:limit]):
        typer.echo(_line(case))
    typer.echo(f"{min(limit, len(rows)):,} of {len(rows):,} cases", err=True)


def show(case_id: str, base: Base = "") -> None:
    """Show one case and all that is known of it, as JSON."""
    from consilium.tools.cases.location import open_store

    found = open_store(base).snapshot().by_id([case_id])
    if not found:
        raise ToolError("The case base has no case of that id.")
    typer.echo(found[case_id].model_dump_json(indent=2))


def remove(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of cases.")] = None,
    source: Annotated[str | None, typer.Option(help="All cases of this collection.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    base: Base = "",
) -> None:
    """Remove cases, text and vector. This cannot be undone."""
    from consilium.tools.cases.location import open_store

    store = open_store(base)
    snapshot = store.snapshot()
    chosen = list(dict.fromkeys(ids or []))
    if unknown := set(chosen) - set(snapshot.by_id(chosen)):
        raise ToolError(f"The case base has no case {min(unknown)}; nothing was removed.")
    if source:
        cases = snapshot.cases(snapshot.select(Filter(source=source)))
        chosen += [case.id for case in cases if case.source == source and case.id not in chosen]
    if not chosen:
        raise ToolError(
            "Name the cases: by their ids, or by --source with a collection in the base."
        )
    if not yes:
        typer.confirm(f"Remove {len(chosen):,} cases for good?", abort=True)
    typer.echo(f"{len(store.remove(chosen)):,} cases were removed.")
    _prepare(store)


def stats(
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare every file with its hash, too.")
    ] = False,
    base: Base = "",
) -> None:
    """Say what the case base holds."""
    from consilium.tools.cases.location import open_store

    store = open_store(base)
    snapshot = store.snapshot()
    if verify:
        store.verify()
    sources: Counter[str] = Counter()
    sexes: Counter[str] = Counter()
    aged = outcomes = 0
    for _, case in snapshot.entries():
        sources[case.source or "(no source)"] += 1
        sexes[case.sex or "unknown"] += 1
        aged += case.age is not None
        outcomes += case.outcome.died is not None or bool(case.outcome.text)
    typer.echo(f"{len(snapshot):,} cases, embedded with {snapshot.model.name}")
    if not len(snapshot):
        return
    for name, count in sources.most_common():
        typer.echo(f"  {count:>9,}  {name}")
    typer.echo("  sex: " + ", ".join(f"{count:,} {sex}" for sex, count in sexes.most_common()))
    typer.echo(f"  age is known of {aged:,}, the outcome of {outcomes:,}")


def search(
    query: Annotated[str, typer.Argument(help="The case in words, with conditions if any.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Cases wanted.")] = 5,
    base: Base = "",
) -> None:
    """Search as the chat does, and print the nearest cases."""
    from consilium.tools.cases import report
    from consilium.tools.cases.embedder import load_embedder
    from consilium.tools.cases.filters import in_words
    from consilium.tools.cases.generation import EMPTY
    from consilium.tools.cases.location import open_store
    from consilium.tools.cases.query import is_foreign
    from consilium.tools.cases.search import CaseSearch

    snapshot = open_store(base).snapshot()
    if not len(snapshot):
        raise ToolError(EMPTY)
    found = CaseSearch(snapshot, load_embedder(snapshot.model, data_home())).search(query, k)
    conditions = in_words(found.query.conditions)
    if conditions:
        typer.echo(
            report.ONLY.format(conditions=conditions, eligible=found.eligible, count=len(snapshot)),
            err=True,
        )
    for note in found.query.notes:
        typer.echo(note, err=True)
    if not snapshot.model.folder and is_foreign(found.query.text):
        typer.echo(f"Read with care: {report.FOREIGN}.", err=True)
    if not found.hits:
        none = report.NONE_ELIGIBLE.format(conditions=conditions)
        typer.echo(
            f"Nothing was found: {report.NOTHING_NEAR if found.eligible else none}.", err=True
        )
    elif not found.near:
        typer.echo("No case is near this one; the least unlike:", err=True)
    for hit in found.hits:
        typer.echo(f"{hit.score:.2f}  {_line(hit.case)}")
        if hit.case.outcome.text:
            typer.echo(f"      -> {_short(hit.case.outcome.text)}")


def rebuild(model: Model = None, base: Base = "") -> None:
    """Make the index anew from the texts: after damage, or for another embedding model."""
    from consilium.tools.cases.growth import rebuild as rebuild_base
    from consilium.tools.cases.location import open_store

    store = open_store(base)
    count = rebuild_base(store, data_home(), model)
    _prepare(store)
    typer.echo(f"The index of {count:,} cases was made anew.")


def export(
    file: Annotated[Path | None, typer.Argument(help="Default: the standard output.")] = None,
    source: Source = None,
    base: Base = "",
) -> None:
    """Write cases as JSON Lines: to read, to back up, or to `cases add --keep-ids` elsewhere."""
    from consilium.tools.cases.location import open_store
    from consilium.tools.cases.table import to_values

    snapshot = open_store(base).snapshot()
    rows = snapshot.select(Filter(source=source))
    try:
        with file.open("x", encoding="utf-8") if file else nullcontext(sys.stdout) as out:
            for start in range(0, len(rows), _PAGE):
                for case in snapshot.cases(rows[start : start + _PAGE]):
                    values = to_values(case)
                    del values["text_hash"]
                    out.write(f"{json.dumps(values, ensure_ascii=False)}\n")
    except FileExistsError as error:
        raise ToolError("There is a file of that name already: name another one.") from error
    except OSError as error:
        raise ToolError(f"The cases cannot be written ({error.strerror}).") from error
    typer.echo(f"{len(rows):,} cases were written.", err=True)


def eval_cases(
    folder: Annotated[Path, typer.Argument(help="Folder with iu_xray_reports and support2.")],
    report: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Measure the case search: film reports, patients with outcomes, negation, strange requests."""
    from consilium.tools.cases.embedder import load_embedder
    from consilium.tools.cases.evaluate import evaluate, told
    from consilium.tools.cases.minilm import ensure_minilm

    home = data_home()
    ensure_minilm(home)
    found = evaluate(folder, load_embedder(home=home), home / "cases" / "evaluation")
    for line in told(found):
        typer.echo(line)
    if report:
        report.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _prepare(store: "CaseStore") -> None:
    """Make now what the first search would make, so that nobody in the chat waits for it."""
    from consilium.tools.cases.embedder import load_embedder
    from consilium.tools.cases.search import CaseSearch

    snapshot = store.snapshot()
    with suppress(ToolError):  # without the model the cases can be kept, just not searched
        CaseSearch(snapshot, load_embedder(snapshot.model, data_home())).prepare()


def _told(problems: Iterable["Problem"], advice: str = "") -> str:
    told = [str(problem) for problem in problems]
    more = f"\n... and {len(told) - _SHOWN:,} more" if len(told) > _SHOWN else ""
    listed = "\n".join(told[:_SHOWN])
    return f"Nothing was added:\n{listed}{more}{advice}"


def _line(case: Case) -> str:
    return f"{case.id}  {_short(case.text)}"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LINE else f"{plain[:_LINE]}…"
