"""What `mhx run` leaves behind, and what it refuses to touch."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from mhx.cli import main
from mhx.errors import ConfigError, EvidenceError, RunLocked
from mhx.evidence.verify import verify
from mhx.execution.lock import hold
from mhx.workflow.run import run_file


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".lock")
    }


def test_a_run_leaves_configuration_summary_verifier_and_manifests(rod_file, tmp_path):
    answer = run_file(rod_file("length = 3"))
    root = tmp_path / "runs" / "rod"
    assert answer.wrote == root
    assert answer.exit_code == 0
    assert set(contents(root)) == {
        *("config.toml", "run_summary.json", "validation.json", "rod.npz", "figures/rod.png"),
        *("verify.py", "manifest.json", "artifact_manifest.json"),
    }
    assert tomllib.loads((root / "config.toml").read_text())["length"] == 3.0
    summary = json.loads((root / "run_summary.json").read_text())
    assert summary["metrics"] == {"length": 3.0}
    manifest = json.loads((root / "manifest.json").read_text())
    assert manifest["kind"] == "case"
    assert manifest["claim_level"] == "validation"
    assert manifest["family_digest"] == "f" * 64
    assert manifest["device"] == "cpu"
    assert manifest["identity"] == ["rod.npz"]
    assert not verify(root).problems


def test_the_folder_checks_itself_with_a_plain_python(rod_file, tmp_path):
    run_file(rod_file())
    root = tmp_path / "runs" / "rod"
    words = [sys.executable, "-I", "-S", "verify.py"]
    assert subprocess.run(words, cwd=root, capture_output=True, check=False).returncode == 0
    (root / "rod.npz").write_bytes(b"9.0")
    altered = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False)
    assert altered.returncode == 4
    assert "rod.npz" in altered.stdout + altered.stderr


def test_a_gate_that_did_not_pass_is_a_result_with_exit_code_1(rod_file):
    answer = run_file(rod_file("length = 30"))
    assert answer.exit_code == 1
    assert [result.gate.name for result in answer.not_passed] == ["short"]
    assert answer.headline == "rod: 1 of 1 gates did not pass"


def test_a_finished_run_is_verified_and_not_computed_again(rod_file, tmp_path, rods):
    path = rod_file("length = 3")
    run_file(path)
    before = contents(tmp_path / "runs" / "rod")
    answer = run_file(path)
    assert rods == [3.0]
    assert contents(tmp_path / "runs" / "rod") == before
    assert answer.exit_code == 0
    assert "nothing was computed" in answer.details[0]


def test_whole_and_real_numbers_and_another_name_are_the_same_run(rod_file, rods):
    run_file(rod_file("length = 3"))
    run_file(rod_file("length = 3.0", workflow='name = "other"'))
    assert rods == [3.0]


def test_a_finished_run_that_was_altered_is_evidence_no_more(rod_file, tmp_path):
    path = rod_file()
    run_file(path)
    (tmp_path / "runs" / "rod" / "rod.npz").write_bytes(b"9.0")
    with pytest.raises(EvidenceError, match=r"rod\.npz"):
        run_file(path)


def test_a_run_killed_before_its_last_file_is_computed_again(rod_file, tmp_path, rods):
    path = rod_file("length = 3")
    run_file(path)
    (tmp_path / "runs" / "rod" / "artifact_manifest.json").unlink()
    assert run_file(path).exit_code == 0
    assert rods == [3.0, 3.0]
    assert main(["verify", str(tmp_path / "runs" / "rod")]) == 0


def test_another_configuration_is_refused_and_nothing_is_lost(rod_file, tmp_path, rods):
    run_file(rod_file("length = 3"))
    before = contents(tmp_path / "runs" / "rod")
    with pytest.raises(ConfigError, match=r"length is 3\.0 there, 4\.0 here") as caught:
        run_file(rod_file("length = 4"))
    assert "--output-dir" in str(caught.value)
    assert contents(tmp_path / "runs" / "rod") == before
    assert rods == [3.0]


FOREIGN = {
    "a stranger's file": lambda root: (root / "thesis.tex").write_text("dear reader"),
    "a stranger's folder": lambda root: (root / "photos").mkdir(),
    "a campaign": lambda root: (root / "campaign_plan.json").write_text("{}"),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_folder_is_refused_and_left_as_it_is(make, rod_file, tmp_path, rods):
    root = tmp_path / "mine"
    root.mkdir()
    make(root)
    before = sorted(os.listdir(root))
    with pytest.raises(ConfigError, match="nothing was changed"):
        run_file(rod_file(), root)
    assert sorted(os.listdir(root)) == before
    assert not rods


def test_a_folder_inside_a_campaign_is_refused(rod_file, tmp_path, rods):
    (tmp_path / "campaign_plan.json").write_text("{}")
    with pytest.raises(ConfigError, match="lies inside the campaign run"):
        run_file(rod_file())
    assert not (tmp_path / "runs").exists()
    assert not rods


def test_a_file_in_the_place_of_the_folder_is_refused(rod_file, tmp_path):
    place = tmp_path / "place"
    place.write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        run_file(rod_file(), place)


def test_a_wrong_configuration_makes_no_folder(rod_file, tmp_path):
    with pytest.raises(ConfigError, match=r"length must be > 0\.0"):
        run_file(rod_file("length = -1"))
    assert not (tmp_path / "runs").exists()


ENDS = {
    "bug": (ZeroDivisionError, {"class": "ZeroDivisionError", "exit_code": 70}),
    "interrupt": (KeyboardInterrupt, {"message": "interrupted", "exit_code": 130}),
    "refusal": (ConfigError, {"class": "ConfigError", "exit_code": 2}),
}


@pytest.mark.parametrize(("fault", "end"), ENDS.items(), ids=ENDS)
def test_a_failure_is_on_record_before_it_is_raised(fault, end, rod_file, tmp_path):
    error, record = end
    with pytest.raises(error):
        run_file(rod_file(f'fault = "{fault}"'))
    root = tmp_path / "runs" / "rod"
    found = json.loads((root / "run_error.json").read_text())
    assert record.items() <= found.items()
    assert not (root / "run_summary.json").exists()
    assert not (root / "manifest.json").exists()


def test_a_refused_configuration_makes_room_for_a_better_one(rod_file, rods):
    with pytest.raises(ConfigError, match="too long"):
        run_file(rod_file('fault = "refusal"'))
    assert run_file(rod_file("length = 2")).exit_code == 0
    assert rods == [1.0, 2.0]


def test_a_refused_run_leaves_nothing_but_why(rod_file, tmp_path):
    path, root = rod_file('fault = "refusal"'), tmp_path / "runs" / "rod"
    with pytest.raises(ConfigError, match="too long"):
        run_file(path)
    assert set(contents(root)) == {"config.toml", "run_error.json"}
    method = root / "simulations" / "one" / "manifest.json"
    method.parent.mkdir(parents=True)
    method.write_text("{}")
    (root / "run_error.json").unlink()
    with pytest.raises(ConfigError, match="too long"):
        run_file(path)
    assert method.is_file()  # what is finished inside is not lost


def test_an_interrupted_run_is_not_replaced_by_another_configuration(rod_file):
    with pytest.raises(KeyboardInterrupt):
        run_file(rod_file('fault = "interrupt"'))
    with pytest.raises(ConfigError, match="holds a run of another configuration"):
        run_file(rod_file("length = 2"))


def test_a_run_that_failed_is_run_again(rod_file, tmp_path, rods, monkeypatch):
    path = rod_file('fault = "bug"')
    with pytest.raises(ZeroDivisionError):
        run_file(path)
    monkeypatch.setattr("mhx.workflow.run.runner_of", lambda row: _harmless)
    answer = run_file(path)
    assert answer.exit_code == 0
    assert not (tmp_path / "runs" / "rod" / "run_error.json").exists()


def _harmless(request):
    from mhx.runner import RunSummary

    return RunSummary(metrics={"length": 1.0})


def test_a_declared_file_that_was_not_written_is_an_error_on_record(
    rod_file, tmp_path, monkeypatch
):
    from mhx.runner import RunSummary

    promised = RunSummary(metrics={}, artifacts=("ghost.npz",))
    monkeypatch.setattr("mhx.workflow.run.runner_of", lambda row: lambda request: promised)
    with pytest.raises(EvidenceError, match=r"ghost\.npz"):
        run_file(rod_file())
    root = tmp_path / "runs" / "rod"
    assert json.loads((root / "run_error.json").read_text())["exit_code"] == 4
    assert (root / "run_summary.json").exists()
    assert not (root / "manifest.json").exists()


def test_a_locked_folder_is_refused_with_its_owner(rod_file, tmp_path, rods):
    root = tmp_path / "runs" / "rod"
    with hold(root, attempt="someone"), pytest.raises(RunLocked, match="someone"):
        run_file(rod_file())
    assert not rods


def test_equal_runs_have_equal_digests(rod_file, tmp_path):
    path = rod_file("length = 3")
    digests = []
    for name in "ab":
        run_file(path, tmp_path / name)
        digests.append(json.loads((tmp_path / name / "manifest.json").read_text())["digest"])
    assert digests[0] == digests[1]


def test_a_failed_gate_stays_failed_when_a_finished_run_is_asked_for_again(rod_file):
    path = rod_file("length = 30")
    run_file(path)
    assert run_file(path).exit_code == 1


def test_a_step_that_would_blow_up_is_refused_with_its_line_before_anything_is_written(tmp_path):
    path = tmp_path / "case.toml"
    path.write_text(
        '[workflow]\nmode = "reconnection"\noutput_dir = "out"\n[mesh]\nshape = [16, 16]\n'
        '[time]\nt1 = 40.0\ndt = 20.0\n[physics]\nequilibrium = "cosine_tearing"\n'
    )
    with pytest.raises(ConfigError, match=r"case\.toml:8  time\.dt must be <= .*, got 20"):
        run_file(path)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a" * 400, "a\\u0000b"], ids=["too long", "NUL"])
def test_a_folder_that_no_file_system_takes_is_refused_with_its_line(tmp_path, name):
    path = tmp_path / "case.toml"
    path.write_text(
        f'[workflow]\nmode = "reconnection"\noutput_dir = "{name}"\n[mesh]\nshape = [16, 16]\n'
        '[time]\nt1 = 1.0\n[physics]\nequilibrium = "cosine_tearing"\n'
    )
    with pytest.raises(ConfigError, match=r"case\.toml:3  workflow\.output_dir must be a path"):
        run_file(path)
