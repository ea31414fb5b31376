"""What a runner looks at before its cases: once for equal inputs; no case starts if it fails."""

import csv
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mhx.errors import SolverError
from mhx.evidence.store import read_chained
from mhx.testbed import plan as plans
from mhx.testbed.launcher import Options, plan_testbed, run_testbed
from mhx.testbed.records import CASES
from mhx.testbed.running import journal
from mhx.testbed.running.before import FOLDER

INLINE = Options(backend="inline")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "testbed" / "k"


@pytest.fixture
def model(monkeypatch):
    """A function that looks at the probe's `nodes`; what it was asked, and whether it stands."""
    state = SimpleNamespace(asked=[], fault="", leaves=True)

    def look(config, folder, done):
        assert list(folder.iterdir()) == []
        nodes = config["probe"].get("nodes")
        state.asked.append((config["probe"]["k"], nodes and str(Path(nodes).resolve())))
        if nodes is None:
            return ""
        digest = f"d{len(Path(nodes).read_text())}"
        if digest in done:
            return digest
        if state.leaves:
            (folder / "mfsim.lst").write_text("said\n")
        if state.fault:
            raise SolverError(state.fault)
        return digest

    monkeypatch.setitem(sys.modules, "model_of_tests", SimpleNamespace(look=look))
    row_of = plans._row_of
    named = "model_of_tests:look"
    monkeypatch.setattr(plans, "_row_of", lambda table: replace(row_of(table), before=named))
    return state


@pytest.fixture
def matrix(file, tmp_path):
    """Three cases over a base with an input."""
    (tmp_path / "n.csv").write_text("a\n")
    base = '[workflow]\nmode = "probe"\n[probe]\nk = 1.0\nnodes = "n.csv"\n'
    return file(base=base)


def rows_of(root):
    with (root / CASES).open(newline="") as stream:
        return list(csv.DictReader(stream))


def looked(root):
    lines = read_chained(root / journal.JOURNAL)
    return [line["looked_at"] for line in lines if line["event"] == "looked"]


def test_it_is_asked_once_for_cases_with_the_same_inputs(matrix, model, root, tmp_path):
    assert run_testbed(matrix, INLINE).exit_code == 0
    assert model.asked == [(1.0, str(tmp_path / "n.csv"))]
    assert looked(root) == ["d2"]
    assert not (root / FOLDER).exists()


def test_a_plan_asks_nothing(matrix, model):
    plan_testbed(matrix)
    assert model.asked == []


def test_what_stood_is_known_to_the_next_start(matrix, model, root):
    run_testbed(matrix, INLINE)
    model.fault = "must not be tried"
    assert run_testbed(matrix, replace(INLINE, fresh=True)).exit_code == 0
    assert len(model.asked) == 2
    assert looked(root) == ["d2"]


def test_another_input_is_looked_at_anew(matrix, model, root, tmp_path):
    run_testbed(matrix, INLINE)
    (tmp_path / "n.csv").write_text("a\nb\n")
    assert run_testbed(matrix, INLINE).exit_code == 0
    assert looked(root) == ["d2", "d4"]


def test_no_case_starts_where_it_fails_and_the_next_start_asks_again(matrix, model, root):
    model.fault = "the model does not run: mfsim.lst line 4"
    with pytest.raises(SolverError, match="line 4"):
        run_testbed(matrix, INLINE)
    rows = rows_of(root)
    assert {row["status"] for row in rows} == {"planned"}
    assert {row["error"] for row in rows} == {f"not started: {model.fault}"}
    assert (root / FOLDER / "mfsim.lst").read_text() == "said\n"  # to be looked into
    assert not (root / "cases").exists()
    model.fault = ""
    assert run_testbed(matrix, INLINE).exit_code == 0
    assert {row["error"] for row in rows_of(root)} == {""}
    assert not (root / FOLDER).exists()


def test_a_failure_that_leaves_nothing_leaves_no_folder(matrix, model, root):
    model.fault, model.leaves = "no such package", False
    with pytest.raises(SolverError):
        run_testbed(matrix, INLINE)
    assert not (root / FOLDER).exists()


def test_a_runner_may_have_nothing_to_look_at(file, model, root):
    assert run_testbed(file(), INLINE).exit_code == 0
    assert model.asked == [(1.0, None)]
    assert looked(root) == []


def test_cases_that_stand_ask_nothing(matrix, model):
    run_testbed(matrix, INLINE)
    run_testbed(matrix, INLINE)
    assert len(model.asked) == 1
