"""Does the response follow the parameter as theory has it?  Width, resistivity or mode.

Each case is held against the eigen-solve at its own parameters.  Which parameter varies is read
from the cases; the study's own base must be among them, so that the sweep is about that run.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies import ladders, subcases
from mhx.campaigns.rutherford.studies.cases import CaseRun, Cases
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.measures import (
    COMPARED,
    LEGACY,
    PEAKS,
    Bounds,
    Measured,
    Metrics,
)
from mhx.campaigns.rutherford.studies.study import SWEEP
from mhx.campaigns.thresholds import BOUNDS
from mhx.evidence.gates import Gate, judge_all
from mhx.reconnection.config import family

WIDTH, RESISTIVITY, MODE = "width", "resistivity", "mode"
AXES = {
    WIDTH: frozenset({"width"}),
    RESISTIVITY: frozenset({"resistivity", "viscosity"}),
    MODE: frozenset({"perturbation_mode_x", "perturbation_mode_y"}),
}
"""Axis -> what may differ between its cases."""
LEAST = 3  # cases
APART_ENOUGH = Gate(
    name="values_apart",
    metric="sweep_factor",
    low=1.02,
    reason="values of nearly one size show no trend; factor from each value to the next",
    remedy="run the study anew with values further apart, by an eighth or more",
)
ALL = {
    "early_growth_positive_all": "early_growth_positive",
    "visible_growth_all": "nonlinear_difference_reaches_visible_growth",
    "reconnected_flux_amplifies_all": "reconnected_flux_amplifies",
    "island_width_amplifies_all": "island_width_amplifies",
    "energy_dissipative_all": "total_energy_is_dissipative",
}
"""Gate of the sweep -> the case gate that every case must pass."""


def judge(cases: Cases, bounds: Bounds) -> Judged:
    """Every gate of a sweep."""
    found = subcases.judged(cases, bounds)
    axis = axis_of([one.run for one in found.counted])
    counted = sorted(found.counted, key=lambda one: _place(one.run, axis))
    runs = [one.run for one in counted]
    metrics: Metrics = {**found.metrics, **_counts(cases, counted, axis)}
    metrics["worst_growth_mismatch"] = _worst(counted, cases)
    return Judged(
        kind=SWEEP,
        results=judge_all([*subcases.GATES, *_gates(bounds, axis)], metrics),
        metrics=metrics,
        facts={**found.facts, "sweep_axis": axis or None, "spreads": _spreads(counted)},
        arrays=_arrays(counted, axis),
        covers=subcases.covers(runs) | {"axis": axis, "values": [_place(r, axis) for r in runs]},
    )


def axis_of(runs: Sequence[CaseRun]) -> str:
    """What the families of the cases differ in; empty where that is no axis or nothing."""
    families = [family(run.config) for run in runs]
    names = families[0].keys() if families else ()
    vary = {name for name in names if len({str(one[name]) for one in families}) > 1}
    return next((axis for axis, keys in AXES.items() if vary and vary <= keys), "")


def mismatch(one: Measured) -> float | None:
    """Relative difference of the measured growth rate from that of the case's own eigen-solve."""
    measured, growth = one.metrics["linear_growth_rate"], one.run.growth
    if measured is None or growth is None or not growth.gamma > 0:
        return None
    return abs(measured - growth.gamma) / growth.gamma


def _worst(counted: Sequence[Measured], cases: Cases) -> float | None:
    apart = [mismatch(one) for one in counted]
    known = [value for value in apart if value is not None]
    return max(known) if known and len(known) == len(cases.planned) else None


def _place(run: CaseRun, axis: str) -> tuple[float, ...]:
    """Where a case stands on its axis."""
    keys = {WIDTH: ("width",), RESISTIVITY: ("resistivity", "viscosity")}
    names = keys.get(axis, ("perturbation_mode_x", "perturbation_mode_y"))
    own = family(run.config)
    return tuple(float(own[name] or 0) for name in names)


