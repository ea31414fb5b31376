"""One reconnection run as a table: what `campaign_config.toml` and any run file may say.

`Reconnection` is checked as a whole: keys that the chosen equilibrium does not use are refused, and
so are values that contradict each other.  No key is ignored.  What was left out is filled in by the
properties below the tables; `document` gives the filled-in table, which is what a plan stores.

The box starts at (0, 0) and a run at t = 0; `lower` and `t0` are there to be read, not changed.
"""

import difflib
import math
from functools import cached_property
from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator

from mhx.config import OutputPath, Table
from mhx.evidence.hashing import content_digest
from mhx.reconnection import equilibria
from mhx.reconnection.diagnostics import HISTORY
from mhx.reconnection.equilibria import Equilibrium
from mhx.reconnection.spectral import Grid
from mhx.reconnection.tables import (
    MAX_STEPS,
    Diagnostics,
    Fault,
    Initial,
    Mesh,
    Numerics,
    Physics,
    Time,
    Workflow,
    refuse,
)
from mhx.reconnection.timestep import TimeStep, time_step, unstable

SAVED_FRAMES = 400  # samples of a run whose stride is not given
SAME = 1e-9  # relative; a derived value that is also written down must agree so well


class Dissipation(NamedTuple):
    """eta, nu [L v_A] and eta4 [L^3 v_A]."""

    eta: float
    nu: float
    eta4: float


