"""The executor on a real run: cuts, refusals, faults, verdicts, claims."""

import errno
import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mhx.campaigns import resume
from mhx.campaigns.execute import UNSTABLE, Fault, drive
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import plan_digest, read_plan
from mhx.campaigns.rutherford import chunk, execute, stepper
from mhx.campaigns.rutherford.conclusion import chain
from mhx.config import to_toml
from mhx.errors import (
    ClaimRefused,
    ConfigError,
    EvidenceError,
    RunError,
    RunLocked,
    SolverError,
)
from mhx.evidence import store
from mhx.evidence.claims import current_level
from mhx.evidence.hashing import file_digest
from mhx.evidence.verify import verify
from mhx.execution.lock import hold
from mhx.reconnection.trajectory import read_history

from .conftest import STEPS, digests, go, plan_into

pytestmark = pytest.mark.usefixtures("quick")


def read(run, name):
    return json.loads((run / name).read_text())


def contents(run, *, but=("attempts", ".lock", "resume_plan.json", "quarantine")):
    return {
        path.relative_to(run).as_posix(): file_digest(path)
        for path in run.rglob("*")
        if path.is_file() and not any(part.startswith(but) for part in path.relative_to(run).parts)
    }


# -- cuts --------------------------------------------------------------------------------------


def test_a_run_in_one_call_reaches_its_target_and_verifies(run_dir):
    answer = go(run_dir)
    assert (answer.exit_code, answer.not_passed) == (0, [])
    assert verify(run_dir).problems == []
    found = read(run_dir, "diagnostics.json")
    assert (found["end_step"], found["stop_reason"], found["completed_target"]) == (
        48,
        "target",
        True,
    )
    steps = read_history(run_dir / "production_history.npz").arrays["step"]
    assert steps.tolist() == [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 48]


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, 20), min_size=1, max_size=4))
def test_cuts_change_no_byte_of_states_and_history(planned, reference, cuts):
    with tempfile.TemporaryDirectory() as place:
        run = Path(shutil.copytree(planned, Path(place, "run")))
        for cut in cuts:
            go(run, max_steps=cut, keep_states=99)
        go(run, keep_states=99)
        found = digests(run)
        assert {name: found[name] for name in reference} == reference


@pytest.mark.slow
def test_single_steps_change_no_byte(run_dir, reference):
    for _ in range(7):
        go(run_dir, max_steps=1, keep_states=99)
    go(run_dir, keep_states=99)
    found = digests(run_dir)
    assert {name: found[name] for name in reference} == reference


def test_chunks_of_four_and_two_start_and_end_where_they_should(run_dir):
    first, second = go(run_dir, max_steps=4).document, go(run_dir, max_steps=2).document
    assert [first[key] for key in ("start_step", "end_step")] == [0, 4]
    assert [second[key] for key in ("start_step", "end_step")] == [4, 6]
    assert read_history(run_dir / "production_history.npz").arrays["step"][-1] == 6
    assert second["resume_start_checkpoint"] == "checkpoints/step_000000000004.json"


# -- nothing to do, judging again --------------------------------------------------------------


def test_no_step_before_any_run_binds_the_initial_state_and_nothing_else(run_dir):
    answer = go(run_dir, max_steps=0)
    assert [r.gate.name for r in answer.not_passed] == [
        "executor_made_progress_or_target_already_complete"
    ]
    assert answer.exit_code == 1 and chain(RunFolder(run_dir)) == []
    assert (run_dir / "checkpoints/initial_state.npz").exists()
    assert read_history(run_dir / "production_history.npz").arrays["step"].tolist() == [0]


def test_a_finished_run_has_nothing_to_do_and_is_not_touched(run_dir):
    go(run_dir)
    before = contents(run_dir)
    answer = go(run_dir)
    assert answer.headline.startswith("nothing to do") and answer.exit_code == 0
    assert contents(run_dir) == before


def test_judging_a_finished_run_again_leaves_states_segments_and_history(run_dir):
    go(run_dir)
    before = contents(run_dir)
    assert go(run_dir, max_steps=0).exit_code == 0
    changed = {name for name, digest in contents(run_dir).items() if before.get(name) != digest}
    assert not any(name.endswith(".npz") or "/step_" in name for name in changed)
    assert verify(run_dir).problems == []


def test_a_lost_history_is_made_again_from_its_segments(run_dir):
    go(run_dir)
    before = file_digest(run_dir / "production_history.npz")
    (run_dir / "production_history.npz").write_bytes(b"half")
    assert go(run_dir).exit_code == 0
    assert file_digest(run_dir / "production_history.npz") == before
    assert verify(run_dir).problems == []


# -- refusals ----------------------------------------------------------------------------------

