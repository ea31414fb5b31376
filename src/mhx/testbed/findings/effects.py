"""What each design of a testbed says of its axes: one part of the analysis.

    one_at_a_time   per metric and axis: effects against the reference case, ranked by swing
    grids           main effects and two-way interactions of a full grid, with shares of variance
    samples         ensemble, rank correlation, standardised regression, first-order Sobol indices
    seeds           spread over random seeds and ensemble, per group of equal other coordinates

Axes of logarithmic scale or distribution enter the regression as ln x; ranks do not care.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from mhx.evidence.statistics import (
    ensemble,
    first_order_sobol,
    mean,
    regression,
    spearman,
    spread,
    standardised,
)
from mhx.testbed.findings.selection import Known, Matrix, group_text, groups, number, position, same


def of_designs(known: Matrix, metrics: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The entries of every design, by kind, in the order of the plan."""
    found: dict[str, list[dict[str, Any]]] = {
        "one_at_a_time": [],
        "grids": [],
        "samples": [],
        "seeds": [],
    }
    for design in known.designs.values():
        cases = [case for case in known.cases if case.design == design["id"]]
        if not cases:
            continue
        for metric in metrics:
            match design.get("kind"):
                case "one_at_a_time":
                    found["one_at_a_time"].append(_tornado(known, design, cases, metric))
                case "grid" if len(design.get("axes") or ()) > 1:
                    found["grids"].append(_grid(design, cases, metric))
                case "latin_hypercube" | "sobol":
                    found["samples"].append(_sample(known, design, cases, metric))
                case "seeds":
                    found["seeds"] += _seeds(known, design, cases, metric)
    return found


def used(cases: Iterable[Known], metric: str) -> tuple[list[Known], list[dict[str, str]]]:
    """Cases with a value, and the others with the reason why they have none."""
    good: list[Known] = []
    bad: list[dict[str, str]] = []
    for case in cases:
        if case.value(metric) is None:
            bad.append({"case_id": case.id, "why": case.lack(metric)})
        else:
            good.append(case)
    return good, bad


def value(case: Known, metric: str) -> float:
    """The value of a case that has one."""
    found = case.value(metric)
    if found is None:
        raise ValueError(f"{case.id} has no {metric}")
    return found


def _entry(design: Mapping[str, Any], metric: str, cases: Sequence[Known]) -> dict[str, Any]:
    good, bad = used(cases, metric)
    return {
        "design": design["id"],
        "metric": metric,
        "n": len(good),
        "cases": [case.id for case in good],
        "not_used": bad,
    }


def _tornado(
    known: Matrix, design: Mapping[str, Any], cases: Sequence[Known], metric: str
) -> dict[str, Any]:
    entry = _entry(design, metric, cases)
    good, _ = used(cases, metric)
    axes = list(design.get("axes") or ())
    centre = [
        case
        for case in good
        if all(same(case.coordinates.get(axis), known.reference(axis)) for axis in axes)
    ]
    if not centre:
        return {**entry, "reference": None, "effects": [], "why": "the reference has no value"}
    base = value(centre[0], metric)
    effects = []
    for axis in axes:
        on, _ = known.along(good, axis)
        moved = [(position(case, axis), value(case, metric)) for case in on]
        if len(moved) < 2:
            effects.append({"axis": axis, "swing": None, "why": "no other case has a value"})
            continue
        values = [found for _, found in moved]
        (low_at, low), (high_at, high) = min(moved, key=_second), max(moved, key=_second)
        effects.append(
            {
                "axis": axis,
                "smallest": low,
                "smallest_at": low_at,
                "largest": high,
                "largest_at": high_at,
                "smallest_change": number(low - base),
                "largest_change": number(high - base),
                "swing": number(max(values) - min(values)),
                "n": len(moved),
            }
        )
    effects.sort(key=lambda effect: -(effect["swing"] or 0.0))
    return {**entry, "reference": centre[0].id, "reference_value": base, "effects": effects}


def _second(pair: tuple[Any, float]) -> float:
    return pair[1]


def _grid(design: Mapping[str, Any], cases: Sequence[Known], metric: str) -> dict[str, Any]:
    entry = _entry(design, metric, cases)
    good, _ = used(cases, metric)
    axes = list(design["axes"])
    if not good:
        return {**entry, "main_effects": [], "interactions": [], "why": "no case has a value"}
    values = [value(case, metric) for case in good]
    middle = mean(values)
    found_levels = {axis: _levels(good, axis) for axis in axes}
    places = {tuple(_key(case, axis) for axis in axes) for case in good}
    wanted = math.prod(map(len, found_levels.values()))
    complete = wanted == len(good) == len(places)
    unit = standardised(values) if complete else None  # squares of these sum up to 1
    main = {axis: _means(good, (axis,), values) for axis in axes}
    entry |= {
        "mean": middle,
        "balanced": complete,
        "main_effects": [
            {
                "axis": axis,
                "levels": found_levels[axis],
                "effects": [number(m - middle) for _, m, _ in main[axis].values()],
                "n": [n for _, _, n in main[axis].values()],
                "share": None if unit is None else _share(_means(good, (axis,), unit)),
            }
            for axis in axes
        ],
    }
    if not complete:
        why = "not every combination has a value: levels are means over different combinations"
        return {**entry, "interactions": [], "why": why}
    pairs = combinations(axes, 2)
    return {**entry, "interactions": [_interaction(good, p, values, unit) for p in pairs]}


Means = dict[tuple[Any, ...], tuple[tuple[Any, ...], float, int]]


