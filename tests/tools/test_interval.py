"""The interval of a share against published values."""

import pytest

from consilium.tools.interval import wilson


def test_wilson() -> None:
    # Newcombe 1998, Stat Med 17:857, table I, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 5) == pytest.approx((0, 0.4345), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
