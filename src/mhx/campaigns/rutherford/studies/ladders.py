"""Which cases differ in grid alone, which in time step alone, and by how much.

Roles follow from the configurations: a ladder is the largest group of cases that are equal but for
one thing.  A case may stand in both.  Histories are compared at the times that both have sampled,
final fields as Fourier series, so that grids of different size can be compared.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies.cases import CaseRun
from mhx.evidence.hashing import content_digest
from mhx.evidence.verify import without_circumstance

ISLANDS = ("sheet_flux_0", "sheet_flux_1", "island_width_0", "island_width_1")
Ladder = tuple[CaseRun, ...]


def resolution_ladder(runs: Sequence[CaseRun]) -> Ladder:
    """Cases of different grid and equal else, coarsest first; empty where there are not two."""
    return _largest(runs, [("mesh", "shape")], lambda run: run.config.grid.shape, _points)


def timestep_ladder(runs: Sequence[CaseRun]) -> Ladder:
    """Cases of different dt and equal else but for strides, largest dt first."""
    apart = [("time", "dt"), ("time", "save_every")]
    return _largest(runs, apart, lambda run: run.config.dt, lambda run: (-run.config.dt,))


def alike(runs: Sequence[CaseRun], *apart: tuple[str, str]) -> list[list[CaseRun]]:
    """Groups of cases that are equal but for the named keys, the largest group first."""
    groups: dict[str, list[CaseRun]] = defaultdict(list)
    for run in runs:
        groups[content_digest(_without(run, apart))].append(run)
    return sorted(groups.values(), key=len, reverse=True)


def _largest(
    runs: Sequence[CaseRun],
    apart: Sequence[tuple[str, str]],
    value: Callable[[CaseRun], Any],
    order: Callable[[CaseRun], Any],
) -> Ladder:
    """The group with most values; of equal ones that with the finest case."""
    ladders = []
    for group in alike(runs, *apart):
        one_each = {value(run): run for run in group}
        ladders.append(tuple(sorted(one_each.values(), key=order)))
    best = max(ladders, key=lambda ladder: (len(ladder), order(ladder[-1])), default=())
    return best if len(best) > 1 else ()


def _without(run: CaseRun, apart: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The configuration without what says where it ran, what it is called, and the named keys."""
    document = without_circumstance(run.config.document())
    document.pop("name", None)
    for table, key in apart:
        document[table] = {name: value for name, value in document[table].items() if name != key}
    return document


def _points(run: CaseRun) -> tuple[int, int]:
    nx, ny = run.config.grid.shape
    return min(nx, ny), nx * ny


def least_refinement(ladder: Ladder) -> float | None:
    """Smallest factor from one grid to the next finer one, along either axis; None without two."""
    factors = (
        fine / coarse
        for one, other in pairwise(ladder)
        for coarse, fine in zip(one.config.grid.shape, other.config.grid.shape, strict=True)
    )
    return min(factors, default=None)


def whole_refinement(ladder: Ladder) -> float | None:
    """Factor from the coarsest to the finest grid, along the axis that is refined less."""
    return least_refinement((ladder[0], ladder[-1])) if len(ladder) > 1 else None


def least_shortening(ladder: Ladder) -> float | None:
    """Smallest factor from one time step to the next smaller one; None without two."""
    steps = (run.config.dt for run in ladder)
    return min((coarse / fine for coarse, fine in pairwise(steps)), default=None)


def history_difference(
    run: CaseRun, finest: CaseRun, names: Sequence[str] = ISLANDS
) -> float | None:
    """Largest difference of any of these histories, over the largest value of the finer one.

    None where a history is missing, or fewer than two common samples.
    """
    apart = []
    for name in names:
        pair = at_common_times((run, finest), name)
        if pair is None:
            return None
        scale = float(np.abs(pair[1]).max())
        apart.append(float(np.abs(pair[0] - pair[1]).max()) / scale if scale else np.inf)
    return max(apart) if np.isfinite(apart).all() else None


