"""Jobs one after another in the process of the caller: for tests and for looking into a case.

Nothing is isolated: a crash takes the caller along, there are no time limits, and what a job leaves
running stays.  `stop` lets the job at work finish.
"""

import os
import time
from collections.abc import Iterable, Iterator

from mhx.evidence.provenance import now
from mhx.execution.attempts import LOG, Attempt, attempt_name
from mhx.execution.job import Ending, Job, Outcome
from mhx.execution.local import COMMAND_LINE
from mhx.execution.worker import resolved, surroundings
from mhx.execution.worker_process import OVERRIDES


class InlineBackend:
    """`Backend` without any other process; target: as for the local pool."""

    def __init__(self, *, target: str = COMMAND_LINE) -> None:
        self.target = target
        self._stopped = False

    def run(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Yield each outcome when its job is done."""
        function = resolved(self.target)
        for job in jobs:
            if self._stopped:
                return
            attempt = Attempt.begin(job.attempts / attempt_name(), job.words)
            log, began = attempt.folder / LOG, time.perf_counter()
            with surroundings(job.words, job.folder, log.absolute()):
                _without_overrides()
                code = function(list(job.words))
            wall = time.perf_counter() - began
            attempt.end(Ending.FINISHED, exit_code=code, duration_s=wall)
            yield Outcome(
                job=job,
                ending=Ending.FINISHED,
                exit_code=code,
                wall_s=wall,
                attempt=attempt.folder.name,
                log=log,
                started_utc=attempt.document["started_utc"],
                finished_utc=now(),
            )

    def stop(self) -> None:
        """Start no further job."""
        self._stopped = True

    def close(self) -> None:
        """There is nothing to give back."""


def _without_overrides() -> None:
    """What the caller's environment changes is for the caller's file, not for that of a job."""
    for name in [name for name in os.environ if name.startswith(OVERRIDES)]:
        del os.environ[name]
