"""What a process remembers: found again by content, and only while the content is the same."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mhx.config import InputPath, Table
from mhx.groundwater import memory


class Named(Table):
    file: InputPath
    value: float = 1.0


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    memory.forget()
    yield
    memory.forget()


def test_a_piece_is_made_once_for_a_key() -> None:
    made = []
    for key in ("a", "b", "a"):
        memory.remembered("piece", key, lambda key=key: made.append(key))  # type: ignore[misc]
    assert made == ["a", "b"]


def test_kinds_do_not_share_keys() -> None:
    assert memory.remembered("one", "a", lambda: 1) == 1
    assert memory.remembered("other", "a", lambda: 2) == 2


def test_a_piece_that_could_not_be_made_is_not_remembered() -> None:
    with pytest.raises(ZeroDivisionError):
        memory.remembered("piece", "a", lambda: 1 / 0)
    assert memory.remembered("piece", "a", lambda: 5) == 5


def test_the_oldest_pieces_go_first() -> None:
    for key in range(memory.KEPT + 1):
        memory.remembered("piece", key, lambda key=key: key)  # type: ignore[misc]
    assert memory.remembered("piece", 0, lambda: "made again") == "made again"
    assert memory.remembered("piece", memory.KEPT, lambda: "made again") == memory.KEPT


def test_a_key_follows_values_and_the_state_of_files(tmp_path: Path) -> None:
    path = tmp_path / "k.csv"
    path.write_text("1")
    keys = [memory.key_of(Named(file=path)), memory.key_of(Named(file=path, value=2.0))]
    path.write_text("12")
    keys.append(memory.key_of(Named(file=path)))
    os.utime(path, ns=(1, 1))
    keys.append(memory.key_of(Named(file=path)))
    path.unlink()
    keys.append(memory.key_of(Named(file=path)))
    assert len(set(keys)) == 5
    assert memory.key_of(Named(file=path)) == keys[-1]


def test_a_key_of_something_else_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="a key is made of plain values"):
        memory.key_of({"a": object()})
