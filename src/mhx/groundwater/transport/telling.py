"""What a run says of its transport: metrics, texts, gates, `results/` and figures.

The same for every engine; what is said of flow stands in `simulation.py`.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from mhx.groundwater.catalog import FOLDER
from mhx.groundwater.grid import Floats
from mhx.groundwater.solved import Task, TransportRun
from mhx.groundwater.told import Told
from mhx.groundwater.transport import catalog, dispersion
from mhx.groundwater.transport.assembly import properties_of
from mhx.groundwater.transport.dispersion import Medium
from mhx.groundwater.transport.gates import transport_gates
from mhx.groundwater.transport.metrics import gained, transport_metrics
from mhx.groundwater.transport.results import TransportResult
from mhx.groundwater.vocabulary import TRANSPORT

FIGURES = "figures"
TAKEN = "takes solute along as the cell has it; with concentration = 0 it stays in the ground"
UNSEEN = 1e-6
"""Share of the mass below which two ways to it are one [1]."""
ZERO_INFLOW = "carry no solute in, since none is declared (concentration)"


def tell(told: Told, task: Task, transport: TransportRun, root: Path) -> None:
    """Add what came of transport to what is told, and write it below the run folder."""
    config, result = task.config, transport.result
    medium = medium_of(task, transport)
    metrics = transport_metrics(result, task.grid, medium, _line(task))
    told.metrics |= {f"{TRANSPORT}{name}": value for name, value in metrics.items()}
    told.gates += transport_gates(config)
    told.notes |= {f"transport.{key}": text for key, text in transport.notes.items()}
    if result.about["zero_inflow"]:
        names = ", ".join(result.about["zero_inflow"])
        told.notes["transport.zero_inflow"] = f"{names}: {ZERO_INFLOW}"
    taking = [
        one.id
        for one in transport.flow.model.boundaries.values()
        if one.package == "evt" and one.concentration is None
    ]
    if taking:
        told.notes["transport.evapotranspiration"] = f"{', '.join(taking)}: {TAKEN}"
    if result.connections is not None:
        found = dispersion.numbers(result, task.grid, medium)
        told.notes |= {f"transport.{key}": text for key, text in dispersion.advice(found).items()}
    told.notes |= {f"transport.{key}": text for key, text in _yielded(result, metrics).items()}
    catalog.write_results(root, result)
    told.notes["solute_balance"] = f"{FOLDER}/{catalog.BUDGET}"
    if config.output.figures:
        figures = import_module("mhx.groundwater.transport.figures")  # matplotlib: half a second
        figures.draw_transport(root / FIGURES, task.grid, task.terrain, result)


def _yielded(result: TransportResult, metrics: Mapping[str, float]) -> dict[str, str]:
    """What storage carries beside what the pores hold: nothing with steady flow."""
    if result.about.get("regime") != "transient" or "mass_in_kg" not in metrics:
        return {}
    by_budget = metrics["mass_in_kg"] - metrics["mass_out_kg"] - metrics["mass_decayed_kg"]
    off = gained(result) - by_budget
    if abs(off) <= UNSEEN * max(metrics["mass_in_kg"], metrics["mass_stored_kg"]):
        return {}
    return {
        "storage": f"concentrations and porosity show {off:+.3g} kg beside the budget: solute "
        "moves with the water that storage yields (Sy, Ss), which is not that of the pores"
    }


def medium_of(task: Task, transport: TransportRun) -> Medium:
    """What the ground does to the solute, cell by cell, in SI."""
    flow = transport.flow.model
    found = properties_of(task.config, flow, task.site)
    return Medium(
        porosity=found["porosity"],
        alpha_l=found.get("alpha_l", 0.0),
        alpha_th=found.get("alpha_th", 0.0),
        alpha_tv=found.get("alpha_tv"),
        diffusion=found["diffusion"] / flow.seconds if "diffusion" in found else 0.0,
    )


def _line(task: Task) -> Floats | None:
    """The line along which the front is measured, as the mesh respects it, else as drawn."""
    transport = task.config.transport
    name = None if transport is None else transport.front_line
    if name is None:
        return None
    return task.grid.constraints.get(name, task.terrain.lines[name])
