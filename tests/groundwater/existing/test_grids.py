"""Binary grid files, written here by hand as MODFLOW 6 lays them out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.errors import EvidenceError
from mhx.groundwater.existing.grids import outline_of, read_grid

FEET = 0.3048


def grb(kind: str, arrays: dict[str, Any]) -> bytes:
    """The bytes of a grid file: four lines, one line per array, the arrays."""
    lines, data = [], []
    for name, values in arrays.items():
        array = np.asarray(values)
        real = array.dtype.kind == "f"
        shape = " ".join(str(size) for size in array.shape[::-1])
        lines.append(f"{name} {'DOUBLE' if real else 'INTEGER'} NDIM {array.ndim} {shape}")
        data.append(array.astype("<f8" if real else "<i4").tobytes())
    head = [f"GRID {kind}", "VERSION 1", f"NTXT {len(lines)}", "LENTXT 100"]
    texts = [f"{line:<49}\n" for line in head] + [f"{line:<99}\n" for line in lines]
    return "".join(texts).encode("ascii") + b"".join(data)


def dis(**changes: Any) -> dict[str, Any]:
    """Two layers of one row and three columns, 10 and 20 wide, 5 high."""
    return {
        "NCELLS": 6, "NLAY": 2, "NROW": 1, "NCOL": 3, "NJA": 20,
        "XORIGIN": 100.0, "YORIGIN": 50.0, "ANGROT": 0.0,
        "DELR": [10.0, 20.0, 10.0], "DELC": [5.0], "TOP": [9.0, 9.0, 9.0],
        "BOTM": [4.0, 4.0, 4.0, 0.0, 0.0, 0.0],
        "IA": [1, 4, 8, 11, 14, 18, 21],
        "JA": [1, 2, 4, 2, 1, 3, 5, 3, 2, 6, 4, 1, 5, 5, 2, 4, 6, 6, 3, 5],
        "IDOMAIN": [1, 0, 1, 1, 1, 1], "ICELLTYPE": [1, 1, 1, 0, 0, 0],
    } | changes  # fmt: skip


def disv() -> dict[str, Any]:
    """One square and one triangle beside it; the second is closed in the file."""
    return {
        "NCELLS": 2, "NLAY": 1, "NCPL": 2, "NVERT": 5, "NJAVERT": 8, "NJA": 4,
        "XORIGIN": 0.0, "YORIGIN": 0.0, "ANGROT": 90.0, "TOP": [1.0, 1.0], "BOTM": [0.0, 0.0],
        "VERTICES": [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [2.0, 0.0]],
        "CELLX": [0.5, 1.3], "CELLY": [0.5, 0.3],
        "IAVERT": [1, 5, 9], "JAVERT": [1, 2, 3, 4, 3, 5, 4, 3],
        "IA": [1, 3, 5], "JA": [1, 2, 2, 1], "IDOMAIN": [1, 1], "ICELLTYPE": [0, 0],
    }  # fmt: skip


def disu() -> dict[str, Any]:
    """Three nodes: two over each other, and one beside the lower."""
    return {
        "NODES": 3, "NJA": 7, "XORIGIN": 0.0, "YORIGIN": 0.0, "ANGROT": 0.0,
        "TOP": [9.0, 4.0, 4.0], "BOT": [4.0, 0.0, 0.0],
        "IA": [1, 3, 6, 8], "JA": [1, 2, 2, 1, 3, 3, 2], "ICELLTYPE": [1, 1, 0],
    }  # fmt: skip


def written(folder: Path, kind: str, arrays: dict[str, Any]) -> Path:
    path = folder / f"own.{kind.lower()}.grb"
    path.write_bytes(grb(kind, arrays))
    return path


def test_rows_and_columns_lie_where_the_model_says(tmp_path: Path) -> None:
    found = read_grid(written(tmp_path, "DIS", dis()), FEET)
    assert found.areas.tolist() == pytest.approx(np.array([50, 100, 50]) * FEET**2)
    assert found.centres is not None
    assert found.centres == pytest.approx(np.array([[105, 52.5], [120, 52.5], [135, 52.5]]) * FEET)
    assert found.layers == 2 and found.cells == 3
    assert found.active.tolist() == [[True, False, True], [True, True, True]]
    assert found.confined.tolist() == [[False] * 3, [True] * 3]


def test_the_ground_is_the_top_of_the_uppermost_cell_that_takes_part(tmp_path: Path) -> None:
    found = read_grid(written(tmp_path, "DIS", dis()), 1.0)
    assert found.top.tolist() == [9.0, 4.0, 9.0]


def test_each_connection_is_told_once_with_the_place_of_its_flow(tmp_path: Path) -> None:
    found = read_grid(written(tmp_path, "DIS", dis()), 1.0)
    pairs = list(zip(found.one.tolist(), found.other.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)]
    ja = dis()["JA"]
    assert [ja[at] - 1 for at in found.position.tolist()] == [other for _, other in pairs]


def test_polygons_are_turned_and_not_closed(tmp_path: Path) -> None:
    found = read_grid(written(tmp_path, "DISV", disv()), 1.0)
    assert found.grid is not None
    assert found.areas.tolist() == pytest.approx([1.0, 0.5])
    assert np.diff(found.grid.offsets).tolist() == [4, 3]
    # a quarter turn to the left: east becomes north
    assert found.grid.centres == pytest.approx(np.array([[-0.5, 0.5], [-0.3, 1.3]]))


def test_nodes_know_which_lie_under_them(tmp_path: Path) -> None:
    found = read_grid(written(tmp_path, "DISU", disu()), 1.0)
    assert found.under is not None
    assert found.under.tolist() == [[0, 2], [1, -1]]
    assert found.grid is None and found.areas.tolist() == [0.0, 0.0, 0.0]


def test_the_outline_follows_the_cells_that_take_part(tmp_path: Path) -> None:
    grid = read_grid(written(tmp_path, "DIS", dis()), 1.0).grid
    assert grid is not None
    whole = outline_of(grid, np.array([True, True, True]))
    assert sorted(whole[:, 0].tolist()) == [100, 100, 110, 110, 130, 130, 140, 140]
    x, y = whole.T
    assert 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) == pytest.approx(200.0)
    alone = outline_of(grid, np.array([False, True, False]))
    assert sorted(alone[:, 0].tolist()) == [110, 110, 130, 130]


def test_a_grid_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path, "DIS", dis())
    again = written(tmp_path, "DIS", dis())
    assert read_grid(path, 1.0) is read_grid(again, 1.0)
    assert read_grid(path, 1.0) is not read_grid(path, FEET)


@pytest.mark.parametrize("length", [0, 60, 300, 1900])
def test_a_torn_file_is_refused_by_name(length: int, tmp_path: Path) -> None:
    path = written(tmp_path, "DIS", dis())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(EvidenceError, match=r"own\.dis\.grb is torn or no binary grid file"):
        read_grid(path, 1.0)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        read_grid(tmp_path / "none.grb", 1.0)
