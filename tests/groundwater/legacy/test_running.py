"""How a program ended is read from its words, its listing and its signal; stand-ins tell them."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("shapely")

from mhx.errors import EvidenceError, SolverError
from mhx.groundwater.legacy import mt3d_reading, running
from mhx.groundwater.legacy.mt3d import SHOWN, _percents
from mhx.groundwater.legacy.reading import read_listing

PROGRAM = running.Program(
    title="MODFLOW-NWT", names="flow.nam", listing="flow.lst", screen="mfnwt.out",
    normal="Normal termination", key="solver.mfnwt",
)  # fmt: skip


def stand_in(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "program"
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


def run(tmp_path: Path, *lines: str, timeout_s: float | None = None) -> float:
    folder = tmp_path / "mfnwt"
    folder.mkdir()
    exe = stand_in(tmp_path, *lines)
    return running.run(PROGRAM, exe, folder, timeout_s, ("flow.hds",))


def test_a_normal_end_takes_its_time(tmp_path: Path) -> None:
    assert run(tmp_path, "echo Normal termination; test $1 = flow.nam || exit 1") > 0


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            ("echo ' *** ERROR OPENING FILE flow.drn'",),
            "MODFLOW-NWT stopped: *** ERROR OPENING FILE flow.drn; see mfnwt/mfnwt.out line 1",
        ),
        (
            ("printf 'a\\n\\n Row outside  of the grid\\n\\n' > flow.lst",),
            "MODFLOW-NWT stopped: Row outside of the grid; see mfnwt/flow.lst line 3",
        ),
        (("echo strange",), "MODFLOW-NWT stopped: strange; see mfnwt/mfnwt.out"),
        (
            ("echo Normal termination; exit 3",),
            "MODFLOW-NWT stopped: Normal termination; see mfnwt/mfnwt.out",
        ),
        (
            ("kill -9 $$",),
            "MODFLOW-NWT was killed by signal 9 (SIGKILL); see mfnwt/flow.lst",
        ),
    ],
    ids=["error on the screen", "last words", "no listing", "exit status", "signal"],
)
def test_what_ended_a_run_is_told(lines: tuple[str, ...], told: str, tmp_path: Path) -> None:
    with pytest.raises(SolverError) as error:
        run(tmp_path, *lines)
    assert str(error.value) == told


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    told = r"did not finish within 0.05 s \(solver.mfnwt.timeout_s\); see mfnwt/flow.lst"
    with pytest.raises(SolverError, match=told):
        run(tmp_path, "exec sleep 20", timeout_s=0.05)


def test_outputs_of_an_earlier_run_do_not_speak_for_this_one(tmp_path: Path) -> None:
    folder = tmp_path / "mfnwt"
    folder.mkdir()
    for name in ("flow.lst", "flow.hds"):
        (folder / name).write_text("Normal termination")
    with pytest.raises(SolverError):
        running.run(PROGRAM, stand_in(tmp_path, "true"), folder, None, ("flow.hds",))
    assert not (folder / "flow.lst").exists() and not (folder / "flow.hds").exists()


LISTING = """
 VERSION 1.3.0 07/01/2022
       NWT REQUIRED            8 OUTER ITERATIONS
       AND A TOTAL OF         14 INNER ITERATIONS.
  VOLUMETRIC BUDGET FOR ENTIRE MODEL AT END OF TIME STEP    1, STRESS PERIOD   1
     PERCENT DISCREPANCY =           0.02         PERCENT DISCREPANCY =          -0.01
       NWT REQUIRED          500 OUTER ITERATIONS
       AND A TOTAL OF       2000 INNER ITERATIONS.
 ****FAILED TO MEET SOLVER CONVERGENCE CRITERIA IN TIME STEP    2 OF STRESS PERIOD    1****
