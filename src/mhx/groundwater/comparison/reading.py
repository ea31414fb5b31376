"""A finished run of one method, read from its folder alone, after every file of it was verified.

Heads m, rates m3/s, concentrations kg/m3, times days since the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import EvidenceError
from mhx.evidence.manifest import MANIFEST_NAME, read_manifest, verified
from mhx.evidence.schemas import RUN_SUMMARY, RUN_VALIDATION
from mhx.evidence.store import read_json
from mhx.groundwater import catalog
from mhx.groundwater.comparison.children import SUMMARY, Child
from mhx.groundwater.config import Simulation
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.meshfile import read_grid
from mhx.groundwater.results import FlowResult
from mhx.groundwater.transport.results import TransportResult

MESH, VALIDATION = "mesh", "validation.json"


@dataclass(frozen=True, kw_only=True)
class Solved:
    """What a method left.

    root: its run folder.  metrics: numbers of its summary, None where one is no number.
    open_gates: its own gates that did not pass.  solute: None without transport.
    """

    id: str
    label: str
    root: Path
    config: Simulation
    grid: Grid
    flow: FlowResult
    solute: TransportResult | None
    metrics: Mapping[str, float | None]
    notes: Mapping[str, str]
    open_gates: tuple[str, ...]
    digest: str

    @cached_property
    def saturation(self) -> Floats:
        """(s, n_layers, n) wet share of each cell; 1 where cells are confined, NaN where dry."""
        heads, bottoms = self.flow.heads, self.flow.bottoms
        tops = np.vstack([self.flow.top, bottoms[:-1]])
        if not self.flow.about["formulation"]["convertible"]:
            return np.where(np.isfinite(heads), 1.0, np.nan)
        share: Floats = np.clip((heads - bottoms) / (tops - bottoms), 0.0, 1.0)
        return share

    @property
    def wall_s(self) -> float:
        """Wall clock of the run [s]."""
        return float(self.notes.get("wall_time_seconds", "nan"))

    @property
    def end_d(self) -> float:
        """When the simulation ends [d]."""
        times = self.flow.time_d if self.solute is None else self.solute.time_d
        return float(times[-1])


def read(child: Child, root: Path) -> Solved:
    """The run of a child; EvidenceError where its files are altered or not those of a flow run."""
    report = verified(root)
    if report.problems:
        told = "".join(f"\n  {problem}" for problem in report.problems)
        raise EvidenceError(f"{root} is not as it was recorded:{told}")
    summary: Any = read_json(root / SUMMARY, RUN_SUMMARY)
    return Solved(
        id=child.id,
        label=child.label,
        root=root,
        config=child.config,
        grid=read_grid(root / MESH),
        flow=catalog.reopen(root),
        solute=_solute(child.config, root),
        metrics=summary["metrics"],
        notes=summary["notes"],
        open_gates=_open_gates(root),
        digest=read_manifest(root / MANIFEST_NAME)["digest"],
    )


def _solute(config: Simulation, root: Path) -> TransportResult | None:
    if not config.runs("transport"):
        return None
    results = import_module("mhx.groundwater.transport.catalog")
    found: TransportResult = results.reopen(root)
    return found


def _open_gates(root: Path) -> tuple[str, ...]:
    if not (root / VALIDATION).is_file():
        return ()
    checks: Mapping[str, bool] = read_json(root / VALIDATION, RUN_VALIDATION)["checks"]
    return tuple(name for name, passed in checks.items() if not passed)
