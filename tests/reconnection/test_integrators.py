"""Integrators on equations whose solution is known; no physics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from mhx.reconnection.integrators import Blocks, advance, rk4, rk4_in_blocks, scanned


def swing(y):
    """A pendulum that is not linear, as a pytree."""
    angle, speed = y
    return speed, -jnp.sin(angle)


def swung(steps):
    def step(y):
        return rk4(y, swing, 2.0 / steps, lambda y: y[0] ** 2)[0]

    end = advance((jnp.float64(1.0), jnp.float64(0.0)), step, steps)
    return np.array(end)


def test_observed_order_is_four():
    coarse, middle, fine = swung(20), swung(40), swung(80)
    order = np.log2(np.abs(coarse - middle).max() / np.abs(middle - fine).max())
    assert order == pytest.approx(4, abs=0.1)


def test_one_step_of_a_linear_equation_is_the_taylor_polynomial():
    z = 0.3
    end, _ = rk4(jnp.float64(1.0), lambda y: z * y, 1.0, lambda y: y)
    assert float(end) == pytest.approx(1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24, rel=1e-15)


def test_the_integral_is_that_of_a_further_unknown():
    """q_t = rate(y) appended to the state gives the same q."""
    y = (jnp.float64(0.7), jnp.float64(0.2))
    _, moved = rk4(y, swing, 0.1, lambda y: y[0] ** 2 * y[1])

    def extended(z):
        return (*swing(z[:2]), z[0] ** 2 * z[1])

    (_, _, q), _ = rk4((*y, jnp.float64(0.0)), extended, 0.1, lambda z: z[0])
    assert float(moved) == pytest.approx(float(q), rel=1e-14)


def test_the_step_in_blocks_is_the_same_step():
    """Six pendulums in blocks of two, coupled through the mean, which needs the whole stage."""
    angle, dt = jnp.linspace(0.1, 1.0, 6), 0.1
    start = (angle, 0.3 * angle)

    def slope(y, mean):
        return y[1] + mean, -jnp.sin(y[0])

    def take(tree, i):
        return jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, 2 * i, 2), tree)

    def put(tree, part, i):
        return jax.tree.map(
            lambda a, b: lax.dynamic_update_slice_in_dim(a, b, 2 * i, 0), tree, part
        )

    blocks = Blocks(
        3,
        take,
        put,
        lambda stage, mean: stage[0].mean(),
        lambda y, mean, i: (slope(y, mean), y[0] ** 2),
        jnp.zeros(2),
    )
    spare = (start, start, start)
    ours, moved, _, _ = rk4_in_blocks(start, spare, jnp.zeros(()), dt, blocks)
    theirs, whole = rk4(start, lambda y: slope(y, y[0].mean()), dt, lambda y: y[0] ** 2)
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    assert float(moved.sum()) == pytest.approx(float(whole.sum()), rel=1e-14)


@pytest.mark.parametrize("steps", [0, 1, 7, 12])
@pytest.mark.parametrize("block", [1, 4, 100])
def test_the_static_program_takes_the_same_steps(steps, block):
    def step(y):
        return rk4(y, swing, 0.1, lambda y: y[0])[0]

    start = (jnp.float64(1.0), jnp.float64(0.0))
    ours, theirs = scanned(start, step, steps, block), advance(start, step, steps)
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_the_static_program_has_a_gradient():
    def end(rate):
        return scanned(1.0, lambda y: rk4(y, lambda y: -rate * y, 0.1, lambda y: y)[0], 10, 3)

    assert float(jax.grad(end)(0.5)) == pytest.approx(-np.exp(-0.5), rel=1e-5)
