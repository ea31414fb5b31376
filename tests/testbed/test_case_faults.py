"""What can go wrong with a case: it is on record, the others go on or not, a second run repairs it.

The faults are those of the file `PROBE_TROUBLE`: once that is gone, the same cases of the same
digest succeed.
"""

import csv
import json
import shlex
import subprocess
import sys

import pytest

from mhx.errors import RunError
from mhx.evidence.verify import verify
from mhx.testbed.explain import explain
from mhx.testbed.launcher import run_testbed
from mhx.testbed.records import CASES, MANIFEST, REPORT_MD

from .strip import FLOW

pytestmark = pytest.mark.slow

# fault: status, reason, what its log says, exit code where the others do not go on
DIED = "case '{}': the process died{}; see {}"
FAULTS = {
    "aborts": ("failed", DIED, " (signal 6)", "Fatal Python error: Aborted", 3),
    "crashes": ("failed", DIED, " (signal 11)", "Fatal Python error: Segmentation fault", 3),
    "killed": ("failed", DIED, " (signal 9)", "", 3),
    "leaves": ("failed", DIED, "", "", 3),
    "hang": ("timeout", "case '{}' exceeded 4 s (attempt {attempt}); stopped", "", "", 3),
    "stubborn": ("timeout", "case '{}' exceeded 4 s (attempt {attempt}); stopped", "", "", 3),
    "solver": (
        "failed",
        "case '{}': SolverError: the probe did not converge (exit code 3)",
        "",
        "mhx: the probe did not converge",
        3,
    ),
    "bug": (
        "failed",
        "case '{}': ZeroDivisionError: division by zero (exit code 70)",
        "",
        "ZeroDivisionError: division by zero",
        3,
    ),
    "nan": ("failed", "case '{}': required metric 'head' is nan", "", "", 4),
    "missing": (
        "failed",
        "case '{}': required metric 'head' (probe.head_m) was not reported; "
        "the runner reported: probe.duration_s, probe.k and 2 more",
        "",
        "",
        4,
    ),
}
LIMITS = "jobs = 2, timeout_s = 4.0, grace_s = 0.5"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


