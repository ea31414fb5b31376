"""What the cases say together: exact answers, and every entry names what it used and what not."""

import json
import math

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from mhx.evidence.store import render_json
from mhx.testbed.analysis import analyse


def plan(cases, axes=(), designs=(), metrics=("m",), checks=()):
    return {
        "testbed_id": "t",
        "plan_digest": "ab",
        "axes": list(axes),
        "designs": list(designs),
        "metrics": [{"name": name, "unit": "m"} for name in metrics],
        "checks": list(checks),
        "cases": [
            {"case_id": f"c{n}", "case_label": "", "axis": "", "enabled": True, "design": "",
             "coordinates": {}, **case} for n, case in enumerate(cases)
        ],
    }  # fmt: skip


def rows(values, name="m"):
    return [{"case_id": f"c{n}", "status": "ok", name: value} for n, value in enumerate(values)]


def along(axis, places):
    return [{"axis": axis, "coordinates": {axis: place}} for place in places]


K = {"id": "K", "unit": "m/s", "values": [1.0, 2.0, 4.0, 8.0], "reference": 2.0, "scale": "log"}


def test_a_power_law_has_its_exponent_as_elasticity():
    values = [3 * k**-0.5 for k in K["values"]]
    [trend] = analyse(plan(along("K", K["values"]), [K]), rows(values))["trends"]
    assert trend["elasticity"] == [None, pytest.approx(-0.5), pytest.approx(-0.5), None]
    assert trend["elasticity_overall"] == pytest.approx(-0.5)
    assert trend["reference"] == "c1"
    assert trend["difference"] == pytest.approx([v - values[1] for v in values])
    assert trend["relative_difference"] == pytest.approx([v / values[1] - 1 for v in values])
    assert (trend["unit"], trend["scale"], trend["group"]) == ("m/s", "log", "")


def test_where_a_value_is_not_positive_there_is_no_elasticity():
    [trend] = analyse(plan(along("K", K["values"]), [K]), rows([1.0, 0.0, -1.0, 2.0]))["trends"]
    assert trend["elasticity"] == [None, None, None, None]
    assert trend["elasticity_overall"] == pytest.approx(math.log(2) / math.log(8))
    assert trend["relative_difference"] == [None] * 4


def test_relative_differences_keep_their_sign_about_a_negative_reference():
    [trend] = analyse(plan(along("K", [1.0, 2.0]), [K]), rows([-1.0, -2.0]))["trends"]
    assert trend["relative_difference"] == [0.5, 0.0]


def test_every_entry_names_the_cases_that_it_could_not_use():
    found = rows([1.0, None, 3.0, 4.0])
    found[3]["status"] = "failed"
    analysed = analyse(plan(along("K", K["values"]), [K]), found[:3] + found[3:])
    [trend], [spanned] = analysed["trends"], analysed["ranges"]
    for entry in (trend, spanned):
        assert entry["cases"] == ["c0", "c2"]
        assert entry["not_used"] == [
            {"case_id": "c1", "why": "not reported"},
            {"case_id": "c3", "why": "failed"},
        ]
    assert trend["reference"] is None
    assert trend["difference"] == [None, None]
    assert (spanned["smallest"], spanned["largest_case"]) == (1.0, "c2")


def test_without_a_result_nothing_is_said():
    analysed = analyse(plan(along("K", K["values"]), [K]), [])
    [spanned] = analysed["ranges"]
    assert (spanned["n"], len(spanned["not_used"])) == (0, 4)
    assert "smallest" not in spanned
    assert analysed["trends"] == []


def test_a_level_that_is_named_may_be_the_reference():
    axis = {"id": "K", "values": [1.0, 2.0], "names": ["low", "high"], "reference": "high"}
    [trend] = analyse(plan(along("K", [1.0, 2.0]), [axis]), rows([5.0, 7.0]))["trends"]
    assert (trend["reference"], trend["difference"]) == ("c1", [-2.0, 0.0])


