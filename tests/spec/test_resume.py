"""Section 7: what must not happen to a run that is cut, killed, damaged or moved."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from .lane import (
    EXECUTE,
    TINY,
    arrays,
    execute,
    mhx,
    plan,
    read,
    records,
    states,
    tree,
)

MHX = Path(sys.executable).with_name("mhx")


def trajectory(folder: Path) -> dict[str, np.ndarray]:
    """What does not depend on how the run was cut: the newest state and the history."""
    last = arrays(states(folder)[-1])
    names = ("psi_hat", "omega_hat", "dissipated_energy", "injected_energy", "step", "time")
    history = arrays(folder / "production_history.npz")
    history.pop("schema")
    return {name: last[name] for name in names} | history


def same(a: Path, b: Path) -> None:
    left, right = trajectory(a), trajectory(b)
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].tobytes() == right[name].tobytes(), name


def resume(folder: Path, *words: object):
    said = mhx("campaign", "rutherford-resume-plan", folder, *words)
    return said, read(folder / "resume_plan.json")


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()


# Cuts


def test_cut_run_is_the_uncut_run(cut, finished, copy):
    folder = copy(cut)
    assert execute(folder).code == 0
    same(folder, finished)


def test_every_record_is_a_resume_point(cut, copy):
    """E1: ten of ten, not only the newest."""
    steps = [int(path.stem.split("_")[1]) for path in records(cut)]
    assert steps == sorted(steps) and steps[-1] == 20 and {7, 8} <= set(steps)
    folder = copy(cut)
    for step in steps:
        said, document = resume(folder, "--target-step", step)
        if (folder / "checkpoints" / f"state_step_{step:012d}.npz").exists():
            assert said.code == 0, said.text
            assert document["start_step"] == step
            assert document["validation"]["invalid_checkpoint_count"] == 0


def test_executor_leaves_eight_checkpoints_and_links_them(finished):
    """R2, R4: cadence by steps; each record names plan, initial state and predecessor."""
    found = [read(path) for path in records(finished)]
    assert [record["step"] for record in found] == list(range(6, 49, 6))
    digest = read(finished / "campaign_plan.json")["plan_digest"]
    keys = """schema api_version created_utc checkpoint_id step time completed
        walltime_elapsed_seconds metrics artifacts validation metadata_path plan_digest previous
        initial_state_sha256 attempt_id pruned environment"""
    for before, record in zip([None, *found], found, strict=False):
        assert set(keys.split()) <= record.keys()
        assert record["plan_digest"] == digest
        assert (record["previous"] is None) is (before is None)
        metrics = """total_energy magnetic_divergence_linf rutherford_island_width
            reconnected_flux current_sheet_aspect_ratio"""
        assert set(metrics.split()) <= record["metrics"].keys()
        assert {"state", "history"} <= record["artifacts"].keys()
    assert found[-1]["completed"] is True and found[0]["completed"] is False
    walls = [record["walltime_elapsed_seconds"] for record in found]
    assert walls == sorted(walls) and walls[0] > 0
    assert len({record["initial_state_sha256"] for record in found}) == 1


def test_history_rows_are_global_multiples_and_the_newest_checkpoint(cut, finished):
    assert arrays(cut / "production_history.npz")["step"].tolist() == [0, 4, 8, 12, 16, 20]
    assert arrays(finished / "production_history.npz")["step"].tolist() == list(range(0, 49, 4))


@pytest.mark.slow
def test_last_row_between_multiples_is_provisional(planned, copy):
    folder = copy(planned)
    for steps, rows in ((3, [0, 3]), (2, [0, 4, 5]), (1, [0, 4, 6]), (2, [0, 4, 8])):
        assert execute(folder, "--max-steps", steps).code == 0
        assert arrays(folder / "production_history.npz")["step"].tolist() == rows


@pytest.mark.slow
def test_kept_states(planned, copy):
    """2.5: the newest, the terminal and every tenth; records and segments stay."""
    folder = copy(planned)
    assert execute(folder, "--keep-states", 1).code == 0
    assert len(records(folder)) == 8
    assert len(states(folder)) < 8
    assert states(folder)[-1].name == "state_step_000000000048.npz"
    assert len(list((folder / "checkpoints").glob("history_step_*.npz"))) == 8
    said, document = resume(folder)
    assert said.code == 0 and document["start_step"] == 48, said.text
    assert mhx("verify", folder).code == 0


# Nothing to do


@pytest.mark.slow
def test_no_steps_before_any_run_bind_the_initial_state(planned, copy):
    """E8."""
    folder = copy(planned)
    said = execute(folder, "--max-steps", 0)
    assert said.code == 1, said.text
    assert (folder / "checkpoints" / "initial_state.npz").exists()
    assert states(folder) == [] and records(folder) == []
    checks = read(folder / "validation.json")["checks"]
    failed = [name for name, passed in checks.items() if not passed]
    assert failed == ["executor_made_progress_or_target_already_complete"]


@pytest.mark.slow
def test_no_steps_after_completion_leave_states_and_segments_alone(finished, copy):
    """E9 and rule 5 of section 1."""
    folder = copy(finished)
    before = {path: path.stat().st_mtime_ns for path in (folder / "checkpoints").glob("*.npz")}
    content = tree(folder / "checkpoints")
    for words in (["--max-steps", 0], []):
        said = execute(folder, *words)
        assert said.code == 0, said.text
        after = tree(folder / "checkpoints")
        for name in content:
            if name.endswith(".npz") or name.startswith("step_"):
                assert after[name] == content[name], name
        assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    document = read(folder / "diagnostics.json")
    assert (document["end_step"], document["completed_target"]) == (48, True)
    assert mhx("verify", folder).code == 0


@pytest.mark.slow
def test_run_directory_may_move(cut, copy, finished, monkeypatch):
    """E13, E14: no absolute path, no working directory."""
    folder = copy(cut)
    moved = folder.parent / "elsewhere" / "deeper"
    moved.parent.mkdir()
    shutil.move(folder, moved)
    monkeypatch.chdir(moved)
    assert execute(Path(".")).code == 0
    same(moved, finished)
    assert mhx("verify", ".").code == 0


# Another seed, another plan


@pytest.mark.parametrize(("flag", "value"), [("--seed", 7), ("--noise-amplitude", 1e-3)])
def test_other_seed_or_noise_after_the_start_is_refused(flag, value, cut, copy):
    """E10."""
    folder = copy(cut)
    before = tree(folder)
    said = execute(folder, flag, value)
    assert said.code == 2, said.text
    assert flag in said.text
    assert tree(folder) == before


@pytest.mark.slow
def test_seed_given_with_the_first_chunk_is_bound(planned, copy):
    folder = copy(planned)
    assert execute(folder, "--seed", 9, "--noise-amplitude", 1e-5, "--max-steps", 4).code == 0
    bound = read(folder / "checkpoints" / "initial_state.json")
    assert (bound["seed"], bound["noise_amplitude"]) == (9, 1e-5)
    document = read(folder / "diagnostics.json")
    assert (document["seed"], document["noise_amplitude"]) == (9, 1e-5)
    assert execute(folder, "--seed", 9, "--max-steps", 4).code == 0
    assert execute(folder, "--max-steps", 4).code == 0
    assert execute(folder, "--seed", 0).code == 2


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [("physics", "resistivity", 0.5), ("time", "dt", 0.02), ("mesh", "shape", [16, 16])],
)
def test_plan_edited_between_chunks(table, key, value, cut, copy):
    """Section 9: exit 4, plan digest."""
    folder = copy(cut)
    document = read(folder / "campaign_plan.json")
    document["config"][table][key] = value
    path = folder / "campaign_plan.json"
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    before = tree(folder)
    for command in (EXECUTE, "rutherford-resume-plan"):
        said = mhx("campaign", command, folder)
        assert said.code == 4, said.text
        assert "campaign_plan.json" in said.text
    after = tree(folder)
    after.pop("resume_plan.json", None)
    before.pop("resume_plan.json", None)
    assert after == before


def test_threshold_edited_in_the_plan_is_found(cut, copy):
    folder = copy(cut)
    path = folder / "campaign_plan.json"
    document = read(path)
    document["thresholds"]["max_divergence_linf"] = 1.0
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    assert execute(folder).code == 4
    assert mhx("verify", folder).code == 4


# Damage


@pytest.mark.parametrize("kind", ["state_step", "step", "history_step"])
def test_damaged_newest_checkpoint_is_rejected_by_name(kind, cut, copy):
    folder = copy(cut)
    damage(next((folder / "checkpoints").glob(f"{kind}_000000000020.*")), "flipped")
    said, document = resume(folder)
    assert said.code == 0, said.text
    assert document["start_step"] == 18
    assert "step_000000000020" in said.text
    (invalid,) = document["invalid_checkpoints"]
    assert {"id", "file", "reason"} <= invalid.keys() and invalid["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["flipped", "truncated", "deleted"])
@pytest.mark.parametrize("kind", ["state_step", "step", "history_step"])
def test_damaged_newest_checkpoint_costs_one_interval(kind, how, cut, copy, finished):
    """E1, E6, R3: step back one, say so, and reach the same end."""
    folder = copy(cut)
    steps = [int(path.stem.split("_")[1]) for path in records(folder)]
    newest = next((folder / "checkpoints").glob(f"{kind}_{steps[-1]:012d}.*"))
    damage(newest, how)
    said, document = resume(folder)
    assert said.code == 0, said.text
    assert document["start_step"] == steps[-2]
    if not (kind == "step" and how == "deleted"):
        assert document["validation"]["invalid_checkpoint_count"] >= 1
        assert newest.name in said.text or f"step_{steps[-1]:012d}" in said.text
    assert not list((folder / "checkpoints" / "quarantine").glob("*"))  # the plan moves nothing
    said = execute(folder)
    assert said.code == 0, said.text
    assert read(folder / "diagnostics.json")["start_step"] == steps[-2]
    same(folder, finished)
    assert mhx("verify", folder).code == 0
    if how != "deleted":
        assert any((folder / "checkpoints" / "quarantine").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("how", ["flipped", "truncated", "deleted"])
@pytest.mark.parametrize(
    "name",
    ["production_history.npz", "checkpoints/checkpoint_index.json", "diagnostics.json"],
)
def test_derived_files_are_made_again(name, how, cut, copy, finished):
    """E6, 3.3: history and index are never an input of resume."""
    folder = copy(cut)
    damage(folder / name, how)
    said, document = resume(folder)
    assert said.code == 0, said.text
    assert document["start_step"] == 20
    assert execute(folder).code == 0
    same(folder, finished)


@pytest.mark.slow
def test_old_state_damaged_or_gone_does_not_hurt_newer_ones(cut, copy, finished):
    folder = copy(cut)
    damage(states(folder)[0], "deleted")
    said, document = resume(folder)
    assert (said.code, document["start_step"]) == (0, 20), said.text
    assert execute(folder).code == 0
    same(folder, finished)


def test_old_segment_damaged_steps_back_before_it(cut, copy):
    """All history segments up to a resume point hash correctly."""
    folder = copy(cut)
    segments = sorted((folder / "checkpoints").glob("history_step_*.npz"))
    damage(segments[-2], "flipped")
    _, document = resume(folder)
    assert document["start_step"] == int(segments[-3].stem.split("_")[-1])


@pytest.mark.slow
def test_no_restart_refuses_where_no_checkpoint_is_left(cut, copy):
    folder = copy(cut)
    for path in (folder / "checkpoints").glob("history_step_*.npz"):
        damage(path, "flipped")
    before = tree(folder)
    said = execute(folder, "--no-restart")
    assert said.code == 4, said.text
    assert tree(folder) == before
    said = execute(folder)
    assert said.code == 0, said.text
    history = arrays(folder / "production_history.npz")["step"]
    assert history.tolist() == list(range(0, 49, 4))  # E3: rows of one chain


def test_damaged_initial_state_is_altered_evidence(cut, copy):
    folder = copy(cut)
    damage(folder / "checkpoints" / "initial_state.npz", "flipped")
    said = mhx("verify", folder)
    assert said.code == 4 and "initial_state.npz" in said.text


@pytest.mark.slow
def test_half_written_checkpoint_is_no_checkpoint(cut, copy, finished):
    """E2: a kill after the state, before the record, and between any two bytes."""
    folder = copy(cut)
    state = states(folder)[-1]
    (folder / "checkpoints" / "state_step_000000000024.npz").write_bytes(state.read_bytes()[:100])
    (folder / "checkpoints" / ".step_000000000024.json.tmp").write_text('{"schema": ')
    _, document = resume(folder)
    assert document["start_step"] == 20
    assert execute(folder).code == 0
    same(folder, finished)


# Two executors, signals, kills: real processes


@pytest.fixture
def long_run(tmp_path) -> Path:
    """64 x 64, 40000 steps, some ten seconds and more: enough to be interrupted."""
    folder = tmp_path / "long"
    said = plan(folder, nx=64, ny=64, dt=1e-2, t_end=400, save_every=50)
    assert said.code == 1, said.text
    return folder


def begin(folder: Path, *words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [MHX, "campaign", EXECUTE, folder, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_steps(process: subprocess.Popen, folder: Path) -> None:
    """Until the stepping has begun: a line of progress on stderr or stdout."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step "):
            return
    raise AssertionError(process.communicate())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signal_ends_in_a_checkpoint_and_seventy_five(number, long_run):
    process = begin(long_run)
    wait_for_steps(process, long_run)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 75, out + err
    assert "Traceback" not in out + err
    document = read(long_run / "diagnostics.json")
    assert document["stop_reason"] == "signal"
    assert document["end_step"] > 0
    _, answer = resume(long_run)
    assert answer["start_step"] == document["end_step"]
    assert mhx("verify", long_run).code == 0


