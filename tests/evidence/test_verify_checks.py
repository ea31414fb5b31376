"""The verifier judges checks by lines of its own; on any matrix both say the same."""

import copy
import math
import random

import pytest
from scipy import stats

from mhx.evidence import verify
from mhx.evidence.store import strict
from mhx.testbed.checks import judge_checks

ROUNDS = 150
AXES = [
    {"id": "h", "refines": "size", "values": [1.0, 1.5, 2.0, 3.0, 4.0, 8.0], "reference": 1.5},
    {"id": "N", "refines": "count", "values": [8, 12, 16, 32, 49]},
    {"id": "K", "values": [1.0, 2.0], "names": ["low", "high"], "reference": "high"},
    {"id": "scheme", "level": [{"id": "upwind"}, {"id": "tvd"}]},
]
DESIGNS = [
    {"id": "grid", "kind": "grid", "axes": ["h", "K"]},
    {"id": "around", "kind": "one_at_a_time", "axes": ["h", "K"]},
    {"id": "seeds", "kind": "seeds", "axes": ["h"]},
]


def values_on(axis, draw):
    table = next(entry for entry in AXES if entry["id"] == axis)
    levels = table.get("values") or [level["id"] for level in table["level"]]
    return draw.sample(levels, draw.randint(1, len(levels)))


def cases_of(draw):
    found = []

    def add(**case):
        found.append({"case_id": f"c{len(found)}", "case_label": "", "axis": "", "design": "",
                      "child_digest": "d", "enabled": draw.random() > 0.05, "coordinates": {},
                      **case})  # fmt: skip

    for axis in draw.sample(["h", "N", "scheme"], draw.randint(0, 2)):
        for value in values_on(axis, draw):
            add(axis=axis, coordinates={axis: value})
    kind = draw.choice(["grid", "around", "seeds", "none"])
    for h in values_on("h", draw) if kind != "none" else ():
        for other in (1.0, 2.0) if kind != "seeds" else (3, 4, 5):
            key = "K" if kind != "seeds" else "seed"
            if kind != "around" or h == 1.5 or other == 2.0:
                add(design=kind, coordinates={"h": h, key: other})
    for _ in range(draw.randint(0, 6)):
        add(axis=draw.choice(["", "tag"]))
    return found


def check_of(n, draw):
    kind = draw.choice(list(verify.CHECK_DEFAULTS))
    some = lambda *keys: {k: draw.choice([0.0, 0.02, 0.2, 3.0]) for k in keys  # noqa: E731
                          if draw.random() > 0.5}  # fmt: skip
    own = {
        "bounds": {"low": draw.choice([-1.0, 0.9]), **some("high")},
        "monotonic": {"axis": draw.choice(["h", "N", "scheme"]), "strict": draw.random() > 0.5,
                      "direction": draw.choice(["increasing", "decreasing"]), **some("noise")},
        "spread": {"max_std": 0.5, "min_n": draw.choice([2, 3, 5]), **some("max_cv",
                                                                          "max_half_width")},
        "difference": {"reference": f"c{draw.randint(0, 4)}", "max_abs": 1.0,
                       **some("max_rel", "min_abs", "min_rel")},
        "order": {"axis": draw.choice(["h", "N"]), "formal_order": draw.choice([1, 2]),
                  **some("noise"), **draw.choice([
                      {"order_tolerance": draw.choice([0.1, 0.25, 1.0])},
                      {"max_uncertainty": draw.choice([1e-3, 0.05, 1.0])},
                      {"order_tolerance": 0.25, "max_uncertainty": 0.1},
                      {"method": "spectral", "max_uncertainty": 0.1}])},
    }[kind]  # fmt: skip
    if kind == "order" and draw.random() < 0.2:
        own["h"] = draw.choice(["size", "mesh.size"])
    where = draw.choice([{}, {}, {"design": "grid"}, {"design": "seeds"}, {"cases": ["c[0-5]"]}])
    return {"id": f"k{n}", "kind": kind, "metric": "m", "reason": "r", **own, **where,
            "required": draw.random() > 0.3}  # fmt: skip


def value_of(case, draw, model):
    at = case["coordinates"]
    h = at.get("h") or 10.0 / at.get("N", 10.0)
    error = {"first": h, "second": h * h, "grows": -1 / h, "flat": 0.0,
             "spectral": math.exp(-30 / h), "noisy": draw.gauss(0, 1)}[model]  # fmt: skip
    return draw.choice([0.0, 1.0]) * 0 + 1 + 0.02 * error + 0.003 * at.get("seed", 0)


def matrix_of(seed):
    draw = random.Random(seed)
    cases = cases_of(draw)
    model = draw.choice(["first", "second", "grows", "flat", "spectral", "noisy"])
    plan = {
        "metrics": [{"name": "m"}, {"name": "size", "source": "mesh.size"}],
        "axes": AXES, "designs": DESIGNS, "cases": cases,
        "checks": [check_of(n, draw) for n in range(6)],
    }  # fmt: skip
    rows = [
        {"case_id": case["case_id"], "status": "ok", "m": value_of(case, draw, model),
         "axis_value": case["coordinates"].get(case["axis"]),
         "size": case["coordinates"].get("h", draw.choice([1.0, 2.0, 4.0]))}
        for case in cases if case["enabled"]
    ]  # fmt: skip
    if rows and draw.random() < 0.25:
        row = draw.choice(rows)
        row.update(draw.choice([{"status": "failed"}, {"m": None}, {"status": "timeout"}]))
    return plan, rows