def test_levels_without_numbers_stand_in_declared_order():
    axis = {"id": "s", "level": [{"id": "upwind"}, {"id": "tvd"}]}
    [trend] = analyse(plan(along("s", ["tvd", "upwind"]), [axis]), rows([5.0, 7.0]))["trends"]
    assert trend["x"] == ["upwind", "tvd"]
    assert (trend["reference"], trend["y"], trend["elasticity"]) == ("c1", [7.0, 5.0], [None, None])


def test_columns_of_text_and_durations_are_left_out():
    planned = plan(along("K", [1.0, 2.0]), [K], metrics=("m", "version", "seconds"))
    contract = [{"name": "m", "unit": "m", "kind": "point"}, {"name": "version", "kind": "text"},
                {"name": "seconds", "kind": "duration"}]  # fmt: skip
    analysed = analyse(planned, rows([1.0, 2.0]), contract)
    assert [entry["metric"] for entry in analysed["ranges"]] == ["m"]
    assert analysed["units"] == {"m": "m"}


def test_without_declared_metrics_every_column_is_analysed():
    found = [{**row, "axis_value": 1, "missing": "", "error": ""} for row in rows([1.0, 2.0])]
    analysed = analyse(plan([{}, {}], metrics=()), found)
    assert [entry["metric"] for entry in analysed["ranges"]] == ["m"]


def test_it_is_pure_and_repeatable():
    planned, found = plan(along("K", K["values"]), [K]), rows([4.0, 3.0, 2.0, 1.0])
    before = json.dumps([planned, found])
    first = render_json(analyse(planned, found))
    assert json.dumps([planned, found]) == before
    assert render_json(analyse(planned, found[::-1])) == first


def test_a_ladder_is_told_without_a_check():
    axis = {"id": "N", "refines": "count", "values": [8, 16, 32, 64]}
    values = [1 + 3 / n**2 for n in (8, 16, 32, 64)]
    [entry] = analyse(plan(along("N", [8, 16, 32, 64]), [axis]), rows(values))["refinement"]
    assert entry["h"] == [1 / 64, 1 / 32, 1 / 16, 1 / 8]
    assert entry["numbers"]["order"] == pytest.approx(2)
    assert entry["numbers"]["fit"]["order"] == pytest.approx(2)
    assert entry["numbers"]["uncertainty"] is None  # no formal order is declared
    check = {"kind": "order", "metric": "m", "axis": "N", "formal_order": 2}
    planned = plan(along("N", [8, 16, 32, 64]), [axis], checks=[check])
    [entry] = analyse(planned, rows(values))["refinement"]
    assert entry["numbers"]["uncertainty"] == pytest.approx(1.25 * 3 / 64**2)


def test_a_spectral_check_adds_the_rate_to_its_ladder():
    axis = {"id": "N", "refines": "count", "values": [8, 16, 24]}
    values = [1 + math.exp(-0.25 * n) for n in (8, 16, 24)]
    check = {"kind": "order", "metric": "m", "axis": "N", "method": "spectral"}
    planned = plan(along("N", [8, 16, 24]), [axis], checks=[check])
    [entry] = analyse(planned, rows(values))["refinement"]
    assert entry["decay"]["rate"] == pytest.approx(0.25)
    assert entry["decay"]["counts"] == [8, 16, 24]


def test_a_ladder_without_three_values_says_so():
    axis = {"id": "h", "refines": "size", "values": [4, 2, 1]}
    [entry] = analyse(plan(along("h", [4, 2, 1]), [axis]), rows([1.0, None, 2.0]))["refinement"]
    assert entry["why"] == "2 grids, three at least are needed"
    assert entry["not_used"] == [{"case_id": "c1", "why": "not reported"}]


A = {"id": "a", "values": [1.0, 2.0, 3.0], "reference": 2.0}
B = {"id": "b", "values": [10.0, 20.0], "reference": 10.0}
AROUND = {"id": "around", "kind": "one_at_a_time", "axes": ["b", "a"]}


def around(points):
    return [{"design": "around", "coordinates": {"a": a, "b": b}} for a, b in points]


