"""What MODFLOW 6 left of a transport run, read into a `TransportResult`.

    solute.ucn          concentrations of the saved steps
    solute.budget.csv   rates of every step and package, all digits
    solute.observed.csv concentrations at the observed cells after every step
    solute.lst          steps that did not converge

Rates become means over the time between saved steps, so that masses add up whatever was saved.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater import listing
from mhx.groundwater.budget import read_budget
from mhx.groundwater.grid import Flags, Floats
from mhx.groundwater.heads import MISSING, read_heads
from mhx.groundwater.results import BudgetRow, FlowResult
from mhx.groundwater.transport import writer
from mhx.groundwater.transport.flowfield import FlowField, read_flow_field, taken
from mhx.groundwater.transport.model import NAME, TransportModel
from mhx.groundwater.transport.results import TransportResult, about_of
from mhx.groundwater.writer import BUDGET as FLOW_BUDGET
from mhx.groundwater.writer import SIMULATION_LISTING

SECOND = 2
"""The solution of transport among those of the simulation."""
COMPONENTS = {
    "storage-aqueous": "storage",
    "storage-sorbed": "sorption",
    "decay-aqueous": "decay",
    "decay-sorbed": "decay",
}
"""What happens inside the cells, by MODFLOW's names; what is decayed in water or on ground is one.
"""
_EXPONENT = re.compile(r"(\d|\.)([+-]\d{3})$")
_TERM = re.compile(r"(?P<kind>[^(]+)\((?P<package>.+)\)_(?P<side>IN|OUT)")


def flow_field(model: TransportModel, folder: Path) -> FlowField:
    """The flow below transport, from the files of its run."""
    path = folder / FLOW_BUDGET
    return read_flow_field(model.flow, path, read_budget(path, model.strt.size))


def read_results(
    model: TransportModel, flow: FlowResult, folder: Path, wall_s: float
) -> TransportResult:
    """The result of a run; EvidenceError where a file is torn, altered, or of another model."""
    ends = np.array([end for _, _, end in model.flow.step_ends_d])
    keys = [(period, step) for period, step, _ in model.flow.step_ends_d]
    kept = read_heads(
        folder / writer.CONCENTRATIONS,
        model.flow.n_layers,
        model.flow.grid.n_cells,
        "CONCENTRATION",
    )
    places = {key: at for at, key in enumerate(keys)}
    try:
        last = np.array(
            [places[key] for key in zip(kept.period.tolist(), kept.step.tolist(), strict=True)]
        )
    except KeyError as error:
        raise EvidenceError(f"{folder / writer.CONCENTRATIONS} holds a step {error}") from error
    unit = writer.mass_unit(model)
    table = _table(folder / writer.RATES, len(keys))
    rates = {term: values if term == "time" else values / unit for term, values in table.items()}
    told = listing.read(folder / SIMULATION_LISTING, folder / writer.LISTING, SECOND)
    field = flow_field(model, folder)
    when = field.during(kept.period, kept.step)
    pores = taken(model.properties["porosity"] * model.volumes * field.saturation, when)
    fields = {"outflow": taken(field.outflow, when)}
    if model.flow.regime == "transient":
        fields["start_volume"] = model.start_volume
    return TransportResult(
        time_d=ends[last],
        length_d=np.diff(ends[last], prepend=0.0),
        # with Newton a dry cell keeps a head, and a concentration of no water
        concentration=np.where(pores > 0, kept.values / unit, np.nan),
        start=model.strt,
        pore_volume=pores,
        sorbing=model.sorbing * field.saturation[-1],
        budget=tuple(_rows(model, rates, np.diff(ends, prepend=0.0), last)),
        steps_d=ends,
        observed=_observed(model, folder, len(keys)),
        converged=_converged(told, keys),
        percent=_percents(rates, np.diff(ends, prepend=0.0)),
        connections=field.connections(when),
        held=model.held,
        fields=fields,
        about=about_of(model, flow, wall_s),
    )


def _table(path: Path, n_steps: int) -> dict[str, Floats]:
    """The columns of a table with one row per time step; EvidenceError where it has not."""
    try:
        rows = list(csv.reader(path.read_text(encoding="ascii").splitlines()))
        header = [name.strip() for name in rows[0]]
        values = np.array([[number(text) for text in row] for row in rows[1:]])
    except (OSError, ValueError, IndexError) as error:
        raise EvidenceError(f"{path} cannot be read: {error}") from error
    if values.shape != (n_steps, len(header)):
        raise EvidenceError(
            f"{path} holds {values.shape[0]} of {n_steps} time steps; run the model again"
        )
    return dict(zip(header, values.T, strict=True))


def number(text: str) -> float:
    """A number as Fortran prints it, which leaves out the E before an exponent of three digits."""
    try:
        return float(text)
    except ValueError:
        return float(_EXPONENT.sub(r"\1E\2", text.strip()))


def _rows(
    model: TransportModel, rates: Mapping[str, Floats], lengths: Floats, last: np.ndarray
) -> Iterator[BudgetRow]:
    """Per saved step each boundary, then each component; kg/s, means since the step before."""
    names = {
        **{f"ssm_{one.name}".lower(): one for one in model.flow.boundaries.values()},
        **{one.name.lower(): one for one in model.boundaries.values()},
    }
    starts = np.r_[0, last[:-1] + 1]
    spans = np.add.reduceat(lengths, starts)
    if last[-1] + 1 < lengths.size:
        raise EvidenceError(f"{NAME}: the last time step was not saved; run the model again")
    sums: dict[str, Floats] = {}
    for term, values in rates.items():
        match = _TERM.fullmatch(term)
        if match is None:  # time, totals, percent
            continue
        mean = np.add.reduceat(values * lengths, starts) / spans / model.flow.seconds
        side = int(match["side"] == "OUT")
        placed = names.get(match["package"].lower())
        kind = match["kind"].strip().lower()
        component = COMPONENTS.get(kind, kind) if placed is None else placed.package
        for key in (component, f"{component}\n{placed.id}" if placed is not None else ""):
            if key:
                sums.setdefault(key, np.zeros((2, last.size)))[side] += mean
    for key, table in sums.items():
        component, _, boundary = key.partition("\n")
        for at in range(last.size):
            yield BudgetRow(
                saved=at,
                component=component,
                boundary=boundary,
                rate_in=float(table[0, at]),
                rate_out=float(table[1, at]),
            )


def _percents(rates: Mapping[str, Floats], lengths: Floats) -> Floats:
    """(steps, 2) percent discrepancy of the rates of each step, and of the masses so far."""
    totals = np.stack([rates["TOTAL_IN"], rates["TOTAL_OUT"]])
    masses = np.cumsum(totals * lengths, axis=1)
    return np.stack([_percent(*totals), _percent(*masses)], axis=1)


def _percent(entered: Floats, left: Floats) -> Floats:
    """MODFLOW's: the difference over the mean of both; 0 where nothing moves."""
    mean = 0.5 * (entered + left)
    return np.asarray(100.0 * (entered - left) / np.where(mean > 0, mean, 1.0))


def _observed(model: TransportModel, folder: Path, n_steps: int) -> dict[str, Floats]:
    """Means over the cells of each observation that hold water; NaN where none does."""
    if not model.observed:
        return {}
    table = _table(folder / writer.OBSERVED, n_steps)
    columns = {
        node: table[f"O{number}"]
        for number, node in enumerate(writer.observed_nodes(model), start=1)
    }
    found = {}
    for one in model.observed:
        values = np.stack([columns[node] for node in one.nodes.tolist()])
        wet = np.abs(values) < MISSING
        weights = np.where(wet, one.weights[:, None], 0.0)
        total = weights.sum(axis=0)
        mean = (np.where(wet, values, 0.0) * weights).sum(axis=0)
        mean /= np.where(total > 0, total, 1.0) * writer.mass_unit(model)
        found[one.id] = np.where(total > 0, mean, np.nan)
    return found


def _converged(told: listing.Listing, keys: list[tuple[int, int]]) -> Flags:
    """(steps,) as the listing of transport says; a step that it does not tell of did not."""
    found = {(one.period, one.step): one.converged for one in told.steps}
    return np.array([found.get(key, False) for key in keys])
