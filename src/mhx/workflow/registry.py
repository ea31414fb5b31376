"""The one table of what can run; everything else about runners is a view of it.

Runners, configuration tables and vocabularies are named as text and imported when one is needed,
so that this layer never sees a solver.  Other distributions publish tuples of rows under the
entry-point group `mhx.runners`; one that cannot be loaded, or that claims a mode, a runner or a
pair for something else than it stands for already, is left out, and `problems` says why.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from mhx.config import Table
from mhx.errors import ConfigError, EngineMissing
from mhx.evidence.metrics import Vocabulary
from mhx.runner import Runner

GROUP = "mhx.runners"
_NAMED = re.compile(r"[\w.]+:\w+")


@dataclass(frozen=True)
class Registration:
    """One thing that can run; the first six may be given by place, in this order.

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
    before: "module:function", what a testbed does once before its first case starts:
        f(config, folder, done) -> str.  config: of one case, input paths absolute.  folder: its
        own, empty; it is kept only where an MhxError says why no case is worth starting.  done:
        what it answered before in this testbed.  The answer is the digest of what was looked at,
        found in `done` or tried now; "" where there is nothing to look at.
    """

    subject: str | None
    runner: str | None
    mode: str
    entry: str
    config: str
    purpose: str
    _: KW_ONLY
    extra: str = ""
    metrics: str = ""
    columns: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    child_defaults: Mapping[str, Any] = field(default_factory=dict)
    code: tuple[str, ...] = ()
    identity: str = ""
    before: str = ""


_SIMULATION: Mapping[str, Any] = {
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
    "before": "mhx.groundwater.existing.before:before",
}
_COMPARISON: Mapping[str, Any] = {
    "runner": "comparison",
    "mode": "comparison",
    "entry": "mhx.groundwater.comparison.run:run",
    "config": "mhx.groundwater.comparison.config:Comparison",
    "extra": "groundwater",
    "metrics": "mhx.groundwater.comparison.vocabulary:VOCABULARY",
    "columns": (
        *("mode", "comparison_id", "comparison_root", "comparison_web_report"),
        *("comparison_report_md", "comparison_metrics_csv", "comparison_differences_csv"),
        *("comparison_metrics_json", "comparison_audit_json", "comparison_audit_md"),
        *("comparison_figures_dir", "observables_csv", "reference_simulation", "audit_status"),
        *("manifest_path", "n_observable_rows", "n_metric_rows", "n_difference_rows"),
        "wall_time_seconds",
    ),
    "defaults": (
        *("comparison_id", "audit_status", "n_metric_rows", "n_difference_rows"),
        *("closure_max_abs_m3_s", "closure_max_abs_mm_d", "closure_relative_error_p95"),
        "closure_status_code",
    ),
    "code": ("mhx.groundwater",),
    "identity": "mhx.groundwater.comparison.identity:identity",
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
        subject="flow",
        purpose="One flow case by several methods, held against one of them.",
        **_COMPARISON,
    ),
    Registration(
        subject="transport",
        purpose="Solute transport: parameter sensitivity, robustness of schemes.",
        **_SIMULATION,
    ),
    Registration(
        subject="transport",
        purpose="One transport case by several methods, held against one of them.",
        **_COMPARISON,
    ),
    Registration(
        subject="reconnection",
        runner="reduced_mhd",
        mode="reconnection",
        entry="mhx.reconnection.run:run",
        config="mhx.reconnection.config:Reconnection",
        purpose="Two-dimensional reduced MHD in a periodic box: convergence, seeds, sweeps.",
        extra="reconnection",
        metrics="mhx.reconnection.vocabulary:VOCABULARY",
        child_defaults={"diagnostics": {"figures": False}},
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
        identity="mhx.workflow.command:identity",
    ),
    Registration(
        subject=None,
        runner=None,
        mode="testbed",
        entry="mhx.testbed.launcher:run_testbed",  # of a file: it is no runner, and never nested
        config="mhx.testbed.config:TestbedFile",
        purpose="A matrix of cases over one base configuration, each an ordinary run.",
    ),
)


OURS = "mhx"
_FAULTS_OF_A_PLUGIN = (  # what importing somebody else's module may end in
    *(ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError, LookupError),
    *(OSError, RuntimeError, AssertionError, ArithmeticError),
)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a published row, or all of an entry point, is left out."""

    origin: str
    entry_point: str
    reason: str


