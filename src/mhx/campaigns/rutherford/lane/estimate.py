"""What a lane will cost on this machine, measured before it starts.

Steps and samples are timed on every grid, or of more than six on the smallest, the largest and the
run's own, in as many processes at once as cases will run at once; others follow a power of their
points.
Equal runs count once, as they are computed once; cases are packed as the testbed packs them,
longest first.  What happens once (starting an interpreter, judging, drawing) is told in starts: the
time that a process of this program takes to be ready, measured, too.  Seconds.
"""

import json
import math
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from typing import Any

from mhx.campaigns.plan import samples
from mhx.campaigns.rutherford.design import configuration
from mhx.campaigns.rutherford.lane.commands import FINALIZE, PROMOTION
from mhx.campaigns.rutherford.lane.design import Case, LaneDesign
from mhx.errors import RunError
from mhx.execution.processes import usable_cpus
from mhx.execution.worker_process import environment

Shape = tuple[int, int]
PLAN, EXECUTE, CHECK = "rutherford_plan", "rutherford_execute", "double_harris_promotion_check"
WIDTHS = "double_harris_width_sweep"
FRAMES = 200  # at most, of a movie
TIMED = 6  # grids, each: 112 and 144 points cost more than their neighbours of 2, 3 alone
PLANNING_S = 2.0  # for which a planner times a step
_PARENT = 3.0  # starts: a command that runs a study, its cases left out: judging, drawing, writing
_JUDGED = 0.25  # starts: one case, read, held against its configuration, judged
_CHECKS = {CHECK: 1.5, PROMOTION: 8.0, FINALIZE: 8.0}  # starts, cases left out
_START_S, _ONCE_S, _FRAME_S, _SAMPLE_STEPS = 1.5, 1.0, 0.08, 6.0  # where nothing is measured
_STRETCHES = 2 / 8  # of the run that a promotion check integrates again, with eight checkpoints


