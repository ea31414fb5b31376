"""The launcher with worker processes: crashes, time limits, signals (kill -9: test_killed.py)."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mhx.errors import INTERRUPTED, STOPPED_EARLY
from mhx.testbed.launcher import Options, run_testbed
from mhx.testbed.records import CASES, METRICS
from mhx.testbed.running import journal

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


def start(path, *words):
    command = [sys.executable, "-m", "mhx", "testbed", "run", str(path), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition, patience=60.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def outcomes(root):
    path = root / journal.JOURNAL
    return path.read_bytes().count(b'"event":"outcome"') if path.exists() else 0


def claims(root):
    path = root / journal.JOURNAL
    return path.read_bytes().count(b'"event":"claimed"') if path.exists() else 0


def waiting(file, seconds, count=6):
    values = [float(k) for k in range(1, count + 1)]
    return file(
        base=f"[probe]\nk = 1.0\nwait_s = {seconds}\n",
        values=("[1.0, 2.0, 4.0]", str(values)),
        execution="jobs = 2, grace_s = 1",
    )


def test_workers_give_the_evidence_of_one_process(file, root, compared):
    run_testbed(waiting(file, 0.0), Options(backend="inline"))
    expected = compared(root)
    run_testbed(waiting(file, 0.0), Options(jobs=2, fresh=True))
    assert compared(root) == expected
    run_testbed(waiting(file, 0.0), Options(jobs="auto", fresh=True))
    assert compared(root) == expected


def test_a_crash_and_a_hang_cost_one_case_each(file, root, compared):
    cases = "".join(
        f'\n[[testbed.case]]\nid = "{fault}"\nchanges = ["probe"]\n'
        f'overlay = {{ probe = {{ fault = "{fault}" }} }}\n'
        for fault in ("killed", "hang", "stubborn")
    )
    path = file(extra=cases, execution="jobs = 2, timeout_s = 3.0, grace_s = 0.5")
    answer = run_testbed(path)
    rows = {row["case_id"]: row for row in compared.rows(root, CASES)}
    assert answer.exit_code == 1
    assert [row["status"] for row in rows.values()] == [
        "failed", "timeout", "timeout", "ok", "ok", "ok",
    ]  # fmt: skip
    attempt = rows["killed"]["attempt"]
    assert rows["killed"]["error"] == (
        f"case 'killed': the process died (signal 9); see cases/killed/attempts/{attempt}/log.txt"
    )
    attempt = rows["hang"]["attempt"]
    assert rows["hang"]["error"] == f"case 'hang' exceeded 3 s (attempt {attempt}); stopped"
    assert (root / "cases" / "hang" / "attempts" / attempt / "log.txt").is_file()
    assert [row["case_id"] for row in compared.rows(root, METRICS)] == list(rows)


SIGNALS = {
    signal.SIGTERM: STOPPED_EARLY,
    signal.SIGUSR1: STOPPED_EARLY,
    signal.SIGINT: INTERRUPTED,
}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_persists_and_the_same_command_goes_on(number, file, root, compared):
    path = waiting(file, 0.6)
    done = start(path)
    until(lambda: outcomes(root) >= 1)
    done.send_signal(number)
    out, err = done.communicate(timeout=60)
    assert done.returncode == SIGNALS[number], err
    rows = compared.rows(root, CASES)
    statuses = [row["status"] for row in rows]
    assert {"ok", "interrupted"} <= set(statuses)
    assert statuses[-1] == "planned"
    assert f"next: mhx testbed run {path}" in out
    answer = run_testbed(path, Options(jobs=2))
    assert answer.exit_code == 0
    reused = [row["reused"] for row in compared.rows(root, CASES)]
    assert reused == ["true" if status == "ok" else "false" for status in statuses]


def test_a_worker_killed_from_outside_is_one_failed_case(file, root, compared):
    path = waiting(file, 2.0, count=2)
    done = start(path)
    until(lambda: claims(root) >= 2)
    time.sleep(1.0)
    told = [place.read_text() for place in root.glob("cases/line_1/attempts/*/status.json")]
    pid = int(told[0].partition('"pid": ')[2].partition(",")[0])
    os.kill(pid, signal.SIGKILL)
    done.communicate(timeout=60)
    assert done.returncode == 1
    assert [row["status"] for row in compared.rows(root, CASES)] == ["failed", "ok"]
    assert "died (signal 9)" in compared.rows(root, CASES)[0]["error"]
    assert run_testbed(path).exit_code == 0


def test_a_second_command_exits_6_while_the_first_works(file, root):
    path = waiting(file, 1.0, count=2)
    first = start(path)
    until(lambda: claims(root) >= 1)
    until(lambda: (root / CASES).exists() and b",running," in (root / CASES).read_bytes())
    second = start(path)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 6
    assert f"is locked by process {first.pid} on " in err
    assert err.strip().endswith("nothing was changed")
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_process_that_died_is_tried_again_where_that_is_asked(file, root, compared):
    extra = '\n[[testbed.case]]\nid = "x"\noverlay = { probe = { fault = "killed" } }\n'
    run_testbed(file(extra=extra, execution="retries = 1"))
    assert len(list(root.glob("cases/x/attempts/*"))) == 2
    assert compared.rows(root, CASES)[0]["status"] == "failed"
