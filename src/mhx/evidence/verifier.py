"""`verify.py` in the folders that it checks: without any package, wherever they are copied to.

The cases of a matrix have one file under many names: a link to the one that this process wrote
first, as long as that has the status it was left with.  The installed one is never linked.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mhx.evidence import verify
from mhx.evidence.store import write_bytes
from mhx.evidence.syncing import syncs_each

VERIFIER_NAME = "verify.py"


@dataclass(frozen=True)
class _Written:
    """A verifier that this process wrote, and its status since."""

    path: str
    status: tuple[int, ...]


_last: list[_Written] = []


def write_verifier(root: Path) -> Path:
    """Put `verify.py` into a folder, so that a plain Python can check it; returns its path."""
    path = root / VERIFIER_NAME
    if not (syncs_each() or path.exists()) and _linked(path):
        return path
    write_bytes(path, _content())
    _last[:] = [_Written(os.path.abspath(path), _status(path))]
    return path


def _linked(path: Path) -> bool:
    """Whether `path` is now a link to the file written before; False asks for a copy."""
    try:
        if not _last or _status(_last[0].path) != _last[0].status:
            return False
        os.link(_last[0].path, path)
    except OSError:  # another file system, too many links, gone in between
        return False
    return True


def _status(path: Path | str) -> tuple[int, ...]:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@cache
def _content() -> bytes:
    return Path(verify.__file__).read_bytes()
