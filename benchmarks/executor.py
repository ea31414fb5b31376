"""What the executor adds to bare stepping, what each call costs, and how much memory a run takes.

    python benchmarks/executor.py [STEPS]       steps of the memory run at 256^2, 20000 unless given

Bounds: samples, pictures and checkpoints at default cadence <= 10 % of stepping at 128^2, both
measured in one run; a call of one step <= 4 s from process start to end, compilation kept; peak
memory of the 256^2 run <= 600 MiB.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from _record import record, spread

from mhx.campaigns.rutherford import execute, plan

STEPS = 4000
MEMORY_STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
CHILD = """
import pathlib, resource, sys
from mhx.campaigns.rutherford import execute
options = execute.Options(json=True, max_steps=int(sys.argv[2]))
execute.execute(pathlib.Path(sys.argv[1]), options)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def planned(folder: Path, points: int, seconds: float) -> Path:
    plan.plan_production(
        plan.Options(outdir=folder, nx=points, ny=points, seconds_per_step_estimate=seconds)
    )
    return folder


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        run = planned(Path(place, "run128"), 128, 1e-3)
        answer = execute.execute(run, execute.Options(json=True, max_steps=STEPS))
        whole = float(answer.document["seconds_per_step"])
        alone = float(answer.document["stepping_seconds_per_step"])
        added = whole / alone - 1
        calls = []
        words = ["campaign", "rutherford-execute", str(run), "--max-steps", "1", "--json"]
        for _ in range(6):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", "import mhx.cli; mhx.cli.entry()", *words],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            calls.append(time.perf_counter() - began)
        large = planned(Path(place, "run256"), 256, 5e-3)
        child = [sys.executable, "-c", CHILD, str(large), str(MEMORY_STEPS)]
        peak = float(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    record(
        "executor",
        {
            "bare_s_per_step": alone,
            "executor_s_per_step": whole,
            "added_share": added,
            "call": spread(calls[1:]),
            "peak_mib": peak,
        },
        points=128,
        steps=STEPS,
        memory_points=256,
        memory_steps=MEMORY_STEPS,
    )
    within = added <= 0.10 and median(calls[1:]) <= 4.0 and peak <= 600
    print("within bounds" if within else "OUT OF BOUNDS")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
