"""What a finished flow run left: heads, budget, steps and fields, in SI units and days.

A `FlowResult` is made of MODFLOW's own files here, or of the files in `results/` (`catalog.py`);
its metrics (`flow_metrics.py`) are the same either way.  Rates are m3/s, positive, split into what
flows into the groundwater and out of it; heads and elevations m.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater.budget import Exchange, read_budget
from mhx.groundwater.grid import Flags, Floats, Grid, Ids
from mhx.groundwater.heads import Heads, read_heads
from mhx.groundwater.listing import Listing, Step
from mhx.groundwater.model import FlowModel
from mhx.groundwater.writer import BUDGET, HEADS

Rates = Callable[[str, int], Floats]
"""Component and number of saved steps -> (s, n) rates [m3/s], layers added up."""


@dataclass(frozen=True, kw_only=True)
class BudgetRow:
    """Water that one component, or one boundary of it, gave and took in one saved step [m3/s].

    saved: index of the saved step.  boundary: id of the boundary or source, "" for all of a
    component.
    """

    saved: int
    component: str
    boundary: str
    rate_in: float
    rate_out: float


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The ground from the top down, where any cell of it takes part.

    nodes: (levels, m) layer * n + cell, 0 where there is none.  there: (levels, m) whether there
    is a cell.  top, areas: (m,).  bottoms: (levels, m).
    """

    nodes: Ids
    there: Flags
    top: Floats
    bottoms: Floats
    areas: Floats

    def of(self, values: Floats) -> Floats:
        """(levels, m) of values per node; NaN where there is no cell."""
        return np.where(self.there, values.ravel()[self.nodes], math.nan)


@dataclass(frozen=True, kw_only=True)
class FlowResult:
    """Everything that the metrics are made of.

    areas, top: (n,).  bottoms: (n_layers, n).  period, step, time_d, length_d: (s,) saved steps.
    heads: (s, n_layers, n), NaN where dry.  fields: name -> (s, n) or (s, n_layers, n), stored
    ones besides the heads.  steps: every step of the solver; ended_d: (m,) when each ended.
    fixed: nodes with a fixed head.
    about: what else the catalog holds (parameters, formulation, boundaries, nominal recharge,
        duration).
    active: (n_layers, n) cells that take part, None: all.  confined: (n_layers, n) cells that are
        saturated whatever their head, None: as the formulation says.
    under: (levels, m) nodes that lie one over the other, -1 for none, where layers do not tell.
    """

    areas: Floats
    top: Floats
    bottoms: Floats
    period: Ids
    step: Ids
    time_d: Floats
    length_d: Floats
    heads: Floats
    budget: tuple[BudgetRow, ...]
    steps: tuple[Step, ...]
    ended_d: Floats
    fixed: Ids
    about: Mapping[str, Any]
    fields: Mapping[str, Floats] = field(default_factory=dict)
    active: Flags | None = None
    confined: Flags | None = None
    under: Ids | None = None

    @property
    def saved(self) -> int:
        """Number of saved steps."""
        return int(self.time_d.size)

    @property
    def all_saved(self) -> bool:
        """Whether the saved steps are all there were: only then can rates be integrated."""
        return self.saved == len(self.steps)

    @cached_property
    def columns(self) -> Columns:
        """The cells as columns; of those without any cell that takes part there is none."""
        nodes = self.under
        if nodes is None:
            nodes = np.arange(self.bottoms.size).reshape(self.bottoms.shape)
        there = nodes >= 0
        nodes = np.maximum(nodes, 0)
        if self.active is not None:
            there &= self.active.ravel()[nodes]
        some = there.any(axis=0)
        nodes, there = nodes[:, some], there[:, some]
        highest = np.take_along_axis(nodes, there.argmax(axis=0)[None], axis=0)[0]
        cells = highest % self.areas.size
        return Columns(
            nodes=nodes,
            there=there,
            top=self.top[cells],
            bottoms=self.bottoms.ravel()[nodes],
            areas=self.areas[cells],
        )