@dataclass(frozen=True)
class Rate:
    """What one grid costs: once for a case, for a step, for a sample."""

    once: float
    step: float
    sample: float

    def case(self, steps: int, rows: int) -> float:
        return self.once + steps * self.step + rows * self.sample


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What was measured.  shared: with `jobs` cases at a time; alone: the run's grid by itself."""

    jobs: int
    start: float
    frame: float
    shared: Mapping[Shape, Rate]
    alone: Rate
    source: str = "measured"

    def of(self, shape: Shape) -> Rate:
        """What a grid costs; between two that were timed it is a power of its points."""
        if shape in self.shared:
            return self.shared[shape]
        known = sorted(self.shared, key=math.prod)
        points = math.prod(shape)
        above = next((n for n, each in enumerate(known) if math.prod(each) >= points), len(known))
        low, high = known[max(0, above - 1)], known[min(above, len(known) - 1)]
        span = math.log(math.prod(high) / math.prod(low))
        share = math.log(points / math.prod(low)) / span if span else 0.0
        pairs = zip(astuple(self.shared[low]), astuple(self.shared[high]), strict=True)
        return Rate(*(first ** (1 - share) * second**share for first, second in pairs))

    def document(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return {
            "source": self.source,
            "jobs": self.jobs,
            "seconds_to_start": self.start,
            "seconds_per_frame": self.frame,
            "seconds_per_step": {f"{n}x{m}": rate.step for (n, m), rate in self.shared.items()},
            "seconds_per_sample": {f"{n}x{m}": rate.sample for (n, m), rate in self.shared.items()},
            "seconds_per_step_alone": self.alone.step,
        }


def expected(lane: LaneDesign, rates: Rates) -> dict[str, float]:
    """Seconds per command, by id."""
    started, asked = rates.start, defaultdict[str, int](int)
    fresh: dict[str, list[Case]] = defaultdict(list)
    seen = set()
    for case in lane.cases:
        asked[case.stage] += 1
        if case.key not in seen:
            seen.add(case.key)
            fresh[case.stage].append(case)
    run = rates.alone.case(lane.cadence.steps, _rows(lane))
    movies = min(FRAMES, _rows(lane)) * rates.frame
    costs = {
        stage: started * (_PARENT + 1 + _JUDGED * asked[stage])
        + _packed([_cost(lane, case, rates) for case in fresh[stage]], rates.jobs)
        for stage in (*asked, WIDTHS)  # a sheet without width is judged all the same
    }
    costs["double_harris_long_run"] += movies
    costs[EXECUTE] = started * _PARENT + run + movies
    costs[PLAN] = started * 1.5 + PLANNING_S
    bundles = sum(asked.values())
    costs |= {name: started * count for name, count in _CHECKS.items()}
    for stage in (PROMOTION, FINALIZE):  # the claim draws and judges all of it once more
        costs[stage] += started * _JUDGED * bundles + _STRETCHES * run
    costs[FINALIZE] += started * _JUDGED * bundles  # the evidence is judged again
    costs[CHECK] += started * _JUDGED * sum(asked[name] for name in asked if "conv" in name)
    return costs


def _rows(lane: LaneDesign) -> int:
    return samples(lane.cadence.steps, lane.cadence.save_every)


def _cost(lane: LaneDesign, case: Case, rates: Rates) -> float:
    """One case; smaller steps are sampled at the same times."""
    return rates.of(case.shape).case(round(lane.cadence.t1 / case.dt), _rows(lane))


def _packed(costs: Sequence[float], jobs: int) -> float:
    """When the last of several workers is done, each taking the longest case that is left."""
    busy = [0.0] * jobs
    for cost in sorted(costs, reverse=True):
        busy[busy.index(min(busy))] += cost
    return max(busy)


def rates_of(lane: LaneDesign) -> Rates:
    """Timed here and now; scaled from --seconds-per-step-estimate where that is given."""
    given = lane.asked.seconds_per_step_estimate
    return measure(lane) if given == "auto" else _scaled(lane, float(given))


def measure(lane: LaneDesign) -> Rates:
    """Time the lane's grids on this machine, now; RunError where nothing can be timed."""
    cpus, jobs = usable_cpus(), _jobs(lane)
    run = (lane.asked.nx, lane.asked.ny)
    found = sorted({case.shape for case in lane.cases}, key=math.prod)
    few = found if len(found) <= TIMED else (found[0], found[-1])
    shapes = list(dict.fromkeys((*few, run)))
    threads = max(1, cpus // jobs)
    with ThreadPoolExecutor(jobs) as pool:
        asking = [pool.submit(_asked, lane, shapes, threads) for _ in range(jobs)]
        answers = [each.result() for each in asking]
    alone = _asked(lane, [run], cpus, frame=True)
    together = [[answer["cases"][n] for answer in answers] for n in range(len(shapes))]
    return Rates(
        jobs=jobs,
        start=alone["start"],
        frame=alone["frame"],
        shared={shape: _mean(each) for shape, each in zip(shapes, together, strict=True)},
        alone=_mean(alone["cases"]),
    )


def _scaled(lane: LaneDesign, step: float) -> Rates:
    """Without a measurement: the given step on the run's grid, N log N for the others."""
    run = (lane.asked.nx, lane.asked.ny)

    def work(shape: Shape) -> float:
        return math.prod(shape) * math.log(math.prod(shape))

    def rate(shape: Shape) -> Rate:
        share = work(shape) / work(run)
        return Rate(_ONCE_S, step * share, _SAMPLE_STEPS * step * share)

    shared = {shape: rate(shape) for shape in {case.shape for case in lane.cases}}
    return Rates(
        jobs=_jobs(lane),
        start=_START_S,
        frame=_FRAME_S,
        shared=shared,
        alone=rate(run),
        source="given",
    )


def _jobs(lane: LaneDesign) -> int:
    return usable_cpus() if lane.asked.jobs == "auto" else int(lane.asked.jobs)


def _mean(found: Sequence[Mapping[str, float]]) -> Rate:
    return Rate(**{name: math.fsum(row[name] for row in found) / len(found) for name in found[0]})


def _asked(
    lane: LaneDesign, shapes: Sequence[Shape], threads: int, *, frame: bool = False
) -> dict[str, Any]:
    """The answer of one probe, and how long it took to be ready."""
    asked, made = lane.asked, lane.cadence
    cases = [
        configuration(
            asked.model_copy(update={"nx": nx, "ny": ny}),
            dt=made.dt,
            t1=made.t1,
            save_every=made.save_every,
        ).document()
        for nx, ny in shapes
    ]
    began = time.clock_gettime(time.CLOCK_MONOTONIC)  # of the machine, not of the process
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mhx.campaigns.rutherford.lane.probe"],
        input=json.dumps({"cases": cases, "frame": frame}),
        capture_output=True,
        text=True,
        env=environment(threads),
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().rsplit("\n", 1)[-1]
        raise RunError(f"the cost of a step cannot be measured here: {last}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return {**answer, "start": answer["ready"] - began}
