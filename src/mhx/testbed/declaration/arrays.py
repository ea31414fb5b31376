"""The arrays of a testbed with the numbers under which their tables stand in the file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.config.lines import Place
from mhx.testbed.config import Testbed
from mhx.testbed.declaration.faults import Faults, where
from mhx.testbed.sources.axes import Levels


@dataclass(frozen=True)
class Arrays:
    """A testbed and its folder.

    numbers: for an array from which faulty tables were set aside, the numbers of the rest.
    left_out: arrays of which a table was left out, so that a name may be unknown for that alone.
    """

    table: Testbed
    folder: Path
    numbers: Mapping[str, Sequence[int]] | None = None
    left_out: frozenset[str] = frozenset()

    def items(self, name: str) -> Iterator[tuple[Place, Any]]:
        """Place and content of every table of an array."""
        items = getattr(self.table, name)
        numbers = (self.numbers or {}).get(name, range(len(items)))
        for number, item in zip(numbers, items, strict=True):
            yield ("testbed", name, number), item

    def axes(self, faults: Faults) -> dict[str, Levels]:
        """The declared axes by id; the first of those that share one."""
        found: dict[str, Levels] = {}
        for place, axis in self.items("axis"):
            levels = Levels(axis=axis, place=place, source=faults.source, folder=self.folder)
            found.setdefault(axis.id, levels)
        return found

    def unsure(self, name: str | None, axes: Mapping[str, Levels], faults: Faults) -> bool:
        """True for an axis of which nothing can be said: faulty, or perhaps left out."""
        if name is not None and name in axes:
            return faults.muted(axes[name].place)
        return "axis" in self.left_out


def declared_twice(
    what: str, named: Iterable[tuple[Place, str]], faults: Faults, *, fold: bool = False
) -> None:
    """`metric 'head' is declared twice (k.toml:40 and 52)`, said at the second place.

    fold: upper and lower case are equal.
    """
    places: dict[str, list[tuple[Place, str]]] = {}
    for place, name in named:
        places.setdefault(name.casefold() if fold else name, []).append((place, name))
    for uses in places.values():
        if len(uses) > 1:
            at = where(faults.source.origin(place) for place, _ in uses)
            place, name = uses[1]
            faults.say(place, f"{what} {name!r} is declared {times(len(uses))} ({at})")


def times(count: int) -> str:
    """`twice`, `3 times`."""
    return "twice" if count == 2 else f"{count} times"
