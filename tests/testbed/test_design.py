"""Designs: which points they make, in which order, under which names."""

import builtins
import hashlib
import math
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mhx.config import Source
from mhx.errors import EngineMissing
from mhx.testbed.cases import case_list
from mhx.testbed.config import Axis, Testbed
from mhx.testbed.design import between, made_seed

AXES = [
    {"id": "K", "unit": "m/s", "keys": ["flow.param.K.value"], "values": [5e-6, 1e-5, 2e-5]},
    {"id": "h", "unit": "m", "keys": ["mesh.size"], "values": [80.0, 40]},
]
RANGES = [
    {"id": "K", "keys": ["K"], "low": 1e-6, "high": 1e-4, "distribution": "loguniform"},
    {"id": "n", "keys": ["n"], "low": 1, "high": 9, "integer": True},
]


def listed(tmp_path, design, axes=AXES, stored=None, **table):
    table = Testbed.model_validate(
        {"subject": "mesh", "axis": axes, "design": [{"id": "g", **design}], **table}
    )
    return case_list(table, Source("k.toml"), tmp_path, stored)


def ids(found):
    assert found.faults == ()
    return [case.id for case in found.cases]


def points(found):
    assert found.faults == ()
    return [dict(case.coordinates) for case in found.cases]


def data(case):
    return [dict(overlay.data) for overlay in case.overlays]


def test_a_grid_varies_its_last_axis_fastest(tmp_path):
    found = listed(tmp_path, {"kind": "grid", "axes": ["K", "h"]})
    assert ids(found) == [
        *("g_5e-06_80", "g_5e-06_40", "g_1e-05_80", "g_1e-05_40", "g_2e-05_80", "g_2e-05_40"),
    ]
    case = found.cases[1]
    assert (case.axis, case.axis_value, case.axis_unit, case.design) == ("K, h", None, "", "g")
    assert case.coordinates == {"K": 5e-6, "h": 40}
    assert case.changes == ("flow.param.K.value", "mesh.size")
    assert data(case) == [{"flow": {"param": {"K": {"value": 5e-6}}}}, {"mesh": {"size": 40}}]
    assert all(overlay.keyed for overlay in case.overlays)


def test_a_grid_of_one_axis_has_values_on_it(tmp_path):
    case = listed(tmp_path, {"kind": "grid", "axes": ["h"]}).cases[0]
    assert (case.axis, case.axis_value, case.axis_unit) == ("h", 80.0, "m")


def test_exclude_takes_partial_matches_by_value_or_name(tmp_path):
    named = [{**AXES[0], "names": ["low", "mid", "high"]}, AXES[1]]
    design = {"kind": "grid", "axes": ["K", "h"], "exclude": [{"K": "low", "h": 40}, {"K": 2e-5}]}
    found = listed(tmp_path, design, named)
    assert ids(found) == ["g_low_80", "g_mid_80", "g_mid_40"]
    assert found.designs[0]["case_count"] == 3


def test_an_exclude_that_names_no_level_is_noticed(tmp_path):
    found = listed(tmp_path, {"kind": "grid", "axes": ["h"], "exclude": [{"h": 41}]})
    assert found.notices == ("design 'g': exclude[0] leaves nothing out; axis 'h' has no level 41",)
    assert len(found.cases) == 2


def test_a_grid_of_which_nothing_is_left_is_refused(tmp_path):
    found = listed(tmp_path, {"kind": "grid", "axes": ["h"], "exclude": [{"h": 80}, {"h": 40}]})
    assert found.faults == ("no case is left: the design 'g' excludes all that it makes",)


def test_one_at_a_time_starts_at_the_reference(tmp_path):
    axes = [{**AXES[0], "reference": 1e-5}, AXES[1]]
    found = listed(tmp_path, {"kind": "one_at_a_time", "axes": ["K", "h"]}, axes)
    assert ids(found) == ["g_1e-05_80", "g_5e-06_80", "g_2e-05_80", "g_1e-05_40"]
    assert [case.axis for case in found.cases] == ["K, h", "K", "K", "h"]
    assert [case.axis_value for case in found.cases] == [None, 5e-6, 2e-5, 40]


