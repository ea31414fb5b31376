"""Between a simulation and the engines that solve it: what is asked, and what comes back.

An engine is a function of one `Task`; `FLOW` and `TRANSPORT` name it as text, so that only the one
that is used is imported.  Every engine answers in the same results, so that catalog, metrics,
gates, figures and comparisons do not ask who solved the model.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from mhx.groundwater.config import Simulation
from mhx.groundwater.engines import Engine
from mhx.groundwater.grid import Grid
from mhx.groundwater.model import FlowModel
from mhx.groundwater.results import FlowResult
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.transport.results import TransportResult

FLOW = {
    "mf6": "mhx.groundwater.mf6_flow:solve",
    "mfnwt": "mhx.groundwater.legacy.nwt:solve",
    "fem_p1": "mhx.groundwater.fem.flow:solve",
    "fem_p2": "mhx.groundwater.fem.flow:solve",
    "analytic": "mhx.groundwater.analytic.engine:solve",
}
"""Engine -> the function that solves flow."""
TRANSPORT = {
    "mf6": "mhx.groundwater.transport.gwt:solve",
    "mt3dusgs": "mhx.groundwater.legacy.mt3d:solve",
    "analytic": "mhx.groundwater.analytic.engine:solve_transport",
}
"""Engine -> the function that solves flow and transport."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One model to be solved.

    config: checked; grid, terrain: its mesh; site: key under which pieces of it are remembered.
    folder: where the engine writes its files; it exists and is the engine's alone.
    programs: name -> executable, those that `engines.NEEDS` names.  sim_id: identity of the run.
    """

    config: Simulation
    grid: Grid
    terrain: Terrain
    site: str
    folder: Path
    programs: Mapping[str, Engine]
    sim_id: str


@dataclass(frozen=True, kw_only=True)
class FlowRun:
    """Flow, solved.  notes: texts below `notes.flow.`; kept: names of input files in the folder."""

    model: FlowModel
    result: FlowResult
    notes: Mapping[str, str] = field(default_factory=dict)
    inputs: frozenset[str] = frozenset()
    listings: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class TransportRun:
    """Flow and transport, solved.  notes: texts below `notes.transport.`."""

    flow: FlowRun
    result: TransportResult
    notes: Mapping[str, str] = field(default_factory=dict)


def flow_engine(name: str) -> Callable[[Task], FlowRun]:
    """The function that solves flow with an engine."""
    return _named(FLOW[name])


def transport_engine(name: str) -> Callable[[Task], TransportRun]:
    """The function that solves flow and transport with an engine."""
    return _named(TRANSPORT[name])


def _named(entry: str) -> Any:
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)