def test_a_tornado_ranks_the_axes_by_their_swing():
    cases = around([(2.0, 10.0), (1.0, 10.0), (3.0, 10.0), (2.0, 20.0)])
    [entry] = analyse(plan(cases, [A, B], [AROUND]), rows([5.0, 9.0, 4.0, 6.0]))["one_at_a_time"]
    assert (entry["reference"], entry["reference_value"]) == ("c0", 5.0)
    first, second = entry["effects"]
    assert (first["axis"], first["swing"], first["largest_at"], first["n"]) == ("a", 5.0, 1.0, 3)
    assert (first["smallest_change"], first["largest_change"]) == (-1.0, 4.0)
    assert (second["axis"], second["swing"]) == ("b", 1.0)


def test_a_tornado_without_its_reference_says_so():
    cases = around([(2.0, 10.0), (1.0, 10.0)])
    [entry] = analyse(plan(cases, [A, B], [AROUND]), rows([None, 9.0]))["one_at_a_time"]
    assert (entry["reference"], entry["effects"]) == (None, [])
    assert entry["why"] == "the reference has no value"


GRID = {"id": "g", "kind": "grid", "axes": ["a", "b"]}
POINTS = [(a, b) for a in (1.0, 2.0, 3.0) for b in (10.0, 20.0)]


def grid(values):
    cases = [{"design": "g", "coordinates": {"a": a, "b": b}} for a, b in POINTS]
    [entry] = analyse(plan(cases, [A, B], [GRID]), rows(values))["grids"]
    return entry


def test_an_additive_grid_has_no_interaction():
    entry = grid([a + b for a, b in POINTS])
    main = {effect["axis"]: effect for effect in entry["main_effects"]}
    assert main["a"]["effects"] == [-1.0, 0.0, 1.0]
    assert main["b"]["effects"] == [-5.0, 5.0]
    assert main["b"]["n"] == [3, 3]
    assert main["a"]["share"] + main["b"]["share"] == pytest.approx(1)
    [pair] = entry["interactions"]
    assert pair["share"] == pytest.approx(0)
    assert all(cell["effect"] == pytest.approx(0) for cell in pair["cells"])


def test_the_shares_of_a_grid_are_those_of_an_analysis_of_variance():
    values = [a * b for a, b in POINTS]
    entry = grid(values)
    table = np.array(values).reshape(3, 2)
    total = ((table - table.mean()) ** 2).sum()
    rows_, columns = table.mean(1) - table.mean(), table.mean(0) - table.mean()
    inner = table - table.mean() - rows_[:, None] - columns
    main = {effect["axis"]: effect["share"] for effect in entry["main_effects"]}
    assert main["a"] == pytest.approx(2 * (rows_**2).sum() / total)
    assert main["b"] == pytest.approx(3 * (columns**2).sum() / total)
    assert entry["interactions"][0]["share"] == pytest.approx((inner**2).sum() / total)


def test_a_grid_with_a_hole_has_no_shares():
    entry = grid([1.0, 2.0, 3.0, 4.0, 5.0, None])
    assert entry["balanced"] is False
    assert entry["interactions"] == []
    assert all(effect["share"] is None for effect in entry["main_effects"])
    assert "not every combination" in entry["why"]
    assert entry["not_used"] == [{"case_id": "c5", "why": "not reported"}]


def test_a_constant_grid_has_no_variance_to_share():
    entry = grid([4.0] * 6)
    assert all(effect["share"] is None for effect in entry["main_effects"])
    assert entry["interactions"][0]["share"] is None


def sampled(kind, count, seed=0):
    axes = [{"id": "x", "low": 1.0, "high": 100.0, "distribution": "loguniform"},
            {"id": "y", "low": 0.0, "high": 1.0}]  # fmt: skip
    points = qmc.Sobol(2, scramble=True, rng=seed).random(count)
    x, y = 10 ** (2 * points[:, 0]), points[:, 1]
    cases = [{"design": "d", "coordinates": {"x": float(a), "y": float(b)}}
             for a, b in zip(x, y, strict=True)]  # fmt: skip
    design = {"id": "d", "kind": kind, "axes": ["x", "y"], "count": count}
    values = 3 * np.log(x) - y
    return cases, axes, [design], x, y, values


