"""The gates on one executed chunk: what they bound, and for what reason.

Facts that are no numbers are counted: a gate bounds the number of faults found.  Counts and numbers
come from files read back after they were written (`readback.py`), bounds from the plan or, where
looser, from a flag, which is a waiver.
"""

from collections.abc import Mapping

from mhx.evidence.gates import Gate
from mhx.reconnection.gates import QUALITY, bounded

BOUND_OF = {  # metric of a gate: name of its bound in the plan
    "max_relative_energy_growth": "max_relative_energy_growth",
    "max_energy_budget_residual": "max_energy_budget_residual",
    "max_magnetic_divergence_linf": "max_divergence_linf",
    "max_stability_ratio": "max_stability_ratio",
}

CONTRACT = (
    Gate(
        name="campaign_plan_loaded",
        metric="plan_faults",
        high=0,
        reason="the plan, its digest in the index and in each checkpoint say which run this is",
        remedy="restore campaign_plan.json and checkpoints/ from a copy",
    ),
    Gate(
        name="checkpoint_resume_contract_used",
        metric="resume_faults",
        high=0,
        reason="a chunk that starts elsewhere than the resume plan says continues another run",
        remedy="run the same command again",
    ),
    Gate(
        name="executor_made_progress_or_target_already_complete",
        metric="progress",
        low=1,
        reason="a chunk without a step shows nothing",
        remedy="execute without --max-steps 0",
    ),
    Gate(
        name="checkpoint_state_written",
        metric="checkpoint_state_faults",
        high=0,
        reason="a state that does not read back as it was written is no resume point",
        remedy="run the same command again: it goes back to a checkpoint that is intact",
    ),
    Gate(
        name="checkpoint_metadata_written",
        metric="checkpoint_metadata_faults",
        high=0,
        reason="a record that does not read back cannot say what its state is",
        remedy="run the same command again: it goes back to a checkpoint that is intact",
    ),
    Gate(
        name="history_segments_contiguous",
        metric="segment_faults",
        high=0,
        reason="a gap or an overlap joins rows of two runs",
        remedy="run the same command again: it goes back to before the gap",
    ),
)

OUTCOME = (
    Gate(
        name="movies_written_when_requested",
        metric="missing_movies",
        high=0,
        reason="what was asked for is there, or its absence is said",
        remedy="execute --max-steps 0 --movies",
    ),
    Gate(
        name="production_claim_has_promotion_report",
        metric="claim_report_faults",
        high=0,
        reason="a claim rests on a report about exactly these files",
        remedy="mhx campaign rutherford-promotion-check",
    ),
    Gate(
        name="production_claim_requires_explicit_completion",
        metric="claim_completion_faults",
        high=0,
        reason="a claim is about a run that reached its target, judged at that step",
        remedy="execute to the target, then mhx campaign rutherford-promotion-check",
    ),
)


def execution_gates(thresholds: Mapping[str, float]) -> tuple[Gate, ...]:
    """The fourteen gates at the bounds in use, and the spectral tail at that of a validation."""
    bounds = {metric: thresholds[name] for metric, name in BOUND_OF.items() if name in thresholds}
    return (*CONTRACT, *bounded(QUALITY, bounds), *OUTCOME)
