"""What a lane may be asked for: the planner's flags with defaults of their own, and its studies.

One value means one thing in all stages.  Lengths in L, speeds in v_A, times in L/v_A, time limits
in seconds.  All faults are found at once and name the flag.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, field_validator

from mhx.campaigns.rutherford.parameters import (
    MAX_CELLS,
    MIN_CELLS,
    MOST,
    SEEDS,
    Auto,
    Parameters,
    asked,
)
from mhx.campaigns.thresholds import BOUNDS
from mhx.errors import ConfigError
from mhx.reconnection import equilibria
from mhx.reconnection.tables import LARGE, SMALL

COMMAND = "production-lane"
DOUBLE_HARRIS = "periodic_double_harris"
WIDTH, WIDTHS = 0.36, (0.32, 0.36, 0.40)
_NOISE_PER_SEED = 0.05  # RMS of the noise of a seed study over the coherent seed
_MOST_CASES = 1000


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags of the command; None is ours (`Lane` says what that is)."""

    outdir: Path | None = None
    execute: bool | None = None
    dry_run: bool | None = None
    restart: bool | None = None
    json: bool | None = None
    python_executable: str | None = None
    jobs: str | int | None = None
    equilibrium: str | None = None
    hold_equilibrium: bool | None = None
    width: float | None = None
    widths: str | None = None
    eta: float | None = None
    etas: str | None = None
    nu: float | None = None
    viscosities: str | None = None
    perturbation_amplitude: float | None = None
    mode_x: int | None = None
    mode_y: int | None = None
    noise_amplitude: float | None = None
    qi_noise_amplitude: float | None = None
    seeds: str | None = None
    harris_growth_rate: float | None = None
    production_efolds: float | None = None
    safety_factor: float | None = None
    nx: int | None = None
    ny: int | None = None
    dt: float | str | None = None
    dt_values: str | None = None
    crosscheck_dt_values: str | None = None
    convergence_resolutions: str | None = None
    crosscheck_resolutions: str | None = None
    target_saved_frames: int | None = None
    save_every: int | None = None
    save_interval: float | None = None
    fit_stop: float | None = None
    max_walltime_hours: float | None = None
    preemption_margin_minutes: float | None = None
    checkpoint_interval_minutes: float | None = None
    seconds_per_step_estimate: float | str | None = None
    min_production_resolution: int | None = None
    timeout_seconds: float | None = None
    gate_timeout_seconds: float | None = None
    grace_seconds: float | None = None
    max_energy_budget_residual: float | None = None
    max_relative_energy_growth: float | None = None
    max_relative_energy_increase: float | None = None
    max_divergence_linf: float | None = None
    min_history_samples: int | None = None
    min_reconnected_flux_amplification: float | None = None
    min_island_width_amplification: float | None = None


