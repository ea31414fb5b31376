"""The text of every MODFLOW 6 input file of a transport model and of the flow below it.

One simulation holds both: GWF and GWT on the same grid, joined by a GWF6-GWT6 exchange, each with
a solution of its own.  Files of flow are those of `groundwater.writer` with concentrations as
auxiliary variables; rules of the texts are the same.  Decay acts on what is sorbed, too, where it
is of first order; of order zero it is a rate per volume of water.  Masses are in kilograms, or in
grams, milligrams and so on where concentrations are small (`mass_unit`).

    write(model) -> name -> content
"""

import math
from dataclasses import replace
from functools import partial

from mhx.groundwater import writer
from mhx.groundwater.grid import Floats
from mhx.groundwater.model import NAME as FLOW
from mhx.groundwater.model import Boundary, Ims
from mhx.groundwater.transport.model import NAME, TransportModel
from mhx.groundwater.writer import block, columns_of, file_text, layered, remembered_text

CONCENTRATIONS, BUDGET, LISTING = f"{NAME}.ucn", f"{NAME}.cbc", f"{NAME}.lst"
RATES, OBSERVED = f"{NAME}.budget.csv", f"{NAME}.observed.csv"
DIGITS = 17
OUTER_SHARE, INNER_SHARE = 1e-8, 1e-10
"""Change of concentration at which iterations end, as a share of the largest one [1]."""
LEAST_RESIDUAL = 1e-9
"""Below it the Krylov steps of MODFLOW 6.4.1 stall: they add a machine epsilon to its square."""


def write(model: TransportModel) -> dict[str, bytes]:
    """Every input file of the simulation; masses in the unit of `mass_unit`."""
    model = _in_unit(model, mass_unit(model))
    flow = model.flow
    files = writer.write(flow, solute=True)
    files[writer.SIMULATION] = _simulation()
    files |= {
        "gwfgwt.exg": file_text(block("options", [])),
        f"{NAME}.ims": writer.ims_text(ims_of(model)),
        f"{NAME}.nam": _names(model),
        f"{NAME}.{flow.grid.kind}": files[f"{FLOW}.{flow.grid.kind}"],
        f"{NAME}.ic": _ic(model),
        f"{NAME}.mst": _mst(model),
        f"{NAME}.adv": file_text(block("options", [f"SCHEME {model.advection.upper()}"])),
        f"{NAME}.ssm": _ssm(model),
        f"{NAME}.oc": _oc(model),
    }
    if model.disperses:
        files[f"{NAME}.dsp"] = _dsp(model)
    if model.observed:
        files[f"{NAME}.obs"] = _obs(model)
    for one in model.boundaries.values():
        key = (one.package, flow.grid.kind, flow.grid.shape, one.cells, one.layers,
               *one.values.values())  # fmt: skip
        made = partial(writer.list_text, one, flow.grid)
        files[file_of(one)] = remembered_text(one.name, key, made)
    return files


def file_of(boundary: Boundary) -> str:
    """Name of the file of a cnc or src."""
    return f"{NAME}.{boundary.name}.{boundary.package}"


def observed_nodes(model: TransportModel) -> list[int]:
    """Every node that is observed, once, in ascending order: the columns of OBSERVED."""
    return sorted({node for one in model.observed for node in one.nodes.tolist()})


def scale_of(model: TransportModel) -> float:
    """What concentrations are measured against [kg/m3]: the largest at the start or entering.

    Where only mass is added: what all of it would be in all of the pore water.
    """
    largest = max(model.source_concentration, float(model.strt.max()))
    if largest > 0:
        return largest
    lengths = [period.length for period in model.flow.periods]
    mass = sum(
        abs(float(one.values["smassrate"].sum(axis=1) @ lengths))
        for one in model.boundaries.values()
        if one.package == "src"
    )
    return mass / float((model.properties["porosity"] * model.volumes).sum()) or 1.0


def mass_unit(model: TransportModel) -> float:
    """Masses of MODFLOW's files per kilogram: 1, 1000 (grams), 1e6, ... so that c0 is 1 at least.

    Its solvers stop at absolute numbers near those of small concentrations in kg/m3.
    """
    return float(1000.0 ** max(0, math.ceil(-math.log(scale_of(model), 1000.0) - 1e-9)))


def _in_unit(model: TransportModel, unit: float) -> TransportModel:
    """The model with everything that is a mass in it multiplied."""
    if unit == 1.0:
        return model
    entering = {
        name: one if one.concentration is None
        else replace(one, concentration=one.concentration * unit)
        for name, one in model.flow.boundaries.items()
    }  # fmt: skip
    placed = {
        name: replace(one, values={key: value * unit for key, value in one.values.items()})
        for name, one in model.boundaries.items()
    }
    properties = dict(model.properties)
    if "decay" in properties and model.decay_order == 0:
        properties["decay"] = properties["decay"] * unit
    return replace(
        model,
        flow=replace(model.flow, boundaries=entering),
        strt=model.strt * unit,
        boundaries=placed,
        properties=properties,
    )


