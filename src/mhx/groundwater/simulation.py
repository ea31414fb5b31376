"""One groundwater run from one configuration: mesh, flow, transport, as its processes say.

    mesh/          vertices.csv, cells.csv, mesh_summary.json
    mf6/           an ordinary MODFLOW 6 model with its listings; opens with flopy, runs with mf6
                   alone; other engines: a folder of their name
    results/       catalog.json, heads.npz, budget.csv, steps.csv; of transport concentration.npz
    figures/       unless output.figures = false
    validation.json

Grid, mesh metrics and texts are remembered between the runs of a process (`memory.py`) and inputs
linked (`placing.py`).  Times are wall clock [s]; identity holds no path and no time.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.evidence import schemas, store
from mhx.evidence.gates import judge_all, validation_document
from mhx.evidence.hashing import file_digest
from mhx.groundwater import catalog, fields, gates
from mhx.groundwater.config import Simulation
from mhx.groundwater.conformity import mesh_metrics
from mhx.groundwater.engines import NEEDS, Engine, find, libraries_of, noted
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.grid import Grid
from mhx.groundwater.memory import key_of, remembered
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.meshfile import grid_files
from mhx.groundwater.mf6_flow import clear
from mhx.groundwater.placing import place, replace_file
from mhx.groundwater.solved import FlowRun, Task, TransportRun, flow_engine, transport_engine
from mhx.groundwater.terrain import Terrain, terrain_of
from mhx.groundwater.told import Told
from mhx.groundwater.vocabulary import FLOW, MESH
from mhx.runner import RunRequest, RunSummary

MESH_FOLDER, FIGURES, VALIDATION = "mesh", "figures", "validation.json"
SOLVER_FOLDERS = ("mf6", "mfnwt", "mt3dusgs", "fem", "analytic")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A mesh and what is known of it; key: what it was made of."""

    key: str
    terrain: Terrain
    grid: Grid
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


def run(request: RunRequest) -> RunSummary:
    """Carry out the declared processes; SolverError, EngineMissing or ConfigError where one ends.

    ConfigError: what only shows when grid and values meet, such as a selector that finds no cell.
    """
    began = time.perf_counter()
    config = parse(Simulation, dict(request.config))
    root = request.output_dir
    if config.model is not None:
        existing = import_module("mhx.groundwater.existing.run")
        told: Told = existing.run(config, root)
    else:
        told = _built(config, root)
    results = judge_all(told.gates, told.metrics)
    read = {result.gate.metric: result.value for result in results}
    validation = validation_document(schemas.RUN_VALIDATION, results, read)
    replace_file(root / VALIDATION, store.render_json(validation))
    told.notes["wall_time_seconds"] = f"{time.perf_counter() - began:.6f}"
    return RunSummary(metrics=told.metrics, notes=told.notes, artifacts=_artifacts(root))


def _built(config: Simulation, root: Path) -> Told:
    """A model that is built here: mesh, then flow, then transport."""
    # before the mesh: a missing program is told at once
    programs = programs_of(config) if config.runs("flow") else {}
    site = config.site
    ground = _ground(config)
    place(root / MESH_FOLDER, ground.files)
    told = Told(
        metrics={f"{MESH}{name}": value for name, value in ground.metrics.items()},
        notes={"output_mesh": f"{MESH_FOLDER}/cells.csv"}
        | noted(programs.values(), libraries_of(config.engine, site.mesh.kind)),
        gates=list(gates.mesh_gates(site.mesh, neighbours=ground.metrics["neighbours_max"] > 0)),
    )
    if not config.runs("flow"):
        if config.output.figures:
            _draw(told, config, ground, None, root)
        return told
    sim_id = identity_of(config, programs)
    folder = root / folder_of(config.engine)
    folder.mkdir(parents=True, exist_ok=True)
    task = Task(
        config=config,
        grid=ground.grid,
        terrain=ground.terrain,
        site=ground.key,
        folder=folder,
        programs=programs,
        sim_id=sim_id,
    )
    transport = transport_engine(config.engine)(task) if config.runs("transport") else None
    flow = transport.flow if transport is not None else flow_engine(config.engine)(task)
    _tell_flow(told, task, flow, root)
    if transport is not None:
        solute = import_module("mhx.groundwater.transport.telling")
        solute.tell(told, task, transport, root)
    _export(config, flow, transport, root / catalog.FOLDER)
    if config.output.figures:
        _draw(told, config, ground, flow, root)
    _keep(config.output.keep_solver_files, folder, flow)
    return told


