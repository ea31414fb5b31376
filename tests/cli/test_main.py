"""The command line as a whole: exit codes, messages, pipes, and what a command is."""

import inspect
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mhx import __version__, cli
from mhx.cli import main
from mhx.cli.campaign import campaign_app
from mhx.errors import ClaimRefused, ConfigError, EvidenceError, RunError, RunLocked

COMMANDS = {
    command.name: command.callback
    for group in (cli.app, campaign_app)
    for command in group.registered_commands
}


CAMPAIGN = [command.callback for command in campaign_app.registered_commands]


def said(capsys, *words):
    """Exit code, standard output and standard error of one command line."""
    code = main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_says_what_it_does(name):
    command = COMMANDS[name]
    assert "json" in inspect.signature(command).parameters
    assert inspect.getdoc(command)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    group = ["campaign"] if COMMANDS[name] in CAMPAIGN else []
    code, out, err = said(capsys, *group, name, "--help")
    assert code == 0
    assert out.startswith("Usage: mhx")
    assert "--json" in out
    assert not err


def test_help_teaches_the_campaign_in_order(capsys):
    code, out, _ = said(capsys, "--help")
    assert code == 0
    order = ("template", "run-fast", "plan-production", "resume-plan", "execute", "promotion-check")
    places = [out.index(f"mhx campaign rutherford-{name}") for name in order]
    assert places == sorted(places)
    assert "mhx run examples/reconnection/orszag_tang.toml" in out
    assert "mhx verify DIR" in out


def test_version(capsys):
    assert said(capsys, "--version") == (0, f"mhx {__version__}\n", "")


PLAN = ("campaign", "rutherford-plan-production")
EXECUTE = ("campaign", "rutherford-execute", "nowhere")
USAGE = {
    "no words": ((), "Usage: mhx"),
    "a slip": (("rum",), "mhx: No such command 'rum'. Did you mean 'run'?\nSee: mhx --help\n"),
    "a slip in a group": (
        ("campaign", "rutherford-status-quo"),
        "mhx campaign: No such command 'rutherford-status-quo'. Did you mean 'rutherford-status'",
    ),
    "an unknown flag": ((*PLAN, "--nux", "3"), "mhx campaign rutherford-plan-production: No such"),
    "no file": (("run",), "mhx run: Missing argument 'file'.\nSee: mhx run --help\n"),
    "text for a count": (
        (*PLAN, "--nx", "many"),
        "mhx: rutherford-plan-production: 1 fault\n"
        "  --nx must be a whole number >= 8 and <= 8192, got 'many'\n",
    ),
    "half a step": ((*PLAN, "--save-every", "2.5"), "must be a whole number >= 1 and <="),
    "nan": ((*PLAN, "--eta", "nan"), "--eta must be finite: a number >= 0.0"),
    "inf": ((*PLAN, "--nu", "-inf"), "--nu must be finite: a number >= 0.0"),
    "a count without a table": (
        (*EXECUTE, "--max-steps", "2.5"),
        "mhx: rutherford-execute: 1 fault\n  --max-steps must be a whole number, got '2.5'\n",
    ),
    "several without a table": (
        (*EXECUTE, "--walltime-minutes", "soon", "--max-divergence-linf", "nan"),
        "mhx: rutherford-execute: 2 faults\n"
        "  --walltime-minutes must be a finite number, got 'soon'\n"
        "  --max-divergence-linf must be a finite number, got nan\n",
    ),
    "one word too many": (("verify", "a", "b"), "mhx verify: Got unexpected extra argument"),
}


@pytest.mark.parametrize(("words", "told"), USAGE.values(), ids=USAGE)
def test_wrong_words_are_told_in_one_message(words, told, capsys):
    code, out, err = said(capsys, *words)
    assert code == 2
    assert told in err
    assert "Traceback" not in err
    assert not out


@pytest.mark.parametrize(("words", "told"), USAGE.values(), ids=USAGE)
def test_with_json_wrong_words_are_one_object(words, told, capsys):
    code, out, err = said(capsys, *words, "--json")
    assert code == 2
    answer = json.loads(out)
    assert (answer["error"], answer["exit_code"]) == ("ConfigError", 2)
    assert answer["message"] and answer["message"] in err


