"""Run directories that the tests of this folder share; a test that changes one copies it first."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .lane import HARRIS, execute, plan


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """From outside and end to end: not in the fast loop."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny plan, nothing executed."""
    folder = tmp_path_factory.mktemp("planned") / "run"
    said = plan(folder)
    assert said.code == 1, said.text  # too short on purpose: the duration gate fails
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, planned: Path) -> Path:
    """The tiny run, executed to its target in one go, with movies."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    shutil.copytree(planned, folder)
    said = execute(folder, "--movies")
    assert said.code == 0, said.text
    return folder


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory, planned: Path) -> Path:
    """The tiny run in three chunks, up to step 20 of 48."""
    folder = tmp_path_factory.mktemp("cut") / "run"
    shutil.copytree(planned, folder)
    for steps in (7, 1, 12):
        said = execute(folder, "--max-steps", steps)
        assert said.code == 0, said.text
    return folder


@pytest.fixture(scope="session")
def harris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A held double Harris sheet, executed to its target."""
    folder = tmp_path_factory.mktemp("harris") / "run"
    said = plan(folder, HARRIS)
    assert said.code == 1, said.text
    said = execute(folder)
    assert said.code == 0, said.text
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], Path]:
    """A private copy of a shared run."""

    def make(source: Path) -> Path:
        folder = tmp_path / "run"
        shutil.copytree(source, folder)
        return folder

    return make


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Path]:
    """The test works in a folder of its own."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)
