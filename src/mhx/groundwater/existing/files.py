"""Which files a simulation reaches from its mfsim.nam, and where each of them is named.

Name files say which packages there are; inside of packages `<key> FILEIN <path>` and
`OPEN/CLOSE <path>` name inputs and `<key> FILEOUT <path>` outputs.  MODFLOW resolves all of them
from the folder of mfsim.nam, in whatever folder the file that names them lies.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks
from mhx.groundwater.existing.blocks import Block, BlockFile, Word
from mhx.groundwater.memory import remembered

NAME_FILE = "mfsim.nam"
_NAMED = re.compile(r"FILEIN|FILEOUT|OPEN/CLOSE", re.IGNORECASE)
_ROWS_OF_FILES = frozenset(("OPTIONS", "TABLES", "CROSSSECTIONS", "FILEINPUT", "PACKAGEDATA"))
"""Blocks whose OPEN/CLOSE file may name further files."""
_NAMES = frozenset(("TIMING", "MODELS", "EXCHANGES", "SOLUTIONGROUP", "PACKAGES"))
_BINARY = frozenset(("GWFHEAD", "GWFBUDGET", "GWFMOVER", "GWFGRID"))
"""Keys before FILEIN that name what another simulation has computed."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A path in a file.

    file, block, line, word: where it stands; key: the first word of the line.  path: whole, as
    MODFLOW on this computer resolves it.  output: whether MODFLOW will write it.  text: whether it
    may name further files.
    """

    file: Path
    block: str
    key: str
    line: int
    word: Word
    path: Path
    output: bool
    text: bool


@dataclass(frozen=True, kw_only=True)
class Reached:
    """files: inputs, mfsim.nam first.  references: every path named, inputs and outputs.

    read: the files of blocks among them.
    """

    files: tuple[Path, ...]
    references: tuple[Reference, ...]
    read: dict[Path, BlockFile]


def simulation_file(path: Path) -> Path:
    """The mfsim.nam that a path means, whole; ConfigError where there is none."""
    if path.is_dir():
        found = path / NAME_FILE
        if not found.is_file():
            near = sorted(child.parent for child in path.glob(f"*/{NAME_FILE}"))
            hint = f"; there is one in {', '.join(map(str, near[:3]))}" if near else ""
            raise ConfigError(f"model.path: {path} holds no {NAME_FILE}{hint}")
        path = found
    elif not path.is_file():
        raise ConfigError(f"model.path: {path} does not exist")
    return Path(os.path.abspath(path))


def reached(path: Path) -> tuple[Path, ...]:
    """Every input file of the simulation in a folder (or of a mfsim.nam), mfsim.nam first.

    Whole paths, in the order in which they are named, each once; those outside the folder, too.
    ConfigError names every file that is missing and where it is asked for.
    """
    return collected(simulation_file(path)).files


def collected(simulation: Path) -> Reached:
    """Files and references, read now or remembered while none of the files changes."""
    known = remembered("files of own model", str(simulation), list[Path])
    if not known:
        made = _collect(simulation)
        known[:] = made.files
        return remembered("own model", tuple(map(_stamp, known)), lambda: made)

    def again() -> Reached:
        made = _collect(simulation)
        known[:] = made.files
        return made

    return remembered("own model", tuple(map(_stamp, known)), again)


def _stamp(path: Path) -> tuple[str, int, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return str(path), -1, -1, -1
    return str(path), found.st_size, found.st_mtime_ns, found.st_ino


def _collect(simulation: Path) -> Reached:
    folder = simulation.parent
    read: dict[Path, BlockFile] = {}
    files: dict[Path, None] = {simulation: None}
    references: list[Reference] = []
    missing: list[str] = []
    waiting = [(simulation, "SIMULATION")]
    while waiting:
        at, kind = waiting.pop(0)
        text = blocks.load(at)
        if "\0" in text[:4096]:  # binary, such as the budget of another simulation
            continue
        source = read[at] = blocks.parse(at, text, folder)
        for found in _references(source, folder, kind):
            references.append(found)
            if found.output or found.path in files:
                continue
            if not found.path.is_file():
                told = f"{found.word.text!r}: no such file{_near(found)}"
                missing.append(f"  {source.at(found.line)}  {told}")
                continue
            files[found.path] = None
            if found.text:
                waiting.append((found.path, found.block if found.block in _NAMES else found.key))
    if missing:
        many = "a file that is" if len(missing) == 1 else f"{len(missing)} files that are"
        told = f"model.path: {simulation} names {many} not there"
        raise ConfigError("\n".join([told, *missing]))
    return Reached(files=tuple(files), references=tuple(references), read=read)


def _near(found: Reference) -> str:
    """Where the file may be that was asked for, as models from other systems write it."""
    if "\\" in found.word.text:
        return " (folders of a path are parted by / here)"
    try:
        there = [path.name for path in found.path.parent.iterdir()]
    except OSError:
        return ""
    near = [name for name in there if name.lower() == found.path.name.lower()]
    return f", but there is {near[0]!r} (upper and lower case differ here)" if near else ""


def _references(source: BlockFile, folder: Path, kind: str) -> Iterator[Reference]:
    if kind == "SIMULATION":
        yield from _simulation(source, folder)
    elif kind == "MODELS":
        yield from _model(source, folder)
    if kind == "OPEN/CLOSE":  # rows without blocks
        for line, text in enumerate(source.lines):
            if _NAMED.search(text) and not blocks.is_comment(text):
                yield from _line(source, folder, line, False)
        return
    yield from _inside(source, folder)


def _at(source: BlockFile, folder: Path, line: int, word: Word, **kind: bool) -> Reference:
    path = Path(os.path.normpath(folder / blocks.file_name(word.text)))
    found = next((b.name for b in source.blocks if b.first <= line <= b.last), "")
    return Reference(
        file=source.path,
        block=found,
        key=blocks.texts(source.lines[line])[0].upper(),
        line=line,
        word=word,
        path=path,
        output=kind.get("output", False),
        text=kind.get("text", True),
    )


def _simulation(source: BlockFile, folder: Path) -> Iterator[Reference]:
    """The second word of every line that names a file."""
    if not any(row[0].upper() == "TDIS6" and row[1:] for row in source.words("TIMING")):
        model = source.block("PACKAGES") is not None
        hint = "it is the name file of a model" if model else "no TDIS6 in a block TIMING"
        raise ConfigError(f"model.path: {source.path} is no {NAME_FILE} of MODFLOW 6: {hint}")
    for block in source.blocks:
        if block.name not in _NAMES:
            continue
        _refuse_opened(source, block)
        for line, text in source.rows(block):
            found = blocks.words(text)
            if len(found) > 1 and found[0].text.upper() != "MXITER":
                yield _at(source, folder, line, found[1])


def _refuse_opened(source: BlockFile, block: Block) -> None:
    opened = source.opened(block)
    if opened is not None:
        told = f"OPEN/CLOSE in the block {block.name} of a name file is not supported"
        raise ConfigError(f"{source.at(opened[0])}  {told}")


def _model(source: BlockFile, folder: Path) -> Iterator[Reference]:
    for block in source.blocks:
        _refuse_opened(source, block)
    for line, text in source.rows(source.block("OPTIONS")):
        found = blocks.words(text)
        if len(found) > 1 and found[0].text.upper() == "LIST":
            yield _at(source, folder, line, found[1], output=True)
    for line, text in source.rows(source.block("PACKAGES")):
        found = blocks.words(text)
        if len(found) > 1:
            yield _at(source, folder, line, found[1])


def _inside(source: BlockFile, folder: Path) -> Iterator[Reference]:
    for block in source.blocks:
        begin = blocks.words(source.lines[block.first])
        # BEGIN CONTINUOUS FILEOUT name: the only files named by a BEGIN
        if len(begin) > 3 and begin[2].text.upper() == "FILEOUT":
            yield _at(source, folder, block.first, begin[3], output=True)
        leading = True
        for line in range(block.first + 1, block.last):
            text = source.lines[line]
            if _NAMED.search(text) and not blocks.is_comment(text):
                yield from _line(source, folder, line, leading and block.name in _ROWS_OF_FILES)
            leading = leading and blocks.is_comment(text)


def _line(source: BlockFile, folder: Path, line: int, rows: bool) -> Iterator[Reference]:
    found = blocks.words(source.lines[line])
    keys = [word.text.upper() for word in found]
    if keys[0] == "OPEN/CLOSE" and len(found) > 1:
        yield _at(source, folder, line, found[1], text=rows and "(BINARY)" not in keys)
    for at in (1, 2):
        if len(found) > at + 1 and keys[at] in ("FILEIN", "FILEOUT"):
            output = keys[at] == "FILEOUT"
            yield _at(
                source, folder, line, found[at + 1], output=output, text=keys[0] not in _BINARY
            )
            return
