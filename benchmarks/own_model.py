"""A matrix of cases over somebody else's model of 10,000 cells against MODFLOW's own time.

    python benchmarks/own_model.py [CASES]         300 unless given

The model is written once by flopy, in a folder of its own: one layer of 100 x 100 cells, Newton,
drains on a third of them.  Cases multiply its conductivity; two jobs, figures off, evidence written
and hashed.  Bare time: `mf6` alone on copies of every thirtieth case (iterations depend on K), on
the same disk, one run at a time, before and after the matrix; the mean of their medians.  Bound:
wall <= 1.3 x (cases x bare / 2).
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

import flopy
import numpy as np
from _record import record

from mhx.groundwater.engines import find

CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 300
RUNS, EVERY, JOBS, SIDE, BOUND = 5, 30, 2, 100, 1.3
BASE = """
workflow = { mode = "simulation" }
simulation = { process = [{ id = "flow", type = "flow" }] }
[model]
path = "model"
[[model.patch]]
id = "k"
package = "npf"
variable = "k"
operation = "multiply"
value = 2.0
"""
TESTBED = """
workflow = {{ mode = "testbed" }}
[testbed]
id = "own_model"
subject = "flow"
base_config = "base.toml"
execution = {{ jobs = {jobs} }}
axis = [{{ id = "K", unit = "1", keys = ["model.patch.k.value"], values = {values} }}]
design = [{{ id = "K", kind = "grid", axes = ["K"], id_template = "k{{index:05d}}" }}]
metric = [
    {{ name = "head_range", source = "flow_metrics.head_range_m", required = true }},
    {{ name = "closure", source = "flow_metrics.closure_relative", required = true }},
]
"""


def write_model(folder: Path) -> None:
    """An unconfined aquifer under hills, drained at the ground."""
    row, column = np.mgrid[:SIDE, :SIDE]
    top = 50 + 10 * np.sin(column / 15) + 5 * np.cos(row / 11)
    k = np.exp(np.random.default_rng(1).normal(1.0, 1.0, (SIDE, SIDE)))
    sim = flopy.mf6.MFSimulation(sim_name="own", sim_ws=str(folder))
    flopy.mf6.ModflowTdis(sim, time_units="days")
    flopy.mf6.ModflowIms(sim, complexity="moderate", outer_dvclose=1e-6, inner_dvclose=1e-7)
    gwf = flopy.mf6.ModflowGwf(sim, modelname="own", save_flows=True, newtonoptions="NEWTON")
    flopy.mf6.ModflowGwfdis(
        gwf, length_units="meters", nrow=SIDE, ncol=SIDE, delr=50.0, delc=50.0, top=top, botm=0.0
    )
    flopy.mf6.ModflowGwfic(gwf, strt=top - 2)
    flopy.mf6.ModflowGwfnpf(gwf, k=k, icelltype=1)
    fixed = [[(0, i, 0), top[i, 0] - 3] for i in range(SIDE)]
    flopy.mf6.ModflowGwfchd(gwf, stress_period_data=fixed)
    drains = [[(0, i, j), top[i, j], 500.0] for i in range(SIDE) for j in range(0, SIDE, 3)]
    flopy.mf6.ModflowGwfdrn(gwf, stress_period_data=drains)
    flopy.mf6.ModflowGwfrcha(gwf, recharge=5e-4)
    saved = [("HEAD", "LAST"), ("BUDGET", "LAST")]
    flopy.mf6.ModflowGwfoc(
        gwf, head_filerecord="own.hds", budget_filerecord="own.cbc", saverecord=saved
    )
    sim.write_simulation(silent=True)


def run(words: list[str]) -> int:
    """An `mhx` command; Python keeps its bytecode, as an installation does."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [sys.executable, "-m", "mhx", *words], env=kept, check=False, stdout=subprocess.DEVNULL
    ).returncode


def cpu_s() -> float:
    """CPU time of all children so far, and of theirs."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def bare(root: Path, scratch: Path, found: dict[str, list[float]]) -> None:
    """Add seconds of `mf6` alone in copies of some models, in turns."""
    exe = find("mf6").path
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for case in sorted((root / "cases").iterdir())[::EVERY]:
        shutil.copytree(case / "mf6", folder / case.name)
    for _ in range(RUNS):
        for model in folder.iterdir():
            began = time.perf_counter()
            subprocess.run([exe], cwd=model, stdout=subprocess.DEVNULL, check=True)
            found[model.name].append(time.perf_counter() - began)


def main() -> int:
    values = [0.5 * 4 ** ((i + 0.5) / CASES) for i in range(CASES)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_model(folder / "model")
        (folder / "base.toml").write_text(BASE)
        file = folder / "matrix.toml"
        file.write_text(TESTBED.format(jobs=JOBS, values=values))
        root = folder / "testbed" / "own_model"
        some = ",".join(f"k{i:05d}" for i in range(0, CASES, EVERY))
        for name in some.split(","):
            run(["testbed", "run", str(file), "--case", name])
        alone: dict[str, list[float]] = defaultdict(list)
        bare(root, folder, alone)
        root.rename(folder / "timed")  # not deleted: ext4 passes over freed inodes one by one
        before, began = cpu_s(), time.perf_counter()
        code = run(["run", str(file)])
        wall, cpu = time.perf_counter() - began, cpu_s() - before
        bare(root, folder, alone)
    bare_s = mean(map(median, alone.values()))
    ratio = wall / (CASES * bare_s / JOBS)
    figures = {
        "wall_s": wall,
        "cpu_s": cpu,
        "bare_mf6_ms": 1000 * bare_s,
        "ratio": ratio,
        "exit_code": code,
    }
    record("own_model", figures, cases=CASES, jobs=JOBS, cells=SIDE**2, bound=BOUND)
    within = ratio <= BOUND and code == 0 and math.isfinite(ratio)
    print("within bounds" if within else "OUT OF BOUNDS")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
