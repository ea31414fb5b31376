"""The production bounds of a campaign: one table, fixed in the plan before results exist.

A bound may be tightened freely.  A looser one, in the plan or by a flag later, is a waiver:
recorded, shown, and no more than validation from then on.  Names are those of `--threshold
NAME=VALUE` and of the flags of the same name.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mhx.errors import ConfigError
from mhx.evidence.claims import Waiver


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One bound at the value that a production claim needs.

    side: "high" where the metric must not exceed it, "low" where it must reach it.
    whole: a count, so that 99.5 is refused.
    floor: the least value that makes sense.
    validation: the bound at which a bundle judges itself, where that is another; promotion judges
        every bundle again at the bounds of the plan.
    """

    gate: str
    side: str
    value: float
    unit: str
    meaning: str
    whole: bool = False
    floor: float = 0.0
    validation: float | None = None

    def looser(self, used: float) -> bool:
        """True when `used` would let pass what the production bound stops."""
        return used > self.value if self.side == "high" else used < self.value


def _most(gate: str, value: float, unit: str, meaning: str) -> Bound:
    return Bound(gate=gate, side="high", value=value, unit=unit, meaning=meaning)


def _least(gate: str, value: float, unit: str, meaning: str, floor: float = 0.0) -> Bound:
    return Bound(gate=gate, side="low", value=value, unit=unit, meaning=meaning, floor=floor)


def _count(gate: str, value: int, meaning: str, floor: int = 1) -> Bound:
    return Bound(
        gate=gate, side="low", value=value, unit="1", meaning=meaning, whole=True, floor=floor
    )


CONVERGENCE, SEEDS = "convergence_bundles_passed", "seed_qi_bundle_passed"
SWEEPS = "width_aspect_sweep_passed"

_EVIDENCE: Mapping[str, Bound] = {
    "max_relative_growth_rate_spread": _most(
        CONVERGENCE, 0.02, "1", "growth rate along a ladder, (max - min)/|mean|"
    ),
    "max_relative_max_growth_spread": _most(
        CONVERGENCE, 0.02, "1", "largest growth of the perturbation along a ladder"
    ),
    "max_relative_flux_amplification_spread": _most(
        CONVERGENCE, 0.02, "1", "flux amplification along a ladder"
    ),
    "max_relative_width_amplification_spread": _most(
        CONVERGENCE, 0.02, "1", "width amplification along a ladder"
    ),
    "max_resolution_difference": replace(
        _most(CONVERGENCE, 0.01, "1", "histories of the two finest grids, over their maximum"),
        validation=0.05,
    ),
    "max_timestep_order_error": _most(CONVERGENCE, 0.10, "1", "|order/4 - 1| over dt, dt/2, dt/4"),
    "max_timestep_difference": _most(
        CONVERGENCE, 1e-6, "1", "relative L2 of two time steps where no order can be had"
    ),
    "max_relative_energy_increase": _most(
        CONVERGENCE, 1e-8, "1", "energy gained between samples, net of injection, over E(0)"
    ),
    "min_seeds": replace(_count(SEEDS, 8, "seeds of an ensemble", 2), validation=2),
    "max_seed_spread": replace(
        _most(SEEDS, 0.05, "1", "half width of the 95 % t interval over |mean|"), validation=0.20
    ),
    "max_sweep_growth_mismatch": _most(
        SWEEPS, 0.10, "1", "measured against computed growth rate, each case of a sweep"
    ),
}
"""Bounds of evidence from other runs, in the plan like all others."""

BOUNDS: Mapping[str, Bound] = {
    "min_production_resolution": _count(
        "production_resolution_floor", 96, "points along the coarser axis", floor=8
    ),
    "min_saved_frames": _count("saved_frame_floor", 100, "saved samples that a plan foresees"),
    "max_relative_energy_growth": _most(
        "energy_growth_within_tolerance", 1e-9, "1", "energy gained between samples, over E(0)"
    ),
    "max_energy_budget_residual": _most(
        "energy_budget_residual_within_tolerance", 1e-9, "1", "R(t) of the energy budget"
    ),
    "max_divergence_linf": _most(
        "magnetic_divergence_within_tolerance", 1e-9, "v_A/L", "largest |div B| of any sample"
    ),
    "max_stability_ratio": _most(
        "time_step_stable_throughout", 1.0, "1", "dt over the stability limit of the fields"
    ),
    "max_spectral_tail": _most(
        "spectral_tail_within_tolerance", 1e-6, "1", "share of energy in the last third of modes"
    ),
    "min_history_samples": _count("minimum_history_samples", 100, "samples of the history", 2),
    "min_linear_efolds": _least(
        "linear_phase_observed", 1.0, "1", "e-folds inside the detected linear window"
    ),
    "max_growth_rate_mismatch": _most(
        "growth_rate_matches_eigenvalue", 0.10, "1", "measured against computed growth rate"
    ),
    "max_fit_window_change": _most(
        "fit_window_sensitivity", 0.05, "1", "change of slope when a quarter is cut off"
    ),
    "max_diffusion_times": _most(
        "equilibrium_survives_duration", 0.5, "1", "t_end over a^2/eta of a decaying sheet"
    ),
    "min_nonlinear_response": _least(
        "nonlinear_response_present", 0.05, "1", "change of the mean shear at the sheet"
    ),
    "min_reconnected_flux_amplification": _least(
        "reconnected_flux_amplifies", 1.05, "1", "sheet flux, largest over initial", 1.0
    ),
    "min_island_width_amplification": _least(
        "island_width_amplifies", 1.05, "1", "island width, largest over initial", 1.0
    ),
    "max_island_width_disagreement": _most(
        "island_width_definitions_agree", 0.25, "1", "separatrix against fixed-mode width"
    ),
    "min_movie_frames": _count("movies_fixed_scale_verified", 20, "frames of each movie", 2),
    "min_convergence_dirs": _count("convergence_bundle_count", 2, "distinct convergence bundles"),
    "max_restart_difference": _most(
        "checkpoint_restart_reproducibility", 1e-10, "1", "relative L2, another device or version"
    ),
    **_EVIDENCE,
}

