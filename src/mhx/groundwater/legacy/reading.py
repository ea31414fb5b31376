"""Reads what MODFLOW-NWT leaves: heads, the budget of every cell, and the listing.

Both binary files are single precision, little endian, without record marks.  Heads: per step and
layer kstp, kper (int32), pertim, totim (float32), text (16 bytes), columns, rows, layer (int32),
heads (float32).  Budget: kstp, kper, text, columns, rows, minus the layers, then the method (int32)
and delt, pertim, totim (float32), and by method 1: all cells; 2 or 5: a list of node (from 1) and
rate, 5 with the number and names of further columns before; 3: a layer (from 1) and a value per
column; 4: a value per column of the uppermost layer.  Rates are m3/d, positive into the
groundwater; face flows are positive to the next column, row and layer.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mhx.errors import EvidenceError, SolverError
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.heads import MISSING, Heads
from mhx.groundwater.listing import FAILED, Listing, Step, percents

NORMAL = "Normal termination of simulation"
"""What MODFLOW-NWT prints on the screen, whose exit status is 0 whatever happens."""
FACES = ("flow right face", "flow front face", "flow lower face")
"""Flows to the next column, the next row (south) and the next layer (down)."""

_HEAD = struct.Struct("<2i16s3i")
_COMPACT = struct.Struct("<i3f")
_COUNT = struct.Struct("<i")
_PAIR = np.dtype([("node", "<i4"), ("rate", "<f4")])
_SOLVED = re.compile(
    r"NWT REQUIRED\s+(\d+)\s+OUTER ITERATIONS\s+AND A TOTAL OF\s+(\d+)\s+INNER ITERATIONS"
)
_NOT_SOLVED = re.compile(re.escape(FAILED) + r" IN TIME STEP\s+(\d+) OF STRESS PERIOD\s+(\d+)")
_VERSION = re.compile(r"^ *VERSION (\S+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One term of the budget in one step, counted from 1.

    text: in lower case, "constant head".  nodes: (k,) layer * n + cell.  rates: (k,) m3/d.
    """

    period: int
    step: int
    text: str
    nodes: Ids
    rates: Floats


class _Torn(Exception):
    """What does not fit; told with the path."""


def read_heads(
    path: Path, n_layers: int, n_cells: int, ends_d: dict[tuple[int, int], float]
) -> Heads:
    """Heads of the saved steps; EvidenceError where the file is torn or of another model.

    ends_d: (period, step) -> days since start at its end, which single precision rounds.
    """
    header = [("kstp", "<i4"), ("kper", "<i4"), ("pertim", "<f4"), ("totim", "<f4")]
    header += [("text", "S16"), ("columns", "<i4"), ("rows", "<i4"), ("layer", "<i4")]
    record = np.dtype([*header, ("values", "<f4", (n_cells,))])
    content = _content(path)
    steps, rest = divmod(len(content), record.itemsize * n_layers)
    if rest or not steps:
        raise EvidenceError(
            f"{path} is torn or of another model: {len(content)} bytes, a step of {n_layers} "
            f"layers and {n_cells} cells takes {record.itemsize * n_layers} in single precision"
        )
    table = np.frombuffer(content, record).reshape(steps, n_layers)
    ours = (
        (np.char.strip(table["text"]) == b"HEAD")
        & (table["columns"].astype(np.int64) * table["rows"] == n_cells)
        & (table["layer"] == np.arange(1, n_layers + 1))
    )
    found = list(zip(table["kper"][:, 0].tolist(), table["kstp"][:, 0].tolist(), strict=True))
    if not ours.all() or not set(found) <= set(ends_d):
        raise EvidenceError(f"{path} is altered or of another model")
    values = table["values"].astype(np.float64)
    if np.isnan(values).any():
        period, step = found[int(np.argmax(np.isnan(values).any(axis=(1, 2))))]
        raise SolverError(
            f"MODFLOW-NWT computed heads that are no numbers in stress period {period}, time step "
            f"{step}; see {path}"
        )
    return Heads(
        period=np.array([period for period, _ in found]),
        step=np.array([step for _, step in found]),
        time=np.array([ends_d[key] for key in found]),
        values=np.where(np.abs(values) > MISSING, np.nan, values),
        inactive=np.zeros((n_layers, n_cells), dtype=bool),
    )


