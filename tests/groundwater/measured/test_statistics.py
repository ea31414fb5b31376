"""Residuals and their statistics against values worked out by hand."""

import math

import numpy as np
import pytest

from mhx.errors import ConfigError
from mhx.evidence.gates import Verdict, judge
from mhx.groundwater.measured.rows import Row, Scope
from mhx.groundwater.measured.simulated import Pair, Simulated, paired
from mhx.groundwater.measured.statistics import gates, notes, statistics
from mhx.groundwater.measured.vocabulary import OBSERVED
from mhx.groundwater.vocabulary import VOCABULARY


def row(name="b", value=0.0, **changes):
    given = {"place": ("observation", 0), "id": name, "quantity": "head", "model": None, "x": None}
    given |= {"y": None, "cell": 0, "layer": 1, "boundary": None, "time": None, "value": value}
    return Row(**{**given, "standard_deviation": None, "weight": 1.0, **changes})


def pairs(observed, simulated, weights=(1.0, 1.0, 1.0)):
    return [
        Pair(row=row(f"b{n}", o, weight=w), time_d=None, cell=0, simulated=s)
        for n, (o, s, w) in enumerate(zip(observed, simulated, weights, strict=True))
    ]


def approx(values):
    return {name: pytest.approx(value, rel=1e-14, nan_ok=True) for name, value in values.items()}


def test_unweighted():
    """r = 1/2, 0, -1; the mean of 1, 2, 4 is 7/3, their squared distances from it sum to 14/3."""
    assert statistics(pairs((1.0, 2.0, 4.0), (1.5, 2.0, 3.0))) == approx(
        {
            "head_n": 3,
            "head_n_missing": 0,
            "head_bias_m": -1 / 6,
            "head_rmse_m": math.sqrt(1.25 / 3),
            "head_scaled_rmse": math.sqrt(1.25 / 3) / 3,
            "head_r2": 1 - 1.25 / (14 / 3),
            "head_worst_residual_m": -1.0,
            "obs_b0_residual_m": 0.5,
            "obs_b1_residual_m": 0.0,
            "obs_b2_residual_m": -1.0,
        }
    )


def test_weighted():
    """w = 9, 1, 1: the mean is 15/11, sum w (o - mean)^2 = 9 + 4 + 16 - 15^2/11 = 94/11."""
    found = statistics(pairs((1.0, 2.0, 4.0), (1.5, 2.0, 3.0), (9.0, 1.0, 1.0)))
    assert found["head_bias_m"] == pytest.approx((4.5 - 1) / 11, rel=1e-14)
    assert found["head_rmse_m"] == pytest.approx(math.sqrt((9 / 4 + 1) / 11), rel=1e-14)
    assert found["head_r2"] == pytest.approx(1 - 3.25 / (94 / 11), rel=1e-14)
    assert found["head_worst_residual_m"] == 0.5  # 0.5 sqrt(9) is more than 1


def test_r2_can_be_negative():
    assert statistics(pairs((1.0, 2.0, 3.0), (9.0, 9.0, 9.0)))["head_r2"] < 0


def test_equal_observed_values_have_no_range_and_no_r2():
    found = statistics(pairs((2.0, 2.0, 2.0), (1.0, 2.0, 3.0)))
    assert math.isnan(found["head_scaled_rmse"]) and math.isnan(found["head_r2"])
    assert found["head_rmse_m"] == pytest.approx(math.sqrt(2 / 3), rel=1e-14)


def test_weight_0_is_shown_and_not_counted():
    found = statistics(pairs((1.0, 2.0, 4.0), (1.5, 2.0, 99.0), (1.0, 1.0, 0.0)))
    assert (found["head_n"], found["head_bias_m"]) == (2, 0.25)
    assert found["head_worst_residual_m"] == 0.5
    assert found["obs_b2_residual_m"] == 95.0


def test_a_dry_cell_is_counted_named_and_fails_its_gate():
    of_it = pairs((1.0, 2.0, 4.0), (1.5, math.nan, 3.0))
    found = statistics(of_it)
    assert (found["head_n"], found["head_n_missing"], found["head_bias_m"]) == (2, 1, -0.25)
    assert math.isnan(found["obs_b1_residual_m"])
    assert notes(of_it)["observation.head_missing"] == "b1"
    (gate,) = gates(of_it)
    assert judge(gate, {f"{OBSERVED}head_n_missing": 1.0}).verdict is Verdict.FAIL
    assert judge(gate, {f"{OBSERVED}head_n_missing": 0.0}).verdict is Verdict.PASS


def test_a_dry_cell_of_weight_0_is_not_missed():
    found = statistics(pairs((1.0, 2.0, 4.0), (1.5, math.nan, 3.0), (1.0, 0.0, 1.0)))
    assert (found["head_n"], found["head_n_missing"]) == (2, 0)


def test_nothing_that_counts_is_no_number():
    found = statistics(pairs((1.0, 2.0, 4.0), (math.nan,) * 3))
    assert found["head_n"] == 0
    assert all(math.isnan(found[f"head_{key}"]) for key in ("bias_m", "rmse_m", "r2"))
    assert math.isnan(found["head_worst_residual_m"])


