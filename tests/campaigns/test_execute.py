"""The chunk loop, driven with a counter: where it stops, what it keeps, what it drops."""

import contextlib
import os
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.campaigns.execute import (
    MAX_STEPS,
    NON_FINITE,
    SIGNAL,
    TARGET,
    WALLTIME,
    Cost,
    Fault,
    Pace,
    Schedule,
    Watch,
    drive,
)


class Counter:
    """A stepper without physics; `bad_from` is the first step that cannot be sampled."""

    def __init__(self, step=0, bad_from=None, seconds=0.0, at_step=None):
        self.step, self.good, self.bad_from = step, step, bad_from
        self.seconds, self.at_step = seconds, at_step or {}
        self.rows, self.parts = [], []

    def advance(self, steps):
        time.sleep(self.seconds * steps)
        self.step += steps
        self.parts.append(steps)
        for step in [s for s in self.at_step if s <= self.step]:
            self.at_step.pop(step)()

    def observe(self):
        if self.bad_from is not None and self.step >= self.bad_from:
            return Fault(kind=NON_FINITE, step=self.step, time=self.step / 10, message="dt")
        self.good = self.step
        self.rows.append(self.step)
        return None

    def go_back(self):
        self.step = self.good


def schedule(end, target=100, save_every=7, checkpoint_every=20, seconds=1e9):
    return Schedule(
        end=end,
        target=target,
        save_every=save_every,
        checkpoint_every=checkpoint_every,
        checkpoint_seconds=seconds,
    )


def run(counter, plan, watch=None):
    kept, told = [], []
    outcome = drive(
        counter,
        plan,
        watch or Watch(),
        keep=lambda: kept.append(counter.step),
        tell=lambda step, rate: told.append(step),
    )
    return outcome, kept, told


def test_samples_and_checkpoints_fall_on_global_steps():
    counter = Counter()
    outcome, kept, told = run(counter, schedule(end=50))
    assert kept == [20, 40, 50]
    assert [step for step in counter.rows if step % 7 == 0] == [0, 7, 14, 21, 28, 35, 42, 49]
    assert told == [7, 14, 21, 28, 35, 42, 49, 50]
    assert (outcome.stop_reason, outcome.steps_run, outcome.exit_code) == (MAX_STEPS, 50, 0)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_cuts_add_samples_and_checkpoints_and_take_none_away(cuts):
    rows, kept, step = [], [], 0
    for cut in [*cuts, 100]:
        counter = Counter(step)
        _, more, _ = run(counter, schedule(end=min(100, step + cut)))
        rows, kept, step = rows + counter.rows, kept + more, counter.step
    assert {row for row in rows if row % 7 == 0} == set(range(0, 101, 7))
    assert {at for at in kept if at % 20 == 0} == set(range(20, 101, 20))
    assert kept == sorted(set(kept)) and kept[-1] == 100


def test_the_target_is_told_from_the_end_of_a_chunk():
    assert run(Counter(80), schedule(end=100))[0].stop_reason == TARGET


def test_no_step_is_made_where_nothing_remains():
    counter = Counter(100)
    outcome, kept, _ = run(counter, schedule(end=100))
    assert (outcome.stop_reason, kept, counter.parts) == (TARGET, [], [])


def test_minutes_bound_the_time_between_checkpoints():
    _, kept, _ = run(
        Counter(seconds=0.004), schedule(end=60, checkpoint_every=60, seconds=0.05, save_every=60)
    )
    assert len(kept) > 2 and kept[-1] == 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_ends_the_part_in_a_checkpoint(number):
    counter = Counter(at_step={30: lambda: os.kill(os.getpid(), number)})
    before = signal.getsignal(number)
    with Watch() as watch:
        outcome, kept, _ = run(counter, schedule(end=100), watch)
    assert outcome.stop_reason == SIGNAL and outcome.exit_code == 75
    assert kept[-1] == counter.step < 60
    assert signal.getsignal(number) == before


def test_a_second_interrupt_does_not_wait():
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), Watch() as watch:
        run(Counter(at_step={10: twice}), schedule(end=100), watch)


