"""What groundwater runs need of a machine, what is missing, and the one command that mends it.

Programs (`engines.py`), the mesh generator gmsh with its system libraries, flopy.  gmsh needs
libraries of a display even where there is none.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from mhx.errors import EngineMissing
from mhx.groundwater.engines import LICENCE, PROGRAMS, Engine, described, find
from mhx.report.answer import Answer

GMSH_PACKAGES = (
    *("libglu1-mesa", "libgl1", "libxrender1", "libxcursor1", "libxft2", "libxinerama1"),
    *("libxfixes3", "libfontconfig1", "libgomp1"),
)
_LIBRARY = re.compile(r"(lib[\w+-]+\.so[.\d]*)")
_EXTRA = "pip install 'mhx[groundwater]'"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that runs need.

    said: version and place, or what is wrong; mend: the command, empty where nothing is missing.
    needed: False for what only comparisons use.
    """

    name: str
    found: bool
    said: str
    mend: str = ""
    needed: bool = True
    engine: Engine | None = None


def checks() -> list[Check]:
    """Everything that is looked for, in the order in which a run would miss it."""
    return [*map(_engine, PROGRAMS), _gmsh(), _package("flopy"), _package("shapely")]


def examined() -> Answer:
    """`mhx engines doctor`: exit code 3 where a run would miss something."""
    found = checks()
    faults = [check for check in found if not check.found and check.needed]
    details = []
    for check in found:
        word = "found" if check.found else "missing" if check.needed else "not there"
        details.append(f"  {check.name:<9} {word:<9} {_indented(check.said)}")
        if check.mend:
            why = "" if check.needed else ", for comparisons only"
            details.append(f"            mend{why}: {check.mend}")
    verdict = ", ".join(check.name for check in faults) or "nothing"
    return Answer(
        headline=f"groundwater runs miss {verdict}",
        details=details,
        next=faults[0].mend if faults else "",
        document={"checks": [_stored(check) for check in found]},
        exit_code=EngineMissing.exit_code if faults else 0,
    )


def listed() -> Answer:
    """`mhx engines list`: what is found of the programs, and under which licence."""
    found = [_engine(name) for name in PROGRAMS]
    engines = [check.engine for check in found if check.engine]
    missing = [check for check in found if check.engine is None]
    absent = [check.name for check in missing]
    details = [line for engine in engines for line in _lines(engine)]
    details += [f"  {check.name:<9} missing {_indented(check.said)}" for check in missing]
    return Answer(
        headline=f"{len(engines)} of {len(PROGRAMS)} programs found"
        + (f"; not there: {', '.join(absent)}" if absent else ""),
        details=details,
        next=f"mhx engines install {' '.join(absent)}" if absent else "",
        document={"engines": [described(engine) for engine in engines], "absent": absent},
    )


def _lines(engine: Engine) -> list[str]:
    return [
        f"  {engine.name:<9} {engine.version:<7} {engine.path} ({engine.place})",
        f"            {engine.line}; {LICENCE}",
        f"            SHA-256 {engine.sha256}",
    ]


def _indented(text: str) -> str:
    return text.replace("\n", f"\n{'':<20}")


def _stored(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "found": check.found,
        "needed": check.needed,
        "said": check.said,
        "mend": check.mend or None,
        "engine": described(check.engine) if check.engine else None,
    }


def import_gmsh() -> ModuleType:
    """gmsh, or EngineMissing that names the missing libraries and the line that installs them."""
    check = _gmsh()
    if not check.found:
        raise EngineMissing(f"{check.said}; install with: {check.mend}")
    return importlib.import_module("gmsh")


def apt_line() -> str:
    """The command that installs the system libraries of gmsh on Debian and its kin."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y {' '.join(GMSH_PACKAGES)}"


def _engine(name: str) -> Check:
    needed, variable = name == "mf6", PROGRAMS[name].variable
    try:
        engine = find(name)
    except EngineMissing as error:
        return Check(
            name=name,
            found=False,
            said=str(error).rpartition("\ninstall it with")[0] or str(error),
            mend=f"unset {variable}" if variable in os.environ else f"mhx engines install {name}",
            needed=needed,
        )
    return Check(
        name=name,
        found=True,
        said=f"{engine.version} at {engine.path} ({engine.place}), SHA-256 {engine.sha256}",
        needed=needed,
        engine=engine,
    )


def _gmsh() -> Check:
    try:
        importlib.import_module("gmsh")
    except ModuleNotFoundError:
        return Check(name="gmsh", found=False, said="gmsh is not installed", mend=_EXTRA)
    except (ImportError, OSError) as error:
        missing = missing_libraries(_library()) or _LIBRARY.findall(str(error))
        said = f"gmsh cannot be loaded: {error}"
        if missing:
            libraries = "library" if len(missing) == 1 else "libraries"
            said = f"gmsh lacks the system {libraries} {', '.join(missing)}"
        return Check(name="gmsh", found=False, said=said, mend=apt_line())
    return Check(name="gmsh", found=True, said=metadata.version("gmsh"))


def missing_libraries(library: Path | None) -> list[str]:
    """What a shared library needs and the loader does not find; [] where none can tell."""
    ldd = shutil.which("ldd")
    if library is None or ldd is None:
        return []
    listed = subprocess.run([ldd, library], capture_output=True, text=True, check=False).stdout
    return [line.split()[0] for line in listed.splitlines() if line.endswith("=> not found")]


def _library() -> Path | None:
    """The shared library that the Python module gmsh loads, beside it or in `lib` above it."""
    spec = importlib.util.find_spec("gmsh")
    if spec is None or spec.origin is None:
        return None
    folders = [base / part for base in Path(spec.origin).parents[:4] for part in (".", "lib")]
    found = (path for folder in folders for path in sorted(folder.glob("libgmsh*so*")))
    return next(found, None)


def _package(name: str) -> Check:
    try:
        return Check(name=name, found=True, said=metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name=name, found=False, said=f"{name} is not installed", mend=_EXTRA)
