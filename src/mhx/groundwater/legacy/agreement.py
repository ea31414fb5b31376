"""Whether concentrations of MT3D-USGS are those of GWT on the same flow, and if not, why.

Judged from the settings of a case and the flow it was solved on; the second program is not run.
Figures are shares of the largest concentration, measured on cases of a few hundred cells: they say
what to expect, not what is promised.  They are largest in and beside the cells of wells and spills.
Whether the flows are the same `nwt.agreement` tells.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from mhx.groundwater.grid import Floats
from mhx.groundwater.legacy.nwt import ALIKE
from mhx.groundwater.transport.flowfield import FlowField
from mhx.groundwater.transport.model import TransportModel

SCHEMES = {
    "tvd": "the tvd scheme of third order, explicit in time, is none of GWT",
    "moc": "particles (moc), explicit in time, are no scheme of GWT and do not keep mass",
}
EQUAL = "equal to GWT to single precision: about 1e-5 of the largest concentration"
STRAIGHT = 1e-4
"""Share of the largest flow per area that heads in single precision may be off by [1]."""


def agreement(model: TransportModel, scheme: str, field: FlowField, concentrations: Floats) -> str:
    """What sets the two apart in this case, a sentence each; told with every run.

    scheme: of `solver.mt3dusgs.advection`.  concentrations: (m, n_layers, n), NaN where dry.
    """
    found = list(_differences(model, scheme, field, concentrations))
    return f"differs from GWT: {'; '.join(found)}" if found else EQUAL


def _differences(
    model: TransportModel, scheme: str, field: FlowField, concentrations: Floats
) -> Iterator[str]:
    own, convertible = model.properties, model.flow.formulation["convertible"]
    if scheme in SCHEMES:
        yield SCHEMES[scheme]
    central = scheme == "finite_difference" and model.advection == "central"
    part_full = convertible and bool((field.saturation < 1.0 - ALIKE).any())
    terms = _named({"dispersion or diffusion": model.disperses, "central weights": central})
    if terms and part_full and model.flow.n_layers > 1:
        most = ", up to 0.2 where central weights oscillate" if central else ""
        yield (
            f"{terms} between layers of which one is part full, where GWT takes the whole "
            f"thickness, by 1e-4 to 3e-2{most}"
        )
    terms = _named({"sorption": "kd" in own, "decay": "decay" in own})
    if terms and convertible and _moves(model, field):
        yield f"{terms} under a moving water table, by up to 1e-2"
    if _bends(model, field):
        most = "0.3 with central weights" if central else "0.2"
        yield (
            "dispersion where the flow bends within a cell, as at wells, where other neighbouring "
            f"velocities are taken, by 5e-4 to 9e-2, at point sources up to {most}"
        )
    if "decay" in own and model.decay_order == 0:
        longest = float(np.diff([end for _, _, end in model.flow.step_ends_d], prepend=0.0).max())
        if (concentrations < own["decay"] * longest).any():
            yield (
                "decay of zero order where less is left than decays in a time step, by 3e-4 to 1e-2"
            )


def _named(terms: Mapping[str, bool]) -> str:
    return " and ".join(name for name, there in terms.items() if there)


def _moves(model: TransportModel, field: FlowField) -> bool:
    """Whether the share of a cell that is full changes from one step to another."""
    shares = field.saturation
    if model.flow.regime == "transient":  # where the first step starts from counts, too
        start = model.start_volume / (model.properties["porosity"] * model.volumes)
        shares = np.concatenate([start[None], shares])
    return bool((np.ptp(shares, axis=0) > ALIKE).any())


def _bends(model: TransportModel, field: FlowField) -> bool:
    """Whether there are dispersivities, and water that does not flow one way, alike everywhere."""
    named = ("alpha_l", "alpha_th", "alpha_tv")
    spreads = any(np.any(model.properties[key]) for key in named if key in model.properties)
    return spreads and not all(_straight(field, step) for step in range(len(field.rates)))


def _straight(field: FlowField, step: int) -> bool:
    """Whether the flow per area is the same along one axis of the grid and 0 along the others."""
    found = field.connections(np.array([step]))
    assert field.model.grid.shape is not None  # limits.py refuses other grids
    columns = field.model.grid.shape[1]
    area = found.area[0]
    flux = np.divide(found.rate[0], area, out=np.zeros_like(area), where=area > 0)
    along = found.lateral & (found.one // columns == found.other // columns)
    allowed = STRAIGHT * float(np.abs(flux).max(initial=0.0))
    axes = [flux[which] for which in (along, found.lateral & ~along, ~found.lateral)]
    flowing = [one for one in axes if np.abs(one).max(initial=0.0) > allowed]
    return len(flowing) <= 1 and all(np.ptp(one) <= allowed for one in flowing)
