"""The cells of a grid, and lines of a user, as shapely geometries; who crosses what.

shapely is imported here at the top: whoever only stores or numbers cells needs `grid` alone.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from mhx.groundwater.grid import Floats, Grid, Ids

NEAR = 1e-6
"""Share of a cell's size within which a line counts as running along its edge [1]."""
SHARED = 1e-3
"""Share of a cell's size that a line must cover of a cell to cross it, not only touch it [1]."""


def cell_polygons(grid: Grid) -> NDArray[np.object_]:
    """(n,) shapely polygons."""
    count = np.diff(grid.offsets)
    closed = np.insert(grid.corners, grid.offsets[1:], grid.corners[grid.offsets[:-1]])
    rings = shapely.linearrings(
        grid.vertices[closed], indices=np.repeat(np.arange(grid.n_cells), count + 1)
    )
    polygons: NDArray[np.object_] = shapely.polygons(rings)
    return polygons


def segments_of(line: Floats) -> Floats:
    """(s, 2, 2) m: the segments of a line (k, 2)."""
    segments = np.stack([line[:-1], line[1:]], axis=1)
    return segments[np.any(segments[:, 0] != segments[:, 1], axis=1)]


def crossed(grid: Grid, segments: Floats) -> tuple[Ids, Floats]:
    """Cells that a line runs through, ascending, and the length of it in each [m].

    A line along the edge of two cells runs through both, half of it in each: the lengths add up to
    the length of the line inside the mesh.  Cells that it only touches are left out.
    """
    size = float(np.sqrt(grid.areas.mean()))
    polygons = cell_polygons(grid)
    threads = shapely.linestrings(segments)
    tree = shapely.STRtree(polygons)
    which, cells = tree.query(threads, "dwithin", distance=NEAR * size)
    grown = shapely.buffer(polygons[cells], NEAR * size, join_style="mitre")
    pieces, pair = shapely.get_parts(shapely.intersection(grown, threads[which]), return_index=True)
    which, cells = which[pair], cells[pair]
    begin, end = _spans(segments, which, pieces)
    covered = np.bincount(cells, end - begin, minlength=grid.n_cells)
    through = covered[cells] > SHARED * np.sqrt(grid.areas[cells])
    lengths = _shared_evenly(begin[through], end[through])
    total = np.bincount(cells[through], lengths, minlength=grid.n_cells)
    found = np.unique(cells[through])
    return found, total[found]


def _spans(segments: Floats, which: Ids, pieces: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Where each piece of a segment begins and ends, as distance along the line [m]."""
    start, step = segments[:, 0], segments[:, 1] - segments[:, 0]
    length = np.hypot(step[:, 0], step[:, 1])
    passed = np.concatenate([[0.0], np.cumsum(length)])
    points, owner = shapely.get_coordinates(pieces, return_index=True)
    segment = which[owner]
    along = np.sum((points - start[segment]) * step[segment], axis=1) / length[segment]
    begin, end = np.full(len(pieces), np.inf), np.full(len(pieces), -np.inf)
    np.minimum.at(begin, owner, along)
    np.maximum.at(end, owner, along)
    return passed[which] + begin, passed[which] + end


def _shared_evenly(begin: Floats, end: Floats) -> Floats:
    """Length of each interval where it lies alone, half of it where two lie on each other, ..."""
    if begin.size == 0:
        return begin
    cuts = np.unique(np.concatenate([begin, end]))
    first, last = np.searchsorted(cuts, begin), np.searchsorted(cuts, end)
    change = np.zeros(cuts.size, dtype=int)
    np.add.at(change, first, 1)
    np.add.at(change, last, -1)
    layers = np.maximum(np.cumsum(change)[:-1], 1)
    walked: Floats = np.concatenate([[0.0], np.cumsum(np.diff(cuts) / layers)])
    return walked[last] - walked[first]


def ending_inside(line: Floats, outline: Floats) -> Floats:
    """A line (k, 2) without what follows its last point inside the outline; all of it if none."""
    thread = shapely.LineString(line)
    inside = shapely.get_coordinates(shapely.intersection(thread, shapely.Polygon(outline)))
    if not len(inside):
        return line
    end = float(shapely.line_locate_point(thread, shapely.points(inside)).max())
    if end >= thread.length * (1 - NEAR):
        return line
    return shapely.get_coordinates(substring(thread, 0.0, end))


def last_metres(segments: Floats, length: float) -> Floats:
    """The last segments of a line, `length` m together, or all where it is shorter."""
    step = segments[:, 1] - segments[:, 0]
    size = np.hypot(step[:, 0], step[:, 1])
    behind = np.cumsum(size[::-1])[::-1]  # from the start of each segment to the end of the line
    kept = segments[behind - size < length].copy()
    over = behind[-len(kept)] - length
    if over > 0:
        kept[0, 0] += step[-len(kept)] * over / size[-len(kept)]
    return kept


def holding(grid: Grid, points: Floats) -> Ids:
    """(k,) the cell that holds each point, the lowest of several; -1 outside the mesh."""
    which, cells = shapely.STRtree(cell_polygons(grid)).query(shapely.points(points), "intersects")
    found = np.full(len(points), grid.n_cells)
    np.minimum.at(found, which, cells)
    return np.where(found < grid.n_cells, found, -1)


def hausdorff(one: Floats, other: Floats, pieces: int) -> float:
    """Largest distance between two rings (k, 2), either way, at `pieces` points per edge [m].

    As GEOS has it, but by a tree: outlines have thousands of vertices.
    """
    return max(_farthest(one, other, pieces), _farthest(other, one, pieces))


def _farthest(ring: Floats, other: Floats, pieces: int) -> float:
    ahead = np.roll(ring, -1, axis=0)
    share = np.arange(pieces)[:, None, None] / pieces
    points = (ring + share * (ahead - ring)).reshape(-1, 2)
    edges = np.stack([other, np.roll(other, -1, axis=0)], axis=1)
    tree = shapely.STRtree(shapely.linestrings(edges))
    _, away = tree.query_nearest(shapely.points(points), all_matches=False, return_distance=True)
    return float(away.max())
