"""The plan gates: each reads a number that is computed from the files that the planner wrote.

`measure` reads the files back and computes; `gates` bounds.  Facts that are no numbers are counted.
Bounds that the user may move come from the plan's thresholds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mhx.campaigns import resources
from mhx.campaigns.duration import choose_rate
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import steps_to
from mhx.campaigns.resume import select_resume_checkpoint
from mhx.campaigns.rutherford.outputs import without_writer
from mhx.config import parse, read_toml
from mhx.evidence import schemas
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import Gate, GateResult, judge_all
from mhx.evidence.store import read_json
from mhx.reconnection import timestep
from mhx.reconnection.config import Reconnection
from mhx.reconnection.equilibria import periodicity_error
from mhx.reconnection.growth import DOUBLING

RESIDUAL = 1e-10  # of a converged eigen-solve
MISMATCH, ON_THE_GRID, TAIL, PERIODIC = 0.05, 0.01, 1e-6, 1e-12
WHOLE = 1e-9  # of a step

PLAN_AGAIN = "plan into a new folder, or with --force, "


@dataclass(frozen=True)
class Written:
    """The files of a fresh run directory, read back."""

    folder: RunFolder
    plan: Mapping[str, Any]
    config: Reconnection
    job_array: Mapping[str, Any]
    index: Mapping[str, Any]
    manifest: Mapping[str, Any]


def read_back(folder: RunFolder) -> Written:
    """What the planner wrote, as any later command would read it."""
    data, source = read_toml(folder.config)
    return Written(
        folder=folder,
        plan=read_json(folder.plan, schemas.CAMPAIGN_PLAN),
        config=parse(Reconnection, data, source),
        job_array=read_json(folder.job_array, schemas.CAMPAIGN_JOB_ARRAY),
        index=read_json(folder.index, schemas.CAMPAIGN_CHECKPOINT_INDEX),
        manifest=read_json(folder.manifest, schemas.MANIFEST),
    )


def judged(folder: RunFolder) -> list[GateResult]:
    """Every plan gate, judged on the files in the folder."""
    written = read_back(folder)
    return judge_all(gates(written.plan), measure(written))


def of_the_problem(
    plan: Mapping[str, Any], config: Reconnection, growth: Mapping[str, Any]
) -> list[GateResult]:
    """The gates that configuration and eigen-solve decide alone, whatever the plan says of them.

    growth: `growth_rate` of a plan, solved anew.
    """
    declared = plan["duration_assessment"]["growth_rate_declared"]
    mismatch = choose_rate(computed=growth["gamma"], declared=declared).mismatch
    stated = {**plan["duration_assessment"], "relative_mismatch": mismatch}
    metrics = {
        **_growth({**plan, "growth_rate": growth, "duration_assessment": stated}),
        "equilibrium_tail": growth["equilibrium_tail"],
        "equilibrium_period_mismatch": periodicity_error(config),
        "time_step_ratio": config.time_step.ratio,
    }
    return judge_all([gate for gate in gates(plan) if gate.metric in metrics], metrics)


def measure(written: Written) -> dict[str, float | None]:
    """The metrics of all plan gates; None where a number does not exist."""
    plan, config = written.plan, written.config
    return {
        **_duration(plan, config),
        **_growth(plan),
        "equilibrium_tail": plan["growth_rate"]["equilibrium_tail"],
        "equilibrium_period_mismatch": periodicity_error(config),
        "time_step_ratio": config.time_step.ratio,
        "resolution": min(config.grid.shape),
        "saved_frames": plan["estimated_saved_frames"],
        **_walltime(plan, written.job_array),
        "checkpoint_index_faults": _index_faults(written),
        "resume_contract_faults": _resume_faults(written),
        "outputs_without_writer": len(without_writer(plan["required_outputs"])),
        "production_labels": _production_labels(plan, written.manifest),
        "resource_share": resources.largest_share(plan["resource_estimate"]),
    }


def _duration(plan: Mapping[str, Any], config: Reconnection) -> dict[str, float | None]:
    dt, t1 = config.dt, config.time.t1
    steps = plan["estimated_steps"]
    required = plan["duration_assessment"]["required_t_end"]
    short = 0.0 if required is None else max(0.0, (_asked_time(plan, required) - t1) / dt)
    return {
        # In whole steps: round-off of steps * dt is no shortfall.
        "duration_over_required": None if required is None else steps / steps_to(required, dt),
        "end_time_step_error": max(abs(t1 / dt - steps), short - WHOLE),
    }


def _asked_time(plan: Mapping[str, Any], required: float) -> float:
    given = plan["parameters"].get("t_end")
    return required if given is None else float(given)


def _growth(plan: Mapping[str, Any]) -> dict[str, float | None]:
    growth, duration = plan["growth_rate"], plan["duration_assessment"]
    errors = [growth["change_on_doubling"], growth["residual"]]
    known = all(isinstance(error, float | int) for error in errors)
    return {
        "growth_rate_error": max(errors[0] / DOUBLING, errors[1] / RESIDUAL) if known else None,
        "growth_rate_mismatch": _mismatch(duration, str(plan["family"]["equilibrium"])),
        "growth_rate_grid_error": _grid_error(growth),
    }


def _mismatch(duration: Mapping[str, Any], equilibrium: str) -> float:
    """0 where nothing was declared; the reference rate of the cosine sheet is not compared."""
    mismatch = duration["relative_mismatch"]
    return 0.0 if mismatch is None or equilibrium == "cosine_tearing" else float(mismatch)


def _grid_error(growth: Mapping[str, Any]) -> float | None:
    """Relative distance of the rate on the grid's own modes from the converged one."""
    rate, on_grid = growth["gamma"], growth["grid_gamma"]
    if rate is None or on_grid is None:
        return None
    if rate <= 0:  # no mode to resolve: the equilibrium is all there is
        return float(growth["equilibrium_tail"]) * ON_THE_GRID / TAIL
    return float(abs(on_grid - rate) / rate)


