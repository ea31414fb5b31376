"""The text of every MODFLOW 6 input file of a flow model, byte for byte reproducible.

Numbers are written so that they read back exactly (the shortest such text, 17 digits where it takes
17), ids from 1, no dates, no paths.  Only words that 6.4.1 knows are written.  Each text is
remembered by the digest of what it is made of, for the next model of this process.

    write(model) -> name -> content, in the order of the simulation name file

`solute` asks for what a transport model reads of the flow: concentrations of what enters as the
auxiliary variable AUXILIARY, specific discharge, and flows between cells.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.memory import remembered
from mhx.groundwater.model import NAME, Boundary, FlowModel, Ims

HEADS, BUDGET, LISTING = f"{NAME}.hds", f"{NAME}.cbc", f"{NAME}.lst"
SIMULATION, SIMULATION_LISTING = "mfsim.nam", "mfsim.lst"
OUTER, INNER = f"{NAME}.outer.csv", f"{NAME}.inner.csv"
AUXILIARY = "concentration"
_TYPES = {"rcha": "rch"}  # MODFLOW reads arrays in the package of lists


def write(model: FlowModel, solute: bool = False) -> dict[str, bytes]:
    """Every input file of the model; solute: of the flow below a transport model."""
    grid = model.grid
    kind = grid.kind
    files = {
        SIMULATION: _simulation(),
        f"{NAME}.tdis": _tdis(model),
        f"{NAME}.ims": ims_text(model.ims),
        f"{NAME}.nam": _names(model),
        f"{NAME}.{kind}": remembered_text(
            "grid",
            (grid.digest, model.top, model.bottoms, model.write_grb),
            partial(_dis if kind == "dis" else _disv, model),
        ),
        f"{NAME}.ic": remembered_text("ic", (model.strt, grid.shape), partial(_ic, model)),
        f"{NAME}.npf": _npf(model, solute),
        f"{NAME}.oc": _oc(model),
    }
    if model.regime == "transient":
        files[f"{NAME}.sto"] = _sto(model)
    placed = model.boundaries.values()
    for boundary in map(_carrying, placed) if solute else placed:
        key = (boundary.package, grid.kind, grid.shape, grid.n_cells, boundary.cells,
               boundary.layers, *boundary.values, *boundary.values.values())  # fmt: skip
        make = _arrays if boundary.package == "rcha" else list_text
        files[file_of(boundary)] = remembered_text(
            boundary.name, key, partial(make, boundary, grid)
        )
    return files


def _carrying(boundary: Boundary) -> Boundary:
    """A boundary whose water carries something, with that as a column of its own."""
    if boundary.concentration is None:
        return boundary
    return replace(boundary, values={**boundary.values, AUXILIARY: boundary.concentration})


def file_of(boundary: Boundary) -> str:
    """Name of a package's file."""
    return f"{NAME}.{boundary.name}.{boundary.package}"


