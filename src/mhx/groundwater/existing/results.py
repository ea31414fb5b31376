"""What a run of somebody else's model left, model by model, in SI units and days.

Heads, budget and listing are where the model's own files put them; the grid is that of the binary
grid file.  Only steps of which both heads and budget were saved count as saved.  Boundaries are the
packages that the budget tells of, under the names of the name file.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater.budget import Exchange, read_budget
from mhx.groundwater.existing.blocks import texts
from mhx.groundwater.existing.grids import OwnGrid, read_grid
from mhx.groundwater.existing.quantities import Measures, measures_of, step_ends
from mhx.groundwater.existing.reading import OwnModel, Package, Part
from mhx.groundwater.existing.values import package_array
from mhx.groundwater.grid import Floats, Grid, Ids
from mhx.groundwater.heads import Heads, read_heads
from mhx.groundwater.listing import Listing
from mhx.groundwater.memory import remembered
from mhx.groundwater.results import BudgetRow, FlowResult, stored_fields

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]+")
_SAME = {"rcha": ("rcha", "rch")}
"""Recharge comes as arrays or as a list."""


@dataclass(frozen=True, kw_only=True)
class ModelRun:
    """One flow model of a simulation, solved.

    name: as it is written in mfsim.nam.  solution: number of what solved it, from 1.
    """

    name: str
    part: Part
    solution: int
    grid: OwnGrid
    measures: Measures
    listing: Listing
    result: FlowResult


@dataclass(frozen=True)
class _Ground:
    """What fields are made of: grid, top and bottoms."""

    grid: Grid
    top: Floats
    bottoms: Floats


def flow_run(own: OwnModel, part: Part, listing: Listing, fields: Sequence[str] = ()) -> ModelRun:
    """The result of one GWF model; EvidenceError where a file is torn or no step was saved.

    fields: what is stored besides the heads; a grid of nodes, or without vertices, has none.
    """
    measures = measures_of(own, part.grid.length_unit)
    grid = grid_of(own, part, measures)
    heads = read_heads(_path(part.heads), grid.layers, grid.cells)
    grid = _with_inactive(grid, heads)
    exchanges = read_budget(_path(part.budget), grid.bottoms.size)
    heads, exchanges = _saved_alike(heads, exchanges, part)
    keys = list(zip(heads.period.tolist(), heads.step.tolist(), strict=True))
    index = {key: at for at, key in enumerate(keys)}
    names = names_of(part.packages)
    lengths = np.full(len(keys), math.nan)
    for one in exchanges:
        lengths[index[one.period, one.step]] = one.length
    boundaries = _boundaries(part, exchanges, names, grid.cells)
    fixed = [one.nodes for one in exchanges if one.component == "chd"]
    values = heads.values * measures.length

    def rates(component: str, saved: int) -> Floats:
        table = np.zeros((saved, grid.cells))
        for one in exchanges:
            if one.component in _SAME.get(component, (component,)):
                at = index[one.period, one.step]
                np.add.at(table[at], one.nodes % grid.cells, one.rates * measures.discharge)
        return table

    stored: dict[str, Floats] = {}
    if grid.grid is not None and grid.under is None:
        ground = _Ground(grid.grid, grid.top, grid.bottoms)
        stored = stored_fields(ground, values, rates, fields)
    result = FlowResult(
        areas=grid.areas,
        top=grid.top,
        bottoms=grid.bottoms,
        period=heads.period,
        step=heads.step,
        time_d=heads.time * measures.days,
        length_d=lengths * measures.days,
        heads=values,
        budget=tuple(budget_rows(exchanges, index, names, measures.discharge)),
        steps=listing.steps,
        ended_d=ended(own, listing, dict(zip(keys, heads.time.tolist(), strict=True)), measures),
        fixed=np.unique(np.concatenate(fixed)) if fixed else np.empty(0, np.int64),
        active=grid.active,
        confined=grid.confined,
        under=grid.under,
        fields=stored,
        about={
            "duration_s": float(listing.wall_s),
            "regime": "steady" if is_steady(part) else "transient",
            "start": own.tdis.start,
            "formulation": {
                "newton": int(part.newton),
                "xt3d": int(option_of(part, "npf", "XT3D") is not None),
                "convertible": int(not grid.confined[grid.active].all()),
                "time_unit_days": int(own.tdis.time_unit == "days"),
            },
            "parameters": {},
            "recharge_nominal_m3_s": None,
            "boundaries": boundaries,
            "unprinted": list(listing.unprinted),
            "units": {"length": part.grid.length_unit, "time": own.tdis.time_unit},
        },
    )
    return ModelRun(
        name=part.name, part=part, solution=solution_of(own, part), grid=grid,
        measures=measures, listing=listing, result=result,
    )  # fmt: skip


def solution_of(own: OwnModel, part: Part) -> int:
    """Number, from 1, of the solution that a model belongs to."""
    name = part.name.upper()
    for number, solution in enumerate(own.solutions, start=1):
        if name in {one.upper() for one in solution.models}:
            return number
    return 1


def grid_of(own: OwnModel, part: Part, measures: Measures) -> OwnGrid:
    """The grid of a model, from the file that MODFLOW wrote beside its input.

    Areas of DISU nodes are not in it; they are those of the model's own array.
    """
    grid = read_grid(_path(part.grb), measures.length)
    if grid.kind != "disu":
        return grid
    areas = package_array(own, part, "disu", "area")
    return grid if areas is None else replace(grid, areas=areas.ravel() * measures.length**2)


def _path(path: Path | None) -> Path:
    assert path is not None  # a copy saves heads, budget and grid
    return path


def _with_inactive(grid: OwnGrid, heads: Heads) -> OwnGrid:
    """DISU does not write which nodes are inactive to its grid file; the heads tell."""
    if heads.inactive is None or not (heads.inactive & grid.active).any():
        return grid
    return replace(grid, active=grid.active & ~heads.inactive)


def _saved_alike(
    heads: Heads, exchanges: Sequence[Exchange], part: Part
) -> tuple[Heads, list[Exchange]]:
    """Both of the steps of which there are both."""
    told = {(one.period, one.step) for one in exchanges}
    keys = list(zip(heads.period.tolist(), heads.step.tolist(), strict=True))
    kept = [at for at, key in enumerate(keys) if key in told]
    if not kept:
        raise EvidenceError(
            f"{part.heads} and {part.budget} have no time step in common: output control must save "
            "HEAD and BUDGET of the same steps"
        )
    if len(kept) < len(keys):
        heads = Heads(
            period=heads.period[kept],
            step=heads.step[kept],
            time=heads.time[kept],
            values=heads.values[kept],
        )
    both = {keys[at] for at in kept}
    return heads, [one for one in exchanges if (one.period, one.step) in both]


def names_of(packages: Sequence[Package]) -> dict[str, str]:
    """Name of a package in upper case -> the same as it is written, fit for a metric."""
    return {package.name.upper(): plain_name(package.name) for package in packages}


def plain_name(name: str) -> str:
    """A name of a model or a package as part of a metric."""
    return _FOREIGN.sub("_", name)


def budget_rows(
    exchanges: Sequence[Exchange],
    index: Mapping[tuple[int, int], int],
    names: Mapping[str, str],
    factor: float,
) -> Iterator[BudgetRow]:
    """Per saved step: what each package gave and took, then each component.

    factor: of the model's rates to SI.
    """
    components: dict[tuple[int, str], tuple[float, float]] = {}
    for one in exchanges:
        at = index[one.period, one.step]
        component = plain_name(one.component)
        rate_in = float(one.rates.sum(where=one.rates > 0)) * factor
        rate_out = -float(one.rates.sum(where=one.rates < 0)) * factor + 0.0
        before = components.get((at, component), (0.0, 0.0))
        components[at, component] = (before[0] + rate_in, before[1] + rate_out)
        if one.package:
            name = names.get(one.package.upper(), plain_name(one.package))
            yield BudgetRow(
                saved=at, component=component, boundary=name, rate_in=rate_in, rate_out=rate_out
            )
    for (at, component), (rate_in, rate_out) in components.items():
        yield BudgetRow(
            saved=at, component=component, boundary="", rate_in=rate_in, rate_out=rate_out
        )


def _boundaries(
    part: Part, exchanges: Sequence[Exchange], names: Mapping[str, str], cells: int
) -> dict[str, Any]:
    """Package -> type, and the cells of all saved steps; one and the same for equal cells."""
    types = {package.name.upper(): package.type for package in part.packages}
    nodes: dict[str, Ids] = {}
    kinds: dict[str, str] = {}
    for one in exchanges:
        if one.package:
            name = one.package.upper()
            before = nodes.get(name)
            if before is None:
                nodes[name] = one.nodes
            elif not np.array_equal(before, one.nodes):
                nodes[name] = np.unique(np.concatenate([before, one.nodes]))
            kinds.setdefault(name, types.get(name, one.component))
    told = {names.get(name, plain_name(name)): (kinds[name], nodes[name]) for name in nodes}
    key = tuple((name, kind, found.tobytes()) for name, (kind, found) in told.items()), cells
    return remembered(
        "own boundaries",
        key,
        lambda: {
            name: {
                "package": kind,
                "cells": (found % cells).tolist(),
                "layers": (found // cells).tolist(),
            }
            for name, (kind, found) in told.items()
        },
    )


def ended(
    own: OwnModel,
    listing: Listing,
    saved: Mapping[tuple[int, int], float],
    measures: Measures,
) -> Floats:
    """(m,) when each step of the listing ended [d]; NaN of a step that adapted and was not saved.

    saved: (period, step) -> time in the model's unit.
    """
    if own.tdis.ats:
        known = {key: time * measures.days for key, time in saved.items()}
    else:
        known = step_ends(own.tdis, measures.days)
    return np.array([known.get((one.period, one.step), math.nan) for one in listing.steps])


def is_steady(part: Part) -> bool:
    """Whether no stress period stores water."""
    storage = part.package("sto")
    return storage is None or "TRANSIENT" not in settings(storage.file)


def option_of(part: Part, kind: str, key: str) -> list[str] | None:
    """What follows a key in a package, in upper case; None where there is no line of it."""
    package = part.package(kind)
    rows = [] if package is None else settings(package.file).get(key, [])
    return rows[0] if rows else None


def settings(file: Path) -> Mapping[str, Sequence[list[str]]]:
    """First word -> what follows it, line by line, outside of arrays; words in upper case.

    Remembered for links of one file.
    """
    try:
        found = os.stat(file)
        key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        return remembered("words of package", key, lambda: _settings(file))
    except OSError as error:
        raise EvidenceError(f"{file} cannot be read ({error.strerror or error})") from error


def _settings(file: Path) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for line in file.read_bytes().decode("latin-1").upper().split("\n"):
        if line.lstrip()[:1].isalpha():
            word, *rest = texts(line)
            found.setdefault(word, []).append(rest)
    return found
