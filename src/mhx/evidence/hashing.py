"""Digests of files and of contents.

A file's digest is the SHA-256 of its bytes.  A content digest is the SHA-256 of canonical JSON:
sorted keys, no white space, ASCII, no NaN, and whole floats written as integers, so that 1 and 1.0
are one configuration.  What goes into a content digest is content: no times, hosts or absolute
paths. `verify.py` repeats these lines, for it stands alone; a test holds the two equal.
"""

import hashlib
import math
import os
import time
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

_SETTLED_NS, _MOST_SHARED = 2_000_000_000, 1000
_shared: dict[tuple[int, ...], str] = {}


def file_digest(path: Path | str) -> str:
    """SHA-256 of the bytes of a file, hexadecimal; read in pieces, at the rate of SHA-256."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def shared_digest(path: Path | str) -> str:
    """`file_digest`, read once in a process for a file of many names (hard links).

    As long as its status is what it was; one so new that a change within the clock's grain could go
    unseen is read again.  Whatever escapes this is found by who verifies: that reads every name.
    """
    found = os.stat(path)
    if found.st_nlink == 1:
        return file_digest(path)
    status = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
    if status not in _shared:
        digest = file_digest(path)
        if time.time_ns() - found.st_mtime_ns < _SETTLED_NS:
            return digest
        if len(_shared) >= _MOST_SHARED:
            _shared.clear()
        _shared[status] = digest
    return _shared[status]


def content_digest(value: Any) -> str:
    """SHA-256 of a plain value (mappings, lists, text, numbers, None), hexadecimal."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def canonical(value: Any) -> str:
    """The one spelling of a plain value that is digested."""
    parts: list[str] = []
    _spell(value, parts)
    return "".join(parts)


def _spell(value: Any, parts: list[str]) -> None:
    """What `json.dumps(value, sort_keys=True, separators=(",", ":"))` writes, in one pass."""
    kind = type(value)
    if kind is str:
        parts.append(encode_basestring_ascii(value))
    elif kind is dict and {str}.issuperset(map(type, value)):
        gap = "{"
        for key in sorted(value):
            parts.append(f"{gap}{encode_basestring_ascii(key)}:")
            _spell(value[key], parts)
            gap = ","
        parts.append("}" if value else "{}")
    elif kind is list:
        gap = "["
        for entry in value:
            parts.append(gap)
            _spell(entry, parts)
            gap = ","
        parts.append("]" if value else "[]")
    else:
        _spell_other(value, parts)


def _spell_other(value: Any, parts: list[str]) -> None:
    if value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        parts.append(int.__repr__(value))
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a digest covers finite numbers only, got {value!r}")
        parts.append(repr(int(value)) if value.is_integer() else float.__repr__(value))
    elif isinstance(value, str):
        parts.append(encode_basestring_ascii(value))
    elif isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a digest covers tables with text keys, got the key {key!r}")
        _spell({str(key): entry for key, entry in value.items()}, parts)
    elif isinstance(value, list | tuple):
        _spell(list(value), parts)
    elif hasattr(value, "tolist"):  # the numbers and arrays of array libraries
        _spell(value.tolist(), parts)
    else:
        raise TypeError(f"a digest covers plain values, got {value!r}")
