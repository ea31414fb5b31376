"""What is flushed to the disk, and when.

A file that nobody vouches for is synced, and its folder with it, before its writer goes on.  A case
of a matrix has somebody: the launcher keeps a synced journal with the digests of what each case
left, so that a file which a power cut took is found and its case run again.  Its files are
therefore whole for every reader, but synced together, by one flush at the end.
"""

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

_each = ContextVar("_each", default=True)


def syncs_each() -> bool:
    """Whether files written now, in this thread, are synced one by one."""
    return _each.get()


@contextlib.contextmanager
def unsynced() -> Iterator[None]:
    """Leave the flushing of files written in here, in this thread, to whoever asked for them.

    Lines of journals are synced all the same.
    """
    token = _each.set(False)
    try:
        yield
    finally:
        _each.reset(token)


def settle(folder: Path | str) -> None:
    """Have on the disk what was written so far below `folder`: hours may go on from here."""
    if not _each.get():
        sync_file_system(folder)


def sync_folder(folder: Path | str) -> None:
    """Flush the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (
            errno.EINVAL,
            errno.ENOTSUP,
        ):  # file systems that cannot sync folders
            raise
    finally:
        os.close(handle)


def sync_file_system(folder: Path | str) -> None:
    """Flush all that was written to the file system of a folder: one flush for many files."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    except AttributeError:  # no Linux
        os.sync()
    finally:
        os.close(handle)