def read_results(
    model: FlowModel, listing: Listing, folder: Path, fields: Sequence[str] = ()
) -> FlowResult:
    """The result of a run from MODFLOW's own files in `folder`.

    listing: what `run_mf6` returned.  fields: what is stored besides the heads.
    EvidenceError where a file is torn, of another model, or has not the steps it should have.
    """
    heads = read_heads(folder / HEADS, model.n_layers, model.grid.n_cells)
    exchanges = read_budget(folder / BUDGET, model.bottoms.size)
    return result_of(model, listing, heads, exchanges, folder, fields)


def result_of(
    model: FlowModel,
    listing: Listing,
    heads: Heads,
    exchanges: Sequence[Exchange],
    folder: Path,
    fields: Sequence[str] = (),
) -> FlowResult:
    """The result of a run whose files were read, whichever MODFLOW wrote them into `folder`.

    EvidenceError where they have not the steps that they should have.
    """
    if len(listing.steps) != len(model.step_ends_d):
        raise EvidenceError(
            f"the listing in {folder} tells of {len(listing.steps)} time steps, "
            f"{len(model.step_ends_d)} were asked for"
        )
    expected = _expected(model)
    found = list(zip(heads.period.tolist(), heads.step.tolist(), strict=True))
    if found != expected:
        raise EvidenceError(
            f"{folder / HEADS} holds {len(found)} of {len(expected)} saved steps; "
            "run the model again"
        )
    index = {key: number for number, key in enumerate(expected)}
    lengths = _lengths(exchanges, index, folder) * model.days

    def rates(component: str, saved: int) -> Floats:
        table = np.zeros((saved, model.grid.n_cells))
        for one in exchanges:
            if one.component == component:
                at = index[one.period, one.step]
                np.add.at(table[at], one.nodes % model.grid.n_cells, one.rates / model.seconds)
        return table

    return FlowResult(
        areas=model.grid.areas,
        top=model.top,
        bottoms=model.bottoms,
        period=heads.period,
        step=heads.step,
        time_d=heads.time * model.days,
        length_d=lengths,
        heads=heads.values,
        budget=tuple(_budget_rows(model, exchanges, index)),
        steps=listing.steps,
        ended_d=np.array([end for _, _, end in model.step_ends_d]),
        fixed=model.fixed_cells,
        fields=stored_fields(model, heads.values, rates, fields),
        about={
            "duration_s": float(listing.wall_s),
            "regime": model.regime,
            "start": model.start,
            "formulation": {
                "newton": model.formulation["newton"],
                "xt3d": model.formulation["xt3d"],
                "convertible": model.formulation["convertible"],
                "time_unit_days": int(model.time_unit == "days"),
            },
            "parameters": dict(model.parameters),
            "recharge_nominal_m3_s": float(model.recharge_nominal_m3_s),
            "boundaries": {
                one.id: {
                    "package": one.package,
                    "cells": one.cells.tolist(),
                    "layers": one.layers.tolist(),
                }
                for one in model.boundaries.values()
            },
        },
    )


def _expected(model: FlowModel) -> list[tuple[int, int]]:
    """Period and step of what output control saves: every step, or the last of each period."""
    return [
        (number, step)
        for number, period in enumerate(model.periods, start=1)
        for step in range(1 if model.save == "all" else period.steps, period.steps + 1)
    ]


def _lengths(
    exchanges: Sequence[Exchange], index: Mapping[tuple[int, int], int], folder: Path
) -> Floats:
    """(s,) lengths of the saved steps, MODFLOW's unit; the budget file has them all, or none."""
    lengths = np.full(len(index), math.nan)
    for exchange in exchanges:
        at = index.get((exchange.period, exchange.step))
        if at is not None:
            lengths[at] = exchange.length
    if np.isnan(lengths).any():
        raise EvidenceError(
            f"{folder / BUDGET} holds {int(np.isfinite(lengths).sum())} of {len(index)} "
            "saved steps; run the model again"
        )
    return lengths


