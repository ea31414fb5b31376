"""What the units of a model are in metres and seconds, and when its time steps end.

MODFLOW 6 computes in whatever unit the numbers are in; `LENGTH_UNITS` and `TIME_UNITS` only say
which that was.  Where a model does not say, it is taken to run in metres and days, and a note says
so.  A year has 365.25 days, as in MODFLOW.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mhx.groundwater.existing.reading import OwnModel, Tdis
from mhx.groundwater.grid import Floats
from mhx.groundwater.units import DAY, YEAR

LENGTHS = {"meters": 1.0, "metres": 1.0, "feet": 0.3048, "centimeters": 0.01, "unknown": 1.0}
"""Word of LENGTH_UNITS -> metres."""
TIMES = {
    "seconds": 1.0,
    "minutes": 60.0,
    "hours": 3600.0,
    "days": DAY,
    "years": YEAR,
    "unknown": DAY,
}
"""Word of TIME_UNITS -> seconds."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """length: metres of the model's unit of length.  time: seconds of its unit of time."""

    length: float
    time: float

    @property
    def days(self) -> float:
        """Days of the model's unit of time."""
        return self.time / DAY

    @property
    def discharge(self) -> float:
        """m3/s of the model's unit of discharge."""
        return self.length**3 / self.time


def measures_of(own: OwnModel, length_unit: str) -> Measures:
    """Of one model of a simulation."""
    return Measures(length=LENGTHS.get(length_unit, 1.0), time=TIMES.get(own.tdis.time_unit, DAY))


def notices(own: OwnModel) -> list[str]:
    """What had to be assumed of units."""
    told = [
        f"{part.name}: its LENGTH_UNITS are {part.grid.length_unit}, taken as metres"
        for part in own.models
        if part.type == "gwf" and part.grid.length_unit not in _stated(LENGTHS)
    ]
    if own.tdis.time_unit not in _stated(TIMES):
        told.append(f"TIME_UNITS are {own.tdis.time_unit}, taken as days")
    return told


def _stated(units: Mapping[str, float]) -> set[str]:
    return set(units) - {"unknown"}


def step_ends(tdis: Tdis, days: float) -> dict[tuple[int, int], float]:
    """(period, step), from 1 -> when the step ends [d]; as planned, before any adapts.

    days: of the model's unit of time.
    """
    ends = {}
    begun = 0.0
    for number, period in enumerate(tdis.periods, start=1):
        lengths = _lengths(period.length, period.steps, period.multiplier)
        within = np.cumsum(lengths)
        for step, end in enumerate(within.tolist(), start=1):
            ends[number, step] = (begun + end) * days
        begun += period.length
    return ends


def _lengths(length: float, steps: int, multiplier: float) -> Floats:
    """(steps,) of a geometric series that adds up to the length."""
    shares = np.power(multiplier, np.arange(steps, dtype=float))
    return length * shares / math.fsum(shares)
