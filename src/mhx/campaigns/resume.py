"""Where a run would go on, and records registered by hand.

`checkpoint_index.json` is a cache of plan and records: where it cannot be read, or states another
target than the plan, it is made again from them, and that is said.  A resume plan is a view: it
verifies every candidate, says which one is chosen and why the others are not, moves nothing, and is
covered by no digest.
"""

import contextlib
import json
import math
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.errors import ConfigError, EvidenceError, RunError
from mhx.evidence import checkpoints, schemas, store
from mhx.evidence.checkpoints import Checkpoint, Rejected
from mhx.evidence.gates import Gate, GateResult, judge_all, validation_document
from mhx.evidence.hashing import file_digest
from mhx.evidence.provenance import API_VERSION, now

REGISTERED = "registered"
BEHAVIOUR = (
    "verify the digests of state, history and initial state; load coefficients, not fields; "
    "go on with global steps; write state, segment, record and index in this order"
)

GATES = (
    Gate(
        name="checkpoint_index_loaded",
        metric="index_faults",
        high=0,
        reason="without records it is unknown where the run stands",
        remedy="restore checkpoints/ from a copy",
    ),
    Gate(
        name="target_step_not_before_checkpoint",
        metric="steps_beyond_target",
        high=0,
        reason="a run does not go backwards",
        remedy="ask for a later --target-step",
    ),
    Gate(
        name="valid_checkpoint_available",
        metric="valid_checkpoints",
        low=1,
        reason="a checkpoint is trusted when record, state and every segment before it are intact",
    ),
    Gate(
        name="can_resume_from_initial_state",
        metric="initial_state_faults",
        high=0,
        reason="without a checkpoint a run can only start again from an untouched initial state",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Resume:
    """The answer to "where would it go on": step 0 where `checkpoint` is None.

    foreign: why the checkpoints there are those of another run, empty when they are not.
    notes: what was made again to find the answer.
    """

    checkpoint: Checkpoint | None
    rejected: tuple[Rejected, ...]
    target_step: int
    from_initial: bool
    foreign: str = ""
    notes: tuple[str, ...] = ()

    @property
    def start_step(self) -> int:
        return self.checkpoint.step if self.checkpoint else 0

    @property
    def remaining_steps(self) -> int:
        return max(0, self.target_step - self.start_step)


def record_validation(
    artifacts: Mapping[str, Mapping[str, Any]],
    step: int,
    time: float,
    metrics: Mapping[str, float | None],
) -> dict[str, Any]:
    """`validation` of a record, computed from what it holds."""
    checks = {
        "state_artifact_exists": bool(artifacts.get("state", {}).get("exists")),
        "finite_metrics": all(v is not None and math.isfinite(v) for v in metrics.values()),
        "step_nonnegative": step >= 0,
        "time_nonnegative": time >= 0,
    }
    return {
        "schema": schemas.gates_of(schemas.CAMPAIGN_CHECKPOINT),
        "passed": all(checks.values()),
        "checks": checks,
    }


def index_document(
    plan: Plan | None, records: list[Checkpoint], created: str | None = None
) -> dict[str, Any]:
    """`checkpoint_index.json` of these records; without a plan it is marked as unplanned."""
    policy = plan.policy.document(plan.target_step) if plan else {}
    return {
        "schema": schemas.CAMPAIGN_CHECKPOINT_INDEX,
        "api_version": API_VERSION,
        "created_utc": created or now(),
        "updated_utc": now(),
        "run_dir": ".",
        "planned": plan is not None,
        "plan_digest": plan.digest if plan else None,
        "target_step": plan.target_step if plan else 0,
        "target_time": plan.target_time if plan else 0.0,
        "latest_checkpoint": records[-1].document if records else None,
        "checkpoints": [record.document for record in records],
        "resume_policy": {
            "checkpoint_every_steps": plan.checkpoint_every_steps if plan else None,
            "steps_per_walltime_job": plan.steps_per_job if plan else None,
            "walltime_policy": policy,
        },
        **({} if plan else {"warning": "no plan here: the target step is unknown and set to 0"}),
    }


def write_index(folder: RunFolder, plan: Plan | None) -> None:
    """Make the index again from the records; one that says the same already is left alone."""
    made = _rebuilt(folder, plan)
    with contextlib.suppress(EvidenceError):
        if _but_when(store.read_json(folder.index)) == _but_when(store.strict(made)):
            return
    store.write_json(folder.index, made)


def _but_when(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "updated_utc"}


def load_checkpoint_index(run_dir: Path | str) -> dict[str, Any]:
    """The index; made again in memory where it cannot be read or disagrees with the plan."""
    folder = RunFolder(Path(run_dir))
    return _index(folder, read_plan(folder) if folder.plan.exists() else None)[0]


def _index(folder: RunFolder, plan: Plan | None) -> tuple[dict[str, Any], str]:
    """The index, and what was wrong with the one on disk."""
    try:
        index = store.read_json(folder.index, schemas.CAMPAIGN_CHECKPOINT_INDEX)
    except EvidenceError as error:
        if not folder.checkpoints.is_dir():
            raise
        return _rebuilt(folder, plan), f"{error}; made again from the records"
    wanted = {"target_step": plan.target_step, "plan_digest": plan.digest} if plan else {}
    for name, value in wanted.items():
        if index.get(name) != value:
            return _rebuilt(folder, plan), (
                f"{folder.index} states {name} {index.get(name)!r}, the plan {value!r}: "
                "the plan holds, the index is made again"
            )
    return index, ""


def initial_record(folder: RunFolder) -> Mapping[str, Any] | None:
    """`initial_state.json`; None when it is not there or was altered."""
    try:
        document = store.read_json(folder.initial_record, schemas.CAMPAIGN_CHECKPOINT)
    except EvidenceError:
        return None
    return document if document.get("digest") == checkpoints.record_digest(document) else None


def other_plan(folder: RunFolder, plan: Plan) -> str:
    """Why the checkpoints there cannot be gone on from under this plan; empty when they can."""
    record = initial_record(folder)
    known = [entry.plan_digest for entry in checkpoints.read_records(folder.root)[0]]
    for other in [record["plan_digest"] if record else None, *known]:
        if other not in (None, plan.digest):
            return (
                f"{folder.root}: its checkpoints belong to the plan {other[:12]}, the plan there "
                f"now is {plan.digest[:12]}; restore the old plan, or plan into a new folder"
            )
    return ""


def select_resume_checkpoint(run_dir: Path | str, target_step: int | None = None) -> Resume:
    """The newest checkpoint at or before the target that can be trusted, and those that cannot.

    Without a target it is that of the index, which repeats the plan's.
    """
    folder = RunFolder(Path(run_dir))
    plan = read_plan(folder) if folder.plan.exists() else None
    note = ""
    if target_step is None:
        index, note = _index(folder, plan)
        target_step = int(index["target_step"])
    if target_step < 0:
        raise ConfigError(f"--target-step must be >= 0, got {target_step}")
    initial = _initial_digest(folder)
    selection = checkpoints.select(
        folder.root,
        target=target_step,
        plan_digest=plan.digest if plan else None,
        initial_state=initial,
    )
    foreign = other_plan(folder, plan) if plan else ""
    return Resume(
        checkpoint=None if foreign else selection.checkpoint,
        rejected=selection.rejected,
        target_step=target_step,
        from_initial=not foreign and _initial_untouched(folder, initial),
        foreign=foreign,
        notes=(note,) if note else (),
    )


def judged(run_dir: Path | str, found: Resume) -> list[GateResult]:
    """The four gates of a resume plan; one of the last two is enough."""
    try:
        load_checkpoint_index(run_dir)
        index_faults = 0
    except EvidenceError:
        index_faults = 1
    return judge_all(
        GATES,
        {
            "index_faults": index_faults,
            "steps_beyond_target": max(0, found.start_step - found.target_step),
            "valid_checkpoints": int(found.checkpoint is not None),
            "initial_state_faults": int(not found.from_initial),
        },
    )


def resume_document(
    run_dir: Path | str, found: Resume, *, steps_per_job: int | None, execute_command: str
) -> tuple[dict[str, Any], list[GateResult]]:
    """`resume_plan.json` and the gates in it."""
    root = Path(run_dir)
    results = judged(root, found)
    checks = validation_document(schemas.gates_of(schemas.CAMPAIGN_RESUME_PLAN), results, {})
    by_name = {result.gate.name: result.passed for result in results}
    usable = by_name["valid_checkpoint_available"] or by_name["can_resume_from_initial_state"]
    needed = ("checkpoint_index_loaded", "target_step_not_before_checkpoint")
    passed = usable and all(by_name[name] for name in needed)
    left = found.remaining_steps
    chunks = math.ceil(left / steps_per_job) if steps_per_job else None
    document = {
        "schema": schemas.CAMPAIGN_RESUME_PLAN,
        "api_version": API_VERSION,
        "run_dir": ".",
        "checkpoint": found.checkpoint.document if found.checkpoint else None,
        "start_step": found.start_step,
        "target_step": found.target_step,
        "remaining_steps": left,
        "chunks_remaining": chunks,
        "invalid_checkpoints": [
            {"id": entry.checkpoint_id, "file": entry.file, "reason": entry.reason}
            for entry in found.rejected
        ],
        "validation": {**checks, "passed": passed, "invalid_checkpoint_count": len(found.rejected)},
        "command_contract": {
            "executor_status": "available",
            "resume_from_checkpoint": found.checkpoint.path if found.checkpoint else None,
            "start_step": found.start_step,
            "target_step": found.target_step,
            "steps_per_walltime_job": steps_per_job,
            "required_executor_behavior": BEHAVIOUR,
        },
        "execute_command": execute_command,
        "notes": [*found.notes, *([found.foreign] if found.foreign else [])],
    }
    return document, results


def write_checkpoint_metadata(  # noqa: PLR0913  (a public signature that users of the lane know)
    run_dir: Path | str,
    *,
    step: int,
    time: float,
    state_path: Path | str,
    history_path: Path | str | None = None,
    diagnostics_path: Path | str | None = None,
    walltime_elapsed_seconds: float = 0.0,
    metrics: Mapping[str, float] | None = None,
    completed: bool = False,
) -> Path:
    """Register a checkpoint that another program wrote; returns the record, `step_%012d.json`.

    Relative paths are below `run_dir`.  History and diagnostics are copied, so that a caller may go
    on rewriting one growing file; the state is named as it is and must not change again.  Where
    there is no plan, an index without a target is made, with a warning.
    """
    numbers = {"step": step, "time": time, "walltime_elapsed_seconds": walltime_elapsed_seconds}
    for name, value in numbers.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be a number >= 0, got {value!r}")
    folder = RunFolder(Path(run_dir))
    plan = read_plan(folder) if folder.plan.exists() else None
    sources = {"state": state_path, "history": history_path, "diagnostics": diagnostics_path}
    given = {name: Path(path) for name, path in sources.items() if path is not None}
    for name, path in given.items():
        if not (folder.root / path).is_file():
            raise FileNotFoundError(f"checkpoint {name} {folder.root / path} does not exist")
    values = dict(metrics or {})
    artifacts = {
        name: _registered(folder, path, step, copied=name != "state")
        for name, path in given.items()
    }
    record = checkpoints.write_record(
        folder.root,
        {
            **numbers,
            "completed": completed,
            "metrics": values,
            "artifacts": artifacts,
            "validation": record_validation(artifacts, step, time, values),
            "plan_digest": plan.digest if plan else None,
            "previous": None,
            REGISTERED: True,
        },
    )
    if plan is None and not folder.index.exists():
        warnings.warn(
            f"{folder.root} holds no plan and no index: {folder.index.name} is made with target "
            "step 0, marked as not planned; plan into this folder first",
            UserWarning,
            stacklevel=2,
        )
    write_index(folder, plan)
    return record


def _registered(folder: RunFolder, path: Path, step: int, *, copied: bool) -> dict[str, Any]:
    source = folder.root / path
    entry: dict[str, Any] = {
        "exists": source.exists(),
        "portable": copied or not path.is_absolute(),
    }
    if copied:
        name = f"{path.stem}_step_{step:012d}{path.suffix}"
        target = folder.checkpoints / REGISTERED / name
        with source.open("rb") as original:
            store.write_with(
                target,
                lambda stream: shutil.copyfileobj(original, stream),
                expected_bytes=source.stat().st_size,
            )
        entry |= {"path": target.relative_to(folder.root).as_posix(), "source_path": str(path)}
        source = target
    else:
        entry |= {"path": path.as_posix()}
    return {**entry, "size_bytes": source.stat().st_size, "sha256": file_digest(source)}


def _rebuilt(folder: RunFolder, plan: Plan | None) -> dict[str, Any]:
    try:
        created = json.loads(folder.index.read_bytes()).get("created_utc")
    except (OSError, ValueError, AttributeError):
        created = None
    return index_document(plan, checkpoints.read_records(folder.root)[0], created)


def _initial_digest(folder: RunFolder) -> str | None:
    """Digest of the bound initial state as its record states it; None before it is bound."""
    record = initial_record(folder)
    return str(record["artifacts"]["state"]["sha256"]) if record else None


def _initial_untouched(folder: RunFolder, digest: str | None) -> bool:
    """True before anything is bound, and when the bound state is still as it was recorded."""
    if digest is None:
        return not folder.initial_state.exists() and not folder.initial_record.exists()
    return checkpoints.intact(folder.root, {"checkpoints/initial_state.npz": digest})


def write_view(path: Path, document: Mapping[str, Any]) -> bool:
    """Write a derived file; False where the folder cannot be written, which stops nothing."""
    try:
        store.write_json(path, document)
    except RunError:
        return False
    return True
