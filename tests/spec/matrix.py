"""Case matrices over a small script, and what they leave, for the tests of this folder.

A matrix is `k.toml` over `base.toml` in one folder; the script reports the numbers of the table
`command.parameters.report`, as metrics of the same names. Nothing here knows the program.
"""

import csv
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from .lane import Said, mhx, read, tree

MODEL = '''\
"""Reports what its configuration says; misbehaves as its configuration says."""

import json
import os
import sys
import time
import tomllib

with open(sys.argv[1], "rb") as stream:
    parameters = tomllib.load(stream)["command"]["parameters"]
with open("started.txt", "a") as stream:
    stream.write("started\\n")
for _ in range(int(20 * parameters.get("seconds", 0))):
    time.sleep(0.05)
if "die" in parameters:
    os.kill(os.getpid(), parameters["die"])
if "say" in parameters:
    print(parameters["say"], file=sys.stderr)
if parameters.get("exit", 0):
    sys.exit(parameters["exit"])
report = {key: float(value) for key, value in parameters.get("report", {}).items()}
with open("metrics.json", "w") as stream:
    json.dump(report, stream)
'''

BASE = """\
[workflow]
mode = "command"
[command]
argv = ["{python}", "-S", "-E", "model.py", "{config}"]
inputs = ["model.py"]
metrics_json = "metrics.json"
[command.parameters.report]
a = 1.0
"""

HEAD = """\
workflow = { mode = "testbed" }
[testbed]
id = "k"
subject = "external"
base_config = "base.toml"
output_root = "out"
runner = { type = "command" }
execution = { backend = "inline" }
"""
"""Ends inside [testbed]: further keys of that table may follow."""

FLOW = """\
workflow = { mode = "simulation" }
domain = { kind = "rectangle", x0 = 0.0, y0 = 0.0, length_x = 400.0, length_y = 200.0 }
layers = { kind = "constant_thickness", thickness = 50.0 }
mesh = { kind = "structured", cell_x = 100.0, cell_y = 100.0 }
[topography]
kind = "plane"
base_elevation = 50.0
amplitude = 5.0
rises_to = "west"
anchor = "edges"
[[simulation.process]]
id = "mesh_main"
type = "mesh"
[[simulation.process]]
id = "flow_main"
type = "flow"
[flow]
regime = "steady"
formulation = { newton = false, xt3d = false, cell_type = "confined" }
param = { K = { value = 1e-5 } }
ic = { kind = "constant", value = 40.0 }
bc = [
  { id = "west", package = "chd", where = { side = "west" }, head = 45.0 },
  { id = "east", package = "chd", where = { side = "east" }, head = 40.0 },
]
"""

FLOW_HEAD = """\
workflow = { mode = "testbed" }
[testbed]
id = "k"
subject = "flow"
base_config = "base.toml"
output_root = "out"
"""


def write(folder: Path, text: str, base: str | None = BASE, **others: str) -> Path:
    """`k.toml`, `base.toml`, the script, and `others` (a double underscore is the dot)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "k.toml").write_text(text, encoding="utf-8")
    (folder / "model.py").write_text(MODEL, encoding="utf-8")
    if base is not None:
        (folder / "base.toml").write_text(base, encoding="utf-8")
    for name, content in others.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return folder / "k.toml"


def case(name: str, extra: str = "", /, **report: float) -> str:
    """One case by hand that reports `report`; `extra` = further lines of its table."""
    numbers = ", ".join(f"{key} = {value!r}" for key, value in report.items())
    overlay = f"overlay.command.parameters.report = {{ {numbers} }}\n" if report else ""
    return f'[[testbed.case]]\nid = "{name}"\n{extra}\n{overlay}'


def metric(name: str, extra: str = "required = true") -> str:
    return f'[[testbed.metric]]\nname = "{name}"\n{extra}\n'


def line_of(path: Path, mark: str) -> int:
    """The line of a file that ends with the comment `# mark`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"# {mark}")]
    return number


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream))


def by_id(path: Path) -> dict[str, dict[str, str]]:
    return {row["case_id"]: row for row in rows(path)}


def child(root: Path, slug: str) -> dict[str, Any]:
    return tomllib.loads((root / "_generated_configs" / f"{slug}.toml").read_text("utf-8"))


def started(root: Path) -> dict[str, int]:
    """How often the script was started per case."""
    return {
        path.parent.name: len(path.read_text().splitlines())
        for path in sorted((root / "cases").glob("*/started.txt"))
    }


def shell(*words: object, cwd: Path, **environ: str) -> Said:
    """The command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "mhx", *map(str, words)],
        cwd=cwd,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


__all__ = [
    "BASE",
    "FLOW",
    "FLOW_HEAD",
    "HEAD",
    "Said",
    "by_id",
    "case",
    "child",
    "header",
    "json",
    "line_of",
    "metric",
    "mhx",
    "read",
    "rows",
    "shell",
    "started",
    "tree",
    "write",
]
