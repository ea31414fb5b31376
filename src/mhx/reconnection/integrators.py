"""Time integration of any pytree of arrays; knows no physics.

`advance` takes a traced number of steps: one executable serves every length, so that a run cut
into pieces equals an unbroken one bit for bit.  Reverse mode does not pass through such a loop;
`scanned` is the second program for gradients, of static length, and never the source of evidence.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
from jax import Array, lax
from jax.tree_util import tree_map

T = TypeVar("T")


def rk4(
    state: T, rhs: Callable[[T], T], dt: Array | float, rate: Callable[[T], Any]
) -> tuple[T, Any]:
    """One step of the classical fourth-order Runge-Kutta scheme, autonomous form.

    Also the integral of `rate(state)` over the step by the same stages: what the scheme gives for
    a further unknown q with q_t = rate(state), since no stage depends on q.
    """

    def moved(by: Array | float, slope: T) -> T:
        return tree_map(lambda y, k: y + by * k, state, slope)

    k1 = rhs(state)
    second = moved(dt / 2, k1)
    k2 = rhs(second)
    third = moved(dt / 2, k2)
    k3 = rhs(third)
    fourth = moved(dt, k3)
    k4 = rhs(fourth)
    end = tree_map(
        lambda y, a, b, c, d: y + dt / 6 * (a + 2 * b + 2 * c + d), state, k1, k2, k3, k4
    )
    rates = (rate(stage) for stage in (state, second, third, fourth))
    return end, tree_map(lambda a, b, c, d: dt / 6 * (a + 2 * b + 2 * c + d), *rates)


def advance(state: T, step: Callable[[T], T], steps: Array) -> T:
    """`steps` steps, a traced count."""
    return lax.fori_loop(0, steps, lambda _, y: step(y), state)


def scanned(state: T, step: Callable[[T], T], steps: int, block: int) -> T:
    """`steps` steps, a static count; keeps one state per `block` steps for the backward pass."""

    def run(state: T, length: int) -> T:
        return lax.scan(lambda y, _: (step(y), None), state, None, length)[0]

    whole, rest = divmod(steps, block)
    again = jax.checkpoint(lambda y, _: (run(y, block), None))
    return run(lax.scan(again, state, None, whole)[0], rest)