BAD = {
    "negative steps": ({"max_steps": -1}, "--max-steps must be >= 0"),
    "no state kept": ({"keep_states": 0}, "--keep-states must be >= 1"),
    "walltime zero": ({"walltime_minutes": 0.0}, "--walltime-minutes must be a finite number > 0"),
    "walltime nan": ({"walltime_minutes": float("nan")}, "--walltime-minutes"),
    "noise infinite": ({"noise_amplitude": float("inf")}, "--noise-amplitude"),
    "bound nan": ({"max_divergence_linf": float("nan")}, "--max-divergence-linf"),
    "two at once": ({"max_steps": -1, "seed": -2}, "--seed must be >= 0"),
}


@pytest.mark.parametrize(("flags", "text"), BAD.values(), ids=BAD)
def test_bad_flags_are_refused_and_nothing_is_written(run_dir, flags, text):
    before = contents(run_dir, but=(".lock",))
    with pytest.raises(ConfigError, match=text):
        go(run_dir, **flags)
    assert contents(run_dir, but=(".lock",)) == before


def test_a_missing_or_foreign_folder_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ConfigError):
        go(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError):
        go(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["campaign_plan.json", "campaign_config.toml"])
def test_an_edited_plan_is_evidence_altered(run_dir, name):
    go(run_dir, max_steps=6)
    path = run_dir / name
    path.write_text(path.read_text().replace("0.001", "0.002"))
    with pytest.raises(EvidenceError, match="altered"):
        go(run_dir)


def test_checkpoints_of_another_plan_are_not_mixed(run_dir, tmp_path):
    go(run_dir, max_steps=6)
    other = plan_into(tmp_path / "other", eta=2e-3)
    for name in ("campaign_plan.json", "campaign_config.toml"):
        shutil.copy(other / name, run_dir / name)
    with pytest.raises(ConfigError, match="belong to the plan"):
        go(run_dir)
    (run_dir / "checkpoints/initial_state.json").unlink()
    with pytest.raises(ConfigError, match="belong to the plan"):
        go(run_dir)


def test_a_seed_is_free_until_it_is_bound(run_dir):
    assert go(run_dir, max_steps=2, seed=5).document["seed"] == 5
    assert go(run_dir, max_steps=2).document["seed"] == 5
    with pytest.raises(ConfigError, match="--seed 6 disagrees with 5"):
        go(run_dir, seed=6)
    with pytest.raises(ConfigError, match="--noise-amplitude"):
        go(run_dir, noise_amplitude=1.0)


def test_a_second_executor_is_told_who_is_at_work(run_dir):
    with hold(run_dir, "first"), pytest.raises(RunLocked, match="first"):
        go(run_dir)


def test_an_unstable_plan_is_refused_with_the_step_that_would_do(run_dir):
    document = read(run_dir, "campaign_plan.json")
    document["config"]["time"] |= {"dt": 1.45, "t1": 48 * 1.45}
    document["plan_digest"] = plan_digest(document)
    store.write_json(run_dir / "campaign_plan.json", document)
    store.write_text(run_dir / "campaign_config.toml", to_toml(document["config"]))
    with pytest.raises(SolverError, match=r"beyond the stability limit.*--dt 1\.3"):
        go(run_dir)
    assert not (run_dir / "attempts").exists()


def test_no_restart_refuses_to_begin_again(run_dir):
    go(run_dir, max_steps=6)
    (run_dir / "checkpoints/state_step_000000000006.npz").unlink()
    with pytest.raises(EvidenceError, match="--no-restart"):
        go(run_dir, no_restart=True)
    assert (run_dir / "checkpoints/step_000000000006.json").exists()


# -- the run itself goes wrong -----------------------------------------------------------------


def unstable_from(step):
    seen = stepper.RutherfordStepper._fault

    def fault(self, state):
        if state.step >= step:
            return Fault(kind=UNSTABLE, step=state.step, time=state.time, message="--dt 0.001")
        return seen(self, state)

    return fault


def test_an_unstable_block_is_dropped_and_the_refusal_repeats_at_once(run_dir, monkeypatch):
    monkeypatch.setattr(stepper.RutherfordStepper, "_fault", unstable_from(22))
    for _ in range(2):
        with pytest.raises(SolverError, match="checkpoint 20 is kept"):
            go(run_dir)
        found = read(run_dir, "diagnostics.json")
        assert (found["stop_reason"], found["end_step"]) == ("unstable", 20)
        assert found["claim_level"] == "unspecified" and found["fault"]["step"] == 24
    assert found["steps_run"] == 0
    assert verify(run_dir).problems == []
    assert go(run_dir, max_steps=0).document["end_step"] == 20


