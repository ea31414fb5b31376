"""The numbers of `mesh_metrics` on meshes that are worked out by hand, and on broken ones."""

import dataclasses

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mhx.groundwater import conformity
from mhx.groundwater.conformity import angles, aspects, mesh_metrics, orthogonality
from mhx.groundwater.grid import Grid, centroids, signed_areas
from mhx.groundwater.terrain import terrain_of
from mhx.groundwater.vocabulary import VOCABULARY

from .sites import line, meshed, rectangle, site

UNIT = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def grid_of(vertices, cells, outline=UNIT, centres=None) -> Grid:
    vertices = np.array(vertices, dtype=float)
    corners = np.array([corner for cell in cells for corner in cell])
    offsets = np.cumsum([0, *map(len, cells)])
    return Grid(
        kind="disv", vertices=vertices, corners=corners, offsets=offsets,
        centres=centroids(vertices, corners, offsets) if centres is None else np.array(centres),
        areas=np.abs(signed_areas(vertices, corners, offsets)), outline=outline,
    )  # fmt: skip


def metrics_of(grid, side=1.0, **mesh):
    config = site(rectangle(side, side), size=side, **mesh)
    return mesh_metrics(grid, terrain_of(config), config)


HALVES = ([[0, 2, 1], [0, 3, 2]], UNIT)


def test_two_triangles_by_hand():
    found = metrics_of(grid_of(UNIT, HALVES[0]))
    assert (found["n_cells"], found["n_nodes"], found["n_edges"]) == (2, 4, 5)
    assert found["area_total_m2"] == 1 and found["area_error_relative"] == 0
    assert found["min_angle_deg"] == pytest.approx(45)
    assert found["max_angle_deg"] == pytest.approx(90)
    assert found["aspect_max"] == pytest.approx(2)  # sides 2/sqrt(2) and 1/sqrt(2), or 1 and 1
    assert found["area_ratio_max"] == 1 and found["neighbours_max"] == 1
    assert found["orthogonality_max_deg"] == pytest.approx(0, abs=1e-6)
    assert found["face_offset_max"] == pytest.approx(0, abs=1e-12)
    assert found["h_effective_m"] == found["h_min_m"] == pytest.approx(np.sqrt(0.5))
    assert found["euler_characteristic"] == 1 and found["islands"] == 0


def test_angles_of_a_bent_cell_go_beyond_180():
    bent = grid_of([[0, 0], [0, 2], [1, 0.5], [2, 0]], [[0, 1, 2, 3]])
    assert angles(bent).sum() == pytest.approx(360)
    assert angles(bent)[2] > 180


def test_the_aspect_is_that_of_the_smallest_rectangle_however_turned():
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    brick = np.array([[0, 0], [0, 1], [3, 1], [3, 0]]) @ turn
    assert aspects(grid_of(brick, [[0, 1, 2, 3]])) == pytest.approx([3])
    arrow = np.array([[0, 0], [0, 4], [0.5, 1.5], [8, 0]]) @ turn
    polygon = shapely.Polygon(arrow)
    sides = np.diff(np.array(shapely.oriented_envelope(polygon).exterior.coords)[:3], axis=0)
    lengths = np.hypot(*sides.T)
    expected = lengths.max() / lengths.min()
    assert aspects(grid_of(arrow, [[0, 1, 2, 3]])) == pytest.approx([expected])


def test_orthogonality_and_offset_of_shifted_centres():
    """Two unit squares; the second centre moved up by 1: 45 degrees, cut in the middle plus 1/2."""
    vertices = [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]
    cells = [[0, 3, 4, 1], [1, 4, 5, 2]]
    grid = grid_of(vertices, cells, centres=[[0.5, 0.5], [1.5, 1.5]])
    assert orthogonality(grid) == pytest.approx([45])
    found = metrics_of(grid, 2.0)
    assert found["face_offset_max"] == pytest.approx(0.5)
    assert found["orthogonality_fraction_gt_1deg"] == 1


