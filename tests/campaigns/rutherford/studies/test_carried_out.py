"""Studies from the command line to their bundles, with real runs: shared, repeated, interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mhx import cli

pytestmark = pytest.mark.slow

SHEET = "--width 0.45 --eta 0.008 --nu 0.008 --perturbation-amplitude 0.004"
GRID = f"{SHEET} --nx 16 --ny 16 --dt 0.1 --t-end 4 --save-interval 0.2 --fit-stop 2".split()
UNSTABLE = (
    "--nx 16 --ny 16 --width 0.45 --eta 1e-3 --nu 1e-3 --seeds 0,1 --t-end 40 "
    "--perturbation-amplitude 0.1 --dt 0.41"
)
WIDTHS = ["benchmark", "double-harris-parameter-sweep", *GRID, "--widths", "0.4,0.45,0.5"]
ETAS = ["benchmark", "double-harris-parameter-sweep", *GRID, "--sweep-axis", "resistivity"]


def attempts(folder: Path) -> dict[str, int]:
    """How often each case of a study was started here."""
    return {
        case.name: len(list((case / "attempts").glob("*")))
        for case in sorted((folder / "cases").iterdir())
    }


def told(words: list[str], capsys) -> dict:
    code = cli.main([*words, "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == code
    assert code in (0, 1)
    return answer


def test_equal_cases_of_two_studies_are_computed_once_and_stay_when_asked_again(tmp_path, capsys):
    widths, etas = tmp_path / "widths", tmp_path / "etas"
    told([*WIDTHS, "--outdir", str(widths)], capsys)
    assert attempts(widths) == {"width_0.4": 1, "width_0.45": 1, "width_0.5": 1}
    again = [*ETAS, "--outdir", str(etas), "--share", str(widths)]
    told(again, capsys)
    assert attempts(etas) == {
        "resistivity_0.006": 1, "resistivity_0.008": 0, "resistivity_0.01": 1,
    }  # fmt: skip
    one, other = (
        folder / "history.npz"
        for folder in (widths / "cases/width_0.45", etas / "cases/resistivity_0.008")
    )
    assert one.stat().st_ino == other.stat().st_ino
    capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in etas.rglob("*") if path.is_file()}
    assert told(again, capsys)["headline"].startswith("nothing to do")
    assert {path: path.stat().st_mtime_ns for path in etas.rglob("*") if path.is_file()} == before
    for folder in (widths, etas):
        assert cli.main(["verify", str(folder)]) == 0


def test_a_case_that_fails_is_named_by_the_bundle_and_the_others_are_judged(tmp_path, capsys):
    """A run that leaves the limit of stability on the way: exit 1, not a crash."""
    words = [*UNSTABLE.split(), "--outdir", str(tmp_path / "s")]
    answer = told(["benchmark", "seed-robust-qi", *words], capsys)
    assert answer["exit_code"] == 1
    missing = json.loads((tmp_path / "s" / "diagnostics.json").read_text())["missing_cases"]
    assert sorted(missing) == ["seed_0", "seed_1"]
    assert any("beyond the stability limit of RK4" in line for line in answer["details"])
    failed = {row["name"] for row in answer["gates"] if row["verdict"] != "pass"}
    assert "all_planned_seeds_present" in failed


def test_a_study_that_is_stopped_goes_on_where_it_was(tmp_path):
    folder = tmp_path / "s"
    words = ["benchmark", "seed-robust-qi", *GRID, "--seeds", "0,1,2", "--jobs", "1"]
    words[words.index("--t-end") + 1] = "400"
    command = [sys.executable, "-m", "mhx", *words, "--outdir", str(folder)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    first = folder / "cases" / "seed_0" / "manifest.json"
    deadline = time.monotonic() + 300
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGTERM)
    out, _ = started.communicate()
    assert started.returncode == 75, out
    assert "next: " in out
    assert not (folder / "manifest.json").exists()
    kept = os.stat(first).st_ino
    assert subprocess.run(command, check=False).returncode in (0, 1)
    assert os.stat(first).st_ino == kept
    assert (folder / "manifest.json").exists()
