"""`runbook.md`: what to type, in order, and why the run is as long as it is.

Commands name the run directory as the user did, after a `cd` to where that name holds.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mhx.evidence import schemas

_SOURCES = {
    "computed": "eigen-solve of the configured sheet",
    "declared": "declared with --harris-growth-rate",
    "reference": "documented reference; the configured sheet itself is stable",
    "none": "no rate is known",
}


def render(document: Mapping[str, Any], *, run_dir: Path, started_in: Path) -> str:
    """The runbook of a plan: Markdown, one command per line that can be copied."""
    duration = document["duration_assessment"]
    lines = [
        "# Runbook",
        "",
        f"Schema `{schemas.CAMPAIGN_RUNBOOK}`, plan digest `{document['plan_digest'][:12]}`,",
        f"level `{document['claim_level']}`.",
        "",
        "## Duration",
        "",
        *_duration(duration, document),
        "",
        "## Run",
        "",
        *_run(document),
        "",
        "```sh",
        f"cd {shlex.quote(str(started_in))}",
        *_commands(shlex.quote(str(run_dir))),
        "```",
        "",
        "Running a command again is safe: it continues, or finds nothing to do, or says why not.",
        "Exit 75 means: stopped early with a checkpoint; run the same command again.",
        "",
        "## Evidence still needed",
        "",
        *_evidence(document["promotion_outlook"]),
    ]
    return "\n".join(lines) + "\n"


def span(seconds: float) -> str:
    """A time in the unit a person would use."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _duration(duration: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    lines = []
    if duration["growth_rate"] is not None:
        lines.append(
            f"t_end >= s_f N_e / gamma = {duration['safety_factor']:g} * "
            f"{duration['required_efolds']:g} / {duration['growth_rate']:.5g} "
            f"= {duration['required_t_end']:.6g} L/v_A"
        )
    else:
        lines.append("t_end >= s_f N_e / gamma cannot be judged: no growth rate is known.")
    lines += ["", f"- gamma: {_SOURCES[duration['growth_rate_source']]}"]
    if duration["growth_rate_computed"] is not None:
        lines.append(f"- computed: {duration['growth_rate_computed']:.5g} v_A/L")
    step = document["time_step"]
    lines.append(
        f"- t_end {duration['t_end']:.6g} L/v_A = {document['estimated_steps']} steps of "
        f"dt {step['dt']:.6g} ({step['source']}; largest stable {step['dt_max']:.4g})"
    )
    return lines


def _run(document: Mapping[str, Any]) -> list[str]:
    policy, needs = document["walltime_policy"], document["resource_estimate"]
    return [
        f"- {document['estimated_saved_frames']} samples, one every {document['save_every']} steps",
        f"- a checkpoint at least every {document['checkpoint_every_steps']} steps "
        f"({document['estimated_checkpoints']} of them)",
        f"- {document['estimated_walltime_jobs']} job(s) of at most "
        f"{document['steps_per_walltime_job']} steps, "
        f"{policy['max_walltime_hours']:g} h each (`job_array.json`)",
        f"- cost of the whole run: {span(document['estimated_walltime_seconds'])} at "
        f"{policy['seconds_per_step_estimate']:.3g} s per step "
        f"({policy['seconds_per_step_source']}, {needs['device']})",
        f"- memory {needs['memory_bytes'] / 2**20:.0f} MiB, disk "
        f"{needs['disk_bytes'] / 2**20:.0f} MiB",
    ]


def _commands(run_dir: str) -> list[str]:
    return [
        f"mhx campaign rutherford-resume-plan {run_dir}",
        f"mhx campaign rutherford-execute {run_dir} --movies",
        f"mhx campaign rutherford-status {run_dir}",
        f"mhx campaign rutherford-promotion-check {run_dir}",
        f"mhx verify {run_dir}",
    ]


def _evidence(outlook: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        "- convergence: two distinct bundles below `convergence/`, two resolutions and two steps",
        "- seeds: one bundle of at least eight seeds in `seed_qi/`",
        "- both fixed-scale movies (`--movies`)",
        "- the promotion check itself, which integrates a stretch again",
    ]
    if outlook:
        lines += ["", "This plan cannot become more than a validation:", ""]
        lines += [f"- `{row['gate']}`: {row['why']}" for row in outlook]
    return lines
