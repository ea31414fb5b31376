"""Pictures of a transport run: which there are, and what belongs in each.

    concentration_maps.png   up to six moments on one scale from 0, to c0 unless all is far below
    breakthrough.png         concentration over time at the observations, where there are any
    concentration.gif        the same scale, every saved step or evenly chosen ones; its sidecar

Of several layers the largest concentration of a column is shown.  Concentrations are kg/m3, or mg/L
where these are easier to read; times d.  Cells beyond what can be mixed are hatched, never clipped
in silence.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mhx.groundwater.grid import Floats, Grid, Ids
from mhx.groundwater.polygons import holding
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.transport.metrics import reference, scale
from mhx.groundwater.transport.results import TransportResult
from mhx.report import maps, movies, plots, style

MAPS, BREAKTHROUGH, MOVIE = "concentration_maps", "breakthrough", "concentration"
MOMENTS = 6
FRAMES = 60
BEYOND = 0.01
"""Share of c0 by which a concentration is below 0 or above c0 before it is marked [1]."""
MILLIGRAMS = 0.1
"""Scales below this many kg/m3 are drawn in mg/L."""
DASHES = ("-", (0, (5, 3)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))


def draw_transport(
    folder: Path, grid: Grid, terrain: Terrain, result: TransportResult
) -> list[Path]:
    """Every picture that the run has data for; the one to show first comes first."""
    drawn = [_maps(folder / f"{MAPS}.png", grid, terrain, result)]
    if result.observed:
        drawn.append(_breakthrough(folder / f"{BREAKTHROUGH}.png", result))
    if result.time_d.size > 1:
        drawn += _movie(folder / f"{MOVIE}.gif", grid, result)
    return drawn


def _columns(values: Floats) -> Floats:
    """(n,) the largest of the layers; NaN where all are dry."""
    found = np.fmax.reduce(values, axis=0)
    return np.asarray(found)


def _unit(level: float) -> tuple[float, str]:
    """Factor and unit in which concentrations up to `level` [kg/m3] are easy to read."""
    return (1.0, "kg/m³") if level >= MILLIGRAMS else (1e3, "mg/L")


def _moments(times: Floats, count: int) -> Ids:
    """Saved steps next to `count` even shares of the whole time, the last among them."""
    wanted = times[-1] * np.arange(1, count + 1) / count
    return np.unique([int(np.abs(times - when).argmin()) for when in wanted])


def _top_of_scale(result: TransportResult, shown: Floats) -> float:
    """c0 where a concentration of half of it is shown, else the largest shown [kg/m3]."""
    level = scale(result)
    largest = float(np.fmax.reduce(shown, axis=None, initial=0.0))
    if not math.isfinite(level) or not largest > 0:
        return level if math.isfinite(level) else 1.0
    return level if largest >= 0.5 * level else largest


def _maps(path: Path, grid: Grid, terrain: Terrain, result: TransportResult) -> Path:
    chosen = _moments(result.time_d, MOMENTS)
    level = _top_of_scale(result, result.concentration[chosen])
    factor, unit = _unit(level)
    polygons = [grid.vertices[grid.cell(cell)] for cell in range(grid.n_cells)]
    low, high = grid.vertices.min(axis=0), grid.vertices.max(axis=0)
    lines = list(terrain.lines.values())

    def one(step: int) -> maps.CellMap:
        values = _columns(result.concentration[step])
        return maps.CellMap(
            polygons=polygons,
            values=values * factor,
            extent=(float(low[0]), float(high[0]), float(low[1]), float(high[1])),
            title=f"{result.time_d[step]:.5g} d",
            colour_label=f"concentration  [{unit}]",
            limits=(0.0, level * factor),
            lines=lines,
            lines_label="constraints",
            edges=0.0,
            special=_special(polygons, values, result),
        )

    several = f"largest of {result.start.shape[0]} layers, " if result.start.shape[0] > 1 else ""
    maps.cell_maps(
        path,
        [one(step) for step in chosen.tolist()],
        "Concentration",
        f"{several}one scale for all times: 0 to {level * factor:.4g} {unit}",
    )
    return path


def _special(
    polygons: Sequence[Floats], values: Floats, result: TransportResult
) -> list[maps.Special]:
    """Cells that are dry, or beyond what there is to mix; without c0 there is no upper end."""
    level, known = scale(result), reference(result)  # NaN: no cell is beyond it
    looks = (
        (~np.isfinite(values), "dry", style.FAINT, "xxx", True),
        (values < -BEYOND * level, f"below 0 by {BEYOND:.0%}", style.PURPLE, "....", True),
        (values > (1 + BEYOND) * known, f"above c0 by {BEYOND:.0%}", style.RED, "////", True),
    )
    return [
        maps.Special(
            polygons=[polygons[cell] for cell in np.flatnonzero(which).tolist()],
            label=label,
            color=color,
            hatch=hatch,
            filled=filled,
        )
        for which, label, color, hatch, filled in looks
    ]


def _breakthrough(path: Path, result: TransportResult) -> Path:
    shown = np.stack(list(result.observed.values()))
    largest = float(np.fmax.reduce(shown, axis=None, initial=0.0))
    factor, unit = _unit(_top_of_scale(result, shown))
    curves = [
        plots.Curve(
            x=result.steps_d,
            y=values * factor,
            label=name,
            color=style.CYCLE[n % len(style.CYCLE)],
            dash=DASHES[n // len(style.CYCLE) % len(DASHES)],
            marker="o" if result.steps_d.size == 1 else "",
        )
        for n, (name, values) in enumerate(result.observed.items())
    ]
    known = reference(result)
    shares = [pair for pair in (("c0", 1.0), ("0.5 c0", 0.5)) if pair[1] * known <= 1.2 * largest]
    plots.panels(
        path,
        [
            plots.Panel(
                title="Breakthrough",
                ylabel=f"concentration  [{unit}]",
                xlabel="time  [d]",
                curves=curves,
                levels=[
                    plots.Level(y=share * known * factor, label=label, color=style.GREY)
                    for label, share in shares
                ],
                from_zero=True,
            )
        ],
    )
    return path


def _movie(path: Path, grid: Grid, result: TransportResult) -> list[Path]:
    chosen = _moments(result.time_d, FRAMES)
    level = _top_of_scale(result, result.concentration[chosen])
    factor, unit = _unit(level)
    low, high = grid.vertices.min(axis=0), grid.vertices.max(axis=0)
    extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    cells = _raster(grid, extent)
    outside = cells < 0
    frames = np.full((chosen.size, *cells.shape), math.nan, dtype=np.float32)
    for frame, step in zip(frames, chosen.tolist(), strict=True):
        frame[~outside] = _columns(result.concentration[step])[cells[~outside]] * factor
    steps = np.searchsorted(result.steps_d, result.time_d[chosen] * (1 - 1e-12)) + 1
    sidecar = movies.write_movie(
        path,
        movies.Movie(
            frames=frames,
            times=result.time_d[chosen],
            steps=steps,
            extent=extent,
            vmin=0.0,
            vmax=level * factor,
            title="Concentration",
            colour_label=f"concentration  [{unit}]",
            stride=int(steps[1] - steps[0]) if steps.size > 1 else 1,
            metres=True,
        ),
    )
    return [path, sidecar]


def _raster(grid: Grid, extent: tuple[float, float, float, float]) -> Ids:
    """(rows, columns) the cell at each picture point, rows from bottom to top; -1 outside."""
    width, height = movies.size_of(extent)
    left, right, bottom, top = extent
    x = left + (np.arange(width) + 0.5) * (right - left) / width
    y = bottom + (np.arange(height) + 0.5) * (top - bottom) / height
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return holding(grid, points).reshape(height, width)
