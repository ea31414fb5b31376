"""A run directory is planned as a whole or not at all, and an older run is moved aside, never lost.

A plan is built in `superseded/planning/new`, which no manifest covers, and its entries are renamed
into place, `campaign_plan.json` last: without that file there is no run.  A planner that was killed
leaves `superseded/planning` behind; the same command begins again and completes it.  Whoever calls
this holds the lock of the folder.
"""

import contextlib
import os
import shutil
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from mhx.campaigns.folder import RunFolder
from mhx.errors import ConfigError, RunError
from mhx.evidence.store import write_text

SUPERSEDED = "superseded"
PLANNING = f"{SUPERSEDED}/planning"


class Standing(Enum):
    """What a planner finds where it is to plan."""

    EMPTY = "empty"
    PLANNED = "planned"
    INTERRUPTED = "interrupted"  # a planner was killed here
    FOREIGN = "foreign"


def standing(folder: RunFolder) -> Standing:
    """What lies in the folder; the lock and what was superseded do not count."""
    if folder.root.exists() and not folder.root.is_dir():
        return Standing.FOREIGN
    if folder.plan.exists():
        return Standing.PLANNED
    if (folder.root / PLANNING).is_dir():
        return Standing.INTERRUPTED
    return Standing.FOREIGN if _entries(folder.root) else Standing.EMPTY


def refuse_foreign(folder: RunFolder) -> None:
    """A folder that is not ours is left alone, `--force` or not."""
    if standing(folder) is not Standing.FOREIGN:
        return
    if not folder.root.is_dir():
        raise ConfigError(f"--outdir must be a folder, {folder.root} is a file")
    first = ", ".join(path.name for path in _entries(folder.root)[:3])
    raise ConfigError(
        f"--outdir {folder.root} is not empty and holds no {folder.plan.name} (found {first}); "
        "name a new or an empty folder"
    )


def begin(folder: RunFolder) -> RunFolder:
    """An empty place to plan in, below the run directory and thus on its file system."""
    _resume_moving(folder)
    new = folder.root / PLANNING / "new"
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
    except OSError as error:
        raise RunError(f"cannot write {new}: {error.strerror}; nothing was changed") from error
    return RunFolder(new)


def move_aside(folder: RunFolder) -> Path:
    """Move the old run to `superseded/<utc>/`, its plan first, so that half a run is no run."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    write_text(_mark(folder), stamp)
    return _move(folder, stamp)


def publish(folder: RunFolder) -> None:
    """Put the staged plan in place, `campaign_plan.json` last."""
    staged = RunFolder(folder.root / PLANNING / "new")
    entries = [path for path in sorted(staged.root.iterdir()) if path != staged.plan]
    for path in [*entries, staged.plan]:
        target = folder.root / path.name
        if target.is_dir():
            shutil.rmtree(target)  # of a planner that was killed while it published
        os.replace(path, target)
    _sync(folder.root)
    drop(folder)


def is_left_over(folder: RunFolder) -> bool:
    """True where a killed planner left its place to plan in."""
    return (folder.root / PLANNING).is_dir()


def drop(folder: RunFolder) -> None:
    """Remove the place to plan in."""
    shutil.rmtree(folder.root / PLANNING, ignore_errors=True)
    with contextlib.suppress(OSError):  # not empty: it holds older runs
        folder.superseded.rmdir()


def _mark(folder: RunFolder) -> Path:
    """Stands while an old run is being moved, and says where to."""
    return folder.root / PLANNING / "superseding"


def _resume_moving(folder: RunFolder) -> None:
    mark = _mark(folder)
    if mark.exists() and not folder.plan.exists():
        _move(folder, mark.read_text(encoding="ascii"))
    mark.unlink(missing_ok=True)


def _move(folder: RunFolder, stamp: str) -> Path:
    aside = folder.superseded / stamp
    aside.mkdir(parents=True, exist_ok=True)
    entries = sorted(_entries(folder.root), key=lambda path: path != folder.plan)
    for path in entries:
        os.replace(path, aside / path.name)
    _sync(aside)
    _sync(folder.root)
    _mark(folder).unlink()
    return aside


def _entries(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(
        path
        for path in root.iterdir()
        if path.name != SUPERSEDED and not path.name.startswith(".lock")
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
