"""What a run folder keeps of a configuration, and of the files that were read."""

import json
import os
import shutil
import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.config import to_toml
from mhx.errors import ConfigError
from mhx.evidence.hashing import content_digest, file_digest
from mhx.evidence.manifest import write_artifact_manifest
from mhx.evidence.store import write_json
from mhx.evidence.verify import verify, without_circumstance
from mhx.workflow import inputs
from mhx.workflow.inputs import input_digests
from mhx.workflow.run import run_file
from mhx.workflow.stored import config_text, relative_path

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
PLAIN = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, PLAIN | st.none(), max_size=4))
def test_tables_written_before_are_written_as_toml_writes_them(config):
    assert tomllib.loads(config_text(config)) == tomllib.loads(to_toml(config))
    assert config_text(config) == config_text(json.loads(json.dumps(config)))


def manifest(root):
    return json.loads((root / "manifest.json").read_text())


@pytest.fixture
def ran(rod_file, tmp_path):
    """A run with an input file: its folder and its file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rod.csv").write_text("1,2\n")
    path = rod_file('table = "data/rod.csv"')
    run_file(path)
    return tmp_path / "runs" / "rod", path


def test_a_run_folder_keeps_its_paths_from_itself(ran):
    root, _ = ran
    config = tomllib.loads((root / "config.toml").read_text())
    assert config["table"] == "../../data/rod.csv"
    assert config["workflow"]["output_dir"] == "."
    found = manifest(root)
    assert found["config"] == config
    digest = input_digests(root / config["table"], "x")["x"]
    assert found["inputs"] == {"../../data/rod.csv": digest}
    assert not verify(root).problems


def test_inputs_are_identity_and_their_digests_are_covered(ran):
    root, _ = ran
    document = manifest(root)
    document["inputs"] = {"../../data/rod.csv": "0" * 64}
    del document["self_digest"]
    write_json(root / "manifest.json", {**document, "self_digest": content_digest(document)})
    told = [str(problem) for problem in verify(root).problems]
    assert any("its digest is not that of what it lists" in problem for problem in told)


def resealed(root, document):
    body = {key: value for key, value in document.items() if key != "self_digest"}
    write_json(root / "manifest.json", {**body, "self_digest": content_digest(body)})
    write_artifact_manifest(root)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_run_is_the_same_wherever_it_and_its_inputs_lie(kind, rod_file, tmp_path):
    digests = []
    for place, text in (("a", "1"), ("much/deeper", "1"), ("b", "2")):
        source = tmp_path / place / ("rod.csv" if kind == "file" else "grid/rod.csv")
        source.parent.mkdir(parents=True)
        source.write_text(text)
        given = source if kind == "file" else source.parent
        root = tmp_path / place / "runs"
        run_file(rod_file(f'table = "{given}"'), root)
        assert not verify(root).problems
        digests.append(manifest(root)["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_a_manifest_that_does_not_tell_where_inputs_stand_covers_their_paths(ran):
    root, _ = ran
    document = manifest(root)
    del document["input_places"]
    resealed(root, document)
    assert [p.detail for p in verify(root).problems] == ["its digest is not that of what it lists"]
    hashes = {name: document["hashes"][name] for name in document["identity"]}
    inputs = {"../../data/rod.csv": document["inputs"]["../../data/rod.csv"]}
    config = without_circumstance(document["config"])
    body = {"schema": document["schema"], "config": config, "files": hashes, "inputs": inputs}
    resealed(root, {**document, "digest": content_digest(body)})
    assert not verify(root).problems


def test_a_manifest_about_another_configuration_than_the_one_that_lies_there_is_found(ran):
    root, _ = ran
    text = (root / "config.toml").read_text()
    (root / "config.toml").write_text(text.replace("length = 1.0", "length = 2.0"))
    document = manifest(root)
    document["hashes"]["config.toml"] = file_digest(root / "config.toml")
    resealed(root, document)
    told = [(problem.kind, problem.path) for problem in verify(root).problems]
    assert told == [("contradicted", "config.toml")]


def test_a_run_folder_can_be_run_again_by_its_own_file(ran, rods):
    root, _ = ran
    answer = run_file(root / "config.toml")
    assert "nothing was computed" in answer.details[0]
    assert len(rods) == 1


def test_a_tree_that_is_moved_is_the_same_finished_run(ran, tmp_path, rods):
    moved = tmp_path.parent / f"{tmp_path.name}_moved"
    shutil.copytree(tmp_path, moved)
    assert run_file(moved / "rod.toml").wrote is None
    assert len(rods) == 1


def test_another_input_is_another_run(ran, tmp_path, rods):
    _, path = ran
    (tmp_path / "data" / "rod.csv").write_text("1,3\n")
    with pytest.raises(ConfigError, match=r"its input \.\./\.\./data/rod\.csv was another file"):
        run_file(path)
    assert len(rods) == 1


def test_a_folder_of_inputs_is_hashed_file_by_file(rod_file, tmp_path):
    folder = tmp_path / "grid"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.csv").write_text("a")
    (folder / "b.csv").write_text("b")
    run_file(rod_file('table = "grid"'))
    found = manifest(tmp_path / "runs" / "rod")["inputs"]
    assert list(found) == ["../../grid/b.csv", "../../grid/deep/a.csv"]


@pytest.mark.parametrize("name", ["attempts", "superseded"])
def test_what_a_testbed_keeps_in_a_run_folder_is_no_part_of_the_run(name, rod_file, tmp_path, rods):
    root = tmp_path / "runs" / "rod"
    (root / name / "a").mkdir(parents=True)
    (root / name / "a" / "log.txt").write_text("begun")
    path = rod_file()
    run_file(path)
    (root / name / "a" / "log.txt").write_text("begun again")
    assert "nothing was computed" in run_file(path).details[0]
    assert len(rods) == 1
    assert not verify(root).problems


def test_each_file_is_hashed_once_while_it_stays_what_it_is(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("1")
    hashed = []
    digest = inputs.file_digest
    monkeypatch.setattr(inputs, "file_digest", lambda p: hashed.append(p) or digest(p))
    first = input_digests(path, "a")
    input_digests(path, "a")
    assert len(hashed) == 2  # so new that a change could go unseen
    old = time.time() - 60
    os.utime(path, (old, old))
    assert input_digests(path, "a") == input_digests(path, "a") == first
    assert len(hashed) == 3
    path.write_text("2")
    assert input_digests(path, "a") != first


def test_an_input_that_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "pipe"
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        input_digests(path, "a")


def test_a_relative_path_leads_there_through_links(tmp_path):
    real = tmp_path / "real" / "deep"
    real.mkdir(parents=True)
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "link").symlink_to(real)
    plain = relative_path(str(tmp_path / "a.csv"), tmp_path / "real")
    linked = relative_path(str(tmp_path / "a.csv"), tmp_path / "link")
    assert (plain, linked) == ("../a.csv", "../../a.csv")
    assert (tmp_path / "link" / linked).read_text() == "a"


def test_a_path_over_a_link_is_the_same_before_and_after_the_folder_exists(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "k.csv").write_text("1")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "shared").symlink_to(tmp_path / "far")
    folder = tmp_path / "here" / "out" / "children"
    before = relative_path(str(tmp_path / "here" / "shared" / "k.csv"), folder)
    folder.mkdir(parents=True)
    assert before == relative_path(str(tmp_path / "here" / "shared" / "k.csv"), folder)
    assert before == "../../shared/k.csv"
