"""What a command says that was told to stop where it listens for no signal itself.

Every file is written beside and renamed, so what it had written stands, and the same command goes
on from there.  SIGTERM and SIGUSR1 are exit code 75, Ctrl-C is 130.
"""

import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mhx.errors import INTERRUPTED, STOPPED_EARLY

if TYPE_CHECKING:
    from mhx.report.answer import Answer


class _Told(BaseException):
    """Not an Exception: nothing on the way may take it for a failure of its own."""


def unless_stopped(work: Callable[[], "Answer"]) -> "Answer":
    """The answer of `work`, or how to go on after the signal that ended it."""
    try:
        with _listening():
            return work()
    except _Told:
        return _answer(STOPPED_EARLY)
    except KeyboardInterrupt:
        return _answer(INTERRUPTED)


@contextmanager
def _listening() -> Iterator[None]:
    """Outside the main thread there are no signals to hear."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: Any) -> None:
        raise _Told

    before = {number: signal.signal(number, heard) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _answer(code: int) -> "Answer":
    from mhx.evidence.provenance import own_command
    from mhx.report.answer import Answer

    return Answer(
        headline="stopped; what is finished stands, and the same command goes on from there",
        next=shlex.join(own_command()),
        exit_code=code,
    )
