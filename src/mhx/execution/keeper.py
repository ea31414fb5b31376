"""The keeper of one worker: nothing that the worker started outlives the worker or the launcher.

A keeper is the leader of its own session and group, and the subreaper of all that descends from it:
what loses its parent, a process that called `setsid` included, becomes a child of the keeper.  So
`waitpid` alone says when the last one is gone.  It runs no case itself and hence answers at once,
whatever a solver does with its own process.

    launcher's end of the pipe closed   everything below is killed
    SIGTERM                             everything below gets it, SIGKILL after the grace
    the worker ended                    what it left is killed
What no keeper can see: what has left through another door (a daemon asked to start something, a
container, another host), and, when the keeper itself is killed, what had left its group.
"""

import contextlib
import ctypes
import os
import select
import signal
import time
from dataclasses import dataclass, field

from mhx.execution.processes import descendants

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_SECOND_LOOK_S = 0.05


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux; elsewhere nothing)."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent ends; at once where that has happened."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Keeper:
    """Waits for the end of `worker`, its child.

    launcher: a descriptor of a pipe whose other end the launcher alone holds.
    """

    worker: int
    launcher: int
    grace_s: float
    status: int | None = None  # of the worker, as `waitpid` gives it
    _told: set[int] = field(default_factory=set)

    def keep(self) -> int:
        """Return the worker's wait status when it and all that it started are gone."""
        poll, wake = select.poll(), _signals()
        poll.register(self.launcher, 0)  # reports the hang-up alone
        poll.register(wake, select.POLLIN)
        deadline = None
        while self._someone_is_left():
            patience = self._patience(deadline)
            for descriptor, _ in poll.poll(patience):
                if descriptor == self.launcher:
                    poll.unregister(self.launcher)
                    deadline = 0.0
                elif signal.SIGTERM in os.read(wake, 512) and deadline is None:
                    self._send(signal.SIGTERM)
                    deadline = time.monotonic() + self.grace_s
            if self.status is not None and deadline is None:
                deadline = 0.0  # it left something behind
            if deadline is not None and time.monotonic() >= deadline:
                self._send(signal.SIGKILL)
        return self.status or 0

    def _patience(self, deadline: float | None) -> float | None:
        """Milliseconds until the next look, None to wait for an event."""
        if self.status is not None and deadline is None:
            return 0.0
        if deadline is None:
            return None
        return 1000 * max(deadline - time.monotonic(), _SECOND_LOOK_S)

    def _someone_is_left(self) -> bool:
        """Bury the dead; a process without children has no living descendants either."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self.worker:
                    self.status = status
        return False

    def _send(self, number: int) -> None:
        worker = [self.worker] if self.status is None else []
        for pid in descendants(os.getpid()) or worker:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def _signals() -> int:
    """A descriptor from which SIGTERM and SIGCHLD are read as they come."""
    receive, send = os.pipe()
    os.set_blocking(receive, False)
    os.set_blocking(send, False)
    signal.set_wakeup_fd(send, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGCHLD})
    return receive


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
