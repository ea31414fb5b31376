"""A MODFLOW 6 model written by hand, for the tests of this folder: nothing here knows the program.

Two confined layers of 10 m, each a row of 5 cells of 100 m; 10 m in the west, 5 m in the east (4 m
in the second period).  Every layer carries K * 10 m * 100 m * 5 m / 400 m = 12.5 m3/d at K = 1 m/d.
"""

import os
from pathlib import Path

from .matrix import mhx, read

FILES = {
    "mfsim.nam": """\
begin options
end options
begin timing
  tdis6 m.tdis
end timing
begin models
  gwf6 g.nam g
end models
begin exchanges
end exchanges
begin solutiongroup 1
  ims6 m.ims g
end solutiongroup
""",
    "m.tdis": """\
begin options
  time_units days
  start_date_time 2020-01-01
end options
begin dimensions
  nper 2
end dimensions
begin perioddata
  1.0 1 1.0
  10.0 2 1.0   # perlen, nstp, tsmult
end perioddata
""",
    "m.ims": """\
begin nonlinear
  outer_dvclose 1e-9
end nonlinear
begin linear
  inner_dvclose 1e-10
end linear
""",
    "g.nam": """\
begin options
  save_flows
end options
begin packages
  dis6 g.dis dis
  ic6 g.ic ic
  npf6 g.npf npf
  chd6 west.chd west
  chd6 east.chd east
  oc6 g.oc oc
end packages
""",
    "g.dis": """\
begin options
  length_units meters
end options
begin dimensions
  nlay 2
  nrow 1
  ncol 5
end dimensions
begin griddata
  delr
    constant 100.0
  delc
    constant 100.0
  top
    constant 20.0
  botm layered
    constant 10.0
    constant 0.0
end griddata
""",
    "g.ic": "begin options\nend options\nbegin griddata\n  strt\n    constant 8.0\nend griddata\n",
    "g.npf": """\
# a comment that stays
begin options
end options
begin griddata
  icelltype
    constant 0
  k layered
    constant 1.0
    open/close k2.txt
end griddata
""",
    "k2.txt": "1.0 1.0 1.0 1.0 1.0\n",
    "west.chd": """\
begin options
  auxiliary conc
  boundnames
end options
begin dimensions
  maxbound 2
end dimensions
begin period 1
  1 1 1 10.0 3.0 upper
  2 1 1 10.0 3.0 lower
end period
""",
    "east.chd": """\
begin options
end options
begin dimensions
  maxbound 2
end dimensions
begin period 1
  1 1 5 5.0
  2 1 5 5.0
end period
begin period 2
  1 1 5 4.0
  2 1 5 4.0
end period
""",
    "g.oc": """\
begin options
  head fileout g.hds
  budget fileout g.cbc
end options
begin period 1
  save head all
  save budget all
end period
""",
}

SIMULATION = """\
[workflow]
mode = "simulation"
[model]
path = "m"
[output]
figures = false
[[simulation.process]]
id = "flow_main"
type = "flow"
"""

PER_LAYER = 12.5
"""m3/d that one layer carries at K = 1 m/d for 5 m of head."""


def model(folder: Path, **others: str | None) -> Path:
    """The files in `folder`/m; `others` replace some (a double underscore is the dot)."""
    root = folder / "m"
    root.mkdir(parents=True, exist_ok=True)
    changed = {name.replace("__", "."): text for name, text in others.items()}
    for name, text in (FILES | changed).items():
        if text is not None:
            (root / name).write_text(text, encoding="utf-8")
    return root


def wrote(folder: Path, more: str = "", head: str = SIMULATION) -> Path:
    if not (folder / "m").exists():
        model(folder)
    (folder / "k.toml").write_text(head + more, encoding="utf-8")
    return folder / "k.toml"


def ran(folder: Path, more: str = "", code: int = 0, head: str = SIMULATION) -> Path:
    said = mhx("run", wrote(folder, more, head), "--output-dir", folder / "run")
    assert said.code == code, said.text
    return folder / "run"


def refused(folder: Path, more: str = "", head: str = SIMULATION) -> str:
    """What is said on stderr; nothing may be written."""
    path = wrote(folder, more, head)
    said = mhx("run", path, "--output-dir", folder / "run", "--dry-run")
    assert said.code == 2, said.text
    assert not (folder / "run").exists()
    return said.err


def metrics(run: Path) -> dict[str, float]:
    return read(run / "run_summary.json")["metrics"]


def passed(run: Path) -> float:
    """m3/d that passed in the last step."""
    return 86400.0 * metrics(run)["flow_metrics.budget_chd_rate_in_m3_s"]


def inodes(folder: Path) -> dict[str, int]:
    return {path.name: os.stat(path).st_ino for path in folder.iterdir() if path.is_file()}
