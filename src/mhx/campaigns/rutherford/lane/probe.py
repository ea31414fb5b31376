"""What a step and a sample cost here: `python -m mhx.campaigns.rutherford.lane.probe < questions`.

Started by `estimate`, several at a time where cases run several at a time, for they share caches
and memory.  Reads a JSON list of run files, answers a JSON object on standard output; wall clock in
seconds.  The compiled programs that it leaves in the user's folder are those that the lane needs.
"""

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.config import parse
from mhx.reconnection import figures
from mhx.reconnection.compilation import backend, keep_compilations
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import Sampler
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.run import solver_of
from mhx.reconnection.solver import Flow, Solver
from mhx.reconnection.trajectory import frame_of, stack

BUDGET_S = 0.4  # for each grid
MOST_STEPS = 256  # between two looks at the clock, however far apart the samples are
_FRAMES = 41  # of 5 ms each: more than what drawing a movie varies by


def measured(data: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of one step, of one sample, and of what a case needs once, its program compiled."""
    config = parse(Reconnection, dict(data))
    _begun(config)
    began = time.perf_counter()
    growth_rate(config)
    solver, sampler, carry = _begun(config)
    once = time.perf_counter() - began
    stride = min(config.save_every, MOST_STEPS)
    steps = samples = 0
    stepping = sampling = 0.0
    while samples < 2 or stepping + sampling < BUDGET_S:
        start = time.perf_counter()
        carry = solver.advance(carry, stride)
        steps += stride
        state = solver.read(carry, 1 + steps)
        reached = time.perf_counter()
        sampler.sample(state)
        stepping += reached - start
        sampling += time.perf_counter() - reached
        samples += 1
    return {"once": once, "step": stepping / steps, "sample": sampling / samples}


def _begun(config: Reconnection) -> tuple[Solver, Sampler, Flow]:
    """A case after its first step and sample: all programs are compiled, or read from the disk."""
    solver, state = solver_of(config), initial_state(config)
    sampler = Sampler(config, state, solver.fields)
    carry = solver.advance(solver.load(state), 1)
    sampler.sample(solver.read(carry, 1))
    return solver, sampler, carry


def frame(data: Mapping[str, Any]) -> float:
    """Seconds of one more frame of both movies; of equal ones the fastest, for others compute."""
    config = parse(Reconnection, dict(data))
    picture = frame_of(initial_state(config), config.grid)
    spent: dict[int, list[float]] = {1: [], _FRAMES: []}
    with tempfile.TemporaryDirectory() as folder:
        for count in (1, 1, _FRAMES, 1, _FRAMES):  # the first draws everything for the first time
            began = time.perf_counter()
            figures.write_movies(Path(folder), stack([picture] * count, every=1), config.grid)
            spent[count].append(time.perf_counter() - began)
    return max(0.0, min(spent[_FRAMES]) - min(spent[1])) / (_FRAMES - 1)


def main() -> None:
    """Answer the questions on standard input."""
    questions = json.load(sys.stdin)
    keep_compilations()
    backend()
    answer = {
        "ready": time.clock_gettime(time.CLOCK_MONOTONIC),
        "cases": [measured(data) for data in questions["cases"]],
        "frame": frame(questions["cases"][0]) if questions["frame"] else None,
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
