"""Heads of finite elements between their nodes, from what a run left in `fem/solution.npz`.

The shape functions are evaluated in the triangle that holds the point, so that nothing is lost of
what the elements resolve.  Lengths m; numpy and shapely, not scikit-fem.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from mhx.errors import EvidenceError
from mhx.groundwater.grid import Floats, Ids

SOLUTION = "solution.npz"
"""Name of the file in the folder of the engine."""
EDGES = ((0, 1), (1, 2), (0, 2))
"""Corners at both ends of the fourth to sixth unknown of a triangle of P2: scikit-fem's order."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Unknowns of a run.

    triangles: (m, 3), P2 (m, 6), corners first.  places: (unknowns, 2) m.  heads: (s, unknowns) m
    at the saved steps.
    """

    triangles: Ids
    places: Floats
    heads: Floats


def read_solution(path: Path, n_saved: int) -> Solution:
    """What the engine left; EvidenceError where it is not the solution of so many saved steps."""
    try:
        with np.load(path) as stored:
            found = Solution(
                triangles=stored["triangles"], places=stored["places_m"], heads=stored["head_m"]
            )
    except (OSError, ValueError, KeyError) as error:
        raise EvidenceError(f"{path} cannot be read: {error}") from error
    if found.heads.shape != (n_saved, len(found.places)):
        raise EvidenceError(f"{path} does not hold the heads of {n_saved} saved steps")
    return found


def heads_at(solution: Solution, unknowns: Floats, points: Floats) -> Floats:
    """(s, k) heads at points (k, 2) of unknowns (s, unknowns); NaN outside of every triangle."""
    corners = solution.places[solution.triangles[:, :3]]
    tree = shapely.STRtree(shapely.polygons(corners))
    asked, holds = tree.query(shapely.points(points), predicate="intersects")
    asked, first = np.unique(asked, return_index=True)  # on an edge both triangles say the same
    holds = holds[first]
    shapes = _shapes(_shares(corners[holds], points[asked]), solution.triangles.shape[1])
    found = np.full((len(unknowns), len(points)), np.nan)
    found[:, asked] = np.einsum("skn,kn->sk", unknowns[:, solution.triangles[holds]], shapes)
    return found


def _shares(corners: Floats, points: Floats) -> Floats:
    """(k, 3) barycentric coordinates."""
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    away = points - corners[:, 0]
    twice = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    second = (away[:, 0] * two[:, 1] - away[:, 1] * two[:, 0]) / twice
    third = (one[:, 0] * away[:, 1] - one[:, 1] * away[:, 0]) / twice
    return np.column_stack([1.0 - second - third, second, third])


def _shapes(shares: Floats, unknowns: int) -> Floats:
    """(k, 3 or 6) shape functions: linear, or quadratic with the middles of the edges."""
    if unknowns == 3:
        return shares
    middles = [4.0 * shares[:, a] * shares[:, b] for a, b in EDGES]
    return np.column_stack([shares * (2.0 * shares - 1.0), *middles])
