"""Which cells a `where` names: by side, line, polygon, points, ids, or all of a kind.

Every selector finds at least one cell or is a fault: a boundary condition that acts nowhere would
change the model in silence.  Cells come ascending, each once.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater.grid import Flags, Floats, Grid, Ids
from mhx.groundwater.packages import Where
from mhx.groundwater.polygons import crossed, ending_inside, holding, last_metres, segments_of
from mhx.groundwater.polylines import outline_of, read_points
from mhx.groundwater.terrain import Terrain

ON_SIDE = 1e-9
"""Distance from the side of the outline, as a share of its extent, that still lies on it [1]."""
_SIDES = {"west": (0, min), "south": (1, min), "east": (0, max), "north": (1, max)}


def cells_where(
    selector: Where,
    grid: Grid,
    terrain: Terrain,
    *,
    key: str,
    known: Mapping[str, Ids] | None = None,
) -> Ids:
    """(k,) ids of the cells that the selector names.

    key: what messages name, such as `flow.bc[0].where`.  known: cells of other boundaries by id,
    for `except`.  Raises ConfigError when no cell is found or one of the named things is not there.
    """
    ways: Mapping[str, Callable[[], Ids]] = {
        "side": lambda: _on_side(grid, terrain.outline, str(selector.side)),
        "line": lambda: line_cells(selector, grid, terrain, key=key)[0],
        "polygon": lambda: _in_polygon(grid, Path(str(selector.polygon)), f"{key}.polygon"),
        "points": lambda: _holding(grid, np.array(selector.points, dtype=float), f"{key}.points"),
        "cells": lambda: _named(grid, np.array(selector.cells), f"{key}.cells"),
        "boundary": lambda: np.unique(grid.edges.owner),
        "all": lambda: np.arange(grid.n_cells),
        "except_": lambda: _others(grid, str(selector.except_), known or {}, f"{key}.except"),
    }
    for way, find in ways.items():
        if (value := getattr(selector, way)) is not None:
            cells = find()
            if cells.size == 0:
                raise ConfigError(f"{key}.{way.rstrip('_')} = {_shown(value)} finds no cell")
            return cells
    raise ConfigError(f"{key} names no cells")


def line_cells(selector: Where, grid: Grid, terrain: Terrain, *, key: str) -> tuple[Ids, Floats]:
    """Cells along a line, and its length in each [m]; along an edge each side gets half.

    The line is the one that the mesh respects, so that both sides of an edge on it belong to it.
    """
    name = str(selector.line)
    line = grid.constraints.get(name, terrain.lines.get(name))
    if line is None:
        known = ", ".join(sorted(terrain.lines)) or "none is declared"
        raise ConfigError(f"{key}.line is {name!r}; the mesh constraints are: {known}")
    if selector.last_m is None:
        return crossed(grid, segments_of(line))
    within = ending_inside(line, terrain.outline)  # regular grids keep what was drawn outside
    return crossed(grid, last_metres(segments_of(within), selector.last_m))


def on_side(points: Floats, outline: Floats, side: str) -> Flags:
    """(k,) whether points lie on a side of the outline."""
    axis, extreme = _SIDES[side]
    reach = ON_SIDE * float(np.ptp(outline, axis=0).max())
    found: Flags = np.abs(points[:, axis] - extreme(outline[:, axis])) <= reach
    return found


def _on_side(grid: Grid, outline: Floats, side: str) -> Ids:
    edges = grid.edges
    middle = 0.5 * (grid.vertices[edges.owner_a] + grid.vertices[edges.owner_b])
    return np.unique(edges.owner[on_side(middle, outline, side)])


def _in_polygon(grid: Grid, path: Path, key: str) -> Ids:
    """Cells whose centre lies inside."""
    polygon = shapely.Polygon(outline_of(read_points(path, key), f"{key}: {path}"))
    shapely.prepare(polygon)
    return np.flatnonzero(shapely.contains_xy(polygon, grid.centres))


def _holding(grid: Grid, points: Floats, key: str) -> Ids:
    cells = holding(grid, points)
    outside = np.flatnonzero(cells < 0)
    if outside.size:
        told = ", ".join(f"[{x:.10g}, {y:.10g}]" for x, y in points[outside[:5]])
        raise ConfigError(f"{key}: outside of the mesh: {told}")
    return np.unique(cells)


def _named(grid: Grid, cells: Ids, key: str) -> Ids:
    unknown = cells[(cells < 0) | (cells >= grid.n_cells)]
    if unknown.size:
        told = ", ".join(map(str, unknown[:5].tolist()))
        raise ConfigError(f"{key}: no such cell: {told}; cells are 0 to {grid.n_cells - 1}")
    return np.unique(cells)


def _others(grid: Grid, name: str, known: Mapping[str, Ids], key: str) -> Ids:
    if name not in known:
        told = ", ".join(sorted(known)) or "none before this one"
        raise ConfigError(f"{key} is {name!r}; boundaries with cells are: {told}")
    return np.setdiff1d(np.arange(grid.n_cells), known[name])


def _shown(value: object) -> str:
    return (
        "true" if value is True else f"'{value}'" if isinstance(value, str | Path) else str(value)
    )
