"""Gates on the numerics of one reconnection run, with the reason of each.

The metrics are those of `quality_metrics`: plain numbers drawn from a history.  The bounds here are
those of a validation; a campaign replaces them by the bounds that its plan has fixed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from mhx.evidence.gates import Gate

FINITE = Gate(
    name="finite_histories",
    metric="non_finite_values",
    high=0,
    reason="a history with a NaN or an infinity describes no solution of the equations",
    remedy="plan the run with a smaller dt or more points",
)
ENERGY_GROWTH = Gate(
    name="energy_growth_within_tolerance",
    metric="max_relative_energy_growth",
    high=1e-9,
    reason="energy beyond what the source of a held equilibrium feeds in is made by the scheme",
    remedy="plan the run with a smaller dt",
)
ENERGY_BUDGET = Gate(
    name="energy_budget_residual_within_tolerance",
    metric="max_energy_budget_residual",
    high=1e-9,
    reason="bracket cancellation and the signs of dissipation, over the whole run",
    remedy="plan the run with a smaller dt",
)
DIVERGENCE = Gate(
    name="magnetic_divergence_within_tolerance",
    metric="max_magnetic_divergence_linf",
    high=1e-9,
    reason="mistakes of derivatives and masks show in div B of the field that is multiplied",
)
STABILITY = Gate(
    name="time_step_stable_throughout",
    metric="max_stability_ratio",
    high=1.0,
    reason="beyond the limit of RK4 the smallest scales are amplified",
    remedy="plan the run with a smaller dt",
)
SPECTRAL_TAIL = Gate(
    name="spectral_tail_within_tolerance",
    metric="max_spectral_tail",
    high=1e-4,
    reason="energy near the cut-off means that the smallest structures are not resolved",
    remedy="plan the run with more points",
)
QUALITY = (FINITE, ENERGY_GROWTH, ENERGY_BUDGET, DIVERGENCE, STABILITY, SPECTRAL_TAIL)


def bounded(gates: Iterable[Gate], bounds: Mapping[str, float]) -> tuple[Gate, ...]:
    """The same gates with the upper bounds given by metric name; others keep their own."""
    return tuple(replace(gate, high=bounds.get(gate.metric, gate.high)) for gate in gates)


def quality_metrics(history: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """What the gates of `QUALITY` read, from the arrays of a history; None where one is absent.

    `max_relative_energy_growth` is the largest rise of the energy between two samples, less what
    the source fed in meanwhile, over the initial energy.
    """
    return {
        "non_finite_values": float(sum(_not_finite(values) for values in history.values())),
        "max_relative_energy_growth": _energy_growth(history),
        "max_energy_budget_residual": _largest(history, "dissipation_budget_residual"),
        "max_magnetic_divergence_linf": _largest(history, "magnetic_divergence_linf"),
        "max_stability_ratio": _largest(history, "stability_ratio"),
        "max_spectral_tail": _largest(history, "spectral_tail"),
    }


def _not_finite(values: np.ndarray) -> int:
    if values.dtype.kind not in "fciu":
        return 0
    return int(values.size - np.isfinite(values).sum())


def _largest(history: Mapping[str, np.ndarray], name: str) -> float | None:
    values = history.get(name)
    return None if values is None or not len(values) else float(np.max(values))


def _energy_growth(history: Mapping[str, np.ndarray]) -> float | None:
    energy, injected = history.get("total_energy"), history.get("injected_energy")
    if energy is None or injected is None or not len(energy):
        return None
    if len(energy) == 1:
        return 0.0
    net = np.diff(energy) - np.diff(injected)
    scale = abs(float(energy[0])) or 1.0
    return max(0.0, float(np.max(net)) / scale)
