"""The published table in its own protocol: a training for each confounding and seed, then its test sets.

`python -m consilium.tools.treatment.table --run DIR` goes on where it was stopped, and writes the table into the
shipped card. One training of it is `consilium eval treatment --gamma G --seed S --train`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
import yaml

from consilium.tools.treatment.card import WEIGHTS, Card, TableRow
from consilium.tools.treatment.evaluate import Comparison, Report, evaluate
from consilium.tools.treatment.fit import FitConfig, fit
from consilium.tools.treatment.protocol import GAMMAS, SEEDS, TEST, benchmark

CONFIG = Path(__file__).parent / "configs" / "table.yaml"
_COMMAND = "python -m consilium.tools.treatment.table --run DIR"


def train_and_evaluate(gamma: float, seed: int, run: Path, patients: int = TEST) -> Report:
    """One training on the benchmark's own patients, measured on its test sets."""
    drawn = benchmark(gamma, seed, test=patients)
    config = FitConfig.model_validate(yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
    network = fit(config, drawn.train, drawn.val, run)
    trained_on = f"the {len(drawn.train):,} training patients of this confounding and seed"
    return evaluate(network, trained_on, gamma, seed, drawn)


def summarise(reports: Iterable[Report]) -> list[TableRow]:
    """Mean and standard deviation over the seeds of each figure that others published."""
    groups: dict[tuple[float, str, int], list[tuple[int, Comparison]]] = {}
    for report in reports:
        for row in report.comparisons:
            key = (report.gamma, row.setting, row.ahead)
            groups.setdefault(key, []).append((report.seed, row))
    table = []
    for (gamma, setting, ahead), found in sorted(groups.items()):
        values = np.array([row.value for _, row in found])
        first = found[0][1]
        table.append(
            TableRow(
                gamma=gamma,
                setting=setting,
                ahead=ahead,
                seeds=[seed for seed, _ in found],
                mean=float(values.mean()),
                sd=float(values.std()),
                oracle=float(np.mean([row.oracle for _, row in found])),
                best=first.best,
                best_mean=first.best_mean,
                best_sd=first.best_sd,
            )
        )
    return table


def as_text(table: list[TableRow]) -> str:
    """The table for a terminal."""
    lines = [
        f"{'gamma':>5}  {'plans':20}{'ahead':>5}{'seeds':>6}{'ours':>16}{'best published':>34}{'oracle':>8}"
    ]
    for row in table:
        ours = f"{row.mean:.3f} +- {row.sd:.3f}"
        best = f"{row.best_mean:.3f} +- {row.best_sd:.3f} ({row.best})"
        name = row.setting.replace("_", " ")
        lines.append(
            f"{row.gamma:>5g}  {name:20}{row.ahead:>5}{len(row.seeds):>6}{ours:>16}{best:>34}{row.oracle:>8.3f}"
        )
    return "\n".join(lines)


def main(
    run: Annotated[Path, typer.Option(help="Folder for the reports, to go on from.")],
    gamma: Annotated[
        list[float] | None, typer.Option(help="Confoundings; default: 0 to 4.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds; default: the paper's.")] = None,
    card: Annotated[Path, typer.Option(help="Folder of the card to write into.")] = WEIGHTS,
) -> None:
    """Train and measure what is missing; then write the table into the card."""
    run.mkdir(parents=True, exist_ok=True)
    for one_gamma in gamma or GAMMAS:
        for one_seed in seed or SEEDS:
            file = run / f"gamma-{one_gamma:g}-seed-{one_seed}.json"
            if not file.exists():
                report = train_and_evaluate(one_gamma, one_seed, run / file.stem)
                file.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    reports = [
        Report.model_validate_json(file.read_text(encoding="utf-8"))
        for file in sorted(run.glob("gamma-*.json"))
    ]
    table = summarise(reports)
    shipped = Card.read(card).model_copy(update={"table_command": _COMMAND, "table": table})
    shipped.save(card)
    typer.echo(as_text(table))


if __name__ == "__main__":
    typer.run(main)
