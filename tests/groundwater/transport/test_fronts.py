"""Fronts, moments and arrivals of plumes whose numbers are known exactly."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mhx.groundwater.transport import fronts

from .plumes import SPEED, box, connections, hexagons, result

EAST = np.array([1.0, 0.0])
GRIDS = {
    "columns and rows": lambda: box(400.0, 40.0, 4.0),
    "hexagons": lambda: hexagons(100, 15, 4.0),
}


def ramp(places, middle, width):
    """1 up to half a width before the middle, 0 from half a width behind it."""
    return np.clip(0.5 + (middle - places) / width, 0.0, 1.0)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@pytest.mark.parametrize("turn", [0.0, 0.3, math.pi / 2, 2.5])
def test_a_linear_front_is_found_where_it_is_whatever_the_grid_and_direction(grid, turn):
    """Between the centres of two cells the ramp is linear, so interpolation is exact."""
    grid = grid()
    towards = np.array([math.cos(turn), math.sin(turn)])
    start = (grid.vertices @ towards).min()
    length = np.ptp(grid.vertices @ towards)
    values = ramp(grid.centres @ towards - start, 0.4 * length, 0.7 * length)[None]
    assert fronts.front(grid, values, towards, 0.5) == pytest.approx(0.4 * length, rel=1e-9)
    width = fronts.front(grid, values, towards, 0.16) - fronts.front(grid, values, towards, 0.84)
    assert width == pytest.approx(0.68 * 0.7 * length, rel=1e-9)


def test_the_front_of_two_layers_is_that_of_the_faster():
    grid = box(400.0, 40.0, 4.0)
    x = grid.centres[:, 0]
    values = np.stack([ramp(x, 100.0, 80.0), ramp(x, 180.0, 80.0)])
    assert fronts.front(grid, values, EAST, 0.5) == pytest.approx(180.0)


def test_a_front_that_never_formed_or_has_left_is_none():
    grid = box(400.0, 40.0, 4.0)
    x = grid.centres[:, 0]
    assert math.isnan(fronts.front(grid, 0.3 * ramp(x, 100.0, 80.0)[None], EAST, 0.5))
    assert math.isnan(fronts.front(grid, np.ones((1, grid.n_cells)), EAST, 0.5))
    axis = np.abs(grid.centres[:, 1] - 20.0) < 8.0  # a tongue through the outlet
    assert math.isnan(fronts.front(grid, axis.astype(float)[None], EAST, 0.5))


def test_a_dry_cell_neither_carries_nor_stops_a_front():
    grid = box(400.0, 4.0, 4.0)
    values = ramp(grid.centres[:, 0], 200.0, 80.0)
    values[10] = math.nan
    assert fronts.front(grid, values[None], EAST, 0.5) == pytest.approx(200.0)


def test_along_a_line_the_distance_counts_from_its_start():
    pytest.importorskip("shapely")
    grid = box(400.0, 40.0, 4.0)
    values = ramp(grid.centres[:, 0], 200.0, 80.0)[None]
    line = np.array([[50.0, 22.0], [390.0, 22.0]])
    assert fronts.front_on_line(grid, values, line, 0.5) == pytest.approx(150.0)
    assert math.isnan(fronts.front_on_line(grid, np.ones_like(values), line, 0.5))


def test_the_mean_flow_has_its_direction_and_none_where_all_of_it_cancels():
    grid = hexagons(12, 9, 5.0)
    flow = (0.6 * SPEED, 0.8 * SPEED)
    towards = fronts.direction(result(grid, np.zeros((1, grid.n_cells)), velocity=flow), grid)
    assert towards == pytest.approx([0.6, 0.8], abs=0.02)  # rim cells have no face outside
    square = box(80.0, 80.0, 4.0)
    links = connections(square)
    to_centre = np.zeros(links.rate.shape)
    middle = 0.5 * (square.centres[links.one] + square.centres[links.other]) - 40.0
    way = square.centres[links.other] - square.centres[links.one]
    to_centre[0] = -np.sum(middle * way, axis=1)
    still = result(square, np.zeros((1, square.n_cells)), velocity=(0.0, 0.0))
    assert fronts.direction(still, square) is None
    inward = replace(links, rate=to_centre)
    radial = result(square, np.zeros((1, square.n_cells)), connections=inward)
    assert fronts.direction(radial, square) is None


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_moments_of_a_gaussian_plume_are_its_own(grid):
    grid = grid()
    x, y = grid.centres.T
    cx, cy, sx, sy = 190.0, 20.0, 15.0, 4.0
    along = np.exp(-(((x - cx) / sx) ** 2) / 2) * np.exp(-(((y - cy) / sy) ** 2) / 2)
    found = fronts.moments(grid, (along * grid.areas)[None] * 7.0, EAST)
    assert found.mass_kg == pytest.approx(7.0 * 2 * math.pi * sx * sy, rel=1e-5)
    assert (found.x, found.y) == pytest.approx((cx, cy), abs=1e-4)
    assert (found.along, found.across) == pytest.approx((sx**2, sy**2), rel=1e-4)


def test_moments_far_from_the_origin_keep_their_digits():
    grid = box(400.0, 40.0, 4.0)
    mass = np.exp(-(((grid.centres[:, 0] - 200.0) / 15.0) ** 2) / 2)[None]
    shift = np.array([4.6e5, 6.86e6])
    far = replace(grid, centres=grid.centres + shift, vertices=grid.vertices + shift)
    here, there = fronts.moments(grid, mass, EAST), fronts.moments(far, mass, EAST)
    assert there.along == pytest.approx(here.along, rel=1e-9)
    assert there.x - 4.6e5 == pytest.approx(here.x, abs=1e-6)


def test_no_mass_has_no_centre():
    grid = box(40.0, 4.0, 4.0)
    found = fronts.moments(grid, np.zeros((1, grid.n_cells)), EAST)
    assert found.mass_kg == 0
    assert all(math.isnan(value) for value in (found.x, found.y, found.along, found.across))


TIMES = np.array([1.0, 2.0, 4.0])
ARRIVALS = {
    "between two steps": ([0.0, 0.4, 0.8], 0.5, 0.0, 2.5),
    "in the first step": ([0.8, 0.9, 1.0], 0.4, 0.0, 0.5),
    "there from the start": ([0.8, 0.9, 1.0], 0.4, 0.6, 0.0),
    "on a step": ([0.0, 0.4, 0.8], 0.4, 0.0, 2.0),
    "the first of two times": ([0.6, 0.1, 0.9], 0.3, 0.0, 0.5),
    "never": ([0.0, 0.1, 0.2], 0.5, 0.0, None),
    "no level": ([0.0, 0.1, 0.2], math.nan, 0.0, None),
    "wet only then": ([math.nan, 0.7, 0.8], 0.5, 0.0, 2.0),
}


@pytest.mark.parametrize(("values", "level", "start", "when"), ARRIVALS.values(), ids=ARRIVALS)
def test_an_arrival_is_the_first_crossing_and_never_is_none(values, level, start, when):
    found = fronts.arrival(TIMES, np.array(values), level, start)
    assert math.isnan(found) if when is None else found == pytest.approx(when)


def test_the_peak_is_where_it_is_first_to_nine_digits():
    held = np.array([0.5, 1.0 - 1e-13, 1.0])
    assert fronts.peak(TIMES, held) == (1.0, 2.0)
    assert fronts.peak(TIMES, np.array([0.1, math.nan, 0.05])) == (0.1, 1.0)
    assert all(math.isnan(v) for v in fronts.peak(TIMES, np.full(3, math.nan)))
