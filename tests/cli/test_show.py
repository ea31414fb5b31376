"""How an answer is printed."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mhx.cli import show
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import Gate, judge
from mhx.evidence.manifest import write_artifact_manifest
from mhx.report.answer import Answer

GATE = Gate(name="budget", metric="residual", high=1e-9, reason="signs", remedy="smaller dt")
ANSWER = Answer(
    headline="2 gates did not pass",
    wrote=Path("out/run"),
    results=[judge(GATE, {"residual": value}) for value in (1e-12, 1e-3, None)],
    details=["a detail"],
    next="mhx verify out/run",
    document={"level": ClaimLevel.SMOKE, "cost": math.nan, "at": Path("a/b"), "shape": (4, 4)},
    exit_code=1,
)


def test_words_name_path_open_gates_details_and_the_next_command():
    assert show.words(ANSWER) == (
        "2 gates did not pass\n"
        "wrote out/run\n"
        "  fail     budget: residual = 0.001, must be <= 1e-09\n"
        "           signs\n"
        "           smaller dt\n"
        "  unknown  budget: residual = not reported, must be <= 1e-09\n"
        "           signs\n"
        "           smaller dt\n"
        "a detail\n"
        "next: mhx verify out/run"
    )


def test_the_object_holds_the_same_and_is_strict_json():
    found = json.loads(show.one_object(show.document(ANSWER)), parse_constant=pytest.fail)
    assert found["headline"] == "2 gates did not pass"
    assert found["path"] == "out/run"
    assert found["exit_code"] == 1
    assert found["next"] == "mhx verify out/run"
    assert [gate["verdict"] for gate in found["gates"]] == ["pass", "fail", "unknown"]
    assert found["gates"][1]["bound"] == {"low": None, "high": 1e-9}
    assert (found["level"], found["cost"], found["at"]) == ("smoke", None, "a/b")


@pytest.mark.parametrize("json_asked", [False, True])
def test_finish_leaves_with_the_answers_code(json_asked, capsys):
    with pytest.raises(typer.Exit) as end:
        show.finish(ANSWER, json_asked)
    assert end.value.exit_code == 1
    assert capsys.readouterr().out.startswith("{" if json_asked else "2 gates")


@pytest.mark.parametrize(("stream", "code"), [(">&-", 0), ("> /dev/full", 3), ("| head -c 1", 0)])
def test_an_answer_that_nobody_takes_is_no_bug(tmp_path, stream, code):
    """Closed, full or left early: no traceback, and a full disk is not told as success."""
    folder = tmp_path / "run"
    folder.mkdir()
    write_artifact_manifest(folder)
    command = f"set -o pipefail; {sys.executable} -m mhx verify {folder} {stream}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code
