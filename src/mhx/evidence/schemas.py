"""Every schema id of the files that mhx writes, once.

A changed meaning gets a new version; keys are added, never renamed or removed.  `gates_of` gives
the id of the validation file that belongs to a schema.
"""

MANIFEST = "mhx.manifest.v1"
ARTIFACTS = "mhx.artifacts.v1"

CAMPAIGN_TEMPLATE = "mhx.campaign.rutherford_template.v1"
CAMPAIGN_PLAN = "mhx.campaign.rutherford_production_plan.v1"
CAMPAIGN_RUNBOOK = "mhx.campaign.rutherford_runbook.v1"
CAMPAIGN_JOB_ARRAY = "mhx.campaign.rutherford_walltime_job_array.v1"
CAMPAIGN_CHECKPOINT_INDEX = "mhx.campaign.rutherford_checkpoint_index.v1"
CAMPAIGN_CHECKPOINT = "mhx.campaign.rutherford_checkpoint.v1"
CAMPAIGN_STATE = "mhx.campaign.rutherford_state.v1"
CAMPAIGN_HISTORY_SEGMENT = "mhx.campaign.rutherford_history_segment.v1"
CAMPAIGN_FRAMES = "mhx.campaign.rutherford_frames.v1"
CAMPAIGN_HISTORY = "mhx.campaign.rutherford_history.v1"
CAMPAIGN_EXECUTION = "mhx.campaign.rutherford_execution.v1"
CAMPAIGN_RESUME_PLAN = "mhx.campaign.rutherford_resume_plan.v1"
CAMPAIGN_PROMOTION = "mhx.campaign.rutherford_promotion.v1"
FAST_RUN = "mhx.validation.rutherford_campaign_run.v1"

PRODUCTION_LANE = "mhx.tools.nonlinear_production_campaign.v1"
LONG_RUN = "mhx.validation.periodic_double_harris_seeded_long_run.v1"
CONVERGENCE = "mhx.validation.periodic_double_harris_convergence.v1"
PARAMETER_SWEEP = "mhx.validation.periodic_double_harris_parameter_sweep.v1"
DOUBLE_HARRIS_PROMOTION = "mhx.validation.periodic_double_harris_promotion.v1"
SEED_ROBUST_QI = "mhx.validation.seed_robust_qi.v1"

RUN_SUMMARY = "mhx.run_summary.v1"
RUN_ERROR = "mhx.run_error.v1"
RUN_VALIDATION = "mhx.run_validation.v1"
RESULT_CATALOG = "mhx.result_catalog.v1"
ENGINE_RECEIPT = "mhx.engine_receipt.v1"
MOVIE = "mhx.movie.v1"
ATTEMPT = "mhx.attempt.v1"
COMMAND_LINE = "mhx.command_line.v1"
CLAIM_TRANSITION = "mhx.claim_transition.v1"

TESTBED_PLAN = "mhx.testbed.plan.v1"
TESTBED_MANIFEST = "mhx.testbed.files.manifest.v1"
TESTBED_ANALYSIS = "mhx.testbed.analysis.v1"
TESTBED_EVENT = "mhx.testbed.event.v1"

COMPARISON_MANIFEST = "mhx.comparison.manifest.v1"
COMPARISON_METRICS = "mhx.comparison.metrics.v1"
COMPARISON_AUDIT = "mhx.comparison.audit.v1"

TABLE = {
    MANIFEST: "manifest.json: outputs, hashes, identity, provenance of a run, case or promotion",
    ARTIFACTS: "artifact_manifest.json: size and digest of every file below a folder",
    CAMPAIGN_TEMPLATE: "campaign.json of a template",
    CAMPAIGN_PLAN: "campaign_plan.json",
    CAMPAIGN_RUNBOOK: "runbook.md",
    CAMPAIGN_JOB_ARRAY: "job_array.json",
    CAMPAIGN_CHECKPOINT_INDEX: "checkpoints/checkpoint_index.json",
    CAMPAIGN_CHECKPOINT: "checkpoints/step_*.json",
    CAMPAIGN_STATE: "checkpoints/state_step_*.npz",
    CAMPAIGN_HISTORY_SEGMENT: "checkpoints/history_step_*.npz",
    CAMPAIGN_FRAMES: "frames/frames_step_*.npz",
    CAMPAIGN_HISTORY: "production_history.npz",
    CAMPAIGN_EXECUTION: "diagnostics.json of an executed campaign",
    CAMPAIGN_RESUME_PLAN: "resume_plan.json",
    CAMPAIGN_PROMOTION: "promotion/promotion_readiness.json",
    FAST_RUN: "histories and diagnostics.json of a FAST run",
    PRODUCTION_LANE: "production_campaign_manifest.json",
    LONG_RUN: "bundle: one long run",
    CONVERGENCE: "bundle: resolutions and time steps",
    PARAMETER_SWEEP: "bundle: width, resistivity or mode sweep",
    DOUBLE_HARRIS_PROMOTION: "bundle: validation promotion",
    SEED_ROBUST_QI: "bundle: seeds",
    RUN_SUMMARY: "run_summary.json: what an ordinary run measured",
    RUN_ERROR: "run_error.json: why an ordinary run ended",
    RUN_VALIDATION: "validation.json of an ordinary run",
    RESULT_CATALOG: "results/catalog.json: what a groundwater run holds, with units and files",
    ENGINE_RECEIPT: "what was installed beside a program in the engines folder",
    MOVIE: "sidecar of a movie",
    ATTEMPT: "attempts/*/status.json",
    COMMAND_LINE: "a line of commands.jsonl",
    CLAIM_TRANSITION: "a line of claim_ledger.jsonl",
    TESTBED_PLAN: "testbed_plan.json: the cases of a testbed before they run",
    TESTBED_MANIFEST: "testbed_manifest.json: cases, metrics, checks and digests of a testbed",
    TESTBED_ANALYSIS: "testbed_analysis.json: what the cases say together",
    TESTBED_EVENT: "a line of testbed_events.jsonl",
    COMPARISON_MANIFEST: "comparison_manifest.json: methods, counts, closures of a comparison",
    COMPARISON_METRICS: "comparison_metrics.json: how methods differ, by observable",
    COMPARISON_AUDIT: "comparison_audit.json: that only the method differs",
}


def gates_of(schema: str) -> str:
    """`mhx.NAME.v1` -> `mhx.NAME.gates.v1`, the schema of the validation file beside it."""
    name, version = schema.rsplit(".", 1)
    return f"{name}.gates.{version}"
