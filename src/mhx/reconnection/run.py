"""One whole run from one configuration, in one go: what `mhx run` and each child of a testbed does.

The trajectory is that of a campaign of the same configuration, bit for bit: the same solver in
blocks of `save_every` steps, the same samples.  What differs is that nothing is kept for a resume.
The run stops at once when a block ends not finite or beyond the stability limit.

Leaves behind: `history.npz`, `final_state.npz`, `diagnostics.json`, `validation.json`, `figures/`
(unless `[diagnostics] figures = false`) and, where `frames` asks for it, `frames.npz`.
Which metrics a run reports: `measures`.  Seconds are wall clock; all else is in Alfven units.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mhx.config import parse
from mhx.errors import SolverError
from mhx.evidence import schemas, store
from mhx.evidence.gates import judge_all, validation_document
from mhx.reconnection import figures, phases, timestep
from mhx.reconnection.config import Reconnection, family, family_digest
from mhx.reconnection.critical_points import CriticalPoints
from mhx.reconnection.diagnostics import Sampler, assemble
from mhx.reconnection.equilibria import equilibrium_hat, initial_state
from mhx.reconnection.gates import QUALITY, quality_metrics
from mhx.reconnection.growth import GrowthRate
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.solver import Physics, Solver
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import (
    Belongs,
    Frame,
    Frames,
    frame_of,
    frame_stride,
    kept,
    stack,
    write_frames,
    write_history,
    write_state,
)
from mhx.reconnection.vocabulary import AMPLIFYING
from mhx.report.progress import Progress
from mhx.runner import RunRequest, RunSummary

HISTORY_FILE, STATE_FILE, FRAMES_FILE = "history.npz", "final_state.npz", "frames.npz"
DIAGNOSTICS_FILE, VALIDATION_FILE, FIGURES = "diagnostics.json", "validation.json", "figures"

History = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Course:
    """A run that reached its end: its samples, its last state, and what a step cost.

    frames: pictures for movies, None where the configuration does not ask for them.
    """

    history: dict[str, np.ndarray]
    state: State
    points: CriticalPoints
    seconds_per_step: float
    device: str
    frames: Frames | None = None


def run(request: RunRequest) -> RunSummary:
    """Carry out the configuration; SolverError where it cannot reach its end."""
    config = parse(Reconnection, dict(request.config))
    timestep.refuse_unstable(config.time_step)
    growth = growth_rate(config) if config.sheets else None
    course = integrate(config)
    found = found_phases(config, course.history, growth)
    metrics = measures(config, course, found, growth)
    artifacts = _written(request.output_dir, config, course, found, growth)
    notes = {
        "device": course.device,
        "dtype": config.numerics.dtype,
        "equilibrium": config.physics.equilibrium,
        "family_digest": family_digest(config),
        "linear_phase": found["linear_phase"]["reason"] or "found",
    }
    return RunSummary(
        metrics=metrics,
        notes=notes,
        artifacts=tuple(sorted(p.relative_to(request.output_dir).as_posix() for p in artifacts)),
    )


def solver_of(config: Reconnection) -> Solver:
    """The solver of a configuration; campaigns and single runs share what it is built from."""
    loss = config.dissipation
    held = equilibrium_hat(config) if config.held else None
    physics = Physics(eta=loss.eta, nu=loss.nu, eta4=loss.eta4, held=held)
    return Solver(config.grid, physics, config.dt, config.numerics.dtype)


def integrate(config: Reconnection, *, quiet: bool = False) -> Course:
    """Advance from step 0 to the end and sample on the way."""
    solver = solver_of(config)
    state = initial_state(config)
    sampler = Sampler(config, state, solver.fields)
    # the first call of a program compiles it; that is no step
    carry = solver.advance(solver.load(state), 0)
    state = solver.read(carry, 0)
    row, points = _sampled(sampler, state, good=state)
    rows, step, stepping = [row], 0, 0.0
    camera = _Camera(config)
    camera.take(state)
    with Progress(config.steps, quiet=quiet) as progress:
        progress.update(0, 0.0)
        while step < config.steps:
            block = min(config.save_every, config.steps - step)
            began = time.perf_counter()
            carry = solver.advance(carry, block)
            step += block
            reached = solver.read(carry, step)  # waits until the block is done
            stepping += time.perf_counter() - began
            row, points = _sampled(sampler, reached, good=state)
            state = reached
            rows.append(row)
            camera.take(state)
            progress.update(
                step,
                state.time,
                energy_residual=row["dissipation_budget_residual"],
                stability_ratio=row["stability_ratio"],
            )
    return Course(
        history=assemble(rows),
        state=state,
        points=points,
        seconds_per_step=stepping / config.steps,
        device=solver.device,
        frames=camera.frames,
    )


class _Camera:
    """Keeps pictures of a run as a campaign does: its stride, and the last state in any case."""

    def __init__(self, config: Reconnection) -> None:
        self.config = config
        self.every = frame_stride(config.steps, config.save_every)
        self._taken: list[Frame] = []

    def take(self, state: State) -> None:
        if not self.config.diagnostics.frames:
            return
        if state.step % self.every == 0 or state.step == self.config.steps:
            self._taken.append(frame_of(state, self.config.grid))

    @property
    def frames(self) -> Frames | None:
        return stack(self._taken, every=self.every) if self._taken else None


def _sampled(
    sampler: Sampler, state: State, *, good: State
) -> tuple[dict[str, float], CriticalPoints]:
    """The row of a state and its critical points; SolverError where the state cannot be trusted."""
    if not state.finite:
        raise SolverError(_refusal(sampler, state, good, "holds values that are not finite"))
    row, points = sampler.sample(state)
    ratio = row["stability_ratio"]
    if not ratio <= 1:
        what = f"is beyond the stability limit of RK4: dt/dt_max = {ratio:.4g}"
        raise SolverError(_refusal(sampler, state, good, what))
    return row, points


def _refusal(sampler: Sampler, state: State, good: State, what: str) -> str:
    config = sampler.config
    limit = timestep.dt_max(
        *timestep.rates(np.asarray(sampler.fields(good)), config.grid, config.dissipation)
    )
    better = timestep.rounded_down(min(timestep.AUTO * limit, config.dt / 2))
    return (
        f"the state at step {state.step} (t = {state.step * config.dt:.6g} L/v_A) {what}, with "
        f"time.dt = {config.dt:g}; the last good sample is that of step {good.step}; "
        f"time.dt = {better:g} would do"
    )


def found_phases(
    config: Reconnection, history: History, growth: GrowthRate | None = None
) -> dict[str, dict[str, Any]]:
    """Linear window, algebraic phase and saturation of the leading sheet.

    growth: only the algebraic phase is compared with it; the linear window is found without.
    """
    sheet = phases.leading_sheet(history)
    if sheet is None:
        reason = "this equilibrium has no current sheets"
        none = {"found": False, "reason": reason}
        return {"linear_phase": none, "algebraic_phase": none, "saturation": none}
    flux, width = history[f"sheet_flux_{sheet}"], history[f"island_width_{sheet}"]
    linear = phases.linear_phase(history["time"], flux)
    across = config.grid.lx if config.equilibrium.normal == "x" else config.grid.ly
    time = history["time"]
    theory = growth.constant_psi_theory(config.physics.resistivity) if growth else None
    return {
        "linear_phase": linear,
        "algebraic_phase": phases.algebraic_phase(time, width, flux, linear, theory),
        "saturation": phases.saturation(time, width, across / 2, theory),
    }


def measures(
    config: Reconnection,
    course: Course,
    found: Mapping[str, Mapping[str, Any]],
    growth: GrowthRate | None = None,
) -> dict[str, float]:
    """Metrics of a run under dotted names; what does not exist or is not finite is left out.

    run.*: steps, dt, duration, samples, cost.  quality.*: what the gates read.
    initial.*, final.*, max.*: first, last and largest value of each history.
    amplification.*: largest over first magnitude.  growth_rate: slope in the linear window;
    linear_phase.*, algebraic_phase.*, saturation.*: as found.  eigenvalue.*: of the eigen-solve;
    its `mismatch` is the relative difference of `growth_rate` from `gamma`, where that is positive.
    """
    history, named = course.history, dict[str, Any]()
    named |= {
        "run.steps": config.steps,
        "run.dt": config.dt,
        "run.t_end": config.t_end,
        "run.samples": len(history["time"]),
        "run.seconds_per_step": course.seconds_per_step,
        "growth_rate": found["linear_phase"].get("slope"),
    }
    named |= {f"quality.{name}": value for name, value in quality_metrics(history).items()}
    for name in history.keys() - {"time", "step"}:
        values = history[name]
        named[f"initial.{name}"], named[f"final.{name}"] = values[0], values[-1]
        named[f"max.{name}"] = values.max()
        if name.startswith(AMPLIFYING) and values[0]:
            named[f"amplification.{name}"] = np.abs(values).max() / abs(values[0])
    for phase, facts in found.items():
        named |= {f"{phase}.{name}": v for name, v in facts.items() if name not in INDICES}
    named |= {f"fit_window.{name}": value for name, value in _fitted(config, history).items()}
    if growth is not None:
        named |= {f"eigenvalue.{name}": value for name, value in growth.document().items()}
        slope = named["growth_rate"]
        if slope is not None and growth.gamma > 0:
            named["eigenvalue.mismatch"] = abs(slope - growth.gamma) / growth.gamma
    return {name: float(value) for name, value in sorted(named.items()) if _is_number(value)}


INDICES = ("start", "stop")  # positions of samples, no measures


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)
    return number and math.isfinite(value)


def _fitted(config: Reconnection, history: History) -> dict[str, float]:
    """Slope of ln(flux) of the leading sheet in the window that the configuration names, if any."""
    window, sheet = config.diagnostics.fit_time_window, phases.leading_sheet(history)
    if window is None or sheet is None:
        return {}
    t, flux = history["time"], history[f"sheet_flux_{sheet}"]
    inside = (t >= window[0]) & (t <= window[1]) & (flux > 0)
    samples = int(inside.sum())
    if samples < 2:
        return {"samples": samples}
    slope = float(np.polyfit(t[inside] - t[inside].mean(), np.log(flux[inside]), 1)[0])
    return {"samples": samples, "slope": slope, "start": window[0], "end": window[1]}


def _written(
    root: Path,
    config: Reconnection,
    course: Course,
    found: Mapping[str, Mapping[str, Any]],
    growth: GrowthRate | None,
) -> list[Path]:
    """Write every file of the run; their paths."""
    history, state = course.history, course.state
    quality = quality_metrics(history)
    results = judge_all(QUALITY, quality)
    diagnostics = {
        "schema": schemas.CAMPAIGN_EXECUTION,
        **_described(config, course),
        **{name: value for name, value in quality.items() if name != "non_finite_values"},
        **found,
        "growth_rate": None if growth is None else growth.document(),
    }
    drawn = _linear_words(found["linear_phase"], growth)
    paths = {name: root / name for name in (HISTORY_FILE, STATE_FILE, DIAGNOSTICS_FILE)}
    write_history(paths[HISTORY_FILE], kept(history, config.diagnostics.quantities))
    belongs = Belongs(dtype=config.numerics.dtype, initial_energy=float(history["total_energy"][0]))
    write_state(paths[STATE_FILE], state, grid=config.grid, belongs=belongs)
    store.write_json(paths[DIAGNOSTICS_FILE], diagnostics)
    validation = validation_document(schemas.RUN_VALIDATION, results, quality)
    store.write_json(root / VALIDATION_FILE, validation)
    return [
        *paths.values(),
        root / VALIDATION_FILE,
        *_frames(root / FRAMES_FILE, course),
        *_pictures(root / FIGURES, config, course, drawn),
    ]


def _frames(path: Path, course: Course) -> list[Path]:
    if course.frames is None:
        return []
    write_frames(path, course.frames)
    return [path]


def _described(config: Reconnection, course: Course) -> dict[str, Any]:
    """What the run was, under the names that an executed campaign uses."""
    history = course.history
    return {
        "api_version": "v1",
        "family": family(config),
        "family_digest": family_digest(config),
        "start_step": 0,
        "end_step": course.state.step,
        "steps_run": config.steps,
        "target_step": config.steps,
        "completed_target": course.state.step == config.steps,
        "stop_reason": "target",
        "dt": config.dt,
        "time_step": config.time_step.document(),
        "save_every": config.save_every,
        "shape": list(config.grid.shape),
        "seed": config.initial.seed,
        "noise_amplitude": config.initial.noise_amplitude,
        "resistivity": config.physics.resistivity,
        "viscosity": config.physics.viscosity,
        "hyper_resistivity": config.physics.hyper_resistivity,
        "equilibrium": config.physics.equilibrium,
        "equilibrium_parameters": dict(config.parameters),
        "hold_equilibrium": config.held,
        "mode": list(config.mode),
        "final_magnetic_divergence_linf": float(history["magnetic_divergence_linf"][-1]),
        "history_samples": len(history["time"]),
        "seconds_per_step": course.seconds_per_step,
        "device": course.device,
        "dtype": config.numerics.dtype,
    }


def _linear_words(linear: Mapping[str, Any], growth: GrowthRate | None) -> dict[str, Any]:
    """What the flux figure shows of the linear phase."""
    return {
        "window": (linear["t_start"], linear["t_end"]) if linear["found"] else None,
        "slope": linear.get("slope"),
        "eigenvalue": None if growth is None else growth.gamma,
    }


def _pictures(
    folder: Path, config: Reconnection, course: Course, linear: Mapping[str, Any]
) -> list[Path]:
    if config.diagnostics.figures is False:
        return []
    drawn = figures.all_histories(folder, course.history, **linear)
    field = folder / "final_field.png"
    table = course.points.table()
    figures.field_picture(
        field,
        course.state,
        config.grid,
        x_points=table[table[:, 3] < 0, :3],
        o_points=table[table[:, 3] > 0, :3],
    )
    return [*drawn, field]
