"""The gate matrix: one row per gate, its verdict by colour, symbol and word, its value and bound.

Gates are grouped by theme under one headline that counts the verdicts.  Long lists run in two
columns, so that some sixty gates stay readable at full size on one page.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from mhx.evidence.gates import GateResult, Verdict
from mhx.report import style

ROW, COLUMN = 0.235, 7.1  # inch
ONE_COLUMN = 24  # lines that still stand in one column
MARKS = {
    Verdict.PASS: ("\N{CHECK MARK}", "#006d4f", "#d5efe4"),
    Verdict.FAIL: ("\N{BALLOT X}", "#ffffff", "#c44601"),
    Verdict.UNKNOWN: ("?", "#5a4500", "#f6dd9b"),
}


def gate_matrix(
    path: Path, themes: Mapping[str, Sequence[GateResult]], *, title: str, note: str = ""
) -> None:
    """Draw the gates of all themes, in order, into one PNG; empty themes are left out."""
    blocks = [(theme, results) for theme, results in themes.items() if results]
    columns = _columns(blocks)
    lines = max((sum(len(results) + 1.6 for _, results in column) for column in columns), default=1)
    width, height = COLUMN * len(columns), lines * ROW + 1.15
    with style.styled():
        made = style.figure(width, height)
        axes = made.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        axes.text(0.3, 0.38, title, fontsize=14, fontweight="bold", va="center")
        every = [result for _, results in blocks for result in results]
        counts = ", ".join(
            f"{sum(r.verdict is verdict for r in every)} {verdict.value}" for verdict in Verdict
        )
        words = f"{len(every)} gates: {counts}" + (f"  \N{MIDDLE DOT}  {note}" if note else "")
        axes.text(0.3, 0.7, words, fontsize=10, color=style.GREY, va="center")
        for n, column in enumerate(columns):
            _column(axes, n * COLUMN, column)
        style.save(made, path)


Block = tuple[str, Sequence[GateResult]]


def _columns(blocks: list[Block]) -> list[list[Block]]:
    """Split at the theme that makes two columns most alike in length."""
    sizes = [len(results) + 1.6 for _, results in blocks]
    if sum(sizes) <= ONE_COLUMN or len(blocks) < 2:
        return [blocks]
    cut = min(range(1, len(blocks)), key=lambda n: max(sum(sizes[:n]), sum(sizes[n:])))
    return [blocks[:cut], blocks[cut:]]


def _column(axes: Axes, left: float, blocks: list[Block]) -> None:
    y = 1.05
    for theme, results in blocks:
        y += 0.25 * ROW
        axes.text(left + 0.3, y, theme, fontsize=10.5, fontweight="bold", va="center")
        if y < 1.2:
            for x, name in ((5.42, "value"), (5.72, "bound")):
                axes.text(left + x, y, name, fontsize=8.5, color=style.GREY, va="center",
                          ha="right" if name == "value" else "left")  # fmt: skip
        y += 0.62 * ROW
        axes.plot([left + 0.3, left + COLUMN - 0.3], [y, y], color=style.FAINT, lw=0.8)
        y += 0.62 * ROW
        for result in results:
            _row(axes, left, y, result)
            y += ROW
        y += 0.11 * ROW


def _row(axes: Axes, left: float, y: float, result: GateResult) -> None:
    symbol, ink, paper = MARKS[result.verdict]
    axes.add_patch(
        FancyBboxPatch(
            (left + 0.32, y - 0.36 * ROW), 0.88, 0.72 * ROW, lw=0, facecolor=paper,
            boxstyle="round,pad=0,rounding_size=0.04",
        )
    )  # fmt: skip
    axes.text(left + 0.42, y, symbol, fontsize=9, color=ink, va="center_baseline")
    axes.text(left + 0.6, y, result.verdict.value, fontsize=8.5, color=ink, va="center_baseline")
    weight = "normal" if result.passed else "bold"
    axes.text(left + 1.32, y, result.gate.name, fontsize=9, va="center_baseline", fontweight=weight)
    axes.text(left + 5.42, y, _number(result.value), fontsize=9, va="center_baseline", ha="right",
              color=style.INK if result.value is not None else style.GREY)  # fmt: skip
    bound = result.gate.bound_text.replace("<=", "\N{LESS-THAN OR EQUAL TO}")
    bound = bound.replace(">=", "\N{GREATER-THAN OR EQUAL TO}").replace("..", "\N{EN DASH}")
    axes.text(left + 5.72, y, bound, fontsize=9, va="center_baseline", color=style.GREY)


def _number(value: float | None) -> str:
    return "not reported" if value is None else f"{value:.4g}"
