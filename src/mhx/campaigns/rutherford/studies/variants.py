"""Which cases a study has: the problem of each, its grid and step, and where it stands.

A variant is a `Problem` with a time step; equal variants are one case, so a run that belongs to
both ladders is computed once.  Step, stride and end are chosen here so that all cases of a study
are sampled at the same times and end together.  Lengths in L, times in L/v_A.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mhx.campaigns import plan as planning
from mhx.campaigns.rutherford.design import PROBE_TIME, run_file
from mhx.campaigns.rutherford.parameters import Problem
from mhx.campaigns.rutherford.studies.tables import (
    BETWEEN,
    LADDER,
    NEAR,
    Asked,
    ConvergenceTable,
    LongRunTable,
    OnOneGrid,
    SeedsTable,
    Shape,
    SweepTable,
)
from mhx.config import faults_in
from mhx.reconnection.config import SAVED_FRAMES, Reconnection
from mhx.reconnection.timestep import AUTO, rounded_down

DIGITS = 12  # of a value that is derived here: 0.35, not 0.35000000000000003
FEWEST = 20  # samples of a study that is too short for one per BETWEEN
WHOLE = 1e-9  # of a step; less than that is round-off
NOISE = 0.05  # of the seed: amplitude of the noise that an ensemble varies


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One case: what it computes, and its place on each axis of the study."""

    problem: Problem
    dt: float
    coordinates: Mapping[str, float] = field(default_factory=dict)
    name: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Variants:
    """The cases of a study over its base.

    interval: time between samples; t1: end time, whole steps of every case [L/v_A].
    faults: what the steps of the cases cannot agree on, by flag.
    unavailable: why there is no case at all.
    """

    base: Variant
    cases: Sequence[Variant] = ()
    interval: float
    t1: float
    window: tuple[float, float]
    faults: Mapping[str, str] = field(default_factory=dict)
    unavailable: str = ""

    def stride(self, variant: Variant) -> int:
        """Steps between samples of a case."""
        return max(1, round(self.interval / variant.dt))

    def run_file(self, variant: Variant) -> dict[str, Any]:
        """The ordinary run file of a case."""
        data = run_file(
            variant.problem,
            dt=variant.dt,
            t1=self.t1,
            save_every=self.stride(variant),
            window=self.window,
        )
        return _plain(data)


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """A run file without place and name, and without what follows from the rest of it."""
    kept = {key: data[key] for key in data if key not in ("name", "output_dir")}
    told = data["diagnostics"]
    kept["diagnostics"] = {key: told[key] for key in told if key not in ("quantities", "mode")}
    return kept


def variants_of(table: Asked) -> Variants:
    """What a table asks for, as cases."""
    match table:
        case ConvergenceTable():
            return _convergence(table)
        case SweepTable():
            return _sweep(table)
        case SeedsTable():
            return _seeds(table)
        case LongRunTable():
            dt = _common_step(table, [table])
            base = Variant(problem=table, dt=dt, name="long_run", label="long run")
            return _in_time(table, base, [base], between=None)
    raise TypeError(f"no cases follow from {type(table).__name__}")


def _convergence(table: ConvergenceTable) -> Variants:
    """Grids at one step, steps on one grid; the reference case stands on both ladders."""
    on = {
        shape: _on_grid(table, shape) for shape in (*table.resolutions, table.reference_resolution)
    }
    largest = min(_largest_step(problem) for problem in on.values())
    dt = _reference_step(table, largest)
    steps = table.dt_values
    if steps == "auto":
        first = dt
        steps = tuple(first / 2**n for n in range(LADDER))
    reference = on[table.reference_resolution]
    ladders = [
        *(
            Variant(problem=on[shape], dt=dt, coordinates={"resolution": shape[0]})
            for shape in table.resolutions
        ),
        *(Variant(problem=reference, dt=step, coordinates={"timestep": step}) for step in steps),
    ]
    cases = _merged([_named_by_grid(variant) for variant in ladders])
    base = _named_by_grid(Variant(problem=reference, dt=dt))
    found = _in_time(table, base, cases, between=BETWEEN)
    uneven = [case.dt for case in cases if not _divides(case.dt, found.interval)]
    if not uneven:
        return found
    told = (
        f"must divide the time between samples, {found.interval:g} [L/v_A], into whole steps, got "
        f"{', '.join(f'{value:g}' for value in uneven)}; take steps whose ratios are whole numbers"
    )
    return replace(found, faults={"time.dt": told})


