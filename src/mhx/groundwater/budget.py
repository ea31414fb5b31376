"""Reads the binary budget file of MODFLOW 6: who gave and took how much water, cell by cell.

A record is kstp, kper (int32), text (16 bytes), three sizes (int32, the last negative), the method
(int32), the step length, pertim and totim (float64), then method 1: one float64 per cell; method 6:
four names of 16 bytes, the number of columns, their names, the number of rows, and rows of two ids
(int32, from 1) and the columns (float64), the first of which is the rate.  Little endian; rates in
MODFLOW's units (m3 per its unit of time), positive into the groundwater.  Flows between cells and
`DATA-...` records are no sources and are stepped over; flows from and to another model come under
the name of flows between cells, with rows: their component is the type of the exchange, `gwf-gwf`.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater.grid import Floats, Ids

_HEAD = struct.Struct("<2i16s3i")
_COMPACT = struct.Struct("<i3d")
_COUNT = struct.Struct("<i")
_NAMES = 64
BETWEEN_CELLS = "FLOW-JA-FACE"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What one package, or storage, gives to the cells in one step.

    period, step: counted from 1.  length, time: of the step and since the start, MODFLOW's unit.
    component: package type in lower case (chd, rcha, sto-ss, wel-to-mvr, gwf-gwf).
    package: its name as MODFLOW writes it, "" for storage.
    nodes: (k,) layer * n + cell.  rates: (k,) positive into the groundwater.
    """

    period: int
    step: int
    length: float
    time: float
    component: str
    package: str
    nodes: Ids
    rates: Floats


def read_budget(path: Path, n_nodes: int) -> list[Exchange]:
    """All exchanges in the order of the file; EvidenceError where it is torn or not ours."""
    with _content(path) as content:
        found = list(_exchanges(content, n_nodes))
    if not found:
        raise EvidenceError(f"{path} holds no budget")
    return found


def read_faces(path: Path, size: int) -> dict[tuple[int, int], Floats]:
    """(period, step) -> flows between cells as MODFLOW writes them, positive into the first cell.

    size: how many there are.  Empty where they were not saved; EvidenceError as `read_budget`.
    """
    found = {}
    with _content(path) as content:
        for name, (period, step, *_), (package, _, rates) in _records(content):
            if name == BETWEEN_CELLS and not package:
                if rates.size != size:
                    raise _Torn(f"record {name!r} has {rates.size} values, {size} were expected")
                found[period, step] = _numbers(name, rates)
    return found


class _Torn(Exception):
    """What does not fit; told with the path."""


@contextmanager
def _content(path: Path) -> Iterator[bytes]:
    """The bytes of a budget file; what does not fit in them is told as EvidenceError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error})") from error
    try:
        yield content
    except (struct.error, _Torn) as error:
        raise EvidenceError(f"{path} is torn, altered or of another model: {error}") from error


_When = tuple[int, int, float, float]
_Values = tuple[str, Ids | None, Floats]


def _exchanges(content: bytes, n_nodes: int) -> Iterator[Exchange]:
    for name, (period, step, length, time), (package, nodes, rates) in _records(content):
        if (name == BETWEEN_CELLS and nodes is None) or name.startswith("DATA-"):
            continue
        if nodes is None and rates.size != n_nodes:
            raise _Torn(f"record {name!r} has {rates.size} values for {n_nodes} cells")
        yield Exchange(
            period=period,
            step=step,
            length=length,
            time=time,
            component=_component(name, package),
            package=package,
            nodes=_checked(name, nodes, n_nodes),
            rates=_numbers(name, rates),
        )


def _records(content: bytes) -> Iterator[tuple[str, _When, _Values]]:
    """Name, (period, step, length, time), and (package, nodes from 1 or None, rates)."""
    at = 0
    while at < len(content):
        step, period, text, n1, n2, n3 = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        method, length, _, time = _COMPACT.unpack_from(content, at)
        at += _COMPACT.size
        name = text.decode("ascii", "replace").strip()
        if min(step, period, n1, n2, -n3) < 1:
            raise _Torn(f"record {name!r} has step {step}, period {period}, size {n1, n2, n3}")
        nodes: Ids | None = None
        if method == 1:
            rates = _array(content, at, n1 * n2 * -n3)
            at += rates.nbytes
            package = ""
        elif method == 6:
            package, nodes, rates, at = _rows(content, at)
        else:
            raise _Torn(f"record {name!r} is stored by method {method}")
        yield name, (period, step, length, time), (package, nodes, rates)


def _component(name: str, package: str) -> str:
    if name == BETWEEN_CELLS:  # GWF-GWF_1: the type of the exchange, and its number
        name = package.rpartition("_")[0]
    return name.lower().replace(" ", "-")


def _array(content: bytes, at: int, count: int) -> Floats:
    if at + 8 * count > len(content):
        raise _Torn(f"it ends after {len(content)} bytes, {at + 8 * count} are announced")
    return np.frombuffer(content, "<f8", count, at)


def _rows(content: bytes, at: int) -> tuple[str, Ids, Floats, int]:
    """Name of the package, nodes counted from 1, rates, and where the next record starts."""
    package = content[at + 48 : at + _NAMES].decode("ascii", "replace").strip()
    at += _NAMES
    (columns,) = _COUNT.unpack_from(content, at)
    at += _COUNT.size + 16 * (columns - 1)
    (rows,) = _COUNT.unpack_from(content, at)
    at += _COUNT.size
    if columns < 1 or rows < 0:
        raise _Torn(f"package {package!r} has {rows} rows of {columns} columns")
    row = np.dtype([("node", "<i4"), ("other", "<i4"), ("values", "<f8", (columns,))])
    end = at + rows * row.itemsize
    if end > len(content):
        raise _Torn(f"it ends after {len(content)} bytes, {end} are announced")
    table = np.frombuffer(content, row, rows, at)
    return package, table["node"].astype(np.int64), table["values"][:, 0], end


def _checked(name: str, nodes: Ids | None, n_nodes: int) -> Ids:
    if nodes is None:
        return np.arange(n_nodes)
    if nodes.size and not (nodes.min() >= 1 and nodes.max() <= n_nodes):
        raise _Torn(f"record {name!r} names cells beyond {n_nodes}")
    return nodes - 1


def _numbers(name: str, rates: Floats) -> Floats:
    if not np.isfinite(rates).all():
        raise _Torn(f"record {name!r} holds values that are no numbers")
    return rates
