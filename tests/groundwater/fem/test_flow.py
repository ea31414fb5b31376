"""Finite elements against finite volumes of the same mesh, exact answers, and their own order."""

import json

import numpy as np
import pytest

pytest.importorskip("skfem")

from mhx.config import parse
from mhx.errors import ConfigError, SolverError
from mhx.groundwater import catalog, simulation
from mhx.groundwater.config import Simulation
from mhx.groundwater.fem.elements import delaunay
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.terrain import terrain_of
from mhx.runner import RunRequest

from ..squares import WEST, B, K, L, chd, document, error, order, rates, solved

WELL = {"id": "well", "package": "wel", "where": {"points": [[420.0, 555.0]]}, "rate": -2e-3}
STEPS = {"period": [{"length": 5.0, "steps": 4, "multiplier": 1.5}, {"length": 3.0, "steps": 2}]}
PROBLEMS = {
    "between two heads": {},
    "with a well": {"source": [WELL]},
    "with recharge, lumped": {
        "source": [{"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-8}]
    },
    "with a river, a drain and a general head": {
        "bc": [
            WEST,
            {
                "id": "river",
                "package": "riv",
                "where": {"points": [[300.0, 500.0], [700.0, 500.0]]},
                "stage": 101.0,
                "bottom": 99.0,
                "conductance": 1e-4,
            },
            {
                "id": "losing",
                "package": "riv",
                "where": {"points": [[500.0, 200.0]]},
                "stage": 112.0,
                "bottom": 111.0,
                "conductance": 1e-4,
            },
            {
                "id": "drain",
                "package": "drn",
                "where": {"points": [[400.0, 950.0], [500.0, 950.0], [800.0, 950.0]]},
                "elevation": 103.2,
                "leakance": 1e-7,
            },
            {
                "id": "lake",
                "package": "ghb",
                "where": {"side": "east"},
                "head": 102.0,
                "conductance": 1e-3,
            },
        ]
    },
    "transient": {
        "regime": "transient",
        "time": STEPS,
        "param": {"K": {"value": K}, "Ss": {"value": 1e-5}},
        "source": [WELL],
    },
}


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize("changes", PROBLEMS.values(), ids=PROBLEMS)
def test_voronoi_finite_volumes_are_p1_on_the_dual_mesh(tmp_path, changes):
    """The cotangents of the triangles are face length over distance: one matrix, two codes."""
    volumes = solved(document(engine="mf6", **changes), tmp_path / "a").result
    elements = solved(document(**changes), tmp_path / "b").result
    assert np.abs(volumes.heads - elements.heads).max() < 1e-8
    assert np.ptp(elements.heads) > 1
    if any(one["package"] == "rcha" for one in changes.get("source", ())):
        return  # what falls on a fixed head, MODFLOW leaves out: see below
    assert rates(elements) == pytest.approx(rates(volumes), rel=1e-6)


CORNERED = [[0, 0], [L, 0], [L, 400], [400, 400], [400, L], [0, L]]
LEANING = [[0, 0], [700, -100], [L, 500], [600, 450], [500, L], [100, 800]]
RIVER = {"id": "river", "points": [[100, 200], [500, 600], [800, 650]], "size": 15.0,
         "distance": 150.0}  # fmt: skip
MESHES = {
    "a corner that points inwards": ({"kind": "polygon", "points": CORNERED}, {}),
    "sides in all directions": ({"kind": "polygon", "points": LEANING}, {"smoothing": 0}),
    "cells a quarter as wide at a river": (
        {"kind": "rectangle", "length_x": L, "length_y": L},
        {"constraint": [RIVER], "algorithm": "delaunay"},
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize(("domain", "mesh"), MESHES.values(), ids=MESHES)
def test_the_identity_does_not_depend_on_the_mesh(tmp_path, domain, mesh):
    found = []
    for engine in ("mf6", "fem_p1"):
        well = WELL | {"where": {"points": [[300.0, 300.0]]}}
        data = document(
            "voronoi", 60.0, engine, bc=[chd("edge", "top", boundary=True)], source=[well]
        )
        data["domain"], data["mesh"] = domain, data["mesh"] | mesh
        data["topography"] = data["topography"] | {"amplitude": 10.0}
        found.append(solved(data, tmp_path / engine).result)
    assert np.abs(found[0].heads - found[1].heads).max() < 1e-8
    assert np.ptp(found[1].heads) > 5


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
def test_recharge_on_fixed_heads_is_lost_by_modflow_alone(tmp_path):
    rain = PROBLEMS["with recharge, lumped"]
    volumes = flow_metrics(solved(document(engine="mf6", **rain), tmp_path / "a").result)
    elements = flow_metrics(solved(document(**rain), tmp_path / "b").result)
    assert volumes["recharge_accepted_fraction"] < 0.95
    assert elements["recharge_accepted_fraction"] == pytest.approx(1, abs=1e-12)
    lost = elements["recharge_accepted_m3_s"] - volumes["recharge_accepted_m3_s"]
    assert elements["budget_chd_net"] - volumes["budget_chd_net"] == pytest.approx(-lost, rel=1e-5)


@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("engine", ["fem_p1", "fem_p2"])
@pytest.mark.parametrize("kind", ["voronoi", "triangles"])
def test_a_plane_of_heads_is_exact_and_darcy_holds(tmp_path, kind, engine):
    found = solved(document(kind, 250.0, engine), tmp_path).result
    config = parse(Simulation, document(kind, 250.0, engine))
    grid = make_grid(config.site, terrain_of(config.site))
    exact = 105 - 4 * grid.centres[:, 0] / L
    assert found.heads[0, 0] == pytest.approx(exact, abs=1e-9)
    darcy = K * B * L * 4 / L
    assert rates(found) == pytest.approx({"west": darcy, "east": -darcy}, rel=1e-9)
    assert flow_metrics(found)["closure_relative"] < 1e-12


@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("kind", ["voronoi", "triangles"])
def test_rotated_anisotropy_is_exact_on_a_plane_of_heads(tmp_path, kind):
    """Patch test: K11/K22 = 10 at 30 degrees, the head of the plane on the whole outline."""
    param = {"K": {"value": K}, "K22_ratio": {"value": 0.1}, "angle1": {"value": 30.0}}
    changes = {"bc": [chd("edge", "top", boundary=True)], "param": param}

    def plane(x, y):
        return 100 + 3e-3 * x - 2e-3 * y

    data = document(kind, 250.0, **changes)
    found = solved(data, tmp_path, ground=plane).result
    config = parse(Simulation, data)
    centres = make_grid(config.site, terrain_of(config.site)).centres
    assert found.heads[0, 0] == pytest.approx(plane(*centres.T), abs=1e-9)


def confined(x, y):
    """Two waves that die away from the edges; Laplace's equation holds term by term."""
    u, v = np.pi * x / L, np.pi * y / L
    first = np.sin(u) * np.sinh(v) / np.sinh(np.pi)
    return 100 + 5 * first + 2 * np.cos(v) * np.cosh(u) / np.cosh(np.pi)


def unconfined(x, y):
    """h^2 is harmonic over a flat bottom at 0; h from 20 to 30 m."""
    u, v = np.pi * x / L, np.pi * y / L
    return np.sqrt(400 + 300 * np.sin(u) * np.sinh(v) / np.sinh(np.pi) + 200 * x / L)


def ladder(tmp_path, kind, engine, exact, sizes=(100.0, 50.0, 25.0)):
    """Root mean square errors and sizes."""
    free = exact is unconfined
    lift, found = (10.0 if free else 0.0), []
    for index, size in enumerate(sizes):
        head = "top - 10" if free else "top"
        data = document(kind, size, engine, bc=[chd("edge", head, boundary=True)])
        if free:
            data["flow"]["formulation"]["cell_type"] = "convertible"
            data["flow"]["ic"] = {"kind": "constant", "value": 25.0}
            data["layers"] = {"kind": "constant_bottom", "bottom": 0.0}
        run = solved(data, tmp_path / f"{index}", ground=lambda x, y: exact(x, y) + lift)
        found.append(error(run, lambda centres: exact(*centres.T)))
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("exact", [confined, unconfined])
@pytest.mark.parametrize("kind", ["voronoi", "triangles"])
@pytest.mark.parametrize(("engine", "least"), [("fem_p1", 2), ("fem_p2", 3)])
def test_p1_is_of_second_order_and_p2_of_third(tmp_path, kind, engine, least, exact):
    """Unstructured meshes of three sizes are no family: they scatter, and get better alike."""
    found = ladder(tmp_path, kind, engine, exact)
    assert order(found) > least


def nested(folder, levels):
    """Files of one irregular mesh of the square, each triangle cut into four at every level."""
    from scipy.spatial import Delaunay
    from skfem import MeshTri

    n, random = 5, np.random.default_rng(7)
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(0, L, n), np.linspace(0, L, n)))
    inner = (x > 0) & (x < L) & (y > 0) & (y < L)
    points = np.column_stack([x, y]) + inner[:, None] * random.uniform(-60, 60, (n * n, 2))
    mesh = MeshTri(points.T.copy(), Delaunay(points).simplices.T.astype(np.int64))
    for level in range(levels):
        mesh = mesh.refined()
        nodes = [f"{i},{x!r},{y!r}" for i, (x, y) in enumerate(mesh.p.T.tolist())]
        cells = [f"{i},{a},{b},{c}" for i, (a, b, c) in enumerate(mesh.t.T.tolist())]
        names = {"nodes": folder / f"nodes{level}.csv", "cells": folder / f"cells{level}.csv"}
        names["nodes"].write_text("\n".join(["node_id,x,y", *nodes]) + "\n")
        names["cells"].write_text("\n".join(["cell_id,n0,n1,n2", *cells]) + "\n")
        yield {"kind": "file"} | {key: str(path) for key, path in names.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "known"), [("fem_p1", 2), ("fem_p2", 3)])
def test_orders_on_a_family_of_meshes(tmp_path, engine, known):
    found = []
    for level, mesh in enumerate(nested(tmp_path, 4)):
        data = document(engine=engine, bc=[chd("edge", "top", boundary=True)])
        run = solved(data | {"mesh": mesh}, tmp_path / f"{level}", ground=confined)
        found.append(error(run, lambda centres: confined(*centres.T)))
    assert order(found) == pytest.approx(known, abs=0.1)


def test_an_outline_that_the_triangles_do_not_follow_is_refused():
    """A notch that no generator marks: Delaunay's triangles go across it."""
    points = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [5, 5.5]], float)
    notched = np.array([[0, 0], [5, 4], [10, 0], [10, 10], [0, 10]], float)
    assert len(delaunay(points, points[:4])) == 4
    with pytest.raises(ConfigError, match=r"do not follow the outline \(\S+ % of its area is miss"):
        delaunay(points, notched)


