"""The growth rate against figures, a walled finite-difference solver and the equations."""

import json
import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, eigs, splu

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.reconnection import equilibria, linear
from mhx.reconnection.config import Reconnection
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.outer import delta_prime


def sheet(
    equilibrium="periodic_double_harris", *, shape=(128, 128), box=None, hold=None, **physics
):
    """A configuration; `width` and the like go to the equilibrium, the rest to [physics]."""
    own = {name: physics.pop(name) for name in list(physics) if name not in DISSIPATION}
    table = {"equilibrium": equilibrium, "equilibrium_parameters": own, **physics}
    if hold is not None:
        table["hold_equilibrium"] = hold
    mesh = {"shape": list(shape)} | ({"upper": list(box)} if box else {})
    return parse(Reconnection, {"mesh": mesh, "time": {"t1": 1.0}, "physics": table})


DISSIPATION = ("resistivity", "viscosity", "hyper_resistivity")
CANDIDATE = {"width": 0.36, "resistivity": 0.0045, "viscosity": 0.0045}
RATES = {
    "a 0.36": (CANDIDATE, 0.10494, 0.10497),
    "a 0.40": ({"width": 0.40, "resistivity": 0.005, "viscosity": 0.005}, 0.09097, 0.09104),
}


@pytest.mark.parametrize(("physics", "published", "periodic"), RATES.values(), ids=RATES)
def test_the_rates_of_the_specification(physics, published, periodic):
    rate = growth_rate(sheet(**physics))
    assert rate.gamma == pytest.approx(published, rel=1e-3)
    assert rate.gamma == pytest.approx(periodic, abs=6e-6)
    assert rate.parity == rate.seed_parity == "even"
    assert rate.frequency == 0
    assert rate.change_on_doubling <= 1e-6
    assert rate.residual <= 1e-10
    assert rate.grid_gamma == pytest.approx(rate.gamma, rel=1e-9)
    assert rate.branches["odd"]["gamma"] < rate.branches["even"]["gamma"] == rate.gamma


def walled(points, k=0.5, eta=1e-3):
    """Leading inviscid rate of psi_eq' = tanh(x) between walls at +-10, second order in dx."""
    dx = 20 / (points + 1)
    x = -10 + dx * np.arange(1, points + 1)
    second = sp.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(points, points)) / dx**2
    lap = (second - k**2 * sp.eye_array(points)).tocsc()
    p = sp.diags_array(np.tanh(x))
    bend = sp.diags_array(-2 * np.tanh(x) / np.cosh(x) ** 2)
    left = sp.block_array([[eta * lap, k * p], [-k * (p @ lap - bend), None]], format="csc")
    right = sp.block_array([[sp.eye_array(points), None], [None, lap]], format="csc")
    shift = 0.02  # above the leading rate, which is then the nearest one
    solve = splu(left - shift * right)
    inverse = LinearOperator(left.shape, matvec=lambda v: solve.solve(right @ v), dtype=float)
    start = np.tile(1 / np.cosh(x), 2)
    return shift + 1 / float(eigs(inverse, 1, v0=start, return_eigenvectors=False)[0].real)


def test_a_walled_finite_difference_solver_agrees():
    """Walls at +-10 a are the mid-planes of the odd branch in a box of 40 a."""
    coarse, middle, fine = (walled(points) for points in (399, 799, 1599))
    assert fine == pytest.approx(0.0131, rel=0.03)
    assert math.log2((coarse - middle) / (middle - fine)) == pytest.approx(2, abs=0.1)
    limit = fine + (fine - middle) / 3
    assert limit == pytest.approx(0.0131, rel=0.01)
    here = growth_rate(sheet(width=1.0, resistivity=1e-3, viscosity=0.0, box=(40, 4 * np.pi)))
    assert here.k == pytest.approx(0.5)
    assert here.branches["odd"]["gamma"] == pytest.approx(limit, rel=1e-4)


