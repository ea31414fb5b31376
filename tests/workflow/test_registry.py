"""The one table of what can run."""

import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

from mhx.config import Table
from mhx.errors import ConfigError, EngineMissing
from mhx.workflow import registry
from mhx.workflow.registry import Registration


@pytest.fixture
def published(monkeypatch):
    """Publish rows as an installed package would."""

    def publish(*points):
        registry.rows.cache_clear()
        monkeypatch.setattr(registry, "entry_points", lambda group: points)

    yield publish
    monkeypatch.undo()
    registry.rows.cache_clear()


class Point:
    """An entry point that answers with what it was given, or fails."""

    dist = SimpleNamespace(name="rods-for-mhx", version="1.2")
    value = "rods:ROWS"

    def __init__(self, answer):
        self.answer = answer

    def load(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def row(**changes):
    given = {"subject": "heat", "runner": "rods", "mode": "heat", "purpose": "Rods."}
    return Registration(**{**given, "entry": "rods:run", "config": "rods:Rod", **changes})


@pytest.mark.parametrize("row", registry.rows(), ids=lambda row: f"{row.subject}-{row.runner}")
def test_every_row_can_be_resolved(row):
    assert callable(registry.runner_of(row))
    for named in filter(None, (row.identity, row.before)):
        module, _, name = named.partition(":")
        assert callable(getattr(import_module(module), name))
    assert issubclass(registry.table_of(row), Table)
    assert row.purpose.endswith(".")


@pytest.mark.parametrize("row", registry.rows(), ids=lambda row: row.mode)
def test_rows_that_share_a_mode_agree_and_a_runner_stands_for_one_mode(row):
    for other in registry.rows():
        if other.mode == row.mode:
            assert (other.entry, other.config) == (row.entry, row.config)
        if other.runner == row.runner and row.runner is not None:
            assert other.mode == row.mode


def test_the_views_are_views_of_the_rows():
    assert set(registry.SUPPORTED_SUBJECTS) >= {"mesh", "flow", "reconnection", "external"}
    assert set(registry.SUPPORTED_RUNNERS) >= {"simulation", "reduced_mhd", "command"}
    assert registry.SUPPORTED_SUBJECT_RUNNERS["reconnection"] == ("reduced_mhd",)
    assert registry.SUPPORTED_SUBJECT_RUNNERS["mesh"] == ("simulation",)
    assert registry.SUPPORTED_SUBJECT_RUNNERS["transport"] == ("simulation", "comparison")
    assert registry.RUNNER_WORKFLOWS["reduced_mhd"] == "reconnection"
    assert registry.RUNNER_WORKFLOWS.keys() == set(registry.SUPPORTED_RUNNERS)
    assert registry.DEFAULT_RUNNER_METRICS["command"] == ()
    assert registry.DEFAULT_RUNNER_METRICS["comparison"][:2] == ("comparison_id", "audit_status")
    assert "testbed" in registry.modes()
    assert "testbed" not in registry.RUNNER_WORKFLOWS.values()
    with pytest.raises(AttributeError, match="SUPPORTED_NOTHING"):
        registry.SUPPORTED_NOTHING  # noqa: B018


def test_one_subject_may_have_several_runners(published):
    published(Point((row(subject="flow"),)))
    assert registry.SUPPORTED_SUBJECT_RUNNERS["flow"] == ("simulation", "comparison", "rods")


def test_an_installed_package_adds_a_mode(published):
    published(Point((row(),)))
    assert registry.modes()[-1] == "heat"
    assert registry.row_of("heat").purpose == "Rods."
    assert registry.origins()[-1] == (row(), "rods-for-mhx 1.2")
    assert registry.problems() == ()


BROKEN = {
    "it cannot be imported": (ImportError("no rods"), "ImportError: no rods"),
    "its module is wrong": (NameError("name 'rod' is not defined"), "NameError: name 'rod' is n"),
    "it is no tuple": (3, "TypeError: 'int' object is not iterable"),
    "its rows are no rows": (({"mode": "heat"},), "a row must be a Registration, got {'mode'"),
    "it claims a mode for something else": (
        (row(mode="reconnection"),),
        "mode 'reconnection' is that of mhx already, carried out by mhx.reconnection.run:run",
    ),
    "it claims a mode with another table": (
        (row(mode="reconnection", entry="mhx.reconnection.run:run"),),
        "mode 'reconnection' is that of mhx already",
    ),
    "it claims a runner for another mode": (
        (row(runner="reduced_mhd"),),
        "runner 'reduced_mhd' stands for mode 'reconnection' of mhx already",
    ),
    "it repeats a pair": (
        (
            row(
                subject="reconnection",
                runner="reduced_mhd",
                mode="reconnection",
                entry="mhx.reconnection.run:run",
                config="mhx.reconnection.config:Reconnection",
            ),
        ),
        "the pair (reconnection, reduced_mhd) is that of mhx already",
    ),
    "it has half a pair": (
        (row(runner=None),),
        "the row of mode 'heat' names a subject or a runner, but not both",
    ),
    "its entry is no place": (
        (row(entry="rods.run"),),
        "the row of mode 'heat': entry must be \"module:name\", got 'rods.run'",
    ),
    "what comes before its cases is no place": (
        (row(before="rods.check"),),
        "the row of mode 'heat': before must be \"module:name\", got 'rods.check'",
    ),
    "two packages claim one mode": (
        (row(mode="other"), row(subject="cold", runner="ice", mode="other", entry="ice:run")),
        "mode 'other' is that of rods-for-mhx 1.2 already, carried out by rods:run",
    ),
}


@pytest.mark.parametrize(("answer", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_row_that_cannot_be_used_is_named_and_stops_nothing_else(answer, reason, published):
    published(Point(answer), Point((row(mode="last", runner="last"),)))
    assert registry.modes()[-1] == "last"
    (problem,) = registry.problems()
    assert problem.origin == "rods-for-mhx 1.2"
    assert problem.entry_point == "rods:ROWS"
    assert problem.reason.startswith(reason)
    assert registry.row_of("reconnection").entry == "mhx.reconnection.run:run"


def test_a_vocabulary_is_found_by_name():
    words = registry.vocabulary_of(registry.row_of("reconnection"))
    assert words.find("growth_rate").unit == "v_A/L"
    assert registry.vocabulary_of(registry.row_of("command")) is None


def test_an_unknown_mode_names_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        registry.row_of("reconection")
    assert str(caught.value) == (
        "workflow.mode must be 'simulation' or 'comparison' or 'reconnection' or 'command' "
        "or 'testbed', got 'reconection'; did you mean 'reconnection'?"
    )


def test_a_missing_package_names_the_extra():
    wants_rods = row(entry="no_such_package.rods:run", extra="rods")
    with pytest.raises(EngineMissing) as caught:
        registry.runner_of(wants_rods)
    assert str(caught.value) == (
        "mode 'heat' needs the Python package 'no_such_package', which is not installed; "
        "install it with: pip install 'mhx[rods]'"
    )


def test_a_mistake_of_ours_is_not_told_as_a_missing_package():
    with pytest.raises(ModuleNotFoundError):
        registry.runner_of(row(entry="mhx.no_such_module:run"))


def test_the_table_is_read_without_a_solver():
    code = (
        "import sys, mhx.workflow.registry as r; r.rows(); r.RUNNER_WORKFLOWS;"
        "print(sorted({'jax', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules)))"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found == "[]\n"


def test_the_group_is_the_documented_one(monkeypatch):
    asked = []
    registry.rows.cache_clear()
    monkeypatch.setattr(registry, "entry_points", lambda group: asked.append(group) or ())
    registry.rows()
    monkeypatch.undo()
    registry.rows.cache_clear()
    assert asked == ["mhx.runners"]
