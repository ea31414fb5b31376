"""Transport models of somebody else's simulation: what each GWT model left, and its metrics.

Concentrations stay in the model's own unit of mass per volume: MODFLOW does not say which it is.
Masses are concentrations times m3, kilograms where concentrations are kg/m3.  Water in the pores
follows from heads and porosity.  Masses that came and went are told only where every step was
saved; of a model whose flow is not in the same simulation nothing is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from mhx.groundwater.budget import read_budget
from mhx.groundwater.config import Simulation
from mhx.groundwater.existing import gates
from mhx.groundwater.existing.copying import Materialised
from mhx.groundwater.existing.faces import links_of
from mhx.groundwater.existing.quantities import measures_of
from mhx.groundwater.existing.reading import OwnModel, Part
from mhx.groundwater.existing.results import (
    ModelRun,
    budget_rows,
    ended,
    names_of,
    option_of,
    plain_name,
    settings,
)
from mhx.groundwater.existing.values import largest, package_array
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.heads import Heads, read_heads
from mhx.groundwater.listing import Listing
from mhx.groundwater.results import BudgetRow
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.told import Told
from mhx.groundwater.transport import catalog, dispersion
from mhx.groundwater.transport.dispersion import Medium
from mhx.groundwater.transport.metrics import transport_metrics
from mhx.groundwater.transport.reading import COMPONENTS
from mhx.groundwater.transport.results import SCHEMES, TransportResult
from mhx.groundwater.vocabulary import TRANSPORT

WORST: Mapping[str, Any] = {
    "duration_s": max, "n_timesteps": max, "converged": min, "steps_not_converged": max,
    "closure_relative": max, "max_abs_step_percent_discrepancy": max,
}  # fmt: skip
"""What is told of several transport models together."""
CLOSURE = "closure_relative"
OF_BUDGETS = (
    *("mass_in_kg", "mass_out_kg", "mass_decayed_kg", CLOSURE),
    "budget_closure_relative",
)
"""What needs the rates of every step."""
UNITS = (
    "concentrations are in the model's own unit; masses are these times m3, kg where it is kg/m3"
)
WITHOUT_FLOW = (
    "its flow is not in the same simulation, or on another grid: of masses, fronts and Courant "
    "numbers nothing is told"
)


@dataclass(frozen=True, kw_only=True)
class SoluteRun:
    """One transport model, with the flow model below it.  whole: whether every step was saved."""

    part: Part
    flow: ModelRun
    medium: Medium
    listing: Listing
    result: TransportResult
    whole: bool


def tell(
    told: Told,
    config: Simulation,
    made: Materialised,
    ran: tuple[Sequence[ModelRun], Mapping[str, Listing]],
    root: Path,
) -> None:
    """Metrics, notes and gates of every GWT model, its results and figures.

    ran: the flow models, and the listings of all.
    """
    runs, listings = ran
    found = [one for part in parts_of(made.own) if (one := _run(made.own, part, runs, listings))]
    told.notes["transport.units"] = UNITS
    every = {plain_name(one.part.name): _metrics(told, one) for one in found}
    for part in parts_of(made.own):
        if (name := plain_name(part.name)) not in every:
            told.notes[f"transport.{name}"] = WITHOUT_FLOW
            every[name] = _alone(part, listings[part.name], made.own)
    if len(every) == 1:
        told.metrics |= {f"{TRANSPORT}{key}": v for m in every.values() for key, v in m.items()}
        for one in found:
            catalog.write_results(root, one.result)
    for name, metrics in every.items() if len(every) > 1 else ():
        told.metrics |= {f"{TRANSPORT}{name}.{key}": value for key, value in metrics.items()}
    if len(every) > 1:
        for key, choose in WORST.items():
            values = [metrics[key] for metrics in every.values() if key in metrics]
            if values:
                told.metrics[f"{TRANSPORT}{key}"] = choose(values)
    told.gates += [gate for gate in gates.OF_SOLUTE if gate.metric in told.metrics]
    if config.output.figures:
        for one in found:
            _draw(root, one, alone=len(found) == 1)


def parts_of(own: OwnModel) -> list[Part]:
    """The transport models of a simulation."""
    return [part for part in own.models if part.type == "gwt"]


def _metrics(told: Told, one: SoluteRun) -> dict[str, float]:
    grid = one.flow.grid.grid
    assert grid is not None  # else it is not run
    metrics = transport_metrics(one.result, grid, one.medium)
    metrics = {key: value for key, value in metrics.items() if "percent_discrepancy" not in key}
    metrics |= _worst_printed(one.listing)
    if option_of(one.part, "mst", "SORPTION") is not None and not _linear(one.part):
        # what is sorbed does not follow from concentrations by one factor
        metrics = {k: v for k, v in metrics.items() if k not in ("mass_sorbed_kg", CLOSURE)}
    if not one.whole:
        metrics = {key: value for key, value in metrics.items() if key not in OF_BUDGETS}
    if one.result.connections is not None:
        found = dispersion.numbers(one.result, grid, one.medium)
        told.notes |= {f"transport.{key}": text for key, text in dispersion.advice(found).items()}
    return metrics


def _alone(part: Part, told: Listing, own: OwnModel) -> dict[str, float]:
    """What concentrations and listing say of a model whose water is not known."""
    found = {
        "duration_s": told.wall_s,
        "n_timesteps": len(told.steps),
        "converged": int(told.converged),
        "steps_not_converged": sum(not step.converged for step in told.steps),
        **_worst_printed(told),
    }
    if part.heads is None:
        return found
    grid = part.grid
    kept = read_heads(part.heads, grid.layers, grid.cells // grid.layers, "CONCENTRATION")
    highest = np.nanmax(kept.values, axis=(1, 2))
    days = measures_of(own, grid.length_unit).days
    return found | {
        "c_min": float(np.nanmin(kept.values)),
        "c_max": float(highest.max()),
        "peak_c": float(highest.max()),
        "peak_time_d": float(kept.time[highest.argmax()] * days),
    }


def _run(
    own: OwnModel, part: Part, runs: Sequence[ModelRun], listings: Mapping[str, Listing]
) -> SoluteRun | None:
    flow = _flow_below(own, part, runs)
    if flow is None or flow.grid.grid is None or part.grid.shape != flow.part.grid.shape:
        return None
    if part.heads is None or part.budget is None:
        return None
    shape = flow.grid.bottoms.shape
    kept = read_heads(part.heads, flow.grid.layers, flow.grid.cells, "CONCENTRATION")
    when = _during(flow, kept)
    porosity = package_array(own, part, "mst", "porosity")
    if porosity is None:
        return None
    mobile, grains = _mobile(own, part, porosity)
    medium = _medium(own, part, flow, porosity * mobile)
    saturation = _saturation(flow)
    volumes = _thickness(flow) * flow.grid.areas
    told = listings[part.name]
    keys = list(zip(kept.period.tolist(), kept.step.tolist(), strict=True))
    steps_d = ended(own, told, dict(zip(keys, kept.time.tolist(), strict=True)), flow.measures)
    rows, held = _budget(part, flow, kept)
    links = links_of(flow, when, saturation * _thickness(flow))
    start = package_array(own, part, "ic", "strt")
    time_d = kept.time * flow.measures.days
    result = TransportResult(
        time_d=time_d,
        length_d=np.diff(time_d, prepend=0.0),
        concentration=kept.values,
        start=np.zeros(shape) if start is None else np.where(flow.grid.active, start, np.nan),
        pore_volume=(porosity * mobile * volumes * saturation)[when],
        sorbing=_sorbing(own, part, volumes * saturation[-1]) * grains,
        budget=tuple(rows),
        steps_d=steps_d,
        observed={},
        converged=np.array([step.converged for step in told.steps]),
        percent=_percents(told),
        connections=links,
        held=held,
        about={**_about(own, part, flow, told), "parameters": _parameters(medium)},
    )
    return SoluteRun(
        part=part, flow=flow, medium=medium, listing=told, result=result,
        whole=len(keys) == len(told.steps),
    )  # fmt: skip


def _flow_below(own: OwnModel, part: Part, runs: Sequence[ModelRun]) -> ModelRun | None:
    """The flow model that an exchange joins it to."""
    for exchange in own.exchanges:
        names = {name.upper() for name in exchange.models}
        if exchange.type == "gwf-gwt" and part.name.upper() in names:
            return next((run for run in runs if run.name.upper() in names), None)
    return None


def _during(flow: ModelRun, kept: Heads) -> Ids:
    """(s,) the saved flow of each saved concentration: of its own step, or the next one saved."""
    own = flow.result.period * 2**32 + flow.result.step
    return np.minimum(np.searchsorted(own, kept.period * 2**32 + kept.step), own.size - 1)


def _thickness(flow: ModelRun) -> Floats:
    grid = flow.grid
    return np.where(grid.active, np.vstack([grid.top, grid.bottoms[:-1]]) - grid.bottoms, 0.0)


def _saturation(flow: ModelRun) -> Floats:
    """(s, n_layers, n) share of a cell's thickness that holds water; 0 of dry and inactive ones."""
    grid, heads = flow.grid, flow.result.heads
    thickness = _thickness(flow)
    share = (heads - grid.bottoms) / np.where(thickness > 0, thickness, 1.0)
    full = np.where(grid.confined, 1.0, np.clip(np.nan_to_num(share), 0.0, 1.0))
    return np.where(grid.active & np.isfinite(heads), full, 0.0)


