"""A worker as the launcher sees it: a process, two pipes, and the job in its hands.

`start` gives it the launcher's import path, so that it finds what the launcher finds, whether that
was started by a script, by pytest or by `python -c`; and an environment without `MHX_SET_*`, which
change the file that the user named and not its children.  Times in seconds.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from mhx.evidence.provenance import now
from mhx.execution.job import Ending, Job
from mhx.execution.worker import PYTHONPATH

_OVERDUE_S = 30.0  # for a keeper that waits for what is stuck in the kernel
_SERIAL = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_JAX_POOLS = "NPROC"  # what JAX reads for the size of its thread pools on a CPU
_EIGEN = "xla_cpu_multi_thread_eigen"
OVERRIDES = "MHX_SET_"


@dataclass
class Task:
    """A job in a worker's hands; tries counts its attempts, this one included."""

    job: Job
    attempt: str
    tries: int
    began: float = field(default_factory=time.monotonic)
    started_utc: str = field(default_factory=now)
    deadline: float | None = None
    stopped_as: Ending | None = None  # why SIGTERM was sent, if it was
    answer: Mapping[str, Any] | None = None  # what the worker said of it

    @property
    def folder(self) -> Path:
        """Of this attempt."""
        return self.job.attempts / self.attempt

    def start_clock(self) -> None:
        """The time limit counts from now."""
        self.began, self.started_utc = time.monotonic(), now()
        if self.job.timeout_s is not None:
            self.deadline = self.began + self.job.timeout_s


@dataclass(eq=False)
class WorkerProcess:
    """`process` is the keeper, leader of the session; `printed` receives what is said between jobs.

    ended: the keeper's last word on the worker: its exit code, and the signal that killed it.
    """

    process: subprocess.Popen[bytes]
    commands: int | None
    answers: int
    printed: IO[bytes]
    ready: bool = False
    jobs: int = 0
    task: Task | None = None
    ended: Mapping[str, Any] | None = None
    _unread: bytes = b""

    @classmethod
    def start(cls, target: str, grace_s: float, threads: int) -> Self:
        """Start `python -m mhx.execution.worker`; OSError where no process can be made."""
        commands, to_worker = os.pipe()
        answers, from_worker = os.pipe()
        printed = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `bury`
        try:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "mhx.execution.worker"),
                    *(str(commands), str(from_worker), str(grace_s), target),
                ],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                env=environment(threads),
                pass_fds=(commands, from_worker),
                start_new_session=True,
            )
        except OSError:
            for descriptor in (to_worker, answers):
                os.close(descriptor)
            printed.close()
            raise
        finally:
            for descriptor in (commands, from_worker):
                os.close(descriptor)
        return cls(process, to_worker, answers, printed)

    def take(self, task: Task) -> None:
        """Hand over a job; the clock starts when the worker is ready."""
        self.task = task
        if self.ready:
            task.start_clock()
        job = task.job
        place = os.path.join(job.run_dir, "attempts", task.attempt)
        folder = os.path.abspath(job.folder)
        self._send({"words": job.words, "folder": folder, "attempt": place})

    def dismiss(self) -> None:
        """Let it end in order."""
        self._send(None)

    def heard(self) -> Iterator[Mapping[str, Any]] | None:
        """What it said since; None when it will say nothing more, and nothing of it is left."""
        content = os.read(self.answers, 65536)
        if not content:
            return None
        *lines, self._unread = (self._unread + content).split(b"\n")
        return map(json.loads, lines)

    def terminate(self, why: Ending, grace_s: float) -> None:
        """Ask worker and all that it started to end; the keeper kills them after the grace."""
        if self.task is not None:
            self.task.stopped_as = why
            self.task.deadline = time.monotonic() + grace_s + _OVERDUE_S
        self.process.terminate()

    def kill(self) -> None:
        """Have the keeper kill worker and all that it started, now."""
        if self.commands is not None:
            os.close(self.commands)
            self.commands = None

    @property
    def killed_by(self) -> int | None:
        """The signal that ended the worker; a keeper without a last word was killed with it."""
        return int(signal.SIGKILL) if self.ended is None else self.ended["signal"]

    @property
    def failed(self) -> bool:
        """It ended of itself, with an error: the next one would, too."""
        return self.ended is not None and self.ended["ended"] > 0

    def bury(self, patience_s: float) -> str:
        """Wait until nothing of it is left, or kill it after a while; what it printed between jobs.

        A keeper without a last word was killed itself: what is left of its group is ended here.
        """
        if self.ended is None and self.task is not None:
            _kill_group(self.process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience_s)
        self.kill()
        try:
            self.process.wait(_OVERDUE_S)
        except subprocess.TimeoutExpired:
            _kill_group(self.process.pid)
            self.process.wait()
        os.close(self.answers)
        self.printed.seek(0)
        with self.printed:
            return self.printed.read().decode(errors="replace")

    def _send(self, content: Mapping[str, Any] | None) -> None:
        if self.commands is None:
            return
        with contextlib.suppress(BrokenPipeError):  # it died; the end of its answers says so
            os.write(self.commands, (json.dumps(content) + "\n").encode())


def environment(threads: int) -> dict[str, str]:
    """The launcher's environment, less its overrides, with the threads of a worker limited.

    Sums of OpenMP and BLAS depend on their threads to the last digit, so they get one: evidence
    must not depend on how many cases run at a time.  JAX's results do not, so its pools get the
    worker's share.  A program with an OpenMP of its own is given threads in `[command.env]`.
    """
    found = {key: value for key, value in os.environ.items() if not key.startswith(OVERRIDES)}
    found |= dict.fromkeys(_SERIAL, "1")
    given = found.get(_JAX_POOLS, "")
    found[_JAX_POOLS] = str(min(threads, int(given)) if given.isdigit() else threads)
    flags = found.get("XLA_FLAGS", "")
    if threads == 1 and _EIGEN not in flags:
        found["XLA_FLAGS"] = f"--{_EIGEN}=false {flags}".strip()
    if "PYTHONPATH" in found:
        found[PYTHONPATH] = found["PYTHONPATH"]
    found["PYTHONPATH"] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    return found


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
