"""Courant, Peclet and numerical dispersion against what is known by hand, and the advice."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mhx.groundwater.transport import dispersion
from mhx.groundwater.transport.dispersion import Medium, advice, numbers

from .plumes import POROSITY, SPEED, box, connections, hexagons, result

V = SPEED * 86_400  # 0.5 m/d
STILL = {"upstream": 0, "central": 1, "tvd": 0}


def run(grid, velocity=(SPEED, 0.0), steps=(2.0, 4.0), **changes):
    times = np.cumsum(steps)
    return result(grid, np.zeros((len(steps), grid.n_cells)), times, velocity, **changes)


def ground(**changes):
    return Medium(**({"porosity": POROSITY, "alpha_l": 4.0, "alpha_th": 0.4} | changes))


def test_one_dimension_by_hand():
    grid = box(200.0, 4.0, 4.0)
    found = numbers(run(grid), grid, ground(diffusion=1e-9))
    spread = 4.0 * V + 1e-9 * 86_400
    assert found.courant_max == pytest.approx(V * 4.0 / 4.0)  # longest step, v dt / dx
    assert found.courant_mean == pytest.approx(V * 3.0 / 4.0)
    assert found.peclet_max == pytest.approx(V * 4.0 / spread)
    assert found.peclet_mean == pytest.approx(V * 4.0 / spread)
    assert found.physical_m2_d == pytest.approx(spread)
    assert found.in_time_m2_d == pytest.approx(V**2 / 2 * (4.0 + 16.0) / 6.0)
    assert found.in_space_m2_d == pytest.approx(V * 4.0 / 2)
    assert found.transverse_m == 0.0
    assert (found.spacing_m, found.step_d) == (4.0, 4.0)


def test_only_upstream_weighting_disperses_in_space():
    grid = box(40.0, 40.0, 4.0)
    one = run(grid, about={"scheme": STILL}, velocity=(SPEED, SPEED))
    found = numbers(one, grid, ground())
    assert (found.in_space_m2_d, found.transverse_m) == (0.0, 0.0)


@pytest.mark.parametrize("turn", [0.0, 0.2, math.pi / 4, 1.1])
def test_upstream_weighting_on_squares_disperses_as_its_modified_equation_says(turn):
    """D_xx = v_x h / 2 and D_yy = v_y h / 2, turned into the direction of the flow."""
    grid = box(60.0, 60.0, 4.0)
    cos, sin = math.cos(turn), math.sin(turn)
    found = numbers(run(grid, (SPEED * cos, SPEED * sin)), grid, ground())
    along = cos**2 * cos * 2.0 + sin**2 * sin * 2.0
    across = sin**2 * cos * 2.0 + cos**2 * sin * 2.0
    assert found.in_space_m2_d == pytest.approx(along * V, rel=0.02)
    assert found.transverse_m == pytest.approx(across, rel=0.02, abs=1e-12)


def test_hexagons_take_a_quarter_of_their_spacing_across_the_flow():
    grid = hexagons(14, 12, 6.0)
    found = numbers(run(grid), grid, ground())
    assert found.transverse_m == pytest.approx(6.0 / 4.0)
    assert found.transverse_ratio == pytest.approx(1.5 / 0.4)
    central = numbers(run(grid, about={"scheme": STILL}), grid, ground())
    assert (central.transverse_m, central.transverse_ratio) == (0.0, 0.0)
    links = connections(grid)  # and so says the sum over their faces
    way = grid.centres[links.other] - grid.centres[links.one]
    inner = (np.bincount(np.r_[links.one, links.other]) == 6)[links.one]
    rate = np.abs(links.rate[0])
    share = 0.5 * (rate @ (way[:, 1] ** 2 * inner)) / (rate @ (np.abs(way[:, 0]) * inner))
    assert share == pytest.approx(6.0 / 4.0, rel=1e-9)


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.2])
def test_velocities_of_a_uniform_flow_are_exact_in_every_cell_also_at_the_rim(turn):
    from mhx.groundwater.transport.velocities import normals, velocities

    grid = hexagons(9, 8, 6.0)
    flow = np.array([math.cos(turn), math.sin(turn)]) * SPEED
    links = connections(grid, tuple(flow))
    through = links.rate[0] / (links.area[0] * POROSITY)
    found = velocities(links, normals(links, grid), through, links.area[0])
    assert found == pytest.approx(np.broadcast_to(flow, found.shape), rel=1e-9)


def test_peclet_counts_what_disperses_along_the_connection():
    """Flow at 60 degrees to a connection: D = (alpha_l / 4 + 3 alpha_th / 4) v."""
    grid = hexagons(9, 8, 6.0)
    found = numbers(run(grid), grid, ground())
    oblique = 0.5 * 6.0 / (4.0 / 4 + 0.4 * 3 / 4)
    assert found.peclet_max == pytest.approx(max(6.0 / 4.0, oblique))


def test_retardation_divides_the_dispersion_in_time():
    grid = box(200.0, 4.0, 4.0)
    plain = run(grid)
    held = replace(plain, sorbing=2.0 * plain.pore_volume[0])
    ratio = numbers(held, grid, ground()).in_time_m2_d / numbers(plain, grid, ground()).in_time_m2_d
    assert ratio == pytest.approx(1 / 3)


def test_steps_between_saved_ones_count():
    """One saved step of ten equal ones has the Courant number of each."""
    grid = box(200.0, 4.0, 4.0)
    last = run(grid, steps=(10.0,), steps_d=np.arange(1.0, 11.0))
    every = run(grid, steps=(1.0,) * 10)
    for one in (last, every):
        found = numbers(one, grid, ground())
        assert found.courant_max == pytest.approx(V / 4.0)
        assert found.in_time_m2_d == pytest.approx(V**2 / 2)


def test_the_outflow_that_an_engine_tells_goes_before_that_of_the_faces():
    grid = box(200.0, 4.0, 4.0)
    plain = run(grid)
    outflow = np.full(plain.pore_volume.shape, 3.0 / 86_400)
    told = replace(plain, fields={"outflow": outflow})
    found = numbers(told, grid, ground())
    assert found.courant_max == pytest.approx(3.0 * 4.0 / plain.pore_volume.flat[0])


def test_a_field_that_changes_is_weighed_by_its_time():
    grid = box(200.0, 4.0, 4.0)
    plain = run(grid, steps=(2.0, 6.0))
    links = connections(grid)
    changing = replace(links, rate=np.vstack([links.rate, 3 * links.rate]))
    found = numbers(replace(plain, connections=changing), grid, ground())
    flow = np.array([1.0 * 2.0, 3.0 * 6.0])
    assert found.physical_m2_d == pytest.approx(4.0 * V * (flow @ [1.0, 3.0]) / flow.sum())
    assert found.courant_max == pytest.approx(3 * V * 6.0 / 4.0)


def test_still_water_needs_no_advice_and_has_no_peclet_number_above_zero():
    grid = box(40.0, 4.0, 4.0)
    found = numbers(run(grid, (0.0, 0.0)), grid, ground())
    assert (found.peclet_max, found.courant_max) == (0.0, 0.0)
    assert math.isnan(found.physical_m2_d)
    assert advice(found)["advice"].startswith("none: Peclet at most 0")


def test_layers_count_the_speed_of_their_water_across_the_connection():
    grid = box(40.0, 4.0, 4.0)
    n = grid.n_cells
    flat = connections(grid)
    links = replace(
        flat,
        one=np.r_[flat.one, flat.one + n, np.arange(n)],
        other=np.r_[flat.other, flat.other + n, np.arange(n) + n],
        rate=np.hstack([flat.rate, flat.rate, np.full((1, n), SPEED / 10 * POROSITY * 16.0)]),
        area=np.hstack([flat.area, flat.area, np.full((1, n), 16.0)]),
        distance=np.r_[flat.distance, flat.distance, np.full(n, 4.0)],
        lateral=np.r_[flat.lateral, flat.lateral, np.zeros(n, dtype=bool)],
    )
    one = result(grid, np.zeros((1, 2, n)), connections=links)
    found = numbers(one, grid, ground(alpha_l=0.4, alpha_th=0.4, alpha_tv=0.004))
    down, speed = 0.1, math.hypot(1.0, 0.1)
    vertical = down * 4.0 / ((0.4 * down**2 + 0.004 * 1.0) / speed)
    assert found.peclet_max == pytest.approx(max(10.0, vertical))


def test_nothing_that_disperses_is_an_infinite_peclet_number_and_said():
    grid = box(40.0, 4.0, 4.0)
    found = numbers(run(grid), grid, Medium(porosity=POROSITY))
    assert math.isinf(found.peclet_max) and math.isinf(found.peclet_mean)
    assert math.isnan(found.transverse_ratio)
    assert "nothing disperses where water moves" in advice(found)["advice"]


def test_rectangles_turned_from_the_axes_are_polygons():
    grid = box(40.0, 40.0, 4.0)
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    turned = replace(grid, vertices=grid.vertices @ turn, centres=grid.centres @ turn)
    assert dispersion.rectangular(grid)
    assert not dispersion.rectangular(turned)
    assert not dispersion.rectangular(hexagons(4, 4, 1.0))


def test_advice_names_the_size_and_the_step_that_would_do():
    grid = hexagons(14, 12, 6.0)
    found = numbers(run(grid, steps=(20.0,)), grid, ground(alpha_l=1.0, alpha_th=0.1))
    told = advice(found)["advice"]
    size = 6.0 * 2.0 / found.peclet_max
    assert f"above 2: cells of {size:.3g} m there instead of 6 m would do" in told
    assert f"steps of {20.0 / found.courant_max:.3g} d instead of 20 d would do" in told
    assert "numerical dispersion in time is 500% of the physical one along the flow" in told
    assert "steps of 0.4 d make it 10%" in told
    assert "advection = 'tvd' or 'central' has none of it" in told
    assert "up to 15 times that of alpha_th, above 0.25" in told
    assert (
        "cells of 0.1 m, rectangles along the flow or, but for triangles, 'central' would do"
        in told
    )
    # and the advice holds: what it names is just inside
    finer = numbers(run(grid, steps=(0.4,)), grid, ground(alpha_l=1.0, alpha_th=0.1))
    assert finer.in_time_m2_d == pytest.approx(0.1 * finer.physical_m2_d)
