"""A plan: its counts, its chunks, its digest, and `campaign_plan.json` read back with suspicion.

Steps are integers from 0 to `target_step`; time is step * dt [L/v_A]; walltime in seconds.  Knows
no physics: which configuration is planned, and how long, is decided in `rutherford/`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.thresholds import waivers
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import schemas
from mhx.evidence.claims import Waiver
from mhx.evidence.hashing import content_digest
from mhx.evidence.store import read_json

API_VERSION = "v1"
IN_THE_PLAN = "plan"
PRECISION = 64
_BITS = {"float64": 64, "float32": 32}
MIN_CHECKPOINTS = 8
DURATION_GATE = "duration_guard_passed"
DURATION = {"required_efolds": 10.0, "safety_factor": 3.0}
"""The production bounds of N_e and s_f; a plan that demands less is a waiver."""
TABLES = ("mesh", "time", "physics", "initial", "numerics", "diagnostics")
"""The tables of a configuration that decide trajectory and diagnostics; names and paths do not."""


@dataclass(frozen=True, kw_only=True)
class WalltimePolicy:
    """The budget of one job: what the scheduler grants, what is reserved, what a step costs.

    seconds_per_step_source: "measured" or "given".
    """

    seconds_per_step_estimate: float
    max_walltime_hours: float = 12.0
    checkpoint_interval_minutes: float = 30.0
    preemption_margin_minutes: float = 20.0
    min_steps_per_job: int = 1
    seconds_per_step_source: str = "given"

    def __post_init__(self) -> None:
        for name in (
            "seconds_per_step_estimate",
            "max_walltime_hours",
            "checkpoint_interval_minutes",
            "min_steps_per_job",
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, got {value!r}")
        margin = self.preemption_margin_minutes
        if not 0 <= margin * 60 < self.max_walltime_seconds:
            raise ValueError(
                f"preemption_margin_minutes must leave time of {self.max_walltime_hours!r} h, "
                f"got {margin!r}"
            )

    @property
    def max_walltime_seconds(self) -> float:
        return self.max_walltime_hours * 3600

    @property
    def usable_walltime_seconds(self) -> float:
        return self.max_walltime_seconds - self.preemption_margin_minutes * 60

    @property
    def checkpoint_interval_seconds(self) -> float:
        return self.checkpoint_interval_minutes * 60

    def steps_per_walltime_job(self, steps: int) -> int:
        """Steps that fit into the usable walltime of one job, at most all of them."""
        fitting = math.floor(self.usable_walltime_seconds / self.seconds_per_step_estimate)
        return max(self.min_steps_per_job, min(fitting, steps))

    def checkpoint_every_steps(self, steps: int) -> int:
        """Steps between checkpoints: the interval, and at least eight checkpoints in a run."""
        fitting = math.floor(self.checkpoint_interval_seconds / self.seconds_per_step_estimate)
        return max(1, min(fitting, math.ceil(steps / MIN_CHECKPOINTS), steps))

    def document(self, steps: int) -> dict[str, Any]:
        """`walltime_policy` of a plan."""
        return {
            "max_walltime_hours": self.max_walltime_hours,
            "seconds_per_step_estimate": self.seconds_per_step_estimate,
            "seconds_per_step_source": self.seconds_per_step_source,
            "checkpoint_interval_minutes": self.checkpoint_interval_minutes,
            "preemption_margin_minutes": self.preemption_margin_minutes,
            "min_steps_per_job": self.min_steps_per_job,
            "max_walltime_seconds": self.max_walltime_seconds,
            "usable_walltime_seconds": self.usable_walltime_seconds,
            "checkpoint_interval_seconds": self.checkpoint_interval_seconds,
            "steps_per_walltime_job": self.steps_per_walltime_job(steps),
            "checkpoint_every_steps": self.checkpoint_every_steps(steps),
        }


_POLICY = tuple(field.name for field in fields(WalltimePolicy))


def of_precision(config: Mapping[str, Any]) -> list[Waiver]:
    """A waiver where the fields have fewer bits than a production run needs."""
    bits = _BITS[config["numerics"]["dtype"]]
    if bits >= PRECISION:
        return []
    return [
        Waiver(
            gate="precision",
            production_bound=PRECISION,
            used_bound=bits,
            where="numerics.dtype",
        )
    ]


def of_duration(assessment: Mapping[str, Any]) -> list[Waiver]:
    """A waiver for each factor of the duration that is below what a production run needs."""
    stated = {name: assessment.get(name) for name in DURATION}
    used = {name: _factor(value) for name, value in stated.items()}
    return [
        Waiver(
            gate=DURATION_GATE,
            production_bound=needed,
            used_bound=used[name],
            where=IN_THE_PLAN,
        )
        for name, needed in DURATION.items()
        if used[name] < needed
    ]


def _factor(value: Any) -> float:
    """A factor of the duration; what is no number demands nothing."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number else 0.0


