"""Which unknowns a fixed head (chd) holds, and at what head.

Where cells are vertices, the vertices of the boundary's cells are held.  Of triangles the vertices
of the cells are, but with `where.side` and `where.boundary` only those on the outline: there the
head is known, not one cell further in.  P2 holds the middle of an edge whose two ends are held.
A level of the ground (`top`) is taken at the very place; other heads in between are means.  A place
that two boundaries name belongs to the one declared first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mhx.groundwater.config import Simulation
from mhx.groundwater.fem.elements import Elements
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.model import Boundary as Placed
from mhx.groundwater.packages import Boundary
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.where import on_side


@dataclass(frozen=True, kw_only=True)
class Held:
    """Unknowns with a fixed head.

    unknowns: (k,).  heads: (n_periods, k) m.  owners: id of a boundary -> places in `unknowns`.
    """

    unknowns: Ids
    heads: Floats
    owners: Mapping[str, Ids]


def held(
    config: Simulation, elements: Elements, terrain: Terrain, placed: Mapping[str, Placed]
) -> Held:
    """Every fixed head of a model; placed: its boundaries in the grid."""
    assert config.flow is not None  # checked by Simulation
    taken = np.zeros(elements.count, dtype=bool)
    unknowns: list[Ids] = []
    heads: list[Floats] = []
    owners: dict[str, Ids] = {}
    count = 0
    for table in config.flow.bc:
        if table.package != "chd":
            continue
        found, values = _of_boundary(table, elements, terrain, placed[table.id])
        free = ~taken[found]
        taken[found] = True
        unknowns.append(found[free])
        heads.append(values[:, free])
        owners[table.id] = count + np.arange(free.sum())
        count += int(free.sum())
    n_periods = len(next(iter(next(iter(placed.values())).values.values()))) if placed else 1
    return Held(
        unknowns=np.concatenate([np.empty(0, np.int64), *unknowns]),
        heads=np.hstack([np.empty((n_periods, 0)), *heads]),
        owners=owners,
    )


def _of_boundary(
    table: Boundary, elements: Elements, terrain: Terrain, placed: Placed
) -> tuple[Ids, Floats]:
    """Unknowns of one boundary, and (n_periods, k) their heads."""
    mesh = elements.basis.mesh
    edges = _edges(table, elements, terrain)
    vertices = placed.cells if elements.dual else _corners(table, elements, placed, edges)
    chosen = np.zeros(mesh.nvertices, dtype=bool)
    chosen[vertices] = True
    at_vertex = np.full((len(placed.values["head"]), mesh.nvertices), np.nan)
    at_vertex[:, vertices] = _at_vertices(elements, placed, vertices)
    unknowns, values = [elements.basis.nodal_dofs[0, vertices]], [at_vertex[:, vertices]]
    if elements.degree == 2:
        ends = mesh.facets[:, edges]
        middles = edges[chosen[ends].all(axis=0)]
        unknowns.append(elements.basis.facet_dofs[0, middles])
        values.append(at_vertex[:, mesh.facets[:, middles]].mean(axis=1))
    found, heads = np.concatenate(unknowns), np.hstack(values)
    if isinstance(table.head, str) and table.head.startswith("top") and terrain.elevation:
        # at a generator the cell's own top, which an average over the cell may have made
        own = len(vertices) if elements.dual else 0
        heads[:, own:] = terrain.elevation(elements.places[found[own:]]) + _shift(table.head)
    return found, heads


def _edges(table: Boundary, elements: Elements, terrain: Terrain) -> Ids:
    """Edges that a boundary may hold: on its side, on the outline, or any."""
    mesh, where = elements.basis.mesh, table.where
    if where.side is None and where.boundary is None:
        return np.arange(mesh.nfacets)
    outer = np.asarray(mesh.boundary_facets())
    if where.side is None:
        return outer
    middles = mesh.p[:, mesh.facets[:, outer]].mean(axis=1).T + elements.origin
    return outer[on_side(middles, terrain.outline, where.side)]


def _corners(table: Boundary, elements: Elements, placed: Placed, edges: Ids) -> Ids:
    """Vertices of a boundary of triangles."""
    mesh = elements.basis.mesh
    if table.where.side is None and table.where.boundary is None:
        return np.unique(mesh.t[:, placed.cells])
    return np.unique(mesh.facets[:, edges])


def _at_vertices(elements: Elements, placed: Placed, vertices: Ids) -> Floats:
    """(n_periods, k) heads: the cell's own, or the mean over the boundary's cells at a vertex."""
    heads = placed.values["head"]
    if elements.dual:
        return heads
    mesh = elements.basis.mesh
    corners = mesh.t[:, placed.cells]
    count = np.bincount(corners.ravel(), minlength=mesh.nvertices)
    sums = np.stack(
        [np.bincount(corners.ravel(), np.tile(row, 3), minlength=mesh.nvertices) for row in heads]
    )
    return sums[:, vertices] / count[vertices]


def _shift(level: str) -> float:
    """The number in `top - 1.0`."""
    _, _, rest = level.partition(" ")
    return float(rest.replace(" ", "")) if rest else 0.0
