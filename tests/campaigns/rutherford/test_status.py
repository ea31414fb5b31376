"""Status and resume plan: they read, say what they find, and touch nothing."""

import json
import shutil

import pytest

from mhx.campaigns.rutherford import resume, status
from mhx.errors import ConfigError, EvidenceError, RunError
from mhx.evidence import store
from mhx.evidence.hashing import file_digest
from mhx.execution.lock import hold

from .conftest import go, plan_into

pytestmark = pytest.mark.usefixtures("quick")


def everything(run):
    return {str(path): file_digest(path) for path in run.rglob("*") if path.is_file()}


def test_a_fresh_plan_stands_at_step_0(run_dir):
    before = everything(run_dir)
    answer = status.status(run_dir)
    assert answer.headline.startswith("step 0 of 48, t = 0, 0.0 %")
    assert answer.document["seconds_per_step_source"] == "given"
    assert everything(run_dir) == before


def test_a_run_half_way_tells_rate_time_left_and_level(run_dir):
    go(run_dir, max_steps=24)
    before = everything(run_dir)
    answer = status.status(run_dir)
    assert answer.headline == "step 24 of 48, t = 0.24, 50.0 %: validation"
    found = answer.document
    assert (found["remaining_steps"], found["seconds_per_step_source"]) == (24, "measured")
    assert found["estimated_seconds_left"] == pytest.approx(24 * found["seconds_per_step"])
    assert found["lock_owner"] is None and found["invalid_checkpoints"] == []
    assert everything(run_dir) == before


def test_who_is_at_work_is_named(run_dir):
    with hold(run_dir, "attempt-7"):
        assert "attempt-7" in status.status(run_dir).document["lock_owner"]


def test_damage_is_told_and_left_where_it_is(run_dir):
    go(run_dir, max_steps=12)
    (run_dir / "checkpoints/state_step_000000000012.npz").write_bytes(b"")
    answer = status.status(run_dir)
    assert answer.document["step"] == 6
    (entry,) = answer.document["invalid_checkpoints"]
    assert entry["id"] == "step_000000000012" and "altered" in entry["reason"]
    assert (run_dir / "checkpoints/state_step_000000000012.npz").exists()


def test_open_promotion_gates_come_with_the_command_that_closes_them(run_dir):
    go(run_dir)
    verdict = {
        "verdict": "unknown",
        "metric": "convergence_bundles",
        "value": None,
        "bound": {"low": 2, "high": None},
        "reason": "r",
        "remedy": "mhx x RUN_DIR",
    }
    store.write_json(
        run_dir / "promotion/validation.json",
        {
            "schema": "mhx.campaign.rutherford_promotion.gates.v1",
            "verdicts": {"convergence_bundle_count": verdict},
        },
    )
    (gate,) = status.status(run_dir).document["open_promotion_gates"]
    assert gate["gate"] == "convergence_bundle_count" and gate["command"] == f"mhx x {run_dir}"


def test_a_foreign_folder_has_no_status(tmp_path):
    with pytest.raises(ConfigError):
        status.status(tmp_path)


def test_the_resume_plan_names_start_cost_and_what_was_rejected(run_dir):
    go(run_dir, max_steps=12)
    (run_dir / "checkpoints/state_step_000000000012.npz").write_bytes(b"")
    answer = resume.resume_plan(run_dir)
    assert answer.headline == "start at step 6 (step_000000000006), target 48"
    assert answer.exit_code == 0
    assert answer.details[0].startswith("step_000000000012 is no resume point")
    written = json.loads((run_dir / "resume_plan.json").read_text())
    assert written["validation"]["invalid_checkpoint_count"] == 1
    assert written["remaining_steps"] == 42 and written["validation"]["passed"] is True


def test_the_resume_plan_answers_where_it_cannot_write(run_dir, monkeypatch):
    def refused(path, value):
        raise RunError(f"cannot write {path}")

    monkeypatch.setattr(store, "write_json", refused)
    answer = resume.resume_plan(run_dir)
    assert answer.exit_code == 0 and answer.wrote is None


def test_a_negative_target_is_a_usage_fault(run_dir):
    with pytest.raises(ConfigError, match="--target-step"):
        resume.resume_plan(run_dir, -1)


def test_a_target_before_every_checkpoint_starts_from_the_initial_state(run_dir):
    go(run_dir, max_steps=12)
    answer = resume.resume_plan(run_dir, 3)
    assert answer.exit_code == 0 and answer.document["start_step"] == 0
    checks = answer.document["validation"]["checks"]
    assert checks["can_resume_from_initial_state"] and checks["target_step_not_before_checkpoint"]


def test_an_edited_index_is_a_cache_and_the_plan_holds(run_dir):
    go(run_dir, max_steps=6)
    path = run_dir / "checkpoints/checkpoint_index.json"
    target = json.loads(path.read_text())["target_step"]
    path.write_text(path.read_text().replace(f'"target_step": {target}', '"target_step": 7'))
    answer = resume.resume_plan(run_dir)
    assert answer.exit_code == 0 and answer.document["target_step"] == target
    (note,) = answer.document["notes"]
    assert "target_step 7" in note and note in answer.details
    assert note in status.status(run_dir).details


def test_checkpoints_of_another_plan_are_refused_by_all_three(run_dir, tmp_path):
    other = plan_into(tmp_path / "other", eta=2e-3)
    go(other, max_steps=6)
    shutil.rmtree(run_dir / "checkpoints")
    shutil.copytree(other / "checkpoints", run_dir / "checkpoints")
    for answer in (resume.resume_plan(run_dir), status.status(run_dir)):
        assert answer.exit_code == 2 and "belong to the plan" in answer.headline
        assert answer.next == "" and answer.document["remaining_steps"] == 48
    with pytest.raises(ConfigError, match="belong to the plan"):
        go(run_dir)


def test_without_any_resume_point_the_plan_is_evidence_missing(run_dir):
    go(run_dir, max_steps=6)
    (run_dir / "checkpoints/state_step_000000000006.npz").unlink()
    (run_dir / "checkpoints/initial_state.npz").unlink()
    assert resume.resume_plan(run_dir).exit_code == 4


def test_an_altered_plan_has_no_resume_plan(run_dir):
    path = run_dir / "campaign_plan.json"
    path.write_text(path.read_text().replace("0.001", "0.002"))
    with pytest.raises(EvidenceError):
        resume.resume_plan(run_dir)
