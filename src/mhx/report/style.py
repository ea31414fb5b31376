"""Colours, sizes and the two ways to make a figure file; every picture of mhx looks alike.

Colours are those of Okabe and Ito, told apart by colour-blind readers, and never the only carrier
of a meaning.  Figures are drawn without pyplot, so nothing global is touched and no window can
open. A file holds no date and no version: the same numbers give the same bytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib as mpl
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mhx.evidence import store

INK, GREY, FAINT = "#222222", "#6b6b6b", "#d9d9d9"
BLUE, ORANGE, GREEN, RED = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PURPLE, SKY = "#cc79a7", "#56b4e9"
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"
DPI = 110

RC: Any = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same picture on every machine
    "font.size": 9.5,
    "mathtext.fontset": "dejavusans",
    "axes.labelsize": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-4, 5),
    "axes.formatter.use_mathtext": True,
    "axes.prop_cycle": cycler(color=CYCLE),
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.6,
    "savefig.facecolor": "white",
    "text.color": INK,
}


PRINT_DPI = 300
PRINT: Any = RC | {  # at the width of a column, 3.4 inch, letters are 7 to 8 points high
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.titlepad": 5,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.labelspacing": 0.3,
    "legend.frameon": True,  # lines end at a legend, they do not run through its words
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "legend.borderpad": 0.25,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
}


@contextmanager
def styled(rules: Any = None) -> Iterator[None]:
    """The house style, for as long as something is drawn; `PRINT` for the page of a journal."""
    with mpl.rc_context(rules or RC):
        yield


def figure(width: float, height: float, dpi: int = DPI, layout: Any = None) -> Figure:
    """An empty figure of this size [inch] on the raster canvas."""
    made = Figure(figsize=(width, height), dpi=dpi, facecolor="white", layout=layout)
    FigureCanvasAgg(made)
    return made


def save(made: Figure, path: Path) -> None:
    """Write the figure as PNG, complete or not at all."""

    def write(stream: BinaryIO) -> None:
        made.savefig(stream, format="png", dpi="figure", metadata={"Software": None})

    store.write_with(path, write)
