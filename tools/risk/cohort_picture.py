"""A cohort at a glance: how risk spreads in women and men, and how it rises with age."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from consilium.tools.risk.cohort_file import HEADLINE, LEARNED, Tally

_COLOURS = {"women": "#D55E00", "men": "#0072B2"}  # told apart by colour-blind readers too
_WIDEST = 50  # percent; the rest is counted at the end
_BANDS = range(30, 80, 10)
_TITLES = {
    HEADLINE: "Total cardiovascular disease in 10 years, PREVENT base model",
    LEARNED: "Cardiovascular death in 10 years, learned model",
}


def draw(tally: Tally, path: Path) -> None:
    """Write the picture as a PNG; people without an estimate are counted in its title."""
    percent = 100 * np.concatenate(tally.risks)
    female, age = np.concatenate(tally.female), np.concatenate(tally.age)
    known = np.isfinite(percent)
    groups = {"women": known & female, "men": known & ~female}
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    edges = np.linspace(0, _WIDEST, 51)
    for shift, (name, rows) in zip((-0.2, 0.2), groups.items(), strict=True):
        colour = _COLOURS[name]
        left.hist(
            percent[rows].clip(0, _WIDEST),
            edges,
            histtype="step",
            color=colour,
            label=f"{name} (n = {int(rows.sum()):,})",
        )
        bands = [percent[rows & (age >= start) & (age < start + 10)] for start in _BANDS]
        right.boxplot(
            bands,
            positions=np.arange(len(bands)) + shift,
            widths=0.3,
            showfliers=False,
            boxprops={"color": colour},
            medianprops={"color": colour, "linewidth": 2},
            whiskerprops={"color": colour},
            capprops={"color": colour},
        )
    left.set(xlabel="10-year risk, %", ylabel="people", xlim=(0, _WIDEST))
    left.set_xticks(range(0, _WIDEST + 1, 10), [*map(str, range(0, _WIDEST, 10)), f"{_WIDEST}+"])
    left.legend(frameon=False)
    right.set_xticks(range(len(_BANDS)), [f"{start} to {start + 9}" for start in _BANDS])
    right.set(xlabel="age, years", ylabel="10-year risk, % (median, quartiles)")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"{_TITLES[tally.headline]}: {int(known.sum()):,} of {tally.rows:,} people",
        fontsize="medium",
    )
    figure.savefig(path, dpi=120)
