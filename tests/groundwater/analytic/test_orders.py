"""GWT against exact columns: order 1 in time, 1 in space upstream, 2 central and tvd.

The inlet and both heads are held at centres of cells, so that no error of a place enters: the grid
reaches half a cell beyond the column on both sides.  With a step proportional to the cell all
schemes are of first order, since time is; with one proportional to its square those of second order
in space show it.
"""

import numpy as np
import pytest

pytest.importorskip("scipy")

from mhx.groundwater.analytic import solutes
from mhx.groundwater.analytic.cases import Column, Linear

from ..squares import chd, document, order, solved

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mf6")]

LENGTH, DAYS, DAY = 120.0, 40.0, 86_400.0
POROSITY, ALPHA = 0.25, 2.0  # [1], [m]
HELD = {"id": "inlet", "package": "cnc", "where": {"side": "west"}, "value": 1.0}
SORBED = {"kd": 1e-4, "bulk_density": 1250.0, "decay": {"value": 0.01, "unit": "1/day"}}


def column(**numbers):
    """Water at 1 m/d: the formula, without a configuration."""
    flow = Linear(
        axis=0, low=0.0, high=LENGTH, head_low=3.0, head_high=0.0, k=10.0 / DAY, thickness=10.0,
        width=1.0,
    )  # fmt: skip
    common = {"retardation": 1.0, "decay": 0.0, "start": 0.0, "source": 1.0, "held": True}
    return Column(flow=flow, velocity=1.0 / DAY, dispersion=ALPHA / DAY, **(common | numbers))


def case(cell, steps, advection, extra):
    data = document("structured", cell, "mf6")
    data["domain"] = {
        "kind": "rectangle", "x0": -cell / 2, "length_x": LENGTH + cell, "length_y": cell,
    }  # fmt: skip
    data["flow"]["bc"] = [chd("west", 103.0, side="west"), chd("east", 100.0, side="east")]
    data["flow"]["param"] = {"K": {"value": 10.0, "unit": "m/day"}}
    data["simulation"]["process"].append({"id": "t", "type": "transport"})
    data["transport"] = {
        "param": {"porosity": POROSITY, "alpha_l": ALPHA} | extra,
        "scheme": {"advection": advection, "dispersion_xt3d": False},
        "time": {"length": DAYS, "steps": steps},
        "bc": [HELD],
    }
    return data


def ladder(tmp_path, advection, rungs, extra=None, **numbers):
    """(error, cell) for (cell, steps); the error is the root mean square along the column."""
    found = []
    for cell, steps in rungs:
        run = solved(case(cell, steps, advection, extra or {}), tmp_path / f"{cell}-{steps}")
        centres = run.flow.model.grid.centres
        exact = solutes.concentration(column(**numbers), centres, DAYS * DAY)
        wrong = run.result.concentration[-1, 0] - exact
        found.append((float(np.sqrt(np.mean(wrong**2))), cell))
    return found


TOGETHER = [(4.0, 20), (2.0, 40), (1.0, 80), (0.5, 160)]
BY_SQUARE = [(4.0, 20), (2.0, 80), (1.0, 320), (0.5, 1280)]


@pytest.mark.parametrize("advection", ["upstream", "central", "tvd"])
def test_step_and_cell_refined_together_show_first_order(tmp_path, advection):
    found = ladder(tmp_path, advection, TOGETHER)
    assert order(found) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(("advection", "known"), [("upstream", 1), ("central", 2), ("tvd", 2)])
def test_order_in_space_shows_with_steps_of_its_square(tmp_path, advection, known):
    """tvd comes from below, since its limiter is no whole cell wide: 1.62, 1.73, 1.83, (1.92)."""
    found = ladder(tmp_path, advection, BY_SQUARE)
    seen = [order(found[:end]) for end in (2, 3, 4)]
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(known, abs=0.2 if advection == "tvd" else 0.05)


def test_sorption_and_decay_keep_the_order(tmp_path):
    numbers = {"retardation": 1.5, "decay": 0.01 / DAY}
    found = ladder(tmp_path, "central", BY_SQUARE, SORBED, **numbers)
    assert order(found) == pytest.approx(2, abs=0.05)


def test_time_alone_is_of_first_order(tmp_path):
    rungs = [(1.0, steps) for steps in (20, 40, 80)]
    errors = [error for error, _ in ladder(tmp_path, "central", rungs)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(1, abs=0.15)


ON_VORONOI = {
    # scheme: rungs of (edge, steps), known order, and how far from it on meshes of no family
    "upstream": ([(6.0, 20), (3.0, 40), (1.5, 80)], 1, 0.2),
    "central": ([(6.0, 20), (3.0, 80), (1.5, 320)], 2, 0.15),
    "tvd": ([(6.0, 20), (3.0, 80)], 2, 0.5),
}


@pytest.mark.usefixtures("gmsh")
@pytest.mark.parametrize("advection", ON_VORONOI)
def test_voronoi_cells_keep_the_orders(tmp_path, advection):
    """Generators lie on the outline, so inlet and heads are held where the solution has them."""
    rungs, known, scatter = ON_VORONOI[advection]
    found = []
    for size, steps in rungs:
        data = case(size, steps, advection, {"alpha_th": 0.5})
        data["domain"] = {"kind": "rectangle", "length_x": LENGTH, "length_y": 24.0}
        data["mesh"] = {"kind": "voronoi", "size": size}
        data["transport"]["scheme"]["dispersion_xt3d"] = True
        run = solved(data, tmp_path / f"{size}")
        grid = run.flow.model.grid
        exact = solutes.concentration(column(), grid.centres, DAYS * DAY)
        wrong = run.result.concentration[-1, 0] - exact
        rms = np.sqrt(np.average(wrong**2, weights=grid.areas))
        found.append((float(rms), float(np.sqrt(grid.areas.mean()))))
    assert order(found) == pytest.approx(known, abs=scatter)
