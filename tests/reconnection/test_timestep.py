"""The RK4 limit: published figures, the whole boundary of the rectangle, how it is asked for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.reconnection import timestep
from mhx.reconnection.config import Dissipation, Reconnection
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.spectral import Grid
from mhx.reconnection.timestep import dt_max, rounded_down


def run(*, shape=(128, 128), dt="auto", t1=100.0, equilibrium="cosine_tearing", **physics):
    table = {"equilibrium": equilibrium, **physics}
    time = {"t1": t1, "dt": dt}
    return parse(Reconnection, {"mesh": {"shape": list(shape)}, "time": time, "physics": table})


def growth(z):
    return np.abs(1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24)


def worst(w, d, dt, points=4001):
    """max |R| over the rectangle's boundary: inside, |R| of a polynomial is never larger."""
    t = np.linspace(0, 1, points)
    edges = (1j * w * t, -d * t, -d + 1j * w * t, -d * t + 1j * w)
    return max(growth(dt * edge).max() for edge in edges)


@pytest.mark.parametrize(("retained", "limit"), [(42, 0.0673), (64, 0.0442)])
def test_the_limits_of_the_specification(retained, limit):
    """Field strength 1, 128^2, eta = nu = 1e-3, with and without the 2/3 truncation."""
    assert dt_max(retained, 1e-3 * 2 * retained**2) == pytest.approx(limit, abs=5e-5)


def test_the_limits_of_pure_advection_and_pure_decay():
    assert dt_max(1, 0) == pytest.approx(2 * math.sqrt(2), rel=1e-12)
    assert dt_max(0, 1) == pytest.approx(2.785293563405282, rel=1e-12)
    assert dt_max(0, 0) == math.inf
    assert dt_max(1, 1e-30) == pytest.approx(2 * math.sqrt(2), rel=1e-12)
    assert dt_max(1e-30, 1) == pytest.approx(2.785293563405282, rel=1e-12)
    assert math.isnan(dt_max(math.nan, 1))
    assert dt_max(math.inf, 1) == 0


@pytest.mark.parametrize("angle", np.linspace(0, math.pi / 2, 91))
def test_no_point_of_the_rectangle_amplifies_at_the_limit_and_one_does_above(angle):
    w, d = math.sin(angle), math.cos(angle)
    limit = dt_max(w, d)
    assert worst(w, d, limit) <= 1 + 1e-9
    assert worst(w, d, 1.002 * limit) > 1 + 1e-4


RATES = st.floats(1e-6, 1e6)


@given(RATES, RATES, st.floats(1, 10))
def test_faster_fields_never_allow_a_larger_step(w, d, factor):
    limit = dt_max(w, d)
    assert dt_max(factor * w, d) <= limit * (1 + 1e-12)
    assert dt_max(w, factor * d) <= limit * (1 + 1e-12)
    assert dt_max(factor * w, factor * d) == pytest.approx(limit / factor, rel=1e-9)


def test_rates_use_the_retained_wave_numbers_of_an_oblong_box():
    grid = Grid(24, 40, 3.0, 5.0)
    fields = np.zeros((4, 24, 40))
    fields[:, 3, 7] = (1.0, -2.0, 3.0, -4.0)  # vx, vy, Bx, By
    kx, ky = 7 * 2 * np.pi / 3, 13 * 2 * np.pi / 5
    k2 = kx**2 + ky**2
    w, d = timestep.rates(fields, grid, Dissipation(0.01, 0.3, 1e-4))
    assert w == pytest.approx(4 * kx + 6 * ky)
    assert d == pytest.approx(max(0.01 * k2 + 1e-4 * k2**2, 0.3 * k2))


def test_fields_of_a_state_are_those_of_the_definitions():
    """v = (sin y, -sin x), B = (-sin y, sin 2x) for Orszag and Tang."""
    config = run(equilibrium="orszag_tang", shape=(24, 20))
    grid = config.grid
    vx, vy, bx, by = timestep.fields_of(initial_state(config), grid)
    x, y = np.meshgrid(grid.x, grid.y, indexing="ij")
    for found, exact in ((vx, np.sin(y)), (vy, -np.sin(x)), (bx, -np.sin(y)), (by, np.sin(2 * x))):
        assert np.abs(found - exact).max() < 1e-13


def test_the_seed_and_the_noise_count():
    quiet, loud = (
        run(
            equilibrium="periodic_double_harris",
            equilibrium_parameters={"perturbation_amplitude": eps},
        )
        for eps in (0.0, 0.5)
    )
    assert loud.time_step.dt_max < 0.8 * quiet.time_step.dt_max


@pytest.mark.parametrize(
    ("value", "digits", "rounded"),
    [
        (0.03367, 2, 0.033),
        (0.05, 2, 0.05),
        (0.0999999, 2, 0.099),
        (1234.5, 2, 1200),
        (0.06061, 3, 0.0606),
    ],
)
def test_rounding_goes_down_and_keeps_what_is_round(value, digits, rounded):
    assert rounded_down(value, digits) == rounded


def test_auto_is_half_of_the_limit_rounded_down():
    step = run().time_step
    assert step.source == "auto"
    assert step.dt == rounded_down(0.5 * step.dt_max) == 0.033
    assert step.ratio == pytest.approx(0.033 / step.dt_max)


def test_auto_without_fields_and_decay_is_the_end_time():
    config = run(equilibrium="zero", resistivity=0.0, viscosity=0.0, t1=3.0)
    assert (config.dt, config.steps) == (3.0, 1)


STEPS = {"128, 0.1": (128, 0.1), "96, 0.2": (96, 0.2)}


@pytest.mark.parametrize(("n", "dt"), STEPS.values(), ids=STEPS)
def test_a_step_that_ends_in_nan_is_refused_with_the_largest_that_does_not(n, dt):
    step = run(shape=(n, n), dt=dt).time_step
    most = rounded_down(0.9 * step.dt_max, 3)
    with pytest.raises(ConfigError, match=rf"time.dt must be <= {most:g} .* got {dt:g}"):
        timestep.refuse_unstable(step)
    timestep.refuse_unstable(run(shape=(n, n), dt=most).time_step)


def test_96_with_005_is_fine():
    timestep.refuse_unstable(run(shape=(96, 96), dt=0.05).time_step)


def test_the_running_ratio():
    config = run(dt=0.05)
    fields = timestep.fields_of(initial_state(config), config.grid)
    ratio = timestep.stability_ratio(fields, config.grid, config.dissipation, config.dt)
    assert ratio == pytest.approx(config.time_step.ratio)
    assert math.isnan(timestep.stability_ratio(fields * np.nan, config.grid, config.dissipation, 1))
    assert timestep.stability_ratio(fields + np.inf, config.grid, config.dissipation, 1) == math.inf
