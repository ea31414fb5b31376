"""Arrays read as MODFLOW 6 does and written so that it reads the same numbers."""

from pathlib import Path

import numpy as np
import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing import arrays, blocks
from mhx.groundwater.existing.arrays import Extent
from mhx.groundwater.existing.reading import GridSize

DIS = GridSize(kind="dis", shape=(2, 2, 3), length_unit="meters")
DISV = GridSize(kind="disv", shape=(2, 6), length_unit="meters", vertices=12)
DISU = GridSize(kind="disu", shape=(12,), length_unit="meters")


def read(text: str, name: str = "k", grid: GridSize = DIS, folder: Path = Path()) -> list[float]:
    source = blocks.parse(Path("x.npf"), f"begin griddata\n{text}\nend griddata\n", folder)
    section = arrays.sections(source, source.blocks[0])[name]
    size = arrays.extent(name, "GRIDDATA", grid, section.layered, 0)
    return arrays.values(source, section, size, folder).tolist()


SIX = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
LAYERED = {
    "constants": ("K layered\n constant 1.d0\n CONSTANT 2", [1.0] * 6 + [2.0] * 6),
    "rows": ("k LAYERED\n internal\n 1 2 3\n 4 5 6\n constant 0", SIX + [0.0] * 6),
    "a row over lines": ("k LAYERED\nINTERNAL\n1\n2 3\n4 5\n6\nconstant 0", SIX + [0.0] * 6),
    "what follows a row is dropped": (
        "k LAYERED\ninternal iprn 1\n1 2 3 north\n4 5 6 7 8\nconstant 0", SIX + [0.0] * 6,
    ),
    "a factor": (
        "k layered\ninternal factor 2\n1 1 1\n2 2 2\nconstant 5", [2.0] * 3 + [4.0] * 3 + [5.0] * 6,
    ),
    "a factor of 0 is 1": (
        "k layered\ninternal FACTOR 0.\n6*1\n6*1\nconstant 5", [1.0] * 6 + [5.0] * 6,
    ),
    "repeats": (
        "k layered\ninternal\n3*1.5\n2*2. 7\nconstant 5", [1.5] * 3 + [2.0, 2.0, 7.0] + [5.0] * 6,
    ),
    "commas": ("k layered\ninternal\n1,2, 3\n4 ,5,6\nconstant 0", SIX + [0.0] * 6),
    "exponents with d": ("k layered\ninternal\n1d0 2D0 3.\n4 5 .6d1\nconstant 0", SIX + [0.0] * 6),
}  # fmt: skip


@pytest.mark.parametrize(("text", "values"), LAYERED.values(), ids=LAYERED)
def test_layers_are_read_row_by_row(text: str, values: list[float]) -> None:
    assert read(text) == values


def test_an_array_of_all_cells_is_read_at_once() -> None:
    assert read("k\ninternal\n1 2 3 4 5 6 1\n2 3 4 5 6 and so on") == SIX * 2
    assert read("k\ninternal\n12*4", grid=DISU) == [4.0] * 12


def test_an_array_of_one_layer_is_read_row_by_row() -> None:
    assert read("top\ninternal\n1 2 3 x\n4 5 6 x", "top") == SIX
    assert read("top\ninternal\n1 2 3\n4 5 6", "top", DISV) == SIX


def test_widths_of_rows_and_columns_have_their_own_number() -> None:
    assert read("delr\nconstant 5\ndelc\nconstant 7", "delr") == [5.0] * 3
    assert read("delr\nconstant 5\ndelc\nconstant 7", "delc") == [7.0] * 2


def test_a_comment_between_arrays_belongs_to_none() -> None:
    text = "begin griddata\nk\ninternal\n1\n# about k33\nk33\nconstant 1\nend griddata"
    source = blocks.parse(Path("x"), text, Path())
    found = arrays.sections(source, source.blocks[0])
    assert (found["k"].records[0].first, found["k"].last) == (2, 4)
    assert found["k33"].first == 5


def test_numbers_are_read_from_text_and_binary_files(tmp_path: Path) -> None:
    size = Extent(count=1, rows=2, columns=3, kind="cells")
    (tmp_path / "a b.txt").write_text("1 2 3\n4 5 6")
    (tmp_path / "k.bin").write_bytes(arrays.binary(np.array(SIX), size, 1, whole=False))
    text = "k layered\nopen/close 'a b.txt' factor 10\nopen/close k.bin (binary)"
    assert read(text, folder=tmp_path) == [10 * value for value in SIX] + SIX
    (tmp_path / "i.bin").write_bytes(arrays.binary(np.array(SIX), size, 1, whole=True) * 2)
    assert read("k\nopen/close i.bin (BINARY)", folder=tmp_path) == SIX * 2
    other = Extent(count=1, rows=1, columns=3, kind="cells")  # a size that is not heeded
    (tmp_path / "o.bin").write_bytes(arrays.binary(np.array(SIX * 2), other, 2, whole=False))
    assert read("k\nopen/close o.bin (BINARY)", folder=tmp_path) == SIX * 2


REFUSED = {
    "too few": ("k layered\ninternal\n1 2 3\n4 5\nconstant 1", r"x:\d+  holds 2 numbers of 3"),
    "no number": ("k layered\ninternal\n1 2 x\n4 5 6\nconstant 1", r"\(\+1\)  'x' cannot be read"),
    "one layer of two": ("k layered\nconstant 1", "k has 1 records for 2 layers"),
    "no value": ("k\nconstant", "CONSTANT must be followed by a number"),
    "no path": ("k\nopen/close", "OPEN/CLOSE must be followed by a path"),
    "no file": ("k\nopen/close none.txt", "none.txt cannot be read: No such file"),
}


@pytest.mark.parametrize(("text", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("x:", r"x\.npf:")):
        read(text)


def test_a_binary_file_of_another_size_is_refused(tmp_path: Path) -> None:
    size = Extent(count=1, rows=2, columns=3, kind="cells")
    content = arrays.binary(np.array(SIX), size, 1, whole=False)
    for name, altered in (("short", content[:-8]), ("long", content + b"\0" * 8)):
        (tmp_path / name).write_bytes(altered)
        with pytest.raises(ConfigError, match="does not hold 6 numbers"):
            read(f"k layered\nopen/close {name} (BINARY)\nconstant 1", folder=tmp_path)


def test_text_reads_back_as_the_same_numbers() -> None:
    size = Extent(count=1, rows=2, columns=3, kind="cells")
    numbers = np.array([0.1, 1e-300, 1.0 / 3.0, -2e22, 5.0, 0.30000000000000004])
    lines = arrays.text_lines(numbers, size, whole=False)
    assert read("\n".join(["k layered", *lines, "constant 0"]))[:6] == numbers.tolist()
    assert arrays.text_lines(np.full(6, 0.5), size, whole=False) == ["    CONSTANT 0.5"]
    assert arrays.text_lines(np.array(SIX), size, whole=True)[1].split() == list("123")
