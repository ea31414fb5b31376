"""The picture of a bundle, drawn from what was judged and nothing else, one per kind of study.

Values, intervals and bounds are those of the gates: what a picture shows is what the verdict read.
Times in L/v_A, lengths in L, rates in v_A/L, energies in v_A^2 as domain means.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies.convergence_figure import convergence
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.study import CONVERGENCE, LONG_RUN, SEEDS, SWEEP
from mhx.report import paper, style
from mhx.report.paper import Layout
from mhx.report.plots import Band, Curve, Level, Panel, Upright

Arrays = Mapping[str, np.ndarray]
DASHED, DOTS = (0, (4, 2.5)), (0, (1, 1.3))
NEGLIGIBLE = 1e-17  # relative; what differs by less is equal to the last bit

QUANTITIES = {
    "linear_growth_rate": "growth rate",
    "gamma_fit": "rate, fixed window",
    "peak_sheet_flux": "peak flux",
    "peak_island_width": "peak width",
    "final_total_energy": "final $E$",
    "final_magnetic_energy": "final $E_B$",
}
"""Metric of an ensemble -> what it is called in a picture."""


def seeds(judged: Judged) -> list[Panel]:
    """How far each seed is from the mean: by quantity, in growth rate, in width over time."""
    arrays = judged.arrays
    names = [str(name) for name in arrays.get("metric_names", ())]
    if not names or not len(arrays["metric_values"]):
        return []
    values = np.asarray(arrays["metric_values"], float)
    halves = {result.gate.name.removesuffix("_passed"): result for result in judged.results}
    shown = [name for name in QUANTITIES if name in names and name in halves]
    rows = {name: float(len(shown) - n) for n, name in enumerate(shown)}
    columns = {name: values[:, names.index(name)] for name in shown}
    return [
        _spread(columns, rows, halves),
        *_by_seed(np.asarray(arrays["seeds"]), columns, halves),
        *_together(arrays),
    ]


def _spread(columns: Arrays, rows: Mapping[str, float], halves: Mapping[str, Any]) -> Panel:
    away, at, half, level = [], [], [], []
    for name, column in columns.items():
        mean = column.mean() or np.nan
        away += [x if x > NEGLIGIBLE else np.nan for x in np.abs(column / mean - 1)]
        at += [rows[name]] * len(column)
        half.append(np.nan if halves[name].value is None else halves[name].value)
        level.append(rows[name])
    bounds = sorted({halves[name].gate.high for name in columns})
    return Panel(
        title="Spread over the seeds",
        ylabel="",
        xlabel="distance from the mean, relative  [1]",
        curves=[
            Curve(x=away, y=at, dash="", marker="o", size=3.2, hollow=True, label="each seed"),
            Curve(x=half, y=level, dash="", marker="D", size=4, color=style.RED,
                  label="half width, 95 %"),
        ],
        uprights=[Upright(x=bound, label=f"bound {_percent(bound)}") for bound in bounds],
        xlog=True,
        yticks={QUANTITIES[name]: row for name, row in rows.items()},
        ylim=(0.4, len(rows) + 1.9),
        legend="upper left",
    )  # fmt: skip


def _by_seed(numbers: np.ndarray, columns: Arrays, halves: Mapping[str, Any]) -> list[Panel]:
    rates = columns.get("linear_growth_rate")
    if rates is None or not np.isfinite(rates).all() or not rates.mean():
        return []
    if halves["linear_growth_rate"].value is None:
        return []
    mean, places = float(rates.mean()), np.arange(len(rates), dtype=float)
    away, half = 100 * (rates / mean - 1), 100 * halves["linear_growth_rate"].value
    room = 1.6 * max(half, float(np.abs(away).max())) or 1.0
    return [
        Panel(
            title="Growth rate of each seed",
            ylabel="distance from the mean  [%]",
            xlabel="seed",
            curves=[Curve(x=places, y=away, dash="", marker="o", label="seed")],
            levels=[Level(y=0, label=f"mean {mean:.5f} $v_A/L$")],
            bands=[Band(low=-half, high=half, label="95 % interval of the mean")],
            xticks={
                str(int(numbers[n])): n for n in range(0, len(numbers), -(-len(numbers) // 10))
            },
            ylim=(-room, 1.6 * room),
            legend="upper right",
        )
    ]


def _together(arrays: Arrays) -> list[Panel]:
    """The width of the island in every run, and how far each is from the mean of all."""
    name = "history_island_width_0"
    if name not in arrays or len(arrays[name]) < 2:
        return []
    time, widths = np.asarray(arrays["history_time"]), np.asarray(arrays[name], float)
    mean = widths.mean(axis=0)
    away = np.where(mean > 0, np.abs(widths / np.where(mean > 0, mean, 1) - 1), np.nan)
    return [
        Panel(
            title="Width of the island, every seed",
            ylabel="$W$  [$L$]",
            from_zero=True,
            curves=[Curve(x=time, y=row, width=0.8) for row in widths],
        ),
        Panel(
            title="Its distance from the mean of all",
            ylabel="relative  [1]",
            log=True,
            curves=[Curve(x=time, y=row, width=0.8) for row in away],
        ),
    ]


AXES = {
    "width": ("width", "half-width  $a$  [$L$]"),
    "resistivity": ("resistivity", "resistivity  $\\eta$  [$L\\,v_A$]"),
}
"""Axis of a sweep -> array along it and its name; modes have words instead."""


def sweep(judged: Judged) -> list[Panel]:
    """Measured against computed growth rate of each case, their mismatch, and the response."""
    arrays = judged.arrays
    if not len(arrays.get("case_label", ())):
        return []
    along, xlabel, ticks = _along(arrays)
    order = np.argsort(along)
    x = along[order]
    measured, computed = (
        np.asarray(arrays[name], float)[order]
        for name in ("linear_growth_rate", "growth_rate_computed")
    )
    reach = _bound(judged, "growth_matches_eigenvalue_all")
    bands = []
    apart = 100 * (measured / np.where(computed > 0, computed, np.nan) - 1)
    if reach:
        words = f"bound \u00b1 {_percent(reach)}"
        bands = [Band(low=-100 * reach, high=100 * reach, label=words)]
    panels = [
        Panel(
            title="Growth rate", ylabel="$\\gamma$  [$v_A/L$]", xlabel=xlabel, xticks=ticks,
            curves=[
                Curve(x=x, y=computed, color=style.ORANGE, marker="s", hollow=True, size=6,
                      label="eigenvalue"),
                Curve(x=x, y=measured, dash="", marker="o", label="run"),
            ],
            xlim=_room(x),
        ),
        Panel(
            title="Run against eigenvalue", ylabel="difference  [%]", xlabel=xlabel, xticks=ticks,
            curves=[Curve(x=x, y=apart, dash="", marker="o")],
            levels=[Level(y=0, label="")],
            bands=bands,
            xlim=_room(x), legend="upper right",
        ),
    ]  # fmt: skip
    panels.append(
        Panel(
            title="Response", ylabel="largest over initial  [1]", xlabel=xlabel, xticks=ticks,
            log=True, xlim=_room(x),
            curves=[
                Curve(x=x, y=np.asarray(arrays[name], float)[order], color=color, marker=marker,
                      dash=dash, label=label)
                for name, label, color, marker, dash in (
                    ("reconnected_flux_amplification", "flux", style.BLUE, "o", "-"),
                    ("island_width_amplification", "width $W$", style.RED, "s", DASHED),
                )
            ],
        )
    )  # fmt: skip
    return [*panels, *_histories(arrays, order)]


def _histories(arrays: Arrays, order: np.ndarray) -> list[Panel]:
    """The width of the island in each case, told apart by colour and dash."""
    name = "history_island_width_0"
    if name not in arrays:
        return []
    looks = ((style.BLUE, "-"), (style.RED, DASHED), (style.GREEN, DOTS))
    rows = np.asarray(arrays[name], float)[order]
    labels = np.asarray(arrays["case_label"])[order]
    return [
        Panel(
            title="Width of the island", ylabel="$W$  [$L$]", from_zero=True,
            curves=[
                Curve(x=arrays["history_time"], y=row, label=str(label), width=1.3,
                      color=looks[n % 3][0], dash=looks[n % 3][1])
                for n, (row, label) in enumerate(zip(rows, labels, strict=True))
            ],
            legend="lower right",
        )
    ]  # fmt: skip


def _along(arrays: Arrays) -> tuple[np.ndarray, str, dict[str, float]]:
    axis = str(np.ravel(arrays["sweep_axis"])[0])
    if axis in AXES:
        name, label = AXES[axis]
        values = np.asarray(arrays[name], float)
        return values, label, {f"{value:g}": float(value) for value in sorted(values)}
    modes = list(zip(arrays["mode_x"], arrays["mode_y"], strict=True))
    places = np.arange(len(modes), dtype=float)
    words = {f"({x}, {y})": place for (x, y), place in zip(modes, places, strict=True)}
    return places, "mode  $(m_x, m_y)$", words


def _room(x: np.ndarray) -> tuple[float, float]:
    known = x[np.isfinite(x)] if np.isfinite(x).any() else np.zeros(1)
    span = float(np.ptp(known)) or abs(float(known[0])) or 1.0
    return float(known.min()) - 0.12 * span, float(known.max()) + 0.12 * span


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _counts(*series: np.ndarray) -> dict[str, float]:
    """Whole numbers as words for an axis of counts, at most some six of them."""
    top = int(max(float(np.max(np.nan_to_num(one), initial=1)) for one in series))
    return {str(n): float(n) for n in range(0, top + 1, -(-(top + 1) // 6))}


def _bound(judged: Judged, gate: str) -> float | None:
    """Upper bound of a gate as it was judged; None where it was not."""
    found = [result.gate.high for result in judged.results if result.gate.name == gate]
    return found[0] if found and np.isfinite(found[0]) else None


def long_run(judged: Judged) -> list[Panel]:
    """Perturbation, flux, width, energies, modes and critical points over the whole run."""
    arrays = judged.arrays
    time = arrays.get("time")
    if time is None or not len(time):
        return []

    def curves(*rows: tuple[str, str, str, Any]) -> list[Curve]:
        return [
            Curve(x=time, y=arrays[name], label=label, color=color, dash=dash, width=1.2)
            for name, label, color, dash in rows
            if name in arrays
        ]

    panels = [
        Panel(
            title="Perturbation", ylabel="norm over its amplitude  [1]", log=True,
            curves=curves(("perturbation_norm", "", style.BLUE, "-")),
        ),
        Panel(
            title="Reconnected flux", ylabel="flux  [$L\\,v_A$]", log=True, legend="lower right",
            curves=curves(
                ("sheet_flux_0", "sheet 0", style.BLUE, "-"),
                ("sheet_flux_1", "sheet 1", style.RED, DASHED),
                ("seed_mode_reconnected_flux", "mode of the seed", style.GREEN, DOTS),
                ("reconnected_flux", "legacy proxy", style.GREY, DOTS),
            ),
        ),
        Panel(
            title="Width of the islands", ylabel="$W$  [$L$]", from_zero=True,
            legend="lower right",
            curves=curves(
                ("island_width_0", "from the flux, sheet 0", style.BLUE, "-"),
                ("island_width_1", "sheet 1", style.RED, DASHED),
                ("separatrix_width_0", "separatrix, sheet 0", style.GREEN, DOTS),
            ),
        ),
        Panel(
            title="Energies", ylabel="domain mean  [$v_A^2$]", log=True, legend="center right",
            curves=curves(
                ("total_energy", "total", style.INK, "-"),
                ("magnetic_energy", "magnetic", style.BLUE, DASHED),
                ("kinetic_energy", "kinetic", style.RED, "-"),
            ),
        ),
        Panel(
            title="Strongest mode of the flux", ylabel="mode number  [1]", from_zero=True,
            yticks=_counts(*(arrays[f"dominant_flux_mode_{x}"] for x in "xy"))
            if "dominant_flux_mode_x" in arrays else {},
            curves=curves(
                ("dominant_flux_mode_x", "$m_x$", style.BLUE, "-"),
                ("dominant_flux_mode_y", "$m_y$", style.RED, DASHED),
            ),
        ),
        Panel(
            title="Critical points of the flux", ylabel="count  [1]", from_zero=True,
            yticks=_counts(*(arrays[f"{x}_point_count"] for x in "xo"))
            if "x_point_count" in arrays else {},
            curves=curves(
                ("x_point_count", "X points", style.BLUE, "-"),
                ("o_point_count", "O points", style.RED, DASHED),
            ),
        ),
    ]  # fmt: skip
    return [panel for panel in panels if panel.curves]


Panels = Callable[[Judged], list[Panel]]
DRAWN: Mapping[str, tuple[str, Panels, Layout]] = {
    CONVERGENCE: ("convergence.png", lambda one: convergence({"": one}), paper.SIDE_BY_SIDE),
    SWEEP: ("parameter_sweep.png", sweep, paper.SIDE_BY_SIDE),
    SEEDS: ("qi_summary.png", seeds, paper.SIDE_BY_SIDE),
    LONG_RUN: ("long_run.png", long_run, paper.SIDE_BY_SIDE),
}
"""Kind of a study -> its picture, what is in it, how it is laid out."""


def draw(judged: Judged, folder: Path) -> list[str]:
    """Draw the picture of a study into `folder`; its name, or nothing where no case can be shown.

    A picture of an earlier judgement does not stay where there is nothing to show now.
    """
    name, panels_of, layout = DRAWN[judged.kind]
    panels: Sequence[Panel] = panels_of(judged)
    if not panels:
        (folder / name).unlink(missing_ok=True)
        return []
    paper.figure(folder / name, panels, layout)
    return [name]
