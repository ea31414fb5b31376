"""Which pictures a comparison has: `comparison_figures/`; how they are drawn is `report`.

head.png, concentration.png     the methods side by side on one scale, last saved step
difference_<observable>.png     method less reference on the common raster, one scale
line_<observable>.png           profiles along a line
history_<observable>.png        values and rates over time
closures.png                    how well the balances close
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mhx.groundwater.comparison.closures import OK, WARN, Closure
from mhx.groundwater.comparison.differences import Matched, statistics
from mhx.groundwater.comparison.observables import Values
from mhx.groundwater.comparison.reading import Solved
from mhx.groundwater.comparison.sampling import NEAREST, Raster, Sampler
from mhx.groundwater.grid import Floats, Grid
from mhx.report import dots, plots, side_by_side, style

MANY = 50_000
"""Cells beyond which a map shows pixels instead."""
LEAST = 1e-16
"""Balances that close better are drawn here [1]."""
NAMES = {"head": "head  [m]", "concentration": "concentration  [kg/m³]"}
DASHES = ("-", (0, (5, 3)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture and what it shows; wide: it has several maps."""

    path: Path
    caption: str
    wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the pictures are made of; values: all observables of all methods."""

    solved: Sequence[Solved]
    reference: str
    values: Sequence[Values]
    matched: Sequence[Matched]
    closures: Sequence[Closure]
    raster: Raster

    @property
    def labels(self) -> Mapping[str, str]:
        """Id of a method -> how it is named."""
        return {one.id: one.label for one in self.solved}


def draw(folder: Path, shown: Shown) -> list[Drawn]:
    """Every picture that there is data for, in the order of a page."""
    return [*_fields(folder, shown), *_maps(folder, shown), *_curves(folder, shown)] + (
        [_closures(folder / "closures.png", shown)] if shown.closures else []
    )


def _fields(folder: Path, shown: Shown) -> Iterator[Drawn]:
    """Cells of every method with their values, as each has them."""
    tables: dict[str, dict[str, Floats]] = {"head": {}, "concentration": {}}
    for one in shown.solved:
        tables["head"][one.id] = one.flow.heads[-1, 0]
        if one.solute is not None:
            tables["concentration"][one.id] = one.solute.concentration[-1, 0]
    for name, values in tables.items():
        if not values:
            continue
        limits = _limits(list(values.values()))
        panels = [_panel(one, values[one.id], shown) for one in shown.solved if one.id in values]
        sheet = side_by_side.Sheet(
            title=f"{name.capitalize()} of the top layer, all methods on one scale",
            panels=panels,
            extent=shown.raster.extent,
            limits=limits,
            colour_label=NAMES[name],
        )
        side_by_side.draw(folder / f"{name}.png", sheet)
        yield Drawn(
            path=folder / f"{name}.png",
            caption=f"The {name} of every method in its own cells, last saved step, on one scale.",
            wide=True,
        )


def _panel(one: Solved, values: Floats, shown: Shown) -> side_by_side.Panel:
    """The cells of a method; of very many the raster, for they are smaller than its pixels."""
    title = _named(one.label, one.id == shown.reference)
    note = f"{one.grid.n_cells} cells, {one.config.engine}"
    if one.grid.n_cells <= MANY:
        corners = _corners(one.grid)
        return side_by_side.Panel(title=title, polygons=corners, values=values, note=note)
    sampled = Sampler(one.grid, shown.raster.points, NEAREST).at(values)
    return side_by_side.Panel(title=title, image=shown.raster.image(sampled), note=note)


def _maps(folder: Path, shown: Shown) -> Iterator[Drawn]:
    """Differences on the raster, of the last time that both have."""
    found: dict[str, list[Matched]] = {}
    for one in shown.matched:
        if one.of.observable.support == "map" and one.difference.size:
            found.setdefault(one.of.observable.name, []).append(one)
    for name, pairs in found.items():
        images = [_last_image(one, shown.raster) for one in pairs]
        limit = max(float(np.nanmax(np.abs(image))) for image in images) or 1e-12
        unit = pairs[0].of.observable.own_unit
        sheet = side_by_side.Sheet(
            title=f"{_what(pairs[0])}: method less {shown.labels[shown.reference]}",
            panels=[
                side_by_side.Panel(title=shown.labels[one.simulation], image=image, note=_told(one))
                for one, image in zip(pairs, images, strict=True)
            ],
            extent=shown.raster.extent,
            limits=(-limit, limit),
            colour_label=f"difference  [{unit.replace('m3', 'm³')}]",
            colormap=style.DIVERGING,
        )
        path = folder / f"difference_{name}.png"
        side_by_side.draw(path, sheet)
        words = f"Differences of {name} from the reference on the common raster, on one scale."
        yield Drawn(path=path, caption=words, wide=True)


def _what(one: Matched) -> str:
    """The name of a map, what it shows and when."""
    asked = one.of.observable
    layer = f", layer {asked.layer}" if asked.layer > 1 else ""
    moment = f"{one.of.time_d[one.at[:, 0].max()]:.6g} d"
    return f"{asked.name} ({asked.variable}{layer}, {moment})"


def _told(one: Matched) -> str:
    found = statistics(one)
    return f"RMSE {found['rmse']:.3g}, bias {found['bias']:+.3g}"


def _last_image(one: Matched, raster: Raster) -> Floats:
    last = one.at[:, 0] == one.at[:, 0].max()
    values = np.full(raster.pixels.size, math.nan)
    values[one.at[last, 1]] = one.difference[last]
    return raster.image(values)


def _curves(folder: Path, shown: Shown) -> Iterator[Drawn]:
    """Profiles along lines, and what changes with time."""
    by_name: dict[str, list[Values]] = {}
    for one in shown.values:
        by_name.setdefault(one.observable.name, []).append(one)
    for name, found in by_name.items():
        first = found[0].observable
        if first.support == "line" and first.reduced == "value":
            yield _line(folder / f"line_{name}.png", name, found, shown)
        elif first.support != "map" and any(len(one.time_d) > 1 for one in found):
            yield _history(folder / f"history_{name}.png", name, found, shown)


def _line(path: Path, name: str, found: Sequence[Values], shown: Shown) -> Drawn:
    curves = []
    for n, one in enumerate(found):
        steps = np.hypot(np.diff(one.x), np.diff(one.y))
        along = np.concatenate([[0.0], np.cumsum(steps)])
        curves.append(_curve(n, along, one.values[-1], shown.labels[one.simulation]))
    plots.panels(path, [_axes(name, found, "distance along the line  [m]", curves)])
    return Drawn(path=path, caption=f"{name} along its line, last time, by every method.")


def _history(path: Path, name: str, found: Sequence[Values], shown: Shown) -> Drawn:
    curves = []
    for n, one in enumerate(found):
        for place in range(one.values.shape[1]):
            label = shown.labels[one.simulation] if place == 0 else ""
            curves.append(_curve(n, one.time_d, one.values[:, place], label))
    plots.panels(path, [_axes(name, found, "time  [d]", curves)])
    return Drawn(path=path, caption=f"{name} over time by every method.")


def _axes(
    name: str, found: Sequence[Values], xlabel: str, curves: list[plots.Curve]
) -> plots.Panel:
    one = found[0].observable
    unit = one.own_unit.replace("m3", "m³")
    rate = {"outlet": "rate out", "boundary": "rate in", "domain": "rate in"}
    what = rate.get(one.support, "rate") if one.variable == "budget" else one.variable
    return plots.Panel(title=name, ylabel=f"{what}  [{unit}]", xlabel=xlabel, curves=curves)


def _curve(number: int, x: Floats, y: Floats, label: str) -> plots.Curve:
    return plots.Curve(
        x=x,
        y=y,
        label=label,
        color=style.CYCLE[number % len(style.CYCLE)],
        dash=DASHES[number % len(DASHES)],
    )


def _closures(path: Path, shown: Shown) -> Drawn:
    """The worst relative residual of each method, with the bounds of the grades."""
    series = []
    for balance, color, marker in (("water", style.BLUE, "o"), ("solute", style.RED, "s")):
        worst: dict[str, float] = {}
        for one in shown.closures:
            if one.balance == balance and math.isfinite(one.relative):
                name = shown.labels[one.simulation]
                worst[name] = max(worst.get(name, LEAST), one.relative)
        if worst:
            series.append(dots.Series(label=balance, values=worst, color=color, marker=marker))
    bounds = [
        dots.Bound(x=OK, label="OK up to here", color=style.GREEN),
        dots.Bound(x=WARN, label="WARN up to here", color=style.ORANGE),
    ]
    names = list(dict.fromkeys(shown.labels.values()))
    words = ("Balance of each method, worst period", "lost or made, over throughput")
    dots.draw(path, names, series, bounds, words)
    return Drawn(
        path=path,
        caption="How well the balances close; grades are the dashed lines, and what closes better "
        f"than {LEAST:g} stands there.",
    )


def _corners(grid: Grid) -> list[Floats]:
    return [grid.vertices[grid.cell(cell)] for cell in range(grid.n_cells)]


def _limits(values: Sequence[Floats]) -> tuple[float, float]:
    there = np.concatenate([one[np.isfinite(one)] for one in values])
    if not there.size:
        return 0.0, 1.0
    low, high = float(there.min()), float(there.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _named(label: str, is_reference: bool) -> str:
    return f"{label} (reference)" if is_reference else label
