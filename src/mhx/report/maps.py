"""Maps of cells in the plane, to scale, and bars of what goes in and out.

Takes anything array-like; which values, limits and words belong in a picture is decided by the
domains (`groundwater/figures.py`).  Coordinates and lengths are in metres; large ones are drawn in
kilometres.  Meaning is never carried by colour alone: what is special is hatched and named.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.tri import Triangulation

from mhx.report import style

KILOMETRES = 20e3
"""Boxes longer than this have their axes in km [m]."""
LONG, SHORT = 6.4, 2.2  # inch: sides of a map


@dataclass(frozen=True, kw_only=True)
class Special:
    """Cells that stand out: (k, 2) corners each, a name, and how they are filled."""

    polygons: Sequence[Any]
    label: str
    color: str
    hatch: str = ""
    filled: bool = True


@dataclass(frozen=True, kw_only=True)
class Contours:
    """Lines of equal value over triangles (t, 3) of n points; levels are labelled."""

    x: Any
    y: Any
    triangles: Any
    values: Any
    levels: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class CellMap:
    """A value per cell as colour.

    polygons: (k, 2) corners of each cell [m].  values: one per cell.  extent: left, right, bottom,
    top [m].  limits: of the colours.  lines: (k, 2) each, drawn strong under one name.
    edges: width of the white lines between cells, 0 for none [points].
    """

    polygons: Sequence[Any]
    values: Any
    extent: tuple[float, float, float, float]
    title: str
    colour_label: str
    limits: tuple[float, float]
    colormap: str = style.SEQUENTIAL
    note: str = ""
    lines: Sequence[Any] = ()
    lines_label: str = ""
    special: Sequence[Special] = ()
    contours: Contours | None = None
    edges: float = 0.15


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How often a value occurs; bound: a line with its name, None for none."""

    values: Iterable[float]
    title: str
    xlabel: str
    bound: float | None = None
    bound_label: str = ""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What goes in and out under one name; one unit for all bars of a picture."""

    name: str
    inward: float
    outward: float


def cell_map(path: Path, drawn: CellMap, histograms: Sequence[Histogram] = ()) -> None:
    """Draw one map, and histograms beside it."""
    left, right, bottom, top = drawn.extent
    ratio = (top - bottom) / (right - left)
    wide = LONG if ratio <= 1 else max(LONG / ratio, SHORT)
    tall = min(max(wide * ratio, 1.0), LONG)
    below = 0.75 + 0.28 * (len(_names(drawn)) > 0)
    beside = 4.4 if histograms else 0.0
    width = max(wide + 2.3, 4.6) + beside
    height = max(tall, 2.0 * len(histograms)) + below + 0.6
    with style.styled():
        made = style.figure(width, height)
        axes = made.add_axes((0.85 / width, below / height, wide / width, tall / height))
        bar = ((0.85 + wide + 0.15) / width, below / height, 0.16 / width, tall / height)
        _bar(made, _map(axes, drawn), drawn, bar)
        if handles := _names(drawn):
            made.legend(
                handles=handles, loc="lower left", ncols=len(handles), borderaxespad=0,
                bbox_to_anchor=(0.85 / width, 0.1 / height), handletextpad=0.5,
            )  # fmt: skip
        each = (height - 0.3) / len(histograms) if histograms else 0.0
        for n, histogram in enumerate(histograms):
            low = height - 0.3 - (n + 1) * each + 0.6
            box = ((width - beside + 0.6) / width, low / height, (beside - 0.8) / width)
            _histogram(made.add_axes((*box, (each - 0.95) / height)), histogram)
        style.save(made, path)


def cell_maps(path: Path, drawn: Sequence[CellMap], title: str, note: str = "") -> None:
    """Draw maps of one extent and one colour range side by side, row by row, with one bar.

    The title of each says what is its own; special cells and lines are named once.
    """
    left, right, bottom, top = drawn[0].extent
    ratio = (top - bottom) / (right - left)
    columns = min(len(drawn), 2 if ratio < 0.6 else 3 if ratio < 1.6 else 6)
    wide = (7.0 if columns < 3 else 8.4) / columns if ratio < 1.6 else max(3.6 / ratio, 1.1)
    tall = max(wide * ratio, 0.7)
    rows = -(-len(drawn) // columns)
    names = {handle.get_label(): handle for each in drawn for handle in _names(each)}
    below, above = 0.62 + 0.28 * bool(names), 0.62 + 0.14 * bool(note)
    width = max(0.85 + columns * (wide + 0.22) + 1.15, 4.6)
    height = below + rows * (tall + 0.36) + above - 0.36
    with style.styled():
        made = style.figure(width, height)
        made.text(0.85 / width, 1 - 0.22 / height, title, fontsize=10.5, fontweight="bold",
                  va="center")  # fmt: skip
        made.text(0.85 / width, 1 - 0.42 / height, note, color=style.GREY, fontsize=8.5,
                  va="center")  # fmt: skip
        for n, each in enumerate(drawn):
            row, column = divmod(n, columns)
            x, y = 0.85 + column * (wide + 0.22), height - above - row * (tall + 0.36) - tall
            axes = made.add_axes((x / width, y / height, wide / width, tall / height))
            cells = _map(axes, each)
            words = axes.get_xlabel(), axes.get_ylabel()
            axes.set(xlabel="", ylabel="")
            if column:
                axes.set(yticklabels=[])
            if n + columns < len(drawn):
                axes.set(xticklabels=[])
        whole = rows * (tall + 0.36) - 0.36
        x = 0.85 + columns * (wide + 0.22)
        made.text((0.85 + x - 0.22) / 2 / width, (below - 0.4) / height, words[0], ha="center",
                  va="center")  # fmt: skip
        made.text(0.25 / width, (below + whole / 2) / height, words[1], rotation=90, ha="center",
                  va="center")  # fmt: skip
        _bar(made, cells, drawn[0], (x / width, below / height, 0.16 / width, whole / height))
        if names:
            made.legend(
                handles=list(names.values()), loc="lower left", ncols=len(names), borderaxespad=0,
                bbox_to_anchor=(0.85 / width, 0.06 / height), handletextpad=0.5,
            )  # fmt: skip
        style.save(made, path)


def _bar(
    made: Figure, cells: PolyCollection, drawn: CellMap, box: tuple[float, float, float, float]
) -> None:
    """What the colours mean."""
    bar = made.colorbar(cells, cax=made.add_axes(box), label=drawn.colour_label)
    bar.outline.set_linewidth(0.6)
    bar.ax.grid(False)


def _map(axes: Axes, drawn: CellMap) -> PolyCollection:
    left, right, bottom, top = drawn.extent
    axes.grid(False)
    low, high = drawn.limits
    cells = PolyCollection(
        list(drawn.polygons), cmap=drawn.colormap, norm=Normalize(low, high),
        edgecolors="white" if drawn.edges else "face", linewidths=drawn.edges or 0.3,
    )  # fmt: skip
    cells.set_array(drawn.values)
    axes.add_collection(cells)
    for special in drawn.special:
        axes.add_collection(
            PolyCollection(
                list(special.polygons),
                hatch=special.hatch,
                linewidths=0.6,
                facecolors=special.color if special.filled else "none",
                edgecolors=style.INK if special.filled else special.color,
                zorder=2,
            )
        )
    if drawn.contours is not None:
        _contours(axes, drawn.contours)
    if len(drawn.lines):
        axes.add_collection(
            LineCollection(list(drawn.lines), colors="white", linewidths=3.2, zorder=3)
        )
        axes.add_collection(
            LineCollection(list(drawn.lines), colors=style.BLUE, linewidths=1.8, zorder=3)
        )
    axes.set(xlim=(left, right), ylim=(bottom, top))
    label_axes(axes, drawn.extent)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_title(drawn.title, pad=20 if drawn.note else 7)
    if drawn.note:
        axes.annotate(drawn.note, (0, 1), (0, 6), "axes fraction", "offset points",
                      color=style.GREY, fontsize=8.5)  # fmt: skip
    return cells


def _contours(axes: Axes, drawn: Contours) -> None:
    triangles = Triangulation(drawn.x, drawn.y, drawn.triangles)
    lines = axes.tricontour(
        triangles, drawn.values, levels=list(drawn.levels), colors=style.INK, linewidths=0.8
    )
    # seen on dark cells, too
    halo: list[AbstractPathEffect] = [withStroke(linewidth=2.2, foreground="white", alpha=0.75)]
    lines.set_path_effects(halo)
    for text in axes.clabel(lines, fontsize=7.5, fmt=lambda level: f"{level:g}", inline_spacing=3):
        text.set_path_effects(halo)


def label_axes(axes: Axes, extent: tuple[float, float, float, float]) -> None:
    """Distances from near the lower left corner; the labels say from where."""
    left, right, bottom, top = extent
    unit, factor = ("km", 1e-3) if max(right - left, top - bottom) >= KILOMETRES else ("m", 1.0)
    for axis, name, low, high in ((axes.xaxis, "x", left, right), (axes.yaxis, "y", bottom, top)):
        span = high - low
        # whole metres read better, in small boxes centimetres, and shift nothing
        start = round(low) if span > 100 else round(low, 2) if span > 1 else low
        ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(0, span * factor)
        inside = [tick for tick in ticks if 0 <= tick <= span * factor * 1.0001]
        axis.set_ticks([start + tick / factor for tick in inside])
        axis.set_major_formatter(
            FuncFormatter(lambda value, _, s=start: f"{(value - s) * factor:.10g}")
        )
        origin = f"  from {start * factor:.10g} {unit}" if start else ""
        axis.set_label_text(f"${name}$  [{unit}]{origin}")


def _names(drawn: CellMap) -> list[Any]:
    """Handles of the legend: lines and what stands out, where there is any."""
    handles: list[Any] = [
        Patch(
            facecolor=special.color if special.filled else "none",
            hatch=special.hatch,
            edgecolor=style.INK if special.filled else special.color,
            label=special.label,
        )
        for special in drawn.special
        if len(special.polygons)
    ]
    if len(drawn.lines) and drawn.lines_label:
        handles.append(Line2D([], [], color=style.BLUE, lw=1.8, label=drawn.lines_label))
    return handles


def _histogram(axes: Axes, drawn: Histogram) -> None:
    axes.set_title(drawn.title)
    axes.hist(list(drawn.values), bins=24, color=style.BLUE, edgecolor="white", linewidth=0.4)
    if drawn.bound is not None:
        axes.axvline(drawn.bound, color=style.RED, lw=1.4, ls=(0, (4, 3)), label=drawn.bound_label)
        axes.legend(loc="best")
    axes.set(xlabel=drawn.xlabel, ylabel="cells")


def bars(path: Path, drawn: Sequence[Bar], title: str, xlabel: str, note: str = "") -> None:
    """Horizontal bars, one pair a name: in to the right of it, out below."""
    height = 1.25 + 0.52 * len(drawn)
    with style.styled():
        made = style.figure(7.2, height)
        axes = made.add_axes((0.2, 0.6 / height, 0.66, (height - 1.25) / height))
        axes.grid(axis="y", visible=False)
        axes.set_title(title, pad=20 if note else 7)
        if note:
            axes.annotate(note, (0, 1), (0, 6), "axes fraction", "offset points",
                          color=style.GREY, fontsize=8.5)  # fmt: skip
        rows = range(len(drawn))
        largest = max([max(bar.inward, bar.outward) for bar in drawn], default=0.0) or 1.0
        looks = (
            (-0.19, style.BLUE, "", "in", "inward"),
            (0.19, style.ORANGE, "///", "out", "outward"),
        )
        for shift, color, hatch, label, field in looks:
            values = [getattr(bar, field) for bar in drawn]
            axes.barh([row + shift for row in rows], values, 0.34, color=color, hatch=hatch,
                      edgecolor="white", linewidth=0.4, label=label)  # fmt: skip
            for row, value in zip(rows, values, strict=True):
                axes.annotate(f"{value:.4g}", (value, row + shift), (4, 0), va="center",
                              textcoords="offset points", fontsize=8)  # fmt: skip
        axes.set_yticks(list(rows), [bar.name for bar in drawn])
        axes.set(xlabel=xlabel, xlim=(0, 1.16 * largest), ylim=(len(drawn) - 0.5, -0.5))
        made.legend(*axes.get_legend_handles_labels(), loc="upper right",
                    bbox_to_anchor=(0.995, 1 - 0.55 / height))  # fmt: skip
        style.save(made, path)
