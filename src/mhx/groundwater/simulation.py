"""One groundwater run from one configuration: mesh, then flow, as `[[simulation.process]]` says.

    mesh/      vertices.csv, cells.csv, mesh_summary.json
    mf6/       an ordinary MODFLOW 6 model with its listings; opens with flopy, runs with mf6 alone
    results/   catalog.json, heads.npz, budget.csv, steps.csv
    figures/   unless output.figures = false
    validation.json

Grid, mesh metrics and texts are remembered between the runs of a process (`memory.py`) and inputs
linked (`placing.py`); in one run of a hundred, chosen by its identity, flopy writes the same model
again and the heads must agree.  Times are wall clock [s]; identity holds no path and no time.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mhx.config import parse
from mhx.errors import ConfigError, SolverError
from mhx.evidence import schemas, store
from mhx.evidence.gates import judge_all, validation_document
from mhx.evidence.hashing import file_digest
from mhx.groundwater import catalog, fields, gates, writer
from mhx.groundwater.config import Simulation
from mhx.groundwater.conformity import mesh_metrics
from mhx.groundwater.engines import Engine, find, noted
from mhx.groundwater.flow import assemble
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.grid import Grid
from mhx.groundwater.heads import read_heads
from mhx.groundwater.memory import key_of, remembered
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.meshfile import grid_files
from mhx.groundwater.mf6 import SCREEN, run_mf6
from mhx.groundwater.model import FlowModel
from mhx.groundwater.placing import place, replace_file
from mhx.groundwater.results import FlowResult, read_results
from mhx.groundwater.terrain import Terrain, terrain_of
from mhx.groundwater.vocabulary import FLOW, MESH
from mhx.runner import RunRequest, RunSummary

MESH_FOLDER, MF6_FOLDER, FIGURES, VALIDATION = "mesh", "mf6", "figures", "validation.json"
CHECKED_ONE_IN = 100
SAME_HEADS = 1e-7
"""Largest difference of heads between the two ways of writing a model [m]."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A mesh and what is known of it; key: what it was made of."""

    key: str
    terrain: Terrain
    grid: Grid
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class FlowRun:
    """A finished flow run."""

    engine: Engine
    model: FlowModel
    result: FlowResult


def run(request: RunRequest) -> RunSummary:
    """Carry out the declared processes; SolverError, EngineMissing or ConfigError where one ends.

    ConfigError: what only shows when grid and values meet, such as a selector that finds no cell.
    """
    began = time.perf_counter()
    config = parse(Simulation, dict(request.config))
    root = request.output_dir
    # before the mesh: a missing program is told at once
    engine = find("mf6", config.solver.mf6.exe) if config.runs("flow") else None
    ground = _ground(config)
    place(root / MESH_FOLDER, ground.files)
    metrics = {f"{MESH}{name}": value for name, value in ground.metrics.items()}
    notes = {"output_mesh": f"{MESH_FOLDER}/cells.csv", **noted(engine, config.mesh.kind)}
    flow = None
    if engine is not None:
        sim_id = identity_of(config, engine)
        flow = _flow(config, ground, engine, root, sim_id)
        metrics |= {f"{FLOW}{name}": value for name, value in flow_metrics(flow.result).items()}
        notes |= _notes(flow, sim_id)
        _written(config, flow, root, sim_id)
    judged = gates.mesh_gates(config)
    if flow is not None:
        judged += gates.flow_gates(config, flow.model)
    results = judge_all(judged, metrics)
    read = {result.gate.metric: result.value for result in results}
    validation = validation_document(schemas.RUN_VALIDATION, results, read)
    replace_file(root / VALIDATION, store.render_json(validation))
    if config.output.figures:
        drawn = _pictures(config, ground, flow, root / FIGURES)
        notes |= {"output_figure": f"{FIGURES}/{drawn[0].name}"} if drawn else {}
    if flow is not None:
        _keep(config.output.keep_solver_files, root / MF6_FOLDER, flow.model)
    notes["wall_time_seconds"] = f"{time.perf_counter() - began:.6f}"
    return RunSummary(metrics=metrics, notes=notes, artifacts=_artifacts(root))


def identity_of(config: Simulation, engine: Engine) -> str:
    """What a result is identified by: every value, every input file, the executable; no path."""
    plain = config.model_dump(exclude={"workflow": True, "output": True})
    plain["solver"]["mf6"] |= {"exe": engine.identity, "timeout_s": None}
    text = json.dumps(plain, sort_keys=True, default=_content)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _content(value: Any) -> str:
    """A path as the digest of what it holds."""
    assert isinstance(value, Path)
    try:
        return remembered("digest of file", key_of(value), lambda: file_digest(value))
    except OSError as error:
        raise ConfigError(f"{value} cannot be read: {error.strerror}") from error


