"""Whether MODFLOW 6 succeeded: exit status, its words and every step, none of them alone."""

import math
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from mhx.errors import SolverError
from mhx.groundwater import listing, writer
from mhx.groundwater.mf6 import SCREEN, run_mf6

from .models import chd, model, written

RAIN = {"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-8}
HARD = {
    "source": [RAIN],
    "solver__mf6": {"outer_maximum": 2, "inner_maximum": 1, "outer_dvclose": 1e-12},
}
TIME = {"period": [{"length": 1.0}, {"length": 12.0, "unit": "hour", "steps": 4}]}
STORED = {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}, "Sy": {"value": 0.1}}


def stopped(exe: Path, folder: Path, timeout_s: float | None = None) -> str:
    with pytest.raises(SolverError) as error:
        run_mf6(exe, folder, timeout_s)
    return str(error.value)


def program(tmp_path: Path, *lines: str) -> Path:
    """A stand-in for mf6 that does what it is told."""
    path = tmp_path / "mf6"
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


def test_every_step_is_read(mf6: Path, tmp_path: Path) -> None:
    found = model(regime="transient", time=TIME, param=STORED, source=[RAIN])
    told = run_mf6(mf6, written(found, tmp_path))
    assert [(step.period, step.step) for step in told.steps] == [
        (period, step) for period, step, _ in found.step_ends_d
    ]
    assert all(step.converged and step.outer >= 1 and step.inner >= 1 for step in told.steps)
    assert all(abs(step.percent_step) <= 0.01 for step in told.steps)
    assert told.converged and told.normal and told.version and told.wall_s > 0
    lines = (tmp_path / writer.SIMULATION_LISTING).read_text().splitlines()
    assert all(lines[step.line - 1].startswith(" Model") for step in told.steps)


def test_iterations_are_those_that_mf6_adds_up(mf6: Path, tmp_path: Path) -> None:
    told = run_mf6(mf6, written(model(source=[RAIN]), tmp_path)).steps[0]
    text = (tmp_path / writer.SIMULATION_LISTING).read_text()
    assert f" {told.outer} CALLS TO NUMERICAL SOLUTION IN TIME STEP 1" in text
    assert f" {told.inner} TOTAL ITERATIONS" in text


@pytest.mark.parametrize("goes_on", [False, True], ids=["stops", "with CONTINUE"])
def test_a_step_that_did_not_converge_is_a_failure(
    goes_on: bool, mf6: Path, tmp_path: Path
) -> None:
    """With CONTINUE mf6 ends with status 0 and the words of a normal end."""
    folder = written(model(**HARD), tmp_path / "mf6")
    if goes_on:
        name = folder / writer.SIMULATION
        name.write_text(name.read_text().replace("BEGIN options\n", "BEGIN options\n  CONTINUE\n"))
    told = stopped(mf6, folder)
    line = int(told.rpartition(" ")[2])
    assert told == (
        "MODFLOW 6 did not converge in stress period 1, time step 1 (2 outer iterations); "
        f"see mf6/mfsim.lst line {line}"
    )
    lines = (folder / writer.SIMULATION_LISTING).read_text().splitlines()
    assert lines[line - 1].split()[:2] == ["Model", "2"]
    assert (folder / writer.HEADS).exists(), "heads are there, and mean nothing"
    assert (listing.NORMAL in (folder / SCREEN).read_text()) is goes_on


def test_what_mf6_complains_of_is_quoted_with_its_line(mf6: Path, tmp_path: Path) -> None:
    folder = written(model(), tmp_path / "mf6")
    package = folder / "flow.chd_east.chd"
    package.write_text(package.read_text().replace("  1 8 100.0", "  1 800 100.0"))
    told = stopped(mf6, folder)
    line = int(told.rpartition(" ")[2])
    assert told.startswith("MODFLOW 6 stopped with exit status 2: Cell2d number in list is outsid")
    lines = (folder / writer.SIMULATION_LISTING).read_text().splitlines()
    assert lines[line - 1].startswith("ERROR REPORT")


