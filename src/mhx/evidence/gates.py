"""Gates: a metric, a bound, a reason, and one of three verdicts.

A gate cannot be given a verdict and cannot be constant: it reads a metric of stored data and bounds
it.  What is missing or not a finite number is unknown, and unknown is not a pass.  Facts that are
no numbers are counted first (`plan_faults`, high=0).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What a gate says of a value; only PASS passes."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """`low <= metric <= high`; one side may be open, not both.

    reason: what a reviewer would lose without it.
    remedy: what to do, or which command to type, when it does not pass.
    """

    name: str
    metric: str
    reason: str
    low: float = -math.inf
    high: float = math.inf
    remedy: str = ""

    def __post_init__(self) -> None:
        if not (self.name and self.metric and self.reason):
            raise ValueError(f"gate {self.name!r} needs a name, a metric and a reason")
        if self.low == -math.inf and self.high == math.inf:
            raise ValueError(f"gate {self.name!r} bounds nothing")
        if not self.low <= self.high or self.low == math.inf or self.high == -math.inf:
            raise ValueError(f"gate {self.name!r} can never pass: [{self.low!r}, {self.high!r}]")

    @property
    def bound(self) -> dict[str, float | None]:
        """Both sides as they are stored; None is an open side."""
        return {
            "low": None if self.low == -math.inf else self.low,
            "high": None if self.high == math.inf else self.high,
        }

    @property
    def bound_text(self) -> str:
        """The bound as it is printed: `<= 1e-09`, `>= 100`, `0.3 .. 1.5`, `= 0`."""
        if self.low == -math.inf:
            return f"<= {self.high:.10g}"
        if self.high == math.inf:
            return f">= {self.low:.10g}"
        if self.low == self.high:
            return f"= {self.low:.10g}"
        return f"{self.low:.10g} .. {self.high:.10g}"


@dataclass(frozen=True)
class GateResult:
    """One gate, the value that it read (None: not reported), and its verdict."""

    gate: Gate
    value: float | None
    verdict: Verdict

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASS

    def __str__(self) -> str:
        value = "not reported" if self.value is None else f"{self.value:.10g}"
        gate = self.gate
        return f"{gate.name} {self.verdict.value}: {gate.metric} {value}, bound {gate.bound_text}"


def judge(gate: Gate, metrics: Mapping[str, float | None]) -> GateResult:
    """Read the metric and compare; NaN, infinities and gaps are unknown."""
    found = metrics.get(gate.metric)
    if found is None:
        return GateResult(gate, None, Verdict.UNKNOWN)
    value = float(found)
    if not math.isfinite(value):
        return GateResult(gate, value, Verdict.UNKNOWN)
    inside = gate.low <= value <= gate.high
    return GateResult(gate, value, Verdict.PASS if inside else Verdict.FAIL)


def judge_all(gates: Iterable[Gate], metrics: Mapping[str, float | None]) -> list[GateResult]:
    """Judge each gate, in order; two gates of one name are a mistake of the table."""
    results = [judge(gate, metrics) for gate in gates]
    names = [result.gate.name for result in results]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"gates named twice: {', '.join(twice)}")
    return results


def all_pass(results: Iterable[GateResult]) -> bool:
    """True when something was judged and all of it passed: nothing judged proves nothing."""
    verdicts = [result.verdict for result in results]
    return bool(verdicts) and all(verdict is Verdict.PASS for verdict in verdicts)


def validation_document(
    schema: str,
    results: Sequence[GateResult],
    diagnostics: Mapping[str, Any],
    thresholds: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of a `validation.json`; thresholds are the bounds by gate unless given."""
    return {
        "schema": schema,
        "passed": all_pass(results),
        "checks": {result.gate.name: result.passed for result in results},
        "thresholds": dict(
            {result.gate.name: result.gate.bound for result in results}
            if thresholds is None
            else thresholds
        ),
        "diagnostics": dict(diagnostics),
        "verdicts": {result.gate.name: _stored(result) for result in results},
    }


def _stored(result: GateResult) -> dict[str, Any]:
    gate = result.gate
    return {
        "verdict": result.verdict.value,
        "metric": gate.metric,
        "value": result.value,
        "bound": gate.bound,
        "reason": gate.reason,
        "remedy": gate.remedy,
    }
