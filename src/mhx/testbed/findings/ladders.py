"""Refinement ladders of a testbed: sizes from an axis or a metric, numbers and verdict of 11.1."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mhx.evidence.convergence import Decay, Order, algebraic, spectral
from mhx.evidence.gates import Verdict
from mhx.evidence.order_verdicts import OrderBounds, judged, judged_decay
from mhx.evidence.statistics import deviation
from mhx.testbed.findings.selection import Known, Matrix, number, position

Judged = tuple[Verdict, str, float | None, Mapping[str, Any]]


def judge_ladder(
    check: Mapping[str, Any],
    known: Matrix,
    members: Sequence[Known],
    parts: Mapping[Any, Sequence[Known]],
) -> Judged:
    """Verdict, words, observed order (or rate) and numbers of an `order` check in one group.

    parts: all groups of the check; those that differ from this one in their seed alone say how far
    seeds differ.
    """
    metric = check["metric"]
    h = known.column(check["h"]) if check.get("h") else None
    grids = ladder(known, members, metric, check.get("axis"), h)
    if isinstance(grids, str):
        return Verdict.UNKNOWN, grids, None, {}
    sizes, values = list(grids), list(grids.values())
    if len(sizes) < 3:
        return Verdict.UNKNOWN, f"{len(sizes)} grids, three at least are needed", None, {
            "grids": len(sizes)
        }  # fmt: skip
    bounds = OrderBounds(
        formal=check.get("formal_order"),
        tolerance=check.get("order_tolerance"),
        max_uncertainty=check.get("max_uncertainty"),
        noise=check.get("noise") or 0.0,
        seed_std=seed_deviation(check, known, members, parts, sorted(sizes)[:3]),
    )
    seeds = {} if bounds.seed_std is None else {"seed_std": bounds.seed_std}
    if check.get("method") == "spectral":
        decay = spectral([count_of(size) for size in sizes], values, bounds.noise)
        verdict, text = judged_decay(decay, bounds)
        return verdict, text, decay.rate, {**numbers_of(decay), **seeds}
    order = algebraic(sizes, values, bounds.formal, bounds.noise)
    verdict, text = judged(order, bounds)
    return verdict, text, order.order, {**numbers_of(order), **seeds}


def ladder(
    known: Matrix, members: Sequence[Known], metric: str, axis: str | None, h: str | None
) -> dict[float, float] | str:
    """Size of the grid -> value, as far as there are values; the reason where sizes are wrong."""
    found: dict[float, float] = {}
    owner: dict[float, str] = {}
    for case in members:
        value = case.value(metric)
        if value is None:
            continue
        size = _size(known, case, axis, h)
        if size is None:
            place = position(case, axis) if axis and not h else case.row.get(h or "")
            return f"{case.id} has no size of its grid: {place!r}"
        if found.setdefault(size, value) != value:
            return f"{owner[size]} and {case.id} have one size and two values"
        owner.setdefault(size, case.id)
    if found and not math.isfinite(max(found.values()) - min(found.values())):
        return "the values are too large for their differences to be numbers"
    return found


def numbers_of(found: Order | Decay) -> dict[str, Any]:
    """The numbers as a plain table, None for what is not finite."""
    table: dict[str, Any] = {}
    for key, value in vars(found).items():
        if key == "fit":
            table[key] = None if value is None else {k: number(v) for k, v in vars(value).items()}
        elif isinstance(value, tuple):
            table[key] = [number(entry) for entry in value]
        else:
            table[key] = number(value) if isinstance(value, float) else value
    return table


def seed_deviation(
    check: Mapping[str, Any],
    known: Matrix,
    members: Sequence[Known],
    parts: Mapping[Any, Sequence[Known]],
    finest: Sequence[float],
) -> float | None:
    """Largest standard deviation between seeds on the finest grids; None for fewer than two."""
    if not any(known.seed_keys(case) for case in members):
        return None
    axis = check.get("axis")
    h = known.column(check["h"]) if check.get("h") else None
    here = _without_seed(known, members[0], axis)
    found: dict[float, list[float]] = {}
    for part in parts.values():
        if _without_seed(known, part[0], axis) != here:
            continue
        for case in part:
            size, value = _size(known, case, axis, h), case.value(check["metric"])
            if size is not None and value is not None:
                found.setdefault(size, []).append(value)
    spreads = [deviation(found[size]) for size in finest if len(found.get(size, ())) > 1]
    return max((s for s in spreads if s is not None), default=None)


def _without_seed(known: Matrix, case: Known, axis: str | None) -> dict[str, Any]:
    left_out = known.seed_keys(case) | {axis}
    return {key: value for key, value in case.coordinates.items() if key not in left_out}


def _size(known: Matrix, case: Known, axis: str | None, h: str | None) -> float | None:
    """h of a case: the metric, or its place on the axis, inverted where that counts."""
    if h:
        size = number(case.row.get(h))
        return size if size is not None and size > 0 else None
    place = number(position(case, axis)) if axis else None
    if place is None or place <= 0:
        return None
    return 1 / place if known.axes.get(axis or "", {}).get("refines") == "count" else place


def count_of(size: float) -> float:
    """N = 1/h, whole where rounding alone keeps it from it."""
    count = 1 / size
    return float(round(count)) if abs(count - round(count)) <= 1e-12 * count else count