def _sorbing(own: OwnModel, part: Part, wet: Floats) -> Floats:
    """(n_layers, n) m3 of water that would hold what is sorbed."""
    share = package_array(own, part, "mst", "distcoef")
    density = package_array(own, part, "mst", "bulk_density")
    if share is None or density is None or not _linear(part):
        return np.zeros_like(wet)
    return share * density * wet


def _linear(part: Part) -> bool:
    """Whether what is sorbed is in proportion to the concentration."""
    told = option_of(part, "mst", "SORPTION")
    return told is not None and told[:1] in ([], ["LINEAR"])


def _mobile(own: OwnModel, part: Part, porosity: Floats) -> tuple[Floats, Floats]:
    """Shares of a cell's pores and of its grains that belong to the water that moves.

    Of what the IST packages hold, MODFLOW 6.4.1 is told the pores (THETAIM; grains go along with
    them), later versions the share of the cell (VOLFRAC; POROSITY is then of the mobile domain).
    """
    still = [replace(part, packages=(one,)) for one in part.packages if one.type == "ist"]

    def total(name: str) -> Floats:
        held = [package_array(own, alone, "ist", name) for alone in still]
        return sum((one for one in held if one is not None), np.zeros_like(porosity))

    cell, whole = total("volfrac"), porosity + total("thetaim")
    return 1.0 - cell, (1.0 - cell) * porosity / np.where(whole > 0, whole, 1.0)


