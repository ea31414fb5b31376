"""Every metric that a reconnection run may report: name, unit, kind, meaning; nothing else comes.

Alfven units: lengths in L, times in L/v_A, rates in v_A/L, fields in v_A.  What does not exist in
a run (a linear window, the second sheet) is not reported.  Which of them a run reports: `measures`
in `run`.
"""

from collections.abc import Iterator

from mhx.evidence.metrics import Metric, Vocabulary
from mhx.reconnection.diagnostics import HISTORY, Quantity

AMPLIFYING = (
    "reconnected_flux", "rutherford_island_width", "sheet_flux", "island_width", "separatrix_width",
)  # fmt: skip
"""Histories whose largest over first magnitude is reported."""

TIME, RATE, NONE = "L/v_A", "v_A/L", "1"
Row = tuple[str, str, str, str]

_RUN: tuple[Row, ...] = (
    ("run.steps", NONE, "count", "steps taken"),
    ("run.dt", TIME, "point", "time step"),
    ("run.t_end", TIME, "point", "time of the last state"),
    ("run.samples", NONE, "count", "rows of the history"),
    ("run.seconds_per_step", "s", "duration", "wall clock per step"),
    ("growth_rate", RATE, "point", "slope of ln(flux) of the leading sheet in the linear window"),
)
_QUALITY: tuple[Row, ...] = (
    ("non_finite_values", NONE, "count", "values of the history that are no numbers"),
    (
        *("max_relative_energy_growth", NONE, "extremum"),
        "largest rise of the energy between samples, less what was fed in, over the initial energy",
    ),
    ("max_energy_budget_residual", NONE, "extremum", "largest residual of the energy budget"),
    ("max_magnetic_divergence_linf", RATE, "extremum", "largest div B of the arrays multiplied"),
    ("max_stability_ratio", NONE, "extremum", "largest dt/dt_max; above 1 RK4 is unstable"),
    ("max_spectral_tail", NONE, "extremum", "largest share of the energy near the cut-off"),
)
_WINDOW: tuple[Row, ...] = (
    ("t_start", TIME, "point", "first sample"),
    ("t_end", TIME, "point", "last sample"),
    ("samples", NONE, "count", "samples"),
)
_LINEAR: tuple[Row, ...] = (
    *_WINDOW,
    ("efolds", NONE, "point", "rise of ln(flux)"),
    ("slope", RATE, "point", "least-squares slope of ln(flux)"),
    ("slope_standard_error", RATE, "point", "its standard error"),
    ("median_growth", RATE, "point", "median of the growth rate between samples"),
    ("slope_first_three_quarters", RATE, "point", "slope without the last quarter"),
    ("slope_last_three_quarters", RATE, "point", "slope without the first quarter"),
    ("fit_window_sensitivity", NONE, "extremum", "largest relative change of the slope by these"),
)
_ALGEBRAIC: tuple[Row, ...] = (
    *_WINDOW,
    ("width_start", "L", "point", "island width at its start"),
    ("width_end", "L", "point", "island width at its end"),
    ("width_rate", "v_A", "point", "least-squares slope of the width W"),
    ("linear_rms", "L", "mean", "RMS error in W of W linear in time"),
    ("exponential_rms", "L", "mean", "RMS error in W of W exponential in time"),
    ("rms_ratio", NONE, "point", "the first over the second; below 1 it is no exponential"),
    ("width_rate_variation", NONE, "point", "standard deviation over mean of dW/dt"),
    ("final_growth_ratio", NONE, "point", "growth rate of the flux at the end over the linear one"),
    ("theory_width_rate", "v_A", "point", "1.22 eta Delta' (Rutherford 1973)"),
    ("rutherford_ratio", NONE, "point", "fitted over predicted dW/dt"),
    ("constant_psi_parameter", NONE, "point", "Delta' times the width of the layer"),
    ("unmet_count", NONE, "count", "conditions of an algebraic phase that are not met"),
)
_SATURATION: tuple[Row, ...] = (
    ("t_start", TIME, "point", "first sample from which on dW/dt stays below 10 % of its maximum"),
    ("samples", NONE, "count", "samples from there on"),
    ("width", "L", "point", "island width there"),
    ("width_over_half_box", NONE, "point", "the same over half the box along the normal"),
    ("max_width_rate", "v_A", "extremum", "largest dW/dt"),
    ("theory_width", "L", "point", "1.22 Delta' / (-j''/2j), the saturated width of small islands"),
    ("theory_ratio", NONE, "point", "the width over it"),
)
_FIT_WINDOW: tuple[Row, ...] = (
    ("samples", NONE, "count", "samples in the declared window"),
    ("slope", RATE, "point", "least-squares slope of ln(flux) in it"),
    ("start", TIME, "point", "its start, as declared"),
    ("end", TIME, "point", "its end, as declared"),
)
_EIGENVALUE: tuple[Row, ...] = (
    ("gamma", RATE, "point", "growth rate of the followed mode"),
    ("frequency", RATE, "point", "its frequency"),
    ("residual", NONE, "point", "residual of the eigenpair"),
    ("k", "1/L", "point", "wave number of the followed mode"),
    ("mode_along", NONE, "point", "mode number of the followed mode"),
    ("modes", NONE, "count", "modes of the last resolution"),
    ("change_on_doubling", NONE, "point", "relative change of gamma since half of them"),
    ("grid_gamma", RATE, "point", "gamma with the retained modes of the grid alone"),
    (
        *("equilibrium_tail", NONE, "point"),
        "share of the energy of psi_eq beyond two thirds of the largest retained index",
    ),
    ("delta_prime_even", "1/L", "point", "Delta' of the even branch"),
    ("delta_prime_odd", "1/L", "point", "Delta' of the odd branch"),
    ("delta_eta", "L", "point", "resistive width of the layer"),
    ("delta_visc", "L", "point", "viscous width of the layer"),
    ("constant_psi_parameter", NONE, "point", "Delta' of the seed's branch times the wider layer"),
    ("current_curvature", "1/L^2", "point", "-j''/j of the equilibrium at the sheet"),
    ("mismatch", NONE, "point", "relative difference of growth_rate from gamma"),
)
_TABLES = {
    "quality": _QUALITY,
    "linear_phase": _LINEAR,
    "algebraic_phase": _ALGEBRAIC,
    "saturation": _SATURATION,
    "fit_window": _FIT_WINDOW,
    "eigenvalue": _EIGENVALUE,
}
_MEANS = ("magnetic_energy", "kinetic_energy", "total_energy")
_INTEGRALS = ("dissipated_energy", "injected_energy")


