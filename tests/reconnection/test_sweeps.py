"""The blocked right-hand side against the plain one, with blocks that fit and that do not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mhx.reconnection.equations import Coefficients, Equations, Fields
from mhx.reconnection.spectral import Grid
from mhx.reconnection.sweeps import Sweeps
from mhx.reconnection.transforms import split

F64 = np.dtype("float64")
LOSS = Coefficients(0.01, 0.02, 1e-4)
# (shape, cache): all lines at once; lines in blocks, some of which overlap.  Rows beyond my_max.
CASES = [((8, 8), 1 << 20), ((7, 3), 1 << 20), ((40, 24), 1 << 15), ((49, 68), 1 << 15)]


def noise(grid, seed):
    hat = np.fft.rfft2(np.random.default_rng(seed).standard_normal(grid.shape)) * grid.keep
    return split(hat / (1 + grid.k2), grid, F64)


def equations_of(shape):
    grid = Grid(*shape, lx=5.0)
    held = np.fft.rfft2(np.cos(2 * np.pi * grid.x[:, None] / 5.0) + 0 * grid.y) * grid.keep
    return Equations(grid, held, F64), Fields(noise(grid, 1), noise(grid, 2))


def by_blocks(sweeps, now):
    """Slopes of all blocks, and the sum of their rates."""
    blocks = sweeps.blocks(LOSS)
    now = sweeps.padded(now)
    work = blocks.before(now, sweeps.scratch())

    def block(i, carry):
        slopes, rates = carry
        slope, rate = blocks.slope(blocks.take(now, i), work, i)
        return blocks.put(slopes, slope, i), jax.tree.map(jnp.add, rates, rate)

    empty = jax.tree.map(jnp.zeros_like, now)
    slopes, rates = lax.fori_loop(0, blocks.number, block, (empty, blocks.nothing))
    assert all(a.shape[0] == sweeps.rows for a in jax.tree.leaves(slopes))
    return slopes, jax.tree.map(jnp.sum, rates)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "cache"), CASES)
def test_blocks_give_the_plain_right_hand_side_and_rates(shape, cache):
    equations, now = equations_of(shape)
    sweeps = Sweeps(equations, cache)
    ours, rates = jax.jit(lambda y: by_blocks(sweeps, y))(now)
    theirs = jax.jit(equations.rhs)(now, LOSS)
    for one, two in zip(
        jax.tree.leaves(sweeps.cropped(ours)), jax.tree.leaves(theirs), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-13 * np.abs(theirs.omega.re).max())
    for one, two in zip(rates, equations.rates(now, LOSS), strict=True):
        assert float(one) == pytest.approx(float(two.sum()), rel=1e-12)
    assert not any(a[sweeps.kept :].any() for a in jax.tree.leaves(ours))


@pytest.mark.parametrize(("shape", "cache"), CASES)
def test_blocks_give_the_plain_fields(shape, cache):
    equations, now = equations_of(shape)
    ours = jax.jit(Sweeps(equations, cache).elsasser)(now)
    for one, two in zip(ours, equations.elsasser(now), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-14 * np.abs(two).max())


def test_the_cases_have_several_blocks_overlapping_lines_and_filled_rows():
    """Otherwise the tests above would not see them."""
    cut = [Sweeps(equations_of(shape)[0], cache) for shape, cache in CASES]
    assert [s.line_blocks > 1 for s in cut] == [False, False, True, True]
    assert [s.row_blocks > 1 for s in cut] == [True, False, True, True]
    assert any(s.line_blocks * s.lines > s.grid.nx for s in cut)
    assert any(s.rows > s.kept for s in cut)


@pytest.mark.parametrize("size", [64, 96, 128, 192, 256, 384, 512, 1024, 2048])
def test_blocks_of_common_grids_waste_little(size):
    sweeps = Sweeps(Equations(Grid(size, size), None, F64))
    assert sweeps.rows <= 1.05 * sweeps.kept
    assert sweeps.line_blocks * sweeps.lines <= 1.05 * size


@pytest.mark.slow
@pytest.mark.parametrize("along", ["x", "y"])
def test_a_held_sheet_has_no_slope_to_the_last_bit_in_any_blocks(along):
    grid = Grid(49, 68)
    profile = np.tanh(3 * np.sin(grid.x))[:, None] if along == "x" else np.exp(np.sin(grid.y))
    held = np.zeros(grid.hat_shape, complex)
    exact = np.fft.rfft2(profile + np.zeros(grid.shape)) * grid.keep
    line = (slice(None), 0) if along == "x" else (0, slice(None))
    held[line] = exact[line]
    equations = Equations(grid, held, F64)
    sweeps = Sweeps(equations, 1 << 15)
    equations.stress = equations.stress_of_held(jax.jit(sweeps.elsasser))
    still = Fields(split(held, grid, F64), split(0 * held, grid, F64))
    slopes, rates = jax.jit(lambda y: by_blocks(sweeps, y))(still)
    assert not any(a.any() for a in jax.tree.leaves(slopes))
    assert rates.dissipated == rates.injected > 0
