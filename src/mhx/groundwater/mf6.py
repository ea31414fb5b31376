"""Run MODFLOW 6 in a folder and say what came of it.

Success is exit status 0, the words of a normal end, and no step that failed to converge: each of
them alone can be had from a run that is none.  Whatever else happens leaves here as a SolverError
that quotes the listing and names the line.  Screen output stays beside the listings.
"""

import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mhx.errors import SolverError
from mhx.groundwater import listing
from mhx.groundwater.listing import Listing
from mhx.groundwater.writer import BUDGET, HEADS, LISTING, SIMULATION_LISTING

SCREEN = "mf6.out"
"""What the program printed."""
_TIMES = ("Run start date", "Run end date", "Elapsed run time")


def run_mf6(exe: Path, folder: Path, timeout_s: float | None = None) -> Listing:
    """Carry out the model in `folder`; SolverError unless every step converged.

    timeout_s: wall clock after which the process is killed; None: no limit.
    """
    # an old listing must not speak for this run, and what is opened with truncation may be a link
    for stale in (SIMULATION_LISTING, LISTING, SCREEN, HEADS, BUDGET):
        (folder / stale).unlink(missing_ok=True)
    ended = carry_out([str(exe)], folder, SCREEN, timeout_s)
    found = listing.read(folder / SIMULATION_LISTING, folder / LISTING)
    return judged(ended, found, folder, timeout_s)


def judged(
    ended: tuple[int, bool, float], found: Listing, folder: Path, timeout_s: float | None
) -> Listing:
    """What the listings tell of a run, with its seconds; SolverError unless every step converged.

    ended: what `carry_out` returned.
    """
    status, overran, wall_s = ended
    place = f"{folder.name}/{SIMULATION_LISTING}"
    if overran:
        raise SolverError(
            f"MODFLOW 6 did not finish within {timeout_s:g} s (solver.mf6.timeout_s)"
            f"{_reached(found)}; see {place}"
        )
    if status < 0:
        name = signal.Signals(-status).name
        raise SolverError(
            f"MODFLOW 6 was killed by signal {-status} ({name}){_reached(found)}; see {place}"
        )
    _refuse_unconverged(found, place)
    if status or not found.normal:
        told = _complaints(found) or last_words(folder / SCREEN)
        line = f" line {found.error_line}" if found.error_line else ""
        how = f"with exit status {status}" if status else f"without {listing.NORMAL!r}"
        raise SolverError(f"MODFLOW 6 stopped {how}: {told}; see {place}{line}")
    if not found.steps:
        raise SolverError(f"MODFLOW 6 solved no time step; see {place}")
    return replace(found, wall_s=wall_s)


def carry_out(
    words: Sequence[str], folder: Path, printed: str, timeout_s: float | None
) -> tuple[int, bool, float]:
    """Exit status of a command, whether the time limit ended it, and seconds of wall clock.

    printed: the file in `folder` that takes what it prints.
    """
    began = time.perf_counter()
    with (folder / printed).open("wb") as screen:
        try:
            process = subprocess.Popen(
                words,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise SolverError(f"{words[0]} cannot be started: {error.strerror or error}") from error
        overran = threading.Event()
        # wait(timeout) would look only every 50 ms, twice the time of a small model
        limit = None
        if timeout_s is not None:
            longest = min(timeout_s, threading.TIMEOUT_MAX)
            limit = threading.Timer(longest, _end, (process, overran))
        try:
            if limit is not None:
                limit.start()
            status = process.wait()
        finally:
            if limit is not None:
                limit.cancel()
            if process.poll() is None:  # interrupted: nothing may go on computing
                process.kill()
                process.wait()
    return status, overran.is_set(), time.perf_counter() - began


def _end(process: subprocess.Popen[bytes], overran: threading.Event) -> None:
    if process.poll() is None:
        overran.set()
        process.kill()


def _refuse_unconverged(found: Listing, place: str) -> None:
    failed = [step for step in found.steps if not step.converged]
    if failed:
        step = failed[0]
        more = f", and in {len(failed) - 1} more steps" if failed[1:] else ""
        # a listing that was not asked to print its iterations tells of none
        after = f" ({step.outer} outer iterations)" if step.outer else ""
        raise SolverError(
            f"MODFLOW 6 did not converge in stress period {step.period}, time step {step.step}"
            f"{after}{more}; see {place} line {step.line}"
        )


def _complaints(found: Listing) -> str:
    more = f"; and {len(found.errors) - 3} more" if found.errors[3:] else ""
    return "; ".join(found.errors[:3]) + more


def _reached(found: Listing) -> str:
    if not found.steps:
        return ""
    last = found.steps[-1]
    return f"; it was in stress period {last.period}, time step {last.step}"


def last_words(screen: Path) -> str:
    """What the Fortran library said, else the last lines that were printed, in one."""
    lines = screen.read_bytes().decode("utf-8", "replace").split("\n")
    said = [" ".join(line.split()) for line in lines if line.strip()]
    said = [line for line in said if not line.startswith(_TIMES)]  # else no run reads as another
    fortran = [line for line in said if line.startswith("forrtl:")]
    return " / ".join(fortran or said[-3:]) or "it printed nothing"
