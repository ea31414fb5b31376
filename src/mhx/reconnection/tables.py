"""The tables of a reconnection run, one class per TOML table, each checked on its own.

What only shows when two tables are seen together is checked in `config.py`, where `Reconnection`
joins them.  Alfven units: lengths in L, times in L/v_A, eta and nu in L v_A.
"""

import difflib
import math
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mhx.config import Flags, Names, OutputPath, Pair, Table
from mhx.config.faults import shown
from mhx.reconnection import equilibria

MAX_STEPS = 10**12  # step numbers are written with twelve digits
SMALL, LARGE = 1e-9, 1e9  # what no Alfven-normalised run exceeds; beyond it rates overflow
TWO_PI = 2 * math.pi
Cells = Annotated[int, Field(ge=8, le=8192)]


class Fault(NamedTuple):
    """One contradiction: the dotted key, what it must be, and what it is."""

    key: str
    must: str
    got: object


def refuse(title: str, faults: list[Fault]) -> None:
    """All faults at once, each at its own key."""
    if not faults:
        return
    details = []
    for fault in faults:
        error = ValueError(f"{fault.must}, got {shown(fault.got)}")
        place = tuple(int(part) if part.isdigit() else part for part in fault.key.split("."))
        kind = PydanticCustomError("value_error", "{error}", {"error": error})
        details.append(InitErrorDetails(type=kind, loc=place, input=fault.got))
    raise ValidationError.from_exception_data(title, details)


class Workflow(Table):
    """What kind of run this is, and where it goes."""

    mode: Literal["reconnection"] = Field(default="reconnection", description="kind of run")
    name: str | None = Field(default=None, min_length=1, description="title of the run")
    output_dir: OutputPath | None = Field(
        default=None, description="folder that the run writes into"
    )


