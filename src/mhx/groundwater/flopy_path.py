"""The same flow model through flopy: a second way of writing it, for checks alone.

It takes the numbers of a `FlowModel` and none of our texts, so that a mistake of `writer.py` shows
as other heads.  flopy counts from 0 and takes a second to import.
"""

from pathlib import Path
from typing import Any

import flopy
import numpy as np

from mhx.groundwater.model import NAME, Boundary, FlowModel
from mhx.groundwater.writer import BUDGET, HEADS, LISTING, changes, corner_of, spacing

DIGITS = 17
"""Significant digits; flopy's own nine move northings by millimetres."""


def write(model: FlowModel, folder: Path) -> None:
    """Write every input file of the model into a folder, as flopy does."""
    sim = flopy.mf6.MFSimulation(sim_name=NAME, sim_ws=str(folder), verbosity_level=0)
    sim.simulation_data.float_precision = DIGITS
    sim.simulation_data.float_characters = DIGITS + 8
    flopy.mf6.ModflowTdis(
        sim,
        time_units=model.time_unit,
        start_date_time=model.start,
        nper=len(model.periods),
        perioddata=[(p.length, p.steps, p.multiplier) for p in model.periods],
    )
    sim.register_ims_package(_ims(sim, model), [NAME])
    newton, relaxed = None, model.formulation["under_relaxation"]
    if model.formulation["newton"]:
        newton = "newton under_relaxation" if relaxed else "newton"
    gwf = flopy.mf6.ModflowGwf(sim, modelname=NAME, list=LISTING, newtonoptions=newton)
    _grid(gwf, model)
    flopy.mf6.ModflowGwfic(gwf, strt=_shaped(model, model.strt))
    _ground(gwf, model)
    for boundary in model.boundaries.values():
        _package(gwf, model, boundary)
    when = model.save.upper()
    flopy.mf6.ModflowGwfoc(
        gwf,
        head_filerecord=HEADS,
        budget_filerecord=BUDGET,
        saverecord=[("HEAD", when), ("BUDGET", when)],
        printrecord=[("BUDGET", "ALL")],
    )
    sim.write_simulation(silent=True)


def _ims(sim: Any, model: FlowModel) -> Any:
    ims = model.ims
    sim_ims = flopy.mf6.ModflowIms(
        sim,
        pname="ims",
        print_option="summary",
        complexity=ims.complexity,
        outer_dvclose=ims.outer_dvclose,
        outer_maximum=ims.outer_maximum,
        inner_dvclose=ims.inner_dvclose,
        inner_maximum=ims.inner_maximum,
        linear_acceleration=ims.linear_acceleration,
        relaxation_factor=ims.relaxation_factor,
        # two entries: a plain text would be taken apart
        rcloserecord=None if ims.rclose is None else [ims.rclose, ims.rclose_option],
    )
    return sim_ims


def _shaped(model: FlowModel, values: Any) -> Any:
    """(n_layers, n) as the grid's own shape."""
    shape = model.grid.shape
    return values if shape is None else values.reshape(-1, *shape)


def _grid(gwf: Any, model: FlowModel) -> None:
    grid = model.grid
    surfaces = {
        "top": model.top if grid.shape is None else model.top.reshape(grid.shape),
        "botm": _shaped(model, model.bottoms),
        "nlay": model.n_layers,
        "length_units": "meters",
        "nogrb": not model.write_grb,
    }
    if grid.shape is not None:
        width, height, corner = spacing(grid)
        flopy.mf6.ModflowGwfdis(
            gwf,
            nrow=grid.shape[0],
            ncol=grid.shape[1],
            delr=width,
            delc=height,
            xorigin=corner[0],
            yorigin=corner[1],
            **surfaces,
        )
        return
    corner = corner_of(grid)
    flopy.mf6.ModflowGwfdisv(
        gwf,
        ncpl=grid.n_cells,
        nvert=len(grid.vertices),
        vertices=[(i, *xy) for i, xy in enumerate((grid.vertices - corner).tolist())],
        cell2d=[
            (i, *xy, len(ids := grid.cell(i).tolist()), *ids)
            for i, xy in enumerate((grid.centres - corner).tolist())
        ],
        xorigin=corner[0],
        yorigin=corner[1],
        **surfaces,
    )


def _ground(gwf: Any, model: FlowModel) -> None:
    arrays = {name: _shaped(model, values) for name, values in model.properties.items()}
    storage = {name: arrays.pop(name) for name in ("ss", "sy") if name in arrays}
    flow = model.save_flow_ja or None
    convertible = model.formulation["convertible"]
    flopy.mf6.ModflowGwfnpf(
        gwf,
        save_flows=flow,
        save_specific_discharge=flow,
        save_saturation=flow,
        xt3doptions="xt3d" if model.formulation["xt3d"] else None,
        icelltype=convertible,
        **arrays,
    )
    if storage:
        flopy.mf6.ModflowGwfsto(
            gwf, save_flows=True, iconvert=convertible, transient={0: True}, **storage
        )


def _package(gwf: Any, model: FlowModel, boundary: Boundary) -> None:
    columns = list(boundary.values.values())
    name = {"pname": boundary.name, "save_flows": True}
    if boundary.package == "rcha":
        rates = {}
        for period in changes(columns):
            everywhere = np.zeros(model.grid.n_cells)
            everywhere[boundary.cells] = columns[0][period]
            shape = model.grid.shape
            rates[period] = everywhere if shape is None else everywhere.reshape(shape)
        flopy.mf6.ModflowGwfrcha(gwf, recharge=rates, **name)
        return
    ids = _ids(model, boundary)
    rows = {
        period: [
            (cell, *numbers)
            for cell, *numbers in zip(ids, *(c[period].tolist() for c in columns), strict=True)
        ]
        for period in changes(columns)
    }
    make = getattr(flopy.mf6, f"ModflowGwf{boundary.package}")
    own = {"nseg": 1} if boundary.package == "evt" else {}
    make(gwf, maxbound=len(ids), stress_period_data=rows, **own, **name)


def _ids(model: FlowModel, boundary: Boundary) -> list[tuple[int, ...]]:
    """Ids from 0: (layer, cell) or (layer, row, column)."""
    layers, cells = boundary.layers.tolist(), boundary.cells.tolist()
    shape = model.grid.shape
    if shape is None:
        return list(zip(layers, cells, strict=True))
    return [(k, *divmod(cell, shape[1])) for k, cell in zip(layers, cells, strict=True)]
