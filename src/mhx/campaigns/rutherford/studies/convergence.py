"""Is the solution that of the equations, or of the grid?  Ladders of resolution and of time step.

Along each ladder the growth rate, the largest growth and the amplifications must hardly change.  In
space the scheme is spectral: its error falls geometrically, so that no order in h is fitted; the
histories of the finest grids must agree, differences to the finest grid must fall, and so must the
share of energy near the cut-off.  In time the order is that of RK4 (`order`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies import ladders, subcases
from mhx.campaigns.rutherford.studies.cases import CaseRun, Cases
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.ladders import Ladder
from mhx.campaigns.rutherford.studies.measures import LEGACY, PEAKS, Bounds, Measured
from mhx.campaigns.rutherford.studies.order import BELOW, TWO, TimeOrder, time_order
from mhx.campaigns.rutherford.studies.study import CONVERGENCE
from mhx.campaigns.thresholds import BOUNDS
from mhx.evidence.gates import Gate, judge_all

RESOLUTION, TIMESTEP = "resolution", "timestep"
SPREADS = {
    "growth_rate": ("linear_growth_rate", "max_relative_growth_rate_spread"),
    "max_growth": ("max_growth_factor", "max_relative_max_growth_spread"),
    "flux_amplification": (
        "reconnected_flux_amplification",
        "max_relative_flux_amplification_spread",
    ),
    "width_amplification": (
        "island_width_amplification",
        "max_relative_width_amplification_spread",
    ),
}
"""Gate word -> what is compared, and its bound."""
NEGLIGIBLE = 1e-6  # of the largest value: differences to the finest grid that need not fall
NO_TAIL = 1e-20  # share of the energy that is round-off, and need not fall
APART, SPAN = 1.1, 1.25  # of a ladder of grids: least factor to the next, and over all of it
SHORTER = 2 * 0.99  # least factor from a time step to the next

RUNGS = (
    Gate(
        name="resolutions_apart",
        metric="resolution_refinement",
        low=APART,
        reason="neighbouring grids of nearly one size agree whatever their error; factor of points "
        "from each grid to the next, along either axis",
        remedy="run the study anew with --resolutions further apart along both axes, like N, 4N/3, "
        "2N",
    ),
    Gate(
        name="resolutions_span",
        metric="resolution_span",
        low=SPAN,
        reason="what hardly changes along a short ladder may change along a longer one; factor of "
        "points from the coarsest grid to the finest, along either axis",
        remedy="run the study anew with --resolutions further apart, like N, 4N/3, 2N",
    ),
    Gate(
        name="timesteps_apart",
        metric="timestep_shortening",
        low=SHORTER,
        reason="time steps of nearly one size agree whatever their error; factor from each step to "
        "the next, 2 within 1 %",
        remedy="run the study anew with --dt-values dt,dt/2,dt/4",
    ),
)
"""Whether the ladders are ladders."""

ROWS = (
    *("samples", *LEGACY, "max_growth_factor"),
    *("reconnected_flux_amplification", "island_width_amplification", "relative_energy_increase"),
    *(*PEAKS, "linear_growth_rate", "max_spectral_tail"),
)
"""Columns of the compact arrays, one entry per case and role."""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """A ladder of grids, coarsest first.

    differences: of the island histories to those of the finest grid, one per coarser grid.
    tails: largest share of the energy near the cut-off, one per grid.
    """

    ladder: Ladder
    differences: tuple[float | None, ...]
    tails: tuple[float | None, ...]

    @property
    def finest_difference(self) -> float | None:
        """Of the two finest grids."""
        return self.differences[-1] if self.differences else None

    @property
    def rises(self) -> float | None:
        """How many differences neither fall nor are negligible; None where none can be told."""
        known = [value for value in self.differences if value is not None]
        if not known or len(known) < len(self.differences):
            return None
        pairs = list(pairwise(known))
        if not pairs:  # of a single difference only this can be said
            return 0.0 if known[0] <= NEGLIGIBLE else None
        return float(sum(not (fine < coarse or fine <= NEGLIGIBLE) for coarse, fine in pairs))

    @property
    def tail_rises(self) -> float | None:
        known = [value for value in self.tails if value is not None]
        if len(known) < 2 or len(known) < len(self.tails):
            return None
        pairs = pairwise(known)
        return float(sum(not (fine < coarse or fine <= NO_TAIL) for coarse, fine in pairs))


def judge(cases: Cases, bounds: Bounds) -> Judged:
    """Every gate of a convergence study."""
    found = subcases.judged(cases, bounds)
    runs = [one.run for one in found.counted]
    space = _resolution(runs)
    steps = ladders.timestep_ladder(runs)
    order = time_order(steps)
    measures = {one.run.id: one for one in found.counted}
    metrics = found.metrics | _spreads(RESOLUTION, space.ladder, measures)
    metrics |= _spreads(TIMESTEP, steps, measures)
    metrics |= {
        "resolution_refinement": ladders.least_refinement(space.ladder),
        "resolution_span": ladders.whole_refinement(space.ladder),
        "timestep_shortening": ladders.least_shortening(steps),
        "resolution_difference": space.finest_difference,
        "resolution_difference_rises": space.rises,
        "spectral_tail_rises": space.tail_rises,
        "timestep_order_error": None if order is None else order.error,
        "timestep_difference": None if order is None else order.difference,
    }
    gates = [*subcases.GATES, *RUNGS, *_spread_gates(bounds), *_gates(bounds, order)]
    return Judged(
        kind=CONVERGENCE,
        results=judge_all(gates, metrics),
        metrics=metrics,
        facts={
            **found.facts,
            "resolution": _told(space),
            "timestep": None if order is None else order.document(),
        },
        arrays=_arrays(space, steps, order, measures),
        covers=subcases.covers(runs) | _coverage(space, steps),
    )


def _resolution(runs: Sequence[CaseRun]) -> Resolution:
    ladder = ladders.resolution_ladder(runs)
    return Resolution(
        ladder=ladder,
        differences=tuple(ladders.history_difference(run, ladder[-1]) for run in ladder[:-1]),
        tails=tuple(_tail(run) for run in ladder),
    )


def _tail(run: CaseRun) -> float | None:
    tail = run.history.get("spectral_tail")
    return None if tail is None else float(tail.max())


def _spreads(
    axis: str, ladder: Ladder, measures: Mapping[str, Measured]
) -> dict[str, float | None]:
    return {
        f"{axis}_{word}_spread": ladders.spread([measures[run.id].metrics[name] for run in ladder])
        for word, (name, _) in SPREADS.items()
    }


def _spread_gates(bounds: Bounds) -> list[Gate]:
    return [
        Gate(
            name=f"{axis}_{word}_spread_bounded",
            metric=f"{axis}_{word}_spread",
            high=bounds.get(bound, BOUNDS[bound].value),
            reason="what changes along a ladder is no property of the equations",
            remedy=f"run the study anew with a finer {option}; at least two cases are needed",
        )
        for axis, option in ((RESOLUTION, "--resolutions"), (TIMESTEP, "--dt-values"))
        for word, (_, bound) in SPREADS.items()
    ]


def _gates(bounds: Bounds, order: TimeOrder | None) -> list[Gate]:
    def bound(name: str) -> float:
        return bounds.get(name, BOUNDS[name].value)

    finer = "run the study anew with finer --resolutions"
    return [
        Gate(
            name="resolution_converged",
            metric="resolution_difference",
            high=bound("max_resolution_difference"),
            reason="flux and width of the islands on the two finest grids, over their maximum",
            remedy=finer,
        ),
        Gate(
            name="resolution_error_decreases",
            metric="resolution_difference_rises",
            high=0,
            reason="differences to the finest grid fall with N, or lie below 1e-6",
            remedy="run the study anew with three or more --resolutions, finer ones",
        ),
        Gate(
            name="spectral_tail_decreases",
            metric="spectral_tail_rises",
            high=0,
            reason="the share of energy near the cut-off must fall with N",
            remedy=finer,
        ),
        _order_gate(order, bound("max_timestep_order_error"), bound("max_timestep_difference")),
    ]


def _order_gate(order: TimeOrder | None, error: float, difference: float) -> Gate:
    """On the order where one is measured, else on how little the time step matters."""
    remedy = "run the study anew with --dt-values dt,dt/2,dt/4"
    if order is not None and order.status in (BELOW, TWO):
        return Gate(
            name="timestep_order",
            metric="timestep_difference",
            high=difference,
            reason=f"no order can be had ({order.status}): the final fields must hardly differ",
            remedy=remedy,
        )
    return Gate(
        name="timestep_order",
        metric="timestep_order_error",
        high=error,
        reason="a scheme that does not converge at its order hides a mistake",
        remedy=remedy,
    )


def _told(space: Resolution) -> dict[str, Any]:
    return {
        "resolutions": [list(run.config.grid.shape) for run in space.ladder],
        "differences_to_finest": list(space.differences),
        "spectral_tails": list(space.tails),
        "negligible_difference": NEGLIGIBLE,
    }


def _coverage(space: Resolution, steps: Ladder) -> dict[str, Any]:
    """What the ladders cover, in the order of the ladders."""
    return {
        "resolutions": [list(run.config.grid.shape) for run in space.ladder],
        "resolution_differences": list(space.differences),
        "time_steps": [run.config.dt for run in steps],
    }


def _arrays(
    space: Resolution, steps: Ladder, order: TimeOrder | None, measures: Mapping[str, Measured]
) -> dict[str, np.ndarray]:
    """One row per role: resolutions first, coarse to fine, then time steps, large to small."""
    rows = [(RESOLUTION, run, space.ladder[-1]) for run in space.ladder]
    rows += [(TIMESTEP, run, steps[-1]) for run in steps]
    runs = [run for _, run, _ in rows]
    numbers = [{name: measures[run.id].metrics.get(name) for name in ROWS} for run in runs]
    arrays = ladders.table(runs, numbers)
    arrays |= {
        "case_kind": np.array([kind for kind, _, _ in rows], dtype=str),
        "case_label": np.array([run.label for run in runs], dtype=str),
        "resolution": np.array([min(run.config.grid.shape) for run in runs], np.int64),
        "shape": np.array([run.config.grid.shape for run in runs], np.int64).reshape(-1, 2),
        "dt": np.array([run.config.dt for run in runs], float),
        "final_field_difference": np.array(
            [ladders.number(ladders.field_difference(run, finest)) for _, run, finest in rows]
        ),
        "history_difference": np.array(
            [ladders.number(ladders.history_difference(run, finest)) for _, run, finest in rows]
        ),
    }
    return arrays | subcases.traces(runs) | _order_arrays(order)


def _order_arrays(order: TimeOrder | None) -> dict[str, np.ndarray]:
    """The differences from which the order in time was taken."""
    pairs = order.pairs if order else ()
    return {
        "order_quantity": np.array([pair.quantity for pair in pairs], dtype=str),
        "order_differences": np.array([(pair.d1, pair.d2) for pair in pairs], float).reshape(-1, 2),
        "order_cosine": np.array([pair.cosine for pair in pairs], float),
        "order_observed": np.array([ladders.number(pair.order) for pair in pairs], float),
    }
