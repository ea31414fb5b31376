"""Cases for MODFLOW-NWT and MT3D-USGS, solved by any engine: rows and columns of square cells.

`flow_case` is 160 cells that slope to the east, with a drain, a well, recharge, a river and trees;
`plume_case` is a flow to the east with an inflow that carries solute.  `solved` asks an engine.
"""

from pathlib import Path
from typing import Any

from mhx.config import parse
from mhx.groundwater.config import Simulation
from mhx.groundwater.memory import forget
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.simulation import programs_of
from mhx.groundwater.solved import FlowRun, Task, TransportRun, flow_engine, transport_engine
from mhx.groundwater.terrain import terrain_of

__all__ = ["changed", "flow_case", "flow_of", "plume_case", "task_of", "transport_of"]

PROCESSES = ("mesh", "flow", "transport")


def changed(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A document with tables or keys replaced, `flow__formulation__newton=False`."""
    for key, value in changes.items():
        *above, last = key.split("__")
        table = found
        for name in above:
            table = table.setdefault(name, {})
        table[last] = value
    return found


def flow_case(engine: str = "mfnwt", n_layers: int = 1, **changes: Any) -> dict[str, Any]:
    """800 m x 500 m on a plane that falls 8 m to the east, 20 m thick; steady unless changed."""
    found = {
        "simulation": {"process": [{"id": kind, "type": kind} for kind in PROCESSES[:2]]},
        "engine": engine,
        "domain": {"kind": "rectangle", "length_x": 800.0, "length_y": 500.0},
        "topography": {
            "kind": "plane", "base_elevation": 102.0, "amplitude": 8.0, "rises_to": "west",
        },
        "layers": {"kind": "constant_thickness", "thickness": 20.0, "n_layers": n_layers},
        "mesh": {"kind": "structured", "cell_x": 50.0, "cell_y": 50.0},
        "flow": {
            "regime": "steady",
            "formulation": {"newton": True, "xt3d": False},
            "param": {"K": {"value": 1e-4}},
            "ic": {"kind": "constant", "value": 101.0},
            "bc": [
                {"id": "east", "package": "chd", "where": {"side": "east"}, "head": 98.0},
                {"id": "river", "package": "riv", "where": {"cells": [20, 21, 22]},
                 "stage": "top - 5", "bottom": "top - 7", "conductance": 1e-4},
                {"id": "ditch", "package": "drn", "where": {"points": [[75.0, 75.0]]},
                 "elevation": "top - 10", "conductance": 1e-3},
                {"id": "lake", "package": "ghb", "where": {"side": "west"}, "layers": [n_layers],
                 "head": 99.5, "conductance": 1e-4},
            ],
            "source": [
                {"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-8},
                {"id": "storm", "package": "rcha", "where": {"cells": [40, 41]}, "rate": 2e-8},
                {"id": "well", "package": "wel", "where": {"points": [[410.0, 210.0]]},
                 "rate": -1e-4},
                {"id": "other", "package": "wel", "where": {"points": [[510.0, 210.0]]},
                 "rate": 3e-5},
                {"id": "trees", "package": "evt", "where": {"cells": [60, 61]}, "rate": 1e-8,
                 "depth": 30.0},
            ],
        },
        "solver": {"mf6": {"outer_dvclose": 1e-9, "inner_dvclose": 1e-10}},
    }  # fmt: skip
    return changed(found, **changes)


STORING = {
    "flow__regime": "transient",
    "flow__time": {"period": [{"length": 10.0, "steps": 3, "multiplier": 1.3}, {"length": 20.0}]},
    "flow__param": {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}, "Sy": {"value": 0.1}},
}
"""What makes the case transient: four steps in two periods."""


def plume_case(engine: str = "mt3dusgs", n_layers: int = 1, **changes: Any) -> dict[str, Any]:
    """100 m x 60 m in cells of 5 m: water from a ghb and a well in the west, out in the east."""
    found = {
        "simulation": {"process": [{"id": kind, "type": kind} for kind in PROCESSES]},
        "engine": engine,
        "domain": {"kind": "rectangle", "length_x": 100.0, "length_y": 60.0},
        "topography": {
            "kind": "plane", "base_elevation": 12.0, "amplitude": 0.5, "rises_to": "west",
        },
        "layers": {"kind": "constant_thickness", "thickness": 10.0, "n_layers": n_layers},
        "mesh": {"kind": "structured", "cell_x": 5.0, "cell_y": 5.0},
        "flow": {
            "regime": "steady",
            "formulation": {"newton": True, "xt3d": False, "cell_type": "confined"},
            "param": {"K": {"value": 5.0, "unit": "m/day"}},
            "ic": {"kind": "constant", "value": 11.0},
            "bc": [
                {"id": "east", "package": "chd", "where": {"side": "east"}, "head": 9.0,
                 "layers": list(range(1, n_layers + 1))},
                {"id": "lake", "package": "ghb", "where": {"side": "west"}, "head": 10.5,
                 "conductance": {"value": 20.0, "unit": "m2/day"}, "concentration": 0.1},
            ],
            "source": [
                {"id": "inject", "package": "wel", "where": {"points": [[22.0, 27.0]]},
                 "rate": {"value": 20.0, "unit": "m3/day"}, "concentration": 1.0},
                {"id": "pump", "package": "wel", "where": {"points": [[62.0, 37.0]]},
                 "rate": {"value": -15.0, "unit": "m3/day"}},
                {"id": "rain", "package": "rcha", "where": {"all": True},
                 "rate": {"value": 1.0, "unit": "mm/day"}, "concentration": 0.02},
            ],
        },
        "transport": {
            "param": {"porosity": 0.3},
            "time": {"length": 60.0, "steps": 20},
            "bc": [
                {"id": "spill", "package": "src", "where": {"points": [[42.0, 17.0]]},
                 "value": 1e-5},
            ],
            "observation": [{"id": "mid", "x": 42.0, "y": 27.0}],
        },
        "solver": {"mf6": {"outer_dvclose": 1e-9, "inner_dvclose": 1e-10}},
    }  # fmt: skip
    return changed(found, **changes)


def task_of(document: dict[str, Any], folder: Path) -> Task:
    """What an engine is asked."""
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
        programs=programs_of(config),
        sim_id="1",
    )


def flow_of(document: dict[str, Any], folder: Path) -> FlowRun:
    """Flow of a configuration by its engine."""
    return flow_engine(document["engine"])(task_of(document, folder))


def transport_of(document: dict[str, Any], folder: Path) -> TransportRun:
    """Flow and transport of a configuration by its engine."""
    return transport_engine(document["engine"])(task_of(document, folder))
