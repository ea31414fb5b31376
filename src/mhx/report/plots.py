"""Still pictures: time series in panels, and one map of a field.

Takes anything array-like; which quantities, limits and words belong in a picture is decided by the
domains (`reconnection/figures.py`).  Maps are given as rows from bottom to top, as they are seen.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from mhx.report import style
from mhx.report.scales import SUPERSCRIPT

PANEL_WIDTH, PANEL_HEIGHT = 5.0, 3.1  # inch
MANY_DECADES = 1e4  # beyond, ticks between powers of ten are a blur
Corner = Literal[
    "best",
    "upper left",
    "upper right",
    "lower left",
    "lower right",
    "center right",
    "center left",
    "upper center",
    "lower center",
]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line: x and y of equal length; what is not finite leaves a gap.

    marker: shape of the points, empty for none; `hollow` ones show what lies below them; `size`
    of them in points, 0 for that of the style.
    x_error: half lengths of horizontal bars.
    """

    x: Iterable[float]
    y: Iterable[float]
    label: str = ""
    color: str = style.BLUE
    dash: Any = "-"  # of matplotlib: a word, or (offset, (on, off, ...))
    width: float = 1.6
    marker: str = ""
    hollow: bool = False
    size: float = 0
    x_error: Iterable[float] = ()


@dataclass(frozen=True, kw_only=True)
class Level:
    """A horizontal line with its name: a bound, a reference."""

    y: float
    label: str
    color: str = style.GREY


@dataclass(frozen=True, kw_only=True)
class Upright:
    """A vertical line with its name: a bound of what runs along x, a moment."""

    x: float
    label: str
    color: str = style.GREY
    dash: Any = (0, (4, 3))


@dataclass(frozen=True, kw_only=True)
class Band:
    """A shaded stretch of the y axis with its name: what a bound allows."""

    low: float
    high: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Span:
    """A shaded stretch of the x axis with its name."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes.  `log`: logarithmic y, where anything is positive; zeros are left out.

    note: one line of plain words below the title.  legend_above: the legend stands in that line.
    xticks, yticks: words for places, instead of numbers.  xlim, ylim: what is shown, else all.
    """

    title: str
    ylabel: str
    curves: Sequence[Curve]
    xlabel: str = "time  $t$  [$L/v_A$]"
    log: bool = False
    from_zero: bool = False
    levels: Sequence[Level] = ()
    spans: Sequence[Span] = ()
    note: str = ""
    legend_above: bool = False
    legend: Corner = "best"
    xlog: bool = False
    uprights: Sequence[Upright] = ()
    bands: Sequence[Band] = ()
    xticks: Mapping[str, float] = field(default_factory=dict)
    yticks: Mapping[str, float] = field(default_factory=dict)
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None


def panels(path: Path, drawn: Sequence[Panel], *, columns: int = 2) -> None:
    """Draw the panels row by row into one PNG."""
    columns = min(columns, len(drawn))
    rows = -(-len(drawn) // columns)
    width, height = columns * PANEL_WIDTH, rows * PANEL_HEIGHT
    if columns == rows == 1:
        width, height = 7.2, 3.9
    head = 0.58 if any(panel.note or panel.legend_above for panel in drawn) else 0.38
    with style.styled():
        made = style.figure(width, height)
        for n, panel in enumerate(drawn):
            row, column = divmod(n, columns)
            left, bottom = 0.92, 0.62  # inch, room for labels whatever the size of the figure
            box = (
                (column * width / columns + left) / width,
                ((rows - 1 - row) * height / rows + bottom) / height,
                (width / columns - left - 0.2) / width,
                (height / rows - bottom - head) / height,
            )
            draw(made.add_axes(box), panel)
        style.save(made, path)


def draw(axes: Axes, panel: Panel) -> None:
    """Fill one pair of axes."""
    axes.set_title(panel.title, pad=19 if panel.note or panel.legend_above else 7)
    if panel.note:
        axes.annotate(
            panel.note, (0, 1), (0, 5), "axes fraction", "offset points",
            color=style.GREY, fontsize=mpl.rcParams["legend.fontsize"],
        ).set_in_layout(False)  # fmt: skip
        axes.yaxis.get_offset_text().set(x=-0.02, ha="right")  # the power of ten makes room for it
    axes.set_xlabel(panel.xlabel)
    axes.set_ylabel(panel.ylabel)
    _shapes(axes, panel)
    _scales(axes, panel)
    if axes.get_legend_handles_labels()[1]:
        if panel.legend_above:
            axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=9, borderaxespad=0,
                        borderpad=0.15, columnspacing=1.1, handletextpad=0.5)  # fmt: skip
        else:
            axes.legend(loc=panel.legend).set_in_layout(False)


def _shapes(axes: Axes, panel: Panel) -> None:
    for span in panel.spans:
        axes.axvspan(
            span.start, span.end, color="#f3ead2", lw=0, zorder=0, label=span.label or None
        )
    for band in panel.bands:
        axes.axhspan(
            band.low, band.high, fc="#e3eef6", ec="#8fb4cc", lw=0.6, zorder=0,
            label=band.label or None,
        )  # fmt: skip
    for curve in panel.curves:
        x, y = [float(v) for v in curve.x], [float(v) for v in curve.y]
        look: dict[str, Any] = {"ls": curve.dash, "color": curve.color, "lw": curve.width}
        if curve.marker:
            look |= {"marker": curve.marker, "mfc": "white" if curve.hollow else curve.color}
            look |= {"ms": curve.size} if curve.size else {}
        bars = [float(v) for v in curve.x_error]
        if bars:
            axes.errorbar(x, y, xerr=bars, capsize=2.5, label=curve.label or None, **look)
        else:
            axes.plot(x, y, label=curve.label or None, **look)
    for level in panel.levels:
        axes.axhline(level.y, color=level.color, lw=1, ls=(0, (4, 3)), label=level.label or None)
    for upright in panel.uprights:
        axes.axvline(
            upright.x, color=upright.color, lw=1, ls=upright.dash, label=upright.label or None
        )


