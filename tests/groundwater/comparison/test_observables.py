"""What is read from a run: by support, by time, and what is missing."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mhx.groundwater.comparison.config import Observable
from mhx.groundwater.comparison.observables import Values, observe
from mhx.groundwater.comparison.reading import Solved
from mhx.groundwater.comparison.sampling import LINEAR, NEAREST, area_of, raster_over

from .made import budget, flow, grid, solute, solved

HEADS = np.arange(8.0) + 1.0  # row 0 in the north: cells 0..3, then 4..7
RASTER = raster_over(area_of(grid()), 4)


def read(run: Solved, interpolation: str = NEAREST, **asked: Any) -> Values:
    found = {"name": "o", "variable": "head"} | asked
    return observe(Observable(**found), run, RASTER, interpolation)


def still(heads: Any = HEADS, **more: Any) -> Solved:
    return solved("a", flow(heads, **more))


SUPPORTS = {
    "a point": ({"support": "point", "x": 12.0, "y": 8.0}, [6.0]),
    "points": ({"support": "point", "x": [12.0, 35.0], "y": [8.0, 15.0]}, [6.0, 4.0]),
    "their mean": (
        {"support": "point", "x": [12.0, 35.0], "y": [8.0, 15.0], "reducer": "mean"}, [5.0],
    ),
    "a cell": ({"support": "cell", "cell": 2}, [3.0]),
    "the cells of a boundary": ({"support": "boundary", "boundary_id": "west"}, [3.0]),
    "its largest": ({"support": "boundary", "boundary_id": "west", "reducer": "max"}, [5.0]),
    "all cells": ({"support": "domain"}, [4.5]),
    "their sum": ({"support": "domain", "reducer": "sum"}, [36.0]),
    "a line has the highest": (
        {"support": "line", "x": [0.0, 40.0], "y": [5.0, 5.0], "reducer": "max"}, [8.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), SUPPORTS.values(), ids=SUPPORTS)
def test_each_support_reads_its_cells(asked: dict[str, Any], expected: list[float]) -> None:
    assert read(still(), **asked).values.tolist() == [expected]


def test_a_map_has_a_value_for_every_pixel_weighted_by_area() -> None:
    found = read(still(), support="map")
    assert found.values[0].tolist() == [5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 4.0]  # from the south
    assert found.weights.tolist() == [100.0] * 8


def test_a_line_has_equally_spaced_points_its_ends_among_them() -> None:
    found = read(still(), support="line", x=[0.0, 40.0], y=[5.0, 5.0])
    assert (found.x[0], found.x[-1]) == (0.0, 40.0)
    assert np.allclose(np.diff(found.x), 0.2)


def test_a_mask_takes_cells_by_their_centre(tmp_path: Path) -> None:
    mask = tmp_path / "mask.csv"
    mask.write_text("x,y\n0,0\n24,0\n24,9\n0,9\n")  # centres of cells 4 and 5, not of 6
    assert read(still(), support="mask", mask=str(mask)).values.tolist() == [[5.5]]


def test_layers_are_counted_from_the_top() -> None:
    heads = np.stack([HEADS, HEADS + 100.0])[None]
    run = still(heads)
    assert read(run, support="cell", cell=0, layer=2).values.tolist() == [[101.0]]
    assert read(run, support="domain", layer=2).values.tolist() == [[104.5]]


def test_saturation_is_the_wet_share_and_one_where_cells_are_confined() -> None:
    run = still(np.array([2.5] * 7 + [50.0]))  # cells from 0 to 10 m
    assert read(run, variable="saturation", support="cell", cell=0).values.tolist() == [[0.25]]
    assert read(run, variable="saturation", support="cell", cell=7).values.tolist() == [[1.0]]
    confined = still(2.5, convertible=0)
    assert read(confined, variable="saturation", support="domain").values.tolist() == [[1.0]]


MOVING = {"times": (2.0, 4.0), "regime": "transient"}


def test_time_is_the_last_all_or_between_two_steps() -> None:
    run = still(np.stack([HEADS, 3 * HEADS])[:, None], **MOVING)

    def cell(time: Any) -> Values:
        return read(run, support="cell", cell=0, time=time)

    assert cell("last").values.tolist() == [[3.0]]
    assert cell("all").time_d.tolist() == [2.0, 4.0]
    assert cell(3.5).values.tolist() == [[2.5]]
    assert cell(4.0).values.tolist() == [[3.0]]


def test_a_time_that_was_not_saved_is_missing_and_not_made_up() -> None:
    found = read(still(HEADS, **MOVING), support="cell", cell=0, time=1.0)
    assert np.isnan(found.values).all()
    assert found.missing == ("1 d lies outside the saved steps, 2 .. 4 d",)


def test_steady_flow_holds_at_any_time() -> None:
    found = read(still(), support="cell", cell=0, time=123.0)
    assert (found.time_d.tolist(), found.values.tolist()) == ([123.0], [[1.0]])


MISSING = {
    "a point beside the mesh": (
        {"support": "point", "x": 50.0, "y": 5.0}, "1 of 1 points lie outside the mesh",
    ),
    "a dry cell": (
        {"support": "point", "x": 35.0, "y": 5.0}, "1 of 1 points have no value: dry cells",
    ),
    "a cell that is not there": (
        {"support": "cell", "cell": 8}, "there is no cell 8; the mesh has 8",
    ),
    "a boundary without cells": (
        {"support": "boundary", "boundary_id": "north"},
        "no value where it is asked for: dry, or not in the model",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "why"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_said_and_never_filled(asked: dict[str, Any], why: str) -> None:
    heads = HEADS.copy()
    heads[7] = math.nan
    found = read(still(heads), **asked)
    assert found.count == 0 and found.missing == (why,)


RATES = budget(
    (0, "chd", "", 5.0, 1.0), (0, "chd", "west", 5.0, 1.0), (0, "drn", "", 0.0, 2.0),
    (0, "drn", "east", 0.0, 2.0), (1, "chd", "", 6.0, 1.0), (1, "chd", "west", 6.0, 1.0),
    (1, "drn", "", 0.0, 3.0), (1, "drn", "east", 0.0, 3.0),
)  # fmt: skip
BUDGETS = {
    "an outlet is positive outwards": ({"support": "outlet", "boundary_id": "east"}, 3.0),
    "water that comes in there is negative": ({"support": "outlet", "boundary_id": "west"}, -5.0),
    "a boundary is positive inwards": ({"support": "boundary", "boundary_id": "west"}, 5.0),
    "a component of the domain": ({"support": "domain", "component": "drn"}, -3.0),
    "the rate of the step that holds the moment": (
        {"support": "domain", "component": "drn", "time": 1.0}, -2.0,
    ),
    "also at its end": ({"support": "domain", "component": "drn", "time": 2.0}, -2.0),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), BUDGETS.values(), ids=BUDGETS)
def test_rates_have_the_signs_of_their_support(asked: dict[str, Any], expected: float) -> None:
    run = still(0.0, rows=RATES, **MOVING)
    assert read(run, variable="budget", **asked).values.tolist() == [[expected]]


def test_a_component_that_no_budget_names_is_missing() -> None:
    found = read(still(0.0, rows=RATES, **MOVING), variable="budget", support="domain",
                 component="riv")  # fmt: skip
    assert found.count == 0


LEAVING = budget((0, "drn", "east", 0.0, 1.0), (1, "drn", "east", 0.0, 6.0))


def test_the_concentration_of_an_outlet_is_mass_over_water() -> None:
    run = solved(
        "a",
        flow(0.0, rows=RATES, **MOVING),
        transport=solute([[[0.0] * 8]] * 2, (2.0, 4.0), LEAVING),
    )
    found = read(run, variable="concentration", support="outlet", boundary_id="east", time="all")
    assert found.values.ravel().tolist() == [0.5, 2.0]
    dry = read(run, variable="concentration", support="outlet", boundary_id="north")
    assert dry.missing == ("no water leaves there, or its budget is not told for every step",)


def test_a_budget_in_kg_per_s_is_that_of_the_solute() -> None:
    run = solved(
        "a",
        flow(0.0, rows=RATES, **MOVING),
        transport=solute([[[0.0] * 8]] * 2, (2.0, 4.0), LEAVING),
    )
    asked = {"variable": "budget", "support": "outlet", "boundary_id": "east"}
    assert read(run, unit="kg/s", **asked).values.tolist() == [[6.0]]
    assert read(run, unit="m3/s", **asked).values.tolist() == [[3.0]]


def test_an_exact_solution_is_evaluated_at_the_point_itself() -> None:
    """Uniform flow from 9 to 5 m over 40 m, read 3 m beside the centre of a cell."""
    pytest.importorskip("scipy")
    ends = [
        {"id": "west", "package": "chd", "where": {"side": "west"}, "head": 9.0},
        {"id": "east", "package": "chd", "where": {"side": "east"}, "head": 5.0},
    ]
    table = {
        "regime": "steady",
        "formulation": {"newton": False, "xt3d": False, "cell_type": "confined"},
        "param": {"K": {"value": 1e-4}},
        "bc": ends,
    }
    centres = flow(9.0 - 0.1 * np.tile([5.0, 15.0, 25.0, 35.0], 2))
    run = solved(
        "exact", centres, flow=table, engine="analytic", solver={"analytic": {"solution": "linear"}}
    )
    asked = {"support": "point", "x": 18.0, "y": 5.0}
    assert read(run, LINEAR, **asked).values[0, 0] == pytest.approx(7.2, abs=1e-12)
    assert read(run, NEAREST, **asked).values[0, 0] == pytest.approx(7.5, abs=1e-12)


def test_heads_of_elements_are_read_between_their_nodes(tmp_path: Path) -> None:
    """P1 on two triangles over the mesh: a plane, where the cells say steps."""
    places = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 20.0], [0.0, 20.0]])
    (tmp_path / "fem").mkdir()
    np.savez(
        tmp_path / "fem" / "solution.npz",
        triangles=[[0, 1, 2], [0, 2, 3]], places_m=places, head_m=[places @ [1.0, 2.0]],
    )  # fmt: skip
    run = still()
    config = run.config.model_copy(update={"engine": "fem_p1"})
    run = replace(run, root=tmp_path, config=config)
    asked = {"support": "point", "x": [12.0, 35.0, 99.0], "y": [8.0, 15.0, 5.0]}
    found = read(run, LINEAR, **asked).values[0]
    assert found[:2].tolist() == pytest.approx([28.0, 65.0])
    assert math.isnan(found[2])
    assert read(run, NEAREST, **asked).values[0, :2].tolist() == [6.0, 4.0]
