"""What stands behind an executed chunk, made again from checkpoints at any time.

History, pictures, movies and numbers are drawn from the segments on disk; the gates then judge what
was read back, not what was in memory.  Files whose content would be the same are left as they are,
so judging a finished run again touches nothing but its verdicts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns.execute import Outcome
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan
from mhx.campaigns.rutherford.binding import PLACE, Bound
from mhx.errors import EvidenceError
from mhx.evidence import checkpoints, schemas, store
from mhx.evidence.checkpoints import Checkpoint
from mhx.reconnection import figures, phases
from mhx.reconnection.diagnostics import assemble
from mhx.reconnection.gates import quality_metrics
from mhx.reconnection.trajectory import (
    assemble_history,
    join,
    join_frames,
    read_history,
    write_history,
)
from mhx.report.movies import MAX_FRAMES

BOUNDARY = (
    "executed at stated settings and judged; which gates failed stands beside it; numerical, not "
    "agreement with data"
)


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """What one call did, as far as files cannot tell."""

    plan: Plan
    bound: Bound
    outcome: Outcome
    resumed_from: Checkpoint | None
    discarded: Sequence[str] = ()
    seconds_per_step: float | None = None
    device: str | None = None
    first_row: Mapping[str, float] = field(default_factory=dict)
    resume_faults: int = 0
    movies: bool = False
    bounds: Mapping[str, float] = field(default_factory=dict)


def chain(folder: RunFolder) -> list[Checkpoint]:
    """The checkpoints that this lane wrote, by step."""
    return [r for r in checkpoints.read_records(folder.root)[0] if not r.registered]


def write_series(folder: RunFolder, chunk: Chunk) -> Mapping[str, Any]:
    """Assemble the history from its segments, write it where it differs, and read it back."""
    paths = [folder.root / name for record in chain(folder) for name in record.history]
    made = assemble_history(paths) if paths else assemble([chunk.first_row])
    if not _same(folder.history, made):
        write_history(folder.history, made)
    return read_history(folder.history).arrays


def _same(path: Path, made: Mapping[str, Any]) -> bool:
    try:
        found = read_history(path).arrays
    except EvidenceError:
        return False
    return found.keys() == made.keys() and all(
        found[name].dtype == made[name].dtype and found[name].tobytes() == made[name].tobytes()
        for name in made
    )


def phases_of(history: Mapping[str, Any]) -> dict[str, Any]:
    """Linear and algebraic phase of the leading sheet; None without sheets."""
    sheet = phases.leading_sheet(history)
    if sheet is None or f"island_width_{sheet}" not in history:
        return {"linear_phase": None, "algebraic_phase": None}
    time, flux = history["time"], history[f"sheet_flux_{sheet}"]
    linear = phases.linear_phase(time, flux)
    width = history[f"island_width_{sheet}"]
    return {
        "linear_phase": linear,
        "algebraic_phase": phases.algebraic_phase(time, width, flux, linear, None),
    }


def draw(folder: RunFolder, chunk: Chunk, history: Mapping[str, Any]) -> None:
    """The figures that the plan names; those that are there already if nothing has moved."""
    names = [folder.figures / name for name in chunk.plan.document["required_outputs"]["figures"]]
    if not chunk.outcome.steps_run and all(path.exists() for path in names):
        return
    found = phases_of(history)["linear_phase"] or {}
    start, end = found.get("t_start"), found.get("t_end")
    figures.all_histories(
        folder.figures,
        history,
        window=None if start is None or end is None else (start, end),
        slope=found.get("slope"),
        eigenvalue=(chunk.plan.document.get("growth_rate") or {}).get("gamma"),
    )


def draw_movies(folder: RunFolder, chunk: Chunk) -> None:
    """Both movies of the whole run, from the pictures that its checkpoints left."""
    paths = [
        folder.root / name
        for record in chain(folder)
        for name in record.others
        if checkpoints.intact(folder.root, {name: record.others[name]})
    ]
    if chunk.movies and paths:
        figures.write_movies(folder.figures, join_frames(paths), chunk.bound.config.grid)


def missing_movies(folder: RunFolder) -> int:
    """Of the two movies and their sidecars, how many are not there."""
    paths = [folder.figures / name for name, *_ in figures.MOVIES.values()]
    wanted = [place for path in paths for place in (path, path.with_suffix(".json"))]
    return sum(not path.is_file() for path in wanted)


def metrics(folder: RunFolder, chunk: Chunk, history: Mapping[str, Any]) -> dict[str, float | None]:
    """What the execution gates read, from files that were read back and hashed again."""
    records, unreadable = checkpoints.read_records(folder.root)
    ours = [record for record in records if not record.registered]
    outcome = chunk.outcome
    return {
        **quality_metrics(history),
        "plan_faults": _plan_faults(folder, chunk.plan, ours),
        "resume_faults": chunk.resume_faults,
        "progress": max(outcome.steps_run, int(outcome.end_step >= chunk.plan.target_step)),
        "checkpoint_state_faults": _state_faults(folder, chunk, ours),
        "checkpoint_metadata_faults": len(unreadable) + int(not _reaches(ours, outcome)),
        "segment_faults": _segment_faults(folder, ours),
        "missing_movies": missing_movies(folder) if chunk.movies else 0,
    }


def _reaches(ours: Sequence[Checkpoint], outcome: Outcome) -> bool:
    return (ours[-1].step if ours else 0) == outcome.end_step


def _plan_faults(folder: RunFolder, plan: Plan, ours: Sequence[Checkpoint]) -> int:
    index = store.read_json(folder.index, schemas.CAMPAIGN_CHECKPOINT_INDEX)
    stated = [index["plan_digest"], *(record.plan_digest for record in ours)]
    return sum(digest != plan.digest for digest in stated)


def _state_faults(folder: RunFolder, chunk: Chunk, ours: Sequence[Checkpoint]) -> int:
    """States and segments that are not as their records say; given up ones are left out."""
    faults = int(not checkpoints.intact(folder.root, {PLACE: chunk.bound.sha256}))
    for record in ours:
        kept = {} if record.pruned else dict(record.state)
        faults += not checkpoints.intact(folder.root, {**kept, **record.history})
    return faults


def _segment_faults(folder: RunFolder, ours: Sequence[Checkpoint]) -> int:
    try:
        parts = join([folder.root / name for record in ours for name in record.history])
    except EvidenceError:
        return 1
    ends = [part.end_step for part in parts]
    return int(ends != [record.step for record in ours])


def diagnostics(
    folder: RunFolder, chunk: Chunk, history: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any]:
    """`diagnostics.json`, without the level and what a claim adds."""
    plan, outcome, config = chunk.plan, chunk.outcome, chunk.bound.config
    divergence = history.get("magnetic_divergence_linf")
    fault = outcome.fault
    return {
        "schema": schemas.CAMPAIGN_EXECUTION,
        "plan_schema": plan.document["schema"],
        "api_version": plan.document["api_version"],
        "claim_boundary": BOUNDARY,
        "plan_digest": plan.digest,
        "family_digest": plan.family_digest,
        "start_step": outcome.start_step,
        "end_step": outcome.end_step,
        "steps_run": outcome.steps_run,
        "target_step": plan.target_step,
        "completed_target": outcome.end_step >= plan.target_step,
        "stop_reason": outcome.stop_reason,
        "fault": None if fault is None else vars(fault),
        "dt": config.dt,
        "save_every": config.save_every,
        "shape": list(config.grid.shape),
        "dtype": config.numerics.dtype,
        "seed": config.initial.seed,
        "noise_amplitude": config.initial.noise_amplitude,
        "resistivity": config.physics.resistivity,
        "viscosity": config.physics.viscosity,
        "equilibrium": config.physics.equilibrium,
        "equilibrium_parameters": dict(config.parameters),
        "hold_equilibrium": config.held,
        "mode": list(config.mode),
        "max_relative_energy_growth": found["max_relative_energy_growth"],
        "max_energy_budget_residual": found["max_energy_budget_residual"],
        "max_magnetic_divergence_linf": found["max_magnetic_divergence_linf"],
        "final_magnetic_divergence_linf": None if divergence is None else float(divergence[-1]),
        "max_spectral_tail": found["max_spectral_tail"],
        "max_stability_ratio": found["max_stability_ratio"],
        "history_samples": len(history["step"]),
        "resume_start_checkpoint": chunk.resumed_from.path if chunk.resumed_from else None,
        "discarded_checkpoints": list(chunk.discarded),
        "seconds_per_step": chunk.seconds_per_step,
        "stepping_seconds_per_step": outcome.stepping_seconds,
        "device": chunk.device,
        "max_movie_frames": MAX_FRAMES,
        **phases_of(history),
    }