def _counts(cases: Cases, counted: Sequence[Measured], axis: str) -> Metrics:
    """How many distinct cases there are, how many fail what, and whether the base is among them."""
    names = {word: f"cases_failing_{gate}" for word, gate in ALL.items()}
    metrics: Metrics = dict.fromkeys(("sweep_cases", "sweep_factor", "base_cases", *names.values()))
    if not cases.planned:
        return metrics
    lost = len(cases.planned) - len(counted)
    for word, metric in names.items():
        metrics[metric] = float(lost + sum(not one.gate(ALL[word]).passed for one in counted))
    values = {_value(one.run, axis) for one in counted}
    metrics["sweep_cases"] = float(len(values)) if axis else 0.0
    metrics["sweep_factor"] = _least_factor(values) if axis else None
    if cases.base is not None:
        wanted = family(cases.base)
        metrics["base_cases"] = float(sum(family(one.run.config) == wanted for one in counted))
    return metrics


def _value(run: CaseRun, axis: str) -> tuple[float, ...]:
    """The value that is swept; a viscosity that goes with a resistivity makes no other value."""
    place = _place(run, axis)
    return place if axis == MODE else place[:1]


def _least_factor(values: Iterable[tuple[float, ...]]) -> float | None:
    """Smallest factor from one value to the next; None without two."""
    ordered = sorted(value for value, *_ in values)
    return min((more / less for less, more in pairwise(ordered) if less), default=None)


def _spreads(counted: Sequence[Measured]) -> dict[str, float | None]:
    """How far apart the cases are; reported, for a sweep is meant to differ."""
    return {
        f"relative_{name}_spread": ladders.spread([one.metrics[name] for one in counted])
        for name in COMPARED
    }


def _gates(bounds: Bounds, axis: str) -> list[Gate]:
    limit = bounds.get("max_sweep_growth_mismatch", BOUNDS["max_sweep_growth_mismatch"].value)
    gates = [
        Gate(
            name="case_count_at_least_three",
            metric="sweep_cases",
            low=LEAST,
            reason="two values show no trend; more than one parameter varied is no sweep",
            remedy="run the study anew with three values or more",
        )
    ]
    if axis != MODE:  # whole numbers are apart
        gates.append(APART_ENOUGH)
    gates += [
        Gate(
            name=word,
            metric=f"cases_failing_{gate}",
            high=0,
            reason=f"{gate} in each case, the missing ones counted",
            remedy="run the study anew with values at which the sheet grows, or a longer --t-end",
        )
        for word, gate in ALL.items()
    ]
    return [
        *gates,
        Gate(
            name="growth_matches_eigenvalue_all",
            metric="worst_growth_mismatch",
            high=limit,
            reason="each case against the eigen-solve at its own parameters",
            remedy="run the study anew with a smaller --perturbation-amplitude",
        ),
        Gate(
            name="base_value_included",
            metric="base_cases",
            low=1,
            reason="a sweep that leaves out the run itself is about others",
            remedy="add the value of the run to the sweep",
        ),
    ]


ROWS = (
    *("samples", *LEGACY, "max_growth_factor"),
    *("reconnected_flux_amplification", "island_width_amplification", "relative_energy_increase"),
    *(*PEAKS, "linear_growth_rate", "max_spectral_tail"),
)


def _arrays(counted: Sequence[Measured], axis: str) -> dict[str, np.ndarray]:
    """One row per case, by its place on the axis."""
    runs = [one.run for one in counted]
    families = [family(run.config) for run in runs]
    numbers = [{name: one.metrics.get(name) for name in ROWS} for one in counted]
    arrays: dict[str, Any] = ladders.table(runs, numbers)
    arrays |= {
        name: np.array([ladders.number(one[name]) for one in families], float)
        for name in ("width", "resistivity", "viscosity")
    }
    arrays |= {
        f"mode_{x}": np.array([one[f"perturbation_mode_{x}"] or 0 for one in families], np.int64)
        for x in "xy"
    }
    rates = [None if run.growth is None else run.growth.gamma for run in runs]
    return {
        **arrays,
        **{name: np.array(ladders.number(v)) for name, v in _spreads(counted).items()},
        "sweep_axis": np.array([axis] * len(runs), dtype=str),
        "case_label": np.array([run.label for run in runs], dtype=str),
        "passed": np.array([one.passed for one in counted], bool),
        "t_end": np.array([run.config.t_end for run in runs], float),
        "save_every": np.array([run.config.save_every for run in runs], np.int64),
        "growth_rate_computed": np.array([ladders.number(rate) for rate in rates], float),
        **subcases.traces(runs),
    }
