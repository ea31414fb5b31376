"""Triangles and unknowns of a mesh: P1 (heads at vertices) or P2 (at the middles of edges, too).

Of a Voronoi mesh the elements are the Delaunay triangles of its generators, so that each cell is a
vertex; P1 on them has the matrix of the two-point fluxes between the cells.  Of triangles the
elements are the cells, and the head of a cell is the one at its centroid.  Quadrature points are
(n_elements, n_points); lengths m, counted from the south-western corner of the outline.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
import shapely
from scipy.spatial import Delaunay
from skfem import Basis, BilinearForm, ElementTriP1, ElementTriP2, LinearForm, MeshTri
from skfem.helpers import dot, grad, mul

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Grid, Ids

FILLS = 1e-9
"""Relative difference of areas up to which triangles fill an outline [1]."""
FLAT = 1e-9
"""Height over longest edge of a triangle that is only rounding [1]."""
ORDER = 4
"""Polynomials up to this degree are integrated exactly."""


def _stiffness(u: Any, v: Any, w: Any) -> Any:
    """Integral of grad v . T grad u."""
    return dot(grad(v), mul(w.tensor, grad(u)))


def _mass(u: Any, v: Any, w: Any) -> Any:
    """Integral of s u v."""
    return w.density * u * v


def _load(v: Any, w: Any) -> Any:
    """Integral of r v."""
    return w.density * v


@dataclass(frozen=True, kw_only=True)
class Elements:
    """Elements over a grid, and what a cell is in them.

    basis: scikit-fem's.  origin: (2,) m.  dual: whether cells are vertices (else elements).
    to_cells: (n, unknowns) weights that make heads of cells out of unknowns.
    """

    grid: Grid
    basis: Any
    origin: Floats
    dual: bool
    degree: Literal[1, 2]
    to_cells: sp.csr_array

    @property
    def count(self) -> int:
        """Number of unknowns."""
        return int(self.basis.N)

    @cached_property
    def places(self) -> Floats:
        """(unknowns, 2) m, in the coordinates of the grid."""
        return self.basis.doflocs.T + self.origin

    @property
    def lumped(self) -> bool:
        """Whether a cell's water is put at its vertex: the finite volumes of the same mesh."""
        return self.dual and self.degree == 1

    def at_points(self, cells: Floats) -> Floats:
        """(..., n) values of cells at the quadrature points, linear in between vertices."""
        if not self.dual:
            return np.repeat(cells[..., None], self.basis.X.shape[1], axis=-1)
        x, y = self.basis.X
        return cells[..., self.basis.mesh.t.T] @ np.stack([1 - x - y, x, y])

    def heads_at_points(self, unknowns: Floats) -> Floats:
        """Heads at the quadrature points [m]."""
        return np.asarray(self.basis.interpolate(unknowns))

    def stiffness(self, tensor: Floats) -> sp.csr_array:
        """Matrix of a transmissivity (2, 2, elements, points) [m2 per time]."""
        return sp.csr_array(BilinearForm(_stiffness).assemble(self.basis, tensor=tensor))

    def storage(self, density: Floats) -> sp.csr_array:
        """Matrix of a storage coefficient of cells (n,) [1]; diagonal where it is lumped."""
        if self.lumped:
            return sp.csr_array(sp.diags_array(density * self.grid.areas))
        return sp.csr_array(
            BilinearForm(_mass).assemble(self.basis, density=self.at_points(density))
        )

    def load(self, density: Floats) -> Floats:
        """(unknowns,) of a rate per area of cells (n,)."""
        if self.lumped:
            return density * self.grid.areas
        return np.asarray(LinearForm(_load).assemble(self.basis, density=self.at_points(density)))


def elements_of(grid: Grid, degree: Literal[1, 2], *, dual: bool) -> Elements:
    """The elements of a grid; ConfigError where Delaunay triangles do not follow the outline.

    dual: the grid is Voronoi's and its centres are the generators.
    """
    origin = grid.outline.min(axis=0)
    if dual:
        points = grid.centres - origin
        triangles = delaunay(points, grid.outline - origin)
    else:
        points = grid.vertices - origin
        triangles = grid.corners.reshape(-1, 3)
    mesh = MeshTri(np.ascontiguousarray(points.T), np.ascontiguousarray(triangles.T))
    element = ElementTriP1() if degree == 1 else ElementTriP2()
    basis = Basis(mesh, element, intorder=ORDER)
    cells = _vertices(grid, basis) if dual else _centroids(grid, basis, degree)
    return Elements(grid=grid, basis=basis, origin=origin, dual=dual, degree=degree, to_cells=cells)


def delaunay(points: Floats, outline: Floats) -> Ids:
    """(m, 3) Delaunay triangles of the points inside an outline that they lie on."""
    polygon = shapely.Polygon(outline)
    found = Delaunay(points).simplices.astype(np.int64)
    a, b, c = (points[found[:, k]] for k in range(3))
    one, two = b - a, c - a
    twice = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    longest = np.max([((u - v) ** 2).sum(axis=1) for u, v in ((a, b), (b, c), (c, a))], axis=0)
    inside = shapely.contains_xy(polygon, (a + b + c) / 3)
    keep = inside & (twice > FLAT * longest)
    missing = 1 - 0.5 * twice[keep].sum() / polygon.area
    if abs(missing) > FILLS or np.unique(found[keep]).size < len(points):
        raise ConfigError(
            "mesh.kind is 'voronoi': the Delaunay triangles of its generators, on which finite "
            f"elements live, do not follow the outline ({100 * missing:+.3g} % of its area is "
            "missing); lower mesh.size, or use mesh.kind = 'triangles'"
        )
    return found[keep]


def _vertices(grid: Grid, basis: Any) -> sp.csr_array:
    """Cells are vertices."""
    chosen = basis.nodal_dofs[0]
    rows = np.arange(grid.n_cells)
    return sp.csr_array((np.ones(rows.size), (rows, chosen)), shape=(rows.size, basis.N))


def _centroids(grid: Grid, basis: Any, degree: int) -> sp.csr_array:
    """The shape functions of each triangle at its centroid."""
    weights = np.full(3, 1 / 3) if degree == 1 else np.r_[np.full(3, -1 / 9), np.full(3, 4 / 9)]
    rows = np.tile(np.arange(grid.n_cells), (weights.size, 1))
    values = np.tile(weights[:, None], (1, grid.n_cells))
    return sp.csr_array(
        (values.ravel(), (rows.ravel(), basis.element_dofs.ravel())),
        shape=(grid.n_cells, basis.N),
    )
