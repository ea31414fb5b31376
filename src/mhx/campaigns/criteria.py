"""What a finished campaign must show before it may be called more than a validation.

One row per promotion gate, grouped by the theme under which a reviewer would ask for it.  A row
with a `bound` takes its limit from the plan's thresholds, under that name.  Metrics that count
faults are 0 when there are none, and absent when the question could not be put to the data.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mhx.campaigns.thresholds import BOUNDS
from mhx.evidence.gates import Gate

EXECUTE = "mhx campaign rutherford-execute RUN_DIR"
MOVIES = "mhx campaign rutherford-execute RUN_DIR --max-steps 0 --movies"
JUDGE_AGAIN = "mhx campaign rutherford-execute RUN_DIR --max-steps 0"
VERIFY = "mhx verify RUN_DIR"
CHECK = "mhx campaign rutherford-promotion-check RUN_DIR"
PLAN = "mhx campaign rutherford-plan-production --outdir NEW_DIR ..."
CONVERGENCE = (
    "mhx benchmark double-harris-convergence --from-plan RUN_DIR --outdir RUN_DIR/convergence/NAME"
)
SEEDS = "mhx benchmark seed-robust-qi --from-plan RUN_DIR --outdir RUN_DIR/seed_qi"
SWEEP = (
    "mhx benchmark double-harris-parameter-sweep --from-plan RUN_DIR --sweep-axis AXIS "
    "--outdir RUN_DIR/sweeps/AXIS"
)

FILES, DURATION, NUMERICS = "files and identity", "duration and equilibrium", "numerics"
LINEAR, NONLINEAR, TOPOLOGY = "linear phase", "nonlinear phase", "geometry and topology"
MEDIA, EVIDENCE, REPEAT = "movies", "evidence from other runs", "reproducibility"


@dataclass(frozen=True)
class Criterion:
    """A promotion gate, its theme, and the threshold of the plan that bounds it, if one does."""

    theme: str
    gate: Gate
    bound: str = ""


def _none(theme: str, name: str, metric: str, reason: str, remedy: str) -> Criterion:
    """Nothing of this kind may be found: a count of faults."""
    gate = Gate(name=name, metric=metric, high=0, reason=reason, remedy=remedy)
    return Criterion(theme, gate)


def _bound(theme: str, metric: str, bound: str, reason: str, remedy: str) -> Criterion:
    """A metric against a threshold of the plan, from which the gate has its name."""
    row = BOUNDS[bound]
    gate = Gate(name=row.gate, metric=metric, reason=reason, remedy=remedy, high=row.value)
    return Criterion(theme, limited(gate, bound, row.value), bound)


def limited(gate: Gate, bound: str, limit: float) -> Gate:
    """The gate with its limit on the side that the threshold names."""
    if BOUNDS[bound].side == "high":
        return replace(gate, low=-math.inf, high=limit)
    return replace(gate, low=limit, high=math.inf)


def _least(theme: str, gate: tuple[str, str, float], reason: str, remedy: str) -> Criterion:
    name, metric, low = gate
    return Criterion(theme, Gate(name=name, metric=metric, low=low, reason=reason, remedy=remedy))


NOTHING = "without it there is nothing to judge"
TOO_SHORT = "a transient is no nonlinear evolution"
ROUND_OFF = 1e-12  # of an end time, as the planner has it

CRITERIA: tuple[Criterion, ...] = (
    _none(FILES, "campaign_plan_present", "plan_faults", NOTHING, PLAN),
    _none(FILES, "execution_diagnostics_present", "diagnostics_faults", NOTHING, EXECUTE),
    _none(FILES, "execution_validation_present", "validation_faults", NOTHING, EXECUTE),
    _none(FILES, "run_manifest_present", "manifest_faults", NOTHING, JUDGE_AGAIN),
    _none(FILES, "artifact_manifest_present", "artifact_manifest_faults", NOTHING, JUDGE_AGAIN),
    _none(
        FILES,
        "artifact_hashes_verified",
        "artifact_faults",
        "evidence is verified when it is read, byte by byte",
        VERIFY,
    ),
    _none(
        FILES,
        "checkpoint_chain_verified",
        "checkpoint_chain_faults",
        "the history must be the rows of one chain of checkpoints, under one plan",
        VERIFY,
    ),
    _none(
        FILES,
        "history_schema_supported",
        "history_schema_faults",
        "rows of an unknown layout cannot be read",
        JUDGE_AGAIN,
    ),
    _none(
        FILES,
        "required_history_keys_present",
        "missing_history_keys",
        "a gate on a quantity that was not recorded says nothing",
        EXECUTE,
    ),
    _none(DURATION, "completed_target", "history_steps_missing", TOO_SHORT, EXECUTE),
    _none(DURATION, "terminal_step_reaches_target", "steps_missing", TOO_SHORT, EXECUTE),
    _least(
        DURATION,
        ("duration_guard_passed", "duration_over_required", 1 - ROUND_OFF),
        "the run must last as long as the computed growth rate demands",
        PLAN,
    ),
    _least(
        DURATION,
        ("equilibrium_tearing_unstable", "growth_rate_computed", 1e-12),
        "a stable sheet cannot reconnect by itself",
        PLAN,
    ),
    _bound(
        DURATION,
        "diffusion_times",
        "max_diffusion_times",
        "a sheet that has diffused away shows nothing",
        PLAN,
    ),
    _none(
        NUMERICS,
        "execution_validation_passed",
        "failed_execution_gates",
        "the execution gates, judged again from the history",
        "mhx campaign rutherford-status RUN_DIR",
    ),
    _none(
        NUMERICS, "finite_history_arrays", "non_finite_values", "a NaN compares with nothing", PLAN
    ),
    _bound(
        NUMERICS,
        "history_samples",
        "min_history_samples",
        "too few samples hide what happens between them",
        EXECUTE,
    ),
    _bound(
        NUMERICS,
        "max_energy_budget_residual",
        "max_energy_budget_residual",
        "dissipation signs and bracket cancellation, from step 0 to the target without a gap",
        PLAN,
    ),
    _bound(
        NUMERICS,
        "max_magnetic_divergence_linf",
        "max_divergence_linf",
        "mistakes of derivatives and masks",
        PLAN,
    ),
    _bound(
        NUMERICS,
        "max_spectral_tail",
        "max_spectral_tail",
        "resolution at the worst moment of the run",
        PLAN,
    ),
    _bound(
        NUMERICS,
        "max_stability_ratio",
        "max_stability_ratio",
        "beyond the limit of RK4 the smallest scales are amplified",
        PLAN,
    ),
    _bound(
        LINEAR,
        "linear_phase_efolds",
        "min_linear_efolds",
        "without a linear phase the nonlinear one has no origin",
        PLAN,
    ),
    _bound(
        LINEAR,
        "growth_rate_mismatch",
        "max_growth_rate_mismatch",
        "physics against theory: the measured slope and the eigenvalue",
        PLAN,
    ),
    _bound(
        LINEAR,
        "fit_window_slope_change",
        "max_fit_window_change",
        "the slope must not be a choice of the window",
        PLAN,
    ),
    _none(
        NONLINEAR,
        "algebraic_phase_detected",
        "algebraic_phase_faults",
        "once exponential growth has ended the island must widen algebraically",
        EXECUTE,
    ),
    _bound(
        NONLINEAR,
        "max_mean_shear_change",
        "min_nonlinear_response",
        "tells a nonlinear run from a linear transient",
        EXECUTE,
    ),
    _bound(
        NONLINEAR,
        "reconnected_flux_amplification",
        "min_reconnected_flux_amplification",
        "positive response of one mode at the sheet; no switching of modes",
        EXECUTE,
    ),
    _bound(
        NONLINEAR,
        "island_width_amplification",
        "min_island_width_amplification",
        "positive response of the island",
        EXECUTE,
    ),
    _bound(
        NONLINEAR,
        "island_width_disagreement",
        "max_island_width_disagreement",
        "the width from the flux must mean the island that is there",
        EXECUTE,
    ),
    _none(
        TOPOLOGY,
        "current_sheet_geometry_present",
        "missing_geometry_keys",
        "thickness and length are part of the claim",
        EXECUTE,
    ),
    _none(
        TOPOLOGY,
        "current_sheet_geometry_positive",
        "geometry_faults",
        "a sheet without extent was not measured",
        EXECUTE,
    ),
    _none(
        TOPOLOGY,
        "critical_point_counts_present",
        "missing_critical_point_keys",
        "reconnection happens at X points",
        EXECUTE,
    ),
    _least(
        TOPOLOGY,
        ("x_critical_points_detected", "max_x_point_count", 1),
        "no X point, no reconnection",
        EXECUTE,
    ),
    _least(
        TOPOLOGY,
        ("o_critical_points_detected", "max_o_point_count", 1),
        "no O point, no island",
        EXECUTE,
    ),
    _none(
        TOPOLOGY,
        "topology_identity_holds",
        "topology_mismatches",
        "on a torus there are as many X as O points; a detector that miscounts is no evidence",
        EXECUTE,
    ),
    _none(MEDIA, "fixed_scale_movies_present", "missing_movies", "a reviewer looks", MOVIES),
    _none(
        MEDIA,
        "movies_fixed_scale_verified",
        "movie_faults",
        "one range of colours and a time in each frame, or pictures cannot be compared",
        MOVIES,
    ),
    _bound(
        EVIDENCE,
        "convergence_bundles",
        "min_convergence_dirs",
        "physics must be told from discretisation, more than once",
        CONVERGENCE,
    ),
    _none(
        EVIDENCE,
        "convergence_bundles_passed",
        "failed_convergence_gates",
        "a bundle that fails its own gates proves nothing",
        CONVERGENCE,
    ),
    _none(
        EVIDENCE,
        "convergence_axes_covered",
        "missing_convergence_axes",
        "resolution and time step, each varied",
        CONVERGENCE,
    ),
    _none(
        EVIDENCE,
        "evidence_matches_run",
        "evidence_mismatches",
        "evidence about another configuration is no evidence about this run",
        CONVERGENCE,
    ),
    _none(
        EVIDENCE,
        "seed_qi_bundle_present",
        "missing_seed_bundles",
        "one seed may be an accident",
        SEEDS,
    ),
    _none(
        EVIDENCE,
        "seed_qi_bundle_passed",
        "failed_seed_gates",
        "quantities of interest must not depend on the seed",
        SEEDS,
    ),
    _none(
        REPEAT,
        "code_identity_recorded",
        "code_identity_faults",
        "reruns and differences need to know the code",
        "commit the source tree, or install the wheel, and run the campaign anew",
    ),
    _none(
        REPEAT,
        "command_sequence_recorded",
        "artifacts_without_command",
        "each file must be made again from a recorded command",
        JUDGE_AGAIN,
    ),
    _bound(
        REPEAT,
        "restart_difference",
        "max_restart_difference",
        "a stretch drawn at random is integrated again: restartable is proved, not said",
        JUDGE_AGAIN,
    ),
)

SWEEPS: tuple[Criterion, ...] = (
    _none(
        EVIDENCE,
        "width_aspect_sweep_passed",
        "failed_width_sweep_gates",
        "the scope of the claim in the width of the sheet",
        SWEEP.replace("AXIS", "width"),
    ),
    _none(
        EVIDENCE,
        "eta_lundquist_sweep_passed",
        "failed_eta_sweep_gates",
        "the scope of the claim in the Lundquist number",
        SWEEP.replace("AXIS", "resistivity"),
    ),
)

READINESS: tuple[Gate, ...] = (
    Gate(
        name="thresholds_not_relaxed",
        metric="waivers",
        high=0,
        reason="thresholds are fixed before results exist; a looser one caps the level",
        remedy=PLAN,
    ),
    Gate(
        name="reviewer_questions_answered",
        metric="unanswered_questions",
        high=0,
        reason="an open question of a reviewer is an open question",
        remedy=CHECK,
    ),
)


def criteria(
    thresholds: Mapping[str, float],
    *,
    require_sweeps: bool,
    same_machine: bool,
    finished: bool = False,
) -> Iterator[Criterion]:
    """The rows to judge, bounded by the thresholds in use.

    same_machine: the restart check ran with the code, JAX version and device kind of the run, so
        that its result must be equal to the last bit; elsewhere the tolerance of the plan holds.
    finished: no step is left, so that executing on is no remedy.
    """
    for row in (*CRITERIA, *(SWEEPS if require_sweeps else ())):
        if finished and row.gate.remedy == EXECUTE:
            remedy = JUDGE_AGAIN if row.theme == FILES else PLAN
            row = replace(row, gate=replace(row.gate, remedy=remedy))  # noqa: PLW2901
        if not row.bound:
            yield row
            continue
        limit = thresholds.get(row.bound, BOUNDS[row.bound].value)
        if row.bound == "max_restart_difference" and same_machine:
            limit = 0.0
        yield replace(row, gate=limited(row.gate, row.bound, limit))
