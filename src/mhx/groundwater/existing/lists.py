"""Lists of a package file: rows of cells or features, and the column that a name stands for.

Rows stand in the block, in a text file that its first line opens (`OPEN/CLOSE rows.txt`), or in a
binary one (`(BINARY)`: cell id in 4-byte integers, then 8-byte numbers, no names).  Where a number
may stand, a word is the name of a time series.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks
from mhx.groundwater.existing.blocks import GAP, WORD, Block, BlockFile
from mhx.groundwater.existing.columns import CELL, CELL_2, KEYED, ROWS, Setting
from mhx.groundwater.grid import Floats

Integers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of a list.

    names: lower case, `*` before what is no number.  widths: words of each kind of cell id.
    shape: of the grid that cell ids belong to.  named: whether a boundary's name ends each row.
    """

    names: tuple[str, ...]
    widths: Mapping[str, int]
    shape: tuple[int, ...]
    named: bool

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns that a patch may change."""
        return tuple(n for n in self.names if n[0] != "*" and n not in self.widths)

    def place(self, name: str) -> int:
        """How many words stand before a column."""
        before = self.names[: self.names.index(name)]
        return sum(self.widths.get(other, 1) for other in before)

    @property
    def length(self) -> int:
        """Words of a row, without the name of the boundary."""
        return sum(self.widths.get(name, 1) for name in self.names)


def layout(source: BlockFile, kind: str, block: str, shapes: Sequence[tuple[int, ...]]) -> Layout:
    """The columns of a block of a package of type `kind`; none where it is not a known list.

    shapes: of the model's grid, and of an exchange's second model.
    """
    options = {row[0].upper(): row[1:] for row in source.words("OPTIONS")}
    auxiliary = tuple(word.lower() for word in options.get("AUXILIARY", options.get("AUX", [])))
    names: list[str] = []
    for name in ROWS.get((kind, block), "").split():
        if name == "aux":
            names += auxiliary
        elif kind == "evt" and name in ("pxdp", "petm"):
            names += [f"{name}{at}" for at in range(1, _segments(source))]
        elif name == "petm0":
            names += [name] if "SURF_RATE_SPECIFIED" in options else []
        elif name in ("*mname1", "*mname2"):
            names += [name] if "MODELNAMES" in options else []
        else:
            names.append(name)
    return Layout(
        names=tuple(names),
        widths={CELL: len(shapes[0]), CELL_2: len(shapes[-1])},
        shape=shapes[0],
        named="BOUNDNAMES" in options and block in ("PERIOD", "PACKAGEDATA", "EXCHANGEDATA"),
    )


def _segments(source: BlockFile) -> int:
    sizes = {row[0].upper(): row[1] for row in source.words("DIMENSIONS") if len(row) > 1}
    return int(sizes.get("NSEG", "1"))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of one block.

    lines: their text, in `numbers_of` the line of each in its file.  path: the file that they
    stand in, reference: the line of the block that opens it, where it is another.
    table: what a binary file holds, else None.
    """

    path: Path
    lines: tuple[str, ...]
    places: tuple[int, ...]
    reference: int | None = None
    table: Any = None

    def at(self, row: int) -> str:
        """A row for messages."""
        return (
            f"{self.path}:{self.places[row] + 1}" if self.places else f"{self.path} row {row + 1}"
        )


def rows(source: BlockFile, block: Block, columns: Layout) -> Rows:
    """The rows of a block; ConfigError where its file cannot be read."""
    key = ("rows", block.first)
    if key not in source.kept:
        source.kept[key] = _rows(source, block, columns)
    found: Rows = source.kept[key]
    return found


def _rows(source: BlockFile, block: Block, columns: Layout) -> Rows:
    opened = source.opened(block)
    if opened is None:
        inside = tuple(source.rows(block))
        return Rows(
            path=source.path,
            lines=tuple(line for _, line in inside),
            places=tuple(at for at, _ in inside),
        )
    reference, path, options = opened
    if "SFAC" in options or len(list(source.rows(block))) > 1:
        told = "SFAC and rows below OPEN/CLOSE are not supported where a patch changes numbers"
        raise ConfigError(f"{source.at(reference)}  {told}")
    if "(BINARY)" in options:
        table = _table(path, columns)
        return Rows(path=path, lines=(), places=(), reference=reference, table=table)
    text = [
        (at, line) for at, line in enumerate(blocks.load(path).split("\n"))
        if not blocks.is_comment(line)
    ]  # fmt: skip
    return Rows(
        path=path,
        lines=tuple(line for _, line in text),
        places=tuple(at for at, _ in text),
        reference=reference,
    )


def _table(path: Path, columns: Layout) -> Any:
    kind = np.dtype(
        [(name, "<i4", columns.widths[name]) if name in columns.widths else (name, "<f8")
         for name in columns.names]
    )  # fmt: skip
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) % kind.itemsize:
        told = f"does not hold rows of {kind.itemsize} bytes ({', '.join(columns.names)})"
        raise ConfigError(f"{path} {told}")
    return np.frombuffer(content, kind)


@dataclass(frozen=True, kw_only=True)
class Entries:
    """The numbers of one variable in some rows.

    rows: which of the rows of a block.  before, words, after: their text, cut at the number.
    numbers: shape (rows,), NaN where a word is the name of a time series.
    """

    rows: tuple[int, ...]
    before: tuple[str, ...]
    words: tuple[str, ...]
    after: tuple[str, ...]
    numbers: Floats


