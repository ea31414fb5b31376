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
FIXED_COLUMNS = frozenset(
    {"case_id", "case_label", "axis", "status", "axis_value", "missing", "error"}
)
"""Columns of testbed_metrics.csv that are no metrics."""
REPORTED = "reported:"  # no key of a metric holds a colon
LONGEST = 60  # characters of a text that a message quotes
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

    @property
    def takes_text(self) -> bool:
        """Whether a text is a value of this column."""
        return self.kind == "text" or self.source.startswith("notes.")


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
        return {_named(source): _number(value) for source, value in metrics.items()}

    def learn(self, names: Iterable[str]) -> bool:
        """Make columns of names not met before, of keys alike; True when there were any."""
        new = {name.removeprefix(REPORTED) for name in names} - self._known
        if not self.open or not new:
            return False
        self._known |= new
        self.columns = [self._described(name) for name in sorted(self._known)]
        return True

    def _described(self, source: str) -> Column:
        word = self.vocabulary.find(source) if self.vocabulary else None
        name = _named(source)
        if word is None:
            return Column(name=name, source=source)
        return Column(
            name=name, source=source, unit=word.unit, kind=word.kind, description=word.meaning
        )

    def check(self, case_id: str, metrics: Mapping[str, Any], notes: Mapping[str, str]) -> None:
        """Raise RequiredMetric for the first required column without a value of its kind.

        A finite number, or a text where the column says so: `kind = "text"`, or `notes.<key>`.
        """
        for column in self.columns:
            if not column.required:
                continue
            value = _value(column.source, metrics, notes)
            if value is None:
                raise RequiredMetric(_fault(case_id, column, metrics, notes))
            if isinstance(value, str) and not column.takes_text:
                raise RequiredMetric(
                    f"case {case_id!r}: required metric {column.name!r} is {_short(value)}, a "
                    'text; where a text is meant, say kind = "text"'
                )

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


def _named(source: str) -> str:
    """The column of a metric that nobody declared: its key, unless a fixed column has that name."""
    return f"{REPORTED}{source}" if source.casefold() in FIXED_COLUMNS else source


def _short(text: str) -> str:
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def _value(source: str, metrics: Mapping[str, Any], notes: Mapping[str, str]) -> Value:
    if source in metrics:
        return _number(metrics[source])
    if source.startswith("notes."):
        return notes.get(source.removeprefix("notes."))
    return None if "." in source else notes.get(source)  # a bare name is looked up in both


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
