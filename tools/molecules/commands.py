"""The generator on the command line: sample, measure, train."""

from pathlib import Path
from typing import Annotated

import typer

from consilium.tools.contract import ToolError

_MOST = 10_000_000
_AT_ONCE = 1024


def sample(
    n: Annotated[int, typer.Argument(help="How many molecules.")],
    out: Annotated[Path, typer.Option(help="Where to write them, one SMILES a line.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same molecules.")] = 0,
) -> None:
    """Draw molecules from the generator, as MOSES asks for them: none sorted out."""
    from tqdm import tqdm

    from consilium.tools.molecules.generator import MoleculeGenerator

    if not 1 <= n <= _MOST:
        raise ToolError(f"The number of molecules must be from 1 to {_MOST:,}, not {n}.")
    if seed < 0:
        raise ToolError("The seed must be 0 or a whole number above it.")
    if not out.parent.is_dir():
        raise ToolError(f"The folder of {out.name} does not exist.")
    generator = MoleculeGenerator.load()
    partial = out.with_name(out.name + ".part")
    with partial.open("w", encoding="utf-8") as lines, tqdm(total=n, unit="molecule") as progress:
        for number, start in enumerate(range(0, n, _AT_ONCE)):
            count = min(_AT_ONCE, n - start)
            # One seed per part, so that few molecules are the first of many.
            found = generator.sample(_AT_ONCE, seed * 1_000_003 + number)[:count]
            lines.writelines(f"{smiles}\n" for smiles in found)
            progress.update(count)
    partial.replace(out)
    typer.echo(f"{n} molecules are in {out}.")


def eval_molecules(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="SMILES.")],
    train: Annotated[Path, typer.Option(exists=True, help="The MOSES training set.")],
    test: Annotated[Path, typer.Option(exists=True, help="The MOSES test set.")],
    scaffolds: Annotated[Path | None, typer.Option(exists=True, help="The scaffold test set.")] = (
        None
    ),
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON here.")] = None,
    mcf: Annotated[
        Path | None, typer.Option(exists=True, help="mcf.csv of the package molsets, for Filters.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(exists=True, help="Weights folder whose card gets the figures.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps the statistics of the test sets.")
    ] = None,
) -> None:
    """Measure molecules as MOSES does, beside the published figures."""
    from consilium.tools.home import data_home
    from consilium.tools.molecules.card import Card, Figures
    from consilium.tools.molecules.evaluate import as_text, evaluate

    outcome = evaluate(file, train, test, scaffolds, cache or data_home() / "molecules", mcf)
    if report:
        report.write_text(outcome.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if card:
        figures = Figures(
            command="consilium eval molecules FILE --train F --test F --scaffolds F --mcf F",
            molecules=outcome.molecules,
            notes=outcome.notes,
            values=outcome.figures,
        )
        Card.read(card).with_figures("MOSES", figures).save(card)
    typer.echo(as_text(outcome))


def train_molecules(
    config: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The run's YAML.")],
    train: Annotated[Path, typer.Option(exists=True, help="Molecules to learn from.")],
    run: Annotated[Path, typer.Option(help="Folder of the run; give it again to resume.")],
    out: Annotated[
        Path | None, typer.Option(help="Where weights and card go; default: the shipped ones.")
    ] = None,
) -> None:
    """Train the molecule generator, or go on where a run stopped."""
    from consilium.tools.molecules.card import WEIGHTS
    from consilium.tools.molecules.train import train as fit

    card = fit(config, train, run, out or WEIGHTS)
    typer.echo(f"Trained; {card.rebuilt:.1%} of molecules are rebuilt. Measure: eval molecules.")
