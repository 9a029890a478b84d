"""The picture that goes with a forecast: the past, every plan with its band, and what the forecast rests on.

Colours are those of Okabe and Ito, told apart by the colour-blind; each plan also has a marker of its own.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from consilium.tools.treatment import report
from consilium.tools.treatment.contract import Plan
from consilium.tools.treatment.explain import Influence
from consilium.tools.treatment.history import CHEMOTHERAPY, RADIOTHERAPY, History
from consilium.tools.treatment.trajectory import Trajectory, by_volume

_PAST = "#000000"
_LOOKS: dict[Plan, tuple[str, str]] = {  # colour and marker
    "none": ("#D55E00", "s"),
    "chemotherapy": ("#0072B2", "^"),
    "radiotherapy": ("#CC79A7", "D"),
    "chemoradiotherapy": ("#009E73", "o"),
}
_TREATMENTS = (
    (CHEMOTHERAPY, "C", "#0072B2", 0.035),
    (RADIOTHERAPY, "R", "#CC79A7", 0.085),
)
_WIDTH, _HEIGHT, _DPI = 10.0, 7.0, 110
_SHIFT = 0.07  # of a visit, so that the plans' bars do not cover each other
_LOGARITHMIC_FROM = 30.0  # largest volume over smallest
_SHOWN_FLOOR = 0.01  # cm3; a band that reaches zero ends here on a logarithmic axis
_MANY_VISITS = 25


def draw(
    history: History, trajectories: Sequence[Trajectory], influence: Influence, path: Path
) -> None:
    """Write the PNG.

    Parameters
    ----------
    trajectories : the forecast of each plan, all of one horizon.
    influence : of each past visit on the forecast of the plan with the smallest volume.
    """
    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    ranked = by_volume(trajectories)
    _draw_volumes(upper, history, ranked)
    _draw_influence(lower, history, influence, ranked[0].plan)
    figure.legend(
        handles=upper.get_legend_handles_labels()[0][::-1],  # smallest volume first
        title=f"Volume {report.ahead(ranked[0].horizon)}, cm³ (90 % interval), if that is given at "
        "every visit from the last measured one on",
        title_fontsize=11,
        fontsize=11,
        loc="outside upper left",
        alignment="left",
        ncols=2,
        frameon=False,
    )
    figure.savefig(path)


def _draw_volumes(axes: Axes, history: History, ranked: Sequence[Trajectory]) -> None:
    visits = np.arange(1, history.visits + 1)
    marker_size = 6 if history.visits <= _MANY_VISITS else 3
    axes.plot(visits, history.volumes, color=_PAST, marker="o", markersize=marker_size, lw=2)
    ahead = np.arange(history.visits, history.visits + ranked[0].horizon + 1)
    for place, trajectory in enumerate(reversed(ranked)):  # from the top down, as on the page
        colour, marker = _LOOKS[trajectory.plan]
        shifted = ahead + _SHIFT * (place - (len(ranked) - 1) / 2)
        shifted[0] = history.visits
        low, middle, high = (
            np.array([history.volumes[-1], *values], float)
            for values in (trajectory.low, trajectory.volumes, trajectory.high)
        )
        axes.fill_between(shifted, low, high, color=colour, alpha=0.12, lw=0)
        axes.vlines(shifted[1:], low[1:], high[1:], color=colour, lw=1.6)
        axes.plot(
            shifted,
            middle,
            color=colour,
            marker=marker,
            markevery=slice(1, None),
            markersize=7,
            lw=2,
            label=f"{report.PLAN_NAMES[trajectory.plan]}: {report.volume(trajectory.end)} "
            f"({report.span(trajectory)})",
        )
    axes.axvline(history.visits, color="0.6", lw=1, ls=":")
    _scale(axes, history, ranked)
    _mark_treatments(axes, history)
    axes.set_ylabel("tumour volume, cm³", fontsize=12)
    axes.grid(axis="y", color="0.9")
    axes.tick_params(labelsize=11)


def _scale(axes: Axes, history: History, trajectories: Sequence[Trajectory]) -> None:
    middles = np.concatenate([history.volumes, *(t.volumes for t in trajectories)])
    if middles.max() > _LOGARITHMIC_FROM * middles.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylim(bottom=max(_SHOWN_FLOOR, 0.5 * float(middles.min())))
    else:
        axes.set_ylim(bottom=0)


def _mark_treatments(axes: Axes, history: History) -> None:
    """Letters along the lower edge where a treatment was given; they are explained on the axis below."""
    for column, letter, colour, height in _TREATMENTS:
        for visit in (np.flatnonzero(history.treatments[:, column]) + 1).tolist():
            axes.text(
                visit,
                height,
                letter,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="center",
                fontsize=9,
                fontweight="bold",
                color="white",
                bbox={"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"},
            )


def _draw_influence(axes: Axes, history: History, influence: Influence, plan: Plan) -> None:
    visits = np.arange(1, history.visits + 1)
    axes.bar(visits - 0.17, 100 * influence.volume, 0.32, color="0.25", label="volume")
    axes.bar(visits + 0.17, 100 * influence.treatment, 0.32, color="0.65", label="treatment")
    axes.set_ylabel("change of\nforecast, %", fontsize=11)
    axes.set_xlabel(
        "visit (one day apart in the simulator).   C chemotherapy, R radiotherapy given at that visit",
        fontsize=11,
    )
    axes.set_title(
        f"How much the forecast under {report.PLAN_NAMES[plan]} changes without a visit's volume or treatment",
        fontsize=11,
        loc="left",
    )
    axes.legend(fontsize=9, loc="best", framealpha=0.9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=20))
    axes.set_xlim(left=0.5)
    axes.tick_params(labelsize=11)