def _words() -> Iterator[Metric]:
    for name, unit, kind, meaning in _RUN:
        yield Metric(name, unit, meaning, kind)
    for table, rows in _TABLES.items():
        for name, unit, kind, meaning in rows:
            yield Metric(f"{table}.{name}", unit, f"{table.replace('_', ' ')}: {meaning}", kind)
    for name in HISTORY.keys() - {"time", "step"}:
        yield from _of_history(HISTORY[name])


def _of_history(quantity: Quantity) -> Iterator[Metric]:
    name, unit, meaning = quantity.name, quantity.unit, quantity.meaning
    yield Metric(f"initial.{name}", unit, f"first sample: {meaning}", _kind(quantity))
    yield Metric(f"final.{name}", unit, f"last sample: {meaning}", _kind(quantity))
    yield Metric(f"max.{name}", unit, f"largest sample: {meaning}", "extremum")
    if name.startswith(AMPLIFYING):
        text = f"largest over first magnitude: {meaning}"
        yield Metric(f"amplification.{name}", NONE, text, "extremum")


def _kind(quantity: Quantity) -> str:
    if quantity.dtype == "int64":
        return "count"
    if quantity.name in _MEANS:
        return "mean"
    if quantity.name in _INTEGRALS:
        return "integral"
    return "extremum" if quantity.name.endswith("_linf") else "point"


VOCABULARY = Vocabulary(sorted(_words(), key=lambda word: word.name))
