"""Reduced MHD as the `Stepper` of a campaign: solver, samples, and the files of a checkpoint.

A sample is one row of the history, taken at every multiple of `save_every` and wherever a
checkpoint falls; pictures for the movies follow with their own stride.  Rows and pictures are held
only until the next checkpoint writes them, so memory does not grow with the length of the run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.campaigns.execute import NON_FINITE, UNSTABLE, Fault
from mhx.reconnection import timestep
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import Sampler
from mhx.reconnection.equilibria import equilibrium_hat
from mhx.reconnection.solver import Physics, Solver
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import (
    Belongs,
    Frame,
    Segment,
    frame_of,
    frame_stride,
    stack,
    write_frames,
    write_segment,
    write_state,
)

RECORDED = (  # the history names that a checkpoint record repeats
    *("total_energy", "magnetic_energy", "kinetic_energy", "magnetic_divergence_linf"),
    *("rutherford_island_width", "reconnected_flux", "current_sheet_aspect_ratio"),
    *("dissipation_budget_residual", "spectral_tail", "stability_ratio"),
)


class RutherfordStepper:
    """One run at one step, from `start` on; `initial` is the state at step 0."""

    def __init__(
        self, config: Reconnection, initial: State, start: State, belongs: Belongs
    ) -> None:
        self.config, self.belongs = config, belongs
        loss = config.dissipation
        held = equilibrium_hat(config) if config.held else None
        physics = Physics(eta=loss.eta, nu=loss.nu, eta4=loss.eta4, held=held)
        self.solver = Solver(config.grid, physics, config.dt, config.numerics.dtype)
        self.save_every = config.save_every
        self.frame_every = frame_stride(config.steps, self.save_every)
        self._fields: tuple[int, Any] = (-1, None)
        self._sampler = Sampler(config, initial, self._fields_of)
        self._good, self._written = start, start.step
        self.last_row: Mapping[str, float] = {}
        self._rows: list[Mapping[str, float]] = []
        self._points: list[Any] = []
        self._frames: list[Frame] = []
        self._step = start.step
        # no step is made and nothing is kept, but what has to be compiled or imported once is, so
        # that the rate which is shown and reckoned with is that of the run
        self._carry = self.solver.advance(self.solver.load(start), 0)
        if start.step:  # what a checkpoint holds was sampled without fault
            self._sampler.sample(start)
        else:
            self.solver.fields(start)

    @property
    def step(self) -> int:
        return self._step

    @property
    def time(self) -> float:
        return self._step * self.solver.dt

    @property
    def state(self) -> State:
        """The newest state that was observed without fault."""
        return self._good

    def advance(self, steps: int) -> None:
        self._carry = self.solver.advance(self._carry, steps)
        float(self._carry.dissipated)  # waits until the whole block is done
        self._step += steps

    def go_back(self) -> None:
        self._step = self._good.step
        self._carry = self.solver.load(self._good)

    def observe(self) -> Fault | None:
        state = self.solver.read(self._carry, self._step)
        fault = self._fault(state)
        if fault is None:
            row, points = self._sampler.sample(state)
            self._good, self.last_row = state, row
            self._rows.append({name: row[name] for name in row if self._stored(name)})
            self._points.append(points.table())
            if state.step % self.frame_every == 0:
                self._frames.append(frame_of(state, self.config.grid))
        return fault

    def metrics(self) -> dict[str, float]:
        """What the record of a checkpoint repeats of its newest row."""
        return {name: float(self.last_row[name]) for name in RECORDED if name in self.last_row}

    @property
    def checkpoint_bytes(self) -> int:
        """What the next checkpoint needs on disk, a little more rather than less."""
        points = self.config.grid.nx * self.config.grid.ny
        numbers = sum(len(row) for row in self._rows) + 4 * sum(len(p) for p in self._points)
        pictures = 2 * 4 * sum(frame.psi.size for frame in self._frames)
        return 4 * 8 * points + 16 * points + 8 * numbers + pictures + 65536

    def write_state(self, path: Path) -> None:
        write_state(path, self._good, grid=self.config.grid, belongs=self.belongs)

    def write_segment(self, path: Path) -> None:
        write_segment(
            path,
            Segment(
                start_step=self._written,
                end_step=self._good.step,
                save_every=self.save_every,
                rows=self._rows,
                points=self._points,
                plan_digest=self.belongs.plan_digest,
            ),
        )

    def write_frames(self, path: Path) -> None:
        """The pictures since the last checkpoint; the newest state is always among them."""
        if not self._frames or self._frames[-1].step != self._good.step:
            self._frames.append(frame_of(self._good, self.config.grid))
        pictures = stack(self._frames, every=self.frame_every, plan_digest=self.belongs.plan_digest)
        write_frames(path, pictures)

    def written(self) -> None:
        """The checkpoint is on disk: its rows and pictures need not be held any longer."""
        self._written = self._good.step
        self._rows, self._points, self._frames = [], [], []

    def _stored(self, name: str) -> bool:
        wanted = self.config.diagnostics.quantities
        return wanted is None or name in ("step", "time", *wanted)

    def _fields_of(self, state: State) -> Any:
        if self._fields[0] != state.step:
            self._fields = (state.step, self.solver.fields(state))
        return self._fields[1]

    def _fault(self, state: State) -> Fault | None:
        self._fields = (-1, None)  # a step may be reached twice, after a fault
        if not state.finite:
            return self._refusal(NON_FINITE, state, "holds values that are not finite")
        grid, physics, dt = self.config.grid, self.solver.physics, self.solver.dt
        ratio = timestep.stability_ratio(self._fields_of(state), grid, physics, dt)
        if ratio <= 1:
            return None
        return self._refusal(
            UNSTABLE, state, f"is beyond the stability limit: dt/dt_max {ratio:.4g}"
        )

    def _refusal(self, kind: str, state: State, what: str) -> Fault:
        grid, physics = self.config.grid, self.solver.physics
        good = self._good
        fastest = timestep.rates(self.solver.fields(good), grid, physics)
        stable = timestep.AUTO * timestep.dt_max(*fastest)
        better = timestep.rounded_down(min(stable, self.solver.dt / 2))
        time = state.step * self.solver.dt
        return Fault(
            kind=kind,
            step=state.step,
            time=time,
            message=(
                f"the state at step {state.step} (t = {time:.6g}) {what}, with dt = "
                f"{self.solver.dt:g}; the state at step {good.step} is the last good one; "
                f"a plan with --dt {better:g} would do"
            ),
        )