@pytest.fixture
def trouble(tmp_path, monkeypatch):
    path = tmp_path / "trouble"
    path.touch()
    monkeypatch.setenv("PROBE_TROUBLE", str(path))
    return path


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The conductivities of the cases that were really begun, sorted."""
    trace = tmp_path / "trace"
    monkeypatch.setenv("PROBE_TRACE", str(trace))
    return lambda: sorted(map(float, trace.read_text().split())) if trace.exists() else []


def rows(root):
    with (root / CASES).open(newline="") as stream:
        return {row["case_id"]: row for row in csv.DictReader(stream)}


def faulty(*faults):
    return "".join(
        f'\n[[testbed.case]]\nid = "{fault}"\nchanges = ["probe"]\n'
        f'overlay = {{ probe = {{ k = {10.0 + n}, fault = "{fault}" }} }}\n'
        for n, fault in enumerate(faults)
    )


def test_every_fault_costs_its_case_and_a_second_run_repairs_it(file, root, trouble, runs):
    path = file(extra=faulty(*FAULTS), execution=LIMITS)
    answer = run_testbed(path)
    assert answer.exit_code == 1
    first, report = rows(root), (root / REPORT_MD).read_text()
    assert [first[f"line_{k}"]["status"] for k in (1, 2, 4)] == ["ok"] * 3
    for fault, (status, reason, how, said, _) in FAULTS.items():
        row = first[fault]
        log = f"cases/{fault}/attempts/{row['attempt']}/log.txt"
        assert row["status"] == status
        assert row["error"] == reason.format(fault, how, log, attempt=row["attempt"])
        assert said in (root / log).read_text()
        told = explain(root, fault)
        assert told.next == f"mhx testbed run {path} --case {fault} --rerun-failed"
        assert f"log: {root / log}" in told.details
        assert f"mhx testbed run ../../k.toml --case {fault} --rerun-failed\n" in report
    assert verify(root).problems == []

    begun = runs()
    trouble.unlink()
    repeat = explain(root, "aborts").next
    words = [sys.executable, "-m", *shlex.split(repeat)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert runs() == sorted([*begun, 10.0])
    assert run_testbed(path).exit_code == 0
    assert runs() == sorted([*begun, *(10.0 + n for n in range(len(FAULTS)))])
    second = rows(root)
    assert {row["status"] for row in second.values()} == {"ok"}
    for fault, (status, *_) in FAULTS.items():
        if fault != "aborts":
            assert second[fault]["reuse_reason"] == f"previous status was {status}"
    assert verify(root).problems == []


@pytest.mark.parametrize("fault", ["aborts", "hang", "solver", "missing"])
def test_where_the_others_do_not_go_on_they_are_told_so(fault, file, root, trouble, runs):
    stop = {"stop": ("[testbed]\n", "[testbed]\ncontinue_on_error = false\n")}
    path = file(extra=faulty(fault), execution=LIMITS.replace("jobs = 2", "jobs = 1"), **stop)
    words = [sys.executable, "-m", "mhx", "testbed", "run", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    status, *_, code = FAULTS[fault]
    found = rows(root)
    assert done.returncode == code == json.loads((root / MANIFEST).read_text())["exit_code"]
    assert done.stderr.strip().splitlines()[-1] == f"mhx: {found[fault]['error']}"
    assert [row["status"] for row in found.values()] == [status, "skipped", "skipped", "skipped"]
    assert verify(root).problems == []
    trouble.unlink()
    assert run_testbed(path).exit_code == 0
    assert {row["status"] for row in rows(root).values()} == {"ok"}
    assert runs() == [1.0, 2.0, 4.0, 10.0, 10.0]


# -- a full disk -------------------------------------------------------------------------------


@pytest.fixture
def small_disk():
    """A function that makes a folder a file system of so many bytes, and grows it later."""
    mounted = []

    def mount(folder, size):
        folder.mkdir(parents=True, exist_ok=True)
        again = ["-o", f"remount,size={size}"] if folder in mounted else ["-o", f"size={size}"]
        words = ["mount", "-t", "tmpfs", *again, "tmpfs", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"NOT TESTED HERE: no file system can be mounted: {done.stderr.strip()}")
        mounted.append(folder)

    yield mount
    for folder in set(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_case_that_fills_its_disk_says_so(file, root, trouble, runs, small_disk):
    path = file(extra=faulty("fills"), execution=LIMITS)
    small_disk(root / "cases" / "fills", 2**20)
    assert run_testbed(path).exit_code == 1
    found = rows(root)
    assert [row["status"] for row in found.values()] == ["failed", "ok", "ok", "ok"]
    assert found["fills"]["error"].endswith("No space left on device")
    trouble.unlink()
    small_disk(root / "cases" / "fills", 2**24)
    assert run_testbed(path).exit_code == 0
    assert rows(root)["fills"]["reuse_reason"] == "previous status was failed"
    assert runs() == [1.0, 2.0, 4.0, 10.0, 10.0]


def test_a_disk_filled_by_a_case_stops_the_launcher_with_what_to_do(
    file, root, trouble, runs, small_disk, compared
):
    path = file(extra=faulty("fills"), execution=LIMITS.replace("jobs = 2", "jobs = 1"))
    small_disk(root, 2**21)
    with pytest.raises(RunError, match=r"no space left for .*make room and run the same command"):
        run_testbed(path)
    assert verify(root).problems == []
    (root / "cases" / "fills" / "big.bin").unlink()
    trouble.unlink()
    assert run_testbed(path).exit_code == 0
    assert {row["status"] for row in rows(root).values()} == {"ok"}
    assert verify(root).problems == []


# -- MODFLOW -----------------------------------------------------------------------------------

MATRIX = """
workflow = { mode = "testbed" }
[testbed]
id = "k"
subject = "flow"
base_config = "base.toml"
output_root = "testbed/k"
require_child_gates = false
execution = { jobs = 2, timeout_s = 5.0, grace_s = 0.5 }
metric = [{ name = "head", source = "flow_metrics.head_mean_area_m", required = true }]
"""

PROGRAM = """#!/bin/sh
if [ -e "$PROBE_TROUBLE" ]; then
    case "$PWD" in
        */cases/killed/*) kill -KILL $$ ;;
        */cases/aborts/*) kill -ABRT $$ ;;
        */cases/stubborn/*) trap '' TERM; sleep 600 ;;
        */cases/silent/*) exit 0 ;;
    esac
fi
exec {mf6} "$@"
"""

SEE = "; see mf6/mfsim.lst"
MODFLOW = {  # case: overlay, status, what is told
    "killed": ("", "failed", f"MODFLOW 6 was killed by signal 9 (SIGKILL){SEE}"),
    "aborts": ("", "failed", f"MODFLOW 6 was killed by signal 6 (SIGABRT){SEE}"),
    "stubborn": ("", "timeout", "case 'stubborn' exceeded 5 s"),
    "silent": ("", "failed", "MODFLOW 6 stopped without 'Normal termination of simulation.'"),
    "unconverged": (
        "solver = { mf6 = { outer_maximum = 2 } }",
        "failed",
        f"MODFLOW 6 did not converge in stress period 1, time step 1 (2 outer iterations){SEE}",
    ),
    "full": ("", "failed", "cases/full/mf6 cannot be written: [Errno 28] No space left on device"),
    "good": ("", "ok", ""),
}


def test_whatever_stops_modflow_is_told_and_mended(
    mf6, tmp_path, root, trouble, small_disk, monkeypatch
):
    program = tmp_path / "mf6"
    program.write_text(PROGRAM.replace("{mf6}", str(mf6)))
    program.chmod(0o755)
    monkeypatch.setenv("MHX_MF6", str(program))
    (tmp_path / "base.toml").write_text(FLOW)
    path = tmp_path / "k.toml"
    cases = "".join(
        f'[[testbed.case]]\nid = "{name}"\noverlay = {{ {overlay} }}\n'
        for name, (overlay, *_) in MODFLOW.items()
    )
    path.write_text(MATRIX + cases)
    small_disk(root / "cases" / "full", 2**15)
    assert run_testbed(path).exit_code == 1
    first = rows(root)
    for name, (_, status, told) in MODFLOW.items():
        assert first[name]["status"] == status
        assert told in first[name]["error"]
        log = root / "cases" / name / "attempts" / first[name]["attempt"] / "log.txt"
        assert status == "timeout" or told in log.read_text()
    assert verify(root).problems == []
    trouble.unlink()
    small_disk(root / "cases" / "full", 2**24)
    path.write_text(MATRIX + cases.replace("outer_maximum = 2 ", "outer_maximum = 200 "))
    assert run_testbed(path).exit_code == 0
    second = rows(root)
    assert {row["status"] for row in second.values()} == {"ok"}
    assert [name for name, row in second.items() if row["reused"] == "true"] == ["good"]
    assert verify(root).problems == []
