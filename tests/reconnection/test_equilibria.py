"""Equilibria: exact periodicity, published energies, seeds and noise, rows of other packages."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.reconnection import equilibria
from mhx.reconnection.config import Reconnection
from mhx.reconnection.equilibria import EQUILIBRIA, Equilibrium

ORIGIN = np.zeros((1, 1))


def start(equilibrium="periodic_double_harris", *, shape=(64, 48), box=None, initial=None, **own):
    mesh = {"shape": list(shape)} | ({"upper": list(box)} if box else {})
    physics = {"equilibrium": equilibrium, "equilibrium_parameters": own}
    data = {"mesh": mesh, "time": {"t1": 1.0}, "physics": physics, "initial": initial or {}}
    return parse(Reconnection, data)


def energies(state, grid):
    """Domain means of |grad psi|^2/2 and |grad phi|^2/2."""
    k2 = np.where(grid.k2 > 0, grid.k2, 1)
    magnetic = np.sum(grid.weight * grid.k2 * np.abs(state.psi_hat) ** 2) / 2
    return magnetic, np.sum(grid.weight * np.abs(state.omega_hat) ** 2 / k2) / 2


def field(config, x, modes=600):
    """psi_eq' of the series."""
    k = 2 * np.pi / config.grid.lx * np.arange(modes + 1)
    return 2 * np.real(np.exp(1j * np.outer(x, k)) @ (1j * k * equilibria.profile(config, modes)))


def image_sum(x, a, lx=2 * np.pi):
    n = lx * np.arange(-8, 9)
    up, down = (np.tanh((x[:, None] - q * lx - n) / a) for q in (1 / 4, 3 / 4))
    return (up - down).sum(axis=1) - 1


@pytest.mark.parametrize("a", [0.1, 0.36, 0.4, 1.0])
def test_the_series_is_the_sum_over_all_images(a):
    x = np.linspace(-1, 9, 997)
    config = start(width=a)
    assert np.abs(field(config, x) - image_sum(x, a)).max() < 1e-14
    function = EQUILIBRIA["periodic_double_harris"].psi(config, x[:, None], ORIGIN)[:, 0]
    k = np.arange(601)
    series = 2 * np.real(np.exp(1j * np.outer(x, k)) @ equilibria.profile(config, 600))
    assert np.abs(function - series).max() < 1e-13


def test_the_field_far_from_the_sheets_and_its_mean():
    config = start(width=0.4)
    assert field(config, np.zeros(1))[0] == pytest.approx(-(1 - 4 * math.exp(-math.pi / 0.4)), 1e-6)
    assert equilibria.profile(config, 8)[0] == 0
    assert not equilibria.profile(config, 8)[::2].any()


@pytest.mark.parametrize("a", [0.2, 0.36, 0.45])
def test_the_shear_at_a_sheet(a):
    config = start(width=a, amplitude=-2.0)
    k = np.arange(801)
    bend = 2 * np.real(np.exp(1j * k * np.pi / 2) @ (-(k**2) * equilibria.profile(config, 800)))
    assert abs(bend) == pytest.approx(2 / a, rel=1e-5)
    assert config.shear == 2 / a


@pytest.mark.parametrize(("a", "energy"), [(0.40, 0.372677), (0.36, 0.385409)])
def test_the_energy_of_the_double_sheet(a, energy):
    config = start(width=a, perturbation_amplitude=0.0, shape=(128, 32))
    magnetic, kinetic = energies(equilibria.initial_state(config), config.grid)
    assert magnetic == pytest.approx(energy, abs=5e-7)
    assert magnetic == pytest.approx(0.5 * (1 - 4 * a / (2 * np.pi)), rel=2e-3)
    assert kinetic == 0


SEEDS = {"(2, 1)": (2, 1, 8), "(1, 3)": (1, 3, 8), "(0, 2)": (0, 2, 4), "(3, 0)": (3, 0, 4)}