def test_words_of_a_normal_end_with_another_exit_status_are_no_success(tmp_path: Path) -> None:
    exe = program(tmp_path, f"echo '{listing.NORMAL}' | tee mfsim.lst", "exit 3")
    assert stopped(exe, tmp_path) == (
        f"MODFLOW 6 stopped with exit status 3: {listing.NORMAL}; see {tmp_path.name}/mfsim.lst"
    )


def test_exit_status_0_without_the_words_is_no_success(tmp_path: Path) -> None:
    exe = program(tmp_path, "echo Solving:", "exit 0")
    assert stopped(exe, tmp_path) == (
        "MODFLOW 6 stopped without 'Normal termination of simulation.': Solving:; "
        f"see {tmp_path.name}/mfsim.lst"
    )


def test_a_traceback_is_told_by_its_reason(tmp_path: Path) -> None:
    """A full disk and an unknown binary record end mf6 without a report of its own."""
    lines = ["forrtl: No space left on device", "forrtl: severe (38): error during write", "mf6 0"]
    exe = program(tmp_path, *(f"echo '{line}'" for line in lines), "exit 38")
    assert stopped(exe, tmp_path) == (
        "MODFLOW 6 stopped with exit status 38: forrtl: No space left on device / "
        f"forrtl: severe (38): error during write; see {tmp_path.name}/mfsim.lst"
    )


def test_a_listing_of_an_earlier_run_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "mfsim.lst").write_text(f"{listing.NORMAL}\n")
    assert "stopped without" in stopped(program(tmp_path, "exit 0"), tmp_path)


def test_a_run_without_a_step_is_no_success(tmp_path: Path) -> None:
    exe = program(tmp_path, f"echo '{listing.NORMAL}' > mfsim.lst")
    assert stopped(exe, tmp_path) == (
        f"MODFLOW 6 solved no time step; see {tmp_path.name}/mfsim.lst"
    )


def test_a_killed_program_is_named_as_such(tmp_path: Path) -> None:
    exe = program(tmp_path, "echo '   Solving:  Stress period:  2  Time step:  7' > mfsim.lst",
                  "kill -9 $$")  # fmt: skip
    assert stopped(exe, tmp_path) == (
        "MODFLOW 6 was killed by signal 9 (SIGKILL); it was in stress period 2, time step 7; "
        f"see {tmp_path.name}/mfsim.lst"
    )


def test_the_time_limit_ends_the_process(tmp_path: Path) -> None:
    exe = program(tmp_path, "echo $$ > pid", "exec sleep 60")
    assert stopped(exe, tmp_path, timeout_s=0.2) == (
        "MODFLOW 6 did not finish within 0.2 s (solver.mf6.timeout_s); "
        f"see {tmp_path.name}/mfsim.lst"
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_an_interrupted_run_leaves_no_process(tmp_path: Path) -> None:
    exe = program(tmp_path, "echo $$ > pid", "exec sleep 60")

    def interrupt() -> None:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            run_mf6(exe, tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_file_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mf6"
    path.write_text("no program")
    assert stopped(path, tmp_path) == f"{path} cannot be started: Permission denied"


def test_stars_in_a_balance_are_not_a_number(tmp_path: Path) -> None:
    (tmp_path / "mfsim.lst").write_text(" Solving:  Stress period: 1  Time step: 1\n")
    (tmp_path / "flow.lst").write_text(
        "  VOLUME BUDGET FOR ENTIRE MODEL AT END OF TIME STEP    1, STRESS PERIOD   1\n"
        " PERCENT DISCREPANCY =         ******     PERCENT DISCREPANCY =           0.50\n"
    )
    step = listing.read(tmp_path / "mfsim.lst", tmp_path / "flow.lst").steps[0]
    assert math.isnan(step.percent_cumulative) and step.percent_step == 0.5


def test_dry_cells_are_no_heads(mf6: Path, tmp_path: Path) -> None:
    """The standard formulation dries the upper cells out; MODFLOW writes 1e30 there."""
    import numpy as np

    from mhx.groundwater.heads import read_heads

    found = model(layers__n_layers=3, bc=[chd(head=92.0, layers=[3])])
    folder = written(found, tmp_path)
    run_mf6(mf6, folder)
    heads = read_heads(folder / writer.HEADS, 3, 40).values[-1]
    assert np.isnan(heads[0]).any() and np.nanmax(heads) < 120
