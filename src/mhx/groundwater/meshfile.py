"""Meshes in files: a user's nodes and triangles read with every fault, a grid kept and read back.

A user's mesh is two CSV files, `node_id,x,y` and `cell_id,n0,n1,n2`, ids from 0, either sense of
rotation.  A run keeps its grid as `vertices.csv` (`vertex_id,x,y`), `cells.csv`
(`cell_id,x,y,area_m2,vertices`: centre, area and the corners, clockwise, between blanks) and
`mesh_summary.json`.  Numbers are written with all their digits, so that a grid reads back equal.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import store
from mhx.groundwater.grid import Flags, Floats, Grid, Ids, centroids, clockwise, signed_areas
from mhx.groundwater.polylines import csv_rows, number, text_of

VERTICES, CELLS, SUMMARY = "vertices.csv", "cells.csv", "mesh_summary.json"
THIN = 1e-12
"""Area over the square of the longest side up to which a triangle is a line [1]."""
TOUCHING = 1e-6
"""Share of the smaller triangle's size to which two may reach into each other by round-off [1]."""
MOST_FAULTS = 20


def read_triangles(
    nodes: Path, cells: Path, outline: Floats, constraints: Mapping[str, Floats]
) -> Grid:
    """The user's triangles as a grid; cells keep their order, all are turned clockwise.

    Raises ConfigError with every fault and its line: a wrong header, ids out of order, a node that
    is not there, triangles that are lines, that overlap or that are listed twice.
    """
    node_rows, _ = _table(nodes, "mesh.nodes", ("node_id", "x", "y"))
    cell_rows, lines = _table(cells, "mesh.cells", ("cell_id", "n0", "n1", "n2"))
    vertices = node_rows[:, 1:]
    corners = cell_rows[:, 1:].astype(np.int64)
    faults = _Faults("mesh.cells", cells, lines)
    unknown = (corners < 0) | (corners >= len(vertices))
    for row, place in np.argwhere(unknown).tolist():
        faults.add(row, f"n{place} is {corners[row, place]}; nodes are 0 to {len(vertices) - 1}")
    faults.tell()
    flat, offsets = corners.ravel(), np.arange(len(corners) + 1) * 3
    areas = np.abs(signed_areas(vertices, flat, offsets))
    sides = vertices[corners] - np.roll(vertices[corners], 1, axis=1)
    for row in np.flatnonzero(areas <= THIN * np.sum(sides**2, axis=2).max(axis=1)).tolist():
        faults.add(row, f"the triangle {corners[row].tolist()} has no area")
    faults.tell()
    for row, other in _overlaps(vertices, corners, areas):
        faults.add(row, f"the triangle overlaps cell {other} (line {lines[other]})")
    faults.tell()
    turned = clockwise(vertices, flat, offsets)
    return Grid(
        kind="disv", vertices=vertices, corners=turned, offsets=offsets,
        centres=centroids(vertices, turned, offsets), areas=areas, outline=outline,
        constraints=dict(constraints),
    )  # fmt: skip


class _Faults:
    """Faults of rows of one file, told together."""

    def __init__(self, key: str, path: Path, lines: list[int]) -> None:
        self.key, self.path, self.lines = key, path, lines
        self.found: list[tuple[int, str]] = []

    def add(self, row: int, text: str) -> None:
        self.found.append((self.lines[row], text))

    def tell(self) -> None:
        if not self.found:
            return
        shown = [f"\n  {self.path}:{line}  {text}" for line, text in self.found[:MOST_FAULTS]]
        if len(self.found) > MOST_FAULTS:
            shown.append(f"\n  ... and {len(self.found) - MOST_FAULTS} more")
        count = "1 fault" if len(self.found) == 1 else f"{len(self.found)} faults"
        raise ConfigError(f"{self.key}: {count}{''.join(shown)}")


def _table(path: Path, key: str, header: tuple[str, ...]) -> tuple[Floats, list[int]]:
    """The numbers of a CSV file whose first column counts from 0, and the line of each row."""
    rows = csv_rows(text_of(path, key))
    found = tuple(name.strip() for name in next(rows, []))
    if found != header:
        raise ConfigError(
            f"{key}: {path}:1  the header must be {','.join(header)}, got "
            f"{','.join(found) or 'nothing'}"
        )
    values: list[list[float]] = []
    faults = _Faults(key, path, [])
    for row in rows:
        if not row:
            continue
        faults.lines.append(rows.line_num)
        try:
            values.append(_row(row, header, len(values)))
        except ConfigError as error:
            values.append([len(values), *[0.0] * (len(header) - 1)])
            faults.add(len(values) - 1, str(error))
    faults.tell()
    if not values:
        raise ConfigError(f"{key}: {path} holds no row below its header")
    return np.array(values), faults.lines


