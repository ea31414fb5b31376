"""Carries out MODFLOW-NWT and MT3D-USGS, whose exit status tells nothing.

Success is the words of a normal end on the screen; whether every step converged is the listing's to
say, and is asked by the caller.  What else happens leaves here as a SolverError that quotes the
last words and names the line.
"""

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mhx.errors import SolverError
from mhx.groundwater.mf6 import carry_out, last_words


@dataclass(frozen=True, kw_only=True)
class Program:
    """One of the two programs.

    title: its name in messages.  names: the file that it is started with.  listing, screen: where
    it tells of a run.  normal: its words of a normal end.  key: the table of its settings.
    """

    title: str
    names: str
    listing: str
    screen: str
    normal: str
    key: str


def run(
    program: Program, exe: Path, folder: Path, timeout_s: float | None, stale: Iterable[str]
) -> float:
    """Seconds of wall clock of a run that ended as it should; SolverError otherwise.

    stale: outputs of an earlier run, which are removed: they must not speak for this one, and may
    be links.
    """
    for name in (program.listing, program.screen, *stale):
        (folder / name).unlink(missing_ok=True)
    status, overran, wall_s = carry_out(
        [str(exe), program.names], folder, program.screen, timeout_s
    )
    place = f"{folder.name}/{program.listing}"
    if overran:
        raise SolverError(
            f"{program.title} did not finish within {timeout_s:g} s ({program.key}.timeout_s); "
            f"see {place}"
        )
    if status < 0:
        name = signal.Signals(-status).name
        raise SolverError(f"{program.title} was killed by signal {-status} ({name}); see {place}")
    printed = (folder / program.screen).read_bytes().decode("utf-8", "replace")
    if status or program.normal not in printed:
        told, where = _reason(folder / program.listing, folder / program.screen)
        raise SolverError(f"{program.title} stopped: {told}; see {where}")
    return wall_s


def _reason(listing: Path, screen: Path) -> tuple[str, str]:
    """Why a program stopped, and where that stands: an error it printed, else its last words."""
    for path in (screen, listing):
        lines = _lines(path)
        for number, line in enumerate(lines, start=1):
            if "ERROR" in line.upper() and "STOP EXECUTION" not in line.upper():
                return " ".join(line.split()), f"{path.parent.name}/{path.name} line {number}"
    lines = _lines(listing)
    for number in range(len(lines), 0, -1):
        if lines[number - 1].strip():
            told = " ".join(lines[number - 1].split())
            return told, f"{listing.parent.name}/{listing.name} line {number}"
    return last_words(screen), f"{screen.parent.name}/{screen.name}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
