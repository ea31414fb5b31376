"""Where a value of merged files was written: found again when somebody asks, not kept.

A `Layer` is one of the tables that were laid over each other, the lowest first.  The walk follows
a place of the result down each layer, by `id` where arrays merged by id, through `__replace` and
`__append`; the latest layer that leads deepest is where the value, or the nearest table above it,
was written.  Planning ten thousand cases therefore pays nothing for the lines of its faults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.config import Source
from mhx.config.lines import Place
from mhx.config.merge import APPEND, DELETE, REPLACE, by_id


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One table that was laid over others.

    folder: relative paths in it count from here, unless `source` says that another file has them.
    at: where `data` stands in its source, () for a whole file.
    here: how a message names the folder; empty: beside the file of the source.
    """

    data: Mapping[str, Any]
    source: Source
    folder: Path
    at: Place = ()
    here: str = ""


@dataclass(frozen=True)
class Layered(Source):
    """The source of merged tables.  merged: their result; layers: lowest first."""

    merged: Mapping[str, Any] | None = None
    layers: tuple[Layer, ...] = ()

    def origin(self, place: Place) -> tuple[str, int | None]:
        """File and line of the layer that wrote the value, or the nearest table above it."""
        layer, within = self.written(place)
        return layer.source.origin(within)

    def line(self, place: Place) -> int | None:
        """The line in the file that `origin` names."""
        return self.origin(place)[1]

    def flag(self, place: Place) -> str | None:
        """The flag that the value came from, if it came from one."""
        layer, within = self.written(place)
        return layer.source.flag(within)

    def order(self, place: Place) -> tuple[int, int]:
        """Layer by layer, and line by line within each."""
        layer, within = self.written(place)
        return self.layers.index(layer), layer.source.order(within)[1]

    def written(self, place: Place) -> tuple[Layer, Place]:
        """The layer in which the value at `place` was written, and its place in that source."""
        best = self.layers[-1]
        reached: Place = ()
        depth = -1
        for layer in reversed(self.layers):
            steps, within, covers = _followed(layer.data, self.merged or {}, place)
            if steps > depth:
                best, reached, depth = layer, within, steps
            if covers:  # what lies below was thrown away by this layer
                break
        return best, (*best.at, *reached)


def _followed(data: Any, merged: Any, place: Place) -> tuple[int, Place, bool]:
    """How many steps of `place` lead through a layer, where they lead, whether it hides others."""
    within: Place = ()
    appended = covers = False
    for steps, part in enumerate(place):
        found: str | int | None
        if isinstance(part, int):
            found = _numbered(data, _at(merged, part), part, appended)
        else:
            found = _named(data, part)
        if found is None:
            return steps, within, covers
        within = (*within, found)
        appended = found == f"{part}{APPEND}"
        covers = covers or found == f"{part}{REPLACE}"
        if found == f"{part}{DELETE}":
            return steps + 1, within, True
        data = data[found]
        merged = _at(merged, part)
    return len(place), within, covers


def _named(data: Any, part: str) -> str | None:
    if not isinstance(data, Mapping):
        return None
    endings = ("", REPLACE, APPEND, DELETE)
    return next((f"{part}{ending}" for ending in endings if f"{part}{ending}" in data), None)


def _numbered(data: Any, item: Any, part: int, appended: bool) -> int | None:
    if not isinstance(data, list | tuple):
        return None
    if by_id(data) and isinstance(item, Mapping):
        names = [entry["id"] for entry in data]
        return names.index(item.get("id")) if item.get("id") in names else None
    if appended:
        return next((index for index, entry in enumerate(data) if entry == item), None)
    return part if part < len(data) else None


def _at(merged: Any, part: str | int) -> Any:
    try:
        return merged[part]
    except (KeyError, IndexError, TypeError):
        return None
