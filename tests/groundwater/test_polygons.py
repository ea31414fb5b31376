import numpy as np
import pytest
import shapely

from mhx.groundwater.polygons import hausdorff


def ring(corners: int, seed: int) -> np.ndarray:
    """A star-shaped polygon in projected coordinates."""
    draw = np.random.default_rng(seed)
    turn = np.sort(draw.uniform(0, 2 * np.pi, corners))
    radius = draw.uniform(500, 1000, corners)
    return [461_000, 6_863_000] + radius[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_of_rings_is_that_of_geos(seed):
    one, other = ring(40, seed), ring(55, seed + 100)
    expected = shapely.hausdorff_distance(
        shapely.LinearRing(one), shapely.LinearRing(other), densify=0.1
    )
    assert hausdorff(one, other, 10) == pytest.approx(expected, rel=1e-9)
    assert hausdorff(one, other, 10) == hausdorff(other, one, 10)


def test_a_ring_moved_aside_is_as_far_away_as_it_was_moved():
    square = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
    assert hausdorff(square, np.roll(square, 1, axis=0), 10) == 0
    assert hausdorff(square, square + np.array([3.0, 0.0]), 10) == 3


def test_circles_of_many_corners_are_apart_by_their_radii():
    turn = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    assert hausdorff(1000 * circle, 1010 * circle, 10) == pytest.approx(10, abs=2e-3)
