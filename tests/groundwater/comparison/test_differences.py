"""Values are paired by time and index or not at all; six numbers say how far pairs are apart."""

import math

import numpy as np
import pytest

from mhx.groundwater.comparison.config import Observable
from mhx.groundwater.comparison.differences import Matched, match, statistics
from mhx.groundwater.comparison.observables import Values

POINT = Observable(name="wells", variable="head", support="point", x=[1.0, 2.0], y=[0.0, 0.0])


def values(
    name: str, times: list[float], numbers: list[list[float]], weights=None, **more
) -> Values:
    table = np.array(numbers, float)
    width = table.shape[1]
    return Values(
        simulation=name,
        observable=POINT,
        time_d=np.array(times),
        x=np.arange(width, dtype=float),
        y=np.zeros(width),
        values=table,
        weights=np.ones(width) if weights is None else np.array(weights, float),
        **more,
    )


def test_a_positive_difference_is_a_method_that_is_too_high() -> None:
    found = match(values("a", [1.0], [[3.0, 5.0]]), values("ref", [1.0], [[2.0, 5.0]]))
    assert found.difference.tolist() == [1.0, 0.0]
    assert statistics(found)["bias"] == 0.5


def test_statistics_are_those_worked_out_by_hand() -> None:
    found = match(
        values("a", [1.0], [[3.0, 1.0, 0.0]], weights=[1.0, 1.0, 2.0]),
        values("ref", [1.0], [[2.0, 3.0, 0.0]]),
    )
    assert statistics(found) == {
        "n_pairs": 3,
        "bias": pytest.approx(-0.25),  # (1 - 2 + 0)/4
        "mae": pytest.approx(0.75),
        "rmse": pytest.approx(math.sqrt(5 / 4)),
        "max_abs_error": 2.0,
        "mean_relative_error": pytest.approx((1 / 2 + 2 / 3) / 2),  # where the reference is not 0
    }


def test_times_that_differ_by_single_precision_are_one_time() -> None:
    ours = values("a", [float(np.float32(0.1)), 1.0], [[1.0], [2.0]])
    found = match(ours, values("ref", [0.1, 1.0], [[1.0], [1.0]]))
    assert found.difference.tolist() == [0.0, 1.0]
    assert found.n_unmatched == 0


def test_nothing_is_matched_by_being_near() -> None:
    found = match(
        values("a", [0.5, 1.0, 1.5], [[1.0], [2.0], [3.0]]),
        values("ref", [0.6, 1.0], [[1.0], [1.0]]),
    )
    assert found.at.tolist() == [[1, 0]]
    assert found.n_unmatched == 3  # two of a, one of the reference
    assert found.why == ("1 of the times are in both: 3 in a, 2 in ref",)


def test_a_missing_value_leaves_its_partner_unmatched_and_says_why() -> None:
    ours = values(
        "a", [1.0], [[math.nan, 2.0]], missing=("1 of 2 points have no value: dry cells",)
    )
    found = match(ours, values("ref", [1.0], [[1.0, 1.0]]))
    assert (found.difference.tolist(), found.n_unmatched) == ([1.0], 1)
    assert found.why == ("a: 1 of 2 points have no value: dry cells",)


def test_without_a_pair_there_is_no_number() -> None:
    found = match(values("a", [2.0], [[1.0]]), values("ref", [1.0], [[1.0]]))
    numbers = statistics(found)
    assert numbers.pop("n_pairs") == 0
    assert all(math.isnan(value) for value in numbers.values())


def test_a_time_is_used_once() -> None:
    """Two steps within the slack of one step of the reference: the second has no partner."""
    found: Matched = match(
        values("a", [1.0, 1.0 + 1e-9], [[1.0], [2.0]]), values("ref", [1.0], [[0.0]])
    )
    assert found.value.tolist() == [1.0]
    assert found.n_unmatched == 1
