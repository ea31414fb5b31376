"""A reconnection run from Python, in a few words:

    sim = mhx.Simulation(shape=(96, 96), equilibrium="periodic_double_harris", eta=0.005, nu=0.005)
    sim.run(t=40)
    sim.history["total_energy"], sim.plot("island.png"), sim.save("my_run")

It takes the same steps and the same samples as `mhx run` on the same configuration, bit for bit.
It judges nothing, and what it saves is no evidence: for that there are `mhx run` and the campaigns.
Times in L/v_A, eta and nu in L v_A.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mhx.config import parse, read_toml, to_toml
from mhx.errors import ConfigError, SolverError
from mhx.evidence import store
from mhx.reconnection import figures, timestep
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import Sampler, assemble
from mhx.reconnection.equilibria import equilibrium_hat, initial_state
from mhx.reconnection.run import solver_of
from mhx.reconnection.solver import Flow
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import read_history, read_state, write_history, write_state
from mhx.report.progress import Progress

CONFIG, STATE, HISTORY = "config.toml", "state.npz", "history.npz"
METRICS = ("dissipated", "injected", "magnetic_energy", "kinetic_energy", "total_energy")
INPUTS = ("eta", "nu", "eta4", "amplitude")
Rows = list[dict[str, float]]


class Simulation:
    """One run of reduced MHD: configuration, current state and the samples so far."""

    def __init__(
        self,
        config: Reconnection | None = None,
        *,
        shape: tuple[int, int] = (64, 64),
        equilibrium: str = "periodic_double_harris",
        eta: float = 1e-3,
        nu: float = 1e-3,
        **more: Any,
    ) -> None:
        """A run at step 0, from a configuration or from words.

        more: `dt` (default "auto"), `t_end` (100, which sets the default sampling), `save_every`,
            `box` (lx, ly), `eta4`, `hold`, `seed`, `noise_amplitude`, `dtype`; anything else is a
            parameter of the equilibrium: `width`, `perturbation_amplitude`, ...
        """
        if config is None:
            words = {"shape": shape, "equilibrium": equilibrium, "eta": eta, "nu": nu, **more}
            config = parse(Reconnection, _document(words))
        timestep.refuse_unstable(config.time_step)
        self.config = config
        self._solver = solver_of(config)
        self._start = initial_state(config)
        self._sampler = Sampler(config, self._start, self._solver.fields)
        self.state: State = self._start
        self._rows: Rows = [self._sampler.row(self._start)]

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | str | Path) -> Self:
        """From a run file or from its contents; ConfigError with all faults."""
        if isinstance(config, Mapping):
            return cls(parse(Reconnection, dict(config)))
        return cls(parse(Reconnection, *read_toml(Path(config))))

    def __repr__(self) -> str:
        name, (nx, ny) = self.config.physics.equilibrium, self.grid.shape
        return f"<Simulation: {name}, {nx} x {ny} points, t = {self.time:.6g}>"

    @property
    def grid(self) -> Grid:
        return self.config.grid

    @property
    def time(self) -> float:
        """Where the run stands [L/v_A]."""
        return self.state.time

    @property
    def history(self) -> dict[str, np.ndarray]:
        """One array per name of `mhx.reconnection.diagnostics.HISTORY`, one value per sample."""
        return assemble(self._rows)

    def fields(self) -> dict[str, np.ndarray]:
        """psi, omega, vx, vy, bx, by at the cell centres, (nx, ny) each."""
        hats = {"psi": self.state.psi_hat, "omega": self.state.omega_hat}
        scalars = {name: np.fft.irfft2(hat, self.grid.shape) for name, hat in hats.items()}
        vectors = self._solver.fields(self.state)
        return {**scalars, **dict(zip(("vx", "vy", "bx", "by"), vectors, strict=True))}

    def run(
        self,
        *,
        t: float | None = None,
        steps: int | None = None,
        callback: Callable[[Self], None] | None = None,
        progress: bool = False,
    ) -> Self:
        """Go on by a time or by steps (default: to the end of the configuration).

        Samples at multiples of `save_every` and at the end, and calls `callback(self)` after each.
        SolverError where a sample is not finite or beyond the stability limit; the state stays at
        the last good sample.
        """
        end = self.state.step + self._count(t, steps)
        with Progress(end, start=self.state.step, quiet=not progress) as bar:
            carry = self._solver.load(self.state)
            while self.state.step < end:
                here, stride = self.state.step, self.config.save_every
                block = min(stride - here % stride, end - here)
                carry = self._solver.advance(carry, block)
                self._take(self._solver.read(carry, here + block))
                bar.update(self.state.step, self.state.time)
                if callback is not None:
                    callback(self)
        return self

    def _count(self, t: float | None, steps: int | None) -> int:
        if t is not None and steps is not None:
            raise ConfigError(f"run takes t or steps, got both: t={t!r}, steps={steps!r}")
        if steps is None:
            if t is None:
                return max(0, self.config.steps - self.state.step)
            steps = round(t / self.config.dt)
        if steps < 0:
            raise ConfigError(f"run cannot go back, got t={t!r}, steps={steps!r}")
        return steps

    def _take(self, state: State) -> None:
        row = self._sampler.row(state) if state.finite else {}
        if not row.get("stability_ratio", np.inf) <= 1:
            raise SolverError(
                f"the state at step {state.step} is not finite or beyond the stability limit with "
                f"dt = {self.config.dt:g}; the run stands at step {self.state.step}; use a "
                f"smaller dt"
            )
        self.state = state
        self._rows.append(row)

    def plot(self, path: str | Path = "field.png") -> Path:
        """Field lines over the current density, with X and O points; the picture's path."""
        table = self._sampler.points(self.state).table()
        kinds = {"x_points": table[:, 3] < 0, "o_points": table[:, 3] > 0}
        points = {name: table[rows, :3] for name, rows in kinds.items()}
        figures.field_picture(Path(path), self.state, self.grid, **points)
        return Path(path)

    def save(self, folder: str | Path) -> Path:
        """Write configuration, state and history; `load` goes on from there with the same bits."""
        root = Path(folder)
        store.write_text(root / CONFIG, to_toml(self.config.document()))
        write_state(root / STATE, self.state, grid=self.grid)
        write_history(root / HISTORY, self.history)
        return root

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """A saved run; EvidenceError where a file is damaged."""
        root = Path(folder)
        sim = cls.from_config(root / CONFIG)
        sim.state, _ = read_state(root / STATE, grid=sim.grid)
        arrays = read_history(root / HISTORY).arrays
        names = sim._rows[0]
        columns = [arrays[name].tolist() for name in names]
        sim._rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return sim

    def grad(
        self,
        metric: str | Callable[[Flow], Array],
        *,
        with_respect_to: str = "eta",
        steps: int,
    ) -> tuple[float, float]:
        """A metric `steps` steps after step 0, and its derivative, by reverse mode.

        metric: one of `METRICS`, or a function of the device state to a scalar.
        with_respect_to: eta, nu, eta4, or amplitude, a factor (1) on all that departs from the
            equilibrium.
        """
        if isinstance(metric, str) and metric not in METRICS:
            raise ConfigError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
        if with_respect_to not in INPUTS:
            allowed = ", ".join(INPUTS)
            raise ConfigError(f"with_respect_to must be one of {allowed}, got {with_respect_to!r}")
        given = {**self._solver.physics.coefficients._asdict(), "amplitude": 1.0}
        run = self._solver
        rest = State(0, 0.0, equilibrium_hat(self.config), np.zeros_like(self._start.omega_hat))
        base, start = run.load(rest), run.load(self._start)

        def value(asked: Array) -> Array:
            inputs = {**given, with_respect_to: asked}
            factor = inputs.pop("amplitude")
            flow = jax.tree.map(lambda b, s: b + factor * (s - b), base, start)
            by = run.physics.coefficients._replace(**inputs)
            end = run.rollout(flow, steps, by)
            return metric(end) if callable(metric) else run.measured(end)[metric]

        found, slope = jax.jit(jax.value_and_grad(value))(jnp.asarray(given[with_respect_to]))
        return float(found), float(slope)


def _document(words: dict[str, Any]) -> dict[str, Any]:
    """A run file from the words of `Simulation`."""
    places = {
        "shape": ("mesh", "shape"),
        "box": ("mesh", "upper"),
        "dt": ("time", "dt"),
        "t_end": ("time", "t1"),
        "save_every": ("time", "save_every"),
        "equilibrium": ("physics", "equilibrium"),
        "eta": ("physics", "resistivity"),
        "nu": ("physics", "viscosity"),
        "eta4": ("physics", "hyper_resistivity"),
        "hold": ("physics", "hold_equilibrium"),
        "seed": ("initial", "seed"),
        "noise_amplitude": ("initial", "noise_amplitude"),
        "dtype": ("numerics", "dtype"),
    }
    document: dict[str, Any] = {"time": {"t1": 100.0}, "physics": {"equilibrium_parameters": {}}}
    for word, value in words.items():
        plain = list(value) if isinstance(value, tuple) else value
        if word in places:
            table, key = places[word]
            document.setdefault(table, {})[key] = plain
        else:
            document["physics"]["equilibrium_parameters"][word] = plain
    return document
