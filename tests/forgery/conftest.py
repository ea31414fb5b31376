"""One small lane that was really run with an installed wheel, and copies of it to forge.

`undecided` has everything that a claim needs and has not been claimed: without a forgery it is
granted, which `test_control.py` shows; so whatever is refused elsewhere is refused for the forgery.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from .installed import Installed, install
from .small_lane import Lane, claim, make

LINKED = frozenset({".npz", ".gif", ".png"})  # what no forger and no command writes in place


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id) -> Path:
    """A folder that all workers of this session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "forgery"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def site(shared) -> Path:
    with FileLock(shared / "site.lock"):
        made = shared / "wheel" / "site"
        return made if made.is_dir() else install(shared / "wheel")


@pytest.fixture(scope="session")
def mhx(site, tmp_path_factory) -> Iterator[Installed]:
    """Commands of the wheel; outside any work tree."""
    installed = Installed(site, tmp_path_factory.mktemp("scratch"))
    yield installed
    installed.close()


@pytest.fixture(scope="session")
def made(shared, mhx) -> Path:
    """Folder with `undecided` and `claimed`; never touched by a test."""
    with FileLock(shared / "lane.lock"):
        folder = shared / "lanes"
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(mhx, folder / "undecided")
            copied(folder / "undecided", folder / "claimed")
            claim(mhx, Lane(folder / "claimed"))
            (folder / "ready").touch()
        return folder


def copied(lane: Path, place: Path) -> Lane:
    """The lane at another place; bulk is linked, so replace it and never write into it."""

    def bring(source: str, target: str) -> None:
        if Path(source).suffix in LINKED:
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.copytree(lane, place, copy_function=bring, symlinks=True)
    return Lane(place)


@pytest.fixture
def undecided(made, tmp_path) -> Lane:
    """A copy of the lane before its claim."""
    return copied(made / "undecided", tmp_path / "lane")


@pytest.fixture
def claimed(made, tmp_path) -> Lane:
    """A copy of the lane after its claim."""
    return copied(made / "claimed", tmp_path / "lane")
