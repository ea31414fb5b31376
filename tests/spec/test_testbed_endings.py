"""Testbed, sections 8.1, 8.4, 8.5 and 9: how cases and matrices end, and with which exit code."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from .matrix import FLOW, FLOW_HEAD, HEAD, by_id, case, metric, mhx, read, started, write

LOCAL = HEAD.replace('backend = "inline"', "jobs = 1")
GOOD = case("good", a=1.0)
BAD = case("bad", "overlay.command.parameters.exit = 3")
DEAD = case("dead", "overlay.command.parameters.die = 9")
LATER = case("later", a=2.0)
STOP = "continue_on_error = false\n"


def slow(name, seconds=60):
    return case(name, f"overlay.command.parameters.seconds = {seconds}")


def run(folder, text, *words):
    return mhx("testbed", "run", write(folder, text), *words)


def statuses(folder):
    found = by_id(folder / "out/testbed_cases.csv")
    return {name: row["status"] for name, row in found.items()}


def ended(folder, code):
    """The manifest agrees with the exit code, and everything is still as written."""
    assert read(folder / "out/testbed_manifest.json")["exit_code"] == code
    assert mhx("verify", folder / "out").code == 0


# -- exit codes --------------------------------------------------------------------------------


def test_all_well_is_zero(tmp_path):
    assert run(tmp_path, HEAD + GOOD + LATER + metric("a")).code == 0
    assert statuses(tmp_path) == {"good": "ok", "later": "ok"}
    ended(tmp_path, 0)


@pytest.mark.parametrize("broken", [BAD, DEAD])
@pytest.mark.parametrize("head", [HEAD, LOCAL])
def test_failed_case_is_one_and_the_others_go_on(head, broken, tmp_path):
    said = run(tmp_path, head + broken + LATER + metric("a"))
    assert said.code == 1
    (first, second) = statuses(tmp_path).values()
    assert (first, second) == ("failed", "ok")
    ended(tmp_path, 1)


def test_failed_case_stops_the_rest_where_asked_and_its_own_code_comes_out(tmp_path):
    said = run(tmp_path, HEAD + STOP + GOOD + BAD + LATER + metric("a"))
    assert said.code == 3, said.text
    assert statuses(tmp_path) == {"good": "ok", "bad": "failed", "later": "skipped"}
    assert "case 'bad'" in said.err
    manifest = read(tmp_path / "out/testbed_manifest.json")
    assert (manifest["successful_count"], manifest["failed_count"]) == (1, 1)
    ended(tmp_path, 3)


def test_running_cases_are_interrupted_when_the_matrix_stops(tmp_path):
    bad = case("bad", "overlay.command.parameters = { exit = 3, seconds = 1 }")
    head = LOCAL.replace("jobs = 1", "jobs = 2, grace_s = 5") + STOP
    said = run(tmp_path, head + bad + slow("long") + LATER)
    assert said.code == 3, said.text
    assert statuses(tmp_path) == {"bad": "failed", "long": "interrupted", "later": "skipped"}
    ended(tmp_path, 3)


def test_missing_required_metric_keeps_the_summary_and_says_what_there_was(tmp_path):
    text = HEAD + GOOD + metric("a") + metric("head", 'source = "flow.head"\nrequired = true')
    said = run(tmp_path, text)
    assert said.code == 1
    row = by_id(tmp_path / "out/testbed_cases.csv")["good"]
    assert row["status"] == "failed"
    text = (
        "case 'good': required metric 'head' (flow.head) was not reported; the runner reported: a"
    )
    assert row["error"].startswith(text)
    assert row["summary_sha256"]
    found = by_id(tmp_path / "out/testbed_metrics.csv")["good"]
    assert (found["a"], found["head"], found["missing"]) == ("1.0", "", "head")
    assert read(tmp_path / "out/cases/good/run_summary.json")["metrics"] == {"a": 1.0}
    ended(tmp_path, 1)


def test_long_lists_of_reported_metrics_are_cut(tmp_path):
    numbers = {f"m{i:02d}": float(i) for i in range(42)}
    text = HEAD + case("low_k", **numbers) + metric("head", 'source = "flow.head"\nrequired = true')
    run(tmp_path, text)
    error = by_id(tmp_path / "out/testbed_cases.csv")["low_k"]["error"]
    assert re.fullmatch(
        r"case 'low_k': required metric 'head' \(flow\.head\) was not reported; "
        r"the runner reported: a, m00 and 4\d more",
        error,
    ), error


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_required_metric_that_is_no_number_fails_the_case(value, tmp_path):
    said = run(tmp_path, HEAD + case("low_k", head=value) + metric("head") + metric("a", ""))
    assert said.code == 1
    row = by_id(tmp_path / "out/testbed_cases.csv")["low_k"]
    assert row["status"] == "failed"
    assert re.fullmatch(rf"case 'low_k': required metric 'head' is (nan|{value})", row["error"])
    assert by_id(tmp_path / "out/testbed_metrics.csv")["low_k"]["a"] == "1.0"


def test_required_metric_missing_without_going_on_is_four(tmp_path):
    said = run(tmp_path, HEAD + STOP + GOOD + LATER + metric("head"))
    assert said.code == 4, said.text
    assert statuses(tmp_path) == {"good": "failed", "later": "skipped"}
    ended(tmp_path, 4)


def test_near_name_is_no_match_and_is_named(tmp_path):
    text = HEAD + case("x", "overlay.command.parameters.report = { 'flow_metrics.head' = 2.0 }")
    said = run(tmp_path, text + metric("head"))
    assert said.code == 1
    error = by_id(tmp_path / "out/testbed_cases.csv")["x"]["error"]
    assert "flow_metrics.head" in error


def test_process_that_dies_is_told_with_its_signal_and_log(tmp_path):
    """The launcher's own worker: killed while it has the case."""
    path = write(tmp_path, LOCAL + slow("low_k", 60) + LATER)
    launcher = start(path)
    pid = wait_for_worker(tmp_path, "low_k")
    os.kill(pid, signal.SIGKILL)
    assert launcher.wait(60) == 1
    row = by_id(tmp_path / "out/testbed_cases.csv")["low_k"]
    assert row["error"] == (
        "case 'low_k': the process died (signal 9); see "
        f"cases/low_k/attempts/{row['attempt']}/log.txt"
    )
    assert (tmp_path / "out/cases/low_k/attempts" / row["attempt"] / "log.txt").exists()
    assert statuses(tmp_path) == {"low_k": "failed", "later": "ok"}
    assert no_child_left(tmp_path)
    ended(tmp_path, 1)


