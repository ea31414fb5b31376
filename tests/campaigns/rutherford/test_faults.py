"""Damage to any file, a crash at any write, two executors: nothing is lost but one interval."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.resume import select_resume_checkpoint
from mhx.campaigns.rutherford.conclusion import chain
from mhx.errors import MhxError, RunError
from mhx.evidence import store
from mhx.evidence.verify import verify

from .conftest import STEPS, digests, go

pytestmark = pytest.mark.usefixtures("quick")


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


DAMAGE = {
    "flipped": flipped,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
}
INTACT = {"campaign_plan.json", "campaign_config.toml", "commands.jsonl", "claim_ledger.jsonl"}
"""What nothing else can replace: damage there is refused, exit 4, never repaired in silence."""


@pytest.fixture(scope="module")
def half_way(planned, tmp_path_factory, shared_solver):
    """Three chunks, 30 of 48 steps, in checkpoints of 6."""
    from mhx.campaigns.rutherford import conclusion, stepper

    run = Path(shutil.copytree(planned, tmp_path_factory.mktemp("half") / "run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepper, "Solver", shared_solver)
        patch.setattr(conclusion.figures, "all_histories", lambda *a, **k: [])
        for _ in range(3):
            go(run, max_steps=10, keep_states=99)
    return run


def evidence(run):
    return sorted(
        path.relative_to(run).as_posix()
        for path in run.rglob("*")
        if path.is_file() and not path.relative_to(run).parts[0].startswith(("attempts", ".lock"))
    )


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_any_file_is_repaired_or_refused(half_way, reference, damage):
    repaired_or_refused(half_way, reference, damage, evidence(half_way))


@pytest.mark.slow
def test_a_flipped_bit_is_repaired_or_refused(half_way, reference):
    names = [name for name in evidence(half_way) if "000000" not in name or "000020" in name]
    repaired_or_refused(half_way, reference, "flipped", names)


def repaired_or_refused(half_way, reference, damage, names):
    for name in names:
        with tempfile.TemporaryDirectory() as place:
            run = Path(shutil.copytree(half_way, Path(place, "run")))
            DAMAGE[damage](run / name)
            try:
                go(run, keep_states=99)
            except MhxError as error:
                assert name in INTACT and error.exit_code in (2, 4), (name, str(error))
                continue
            found = digests(run)
            missing = {key for key in reference if found.get(key) != reference[key]}
            own = {Path(name).name} if "/state_step_" in name else set()
            assert missing <= own, name  # an older state is not computed again


NEWEST = "checkpoints/{}_step_000000000030.npz"


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", ["state", "history"])
def test_a_damaged_newest_checkpoint_costs_one_interval(half_way, tmp_path, damage, kind):
    run = Path(shutil.copytree(half_way, tmp_path / "run"))
    DAMAGE[damage](run / NEWEST.format(kind))
    answer = go(run)
    assert answer.document["start_step"] == 24
    (line,) = [text for text in answer.details if "discarded" in text]
    assert line.startswith("step_000000000030 discarded: ") and "quarantine" in line
    assert list((run / "checkpoints/quarantine").glob("*/step_000000000030.json"))
    assert verify(run).problems == []


def test_a_damaged_segment_in_the_middle_steps_back_to_before_the_hole(half_way, tmp_path):
    run = Path(shutil.copytree(half_way, tmp_path / "run"))
    flipped(run / "checkpoints/history_step_000000000012.npz")
    answer = go(run)
    assert answer.document["start_step"] == 10
    assert len(answer.document["discarded_checkpoints"]) == 5
    assert verify(run).problems == []


def test_a_damaged_older_state_costs_nothing_and_is_told(half_way, tmp_path):
    run = Path(shutil.copytree(half_way, tmp_path / "run"))
    flipped(run / "checkpoints/state_step_000000000012.npz")
    answer = go(run)
    assert answer.document["start_step"] == 30
    assert "step_000000000012" in answer.document["discarded_checkpoints"][0]
    assert verify(run).problems == []


def test_all_checkpoints_gone_means_the_untouched_initial_state(half_way, tmp_path, reference):
    run = Path(shutil.copytree(half_way, tmp_path / "run"))
    flipped(run / "checkpoints/history_step_000000000006.npz")
    go(run, keep_states=99)
    found = digests(run)
    assert {name: found[name] for name in reference} == reference


class Crash(BaseException):
    """Stands for a power failure: nothing in the program may catch it."""


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["before the rename", "after the rename"])
def test_a_crash_at_each_write_leaves_a_resume_point(half_way, reference, monkeypatch, late):
    real = os.replace
    number, writes = 0, 1
    while number < writes:
        number += 1
        with tempfile.TemporaryDirectory() as place:
            run = Path(shutil.copytree(half_way, Path(place, "run")))
            count = [0]

            def crashing(source, target, count=count, number=number):
                count[0] += 1
                if count[0] == number and not late:
                    raise Crash
                real(source, target)
                if count[0] == number:
                    raise Crash

            with monkeypatch.context() as patch:
                patch.setattr(store.os, "replace", crashing)
                try:
                    go(run, max_steps=12, keep_states=99)
                except Crash:
                    writes = number + 1
            at = select_resume_checkpoint(run)
            assert at.start_step >= 30 and not at.rejected
            if number % 9 == 1:  # going on to the end each time would take minutes
                go(run, keep_states=99)
                found = digests(run)
                assert {name: found[name] for name in reference} == reference
                assert verify(run).problems == []
    assert number > 15


def test_drafts_and_files_without_a_record_are_set_aside(half_way, tmp_path):
    run = Path(shutil.copytree(half_way, tmp_path / "run"))
    orphan = run / NEWEST.format("state").replace("30", "36")
    shutil.copy(run / NEWEST.format("state"), orphan)
    draft = run / "checkpoints/.state_step_000000000036.npz.99-1.part"
    draft.write_bytes(b"half")
    go(run)
    assert not draft.exists() and list((run / "checkpoints/quarantine").glob("*/reasons.json"))
    assert verify(run).problems == []


RACER = """
import pathlib, sys, time
from mhx.campaigns.rutherford import execute, stepper
from mhx.errors import MhxError
run, refused = map(pathlib.Path, sys.argv[1:])
real = stepper.RutherfordStepper.advance
def waiting(self, steps):
    end = time.monotonic() + 40
    while not refused.exists() and time.monotonic() < end:
        time.sleep(0.01)
    real(self, steps)
