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

    The first three slopes are not kept: with the stages s2 = y + dt/2 k1, s3 = y + dt/2 k2 and
    s4 = y + dt k3 the end is y + [(s2 - y) + 2 (s3 - y) + (s4 - y)]/3 + dt/6 k4, the same to
    round-off and exactly y where all slopes are 0.

    spare: three buffers like `state`, their contents of no matter.
    Returns the state, the integral of the rate block by block, and spare and work to go on with.
    """
    take, put = blocks.take, blocks.put

    def sweep(
        now: T, target: T, moved: Any, weight: Array | float, update: Callable[[T, T, Array], T]
    ) -> tuple[T, Any]:
        """target = update(slope, target, i) block by block, from the stage `now`."""

        def block(i: Array, carry: tuple[T, Any]) -> tuple[T, Any]:
            target, moved = carry
            slope, rate = blocks.slope(take(now, i), work, i)
            moved = tree_map(lambda q, r: q + weight * r, moved, rate)
            return put(target, update(slope, target, i), i), moved

        return lax.fori_loop(0, blocks.number, block, (target, moved))

    def ahead(by: Array | float) -> Callable[[T, T, Array], T]:
        return lambda slope, _, i: tree_map(lambda y, k: y + by * k, take(state, i), slope)

    def ended(slope: T, state: T, i: Array) -> T:
        return tree_map(
            lambda y, a, b, c, k: y + (((a - y) + 2 * (b - y) + (c - y)) / 3 + dt / 6 * k),
            *(take(stage, i) for stage in (state, second, third, fourth)),
            slope,
        )

    moved = blocks.nothing
    second, third, fourth = spare
    work = blocks.before(state, work)
    second, moved = sweep(state, second, moved, dt / 6, ahead(dt / 2))
    work = blocks.before(second, work)
    third, moved = sweep(second, third, moved, dt / 3, ahead(dt / 2))
    work = blocks.before(third, work)
    fourth, moved = sweep(third, fourth, moved, dt / 3, ahead(dt))
    work = blocks.before(fourth, work)
    end, moved = sweep(fourth, state, moved, dt / 6, ended)
    return end, moved, (second, third, fourth), work


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
