"""Every promotion gate: passes on good numbers, fails on one bad number, is unknown without it."""

import math

import pytest

from mhx.campaigns.criteria import CRITERIA, READINESS, SWEEPS, criteria
from mhx.campaigns.promotion import judged, policy
from mhx.campaigns.thresholds import BOUNDS
from mhx.evidence.gates import Verdict, judge, judge_all

ROWS = {row.gate.name: row for row in (*CRITERIA, *SWEEPS)}
GATES = {**{name: row.gate for name, row in ROWS.items()}, **{g.name: g for g in READINESS}}


def inside(gate):
    return gate.high if math.isfinite(gate.high) else gate.low


def outside(gate):
    return gate.high + 1 if math.isfinite(gate.high) else gate.low - 1


def good():
    return {gate.metric: inside(gate) for gate in GATES.values()}


@pytest.mark.parametrize("name", GATES)
def test_a_gate_fails_on_its_own_metric_and_no_other_does(name):
    gate = GATES[name]
    found = judge_all(GATES.values(), {**good(), gate.metric: outside(gate)})
    assert [one.gate.name for one in found if one.verdict is Verdict.FAIL] == [name]


@pytest.mark.parametrize("name", GATES)
def test_what_was_not_reported_or_is_no_number_is_unknown(name):
    gate = GATES[name]
    for value in (None, math.nan, math.inf, -math.inf):
        assert judge(gate, {gate.metric: value}).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("name", [row.bound for row in CRITERIA if row.bound])
def test_a_threshold_of_the_plan_moves_its_gate(name):
    rows = criteria({name: 3.25}, require_sweeps=False, same_machine=False)
    gate = next(row.gate for row in rows if row.bound == name)
    assert 3.25 in (gate.low, gate.high)
    assert (gate.low, gate.high).count(math.inf) + (gate.low, gate.high).count(-math.inf) == 1


def test_on_the_same_machine_a_restart_must_agree_to_the_last_bit():
    for same, bound in ((True, 0.0), (False, BOUNDS["max_restart_difference"].value)):
        rows = criteria({}, require_sweeps=False, same_machine=same)
        gate = next(r.gate for r in rows if r.gate.name == "checkpoint_restart_reproducibility")
        assert gate.high == bound


def test_sweeps_are_judged_only_where_they_are_required():
    def names(required):
        return {r.gate.name for r in criteria({}, require_sweeps=required, same_machine=True)}

    assert names(True) - names(False) == {
        "width_aspect_sweep_passed",
        "eta_lundquist_sweep_passed",
    }


def test_the_names_are_those_that_users_of_the_lane_know():
    assert {
        "campaign_plan_present",
        "completed_target",
        "terminal_step_reaches_target",
        "duration_guard_passed",
        "history_schema_supported",
        "required_history_keys_present",
        "finite_history_arrays",
        "minimum_history_samples",
        "energy_budget_residual_within_tolerance",
        "magnetic_divergence_within_tolerance",
        "reconnected_flux_amplifies",
        "island_width_amplifies",
        "current_sheet_geometry_present",
        "current_sheet_geometry_positive",
        "critical_point_counts_present",
        "x_critical_points_detected",
        "o_critical_points_detected",
        "fixed_scale_movies_present",
        "convergence_bundle_count",
        "convergence_bundles_passed",
        "seed_qi_bundle_present",
        "seed_qi_bundle_passed",
    } <= GATES.keys()


class Planned:
    """As much of a plan as a policy reads."""

    thresholds = {name: bound.value for name, bound in BOUNDS.items()}  # noqa: RUF012
    waivers = ()


def test_a_looser_bound_is_a_waiver_and_a_tighter_one_is_not():
    loose = policy(Planned, {"min_history_samples": 2})
    tight = policy(Planned, {"min_history_samples": 1000})
    assert [w.gate for w in loose.waivers] == ["minimum_history_samples"]
    assert not tight.waivers and tight.bounds["min_history_samples"] == 1000


def test_a_run_without_movies_is_a_waiver_and_is_not_asked_for_them():
    chosen = policy(Planned, {}, require_movies=False)
    assert [w.gate for w in chosen.waivers] == ["fixed_scale_movies_present"]
    results = [result.gate.name for _, result in judged(list(ROWS.values()), good(), chosen)]
    assert not {"fixed_scale_movies_present", "movies_fixed_scale_verified"} & set(results)
