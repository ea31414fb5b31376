"""Flow solved by MODFLOW 6, and in one run of a hundred solved again from files of flopy.

Which run that is follows from its identity, so that a rerun checks the same one.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

from mhx.errors import ConfigError, SolverError
from mhx.groundwater import writer
from mhx.groundwater.engines import Engine
from mhx.groundwater.flow import assemble
from mhx.groundwater.heads import read_heads
from mhx.groundwater.mf6 import SCREEN, run_mf6
from mhx.groundwater.model import FlowModel
from mhx.groundwater.placing import place
from mhx.groundwater.results import FlowResult, read_results
from mhx.groundwater.solved import FlowRun, Task

CHECKED_ONE_IN = 100
SAME_HEADS = 1e-7
"""Largest difference of heads between the two ways of writing a model [m]."""
LISTINGS = frozenset((writer.SIMULATION_LISTING, writer.LISTING, SCREEN))


def solve(task: Task) -> FlowRun:
    """Write the model into the task's folder and run it; SolverError where a step fails."""
    model = assemble(task.config, task.grid, task.terrain, task.site)
    refuse_undetermined(model)
    model = replace(model, files=writer.write(model))
    place(task.folder, model.files)
    clear(task.folder, set(model.files))  # what is left over may be a link to other evidence
    engine, timeout = task.programs["mf6"], task.config.solver.mf6.timeout_s
    listing = run_mf6(engine.path, task.folder, timeout)
    result = read_results(model, listing, task.folder, task.config.output.fields)
    if chosen(task):
        self_check(model, engine.path, result, timeout)
    return FlowRun(
        model=model,
        result=result,
        notes=notes_of(model, engine),
        inputs=frozenset(model.files),
        listings=LISTINGS,
    )


def chosen(task: Task) -> bool:
    """Whether this run is one of those that are checked."""
    return int(task.sim_id, 16) % CHECKED_ONE_IN == 0


def notes_of(model: FlowModel, engine: Engine) -> dict[str, str]:
    """Texts below `notes.flow.`."""
    return {
        "solver_version": f"MODFLOW 6 {engine.version}",
        "formulation": formulation_of(model),
        "linear_acceleration": model.ims.linear_acceleration,
        "complexity": model.ims.complexity,
    }


def refuse_undetermined(model: FlowModel) -> None:
    """A steady state needs a head somewhere; the solver only says that it did not converge."""
    packages = {boundary.package for boundary in model.boundaries.values()}
    if model.regime == "steady" and not packages & {"chd", "ghb", "riv", "drn", "evt"}:
        raise ConfigError(
            "flow.bc must hold a chd, ghb, riv or drn: without one a steady state has no definite "
            "head"
        )


def self_check(model: FlowModel, exe: Path, result: FlowResult, timeout_s: float | None) -> None:
    """Write the model through flopy, too, and run it; SolverError where the heads differ."""
    flopy_path = import_module("mhx.groundwater.flopy_path")  # flopy takes a second to import
    with tempfile.TemporaryDirectory(prefix="mhx-self-check-") as scratch:
        folder = Path(scratch)
        flopy_path.write(model, folder)
        run_mf6(exe, folder, timeout_s)
        again = read_heads(folder / writer.HEADS, model.n_layers, model.grid.n_cells).values
    if again.shape != result.heads.shape or not np.array_equal(
        np.isnan(again), np.isnan(result.heads)
    ):
        raise SolverError("self-check: the model written by flopy has other dry cells or steps")
    differences = np.abs(again - result.heads)
    worst = float(np.nanmax(differences, initial=0.0))
    if worst > SAME_HEADS:
        raise SolverError(
            f"self-check: heads differ by {worst:.3g} m from those of the same model written by "
            f"flopy (bound {SAME_HEADS:g} m); one of the two input files is wrong, or the solver's "
            "tolerance is too wide: tighten solver.mf6.outer_dvclose and inner_dvclose"
        )


def formulation_of(model: FlowModel) -> str:
    """The formulation in words."""
    told: Mapping[str, int] = model.formulation
    names = {"newton": "newton", "under_relaxation": "under-relaxation", "xt3d": "xt3d"}
    words = [word for key, word in names.items() if told[key]] or ["standard"]
    words.append("convertible" if told["convertible"] else "confined")
    return ", ".join(words)


def clear(folder: Path, stays: set[str]) -> None:
    """Remove every file of a folder but these."""
    for name in set(os.listdir(folder)) - stays:
        (folder / name).unlink()
