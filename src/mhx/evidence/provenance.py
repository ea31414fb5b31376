"""Where a file comes from: code, versions, machine, command.  Circumstance, never identity.

`code_digest` covers the package files as installed, so that a wheel and the clean tree that it was
built from have one digest; `git` is filled only when those files are tracked by a work tree, and
`wheel` only when they were installed from one.
"""

import base64
import csv
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mhx import __version__
from mhx.evidence.hashing import content_digest, file_digest

API_VERSION = "v1"
_PACKAGE = Path(__file__).parents[1]
_DEPENDENCIES = (
    *("numpy", "scipy", "jax", "jaxlib", "matplotlib", "pillow"),
    *("pydantic", "typer", "filelock", "tomli-w"),
)


def provenance(
    *,
    command: Sequence[str] | None = None,
    device: str | None = None,
    dtype: str | None = None,
) -> dict[str, Any]:
    """The provenance keys of a manifest; `command` is this process's own unless given."""
    return {
        "api_version": API_VERSION,
        "created_utc": now(),
        "mhx_version": __version__,
        "git": dict(git()),
        "wheel": wheel(),
        "code_digest": code_digest(),
        "dependencies": dict(dependencies()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "device": device,
        "dtype": dtype,
        "command": list(own_command() if command is None else command),
    }


def now() -> str:
    """This moment, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def own_command() -> list[str]:
    """The command line of this process, its program by name only."""
    if not sys.argv:
        return []
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name  # python -m mhx
    return [name, *sys.argv[1:]]


@cache
def code_digest() -> str:
    """Content digest of the installed package files, by relative path."""
    return content_digest(dict(_files()))


@cache
def wheel() -> bool | None:
    """True where the package files are those of the wheel that was installed, by its `RECORD`.

    False: edited, added or removed since; None: not installed from a wheel.
    """
    name = _PACKAGE.name
    records = list(_PACKAGE.parent.glob(f"{name}-*.dist-info/RECORD"))
    if len(records) != 1:
        return None
    with records[0].open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.reader(stream) if len(row) > 1]
    listed = {
        row[0].removeprefix(f"{name}/"): row[1]
        for row in rows
        if row[0].startswith(f"{name}/") and not row[0].endswith(".pyc")
    }
    found = {path: _as_recorded(digest) for path, digest in _files().items()}
    return found == listed if listed else None


@cache
def _files() -> dict[str, str]:
    """Digest of each package file, by relative path; what Python compiled is left out."""
    files = sorted(
        path
        for path in _PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )
    return {path.relative_to(_PACKAGE).as_posix(): file_digest(path) for path in files}


def _as_recorded(digest: str) -> str:
    """A digest as `RECORD` spells it: PEP 376, base64 without padding."""
    return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")


@cache
def dependencies() -> dict[str, str]:
    """Versions of what is installed of the packages that mhx builds on."""
    versions = {}
    for name in _DEPENDENCIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


@cache
def git() -> dict[str, Any]:
    """Commit and state of the work tree that tracks the package; both None for a wheel."""
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return {"commit": None, "dirty": None}
    changes = _git("status", "--porcelain", "--", ".")
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": None if changes is None else bool(changes),
    }


def _git(*words: str) -> str | None:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", "-C", str(_PACKAGE), *words],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={**plain, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):  # no git here
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
