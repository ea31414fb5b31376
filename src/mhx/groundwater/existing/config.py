"""`[model]`: a MODFLOW 6 simulation that somebody else wrote, and what a case changes in it.

Numbers are in the model's own units.  Layers, periods and cells count from 1, as in its files.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mhx.config import InputPath, Table
from mhx.config.paths import CountedBy
from mhx.groundwater.kinds import Fault, refuse
from mhx.groundwater.packages import ID

Cellid = list[int]
Simulation = Annotated[InputPath, CountedBy("mhx.groundwater.existing.files:reached")]
"""A folder of which those files count that MODFLOW reads: no listing, no result of an older run."""


class Patch(Table):
    """`[[model.patch]]`: new numbers for an array or a column of stress-period data."""

    id: str = Field(pattern=ID, description="name of its own; axis keys step by it")
    model: str | None = Field(
        default=None, min_length=1, description="name in mfsim.nam; left out where there is one"
    )
    package: str = Field(
        min_length=1, description="name in the model name file, or type when unique"
    )
    variable: str = Field(min_length=1, description="array or column, as in the MODFLOW manual")
    operation: Literal["set", "add", "multiply"] = Field(description="what is done with the value")
    value: float = Field(description="in the model's own units [1]")
    layers: list[int] | None = Field(default=None, min_length=1, description="from 1 [1]")
    cells: list[Cellid] | None = Field(
        default=None, min_length=1, description="cell ids as MODFLOW writes them, from 1 [1]"
    )
    zone: int | None = Field(default=None, description="cells of zone_file with this number [1]")
    zone_file: InputPath | None = Field(
        default=None, description="CSV with the column zone, one row per cell, layer by layer"
    )
    period: list[int] | int | None = Field(default=None, description="stress periods, from 1 [1]")
    boundname: str | None = Field(default=None, min_length=1, description="rows of this name")

    @model_validator(mode="after")
    def _zones(self) -> Self:
        if (self.zone is None) != (self.zone_file is None):
            key, other = ("zone", "zone_file") if self.zone is None else ("zone_file", "zone")
            refuse("Patch", [Fault((key,), f"is required beside {other}", absent=True)])
        return self


class Option(Table):
    """`[[model.option]]`: one line of a block of settings."""

    id: str | None = Field(default=None, pattern=ID, description="name; axis keys step by it")
    model: str | None = Field(default=None, min_length=1, description="name in mfsim.nam")
    file: str = Field(min_length=1, description="package type or name: ims, npf, tdis, nam")
    block: str = Field(min_length=1, description="as in the MODFLOW manual: options, linear")
    key: str = Field(min_length=1, description="as in the MODFLOW manual")
    value: bool | float | int | str = Field(
        description="what follows the key; true: the key alone; false: the line is left out [1]"
    )


class Model(Table):
    """`[model]`: the user's own simulation; never written to."""

    path: Simulation = Field(description="the folder, or its mfsim.nam")
    patch: list[Patch] = Field(default=[], description="new numbers")
    option: list[Option] = Field(default=[], description="new settings")
    add_output_control: bool = Field(
        default=False, description="save heads and budgets where the model does not"
    )
    allow_continue: bool = Field(
        default=False, description="let a model go on after a step that did not converge"
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        faults = []
        for key, tables in (("patch", self.patch), ("option", self.option)):
            names = [table.id for table in tables]
            for index, name in enumerate(names):
                if name is not None and name in names[:index]:
                    faults.append(Fault((key, index, "id"), f"is used twice: {name!r}"))
        refuse("Model", faults)
        return self
