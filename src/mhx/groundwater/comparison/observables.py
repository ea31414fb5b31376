"""What is compared, read from finished runs: one table of values per observable and method.

Rows are matched by observable, time, index and unit.  The index counts the points of an observable
from 0; along a line they are equally spaced.  A value that a method does not have (a dry cell, a
point outside its mesh, a time that was not saved) is missing, never filled in: `missing` says why.

With linear interpolation an exact solution, and heads of finite elements, are evaluated at the
points themselves.

Rates: `boundary` and `domain` positive into the groundwater, `outlet` out of it.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import numpy as np
import shapely

from mhx.groundwater.comparison.config import Observable
from mhx.groundwater.comparison.reading import Solved
from mhx.groundwater.comparison.sampling import LINEAR, NEAREST, Raster, Sampler
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.polylines import outline_of, read_points
from mhx.groundwater.results import BudgetRow
from mhx.groundwater.units import DAY

EXACT = "analytic"
"""The engine that knows its values everywhere."""
HEADS_BETWEEN, ELEMENTS = ("fem_p1", "fem_p2"), "fem"
"""Engines that know their heads between the centres of cells, and the folder that says them."""
ALONG = 200
"""Intervals of a line."""
SAME_TIME = 1e-6
"""Times closer than this share of the simulated time are one: what single precision keeps [1]."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """An observable of one method.

    time_d: (t,).  x, y: (k,) where, NaN for what has no place.  values: (t, k), NaN where missing.
    weights: (k,) of the statistics.  missing: what is not there, in words.
    """

    simulation: str
    observable: Observable
    time_d: Floats
    x: Floats
    y: Floats
    values: Floats
    weights: Floats
    missing: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of values that are there."""
        return int(np.isfinite(self.values).sum())


@dataclass(frozen=True, kw_only=True)
class _Series:
    """A field over layers and cells (s, n_layers, n), or numbers over time (s, 1)."""

    time_d: Floats
    values: Floats
    steady: bool = False


@dataclass
class _Found:
    """What `_taken` returns: values at times, and what was missing."""

    time_d: Floats
    values: Floats
    missing: list[str] = field(default_factory=list)


def observe(one: Observable, solved: Solved, raster: Raster, interpolation: str) -> Values:
    """The values of an observable in a run."""
    if one.variable == "budget" or one.support == "outlet":
        return _rates(one, solved)
    found = _taken(_field(one.variable, solved), one.time, solved)
    layer = found.values[:, one.layer - 1] if one.support != "boundary" else found.values
    if one.support in ("point", "line", "map"):
        return _sampled(one, solved, raster, interpolation, found)
    if one.support == "cell":
        return _cell(one, solved, found, layer)
    nodes, areas = _nodes(one, solved)
    flat = found.values.reshape(len(found.values), -1)
    rows = [_reduced(row[nodes], areas, one.reduced) for row in flat]
    return _of(one, solved, found, np.array(rows).reshape(-1, 1))


def _of(one: Observable, solved: Solved, found: _Found, values: Floats) -> Values:
    """Values without a place."""
    nowhere = np.full(values.shape[1], math.nan)
    if not np.isfinite(values).all() and not found.missing:
        found.missing.append("no value where it is asked for: dry, or not in the model")
    return Values(
        simulation=solved.id,
        observable=one,
        time_d=found.time_d,
        x=nowhere,
        y=nowhere,
        values=values,
        weights=np.ones(values.shape[1]),
        missing=tuple(found.missing),
    )


def _field(variable: str, solved: Solved) -> _Series:
    flow = solved.flow
    steady = flow.about["regime"] == "steady"
    if variable == "concentration":
        assert solved.solute is not None  # planning asked for transport
        return _Series(time_d=solved.solute.time_d, values=solved.solute.concentration)
    values = flow.heads if variable == "head" else solved.saturation
    return _Series(time_d=flow.time_d, values=values, steady=steady)


def _taken(series: _Series, time: str | float, solved: Solved) -> _Found:
    """The saved steps that are asked for; between two of them linear in time."""
    if time == "all":
        return _Found(series.time_d, series.values)
    if time == "last":
        return _Found(series.time_d[-1:], series.values[-1:])
    assert isinstance(time, float | int)
    asked = np.array([float(time)])
    if series.steady:
        return _Found(asked, series.values[-1:])
    slack = SAME_TIME * solved.end_d
    first, last = series.time_d[0], series.time_d[-1]
    if not first - slack <= time <= last + slack:
        told = f"{time:.10g} d lies outside the saved steps, {first:.10g} .. {last:.10g} d"
        return _Found(asked, np.full((1, *series.values.shape[1:]), math.nan), [told])
    after = int(np.searchsorted(series.time_d, time - slack))
    before = max(after - 1, 0)
    span = series.time_d[after] - series.time_d[before]
    share = (time - series.time_d[before]) / span if span > 0 else 1.0
    share = min(max(share, 0.0), 1.0)
    mixed = (1 - share) * series.values[before] + share * series.values[after]
    near = abs(time - series.time_d[after]) <= slack
    return _Found(asked, (series.values[after] if near else mixed)[None])


