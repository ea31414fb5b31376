"""`[transport]`: porosity, dispersion, reactions, scheme, time, concentrations in and at the start.

Lengths in m, diffusion in m2/s, decay in 1/s, concentrations in kg/m3, mass rates in kg/s, unless a
value carries its unit.  Dispersivities are lengths, not ratios.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from mhx.config import InputPath, Table
from mhx.groundwater.flow_config import MOST_STEPS, Flow, Param
from mhx.groundwater.kinds import Fault, Uses, refuse
from mhx.groundwater.packages import ID, Number, Package, Quantity
from mhx.groundwater.site import Domain
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
NEEDED = "falling back to specific yield makes fronts too fast"


def _parameter(value: Any) -> Any:
    """A bare number is one value everywhere."""
    return {"value": value} if isinstance(value, int | float) and value is not True else value


Parameter = Annotated[Param, BeforeValidator(_parameter)]


class TransportParams(Table):
    """`[transport.param]`: what the ground does to a solute."""

    porosity: Parameter | None = Field(
        default=None, description="mobile pore volume over volume [1]"
    )
    alpha_l: Parameter | None = Field(
        default=None, description="longitudinal dispersivity, else 0 [m]"
    )
    alpha_th: Parameter | None = Field(
        default=None, description="transverse horizontal dispersivity, else 0 [m]"
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

    @property
    def pores(self) -> Param:
        """The porosity, which is never missing."""
        assert self.porosity is not None  # checked by `_agrees`
        return self.porosity

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        if self.porosity is None:
            faults.append(Fault(("porosity",), f"is required: {NEEDED}", absent=True))
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

    @property
    def si(self) -> float:
        """The concentration everywhere [kg/m3]."""
        return self.value.si if isinstance(self.value, Quantity) else self.value

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        if self.file is not None and self.value != 0.0:
            faults.append(Fault(("value",), "must be left out: file is given, too"))
        unit = getattr(self.value, "unit", None)
        if unit is not None and UNITS[unit].dimension != "concentration":
            must = " or ".join(measuring("concentration"))
            faults.append(Fault(("value", "unit"), f"must be {must}, got {unit!r}"))
        if self.si < 0:
            faults.append(Fault(("value",), f"must be >= 0 [kg/m3], got {self.si!r}"))
        refuse("TransportInitial", faults)
        return self


class SoluteBoundary(Package):
    """`[[transport.bc]]`: a concentration held, or mass added."""

    uses: ClassVar[Mapping[str, Uses]] = {"cnc": Uses(("value",)), "src": Uses(("value",))}
    measures: ClassVar[Mapping[str, str]] = {"value": "concentration"}

    package: Literal["cnc", "src"] = Field(description="MODFLOW 6 package")
    value: Number | None = Field(
        default=None, description="cnc: concentration [kg/m3]; src: mass into each cell [kg/s]"
    )

    def expected(self, key: str) -> tuple[str, ...]:
        """A mass rate has no unit but kg/s."""
        return () if self.package == "src" else super().expected(key)

    @model_validator(mode="after")
    def _held(self) -> Self:
        if self.package == "cnc" and isinstance(self.value, float) and self.value < 0:
            told = f"must be >= 0 [kg/m3] with package = 'cnc', got {self.value!r}"
            refuse("SoluteBoundary", [Fault(("value",), told)])
        return self


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


class SoluteAccept(Table):
    """`[transport.accept]`: how far a scheme may leave what there is to mix."""

    overshoot_max: float = Field(
        default=0.01, ge=0, description="above the largest source, over that [1]"
    )
    undershoot_max: float = Field(
        default=0.01, ge=0, description="below 0, over the largest source [1]"
    )


class Transport(Table):
    """`[transport]`: solute transport on the flow of the same run."""

    param: TransportParams = Field(
        default=TransportParams.model_construct(), validate_default=True, description="parameters"
    )
    scheme: Scheme = Field(default=Scheme(), description="discretisation")
    time: TransportTime = Field(default=TransportTime(), description="duration and steps")
    ic: TransportInitial = Field(default=TransportInitial(), description="at the start")
    bc: list[SoluteBoundary] = Field(default=[], description="held and injected")
    observation: list[BreakthroughPoint] = Field(default=[], description="breakthrough curves")
    front_line: str | None = Field(
        default=None,
        description="mesh constraint along which the front is measured, else the mean flow",
    )
    accept: SoluteAccept = Field(default=SoluteAccept(), description="bounds of the gates")

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        faults = []
        for key, tables in (("bc", self.bc), ("observation", self.observation)):
            ids = [table.id.lower() for table in tables]
            faults += [
                Fault((key, index, "id"), f"is used twice: {tables[index].id!r}")
                for index, name in enumerate(ids)
                if name in ids[:index]
            ]
        refuse("Transport", faults)
        return self

    def lines(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Where a mesh constraint is named, below `transport`, and which."""
        for index, table in enumerate(self.bc):
            if table.where.line is not None:
                yield ("bc", index, "where", "line"), table.where.line
        for index, point in enumerate(self.observation):
            if point.line is not None:
                yield ("observation", index, "line"), point.line
        if self.front_line is not None:
            yield ("front_line",), self.front_line


