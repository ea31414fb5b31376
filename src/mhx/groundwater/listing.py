"""What MODFLOW 6 says of a run in its listings: every step, every balance, every complaint.

Two files are read: the simulation's (`mfsim.lst`: iterations, errors, how it ended) and the
model's (budgets, steps that failed).  PERCENT DISCREPANCY is percent with two decimals, as printed;
what cannot be read as a number (stars, NaN) is NaN.  Steps beyond 99999 and periods beyond 9999 are
stars, too: these are counted on, since every step is told of, in order.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

NORMAL = "Normal termination of simulation."
FAILED = "FAILED TO MEET SOLVER CONVERGENCE CRITERIA"

_SOLVING = re.compile(r"^ *Solving: +Stress period: *([\d*]+) +Time step: *([\d*]+)", re.M)
_OUTER = re.compile(r"^ Model +(\d+) +(\d+) .*$", re.M)
_SUMMARY = re.compile(r"^ *SLN_(\d+) OUTER ITERATION SUMMARY", re.M)
_BUDGET = re.compile(  # without a blank where the number fills its place
    # packages print theirs under their name: LAK-1 BUDGET FOR ENTIRE MODEL
    r"(?:VOLUME|VOLUMETRIC|MASS) BUDGET FOR ENTIRE MODEL AT END OF TIME STEP *([\d*]+), "
    r"STRESS PERIOD *([\d*]+)"
)
_PERCENT = re.compile(r"PERCENT DISCREPANCY = *(\S+) +PERCENT DISCREPANCY = *(\S+)")
_FAILED = re.compile(FAILED + r" IN TIME STEP +(\d+) OF STRESS PERIOD +(\d+)")
_VERSION = re.compile(r"^ *VERSION (\S+)", re.M)
_REPORT = re.compile(r"^ERROR REPORT:\s*$", re.M)
_ITEM = re.compile(r"^ {1,4}\d+\. +(.*(?:\n {5,}\S.*)*)", re.M)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One time step, numbers from 1; percent: of its rates and of all volumes so far."""

    period: int
    step: int
    outer: int
    inner: int
    converged: bool
    percent_step: float
    percent_cumulative: float
    line: int


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A run as its listings tell it.

    normal: whether the words of a normal end were found.  errors: what was complained of, in one
    line each, and error_line the line in `mfsim.lst`.  wall_s: seconds of the process.
    unprinted: indices of the steps whose balance the model was not asked to print.
    """

    version: str
    steps: tuple[Step, ...]
    normal: bool
    errors: tuple[str, ...] = ()
    error_line: int | None = None
    wall_s: float = math.nan
    unprinted: tuple[int, ...] = ()

    @property
    def converged(self) -> bool:
        """True when every step of at least one converged."""
        return bool(self.steps) and all(step.converged for step in self.steps)


def read(simulation: Path, model: Path, solution: int | None = None) -> Listing:
    """Read both listings; a file that is not there says nothing.

    solution: its number, from 1, where there are several whose iterations must not be mixed.
    """
    told, balances = _text(simulation), _text(model)
    failed = {(int(p), int(s)) for s, p in _FAILED.findall(balances)}
    balance = dict(percents(balances))
    report = _REPORT.search(told)
    version = _VERSION.search(told)
    nothing = (math.nan, math.nan)
    steps = tuple(
        Step(
            period=period,
            step=step,
            outer=outer,
            inner=inner,
            converged=(period, step) not in failed,
            percent_step=balance.get((period, step), nothing)[1],
            percent_cumulative=balance.get((period, step), nothing)[0],
            line=line,
        )
        for period, step, outer, inner, line in _iterations(told, solution)
    )
    return Listing(
        version=version.group(1) if version else "",
        steps=steps,
        normal=NORMAL in told,
        errors=tuple(_items(told[report.end() :])) if report else (),
        error_line=_line(told, report.start()) if report else None,
        unprinted=tuple(
            at for at, one in enumerate(steps) if (one.period, one.step) not in balance
        ),
    )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _iterations(text: str, solution: int | None) -> Iterator[tuple[int, int, int, int, int]]:
    """Period, step, outer and inner iterations, and the line of the last outer one."""
    found = list(_SOLVING.finditer(text))
    numbers = _counted(match.groups() for match in found)
    ends = [*(match.start() for match in found[1:]), len(text)]
    line, reached = 1, 0
    for match, (period, step), end in zip(found, numbers, ends, strict=False):
        rows = [
            row
            for start, stop in _summaries(text, match.end(), end, solution)
            for row in _OUTER.finditer(text, start, stop)
        ]
        last = rows[-1].start() if rows else match.start()
        line, reached = line + text.count("\n", reached, last), last
        yield period, step, len(rows), sum(int(row.group(2)) for row in rows), line


def _summaries(text: str, start: int, end: int, solution: int | None) -> Iterator[tuple[int, int]]:
    """Where the iterations of a solution are told within one step."""
    if solution is None:
        yield start, end
        return
    found = list(_SUMMARY.finditer(text, start, end))
    stops = [*(match.start() for match in found[1:]), end]
    for match, stop in zip(found, stops, strict=False):
        if int(match.group(1)) == solution:
            yield match.end(), stop


def percents(text: str) -> Iterator[tuple[tuple[int, int], tuple[float, float]]]:
    """(period, step) -> percent of the volumes, percent of the rates."""
    budgets = list(_BUDGET.finditer(text))
    numbers = _counted((period, step) for step, period in (match.groups() for match in budgets))
    for match, key in zip(budgets, numbers, strict=True):
        found = _PERCENT.search(text, match.end())
        if found:
            yield key, (_number(found.group(1)), _number(found.group(2)))


def _counted(printed: Iterable[tuple[str, ...]]) -> Iterator[tuple[int, int]]:
    """Period and step of each entry; where stars are printed, one more than before."""
    period = step = 0
    for of_period, of_step in printed:
        period = int(of_period) if of_period.isdigit() else period + (of_step == "1")
        step = int(of_step) if of_step.isdigit() else step + 1
        yield period, step


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _items(report: str) -> list[str]:
    """The numbered complaints of a report, each in one line."""
    ours = report.split("UNIT ERROR REPORT:", maxsplit=1)[0]
    return [" ".join(item.split()) for item in _ITEM.findall(ours)]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
