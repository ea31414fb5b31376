"""The text of every MODFLOW-NWT input file of a flow model, byte for byte reproducible.

Metres and days; numbers read back exactly, though MODFLOW-NWT keeps most of them in single
precision; ids from 1, no dates, no paths.  Boundaries of one type stand in one list, in the order
of the configuration: `listed` is that order, by which the budget is taken apart again.
Niswonger, Panday and Ibaraki, USGS Techniques and Methods 6-A37 (2011); input after the online
guide to MODFLOW-NWT, and Harbaugh, USGS Techniques and Methods 6-A16 (2005).

    write(model, settings) -> name -> content, in the order of the name file
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.model import NAME, Boundary, FlowModel
from mhx.groundwater.solver import Nwt
from mhx.groundwater.writer import cell_ids, changes, spacing

NAMES, LISTING = f"{NAME}.nam", f"{NAME}.lst"
HEADS, BUDGET, LINK = f"{NAME}.hds", f"{NAME}.cbc", f"{NAME}.ftl"
HEADS_UNIT, BUDGET_UNIT, LINK_UNIT = 51, 53, 54
LISTS = {"chd": "CHD", "wel": "WEL", "drn": "DRN", "riv": "RIV", "ghb": "GHB"}
"""Packages that MODFLOW reads as lists of cells."""
DRY_HEAD = -1e30
THICKFACT = 1e-6
"""Share of a cell over which its conductance goes to zero; what MODFLOW 6 takes [1]."""
PHIRAMP = 1e-6
"""Saturated share of a cell below which a well is throttled: MODFLOW 6 does not [1]."""
_PER_LINE = 20


def write(model: FlowModel, settings: Nwt, link: bool = False) -> dict[str, bytes]:
    """Every input file; link: also what makes MODFLOW write the flows for MT3D-USGS.

    ConfigError where two evt lie in one column, of which MODFLOW-NWT takes one.
    """
    assert model.time_unit == "days"  # nwt.py sees to it
    texts = {
        "dis": _dis(model),
        "bas": _bas(model),
        "upw": _upw(model),
        "nwt": _nwt(settings, model.strt.size - model.fixed_cells.size),
        **{p: _list(model, p) for p in LISTS if listed(model, p)},
    }
    if listed(model, "rcha"):
        texts["rch"] = _rch(model)
    if listed(model, "evt"):
        texts["evt"] = _evt(model)
    if link:
        texts["lmt"] = _link()
    texts["oc"] = _oc(model)
    files = {NAMES: _names(tuple(texts)), **{f"{NAME}.{k}": text for k, text in texts.items()}}
    return {name: text.encode("ascii") for name, text in files.items()}


def listed(model: FlowModel, package: str) -> list[Boundary]:
    """Boundaries of one package, in the order of their rows."""
    return [one for one in model.boundaries.values() if one.package == package]


def evt_layers(model: FlowModel) -> Ids:
    """(n,) layer of evapotranspiration in each column, 0 also where there is none."""
    owner: dict[int, str] = {}
    layers = np.zeros(model.grid.n_cells, np.int64)
    for one in listed(model, "evt"):
        for cell, layer in zip(one.cells.tolist(), one.layers.tolist(), strict=True):
            if cell in owner:
                raise ConfigError(
                    f"flow.source {one.id!r}: MODFLOW-NWT takes one evt in a column, cell {cell} "
                    f"has that of {owner[cell]!r}, too; leave it out of where, or use engine 'mf6'"
                )
            owner[cell] = one.id
            layers[cell] = layer
    return layers


def _names(kinds: Sequence[str]) -> str:
    types = {"bas": "BAS6", "lmt": "LMT6"}
    rows = [f"LIST 2 {LISTING}"]
    rows += [
        f"{types.get(kind, kind.upper())} {10 + number} {NAME}.{kind}"
        for number, kind in enumerate(kinds, start=1)
    ]
    rows += [f"DATA(BINARY) {HEADS_UNIT} {HEADS} REPLACE"]
    rows += [f"DATA(BINARY) {BUDGET_UNIT} {BUDGET} REPLACE"]
    return _lines(rows)


def _lines(rows: Iterable[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def array_lines(values: Floats | Ids, columns: int) -> list[str]:
    """One array of a layer, or one row of it: as a number where it is one."""
    if (values == values[0]).all():
        return [f"CONSTANT {values[0].item()!r}"]
    ones = "1" if values.dtype.kind == "i" else "1.0"
    lines = [f"INTERNAL {ones} (FREE) -1"]
    for row in values.reshape(-1, columns).tolist():
        parts = [row[at : at + _PER_LINE] for at in range(0, columns, _PER_LINE)]
        lines += [" ".join(map(repr, part)) for part in parts]
    return lines


def _columns(model: FlowModel) -> int:
    assert model.grid.shape is not None  # limits.py refuses other grids
    return model.grid.shape[1]


def _layered(model: FlowModel, values: Floats | Ids) -> list[str]:
    return [line for layer in values for line in array_lines(layer, _columns(model))]


def _dis(model: FlowModel) -> str:
    assert model.grid.shape is not None  # limits.py refuses other grids
    rows, columns = model.grid.shape
    width, height, _ = spacing(model.grid)
    kind = "TR" if model.regime == "transient" else "SS"
    days, metres = 4, 2
    return _lines(
        [
            f"{model.n_layers} {rows} {columns} {len(model.periods)} {days} {metres}",
            " ".join(["0"] * model.n_layers),
            *array_lines(width, columns),
            *array_lines(height, rows),
            *array_lines(model.top, columns),
            *_layered(model, model.bottoms),
            *(f"{p.length!r} {p.steps} {p.multiplier!r} {kind}" for p in model.periods),
        ]
    )


def _bas(model: FlowModel) -> str:
    active = np.ones(model.strt.shape, np.int64)
    return _lines(["FREE", *_layered(model, active), "1e30", *_layered(model, model.strt)])


def _upw(model: FlowModel) -> str:
    """K along rows, its ratio along columns, vertical K, and storage, layer by layer."""
    n, found = model.n_layers, model.properties
    convertible = model.formulation["convertible"]
    ratio = "k22" in found
    rows = [
        f"{BUDGET_UNIT} {DRY_HEAD!r} 0 0",
        " ".join([str(convertible)] * n),
        " ".join(["0"] * n),  # harmonic mean, as MODFLOW 6 without further words
        " ".join(["-1.0" if ratio else "1.0"] * n),
        " ".join(["0"] * n),  # VKA is vertical K
        " ".join(["0"] * n),  # no wetting: Newton needs none
    ]
    for layer in range(n):
        arrays = [found["k"]]
        arrays += [found["k22"] / found["k"]] if ratio else []
        arrays.append(found.get("k33", found["k"]))
        if model.regime == "transient":
            arrays += [found["ss"], *([found["sy"]] if convertible else [])]
        rows += [line for values in arrays for line in array_lines(values[layer], _columns(model))]
    return _lines(rows)


def _nwt(settings: Nwt, free: int) -> str:
    """Newton with under-relaxation and backtracking, and the linear solver.

    free: cells without a fixed head.  XMD, which is many times faster, fails on a single one.
    """
    tight = 0.1 * settings.head_tolerance
    # BiCGSTAB, reverse Cuthill-McKee ordering, fill 5, no reduced system
    xmd = f"2 1 5 2 0 0.0 1 0.0001 {tight!r} 200"
    number, linear = (2, xmd) if free > 1 else (1, "500 2 2 1e-12 20")
    first = f"{settings.head_tolerance!r} {settings.flux_tolerance!r} {settings.outer_maximum}"
    damping = "0.85 1e-05 0.0 0.1 1 50 1.1 0.7"
    return _lines([f"{first} {THICKFACT!r} {number} 0 0 SPECIFIED {damping}", linear])


def _list(model: FlowModel, package: str) -> str:
    """One list package; columns of chd are the head at the start and at the end of a period."""
    placed = listed(model, package)
    count = sum(one.cells.size for one in placed)
    header = f"{count}" if package == "chd" else f"{count} {BUDGET_UNIT}"
    rows = [header, *([f"SPECIFY {PHIRAMP!r} 0"] if package == "wel" else [])]
    changed = changes([column for one in placed for column in one.values.values()])
    for period in range(len(model.periods)):
        if period not in changed:
            rows.append("-1 0")
            continue
        rows.append(f"{count} 0")
        for one in placed:
            columns = list(one.values.values()) * (2 if package == "chd" else 1)
            numbers = zip(*(column[period].tolist() for column in columns), strict=True)
            ids = cell_ids(one, model.grid)
            rows += [f"{i} {' '.join(map(repr, n))}" for i, n in zip(ids, numbers, strict=True)]
    return _lines(rows)


def _rch(model: FlowModel) -> str:
    """Recharge of all sources added up, on the uppermost layer."""
    placed = listed(model, "rcha")
    changed = changes([one.values["recharge"] for one in placed])
    rows = [f"1 {BUDGET_UNIT}"]
    for period in range(len(model.periods)):
        if period not in changed:
            rows.append("-1 0")
            continue
        total = np.zeros(model.grid.n_cells)
        for one in placed:
            total[one.cells] += one.values["recharge"][period]
        rows += ["1 0", *array_lines(total, _columns(model))]
    return _lines(rows)


def _evt(model: FlowModel) -> str:
    """Evapotranspiration: per column its surface, largest rate, extinction depth and layer."""
    placed, columns = listed(model, "evt"), _columns(model)
    layers = evt_layers(model) + 1
    changed = changes([column for one in placed for column in one.values.values()])
    rows = [f"2 {BUDGET_UNIT}"]
    for period in range(len(model.periods)):
        if period not in changed:
            rows.append("-1 -1 -1 -1")
            continue
        tables: Mapping[str, Floats] = {
            "surface": model.top.copy(),
            "rate": np.zeros(model.grid.n_cells),
            "depth": np.ones(model.grid.n_cells),
        }
        for one in placed:
            for name, values in one.values.items():
                tables[name][one.cells] = values[period]
        rows += [
            "1 1 1 1",
            *(line for table in tables.values() for line in array_lines(table, columns)),
        ]
        rows += array_lines(layers, columns)
    return _lines(rows)


def _link() -> str:
    return _lines(
        [
            f"OUTPUT_FILE_NAME {LINK}",
            f"OUTPUT_FILE_UNIT {LINK_UNIT}",
            "OUTPUT_FILE_HEADER EXTENDED",
            "OUTPUT_FILE_FORMAT UNFORMATTED",
        ]
    )


def _oc(model: FlowModel) -> str:
    """Heads and budgets of the saved steps; the listing tells the balance of every step."""
    rows = [f"HEAD SAVE UNIT {HEADS_UNIT}", "COMPACT BUDGET"]
    for number, period in enumerate(model.periods, start=1):
        for step in range(1, period.steps + 1):
            rows += [f"PERIOD {number} STEP {step}", "PRINT BUDGET"]
            if model.save == "all" or step == period.steps:
                rows += ["SAVE HEAD", "SAVE BUDGET"]
    return _lines(rows)