@pytest.mark.slow
def test_killed_run_resumes_and_second_executor_is_refused(long_run):
    process = begin(long_run)
    try:
        wait_for_steps(process, long_run)
        before = sorted(path.name for path in (long_run / "attempts").iterdir())
        said = execute(long_run, "--max-steps", 1)
        assert said.code == 6, said.text
        assert plan(long_run, nx=16, ny=16).code in (2, 6)
        busy = mhx("campaign", "rutherford-promotion-check", long_run)
        assert busy.code == 6, busy.text
        assert str(process.pid) in said.text
        assert sorted(path.name for path in (long_run / "attempts").iterdir()) == before
        status = mhx("campaign", "rutherford-status", long_run)
        assert status.code == 0 and str(process.pid) in status.text
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    said = execute(long_run, "--max-steps", 100)
    assert said.code == 0, said.text
    assert mhx("verify", long_run).code == 0


@pytest.mark.slow
def test_killed_at_any_moment_resumes_to_the_same_bits(tmp_path):
    """Five kills in short order, each after another wait; what was reached is kept."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    changes = {"nx": 16, "ny": 16, "t_end": 30, "save_every": 25}
    for folder in (whole, killed):
        assert plan(folder, **changes).code == 1
    assert execute(whole).code == 0
    every = read(whole / "campaign_plan.json")["checkpoint_every_steps"]
    reached = 0
    for wait in np.random.default_rng(4).uniform(0.05, 0.5, 5):
        process = begin(killed)
        assert process.stderr is not None
        line = process.stderr.readline()
        time.sleep(wait)
        process.kill()
        process.communicate()
        assert line or process.returncode in (0, -9)
        _, document = resume(killed)
        assert document["start_step"] >= reached
        assert document["start_step"] % every == 0 or document["start_step"] == 3000
        reached = document["start_step"]
    assert execute(killed).code == 0
    same(killed, whole)


@pytest.mark.slow
def test_walltime_stops_with_a_checkpoint(long_run):
    said = execute(long_run, "--walltime-minutes", 0.05)
    assert said.code == 75, said.text
    document = read(long_run / "diagnostics.json")
    assert document["stop_reason"] == "walltime"
    assert 0 <= document["end_step"] < 40000


@pytest.mark.slow
def test_stale_lock_does_not_block(cut, copy):
    """R1: the owner is dead."""
    folder = copy(cut)
    assert (folder / ".lock").exists()
    assert execute(folder, "--max-steps", 1).code == 0


# States that cannot go on


def unstable(folder: Path) -> None:
    """Noise of amplitude 500: the initial fields are beyond the step that was planned."""
    assert plan(folder, nx=16, ny=16, dt=0.1, t_end=10).code == 1


@pytest.mark.slow
def test_unstable_run_stops_with_three_and_the_step_that_would_do(tmp_path):
    """E5, 5.6: the bad block is dropped, the same call repeats the same refusal."""
    folder = tmp_path / "run"
    unstable(folder)
    first = execute(folder, "--noise-amplitude", 500)
    assert first.code == 3, first.text
    assert "Traceback" not in first.text
    assert "dt" in first.text
    second = execute(folder)
    assert second.code == 3, second.text
    for path in folder.rglob("*.json"):
        read(path)  # RFC 8259: no NaN anywhere
    assert states(folder) == []


# Read-only and full


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root, or ordinary permissions")
def test_a_file_where_a_folder_should_be(planned, copy):
    folder = copy(planned)
    shutil.rmtree(folder / "figures", ignore_errors=True)
    (folder / "figures").write_text("in the way")
    said = execute(folder, "--max-steps", 4)
    assert said.code in (3, 4), said.text
    assert "figures" in said.text and "Traceback" not in said.text
    (folder / "figures").unlink()
    said = execute(folder, "--max-steps", 4)
    assert said.code == 0, said.text


def test_missing_newer_array_is_absent_not_fatal(cut, copy):
    """E7: an old segment without a newer key: readable, the gate unknown."""
    folder = copy(cut)
    history = arrays(folder / "production_history.npz")
    history.pop("spectral_tail")
    np.savez(folder / "production_history.npz", **history)
    assert mhx("campaign", "rutherford-status", folder).code == 0


def test_attempts_are_written_down(cut):
    found = sorted((cut / "attempts").iterdir())
    assert len(found) >= 3
    for folder in found:
        status = read(folder / "status.json")
        assert status["exit_code"] == 0
        assert (folder / "log.txt").read_text()


def test_resume_plan_document(cut, copy):
    _, document = resume(copy(cut))
    keys = """schema api_version run_dir checkpoint start_step target_step remaining_steps
        chunks_remaining validation command_contract invalid_checkpoints execute_command"""
    assert set(keys.split()) <= document.keys()
    assert document["schema"] == "mhx.campaign.rutherford_resume_plan.v1"
    checks = document["validation"]["checks"]
    assert set(checks) == {
        "checkpoint_index_loaded",
        "target_step_not_before_checkpoint",
        "valid_checkpoint_available",
        "can_resume_from_initial_state",
    }
    contract = """executor_status resume_from_checkpoint start_step target_step
        steps_per_walltime_job required_executor_behavior"""
    assert set(contract.split()) <= document["command_contract"].keys()
    assert (document["start_step"], document["remaining_steps"]) == (20, 28)


def test_resume_plan_of_a_fresh_plan_starts_at_zero(planned, copy):
    said, document = resume(copy(planned))
    assert said.code == 0, said.text
    assert (document["start_step"], document["target_step"]) == (0, TINY["--t-end"] * 100)
    assert document["checkpoint"] is None


def test_target_between_checkpoints_takes_the_one_before(cut, copy):
    folder = copy(cut)
    kept = [int(path.stem.split("_")[-1]) for path in states(folder)]
    said, document = resume(folder, "--target-step", kept[-1] - 1)
    assert said.code == 0, said.text
    assert document["start_step"] == kept[-2]


def test_target_before_every_kept_state_starts_from_the_initial_one(cut, copy):
    """2.4: exit 0 when a resume point exists; the untouched initial state is one."""
    said, document = resume(copy(cut), "--target-step", 3)
    assert document["start_step"] == 0 and document["checkpoint"] is None
    assert document["validation"]["checks"]["can_resume_from_initial_state"] is True
    assert said.code == 0, said.text


# Checkpoints of another plan, a full disk


@pytest.mark.slow
def test_checkpoints_of_another_plan(planned, tmp_path):
    """R4: a mismatch is exit 4 (altered) or 2 (other plan); nothing is mixed, nothing is lost."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    shutil.copytree(planned, ours)
    assert plan(theirs, eta=2e-3).code == 1
    assert execute(theirs, "--max-steps", 6).code == 0
    shutil.rmtree(ours / "checkpoints")
    shutil.copytree(theirs / "checkpoints", ours / "checkpoints")
    before = tree(ours)
    said = execute(ours)
    assert said.code in (2, 4), said.text
    assert tree(ours) == before
    # the bound initial state is of the other plan, too: no resume point is left
    said, document = resume(ours)
    assert document["validation"]["checks"]["can_resume_from_initial_state"] is False
    assert said.code != 0, said.text


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MiB, where the machine allows one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.slow
def test_full_disk_keeps_the_last_resume_point(cut, small_disk, tmp_path):
    """Section 7: the previous resume point survives; bytes needed, exit 3."""
    folder = small_disk / "run"
    shutil.copytree(cut, folder)
    with (small_disk / "ballast").open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"\0" * 4096)
        except OSError:
            pass
    said = execute(folder)
    assert said.code == 3, said.text
    assert "Traceback" not in said.text
    assert "bytes" in said.text, said.text
    (small_disk / "ballast").unlink()
    said, document = resume(folder)
    assert said.code == 0, said.text
    assert document["start_step"] >= 20