def steps_to(t_end: float, dt: float) -> int:
    """Whole steps that reach t_end; a remainder below 1e-9 of a step is round-off."""
    return max(1, math.ceil(t_end / dt - 1e-9))


def stride(steps: int, target_saved_frames: int) -> int:
    """Steps between samples that come closest to the wanted number of them."""
    return max(1, round(steps / target_saved_frames))


def samples(steps: int, save_every: int) -> int:
    """Rows of the finished history: step 0, each multiple of the stride, and the last step."""
    return 1 + math.ceil(steps / save_every)


def counts(steps: int, save_every: int, policy: WalltimePolicy) -> dict[str, Any]:
    """The numbers of a plan that follow from its steps, its stride and its walltime."""
    per_job = policy.steps_per_walltime_job(steps)
    cadence = policy.checkpoint_every_steps(steps)
    return {
        "estimated_steps": steps,
        "save_every": save_every,
        "estimated_saved_frames": samples(steps, save_every),
        "checkpoint_every_steps": cadence,
        "estimated_checkpoints": math.ceil(steps / cadence),
        "steps_per_walltime_job": per_job,
        "estimated_walltime_jobs": math.ceil(steps / per_job),
        "estimated_walltime_seconds": steps * policy.seconds_per_step_estimate,
    }


def jobs(
    *, target_step: int, steps_per_job: int, checkpoint_every_steps: int, start_step: int = 0
) -> list[dict[str, Any]]:
    """The chunks of a run from `start_step` on, in order, each with the commands that make it."""
    starts = range(start_step, target_step, steps_per_job)
    rows = []
    for index, start in enumerate(starts):
        end = min(start + steps_per_job, target_step)
        rows.append(
            {
                "job_index": index,
                "start_step": start,
                "end_step": end,
                "checkpoint_every_steps": checkpoint_every_steps,
                "expected_terminal_checkpoint": f"checkpoints/step_{end:012d}.json",
                "resume_plan_command": f"mhx campaign rutherford-resume-plan . --target-step {end}",
                "execute_command": f"mhx campaign rutherford-execute . --max-steps {end - start}",
                "depends_on": [] if index == 0 else [index - 1],
            }
        )
    return rows


def job_array(document: Mapping[str, Any], *, start_step: int = 0) -> dict[str, Any]:
    """`job_array.json` for what is left of a plan; its commands run inside the run directory."""
    chunk = {
        "steps_per_job": document["steps_per_walltime_job"],
        "checkpoint_every_steps": document["checkpoint_every_steps"],
    }
    target = document["estimated_steps"]
    return {
        "schema": schemas.CAMPAIGN_JOB_ARRAY,
        "run_dir": ".",
        "total_steps": target,
        **chunk,
        "jobs": jobs(target_step=target, start_step=start_step, **chunk),
    }


