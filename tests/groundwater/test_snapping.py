import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from mhx.errors import ConfigError
from mhx.groundwater.snapping import Line, snapped

from .sites import star

SQUARE = np.array([[0.0, 0.0], [1000.0, 0.0], [1000.0, 1000.0], [0.0, 1000.0]])


def river(*points: tuple[float, float], name: str = "river", **more) -> Line:
    return Line(id=name, points=np.array(points, dtype=float), **({"size": 100.0} | more))


def test_an_end_near_the_outline_is_put_on_it():
    net = snapped(SQUARE, [river((500, 20), (500, 600))], 0.4)
    assert [500.0, 0.0] in net.outline.tolist()
    assert net.chains["river"].tolist() == [[500, 0], [500, 600]]


def test_an_end_farther_away_stays():
    net = snapped(SQUARE, [river((500, 60), (500, 600))], 0.4)
    assert net.outline.tolist() == SQUARE.tolist()
    assert net.chains["river"].tolist() == [[500, 60], [500, 600]]


def test_a_straight_vertex_beside_the_end_is_dropped():
    ring = np.insert(SQUARE, 1, [[498.0, 0.0]], axis=0)
    net = snapped(ring, [river((500, 0), (500, 600))], 0.4)
    assert net.outline.tolist() == [[0, 0], [500, 0], [1000, 0], [1000, 1000], [0, 1000]]


def test_a_corner_takes_the_end_in():
    net = snapped(SQUARE, [river((998, 0), (500, 600))], 0.4)
    assert net.outline.tolist() == SQUARE.tolist()
    assert net.chains["river"].tolist() == [[1000, 0], [500, 600]]


def test_without_snapping_only_ends_on_the_outline_become_vertices():
    net = snapped(SQUARE, [river((998, 0), (500, 600)), river((500, 20), (400, 600), name="b")], 0)
    assert [998.0, 0.0] in net.outline.tolist()
    assert net.chains["b"].tolist() == [[500, 20], [400, 600]]


def test_a_line_is_cut_where_it_leaves_and_enters_again():
    over = river((500, 500), (1200, 500), (1200, 700), (500, 700))
    net = snapped(SQUARE, [over], 0.4)
    assert {(1000.0, 500.0), (1000.0, 700.0)} <= set(map(tuple, net.outline.tolist()))
    assert net.chains["river"].tolist() == [
        [500, 500], [1000, 500], [1200, 500], [1200, 700], [1000, 700], [500, 700],
    ]  # fmt: skip
    segments = net.points[net.lines["river"]]
    assert np.hypot(*(segments[:, 1] - segments[:, 0]).T).sum() == pytest.approx(1000)


def test_a_line_that_leaves_by_a_hair_comes_back_through_the_same_vertex():
    net = snapped(SQUARE, [river((500, 500), (800, -1), (900, 500))], 0.4)
    assert len(net.outline) == 5
    mouth = net.outline[1].tolist()
    assert mouth[1] == 0 and net.chains["river"][[1, 3]].tolist() == [mouth, mouth]


def test_an_end_stays_where_moving_it_would_leave_the_outline():
    """The corner at (500, 500) bends inwards; from there the line would run outside."""
    ring = np.array(
        [[0, 0], [1000, 0], [1000, 1000], [700, 1000], [500, 500], [450, 1000], [0, 1000]]
    )
    net = snapped(ring.astype(float), [river((520, 530), (740, 980))], 0.4)
    polygon = shapely.Polygon(net.outline)
    assert polygon.buffer(1e-3).covers(shapely.LineString(net.chains["river"]))


def test_a_short_line_near_a_corner_does_not_vanish():
    net = snapped(SQUARE, [river((5, 5), (30, 20))], 0.4)
    assert len(net.lines["river"]) == 1


def test_ends_of_two_lines_in_one_place_are_one_vertex():
    lines = [river((500, 0), (500, 600)), river((510, 5), (800, 600), name="b")]
    net = snapped(SQUARE, lines, 0.4)
    assert len(net.outline) == 5 and net.chains["b"][0].tolist() == [500, 0]


def test_lines_that_cross_share_a_point():
    net = snapped(
        SQUARE, [river((100, 500), (900, 500)), river((500, 100), (500, 900), name="b")], 0.4
    )
    crossing = net.points.tolist().index([500.0, 500.0])
    assert crossing in net.lines["river"] and crossing in net.lines["b"]


def test_a_line_along_the_outline_becomes_part_of_it():
    net = snapped(SQUARE, [river((200, 0), (400, 0), (400, 300))], 0.4)
    assert {(200.0, 0.0), (400.0, 0.0)} <= set(map(tuple, net.outline.tolist()))


def test_a_line_that_is_not_embedded_leaves_the_outline_alone():
    net = snapped(SQUARE, [river((500, 20), (500, 600), embed=False)], 0.4)
    assert net.outline.tolist() == SQUARE.tolist()


def test_a_line_outside_is_refused():
    with pytest.raises(ConfigError, match=r"mesh\.constraint 'river' lies outside of the outline"):
        snapped(SQUARE, [river((2000, 0), (3000, 0))], 0.4)


PLACE = st.tuples(st.floats(-900, 900), st.floats(-900, 900))


@given(
    st.lists(st.floats(200, 1000), min_size=3, max_size=9),
    st.lists(PLACE, min_size=2, max_size=4, unique=True),
)
def test_the_outline_keeps_its_area_and_shape(radii, points):
    ring = np.array(star(radii))
    line = river((0, 0), *points)
    if np.any(np.hypot(*np.diff(line.points, axis=0).T) < 1):
        return
    net = snapped(ring, [line], 0.4)
    before, after = shapely.Polygon(ring), shapely.Polygon(net.outline)
    assert after.is_valid
    assert abs(after.area - before.area) <= 1e-10 * before.area
    assert shapely.hausdorff_distance(before.exterior, after.exterior) < 1e-6
