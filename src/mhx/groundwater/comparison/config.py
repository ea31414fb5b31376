"""`[comparison]`: one case, several methods, one of them the reference.

It says how methods differ, not which one is right, unless the reference is an analytic solution.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from mhx.config import InputPath, OutputPath, Table
from mhx.config.paths import CountedBy, LaidOver
from mhx.groundwater.config import Simulation
from mhx.groundwater.kinds import Fault, Kinded, Uses, refuse
from mhx.groundwater.packages import ID
from mhx.groundwater.solver import Engine

Case = Annotated[InputPath, CountedBy("mhx.groundwater.comparison.children:read_files")]
"""The file of the case; with it count its parents and all inputs that it names."""
Overlay = Annotated[dict[str, Any], LaidOver(Simulation)]
"""Tables of a simulation; paths in it count from the file of the comparison."""

UNITS_OF = {
    "head": ("m",),
    "concentration": ("kg/m3",),
    "saturation": ("1",),
    "budget": ("m3/s", "kg/s"),  # of water, of the solute
}
"""Variable -> its units, the first unless another is asked for."""
_FIELD = ("point", "line", "cell", "boundary", "mask", "domain", "map")
SUPPORTS = {
    "head": _FIELD,
    "concentration": (*_FIELD, "outlet"),
    "saturation": _FIELD,
    "budget": ("outlet", "boundary", "domain"),
}
"""Variable -> where it can be read."""
AREAS = ("boundary", "mask", "domain")
"""Supports of many cells, whose fields become one number: cells of two meshes do not pair."""


class Workflow(Table):
    """What kind of run this is, and where it goes."""

    mode: Literal["comparison"] = Field(default="comparison", description="kind of run")
    name: str | None = Field(default=None, min_length=1, description="title of the run")
    output_dir: OutputPath | None = Field(
        default=None, description="folder that the run writes into"
    )


class Audit(Table):
    """`[comparison.audit]`: only the method may differ."""

    mode: Literal["strict_same_case"] = Field(
        default="strict_same_case", description="what must be equal"
    )
    on_mismatch: Literal["fail", "warn", "ignore"] = Field(
        default="fail", description="what a difference leads to"
    )


class Execution(Table):
    """`[comparison.execution]`: how the simulations are carried out."""

    jobs: int = Field(default=1, ge=1, description="simulations at a time [1]")
    timeout_s: float | None = Field(default=None, gt=0, description="wall clock of each [s]")


class Raster(Table):
    """`[comparison.raster]`: the common raster of maps."""

    enabled: bool = Field(default=True, description="compare maps")
    cells: int = Field(default=200, ge=2, le=5000, description="along the longer side [1]")
    interpolation: Literal["nearest_cell", "linear"] = Field(
        default="nearest_cell", description="from cells to the raster"
    )


class Method(Table):
    """`[[comparison.simulation]]`: one method."""

    id: str = Field(pattern=ID, description="name of its own, used in metrics")
    label: str | None = Field(default=None, min_length=1, description="for tables and pictures")
    enabled: bool = Field(default=True, description="false: left out")
    overlay: Overlay = Field(default={}, description="tables of the simulation to change")
    run_dir: InputPath | None = Field(default=None, description="a finished run instead of a new")
    engine: Engine | None = Field(default=None, description="what solves it, else the base's")


class Observable(Kinded):
    """`[[comparison.observable]]`: what is compared."""

    selector: ClassVar[str] = "support"
    uses: ClassVar[Mapping[str, Uses]] = {
        "point": Uses(("x", "y"), ("layer",)),
        "line": Uses(("x", "y"), ("layer",)),
        "cell": Uses(("cell",), ("layer",)),
        "outlet": Uses(("boundary_id",)),
        "boundary": Uses((), ("boundary_id", "component")),
        "mask": Uses(("mask",), ("layer",)),
        "domain": Uses((), ("component", "layer")),
        "map": Uses((), ("layer",)),
    }

    name: str = Field(pattern=ID, description="used in metrics")
    variable: Literal["head", "concentration", "saturation", "budget"] = Field(
        description="what is read"
    )
    unit: str | None = Field(default=None, description="must be the variable's own")
    simulations: list[str] | None = Field(default=None, min_length=1, description="else all")
    support: Literal["point", "line", "cell", "outlet", "boundary", "mask", "domain", "map"] = (
        Field(description="where")
    )
    x: list[float] | float | None = Field(default=None, description="points, or a line [m]")
    y: list[float] | float | None = Field(default=None, description="points, or a line [m]")
    boundary_id: str | None = Field(default=None, description="of outlet and boundary")
    mask: InputPath | None = Field(default=None, description="polygon: CSV with x,y or GeoJSON")
    component: str | None = Field(default=None, description="of the budget: chd, drn, rcha")
    cell: int | None = Field(default=None, ge=0, description="id in mesh/cells.csv [1]")
    layer: int = Field(default=1, ge=1, description="1 is the top [1]")
    time: Literal["last", "all"] | float = Field(
        default="last", description="saved steps, or days since the start [d]"
    )
    reducer: Literal["value", "mean", "sum", "max", "area_mean"] | None = Field(
        default=None, description="of several values; else what suits the support"
    )
    max_rmse: float | None = Field(default=None, ge=0, description="becomes a gate [1]")
    max_abs_error: float | None = Field(default=None, ge=0, description="becomes a gate [1]")

    @property
    def points(self) -> list[tuple[float, float]]:
        """The points of a point or line, in order [m]."""
        x = self.x if isinstance(self.x, list) else [self.x or 0.0]
        y = self.y if isinstance(self.y, list) else [self.y or 0.0]
        return list(zip(x, y, strict=True))

    @property
    def own_unit(self) -> str:
        """The unit of its values; a budget in kg/s is that of the solute."""
        return self.unit or UNITS_OF[self.variable][0]

    @property
    def reduced(self) -> str:
        """How several values become one; `value`: they do not."""
        return self.reducer or ("area_mean" if self.support in AREAS else "value")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        refuse("Observable", [*self._places(), *self._values()])
        return self

    def _places(self) -> Iterator[Fault]:
        variable, support = self.variable, self.support
        supports = SUPPORTS[variable]
        if support not in supports:
            told = f"must be {_or(supports)} with variable = {variable!r}, got {support!r}"
            yield Fault(("support",), told)
        for key in ("x", "y"):
            many = isinstance(getattr(self, key), list)
            count = len(getattr(self, key)) if many else 1
            least = 2 if support == "line" else 1
            if getattr(self, key) is not None and count < least:
                yield Fault((key,), f"must hold {least} numbers or more [m], got {count}")
        sizes = [len(v) if isinstance(v, list) else 1 for v in (self.x, self.y) if v is not None]
        if len(set(sizes)) > 1:
            yield Fault(("y",), f"must be as long as x, {sizes[0]}, got {sizes[1]}")
        if support in ("boundary", "domain") and variable == "budget":
            if self.component is None and (support == "domain" or self.boundary_id is None):
                yield Fault(("component",), "is required by a budget", absent=True)
        elif support == "boundary" and self.boundary_id is None:
            yield Fault(("boundary_id",), f"is required by a {variable}", absent=True)
        elif self.component is not None:
            yield Fault(("component",), f"must be left out: a {variable} has none")

    def _values(self) -> Iterator[Fault]:
        units = UNITS_OF[self.variable]
        if self.unit is not None and self.unit not in units:
            told = f"must be {_or(units)}, the unit of {self.variable}, got {self.unit!r}"
            yield Fault(("unit",), told)
        if isinstance(self.time, float | int) and self.time < 0:
            yield Fault(("time",), f"must be >= 0 [d], got {self.time!r}")
        if self.support == "map" or self.variable == "budget" or self.support == "outlet":
            known: tuple[str, ...] = ("value",)
        elif self.support in AREAS:
            known = ("area_mean", "mean", "sum", "max")
        else:
            known = ("value", "mean", "sum", "max")
        if self.reducer is not None and self.reducer not in known:
            told = f"must be {_or(known)} with support = {self.support!r}, got {self.reducer!r}"
            yield Fault(("reducer",), told)


def _or(words: Iterable[str]) -> str:
    return " or ".join(map(repr, words))


class ComparisonTable(Table):
    """`[comparison]` with what belongs to it."""

    comparison_id: str | None = Field(default=None, min_length=1, description="else the file's")
    base_simulation_config: Case = Field(description="the one physical case")
    base_simulation_overlay: Overlay = Field(
        default={}, description="tables of the case to change, for all methods"
    )
    reference_simulation: str = Field(min_length=1, description="id of one simulation")
    continue_on_error: bool = Field(default=False, description="go on when one ends badly")
    run_simulations: bool = Field(default=True, description="false: only what is there is compared")
    audit: Audit = Field(default=Audit(), description="what must be equal")
    execution: Execution = Field(default=Execution(), description="how they are carried out")
    raster: Raster = Field(default=Raster(), description="of maps")
    simulation: list[Method] = Field(min_length=1, description="methods")
    observable: list[Observable] = Field(default=[], description="what is compared")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        ids = [one.id for one in self.simulation]
        names = [one.name for one in self.observable]
        for table, key, given in (("simulation", "id", ids), ("observable", "name", names)):
            folders = [name.lower() for name in given]  # some file systems know no capitals
            faults += [
                Fault((table, index, key), f"is used twice: {given[index]!r}")
                for index, name in enumerate(folders)
                if name in folders[:index]
            ]
        enabled = [one.id for one in self.simulation if one.enabled]
        if self.reference_simulation not in enabled:
            known = ", ".join(enabled) or "none is enabled"
            told = f"must be the id of an enabled simulation ({known})"
            told += f", got {self.reference_simulation!r}"
            faults.append(Fault(("reference_simulation",), told))
        for index, one in enumerate(self.observable):
            faults += [
                Fault(("observable", index, "simulations", place), f"{_known(ids)}, got {name!r}")
                for place, name in enumerate(one.simulations or [])
                if name not in ids
            ]
            if one.support == "map" and not self.raster.enabled:
                told = "must be another: comparison.raster.enabled is false, got 'map'"
                faults.append(Fault(("observable", index, "support"), told))
        for index, method in enumerate(self.simulation):
            if method.run_dir is not None and (method.overlay or method.engine):
                told = "must be left out: the run in run_dir is finished"
                key = "engine" if method.engine else "overlay"
                faults.append(Fault(("simulation", index, key), told))
        refuse("ComparisonTable", faults)
        return self


def _known(ids: Iterable[str]) -> str:
    return f"must be the id of a simulation ({', '.join(ids)})"


class Comparison(Table):
    """A comparison of methods: `[workflow] mode = "comparison"`."""

    workflow: Workflow = Field(default=Workflow(), description="what to do")
    comparison: ComparisonTable = Field(description="case, methods, what is compared")

    def named(self, stem: str) -> Self:
        """Called as its file, unless it says how."""
        table = self.comparison
        if table.comparison_id is not None:
            return self
        named = table.model_copy(update={"comparison_id": stem})
        return self.model_copy(update={"comparison": named})

    def refusals(self) -> Mapping[str, str]:
        """What keeps the methods from running, or from being methods of one case."""
        planning = import_module("mhx.groundwater.comparison.planning")  # it reads files
        found: Mapping[str, str] = planning.refusals(self.comparison)
        return found
