"""Transport solved by MODFLOW 6: GWT over the GWF of the same simulation.

Where the steps follow from a Courant number the flow is solved alone first, in a folder of its own
that is thrown away; what is kept is the run of both, with the steps that were chosen.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mhx.groundwater import listing, mf6_flow
from mhx.groundwater.budget import read_budget
from mhx.groundwater.flow import assemble as assemble_flow
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.listing import Listing
from mhx.groundwater.memory import remembered
from mhx.groundwater.mf6 import SCREEN, carry_out, judged, run_mf6
from mhx.groundwater.model import FlowModel
from mhx.groundwater.placing import place
from mhx.groundwater.results import read_results as read_flow
from mhx.groundwater.solved import FlowRun, Task, TransportRun
from mhx.groundwater.transport import writer
from mhx.groundwater.transport.assembly import assemble, in_a_row
from mhx.groundwater.transport.flowfield import FlowField, read_flow_field
from mhx.groundwater.transport.model import TransportModel
from mhx.groundwater.transport.reading import SECOND, read_results
from mhx.groundwater.transport.stepping import courant_of, courants, finer, turnover, within
from mhx.groundwater.units import DAY
from mhx.groundwater.writer import BUDGET, LISTING, SIMULATION_LISTING
from mhx.groundwater.writer import write as write_flow

TRIES = 6
"""How often the flow is solved with finer steps before the Courant number is only reported."""
LISTINGS = frozenset((SIMULATION_LISTING, LISTING, writer.LISTING, SCREEN))


def solve(task: Task) -> TransportRun:
    """Write flow and transport into the task's folder and run them.

    SolverError where a step of one of them fails to converge, ConfigError where the configuration
    does not fit the grid.
    """
    model = model_of(task)
    files = writer.write(model)
    place(task.folder, files)
    mf6_flow.clear(task.folder, set(files))  # what is left over may be a link to other evidence
    engine, timeout = task.programs["mf6"], task.config.solver.mf6.timeout_s
    told = _run(engine.path, task.folder, timeout)
    flow = FlowRun(
        model=replace(model.flow, files=files),
        result=read_flow(model.flow, told, task.folder, task.config.output.fields),
        notes=mf6_flow.notes_of(model.flow, engine),
        inputs=frozenset(files),
        listings=LISTINGS,
    )
    if mf6_flow.chosen(task):
        mf6_flow.self_check(flow.model, engine.path, flow.result, timeout)
    return TransportRun(
        flow=flow,
        result=read_results(model, flow.result, task.folder, told.wall_s),
        notes=notes_of(model, f"MODFLOW 6 {engine.version}"),
    )


def _run(exe: Path, folder: Path, timeout_s: float | None) -> Listing:
    """What the listings tell of flow; SolverError unless every step of both models converged."""
    ended = carry_out([str(exe)], folder, SCREEN, timeout_s)
    flow, solute = (
        listing.read(folder / SIMULATION_LISTING, folder / name, solution)
        for name, solution in ((LISTING, 1), (writer.LISTING, SECOND))
    )
    # the exit status does not say which of them failed
    failed = solute if flow.converged and not solute.converged else flow
    judged(ended, failed, folder, timeout_s)
    return judged(ended, flow, folder, timeout_s)


def model_of(task: Task) -> TransportModel:
    """Flow and transport in numbers, with the steps that transport takes."""
    flow = assemble_flow(task.config, task.grid, task.terrain, task.site)
    mf6_flow.refuse_undetermined(flow)
    model = assemble(task.config, flow, task.terrain, task.site)
    assert task.config.transport is not None  # checked by Simulation
    courant = courant_of(task.config.transport.time)
    if courant is None:
        return model
    for _ in range(TRIES):
        found = courants(model.flow, _turnovers(model, task))
        if within(found, courant):
            break
        model = replace(model, flow=finer(model.flow, found, courant))
        if model.flow.regime == "steady":  # the flow is the same in steps of any length
            break
    return model


def notes_of(model: TransportModel, version: str) -> dict[str, str]:
    """Texts below `notes.transport.` that an engine has to say."""
    steps = [period.steps for period in model.flow.periods]
    told = ", ".join(map(str, steps[:5])) + (", ..." if steps[5:] else "")
    notes = {
        "solver_version": version,
        "scheme": f"{model.advection}, implicit in time",
        "steps": f"{sum(steps)} time steps" + (f" ({told} per period)" if steps[1:] else ""),
    }
    if (unit := writer.mass_unit(model)) > 1:
        notes["mass_unit"] = f"1 kg is {unit:.0e} in MODFLOW's files, so that small numbers close"
    if model.advection == "central" and unequal(model.flow.grid) > UNEQUAL:
        notes["central"] = LOSES
    if in_a_row(model.flow):
        notes["dispersion"] = IN_A_ROW
    return notes


IN_A_ROW = (
    "the cells lie in one row: nothing disperses across it, and the part along it is written "
    "without XT3D, which MODFLOW 6 does not bear there with a water table"
)
UNEQUAL = 1e-6
LOSES = (
    "MODFLOW 6 gives the two cells of a face each other's weights from one of its sides, so that "
    "central loses or makes solute where their centres lie unequally far from the face, as on "
    "triangles: see the solute balance, or use tvd"
)
"""Subroutine adv_weight takes cl1 and cl2 of the lower numbered cell for both directions."""


def unequal(grid: Grid) -> float:
    """Largest difference of the distances of two cells to their face, relative to their sum [1]."""
    edges = grid.edges
    along = grid.vertices[edges.b] - grid.vertices[edges.a]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    apart = [
        np.abs(((grid.centres[cell] - grid.vertices[edges.a]) * normal).sum(axis=1))
        for cell in (edges.i, edges.j)
    ]
    total = apart[0] + apart[1]
    return float((np.abs(apart[0] - apart[1]) / np.where(total > 0, total, 1.0)).max(initial=0.0))


def _turnovers(model: TransportModel, task: Task) -> Floats:
    """(steps,) largest outflow over pore volume [1/d] of the flow solved alone.

    A steady flow is solved in one step.  The flow of the case before is not solved again where
    only transport differs.
    """
    flow = model.flow
    steady = flow.regime == "steady"
    once = tuple(replace(period, steps=1) for period in flow.periods)
    alone = replace(flow, save_flow_ja=True, save="all", periods=once if steady else flow.periods)
    files = write_flow(alone)
    digest = hashlib.blake2b(b"\0".join(files.values()), digest_size=16).digest()
    exe = task.programs["mf6"]
    field = remembered(
        "flow alone", (digest, exe.sha256), lambda: _alone(alone, files, task, exe.path)
    )
    pores = model.properties["porosity"] * model.volumes * field.saturation
    found = np.array([turnover(*each) for each in zip(field.outflow, pores, strict=True)]) * DAY
    of_step = np.array([period - 1 for period, _, _ in flow.step_ends_d])
    return found[of_step] if steady else found


def _alone(flow: FlowModel, files: Mapping[str, bytes], task: Task, exe: Path) -> FlowField:
    """The flow without transport, from a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="mhx-flow-") as scratch:
        folder = Path(scratch)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        run_mf6(exe, folder, task.config.solver.mf6.timeout_s)
        path = folder / BUDGET
        return read_flow_field(flow, path, read_budget(path, flow.bottoms.size))
