"""`transport_metrics.*` of results made by hand: plumes and balances with known numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mhx.groundwater.transport.dispersion import Medium
from mhx.groundwater.transport.metrics import reference, transport_metrics
from mhx.groundwater.vocabulary import TRANSPORT, VOCABULARY

from .plumes import POROSITY, SPEED, THICK, box, result, row

DAY = 86_400


def erfc_front(grid, position, sigma):
    """Half of c0 at the position; 0.16 and 0.84 almost one sigma from it."""
    return np.array([0.5 * math.erfc((x - position) / sigma / math.sqrt(2)) for x in
                     grid.centres[:, 0]])  # fmt: skip


def found_of(one, grid, **more):
    return transport_metrics(one, grid, **more)


def test_a_front_of_known_place_and_width():
    grid = box(400.0, 8.0, 2.0)
    one = result(grid, erfc_front(grid, 150.0, 12.0)[None])
    found = found_of(one, grid)
    assert found["front_position_m"] == pytest.approx(150.0, abs=1e-3)
    bend = 2 * (2.0**2 / 8) / 12.0  # both ends, linear between centres: h^2/8 |c''/c'|
    assert found["front_width_m"] == pytest.approx(2 * 0.994458 * 12.0, abs=1.01 * bend)
    assert found["mass_stored_kg"] == pytest.approx(150.0 * 8.0 * THICK * POROSITY, rel=1e-6)
    assert found["plume_area_m2"] == pytest.approx(8.0 * (150.0 + 2.326 * 12.0), abs=8.0 * 2)
    assert (found["c_min"], found["c_max"]) == pytest.approx((0.0, 1.0), abs=1e-12)
    assert (found["overshoot"], found["undershoot"], found["negative_mass_fraction"]) == (0, 0, 0)


def test_a_plume_of_known_moments():
    grid = box(200.0, 100.0, 2.0)
    x, y = grid.centres.T
    plume = np.exp(-(((x - 90.0) / 10.0) ** 2) / 2 - ((y - 47.0) / 4.0) ** 2 / 2)
    found = found_of(result(grid, plume[None]), grid)
    assert found["centre_x_m"] == pytest.approx(90.0, abs=1e-6)
    assert found["centre_y_m"] == pytest.approx(47.0, abs=1e-6)
    assert found["spread_longitudinal_m"] == pytest.approx(10.0, rel=1e-6)
    assert found["spread_transverse_m"] == pytest.approx(4.0, rel=1e-6)
    ellipse = math.pi * 10.0 * 4.0 * 2 * math.log(100)
    rim = 2.0 * math.pi * 24.0  # cells count whole or not: about 1 m to either side at most
    assert found["plume_area_m2"] == pytest.approx(ellipse, abs=rim / 2)


def test_what_sorbs_moves_the_centre_and_is_counted_apart():
    grid = box(8.0, 4.0, 4.0)
    held = np.array([[0.0, 30.0]])
    one = result(grid, np.array([[1.0, 0.5]]), sorbing=held)
    found = found_of(one, grid)
    assert found["mass_stored_kg"] == pytest.approx(16.0 * 1.5)
    assert found["mass_sorbed_kg"] == pytest.approx(15.0)
    assert found["centre_x_m"] == pytest.approx((16.0 * 2.0 + 23.0 * 6.0) / 39.0)


BALANCED = {
    "in": ([row("cnc", 5e-4, 0.0)], 5e-4, 0.0, 0.0),
    "in, out and decay": (
        [row("cnc", 5e-4, 0.0), row("chd", 0.0, 1e-4), row("decay", 0.0, 2e-4)],
        5e-4, 1e-4, 2e-4,
    ),
    "sorption and storage are inside": (
        [row("wel", 5e-4, 0.0), row("sorption", 0.0, 1e-4), row("storage", 0.0, 4e-4)],
        5e-4, 0.0, 0.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "entered", "left", "decayed"), BALANCED.values(), ids=BALANCED)
def test_the_mass_that_stays_is_what_came_less_what_went_and_decayed(rows, entered, left, decayed):
    grid = box(8.0, 4.0, 4.0)
    stays = (entered - left - decayed) * 10.0 * DAY
    one = result(grid, np.full((1, 2), stays / 32.0), budget=tuple(rows))
    found = found_of(one, grid)
    assert found["mass_in_kg"] == pytest.approx(entered * 10 * DAY)
    assert found["mass_out_kg"] == pytest.approx(left * 10 * DAY)
    assert found["mass_decayed_kg"] == pytest.approx(decayed * 10 * DAY)
    assert found["closure_relative"] < 1e-14
    lost = replace(one, concentration=0.9 * one.concentration)
    share = 0.1 * stays / max(entered * 10 * DAY, 0.9 * stays)
    assert found_of(lost, grid)["closure_relative"] == pytest.approx(share)


def test_rates_count_for_the_time_since_the_saved_step_before():
    grid = box(8.0, 4.0, 4.0)
    rows = (row("src", 2e-4, 0.0), row("src", 1e-4, 0.0, saved=1))
    found = found_of(result(grid, np.zeros((2, 2)), (3.0, 10.0), budget=rows), grid)
    assert found["mass_in_kg"] == pytest.approx((2e-4 * 3 + 1e-4 * 7) * DAY)


def test_the_balance_of_every_saved_step_has_a_number_of_its_own():
    grid = box(8.0, 4.0, 4.0)
    rows = (
        row("cnc", 4e-4, 0.0), row("storage", 0.0, 4e-4),
        row("cnc", 4e-4, 0.0, 1), row("storage", 0.0, 3e-4, 1),
    )  # fmt: skip
    found = found_of(result(grid, np.zeros((2, 2)), (5.0, 10.0), budget=rows), grid)
    assert found["budget_closure_relative"] == pytest.approx(0.25)


def test_a_plume_that_is_flushed_is_balanced_against_what_was_there():
    grid = box(8.0, 4.0, 4.0)
    out = (row("chd", 0.0, 32.0 / 10 / DAY),)
    one = result(grid, np.zeros((1, 2)), start=np.ones((1, 2)), budget=out)
    assert found_of(one, grid)["closure_relative"] < 1e-14
    half = replace(one, fields={"start_volume": 0.5 * one.pore_volume[0]})
    assert found_of(half, grid)["closure_relative"] == pytest.approx(1.0)


def test_over_and_undershoot_are_shares_of_c0_of_the_worst_saved_step():
    grid = box(8.0, 4.0, 4.0)
    values = np.array([[2.1, 1.0], [1.0, -0.2]])
    one = result(grid, values, (5.0, 10.0), about={"source_concentration": 2.0})
    found = found_of(one, grid)
    assert found["overshoot"] == pytest.approx(0.05)
    assert found["undershoot"] == pytest.approx(0.1)
    assert found["negative_mass_fraction"] == pytest.approx(0.2 / 1.2)
    assert (found["c_min"], found["c_max"]) == (-0.2, 2.1)


def test_c0_is_what_enters_is_held_or_was_there():
    grid = box(8.0, 4.0, 4.0)
    one = result(grid, np.zeros((1, 2)), about={"source_concentration": 0.5})
    assert reference(one) == 0.5
    assert reference(replace(one, start=np.array([[0.1, 3.0]]))) == 3.0


def test_where_mass_is_only_added_levels_are_shares_of_the_largest():
    grid = box(400.0, 8.0, 2.0)
    one = result(
        grid, 7.0 * erfc_front(grid, 150.0, 12.0)[None], about={"source_concentration": 0.0}
    )
    found = found_of(one, grid)
    assert found["front_position_m"] == pytest.approx(150.0, abs=1e-3)
    assert math.isnan(found["overshoot"])
    assert found["undershoot"] == 0.0


def test_without_any_solute_nothing_is_found_and_nothing_is_wrong():
    grid = box(8.0, 4.0, 4.0)
    one = result(
        grid, np.zeros((1, 2)), about={"source_concentration": 0.0}, observed={"a": np.zeros(1)}
    )
    found = found_of(one, grid)
    none = ("front_position_m", "front_width_m", "centre_x_m", "obs_a_arrival50_d", "overshoot")
    assert all(math.isnan(found[name]) for name in none)
    assert (found["undershoot"], found["plume_area_m2"], found["mass_stored_kg"]) == (0, 0, 0)


def test_breakthrough_curves_are_read_from_every_step_not_only_saved_ones():
    grid = box(8.0, 4.0, 4.0)
    one = result(
        grid,
        np.zeros((1, 2)),
        (40.0,),
        steps_d=np.array([10.0, 20.0, 30.0, 40.0]),
        observed={"well-1": np.array([0.0, 0.2, 0.8, 0.7]), "far": np.zeros(4)},
    )
    found = found_of(one, grid)
    well = {name.removeprefix("obs_well-1_"): found[name] for name in found if "well-1" in name}
    assert well == pytest.approx(
        {
            "arrival10_d": 15.0, "arrival50_d": 25.0, "arrival90_d": math.nan, "peak": 0.8,
            "peak_time_d": 30.0, "final": 0.7,
        },
        nan_ok=True,
    )  # fmt: skip
    assert math.isnan(found["obs_far_arrival10_d"])
    assert found["n_timesteps"] == 4


def test_a_plume_that_was_there_has_arrived_at_the_start():
    grid = box(8.0, 4.0, 4.0)
    one = result(
        grid, np.ones((1, 2)), observed={"a": np.ones(1)}, about={"observed_start": {"a": 0.6}}
    )
    found = found_of(one, grid)
    assert found["obs_a_arrival50_d"] == 0.0
    assert found["obs_a_arrival90_d"] == pytest.approx(7.5)


def test_steps_that_failed_and_the_worst_discrepancies_are_told():
    grid = box(8.0, 4.0, 4.0)
    one = result(
        grid,
        np.zeros((3, 2)),
        (1.0, 2.0, 3.0),
        converged=np.array([True, False, True]),
        percent=np.array([[0.0, 0.0], [-0.7, 0.1], [0.2, -0.3]]),
    )
    found = found_of(one, grid)
    assert (found["converged"], found["steps_not_converged"]) == (0, 1)
    assert found["max_abs_step_percent_discrepancy"] == 0.7
    assert found["max_abs_cumulative_percent_discrepancy"] == 0.3
    untold = found_of(replace(one, percent=np.full((3, 2), math.nan)), grid)
    assert math.isnan(untold["max_abs_step_percent_discrepancy"])


def test_what_an_engine_does_not_tell_is_left_out():
    grid = box(8.0, 4.0, 4.0)
    one = result(
        grid,
        np.zeros((1, 2)),
        connections=None,
        converged=np.empty(0, dtype=bool),
        percent=np.empty((0, 2)),
    )
    found = found_of(one, grid, medium=Medium(porosity=POROSITY))
    assert not {"courant_max", "converged", "mass_in_kg", "closure_relative"} & set(found)
    assert not [name for name in found if "dispersion" in name]
    told = replace(one, about={**one.about, "direction": (1.0, 0.0)})
    assert math.isnan(found_of(told, grid)["front_position_m"])  # no solute, but a direction


def test_a_line_replaces_the_mean_flow():
    pytest.importorskip("shapely")
    grid = box(400.0, 8.0, 2.0)
    one = result(grid, erfc_front(grid, 150.0, 12.0)[None])
    line = np.array([[399.0, 3.0], [1.0, 3.0]])  # against the flow: c rises along it
    assert math.isnan(found_of(one, grid, line=line)["front_position_m"])
    found = found_of(one, grid, line=line[::-1])
    assert found["front_position_m"] == pytest.approx(149.0, abs=1e-3)


def test_every_metric_is_a_word_and_every_word_is_a_metric():
    grid = box(40.0, 8.0, 4.0)
    names = ("porosity", "alpha_l", "alpha_th", "alpha_tv", "diffusion", "decay", "kd")
    parameters = {f"param_{name}{zone}": 1.0 for name in (*names, "bulk_density")
                  for zone in ("", "_gravel")}  # fmt: skip
    one = result(
        grid,
        np.ones((1, grid.n_cells)),
        budget=(row("cnc", 1e-4, 0.0),),
        observed={"well": np.ones(1)},
        about={"parameters": parameters},
    )
    medium = Medium(porosity=POROSITY, alpha_l=1.0, alpha_th=0.1)
    found = {f"{TRANSPORT}{name}" for name in found_of(one, grid, medium=medium)}
    assert [name for name in sorted(found) if VOCABULARY.find(name) is None] == []
    words = {
        word.name.replace("<id>", "well").replace("<zone>", "gravel")
        for word in VOCABULARY
        if word.name.startswith(TRANSPORT) and "<model>" not in word.name
    }
    assert words - found == set()


def test_the_speed_of_the_flow_does_not_enter_the_plume():
    grid = box(200.0, 8.0, 2.0)
    values = erfc_front(grid, 90.0, 12.0)[None]
    slow, fast = (found_of(result(grid, values, velocity=(v, 0.0)), grid) for v in (SPEED, 9.0))
    assert slow == pytest.approx(fast, nan_ok=True)


def test_what_is_taken_where_nothing_is_leaves_less_than_nothing() -> None:
    grid = box(8.0, 4.0, 4.0)
    found = found_of(
        result(grid, np.array([[-3.0, -1.0]]), about={"source_concentration": 0.0}), grid
    )
    assert found["undershoot"] == 1.0  # all of it, for want of a concentration to hold it against
