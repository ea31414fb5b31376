"""Heads, budgets and metrics of a flow run, against hand calculations and flopy's readers."""

import math

import numpy as np
import pytest

from mhx.errors import EvidenceError, SolverError
from mhx.groundwater.budget import read_budget
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.heads import read_heads
from mhx.groundwater.results import downslope, read_results, water_table_depth
from mhx.groundwater.vocabulary import FLOW, VOCABULARY

DAY = 86400.0


def ends(left, right, columns=3):
    return [
        (("west", "chd", [0]), {"head": left}),
        (("east", "chd", [columns - 1]), {"head": right}),
    ]


def rain(rate, cells):
    return (("rain", "rcha", cells), {"recharge": rate})


RATE = 0.002  # m/d


def test_three_cells_between_two_heads_agree_with_darcy_by_hand(strip, solved):
    """Confined, K 1 m/d, 10 m thick, squares: the conductance of each face is 10 m2/d."""
    model = strip([*ends(9.0, 7.0), rain(RATE, [0, 1, 2])], nominal=3 * RATE * 1e4 / DAY)
    result, _ = solved(model, fields=("recharge_flux",))
    middle = 8.0 + RATE * 1e4 / (2 * 10)  # 10 (9-h) + 10 (7-h) + R A = 0
    assert result.heads[0, 0] == pytest.approx([9.0, middle, 7.0], abs=1e-9)
    got = flow_metrics(result)
    rained = RATE * 1e4 / DAY
    west, east = 10 * (9 - middle) / DAY, 10 * (7 - middle) / DAY
    expected = {
        "n_cells": 3, "n_layers": 1, "n_timesteps": 1, "param_K": 1 / DAY,
        "head_min_m": 7.0, "head_max_m": 9.0, "head_range_m": 2.0, "head_free_range_m": 0.0,
        "head_mean_area_m": (16 + middle) / 3, "head_mean": (16 + middle) / 3,
        "head_total_count": 3, "head_finite_count": 3, "head_nodata_count": 0,
        "head_finite_fraction": 1.0, "head_abs_max": 9.0, "head_positive_sum": 16 + middle,
        "head_negative_sum": 0.0,
        "budget_rcha_total_in": rained, "budget_rcha_total_out": 0.0, "budget_rcha_net": rained,
        "budget_rcha_rate_in_m3_s": rained, "budget_rcha_mean_in_m3_s": rained,
        "budget_rcha_volume_in_m3": rained * DAY,
        "budget_chd_total_in": max(west, 0) + max(east, 0),
        "budget_chd_total_out": -min(west, 0) - min(east, 0),
        "budget_chd_net": west + east,
        "budget_west_rate_in_m3_s": max(west, 0), "budget_west_rate_out_m3_s": -min(west, 0),
        "budget_east_rate_in_m3_s": max(east, 0), "budget_east_rate_out_m3_s": -min(east, 0),
        "recharge_nominal_m3_s": 3 * rained, "recharge_accepted_m3_s": rained,
        "recharge_accepted_fraction": 1 / 3,
        "fixed_head_cells": 2, "fixed_head_area_m2": 2e4, "fixed_head_area_fraction": 2 / 3,
        "flooded_cell_fraction": 0.0, "flooded_area_fraction": 0.0, "flooded_depth_max_m": 0.0,
        "dry_cell_fraction": 0.0, "dry_area_fraction": 0.0,
        "watertable_depth_min_m": 1.0, "watertable_depth_max_m": 3.0,
        "watertable_depth_mean_area_m": 10 - (16 + middle) / 3,
        "saturated_volume_m3": 3e5,  # confined: full, whatever the head
        "newton": 0, "xt3d": 0, "time_unit_days": 1,
        "converged": 1, "steps_total": 1, "steps_not_converged": 0, "mass_balance_rows": 2,
        "recharge_flux_max": RATE / DAY, "recharge_flux_min": 0.0,
    }  # fmt: skip
    assert {key: got[key] for key in expected} == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert got["closure_relative"] < 1e-9
    assert not [key for key, value in got.items() if math.copysign(1, value) < 0 and not value]
    assert got["duration_s"] > 0 and got["outer_iterations_total"] >= 1


