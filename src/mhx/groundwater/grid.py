"""The horizontal mesh of a model: cells as polygons over shared vertices, and who touches whom.

Conventions: coordinates in m, x to the east and y to the north; ids of cells and vertices count
from 0 (MODFLOW counts from 1: the writer converts); the corners of a cell run clockwise.  Corners
are ragged: cell c owns `corners[offsets[c]:offsets[c + 1]]`.  Layers, elevations and properties are
not here; reading and writing of meshes is in `meshfile`, making them in `mesh`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Edges:
    """The sides of all cells, each named once.

    i, j: (m,) the two cells of an inner edge, i < j, in ascending order of (i, j).
    a, b: (m,) its vertices, in the clockwise order of cell i.
    owner, owner_a, owner_b: (k,) the one cell of a boundary edge, and its vertices likewise.
    crowded: number of edges with more than two cells; 0 in a mesh that is one.
    """

    i: Ids
    j: Ids
    a: Ids
    b: Ids
    owner: Ids
    owner_a: Ids
    owner_b: Ids
    crowded: int

    @property
    def count(self) -> int:
        """Number of different edges."""
        return int(self.i.size + self.owner.size + self.crowded)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells of one layer in the plane.

    kind: "disv" (polygons) or "dis" (rows and columns, row 0 in the north).
    vertices: (nv, 2) m.  corners, offsets: ragged vertex ids, clockwise, first corner not repeated.
    centres: (n, 2) m; centroid of a triangle, generator of a Voronoi cell.
    areas: (n,) m2.  shape: (rows, columns) of a "dis" grid, else None.
    outline: (m, 2) m, the polygon that was meshed, counter-clockwise, first point not repeated.
    constraints: id -> (k, 2) m, the lines that the mesh was made to respect, as meshed.
    """

    kind: Literal["disv", "dis"]
    vertices: Floats
    corners: Ids
    offsets: Ids
    centres: Floats
    areas: Floats
    shape: tuple[int, int] | None = None
    outline: Floats
    constraints: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.offsets.size - 1)

    def cell(self, index: int) -> Ids:
        """Vertex ids of one cell, clockwise."""
        return self.corners[self.offsets[index] : self.offsets[index + 1]]

    @cached_property
    def owners(self) -> Ids:
        """The cell of each entry of `corners`."""
        return np.repeat(np.arange(self.n_cells), np.diff(self.offsets))

    @cached_property
    def following(self) -> Ids:
        """Position in `corners` of the next corner of the same cell."""
        after = np.arange(1, self.corners.size + 1)
        after[self.offsets[1:] - 1] = self.offsets[:-1]
        return after

    @cached_property
    def edges(self) -> Edges:
        """Inner and boundary edges; one sort over all corners."""
        return _edges(self.corners, self.corners[self.following], self.owners)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the mesh itself: geometry and numbering, nothing of how it was made."""
        digest = hashlib.sha256(f"{self.kind} {self.shape}".encode())
        for array in (self.vertices, self.corners, self.offsets, self.centres):
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()


def signed_areas(vertices: Floats, corners: Ids, offsets: Ids) -> Floats:
    """(n,) m2, negative where the corners run clockwise.

    Coordinates count from each cell's first corner, so that projected northings of 7e6 m do not
    eat the digits of small cells.
    """
    points = vertices[corners]
    local = points - np.repeat(points[offsets[:-1]], np.diff(offsets), axis=0)
    after = np.arange(1, corners.size + 1)
    after[offsets[1:] - 1] = offsets[:-1]
    cross = local[:, 0] * local[after, 1] - local[after, 0] * local[:, 1]
    return 0.5 * np.add.reduceat(cross, offsets[:-1])


def centroids(vertices: Floats, corners: Ids, offsets: Ids) -> Floats:
    """(n, 2) m, the means of the corners: the centroids where every cell is a triangle."""
    sums = np.add.reduceat(vertices[corners], offsets[:-1], axis=0)
    return sums / np.diff(offsets)[:, None]


def clockwise(vertices: Floats, corners: Ids, offsets: Ids) -> Ids:
    """The corners with every cell turned clockwise; its first corner stays first."""
    turned = corners.copy()
    wrong = signed_areas(vertices, corners, offsets) > 0
    owners = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    place = np.arange(corners.size) - offsets[owners]
    mirrored = offsets[owners] + (np.diff(offsets)[owners] - place) % np.diff(offsets)[owners]
    chosen = wrong[owners]
    turned[chosen] = corners[mirrored[chosen]]
    return turned


def _edges(start: Ids, end: Ids, owners: Ids) -> Edges:
    low, high = np.minimum(start, end), np.maximum(start, end)
    key = low * (int(high.max(initial=0)) + 1) + high
    order = np.argsort(key, kind="stable")  # stable: of two cells the lower comes first
    key = key[order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    count = np.diff(np.r_[first, key.size])
    one, two = order[first[count == 1]], first[count == 2]
    lower, upper = order[two], order[two + 1]
    rank = np.lexsort((owners[upper], owners[lower]))
    lower, upper = lower[rank], upper[rank]
    one = np.sort(one)
    return Edges(
        i=owners[lower], j=owners[upper], a=start[lower], b=end[lower],
        owner=owners[one], owner_a=start[one], owner_b=end[one],
        crowded=int(np.count_nonzero(count > 2)),
    )  # fmt: skip
