"""Time integration of any pytree of arrays; knows no physics.

`advance` takes a traced number of steps: one executable serves every length, so that a run cut
into pieces equals an unbroken one bit for bit.  Reverse mode does not pass through such a loop;
`scanned` is the second program for gradients, of static length, and never the source of evidence.
"""

from collections.abc import Callable
from typing import TypeVar

import jax
from jax import Array, lax
from jax.tree_util import tree_map

T = TypeVar("T")


def rk4(state: T, rhs: Callable[[T], T], dt: float) -> T:
    """One step of the classical fourth-order Runge-Kutta scheme, autonomous form."""

    def moved(by: float, slope: T) -> T:
        return tree_map(lambda y, k: y + by * k, state, slope)

    k1 = rhs(state)
    k2 = rhs(moved(dt / 2, k1))
    k3 = rhs(moved(dt / 2, k2))
    k4 = rhs(moved(dt, k3))
    return tree_map(
        lambda y, a, b, c, d: y + dt / 6 * (a + 2 * b + 2 * c + d), state, k1, k2, k3, k4
    )


def advance(state: T, step: Callable[[T], T], steps: Array) -> T:
    """`steps` steps, a traced count."""
    return lax.fori_loop(0, steps, lambda _, y: step(y), state)


def scanned(state: T, step: Callable[[T], T], steps: int, block: int) -> T:
    """`steps` steps, a static count; keeps one state per `block` steps for the backward pass."""

    def run(state: T, length: int) -> T:
        return lax.scan(lambda y, _: (step(y), None), state, None, length)[0]

    whole, rest = divmod(steps, block)
    again = jax.checkpoint(lambda y, _: (run(y, block), None))
    state = lax.scan(again, state, None, whole)[0]
    return run(state, rest)