def _budget_rows(
    model: FlowModel, exchanges: Sequence[Exchange], index: Mapping[tuple[int, int], int]
) -> Iterator[BudgetRow]:
    """Per saved step: each component, packages of one type added up, then each boundary."""
    ids = {b.name.lower(): b.id for b in model.boundaries.values()}
    components: dict[tuple[int, str], tuple[float, float]] = {}
    for exchange in exchanges:
        at = index[exchange.period, exchange.step]
        rates = exchange.rates / model.seconds
        rate_in = float(rates.sum(where=rates > 0))
        rate_out = -float(rates.sum(where=rates < 0))
        key = (at, exchange.component)
        before = components.get(key, (0.0, 0.0))
        components[key] = (before[0] + rate_in, before[1] + rate_out)
        if exchange.package:
            yield BudgetRow(
                saved=at,
                component=exchange.component,
                boundary=ids.get(exchange.package.lower(), exchange.package),
                rate_in=rate_in,
                rate_out=rate_out + 0.0,
            )
    for (at, component), (rate_in, rate_out) in components.items():
        yield BudgetRow(
            saved=at, component=component, boundary="", rate_in=rate_in, rate_out=rate_out + 0.0
        )


def wet_cells(heads: Floats, bottoms: Floats) -> np.ndarray:
    """(n_layers, n) cells that hold water: neither dry nor with a head below their bottom."""
    return np.nan_to_num(heads, nan=-math.inf) > bottoms


def water_table_depth(heads: Floats, top: Floats, bottoms: Floats) -> Floats:
    """(n,) top less the head of the uppermost wet cell [m]; NaN where all layers are dry."""
    wet = wet_cells(heads, bottoms)
    uppermost = np.take_along_axis(heads, wet.argmax(axis=0)[None], axis=0)[0]
    return np.where(wet.any(axis=0), top - uppermost, math.nan)


class Ground(Protocol):
    """What fields are made of besides heads and rates: a grid and its elevations [m]."""

    @property
    def grid(self) -> Grid:
        """Cells of a layer."""

    @property
    def top(self) -> Floats:
        """(n,) ground."""

    @property
    def bottoms(self) -> Floats:
        """(n_layers, n) bottoms of the cells."""


def stored_fields(
    model: Ground, heads: Floats, rates: Rates, names: Sequence[str]
) -> dict[str, Floats]:
    """Fields by their names besides the heads (s, n_layers, n); (s, n) each."""
    return {name: _FIELDS[name](model, heads, rates) for name in names if name != "head"}


def _water_table(model: Ground, heads: Floats, _rates: Rates) -> Floats:
    """(s, n) depth of the water table [m]."""
    return np.stack([water_table_depth(step, model.top, model.bottoms) for step in heads])


def _drained(model: Ground, heads: Floats, rates: Rates) -> Floats:
    """(s, n) water that drains take from each cell [m3/s]."""
    return -rates("drn", len(heads))


def _recharged(model: Ground, heads: Floats, rates: Rates) -> Floats:
    """(s, n) recharge that each cell accepts [m/s]."""
    return rates("rcha", len(heads)) / model.grid.areas


def _accumulated(model: Ground, heads: Floats, rates: Rates) -> Floats:
    """(s, n) drained water of a cell and of all cells that run off into it [m3/s]."""
    found = _drained(model, heads, rates)
    receiver = downslope(model.grid, model.top)
    for cell in np.argsort(-model.top, kind="stable").tolist():
        if receiver[cell] >= 0:
            found[:, receiver[cell]] += found[:, cell]
    return found


def downslope(grid: Grid, top: Floats) -> Ids:
    """(n,) the neighbour in the direction of steepest descent of the ground; -1 in a hollow."""
    edges = grid.edges
    one = np.concatenate([edges.i, edges.j])
    other = np.concatenate([edges.j, edges.i])
    slope = (top[one] - top[other]) / np.linalg.norm(
        grid.centres[one] - grid.centres[other], axis=1
    )
    order = np.lexsort((other, slope))  # the steepest comes last and stays
    receiver = np.full(top.size, -1)
    receiver[one[order]] = np.where(slope[order] > 0, other[order], -1)
    return receiver


_FIELDS: dict[str, Callable[[Ground, Floats, Rates], Floats]] = {
    "watertable_depth": _water_table,
    "outflow_drain": _drained,
    "accumulation_flux": _accumulated,
    "recharge_flux": _recharged,
}
