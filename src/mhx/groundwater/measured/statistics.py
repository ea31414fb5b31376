"""Residual statistics of measured values, per quantity.

With r = simulated - observed, o observed and weights w, over rows with w > 0 and a simulated value:
bias = sum w r / sum w, rmse = sqrt(sum w r^2 / sum w), scaled by the range of o,
r2 = 1 - sum w r^2 / sum w (o - mean o)^2 with the weighted mean.  A statistic that does not exist
is NaN, and told as no number: nothing counted, or no two observed values that differ.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mhx.evidence.gates import Gate
from mhx.groundwater.measured.simulated import Pair
from mhx.groundwater.measured.vocabulary import OBSERVED, UNITS

SHOWN = 20  # rows that a note names before it counts the rest


def statistics(pairs: Sequence[Pair]) -> dict[str, float]:
    """`observation_metrics.*` without the prefix, of the quantities that were measured."""
    found: dict[str, float] = {}
    for quantity, of_it in by_quantity(pairs).items():
        ending, _ = UNITS[quantity]
        named = {"bias": f"bias_{ending}", "rmse": f"rmse_{ending}"}
        found |= {
            f"{quantity}_{named.get(name, name)}": value for name, value in _moments(of_it).items()
        }
        worst = worst_of(of_it)
        found[f"{quantity}_worst_residual_{ending}"] = worst.residual if worst else math.nan
        for name, series in by_id(of_it).items():
            found[f"obs_{name}_residual_{ending}"] = _residual(series)
    return found


def notes(pairs: Sequence[Pair]) -> dict[str, str]:
    """`notes.observation.*`: which value lies farthest off, and which have no simulated one."""
    found: dict[str, str] = {}
    for quantity, of_it in by_quantity(pairs).items():
        if (worst := worst_of(of_it)) is not None:
            found[f"observation.{quantity}_worst"] = named(worst)
        dry = [named(pair) for pair in of_it if pair.missing]
        if dry:
            more = f" and {len(dry) - SHOWN} more" if len(dry) > SHOWN else ""
            found[f"observation.{quantity}_missing"] = ", ".join(dry[:SHOWN]) + more
    return found


def gates(pairs: Sequence[Pair]) -> Iterator[Gate]:
    """One for each quantity: every measured value has a simulated one."""
    for quantity in by_quantity(pairs):
        yield Gate(
            name=f"every_measured_{quantity}_has_a_simulated_one",
            metric=f"{OBSERVED}{quantity}_n_missing",
            low=0,
            high=0,
            reason="a dry cell has no head: leaving it out would make the fit look better than it "
            "is",
            remedy="see notes.observation.head_missing; deepen the layers there, or give these "
            "rows weight = 0",
        )


def worst_of(pairs: Sequence[Pair]) -> Pair | None:
    """The counted pair whose residual weighs most."""
    counted = [pair for pair in pairs if pair.counted]
    return max(
        counted, key=lambda pair: abs(pair.residual) * math.sqrt(pair.row.weight), default=None
    )


def by_quantity(pairs: Sequence[Pair]) -> Mapping[str, list[Pair]]:
    """head before flow, those that were measured."""
    kinds = {quantity: [p for p in pairs if p.row.quantity == quantity] for quantity in UNITS}
    return {quantity: of_it for quantity, of_it in kinds.items() if of_it}


def by_id(pairs: Sequence[Pair]) -> Mapping[str, list[Pair]]:
    """The pairs of each id, in order of their first."""
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(pair.row.id, []).append(pair)
    return found


def named(pair: Pair) -> str:
    """The id, with the time of a series."""
    return pair.row.id if pair.time_d is None else f"{pair.row.id} at {pair.time_d:.6g} d"


def _moments(pairs: Sequence[Pair]) -> dict[str, float]:
    counted = [pair for pair in pairs if pair.counted]
    found = {
        "n": float(len(counted)),
        "n_missing": float(sum(pair.missing for pair in pairs)),
        **dict.fromkeys(("bias", "rmse", "scaled_rmse", "r2"), math.nan),
    }
    if not counted:
        return found
    residual = np.array([pair.residual for pair in counted])
    observed = np.array([pair.row.value for pair in counted])
    weight = np.array([pair.row.weight for pair in counted])
    weight = weight / weight.max()  # only their ratios matter; squares of small spreads overflow
    squares = float(weight @ residual**2)
    found["bias"] = float(weight @ residual / weight.sum())
    found["rmse"] = math.sqrt(squares / weight.sum())
    extent = float(np.ptp(observed))
    if extent > 0:
        mean = float(weight @ observed / weight.sum())
        found["scaled_rmse"] = found["rmse"] / extent
        found["r2"] = 1 - squares / float(weight @ (observed - mean) ** 2)
    return found


def _residual(series: Sequence[Pair]) -> float:
    there = [pair.residual for pair in series if not math.isnan(pair.simulated)]
    if not there:
        return math.nan
    return there[0] if len(series) == 1 else math.sqrt(sum(r * r for r in there) / len(there))