def _scales(axes: Axes, panel: Panel) -> None:
    low, high = _range(panel)
    if panel.log and high > 0:
        axes.set_yscale("log", nonpositive="mask")
        axes.yaxis.set_major_formatter(FuncFormatter(power))
        axes.yaxis.set_minor_formatter(NullFormatter())
        if high > MANY_DECADES * low:
            axes.yaxis.set_minor_locator(NullLocator())
        if high < 100 * low:  # whole decades, or the axis shows no power of ten
            axes.set_ylim(
                10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high * 1.01))
            )
    elif panel.from_zero and low >= 0:
        axes.set_ylim(0, high * 1.08 or 1)
    if panel.xlog:
        axes.set_xscale("log", nonpositive="mask")
        axes.xaxis.set_major_formatter(FuncFormatter(power))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.06 if panel.xticks or panel.xlog else 0.01)
    if panel.xticks:
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(list(panel.xticks.values()), list(panel.xticks))
    if panel.yticks:
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_yticks(list(panel.yticks.values()), list(panel.yticks))
    if panel.xlim:
        axes.set_xlim(panel.xlim)
    if panel.ylim:
        axes.set_ylim(panel.ylim)


def power(value: float, position: int) -> str:
    """A power of ten in plain characters: mathtext takes a third of the time of a figure."""
    exponent = round(math.log10(value)) if value > 0 else 0
    return "10" + str(exponent).translate(SUPERSCRIPT)


def _range(panel: Panel) -> tuple[float, float]:
    """Least and largest number shown; positive ones alone on a logarithmic axis."""
    values = [float(v) for curve in panel.curves for v in curve.y]
    values += [level.y for level in panel.levels]
    shown = [v for v in values if math.isfinite(v) and (v > 0 or not panel.log)]
    return (min(shown), max(shown)) if shown else (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Points on a map: a name for the legend, and the shape that stands for it."""

    x: Iterable[float]
    y: Iterable[float]
    label: str
    marker: str
    color: str


@dataclass(frozen=True, kw_only=True)
class Map:
    """A field as colour with contour lines of another one, to scale.

    colour, lines: rows from bottom to top, of one shape; x, y: cell centres.
    extent: left, right, bottom, top of the box.  limit: colours run over -limit..limit.
    separatrix: levels of `lines` that are drawn strong.
    """

    x: Iterable[float]
    y: Iterable[float]
    colour: Any
    lines: Any
    extent: tuple[float, float, float, float]
    limit: float
    title: str
    colour_label: str
    note: str = ""
    levels: int = 24
    separatrix: Iterable[float] = ()
    marks: Sequence[Marks] = ()


def field_map(path: Path, drawn: Map) -> None:
    """Draw one map; the box keeps its proportions."""
    left, right, bottom, top = drawn.extent
    ratio = (top - bottom) / (right - left)
    wide = 5.2 if ratio <= 1 else max(5.2 / ratio, 1.8)
    tall = min(max(wide * ratio, 0.9), 7)
    width, height = wide + 2.1, tall + 1.45
    x, y = list(drawn.x), list(drawn.y)
    with style.styled():
        made = style.figure(width, height)
        axes = made.add_axes((0.75 / width, 0.85 / height, wide / width, tall / height))
        axes.grid(False)
        image = axes.imshow(
            drawn.colour, origin="lower", extent=drawn.extent, aspect="auto",
            cmap=style.DIVERGING, vmin=-drawn.limit, vmax=drawn.limit, interpolation="bilinear",
        )  # fmt: skip
        if drawn.levels:
            axes.contour(x, y, drawn.lines, drawn.levels, colors=style.INK,
                         linewidths=0.5, linestyles="-", alpha=0.55)  # fmt: skip
        if list(drawn.separatrix):
            axes.contour(x, y, drawn.lines, sorted(drawn.separatrix),
                         colors="black", linewidths=1.4, linestyles="-")  # fmt: skip
        for marks in drawn.marks:
            axes.plot(
                list(marks.x), list(marks.y), marks.marker, color=marks.color, label=marks.label,
                ms=7, mew=1.8, mfc="white", ls="none", clip_on=False, zorder=5,
            )  # fmt: skip
        axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="$x$  [$L$]", ylabel="$y$  [$L$]")
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_title(drawn.title, pad=20 if drawn.note else 7)
        if drawn.note:
            axes.annotate(drawn.note, (0, 1), (0, 6), "axes fraction", "offset points",
                          color=style.GREY, fontsize=8.5)  # fmt: skip
        if drawn.marks:
            made.legend(loc="lower left", ncols=len(drawn.marks), borderaxespad=0,
                        bbox_to_anchor=(0.75 / width, 0.14 / height), handletextpad=0.4,
            )  # fmt: skip
        bar_axes = made.add_axes(((wide + 0.9) / width, 0.85 / height, 0.16 / width, tall / height))
        bar = made.colorbar(image, cax=bar_axes, label=drawn.colour_label)
        bar.outline.set_linewidth(0.6)
        bar.ax.grid(False)
        style.save(made, path)
