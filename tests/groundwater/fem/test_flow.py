"""Finite elements against finite volumes of the same mesh, exact answers, and their own order."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("skfem")

from mhx.config import parse
from mhx.groundwater import mf6_flow
from mhx.groundwater.config import Simulation
from mhx.groundwater.engines import find
from mhx.groundwater.fem import flow as fem
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.solved import Task
from mhx.groundwater.terrain import terrain_of

L = 1000.0  # side of the square [m]
K = 1e-4  # [m/s]
B = 10.0  # thickness [m]


def chd(name, head, **where):
    return {"id": name, "package": "chd", "where": where, "head": head}


WEST, EAST = chd("west", 105.0, side="west"), chd("east", 101.0, side="east")


def document(kind="voronoi", size=100.0, engine="fem_p1", **flow):
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
        "solver": {
            "mf6": {"complexity": "complex", "outer_dvclose": 1e-10, "inner_dvclose": 1e-11}
        },
    }  # fmt: skip


def solved(data, folder, *, ground=None):
    """A run of either engine; ground: elevation as a function of x and y."""
    config = parse(Simulation, data)
    terrain = terrain_of(config.site)
    if ground is not None:
        terrain = replace(terrain, elevation=lambda points: ground(points[:, 0], points[:, 1]))
    folder.mkdir(parents=True, exist_ok=True)
    task = Task(
        config=config,
        grid=make_grid(config.site, terrain),
        terrain=terrain,
        site=str(folder),
        folder=folder,
        programs={"mf6": find("mf6")} if config.engine == "mf6" else {},
        sim_id="1",
    )
    return mf6_flow.solve(task) if config.engine == "mf6" else fem.solve(task)


def rates(result):
    """Net rate of each boundary in the last saved step [m3/s]."""
    return {
        row.boundary: row.rate_in - row.rate_out
        for row in result.budget
        if row.boundary and row.saved == result.saved - 1
    }


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
    assert np.abs(volumes.heads - elements.heads).max() < 1e-6
    assert np.ptp(elements.heads) > 1
    fixed = {"chd"}
    recharge = any(one["package"] == "rcha" for one in changes.get("source", ()))
    for name, rate in rates(volumes).items():
        if recharge and volumes.about["boundaries"].get(name, {}).get("package") in fixed:
            continue  # what falls on a fixed head, MODFLOW loses
        if not (recharge and name == "rain"):
            assert rates(elements)[name] == pytest.approx(rate, rel=1e-6)


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


def orders(tmp_path, kind, engine, exact, sizes=(100.0, 50.0, 25.0)):
    """Root mean square errors over sizes, and the order between the two finest."""
    free = exact is unconfined
    errors, widths = [], []
    for index, size in enumerate(sizes):
        head = "top - 10" if free else "top"
        data = document(kind, size, engine, bc=[chd("edge", head, boundary=True)])
        if free:
            data["flow"]["formulation"]["cell_type"] = "convertible"
            data["flow"]["ic"] = {"kind": "constant", "value": 25.0}
            data["layers"] = {"kind": "constant_bottom", "bottom": 0.0}
        lift = 10.0 if free else 0.0
        found = solved(
            data, tmp_path / f"{index}", ground=lambda x, y, lift=lift: exact(x, y) + lift
        )
        grid = found.model.grid
        wrong = found.result.heads[0, 0] - exact(*grid.centres.T)
        errors.append(np.sqrt(np.average(wrong**2, weights=grid.areas)))
        widths.append(np.sqrt(grid.areas.mean()))
    return errors, np.log(errors[-2] / errors[-1]) / np.log(widths[-2] / widths[-1])


@pytest.mark.slow
@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("exact", [confined, unconfined])
@pytest.mark.parametrize("kind", ["voronoi", "triangles"])
@pytest.mark.parametrize(("engine", "order"), [("fem_p1", 2), ("fem_p2", 3)])
def test_p1_is_of_second_order_and_p2_of_third(tmp_path, kind, engine, order, exact):
    errors, found = orders(tmp_path, kind, engine, exact)
    assert errors[0] > errors[1] > errors[2]
    print(f"ORDER {engine} {kind} {exact.__name__} {found:.2f} {errors}")
    assert found > order - 0.2
