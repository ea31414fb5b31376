"""The files that a run reads, by name and digest; each is hashed once in a process.

A digest is used again as long as size, time and number of the file are what they were, unless it
was so new when it was hashed that a change within the clock's grain could go unseen.  Which files a
path stands for, where its type says so (`mhx.config.paths.CountedBy`), is asked again when one of
them has changed.
"""

import os
import posixpath
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from mhx.errors import ConfigError
from mhx.evidence.hashing import file_digest

State = tuple[int, int, int]
_SETTLED_NS = 2_000_000_000
_known: dict[str, tuple[State, str]] = {}
_listed: dict[tuple[str, str], tuple[tuple[Path, ...], tuple[State, ...]]] = {}


def input_digests(path: Path, name: str, counted_by: str = "") -> dict[str, str]:
    """SHA-256 of an input by its name; of a folder file by file.  ConfigError if unreadable.

    counted_by: "module:function" that says which files the path stands for; they are named by
    where they lie as seen from it.
    """
    try:
        if counted_by:
            here = path if path.is_dir() else path.parent
            above = name if path.is_dir() else posixpath.dirname(name)
            return {
                _beside(above, here, file): _digest(file) for file in _listing(path, counted_by)
            }
        if not path.is_dir():
            return {name: _digest(path)}
        return {
            f"{name}/{file.relative_to(path).as_posix()}": _digest(file) for file in _below(path)
        }
    except OSError as error:
        raise ConfigError(f"input {path} cannot be read: {error.strerror or error}") from error


def _beside(above: str, here: Path, file: Path) -> str:
    """The name of a file, seen from where `above` is the name of the folder `here`."""
    return posixpath.normpath(posixpath.join(above, Path(os.path.relpath(file, here)).as_posix()))


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))


def _listing(path: Path, counted_by: str) -> Sequence[Path]:
    """The files that a path stands for, asked again when one of them is not as it was."""
    key = (counted_by, os.path.abspath(path))
    kept = _listed.get(key)
    if kept is not None and all(map(_is_as_it_was, *kept)):
        return kept[0]
    module, _, name = counted_by.partition(":")
    files = tuple(Path(file) for file in getattr(import_module(module), name)(path))
    states = tuple(_state(file) for file in files)
    if all(time.time_ns() - changed > _SETTLED_NS for _, _, changed in states):
        _listed[key] = (files, states)
    return files


def _is_as_it_was(file: Path, state: State) -> bool:
    try:
        return _state(file) == state
    except OSError:
        return False


def _state(file: str | Path) -> State:
    found = os.stat(file)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _digest(path: Path) -> str:
    state = _state(path)
    key = os.path.abspath(path)
    kept = _known.get(key)
    if kept is not None and kept[0] == state:
        return kept[1]
    digest = file_digest(path)
    if time.time_ns() - state[2] > _SETTLED_NS:
        _known[key] = (state, digest)
    return digest
