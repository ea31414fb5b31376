"""`campaign_plan.json` as a value: composed from a design, and told in a few lines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mhx.campaigns import plan as planning
from mhx.campaigns import runbook, thresholds
from mhx.campaigns.plan import IN_THE_PLAN
from mhx.campaigns.rutherford.design import Design
from mhx.campaigns.rutherford.outputs import required_outputs
from mhx.evidence import schemas
from mhx.evidence.claims import PRODUCTION_TEMPLATE, UNSPECIFIED, Waiver
from mhx.evidence.gates import Gate, GateResult, judge
from mhx.reconnection.config import family, family_digest
from mhx.reconnection.equilibria import seed_on_sheets

BOUNDARY = "a plan: long enough on paper, nothing has run; it supports no statement about physics"
PURPOSE = "nonlinear tearing and Rutherford island growth"


def compose(thought: Design) -> dict[str, Any]:
    """The plan of a design, at the level it has if every gate passes."""
    bounds = thought.asked.bounds
    document: dict[str, Any] = {
        "schema": schemas.CAMPAIGN_PLAN,
        "template_schema": schemas.CAMPAIGN_TEMPLATE,
        "job_array_schema": schemas.CAMPAIGN_JOB_ARRAY,
        "api_version": planning.API_VERSION,
        "claim_level": PRODUCTION_TEMPLATE,
        "claim_boundary": BOUNDARY,
        "parameters": thought.asked.stored(),
        "config": thought.config.document(),
        "family": family(thought.config),
        "family_digest": family_digest(thought.config),
        "duration_assessment": thought.duration.document(name="rutherford", purpose=PURPOSE),
        "growth_rate": thought.growth.document(),
        "time_step": thought.step.document(),
        "walltime_policy": thought.policy.document(thought.steps),
        **planning.counts(thought.steps, thought.save_every, thought.policy),
        "resource_estimate": thought.resource_estimate,
        "thresholds": bounds,
        "min_production_resolution": bounds["min_production_resolution"],
        "waivers": [row.document() for row in thresholds.waivers(bounds, where=IN_THE_PLAN)],
        "failed_gates": [],
        "required_outputs": required_outputs(),
        "warnings": _warnings(thought),
    }
    document["waivers"] += [row.document() for row in planning.of_precision(document["config"])]
    document["waivers"] += [
        row.document() for row in planning.of_duration(document["duration_assessment"])
    ]
    document["plan_digest"] = planning.plan_digest(document)
    document["promotion_outlook"] = outlook(document)
    return document


def _warnings(thought: Design) -> list[str]:
    """What is allowed and probably not meant."""
    asked, seeds = thought.asked, seed_on_sheets(thought.config)
    told = []
    if max(map(abs, seeds)) <= 1e-9 * asked.perturbation_amplitude:
        told.append(
            f"the seed mode ({asked.mode_x}, {asked.mode_y}) puts no flux on the sheets, where it "
            "vanishes; --mode-x 2 puts the full amplitude on both sheets of periodic_double_harris"
        )
    if faster := thought.growth.faster_mode:
        told.append(f"{faster}; it grows out of any noise, and a claim names it")
    return told


def with_failures(document: dict[str, Any], failed: Sequence[GateResult]) -> dict[str, Any]:
    """The same plan where gates did not pass: no template, and each of them a waiver."""
    changed = {
        **document,
        "claim_level": UNSPECIFIED,
        "failed_gates": [result.gate.name for result in failed],
        "waivers": document["waivers"] + [waived(result).document() for result in failed],
    }
    return {**changed, "promotion_outlook": outlook(changed)}


def waived(result: GateResult) -> Waiver:
    """A plan gate that did not pass, as a waiver."""
    gate = result.gate
    return Waiver(
        gate=gate.name,
        production_bound=gate.low if gate.high == math.inf else gate.high,
        used_bound=math.inf if result.value is None else result.value,
        where="plan gate did not pass",
    )


def claim(document: Mapping[str, Any]) -> dict[str, Any]:
    """The claim part of a manifest of this plan."""
    return {
        "claim_level": document["claim_level"],
        "claim_scope": document["claim_boundary"],
        "family_digest": document["family_digest"],
        "plan_digest": document["plan_digest"],
        "waivers": document["waivers"],
    }


def outlook(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The promotion gates that a run of this plan cannot pass, as far as a plan can tell."""
    bounds, duration = document["thresholds"], document["duration_assessment"]
    held, diffusion = document["family"]["hold_equilibrium"], duration["diffusion_time"]
    lifetimes = 0.0 if held or diffusion is None else duration["t_end"] / diffusion
    metrics = {
        "growth_rate_computed": duration["growth_rate_computed"],
        "diffusion_times": lifetimes,
        "history_samples": document["estimated_saved_frames"],
        "waivers": len(document["waivers"]),
    }
    rows = (
        (
            Gate(
                name="equilibrium_tearing_unstable",
                metric="growth_rate_computed",
                low=1e-12,
                reason="the configured sheet is stable: it cannot reconnect by itself",
            )
        ),
        Gate(
            name="equilibrium_survives_duration",
            metric="diffusion_times",
            high=bounds["max_diffusion_times"],
            reason="the decaying sheet diffuses away before the run ends; hold it",
        ),
        Gate(
            name="minimum_history_samples",
            metric="history_samples",
            low=bounds["min_history_samples"],
            reason="too few samples are planned",
        ),
        Gate(
            name="thresholds_not_relaxed",
            metric="waivers",
            high=0,
            reason="waived: " + ", ".join(sorted({row["gate"] for row in document["waivers"]})),
        ),
    )
    results = [judge(gate, metrics) for gate in rows]
    return [
        {
            "gate": result.gate.name,
            "metric": result.gate.metric,
            "value": result.value,
            "bound": result.gate.bound,
            "why": result.gate.reason,
        }
        for result in results
        if not result.passed
    ]


def summary(document: Mapping[str, Any]) -> list[str]:
    """What the planner says of a plan, besides its gates."""
    duration, step = document["duration_assessment"], document["time_step"]
    rate, computed = duration["growth_rate"], duration["growth_rate_computed"]
    lines = [
        f"growth rate: computed {computed:.5g}"
        + ("" if rate is None else f", used {rate:.5g} ({duration['growth_rate_source']})")
        + " v_A/L",
        f"t_end {duration['t_end']:.6g} L/v_A"
        + (f", required {duration['required_t_end']:.6g}" if rate else ""),
        f"dt {step['dt']:.6g} ({step['source']}), largest stable {step['dt_max']:.4g}; "
        f"{document['estimated_steps']} steps, a sample every {document['save_every']}",
        f"cost {runbook.span(document['estimated_walltime_seconds'])} in "
        f"{document['estimated_walltime_jobs']} job(s), a checkpoint every "
        f"{document['checkpoint_every_steps']} steps; "
        f"disk {document['resource_estimate']['disk_bytes'] / 2**20:.0f} MiB",
        "equilibrium is " + ("held" if document["family"]["hold_equilibrium"] else "decaying"),
    ]
    lines += [f"warning: {text}" for text in document["warnings"]]
    for row in document["promotion_outlook"]:
        lines.append(f"promotion outlook: {row['gate']} cannot pass: {row['why']}")
    return lines
