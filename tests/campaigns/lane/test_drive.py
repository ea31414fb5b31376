"""Command after command: what is skipped, what goes on, what stops, what is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mhx.campaigns.lane.drive import core_hours
from mhx.campaigns.lane.sealing import seal
from mhx.evidence import verify
from mhx.execution.processes import born
from tests.campaigns.lane.stand_ins import calls, drive_of, lane_of, rows, stand_in, statuses


@pytest.fixture
def root(tmp_path):
    return tmp_path / "lane"


def three(*middle: str, **changes):
    return stand_in("a"), stand_in("b", *middle, **changes), stand_in("c", needs=("b",))


@pytest.mark.slow
def test_what_passed_is_skipped_the_next_time(root):
    lane = lane_of(root, *three())
    assert drive_of(lane).carry_out() == 0
    assert statuses(lane) == ["passed"] * 3
    assert drive_of(lane).carry_out() == 0
    assert statuses(lane) == ["skipped"] * 3
    assert drive_of(lane).carry_out() == 0  # a skipped command has passed
    assert calls(lane) == ["a", "b", "c"]
    assert drive_of(lane, restart=True).carry_out() == 0
    assert calls(lane) == ["a", "b", "c"] * 2


@pytest.mark.slow
def test_an_altered_output_is_made_again_and_all_that_rests_on_it(root):
    lane = lane_of(root, *three())
    drive_of(lane).carry_out()
    (root / "b.out").write_text("edited")
    assert drive_of(lane).carry_out() == 0
    assert calls(lane) == ["a", "b", "c", "b", "c"]
    assert statuses(lane) == ["skipped", "passed", "passed"]


def test_gates_that_fail_are_named_and_the_lane_goes_on(root):
    lane = lane_of(root, *three("gates", "b.json", "tail,order", "exit", "1"))
    assert drive_of(lane).carry_out() == 1
    assert statuses(lane) == ["passed", "gates_failed", "passed"]
    assert rows(lane)["b"]["gates_failed"] == ["tail", "order"]
    drive_of(lane).carry_out()  # retried, and what rests on it with it
    assert calls(lane) == ["a", "b", "c", "b", "c"]


STOPS = {
    **{code: (code, "failed") for code in (2, 3, 4, 6, 70, 130)},
    75: (75, "interrupted"),
    9: (70, "failed"),  # no code of ours
    127: (70, "failed"),
}


@pytest.mark.parametrize(("code", "expected"), STOPS.items(), ids=map(str, STOPS))
@pytest.mark.slow
def test_what_stops_a_lane(root, code, expected):
    lane = lane_of(root, *three("exit", str(code)))
    assert (drive_of(lane).carry_out(), statuses(lane)[-1]) == expected
    assert calls(lane) == ["a", "b"]
    assert rows(lane)["b"]["returncode"] == code


@pytest.mark.slow
def test_a_crash_stops_a_lane(root):
    lane = lane_of(root, *three("kill"))
    assert drive_of(lane).carry_out() == 70
    assert rows(lane)["b"]["returncode"] == 128 + signal.SIGKILL


@pytest.mark.slow
def test_a_lane_goes_on_where_it_stopped(root):
    lane = lane_of(root, *three("once", "3"))
    assert drive_of(lane).carry_out() == 3
    assert drive_of(lane).carry_out() == 0
    assert calls(lane) == ["a", "b", "b", "c"]
    assert rows(lane)["b"]["attempts"] == 2


def test_a_missing_output_is_a_failure(root):
    lane = lane_of(root, *three(expected_outputs=("b.out", "b.npz")))
    assert drive_of(lane).carry_out() == 4
    assert "b.npz is missing" in rows(lane)["b"]["reason"]


def test_beside_failed_gates_a_missing_output_is_named(root):
    lane = lane_of(root, *three("exit", "1", expected_outputs=("b.out", "b.npz")))
    assert drive_of(lane).carry_out() == 1
    assert statuses(lane) == ["passed", "gates_failed", "passed"]
    assert rows(lane)["b"]["reason"] == "b.npz is missing"


@pytest.mark.slow
def test_a_folder_that_does_not_verify_is_a_failure(root):
    lane = lane_of(root, *three(folders=(".",)))
    assert drive_of(lane).carry_out() == 4
    assert rows(lane)["b"]["status"] == "failed"


CLAIMS = {
    "granted": ((), ("exit", "0"), 0, "passed"),
    "check failed": (("exit", "1"), (), 1, "skipped"),
    "refused for a waiver": ((), ("exit", "5"), 5, "failed"),
}


@pytest.mark.parametrize(("check", "claim", "code", "status"), CLAIMS.values(), ids=CLAIMS)
@pytest.mark.slow
def test_a_claim_is_asked_for_only_after_the_check(root, check, claim, code, status):
    lane = lane_of(root, stand_in("check", *check), stand_in("claim", *claim, only_after="check"))
    assert drive_of(lane).carry_out() == code
    assert statuses(lane)[-1] == status
    assert ("claim" in calls(lane)) == (status != "skipped")


@pytest.mark.slow
def test_a_refused_claim_beside_other_failures_is_no_5(root):
    lane = lane_of(
        root,
        stand_in("a", "exit", "1"),
        stand_in("check"),
        stand_in("claim", "exit", "5", only_after="check"),
    )
    assert drive_of(lane).carry_out() == 1


def gone(pids):
    return all(born(pid) is None for pid in pids)


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.slow
def test_a_command_out_of_time_is_killed_with_all_that_it_started(root):
    lane = lane_of(root, *three("stubborn", "60", timeout_seconds=0.8))
    assert drive_of(lane, grace_s=0.3).carry_out() == 124
    assert rows(lane)["b"]["status"] == "timeout"
    pids = [int(pid) for pid in (root / "pids").read_text().split()]
    assert len(pids) == 2
    assert gone(pids)


def asking(number, root):
    """Send a signal to this process once the command is at work."""

    def send():
        until((root / "ready").exists)
        os.kill(os.getpid(), number)

    threading.Thread(target=send).start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.slow
def test_a_lane_that_is_asked_to_stop_waits_for_the_checkpoint(root, number):
    lane = lane_of(root, *three("graceful", "60"))
    before = signal.getsignal(signal.SIGINT)
    asking(number, root)
    assert drive_of(lane).carry_out() == 75
    assert statuses(lane) == ["passed", "interrupted"]
    assert json.loads(lane.manifest.read_text())["execution"]["status"] == "interrupted"
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_ctrl_c_without_a_checkpoint_is_130(root):
    lane = lane_of(root, *three("write", "ready", "", "sleep", "60"))
    asking(signal.SIGINT, root)
    assert drive_of(lane).carry_out() == 130


DRIVER = """
import sys
from pathlib import Path
from tests.campaigns.lane.stand_ins import drive_of, lane_of, stand_in
b = stand_in("b", *sys.argv[2:])
sys.exit(drive_of(lane_of(Path(sys.argv[1]), stand_in("a"), b)).carry_out())
"""


@pytest.mark.slow
def test_a_killed_driver_leaves_nothing_that_computes(root):
    here = Path(__file__).parents[3]
    words = [sys.executable, "-c", DRIVER, root, "stubborn", "60"]
    driver = subprocess.Popen(words, cwd=here)
    assert until((root / "pids").exists)
    driver.kill()
    driver.wait()
    pids = [int(pid) for pid in (root / "pids").read_text().split()]
    assert until(lambda: gone(pids))
    lane = lane_of(root, stand_in("a"), stand_in("b"))
    assert drive_of(lane).carry_out() == 0
    assert calls(lane) == ["a", "b", "b"]


@pytest.mark.slow
def test_the_cost_is_told_by_stage(root):
    lane = lane_of(root, stand_in("a", "busy", "0.2", stage="plan"), stand_in("b", stage="sweep"))
    drive_of(lane).carry_out()
    hours = json.loads(lane.manifest.read_text())["execution"]["core_hours"]
    assert 0.2 / 3600 < hours["plan"] < hours["total"] < 3 / 3600
    assert hours["total"] == pytest.approx(hours["plan"] + hours["sweep"])
    assert core_hours(lane.commands, []) == {"plan": 0.0, "sweep": 0.0, "total": 0.0}


@pytest.mark.slow
def test_output_goes_to_a_log_of_its_own(root):
    lane = lane_of(root, *three("exit", "1"))
    drive_of(lane).carry_out()
    log = (root / "logs/b.log").read_text()
    assert "stand_in.py b write b.out" in log


@pytest.mark.slow
def test_the_root_verifies_with_all_that_lies_below(root):
    lane = lane_of(root, *three())
    drive_of(lane).carry_out()
    (root / "run_commands.sh").write_text("")
    seal(lane)
    assert verify.verify(root).problems == []
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"], cwd=root, capture_output=True, check=False
    )
    assert done.returncode == 0
    (root / "b.out").write_text("edited")
    assert [fault.path for fault in verify.verify(root).problems] == ["b.out"]


@pytest.mark.slow
def test_while_commands_run_the_root_vouches_for_nothing(root):
    lane = lane_of(root, *three("once", "3"))
    (root / "run_commands.sh").write_text("")
    drive_of(lane).carry_out()
    seal(lane)
    drive_of(lane).carry_out()
    assert not (root / "artifact_manifest.json").exists()