def ims_of(model: TransportModel) -> Ims:
    """The solver of transport, its closures in proportion to the concentrations.

    The residual that is let pass is that of a mean cell whose concentration is off by the closure.
    """
    scale = scale_of(model)
    step = max(period.length / period.steps for period in model.flow.periods)
    water = float((model.properties["porosity"] * model.volumes).mean())
    return Ims(
        complexity="moderate",
        linear_acceleration="bicgstab",
        outer_dvclose=OUTER_SHARE * scale,
        inner_dvclose=INNER_SHARE * scale,
        outer_maximum=100,
        inner_maximum=model.flow.ims.inner_maximum,
        rclose=max(INNER_SHARE * scale * water / step, LEAST_RESIDUAL),
        rclose_option="strict",
        relaxation_factor=None,
    )


def _simulation() -> bytes:
    return file_text(
        block("options", []),
        block("timing", [f"TDIS6 {FLOW}.tdis"]),
        block("models", [f"GWF6 {FLOW}.nam {FLOW}", f"GWT6 {NAME}.nam {NAME}"]),
        block("exchanges", [f"GWF6-GWT6 gwfgwt.exg {FLOW} {NAME}"]),
        block("solutiongroup 1", [f"IMS6 {FLOW}.ims {FLOW}", f"IMS6 {NAME}.ims {NAME}"]),
    )


def _names(model: TransportModel) -> bytes:
    kinds = [model.flow.grid.kind, "ic", "mst", "adv", *(["dsp"] if model.disperses else [])]
    rows = [f"{kind.upper()}6 {NAME}.{kind} {kind}" for kind in [*kinds, "ssm", "oc"]]
    rows += [f"OBS6 {NAME}.obs obs"] if model.observed else []
    rows += [
        f"{one.package.upper()}6 {file_of(one)} {one.name}" for one in model.boundaries.values()
    ]
    return file_text(block("options", [f"LIST {LISTING}"]), block("packages", rows))


def _ic(model: TransportModel) -> bytes:
    columns = columns_of(model.flow.grid)
    return remembered_text(
        "solute ic",
        (model.strt, columns),
        lambda: file_text(
            block("options", []), block("griddata", layered("strt", model.strt, columns))
        ),
    )


def _grid_text(
    kind: str, options: list[str], arrays: dict[str, Floats], columns: int | None
) -> bytes:
    """A package of options and arrays; what flow saves must be asked for here again."""

    def made() -> bytes:
        lines = [line for name, values in arrays.items() for line in layered(name, values, columns)]
        return file_text(block("options", options), block("griddata", lines))

    return remembered_text(f"solute {kind}", (*options, columns, *arrays, *arrays.values()), made)


def _mst(model: TransportModel) -> bytes:
    properties = model.properties
    options, arrays = [], {"porosity": properties["porosity"]}
    sorbs = "kd" in properties
    if "decay" in properties:
        options.append(f"{'FIRST' if model.decay_order == 1 else 'ZERO'}_ORDER_DECAY")
        arrays["decay"] = properties["decay"]
        if sorbs:
            arrays["decay_sorbed"] = properties["decay"] * model.decay_order
    if sorbs:
        options.append("SORPTION LINEAR")
        arrays |= {"bulk_density": properties["bulk_density"], "distcoef": properties["kd"]}
    return _grid_text("mst", options, arrays, columns_of(model.flow.grid))


def _dsp(model: TransportModel) -> bytes:
    """alpha_tv is the spreading across the layers, and across a flow that is vertical."""
    properties = model.properties
    options = [] if model.dispersion_xt3d else ["XT3D_OFF"]
    names = {"diffc": "diffusion", "alh": "alpha_l", "ath1": "alpha_th", "ath2": "alpha_tv",
             "atv": "alpha_tv"}  # fmt: skip
    arrays = {word: properties[key] for word, key in names.items() if key in properties}
    if len(arrays) > ("diffc" in arrays):  # MODFLOW wants both of them
        arrays |= {word: 0.0 * model.strt for word in ("alh", "ath1") if word not in arrays}
    return _grid_text("dsp", options, arrays, columns_of(model.flow.grid))


def _ssm(model: TransportModel) -> bytes:
    """What is not named here brings no solute; evt takes at most its concentration along."""
    rows = [
        f"{one.name} {'AUXMIXED' if one.package == 'evt' else 'AUX'} {writer.AUXILIARY}"
        for one in model.flow.boundaries.values()
        if one.concentration is not None
    ]
    return file_text(block("options", []), block("sources", rows))


def _oc(model: TransportModel) -> bytes:
    """The rates of every step stand in a table: the binary budget is not needed."""
    when = model.save.upper()
    files = [f"CONCENTRATION FILEOUT {CONCENTRATIONS}", f"BUDGETCSV FILEOUT {RATES}"]
    kept = [f"SAVE CONCENTRATION {when}", "PRINT BUDGET ALL"]
    return file_text(block("options", files), block("period 1", kept))


def _obs(model: TransportModel) -> bytes:
    grid, n_cells = model.flow.grid, model.flow.grid.n_cells
    rows = []
    for number, node in enumerate(observed_nodes(model), start=1):
        layer, cell = divmod(node, n_cells)
        place = [cell + 1] if grid.shape is None else [at + 1 for at in divmod(cell, grid.shape[1])]
        rows.append(f"o{number} CONCENTRATION {layer + 1} {' '.join(map(str, place))}")
    return file_text(
        block("options", [f"DIGITS {DIGITS}"]), block(f"continuous FILEOUT {OBSERVED}", rows)
    )
