"""The picture that goes with an estimate: from the average person to this one, value by value."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from consilium.tools.risk.report import Driver

_UP, _DOWN, _SUM = "#b2412f", "#2f6db2", "#555555"
_DPI = 110


def draw(base: float, drivers: Sequence[Driver], title: str, path: Path) -> None:
    """Write a PNG of percentages.

    Parameters
    ----------
    base : mean risk of the people compared with, in percent.
    drivers : every contribution, strongest first.
    title : what is estimated.
    """
    figure = Figure(figsize=(8.2, 1.6 + 0.42 * (len(drivers) + 2)), dpi=_DPI)
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    at = highest = base
    labels = ["average US adult without CVD"]
    axes.barh(0, base, color=_SUM)
    axes.text(base, 0, f" {base:.1f} %", va="center", fontsize=9)
    for place, driver in enumerate(drivers, start=1):
        axes.barh(place, driver.points, left=at, color=_UP if driver.points > 0 else _DOWN)
        end = max(at, at + driver.points)
        highest = max(highest, end)
        axes.text(end, place, f" {driver.points:+.1f}", va="center", fontsize=9)
        axes.plot([at, at], [place - 1.4, place + 0.4], color=_SUM, linewidth=0.6)
        at += driver.points
        labels.append(driver.value)
    labels.append("this person")
    axes.barh(len(drivers) + 1, at, color=_SUM)
    axes.text(at, len(drivers) + 1, f" {at:.1f} %", va="center", fontsize=9, weight="bold")
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(min(0, axes.get_xlim()[0]), 1.15 * highest)
    axes.set_xlabel("risk, %")
    axes.set_title(title, fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, bbox_inches="tight")
