"""Several maps of one quantity on one scale, so that they can be compared by looking.

A map is cells with a value each, or a raster of pixels; what has no value stays white.  Takes
anything array-like; which maps, limits and words belong in a picture is decided by the domains.
Coordinates in metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize

from mhx.report import style
from mhx.report.maps import label_axes

COLUMNS = 3
WIDE, TALL = 3.7, 4.6  # inch: most that one map takes


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One map.  polygons: (k, 2) corners per cell with `values` one each [m]; or `image`: rows from
    south to north.  note: a line below the title.
    """

    title: str
    polygons: Sequence[Any] = ()
    values: Any = ()
    image: Any = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Maps of one quantity.  extent: left, right, bottom, top [m]; limits: of the colours."""

    title: str
    panels: Sequence[Panel]
    extent: tuple[float, float, float, float]
    limits: tuple[float, float]
    colour_label: str
    colormap: str = style.SEQUENTIAL


def draw(path: Path, sheet: Sheet) -> None:
    """Draw all maps into one PNG, with one colour bar."""
    left, right, bottom, top = sheet.extent
    ratio = (top - bottom) / (right - left)
    columns = min(COLUMNS, len(sheet.panels))
    rows = -(-len(sheet.panels) // columns)
    wide = WIDE if ratio <= TALL / WIDE else TALL / ratio
    tall = max(wide * ratio, 0.8)
    across, down = max(wide + 0.85, 2.4), tall + 1.15
    width, height = columns * across + 1.3, rows * down + 0.55
    with style.styled():
        made = style.figure(width, height)
        made.text(0.15 / width, 1 - 0.3 / height, sheet.title, fontsize=11, fontweight="bold")
        shown = None
        for n, panel in enumerate(sheet.panels):
            row, column = divmod(n, columns)
            low = height - 0.55 - (row + 1) * down + 0.6
            box = ((column * across + 0.75) / width, low / height, wide / width, tall / height)
            shown = _panel(made.add_axes(box), panel, sheet, n)
        if shown is not None:
            low, high = 0.6, height - 0.55 - 0.55
            span = min(high - low, 4.0)
            beside = (columns * across + 0.25) / width
            bar_axes = made.add_axes((beside, (high - span) / height, 0.16 / width, span / height))
            bar = made.colorbar(shown, cax=bar_axes, label=sheet.colour_label)
            bar.outline.set_linewidth(0.6)
            bar.ax.grid(False)
        style.save(made, path)


def _panel(axes: Axes, panel: Panel, sheet: Sheet, number: int) -> Any:
    left, right, bottom, top = sheet.extent
    axes.grid(False)
    scale = Normalize(*sheet.limits)
    shown: Any
    if panel.image is not None:
        shown = axes.imshow(
            panel.image, origin="lower", extent=sheet.extent, aspect="auto", norm=scale,
            cmap=sheet.colormap, interpolation="nearest",
        )  # fmt: skip
    else:
        shown = PolyCollection(
            list(panel.polygons), cmap=sheet.colormap, norm=scale,
            edgecolors="face", linewidths=0.1,
        )  # fmt: skip
        shown.set_array(panel.values)
        axes.add_collection(shown)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    label_axes(axes, sheet.extent)
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_title(f"{chr(97 + number)}) {panel.title}", pad=18 if panel.note else 6)
    if panel.note:
        axes.annotate(panel.note, (0, 1), (0, 5), "axes fraction", "offset points",
                      color=style.GREY, fontsize=8)  # fmt: skip
    return shown
