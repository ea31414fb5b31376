"""A matrix of MODFLOW 6 cases against MODFLOW's own time.

    python benchmarks/matrix.py [CASES]         1000 unless given

The K sensitivity of examples/groundwater on its mesh of about 550 triangles: two jobs, figures off,
evidence written and hashed.  Bare time: `mf6` alone on copies of every hundredth child of this very
matrix (iterations depend on K), on the same disk, one run at a time, before and after it; the mean
of their medians.  Bound: wall <= 1.5 x (cases x bare / 2).  Python keeps its bytecode, as an
installation does.

ext4 passes over inodes that were freed in the last minutes, one by one: where thousands of files
were just deleted, as by this benchmark itself, a case takes 6 ms longer.  Wait five minutes, or set
TMPDIR to a folder elsewhere on the disk.
"""

import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import mean, median

from _record import record

from mhx.groundwater.engines import find

BASE = Path(__file__).parents[1] / "examples" / "groundwater" / "flow_k_sensitivity_base.toml"
CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
RUNS = 5
JOBS = 2
TESTBED = """
workflow = {{ mode = "testbed" }}
[testbed]
id = "matrix"
subject = "flow"
base_config = "base.toml"
require_child_gates = false
execution = {{ jobs = {jobs} }}
axis = [{{ id = "K", unit = "m/s", keys = ["flow.param.K.value"], values = {values} }}]
design = [{{ id = "K", kind = "grid", axes = ["K"], id_template = "k{{index:05d}}" }}]
metric = [
    {{ name = "head_range", source = "flow_metrics.head_range_m", required = true }},
    {{ name = "closure", source = "flow_metrics.closure_relative", required = true }},
]
"""


def run(words: list[str]) -> subprocess.CompletedProcess[bytes]:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, "-m", "mhx", *words], env=kept, check=False, stdout=subprocess.DEVNULL
    )


def cpu_s() -> tuple[float, float]:
    """CPU time of all children so far, and of theirs: programs', kernel's."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime, found.ru_stime


def bare(root: Path, scratch: Path, found: dict[str, list[float]]) -> None:
    """Add seconds of `mf6` alone in copies of every hundredth model, in turns."""
    exe = find("mf6").path
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for case in sorted((root / "cases").glob("*00")):
        shutil.copytree(case / "mf6", folder / case.name)
    for _ in range(RUNS):
        for model in folder.iterdir():
            began = time.perf_counter()
            subprocess.run([exe], cwd=model, stdout=subprocess.DEVNULL, check=True)
            found[model.name].append(time.perf_counter() - began)


def main() -> int:
    values = [5e-6 * 4 ** (i / max(CASES - 1, 1)) for i in range(CASES)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copyfile(BASE, folder / "base.toml")
        file = folder / "matrix.toml"
        file.write_text(TESTBED.format(jobs=JOBS, values=values))
        run(["testbed", "run", str(file), "--case", "*00"])  # children to time MODFLOW on
        root = folder / "testbed" / "matrix"
        alone: dict[str, list[float]] = defaultdict(list)
        bare(root, folder, alone)
        root.rename(folder / "timed")  # not deleted: see above
        before, began = cpu_s(), time.perf_counter()
        done = run(["run", str(file)])
        wall, after = time.perf_counter() - began, cpu_s()
        bare(root, folder, alone)
    bare_s = mean(map(median, alone.values()))
    best = CASES * bare_s / JOBS
    ratio = wall / best
    record(
        "matrix",
        {
            "wall_s": wall,
            "bare_mf6_ms": 1000 * bare_s,
            "ratio": ratio,
            "cases_per_s": CASES / wall,
            "cpu_user_s": after[0] - before[0],
            "cpu_system_s": after[1] - before[1],
            "exit_code": done.returncode,
        },
        cases=CASES,
        jobs=JOBS,
        bound=1.5,
    )
    within = ratio <= 1.5 and done.returncode == 0 and math.isfinite(ratio)
    print("within bounds" if within else "OUT OF BOUNDS")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
