"""Digests of files and of contents.

A file's digest is the SHA-256 of its bytes.  A content digest is the SHA-256 of canonical JSON:
sorted keys, no white space, ASCII, no NaN, and whole floats written as integers, so that 1 and 1.0
are one configuration.  What goes into a content digest is content: no times, hosts or absolute
paths. `verify.py` repeats these lines, for it stands alone; a test holds the two equal.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def file_digest(path: Path | str) -> str:
    """SHA-256 of the bytes of a file, hexadecimal; read in pieces, at the rate of SHA-256."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content_digest(value: Any) -> str:
    """SHA-256 of a plain value (mappings, lists, text, numbers, None), hexadecimal."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def canonical(value: Any) -> str:
    """The one spelling of a plain value that is digested."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is dict and {str}.issuperset(map(type, value)):  # most of what is digested
        return {key: _plain(entry) for key, entry in value.items()}
    if kind is list or isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a digest covers finite numbers only, got {value!r}")
        return int(value) if value.is_integer() else float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a digest covers tables with text keys, got the key {key!r}")
        return {key: _plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):  # the numbers and arrays of array libraries
        return _plain(value.tolist())
    raise TypeError(f"a digest covers plain values, got {value!r}")
