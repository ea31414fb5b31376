"""Units of a configuration, against their definitions."""

import pytest

from mhx.groundwater.packages import Quantity, UnitName
from mhx.groundwater.units import UNITS, measuring, to_si


@pytest.mark.parametrize(
    ("value", "unit", "si"),
    [
        (0.1, "mm/day", 1e-4 / 86400),
        (1.0, "m/day", 1 / 86400),
        (250.0, "mm/year", 0.25 / (365.25 * 86400)),
        (86400.0, "m3/day", 1.0),
        (1.0, "1/day", 1 / 86400),
        (2.0, "hour", 7200.0),
        (1.0, "year", 365.25 * 86400),
        (1.0, "mg/L", 1e-3),
        (3.0, "m/s", 3.0),
    ],
)
def test_a_unit_is_its_definition(value: float, unit: str, si: float) -> None:
    assert to_si(value, unit) == pytest.approx(si, rel=4e-16)
    assert Quantity(value=value, unit=unit).si == to_si(value, unit)  # type: ignore[arg-type]


def test_every_unit_can_be_written_and_measures_something() -> None:
    assert set(UNITS) == set(UnitName.__args__)  # type: ignore[attr-defined]
    assert {unit for name in UNITS for unit in measuring(UNITS[name].dimension)} == set(UNITS)