def read_budget(path: Path, n_layers: int, n_cells: int) -> list[Record]:
    """All terms in the order of the file; EvidenceError where it is torn or not ours."""
    content = _content(path)
    try:
        found = list(_records(content, n_layers, n_cells))
    except (struct.error, ValueError, _Torn) as error:
        raise EvidenceError(f"{path} is torn, altered or of another model: {error}") from error
    if not found:
        raise EvidenceError(f"{path} holds no budget")
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error})") from error


def _records(content: bytes, n_layers: int, n_cells: int) -> Iterator[Record]:
    at = 0
    while at < len(content):
        step, period, text, columns, rows, layers = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        method, *_ = _COMPACT.unpack_from(content, at)
        at += _COMPACT.size
        name = text.decode("ascii", "replace").strip().lower()
        if (columns * rows, -layers) != (n_cells, n_layers) or min(step, period) < 1:
            raise _Torn(f"record {name!r} is of {columns} x {rows} x {-layers} cells")
        nodes, rates, at = _values(content, at, method, (n_layers, n_cells))
        if nodes.size and not (nodes.min() >= 0 and nodes.max() < n_layers * n_cells):
            raise _Torn(f"record {name!r} names cells beyond {n_layers * n_cells}")
        if not np.isfinite(rates).all():
            raise _Torn(f"record {name!r} holds values that are no numbers")
        yield Record(
            period=period, step=step, text=name, nodes=nodes, rates=rates.astype(np.float64)
        )


def _values(
    content: bytes, at: int, method: int, shape: tuple[int, int]
) -> tuple[Ids, Floats, int]:
    """Nodes from 0, values in single precision, and where the next record starts."""
    n_layers, n = shape
    if method == 1:
        size = n_layers * n
        return np.arange(size), np.frombuffer(content, "<f4", size, at), at + 4 * size
    if method in (2, 5):
        row = _PAIR
        if method == 5:
            (columns,) = _COUNT.unpack_from(content, at)
            at += _COUNT.size + 16 * (columns - 1)
            row = np.dtype([*_PAIR.descr, ("more", "<f4", (columns - 1,))])
        (count,) = _COUNT.unpack_from(content, at)
        table = np.frombuffer(content, row, count, at + _COUNT.size)
        end = at + _COUNT.size + table.nbytes
        return table["node"].astype(np.int64) - 1, table["rate"], end
    if method in (3, 4):
        layer = np.zeros(n, np.int64)
        if method == 3:
            layer = np.frombuffer(content, "<i4", n, at).astype(np.int64) - 1
            at += 4 * n
        return layer * n + np.arange(n), np.frombuffer(content, "<f4", n, at), at + 4 * n
    raise _Torn(f"a record is stored by method {method}")


def read_listing(path: Path, screen: Path, steps: list[tuple[int, int]]) -> Listing:
    """The run as its listing tells it; a file that is not there says nothing.

    steps: period and step of what was asked for, in order: NWT tells its iterations without them.
    """
    text, printed = _text(path), _text(screen)
    failed = {(int(p), int(s)): m for m in _NOT_SOLVED.finditer(text) for s, p in [m.groups()]}
    balances = dict(percents(text))
    nothing = (float("nan"), float("nan"))
    version = _VERSION.search(text)
    found = [
        Step(
            period=key[0],
            step=key[1],
            outer=int(match.group(1)),
            inner=int(match.group(2)),
            converged=key not in failed,
            percent_step=balances.get(key, nothing)[1],
            percent_cumulative=balances.get(key, nothing)[0],
            line=_line(text, failed[key].start() if key in failed else match.start()),
        )
        for key, match in zip(steps, _SOLVED.finditer(text), strict=False)
    ]
    return Listing(
        version=version.group(1) if version else "",
        steps=tuple(found),
        normal=NORMAL in printed,
    )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
