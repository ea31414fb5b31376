"""The declared checks of a testbed, judged from its plan and its metrics.

A check is unknown whenever a selected case is not ok or a value is missing: no case is dropped to
make it work.  Along an axis it is judged in every group of equal other coordinates, one row each;
the worst wins.  A row holds the value that decided, the declared bounds with their defaults, and in
`detail` the numbers behind it, so that the verdict can be computed again from the row alone.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mhx.evidence.gates import Verdict
from mhx.evidence.statistics import spread
from mhx.testbed.findings.ladders import judge_ladder
from mhx.testbed.findings.selection import (
    Known,
    Matrix,
    group_text,
    groups,
    matrix,
    number,
    position,
)

OWN_KEYS: Mapping[str, Mapping[str, Any]] = {
    "bounds": {"low": None, "high": None},
    "monotonic": {"direction": None, "strict": True, "noise": 0.0},
    "spread": {"max_cv": None, "max_half_width": None, "max_std": None, "min_n": 5},
    "difference": {
        "reference": None, "max_abs": None, "max_rel": None, "min_abs": None, "min_rel": None,
    },
    "order": {
        "method": "algebraic", "formal_order": None, "order_tolerance": None,
        "max_uncertainty": None, "noise": 0.0, "h": None,
    },
}  # fmt: skip
"""What each kind of check bounds, and the defaults; what is None is not declared."""

_WORST_FIRST = (Verdict.FAIL.value, Verdict.UNKNOWN.value, Verdict.PASS.value)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One verdict: the value that decided, why in words, and the numbers behind it."""

    verdict: Verdict
    text: str
    value: float | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)