class Reconnection(Table):
    """A run of two-dimensional reduced MHD: `[workflow] mode = "reconnection"`."""

    name: str | None = Field(default=None, min_length=1, description="the same as [workflow] name")
    output_dir: OutputPath | None = Field(
        default=None, description="the same as [workflow] output_dir"
    )
    workflow: Workflow = Field(default=Workflow(), description="what to do")
    mesh: Mesh = Field(description="box and grid")
    time: Time = Field(description="integration in time")
    physics: Physics = Field(description="equations and equilibrium")
    initial: Initial = Field(default=Initial(), description="noise")
    numerics: Numerics = Field(default=Numerics(), description="discretisation")
    diagnostics: Diagnostics = Field(default=Diagnostics(), description="measurements")

    @cached_property
    def grid(self) -> Grid:
        """Box and resolution."""
        return Grid(*self.mesh.shape, *(float(length) for length in self.mesh.upper))

    @cached_property
    def equilibrium(self) -> Equilibrium:
        """The row of `physics.equilibrium`."""
        row = equilibria.find(self.physics.equilibrium)
        assert row is not None  # checked by Physics
        return row

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What the equilibrium uses: the given values over its defaults."""
        given = self.physics.equilibrium_parameters.model_dump(exclude_none=True)
        return {
            key: given.get(key, default) for key, default in self.equilibrium.parameters.items()
        }

    @property
    def dissipation(self) -> Dissipation:
        """eta, nu and eta4."""
        physics = self.physics
        return Dissipation(physics.resistivity, physics.viscosity, physics.hyper_resistivity)

    @property
    def held(self) -> bool:
        """Whether the source keeps the equilibrium up."""
        given = self.physics.hold_equilibrium
        return self.equilibrium.held if given is None else given

    @property
    def shear(self) -> float | None:
        """B' = |psi''| at a sheet, None without sheets [v_A/L]."""
        row = self.equilibrium
        if row.normal is None:
            return None
        return row.shear(self) if row.shear else equilibria.measured_shear(self)[0]

    @property
    def scale(self) -> float | None:
        """Half-width a of a sheet, None without sheets [L]."""
        row = self.equilibrium
        if row.normal is None:
            return None
        return row.scale(self) if row.scale else equilibria.measured_shear(self)[1]

    @property
    def sheets(self) -> tuple[float, ...]:
        """Where the sheets lie along the normal; empty without sheets [L]."""
        if self.equilibrium.normal is None:
            return ()
        length = self.grid.lx if self.equilibrium.normal == "x" else self.grid.ly
        return tuple(sheet * length for sheet in self.equilibrium.sheets)

    @property
    def mode(self) -> tuple[int, int]:
        """The mode that is followed, (mx, my)."""
        if self.diagnostics.mode is not None:
            return self.diagnostics.mode[0], self.diagnostics.mode[1]
        return (
            self.parameters.get("perturbation_mode_x", 1),
            self.parameters.get("perturbation_mode_y", 1),
        )

    @property
    def wave_number(self) -> float | None:
        """k of the followed mode along the sheets; None without sheets [1/L]."""
        if self.equilibrium.normal is None:
            return None
        along = 1 if self.equilibrium.normal == "x" else 0
        return 2 * math.pi * self.mode[along] / (self.grid.lx, self.grid.ly)[along]

    def refusals(self) -> dict[str, str]:
        """A time step beyond the stability limit of the initial state."""
        told = unstable(self.time_step)
        return {"time.dt": told} if told else {}

    @cached_property
    def time_step(self) -> TimeStep:
        """The step and the limit of the initial state."""
        return time_step(self)

    @property
    def dt(self) -> float:
        """The step, also where the file says auto [L/v_A]."""
        return self.time.dt if self.time.dt != "auto" else self.time_step.dt

    @property
    def steps(self) -> int:
        """Whole steps that reach t1."""
        return max(1, math.ceil(self.time.t1 / self.dt - 1e-9))

    @property
    def t_end(self) -> float:
        """Where the last step ends, t1 or a little more [L/v_A]."""
        return self.steps * self.dt

    @property
    def save_every(self) -> int:
        """Steps between samples."""
        return self.time.save_every or max(1, round(self.steps / SAVED_FRAMES))

    @property
    def run_name(self) -> str | None:
        """Title, from the root or from [workflow]."""
        return self.name or self.workflow.name

    @property
    def folder(self) -> str | None:
        """`output_dir`, from the root or from [workflow]."""
        given = self.output_dir or self.workflow.output_dir
        return None if given is None else str(given)

    def document(self) -> dict[str, Any]:
        """Plain values with everything filled in, derived ones too: what a plan stores."""
        table = super().document()
        for key, value in (("name", self.run_name), ("output_dir", self.folder)):
            table["workflow"].pop(key, None)
            if value is not None:
                table[key] = value
        table["time"] |= {"dt": self.dt, "save_every": self.save_every}
        table["physics"] |= {
            "hold_equilibrium": self.held,
            "equilibrium_parameters": dict(self.parameters),
        }
        if self.shear is not None:
            table["physics"]["equilibrium_parameters"]["magnetic_shear"] = self.shear
        table["diagnostics"] |= {"mode": list(self.mode), "quantities": self.quantities}
        return table

    @property
    def quantities(self) -> list[str]:
        """The history names to keep."""
        if self.diagnostics.quantities is not None:
            return list(self.diagnostics.quantities)
        return [row.name for row in HISTORY.values() if self.sheets or not row.sheets]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        refuse("Reconnection", [fault for check in CHECKS for fault in check(self)])
        return self


def _twice(config: Reconnection) -> list[Fault]:
    """The root and [workflow] spellings exclude each other; a derived value must agree."""
    faults = [
        Fault(f"workflow.{key}", f"must be left out: {key} is given at the root, too", str(value))
        for key in ("name", "output_dir")
        if (value := getattr(config.workflow, key)) is not None and getattr(config, key) is not None
    ]
    given = config.physics.equilibrium_parameters.magnetic_shear
    if given is not None and config.shear and not math.isclose(given, config.shear, rel_tol=SAME):
        key = "physics.equilibrium_parameters.magnetic_shear"
        faults.append(Fault(key, f"must be {config.shear!r} [v_A/L], as the others imply", given))
    return faults


