"""Numbers for the promotion gates, drawn from the history of a run and from theory.

Everything is recomputed from arrays that were read back, and from the part of the plan that its
digest covers; nothing is taken from a verdict.  A value that the history cannot give is None, and
its gate is then unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mhx.campaigns.plan import Plan
from mhx.campaigns.rutherford.execution_gates import BOUND_OF
from mhx.campaigns.rutherford.outputs import LEGACY_HISTORIES
from mhx.campaigns.thresholds import BOUNDS
from mhx.errors import EvidenceError
from mhx.evidence.gates import judge_all
from mhx.reconnection import phases
from mhx.reconnection.config import Reconnection
from mhx.reconnection.gates import QUALITY, bounded, quality_metrics
from mhx.reconnection.growth import GrowthRate

Metrics = dict[str, float | None]
GEOMETRY = ("current_sheet_thickness", "current_sheet_length", "current_sheet_aspect_ratio")
COUNTS = ("x_point_count", "o_point_count")


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Metrics for the gates, and the phases that a report shows beside them."""

    metrics: Metrics
    facts: dict[str, Any] = field(default_factory=dict)


def judgement(
    config: Reconnection, plan: Plan, history: Mapping[str, np.ndarray], growth: GrowthRate | None
) -> Judgement:
    """Judge one history; `growth` is the eigen-solve of the configured sheet, None without one.

    history: real arrays of one length, at least one sample, `step` and `time` among them.
    """
    sheet = phases.leading_sheet(history)
    linear = algebraic = saturation = None
    metrics: Metrics = {**_samples(history, plan), **_numerics(history, plan, config)}
    metrics |= {**_geometry(history), **_duration(config, plan, growth)}
    if sheet is not None and f"island_width_{sheet}" in history:
        time, flux = history["time"], history[f"sheet_flux_{sheet}"]
        width = history[f"island_width_{sheet}"]
        linear = phases.linear_phase(time, flux)
        theory = growth.constant_psi_theory(config.physics.resistivity) if growth else None
        algebraic = phases.algebraic_phase(time, width, flux, linear, theory)
        saturation = phases.saturation(time, width, _half_box(config), theory)
        metrics |= _linear(linear, growth) | _nonlinear(history, sheet, linear, algebraic)
    facts = {"linear_phase": linear, "algebraic_phase": algebraic, "saturation": saturation}
    return Judgement(metrics=metrics, facts={**facts, **_legacy(history)})


def _samples(history: Mapping[str, np.ndarray], plan: Plan) -> Metrics:
    steps = history["step"]
    return {
        "history_samples": float(len(steps)),
        "history_steps_missing": float(abs(plan.target_step - steps[-1])),
        "missing_history_keys": float(len(set(LEGACY_HISTORIES) - history.keys())),
        "missing_geometry_keys": float(len(set(GEOMETRY) - history.keys())),
        "missing_critical_point_keys": float(len(set(COUNTS) - history.keys())),
    }


def _numerics(history: Mapping[str, np.ndarray], plan: Plan, config: Reconnection) -> Metrics:
    """Quality of the whole run; a budget not followed from step 0 to the target says nothing."""
    metrics = quality_metrics(history)
    used = {name: bound.value for name, bound in BOUNDS.items()} | plan.thresholds
    bounds = {metric: used[name] for metric, name in BOUND_OF.items()}
    results = judge_all(bounded(QUALITY, bounds), metrics)
    steps = history["step"]
    covered = np.array_equal(steps[[0, -1]], [0, plan.target_step])
    if not covered or np.diff(steps).max(initial=0) > config.save_every:
        metrics["max_energy_budget_residual"] = None
    return {**metrics, "failed_execution_gates": float(sum(not one.passed for one in results))}


