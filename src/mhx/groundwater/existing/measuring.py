"""Measured heads and flows beside those of somebody else's model.

Coordinates of a point are in metres, in the system of the model's own offset and rotation.  Flows
are named by package, or by what else the budget tells of (`sto-ss`, `gwf-gwf_1`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.config import Simulation
from mhx.groundwater.existing import blocks
from mhx.groundwater.existing.copying import Materialised
from mhx.groundwater.existing.reading import Part
from mhx.groundwater.existing.results import ModelRun
from mhx.groundwater.existing.values import package_array
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.measured.rows import Scope
from mhx.groundwater.measured.simulated import Locate, Pair, Simulated, net_rates, simulated_of
from mhx.groundwater.measured.telling import pairs_of
from mhx.groundwater.measured.telling import tell as tell_measured
from mhx.groundwater.polygons import holding
from mhx.groundwater.told import Told


def tell(
    told: Told, config: Simulation, made: Materialised, runs: Sequence[ModelRun], root: Path
) -> None:
    """Residuals of every `[[observation]]`; ConfigError: a place or moment that the run has not."""
    models = {run.name: _simulated(made, run) for run in runs}
    tell_measured(told, config.observation, models, root, figure=config.output.figures)


def compared(config: Simulation, made: Materialised, runs: Sequence[ModelRun]) -> list[Pair]:
    """Measured beside simulated values; ConfigError as `tell`, and nothing is written."""
    models = {run.name: _simulated(made, run) for run in runs}
    return pairs_of(config.observation, models)


def _simulated(made: Materialised, run: ModelRun) -> Simulated:
    result = run.result
    scope = Scope(
        boundaries=(),
        kind="a package",
        steady=result.about["regime"] == "steady",
        start=result.about["start"],
        start_key="START_DATE_TIME of the model's TDIS",
    )
    rates = net_rates(result)
    for row in result.budget:
        if not row.boundary:
            rate = rates.setdefault(row.component, np.zeros(result.saved))
            if row.component not in result.about["boundaries"]:
                rate[row.saved] += row.rate_in - row.rate_out
    return simulated_of(result, scope, _locate(run), _start(made, run), rates)


def _locate(run: ModelRun) -> Locate:
    def cell_at(points: Floats) -> Ids:
        grid = run.grid.grid
        if grid is None:
            raise ConfigError(
                f"observation: the grid of {run.name} has no vertices, so that x and y find no "
                "cell; name the node by cell, from 0"
            )
        return holding(grid, points)

    return cell_at


def _start(made: Materialised, run: ModelRun) -> Floats | None:
    """Heads at time 0; None where the first period is steady: its heads hold from the start on."""
    if run.result.about["regime"] == "steady" or _starts_steady(run.part):
        return None
    found = package_array(made.own, run.part, "ic", "strt")
    return None if found is None else found * run.measures.length


def _starts_steady(part: Part) -> bool:
    """Whether the first stress period stores no water."""
    storage = part.package("sto")
    if storage is None:
        return True
    source = blocks.read(storage.file)
    first = next((block for block in source.blocks if block.period == 1), None)
    return any(line.split()[0].upper() == "STEADY-STATE" for line in source.inside(first))
