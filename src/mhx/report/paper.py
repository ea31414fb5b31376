"""Figures for the page of a journal: the panels of `plots`, lettered, at the width of a column.

One column is 3.4 inch wide, a page of two columns 7.0; letters are 7 to 8 points high at that size,
and the file holds 300 dots per inch.  What a panel shows is decided by the domains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

from mhx.report import plots, style
from mhx.report.plots import Panel

COLUMN, PAGE = 3.4, 7.0  # inch


@dataclass(frozen=True, kw_only=True)
class Layout:
    """columns: panels side by side.  width: of the figure [inch].  height: of a panel [inch]."""

    columns: int = 1
    width: float = COLUMN
    height: float = 2.1


STACKED = Layout()
SIDE_BY_SIDE = Layout(columns=2, width=PAGE, height=2.5)


def figure(path: Path, drawn: Sequence[Panel], layout: Layout = STACKED) -> None:
    """Draw the panels row by row, each with its letter, into one PNG."""
    columns = min(layout.columns, len(drawn))
    rows = -(-len(drawn) // columns)
    with style.styled(style.PRINT):
        made = style.figure(
            layout.width, rows * layout.height + 0.1, style.PRINT_DPI, layout="constrained"
        )
        places = made.subplots(rows, columns, squeeze=False).ravel()
        for axes in places[len(drawn) :]:
            axes.remove()
        for letter, axes, panel in zip(ascii_lowercase, places, drawn, strict=False):
            plots.draw(axes, panel)
            if len(drawn) > 1:
                axes.set_title(f"({letter})  {panel.title}", pad=15 if panel.note else 5)
        style.save(made, path)