def _reference_step(table: ConvergenceTable, largest: float) -> float:
    """The step of the grids: as given, else one of the ladder, else half the limit."""
    if table.reference_dt != "auto":
        return float(table.reference_dt)
    if table.dt_values != "auto":
        fitting = [step for step in table.dt_values if step <= largest]
        return max(fitting, default=min(table.dt_values))
    return _rounded(table, largest)


def _on_grid(table: Problem, shape: Shape) -> Problem:
    return table.model_copy(update={"nx": shape[0], "ny": shape[1]})


def _named_by_grid(variant: Variant) -> Variant:
    nx, ny = variant.problem.nx, variant.problem.ny
    points = f"{nx}" if nx == ny else f"{nx}x{ny}"
    step = f"{variant.dt:.{DIGITS}g}"
    return replace(
        variant, name=f"n{points}_dt{step}", label=f"{nx} x {ny} points, time step {step}"
    )


def _merged(cases: Sequence[Variant]) -> list[Variant]:
    """Equal cases as one that stands on all their axes."""
    found: dict[str, Variant] = {}
    for case in cases:
        known = found.get(case.name)
        axes = {} if known is None else known.coordinates
        found[case.name] = replace(case, coordinates={**axes, **case.coordinates})
    return list(found.values())


def _sweep(table: SweepTable) -> Variants:
    """One parameter at several values, the base's among them unless values are given."""
    axis, problems = table.sweep_axis, _swept(table)
    dt = _common_step(table, [problem for _, problem in problems] or [table])
    base = Variant(problem=table, dt=dt, name="base")
    cases = [
        Variant(
            problem=problem,
            dt=dt,
            coordinates={axis: value},
            name=f"{axis}_{_word(table, problem)}",
            label=f"{axis} {_word(table, problem).replace('_', ':')}",
        )
        for value, problem in problems
    ]
    found = _in_time(table, base, cases, between=BETWEEN)
    if cases:
        return found
    why = f"{table.equilibrium} has no {axis}, so there is nothing to vary"
    return replace(found, unavailable=why)


def _word(table: SweepTable, problem: Problem) -> str:
    match table.sweep_axis:
        case "width":
            return f"{problem.width:.{DIGITS}g}"
        case "resistivity":
            return f"{problem.eta:.{DIGITS}g}"
    return f"{problem.mode_x}_{problem.mode_y}"


def _swept(table: SweepTable) -> list[tuple[float, Problem]]:
    """Coordinate and problem of each case; none where the equilibrium lacks the parameter."""
    if table.sweep_axis == "mode":
        modes = table.modes or _modes(table)
        return [
            (float(n), table.model_copy(update={"mode_x": x, "mode_y": y}))
            for n, (x, y) in enumerate(modes)
        ]
    if table.sweep_axis == "width":
        base = width_of(table)
        if base is None:
            return []
        widths = table.widths or _around(base)
        return [(value, table.model_copy(update={"width": value})) for value in widths]
    etas = table.etas or _around(table.eta, 0.2)
    prandtl = table.nu / table.eta if table.eta else 1.0
    nus = table.viscosities or tuple(_short(prandtl * eta) for eta in etas)
    return [
        (eta, table.model_copy(update={"eta": eta, "nu": nu}))
        for eta, nu in zip(etas, nus, strict=True)
    ]


