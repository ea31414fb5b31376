"""One groundwater simulation as a table: what a file with `[workflow] mode = "simulation"` may say.

`Simulation` is checked as a whole before anything runs, without flopy, gmsh or numpy.  Its parts:
`site.py` (domain to mesh), `packages.py` (boundaries and sources), and here flow, solver, output.
Lengths in m, K in m/s, rates in SI unless a value carries its unit; results in days since start.
"""

import datetime
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mhx.config import InputPath, OutputPath, Table
from mhx.groundwater.kinds import Fault, Kinded, Uses, refuse
from mhx.groundwater.packages import ID, Boundary, UnitName, WaterSource, like_components
from mhx.groundwater.site import Domain, Layers, Mesh, Topography
from mhx.groundwater.units import UNITS, measuring, to_si

MOST_STEPS = 1_000_000  # of one period; each leaves its lines in the listing
NEEDED = "the formulation changes heads, so it must be stated"


class Workflow(Table):
    """What kind of run this is, and where it goes."""

    mode: Literal["simulation"] = Field(default="simulation", description="kind of run")
    name: str | None = Field(default=None, min_length=1, description="title of the run")
    output_dir: OutputPath | None = Field(
        default=None, description="folder that the run writes into"
    )


class Process(Table):
    """One step of a simulation."""

    id: str = Field(pattern=ID, description="name of the step")
    type: Literal["mesh", "flow"] = Field(description="what it does")
    enabled: bool = Field(default=True, description="false: left out")


class Processes(Table):
    """`[simulation]`: the steps, carried out in the order mesh, flow."""

    process: list[Process] = Field(min_length=1, description="at most one of each type")

    @model_validator(mode="after")
    def _once(self) -> Self:
        faults = []
        for key in ("id", "type"):
            names = [getattr(step, key) for step in self.process]
            for index, name in enumerate(names):
                if name in names[:index]:
                    faults.append(Fault(("process", index, key), f"is used twice: {name!r}"))
        enabled = {step.type: step.enabled for step in self.process}
        if enabled.get("flow") and not enabled.get("mesh"):
            faults.append(Fault(("process",), "must hold an enabled mesh: flow needs one"))
        refuse("Processes", faults)
        return self