def test_a_series_is_its_root_mean_square_and_the_worst_has_its_time():
    of_it = [
        Pair(row=row("w", 1.0), time_d=time, cell=0, simulated=1.0 + residual)
        for time, residual in ((1.0, 3.0), (2.5, -4.0))
    ]
    assert statistics(of_it)["obs_w_residual_m"] == pytest.approx(math.sqrt(12.5), rel=1e-14)
    assert notes(of_it) == {"observation.head_worst": "w at 2.5 d"}


def test_flows_are_told_apart_from_heads():
    flow = row("spring", -1e-3, quantity="flow", boundary="spring", cell=None)
    found = statistics(
        [*pairs((1.0, 2.0, 4.0), (1.0, 2.0, 4.0)), Pair(row=flow, time_d=None, cell=None,
                                                        simulated=-2e-3)]
    )  # fmt: skip
    assert found["head_rmse_m"] == 0.0
    assert found["flow_bias_m3_s"] == pytest.approx(-1e-3, rel=1e-14)
    assert found["obs_spring_residual_m3_s"] == found["flow_worst_residual_m3_s"]
    assert all(VOCABULARY.find(f"{OBSERVED}{name}") for name in found)


# -- the simulated value -------------------------------------------------------------------------


def model(**changes):
    """Two layers of two cells, known at 0, 2 and 6 days; the cells lie left and right of x = 0."""
    heads = np.array([[[10.0, 20.0], [30.0, 40.0]]]) + np.array([0.0, 2.0, 4.0])[:, None, None]
    scope = Scope(boundaries=("west",), layers=2, n_cells=2, end_d=6.0)
    return Simulated(
        **{
            "scope": scope,
            "time_d": np.array([0.0, 2.0, 6.0]),
            "heads": heads,
            "flows": {"west": np.array([-1.0, -1.0, -3.0])},
            "cell_at": lambda points: np.where(points[:, 0] > 9, -1, points[:, 0] > 0).astype(int),
            **changes,
        }
    )


AT = {
    "a saved step": ({"x": -1.0, "y": 0.0, "time": 2.0}, 12.0),
    "between two": ({"x": 1.0, "y": 0.0, "time": 4.0}, 23.0),
    "before the first": ({"x": 1.0, "y": 0.0, "time": 1.0}, 21.0),
    "the end": ({"cell": 1, "time": 6.0}, 24.0),
    "a lower layer": ({"cell": 0, "layer": 2, "time": 0.0}, 30.0),
}


@pytest.mark.parametrize(("where", "value"), AT.values(), ids=AT)
def test_a_head_is_linear_in_time_between_saved_steps(where, value):
    (pair,) = paired([row(**({"cell": None} | where))], {"": model()})
    assert pair.simulated == value


def test_a_flow_is_in_less_out_and_linear_too():
    given = {"quantity": "flow", "boundary": "west", "cell": None}
    found = paired([row(time=time, **given) for time in (1.0, 4.0)], {"": model()})
    assert [pair.simulated for pair in found] == [-1.0, -2.0]


def test_next_to_a_dry_step_there_is_no_head():
    heads = model().heads.copy()
    heads[1, 0, 0] = math.nan
    found = paired([row(time=time) for time in (0.0, 1.0, 6.0)], {"": model(heads=heads)})
    assert [pair.simulated for pair in found] == [10.0, pytest.approx(math.nan, nan_ok=True), 14.0]


def test_what_the_run_has_not_is_refused_all_at_once_with_file_and_line():
    rows = [
        row("b1", cell=None, x=10.0, y=0.0, time=1.0, file="heads.csv", line=7),
        row("b2", time=7.0, place=("observation", 3)),
        row("b3", time=7.0, cell=2, file="heads.csv", line=9),
    ]
    with pytest.raises(ConfigError) as caught:
        paired(rows, {"": model()})
    assert str(caught.value).splitlines() == [
        "measured data: 2 faults",
        "  observation[3].time must lie in the run, 0 to 6 d, got 7",
        "  observation[0].file: heads.csv:7  x and y must lie in the mesh, got 10.0, 0.0; "
        "heads.csv:9  cell must be a cell, 0 to 1, got 2; "
        "heads.csv:9  time must lie in the run, 0 to 6 d, got 7",
    ]


def test_of_several_models_a_row_names_one():
    models = {"valley": model(), "Plain": model(flows={"west": np.zeros(3)})}
    given = {"quantity": "flow", "boundary": "west", "cell": None, "time": 6.0}
    (pair,) = paired([row(model="plain", **given)], models)
    assert pair.simulated == 0.0
    for name, text in {
        None: "model is required: there are valley, Plain",
        "hill": "model must be the name of a model (valley, Plain), got 'hill'",
    }.items():
        with pytest.raises(ConfigError, match="observation") as caught:
            paired([row(model=name, **given)], models)
        assert str(caught.value).splitlines()[1] == f"  observation[0].{text}"
