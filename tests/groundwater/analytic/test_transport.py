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

from ..squares import chd, document, solved

LENGTH, WIDTH = 100.0, 20.0
HELD = {"id": "inlet", "package": "cnc", "where": {"side": "west"}, "value": 2.0}
PARAM = {
    "porosity": 0.25, "alpha_l": 2.0, "alpha_th": 0.5,
    "decay": {"value": 0.005, "unit": "1/day"}, "kd": 1e-4, "bulk_density": 1800.0,
}  # fmt: skip
LINES = {"strip": (5.0, 12.5), "south": (0.0, 5.0), "north": (12.5, 20.0)}
ZEROS = [
    {"id": f"no_{name}", "package": "cnc", "where": {"line": name}, "value": 0.0}
    for name in ("south", "north")
]
SOLUTES = {
    "ogata_banks": {"bc": [HELD]},
    "flux_column": {},
    "strip_source": {"bc": [HELD | {"where": {"line": "strip"}}, *ZEROS]},
}


def case(solution, engine="analytic", size=5.0, **changes):
    """Water at 1 m/d from west to east, 30 days."""
    carried = {"concentration": 2.0} if solution == "flux_column" else {}
    west = chd("west", 102.5, side="west") | carried
    kind, size = ("structured", 2.5) if solution == "strip_source" else ("voronoi", size)
    data = document(kind, size, engine, bc=[west, chd("east", 100.0, side="east")])
    data["domain"] = {"kind": "rectangle", "length_x": LENGTH, "length_y": WIDTH}
    data["flow"]["param"] = {"K": {"value": 10.0, "unit": "m/day"}}
    data["mesh"]["constraint"] = [
        {"id": name, "points": [[0.0, first], [0.0, last]], "embed": False}
        for name, (first, last) in LINES.items()
    ]
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


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize("solution", ["ogata_banks", "flux_column"])
def test_modflow_goes_to_the_exact_concentrations(tmp_path, solution):
    """Sorbed and decaying, on Voronoi cells whose generators lie on the inlet."""
    off = []
    for size, steps in ((5.0, 60), (2.5, 240)):
        data = case(solution, "mf6", size, scheme={"advection": "central"})
        data["transport"]["time"] = {"length": 30.0, "steps": steps}
        run = solved(data, tmp_path / f"{size}")
        grid, config = run.flow.model.grid, parse(Simulation, data)
        wrong = run.result.concentration[-1, 0] - evaluate(solution, config, grid.centres, [30])[0]
        off.append(float(np.sqrt(np.average(wrong**2, weights=grid.areas))))
    assert off[0] < 0.06
    assert off[1] < off[0] / 2.2  # between first order, of the half cell at the inlet, and second


FADING = {
    "first order": ({"decay": {"value": 0.05, "unit": "1/day"}}, 0.6),
    "sorbed": (
        {"decay": {"value": 0.05, "unit": "1/day"}, "kd": 1e-4, "bulk_density": 1800.0}, 0.6,
    ),
    "zero order": ({"decay": {"value": 0.01, "unit": "1/day"}, "decay_order": 0}, 0.5),
    "zero order, to nothing": ({"decay": {"value": 0.1, "unit": "1/day"}, "decay_order": 0}, 0.5),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("mf6")
@pytest.mark.parametrize(("extra", "start"), FADING.values(), ids=FADING)
def test_what_is_at_rest_fades_as_it_must(tmp_path, extra, start):
    """Implicit in time: (1 + l dt)^-n instead of exp(-l t), and a straight line exactly."""
    steps, days = 20, 10.0
    data = case("ogata_banks", "mf6", 25.0, param={"porosity": 0.25} | extra, bc=[])
    data["mesh"] = {"kind": "structured", "cell_x": 25.0, "cell_y": 10.0}
    data["flow"]["bc"] = [chd(name, 102.0, side=name) for name in ("west", "east")]
    data["transport"] |= {"ic": {"value": start}, "time": {"length": days, "steps": steps}}
    data["transport"].pop("observation")
    data["solver"]["analytic"] = {"solution": "decay"}
    found = solved(data, tmp_path / "a").result.concentration[-1, 0]
    exact = solved(data | {"engine": "analytic"}, tmp_path / "b").result.concentration[-1, 0]
    rate = extra["decay"]["value"]
    if "decay_order" in extra:
        assert exact == pytest.approx(max(start - rate * days, 0.0))
        assert found == pytest.approx(exact, abs=1e-5)
    else:
        assert exact == pytest.approx(start * np.exp(-rate * days))
        assert found == pytest.approx(start * (1 + rate * days / steps) ** -steps, rel=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("mf6")
def test_modflow_goes_to_the_exact_strip_where_it_holds_it(tmp_path):
    """Half a cell inside of the edges; against the edges the plume is that much too far ahead."""
    off = {"edges": [], "cell_centres": []}
    for size, steps in ((2.5, 60), (1.25, 240)):
        data = case("strip_source", "mf6", scheme={"advection": "central"})
        data["mesh"]["size"] = size
        data["transport"]["time"] = {"length": 30.0, "steps": steps}
        run = solved(data, tmp_path / f"{size}")
        for anchor, errors in off.items():
            data["solver"]["analytic"]["anchor"] = anchor
            places = run.flow.model.grid.centres
            exact = evaluate("strip_source", parse(Simulation, data), places, [30.0])[0]
            wrong = run.result.concentration[-1, 0] - exact
            errors.append(float(np.sqrt(np.mean(wrong**2))))
    # first order at least, though c jumps at the ends of the strip: 0.0197, 0.0083 (order 1.25)
    assert off["cell_centres"][1] < 0.5 * off["cell_centres"][0]
    for centres, edges in zip(off["cell_centres"], off["edges"], strict=True):
        assert centres < 0.5 * edges
