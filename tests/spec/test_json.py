"""Section 2.1: `--json` gives one JSON object on stdout, whatever the command and its end."""

import json
import subprocess
import sys

import pytest

from .lane import EXECUTE, PLAN, TINY, flags, mhx

COMMANDS = {
    "template": ["campaign", "rutherford-template", "--outdir", "new"],
    "fast": ["campaign", "rutherford-run-fast", "--outdir", "new", "--t-end", "0.02"],
    "plan": ["campaign", PLAN, "--outdir", "new", *flags(TINY)],
    "plan again": ["campaign", PLAN, "--outdir", "RUN", *flags(TINY)],
    "resume": ["campaign", "rutherford-resume-plan", "RUN"],
    "execute": ["campaign", EXECUTE, "RUN", "--max-steps", "1"],
    "nothing to do": ["campaign", EXECUTE, "DONE"],
    "promotion": ["campaign", "rutherford-promotion-check", "RUN"],
    "status": ["campaign", "rutherford-status", "RUN"],
    "verify": ["verify", "RUN"],
    "artifacts": ["artifact-manifest", "RUN"],
    "schema": ["schema", "reconnection"],
    "run": ["run", "RUN/campaign_config.toml", "--output-dir", "new"],
    # and where they are refused
    "no plan": ["campaign", EXECUTE, "nowhere"],
    "no folder": ["verify", "nowhere"],
    "other plan": ["campaign", PLAN, "--outdir", "RUN", *flags(TINY | {"--eta": 0.5})],
    "bad value": ["campaign", PLAN, "--outdir", "new", *flags(TINY | {"--eta": -1})],
}


SLOW = {"fast", "execute", "promotion", "run"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in COMMANDS],
)
def test_one_object_on_stdout(name, cut, finished, copy, inside):
    words = [str(word) for word in COMMANDS[name]]
    if any(word.startswith("RUN") for word in words):
        copy(cut)
    words = [word.replace("RUN", str(inside / "run")) for word in words]
    words = [word.replace("DONE", str(finished)) for word in words]
    if "nothing to do" in name:
        words[2] = str(copy(finished))
    said = mhx(*words, "--json")
    assert said.code in (0, 1, 2, 4), said.text
    document = json.loads(said.out, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    assert isinstance(document, dict) and document
    if said.code == 1:
        gates = json.dumps(document)
        assert "fail" in gates or "unknown" in gates
    assert "Traceback" not in said.text


def test_help_of_every_command_ends_with_zero():
    for words in ([], ["campaign"], ["run"], ["campaign", EXECUTE], ["campaign", PLAN]):
        assert mhx(*words, "--help").code == 0
    assert mhx("--version").code == 0


@pytest.mark.parametrize(("flag", "value"), [("--nx", "many"), ("--eta", "nan")])
def test_values_that_cannot_be_read_are_answered_in_json_too(flag, value, inside):
    said = mhx("campaign", PLAN, "--outdir", "new", *flags(TINY | {flag: value}), "--json")
    assert said.code == 2
    assert flag in json.dumps(json.loads(said.out))


@pytest.mark.parametrize("words", [["--help"], ["campaign", PLAN, "--help"]])
def test_help_does_not_import_a_solver(words):
    """5.10."""
    script = (
        "import sys; from mhx.cli import main; main(sys.argv[1:]);"
        "sys.exit(any(name in sys.modules for name in ('jax', 'numpy', 'scipy', 'matplotlib')))"
    )
    command = [sys.executable, "-c", script, *words]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
