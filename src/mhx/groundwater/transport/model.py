"""A solute transport model as numbers, over a flow model: what engines, writer and results share.

Conventions as in `groundwater.model`: metres, kilograms, MODFLOW's time unit (that of the flow
model) in rates of packages and properties; concentrations kg/m3.  Arrays over layers and cells are
(n_layers, n); a node is layer * n + cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.model import Boundary, FlowModel, nodes

NAME = "solute"
"""Name of the model, and of all its files before the dot."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Where a breakthrough curve is kept: nodes, and their weights, which add up to 1."""

    id: str
    nodes: Ids
    weights: Floats


@dataclass(frozen=True, kw_only=True)
class TransportModel:
    """Everything that a transport engine is told.

    flow: with the time steps of transport.
    properties: porosity, and as far as declared alpha_l, alpha_th, alpha_tv [m], diffusion [m2 per
        time unit], decay [1, or kg/m3, per time unit], kd [m3/kg], bulk_density [kg/m3].
    strt: concentrations at the start; those that are held start at what they are held at.
    boundaries: cnc (conc) and src (smassrate) by id.  What comes with the water stands in
        `concentration` of the flow's boundaries.
    observed: breakthrough curves.  parameters: param_porosity -> SI value; zoned: ..._<zone>.
    save: concentrations of every step, or of the last of each stress period.
    """

    flow: FlowModel
    properties: Mapping[str, Floats]
    decay_order: int
    strt: Floats
    boundaries: Mapping[str, Boundary]
    advection: str
    dispersion_xt3d: bool
    observed: tuple[Observed, ...]
    parameters: Mapping[str, float]
    save: Literal["all", "last"] = "all"

    @property
    def volumes(self) -> Floats:
        """(n_layers, n) volume of the cells, full or not [m3]."""
        flow = self.flow
        tops = np.vstack([flow.top, flow.bottoms[:-1]])
        return np.asarray((tops - flow.bottoms) * flow.grid.areas)

    @property
    def start_volume(self) -> Floats:
        """(n_layers, n) mobile water at time 0, by the heads that flow starts from [m3].

        Fixed heads count from the start: what they fill is no storage.
        """
        flow = self.flow
        full = self.properties["porosity"] * self.volumes
        if not flow.formulation["convertible"]:
            return np.asarray(full)
        thickness, heads = self.volumes / flow.grid.areas, flow.strt.copy()
        for one in flow.boundaries.values():
            if one.package == "chd":
                heads[one.layers, one.cells] = one.values["head"][0]
        return np.asarray(full * np.clip((heads - flow.bottoms) / thickness, 0.0, 1.0))

    @property
    def held(self) -> Ids:
        """Nodes whose concentration is held, ascending."""
        n = self.flow.grid.n_cells
        found = [nodes(one, n) for one in self.boundaries.values() if one.package == "cnc"]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    @property
    def disperses(self) -> bool:
        """Whether there is any dispersion or diffusion."""
        named = ("alpha_l", "alpha_th", "alpha_tv", "diffusion")
        return any(np.any(self.properties[key]) for key in named if key in self.properties)

    @property
    def sorbing(self) -> Floats:
        """(n_layers, n) water that would hold what saturated ground sorbs [m3]; 0 without."""
        if "kd" not in self.properties:
            return np.zeros_like(self.strt)
        found: Floats = self.properties["kd"] * self.properties["bulk_density"] * self.volumes
        return found

    @property
    def source_concentration(self) -> float:
        """The largest concentration that enters or is held [kg/m3]; 0 where only mass is added."""
        held = [one.values["conc"] for one in self.boundaries.values() if one.package == "cnc"]
        entering = [
            one.concentration
            for one in self.flow.boundaries.values()
            if one.concentration is not None and one.package != "evt"
        ]
        return max((float(values.max()) for values in [*held, *entering]), default=0.0)
