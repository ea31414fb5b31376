"""Flow solved by MODFLOW-NWT, in the results that MODFLOW 6 leaves.

Where the two agree and where not: both weight the saturated thickness upstream, so that heads are
equal to about 1e-4 m where neighbours in a layer are equally thick and the cells of a column
saturated.  MODFLOW-NWT multiplies the harmonic mean of K by the saturated thickness of the upstream
cell; MODFLOW 6 multiplies the harmonic mean of the full transmissivities by the saturated share of
the upstream cell: with thicknesses that differ from cell to cell the conductances differ.  Storage
is one term of the budget: `sto-ss` of confined cells, `sto` of convertible ones, where it is both.
Files are single precision: heads of 200 m are rounded to 1e-5 m.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mhx.errors import SolverError
from mhx.groundwater.budget import Exchange
from mhx.groundwater.config import Simulation
from mhx.groundwater.flow import assemble
from mhx.groundwater.grid import Floats
from mhx.groundwater.legacy import nwt_files, reading, running
from mhx.groundwater.legacy.reading import FACES, Record
from mhx.groundwater.listing import Listing
from mhx.groundwater.mf6_flow import clear, formulation_of, refuse_undetermined
from mhx.groundwater.model import FlowModel, nodes
from mhx.groundwater.placing import place
from mhx.groundwater.results import FlowResult, result_of
from mhx.groundwater.solved import FlowRun, Task

MFNWT = running.Program(
    title="MODFLOW-NWT",
    names=nwt_files.NAMES,
    listing=nwt_files.LISTING,
    screen="mfnwt.out",
    normal=reading.NORMAL,
    key="solver.mfnwt",
)
COMPONENTS = {
    "constant head": "chd",
    "wells": "wel",
    "drains": "drn",
    "river leakage": "riv",
    "head dep bounds": "ghb",
    "recharge": "rcha",
    "et": "evt",
    "storage": "sto",
}
"""Terms of the budget -> the packages of MODFLOW 6 that they are."""


class NwtRun(NamedTuple):
    """A solved flow and the budget that it was made of, face flows included."""

    flow: FlowRun
    records: list[Record]


def solve(task: Task) -> FlowRun:
    """Write the model into the task's folder and run it; SolverError where a step fails."""
    model = assembled(task)
    return solve_model(task, model, link=False).flow


def assembled(task: Task) -> FlowModel:
    """The model in days, whatever `solver.mf6`, which is another program's, says of them."""
    config: Simulation = task.config
    own = config.solver.mf6.model_copy(update={"time_unit": "days"})
    days = config.model_copy(update={"solver": config.solver.model_copy(update={"mf6": own})})
    model = assemble(days, task.grid, task.terrain, task.site)
    refuse_undetermined(model)
    newton = {"newton": 1, "under_relaxation": 1}  # whatever was written: it has no other way
    digit = float(np.spacing(np.float32(max(abs(model.bottoms).max(), abs(model.top).max()))))
    closure = max(config.solver.mfnwt.head_tolerance, digit)  # of heads in single precision
    return replace(
        model,
        formulation={**model.formulation, **newton},
        ims=replace(model.ims, outer_dvclose=closure),
    )


def solve_model(task: Task, model: FlowModel, link: bool) -> NwtRun:
    """Solve a model that was assembled; link: write the flows for MT3D-USGS, too."""
    settings, engine = task.config.solver.mfnwt, task.programs["mfnwt"]
    model = replace(model, files=nwt_files.write(model, settings, link))
    place(task.folder, model.files)
    clear(task.folder, set(model.files))  # what is left over may be a link to other evidence
    listing = run_nwt(model, engine.path, task.folder, settings.timeout_s)
    result, records = read(model, listing, task.folder, task.config.output.fields)
    notes = {
        "solver_version": f"MODFLOW-NWT {engine.version}",
        "formulation": f"{formulation_of(model)}, upstream-weighted Newton of MODFLOW-NWT",
        "linear_acceleration": "bicgstab of XMD",
        "complexity": "specified",
        "agreement": agreement(model),
    }
    listings = frozenset((nwt_files.LISTING, MFNWT.screen))
    flow = FlowRun(
        model=model,
        result=result,
        notes=notes,
        inputs=frozenset(model.files),
        listings=listings,
    )
    return NwtRun(flow, records)