def width_of(problem: Problem) -> float | None:
    """The half-width of the sheets, None where the equilibrium has no such parameter [L]."""
    default = problem.row.parameters.get("width")
    if problem.width is not None or default is None:
        return problem.width
    return float(default)


def _modes(table: SweepTable) -> tuple[tuple[int, int], ...]:
    """The base's mode, twice its waves along y, twice those along x."""
    x, y = int(table.mode_x or 0), int(table.mode_y or 0)
    return (x, y), (x, 2 * y or 1), (2 * x or 1, y)


def _around(base: float, share: float = NEAR) -> tuple[float, ...]:
    """The base between its neighbours, a step of one digit away."""
    step = float(f"{share * base:.1g}")
    return tuple(_short(base + n * step) for n in (-1, 0, 1))


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _seeds(table: SeedsTable) -> Variants:
    """One problem, other noise in each case."""
    if "noise_amplitude" not in table.model_fields_set:
        noise = _short(NOISE * table.perturbation_amplitude)
        table = table.model_copy(update={"noise_amplitude": noise})
    problems = [table.model_copy(update={"seed": seed}) for seed in table.seeds]
    dt = _common_step(table, problems)
    cases = [
        Variant(
            problem=problem,
            dt=dt,
            coordinates={"seed": problem.seed},
            name=f"seed_{problem.seed}",
            label=f"seed {problem.seed}",
        )
        for problem in problems
    ]
    return _in_time(table, replace(cases[0], name="base"), cases, between=BETWEEN)


def _common_step(table: OnOneGrid, problems: Sequence[Problem]) -> float:
    """The step asked for; auto is half the limit of the case that bears least."""
    if table.dt != "auto":
        return float(table.dt)
    return _rounded(table, min(_largest_step(problem) for problem in problems))


def _rounded(table: Asked, largest: float) -> float:
    """An automatic step as it is told: two digits, no longer than the run."""
    return table.t_end if largest >= table.t_end else rounded_down(largest)


def _largest_step(problem: Problem) -> float:
    """Half the stability limit of the initial state; infinite where there is no such state.

    What is wrong with that problem is told when its run file is checked.
    """
    data = _plain(run_file(problem, dt="auto", t1=PROBE_TIME, save_every=1))
    probe, _ = faults_in(Reconnection, data)
    return math.inf if probe is None else AUTO * probe.time_step.dt_max


def _in_time(
    table: Asked, base: Variant, cases: Sequence[Variant], *, between: float | None
) -> Variants:
    """Samples at common times, and an end that every case reaches in whole steps."""
    steps = [case.dt for case in cases] or [base.dt]
    coarsest = max(steps)
    interval = _interval(table, base.dt, coarsest, between)
    t1 = planning.steps_to(table.t_end, coarsest) * coarsest
    if not all(_divides(step, t1) for step in steps):
        t1 = math.ceil(table.t_end / interval - WHOLE) * interval
    stop = t1 if table.fit_stop is None else table.fit_stop
    if "fit_stop" not in table.model_fields_set:
        stop = min(stop, t1)
    return Variants(
        base=base, cases=cases, interval=interval, t1=t1, window=(table.fit_start, stop)
    )


def _interval(table: Asked, base: float, coarsest: float, between: float | None) -> float:
    """Time between samples, whole steps of the coarsest case [L/v_A]."""
    if table.save_every is not None:
        return table.save_every * base
    if table.save_interval is not None or between is not None:
        wanted = table.save_interval or min(between or BETWEEN, table.t_end / FEWEST)
        return max(1, round(wanted / coarsest)) * coarsest
    steps = planning.steps_to(table.t_end, coarsest)
    return planning.stride(steps, SAVED_FRAMES) * coarsest


def _divides(step: float, time: float) -> bool:
    """Whether a time is a whole number of steps, but for round-off."""
    count = round(time / step)
    return count >= 1 and abs(time / step - count) <= WHOLE * count
