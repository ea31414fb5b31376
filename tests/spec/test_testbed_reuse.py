"""Testbed, sections 8.1, 8.3 and 16: reuse and why not, staleness, explain, altered evidence."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from .matrix import BASE, HEAD, by_id, case, metric, mhx, read, started, write

TEXT = HEAD + case("x", a=2.0) + case("y", a=3.0) + metric("a")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A finished matrix of two cases."""
    folder = tmp_path_factory.mktemp("kept")
    said = mhx("run", write(folder, TEXT))
    assert said.code == 0, said.text
    return folder


@pytest.fixture
def done(kept, tmp_path):
    """A private copy of it."""
    return shutil.copytree(kept, tmp_path / "matrix", symlinks=True)


def plan_reasons(folder):
    """What a plan foresees, then what a run records; they agree."""
    said = mhx("testbed", "plan", folder / "k.toml")
    assert said.code == 0, said.text
    planned = read(folder / "out/testbed_plan.json")["cases"]
    return {row["case_id"]: (row["would_reuse"], row["reuse_reason"]) for row in planned}


def again(folder, *words):
    """Run again; the reason of each case, and how often its script was started in this run."""
    before = started(folder / "out")
    said = mhx("testbed", "run", folder / "k.toml", *words)
    assert said.code in (0, 1), said.text
    after = started(folder / "out")
    found = by_id(folder / "out/testbed_cases.csv")
    reused = {name: row["reused"] == "true" for name, row in found.items()}
    fresh = {name for name, row in found.items() if row["status"] == "ok" and not reused[name]}
    for name, stood in reused.items():
        if stood:
            assert after[name] == before[name], name
    assert mhx("verify", folder / "out").code == 0
    return {name: row["reuse_reason"] for name, row in found.items()}, fresh


def write_again(folder, text, base=BASE):
    write(folder, text, base)


def test_first_run_then_nothing_is_repeated(done):
    found = by_id(done / "out/testbed_cases.csv")
    assert {row["reuse_reason"] for row in found.values()} == {"first run"}
    assert plan_reasons(done) == {"x": (True, ""), "y": (True, "")}
    assert again(done) == ({"x": "", "y": ""}, set())
    manifest = read(done / "out/testbed_manifest.json")
    assert (manifest["reused_count"], manifest["successful_count"]) == (2, 2)


def test_reuse_is_off(done):
    write_again(done, TEXT.replace("[testbed]\n", '[testbed]\nreuse = { mode = "never" }\n'))
    assert plan_reasons(done)["x"] == (False, "reuse is off")
    assert again(done) == ({"x": "reuse is off", "y": "reuse is off"}, {"x", "y"})


def test_previous_status_was_failed(tmp_path):
    text = HEAD + case("x", "overlay.command.parameters.exit = 1")
    assert mhx("run", write(tmp_path, text)).code == 1
    assert plan_reasons(tmp_path)["x"] == (False, "previous status was failed")
    reasons, _ = again(tmp_path)
    assert reasons == {"x": "previous status was failed"}


def test_configuration_changed_names_old_and_new(done):
    write_again(done, TEXT.replace("a = 2.0", "a = 1e-05"))
    reason = "configuration changed: command.parameters.report.a 2.0 -> 1e-05"
    assert plan_reasons(done) == {"x": (False, reason), "y": (True, "")}
    assert again(done) == ({"x": reason, "y": ""}, {"x"})


def test_at_most_five_keys_are_named(tmp_path):
    def text(value):
        return HEAD + case("x", **{f"m{i:02d}": value for i in range(17)})

    assert mhx("run", write(tmp_path, text(1.0))).code == 0
    write_again(tmp_path, text(2.0))
    reasons, _ = again(tmp_path)
    assert reasons["x"].startswith(
        "configuration changed: command.parameters.report.m00 1.0 -> 2.0"
    )
    assert reasons["x"].count("->") == 5
    assert reasons["x"].endswith("and 12 more")


def test_input_changed_names_the_file(done):
    with (done / "model.py").open("a") as stream:
        stream.write("# touched\n")
    assert plan_reasons_after_touch(done) == {"x": "input changed: model.py"} | {
        "y": "input changed: model.py"
    }


def plan_reasons_after_touch(folder):
    said = mhx("testbed", "run", folder / "k.toml")
    assert said.code == 0, said.text
    found = by_id(folder / "out/testbed_cases.csv")
    return {name: row["reuse_reason"] for name, row in found.items()}


