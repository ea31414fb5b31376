"""`mhx runners` over an installed distribution: a directory with its metadata on the path."""

import json
import os
import subprocess
import sys

import pytest

ROWS = """
from mhx.workflow.registry import Registration

def row(**given):
    common = {"mode": "heat", "entry": "rods:run", "config": "rods:Rod", "purpose": "Rods."}
    return Registration(**{"subject": "heat", "runner": "rods", **common, **given})

GOOD = (row(),)
TAKEN = (row(mode="reconnection", runner="reduced_mhd"), row(subject="flow"))
"""
POINTS = """[mhx.runners]
a-good = rods_rows:GOOD
b-broken = no_such_module:ROWS
c-taken = rods_rows:TAKEN
"""


@pytest.fixture
def environment(tmp_path):
    """Environment of a process for which `rods-for-mhx` is installed."""
    (tmp_path / "rods_rows.py").write_text(ROWS)
    metadata = tmp_path / "rods_for_mhx-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rods-for-mhx\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def listed(environment, *words):
    command = [sys.executable, "-m", "mhx", "runners", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_rows_come_with_their_package_and_what_is_left_out_with_the_reason(environment):
    answer = json.loads(listed(environment, "--json").stdout)
    found = {(row["subject"], row["runner"]): row for row in answer["runners"]}
    assert found["heat", "rods"]["from"] == "rods-for-mhx 1.2"
    assert found["flow", "rods"]["from"] == "rods-for-mhx 1.2"
    assert found["reconnection", "reduced_mhd"]["from"] == "mhx"
    assert found["reconnection", "reduced_mhd"]["entry"] == "mhx.reconnection.run:run"
    assert answer["exit_code"] == 0
    assert answer["problems"] == [
        {
            "origin": "rods-for-mhx 1.2",
            "entry_point": "no_such_module:ROWS",
            "reason": "ModuleNotFoundError: No module named 'no_such_module'",
        },
        {
            "origin": "rods-for-mhx 1.2",
            "entry_point": "rods_rows:TAKEN",
            "reason": "mode 'reconnection' is that of mhx already, "
            "carried out by mhx.reconnection.run:run",
        },
    ]


@pytest.mark.slow
def test_in_words_every_row_is_a_line(environment):
    lines = listed(environment).stdout.splitlines()
    assert lines[0] == "9 pairs of subject and runner, 2 left out"
    assert lines[1].split() == ["subject", "runner", "mode", "from", "purpose"]
    assert any(line.split()[:3] == ["heat", "rods", "heat"] for line in lines)
    assert lines[-2].startswith("left out: rods-for-mhx 1.2 (no_such_module:ROWS): ModuleNotFound")


@pytest.mark.slow
def test_listing_loads_no_solver(environment):
    code = (
        "import sys; from mhx.cli import main; main(['runners']); "
        "print(sorted({'jax','numpy','scipy','matplotlib','flopy','gmsh'} & set(sys.modules)))"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
