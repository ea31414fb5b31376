"""What one case says: growth, amplification, quality; and the gates that every case must pass.

Everything is drawn from the history of the case.  The linear window is found in the flux of the
leading sheet; the early fit, over a window that was asked for, gives the legacy numbers alone.  An
amplification is the largest over the first magnitude.  What cannot be measured is None, and its
gate unknown.  Times in L/v_A, rates in v_A/L, widths in L, energies in v_A^2 as domain means.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mhx.campaigns.rutherford.execution_gates import BOUND_OF
from mhx.campaigns.rutherford.judgement import amplification
from mhx.campaigns.rutherford.studies.cases import CaseRun
from mhx.evidence.gates import Gate, GateResult, judge_all
from mhx.reconnection import phases
from mhx.reconnection.gates import QUALITY, bounded, quality_metrics

Metrics = dict[str, float | None]
Bounds = Mapping[str, float]

MIN_SAMPLES = 8
FAST, FAST_LABEL = 30.0, "fast_validation"
"""A case that ends before this time [L/v_A] belongs to a study whose purpose carries the label."""

COMPARED = (
    "linear_growth_rate", "max_growth_factor", "reconnected_flux_amplification",
    "island_width_amplification",
)  # fmt: skip
"""What is compared along ladders; every case must have them."""
LEGACY = ("fitted_early_growth_rate", "early_growth_factor")
"""Measured over the early window; reported, not gated."""
PEAKS = ("max_current_density_linf", "max_kinetic_energy")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One case with its numbers and its verdicts."""

    run: CaseRun
    metrics: Metrics
    results: tuple[GateResult, ...]

    @property
    def failed(self) -> list[str]:
        """Gates that do not pass, by name."""
        return [result.gate.name for result in self.results if not result.passed]

    @property
    def passed(self) -> bool:
        return bool(self.results) and not self.failed

    def gate(self, name: str) -> GateResult:
        return next(result for result in self.results if result.gate.name == name)


def measured(run: CaseRun, bounds: Bounds, purpose: str = "") -> Measured:
    """The numbers of a case, and its gates at the bounds in use; purpose: of its study."""
    fast = is_fast(run) and FAST_LABEL not in purpose
    metrics = measures(run, bounds) | {"unlabeled_fast_runs": float(fast)}
    return Measured(run=run, metrics=metrics, results=tuple(judge_all(case_gates(bounds), metrics)))


def is_fast(run: CaseRun) -> bool:
    """Whether a case ends too early for anything but a test of the machinery."""
    return run.config.t_end < FAST * (1 - 1e-9)


def measures(run: CaseRun, bounds: Bounds) -> Metrics:
    """Every number of a case, by name."""
    history, sheet = run.history, phases.leading_sheet(run.history)
    flux = None if sheet is None else history[f"sheet_flux_{sheet}"]
    width = None if sheet is None else history.get(f"island_width_{sheet}")
    norm = history.get("perturbation_norm")
    window = _window(run, bounds)
    quality = quality_metrics(history)
    linear = {} if flux is None else phases.linear_phase(history["time"], flux)
    return {
        **quality,
        "samples": float(len(history["step"])),
        "t_end": float(history["time"][-1]),
        "missing_duration": run.config.t_end - float(history["time"][-1]) - run.config.dt / 2,
        "linear_growth_rate": linear.get("slope"),
        "linear_efolds": linear.get("efolds"),
        "fitted_early_growth_rate": _slope(history["time"], norm, window),
        "early_growth_factor": _factor(history["time"], norm, window),
        "gamma_fit": _slope(history["time"], flux, window),
        "max_growth_factor": None if norm is None else amplification(norm),
        "reconnected_flux_amplification": None if flux is None else amplification(flux),
        "island_width_amplification": None if width is None else amplification(width),
        "relative_energy_increase": quality["max_relative_energy_growth"],
        "max_current_density_linf": _most(history.get("current_density_linf")),
        "max_kinetic_energy": _most(history.get("kinetic_energy")),
        "peak_sheet_flux": _most(flux),
        "peak_island_width": _most(width),
        **{f"final_{name}": _last(history.get(name)) for name in FINAL},
    }


FINAL = ("total_energy", "magnetic_energy", "kinetic_energy", "magnetic_divergence_linf")


