"""Transport solved by MT3D-USGS on a flow solved by MODFLOW-NWT, in the results that GWT leaves.

Upstream and central finite differences, implicit in time, are those of GWT: equal to 1e-5 of the
largest concentration, as far as single precision goes.  They differ where the formulations do:
dispersion where the velocity bends within a cell, as at wells (each makes the tensor of other
neighbouring velocities); central weights and diffusion between layers of which one is part full
(MODFLOW 6 takes the whole thickness); sorption and decay under a moving water table; decay of
zero order where less is left than decays in a time step.  `agreement.py` tells which a run meets.
`solver.mt3dusgs.advection` has schemes that GWT has not: tvd of third order and particles (moc,
which do not keep mass), explicit in time: they divide the time steps where they must.  One steady
state is solved once, in one step.

Masses per boundary: MT3D-USGS tells them per package.  Among boundaries of one package they are
divided by what the water of each carries, flow times concentration at the end of each time step;
among several cnc nothing says how, and they are told together.  Of what is held it tells the net,
GWT what enters and what leaves by face.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mhx.errors import SolverError
from mhx.groundwater.budget import Exchange
from mhx.groundwater.grid import Flags, Floats, Ids
from mhx.groundwater.legacy import mt3d_files, mt3d_reading, nwt, running
from mhx.groundwater.legacy.agreement import agreement
from mhx.groundwater.legacy.mt3d_reading import Masses
from mhx.groundwater.legacy.reading import FACES, Record
from mhx.groundwater.model import Boundary, FlowModel, nodes
from mhx.groundwater.placing import place
from mhx.groundwater.results import BudgetRow, FlowResult
from mhx.groundwater.solved import FlowRun, Task, TransportRun
from mhx.groundwater.transport.assembly import assemble
from mhx.groundwater.transport.flowfield import FlowField, neighbours, taken
from mhx.groundwater.transport.model import TransportModel
from mhx.groundwater.transport.results import SCHEMES, TransportResult, about_of
from mhx.groundwater.transport.stepping import (
    courant_of,
    courants,
    finer,
    turnover,
    within,
)
from mhx.groundwater.units import DAY

TRIES = 6
"""Flows that are solved at most to find steps that keep the Courant number: they change it."""
MT3D = running.Program(
    title="MT3D-USGS",
    names=mt3d_files.NAMES,
    listing=mt3d_files.LISTING,
    screen="mt3dusgs.out",
    normal=mt3d_reading.NORMAL,
    key="solver.mt3dusgs",
)


def solve(task: Task) -> TransportRun:
    """Write both models into the task's folder and run one after the other.

    SolverError where a step of one of them fails to converge, ConfigError where the configuration
    asks for what MT3D-USGS cannot read.
    """
    settings, engine = task.config.solver.mt3dusgs, task.programs["mt3dusgs"]
    model, flow = _with_flow(task)
    files = mt3d_files.write(model, settings)
    place(task.folder, files)
    stale = (mt3d_files.CONCENTRATIONS, mt3d_files.SORBED, mt3d_files.SUMMARY, mt3d_files.GEOMETRY)
    wall_s = running.run(MT3D, engine.path, task.folder, settings.timeout_s, stale)
    result = _result(model, task, flow, wall_s)
    scheme = settings.advection
    about = result.about
    if scheme != "finite_difference":  # transport.scheme is not what was computed
        about = {**about, "scheme": {name: int(name == scheme) for name in SCHEMES}}
    run = replace(
        flow.run,
        inputs=flow.run.inputs | frozenset(files),
        listings=flow.run.listings | {mt3d_files.LISTING, MT3D.screen},
    )
    steps = sum(period.steps for period in model.flow.periods)
    names = {"finite_difference": f"{model.advection} finite differences, implicit in time"}
    notes = {
        "solver_version": f"MT3D-USGS {engine.version} over {run.notes['solver_version']}",
        "scheme": names.get(scheme, f"{scheme}, explicit in time"),
        "steps": f"{steps} time steps",
        "agreement": agreement(model, scheme, flow.field, result.concentration),
    }
    return TransportRun(flow=run, result=replace(result, about=about), notes=notes)


@dataclass(frozen=True, kw_only=True)
class _Flow:
    """The flow below transport; exchanges: what boundaries gave and took in its steps [m3/d]."""

    run: FlowRun
    field: FlowField
    exchanges: list[Exchange]


def _with_flow(task: Task) -> tuple[TransportModel, _Flow]:
    """The model with the steps that transport takes, and its flow, solved with a link file."""
    model = assemble(task.config, nwt.assembled(task), task.terrain, task.site)
    flow = _solved(task, model.flow)
    assert task.config.transport is not None  # checked by Simulation
    courant = courant_of(task.config.transport.time)
    if courant is None:
        return model, flow
    for _ in range(TRIES):
        found = courants(model.flow, _turnovers(model, flow.field))
        if within(found, courant):
            break
        model = replace(model, flow=finer(model.flow, found, courant))
        if _one_state(model.flow):  # solved in one step, however many transport takes
            break
        flow = _solved(task, model.flow)
    return model, flow


def _one_state(flow: FlowModel) -> bool:
    return flow.regime == "steady" and len(flow.periods) == 1


def _solved(task: Task, flow: FlowModel) -> _Flow:
    """Flow of every step; one steady state takes one step, however many transport takes."""
    periods = flow.periods
    if _one_state(flow):
        periods = (replace(periods[0], steps=1),)
    found = nwt.solve_model(task, replace(flow, periods=periods, save="all"), link=True)
    solved = found.flow.model
    exchanges = nwt.all_exchanges(solved, found.records)
    field = _field(solved, found.flow.result, found.records, exchanges)
    return _Flow(run=found.flow, field=field, exchanges=exchanges)


def _turnovers(model: TransportModel, field: FlowField) -> Floats:
    """(steps,) largest outflow over pore volume in each time step [1/d]."""
    pores = model.properties["porosity"] * model.volumes * field.saturation
    found = np.array([turnover(*each) for each in zip(field.outflow, pores, strict=True)]) * DAY
    keys = np.array([(period, step) for period, step, _ in model.flow.step_ends_d])
    return np.asarray(found[field.during(*keys.T)])


def _field(
    model: FlowModel, result: FlowResult, records: list[Record], exchanges: list[Exchange]
) -> FlowField:
    """Flows between cells of every step, from the face flows of the budget file."""
    pairs, shape = neighbours(model.grid, model.n_layers), model.bottoms.shape
    assert model.grid.shape is not None  # limits.py refuses other grids
    keys = list(zip(result.period.tolist(), result.step.tolist(), strict=True))
    places = {key: at for at, key in enumerate(keys)}
    columns = model.grid.shape[1]
    lateral = np.isfinite(pairs.width)
    along = lateral & (pairs.one // columns == pairs.other // columns)
    chosen = dict(zip(FACES, (along, lateral & ~along, ~lateral), strict=True))
    rates = np.zeros((len(keys), pairs.one.size))
    for record in records:
        if record.text in FACES:
            which = chosen[record.text]
            rates[places[record.period, record.step], which] = record.rates[pairs.one[which]] / DAY
    sinks = np.zeros((len(keys), model.bottoms.size))
    for one in exchanges:
        if not one.component.startswith("sto"):
            at = places[one.period, one.step]
            np.add.at(sinks[at], one.nodes, np.maximum(-one.rates, 0.0) / DAY)
    return FlowField(
        model=model,
        pairs=pairs,
        period=result.period,
        step=result.step,
        rates=rates,
        saturation=_saturation(model, result.heads),
        sinks=sinks.reshape(len(keys), *shape),
    )


def _saturation(model: FlowModel, heads: Floats) -> Floats:
    """(s, n_layers, n) share of a cell's thickness that is full."""
    if not model.formulation["convertible"]:
        return np.ones_like(heads)
    tops = np.vstack([model.top, model.bottoms[:-1]])
    share: Floats = (heads - model.bottoms) / (tops - model.bottoms)
    return np.nan_to_num(np.clip(share, 0.0, 1.0), nan=0.0)


