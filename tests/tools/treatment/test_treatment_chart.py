"""The picture and the explanation."""

import numpy as np
import pytest
from PIL import Image

from consilium.tools.treatment.chart import draw
from consilium.tools.treatment.explain import Influence, influence
from consilium.tools.treatment.history import History
from consilium.tools.treatment.trajectory import Trajectory


def history(volumes, chemo=(), radio=()):
    treatments = np.zeros((len(volumes), 2))
    treatments[[v - 1 for v in chemo], 0] = 1
    treatments[[v - 1 for v in radio], 1] = 1
    return History(np.array(volumes, float), treatments)


@pytest.mark.parametrize(
    ("past", "horizon"),
    [
        (history([12.1, 14.0, 15.2], chemo=[2], radio=[2, 3]), 6),
        (history(np.linspace(1, 1100, 60), chemo=range(1, 61, 5)), 1),
        (history([0.01, 0.011]), 6),
    ],
)
def test_any_history_is_drawn_readably(tmp_path, past, horizon):
    last = past.volumes[-1]
    trajectories = [
        Trajectory(
            plan, [last * f**k for k in range(horizon)], [0.0] * horizon, [2 * last] * horizon
        )
        for plan, f in (("none", 1.05), ("radiotherapy", 0.3), ("chemoradiotherapy", 0.2))
    ]
    zeros = np.zeros(past.visits)
    draw(past, trajectories, Influence(zeros, zeros), tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as picture:
        picture.load()
        assert picture.size == (1100, 770)


def test_influence_is_what_the_forecast_changes_by():
    """A forecast that is the last volume, less a fifth for each past radiotherapy."""

    def forecast(volumes, treatments):
        return volumes[:, -1] * 0.8 ** treatments[:, :, 1].sum(axis=1)

    measured = influence(history([10, 20, 40], chemo=[1], radio=[2]), forecast)
    assert measured.volume == pytest.approx([0, 0, 0.5])
    assert measured.treatment == pytest.approx([0, 0.25, 0])
    assert measured.most_telling == "visit 3 (its volume)"
    measured = influence(history([10, 10, 10], radio=[2]), forecast)
    assert measured.most_telling == "visit 2 (its treatment)"
