"""The text of every MT3D-USGS input file of a transport model, byte for byte reproducible.

Metres, days and kilograms; MT3D-USGS reads most numbers in fields of ten characters and keeps them
in single precision.  Arrays stand in the style of MODFLOW.  Transport takes one step in each time
step; the explicit schemes (tvd, moc) divide it where they must.  The flow is read from the link
file of MODFLOW-NWT.
Bedekar, Morway, Langevin and Tonkin, USGS Techniques and Methods 6-A53 (2016); Zheng and Wang,
MT3DMS, SERDP-99-1 (1999).

    write(model, settings) -> name -> content, in the order of the name file
"""

import re
from collections.abc import Sequence

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats
from mhx.groundwater.legacy.nwt_files import LINK, array_lines, evt_layers, listed
from mhx.groundwater.model import Boundary
from mhx.groundwater.solver import Mt3d
from mhx.groundwater.transport.model import NAME, TransportModel
from mhx.groundwater.writer import cell_ids, changes, spacing

NAMES, LISTING = f"{NAME}.nam", f"{NAME}.lst"
CONCENTRATIONS, SORBED, SUMMARY, GEOMETRY = (
    "MT3D001.UCN",
    "MT3D001S.UCN",
    "MT3D001.MAS",
    "MT3D.CNF",
)
"""Files whose names MT3D-USGS chooses."""
POINTS = {"chd": 1, "wel": 2, "riv": 4, "ghb": 5}
"""Packages that bring water in at cells -> their number among the sources of MT3D-USGS."""
HELD, LOADED = -1, 15
"""The numbers of a constant concentration and of a mass loading."""
DRY, THINNEST = 1e30, 1e-6
LONG_STEP = 1e9
"""Longer than any time step [d]: transport takes the steps of flow."""
ITERATIONS = 500
"""Of the solver in one transport step, at most; the equations are linear: one outer iteration."""
COURANT = 0.5
"""Share of a cell that tvd and moc may cross in one transport step [1]."""
_UNITS = "D   M   KG  "


def write(model: TransportModel, settings: Mt3d) -> dict[str, bytes]:
    """Every input file; ConfigError where a property varies in a way that MT3D-USGS cannot read."""
    properties = model.properties
    texts = {"btn": _btn(model, settings.advection == "moc"), "adv": _adv(model, settings)}
    if model.disperses:
        texts["dsp"] = _dsp(model)
    texts["ssm"] = _ssm(model)
    if "kd" in properties or "decay" in properties:
        texts["rct"] = _rct(model)
    texts["gcg"] = f"1 {ITERATIONS} 3 1\n1.0 {settings.closure!r} 0\n"
    files = {NAMES: _names(tuple(texts)), **{f"{NAME}.{k}": text for k, text in texts.items()}}
    return {name: text.encode("ascii") for name, text in files.items()}


def field(value: float) -> str:
    """A number in ten characters, to the digits of single precision where they fit.

    Fortran reads an exponent without its letter, too: 1.234567-9.
    """
    for digits in range(9, 2, -1):
        text = f"{value:.{digits}g}"
        short = re.sub(r"e([+-])0*(\d+)$", r"\1\2", text)
        for form in (text, short):
            if len(form) <= 10:
                return f"{form:>10}"
    raise ValueError(f"{value!r} has no form of ten characters")


def _integers(*values: int) -> str:
    return "".join(f"{value:10d}" for value in values)


