"""Faults of a testbed's tables as lines of one message: file, line, sentence.

A fault belongs to a place in the testbed file, or to a line of another file, such as a catalog.
The same line is listed once.
"""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from mhx.config import Source
from mhx.config.faults import dotted
from mhx.config.lines import Place

_OTHER = 1_000_000  # sorts behind every file that the source itself consists of


class Faults:
    """A growing list of faults over one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lines: dict[str, tuple[int, int]] = {}
        self._muted: set[Place] = set()

    def key(self, place: Place, text: str) -> None:
        """`k.toml:12  testbed.case[2].id <text>`."""
        gap = "" if text.startswith(":") else " "
        self.say(place, f"{self.source.flag(place) or dotted(place)}{gap}{text}")

    def say(self, place: Place, text: str) -> None:
        """`k.toml:12  <text>`."""
        if self.muted(place):
            return
        name, line = self.source.origin(place)
        where = f"{name}:{line}  " if line else ""
        self._lines.setdefault(f"{where}{text}", self.source.order(place))

    def other(self, name: str, line: int | None, text: str) -> None:
        """`sites.csv:7  <text>`; without a line where there is none."""
        where = f"{name}:{line}  " if line else f"{name}: "
        self._lines.setdefault(f"{where}{text}", (_OTHER, line or 0))

    def mute(self, place: Place) -> None:
        """Say nothing more of this table: what is known to be wrong with it explains the rest."""
        self._muted.add(place)

    def muted(self, place: Place) -> bool:
        """True for a place in a table that is muted."""
        return any(place[:depth] in self._muted for depth in range(len(place) + 1))

    def any_muted(self, array: Place) -> bool:
        """True when a table of this array is muted."""
        return any(place[: len(array)] == array for place in self._muted)

    def lines(self) -> tuple[str, ...]:
        """All of them, in the order of the files."""
        return tuple(sorted(self._lines, key=self._lines.__getitem__))

    def __len__(self) -> int:
        return len(self._lines)


def where(origins: Iterable[tuple[str, int | None]]) -> str:
    """`k.toml:18 and 31`; a file is named, without its folder, where it changes."""
    words: list[str] = []
    last = ""
    for path, line in dict.fromkeys(origins):
        name = Path(path).name
        lead = "" if name == last else f"{name}:" if line else name
        words.append(f"{lead}{line or ''}")
        last = name
    return joined(filter(None, words))


def joined(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def near(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'head'?`, or nothing."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def known(name: str, names: Sequence[str]) -> str:
    """`; did you mean 'flow'? Known: mesh, flow`, or `; known: mesh, flow`."""
    listed = ", ".join(names)
    hint = near(name, names)
    return f"{hint} Known: {listed}" if hint else f"; known: {listed}"
