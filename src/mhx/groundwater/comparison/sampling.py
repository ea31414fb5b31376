"""Values of cells at points: of the cell that holds the point, or linear between cell centres.

Linear: barycentric in the Delaunay triangles of neighbours that have a value; elsewhere, as in the
outer halves of cells at the edge, that of the nearest point of such a triangle.  The raster is one
for all methods: square pixels over the area of the reference, weighted by the area that they share
with it.  Coordinates m; outside the mesh NaN.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from mhx.groundwater.grid import Flags, Floats, Grid, Ids
from mhx.groundwater.polygons import cell_polygons, holding

NEAREST, LINEAR = "nearest_cell", "linear"
BESIDE = 1.5
"""Centres of neighbours are closer than this times what both cells reach [1]."""


@dataclass(frozen=True, kw_only=True)
class Raster:
    """Pixels whose centre lies in the domain.

    shape: rows, columns of the whole box.  pixels: (k,) index of each, row by row from the south.
    points: (k, 2) centres.  weights: (k,) shared area [m2].  extent: left, right, bottom, top.
    """

    shape: tuple[int, int]
    pixels: Ids
    points: Floats
    weights: Floats
    extent: tuple[float, float, float, float]

    def image(self, values: Floats) -> Floats:
        """(rows, columns), row 0 in the south; NaN outside the domain."""
        whole = np.full(self.shape[0] * self.shape[1], np.nan)
        whole[self.pixels] = values
        return whole.reshape(self.shape)


def area_of(grid: Grid) -> Any:
    """The domain as a polygon: its outline, or all cells where it was not meshed here."""
    if len(grid.outline):
        return shapely.Polygon(grid.outline)
    return shapely.union_all(cell_polygons(grid))


def raster_over(area: Any, cells: int) -> Raster:
    """Square pixels over a polygon, `cells` of them along its longer side."""
    low, high = np.array(area.bounds).reshape(2, 2)
    size = float((high - low).max()) / cells
    columns, rows = np.maximum(np.ceil((high - low) / size - 1e-9).astype(int), 1).tolist()
    x = low[0] + size * (np.arange(columns) + 0.5)
    y = low[1] + size * (np.arange(rows) + 0.5)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    shapely.prepare(area)
    inside = np.flatnonzero(shapely.contains_xy(area, points))
    return Raster(
        shape=(rows, columns),
        pixels=inside,
        points=points[inside],
        weights=_shared(area, points[inside], size),
        extent=(
            *(float(low[0]), float(low[0]) + size * columns),
            *(float(low[1]), float(low[1]) + size * rows),
        ),
    )


def _shared(polygon: Any, points: Floats, size: float) -> Floats:
    """The area that the pixel around each point shares with a polygon."""
    half = size / 2
    boxes = shapely.box(*(points - half).T, *(points + half).T)
    found = np.full(len(points), size * size)
    cut = ~shapely.contains(polygon, boxes)
    found[cut] = shapely.area(shapely.intersection(boxes[cut], polygon))
    return found


class Sampler:
    """Values of a grid's cells at points that stay the same."""

    def __init__(self, grid: Grid, points: Floats, interpolation: str) -> None:
        self._grid, self._points = grid, points
        self._linear = interpolation == LINEAR
        self.cells = holding(grid, points)
        self._weights: dict[bytes, tuple[Ids, Floats, Flags]] = {}

    @property
    def outside(self) -> Ids:
        """The points that lie in no cell."""
        return np.flatnonzero(self.cells < 0)

    def at(self, values: Floats) -> Floats:
        """(k,) of (n,) values; NaN outside the mesh and where the cell has no value."""
        found = np.where(self.cells >= 0, values[self.cells], np.nan)
        if not self._linear:
            return found
        there = np.isfinite(values)
        corners, shares, inside = self._triangles(there)
        if inside.any():
            mixed = np.sum(values[corners] * shares, axis=1)
            use = inside & np.isfinite(found)
            found[use] = mixed[use]
        return found

    def _triangles(self, there: Flags) -> tuple[Ids, Floats, Flags]:
        """Cells at the corners of the triangle around each point, their shares, and if any."""
        key = there.tobytes()
        if key not in self._weights:
            self._weights[key] = self._found(there)
        return self._weights[key]

    def _found(self, there: Flags) -> tuple[Ids, Floats, Flags]:
        from scipy.spatial import Delaunay, QhullError  # noqa: PLC0415  # 0.1 s

        count, cells = len(self._points), np.flatnonzero(there)
        nothing = np.zeros((count, 3), int), np.zeros((count, 3)), np.zeros(count, bool)
        if cells.size < 3:
            return nothing
        corner = self._grid.centres.min(axis=0)  # projected northings eat digits
        try:
            mesh = Delaunay(self._grid.centres[cells] - corner)
        except QhullError:  # the centres lie on one line
            return nothing
        near = _of_neighbours(mesh.points, mesh.simplices, reaches(self._grid)[cells])
        if not near.any():
            return nothing
        local = self._points - corner
        found = mesh.find_simplex(local)
        beyond = (found < 0) | ~near[found]
        found[beyond], local[beyond] = _moved(mesh.points, mesh.simplices, near, local[beyond])
        change = mesh.transform[found]
        two = np.einsum("kij,kj->ki", change[:, :2], local - change[:, 2])
        shares = np.column_stack([two, 1.0 - two.sum(axis=1)])
        return cells[mesh.simplices[found]], shares, np.isfinite(shares).all(axis=1)


def reaches(grid: Grid) -> Floats:
    """(n,) m from the centre of each cell to its farthest corner."""
    away = np.linalg.norm(grid.vertices[grid.corners] - grid.centres[grid.owners], axis=1)
    return np.maximum.reduceat(away, grid.offsets[:-1])


def _of_neighbours(centres: Floats, triangles: Ids, reach: Floats) -> Flags:
    """(t,) triangles between cells that lie beside each other; the others span gaps and edges."""
    after = np.roll(triangles, -1, axis=1)
    lengths = np.linalg.norm(centres[triangles] - centres[after], axis=2)
    found: Flags = (lengths <= BESIDE * (reach[triangles] + reach[after])).all(axis=1)
    return found


def _moved(centres: Floats, triangles: Ids, near: Flags, points: Floats) -> tuple[Ids, Floats]:
    """The nearest triangle of neighbours to each point, and the nearest point of it."""
    chosen = np.flatnonzero(near)
    shapes = shapely.polygons(centres[triangles[chosen]])
    asked = shapely.points(points)
    _, at = shapely.STRtree(shapes).query_nearest(asked, all_matches=False)
    to = shapely.shortest_line(shapes[at], asked)
    return chosen[at], shapely.get_coordinates(to)[::2]
