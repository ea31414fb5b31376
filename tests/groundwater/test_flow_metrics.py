"""Metrics of a result made by hand: cells of different size, two layers, two saved steps."""

import math

import numpy as np
import pytest

from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.listing import Step
from mhx.groundwater.results import BudgetRow, FlowResult

NAN = math.nan


def step(number, **told):
    words = {"outer": 2, "inner": 7, "converged": True, "percent_step": 0.0}
    return Step(period=1, step=number, line=0, percent_cumulative=0.0, **{**words, **told})


def row(saved, component, rate_in, rate_out, boundary=""):
    return BudgetRow(
        saved=saved, component=component, boundary=boundary, rate_in=rate_in, rate_out=rate_out
    )


def result(**other):
    """Three columns of 1, 2 and 5 m2, tops at 20 m, layers of 10 m; steps of 2 and 8 days."""
    words = {
        "areas": np.array([1.0, 2.0, 5.0]),
        "top": np.full(3, 20.0),
        "bottoms": np.array([[10.0] * 3, [0.0] * 3]),
        "period": np.array([1, 1]),
        "step": np.array([1, 2]),
        "time_d": np.array([2.0, 10.0]),
        "length_d": np.array([2.0, 8.0]),
        "heads": np.array(
            [
                [[21.0, 15.0, NAN], [14.0, 12.0, NAN]],  # first column floods, third is dry
                [[19.0, NAN, 9.0], [18.0, 8.0, 6.0]],  # 9 lies below the bottom of its cell
            ]
        ),
        "budget": (
            row(0, "chd", 4.0, 1.0),
            row(0, "chd", 4.0, 0.0, "west"),
            row(0, "chd", 0.0, 1.0, "east"),
            row(0, "rcha", 0.5, 3.5),
            row(1, "chd", 2.0, 2.02),
            row(1, "rcha", 0.5, 0.5),
            row(1, "rcha", 0.5, 0.5, "rain"),
        ),
        "steps": (step(1), step(2)),
        "ended_d": np.array([2.0, 10.0]),
        "fixed": np.array([0, 3]),  # both layers of the first column
        "about": {
            "duration_s": 0.25,
            "formulation": {"newton": 1, "xt3d": 0, "convertible": 1, "time_unit_days": 1},
            "parameters": {"param_K": 1e-5},
            "recharge_nominal_m3_s": 0.0,
        },
    }
    return FlowResult(**{**words, **other})


def test_heads_are_weighted_by_area_and_missing_ones_left_out():
    got = flow_metrics(result())
    heads, areas = [19.0, 9.0, 18.0, 8.0, 6.0], [1.0, 5.0, 1.0, 2.0, 5.0]
    weighted = sum(h * a for h, a in zip(heads, areas, strict=True)) / sum(areas)
    assert got["head_mean_area_m"] == pytest.approx(weighted)
    assert got["head_mean"] == pytest.approx(12.0)
    assert (got["head_min_m"], got["head_max_m"], got["head_range_m"]) == (6.0, 19.0, 13.0)
    assert got["head_free_range_m"] == 3.0  # 9, 8, 6 without the fixed column
    assert (got["head_total_count"], got["head_nodata_count"]) == (6, 1)
    assert (got["fixed_head_cells"], got["fixed_head_area_m2"]) == (2, 1.0)  # one column
    assert got["fixed_head_area_fraction"] == pytest.approx(1 / 8)


def test_the_water_table_of_the_last_step():
    got = flow_metrics(result())
    depths = [1.0, 12.0, 14.0]  # 20 - 19, 20 - 8 (upper layer dry), 20 - 6 (head below its cell)
    assert got["watertable_depth_min_m"] == 1.0
    assert got["watertable_depth_max_m"] == 14.0
    assert got["watertable_depth_mean_area_m"] == pytest.approx(
        (1 * depths[0] + 2 * depths[1] + 5 * depths[2]) / 8
    )
    # upper layer 9 m of 1 m2; lower layer full, 8 m of 2 m2, 6 m of 5 m2
    assert got["saturated_volume_m3"] == pytest.approx(9 + 10 + 16 + 30)


