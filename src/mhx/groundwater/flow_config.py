"""`[flow]`: regime, stress periods, formulation, parameters, heads at the start, boundaries.

Lengths in m, K in m/s, rates in SI unless a value carries its unit.
"""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mhx.config import InputPath, Table
from mhx.groundwater.kinds import Fault, Kinded, Uses, refuse
from mhx.groundwater.packages import ID, Boundary, UnitName, WaterSource, like_components
from mhx.groundwater.units import UNITS, measuring, to_si

MOST_STEPS = 1_000_000  # of one period; each leaves its lines in the listing
NEEDED = "the formulation changes heads, so it must be stated"


def iso(value: Any) -> Any:
    """A date of TOML as text, so that it reads back from the written configuration."""
    if isinstance(value, str):
        try:
            datetime.datetime.fromisoformat(value)
        except ValueError:
            raise PydanticCustomError("rule", "must be a date, as 2026-01-31") from None
    return value.isoformat() if isinstance(value, datetime.date) else value


class Period(Table):
    """One stress period."""

    length: float = Field(gt=0, description="duration [unit beside it, else day]")
    unit: Literal["s", "hour", "day", "year"] = Field(default="day", description="of length")
    steps: int = Field(default=1, ge=1, le=MOST_STEPS, description="time steps [1]")
    multiplier: float = Field(default=1.0, gt=0, description="of one step on the one before [1]")

    @property
    def seconds(self) -> float:
        """Length of the period [s]."""
        return to_si(self.length, self.unit)


class Time(Table):
    """`[flow.time]`: start and stress periods."""

    start: Annotated[str | None, BeforeValidator(iso)] = Field(
        default=None, description="date at time 0, as 2026-01-31"
    )
    period: list[Period] = Field(min_length=1, description="stress periods, in order")


class Formulation(Table):
    """`[flow.formulation]`: which equations are solved; it changes heads by metres."""

    newton: bool | None = Field(default=None, description="Newton-Raphson, upstream weighted")
    under_relaxation: bool = Field(default=True, description="with Newton, of the outer steps")
    xt3d: bool | None = Field(default=None, description="full flux of non-orthogonal faces")
    cell_type: Literal["convertible", "confined"] = Field(
        default="convertible", description="transmissivity with the head, or fixed"
    )

    @model_validator(mode="after")
    def _stated(self) -> Self:
        missing = [key for key in ("newton", "xt3d") if getattr(self, key) is None]
        told = f"is required: {NEEDED}"
        refuse("Formulation", [Fault((key,), told, absent=True) for key in missing])
        return self


class RandomField(Table):
    """A random field: ln of the parameter is Gaussian with exponential covariance."""

    kind: Literal["lognormal"] = Field(default="lognormal", description="distribution")
    mean: float = Field(gt=0, description="geometric mean [unit of the parameter]")
    sigma: float = Field(ge=0, description="standard deviation of the natural logarithm [1]")
    correlation_length: float = Field(gt=0, description="of the exponential covariance [m]")
    seed: int = Field(ge=0, description="of the generator [1]")


class Param(Table):
    """One parameter: uniform, by zone, from a file, or random."""

    value: float | None = Field(default=None, description="everywhere, in the unit beside it [1]")
    zones: dict[Annotated[str, Field(pattern=ID)], float] | None = Field(
        default=None, min_length=1, description="zone -> value, in the unit beside it [1]"
    )
    zone_file: InputPath | None = Field(
        default=None, description="CSV with the column zone, one row per cell, or GeoJSON"
    )
    file: InputPath | None = Field(default=None, description="CSV, one value per cell")
    field: RandomField | None = Field(default=None, description="random field")
    unit: UnitName | None = Field(default=None, description="unit of the numbers, else SI")

    @model_validator(mode="after")
    def _one(self) -> Self:
        ways = [k for k in ("value", "zones", "file", "field") if getattr(self, k) is not None]
        faults = []
        if len(ways) != 1:
            faults.append(Fault((), "must hold one of value, zones, file or field"))
        if (self.zones is None) != (self.zone_file is None):
            key = "zones" if self.zones is None else "zone_file"
            other = "zone_file" if key == "zones" else "zones"
            faults.append(Fault((key,), f"is required beside {other}", absent=True))
        refuse("Param", faults)
        return self

    def numbers(self) -> dict[tuple[str, ...], float]:
        """The numbers that stand in the configuration, by their keys below the parameter."""
        if self.value is not None:
            return {("value",): self.value}
        return {("zones", name): value for name, value in (self.zones or {}).items()}