EIGENMODES = {
    "double Harris": CANDIDATE,
    "oblong, hyper-resistive": CANDIDATE | {"box": (5.0, 9.0), "hyper_resistivity": 1e-4},
    "cosine, normal y": {
        "equilibrium": "cosine_tearing",
        "box": (8.0, 5.0),
        "resistivity": 3e-3,
        "viscosity": 1e-3,
    },
    "damped waves": {"width": 0.4, "perturbation_mode_y": 3, "resistivity": 0.02},
}


@pytest.mark.parametrize("physics", EIGENMODES.values(), ids=EIGENMODES)
def test_an_eigenmode_satisfies_the_equations_in_brackets(physics):
    config = sheet(shape=(16, 16), **physics)
    rate = growth_rate(config)
    mode, by = rate.leading, config.dissipation
    length = config.grid.lx if config.equilibrium.normal == "x" else config.grid.ly
    n = 4 * rate.modes
    s = length * np.arange(n) / n
    k = 2 * np.pi * np.fft.fftfreq(n, 1 / n) / length

    def d(values):
        return np.fft.ifft(1j * k * np.fft.fft(values))

    def lap(values):
        return d(d(values)) - rate.k**2 * values

    def function(modes, half):
        waves = 2 * np.pi / length * modes
        weight = np.where(modes == 0, 0.5, 1) * half / np.sqrt(waves**2 + rate.k**2)
        angle = np.outer(s - (config.sheets[0] + config.sheets[1] - length) / 2, waves)
        return (np.cos(angle) if mode.parity == "even" else np.sin(angle)) @ weight

    half = len(mode.psi_modes)
    psi = function(mode.psi_modes, mode.vector[:half])
    phi = -1j * function(mode.phi_modes, mode.vector[half:])
    series = equilibria.profile(config, n // 2 - 1)
    psi_eq = np.fft.irfft(np.append(series, 0) * n, n)
    p = d(psi_eq)
    gamma = complex(rate.gamma, rate.frequency)
    ik = 1j * rate.k
    psi_t = ik * p * phi + by.eta * lap(psi) - by.eta4 * lap(lap(psi))
    omega_t = ik * (p * lap(psi) - d(d(p)) * psi) + by.nu * lap(lap(phi))
    assert np.abs(psi_t - gamma * psi).max() <= 1e-9 * np.abs(psi).max()
    assert np.abs(omega_t - gamma * lap(phi)).max() <= 1e-8 * np.abs(lap(phi)).max()


def test_even_and_odd_blocks_hold_the_same_rates_as_the_complex_problem():
    """Shifting the origin by any phase makes p neither even nor odd; the physics stays."""
    config = sheet(**CANDIDATE)
    aligned = linear.sheet_of(config, 24)
    turn = np.exp(0.7j * np.arange(49))
    shifted = linear.Sheet(aligned.field * turn, aligned.wave, 0.0045, 0.0045, 0.0)
    assert not shifted.even
    (whole,) = linear._leading_modes(shifted, 1.0, {}).values()
    halves = linear._leading_modes(aligned, 1.0, {})
    assert whole.parity == "none"
    assert whole.gamma == pytest.approx(max(half.gamma for half in halves.values()), rel=1e-10)


def test_the_cosine_sheet_is_stable_in_the_square_box_and_not_in_a_long_one():
    stable = growth_rate(sheet("cosine_tearing"))
    assert stable.gamma == pytest.approx(-1e-3, rel=1e-9)  # its own current diffusing
    assert stable.converged
    assert stable.frozen
    assert not stable.unstable
    assert growth_rate(sheet("cosine_tearing", box=(6 * np.pi, 2 * np.pi))).gamma > 0.02


@pytest.mark.parametrize("name", ["orszag_tang", "zero"])
def test_without_a_sheet_there_is_no_growth_rate(name):
    with pytest.raises(ConfigError, match=f"'{name}' has no sheets, so no growth rate"):
        growth_rate(sheet(name))


def test_delta_prime_of_well_separated_sheets_is_that_of_one():
    config, k = sheet(width=0.2), 4.25
    alone = (2 / 0.2) * (1 / (k * 0.2) - k * 0.2)
    for branch in ("even", "odd"):
        assert delta_prime(config, k, branch) == pytest.approx(alone, rel=1e-4)


def test_delta_prime_of_the_cosine_sheet_is_known_in_closed_form():
    """psi1'' = (k^2 - 1) psi1 between the mid-plane and the sheet, a quarter period away."""
    config, k = sheet("cosine_tearing"), 0.5
    q = math.sqrt(1 - k**2)
    even, odd = (2 * q * math.tan(q * np.pi / 2), -2 * q / math.tan(q * np.pi / 2))
    assert delta_prime(config, k, "even") == pytest.approx(even, rel=1e-9)
    assert delta_prime(config, k, "odd") == pytest.approx(odd, rel=1e-9)


def test_the_widths_of_the_layer():
    rate = growth_rate(sheet(**CANDIDATE))
    pull = (1 / 0.36) ** 2
    assert rate.delta_eta == pytest.approx((rate.gamma * 0.0045 / pull) ** 0.25)
    assert rate.delta_visc == pytest.approx((0.0045**2 / pull) ** (1 / 6))
    assert rate.constant_psi_parameter == pytest.approx(rate.delta_prime_even * rate.delta_visc)


def test_a_grid_that_cannot_hold_the_layer_says_so():
    thin = {"width": 0.3, "resistivity": 5e-4, "viscosity": 5e-6}
    box = (2 * np.pi, 2 * np.pi * 0.3 / 0.85)
    coarse = growth_rate(sheet(shape=(128, 32), box=box, **thin))
    fine = growth_rate(sheet(shape=(512, 32), box=box, **thin))
    assert abs(coarse.grid_gamma / coarse.gamma - 1) > 0.01
    assert abs(fine.grid_gamma / fine.gamma - 1) < 1e-6
    assert coarse.gamma == fine.gamma


def test_the_tail_of_an_unresolved_equilibrium_counts_what_is_not_retained():
    assert growth_rate(sheet(shape=(8, 8), **CANDIDATE)).equilibrium_tail > 0.01
    assert linear.equilibrium_tail(sheet(shape=(64, 64), **CANDIDATE)) < 1e-6
    assert linear.equilibrium_tail(sheet("cosine_tearing", shape=(8, 8))) == 0


def test_a_faster_wave_of_the_box_is_named():
    rate = growth_rate(sheet(box=(2.0, 20.0)))
    assert rate.spectrum_complete
    assert [row["mode_along"] for row in rate.spectrum] == list(range(1, 10))
    assert all(row["k"] * 0.4 < 1.2 for row in rate.spectrum)
    assert rate.fastest["mode_along"] == 4
    assert rate.fastest["gamma"] > rate.gamma
    other = growth_rate(sheet(box=(2.0, 20.0), perturbation_mode_y=4))
    assert other.gamma == pytest.approx(rate.fastest["gamma"], rel=1e-9)


HOSTILE = {
    "ideal": ({"resistivity": 0.0, "viscosity": 0.0}, False),
    "layer far too thin": ({"resistivity": 1e-8, "viscosity": 1e-8}, False),
    "strong field": ({"amplitude": 1e6}, False),
    "wide sheet": ({"width": 1.5}, True),
    "short wave": ({"perturbation_mode_y": 40}, True),
    "one retained harmonic": ({"shape": (8, 8)}, True),
    "reversed field": ({"amplitude": -1.0}, True),
    "long box": ({"box": (2 * np.pi, 600.0)}, True),
}


@pytest.mark.parametrize(("physics", "converged"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_parameters_give_a_rate_or_say_that_it_has_not_converged(physics, converged):
    rate = growth_rate(sheet(**physics))
    assert rate.converged is converged
    assert math.isfinite(rate.gamma)
    json.dumps(rate.document(), allow_nan=False)


def test_held_and_decaying_sheets_have_one_initial_rate():
    held, frozen = (growth_rate(sheet(hold=hold, **CANDIDATE)) for hold in (True, False))
    assert held.gamma == frozen.gamma
    assert (held.frozen, frozen.frozen) == (False, True)
