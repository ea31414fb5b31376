"""Arrays of a package file: found, read and written.

    k LAYERED                     name, and whether each layer has a record of its own
      CONSTANT 1.0                record
      INTERNAL FACTOR 2.0         record with numbers below
      OPEN/CLOSE k2.txt           record with numbers in a file; (BINARY): with headers of 52 bytes

Numbers in text are read as Fortran's list-directed READ does, once per row of a structured grid
and else once per array: what follows the last number of a READ in its line is dropped, `3*1.5`
stands for three numbers.  A FACTOR of 0 counts as 1.  Values come as float64 in the order of
MODFLOW's cells, whole numbers too.  Source: MODFLOW 6, ArrayReaders.f90.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks
from mhx.groundwater.existing.blocks import Block, BlockFile
from mhx.groundwater.existing.reading import GridSize
from mhx.groundwater.grid import Floats

INTEGERS = frozenset(("icelltype", "iconvert", "idomain", "irch", "ievt", "iac", "ja", "ihc"))
INLINE = 256
"""More numbers than this are written to a binary file."""
_HEADER = np.dtype(
    [("step", "<i4", 2), ("time", "<f8", 2), ("text", "S16"), ("size", "<i4", 3)]
)  # 52 bytes
_CONTROLS = ("CONSTANT", "INTERNAL", "OPEN/CLOSE")


@dataclass(frozen=True, kw_only=True)
class Record:
    """Lines [first, last) of one control record and its numbers.

    words: of the control line.
    """

    first: int
    last: int
    words: tuple[str, ...]

    @property
    def kind(self) -> str:
        """CONSTANT, INTERNAL or OPEN/CLOSE."""
        return self.words[0].upper()

    @property
    def binary(self) -> bool:
        """Whether the file is one of binary numbers."""
        return "(BINARY)" in (word.upper() for word in self.words[2:])

    @property
    def factor(self) -> float:
        """What the numbers are multiplied by."""
        upper = [word.upper() for word in self.words]
        if "FACTOR" not in upper[1:-1]:
            return 1.0
        return blocks.real(self.words[upper.index("FACTOR", 1) + 1]) or 1.0


@dataclass(frozen=True, kw_only=True)
class Section:
    """One array of a block.  name: lower case; first: its line.

    source: what stands for the numbers where there is no record (`TIMEARRAYSERIES rain`).
    """

    name: str
    first: int
    layered: bool
    records: tuple[Record, ...]
    source: str = ""

    @property
    def last(self) -> int:
        """The line after it."""
        return self.records[-1].last if self.records else self.first + 1


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How the numbers of an array lie: `count` records of `rows` READs of `columns` numbers.

    kind: `cells` of the whole grid, `plane` of one layer, `line` of something else.
    """

    count: int
    rows: int
    columns: int
    kind: str

    @property
    def size(self) -> int:
        """Numbers of the whole array."""
        return self.count * self.rows * self.columns


def extent(name: str, block: str, grid: GridSize, layered: bool, nja: int) -> Extent:
    """The shape of an array by its name; nja: connections of an unstructured grid."""
    layers, cells = grid.layers, grid.cells // grid.layers
    rows, columns = grid.shape[1:] if grid.kind == "dis" else (1, cells)
    if name in ("delr", "delc"):
        return Extent(count=1, rows=1, columns=columns if name == "delr" else rows, kind="line")
    if block == "CONNECTIONDATA":
        size = cells if name == "iac" else nja
        return Extent(count=1, rows=1, columns=size, kind="line")
    if grid.kind != "disu" and (name == "top" or block == "PERIOD"):
        return Extent(count=1, rows=rows, columns=columns, kind="plane")
    if layered:
        return Extent(count=layers, rows=rows, columns=columns, kind="cells")
    return Extent(count=1, rows=1, columns=grid.cells, kind="cells")


def sections(source: BlockFile, block: Block) -> dict[str, Section]:
    """The arrays of a block by name."""
    key = ("sections", block.first)
    if key not in source.kept:
        source.kept[key] = {found.name: found for found in _sections(source, block)}
    kept: dict[str, Section] = source.kept[key]
    return kept


def _sections(source: BlockFile, block: Block) -> Iterator[Section]:
    name: int | None = None
    marks: list[int] = []
    for index in range(block.first + 1, block.last + 1):
        line = source.lines[index]
        # numbers fill most lines: look closer at words alone
        if not line.lstrip(" \t,")[:1].isalpha():
            continue
        if blocks.texts(line)[0].upper() in _CONTROLS:
            marks.append(index)
        else:
            if name is not None:
                yield _section(source, name, marks, index)
            name, marks = index, []


def _section(source: BlockFile, first: int, marks: list[int], end: int) -> Section:
    name, *more = blocks.texts(source.lines[first])
    layered = "LAYERED" in (word.upper() for word in more)
    records = []
    for at, below in pairwise([*marks, end]) if marks else ():
        following = below
        while following > at + 1 and blocks.is_comment(source.lines[following - 1]):
            following -= 1  # comments below belong to what follows
        row = tuple(blocks.texts(source.lines[at]))
        records.append(Record(first=at, last=following, words=row))
    told = "" if records else " ".join(more)
    return Section(
        name=name.lower(), first=first, layered=layered, records=tuple(records), source=told
    )