def _iso(value: Any) -> Any:
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

    start: Annotated[str | None, BeforeValidator(_iso)] = Field(
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


class Mf6(Table):
    """`[solver.mf6]`: the executable and how it solves."""

    exe: InputPath | None = Field(default=None, description="executable; else it is looked for")
    time_unit: Literal["days", "seconds"] = Field(
        default="days", description="MODFLOW's own; seconds lose digits to the solver"
    )
    complexity: Literal["simple", "moderate", "complex"] = Field(
        default="moderate", description="preset of the solver"
    )
    outer_dvclose: float = Field(default=1e-6, gt=0, description="head change, outer steps [m]")
    inner_dvclose: float = Field(default=1e-7, gt=0, description="head change, inner steps [m]")
    outer_maximum: int = Field(default=500, ge=1, le=10**6, description="outer iterations [1]")
    inner_maximum: int = Field(default=300, ge=1, le=10**6, description="inner iterations [1]")
    rclose: float | None = Field(
        default=None, gt=0, description="flow residual, else the preset's [m3 per time_unit]"
    )
    rclose_option: Literal["strict", "l2norm_rclose", "relative_rclose"] = Field(
        default="strict", description="how the residual is measured"
    )
    linear_acceleration: Literal["auto", "cg", "bicgstab"] = Field(
        default="auto", description="auto: cg without Newton and XT3D, else bicgstab"
    )
    relaxation_factor: float | None = Field(
        default=None, ge=0, le=1, description="of the preconditioner; else the preset [1]"
    )
    save_flow_ja: bool = Field(default=False, description="keep the flows between cells")
    write_grb: bool = Field(default=False, description="keep the binary grid file")
    save: Literal["all", "last"] = Field(default="all", description="steps that are saved")
    timeout_s: float | None = Field(default=None, gt=0, description="wall clock of the solver [s]")


class Solver(Table):
    """`[solver]`."""

    mf6: Mf6 = Field(default=Mf6(), description="MODFLOW 6")


class Output(Table):
    """`[output]`: what a run leaves behind besides its metrics."""

    vtu: bool = Field(default=False, description="results for ParaView")
    geojson: bool = Field(default=False, description="results for a GIS")
    figures: bool = Field(default=True, description="pictures; off in the children of a testbed")
    fields: list[
        Literal["head", "watertable_depth", "outflow_drain", "accumulation_flux", "recharge_flux"]
    ] = Field(default=["head"], description="fields kept in results/")
    keep_solver_files: Literal["all", "inputs", "none"] = Field(
        default="all", description="what stays in mf6/"
    )


class Simulation(Table):
    """A groundwater simulation: `[workflow] mode = "simulation"`."""

    workflow: Workflow = Field(default=Workflow(), description="what to do")
    simulation: Processes = Field(description="steps")
    domain: Domain = Field(description="area")
    topography: Topography | None = Field(default=None, description="elevation of the ground")
    layers: Layers | None = Field(default=None, description="what conducts water")
    mesh: Mesh = Field(description="grid")
    flow: Flow | None = Field(default=None, description="groundwater flow")
    solver: Solver = Field(default=Solver(), description="solver")
    output: Output = Field(default=Output(), description="what is kept")

    def runs(self, kind: str) -> bool:
        """Whether an enabled process of this type is declared."""
        return any(step.type == kind and step.enabled for step in self.simulation.process)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        if self.runs("flow"):
            for key in ("topography", "layers", "flow"):
                if getattr(self, key) is None:
                    faults.append(Fault((key,), "is required by the process flow", absent=True))
        lines = {line.id for line in self.mesh.constraint}
        faults += [
            Fault(place, f"must be the id of a mesh.constraint ({known}), got {name!r}")
            for place, name in _lines_named(self)
            if name not in lines
            for known in [", ".join(sorted(lines)) or "none is declared"]
        ]
        faults += [*_foreign_streams(self), *_missing_layers(self)]
        refuse("Simulation", faults)
        return self


def _lines_named(config: Simulation) -> list[tuple[tuple[str | int, ...], str]]:
    """Where a constraint is named, and which."""
    named: list[tuple[tuple[str | int, ...], str]] = []
    if config.topography is not None and config.topography.axis is not None:
        named.append((("topography", "axis"), config.topography.axis))
    for key, index, table in packages(config):
        if table.where.line is not None:
            named.append((("flow", key, index, "where", "line"), table.where.line))
    return named


def packages(config: Simulation) -> list[tuple[str, int, Boundary | WaterSource]]:
    """Every boundary and source with its key and index."""
    if config.flow is None:
        return []
    found: list[tuple[str, int, Boundary | WaterSource]] = []
    found += [("bc", index, table) for index, table in enumerate(config.flow.bc)]
    return found + [("source", index, table) for index, table in enumerate(config.flow.source)]


def _foreign_streams(config: Simulation) -> list[Fault]:
    """A stage along the stream needs a line to fall along."""
    faults = []
    for key, index, table in packages(config):
        for name in table.measures:
            level = getattr(table, name)
            if isinstance(level, str) and level.startswith("stream") and table.where.line is None:
                told = f"must be used with where.line, along which it falls, got {level!r}"
                faults.append(Fault(("flow", key, index, name), told))
    return faults


def _missing_layers(config: Simulation) -> list[Fault]:
    """Layers that a boundary names and the model has not."""
    most = config.layers.n_layers if config.layers is not None else 1
    return [
        Fault(("flow", key, index, "layers", place), f"must be <= {most} layers, got {layer}")
        for key, index, table in packages(config)
        for place, layer in enumerate(table.layers)
        if layer > most
    ]
