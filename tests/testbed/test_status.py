"""Status and explanation: from the stored plan and the journal alone."""

import shlex

import pytest

from mhx.errors import ConfigError, EvidenceError
from mhx.execution.lock import hold
from mhx.testbed.explain import explain
from mhx.testbed.files.manifest import read_manifest
from mhx.testbed.launcher import Options, plan_testbed, run_testbed
from mhx.testbed.page.reporting import report_testbed
from mhx.testbed.running import journal
from mhx.testbed.status import status

INLINE = Options(backend="inline")
FAILING = (
    '\n[[testbed.case]]\nid = "x y"\nchanges = ["probe"]\n'
    'overlay = { probe = { fault = "solver" } }\n'
    '\n[[testbed.case]]\nid = "off"\nenabled = false\n'
)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


def statuses(root):
    return {case["case_id"]: case["status"] for case in status(root).document["cases"]}


def test_a_plan_is_planned(file, root):
    plan_testbed(file())
    answer = status(root)
    assert answer.headline == "k: 3 cases: 3 planned"
    assert answer.next == f"mhx testbed run {root.parents[1] / 'k.toml'}"


def test_every_status_is_counted_and_troubles_are_told(file, root):
    run_testbed(file(extra=FAILING), INLINE)
    answer = status(root)
    assert answer.headline == "k: 5 cases: 3 ok, 1 failed, 1 disabled"
    assert answer.details == [
        "  failed       x y: SolverError: the probe did not converge (exit code 3)"
    ]
    assert answer.document["counts"] == {"ok": 3, "failed": 1, "disabled": 1}


def test_a_case_with_a_fault_is_failed_wherever_one_asks(file, root):
    with pytest.raises(ConfigError, match=r"probe\.falt is not a known key"):
        run_testbed(file(extra=FAILING.replace("fault =", "falt =")), INLINE)
    assert statuses(root)["x y"] == "failed"
    told = explain(root, "x y")
    assert "probe.falt is not a known key" in told.details[0]
    assert not any("child:" in line for line in told.details)
    report_testbed(root)
    assert statuses(root)["x y"] == "failed"
    row = next(row for row in read_manifest(root)["cases"] if row["case_id"] == "x y")
    assert (row["status"], row["config_path"]) == ("failed", "")


def test_what_the_plan_has_outrun_is_stale(file, root):
    run_testbed(file(), INLINE)
    assert status(root).document["stale"] == []
    assert status(root).next == ""
    plan_testbed(file(base="[probe]\nlimit = 7.0\n"))
    answer = status(root)
    assert answer.document["stale"] == ["line_1", "line_2", "line_4"]
    assert any("the plan has changed since" in line for line in answer.details)
    assert answer.next


def test_what_was_begun_is_running_while_a_launcher_lives_and_interrupted_after(file, root):
    run_testbed(file(), INLINE)
    path = root / journal.JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if b'"event":"outcome"' in line)
    path.write_bytes(b"".join(lines[:last]))
    assert statuses(root) == {"line_1": "ok", "line_2": "ok", "line_4": "interrupted"}
    with hold(root, "somebody"):
        answer = status(root)
        assert statuses(root)["line_4"] == "running"
        assert "a launcher is at work" in answer.details[0]
        assert answer.next == ""


def test_a_folder_that_is_none_and_one_that_was_altered(file, root, tmp_path):
    with pytest.raises(ConfigError, match=r"holds no testbed: testbed_plan\.json is not there"):
        status(tmp_path)
    plan_testbed(file())
    plan = root / journal.PLAN
    plan.write_text(plan.read_text().replace("line_1", "line_9"))
    with pytest.raises(EvidenceError, match="was altered after it was written"):
        status(root)


def test_an_explanation_gives_reason_log_and_command(file, root):
    path = file(extra=FAILING)
    run_testbed(path, INLINE)
    answer = explain(root, "x y")
    assert answer.headline == "k, case 'x y': failed"
    told = "\n".join(answer.details)
    assert "why: case 'x y': SolverError: the probe did not converge (exit code 3)" in told
    assert "not reused when it was last planned: first run" in told
    assert "  | mhx: the probe did not converge" in told
    assert shlex.split(answer.next) == [
        *("mhx", "testbed", "run", str(path), "--case", "x y", "--rerun-failed"),
    ]
    assert shlex.split(explain(root, "line_1").next)[-1] == "--fresh"
    off = explain(root, "off")
    assert (off.next, off.details) == ("", ["why: enabled = false; it has no child"])


def test_an_explanation_of_what_is_stale_or_unknown(file, root):
    run_testbed(file(), INLINE)
    plan_testbed(file(base="[probe]\nlimit = 7.0\n"))
    answer = explain(root, "line_1")
    assert answer.headline.endswith("ok (stale)")
    told = "\n".join(answer.details)
    assert "configuration changed: probe.limit" in told
    assert "--fresh" not in answer.next
    with pytest.raises(ConfigError, match=r"no case 'lime_1'; did you mean 'line_1'\?"):
        explain(root, "lime_1")
