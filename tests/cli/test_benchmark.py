"""The benchmark commands: their flags, what a shell sees of them, and how they end."""

import json
import signal
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer

from mhx import cli
from mhx.campaigns.rutherford.studies import bundle, flags, validation_promotion
from mhx.cli.benchmark import benchmark_app
from mhx.errors import EvidenceError, RunLocked
from mhx.report.answer import Answer
from mhx.testbed import launcher

GROUP: Any = typer.main.get_command(benchmark_app)

COMMON = (
    "--outdir --equilibrium --width --eta --nu --perturbation-amplitude --mode-x --mode-y "
    "--hold-equilibrium --decaying-equilibrium --noise-amplitude --jobs --from-plan "
    "--t-end --save-every --save-interval --fit-start --fit-stop --share --amplitude --lx --ly"
)
FLOORS = (
    "--min-early-growth-rate --min-max-growth-factor --min-reconnected-flux-amplification "
    "--min-island-width-amplification"
)
FLAGS = {
    "double-harris-long-run": (
        f"{COMMON} {FLOORS} --seed --nx --ny --dt --movies --no-movies --ci-fast "
        "--validation-duration --store-fields --no-store-fields"
    ),
    "double-harris-convergence": (
        f"{COMMON} {FLOORS} --seed --resolutions --dt-values --reference-resolution "
        "--reference-dt --max-relative-growth-rate-spread --max-relative-max-growth-spread "
        "--max-relative-flux-amplification-spread --max-relative-width-amplification-spread"
    ),
    "double-harris-parameter-sweep": (
        f"{COMMON} {FLOORS} --seed --nx --ny --dt --sweep-axis --modes --widths --etas "
        "--viscosities"
    ),
    "seed-robust-qi": f"{COMMON} --nx --ny --dt --seeds",
    "double-harris-promotion-check": (
        "--outdir --convergence-dir --require-movies --no-require-movies --min-history-samples "
        "--min-convergence-dirs --min-t-end --min-reconnected-flux-amplification "
        "--min-island-width-amplification --max-relative-energy-increase"
    ),
}
OPTIONS = {
    "double-harris-long-run": flags.LongRun,
    "double-harris-convergence": flags.Convergence,
    "double-harris-parameter-sweep": flags.Sweep,
    "seed-robust-qi": flags.Seeds,
    "double-harris-promotion-check": validation_promotion.Options,
}
STUDIES = [name for name in FLAGS if name != "double-harris-promotion-check"]
ONLY_FROM_A_PLAN = {"dtype"}


def test_the_five_commands():
    assert set(GROUP.commands) == set(FLAGS)


@pytest.mark.parametrize("command", FLAGS)
def test_every_flag_of_a_command(command):
    options = [p for p in GROUP.commands[command].params if p.param_type_name == "option"]
    found = {name for p in options for name in (*p.opts, *p.secondary_opts)}
    assert found - {"--help"} == {*FLAGS[command].split(), "--json"}


@pytest.mark.parametrize("command", FLAGS)
def test_an_absent_flag_is_none_and_its_default_is_told(command):
    for parameter in GROUP.commands[command].params:
        if parameter.name in ("json", "run_dir", "help"):
            continue
        assert parameter.default is None, parameter.name
        assert "[default: " in parameter.help, parameter.name


@pytest.mark.parametrize(("command", "options"), OPTIONS.items(), ids=OPTIONS)
def test_flags_and_options_have_one_set_of_names(command, options):
    names = {p.name for p in GROUP.commands[command].params} - {"json", "run_dir", "help"}
    assert {field.name for field in fields(options)} - ONLY_FROM_A_PLAN == names


def test_the_help_teaches_with_lines_that_can_be_typed(capsys):
    assert cli.main(["benchmark", "--help"]) == 0
    told = capsys.readouterr().out
    assert "mhx benchmark double-harris-convergence --from-plan DIR" in told
    assert "Exit codes: 0 every gate passed" in told
    assert cli.main(["benchmark", "double-harris-convergence", "--help"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.endswith(":") and line[0] != " "] == [
        *("Output:", "The sheet:", "The cases:", "Time and sampling:", "Bounds:", "Options:")
    ]


def test_the_list_of_commands_is_not_cut_in_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["benchmark", "--help"]) == 0
    out = capsys.readouterr().out
    listed = out[out.index("Commands:") :]
    assert "..." not in listed
    assert max(map(len, listed.splitlines())) <= 80


NUMBERS = [
    (command.name, f"--{name.replace('_', '-')}")
    for command in benchmark_app.registered_commands
    if command.name in STUDIES
    for name, kind in get_type_hints(command.callback).items()
    if kind in (int | None, float | None)
]