def test_every_metric_is_a_word_and_every_word_of_a_flow_run_is_reported(strip, solved):
    fields = ("watertable_depth", "outflow_drain", "accumulation_flux", "recharge_flux")
    drain = (("ditch", "drn", [1]), {"elev": 7.5, "cond": 5.0})
    result, _ = solved(strip([*ends(9.0, 7.0), rain(RATE, [0, 1, 2]), drain]), fields)
    got = {f"{FLOW}{key}" for key in flow_metrics(result)}
    assert [key for key in sorted(got) if VOCABULARY.find(key) is None] == []
    words = {
        word.name
        for word in VOCABULARY
        if word.name.startswith(FLOW) and "<" not in word.name and "param_" not in word.name
    }
    assert words - got == set()


def test_the_same_model_in_seconds_reports_the_same_rates_and_days(strip, solved):
    in_days = strip([*ends(9.0, 7.0), rain(RATE, [0, 1, 2])])
    in_seconds = strip(
        [*ends(9.0, 7.0), rain(RATE / DAY, [0, 1, 2])],
        k=1 / DAY, seconds=True, periods=((DAY, 1, 1.0),),
    )  # fmt: skip
    results = [solved(model, name=str(n))[0] for n, model in enumerate((in_days, in_seconds))]
    one, other = map(flow_metrics, results)
    assert [result.time_d.tolist() for result in results] == [[1.0], [1.0]]
    assert (one["time_unit_days"], other["time_unit_days"]) == (1, 0)
    for key in ("head_mean_area_m", "budget_chd_total_out", "budget_chd_volume_out_m3"):
        assert one[key] == pytest.approx(other[key], rel=1e-6)


@pytest.fixture
def rich(strip):
    """Three layers of 4 x 5 cells, transient, with a package of every type."""
    cells = np.arange(20)
    return strip(
        [
            (("lake", "chd", [0, 5]), {"head": 18.0}),
            (("outlet", "chd", [19], [2]), {"head": 12.0}),
            (("river", "riv", [2, 7]), {"stage": 17.0, "cond": 20.0, "rbot": 15.0}),
            (("ditch", "drn", [12, 13]), {"elev": 14.0, "cond": 9.0}),
            (("far", "ghb", [4, 9], [1, 1]), {"bhead": 16.0, "cond": 3.0}),
            (("well", "wel", [11], [2]), {"q": -30.0}),
            (("inject", "wel", [8], [1]), {"q": 5.0}),
            (("plants", "evt", [6, 16]), {"surface": 20.0, "rate": 0.003, "depth": 8.0}),
            (("rain", "rcha", cells), {"recharge": RATE}),
        ],
        shape=(4, 5),
        layers=3,
        k=2.0,
        top=20.0,
        convertible=1,
        transient=True,
        periods=((2.0, 3, 1.5), (10.0, 2, 1.0)),
    )