def test_engine_changed_names_it(tmp_path):
    """The program itself is the engine of a command."""
    tool = tmp_path / "bin/tool"
    tool.parent.mkdir()
    script = '#!/bin/sh\nexec "$MHX_TEST_PYTHON" -S -E "$@"\n'
    tool.write_text(script)
    tool.chmod(0o755)
    base = BASE.replace('"{python}", "-S", "-E"', f'"{tool}"').replace(
        'metrics_json = "metrics.json"',
        f'metrics_json = "metrics.json"\nenv = {{ MHX_TEST_PYTHON = "{sys.executable}" }}',
    )
    folder = tmp_path / "m"
    said = mhx("run", write(folder, HEAD + case("x"), base))
    assert said.code == 0, said.text
    tool.write_text(script + "# newer\n")
    os.utime(tool, (1, 1))
    reasons, fresh = again(folder)
    assert fresh == {"x"}
    assert reasons["x"].startswith("engine changed: ")


@pytest.mark.parametrize("name", ["run_summary.json", "metrics.json", "config.toml"])
def test_evidence_altered_names_the_file(name, done):
    target = done / "out/cases/x" / name
    target.write_bytes(target.read_bytes() + b" ")
    assert mhx("verify", done / "out").code == 4
    reasons, fresh = again(done)
    assert reasons == {"x": f"evidence altered: {name}", "y": ""}
    assert fresh == {"x"}


def test_missing_file_of_a_run_is_altered_evidence(done):
    (done / "out/cases/x/metrics.json").unlink()
    reasons, fresh = again(done)
    assert reasons["x"].startswith("evidence altered: metrics.json")
    assert fresh == {"x"}


def test_forced(done):
    reasons, fresh = again(done, "--fresh", "--case", "x")
    assert reasons["x"] == "forced"
    assert fresh == {"x"}


def test_new_metric_or_check_reruns_nothing(done):
    check = '[[testbed.check]]\nid = "c"\nkind = "bounds"\nmetric = "b"\nhigh = 5.0\nreason = "r"\n'
    write_again(done, TEXT + '[[testbed.metric]]\nname = "b"\nsource = "a"\n' + check)
    assert again(done)[1] == set()
    found = by_id(done / "out/testbed_metrics.csv")
    assert [found[name]["b"] for name in "xy"] == ["2.0", "3.0"]
    (check_row,) = read(done / "out/testbed_manifest.json")["checks"]
    assert check_row["verdict"] == "pass"


def test_other_numbers_of_jobs_labels_and_limits_rerun_nothing(done):
    text = TEXT.replace('backend = "inline"', 'backend = "inline", jobs = 2, timeout_s = 500')
    write_again(done, text.replace('id = "x"', 'id = "x"\nlabel = "The X"'))
    assert again(done)[1] == set()


def test_reuse_from_another_testbed_is_linked_with_its_origin(done, tmp_path):
    other = tmp_path / "other"
    text = HEAD.replace('id = "k"', 'id = "second"') + 'reuse = { from = ["../matrix/out"] }\n'
    cases = case("mine", a=2.0) + case("new", a=9.0) + metric("a")
    said = mhx("run", write(other, text + cases), "--json")
    assert (said.code, said.json["reused_count"]) == (0, 1), said.text
    assert set(started(other / "out")) >= {"new"}
    found = by_id(other / "out/testbed_cases.csv")
    assert (found["mine"]["status"], found["mine"]["reused"]) == ("ok", "true")
    assert "matrix/out" in json.dumps(read(other / "out/testbed_manifest.json")["cases"][0]) or (
        "matrix/out" in (other / "out/testbed_events.jsonl").read_text()
    )
    assert by_id(other / "out/testbed_metrics.csv")["mine"]["a"] == "2.0"
    assert mhx("verify", other / "out").code == 0


def test_altered_case_of_another_testbed_is_not_taken(done, tmp_path):
    target = done / "out/cases/x/metrics.json"
    target.write_bytes(target.read_bytes() + b" ")
    other = tmp_path / "other"
    text = HEAD.replace('id = "k"', 'id = "second"') + 'reuse = { from = ["../matrix/out"] }\n'
    said = mhx("run", write(other, text + case("mine", a=2.0)), "--json")
    assert (said.code, said.json["reused_count"]) == (0, 0), said.text


# -- stale, status, explain --------------------------------------------------------------------


