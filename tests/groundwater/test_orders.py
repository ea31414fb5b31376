"""Orders of convergence against analytic solutions, on every kind of mesh and formulation.

The head is prescribed on all boundary cells at their centres, and compared at all others, so no
error of the boundary's place enters.  Confined: T = const, so h is harmonic.  Unconfined on a flat
bottom at 0 without recharge (Dupuit): h^2 is harmonic.  Orders from the two finest grids.
"""

from dataclasses import replace

import numpy as np
import pytest

from mhx.config import parse
from mhx.groundwater.config import Simulation
from mhx.groundwater.engines import find
from mhx.groundwater.flow import assemble
from mhx.groundwater.heads import read_heads
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.mf6 import run_mf6
from mhx.groundwater.terrain import terrain_of
from mhx.groundwater.writer import write

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mf6", "gmsh")]

L = 1000.0  # side of the square [m]
DEPTH = 10.0  # of the water table below ground, unconfined [m]
SIZES = (50.0, 25.0, 12.5)


def confined(x, y):
    """Two waves that die away from the edges; Laplace's equation holds term by term."""
    u, v = np.pi * x / L, np.pi * y / L
    first = np.sin(u) * np.sinh(v) / np.sinh(np.pi)
    return 100 + 5 * first + 2 * np.cos(v) * np.cosh(u) / np.cosh(np.pi)


def unconfined(x, y):
    """Dupuit's parabola across the square, and a wave: h^2 is harmonic, h from 20 to 30 m."""
    u, v = np.pi * x / L, np.pi * y / L
    return np.sqrt(400 + 300 * np.sin(u) * np.sinh(v) / np.sinh(np.pi) + 200 * x / L)


def parabola(x, y):
    """Dupuit's parabola with h from 20 to 5 m: the saturated thickness falls to a quarter."""
    return np.sqrt(400 - 375 * x / L) + 0 * y


def slope(x, y):
    """A plane of heads solves any homogeneous medium, however anisotropic."""
    return 100 + 3e-3 * x - 2e-3 * y


def configuration(kind, size, *, newton, xt3d, exact):
    free = exact in (unconfined, parabola)
    square = kind in ("structured", "rectangular_disv")
    data = {
        "workflow": {"mode": "simulation"},
        "domain": {"kind": "rectangle", "length_x": L, "length_y": L},
        "topography": {
            "kind": "plane",
            "base_elevation": 0.0,
            "amplitude": 0.0,
            "rises_to": "west",
        },
        "layers": {"kind": "constant_bottom", "bottom": 0.0}
        if free
        else {"kind": "constant_thickness", "thickness": 10.0},
        "mesh": {"kind": kind, **({"cell_x": size, "cell_y": size} if square else {"size": size})},
        "simulation": {"process": [{"id": "m", "type": "mesh"}, {"id": "f", "type": "flow"}]},
        "flow": {
            "regime": "steady",
            "formulation": {
                "newton": newton,
                "xt3d": xt3d,
                "cell_type": "convertible" if free else "confined",
            },
            "param": {"K": {"value": 1e-4}},
            "ic": {"kind": "constant", "value": 30.0},
            "bc": [
                {
                    "id": "edge",
                    "package": "chd",
                    "where": {"boundary": True},
                    "head": f"top - {DEPTH}" if free else "top",
                }
            ],
        },
        "solver": {
            "mf6": {"complexity": "complex", "outer_dvclose": 1e-10, "inner_dvclose": 1e-11}
        },
    }
    return parse(Simulation, data)


def error(config, exact, folder):
    """Area-weighted root mean square error, and the effective size of the cells [m]."""
    lift = DEPTH if exact in (unconfined, parabola) else 0.0
    terrain = replace(
        terrain_of(config), elevation=lambda points: exact(points[:, 0], points[:, 1]) + lift
    )
    grid = make_grid(config, terrain)
    model = assemble(config, grid, terrain, str(folder))
    folder.mkdir(parents=True)
    for name, content in write(model).items():
        (folder / name).write_bytes(content)
    listing = run_mf6(find("mf6").path, folder)
    assert max(abs(step.percent_step) for step in listing.steps) <= 0.01
    (heads,) = folder.glob("*.hds")
    found = read_heads(heads, 1, grid.n_cells).values[-1, 0]
    wrong = found - exact(grid.centres[:, 0], grid.centres[:, 1])
    return np.sqrt(np.average(wrong**2, weights=grid.areas)), np.sqrt(grid.areas.mean())


