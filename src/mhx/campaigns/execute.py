"""Carry a long run through one chunk: blocks, samples, checkpoints, and each way to stop.

What moves is a `Stepper`; its state, rows and files are its own business and unknown here.  A chunk
is cut into blocks at samples, checkpoints and its end, and a long block into parts of about a
second, so that a signal is answered soon.  Nothing that is decided here enters the trajectory.
Steps are global and count from 0; seconds are wall clock.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any, Protocol

from mhx.errors import INTERRUPTED, STOPPED_EARLY

TARGET, MAX_STEPS, SIGNAL, WALLTIME = "target", "max_steps", "signal", "walltime"
NON_FINITE, UNSTABLE = "non_finite", "unstable"
PART_SECONDS = 1.0  # a signal waits for one part
REMEMBERED_S = 0.5  # of stepping: what an earlier measurement of a step is worth
_GROWTH = 8  # parts grow by this factor at most, until their cost is known


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why a state cannot be gone on from: where it was found, and what would help."""

    kind: str  # NON_FINITE or UNSTABLE
    step: int
    time: float
    message: str


class Stepper(Protocol):
    """One state that moves; every method leaves it at a well-defined global step."""

    @property
    def step(self) -> int: ...

    def advance(self, steps: int) -> None:
        """Move by `steps` steps and return when that is done."""
        ...

    def observe(self) -> Fault | None:
        """Sample the present state: keep its row, or say what is wrong with it and keep nothing."""
        ...

    def go_back(self) -> None:
        """Return to the newest state that was observed without fault, or that the run began at."""
        ...


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Which steps end a block.  All but `end` are the same for every cut of a run."""

    end: int
    target: int
    save_every: int
    checkpoint_every: int
    checkpoint_seconds: float

    def next_stop(self, step: int) -> int:
        """The next sample, checkpoint or end after `step`."""
        return min(
            self.end,
            step - step % self.save_every + self.save_every,
            step - step % self.checkpoint_every + self.checkpoint_every,
        )


@dataclass
class Cost:
    """Seconds that the steps, samples and checkpoints of a chunk took.

    The first of a kind pays for what is set up once (pages, threads, files), so it counts only
    while it is alone.
    """

    timed: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    @contextmanager
    def of(self, kind: str, count: int = 1) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.note(kind, time.monotonic() - began, count)

    def note(self, kind: str, seconds: float, count: int = 1) -> None:
        """`count` of a kind took `seconds` together."""
        known = self.timed.setdefault(kind, [])
        if len(known) < 2:  # the first, and all others together
            known.append((seconds, count))
        else:
            known[1] = (known[1][0] + seconds, known[1][1] + count)

    def total(self, kind: str) -> tuple[float, int]:
        """Seconds and number, the first left out where others followed."""
        return self.timed[kind][-1] if self.timed.get(kind) else (0.0, 0)

    def each(self, kind: str) -> float:
        """Seconds of one; 0 where none was made."""
        seconds, count = self.total(kind)
        return seconds / max(1, count)

    def per_step(self, schedule: Schedule, reckoned: float | None = None) -> float | None:
        """Seconds of a step with its share of sampling and checkpoints, None without a step.

        A chunk of a few steps ends in a sample and a checkpoint, too: dividing its whole time by
        its steps would tell nothing about a long one.  Nor do steps of a few milliseconds: what was
        measured before, `reckoned`, counts like `REMEMBERED_S` of them.
        """
        seconds, count = self.total("step")
        if not count:
            return None
        step = seconds / count
        if reckoned:
            step = (seconds + REMEMBERED_S) / (count + REMEMBERED_S / reckoned)
        shares = self.each("sample") / schedule.save_every
        return step + shares + self.each("checkpoint") / schedule.checkpoint_every


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a chunk ended.

    seconds_per_step: measured, samples and checkpoints included; stepping_seconds: of a step alone.
    Both are None where no step was made.
    """

    stop_reason: str
    start_step: int
    end_step: int
    seconds_per_step: float | None = None
    stepping_seconds: float | None = None
    fault: Fault | None = None
    signal_number: int | None = None

    @property
    def steps_run(self) -> int:
        return self.end_step - self.start_step

    @property
    def exit_code(self) -> int:
        """The code of the stop itself; the judgement of the gates is another matter."""
        if self.stop_reason == SIGNAL and self.signal_number == signal.SIGINT:
            return STOPPED_EARLY if self.steps_run else INTERRUPTED
        return STOPPED_EARLY if self.stop_reason in (SIGNAL, WALLTIME) else 0


