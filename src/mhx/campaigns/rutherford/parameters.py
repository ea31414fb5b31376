"""What a planner may be asked for: every flag with its default, range and unit.

Lengths in L, speeds in v_A, times in L/v_A.  All faults are found at once and name the flag.  What
follows from the parameters (growth rate, dt, steps) is the business of `design`.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mhx.campaigns import thresholds
from mhx.campaigns.plan import WalltimePolicy
from mhx.config import Names, Source, Table, parse
from mhx.config.faults import RULE
from mhx.reconnection import equilibria
from mhx.reconnection.equilibria import Equilibrium
from mhx.reconnection.tables import LARGE, SMALL

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MIN_CELLS, MAX_CELLS = 8, 8192
LONGEST = 1e15  # end time of a run [L/v_A]
MOST = 10**12  # a step number has twelve digits
SEEDS = 2**63
TWO_PI = 2 * math.pi
T = TypeVar("T", bound=Table)
Auto = Annotated[float, Field(gt=0)] | Literal["auto"]
"""A positive number, or what is computed for it."""


def asked(table: type[T], options: "DataclassInstance", command: str) -> T:
    """The flags that were given as a checked table; a ConfigError lists every fault by its flag."""
    keys = table.model_json_schema()["properties"]
    known = {
        name: _read(value) if _is_numeric(keys[name]) else value
        for name, value in asdict(options).items()
        if value is not None and name in keys
    }
    flags = {name: f"--{name.replace('_', '-')}" for name in table.model_fields}
    flags["hold_equilibrium"] = "--hold-equilibrium/--decaying-equilibrium"
    return parse(table, known, Source(command, flags=flags))


def _is_numeric(key: Mapping[str, Any]) -> bool:
    """Whether a number may stand here, by the JSON Schema of the key."""
    return any(arm.get("type") in ("integer", "number") for arm in (key, *key.get("anyOf", ())))


def _read(value: Any) -> Any:
    """A number where a word is one; the table says of any other word what may stand there."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value


def mode_fault(equilibrium: str | None, axis: str, mode: int, points: int | None) -> str:
    """What is wrong with that many waves along an axis; empty where they can be seeded.

    None for what is at fault itself, and told elsewhere.
    """
    if equilibrium is None or points is None:
        return ""
    if mode == 0 and _row(equilibrium).normal != axis:
        return f"must be >= 1 along the sheets of {equilibrium}"
    most = (points - 1) // 3
    return (
        f"must be <= {most}, the last mode that n{axis} = {points} retains" if mode > most else ""
    )


