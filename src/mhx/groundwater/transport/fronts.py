"""Where a plume is, how wide it is, and when it arrives.

The way along the flow counts from the upstream end of the mesh, in the mean direction of the flow,
or along a given line from its start.  A front at some concentration is the farthest crossing
between two neighbouring cells, linear between their centres; it is none (NaN) where the plume does
not reach that concentration, and where it has left the mesh.  Lengths m, times d.
"""

import math
from dataclasses import dataclass

import numpy as np

from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.transport.results import TransportResult

NO_DIRECTION = 0.05
"""Mean flow over the sum of all flow, below which there is no direction (a well amid it) [1]."""
AHEAD = 0.25
"""Cosine of flow and connection from which a neighbour lies ahead; an outlet has none [1]."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Of the mass in the plane: kg, centre [m], variances along and across the flow [m2]."""

    mass_kg: float
    x: float
    y: float
    along: float
    across: float


def direction(result: TransportResult, grid: Grid) -> Floats | None:
    """(2,) unit vector of the mean flow, last saved step; None where there is none to speak of.

    Rate times the way between the centres, added up, is the flux times the volume.
    """
    links = result.connections
    if links is None:
        told = result.about.get("direction")
        return None if told is None else np.asarray(told, dtype=float)
    rate = np.where(links.lateral, np.atleast_2d(links.rate)[-1], 0.0)
    n = grid.n_cells
    ways = grid.centres[links.other % n] - grid.centres[links.one % n]
    total: Floats = rate @ ways
    size = float(np.hypot(*total))
    whole = float(np.abs(rate) @ np.hypot(ways[:, 0], ways[:, 1]))
    return None if size <= NO_DIRECTION * whole or size == 0 else total / size


def front(grid: Grid, values: Floats, towards: Floats, level: float) -> float:
    """How far the concentration `level` has come along `towards` [m]; see the top.

    values: (n_layers, n), NaN where dry.
    """
    places = grid.centres @ towards
    edges = grid.edges
    ahead = places[edges.j] >= places[edges.i]
    back, fore = np.where(ahead, edges.i, edges.j), np.where(ahead, edges.j, edges.i)
    if _has_left(grid, values, towards, level):
        return math.nan
    found = _farthest(places[back], places[fore], values[:, back], values[:, fore], level)
    return found - float((grid.vertices @ towards).min())


def front_on_line(grid: Grid, values: Floats, line: Floats, level: float) -> float:
    """The same along a line (k, 2): distance from its start, over the cells that it runs through.

    Their centres are projected on it.
    """
    import shapely  # noqa: PLC0415  # only with a line

    from mhx.groundwater.polygons import crossed, segments_of  # noqa: PLC0415

    cells, _ = crossed(grid, segments_of(line))
    thread = shapely.LineString(line)
    places = shapely.line_locate_point(thread, shapely.points(grid.centres[cells]))
    order = np.argsort(places, kind="stable")
    places, there = places[order], values[:, cells[order]]
    if places.size < 2 or np.any(there[:, -1] >= level):
        return math.nan
    return _farthest(places[:-1], places[1:], there[:, :-1], there[:, 1:], level)


def _farthest(back: Floats, fore: Floats, behind: Floats, before: Floats, level: float) -> float:
    """The farthest place where values fall below the level; NaN where they never do."""
    falls = (behind >= level) & (before < level)
    if not falls.any():
        return math.nan
    drop = np.where(falls, behind - before, 1.0)
    share = np.where(falls, (behind - level) / drop, 0.0)
    places = back + share * (fore - back)
    return float(places.max(where=falls, initial=-math.inf))


def _has_left(grid: Grid, values: Floats, towards: Floats, level: float) -> bool:
    """Whether the farthest cell at the level lies at an outlet of the mesh."""
    above = (values >= level).any(axis=0)
    if not above.any():
        return False
    places = np.where(above, grid.centres @ towards, -math.inf)
    reached = places >= places.max() - 1e-9 * float(np.ptp(grid.centres @ towards))
    edges = grid.edges
    way = grid.centres[edges.j] - grid.centres[edges.i]
    cosine = (way @ towards) / np.hypot(way[:, 0], way[:, 1])
    ends = np.ones(grid.n_cells, dtype=bool)
    ends[edges.i[cosine > AHEAD]] = False
    ends[edges.j[cosine < -AHEAD]] = False
    return bool(ends[reached].any())


def moments(grid: Grid, mass: Floats, towards: Floats | None) -> Moments:
    """Moments of `mass` (n_layers, n) kg about its centre; NaN where there is none.

    Without a direction the variances are NaN.
    """
    weights = mass.sum(axis=0)
    total = float(weights.sum())
    if not total > 0:
        return Moments(mass_kg=total, x=math.nan, y=math.nan, along=math.nan, across=math.nan)
    corner = grid.centres.min(axis=0)  # projected northings eat the digits of squares
    local = grid.centres - corner
    centre = weights @ local / total
    x, y = (centre + corner).tolist()
    if towards is None:
        return Moments(mass_kg=total, x=x, y=y, along=math.nan, across=math.nan)
    away = local - centre
    along = away @ towards
    across = away @ np.array([-towards[1], towards[0]])
    return Moments(
        mass_kg=total,
        x=x,
        y=y,
        along=float(weights @ along**2) / total,
        across=float(weights @ across**2) / total,
    )


def arrival(times: Floats, values: Floats, level: float, start: float = 0.0) -> float:
    """When values first reach the level, linear in time from `start` at time 0; NaN if never."""
    times, values = np.r_[0.0, times], np.r_[start, values]
    reached = np.flatnonzero(values >= level)
    if not reached.size or not level > 0:
        return math.nan
    at = int(reached[0])
    if at == 0:
        return 0.0
    low, high = float(values[at - 1]), float(values[at])
    if not math.isfinite(low):  # was dry
        return float(times[at])
    return float(times[at - 1] + (level - low) / (high - low) * (times[at] - times[at - 1]))


def peak(times: Floats, values: Floats) -> tuple[float, float]:
    """Largest value, and when it was first there to nine digits; NaN where there is none."""
    there = np.flatnonzero(np.isfinite(values))
    if not there.size:
        return math.nan, math.nan
    largest = float(values[there].max())
    slack = 1e-9 * abs(largest)
    return largest, float(times[there][values[there] >= largest - slack][0])
