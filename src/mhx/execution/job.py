"""A job: a command line that any backend, and any person, can carry out.

A backend never interprets results: it yields outcomes as they end, in any order.  What a job
measured lies in its run directory; what became of its process, in `attempts/` below that
(`attempts`).  Times are wall-clock seconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Ending(StrEnum):
    """How the process of a job ended."""

    FINISHED = "finished"  # of itself, with an exit code, whatever that says
    TIMEOUT = "timeout"  # stopped at the job's time limit
    INTERRUPTED = "interrupted"  # stopped because the backend was told to
    DIED = "died"  # without being told to: killed from outside, or crashed


@dataclass(frozen=True, kw_only=True)
class Job:
    """One command line.

    words: as after `mhx`, for example ("run", "k_low.toml", "--output-dir", "cases/k_low").
    folder: where it starts; relative paths in `words` and `run_dir` count from here.
    run_dir: the run directory, which receives `attempts/<utc>-<id>/` for every start.
    timeout_s: wall-clock limit of one attempt; None: no limit.
    """

    name: str
    words: tuple[str, ...]
    folder: Path
    run_dir: Path
    timeout_s: float | None = None

    @property
    def attempts(self) -> Path:
        """The folder of this job's attempts, as an absolute path where `folder` is one."""
        return self.folder / self.run_dir / "attempts"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: of its last attempt, where it was tried again.

    exit_code: None when the process gave none: it died, or had to be killed.
    signal: what killed the process; None when it ended of itself.
    attempt: name of the last attempt's folder; log: what it printed.
    started_utc, finished_utc: of the last attempt, ISO 8601, to the second.
    tries: attempts of this call, 1 unless processes died and were replaced.
    note: what a reader should know besides, for example processes that outlived their case.
    """

    job: Job
    ending: Ending
    exit_code: int | None
    wall_s: float
    attempt: str
    log: Path
    signal: int | None = None
    started_utc: str = ""
    finished_utc: str = ""
    tries: int = 1
    note: str = ""


class Backend(Protocol):
    """Carries out independent jobs and yields each outcome as soon as it is known."""

    def run(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """Take jobs one by one, as places become free, and yield every job's outcome once."""

    def stop(self) -> None:
        """Start nothing more and end what runs; may be called from a signal handler."""

    def close(self) -> None:
        """Give back processes; nothing of them is left afterwards."""
