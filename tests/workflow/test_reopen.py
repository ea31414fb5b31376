"""A finished run, reopened: verified, or not handed out."""

import math

import pytest

import mhx
from mhx.errors import ConfigError, EvidenceError
from mhx.workflow.run import run_file

FILE = """
[workflow]
mode = "command"
[command]
argv = ["{python}", "-c", '''CODE''']
parameters = { k = 2 }
"""
WRITES = 'open("metrics.json","w").write(\'{"flow":{"head":1.5},"lost":NaN,"why":"so"}\')'


def carried_out(folder, code):
    file = folder / "case.toml"
    file.write_text(FILE.replace("CODE", code.replace("\\", "\\\\")))
    return run_file(file, folder / "run").wrote


@pytest.fixture
def finished(tmp_path):
    return carried_out(tmp_path, WRITES)


def test_a_run_has_its_configuration_metrics_and_notes(finished):
    run = mhx.load(str(finished))
    assert run.path == finished
    assert run.config["command"]["parameters"] == {"k": 2}
    assert run.metrics["flow.head"] == 1.5
    assert math.isnan(run.metrics["lost"])
    assert run.notes["why"] == "so"
    assert all(path.is_file() for path in run.artifacts)
    assert len(run.digest) == 64


def test_equal_reruns_have_one_digest(tmp_path, finished):
    (tmp_path / "again").mkdir()
    assert mhx.load(carried_out(tmp_path / "again", WRITES)).digest == mhx.load(finished).digest


def test_an_altered_file_is_named(finished):
    (finished / "metrics.json").write_text('{"flow": {"head": 9.9}}')
    with pytest.raises(EvidenceError) as caught:
        mhx.load(finished)
    assert "is not as it was recorded" in str(caught.value)
    assert "metrics.json" in str(caught.value)


def test_a_folder_without_a_finished_run_says_why(tmp_path):
    with pytest.raises(ConfigError, match="there is no such folder"):
        mhx.load(tmp_path / "none")
    with pytest.raises(ConfigError, match="holds no finished run of mhx; `mhx run"):
        mhx.load(tmp_path)
    with pytest.raises(EvidenceError):
        carried_out(tmp_path, "0")
    with pytest.raises(ConfigError, match="its last attempt ended with EvidenceError: the program"):
        mhx.load(tmp_path / "run")