def _lines(rows: Sequence[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _names(kinds: Sequence[str]) -> str:
    rows = [f"LIST 16 {LISTING}", f"FTL 10 {LINK}"]
    rows += [f"{kind.upper()} {30 + n} {NAME}.{kind}" for n, kind in enumerate(kinds, start=1)]
    return _lines(rows)


def _shape(model: TransportModel) -> tuple[int, int, int]:
    assert model.flow.grid.shape is not None  # limits.py refuses other grids
    return (model.flow.n_layers, *model.flow.grid.shape)


def _layered(model: TransportModel, values: Floats) -> list[str]:
    return [line for layer in values for line in array_lines(layer, _shape(model)[2])]


def _btn(model: TransportModel, particles: bool) -> str:
    """Grid, porosity, start, output and steps; with particles a dry cell stays dry."""
    flow = model.flow
    layers, rows, columns = _shape(model)
    width, height, _ = spacing(flow.grid)
    tops = np.vstack([flow.top, flow.bottoms[:-1]])
    kinds = [1] * layers
    active = np.ones(flow.bottoms.shape, np.int64)
    written = [
        "# transport of one solute",
        "# metres, days, kilograms",
        "MODFLOWSTYLEARRAYS" + ("" if particles else " DRYCELL"),
        _integers(layers, rows, columns, len(flow.periods), 1, 1),
        _UNITS,
        " T" * 10,
        *("".join(f"{kind:2d}" for kind in kinds[at : at + 40]) for at in range(0, layers, 40)),
        *array_lines(width, columns),
        *array_lines(height, rows),
        *array_lines(flow.top, columns),
        *_layered(model, tops - flow.bottoms),
        *_layered(model, model.properties["porosity"]),
        *(line for layer in active for line in array_lines(layer, columns)),
        *_layered(model, model.strt),
        field(DRY) + field(THINNEST),
        _integers(0, 0, 0, 0) + f"{'T':>10}",
        _integers(-1),  # concentrations and budget of every transport step
        _integers(0, 1),
        f"{'T':>10}" + _integers(1),
    ]
    for period in flow.periods:
        written.append(field(period.length) + _integers(period.steps) + field(period.multiplier))
        written.append(field(LONG_STEP) + _integers(1_000_000) + field(1.0) + field(0.0))
    return _lines(written)


def _adv(model: TransportModel, settings: Mt3d) -> str:
    schemes = {"finite_difference": 0, "tvd": -1, "moc": 1}
    weights = {"upstream": 1, "central": 2}
    scheme = schemes[settings.advection]
    particles = 64 * model.strt.size
    row = f"{scheme:10d}" + field(COURANT) + _integers(particles, weights.get(model.advection, 1))
    rows = [row]
    if settings.advection == "moc":
        rows += [_integers(3) + field(0.5)]  # tracking by Euler and Runge-Kutta
        planes = 1 if model.flow.n_layers == 1 else 2  # of particles in a cell, in fixed places
        # none at first where concentrations are even, else 16 per cell; 2 to 64 of them
        rows += [field(1e-5) + _integers(planes, 0, 16, 2, 64)]
    return _lines(rows)


def _dsp(model: TransportModel) -> str:
    """Longitudinal dispersivity by cell, the others as its share and diffusion by layer."""
    found = model.properties
    zero = np.zeros(model.strt.shape)
    along = found.get("alpha_l", zero)
    rows = _layered(model, along)
    for key in ("alpha_th", "alpha_tv"):
        across = found.get(key, zero)
        if (across[along == 0] > 0).any():
            raise ConfigError(
                f"transport.param.{key} must be 0 where alpha_l is 0 with engine = 'mt3dusgs', "
                "which takes it as a share of alpha_l"
            )
        share = np.divide(across, along, out=zero.copy(), where=along > 0)
        # where there is no dispersion the share does not matter
        share = np.where(along > 0, share, share.max(axis=1, keepdims=True))
        rows += _per_layer(share, f"transport.param.{key} over alpha_l")
    rows += _per_layer(found.get("diffusion", zero), "transport.param.diffusion")
    return _lines(rows)


def _per_layer(values: Floats, key: str) -> list[str]:
    low, high = values.min(axis=1), values.max(axis=1)
    wrong = np.flatnonzero(high - low > 1e-9 * np.abs(high))
    if wrong.size:
        at = int(wrong[0])
        raise ConfigError(
            f"{key} must be the same in all cells of a layer with engine = 'mt3dusgs', got "
            f"{low[at]:g} to {high[at]:g} in layer {at + 1}"
        )
    return array_lines(high, high.size)


def _rct(model: TransportModel) -> str:
    """Linear sorption and decay; of first order also of what is sorbed."""
    found, zero = model.properties, np.zeros(model.strt.shape)
    sorbs, decays = "kd" in found, "decay" in found
    order = {1: 1, 0: 100}[model.decay_order]
    rows = [_integers(int(sorbs), order if decays else 0, 2, 0)]
    if sorbs:
        rows += _layered(model, found["bulk_density"])
        rows += [*_layered(model, found["kd"]), *_layered(model, zero)]
    if decays:
        sorbed = found["decay"] * model.decay_order
        rows += [*_layered(model, found["decay"]), *_layered(model, sorbed)]
    return _lines(rows)


def _ssm(model: TransportModel) -> str:
    """Concentrations of what enters, mass that is added, concentrations that are held."""
    flow = model.flow
    packages = ("wel", "drn", "rcha", "evt", "riv", "ghb")
    there = [bool(listed(flow, package)) for package in packages]
    points = [one for package in POINTS for one in listed(flow, package)]
    refuse_mixed(points, flow.grid.n_cells)
    count = sum(one.cells.size for one in flow.boundaries.values())
    count += sum(one.cells.size for one in model.boundaries.values())
    rows = ["".join(" T" if found else " F" for found in there) + " F" * 4, _integers(count)]
    rows_of = [(one, POINTS[one.package], one.concentration) for one in points]
    rows_of += [
        (one, HELD if one.package == "cnc" else LOADED, next(iter(one.values.values())))
        for one in model.boundaries.values()
    ]
    given = [(one, kind, values) for one, kind, values in rows_of if values is not None]
    for period in range(len(flow.periods)):
        rows += _areal(model, "rcha", period) + _areal(model, "evt", period)
        if period and period not in changes([values for _, _, values in given]):
            rows.append(_integers(-1))
            continue
        rows.append(_integers(sum(one.cells.size for one, _, _ in given)))
        for one, kind, values in given:
            ids = cell_ids(one, flow.grid)
            for place, value in zip(ids, values[period].tolist(), strict=True):
                layer, row, column = map(int, place.split())
                rows.append(_integers(layer, row, column) + field(value) + _integers(kind))
    return _lines(rows)


def refuse_mixed(points: Sequence[Boundary], n_cells: int) -> None:
    """ConfigError where two boundaries of a type bring different water into one cell.

    MT3D-USGS finds a concentration by cell and type.
    """
    seen: dict[tuple[str, int], tuple[str, Floats]] = {}
    for one in points:
        nothing = np.zeros((1, one.cells.size))
        values = nothing if one.concentration is None else one.concentration
        for at, node in enumerate((one.layers * n_cells + one.cells).tolist()):
            other, before = seen.setdefault((one.package, node), (one.id, values[:, at]))
            if other != one.id and (before != values[:, at]).any():
                raise ConfigError(
                    f"{one.id!r} and {other!r} are both {one.package} in cell {node % n_cells} and "
                    "bring water of different concentrations, which engine 'mt3dusgs' cannot tell "
                    "apart; give them the same concentration, or use engine 'mf6'"
                )


def _areal(model: TransportModel, package: str, period: int) -> list[str]:
    """Concentration of recharge, mixed by rate, or of what evapotranspiration takes along.

    evt without a concentration takes that of the cell: a negative number says so.
    """
    flow = model.flow
    placed = listed(flow, package)
    if not placed:
        return []
    carried = np.full(flow.grid.n_cells, 0.0 if package == "rcha" else -1.0)
    if package == "evt":
        evt_layers(flow)  # one in a column, or it is refused
        for one in placed:
            if one.concentration is not None:
                carried[one.cells] = one.concentration[period]
    else:
        water = np.zeros(flow.grid.n_cells)
        for one in placed:
            rate = one.values["recharge"][period]
            water[one.cells] += rate
            if one.concentration is not None:
                carried[one.cells] += rate * one.concentration[period]
        carried = np.divide(carried, water, out=np.zeros_like(water), where=water != 0)
    return [_integers(1), *array_lines(carried, _shape(model)[2])]