def _budget(part: Part, flow: ModelRun, kept: Heads) -> tuple[list[BudgetRow], Ids]:
    """Rates of the saved steps, and the nodes whose concentration is held."""
    assert part.budget is not None
    index = {
        key: at for at, key in enumerate(zip(kept.period.tolist(), kept.step.tolist(), strict=True))
    }
    found = [
        replace(one, component=COMPONENTS.get(one.component, one.component))
        for one in read_budget(part.budget, flow.grid.bottoms.size)
        if (one.period, one.step) in index
    ]
    held = [one.nodes for one in found if one.component == "cnc"]
    names = names_of(part.packages)
    rows = list(budget_rows(found, index, names, flow.measures.discharge))
    return rows, np.unique(np.concatenate(held)) if held else np.empty(0, np.int64)


def _percents(told: Listing) -> Floats:
    """(steps, 2) discrepancies of rates and masses; NaN where the balance was not printed."""
    return np.array([(step.percent_step, step.percent_cumulative) for step in told.steps])


def _worst_printed(told: Listing) -> dict[str, float]:
    """The discrepancies furthest from 0 among the steps that were printed; none, where none was."""
    rows = np.delete(_percents(told), list(told.unprinted), axis=0)
    names = ("max_abs_step_percent_discrepancy", "max_abs_cumulative_percent_discrepancy")
    if not rows.size:
        return {}
    return dict(zip(names, np.abs(rows + 0.0).max(axis=0).tolist(), strict=True))


