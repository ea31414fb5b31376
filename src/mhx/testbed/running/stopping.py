"""Signals to a launcher: no new case starts, running ones are told to end, everything is kept.

SIGTERM and SIGUSR1 end in exit code 75, SIGINT in 130.  A second signal of any kind makes the
backend kill what still runs.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mhx.errors import INTERRUPTED, STOPPED_EARLY
from mhx.execution.job import Backend

_CODES = {
    signal.SIGTERM: STOPPED_EARLY,
    signal.SIGUSR1: STOPPED_EARLY,
    signal.SIGINT: INTERRUPTED,
}


class Stopping:
    """Whether, and by what, a launcher was told to stop.

    exit_code: of the first signal; None while there was none.
    backend: who is told, too, from the moment on at which there is one.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self.backend: Backend | None = None

    @property
    def asked(self) -> bool:
        return self.exit_code is not None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note signals and pass them on; outside the main thread there are none to hear."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def heard(number: int, frame: Any) -> None:
            self.exit_code = self.exit_code or _CODES[signal.Signals(number)]
            if self.backend is not None:
                self.backend.stop()

        before = {number: signal.signal(number, heard) for number in _CODES}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
