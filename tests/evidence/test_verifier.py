"""One verifier under many names, and never the installed one."""

from pathlib import Path

import pytest

from mhx.evidence import verifier, verify
from mhx.evidence.syncing import unsynced

INSTALLED = Path(verify.__file__)


@pytest.fixture
def cases(tmp_path, monkeypatch):
    """Folders of cases; this process has written no verifier yet."""
    monkeypatch.setattr(verifier, "_last", [])
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    return folders


def same(*paths):
    return len({path.stat().st_ino for path in paths}) == 1


def test_cases_of_a_matrix_share_one_file(cases):
    with unsynced():
        paths = [verifier.write_verifier(folder) for folder in cases]
    assert same(*paths)
    assert paths[0].read_bytes() == INSTALLED.read_bytes()
    assert not same(paths[0], INSTALLED)


def test_a_run_by_hand_has_a_file_of_its_own(cases):
    paths = [verifier.write_verifier(folder) for folder in cases]
    assert len({path.stat().st_ino for path in paths}) == 3


def test_a_verifier_that_was_edited_or_removed_is_not_handed_on(cases):
    with unsynced():
        first = verifier.write_verifier(cases[0])
        first.write_text("print('fine')")
        second = verifier.write_verifier(cases[1])
        assert second.read_bytes() == INSTALLED.read_bytes()
        second.unlink()
        assert verifier.write_verifier(cases[2]).read_bytes() == INSTALLED.read_bytes()


def test_what_stands_there_is_replaced_by_rename(cases):
    with unsynced():
        shared = verifier.write_verifier(cases[0])
        old = cases[1] / "verify.py"
        old.hardlink_to(shared)
        new = verifier.write_verifier(cases[1])
    assert new == old
    assert not same(new, shared)
    assert new.read_bytes() == shared.read_bytes()