def programs_of(config: Simulation) -> dict[str, Engine]:
    """The executables that the engine of a configuration needs, found."""
    solver = config.solver
    named = {"mf6": solver.mf6.exe, "mfnwt": solver.mfnwt.exe, "mt3dusgs": solver.mt3dusgs.exe}
    return {name: find(name, named[name]) for name in NEEDS.get(config.engine, ())}


def folder_of(engine: str) -> str:
    """Where an engine writes below the run folder."""
    return "fem" if engine.startswith("fem_") else engine


def identity_of(config: Simulation, programs: Mapping[str, Engine]) -> str:
    """What a result is identified by: every value, every input file, the programs; no path."""
    plain = config.model_dump(exclude={"workflow": True, "output": True})
    for name, engine in programs.items():
        plain["solver"][name] |= {"exe": engine.identity, "timeout_s": None}
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
    site = config.site
    terrain = terrain_of(site)
    grid = make_grid(site, terrain)
    took = time.perf_counter() - began
    metrics = {**mesh_metrics(grid, terrain, site), "duration_s": took}
    return Ground(key=key, terrain=terrain, grid=grid, metrics=metrics, files=grid_files(grid))


def _tell_flow(told: Told, task: Task, flow: FlowRun, root: Path) -> None:
    """Metrics, notes and gates of flow, and `results/`."""
    config, result = task.config, flow.result
    told.metrics |= {f"{FLOW}{name}": value for name, value in flow_metrics(result).items()}
    told.gates += gates.flow_gates(config, flow.model)
    told.notes |= {f"flow.{key}": text for key, text in flow.notes.items()}
    told.notes |= {
        "sim_id": task.sim_id,
        "run_id": f"{flow.model.regime}-{task.sim_id}",
        "catalog": f"{catalog.FOLDER}/{catalog.CATALOG}",
        "mass_balance": f"{catalog.FOLDER}/{catalog.BUDGET}",
    }
    program = task.programs.get(config.engine)
    identity = {
        "sim_id": task.sim_id,
        "name": config.workflow.name,
        "solver": config.engine,
        "solver_version": program.version if program else flow.notes.get("solver_version", ""),
        "solver_sha256": program.sha256 if program else "",
    }
    catalog.write_results(root, result, identity)
    if config.observation:
        measured = import_module("mhx.groundwater.measured.telling")
        measured.tell_built(told, task, flow, root)


def _export(
    config: Simulation, flow: FlowRun, transport: TransportRun | None, folder: Path
) -> None:
    """The last saved step for other programs, as far as it is asked for."""
    if not (config.output.vtu or config.output.geojson):
        return
    grid, result = flow.model.grid, flow.result
    last = {name: values[-1] for name, values in result.fields.items()}
    if transport is not None:
        last["concentration_kg_m3"] = transport.result.concentration[-1]
    columns = fields.columns_of(result.top, result.bottoms, result.heads[-1], last)
    if config.output.vtu:
        fields.write_vtu(folder / fields.VTU, grid, result.top, columns)
    if config.output.geojson:
        fields.write_geojson(folder / fields.GEOJSON, grid, columns, config.site.domain.crs)


def _draw(told: Told, config: Simulation, ground: Ground, flow: FlowRun | None, root: Path) -> None:
    """The figures of mesh and flow; the first is that of the run."""
    figures = import_module("mhx.groundwater.figures")  # matplotlib takes half a second
    drawn: list[Path] = figures.draw(
        root / FIGURES, ground.grid, ground.terrain, None if flow is None else flow.result
    )
    if drawn:
        told.notes["output_figure"] = f"{FIGURES}/{drawn[0].name}"


def _keep(kept: str, folder: Path, flow: FlowRun) -> None:
    """Leave in an engine's folder what `keep_solver_files` says; listings stay always."""
    if kept != "all":
        clear(folder, set(flow.listings) | (set(flow.inputs) if kept == "inputs" else set()))


def _artifacts(root: Path) -> tuple[str, ...]:
    """Everything that a run of this kind leaves below its folder."""
    found = [VALIDATION]
    for folder in (MESH_FOLDER, *SOLVER_FOLDERS, catalog.FOLDER, FIGURES):
        below = root / folder
        found += [path.relative_to(root).as_posix() for path in below.rglob("*") if path.is_file()]
    return tuple(sorted(found))
