"""What a MODFLOW 6 simulation consists of: its models, their packages, solutions and exchanges.

Only what tells of the structure is read (name files, dimensions, time, output control); numbers of
packages are read when a patch asks for them.  Types are lower case and without the 6 (`npf`,
`gwf`), names as they are written; paths of outputs as MODFLOW resolves them, from the folder of
mfsim.nam.
"""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mhx.errors import ConfigError
from mhx.groundwater.existing import blocks, files
from mhx.groundwater.existing.blocks import BlockFile
from mhx.groundwater.memory import remembered

_Named = Callable[[str], Path]
MODELS = ("gwf", "gwt")
GRIDS = ("dis", "disv", "disu")
UNNUMBERED = frozenset(
    (*GRIDS, "npf", "ic", "oc", "sto", "buy", "vsc", "csub", "hfb", "mvr", "gnc", "obs")
) | {"adv", "dsp", "mst", "ssm", "fmi", "mvt"}
"""Packages of which a model has one, so that MODFLOW gives them their type as name."""
SAVED = {"gwf": "HEAD", "gwt": "CONCENTRATION"}


@dataclass(frozen=True, kw_only=True)
class Package:
    """One line of a name file.

    type: `npf`, `chd`; name: as written, else what MODFLOW calls it (`npf`, `chd-1`).
    given: as the name file has it, also where MODFLOW calls the package by its type; "" for none.
    model: name of its model.  arrays: whether its stresses are arrays (READASARRAYS).
    """

    type: str
    name: str
    file: Path
    model: str
    given: str = ""
    arrays: bool = False
    saves_flows: bool = False


@dataclass(frozen=True, kw_only=True)
class GridSize:
    """Dimensions of a model's grid.

    kind: `dis`, `disv` or `disu`.  shape: (layers, rows, columns), (layers, cells per layer) or
    (nodes,), which is also how many numbers a cell id has.  vertices: 0 where there are none.
    """

    kind: str
    shape: tuple[int, ...]
    length_unit: str
    vertices: int = 0

    @property
    def layers(self) -> int:
        """1 for disu, which has none."""
        return self.shape[0] if len(self.shape) > 1 else 1

    @property
    def cells(self) -> int:
        """All cells, inactive ones included."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One model of a simulation.

    type: `gwf` or `gwt`; name: as written; file: its name file.  listing, heads (of gwt:
    concentrations), budget, grb: files that MODFLOW will write, None where it will not.
    newton: whether NEWTON is stated.
    """

    type: str
    name: str
    file: Path
    packages: tuple[Package, ...]
    grid: GridSize
    listing: Path
    heads: Path | None
    budget: Path | None
    grb: Path | None
    newton: bool

    def package(self, kind: str) -> Package | None:
        """Its first package of a type, None where it has none."""
        return next((package for package in self.packages if package.type == kind), None)


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A solution group's solver: `ims`, its file, and the models that it solves."""

    type: str
    file: Path
    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """type: `gwf-gwf`, `gwf-gwt`; models: the two that it joins."""

    type: str
    file: Path
    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Period:
    """A stress period in the model's unit of time."""

    length: float
    steps: int
    multiplier: float


@dataclass(frozen=True, kw_only=True)
class Tdis:
    """time_unit: lower case, `unknown` where none is stated; ats: whether steps adapt."""

    file: Path
    time_unit: str
    start: str | None
    periods: tuple[Period, ...]
    ats: bool