def _result(model: TransportModel, task: Task, flow: _Flow, wall_s: float) -> TransportResult:
    """The result of a run from its files; EvidenceError where one is torn or of another model."""
    told = model.flow.step_ends_d
    keys = [(period, step) for period, step, _ in told]
    ends = np.array([end for _, _, end in told])
    listing = (task.folder / MT3D.listing).read_bytes().decode("utf-8", "replace")
    masses = mt3d_reading.read_masses(listing, keys)
    closed = mt3d_reading.converged(listing, keys, mt3d_files.ITERATIONS)
    _refuse_unconverged(closed, keys, masses, task.folder)
    shape = (model.flow.n_layers, model.flow.grid.n_cells)
    values = mt3d_reading.read_concentrations(task.folder / mt3d_files.CONCENTRATIONS, shape, keys)
    last = np.array(
        [at for at, (p, s) in enumerate(keys)
         if model.save == "all" or s == model.flow.periods[p - 1].steps]
    )  # fmt: skip
    field = flow.field
    during = field.during(*np.array(keys).T)
    pores = model.properties["porosity"] * model.volumes * field.saturation
    when = during[last]
    fields = {"outflow": taken(field.outflow, when)}
    if model.flow.regime == "transient":
        fields["start_volume"] = model.start_volume
    return TransportResult(
        time_d=ends[last],
        length_d=np.diff(ends[last], prepend=0.0),
        concentration=values[last],
        start=model.strt,
        pore_volume=taken(pores, when),
        sorbing=model.sorbing * field.saturation[-1],
        budget=tuple(_rows(_Told(model, flow, masses, values, during), ends, last)),
        steps_d=ends,
        observed=_observed(model, values),
        converged=closed,
        percent=_percents(masses.total),
        connections=field.connections(when),
        held=model.held,
        fields=fields,
        about=about_of(model, flow.run.result, wall_s),
    )


