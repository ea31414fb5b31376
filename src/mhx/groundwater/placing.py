"""Input files put into a run's folder: hard-linked to those of the run before, or written.

A child of a matrix shares most of its input with the one before it.  Links are made of inputs
alone: MODFLOW opens its outputs with truncation, and through a link that would empty them in every
folder.  For the same reason nothing here opens an existing file for writing: what differs is
written beside and renamed.  A file is linked only while it is, by its status, the one that this
process wrote.  Inputs can be made again, and the manifest holds their digests: nothing is synced.
"""

import contextlib
import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mhx.errors import RunError

_serial = itertools.count()


@dataclass(frozen=True)
class _Placed:
    """A file that this process wrote: where, what, and its status since."""

    path: Path
    content: bytes
    status: tuple[int, ...]


_placed: dict[str, _Placed] = {}


def place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files into `folder`, which is made where it is missing; RunError where it cannot be.

    Half of the files are of no use: they are taken away, and on a full disk their room is what the
    reason is recorded in.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            before, path = _placed.get(name), folder / name
            if before is None or before.content != content or not _linked(before, path):
                _renamed(path, content)
                _placed[name] = _Placed(path, content, _status(path))
    except OSError as error:
        for name in files:
            with contextlib.suppress(OSError):
                (folder / name).unlink()
        raise RunError(f"{error.filename or folder} cannot be written: {error}") from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a file of this run alone, whole or not at all, unsynced; RunError where it cannot."""
    try:
        _renamed(path, content)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error}") from error


def forget() -> None:
    """Link nothing that was written so far; for tests."""
    _placed.clear()


def _linked(before: _Placed, path: Path) -> bool:
    """Whether `path` is now a link to the file written before; False asks for a copy."""
    try:
        if _status(before.path) != before.status:
            return False
        try:
            os.link(before.path, path)
        except FileExistsError:
            if not os.path.samefile(before.path, path):
                path.unlink()
                os.link(before.path, path)
    except OSError:  # another file system, too many links, gone in between
        return False
    return True


def _renamed(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}-{next(_serial)}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _status(path: Path) -> tuple[int, ...]:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
