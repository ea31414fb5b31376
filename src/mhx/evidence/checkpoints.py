"""Checkpoint records, their chain, and which of them can be trusted.

One record, `checkpoints/step_%012d.json`, names the state at its step and the one history segment
that leads up to it, each with its SHA-256, and carries `previous`, the `digest` of the record
before.  What a record names never changes again.  A digest covers the record without `pruned`,
which is set when an older state is given up for room.  Records registered by hand (`registered`)
stand outside the chain and are judged on their own artifacts alone.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.errors import EvidenceError
from mhx.evidence.hashing import content_digest, file_digest
from mhx.evidence.provenance import API_VERSION, now
from mhx.evidence.schemas import CAMPAIGN_CHECKPOINT
from mhx.evidence.store import read_json, strict, write_json
from mhx.evidence.syncing import settle

FOLDER = "checkpoints"
_NAME = re.compile(r"step_(\d{12})\.json")
_UNDIGESTED = frozenset({"pruned", "digest"})


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One record.

    time: in the domain's unit.
    state, history, others: path below the run directory (absolute where registered so) -> SHA-256.
    finite: no metric is missing or not a number.
    document: the record as stored.
    """

    step: int
    time: float
    plan_digest: str | None
    state: Mapping[str, str]
    history: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    previous: str | None = None
    digest: str = ""
    initial_state_sha256: str | None = None
    finite: bool = True
    pruned: bool = False
    registered: bool = False
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def checkpoint_id(self) -> str:
        return f"step_{self.step:012d}"

    @property
    def path(self) -> str:
        """Of the record, below the run directory."""
        return record_path(self.step)


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A record that is no resume point.

    file: what is at fault.  files: what has to go to quarantine so that the run can go on from the
    chosen checkpoint; the record and its segment stay when later records build on them.
    """

    checkpoint_id: str
    step: int
    file: str
    reason: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The newest checkpoint that can be trusted (None: start at step 0), and those that cannot."""

    checkpoint: Checkpoint | None
    rejected: tuple[Rejected, ...] = ()


def record_path(step: int) -> str:
    """Of the record of a step, below the run directory."""
    return f"{FOLDER}/step_{step:012d}.json"


def record_digest(document: Mapping[str, Any]) -> str:
    """What `digest` of a record states, and `previous` of the next one repeats."""
    body = {key: value for key, value in document.items() if key not in _UNDIGESTED}
    return content_digest(strict(body))


def write_record(run_dir: Path, document: Mapping[str, Any]) -> Path:
    """Write one record: `document` with schema, names and digest added; returns its path.

    `document` holds step, time, artifacts, metrics, plan_digest, previous and whatever else the
    record shall say; artifacts: name -> {path, exists, size_bytes, sha256}.
    """
    step = int(document["step"])
    path = run_dir / record_path(step)
    body = strict(
        {
            "api_version": API_VERSION,
            "created_utc": now(),
            "pruned": False,
            **document,
            "schema": CAMPAIGN_CHECKPOINT,
            "checkpoint_id": f"step_{step:012d}",
            "metadata_path": record_path(step),
        }
    )
    write_json(path, {**body, "digest": record_digest(body)})
    settle(run_dir)
    return path


def mark_pruned(run_dir: Path, step: int) -> None:
    """Note in a record that its state is given up; call it before the state is removed."""
    path = run_dir / record_path(step)
    write_json(path, {**read_record(path).document, "pruned": True})


def read_record(path: Path) -> Checkpoint:
    """One record, refused when torn, edited, of another schema, or named after another step."""
    document = read_json(path, CAMPAIGN_CHECKPOINT)
    if document.get("digest") != record_digest(document):
        raise EvidenceError(f"{path} was edited after it was written")
    try:
        record = _parsed(document)
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"{path} is no checkpoint record: {error!r}") from error
    if path.name != Path(record.path).name:
        raise EvidenceError(f"{path} holds the record of step {record.step}")
    return record


def read_records(run_dir: Path) -> tuple[list[Checkpoint], list[Rejected]]:
    """All records of a run by step, and those that cannot be read."""
    records, rejected = [], []
    for path in sorted((run_dir / FOLDER).glob("step_*.json")):
        if not (name := _NAME.fullmatch(path.name)):
            continue
        try:
            records.append(read_record(path))
        except EvidenceError as error:
            place = f"{FOLDER}/{path.name}"
            rejected.append(
                Rejected(
                    checkpoint_id=path.stem,
                    step=int(name[1]),
                    file=place,
                    reason=str(error).replace(str(path), path.name),
                    files=(place, *_usual_files(run_dir, int(name[1]))),
                )
            )
    return records, rejected


def intact(run_dir: Path, files: Mapping[str, str]) -> bool:
    """True when each file is there and its bytes are those that were recorded."""
    return faulty(run_dir, files) is None


def faulty(run_dir: Path, files: Mapping[str, str]) -> str | None:
    """The first of the files that is missing or altered, None when all are intact."""
    for name, digest in files.items():
        try:
            if file_digest(run_dir / name) != digest:
                return name
        except OSError:
            return name
    return None


