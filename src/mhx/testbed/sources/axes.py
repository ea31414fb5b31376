"""An axis as a row of levels: each with a name, a value and the overlay that sets it.

A level given by its value sets every key of the axis.  A level with an overlay sets what the
overlay says, and with its value those keys of the axis that the overlay leaves alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mhx.config import Source
from mhx.config.lines import Place
from mhx.testbed.config import Axis, Level, Value
from mhx.testbed.matrix import Overlay, nested, shown


@dataclass(frozen=True, kw_only=True)
class Step:
    """One level of an axis."""

    name: str
    value: Value
    overlays: tuple[Overlay, ...]


@dataclass(frozen=True, kw_only=True)
class Levels:
    """A declared axis, where it stands, and how its values become overlays."""

    axis: Axis
    place: Place
    source: Source
    folder: Path

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Its levels in order; none where it only has a range."""
        if self.axis.level:
            return tuple(self._level(number, one) for number, one in enumerate(self.axis.level))
        values = self.axis.values or ()
        names = self.axis.names or tuple(map(shown, values))
        return tuple(
            Step(
                name=name, value=value, overlays=self.set_to(value, (*self.place, "values", number))
            )
            for number, (name, value) in enumerate(zip(names, values, strict=False))
        )

    @property
    def named(self) -> bool:
        """True when its levels have names of their own."""
        return bool(self.axis.names or self.axis.level)

    @property
    def reference(self) -> int:
        """Number of the level that differences are taken from."""
        wanted = self.axis.reference
        found = None if wanted is None else self.find(wanted)
        return 0 if found is None else found

    def find(self, wanted: Value) -> int | None:
        """The level of this value or, where none has it, of this name."""
        return self._numbers.get((isinstance(wanted, bool), wanted), self._named.get(wanted))

    @cached_property
    def _numbers(self) -> Mapping[tuple[bool, Value], int]:
        values = [step.value for step in self.steps]
        return {(isinstance(value, bool), value): n for n, value in enumerate(values)}

    @cached_property
    def _named(self) -> Mapping[Value, int]:
        return {step.name: number for number, step in enumerate(self.steps)}

    def set_to(self, value: Value, place: Place) -> tuple[Overlay, ...]:
        """What sets every key of the axis to a value that is written at `place`."""
        return self._keyed(self.axis.keys, value, place)

    def _folder(self, place: Place) -> Path:
        return folder_of(self.source, place, self.folder)

    @cached_property
    def _own_folder(self) -> Path:
        """Kept: samples by the thousand are set from the table of the axis itself."""
        return self._folder(self.place)

    def _level(self, number: int, level: Level) -> Step:
        place = (*self.place, "level", number)
        value = level.id if level.value is None else level.value
        own = Overlay(
            data=level.overlay,
            place=(*place, "overlay"),
            folder=self._folder((*place, "overlay")),
            source=self.source,
        )
        left = [key for key in self.axis.keys if not writes(level.overlay, key)]
        keyed = () if level.value is None else self._keyed(left, value, place)
        return Step(name=level.id, value=value, overlays=(*keyed, own) if own.data else keyed)

    def _keyed(self, keys: Sequence[str], value: Value, place: Place) -> tuple[Overlay, ...]:
        if not keys:
            return ()
        folder = self._own_folder if place == self.place else self._folder(place)
        data = nested(keys, value)
        return (Overlay(data=data, place=place, folder=folder, source=self.source, keyed=True),)


def folder_of(source: Source, place: Place, folder: Path) -> Path:
    """The folder of the file in which a place was written; `folder` is that of the source."""
    name, _ = source.origin(place)
    if source.flag(place):
        return Path.cwd()
    return folder if name == source.name else Path(name).parent


def value_at(child: Mapping[str, Any], key: str) -> Value | None:
    """What a child says at a dotted key, arrays of tables entered by `id`; None where nothing."""
    at: Any = child
    for part in key.split("."):
        if isinstance(at, Mapping):
            at = at.get(part)
        elif isinstance(at, list | tuple):
            at = next((i for i in at if isinstance(i, Mapping) and i.get("id") == part), None)
        else:
            return None
    return at if isinstance(at, bool | int | float | str) else None


def writes(overlay: Any, key: str) -> bool:
    """True when an overlay says anything at a dotted key, above it or below it."""
    for part in key.split("."):
        if not isinstance(overlay, Mapping):
            return overlay is not None
        overlay = overlay.get(part)
    return overlay is not None
