"""The campaign commands: their flags, and what a shell sees of them."""

import importlib
import json
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
import typer

from mhx import cli
from mhx.cli.campaign import campaign_app

GROUP: Any = typer.main.get_command(campaign_app)

GROUP_NAMES = {name: {p.name for p in found.params} for name, found in GROUP.commands.items()}

FLAGS = {
    "rutherford-template": (
        "--outdir --harris-growth-rate --production-efolds --safety-factor --nx --ny --dt "
        "--target-saved-frames --run-output-dir"
    ),
    "rutherford-run-fast": (
        "--outdir --nx --ny --t-end --dt --save-every --seed --seeds --eta --nu "
        "--noise-amplitude --gif --smoke"
    ),
    "rutherford-plan-production": (
        "--outdir --equilibrium --width --amplitude --perturbation-amplitude --mode-x --mode-y "
        "--eta --nu --hold-equilibrium --decaying-equilibrium --harris-growth-rate "
        "--production-efolds --safety-factor --t-end --save-every --nx --ny --lx --ly --dt "
        "--target-saved-frames --seed --noise-amplitude --dtype --max-walltime-hours "
        "--preemption-margin-minutes --checkpoint-interval-minutes --seconds-per-step-estimate "
        "--min-production-resolution --threshold --force"
    ),
    "rutherford-resume-plan": "--target-step",
    "rutherford-execute": (
        "--max-steps --walltime-minutes --seed --noise-amplitude --movies --no-movies "
        "--allow-production-claim --validation-claim --max-relative-energy-growth "
        "--max-divergence-linf --no-restart --keep-states"
    ),
    "rutherford-promotion-check": (
        "--outdir --convergence-dir --seed-qi-dir --width-sweep-dir --eta-sweep-dir "
        "--require-sweeps --no-require-sweeps --require-movies --no-require-movies "
        "--min-history-samples --min-convergence-dirs --max-energy-budget-residual "
        "--max-divergence-linf --min-reconnected-flux-amplification "
        "--min-island-width-amplification --min-linear-efolds --restart-check-max-steps"
    ),
    "rutherford-status": "",
}
OPTIONS = {
    "rutherford-template": "template",
    "rutherford-run-fast": "fast",
    "rutherford-plan-production": "plan",
    "rutherford-execute": "execute",
    "rutherford-promotion-check": "promotion",
}


def test_the_seven_commands_of_a_run_and_the_lane():
    assert set(GROUP.commands) == {*FLAGS, "production-lane"}


@pytest.mark.parametrize("command", FLAGS)
def test_every_flag_of_the_lane(command):
    options = [p for p in GROUP.commands[command].params if p.param_type_name == "option"]
    found = {name for p in options for name in (*p.opts, *p.secondary_opts)}
    assert found - {"--help"} == {*FLAGS[command].split(), "--json"}


@pytest.mark.parametrize("command", FLAGS)
def test_an_absent_flag_is_none_and_its_default_is_told(command):
    for parameter in GROUP.commands[command].params:
        if parameter.name in ("json", "run_dir", "help"):
            continue
        assert parameter.default is None, parameter.name
        assert parameter.help, parameter.name
        silent = parameter.name in ("threshold",)
        assert silent or "[default: " in parameter.help, parameter.name


@pytest.mark.parametrize(("command", "module"), OPTIONS.items(), ids=OPTIONS)
def test_flags_and_options_have_one_set_of_names(command, module):
    library = importlib.import_module(f"mhx.campaigns.rutherford.{module}")
    names = {p.name for p in GROUP.commands[command].params} - {"json", "run_dir", "help"}
    # `json` reaches the executor besides: its progress must leave standard output alone
    assert {field.name for field in fields(library.Options)} - {"json"} == names


def test_one_json_object_and_the_exit_code(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["campaign", "rutherford-template", "--nx", "64", "--ny", "32", "--json"]
    assert cli.main(words) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 1
    assert told["path"] == "outputs/campaigns/rutherford_template"
    failed = [row for row in told["gates"] if row["verdict"] != "pass"]
    assert [(row["name"], row["value"], row["bound"]["low"]) for row in failed] == [
        ("not_fast_resolution", 32, 64)
    ]


NUMBERS = [
    (command.name, f"--{name.replace('_', '-')}")
    for command in campaign_app.registered_commands
    for name, kind in get_type_hints(command.callback).items()
    if kind in (int | None, float | None)
]


@pytest.mark.parametrize("word", ["many", "", "nan", "-inf", "1e999"])
@pytest.mark.parametrize(("command", "flag"), NUMBERS)
def test_every_numeric_flag_refuses_what_is_no_finite_number(
    command, flag, word, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folder = ["nowhere"] if "run_dir" in GROUP_NAMES[command] else []
    assert cli.main(["campaign", command, *folder, flag, word, "--json"]) == 2
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert answer["exit_code"] == 2
    first, fault = answer["message"].splitlines()
    assert first == f"{command}: 1 fault"
    assert fault.startswith(f"  {flag} must be ")
    assert ", got " in fault
    assert list(tmp_path.iterdir()) == []


def test_faults_of_all_kinds_are_told_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--eta", "-1", "--nu", "nan", "--nx", "1", "--dt", "-4", "--seed", "-7", "--ny", "x"]
    assert cli.main(["campaign", "rutherford-plan-production", *words]) == 2
    assert capsys.readouterr().err == (
        "mhx: rutherford-plan-production: 6 faults\n"
        "  --eta must be >= 0.0 and <= 1e+09 [L v_A], got -1.0\n"
        "  --nu must be finite: a number >= 0.0 and <= 1e+09 [L v_A], got nan\n"
        "  --seed must be >= 0 and < 9223372036854775808, got -7\n"
        "  --nx must be >= 8 and <= 8192, got 1\n"
        "  --ny must be a whole number >= 8 and <= 8192, got 'x'\n"
        "  --dt must be a number > 0.0 or 'auto' [L/v_A], got -4\n"
    )


USAGE = {
    "a word for a number": ["rutherford-template", "--nx", "many"],
    "an unknown flag": ["rutherford-run-fast", "--fast"],
    "not a number": ["rutherford-run-fast", "--eta", "nan"],
    "no folder named": ["rutherford-execute"],
    "out of range": ["rutherford-plan-production", "--nx", "4"],
    "no run directory": ["rutherford-status", "absent"],
}


@pytest.mark.parametrize("words", USAGE.values(), ids=USAGE)
def test_a_usage_fault_is_exit_2_without_a_traceback(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["campaign", *words]) == 2
    told = capsys.readouterr()
    assert told.err.strip()
    assert "Traceback" not in told.err
    assert list(tmp_path.iterdir()) == []
