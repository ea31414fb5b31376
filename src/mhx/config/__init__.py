"""Configuration: TOML text -> plain dictionary -> frozen table, or every fault at once.

`read_toml` reads a file and remembers in which line each key stands; `parse` checks a dictionary
against a `Table` and raises one `ConfigError` that lists all faults.  TOML knows lists, neither
tuples nor paths, and strict pydantic refuses lists for tuples: `GridShape`, `Pair`, `Flags`,
`Names`, `FilePath`, `InputPath` and `OutputPath` are the only relaxed types.  Whole numbers pass
for floats, bools never.

    fragments  TOML read piece by piece, equal pieces once
    lines      in which line each key of a TOML text stands
    faults     what pydantic found, as one line per key
    paths      which values are paths, told by the types of their fields
    layers, merge, origins      files that inherit, overlays laid over them, where a value came from
    located    paths of merged files, each from its own folder
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError
from pydantic.types import AllowInfNan
from pydantic_core import PydanticCustomError

from mhx.config.faults import Told, dotted, told
from mhx.config.fragments import loads
from mhx.config.lines import Lines, Place
from mhx.config.paths import PathKind
from mhx.errors import ConfigError

__all__ = [
    "FilePath",
    "Flags",
    "GridShape",
    "InputPath",
    "Names",
    "OutputPath",
    "Pair",
    "Source",
    "Table",
    "faults_in",
    "json_schema",
    "listed",
    "parse",
    "read_toml",
    "refusals_of",
    "refuse",
    "to_toml",
]

LONGEST_NAME = 255  # bytes of one file or folder name, on the usual file systems


class Table(BaseModel):
    """One TOML table: strict, frozen, no unknown key, no NaN.

    The description of every numeric field ends in its unit in brackets, `[1]` if it has none.  A
    validator reports what it finds as errors of pydantic's custom type "rule", whose message says
    what must hold ("must be ...") and whose location is the key; the value found is added here.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    def document(self) -> dict[str, Any]:
        """Plain values as TOML and JSON know them, every default filled in, None left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def named(self, stem: str) -> Self:
        """The table with what it takes from the name of its file, without the ending."""
        return self

    def refusals(self) -> Mapping[str, str]:
        """Dotted keys that a run must not start with, and what each must be.

        For what depends on the whole table and costs more than a check: asked before a run begins.
        """
        return {}


def _usable(path: Path) -> Path:
    """Refuse what no file system takes, before anything is written."""
    if "\0" in str(path) or any(len(part.encode()) > LONGEST_NAME for part in path.parts):
        raise PydanticCustomError(
            "rule", "must be a path of names of at most {most} bytes, none of them NUL",
            {"most": LONGEST_NAME},
        )  # fmt: skip
    return path


_Cells = Annotated[int, Field(ge=4)]
_Finite = Annotated[float, AllowInfNan(False)]
GridShape = Annotated[tuple[_Cells, _Cells], Strict(False)]
"""`[nx, ny]`, at least 4 cells each; tables may bound it further."""
Pair = Annotated[tuple[_Finite, _Finite], Strict(False)]
"""Two numbers, for example `[x, y]`."""
Flags = Annotated[tuple[bool, bool], Strict(False)]
"""Two booleans, for example one for each direction."""
Names = Annotated[tuple[str, ...], Strict(False)]
"""A list of texts."""
FilePath = Annotated[Path, Strict(False), AfterValidator(_usable)]
"""A path, written as text; whoever reads it resolves it."""
InputPath = Annotated[Path, Strict(False), AfterValidator(_usable), PathKind("input")]
"""What a run reads: counts from the folder of the file in which it is written; must exist."""
OutputPath = Annotated[Path, Strict(False), AfterValidator(_usable), PathKind("output")]
"""Where a run writes: counts from the folder of the file in which it is written."""


@dataclass(frozen=True)
class Source:
    """Where the values of a dictionary were written: a TOML file, or flags of a command.

    name: the file as the user named it, or the command.
    lines: place of a key -> line; flags: dotted key (`mesh.shape.0`) -> flag (`--nx`).
    """

    name: str
    lines: Mapping[Place, int] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """The line of a key, or of the nearest table above it that is written in the file."""
        for depth in range(len(place), -1, -1):
            if place[:depth] in self.lines:
                return self.lines[place[:depth]]
        return None

    def origin(self, place: Place) -> tuple[str, int | None]:
        """The file in which the value at `place` was written, and its line where there is one."""
        return self.name, self.line(place)

    def flag(self, place: Place) -> str | None:
        """The flag that the value came from, if it came from one."""
        return self.flags.get(".".join(map(str, place)))

    def order(self, place: Place) -> tuple[int, int]:
        """Sorts faults as they stand in the file, or files."""
        return 0, self.line(place) or 0

    def place(self, place: Place) -> str:
        """`file:line  key`, or the flag that the value came from."""
        name, line = self.origin(place)
        where = f"{name}:{line}  " if line else ""
        return f"{where}{self.flag(place) or dotted(place)}"

    def describe(self, fault: Told) -> str:
        """One line of the message: place, key, what is wrong."""
        gap = "" if fault.text.startswith(":") else " "
        return f"{self.place(fault.place)}{gap}{fault.text}".strip()


_T = TypeVar("_T", bound=Table)


def parse(table: type[_T], data: Mapping[str, Any], source: Source | None = None) -> _T:
    """The checked table, or a ConfigError with every fault, one line each, in the file's order."""
    source = source or Source("configuration")
    checked, faults = faults_in(table, data)
    if checked is None:
        raise listed(source, faults)
    return checked