def _walltime(plan: Mapping[str, Any], array: Mapping[str, Any]) -> dict[str, float | None]:
    policy = plan["walltime_policy"]
    cost, usable = policy["seconds_per_step_estimate"], policy["usable_walltime_seconds"]
    allowed = min(policy["checkpoint_interval_seconds"], usable)
    reached, faults = 0, 0
    for job in array["jobs"]:
        length = job["end_step"] - job["start_step"]
        faults += job["start_step"] != reached  # a gap or an overlap
        faults += length < 1 or length * cost > usable
        reached = job["end_step"]
    return {
        "checkpoint_cadence_share": plan["checkpoint_every_steps"] * cost / allowed,
        "chunk_faults": faults + (reached != plan["estimated_steps"]),
    }


def _index_faults(written: Written) -> int:
    index, plan = written.index, written.plan
    return sum(
        (
            index["checkpoints"] != [],
            index["latest_checkpoint"] is not None,
            index["target_step"] != plan["estimated_steps"],
            index["plan_digest"] != plan["plan_digest"],
        )
    )


def _resume_faults(written: Written) -> int:
    """A fresh directory has no checkpoint to resume from: start at 0, go to the target."""
    target = written.plan["estimated_steps"]
    found = select_resume_checkpoint(written.folder.root)
    return sum(
        (
            found.checkpoint is not None,
            found.start_step != 0,
            found.target_step != target,
            not found.from_initial,
            len(found.rejected) > 0,
        )
    )


def _production_labels(plan: Mapping[str, Any], manifest: Mapping[str, Any]) -> int:
    label = ClaimLevel.PRODUCTION.value
    return sum(document["claim_level"] == label for document in (plan, manifest))


def gates(plan: Mapping[str, Any]) -> list[Gate]:
    """The plan gates of the specification, with the bounds of this plan."""
    thresholds = plan["thresholds"]
    return [*_on_duration(), *_on_equilibrium(), *_on_grid(thresholds), *_on_files()]