@cache
def _cut(words: int) -> re.Pattern[str]:
    """A row cut at the word after so many words."""
    return re.compile(rf"((?:{GAP}{WORD}){{{words}}}{GAP})({WORD})(.*)", re.DOTALL)


def column(found: Rows, columns: Layout, name: str) -> Entries:
    """A column of all rows; ConfigError where a row is too short."""
    if found.table is not None:
        numbers = found.table[name].astype(np.float64)
        nothing = ("",) * numbers.size
        return Entries(
            rows=tuple(range(numbers.size)), before=nothing, words=nothing, after=nothing,
            numbers=numbers,
        )  # fmt: skip
    place = columns.place(name)
    shift = columns.widths[CELL] - 1
    # a cell id may be one word (NONE): the words behind it move up
    at = columns.place(CELL) if CELL in columns.names and shift else place
    cuts = []
    for row, line in enumerate(found.lines):
        words = place
        if at < place and _is_word(line, at):
            words -= shift
        match = _cut(words).match(line)
        if match is None:
            told = f"has no word for {name}: it must hold {' '.join(columns.names)}"
            raise ConfigError(f"{found.at(row)}  {told}".replace("*", ""))
        cuts.append(match.groups())
    return _entries(tuple(range(len(cuts))), cuts)


def _is_word(line: str, at: int) -> bool:
    if "N" not in line and "n" not in line:
        return False
    words = blocks.texts(line)
    return len(words) > at and words[at].upper() == "NONE"


def setting(found: Rows, columns: Layout, name: str, kind: str, auxiliary: bool) -> Entries:
    """The rows that set something: `<feature> <WORD> <number>`.

    auxiliary: `<feature> AUXILIARY <name> <number>`.
    """
    known = Setting("AUXILIARY", 2) if auxiliary else KEYED[kind][name]
    first = 1 if columns.names[:1] != (CELL,) else columns.widths[CELL]
    chosen, cuts = [], []
    for row, line in enumerate(found.lines):
        words = blocks.texts(line)
        if len(words) <= first or words[first].upper() != known.word:
            continue
        if auxiliary and (len(words) < first + 2 or words[first + 1].lower() != name):
            continue
        match = _cut(first + known.offset).match(line)
        if match is None:
            raise ConfigError(f"{found.at(row)}  has no number for {name} after {known.word}")
        chosen.append(row)
        cuts.append(match.groups())
    return _entries(tuple(chosen), cuts)


def _entries(chosen: tuple[int, ...], cuts: list[tuple[str, ...]]) -> Entries:
    before, words, after = zip(*cuts, strict=True) if cuts else ((), (), ())
    numbers = [blocks.real(word) for word in words]
    values = np.array([np.nan if number is None else number for number in numbers], dtype=float)
    return Entries(rows=chosen, before=before, words=words, after=after, numbers=values)


def nodes(found: Rows, columns: Layout) -> Integers:
    """The cell of every row from 0, -1 where it has none; ConfigError outside the grid."""
    width = columns.widths[CELL]
    if found.table is not None:
        ids = found.table[CELL].reshape(-1, width).astype(np.int64)
    else:
        place = columns.place(CELL)
        ids = np.zeros((len(found.lines), width), dtype=np.int64)
        for row, line in enumerate(found.lines):
            words = blocks.texts(line)[place : place + width]
            if all(word.isdigit() for word in words) and len(words) == width:
                ids[row] = [int(word) for word in words]
    whole = (ids > 0).all(axis=1)
    if (ids > np.array(columns.shape)).any():
        row = int(np.flatnonzero((ids > np.array(columns.shape)).any(axis=1))[0])
        raise ConfigError(f"{found.at(row)}  lies outside the grid of {columns.shape}")
    result: Integers = np.where(whole, node_of(ids, columns.shape), -1)
    return result


def node_of(ids: Integers, shape: tuple[int, ...]) -> Integers:
    """Cells from 0 of cell ids from 1, shape (n, words of an id)."""
    found = np.zeros(len(ids), dtype=np.int64)
    for axis, size in enumerate(shape):
        found = found * size + ids[:, axis] - 1
    return found


def features(found: Rows) -> list[str]:
    """The first word of every row: the number of its feature."""
    return [blocks.texts(line)[0] for line in found.lines]


def boundaries(found: Rows, columns: Layout) -> list[str]:
    """The boundary's name of every row, upper case, empty where it has none."""
    names = []
    for line in found.lines:
        words = blocks.texts(line)
        shift = _shift(words, columns)
        at = columns.length - shift
        names.append(words[at].upper() if len(words) > at else "")
    return names


def _shift(words: Sequence[str], columns: Layout) -> int:
    if CELL not in columns.names or columns.widths[CELL] == 1:
        return 0
    place = columns.place(CELL)
    named = len(words) > place and words[place].upper() == "NONE"
    return columns.widths[CELL] - 1 if named else 0


def replaced(line: str, changes: Sequence[tuple[str, str, str, str]]) -> str:
    """A row with new words; each change is (before, word, after, new word) of this row."""
    parts = sorted((len(before), len(before) + len(word), new) for before, word, _, new in changes)
    pieces = [line[: parts[0][0]]]
    for (_, stop, new), (start, _, _) in pairwise([*parts, (len(line), len(line), "")]):
        pieces += [new, line[stop:start]]
    return "".join(pieces)