def ladder(tmp_path, kind, exact, *, newton=False, xt3d=False):
    """Errors over SIZES, and the order between the two finest."""
    found = []
    for index, size in enumerate(SIZES):
        config = configuration(kind, size, newton=newton, xt3d=xt3d, exact=exact)
        found.append(error(config, exact, tmp_path / f"{kind}{index}"))
    errors, sizes = zip(*found, strict=True)
    return errors, np.log(errors[-2] / errors[-1]) / np.log(sizes[-2] / sizes[-1])


@pytest.mark.parametrize("exact", [confined, unconfined])
@pytest.mark.parametrize("kind", ["structured", "rectangular_disv"])
def test_regular_grids_are_of_second_order(tmp_path, kind, exact):
    errors, order = ladder(tmp_path, kind, exact)
    assert errors[0] > errors[1] > errors[2]
    assert order == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("exact", [confined, unconfined])
def test_dis_and_disv_of_one_grid_give_one_answer(tmp_path, exact):
    dis, _ = ladder(tmp_path, "structured", exact)
    disv, _ = ladder(tmp_path, "rectangular_disv", exact)
    assert dis == pytest.approx(disv, rel=1e-7)


@pytest.mark.parametrize("exact", [confined, unconfined, parabola])
def test_voronoi_cells_are_of_second_order(tmp_path, exact):
    """Unstructured grids of three sizes are no family; the order scatters around 2, never below."""
    errors, order = ladder(tmp_path, "voronoi", exact)
    assert errors[0] > errors[1] > errors[2]
    assert order > 1.8


@pytest.mark.parametrize("exact", [confined, unconfined])
def test_triangles_need_xt3d_to_be_of_second_order(tmp_path, exact):
    """Centroids are not orthogonal: the two-point error falls at best like h."""
    full, order = ladder(tmp_path / "a", "triangles", exact, xt3d=True)
    two_point, low = ladder(tmp_path / "b", "triangles", exact)
    assert order > 1.8
    assert low < 1.3
    assert two_point[-1] > 30 * full[-1]


def test_xt3d_changes_nothing_on_voronoi_cells(tmp_path):
    """Isotropic K and orthogonal faces: its extra terms vanish."""
    without, _ = ladder(tmp_path / "a", "voronoi", confined)
    with_it, _ = ladder(tmp_path / "b", "voronoi", confined, xt3d=True)
    assert without == pytest.approx(with_it, rel=1e-5)


def test_newton_is_of_first_order(tmp_path):
    """It weights the saturated thickness upstream; the standard formulation does not."""
    upstream, order = ladder(tmp_path / "a", "voronoi", parabola, newton=True)
    standard, _ = ladder(tmp_path / "b", "voronoi", parabola)
    assert order == pytest.approx(1, rel=0.15)
    assert upstream[-1] > 10 * standard[-1]


@pytest.mark.parametrize("kind", ["voronoi", "triangles"])
def test_rotated_anisotropy_is_exact_with_xt3d_alone(tmp_path, kind):
    """Patch test: K11/K22 = 10 at 30 degrees and a linear head."""
    wrong = {}
    for xt3d in (True, False):
        config = configuration(kind, 100.0, newton=False, xt3d=xt3d, exact=slope)
        turned = config.flow.model_dump(exclude_none=True) | {
            "param": {"K": {"value": 1e-4}, "K22_ratio": {"value": 0.1}, "angle1": {"value": 30.0}}
        }
        config = parse(Simulation, config.model_dump(exclude_none=True) | {"flow": turned})
        wrong[xt3d], _ = error(config, slope, tmp_path / f"{xt3d}")
    assert wrong[True] < 1e-7
    assert wrong[False] > 1e5 * wrong[True]