def disagreements(transport: Transport, flow: Flow, n_layers: int) -> Iterator[Fault]:
    """What `[transport]` says that flow and layers do not bear."""
    yield from _time(transport.time, flow)
    known = {table.id.lower() for table in (*flow.bc, *flow.source)}
    fixed = {table.id for table in (*flow.bc, *transport.bc)}
    for index, table in enumerate(transport.bc):
        place: tuple[str | int, ...] = ("transport", "bc", index)
        if table.id.lower() in known:
            yield Fault((*place, "id"), f"is the id of a flow.bc or flow.source, too: {table.id!r}")
        other = table.where.except_
        if other is not None and (other not in fixed or other == table.id):
            told = ", ".join(sorted(fixed - {table.id})) or "none"
            text = f"must be the id of another bc ({told}), got {other!r}"
            yield Fault((*place, "where", "except"), text)
        yield from _deep(table.layers, n_layers, (*place, "layers"))
    for index, point in enumerate(transport.observation):
        if point.layer > n_layers:
            told = f"must be <= {n_layers} layers, got {point.layer}"
            yield Fault(("transport", "observation", index, "layer"), told)


def _deep(layers: Collection[int], n_layers: int, place: tuple[str | int, ...]) -> Iterator[Fault]:
    for at, layer in enumerate(layers):
        if layer > n_layers:
            yield Fault((*place, at), f"must be <= {n_layers} layers, got {layer}")


def beside(transport: Transport, domain: Domain) -> Iterator[Fault]:
    """Points of breakthrough curves beside a rectangle; other outlines are known when meshed."""
    if domain.kind != "rectangle":
        return
    sides = (("x", domain.x0, domain.length_x), ("y", domain.y0, domain.length_y))
    for index, point in enumerate(transport.observation):
        for axis, low, length in sides:
            value, high = getattr(point, axis), low + (length or 0.0)
            if value is not None and not low <= value <= high:
                told = f"must lie in the domain, {low:.10g} .. {high:.10g} [m], got {value!r}"
                yield Fault(("transport", "observation", index, axis), told)


def _time(time: TransportTime, flow: Flow) -> Iterator[Fault]:
    """Stress periods that change say how long; one steady state lasts as long as one likes."""
    place = ("transport", "time")
    periods = [] if flow.time is None else flow.time.period
    if flow.regime == "steady" and len(periods) <= 1:
        if time.length is None and not periods:
            told = "is required with steady flow [unit beside it, else day]"
            yield Fault((*place, "length"), told, absent=True)
        return
    why = "the stress periods of flow.time say it"
    if time.length is not None:
        yield Fault((*place, "length"), f"must be left out: {why}")
    if time.steps is not None:
        yield Fault((*place, "steps"), f"must be left out: {why}; courant refines them")