def remembered_text(kind: str, parts: Sequence[Any], make: Callable[[], bytes]) -> bytes:
    """A text that was made before of the same numbers, or made now."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.shape}{part.dtype}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(f"|{part!r}|".encode())
    return remembered(f"text of {kind}", digest.digest(), make)


def file_text(*blocks: str) -> bytes:
    return "\n".join(blocks).encode("ascii")


def block(name: str, lines: Iterable[str]) -> str:
    body = "".join(f"  {line}\n" for line in lines)
    return f"BEGIN {name}\n{body}END {name.split(maxsplit=1)[0]}\n"


def real(value: float) -> str:
    return repr(float(value))


def _reals(values: Floats) -> str:
    """One line; MODFLOW has no limit on its length that matters here."""
    return " ".join(map(repr, values.tolist()))


def _simulation() -> bytes:
    return file_text(
        block("options", []),
        block("timing", [f"TDIS6 {NAME}.tdis"]),
        block("models", [f"GWF6 {NAME}.nam {NAME}"]),
        block("exchanges", []),
        block("solutiongroup 1", [f"IMS6 {NAME}.ims {NAME}"]),
    )


def _tdis(model: FlowModel) -> bytes:
    start = [] if model.start is None else [f"START_DATE_TIME {model.start.replace(' ', 'T')}"]
    rows = [f"{real(p.length)} {p.steps} {real(p.multiplier)}" for p in model.periods]
    return file_text(
        block("options", [f"TIME_UNITS {model.time_unit}", *start]),
        block("dimensions", [f"NPER {len(rows)}"]),
        block("perioddata", rows),
    )


def ims_text(ims: Ims) -> bytes:
    """The file of an iterative solver."""
    nonlinear = [f"OUTER_DVCLOSE {real(ims.outer_dvclose)}", f"OUTER_MAXIMUM {ims.outer_maximum}"]
    linear = [f"INNER_MAXIMUM {ims.inner_maximum}", f"INNER_DVCLOSE {real(ims.inner_dvclose)}"]
    if ims.rclose is not None:
        option = "" if ims.rclose_option == "strict" else f" {ims.rclose_option.upper()}"
        strict = " STRICT" if ims.rclose_option == "strict" else option
        linear.append(f"INNER_RCLOSE {real(ims.rclose)}{strict}")
    linear.append(f"LINEAR_ACCELERATION {ims.linear_acceleration.upper()}")
    if ims.relaxation_factor is not None:
        linear.append(f"RELAXATION_FACTOR {real(ims.relaxation_factor)}")
    return file_text(
        block("options", ["PRINT_OPTION SUMMARY", f"COMPLEXITY {ims.complexity.upper()}"]),
        block("nonlinear", nonlinear),
        block("linear", linear),
    )


def _names(model: FlowModel) -> bytes:
    options = [f"LIST {LISTING}"]
    if model.formulation["newton"]:
        relaxed = " UNDER_RELAXATION" if model.formulation["under_relaxation"] else ""
        options.append(f"NEWTON{relaxed}")
    kinds = [model.grid.kind, "ic", "npf", *(["sto"] if model.regime == "transient" else []), "oc"]
    rows = [f"{kind.upper()}6 {NAME}.{kind} {kind}" for kind in kinds]
    rows += [
        f"{_TYPES.get(b.package, b.package).upper()}6 {file_of(b)} {b.name}"
        for b in model.boundaries.values()
    ]
    return file_text(block("options", options), block("packages", rows))


def layered(name: str, values: Floats, columns: int | None) -> list[str]:
    """One array of layers; a layer of one number is written as that number.

    columns: of a grid of rows and columns, whose rows MODFLOW reads line by line; else None.
    """
    lines = [f"{name} LAYERED"]
    for layer in values:
        if (layer == layer[0]).all():
            lines.append(f"  CONSTANT {real(layer[0])}")
        else:
            rows = layer.reshape(-1, columns or layer.size)
            lines += ["  INTERNAL FACTOR 1.0", *(f"  {_reals(row)}" for row in rows)]
    return lines


def columns_of(grid: Grid) -> int | None:
    return None if grid.shape is None else grid.shape[1]


def _ic(model: FlowModel) -> bytes:
    lines = layered("strt", model.strt, columns_of(model.grid))
    return file_text(block("options", []), block("griddata", lines))


def _flat(name: str, values: Floats, columns: int | None = None) -> list[str]:
    """An array of one layer, which is read without the word LAYERED."""
    return [name, *layered(name, values[None, :], columns)[1:]]


def _surface_lines(model: FlowModel) -> list[str]:
    columns = columns_of(model.grid)
    return [*_flat("top", model.top, columns), *layered("botm", model.bottoms, columns)]


def corner_of(grid: Grid) -> Floats:
    """South-west corner of the box around a grid, from which DISV counts [m].

    MODFLOW's areas are sums of products of coordinates: projected northings leave them 1e-6 off.
    """
    return np.asarray(grid.vertices.min(axis=0))


def _disv(model: FlowModel) -> bytes:
    grid, corner = model.grid, corner_of(model.grid)
    places = (grid.vertices - corner).tolist()
    vertices = [f"{number} {x!r} {y!r}" for number, (x, y) in enumerate(places, start=1)]
    corners, offsets = (grid.corners + 1).tolist(), grid.offsets.tolist()
    cells = []
    for cell, (x, y) in enumerate((grid.centres - corner).tolist()):
        ids = corners[offsets[cell] : offsets[cell + 1]]
        cells.append(f"{cell + 1} {x!r} {y!r} {len(ids)} {' '.join(map(str, ids))}")
    sizes = [f"NLAY {model.n_layers}", f"NCPL {grid.n_cells}", f"NVERT {len(vertices)}"]
    return file_text(
        block("options", [*_grid_options(model), *_origin(corner)]),
        block("dimensions", sizes),
        block("griddata", _surface_lines(model)),
        block("vertices", vertices),
        block("cell2d", cells),
    )


def _grid_options(model: FlowModel) -> list[str]:
    return ["LENGTH_UNITS METERS", *([] if model.write_grb else ["NOGRB"])]


def _origin(corner: Floats) -> list[str]:
    return [f"XORIGIN {real(corner[0])}", f"YORIGIN {real(corner[1])}"]


def spacing(grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Widths of columns, heights of rows from the north, and the south-west corner [m]."""
    assert grid.shape is not None  # "dis" has one
    x = np.unique(grid.vertices[:, 0])
    y = np.unique(grid.vertices[:, 1])
    return np.diff(x), np.diff(y)[::-1], np.array([x[0], y[0]])


