"""Whole runs with the older programs: folders, gates, notes, results, and what is kept of them."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("shapely")

from mhx.groundwater import catalog
from mhx.groundwater.memory import forget
from mhx.groundwater.simulation import run
from mhx.groundwater.transport.gates import SINGLE_PRECISION
from mhx.runner import RunRequest, RunSummary

from .cases import flow_case, plume_case

QUIET = {"output": {"figures": False}}


def carried_out(document: dict[str, Any], folder: Path) -> RunSummary:
    forget()
    folder.mkdir()
    return run(RunRequest(config=document, output_dir=folder))


def verdicts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "validation.json").read_text())["verdicts"]
    return found


def test_flow_by_modflow_nwt_is_a_run_like_others(mfnwt: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    summary = carried_out(flow_case(**QUIET), folder)
    assert summary.metrics["flow_metrics.newton"] == 1
    assert summary.notes["flow.solver_version"].startswith("MODFLOW-NWT 1.")
    assert "equally thick" in summary.notes["flow.agreement"]
    assert {"mfnwt/flow.nam", "results/heads.npz"} <= set(summary.artifacts)
    reopened = catalog.reopen(folder)
    assert reopened.heads.shape == (1, 1, 160)
    told = json.loads((folder / "results" / "catalog.json").read_text())
    assert told["solver"] == "mfnwt" and len(told["solver_sha256"]) == 64
    assert verdicts(folder)["budget_file_closes"]["verdict"] == "pass"


@pytest.mark.parametrize("kept", ["inputs", "none"])
def test_what_is_kept_of_both_programs_is_what_is_asked_for(
    kept: str, mt3dusgs: Path, tmp_path: Path
) -> None:
    output = {"output": {"figures": False, "keep_solver_files": kept}}
    carried_out(plume_case(**output), tmp_path / "run")
    left = {path.name for path in (tmp_path / "run" / "mt3dusgs").iterdir()}
    assert {"flow.lst", "solute.lst", "mfnwt.out", "mt3dusgs.out"} <= left
    assert ({"flow.upw", "solute.btn"} <= left) is (kept == "inputs")
    assert not {"flow.ftl", "flow.cbc", "MT3D001.UCN"} & left


def test_single_precision_is_what_a_balance_is_judged_by(mt3dusgs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    summary = carried_out(plume_case(**QUIET), folder)
    judged = verdicts(folder)
    assert judged["solute_mass_closes"]["verdict"] == "pass"
    assert judged["solute_mass_closes"]["bound"]["high"] == SINGLE_PRECISION["mt3dusgs"]
    assert judged["solute_balance_of_every_step"]["verdict"] == "pass"
    assert summary.notes["transport.solver_version"].startswith("MT3D-USGS 1.")


def test_particles_that_lose_mass_fail_the_balance(mt3dusgs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    carried_out(plume_case(solver={"mt3dusgs": {"advection": "moc"}}, **QUIET), folder)
    assert verdicts(folder)["solute_balance_of_every_step"]["verdict"] == "fail"