def _interaction(
    good: Sequence[Known],
    pair: tuple[str, str],
    values: Sequence[float],
    unit: Sequence[float] | None,
) -> dict[str, Any]:
    cells = [
        {"levels": list(shown), "effect": number(effect)}
        for shown, effect, _ in _left_over(good, pair, values)
    ]
    share = None
    if unit is not None:
        share = math.fsum(n * effect * effect for _, effect, n in _left_over(good, pair, unit))
    return {"axes": list(pair), "cells": cells, "share": share}


def _left_over(
    good: Sequence[Known], pair: tuple[str, str], values: Sequence[float]
) -> list[tuple[tuple[Any, ...], float, int]]:
    """What the means of a pair of levels hold beyond those of each level."""
    one, other = (_means(good, (axis,), values) for axis in pair)
    middle = mean(values)
    return [
        (shown, found - one[key[:1]][1] - other[key[1:]][1] + middle, n)
        for key, (shown, found, n) in _means(good, pair, values).items()
    ]


def _levels(cases: Iterable[Known], axis: str) -> list[Any]:
    return list({_key(case, axis): case.coordinates.get(axis) for case in cases}.values())


def _key(case: Known, axis: str) -> Any:
    found = case.coordinates.get(axis)
    return str(found).lower() if isinstance(found, bool) else found


def _means(cases: Sequence[Known], axes: Sequence[str], values: Sequence[float]) -> Means:
    """Per combination of levels: the levels, the mean of the values, their number."""
    found: dict[tuple[Any, ...], list[tuple[Known, float]]] = {}
    for case, one_value in zip(cases, values, strict=True):
        key = tuple(_key(case, axis) for axis in axes)
        found.setdefault(key, []).append((case, one_value))
    return {
        key: (
            tuple(members[0][0].coordinates.get(axis) for axis in axes),
            mean([one_value for _, one_value in members]),
            len(members),
        )
        for key, members in found.items()
    }


def _share(means: Means) -> float:
    """Part of a sum of squares of 1 that the levels explain."""
    return math.fsum(n * found * found for _, found, n in means.values())


def _sample(
    known: Matrix, design: Mapping[str, Any], cases: Sequence[Known], metric: str
) -> dict[str, Any]:
    entry = _entry(design, metric, cases)
    good, _ = used(cases, metric)
    if not good:
        return {**entry, "ensemble": None, "axes": [], "why": "no case has a value"}
    y = [value(case, metric) for case in good]
    axes = list(design.get("axes") or ())
    columns = [[number(case.coordinates.get(axis)) for case in good] for axis in axes]
    whole = [[x for x in column if x is not None] for column in columns]
    entry["ensemble"] = _ensemble(y)
    if any(len(column) < len(good) for column in whole):
        return {**entry, "axes": [], "why": "an axis holds values that are no numbers"}
    logs = [_is_log(known.axes.get(axis, {}), x) for axis, x in zip(axes, whole, strict=True)]
    sides = [[math.log(v) for v in x] if log else x for x, log in zip(whole, logs, strict=True)]
    fitted = regression(sides, y) if sides else "no axis"
    told = isinstance(fitted, str)
    entry["axes"] = [
        {
            "axis": axis,
            "n": len(good),
            "spearman": spearman(x, y),
            "regression": None if isinstance(fitted, str) else number(fitted.coefficients[n]),
            "transform": "ln" if logs[n] else "",
        }
        for n, (axis, x) in enumerate(zip(axes, whole, strict=True))
    ]
    entry["ranked"] = [
        line["axis"]
        for line in sorted(entry["axes"], key=lambda line: -abs(line["spearman"] or 0.0))
    ]
    entry["r_squared"] = None if isinstance(fitted, str) else fitted.r_squared
    if told:
        entry["regression_why"] = fitted
    if design.get("kind") == "sobol":
        entry |= _sobol(design, axes, whole, y)
    return entry


def _sobol(
    design: Mapping[str, Any],
    axes: Sequence[str],
    columns: Sequence[Sequence[float]],
    y: Sequence[float],
) -> dict[str, Any]:
    count = int(design.get("count") or len(y))
    found = {axis: first_order_sobol(x, y, count) for axis, x in zip(axes, columns, strict=True)}
    reasons = [text for text in found.values() if isinstance(text, str)]
    shares = {axis: None if isinstance(s, str) else number(s) for axis, s in found.items()}
    entry: dict[str, Any] = {"first_order": shares, "rest": None}
    if reasons:
        return {**entry, "first_order_why": reasons[0]}
    known = [share for share in shares.values() if share is not None]
    return {**entry, "rest": 1 - math.fsum(known), "rest_is": "interactions and estimation error"}


def _is_log(axis: Mapping[str, Any], x: Sequence[float]) -> bool:
    wanted = axis.get("scale") == "log" or axis.get("distribution") == "loguniform"
    return wanted and min(x) > 0


def _seeds(
    known: Matrix, design: Mapping[str, Any], cases: Sequence[Known], metric: str
) -> list[dict[str, Any]]:
    found = []
    for key, members in groups(cases, known.seed_keys).items():
        entry = {**_entry(design, metric, members), "group": group_text(key)}
        good, _ = used(members, metric)
        if not good:
            found.append({**entry, "spread": None, "ensemble": None, "why": "no case has a value"})
            continue
        y = [value(case, metric) for case in good]
        table = {
            name: [number(side) for side in part] if isinstance(part, tuple) else part
            for name, part in vars(spread(y)).items()
        }
        found.append({**entry, "spread": table, "ensemble": _ensemble(y)})
    return found


def _ensemble(y: Sequence[float]) -> dict[str, Any]:
    found = ensemble(y)
    return {**vars(found), "edges": list(found.edges), "counts": list(found.counts)}