def line_points(one: Observable) -> Floats:
    """(k, 2) equally spaced points along a line, its ends among them."""
    line = shapely.LineString(one.points)
    along = np.linspace(0.0, line.length, ALONG + 1)
    return shapely.get_coordinates(shapely.line_interpolate_point(line, along))


def _sampled(
    one: Observable, solved: Solved, raster: Raster, interpolation: str, found: _Found
) -> Values:
    """Point, line and map: values at places."""
    weights = None
    if one.support == "map":
        points, weights = raster.points, raster.weights
    else:
        points = line_points(one) if one.support == "line" else np.array(one.points)
    sampler = Sampler(solved.grid, points, interpolation)
    values = np.stack([sampler.at(step[one.layer - 1]) for step in found.values])
    if interpolation == LINEAR and solved.config.engine == EXACT:
        exact = _exact(one, solved, points, found.time_d)
        values = np.where(np.isfinite(values), exact, values)
    if interpolation == LINEAR and solved.config.engine in HEADS_BETWEEN and one.variable == "head":
        between = _elements(one, solved, points)
        values = np.where(np.isfinite(values) & np.isfinite(between), between, values)
    outside, dry = sampler.outside.size, int((~np.isfinite(values)).any(axis=0).sum())
    if outside:
        found.missing.append(f"{outside} of {len(points)} points lie outside the mesh")
    if dry > outside:
        found.missing.append(f"{dry - outside} of {len(points)} points have no value: dry cells")
    x, y = points[:, 0], points[:, 1]
    if one.reduced != "value":
        area = np.ones(len(points))
        values = np.array([[_reduced(row, area, one.reduced)] for row in values])
        x = y = np.array([math.nan])
    return Values(
        simulation=solved.id,
        observable=one,
        time_d=found.time_d,
        x=x,
        y=y,
        values=values,
        weights=np.ones(values.shape[1]) if weights is None else weights,
        missing=tuple(found.missing),
    )


def _exact(one: Observable, solved: Solved, points: Floats, times: Floats) -> Floats:
    """(t, k) of the exact solution at the points themselves, not at centres of cells."""
    evaluating = import_module("mhx.groundwater.analytic.evaluating")  # scipy.special
    solution = solved.config.solver.analytic.solution
    if one.variable == "head":
        case = evaluating.case_of(solution, solved.config)
        return np.stack([evaluating.heads_of(case, points, time * DAY) for time in times])
    found: Floats = evaluating.evaluate(solution, solved.config, points, times)
    return found


def _elements(one: Observable, solved: Solved, points: Floats) -> Floats:
    """(t, k) heads of finite elements by their shape functions; NaN where there are none."""
    evaluating = import_module("mhx.groundwater.fem.evaluating")
    flow = solved.flow
    path = solved.root / ELEMENTS / evaluating.SOLUTION
    solution = evaluating.read_solution(path, len(flow.time_d))
    steady = flow.about["regime"] == "steady"
    series = _Series(time_d=flow.time_d, values=solution.heads, steady=steady)
    found: Floats = evaluating.heads_at(solution, _taken(series, one.time, solved).values, points)
    return found


def _cell(one: Observable, solved: Solved, found: _Found, layer: Floats) -> Values:
    assert one.cell is not None  # the support asks for it
    if one.cell >= solved.grid.n_cells:
        told = f"there is no cell {one.cell}; the mesh has {solved.grid.n_cells}"
        found.missing.append(told)
        return _of(one, solved, found, np.full((len(layer), 1), math.nan))
    return _of(one, solved, found, layer[:, [one.cell]])


def _nodes(one: Observable, solved: Solved) -> tuple[Ids, Floats]:
    """Nodes of the cells that an area has, and their areas."""
    count = solved.grid.n_cells
    if one.support == "boundary":
        there = solved.flow.about["boundaries"].get(one.boundary_id, {"cells": [], "layers": []})
        cells = np.array(there["cells"], dtype=np.int64)
        return np.array(there["layers"], dtype=np.int64) * count + cells, solved.grid.areas[cells]
    cells = np.arange(count)
    if one.support == "mask":
        cells = masked(solved.grid.centres, Path(str(one.mask)), one.name)
    return (one.layer - 1) * count + cells, solved.grid.areas[cells]