@pytest.mark.parametrize(("mx", "my", "share"), SEEDS.values(), ids=SEEDS)
@pytest.mark.parametrize("shape", [(32, 32), (24, 40), (31, 33)])
def test_a_seed_is_its_cosines_and_has_its_energy(mx, my, share, shape):
    seed = {"perturbation_amplitude": 0.01, "perturbation_mode_x": mx, "perturbation_mode_y": my}
    config = start("zero", shape=shape, box=(3.0, 7.0), **seed)
    grid, state = config.grid, equilibria.initial_state(config)
    kx, ky = 2 * np.pi * mx / 3, 2 * np.pi * my / 7
    exact = 0.01 * np.cos(kx * grid.x[:, None]) * np.cos(ky * grid.y[None, :])
    assert np.abs(np.fft.irfft2(state.psi_hat, shape) - exact).max() < 1e-16
    assert energies(state, grid)[0] == pytest.approx(1e-4 * (kx**2 + ky**2) / share)


def test_the_seeded_energy_of_the_decaying_case():
    config = start(width=0.4, perturbation_amplitude=4e-3, shape=(128, 128))
    assert energies(equilibria.initial_state(config), config.grid)[0] == pytest.approx(
        0.372687, abs=5e-7
    )


def test_which_seeds_reach_the_sheets():
    assert equilibria.seed_on_sheets(start()) == pytest.approx((-1e-3, -1e-3))
    lost = start(perturbation_mode_x=1)
    assert equilibria.seed_on_sheets(lost) == pytest.approx((0, 0), abs=1e-18)
    assert equilibria.seed_on_sheets(start("cosine_tearing")) == pytest.approx((1e-3, -1e-3))


LOCAL = "periodic_double_harris_local"


@pytest.mark.parametrize(("mx", "my"), [(0, 1), (0, 2), (2, 1), (3, 1)])
def test_a_local_seed_is_a_gaussian_on_each_sheet(mx, my):
    box, seed = (6.0, 2.0), {"perturbation_mode_x": mx, "perturbation_mode_y": my}
    config = start(LOCAL, shape=(192, 16), box=box, width=0.3, perturbation_amplitude=0.01, **seed)
    grid = config.grid
    x, y = grid.x[:, None], grid.y[None, :]
    images = 6.0 * np.arange(-3, 4)
    gauss = sum(np.exp(-(((x - at - images) / 0.3) ** 2)).sum(axis=1) for at in (1.5, 4.5))
    wave = np.cos(np.pi * mx * x / 3) * np.cos(np.pi * my * y)
    seeded = np.fft.irfft2(equilibria.seed_hat(config), grid.shape)
    assert np.abs(seeded - 0.01 * gauss[:, None] * wave).max() < 1e-15


def test_a_local_seed_is_cut_at_the_retained_modes():
    coarse, fine = (start(LOCAL, shape=(n, 16), width=0.1) for n in (24, 512))
    hat = equilibria.seed_hat(coarse) * coarse.grid.to_origin
    exact = equilibria.seed_hat(fine) * fine.grid.to_origin
    kept = np.arange(-7, 8)
    assert np.abs(hat[kept] - exact[kept])[:, :6].max() < 1e-18
    assert not hat[~coarse.grid.keep].any()


def test_the_local_seed_has_the_sheets_and_the_parity_of_the_even_branch():
    local, wide = start(LOCAL, width=0.3), start(width=0.3)
    assert equilibria.seed_on_sheets(local) == pytest.approx((1e-4, 1e-4))
    assert local.held
    assert (local.shear, local.scale, local.sheets) == (wide.shear, wide.scale, wide.sheets)
    assert (equilibria.equilibrium_hat(local) == equilibria.equilibrium_hat(wide)).all()


def test_the_cosine_sheet():
    config = start("cosine_tearing", box=(5.0, 3.0))
    grid = config.grid
    psi = np.fft.irfft2(equilibria.initial_state(config).psi_hat, grid.shape)
    kx, ky = 2 * np.pi / 5, 2 * np.pi / 3
    exact = np.cos(ky * grid.y) * (1 + 1e-3 * np.cos(kx * grid.x[:, None]))
    assert np.abs(psi - exact).max() < 1e-14
    assert config.shear == pytest.approx(ky**2)
    assert config.sheets == (0.0, 1.5)
    assert not config.held


def test_orszag_tang_has_unit_energy_and_vorticity_of_its_stream_function():
    config = start("orszag_tang")
    state, grid = equilibria.initial_state(config), config.grid
    assert energies(state, grid) == pytest.approx((0.5, 0.5), rel=1e-13)
    omega = np.fft.irfft2(state.omega_hat, grid.shape)
    assert np.abs(omega + np.cos(grid.x[:, None]) + np.cos(grid.y)).max() < 1e-14


