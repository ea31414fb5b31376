"""How plumes grow in MODFLOW 6 where nothing disperses: what the scheme adds is what is told.

A Gaussian plume, well resolved, drifts in a uniform flow without dispersion.  The growth of its
variance over twice the way is the dispersivity of scheme and time step.
"""

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("shapely")

from mhx.config import parse
from mhx.groundwater.config import Simulation
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.terrain import terrain_of
from mhx.groundwater.transport import dispersion, fronts
from mhx.groundwater.transport.dispersion import Medium

from .columns import POROSITY, column, solved

H, LENGTH, WIDTH = 10.0, 420.0, 240.0
EAST = np.array([1.0, 0.0])


@pytest.fixture
def grown(mf6, tmp_path):
    """Dispersivities of a scheme on a mesh over H: along, across, and what is told of both."""

    def run(kind, advection):
        document = column(42, 24, H, scheme={"advection": advection})
        regular = kind == "structured"
        document["mesh"] = {"kind": kind, **({} if regular else {"size": H})}
        if regular:
            document["mesh"] |= {"cell_x": H, "cell_y": H}
        west, east = document["flow"]["bc"]
        west["head"], east["head"] = LENGTH, 0.0
        start = tmp_path / "start.csv"
        document["transport"] |= {
            "param": {"porosity": POROSITY},
            "time": {"length": 240.0, "steps": 240},
            "bc": [],
            "ic": {"file": str(start)},
        }
        start.write_text("cell_id,value\n0,0.0\n")
        config = parse(Simulation, document)
        grid = make_grid(config.site, terrain_of(config.site))
        x, y = grid.centres.T
        plume = np.exp(-((x - 140.0) ** 2 + (y - WIDTH / 2) ** 2) / 2 / 30.0**2)
        rows = "".join(f"{cell},{value:.12g}\n" for cell, value in enumerate(plume))
        start.write_text(f"cell_id,value\n{rows}")
        result = solved(document, tmp_path / "run", mf6).result
        first, last = (
            fronts.moments(grid, result.concentration[at] * result.pore_volume[at], EAST)
            for at in (20, -1)
        )
        way = 2 * (last.x - first.x) * H
        told = dispersion.numbers(result, grid, Medium(porosity=POROSITY))
        along = (last.along - first.along) / way
        return along, (last.across - first.across) / way, told

    return run


@pytest.mark.slow
@pytest.mark.parametrize("advection", ["upstream", "central"])
def test_a_plume_on_rectangles_grows_as_the_modified_equation_says(grown, advection):
    along, across, told = grown("structured", advection)
    speed = np.sqrt(2 * told.in_time_m2_d / told.step_d)
    share = (told.in_time_m2_d + told.in_space_m2_d) / speed / H
    assert share == pytest.approx({"upstream": 0.525, "central": 0.025}[advection], rel=0.03)
    assert along == pytest.approx(share, rel=0.02)
    assert abs(across) < 1e-6
    assert told.transverse_m < 1e-6  # heads are solved to round-off


ACROSS = {"upstream": (0.12, 0.26), "tvd": (0.05, 0.15), "central": (-0.002, 0.002)}


@pytest.mark.slow
@pytest.mark.parametrize(("advection", "bounds"), ACROSS.items(), ids=ACROSS)
def test_on_voronoi_cells_a_plume_grows_across_the_flow_up_to_a_quarter_of_h(
    gmsh, grown, advection, bounds
):
    """Hexagons give 0.14 to 0.25 h by their direction; what is told is the upper end."""
    _, across, told = grown("voronoi", advection)
    low, high = bounds
    assert low < across < high
    assert told.transverse_m == (0.0 if advection == "central" else told.spacing_m / 4)
    if advection != "central":
        assert across * H < told.transverse_m * 1.05
