"""How far a run is: a bar on a terminal, plain lines anywhere else, nothing when silenced.

Progress goes to stderr, so that stdout keeps to the answer (`--json` stays one object).  The rate
is that of this attempt, not of the whole run, and counts from its first report on: what comes
before that one is spent on what happens once.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

LINE_EVERY_S = 5.0
WIDE = 120  # columns of a terminal that has room for a long bar
_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextmanager
def silenced(silent: bool = True) -> Iterator[None]:
    """No progress from anything that runs in here, whoever makes it: for `--json`."""
    token = _silent.set(silent)
    try:
        yield
    finally:
        _silent.reset(token)


class Progress:
    """Reports steps of one run; a context manager.

    total: the step at which the work is done; start: the step at which this attempt begins.
    quiet: report nothing.  every_s: least time between two plain lines [s].
    """

    unit = "step"

    def __init__(
        self,
        total: int,
        *,
        start: int = 0,
        quiet: bool = False,
        stream: TextIO | None = None,
        every_s: float = LINE_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._start = total, start
        # Python has no stderr where a caller closed it
        self._stream: TextIO | None = stream or sys.stderr
        self._quiet = quiet or _silent.get() or self._stream is None
        self._every_s, self._clock = every_s, clock
        self._began = self._last = clock()
        self._said_step: int | None = None
        self._counting = False
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._began = self._clock()
        if not self._quiet and self._stream and self._stream.isatty():
            self._bar, self._task = _bar(self._stream, self._start, self._total)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, step: int, sim_time: float | None = None, **fields: float) -> None:
        """Tell that `step` is done; `fields` are further numbers, shown under their names.

        Called as often as is convenient: plain lines appear for the first and the last step, and
        else at most every few seconds.
        """
        if self._quiet or step == self._said_step:
            return
        words, now = self._words(step, sim_time, fields), self._clock()
        if not self._counting:
            self._counting, self._start, self._began = True, step, now
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=step, words=words)
            self._said_step = step
            return
        due = now - self._last >= self._every_s
        if self._said_step is None or step >= self._total or due:
            percent = 100 * step / self._total if self._total else 100.0
            width = len(str(self._total))
            print(
                f"{self.unit} {step:>{width}}/{self._total} {percent:5.1f} %  {words}",
                file=self._stream,
                flush=True,
            )
            self._last, self._said_step = now, step

    def _words(self, step: int, sim_time: float | None, fields: dict[str, float]) -> str:
        parts = [] if sim_time is None else [f"t = {sim_time:.4g}"]
        rate = self.rate(step)
        if rate:
            parts.append(
                f"{rate:.3g} {self.unit}s/s" if rate < 1000 else f"{rate:.0f} {self.unit}s/s"
            )
            if step < self._total:
                parts.append(f"{duration((self._total - step) / rate)} left")
        parts += [f"{name.replace('_', ' ')} {value:.2g}" for name, value in fields.items()]
        return "  ".join(parts)

    def rate(self, step: int) -> float:
        """Steps per second since the first report, before it since the start; 0 where unknown."""
        spent = self._clock() - self._began
        return (step - self._start) / spent if spent > 0 else 0.0


class CaseProgress(Progress):
    """Reports the cases of a matrix as they end."""

    unit = "case"


class MethodProgress(Progress):
    """Reports the methods of a comparison as they end."""

    unit = "method"


def duration(seconds: float) -> str:
    """A time span for people: `8 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def _bar(stream: TextIO, start: int, total: int) -> tuple["Bar", "TaskID"]:
    from rich.console import Console  # noqa: PLC0415  (80 ms, and only a terminal needs it)
    from rich.progress import BarColumn, TextColumn  # noqa: PLC0415
    from rich.progress import Progress as Rich  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415

    console = Console(file=stream)
    widths = (2 * len(str(total)) + 1, 24 if console.width >= WIDE else 10, 7)
    counts, bar_itself, percent = (Column(width=width, no_wrap=True) for width in widths)
    room = max(console.width - sum(widths) - len(widths), 1)  # else rich would shrink all columns
    bar = Rich(
        TextColumn("{task.completed:.0f}/{task.total:.0f}", table_column=counts),
        BarColumn(bar_width=widths[1], table_column=bar_itself),
        TextColumn("{task.percentage:>5.1f} %", table_column=percent),
        TextColumn("{task.fields[words]}", table_column=Column(max_width=room, no_wrap=True)),
        console=console,
        refresh_per_second=4,
    )
    return bar, bar.add_task("run", total=max(total, 1), completed=start, words="")
