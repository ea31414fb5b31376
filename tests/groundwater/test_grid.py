import numpy as np
import pytest

from mhx.groundwater.grid import Grid, centroids, clockwise, signed_areas

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def two_triangles() -> Grid:
    corners, offsets = np.array([0, 2, 1, 0, 3, 2]), np.array([0, 3, 6])
    return Grid(
        kind="disv", vertices=SQUARE, corners=corners, offsets=offsets,
        centres=centroids(SQUARE, corners, offsets), areas=np.full(2, 0.5), outline=SQUARE,
    )  # fmt: skip


def test_the_common_side_is_the_one_inner_edge():
    edges = two_triangles().edges
    assert (edges.i.tolist(), edges.j.tolist()) == ([0], [1])
    assert (edges.a.tolist(), edges.b.tolist()) == ([0], [2])  # clockwise in cell 0
    assert edges.owner.tolist() == [0, 0, 1, 1]
    assert edges.count == 5 and edges.crowded == 0


def test_an_edge_of_three_cells_is_crowded():
    grid = two_triangles()
    corners = np.concatenate([grid.corners, [0, 1, 2]])
    crowded = Grid(
        kind="disv", vertices=SQUARE, corners=corners, offsets=np.array([0, 3, 6, 9]),
        centres=centroids(SQUARE, corners, np.array([0, 3, 6, 9])), areas=np.full(3, 0.5),
        outline=SQUARE,
    )  # fmt: skip
    assert crowded.edges.crowded == 1


def test_the_area_of_a_small_cell_survives_large_coordinates():
    shifted = SQUARE * 1e-3 + np.array([4.6e5, 6.9e6])
    area = signed_areas(shifted, np.array([0, 1, 2, 3]), np.array([0, 4]))
    assert area == pytest.approx(1e-6, rel=1e-5)  # the corners themselves have 1e-9 m


def test_turning_clockwise_keeps_the_first_corner_and_cells_that_are_right():
    corners = np.array([0, 1, 2, 3, 2, 1, 0, 3])
    turned = clockwise(SQUARE, corners, np.array([0, 4, 8]))
    assert turned.tolist() == [0, 3, 2, 1, 2, 1, 0, 3]
    assert (signed_areas(SQUARE, turned, np.array([0, 4, 8])) < 0).all()


def test_the_digest_is_that_of_the_mesh_and_nothing_else():
    grid = two_triangles()
    assert grid.digest == two_triangles().digest
    moved = Grid(**{**vars(two_triangles()), "vertices": SQUARE * 2})
    assert moved.digest != grid.digest
