"""Units of a model, and the ends of its time steps."""

from pathlib import Path

import pytest

from mhx.groundwater.existing.quantities import LENGTHS, TIMES, Measures, step_ends
from mhx.groundwater.existing.reading import Period, Tdis


def tdis(*periods: tuple[float, int, float]) -> Tdis:
    return Tdis(
        file=Path("own.tdis"),
        time_unit="hours",
        start=None,
        periods=tuple(Period(length=a, steps=b, multiplier=c) for a, b, c in periods),
        ats=False,
    )


def test_steps_of_a_period_are_a_geometric_series_that_fills_it() -> None:
    ends = step_ends(tdis((1.0, 1, 1.0), (14.0, 3, 2.0)), 0.5)
    assert list(ends) == [(1, 1), (2, 1), (2, 2), (2, 3)]
    assert list(ends.values()) == pytest.approx([0.5, 1.5, 3.5, 7.5])


def test_a_period_without_length_ends_where_it_began() -> None:
    assert step_ends(tdis((0.0, 1, 1.0), (2.0, 1, 1.0)), 1.0) == {(1, 1): 0.0, (2, 1): 2.0}


def test_discharge_follows_from_length_and_time() -> None:
    feet = Measures(length=LENGTHS["feet"], time=TIMES["days"])
    assert feet.discharge == pytest.approx(0.3048**3 / 86_400)
    assert feet.days == 1.0


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400), ("years", 31_557_600)],
)
def test_units_of_time_are_those_of_modflow(unit: str, seconds: float) -> None:
    assert TIMES[unit] == seconds
