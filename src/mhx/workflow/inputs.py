"""The files that a run reads, by name and digest; each is hashed once in a process.

A digest is used again as long as size, time and number of the file are what they were, unless it
was so new when it was hashed that a change within the clock's grain could go unseen.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from mhx.errors import ConfigError
from mhx.evidence.hashing import file_digest

_SETTLED_NS = 2_000_000_000
_known: dict[str, tuple[tuple[int, int, int], str]] = {}


def input_digests(path: Path, name: str) -> dict[str, str]:
    """SHA-256 of an input by its name; of a folder file by file.  ConfigError if unreadable."""
    try:
        if not path.is_dir():
            return {name: _digest(path)}
        return {
            f"{name}/{file.relative_to(path).as_posix()}": _digest(file) for file in _below(path)
        }
    except OSError as error:
        raise ConfigError(f"input {path} cannot be read: {error.strerror or error}") from error


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))


def _digest(path: Path) -> str:
    found = os.stat(path)
    state = (found.st_ino, found.st_size, found.st_mtime_ns)
    key = os.path.abspath(path)
    kept = _known.get(key)
    if kept is not None and kept[0] == state:
        return kept[1]
    digest = file_digest(path)
    if time.time_ns() - found.st_mtime_ns > _SETTLED_NS:
        _known[key] = (state, digest)
    return digest