def test_a_second_interrupt_that_a_callback_swallowed_is_raised_before_the_next_part():
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

    counter = Counter(at_step={10: twice})
    with pytest.raises(KeyboardInterrupt), Watch() as watch:
        run(counter, schedule(end=100), watch)
    assert counter.step < 30


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_before_the_first_step_has_nothing_to_checkpoint(number, code):
    counter = Counter(20)
    with Watch() as watch:
        os.kill(os.getpid(), number)
        outcome, kept, _ = run(counter, schedule(end=100), watch)
    assert (outcome.exit_code, kept, counter.step) == (code, [], 20)


def test_a_watch_outside_the_main_thread_leaves_signals_alone():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def enter():
        with Watch():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]


def test_walltime_leaves_room_for_the_end():
    counter = Counter(seconds=0.005)
    deadline = time.monotonic() + 0.5
    outcome, kept, _ = run(
        counter, schedule(end=10_000, target=10_000), Watch(deadline=deadline, reserve_s=0.3)
    )
    assert (outcome.stop_reason, outcome.exit_code) == (WALLTIME, 75)
    assert kept[-1] == counter.step > 0 and time.monotonic() < deadline


def test_too_little_walltime_still_gets_somewhere():
    outcome, kept, _ = run(Counter(), schedule(end=100), Watch(deadline=time.monotonic() - 1))
    assert (outcome.stop_reason, kept) == (WALLTIME, [1])


def test_a_bad_block_is_dropped_and_what_was_good_is_kept():
    counter = Counter(bad_from=30)
    outcome, kept, _ = run(counter, schedule(end=100))
    assert outcome.stop_reason == NON_FINITE and outcome.fault.step == 35
    assert kept == [20, 28] and counter.step == outcome.end_step == 28


def test_the_same_call_repeats_the_refusal_after_one_block():
    counter = Counter(28, bad_from=30)
    outcome, kept, _ = run(counter, schedule(end=100))
    assert (outcome.fault.step, kept, sum(counter.parts)) == (35, [], 7)


def test_a_bad_initial_state_is_refused_before_any_step():
    counter = Counter(bad_from=0)
    outcome, kept, _ = run(counter, schedule(end=100))
    assert (outcome.stop_reason, outcome.fault.step, kept, counter.parts) == (NON_FINITE, 0, [], [])


def test_a_bad_state_at_a_checkpoint_between_samples_is_not_kept():
    counter = Counter(bad_from=20)
    outcome, kept, _ = run(counter, schedule(end=100, save_every=50))
    assert (outcome.fault.step, kept) == (20, [])


def test_parts_take_about_a_second_and_grow_step_by_step():
    pace = Pace()
    pace.note(1, 1e-5)
    assert pace.steps == 8
    pace.note(8, 0.8)
    assert pace.steps == 10
    pace.note(1, 30.0)
    assert pace.steps == 1


def test_a_chunk_of_no_step_has_no_rate():
    assert run(Counter(100), schedule(end=100))[0].seconds_per_step is None


def cost(**kinds):
    made = Cost()
    for kind, timed in kinds.items():
        for seconds, count in timed:
            made.note(kind, seconds, count)
    return made


def test_the_rate_of_a_short_chunk_is_that_of_a_long_one():
    """The sample and the checkpoint that end it count with their share alone."""
    made = cost(step=[(2.0, 2)], sample=[(7.0, 1)], checkpoint=[(20.0, 1)])
    assert made.per_step(schedule(end=2)) == 1 + 7 / 7 + 20 / 20


def test_what_is_set_up_once_does_not_enter_the_rate():
    made = cost(step=[(9.0, 1), (2.0, 2), (4.0, 4)], sample=[(50.0, 1), (7.0, 1), (7.0, 1)])
    assert made.per_step(schedule(end=7)) == 1 + 7 / 7


def test_a_few_steps_do_not_outweigh_what_was_measured_before():
    """0.004 s of steps ten times too slow move the rate by their share of half a second."""
    made = cost(step=[(0.002, 2), (0.004, 4)])
    rate = made.per_step(schedule(end=6), reckoned=1e-4)
    assert rate == pytest.approx((0.004 + 0.5) / (4 + 5000))
    long = cost(step=[(1e3, 10**6), (1e3, 10**6)])
    assert long.per_step(schedule(end=6), reckoned=1e-4) == pytest.approx(1e-3, rel=0.01)