def test_a_full_disk_leaves_the_checkpoint_before(run_dir, monkeypatch):
    go(run_dir, max_steps=6)
    before = contents(run_dir)
    usage = shutil.disk_usage(run_dir)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=4096))
    with pytest.raises(RunError, match=r"needs \d+ bytes, 4096 are free"):
        go(run_dir)
    after = contents(run_dir)
    assert {name: after[name] for name in before} == before
    monkeypatch.undo()


def test_no_space_in_the_middle_of_a_checkpoint_is_survived(run_dir, monkeypatch, reference):
    go(run_dir, max_steps=6, keep_states=99)
    real, count = os.replace, [0]

    def full(source, target):
        count[0] += "history_step" in str(target)
        if count[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "replace", full)
        with pytest.raises(RunError, match=r"the next checkpoint needs \d+ bytes"):
            go(run_dir)
    go(run_dir, keep_states=99)
    found = digests(run_dir)
    assert {name: found[name] for name in reference} == reference


def test_a_read_only_folder_is_one_message(run_dir, monkeypatch):
    def refused(source, target):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(store.os, "replace", refused)
    with pytest.raises(RunError, match="Read-only file system"):
        go(run_dir)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_ends_in_a_checkpoint_and_75(run_dir, monkeypatch, number):
    real = stepper.RutherfordStepper.advance

    def advance(self, steps):
        real(self, steps)
        if self.step >= 13:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        patch.setattr(stepper.RutherfordStepper, "advance", advance)
        answer = go(run_dir)
    assert answer.exit_code == 75 and answer.document["stop_reason"] == "signal"
    assert chain(RunFolder(run_dir))[-1].step == answer.document["end_step"] == 15
    assert go(run_dir).document["start_step"] == 15


def test_an_interrupt_before_the_first_step_is_130(run_dir, monkeypatch):
    real = chunk.bind

    def bind(*words):
        os.kill(os.getpid(), signal.SIGINT)
        return real(*words)

    monkeypatch.setattr(chunk, "bind", bind)
    with pytest.raises(KeyboardInterrupt):
        go(run_dir)
    status = next((run_dir / "attempts").glob("*/status.json"))
    assert json.loads(status.read_text())["exit_code"] == 130


def test_walltime_ends_in_a_checkpoint(run_dir, monkeypatch):
    real = stepper.RutherfordStepper.advance

    def advance(self, steps):
        real(self, steps)
        time.sleep(0.2)

    monkeypatch.setattr(stepper.RutherfordStepper, "advance", advance)
    answer = go(run_dir, walltime_minutes=0.8 / 60)
    assert (answer.exit_code, answer.document["stop_reason"]) == (75, "walltime")
    assert 0 < answer.document["end_step"] < STEPS


# -- what is written ---------------------------------------------------------------------------


def test_older_states_are_given_up_and_the_chain_still_verifies(run_dir):
    go(run_dir, max_steps=30, keep_states=2)
    go(run_dir, keep_states=2)
    kept = sorted(path.name[-15:-4] for path in run_dir.glob("checkpoints/state_step_*.npz"))
    assert [int(name) for name in kept] == [42, 48]
    records = chain(RunFolder(run_dir))
    assert [record.pruned for record in records] == [True] * 6 + [False] * 2
    assert verify(run_dir).problems == [] and go(run_dir).exit_code == 0


@pytest.mark.slow
def test_every_tenth_state_is_kept(run_dir):
    for _ in range(14):
        go(run_dir, max_steps=1, keep_states=1)
    steps = sorted(int(path.stem[-12:]) for path in run_dir.glob("checkpoints/state_step_*"))
    assert steps == [10, 14]


def test_measured_rates_size_what_is_left(run_dir):
    found = go(run_dir, max_steps=10).document
    array, view = read(run_dir, "job_array.json"), read(run_dir, "resume_plan.json")
    assert array["jobs"][0]["start_step"] == 10 and array["jobs"][-1]["end_step"] == STEPS
    assert view["remaining_steps"] == 38 and view["seconds_per_step_source"] == "measured"
    assert view["estimated_seconds_left"] == pytest.approx(38 * found["seconds_per_step"])


def test_each_call_leaves_an_attempt(run_dir):
    go(run_dir, max_steps=3)
    (status,) = (run_dir / "attempts").glob("*/status.json")
    told = json.loads(status.read_text())
    assert (told["exit_code"], told["last_step"], told["state"]) == (0, 3, "ended")
    assert "checkpoint at step 3" in (status.parent / "log.txt").read_text()


@pytest.mark.slow
def test_movies_that_were_asked_for_are_there(run_dir):
    answer = go(run_dir, movies=True)
    assert answer.exit_code == 0 and len(list((run_dir / "figures").glob("*.gif"))) == 2
    assert verify(run_dir).problems == []


