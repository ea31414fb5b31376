"""Many small files at once: each whole or not at all, flushed together.

A flush for each of ten thousand files costs more than making them.  Here all drafts are written
beside their names, the file system is flushed once, then the drafts are renamed and the folder is
flushed: as with `store.write_bytes` no reader, and no crash, ever meets half a file.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from mhx.evidence.store import draft_path, explained, make_folder
from mhx.evidence.syncing import sync_file_system, sync_folder


def write_many(folder: Path, files: Iterable[tuple[str, bytes]]) -> int:
    """Write the files that do not stand in `folder` with this content; how many that were.

    OSErrors leave as a RunError that names path and need, as in `store`; nothing is renamed then.
    """
    make_folder(folder)
    there = set(os.listdir(folder))
    drafts: list[tuple[str, str]] = []
    try:
        for name, content in files:
            target = os.path.join(folder, name)
            with explained(Path(target), len(content)):
                if name in there and read(target) == content:
                    continue
                draft = str(draft_path(Path(target)))
                drafts.append((draft, target))
                _write(draft, content)
        if drafts:
            sync_file_system(folder)
        for draft, target in drafts:
            with explained(Path(target), 0):
                os.replace(draft, target)
    except BaseException:
        for draft, _ in drafts:
            with contextlib.suppress(OSError):
                os.unlink(draft)
        raise
    sync_folder(folder)
    return len(drafts)


def read(path: str) -> bytes:
    """The bytes of a small file, by the shortest way."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, os.fstat(handle).st_size + 1)
    finally:
        os.close(handle)


def _write(path: str, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)
