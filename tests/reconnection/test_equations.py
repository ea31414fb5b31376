"""The equations against their textbook form, and what must hold exactly for their terms."""

import jax
import numpy as np
import pytest

from mhx.reconnection.equations import Coefficients, Equations, Fields
from mhx.reconnection.spectral import Grid
from mhx.reconnection.transforms import join, split, to_field, to_hat

SHAPES = [(32, 32), (24, 40), (31, 33)]
F64 = np.dtype("float64")
LOSS = Coefficients(0.01, 0.02, 1e-4)


def noise(grid, seed):
    """A smooth random truncated field without mean, as coefficients."""
    hat = np.fft.rfft2(np.random.default_rng(seed).standard_normal(grid.shape)) * grid.keep
    hat[0, 0] = 0
    return hat / (1 + grid.k2)


def on_device(grid, psi, omega):
    return Fields(split(psi, grid, F64), split(omega, grid, F64))


def slopes(grid, psi, omega, by=LOSS, held=None):
    """Right-hand side, host to host."""
    equations = Equations(grid, held, F64)
    out = jax.jit(equations.rhs)(on_device(grid, psi, omega), by)
    return join(out.psi, grid), join(out.omega, grid)


def bracket(grid, a, b):
    """[a, b] = a_x b_y - a_y b_x, truncated."""
    a_x, a_y, b_x, b_y = (
        np.fft.irfft2(1j * k * hat, grid.shape) for hat in (a, b) for k in (grid.kx, grid.ky)
    )
    return np.fft.rfft2(a_x * b_y - a_y * b_x) * grid.keep


@pytest.mark.parametrize("shape", SHAPES)
def test_stress_form_equals_bracket_form(shape):
    """-[phi, psi] + eta lap psi and -[phi, omega] + [psi, lap psi] + nu lap omega."""
    grid = Grid(*shape, lx=5.0, ly=7.0)
    psi, omega, held = noise(grid, 1), noise(grid, 2), noise(grid, 3)
    k2 = grid.k2
    phi = -omega / np.where(k2 > 0, k2, np.inf)
    loss = (LOSS.eta * k2 + LOSS.eta4 * k2**2) * (psi - held)
    textbook = (
        -bracket(grid, phi, psi) - loss,
        -bracket(grid, phi, omega) + bracket(grid, psi, -k2 * psi) - LOSS.nu * k2 * omega,
    )
    for ours, theirs in zip(slopes(grid, psi, omega, held=held), textbook, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_the_result_keeps_truncated_modes_at_zero(shape):
    grid = Grid(*shape)
    for slope in slopes(grid, noise(grid, 1), noise(grid, 2)):
        assert not slope[~grid.keep].any()


@pytest.mark.parametrize("shape", SHAPES)
def test_ideal_terms_keep_energy_cross_helicity_and_mean_square_flux(shape):
    """d/dt = 0 to round-off, without any time step."""
    grid = Grid(*shape)
    psi, omega = noise(grid, 4), noise(grid, 5)
    psi_t, omega_t = slopes(grid, psi, omega, by=Coefficients(0.0, 0.0, 0.0))
    phi = -omega / np.where(grid.k2 > 0, grid.k2, np.inf)

    def mean(a, b):
        return float((grid.weight * (a * b.conj()).real).sum())

    def size(a, b):
        return np.sqrt(mean(a, a) * mean(b, b))

    energy = mean(grid.k2 * psi, psi_t) - mean(phi, omega_t)
    helicity = mean(omega_t, psi) + mean(omega, psi_t)
    flux = mean(psi, psi_t)
    assert abs(energy) <= 1e-13 * size(grid.k2 * psi, psi_t)
    assert abs(helicity) <= 1e-13 * size(omega, psi_t)
    assert abs(flux) <= 1e-13 * size(psi, psi_t)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_a_magnetic_field_it_is_two_dimensional_navier_stokes(shape):
    """Reduction: psi stays 0 (but for a fused multiply-add), omega obeys the vorticity equation."""
    grid = Grid(*shape)
    omega = noise(grid, 6)
    phi = -omega / np.where(grid.k2 > 0, grid.k2, np.inf)
    psi_t, omega_t = slopes(grid, 0 * omega, omega)
    expected = -bracket(grid, phi, omega) - LOSS.nu * grid.k2 * omega
    assert np.abs(psi_t).max() <= 1e-15 * np.abs(phi).max() ** 2
    np.testing.assert_allclose(omega_t, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_alfvenic_states_do_not_interact():
    """v = B: both products vanish, whatever the field; only dissipation is left."""
    grid = Grid(31, 33)
    psi = noise(grid, 7)
    psi_t, omega_t = slopes(grid, psi, grid.k2 * psi, by=Coefficients(0.0, 0.0, 0.0))
    scale = np.abs(bracket(grid, psi, grid.k2 * psi)).max()
    assert np.abs(psi_t).max() <= 1e-13 * scale
    assert np.abs(omega_t).max() <= 1e-12 * scale


def test_rates_are_the_domain_means_of_the_docstring():
    grid = Grid(24, 40, lx=3.0)
    psi, omega, held = noise(grid, 8), noise(grid, 9), noise(grid, 10)
    rates = Equations(grid, held, F64).rates(on_device(grid, psi, omega), LOSS)

    def field(hat):
        return np.fft.irfft2(hat, grid.shape)

    def gradients(hat):
        return field(1j * grid.kx * hat), field(1j * grid.ky * hat)

    def product(a, b):  # eta <a b> + eta4 <grad a . grad b>
        along = sum((u * v).mean() for u, v in zip(gradients(a), gradients(b), strict=True))
        return LOSS.eta * (field(a) * field(b)).mean() + LOSS.eta4 * along

    j, j_held = grid.k2 * psi, grid.k2 * held
    lost = product(j, j) + LOSS.nu * (field(omega) ** 2).mean()
    assert float(rates.dissipated.sum()) == pytest.approx(lost, rel=1e-12)
    assert float(rates.injected.sum()) == pytest.approx(product(j, j_held), rel=1e-12)


@pytest.mark.parametrize("shape", [*SHAPES, (16, 9)])
def test_transforms_are_those_of_numpy_on_retained_modes(shape):
    grid = Grid(*shape)
    hat = noise(grid, 11)
    field = np.asarray(to_field(split(hat, grid, F64), grid))
    np.testing.assert_allclose(field, np.fft.irfft2(hat, grid.shape), rtol=0, atol=1e-14)
    back = join(to_hat(field, grid), grid)
    np.testing.assert_allclose(back * grid.keep, hat, rtol=0, atol=1e-13 * np.abs(hat).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_split_and_join_change_no_bit(shape):
    grid = Grid(*shape)
    hat = np.where(grid.keep, noise(grid, 12), 0)
    assert join(split(hat, grid, F64), grid).tobytes() == hat.tobytes()
