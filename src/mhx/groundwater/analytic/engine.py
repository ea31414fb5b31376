"""The engine `analytic`: an exact solution at the centres of the cells, in the results of a run.

The mesh says only where it is looked at.  Heads and concentrations are those of the centre; the
cell of a well, where Theis's head is infinite, gets the mean over the disc of its area.  Exchanges
of water are exact, too, and close by themselves; solute has no budget: there is none to check.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.analytic import heads, solutes
from mhx.groundwater.analytic.cases import Case, Column, Decay, Dupuit, Linear, Theis, Toth
from mhx.groundwater.analytic.evaluating import case_of, heads_of
from mhx.groundwater.computed import Computed, Flux, Solved
from mhx.groundwater.flow import assemble
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.mf6_flow import clear
from mhx.groundwater.model import Boundary, FlowModel
from mhx.groundwater.polygons import holding
from mhx.groundwater.results import FlowResult
from mhx.groundwater.solved import FlowRun, Task, TransportRun
from mhx.groundwater.transport.assembly import assemble as assemble_solute
from mhx.groundwater.transport.model import TransportModel
from mhx.groundwater.transport.results import TransportResult, about_of
from mhx.groundwater.transport.stepping import courant_of
from mhx.groundwater.units import DAY

LIFTED = 1e-9
"""Water table above ground that is round-off [m]."""
ROUND = 1e-9
"""Share of a step that is round-off [1]."""


def solve(task: Task) -> FlowRun:
    """Heads of the solution that the task names; ConfigError where it is another problem."""
    case = _case(task)
    return _flow(task, case, _model(task))


def solve_transport(task: Task) -> TransportRun:
    """Concentrations of the solution that the task names, on uniform flow."""
    began = time.perf_counter()
    case = _case(task)
    assert isinstance(case, Column | Decay)  # checked by limits
    model = _stepped(task, case, _model(task))
    flow = _flow(task, case.flow, model.flow)
    notes = {"solver_version": _version(task), "scheme": "none: exact in space and time"}
    result = _solute(case, model, flow.result, began)
    return TransportRun(flow=flow, result=result, notes=notes)


def _case(task: Task) -> Case:
    solution = task.config.solver.analytic.solution
    assert solution is not None  # checked by limits
    return case_of(solution, task.config)


def _version(task: Task) -> str:
    return f"exact solution {task.config.solver.analytic.solution}"


def _model(task: Task) -> FlowModel:
    model = assemble(task.config, task.grid, task.terrain, task.site)
    flags = {"newton": 0, "under_relaxation": 0, "xt3d": 0}
    return replace(model, formulation={**model.formulation, **flags})


def _flow(task: Task, case: Case, model: FlowModel) -> FlowRun:
    began = time.perf_counter()
    computed = Computed(model)
    grid = task.grid
    for period, _, end in model.step_ends_d:
        values = heads_of(case, grid.centres, end * DAY)
        if isinstance(case, Theis):
            _at_wells(case, grid, values, end * DAY)
        elif isinstance(case, Dupuit):
            _below_ground(model, values)
        fluxes = _fluxes(case, model, values, period - 1)
        computed.steps.append(Solved(heads=values[None], fluxes=fluxes, iterations=1))
    clear(task.folder, set())
    result = computed.result(
        task.folder, task.config.output.fields, wall_s=time.perf_counter() - began
    )
    notes = {
        "solver_version": _version(task),
        "formulation": "exact",
        "linear_acceleration": "none",
        "complexity": "none",
    }
    return FlowRun(model=model, result=result, notes=notes)


def _at_wells(case: Theis, grid: Grid, values: Floats, seconds: float) -> None:
    """Means over the discs of the cells that hold a well."""
    cells = holding(grid, np.array([(x, y) for x, y, _ in case.wells]))
    for well, cell in enumerate(cells.tolist()):
        radius = math.sqrt(float(grid.areas[cell]) / math.pi)
        values[cell] = heads.theis_mean(case, well, radius, seconds)


def _below_ground(model: FlowModel, values: Floats) -> None:
    """Dupuit's water table lies between bottom and ground."""
    wrong = np.flatnonzero(~((values > model.bottoms[0]) & (values <= model.top + LIFTED)))
    if wrong.size:
        cell = int(wrong[0])
        raise ConfigError(
            "solver.analytic.solution = 'dupuit': the water table must lie between bottom and "
            f"ground, got {values[cell]:.6g} m in cell {cell}, whose ground is at "
            f"{model.top[cell]:.6g} m ({wrong.size} cells)"
        )


