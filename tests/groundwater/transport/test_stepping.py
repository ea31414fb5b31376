"""Time steps: bounds that hold, and steps of before that still end where they did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.groundwater.model import Period
from mhx.groundwater.transport.config import TransportTime
from mhx.groundwater.transport.stepping import courant_of, refined, turnover

PERIODS = st.builds(
    Period,
    length=st.floats(0.1, 1e4),
    steps=st.integers(1, 30),
    multiplier=st.one_of(st.just(1.0), st.floats(0.5, 2.0)),
)


def ends(period: Period) -> np.ndarray:
    lengths = period.multiplier ** np.arange(period.steps)
    return period.length * np.cumsum(lengths) / lengths.sum()


@given(PERIODS, st.floats(0.01, 3.0))
def test_refined_steps_are_short_enough_and_end_where_steps_ended(
    period: Period, share: float
) -> None:
    longest = share * period.length
    finer = refined(period, longest)
    assert finer.length == period.length and finer.steps % period.steps == 0
    assert np.diff(ends(finer), prepend=0.0).max() <= longest * (1 + 1e-6)
    parts = finer.steps // period.steps
    np.testing.assert_allclose(ends(finer)[parts - 1 :: parts], ends(period), rtol=1e-9)


@given(PERIODS)
def test_steps_that_are_short_enough_stay(period: Period) -> None:
    assert refined(period, period.length) == period


def test_no_more_steps_are_made_than_are_needed() -> None:
    period = Period(length=10.0, steps=1, multiplier=1.0)
    assert refined(period, 2.0).steps == 5
    assert refined(period, 1.99).steps == 6


@pytest.mark.parametrize(
    ("time", "courant"),
    [({}, 0.5), ({"courant": 2.0}, 2.0), ({"steps": 7}, None)],
)
def test_steps_or_a_courant_number(time: dict[str, float], courant: float | None) -> None:
    assert courant_of(TransportTime(**time)) == courant


def test_dry_cells_are_not_flushed() -> None:
    outflow, water = np.array([2.0, 0.0, 1.0]), np.array([4.0, 0.0, 10.0])
    assert turnover(outflow, water) == 0.5
    assert turnover(outflow[1:2], water[1:2]) == 0.0