def at_common_times(runs: Sequence[CaseRun], name: str) -> np.ndarray | None:
    """One history of several cases at the times that all have, (n_case, n); None where absent."""
    rows = common_rows(runs)
    if rows is None or any(name not in run.history for run in runs):
        return None
    return np.stack([run.history[name][row] for run, row in zip(runs, rows, strict=True)])


def common_rows(runs: Sequence[CaseRun]) -> list[np.ndarray] | None:
    """Positions of the samples that all cases have in common; None for fewer than two."""
    if not runs:
        return None
    first = runs[0].history["time"]
    spacing = min(float(np.diff(run.history["time"]).min(initial=np.inf)) for run in runs)
    close = 1e-6 * spacing if np.isfinite(spacing) else 0.0
    kept = np.ones(len(first), bool)
    nearest = []
    for run in runs:
        time = run.history["time"]
        place = np.clip(np.searchsorted(time, first - close), 0, len(time) - 1)
        kept &= np.abs(time[place] - first) <= close
        nearest.append(place)
    return [place[kept] for place in nearest] if kept.sum() > 1 else None


def series_of(run: CaseRun) -> np.ndarray:
    """psi and omega of the final state as Fourier series about the origin, (2, nx, ny//2 + 1)."""
    grid = run.config.grid
    return np.asarray(np.stack([run.state.psi_hat, run.state.omega_hat]) * grid.to_origin)


def field_difference(run: CaseRun, finest: CaseRun) -> float | None:
    """Relative L2 of (psi, omega) at the end; None where the ends are different times."""
    apart = fields_apart(run, finest)
    if apart is None:
        return None
    scale = _norm(finest, series_of(finest))
    return _norm(finest, apart) / scale if scale else None


def fields_apart(run: CaseRun, finest: CaseRun) -> np.ndarray | None:
    """The difference of the final fields as series on the finer grid; None at different times."""
    if not np.isclose(run.state.time, finest.state.time, rtol=1e-9, atol=0):
        return None
    return np.asarray(_embedded(series_of(run), run, finest) - series_of(finest))


def inner(run: CaseRun, one: np.ndarray, other: np.ndarray) -> float:
    """Mean over the box of the product of two pairs of fields, given as series."""
    grid = run.config.grid
    weight = grid.weight * (grid.nx * grid.ny) ** 2  # series carry their own 1/(nx ny)
    return float((weight * (one * other.conj()).real).sum())


def _norm(run: CaseRun, series: np.ndarray) -> float:
    return float(np.sqrt(inner(run, series, series)))


def _embedded(series: np.ndarray, run: CaseRun, finest: CaseRun) -> np.ndarray:
    """The modes that a grid keeps, where a finer grid has them."""
    own, other = run.config.grid, finest.config.grid
    if own.shape == other.shape:
        return series
    wide = np.zeros((2, *other.hat_shape), complex)
    mx = np.arange(-min(own.mx_max, other.mx_max), min(own.mx_max, other.mx_max) + 1)
    my = np.arange(min(own.my_max, other.my_max) + 1)
    wide[:, mx[:, None], my] = series[:, mx[:, None], my]
    return wide


def spread(values: Sequence[float | None]) -> float | None:
    """(max - min)/|mean| of two or more numbers; None where one is missing."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    if len(known) < 2 or len(known) < len(values):
        return None
    centre = abs(float(np.mean(known)))
    return (max(known) - min(known)) / centre if centre else None


def table(runs: Sequence[CaseRun], rows: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Columns of numbers, one entry per row; NaN where there is none."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: np.array([number(row.get(name)) for row in rows], float) for name in names}
    return columns | {"config_digest": np.array([run.digest for run in runs], dtype=str)}


def number(value: float | None) -> float:
    """NaN for None."""
    return np.nan if value is None else float(value)
