"""A groundwater flow model as numbers: what the writer, flopy and the results read alike.

Conventions: metres; values of packages are in MODFLOW's time unit (`time_unit`, days unless asked),
so that both writers get the same numbers; everything named `_m3_s` or `_d` is what its name says.
Arrays over cells are (n,), over layers and cells (n_layers, n).  A node is layer * n + cell; all
ids count from 0, MODFLOW's from 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mhx.groundwater.grid import Floats, Grid, Ids
from mhx.groundwater.units import DAY

NAME = "flow"
"""Name of the model, and of all its files before the dot."""


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """One boundary condition or source in the grid.

    package: chd, drn, riv, ghb, rcha, wel or evt.  name: what the budget file calls it.
    cells, layers: (k,) where it acts.
    values: MODFLOW's columns in their order (chd: head; drn: elev, cond; riv: stage, cond, rbot;
        ghb: bhead, cond; wel: q; evt: surface, rate, depth; rcha: recharge; of transport cnc: conc;
        src: smassrate), each (n_periods, k).
    concentration: (n_periods, k) kg/m3 of the water that enters; None: it carries nothing.  Flow
        does not read it.
    """

    id: str
    package: str
    name: str
    cells: Ids
    layers: Ids
    values: Mapping[str, Floats]
    concentration: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Period:
    """One stress period; length in MODFLOW's time unit."""

    length: float
    steps: int
    multiplier: float


@dataclass(frozen=True, kw_only=True)
class Ims:
    """Settings of the solver; None: the preset's."""

    complexity: str
    linear_acceleration: str
    outer_dvclose: float
    inner_dvclose: float
    outer_maximum: int
    inner_maximum: int
    rclose: float | None
    rclose_option: str
    relaxation_factor: float | None


@dataclass(frozen=True, kw_only=True)
class FlowModel:
    """Everything that MODFLOW 6 is told.

    properties: k, k22, k33, angle1, ss, sy as far as declared, each (n_layers, n).
    strt: (n_layers, n) heads at the start.
    parameters: param_K -> SI value; zoned: param_K_<zone>.
    formulation: newton, under_relaxation, xt3d, convertible, each 0 or 1.
    fixed_cells: nodes whose head is fixed, ascending.
    recharge_nominal_m3_s: rate times area over all its cells, last period.
    files: name -> content of every input file in mf6/, the model's own writer's.
    """

    grid: Grid
    top: Floats
    bottoms: Floats
    properties: Mapping[str, Floats]
    strt: Floats
    boundaries: Mapping[str, Boundary]
    regime: Literal["steady", "transient"]
    periods: tuple[Period, ...]
    start: str | None
    time_unit: Literal["days", "seconds"]
    formulation: Mapping[str, int]
    ims: Ims
    save: Literal["all", "last"]
    save_flow_ja: bool
    write_grb: bool
    parameters: Mapping[str, float]
    recharge_nominal_m3_s: float
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return self.bottoms.shape[0]

    @property
    def seconds(self) -> float:
        """Seconds in MODFLOW's time unit: rates of its files over this are rates per second."""
        return DAY if self.time_unit == "days" else 1.0

    @property
    def days(self) -> float:
        """Days in MODFLOW's time unit: times of its files times this are days."""
        return self.seconds / DAY

    @property
    def period_lengths_d(self) -> tuple[float, ...]:
        """Lengths of the stress periods [d]."""
        return tuple(period.length * self.days for period in self.periods)

    @property
    def step_ends_d(self) -> tuple[tuple[int, int, float], ...]:
        """Stress period and time step, from 1, and days since start at its end, of every step."""
        found, began = [], 0.0
        for number, period in enumerate(self.periods, start=1):
            lengths = period.multiplier ** np.arange(period.steps)
            ends = began + np.cumsum(lengths) * (period.length * self.days / lengths.sum())
            began += period.length * self.days
            found += [(number, step, float(end)) for step, end in enumerate(ends, start=1)]
        return tuple(found)

    @property
    def fixed_cells(self) -> Ids:
        """Nodes with a fixed head, ascending."""
        fixed = [nodes(b, self.grid.n_cells) for b in self.boundaries.values() if b.package == CHD]
        return np.unique(np.concatenate(fixed)) if fixed else np.empty(0, np.int64)


CHD = "chd"


def nodes(boundary: Boundary, n_cells: int) -> Ids:
    """(k,) nodes that a boundary acts on."""
    return boundary.layers * n_cells + boundary.cells
