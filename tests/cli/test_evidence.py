"""`mhx verify` and `mhx artifact-manifest` as a user types them."""

import json

import pytest
import typer
from typer.testing import CliRunner

from mhx.cli import evidence
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import manifest, store

app = typer.Typer()
evidence.register(app)


def answer(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def case(tmp_path):
    store.write_text(tmp_path / "rows.csv", "1\n")
    made = manifest.Manifest(
        kind="case",
        config={},
        files=manifest.describe(tmp_path, ["rows.csv"]),
        claim={"claim_level": "validation"},
    )
    manifest.write_manifest(tmp_path, made)
    manifest.write_artifact_manifest(tmp_path)
    store.write_json(tmp_path / "resume_plan.json", {})
    return tmp_path


def test_a_folder_as_recorded(case):
    told = answer("verify", case)
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        f"3 files of {case} hashed again, all as recorded; effective level validation",
        "derived, covered by no digest: resume_plan.json",
    ]


def test_every_fault_is_named_in_plain_words(case):
    (case / "rows.csv").write_text("2\n")
    (case / "more.csv").write_text("3\n")
    told = answer("verify", case)
    assert told.exit_code == 4
    assert told.stdout.splitlines() == [
        f"3 files of {case} hashed again, 2 faults found; "
        "effective level unspecified (stated: validation)",
        "unexpected: more.csv",
        "altered: rows.csv",
        "derived, covered by no digest: resume_plan.json",
    ]


def test_one_json_object(case):
    (case / "rows.csv").unlink()
    told = answer("verify", case, "--json")
    assert told.exit_code == 4
    document = json.loads(told.stdout)
    assert document["problems"] == [{"kind": "missing", "path": "rows.csv", "detail": ""}]
    assert document["effective_level"] == "unspecified"


@pytest.mark.parametrize("folder", [".", "nowhere"])
def test_a_folder_without_evidence_is_a_wrong_argument(tmp_path, folder):
    told = answer("verify", tmp_path / folder)
    assert isinstance(told.exception, ConfigError)
    assert "\n" not in str(told.exception)


def test_a_list_of_a_folder(tmp_path):
    store.write_text(tmp_path / "a.txt", "four")
    told = answer("artifact-manifest", tmp_path)
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        f"1 file of {tmp_path} listed, 4 bytes",
        f"wrote {tmp_path / 'artifact_manifest.json'}",
    ]
    document = json.loads(answer("artifact-manifest", tmp_path, "--json").stdout)
    assert [entry["path"] for entry in document["files"]] == ["a.txt"]


def test_a_list_somewhere_else(case, tmp_path_factory):
    place = tmp_path_factory.mktemp("lists") / "list.json"
    assert answer("artifact-manifest", case, "--output", place).exit_code == 0
    assert len(manifest.read_artifact_manifest(place)["files"]) == 2


def test_a_list_cannot_replace_a_folder(case, tmp_path_factory):
    place = tmp_path_factory.mktemp("lists")
    told = answer("artifact-manifest", case, "--output", place)
    assert isinstance(told.exception, ConfigError)
    assert str(told.exception) == (
        f"--output must be a file, {place} is a folder; name a file in it, "
        f"for example {place / 'artifact_manifest.json'}"
    )
    assert list(place.iterdir()) == []


def test_a_list_that_would_hide_an_edit_is_refused(case):
    (case / "rows.csv").write_text("2\n")
    told = answer("artifact-manifest", case)
    assert isinstance(told.exception, EvidenceError)
    assert "altered: rows.csv" in str(told.exception)
