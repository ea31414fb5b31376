"""Units that a configuration may name, as factors to SI.

A bare number is SI: metres, seconds, kilograms.  A value in another unit carries it beside itself,
`{ value = 0.1, unit = "mm/day" }`.  A year has 365.25 days.
"""

from typing import NamedTuple

DAY = 86_400.0
"""Seconds of a day."""
YEAR = 365.25 * DAY


class Unit(NamedTuple):
    """What a unit measures, and its size in SI."""

    dimension: str
    factor: float


UNITS = {
    "m/s": Unit("velocity", 1.0),
    "m/day": Unit("velocity", 1 / DAY),
    "mm/day": Unit("velocity", 1e-3 / DAY),
    "mm/year": Unit("velocity", 1e-3 / YEAR),
    "m2/s": Unit("conductance", 1.0),
    "m2/day": Unit("conductance", 1 / DAY),
    "m3/s": Unit("discharge", 1.0),
    "m3/day": Unit("discharge", 1 / DAY),
    "1/s": Unit("leakance", 1.0),
    "1/day": Unit("leakance", 1 / DAY),
    "m": Unit("length", 1.0),
    "s": Unit("time", 1.0),
    "hour": Unit("time", 3600.0),
    "day": Unit("time", DAY),
    "year": Unit("time", YEAR),
    "g/m3": Unit("concentration", 1e-3),
    "kg/m3": Unit("concentration", 1.0),
    "mg/L": Unit("concentration", 1e-3),
}


def measuring(*dimensions: str) -> tuple[str, ...]:
    """The units that measure one of these."""
    return tuple(name for name, unit in UNITS.items() if unit.dimension in dimensions)


def to_si(value: float, unit: str) -> float:
    """A value in SI; `unit` is one of UNITS.

    Divided where the factor is one over a whole number: 0.1 mm/day is then 1e-4/86400 to the bit.
    """
    factor = UNITS[unit].factor
    if unit.endswith("/day"):
        return value * round(factor * DAY, 12) / DAY
    return value * factor
