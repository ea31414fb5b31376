"""A method against the reference, value by value: matched, subtracted, told in six numbers.

A difference is the method's value less the reference's: a positive bias is too high.  Values are
matched by time and index; what finds no partner is counted, on either side, and listed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mhx.groundwater.comparison.observables import SAME_TIME, Values
from mhx.groundwater.grid import Floats, Ids

STATISTICS = (
    "n_pairs",
    *("bias", "mae", "rmse", "max_abs_error", "mean_relative_error"),
)


@dataclass(frozen=True, kw_only=True)
class Matched:
    """A method and the reference where both have a value.

    at: (p, 2) step and index of each pair in the method's values.  value, reference: (p,).
    weights: (p,).  alone, reference_alone: (u, 2) values of either without a partner, likewise.
    why: what is missing, in words.
    """

    simulation: str
    of: Values
    reference_of: Values
    at: Ids
    value: Floats
    reference: Floats
    weights: Floats
    alone: Ids
    reference_alone: Ids
    why: tuple[str, ...]

    @property
    def n_unmatched(self) -> int:
        """Values without a partner, of both."""
        return len(self.alone) + len(self.reference_alone)

    @property
    def difference(self) -> Floats:
        """(p,) value less reference."""
        return self.value - self.reference


def match(values: Values, reference: Values) -> Matched:
    """Pair the values of a method with those of the reference."""
    steps = list(_steps(values.time_d, reference.time_d))
    width = min(values.values.shape[1], reference.values.shape[1])
    at, ours, theirs = [], [], []
    mine_left, other_left = np.isfinite(values.values), np.isfinite(reference.values)
    for mine, other in steps:
        one, two = values.values[mine, :width], reference.values[other, :width]
        index = np.flatnonzero(np.isfinite(one) & np.isfinite(two))
        mine_left[mine, index] = other_left[other, index] = False
        at.append(np.column_stack([np.full(index.size, mine), index]))
        ours.append(one[index])
        theirs.append(two[index])
    pairs = np.concatenate(at) if at else np.empty((0, 2), np.int64)
    why = [f"{values.simulation}: {text}" for text in values.missing]
    why += [f"{reference.simulation}: {text}" for text in reference.missing]
    if len(steps) < max(len(values.time_d), len(reference.time_d)):
        why.append(
            f"{len(steps)} of the times are in both: {len(values.time_d)} in {values.simulation}, "
            f"{len(reference.time_d)} in {reference.simulation}"
        )
    return Matched(
        simulation=values.simulation,
        of=values,
        reference_of=reference,
        at=pairs,
        value=np.concatenate(ours) if ours else np.empty(0),
        reference=np.concatenate(theirs) if theirs else np.empty(0),
        weights=values.weights[pairs[:, 1]],
        alone=np.argwhere(mine_left),
        reference_alone=np.argwhere(other_left),
        why=tuple(dict.fromkeys(why)),
    )


def _steps(times: Floats, reference: Floats) -> Iterator[tuple[int, int]]:
    """Positions of equal times in both, each used once."""
    if not (times.size and reference.size):
        return
    slack = SAME_TIME * max(float(reference[-1]), float(times[-1]), 0.0)
    nearest = np.abs(times[:, None] - reference[None, :]).argmin(axis=1).tolist()
    used: set[int] = set()
    for mine, other in enumerate(nearest):
        if abs(times[mine] - reference[other]) <= slack and other not in used:
            used.add(other)
            yield mine, other


def statistics(found: Matched) -> dict[str, float]:
    """`STATISTICS` of the pairs, weighted; NaN without a pair.

    mean_relative_error: mean of abs(difference/reference) where the reference is not 0.
    """
    difference, weights = found.difference, found.weights
    total = float(weights.sum())
    if not difference.size or total <= 0:
        return {"n_pairs": 0, **dict.fromkeys(STATISTICS[1:], math.nan)}
    there = found.reference != 0
    size = np.abs(difference)
    relative = math.nan
    if there.any():
        shares = size[there] / np.abs(found.reference[there])
        relative = float(shares @ weights[there] / weights[there].sum())
    return {
        "n_pairs": int(difference.size),
        "bias": float(difference @ weights / total),
        "mae": float(size @ weights / total),
        "rmse": math.sqrt(float(difference**2 @ weights / total)),
        "max_abs_error": float(size.max()),
        "mean_relative_error": relative,
    }
