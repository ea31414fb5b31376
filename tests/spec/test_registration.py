"""Sections 2.10 and 10.1: checkpoints registered by hand through `mhx.campaigns`."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

from mhx import campaigns
from mhx.campaigns import (
    load_checkpoint_index,
    select_resume_checkpoint,
    write_checkpoint_metadata,
    write_rutherford_resume_plan,
)

from .lane import arrays, execute, mhx, plan, read, records, tree

INDEX = "checkpoints/checkpoint_index.json"
SCHEMAS = """rutherford_production_plan rutherford_checkpoint_index rutherford_checkpoint
    rutherford_state rutherford_history rutherford_execution rutherford_resume_plan
    rutherford_promotion rutherford_walltime_job_array"""


def files(folder: Path, step: int) -> tuple[str, str]:
    """A state and a growing history, as a foreign solver would leave them."""
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    state = f"checkpoints/state_{step:010d}.npz"
    np.savez(folder / state, psi=np.full((4, 4), float(step)))
    np.savez(folder / "histories.npz", time=np.arange(step + 1.0))
    return state, "histories.npz"


def register(folder: Path, step: int, **more) -> Path:
    state, history = files(folder, step)
    given = {"history_path": history, "metrics": {"total_energy": 0.997}} | more
    return write_checkpoint_metadata(folder, step=step, time=0.1 * step, state_path=state, **given)


@pytest.fixture
def target_250(tmp_path) -> Path:
    folder = tmp_path / "run"
    assert plan(folder, t_end=2.5, save_every=50).code == 1
    return folder


def test_signature():
    parameters = inspect.signature(write_checkpoint_metadata).parameters
    assert list(parameters) == [
        "run_dir",
        "step",
        "time",
        "state_path",
        "history_path",
        "diagnostics_path",
        "walltime_elapsed_seconds",
        "metrics",
        "completed",
    ]
    defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
    assert defaults == {
        "history_path": None,
        "diagnostics_path": None,
        "walltime_elapsed_seconds": 0.0,
        "metrics": None,
        "completed": False,
    }


@pytest.mark.parametrize(
    "name",
    [
        "WalltimePolicy",
        "load_checkpoint_index",
        "select_resume_checkpoint",
        "write_rutherford_resume_plan",
        "write_rutherford_production_plan",
        "write_rutherford_production_execution",
        "write_rutherford_production_promotion_report",
    ],
)
def test_public_names_are_kept(name):
    assert callable(getattr(campaigns, name))


def test_record_of_the_documented_call(target_250):
    path = register(target_250, 100, walltime_elapsed_seconds=12.5)
    assert path == target_250 / "checkpoints" / "step_000000000100.json"
    record = read(path)
    keys = """schema api_version created_utc checkpoint_id step time completed
        walltime_elapsed_seconds metrics artifacts validation metadata_path"""
    assert set(keys.split()) <= record.keys()
    assert record["schema"] == "mhx.campaign.rutherford_checkpoint.v1"
    assert record["checkpoint_id"] == "step_000000000100"
    assert (record["step"], record["completed"]) == (100, False)
    assert record["walltime_elapsed_seconds"] == 12.5
    assert record["metrics"]["total_energy"] == 0.997
    for artifact in record["artifacts"].values():
        assert {"path", "exists", "size_bytes", "sha256"} <= artifact.keys()
        assert artifact["exists"] is True
    validation = record["validation"]
    assert validation["schema"] == "mhx.campaign.rutherford_checkpoint.gates.v1"
    assert validation["passed"] is True
    assert validation["checks"] == {
        "state_artifact_exists": True,
        "finite_metrics": True,
        "step_nonnegative": True,
        "time_nonnegative": True,
    }


def test_history_is_copied_so_that_a_growing_file_does_not_spoil_older_records(target_250):
    first = read(register(target_250, 100))
    register(target_250, 200)
    history = first["artifacts"]["history"]
    assert history["path"] == "checkpoints/registered/histories_step_000000000100.npz"
    assert history["source_path"] == "histories.npz"
    assert len(arrays(target_250 / history["path"])["time"]) == 101
    assert len(arrays(target_250 / "histories.npz")["time"]) == 201


def test_diagnostics_are_copied_too(target_250):
    (target_250 / "notes.json").write_text("{}\n")
    record = read(register(target_250, 100, diagnostics_path="notes.json"))
    entry = record["artifacts"]["diagnostics"]
    assert entry["path"] == "checkpoints/registered/notes_step_000000000100.json"
    assert entry["source_path"] == "notes.json"


def test_two_records_resume_from_the_newer(target_250):
    """Section 10, 1: records at 100 and 200, resume to 250 starts at 200."""
    register(target_250, 100)
    register(target_250, 200)
    index = load_checkpoint_index(target_250)
    assert [record["step"] for record in index["checkpoints"]] == [100, 200]
    assert index["latest_checkpoint"] == index["checkpoints"][-1]["metadata_path"] or (
        "200" in json.dumps(index["latest_checkpoint"])
    )
    chosen = select_resume_checkpoint(target_250)
    assert "200" in json.dumps(chosen if isinstance(chosen, dict) else str(chosen))
    said = mhx("campaign", "rutherford-resume-plan", target_250, "--target-step", 250)
    assert said.code == 0, said.text
    document = read(target_250 / "resume_plan.json")
    assert (document["start_step"], document["target_step"]) == (200, 250)
    assert document["remaining_steps"] == 50
    assert document["checkpoint"]["step"] == 200
    assert document["validation"]["passed"] is True


def test_only_record_tampered_leaves_the_initial_state(target_250):
    register(target_250, 100)
    state = target_250 / "checkpoints" / "state_0000000100.npz"
    state.write_bytes(state.read_bytes()[:-1] + b"?")
    said = mhx("campaign", "rutherford-resume-plan", target_250)
    assert said.code == 0, said.text
    document = read(target_250 / "resume_plan.json")
    assert document["start_step"] == 0
    assert document["checkpoint"] is None
    validation = document["validation"]
    assert validation["invalid_checkpoint_count"] == 1
    assert validation["checks"]["can_resume_from_initial_state"] is True
    assert validation["checks"]["valid_checkpoint_available"] is False
    assert len(document["invalid_checkpoints"]) == 1
    assert {"id", "file", "reason"} <= document["invalid_checkpoints"][0].keys()


def test_python_writes_the_same_resume_plan(target_250):
    register(target_250, 100)
    write_rutherford_resume_plan(target_250)
    document = read(target_250 / "resume_plan.json")
    assert (document["start_step"], document["target_step"]) == (100, 250)


@pytest.mark.parametrize(
    ("name", "value"), [("step", -1), ("time", -0.5), ("walltime_elapsed_seconds", -1.0)]
)
def test_negative_values_are_named(name, value, target_250):
    state, _ = files(target_250, 5)
    before = tree(target_250)
    given = {"step": 5, "time": 0.5, "state_path": state} | {name: value}
    with pytest.raises(ValueError, match=name):
        write_checkpoint_metadata(target_250, **given)
    assert tree(target_250) == before


def test_missing_state_and_history(target_250):
    with pytest.raises(FileNotFoundError, match="checkpoint state"):
        write_checkpoint_metadata(target_250, step=5, time=0.5, state_path="checkpoints/no.npz")
    state, _ = files(target_250, 5)
    with pytest.raises(FileNotFoundError):
        write_checkpoint_metadata(
            target_250, step=5, time=0.5, state_path=state, history_path="none.npz"
        )
    assert records(target_250) == []


def test_metric_that_is_not_finite_is_no_resume_point(target_250):
    register(target_250, 100)
    record = read(register(target_250, 200, metrics={"total_energy": float("nan")}))
    assert record["metrics"]["total_energy"] is None
    assert record["validation"]["checks"]["finite_metrics"] is False
    assert record["validation"]["passed"] is False
    mhx("campaign", "rutherford-resume-plan", target_250)
    document = read(target_250 / "resume_plan.json")
    assert document["start_step"] == 100
    assert document["validation"]["invalid_checkpoint_count"] == 1


def test_absolute_paths_are_kept_and_flagged(target_250, tmp_path):
    """2.10 and E13: absolute only where the caller gave it."""
    state = tmp_path / "elsewhere.npz"
    np.savez(state, psi=np.zeros((2, 2)))
    record = read(write_checkpoint_metadata(target_250, step=7, time=0.7, state_path=state))
    assert record["artifacts"]["state"]["path"] == str(state)


def test_registration_without_an_index(tmp_path):
    """E11: an index is made that says it was never planned."""
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.warns(UserWarning, match="no plan"):
        register(folder, 10)
    index = read(folder / INDEX)
    assert index["target_step"] == 0
    assert index["planned"] is False
    assert index["warning"]
    assert len(index["checkpoints"]) == 1


@pytest.mark.slow
def test_metadata_of_the_executor_counts_on(tmp_path):
    """Section 10, 1: 8 x 8, chunks of 4 and 2: starts 0 and 4, ends 4 and 6."""
    folder = tmp_path / "run"
    assert plan(folder).code == 1
    for steps, start, end in ((4, 0, 4), (2, 4, 6)):
        assert execute(folder, "--max-steps", steps).code == 0
        document = read(folder / "diagnostics.json")
        assert (document["start_step"], document["end_step"]) == (start, end)
    assert arrays(folder / "production_history.npz")["step"][-1] == 6


@pytest.mark.slow
def test_python_defaults_are_the_defaults_of_the_command_line(tmp_path):
    campaigns.write_rutherford_production_plan(tmp_path / "a", seconds_per_step_estimate=1e-3)
    words = ["--seconds-per-step-estimate", "1e-3"]
    said = mhx("campaign", "rutherford-plan-production", "--outdir", tmp_path / "b", *words)
    assert said.code == 0, said.text
    a, b = (read(tmp_path / name / "campaign_plan.json") for name in "ab")
    assert a["plan_digest"] == b["plan_digest"]
    assert a["config"]["numerics"]["dtype"] == "float64"


def test_schema_ids_are_public_constants():
    """2.10: the schema-id constants are kept."""
    known = {value for name in dir(campaigns) if isinstance(value := getattr(campaigns, name), str)}
    for part in SCHEMAS.split():
        assert f"mhx.campaign.{part}.v1" in known, part