def _row(row: list[str], header: tuple[str, ...], index: int) -> list[float]:
    if len(row) != len(header):
        raise ConfigError(f"a row must have {len(header)} values, got {len(row)}")
    numbers = [number(text, name) for text, name in zip(row, header, strict=True)]
    whole = 1 if header[1] == "x" else len(header)
    for name, value in zip(header[:whole], numbers, strict=False):
        if value != int(value):
            raise ConfigError(f"{name} must be a whole number, got {value!r}")
    if numbers[0] != index:
        raise ConfigError(f"{header[0]} must be {index}: ids count from 0, got {numbers[0]:g}")
    return numbers


def _overlaps(vertices: Floats, corners: Ids, areas: Floats) -> list[tuple[int, int]]:
    """Triangles that share area with an earlier one, and the first such; touching is no overlap."""
    hull = vertices[corners]
    tree = shapely.STRtree(shapely.box(*hull.min(axis=1).T, *hull.max(axis=1).T))
    later, earlier = tree.query(tree.geometries)
    below = earlier < later
    later, earlier = later[below], earlier[below]
    depth = TOUCHING * np.sqrt(np.minimum(areas[later], areas[earlier]))
    over = ~(_apart(hull, later, earlier, depth) | _apart(hull, earlier, later, depth))
    pairs = sorted(zip(later[over].tolist(), earlier[over].tolist(), strict=True))
    return list(dict(reversed(pairs)).items())[::-1]


def _apart(hull: Floats, one: Ids, other: Ids, depth: Floats) -> Flags:
    """Whether a side of triangle `one` has all of `other` beyond it, less deep than `depth` [m]."""
    apart = np.zeros(one.size, dtype=bool)
    middle = hull.mean(axis=1)[one]
    for corner in range(3):
        start, end = hull[one, corner], hull[one, (corner + 1) % 3]
        side = end - start
        normal = np.stack([side[:, 1], -side[:, 0]], axis=1)
        normal /= np.hypot(normal[:, 0], normal[:, 1])[:, None]
        normal[np.sum((middle - start) * normal, axis=1) > 0] *= -1  # outwards
        nearest = np.sum((hull[other] - start[:, None]) * normal[:, None], axis=2).min(axis=1)
        apart |= nearest >= -depth
    return apart


def grid_files(grid: Grid) -> dict[str, bytes]:
    """Content of the files that keep a grid, by name; a pure function of the grid."""
    vertices = "".join(
        f"{index},{x!r},{y!r}\n" for index, (x, y) in enumerate(grid.vertices.tolist())
    )
    names = list(map(str, grid.corners.tolist()))
    offsets = grid.offsets.tolist()
    cells = "".join(
        f"{index},{x!r},{y!r},{area!r},{' '.join(names[offsets[index] : offsets[index + 1]])}\n"
        for index, ((x, y), area) in enumerate(
            zip(grid.centres.tolist(), grid.areas.tolist(), strict=True)
        )
    )
    summary = {
        "kind": grid.kind,
        "shape": grid.shape,
        "n_cells": grid.n_cells,
        "n_vertices": len(grid.vertices),
        "outline": grid.outline.tolist(),
        "constraints": {name: line.tolist() for name, line in grid.constraints.items()},
        "sha256": grid.digest,
    }
    return {
        VERTICES: f"vertex_id,x,y\n{vertices}".encode(),
        CELLS: f"cell_id,x,y,area_m2,vertices\n{cells}".encode(),
        SUMMARY: store.render_json(summary),
    }


def write_grid(grid: Grid, folder: Path) -> tuple[Path, ...]:
    """Write the files of `grid_files` into a folder; returns their paths."""
    files = grid_files(grid)
    for name, content in files.items():
        store.write_bytes(folder / name, content)
    return tuple(folder / name for name in files)


def read_grid(folder: Path) -> Grid:
    """The grid that `write_grid` wrote; EvidenceError where it is torn or not what it was."""
    summary: Any = store.read_json(folder / SUMMARY)
    try:
        points = _rows(folder / VERTICES)
        vertices = np.array([[float(x), float(y)] for _, x, y in points])
        cells = _rows(folder / CELLS)
        corners = [list(map(int, row[4].split())) for row in cells]
        grid = Grid(
            kind=summary["kind"],
            vertices=vertices,
            corners=np.array([vertex for cell in corners for vertex in cell]),
            offsets=np.cumsum([0, *map(len, corners)]),
            centres=np.array([[float(row[1]), float(row[2])] for row in cells]),
            areas=np.array([float(row[3]) for row in cells]),
            shape=tuple(summary["shape"]) if summary["shape"] else None,
            outline=np.array(summary["outline"], dtype=float),
            constraints={
                name: np.array(line, dtype=float) for name, line in summary["constraints"].items()
            },
        )
    except OSError as error:
        raise EvidenceError(f"{folder}: the mesh cannot be read: {error}") from error
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise EvidenceError(f"{folder}: the mesh is torn or altered: {error}") from error
    if grid.digest != summary["sha256"]:
        raise EvidenceError(f"{folder}: the mesh is altered: its digest is not the recorded one")
    return grid


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]
