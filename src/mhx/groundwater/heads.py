"""Reads the binary head file of MODFLOW 6, all steps at once, with checks of every header.

The file is a sequence of records, one per step and layer: kstp, kper (int32), pertim, totim
(float64), text (16 bytes), two counts, the layer (int32), then the heads (float64), little endian;
the counts are cells and 1 for DISV and DISU, columns and rows for DIS.  Times and heads are in
MODFLOW's units.  Values beyond 1e20 in magnitude mark dry or inactive cells: NaN here.
Concentrations are kept in the same form, with another text.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mhx.errors import EvidenceError, SolverError
from mhx.groundwater.grid import Flags, Floats, Ids

MISSING = 1e20
"""MODFLOW writes 1e30 where a cell is inactive, -1e30 where it is dry."""
_PLURAL = {"HEAD": "heads", "CONCENTRATION": "concentrations"}


@dataclass(frozen=True, kw_only=True)
class Heads:
    """Heads of the saved steps.

    period, step: (s,) counted from 1, as MODFLOW does.  time: (s,) since the start.
    values: (s, n_layers, n), NaN where a cell is dry or inactive.
    inactive: (n_layers, n) cells that take no part; None where the file does not tell.
    """

    period: Ids
    step: Ids
    time: Floats
    values: Floats
    inactive: Flags | None = None


def read_heads(path: Path, n_layers: int, n_cells: int, text: str = "HEAD") -> Heads:
    """Every saved step; EvidenceError where the file is torn or of another model.

    text: what the records are called: HEAD, CONCENTRATION.
    """
    header = [("kstp", "<i4"), ("kper", "<i4"), ("pertim", "<f8"), ("totim", "<f8")]
    header += [("text", "S16"), ("columns", "<i4"), ("rows", "<i4"), ("layer", "<i4")]
    record = np.dtype([*header, ("values", "<f8", (n_cells,))])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error})") from error
    steps, rest = divmod(len(content), record.itemsize * n_layers)
    if rest or not steps:
        raise EvidenceError(
            f"{path} is torn or of another model: {len(content)} bytes, a step of {n_layers} "
            f"layers and {n_cells} cells takes {record.itemsize * n_layers}"
        )
    table = np.frombuffer(content, record).reshape(steps, n_layers)
    _check(path, table, n_cells, text)
    values = table["values"]
    broken = np.isnan(values)
    if broken.any():
        at = int(np.argmax(broken.any(axis=(1, 2))))
        first = table[at, 0]
        raise SolverError(
            f"MODFLOW 6 computed {_PLURAL[text]} that are no numbers: {int(broken[at].sum())} of "
            f"{values[at].size} in stress period {first['kper']}, time step {first['kstp']}; "
            f"see {path}"
        )
    return Heads(
        period=table["kper"][:, 0].astype(np.int64),
        step=table["kstp"][:, 0].astype(np.int64),
        time=table["totim"][:, 0].copy(),
        values=np.where(np.abs(values) > MISSING, np.nan, values),
        inactive=np.all(values > MISSING, axis=0),
    )


def _check(path: Path, table: np.ndarray, n_cells: int, text: str) -> None:
    """Headers say what the sizes let us assume."""
    in_order = np.arange(1, table.shape[1] + 1)
    first = table[:, :1]
    ours = (
        (np.char.strip(table["text"]) == text.encode("ascii"))
        & (table["columns"].astype(np.int64) * table["rows"] == n_cells)
        & (table["layer"] == in_order)
        & (table["kstp"] == first["kstp"])
        & (table["kper"] == first["kper"])
        & (table["totim"] == first["totim"])
        & (table["kstp"] >= 1)
        & (table["kper"] >= 1)
    )
    if not ours.all():
        number = int(np.argmin(ours.ravel()))
        header = {name: table.ravel()[number][name] for name in ("text", "kstp", "kper", "layer")}
        told = ", ".join(f"{name} {value!r}" for name, value in header.items())
        raise EvidenceError(
            f"{path} is altered or of another model: record {number + 1} has {told}"
        )
    if not (np.diff(table["totim"][:, 0]) > 0).all():
        raise EvidenceError(f"{path} is altered: its steps are not in the order of time")
