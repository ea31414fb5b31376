"""What the cases of a testbed say together: ranges, trends, effects, ensembles, refinement.

Made from the plan and the rows of the metrics alone, so that it can be made again from stored
files.  Every entry names the cases it used and those it could not use, and why.  Columns of text
and durations are left out: the first have no differences, the second are no property of the model.

    ranges          per metric: the extremes and the cases that show them
    trends          per metric, axis and group of equal other coordinates: differences to the
                    reference, elasticities d ln m/d ln x by central differences
    refinement      the numbers of an order check, declared or not
    one_at_a_time, grids, samples, seeds    by design: see `effects.py`

Relative differences are to the absolute value of the reference, so they keep their sign.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mhx.evidence.convergence import algebraic, spectral
from mhx.evidence.schemas import TESTBED_ANALYSIS
from mhx.testbed.findings import effects
from mhx.testbed.findings.ladders import count_of, ladder, numbers_of
from mhx.testbed.findings.selection import (
    Known,
    Matrix,
    group_text,
    groups,
    matrix,
    metric_names,
    number,
    position,
    same,
)

SAMPLED = frozenset({"latin_hypercube", "sobol"})
_NO_NUMBERS = frozenset({"text", "duration"})


def analyse(
    plan: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    contract: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The content of testbed_analysis.json; pure and repeatable.

    contract: columns with unit and kind (`metric_contract` of the manifest); else the plan's.
    """
    known = matrix(plan, rows)
    table = contract if contract is not None else plan.get("metrics") or ()
    about = {column["name"]: column for column in table}
    metrics = [
        name
        for name in (list(about) or metric_names(plan, rows))
        if about.get(name, {}).get("kind") not in _NO_NUMBERS
    ]
    return {
        "schema": TESTBED_ANALYSIS,
        "testbed_id": plan.get("testbed_id"),
        "plan_digest": plan.get("plan_digest"),
        "units": {name: about.get(name, {}).get("unit") or "" for name in metrics},
        "ranges": [_range(known, metric) for metric in metrics],
        "trends": [entry for axis in known.axes for entry in _trends(known, axis, metrics)],
        "refinement": [
            entry for axis in known.axes for entry in _refinement(plan, known, axis, metrics)
        ],
        **effects.of_designs(known, metrics),
    }


def _range(known: Matrix, metric: str) -> dict[str, Any]:
    cases, not_used = effects.used(known.cases, metric)
    entry: dict[str, Any] = {
        "metric": metric,
        "n": len(cases),
        "cases": [case.id for case in cases],
        "not_used": not_used,
    }
    values = [(case.value(metric), case.id) for case in cases]
    numbers = [(value, name) for value, name in values if value is not None]
    if numbers:
        (low, least), (high, most) = min(numbers), max(numbers)
        entry |= {"smallest": low, "smallest_case": least, "largest": high, "largest_case": most}
    return entry


def _trends(known: Matrix, axis: str, metrics: Sequence[str]) -> list[dict[str, Any]]:
    drawn = {name for name, design in known.designs.items() if design.get("kind") in SAMPLED}
    cases, _ = known.along([case for case in known.cases if case.design not in drawn], axis)
    parts = groups(cases, lambda case: (axis,))
    found = []
    for key, members in parts.items():
        places = [(known.ordinal(case, axis), n, case) for n, case in enumerate(members)]
        lost = [{"case_id": case.id, "why": f"no place on {axis}"}
                for place, _, case in places if place is None]  # fmt: skip
        placed = sorted((place, n, case) for place, n, case in places if place is not None)
        if len({place for place, _, _ in placed}) < 2:
            continue
        ordered = [case for _, _, case in placed]
        found += [_trend(known, axis, key, ordered, (metric, lost)) for metric in metrics]
    return [entry for entry in found if len(entry["cases"]) > 1]


