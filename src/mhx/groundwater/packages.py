"""Boundary conditions and sources, by the names of MODFLOW 6, and the cells they act on.

Signs are MODFLOW's: a positive rate brings water in, for evt it takes water out.  Values are SI
unless they carry a unit.  What becomes of a table in a grid is said in `boundaries.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, Strict, model_validator

from mhx.config import InputPath, Pair, Table
from mhx.groundwater.kinds import Fault, Kinded, Uses, refuse
from mhx.groundwater.units import UNITS, measuring, to_si

ID = r"^[A-Za-z0-9_-]+$"
COMPONENTS = ("chd", "drn", "riv", "ghb", "rcha", "wel", "evt", "sto-ss", "sto-sy", "sto")
"""What the budget of MODFLOW 6 adds up under one name; `sto` of MODFLOW-NWT is both kinds."""
CARRIED = "of the water that enters, for transport; else it carries none [kg/m3]"
UnitName = Literal[
    "m/s", "m/day", "mm/day", "mm/year", "m2/s", "m2/day", "m3/s", "m3/day", "1/s", "1/day", "m",
    "s", "hour", "day", "year", "g/m3", "kg/m3", "mg/L",
]  # fmt: skip


class Quantity(Table):
    """A number in another unit than SI."""

    value: float = Field(description="in the unit beside it [1]")
    unit: UnitName = Field(description="unit of the value")

    @property
    def si(self) -> float:
        """The value in SI."""
        return to_si(self.value, self.unit)


class Series(Table):
    """One value per stress period, from a CSV file with a header; rows in the periods' order."""

    file: InputPath = Field(description="CSV with a header, one row per stress period")
    column: str = Field(min_length=1, description="name of the column")
    unit: UnitName | None = Field(default=None, description="unit of the column, else SI")


Number = float | Quantity | Series
Level = (
    float
    | Annotated[str, Field(pattern=r"^(top|stream)( [+-] \d+(\.\d*)?([eE][+-]?\d+)?)?$")]
    | Quantity
    | Series
)
"""An elevation [m]: a number, `top`, `top - 1.0`, `stream`, or a series."""


class Where(Table):
    """The cells that a boundary or source acts on; exactly one way of naming them."""

    side: Literal["west", "east", "north", "south"] | None = Field(
        default=None, description="owners of boundary edges whose midpoint lies on that side"
    )
    line: str | None = Field(default=None, description="id of a mesh constraint")
    last_m: float | None = Field(
        default=None, gt=0, description="only the last part of the line, downstream [m]"
    )
    polygon: InputPath | None = Field(default=None, description="CSV with x,y or GeoJSON")
    points: Annotated[tuple[Pair, ...], Strict(False)] | None = Field(
        default=None, min_length=1, description="cells that hold the points [m]"
    )
    cells: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, min_length=1, description="ids as in mesh/cells.csv, from 0 [1]"
    )
    boundary: Literal[True] | None = Field(default=None, description="cells on the outline")
    all: Literal[True] | None = Field(default=None, description="every cell")
    except_: str | None = Field(
        default=None, alias="except", description="cells that the bc of this id leaves"
    )

    model_config = ConfigDict(serialize_by_alias=True)

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [key for key in self.model_fields_set if getattr(self, key) is not None]
        ways = [key for key in given if key != "last_m"]
        faults = []
        if len(ways) != 1:
            told = "must hold one of side, line, polygon, points, cells, boundary, all or except"
            faults.append(Fault((), told))
        if self.last_m is not None and self.line is None:
            faults.append(Fault(("last_m",), "must be left out: it belongs to line"))
        refuse("Where", faults)
        return self


class Package(Kinded):
    """What boundary conditions and sources have in common."""

    selector: ClassVar[str] = "package"
    measures: ClassVar[Mapping[str, str]] = {}

    id: str = Field(pattern=ID, description="name of its own, used in metrics")
    where: Where = Field(description="cells it acts on")
    layers: list[Annotated[int, Field(ge=1)]] = Field(
        default=[1], min_length=1, description="layers it acts on, 1 is the top [1]"
    )

    def expected(self, key: str) -> tuple[str, ...]:
        """The dimensions that a key's unit may have."""
        return (self.measures[key],)

    @model_validator(mode="after")
    def _units(self) -> Self:
        faults = []
        for key in self.measures:
            unit = getattr(getattr(self, key), "unit", None)
            if unit is not None and UNITS[unit].dimension not in self.expected(key):
                known = " or ".join(measuring(*self.expected(key))) or "left out: it has no other"
                faults.append(Fault((key, "unit"), f"must be {known}, got {unit!r}"))
        low = getattr(self, "concentration", None)
        if isinstance(low, float) and low < 0:
            faults.append(Fault(("concentration",), f"must be >= 0 [kg/m3], got {low!r}"))
        refuse(type(self).__name__, faults)
        return self