def test_seeds_are_the_first_bits_of_a_digest():
    digest = hashlib.sha256(b"7:0").hexdigest()
    assert made_seed(7, 0) == int(digest[:8], 16)
    assert [made_seed(7, index) for index in range(3)] == [4127154647, 3617640167, 2374935413]


def test_seeds_from_a_base_keep_their_order_when_there_are_more(tmp_path):
    design = {"kind": "seeds", "key": "initial.seed", "base_seed": 7}
    three = listed(tmp_path, {**design, "count": 3})
    five = listed(tmp_path, {**design, "count": 5})
    assert five.cases[:3] == three.cases
    assert ids(three) == ["g_4127154647", "g_3617640167", "g_2374935413"]
    case = three.cases[0]
    assert (case.axis, case.axis_value) == ("seed", 4127154647)
    assert case.changes == ("initial.seed",)
    assert data(case) == [{"initial": {"seed": 4127154647}}]
    assert three.designs[0]["points"] == [4127154647, 3617640167, 2374935413]
    assert three.designs[0]["extending_count"] == "keeps the earlier points"


def test_seeds_are_crossed_with_axes(tmp_path):
    design = {"kind": "seeds", "key": "initial.seed", "seeds": [3, 4], "axes": ["h"]}
    found = listed(tmp_path, design)
    assert ids(found) == ["g_80_3", "g_80_4", "g_40_3", "g_40_4"]
    assert points(found)[1] == {"h": 80.0, "seed": 4}
    assert data(found.cases[1]) == [{"mesh": {"size": 80.0}}, {"initial": {"seed": 4}}]


def test_levels_with_overlays_set_what_they_say_and_the_keys_that_they_leave(tmp_path):
    level = [
        {"id": "fine", "value": 20.0, "overlay": {"mesh": {"size": 20.0, "size_min": 5.0}}},
        {"id": "own", "value": 40.0, "overlay": {"solver": {"tight": True}}},
        {"id": "plain", "value": 80.0},
        {"id": "word", "overlay": {"mesh": {"kind": "voronoi"}}},
    ]
    axes = [{"id": "h", "keys": ["mesh.size"], "level": level}]
    found = listed(tmp_path, {"kind": "grid", "axes": ["h"]}, axes)
    assert ids(found) == ["g_fine", "g_own", "g_plain", "g_word"]
    assert [case.axis_value for case in found.cases] == [20.0, 40.0, 80.0, "word"]
    assert [data(case) for case in found.cases] == [
        [{"mesh": {"size": 20.0, "size_min": 5.0}}],
        [{"mesh": {"size": 40.0}}, {"solver": {"tight": True}}],
        [{"mesh": {"size": 80.0}}],
        [{"mesh": {"kind": "voronoi"}}],
    ]


def test_templates_overlay_and_enabled_of_a_design(tmp_path):
    design = {
        "kind": "grid",
        "axes": ["K"],
        "id_template": "{design}-{index:04d}-{K:.1e}",
        "label_template": "K = {K}",
        "overlay": {"mesh": {"size": 3.0}},
        "enabled": False,
    }
    found = listed(tmp_path, design)
    assert ids(found) == ["g-0000-5.0e-06", "g-0001-1.0e-05", "g-0002-2.0e-05"]
    case = found.cases[0]
    assert (case.label, case.enabled) == ("K = 5e-06", False)
    assert data(case)[0] == {"mesh": {"size": 3.0}}
    assert [overlay.keyed for overlay in case.overlays] == [False, True]


def test_cases_that_a_template_makes_equal_are_told_once(tmp_path):
    found = listed(tmp_path, {"kind": "grid", "axes": ["K", "h"], "id_template": "{K}"})
    assert len(found.faults) == 3
    assert "case id '5e-06' is used twice" in found.faults[0]


