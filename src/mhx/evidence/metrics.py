"""Metrics: dotted names, numbers, units.

What a runner reports may be nested; it is flattened to dotted names (`flow.head_range_m`) before it
is selected, judged or stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mhx.errors import MissingMetric


@dataclass(frozen=True)
class Metric:
    """One word of a vocabulary; `unit` is "1" where there is none."""

    name: str
    unit: str
    meaning: str


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one table with dotted names; values are left as they are."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        found = flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
        twice = flat.keys() & found.keys()
        if twice:
            raise ValueError(f"metrics named twice: {', '.join(sorted(twice))}")
        flat.update(found)
    return flat


def select(metrics: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The named metrics in the order asked for; None where one was not reported."""
    return {name: metrics.get(name) for name in names}


def required(metrics: Mapping[str, Any], names: Iterable[str], *, case: str) -> dict[str, Any]:
    """The named metrics, or MissingMetric for the first that was not reported."""
    for name in (names := list(names)):
        if metrics.get(name) is None:
            raise MissingMetric(case, name, metrics)
    return select(metrics, names)
