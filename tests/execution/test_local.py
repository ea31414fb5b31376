"""The pool: every job once, in a process of its own, and nothing of it left afterwards."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mhx.errors import RunError
from mhx.execution.job import Ending
from mhx.execution.local import LocalPool
from mhx.execution.worker_process import environment

FAST = 0.2  # seconds of grace


@pytest.fixture
def pool(errands):
    made = []

    def make(jobs=1, **options):
        made.append(LocalPool(jobs, **{"grace_s": FAST, "target": errands, **options}))
        return made[-1]

    yield make
    for each in made:
        each.close()


def status(outcome):
    return json.loads((outcome.log.parent / "status.json").read_bytes())


@pytest.mark.parametrize("ahead", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_job_is_run_once_in_whatever_order_they_end(pool, job, ahead):
    draw = random.Random(1)
    jobs = [job(f"c{i}", "wait", draw.random() / 50, i % 3) for i in range(40)]
    found = list(pool(3, ahead=ahead).run(jobs))
    assert sorted(outcome.job.name for outcome in found) == sorted(each.name for each in jobs)
    assert all(outcome.exit_code == int(outcome.job.words[2]) for outcome in found)
    assert {outcome.ending for outcome in found} == {Ending.FINISHED}
    attempts = [len(list(each.attempts.iterdir())) for each in jobs]
    assert attempts == [1] * len(jobs)


def test_what_a_job_prints_goes_into_the_log_of_its_attempt(pool, job, capfd):
    first, second = pool().run([job("a", "say", "héllo"), job("b", "say", "again")])
    assert first.log.read_text() == "héllo\nto stderr\nfrom a program\n"
    assert second.log.read_text().startswith("again\n")
    assert capfd.readouterr() == ("", "")


def test_a_status_says_who_worked_on_what_and_how_it_ended(pool, job):
    (outcome,) = pool().run([job("a", "code", 3)])
    said = status(outcome)
    assert outcome.log.parent.name == outcome.attempt == said["attempt_id"]
    assert said["command"] == ["mhx", "code", "3"]
    assert (said["state"], said["exit_code"], said["signal"]) == ("finished", 3, None)
    assert said["host"] and said["pid"] != os.getpid() and int(said["born"]) > 0
    assert len(said["words_digest"]) == 64
    assert 0 <= said["duration_s"] == pytest.approx(outcome.wall_s, abs=1e-3)
    assert said["started_utc"] == outcome.started_utc <= outcome.finished_utc


def test_a_worker_lives_on_and_leads_a_session_that_no_terminal_reaches(pool, job, tmp_path):
    first, second = pool().run([job("a", "who"), job("b", "who")])
    assert first.log.read_text() == second.log.read_text()
    pid, keeper, session, group, *rest = first.log.read_text().split(maxsplit=5)
    assert session == group == keeper != pid
    assert int(session) != os.getsid(0)
    assert rest == [str(tmp_path), "['mhx', 'who']\n"]


def test_a_job_cannot_spoil_the_surroundings_of_the_next(pool, job):
    _, after, where = pool().run([job("a", "spoil"), job("b", "show", "SPOILT"), job("c", "who")])
    assert after.log.read_text() == "SPOILT=None\n"
    assert str(where.job.folder) in where.log.read_text()


def test_a_worker_has_none_of_our_overrides_and_the_path_of_the_user(monkeypatch):
    monkeypatch.setenv("MHX_SET_time__dt", "0.1")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setattr(sys, "path", ["", "/elsewhere"])
    found = environment(1)
    assert "MHX_SET_time__dt" not in found
    assert found["PYTHONPATH"] == f"{os.getcwd()}:/elsewhere"
    assert found["MHX_WORKER_PYTHONPATH"] == "/somewhere"


def test_jax_has_its_share_of_the_threads_and_sums_have_one(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "99")
    monkeypatch.setenv("NPROC", "2")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=x")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC", "XLA_FLAGS")
    four, one = environment(4), environment(1)
    assert [four[name] for name in names] == ["1", "1", "2", "--xla_dump_to=x"]
    single = "--xla_cpu_multi_thread_eigen=false --xla_dump_to=x"
    assert [one[name] for name in names] == ["1", "1", "1", single]
    monkeypatch.delenv("XLA_FLAGS")
    monkeypatch.delenv("NPROC")
    assert environment(8)["NPROC"] == "8"
    assert environment(1)["XLA_FLAGS"] == "--xla_cpu_multi_thread_eigen=false"
    assert "XLA_FLAGS" not in environment(2)


@pytest.mark.slow
def test_what_a_job_starts_sees_the_path_of_the_user(pool, job, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    given = pool(1000)
    assert given.threads == 1
    (outcome,) = given.run([job("a", "show", "PYTHONPATH", "OMP_NUM_THREADS")])
    assert outcome.log.read_text() == "PYTHONPATH=/somewhere OMP_NUM_THREADS=1\n"


DEATHS = {
    "killed": (("die", signal.SIGKILL), signal.SIGKILL),
    "a fault in a library": (("crash",), signal.SIGSEGV),
    "a library that ends the process": (("leave", 3), None),
}


@pytest.mark.parametrize(("words", "number"), DEATHS.values(), ids=DEATHS)
def test_a_process_that_dies_costs_one_case(pool, job, words, number):
    jobs = [job("a", "code", 0), job("b", *words), job("c", "code", 1)]
    before, outcome, after = pool().run(jobs)
    assert (before.exit_code, after.exit_code) == (0, 1)
    assert (outcome.ending, outcome.exit_code, outcome.signal) == (Ending.DIED, None, number)
    assert (status(outcome)["state"], status(outcome)["signal"]) == ("died", number)
    assert outcome.tries == 1


@pytest.mark.slow
def test_the_log_of_a_crash_says_where_it_happened(pool, job):
    (outcome,) = pool().run([job("a", "crash")])
    assert "Segmentation fault" in outcome.log.read_text()
    assert "in crash" in outcome.log.read_text()


@pytest.mark.slow
def test_a_process_that_died_is_tried_again_while_retries_last(pool, job, tmp_path):
    lucky, hopeless = pool(retries=2).run(
        [job("a", "die_once", tmp_path / "marker"), job("b", "die", signal.SIGKILL)]
    )
    assert (lucky.ending, lucky.exit_code, lucky.tries) == (Ending.FINISHED, 0, 2)
    assert (hopeless.ending, hopeless.tries) == (Ending.DIED, 3)
    assert len(list(hopeless.job.attempts.iterdir())) == 3


def test_a_solver_that_said_no_is_not_asked_again(pool, job):
    given = pool(retries=3)
    no, late = given.run([job("a", "code", 3), job("b", "wait", 60, timeout_s=0.01)])
    assert (no.exit_code, no.tries) == (3, 1)
    assert (late.ending, late.tries) == (Ending.TIMEOUT, 1)


@pytest.mark.slow
@pytest.mark.parametrize("deaf", ["yes", "no"])
def test_a_time_limit_ends_case_solver_and_whatever_left_the_session(
    pool, job, tmp_path, wait_for, all_gone, deaf
):
    """The place is given away only then: the next job is told after the last process is gone."""
    note = tmp_path / "note"
    jobs = [job("a", "stubborn", note, deaf, timeout_s=3.0), job("b", "code", 0)]
    outcomes = pool(grace_s=FAST if deaf == "yes" else 4.0).run(jobs)
    late = next(outcomes)
    assert all_gone(wait_for(note), patience_s=0)
    assert (late.ending, late.exit_code is None) == (Ending.TIMEOUT, deaf == "yes")
    assert late.wall_s >= 3.0
    assert status(late)["state"] == "timeout"
    assert next(outcomes).exit_code == 0


def test_a_job_within_its_limit_is_left_alone(pool, job):
    (outcome,) = pool().run([job("a", "wait", 0.01, timeout_s=60)])
    assert outcome.ending is Ending.FINISHED


def test_what_a_case_leaves_running_is_ended_before_the_next_one(pool, job, tmp_path, all_gone):
    note = tmp_path / "left"
    outcomes = pool().run([job("a", "abandon", note), job("b", "code", 0)])
    outcome = next(outcomes)
    pid = int(note.read_text())
    assert all_gone([pid], patience_s=0)
    assert outcome.exit_code == 0
    assert outcome.note.startswith("stopped what the case left running: ")
    assert outcome.note.endswith(f" ({pid})")
    assert outcome.log.read_text() == f"mhx: {outcome.note}\n"
    assert next(outcomes).note == ""


def test_stop_interrupts_what_runs_and_starts_nothing_more(pool, job, tmp_path, wait_for):
    asked = []

    def jobs():
        for number in range(9):
            asked.append(number)
            yield job(f"c{number}", "polite", tmp_path / f"n{number}")

    given = pool(2, grace_s=60.0)
    threading.Thread(
        target=lambda: (wait_for(tmp_path / "n0"), wait_for(tmp_path / "n1"), given.stop())
    ).start()
    found = list(given.run(jobs()))
    assert asked == [0, 1]
    assert [(o.ending, o.exit_code, o.signal) for o in found] == [
        (Ending.INTERRUPTED, 75, None)
    ] * 2
    assert (tmp_path / "n0").read_text() == "told"
    assert {status(outcome)["state"] for outcome in found} == {"interrupted"}
    assert list(given.run(jobs())) == []


@pytest.mark.slow
def test_stop_in_a_signal_handler_ends_the_deaf_after_the_grace(
    pool, job, tmp_path, wait_for, all_gone
):
    given, note = pool(), tmp_path / "note"
    old = signal.signal(signal.SIGUSR2, lambda *_: given.stop())
    sender = threading.Thread(target=lambda: (wait_for(note), os.kill(os.getpid(), signal.SIGUSR2)))
    sender.start()
    try:
        (outcome,) = given.run([job("a", "stubborn", note), job("b", "code")])
    finally:
        sender.join()
        signal.signal(signal.SIGUSR2, old)
    assert (outcome.ending, outcome.signal) == (Ending.INTERRUPTED, signal.SIGKILL)
    assert all_gone(wait_for(note), patience_s=0)


@pytest.mark.slow
def test_stop_asked_twice_does_not_wait_for_the_grace(pool, job, tmp_path, wait_for, all_gone):
    given, note = pool(grace_s=600.0), tmp_path / "note"
    sender = threading.Thread(target=lambda: (wait_for(note), given.stop(), given.stop()))
    sender.start()
    (outcome,) = given.run([job("a", "stubborn", note)])
    sender.join()
    assert outcome.ending is Ending.INTERRUPTED
    assert all_gone(wait_for(note), patience_s=0)


@pytest.mark.slow
def test_a_job_is_not_started_before_the_last_one_is_told(pool, job, tmp_path):
    given = pool()
    for outcome in given.run([job("a", "code", 3), job("b", "polite", tmp_path / "n")]):
        assert outcome.exit_code == 3
        given.stop()
    assert not (tmp_path / "n").exists()


@pytest.mark.slow
def test_an_iteration_left_early_stops_what_runs(pool, job, tmp_path, wait_for, all_gone):
    given, note = pool(2), tmp_path / "note"
    outcomes = given.run([job("a", "stubborn", note), job("b", "wait", 0.2)])
    next(outcomes)
    pids = wait_for(note)
    outcomes.close()
    assert all_gone(pids, patience_s=0)
    assert [o.exit_code for o in given.run([job("c", "code", 1)])] == [1]


def test_a_worker_is_replaced_after_so_many_jobs(pool, job):
    given = pool()
    given.jobs_per_worker = 2
    logs = [outcome.log.read_text() for outcome in given.run(job(c, "who") for c in "abcde")]
    assert logs[0] == logs[1] != logs[2] == logs[3] != logs[4]


@pytest.mark.slow
def test_a_worker_that_has_grown_is_replaced(pool, job):
    given = pool()
    given.growth_bytes = 30 << 20
    jobs = [job("a", "who"), job("b", "grow", 60), job("c", "who")]
    first, _, third = (outcome.log.read_text() for outcome in given.run(jobs))
    assert first != third


@pytest.mark.slow
def test_workers_are_started_as_needed_and_kept_between_calls(pool, job):
    given = pool(8)
    (first,) = given.run([job("a", "who")])
    (second,) = given.run([job("b", "who")])
    assert first.log.read_text() == second.log.read_text()


@pytest.mark.slow
def test_nothing_is_left_when_the_pool_is_closed(errands, job, all_gone):
    with LocalPool(2, target=errands) as given:
        (outcome,) = given.run([job("a", "who")])
    assert all_gone(map(int, outcome.log.read_text().split()[:2]), patience_s=0)


def test_a_worker_that_cannot_start_is_no_fault_of_the_case(job):
    with LocalPool(1, target="no_such_module:main") as given:
        with pytest.raises(RunError, match="a worker process did not start") as caught:
            list(given.run([job("a", "code")]))
        assert "No module named 'no_such_module'" in str(caught.value)


@pytest.mark.slow
def test_a_keeper_that_is_killed_takes_its_group_along(pool, job, tmp_path, wait_for, all_gone):
    """Only what had left the group and lost its keeper at once is out of reach."""
    note = tmp_path / "note"
    sender = threading.Thread(target=lambda: os.kill(wait_for(note)[1], signal.SIGKILL))
    sender.start()
    outcome, after = pool().run([job("a", "stubborn", note), job("b", "code")])
    sender.join()
    worker, keeper, child, away = wait_for(note)
    os.kill(away, signal.SIGKILL)
    assert (outcome.ending, outcome.signal) == (Ending.DIED, signal.SIGKILL)
    assert all_gone([worker, keeper, child])
    assert after.exit_code == 0


LAUNCHER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from mhx.execution.job import Job
from mhx.execution.local import LocalPool
from mhx.execution.worker_process import environment
jobs = [
    Job(name=name, words=("stubborn", f"{sys.argv[2]}/{name}"), folder=Path(sys.argv[2]),
        run_dir=Path(name + "_run"))
    for name in "ab"
]
with LocalPool(2, target="errands:main") as pool:
    list(pool.run(jobs))
"""


