"""`[comparison]`: one case, several methods, one of them the reference.

It says how methods differ, not which one is right, unless the reference is an analytic solution.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from mhx.config import InputPath, OutputPath, Table
from mhx.config.paths import LaidOver
from mhx.groundwater.config import Simulation
from mhx.groundwater.kinds import Fault, refuse
from mhx.groundwater.packages import ID
from mhx.groundwater.solver import Engine

Overlay = Annotated[dict[str, Any], LaidOver(Simulation)]
"""Tables of a simulation; paths in it count from the file of the comparison."""


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


class Observable(Table):
    """`[[comparison.observable]]`: what is compared."""

    name: str = Field(pattern=ID, description="used in metrics")
    variable: Literal["head", "concentration", "saturation", "budget"] = Field(
        description="what is read"
    )
    unit: str | None = Field(default=None, description="must be the variable's own")
    simulations: list[str] | None = Field(default=None, min_length=1, description="else all")
    support: Literal["point", "line", "cell", "outlet", "boundary", "mask", "domain", "map"] = (
        Field(description="where")
    )
    x: list[float] | float | None = Field(default=None, description="points, or ends of a line [m]")
    y: list[float] | float | None = Field(default=None, description="points, or ends of a line [m]")
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


class ComparisonTable(Table):
    """`[comparison]` with what belongs to it."""

    comparison_id: str | None = Field(default=None, min_length=1, description="else the file's")
    base_simulation_config: InputPath = Field(description="the one physical case")
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
        for index, name in enumerate(ids):
            if name in ids[:index]:
                faults.append(Fault(("simulation", index, "id"), f"is used twice: {name!r}"))
        names = [one.name for one in self.observable]
        for index, name in enumerate(names):
            if name in names[:index]:
                faults.append(Fault(("observable", index, "name"), f"is used twice: {name!r}"))
        enabled = [one.id for one in self.simulation if one.enabled]
        if self.reference_simulation not in enabled:
            known = ", ".join(enabled) or "none is enabled"
            told = f"must be the id of an enabled simulation ({known})"
            told += f", got {self.reference_simulation!r}"
            faults.append(Fault(("reference_simulation",), told))
        refuse("ComparisonTable", faults)
        return self


class Comparison(Table):
    """A comparison of methods: `[workflow] mode = "comparison"`."""

    workflow: Workflow = Field(default=Workflow(), description="what to do")
    comparison: ComparisonTable = Field(description="case, methods, what is compared")