def test_latin_hypercube_has_one_point_in_each_stratum(tmp_path):
    found = listed(tmp_path, {"kind": "latin_hypercube", "axes": ["K", "n"], "count": 8}, RANGES)
    assert ids(found) == [f"g_{index:04d}" for index in range(8)]
    strata = sorted(math.floor(8 * (math.log10(point["K"]) + 6) / 2) for point in points(found))
    assert strata == list(range(8))
    assert all(type(point["n"]) is int and 1 <= point["n"] <= 9 for point in points(found))
    assert found.designs[0]["extending_count"] == "draws all points anew"
    assert found.designs[0]["drawn_by"].startswith("scipy ")


def test_sobol_points_without_scrambling_are_the_published_sequence(tmp_path):
    axes = [
        {"id": "x", "keys": ["x"], "low": 0, "high": 1},
        {"id": "y", "keys": ["y"], "low": 0, "high": 8},
    ]
    design = {"kind": "sobol", "axes": ["x", "y"], "count": 4, "scramble": False}
    assert points(listed(tmp_path, design, axes)) == [
        {"x": 0.0, "y": 0.0},
        {"x": 0.5, "y": 4.0},
        {"x": 0.75, "y": 2.0},
        {"x": 0.25, "y": 6.0},
    ]


def test_more_sobol_points_keep_the_first_ones(tmp_path):
    design = {"kind": "sobol", "axes": ["K", "n"], "seed": 3}
    few = listed(tmp_path, {**design, "count": 5}, RANGES)
    many = listed(tmp_path, {**design, "count": 16}, RANGES)
    assert points(many)[:5] == points(few)
    assert many.notices == ()
    assert few.notices == (
        "design 'g': count 5 is not a power of two; Sobol points are balanced only then",
    )


@pytest.mark.parametrize("kind", ["latin_hypercube", "sobol"])
def test_the_seed_decides_the_points(tmp_path, kind):
    def drawn(seed):
        return points(listed(tmp_path, {"kind": kind, "axes": ["K"], "count": 4, **seed}, RANGES))

    assert drawn({}) == drawn({"seed": 0})
    assert drawn({"seed": 0}) != drawn({"seed": 1})


def plan_of(found):
    return {"designs": [dict(design) for design in found.designs]}


def test_the_points_of_a_plan_are_read_back_and_a_new_draw_that_differs_is_told(tmp_path):
    design = {"kind": "latin_hypercube", "axes": ["K"], "count": 3}
    plan = plan_of(listed(tmp_path, design, RANGES))
    plan["designs"][0] |= {"points": [[2e-6], [3e-6], [4e-6]], "drawn_by": "scipy 0.1"}
    again = listed(tmp_path, design, RANGES, plan)
    assert [case.axis_value for case in again.cases] == [2e-6, 3e-6, 4e-6]
    assert again.designs[0]["drawn_by"] == "scipy 0.1"
    (notice,) = again.notices
    assert notice.startswith("design 'g': scipy ")
    assert notice.endswith(
        " draws other points than the plan holds, which were drawn by scipy 0.1; "
        "those of the plan stand"
    )


def test_a_plan_is_extended_behind_its_own_points(tmp_path):
    design = {"kind": "sobol", "axes": ["K"], "count": 2}
    plan = plan_of(listed(tmp_path, design, RANGES))
    plan["designs"][0]["points"][0] = [2e-6]
    again = listed(tmp_path, {**design, "count": 4}, RANGES, plan)
    fresh = listed(tmp_path, {**design, "count": 4}, RANGES)
    assert again.cases[0].axis_value == 2e-6
    assert points(again)[1:] == points(fresh)[1:]
    fewer = listed(tmp_path, {**design, "count": 1}, RANGES, plan)
    assert [case.axis_value for case in fewer.cases] == [2e-6]


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"count": 4}, {"axes": ["n"]}, {"kind": "sobol"}], ids=str
)
def test_another_design_is_drawn_anew(tmp_path, change):
    design = {"kind": "latin_hypercube", "axes": ["K"], "count": 3}
    plan = plan_of(listed(tmp_path, design, RANGES))
    plan["designs"][0]["points"] = [[2e-6], [3e-6], [4e-6]]
    changed = {**design, **change}
    assert points(listed(tmp_path, changed, RANGES, plan)) == points(
        listed(tmp_path, changed, RANGES)
    )