def test_workers_and_solvers_are_gone_when_the_launcher_is_killed(
    errands, tmp_path, wait_for, all_gone
):
    words = [sys.executable, "-c", LAUNCHER, tmp_path / "code", tmp_path]
    with subprocess.Popen(words) as launcher:
        pids = [*wait_for(tmp_path / "a"), *wait_for(tmp_path / "b")]
        launcher.kill()
    assert len(pids) == 8
    assert all_gone(pids)


@pytest.mark.slow
def test_a_full_disk_is_told_and_costs_one_case(pool, job, tmp_path):
    """Nothing can be written where a file stands in the place of the folder."""
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "a").touch()
    blocked, free = pool().run([job("a", "code"), job("b", "code")])
    assert (blocked.exit_code, free.exit_code) == (3, 0)
    assert blocked.note.startswith("the attempt cannot be recorded: ")
    assert "cases/a" in blocked.note


@pytest.mark.slow
def test_a_thousand_trivial_jobs_are_each_run_once(pool, job):
    jobs = [job(f"c{i}", "code", i % 4) for i in range(1000)]
    found = list(pool(4, ahead=True).run(jobs))
    assert {outcome.job.name: outcome.exit_code for outcome in found} == {
        each.name: int(each.words[1]) for each in jobs
    }
    assert len(found) == 1000
    assert all(len(list(Path(each.attempts).iterdir())) == 1 for each in jobs)
