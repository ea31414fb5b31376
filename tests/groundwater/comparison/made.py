"""Finished runs made by hand: numbers that a test can work out, on rows and columns."""

from pathlib import Path
from typing import Any

import numpy as np

from mhx.config import parse
from mhx.groundwater.comparison.reading import Solved
from mhx.groundwater.config import Simulation
from mhx.groundwater.grid import Grid
from mhx.groundwater.listing import Step
from mhx.groundwater.results import BudgetRow, FlowResult
from mhx.groundwater.structured import regular
from mhx.groundwater.transport.results import TransportResult

CASE: dict[str, Any] = {
    "simulation": {"process": [{"id": "m", "type": "mesh"}, {"id": "f", "type": "flow"}]},
    "domain": {"kind": "rectangle", "length_x": 40.0, "length_y": 20.0},
    "topography": {
        "kind": "plane", "base_elevation": 10.0, "amplitude": 0.0, "rises_to": "west",
    },
    "layers": {"kind": "constant_bottom", "bottom": 0.0},
    "mesh": {"kind": "structured", "cell_x": 10.0, "cell_y": 10.0},
    "flow": {
        "regime": "steady",
        "formulation": {"newton": False, "xt3d": False},
        "param": {"K": {"value": 1e-4}},
        "bc": [
            {"id": "west", "package": "chd", "where": {"side": "west"}, "head": 9.0},
            {"id": "east", "package": "drn", "where": {"side": "east"}, "elevation": 5.0,
             "conductance": 1e-3},
        ],
        "source": [{"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-8}],
    },
}  # fmt: skip


def grid(cell: float = 10.0) -> Grid:
    """40 m by 20 m; cell 0 lies in the north-west."""
    outline = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 20.0], [0.0, 20.0]])
    return regular("dis", outline, (cell, cell), {})


def budget(*rows: tuple[int, str, str, float, float]) -> tuple[BudgetRow, ...]:
    """Rows of (saved step, component, boundary, in, out)."""
    names = ("saved", "component", "boundary", "rate_in", "rate_out")
    return tuple(BudgetRow(**dict(zip(names, row, strict=True))) for row in rows)


def flow(
    heads: Any,
    *,
    times: Any = (1.0,),
    periods: Any = None,
    rows: tuple[BudgetRow, ...] = (),
    regime: str = "steady",
    convertible: int = 1,
    mesh: Grid | None = None,
) -> FlowResult:
    """heads: (s, n_layers, n), or what stretches to it."""
    mesh = mesh or grid()
    times = np.asarray(times, float)
    values = np.asarray(heads, float)
    layers = values.shape[1] if values.ndim == 3 else 1
    period = np.ones(len(times), np.int64) if periods is None else np.asarray(periods)
    numbers = [int(np.sum(period[: n + 1] == p)) for n, p in enumerate(period)]
    return FlowResult(
        areas=mesh.areas,
        top=np.full(mesh.n_cells, 10.0),
        bottoms=np.broadcast_to(-10.0 * np.arange(layers)[:, None], (layers, mesh.n_cells)) + 0.0,
        period=period,
        step=np.array(numbers),
        time_d=times,
        length_d=np.diff(times, prepend=0.0),
        heads=np.broadcast_to(values, (len(times), layers, mesh.n_cells)) + 0.0,
        budget=rows,
        steps=tuple(
            Step(period=int(p), step=n, outer=1, inner=1, converged=True, percent_step=0.0,
                 percent_cumulative=0.0, line=0)
            for p, n in zip(period, numbers, strict=True)
        ),
        ended_d=times,
        fixed=np.array([0, 4]),
        about={
            "regime": regime,
            "formulation": {"convertible": convertible},
            "boundaries": {
                "west": {"package": "chd", "cells": [0, 4], "layers": [0, 0]},
                "east": {"package": "drn", "cells": [3, 7], "layers": [0, 0]},
            },
        },
    )  # fmt: skip


def solute(concentration: Any, times: Any, rows: tuple[BudgetRow, ...] = ()) -> TransportResult:
    """concentration: (s, 1, n)."""
    values = np.asarray(concentration, float)
    times = np.asarray(times, float)
    whole = np.ones_like(values)
    return TransportResult(
        time_d=times,
        length_d=np.diff(times, prepend=0.0),
        concentration=values,
        start=values[0] * 0,
        pore_volume=whole,
        sorbing=values[0] * 0,
        budget=rows,
        steps_d=times,
        observed={},
        converged=np.ones(len(times), bool),
        percent=np.zeros((len(times), 2)),
        about={},
    )


def solved(
    name: str,
    result: FlowResult,
    *,
    transport: TransportResult | None = None,
    mesh: Grid | None = None,
    metrics: dict[str, float] | None = None,
    **tables: Any,
) -> Solved:
    """A run of `CASE`; `tables` replace those of its root."""
    return Solved(
        id=name,
        label=name,
        root=Path(name),
        config=parse(Simulation, CASE | tables),
        grid=mesh or grid(),
        flow=result,
        solute=transport,
        metrics=metrics or {},
        notes={"wall_time_seconds": "0.5"},
        open_gates=(),
        digest="",
    )