def _refuse_unconverged(
    closed: Flags, keys: list[tuple[int, int]], masses: Masses, folder: Path
) -> None:
    if not closed.all():
        at = int(np.argmin(closed))
        period, step = keys[at]
        raise SolverError(
            f"MT3D-USGS did not converge in stress period {period}, time step {step} "
            f"({mt3d_files.ITERATIONS} iterations); it is single precision: raise "
            f"solver.mt3dusgs.closure; see {folder.name}/{MT3D.listing} line {masses.line[at]}"
        )


SHOWN = 2e-6
"""What the difference of four masses of seven digits may be off by, as a share of a mass [1]."""


def _percents(total: Floats) -> Floats:
    """(m, 2) percent discrepancy of each time step, and of all masses so far.

    total: (m, 2) masses in and out so far, as printed.  Those of a step are differences of these:
    what their digits cannot show does not count.
    """
    steps = np.diff(total, axis=0, prepend=0.0)
    off = steps[:, 0] - steps[:, 1]
    unclear = SHOWN * total.max(axis=1)
    off = np.sign(off) * np.maximum(np.abs(off) - unclear, 0.0)
    means = np.stack([steps.mean(axis=1), total.mean(axis=1)], axis=1)
    offs = np.stack([off, total[:, 0] - total[:, 1]], axis=1)
    return np.asarray(100.0 * offs / np.where(means > 0, means, 1.0))


def _observed(model: TransportModel, values: Floats) -> dict[str, Floats]:
    """(m,) means over the cells of each observation that hold water; NaN where none does."""
    found = {}
    for one in model.observed:
        here = values.reshape(len(values), -1)[:, one.nodes]
        weights = np.where(np.isnan(here), 0.0, one.weights)
        total = weights.sum(axis=1)
        mean = (np.nan_to_num(here) * weights).sum(axis=1)
        found[one.id] = np.where(total > 0, mean / np.where(total > 0, total, 1.0), np.nan)
    return found


@dataclass(frozen=True)
class _Told:
    """What the masses of boundaries are made of; during: (m,) flow that holds in each step."""

    model: TransportModel
    flow: _Flow
    masses: Masses
    values: Floats
    during: Ids


def _rows(told: _Told, ends: Floats, last: Ids) -> Iterator[BudgetRow]:
    """Per saved step each component and each boundary; kg/s, means since the step before."""
    starts = np.r_[0, last[:-1] + 1]
    spans = np.diff(ends[last], prepend=0.0) * DAY
    model = told.model
    placed = [*model.flow.boundaries.values(), *model.boundaries.values()]
    for component, masses in told.masses.components.items():
        own = [one for one in placed if one.package == component]
        inside = component in ("storage", "decay", "sorption")
        if not (own or (inside and masses.any())):
            continue
        rates = np.diff(masses[last], axis=0, prepend=0.0) / spans[:, None]
        yield from _of(component, "", rates)
        if len(own) == 1:
            yield from _of(component, own[0].id, rates)
        elif own and component != "cnc":
            carried = np.stack([_carried(told, one, ends) for one in own])
            mean = np.add.reduceat(carried, starts, axis=1)
            whole = mean.sum(axis=0)
            share = np.divide(mean, whole, out=np.zeros_like(mean), where=whole > 0)
            for one, part in zip(own, share, strict=True):
                yield from _of(component, one.id, part * rates)


def _of(component: str, boundary: str, rates: Floats) -> Iterator[BudgetRow]:
    for at, (entered, left) in enumerate(rates.tolist()):
        yield BudgetRow(
            saved=at, component=component, boundary=boundary, rate_in=entered, rate_out=left
        )


def _carried(told: _Told, one: Boundary, ends: Floats) -> Floats:
    """(m, 2) what a boundary brings and takes in each time step, in proportion [kg]."""
    lengths = np.diff(ends, prepend=0.0)
    periods = np.array([period - 1 for period, _, _ in told.model.flow.step_ends_d])
    if one.package == "src":
        rates = one.values["smassrate"].sum(axis=1)[periods] * lengths
        return np.stack([np.maximum(rates, 0.0), np.maximum(-rates, 0.0)], axis=1)
    own = nodes(one, told.model.flow.grid.n_cells)
    water = np.zeros((len(told.flow.field.period), own.size))
    keys = zip(told.flow.field.period.tolist(), told.flow.field.step.tolist(), strict=True)
    places = {key: at for at, key in enumerate(keys)}
    for exchange in told.flow.exchanges:
        if exchange.package == one.name:
            water[places[exchange.period, exchange.step]] = exchange.rates
    flow = water[told.during]
    there = np.nan_to_num(told.values.reshape(len(flow), -1)[:, own])
    given = 0.0 if one.concentration is None else one.concentration[periods]
    taken_along = there
    if one.package == "evt" and one.concentration is not None:
        taken_along = np.minimum(there, given)
    entered = (np.maximum(flow, 0.0) * given).sum(axis=1)
    left = (np.maximum(-flow, 0.0) * taken_along).sum(axis=1)
    return np.stack([entered, left], axis=1) * lengths[:, None]
