"""Commands of the film reader."""

import json
from pathlib import Path
from typing import Annotated

import typer


def scans(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Films, any depth.")],
    out: Annotated[Path, typer.Option(help="CSV; give it again to go on where a run stopped.")],
) -> None:
    """Read every film of a folder: one row per film and finding, refusals with their reason."""
    from tqdm import tqdm

    from consilium.tools.imaging.folder import (
        COLUMNS,
        append,
        done_before,
        files_below,
        read_films,
        row,
    )
    from consilium.tools.imaging.tool import load_reader

    done = done_before(out)
    paths = [
        path for path in files_below(folder) if path.relative_to(folder).as_posix() not in done
    ]
    paths = [path for path in paths if path.resolve() != out.resolve()]
    reader = load_reader()
    append(out, [])  # whether it can be written is told before the first film is read
    unreadable = abstained = 0
    for read in tqdm(read_films(paths, reader), total=len(paths), unit="film"):
        cells = row(read, folder, reader)
        unreadable += read.reading is None
        abstained += read.reading is not None and cells[COLUMNS.index("abstained")] == "true"
        append(out, [cells])
    before = f", {len(done)} from before" if done else ""
    typer.echo(
        f"{len(paths)} files{before}, {unreadable} not readable, {abstained} without a reading "
        f"(see the column reason): {out}"
    )


def eval_imaging(
    labels: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="CSV: file, label.")],
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON here.")] = None,
) -> None:
    """Measure the film reader on labelled films, read as the chat reads them."""
    from tqdm import tqdm

    from consilium.tools.imaging.folder import read_films
    from consilium.tools.imaging.labels_file import measure, read_labels
    from consilium.tools.imaging.tool import load_reader

    reader = load_reader()
    films = read_labels(labels, reader.card)
    paths = [film.path for film in films]
    reads = list(tqdm(read_films(paths, reader), total=len(paths), unit="film"))
    parts = measure(films, reads, reader)
    if report:
        outcome = {name: part.model_dump() for name, part in parts.items()}
        report.write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    for name, part in parts.items():
        typer.echo(
            f"{name}: {part.films} films of {part.patients} patients, {part.pneumonias} pneumonias, "
            f"{100 * part.turned_away:.1f} % turned away by the gate, "
            f"{100 * part.abstained:.1f} % abstained in all, {len(part.unreadable)} not readable"
        )
        for metric, figure in part.figures.items():
            typer.echo(f"  {metric}: {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})")


def train_imaging(
    config: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The run's YAML.")],
    folder: Annotated[
        Path, typer.Option("--data", exists=True, file_okay=False, help="Folder of the films.")
    ],
    run: Annotated[Path, typer.Option(help="Folder of the run, to resume from.")],
    weights: Annotated[Path, typer.Option(help="Where weights and card go.")],
) -> None:
    """Train the film reader, or go on where a run stopped; writes the weights and their card."""
    from consilium.tools.imaging.train import train

    card = train(config, folder, run, weights)
    for name, figures in card.figures.items():
        typer.echo(f"{name}: AUC {figures.reader['auc'].value:.3f} (n = {figures.films})")