class Problem(Table):
    """What is computed, whoever asks: sheet, dissipation, seed, noise, box and grid."""

    equilibrium: str = Field("cosine_tearing", description="what the run starts from")
    width: float | None = Field(None, ge=SMALL, le=LARGE, description="half-width a of a sheet [L]")
    amplitude: float | None = Field(None, description="field far from a sheet, not 0 [v_A]")
    perturbation_amplitude: float = Field(
        1e-3, gt=0, le=LARGE, description="coherent seed in psi [L v_A]"
    )
    eta: float = Field(1e-3, ge=0, le=LARGE, description="resistivity 1/S [L v_A]")
    nu: float = Field(1e-3, ge=0, le=LARGE, description="viscosity 1/Re [L v_A]")
    hold_equilibrium: bool | None = Field(
        None, description="keep the sheet up", validate_default=True
    )
    seed: int = Field(0, ge=0, lt=SEEDS, description="seed of the noise [1]")
    noise_amplitude: float = Field(
        1e-6, ge=0, le=LARGE, description="RMS of the noise in psi [L v_A]"
    )

    nx: int = Field(128, ge=MIN_CELLS, le=MAX_CELLS, description="points along x [1]")
    ny: int = Field(128, ge=MIN_CELLS, le=MAX_CELLS, description="points along y [1]")
    lx: float = Field(TWO_PI, ge=SMALL, le=LARGE, description="box along x [L]")
    ly: float = Field(TWO_PI, ge=SMALL, le=LARGE, description="box along y [L]")
    mode_x: int | None = Field(
        None, ge=0, description="seed mode along x [1]", validate_default=True
    )
    mode_y: int | None = Field(
        None, ge=0, description="seed mode along y [1]", validate_default=True
    )
    dtype: Literal["float64", "float32"] = Field("float64", description="precision")

    @field_validator("equilibrium")
    @classmethod
    def _has_sheets(cls, name: str) -> str:
        row = equilibria.find(name)
        sheets = [known for known in equilibria.names() if _row(known).normal]
        if row is None or row.normal is None:
            why = "" if row is None else "; it has no sheets to plan for"
            raise ValueError(f"must be {' or '.join(map(repr, sheets))}, got {name!r}{why}")
        return name

    @field_validator("width", "amplitude")
    @classmethod
    def _is_used(cls, value: float | None, info: ValidationInfo) -> float | None:
        name = info.data.get("equilibrium")
        if value is not None and name and info.field_name not in _row(name).parameters:
            raise ValueError(f"is no parameter of {name}, got {value!r}; leave it out")
        if value is not None and not SMALL <= abs(value) <= LARGE:
            raise ValueError(
                f"must not be 0, its size >= {SMALL:g} and <= {LARGE:g} [v_A], got {value!r}"
            )
        return value

    @field_validator("hold_equilibrium")
    @classmethod
    def _held(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        name = info.data.get("equilibrium")
        return _row(name).held if value is None and name else value

    @field_validator("mode_x", "mode_y")
    @classmethod
    def _is_retained(cls, value: int | None, info: ValidationInfo) -> int | None:
        axis = str(info.field_name)[-1]
        name, points = info.data.get("equilibrium"), info.data.get(f"n{axis}")
        if name is None or points is None:
            return value  # that fault is already told
        default = _row(name).parameters[f"perturbation_mode_{axis}"]
        mode = int(default) if value is None else value
        if told := mode_fault(name, axis, mode, points):
            raise ValueError(f"{told}, got {mode}")
        return mode

    @property
    def row(self) -> Equilibrium:
        return _row(self.equilibrium)


class Parameters(Problem):
    """Everything that `rutherford-plan-production` asks for, defaults filled in."""

    harris_growth_rate: float | None = Field(None, gt=0, description="declared rate [v_A/L]")
    production_efolds: float = Field(10.0, gt=0, description="e-folding times to cover [1]")
    safety_factor: float = Field(3.0, gt=0, description="factor on top of them [1]")
    t_end: float | None = Field(None, gt=0, le=LONGEST, description="end time [L/v_A]")

    dt: Auto = Field("auto", description="time step [L/v_A]")
    target_saved_frames: int = Field(400, ge=1, le=MOST, description="samples to aim at [1]")
    save_every: int | None = Field(None, ge=1, le=MOST, description="steps between samples [1]")

    max_walltime_hours: float = Field(12.0, gt=0, description="walltime of a job [h]")
    preemption_margin_minutes: float = Field(
        20.0, ge=0, description="reserved [min]", validate_default=True
    )
    checkpoint_interval_minutes: float = Field(30.0, gt=0, description="cadence [min]")
    seconds_per_step_estimate: Auto = Field("auto", description="cost of a step [s]")
    min_production_resolution: int = Field(
        96, ge=MIN_CELLS, le=MAX_CELLS, description="floor of min(nx, ny) [1]"
    )
    threshold: Names = Field((), description="bounds, NAME=VALUE")

    @field_validator("preemption_margin_minutes")
    @classmethod
    def _leaves_time(cls, value: float, info: ValidationInfo) -> float:
        hours = info.data.get("max_walltime_hours")
        if hours is not None and value >= hours * 60:
            raise PydanticCustomError(
                RULE,
                "must be < {most} [min], which is --max-walltime-hours {hours}",
                {"most": f"{hours * 60:g}", "hours": f"{hours:g}"},
            )
        return value

    @field_validator("threshold")
    @classmethod
    def _are_bounds(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        faults = thresholds.faults_in(words)
        if faults:
            raise ValueError("; ".join(faults))
        return words

    @property
    def bounds(self) -> dict[str, float]:
        """Every bound in use, by its name in `thresholds.BOUNDS`."""
        given = {
            "min_production_resolution": self.min_production_resolution,
            **thresholds.parsed(self.threshold),
        }
        return {
            name: int(value) if thresholds.BOUNDS[name].whole else value
            for name, value in thresholds.resolved(given).items()
        }

    def policy(self, seconds_per_step: float, source: str) -> WalltimePolicy:
        """The walltime budget, with what a step costs here."""
        return WalltimePolicy(
            seconds_per_step_estimate=seconds_per_step,
            seconds_per_step_source=source,
            max_walltime_hours=self.max_walltime_hours,
            checkpoint_interval_minutes=self.checkpoint_interval_minutes,
            preemption_margin_minutes=self.preemption_margin_minutes,
        )

    def stored(self) -> dict[str, Any]:
        """`parameters` of a plan: what a second planning is compared with."""
        asked_for = self.document()
        asked_for.pop("threshold", None)
        asked_for.pop("min_production_resolution")
        return {**asked_for, **{f"threshold {name}": value for name, value in self.bounds.items()}}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """`--eta: 0.001 -> 0.002` for each parameter that differs; absent ones are `default`."""
    return [
        f"--{name if ' ' in name else name.replace('_', '-')}: "
        f"{old.get(name, 'default')} -> {new.get(name, 'default')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _row(name: str) -> Equilibrium:
    row = equilibria.find(name)
    if row is None:
        raise ValueError(f"no equilibrium {name!r}")
    return row
