"""The eleven commands of a lane, in order: plan, evidence, run, checks, claim.

Every number is written out (end time, step, stride, fit window), so that equal runs of different
stages have equal configurations and are computed once; `--share` says where they may lie already.
"""

from mhx.campaigns.lane.commands import LaneCommand
from mhx.campaigns.rutherford.lane import studies
from mhx.campaigns.rutherford.lane.design import LaneDesign
from mhx.campaigns.rutherford.lane.words import (
    BUNDLE,
    CHECK,
    CROSSCHECK,
    DOUBLE_HARRIS_BOUNDARY,
    ETA_SWEEP,
    FLOORS,
    LONG_RUN,
    MAIN,
    MOVIES,
    RUN,
    RUTHERFORD_BOUNDARY,
    SEED_QI,
    THRESHOLDS,
    WIDTH_SWEEP,
    below,
    bounds,
    differs,
    flag,
    given,
    grid,
    physics,
)

FINALIZE = "rutherford_finalize_production_claim"
PROMOTION = "rutherford_promotion_check"

_PLANNED = ("campaign_plan.json", "campaign_config.toml", "plan_validation.json")
_PLAN_FILES = (*_PLANNED, "plan_manifest.json", "runbook.md", "job_array.json")
_HISTORY = ("production_history.npz", *MOVIES)
_REPORT = ("promotion_readiness.json", "validation.json", "manifest.json", "artifact_manifest.json")


def commands(lane: LaneDesign) -> list[LaneCommand]:
    """All commands of a lane; paths are relative to its root, in which they run."""
    return [
        _plan(lane),
        studies.long_run(lane),
        *studies.convergence(lane),
        *studies.sweeps(lane),
        studies.seeds(lane),
        _execute(lane),
        *_checks(lane),
        _finalize(lane),
    ]


def _plan(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    declared = given("--harris-growth-rate", asked.harris_growth_rate)
    changed = [
        word
        for name in THRESHOLDS
        if differs(asked, name)
        for word in ("--threshold", f"{name}={getattr(asked, name)!r}")
    ]
    return LaneCommand(
        id="rutherford_plan",
        stage="plan",
        family="rutherford",
        gate="duration",
        description="plan the run: duration, time step, chunks, bounds",
        words=(
            *("campaign", "rutherford-plan-production", "--outdir", RUN, *physics(asked)),
            *flag("--noise-amplitude", asked.noise_amplitude),
            *(*declared, *flag("--production-efolds", asked.production_efolds)),
            *flag("--safety-factor", asked.safety_factor),
            *flag("--t-end", lane.cadence.t1),
            *(*grid(asked), *flag("--dt", lane.cadence.dt)),
            *flag("--target-saved-frames", asked.target_saved_frames),
            *flag("--save-every", lane.cadence.save_every),
            *flag("--max-walltime-hours", asked.max_walltime_hours),
            *flag("--preemption-margin-minutes", asked.preemption_margin_minutes),
            *flag("--checkpoint-interval-minutes", asked.checkpoint_interval_minutes),
            *flag("--seconds-per-step-estimate", asked.seconds_per_step_estimate),
            *flag("--min-production-resolution", asked.min_production_resolution),
            *changed,
        ),
        timeout_seconds=asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=below(RUN, _PLAN_FILES),
        lasting=below(RUN, (*_PLANNED, "plan_manifest.json")),
        verdicts=f"{RUN}/plan_validation.json",
    )


def _execute(lane: LaneDesign) -> LaneCommand:
    asked = lane.asked
    names = ("max_relative_energy_growth", "max_divergence_linf")
    return LaneCommand(
        id="rutherford_execute",
        stage="execute",
        family="rutherford",
        gate="movie",
        description="the run itself, to its target, with its movies",
        words=(
            *("campaign", "rutherford-execute", RUN, "--movies"),
            *bounds(asked, [name for name in names if differs(asked, name)]),
        ),
        timeout_seconds=asked.timeout_seconds,
        expensive=True,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=below(RUN, (*_HISTORY, *BUNDLE)),
        lasting=below(RUN, _HISTORY),
        folders=(RUN,),
        verdicts=f"{RUN}/validation.json",
        needs=("rutherford_plan",),
    )


def _checks(lane: LaneDesign) -> list[LaneCommand]:
    asked = lane.asked
    bundles = ("--convergence-dir", MAIN, "--convergence-dir", CROSSCHECK)
    ladders = ("double_harris_convergence_main", "double_harris_convergence_crosscheck")
    sweeps = ("double_harris_width_sweep", "double_harris_eta_lundquist_sweep")
    judged_at = ("max_energy_budget_residual", "max_divergence_linf", "min_history_samples")
    validation = LaneCommand(
        id="double_harris_promotion_check",
        stage="promotion",
        family="double_harris",
        gate="promotion",
        description="the long run and both ladders together, as a validation",
        words=(
            *("benchmark", "double-harris-promotion-check", LONG_RUN, "--outdir", CHECK),
            *(*bundles, *flag("--min-t-end", lane.cadence.t1)),
            *bounds(asked, ["max_relative_energy_increase", *FLOORS]),
        ),
        timeout_seconds=asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=DOUBLE_HARRIS_BOUNDARY,
        expected_outputs=below(CHECK, _REPORT),
        lasting=below(CHECK, _REPORT),
        folders=(CHECK,),
        verdicts=f"{CHECK}/validation.json",
        needs=("double_harris_long_run", *ladders),
    )
    production = LaneCommand(
        id=PROMOTION,
        stage="promotion",
        family="rutherford",
        gate="promotion",
        description="every gate of a claim, judged from data again",
        words=(
            *("campaign", "rutherford-promotion-check", RUN, *bundles),
            *("--seed-qi-dir", SEED_QI, "--width-sweep-dir", WIDTH_SWEEP),
            *("--eta-sweep-dir", ETA_SWEEP, "--require-sweeps"),
            *bounds(asked, [*judged_at, *FLOORS]),
        ),
        timeout_seconds=asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=below(f"{RUN}/promotion", (*_REPORT, "figures/promotion_matrix.png")),
        lasting=below(f"{RUN}/promotion", _REPORT),
        verdicts=f"{RUN}/promotion/validation.json",
        needs=("rutherford_plan", *ladders, *sweeps, "seed_qi", "rutherford_execute"),
    )
    return [validation, production]


def _finalize(lane: LaneDesign) -> LaneCommand:
    return LaneCommand(
        id=FINALIZE,
        stage="promotion",
        family="rutherford",
        gate="promotion",
        description="ask for the claim that the check supports; nothing is integrated",
        words=(
            *("campaign", "rutherford-execute", RUN, "--max-steps", "0"),
            "--allow-production-claim",
        ),
        timeout_seconds=lane.asked.gate_timeout_seconds,
        expensive=False,
        claim_boundary=RUTHERFORD_BOUNDARY,
        expected_outputs=below(RUN, BUNDLE),
        lasting=below(RUN, ("manifest.json",)),
        folders=(RUN,),
        verdicts=f"{RUN}/validation.json",
        needs=(PROMOTION,),
        only_after=PROMOTION,
    )