def select(
    run_dir: Path,
    *,
    target: int,
    plan_digest: str | None = None,
    initial_state: str | None = None,
) -> Selection:
    """The newest resume point at or before `target`, and every record that is none, with reasons.

    A record is a resume point when it and all before it are linked, belong to this plan and this
    initial state, their segments are intact, its own state is intact and its metrics are finite.
    Older states may be pruned or damaged.  plan_digest, initial_state: None does not ask.
    """
    records, unreadable = read_records(run_dir)
    rejected = list(unreadable)
    best: Checkpoint | None = None
    previous: str | None = None
    broken = ""
    for record in records:
        if not record.registered:
            fault = (record.path, broken) if broken else None
            fault = fault or _breaks_chain(run_dir, record, previous, (plan_digest, initial_state))
            if fault:
                broken = broken or f"{record.checkpoint_id} before it is damaged"
                rejected.append(_rejected(record, *fault))
                continue
            previous = record.digest
        if record.step > target or (record.pruned and not _present(run_dir, record.state)):
            continue
        if fault := _no_resume_point(run_dir, record, plan_digest):
            rejected.append(_rejected(record, *fault))
        else:
            best = record
    return Selection(checkpoint=best, rejected=_sorted_out(rejected, best))


def latest_valid(
    run_dir: Path, *, target: int, plan_digest: str | None = None
) -> Checkpoint | None:
    """The newest checkpoint that can be trusted; None means start at step 0."""
    return select(run_dir, target=target, plan_digest=plan_digest).checkpoint


def _breaks_chain(
    run_dir: Path,
    record: Checkpoint,
    previous: str | None,
    wanted: tuple[str | None, str | None],
) -> tuple[str, str] | None:
    """What keeps a record, and all after it, from being told as one run: file and reason."""
    plan_digest, initial_state = wanted
    if plan_digest is not None and record.plan_digest != plan_digest:
        return record.path, "it belongs to another plan"
    if initial_state is not None and record.initial_state_sha256 != initial_state:
        return record.path, "it belongs to another initial state"
    if record.previous != previous:
        return record.path, "it does not follow the record before it"
    if not record.history:
        return record.path, "it names no history segment"
    if name := faulty(run_dir, record.history):
        return name, f"{name} is missing or altered"
    return None


def _no_resume_point(
    run_dir: Path, record: Checkpoint, plan_digest: str | None
) -> tuple[str, str] | None:
    own = dict(record.state)
    if record.registered:
        own |= {**record.history, **record.others}
    if not record.state:
        return record.path, "it names no state"
    if name := faulty(run_dir, own):
        return name, f"{name} is missing or altered"
    if not record.finite:
        return record.path, "a metric is not a finite number"
    foreign = record.registered and None not in (plan_digest, record.plan_digest)
    if foreign and record.plan_digest != plan_digest:
        return record.path, "it belongs to another plan"
    return None


def _sorted_out(rejected: Iterable[Rejected], best: Checkpoint | None) -> tuple[Rejected, ...]:
    """Before the chosen checkpoint only the damaged file goes: later records build on the rest."""
    newest = -1 if best is None else best.step
    kept = (
        entry if entry.step > newest else Rejected(**{**entry.__dict__, "files": (entry.file,)})
        for entry in rejected
    )
    return tuple(sorted(kept, key=lambda entry: entry.step))


def _rejected(record: Checkpoint, file: str, reason: str) -> Rejected:
    own = (*record.state, *record.history, *record.others)
    return Rejected(
        checkpoint_id=record.checkpoint_id,
        step=record.step,
        file=file,
        reason=reason,
        files=(record.path, *(name for name in own if not Path(name).is_absolute())),
    )


def _usual_files(run_dir: Path, step: int) -> list[str]:
    folder = run_dir / FOLDER
    return [f"{FOLDER}/{path.name}" for path in sorted(folder.glob(f"*_step_{step:012d}.npz"))]


def _present(run_dir: Path, files: Mapping[str, str]) -> bool:
    return all((run_dir / name).exists() for name in files)


def _parsed(document: Mapping[str, Any]) -> Checkpoint:
    artifacts = {name: _digests(entry) for name, entry in document["artifacts"].items() if entry}
    metrics = document.get("metrics") or {}
    step, time = document["step"], document["time"]
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        raise ValueError(f"step {step!r}")
    return Checkpoint(
        step=step,
        time=float(time),
        plan_digest=document.get("plan_digest"),
        state=artifacts.pop("state", {}),
        history=artifacts.pop("history", {}),
        others={name: digest for files in artifacts.values() for name, digest in files.items()},
        previous=document.get("previous"),
        digest=document["digest"],
        initial_state_sha256=document.get("initial_state_sha256"),
        finite=all(value is not None and math.isfinite(value) for value in metrics.values()),
        pruned=document.get("pruned") is True,
        registered=document.get("registered") is True,
        document=document,
    )


def _digests(entry: Mapping[str, Any]) -> dict[str, str]:
    return {str(entry["path"]): str(entry["sha256"])}
