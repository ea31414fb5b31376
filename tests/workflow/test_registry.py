"""The one table of what can run."""

import subprocess
import sys

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
    assert registry.SUPPORTED_SUBJECTS == ("reconnection",)
    assert registry.SUPPORTED_RUNNERS == ("reduced_mhd",)
    assert registry.SUPPORTED_SUBJECT_RUNNERS == (("reconnection", "reduced_mhd"),)
    assert registry.RUNNER_WORKFLOWS == {"reduced_mhd": "reconnection"}
    with pytest.raises(AttributeError, match="SUPPORTED_NOTHING"):
        registry.SUPPORTED_NOTHING  # noqa: B018


def test_an_installed_package_adds_a_mode(published):
    published(Point((row(),)))
    assert registry.modes() == ("reconnection", "heat")
    assert registry.row_of("heat").purpose == "Rods."


BROKEN = {
    "it cannot be imported": ImportError("no rods"),
    "it is no tuple": 3,
    "its rows are no rows": ({"mode": "heat"},),
    "it claims a mode for something else": (row(mode="reconnection"),),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_row_that_cannot_be_used_stops_nothing_else(answer, published):
    published(Point(answer), Point((row(mode="other"),)))
    assert registry.modes() == ("reconnection", "other")


def test_an_unknown_mode_names_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        registry.row_of("reconection")
    assert str(caught.value) == (
        "workflow.mode must be 'reconnection', got 'reconection'; did you mean 'reconnection'?"
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
