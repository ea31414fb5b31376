"""One row for each name, one dot for each number of it, on a logarithmic axis with bounds.

For names that are too long to stand side by side.  Which numbers and bounds belong in a picture is
decided by the domains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from mhx.report import style
from mhx.report.plots import power

ROW = 0.34  # inch


@dataclass(frozen=True, kw_only=True)
class Series:
    """Positive numbers by the name of their row; marker: of matplotlib."""

    label: str
    values: Mapping[str, float]
    color: str
    marker: str


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A vertical line with its name."""

    x: float
    label: str
    color: str


def draw(
    path: Path,
    names: Sequence[str],
    series: Sequence[Series],
    bounds: Sequence[Bound],
    words: tuple[str, str],
) -> None:
    """Draw one PNG, the first name on top; words: title and label of the axis."""
    title, xlabel = words
    with style.styled():
        made = style.figure(7.2, 1.75 + ROW * len(names), layout="constrained")
        axes = made.add_subplot()
        handles = []
        for one in series:
            rows = [names.index(name) for name in one.values]
            handles += axes.plot(
                list(one.values.values()), rows, one.marker, color=one.color, ms=7,
                label=one.label, mec="white", zorder=3,
            )  # fmt: skip
        for bound in bounds:
            axes.axvline(bound.x, color=bound.color, lw=1, ls=(0, (4, 3)))
            handles.append(
                Line2D([], [], color=bound.color, lw=1, ls=(0, (4, 3)), label=bound.label)
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(power))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_yticks(range(len(names)), list(names))
        axes.set(ylim=(len(names) - 0.5, -0.5), xlabel=xlabel)
        axes.set_title(title)
        made.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        style.save(made, path)
