"""The flags of `rutherford-promotion-check`, and everything that can be wrong with them.

Faults are told all at once, by the name of the flag, before a run is looked at and before anything
is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mhx.campaigns import thresholds
from mhx.campaigns.bundles import Given
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.promotion import REPORT
from mhx.errors import ConfigError

RESTART_STEPS = 20_000
GIVEN = (
    *("min_history_samples", "min_convergence_dirs", "max_energy_budget_residual"),
    *("max_divergence_linf", "min_reconnected_flux_amplification"),
    *("min_island_width_amplification", "min_linear_efolds"),
)
"""Flags that stand for a bound of the plan, by their names in `thresholds.BOUNDS`."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags; None keeps the plan's bound, or the default said in the help."""

    outdir: Path | None = None
    convergence_dir: list[Path] | None = None
    seed_qi_dir: Path | None = None
    width_sweep_dir: Path | None = None
    eta_sweep_dir: Path | None = None
    require_sweeps: bool | None = None
    require_movies: bool | None = None
    min_history_samples: int | None = None
    min_convergence_dirs: int | None = None
    max_energy_budget_residual: float | None = None
    max_divergence_linf: float | None = None
    min_reconnected_flux_amplification: float | None = None
    min_island_width_amplification: float | None = None
    min_linear_efolds: float | None = None
    restart_check_max_steps: int | None = None

    @property
    def bounds(self) -> dict[str, float | None]:
        """The bounds of the plan that have a flag here, None where it was left out."""
        return {name: getattr(self, name) for name in GIVEN}

    @property
    def bundles(self) -> Given:
        """The evidence that was named."""
        return Given(
            convergence=tuple(self.convergence_dir or ()),
            seeds=self.seed_qi_dir,
            width_sweep=self.width_sweep_dir,
            eta_sweep=self.eta_sweep_dir,
        )

    @property
    def restart_steps(self) -> int:
        """The longest stretch that is integrated again."""
        given = self.restart_check_max_steps
        return RESTART_STEPS if given is None else given


def refuse(folder: RunFolder, options: Options) -> None:
    """A ConfigError with every fault of the flags."""
    faults = [*_bounds(options), *_outdir(folder, options.outdir)]
    if faults:
        raise ConfigError("\n".join(faults))


def _bounds(options: Options) -> Iterator[str]:
    for name, value in options.bounds.items():
        flag = f"--{name.replace('_', '-')}"
        try:
            thresholds.resolved({name: value})
        except ConfigError as error:
            yield str(error).replace(name, flag, 1)
    if options.restart_steps < 1:
        yield f"--restart-check-max-steps must be >= 1, got {options.restart_steps}"


def _outdir(folder: RunFolder, outdir: Path | None) -> Iterator[str]:
    """A report is written into `promotion/`, or where no other evidence lies."""
    place = (outdir or folder.promotion).resolve()
    owner = next((up for up in (place, *place.parents) if RunFolder(up).plan.exists()), None)
    if place == folder.promotion.resolve():
        if place.exists() and not place.is_dir():
            yield f"{folder.promotion} must be a folder, it is a file; move it out of the way"
    elif place.exists() and not place.is_dir():
        yield f"--outdir must be a folder, {outdir} is a file"
    elif owner is not None:
        yield (
            f"--outdir {outdir} lies inside the run directory {owner}; leave it out to write "
            f"{folder.promotion}, or name a folder elsewhere for a trial"
        )
    elif place.is_dir() and any(place.iterdir()) and not (place / REPORT).is_file():
        yield (
            f"--outdir {outdir} holds other files, and a report lists all that lies beside it; "
            "name a new or empty folder"
        )
