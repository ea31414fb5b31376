"""Balances per period, worked out by hand; grades on their bounds."""

import math

import pytest

from mhx.groundwater.comparison.closures import Closure, closures_of, metrics_of, summary_of

from .made import budget, flow, solute, solved

AREA = 800.0  # m2 of the mesh


def closure(relative: float, mm_d: float = math.inf, balance: str = "water") -> Closure:
    """A balance that loses this share of 1 m3/s."""
    return Closure(
        simulation="a", balance=balance, period=1, inward=1.0, outward=1.0 - relative,
        residual=relative, residual_mm_d=mm_d if balance == "water" else math.nan, terms={},
    )  # fmt: skip


GRADES = {
    "well below": (closure(1e-9), 0),
    "on the first bound": (closure(1e-3), 0),
    "just above it": (closure(1.1e-3), 1),
    "on the second bound": (closure(1e-2), 1),
    "above": (closure(1.1e-2), 2),
    "much of the throughput, little by itself": (closure(0.5, mm_d=1e-3), 0),
    "little enough for a warning": (closure(0.5, mm_d=-5e-3), 1),
    "too much of either": (closure(0.5, mm_d=0.1), 2),
    "a solute has no depth": (closure(0.5, balance="solute"), 2),
}


@pytest.mark.parametrize(("one", "grade"), GRADES.values(), ids=GRADES)
def test_a_grade_stands_for_its_bounds(one: Closure, grade: int) -> None:
    assert one.grade == grade


def test_water_is_everything_in_less_everything_out_of_each_period() -> None:
    """Period 1: two steps of 1 and 3 days; rows of single boundaries are parts of a component."""
    rows = budget(
        (0, "rcha", "", 4.0, 0.0), (0, "chd", "", 0.0, 3.0), (0, "sto-ss", "", 0.0, 1.0),
        (1, "rcha", "", 4.0, 0.0), (1, "chd", "", 0.0, 4.0), (1, "chd", "east", 0.0, 4.0),
        (2, "rcha", "", 1.0, 0.0), (2, "chd", "", 0.5, 1.1),
    )  # fmt: skip
    run = solved("a", flow(0.0, times=(1.0, 4.0, 5.0), periods=[1, 1, 2], rows=rows))
    first, second = closures_of(run)
    assert (first.period, first.inward, first.outward) == (1, 4.0, 4.0)
    assert first.terms == {"chd": -3.75, "rcha": 4.0, "sto-ss": -0.25}
    assert second.residual == pytest.approx(0.4)
    assert second.residual_mm_d == pytest.approx(0.4 / AREA * 86400e3)
    assert second.relative == pytest.approx(0.4 / 1.5)


def test_a_solute_is_kept_apart_from_water() -> None:
    rows = budget((0, "chd", "", 2.0, 0.5), (0, "decay", "", 0.0, 0.5), (0, "storage", "", 0, 0.8))
    run = solved(
        "a",
        flow(0.0, rows=budget((0, "chd", "", 1.0, 1.0))),
        transport=solute([[[0.0] * 8]], [1.0], rows),
    )
    found = closures_of(run)
    assert [one.balance for one in found] == ["water", "solute"]
    assert found[1].unit == "kg/s" and found[1].residual == pytest.approx(0.2)
    assert math.isnan(found[1].residual_mm_d)
    told = metrics_of(found)
    assert told["closure_m3_s"] == 0.0
    assert told["solute_closure_relative"] == pytest.approx(0.1)
    assert summary_of(found)["closure_max_abs_m3_s"] == 0.0
    assert summary_of(found)["closure_status_code"] == 2  # the solute's


def test_an_engine_without_a_balance_tells_none() -> None:
    found = closures_of(solved("exact", flow(0.0)))
    assert found == [] and metrics_of(found) == {}
    assert all(math.isnan(value) for value in summary_of(found).values())


def test_the_95th_percentile_is_over_methods_and_periods() -> None:
    found = [closure(share / 100) for share in range(101)]
    assert summary_of(found)["closure_relative_error_p95"] == pytest.approx(0.95)


def test_nothing_flows_and_nothing_is_lost() -> None:
    idle = Closure(
        simulation="a", balance="water", period=1, inward=0.0, outward=0.0, residual=0.0,
        residual_mm_d=0.0, terms={},
    )  # fmt: skip
    assert (idle.relative, idle.grade) == (0.0, 0)