def test_flooding_and_dryness_count_the_worst_saved_step():
    got = flow_metrics(result())
    assert got["flooded_cell_fraction"] == pytest.approx(1 / 3)
    assert got["flooded_area_fraction"] == pytest.approx(1 / 8)
    assert got["flooded_depth_max_m"] == pytest.approx(1.0)
    assert got["dry_cell_fraction"] == pytest.approx(2 / 6)
    assert got["dry_area_fraction"] == pytest.approx(5 / 8)


def test_a_centimetre_above_ground_is_no_flooding():
    heads = np.full((2, 2, 3), 15.0)
    heads[1, 0] = [20.0, 20.009, 20.011]
    got = flow_metrics(result(heads=heads))
    assert got["flooded_area_fraction"] == pytest.approx(5 / 8)


def test_rates_are_summed_averaged_over_time_and_integrated():
    got = flow_metrics(result())
    assert (got["budget_chd_total_in"], got["budget_chd_total_out"]) == (6.0, 3.02)
    assert got["budget_chd_net"] == pytest.approx(2.98)
    assert (got["budget_chd_rate_in_m3_s"], got["budget_chd_rate_out_m3_s"]) == (2.0, 2.02)
    assert got["budget_chd_mean_in_m3_s"] == pytest.approx((4 * 2 + 2 * 8) / 10)
    assert got["budget_chd_volume_in_m3"] == pytest.approx((4 * 2 + 2 * 8) * 86400)
    assert got["budget_rain_rate_out_m3_s"] == 0.5
    assert "budget_west_rate_in_m3_s" not in got  # not in the last step
    assert got["closure_relative"] == pytest.approx(0.02 / 2.52)


def test_a_model_without_any_flow_closes():
    got = flow_metrics(result(budget=(row(1, "chd", 0.0, 0.0),)))
    assert got["closure_relative"] == 0.0


def test_every_step_of_the_solver_counts():
    steps = (
        step(1, percent_step=-0.02),
        step(2, converged=False, outer=50, percent_step=0.01),
    )
    got = flow_metrics(result(steps=steps))
    assert (got["converged"], got["steps_total"], got["steps_not_converged"]) == (0, 2, 1)
    assert (got["outer_iterations_total"], got["inner_iterations_total"]) == (52, 14)
    assert got["mass_balance_rows"] == 4
    assert got["max_abs_step_percent_discrepancy"] == 0.02
    assert got["max_abs_cumulative_percent_discrepancy"] == 0.0
    assert got["max_abs_mass_balance_percent_error"] == 0.02
    assert got["mean_mass_balance_percent_error"] == pytest.approx(-0.01 / 4)
    assert got["last_mass_balance_percent_error"] == 0.01


def test_a_discrepancy_that_could_not_be_read_is_no_number():
    got = flow_metrics(result(steps=(step(1, percent_step=NAN), step(2))))
    assert math.isnan(got["max_abs_step_percent_discrepancy"])
    assert got["max_abs_cumulative_percent_discrepancy"] == 0.0


def test_a_listing_of_another_form_gives_no_counts():
    """What was not read is not zero."""
    found = flow_metrics(result(steps=(step(1, outer=0, inner=0), step(2, percent_step=NAN))))
    assert math.isnan(found["outer_iterations_total"])
    assert math.isnan(found["inner_iterations_total"])
    assert found["mass_balance_rows"] == 3
    assert math.isnan(found["max_abs_mass_balance_percent_error"])


def test_a_model_that_is_dry_everywhere_has_no_heads():
    got = flow_metrics(result(heads=np.full((2, 2, 3), NAN)))
    for key in ("head_min_m", "head_range_m", "head_mean_area_m", "watertable_depth_max_m"):
        assert math.isnan(got[key])
    assert (got["dry_area_fraction"], got["dry_cell_fraction"]) == (1.0, 1.0)
    assert got["saturated_volume_m3"] == 0.0