def test_time_limit_stops_the_case_and_its_children(tmp_path):
    head = LOCAL.replace("jobs = 1", "jobs = 1, timeout_s = 2, grace_s = 1")
    said = run(tmp_path, head + slow("x") + LATER + metric("a"))
    assert said.code == 1, said.text
    row = by_id(tmp_path / "out/testbed_cases.csv")["x"]
    assert row["status"] == "timeout"
    assert row["error"] == f"case 'x' exceeded 2 s (attempt {row['attempt']}); stopped"
    assert statuses(tmp_path)["later"] == "ok"
    assert no_child_left(tmp_path)
    ended(tmp_path, 1)


def test_time_limit_without_going_on_is_three(tmp_path):
    head = LOCAL.replace("jobs = 1", "timeout_s = 1.5, grace_s = 1") + STOP
    said = run(tmp_path, head + slow("x") + LATER)
    assert said.code == 3, said.text
    assert statuses(tmp_path) == {"x": "timeout", "later": "skipped"}


def test_required_check_that_fails_is_one_and_an_optional_one_is_not(tmp_path):
    check = '[[testbed.check]]\nid = "c"\nkind = "bounds"\nmetric = "a"\nlow = 5.0\nreason = "r"\n'
    assert run(tmp_path / "1", HEAD + GOOD + metric("a") + check).code == 1
    assert statuses(tmp_path / "1") == {"good": "ok"}
    ended(tmp_path / "1", 1)
    assert run(tmp_path / "2", HEAD + GOOD + metric("a") + check + "required = false\n").code == 0
    ended(tmp_path / "2", 0)