@pytest.mark.parametrize("shape", [(8, 8), (31, 33), (64, 48)])
def test_noise_is_four_long_waves_of_the_asked_strength(shape):
    noise = {"seed": 7, "noise_amplitude": 1e-3}
    config = start("zero", shape=shape, initial=noise)
    psi = np.fft.irfft2(equilibria.initial_state(config).psi_hat, shape)
    rng, waves = np.random.default_rng(7), np.zeros(shape)
    for mx in (1, 2):
        for my in (1, 2):
            phase = rng.uniform(0, 2 * np.pi)
            angle = mx * config.grid.x[:, None] + my * config.grid.y + phase
            waves += rng.normal() * np.cos(angle)
    expected = 1e-3 * waves / np.sqrt(np.mean(waves**2))
    assert np.abs(psi - expected).max() < 1e-17
    assert np.sqrt(np.mean(psi**2)) == pytest.approx(1e-3)


@pytest.mark.parametrize("name", EQUILIBRIA)
@pytest.mark.parametrize("shape", [(8, 8), (64, 48), (512, 16)])
def test_an_equilibrium_is_periodic_to_round_off(name, shape):
    config = start(name, shape=shape, box=(5.0, 7.0))
    assert equilibria.periodicity_error(config) < 1e-12
    state = equilibria.initial_state(config)
    for hat in (state.psi_hat, state.omega_hat):
        assert not hat[~np.broadcast_to(config.grid.keep, hat.shape)].any()


def textbook(config, x, y):
    """The double sheet without images: -A a times a jump-free logarithm in the open line."""
    a, lx = 0.4, config.grid.lx
    return a * np.log(np.cosh((x - lx / 4) / a) / np.cosh((x - 3 * lx / 4) / a)) - x + 0 * y


def wrapped(config, x, y):
    return textbook(config, x % config.grid.lx, y)


def smooth(config, x, y):
    return np.exp(np.sin(2 * np.pi * x / config.grid.lx)) + 0 * y


def plugged(monkeypatch, loaded):
    """Another package's row, under the name `other`."""
    point = SimpleNamespace(name="other", value="pkg:row", load=loaded)
    points = SimpleNamespace(names={"other"})
    monkeypatch.setattr(
        equilibria, "entry_points", lambda group, name=None: [point] if name == "other" else points
    )
    monkeypatch.setattr(equilibria, "find", equilibria.find.__wrapped__)


@pytest.mark.parametrize("function", [textbook, wrapped])
def test_a_sheet_without_images_is_found_out(monkeypatch, function):
    plugged(monkeypatch, lambda: Equilibrium(purpose="t", psi=function, normal="x"))
    assert equilibria.periodicity_error(start("other")) > 1e-7


def test_a_row_of_another_package_is_sampled_and_cut(monkeypatch):
    plugged(monkeypatch, lambda: Equilibrium(purpose="t", psi=smooth, normal="x"))
    config = start("other", shape=(64, 16))
    assert equilibria.periodicity_error(config) < 1e-12
    psi = np.fft.irfft2(equilibria.equilibrium_hat(config), config.grid.shape)
    assert np.abs(psi - smooth(config, config.grid.x[:, None], config.grid.y)).max() < 1e-14
    assert "other" in equilibria.names()


def missing():
    raise ImportError("no module named pkg")


BROKEN = {
    "not installed": (missing, r"pkg:row cannot be loaded: no module named pkg; mend or uninstall"),
    "another thing": (lambda: 3, r"pkg:row is of type int, expected .*Equilibrium"),
}


@pytest.mark.parametrize(("loaded", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_row_of_another_package_is_named(monkeypatch, loaded, message):
    plugged(monkeypatch, loaded)
    with pytest.raises(ConfigError, match=rf"equilibrium 'other': {message}"):
        start("other")


def test_shear_and_half_width_are_measured_where_a_row_does_not_say_them(monkeypatch):
    psi = EQUILIBRIA["cosine_tearing"].psi
    row = Equilibrium(purpose="t", psi=psi, normal="y", sheets=(0.0, 0.5))
    plugged(monkeypatch, lambda: row)
    config = start("other", box=(5.0, 3.0))
    assert config.shear == pytest.approx((2 * np.pi / 3) ** 2, rel=1e-10)
    assert config.scale == pytest.approx(3 / (2 * np.pi), rel=1e-3)
