"""How well a mesh carries the lines it was asked to respect.

Triangles carry a line on their edges, Voronoi cells on their centres; nothing else of a mesh can.
Distances are measured along the line as the user drew it, as far as it lies inside the mesh.
"""

from collections.abc import Mapping

import numpy as np
import shapely

from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.polygons import cell_polygons, crossed, segments_of

SPACING = 0.05
"""Distance between the points of a line that are measured, as a share of h [1]."""
CARRIED = 1e-6
"""Distance up to which a line lies on an edge or a centre on a line, as a share of h [1]."""


def constraint_metrics(grid: Grid, lines: Mapping[str, Floats], h: float) -> dict[str, float]:
    """Metrics of all lines, and the smallest distance between two of their vertices over h.

    Per line: the largest and the root mean square distance to the nearest edge; the largest
    distance to the line of the centres of the cells it runs through; the share of its length that
    lies on edges or in cells whose centres lie on it; the number of cells it runs through.
    """
    if not lines:
        return {}
    found: dict[str, float] = {"constraint_vertex_distance_min_over_h": _closest(lines) / h}
    edges = grid.edges
    begin = np.concatenate([edges.a, edges.owner_a])
    end = np.concatenate([edges.b, edges.owner_b])
    sides = shapely.linestrings(grid.vertices[np.stack([begin, end], axis=1)])
    near_sides, cells = shapely.STRtree(sides), shapely.STRtree(cell_polygons(grid))
    for name, line in lines.items():
        thread = shapely.LineString(line)
        points = _along(thread, SPACING * h)
        which, owner = cells.query(points, "dwithin", distance=CARRIED * h)
        inside = np.zeros(len(points), dtype=bool)
        inside[which] = True
        through, _ = crossed(grid, segments_of(line))
        away = shapely.distance(shapely.points(grid.centres[through]), thread)
        on_centres = np.zeros(len(points), dtype=bool)
        on_centres[which[np.isin(owner, through[away <= CARRIED * h])]] = True
        metrics: dict[str, float] = {"cells": through.size}
        if inside.any():
            _, gap = near_sides.query_nearest(
                points[inside], all_matches=False, return_distance=True
            )
            metrics["edge_distance_max_m"] = float(gap.max())
            metrics["edge_distance_rms_m"] = float(np.sqrt(np.mean(gap**2)))
            carried = on_centres.copy()
            carried[inside] |= gap <= CARRIED * h
            metrics["covered_fraction"] = float(np.mean(carried))
        if through.size:
            metrics["centre_distance_max_m"] = float(away.max())
        found |= {f"constraint_{name}_{key}": value for key, value in metrics.items()}
    return found


def _along(thread: shapely.LineString, spacing: float) -> np.ndarray:
    """Points in the middle of equal pieces of a line, at most `spacing` long."""
    pieces = max(int(np.ceil(thread.length / spacing)), 1)
    middles = (np.arange(pieces) + 0.5) * thread.length / pieces
    points: np.ndarray = shapely.line_interpolate_point(thread, middles)
    return points


def _closest(lines: Mapping[str, Floats]) -> float:
    """Smallest distance between different vertices of all lines [m]; closing points count once."""
    vertices = np.unique(np.concatenate(list(lines.values())), axis=0)
    points = shapely.points(vertices)
    _, distance = shapely.STRtree(points).query_nearest(
        points, exclusive=True, return_distance=True
    )
    return float(distance.min())