def _off_the_grid(config: Reconnection) -> list[Fault]:
    """Waves that the grid does not keep, sheets that do not fit into the box."""
    faults = []
    largest = {"x": config.grid.mx_max, "y": config.grid.my_max}
    for axis, most in largest.items():
        mode = config.parameters.get(f"perturbation_mode_{axis}", 0)
        if mode > most:
            key = f"physics.equilibrium_parameters.perturbation_mode_{axis}"
            faults.append(Fault(key, f"must be <= {most}, the last retained mode in {axis}", mode))
    followed = config.diagnostics.mode
    if followed is not None and (followed[0] > largest["x"] or followed[1] > largest["y"]):
        must = f"must be <= {list(largest.values())}, the last retained modes"
        faults.append(Fault("diagnostics.mode", must, followed))
    normal = config.equilibrium.normal
    along = 0 if normal == "y" else 1
    if config.mode == (0, 0) or (normal is not None and config.mode[along] == 0):
        key = "diagnostics.mode"
        if followed is None:
            key = f"physics.equilibrium_parameters.perturbation_mode_{'xy'[along]}"
        must = "must be at least 1 along the sheets: it sets the wave number that is followed"
        faults.append(Fault(key, must, followed if followed is not None else 0))
    width = config.parameters.get("width")
    if width is not None and normal is not None:
        length = config.grid.lx if normal == "x" else config.grid.ly
        if width > length / 4:
            key = "physics.equilibrium_parameters.width"
            must = f"must be <= {length / 4:g} [L], a quarter of the box: the sheets would overlap"
            faults.append(Fault(key, must, width))
    return faults


def _out_of_time(config: Reconnection) -> list[Fault]:
    """Strides and windows that do not fit between 0 and the end."""
    faults = []
    stride, window = config.time.save_every, config.diagnostics.fit_time_window
    if config.steps >= MAX_STEPS:
        must = f"must be reached in fewer than {MAX_STEPS:g} steps of {config.dt:g} [L/v_A]"
        faults.append(Fault("time.t1", must, config.time.t1))
    if stride is not None and stride > config.steps:
        must = f"must be <= {config.steps}, the steps of the run"
        faults.append(Fault("time.save_every", must, stride))
    if window is not None and not window[0] < window[1] <= config.t_end * (1 + SAME):
        must = f"must be increasing and end by {config.t_end:g} [L/v_A]"
        faults.append(Fault("diagnostics.fit_time_window", must, window))
    return faults


def _unknown_names(config: Reconnection) -> list[Fault]:
    """History names that this equilibrium does not have."""
    known = [row.name for row in HISTORY.values() if config.sheets or not row.sheets]
    faults = []
    for index, name in enumerate(config.diagnostics.quantities or ()):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            must = f"must be the name of a history{hint}"
            faults.append(Fault(f"diagnostics.quantities.{index}", must, name))
    return faults


CHECKS = (_twice, _off_the_grid, _out_of_time, _unknown_names)


def family(config: Reconnection) -> dict[str, Any]:
    """Which physics a run is about; not grid, dt, end time, seed or anything about saving."""
    keys = (
        "width", "amplitude", "perturbation_amplitude", "perturbation_mode_x",
        "perturbation_mode_y",
    )  # fmt: skip
    return {
        "equilibrium": config.physics.equilibrium,
        **{key: config.parameters.get(key) for key in keys},
        "resistivity": config.physics.resistivity,
        "viscosity": config.physics.viscosity,
        "hyper_resistivity": config.physics.hyper_resistivity,
        "hold_equilibrium": config.held,
        "lx": config.grid.lx,
        "ly": config.grid.ly,
        "noise_amplitude": config.initial.noise_amplitude,
    }


def family_digest(config: Reconnection) -> str:
    """Content digest of `family`."""
    return content_digest(family(config))


def document(config: Reconnection) -> dict[str, Any]:
    """`config.document()`, by name."""
    return config.document()
