"""Manifests: identity is content, every listed file is bound, and an own edit is found."""

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import manifest, store, verify
from mhx.evidence.hashing import file_digest
from mhx.evidence.manifest import Manifest
from mhx.evidence.provenance import provenance
from mhx.evidence.verifier import write_verifier

NAMES = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=8)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONFIGS = st.dictionaries(
    NAMES, st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


@pytest.mark.slow
@settings(max_examples=30)
@given(files=st.dictionaries(PATHS, st.binary(max_size=50), min_size=1), config=CONFIGS)
def test_a_manifest_says_the_same_after_a_round_trip(tmp_path_factory, files, config):
    root = tmp_path_factory.mktemp("trip")
    written = []
    for name, content in files.items():
        place = root / f"{name}.bin"  # so that no file is in the way of a folder
        store.write_bytes(place, content)
        written.append(place.relative_to(root).as_posix())
    made = Manifest(
        kind="case",
        config=config,
        files=manifest.describe(root, written[:1]),
        figures=manifest.describe(root, written[1:]),
        provenance=provenance(),
    )
    found = manifest.read_manifest(manifest.write_manifest(root, made))
    manifest.write_artifact_manifest(root)
    again = Manifest(
        kind=found["kind"],
        config=found["config"],
        files={name: found["hashes"][name] for name in found["identity"]},
    )
    assert found["digest"] == made.digest == again.digest
    assert found["hashes"] == {name: file_digest(root / name) for name in written}
    assert found["config"] == config
    assert verify.verify(root).problems == []


@pytest.fixture
def folder(tmp_path):
    store.write_text(tmp_path / "rows.csv", "1\n")
    store.write_text(tmp_path / "figures/a.png", "picture")
    return tmp_path


def described(folder, **changes):
    words = {
        "kind": "case",
        "config": {"eta": 1},
        "files": manifest.describe(folder, ["rows.csv"]),
        "figures": manifest.describe(folder, ["figures/a.png"]),
        **changes,
    }
    return Manifest(**words)


SAME = {
    "other times, hosts and commits": {"provenance": {"host": "elsewhere", "git": None}},
    "another picture": {"figures": {"figures/a.png": "0" * 64}},
    "another level": {"claim": {"claim_level": "smoke"}},
    "1.0 for 1": {"config": {"eta": 1.0}},
    "another output folder": {"config": {"eta": 1, "output_dir": "there"}},
}
OTHER = {
    "another number": {"config": {"eta": 2}},
    "another file": {"files": {"rows.csv": "0" * 64}},
    "a file less": {"files": {}},
    "another name": {"files": {"lines.csv": "0" * 64}},
}


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_circumstance_is_no_identity(folder, changes):
    assert described(folder, **changes).digest == described(folder).digest


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
def test_content_is_identity(folder, changes):
    assert described(folder, **changes).digest != described(folder).digest


def test_the_place_of_a_workflow_is_no_identity():
    config = {"workflow": {"mode": "reconnection", "output_dir": "a"}}
    assert verify.without_circumstance(config) == {"workflow": {"mode": "reconnection"}}


def test_what_a_comparison_is_called_is_no_identity(folder):
    def of(name):
        config = {"comparison": {"comparison_id": name, "reference_simulation": "exact"}}
        return described(folder, config=config).digest

    assert of("a") == of("b")


def test_numbers_that_are_not_finite_are_null_on_disk_and_still_bound(folder):
    path = manifest.write_manifest(folder, described(folder, claim={"bound": math.inf}))
    assert manifest.read_manifest(path)["bound"] is None


def test_a_declared_output_that_was_not_written_is_an_error(folder):
    with pytest.raises(EvidenceError, match=r"not written: b\.csv, figures") as caught:
        manifest.describe(folder, ["rows.csv", "b.csv", "figures"])
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (lambda root: manifest.write_manifest(root, described(root)), manifest.read_manifest),
        (manifest.write_artifact_manifest, manifest.read_artifact_manifest),
    ],
    ids=["manifest", "artifact manifest"],
)
def test_an_edit_of_a_manifest_itself_is_refused(folder, write, read):
    path = write(folder)
    store.write_json(path, {**read(path), "created_utc": "1999-01-01T00:00:00+00:00"})
    with pytest.raises(EvidenceError, match="edited"):
        read(path)