def _trend(
    known: Matrix,
    axis: str,
    key: Sequence[tuple[str, Any]],
    ordered: Sequence[Known],
    about: tuple[str, list[dict[str, str]]],
) -> dict[str, Any]:
    metric, lost = about
    cases, not_used = effects.used(ordered, metric)
    x = [position(case, axis) for case in cases]
    y = [effects.value(case, metric) for case in cases]
    wanted = known.reference(axis)
    centre = next((n for n, place in enumerate(x) if same(place, wanted)), None)
    base = None if centre is None else y[centre]
    table = known.axes[axis]
    apart = [None if base is None else number(value - base) for value in y]
    return {
        "metric": metric,
        "axis": axis,
        "unit": table.get("unit") or "",
        "scale": table.get("scale") or "linear",
        "group": group_text(key),
        "reference": None if centre is None else cases[centre].id,
        "cases": [case.id for case in cases],
        "not_used": [*lost, *not_used],
        "x": x,
        "y": y,
        "smallest": min(y, default=None),
        "largest": max(y, default=None),
        "difference": apart,
        "relative_difference": [
            number(change / abs(base)) if change is not None and base else None for change in apart
        ],
        "elasticity": _elasticities(x, y),
        "elasticity_overall": _slope(x, y, 0, len(x) - 1),
    }


def _elasticities(x: Sequence[Any], y: Sequence[float]) -> list[float | None]:
    """d ln y/d ln x between the neighbours of each point; None at the ends."""
    inner = (_slope(x, y, n - 1, n + 1) for n in range(1, len(x) - 1))
    return [None, *inner, None] if len(x) > 1 else [None] * len(x)


def _slope(x: Sequence[Any], y: Sequence[float], first: int, last: int) -> float | None:
    ends = [number(x[first]), number(x[last]), y[first], y[last]] if last > first else [None]
    positive = [end for end in ends if end is not None and end > 0]
    if len(positive) < 4 or positive[0] == positive[1]:
        return None
    run = math.log(positive[1]) - math.log(positive[0])
    return number((math.log(positive[3]) - math.log(positive[2])) / run)


def _refinement(
    plan: Mapping[str, Any], known: Matrix, axis: str, metrics: Sequence[str]
) -> list[dict[str, Any]]:
    if not known.axes[axis].get("refines"):
        return []
    cases, _ = known.along(known.cases, axis)
    found = []
    for key, members in groups(cases, lambda case: (axis,)).items():
        if len(members) < 3:
            continue
        for metric in metrics:
            found.append(_ladder_entry(plan, known, axis, (metric, group_text(key), members)))
    return found


def _ladder_entry(
    plan: Mapping[str, Any],
    known: Matrix,
    axis: str,
    about: tuple[str, str, Sequence[Known]],
) -> dict[str, Any]:
    metric, group, members = about
    with_value, not_used = effects.used(members, metric)
    declared = [
        check
        for check in plan.get("checks") or ()
        if check["kind"] == "order" and check["metric"] == metric and check.get("axis") == axis
    ]
    check = declared[0] if declared else {}
    entry: dict[str, Any] = {
        "metric": metric,
        "axis": axis,
        "group": group,
        "formal_order": check.get("formal_order"),
        "cases": [case.id for case in with_value],
        "not_used": not_used,
    }
    grids = ladder(known, with_value, metric, axis, None)
    if isinstance(grids, str):
        return {**entry, "why": grids}
    sizes = sorted(grids)
    entry |= {"h": sizes, "f": [grids[size] for size in sizes]}
    if len(sizes) < 3:
        return {**entry, "why": f"{len(sizes)} grids, three at least are needed"}
    order = algebraic(sizes, entry["f"], check.get("formal_order"), check.get("noise") or 0.0)
    entry["numbers"] = numbers_of(order)
    if check.get("method") == "spectral":
        counts = [count_of(size) for size in sizes]
        entry["decay"] = numbers_of(spectral(counts, entry["f"], check.get("noise") or 0.0))
    return entry
