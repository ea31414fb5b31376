"""Where a lane is and how long it still takes, on standard error, for whoever waits.

A command counts by what it is expected to take; what the finished ones really took corrects the
rest.  Without expectations it says which command runs and for how long.  Times in seconds.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mhx.campaigns.lane.commands import LaneCommand
from mhx.campaigns.runbook import span

EVERY_S = 15.0
_MOST = 0.95  # of a command that takes longer than expected
_TRUST = 0.2


@dataclass(kw_only=True)
class Progress:
    """Tells of a lane line by line.

    left: the commands that are still to be carried out, the running one first.
    What a short command took says little of long ones: expectations weigh as much as `_TRUST` of
    the lane.
    """

    count: int
    left: Sequence[LaneCommand]
    silent: bool = False
    _expected: float = 0.0
    _taken: float = 0.0
    _told: float = field(default_factory=time.monotonic)

    def say(self, line: str) -> None:
        """One line."""
        if not self.silent:
            print(line, file=sys.stderr, flush=True)

    def begin(self, number: int, command: LaneCommand) -> None:
        """A command starts."""
        self._told = time.monotonic()
        self.say(f"[{number}/{self.count}] {command.id}: {command.description}{self._ahead(0.0)}")

    def watch(self, number: int, command: LaneCommand, spent: float) -> None:
        """A command runs."""
        if time.monotonic() - self._told < EVERY_S:
            return
        self._told = time.monotonic()
        self.say(f"[{number}/{self.count}] {command.id}: {span(spent)}{self._ahead(spent)}")

    def end(self, command: LaneCommand, wall_s: float) -> None:
        """A command ended and leaves the list of what is left."""
        if command.seconds is not None:
            self._expected += command.seconds
            self._taken += wall_s
        self.left = [each for each in self.left if each.id != command.id]

    def time_left(self, spent: float = 0.0) -> float | None:
        """Seconds until the last command ends; None where nobody knows."""
        expected = [command.seconds for command in self.left]
        if not expected or any(seconds is None for seconds in expected):
            return None
        known = [seconds for seconds in expected if seconds is not None]
        trust = _TRUST * (self._expected + sum(known))
        correction = (self._taken + trust) / (self._expected + trust)
        running = max(known[0] * correction - spent, (1 - _MOST) * known[0])
        return running + correction * sum(known[1:])

    def _ahead(self, spent: float) -> str:
        left = self.time_left(spent)
        if left is None:
            return ""
        share = self._taken + spent
        return f" ({100 * share / (share + left):.0f} % of the lane, {span(left)} left)"
