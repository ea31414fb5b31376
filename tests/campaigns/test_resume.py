"""Checkpoints registered by hand, the index as a cache, and which of them is chosen."""

import dataclasses
import json
import math
from pathlib import Path

import pytest

from mhx import campaigns
from mhx.campaigns.resume import (
    load_checkpoint_index,
    resume_document,
    select_resume_checkpoint,
    write_checkpoint_metadata,
)
from mhx.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("ignore:.*no plan and no index:UserWarning")


def registered(run: Path, *steps: int, **more) -> list[Path]:
    (run / "checkpoints").mkdir(parents=True, exist_ok=True)
    records = []
    for step in steps:
        (run / f"checkpoints/state_{step}.npz").write_bytes(f"state {step}".encode())
        (run / "histories.npz").write_bytes(f"rows up to {step}".encode())
        records.append(
            write_checkpoint_metadata(
                run,
                step=step,
                time=step / 10,
                state_path=f"checkpoints/state_{step}.npz",
                history_path="histories.npz",
                metrics={"total_energy": 0.997, "magnetic_divergence_linf": 2.0e-13},
                **more,
            )
        )
    return records


def test_the_documented_call_writes_the_record_it_names(tmp_path):
    (record,) = registered(tmp_path, 1000)
    assert record == tmp_path / "checkpoints/step_000000001000.json"
    found = json.loads(record.read_text())
    assert found["checkpoint_id"] == "step_000000001000" and found["validation"]["passed"] is True
    history = found["artifacts"]["history"]
    assert history["source_path"] == "histories.npz"
    assert history["path"] == "checkpoints/registered/histories_step_000000001000.npz"


def test_records_at_100_and_200_go_on_from_200(tmp_path):
    registered(tmp_path, 100, 200)
    found = select_resume_checkpoint(tmp_path, 250)
    assert (found.start_step, found.remaining_steps, found.rejected) == (200, 50, ())


def test_a_history_that_is_rewritten_does_not_invalidate_older_records(tmp_path):
    registered(tmp_path, 100, 200, 300)
    assert select_resume_checkpoint(tmp_path, 150).start_step == 100


def test_the_only_record_tampered_with_leaves_the_initial_state(tmp_path):
    registered(tmp_path, 100)
    (tmp_path / "checkpoints/state_100.npz").write_bytes(b"other")
    found = select_resume_checkpoint(tmp_path, 250)
    document, _ = resume_document(tmp_path, found, steps_per_job=None, execute_command="x")
    assert (document["start_step"], document["checkpoint"]) == (0, None)
    assert document["validation"]["invalid_checkpoint_count"] == 1
    assert document["validation"]["checks"]["can_resume_from_initial_state"] is True
    assert document["validation"]["passed"] is True
    assert (tmp_path / "checkpoints/state_100.npz").exists()  # a plan moves nothing


def test_a_chosen_checkpoint_beyond_the_target_does_not_pass(tmp_path):
    registered(tmp_path, 100)
    found = dataclasses.replace(select_resume_checkpoint(tmp_path, 250), target_step=50)
    document, results = resume_document(tmp_path, found, steps_per_job=None, execute_command="x")
    assert document["validation"]["passed"] is False
    assert [result.gate.name for result in results if not result.passed] == [
        "target_step_not_before_checkpoint"
    ]


def test_an_index_is_made_again_from_the_records(tmp_path):
    registered(tmp_path, 100, 200)
    whole = load_checkpoint_index(tmp_path)
    (tmp_path / "checkpoints/checkpoint_index.json").write_text("{")
    again = load_checkpoint_index(tmp_path)
    assert [r["step"] for r in again["checkpoints"]] == [r["step"] for r in whole["checkpoints"]]


def test_a_registration_without_a_plan_is_marked_and_warned_about_once(tmp_path):
    with pytest.warns(UserWarning, match=r"target step 0.*plan into this folder") as caught:
        registered(tmp_path, 100, 200)
    (warning,) = caught
    assert warning.filename == __file__
    index = load_checkpoint_index(tmp_path)
    assert (index["target_step"], index["planned"]) == (0, False) and "no plan" in index["warning"]


def test_a_metric_that_is_not_finite_is_null_and_no_resume_point(tmp_path):
    (tmp_path / "state.npz").write_bytes(b"x")
    record = write_checkpoint_metadata(
        tmp_path, step=1, time=0.1, state_path="state.npz", metrics={"total_energy": math.nan}
    )
    found = json.loads(record.read_text())
    assert found["metrics"] == {"total_energy": None}
    assert found["validation"]["checks"]["finite_metrics"] is False
    selection = select_resume_checkpoint(tmp_path, 10)
    assert selection.checkpoint is None and "finite" in selection.rejected[0].reason


@pytest.mark.parametrize("name", ["step", "time", "walltime_elapsed_seconds"])
def test_negative_numbers_are_named(tmp_path, name):
    (tmp_path / "state.npz").write_bytes(b"x")
    given = {"step": 1, "time": 0.1, "walltime_elapsed_seconds": 0.0, name: -1}
    with pytest.raises(ValueError, match=name):
        write_checkpoint_metadata(tmp_path, state_path="state.npz", **given)


def test_a_state_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="checkpoint state"):
        write_checkpoint_metadata(tmp_path, step=1, time=0.1, state_path="state.npz")
    assert list(tmp_path.iterdir()) == []


def test_an_absolute_state_is_kept_as_given_and_flagged(tmp_path):
    outside = tmp_path / "elsewhere.npz"
    outside.write_bytes(b"x")
    run = tmp_path / "run"
    record = write_checkpoint_metadata(run, step=1, time=0.1, state_path=outside)
    state = json.loads(record.read_text())["artifacts"]["state"]
    assert (state["path"], state["portable"]) == (str(outside), False)
    assert select_resume_checkpoint(run, 10).start_step == 1


def test_a_negative_target_is_refused(tmp_path):
    registered(tmp_path, 1)
    with pytest.raises(ConfigError, match="--target-step"):
        select_resume_checkpoint(tmp_path, -5)


@pytest.mark.parametrize("name", campaigns.__all__)
def test_every_public_name_is_there(name):
    assert getattr(campaigns, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = campaigns.nothing