@pytest.mark.usefixtures("gmsh")
def test_a_water_table_below_the_bottom_is_a_failure(tmp_path):
    data = document(size=250.0, bc=[WEST], source=[WELL | {"rate": -5e-2}])
    data["flow"]["formulation"]["cell_type"] = "convertible"
    data["layers"] = {"kind": "constant_bottom", "bottom": 95.0}
    with pytest.raises(SolverError, match=r"finite elements: .*use .*newton = true"):
        solved(data, tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("gmsh")
def test_a_whole_run_passes_its_gates(tmp_path):
    rain = PROBLEMS["with recharge, lumped"]["source"]
    data = document(engine="fem_p2", source=rain)
    data["flow"]["accept"] = {"allow_flooding": True}
    data["output"] = {"fields": ["head", "recharge_flux", "watertable_depth"]}
    summary = simulation.run(RunRequest(config=data, output_dir=tmp_path))
    found = json.loads((tmp_path / "validation.json").read_text())["verdicts"]
    assert {one["verdict"] for one in found.values()} == {"pass"}
    assert summary.metrics["flow_metrics.recharge_accepted_fraction"] == pytest.approx(1)
    assert summary.metrics["flow_metrics.recharge_flux_mean"] == pytest.approx(1e-8)
    assert summary.notes["flow.formulation"].startswith("finite elements P2")
    assert "fem/solution.npz" in summary.artifacts
    again = flow_metrics(catalog.reopen(tmp_path))
    assert again["budget_chd_net"] == summary.metrics["flow_metrics.budget_chd_net"]


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "gmsh")
@pytest.mark.parametrize("engine", ["fem_p1", "fem_p2"])
def test_elements_and_volumes_of_triangles_go_to_one_answer(tmp_path, engine):
    """A transient well on triangles: another code, another mesh, close heads."""
    changes = PROBLEMS["transient"]
    volumes = solved(document(size=40.0, engine="mf6", **changes), tmp_path / "a")
    elements = solved(document("triangles", 40.0, engine, **changes), tmp_path / "b")
    points = np.array([[200.0, 200.0], [600.0, 300.0], [420.0, 700.0]])
    told = [
        [
            run.result.heads[-1, 0, np.hypot(*(run.model.grid.centres - p).T).argmin()]
            for p in points
        ]
        for run in (volumes, elements)
    ]
    assert told[0] == pytest.approx(told[1], abs=0.1)
    assert flow_metrics(elements.result)["closure_relative"] < 1e-10


@pytest.mark.usefixtures("gmsh")
def test_drains_that_start_dry_become_wet(tmp_path):
    """Heads start below every drain: without storage their first guess must be a wet one."""
    drain = {
        "id": "drain", "package": "drn", "where": {"side": "east"}, "elevation": 104.0,
        "leakance": 1e-7,
    }  # fmt: skip
    rain = PROBLEMS["with recharge, lumped"]["source"]
    found = solved(document(size=250.0, bc=[drain], source=rain), tmp_path).result
    assert rates(found)["drain"] == pytest.approx(-1e-8 * L * L, rel=1e-9)
    assert found.heads.min() > 104


@pytest.mark.usefixtures("gmsh")
def test_drains_that_all_run_dry_determine_no_head(tmp_path):
    drain = {
        "id": "drain", "package": "drn", "where": {"side": "east"}, "elevation": 104.0,
        "leakance": 1e-7,
    }  # fmt: skip
    data = document(size=250.0, bc=[drain], source=[WELL])
    with pytest.raises(SolverError, match="heads are not determined"):
        solved(data, tmp_path)