def _listed(kind: Callable[[str], Any], name: str) -> Callable[[Any], Any]:
    """Reads `a,b,c`; a list that is given as one is taken as it is."""

    def read(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        try:
            return [kind(word) for word in given.split(",")]
        except ValueError:
            raise ValueError(f"must be {name}, separated by commas, got {given!r}") from None

    return read


_Counts = Annotated[tuple[int, ...], Strict(False), BeforeValidator(_listed(int, "whole numbers"))]
_Values = Annotated[tuple[float, ...], Strict(False), BeforeValidator(_listed(float, "numbers"))]


def _width(known: Mapping[str, Any]) -> float | None:
    """The cosine sheet has no width."""
    return WIDTH if known.get("equilibrium") == DOUBLE_HARRIS else None


def _nu(known: Mapping[str, Any]) -> float:
    return float(known.get("eta", 0.0))


def _widths(known: Mapping[str, Any]) -> tuple[float, ...]:
    return WIDTHS if known.get("equilibrium") == DOUBLE_HARRIS else ()


def _viscosities(known: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(known.get("etas", ()))


def _qi_noise(known: Mapping[str, Any]) -> float:
    return float(_NOISE_PER_SEED * known.get("perturbation_amplitude", 0.0))


def _of(name: str) -> float:
    return BOUNDS[name].value


class Lane(Parameters):
    """Everything that `production-lane` asks for, defaults filled in."""

    equilibrium: str = Field(DOUBLE_HARRIS, description="what every run starts from")
    width: float | None = Field(
        default_factory=_width, ge=SMALL, le=LARGE, description="half-width a of a sheet [L]"
    )
    perturbation_amplitude: float = Field(
        4e-3, gt=0, le=LARGE, description="coherent seed in psi [L v_A]"
    )
    eta: float = Field(4.5e-3, ge=0, le=LARGE, description="resistivity 1/S [L v_A]")
    nu: float = Field(default_factory=_nu, ge=0, le=LARGE, description="viscosity 1/Re [L v_A]")
    nx: int = Field(256, ge=MIN_CELLS, le=MAX_CELLS, description="points along x [1]")
    ny: int = Field(256, ge=MIN_CELLS, le=MAX_CELLS, description="points along y [1]")
    target_saved_frames: int = Field(400, ge=3, le=MOST, description="samples to aim at [1]")
    min_production_resolution: int = Field(
        128, ge=MIN_CELLS, le=MAX_CELLS, description="floor of min(nx, ny) [1]"
    )

    widths: _Values = Field(default_factory=_widths, description="widths of the sweep [L]")
    etas: _Values = Field((0.006, 0.0045, 0.003), description="resistivities of the sweep [L v_A]")
    viscosities: _Values = Field(
        default_factory=_viscosities,
        description="viscosities of the sweep [L v_A]",
        validate_default=True,
    )
    qi_noise_amplitude: float = Field(
        default_factory=_qi_noise, ge=0, le=LARGE, description="RMS noise of the seeds [L v_A]"
    )
    seeds: _Counts = Field(tuple(range(8)), description="seeds of the ensemble [1]")
    convergence_resolutions: _Counts = Field((128, 192, 256), description="points per axis [1]")
    crosscheck_resolutions: _Counts = Field((160, 224, 256), description="points per axis [1]")
    dt_values: _Values = Field((), description="time steps; dt, dt/2, dt/4 unless given [L/v_A]")
    crosscheck_dt_values: _Values = Field((), description="as dt_values [L/v_A]")
    save_interval: float | None = Field(None, gt=0, description="time between samples [L/v_A]")
    fit_stop: float | None = Field(None, gt=0, description="end of the early fit [L/v_A]")

    jobs: int | Literal["auto"] = Field("auto", description="cases at a time [1]")
    timeout_seconds: float = Field(43200.0, gt=0, description="limit of long commands [s]")
    gate_timeout_seconds: float = Field(1800.0, gt=0, description="limit of the others [s]")
    grace_seconds: float = Field(60.0, ge=0, description="between SIGTERM and SIGKILL [s]")

    max_energy_budget_residual: float = Field(
        _of("max_energy_budget_residual"), gt=0, description="bound of the energy budget [1]"
    )
    max_relative_energy_growth: float = Field(
        _of("max_relative_energy_growth"), gt=0, description="energy gained per sample [1]"
    )
    max_relative_energy_increase: float = Field(
        _of("max_relative_energy_increase"), gt=0, description="the same, of evidence [1]"
    )
    max_divergence_linf: float = Field(
        _of("max_divergence_linf"), gt=0, description="largest |div B| [v_A/L]"
    )
    min_history_samples: int = Field(
        int(_of("min_history_samples")), ge=2, description="samples, at least [1]"
    )
    min_reconnected_flux_amplification: float = Field(
        _of("min_reconnected_flux_amplification"), ge=1, description="flux, max/initial [1]"
    )
    min_island_width_amplification: float = Field(
        _of("min_island_width_amplification"), ge=1, description="width, max/initial [1]"
    )

    @field_validator("jobs")
    @classmethod
    def _at_least_one(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError(f"must be >= 1 or 'auto', got {value}")
        return value

    @field_validator("seeds", "convergence_resolutions", "crosscheck_resolutions")
    @classmethod
    def _are_counts(cls, given: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        low, high = (0, SEEDS - 1) if info.field_name == "seeds" else (MIN_CELLS, MAX_CELLS)
        _refuse_lists(given, low, high)
        return given

    @field_validator("widths", "etas", "dt_values", "crosscheck_dt_values")
    @classmethod
    def _are_values(cls, given: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        low = SMALL if info.field_name == "widths" else math.ulp(0.0)
        _refuse_lists(given, low, LARGE)
        name = info.data.get("equilibrium")
        row = equilibria.find(str(name))
        if info.field_name == "widths" and row is not None and "width" not in row.parameters:
            raise ValueError(f"is no parameter of {name}; leave it out")
        return given

    @field_validator("viscosities")
    @classmethod
    def _pair_with_etas(cls, given: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        etas = info.data.get("etas")
        if etas is not None and len(given) != len(etas):
            raise ValueError(f"must be as many as --etas ({len(etas)}), got {len(given)}")
        if not all(0 <= value <= LARGE for value in given):
            raise ValueError(f"must be >= 0 and <= {LARGE:g} each, got {_told(given)}")
        return given

    @classmethod
    def of(cls, options: Options) -> Self:
        """The flags as a checked table; a ConfigError lists every fault."""
        if options.execute and options.dry_run:
            raise ConfigError(f"{COMMAND}: --dry-run and --execute exclude each other; give one")
        return asked(cls, options, COMMAND)


def _refuse_lists(given: Sequence[float], low: float, high: float) -> None:
    """What a list of studied values must not be."""
    if not 1 <= len(given) <= _MOST_CASES:
        raise ValueError(f"must be 1 to {_MOST_CASES} values, got {len(given)}")
    if not all(low <= value <= high for value in given):
        raise ValueError(f"must be >= {low:g} and <= {high:g} each, got {_told(given)}")
    if len(set(given)) != len(given):
        raise ValueError(f"must differ from one another, got {_told(given)}")


def _told(given: Sequence[float]) -> str:
    return repr(",".join(f"{value:g}" for value in given))


__all__ = ["COMMAND", "Auto", "Lane", "Options"]