def masked(centres: Floats, path: Path, name: str) -> Ids:
    """Cells whose centre lies in the polygon of a file."""
    polygon = shapely.Polygon(outline_of(read_points(path, f"mask of {name}"), str(path)))
    shapely.prepare(polygon)
    return np.flatnonzero(shapely.contains_xy(polygon, centres))


def _reduced(values: Floats, areas: Floats, reducer: str) -> float:
    """One number of several, over those that are there; NaN where none is."""
    there = np.isfinite(values)
    if not there.any():
        return math.nan
    ways: dict[str, Callable[[], float]] = {
        "area_mean": lambda: values[there] @ areas[there] / areas[there].sum(),
        "mean": values[there].mean,
        "sum": values[there].sum,
        "max": values[there].max,
    }
    return float(ways[reducer]())


def _rates(one: Observable, solved: Solved) -> Values:
    """A budget, or the concentration of what leaves."""
    solute = solved.solute
    if one.variable == "concentration":
        assert solute is not None  # planning asked for transport
        return _leaving(one, solved)
    water = one.own_unit == "m3/s"
    assert water or solute is not None
    rows = solved.flow.budget if water or solute is None else solute.budget
    times = solved.flow.time_d if water or solute is None else solute.time_d
    steady = water and solved.flow.about["regime"] == "steady"
    series = _total(one, rows, len(times))
    sign = -1.0 if one.support == "outlet" else 1.0
    found = _stepwise(times, sign * series, one.time, steady)
    return _of(one, solved, found, found.values)


def _total(one: Observable, rows: Iterable[BudgetRow], count: int) -> Floats:
    """(s, 1) in less out of a boundary, or of a component; NaN where the budget has no such row."""
    total = np.full((count, 1), math.nan)
    for row in rows:
        if one.boundary_id is not None:
            fits = row.boundary == one.boundary_id
            fits = fits and one.component in (None, row.component)
        else:
            fits = row.component == one.component and not row.boundary
        if fits:
            total[row.saved] = np.nan_to_num(total[row.saved]) + row.rate_in - row.rate_out
    return total


def _stepwise(times: Floats, values: Floats, time: str | float, steady: bool) -> _Found:
    """Rates hold over a whole time step: of a moment, that of the step in which it lies."""
    if time == "all":
        return _Found(times, values)
    if time == "last":
        return _Found(times[-1:], values[-1:])
    assert isinstance(time, float | int)
    asked = np.array([float(time)])
    if steady:
        return _Found(asked, values[-1:])
    slack = SAME_TIME * float(times[-1])
    if time > times[-1] + slack:
        told = f"{time:.10g} d lies after the last saved step, {times[-1]:.10g} d"
        return _Found(asked, np.full((1, 1), math.nan), [told])
    at = int(np.searchsorted(times, time - slack))
    return _Found(asked, values[at : at + 1])


def _leaving(one: Observable, solved: Solved) -> Values:
    """Mass over water that leave through a boundary [kg/m3]: the mean weighted by the flow."""
    assert solved.solute is not None
    times = solved.solute.time_d
    mass = _out(one, solved.solute.budget, len(times))
    water = _out(one, solved.flow.budget, len(solved.flow.time_d))
    steady = solved.flow.about["regime"] == "steady"
    if steady or not solved.flow.all_saved:  # else the rates are those of some steps alone
        water = np.broadcast_to(water[-1:] if steady else math.nan, mass.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(water > 0, mass / water, math.nan)
    found = _stepwise(times, ratio, one.time, steady=False)
    if not np.isfinite(found.values).all():
        found.missing.append("no water leaves there, or its budget is not told for every step")
    return _of(one, solved, found, found.values)


def _out(one: Observable, rows: Sequence[BudgetRow], count: int) -> Floats:
    total = np.full((count, 1), math.nan)
    for row in rows:
        if row.boundary == one.boundary_id:
            total[row.saved] = np.nan_to_num(total[row.saved]) + row.rate_out
    return total


def default_observables(solved: Iterable[Solved], maps: bool) -> tuple[Observable, ...]:
    """What is compared where nothing is declared: maps of the head and of the concentration."""
    if not maps:
        return ()
    found = [Observable(name="head_map", variable="head", support="map")]
    if all(one.solute is not None for one in solved):
        found.append(Observable(name="concentration_map", variable="concentration", support="map"))
    return tuple(found)


def other_interpolation(interpolation: str) -> str:
    """The one that a map is compared through with itself."""
    return LINEAR if interpolation == NEAREST else NEAREST
