"""A runner of a few lines, published by a distribution of its own, as a third party would.

It answers from its own configuration and can be told to fail in every way that a run can.  It lies
on PYTHONPATH, so that worker processes and commands started by tests see it, too.
"""

import csv
import importlib
import json
import os
import sys
import textwrap

import pytest

from mhx.testbed.files.rows import VOLATILE
from mhx.testbed.records import CASES, CHECKS, MANIFEST, METRICS
from mhx.testbed.running.journal import PLAN
from mhx.workflow import registry

MODULE = '''
"""The runner of the tests."""
import ctypes, os, signal, sys, time
from pathlib import Path
from pydantic import Field
from mhx.config import InputPath, Table
from mhx.errors import SolverError
from mhx.evidence.gates import Gate, judge_all, validation_document
from mhx.evidence.metrics import Metric, Vocabulary
from mhx.evidence.schemas import RUN_VALIDATION
from mhx.evidence.store import write_bytes, write_json
from mhx.runner import RunSummary
from mhx.workflow.registry import Registration

class Workflow(Table):
    mode: str = "probe"
    name: str | None = None
    output_dir: str | None = None

class Probe(Table):
    """What the probe measures, and how it fails."""
    k: float = Field(1.0, description="conductivity [m/s]")
    limit: float = Field(1e9, description="bound of its gate [m]")
    wait_s: float = Field(0.0, description="how long it takes [s]")
    fault: str = ""
    nodes: InputPath | None = None

class Configuration(Table):
    workflow: Workflow = Workflow()
    probe: Probe = Probe()

VOCABULARY = Vocabulary([
    Metric("probe.head_m", "m", "one over k"),
    Metric("probe.k", "m/s", "as given"),
    Metric("probe.duration_s", "s", "time taken", "duration"),
], closed=False)

def run(request):
    """Answer from the configuration."""
    asked = request.config["probe"]
    started = time.perf_counter()
    trace = os.environ.get("PROBE_TRACE")
    if trace:
        with open(trace, "a") as stream:
            stream.write(f"{asked['k']}\\n")
    if asked["wait_s"]:
        time.sleep(asked["wait_s"])
    trouble = os.environ.get("PROBE_TROUBLE")  # a file: without it there are no faults
    fault = asked["fault"] if trouble is None or os.path.exists(trouble) else ""
    match fault:
        case "solver": raise SolverError("the probe did not converge")
        case "bug": raise ZeroDivisionError("division by zero")
        case "killed": os.kill(os.getpid(), signal.SIGKILL)
        case "aborts": os.abort()
        case "crashes": ctypes.string_at(0)
        case "leaves": os._exit(7)
        case "fills":
            with open(request.output_dir / "big.bin", "wb") as stream:
                while True: stream.write(bytes(2**16))
        case "hang": time.sleep(600)
        case "waits":
            while not os.path.exists(os.environ["PROBE_GO"]): time.sleep(0.01)
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
    head = 1.0 / asked["k"]
    metrics = {"probe.head_m": head, "probe.k": asked["k"],
               "probe.duration_s": time.perf_counter() - started}
    if fault == "nan": metrics["probe.head_m"] = float("nan")
    if fault == "missing": del metrics["probe.head_m"]
    write_bytes(request.output_dir / "head.csv", f"head_m\\n{head!r}\\n".encode())
    gate = Gate(name="low enough", metric="probe.head_m", high=asked["limit"], reason="it floods")
    results = judge_all([gate], {"probe.head_m": head})
    write_json(request.output_dir / "validation.json",
               validation_document(RUN_VALIDATION, results, {}))
    return RunSummary(metrics=metrics, notes={"probe_id": f"p{asked['k']:g}", "table": "head.csv"},
                      artifacts=("head.csv",))

ROWS = (Registration(subject="probe", runner="probe", mode="probe", entry="mhx_probe:run",
                     config="mhx_probe:Configuration", purpose="Tests.",
                     metrics="mhx_probe:VOCABULARY", columns=("mode", "probe_id", "table", "probe"),
                     code=("mhx_probe",)),)
'''

BASE = """
[workflow]
mode = "probe"
[probe]
k = 1.0
"""

THREE = """
[workflow]
mode = "testbed"
[testbed]
subject = "probe"
runner = { type = "probe" }
base_config = "base.toml"
axis = [{ id = "K", unit = "m/s", keys = ["probe.k"], values = [1.0, 2.0, 4.0] }]
design = [{ id = "line", kind = "grid", axes = ["K"] }]
metric = [
  { name = "head", source = "probe.head_m", required = true },
  { name = "took", source = "probe.duration_s" },
]
[[testbed.check]]
id = "falls"
kind = "monotonic"
metric = "head"
axis = "K"
direction = "decreasing"
reason = "a larger conductivity lowers the head"
"""


def published(folder):
    """Write the distribution into a folder."""
    (folder / "mhx_probe.py").write_text(textwrap.dedent(MODULE))
    info = folder / "mhx_probe-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mhx-probe\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mhx.runners]\nprobe = mhx_probe:ROWS\n")


@pytest.fixture(scope="session")
def distribution(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    published(folder)
    return folder


@pytest.fixture
def probe(distribution, monkeypatch):
    """The subject, runner and mode "probe", here and in processes that a test starts."""
    monkeypatch.syspath_prepend(str(distribution))
    paths = [str(distribution), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    importlib.invalidate_caches()
    registry.rows.cache_clear()
    yield distribution
    registry.rows.cache_clear()
    sys.modules.pop("mhx_probe", None)


@pytest.fixture
def file(tmp_path, probe):
    """Write a testbed file beside its base; three cases along K unless told otherwise."""

    def write(text=THREE, base=BASE, *, name="k.toml", extra="", execution="", **changes):
        (tmp_path / "base.toml").write_text(base)
        for key, (old, new) in changes.items():
            assert old in text, key
            text = text.replace(old, new)
        if execution:
            text = text.replace("[testbed]\n", f"[testbed]\nexecution = {{ {execution} }}\n")
        path = tmp_path / name
        path.write_text(text + extra)
        return path

    return write


class Comparison:
    """Evidence as it may be compared: without what is volatile."""

    @staticmethod
    def rows(root, name):
        with (root / name).open(newline="") as stream:
            return list(csv.DictReader(stream))

    def __call__(self, root):
        volatile = VOLATILE | {"took", "summary_sha256"}
        tables = [
            [{k: v for k, v in row.items() if k not in volatile} for row in self.rows(root, name)]
            for name in (CASES, METRICS, CHECKS)
        ]
        plan, manifest = (json.loads((root / name).read_text()) for name in (PLAN, MANIFEST))
        return tables, manifest["digest"], plan["plan_digest"]


@pytest.fixture(scope="session")
def compared():
    return Comparison()
