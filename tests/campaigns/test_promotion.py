"""Verdict lines and reports from plain numbers: what is ready, what caps it, what is told."""

from dataclasses import dataclass, field

import pytest

from mhx.campaigns import promotion
from mhx.campaigns.criteria import CRITERIA, EXECUTE, JUDGE_AGAIN, PLAN, SWEEPS, criteria
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.promotion import Binding, Verdicts, headline, judged, missing, policy
from mhx.campaigns.thresholds import BOUNDS
from mhx.errors import ConfigError
from mhx.evidence.claims import Waiver
from mhx.evidence.gates import judge, validation_document
from mhx.evidence.verify import verify, wrong_verdicts

ROWS = (*CRITERIA, *SWEEPS)


@dataclass
class Planned:
    """As much of a plan as promotion reads."""

    waivers: list[Waiver] = field(default_factory=list)
    digest: str = "p" * 64
    family_digest: str = "f" * 64
    target_step: int = 100
    config: dict = field(default_factory=dict)

    @property
    def thresholds(self):
        return {name: bound.value for name, bound in BOUNDS.items()}


def good():
    """Every metric at its bound."""
    gates = [row.gate for row in ROWS]
    return {g.metric: g.high if g.high < float("inf") else g.low for g in gates}


def verdicts(metrics=None, plan=None, given=None, **flags):
    chosen = policy(plan or Planned(), given or {}, **flags)
    rows = list(criteria(chosen.bounds, require_sweeps=True, same_machine=True))
    values = {**good(), "restart_difference": 0.0, **(metrics or {})}
    return Verdicts(judged=judged(rows, values, chosen), policy=chosen, metrics=values)


def test_a_run_that_lacks_nothing_is_ready_for_the_highest_level():
    found = verdicts()
    assert found.production_ready and found.level == "production"
    assert headline(found) == "ready: every gate passes; the run may be called production"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.gate.name)
def test_one_unknown_gate_is_enough_to_be_not_ready(row):
    found = verdicts({row.gate.metric: None})
    assert not found.promotion_ready and found.level != "production"
    assert headline(found).startswith("not ready: 1 of ")


def test_a_waived_run_is_ready_for_validation_and_no_more():
    found = verdicts(given={"min_history_samples": 2})
    assert (found.promotion_ready, found.production_ready) == (True, False)
    assert headline(found) == ("promotion ready, validation only: waiver minimum_history_samples 2")
    assert found.level == "validation"


def test_every_waiver_is_named_those_of_the_check_first():
    planned = Planned([Waiver(gate="precision", production_bound=64, used_bound=32, where="plan")])
    found = verdicts(plan=planned, given={"min_linear_efolds": 0.5}, require_movies=False)
    assert headline(found) == (
        "promotion ready, validation only: waiver linear_phase_observed 0.5, "
        "waiver fixed_scale_movies_present left out, waiver precision 32"
    )


def test_a_gate_of_the_plan_that_is_not_met_is_a_waiver_once():
    unmet = Waiver(
        gate="production_resolution_floor", production_bound=96, used_bound=32, where="x"
    )
    assert [w.gate for w in policy(Planned(), {}, unmet=[unmet]).waivers] == [unmet.gate]
    assert len(policy(Planned([unmet]), {}, unmet=[unmet]).waivers) == 1


def test_altered_evidence_supports_no_level():
    assert verdicts({"artifact_faults": 1.0}).level == "unspecified"


def test_a_bound_that_is_no_number_is_refused():
    with pytest.raises(ConfigError, match="min_linear_efolds"):
        policy(Planned(), {"min_linear_efolds": float("nan")})


def test_what_is_missing_names_gate_command_and_cost(tmp_path):
    found = verdicts({"steps_missing": 50.0, "convergence_bundles": 0.0})
    rows = {row["gate"]: row for row in missing(found, tmp_path, {EXECUTE: 12.5})}
    assert list(rows) == ["terminal_step_reaches_target", "convergence_bundle_count"]
    first = rows["terminal_step_reaches_target"]
    assert first["command"] == f"mhx campaign rutherford-execute {tmp_path}"
    assert (first["estimated_seconds"], first["command_available"]) == (12.5, True)
    assert first["what"] == "terminal_step_reaches_target fail: steps_missing 50, bound <= 0"
    second = rows["convergence_bundle_count"]
    assert (second["estimated_seconds"], second["command_available"]) == (None, True)


def test_words_are_no_command():
    (row,) = missing(verdicts({"code_identity_faults": 1.0}), RunFolder, {})
    assert not row["command_available"]


def test_a_finished_run_is_sent_to_the_planner_not_to_the_executor():
    def remedies(finished):
        rows = criteria({}, require_sweeps=True, same_machine=True, finished=finished)
        return {row.gate.name: row.gate.remedy for row in rows}

    assert remedies(False)["nonlinear_response_present"] == EXECUTE
    assert remedies(True)["nonlinear_response_present"] == PLAN
    assert remedies(True)["execution_diagnostics_present"] == JUDGE_AGAIN
    assert EXECUTE not in remedies(True).values()


def test_what_is_written_verifies_and_is_judged_alike(tmp_path):
    found = verdicts({"max_spectral_tail": 1e-3, "rutherford_ratio": float("nan")})
    place = tmp_path / "run/promotion"
    binding = Binding(
        folder=RunFolder(tmp_path / "run"), outdir=place, plan=Planned(), run_digest="r" * 64
    )
    assert not binding.trial
    lacking = missing(found, tmp_path / "run", {})
    promotion.write(found, binding, promotion.document(found, binding, lacking))
    assert verify(place).problems == []
    report = promotion.document(found, binding, lacking)
    assert report["checks"]["spectral_tail_within_tolerance"] is False
    assert (report["run_dir"], report["run_digest"]) == ("..", "r" * 64)
    stored = validation_document("x.gates.v1", [*found.results, *found.readiness], {})
    assert list(wrong_verdicts(stored)) == []
    again = [judge(result.gate, found.metrics) for result in found.results]
    assert [one.verdict for one in again] == [one.verdict for one in found.results]


def test_a_report_elsewhere_is_a_trial(tmp_path):
    folder = RunFolder(tmp_path / "run")
    for place, trial in ((folder.promotion, False), (tmp_path / "elsewhere", True)):
        binding = Binding(folder=folder, outdir=place, plan=None, run_digest="")
        assert binding.trial is trial
