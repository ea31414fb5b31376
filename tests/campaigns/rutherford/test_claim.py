"""The finalise step: what it grants, what undoes it, and how one steps down."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mhx.campaigns import criteria, promotion
from mhx.campaigns.execute import TARGET, Outcome
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.campaigns.promotion import Binding, Policy, Verdicts
from mhx.campaigns.rutherford import claim as claiming
from mhx.campaigns.rutherford import conclusion, stepper
from mhx.campaigns.rutherford import promotion as judging
from mhx.errors import ClaimRefused, EvidenceError
from mhx.evidence.claims import ClaimLevel, current_level
from mhx.evidence.gates import judge
from mhx.evidence.manifest import run_digest
from mhx.evidence.store import read_json, write_bytes
from mhx.evidence.verify import verify

from .conftest import STEPS, go

pytestmark = [pytest.mark.usefixtures("quick", "no_waivers"), pytest.mark.slow]
TOP = ClaimLevel.PRODUCTION.value


@pytest.fixture
def no_waivers(monkeypatch):
    """An 8 x 8 plan has waivers; what is tested here is the claim of a plan that has none."""
    monkeypatch.setattr(Plan, "waivers", property(lambda self: []))


def inside(gate):
    return gate.high if gate.low == -float("inf") else gate.low


def report(run, *, spoil="", step=STEPS, lines=()):
    """A promotion folder whose gates read values on their bounds; `spoil` names one outside."""
    folder, plan = RunFolder(run), read_plan(RunFolder(run))
    rows = list(criteria.criteria(plan.thresholds, require_sweeps=False, same_machine=True))
    judged = []
    for row in rows:
        value = inside(row.gate) + (1e9 if row.gate.low == -float("inf") else -1e9) * (
            row.gate.name == spoil
        )
        judged.append((row.theme, judge(row.gate, {row.gate.metric: value})))
    verdicts = Verdicts(
        judged=judged,
        policy=Policy(bounds=plan.thresholds, waivers=[]),
        metrics={"artifact_faults": 0.0},
        facts={"terminal_step": step},
    )
    binding = Binding(folder=folder, outdir=folder.promotion, plan=plan, run_digest=run_digest(run))
    document = promotion.document(verdicts, binding, [])
    answered = [{**answer, "status": "answered"} for answer in document["reviewer_answers"]]
    complete = all(result.passed for _, result in judged)
    document |= {"reviewer_answers": answered, "production_ready": complete}
    judged.append(("claim", judge(criteria.READINESS[1], {"unanswered_questions": 0})))
    judged.append(("claim", judge(criteria.READINESS[0], {"waivers": 0})))
    promotion.write(_Written(replace(verdicts, judged=judged)), binding, document)


class _Written:
    """Verdicts whose readiness is already among the judged gates."""

    def __init__(self, verdicts):
        self._verdicts = verdicts
        self.readiness = []

    def __getattr__(self, name):
        return getattr(self._verdicts, name)


@pytest.fixture
def finished(run_dir):
    go(run_dir)
    return run_dir


@pytest.fixture
def believed(monkeypatch):
    """No run of this size earns a claim: what becomes of one is shown on a made report."""
    monkeypatch.setattr(judging, "contradictions", lambda *a: [])


def claim(run):
    return go(run, max_steps=0, allow_production_claim=True)


@pytest.mark.usefixtures("believed")
def test_a_complete_report_about_this_run_is_granted(finished):
    report(finished)
    answer = claim(finished)
    assert answer.exit_code == 0 and answer.document["claim_level"] == TOP
    manifest = read_json(finished / "manifest.json")
    assert manifest["run_digest"] == run_digest(finished)
    found = verify(finished)
    assert (found.problems, found.effective_level) == ([], TOP)


def test_values_that_the_run_does_not_give_are_refused_whatever_was_hashed(finished):
    """Nothing is waived and every digest fits; only the run itself knows better."""
    report(finished)
    with pytest.raises(ClaimRefused, match="missing_seed_bundles 0, the run gives 1"):
        claim(finished)
    assert current_level(finished / "claim_ledger.jsonl") == "validation"


@pytest.mark.usefixtures("believed")
def test_a_granted_claim_stays_until_something_changes(finished):
    report(finished)
    claim(finished)
    assert go(finished).headline.startswith("nothing to do")
    assert go(finished, max_steps=0).document["claim_level"] == TOP
    path = finished / "production_history.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert verify(finished).effective_level == "unspecified"


@pytest.mark.usefixtures("believed")
def test_stepping_down_is_explicit_and_recorded(finished):
    report(finished)
    claim(finished)
    assert go(finished, allow_production_claim=False).document["claim_level"] == "validation"
    assert current_level(finished / "claim_ledger.jsonl") == "validation"


@pytest.mark.usefixtures("believed")
def test_a_report_that_is_gone_takes_the_claim_with_it(finished):
    report(finished)
    claim(finished)
    (finished / "promotion/promotion_readiness.json").unlink()
    assert go(finished, max_steps=0).document["claim_level"] == "validation"


@pytest.fixture(scope="module")
def finished_once(planned, tmp_path_factory, shared_solver):
    run = Path(shutil.copytree(planned, tmp_path_factory.mktemp("claim") / "run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepper, "Solver", shared_solver)
        patch.setattr(conclusion.figures, "all_histories", lambda *a, **k: [])
        go(run)
    return run


@pytest.mark.parametrize("name", [row.gate.name for row in criteria.CRITERIA])
def test_any_gate_of_the_report_that_fails_stands_against_a_claim(finished_once, monkeypatch, name):
    monkeypatch.setattr(
        promotion, "gate_matrix", lambda path, *a, **k: write_bytes(path, b"picture")
    )
    report(finished_once, spoil=name)
    end = Outcome(stop_reason=TARGET, start_step=STEPS, end_step=STEPS)
    folder = RunFolder(finished_once)
    found = claiming.standing(folder, read_plan(folder), end)
    assert [text for text in found.report_faults if text.startswith(name)]
    assert any(result.gate.name == name and not result.passed for result in found.results)


def test_a_gate_that_fails_refuses_and_the_level_stays(finished):
    report(finished, spoil="reconnected_flux_amplifies")
    with pytest.raises(ClaimRefused, match="reconnected_flux_amplifies"):
        claim(finished)
    assert current_level(finished / "claim_ledger.jsonl") == "validation"


def test_a_report_about_another_step_or_run_is_refused(run_dir):
    go(run_dir, max_steps=40)
    report(run_dir, step=40)
    go(run_dir)
    with pytest.raises(ClaimRefused) as refused:
        claim(run_dir)
    assert "another state of this run" in str(refused.value)
    assert f"stands at step {STEPS}" in str(refused.value)


def test_an_unfinished_run_is_refused(run_dir):
    go(run_dir, max_steps=40)
    report(run_dir, step=40)
    with pytest.raises(ClaimRefused, match=r"step 40 of 48"):
        claim(run_dir)


def test_a_looser_bound_on_the_command_line_caps_the_claim(finished):
    report(finished)
    with pytest.raises(ClaimRefused, match="waiver magnetic_divergence_within_tolerance"):
        go(finished, max_steps=0, allow_production_claim=True, max_divergence_linf=1.0)


@pytest.mark.parametrize("name", ["promotion_readiness.json", "validation.json", "manifest.json"])
def test_an_edited_report_is_altered_evidence(finished, name):
    report(finished)
    path = finished / "promotion" / name
    path.write_text(path.read_text().replace("true", "true ", 1))
    with pytest.raises(EvidenceError, match=f"promotion/{name}"):
        claim(finished)