def _window(run: CaseRun, bounds: Bounds) -> tuple[float, float]:
    """Start and stop of the early fit: asked for, of the configuration, or the whole run."""
    start, stop = run.config.diagnostics.fit_time_window or (0.0, run.config.t_end)
    return bounds.get("fit_start", start), bounds.get("fit_stop", stop)


def _inside(
    time: np.ndarray, series: np.ndarray | None, window: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Times and values in a window, as far as their logarithm exists."""
    if series is None:
        return np.empty(0), np.empty(0)
    reach = 1e-9 * max(abs(window[1]), 1.0)  # a sample on the edge belongs to the window
    here = (time >= window[0] - reach) & (time <= window[1] + reach) & (series > 0)
    return time[here], series[here]


def _slope(
    time: np.ndarray, series: np.ndarray | None, window: tuple[float, float]
) -> float | None:
    t, x = _inside(time, series, window)
    return float(np.polyfit(t - t.mean(), np.log(x), 1)[0]) if len(t) > 1 else None


def _factor(
    time: np.ndarray, series: np.ndarray | None, window: tuple[float, float]
) -> float | None:
    _, x = _inside(time, series, window)
    return float(x[-1] / x[0]) if len(x) > 1 else None


def _most(series: np.ndarray | None) -> float | None:
    return None if series is None or not len(series) else float(series.max())


def _last(series: np.ndarray | None) -> float | None:
    return None if series is None or not len(series) else float(series[-1])


RERUN = "run the study anew with a smaller --dt or more points"
LONGER = "run the study anew with a longer --t-end"

CASE_GATES: tuple[tuple[Gate, str], ...] = (
    (
        Gate(
            name="full_duration_reached", metric="missing_duration", high=0,
            reason="a case that ends early says nothing about the rest", remedy=RERUN,
        ),
        "",
    ),
    (
        Gate(
            name="enough_saved_samples", metric="samples", low=MIN_SAMPLES,
            reason="too few samples hide what happens between them",
            remedy="run the study anew with a smaller --save-interval or --save-every",
        ),
        "",
    ),
    (
        Gate(
            name="early_growth_positive", metric="linear_growth_rate", low=1e-3,
            reason="growth in the detected linear window, without which nothing is tested",
            remedy=LONGER,
        ),
        "min_early_growth_rate",
    ),
    (
        Gate(
            name="nonlinear_difference_reaches_visible_growth", metric="max_growth_factor",
            low=1.05, reason="a perturbation that does not grow tests no growth", remedy=LONGER,
        ),
        "min_max_growth_factor",
    ),
    (
        Gate(
            name="reconnected_flux_amplifies", metric="reconnected_flux_amplification", low=1.05,
            reason="flux of one mode at the sheet, largest over initial", remedy=LONGER,
        ),
        "min_reconnected_flux_amplification",
    ),
    (
        Gate(
            name="island_width_amplifies", metric="island_width_amplification", low=1.05,
            reason="width of the island from that flux, largest over initial", remedy=LONGER,
        ),
        "min_island_width_amplification",
    ),
    (
        Gate(
            name="total_energy_is_dissipative", metric="relative_energy_increase", high=1e-8,
            reason="energy beyond what a held equilibrium feeds in is made by the scheme",
            remedy=RERUN,
        ),
        "max_relative_energy_increase",
    ),
    (
        Gate(
            name="short_duration_is_labeled_fast", metric="unlabeled_fast_runs", high=0,
            reason="a study that ends before t = 30 L/v_A says so in its purpose: fast_validation",
            remedy=LONGER,
        ),
        "",
    ),
)  # fmt: skip
"""Gates of each case beside those on its numerics, and the bound of each where it has a name."""


def case_gates(bounds: Bounds) -> tuple[Gate, ...]:
    """All gates of one case at the bounds in use; the tail of the spectrum is that of a validation.

    The coarsest grid of a ladder need not be resolved as a claim needs it; the ladder says whether
    the finer ones are.
    """
    limits = {metric: bounds[name] for metric, name in BOUND_OF.items() if name in bounds}
    own = (_limited(gate, bounds.get(name)) for gate, name in CASE_GATES)
    return (*own, *bounded(QUALITY, limits))


def _limited(gate: Gate, limit: float | None) -> Gate:
    if limit is None:
        return gate
    return replace(gate, low=limit) if np.isfinite(gate.low) else replace(gate, high=limit)
