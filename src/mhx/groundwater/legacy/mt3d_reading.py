"""Reads what MT3D-USGS leaves: concentrations and the mass budget of every transport step.

Concentrations (MT3D001.UCN) are single precision, little endian, without record marks: transport
step, time step, period (int32), time (float32), text (16 bytes), columns, rows, layer (int32), then
values (float32).  The listing prints masses so far [kg], in and out, to seven digits; out is
negative, and what goes into storage counts as out.  A time step may hold several transport steps:
the last of them ends with it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater.grid import Flags, Floats
from mhx.groundwater.heads import MISSING

NORMAL = "Program completed."
"""What MT3D-USGS prints on the screen at a normal end."""
COMPONENTS = {
    "CONSTANT CONCENTRATION": "cnc",
    "CONSTANT HEAD": "chd",
    "WELLS": "wel",
    "DRAINS": "drn",
    "RIVERS": "riv",
    "HEAD-DEPENDENT BOUNDARY": "ghb",
    "RECHARGE": "rcha",
    "EVAPOTRANSPIRATION": "evt",
    "MASS LOADING": "src",
    "1ST/0TH ORDER REACTION": "decay",
    "MASS STOR (FLOW MODEL)": "storage",
    "MASS STORAGE (SOLUTE)": "storage",
    "MASS STORAGE (SORBED)": "sorption",
}
"""Terms of the budget -> the components of MODFLOW 6 that they are."""

_STEP = re.compile(
    r"CUMULATIVE MASS BUDGETS AT END OF TRANSPORT STEP +\d+, TIME STEP +(?P<step>\d+), "
    r"STRESS PERIOD +(?P<period>\d+)"
)
_TERM = re.compile(r"^ *(\S[^:\n]*?): +(\S+) +(?:KG +)?(\S+)(?: +KG)? *$", re.MULTILINE)
_CALLS = re.compile(
    r"^ *(?P<calls>\d+) CALLS TO GCG PACKAGE FOR TRANSPORT TIME STEP +\d+ IN FLOW TIME STEP"
    r" +(?P<step>\d+) STRESS PERIOD +(?P<period>\d+)\s+(?P<iterations>\d+) TOTAL ITERATIONS",
    re.MULTILINE,
)
_TOTAL = "[TOTAL]"


@dataclass(frozen=True, kw_only=True)
class Masses:
    """Mass budgets at the end of every time step.

    components: name -> (m, 2) kg that came in and went out so far.  total: (m, 2) of all of them.
    line: (m,) where each stands in the listing.
    """

    components: dict[str, Floats]
    total: Floats
    line: list[int]


def read_concentrations(path: Path, shape: tuple[int, int], keys: list[tuple[int, int]]) -> Floats:
    """(m, n_layers, n) kg/m3 at the end of every time step, NaN where there is none.

    shape: layers and cells.  keys: (period, step) of the time steps, in order.
    EvidenceError where the file is torn, of another model, or a step is missing.
    """
    layers, cells = shape
    head = [("sub", "<i4"), ("kstp", "<i4"), ("kper", "<i4"), ("time", "<f4"), ("text", "S16")]
    head += [("columns", "<i4"), ("rows", "<i4"), ("layer", "<i4")]
    record = np.dtype([*head, ("values", "<f4", (cells,))])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error})") from error
    steps, rest = divmod(len(content), record.itemsize * layers)
    if rest or not steps:
        raise EvidenceError(
            f"{path} is torn or of another model: {len(content)} bytes, a step of {layers} layers "
            f"and {cells} cells takes {record.itemsize * layers}"
        )
    table = np.frombuffer(content, record).reshape(steps, layers)
    ours = (
        (np.char.strip(table["text"]) == b"CONCENTRATION")
        & (table["columns"].astype(np.int64) * table["rows"] == cells)
        & (table["layer"] == np.arange(1, layers + 1))
    )
    if not ours.all():
        raise EvidenceError(f"{path} is altered or of another model")
    found = zip(table["kper"][:, 0].tolist(), table["kstp"][:, 0].tolist(), strict=True)
    last = {key: at for at, key in enumerate(found)}  # the last transport step of each
    missing = [key for key in keys if key not in last]
    if missing:
        raise EvidenceError(
            f"{path} holds {len(keys) - len(missing)} of {len(keys)} time steps; run the model "
            "again"
        )
    values = table["values"][[last[key] for key in keys]].astype(np.float64)
    return np.where(np.abs(values) > MISSING, np.nan, values)


def read_masses(listing: str, keys: list[tuple[int, int]]) -> Masses:
    """The budgets in the text of a listing; EvidenceError where one of `keys` is not told of."""
    blocks: dict[tuple[int, int], tuple[int, int]] = {}
    starts = list(_STEP.finditer(listing))
    ends = [*(match.start() for match in starts[1:]), len(listing)]
    for match, end in zip(starts, ends, strict=True):
        blocks[int(match["period"]), int(match["step"])] = (match.end(), end)
    missing = [key for key in keys if key not in blocks]
    if missing:
        period, step = missing[0]
        raise EvidenceError(
            f"the listing of MT3D-USGS tells no budget of stress period {period}, time step {step}"
        )
    found: dict[str, Floats] = {}
    total = np.zeros((len(keys), 2))
    for at, key in enumerate(keys):
        for name, entered, left in _TERM.findall(listing, *blocks[key]):
            masses = (_number(entered), -_number(left))
            if name == _TOTAL:
                total[at] = masses
            elif name in COMPONENTS:
                table = found.setdefault(COMPONENTS[name], np.zeros((len(keys), 2)))
                table[at] += masses
    lines = _lines(listing, [blocks[key][0] for key in keys])
    return Masses(components=found, total=total, line=lines)


def converged(listing: str, keys: list[tuple[int, int]], most: int) -> Flags:
    """(m,) whether the solver closed in every transport step of each time step.

    most: iterations of one call, after which MT3D-USGS goes on without a word: a call that used
    them all did not close.
    """
    told: dict[tuple[int, int], bool] = {}
    for match in _CALLS.finditer(listing):
        key = (int(match["period"]), int(match["step"]))
        closed = int(match["iterations"]) < most * int(match["calls"])
        told[key] = told.get(key, True) and closed
    return np.array([told.get(key, False) for key in keys])


def _number(text: str) -> float:
    """A number of Fortran; stars and other words are none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _lines(text: str, positions: list[int]) -> list[int]:
    found, line, reached = [], 1, 0
    for position in positions:
        line, reached = line + text.count("\n", reached, position), position
        found.append(line)
    return found
