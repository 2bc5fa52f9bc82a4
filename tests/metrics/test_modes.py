"""Modes covered and good samples, where both are known."""

import math

import numpy as np
import pytest

from jaxgan.data import Points
from jaxgan.errors import UserError
from jaxgan.metrics.modes import PROTOCOL_SAMPLES, Modes, modes_covered

GRID, RING = Points(distribution="grid"), Points(distribution="ring")


def test_centres():
    assert modes_covered(GRID.modes, GRID) == Modes(covered=25, of=25, good=1.0)
    assert modes_covered(RING.modes[:3], RING) == Modes(covered=3, of=8, good=1.0)
    assert str(modes_covered(RING.modes[:3], RING)) == "3 of 8 modes, 100.0% good samples"


def test_three_deviations():
    near, far = (GRID.modes[7] + [scale * GRID.deviation, 0] for scale in (2.99, 3.01))
    assert modes_covered(near[None], GRID) == Modes(covered=1, of=25, good=1.0)
    assert modes_covered(far[None], GRID) == Modes(covered=0, of=25, good=0.0)
    assert modes_covered(np.stack([near, far, far, far]), GRID) == Modes(covered=1, of=25, good=0.25)


@pytest.mark.parametrize("data", [GRID, RING])
def test_the_data_itself(data):
    found = modes_covered(data.draw(PROTOCOL_SAMPLES, np.random.default_rng(5)), data)
    assert found.covered == found.of == len(data.modes)
    assert found.good == pytest.approx(1 - math.exp(-9 / 2), abs=0.01)


def test_points_that_went_astray():
    assert modes_covered(np.full((4, 2), np.nan), RING) == Modes(covered=0, of=8, good=0.0)


def test_what_has_no_modes():
    with pytest.raises(UserError, match=r"swiss_roll has no modes.* ring or grid"):
        modes_covered(np.zeros((3, 2)), Points(distribution="swiss_roll"))
    with pytest.raises(UserError, match=r"shape \[3, 8, 8, 1\]"):
        modes_covered(np.zeros((3, 8, 8, 1)), GRID)