@pytest.mark.parametrize("word", ["many", "nan"])
@pytest.mark.parametrize(("command", "flag"), NUMBERS)
def test_every_numeric_flag_refuses_what_is_no_finite_number(
    command, flag, word, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["benchmark", command, flag, word, "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    first, fault = answer["message"].splitlines()
    assert first == f"{command}: 1 fault"
    assert fault.startswith(f"  {flag} must be ")
    assert ", got " in fault
    assert list(tmp_path.iterdir()) == []


def test_faults_of_all_kinds_are_told_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--eta", "-1", "--resolutions", "64,7", "--dt-values", "a", "--jobs", "0"]
    words += ["--reference-dt", "-1", "--fit-stop", "0", "--max-relative-growth-rate-spread", "x"]
    assert cli.main(["benchmark", "double-harris-convergence", *words]) == 2
    assert capsys.readouterr().err == (
        "mhx: double-harris-convergence: 7 faults\n"
        "  --eta must be >= 0.0 and <= 1e+09 [L v_A], got -1.0\n"
        "  --fit-stop must be > 0.0 [L/v_A], got 0.0\n"
        "  --jobs must be a whole number >= 1 or 'auto', got 0\n"
        "  --resolutions must be numbers of points from 8 to 8192 like 64,96,128 or 512x32, "
        "got '64,7'\n"
        "  --dt-values must be numbers like 0.4,0.2,0.1 or auto, got 'a'\n"
        "  --reference-dt must be a number > 0.0 or 'auto' [L/v_A], got -1\n"
        "  --max-relative-growth-rate-spread must be a number > 0.0, got 'x'\n"
    )
    assert list(tmp_path.iterdir()) == []


SMALL = ["--nx", "16", "--ny", "16", "--t-end", "1", "--dt", "0.05", "--seeds", "0,1"]
JUDGED = Answer(headline="judged", exit_code=1)


@pytest.fixture
def carried_out(monkeypatch):
    """Runs nothing: what the testbed ends with is `ends`, what was called is in `calls`."""

    class Called:
        ends: Any = Answer(headline="ran", exit_code=0, next="mhx testbed run testbed.toml")
        calls: list[Any] = []  # noqa: RUF012  # made anew below

    called = Called()
    called.calls = []

    def run(path: Path, options: launcher.Options) -> Answer:
        called.calls.append(("run", path.name, options.jobs))
        if isinstance(called.ends, Exception):
            raise called.ends
        return called.ends

    def conclude(study: Any) -> Answer:
        called.calls.append(("conclude", study.kind))
        return JUDGED

    monkeypatch.setattr(launcher, "run_testbed", run)
    monkeypatch.setattr(bundle, "standing", lambda study: None)
    monkeypatch.setattr(bundle, "conclude", conclude)
    return called


@pytest.mark.parametrize("code", [0, 1])
def test_cases_that_ended_are_judged_whether_they_are_well_or_not(
    code, tmp_path, carried_out, capsys
):
    carried_out.ends = Answer(headline="ran", exit_code=code, details=["  failed    seed_0: why"])
    assert cli.main(["benchmark", "seed-robust-qi", *SMALL, "--outdir", str(tmp_path / "s")]) == 1
    assert carried_out.calls == [("run", "testbed.toml", "auto"), ("conclude", "seeds")]
    assert capsys.readouterr().out == "judged\n  failed    seed_0: why\n"


@pytest.mark.parametrize("code", [75, 130])
def test_a_stopped_study_is_not_judged_and_names_the_command_that_goes_on(
    code, tmp_path, carried_out, capsys, monkeypatch
):
    carried_out.ends = Answer(headline="stopped", exit_code=code, next="mhx testbed run x")
    monkeypatch.setattr("sys.argv", ["/bin/mhx", "benchmark", "seed-robust-qi", "--t-end", "1"])
    words = ["benchmark", "seed-robust-qi", *SMALL, "--outdir", str(tmp_path / "s")]
    assert cli.main(words) == code
    assert [name for name, *_ in carried_out.calls] == ["run"]
    assert capsys.readouterr().out == "stopped\nnext: mhx benchmark seed-robust-qi --t-end 1\n"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)]
)
def test_a_signal_while_cases_are_judged_ends_in_one_object_that_says_how_to_go_on(
    number, code, tmp_path, carried_out, capsys, monkeypatch
):
    monkeypatch.setattr(bundle, "conclude", lambda study: signal.raise_signal(number))
    monkeypatch.setattr("sys.argv", ["/bin/mhx", "benchmark", "seed-robust-qi", "--t-end", "1"])
    before = signal.getsignal(number)
    words = ["benchmark", "seed-robust-qi", *SMALL, "--outdir", str(tmp_path / "s"), "--json"]
    assert cli.main(words) == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == code
    assert answer["next"] == "mhx benchmark seed-robust-qi --t-end 1"
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("error", "code"), [(EvidenceError("altered"), 4), (RunLocked("locked"), 6)]
)
def test_errors_of_the_testbed_keep_their_code(error, code, tmp_path, carried_out):
    carried_out.ends = error
    words = ["benchmark", "seed-robust-qi", *SMALL, "--outdir", str(tmp_path / "s")]
    assert cli.main(words) == code
    assert [name for name, *_ in carried_out.calls] == ["run"]


def test_the_cosine_sheet_has_no_width_so_nothing_runs_and_the_bundle_says_so(
    tmp_path, carried_out
):
    words = ["--equilibrium", "cosine_tearing", "--outdir", str(tmp_path / "s")]
    assert cli.main(["benchmark", "double-harris-parameter-sweep", *words]) == 1
    assert carried_out.calls == [("conclude", "sweep")]


def test_a_folder_that_shares_nothing_is_told(tmp_path, carried_out, capsys):
    words = ["benchmark", "seed-robust-qi", *SMALL, "--outdir", str(tmp_path / "s")]
    assert cli.main([*words, "--share", "nowhere"]) == 1
    told = "--share nowhere has no finished study to share: its cases are computed here\n"
    assert told in capsys.readouterr().out


def test_what_was_concluded_before_is_only_looked_at(tmp_path, carried_out, monkeypatch):
    stands = Answer(headline="nothing to do", exit_code=0)
    monkeypatch.setattr(bundle, "standing", lambda study: stands)
    words = ["benchmark", "seed-robust-qi", *SMALL, "--outdir", str(tmp_path / "s")]
    assert cli.main(words) == 0
    assert carried_out.calls == []


def test_jobs_are_those_of_the_flag(tmp_path, carried_out):
    words = ["benchmark", "seed-robust-qi", *SMALL, "--outdir", str(tmp_path / "s")]
    assert cli.main([*words, "--jobs", "3"]) == 1
    assert carried_out.calls[0] == ("run", "testbed.toml", "3")