class Mesh(Table):
    """The periodic box and its grid."""

    shape: list[Cells] = Field(
        min_length=2, max_length=2, description="cells in x and y, 8 to 8192 each [1]"
    )
    lower: Pair = Field(default=(0.0, 0.0), description="lower corner, always the origin [L]")
    upper: Pair = Field(
        default=(TWO_PI, TWO_PI), description="upper corner, lengths of the box [L]"
    )
    periodic: Flags = Field(
        default=(True, True), description="always true: both directions are periodic"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        if self.lower != (0, 0):
            faults.append(Fault("lower", "must be [0, 0], where every box starts [L]", self.lower))
        if not SMALL <= min(self.upper) <= max(self.upper) <= LARGE:
            must = f"must be >= {SMALL:g} and <= {LARGE:g} in both directions [L]"
            faults.append(Fault("upper", must, self.upper))
        if self.periodic != (True, True):
            must = "must be [true, true]: the box is periodic in both directions"
            faults.append(Fault("periodic", must, self.periodic))
        refuse("Mesh", faults)
        return self


class Time(Table):
    """Fixed-step integration from 0 to t1."""

    t0: float = Field(default=0.0, ge=0, le=0, description="start, always 0 [L/v_A]")
    t1: float = Field(gt=0, le=1e15, description="end time, rounded up to whole steps [L/v_A]")
    dt: Annotated[float, Field(gt=0)] | Literal["auto"] = Field(
        default="auto",
        description="time step; auto: half of the stability limit of the initial state [L/v_A]",
    )
    save_every: int | None = Field(
        default=None,
        ge=1,
        description="steps between history samples; default: about 400 samples [1]",
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        if self.dt != "auto":
            if self.dt > self.t1:
                faults.append(Fault("dt", f"must be <= time.t1 = {self.t1:g} [L/v_A]", self.dt))
            elif self.t1 / self.dt >= MAX_STEPS:
                faults.append(Fault("dt", f"must give fewer than {MAX_STEPS:g} steps", self.dt))
        refuse("Time", faults)
        return self


class EquilibriumParameters(Table):
    """Each equilibrium uses some of these; the others are refused."""

    width: float | None = Field(
        default=None, ge=SMALL, le=LARGE, description="half-width a of a sheet [L]"
    )
    amplitude: float | None = Field(
        default=None, description="field strength A far from a sheet, not 0 [v_A]"
    )
    magnetic_shear: float | None = Field(
        default=None,
        gt=0,
        description="|psi''| at a sheet, derived: abs(A)/a; must agree when given [v_A/L]",
    )
    perturbation_amplitude: float | None = Field(
        default=None,
        ge=0,
        le=LARGE,
        description="eps of the seed eps cos(mx x) cos(my y) in psi [L v_A]",
    )
    perturbation_mode_x: int | None = Field(
        default=None, ge=0, description="waves of the seed along x [1]"
    )
    perturbation_mode_y: int | None = Field(
        default=None, ge=0, description="waves of the seed along y [1]"
    )

    @field_validator("amplitude")
    @classmethod
    def _not_zero(cls, value: float | None) -> float | None:
        if value is not None and not SMALL <= abs(value) <= LARGE:
            size = f"its size must be >= {SMALL:g} and <= {LARGE:g} [v_A]"
            raise ValueError(f"must not be 0: {size}, got {value!r}")
        return value


class Physics(Table):
    """The equations, the equilibrium and the dissipation."""

    model: Literal["reduced_mhd"] = Field(default="reduced_mhd", description="equations")
    equilibrium: str = Field(description="initial equilibrium, by name")
    equilibrium_parameters: EquilibriumParameters = Field(
        default=EquilibriumParameters(),
        description="parameters of the equilibrium and its seed",
    )
    resistivity: float = Field(
        default=1e-3, ge=0, le=LARGE, description="eta = 1/S, Lundquist number S [L v_A]"
    )
    viscosity: float = Field(
        default=1e-3, ge=0, le=LARGE, description="nu = 1/Re, Reynolds number Re [L v_A]"
    )
    hyper_resistivity: float = Field(
        default=0.0, ge=0, le=LARGE, description="eta4 of -eta4 lap^2 psi [L^3 v_A]"
    )
    hold_equilibrium: bool | None = Field(
        default=None,
        description="keep the equilibrium up against resistivity; default: by equilibrium",
    )

    @field_validator("equilibrium")
    @classmethod
    def _known(cls, name: str) -> str:
        if equilibria.find(name) is None:
            known = equilibria.names()
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"must be one of {', '.join(known)}, got {name!r}{hint}")
        return name

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        row = equilibria.find(self.equilibrium)
        assert row is not None  # _known
        faults = []
        if self.hold_equilibrium and row.normal is None:
            must = f"must be false: {self.equilibrium} is no equilibrium that could be held"
            faults.append(Fault("hold_equilibrium", must, True))
        given = self.equilibrium_parameters.model_dump(exclude_none=True)
        used = [*row.parameters, *(["magnetic_shear"] if row.normal else [])]
        for key in given:
            if key not in used:
                listed = f"only {', '.join(used)}" if used else "none of these keys"
                must = f"must be left out: {self.equilibrium} takes {listed}"
                faults.append(Fault(f"equilibrium_parameters.{key}", must, given[key]))
        merged = dict(row.parameters) | given
        if merged.get("perturbation_mode_x") == 0 == merged.get("perturbation_mode_y"):
            key = "equilibrium_parameters.perturbation_mode_x"
            faults.append(Fault(key, "must not be 0 together with perturbation_mode_y", 0))
        refuse("Physics", faults)
        return self


class Initial(Table):
    """Smooth noise in psi on top of the equilibrium and its seed."""

    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of the random numbers [1]")
    noise_amplitude: float = Field(
        default=0.0, ge=0, le=LARGE, description="RMS of the noise in psi [L v_A]"
    )


class Numerics(Table):
    """The one discretisation there is, and its precision."""

    spatial_method: Literal["pseudo_spectral"] = Field(
        default="pseudo_spectral", description="Fourier"
    )
    dealiasing: Literal["two_thirds"] = Field(
        default="two_thirds", description="modes with |m| < N/3 are kept"
    )
    time_integrator: Literal["rk4"] = Field(default="rk4", description="classical Runge-Kutta")
    dtype: Literal["float64", "float32"] = Field(
        default="float64", description="precision of the fields"
    )


class Diagnostics(Table):
    """What is measured beside the state."""

    quantities: Names | None = Field(
        default=None,
        min_length=1,
        description="history names to keep; time and step always; default: all",
    )
    mode: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="mode followed along x and y; default: the seed's, or 1 and 1 [1]",
    )
    fit_time_window: Pair | None = Field(
        default=None,
        description="start and end of the early growth fit; default: by growth rate [L/v_A]",
    )
    figures: bool | None = Field(
        default=None, description="draw histories and last state; default: yes, no in a testbed"
    )
    frames: bool | None = Field(
        default=None, description="keep pictures of psi and j in frames.npz; default: no"
    )