def _medium(own: OwnModel, part: Part, flow: ModelRun, porosity: Floats) -> Medium:
    """Porosity and dispersivities, in SI."""
    found = {
        name: package_array(own, part, "dsp", variable)
        for name, variable in (
            ("alpha_l", "alh"), ("alpha_th", "ath1"), ("alpha_tv", "atv"), ("diffusion", "diffc"),
        )
    }  # fmt: skip
    length, time = flow.measures.length, flow.measures.time

    def lengths(name: str) -> Floats | float:
        values = found[name]
        return 0.0 if values is None else values * length

    diffusion = found["diffusion"]
    return Medium(
        porosity=porosity,
        alpha_l=lengths("alpha_l"),
        alpha_th=lengths("alpha_th"),
        alpha_tv=None if found["alpha_tv"] is None else lengths("alpha_tv"),
        diffusion=0.0 if diffusion is None else diffusion * length**2 / time,
    )


def _parameters(medium: Medium) -> dict[str, float]:
    """Those that are one number everywhere."""
    found = {}
    for name in ("porosity", "alpha_l", "alpha_th"):
        values = np.asarray(getattr(medium, name))
        if values.size and np.ptp(values) == 0:
            found[f"param_{name}"] = float(values.flat[0])
    return found


def _about(own: OwnModel, part: Part, flow: ModelRun, told: Listing) -> dict[str, Any]:
    scheme = (option_of(part, "adv", "SCHEME") or ["upstream"])[0].lower()
    decay = 0 if option_of(part, "mst", "ZERO_ORDER_DECAY") is not None else None
    return {
        "duration_s": float(told.wall_s),
        "regime": flow.result.about["regime"],
        "scheme": {name: int(name == scheme) for name in SCHEMES},
        "dispersion_xt3d": int(option_of(part, "dsp", "XT3D_OFF") is None),
        "source_concentration": max([0.0, *_sources(own, part, flow)]),
        "decay_order": 1 if option_of(part, "mst", "FIRST_ORDER_DECAY") is not None else decay,
        "zero_inflow": [],
        "boundaries": {},
    }


def _sources(own: OwnModel, part: Part, flow: ModelRun) -> Iterator[float]:
    """The largest concentration of each source that the input files name."""
    for held in part.packages:
        if held.type == "cnc":
            yield largest(own, part, held, "conc")
    ssm = part.package("ssm")
    if ssm is None:
        return
    flows = {package.name.upper(): package for package in flow.part.packages}
    for name, rows in settings(ssm.file).items():
        package = flows.get(name)
        if package is None:
            continue
        for kind, *rest in rows:
            if kind.startswith("AUX") and rest:
                yield largest(own, flow.part, package, rest[0].lower())


def _draw(root: Path, one: SoluteRun, *, alone: bool) -> None:
    figures = import_module("mhx.groundwater.transport.figures")  # matplotlib: half a second
    folder = root / "figures" / ("" if alone else plain_name(one.part.name))
    lines = cast(Terrain, SimpleNamespace(lines={}))  # the user's model has no constraints
    figures.draw_transport(folder, one.flow.grid.grid, lines, one.result)