def test_the_artifact_manifest_lists_every_file_and_nothing_that_it_may_not(executed):
    for name in (".lock", ".lock.json", "checkpoints/quarantine/x.npz", "superseded/1/plan.json"):
        store.write_text(executed / name, "left out")
    store.write_text(executed / ".figures.png.4711-0.part", "draft")
    store.write_text(executed / "report.html", "derived")
    document = manifest.read_artifact_manifest(manifest.write_artifact_manifest(executed))
    listed = {entry["path"] for entry in document["files"]}
    there = {
        path.relative_to(executed).as_posix() for path in executed.rglob("*") if path.is_file()
    }
    assert there - listed == {
        "artifact_manifest.json",
        ".lock",
        ".lock.json",
        "attempts/1/log.txt",
        "checkpoints/quarantine/x.npz",
        "superseded/1/plan.json",
        ".figures.png.4711-0.part",
        "claim_ledger.jsonl",
        "commands.jsonl",
        "resume_plan.json",
        "report.html",
    }
    assert [entry["path"] for entry in document["files"]] == sorted(listed)
    assert all(
        entry["size_bytes"] == (executed / entry["path"]).stat().st_size
        for entry in document["files"]
    )
    assert document["root"] == "."
    assert document["claim_levels"] == {"manifest.json": "validation"}


def test_a_list_may_be_written_elsewhere(executed, tmp_path):
    before = (executed / "artifact_manifest.json").read_bytes()
    path = manifest.list_artifacts(executed, tmp_path / "list.json")
    assert manifest.read_artifact_manifest(path)["root"] == str(executed)
    assert (executed / "artifact_manifest.json").read_bytes() == before


def test_a_list_that_a_ledger_binds_is_kept(executed):
    before = (executed / "artifact_manifest.json").read_bytes()
    assert manifest.list_artifacts(executed) == executed / "artifact_manifest.json"
    assert (executed / "artifact_manifest.json").read_bytes() == before


def test_no_new_list_hides_what_was_altered(executed):
    before = (executed / "artifact_manifest.json").read_bytes()
    (executed / "figures/histories.png").write_bytes(b"another picture")
    with pytest.raises(EvidenceError, match=r"altered: figures/histories\.png"):
        manifest.list_artifacts(executed)
    assert (executed / "artifact_manifest.json").read_bytes() == before


def test_any_folder_can_be_listed_again_when_files_were_added(folder):
    manifest.list_artifacts(folder)
    store.write_text(folder / "more.csv", "2\n")
    assert ("unexpected", "more.csv") in {
        (fault.kind, fault.path) for fault in verify.verify(folder).problems
    }
    manifest.list_artifacts(folder)
    assert verify.verify(folder).problems == []


def test_a_folder_that_is_not_there_cannot_be_listed(tmp_path):
    with pytest.raises(ConfigError, match="nowhere is no directory"):
        manifest.list_artifacts(tmp_path / "nowhere")


COVERED = {
    "campaign_plan.json": True,
    "checkpoints/initial_state.npz": True,
    "checkpoints/step_000000000200.json": True,
    "checkpoints/state_step_000000000300.npz": True,
    "checkpoints/history_step_000000000100.npz": True,
    "production_history.npz": True,
    "validation.json": False,
    "resume_plan.json": False,
    "manifest.json": False,
    "checkpoints/checkpoint_index.json": False,
}


@pytest.mark.parametrize(("name", "covered"), COVERED.items(), ids=COVERED)
def test_the_digest_of_a_run_covers_what_was_computed_and_no_view_of_it(executed, name, covered):
    before = manifest.run_digest(executed)
    with (executed / name).open("ab") as stream:
        stream.write(b" ")
    assert (manifest.run_digest(executed) != before) is covered


def test_bindings_name_what_is_there(executed, claimed):
    found = manifest.bindings(claimed)
    assert found.keys() == {
        *("manifest", "plan_manifest", "artifact_manifest", "promotion_report", "commands")
    }
    assert found["artifact_manifest"] == file_digest(claimed / "artifact_manifest.json")
    assert found["commands"] == store.read_chained(claimed / "commands.jsonl")[-1]["digest"]


def test_the_verifier_in_a_folder_is_the_one_of_the_package(folder):
    path = write_verifier(folder)
    assert path.name == "verify.py"
    assert path.read_bytes() == Path(verify.__file__).read_bytes()


def test_a_manifest_names_its_artifact_manifest_without_a_hash(folder):
    document = json.loads(manifest.write_manifest(folder, described(folder)).read_text())
    assert document["outputs"]["artifact_manifest"] == "artifact_manifest.json"
    assert "artifact_manifest" not in document["hashes"]
    assert [fault.path for fault in verify.verify(folder).problems] == ["artifact_manifest.json"]
    alone = described(folder, artifact_manifest=False)
    manifest.write_manifest(folder, alone)
    assert verify.verify(folder).problems == []
    assert sorted(os.listdir(folder)) == ["figures", "manifest.json", "rows.csv"]
