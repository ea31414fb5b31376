"""Every gate of a study, from its cases and the bounds in use; nothing is read or written here."""

from collections.abc import Callable, Mapping

from mhx.campaigns.rutherford.studies import convergence, long_run, seeds, sweep
from mhx.campaigns.rutherford.studies.cases import Cases
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.study import CONVERGENCE, LONG_RUN, SEEDS, SWEEP

JUDGES: Mapping[str, Callable[[Cases, Mapping[str, float]], Judged]] = {
    LONG_RUN: long_run.judge,
    CONVERGENCE: convergence.judge,
    SWEEP: sweep.judge,
    SEEDS: seeds.judge,
}
"""Kind of a study -> who judges it."""


def judge(kind: str, cases: Cases, bounds: Mapping[str, float]) -> Judged:
    """Judge the cases of one study.

    bounds: by the names of `thresholds.BOUNDS`, floors of a command (`min_early_growth_rate`,
        `min_max_growth_factor`) and its early window (`fit_start`, `fit_stop`); what is left out
        is bounded as for a production claim.
    """
    return JUDGES[kind](cases, bounds)
