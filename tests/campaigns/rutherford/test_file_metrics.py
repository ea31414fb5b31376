"""Each gate on the files of a run: damage, edits, foreign movies, foreign code, no commands."""

import json
import shutil

import numpy as np
import pytest

from mhx.campaigns.criteria import criteria
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.campaigns.rutherford.file_metrics import file_metrics, frame_digests
from mhx.errors import EvidenceError
from mhx.evidence import store
from mhx.evidence.checkpoints import read_records, write_record
from mhx.evidence.gates import judge
from mhx.evidence.hashing import content_digest
from mhx.evidence.manifest import write_artifact_manifest
from mhx.reconnection.trajectory import join_frames, read_history

from ..forger import alter, edit, read, rebuild, rebuild_manifest, scaled

pytestmark = pytest.mark.usefixtures("swift")

ON_FILES = (
    *("campaign_plan_present", "execution_diagnostics_present", "execution_validation_present"),
    *("run_manifest_present", "artifact_manifest_present", "artifact_hashes_verified"),
    *("checkpoint_chain_verified", "history_schema_supported", "terminal_step_reaches_target"),
    *("fixed_scale_movies_present", "movies_fixed_scale_verified", "code_identity_recorded"),
    "command_sequence_recorded",
)
FLUX_MOVIE = "figures/fixed_scale_flux_movie"


def judged(run):
    """Verdict by gate, and the faults in words."""
    folder = RunFolder(run)
    plan = read_plan(folder)
    try:
        history = read_history(folder.history).arrays
    except EvidenceError:
        history = {}
    records = [one for one in read_records(run)[0] if not one.registered]
    metrics, faults = file_metrics(folder, plan, records, history)
    rows = criteria(plan.thresholds, require_sweeps=False, same_machine=True)
    results = (judge(row.gate, metrics) for row in rows if row.gate.name in ON_FILES)
    return {result.gate.name: result.verdict.value for result in results}, faults


def clean(run):
    """The run as a clean work tree would have left it, whatever tree the tests run in."""
    for name in ("plan_manifest.json", "manifest.json"):
        _restate(run / name, git={"commit": "0" * 40, "dirty": False})
    rebuild(run)


def _restate(path, **changes):
    document = {**read(path), **changes}
    document.pop("self_digest")
    store.write_json(path, {**document, "self_digest": content_digest(document)})


@pytest.fixture(scope="session")
def cleaned(promotable, tmp_path_factory):
    run = shutil.copytree(promotable, tmp_path_factory.mktemp("clean") / "run")
    clean(run)
    return run


@pytest.fixture
def run(cleaned, tmp_path):
    return shutil.copytree(cleaned, tmp_path / "run")


def test_the_executed_run_passes_every_gate_on_its_files(run):
    found, faults = judged(run)
    assert (set(found.values()), faults) == ({"pass"}, [])
    assert set(found) == set(ON_FILES)


DELETED = {
    "diagnostics.json": "execution_diagnostics_present",
    "validation.json": "execution_validation_present",
    "manifest.json": "run_manifest_present",
    "artifact_manifest.json": "artifact_manifest_present",
    "production_history.npz": "history_schema_supported",
    f"{FLUX_MOVIE}.gif": "fixed_scale_movies_present",
    f"{FLUX_MOVIE}.json": "fixed_scale_movies_present",
}


@pytest.mark.parametrize(("name", "gate"), DELETED.items(), ids=DELETED)
def test_a_deleted_file_fails_its_gate_and_is_named(run, name, gate):
    (run / name).unlink()
    found, faults = judged(run)
    assert (found[gate], found["artifact_hashes_verified"]) == ("fail", "fail")
    assert any(name in fault for fault in faults)


