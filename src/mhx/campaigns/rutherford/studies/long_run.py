"""One long run, judged by itself: does it grow, reconnect and stay sound to its end?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies import ladders, subcases
from mhx.campaigns.rutherford.studies.cases import CaseRun, Cases
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.measures import Bounds, Measured, Metrics, case_gates
from mhx.campaigns.rutherford.studies.study import LONG_RUN
from mhx.evidence.gates import judge_all
from mhx.reconnection.run import found_phases

SCALARS = (
    "fitted_early_growth_rate", "early_growth_factor", "max_growth_factor",
    "reconnected_flux_amplification", "island_width_amplification", "linear_growth_rate",
)  # fmt: skip


def judge(cases: Cases, bounds: Bounds) -> Judged:
    """Every gate of the one case; unknown all of them where there is none that counts."""
    found = subcases.judged(cases, bounds)
    one = found.counted[0] if len(found.counted) == 1 == len(cases.planned) else None
    metrics: Metrics = {**found.metrics, **(one.metrics if one else {})}
    gates = [*case_gates(bounds), subcases.PASSED]
    return Judged(
        kind=LONG_RUN,
        results=judge_all(gates, metrics),
        metrics=metrics,
        facts={**found.facts, **(_phases(one.run) if one else {})},
        arrays=_arrays(one) if one else {},
        covers=subcases.covers(_runs(one)),
    )


def _runs(one: Measured | None) -> Sequence[CaseRun]:
    return [one.run] if one else []


def _phases(run: CaseRun) -> dict[str, Any]:
    """Linear window, algebraic phase, saturation, and what theory says of the sheet."""
    growth = run.growth
    return {
        **found_phases(run.config, run.history, growth),
        "growth_rate": None if growth is None else growth.document(),
    }


def _arrays(one: Measured) -> dict[str, np.ndarray]:
    """The whole history, and the scalars of the legacy file."""
    scalars = {name: np.array(ladders.number(one.metrics[name])) for name in SCALARS}
    return {**one.run.history, **scalars}