SQUARES = [[0, 3, 4, 1], [1, 4, 5, 2]]
PAIR = [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]
BROKEN = {
    "a cell turned": (PAIR, [SQUARES[0], SQUARES[1][::-1]], {"cells_not_clockwise": 1}),
    "a cell twice": (
        PAIR, [*SQUARES, SQUARES[1]], {"edges_not_shared_by_two": 1, "area_error_relative": 0.5},
    ),
    "a gap": (PAIR, SQUARES[:1], {"symmetric_difference_fraction": 0.5}),
    "an island": (
        [*PAIR[:2], [3, 0], [0, 1], [1, 1], [3, 1], [2, 0], [2, 1]],
        [SQUARES[0], [6, 7, 5, 2]], {"islands": 1, "euler_characteristic": 2},
    ),
    "a crack": (
        [*PAIR, [1, 0], [1, 1]], [SQUARES[0], [6, 7, 5, 2]],
        {"duplicate_vertices": 2, "edges_not_shared_by_two": 2, "islands": 1},
    ),
    "a hanging vertex": (
        [*PAIR, [1, 0.5]], [[0, 3, 4, 6, 1], SQUARES[1]], {"edges_not_shared_by_two": 3},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("vertices", "cells", "wrong"), BROKEN.values(), ids=BROKEN)
def test_a_mesh_that_is_none_is_seen(vertices, cells, wrong):
    config = site(rectangle(2.0, 1.0), kind="rectangular_disv", size=1.0)
    terrain = terrain_of(config)
    sound = mesh_metrics(grid_of(PAIR, SQUARES), terrain, config)
    found = mesh_metrics(grid_of(vertices, cells), terrain, config)
    for key, value in wrong.items():
        assert sound[key] == (1 if key == "euler_characteristic" else 0)
        assert found[key] == pytest.approx(value)


def test_one_cell_has_no_face_and_says_nothing_of_faces():
    found = metrics_of(grid_of(UNIT, [[0, 3, 2, 1]]))
    assert "orthogonality_max_deg" not in found and "area_ratio_max" not in found
    assert found["neighbours_max"] == 0 and found["euler_characteristic"] == 1


def test_a_line_over_a_regular_grid_is_carried_by_nothing():
    river = line("river", (50.0, 130.0), (950.0, 130.0))
    config = site(constraint=[river])
    grid, terrain = meshed(config)
    found = mesh_metrics(grid, terrain, config)
    assert found["constraint_river_edge_distance_max_m"] == pytest.approx(30)
    assert found["constraint_river_centre_distance_max_m"] == pytest.approx(20)
    assert found["constraint_river_covered_fraction"] < 0.1  # where it crosses the grid's lines
    assert found["constraint_river_cells"] == 10
    assert found["constraint_vertex_distance_min_over_h"] == 9


def test_a_line_along_grid_lines_is_carried_by_edges():
    river = line("river", (0.0, 400.0), (1000.0, 400.0))
    config = site(constraint=[river])
    grid, terrain = meshed(config)
    found = mesh_metrics(grid, terrain, config)
    assert found["constraint_river_edge_distance_max_m"] == 0
    assert found["constraint_river_covered_fraction"] == 1
    assert found["constraint_river_cells"] == 20


def test_the_part_of_a_line_outside_of_the_mesh_is_not_covered():
    river = line("river", (0.0, 400.0), (2000.0, 400.0))
    config = site(constraint=[river])
    grid, terrain = meshed(config)
    found = mesh_metrics(grid, terrain, config)
    assert found["constraint_river_covered_fraction"] == pytest.approx(0.5, abs=0.01)


def test_every_metric_is_a_word_of_the_vocabulary():
    config = site(constraint=[line("river", (50.0, 130.0), (950.0, 130.0))])
    grid, terrain = meshed(config)
    terrain = dataclasses.replace(
        terrain,
        metrics=dict.fromkeys(
            (
                "catchment_area_m2", "catchment_relief_m", "catchment_stream_length_m",
                "outline_area_change_relative", "outline_simplification_hausdorff_m",
            ),
            1.0,
        ),
    )  # fmt: skip
    for name in mesh_metrics(grid, terrain, config):
        assert VOCABULARY.find(f"mesh_metrics.{name}"), name


@given(
    count=st.integers(1, 30),
    links=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40),
)
def test_pieces_are_counted_as_graph_theory_does(count, links):
    links = np.array([(a % count, b % count) for a, b in links], dtype=int).reshape(-1, 2)
    graph = coo_array((np.ones(len(links)), tuple(links.T)), shape=(count, count))
    parts, _ = connected_components(graph, directed=False)
    assert conformity._parts(count, *links.T) == parts


@given(places=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_close_pairs_are_all_pairs_within_the_distance(places):
    vertices = 0.7 * conformity.DUPLICATE * np.array(places, dtype=float)
    away = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    expected = np.count_nonzero(np.triu(away <= conformity.DUPLICATE, k=1))
    assert conformity._close_pairs(vertices) == expected
