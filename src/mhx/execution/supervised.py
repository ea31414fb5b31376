"""One command under a keeper: `python -m mhx.execution.supervised LAUNCHER GRACE WORDS...`.

For a command that stops what it started itself, given time: SIGTERM goes to the command alone, and
after the grace, or when the launcher's end of the pipe LAUNCHER closes, all that is left below is
killed.  A launcher that is killed leaves nothing behind that computes.  The exit code is that of
the command, 128 + N where signal N ended it, 127 where it cannot be started.  Times in seconds.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from mhx.execution.keeper import Keeper, adopt_orphans, die_with_parent

NO_COMMAND = 127


class _Patient(Keeper):
    """Asks the command alone; kills everything."""

    def _send(self, number: int) -> None:
        if number == signal.SIGTERM and self.status is None:
            os.kill(self.worker, number)
        else:
            super()._send(number)


def main(words: Sequence[str]) -> NoReturn:
    """Split into keeper and command; the keeper ends last."""
    launcher, grace_s, command = int(words[0]), float(words[1]), list(words[2:])
    os.set_inheritable(launcher, False)
    adopt_orphans()
    ours = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    keeper = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with_parent(keeper)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)
        _become(command)
    code = os.waitstatus_to_exitcode(_Patient(pid, launcher, grace_s).keep())
    os._exit(code if code >= 0 else 128 - code)


def _become(command: list[str]) -> NoReturn:
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(NO_COMMAND)


if __name__ == "__main__":
    main(sys.argv[1:])
