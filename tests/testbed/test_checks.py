"""Declared checks: every kind with every verdict, groups, and no case dropped."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.testbed.checks import bound_of, judge_checks, worst

REASON = "a reader would lose something"


def plan(cases, checks, axes=(), designs=()):
    return {
        "axes": list(axes),
        "designs": list(designs),
        "metrics": [{"name": "m", "source": "flow.m"}, {"name": "h", "source": "mesh.h"}],
        "checks": [{"id": "c", "metric": "m", "reason": REASON, **check} for check in checks],
        "cases": [
            {"case_id": f"c{n}", "case_label": "", "axis": "", "enabled": True, "design": "",
             "coordinates": {}, **case} for n, case in enumerate(cases)
        ],
    }  # fmt: skip


def rows(planned, values, **more):
    return [
        {"case_id": case["case_id"], "status": "ok", "m": value, **more}
        for case, value in zip(planned["cases"], values, strict=True)
    ]


def along(axis, places):
    return [{"axis": axis, "coordinates": {axis: place}} for place in places]


def judged(cases, values, check, **tables):
    planned = plan(cases, [check], **tables)
    return judge_checks(planned, rows(planned, values))


NAN, INF = math.nan, math.inf
BOUNDS = {
    "inside": ([1.0, 2.0], {"low": 0, "high": 2}, "pass", 2.0),
    "on one side": ([1.0, -5.0], {"high": 1}, "pass", 1.0),
    "exactly": ([0.0, 0.0], {"low": 0, "high": 0}, "pass", 0.0),
    "below": ([1.0, -1e-30], {"low": 0}, "fail", -1e-30),
    "above": ([1.0, 3.0, 9.0], {"high": 2}, "fail", 9.0),
    "not a number": ([1.0, NAN], {"high": 2}, "unknown", None),
    "infinite": ([1.0, INF], {"high": 2}, "unknown", None),
    "missing": ([1.0, None], {"high": 2}, "unknown", None),
    "text": ([1.0, "many"], {"high": 2}, "unknown", None),
    "a truth value": ([1.0, True], {"high": 2}, "unknown", None),
    "too large to be a float": ([1.0, 10**400], {"high": 2}, "unknown", None),
    "missing beside a fault": ([5.0, None], {"high": 2}, "unknown", None),
}


@pytest.mark.parametrize(("values", "bounds", "verdict", "value"), BOUNDS.values(), ids=BOUNDS)
def test_bounds(values, bounds, verdict, value):
    [row] = judged([{}] * len(values), values, {"kind": "bounds", **bounds})
    assert (row["verdict"], row["value"]) == (verdict, value)
    assert row["bound"] == bounds
    assert row["n_cases"] == len(values)
    assert row["cases"] == [f"c{n}" for n in range(len(values))]
    assert row["reason"] == REASON


DOWN, UP = {"direction": "decreasing"}, {"direction": "increasing"}
LOOSE = {**DOWN, "strict": False, "noise": 0.1}
MONOTONIC = {
    "falls": ([1, 2, 4], [9, 5, 1], DOWN, "pass", 4.0),
    "falls, listed otherwise": ([4, 1, 2], [1, 9, 5], DOWN, "pass", 4.0),
    "rises": ([1, 2, 4], [1, 5, 9], UP, "pass", 4.0),
    "turns": ([1, 2, 4], [9, 5, 6], DOWN, "fail", -1.0),
    "the other way": ([1, 2, 4], [9, 5, 1], UP, "fail", -4.0),
    "stands still, strict": ([1, 2, 4], [9, 5, 5], DOWN, "fail", 0.0),
    "stands still, loose": ([1, 2, 4], [9, 5, 5], LOOSE, "pass", 0.0),
    "within the noise, strict": ([1, 2], [9, 8.95], {**DOWN, "noise": 0.1}, "fail", 0.05),
    "against it within the noise": ([1, 2], [9, 9.05], LOOSE, "pass", -0.05),
    "against it by more": ([1, 2], [9, 9.2], LOOSE, "fail", -0.2),
    "one value": ([2], [9], DOWN, "unknown", None),
    "one place twice": ([2, 2], [9, 8], DOWN, "unknown", None),
    "missing": ([1, 2, 4], [9, None, 1], DOWN, "unknown", None),
    "two at a place": ([1, 2, 2], [9, 5, 10], DOWN, "fail", -1.0),
    "words without an order": (["low", "high"], [9, 5], DOWN, "unknown", None),
}


@pytest.mark.parametrize(("places", "values", "keys", "verdict", "value"), MONOTONIC.values(),
                         ids=MONOTONIC)  # fmt: skip
def test_monotonic(places, values, keys, verdict, value):
    [row] = judged(along("K", places), values, {"kind": "monotonic", "axis": "K", **keys},
                   axes=[{"id": "K"}])  # fmt: skip
    assert row["verdict"] == verdict
    assert row["value"] == (value if value is None else pytest.approx(value))
    assert row["axis"] == "K"


def test_levels_of_a_categorical_axis_stand_in_declared_order():
    axis = {"id": "scheme", "values": ["upwind", "central", "tvd"]}
    check = {"kind": "monotonic", "axis": "scheme", **DOWN}
    [row] = judged(along("scheme", ["central", "upwind", "tvd"]), [5, 8, 1], check, axes=[axis])
    assert (row["verdict"], row["detail"]["from"]) == ("pass", "c1")


SPREAD = {
    "narrow": ([1.0, 1.01, 0.99, 1.0, 1.0], {"max_cv": 0.01}, "pass"),
    "wide": ([1.0, 1.2, 0.8, 1.0, 1.0], {"max_cv": 0.01}, "fail"),
    "too few": ([1.0, 1.0, 1.0, 1.0], {"max_cv": 0.01}, "unknown"),
    "few and wide": ([1.0, 2.0], {"max_cv": 0.01}, "unknown"),
    "few are enough": ([1.0, 1.0, 1.0], {"max_cv": 0.01, "min_n": 3}, "pass"),
    "half width": ([1.0, 1.01, 0.99, 1.0, 1.0], {"max_half_width": 0.005}, "fail"),
    "both hold": ([1.0, 1.01, 0.99, 1.0, 1.0], {"max_std": 0.1, "max_cv": 0.1}, "pass"),
    "one does not": ([1.0, 1.01, 0.99, 1.0, 1.0], {"max_std": 0.001, "max_cv": 0.1}, "fail"),
    "all equal": ([3.0] * 5, {"max_cv": 0.0}, "pass"),
    "about zero": ([-1.0, 1.0, -2.0, 2.0, 0.0], {"max_cv": 9}, "unknown"),
    "about zero, absolute": ([-1.0, 1.0, -2.0, 2.0, 0.0], {"max_std": 2}, "pass"),
    "all zero": ([0.0] * 5, {"max_cv": 0.1}, "unknown"),
    "all zero, absolute": ([0.0] * 5, {"max_std": 0.0}, "pass"),
    "missing": ([1.0] * 5 + [None], {"max_cv": 0.01}, "unknown"),
}


@pytest.mark.parametrize(("values", "keys", "verdict"), SPREAD.values(), ids=SPREAD)
def test_spread(values, keys, verdict):
    [row] = judged([{}] * len(values), values, {"kind": "spread", **keys})
    assert row["verdict"] == verdict


def test_a_spread_reports_its_statistics():
    [row] = judged([{}] * 3, [9.0, 10.0, 11.0], {"kind": "spread", "max_half_width": 1,
                                                "min_n": 3})  # fmt: skip
    detail = row["detail"]
    assert (detail["n"], detail["mean"], detail["std"], detail["cv"]) == (3, 10, 1, 0.1)
    assert row["value"] == detail["half_width"] == pytest.approx(2.484 / 10, abs=1e-4)
    assert detail["confidence"] == pytest.approx([10 - 2.484, 10 + 2.484], abs=1e-3)
    assert detail["prediction"] == pytest.approx([10 - 4.968, 10 + 4.968], abs=1e-3)


DIFFERENCE = {
    "near": ([1.0, 1.1, 0.95], {"max_abs": 0.2}, "pass", 0.1),
    "far": ([1.0, 1.1, 1.3], {"max_abs": 0.2}, "fail", 0.3),
    "relatively near": ([2.0, 2.1], {"max_rel": 0.06}, "pass", 0.05),
    "relatively far": ([2.0, 2.1], {"max_rel": 0.04}, "fail", 0.05),
    "negative reference": ([-2.0, -2.1], {"max_rel": 0.04}, "fail", 0.05),
    "an effect": ([1.0, 2.0, 0.0], {"min_abs": 0.5}, "pass", 1.0),
    "no effect": ([1.0, 2.0, 1.1], {"min_abs": 0.5}, "fail", 0.1),
    "no relative effect": ([1.0, 1.1], {"min_rel": 0.5}, "fail", 0.1),
    "one of two": ([2.0, 2.5], {"max_abs": 1, "max_rel": 0.1}, "fail", 0.25),
    "zero reference": ([0.0, 0.1], {"max_rel": 0.1}, "unknown", None),
    "zero reference, absolute": ([0.0, 0.1], {"max_abs": 0.1}, "pass", 0.1),
    "reference missing": ([None, 1.0], {"max_abs": 1}, "unknown", None),
    "case missing": ([1.0, None], {"max_abs": 1}, "unknown", None),
    "nothing to compare": ([1.0], {"max_abs": 1}, "unknown", None),
}


@pytest.mark.parametrize(("values", "keys", "verdict", "value"), DIFFERENCE.values(),
                         ids=DIFFERENCE)  # fmt: skip
def test_difference(values, keys, verdict, value):
    check = {"kind": "difference", "reference": "c0", **keys}
    [row] = judged([{}] * len(values), values, check)
    assert row["verdict"] == verdict
    assert row["value"] == (value if value is None else pytest.approx(value))


def test_a_reference_outside_the_selection_is_compared_all_the_same():
    check = {"kind": "difference", "reference": "c0", "cases": ["c2"], "max_abs": 1}
    [row] = judged([{}] * 3, [1.0, 99.0, 1.5], check)
    assert (row["verdict"], row["value"], row["cases"]) == ("pass", 0.5, ["c2"])


def test_an_unknown_reference_is_unknown():
    check = {"kind": "difference", "reference": "c9", "max_abs": 1}
    [row] = judged([{}] * 2, [1.0, 1.0], check)
    assert row["verdict"] == "unknown"
    assert "'c9'" in row["detail"]["text"]


H = [{"id": "h", "refines": "size"}]
N = [{"id": "N", "refines": "count"}]
ORDER = {"kind": "order", "formal_order": 2, "order_tolerance": 0.1}


def test_an_order_along_a_size():
    values = [1 + 0.01 * h**2 for h in (4, 2, 1)]
    [row] = judged(along("h", [4, 2, 1]), values, {**ORDER, "axis": "h"}, axes=H)
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(2))
    assert row["detail"]["extrapolated"] == pytest.approx(1)
    assert row["bound"] == {"method": "algebraic", "formal_order": 2, "order_tolerance": 0.1,
                            "noise": 0.0}  # fmt: skip


def test_an_order_along_a_count():
    values = [1 + 10 / n**2 for n in (16, 32, 64)]
    [row] = judged(along("N", [16, 32, 64]), values, {**ORDER, "axis": "N"}, axes=N)
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(2))


def test_a_spectral_order_along_a_count():
    check = {"kind": "order", "method": "spectral", "max_uncertainty": 0.01, "axis": "N"}
    values = [1 + math.exp(-0.3 * n) for n in (8, 16, 24, 49)]
    [row] = judged(along("N", [8, 16, 24, 49]), values, check, axes=N)
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(0.3, rel=1e-3))
    assert row["detail"]["counts"] == [16, 24, 49]


@pytest.mark.parametrize("name", ["h", "mesh.h"])
def test_a_metric_may_give_the_size_of_the_mesh(name):
    planned = plan([{}] * 3, [{**ORDER, "h": name}])
    sizes, found = (3.9, 2.1, 1.0), rows(planned, [1 + 0.01 * h**2 for h in (3.9, 2.1, 1.0)])
    for row, size in zip(found, sizes, strict=True):
        row["h"] = size
    [row] = judge_checks(planned, found)
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(2))
    found[1]["h"] = None
    [row] = judge_checks(planned, found)
    assert (row["verdict"], "no size" in row["detail"]["text"]) == ("unknown", True)


UNJUDGED = {
    "two grids": ([2, 1], [1.0, 1.1], "2 grids, three at least"),
    "a grid without a value": ([4, 2, 1], [1.0, None, 1.1], "c1 (not reported)"),
    "a size that is no number": (["a", 2, 1], [1.0, 1.1, 1.2], "no size of its grid: 'a'"),
    "a size of zero": ([0, 2, 1], [1.0, 1.1, 1.2], "no size of its grid: 0"),
    "one size, two values": ([2, 2, 1], [1.0, 1.1, 1.2], "c0 and c1 have one size and two values"),
}


@pytest.mark.parametrize(("places", "values", "words"), UNJUDGED.values(), ids=UNJUDGED)
def test_an_order_that_cannot_be_told(places, values, words):
    [row] = judged(along("h", places), values, {**ORDER, "axis": "h"}, axes=H)
    assert row["verdict"] == "unknown"
    assert words in row["detail"]["text"]


def crossed(places, others, name):
    return [{"design": "d", "coordinates": {"h": h, name: k}} for k in others for h in places]


def test_crossed_axes_are_judged_in_every_group_and_the_worst_wins():
    cases = crossed([4, 2, 1], [10, 20], "K")
    values = [1 + 0.01 * h**2 for h in (4, 2, 1)] + [1 + 0.01 * h for h in (4, 2, 1)]
    designs = [{"id": "d", "kind": "grid", "axes": ["h", "K"]}]
    found = judged(cases, values, {**ORDER, "axis": "h"}, axes=[*H, {"id": "K"}], designs=designs)
    assert [(row["group"], row["verdict"]) for row in found] == [("K=10", "pass"), ("K=20", "fail")]
    assert [row["n_cases"] for row in found] == [3, 3]
    for row in found:
        row["required"] = True
    assert worst(found) == "fail"


def test_seeds_that_differ_as_much_as_the_grids_hide_the_order():
    cases = crossed([4, 2, 1], [1, 2], "seed")
    designs = [{"id": "d", "kind": "seeds", "axes": ["h"]}]
    exact = [1 + 0.01 * h**2 for h in (4, 2, 1)]
    check = {**ORDER, "axis": "h"}
    apart = [exact[0], exact[1], exact[2], *(v + 0.05 for v in exact)]
    found = judged(cases, apart, check, axes=H, designs=designs)
    assert {row["verdict"] for row in found} == {"unknown"}
    assert found[0]["detail"]["seed_std"] == pytest.approx(0.05 / math.sqrt(2))
    near = [*exact, *(v + 0.01 for v in exact)]
    found = judged(cases, near, check, axes=H, designs=designs)
    assert {row["verdict"] for row in found} == {"pass"}


def test_a_spread_over_seeds_is_judged_for_each_group_of_axes():
    cases = [{"design": "d", "coordinates": {"K": k, "seed": n}} for k in (1, 2) for n in range(5)]
    designs = [{"id": "d", "kind": "seeds", "axes": ["K"]}]
    values = [1.0] * 5 + [1.0, 2.0, 3.0, 4.0, 5.0]
    found = judged(cases, values, {"kind": "spread", "max_cv": 0.1}, axes=[{"id": "K"}],
                   designs=designs)  # fmt: skip
    assert [(row["group"], row["verdict"]) for row in found] == [("K=1", "pass"), ("K=2", "fail")]


def test_a_one_at_a_time_design_is_judged_through_its_centre():
    axes = [{"id": "K", "values": [1, 2, 3], "reference": 2}, {"id": "R", "values": [5, 6]}]
    points = [(2, 5), (1, 5), (3, 5), (2, 6)]
    cases = [{"design": "d", "coordinates": {"K": k, "R": r}} for k, r in points]
    designs = [{"id": "d", "kind": "one_at_a_time", "axes": ["K", "R"]}]
    check = {"kind": "monotonic", "axis": "K", **DOWN}
    [row] = judged(cases, [5, 9, 1, 7], check, axes=axes, designs=designs)
    assert (row["verdict"], row["cases"]) == ("pass", ["c0", "c1", "c2"])
    assert row["detail"]["elsewhere"] == ["c3"]


def test_cases_off_the_axis_are_named_and_may_not_be_asked_for():
    cases = [*along("K", [1, 2]), {"coordinates": {}}]
    check = {"kind": "monotonic", "axis": "K", **DOWN}
    [row] = judged(cases, [2, 1, 5], check, axes=[{"id": "K"}])
    assert (row["verdict"], row["detail"]["elsewhere"]) == ("pass", ["c2"])
    [row] = judged(cases, [2, 1, 5], {**check, "cases": ["c*"]}, axes=[{"id": "K"}])
    assert row["verdict"] == "unknown"
    assert row["detail"]["text"] == "without a place on axis 'K': c2"
    assert row["n_cases"] == 3


STATUSES = ["failed", "timeout", "interrupted", "skipped", "planned"]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("check", [{"kind": "bounds", "high": 9}, {"kind": "spread", "max_std": 9},
    {"kind": "difference", "reference": "c0", "max_abs": 9},
    {"kind": "monotonic", "axis": "K", **DOWN}, {**ORDER, "axis": "h", "max_uncertainty": 9},
], ids=lambda check: check["kind"])  # fmt: skip
def test_no_check_passes_while_a_selected_case_is_not_ok(check, status):
    cases = [{"coordinates": {"K": n, "h": 2.0**n}} for n in range(5)]
    if check["kind"] == "monotonic":
        cases = along("K", range(5))
    if check["kind"] == "order":
        cases = along("h", [2.0**n for n in range(5)])
    planned = plan(cases, [check], axes=[{"id": "K"}, *H])
    found = rows(planned, [9 - 0.01 * 4**n for n in range(5)])
    assert judge_checks(planned, found)[0]["verdict"] == "pass"
    found[3]["status"] = status
    [row] = judge_checks(planned, found)
    assert (row["verdict"], row["value"]) == ("unknown", None)
    assert f"c3 ({status})" in row["detail"]["text"]
    [row] = judge_checks(planned, [row for row in found if row["case_id"] != "c3"])
    assert (row["verdict"], row["detail"]["missing"]) == ("unknown", ["c3"])


def test_disabled_cases_are_not_selected_and_an_empty_selection_is_unknown():
    cases = [{}, {"enabled": False}]
    [row] = judged(cases, [1.0, 99.0], {"kind": "bounds", "high": 2})
    assert (row["verdict"], row["cases"]) == ("pass", ["c0"])
    for selection in ({"cases": ["x*"]}, {"design": "lhs"}, {"cases": ["c1"]}):
        [row] = judged(cases, [1.0, 99.0], {"kind": "bounds", "high": 2, **selection})
        assert (row["verdict"], row["n_cases"]) == ("unknown", 0)
        assert row["detail"]["text"] == "no case is selected"


def test_defaults_stand_in_the_bound():
    assert bound_of({"kind": "monotonic", **DOWN}) == {"direction": "decreasing", "strict": True,
                                                       "noise": 0.0}  # fmt: skip
    assert bound_of({"kind": "spread", "max_cv": 0.1})["min_n"] == 5


@pytest.mark.parametrize(("verdicts", "expected"), [
    (["pass", "pass"], "pass"), (["pass", "unknown"], "unknown"),
    (["unknown", "fail", "pass"], "fail"), ([], None),
])  # fmt: skip
def test_the_worst_verdict_wins(verdicts, expected):
    found = [{"verdict": verdict, "required": True} for verdict in verdicts]
    assert worst(found) == expected
    assert worst([*found, {"verdict": "fail", "required": False}]) == expected
    assert worst([{"verdict": "fail", "required": False}], required=False) == "fail"


@given(st.lists(st.floats() | st.none() | st.text() | st.booleans(), min_size=1, max_size=6))
def test_a_check_never_passes_on_what_is_no_number(values):
    whole = all(isinstance(v, float) and math.isfinite(v) for v in values)
    for check in ({"kind": "bounds", "low": -INF, "high": INF},
                  {"kind": "spread", "max_std": INF, "min_n": 1}):  # fmt: skip
        [row] = judged([{}] * len(values), values, check)
        if not whole:
            assert (row["verdict"], row["value"]) == ("unknown", None)
