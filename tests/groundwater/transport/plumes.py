"""Transport results made by hand: known plumes and fronts in a uniform flow over any grid."""

from typing import Any

import numpy as np

from mhx.groundwater.grid import Grid
from mhx.groundwater.results import BudgetRow
from mhx.groundwater.structured import regular
from mhx.groundwater.transport.results import Connections, TransportResult

POROSITY, THICK = 0.25, 4.0
SPEED = 0.5 / 86_400
"""Velocity of the water [m/s]: half a metre a day."""


def box(length: float, width: float, cell: float, kind: str = "dis") -> Grid:
    outline = np.array([[0.0, 0.0], [length, 0.0], [length, width], [0.0, width]])
    return regular(kind, outline, (cell, cell), {})  # type: ignore[arg-type]


def hexagons(columns: int, rows: int, spacing: float) -> Grid:
    """Regular hexagons, neighbours `spacing` apart, two sides of each along y."""
    high, corner = spacing * np.sqrt(3) / 2, spacing / np.sqrt(3)
    turn = np.pi / 2 - np.arange(6) * np.pi / 3  # clockwise from the north
    ring = corner * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    row, column = np.divmod(np.arange(rows * columns), columns)
    centres = np.stack([(column + 0.5 * (row % 2)) * spacing, row * high], axis=1)
    points = (centres[:, None] + ring).reshape(-1, 2)
    _, first, which = np.unique(
        np.round(points / spacing, 6), axis=0, return_index=True, return_inverse=True
    )
    low, top = points.min(axis=0), points.max(axis=0)
    return Grid(
        kind="disv",
        vertices=points[first],
        corners=which.ravel(),
        offsets=np.arange(len(centres) + 1) * 6,
        centres=centres,
        areas=np.full(len(centres), high * spacing),
        outline=np.array([low, [top[0], low[1]], top, [low[0], top[1]]]),
    )


def connections(grid: Grid, velocity: tuple[float, float] = (SPEED, 0.0)) -> Connections:
    """The flow of this velocity [m/s] through the faces of one layer."""
    edges = grid.edges
    face = grid.vertices[edges.b] - grid.vertices[edges.a]
    way = grid.centres[edges.j] - grid.centres[edges.i]
    normal = np.stack([face[:, 1], -face[:, 0]], axis=1)
    normal *= np.sign(np.sum(normal * way, axis=1))[:, None]
    return Connections(
        one=edges.i,
        other=edges.j,
        rate=(normal @ np.array(velocity) * THICK * POROSITY)[None],
        area=(np.hypot(face[:, 0], face[:, 1]) * THICK)[None],
        distance=np.hypot(way[:, 0], way[:, 1]),
        lateral=np.ones(edges.i.size, dtype=bool),
    )


def result(
    grid: Grid,
    concentration: np.ndarray,
    times: Any = (10.0,),
    velocity: tuple[float, float] = (SPEED, 0.0),
    **changes: Any,
) -> TransportResult:
    """concentration: (s, n) or (s, layers, n).  c0 is 1 and the scheme upstream unless changed."""
    times = np.asarray(times, dtype=float)
    values = np.asarray(concentration, dtype=float)
    values = values[:, None, :] if values.ndim == 2 else values
    volume = np.broadcast_to(grid.areas * THICK * POROSITY, values.shape)
    about = {
        "duration_s": 0.5,
        "parameters": {"param_porosity": POROSITY},
        "scheme": {"upstream": 1, "central": 0, "tvd": 0},
        "source_concentration": 1.0,
        "decay_order": None,
        "zero_inflow": [],
    } | changes.pop("about", {})
    given = {
        "time_d": times,
        "length_d": np.diff(times, prepend=0.0),
        "concentration": values,
        "start": np.zeros(values.shape[1:]),
        "pore_volume": volume,
        "sorbing": np.zeros(values.shape[1:]),
        "budget": (),
        "steps_d": times,
        "observed": {},
        "converged": np.ones(times.size, dtype=bool),
        "percent": np.zeros((times.size, 2)),
        "connections": connections(grid, velocity),
    }
    return TransportResult(about=about, **(given | changes))


def row(component: str, rate_in: float, rate_out: float, saved: int = 0) -> BudgetRow:
    return BudgetRow(
        saved=saved, component=component, boundary="", rate_in=rate_in, rate_out=rate_out
    )
