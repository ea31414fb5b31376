"""`run_commands.sh` follows the rules of the driver: the same table, both carried out."""

import os
import signal
import subprocess
import time

import pytest

from mhx.campaigns.lane.script import render, write_script
from tests.campaigns.lane.stand_ins import calls, drive_of, lane_of, stand_in

LANES = {
    "all pass": [("a",), ("check",), ("claim",)],
    "gates fail": [("a", "exit", "1"), ("check",), ("claim",)],
    "check fails": [("a",), ("check", "exit", "1"), ("claim",)],
    "claim refused": [("a",), ("check",), ("claim", "exit", "5")],
    "refused beside a failure": [("a", "exit", "1"), ("check",), ("claim", "exit", "5")],
    **{
        f"stops at {code}": [("a", "exit", str(code)), ("check",), ("claim",)]
        for code in (2, 3, 4, 6, 70, 75, 130)
    },
    "crash": [("a", "kill"), ("check",), ("claim",)],
    "unknown code": [("a", "exit", "9"), ("check",), ("claim",)],
}


def made(root, words):
    commands = [
        stand_in(name, *rest, only_after="check" if name == "claim" else "")
        for name, *rest in words
    ]
    lane = lane_of(root, *commands)
    write_script(root / "run_commands.sh", lane.commands, lane.program, 5.0)
    return lane


@pytest.mark.parametrize("words", LANES.values(), ids=LANES)
@pytest.mark.slow
def test_script_and_driver_agree(tmp_path, words):
    driven, scripted = made(tmp_path / "driven", words), made(tmp_path / "scripted", words)
    code = drive_of(driven).carry_out()
    done = subprocess.run(
        [scripted.root / "run_commands.sh"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, calls(scripted)) == (code, calls(driven))


@pytest.mark.slow
def test_the_script_keeps_to_time_limits(tmp_path):
    lane = lane_of(tmp_path / "r", stand_in("a", "sleep", "30", timeout_seconds=0.5))
    write_script(lane.root / "run_commands.sh", lane.commands, lane.program, 1.0)
    assert subprocess.run([lane.root / "run_commands.sh"], check=False).returncode == 124


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75)])
@pytest.mark.slow
def test_the_script_hands_signals_on(tmp_path, number, code):
    lane = made(tmp_path / "r", [("a", "graceful", "30"), ("b",)])
    running = subprocess.Popen([lane.root / "run_commands.sh"])
    end = time.monotonic() + 10
    while not (lane.root / "ready").exists() and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(running.pid, number)
    assert running.wait(10) == code
    assert calls(lane) == ["a"]


def test_two_scripts_do_not_share_a_folder(tmp_path):
    lane = made(tmp_path / "r", [("a", "graceful", "30")])
    first = subprocess.Popen([lane.root / "run_commands.sh"])
    end = time.monotonic() + 10
    while not (lane.root / "ready").exists() and time.monotonic() < end:
        time.sleep(0.02)
    second = subprocess.run([lane.root / "run_commands.sh"], check=False, capture_output=True)
    first.terminate()
    assert (second.returncode, first.wait(10)) == (6, 75)


@pytest.mark.slow
def test_another_mhx_can_be_named(tmp_path):
    lane = made(tmp_path / "r", [("a",)])
    env = {**os.environ, "MHX": "echo instead of"}
    done = subprocess.run(
        [lane.root / "run_commands.sh"], env=env, capture_output=True, text=True, check=False
    )
    assert "instead of a write a.out" in done.stdout


def test_one_step_per_command():
    commands = [stand_in("a", timeout_seconds=43200.0), stand_in("b", only_after="a")]
    text = render(commands, ("python", "-m", "mhx"), 60.0)
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert "\nrun_step 43200 a write a.out 'by a'\n" in text
    assert text.count("run_step ") - text.count("# run_step ") == 2