def faults(plan, rows, checks):
    return list(verify._Checks(plan, rows).wrong(strict(checks)))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_both_judge_alike(seed):
    plan, rows = matrix_of(seed)
    assert faults(plan, rows, judge_checks(plan, rows)) == []


def test_the_matrices_show_every_kind_with_every_verdict():
    seen = {
        (row["kind"], row["verdict"])
        for seed in range(ROUNDS)
        for row in judge_checks(*matrix_of(seed))
    }
    wanted = {
        (kind, word) for kind in verify.CHECK_DEFAULTS for word in ("pass", "fail", "unknown")
    }
    assert wanted <= seen


@pytest.mark.parametrize("seed", range(0, ROUNDS, 5))
def test_no_verdict_can_be_exchanged(seed):
    plan, rows = matrix_of(seed)
    checks = judge_checks(plan, rows)
    for n, row in enumerate(checks):
        for other in {"pass", "fail", "unknown"} - {row["verdict"]}:
            forged = copy.deepcopy(checks)
            forged[n]["verdict"] = other
            assert any("its values say" in fault for fault in faults(plan, rows, forged))


def simple():
    axis = {"id": "K", "values": [1.0, 2.0, 3.0]}
    cases = [{"case_id": f"c{n}", "axis": "K", "design": "", "enabled": True,
              "coordinates": {"K": float(n)}} for n in range(3)]  # fmt: skip
    checks = [{"id": "low", "kind": "bounds", "metric": "m", "high": 2.5, "reason": "r"},
              {"id": "up", "kind": "monotonic", "metric": "m", "axis": "K", "reason": "r",
               "direction": "increasing"}]  # fmt: skip
    plan = {"metrics": [{"name": "m"}], "axes": [axis], "designs": [], "cases": cases,
            "checks": checks}  # fmt: skip
    rows = [{"case_id": f"c{n}", "status": "ok", "m": float(n)} for n in range(3)]
    return plan, rows, judge_checks(plan, rows)


FORGERIES = {
    "a looser bound": (lambda c: c[0]["bound"].update(high=9), "not the check that the plan"),
    "another metric": (lambda c: c[0].update(metric="other"), "not the check that the plan"),
    "not required": (lambda c: c[0].update(required=False), "not the check that the plan"),
    "a case dropped": (lambda c: c[0]["cases"].pop(), "leaves out cases"),
    "a case moved off the axis": (
        lambda c: (c[1]["cases"].remove("c1"), c[1]["detail"].update(elsewhere=["c1"])),
        "leaves out cases",
    ),
    "a check left out": (lambda c: c.pop(0), "not those of the plan"),
    "another value": (lambda c: c[1].update(value=0.5), "its value is 0.5"),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_check_is_contradicted(forge, words):
    plan, rows, checks = simple()
    assert faults(plan, rows, checks) == []
    forge(checks)
    assert any(words in fault for fault in faults(plan, rows, checks))


def test_a_forged_metric_contradicts_its_verdict():
    plan, rows, checks = simple()
    rows[2]["m"] = 0.5
    assert faults(plan, rows, checks) == ["check 'up': its values say fail, not pass"]


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 5, 10, 29, 64])
@pytest.mark.parametrize("t", [0.0, 0.5, 2.0, 12.7, 300.0])
def test_tails_of_student_are_those_of_scipy(dof, t):
    assert verify.student_tails(t, dof) == pytest.approx(2 * stats.t.sf(t, dof), abs=1e-12)


def test_defaults_are_those_of_the_package():
    from mhx.testbed.checks import OWN_KEYS

    assert {kind: dict(keys) for kind, keys in OWN_KEYS.items()} == verify.CHECK_DEFAULTS


SUMMARY = {"metrics": {"flow.h": 1.5, "flow.nan": None, "flow.flag": True},
           "notes": {"version": "6.4.1"}}  # fmt: skip
CONTRACT = [{"name": "h", "source": "flow.h"}, {"name": "nan", "source": "flow.nan"},
            {"name": "flag", "source": "flow.flag"}, {"name": "v", "source": "notes.version"},
            {"name": "v2", "source": "version"},
            {"name": "gone", "source": "flow.gone"}]  # fmt: skip
TOLD = {"case_id": "c", "h": 1.5, "nan": None, "flag": None, "v": "6.4.1", "v2": "6.4.1",
        "gone": None}  # fmt: skip


def test_columns_are_held_against_the_summary_of_the_run():
    assert list(verify.wrong_metrics(TOLD, CONTRACT, SUMMARY)) == []
    [fault] = verify.wrong_metrics({**TOLD, "h": 1.6}, CONTRACT, SUMMARY)
    assert fault == "case 'c': h is 1.6, its run says 1.5"
    assert list(verify.wrong_metrics({**TOLD, "gone": 0.0}, CONTRACT, SUMMARY))