def test_gates_of_a_child_count_unless_told_otherwise(mf6, tmp_path):
    """Heads above ground everywhere: the run is ok, its gate is not."""
    flooded = FLOW.replace("head = 45.0", "head = 95.0").replace("head = 40.0", "head = 90.0")
    cases = '[[testbed.case]]\nid = "x"\n[[testbed.metric]]\nname = "flooded"\n'
    cases += 'source = "flow_metrics.flooded_area_fraction"\nrequired = true\n'
    inline = FLOW_HEAD + 'execution = { backend = "inline" }\n'
    for gates, code in (("true", 1), ("false", 0)):
        folder = tmp_path / gates
        path = write(folder, inline + f"require_child_gates = {gates}\n" + cases, flooded)
        said = mhx("run", path)
        assert said.code == code, said.text
        row = by_id(folder / "out/testbed_cases.csv")["x"]
        assert (row["status"], row["gate_verdict"]) == ("ok", "fail")
        assert by_id(folder / "out/testbed_metrics.csv")["x"]["flooded"] == "1.0"
        assert "flooded_area_fraction" in (folder / "out/testbed_report.md").read_text()
        ended(folder, code)


def test_missing_engine_fails_the_matrix_in_words(tmp_path, monkeypatch):
    monkeypatch.delenv("MHX_MF6", raising=False)
    monkeypatch.setenv("MHX_ENGINES", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    path = write(tmp_path, FLOW_HEAD + STOP + '[[testbed.case]]\nid = "x"\n', FLOW)
    said = mhx("run", path)
    assert said.code == 3, said.text
    assert "Traceback" not in said.text
    assert "mhx engines install" in said.text


# -- a second run repairs ----------------------------------------------------------------------


def test_second_run_repairs_what_failed_and_repeats_nothing_else(tmp_path):
    text = HEAD + GOOD + BAD + metric("a")
    assert run(tmp_path, text).code == 1
    assert run(tmp_path, text.replace("exit = 3", "exit = 0")).code == 0
    assert statuses(tmp_path) == {"good": "ok", "bad": "ok"}
    assert started(tmp_path / "out")["good"] == 1
    ended(tmp_path, 0)


def test_failed_cases_stay_failed_where_reruns_are_off(tmp_path):
    text = HEAD + "reuse = { rerun_failed = false }\n" + GOOD + BAD
    assert run(tmp_path, text).code == 1
    count = started(tmp_path / "out")
    assert run(tmp_path, text).code == 1
    assert started(tmp_path / "out") == count
    assert statuses(tmp_path) == {"good": "ok", "bad": "failed"}
    assert run(tmp_path, text, "--rerun-failed").code == 1
    attempts = list((tmp_path / "out/cases/bad/attempts").iterdir())
    assert len(attempts) == 2


# -- signals, locks, kills ---------------------------------------------------------------------


def start(path, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "mhx", "testbed", "run", path.name, *map(str, words)],
        cwd=path.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return value


def wait_for_start(folder, name):
    wait_until((folder / f"out/cases/{name}/started.txt").exists)


def wait_for_worker(folder, name):
    """The process that holds the case, by its attempt."""
    wait_for_start(folder, name)
    (status,) = (folder / f"out/cases/{name}/attempts").glob("*/status.json")
    return int(read(status)["pid"])


def no_child_left(folder):
    """Nobody still runs the script of this folder."""
    mark = str(folder).encode()

    def left():
        for process in os.listdir("/proc"):
            try:
                with open(f"/proc/{process}/cmdline", "rb") as stream:
                    words = stream.read()
            except OSError:
                continue
            if mark in words and b"model.py" in words:
                return True
        return False

    end = time.monotonic() + 10
    while left() and time.monotonic() < end:
        time.sleep(0.1)
    return not left()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)],
)
def test_signal_stops_in_good_order_and_the_same_command_goes_on(number, code, tmp_path):
    text = LOCAL + GOOD + slow("long", 60) + LATER + metric("a")
    path = write(tmp_path, text)
    launcher = start(path)
    wait_for_start(tmp_path, "long")
    launcher.send_signal(number)
    assert launcher.wait(60) == code
    found = statuses(tmp_path)
    assert found["good"] == "ok"
    assert found["long"] == "interrupted"
    assert found["later"] in ("planned", "skipped")
    assert no_child_left(tmp_path)
    ended(tmp_path, code)
    said = run(tmp_path, text.replace("seconds = 60", "seconds = 0"))
    assert said.code == 0, said.text
    assert started(tmp_path / "out")["good"] == 1
    ended(tmp_path, 0)


