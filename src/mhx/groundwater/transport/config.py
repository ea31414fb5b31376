"""`[transport]`: porosity, dispersion, reactions, scheme, time, concentrations in and at the start.

Lengths in m, diffusion in m2/s, decay in 1/s, concentrations in kg/m3, mass rates in kg/s, unless a
value carries its unit.  Dispersivities are lengths, not ratios.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from mhx.config import InputPath, Table
from mhx.groundwater.flow_config import MOST_STEPS, Param
from mhx.groundwater.kinds import Fault, Uses, refuse
from mhx.groundwater.packages import ID, Number, Package, Quantity
from mhx.groundwater.units import UNITS, measuring, to_si

PARAMETERS = {
    # name: dimension of its unit, "" where it has none
    "porosity": "",
    "alpha_l": "length",
    "alpha_th": "length",
    "alpha_tv": "length",
    "diffusion": "conductance",
    "decay": "leakance",
    "kd": "",
    "bulk_density": "concentration",
}


def _parameter(value: Any) -> Any:
    """A bare number is one value everywhere."""
    return {"value": value} if isinstance(value, int | float) and value is not True else value


Parameter = Annotated[Param, BeforeValidator(_parameter)]


class TransportParams(Table):
    """`[transport.param]`: what the ground does to a solute."""

    porosity: Parameter = Field(description="mobile pore volume over volume [1]")
    alpha_l: Parameter | None = Field(default=None, description="longitudinal dispersivity [m]")
    alpha_th: Parameter | None = Field(
        default=None, description="transverse horizontal dispersivity [m]"
    )
    alpha_tv: Parameter | None = Field(
        default=None, description="transverse vertical dispersivity, else alpha_th [m]"
    )
    diffusion: Parameter | None = Field(
        default=None, description="effective molecular diffusion [m2/s]"
    )
    decay: Parameter | None = Field(
        default=None, description="rate, first order [1/s], or zero order in kg/m3/s [1/s]"
    )
    decay_order: Literal[0, 1] = Field(default=1, description="order of the decay [1]")
    kd: Parameter | None = Field(default=None, description="linear distribution [m3/kg]")
    bulk_density: Parameter | None = Field(
        default=None, description="dry mass of ground per volume [kg/m3]"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        for name, dimension in PARAMETERS.items():
            param = getattr(self, name)
            if param is None:
                continue
            for place, number in param.numbers().items():
                strict = name in ("porosity", "bulk_density")
                most = 1.0 if name == "porosity" else None
                low = number <= 0 if strict else number < 0
                if low or (most is not None and number > most):
                    bound = f"{'>' if strict else '>='} 0" + (" and <= 1" if most else "")
                    faults.append(Fault((name, *place), f"must be {bound}, got {number!r}"))
            unit = param.unit
            if unit is not None and UNITS[unit].dimension != dimension:
                must = " or ".join(measuring(dimension)) or "left out: it has none"
                faults.append(Fault((name, "unit"), f"must be {must}, got {unit!r}"))
        if (self.kd is None) != (self.bulk_density is None):
            key, other = ("kd", "bulk_density") if self.kd is None else ("bulk_density", "kd")
            faults.append(Fault((key,), f"is required beside {other}", absent=True))
        refuse("TransportParams", faults)
        return self


class Scheme(Table):
    """`[transport.scheme]`: how advection and dispersion are discretised."""

    advection: Literal["upstream", "central", "tvd"] = Field(
        default="upstream", description="weighting of the concentration at a face"
    )
    dispersion_xt3d: bool = Field(
        default=True, description="full dispersion tensor; false: faster and less accurate"
    )


class TransportTime(Table):
    """`[transport.time]`: how long, and in how many steps."""

    length: float | None = Field(
        default=None, gt=0, description="duration, with steady flow [unit beside it, else day]"
    )
    unit: Literal["s", "hour", "day", "year"] = Field(default="day", description="of length")
    steps: int | None = Field(default=None, ge=1, le=MOST_STEPS, description="time steps [1]")
    courant: float | None = Field(
        default=None, gt=0, description="largest Courant number, else 0.5 without steps [1]"
    )

    @property
    def seconds(self) -> float | None:
        """Duration [s]; None where the stress periods of the flow say it."""
        return None if self.length is None else to_si(self.length, self.unit)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.steps is not None and self.courant is not None:
            refuse("TransportTime", [Fault(("courant",), "must be left out: steps is given, too")])
        return self


class TransportInitial(Table):
    """`[transport.ic]`: concentrations at the start."""

    value: float | Quantity = Field(default=0.0, description="everywhere [kg/m3]")
    file: InputPath | None = Field(default=None, description="CSV, one per cell [kg/m3]")


class SoluteBoundary(Package):
    """`[[transport.bc]]`: a concentration held, or mass added."""

    uses: ClassVar[Mapping[str, Uses]] = {"cnc": Uses(("value",)), "src": Uses(("value",))}
    measures: ClassVar[Mapping[str, str]] = {"value": "concentration"}

    package: Literal["cnc", "src"] = Field(description="MODFLOW 6 package")
    value: Number | None = Field(
        default=None, description="cnc: concentration [kg/m3]; src: mass into each cell [kg/s]"
    )


class BreakthroughPoint(Table):
    """`[[transport.observation]]`: where a breakthrough curve is kept."""

    id: str = Field(pattern=ID, description="name of its own, used in metrics")
    x: float | None = Field(default=None, description="to the east [m]")
    y: float | None = Field(default=None, description="to the north [m]")
    line: str | None = Field(default=None, description="id of a mesh constraint: mean over it")
    layer: int = Field(default=1, ge=1, description="1 is the top [1]")

    @model_validator(mode="after")
    def _one(self) -> Self:
        point = self.x is not None and self.y is not None
        half = (self.x is None) != (self.y is None)
        if half or point == (self.line is not None):
            refuse("BreakthroughPoint", [Fault((), "must hold x and y, or line")])
        return self


class Transport(Table):
    """`[transport]`: solute transport on the flow of the same run."""

    param: TransportParams = Field(description="parameters")
    scheme: Scheme = Field(default=Scheme(), description="discretisation")
    time: TransportTime = Field(default=TransportTime(), description="duration and steps")
    ic: TransportInitial = Field(default=TransportInitial(), description="at the start")
    bc: list[SoluteBoundary] = Field(default=[], description="held and injected")
    observation: list[BreakthroughPoint] = Field(default=[], description="breakthrough curves")
