"""From the configuration to a transport model in numbers, on the flow model of the same run.

    assemble(config, flow, terrain, site) -> TransportModel

Every engine starts here; time steps are chosen in `stepping.py`.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater import boundaries, parameters
from mhx.groundwater.config import Simulation
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.memory import key_of, remembered
from mhx.groundwater.model import Boundary, FlowModel, Period
from mhx.groundwater.packages import Where
from mhx.groundwater.polygons import holding
from mhx.groundwater.tables import per_cell
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.transport.config import PARAMETERS, BreakthroughPoint, Transport
from mhx.groundwater.transport.model import Observed, TransportModel
from mhx.groundwater.where import line_cells

PER_TIME = ("diffusion", "decay")
"""Properties that are rates: written per time unit of the model."""


def assemble(config: Simulation, flow: FlowModel, terrain: Terrain, site: str) -> TransportModel:
    """The transport model of a checked configuration; ConfigError where it and the grid disagree.

    flow: as `flow.assemble` made it; one steady state gets the length of `transport.time`, and its
    number of steps where that is given.  site: key under which pieces are remembered.
    """
    transport = config.transport
    assert transport is not None  # checked by Simulation
    flow = lasting(transport, flow)
    grid = flow.grid
    setting = boundaries.Setting(
        grid=grid, terrain=terrain, top=flow.top, n_periods=len(flow.periods), seconds=flow.seconds
    )
    placed = boundaries.all_on_grid(
        [(f"transport.bc[{i}]", i, table) for i, table in enumerate(transport.bc)],
        setting,
        {name: np.unique(one.cells) for name, one in flow.boundaries.items()},
    )
    return TransportModel(
        flow=flow,
        properties=properties_of(config, flow, site),
        decay_order=transport.param.decay_order,
        strt=_start(transport, flow.bottoms.shape, placed),
        boundaries=placed,
        advection=transport.scheme.advection,
        dispersion_xt3d=transport.scheme.dispersion_xt3d and not in_a_row(flow),
        observed=tuple(
            _observed(point, f"transport.observation[{i}]", grid, terrain)
            for i, point in enumerate(transport.observation)
        ),
        parameters=parameters.reported(transport.param),
        save=config.solver.mf6.save,
    )


def in_a_row(flow: FlowModel) -> bool:
    """Whether all cells lie on one line in one layer.

    Nothing disperses across there, so that the full tensor says no more than its part along the
    line; and where a water table makes the cells unequally thick, MODFLOW 6.4.1 interpolates
    gradients in a space that they do not span: concentrations of -0.3 beside a source of 1.
    """
    if flow.n_layers > 1:
        return False
    away = flow.grid.centres - flow.grid.centres.mean(axis=0)
    sizes = np.linalg.svd(away, compute_uv=False)
    return bool(sizes[1:].max(initial=0.0) <= 1e-9 * sizes[0])


def lasting(transport: Transport, flow: FlowModel) -> FlowModel:
    """The flow model with the duration of transport; stress periods that are given stay."""
    time = transport.time
    if flow.regime == "transient":
        return flow
    # heads and budget of a steady state are the same in every step
    flow = replace(flow, save="last")
    if len(flow.periods) > 1:
        return flow
    (period,) = flow.periods
    length = period.length if time.seconds is None else time.seconds / flow.seconds
    steps = period.steps if time.steps is None else time.steps
    lasts = Period(length=length, steps=steps, multiplier=1.0)
    return replace(flow, periods=(lasts,))


def properties_of(config: Simulation, flow: FlowModel, site: str) -> dict[str, Floats]:
    """Parameters of transport on the grid; those of the process before where they are the same."""
    transport = config.transport
    assert transport is not None  # checked by Simulation
    return remembered(
        "transport properties",
        key_of(site, config.layers, transport.param, flow.seconds),
        lambda: _properties(transport, flow),
    )


def _properties(transport: Transport, flow: FlowModel) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for name in PARAMETERS:
        param = getattr(transport.param, name)
        if param is None:
            continue
        values = parameters.on_grid(param, name, flow.grid, flow.n_layers, "transport")
        least = float(values.min())
        if name in ("porosity", "bulk_density") and least <= 0:
            told = f"must be > 0 in every cell, got {least:g}"
            raise ConfigError(f"transport.param.{name} {told}")
        if name == "porosity" and values.max() > 1:
            told = f"must be <= 1 in every cell, got {values.max():g}"
            raise ConfigError(f"transport.param.porosity {told}")
        found[name] = values * flow.seconds if name in PER_TIME else values
    if "alpha_th" in found:
        found.setdefault("alpha_tv", found["alpha_th"])
    return found


def _start(transport: Transport, shape: tuple[int, ...], placed: Mapping[str, Boundary]) -> Floats:
    """(n_layers, n) concentrations at the start [kg/m3]; held cells start at what is held."""
    if transport.ic.file is None:
        found = np.full(shape, transport.ic.si)
    else:
        layers, cells = shape
        found = per_cell(transport.ic.file, (layers, cells), "transport.ic.file")
        if found.min() < 0:
            raise ConfigError(
                f"transport.ic.file: {transport.ic.file} must hold concentrations >= 0, got "
                f"{found.min():g}"
            )
    for one in placed.values():
        if one.package == "cnc":
            found[one.layers, one.cells] = one.values["conc"][0]
    return found


def _observed(point: BreakthroughPoint, key: str, grid: Grid, terrain: Terrain) -> Observed:
    """The cell that holds a point; the cells along a line, by the length of it in each."""
    first = (point.layer - 1) * grid.n_cells
    if point.line is None:
        at = np.array([[point.x, point.y]], dtype=float)
        cells = holding(grid, at)
        if cells[0] < 0:
            raise ConfigError(f"{key} lies outside of the mesh: x {point.x:g}, y {point.y:g}")
        return Observed(id=point.id, nodes=first + cells, weights=np.ones(1))
    cells, lengths = line_cells(Where(line=point.line), grid, terrain, key=key)
    if cells.size == 0:
        raise ConfigError(f"{key}.line = {point.line!r} finds no cell")
    return Observed(id=point.id, nodes=first + cells, weights=lengths / lengths.sum())
