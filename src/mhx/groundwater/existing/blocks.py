"""Files of blocks, as MODFLOW 6 reads them: lines, words, numbers, comments, BEGIN and END.

A line is a comment where its first character is `#` or `!` or its first two are `//`.  Words end
at blanks, tabs and commas; a word in quotes ends at the next quote of its kind.  What follows the
last word that is asked for is not read, so comments may stand there.  Texts are decoded as Latin-1,
which keeps every byte; lines keep a carriage return at their end.  Lines count from 0 here and from
1 in messages.  Source: MODFLOW 6, BlockParser.f90 and InputOutput.f90 (urword, u9rdcom).
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mhx.errors import ConfigError

WORD = r"(?:\"[^\"]*+\"?+|'[^']*+'?+|[^ \t,\r\"'][^ \t,\r]*+)"
GAP = r"[ \t,]*"
_WORDS = re.compile(WORD)
_EDGE = re.compile(rf"{GAP}(BEGIN|END){GAP}(?=[ \t,]){GAP}({WORD})?{GAP}({WORD})?", re.IGNORECASE)
_OPENS = re.compile(rf"{GAP}OPEN/CLOSE(?=[ \t,])", re.IGNORECASE)
_REAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+|[+-]\d+)?")
_EXPONENT = re.compile(r"(?<=[\d.])(?:[Dd]|(?=[+-]))")


class Word(NamedTuple):
    """A word without its quotes, and where it stands in its line, quotes included."""

    text: str
    start: int
    stop: int


def words(line: str) -> list[Word]:
    """The words of a line."""
    found = []
    for match in _WORDS.finditer(line):
        text = match.group()
        if text[0] in "\"'":
            text = text[1:-1] if len(text) > 1 and text[-1] == text[0] else text[1:]
        found.append(Word(text, match.start(), match.end()))
    return found


def texts(line: str) -> list[str]:
    """The words of a line alone."""
    if '"' in line or "'" in line or "," in line:
        return [word.text for word in words(line)]
    return line.split()


def is_comment(line: str) -> bool:
    """Whether MODFLOW skips a line; empty ones, too."""
    bare = line.lstrip(" \t")
    return not bare.strip() or bare[0] in "#!" or bare.startswith("//")


def real(text: str) -> float | None:
    """A number as Fortran reads it (`1.d-5`, `1-5`), None where it is none, such as a name."""
    if not _REAL.fullmatch(text):
        return None
    try:
        return float(text)
    except ValueError:
        return float(_EXPONENT.sub("e", text, count=1))


def quoted(text: str) -> str:
    """A word as it is written."""
    if not re.search(r"[ \t,\"']", text):
        return text
    return f'"{text}"' if "'" in text else f"'{text}'"


@dataclass(frozen=True, kw_only=True)
class Block:
    """From BEGIN to END.  name: upper case; label: what follows it, the number of a period."""

    name: str
    label: str
    first: int
    last: int

    @property
    def period(self) -> int:
        """The number of a PERIOD block, 0 of others."""
        return int(self.label) if self.name == "PERIOD" and self.label.isdigit() else 0


@dataclass(frozen=True, kw_only=True)
class BlockFile:
    """A file in memory.

    folder: from which the paths in it count.  kept: what was worked out from it, for those who ask
    again.
    """

    path: Path
    folder: Path
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def block(self, name: str) -> Block | None:
        """The first block of a name, None where there is none."""
        return next((block for block in self.blocks if block.name == name.upper()), None)

    def rows(self, block: Block | None) -> Iterator[tuple[int, str]]:
        """The lines of a block that are read, with their numbers."""
        if block is not None:
            for index in range(block.first + 1, block.last):
                if not is_comment(self.lines[index]):
                    yield index, self.lines[index]

    def opened(self, block: Block) -> tuple[int, Path, list[str]] | None:
        """The line that opens another file for the rows of a block, its path and its words."""
        first = next(self.rows(block), None)
        if first is None or not _OPENS.match(first[1]):
            return None
        found = texts(first[1])
        if len(found) < 2:
            raise ConfigError(f"{self.at(first[0])}  OPEN/CLOSE must be followed by a path")
        return first[0], self.folder / file_name(found[1]), [word.upper() for word in found[2:]]

    def inside(self, block: Block | None) -> list[str]:
        """The lines of a block that are read, those of a file that it opens before the others."""
        if block is None:
            return []
        found = [line for _, line in self.rows(block)]
        opened = self.opened(block)
        if opened is None:
            return found
        below = load(opened[1]).split("\n")
        return [line for line in below if not is_comment(line)] + found[1:]

    def words(self, name: str) -> list[list[str]]:
        """The words of every line of a block."""
        rows = (texts(line) for line in self.inside(self.block(name)))
        return [row for row in rows if row]

    def option(self, name: str, block: str = "OPTIONS") -> list[str] | None:
        """What follows a key, None where it does not stand there."""
        for row in self.words(block):
            if row and row[0].upper() == name:
                return row[1:]
        return None

    def at(self, index: int) -> str:
        """A line for messages."""
        return f"{self.path}:{index + 1}"

    @property
    def ending(self) -> str:
        """What a new line of this file ends with, besides the line feed."""
        return "\r" if self.lines and self.lines[0].endswith("\r") else ""


def read(path: Path, folder: Path | None = None) -> BlockFile:
    """A file and its blocks; folder: from which the paths in it count, else its own."""
    return parse(path, load(path), path.parent if folder is None else folder)


def load(path: Path) -> str:
    """The text of a file; ConfigError where it cannot be read."""
    try:
        return path.read_bytes().decode("latin-1")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def parse(path: Path, text: str, folder: Path) -> BlockFile:
    """The blocks of a text; ConfigError where one does not end."""
    lines = tuple(text.split("\n"))
    return BlockFile(path=path, folder=folder, lines=lines, blocks=tuple(_blocks(path, lines)))


def _blocks(path: Path, lines: tuple[str, ...]) -> Iterator[Block]:
    opened: tuple[str, str, int] | None = None
    for index, line in enumerate(lines):
        bare = line.lstrip(" \t,")
        if bare[:1] not in "bBeE" or not bare:
            continue
        match = _EDGE.match(line + " ")
        if match is None:
            continue
        edge, name = match.group(1).upper(), (match.group(2) or "").strip("'\"").upper()
        if edge == "BEGIN":
            if opened is not None:
                raise ConfigError(f"{path}:{index + 1}  BEGIN {name} stands before END {opened[0]}")
            opened = (name, (match.group(3) or "").strip("'\""), index)
        elif opened is None or opened[0] != name:
            told = f"BEGIN {opened[0]}" if opened else "no BEGIN"
            raise ConfigError(f"{path}:{index + 1}  END {name} stands after {told}")
        else:
            yield Block(name=name, label=opened[1], first=opened[2], last=index)
            opened = None
    if opened is not None:
        raise ConfigError(f"{path}:{opened[2] + 1}  BEGIN {opened[0]} has no END")


def file_name(text: str) -> str:
    """A word of a Latin-1 text as the name of a file."""
    return os.fsdecode(text.encode("latin-1"))


def word_of(name: str) -> str:
    """The name of a file as a word of a Latin-1 text."""
    return quoted(os.fsencode(name).decode("latin-1"))
