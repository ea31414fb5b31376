import json

import numpy as np
import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater.packages import Where
from mhx.groundwater.where import cells_where, line_cells

from .sites import line, meshed, site

RIVER = line("river", (50.0, 350.0), (950.0, 350.0))
EDGE = line("edge", (0.0, 400.0), (1000.0, 400.0))
LEAVING = line("leaving", (50.0, 350.0), (1300.0, 350.0))
KEY = "flow.bc[0].where"


@pytest.fixture(scope="module")
def square():
    """10 x 8 cells of 100 m; cell 0 in the north-west."""
    return meshed(site(constraint=[RIVER, EDGE, LEAVING]))


def cells(square, **selector):
    return cells_where(parse(Where, selector), *square, key=KEY).tolist()


FOUND = {
    "west": ({"side": "west"}, [0, 10, 20, 30, 40, 50, 60, 70]),
    "north": ({"side": "north"}, list(range(10))),
    "east": ({"side": "east"}, [9, 19, 29, 39, 49, 59, 69, 79]),
    "south": ({"side": "south"}, list(range(70, 80))),
    "line": ({"line": "river"}, list(range(40, 50))),
    "line on edges": ({"line": "edge"}, list(range(30, 50))),
    "end of a line": ({"line": "river", "last_m": 220.0}, [47, 48, 49]),
    "more than the line": ({"line": "river", "last_m": 1e6}, list(range(40, 50))),
    "end of a line inside": ({"line": "leaving", "last_m": 220.0}, [47, 48, 49]),
    "points": ({"points": [[950.0, 50.0], [10.0, 790.0], [20.0, 780.0]]}, [0, 79]),
    "cells": ({"cells": [7, 3, 3]}, [3, 7]),
    "all": ({"all": True}, list(range(80))),
}


@pytest.mark.parametrize(("selector", "expected"), FOUND.values(), ids=FOUND)
def test_found(square, selector, expected):
    assert cells(square, **selector) == expected


def test_the_boundary_is_every_cell_at_the_outline(square):
    found = cells(square, boundary=True)
    assert len(found) == 32 and 11 not in found and 0 in found


@pytest.mark.parametrize("suffix", ["csv", "geojson"])
def test_a_polygon_takes_the_cells_whose_centres_it_holds(square, tmp_path, suffix):
    ring = [[0, 0], [260, 0], [260, 160], [0, 160]]
    path = tmp_path / f"area.{suffix}"
    if suffix == "csv":
        path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in ring))
    else:
        path.write_text(json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}))
    assert cells(square, polygon=str(path)) == [60, 61, 62, 70, 71, 72]  # of row 6 the middle


def test_except_leaves_the_cells_of_another_boundary(square):
    selector = parse(Where, {"except": "outlet"})
    known = {"outlet": np.arange(78)}
    assert cells_where(selector, *square, key=KEY, known=known).tolist() == [78, 79]
    with pytest.raises(ConfigError, match=r"where\.except is .outlet.; .* none before this one"):
        cells_where(selector, *square, key=KEY)
    with pytest.raises(ConfigError, match=r"where\.except = 'outlet' finds no cell"):
        cells_where(selector, *square, key=KEY, known={"outlet": np.arange(80)})


FAULTS = {
    "outside": (
        {"points": [[5.0, 5.0], [-1.0, 5.0]]},
        r"where.points: outside of the mesh: \[-1, 5",
    ),
    "no such cell": ({"cells": [79, 80]}, "where.cells: no such cell: 80; cells are 0 to 79"),
    "unknown line": (
        {"line": "brook"},
        "where.line is 'brook'; the mesh constraints are: edge, leaving, ri",
    ),
}


@pytest.mark.parametrize(("selector", "told"), FAULTS.values(), ids=FAULTS)
def test_faults(square, selector, told):
    with pytest.raises(ConfigError, match=told):
        cells(square, **selector)


def test_a_selector_that_finds_no_cell_is_a_fault(square, tmp_path):
    far = tmp_path / "far.csv"
    far.write_text("x,y\n5000,0\n5100,0\n5100,100\n")
    with pytest.raises(ConfigError, match=r"where.polygon = '.*far.csv' finds no cell"):
        cells(square, polygon=str(far))
    corner = {"kind": "polygon", "points": [[0, 0], [500, 400], [0, 800], [-500, 400]]}
    diamond = meshed(site(corner, kind="rectangular_disv"))
    with pytest.raises(ConfigError, match=r"where\.side = 'west' finds no cell"):
        cells(diamond, side="west")


def test_a_polygon_file_that_is_wrong_names_the_key(square, tmp_path):
    path = tmp_path / "area.csv"
    path.write_text("x,y\n1,2\n3,b\n")
    with pytest.raises(ConfigError, match=r"flow.bc\[0\].where.polygon: .*area.csv:3  y must be a"):
        cells(square, polygon=str(path))


@pytest.mark.parametrize("name", ["river", "edge"])
def test_the_length_in_the_cells_adds_up_to_that_of_the_line(square, name):
    """Along an edge each side gets half."""
    found, length = line_cells(parse(Where, {"line": name}), *square, key=KEY)
    drawn = {"river": 900.0, "edge": 1000.0}[name]
    assert length.sum() == pytest.approx(drawn, rel=1e-6)
    each = {"river": 100.0, "edge": 50.0}[name]
    assert length[1:-1] == pytest.approx(np.full(len(found) - 2, each), rel=1e-6)


def test_a_closed_line_and_one_that_crosses_itself_keep_their_length():
    lake = line("lake", (150.0, 150.0), (450.0, 150.0), (450.0, 450.0), (150.0, 450.0), closed=True)
    knot = line("knot", (520.0, 120.0), (880.0, 480.0), (880.0, 120.0), (520.0, 480.0))
    square = meshed(site(constraint=[lake, knot]))
    for name, expected in (("lake", 1200.0), ("knot", 360 + 2 * np.hypot(360, 360))):
        _, length = line_cells(parse(Where, {"line": name}), *square, key=KEY)
        assert length.sum() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("kind", ["triangles", "voronoi"])
def test_a_line_that_the_mesh_respects(gmsh, kind):
    """Triangles: both sides of the edges on it; Voronoi cells: those with a centre on it."""
    bent = line("river", (0.0, 300.0), (400.0, 420.0), (800.0, 380.0))
    grid, terrain = meshed(site(kind=kind, size=75.0, constraint=[bent]))
    found, length = line_cells(parse(Where, {"line": "river"}), grid, terrain, key=KEY)
    drawn = np.hypot(400, 120) + np.hypot(400, 40)
    assert length.sum() == pytest.approx(drawn, rel=1e-3)
    steps = round(drawn / 75)
    assert 1.7 * steps <= found.size <= 2.5 * steps if kind == "triangles" else found.size >= steps