def test_a_looser_bound_is_a_waiver_and_a_tighter_one_can_fail(run_dir):
    waivers = go(run_dir, max_steps=2, max_divergence_linf=1e-3).document["waivers"]
    assert [w["used_bound"] for w in waivers if "rutherford-execute" in w["where"]] == [1e-3]
    tight = go(run_dir, max_steps=2, max_relative_energy_growth=0.0, max_divergence_linf=0.0)
    assert [r.gate.name for r in tight.not_passed] == ["magnetic_divergence_within_tolerance"]
    assert tight.exit_code == 1


# -- claims ------------------------------------------------------------------------------------


def test_a_claim_without_a_report_is_refused_and_the_level_stays(run_dir):
    go(run_dir)
    with pytest.raises(ClaimRefused, match=r"promotion_readiness\.json is missing"):
        go(run_dir, max_steps=0, allow_production_claim=True)
    assert current_level(run_dir / "claim_ledger.jsonl") == "validation"
    assert read(run_dir, "manifest.json")["claim_level"] == "validation"
    assert verify(run_dir).problems == []


def test_a_claim_about_altered_files_names_them(run_dir):
    go(run_dir)
    path = run_dir / "production_history.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    before = contents(run_dir)
    with pytest.raises(EvidenceError, match=r"production_history\.npz"):
        go(run_dir, max_steps=0, allow_production_claim=True)
    assert contents(run_dir) == before


def test_a_hand_written_report_supports_nothing(run_dir):
    go(run_dir)
    report = {
        "schema": "mhx.campaign.rutherford_promotion.v1",
        "production_ready": True,
        "promotion_ready": True,
        "terminal_step": STEPS,
    }
    store.write_json(run_dir / "promotion/promotion_readiness.json", report)
    with pytest.raises((ClaimRefused, EvidenceError)):
        go(run_dir, max_steps=0, allow_production_claim=True)
    assert current_level(run_dir / "claim_ledger.jsonl") == "validation"


def test_stepping_down_is_recorded(run_dir):
    go(run_dir, max_steps=4, allow_production_claim=False)
    last = store.read_chained(run_dir / "claim_ledger.jsonl")[-1]
    assert (last["to"], "--validation-claim" in last["reason"]) == ("validation", True)


def test_a_call_reckons_with_the_steps_of_the_one_before(run_dir, monkeypatch):
    """Nothing was measured by a plan whose estimate was typed in."""
    used = []

    def noted(*words, reckoned, **more):
        used.append(reckoned)
        return drive(*words, reckoned=reckoned, **more)

    monkeypatch.setattr(chunk, "drive", noted)
    go(run_dir, max_steps=6)
    measured = read(run_dir, "diagnostics.json")["stepping_seconds_per_step"]
    go(run_dir, max_steps=6)
    assert used == [None, measured]


def test_ctrl_c_while_the_solver_is_loaded_leaves_the_run_as_it_was(run_dir, monkeypatch):
    def slow(folder):
        os.kill(os.getpid(), signal.SIGINT)
        return read_plan(folder)

    before = verify(run_dir).problems
    monkeypatch.setattr(execute, "read_plan", slow)
    with pytest.raises(KeyboardInterrupt):
        go(run_dir, max_steps=12)
    assert not (run_dir / "checkpoints/initial_state.json").exists()
    assert verify(run_dir).problems == before == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_while_the_solver_is_loaded_is_answered(run_dir, monkeypatch, number):
    def slow(folder):
        os.kill(os.getpid(), number)
        return read_plan(folder)

    monkeypatch.setattr(execute, "read_plan", slow)
    answer = go(run_dir, max_steps=12)
    assert answer.exit_code == 75 and answer.document["end_step"] == 0
    assert go(run_dir, max_steps=12).exit_code == 75  # and once more, with a bound state
    monkeypatch.undo()
    assert verify(run_dir).problems == []


@pytest.mark.parametrize("journal", ["claim_ledger.jsonl", "commands.jsonl"])
def test_an_altered_journal_is_named_before_the_first_step(run_dir, quick, journal):
    path = run_dir / journal
    path.write_text(path.read_text().replace("schema", "Schema", 1))
    before = sorted(run_dir.rglob("*"))
    with pytest.raises(EvidenceError, match=journal):
        go(run_dir)
    assert [path for path in sorted(run_dir.rglob("*")) if path.name != ".lock"] == [
        path for path in before if path.name != ".lock"
    ]


def test_judging_again_leaves_the_index_as_it_was(run_dir, quick, monkeypatch):
    """Whoever asks for a claim must not alter what the claim rests on."""
    go(run_dir)
    index = run_dir / "checkpoints/checkpoint_index.json"
    before = index.read_bytes()
    monkeypatch.setattr(resume, "now", lambda: "2099-01-01T00:00:00+00:00")
    go(run_dir, max_steps=0)
    assert index.read_bytes() == before
