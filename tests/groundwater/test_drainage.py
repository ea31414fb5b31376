import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mhx.groundwater import drainage

GROUND = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8),
                elements=st.integers(0, 5).map(float))  # fmt: skip
NAN = np.nan


@given(GROUND)
def test_every_cell_drains_downhill_to_the_rim(ground):
    level, target = drainage.flooded(ground)
    assert (level >= ground).all()
    flat, inside = level.ravel(), target >= 0
    assert (flat[inside] > flat[target[inside]]).all()
    rows, columns = ground.shape
    row, column = np.divmod(np.flatnonzero(~inside), columns)
    assert ((row == 0) | (row == rows - 1) | (column == 0) | (column == columns - 1)).all()


@given(GROUND)
def test_all_water_that_falls_leaves(ground):
    level, target = drainage.flooded(ground)
    count = drainage.accumulation(level, target)
    assert count[target < 0].sum() == ground.size


@given(GROUND)
def test_what_drains_through_an_outlet_is_its_accumulation(ground):
    level, target = drainage.flooded(ground)
    count = drainage.accumulation(level, target)
    outlet = int(np.argmax(count))
    assert drainage.upstream(level, target, outlet).sum() == count[outlet]


def test_a_pit_rises_to_its_lowest_way_out_plus_increments():
    ground = np.array([[9.0, 9, 9, 9, 9], [9, 1, 1, 4, 9], [9, 9, 9, 9, 3], [9, 9, 9, 9, 9]])
    level, target = drainage.flooded(ground)
    assert level[1, 3] == 4  # drains to the 3 at the rim
    assert level[1, 2] == pytest.approx(4 + drainage.INCREMENT)
    assert level[1, 1] == pytest.approx(4 + 2 * drainage.INCREMENT)
    assert target.reshape(ground.shape)[1, 1] == 1 * 5 + 2


def test_water_leaves_at_cells_without_elevation():
    ground = np.array([[9.0, 9, 9, 9], [9, 5, NAN, 9], [9, 9, 9, 9]])
    level, target = drainage.flooded(ground)
    assert level[1, 1] == 5 and target.reshape(3, 4)[1, 1] == -1
    assert np.isnan(level[1, 2])
    assert drainage.accumulation(level, target)[1 * 4 + 2] == 0


def test_the_main_stream_follows_the_larger_side_and_stops_at_its_head():
    #   0 <- 1 <- 2 <- 3        2 <- 4 <- 5 <- 6
    target = np.array([-1, 0, 1, 2, 2, 4, 5])
    count = np.array([7, 6, 5, 1, 3, 2, 1])
    assert drainage.main_stream(target, count, 0, 1).tolist() == [6, 5, 4, 2, 1, 0]
    assert drainage.main_stream(target, count, 0, 3).tolist() == [4, 2, 1, 0]


def test_an_outlet_beside_the_stream_moves_onto_it_and_one_on_it_stays():
    count = np.array([[1, 1, 1, 1], [80, 90, 95, 100], [1, 1, 1, 1]]).ravel()
    assert drainage.snapped(count, (3, 4), (1, 0), 3) == 4
    assert drainage.snapped(count, (3, 4), (0, 1), 3) == 5
    assert drainage.snapped(count, (3, 4), (0, 1), 0) == 1
