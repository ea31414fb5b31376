"""The stepper: reduced MHD on one grid with one dt, compiled once, on a CPU or a GPU.

`load` puts a host `State` on the device, `advance` moves it by any number of steps with one
executable, `read` brings the same bits back.  What decides the trajectory is (grid, physics, dt,
dtype); files, diagnostics and configuration belong elsewhere.  Importing this module switches JAX
to 64 bits, without which float64 would silently be float32.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mhx.reconnection.compilation import backend
from mhx.reconnection.equations import Coefficients, Equations, Fields
from mhx.reconnection.integrators import advance, rk4, rk4_in_blocks, scanned
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.sweeps import Sweeps
from mhx.reconnection.transforms import join, split

jax.config.update("jax_enable_x64", True)

# XLA prefers 256-bit vectors in the loops between transforms, also where there are wider ones.
CPU_OPTIONS = {"xla_cpu_prefer_vector_width": 512}


@dataclass(frozen=True, kw_only=True, eq=False)
class Physics:
    """Dissipation, and the equilibrium that is held up against it.

    eta, nu: resistivity and viscosity [L v_A].  eta4: hyper-resistivity [v_A L^3].
    held: psi_eq_hat, plain `rfft2`, (nx, ny//2 + 1); None lets the equilibrium decay.
    """

    eta: float
    nu: float
    eta4: float = 0.0
    held: np.ndarray | None = None

    @property
    def coefficients(self) -> Coefficients:
        return Coefficients(self.eta, self.nu, self.eta4)


class Flow(NamedTuple):
    """A state on the device: the fields and the two budget integrals [v_A^2]."""

    fields: Fields
    dissipated: Array
    injected: Array


class Solver:
    """Fixed-step RK4 of reduced MHD."""

    def __init__(self, grid: Grid, physics: Physics, dt: float, dtype: str = "float64") -> None:
        on_cpu = backend() == "cpu"  # first, for it says what is wrong where nothing is found
        self.grid, self.physics, self.dt = grid, physics, float(dt)
        self.dtype = np.dtype(dtype)
        self._equations = equations = Equations(grid, physics.held, self.dtype)
        # Numbers are arguments, not constants: cases of one shape share one compiled program.
        self._dt = self.dtype.type(dt)
        self._by = Coefficients(*(self.dtype.type(value) for value in physics.coefficients))
        program: Callable[..., Flow]
        if on_cpu:
            sweeps, options = Sweeps(equations), CPU_OPTIONS
            elsasser, program = sweeps.elsasser, partial(_swept, sweeps)
        else:
            elsasser, program, options = equations.elsasser, self._whole, None
        self._advance = jax.jit(program, donate_argnums=0, compiler_options=options)
        self._elsasser = jax.jit(elsasser, compiler_options=options)
        equations.stress = equations.stress_of_held(self._elsasser)

    def _whole(self, flow: Flow, steps: Array, dt: Array, by: Coefficients) -> Flow:
        """`steps` steps on whole arrays, for a GPU."""
        return advance(flow, lambda y: self._step(y, dt, by), steps)

    def _step(self, flow: Flow, dt: Array, by: Coefficients) -> Flow:
        rhs, rates = self._equations.rhs, self._equations.rates
        end, moved = rk4(flow.fields, lambda y: rhs(y, by), dt, lambda y: rates(y, by))
        lost, fed = (jnp.sum(density) for density in moved)
        return Flow(end, flow.dissipated + lost, flow.injected + fed)

    @property
    def device(self) -> str:
        """What the arrays live on, in words."""
        device = jax.devices()[0]
        return f"{device.platform}: {device.device_kind}"

    def load(self, state: State) -> Flow:
        """Host state to device; the coefficients are taken bit for bit."""
        psi, omega = (split(h, self.grid, self.dtype) for h in (state.psi_hat, state.omega_hat))
        lost, fed = (jnp.array(s, self.dtype) for s in (state.dissipated, state.injected))
        return Flow(Fields(psi, omega), lost, fed)

    def advance(self, carry: Flow, steps: int) -> Flow:
        """Move by `steps` steps; `carry` is consumed."""
        return self._advance(carry, np.int64(steps), self._dt, self._by)

    def read(self, carry: Flow, step: int) -> State:
        """Device to host, bit for bit; `step` is the global step that the carry stands at."""
        psi, omega = (join(h, self.grid) for h in carry.fields)
        lost, fed = float(carry.dissipated), float(carry.injected)
        return State(step, step * self.dt, psi, omega, lost, fed)

    def run(self, state: State, steps: int) -> State:
        """`steps` steps from `state`, host to host."""
        return self.read(self.advance(self.load(state), steps), state.step + steps)

    def fields(self, state: State) -> np.ndarray:
        """vx, vy, bx, by at the cell centres, (4, nx, ny), of the arrays that are multiplied."""
        px, py, mx, my = (np.asarray(f) for f in self._elsasser(self.load(state).fields))
        return np.stack([px + mx, py + my, px - mx, py - my]) / 2

    def measured(self, carry: Flow) -> dict[str, Array]:
        """Energies and budget integrals of a carry, traceable [v_A^2]."""
        magnetic, kinetic = self._equations.energies(carry.fields)
        return {
            "dissipated": carry.dissipated,
            "injected": carry.injected,
            "magnetic_energy": magnetic,
            "kinetic_energy": kinetic,
            "total_energy": magnetic + kinetic,
        }

    def rollout(
        self, carry: Flow, steps: int, by: Coefficients | None = None, block: int | None = None
    ) -> Flow:
        """`advance` for `jax.grad` and `jax.vjp`: static length, same step, equal to round-off.

        Keeps one state per `block` steps (default sqrt(steps)) and computes the others again.
        `by` replaces the dissipation, so that a run can be differentiated by it.
        """
        given = self._by if by is None else by
        length = block or max(1, math.isqrt(steps))
        return scanned(carry, lambda y: self._step(y, self._dt, given), steps, length)


def _swept(sweeps: Sweeps, flow: Flow, steps: Array, dt: Array, by: Coefficients) -> Flow:
    """`steps` steps block by block, for a CPU."""
    fields, *integrals = flow
    fields = sweeps.padded(fields)
    spare = tuple(jax.tree.map(jnp.zeros_like, fields) for _ in range(3))
    blocks = sweeps.blocks(by)

    def step(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        fields, dissipated, injected, spare, work = carry
        fields, moved, spare, work = rk4_in_blocks(fields, spare, work, dt, blocks)
        lost, fed = (_total(density) for density in moved)
        return fields, dissipated + lost, injected + fed, spare, work

    end = advance((fields, *integrals, spare, sweeps.scratch()), step, steps)
    return Flow(sweeps.cropped(end[0]), end[1], end[2])


def _total(density: Array) -> Array:
    """The sum; rows by a product, since XLA gives a sum and all that it can fuse with it to a
    library that is slower at the latter."""
    rows = density if density.ndim < 2 else jnp.ones(len(density), density.dtype) @ density
    return jnp.sum(rows)


def energies(state: State, grid: Grid) -> tuple[float, float]:
    """Magnetic and kinetic energy, 0.5 <|grad psi|^2> and 0.5 <|grad phi|^2> [v_A^2]."""
    magnetic = grid.k2 * np.abs(state.psi_hat) ** 2
    kinetic = np.abs(state.omega_hat) ** 2 / np.where(grid.k2 > 0, grid.k2, np.inf)
    return (
        float(0.5 * (grid.weight * magnetic).sum()),
        float(0.5 * (grid.weight * kinetic).sum()),
    )


def seconds_per_step(solver: Solver, state: State, budget_s: float = 2.0) -> float:
    """Wall clock of one step [s]: the best block within `budget_s`, compilation left out."""
    carry = jax.block_until_ready(solver.advance(solver.load(state), 1))
    steps, best, end = 1, math.inf, time.perf_counter() + budget_s
    while True:
        start = time.perf_counter()
        carry = jax.block_until_ready(solver.advance(carry, steps))
        spent = time.perf_counter() - start
        best = min(best, spent / steps)
        if time.perf_counter() + 2 * spent > end:
            return best
        if spent < budget_s / 20:
            steps *= 2
