"""Checkpoints put on disk, thinned out, and set aside when they cannot be trusted.

The order within a checkpoint is state, segment, pictures, record, index.  Until the record stands,
the checkpoint before is the newest one; after it, everything else can be made again.  Nothing that
a record names is rewritten.  What may be trusted is decided in `evidence.checkpoints`; files that
may not be go to `checkpoints/quarantine/<attempt>/`, with the reasons beside them.
"""

import contextlib
import errno
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mhx.campaigns import resume
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan
from mhx.errors import RunError
from mhx.evidence import checkpoints, store
from mhx.evidence.checkpoints import Checkpoint, Rejected
from mhx.evidence.hashing import file_digest

KEEP_STATES = 3  # newest full states
KEEP_EVERY = 10  # and every tenth of all
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_ARTIFACT = re.compile(r"[a-z]+_step_(\d{12})\.npz")


class Source(Protocol):
    """Where the files of a checkpoint come from: a stepper at a step that was observed."""

    @property
    def step(self) -> int: ...
    @property
    def time(self) -> float: ...
    @property
    def checkpoint_bytes(self) -> int: ...
    def metrics(self) -> Mapping[str, float]: ...
    def write_state(self, path: Path) -> None: ...
    def write_segment(self, path: Path) -> None: ...
    def write_frames(self, path: Path) -> None: ...
    def written(self) -> None: ...


@dataclass
class Keeper:
    """Writes the checkpoints of one call.

    before_s: wall clock that earlier calls spent on the chain.
    """

    folder: RunFolder
    plan: Plan
    attempt: str
    initial_sha256: str
    environment: Mapping[str, Any]
    keep_states: int = KEEP_STATES
    before_s: float = 0.0
    previous: str | None = None
    began: float = field(default_factory=time.monotonic)
    steps_kept: list[int] = field(default_factory=list)

    def keep(self, source: Source) -> None:
        """Write one checkpoint; on failure the one before it stays the newest."""
        step = source.step
        places = {
            "state": f"{checkpoints.FOLDER}/state_step_{step:012d}.npz",
            "history": f"{checkpoints.FOLDER}/history_step_{step:012d}.npz",
            "frames": f"frames/frames_step_{step:012d}.npz",
        }
        needed = source.checkpoint_bytes
        try:
            self._ask_for_room(needed)
            source.write_state(self.folder.root / places["state"])
            source.write_segment(self.folder.root / places["history"])
            source.write_frames(self.folder.root / places["frames"])
            record = self._record(source, places)
        except BaseException as error:
            if not (self.folder.root / checkpoints.record_path(step)).exists():
                for name in places.values():  # no record names them, and room may be what lacks
                    with contextlib.suppress(OSError):
                        (self.folder.root / name).unlink(missing_ok=True)
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_SPACE:
                raise self._no_room(needed) from error
            raise
        self.previous = checkpoints.read_record(record).digest
        self.steps_kept.append(step)
        source.written()
        self.thin_out()
        resume.write_index(self.folder, self.plan)

    def thin_out(self) -> None:
        """Give up older states; their records and their history stay."""
        chain = [r for r in checkpoints.read_records(self.folder.root)[0] if not r.registered]
        older = chain[: -self.keep_states]
        for number, record in enumerate(older, start=1):
            if number % KEEP_EVERY and record.step != self.plan.target_step:
                give_up_state(self.folder, record)

    def _record(self, source: Source, places: Mapping[str, str]) -> Path:
        root, metrics = self.folder.root, dict(source.metrics())
        artifacts = {name: artifact(root, place) for name, place in places.items()}
        return checkpoints.write_record(
            root,
            {
                "step": source.step,
                "time": source.time,
                "completed": source.step >= self.plan.target_step,
                "walltime_elapsed_seconds": self.before_s + time.monotonic() - self.began,
                "metrics": metrics,
                "artifacts": artifacts,
                "validation": resume.record_validation(
                    artifacts, source.step, source.time, metrics
                ),
                "plan_digest": self.plan.digest,
                "previous": self.previous,
                "initial_state_sha256": self.initial_sha256,
                "attempt_id": self.attempt,
                "environment": dict(self.environment),
            },
        )

    def _ask_for_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder.root).free
        if needed > free:
            raise self._no_room(needed)

    def _no_room(self, needed: int) -> RunError:
        free = shutil.disk_usage(self.folder.root).free
        return RunError(
            f"no space left in {self.folder.root}: the next checkpoint needs {needed} bytes, "
            f"{free} are free; the checkpoint before it is intact; make room and run the same "
            "command again"
        )


def artifact(root: Path, place: str) -> dict[str, Any]:
    """How a record names one of its files."""
    path = root / place
    return {
        "path": place,
        "exists": path.exists(),
        "size_bytes": path.stat().st_size,
        "sha256": file_digest(path),
    }


def give_up_state(folder: RunFolder, record: Checkpoint) -> None:
    """Mark a record as pruned, then remove its state; in this order a kill leaves no riddle."""
    paths = [folder.root / name for name in record.state]
    if record.pruned and not any(path.exists() for path in paths):
        return
    if not record.pruned:
        checkpoints.mark_pruned(folder.root, record.step)
    for path in paths:
        path.unlink(missing_ok=True)


def set_aside(folder: RunFolder, rejected: Iterable[Rejected], attempt: str) -> list[str]:
    """Move what cannot be trusted to quarantine; one line per rejected checkpoint."""
    lines = []
    for entry in rejected:
        moved = _quarantine(folder, entry.files, f"{entry.checkpoint_id}: {entry.reason}", attempt)
        if (folder.root / checkpoints.record_path(entry.step)).exists():
            checkpoints.mark_pruned(folder.root, entry.step)  # its state is gone, it still counts
        where = f"; moved to {moved}" if moved else ""
        lines.append(f"{entry.checkpoint_id} discarded: {entry.reason}{where}")
    return lines


def sweep(folder: RunFolder, attempt: str) -> list[str]:
    """Tidy up after a killed call: drafts, and files that no record names."""
    store.sweep_drafts(folder.root)
    records, unreadable = checkpoints.read_records(folder.root)
    known = {record.step for record in records} | {entry.step for entry in unreadable}
    lines = []
    for place in (folder.checkpoints, folder.frames):
        for path in sorted(place.glob("*_step_*.npz")):
            name = _ARTIFACT.fullmatch(path.name)
            if name and int(name[1]) not in known:
                told = path.relative_to(folder.root).as_posix()
                _quarantine(folder, (told,), "no record names it", attempt)
                lines.append(f"{told} set aside: no record names it")
    return lines


def _quarantine(folder: RunFolder, files: Iterable[str], reason: str, attempt: str) -> str:
    """Move files, the reason written first; returns the folder, empty if there was none to move."""
    there = [name for name in files if (folder.root / name).exists()]
    if not there:
        return ""
    place = folder.quarantine / attempt
    notes = place / "reasons.json"
    known = store.read_json(notes)["moved"] if notes.exists() else []
    entry = [{"file": name, "reason": reason} for name in there]
    store.write_json(notes, {"attempt_id": attempt, "moved": known + entry})
    for name in there:
        os.replace(folder.root / name, place / Path(name).name)
    return place.relative_to(folder.root).as_posix()