class Params(Table):
    """`[flow.param]`: what the ground conducts and stores."""

    K: Param = Field(description="hydraulic conductivity along the first axis [m/s]")
    K22_ratio: Param | None = Field(default=None, description="K22 over K [1]")
    K33_ratio: Param | None = Field(default=None, description="K33 over K [1]")
    angle1: Param | None = Field(
        default=None, description="of the first axis, anticlockwise from east [degrees]"
    )
    Ss: Param | None = Field(default=None, description="specific storage [1/m]")
    Sy: Param | None = Field(default=None, description="specific yield [1]")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        for name in type(self).model_fields:
            param = getattr(self, name)
            if param is None:
                continue
            least, strict = (None, False) if name == "angle1" else (0.0, name[0] == "K")
            most = 1.0 if name == "Sy" else None
            for place, number in param.numbers().items():
                low = least is not None and (number <= least if strict else number < least)
                if low or (most is not None and number > most):
                    bound = f"{'>' if strict else '>='} 0" + (" and <= 1" if most else "")
                    told = f"must be {bound}{_unit(name)}, got {number!r}"
                    faults.append(Fault((name, *place), told))
            velocity = name == "K"
            unit = param.unit
            if unit is not None and not (velocity and UNITS[unit].dimension == "velocity"):
                must = " or ".join(measuring("velocity")) if velocity else "left out: it has none"
                faults.append(Fault((name, "unit"), f"must be {must}, got {unit!r}"))
        refuse("Params", faults)
        return self


def _unit(name: str) -> str:
    text = Params.model_fields[name].description or ""
    return "" if text.endswith("[1]") else f" {text[text.rindex('[') :]}"


class Initial(Kinded):
    """`[flow.ic]`: heads at the start."""

    uses: ClassVar[Mapping[str, Uses]] = {
        "constant": Uses(("value",)),
        "top": Uses(),
        "file": Uses(("file",)),
    }

    kind: Literal["constant", "top", "file"] = Field(default="top", description="how it is given")
    value: float | None = Field(default=None, description="head everywhere [m]")
    file: InputPath | None = Field(default=None, description="CSV, one head per cell [m]")
    fixed_cells: Literal["boundary_head"] | None = Field(
        default=None, description="cells of chd start at their head"
    )


class FlowAccept(Table):
    """`[flow.accept]`: what the gates let pass."""

    allow_flooding: bool = Field(default=False, description="heads above ground are expected")


class Flow(Table):
    """`[flow]`: the groundwater flow model."""

    regime: Literal["steady", "transient"] = Field(description="without or with storage")
    time: Time | None = Field(default=None, description="stress periods; steady: one, of a day")
    formulation: Formulation = Field(
        default=Formulation.model_construct(), validate_default=True, description="equations"
    )
    param: Params = Field(description="parameters")
    ic: Initial = Field(default=Initial(), description="heads at the start")
    bc: list[Boundary] = Field(default=[], description="exchange at a head")
    source: list[WaterSource] = Field(default=[], description="exchange at a rate")
    accept: FlowAccept = Field(default=FlowAccept(), description="what the gates let pass")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        if self.regime == "transient":
            needed = ["Ss"]
            needed += ["Sy"] if self.formulation.cell_type == "convertible" else []
            faults += [
                Fault(("param", name), f"is required with regime = 'transient'{_unit(name)}", True)
                for name in needed
                if getattr(self.param, name) is None
            ]
            if self.time is None:
                faults.append(Fault(("time",), "is required with regime = 'transient'", True))
        named: set[str] = set()
        for key, tables in (("bc", self.bc), ("source", self.source)):
            for index, table in enumerate(tables):
                if table.id.lower() in named:
                    faults.append(Fault((key, index, "id"), f"is used twice: {table.id!r}"))
                named.add(table.id.lower())
        faults += like_components(self.bc, self.source)
        boundaries = {bc.id for bc in self.bc}
        for key, tables in (("bc", self.bc), ("source", self.source)):
            for index, table in enumerate(tables):
                other = table.where.except_
                if other is not None and (other not in boundaries or other == table.id):
                    known = ", ".join(sorted(boundaries - {table.id})) or "none"
                    told = f"must be the id of another bc ({known}), got {other!r}"
                    faults.append(Fault((key, index, "where", "except"), told))
        refuse("Flow", faults)
        return self