@pytest.mark.slow
def test_heads_and_budgets_are_those_that_flopy_reads(rich, solved, request):
    flopy = pytest.importorskip("flopy")
    result, folder = solved(rich)
    heads = flopy.utils.HeadFile(folder / "flow.hds")
    request.addfinalizer(heads.close)
    assert result.heads == pytest.approx(heads.get_alldata().reshape(5, 3, 20), abs=0)
    assert result.time_d.tolist() == heads.get_times()
    assert result.ended_d == pytest.approx(heads.get_times(), rel=1e-12)
    budget = flopy.utils.CellBudgetFile(folder / "flow.cbc")
    request.addfinalizer(budget.close)
    got = flow_metrics(result)
    lengths = np.diff([0.0, *heads.get_times()])
    names = {name.strip().decode() for name in budget.get_unique_record_names()}
    for name in names:
        flows = [
            [np.asarray(one["q"] if one.dtype.names else one).ravel() for one in records]
            for key in budget.get_kstpkper()
            if (records := budget.get_data(text=name, kstpkper=key))
        ]
        rates = np.array(
            [
                [sum(q[q > 0].sum() for q in step), -sum(q[q < 0].sum() for q in step)]
                for step in flows
            ]
        )
        word = f"budget_{name.lower()}"
        for index, way in enumerate(("in", "out")):
            expected = {
                f"{word}_total_{way}": rates[:, index].sum() / DAY,
                f"{word}_rate_{way}_m3_s": rates[-1, index] / DAY,
                f"{word}_volume_{way}_m3": rates[:, index] @ lengths,
                f"{word}_mean_{way}_m3_s": rates[:, index] @ lengths / lengths.sum() / DAY,
            }
            assert {key: got[key] for key in expected} == pytest.approx(expected, rel=1e-12)
    components = {key.split("_")[1] for key in got if key.startswith("budget_")}
    assert {name.lower() for name in names} <= components
    assert {"sto-ss", "sto-sy", "evt", "riv", "ghb", "wel", "drn", "rcha", "chd"} <= components
    assert got["closure_relative"] < 1e-6
    assert got["mass_balance_rows"] == 10
    wells = got["budget_well_rate_out_m3_s"], got["budget_inject_rate_in_m3_s"]
    assert wells == pytest.approx((30 / DAY, 5 / DAY))
    assert got["budget_wel_rate_out_m3_s"] == got["budget_well_rate_out_m3_s"]


def test_volumes_and_means_are_left_out_where_steps_were_not_saved(strip, solved):
    words = {"transient": True, "convertible": 1, "periods": ((4.0, 4, 1.0),)}
    every, _ = solved(strip(ends(9.0, 7.0), **words), name="all")
    last, _ = solved(strip(ends(9.0, 7.0), save="last", **words), name="last")
    assert (every.saved, last.saved) == (4, 1)
    of_all, of_last = flow_metrics(every), flow_metrics(last)
    missing = {key for key in of_all.keys() - of_last.keys() if not key.startswith("budget_sto")}
    assert missing == {
        f"budget_chd_{word}_{way}_{unit}"
        for word, unit in (("mean", "m3_s"), ("volume", "m3"))
        for way in ("in", "out")
    }
    assert of_last["head_mean_area_m"] == of_all["head_mean_area_m"]
    assert of_last["steps_total"] == 4


def test_a_dry_cell_is_missing_counted_and_no_number(strip, solved):
    """The standard formulation dries a perched cell: its bottom lies above both heads."""
    top = [10.0, 30.0, 10.0]
    model = strip(ends(5.0, 5.0), top=top, convertible=1)
    result, _ = solved(model)
    got = flow_metrics(result)
    assert math.isnan(result.heads[0, 0, 1])
    assert (got["dry_cell_fraction"], got["dry_area_fraction"]) == pytest.approx((1 / 3, 1 / 3))
    assert (got["head_nodata_count"], got["head_finite_count"]) == (1, 2)
    assert got["head_max_m"] == 5.0
    assert math.isnan(got["head_free_range_m"])
    assert got["saturated_volume_m3"] == pytest.approx(2 * 5 * 1e4)


def test_water_above_ground_is_flooding(strip, solved):
    model = strip([*ends(12.0, 9.0), rain(0.0, [1])])
    got = flow_metrics(solved(model)[0])
    assert got["flooded_cell_fraction"] == pytest.approx(2 / 3)  # 12 and 10.5 over 10
    assert got["flooded_area_fraction"] == pytest.approx(2 / 3)
    assert got["flooded_depth_max_m"] == pytest.approx(2.0)
    assert got["watertable_depth_min_m"] == pytest.approx(-2.0)
    assert math.isnan(got["recharge_accepted_fraction"])  # nothing was to be accepted


def test_the_water_table_is_the_head_of_the_uppermost_wet_layer():
    bottoms = np.array([[10.0] * 4, [0.0] * 4])
    heads = np.array([[15.0, np.nan, 9.0, np.nan], [14.0, 6.0, 8.0, -1.0]])
    depth = water_table_depth(heads, np.full(4, 20.0), bottoms)
    assert depth[:3].tolist() == [5.0, 14.0, 12.0]
    assert np.isnan(depth[3])