def _ground(config: Simulation) -> Ground:
    """The mesh, made now or remembered; `duration_s` is what making it took."""
    key = key_of(config.domain, config.topography, config.mesh)
    return remembered("ground", key, lambda: _made(config, key))


def _made(config: Simulation, key: str) -> Ground:
    began = time.perf_counter()
    terrain = terrain_of(config)
    grid = make_grid(config, terrain)
    took = time.perf_counter() - began
    metrics = {**mesh_metrics(grid, terrain, config), "duration_s": took}
    return Ground(key=key, terrain=terrain, grid=grid, metrics=metrics, files=grid_files(grid))


def _refuse_undetermined(model: FlowModel) -> None:
    """A steady state needs a head somewhere; the solver only says that it did not converge."""
    packages = {boundary.package for boundary in model.boundaries.values()}
    if model.regime == "steady" and not packages & {"chd", "ghb", "riv", "drn", "evt"}:
        raise ConfigError(
            "flow.bc must hold a chd, ghb, riv or drn: without one a steady state has no definite "
            "head"
        )


def _flow(config: Simulation, ground: Ground, engine: Engine, root: Path, sim_id: str) -> FlowRun:
    model = assemble(config, ground.grid, ground.terrain, ground.key)
    _refuse_undetermined(model)
    model = replace(model, files=writer.write(model))
    folder = root / MF6_FOLDER
    place(folder, model.files)
    _clear(folder, set(model.files))  # what is left over may be a link to other evidence
    timeout = config.solver.mf6.timeout_s
    listing = run_mf6(engine.path, folder, timeout)
    result = read_results(model, listing, folder, config.output.fields)
    if int(sim_id, 16) % CHECKED_ONE_IN == 0:
        self_check(model, engine.path, result, timeout)
    return FlowRun(engine=engine, model=model, result=result)


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


def _notes(flow: FlowRun, sim_id: str) -> dict[str, str]:
    told = flow.model.formulation
    names = {"newton": "newton", "under_relaxation": "under-relaxation", "xt3d": "xt3d"}
    words = [word for key, word in names.items() if told[key]] or ["standard"]
    words.append("convertible" if told["convertible"] else "confined")
    return {
        "flow.solver_version": f"MODFLOW 6 {flow.engine.version}",
        "flow.formulation": ", ".join(words),
        "flow.linear_acceleration": flow.model.ims.linear_acceleration,
        "flow.complexity": flow.model.ims.complexity,
        "sim_id": sim_id,
        "run_id": f"{flow.model.regime}-{sim_id}",
        "catalog": f"{catalog.FOLDER}/{catalog.CATALOG}",
        "mass_balance": f"{catalog.FOLDER}/{catalog.BUDGET}",
    }


def _written(config: Simulation, flow: FlowRun, root: Path, sim_id: str) -> None:
    """Write `results/`."""
    identity = {
        "sim_id": sim_id,
        "name": config.workflow.name,
        "solver": "mf6",
        "solver_version": flow.engine.version,
        "solver_sha256": flow.engine.sha256,
    }
    catalog.write_results(root, flow.result, identity)
    result, grid = flow.result, flow.model.grid
    if config.output.vtu or config.output.geojson:
        last = {name: values[-1] for name, values in result.fields.items()}
        columns = fields.columns_of(result.top, result.bottoms, result.heads[-1], last)
        folder = root / catalog.FOLDER
        if config.output.vtu:
            fields.write_vtu(folder / fields.VTU, grid, result.top, columns)
        if config.output.geojson:
            fields.write_geojson(folder / fields.GEOJSON, grid, columns, config.domain.crs)


def _pictures(config: Simulation, ground: Ground, flow: FlowRun | None, folder: Path) -> list[Path]:
    figures = import_module("mhx.groundwater.figures")  # matplotlib takes half a second
    drawn: list[Path] = figures.draw(
        folder, ground.grid, ground.terrain, None if flow is None else flow.result
    )
    return drawn


def _keep(kept: str, folder: Path, model: FlowModel) -> None:
    """Leave in mf6/ what `keep_solver_files` says; listings and screen output stay always."""
    if kept == "all":
        return
    told = {writer.SIMULATION_LISTING, writer.LISTING, SCREEN}
    _clear(folder, told | (set(model.files) if kept == "inputs" else set()))


def _clear(folder: Path, stays: set[str]) -> None:
    for name in set(os.listdir(folder)) - stays:
        (folder / name).unlink()


def _artifacts(root: Path) -> tuple[str, ...]:
    """Everything that a run of this kind leaves below its folder."""
    found = [VALIDATION]
    for folder in (MESH_FOLDER, MF6_FOLDER, catalog.FOLDER, FIGURES):
        if (root / folder).is_dir():
            found += [f"{folder}/{path.name}" for path in (root / folder).iterdir()]
    return tuple(sorted(found))
