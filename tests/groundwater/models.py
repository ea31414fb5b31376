"""Small flow models for the tests: a rectangle of 8 by 5 cells that slopes to the east."""

from pathlib import Path
from typing import Any

import numpy as np

from mhx.config import parse
from mhx.groundwater import flow, writer
from mhx.groundwater.config import Simulation
from mhx.groundwater.grid import Grid
from mhx.groundwater.memory import forget
from mhx.groundwater.structured import regular
from mhx.groundwater.terrain import terrain_of

WIDTH, HEIGHT, CELL = 800.0, 500.0, 100.0
OUTLINE = np.array([[0.0, 0.0], [WIDTH, 0.0], [WIDTH, HEIGHT], [0.0, HEIGHT]])
LINE = np.array([[50.0, 250.0], [750.0, 250.0]])


def grid(kind: str = "disv") -> Grid:
    return regular(kind, OUTLINE, (CELL, CELL), {"river": LINE})  # type: ignore[arg-type]


def document(**changes: Any) -> dict[str, Any]:
    """A configuration; `changes` replace tables of `flow`, or with a dot others."""
    found: dict[str, Any] = {
        "simulation": {"process": [{"id": "m", "type": "mesh"}, {"id": "f", "type": "flow"}]},
        "domain": {"kind": "rectangle", "length_x": WIDTH, "length_y": HEIGHT},
        "topography": {
            "kind": "plane", "base_elevation": 102.0, "amplitude": 8.0, "rises_to": "west",
        },
        "layers": {"kind": "constant_thickness", "thickness": 20.0},
        "mesh": {
            "kind": "rectangular_disv", "size": CELL,
            "constraint": [{"id": "river", "points": LINE.tolist()}],
        },
        "flow": {
            "regime": "steady",
            "formulation": {"newton": False, "xt3d": False},
            "param": {"K": {"value": 1e-4}},
            "ic": {"kind": "top"},
            "bc": [chd()],
            "source": [],
        },
        "solver": {"mf6": {"outer_dvclose": 1e-9, "inner_dvclose": 1e-10}},
    }  # fmt: skip
    for key, value in changes.items():
        *above, last = key.split("__")
        table = found
        for name in above:
            table = table.setdefault(name, {})
        if not above:
            table = found["flow"]
        table[last] = value
    return found


def chd(**changes: Any) -> dict[str, Any]:
    east = {"id": "east", "package": "chd", "where": {"side": "east"}, "head": 100.0}
    return east | changes


def model(kind: str = "disv", **changes: Any) -> flow.FlowModel:
    """The model of `document(**changes)`, on DIS or DISV."""
    forget()
    config = parse(Simulation, document(**changes))
    return flow.assemble(config, grid(kind), terrain_of(config), kind)


def written(found: flow.FlowModel, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in writer.write(found).items():
        (folder / name).write_bytes(content)
    return folder