def faults_in(table: type[_T], data: Mapping[str, Any]) -> tuple[_T | None, list[Told]]:
    """The checked table and no fault, or None and every fault."""
    try:
        return table.model_validate(dict(data)), []
    except ValidationError as error:
        return None, told(error.errors(include_url=False), data, table.model_json_schema())


def listed(source: Source, faults: Iterable[Told]) -> ConfigError:
    """The error that tells these faults, one line each, in the file's order."""
    found = sorted(faults, key=lambda fault: source.order(fault.place))
    count = "1 fault" if len(found) == 1 else f"{len(found)} faults"
    lines = "".join(f"\n  {source.describe(fault)}" for fault in found)
    return ConfigError(f"{source.name}: {count}{lines}", found)


def refuse(table: Table, source: Source) -> None:
    """Raise what the table itself refuses to start with, told like any other fault."""
    if found := refusals_of(table):
        raise listed(source, found)


def refusals_of(table: Table) -> list[Told]:
    """`Table.refusals` as faults."""
    return [Told(_place(key), text) for key, text in table.refusals().items()]


def _place(key: str) -> Place:
    """The place of a dotted key; a number counts the items of a list."""
    return tuple(int(part) if part.isdigit() else part for part in key.split("."))


def read_toml(path: Path) -> tuple[dict[str, Any], Source]:
    """The file's values and where each is written; a ConfigError of one line when unreadable."""
    text = _text_of(path)
    try:
        data = loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_fault(path, text, str(error))) from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(f"{path}: not readable as TOML: {reason}") from None
    return data, Source(str(path), Lines(text.replace("\r\n", "\n")))


def to_toml(data: Mapping[str, Any]) -> str:
    """TOML text of plain values; keys with None are left out, for TOML has no word for it."""
    return tomli_w.dumps(_without_none(data))


def json_schema(table: type[Table]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a table, for editors and other programs."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **table.model_json_schema()}


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{_near(path)}") from None
    except IsADirectoryError:
        raise ConfigError(
            f"{path}: is a directory; name the TOML file in it{_near(path)}"
        ) from None
    except UnicodeDecodeError as error:
        at = f"byte {error.start} is {error.object[error.start]:#04x}"
        raise ConfigError(f"{path}: not UTF-8 text ({at}); TOML files are UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: cannot be read: {reason}") from None


def _near(path: Path) -> str:
    """The TOML file that was probably meant."""
    inside = path.is_dir()
    folder = path if inside else path.parent
    try:
        names = sorted(entry.name for entry in folder.glob("*.toml"))
    except OSError:
        return ""
    close = (
        names if inside and len(names) == 1 else difflib.get_close_matches(path.name, names, n=1)
    )
    return f"; did you mean {folder / close[0]}?" if close else ""


def _syntax_fault(path: Path, text: str, message: str) -> str:
    """One line, `file:line:column`, from the sentence that tomllib makes."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        line, column = found.groups()
        return f"{path}:{line}:{column}  not TOML: {message[: found.start()]}"
    end = text.count("\n") + 1
    return f"{path}:{end}  not TOML: {message.removesuffix(' (at end of document)')} (end of file)"
