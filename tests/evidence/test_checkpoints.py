"""Which checkpoint a run goes on from, whatever happened to the others."""

import json

import pytest

from mhx.errors import EvidenceError
from mhx.evidence import checkpoints, store
from mhx.evidence.hashing import file_digest

STEPS = (100, 200, 300)


@pytest.fixture
def run(tmp_path, build):
    store.write_bytes(tmp_path / "checkpoints/initial_state.npz", b"start")
    previous = None
    for step in STEPS:
        previous = build.checkpoint(tmp_path, step, previous)
    return tmp_path


def chosen(run, **words):
    found = checkpoints.select(run, **{"target": 300, **words})
    start = found.checkpoint.step if found.checkpoint else 0
    return start, {entry.step: entry.reason for entry in found.rejected}


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-3])


DAMAGE = {"flipped": flip, "truncated": truncate, "deleted": lambda path: path.unlink()}


def state(step):
    return f"checkpoints/state_step_{step:012d}.npz"


def segment(step):
    return f"checkpoints/history_step_{step:012d}.npz"


@pytest.mark.parametrize("target", [100, 150, 200, 250, 300, 10**6])
def test_the_newest_at_or_before_the_target_is_chosen(run, target):
    assert chosen(run, target=target) == (min(target // 100 * 100, 300), {})


def test_an_empty_run_starts_at_the_beginning(tmp_path):
    assert chosen(tmp_path) == (0, {})


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("file", [state, segment, checkpoints.record_path])
def test_a_damaged_newest_checkpoint_costs_one_interval(run, damage, file):
    damage(run / file(300))
    start, rejected = chosen(run)
    assert start == 200
    deleted_record = file is checkpoints.record_path and not (run / file(300)).exists()
    assert list(rejected) == ([] if deleted_record else [300])


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_older_damaged_state_is_stepped_past(run, damage):
    damage(run / state(200))
    assert chosen(run) == (300, {200: f"{state(200)} is missing or altered"})
    assert chosen(run, target=250)[0] == 100


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_hole_in_the_history_ends_what_can_be_told_as_one_run(run, damage):
    damage(run / segment(200))
    start, rejected = chosen(run)
    assert start == 100
    assert rejected == {
        200: f"{segment(200)} is missing or altered",
        300: "step_000000000200 before it is damaged",
    }


def test_a_lost_record_breaks_the_chain(run):
    (run / checkpoints.record_path(200)).unlink()
    assert chosen(run) == (100, {300: "it does not follow the record before it"})


def test_a_record_edited_and_sealed_again_breaks_the_chain(run):
    path = run / checkpoints.record_path(200)
    document = json.loads(path.read_text())
    document["metrics"]["total_energy"] = 0.5
    store.write_json(path, {**document, "digest": checkpoints.record_digest(document)})
    assert chosen(run) == (200, {300: "it does not follow the record before it"})


def test_records_of_another_plan_are_no_resume_points(run):
    assert chosen(run, plan_digest="f" * 64)[0] == 0
    assert set(chosen(run, plan_digest="f" * 64)[1]) == set(STEPS)
    ours = checkpoints.read_record(run / checkpoints.record_path(100)).plan_digest
    assert chosen(run, plan_digest=ours) == (300, {})


def test_records_of_another_initial_state_are_no_resume_points(run):
    digest = file_digest(run / "checkpoints/initial_state.npz")
    assert chosen(run, initial_state=digest) == (300, {})
    assert chosen(run, initial_state="0" * 64)[0] == 0


def test_a_metric_that_is_not_finite_makes_no_resume_point(run, build):
    last = checkpoints.read_record(run / checkpoints.record_path(300))
    build.checkpoint(run, 400, last.digest, metrics={"total_energy": float("nan")})
    assert chosen(run, target=400) == (300, {400: "a metric is not a finite number"})


def test_a_pruned_state_is_no_fault_and_no_resume_point(run):
    digest = checkpoints.read_record(run / checkpoints.record_path(300)).digest
    checkpoints.mark_pruned(run, 300)
    assert chosen(run) == (300, {})
    (run / state(300)).unlink()
    assert chosen(run) == (200, {})
    record = checkpoints.read_record(run / checkpoints.record_path(300))
    assert record.pruned
    assert record.digest == digest


def test_a_state_that_goes_missing_without_being_pruned_is_a_fault(run):
    (run / state(200)).unlink()
    assert list(chosen(run)[1]) == [200]


def test_what_goes_to_quarantine_leaves_the_chain_of_later_records(run):
    flip(run / state(200))
    (entry,) = checkpoints.select(run, target=300).rejected
    assert entry.files == (state(200),)


def test_after_the_chosen_checkpoint_everything_goes_to_quarantine(run):
    flip(run / state(300))
    (entry,) = checkpoints.select(run, target=300).rejected
    assert set(entry.files) == {state(300), segment(300), checkpoints.record_path(300)}
    assert entry.file == state(300)
    (run / checkpoints.record_path(300)).write_text("{")
    (entry,) = checkpoints.select(run, target=300).rejected
    assert set(entry.files) == {state(300), segment(300), checkpoints.record_path(300)}


def test_a_run_goes_on_after_a_quarantine(run, build):
    flip(run / segment(300))
    selection = checkpoints.select(run, target=300)
    for name in selection.rejected[0].files:
        (run / name).unlink()
    build.checkpoint(run, 300, selection.checkpoint.digest)
    assert chosen(run) == (300, {})


def by_hand(run, build, step, **words):
    """Registered without a segment of the chain."""
    build.checkpoint(run, step, None, **{"registered": True, "plan_digest": None, **words})


def test_records_registered_by_hand_are_judged_on_their_own(tmp_path, build):
    store.write_bytes(tmp_path / "checkpoints/initial_state.npz", b"start")
    for step in (100, 200):
        by_hand(tmp_path, build, step)
    assert chosen(tmp_path, target=250, plan_digest="a" * 64) == (200, {})
    flip(tmp_path / segment(100))
    assert chosen(tmp_path, target=250)[0] == 200
    flip(tmp_path / state(200))
    start, rejected = chosen(tmp_path, target=250)
    assert (start, list(rejected)) == (0, [100, 200])


def test_a_record_registered_by_hand_does_not_break_the_chain(run, build):
    by_hand(run, build, 150)
    by_hand(run, build, 400, plan_digest="b" * 64)
    assert chosen(run, target=400)[0] == 400
    ours = checkpoints.read_record(run / checkpoints.record_path(100)).plan_digest
    assert chosen(run, target=400, plan_digest=ours) == (300, {400: "it belongs to another plan"})


UNREADABLE = {
    "torn": "{",
    "another schema": '{"schema": "mhx.campaign.rutherford_checkpoint.v2"}',
    "edited": None,
    "another step": "renamed",
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_a_record_that_cannot_be_trusted_is_refused_by_name(run, content):
    path = run / checkpoints.record_path(100)
    if content is None:
        store.write_json(path, {**json.loads(path.read_text()), "step": 101})
    elif content == "renamed":
        path = path.rename(path.with_name("step_000000000101.json"))
    else:
        path.write_text(content)
    with pytest.raises(EvidenceError) as caught:
        checkpoints.read_record(path)
    assert str(path) in str(caught.value)


def test_latest_valid_is_the_selection_without_its_reasons(run):
    flip(run / state(300))
    assert checkpoints.latest_valid(run, target=300).step == 200


def test_a_record_names_itself(run):
    document = json.loads((run / checkpoints.record_path(100)).read_text())
    assert document["schema"] == "mhx.campaign.rutherford_checkpoint.v1"
    assert document["checkpoint_id"] == "step_000000000100"
    assert document["metadata_path"] == "checkpoints/step_000000000100.json"
    assert document["artifacts"]["state"]["exists"] is True
