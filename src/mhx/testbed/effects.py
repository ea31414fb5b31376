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
)
from mhx.testbed.selection import Known, Matrix, group_text, groups, number, position, same


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
    total = math.fsum((found - middle) ** 2 for found in values)
    found_levels = {axis: _levels(good, axis) for axis in axes}
    complete = (
        math.prod(map(len, found_levels.values()))
        == len(good)
        == len({tuple(_key(case, axis) for axis in axes) for case in good})
    )
    main = {axis: _means(good, (axis,), metric) for axis in axes}
    entry |= {
        "mean": middle,
        "balanced": complete,
        "main_effects": [
            {
                "axis": axis,
                "levels": found_levels[axis],
                "effects": [number(m - middle) for _, m, _ in main[axis].values()],
                "n": [n for _, _, n in main[axis].values()],
                "share": _share(main[axis].values(), middle, total) if complete else None,
            }
            for axis in axes
        ],
    }
    if not complete:
        why = "not every combination has a value: levels are means over different combinations"
        return {**entry, "interactions": [], "why": why}
    return {**entry, "interactions": [
        _interaction(good, pair, metric, (main, middle, total)) for pair in combinations(axes, 2)
    ]}  # fmt: skip


Means = dict[tuple[Any, ...], tuple[tuple[Any, ...], float, int]]


def _interaction(
    good: Sequence[Known],
    pair: tuple[str, str],
    metric: str,
    about: tuple[Mapping[str, Means], float, float],
) -> dict[str, Any]:
    main, middle, total = about
    first, second = pair
    table = []
    square = 0.0
    for key, (shown, found, n) in _means(good, pair, metric).items():
        effect = found - main[first][key[:1]][1] - main[second][key[1:]][1] + middle
        square += n * effect * effect
        table.append({"levels": list(shown), "effect": number(effect)})
    share = number(square / total) if total else None
    return {"axes": [first, second], "cells": table, "share": share}


def _levels(cases: Iterable[Known], axis: str) -> list[Any]:
    return list({_key(case, axis): case.coordinates.get(axis) for case in cases}.values())


def _key(case: Known, axis: str) -> Any:
    found = case.coordinates.get(axis)
    return str(found).lower() if isinstance(found, bool) else found


def _means(cases: Sequence[Known], axes: Sequence[str], metric: str) -> Means:
    """Per combination of levels: the levels, the mean, the number of cases."""
    found: dict[tuple[Any, ...], list[Known]] = {}
    for case in cases:
        found.setdefault(tuple(_key(case, axis) for axis in axes), []).append(case)
    return {
        key: (
            tuple(members[0].coordinates.get(axis) for axis in axes),
            mean([value(case, metric) for case in members]),
            len(members),
        )
        for key, members in found.items()
    }


def _share(
    means: Iterable[tuple[tuple[Any, ...], float, int]], middle: float, total: float
) -> float | None:
    """Part of the sum of squares that the levels explain; None without variance."""
    if not total:
        return None
    return number(math.fsum(n * (found - middle) ** 2 for _, found, n in means) / total)


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