def values(source: BlockFile, section: Section, size: Extent, folder: Path) -> Floats:
    """The numbers of an array, factors applied; ConfigError where they cannot be read."""
    key = ("values", section.first)
    if key not in source.kept:
        if len(section.records) != size.count:
            told = f"{section.name} has {len(section.records)} records for {size.count} layers"
            raise ConfigError(f"{source.at(section.first)}  {told}")
        parts = [_record(source, record, size, folder) for record in section.records]
        whole = np.concatenate(parts)
        whole.flags.writeable = False
        source.kept[key] = whole
    found: Floats = source.kept[key]
    return found


def _record(source: BlockFile, record: Record, size: Extent, folder: Path) -> Floats:
    where = source.at(record.first)
    number = size.rows * size.columns
    if record.kind == "CONSTANT":
        value = blocks.real(record.words[1]) if len(record.words) > 1 else None
        if value is None:
            raise ConfigError(f"{where}  CONSTANT must be followed by a number")
        return np.full(number, value)
    if record.kind == "INTERNAL":
        lines = source.lines[record.first + 1 : record.last]
        return _read(lines, size, where) * record.factor
    if len(record.words) < 2:
        raise ConfigError(f"{where}  OPEN/CLOSE must be followed by a path")
    path = folder / blocks.file_name(record.words[1])
    if record.binary:
        return _binary(path, number) * record.factor
    return _read(blocks.load(path).split("\n"), size, str(path)) * record.factor


def _read(lines: Sequence[str], size: Extent, where: str) -> Floats:
    """Numbers of one record in text."""
    number = size.rows * size.columns
    plain = " ".join(lines).replace(",", " ").split()
    if len(plain) == number:
        try:
            return np.array(plain, dtype=np.float64)
        except ValueError:
            pass  # repeated numbers, exponents with a d, or what is none: one by one
    found = np.empty(number)
    at = 0
    for done in range(0, number, size.columns):
        row: list[float] = []
        while len(row) < size.columns:
            if at == len(lines):
                told = f"holds {len(row)} numbers of {size.columns} in its last row"
                raise ConfigError(f"{where}  {told}")
            row += _numbers(lines[at], size.columns - len(row), f"{where} (+{at + 1})")
            at += 1
        found[done : done + size.columns] = row
    return found


def _numbers(line: str, wanted: int, where: str) -> list[float]:
    """Up to `wanted` numbers of a line."""
    row: list[float] = []
    for word in line.replace(",", " ").split():
        times, star, text = word.rpartition("*")
        value = blocks.real(text)
        count = int(times) if star and times.isdigit() else 1
        if value is None or (star and not times.isdigit()):
            raise ConfigError(f"{where}  {word!r} cannot be read as a number")
        row += [value] * count
        if len(row) >= wanted:
            return row[:wanted]
    return row


def _binary(path: Path, number: int) -> Floats:
    """Numbers of a binary file, of 8 or 4 bytes each.

    6.4.1 reads one header and does not heed the sizes in it; later versions read one header and
    its numbers after the other until the array is full.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    for kind in (np.dtype("<f8"), np.dtype("<i4")):
        if len(content) == _HEADER.itemsize + number * kind.itemsize:
            return np.frombuffer(content, kind, number, _HEADER.itemsize).astype(np.float64)
    for kind in (np.dtype("<f8"), np.dtype("<i4")):
        found = _headed(content, number, kind)
        if found is not None:
            return found
    raise ConfigError(f"{path} does not hold {number} numbers with headers of 52 bytes")


def _headed(content: bytes, number: int, kind: np.dtype[Any]) -> Floats | None:
    """None where the sizes in the headers do not fit the file."""
    parts: list[Floats] = []
    at = done = 0
    while done < number:
        if at + _HEADER.itemsize > len(content):
            return None
        head = np.frombuffer(content, _HEADER, 1, at)[0]
        count = int(head["size"][0]) * int(head["size"][1])
        at += _HEADER.itemsize
        if count < 1 or done + count > number or at + count * kind.itemsize > len(content):
            return None
        parts.append(np.frombuffer(content, kind, count, at).astype(np.float64))
        at, done = at + count * kind.itemsize, done + count
    return np.concatenate(parts) if at == len(content) else None


def binary(numbers: Floats, size: Extent, layer: int, whole: bool) -> bytes:
    """One record as MODFLOW 6 reads it from a binary file; whole: whole numbers."""
    head = np.zeros(1, _HEADER)
    head["step"], head["time"] = 1, 1.0
    head["text"] = b"MHX".ljust(16)
    head["size"] = (size.columns, size.rows, layer)
    return head.tobytes() + numbers.astype("<i4" if whole else "<f8").tobytes()


def text_lines(numbers: Floats, size: Extent, whole: bool) -> list[str]:
    """One record in text: a constant, or rows below INTERNAL."""
    if (numbers == numbers[0]).all():
        return [f"    CONSTANT {number_text(numbers[0], whole)}"]
    rows = numbers.reshape(-1, size.columns)
    body = ["      " + " ".join(number_text(value, whole) for value in row) for row in rows]
    return ["    INTERNAL FACTOR 1", *body]


def number_text(value: float, whole: bool) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(value)) if whole else repr(float(value))
