"""SIGKILL at random instants: a run always goes on by itself, to the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mhx.campaigns.resume import select_resume_checkpoint
from mhx.evidence.verify import verify

from .conftest import digests, go, plan_into

CHUNK = """
import pathlib, sys, time
from mhx.campaigns.rutherford import execute, stepper
real = stepper.RutherfordStepper.advance
def advance(self, steps):
    time.sleep(0.01)
    real(self, steps)
    print(self.step, flush=True)
stepper.RutherfordStepper.advance = advance
print("ready", flush=True)
execute.execute(pathlib.Path(sys.argv[1]), execute.Options(json=True, keep_states=999))
"""
EVERY = 50  # steps between checkpoints


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    """400 steps, a checkpoint every 50, and what it gives when nobody kills it."""
    place = tmp_path_factory.mktemp("long")
    planned = plan_into(place / "planned", t_end=4.0, save_every=7)
    whole = Path(shutil.copytree(planned, place / "whole"))
    go(whole, keep_states=999)
    return planned, digests(whole)


def killed_and_continued(run: Path, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    before = 0
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", CHUNK, str(run)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.0, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached = int((process.stdout.read().split() or ["0"])[-1])
        process.stdout.close()
        found = select_resume_checkpoint(run)
        assert found.start_step >= before and not found.rejected
        assert reached - found.start_step <= EVERY
        before = found.start_step
    go(run, keep_states=999)


@pytest.mark.slow
def test_five_kills_lose_at_most_an_interval_each(long_run, tmp_path):
    planned, reference = long_run
    run = Path(shutil.copytree(planned, tmp_path / "run"))
    killed_and_continued(run, kills=5, seed=os.getpid())
    found = digests(run)
    assert {name: found[name] for name in reference} == reference
    assert verify(run).problems == []


@pytest.mark.slow
def test_twenty_kills_give_the_same_bytes(long_run, tmp_path):
    planned, reference = long_run
    run = Path(shutil.copytree(planned, tmp_path / "run"))
    killed_and_continued(run, kills=20, seed=20)
    found = digests(run)
    assert {name: found[name] for name in reference} == reference
    assert verify(run).problems == []


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_ends_in_a_checkpoint_and_75(long_run, tmp_path):
    planned, _ = long_run
    run = Path(shutil.copytree(planned, tmp_path / "run"))
    code = (
        CHUNK.replace("0.01", "0.1")
        .replace("execute.execute(", "sys.exit(execute.execute(")
        .replace("keep_states=999))", "keep_states=999)).exit_code)")
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(run)], stdout=subprocess.DEVNULL)
    while not list(run.glob("checkpoints/step_*.json")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 75
    assert verify(run).problems == []
