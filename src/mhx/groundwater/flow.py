"""From the configuration to a flow model in numbers: GWF assembled from its packages.

Nothing is written here and MODFLOW is not named but for its words; `writer.py` makes the files.
Pieces that do not depend on what a case changes are taken from the process's memory.
"""

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater import boundaries, parameters
from mhx.groundwater.config import Simulation, packages
from mhx.groundwater.flow_config import Flow
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.memory import key_of, remembered
from mhx.groundwater.model import Boundary, FlowModel, Ims, Period
from mhx.groundwater.site import Layers
from mhx.groundwater.solver import Mf6
from mhx.groundwater.tables import per_cell
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.units import DAY

__all__ = ["Boundary", "FlowModel", "assemble", "surfaces"]

THINNEST = 1e-9
"""Layers thinner than this are none [m]."""


def assemble(config: Simulation, grid: Grid, terrain: Terrain, site: str) -> FlowModel:
    """The model of a checked configuration; ConfigError where it and the grid do not agree.

    site: key of grid and terrain, under which pieces are remembered.
    """
    flow, layers, solver = config.flow, config.layers, config.solver.mf6
    assert flow is not None and layers is not None  # checked by Simulation
    seconds = DAY if solver.time_unit == "days" else 1.0
    ground = key_of(site, layers)
    top, bottoms = remembered("surfaces", ground, lambda: surfaces(layers, grid, terrain))
    periods = _periods(flow, seconds)
    setting = boundaries.Setting(
        grid=grid, terrain=terrain, top=top, n_periods=len(periods), seconds=seconds
    )
    placed = remembered(
        "boundaries",
        key_of(ground, flow.bc, flow.source, len(periods), seconds),
        lambda: _placed(config, setting),
    )
    strt = remembered(
        "strt",
        key_of(ground, flow.ic, flow.bc, len(periods)),
        lambda: _start(flow, top, bottoms, placed),
    )
    formulation = flow.formulation
    return FlowModel(
        grid=grid,
        top=top,
        bottoms=bottoms,
        properties=remembered(
            "properties",
            key_of(ground, flow.param, flow.regime, seconds),
            lambda: parameters.properties(flow, grid, len(bottoms), seconds),
        ),
        strt=strt,
        boundaries=placed,
        regime=flow.regime,
        periods=periods,
        start=flow.time.start if flow.time is not None else None,
        time_unit=solver.time_unit,
        formulation={
            "newton": int(bool(formulation.newton)),
            "under_relaxation": int(bool(formulation.newton) and formulation.under_relaxation),
            "xt3d": int(bool(formulation.xt3d)),
            "convertible": int(formulation.cell_type == "convertible"),
        },
        ims=_ims(solver, symmetric=not (formulation.newton or formulation.xt3d)),
        save=solver.save,
        save_flow_ja=solver.save_flow_ja,
        write_grb=solver.write_grb,
        parameters=parameters.reported(flow.param),
        recharge_nominal_m3_s=_nominal(placed, grid, seconds),
    )


def surfaces(layers: Layers, grid: Grid, terrain: Terrain) -> tuple[Floats, Floats]:
    """Top (n,) and bottoms (n_layers, n) of the cells [m], sampled at their centres."""
    top = terrain.tops(grid)
    n = layers.n_layers
    if layers.bottoms is not None:
        shape = (1, grid.n_cells)
        found = [
            per_cell(path, shape, f"layers.bottoms[{i}]")[0]
            for i, path in enumerate(layers.bottoms)
        ]
        bottoms = np.stack(found)
    else:
        if layers.thickness is not None:
            lowest = top - layers.thickness
        elif layers.depth is not None:
            lowest = np.full(top.size, top.min() - layers.depth)
        else:
            assert layers.bottom is not None  # checked by Layers
            lowest = np.full(top.size, layers.bottom)
        shares = np.cumsum(layers.fractions or [1 / n] * n)
        shares[-1] = 1.0
        bottoms = top - shares[:, None] * (top - lowest)
        bottoms[-1] = lowest
    above = np.vstack([top, bottoms[:-1]])
    thin = np.argwhere(above - bottoms <= THINNEST)
    if thin.size:
        layer, cell = thin[0]
        raise ConfigError(
            f"layers: the bottom of layer {layer + 1} must lie below its top, got "
            f"{bottoms[layer, cell]:g} under {above[layer, cell]:g} in cell {cell}"
        )
    return top, bottoms


def _periods(flow: Flow, seconds: float) -> tuple[Period, ...]:
    if flow.time is None:
        return (Period(length=DAY / seconds, steps=1, multiplier=1.0),)
    return tuple(
        Period(length=p.seconds / seconds, steps=p.steps, multiplier=p.multiplier)
        for p in flow.time.period
    )


def _placed(config: Simulation, setting: boundaries.Setting) -> dict[str, Boundary]:
    """Every boundary and source by id."""
    tables = [(f"flow.{key}[{i}]", n, table) for n, (key, i, table) in enumerate(packages(config))]
    return boundaries.all_on_grid(tables, setting, {})


def _start(flow: Flow, top: Floats, bottoms: Floats, placed: dict[str, Boundary]) -> Floats:
    """(n_layers, n) heads at the start [m]."""
    ic = flow.ic
    if ic.kind == "constant":
        assert ic.value is not None  # checked by Initial
        strt = np.full(bottoms.shape, ic.value)
    elif ic.kind == "top":
        strt = np.tile(top, (len(bottoms), 1))
    else:
        assert ic.file is not None  # checked by Initial
        strt = per_cell(ic.file, bottoms.shape, "flow.ic.file")
    if ic.fixed_cells == "boundary_head":
        for boundary in placed.values():
            if boundary.package == "chd":
                strt[boundary.layers, boundary.cells] = boundary.values["head"][0]
    return strt


def _ims(solver: Mf6, symmetric: bool) -> Ims:
    acceleration = solver.linear_acceleration
    if acceleration == "auto":
        acceleration = "cg" if symmetric else "bicgstab"
    return Ims(
        complexity=solver.complexity,
        linear_acceleration=acceleration,
        outer_dvclose=solver.outer_dvclose,
        inner_dvclose=solver.inner_dvclose,
        outer_maximum=solver.outer_maximum,
        inner_maximum=solver.inner_maximum,
        rclose=solver.rclose,
        rclose_option=solver.rclose_option,
        relaxation_factor=solver.relaxation_factor,
    )


def _nominal(placed: dict[str, Boundary], grid: Grid, seconds: float) -> float:
    """Recharge times area over all cells that get it, last period [m3/s]."""
    return sum(
        float(b.values["recharge"][-1] @ grid.areas[b.cells]) / seconds
        for b in placed.values()
        if b.package == "rcha"
    )