def judge_checks(
    plan: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of testbed_checks.csv, in the order of the plan; numbers as numbers."""
    known = matrix(plan, rows)
    return [row for check in plan.get("checks") or () for row in _judged(check, known)]


def worst(rows: Iterable[Mapping[str, Any]], *, required: bool = True) -> str | None:
    """The worst verdict of the rows, of the required ones alone by default; None without any."""
    found = {row["verdict"] for row in rows if row["required"] or not required}
    return next((verdict for verdict in _WORST_FIRST if verdict in found), None)


def bound_of(check: Mapping[str, Any]) -> dict[str, Any]:
    """What a check bounds: its own keys, defaults filled in, what is not declared left out."""
    keys = OWN_KEYS[check["kind"]]
    found = {key: _or(check.get(key), default) for key, default in keys.items()}
    return {key: value for key, value in found.items() if value is not None}


def _judged(check: Mapping[str, Any], known: Matrix) -> Iterable[dict[str, Any]]:
    cases = known.selected(check.get("cases"), check.get("design"))
    off: list[Known] = []
    if check.get("axis"):
        cases, off = known.along(cases, check["axis"])
        if off and check.get("cases") is not None:  # named by hand: it may not be left out
            names = _listed(case.id for case in off)
            told = f"without a place on axis {check['axis']!r}: {names}"
            yield _row(check, "", [*cases, *off], Judgement(verdict=Verdict.UNKNOWN, text=told))
            return
    if not cases:
        told = f"no case has a place on axis {check['axis']!r}" if off else "no case is selected"
        elsewhere = {"elsewhere": [case.id for case in off]} if off else {}
        nothing = Judgement(verdict=Verdict.UNKNOWN, text=told, numbers=elsewhere)
        yield _row(check, "", cases, nothing)
        return
    parts = groups(cases, _apart(check, known))
    if check["kind"] in ("bounds", "difference"):
        parts = {(): cases}
    for key, members in parts.items():
        judgement = _judge_group(check, known, members, parts)
        row = _row(check, group_text(key), members, judgement)
        if off:
            row["detail"]["elsewhere"] = [case.id for case in off]
        yield row


def _apart(check: Mapping[str, Any], known: Matrix) -> Callable[[Known], Iterable[str]]:
    """Which coordinates may differ inside a group: the axis; for a spread the seeds."""
    if check["kind"] == "spread":
        return lambda case: known.seed_keys(case) or case.coordinates
    if check.get("axis"):
        return lambda case: (check["axis"],)
    refined = [name for name, axis in known.axes.items() if axis.get("refines")]
    return lambda case: refined or case.coordinates


def _judge_group(
    check: Mapping[str, Any],
    known: Matrix,
    members: Sequence[Known],
    parts: Mapping[Any, Sequence[Known]],
) -> Judgement:
    compared = list(members)
    if check["kind"] == "difference":
        found = [case for case in known.cases if case.id == check.get("reference")]
        compared = [*found, *(case for case in members if case.id != check.get("reference"))]
    lacking = [case for case in compared if case.value(check["metric"]) is None]
    if lacking:
        told = _listed(f"{case.id} ({case.lack(check['metric'])})" for case in lacking)
        text = f"{len(lacking)} of {len(compared)} cases without a value: {told}"
        return Judgement(
            verdict=Verdict.UNKNOWN, text=text, numbers={"missing": [case.id for case in lacking]}
        )
    match check["kind"]:
        case "bounds":
            return _bounds(check, members)
        case "monotonic":
            return _monotonic(check, known, members)
        case "spread":
            return _spread(check, members)
        case "difference":
            return _difference(check, compared)
    verdict, text, value, numbers = judge_ladder(check, known, members, parts)
    return Judgement(verdict=verdict, text=text, value=value, numbers=numbers)


def _bounds(check: Mapping[str, Any], members: Sequence[Known]) -> Judgement:
    low, high = check.get("low"), check.get("high")
    values = [(_value(case, check), case.id) for case in members]

    def margin(value: float) -> float:
        """How far inside the bounds; negative outside."""
        below = math.inf if low is None else value - float(low)
        return min(below, math.inf if high is None else float(high) - value)

    value, where = min(values, key=lambda entry: margin(entry[0]))
    outside = [name for found, name in values if not margin(found) >= 0]
    numbers = {
        "smallest": min(values)[0],
        "largest": max(values)[0],
        "case": where,
        "outside": outside,
    }
    if outside:
        text = f"{len(outside)} of {len(values)} values outside: {_listed(outside)}"
        return Judgement(verdict=Verdict.FAIL, text=text, value=value, numbers=numbers)
    text = f"{len(values)} values inside, {numbers['smallest']:.6g} .. {numbers['largest']:.6g}"
    return Judgement(verdict=Verdict.PASS, text=text, value=value, numbers=numbers)


def _monotonic(check: Mapping[str, Any], known: Matrix, members: Sequence[Known]) -> Judgement:
    axis, noise = check["axis"], _or(check.get("noise"), 0.0)
    levels: dict[float, list[Known]] = {}
    for case in members:
        place = known.ordinal(case, axis)
        if place is None:
            text = f"{case.id} has no known place on axis {axis!r}: {position(case, axis)!r}"
            return Judgement(verdict=Verdict.UNKNOWN, text=text)
        levels.setdefault(place, []).append(case)
    if len(levels) < 2:
        text = f"one value on axis {axis!r}, two at least are needed"
        return Judgement(verdict=Verdict.UNKNOWN, text=text, numbers={"levels": len(levels)})
    sign = 1 if check["direction"] == "increasing" else -1
    steps = []
    ordered = [levels[place] for place in sorted(levels)]
    for before, after in pairwise(ordered):
        pairs = [(sign * (_value(b, check) - _value(a, check)), a.id, b.id)
                 for a in before for b in after]  # fmt: skip
        steps.append(min(pairs))
    step, first, second = min(steps)
    strict = _or(check.get("strict"), True)
    holds = step > noise if strict else step >= -noise
    numbers = {"levels": len(levels), "from": first, "to": second}
    need = f"more than {noise:g}" if strict else f"at least {-noise:g}"
    text = (
        f"smallest step {check['direction']}: {step:.6g} from {first} to {second}, {need} is needed"
    )
    verdict = Verdict.PASS if holds else Verdict.FAIL
    return Judgement(verdict=verdict, text=text, value=step, numbers=numbers)


def _spread(check: Mapping[str, Any], members: Sequence[Known]) -> Judgement:
    found = spread([_value(case, check) for case in members])
    least = _or(check.get("min_n"), 5)
    bounds = {
        "cv": check.get("max_cv"),
        "half_width": check.get("max_half_width"),
        "std": check.get("max_std"),
    }
    declared = {name: bound for name, bound in bounds.items() if bound is not None}
    values = {name: getattr(found, name) for name in bounds}
    numbers = {**vars(found), "confidence": _pair(found.confidence),
               "prediction": _pair(found.prediction)}  # fmt: skip
    value = values[next(iter(declared), "cv")]
    told = f"n = {found.n}, mean {found.mean:.6g}" + "".join(
        f", {_WORDS[name]} {'undefined' if values[name] is None else f'{values[name]:.4g}'}"
        for name in (declared or {"cv": 0})
    )
    above = [name for name in declared if values[name] is not None
             and not values[name] <= declared[name]]  # fmt: skip
    if found.n < least:
        text, verdict = f"{told}; {least} values at least are needed", Verdict.UNKNOWN
    elif above:
        text = f"{told}; above its bound: {', '.join(_WORDS[name] for name in above)}"
        verdict = Verdict.FAIL
    elif any(values[name] is None for name in declared):
        text, verdict = f"{told}; no relative spread about a mean of 0", Verdict.UNKNOWN
    else:
        text, verdict = told, Verdict.PASS
    return Judgement(verdict=verdict, text=text, value=value, numbers=numbers)


_WORDS = {"cv": "CV", "half_width": "relative 95 % half width", "std": "standard deviation"}


def _difference(check: Mapping[str, Any], compared: Sequence[Known]) -> Judgement:
    name = check.get("reference")
    if not compared or compared[0].id != name or len(compared) < 2:
        text = f"nothing to compare with reference {name!r}"
        return Judgement(verdict=Verdict.UNKNOWN, text=text)
    base = _value(compared[0], check)
    apart = [(abs(_value(case, check) - base), case.id) for case in compared[1:]]
    (smallest, least), (largest, most) = min(apart), max(apart)
    numbers: dict[str, Any] = {
        "reference_value": base, "smallest_abs": smallest, "largest_abs": largest,
        "smallest_rel": smallest / abs(base) if base else None,
        "largest_rel": largest / abs(base) if base else None,
        "smallest_case": least, "largest_case": most,
    }  # fmt: skip
    for key in ("smallest_rel", "largest_rel"):
        numbers[key] = number(numbers[key])
    lines = [
        ("max_abs", "largest_abs", most, "difference {0:.4g} of {1}, at most {2:g} is allowed"),
        ("max_rel", "largest_rel", most, "relative difference {0:.4g} of {1}, at most {2:g}"),
        ("min_abs", "smallest_abs", least, "difference {0:.4g} of {1}, at least {2:g} is needed"),
        ("min_rel", "smallest_rel", least, "relative difference {0:.4g} of {1}, at least {2:g}"),
    ]
    declared = [line for line in lines if check.get(line[0]) is not None]
    value = numbers[declared[0][1]] if declared else None
    if any(numbers[key] is None for _, key, _, _ in declared):
        text = f"the value of {name} is {base:g}: no relative difference"
        return Judgement(verdict=Verdict.UNKNOWN, text=text, numbers=numbers)
    texts, failed = [], False
    for bound, key, case, words in declared:
        texts.append(words.format(numbers[key], case, check[bound]))
        is_most = bound.startswith("max")
        inside = numbers[key] <= check[bound] if is_most else numbers[key] >= check[bound]
        if not inside and not failed:
            value, failed = numbers[key], True
    verdict = Verdict.FAIL if failed else Verdict.PASS
    return Judgement(verdict=verdict, text="; ".join(texts), value=value, numbers=numbers)


def _row(
    check: Mapping[str, Any], group: str, members: Sequence[Known], judgement: Judgement
) -> dict[str, Any]:
    return {
        "check_id": check["id"],
        "kind": check["kind"],
        "metric": check["metric"],
        "axis": check.get("axis") or "",
        "group": group,
        "verdict": judgement.verdict.value,
        "value": number(judgement.value),
        "bound": bound_of(check),
        "required": _or(check.get("required"), True),
        "n_cases": len(members),
        "cases": [case.id for case in members],
        "reason": check["reason"],
        "detail": {"text": judgement.text, **_finite(judgement.numbers)},
    }


def _finite(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON holds it: what is not finite is None."""
    return {
        key: number(value) if isinstance(value, float) else value for key, value in numbers.items()
    }


def _value(case: Known, check: Mapping[str, Any]) -> float:
    found = case.value(check["metric"])
    if found is None:
        raise ValueError(f"{case.id} has no {check['metric']}")
    return found


def _pair(interval: tuple[float, float] | None) -> list[float | None] | None:
    return None if interval is None else [number(side) for side in interval]


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _listed(names: Iterable[str], most: int = 5) -> str:
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
