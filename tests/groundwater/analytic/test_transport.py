"""Exact concentrations as an engine, and MODFLOW 6 going to them."""

import json

import numpy as np
import pytest

pytest.importorskip("scipy")

from mhx.config import parse
from mhx.groundwater import simulation
from mhx.groundwater.analytic.evaluating import evaluate
from mhx.groundwater.config import Simulation
from mhx.runner import RunRequest

from ..squares import chd, document

LENGTH, WIDTH = 100.0, 20.0
HELD = {"id": "inlet", "package": "cnc", "where": {"side": "west"}, "value": 2.0}
PARAM = {
    "porosity": 0.25, "alpha_l": 2.0, "alpha_th": 0.5,
    "decay": {"value": 0.005, "unit": "1/day"}, "kd": 1e-4, "bulk_density": 1800.0,
}  # fmt: skip
STRIP = {"id": "strip", "points": [[0.0, 5.0], [0.0, 12.0]]}
SOLUTES = {
    "ogata_banks": {"bc": [HELD]},
    "flux_column": {},
    "strip_source": {"bc": [HELD | {"where": {"line": "strip"}}]},
}


def case(solution, engine="analytic", size=5.0, **changes):
    """Water at 1 m/d from west to east, 30 days."""
    carried = {"concentration": 2.0} if solution == "flux_column" else {}
    west = chd("west", 102.5, side="west") | carried
    data = document("voronoi", size, engine, bc=[west, chd("east", 100.0, side="east")])
    data["domain"] = {"kind": "rectangle", "length_x": LENGTH, "length_y": WIDTH}
    data["flow"]["param"] = {"K": {"value": 10.0, "unit": "m/day"}}
    data["mesh"]["constraint"] = [STRIP]
    data["simulation"]["process"].append({"id": "t", "type": "transport"})
    data["solver"] = data["solver"] | {"analytic": {"solution": solution}}
    data["transport"] = {
        "param": PARAM,
        "time": {"length": 30.0, "steps": 10},
        "observation": [{"id": "well", "x": 12.0, "y": 8.0}],
    } | SOLUTES[solution] | changes  # fmt: skip
    return data


@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("solution", SOLUTES)
def test_a_run_leaves_exact_concentrations(tmp_path, solution):
    data = case(solution) | {"output": {"figures": False}}
    summary = simulation.run(RunRequest(config=data, output_dir=tmp_path))
    config = parse(Simulation, data)
    with np.load(tmp_path / "results" / "concentration.npz") as stored:
        values, times = stored["concentration"], stored["time_d"]
    cells = (tmp_path / "mesh" / "cells.csv").read_text().splitlines()[1:]
    centres = np.array([[float(word) for word in line.split(",")[1:3]] for line in cells])
    assert values[:, 0] == pytest.approx(evaluate(solution, config, centres, times), abs=1e-12)
    assert times == pytest.approx(3.0 * np.arange(1, 11))
    found = summary.metrics
    assert 1.0 < found["transport_metrics.obs_well_final"] < 2.0
    assert found["transport_metrics.overshoot"] == 0
    verdicts = json.loads((tmp_path / "validation.json").read_text())["verdicts"]
    assert {one["verdict"] for name, one in verdicts.items() if "ground" not in name} == {"pass"}
    assert summary.notes["transport.scheme"].startswith("none: exact")
