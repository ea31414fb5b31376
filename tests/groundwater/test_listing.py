"""Listings with numbers that fill their places, or do not fit into them."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from mhx.groundwater import listing
from mhx.groundwater.listing import Listing

OUTER = " Model                              1          2      -3.4707066       *\n"


def fortran(number: int, width: int) -> str:
    """As Fortran prints a whole number: stars where it has too many digits."""
    text = str(number)
    return "*" * width if len(text) > width else text.rjust(width)


def told(
    folder: Path,
    steps: Sequence[tuple[int, int]],
    percents: Sequence[str] | None = None,
    failed: tuple[int, int] | None = None,
) -> Listing:
    """What is read of the listings that MODFLOW 6 would leave of these (period, step)."""
    iterations, balances = "", ""
    for number, (period, step) in enumerate(steps):
        iterations += (
            f"    Solving:  Stress period: {fortran(period, 5)}    Time step: {fortran(step, 5)}\n"
            f"\n{OUTER}"
        )
        if (period, step) == failed:
            place = f"IN TIME STEP {step} OF STRESS PERIOD {period}"
            balances += f"\n         ****{listing.FAILED} {place}****\n"
        percent = percents[number] if percents else "0.00"
        balances += (
            f"  VOLUME BUDGET FOR ENTIRE MODEL AT END OF TIME STEP{fortran(step, 5)}"
            f", STRESS PERIOD{fortran(period, 4)}\n"
            f" PERCENT DISCREPANCY ={percent:>15}     PERCENT DISCREPANCY ={percent:>15}\n"
        )
    (folder / "mfsim.lst").write_text(f"{iterations} {listing.NORMAL}\n")
    (folder / "flow.lst").write_text(balances)
    return listing.read(folder / "mfsim.lst", folder / "flow.lst")


@pytest.mark.parametrize(
    "steps",
    [
        [(1, step) for step in (9_998, 9_999, 10_000, 10_001)],
        [(1, step) for step in (99_998, 99_999, 100_000, 100_001)],
        [(period, step) for period in range(998, 1_002) for step in (1, 2)],
        [(period, step) for period in range(9_998, 10_002) for step in (1, 2)],
        [(9_999, 99_999), (9_999, 100_000), (10_000, 1), (10_000, 2), (10_001, 1)],
    ],
    ids=["steps of 5 digits", "steps of 6", "periods of 4", "periods of 5", "both"],
)
def test_every_step_has_its_own_balance(steps: list[tuple[int, int]], tmp_path: Path) -> None:
    """MODFLOW prints no blank before a number that fills its place, and stars beyond."""
    percents = [f"{0.01 * number:.2f}" for number in range(len(steps))]
    found = told(tmp_path, steps, percents, failed=steps[-1])
    assert [(step.period, step.step) for step in found.steps] == steps
    assert [step.percent_step for step in found.steps] == [float(text) for text in percents]
    assert [step.converged for step in found.steps] == [True] * (len(steps) - 1) + [False]


@pytest.mark.parametrize("printed", ["*" * 15, "NaN", "Infinity"])
def test_a_percentage_that_is_no_number_is_none(printed: str, tmp_path: Path) -> None:
    found = told(tmp_path, [(1, 1), (1, 2)], ["0.00", printed])
    assert found.steps[0].percent_step == 0
    assert not math.isfinite(found.steps[1].percent_step)
    assert not math.isfinite(found.steps[1].percent_cumulative)


def test_the_line_of_each_step_is_that_of_its_last_iteration(tmp_path: Path) -> None:
    found = told(tmp_path, [(1, step) for step in range(1, 50)])
    lines = (tmp_path / "mfsim.lst").read_text().splitlines()
    assert all(lines[step.line - 1] == OUTER.rstrip("\n") for step in found.steps)
    assert len({step.line for step in found.steps}) == 49
