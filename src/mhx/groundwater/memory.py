"""What a process remembers between runs: pieces that depend on nothing but their key.

A child of a matrix differs from the one before in a few numbers; meshes, cell lists and texts of
packages that do not depend on them are taken from here.  A key is content: values of the
configuration, and of files the path, size and time stamp.  The oldest entries go first.
"""

import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

KEPT = 4
"""Entries of one kind: cases come in the order of the plan, and large meshes take memory."""

_T = TypeVar("_T")
_kinds: dict[str, OrderedDict[Any, Any]] = {}


def remembered(kind: str, key: Any, make: Callable[[], _T]) -> _T:
    """The piece made before for this key, or made now."""
    pieces = _kinds.setdefault(kind, OrderedDict())
    if key in pieces:
        pieces.move_to_end(key)
        return pieces[key]
    made = make()
    pieces[key] = made
    if len(pieces) > KEPT:
        pieces.popitem(last=False)
    return made


def forget() -> None:
    """Start as a new process would; for tests and benchmarks."""
    _kinds.clear()


def key_of(*parts: Any) -> str:
    """One key of tables and plain values; a path stands for the file as it is now."""
    plain = [part.model_dump() if isinstance(part, BaseModel) else part for part in parts]
    return json.dumps(plain, default=_stamp)


def _stamp(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if not isinstance(value, Path):
        raise TypeError(f"a key is made of plain values, got {value!r}")
    try:
        found = value.stat()
    except OSError:
        return [str(value)]
    return [str(value), found.st_size, found.st_mtime_ns, found.st_ino]
