"""Time integration of any pytree of arrays; knows no physics.

`advance` takes a traced number of steps: one executable serves every length, so that a run cut
into pieces equals an unbroken one bit for bit.  Reverse mode does not pass through such a loop;
`scanned` is the second program for gradients, of static length, and never the source of evidence.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
from jax import Array, lax
from jax.tree_util import tree_map

T = TypeVar("T")


class Weights(NamedTuple):
    """Of the slope of a stage: in the step, and on the way to the next stage (None: the last)."""

    weight: Array | float
    ahead: Array | float | None


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


class Blocks(NamedTuple):
    """A right-hand side that comes block by block.

    number: how many.  take(tree, i), put(tree, block, i): block i of arrays like the state.
    before(stage, work) -> work: what needs the whole stage.
    slope(block of stage, work, i) -> slope and rate of the block; nothing: a rate of 0.
    """

    number: int
    take: Callable[[Any, Array], Any]
    put: Callable[[Any, Any, Array], Any]
    before: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any, Array], tuple[Any, Any]]
    nothing: Any


def rk4_in_blocks(
    state: T, spare: tuple[T, T, T], work: Any, dt: Array | float, blocks: Blocks
) -> tuple[T, Any, tuple[T, T, T], Any]:
    """`rk4` with slope and update block by block, so that a block is touched once per stage.

    spare: three buffers like `state`, their contents of no matter.
    Returns the state, the integral of the rate block by block, and spare and work to go on with.
    """
    take, put = blocks.take, blocks.put
    total, one, two = spare
    moved = blocks.nothing

    def sweep(
        now: T, ends: T, nexts: T, moved: Any, sums: T | None, by: Weights
    ) -> tuple[T, T, Any]:
        """One stage: ends = sums + by.weight slope, nexts = state + by.ahead slope."""

        def block(i: Array, carry: tuple[T, T, Any]) -> tuple[T, T, Any]:
            ends, nexts, moved = carry
            slope, rate = blocks.slope(take(now, i), work, i)
            moved = tree_map(lambda q, r: q + by.weight * r, moved, rate)
            base = take(ends if sums is None else sums, i)
            ends = put(ends, tree_map(lambda y, k: y + by.weight * k, base, slope), i)
            if by.ahead is not None:
                start = take(state, i)
                nexts = put(nexts, tree_map(lambda y, k: y + by.ahead * k, start, slope), i)
            return ends, nexts, moved

        return lax.fori_loop(0, blocks.number, block, (ends, nexts, moved))

    work = blocks.before(state, work)
    total, one, moved = sweep(state, total, one, moved, state, Weights(dt / 6, dt / 2))
    work = blocks.before(one, work)
    total, two, moved = sweep(one, total, two, moved, None, Weights(dt / 3, dt / 2))
    work = blocks.before(two, work)
    total, one, moved = sweep(two, total, one, moved, None, Weights(dt / 3, dt))
    work = blocks.before(one, work)
    end, two, moved = sweep(one, state, two, moved, total, Weights(dt / 6, None))
    return end, moved, (total, one, two), work


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
