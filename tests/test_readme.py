"""What README says is carried out as it stands there."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from mhx import errors
from mhx.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def lines(heading):
    """The `mhx` lines of the code block below a heading, without comments."""
    block = README.partition(f"## {heading}\n")[2].partition("```sh\n")[2].partition("```")[0]
    return [shlex.split(line, comments=True)[1:] for line in block.splitlines()]


def test_the_two_commands_come_first():
    first = README.partition("```sh\n")[2].partition("```")[0]
    assert [line.split()[:2] for line in first.splitlines()] == [["make", "demo"], ["make", "test"]]


def test_the_table_of_exit_codes_is_that_of_the_errors():
    told = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    page = re.findall(r"^    (\d+) ", errors.__doc__, re.MULTILINE)
    assert set(told) == set(page)


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists()


@pytest.mark.slow
def test_the_campaign_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    campaign = lines("A campaign")
    assert [main(words) for words in campaign] == [0, 0, 0, 0, 0, 1]
    assert [words[1].removeprefix("rutherford-") for words in campaign] == [
        *("template", "run-fast", "plan-production", "resume-plan", "execute", "promotion-check")
    ]
    assert main(["campaign", "rutherford-status", "RUN"]) == 0
    assert main(["verify", "RUN"]) == 0


def test_the_files_of_a_single_run_are_there():
    run, schema, catchment = lines("One run")
    assert run[0] == catchment[0] == "run"
    assert (ROOT / run[1]).exists()
    assert (ROOT / catchment[1]).exists()
    assert main(schema) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "mt3dusgs", "gmsh")
@pytest.mark.parametrize("heading", ["Your own model", "One case, several methods"])
def test_own_models_and_methods_run_as_printed(heading, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    assert {main(words) for words in lines(heading)} == {0}


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
def test_the_matrix_runs_as_printed(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    assert [main(words) for words in lines("A matrix of cases")] == [0, 0, 0, 0, 0]
