"""What every study of several cases has: which of them count, and whether each holds by itself.

A case that is planned and missing, or whose files contradict themselves, is a failed case: a study
does not become better by losing one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies import ladders
from mhx.campaigns.rutherford.studies.cases import CaseRun, Cases
from mhx.campaigns.rutherford.studies.measures import (
    COMPARED,
    FAST_LABEL,
    PEAKS,
    Bounds,
    Measured,
    Metrics,
    is_fast,
    measured,
)
from mhx.evidence.gates import Gate

AGAIN = "run the study again: what is finished is not computed twice"
REQUIRED = (*COMPARED, *PEAKS, "relative_energy_increase")
"""Numbers that every case must have."""
TRACED = ("sheet_flux_0", "island_width_0", "kinetic_energy")
"""Histories of all cases that a bundle keeps for its picture, at the times that all have."""

FINITE = Gate(
    name="finite_case_metrics",
    metric="missing_case_metrics",
    high=0,
    reason="a quantity that a case does not have cannot be compared",
    remedy="run the study anew with a longer --t-end: a linear phase must be seen in each case",
)
PASSED = Gate(
    name="all_subcases_passed",
    metric="failed_subcases",
    high=0,
    reason="a case that is missing, altered or fails by itself proves nothing together",
    remedy="see `subcases` in diagnostics.json; a case that is missing is computed by the same "
    "command",
)
GATES = (FINITE, PASSED)


@dataclass(frozen=True, kw_only=True)
class Subcases:
    """counted: the cases whose files hold.  metrics, facts: what the study says of all of them."""

    counted: tuple[Measured, ...]
    metrics: Metrics
    facts: Mapping[str, Any]


def judged(cases: Cases, bounds: Bounds) -> Subcases:
    """Measure and judge each case by itself."""
    counted = tuple(measured(run, bounds, cases.purpose) for run in cases.usable)
    out = cases.problems
    lacking = {one.run.id: _lacking(one) for one in counted}
    metrics: Metrics = {"missing_case_metrics": None, "failed_subcases": None}
    if cases.planned:
        absent = sum(map(len, lacking.values())) + len(REQUIRED) * len(out)
        failed = sum(not one.passed for one in counted) + len(out)
        metrics = {"missing_case_metrics": float(absent), "failed_subcases": float(failed)}
    facts = {
        "subcases": [
            {
                "id": one.run.id,
                "label": one.run.label,
                "passed": one.passed,
                "failed": [str(result) for result in one.results if not result.passed],
                "lacking": lacking[one.run.id],
                "metrics": dict(one.metrics),
            }
            for one in counted
        ],
        "not_counted": out,
        "duration_label": FAST_LABEL if FAST_LABEL in cases.purpose else None,
        "fast_cases": [one.run.id for one in counted if is_fast(one.run)],
    }
    return Subcases(counted=counted, metrics=metrics, facts=facts)


def covers(runs: Sequence[CaseRun]) -> dict[str, Any]:
    """What the cases range over, whatever their roles: sorted, each value once."""
    shapes = sorted({run.config.grid.shape for run in runs}, key=lambda shape: (min(shape), shape))
    return {
        "resolutions": [list(shape) for shape in shapes],
        "time_steps": sorted({run.config.dt for run in runs}, reverse=True),
        "seeds": sorted({run.config.initial.seed for run in runs}),
        "t_end": min((run.config.t_end for run in runs), default=None),
    }


def traces(runs: Sequence[CaseRun]) -> dict[str, np.ndarray]:
    """Histories for a picture: `history_time` (n,), `history_NAME` (n_case, n)."""
    rows = ladders.common_rows(runs)
    if rows is None:
        return {}
    found = {"history_time": runs[0].history["time"][rows[0]]}
    for name in TRACED:
        series = ladders.at_common_times(runs, name)
        if series is not None:
            found[f"history_{name}"] = series
    return found


def _lacking(one: Measured) -> list[str]:
    values = ((name, one.metrics.get(name)) for name in REQUIRED)
    return [name for name, value in values if value is None or not np.isfinite(value)]
