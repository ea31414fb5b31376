"""Files written whole or not at all, and read with checks.

A reader sees the old file or the new one, never half of one: every write goes to a draft beside its
final name, is synced, renamed, and the folder synced (`syncing` says who may do without).  JSON is
RFC 8259: UTF-8, two-space indent, sorted keys, final newline; numbers that are not finite become
null.  Journals (`*.jsonl`) only grow: each line carries the digest of the line before (`previous`)
and its own (`digest`), so that a changed, lost or inserted line is found; a torn last line is what
a killed writer leaves and is skipped.
"""

import contextlib
import errno
import fcntl
import hashlib
import itertools
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Self

from mhx.errors import EvidenceError, RunError
from mhx.evidence.hashing import canonical, content_digest
from mhx.evidence.parsing import parse_json
from mhx.evidence.rendering import json_text
from mhx.evidence.syncing import sync_folder, syncs_each

_DRAFT = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)-\d+\.part")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_serial = itertools.count()


def write_bytes(path: Path | str, content: bytes) -> None:
    """Readers see the old file or the new one, never half of one."""
    target = Path(path)
    with explained(target, len(content)):
        _ask_for_room(target, len(content))
        _replace(target, lambda stream: stream.write(content))


def write_text(path: Path | str, text: str) -> None:
    """Text as UTF-8, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """RFC 8259: NaN and infinities become null."""
    write_bytes(path, render_json(value))


def write_with(
    path: Path | str, writer: Callable[[BinaryIO], object], expected_bytes: int = 0
) -> None:
    """Let `writer` fill the draft (an NPZ, a picture), then put it in place in one go.

    expected_bytes: size where it is known beforehand, to find a full disk before the write.
    """
    target = Path(path)
    with explained(target, expected_bytes):
        _ask_for_room(target, expected_bytes)
        _replace(target, writer)


def render_json(value: Any) -> bytes:
    """The bytes that `write_json` writes."""
    return (json_text(value, strict) + "\n").encode(
        "utf-8", "backslashreplace"
    )  # names that are not UTF-8


def read_json(path: Path | str, schema: str | None = None) -> dict[str, Any]:
    """A JSON object, refused when it is missing, torn, not RFC 8259, or of another schema."""
    place = Path(path)
    try:
        document = parse_json(place.read_bytes())
    except OSError as error:
        _missing(place, error)
    except ValueError as error:
        raise EvidenceError(f"{place} is torn or altered: {error}; restore it") from error
    if schema is not None:
        _check_schema(place, document.get("schema"), schema)
    return document


def strict(value: Any) -> Any:
    """A value as JSON can hold it: plain tables and lists, null for what is not finite."""
    kind = type(value)
    if kind is dict and {str}.issuperset(map(type, value)):  # most of what is stored
        return {key: strict(entry) for key, entry in value.items()}
    if kind is list or isinstance(value, list | tuple):
        return [strict(entry) for entry in value]
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"JSON tables have text keys, got {key!r}")
        return {key: strict(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):  # the numbers and arrays of array libraries
        return strict(value.tolist())
    raise TypeError(f"JSON holds plain values, got {value!r}")


def append_chained(path: Path | str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Add one line to a journal and sync it; a torn last line is dropped first."""
    target = Path(path)
    if taken := {"previous", "digest"} & record.keys():
        raise ValueError(f"{', '.join(sorted(taken))}: the words of the chain itself")
    with explained(target, len(canonical(strict(record)))):
        make_folder(target.parent)
        is_new = not target.exists()
        with target.open("a+b", buffering=0) as stream:  # a buffer would write again what failed
            fcntl.flock(stream, fcntl.LOCK_EX)  # two writers queue up; freed when closed
            stream.seek(0)
            content = stream.read()
            end = content.rfind(b"\n") + 1
            lines = _checked_lines(target, content[:end])
            body = {**strict(record), "previous": lines[-1]["digest"] if lines else None}
            line = {**body, "digest": content_digest(body)}
            _add_line(stream, end, canonical(line).encode("ascii") + b"\n")
        if is_new:
            sync_folder(target.parent)
    return line


