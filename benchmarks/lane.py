"""The whole lane of the candidate at 128^2, from nothing to its claim, against bare stepping.

    python benchmarks/lane.py [FOLDER]          kept there; a temporary folder unless given

A lane that is finished in FOLDER is measured as it was carried out then, and not again.

Three grids up to 192^2 twice, three time steps, eight seeds, width and eta sweeps of three, long
run, the run itself, both checks, the claim, in one command on 2 cores.  Limit: the steps of every
run that was computed times the bare time of a step on its grid, which is measured here with two
processes at once as in the lane, over the cores.  Bounds: wall <= 480 s, and the estimate that the
lane prints before it starts within 30 % of it; both of its eleven commands together, without the
10 s in which the estimate is measured.  Also told: core-hours per stage as the lane has measured
them, seconds and rate of `mhx verify` and of `verify.py` under a plain Python.

A work tree with changes has no code identity, and so no claim: commit first.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from _record import record

from mhx.evidence.claims import current_level

CORES = 2
MANIFEST = "production_campaign_manifest.json"
GRIDS = ("--convergence-resolutions", "96,128,192", "--crosscheck-resolutions", "112,144,192")
LANE = ("campaign", "production-lane", "--nx", "128", "--ny", "128", *GRIDS)
BARE = """
import sys, time
from mhx.config import parse
from mhx.reconnection.config import Reconnection
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.run import solver_of
points = int(sys.argv[1])
sheet = {"equilibrium": "periodic_double_harris", "resistivity": 0.0045, "viscosity": 0.0045,
         "equilibrium_parameters": {"width": 0.36, "perturbation_amplitude": 0.004}}
mesh = {"shape": [points, points]}
config = parse(Reconnection, {"mesh": mesh, "time": {"t1": 1.0, "dt": 0.01}, "physics": sheet})
solver = solver_of(config)
carry = solver.advance(solver.load(initial_state(config)), 10)
solver.read(carry, 10)
for _ in range(5):
    began = time.perf_counter()
    carry = solver.advance(carry, 400)
    solver.read(carry, 410)
    print((time.perf_counter() - began) / 400)
"""


def bare_step(points: int) -> float:
    """Seconds per step with `CORES` processes at once, the median of all."""
    words = [sys.executable, "-c", BARE, str(points)]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(CORES)]
    return median(float(line) for one in running for line in one.communicate()[0].split())


def computed(root: Path) -> Counter[int]:
    """Steps that were taken, by points of the (square) grid; linked cases share their files."""
    runs: dict[int, tuple[int, int]] = {}
    for path in root.rglob("cases/*/diagnostics.json"):
        told = json.loads(path.read_text())
        runs[path.stat().st_ino] = (told["shape"][0], told["steps_run"])
    plan = json.loads((root / "rutherford" / "campaign_plan.json").read_text())
    runs[-1] = (plan["config"]["mesh"]["shape"][0], plan["estimated_steps"])
    steps: Counter[int] = Counter()
    for points, taken in runs.values():
        steps[points] += taken
    return steps


def finished(root: Path) -> bool:
    """Whether a lane was carried out there, to its end."""
    path = root / MANIFEST
    return path.is_file() and json.loads(path.read_text())["execution"]["status"] == "passed"


def timed(words: list[str], **more: object) -> float:
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)
    return time.perf_counter() - began


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(place, "lane"))
        words = [sys.executable, "-m", "mhx", *LANE, "--outdir", str(root), "--execute"]
        code = 0 if finished(root) else subprocess.run(words, check=False).returncode
        level = current_level(root / "rutherford" / "claim_ledger.jsonl")
        manifest = json.loads((root / MANIFEST).read_text())
        wall = sum(row["wall_seconds"] for row in manifest["execution"]["results"])
        steps = computed(root)
        limit = sum(count * bare_step(points) for points, count in steps.items()) / CORES
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        verify = timed([sys.executable, "-m", "mhx", "verify", str(root)])
        plain = timed([sys.executable, "-I", "-S", "verify.py"], cwd=root)
    estimate = manifest["campaign"]["estimate"]["seconds"]
    figures = {
        "wall_s": wall,
        "estimate_s": estimate,
        "estimate_over_wall": estimate / wall,
        "bare_stepping_s": limit,
        "wall_over_bare": wall / limit,
        "core_hours": manifest["execution"]["core_hours"],
        "exit_code": code,
        "claim_level": level,
        "verify_s": verify,
        "verify_plain_s": plain,
        "verify_mb_per_s": size / 1e6 / plain,
    }
    record("lane", figures, bound_wall_s=480, bound_estimate=0.3, steps=dict(steps))
    return int(code != 0 or wall > 480 or abs(estimate / wall - 1) > 0.3)


if __name__ == "__main__":
    sys.exit(main())