def test_a_sampled_design_ranks_its_axes():
    cases, axes, designs, x, y, values = sampled("latin_hypercube", 64)
    [entry] = analyse(plan(cases, axes, designs), rows(values.tolist()))["samples"]
    assert entry["ranked"] == ["x", "y"]
    by_name = {axis["axis"]: axis for axis in entry["axes"]}
    for name, column in (("x", x), ("y", y)):
        expected = stats.spearmanr(column, values).statistic
        assert by_name[name]["spearman"] == pytest.approx(expected)
        assert by_name[name]["n"] == 64
    assert (by_name["x"]["transform"], by_name["y"]["transform"]) == ("ln", "")
    assert entry["r_squared"] == pytest.approx(1)
    assert "first_order" not in entry
    found = entry["ensemble"]
    assert (found["n"], sum(found["counts"]), len(found["counts"])) == (64, 64, 8)
    assert found["quantiles"]["0.25"] == pytest.approx(np.quantile(values, 0.25))


def test_a_sobol_design_has_first_order_indices():
    cases, axes, designs, _, _, values = sampled("sobol", 256)
    [entry] = analyse(plan(cases, axes, designs), rows(values.tolist()))["samples"]
    spread = {"x": (3 * np.log(100)) ** 2 / 12, "y": 1 / 12}
    total = sum(spread.values())
    for name, share in spread.items():
        assert entry["first_order"][name] == pytest.approx(share / total, abs=0.02)
    assert entry["rest"] == pytest.approx(1 - sum(entry["first_order"].values()))


def test_a_sobol_design_that_is_too_small_gives_the_reason():
    cases, axes, designs, _, _, values = sampled("sobol", 64)
    lost = [None, *values.tolist()[1:]]
    [entry] = analyse(plan(cases, axes, designs), rows(lost))["samples"]
    assert entry["first_order"] == {"x": None, "y": None}
    assert entry["first_order_why"] == "63 values, 64 are needed"
    assert entry["n"] == 63


def test_a_metric_that_does_not_vary_has_no_correlations():
    cases, axes, designs, *_ = sampled("sobol", 64)
    [entry] = analyse(plan(cases, axes, designs), rows([7.0] * 64))["samples"]
    assert all(axis["spearman"] is axis["regression"] is None for axis in entry["axes"])
    assert entry["regression_why"] == "the metric does not vary"
    assert entry["ensemble"]["counts"] == [64]


def test_seeds_are_told_for_each_group():
    cases = [{"design": "s", "coordinates": {"K": k, "seed": n}} for k in (1, 2) for n in range(3)]
    designs = [{"id": "s", "kind": "seeds", "axes": ["K"]}]
    values = [1.0, 2.0, 3.0, 5.0, 5.0, None]
    first, second = analyse(plan(cases, [K], designs), rows(values))["seeds"]
    assert (first["group"], first["spread"]["mean"], first["spread"]["std"]) == ("K=1", 2.0, 1.0)
    assert (second["group"], second["n"], second["spread"]["cv"]) == ("K=2", 2, 0.0)
    assert second["not_used"] == [{"case_id": "c5", "why": "not reported"}]
    assert first["ensemble"]["smallest"] == 1.0


def test_sampled_designs_make_no_trends_of_single_points():
    cases, axes, designs, _, _, values = sampled("latin_hypercube", 64)
    assert analyse(plan(cases, axes, designs), rows(values.tolist()))["trends"] == []


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308, -1e308, 5e-324, 0.0, None, "x", True])
def test_any_value_leaves_strict_json(value):
    cases, axes, designs, _, _, values = sampled("sobol", 64)
    cases += around([(2.0, 10.0), (1.0, 10.0), (2.0, 20.0)])
    cases += [{"design": "g", "coordinates": {"a": a, "b": b}} for a, b in POINTS]
    cases += [{"design": "s", "coordinates": {"seed": n}} for n in range(3)]
    cases += along("h", [4, 2, 1])
    h = {"id": "h", "values": [4, 2, 1], "refines": "size"}
    designs = [*designs, AROUND, GRID, {"id": "s", "kind": "seeds"}]
    mixed = values.tolist() + [1.0] * (len(cases) - 64)
    mixed[3::4] = [value] * len(mixed[3::4])
    analysed = analyse(plan(cases, [*axes, A, B, h], designs), rows(mixed))
    json.dumps(analysed, allow_nan=False)
