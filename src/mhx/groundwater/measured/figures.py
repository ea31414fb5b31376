"""`observed_simulated.png`: what was measured against what was computed, and series over time.

One panel for each quantity with the line on which both agree, bars of one standard deviation and
the worst value named; below them the series with the largest residuals.  Heads m, flows m3/s.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mhx.groundwater.measured.simulated import Pair
from mhx.groundwater.measured.statistics import by_id, by_quantity, named, worst_of
from mhx.groundwater.measured.vocabulary import UNITS
from mhx.report import plots, style

MOST_SERIES = 8
"""Series that are drawn: those with the largest residuals."""
LITRES = 0.1
"""Flows below this many m3/s are drawn in litres per second."""


def draw(path: Path, pairs: Sequence[Pair], statistics: Mapping[str, float]) -> None:
    """Draw one PNG; statistics: as `statistics.statistics` gives them."""
    panels = [
        _against(quantity, of_it, statistics)
        for quantity, of_it in by_quantity(pairs).items()
        if any(not math.isnan(pair.simulated) for pair in of_it)
    ]
    panels += _over_time(pairs)
    if panels:
        plots.panels(path, panels)


def _against(quantity: str, pairs: Sequence[Pair], statistics: Mapping[str, float]) -> plots.Panel:
    there = [pair for pair in pairs if not math.isnan(pair.simulated)]
    factor, unit = _unit(quantity, there)
    line = _ends(there, factor)
    curves = [plots.Curve(x=line, y=line, label="simulated = observed", color=style.GREY, width=1)]
    worst = worst_of(pairs)
    if counted := [pair for pair in there if pair.counted and pair is not worst]:
        text = _counted(len(counted), "value")
        curves.append(_points(counted, factor, label=text, color=style.BLUE))
    if shown := [pair for pair in there if not pair.counted]:
        text = f"{_counted(len(shown), 'value')} of weight 0"
        curves.append(_points(shown, factor, label=text, color=style.GREY, hollow=True))
    if worst is not None:
        text = f"worst: {named(worst)}, {worst.residual * factor:+.3g} {unit}"
        curves.append(_points([worst], factor, label=text, color=style.RED, marker="D"))
    return plots.Panel(
        title=f"{quantity.capitalize()}s",
        note=_note(quantity, statistics, factor, unit),
        xlabel=f"observed  [{unit}]",
        ylabel=f"simulated  [{unit}]",
        curves=curves,
        xlim=line,
        ylim=line,
    )


def _unit(quantity: str, pairs: Sequence[Pair]) -> tuple[float, str]:
    """Factor and unit in which values of this size are easy to read."""
    if quantity == "head":
        return 1.0, "m"
    largest = max(abs(pair.row.value) for pair in pairs)
    return (1.0, "m³/s") if largest >= LITRES else (1e3, "L/s")


def _ends(pairs: Sequence[Pair], factor: float) -> tuple[float, float]:
    """From where to where both axes go: all values with their bars, and a margin."""
    ends = [pair.simulated for pair in pairs]
    for pair in pairs:
        spread = pair.row.standard_deviation or 0.0
        ends += [pair.row.value - spread, pair.row.value + spread]
    low, high = factor * min(ends), factor * max(ends)
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def _points(
    pairs: Sequence[Pair],
    factor: float,
    *,
    label: str,
    color: str,
    marker: str = "o",
    hollow: bool = False,
) -> plots.Curve:
    spreads = [factor * (pair.row.standard_deviation or 0.0) for pair in pairs]
    return plots.Curve(
        x=[factor * pair.row.value for pair in pairs],
        y=[factor * pair.simulated for pair in pairs],
        label=label,
        color=color,
        dash="none",
        width=1,
        marker=marker,
        hollow=hollow,
        size=5,
        x_error=spreads if any(spreads) else (),
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _note(quantity: str, statistics: Mapping[str, float], factor: float, unit: str) -> str:
    ending, _ = UNITS[quantity]
    bias, rmse = (factor * statistics[f"{quantity}_{name}_{ending}"] for name in ("bias", "rmse"))
    if math.isnan(rmse):
        return "no value counts"
    r2 = statistics[f"{quantity}_r2"]
    fit = "" if math.isnan(r2) else f", R² {r2:.3g}"
    return f"bias {bias:+.3g} {unit}, RMSE {rmse:.3g} {unit}{fit}"


def _over_time(pairs: Sequence[Pair]) -> Iterator[plots.Panel]:
    """A panel for each series, those that lie farthest off first."""
    series = [
        (name, sorted(of_it, key=_time))
        for of_quantity in by_quantity(pairs).values()
        for name, of_it in by_id(of_quantity).items()
        if len({pair.time_d for pair in of_it} - {None}) > 1
    ]
    series.sort(key=lambda entry: -_farthest(entry[1]))
    for name, of_it in series[:MOST_SERIES]:
        quantity = of_it[0].row.quantity
        factor, unit = _unit(quantity, of_it)
        more = f", {MOST_SERIES} of {len(series)} series" if len(series) > MOST_SERIES else ""
        times, values = of_it[0].history or ([], [])
        yield plots.Panel(
            title=f"{name}{more}",
            xlabel="time  [d]",
            ylabel=f"{quantity}  [{unit}]",
            curves=[
                plots.Curve(
                    x=times,
                    y=[factor * value for value in values],
                    label="simulated",
                    color=style.BLUE,
                ),
                plots.Curve(
                    x=[_time(pair) for pair in of_it],
                    y=[factor * pair.row.value for pair in of_it],
                    label="observed",
                    color=style.RED,
                    dash="none",
                    marker="o",
                    size=4,
                ),
            ],
        )


def _time(pair: Pair) -> float:
    return pair.time_d if pair.time_d is not None else math.inf


def _farthest(pairs: Sequence[Pair]) -> float:
    worst = worst_of(pairs)
    return abs(worst.residual) * math.sqrt(worst.row.weight) if worst else 0.0
