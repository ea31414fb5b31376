"""JSON Schema of configurations and of evidence files, for editors and other programs.

A configuration's schema is complete: it comes from the table of its mode.  Those of plan, manifest
and summary of a testbed are complete, too (`document_schemas`).  That of another evidence file
states its id and the keys that it always has; keys are added over time, never renamed or removed.
"""

import difflib
from typing import Any

from mhx.config import json_schema
from mhx.errors import ConfigError
from mhx.evidence import schemas
from mhx.workflow.document_schemas import ALIASES, PROPERTIES
from mhx.workflow.registry import modes, row_of, table_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

KEYS: dict[str, str] = {
    schemas.MANIFEST: """api_version created_utc mhx_version kind claim_level claim_scope config
        outputs hashes digest git code_digest dependencies python platform device dtype command""",
    schemas.ARTIFACTS: "api_version created_utc mhx_version root claim_levels files",
    schemas.CAMPAIGN_PLAN: """template_schema api_version claim_level claim_boundary config
        duration_assessment walltime_policy estimated_steps estimated_saved_frames save_every
        checkpoint_every_steps estimated_checkpoints steps_per_walltime_job estimated_walltime_jobs
        estimated_walltime_seconds min_production_resolution required_outputs job_array_schema
        plan_digest family family_digest thresholds waivers growth_rate time_step resource_estimate
        promotion_outlook""",
    schemas.CAMPAIGN_JOB_ARRAY: "run_dir total_steps steps_per_job checkpoint_every_steps jobs",
    schemas.CAMPAIGN_CHECKPOINT_INDEX: """api_version created_utc updated_utc run_dir target_step
        target_time latest_checkpoint checkpoints resume_policy plan_digest""",
    schemas.CAMPAIGN_CHECKPOINT: """api_version created_utc checkpoint_id step time completed
        walltime_elapsed_seconds metrics artifacts validation metadata_path""",
    schemas.CAMPAIGN_EXECUTION: """plan_schema api_version claim_level claim_boundary start_step
        end_step steps_run target_step completed_target dt save_every shape seed noise_amplitude
        resistivity viscosity equilibrium equilibrium_parameters mode max_relative_energy_growth
        final_magnetic_divergence_linf history_samples resume_start_checkpoint
        allow_production_claim production_promotion_report_ready plan_digest hold_equilibrium
        max_magnetic_divergence_linf max_energy_budget_residual max_spectral_tail
        max_stability_ratio seconds_per_step device dtype stop_reason discarded_checkpoints
        linear_phase algebraic_phase""",
    schemas.CAMPAIGN_RESUME_PLAN: """api_version run_dir checkpoint start_step target_step
        remaining_steps chunks_remaining validation command_contract invalid_checkpoints
        execute_command""",
    schemas.CAMPAIGN_PROMOTION: """api_version run_dir claim_level_if_passed claim_boundary
        history_schema history_sample_count target_step terminal_step max_energy_budget_residual
        max_magnetic_divergence_linf reconnected_flux_amplification island_width_amplification
        max_x_point_count max_o_point_count convergence_dirs convergence_reports seed_qi_dir
        seed_qi_report thresholds promotion_ready validation_schema checks restart_check
        production_ready waivers reviewer_answers run_digest evidence_digests linear_phase
        algebraic_phase missing""",
    schemas.FAST_RUN: """template_schema claim_level claim_boundary seeds shape t_end dt steps
        save_every samples mode resistivity viscosity perturbation_amplitude noise_amplitude
        max_relative_energy_growth max_magnetic_divergence_linf production_template_final_time
        duration_fraction_of_template template_claim_level required_runtime_outputs_inherited""",
    schemas.RUN_ERROR: "class message exit_code",
}
"""The keys that each JSON file always has, besides `schema`."""

_GATES = "passed checks thresholds diagnostics verdicts"


_GATED = (
    *(schemas.CAMPAIGN_TEMPLATE, schemas.CAMPAIGN_PLAN, schemas.CAMPAIGN_CHECKPOINT),
    *(schemas.CAMPAIGN_EXECUTION, schemas.CAMPAIGN_RESUME_PLAN, schemas.CAMPAIGN_PROMOTION),
    schemas.FAST_RUN,
)


def names() -> tuple[str, ...]:
    """Everything that `schema_of` knows: modes, short names, schema ids with those of gates."""
    return (*modes(), *ALIASES, *sorted({*schemas.TABLE, *map(schemas.gates_of, _GATED)}))


def schema_of(name: str | None) -> dict[str, Any]:
    """The JSON Schema of a mode or of an evidence file; ConfigError lists the names."""
    if name in modes():
        return json_schema(table_of(row_of(name)))
    name = ALIASES.get(name or "", name)
    if name not in names():
        raise ConfigError(_unknown(name))
    gated = name not in schemas.TABLE
    keys = _GATES.split() if gated else KEYS.get(name, "").split()
    properties = PROPERTIES.get(name, {"schema": {"const": name}})
    what = "validation.json: verdicts of its gates" if gated else schemas.TABLE[name]
    return {
        "$schema": _DIALECT,
        "$id": name,
        "title": name,
        "description": what,
        "type": "object",
        "required": [*properties, *keys],
        "properties": dict(properties),
        "additionalProperties": True,
    }


def _unknown(name: str | None) -> str:
    listed = "\n  ".join(names())
    if name is None:
        return f"name a mode or the schema id of a file:\n  {listed}"
    if close := difflib.get_close_matches(name, names(), n=1):
        return f"no schema is called {name!r}; did you mean {close[0]!r}?"
    return f"no schema is called {name!r}; there are:\n  {listed}"