def test_drained_water_runs_downslope(strip, solved):
    top = [12.0, 11.0, 10.0, 10.5]
    drains = (("ground", "drn", [0, 1, 2, 3]), {"elev": [5.0, 5.0, 5.0, 5.0], "cond": 1.0})
    model = strip([drains, rain(RATE, [0, 1, 2, 3])], shape=(1, 4), top=top)
    assert downslope(model.grid, model.top).tolist() == [1, 2, -1, 2]
    result, _ = solved(model, fields=("outflow_drain", "accumulation_flux"))
    drained = result.fields["outflow_drain"][0]
    assert drained.sum() == pytest.approx(4 * RATE * 1e4 / DAY, rel=1e-6)
    ran = result.fields["accumulation_flux"][0]
    assert ran[2] == pytest.approx(drained.sum())
    assert ran[1] == pytest.approx(drained[0] + drained[1])
    assert (ran[0], ran[3]) == (drained[0], drained[3])


def torn(content):
    return content[:-5]


def empty(content):
    return b""


def of_a_step_less(content):
    return content[: len(content) // 2]


def of_another_text(content):
    return content.replace(b"HEAD", b"HEAT")


def with_another_layer(content):
    return content[:48] + b"\x07\x00\x00\x00" + content[52:]


@pytest.fixture
def two_steps(strip, solved):
    model = strip([*ends(9.0, 7.0), rain(RATE, [0, 1, 2])], periods=((1.0, 2, 1.0),))
    result, folder = solved(model)
    return model, result, folder


@pytest.mark.parametrize("damage", [torn, empty, of_another_text, with_another_layer])
def test_a_damaged_head_file_is_refused_by_name(damage, two_steps):
    folder = two_steps[2]
    path = folder / "flow.hds"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(EvidenceError, match=r"flow\.hds is (torn|altered)"):
        read_heads(path, 1, 3)
    with pytest.raises(EvidenceError, match="of another model"):
        read_heads(folder / "flow.cbc", 1, 3)


@pytest.mark.parametrize("damage", [torn, empty])
def test_a_damaged_budget_file_is_refused_by_name(damage, two_steps):
    path = two_steps[2] / "flow.cbc"
    content = path.read_bytes()
    path.write_bytes(damage(content))
    with pytest.raises(EvidenceError, match=r"flow\.cbc (is torn|holds no budget)"):
        read_budget(path, 3)
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match="names cells beyond 2"):
        read_budget(path, 2)
    path.unlink()
    with pytest.raises(EvidenceError, match=r"flow\.cbc cannot be read"):
        read_budget(path, 3)


def test_every_torn_length_of_a_budget_is_found(two_steps):
    path = two_steps[2] / "flow.cbc"
    content = path.read_bytes()
    whole = [at for at in range(1, len(content)) if readable(path, content[:at])]
    records = [at for at in whole if content[at:][8:24].strip() in (b"CHD", b"RCHA")]
    assert whole == records and len(whole) == 5  # only between two of the six records


def readable(path, content):
    path.write_bytes(content)
    try:
        read_budget(path, 3)
    except EvidenceError:
        return False
    return True


@pytest.mark.parametrize("name", ["flow.hds", "flow.cbc"])
def test_a_file_with_a_step_missing_is_refused(name, two_steps, monkeypatch):
    model, result, folder = two_steps
    path = folder / name
    path.write_bytes(of_a_step_less(path.read_bytes()))
    with pytest.raises(EvidenceError, match="holds 1 of 2 saved steps"):
        read_results(model, Told(result.steps), folder)
    with pytest.raises(EvidenceError, match="1 time steps, 2 were asked for"):
        read_results(model, Told(result.steps[:1]), folder)


class Told:
    """A listing with these steps."""

    wall_s = 0.1

    def __init__(self, steps):
        self.steps = steps


def test_heads_that_are_no_numbers_are_an_error_of_the_solver(two_steps):
    path = two_steps[2] / "flow.hds"
    content = bytearray(path.read_bytes())
    content[60:68] = np.array([np.nan]).tobytes()
    path.write_bytes(content)
    with pytest.raises(SolverError, match="1 of 3 in stress period 1, time step 1"):
        read_heads(path, 1, 3)
