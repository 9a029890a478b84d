"""The risk predictor on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from consilium.tools.contract import ToolError

_REASONS_SHOWN = 6


def risk(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV of a cohort, a person a row.")
    ],
    out: Annotated[Path, typer.Option(help="Where to write the CSV with the estimates.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Cardiovascular risk of every person in a CSV; a summary picture is drawn beside the output.

    Columns read: age, sex, total_cholesterol, hdl_cholesterol, systolic_bp, cholesterol_unit, bp_treated, diabetes,
    smoker, statin, egfr, bmi; optional hba1c (%), uacr (mg/g), sdi (decile) and race (white or black, for PCE only).
    Columns added, as fractions: prevent_MODEL_OUTCOME_YEARSy, pce_ascvd_10y, model_10y (cardiovascular death by the
    learned model); then note and error.
    """
    from consilium.tools.risk.cohort_file import HEADLINE, predict_file
    from consilium.tools.risk.cohort_picture import draw
    from consilium.tools.risk.model import LIMITS, load_model

    picture = out.with_suffix(".png")
    if picture == out:
        raise ToolError("The estimates are a CSV: give --out a name that ends in .csv.")
    model = load_model()
    out.parent.mkdir(parents=True, exist_ok=True)
    tally = predict_file(file, out, model.predict_10y, LIMITS, quiet=quiet)
    draw(tally, picture)
    typer.echo(
        f"{tally.rows:,} rows: {tally.rows - tally.refused - tally.partial:,} without an error, "
        f"{tally.partial:,} with some estimates missing, {tally.refused:,} without any estimate."
    )
    if tally.unasked:
        typer.echo(f"Not in the file, taken as no: {', '.join(tally.unasked)}.")
    if tally.unread:
        typer.echo(f"Kept and not read: {', '.join(tally.unread)}.")
    if tally.headline != HEADLINE:
        typer.echo("PREVENT needs a column egfr, which the file has not.")
    if tally.reasons:
        counted = tally.reasons.most_common(_REASONS_SHOWN)
        typer.echo("Errors by column: " + ", ".join(f"{name} {n:,}" for name, n in counted) + ".")
    typer.echo(f"Estimates: {out}; picture: {picture}. Research use only.")


def eval_risk(
    cohort: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="CSV of a cohort with its outcome.")
    ],
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON here.")] = None,
) -> None:
    """Measure the learned model, its rivals and the equations on one cohort, all on the same people.

    Read are NHANES with linked deaths, WCGS, Framingham, or the contract's columns with `years` (of follow-up),
    `event` (1 or 0) and, where known, `died` (1 where death of another cause ended it).
    """
    from consilium.tools.risk.evaluate import as_text, evaluate_file
    from consilium.tools.risk.model import load_model

    found = evaluate_file(cohort, load_model())
    if report:
        report.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    typer.echo(as_text(found))


def train_risk(
    config: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="One YAML.")],
    cohort: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="NHANES with linked deaths.")
    ],
    outside: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="A cohort to measure on; repeatable."),
    ] = None,
    run: Annotated[Path, typer.Option(help="Folder of the run; give it again to resume.")] = Path(
        "runs/risk"
    ),
    weights: Annotated[
        Path | None, typer.Option(help="Where weights and card go; default: the shipped ones.")
    ] = None,
) -> None:
    """Train the learned risk model, measure it and write its weights and card."""
    from consilium.tools.risk.card import WEIGHTS
    from consilium.tools.risk.train import train

    folder = weights or WEIGHTS
    train(config, cohort, outside or [], run, folder)
    typer.echo(f"Weights and card are in {folder}.")
