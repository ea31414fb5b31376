"""Files of a run by name and digest: whole folders, and paths that stand for other files."""

import os
import sys
from types import SimpleNamespace

import pytest

from mhx.errors import ConfigError
from mhx.evidence.hashing import file_digest
from mhx.workflow.inputs import input_digests

OLD_NS = 1_700_000_000_000_000_000


@pytest.fixture
def folder(tmp_path):
    """A model of two files beside two others, all of them old enough to be remembered."""
    for name in ("model/mfsim.nam", "model/k.txt", "model/old.lst", "shared/top.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        os.utime(path, ns=(OLD_NS, OLD_NS))
    return tmp_path


@pytest.fixture
def asked(monkeypatch):
    """What was asked of `models_of_tests:reached`; it lists what the first file names."""
    calls = []

    def reached(path):
        calls.append(path)
        root = path if path.is_dir() else path.parent
        return [root / name for name in ("mfsim.nam", "k.txt", "../shared/top.bin")]

    monkeypatch.setitem(sys.modules, "models_of_tests", SimpleNamespace(reached=reached))
    return calls


def test_a_folder_stands_for_all_its_files(folder):
    assert list(input_digests(folder / "model", "../m")) == [
        "../m/k.txt",
        "../m/mfsim.nam",
        "../m/old.lst",
    ]


NAMES = {
    "the folder": ("model", "../m", ["../m/mfsim.nam", "../m/k.txt", "../shared/top.bin"]),
    "a file in it": (
        *("model/mfsim.nam", "m/mfsim.nam"),
        ["m/mfsim.nam", "m/k.txt", "shared/top.bin"],
    ),
}


@pytest.mark.parametrize(("path", "name", "names"), NAMES.values(), ids=NAMES)
def test_a_path_may_stand_for_the_files_that_it_reaches(path, name, names, folder, asked):
    found = input_digests(folder / path, name, "models_of_tests:reached")
    assert list(found) == names
    assert found[names[1]] == file_digest(folder / "model" / "k.txt")
    assert found[names[2]] == file_digest(folder / "shared" / "top.bin")


def test_what_it_reaches_is_asked_once_as_long_as_nothing_changes(folder, asked):
    def digests():
        return input_digests(folder / "model", "m", "models_of_tests:reached")

    first = digests()
    assert digests() == first
    assert len(asked) == 1
    (folder / "model" / "old.lst").write_text("another run")
    assert digests() == first
    assert len(asked) == 1
    (folder / "model" / "k.txt").write_text("2.0")
    assert digests() != first
    assert len(asked) == 2


def test_a_file_that_went_away_is_named(folder, asked):
    input_digests(folder / "model", "m", "models_of_tests:reached")
    (folder / "model" / "k.txt").unlink()
    with pytest.raises(ConfigError, match="model cannot be read: No such file"):
        input_digests(folder / "model", "m", "models_of_tests:reached")
    assert len(asked) == 2