class Boundary(Package):
    """`[[flow.bc]]`: water exchanged at a head."""

    uses: ClassVar[Mapping[str, Uses]] = {
        "chd": Uses(("head",), ("concentration",)),
        "ghb": Uses(("head", "conductance|leakance"), ("concentration",)),
        "riv": Uses(("stage", "bottom", "conductance|leakance"), ("concentration",)),
        "drn": Uses(("elevation", "conductance|leakance")),  # it lets no water in
    }
    measures: ClassVar[Mapping[str, str]] = {
        "head": "length",
        "stage": "length",
        "elevation": "length",
        "bottom": "length",
        "conductance": "conductance",
        "leakance": "leakance",
        "concentration": "concentration",
    }

    package: Literal["chd", "drn", "riv", "ghb"] = Field(description="MODFLOW 6 package")
    head: Level | None = Field(default=None, description="head of chd or ghb [m]")
    stage: Level | None = Field(default=None, description="stage of riv [m]")
    elevation: Level | None = Field(default=None, description="elevation of drn [m]")
    bottom: Level | None = Field(default=None, description="bottom of the river bed [m]")
    conductance: Number | None = Field(default=None, description="of each cell [m2/s]")
    leakance: Number | None = Field(
        default=None, description="per area of the cell [1/s], or with line per length [m/s]"
    )
    concentration: Number | None = Field(default=None, description=CARRIED)

    def expected(self, key: str) -> tuple[str, ...]:
        """Leakance per metre of line is a velocity."""
        if key == "leakance":
            return ("velocity",) if self.where.line is not None else ("leakance",)
        return super().expected(key)


class WaterSource(Package):
    """`[[flow.source]]`: water added or taken at a rate."""

    uses: ClassVar[Mapping[str, Uses]] = {
        "rcha": Uses(("rate",), ("concentration",)),
        "wel": Uses(("rate",), ("concentration",)),
        "evt": Uses(("rate", "depth"), ("surface", "concentration")),
    }
    measures: ClassVar[Mapping[str, str]] = {
        "rate": "",
        "surface": "length",
        "depth": "length",
        "concentration": "concentration",
    }

    package: Literal["rcha", "wel", "evt"] = Field(description="MODFLOW 6 package")
    rate: Number | None = Field(
        default=None, description="rcha, evt: per area [m/s]; wel: of each cell [m3/s]"
    )
    surface: Level | None = Field(
        default=None, description="elevation of the largest evapotranspiration, else top [m]"
    )
    depth: Number | None = Field(
        default=None, description="below the surface where evapotranspiration ends [m]"
    )
    concentration: Number | None = Field(
        default=None, description=f"{CARRIED[:-8]}; evt: at most this goes with the vapour [kg/m3]"
    )

    def expected(self, key: str) -> tuple[str, ...]:
        """A well's rate is a discharge, the others' a velocity."""
        if key == "rate":
            return ("discharge",) if self.package == "wel" else ("velocity",)
        return super().expected(key)

    @model_validator(mode="after")
    def _on_top(self) -> Self:
        if self.package == "rcha" and self.layers != [1]:
            told = f"must be [1]: recharge enters at the top, got {self.layers}"
            refuse("WaterSource", [Fault(("layers",), told)])
        return self


def like_components(bc: Sequence[Boundary], source: Sequence[WaterSource]) -> Iterator[Fault]:
    """Ids under which metrics of one boundary and of all packages of a type would be one."""
    tables: list[tuple[str, int, Boundary | WaterSource]] = []
    tables += [("bc", index, table) for index, table in enumerate(bc)]
    tables += [("source", index, table) for index, table in enumerate(source)]
    types = [table.package for _, _, table in tables]
    for key, index, table in tables:
        alone = table.id == table.package and types.count(table.package) == 1
        if table.id in COMPONENTS and not alone:
            told = f"must not be {table.id!r}: metrics of the whole budget have this name"
            yield Fault((key, index, "id"), told)