def _on_duration() -> list[Gate]:
    return [
        Gate(
            name="duration_guard_passed",
            metric="duration_over_required",
            low=1.0,
            reason="a transient is no nonlinear evolution; a typed-in rate must not shorten a run",
            remedy=PLAN_AGAIN + "with a longer --t-end or without it",
        ),
        Gate(
            name="growth_rate_computed",
            metric="growth_rate_error",
            high=1.0,
            reason="the duration needs a real rate: change on doubling the modes over 1e-6, and "
            "residual over 1e-10, the larger of the two",
            remedy=PLAN_AGAIN + "with a wider sheet or more dissipation",
        ),
        Gate(
            name="growth_rate_declared_matches_computed",
            metric="growth_rate_mismatch",
            high=MISMATCH,
            reason="a declared rate is an expectation; the eigen-solve is the test of it",
            remedy=PLAN_AGAIN + "without --harris-growth-rate",
        ),
        Gate(
            name="end_time_is_whole_steps",
            metric="end_time_step_error",
            high=WHOLE,
            reason="an end between two steps is an end that is never reached",
            remedy=PLAN_AGAIN + "with a --dt that divides the end time, or --dt auto",
        ),
    ]


def _on_equilibrium() -> list[Gate]:
    return [
        Gate(
            name="linear_mode_resolved_on_grid",
            metric="growth_rate_grid_error",
            high=ON_THE_GRID,
            reason="the resistive layer must be resolved: the grid's own modes give the same rate",
            remedy=PLAN_AGAIN + "with more points across the sheet",
        ),
        Gate(
            name="equilibrium_resolved",
            metric="equilibrium_tail",
            high=TAIL,
            reason="a sheet thinner than the grid is another sheet",
            remedy=PLAN_AGAIN + "with more points across the sheet, or a larger --width",
        ),
        Gate(
            name="equilibrium_exactly_periodic",
            metric="equilibrium_period_mismatch",
            high=PERIODIC,
            reason="a jump at the edge of the box is a hidden current sheet",
            remedy="give the equilibrium as a sum over all images",
        ),
    ]


def _on_grid(thresholds: Mapping[str, float]) -> list[Gate]:
    return [
        Gate(
            name="time_step_stable",
            metric="time_step_ratio",
            high=timestep.EXPLICIT,
            reason="beyond the limit of RK4 the run must blow up; dt over dt_max, initial state",
            remedy=PLAN_AGAIN + "with --dt auto",
        ),
        Gate(
            name="production_resolution_floor",
            metric="resolution",
            low=thresholds["min_production_resolution"],
            reason="below it the layer and the plasmoid scale are guesswork",
            remedy=PLAN_AGAIN + "with more points along both axes",
        ),
        Gate(
            name="saved_frame_floor",
            metric="saved_frames",
            low=thresholds["min_saved_frames"],
            reason="too few samples hide what happens between them",
            remedy=PLAN_AGAIN + "with more --target-saved-frames",
        ),
    ]


def _on_files() -> list[Gate]:
    return [
        Gate(
            name="checkpoint_cadence_defined",
            metric="checkpoint_cadence_share",
            high=1.0,
            reason="a kill may cost one interval, no more; cadence over interval and walltime",
            remedy=PLAN_AGAIN + "with a longer --checkpoint-interval-minutes",
        ),
        Gate(
            name="walltime_chunking_defined",
            metric="chunk_faults",
            high=0,
            reason="chunks cover all steps once, and each ends within its walltime",
            remedy=PLAN_AGAIN + "with a longer --max-walltime-hours",
        ),
        _files("checkpoint_index_initialized", "checkpoint_index_faults", "it starts empty"),
        _files("resume_contract_defined", "resume_contract_faults", "a fresh run starts at step 0"),
        _files("required_outputs_declared", "outputs_without_writer", "each output has a writer"),
        _files(
            "claim_level_not_completed_production",
            "production_labels",
            "nothing has run: neither plan nor manifest may claim a result",
        ),
        Gate(
            name="resources_available",
            metric="resource_share",
            high=1.0,
            reason="a run that does not fit ends in the middle; need over room, memory or disk",
            remedy="make room, plan a smaller grid, or run it on a larger machine",
        ),
    ]


def _files(name: str, metric: str, reason: str) -> Gate:
    return Gate(name=name, metric=metric, high=0, reason=reason, remedy=PLAN_AGAIN + "unchanged")
