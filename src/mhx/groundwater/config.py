"""One groundwater simulation as a table: what a file with `[workflow] mode = "simulation"` may say.

`Simulation` is checked as a whole before anything runs, without flopy, gmsh or numpy.  Its parts:
`site.py` (domain to mesh), `packages.py` (boundaries and sources), and here flow, solver, output.
Lengths in m, K in m/s, rates in SI unless a value carries its unit; results in days since start.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Literal, Self

from pydantic import Field, model_validator

from mhx.config import OutputPath, Table
from mhx.groundwater.analytic import limits as analytic
from mhx.groundwater.existing.config import Model
from mhx.groundwater.fem import limits as fem
from mhx.groundwater.flow_config import Flow
from mhx.groundwater.kinds import Fault, refuse
from mhx.groundwater.legacy import limits as legacy
from mhx.groundwater.measured.config import Observation
from mhx.groundwater.packages import ID, Boundary, WaterSource
from mhx.groundwater.site import Domain, Layers, Mesh, Site, Topography
from mhx.groundwater.solver import Engine, Solver
from mhx.groundwater.transport.config import Transport, beside, disagreements

BUILT = ("domain", "topography", "layers", "mesh", "flow", "transport")
"""Tables of a model that is built here; the user's own model brings all of it."""


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
    type: Literal["mesh", "flow", "transport"] = Field(description="what it does")
    enabled: bool = Field(default=True, description="false: left out")


class Processes(Table):
    """`[simulation]`: the steps, carried out in the order mesh, flow, transport."""

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
        if enabled.get("transport") and not enabled.get("flow"):
            faults.append(Fault(("process",), "must hold an enabled flow: transport needs one"))
        refuse("Processes", faults)
        return self


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
    engine: Engine = Field(default="mf6", description="what solves the model")
    model: Model | None = Field(default=None, description="the user's own model instead")
    domain: Domain | None = Field(default=None, description="area")
    topography: Topography | None = Field(default=None, description="elevation of the ground")
    layers: Layers | None = Field(default=None, description="what conducts water")
    mesh: Mesh | None = Field(default=None, description="grid")
    flow: Flow | None = Field(default=None, description="groundwater flow")
    transport: Transport | None = Field(default=None, description="solute transport")
    observation: list[Observation] = Field(default=[], description="measured heads and flows")
    solver: Solver = Field(default=Solver(), description="solver")
    output: Output = Field(default=Output(), description="what is kept")

    def runs(self, kind: str) -> bool:
        """Whether an enabled process of this type is declared."""
        return any(step.type == kind and step.enabled for step in self.simulation.process)

    @property
    def site(self) -> Site:
        """What terrain and mesh are made of, of a model that is built here."""
        assert self.domain is not None and self.mesh is not None  # else there is [model]
        return Site(domain=self.domain, topography=self.topography, mesh=self.mesh)

    def refusals(self) -> Mapping[str, str]:
        """What is wrong with files that say what is run, or held against the run."""
        found: dict[str, str] = {}
        if self.model is not None:
            existing = import_module("mhx.groundwater.existing.planning")  # it reads files, too
            found |= existing.refusals(self.model)
        if self.observation:
            measured = import_module("mhx.groundwater.measured.planning")  # it reads files
            found |= measured.refusals(self)
        return found

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = _foreign_tables(self) if self.model is not None else _missing_tables(self)
        if self.mesh is not None:
            lines = {line.id for line in self.mesh.constraint}
            faults += [
                Fault(place, f"must be the id of a mesh.constraint ({known}), got {name!r}")
                for place, name in _lines_named(self)
                if name not in lines
                for known in [", ".join(sorted(lines)) or "none is declared"]
            ]
        faults += [*_foreign_streams(self), *_missing_layers(self), *legacy.faults(self)]
        faults += [*fem.faults(self), *analytic.faults(self)]
        if self.runs("transport") and self.transport is not None and self.flow is not None:
            faults += disagreements(self.transport, self.flow, _most_layers(self))
            if self.domain is not None and self.mesh is not None and self.mesh.kind != "file":
                faults += beside(self.transport, self.domain)
        refuse("Simulation", faults)
        return self


def _missing_tables(config: Simulation) -> list[Fault]:
    """Tables that a model which is built here cannot do without."""
    needed = [(key, "") for key in ("domain", "mesh")]
    if config.runs("flow"):
        if not config.runs("mesh"):
            told = "must hold an enabled mesh: flow needs one"
            return [Fault(("simulation", "process"), told)]
        needed += [(key, " by the process flow") for key in ("topography", "layers", "flow")]
    if config.runs("transport"):
        needed.append(("transport", " by the process transport"))
    return [
        Fault((key,), f"is required{why}", absent=True)
        for key, why in needed
        if getattr(config, key) is None
    ]


def _foreign_tables(config: Simulation) -> list[Fault]:
    """Tables and processes that do not go with the user's own model."""
    given = [key for key in BUILT if getattr(config, key) is not None]
    faults = [Fault((key,), "must be left out: [model] brings its own") for key in given]
    if config.engine != "mf6":
        told = f"must be 'mf6' with [model], got {config.engine!r}"
        faults.append(Fault(("engine",), told))
    for index, step in enumerate(config.simulation.process):
        if step.type == "mesh":
            told = "must be flow or transport with [model], which brings its own mesh, got 'mesh'"
            faults.append(Fault(("simulation", "process", index, "type"), told))
    return faults


def _lines_named(config: Simulation) -> list[tuple[tuple[str | int, ...], str]]:
    """Where a constraint is named, and which."""
    named: list[tuple[tuple[str | int, ...], str]] = []
    if config.topography is not None and config.topography.axis is not None:
        named.append((("topography", "axis"), config.topography.axis))
    for key, index, table in packages(config):
        if table.where.line is not None:
            named.append((("flow", key, index, "where", "line"), table.where.line))
    if config.transport is not None:
        named += [(("transport", *place), name) for place, name in config.transport.lines()]
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


def _most_layers(config: Simulation) -> int:
    return config.layers.n_layers if config.layers is not None else 1


def _missing_layers(config: Simulation) -> list[Fault]:
    """Layers that a boundary names and the model has not."""
    most = _most_layers(config)
    return [
        Fault(("flow", key, index, "layers", place), f"must be <= {most} layers, got {layer}")
        for key, index, table in packages(config)
        for place, layer in enumerate(table.layers)
        if layer > most
    ]
