"""Folders and their locks: the testbed's own, and the run folder of a case.

A run folder is made ready for a start, earlier runs are set aside, equal runs linked in.

Nothing that finished is deleted: what stands in the way moves to `superseded/<attempt>/`.  All of
it happens under the run's own lock, for a worker of a killed launcher may still be about to end.
"""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mhx.errors import RunLocked
from mhx.evidence.manifest import LEFT_OUT_FOLDERS, LOCKS, MANIFEST_NAME
from mhx.evidence.store import is_draft, sweep_drafts
from mhx.execution.lock import hold, holder
from mhx.testbed.expand import FOLDER
from mhx.testbed.running.reading import altered_file

ATTEMPTS, SUPERSEDED = "attempts", "superseded"
CHECKPOINTS = "checkpoints"
SIMULATIONS = "simulations"  # runs of their own below a comparison, verified before they are read
PATIENCE_S, LOOK_EVERY_S = 30.0, 0.1  # workers of a killed launcher end within 2 s and their grace
_STAYS = LEFT_OUT_FOLDERS | LOCKS


@contextlib.contextmanager
def owned(root: Path, command: str) -> Iterator[None]:
    """Own the folder of a testbed from here to the end; RunLocked says who does otherwise."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(root, command))
        except RunLocked:
            who = holder(root)
            told = (
                f"process {who.pid} on {who.host} since {who.start.replace('+00:00', 'Z')}"
                if who
                else "another process"
            )
            raise RunLocked(f"{root} is locked by {told}; nothing was changed") from None
        _sweep(root)
        yield


def _sweep(root: Path) -> None:
    """Remove drafts that killed launchers left beside the evidence; those of runs are the runs'."""
    for folder in (root, root / FOLDER):
        with contextlib.suppress(OSError):  # not there, or read-only: harmless
            for name in filter(is_draft, os.listdir(folder)):
                (folder / name).unlink()


def relative(path: Path, folder: Path) -> str:
    """How one folder is reached from another, POSIX style."""
    return Path(os.path.relpath(path, folder)).as_posix()


def make_ready(folder: Path, attempt: str, *, goes_on: bool) -> None:
    """Let a run start in a folder; RunLocked when somebody works there and does not end.

    goes_on: the same case was interrupted here.  What it left is kept where a run can use it: a
    finished run that only the journal missed, checkpoints, or the finished methods of a comparison.
    attempt: names the folder for what is set aside.
    """
    if not _holds_a_run(folder):
        return
    with _held(folder):
        if goes_on and _usable(folder):
            return
        _set_aside(folder, attempt)


def newest_attempt(folder: Path) -> str:
    """Name of the last start in a folder; empty where there was none."""
    with contextlib.suppress(OSError):
        return max(os.listdir(folder / ATTEMPTS), default="")
    return ""


def link_run(source: Path, folder: Path, attempt: str) -> None:
    """Make the files of a finished run elsewhere those of this case; its own go aside first."""
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder):
        _set_aside(folder, attempt)
        for place, folders, names in os.walk(source):
            folders[:] = sorted(set(folders) - LEFT_OUT_FOLDERS)
            target = folder / Path(place).relative_to(source)
            target.mkdir(exist_ok=True)
            for name in sorted(set(names) - LOCKS):
                _link(Path(place) / name, target / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        shutil.copy2(source, target)


def _holds_a_run(folder: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return bool(set(os.listdir(folder)) - _STAYS)
    return False


def _usable(folder: Path) -> bool:
    if (folder / MANIFEST_NAME).exists():
        return not altered_file(folder)
    return any((folder / name).is_dir() for name in (CHECKPOINTS, SIMULATIONS))


def _set_aside(folder: Path, attempt: str) -> None:
    """Move a run away, the manifest first: half a run must not look like one."""
    sweep_drafts(folder)
    there = sorted(set(os.listdir(folder)) - _STAYS, key=lambda name: (name != MANIFEST_NAME, name))
    if not there:
        return
    place = folder / SUPERSEDED / (newest_attempt(folder) or attempt)
    place.mkdir(parents=True, exist_ok=True)
    for name in there:
        os.rename(folder / name, _free(place / name))


def _free(target: Path) -> Path:
    """The name itself, or with a number behind it where an earlier move was cut short."""
    number, free = 1, target
    while free.exists():
        number += 1
        free = target.with_name(f"{target.name}.{number}")
    return free


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Own a run folder, as soon as whoever works there has ended."""
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(hold(folder, "testbed"))
                break
            except RunLocked:
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_EVERY_S)
        yield
