"""Planning 10,000 cases, asking how they stand, and what the launcher does for each.

    python benchmarks/planning.py [CASES]       10000 unless given

Bounds: `mhx testbed plan` <= 15 s, `mhx testbed status` <= 1.5 s, both whole processes; the
launcher's own CPU time <= 3 ms for each case of a matrix whose runner is a function of four lines,
and for four times as many cases at most 1.2 times as much for each.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _record import record

BASE = Path(__file__).parents[1] / "examples" / "groundwater" / "flow_k_sensitivity_base.toml"
CASES = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
FEW = 500
PLAN = """
workflow = {{ mode = "testbed" }}
[testbed]
id = "{name}"
subject = "{subject}"
runner = {{ type = "{runner}" }}
base_config = "{base}"
execution = {{ jobs = 1 }}
axis = [{{ id = "K", keys = ["{key}"], values = {values} }}]
design = [{{ id = "K", kind = "grid", axes = ["K"], id_template = "k{{index:05d}}" }}]
"""
RUNNER = '''
"""A runner of four lines, as another distribution would bring it."""

from typing import Any

from mhx.config import Table
from mhx.runner import RunRequest, RunSummary
from mhx.workflow.registry import Registration


class Configuration(Table):
    """One number."""

    workflow: dict[str, Any]
    k: float = 1.0


def run(request: RunRequest) -> RunSummary:
    return RunSummary(metrics={"k": request.config["k"]})


ROWS = (
    Registration(
        subject="number", runner="fake", mode="fake", entry="fake_runner:run",
        config="fake_runner:Configuration", purpose="Answers at once.",
    ),
)
'''
TIMED = """
import resource, sys
from mhx.cli import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print("cpu_s", used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(code)
"""


def numbers(count: int) -> list[float]:
    return [1e-5 * (1 + i / count) for i in range(count)]


def seconds(words: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mhx", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def launcher_ms(folder: Path, count: int) -> float:
    """CPU time of the launcher itself [ms] for each case; the plan is in it."""
    file = folder / f"fake{count}.toml"
    file.write_text(
        PLAN.format(
            name=f"fake{count}",
            subject="number",
            runner="fake",
            base="fake_base.toml",
            key="k",
            values=numbers(count),
        )
    )
    done = subprocess.run(
        [sys.executable, "-c", TIMED, "run", str(file)],
        env={**os.environ, "PYTHONPATH": str(folder / "site")},
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = re.search(r"cpu_s ([0-9.]+)", done.stderr)
    if done.returncode or not found:
        raise SystemExit(done.stderr)
    return 1000 * float(found[1]) / count


def distribution(site: Path) -> None:
    """The fake runner as an installed package."""
    info = site / "fake_runner-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "fake_runner.py").write_text(RUNNER)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-runner\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mhx.runners]\nfake = fake_runner:ROWS\n")


def main() -> int:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shutil.copyfile(BASE, folder / "base.toml")
        file = folder / "large.toml"
        file.write_text(
            PLAN.format(
                name="large",
                subject="flow",
                runner="simulation",
                base="base.toml",
                key="flow.param.K.value",
                values=numbers(CASES),
            )
        )
        plan_s = seconds(["testbed", "plan", str(file)])
        status_s = seconds(["testbed", "status", str(folder / "testbed" / "large")])
        (folder / "fake_base.toml").write_text('workflow = { mode = "fake" }\nk = 1.0\n')
        distribution(folder / "site")
        few, many = (launcher_ms(folder, count) for count in (FEW, 4 * FEW))
    record(
        "planning",
        {"plan_s": plan_s, "status_s": status_s, "launcher_ms": few, "launcher_ms_4x": many},
        cases=CASES,
        launcher_cases=[FEW, 4 * FEW],
    )
    within = plan_s <= 15 and status_s <= 1.5 and many <= 3 and many <= 1.2 * few
    print("within bounds" if within else "OUT OF BOUNDS")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