def _fluxes(case: Case, model: FlowModel, values: Floats, period: int) -> tuple[Flux, ...]:
    """Exchanges of water in one step, per model time unit."""
    fluxes = []
    for boundary in model.boundaries.values():
        if boundary.package == "rcha":
            rates = boundary.values["recharge"][period] * model.grid.areas[boundary.cells]
        elif boundary.package == "wel":
            rates = boundary.values["q"][period]
        else:
            rates = np.array(_through(case, model, boundary)) * model.seconds
        nodes = boundary.cells if rates.size == boundary.cells.size else np.zeros(rates.size, int)
        fluxes.append(
            Flux(component=boundary.package, package=boundary.name, nodes=nodes, rates=rates)
        )
    if isinstance(case, Theis):
        given = -sum(rate for _, _, rate in case.wells) * model.seconds
        fluxes.append(
            Flux(component="sto-ss", package="", nodes=np.zeros(1, int), rates=np.array([given]))
        )
    return tuple(fluxes)


def _through(case: Case, model: FlowModel, boundary: Boundary) -> Sequence[float]:
    """Water through a side with a fixed head [m3/s]."""
    if isinstance(case, Toth):
        rate = heads.toth_rate(case)
        return rate, -rate
    if not isinstance(case, Linear):
        return (0.0,)
    middle = float(model.grid.centres[boundary.cells, case.axis].mean())
    low = middle < 0.5 * (case.low + case.high)
    if isinstance(case, Dupuit):
        return (heads.dupuit_rates(case)[0 if low else 1],)
    rate = case.flux * case.thickness * case.width
    return (rate if low else -rate,)


def _stepped(task: Task, case: Column | Decay, flow: FlowModel) -> TransportModel:
    """The transport model with the steps that are asked for, or follow from a Courant number."""
    model = assemble_solute(task.config, flow, task.terrain, task.site)
    assert task.config.transport is not None  # checked by Simulation
    courant = courant_of(task.config.transport.time)
    if courant is None or isinstance(case, Decay):  # water at rest has no Courant number
        return model
    longest = courant * math.sqrt(float(task.grid.areas.min())) / case.velocity
    return replace(model, flow=_within(model.flow, longest / flow.seconds))


def _within(flow: FlowModel, longest: float) -> FlowModel:
    """The model with even steps of at most `longest`, in its time unit."""
    periods = [
        replace(one, steps=max(1, math.ceil(one.length / longest * (1 - ROUND))), multiplier=1.0)
        for one in flow.periods
    ]
    return replace(flow, periods=tuple(periods))


def _solute(
    case: Column | Decay, model: TransportModel, flow: FlowResult, began: float
) -> TransportResult:
    centres = model.flow.grid.centres
    ends = model.flow.step_ends_d
    last = {period: number for number, (period, _, _) in enumerate(ends)}
    saved = list(range(len(ends))) if model.save == "all" else list(last.values())
    times = np.array([end for _, _, end in ends])
    steps = np.stack([solutes.concentration(case, centres, end * DAY) for end in times])
    pores = model.properties["porosity"] * model.volumes
    return TransportResult(
        time_d=times[saved],
        length_d=np.diff(np.r_[0.0, times[saved]]),
        concentration=steps[saved][:, None],
        start=model.strt,
        held=model.held,
        pore_volume=np.repeat(pores[None], len(saved), axis=0),
        sorbing=model.sorbing,
        budget=(),
        steps_d=times,
        observed={one.id: steps[:, one.nodes] @ one.weights for one in model.observed},
        converged=np.ones(times.size, dtype=bool),
        percent=np.full((times.size, 2), math.nan),
        about=about_of(model, flow, time.perf_counter() - began) | _towards(case.flow),
    )


def _towards(flow: Linear) -> dict[str, tuple[float, float]]:
    """Where the water flows, in the plane: fronts are measured along it.  Nothing at rest."""
    if flow.flux == 0:
        return {}
    sign = math.copysign(1.0, flow.flux)
    return {"direction": (sign, 0.0) if flow.axis == 0 else (0.0, sign)}
