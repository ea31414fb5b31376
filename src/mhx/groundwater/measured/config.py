"""`[[observation]]`: what was measured, one value per table or one table per CSV file.

With `file` the other keys are columns of the file, and those written in the table are the default
of every row.  Heads in m, flows in m3/s, positive into the model; times in days since the start.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mhx.config import InputPath, Table
from mhx.groundwater.flow_config import iso
from mhx.groundwater.packages import ID, UnitName


class Observation(Table):
    """One measured value, or a file of them."""

    id: str | None = Field(
        default=None, pattern=ID, description="one id at several times is a series"
    )
    file: InputPath | None = Field(default=None, description="CSV whose columns are these keys")
    quantity: Literal["head", "flow"] | None = Field(default=None, description="what was measured")
    unit: UnitName | None = Field(default=None, description="of the value, else SI")
    model: str | None = Field(default=None, min_length=1, description="of several, which one")
    x: float | None = Field(default=None, description="to the east [m]")
    y: float | None = Field(default=None, description="to the north [m]")
    cell: int | None = Field(default=None, ge=0, description="id in mesh/cells.csv, from 0 [1]")
    layer: int | None = Field(default=None, ge=1, description="1 is the top, and the default [1]")
    boundary: str | None = Field(
        default=None, min_length=1, description="id of a boundary; own model: name of a package"
    )
    time: Annotated[float | str | None, BeforeValidator(iso)] = Field(
        default=None, description="days since the start, or a date; left out: steady [d]"
    )
    value: float | None = Field(default=None, description="what was measured, SI or in unit [1]")
    standard_deviation: float | None = Field(
        default=None, gt=0, description="of the measurement, as the value [1]"
    )
    weight: float | None = Field(
        default=None, ge=0, description="else 1/standard_deviation^2, else 1; 0: shown only [1]"
    )


Given = dict[str, Any]
"""The keys of one row that were given."""
