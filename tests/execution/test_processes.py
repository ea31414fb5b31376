"""What Linux tells of processes."""

import os
import subprocess
import sys

import pytest

from mhx.execution import processes
from mhx.execution.processes import born, descendants, usable_cpus


def test_a_birth_tells_two_processes_of_one_number_apart():
    assert born(os.getpid()) == born(os.getpid())
    assert int(born(os.getpid())) >= int(born(os.getppid()))
    assert born(2**22 + 1) is None


def test_descendants_are_children_and_theirs_but_not_the_dead():
    script = "sleep 600 & sleep 600 & echo ready; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout.readline() == "ready\n"
        found = descendants(shell.pid)
        assert len(found) == 2
        assert set(found) <= set(descendants(os.getpid()))
        for pid in (*found, shell.pid):
            os.kill(pid, 9)
        os.waitid(os.P_PID, shell.pid, os.WEXITED | os.WNOWAIT)  # a zombie until it is reaped
        assert shell.pid not in descendants(os.getpid())


def test_memory_is_that_of_this_process():
    """In a process of its own: here the block may come out of memory that was freed before."""
    grown = """
from mhx.execution.processes import resident_bytes
before = resident_bytes()
block = b"x" * (64 << 20)
print(resident_bytes() - before)
"""
    told = subprocess.run([sys.executable, "-c", grown], capture_output=True, text=True, check=True)
    assert int(told.stdout) > 32 << 20


QUOTAS = {
    "no limit, v2": ({"cpu.max": "max 100000"}, 8),
    "two and a half CPUs, v2": ({"cpu.max": "250000 100000"}, 2),
    "less than one CPU, v2": ({"cpu.max": "50000 100000"}, 1),
    "more than the mask, v2": ({"cpu.max": "6400000 100000"}, 8),
    "no limit, v1": ({"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}, 8),
    "three CPUs, v1": ({"cpu.cfs_quota_us": "300000", "cpu.cfs_period_us": "100000"}, 3),
    "unreadable": ({"cpu.max": "?"}, 8),
    "nothing there": ({}, 8),
}


@pytest.mark.parametrize(("files", "expected"), QUOTAS.values(), ids=QUOTAS)
@pytest.mark.parametrize("where", ["own group", "group above"])
def test_cpus_are_those_of_the_mask_cut_by_the_quota(tmp_path, monkeypatch, files, expected, where):
    version_2 = "cpu.max" in files
    (tmp_path / "self").mkdir()
    line = "0::/jobs/one\n" if version_2 else "3:cpu,cpuacct:/jobs/one\n2:memory:/\n"
    (tmp_path / "self" / "cgroup").write_text(line)
    root = tmp_path / "groups" / ("" if version_2 else "cpu,cpuacct")
    folder = root / "jobs" / ("one" if where == "own group" else "")
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content + "\n")
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    monkeypatch.setattr(processes, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert usable_cpus() == expected
