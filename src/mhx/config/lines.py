"""In which line of a TOML file each key stands.

`tomllib` keeps no positions, so the text is walked a second time, after `tomllib` has accepted it:
the walk may trust the grammar and only has to follow keys, strings, brackets and line ends.  Places
are tuples as pydantic writes them: ("time", "t1"), ("process", 0, "kind").  Lines count from 1.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property

Place = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)+")
_SPACE = re.compile(r"[ \t]+")
_QUOTED = re.compile(
    r"'''.*?'''(?:'{0,2})|\"\"\"(?:\\.|[^\\])*?\"\"\"(?:\"{0,2})|'[^'\n]*'|\"(?:\\.|[^\"\\\n])*\"",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Lines(Mapping[Place, int]):
    """`key_lines` of a text, with line 1 for its root; walked when somebody asks, not before."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _found(self) -> dict[Place, int]:
        return {(): 1} | key_lines(self._text)

    def __getitem__(self, place: Place) -> int:
        return self._found[place]

    def __iter__(self) -> Iterator[Place]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def key_lines(text: str) -> dict[Place, int]:
    """Map every table, key and array element of a valid TOML text to its line."""
    return _Walk(text).document()


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted = 0
        self.line = 1
        self.lines: dict[Place, int] = {}
        self.lengths: dict[Place, int] = {}  # tables seen so far in each array of tables

    def document(self) -> dict[Place, int]:
        table: Place = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(_BLANK)
        return self.lines

    def header(self) -> Place:
        """`[a.b]` or `[[a.b]]`; returns the place that the pairs below it belong to."""
        line = self.here()
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        place: Place = ()
        keys = self.dotted_key()
        for depth, key in enumerate(keys, start=1):
            place = (*place, key)
            self.lines.setdefault(place, line)
            if array and depth == len(keys):
                self.lengths[place] = self.lengths.get(place, 0) + 1
            if place in self.lengths:
                place = (*place, self.lengths[place] - 1)
                self.lines.setdefault(place, line)
        self.at += 2 if array else 1
        if not array:
            self.lines[place] = line  # `[a]` may follow `[a.b]`: its own header is the better place
        return place

    def pair(self, table: Place) -> None:
        line = self.here()
        place = table
        for key in self.dotted_key():
            place = (*place, key)
            self.lines.setdefault(place, line)
        self.at += 1  # "="
        self.skip(_SPACE)
        self.value(place)

    def dotted_key(self) -> list[str]:
        keys = []
        while True:
            self.skip(_SPACE)
            if self.text[self.at] in "'\"":
                keys.append(_unquoted(self.take(_QUOTED)))
            else:
                keys.append(self.take(_BARE))
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def value(self, place: Place) -> None:
        opening = self.text[self.at]
        if opening in "'\"":
            self.take(_QUOTED)
        elif opening in "[{":
            self.collection(place, "]" if opening == "[" else "}")
        else:
            self.take(_SCALAR)

    def collection(self, place: Place, closing: str) -> None:
        self.at += 1
        index = 0
        self.skip(_BLANK)
        while self.text[self.at] != closing:
            if closing == "]":
                self.lines[(*place, index)] = self.here()
                self.value((*place, index))
                index += 1
            else:
                self.pair(place)
            self.skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_BLANK)
        self.at += 1

    def here(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self.text, self.at):
            self.at = found.end()

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"no TOML at offset {self.at}")
        self.at = found.end()
        return found.group()


def _unquoted(quoted: str) -> str:
    """The name behind a quoted key; escapes are TOML's own."""
    if quoted.startswith("'"):
        return quoted[1:-1]
    name = tomllib.loads(f"key = {quoted}")["key"]
    return str(name)