def test_kill_minus_nine_is_taken_up_again_without_an_unlock(tmp_path):
    text = LOCAL + GOOD + slow("long", 2) + LATER + metric("a")
    path = write(tmp_path, text)
    launcher = start(path)
    wait_for_start(tmp_path, "long")
    launcher.kill()
    launcher.wait()
    assert no_child_left(tmp_path)  # the workers follow their launcher
    said = mhx("testbed", "status", tmp_path / "out")
    assert "interrupted" in said.out
    said = run(tmp_path, text)
    assert said.code == 0, said.text
    assert started(tmp_path / "out")["good"] == 1
    assert started(tmp_path / "out")["later"] == 1
    ended(tmp_path, 0)


def test_second_launcher_is_refused_and_changes_nothing(tmp_path):
    path = write(tmp_path, LOCAL + slow("long", 60) + metric("a"))
    launcher = start(path)
    try:
        wait_for_start(tmp_path, "long")
        before = (tmp_path / "out/testbed_plan.json").read_bytes()
        said = mhx("testbed", "run", path)
        assert said.code == 6, said.text
        assert re.search(
            rf"out is locked by process {launcher.pid} on \S+ since "
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00); nothing was changed",
            said.err,
        ), said.err
        assert (tmp_path / "out/testbed_plan.json").read_bytes() == before
        status = mhx("testbed", "status", tmp_path / "out")  # looking needs no lock
        assert "running" in status.out
    finally:
        launcher.terminate()
        assert launcher.wait(60) == 75


def test_case_choice_leaves_the_others_planned(tmp_path):
    said = run(tmp_path, HEAD + GOOD + LATER, "--case", "go*")
    assert statuses(tmp_path) == {"good": "ok", "later": "planned"}
    assert "Traceback" not in said.text
    assert run(tmp_path, HEAD + GOOD + LATER).code == 0
    assert started(tmp_path / "out") == {"good": 1, "later": 1}


def test_unknown_backend_and_job_counts_are_refused(tmp_path):
    path = write(tmp_path, HEAD + GOOD)
    for words in (("--backend", "slurmm"), ("--jobs", "0"), ("--jobs", "many"), ("--case", "z*")):
        said = mhx("testbed", "run", path, *words)
        assert said.code == 2, (words, said.text)
        assert words[1] in said.err


def test_progress_goes_to_stderr_and_the_result_to_stdout(tmp_path):
    said = run(tmp_path, HEAD + GOOD, "--json")
    assert said.code == 0
    assert said.json["successful_count"] == 1
    assert set(said.json) >= {
        *("testbed_id", "profile", "subject", "purpose", "runner", "output_root", "paths"),
        *("case_count", "executed_count", "successful_count", "failed_count"),
        *("reused_count", "pending_count"),
    }
