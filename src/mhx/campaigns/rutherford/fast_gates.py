"""The gates of a FAST run, on its files read back."""

from pathlib import Path

import numpy as np

from mhx.evidence import schemas
from mhx.evidence.claims import ClaimLevel
from mhx.evidence.gates import Gate
from mhx.evidence.store import read_json
from mhx.reconnection.arrays import read_arrays

LIMIT = 2.0  # [L/v_A]
TOLERANCE = 1e-10

GATES = (
    Gate(
        name="finite_histories",
        metric="non_finite_values",
        high=0,
        reason="a NaN compares with nothing",
        remedy="a smaller --dt",
    ),
    Gate(
        name="saved_initial_and_final_samples",
        metric="missing_end_samples",
        high=0,
        reason="change is told between the first and the last sample",
    ),
    Gate(
        name="duration_within_fast_limit",
        metric="t_end",
        high=LIMIT,
        reason="a longer run belongs into a campaign, with checkpoints and a plan",
        remedy="a shorter --t-end, or rutherford-plan-production",
    ),
    Gate(
        name="duration_flagged_below_production_template",
        metric="duration_fraction_of_template",
        high=np.nextafter(1.0, 0.0),
        reason="a run as long as a template must be planned",
        remedy="rutherford-plan-production",
    ),
    Gate(
        name="energy_growth_within_tolerance",
        metric="max_relative_energy_growth",
        high=TOLERANCE,
        reason="a decaying run cannot gain energy",
        remedy="a smaller --dt",
    ),
    Gate(
        name="magnetic_divergence_within_tolerance",
        metric="max_magnetic_divergence_linf",
        high=TOLERANCE,
        reason="mistakes of derivatives and masks; the largest of all samples",
    ),
    Gate(
        name="claim_level_is_not_production",
        metric="production_labels",
        high=0,
        reason="a tiny run claims nothing about nonlinear reconnection",
    ),
)


def measure(root: Path) -> dict[str, float | None]:
    """The metrics of the gates, computed from the stored histories."""
    told = read_json(root / "diagnostics.json", schemas.FAST_RUN)
    stored = read_arrays(root / "rutherford_fast_histories.npz", schemas.FAST_RUN, ("seed", "time"))
    arrays = {name: values for name, values in stored.items() if values.dtype.kind == "f"}
    time, energy = stored["time"], stored["total_energy"]
    growth = np.diff(energy, axis=1) / np.abs(energy[:, :1])
    ends = (time[0] != 0.0, abs(time[-1] - told["steps"] * told["dt"]) > 1e-9 * told["dt"])
    return {
        "non_finite_values": sum(int((~np.isfinite(values)).sum()) for values in arrays.values()),
        "missing_end_samples": sum(map(int, ends)),
        "t_end": float(time[-1]),
        "duration_fraction_of_template": float(time[-1]) / told["production_template_final_time"],
        "max_relative_energy_growth": float(growth.max(initial=0.0)),
        "max_magnetic_divergence_linf": float(stored["magnetic_divergence_linf"].max()),
        "production_labels": int(told["claim_level"] == ClaimLevel.PRODUCTION.value),
    }
