"""What does the pool add to a case?  1,000 jobs that do nothing, through two workers.

    python benchmarks/pool.py [JOBS]

Bounds: 1 ms of the launcher's CPU per job, and a job through the pool, attempt and log included,
takes a worker less than half the start of a bare Python.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _record import record

from mhx.execution.job import Job
from mhx.execution.local import LocalPool

JOBS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
WORKERS = 2
BOUND_MS, BOUND_OF_A_START = 1.0, 0.5


def started() -> float:
    """Seconds that a bare Python takes."""
    found = []
    for _ in range(11):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", "0"], check=True)
        found.append(time.perf_counter() - began)
    return median(found)


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "nothing.py").write_text("def main(words):\n    return 0\n")
        sys.path.insert(0, scratch)
        jobs = [
            Job(name=str(n), words=("x",), folder=folder, run_dir=Path(f"cases/{n}"))
            for n in range(JOBS)
        ]
        with LocalPool(WORKERS, target="nothing:main", ahead=True) as pool:
            next(iter(pool.run(jobs[:1])))
            cpu, wall = time.process_time(), time.perf_counter()
            done = sum(outcome.exit_code == 0 for outcome in pool.run(jobs))
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    bare = started()
    figures = {
        "done": done,
        "launcher_cpu_ms_per_job": 1000 * cpu / JOBS,
        "wall_ms_per_job": 1000 * wall / JOBS,
        "bare_python_ms": 1000 * bare,
        "of_a_start": wall * WORKERS / JOBS / bare,
    }
    record("pool", figures, jobs=JOBS, workers=WORKERS)
    good = figures["launcher_cpu_ms_per_job"] <= BOUND_MS and done == JOBS
    return int(not (good and figures["of_a_start"] <= BOUND_OF_A_START))


if __name__ == "__main__":
    sys.exit(main())
