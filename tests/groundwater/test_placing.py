"""Inputs are linked while they are what this process wrote, and no link is ever written through."""

from pathlib import Path

import pytest

from mhx.errors import RunError
from mhx.groundwater import placing

FILES = {"a.nam": b"names\n", "a.npf": b"k 1.0\n"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    placing.forget()


def inode(path: Path) -> int:
    return path.stat().st_ino


def test_what_is_the_same_is_linked_and_what_differs_is_written(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    placing.place(one, FILES)
    placing.place(two, FILES | {"a.npf": b"k 2.0\n"})
    assert inode(one / "a.nam") == inode(two / "a.nam")
    assert (one / "a.npf").read_bytes() == b"k 1.0\n"
    assert (two / "a.npf").read_bytes() == b"k 2.0\n"


def test_the_template_is_never_written_through_a_link(tmp_path: Path) -> None:
    """Placing other content where a link lies leaves the file behind the link alone."""
    one, two = tmp_path / "1", tmp_path / "2"
    placing.place(one, FILES)
    placing.place(two, FILES)
    placing.place(two, {"a.nam": b"other\n"})
    assert (one / "a.nam").read_bytes() == FILES["a.nam"]
    assert (two / "a.nam").read_bytes() == b"other\n"


def test_a_file_that_somebody_changed_is_not_linked(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    placing.place(one, FILES)
    (one / "a.nam").write_bytes(b"NAMES\n\n")
    placing.place(two, FILES)
    assert (two / "a.nam").read_bytes() == FILES["a.nam"]


def test_a_file_that_is_gone_is_written_again(tmp_path: Path) -> None:
    placing.place(tmp_path / "1", FILES)
    (tmp_path / "1" / "a.nam").unlink()
    placing.place(tmp_path / "2", FILES)
    assert (tmp_path / "2" / "a.nam").read_bytes() == FILES["a.nam"]


def test_placing_twice_in_one_folder_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        placing.place(tmp_path, FILES)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == FILES


def test_a_link_over_another_file_replaces_it(tmp_path: Path) -> None:
    placing.place(tmp_path / "1", FILES)
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "a.nam").write_bytes(b"left over\n")
    placing.place(tmp_path / "2", FILES)
    assert (tmp_path / "2" / "a.nam").read_bytes() == FILES["a.nam"]


def test_where_no_link_can_be_made_a_copy_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr("os.link", refuse)
    placing.place(tmp_path / "1", FILES)
    placing.place(tmp_path / "2", FILES)
    assert inode(tmp_path / "1" / "a.nam") != inode(tmp_path / "2" / "a.nam")
    assert (tmp_path / "2" / "a.nam").read_bytes() == FILES["a.nam"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "mf6").write_text("a file")
    with pytest.raises(RunError, match="mf6 cannot be written"):
        placing.place(tmp_path / "mf6", FILES)
