"""The lock on a run directory: one process writes, and whoever comes second learns who it is.

The lock is the kernel's (`flock` on `.lock`), so it ends with its process, however that ends: a
killed owner never blocks.  Who holds it stands beside it in `.lock.json`, for the message only.
Readers take no lock; `holder` asks without taking it.
"""

import contextlib
import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from mhx.errors import ConfigError, RunError, RunLocked
from mhx.evidence.store import explained, render_json
from mhx.evidence.syncing import syncs_each
from mhx.execution.processes import born

LOCK_NAME, OWNER_NAME = ".lock", ".lock.json"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who holds, or held, a lock.  born: start of the process in kernel ticks, where known."""

    host: str
    pid: int
    start: str
    attempt: str
    born: str | None = None

    @property
    def gone(self) -> bool:
        """True when the process is known to have ended; on another host none can tell."""
        return self.host == socket.gethostname() and born(self.pid) != self.born

    def __str__(self) -> str:
        return f"host {self.host}, pid {self.pid}, started {self.start}, attempt {self.attempt}"


class RunLock:
    """Holds a run directory from `with` to its end; reentered by nobody."""

    def __init__(self, run_dir: Path, attempt: str | None = None) -> None:
        self.run_dir = run_dir
        self.attempt = attempt or uuid.uuid4().hex[:8]
        self._lock = FileLock(run_dir / LOCK_NAME, timeout=0, is_singleton=False)

    def __enter__(self) -> Self:
        try:
            self._lock.acquire()
        except Timeout:
            raise RunLocked(self._told()) from None
        except (NotADirectoryError, FileExistsError) as error:
            file = next(up for up in (self.run_dir, *self.run_dir.parents) if up.is_file())
            raise ConfigError(
                f"{self.run_dir} cannot be a folder: {file} is a file; name another folder"
            ) from error
        except (OSError, NotImplementedError) as error:
            raise RunError(f"cannot lock {self.run_dir}: {error}") from error
        try:
            if syncs_each():  # a job has said in its attempt who it is
                self._note()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # the note is a courtesy; the lock is the kernel's
            (self.run_dir / OWNER_NAME).unlink()
        self._lock.release()

    def _note(self) -> None:
        """Say who holds it; not flushed, for it means nothing once this process has ended."""
        note = self.run_dir / OWNER_NAME
        content = render_json(asdict(_this_process(self.attempt)))
        with explained(note, len(content)):
            note.write_bytes(content)

    def _told(self) -> str:
        owner = _noted(self.run_dir)
        who = f"another process ({owner})" if owner and not owner.gone else "another process"
        return f"{self.run_dir} is locked by {who}; wait until it ends, or stop it first"


def hold(run_dir: Path | str, attempt: str | None = None) -> RunLock:
    """`with hold(run_dir):` owns the directory, made if need be, or raises RunLocked at once."""
    return RunLock(Path(run_dir), attempt)


def holder(run_dir: Path | str) -> Owner | None:
    """Who works in a run directory right now; None when nobody does, as far as can be told."""
    owner = _noted(Path(run_dir))
    return None if owner is None or owner.gone else owner


def _noted(run_dir: Path) -> Owner | None:
    try:
        return Owner(**json.loads((run_dir / OWNER_NAME).read_bytes()))
    except (OSError, ValueError, TypeError):  # not yet written, or not ours
        return None


@cache
def _own_birth(pid: int) -> str | None:
    """When this process was born; a fork has a number of its own."""
    return born(pid)


def _this_process(attempt: str) -> Owner:
    return Owner(
        host=socket.gethostname(),
        pid=os.getpid(),
        start=datetime.now(UTC).isoformat(timespec="seconds"),
        attempt=attempt,
        born=_own_birth(os.getpid()),
    )
