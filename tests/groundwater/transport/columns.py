"""Small transport cases: uniform confined flow to the east, 1 m thick or more, in days and metres.

`column` is a configuration; `solved` runs it through MODFLOW 6 in a folder.  The pore velocity is
v = K dh / (length between the fixed cells) / porosity.
"""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import erfc, erfcx

from mhx.config import parse
from mhx.groundwater.config import Simulation
from mhx.groundwater.memory import forget
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.solved import Task, TransportRun
from mhx.groundwater.terrain import terrain_of
from mhx.groundwater.transport import gwt
from mhx.groundwater.units import DAY

POROSITY = 0.25
VELOCITY = 0.5
"""Of the water between the grains [m/d]."""


def column(
    cells: int = 20, rows: int = 1, size: float = 5.0, layers: int = 1, **transport: Any
) -> dict[str, Any]:
    """Rows and columns of square cells; `transport` replaces tables of `[transport]`."""
    length, width = cells * size, rows * size
    k = VELOCITY * POROSITY  # m/d, with a head that falls 1 m per metre: confined, nothing dries
    found: dict[str, Any] = {
        "simulation": {
            "process": [{"id": f"{kind}_main", "type": kind} for kind in STEPS],
        },
        "domain": {"kind": "rectangle", "length_x": length, "length_y": width},
        "topography": {
            "kind": "plane", "base_elevation": 0.0, "amplitude": 0.0, "rises_to": "west",
        },
        "layers": {"kind": "constant_thickness", "thickness": float(layers), "n_layers": layers},
        "mesh": {"kind": "structured", "cell_x": size, "cell_y": size},
        "flow": {
            "regime": "steady",
            "formulation": {"newton": False, "xt3d": False, "cell_type": "confined"},
            "param": {"K": {"value": k, "unit": "m/day"}},
            "bc": [
                {"id": "west", "package": "chd", "where": {"side": "west"}, "head": length - size,
                 "layers": list(range(1, layers + 1))},
                {"id": "east", "package": "chd", "where": {"side": "east"}, "head": 0.0,
                 "layers": list(range(1, layers + 1))},
            ],
        },
        "transport": {
            "param": {"porosity": POROSITY, "alpha_l": 2.5},
            "time": {"length": 100.0},
            "bc": [{"id": "inlet", "package": "cnc", "where": {"side": "west"}, "value": 1.0,
                    "layers": list(range(1, layers + 1))}],
        } | transport,
        "solver": {"mf6": {"outer_dvclose": 1e-10, "inner_dvclose": 1e-11}},
        "output": {"figures": False},
    }  # fmt: skip
    return found


STEPS = ("mesh", "flow", "transport")


def task_of(document: dict[str, Any], folder: Path, mf6: Path | None = None) -> Task:
    """What an engine is asked for a configuration."""
    from mhx.groundwater.engines import find

    forget()
    config = parse(Simulation, document)
    terrain = terrain_of(config.site)
    folder.mkdir(parents=True, exist_ok=True)
    return Task(
        config=config,
        grid=make_grid(config.site, terrain),
        terrain=terrain,
        site="test",
        folder=folder,
        programs={} if mf6 is None else {"mf6": find("mf6", mf6)},
        sim_id="1",
    )


def solved(document: dict[str, Any], folder: Path, mf6: Path) -> TransportRun:
    """Flow and transport of a configuration by MODFLOW 6."""
    return gwt.solve(task_of(document, folder, mf6))


def ogata_banks(
    x: Any, t: float, v: float, d: float, retardation: float = 1.0, decay: float = 0.0
) -> np.ndarray:
    """c/c0 in a half-space that is held at c0 at x = 0: van Genuchten and Alves (1982), A1 and C5.

    x: m from the inlet; t: d; v: m/d; d: m2/d; decay: 1/d in water and on the ground.
    exp(a) erfc(b) is written with erfcx, which neither overflows nor underflows.
    """
    x = np.asarray(x, dtype=float)
    u = v * np.sqrt(1 + 4 * decay * retardation * d / v**2)
    root = 2 * np.sqrt(d * retardation * t)
    near, far = (retardation * x - u * t) / root, (retardation * x + u * t) / root
    first = np.exp((v - u) * x / (2 * d)) * erfc(near)
    second = np.exp((v + u) * x / (2 * d) - far**2) * erfcx(far)
    return np.asarray(0.5 * (first + second))


def mass(run: TransportRun) -> float:
    """Mass in the water and on the ground at the end less that at the start, held cells out."""
    result = run.result
    free = np.ones(result.start.size, dtype=bool)
    free[result.held] = False
    room = (result.pore_volume[-1] + result.sorbing).ravel()[free]
    gained = (result.concentration[-1] - result.start).ravel()[free]
    return float(np.nansum(room * gained))


def budget(run: TransportRun, *components: str) -> float:
    """Mass in less mass out of components over the whole time [kg]."""
    result = run.result
    return sum(
        (row.rate_in - row.rate_out) * float(result.length_d[row.saved]) * DAY
        for row in result.budget
        if row.component in components and not row.boundary
    )


def profile(run: TransportRun) -> np.ndarray:
    """Concentrations of all cells at the end."""
    return np.asarray(run.result.concentration[-1].ravel())
