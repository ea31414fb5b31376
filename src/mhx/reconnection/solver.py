"""The stepper: reduced MHD on one grid with one dt, compiled once, on a CPU or a GPU.

`load` puts a host `State` on the device, `advance` moves it by any number of steps with one
executable, `read` brings the same bits back.  What decides the trajectory is (grid, physics, dt,
dtype); files, diagnostics and configuration belong elsewhere.  Importing this module switches JAX
to 64 bits, without which float64 would silently be float32.
"""

import time
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from mhx.reconnection.equations import (
    Coefficients,
    Flow,
    Operators,
    equations,
    held_hat,
    velocities,
)
from mhx.reconnection.integrators import advance, rk4
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.transforms import join, split

jax.config.update("jax_enable_x64", True)


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


class Solver:
    """Fixed-step RK4 of reduced MHD; a `carry` is a `Flow` on the device, spent by `advance`."""

    def __init__(self, grid: Grid, physics: Physics, dt: float, dtype: str = "float64") -> None:
        self.grid, self.physics, self.dt = grid, physics, dt
        self.dtype = np.dtype(dtype)
        ops = Operators.of(grid, self.dtype)
        rhs = equations(grid, ops, held_hat(physics.held, grid, self.dtype))
        by = Coefficients(physics.eta, physics.nu, physics.eta4)

        def step(flow: Flow) -> Flow:
            return rk4(flow, lambda y: rhs(y, by), dt)

        self._step = step
        self._advance = jax.jit(lambda flow, n: advance(flow, step, n), donate_argnums=0)
        self._fields = jax.jit(partial(velocities, ops=ops, grid=grid))

    @property
    def device(self) -> str:
        """What the arrays live on, in words."""
        device = jnp.zeros(()).devices().pop()
        return f"{device.platform}: {device.device_kind}"

    def load(self, state: State) -> Flow:
        """Host state to device; coefficients are taken bit for bit."""
        hats = [split(h, self.grid, self.dtype) for h in (state.psi_hat, state.omega_hat)]
        sums = [jnp.array(s, self.dtype) for s in (state.dissipated, state.injected)]
        return Flow(*hats, *sums)

    def advance(self, carry: Flow, steps: int) -> Flow:
        """Move by `steps` steps; `carry` is consumed."""
        return self._advance(carry, jnp.int64(steps))

    def read(self, carry: Flow, step: int) -> State:
        """Device to host, bit for bit; `step` is the global step the carry stands at."""
        psi, omega = (join(h, self.grid) for h in (carry.psi, carry.omega))
        lost, fed = float(carry.dissipated), float(carry.injected)
        return State(step, step * self.dt, psi, omega, lost, fed)

    def run(self, state: State, steps: int) -> State:
        """`steps` steps from `state`, host to host."""
        return self.read(self.advance(self.load(state), steps), state.step + steps)

    def fields(self, state: State) -> np.ndarray:
        """vx, vy, bx, by, (4, nx, ny), of the very arrays that the stepper multiplies."""
        flow = self.load(state)
        px, py, mx, my = (np.asarray(f) for f in self._fields(flow.psi, flow.omega))
        return np.stack([px + mx, py + my, px - mx, py - my]) / 2


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
    carry = solver.advance(solver.load(state), 1)
    jax.block_until_ready(carry)
    steps, best, end = 1, np.inf, time.perf_counter() + budget_s
    while True:
        start = time.perf_counter()
        carry = jax.block_until_ready(solver.advance(carry, steps))
        spent = time.perf_counter() - start
        best = min(best, spent / steps)
        if time.perf_counter() + 2 * spent > end:
            return best
        if spent < budget_s / 20:
            steps *= 2
