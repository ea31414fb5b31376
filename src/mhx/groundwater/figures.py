"""Which pictures a groundwater run has, and what belongs in each; how they are drawn is `report`.

    mesh_quality.png       smallest angle of each cell, and how angles and cell sizes are spread
    head_map.png           water table with contours, cells with a fixed head marked
    watertable_depth.png   depth below ground, flooded and dry cells marked
    budget.png             water in and out per component, last saved step
    budget_history.png     the same over time, for more than one saved step

Elevations and depths m, rates m3/s (or litres per second where these are easier to read).
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import shapely

from mhx.groundwater.conformity import angles
from mhx.groundwater.flow_metrics import FLOODED_M
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.results import FlowResult, water_table_depth
from mhx.groundwater.terrain import Terrain
from mhx.report import maps, plots, style

MESH, HEAD, DEPTH, BUDGET = "mesh_quality", "head_map", "watertable_depth", "budget"
HISTORY = "budget_history"
FLAT_M = 1e-6
"""A water table that varies by less has no contours [m]."""
LITRES = 1e-3
"""Rates below this many m3/s are drawn in litres per second."""


def draw(folder: Path, grid: Grid, terrain: Terrain, result: FlowResult | None) -> list[Path]:
    """Every picture that the run has data for; the one to show first comes first."""
    lines = list(terrain.lines.values())
    drawn = [_mesh(folder / f"{MESH}.png", grid, lines)]
    if result is None:
        return drawn
    depth = water_table_depth(result.heads[-1], result.top, result.bottoms)
    flow = [
        _heads(folder / f"{HEAD}.png", grid, lines, result, depth),
        _depths(folder / f"{DEPTH}.png", grid, lines, result, depth),
        budget_bars(folder / f"{BUDGET}.png", result),
    ]
    if result.saved > 1:
        flow.append(budget_history(folder / f"{HISTORY}.png", result))
    return [*flow, *drawn]


def _mesh(path: Path, grid: Grid, lines: Sequence[Floats]) -> Path:
    smallest = np.minimum.reduceat(angles(grid), grid.offsets[:-1])
    triangles = bool((np.diff(grid.offsets) == 3).all())
    high = 60.0 if triangles else 120.0
    maps.cell_map(
        path,
        maps.CellMap(
            polygons=corners_of(grid),
            values=smallest,
            extent=extent_of(grid),
            title="Mesh",
            note=f"{grid.n_cells} cells, smallest angle {smallest.min():.3g} degrees",
            colour_label="smallest interior angle  [degrees]",
            limits=(0.0, high),
            lines=lines,
            lines_label="constraints",
            edges=0.4,
        ),
        [
            maps.Histogram(
                values=smallest, title="Smallest angle of each cell", xlabel="angle  [degrees]"
            ),
            maps.Histogram(
                values=np.sqrt(grid.areas), title="Cell size", xlabel="square root of the area  [m]"
            ),
        ],
    )
    return path


def _heads(
    path: Path, grid: Grid, lines: Sequence[Floats], result: FlowResult, depth: Floats
) -> Path:
    table = result.top - depth
    low, high = limits_of(table)
    fixed = np.unique(result.fixed % grid.n_cells)
    maps.cell_map(
        path,
        maps.CellMap(
            polygons=corners_of(grid),
            values=table,
            extent=extent_of(grid),
            title="Head of the water table",
            note=moment(result),
            colour_label="head  [m]",
            limits=(low, high),
            lines=lines,
            lines_label="constraints",
            special=[
                maps.Special(
                    polygons=corners_of(grid, fixed),
                    label="fixed head",
                    color=style.RED,
                    hatch="////",
                    filled=False,
                ),
                _dry(grid, table),
            ],
            contours=contours_of(grid, table, low, high),
        ),
    )
    return path


def _depths(
    path: Path, grid: Grid, lines: Sequence[Floats], result: FlowResult, depth: Floats
) -> Path:
    flooded = depth < -FLOODED_M
    share = result.areas.sum(where=flooded) / result.areas.sum()
    above = f", {100 * share:.3g} % of the area above ground" if flooded.any() else ""
    maps.cell_map(
        path,
        maps.CellMap(
            polygons=corners_of(grid),
            values=depth,
            extent=extent_of(grid),
            title="Depth of the water table below ground",
            note=f"{moment(result)}{above}",
            colour_label="depth  [m]",
            limits=(0.0, max(limits_of(depth)[1], 1e-9)),
            colormap=f"{style.SEQUENTIAL}_r",
            lines=lines,
            lines_label="constraints",
            special=[
                maps.Special(
                    polygons=corners_of(grid, np.flatnonzero(flooded)),
                    label=f"above ground by more than {FLOODED_M:g} m",
                    color=style.RED,
                    hatch="\\\\\\\\",
                ),
                _dry(grid, depth),
            ],
        ),
    )
    return path


def budget_bars(path: Path, result: FlowResult) -> Path:
    """Water in and out per component in the last saved step, and what recharge was lost."""
    rows = [row for row in result.budget if row.saved == result.saved - 1 and not row.boundary]
    factor, unit = _unit(max(row.rate_in + row.rate_out for row in rows))
    nominal = result.about["recharge_nominal_m3_s"]
    accepted = sum(row.rate_in - row.rate_out for row in rows if row.component == "rcha")
    lost = 1 - accepted / nominal if nominal else 0.0
    told = f", {100 * lost:.3g} % of the recharge is not accepted" if abs(lost) > 1e-3 else ""
    maps.bars(
        path,
        [
            maps.Bar(name=row.component, inward=row.rate_in * factor, outward=row.rate_out * factor)
            for row in rows
        ],
        "Water budget",
        f"rate  [{unit}]",
        f"{moment(result)}{told}",
    )
    return path


def budget_history(path: Path, result: FlowResult) -> Path:
    """What each component gives, less what it takes, over time."""
    rows = [row for row in result.budget if not row.boundary]
    factor, unit = _unit(max(row.rate_in + row.rate_out for row in rows))
    nets: dict[str, Floats] = {}
    for row in rows:
        net = nets.setdefault(row.component, np.zeros(result.saved))
        net[row.saved] = (row.rate_in - row.rate_out) * factor
    dashes = ("-", (0, (5, 3)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
    curves = [
        plots.Curve(
            x=result.time_d,
            y=net,
            label=name,
            color=style.CYCLE[n % len(style.CYCLE)],
            dash=dashes[n % len(dashes)],
        )
        for n, (name, net) in enumerate(nets.items())
    ]
    plots.panels(
        path,
        [
            plots.Panel(
                title="Water budget over time",
                ylabel=f"net rate into the groundwater  [{unit}]",
                xlabel="time  [d]",
                curves=curves,
                legend_above=True,
            )
        ],
    )
    return path


def corners_of(grid: Grid, cells: Iterable[int] | None = None) -> list[Floats]:
    """(k, 2) m of each cell, or of these."""
    chosen = range(grid.n_cells) if cells is None else cells
    return [grid.vertices[grid.cell(cell)] for cell in chosen]


def extent_of(grid: Grid) -> tuple[float, float, float, float]:
    """West, east, south and north end [m]."""
    low, high = grid.vertices.min(axis=0), grid.vertices.max(axis=0)
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def limits_of(values: Floats) -> tuple[float, float]:
    """Smallest and largest number, a little apart where they are one."""
    there = values[np.isfinite(values)]
    if not there.size:
        return 0.0, 1.0
    low, high = float(there.min()), float(there.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _dry(grid: Grid, values: Floats) -> maps.Special:
    return maps.Special(
        polygons=corners_of(grid, np.flatnonzero(~np.isfinite(values))),
        label="dry",
        color=style.FAINT,
        hatch="xxx",
    )


def contours_of(grid: Grid, values: Floats, low: float, high: float) -> maps.Contours | None:
    """Lines through the cell centres at round values; None where the centres span no area."""
    there = np.flatnonzero(np.isfinite(values))
    points = grid.centres[there]
    if (
        there.size < 3
        or np.ptp(values[there]) < FLAT_M
        or np.linalg.matrix_rank(points - points.mean(axis=0), tol=1e-6) < 2
    ):
        return None
    from scipy.spatial import Delaunay  # noqa: PLC0415  # 0.1 s

    corner = points.min(axis=0)
    triangles = Delaunay(points - corner).simplices  # projected northings eat its digits
    middles = points[triangles].mean(axis=1)
    area = shapely.Polygon(grid.outline)
    inside = shapely.contains_xy(area, *middles.T)
    step = _round_step((high - low) / 12)
    levels = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    if not inside.any() or not levels.size:
        return None
    return maps.Contours(
        x=points[:, 0],
        y=points[:, 1],
        triangles=triangles[inside],
        values=values[there],
        levels=np.round(levels, 12).tolist(),
    )


def _round_step(step: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return power * next(nice for nice in (1.0, 2.0, 2.5, 5.0, 10.0) if nice * power >= step * 0.999)


def _unit(largest: float) -> tuple[float, str]:
    """Factor and unit in which rates of this size [m3/s] are easy to read."""
    return (1.0, "m³/s") if largest >= LITRES else (1e3, "L/s")


def moment(result: FlowResult) -> str:
    """Which moment is shown."""
    if result.about["regime"] == "steady" and result.saved == 1:
        return "steady state"
    return f"after {result.time_d[-1]:.6g} days"
