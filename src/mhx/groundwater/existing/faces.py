"""Water between neighbouring cells of somebody else's flow model, from its budget file.

The grid file says which cells are neighbours and where their flow stands among FLOW-JA-FACE, which
is positive into the first of the two.  Rates are m3/s, lengths m; a node is layer * n + cell.
"""

import numpy as np

from mhx.groundwater.budget import read_faces
from mhx.groundwater.existing.results import ModelRun
from mhx.groundwater.grid import Floats, Grid, Ids
from mhx.groundwater.memory import remembered
from mhx.groundwater.transport.results import Connections


def links_of(flow: ModelRun, when: Ids, wet: Floats) -> Connections | None:
    """The flow in the saved steps `when`; None where it was not saved.

    wet: (saved, n_layers, n) thickness that holds water [m].
    """
    grid, part = flow.grid, flow.part
    assert grid.grid is not None and part.budget is not None
    plan = grid.grid
    faces = read_faces(part.budget, grid.one.size * 2 + grid.bottoms.size)
    keys = zip(flow.result.period.tolist(), flow.result.step.tolist(), strict=True)
    flows = [faces.get(key) for key in keys]
    if not flows or any(one is None for one in flows):
        return None
    rates = -np.stack([one[grid.position] for one in flows if one is not None])
    width, distance, lateral = remembered(
        "own connections", grid.key, lambda: _geometry(plan, grid.one, grid.other, flow)
    )
    filled = wet.reshape(len(wet), -1)
    mean = 0.5 * (filled[:, grid.one] + filled[:, grid.other])
    area = np.where(lateral, width * mean, grid.areas[grid.one % grid.cells])
    return Connections(
        one=grid.one,
        other=grid.other,
        rate=(rates * flow.measures.discharge)[when],
        area=area[when],
        distance=distance,
        lateral=lateral,
    )


def _geometry(
    plan: Grid, one: Ids, other: Ids, flow: ModelRun
) -> tuple[Floats, Floats, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """(m,) length of the side [m], 0 between layers; distance of the centres [m]; lateral."""
    grid = flow.grid
    n = plan.n_cells
    here, there = one % n, other % n
    lateral = here != there
    edges = plan.edges
    sides = np.linalg.norm(plan.vertices[edges.a] - plan.vertices[edges.b], axis=1)
    known = edges.i * n + edges.j  # in ascending order
    wanted = np.minimum(here, there) * n + np.maximum(here, there)
    at = np.minimum(np.searchsorted(known, wanted), known.size - 1)
    width = np.where(lateral & (known[at] == wanted), sides[at], 0.0)
    middle = 0.5 * (np.vstack([grid.top, grid.bottoms[:-1]]) + grid.bottoms).ravel()
    apart = plan.centres[here] - plan.centres[there]
    distance = np.where(lateral, np.hypot(*apart.T), np.abs(middle[one] - middle[other]))
    return width, distance, lateral
