"""Words that several commands of a lane share, and where each stage leaves what it makes.

Numbers are written with all their digits, so that every stage reads the same one.
"""

from collections.abc import Sequence

from mhx.campaigns.rutherford.lane.design import LaneDesign
from mhx.campaigns.rutherford.lane.flags import Lane
from mhx.campaigns.thresholds import BOUNDS

RUN, EVIDENCE, SEED_QI = "rutherford", "double_harris", "seed_qi"
LONG_RUN = f"{EVIDENCE}/long_run"
MAIN, CROSSCHECK = f"{EVIDENCE}/convergence_main", f"{EVIDENCE}/convergence_crosscheck"
WIDTH_SWEEP, ETA_SWEEP = f"{EVIDENCE}/width_sweep", f"{EVIDENCE}/eta_lundquist_sweep"
CHECK = f"{EVIDENCE}/promotion"
STAGE_FOLDERS = (RUN, EVIDENCE, SEED_QI)

DOUBLE_HARRIS_BOUNDARY = "evidence and checks of it: never more than validation"
RUTHERFORD_BOUNDARY = (
    "validation until the promotion check passes and the last command asks for the claim"
)

BUNDLE = ("diagnostics.json", "validation.json", "manifest.json", "artifact_manifest.json")
MOVIES = tuple(
    f"figures/fixed_scale_{name}_movie.{suffix}"
    for name in ("flux", "current_density")
    for suffix in ("gif", "json")
)
FLOORS = ("min_reconnected_flux_amplification", "min_island_width_amplification")
THRESHOLDS = (
    *("max_energy_budget_residual", "max_relative_energy_growth", "max_relative_energy_increase"),
    *("max_divergence_linf", "min_history_samples", *FLOORS),
)
"""Bounds that have a flag of the lane, by their names in a plan."""


def physics(asked: Lane) -> list[str]:
    """What every run starts from and how it is dissipated."""
    hold = "--hold-equilibrium" if asked.hold_equilibrium else "--decaying-equilibrium"
    return [
        *flag("--equilibrium", asked.equilibrium),
        *given("--width", asked.width),
        *flag("--eta", asked.eta),
        *flag("--nu", asked.nu),
        *flag("--perturbation-amplitude", asked.perturbation_amplitude),
        *given("--mode-x", asked.mode_x),
        *given("--mode-y", asked.mode_y),
        hold,
    ]


def grid(asked: Lane) -> list[str]:
    """The grid of the run itself."""
    return [*flag("--nx", asked.nx), *flag("--ny", asked.ny)]


def window(lane: LaneDesign) -> list[str]:
    """The early fit, which feeds the legacy numbers alone."""
    return [*flag("--fit-start", 0.0), *flag("--fit-stop", lane.cadence.fit_stop)]


def bounds(asked: Lane, names: Sequence[str]) -> list[str]:
    """Bounds by their names, as flags of the same name."""
    return [
        word for name in names for word in flag(f"--{name.replace('_', '-')}", getattr(asked, name))
    ]


def differs(asked: Lane, name: str) -> bool:
    """Whether a bound is not the one that a claim needs."""
    return bool(getattr(asked, name) != BOUNDS[name].value)


def flag(name: str, value: float | str) -> list[str]:
    """One flag with its value."""
    return [name, value if isinstance(value, str) else repr(value)]


def given(name: str, value: float | None) -> list[str]:
    """One flag, left out where there is no value."""
    return [] if value is None else flag(name, value)


def listed(values: Sequence[float]) -> str:
    """Several values as one word."""
    return ",".join(map(repr, values))


def below(folder: str, names: Sequence[str]) -> tuple[str, ...]:
    """Paths of files in a folder."""
    return tuple(f"{folder}/{name}" for name in names)
