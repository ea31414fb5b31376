"""Where the programs of the USGS are found, and what was found: path, version, SHA-256.

Looked for in this order: the key of the configuration (`solver.mf6.exe`), the environment
(`MHX_MF6`), PATH, the engines folder (`MHX_ENGINES`, else the user data folder of mhx).  A place
that names a program outright (key, environment) must hold a usable one; of PATH and the engines
folder the first usable one counts.  Nothing is installed here: `install.py`.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mhx.errors import EngineMissing
from mhx.evidence.hashing import file_digest

LICENCE = "public domain (CC0), a program of the U.S. Geological Survey"
MADE_BY_GMSH = ("triangles", "voronoi")
"""Kinds of mesh whose cells come from gmsh."""
NEEDS = {"mf6": ("mf6",), "mfnwt": ("mfnwt",), "mt3dusgs": ("mfnwt", "mt3dusgs")}
"""`engine` of a configuration -> the executables that it needs; the others are libraries."""
_ANSWER_WITHIN_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is known of an engine before it is found.

    words: what it is asked to make it say its version; version: how that line reads.
    oldest: the first version that our input files are written for.
    """

    name: str
    title: str
    variable: str
    words: tuple[str, ...]
    version: str
    oldest: tuple[int, ...]
    key: str = ""


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            name="mf6",
            title="MODFLOW 6",
            variable="MHX_MF6",
            words=("--version",),
            version=r"mf6: (?P<version>\d+\.\d+\.\d+)",
            oldest=(6, 4, 1),
            key="solver.mf6.exe",
        ),
        Program(
            name="mfnwt",
            title="MODFLOW-NWT",
            variable="MHX_MFNWT",
            words=("no-such-model",),  # it has no --version; an absent model makes it say who it is
            version=r"MODFLOW-NWT[\s\S]*?Version (?P<version>\d+\.\d+\.\d+)",
            oldest=(1, 3, 0),
            key="solver.mfnwt.exe",
        ),
        Program(
            name="mt3dusgs",
            title="MT3D-USGS",
            variable="MHX_MT3DUSGS",
            words=("no-such-model",),
            version=r"MT3D-USGS[\s\S]*?\[Ver (?P<version>\d+\.\d+\.\d+)",
            oldest=(1, 1, 0),
            key="solver.mt3dusgs.exe",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A usable program.

    version: "6.4.1"; line: what it says of itself; place: which of the places looked at held it.
    """

    name: str
    path: Path
    version: str
    line: str
    sha256: str
    place: str

    @property
    def identity(self) -> str:
        """What enters the digest of a case: version and content, not where it lies."""
        return f"{self.version} {self.sha256}"


class _Unusable(Exception):
    """Why a file is not the program that is looked for."""


def find(name: str, explicit: Path | None = None) -> Engine:
    """The program `name`, by the order of this module.

    explicit: the path under the key of the configuration, absolute; None where it is not set.
    EngineMissing lists every place looked at and names the command that installs it.
    """
    program = PROGRAMS[name]
    looked: list[str] = []
    for place, path, named in _places(program, explicit):
        if path is None:
            looked.append(f"{place}: not set" if named else f"{place}: no {name} there")
            continue
        try:
            return _examined(program, path, place)
        except _Unusable as reason:
            if named:
                raise EngineMissing(f"{place} names {path}, {reason}") from reason
            looked.append(f"{place}: {path} left out, {reason}")
    places = "".join(f"\n  {line}" for line in looked)
    raise EngineMissing(
        f"{program.title} ({name}) was not found; looked at:{places}\n"
        f"install it with: mhx engines install {name}"
    )


def examine(name: str, path: Path) -> Engine:
    """The program of one file; EngineMissing says why it is none that can be used."""
    try:
        return _examined(PROGRAMS[name], path, "given")
    except _Unusable as reason:
        raise EngineMissing(f"{path}, {reason}") from reason


def described(engine: Engine) -> dict[str, str]:
    """An engine as manifests and `--json` hold it."""
    return {
        "name": engine.name,
        "version": engine.version,
        "version_line": engine.line,
        "path": str(engine.path),
        "sha256": engine.sha256,
        "found_in": engine.place,
        "licence": LICENCE,
    }


def noted(programs: Iterable[Engine], libraries: Iterable[str]) -> dict[str, str]:
    """What a run says of the programs it used; the manifest keeps it under `engines`."""
    found = {}
    for engine in programs:
        told = described(engine)
        for key in ("version", "version_line", "path", "sha256"):
            found[f"engine.{engine.name}.{key}"] = told[key]
    found |= {f"engine.{name}.version": _library_version(name) for name in libraries}
    return found


def libraries_of(engine: str, mesh_kind: str | None) -> tuple[str, ...]:
    """The Python packages that decide the numbers of a run besides the executables."""
    mesh = ("gmsh",) if mesh_kind in MADE_BY_GMSH else ()
    return (*mesh, *(("scikit-fem",) if engine.startswith("fem_") else ()))


def engines_folder() -> Path:
    """Where `mhx engines install` puts programs: MHX_ENGINES, else the user data folder."""
    if given := os.environ.get("MHX_ENGINES"):
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "mhx" / "engines"


def file_name(name: str) -> str:
    """The file of an engine in the engines folder."""
    return f"{name}.exe" if sys.platform == "win32" else name


def receipt_path(path: Path) -> Path:
    """What `mhx engines install` wrote beside a program: source, version, SHA-256."""
    return path.with_name(f"{path.name}.json")


def identity(config: Mapping[str, Any]) -> Mapping[str, str]:
    """Which programs a simulation uses: name -> version and SHA-256; gmsh by its version.

    config: an ordinary configuration of mode `simulation`, input paths absolute.  EngineMissing
    where one of them cannot be found.
    """
    types = {
        entry.get("type")
        for entry in config.get("simulation", {}).get("process", ())
        if entry.get("enabled", True)
    }
    found = {}
    engine = config.get("engine", "mf6")
    if "flow" in types:
        for name in NEEDS.get(engine, ()):
            exe = config.get("solver", {}).get(name, {}).get("exe")
            found[name] = find(name, Path(exe) if exe else None).identity
    mesh = None if config.get("model") else config.get("mesh", {}).get("kind", "voronoi")
    if types:
        found |= {name: _library_version(name) for name in libraries_of(engine, mesh)}
    return found


def version_tuple(version: str) -> tuple[int, ...]:
    """ "6.4.1" as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def _places(program: Program, explicit: Path | None) -> Iterator[tuple[str, Path | None, bool]]:
    """Place, the path there or None, and whether the place names it outright."""
    if program.key:
        yield program.key, explicit, True
    given = os.environ.get(program.variable)
    yield program.variable, Path(given).expanduser().absolute() if given else None, True
    on_path = shutil.which(program.name)
    yield "PATH", Path(on_path).absolute() if on_path else None, False
    installed = engines_folder() / file_name(program.name)
    yield f"engines folder {installed.parent}", installed if installed.exists() else None, False


def _examined(program: Program, path: Path, place: str) -> Engine:
    """What a file says of itself; read again only when the file has changed."""
    try:
        state = path.stat()
    except OSError as error:
        raise _Unusable(f"which cannot be opened ({error.strerror or error})") from error
    if path.is_dir():
        raise _Unusable("which is a folder; name the program itself")
    if not os.access(path, os.X_OK):
        raise _Unusable(f"which is not executable; make it so with: chmod +x {path}")
    stamp = (state.st_size, state.st_mtime_ns, state.st_ino)
    version, line, sha256 = _read(program.name, path, stamp)
    _hold_against_receipt(path, sha256)
    return Engine(
        name=program.name, path=path, version=version, line=line, sha256=sha256, place=place
    )


@lru_cache(maxsize=64)
def _read(name: str, path: Path, state: tuple[int, int, int]) -> tuple[str, str, str]:
    program = PROGRAMS[name]
    sha256 = file_digest(path)
    answer = _answer(path, program.words)
    found = re.search(program.version, answer)
    if found is None:
        said = next((line.strip() for line in answer.splitlines() if line.strip()), "nothing")
        raise _Unusable(f"which is not {program.title}: asked who it is, it said {said[:80]!r}")
    version = found["version"]
    if version_tuple(version) < program.oldest:
        oldest = ".".join(str(part) for part in program.oldest)
        raise _Unusable(
            f"which is version {version}; {oldest} or newer is needed, for the input files are "
            f"written for it; install one with: mhx engines install {name}"
        )
    start = answer.rfind("\n", 0, found.start("version")) + 1
    line = answer[start:].splitlines()[0].strip()
    return version, line, sha256


def _answer(path: Path, words: tuple[str, ...]) -> str:
    """What a program says of itself, standard output first."""
    try:
        with tempfile.TemporaryDirectory() as folder:  # whatever it is, it may leave files
            done = subprocess.run(
                [path, *words],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_ANSWER_WITHIN_S,
                check=False,
                cwd=folder,
            )
    except subprocess.TimeoutExpired as error:
        raise _Unusable(f"which did not say its version within {_ANSWER_WITHIN_S:g} s") from error
    except OSError as error:
        raise _Unusable(f"which this machine cannot execute ({error.strerror or error})") from error
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _hold_against_receipt(path: Path, sha256: str) -> None:
    """A program installed by us is what it was when it was installed."""
    with contextlib.suppress(OSError, ValueError):
        recorded = json.loads(receipt_path(path).read_text("utf-8"))["sha256"]
        if recorded != sha256:
            raise _Unusable(
                f"which was altered since it was installed (SHA-256 {sha256[:12]}, not "
                f"{recorded[:12]}); install it again with: mhx engines install {path.stem}"
            )


@lru_cache(maxsize=8)
def _library_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"
