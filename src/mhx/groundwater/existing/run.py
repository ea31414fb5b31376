"""One run of somebody else's MODFLOW 6 simulation: copied, patched, carried out, reported on.

    mesh/       vertices.csv, cells.csv, mesh_summary.json; of several models in folders of theirs
    mf6/        the copy: links to what no patch touches, and all that MODFLOW wrote
    results/    as of a model that is built here; of several models all together, and each in a
                folder of its own
    figures/    heads of each layer, budgets

The user's folder is read and never written to.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from mhx.evidence.hashing import file_digest
from mhx.groundwater import catalog, listing
from mhx.groundwater import fields as exports
from mhx.groundwater.config import Simulation
from mhx.groundwater.engines import Engine, find, noted
from mhx.groundwater.existing import gates, quantities, several
from mhx.groundwater.existing.copying import Materialised, materialise
from mhx.groundwater.existing.reading import OwnModel, Part, opened
from mhx.groundwater.existing.results import ModelRun, flow_run, plain_name, solution_of
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.grid import Grid
from mhx.groundwater.listing import Listing
from mhx.groundwater.memory import key_of, remembered
from mhx.groundwater.meshfile import grid_files
from mhx.groundwater.mf6 import SCREEN, carry_out, judged
from mhx.groundwater.placing import place
from mhx.groundwater.results import FlowResult
from mhx.groundwater.told import Told
from mhx.groundwater.vocabulary import FLOW
from mhx.groundwater.writer import SIMULATION_LISTING

ENGINE, SOLVER, MESH, FIGURES = "mf6", "mf6", "mesh", "figures"


def run(config: Simulation, root: Path) -> Told:
    """Carry out a simulation that is not built here.

    ConfigError: the model or a patch of it.  SolverError: MODFLOW stopped or did not converge.
    EvidenceError: it left no results that can be read.
    """
    assert config.model is not None  # else it is built here
    engine = find(ENGINE, config.solver.mf6.exe)
    identity = identity_of(config, engine)
    made = materialise(config.model, root / SOLVER)
    listings = carried_out(made, engine, config.solver.mf6.timeout_s)
    runs = [
        flow_run(made.own, part, listings[part.name], config.output.fields)
        for part in flow_parts(made.own)
    ]
    told = Told(notes=_notes(made, engine, runs, identity))
    if runs:
        told.gates += gates.GATES
        whole = several.together(runs)
        tell_flow(told, runs, whole)
        write(root, runs, whole, _catalogued(config, engine, identity))
        _export(config, root, runs)
    if any(part.type == "gwt" for part in made.own.models):
        solute = import_module("mhx.groundwater.existing.solute")
        solute.tell(told, config, made, (runs, listings), root)
    if config.observation:
        measuring = import_module("mhx.groundwater.existing.measuring")
        measuring.tell(told, config, made, runs, root)
    if config.output.figures and runs:
        pictures = import_module("mhx.groundwater.existing.pictures")  # matplotlib
        drawn = pictures.draw(root / FIGURES, runs)
        told.notes["output_figure"] = f"{FIGURES}/{drawn[0].name}"
    keep(config.output.keep_solver_files, made)
    return told


def flow_parts(own: OwnModel) -> list[Part]:
    """The flow models of a simulation."""
    return [part for part in own.models if part.type == "gwf"]


def carried_out(made: Materialised, engine: Engine, timeout_s: float | None) -> dict[str, Listing]:
    """Run a copy: name of each model -> what the listings tell; SolverError where it fails."""
    own = made.own
    simulation = own.folder / SIMULATION_LISTING
    for stale in (simulation, *(part.listing for part in own.models)):
        stale.unlink(missing_ok=True)  # an old listing must not speak for this run
    ended = carry_out([str(engine.path)], own.folder, SCREEN, timeout_s)
    alone = len(own.solutions) == 1
    found = {
        part.name: listing.read(simulation, part.listing, None if alone else solution_of(own, part))
        for part in own.models
    }
    # first what did not converge: of all other models the run says only that it stopped
    for one in sorted(found.values(), key=lambda one: one.converged):
        if own.continues:
            steps = tuple(replace(step, converged=True) for step in one.steps)
            judged(ended, replace(one, steps=steps), own.folder, timeout_s)
        else:
            judged(ended, one, own.folder, timeout_s)
    return {name: replace(one, wall_s=ended[2]) for name, one in found.items()}


def tell_flow(told: Told, runs: list[ModelRun], whole: FlowResult) -> None:
    """Metrics of all flow models together; of several also of each under its name."""
    total = flow_metrics(whole)
    if len(runs) > 1:
        each = {plain_name(run.name): flow_metrics(run.result) for run in runs}
        told.metrics |= {
            f"{FLOW}{name}.{key}": value
            for name, metrics in each.items()
            for key, value in metrics.items()
        }
        total["n_cells"] = sum(metrics["n_cells"] for metrics in each.values())
        total["n_layers"] = max(metrics["n_layers"] for metrics in each.values())
        closures = [metrics["closure_relative"] for metrics in each.values()]
        total["closure_relative"] = max(closures) if all(map(math.isfinite, closures)) else math.nan
    told.metrics |= {f"{FLOW}{key}": value for key, value in total.items()}
    if len(whole.about["unprinted"]) == len(whole.steps):
        told.gates = [gate for gate in told.gates if gate not in gates.OF_THE_LISTING]


def write(
    root: Path, runs: list[ModelRun], whole: FlowResult, identity: Mapping[str, str | None]
) -> None:
    """`mesh/` and `results/`."""
    for run in runs:
        below = plain_name(run.name) if len(runs) > 1 else ""
        if run.grid.grid is not None:
            place(root / MESH / below, _mesh(run.grid.key, run.grid.grid))
        if below:
            catalog.write_results(root, run.result, identity, below)
    catalog.write_results(root, whole, identity)


def _export(config: Simulation, root: Path, runs: list[ModelRun]) -> None:
    """Heads and fields of the last saved step for other programs; not of grids of nodes."""
    output = config.output
    for run in runs if output.vtu or output.geojson else ():
        grid, result = run.grid.grid, run.result
        if grid is None or result.under is not None:
            continue
        folder = root / catalog.FOLDER / (plain_name(run.name) if len(runs) > 1 else "")
        last = {name: values[-1] for name, values in result.fields.items()}
        columns = exports.columns_of(result.top, result.bottoms, result.heads[-1], last)
        if output.vtu:
            exports.write_vtu(folder / exports.VTU, grid, result.top, columns)
        if output.geojson:
            exports.write_geojson(folder / exports.GEOJSON, grid, columns, None)


def _mesh(key: str, grid: Grid) -> dict[str, bytes]:
    return remembered("files of own grid", key, lambda: grid_files(grid))


def identity_of(config: Simulation, engine: Engine) -> str:
    """What the result is identified by: configuration, program, every file reached; no path."""
    assert config.model is not None
    plain = config.model_dump(exclude={"workflow": True, "output": True})
    plain["solver"]["mf6"] |= {"exe": engine.identity, "timeout_s": None}
    reached = opened(config.model.path).reached.files
    digests = remembered(
        "digests of own model",
        key_of(*reached),
        lambda: [file_digest(path) for path in reached],
    )
    plain["model"]["path"] = digests
    text = json.dumps(plain, sort_keys=True, default=file_digest)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _catalogued(config: Simulation, engine: Engine, sim_id: str) -> dict[str, str | None]:
    return {
        "sim_id": sim_id,
        "name": config.workflow.name,
        "solver": ENGINE,
        "solver_version": engine.version,
        "solver_sha256": engine.sha256,
    }


def _notes(made: Materialised, engine: Engine, runs: list[ModelRun], sim_id: str) -> dict[str, str]:
    regime = "steady" if all(r.result.about["regime"] == "steady" for r in runs) else "transient"
    where = f"{MESH}/" if len(runs) == 1 else f"{MESH}/{plain_name(runs[0].name)}/" if runs else ""
    told = [*made.notices, *quantities.notices(made.own)]
    notes = noted([engine], ()) | {
        "sim_id": sim_id,
        "run_id": f"{regime}-{sim_id}",
        "flow.solver_version": f"MODFLOW 6 {engine.version}",
        "model.models": ", ".join(f"{part.name} ({part.type})" for part in made.own.models),
        "model.changed": ", ".join(made.changed) or "nothing",
    }
    if any(run.grid.grid is not None for run in runs):
        notes["output_mesh"] = f"{where}cells.csv"
    if runs:
        notes["catalog"] = f"{catalog.FOLDER}/{catalog.CATALOG}"
        notes["mass_balance"] = f"{catalog.FOLDER}/{catalog.BUDGET}"
        notes["flow.formulation"] = "; ".join(dict.fromkeys(map(_formulation, runs)))
    if told:
        notes["model.notices"] = "; ".join(told)
    return notes


def _formulation(run: ModelRun) -> str:
    about = run.result.about["formulation"]
    words = [word for word in ("newton", "xt3d") if about[word]] or ["standard"]
    return ", ".join([*words, "convertible" if about["convertible"] else "confined"])


def keep(kept: str, made: Materialised) -> None:
    """Leave of the copy what `keep_solver_files` says; listings stay always."""
    if kept == "all":
        return
    folder = made.folder
    stays = {folder / SIMULATION_LISTING, folder / SCREEN}
    stays |= {part.listing for part in made.own.models}
    if kept == "inputs":
        stays |= {folder / name for name in made.inputs}
    for path in folder.rglob("*"):
        if path not in stays and (path.is_file() or path.is_symlink()):
            path.unlink()
