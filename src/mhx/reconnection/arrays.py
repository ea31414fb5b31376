"""Named arrays in one NPZ file: the same arrays are the same bytes, and no damage passes unseen.

An NPZ is a ZIP of `.npy` members.  Here the members are stored uncompressed, sorted by name, with
one fixed date, so that equal content has equal digests on any machine.  Each file names its
schema in a zero-dimensional string `schema`.  Nothing is ever pickled.  What a file must hold,
and what it means, is the business of `trajectory.py`.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mhx.errors import EvidenceError
from mhx.evidence import store

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date a ZIP can name
_ZIP64 = b"\x01\x00"  # the one extra field of a table of contents: a size above 4 GiB
_UNREADABLE = (  # all that `zipfile` and the npy reader raise on damaged bytes
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    OverflowError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


def write_arrays(path: Path, schema: str, arrays: Mapping[str, object]) -> None:
    """Write `arrays` and `schema` to `path`: the old file or the new one, never half of one."""
    whole = {"schema": schema, **arrays}
    members = {name: _npy(name, whole[name]) for name in sorted(whole)}

    def write(stream: BinaryIO) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for name, content in members.items():
                member = zipfile.ZipInfo(f"{name}.npy", _DATE)
                member.external_attr = 0o644 << 16
                archive.writestr(member, content)

    store.write_with(path, write, sum(map(len, members.values())))


def _npy(name: str, value: object) -> bytes:
    array = np.asarray(value, order="C")
    buffer = io.BytesIO()
    try:
        np.lib.format.write_array(buffer, array, allow_pickle=False)
    except ValueError as error:
        raise TypeError(f"array {name!r} of dtype {array.dtype} cannot be stored") from error
    return buffer.getvalue()


def read_arrays(path: Path, schema: str, required: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """All arrays of `path` but its schema, which must be `schema`; `required` ones must be there.

    Every member is read whole and its checksum compared, so a truncated or altered file is an
    `EvidenceError` that names the file and, where it is known, the array.
    """
    arrays: dict[str, np.ndarray] = {}
    name = ""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                arrays[name] = _array(archive, member)
    except FileNotFoundError as error:
        raise EvidenceError(
            f"{path}: no such file; expected arrays of schema {schema!r}"
        ) from error
    except _UNREADABLE as error:
        where = f"array {name!r} cannot be read" if name else "not a readable NPZ file"
        raise EvidenceError(
            f"{path}: {where}: {error or type(error).__name__}; "
            "the file is damaged or cut short: restore it, or let it be made again"
        ) from error
    _check_schema(path, arrays.pop("schema", None), schema)
    for name in required:
        if name not in arrays:
            there = ", ".join(sorted(arrays)) or "nothing"
            raise EvidenceError(f"{path}: array {name!r} is missing; the file holds: {there}")
    return arrays


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"compression method {member.compress_type} is not used here")
    if archive.comment or member.comment or member.extra[:2] not in (b"", _ZIP64):
        raise ValueError("a damaged table of contents: part of it may be hidden in a comment")
    stream = io.BytesIO(archive.read(member))  # read whole: this is what compares the checksum
    array = np.lib.format.read_array(stream, allow_pickle=False)
    if stream.read(1):
        raise ValueError("bytes after the last number")
    return array


def _check_schema(path: Path, found: np.ndarray | None, schema: str) -> None:
    if found is None or found.ndim or found.dtype.kind != "U":
        raise EvidenceError(f"{path}: array 'schema' is missing; expected {schema!r}")
    if str(found) == schema:
        return
    name, _, version = schema.rpartition(".v")
    other, _, there = str(found).rpartition(".v")
    advice = "it is another kind of file"
    if other == name and there.isdigit():
        advice = "an older mhx wrote it" if int(there) < int(version) else "a newer mhx wrote it"
    raise EvidenceError(f"{path}: array 'schema' is {str(found)!r}, expected {schema!r}: {advice}")


def checked(
    path: Path, arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], kind: str
) -> np.ndarray:
    """The array `name`, whose shape and kind (`numpy.dtype.kind`: i, f, c, U) must be these."""
    array = arrays[name]
    if array.shape != shape or array.dtype.kind != kind:
        raise EvidenceError(
            f"{path}: array {name!r} has shape {array.shape} and type {array.dtype}, "
            f"expected shape {shape} and kind {kind!r}"
        )
    return array


def scalar(path: Path, arrays: Mapping[str, np.ndarray], name: str, kind: str) -> Any:
    """The zero-dimensional array `name` as a Python value."""
    return checked(path, arrays, name, (), kind).item()
