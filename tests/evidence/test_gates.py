"""Verdicts: inside, outside, unknown; and gates that cannot be built."""

import math

import pytest

from mhx.evidence.gates import Gate, Verdict, all_pass, judge, judge_all, validation_document
from mhx.evidence.parsing import parse_json
from mhx.evidence.store import render_json

RESIDUAL = Gate(
    name="energy budget closes",
    metric="energy_budget_residual",
    high=1e-9,
    reason="bracket cancellation and dissipation signs over the whole run",
    remedy="halve dt",
)

CASES = {
    "inside": ({"energy_budget_residual": 1e-12}, Verdict.PASS),
    "on the bound": ({"energy_budget_residual": 1e-9}, Verdict.PASS),
    "just outside": ({"energy_budget_residual": math.nextafter(1e-9, 1)}, Verdict.FAIL),
    "outside": ({"energy_budget_residual": 1e-3}, Verdict.FAIL),
    "not a number": ({"energy_budget_residual": math.nan}, Verdict.UNKNOWN),
    "infinite": ({"energy_budget_residual": math.inf}, Verdict.UNKNOWN),
    "infinite on the open side": ({"energy_budget_residual": -math.inf}, Verdict.UNKNOWN),
    "stored as null": ({"energy_budget_residual": None}, Verdict.UNKNOWN),
    "not reported": ({}, Verdict.UNKNOWN),
}


@pytest.mark.parametrize(("metrics", "verdict"), CASES.values(), ids=CASES)
def test_verdict(metrics, verdict):
    assert judge(RESIDUAL, metrics).verdict is verdict


UNBUILDABLE = {
    "bounds nothing": {},
    "never passes": {"low": 2.0, "high": 1.0},
    "a bound that is no number": {"high": math.nan},
    "nothing is low enough": {"high": -math.inf},
    "nothing is high enough": {"low": math.inf},
    "no reason": {"high": 1.0, "reason": ""},
    "no metric": {"high": 1.0, "metric": ""},
}


@pytest.mark.parametrize("words", UNBUILDABLE.values(), ids=UNBUILDABLE)
def test_a_gate_that_cannot_judge_cannot_be_built(words):
    with pytest.raises(ValueError, match="gate 'ran'"):
        Gate(**{"name": "ran", "metric": "steps", "reason": "none", **words})


def test_nothing_judged_proves_nothing():
    assert all_pass([]) is False


def test_one_unknown_is_no_pass():
    other = Gate(name="steps", metric="steps", low=1, reason="nothing ran")
    results = judge_all([RESIDUAL, other], {"steps": 3})
    assert [result.verdict for result in results] == [Verdict.UNKNOWN, Verdict.PASS]
    assert all_pass(results) is False
    assert all_pass(results[1:]) is True


def test_gates_of_one_name_are_refused():
    with pytest.raises(ValueError, match="energy budget closes"):
        judge_all([RESIDUAL, RESIDUAL], {})


TEXTS = {
    "high": ({"high": 1e-9}, "<= 1e-09"),
    "low": ({"low": 100}, ">= 100"),
    "both": ({"low": 0.3, "high": 1.5}, "0.3 .. 1.5"),
    "exact": ({"low": 0, "high": 0}, "= 0"),
}


@pytest.mark.parametrize(("bound", "text"), TEXTS.values(), ids=TEXTS)
def test_a_bound_is_printed_as_a_reader_would_write_it(bound, text):
    assert Gate(name="g", metric="m", reason="r", **bound).bound_text == text


def test_a_result_says_what_was_found_and_what_is_allowed():
    assert str(judge(RESIDUAL, {"energy_budget_residual": 0.25})) == (
        "energy budget closes fail: energy_budget_residual 0.25, bound <= 1e-09"
    )
    assert str(judge(RESIDUAL, {})) == (
        "energy budget closes unknown: energy_budget_residual not reported, bound <= 1e-09"
    )


def test_a_validation_file_holds_value_and_bound_of_each_verdict():
    frames = Gate(name="saved_frame_floor", metric="frames", low=100, reason="too few to see")
    results = judge_all([RESIDUAL, frames], {"energy_budget_residual": math.nan, "frames": 121})
    document = validation_document("mhx.test.gates.v1", results, {"steps": 7})
    assert parse_json(render_json(document)) == {
        "schema": "mhx.test.gates.v1",
        "passed": False,
        "checks": {"energy budget closes": False, "saved_frame_floor": True},
        "thresholds": {
            "energy budget closes": {"low": None, "high": 1e-9},
            "saved_frame_floor": {"low": 100, "high": None},
        },
        "diagnostics": {"steps": 7},
        "verdicts": {
            "energy budget closes": {
                "verdict": "unknown",
                "metric": "energy_budget_residual",
                "value": None,
                "bound": {"low": None, "high": 1e-9},
                "reason": RESIDUAL.reason,
                "remedy": "halve dt",
            },
            "saved_frame_floor": {
                "verdict": "pass",
                "metric": "frames",
                "value": 121,
                "bound": {"low": 100, "high": None},
                "reason": "too few to see",
                "remedy": "",
            },
        },
    }