@cache
def rows() -> tuple[Registration, ...]:
    """Built-in rows, then those of installed packages; one that cannot be used is left out."""
    return tuple(row for row, _ in _found()[0])


def origins() -> tuple[tuple[Registration, str], ...]:
    """Every row with the package that brings it, name and version; ours is "mhx"."""
    return tuple(_found()[0])


def problems() -> tuple[Problem, ...]:
    """What installed packages publish and cannot be used, in the order in which it was met."""
    return tuple(_found()[1])


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
    """The configuration table of a row, imported now.

    ConfigError: what the row names is no `mhx.config.Table`.
    """
    found = _resolved(row.config, row)
    if not (isinstance(found, type) and issubclass(found, Table)):
        raise ConfigError(
            f"mode {row.mode!r} cannot be checked: {row.config} does not extend mhx.config.Table"
        )
    return found


def vocabulary_of(row: Registration) -> Vocabulary | None:
    """What the runs of a row report, imported now; None where the row does not say."""
    found: Vocabulary | None = _resolved(row.metrics, row) if row.metrics else None
    return found


def _found() -> tuple[list[tuple[Registration, str]], list[Problem]]:
    """Rows with their origin, and what was left out."""
    found = [(row, OURS) for row in BUILT_IN]
    left_out = []
    for point in entry_points(group=GROUP):
        origin = _origin(point)
        try:
            published = tuple(point.load())
        except _FAULTS_OF_A_PLUGIN as error:
            left_out.append(_problem(point, f"{type(error).__name__}: {error}"))
            continue
        for row in published:
            if reason := next(_reasons(row, found), None):
                left_out.append(_problem(point, reason))
            else:
                found.append((row, origin))
    return found, left_out


def _origin(point: Any) -> str:
    package = getattr(point, "dist", None)
    return f"{package.name} {package.version}" if package else "a package without a name"


def _problem(point: Any, reason: str) -> Problem:
    return Problem(origin=_origin(point), entry_point=getattr(point, "value", "?"), reason=reason)


def _reasons(row: Any, found: Iterable[tuple[Registration, str]]) -> Iterator[str]:
    """Why a published row cannot stand beside those found so far."""
    if not isinstance(row, Registration):
        yield f"a row must be a Registration, got {row!r}"
        return
    if (row.subject is None) != (row.runner is None):
        yield f"the row of mode {row.mode!r} names a subject or a runner, but not both"
    asked = [key for key in ("metrics", "identity", "before") if getattr(row, key)]
    for key in ("entry", "config", *asked):
        if not _NAMED.fullmatch(value := getattr(row, key)):
            yield f'the row of mode {row.mode!r}: {key} must be "module:name", got {value!r}'
    for other, whose in found:
        if row.mode == other.mode and (row.entry, row.config) != (other.entry, other.config):
            yield f"mode {row.mode!r} is that of {whose} already, carried out by {other.entry}"
        if row.runner and row.runner == other.runner and row.mode != other.mode:
            yield f"runner {row.runner!r} stands for mode {other.mode!r} of {whose} already"
        if row.subject and (row.subject, row.runner) == (other.subject, other.runner):
            yield f"the pair ({row.subject}, {row.runner}) is that of {whose} already"


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


def _pairs() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in rows():
        if row.subject and row.runner:
            found[row.subject] = (*found.get(row.subject, ()), row.runner)
    return found


_VIEWS: dict[str, Callable[[], Any]] = {
    "SUPPORTED_SUBJECTS": lambda: tuple(dict.fromkeys(r.subject for r in rows() if r.subject)),
    "SUPPORTED_RUNNERS": lambda: tuple(dict.fromkeys(r.runner for r in rows() if r.runner)),
    "SUPPORTED_SUBJECT_RUNNERS": _pairs,
    "RUNNER_WORKFLOWS": lambda: {r.runner: r.mode for r in rows() if r.runner},
    "DEFAULT_RUNNER_METRICS": lambda: {r.runner: r.defaults for r in rows() if r.runner},
}
VIEWS = tuple(_VIEWS)


def __getattr__(name: str) -> Any:
    """Views of the table, made when asked for: no installed package is loaded before."""
    if name in _VIEWS:
        return _VIEWS[name]()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
