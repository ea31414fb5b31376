"""TOML text of tables, made once for what many of them share, and read back.

The text of a table is put together from its own lines and the texts of the tables below it, each
made by tomli-w and parsed again: it must be what was written, types included, floats bit by bit.
What a table shares with a known one (the same objects) is taken from there, so that ten thousand
children cost what they change.  A test holds the result equal to that of tomli-w in one go.
"""

import datetime
import struct
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomli_w

from mhx.config.faults import dotted, shown
from mhx.config.lines import Place


class ReadBackDiffers(RuntimeError):
    """A child reads back as something else than was written: a bug, of ours or of a library."""

    def __init__(self, place: Place, wrote: Any, read: Any) -> None:
        self.told = f"at {dotted(place)} (wrote {shown(wrote)}, read {shown(read)})"
        super().__init__(f"the child does not read back equal {self.told}")


@dataclass
class Block:
    """A table as text.

    value: the table; own: those of its entries that stand on its own lines; lines: these lines;
    inner: the tables and arrays of tables below it; text: all of it.
    """

    value: Mapping[str, Any]
    own: dict[str, Any] = field(default_factory=dict)
    lines: str = ""
    inner: "dict[str, Block]" = field(default_factory=dict)
    text: str = ""


def block_of(value: Mapping[str, Any], known: Block | None = None, place: Place = ()) -> Block:
    """The text of a table; what it shares with `known` (that of the base) is not made again."""
    if known is not None and value is known.value:
        return known
    block = Block(value)
    for key, item in value.items():
        before = known.inner.get(key) if known is not None else None
        if before is not None and item is before.value:
            block.inner[key] = before
        elif isinstance(item, Mapping):
            block.inner[key] = block_of(item, before, (*place, key))
        elif _stands_alone(key, item, known):
            block.inner[key] = _array(item, (*place, key))
        else:
            block.own[key] = item
    if known is not None and _same(block.own, known.own):
        block.lines = known.lines
    elif block.own:
        block.lines = tomli_w.dumps(block.own)
        _must_equal(block.own, tomllib.loads(block.lines), place)
    block.text = _joined(block, place)
    return block


def _stands_alone(key: str, item: Any, known: Block | None) -> bool:
    """True for an array of tables that is written as tables, not on a line."""
    if not isinstance(item, list | tuple) or not item or not isinstance(item[0], Mapping):
        return False
    if known is not None and key in known.own and known.own[key] is item:
        return False
    return tomli_w.dumps({"x": item}).startswith("[[")


def _array(items: Any, place: Place) -> Block:
    table: Any = items
    for part in reversed(place):
        table = {part: table}
    block = Block(items, text=tomli_w.dumps(table))
    _must_equal(table, tomllib.loads(block.text), ())
    return block


def _joined(block: Block, place: Place) -> str:
    """Heading, own lines, then what stands below, as tomli-w would write it."""
    heading = ""
    if place and (block.own or not block.inner):
        heading = f"[{'.'.join(_key(str(part)) for part in place)}]\n"
    parts = [heading + block.lines, *(inner.text for inner in block.inner.values())]
    return "\n".join(part for part in parts if part)


def _key(part: str) -> str:
    """A key as it is written in a heading."""
    return tomli_w.dumps({part: 0}).rpartition(" = ")[0]


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """The same objects under the same keys, in the same order."""
    return list(one) == list(other) and all(one[key] is other[key] for key in one)


def _must_equal(wrote: Any, read: Any, place: Place) -> None:
    """Raise ReadBackDiffers unless both are equal, types included, floats bit by bit."""
    if isinstance(wrote, Mapping) and isinstance(read, Mapping) and wrote.keys() == read.keys():
        for key, item in wrote.items():
            _must_equal(item, read[key], (*place, key))
    elif isinstance(wrote, list | tuple) and isinstance(read, list) and len(wrote) == len(read):
        for index, item in enumerate(wrote):
            _must_equal(item, read[index], (*place, index))
    elif not _equal_leaf(wrote, read):
        raise ReadBackDiffers(place, wrote, read)


def _equal_leaf(wrote: Any, read: Any) -> bool:
    if type(wrote) is not type(read) or isinstance(wrote, Mapping | list):
        return False
    if isinstance(wrote, float):
        return struct.pack("d", wrote) == struct.pack("d", read)
    if isinstance(wrote, datetime.datetime | datetime.time):
        return bool(wrote == read and wrote.tzinfo == read.tzinfo)
    return bool(wrote == read)