@pytest.mark.parametrize("group", [(), ("campaign",)], ids=["mhx", "campaign"])
def test_the_list_of_commands_is_not_cut_in_80_columns(group, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = said(capsys, *group, "--help")
    listed = out[out.index("Commands:") :]
    assert "..." not in listed
    assert max(map(len, listed.splitlines())) <= 80


@pytest.fixture
def broken(monkeypatch):
    """Let `mhx schema` end with an error."""

    def end_with(error):
        def schema_of(name):
            raise error

        monkeypatch.setattr("mhx.workflow.schema.schema_of", schema_of)

    return end_with


ERRORS = {
    "configuration": (ConfigError("x"), 2),
    "run": (RunError("x"), 3),
    "evidence": (EvidenceError("x"), 4),
    "claim": (ClaimRefused("x"), 5),
    "lock": (RunLocked("x"), 6),
}


@pytest.mark.parametrize(("error", "code"), ERRORS.values(), ids=ERRORS)
def test_a_deliberate_error_is_one_line_and_its_code(error, code, broken, capsys):
    broken(error)
    assert said(capsys, "schema", "any") == (code, "", "mhx: x\n")


def test_debug_shows_where_an_error_arose(broken, capsys):
    broken(ConfigError("x"))
    code, _, err = said(capsys, "--debug", "schema", "any")
    assert code == 2
    assert "Traceback" in err
    assert err.endswith("mhx: x\n")


def test_with_json_an_error_is_one_object(broken, capsys):
    broken(RunLocked("held"))
    code, out, err = said(capsys, "schema", "any", "--json")
    assert code == 6
    assert json.loads(out) == {"error": "RunLocked", "message": "held", "exit_code": 6}
    assert err == "mhx: held\n"


def test_a_bug_is_70_with_a_traceback(broken, capsys):
    broken(ZeroDivisionError("division by zero"))
    code, out, err = said(capsys, "schema", "any")
    assert code == 70
    assert "Traceback" in err
    assert "ZeroDivisionError" in err
    assert not out


def test_with_json_a_bug_is_one_object_too(broken, capsys):
    broken(ZeroDivisionError("division by zero"))
    code, out, err = said(capsys, "schema", "any", "--json")
    told = {"error": "ZeroDivisionError", "message": "division by zero", "exit_code": 70}
    assert (code, json.loads(out)) == (70, told)
    assert "Traceback" in err


def test_a_missing_package_is_3_and_names_the_extra(broken, capsys):
    broken(ModuleNotFoundError("No module named 'scipy'", name="scipy"))
    assert said(capsys, "schema", "any") == (
        3,
        "",
        "mhx: this command needs the Python package 'scipy', which is not installed; "
        "install it with: pip install 'mhx[reconnection]'\n",
    )


def test_a_missing_module_of_ours_is_a_bug(broken, capsys):
    broken(ModuleNotFoundError("No module named 'mhx.x'", name="mhx.x"))
    assert said(capsys, "schema", "any")[0] == 70


def test_ctrl_c_is_130_and_silent(broken, capsys):
    broken(KeyboardInterrupt())
    assert said(capsys, "schema", "any") == (130, "", "")


def test_a_reader_that_leaves_early_is_no_error():
    script = f"{sys.executable} -m mhx --help | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert not done.stderr
    assert done.stdout in ("0\n", "130\n")


def test_an_answer_keeps_its_code_when_nobody_reads_it():
    code = (
        "import os, sys; from pathlib import Path; import mhx.cli as cli\n"
        "from mhx.report.answer import Answer\n"
        "def schema_of(name):\n"
        "    os.close(1); os.open('/dev/null', os.O_RDONLY); reader, writer = os.pipe()\n"
        "    os.dup2(writer, 1); os.close(reader); os.close(writer)\n"
        "    cli.show.finish(Answer(headline='a verdict', exit_code=1))\n"
        "import mhx.workflow.schema as schema; schema.schema_of = schema_of\n"
        "sys.exit(cli.main(['schema', 'any']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_interrupted_process_ends_with_130():
    code = (
        "import sys, time, mhx.cli as cli, mhx.workflow.schema as schema\n"
        "def schema_of(name): print('ready', flush=True); time.sleep(60)\n"
        "schema.schema_of = schema_of; cli.entry()\n"
    )
    words = [sys.executable, "-c", code, "schema", "any"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, b"")


def test_the_console_script_and_python_m_are_the_same_door():
    words = [sys.executable, "-m", "mhx", "--version"]
    assert subprocess.check_output(words, text=True) == f"mhx {__version__}\n"


def test_a_path_that_no_file_system_takes_is_wrong_input(tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    for path in (tmp_path / ("a" * 300), tmp_path / "file" / "x"):
        words = ["campaign", "rutherford-template", "--outdir", str(path)]
        assert main(words) in (2, 3)
        assert "Traceback" not in capsys.readouterr().err


def test_a_folder_that_is_gone_and_a_device_that_is_not_there_are_told_in_one_line(tmp_path):
    gone = f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir ../gone && {{}} verify ."
    away = f"JAX_PLATFORMS=nonsense {{}} campaign rutherford-run-fast --outdir {tmp_path}/fast"
    for line, code, word in ((gone, 2, "no longer exists"), (away, 3, "JAX_PLATFORMS='nonsense'")):
        done = subprocess.run(
            ["bash", "-c", line.format(f"{sys.executable} -P -m mhx")],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert (done.returncode, word in done.stderr) == (code, True), done.stderr
        assert "Traceback" not in done.stderr
