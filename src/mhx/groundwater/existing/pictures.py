"""Pictures of a run of somebody else's model: heads of each layer, the budget, the same over time.

    head_map.png         head of each layer, last saved step; fixed heads and dry cells marked
    budget.png           water in and out per component, last saved step
    budget_history.png   the same over time, for more than one saved step

Of several models each has its own, under its name.  A grid without vertices has no map; of a grid
of nodes the uppermost are drawn.  How things are drawn is `report`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mhx.groundwater.existing.grids import outline_of
from mhx.groundwater.existing.results import ModelRun, plain_name
from mhx.groundwater.figures import (
    BUDGET,
    HEAD,
    HISTORY,
    budget_bars,
    budget_history,
    contours_of,
    corners_of,
    extent_of,
    limits_of,
    moment,
)
from mhx.groundwater.grid import Flags, Floats, Grid, Ids
from mhx.report import maps, style

MOST_LAYERS = 12
"""Layers that one picture shows."""


def draw(folder: Path, runs: Sequence[ModelRun]) -> list[Path]:
    """Every picture that the models have data for; the one to show first comes first."""
    drawn = []
    for run in runs:
        after = f"_{plain_name(run.name)}" if len(runs) > 1 else ""
        if run.grid.grid is not None:
            drawn.append(_heads(folder / f"{HEAD}{after}.png", run, run.grid.grid))
        if any(not row.boundary for row in run.result.budget):
            drawn.append(budget_bars(folder / f"{BUDGET}{after}.png", run.result))
            if run.result.saved > 1:
                drawn.append(budget_history(folder / f"{HISTORY}{after}.png", run.result))
    return drawn


def _heads(path: Path, run: ModelRun, grid: Grid) -> Path:
    result = run.result
    nodes, there = _levels(run)
    nodes, there = nodes[:MOST_LAYERS], there[:MOST_LAYERS]
    heads = result.heads[-1].ravel()
    fixed = np.zeros(heads.size, dtype=bool)
    fixed[result.fixed] = True
    limits = limits_of(np.where(there, heads[nodes], np.nan))
    shown = [
        _layer(run, grid, (nodes[level], there[level]), fixed, limits)
        for level in range(len(nodes))
    ]
    if len(shown) == 1:
        active = np.zeros(grid.n_cells, dtype=bool)
        active[nodes[0][there[0]] % grid.n_cells] = True
        within = replace(grid, outline=outline_of(grid, active))
        values = np.full(grid.n_cells, np.nan)
        values[nodes[0][there[0]] % grid.n_cells] = heads[nodes[0][there[0]]]
        contours = contours_of(within, values, *limits)
        maps.cell_map(path, replace(shown[0], title=f"Head, {run.name}", contours=contours))
    else:
        titled = [
            replace(one, title=f"layer {at}", note="") for at, one in enumerate(shown, start=1)
        ]
        more = result.bottoms.shape[0] - len(shown) if run.grid.kind != "disu" else 0
        note = moment(result) + (f"; {more} deeper layers are not shown" if more > 0 else "")
        maps.cell_maps(path, titled, f"Head, {run.name}", note)
    return path


def _levels(run: ModelRun) -> tuple[Ids, Flags]:
    """(levels, n) nodes and whether they take part; of a grid of nodes the uppermost alone."""
    result = run.result
    if result.under is not None:
        nodes = result.under[:1]
    else:
        nodes = np.arange(result.bottoms.size).reshape(result.bottoms.shape)
    active = np.ones(result.bottoms.size, dtype=bool)
    if result.active is not None:
        active = result.active.ravel()
    return nodes, active[nodes]


def _layer(
    run: ModelRun,
    grid: Grid,
    level: tuple[Ids, Flags],
    fixed: Flags,
    limits: tuple[float, float],
) -> maps.CellMap:
    nodes = level[0][level[1]]
    cells = nodes % grid.n_cells
    heads: Floats = run.result.heads[-1].ravel()[nodes]
    return maps.CellMap(
        polygons=corners_of(grid, cells.tolist()),
        values=heads,
        extent=extent_of(grid),
        title="",
        note=moment(run.result),
        colour_label="head  [m]",
        limits=limits,
        special=[
            maps.Special(
                polygons=corners_of(grid, cells[fixed[nodes]].tolist()),
                label="fixed head",
                color=style.RED,
                hatch="////",
                filled=False,
            ),
            maps.Special(
                polygons=corners_of(grid, cells[~np.isfinite(heads)].tolist()),
                label="dry",
                color=style.FAINT,
                hatch="xxx",
            ),
        ],
    )
