"""The outputs that a plan declares, and who writes each of them.

A declared output without a writer is a promise that nobody keeps; `without_writer` finds it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mhx.campaigns.criteria import CRITERIA
from mhx.campaigns.folder import RunFolder
from mhx.reconnection import figures
from mhx.reconnection.diagnostics import HISTORY

LEGACY_HISTORIES = (
    *("time", "reconnected_flux", "rutherford_island_width", "reconnection_rate_proxy"),
    *("magnetic_energy", "kinetic_energy", "total_energy", "dissipation_budget_residual"),
    *("magnetic_divergence_linf", "current_density_linf"),
    *("current_sheet_thickness", "current_sheet_length", "current_sheet_aspect_ratio"),
    *("x_point_count", "o_point_count"),
)
FIGURES = (
    *("production_histories.png", "current_sheet_aspect_ratio.png", "island_width_history.png"),
    *("reconnected_flux_history.png", "energy_budget_history.png"),
)
MOVIES = ("fixed_scale_flux_movie.gif", "fixed_scale_current_density_movie.gif")
METADATA = (
    *("campaign_plan.json", "campaign_config.toml", "checkpoints/checkpoint_index.json"),
    *("manifest.json", "artifact_manifest.json"),
)
_JUDGED_BY = {
    "resolution_sweep": "convergence_axes_covered",
    "time_step_sweep": "convergence_axes_covered",
    "checkpoint_restart_reproducibility": "checkpoint_restart_reproducibility",
    "fit_window_sensitivity": "fit_window_sensitivity",
}
_PARTS = ("plan", "config", "index", "manifest", "artifact_manifest")


def required_outputs() -> dict[str, list[str]]:
    """`required_outputs` of a plan."""
    return {
        "histories": list(LEGACY_HISTORIES),
        "figures": list(FIGURES),
        "movies": list(MOVIES),
        "convergence": list(_JUDGED_BY),
        "metadata": list(METADATA),
    }


def without_writer(declared: Mapping[str, Sequence[str]]) -> list[str]:
    """Declared names that nothing in this package writes, draws or judges."""
    drawn = {name.removesuffix(".png") for name in vars(figures)}
    gates = {row.gate.name for row in CRITERIA}
    folder = RunFolder(Path())
    writers: Mapping[str, set[str]] = {
        "histories": set(HISTORY),
        "figures": {f"{name}.png" for name in drawn},
        "movies": {name for name, *_ in figures.MOVIES.values()},
        "convergence": {name for name, gate in _JUDGED_BY.items() if gate in gates},
        "metadata": {getattr(folder, part).as_posix() for part in _PARTS},
    }
    return [
        f"{kind}: {name}"
        for kind, names in declared.items()
        for name in names
        if name not in writers.get(kind, set())
    ]
