"""Velocities in cells from the water through their faces.

A face knows the component along its normal; a cell takes the velocity in the plane that fits those
of its faces best, weighted by their areas: exact for a uniform flow, on boundary cells, too, where
one side has no face.  Lengths m, velocities in the unit of what is given.
"""

import numpy as np

from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.transport.results import Connections


def ways(links: Connections, grid: Grid) -> Floats:
    """(m, 2) m from centre to centre in the plane."""
    n = grid.n_cells
    found: Floats = grid.centres[links.other % n] - grid.centres[links.one % n]
    return found


def normals(links: Connections, grid: Grid) -> Floats:
    """(m, 2) unit normals of the faces, from `one` to `other`; of two layers, zero.

    Where the grid knows no such edge, the direction of the connection.
    """
    n, edges = grid.n_cells, grid.edges
    one, other = links.one % n, links.other % n
    way = ways(links, grid)
    if edges.i.size:
        key = np.minimum(one, other) * n + np.maximum(one, other)
        known = edges.i * n + edges.j
        at = np.minimum(np.searchsorted(known, key), known.size - 1)
        face = grid.vertices[edges.b[at]] - grid.vertices[edges.a[at]]
        across = np.stack([face[:, 1], -face[:, 0]], axis=1)
        across *= np.where(np.sum(across * way, axis=1) < 0, -1.0, 1.0)[:, None]
        way = np.where((known[at] == key)[:, None], across, way)
    size = np.hypot(way[:, 0], way[:, 1])[:, None]
    unit = np.divide(way, size, out=np.zeros_like(way), where=size > 0)
    return np.where(links.lateral[:, None], unit, 0.0)


def velocities(links: Connections, normal: Floats, through: Floats, area: Floats) -> Floats:
    """(nodes, 2) m/s in the plane: the least squares of the components through the open faces."""
    nodes = int(max(links.one.max(initial=-1), links.other.max(initial=-1))) + 1
    matrix, right = np.zeros((nodes, 2, 2)), np.zeros((nodes, 2))
    outer = area[:, None, None] * normal[:, :, None] * normal[:, None, :]
    for cells in (links.one, links.other):
        np.add.at(matrix, cells, outer)
        np.add.at(right, cells, (area * through)[:, None] * normal)
    inverse = np.linalg.pinv(matrix, rcond=1e-9, hermitian=True)
    return np.einsum("nij,nj->ni", inverse, right)
