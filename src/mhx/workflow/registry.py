"""The one table of what can run; everything else about runners is a view of it.

Runners and configuration tables are named as text and imported when one is needed, so that this
layer never sees a solver.  Other distributions add rows under the entry-point group `mhx.runners`.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from mhx.config import Table
from mhx.errors import ConfigError, EngineMissing
from mhx.runner import Runner

GROUP = "mhx.runners"


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One thing that can run.

    subject, runner: the pair a testbed names; None where it is not for testbeds.
    mode: `[workflow] mode` of an ordinary configuration.
    entry: "module:function" of the Runner; config: "module:Table" that checks a configuration.
    purpose: one line for the manual; extra: the extra of the package that brings what it imports.
    metrics: "module:VOCABULARY", what its runs report; empty: anything.
    columns: what testbed_cases.csv holds of its runs besides the common columns.
    defaults: metrics of a testbed that declares none; empty: all that is reported.
    child_defaults: what a child of a testbed gets where neither base nor overlay sets the key.
    code: packages whose source files enter the digest of a case.
    identity: "module:function", a configuration -> names and digests of the executables it uses.
    """

    subject: str | None
    runner: str | None
    mode: str
    entry: str
    config: str
    purpose: str
    extra: str = ""
    metrics: str = ""
    columns: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    child_defaults: Mapping[str, Any] = field(default_factory=dict)
    code: tuple[str, ...] = ()
    identity: str = ""


_SIMULATION = {
    "runner": "simulation",
    "mode": "simulation",
    "entry": "mhx.groundwater.simulation:run",
    "config": "mhx.groundwater.config:Simulation",
    "extra": "groundwater",
    "metrics": "mhx.groundwater.vocabulary:VOCABULARY",
    "columns": (
        *("mode", "name", "sim_id", "run_id", "wall_time_seconds", "catalog", "mass_balance"),
        *("flow_metrics", "output_mesh", "output_summary_json", "output_figure"),
    ),
    "child_defaults": {"output": {"figures": False}},
    "code": ("mhx.groundwater",),
    "identity": "mhx.groundwater.engines:identity",
}

BUILT_IN = (
    Registration(
        subject="mesh",
        purpose="Meshes: resolution ladders, constraints, conformity.",
        **_SIMULATION,
    ),
    Registration(
        subject="flow",
        purpose="Groundwater flow: parameter sensitivity, boundary conditions, solver options.",
        **_SIMULATION,
    ),
    Registration(
        subject="reconnection",
        runner="reduced_mhd",
        mode="reconnection",
        entry="mhx.reconnection.run:run",
        config="mhx.reconnection.config:Reconnection",
        purpose="Two-dimensional reduced MHD in a periodic box: convergence, seeds, sweeps.",
        extra="reconnection",
        code=("mhx.reconnection",),
    ),
    Registration(
        subject="external",
        runner="command",
        mode="command",
        entry="mhx.workflow.command:run",
        config="mhx.workflow.command:Command",
        purpose="Any executable; its metrics come from a JSON file that it writes.",
        code=("mhx.workflow",),
    ),
    Registration(
        subject=None,
        runner=None,
        mode="testbed",
        entry="mhx.testbed.launcher:run",
        config="mhx.testbed.config:TestbedFile",
        purpose="A matrix of cases over one base configuration, each an ordinary run.",
    ),
)


@cache
def rows() -> tuple[Registration, ...]:
    """Built-in rows, then those of installed packages; one that cannot be loaded is left out."""
    return (*BUILT_IN, *(row for point in entry_points(group=GROUP) for row in _published(point)))


def modes() -> tuple[str, ...]:
    """Every mode that a configuration may name."""
    return tuple(dict.fromkeys(row.mode for row in rows()))


def row_of(mode: str, where: str = "workflow.mode") -> Registration:
    """The row that carries out a mode; ConfigError names the known ones."""
    for row in rows():
        if row.mode == mode:
            return row
    close = difflib.get_close_matches(mode, modes(), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    known = " or ".join(repr(name) for name in modes())
    raise ConfigError(f"{where} must be {known}, got {mode!r}{hint}")


def runner_of(row: Registration) -> Runner:
    """The function behind a row, imported now."""
    found: Callable[..., Any] = _resolved(row.entry, row)
    return found


def table_of(row: Registration) -> type[Table]:
    """The configuration table of a row, imported now."""
    found: type[Table] = _resolved(row.config, row)
    return found


def _published(point: Any) -> tuple[Registration, ...]:
    try:
        found = tuple(point.load())
    except (ImportError, AttributeError, TypeError):
        return ()
    known = {row.mode: row for row in BUILT_IN}
    return tuple(
        row
        for row in found
        if isinstance(row, Registration)
        and (row.mode not in known or known[row.mode].entry == row.entry)
    )


def _resolved(entry: str, row: Registration) -> Any:
    module, _, name = entry.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] == "mhx":
            raise  # a mistake of ours, not a missing package
        extra = f"; install it with: pip install 'mhx[{row.extra}]'" if row.extra else ""
        raise EngineMissing(
            f"mode {row.mode!r} needs the Python package {missing!r}, which is not installed{extra}"
        ) from error


_VIEWS: dict[str, Callable[[], Any]] = {
    "SUPPORTED_SUBJECTS": lambda: tuple(dict.fromkeys(r.subject for r in rows() if r.subject)),
    "SUPPORTED_RUNNERS": lambda: tuple(dict.fromkeys(r.runner for r in rows() if r.runner)),
    "SUPPORTED_SUBJECT_RUNNERS": lambda: tuple((r.subject, r.runner) for r in rows() if r.subject),
    "RUNNER_WORKFLOWS": lambda: {r.runner: r.mode for r in rows() if r.runner},
}


def __getattr__(name: str) -> Any:
    """Views of the table, made when asked for: no installed package is loaded before."""
    if name in _VIEWS:
        return _VIEWS[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
