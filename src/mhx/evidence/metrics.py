"""Metrics: dotted names, numbers, units, and the vocabulary of a runner.

What a runner reports may be nested; it is flattened to dotted names (`flow.head_range_m`,
`wells.w1.head_m` for an item of a list) before it is selected, judged or stored.  Ids inside a name
match `[A-Za-z0-9_-]+`, so that a dot always separates levels.  A word of a vocabulary may hold such
ids as `<component>`; it then stands for every name with an id there.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mhx.errors import MissingMetric

LONGEST = 1000
"""Items of a list that are metrics of their own; longer ones are series or fields."""
KINDS = ("point", "mean", "integral", "extremum", "count", "duration", "text")

_PLACEHOLDER = re.compile(r"<[a-z_]+>")
_ID = "[A-Za-z0-9_-]+"


@dataclass(frozen=True)
class Metric:
    """One word of a vocabulary; `unit` is "1" where there is none, `kind` is one of `KINDS`.

    A `duration` is a time that the computer took: it differs between equal runs.
    """

    name: str
    unit: str
    meaning: str
    kind: str = "point"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"metric {self.name!r}: kind must be one of {KINDS}, got {self.kind}")


class Vocabulary:
    """What a runner reports.

    closed: True when it never reports anything else, so that an unknown name is a mistake.
    """

    def __init__(self, words: Iterable[Metric], *, closed: bool = True) -> None:
        self.closed = closed
        self._words: dict[str, Metric] = {}
        for word in words:
            if word.name in self._words:
                raise ValueError(f"the vocabulary names {word.name!r} twice")
            self._words[word.name] = word
        self._patterns = [
            (re.compile(_ID.join(map(re.escape, _PLACEHOLDER.split(name)))), word)
            for name, word in self._words.items()
            if "<" in name
        ]

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._words.values())

    def __len__(self) -> int:
        return len(self._words)

    def find(self, key: str) -> Metric | None:
        """The word of a key, under the key's own name; an exact one goes before a pattern."""
        if "<" in key:
            return None
        if word := self._words.get(key):
            return word
        for pattern, word in self._patterns:
            if pattern.fullmatch(key):
                return replace(word, name=key)
        return None

    def near(self, key: str) -> str | None:
        """The word that somebody who wrote `key` may have meant."""
        close = difflib.get_close_matches(key, self._words, n=1)
        return close[0] if close else None


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables and lists as one table with dotted names; values are left as they are.

    An item of a list is named by its `id`, or its `name`, where all items have one of their own
    that can stand in a metric, otherwise by its number from 0.  A list of more than `LONGEST` items
    is a value, not a set of metrics.
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        table = _named(value) if _of_metrics(value) else value
        found = flatten(table, f"{name}.") if isinstance(table, Mapping) else {name: value}
        twice = flat.keys() & found.keys()
        if twice:
            raise ValueError(f"metrics named twice: {', '.join(sorted(twice))}")
        flat.update(found)
    return flat


def _of_metrics(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= LONGEST


def _named(items: Sequence[Any]) -> dict[str, Any]:
    """The items of a list by what tells them apart."""
    for key in ("id", "name"):
        names = [item.get(key) if isinstance(item, Mapping) else None for item in items]
        if all(_is_name(name) for name in names) and len(set(map(str, names))) == len(names):
            return {
                str(name): {k: value for k, value in item.items() if k != key}
                for name, item in zip(names, items, strict=True)
            }
    return {str(number): item for number, item in enumerate(items)}


def _is_name(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return whole or (isinstance(value, str) and re.fullmatch(_ID, value) is not None)


def select(metrics: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The named metrics in the order asked for; None where one was not reported."""
    return {name: metrics.get(name) for name in names}


def required(metrics: Mapping[str, Any], names: Iterable[str], *, case: str) -> dict[str, Any]:
    """The named metrics, or MissingMetric for the first that was not reported."""
    for name in (names := list(names)):
        if metrics.get(name) is None:
            raise MissingMetric(case, name, metrics)
    return select(metrics, names)
