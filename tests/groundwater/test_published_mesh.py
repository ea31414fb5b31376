"""The published mesh of 547 triangles: every number of the table beside its files.

It lies beside the project, in ../shared, and is not copied; where it is absent the tests skip.
"""

import os

import numpy as np
import pytest

from mhx.evidence.hashing import file_digest
from mhx.groundwater.conformity import mesh_metrics
from mhx.groundwater.packages import Where
from mhx.groundwater.where import cells_where

from .sites import meshed, rectangle, site

WEST, SOUTH, WIDTH, HEIGHT = 461_737.5, 6_863_512.5, 7725.0, 6525.0
SHA256 = {
    "nodes.csv": "1c05e31d6c5d7093f657de9f9ec25ea39a4fb199567e82369b916e82229ca51c",
    "triangles.csv": "c31171161a527b70439e3422b30f26d7ca481ff4acad93a65a8df63ed43b4ee7",
}


@pytest.fixture(scope="module")
def folder(request):
    path = request.config.rootpath.parent / "shared" / "data" / "flow_k_sensitivity"
    if not path.is_dir():
        reason = f"the published mesh is not here: {path}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"NOT TESTED HERE: {reason}")
    return path


@pytest.fixture(scope="module")
def config(folder):
    plane = {
        "kind": "plane", "base_elevation": 200.0, "amplitude": 40.0, "rises_to": "west",
        "anchor": "cell_centres", "support_cell": 75.0,
    }  # fmt: skip
    files = {"nodes": str(folder / "nodes.csv"), "cells": str(folder / "triangles.csv")}
    domain = rectangle(WIDTH, HEIGHT, x0=WEST, y0=SOUTH)
    return site(domain, plane, kind="file", size=None, **files)


@pytest.fixture(scope="module")
def published(config):
    return meshed(config)


def side(published, name):
    return cells_where(Where(side=name), *published, key="where")


def test_the_files_are_the_published_ones(folder):
    assert {name: file_digest(folder / name) for name in SHA256} == SHA256


def test_the_mesh_as_its_table_has_it(config, published):
    grid, terrain = published
    found = mesh_metrics(grid, terrain, config)
    assert grid.vertices.min(axis=0).tolist() == [WEST, SOUTH]
    assert grid.vertices.max(axis=0).tolist() == [469_462.5, 6_870_037.5]
    assert found["area_total_m2"] == pytest.approx(50_405_625, rel=1e-13)
    assert found["area_total_m2"] == pytest.approx(WIDTH * HEIGHT, rel=1e-13)
    assert (found["n_nodes"], found["n_edges"], found["n_cells"]) == (283, 829, 547)
    assert found["euler_characteristic"] == 1
    assert (grid.edges.i.size, grid.edges.owner.size) == (812, 17)
    assert round(found["min_angle_deg"], 2) == 2.03
    assert round(found["min_angle_p05_deg"], 1) == 23.8
    assert round(found["max_angle_deg"], 1) == 169.7
    assert round(found["cell_area_min_m2"]) == 563
    assert round(found["cell_area_max_m2"]) == 1_468_531
    assert found["cells_not_clockwise"] == found["edges_not_shared_by_two"] == 0
    assert found["symmetric_difference_fraction"] == 0


def test_its_sides(published):
    grid, _ = published
    assert side(published, "west").tolist() == [51, 123, 330, 338]
    assert side(published, "east").tolist() == [25, 122, 332, 341]
    west, east = (grid.areas[side(published, name)].sum() for name in ("west", "east"))
    assert round(west, 3) == 2_485_975.607
    assert round(east, 3) == 3_353_024.165
    assert round(grid.areas.sum() - west - east, 3) == 44_566_625.227
    count = {name: side(published, name).size for name in ("west", "east", "north", "south")}
    assert count == {"west": 4, "east": 4, "north": 4, "south": 5}


def test_its_tops_are_the_formula_of_the_published_case(published):
    grid, terrain = published
    x = grid.centres[:, 0]
    expected = 200 + 40 * (1 - (x - 461_737.5 - 37.5) / (7725 - 75))
    assert np.abs(terrain.tops(grid) - expected).max() < 1e-12


def test_cells_keep_the_order_of_the_file(folder, published):
    grid, _ = published
    rows = np.loadtxt(folder / "triangles.csv", delimiter=",", skiprows=1, dtype=int)[:, 1:]
    corners = grid.corners.reshape(-1, 3)
    assert (np.sort(corners, axis=1) == np.sort(rows, axis=1)).all()
    assert (corners[:, 0] == rows[:, 0]).all()
