"""What a MODFLOW 6 simulation consists of: its models, their packages, solutions and exchanges.

Only what tells of the structure is read (name files, dimensions, time, output control); numbers of
packages are read when a patch asks for them.  Types are lower case and without the 6 (`npf`,
`gwf`), names as they are written; paths of outputs as MODFLOW resolves them, from the folder of
mfsim.nam.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Package:
    """One line of a name file.

    type: `npf`, `chd`; name: as written, else what MODFLOW calls it (`npf`, `chd-1`).
    model: name of its model.  arrays: whether its stresses are arrays (READASARRAYS).
    """

    type: str
    name: str
    file: Path
    model: str
    arrays: bool = False


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
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True, kw_only=True)
class Part:
    """One model of a simulation.

    type: `gwf` or `gwt`.  file: its name file.  listing, heads (of gwt: concentrations), budget,
    grb: files that MODFLOW will write, None where it will not.  newton: whether NEWTON is stated.
    saves_flows: whether SAVE_FLOWS stands in the name file, for all packages.
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
    saves_flows: bool


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
