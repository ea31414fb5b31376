"""Measured values as rows, from `[[observation]]` tables and their CSV files, each fault told.

A row says what was measured, where and when; whether the run has such a place and moment is asked
of a `Scope`, which a configuration knows in part and a finished run as a whole.  Values here are
SI, times days since the start.  Reads files, computes nothing of a model; no numpy.
"""

import csv
import datetime
import difflib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mhx.config import faults_in
from mhx.config.faults import Told
from mhx.config.lines import Place
from mhx.groundwater.measured.config import Observation
from mhx.groundwater.memory import key_of, remembered
from mhx.groundwater.units import UNITS, to_si

TABLE = "observation"
COLUMNS = tuple(name for name in Observation.model_fields if name != "file")
"""Columns that a file may have."""
DIMENSION = {"head": "length", "flow": "discharge"}
"""What the unit of a quantity measures."""
TOLD = 5  # faults of one file that a message names before it counts the rest
ROUND_OFF = 1e-9  # of the length of the run: so far beyond its end a time still lies in it
_PLACES = {"head": ("x", "y", "cell", "layer"), "flow": ("boundary",)}
_NUMBERS: Mapping[str, type] = {
    **dict.fromkeys(("x", "y", "time", "value", "standard_deviation", "weight"), float),
    **dict.fromkeys(("cell", "layer"), int),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured value.

    place: of its table in the configuration; line: in its CSV file, 0 where there is none.
    value, standard_deviation: m or m3/s.  layer: from 1.  time: days, a date, or None: steady.
    weight: of its squared residual; 0: shown, not counted.
    """

    place: Place
    file: str = ""
    line: int = 0
    id: str
    quantity: Literal["head", "flow"]
    model: str | None
    x: float | None
    y: float | None
    cell: int | None
    layer: int
    boundary: str | None
    time: float | str | None
    value: float
    standard_deviation: float | None
    weight: float


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which places and moments a run has, as far as they are known.

    boundaries: ids whose budget is told; kind: what they are called.  end_d: length of the run,
    None where it is not known.  start: date at time 0; start_key: what says it.
    box: (west, east, south, north) that holds the mesh.  n_cells: of one layer.
    """

    boundaries: tuple[str, ...]
    kind: str = "a boundary or source"
    layers: int | None = None
    end_d: float | None = None
    steady: bool = False
    start: str | None = None
    start_key: str = "flow.time.start"
    box: tuple[float, float, float, float] | None = None
    n_cells: int | None = None


@dataclass
class Faults:
    """Faults of rows: those of a file in one line of the message, at the key of the file."""

    _tables: list[Told] = field(default_factory=list)
    _files: dict[Place, list[tuple[int, str]]] = field(default_factory=dict)

    def say(self, row: Row, key: str, text: str) -> None:
        """A fault at a key of a row."""
        if row.line:
            self.line(row.place, row.file, row.line, f"{key} {text}")
        else:
            self._tables.append(Told((*row.place, key), text))

    def table(self, place: Place, text: str) -> None:
        """A fault at a key of the configuration."""
        self._tables.append(Told(place, text))

    def line(self, place: Place, file: str, line: int, text: str) -> None:
        """A fault in the file of a table."""
        found = self._files.setdefault((*place, "file"), [])
        found.append((line, f"{file}:{line}  {text}"))

    def told(self) -> list[Told]:
        """All of them."""
        return [
            *self._tables,
            *(Told(place, f": {_some(lines)}") for place, lines in self._files.items()),
        ]

    def __bool__(self) -> bool:
        return bool(self._tables or self._files)


def rows_of(tables: Sequence[Observation], faults: Faults) -> list[Row]:
    """The rows of all tables that have no fault."""
    rows: list[Row] = []
    for number, table in enumerate(tables):
        place: Place = (TABLE, number)
        if table.file is None:
            if row := _row(table, place, "", 0, faults):
                rows.append(row)
        else:
            rows += _rows_of_file(table, table.file, place, faults)
    _one_place_each(rows, faults)
    return rows


def objections(row: Row, scope: Scope) -> Iterator[tuple[str, str]]:
    """Keys of a row that name what the run has not, and why."""
    if row.quantity == "flow":
        if row.boundary not in scope.boundaries:
            near = difflib.get_close_matches(str(row.boundary), scope.boundaries, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            known = ", ".join(scope.boundaries) or "there is none"
            yield "boundary", f"must be {scope.kind} ({known}), got {row.boundary!r}{hint}"
    else:
        yield from _outside(row, scope)
    yield from _at_no_time(row, scope)


def days_of(row: Row, scope: Scope) -> float | None:
    """Days since the start; None for a steady state.  ValueError says why there is no answer."""
    if row.time is None or isinstance(row.time, float | int):
        return None if row.time is None else float(row.time)
    if scope.start is None:
        raise ValueError(f"must be a number of days, {scope.start_key} is not set; got {row.time}")
    began = datetime.datetime.fromisoformat(scope.start)
    then = datetime.datetime.fromisoformat(row.time)
    if (began.tzinfo is None) != (then.tzinfo is None):
        raise ValueError(f"must be told as {scope.start_key} is, {scope.start}; got {row.time}")
    return (then - began).total_seconds() / 86_400.0


def _outside(row: Row, scope: Scope) -> Iterator[tuple[str, str]]:
    if scope.layers is not None and row.layer > scope.layers:
        yield "layer", f"must be <= {scope.layers} layers, got {row.layer}"
    if row.cell is not None and scope.n_cells is not None and row.cell >= scope.n_cells:
        yield "cell", f"must be a cell, 0 to {scope.n_cells - 1}, got {row.cell}"
    if scope.box is not None and row.x is not None and row.y is not None:
        west, east, south, north = scope.box
        if not (west <= row.x <= east and south <= row.y <= north):
            yield "x", f"and y must lie in the mesh, got {row.x!r}, {row.y!r}"


def _at_no_time(row: Row, scope: Scope) -> Iterator[tuple[str, str]]:
    if row.time is None:
        if not scope.steady:
            yield "time", "is required: the flow is transient [d]"
        return
    try:
        time = days_of(row, scope)
    except ValueError as error:
        yield "time", str(error)
        return
    assert time is not None
    if scope.end_d is not None and not _within(time, scope.end_d):
        told = f"{row.time} is {time:g} d" if isinstance(row.time, str) else f"{time:g}"
        yield "time", f"must lie in the run, 0 to {scope.end_d:g} d, got {told}"


def _within(time: float, end: float) -> bool:
    return -ROUND_OFF * end <= time <= end * (1 + ROUND_OFF)


def _rows_of_file(table: Observation, path: Path, place: Place, faults: Faults) -> list[Row]:
    """The rows of a CSV file; what the table itself says is the default of each."""
    cells = remembered("measured", key_of(path), lambda: _read(path))
    if isinstance(cells, str):
        faults.table((*place, "file"), f": {path.name} {cells}")
        return []
    header, lines = cells
    if told := list(_header_faults(header)):
        for text in told:
            faults.line(place, path.name, 1, text)
        return []
    given = table.model_dump(exclude_none=True, exclude={"file"})
    rows = []
    for number, line in lines:
        if len(line) != len(header):
            faults.line(
                place, path.name, number, f"has {len(line)} values, the header {len(header)}"
            )
            continue
        data, found = {**given}, True
        for name, text in zip(header, line, strict=True):
            if text:
                value = _parsed(name, text)
                found = found and value is not None
                if value is None:
                    faults.line(place, path.name, number, f"{name} must be a number, got {text!r}")
                data[name] = value
        if not found:
            continue
        checked, told_here = faults_in(Observation, data)
        for fault in told_here:
            faults.line(place, path.name, number, f"{fault.place[0]} {fault.text}")
        if checked is not None and (row := _row(checked, place, path.name, number, faults)):
            rows.append(row)
    return rows


def _read(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]] | str:
    """Header and rows with their lines, or why there are none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        return f"cannot be read: {reason}"
    reader = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        return f"line {reader.line_num} is no CSV: {error}"
    if len(lines) < 2:
        return "holds no rows below a header"
    return lines[0][1], lines[1:]


def _header_faults(header: Sequence[str]) -> Iterator[str]:
    for at, name in enumerate(header):
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(COLUMNS)}"
            yield f"{name!r} is not a known column{hint}"
        elif name in header[:at]:
            yield f"the column {name} stands twice"


def _parsed(name: str, text: str) -> Any:
    """A cell as TOML would hold it; None where it must be a number and is none."""
    kind = _NUMBERS.get(name)
    if kind is None:
        return text
    try:
        return kind(text)
    except ValueError:
        return text if name == "time" else None  # a date


def _row(table: Observation, place: Place, file: str, line: int, faults: Faults) -> Row | None:
    """The row that a table, or a line of a file, says; None where it has a fault."""
    told = list(_incomplete(table))
    if told:
        for key, text in told:
            if line:
                faults.line(place, file, line, f"{key} {text}")
            else:
                faults.table((*place, key), text)
        return None
    assert table.id is not None and table.quantity is not None and table.value is not None
    unit = table.unit or ("m" if table.quantity == "head" else "m3/s")
    deviation = table.standard_deviation
    spread = None if deviation is None else to_si(deviation, unit)
    weight = table.weight if table.weight is not None else 1.0 if spread is None else spread**-2
    return Row(
        place=place,
        file=file,
        line=line,
        id=table.id,
        quantity=table.quantity,
        model=table.model,
        x=table.x,
        y=table.y,
        cell=table.cell,
        layer=table.layer or 1,
        boundary=table.boundary,
        time=table.time,
        value=to_si(table.value, unit),
        standard_deviation=spread,
        weight=weight,
    )


def _incomplete(table: Observation) -> Iterator[tuple[str, str]]:
    """Keys that a row lacks, or that do not go together."""
    for key in ("id", "quantity", "value"):
        if getattr(table, key) is None:
            yield key, "is required"
    quantity = table.quantity
    if quantity is None:
        return
    for key in _PLACES["flow" if quantity == "head" else "head"]:
        if getattr(table, key) is not None:
            yield key, f"must be left out with quantity = {quantity!r}"
    if quantity == "flow" and table.boundary is None:
        yield "boundary", "is required with quantity = 'flow'"
    if quantity == "head":
        point = [key for key in ("x", "y") if getattr(table, key) is not None]
        if table.cell is not None and point:
            yield point[0], "must be left out: cell is given, too"
        elif table.cell is None and len(point) < 2:
            missing = "y" if point == ["x"] else "x"
            yield missing, "is required with quantity = 'head', or cell [m]"
    if table.unit is not None and UNITS[table.unit].dimension != DIMENSION[quantity]:
        known = [name for name, unit in UNITS.items() if unit.dimension == DIMENSION[quantity]]
        must = f"must be {' or '.join(known)} with quantity = {quantity!r}"
        yield "unit", f"{must}, got {table.unit!r}"


def _one_place_each(rows: Iterable[Row], faults: Faults) -> None:
    """An id at several times is a series of one place; a second place is a slip of the pen."""
    known: dict[tuple[str, str], tuple[Any, ...]] = {}
    for row in rows:
        where = (row.model, row.x, row.y, row.cell, row.layer, row.boundary)
        if known.setdefault((row.quantity, row.id), where) != where:
            faults.say(row, "id", f"{row.id!r} is used for another place already")


def _some(lines: Sequence[tuple[int, str]]) -> str:
    texts = [text for _, text in sorted(lines, key=lambda entry: entry[0])]
    more = f"; and {len(texts) - TOLD} more" if len(texts) > TOLD else ""
    return "; ".join(texts[:TOLD]) + more
