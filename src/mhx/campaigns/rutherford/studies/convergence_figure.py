"""How far apart the cases of a convergence study are: space, time, tail of the spectrum, spreads.

Takes several bundles, so that a promotion shows those it rests on in one picture.  N is the number
of points along the coarser axis.  Differences are relative, of the quantities that the gates read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies.convergence import (
    NEGLIGIBLE,
    RESOLUTION,
    SPREADS,
    TIMESTEP,
)
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.order import FLOOR, FORMAL
from mhx.campaigns.thresholds import BOUNDS
from mhx.report import style
from mhx.report.plots import Curve, Level, Panel, Upright
from mhx.report.scales import spoken

Bundles = Mapping[str, Judged]
LOOKS = (
    {"color": style.BLUE, "marker": "o", "size": 6.5},
    {"color": style.RED, "marker": "s", "size": 4},  # bundles share cases: both points are seen
    {"color": style.GREEN, "marker": "^", "size": 5},
    {"color": style.PURPLE, "marker": "D", "size": 3.5},
)
POINTS = "points along the coarser axis  $N$"
WORDS = {
    "growth_rate": "growth rate",
    "max_growth": "largest growth",
    "flux_amplification": "flux, max/initial",
    "width_amplification": "width, max/initial",
}
"""Spread that is bounded -> what it is called in a picture."""


def convergence(bundles: Bundles) -> list[Panel]:
    """Four panels over one or more convergence studies, by name; those with nothing to show drop.

    A bundle without a name is not told apart in legends.
    """
    shown = {name: one for name, one in bundles.items() if len(one.arrays.get("case_kind", ()))}
    panels = [_space(shown), _time(shown), _tails(shown), _spreads(shown)]
    return [panel for panel in panels if panel.curves]


def _looks(bundles: Bundles) -> list[tuple[str, Judged, dict[str, Any]]]:
    return [
        (name, one, dict(LOOKS[n % len(LOOKS)])) for n, (name, one) in enumerate(bundles.items())
    ]


def _ladder(judged: Judged, name: str) -> tuple[np.ndarray, np.ndarray]:
    """N and one column of the resolution ladder, coarse to fine."""
    arrays = judged.arrays
    rows = np.asarray(arrays["case_kind"]) == RESOLUTION
    points = np.asarray(arrays["resolution"], float)[rows]
    return points, np.asarray(arrays[name], float)[rows]


def _grids(bundles: Bundles) -> dict[str, float]:
    every = {n for one in bundles.values() for n in _ladder(one, "max_spectral_tail")[0]}
    return {f"{n:.0f}": n for n in sorted(every)}


def _room(places: Mapping[str, float]) -> tuple[float, float] | None:
    """Limits of the axis of N, so that all panels share them."""
    if len(places) < 2:
        return None
    low, high = min(places.values()), max(places.values())
    return low - 0.06 * (high - low), high + 0.06 * (high - low)


def _space(bundles: Bundles) -> Panel:
    curves, bounds = [], set()
    for name, one, look in _looks(bundles):
        points, apart = _ladder(one, "history_difference")
        if len(points) > 1:
            curves.append(Curve(x=points[:-1], y=apart[:-1], label=name, **look))
        bounds |= _bounds(one, "resolution_converged")
    return Panel(
        title="Space",
        ylabel="difference to finest grid  [1]",
        xlabel=POINTS,
        log=True,
        curves=curves,
        levels=[
            *(Level(y=bound, label=f"bound {spoken(bound)}", color=style.INK) for bound in bounds),
            Level(y=NEGLIGIBLE, label=f"negligible {spoken(NEGLIGIBLE)}"),
        ],
        xticks=_grids(bundles),
        xlim=_room(_grids(bundles)),
    )


def _time(bundles: Bundles) -> Panel:
    curves: list[Curve] = []
    told: list[str] = []
    ticks: dict[str, float] = {}
    for name, one, look in _looks(bundles):
        found = one.facts.get("timestep") or {}
        steps, apart = found.get("time_steps") or [], [found.get("d1"), found.get("d2")]
        if not steps or apart[0] is None:
            continue
        ticks |= {f"{step:.3g}": step for step in steps[:2]}
        known = [value if value else np.nan for value in apart]
        words = f"{name}, " if name else ""
        label = f"{words}{str(found['quantity']).replace('_', ' ')}"
        curves.append(Curve(x=steps[:2], y=known, dash="", label=label, **look))
        if found.get("order") is not None:
            told.append(f"{found['order']:.3f}")
            guide = [apart[0] * (step / steps[0]) ** FORMAL for step in steps[:2]]
            shown = any(one.label.startswith("order") for one in curves)
            curves.append(
                Curve(x=steps[:2], y=guide, label="" if shown else f"order {FORMAL}",
                      color=style.INK, dash=(0, (4, 2)), width=1)
            )  # fmt: skip
    return Panel(
        title="Time",
        ylabel="difference to half the step  [1]",
        xlabel="time step  d$t$  [$L/v_A$]",
        log=True,
        xlog=True,
        curves=curves,
        levels=[Level(y=FLOOR, label=f"floor {spoken(FLOOR)}")] if not told else [],
        note=f"observed order {', '.join(told)}" if told else "no order measured",
        xticks=ticks,
    )


def _tails(bundles: Bundles) -> Panel:
    curves = []
    for name, one, look in _looks(bundles):
        points, tails = _ladder(one, "max_spectral_tail")
        if len(points):
            curves.append(Curve(x=points, y=tails, label=name, **look))
    bound = BOUNDS["max_spectral_tail"].value
    return Panel(
        title="Tail of the spectrum",
        ylabel="share of the energy  [1]",
        xlabel=POINTS,
        log=True,
        curves=curves,
        levels=[Level(y=bound, label=f"bound for the claim {spoken(bound)}", color=style.INK)],
        xticks=_grids(bundles),
        xlim=_room(_grids(bundles)),
    )


def _spreads(bundles: Bundles) -> Panel:
    rows = {word: float(len(WORDS) - n) for n, word in enumerate(WORDS) if word in SPREADS}
    curves, bounds = [], set()
    for name, one, look in _looks(bundles):
        values = {result.gate.name: result.value for result in one.results}
        for axis, hollow, shift in ((RESOLUTION, False, 0.12), (TIMESTEP, True, -0.12)):
            gates = {word: f"{axis}_{word}_spread_bounded" for word in rows}
            known = {word: values.get(gate) for word, gate in gates.items()}
            places = [rows[word] + shift for word, value in known.items() if value]
            if places:
                words = {RESOLUTION: "grids", TIMESTEP: "time steps"}[axis]
                label = f"{name}, {words}" if name else words
                curves.append(
                    Curve(x=[value for value in known.values() if value], y=places, dash="",
                          hollow=hollow, label=label, **look)
                )  # fmt: skip
            for gate in gates.values():
                bounds |= _bounds(one, gate)
    return Panel(
        title="Spread along the ladders",
        ylabel="",
        xlabel="(max \u2212 min) / |mean|  [1]",
        xlog=True,
        curves=curves,
        uprights=[
            Upright(x=bound, label=f"bound {100 * bound:g} %", color=style.INK) for bound in bounds
        ],
        yticks={WORDS[word]: row for word, row in rows.items()},
        ylim=(0.4, len(rows) + 0.6 + 0.5 * (len(curves) + len(bounds))),
        legend="upper left",
    )


def _bounds(judged: Judged, gate: str) -> set[float]:
    """The upper bound of a gate as it was judged."""
    found: Sequence[float] = [one.gate.high for one in judged.results if one.gate.name == gate]
    return {bound for bound in found if np.isfinite(bound)}
