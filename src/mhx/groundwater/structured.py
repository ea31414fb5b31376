"""Regular grids: rows and columns as MODFLOW's DIS, or the same cells as polygons (DISV).

Row 0 lies in the north, column 0 in the west; cells count along the rows.  A DIS grid needs a
rectangle.  Over any other outline the polygons keep the cells whose centre lies inside, which makes
a staircase: the symmetric difference in the metrics says how much of the outline that costs.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Grid, Ids

MOST_CELLS = 50_000_000
FIT = 1e-9
"""Relative misfit up to which a whole number of cells fills a length [1]."""


def regular(
    kind: Literal["dis", "disv"],
    outline: Floats,
    cell: tuple[float, float],
    constraints: Mapping[str, Floats],
) -> Grid:
    """Cells of `cell` = (width, height) m over the bounding rectangle of the outline.

    Raises ConfigError when no whole number of cells fills the rectangle, or when a "dis" grid is
    asked for over an outline that is no rectangle.
    """
    low, high = outline.min(axis=0), outline.max(axis=0)
    columns = _whole("mesh.cell_x", high[0] - low[0], cell[0])
    rows = _whole("mesh.cell_y", high[1] - low[1], cell[1])
    if rows * columns > MOST_CELLS:
        raise ConfigError(
            f"mesh: {rows} rows of {columns} columns are more than {MOST_CELLS} cells; make the "
            "cells larger"
        )
    x = np.linspace(low[0], high[0], columns + 1)
    y = np.linspace(high[1], low[1], rows + 1)
    vertices = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    row, column = np.divmod(np.arange(rows * columns), columns)
    north_west = row * (columns + 1) + column
    south_west = north_west + columns + 1
    cells = np.stack([north_west, north_west + 1, south_west + 1, south_west], axis=1)
    centres = np.stack([0.5 * (x[column] + x[column + 1]), 0.5 * (y[row] + y[row + 1])], axis=1)
    areas = (x[column + 1] - x[column]) * (y[row] - y[row + 1])
    shape: tuple[int, int] | None = (rows, columns) if kind == "dis" else None
    if not _is_rectangle(outline):
        if kind == "dis":
            raise ConfigError(
                "mesh.kind is 'structured', which needs domain.kind = 'rectangle'; over other "
                "outlines use 'rectangular_disv'"
            )
        cells, centres, areas, vertices = _inside(outline, cells, centres, areas, vertices)
    return Grid(
        kind=kind, vertices=vertices, corners=cells.ravel(), offsets=np.arange(len(cells) + 1) * 4,
        centres=centres, areas=areas, shape=shape, outline=outline, constraints=dict(constraints),
    )  # fmt: skip


def _whole(key: str, length: float, size: float) -> int:
    count = round(length / size)
    if count < 1 or abs(count * size - length) > FIT * length:
        near = length / max(count, 1)
        raise ConfigError(
            f"{key} = {size!r} does not fill {float(length)!r} m with a whole number of cells; "
            f"{max(count, 1)} cells would be {float(near)!r} m each"
        )
    return count


def _is_rectangle(outline: Floats) -> bool:
    low, high = outline.min(axis=0), outline.max(axis=0)
    on_side = np.any((outline == low) | (outline == high), axis=1)
    corners = np.all((outline == low) | (outline == high), axis=1)
    return bool(on_side.all() and np.count_nonzero(corners) == 4)


def _inside(
    outline: Floats, cells: Ids, centres: Floats, areas: Floats, vertices: Floats
) -> tuple[Ids, Floats, Floats, Floats]:
    polygon = shapely.Polygon(outline)
    shapely.prepare(polygon)
    keep = shapely.contains_xy(polygon, centres)
    if not keep.any():
        raise ConfigError("mesh: no cell has its centre inside the outline; make the cells smaller")
    used, renumbered = np.unique(cells[keep], return_inverse=True)
    return renumbered.reshape(-1, 4), centres[keep], areas[keep], vertices[used]
