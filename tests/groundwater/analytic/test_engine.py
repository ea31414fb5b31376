"""Exact solutions as an engine: what is solved numerically goes to them, at the known order."""

import copy

import numpy as np
import pytest

pytest.importorskip("scipy")

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater.analytic.evaluating import evaluate
from mhx.groundwater.config import Simulation
from mhx.groundwater.flow_metrics import flow_metrics

from ..squares import K, chd, document, order, solved

DAY = 86_400.0
RAIN = {"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-8}
WELL = {"id": "well", "package": "wel", "where": {"points": [[500.0, 500.0]]}, "rate": -1e-3}
OPEN = {"newton": False, "xt3d": False, "cell_type": "convertible"}
CASES = {
    "linear": {},
    "dupuit": {
        "flow": {"bc": [chd("west", 96.0, side="west"), chd("east", 93.0, side="east")],
                 "source": [RAIN], "formulation": OPEN,
                 "ic": {"kind": "constant", "value": 95.0}},
        "layers": {"kind": "constant_bottom", "bottom": 90.0},
        "topography": {"kind": "plane", "base_elevation": 110.0, "amplitude": 0.0,
                       "rises_to": "west"},
    },
    "toth": {
        "flow": {"bc": [chd("north", "top - 1.0", side="north")]},
        "topography": {"kind": "plane", "base_elevation": 100.0, "amplitude": 10.0,
                       "rises_to": "east"},
    },
    "theis": {
        "flow": {"bc": [chd("edge", 103.0, boundary=True)], "source": [WELL],
                 "regime": "transient", "param": {"K": {"value": K}, "Ss": {"value": 1e-5}},
                 "time": {"period": [{"length": 1200.0, "unit": "s", "steps": 40,
                                      "multiplier": 1.1}]}},
    },
}  # fmt: skip


def case(name, engine="analytic", kind="voronoi", size=100.0):
    changes = {key: value for key, value in CASES[name].items() if key != "flow"}
    data = document(kind, size, engine, **CASES[name].get("flow", {})) | changes
    data["solver"] = data["solver"] | {"analytic": {"solution": name}}
    return copy.deepcopy(data)


@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("name", CASES)
def test_heads_are_those_of_the_solution_and_water_closes(tmp_path, name):
    run = solved(case(name, size=200.0), tmp_path)
    config = parse(Simulation, case(name, size=200.0))
    grid = run.model.grid
    exact = evaluate(name, config, grid.centres, run.result.time_d)
    there = np.hypot(*(grid.centres - 500).T) > (150 if name == "theis" else -1)
    assert np.abs(run.result.heads[:, 0] - exact)[:, there].max() < 1e-12
    lowest = run.result.heads[-1, 0].argmin()
    assert name != "theis" or not there[lowest]  # a mean over the well's cell, and finite
    found = flow_metrics(run.result)
    assert found["closure_relative"] < 1e-9
    assert found["converged"] == 1


def errors(tmp_path, name, engine, sizes, kind="voronoi"):
    """Root mean square errors of an engine against the exact solution, off the held cells."""
    found = []
    for size in sizes:
        run = solved(case(name, engine, kind, size), tmp_path / f"{engine}{size}")
        grid, config = run.model.grid, parse(Simulation, case(name, engine, kind, size))
        exact = evaluate(name, config, grid.centres, run.result.time_d[-1:])[0]
        free = np.setdiff1d(np.arange(grid.n_cells), run.result.fixed)
        if name == "theis":
            free = free[np.hypot(*(grid.centres[free] - 500).T) > 150]
        wrong = (run.result.heads[-1, 0] - exact)[free]
        rms = np.sqrt(np.average(wrong**2, weights=grid.areas[free]))
        found.append((float(rms), float(np.sqrt(grid.areas.mean()))))
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize("engine", ["mf6", "fem_p1", "fem_p2"])
def test_uniform_flow_is_exact_for_all(tmp_path, engine):
    ((wrong, _),) = errors(tmp_path, "linear", engine, [200.0])
    assert wrong < 1e-8


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize(
    ("name", "engine", "least"),
    [
        ("dupuit", "mf6", 1.8), ("dupuit", "fem_p1", 1.8), ("dupuit", "fem_p2", 2.7),
        ("toth", "mf6", 1.8), ("toth", "fem_p1", 1.8), ("toth", "fem_p2", 1.8),
    ],
)  # fmt: skip
def test_engines_go_to_the_exact_heads_at_their_order(tmp_path, name, engine, least):
    """Toth's corners, where the held slope meets no flow, keep P2 at second order."""
    found = errors(tmp_path, name, engine, (100.0, 50.0, 25.0))
    assert order(found) > least


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize("engine", ["mf6", "fem_p1", "fem_p2"])
def test_a_pumped_well_is_that_of_theis(tmp_path, engine):
    ((wrong, _),) = errors(tmp_path, "theis", engine, [25.0])
    assert wrong < 0.01


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize("name", CASES)
def test_water_through_boundaries_is_that_of_the_engines(tmp_path, name):
    exact = through(solved(case(name), tmp_path / "a").result)
    found = through(solved(case(name, "fem_p1", size=25.0), tmp_path / "b").result)
    close = 0.012 if name == "theis" else 2e-3  # some of the well's water comes from outside
    largest = max(max(both) for both in exact.values())
    for key, both in exact.items():
        assert found[key] == pytest.approx(both, abs=close * largest), key


def through(result):
    """Water in and out by component and boundary in the last step [m3/s]."""
    return {
        (row.component, row.boundary): (row.rate_in, row.rate_out)
        for row in result.budget
        if row.saved == result.saved - 1
    }


@pytest.mark.usefixtures("gmsh")
def test_a_water_table_above_a_ground_that_is_no_plane_is_refused(tmp_path):
    """Only the mesh shows it: the ground falls below the water table in the east."""
    data = case("dupuit", size=250.0)
    with pytest.raises(ConfigError, match=r"must lie between bottom and ground, got 9[0-9.]+ m in"):
        solved(data, tmp_path, ground=lambda x, y: 112.0 - 20.0 * (x / 1000.0) ** 2)


@pytest.mark.slow
@pytest.mark.usefixtures("mf6")
@pytest.mark.parametrize("name", ["linear", "dupuit", "toth"])
@pytest.mark.parametrize("anchor", ["edges", "cell_centres"])
def test_regular_grids_hold_sides_half_a_cell_inside(tmp_path, name, anchor):
    """Against the edges MODFLOW is of first order, against where it holds its heads of second."""
    found = []
    for size in (50.0, 25.0, 12.5):
        data = case(name, "mf6", "structured", size)
        data["flow"].pop("source", None)
        run = solved(data, tmp_path / f"{size}")
        data["solver"]["analytic"]["anchor"] = anchor
        grid = run.model.grid
        exact = evaluate(name, parse(Simulation, data), grid.centres, [1.0])[0]
        wrong = run.result.heads[-1, 0] - exact
        found.append((float(np.sqrt(np.mean(wrong**2))), size))
    if anchor == "edges":
        assert order(found) == pytest.approx(1, abs=0.15)
    elif name == "toth":
        assert order(found) > 1.7
    else:
        assert found[-1][0] < 1e-6 or order(found) > 1.9