stepper.RutherfordStepper.advance = waiting
try:
    execute.execute(run, execute.Options(json=True, max_steps=12))
except MhxError as error:
    refused.write_text(str(error))
    sys.exit(error.exit_code)
"""


@pytest.mark.slow
def test_of_two_executors_one_is_refused(run_dir, tmp_path):
    words = [sys.executable, "-c", RACER, str(run_dir), str(tmp_path / "refused")]
    pair = [subprocess.Popen(words) for _ in range(2)]
    assert sorted(process.wait(timeout=60) for process in pair) == [0, 6]
    assert chain(RunFolder(run_dir))[-1].step == 12 and verify(run_dir).problems == []


def test_a_lock_file_of_a_dead_owner_blocks_nobody(run_dir):
    store.write_json(
        run_dir / ".lock.json",
        {"host": "elsewhere", "pid": 1, "start": "then", "attempt": "old", "born": None},
    )
    (run_dir / ".lock").write_text("")
    assert go(run_dir, max_steps=2).exit_code == 0


def test_a_lost_initial_state_is_made_again_or_refused(half_way, tmp_path):
    run = Path(shutil.copytree(half_way, tmp_path / "run"))
    (run / "checkpoints/initial_state.npz").unlink()
    (run / "checkpoints/initial_state.json").unlink()
    with pytest.raises(MhxError, match="does not give the state"):
        go(run, seed=99)
    assert go(run).document["start_step"] == 30
    assert verify(run).problems == [] and STEPS == 48


def test_retention_under_a_full_disk_keeps_two_resume_points(half_way, tmp_path, monkeypatch):
    run = Path(shutil.copytree(half_way, tmp_path / "run"))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path, real=shutil.disk_usage: real(path)._replace(free=1)
    )
    with pytest.raises(RunError):
        go(run)
    monkeypatch.undo()
    flipped(run / NEWEST.format("state"))
    assert select_resume_checkpoint(run).start_step == 24