@dataclass(frozen=True, kw_only=True)
class OwnModel:
    """A simulation; folder: of mfsim.nam, from which its paths count."""

    folder: Path
    file: Path
    models: tuple[Part, ...]
    solutions: tuple[Solution, ...]
    exchanges: tuple[Exchange, ...]
    tdis: Tdis
    continues: bool

    @property
    def packages(self) -> tuple[Package, ...]:
        """Of all models, in their order."""
        return tuple(package for part in self.models for package in part.packages)

    def part(self, name: str) -> Part:
        """The model of a name, in upper or lower case."""
        return next(part for part in self.models if part.name.upper() == name.upper())


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A simulation and its files.  Remembered while none of them changes."""

    model: OwnModel
    reached: files.Reached


def open_model(path: Path) -> OwnModel:
    """The simulation in a folder, or of a mfsim.nam.

    ConfigError: no simulation there, files missing, or parts that are not supported, by name.
    """
    return opened(path).model


def opened(path: Path) -> Opened:
    """A simulation with its files, read now or remembered; as `open_model`."""
    simulation = files.simulation_file(path)
    reached = files.collected(simulation)

    def make() -> Opened:
        return Opened(model=described(simulation, reached.read), reached=reached)

    # what is remembered holds `reached`, so that its id is not given to another meanwhile
    return remembered("structure of own model", id(reached), make)


def described(simulation: Path, read: Mapping[Path, BlockFile]) -> OwnModel:
    """The structure of files in memory."""
    source = read[simulation]
    folder = simulation.parent

    def named(text: str) -> Path:
        return Path(os.path.normpath(folder / blocks.file_name(text)))

    timing = source.words("TIMING")
    tdis = next(row[1] for row in timing if len(row) > 1 and row[0].upper() == "TDIS6")
    rows = [row for row in source.words("MODELS") if len(row) > 2]
    refuse_types(simulation, rows)
    names = {row[2].upper() for row in rows}
    return OwnModel(
        folder=folder,
        file=simulation,
        models=tuple(_part(row, folder, read) for row in rows),
        solutions=tuple(_solutions(source, named, names)),
        exchanges=tuple(
            Exchange(type=_exchange(row[0]), file=named(row[1]), models=tuple(row[2:4]))
            for row in source.words("EXCHANGES")
            if len(row) > 3
        ),
        tdis=_tdis(named(tdis), read[named(tdis)]),
        continues=source.option("CONTINUE") is not None,
    )


def refuse_types(simulation: Path, rows: list[list[str]]) -> None:
    """ConfigError for models of which no metric is known here."""
    for kind, _, name, *_ in rows:
        if _kind(kind) not in MODELS:
            raise ConfigError(
                f"model.path: {simulation} holds the model {name!r} of type {kind.upper()}, which "
                "is not supported; GWF6 and GWT6 are"
            )
    if not rows:
        raise ConfigError(f"model.path: {simulation} holds no model in its block MODELS")


def _kind(word: str) -> str:
    return word.lower().removesuffix("6")


def _exchange(word: str) -> str:
    """GWF6-GWT6 -> gwf-gwt."""
    return word.lower().replace("6", "")


def _solutions(source: BlockFile, named: _Named, names: set[str]) -> Iterator[Solution]:
    for block in source.blocks:
        if block.name == "SOLUTIONGROUP":
            for _, line in source.rows(block):
                row = blocks.texts(line)
                if len(row) > 2 and row[0].upper() != "MXITER":
                    solved = tuple(word for word in row[2:] if word.upper() in names)
                    yield Solution(type=_kind(row[0]), file=named(row[1]), models=solved)


def _part(row: list[str], folder: Path, read: Mapping[Path, BlockFile]) -> Part:
    """The model of a line of mfsim.nam: type, name file, name."""

    def named(text: str) -> Path:
        return Path(os.path.normpath(folder / blocks.file_name(text)))

    kind, name = _kind(row[0]), row[2]
    file = named(row[1])
    source = read[file]
    every = source.option("SAVE_FLOWS") is not None
    # MODFLOW cuts the path at its last dot, be it in the name of a folder
    unlisted = f"{row[1].rpartition('.')[0] or row[1]}.lst"
    packages = tuple(_packages(source, name, named, read, every))
    grid = next((package for package in packages if package.type in GRIDS), None)
    if grid is None:
        raise ConfigError(f"model.path: {file} names no DIS6, DISV6 or DISU6 package")
    output = next((read[p.file] for p in packages if p.type == "oc"), None)
    listing = source.option("LIST")
    grb = read[grid.file].option("NOGRB") is None
    return Part(
        type=kind,
        name=name,
        file=file,
        packages=packages,
        grid=_grid(read[grid.file], grid.type),
        listing=named(listing[0] if listing else unlisted),
        heads=_saved(output, SAVED[kind], named),
        budget=_saved(output, "BUDGET", named),
        grb=grid.file.with_name(f"{grid.file.name}.grb") if grb else None,
        newton=source.option("NEWTON") is not None,
    )


def _packages(
    source: BlockFile, model: str, named: _Named, read: Mapping[Path, BlockFile], every: bool
) -> Iterator[Package]:
    counted: Counter[str] = Counter()
    for row in source.words("PACKAGES"):
        if len(row) < 2:
            continue
        kind = _kind(row[0])
        counted[kind] += 1
        default = kind if kind in UNNUMBERED else f"{kind}-{counted[kind]}"
        file = read.get(named(row[1]))
        options = {words[0].upper() for words in file.words("OPTIONS")} if file else set()
        yield Package(
            type=kind,
            name=row[2] if len(row) > 2 and kind not in UNNUMBERED else default,
            file=named(row[1]),
            model=model,
            given=row[2] if len(row) > 2 else "",
            arrays="READASARRAYS" in options,
            saves_flows=every or "SAVE_FLOWS" in options,
        )


def _grid(source: BlockFile, kind: str) -> GridSize:
    sizes = {row[0].upper(): row[1] for row in source.words("DIMENSIONS") if len(row) > 1}
    keys = {"dis": ("NLAY", "NROW", "NCOL"), "disv": ("NLAY", "NCPL"), "disu": ("NODES",)}[kind]
    missing = [key for key in keys if not sizes.get(key, "").isdigit()]
    if missing:
        raise ConfigError(f"model.path: {source.path} holds no {missing[0]} in its DIMENSIONS")
    unit = source.option("LENGTH_UNITS")
    vertices = sizes.get("NVERT", "0")
    return GridSize(
        kind=kind,
        shape=tuple(int(sizes[key]) for key in keys),
        length_unit=unit[0].lower() if unit else "unknown",
        vertices=int(vertices) if vertices.isdigit() else 0,
    )


def _saved(source: BlockFile | None, key: str, named: _Named) -> Path | None:
    """The file that output control saves something to, None where nothing is saved."""
    if source is None:
        return None
    places = [row for row in source.words("OPTIONS") if row[0].upper() == key]
    path = next((row[2] for row in places if len(row) > 2 and row[1].upper() == "FILEOUT"), None)
    saved = any(
        [word.upper() for word in row[:2]] == ["SAVE", key]
        for block in source.blocks
        if block.name == "PERIOD"
        for row in (blocks.texts(line) for line in source.inside(block))
    )
    return named(path) if path is not None and saved else None


def _tdis(file: Path, source: BlockFile) -> Tdis:
    unit, start = source.option("TIME_UNITS"), source.option("START_DATE_TIME")
    periods = []
    for row in source.words("PERIODDATA"):
        numbers = [blocks.real(word) for word in row[:3]]
        if len(numbers) < 3 or None in numbers:
            told = f"must hold perlen, nstp and tsmult, got {' '.join(row)!r}"
            raise ConfigError(f"model.path: {source.path} PERIODDATA {told}")
        length, steps, multiplier = (float(number or 0.0) for number in numbers)
        periods.append(Period(length=length, steps=int(steps), multiplier=multiplier))
    return Tdis(
        file=file,
        time_unit=unit[0].lower() if unit else "unknown",
        start=start[0] if start else None,
        periods=tuple(periods),
        ats=source.option("ATS6") is not None,
    )
