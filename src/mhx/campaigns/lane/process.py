"""One command of a lane as a process: its log, its time limit, its end, what it cost.

It runs under a keeper in a session of its own, so that Ctrl-C at a terminal reaches the lane alone,
which then asks the command to end and waits for its checkpoint.  Times in seconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from mhx.errors import RunError
from mhx.evidence.provenance import now

_LOOK_S = 0.01, 0.2  # between two looks at a command: at first, later
_OVERDUE_S = 30.0  # for a keeper that waits for what is stuck in the kernel
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


@dataclass
class Stop:
    """Whether the lane was asked to stop, by which signal, and how often."""

    asked: int = 0
    by: int = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1
        self.by = self.by or number


@contextlib.contextmanager
def stoppable() -> Iterator[Stop]:
    """Signals that ask a lane to stop are counted until the end of the block."""
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended.

    code: its exit code, 128 + N for signal N.  core_s: processor time of all its processes.
    """

    code: int
    timed_out: bool
    started_utc: str
    finished_utc: str
    wall_s: float
    core_s: float


@dataclass(kw_only=True)
class Running:
    """A command that was started; `wait` ends it in time."""

    words: Sequence[str]
    folder: Path
    log: Path
    timeout_s: float
    grace_s: float
    stop: Stop

    def carry_out(self, watch: Callable[[float], None]) -> Ended:
        """Start it and wait for its end; `watch` is called now and then with the seconds so far."""
        started, began = now(), time.monotonic()
        with self._started() as (keeper, pipe):
            code, timed_out, core_s = self._waited(keeper, pipe, watch)
        return Ended(
            code=code,
            timed_out=timed_out,
            started_utc=started,
            finished_utc=now(),
            wall_s=time.monotonic() - began,
            core_s=core_s,
        )

    @contextlib.contextmanager
    def _started(self) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
        """The keeper, and our end of its pipe in a list that is emptied when it is closed."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        theirs, ours = os.pipe()
        pipe = [ours]
        try:
            with self.log.open("ab", buffering=0) as log:
                log.write(f"== {now()} {' '.join(self.words)}\n".encode())
                keeper = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-m", "mhx.execution.supervised"),
                        *(str(theirs), str(self.grace_s), *self.words),
                    ],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(theirs,),
                    start_new_session=True,
                )
        except OSError as error:
            os.close(ours)
            raise RunError(f"no process can be started: {error}") from error
        finally:
            os.close(theirs)
        try:
            yield keeper, pipe
        finally:
            for end in pipe:
                os.close(end)  # the keeper kills what is left

    def _waited(
        self, keeper: "subprocess.Popen[bytes]", pipe: list[int], watch: Callable[[float], None]
    ) -> tuple[int, bool, float]:
        began = time.monotonic()
        told, timed_out = False, False
        overdue: float | None = None
        while True:
            pid, status, usage = os.wait4(keeper.pid, os.WNOHANG)
            if pid:
                keeper.returncode = os.waitstatus_to_exitcode(status)
                return keeper.returncode, timed_out, usage.ru_utime + usage.ru_stime
            spent = time.monotonic() - began
            if not told and (spent > self.timeout_s or self.stop.asked):
                told, timed_out = True, not self.stop.asked
                overdue = time.monotonic() + self.grace_s + _OVERDUE_S
                keeper.terminate()
            if pipe and (self.stop.asked > 1 or (overdue and time.monotonic() > overdue)):
                os.close(pipe.pop())
            watch(spent)
            time.sleep(min(_LOOK_S[1], _LOOK_S[0] + spent / 20))
