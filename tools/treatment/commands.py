"""Commands of the treatment simulator."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer


def eval_treatment(
    gamma: Annotated[
        float, typer.Option(min=0, max=100, help="Confounding; published: 0, 1, 2, 3, 4.")
    ],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of the benchmark's patients.")],
    patients: Annotated[int, typer.Option(min=2, help="In each test set.")] = 1000,
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON here.")] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help="Train on the benchmark's patients of this gamma and seed first (about a minute), as the "
            "published models were; else the shipped network is measured.",
        ),
    ] = False,
) -> None:
    """Measure the treatment network on the tumour growth benchmark, next to what others published."""
    from consilium.tools.treatment.evaluate import as_text, evaluate
    from consilium.tools.treatment.protocol import benchmark
    from consilium.tools.treatment.shipped import load_network
    from consilium.tools.treatment.table import train_and_evaluate

    if train:
        with tempfile.TemporaryDirectory() as run:
            found = train_and_evaluate(gamma, seed, Path(run), patients)
    else:
        network, card = load_network()
        found = evaluate(network, card.data, gamma, seed, benchmark(gamma, seed, test=patients))
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    typer.echo(as_text(found))


def train_treatment(
    config: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The run's YAML.")],
    out: Annotated[
        Path, typer.Option(help="Folder for weights and card; give it again to resume.")
    ],
) -> None:
    """Train the treatment network on simulated patients or on imported histories."""
    from consilium.tools.treatment.train import train

    card = train(config, out)
    typer.echo(f"Trained on {card.data}; weights and card: {out}")
    for found in card.figures:
        ours = found.one_step["model"].original
        typer.echo(
            f"gamma {found.gamma:g}: one step ahead {ours.value:.3f} % ({ours.low:.3f} to {ours.high:.3f})"
        )


def treatment(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV of patients.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="CSV to write; the same command goes on where it was interrupted. Default: FILE.forecast.csv."
        ),
    ] = None,
    plan: Annotated[
        list[str] | None,
        typer.Option(
            help="none, chemotherapy, radiotherapy or chemoradiotherapy; repeatable; default: all."
        ),
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, max=6, help="Visits ahead.")] = 5,
) -> None:
    """Forecast the tumour volume of many patients under each plan.

    The CSV has one row per visit: patient, visit (1, 2, 3, ...), volume_cm3, and 0 or 1 under
    chemotherapy and radiotherapy for what was given at that visit. A patient that cannot be right gets
    a sentence in the output; the others get volumes with 90 % intervals.
    """
    from consilium.tools.treatment import report
    from consilium.tools.treatment.batch import chosen_plans, forecast_file
    from consilium.tools.treatment.patients_file import treatment_columns
    from consilium.tools.treatment.tool import load_forecaster

    out = out or file.with_suffix(".forecast.csv")
    plans = chosen_plans(plan or [])
    counts = forecast_file(load_forecaster(), file, out, plans, horizon)
    typer.echo(
        f"{counts['ok']} patients forecast, {counts['abstained']} declined, {counts['error']} with "
        f"errors: {out}"
    )
    lacking, unread = treatment_columns(file)
    if lacking:
        typer.echo(f"Not in the file, taken as never given: {', '.join(lacking)}.")
    if unread:
        typer.echo(f"Not read: {', '.join(unread)}.")
    for caution in (report.VOLUMES, report.SPACING, report.ORIGIN, report.RESEARCH_USE):
        typer.echo(caution)
