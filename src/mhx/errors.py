"""Every deliberate error of mhx and its exit code, on one page.

    0    done
    1    a result, no error: a gate, a case or a promotion did not pass; everything is written down
    2    ConfigError      the configuration or the command line is wrong; nothing has run
    3    RunError         a run could not finish
           SolverError      the solver stopped (not finite, unstable, no space)
           EngineMissing    an executable or an extra is missing
    4    EvidenceError    a recorded file is altered, missing or unreadable
           MissingMetric    a required metric is absent
    5    ClaimRefused     the evidence is intact and does not support the claim
    6    RunLocked        another process owns the run folder
    70   a bug of ours, with a traceback; never expected, and never to be read as a verdict
    75   a result: stopped early with a checkpoint; run the same command again
    124  production lane: a command exceeded its time limit
    130  Ctrl-C where there was nothing to checkpoint

A message says what was asked, what was there, where, and what to do.
"""

from collections.abc import Iterable, Sequence
from typing import Any

STOPPED_EARLY = 75
INTERRUPTED = 130
BUG = 70


class MhxError(Exception):
    """Root of every error that mhx raises on purpose."""

    exit_code = BUG


class ConfigError(MhxError):
    """The configuration or the command line is wrong; nothing has run.

    faults: what is wrong with which key, where the message was made of such (`mhx.config`), so that
    whoever read the files can say where each key was written.
    """

    exit_code = 2

    def __init__(self, message: str = "", faults: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class RunError(MhxError):
    """A run could not finish."""

    exit_code = 3


class SolverError(RunError):
    """The solver stopped: not finite, unstable, not converged, no space left."""


class EngineMissing(RunError):
    """An executable or an extra of the package is not installed."""


class EvidenceError(MhxError):
    """A recorded file is altered, missing or unreadable."""

    exit_code = 4


class MissingMetric(EvidenceError):
    """A metric that the configuration declares as required was not reported."""

    def __init__(self, case: str, metric: str, reported: Iterable[str]) -> None:
        names = ", ".join(sorted(reported)) or "nothing"
        super().__init__(
            f"case {case!r}: required metric {metric!r} was not reported;\n"
            f"the runner reported: {names}"
        )


class ClaimRefused(MhxError):
    """The evidence is intact and does not support what was asked for."""

    exit_code = 5


class RunLocked(MhxError):
    """Another process owns the run folder; the message names it."""

    exit_code = 6
