"""Do the quantities of interest depend on the seed of the noise?

Student's t interval of 95 %, half width over |mean|, for what a claim rests on.  Two quantities
have absolute limits, because their mean may be 0: the divergence, and the kinetic energy, which the
budget must pay for: E_K <= E(0) + injected - dissipated.  What is shown holds for this noise and no
more, so the ratio of noise to seed is printed with the verdict.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies import ladders, subcases
from mhx.campaigns.rutherford.studies.cases import CaseRun, Cases
from mhx.campaigns.rutherford.studies.judged import Judged
from mhx.campaigns.rutherford.studies.measures import Bounds, Measured, Metrics
from mhx.campaigns.rutherford.studies.study import SEEDS
from mhx.campaigns.thresholds import BOUNDS
from mhx.evidence import statistics
from mhx.evidence.gates import Gate, judge_all

ROBUST = (
    "linear_growth_rate", "peak_sheet_flux", "peak_island_width", "final_total_energy",
    "final_magnetic_energy",
)  # fmt: skip
"""Judged by the interval of their mean."""
LIMITED = ("final_kinetic_energy", "final_magnetic_divergence_linf")
REPORTED = ("gamma_fit",)
METRICS = (*ROBUST, *LIMITED, *REPORTED)
MORE = "run the study anew with more --seeds"
LEAST_NOISE = 0.01  # of the seed; less moves nothing that an interval of 5 % could show


def judge(cases: Cases, bounds: Bounds) -> Judged:
    """Every gate of a seed study."""
    found = subcases.judged(cases, bounds)
    members = _ensemble(found.counted)
    runs = [one.run for one in members]
    matrix = [{name: one.metrics.get(name) for name in METRICS} for one in members]
    intervals = {name: _interval([row[name] for row in matrix]) for name in METRICS}
    metrics = found.metrics | _membership(cases, runs)
    if members:
        needed = (*ROBUST, *LIMITED)
        gaps = sum(not _is_number(row[name]) for row in matrix for name in needed)
        metrics["missing_ensemble_metrics"] = float(gaps)
    metrics |= {f"{name}_half_width": intervals[name].get("half_width") for name in ROBUST}
    metrics |= {
        "kinetic_energy_beyond_budget": _worst([_unpaid(run) for run in runs]),
        "largest_final_divergence": _worst([row[LIMITED[1]] for row in matrix]),
        "noise_share": _noise_share(runs),
    }
    return Judged(
        kind=SEEDS,
        results=judge_all([*_gates(bounds), *subcases.GATES], metrics),
        metrics=metrics,
        facts={
            **found.facts,
            "ensemble": [run.id for run in runs],
            "intervals": intervals,
            "noise_to_seed_ratio": _noise_ratio(runs),
        },
        arrays=_arrays(runs, matrix),
        covers=subcases.covers(runs),
    )


def _ensemble(counted: Sequence[Measured]) -> list[Measured]:
    """The cases that are equal but for the seed, by seed."""
    groups = ladders.alike([one.run for one in counted], ("initial", "seed"))
    if not groups:
        return []
    ids = {run.id for run in groups[0]}
    members = [one for one in counted if one.run.id in ids]
    return sorted(members, key=lambda one: one.run.config.initial.seed)


def _membership(cases: Cases, runs: Sequence[CaseRun]) -> Metrics:
    """Counts of seeds: how many there are, twice, absent, of one initial state."""
    names = ("ensemble_size", "repeated_seeds", "missing_seeds", "equal_initial_states",
             "missing_ensemble_metrics")  # fmt: skip
    if not cases.planned:
        return dict.fromkeys(names)
    seeds = [run.config.initial.seed for run in runs]
    states = [run.initial_digest for run in runs]
    return {
        "ensemble_size": float(len(set(seeds))),
        "repeated_seeds": float(len(seeds) - len(set(seeds))),
        "missing_seeds": float(len(cases.planned) - len(runs)),
        "equal_initial_states": float(len(states) - len(set(states))),
        "missing_ensemble_metrics": None,
    }


def _interval(values: Sequence[float | None]) -> dict[str, Any]:
    """Mean, standard deviation and relative half width; nothing where a value is missing."""
    known = [float(value) for value in values if value is not None and _is_number(value)]
    if not known or len(known) < len(values):
        return {}
    found = statistics.spread(known)
    return {
        "n": found.n,
        "mean": found.mean,
        "std": found.std,
        "half_width": found.half_width,
        "confidence": None if found.confidence is None else list(found.confidence),
    }


def _unpaid(run: CaseRun) -> float | None:
    """Kinetic energy at the end beyond what the budget leaves, over E(0)."""
    history = run.history
    names = ("kinetic_energy", "total_energy", "injected_energy", "dissipated_energy")
    if any(name not in history for name in names):
        return None
    kinetic, _, fed, lost = (float(history[name][-1]) for name in names)
    start = float(history["total_energy"][0])
    return max(0.0, kinetic - (start + fed - lost)) / (abs(start) or 1.0)


def _worst(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known and len(known) == len(values) else None


def _noise_ratio(runs: Sequence[CaseRun]) -> float | None:
    """RMS of the noise over the amplitude of the coherent seed."""
    seed = runs[0].config.parameters.get("perturbation_amplitude") if runs else None
    return runs[0].config.initial.noise_amplitude / seed if seed else None


def _noise_share(runs: Sequence[CaseRun]) -> float | None:
    """RMS of the noise over the larger of it and the coherent seed; 0 where there is neither."""
    if not runs:
        return None
    noise = runs[0].config.initial.noise_amplitude
    seed = abs(runs[0].config.parameters.get("perturbation_amplitude") or 0.0)
    return noise / max(noise, seed) if noise else 0.0


def _is_number(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value))


def _gates(bounds: Bounds) -> list[Gate]:
    def bound(name: str) -> float:
        return bounds.get(name, BOUNDS[name].value)

    gates = [
        Gate(
            name="ensemble_size",
            metric="ensemble_size",
            low=bound("min_seeds"),
            reason="an interval from few seeds is wide, whatever they say",
            remedy=MORE,
        ),
        _none("unique_seeds", "repeated_seeds", "one seed twice is one seed"),
        _none("all_planned_seeds_present", "missing_seeds", "a seed left out was left out why?"),
        _none(
            "initial_states_distinct",
            "equal_initial_states",
            "seeds that begin alike test no seed: noise must be above 0",
        ),
        _none("finite_metric_matrix", "missing_ensemble_metrics", "a gap is no agreement"),
        Gate(
            name="noise_matters",
            metric="noise_share",
            low=LEAST_NOISE,
            reason="seeds whose noise is lost beside the coherent seed agree whatever they do; "
            "amplitude of the noise over that of the seed, at most 1",
            remedy="run the study anew with a larger --noise-amplitude, 5 % of the seed or more",
        ),
    ]
    gates += [
        Gate(
            name=f"{name}_passed",
            metric=f"{name}_half_width",
            high=bound("max_seed_spread"),
            reason="half width of the 95 % interval of the mean over the seeds, relative",
            remedy=MORE,
        )
        for name in ROBUST
    ]
    return [
        *gates,
        Gate(
            name="final_kinetic_energy_passed",
            metric="kinetic_energy_beyond_budget",
            high=bound("max_relative_energy_growth"),
            reason="no seed may move more energy than its budget leaves",
            remedy="run the study anew with a smaller --dt",
        ),
        Gate(
            name="final_magnetic_divergence_linf_passed",
            metric="largest_final_divergence",
            high=bound("max_divergence_linf"),
            reason="div B of every seed at the end",
            remedy="run the study anew with a smaller --dt",
        ),
    ]


def _none(name: str, metric: str, reason: str) -> Gate:
    return Gate(name=name, metric=metric, high=0, reason=reason, remedy=subcases.AGAIN)


def _arrays(
    runs: Sequence[CaseRun], matrix: Sequence[Mapping[str, float | None]]
) -> dict[str, np.ndarray]:
    values = [[ladders.number(row[name]) for name in METRICS] for row in matrix]
    return {
        "seeds": np.array([run.config.initial.seed for run in runs], np.int64),
        "metric_names": np.array(METRICS, dtype=str),
        "metric_values": np.array(values, float).reshape(len(runs), len(METRICS)),
        "initial_state_digest": np.array([run.initial_digest for run in runs], dtype=str),
        "config_digest": np.array([run.digest for run in runs], dtype=str),
        **subcases.traces(runs),
    }