def agreement(model: FlowModel) -> str:
    """Whether heads are those of MODFLOW 6 with Newton, and if not, why; told with every run."""
    tops = np.vstack([model.top, model.bottoms[:-1]])
    thick, edges = tops - model.bottoms, model.grid.edges
    one, other = thick[:, edges.i], thick[:, edges.j]
    apart = float((np.abs(one - other) / np.maximum(one, other)).max(initial=0.0))
    if not model.formulation["convertible"]:
        return "equal to MODFLOW 6 to about 1e-4 m: confined cells"
    if apart <= ALIKE:
        return (
            "equal to MODFLOW 6 with Newton to about 1e-4 m: cells of a layer are equally thick; "
            "the standard formulation differs"
        )
    return (
        f"differs from MODFLOW 6 with Newton: neighbouring cells of a layer are up to {apart:.2%} "
        "thinner, and MODFLOW-NWT takes the saturated thickness of the upstream cell, MODFLOW 6 "
        "its share of the mean transmissivity"
    )


ALIKE = 1e-6
"""Relative difference of thicknesses that changes no head by more than the files show [1]."""


def run_nwt(model: FlowModel, exe: Path, folder: Path, timeout_s: float | None) -> Listing:
    """Carry out the model in `folder`; SolverError unless every step converged."""
    stale = (nwt_files.HEADS, nwt_files.BUDGET, nwt_files.LINK)
    steps = [(period, step) for period, step, _ in model.step_ends_d]
    try:
        wall_s = running.run(MFNWT, exe, folder, timeout_s, stale)
    except SolverError:
        _refuse_unconverged(_listing(folder, steps), folder)  # the better reason, where it is one
        raise
    found = _listing(folder, steps)
    _refuse_unconverged(found, folder)
    return replace(found, wall_s=wall_s)


def _listing(folder: Path, steps: list[tuple[int, int]]) -> Listing:
    return reading.read_listing(folder / MFNWT.listing, folder / MFNWT.screen, steps)


def _refuse_unconverged(found: Listing, folder: Path) -> None:
    for step in found.steps:
        if not step.converged:
            raise SolverError(
                f"MODFLOW-NWT did not converge in stress period {step.period}, time step "
                f"{step.step} ({step.outer} outer iterations); see {folder.name}/{MFNWT.listing} "
                f"line {step.line}"
            )


def read(
    model: FlowModel, listing: Listing, folder: Path, fields: Sequence[str]
) -> tuple[FlowResult, list[Record]]:
    """The result of a run from its files; EvidenceError where one is torn or of another model."""
    ends = {(period, step): end for period, step, end in model.step_ends_d}
    size = (model.n_layers, model.grid.n_cells)
    heads = reading.read_heads(folder / nwt_files.HEADS, *size, ends)
    records = reading.read_budget(folder / nwt_files.BUDGET, *size)
    found = all_exchanges(model, records)
    return result_of(model, listing, heads, found, folder, fields), records


def all_exchanges(model: FlowModel, records: Sequence[Record]) -> list[Exchange]:
    """What every boundary, and storage, gave and took in the saved steps [m3/d]."""
    ends = {(period, step): end for period, step, end in model.step_ends_d}
    began = dict(zip(ends, (0.0, *ends.values()), strict=False))
    spans = {key: (began[key], end) for key, end in ends.items()}
    return [one for record in records for one in _exchanges(model, record, spans)]


def _exchanges(
    model: FlowModel, record: Record, spans: Mapping[tuple[int, int], tuple[float, float]]
) -> Iterator[Exchange]:
    """One term of the budget as what each boundary gave and took.

    spans: (period, step) -> days since start at which it began and ended.
    """
    if record.text in FACES or record.text not in COMPONENTS:
        return
    component = COMPONENTS[record.text]
    if component == "sto" and not model.formulation["convertible"]:
        component = "sto-ss"
    began, ended = spans[record.period, record.step]
    for package, found, rates in _shares(model, record, component):
        yield Exchange(
            period=record.period,
            step=record.step,
            length=ended - began,
            time=ended,
            component=component,
            package=package,
            nodes=found,
            rates=rates,
        )


def _shares(
    model: FlowModel, record: Record, component: str
) -> Iterator[tuple[str, np.ndarray, Floats]]:
    """Name of the boundary, its nodes and its rates [m3/d], of one term of the budget."""
    placed = nwt_files.listed(model, component)
    if not placed:
        yield "", record.nodes, record.rates
    elif component in ("chd", "rcha", "evt"):  # by cell
        table = np.zeros(model.bottoms.size)
        table[record.nodes] = record.rates
        whole = np.zeros(model.bottoms.size)
        n = model.grid.n_cells
        for one in placed if component == "rcha" else ():
            np.add.at(whole, nodes(one, n), one.values["recharge"][record.period - 1])
        for one in placed:
            own = nodes(one, n)
            share = np.ones(own.size)
            if component == "rcha":
                rate = one.values["recharge"][record.period - 1]
                share = np.divide(rate, whole[own], out=np.zeros(own.size), where=whole[own] != 0)
            yield one.name, own, table[own] * share
    else:  # row by row
        at = 0
        for one in placed:
            count = one.cells.size
            yield one.name, nodes(one, model.grid.n_cells), record.rates[at : at + count]
            at += count