FLOORS: Mapping[str, Mapping[str, float]] = {
    "long_run": {"min_early_growth_rate": 5e-2, "min_max_growth_factor": 2.0},
    "convergence": {"min_early_growth_rate": 1e-3, "min_max_growth_factor": 1.05},
    "sweep": {"min_early_growth_rate": 1e-3, "min_max_growth_factor": 1.05},
    "seeds": {"min_early_growth_rate": 1e-3, "min_max_growth_factor": 1.05},
}
"""Floors of the case gates by kind of study: flags of the commands, no bounds of a plan."""

READ_BY = {
    "min_early_growth_rate": "early_growth_positive",
    "min_max_growth_factor": "nonlinear_difference_reaches_visible_growth",
    "min_reconnected_flux_amplification": "reconnected_flux_amplifies",
    "min_island_width_amplification": "island_width_amplifies",
    "max_relative_growth_rate_spread": "growth_rate_spread_bounded",
    "max_relative_max_growth_spread": "max_growth_spread_bounded",
    "max_relative_flux_amplification_spread": "flux_amplification_spread_bounded",
    "max_relative_width_amplification_spread": "width_amplification_spread_bounded",
}
"""Bounds and floors that a study has a flag for -> the gate of its bundle that reads them; gates of
a ladder stand after `resolution_` and `timestep_`."""
IN_THE_STUDY = "study"


def at_validation() -> dict[str, float]:
    """The bounds at which a bundle judges itself."""
    return {
        name: bound.value if bound.validation is None else bound.validation
        for name, bound in BOUNDS.items()
    }


def resolved(given: Mapping[str, float | None]) -> dict[str, float]:
    """Every bound in use: the production value where nothing was given; all faults at once."""
    faults = [fault for name, value in given.items() for fault in _faults(name, value)]
    if faults:
        raise ConfigError("\n".join(faults))
    bounds = {name: bound.value for name, bound in BOUNDS.items()}
    return {**bounds, **{name: value for name, value in given.items() if value is not None}}


def parsed(words: Iterable[str]) -> dict[str, float]:
    """The bounds in `--threshold NAME=VALUE` words without fault."""
    pairs = (word.partition("=") for word in words)
    return {name.strip(): float(text) for name, _, text in pairs}


def faults_in(words: Sequence[str]) -> list[str]:
    """What is wrong with `--threshold NAME=VALUE` words, one line per fault."""
    faults: list[str] = []
    names = [word.partition("=")[0].strip() for word in words]
    for name, word in zip(names, words, strict=True):
        try:
            faults += _faults(name, float(word.partition("=")[2]))
        except ValueError:
            faults.append(f"must be NAME=VALUE with a number, got {word!r}")
    twice = sorted({name for name in names if names.count(name) > 1})
    return faults + [f"{name} is given twice" for name in twice]


def _faults(name: str, value: float | None) -> list[str]:
    bound = BOUNDS.get(name)
    if bound is None:
        return [f"{name} is no bound; known are {', '.join(sorted(BOUNDS))}"]
    if value is None:
        return []
    if not math.isfinite(value):
        return [f"{name} must be a finite number, got {value!r}"]
    if value < bound.floor:
        return [f"{name} must be >= {bound.floor:g} [{bound.unit}], got {value!r}"]
    if bound.whole and value != int(value):
        return [f"{name} must be a whole number [{bound.unit}], got {value!r}"]
    return []


def waivers(used: Mapping[str, float], *, where: str) -> list[Waiver]:
    """One waiver per bound that is looser than the production bound."""
    return [
        Waiver(
            gate=BOUNDS[name].gate,
            production_bound=BOUNDS[name].value,
            used_bound=value,
            where=where,
        )
        for name, value in used.items()
        if BOUNDS[name].looser(value)
    ]


def relaxed(used: Mapping[str, float], kind: str, *, where: str = "") -> list[Waiver]:
    """One waiver per bound or floor looser than the one at which a bundle judges itself.

    where: empty for the flag of the same name, or the study itself where it has none.
    """
    tier = at_validation()
    own = {name: replace(row, value=tier[name]) for name, row in BOUNDS.items()}
    own |= {name: _least(name, floor, "", "") for name, floor in FLOORS[kind].items()}
    return [
        Waiver(
            gate=READ_BY.get(name, row.gate),
            production_bound=row.value,
            used_bound=used[name],
            where=where or _where(name),
        )
        for name, row in own.items()
        if name in used and row.looser(used[name])
    ]


def _where(name: str) -> str:
    return f"--{name.replace('_', '-')}" if name in READ_BY else IN_THE_STUDY


def strictest(
    bounds: Mapping[str, float], used: Mapping[str, float], kind: str
) -> dict[str, float]:
    """Bounds at which a study of another's making is judged again.

    bounds: those of the plan, which hold.  used: what the study was judged at; of that only the
    windows are taken over, and floors that are higher than ours.
    """
    windows = {name: used[name] for name in ("fit_start", "fit_stop") if name in used}
    floors = {name: max(floor, used.get(name, floor)) for name, floor in FLOORS[kind].items()}
    return {**{name: row.value for name, row in BOUNDS.items()}, **bounds, **windows, **floors}
