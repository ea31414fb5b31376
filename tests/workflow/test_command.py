"""Any executable: what it is given, what is read from it, and how its failures are told."""

import json
import math
import sys
import time
from pathlib import Path

import pytest

from mhx.errors import ConfigError, EngineMissing, EvidenceError, RunError
from mhx.runner import RunRequest
from mhx.workflow import command
from mhx.workflow.command import identity, run
from mhx.workflow.load import load
from mhx.workflow.run import run_file

MODEL = """
import json, os, sys
from pathlib import Path
here = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": os.environ.get("GIVEN")}
Path("seen.json").write_text(json.dumps(here))
Path("metrics.json").write_text(open(sys.argv[-1]).read() if len(sys.argv) > 1 else "{}")
print("said")
print("warned", file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def carried_out(folder, **table):
    given = {"argv": ["{python}", "model.py"], "inputs": [str(folder / "model.py")], **table}
    config = {"workflow": {"mode": "command"}, "command": given}
    return run(RunRequest(config=config, output_dir=folder / "out"))


def printing(content):
    return {"argv": ["{python}", "-c", f"open('metrics.json', 'w').write({content!r})"]}


def seen(folder):
    return json.loads((folder / "out" / "seen.json").read_text())


def test_a_program_starts_in_its_run_folder_with_its_placeholders_filled(folder):
    out, data = str(folder / "out"), folder / "data" / "p"
    data.parent.mkdir()
    data.write_text("{}")
    carried_out(
        folder,
        argv=["{python}", "model.py", "{output_dir}/x", "{k}", "{n.steps:03d}", "{{k}}", "data/p"],
        parameters={"k": 1e-5, "n": {"steps": 7}},
        env={"GIVEN": "{k} in {output_dir}"},
        inputs=[str(folder / "model.py"), str(data)],
    )
    assert seen(folder) == {
        "argv": [f"{out}/x", "1e-05", "007", "{k}", str(data)],
        "cwd": out,
        "env": f"1e-05 in {out}",
    }


def test_what_it_printed_and_left_is_listed(folder):
    summary = carried_out(folder)
    assert summary.artifacts == ("metrics.json", "seen.json", "stderr.txt", "stdout.txt")
    assert (folder / "out" / "stdout.txt").read_text() == "said\n"
    assert (folder / "out" / "stderr.txt").read_text() == "warned\n"
    assert summary.notes == {"program": Path(sys.executable).name}


def test_config_is_the_configuration_of_the_run_where_there_is_no_template(folder):
    code = "import shutil, sys; shutil.copy(sys.argv[1], 'seen')"
    code += "; open('metrics.json', 'w').write('{}')"
    carried_out(folder, argv=["{python}", "-c", code, "{config}"], parameters={"k": 2.5})
    assert "k = 2.5" in (folder / "out" / "seen").read_text()


def test_the_first_template_makes_the_configuration_of_the_program(folder):
    (folder / "a.json.template").write_text('{"flow": {"k": {{k}}}}')
    (folder / "b.txt.tmpl").write_text("{{name}}")
    summary = carried_out(
        folder,
        argv=["{python}", "model.py", "{config}"],
        templates=[str(folder / "a.json.template"), str(folder / "b.txt.tmpl")],
        parameters={"k": 1e-5, "name": "b"},
    )
    assert seen(folder)["argv"] == [str(folder / "out" / "a.json")]
    assert summary.metrics == {"flow.k": 1e-5}
    assert (folder / "out" / "b.txt").read_text() == "b"
    assert {"a.json", "b.txt"} <= set(summary.artifacts)


def test_numbers_become_metrics_and_texts_notes(folder):
    content = {"a": {"b": 1, "c": {"d-e": 2.5}}, "f.g": 3, "on": True, "off": False}
    content |= {"why": "because", "list": [1, 2], "series": [0.5] * 1001}
    content |= {"wells": [{"id": "w1", "head_m": 3.5, "state": "wet"}, {"id": "w2", "head_m": 4}]}
    summary = carried_out(folder, **printing(json.dumps(content)))
    expected = {"a.b": 1.0, "a.c.d-e": 2.5, "f.g": 3.0, "on": 1.0, "off": 0.0}
    expected |= {"list.0": 1.0, "list.1": 2.0, "wells.w1.head_m": 3.5, "wells.w2.head_m": 4.0}
    assert summary.metrics == expected
    assert summary.notes["wells.w1.state"] == "wet"
    assert summary.notes["why"] == "because"
    assert summary.notes["left_out"] == "lists of more than 1000 items are no metrics: series"


def test_what_is_not_a_number_is_reported_as_none(folder, tmp_path):
    content = '{"a": NaN, "b": Infinity, "c": null, "d": -Infinity, "e": 1e999, "f": 1}'
    metrics = carried_out(folder, **printing(content)).metrics
    assert [name for name, value in metrics.items() if not math.isfinite(value)] == list("abcde")
    file = tmp_path / "run.toml"
    words = printing(content)["argv"]
    file.write_text(f"workflow = {{mode = 'command'}}\ncommand = {{argv = {json.dumps(words)}}}")
    run_file(file, tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "run_summary.json").read_text())
    assert stored["metrics"] == {**dict.fromkeys("abcde"), "f": 1.0}


UNREADABLE = {
    "no file": (["{python}", "-c", "0"], "the program ended well and wrote no metrics.json"),
    "torn": (printing('{"a": ')["argv"], "metrics.json cannot be read: "),
    "no object": (printing("[1]")["argv"], "metrics.json cannot be read: it holds list, not one"),
    "a key twice": (printing('{"a": 1, "a": 2}')["argv"], "the key 'a' stands twice"),
    "a dotted key twice": (printing('{"a.b": 1, "a": {"b": 2}}')["argv"], "named twice: a.b"),
    "a key with a space": (printing('{"head [m]": 1}')["argv"], "the key 'head [m]' is no metric"),
    "no UTF-8": (
        ["{python}", "-c", "open('metrics.json','wb').write(b'\\xff\\xfe{')"],
        "cannot be",
    ),
}


@pytest.mark.parametrize(("argv", "text"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_metrics_file_that_cannot_be_used_is_refused(folder, argv, text):
    with pytest.raises(EvidenceError) as caught:
        carried_out(folder, argv=argv)
    assert text in str(caught.value)


DEFINE = "import os; open('metrics.json', 'w').write('{}'); "
NO_FILES = {
    "a link out": ("os.symlink('/nowhere/x', 'z')", "left z, a link to /nowhere/x, outside of the"),
    "a link to the folder above": ("os.symlink('..', 'z')", ", outside of the run folder"),
    "a pipe": ("os.mkdir('a'); os.mkfifo('a/p')", "left a/p, neither a file nor a folder"),
    "a pipe for its metrics": (
        "os.remove('metrics.json'); os.mkfifo('metrics.json')",
        "left metrics.json, neither a file nor a folder",
    ),
}


@pytest.mark.parametrize(("code", "text"), NO_FILES.values(), ids=NO_FILES)
def test_what_no_digest_can_vouch_for_is_refused(folder, code, text):
    with pytest.raises(EvidenceError) as caught:
        carried_out(folder, argv=["{python}", "-c", DEFINE + code])
    assert text in str(caught.value)


def test_links_within_the_run_folder_are_files_like_others(folder):
    code = DEFINE + "os.mkdir('a'); os.symlink('a', 'b'); os.symlink('metrics.json', 'm.json')"
    assert "m.json" in carried_out(folder, argv=["{python}", "-c", code]).artifacts


def test_the_result_of_an_earlier_attempt_is_not_taken_for_a_new_one(folder):
    (folder / "out").mkdir()
    (folder / "out" / "metrics.json").write_text('{"a": 1}')
    with pytest.raises(EvidenceError, match="wrote no metrics"):
        carried_out(folder, argv=["{python}", "-c", "0"])


def test_a_failure_quotes_the_last_twenty_lines_of_stderr(folder):
    code = "import sys; [print('line', i, file=sys.stderr) for i in range(30)]; sys.exit(3)"
    with pytest.raises(RunError) as caught:
        carried_out(folder, argv=["{python}", "-c", code])
    first, *lines = str(caught.value).split("\n")
    assert first.endswith("ended with status 3; the last 20 lines of stderr.txt:")
    assert lines == [f"  line {i}" for i in range(10, 30)]


def test_a_program_that_writes_without_end_is_quoted_by_its_end(folder):
    code = "import sys; sys.stderr.write('e' * 1_000_000 + 'the end'); sys.exit(3)"
    with pytest.raises(RunError) as caught:
        carried_out(folder, argv=["{python}", "-c", code])
    assert "ended with status 3; the last 4096 bytes of stderr.txt:\n  eee" in str(caught.value)
    assert str(caught.value).endswith("eeethe end")
    assert len(str(caught.value)) < 5000
    assert (folder / "out" / "stderr.txt").stat().st_size == 1_000_007


FAILURES = {
    "silent": ("import sys; sys.exit(1)", "ended with status 1; stderr.txt is empty"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9"),
}


@pytest.mark.parametrize(("code", "text"), FAILURES.values(), ids=FAILURES)
def test_a_failure_says_how_it_ended(folder, code, text):
    with pytest.raises(RunError) as caught:
        carried_out(folder, argv=["{python}", "-c", code])
    assert text in str(caught.value)


def test_a_program_beyond_its_limit_is_stopped_with_all_it_started(folder, monkeypatch):
    monkeypatch.setattr(command, "GRACE_S", 0.05)
    script = "trap '' TERM; sleep 600 & echo $! > child; wait; wait"
    with pytest.raises(RunError, match=r"exceeded command.timeout_s = 0.2 s; stopped"):
        carried_out(folder, argv=["sh", "-c", script], timeout_s=0.2)
    child = int((folder / "out" / "child").read_text())
    stat = Path(f"/proc/{child}/stat")
    end = time.monotonic() + 20
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX":
        assert time.monotonic() < end


PROGRAMS = {
    "not on PATH": ("no-such-program", EngineMissing, "no program 'no-such-program' on PATH"),
    "not there": ("/no/such/program", EngineMissing, "/no/such/program is no program that may"),
    "not executable": ("model.py", EngineMissing, "model.py is no program that may be executed"),
    "relative to nothing": ("./other.py", ConfigError, "got './other.py'"),
}


@pytest.mark.parametrize(("word", "kind", "text"), PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_that_cannot_be_started_is_named(folder, word, kind, text):
    with pytest.raises(kind) as caught:
        carried_out(folder, argv=[word])
    assert text in str(caught.value)


def test_an_input_may_be_the_program(folder):
    script = folder / "bin" / "model.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho '{\"a\": 1}' > metrics.json\n")
    script.chmod(0o755)
    assert carried_out(folder, argv=["bin/model.sh"], inputs=[str(script)]).metrics == {"a": 1}


def test_a_word_that_may_be_two_inputs_is_refused(folder):
    for name in "ab":
        (folder / name).mkdir()
        (folder / name / "x.csv").touch()
    both = [str(folder / "a" / "x.csv"), str(folder / "b" / "x.csv")]
    with pytest.raises(ConfigError, match=r"'x.csv' may be .* and .*; write more of its path"):
        carried_out(folder, argv=["{python}", "-c", "0", "x.csv"], inputs=both)


def test_python_means_this_one_where_path_has_none(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    summary = carried_out(folder, argv=["python", "model.py"])
    assert summary.notes["program"] == Path(sys.executable).name


def test_identity_is_the_digest_of_the_program(folder):
    script = folder / "solver"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    config = {"workflow": {"mode": "command"}, "command": {"argv": [str(script)]}}
    first = identity(config)
    assert list(first) == ["solver"]
    script.write_text("#!/bin/sh\n# another\n")
    assert identity(config)["solver"] != first["solver"]
    with pytest.raises(EngineMissing):
        identity({"workflow": {"mode": "command"}, "command": {"argv": ["no-such-program"]}})


FAULTS = {
    "no program": ("argv = []", "command.argv must be a list of at least 1, each text, got []"),
    "an empty program": ("argv = ['']", "command.argv must begin with a program, got ''"),
    "unknown placeholder": (
        "argv = ['x', '{kk}']\nparameters = {k = 1}",
        "command.argv holds the unknown placeholder {kk}; known: config, output_dir, python, k",
    ),
    "a list in a word": (
        "argv = ['x', '{k}']\nparameters = {k = [1]}",
        "command.argv holds the unknown placeholder {k}; known: config, output_dir, python",
    ),
    "a format that is none": (
        "argv = ['x', '{k:Q}']\nparameters = {k = 1}",
        "command.argv must format values as Python does, got '{k:Q}': Unknown format code",
    ),
    "in a variable": ("argv = ['x']\nenv = {A = '{k}'}", "command.env holds the unknown placeh"),
    "a variable": ("argv = ['x']\nenv = {'A-B' = 'x'}", "command.env must name variables with le"),
    "a name taken": (
        "argv = ['x']\nparameters = {config = 1}",
        "command.parameters must leave the name 'config' to the placeholder",
    ),
    "a name that is none": ("argv = ['x']\nparameters = {'a b' = 1}", "names of letters, digits"),
    "no number": ("argv = ['x']\nparameters = {a = nan}", "must be finite, got a = nan"),
    "a date": ("argv = ['x']\nparameters = {a = 2026-01-01}", "got a = 2026-01-01"),
    "metrics elsewhere": (
        "argv = ['x']\nmetrics_json = '../m.json'",
        "command.metrics_json must be a path below the run folder, got '../m.json'",
    ),
    "metrics in our file": (
        "argv = ['x']\nmetrics_json = 'run_summary.json'",
        "command.metrics_json must leave the name 'run_summary.json' to mhx",
    ),
    "two files of one name": (
        "argv = ['x']\ntemplates = ['a.tmpl', 'sub/a.template']",
        "command.templates must make files of different names, got 'a' twice",
    ),
    "a limit": ("argv = ['x']\ntimeout_s = 0", "command.timeout_s must be > 0.0 [s], got 0"),
    "a parameter without effect": (
        "argv = ['x', '{k}']\ntemplates = ['a.tmpl']\nparameters = {k = 1, z = {y = 2}}",
        "command.parameters.z.y is asked for by no template, word or variable",
    ),
    "an unknown name in a template": (
        "argv = ['x']\ntemplates = ['b.tmpl']\nparameters = {k = 1}",
        "command.templates: b.tmpl:2  no parameter 'kk'; parameters: k",
    ),
    "a template that is not there": (
        "argv = ['x', '{k}']\ntemplates = ['none.tmpl']\nparameters = {k = 1, z = 2}",
        "command.templates[0]: no file 'none.tmpl' beside k.toml",
    ),
    "a word no program can be given": (
        "argv = ['x', \"a\\u0000b\"]",
        "command.argv[1] must hold no NUL, which no program can be given",
    ),
    "a value no program can be given": (
        "argv = ['x']\nenv = {A = \"a\\u0000b\"}",
        "command.env.A must hold no NUL, which no program can be given",
    ),
    "an input that is not there": ("argv = ['x']\ninputs = ['none.csv']", "no file 'none.csv'"),
}


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_table_is_told_with_its_key(tmp_path, text, message):
    (tmp_path / "sub").mkdir()
    for name in ("a.tmpl", "sub/a.template"):
        (tmp_path / name).touch()
    (tmp_path / "b.tmpl").write_text("{{k}}\n{{kk}}\n")
    file = tmp_path / "k.toml"
    file.write_text(f"[workflow]\nmode = 'command'\n[command]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert message in str(caught.value)
    assert "k.toml: 1 fault" in str(caught.value)


def test_the_whole_road_from_a_file_to_a_sealed_run(folder):
    (folder / "m.json.template").write_text('{"answer": {{k}}}')
    file = folder / "run.toml"
    file.write_text(
        """
        [workflow]
        mode = "command"
        [command]
        argv = ["python", "model.py", "{config}"]
        inputs = ["model.py"]
        templates = ["m.json.template"]
        parameters = { k = 42 }
        """
    )
    answer = run_file(file, folder / "run")
    assert answer.exit_code == 0
    assert answer.document["metrics"] == {"answer": 42.0}
    again = run_file(file, folder / "run")
    assert "nothing was computed" in again.details[0]
