"""Problems on a square, solved by any engine in this process or by MODFLOW 6."""

from dataclasses import replace
from typing import Any

import numpy as np

from mhx.config import parse
from mhx.groundwater.config import Simulation
from mhx.groundwater.engines import NEEDS, find
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.solved import Task, flow_engine, transport_engine
from mhx.groundwater.terrain import terrain_of

L = 1000.0  # side of the square [m]
K = 1e-4  # [m/s]
B = 10.0  # thickness [m]


def chd(name: str, head: float | str, **where: Any) -> dict[str, Any]:
    return {"id": name, "package": "chd", "where": where, "head": head}


WEST, EAST = chd("west", 105.0, side="west"), chd("east", 101.0, side="east")
TIGHT = {"complexity": "complex", "outer_dvclose": 1e-10, "inner_dvclose": 1e-11}


def document(
    kind: str = "voronoi", size: float = 100.0, engine: str = "fem_p1", **flow: Any
) -> dict[str, Any]:
    """Confined flow between west and east; `flow` replaces its tables."""
    return {
        "engine": engine,
        "domain": {"kind": "rectangle", "length_x": L, "length_y": L},
        "topography": {
            "kind": "plane", "base_elevation": 100.0, "amplitude": 0.0, "rises_to": "west",
        },
        "layers": {"kind": "constant_thickness", "thickness": B},
        "mesh": {"kind": kind, "size": size},
        "simulation": {"process": [{"id": "m", "type": "mesh"}, {"id": "f", "type": "flow"}]},
        "flow": {
            "regime": "steady",
            "formulation": {"newton": False, "xt3d": False, "cell_type": "confined"},
            "param": {"K": {"value": K}},
            "ic": {"kind": "constant", "value": 103.0},
            "bc": [WEST, EAST],
        } | flow,
        "solver": {"mf6": TIGHT},
    }  # fmt: skip


def solved(data: dict[str, Any], folder: Any, *, ground: Any = None) -> Any:
    """A run of the engine that is named; ground: elevation as a function of x and y."""
    config = parse(Simulation, data)
    terrain = terrain_of(config.site)
    if ground is not None:
        terrain = replace(terrain, elevation=lambda points: ground(points[:, 0], points[:, 1]))
    below = folder / "solver"
    below.mkdir(parents=True, exist_ok=True)
    task = Task(
        config=config,
        grid=make_grid(config.site, terrain),
        terrain=terrain,
        site=str(folder),
        folder=below,
        programs={name: find(name) for name in NEEDS.get(config.engine, ())},
        sim_id="1",
    )
    engine = transport_engine if config.runs("transport") else flow_engine
    return engine(config.engine)(task)


def rates(result: Any) -> dict[str, float]:
    """Net rate of each boundary in the last saved step [m3/s]."""
    return {
        row.boundary: row.rate_in - row.rate_out
        for row in result.budget
        if row.boundary and row.saved == result.saved - 1
    }


def error(run: Any, exact: Any) -> tuple[float, float]:
    """Area-weighted root mean square error of the last heads, and the size of the cells [m]."""
    grid = run.model.grid
    wrong = run.result.heads[-1, 0] - exact(grid.centres)
    return float(np.sqrt(np.average(wrong**2, weights=grid.areas))), float(
        np.sqrt(grid.areas.mean())
    )


def order(errors: list[tuple[float, float]]) -> float:
    """Observed order between the two finest of (error, size)."""
    (e1, h1), (e2, h2) = errors[-2:]
    return float(np.log(e1 / e2) / np.log(h1 / h2))