@pytest.mark.parametrize("name", ["diagnostics.json", "manifest.json", "artifact_manifest.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b'{"a": NaN}', b"\xff\xfe"])
def test_a_torn_or_foreign_file_fails_its_gate_and_is_named(run, name, content):
    (run / name).write_bytes(content)
    found, faults = judged(run)
    assert found[DELETED[name]] == "fail"
    assert any(fault.startswith(("altered", "refused")) and name in fault for fault in faults)


def test_edited_diagnostics_are_altered_evidence(run):
    edit(run / "diagnostics.json", max_energy_budget_residual=0.0)
    found, faults = judged(run)
    assert found["artifact_hashes_verified"] == "fail"
    assert any(fault.startswith("altered: diagnostics.json") for fault in faults)


def test_a_word_changed_in_the_plan_fails_the_gate_on_the_plan(run):
    edit(run / "campaign_plan.json", failed_gates=[], promotion_outlook=[])
    found, faults = judged(run)
    assert found["campaign_plan_present"] == "fail"
    assert any("campaign_plan.json" in fault for fault in faults)


def test_a_folder_without_any_manifest_is_a_fault_and_no_crash(run):
    for name in ("manifest.json", "plan_manifest.json", "artifact_manifest.json"):
        (run / name).unlink()
    (run / "claim_ledger.jsonl").unlink()
    found, faults = judged(run)
    assert found["artifact_hashes_verified"] == "fail"
    assert "nothing to verify" in faults[0]


# -- the chain ---------------------------------------------------------------------------------


NOT_OF_THE_SEGMENTS = (
    "contradicted: production_history.npz (sheet_flux_0 is not that of the segments)"
)


def test_a_scaled_row_of_the_history_is_altered_evidence(run):
    alter(run / "production_history.npz", scaled("sheet_flux_0", -1, 100.0))
    found, faults = judged(run)
    assert faults == ["altered: production_history.npz", NOT_OF_THE_SEGMENTS]
    assert found["checkpoint_chain_verified"] == "fail"


def test_a_scaled_row_is_no_row_of_the_segments_whatever_is_hashed_anew(run):
    alter(run / "production_history.npz", scaled("sheet_flux_0", -1, 100.0))
    rebuild(run)
    found, faults = judged(run)
    assert (faults, found["artifact_hashes_verified"]) == ([NOT_OF_THE_SEGMENTS], "fail")
    assert found["checkpoint_chain_verified"] == "fail"


@pytest.mark.parametrize("part", ["state", "history"])
def test_damage_to_one_checkpoint_breaks_the_chain(run, part):
    path = sorted(run.glob(f"checkpoints/{part}_step_*.npz"))[3]
    path.write_bytes(path.read_bytes()[:-1])
    found, faults = judged(run)
    assert found["checkpoint_chain_verified"] == "fail"
    assert any(path.name in fault for fault in faults)


def test_a_deleted_segment_breaks_the_chain(run):
    path = sorted(run.glob("checkpoints/history_step_*.npz"))[3]
    path.unlink()
    found, faults = judged(run)
    assert found["checkpoint_chain_verified"] == "fail"
    assert any(fault.startswith("missing") and path.name in fault for fault in faults)


def test_a_missing_name_of_the_history_is_a_difference_to_its_segments(run):
    alter(run / "production_history.npz", lambda arrays: arrays.pop("sheet_flux_1"))
    rebuild(run)
    assert judged(run)[0]["checkpoint_chain_verified"] == "fail"


def test_a_run_without_its_newest_checkpoint_has_not_reached_the_target(run):
    for path in [*run.glob("checkpoints/*_000000000678.*"), *run.glob("frames/*678.npz")]:
        path.unlink()
    found, _ = judged(run)
    assert found["terminal_step_reaches_target"] == "fail"
    assert found["artifact_hashes_verified"] == "fail"


# -- movies ------------------------------------------------------------------------------------


def sidecar_with(run, **changes):
    edit(run / f"{FLUX_MOVIE}.json", **changes)
    rebuild(run)
    return judged(run)[0]["movies_fixed_scale_verified"]


def test_a_movie_that_is_as_it_was_passes_with_digests_made_anew(run):
    assert sidecar_with(run) == "pass"


MOVED = {
    "a range that does not hold the values": {"vmin": 0.0},
    "a range turned round": {"vmin": 1.0, "vmax": -1.0},
    "no range": {"vmax": None},
    "words for a range": {"vmin": "low", "vmax": "high"},
    "no times": {"frame_times": None},
    "times of another run": {"frame_times": [0.0] * 114},
    "one frame over and over": {"frame_sha256": ["0" * 64] * 114},
    "no frames": {"frame_sha256": [], "frame_times": [], "frame_steps": []},
    "another film": {"movie_sha256": "0" * 64},
    "no sidecar of ours": {"schema": "mhx.movie.v2"},
}


@pytest.mark.parametrize("changes", MOVED.values(), ids=MOVED)
def test_a_sidecar_that_says_otherwise_fails(run, changes):
    assert sidecar_with(run, **changes) == "fail"


def test_a_movie_of_another_run_fails_although_its_times_agree(run):
    """Same plan, other seed: every number of the sidecar fits but the pictures."""
    for path in sorted(run.glob("frames/frames_step_*.npz")):
        alter(path, lambda arrays: arrays.update(psi=arrays["psi"] * np.float32(0.999)))
    rebuild(run)
    found, faults = judged(run)
    assert (found["movies_fixed_scale_verified"], faults) == ("fail", [])


def test_the_pictures_of_a_run_differ_and_are_enough(run):
    frames = join_frames(sorted(run.glob("frames/frames_step_*.npz")))
    assert len(set(frame_digests(frames.psi))) == len(frames.steps) >= 20


def test_a_movie_with_too_few_frames_fails(run):
    document = read(run / "campaign_plan.json")
    document["thresholds"]["min_movie_frames"] = 1000
    folder = RunFolder(run)
    records = [one for one in read_records(run)[0] if not one.registered]
    history = read_history(folder.history).arrays
    assert file_metrics(folder, Plan(document), records, history)[0]["movie_faults"] == 2


def test_a_gif_that_was_replaced_fails(run):
    other = run / "figures/fixed_scale_current_density_movie.gif"
    shutil.copy(other, run / f"{FLUX_MOVIE}.gif")
    rebuild(run)
    assert judged(run)[0]["movies_fixed_scale_verified"] == "fail"


# -- code and commands -------------------------------------------------------------------------


def code_identity(run):
    return judged(run)[0]["code_identity_recorded"]


@pytest.mark.parametrize("name", ["plan_manifest.json", "manifest.json"])
@pytest.mark.parametrize("dirty", [True, None])
def test_a_work_tree_with_changes_leaves_the_code_unknown(run, name, dirty):
    _restate(run / name, git={"commit": "0" * 40, "dirty": dirty})
    assert code_identity(run) == "unknown"


@pytest.mark.parametrize(
    ("wheel", "verdict"), [(True, "pass"), (False, "unknown"), (None, "unknown")]
)
def test_an_installed_package_is_known_when_its_files_are_those_of_its_wheel(run, wheel, verdict):
    for name in ("plan_manifest.json", "manifest.json"):
        _restate(run / name, git={"commit": None, "dirty": None}, wheel=wheel)
    assert code_identity(run) == verdict


@pytest.mark.parametrize("git", [None, "clean", []])
def test_a_manifest_that_says_nothing_of_git_is_judged(run, git):
    _restate(run / "manifest.json", git=git)
    assert code_identity(run) in ("pass", "unknown")


@pytest.mark.parametrize("name", ["plan_manifest.json", "manifest.json"])
def test_another_code_in_one_manifest_fails(run, name):
    _restate(run / name, code_digest="f" * 64)
    assert code_identity(run) == "fail"


def test_another_code_in_one_record_fails(run):
    record = read_records(run)[0][4]
    document = json.loads(json.dumps(record.document))
    document["environment"]["code_digest"] = "f" * 64
    write_record(run, document)
    rebuild(run)
    found, faults = judged(run)
    assert (found["code_identity_recorded"], faults) == ("fail", [])


@pytest.mark.parametrize("environment", [None, {}, "here", {"code_digest": None}])
def test_a_record_without_its_code_is_unknown_or_differs(run, environment):
    document = dict(read_records(run)[0][4].document)
    write_record(run, {**document, "environment": environment})
    rebuild(run)
    assert code_identity(run) != "pass"


def test_a_file_that_no_recorded_command_made_fails(run):
    (run / "figures/found_elsewhere.png").write_bytes(b"picture")
    (run / "extra.npz").write_bytes(b"data")
    rebuild_manifest(run)
    found, _ = judged(run)
    assert found["command_sequence_recorded"] == "fail"


def test_a_journal_that_is_gone_leaves_every_file_without_a_command(run):
    (run / "commands.jsonl").unlink()
    write_artifact_manifest(run)
    assert judged(run)[0]["command_sequence_recorded"] == "fail"


def test_an_altered_journal_answers_nothing(run):
    path = run / "commands.jsonl"
    path.write_text(path.read_text().replace("command_line", "Command_line", 1))
    found, faults = judged(run)
    assert found["command_sequence_recorded"] == "unknown"
    assert any("commands.jsonl" in fault for fault in faults)


def test_every_gate_on_files_is_among_the_criteria():
    rows = criteria({}, require_sweeps=False, same_machine=True)
    assert set(ON_FILES) <= {row.gate.name for row in rows}