def _dis(model: FlowModel) -> bytes:
    grid = model.grid
    assert grid.shape is not None  # "dis" has one
    rows, columns = grid.shape
    width, height, corner = spacing(grid)
    sizes = [f"NLAY {model.n_layers}", f"NROW {rows}", f"NCOL {columns}"]
    lines = [*_flat("delr", width), *_flat("delc", height), *_surface_lines(model)]
    return file_text(
        block("options", [*_grid_options(model), *_origin(corner)]),
        block("dimensions", sizes),
        block("griddata", lines),
    )


def _npf(model: FlowModel, solute: bool) -> bytes:
    options = []
    if model.save_flow_ja or solute:  # the other two are saved by this word only
        options += ["SAVE_FLOWS", "SAVE_SPECIFIC_DISCHARGE", "SAVE_SATURATION"]
    if model.formulation["xt3d"]:
        options.append("XT3D")
    kept = {key: model.properties[key] for key in K if key in model.properties}
    convertible = model.formulation["convertible"]
    columns = columns_of(model.grid)
    key = (*options, convertible, columns, *kept, *kept.values())

    def made() -> bytes:
        lines = [line for name, values in kept.items() for line in layered(name, values, columns)]
        icelltype = ["icelltype", f"  CONSTANT {convertible}"]
        # MODFLOW 6.4.1 refuses a file without this block, even where it is empty
        return file_text(block("options", options), block("griddata", icelltype + lines))

    return remembered_text("npf", key, made)


K = ("k", "k22", "k33", "angle1")


def _sto(model: FlowModel) -> bytes:
    convertible = model.formulation["convertible"]
    ss, sy = model.properties["ss"], model.properties["sy"]
    columns = columns_of(model.grid)

    def made() -> bytes:
        lines = ["iconvert", f"  CONSTANT {convertible}"]
        lines += [*layered("ss", ss, columns), *layered("sy", sy, columns)]
        return file_text(
            block("options", ["SAVE_FLOWS"]),
            block("griddata", lines),
            block("period 1", ["TRANSIENT"]),
        )

    return remembered_text("sto", (convertible, columns, ss, sy), made)


def _oc(model: FlowModel) -> bytes:
    when = model.save.upper()
    saved = [f"SAVE HEAD {when}", f"SAVE BUDGET {when}", "PRINT BUDGET ALL"]
    return file_text(
        block("options", [f"HEAD FILEOUT {HEADS}", f"BUDGET FILEOUT {BUDGET}"]),
        block("period 1", saved),
    )


def changes(values: Iterable[Floats]) -> list[int]:
    """Periods whose numbers differ from those before; the first is one."""
    columns = list(values)
    return [
        period
        for period in range(len(columns[0]))
        if period == 0 or any((c[period] != c[period - 1]).any() for c in columns)
    ]


def cell_ids(boundary: Boundary, grid: Grid) -> list[str]:
    """MODFLOW's ids, from 1: `layer cell`, or `layer row column`."""
    layers = (boundary.layers + 1).tolist()
    if grid.shape is None:
        cells = (boundary.cells + 1).tolist()
        return [f"{layer} {cell}" for layer, cell in zip(layers, cells, strict=True)]
    rows, columns = np.divmod(boundary.cells, grid.shape[1])
    return [
        f"{layer} {row} {column}"
        for layer, row, column in zip(
            layers, (rows + 1).tolist(), (columns + 1).tolist(), strict=True
        )
    ]


def _options(boundary: Boundary, *words: str) -> str:
    carried = [f"AUXILIARY {AUXILIARY}"] if AUXILIARY in boundary.values else []
    return block("options", [*words, *carried, "SAVE_FLOWS"])


def list_text(boundary: Boundary, grid: Grid) -> bytes:
    ids, columns = cell_ids(boundary, grid), list(boundary.values.values())
    periods = []
    for period in changes(columns):
        rows = zip(ids, *(column[period].tolist() for column in columns), strict=True)
        lines = [f"{cell} {' '.join(map(repr, numbers))}" for cell, *numbers in rows]
        periods.append(block(f"period {period + 1}", lines))
    sizes = [f"MAXBOUND {len(ids)}", *(["NSEG 1"] if boundary.package == "evt" else [])]
    return file_text(_options(boundary), block("dimensions", sizes), *periods)


def _arrays(boundary: Boundary, grid: Grid) -> bytes:
    columns = boundary.values
    periods = []
    for period in changes(columns.values()):
        lines = []
        for name, values in columns.items():
            everywhere = np.zeros(grid.n_cells)
            everywhere[boundary.cells] = values[period]
            lines += _flat(name, everywhere, columns_of(grid))
        periods.append(block(f"period {period + 1}", lines))
    return file_text(_options(boundary, "READASARRAYS"), *periods)
