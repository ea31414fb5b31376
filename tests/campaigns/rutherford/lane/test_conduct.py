"""The dry run: what is on disk before anything is carried out, and what its gates say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mhx.campaigns.rutherford.lane import conduct
from mhx.campaigns.rutherford.lane.flags import Options
from mhx.cli import main
from mhx.errors import ConfigError

SMALL = {
    "width": 0.45,
    "eta": 0.008,
    "nx": 64,
    "ny": 64,
    "convergence_resolutions": "48,64,96",
    "crosscheck_resolutions": "56,72,96",
    "widths": "0.4,0.45,0.5",
    "etas": "0.01,0.008,0.006",
    "min_production_resolution": 48,
    "target_saved_frames": 120,
    "seconds_per_step_estimate": 1e-3,
}
IDS = [
    "rutherford_plan",
    "double_harris_long_run",
    "double_harris_convergence_main",
    "double_harris_convergence_crosscheck",
    "double_harris_width_sweep",
    "double_harris_eta_lundquist_sweep",
    "seed_qi",
    "rutherford_execute",
    "double_harris_promotion_check",
    "rutherford_promotion_check",
    "rutherford_finalize_production_claim",
]


def manifest(root: Path) -> dict:
    return json.loads((root / "production_campaign_manifest.json").read_text())


def dry(root: Path, **flags):
    return conduct.conduct(Options(outdir=root, **(SMALL | flags)))


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A dry run; only read."""
    root = tmp_path_factory.mktemp("lane") / "root"
    answer = dry(root)
    return root, answer, manifest(root)


def test_a_dry_run_lists_and_carries_nothing_out(listed):
    root, answer, document = listed
    assert answer.exit_code == 0
    assert answer.headline.startswith("dry run only")
    assert {path.name for path in root.iterdir()} - {".lock"} == {
        "production_campaign_manifest.json",
        "run_commands.sh",
    }
    assert document["schema"] == "mhx.tools.nonlinear_production_campaign.v1"
    assert document["validation"]["schema"] == "mhx.tools.nonlinear_production_campaign.gates.v1"
    assert (document["mode"], document["claim_level"]) == ("dry_run", "validation")
    assert document["execution"] == {
        "requested": False,
        "status": "skipped_dry_run",
        "results": [],
    }


def test_eleven_commands_in_order(listed):
    commands = listed[2]["commands"]
    assert [command["id"] for command in commands] == IDS
    stages = ["plan", "execute", *["convergence"] * 2, *["sweep"] * 2, "seed_qi", "execute"]
    assert [command["stage"] for command in commands] == [*stages, *["promotion"] * 3]
    limits = [command["timeout_seconds"] for command in commands]
    assert limits == [1800, *[43200] * 7, *[1800] * 3]
    assert [command["expensive"] for command in commands] == [limit > 1800 for limit in limits]


def test_required_gates_are_exactly_these(listed):
    rows = listed[2]["required_gates"]
    assert [row["gate"] for row in rows] == [
        *("duration", "convergence", "seed_qi", "width_aspect", "eta_lundquist"),
        *("movie", "promotion"),
    ]
    assert {name for row in rows for name in row["command_ids"]} == set(IDS)


def test_a_command_that_is_pasted_starts_where_the_lane_was_asked(listed):
    root, _, document = listed
    plan = document["commands"][0]
    assert plan["shell"].startswith(f"cd {root} && ")
    assert plan["command"][:6] == [
        *(sys.executable, "-P", "-m", "mhx", "campaign", "rutherford-plan-production"),
    ]


def test_one_cadence_goes_to_all_stages(listed):
    document = listed[2]
    time, t1 = document["campaign"]["time"], document["campaign"]["duration"]["t1"]
    words = {command["id"]: command["command"] for command in document["commands"]}
    for name in IDS[:7]:
        given = dict(zip(words[name], words[name][1:], strict=False))
        assert float(given["--t-end"]) == t1
        step = given.get("--reference-dt") or given["--dt"]
        assert float(step) == time["dt"]
        if "--save-every" in given:
            assert int(given["--save-every"]) == time["save_every"]
        else:
            assert float(given["--save-interval"]) == time["save_interval"]
        assert "--hold-equilibrium" in words[name]
    check = words["double_harris_promotion_check"]
    assert float(check[check.index("--min-t-end") + 1]) == t1