def plan_digest(document: Mapping[str, Any]) -> str:
    """Digest of what decides trajectory, diagnostics and thresholds: no rates, paths or times."""
    config, duration = document["config"], document["duration_assessment"]
    return content_digest(
        {
            "schema": document["schema"],
            "config": {name: config[name] for name in TABLES},
            "target_step": document["estimated_steps"],
            "thresholds": document["thresholds"],
            "duration": {
                name: duration[name]
                for name in ("required_efolds", "safety_factor", "growth_rate_declared")
            },
        }
    )


@dataclass(frozen=True)
class Plan:
    """One `campaign_plan.json` whose digest recomputes."""

    document: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return str(self.document["plan_digest"])

    @property
    def config(self) -> Mapping[str, Any]:
        """The configuration as parsed, equal to `campaign_config.toml`."""
        config: Mapping[str, Any] = self.document["config"]
        return config

    @property
    def target_step(self) -> int:
        return int(self.document["estimated_steps"])

    @property
    def dt(self) -> float:
        return float(self.document["time_step"]["dt"])

    @property
    def target_time(self) -> float:
        return self.target_step * self.dt

    @property
    def save_every(self) -> int:
        return int(self.document["save_every"])

    @property
    def checkpoint_every_steps(self) -> int:
        return int(self.document["checkpoint_every_steps"])

    @property
    def steps_per_job(self) -> int:
        return int(self.document["steps_per_walltime_job"])

    @property
    def policy(self) -> WalltimePolicy:
        """The walltime budget as planned; a measured rate may replace its estimate."""
        stored = self.document["walltime_policy"]
        return WalltimePolicy(**{name: stored[name] for name in _POLICY})

    @property
    def thresholds(self) -> dict[str, float]:
        """Every bound in use, by its name in `thresholds.BOUNDS`."""
        return dict(self.document["thresholds"])

    @property
    def waivers(self) -> list[Waiver]:
        """What already caps the level: looser bounds and plan gates that did not pass.

        Bounds are compared anew; a gate without a value is stored as null and read as infinite.
        """
        bounds = waivers(self.thresholds, where=IN_THE_PLAN) + of_precision(self.config)
        bounds += of_duration(self.document["duration_assessment"])
        stored = [
            Waiver(**{**row, "used_bound": _number(row["used_bound"])})
            for row in self.document["waivers"]
        ]
        return bounds + [waiver for waiver in stored if waiver not in bounds]

    @property
    def family_digest(self) -> str:
        return str(self.document["family_digest"])

    @property
    def failed_gates(self) -> list[str]:
        """Plan gates that did not pass, as the planner judged them."""
        return [str(name) for name in self.document["failed_gates"]]


def _number(value: float | None) -> float:
    return math.inf if value is None else float(value)


def read_plan(folder: RunFolder) -> Plan:
    """The plan of a run directory; refused when absent (2) or altered (4)."""
    if not folder.root.is_dir():
        raise ConfigError(
            f"{folder.root} is no directory; plan first: "
            f"mhx campaign rutherford-plan-production --outdir {folder.root}"
        )
    if not folder.plan.exists() and not folder.plan_manifest.exists() and not folder.index.exists():
        raise ConfigError(
            f"{folder.root} is no run directory: it holds no {folder.plan.name}; plan first: "
            f"mhx campaign rutherford-plan-production --outdir {folder.root}"
        )
    document = read_json(folder.plan, schemas.CAMPAIGN_PLAN)
    try:
        plan, found = Plan(document), plan_digest(document)
        stated = plan.digest, plan.target_step, plan.dt, plan.policy, plan.waivers
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(
            f"{folder.plan} was altered: {error!r} where the planner writes a value; "
            "restore it from a copy"
        ) from error
    if stated[0] != found:
        raise EvidenceError(
            f"{folder.plan} was altered after planning: its content has the digest {found[:12]}, "
            f"it states {stated[0][:12]}; restore it from a copy"
        )
    return plan