class Journal:
    """A chained journal in the hands of one writer: checked once, then a line costs one sync.

    For whoever holds the lock of the folder, and writes many lines: `append_chained` reads the
    whole journal for each.  `lines` are those found when it was opened.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.lines: list[dict[str, Any]] = []
        self._stream: FileIO | None = None
        self._end = self._count = 0
        self._last: str | None = None

    def __enter__(self) -> Self:
        with explained(self.path, 0):
            make_folder(self.path.parent)
            is_new = not self.path.exists()
            stream = FileIO(self.path, "a+")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)  # a straggler finishes its line; freed when closed
            stream.seek(0)
            content = stream.readall() or b""
            self._end = content.rfind(b"\n") + 1
            self.lines = _checked_lines(self.path, content[: self._end])
            if is_new:
                sync_folder(self.path.parent)
        except BaseException:
            stream.close()
            raise
        self._stream = stream
        self._count = len(self.lines)
        self._last = self.lines[-1]["digest"] if self.lines else None
        return self

    def __exit__(self, *ended: object) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @property
    def place(self) -> dict[str, Any]:
        """Where the journal is now: number of lines, digest of the last one."""
        return {"lines": self._count, "digest": self._last or ""}

    def append(self, record: Mapping[str, Any], *, sync: bool = True) -> None:
        """Add one line; without `sync` it survives the death of the process, not of the machine."""
        if self._stream is None:
            raise ValueError(f"{self.path} is not open")
        body = {**strict(record), "previous": self._last}
        line = {**body, "digest": content_digest(body)}
        content = canonical(line).encode("ascii") + b"\n"
        with explained(self.path, len(content)):
            _add_line(self._stream, self._end, content, sync=sync)
        self._end += len(content)
        self._count += 1
        self._last = line["digest"]


def read_chained(path: Path | str) -> list[dict[str, Any]]:
    """The lines of a journal, oldest first; [] when there is none; a torn last line is skipped."""
    place = Path(path)
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        _missing(place, error)
    return _checked_lines(place, content[: content.rfind(b"\n") + 1])


def drafts(root: Path | str) -> list[Path]:
    """Drafts that killed writers left below a folder."""
    return sorted(
        Path(folder) / name
        for folder, _, names in os.walk(root)
        for name in names
        if is_draft(name)
    )


def is_draft(name: str) -> bool:
    """True for the name of a file that was being written."""
    return name.endswith(".part") and _DRAFT.fullmatch(name) is not None


def sweep_drafts(root: Path | str) -> list[Path]:
    """Remove the drafts below a folder; for whoever holds its lock: no writer is at work."""
    left_over = drafts(root)
    for path in left_over:
        with contextlib.suppress(OSError):  # read-only or already gone: harmless where it is
            path.unlink()
    return left_over


def draft_path(target: Path) -> Path:
    """A name beside a file for what is to become it; no other writer has it."""
    return target.with_name(f".{target.name}.{os.getpid()}-{next(_serial)}.part")


def _replace(target: Path, writer: Callable[[BinaryIO], object]) -> None:
    make_folder(target.parent)
    draft = draft_path(target)
    try:
        with draft.open("wb") as stream:
            writer(stream)
            if syncs_each():
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    if syncs_each():
        sync_folder(target.parent)  # or the rename itself may be lost with the power


def _add_line(stream: FileIO, end: int, line: bytes, *, sync: bool = True) -> None:
    stream.truncate(end)
    try:
        while line:
            line = line[stream.write(line) :]  # short where the disk is nearly full
        if sync:
            os.fsync(stream.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            stream.truncate(end)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each flushed."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    if syncs_each():
        sync_folder(folder.parent)


def _ask_for_room(target: Path, needed: int) -> None:
    """Refuse before the first byte where the file system says that it will not fit."""
    folder = target.parent
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    if usage.total and needed > usage.free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def explained(target: Path, needed: int) -> Iterator[None]:
    """What the file system refuses leaves here as a RunError that names path and need."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            need = (
                f"{needed} bytes needed" if needed else "the bytes needed were not known beforehand"
            )
            raise RunError(
                f"no space left for {target}: {need}, {_free(target)} free; "
                "the file before it is unchanged; make room and run the same command again"
            ) from error
        raise RunError(
            f"cannot write {target}: {error.strerror or error}; nothing was changed"
        ) from error


def _free(target: Path) -> int:
    folder = target.parent
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _checked_lines(place: Path, content: bytes) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    previous = None
    for number, raw in enumerate(content.split(b"\n")[:-1], start=1):
        fault = "is not as it was written"
        with contextlib.suppress(ValueError):
            line = parse_json(raw)
            if _as_written(raw, line.get("digest")):
                fault = (
                    "" if line.get("previous") == previous else "does not follow the line before"
                )
        if fault:
            raise EvidenceError(
                f"{place}:{number} {fault}: the journal was altered; restore it from a copy"
            )
        previous = line["digest"]
        lines.append(line)
    return lines


def _as_written(raw: bytes, digest: Any) -> bool:
    """True when the line without its digest has that digest: only canonical bytes can."""
    entry = f'"digest":"{digest}"'.encode()
    for joined in (entry + b",", b"," + entry):
        before, found, after = raw.partition(joined)
        if found and hashlib.sha256(before + after).hexdigest() == digest:
            return True
    return False


def _check_schema(place: Path, found: Any, wanted: str) -> None:
    if found == wanted:
        return
    if not isinstance(found, str):
        raise EvidenceError(
            f"{place} has no schema, {wanted} was expected; it is not a file of mhx"
        )
    ours, theirs = (re.fullmatch(r"(.+)\.v(\d+)", name) for name in (wanted, found))
    advice = "it is another file"
    if ours and theirs and ours[1] == theirs[1]:
        newer = int(theirs[2]) > int(ours[2])
        advice = (
            "it was written by a newer mhx; update"
            if newer
            else "it was written by an older mhx; read it with that version"
        )
    raise EvidenceError(f"{place} has the schema {found}, {wanted} was expected; {advice}")


def _missing(place: Path, error: OSError) -> NoReturn:
    what = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
    raise EvidenceError(f"{place} {what} ({error.strerror or error})") from error