def test_the_choice_of_equilibrium_goes_to_commands_1_to_7(tmp_path):
    dry(tmp_path / "r", hold_equilibrium=False)
    commands = manifest(tmp_path / "r")["commands"]
    decaying = [
        command["id"] for command in commands if "--decaying-equilibrium" in command["command"]
    ]
    assert decaying == IDS[:7]
    assert not any("--hold-equilibrium" in command["command"] for command in commands)


def test_bounds_are_fixed_in_the_plan(tmp_path):
    dry(tmp_path / "r", max_divergence_linf=1e-8, min_history_samples=50)
    words = {row["id"]: row["command"] for row in manifest(tmp_path / "r")["commands"]}
    plan = words["rutherford_plan"]
    bounds = [plan[place + 1] for place, word in enumerate(plan) if word == "--threshold"]
    assert bounds == ["max_divergence_linf=1e-08", "min_history_samples=50"]
    check = words["rutherford_promotion_check"]
    assert check[check.index("--min-history-samples") + 1] == "50"
    execute = words["rutherford_execute"]
    assert execute[-2:] == ["--max-divergence-linf", "1e-08"]


def test_the_width_sweep_of_a_sheet_without_width_is_not_declared(tmp_path):
    cosine = {name: SMALL[name] for name in SMALL if name not in ("width", "widths")}
    answer = conduct.conduct(
        Options(outdir=tmp_path / "r", equilibrium="cosine_tearing", dt="0.01", **cosine)
    )
    assert answer.exit_code == 1
    assert [result.gate.name for result in answer.not_passed] == ["width_sweep_declared"]
    sweep = manifest(tmp_path / "r")["commands"][4]
    assert "--widths" not in sweep["command"]
    assert not any("--width" in row["command"] for row in manifest(tmp_path / "r")["commands"])


WARNED = {
    "few seeds": ({"seeds": "0,1,2,3,4,5,6"}, "seed_qi_has_multiple_seeds"),
    "coarse": ({"nx": 40}, "production_resolution_floor"),
    "two widths": ({"widths": "0.4,0.45"}, "width_sweep_declared"),
    "two etas": ({"etas": "0.008,0.006"}, "eta_lundquist_sweep_declared"),
    "one ladder twice": ({"crosscheck_resolutions": "48,64,96"}, "convergence_has_two_bundles"),
    "blows up": ({"dt": 0.085}, "time_step_stable_all"),
}


@pytest.mark.parametrize(("flags", "gate"), WARNED.values(), ids=WARNED)
def test_a_gate_that_fails_is_named(tmp_path, flags, gate):
    answer = dry(tmp_path / "r", **flags)
    assert answer.exit_code == 1
    assert [result.gate.name for result in answer.not_passed] == [gate]
    assert manifest(tmp_path / "r")["validation"]["checks"][gate] is False


def test_a_run_that_was_there_before_the_list_is_found(tmp_path):
    (tmp_path / "rutherford").mkdir()
    answer = dry(tmp_path)
    assert [result.gate.name for result in answer.not_passed] == ["dry_run_first_contract"]


def test_a_rate_above_the_computed_one_is_warned_of(tmp_path):
    answer = dry(tmp_path / "r", harris_growth_rate=0.5)
    assert any("the plan's duration gate will not pass" in line for line in answer.details)


def test_nothing_is_written_where_a_flag_is_wrong(tmp_path):
    with pytest.raises(ConfigError, match="--eta"):
        dry(tmp_path / "r", eta=-1.0)
    with pytest.raises(ConfigError, match="--python-executable 'no-such-python'"):
        dry(tmp_path / "r", python_executable="no-such-python")
    assert not (tmp_path / "r").exists()


def test_asking_again_with_other_flags_replaces_a_list_that_never_ran(tmp_path):
    dry(tmp_path / "r")
    dry(tmp_path / "r", seeds="0,1,2,3,4,5,6,7,8")
    assert manifest(tmp_path / "r")["campaign"]["seed_qi"]["seeds"] == list(range(9))


def test_the_command_line_and_the_tool_are_one(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--outdir", "r", "--seeds", "0,1", "--seconds-per-step-estimate", "1e-3"]
    assert main(["campaign", "production-lane", *words, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["campaign"]["root"] == "r"
    assert main(["campaign", "production-lane", "--execute", "--dry-run"]) == 2
    tool = Path(__file__).parents[4] / "tools" / "run_nonlinear_production_campaign.py"
    done = subprocess.run(
        [sys.executable, tool, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.startswith("dry run only: 11 commands are listed")