def _geometry(history: Mapping[str, np.ndarray]) -> Metrics:
    metrics: Metrics = {}
    if all(name in history for name in GEOMETRY):
        bad = [~(np.isfinite(history[name]) & (history[name] > 0)) for name in GEOMETRY]
        metrics["geometry_faults"] = float(np.any(bad, axis=0).sum())
    if all(name in history for name in COUNTS):
        x, o = (history[name] for name in COUNTS)
        unresolved = history.get("topology_unresolved", np.zeros(len(x))) > 0
        metrics["max_x_point_count"] = float(x.max())
        metrics["max_o_point_count"] = float(o.max())
        metrics["topology_mismatches"] = float(((x != o) | unresolved).sum())
    return metrics


def _duration(config: Reconnection, plan: Plan, growth: GrowthRate | None) -> Metrics:
    """Duration over what the computed rate demands, and over the diffusion time of the sheet."""
    end = plan.target_step * config.dt
    metrics: Metrics = {"growth_rate_computed": None if growth is None else growth.gamma}
    if config.held:
        metrics["diffusion_times"] = 0.0
    elif config.scale is not None:
        metrics["diffusion_times"] = end * config.physics.resistivity / config.scale**2
    if growth is not None and growth.gamma > 0:
        efolds = _planned(plan, "safety_factor") * _planned(plan, "required_efolds")
        metrics["duration_over_required"] = end * growth.gamma / efolds
    return metrics


def _planned(plan: Plan, name: str) -> float:
    """A number on which the duration rests; a plan without it was not written by the planner."""
    value = plan.document["duration_assessment"][name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise EvidenceError(
            f"campaign_plan.json was altered: duration_assessment.{name} is {value!r}, "
            "a positive number was planned; restore it from a copy"
        )
    return value


def _linear(linear: Mapping[str, Any], growth: GrowthRate | None) -> Metrics:
    if not linear["found"]:
        return {}
    metrics: Metrics = {
        "linear_phase_efolds": linear["efolds"],
        "growth_rate_measured": linear["slope"],
        "fit_window_slope_change": linear["fit_window_sensitivity"],
    }
    if growth is not None and growth.gamma > 0:
        metrics["growth_rate_mismatch"] = abs(linear["slope"] - growth.gamma) / growth.gamma
    return metrics


def _nonlinear(
    history: Mapping[str, np.ndarray],
    sheet: int,
    linear: Mapping[str, Any],
    algebraic: Mapping[str, Any],
) -> Metrics:
    metrics: Metrics = {
        "reconnected_flux_amplification": amplification(history[f"sheet_flux_{sheet}"]),
        "island_width_amplification": amplification(history[f"island_width_{sheet}"]),
        "max_mean_shear_change": _largest(history, "mean_shear_change_0", "mean_shear_change_1"),
    }
    if linear["found"]:
        metrics["algebraic_phase_faults"] = float(len(algebraic["unmet"]))
        metrics["algebraic_rate"] = algebraic["width_rate"]
        metrics["rutherford_ratio"] = algebraic["rutherford_ratio"]
        metrics["constant_psi_parameter"] = algebraic["constant_psi_parameter"]
        end = linear["stop"] - 1
        separatrix = history.get(f"separatrix_width_{sheet}")
        width = float(history[f"island_width_{sheet}"][end])
        if separatrix is not None and width > 0:
            metrics["island_width_disagreement"] = abs(float(separatrix[end]) - width) / width
    return metrics


def amplification(series: np.ndarray) -> float | None:
    """max |x| / |x[0]|; None where the run began at nothing."""
    first = abs(float(series[0]))
    return float(np.abs(series).max()) / first if first > 0 else None


def _legacy(history: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """The two amplifications as the older definition has them: of the proxies, reported only."""
    names = {
        "legacy_reconnected_flux_amplification": "reconnected_flux",
        "legacy_island_width_amplification": "rutherford_island_width",
    }
    return {
        key: amplification(history[name]) if name in history else None
        for key, name in names.items()
    }


def _largest(history: Mapping[str, np.ndarray], *names: str) -> float | None:
    found = [float(history[name].max()) for name in names if name in history]
    return max(found) if found else None


def _half_box(config: Reconnection) -> float:
    grid = config.grid
    return (grid.lx if config.equilibrium.normal == "x" else grid.ly) / 2
