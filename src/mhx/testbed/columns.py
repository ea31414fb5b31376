"""The declared columns: what is taken from the summary of a run, and what was missing.

A source is one key of the summary, matched exactly: a dotted metric, `notes.<key>`, or a bare name
looked up in both.  Nothing is put in the place of what was not reported.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mhx.errors import MissingMetric
from mhx.evidence.metrics import Vocabulary

Value = float | int | str | None
TOLD = 2  # reported keys that a message names before it counts the rest


class RequiredMetric(MissingMetric):
    """A required metric of a case is missing or not finite."""

    def __init__(self, text: str) -> None:
        Exception.__init__(self, text)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of testbed_metrics.csv."""

    name: str
    source: str
    required: bool = False
    unit: str = ""
    kind: str = "point"
    description: str = ""


@dataclass
class Contract:
    """The columns of a testbed.

    open: no metric is declared; every reported number becomes a column, sorted by name.
    """

    columns: list[Column]
    open: bool
    vocabulary: Vocabulary | None = None
    _known: set[str] = field(default_factory=set)

    def take(self, metrics: Mapping[str, Any], notes: Mapping[str, str]) -> dict[str, Value]:
        """The values of one run; None for what it did not report or what is no number."""
        if not self.open:
            return {column.name: _value(column.source, metrics, notes) for column in self.columns}
        self.learn(metrics)
        return {name: _number(value) for name, value in metrics.items()}

    def learn(self, names: Iterable[str]) -> bool:
        """Make columns of names not met before; True when there were any."""
        new = set(names) - self._known
        if not self.open or not new:
            return False
        self._known |= new
        self.columns = [self._described(name) for name in sorted(self._known)]
        return True

    def _described(self, name: str) -> Column:
        word = self.vocabulary.find(name) if self.vocabulary else None
        if word is None:
            return Column(name=name, source=name)
        return Column(
            name=name, source=name, unit=word.unit, kind=word.kind, description=word.meaning
        )

    def check(self, case_id: str, metrics: Mapping[str, Any], notes: Mapping[str, str]) -> None:
        """Raise RequiredMetric for the first required column without a finite value."""
        for column in self.columns:
            if column.required and _value(column.source, metrics, notes) is None:
                raise RequiredMetric(_fault(case_id, column, metrics, notes))

    def document(self) -> list[dict[str, Any]]:
        """`metric_contract` of the manifest."""
        return [
            {
                "name": column.name,
                "source": column.source,
                "unit": column.unit,
                "kind": column.kind,
                "required": column.required,
            }
            for column in self.columns
        ]


def contract_of(
    declared: Sequence[Mapping[str, Any]],
    defaults: Sequence[str] = (),
    vocabulary: Vocabulary | None = None,
) -> Contract:
    """The contract of a plan's `metrics`; without any, the runner's defaults or all it reports."""
    if declared:
        return Contract([_declared(entry, vocabulary) for entry in declared], open=False)
    if defaults:
        columns = [_declared({"name": name}, vocabulary) for name in defaults]
        return Contract(columns, open=False)
    return Contract([], open=True, vocabulary=vocabulary)


def _declared(entry: Mapping[str, Any], vocabulary: Vocabulary | None) -> Column:
    source = entry.get("source") or entry["name"]
    word = vocabulary.find(source) if vocabulary else None
    return Column(
        name=entry["name"],
        source=source,
        required=bool(entry.get("required")),
        unit=entry.get("unit") or (word.unit if word else ""),
        kind=entry.get("kind") or (word.kind if word else "point"),
        description=entry.get("description") or (word.meaning if word else ""),
    )


def _value(source: str, metrics: Mapping[str, Any], notes: Mapping[str, str]) -> Value:
    if source in metrics:
        return _number(metrics[source])
    return notes.get(source.removeprefix("notes.")) if _may_be_note(source) else None


def _may_be_note(source: str) -> bool:
    return "." not in source.removeprefix("notes.")


def _number(value: Any) -> Value:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, int | float) else None


def _fault(
    case_id: str, column: Column, metrics: Mapping[str, Any], notes: Mapping[str, str]
) -> str:
    who = f"case {case_id!r}: required metric {column.name!r}"
    if column.source in metrics:
        return f"{who} is nan"
    named = "" if column.source == column.name else f" ({column.source})"
    last = column.source.rpartition(".")[2]
    near = [key for key in sorted(metrics) if key != column.source and _last(key) == last]
    hint = f"; nearest: {', '.join(near[:TOLD])}" if near else ""
    reported = [*sorted(metrics), *(f"notes.{key}" for key in sorted(notes))]
    told = ", ".join(reported[:TOLD]) or "nothing"
    more = len(reported) - TOLD
    rest = f" and {more} more" if more > 0 else ""
    return f"{who}{named} was not reported; the runner reported: {told}{rest}{hint}"


def _last(key: str) -> str:
    return key.rpartition(".")[2]
