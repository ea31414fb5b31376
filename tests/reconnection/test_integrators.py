"""Integrators on equations whose solution is known; no physics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mhx.reconnection.integrators import advance, rk4, scanned


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