def test_status_shows_what_the_plan_has_outrun(done):
    said = mhx("testbed", "status", done / "out")
    assert said.code == 0
    assert "stale" not in said.out
    write_again(done, TEXT.replace("a = 2.0", "a = 2.5"))
    assert "stale" not in mhx("testbed", "status", done / "out").out  # it expands nothing again
    assert mhx("testbed", "plan", done / "k.toml").code == 0
    said = mhx("testbed", "status", done / "out")
    assert "stale" in said.out
    assert "x" in said.out
    found = mhx("testbed", "status", done / "out", "--json").json
    assert found["stale"] == ["x"]
    assert {row["case_id"]: row["stale"] for row in found["cases"]} == {"x": True, "y": False}


def test_explain_prints_reason_and_the_one_command_that_reruns(done):
    said = mhx("testbed", "explain", done / "out", "x")
    assert said.code == 0
    assert "ok" in said.out
    assert "mhx testbed run" in said.out
    assert "--case x" in said.out
    write_again(done, TEXT.replace("a = 2.0", "a = 2.5"))
    mhx("testbed", "plan", done / "k.toml")
    said = mhx("testbed", "explain", done / "out", "x")
    assert "configuration changed: command.parameters.report.a 2.0 -> 2.5" in said.out
    (line,) = [line for line in said.out.splitlines() if "mhx testbed run" in line]
    words = line[line.index("mhx ") :].split()
    assert mhx(*words[1:]).code == 0
    assert started(done / "out") == {"x": 1, "y": 1}


def test_explain_knows_its_cases_and_its_folder(done, tmp_path):
    said = mhx("testbed", "explain", done / "out", "z")
    assert said.code == 2
    assert "z" in said.err
    for command in (("status",), ("report",), ("explain",)):
        more = ("x",) if command == ("explain",) else ()
        said = mhx("testbed", *command, tmp_path / "nowhere", *more)
        assert said.code in (2, 4), said.text
        assert "Traceback" not in said.text


def test_explain_of_a_failure_shows_log_and_reason(tmp_path):
    text = HEAD + case("x", 'overlay.command.parameters = { exit = 1, say = "no such mesh" }')
    mhx("run", write(tmp_path, text))
    said = mhx("testbed", "explain", tmp_path / "out", "x")
    assert "failed" in said.out
    assert "no such mesh" in said.out
    assert "log.txt" in said.out
    assert "no such mesh" in by_id(tmp_path / "out/testbed_cases.csv")["x"]["error"]


# -- altered evidence --------------------------------------------------------------------------


EVIDENCE = [
    "testbed_plan.json",
    "testbed_cases.csv",
    "testbed_metrics.csv",
    "testbed_checks.csv",
    "testbed_analysis.json",
    "testbed_manifest.json",
    "testbed_report.md",
    "testbed_report.html",
    "testbed_events.jsonl",
    "_generated_configs/x.toml",
    "cases/x/manifest.json",
    "cases/x/run_summary.json",
    "cases/x/metrics.json",
    "cases/x/config.toml",
]


@pytest.mark.parametrize("name", EVIDENCE)
def test_one_altered_byte_in_any_evidence_file_is_found(name, done):
    target = done / "out" / name
    content = bytearray(target.read_bytes())
    at = next(i for i in range(len(content) // 2, len(content)) if chr(content[i]).isalnum())
    content[at] ^= 1
    target.write_bytes(content)
    said = mhx("verify", done / "out")
    assert said.code == 4, said.text
    assert name in said.text
    plain = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py"],
        cwd=done / "out",
        capture_output=True,
        check=False,
    )
    assert plain.returncode == 4, plain.stdout
    assert name.encode() in plain.stdout + plain.stderr


@pytest.mark.parametrize("name", EVIDENCE)
def test_missing_evidence_is_found(name, done):
    (done / "out" / name).unlink()
    assert mhx("verify", done / "out").code == 4


def test_forged_verdict_does_not_stand(done):
    """Numbers changed in the table, and its digest in the manifest: the run says otherwise."""
    import hashlib

    root = done / "out"
    table = root / "testbed_metrics.csv"
    table.write_text(table.read_text().replace("2.0", "7.0"))
    manifest = root / "testbed_manifest.json"
    old = read(manifest)["files"]["testbed_metrics.csv"]
    new = hashlib.sha256(table.read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text().replace(old, new))
    assert mhx("verify", root).code == 4