@dataclass
class Watch(AbstractContextManager["Watch"]):
    """Reasons to stop early: SIGTERM, SIGINT, SIGUSR1, or a deadline.

    deadline: on the clock of `time.monotonic`, None for no limit.
    reserve_s: what the end of a chunk needs (checkpoint, figures), kept free before the deadline.
    """

    deadline: float | None = None
    reserve_s: float = 0.0
    received: int | None = None
    repeated: bool = False
    _before: dict[int, Any] = field(default_factory=dict)

    def __enter__(self) -> "Watch":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows none
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.received == signal.SIGINT:
            self.repeated = True
            raise KeyboardInterrupt
        if self.received is None or number == signal.SIGINT:
            self.received = number

    def reason(self, ahead_s: float) -> str | None:
        """Why to stop now, if the next part takes `ahead_s` seconds.

        A second Ctrl-C is raised where it arrives; Python drops it in a callback of the garbage
        collector, so it is raised here once more.
        """
        if self.repeated:
            raise KeyboardInterrupt
        if self.received is not None:
            return SIGNAL
        if self.deadline is None:
            return None
        late = time.monotonic() + ahead_s + self.reserve_s > self.deadline
        return WALLTIME if late else None


@dataclass
class Pace:
    """What a step costs, and so how many make a part of `part_s` seconds."""

    part_s: float = PART_SECONDS
    steps: int = 1
    seconds_per_step: float = 0.0

    def note(self, steps: int, seconds: float) -> None:
        self.seconds_per_step = seconds / steps
        fitting = int(self.part_s * steps / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, max(self.steps, steps) * _GROWTH))

    @property
    def ahead_s(self) -> float:
        return self.steps * self.seconds_per_step


def drive(
    stepper: Stepper,
    schedule: Schedule,
    watch: Watch,
    *,
    keep: Callable[[], None],
    tell: Callable[[int, float], None],
    reckoned: float | None = None,
) -> Outcome:
    """Advance to the end of the schedule, or to the first reason to stop.

    keep: writes a checkpoint of the present state, which has been observed without fault.
    tell: called at each sample with the step and the steps per second so far.
    reckoned: seconds of a step as measured before this chunk, if they were.
    """
    began, start, cost = time.monotonic(), stepper.step, Cost()
    kept = _Kept(start, keep, cost)
    pace = Pace(min(PART_SECONDS, schedule.checkpoint_seconds / 4))

    def outcome(reason: str, fault: Fault | None = None) -> Outcome:
        return Outcome(
            stop_reason=reason,
            start_step=start,
            end_step=stepper.step,
            seconds_per_step=cost.per_step(schedule, reckoned),
            stepping_seconds=cost.each("step") or None,
            fault=fault,
            signal_number=watch.received if reason == SIGNAL else None,
        )

    def observed() -> Fault | None:
        with cost.of("sample"):
            return stepper.observe()

    def turned_back(fault: Fault) -> Outcome:
        """Drop the bad block.  What was good before it is kept, so the next call fails at once."""
        stepper.go_back()
        if stepper.step > kept.step:
            kept.now(stepper.step)
        return outcome(fault.kind, fault)

    if not start and (fault := observed()):
        return outcome(fault.kind, fault)
    while stepper.step < schedule.end:
        # without a first part a chunk with too little walltime would never get anywhere
        stop = watch.reason(pace.ahead_s) if stepper.step > start else _signalled(watch)
        due = stepper.step > kept.step and (
            stop is not None
            or stepper.step % schedule.checkpoint_every == 0
            or kept.seconds >= schedule.checkpoint_seconds
        )
        sampled = stepper.step % schedule.save_every == 0
        if due and not sampled and (fault := observed()):
            return turned_back(fault)
        if due:
            kept.now(stepper.step)
        if stop:
            return outcome(stop)
        _part(stepper, schedule, pace, cost)
        done = stepper.step == schedule.end
        if stepper.step % schedule.save_every == 0 or done:
            if fault := observed():
                return turned_back(fault)
            tell(stepper.step, (stepper.step - start) / (time.monotonic() - began))
    if stepper.step > kept.step:
        kept.now(stepper.step)
    return outcome(TARGET if stepper.step >= schedule.target else MAX_STEPS)


@dataclass
class _Kept:
    """The newest checkpoint of this chunk, or the state that it began at."""

    step: int
    keep: Callable[[], None]
    cost: Cost
    at: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.at

    def now(self, step: int) -> None:
        with self.cost.of("checkpoint"):
            self.keep()
        self.step, self.at = step, time.monotonic()


def _signalled(watch: Watch) -> str | None:
    return SIGNAL if watch.received is not None else None


def _part(stepper: Stepper, schedule: Schedule, pace: Pace, cost: Cost) -> None:
    steps = min(pace.steps, schedule.next_stop(stepper.step) - stepper.step)
    before = time.monotonic()
    with cost.of("step", steps):
        stepper.advance(steps)
    pace.note(steps, time.monotonic() - before)
