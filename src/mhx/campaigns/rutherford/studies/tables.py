"""What the commands `mhx benchmark ...` may be asked for: one table per command.

A study asks for a problem as a planner does, with other defaults, and for what its cases differ in.
Words come from a command line, so lists are text ("64,96,128", "0.02,0.01", "2:1,4:1") and read
here.  Lengths in L, times in L/v_A, eta and nu in L v_A.  Which cases follow: `variants`.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, field_validator

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.parameters import (
    LONGEST,
    MAX_CELLS,
    MIN_CELLS,
    MOST,
    Auto,
    Problem,
    mode_fault,
)
from mhx.campaigns.rutherford.parameters import SEEDS as LARGEST_SEED
from mhx.campaigns.rutherford.studies.study import CONVERGENCE, LONG_RUN
from mhx.reconnection.tables import LARGE, SMALL

FAST = 30.0
"""End time below which a run is labelled `fast_validation` [L/v_A]."""
FAST_END = 20.0  # of --ci-fast [L/v_A]
SHORTEST = 1e-30  # a time; ratios of shorter ones overflow [L/v_A]
BETWEEN = 1.0  # samples of a study, unless asked otherwise [L/v_A]
NEAR = 0.125  # a sweep without values steps by this share of its base: 0.35, 0.4, 0.45
LADDER = 3  # values of a ladder or sweep that are made here
OWN = thresholds.at_validation()
FLOORS, LONG = thresholds.FLOORS[CONVERGENCE], thresholds.FLOORS[LONG_RUN]
T = TypeVar("T")
Shape = tuple[int, int]
Mode = tuple[int, int]


def _list(read: Callable[[str], Any], form: str, word: str | None = None) -> BeforeValidator:
    """Reads "a,b,c", or one word; whatever cannot be read is refused in one sentence."""

    def of(text: Any) -> Any:
        if not isinstance(text, str | int | float) or text == word:
            return text
        try:
            return tuple(read(word.strip()) for word in str(text).split(","))
        except ValueError:
            raise ValueError(f"must be {form}, got {text!r}") from None

    return BeforeValidator(of)


def _shape(word: str) -> Shape:
    """`96` is 96 x 96 points, `512x32` is 512 along x and 32 along y."""
    numbers = [int(part) for part in word.split("x")]
    if len(numbers) > 2 or not all(MIN_CELLS <= number <= MAX_CELLS for number in numbers):
        raise ValueError(word)
    return numbers[0], numbers[-1]


def _one_shape(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        return value
    try:
        return _shape(str(value))
    except ValueError:
        must = f"must be a number of points from {MIN_CELLS} to {MAX_CELLS} like 96 or 512x32"
        raise ValueError(f"{must}, got {value!r}") from None


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(word)
    return number


def _mode(word: str) -> Mode:
    x, y = (int(part) for part in word.split(":"))
    if min(x, y) < 0:
        raise ValueError(word)
    return x, y


_POINTS = f"numbers of points from {MIN_CELLS} to {MAX_CELLS} like 64,96,128 or 512x32"
Shapes = Annotated[tuple[Shape, ...], Strict(False), _list(_shape, _POINTS)]
Modes = Annotated[tuple[Mode, ...], Strict(False), _list(_mode, "modes x:y like 2:1,2:2,4:1")]
Floats = Annotated[tuple[float, ...], Strict(False)]
Numbers = Annotated[Floats, _list(_finite, "numbers like 0.4,0.2,0.1")]
Steps = Annotated[
    Floats | Literal["auto"], _list(_finite, "numbers like 0.4,0.2,0.1 or auto", "auto")
]
Wholes = Annotated[tuple[int, ...], Strict(False), _list(int, "whole numbers like 0,1,2")]


def _distinct(values: tuple[Any, ...] | str) -> None:
    twice = [value for n, value in enumerate(values) if value in values[:n]]
    if twice:
        raise ValueError(f"must name each value once; {twice[0]!r} stands there twice")


class Asked(Problem):
    """What all studies may be asked for."""

    equilibrium: str = Field("periodic_double_harris", description="what the runs start from")
    eta: float = Field(5e-3, ge=0, le=LARGE, description="resistivity 1/S [L v_A]")
    nu: float = Field(5e-3, ge=0, le=LARGE, description="viscosity 1/Re [L v_A]")

    t_end: float = Field(gt=0, le=LONGEST, description="end time [L/v_A]")
    save_every: int | None = Field(None, ge=1, le=MOST, description="steps between samples [1]")
    save_interval: float | None = Field(None, gt=0, description="time between samples [L/v_A]")
    fit_start: float = Field(0.0, ge=0, description="start of the early fit window [L/v_A]")
    fit_stop: float | None = Field(None, gt=0, description="its end [L/v_A]")

    min_early_growth_rate: float = Field(
        FLOORS["min_early_growth_rate"], description="floor of the early slope [v_A/L]"
    )
    min_max_growth_factor: float = Field(
        FLOORS["min_max_growth_factor"],
        ge=1,
        description="floor of the largest growth of the perturbation [1]",
    )
    min_reconnected_flux_amplification: float = Field(
        OWN["min_reconnected_flux_amplification"],
        ge=1,
        description="floor of the sheet flux, largest over initial [1]",
    )
    min_island_width_amplification: float = Field(
        OWN["min_island_width_amplification"],
        ge=1,
        description="floor of the island width, largest over initial [1]",
    )
    jobs: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto", description="cases at a time; auto: CPUs that this process may use [1]"
    )

    @field_validator("t_end", "dt", "reference_dt", check_fields=False)
    @classmethod
    def _is_a_time(cls, value: Any) -> Any:
        if isinstance(value, float) and 0 < value < SHORTEST:
            raise ValueError(f"must be >= {SHORTEST:g} [L/v_A], got {value!r}")
        return value

    @field_validator("save_interval")
    @classmethod
    def _one_stride(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("save_every") is not None:
            raise ValueError(f"must be left out where --save-every is given, got {value!r}")
        t_end = info.data.get("t_end", math.inf)
        if value is not None and value > t_end:
            raise ValueError(f"must be <= --t-end {t_end:g} [L/v_A], got {value!r}")
        return value

    @field_validator("fit_stop")
    @classmethod
    def _after_start(cls, value: float | None, info: ValidationInfo) -> float | None:
        start = info.data.get("fit_start", 0.0)
        if value is not None and value <= start:
            raise ValueError(f"must be > --fit-start {start:g} [L/v_A], got {value!r}")
        return value


class OnOneGrid(Asked):
    """Studies whose cases share one grid and one time step."""

    nx: int = Field(64, ge=MIN_CELLS, le=MAX_CELLS, description="points along x [1]")
    ny: int = Field(64, ge=MIN_CELLS, le=MAX_CELLS, description="points along y [1]")
    dt: Auto = Field("auto", description="time step [L/v_A]")


class LongRunTable(OnOneGrid):
    """`double-harris-long-run`."""

    t_end: float = Field(100.0, gt=0, le=LONGEST, description="end time [L/v_A]")
    fit_stop: float | None = Field(10.0, gt=0, description="end of the fit window [L/v_A]")
    min_early_growth_rate: float = Field(
        LONG["min_early_growth_rate"], description="floor of the early slope [v_A/L]"
    )
    min_max_growth_factor: float = Field(
        LONG["min_max_growth_factor"],
        ge=1,
        description="floor of the largest growth of the perturbation [1]",
    )
    movies: bool = Field(True, description="draw the movies")
    store_fields: bool = Field(False, description="keep base and perturbed fields")

    ci_fast: bool | None = Field(
        None, description="short (yes) or at least of validation length (no)"
    )

    @field_validator("ci_fast")
    @classmethod
    def _labels(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        t_end = info.data.get("t_end")
        if value is None or t_end is None:
            return value
        if value and t_end >= FAST:
            raise ValueError(f"needs --t-end < {FAST:g} [L/v_A], got {t_end!r}")
        if not value and t_end < FAST:
            raise ValueError(
                f"must stand instead of --validation-duration for --t-end < {FAST:g} [L/v_A], "
                f"got {t_end!r}"
            )
        return value


class ConvergenceTable(Asked):
    """`double-harris-convergence`: a ladder of grids and one of time steps."""

    resolutions: Shapes = Field(
        ((64, 64), (96, 96), (128, 128)), min_length=1, description="grids, points [1]"
    )
    dt_values: Steps = Field("auto", description="time steps [L/v_A]")
    reference_resolution: Annotated[Shape, BeforeValidator(_one_shape)] = Field(
        (96, 96), description="grid of the time steps, points [1]"
    )
    reference_dt: Auto = Field("auto", description="time step of the grids [L/v_A]")
    t_end: float = Field(80.0, gt=0, le=LONGEST, description="end time [L/v_A]")
    fit_stop: float | None = Field(4.0, gt=0, description="end of the fit window [L/v_A]")

    max_relative_growth_rate_spread: float = Field(
        OWN["max_relative_growth_rate_spread"], gt=0, description="along a ladder [1]"
    )
    max_relative_max_growth_spread: float = Field(
        OWN["max_relative_max_growth_spread"], gt=0, description="along a ladder [1]"
    )
    max_relative_flux_amplification_spread: float = Field(
        OWN["max_relative_flux_amplification_spread"], gt=0, description="along a ladder [1]"
    )
    max_relative_width_amplification_spread: float = Field(
        OWN["max_relative_width_amplification_spread"], gt=0, description="along a ladder [1]"
    )

    @field_validator("resolutions", "dt_values")
    @classmethod
    def _steps(cls, values: Any) -> Any:
        if isinstance(values, tuple):
            _distinct(values)
            if not all(_positive(value) for value in values):
                raise ValueError(
                    f"must be numbers >= {SHORTEST:g} and <= {LARGE:g}, got {values!r}"
                )
        return values


class SweepTable(OnOneGrid):
    """`double-harris-parameter-sweep`: one parameter at several values."""

    sweep_axis: Literal["width", "resistivity", "mode"] = Field(
        "width", description="what is varied"
    )
    widths: Numbers | None = Field(None, min_length=1, description="half-widths [L]")
    etas: Numbers | None = Field(None, min_length=1, description="resistivities [L v_A]")
    viscosities: Numbers | None = Field(None, min_length=1, description="one per eta [L v_A]")
    modes: Modes | None = Field(None, min_length=1, description="seed modes [1]")
    t_end: float = Field(60.0, gt=0, le=LONGEST, description="end time [L/v_A]")
    fit_stop: float | None = Field(4.0, gt=0, description="end of the fit window [L/v_A]")

    @field_validator("widths", "etas", "viscosities", "modes")
    @classmethod
    def _of_the_axis(cls, values: Any, info: ValidationInfo) -> Any:
        name, axis = str(info.field_name), info.data.get("sweep_axis")
        if values is None or axis is None:
            return values
        if name not in LISTS[axis]:
            raise ValueError(f"is not used by --sweep-axis {axis}; leave it out")
        if name != "modes" and not all(SMALL <= value <= LARGE for value in values):
            raise ValueError(f"must be numbers >= {SMALL:g} and <= {LARGE:g}, got {values!r}")
        if name != "viscosities":
            _distinct(values)
        for mode in values if name == "modes" else ():
            _refuse_mode(mode, info)
        etas = info.data.get("etas") or ()
        if name == "viscosities" and len(values) != len(etas):
            raise ValueError(f"must be as many as --etas, {len(etas)}, got {len(values)}")
        return values


def _refuse_mode(mode: Mode, info: ValidationInfo) -> None:
    for axis, waves in zip("xy", mode, strict=True):
        told = mode_fault(info.data.get("equilibrium"), axis, waves, info.data.get(f"n{axis}"))
        if told:
            raise ValueError(f"{told}, got {mode[0]}:{mode[1]}")


LISTS = {"width": ("widths",), "resistivity": ("etas", "viscosities"), "mode": ("modes",)}
"""Axis of a sweep -> the flags that give its values."""


class SeedsTable(OnOneGrid):
    """`seed-robust-qi`: one problem with other noise in each case."""

    seeds: Wholes = Field(
        tuple(range(8)), min_length=1, description="seeds of the noise, one case each [1]"
    )
    t_end: float = Field(40.0, gt=0, le=LONGEST, description="end time [L/v_A]")
    fit_stop: float | None = Field(4.0, gt=0, description="end of the fit window [L/v_A]")

    @field_validator("seeds")
    @classmethod
    def _members(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        _distinct(values)
        if not all(0 <= value < LARGEST_SEED for value in values):
            raise ValueError(f"must be whole numbers >= 0 and < 2**63, got {values!r}")
        return values


def _positive(value: Any) -> bool:
    return isinstance(value, tuple) or bool(SHORTEST <= value <= LARGE)