@pytest.mark.parametrize(
    "points", [None, 3, [3], [[1, 2]], [["a"]], [[None]], [[float("nan")]] * 3], ids=str
)
def test_a_plan_with_points_of_another_shape_is_not_read_back(tmp_path, points):
    design = {"kind": "latin_hypercube", "axes": ["K"], "count": 3}
    fresh = listed(tmp_path, design, RANGES)
    plan = plan_of(fresh)
    plan["designs"][0]["points"] = points
    assert listed(tmp_path, design, RANGES, plan).cases == fresh.cases
    for designs in (None, 3, [3], [{}]):
        assert listed(tmp_path, design, RANGES, {"designs": designs}).cases == fresh.cases


@pytest.fixture
def no_scipy(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def refuse(name, *rest):
        if name.partition(".")[0] == "scipy":
            raise ImportError("no scipy")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_without_scipy_points_cannot_be_drawn_but_a_plan_still_holds(tmp_path, no_scipy):
    design = {"kind": "latin_hypercube", "axes": ["K"], "count": 3}
    with pytest.raises(EngineMissing, match=r"'scipy', .* pip install 'mhx\[groundwater\]'"):
        listed(tmp_path, design, RANGES)
    keys = ("id", "low", "high", "distribution", "integer")
    axis = Axis.model_validate(RANGES[0]).model_dump(include=set(keys))
    record = {
        "id": "g",
        "draw": {"kind": "latin_hypercube", "seed": 0, "axes": [axis]},
        "points": [[2e-6], [3e-6], [4e-6]],
        "drawn_by": "scipy 1.17.1",
    }
    found = listed(tmp_path, design, RANGES, {"designs": [record]})
    assert [case.axis_value for case in found.cases] == [2e-6, 3e-6, 4e-6]
    assert found.notices == ()


def test_a_count_beyond_the_limit_is_refused_before_anything_is_drawn(tmp_path, no_scipy):
    found = listed(
        tmp_path, {"kind": "sobol", "axes": ["K"], "count": 10**9}, RANGES, max_cases=100
    )
    assert found.faults == ("the design 'g' makes 1000000000 cases; testbed.max_cases is 100",)


def test_a_grid_too_large_to_walk_is_refused_at_once(tmp_path):
    axes = [{"id": f"a{n}", "keys": [f"k{n}"], "values": list(range(99))} for n in range(9)]
    names = [axis["id"] for axis in axes]
    design = {"kind": "grid", "axes": names, "exclude": [{"a0": 1}]}
    assert f"makes {99**9} cases" in listed(tmp_path, design, axes).faults[0]


@given(
    st.floats(1e-9, 1e9),
    st.floats(1.001, 1e6),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["uniform", "loguniform"]),
)
@settings(max_examples=200, deadline=None)
def test_a_sample_never_leaves_its_range(low, factor, unit, distribution):
    axis = Axis(id="x", low=low, high=low * factor, distribution=distribution)
    assert low <= between(axis, unit) <= low * factor


@given(st.integers(-50, 50), st.integers(1, 50), st.floats(0, 1, exclude_max=True))
@settings(max_examples=200, deadline=None)
def test_a_whole_sample_is_whole_and_in_range(low, width, unit):
    value = between(Axis(id="x", low=low, high=low + width, integer=True), unit)
    assert type(value) is int
    assert low <= value <= low + width