"""


def test_a_listing_tells_of_every_step(tmp_path: Path) -> None:
    path = tmp_path / "flow.lst"
    path.write_text(LISTING)
    found = read_listing(path, tmp_path / "absent", [(1, 1), (1, 2), (1, 3)])
    first, second = found.steps
    assert (first.outer, first.inner, first.converged) == (8, 14, True)
    assert (first.percent_cumulative, first.percent_step) == (0.02, -0.01)
    assert not second.converged and second.line == 9 and np.isnan(second.percent_step)
    assert found.version == "1.3.0" and not found.normal


MASSES = """
     1 CALLS TO GCG PACKAGE FOR TRANSPORT TIME STEP     1 IN FLOW TIME STEP     1 STRESS PERIOD     1
     {iterations} TOTAL ITERATIONS
   CUMULATIVE MASS BUDGETS AT END OF TRANSPORT STEP    1, TIME STEP    1, STRESS PERIOD    1
                                        CONSTANT HEAD:    0.000000                  -0.4970295E-04
                               MASS STOR (FLOW MODEL):    0.000000                   -1.000000
                                MASS STORAGE (SOLUTE):    0.000000                   -3.300553
                                              [TOTAL]:    3.511400     KG            -3.511398     KG
"""  # noqa: E501


def test_a_mass_budget_is_read() -> None:
    found = mt3d_reading.read_masses(MASSES, [(1, 1)])
    assert found.components["storage"].tolist() == [[0.0, 4.300553]]
    assert found.components["chd"].tolist() == [[0.0, 0.4970295e-4]]
    assert found.total.tolist() == [[3.5114, 3.511398]] and found.line == [4]


def test_a_step_without_a_budget_is_missed() -> None:
    with pytest.raises(EvidenceError, match="no budget of stress period 1, time step 2"):
        mt3d_reading.read_masses(MASSES, [(1, 1), (1, 2)])


@pytest.mark.parametrize(("iterations", "closed"), [(3, True), (500, False)])
def test_a_call_that_used_all_iterations_did_not_close(iterations: int, closed: bool) -> None:
    text = MASSES.format(iterations=iterations)
    assert mt3d_reading.converged(text, [(1, 1)], 500).tolist() == [closed]
    assert not mt3d_reading.converged(text, [(1, 2)], 500).any(), "what is not told of did not"


def concentrations(*steps: tuple[int, int], text: bytes = b"CONCENTRATION") -> bytes:
    """One layer of two cells at the end of transport steps (transport step, time step)."""
    record = np.dtype(
        [("step", "<i4", (3,)), ("time", "<f4"), ("text", "S16"), ("size", "<i4", (3,)),
         ("values", "<f4", (2,))]
    )  # fmt: skip
    rows = [((sub, step, 1), 1.0, text.ljust(16), (2, 1, 1), (sub, 1e30)) for sub, step in steps]
    return np.array(rows, record).tobytes()


def test_the_last_transport_step_ends_a_time_step(tmp_path: Path) -> None:
    path = tmp_path / "MT3D001.UCN"
    path.write_bytes(concentrations((1, 1), (2, 1), (1, 2)))
    found = mt3d_reading.read_concentrations(path, (1, 2), [(1, 1), (1, 2)])
    assert found[:, 0, 0].tolist() == [2.0, 1.0] and np.isnan(found[:, 0, 1]).all()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (concentrations((1, 1))[:-1], "is torn or of another model"),
        (b"", "is torn or of another model"),
        (concentrations((1, 1), (1, 2), text=b"SORBED"), "is altered or of another model"),
        (concentrations((1, 1)), "holds 1 of 2 time steps"),
    ],
    ids=["torn", "empty", "another quantity", "a step is missing"],
)
def test_concentrations_of_another_model_are_refused(
    content: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "MT3D001.UCN"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=told):
        mt3d_reading.read_concentrations(path, (1, 2), [(1, 1), (1, 2)])
    with pytest.raises(EvidenceError, match="cannot be read"):
        mt3d_reading.read_concentrations(tmp_path / "absent", (1, 2), [(1, 1)])


def test_a_balance_of_a_step_counts_what_the_digits_show() -> None:
    """1 % of a step is seen; the last digit of masses that have grown large is not."""
    total = np.array([[1.0, 1.0], [2.0, 1.99], [1000.0, 999.99 + 0.5 * SHOWN * 1000]])
    steps, so_far = _percents(total).T
    assert steps == pytest.approx([0.0, 1.005, 0.0], abs=0.001)
    assert so_far == pytest.approx([0.0, 0.501, 0.0009], abs=0.001)
