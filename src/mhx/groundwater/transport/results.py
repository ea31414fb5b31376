"""What a finished transport run left, whoever solved it: concentrations, solute budget, velocities.

Concentrations kg/m3, masses kg, rates kg/s, times days since the start, distances m.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mhx.groundwater.grid import Flags, Floats, Ids
from mhx.groundwater.results import BudgetRow, FlowResult
from mhx.groundwater.transport.model import TransportModel


@dataclass(frozen=True, kw_only=True)
class Connections:
    """Water between neighbouring cells of the flow field, one row per pair.

    one, other: (m,) nodes (layer * n + cell).  rate: (s, m) m3/s from `one` to `other`.
    area: (s, m) wetted face [m2].  distance: (m,) between the centres [m].  lateral: (m,) False for
    a connection of two layers.
    """

    one: Ids
    other: Ids
    rate: Floats
    area: Floats
    distance: Floats
    lateral: Flags


@dataclass(frozen=True, kw_only=True)
class TransportResult:
    """Everything that the metrics are made of.

    time_d, length_d: (s,) end of the saved steps, and time since the one saved before.
    concentration: (s, n_layers, n) kg/m3, NaN where the cell is dry or inactive.
    start: (n_layers, n) at time 0.  held: nodes whose concentration is held: budgets do not count
    what they store, so a balance of masses leaves them out.
    pore_volume: (s, n_layers, n) m3 of mobile water.  sorbing: (n_layers, n) m3 of water that would
    hold what is sorbed, bulk density * kd * volume; 0 without sorption.
    budget: rates in kg/s per component and boundary, means over `length_d`, so that they add up to
    masses whatever was saved.  In is into the moving water: `storage` in is released from it, and
    `decay` and `sorption` are components, too.
    connections: of the flow field, None where the engine has none.
    fields: `outflow` (s, n_layers, n) m3/s, all water that leaves a cell, through its faces and to
    boundaries: what the Courant number is made of; with transient flow `start_volume`
    (n_layers, n) m3 of mobile water at time 0.
    observed: id -> (all steps,) kg/m3 at every time step; steps_d: (all steps,) when each ended.
    converged: (all steps,) per time step.  percent: (all steps, 2) percent discrepancy of step and
    cumulative, NaN where the engine does not tell.
    about: what else the catalog holds: duration_s, parameters (param_porosity...), scheme
    (upstream, central, tvd as 0/1), source_concentration (the largest that enters or is held),
    decay_order, zero_inflow (boundary ids), regime (of flow), observed_start (id -> kg/m3), and
    direction (x, y of the flow) where there are no connections to tell it.
    """

    time_d: Floats
    length_d: Floats
    concentration: Floats
    start: Floats
    pore_volume: Floats
    sorbing: Floats
    budget: tuple[BudgetRow, ...]
    steps_d: Floats
    observed: Mapping[str, Floats]
    converged: Flags
    percent: Floats
    about: Mapping[str, Any]
    connections: Connections | None = None
    held: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    fields: Mapping[str, Floats] = field(default_factory=dict)


SCHEMES = ("upstream", "central", "tvd")


def about_of(model: TransportModel, flow: FlowResult, wall_s: float) -> dict[str, Any]:
    """What the catalog holds beside the numbers, the same whatever engine solved the model."""
    return {
        "duration_s": float(wall_s),
        "parameters": dict(model.parameters),
        "regime": model.flow.regime,
        "scheme": {name: int(model.advection == name) for name in SCHEMES},
        "dispersion_xt3d": int(model.dispersion_xt3d),
        "source_concentration": model.source_concentration,
        "decay_order": model.decay_order if "decay" in model.properties else None,
        "zero_inflow": zero_inflow(model, flow),
        "observed_start": {
            one.id: float(model.strt.ravel()[one.nodes] @ one.weights) for one in model.observed
        },
        "boundaries": {
            one.id: {
                "package": one.package,
                "cells": one.cells.tolist(),
                "layers": one.layers.tolist(),
            }
            for one in model.boundaries.values()
        },
    }


def zero_inflow(model: TransportModel, flow: FlowResult) -> list[str]:
    """Boundaries and sources that let water in, in a saved step, and say not what it carries."""
    entering = {row.boundary for row in flow.budget if row.boundary and row.rate_in > 0}
    return [
        one.id
        for one in model.flow.boundaries.values()
        if one.concentration is None and one.id in entering
    ]
