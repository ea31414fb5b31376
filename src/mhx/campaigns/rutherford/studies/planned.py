"""A study about a planned run: every parameter from the plan, and a fault for each contradiction.

The plan gives problem, box, precision, time step, sampling and end; seed and noise are those that
the run was bound with.  Ladders are laid around it: its grid in the middle, its time step the
largest.  Flags that a plan says nothing about (values of a sweep, seeds, grids) stay free.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.campaigns.rutherford.executed import executed
from mhx.campaigns.rutherford.parameters import MIN_CELLS
from mhx.campaigns.rutherford.studies.tables import LADDER
from mhx.campaigns.rutherford.studies.variants import NOISE
from mhx.errors import ConfigError
from mhx.reconnection.config import SAME, Reconnection
from mhx.reconnection.timestep import AUTO

if TYPE_CHECKING:
    from mhx.campaigns.rutherford.studies.flags import Common

GRIDS = (0.75, 1.0, 1.5)
"""The ladder around the grid of a plan."""
MOST_HALVINGS = LADDER - 1  # the step of the grids is one of the ladder
C = TypeVar("C", bound="Common")


def filled(options: C, run_dir: Path) -> C:
    """The flags, what is absent taken from the plan; ConfigError names every contradiction."""
    folder = RunFolder(run_dir)
    plan = read_plan(folder)
    config = executed(folder, plan)
    names = {field.name for field in fields(options)}
    words = {name: getattr(options, name) for name in names}
    given = {name: word for name, word in words.items() if word not in (None, "auto")}
    known = {name: value for name, value in _given(plan, config).items() if value is not None}
    # a stride belongs to one time step, and a ladder has several
    known.pop("save_every" if "resolutions" in names else "save_interval")
    faults = []
    if "seeds" in names:
        faults += _too_quiet(known.pop("noise_amplitude"), given, run_dir)
        noise = max(NOISE * known["perturbation_amplitude"], config.initial.noise_amplitude)
        given.setdefault("noise_amplitude", noise)
    faults += [
        f"--{name.replace('_', '-')} must be {known[name]!r}, as planned in {run_dir}, got "
        f"{given[name]!r}; leave it out"
        for name in sorted(known.keys() & given.keys())
        if not _same(known[name], given[name])
    ]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"{options.command}: {count}" + "".join(f"\n  {f}" for f in faults))
    if "resolutions" in names:
        known |= _ladders(config)
    return replace(options, **{n: v for n, v in {**known, **given}.items() if n in names})


def _too_quiet(planned: float, given: Mapping[str, Any], run_dir: Path) -> list[str]:
    """A fault where the ensemble varies less noise than the run itself has."""
    noise = given.get("noise_amplitude", planned)
    try:
        enough = not float(noise) < planned
    except ValueError:  # no number: that is told by the table
        enough = True
    told = f"--noise-amplitude must be >= {planned!r}, as planned in {run_dir}, got {noise!r}"
    return [] if enough else [told]


def _given(plan: Plan, config: Reconnection) -> dict[str, Any]:
    """What the plan says, by flag."""
    sheet, physics = config.parameters, config.physics
    window = config.diagnostics.fit_time_window or (0.0, None)
    return {
        "equilibrium": physics.equilibrium,
        **{name: sheet[name] for name in ("width", "amplitude") if name in sheet},
        "perturbation_amplitude": sheet["perturbation_amplitude"],
        "mode_x": config.mode[0],
        "mode_y": config.mode[1],
        "eta": physics.resistivity,
        "nu": physics.viscosity,
        "hold_equilibrium": config.held,
        "noise_amplitude": config.initial.noise_amplitude,
        "seed": config.initial.seed,
        "lx": config.grid.lx,
        "ly": config.grid.ly,
        "dtype": config.numerics.dtype,
        "nx": config.grid.nx,
        "ny": config.grid.ny,
        "dt": plan.dt,
        "t_end": plan.target_time,
        "save_every": plan.save_every,
        "save_interval": plan.save_every * plan.dt,
        "fit_start": window[0],
        "fit_stop": window[1],
    }


def _same(planned: Any, given: Any) -> bool:
    """Equal as values: 1 and 1.0 and, from a command line, "1"."""
    if isinstance(planned, bool | str):
        return bool(planned == given)
    try:
        return bool(abs(float(given) - planned) <= SAME * abs(planned))
    except (TypeError, ValueError):
        return False


def _ladders(config: Reconnection) -> dict[str, Any]:
    """Grids and time steps around those of a plan.

    The grids share one step, the planned one halved until half the limit of the finest allows it.
    """
    nx, ny = config.grid.shape
    shapes = [_text(_scaled(nx, share), _scaled(ny, share)) for share in GRIDS]
    dt, dt_max = config.dt, config.time_step.dt_max
    finest = max(GRIDS)
    # phases grow with the wave number, decay with its square
    limit = AUTO * min(dt_max / finest, dt_max)
    halvings = 0
    while dt / 2**halvings > limit and halvings < MOST_HALVINGS:
        halvings += 1
    return {
        "resolutions": ",".join(shapes),
        "reference_resolution": _text(nx, ny),
        "dt_values": ",".join(repr(dt / 2**n) for n in range(LADDER)),
        "reference_dt": dt / 2**halvings,
    }


def _scaled(points: int, share: float) -> int:
    """An even number of points near the share of them."""
    return max(MIN_CELLS, 2 * round(points * share / 2))


def _text(nx: int, ny: int) -> str:
    return str(nx) if nx == ny else f"{nx}x{ny}"
