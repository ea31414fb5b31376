"""Sections 2.9, 3.3 (driver row) and 4.9: the production lane, from its dry run to its end.

What a lane does with the ends of its commands is asked with a stand-in for the Python that runs
them: it notes who was called, leaves the outputs that the manifest expects, and ends as told.
"""

import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mhx.evidence import verify

from .lane import flags, mhx, read

LANE = ("campaign", "production-lane")
TINY = {
    "--width": 0.45,
    "--eta": 0.008,
    "--nx": 32,
    "--ny": 32,
    "--convergence-resolutions": "24,32,40",
    "--crosscheck-resolutions": "28,32,36",
    "--widths": "0.4,0.45,0.5",
    "--etas": "0.01,0.008,0.006",
    "--dt": 0.05,
    "--production-efolds": 0.2,
    "--target-saved-frames": 40,
    "--min-production-resolution": 32,
    "--seconds-per-step-estimate": 1e-4,
}
COMMANDS = [
    ("rutherford_plan", "plan", False),
    ("double_harris_long_run", "execute", True),
    ("double_harris_convergence_main", "convergence", True),
    ("double_harris_convergence_crosscheck", "convergence", True),
    ("double_harris_width_sweep", "sweep", True),
    ("double_harris_eta_lundquist_sweep", "sweep", True),
    ("seed_qi", "seed_qi", True),
    ("rutherford_execute", "execute", True),
    ("double_harris_promotion_check", "promotion", False),
    ("rutherford_promotion_check", "promotion", False),
    ("rutherford_finalize_production_claim", "promotion", False),
]
IDS = [name for name, _, _ in COMMANDS]
FINALISE = IDS[-1]
GATES = """duration_policy_positive production_resolution_floor seed_qi_has_multiple_seeds
    width_sweep_declared eta_lundquist_sweep_declared dry_run_first_contract
    convergence_has_two_bundles movie_commands_enabled promotion_commands_declared
    production_claim_requires_finalize_command time_step_stable_all"""
STAND_IN = '''\
#!{python} -SE
"""Ends as fate.json says; notes who was called; leaves what the manifest expects."""
import hashlib, json, pathlib, shutil, sys, time
from verify import content_digest, identity, render
here = pathlib.Path(__file__).parent
root = here / "lane"
words = [word for word in sys.argv[1:] if word not in ("-P", "-m", "mhx")]
listed = json.loads((root / "production_campaign_manifest.json").read_text())["commands"]
(command,) = [c for c in listed if c["command"][-len(words):] == words]
fate = json.loads((here / "fate.json").read_text()).get(command["id"], 0)
with (here / "calls.txt").open("a") as stream:
    stream.write(command["id"] + "\\n")
print("said by", command["id"])
if isinstance(fate, str) and fate.startswith("sleep"):
    time.sleep(float(fate.split()[1]))
    fate = 0
bare, fate = fate == "bare", 0 if fate == "bare" else fate
passed = fate != 1
entry = dict(verdict="pass" if passed else "fail", metric="m", value=3.0, reason="r", remedy="do",
             bound=dict(low=None, high=2.0 if not passed else 4.0))
judged = dict(by=command["id"], passed=passed, checks=dict(made_up=passed), diagnostics=dict(m=3.0),
              schema="mhx.made_up.gates.v1", thresholds={{}}, verdicts=dict(made_up=entry))
left_out = ("artifact_manifest.json", ".lock", "commands.jsonl", "claim_ledger.jsonl")
def listing(folder):
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in left_out and "attempts" not in path.parts:
            data = path.read_bytes()
            files.append(dict(path=path.relative_to(folder).as_posix(), size_bytes=len(data),
                              sha256=hashlib.sha256(data).hexdigest()))
    return sorted(files, key=lambda one: one["path"])
def sealed(path, **more):
    document = dict(api_version="v1", created_utc="2026-01-01T00:00:00+00:00",
                    mhx_version="0.1.0", by=command["id"], **more)
    if path.name == "manifest.json":
        document["digest"] = content_digest(identity(document))
    document["self_digest"] = content_digest(document)
    path.write_bytes(render(document))
outputs = [] if bare else [root / name for name in command["expected_outputs"]]
real = dict(rutherford_plan="plan", rutherford_execute="run").get(command["id"])
if real and outputs and not all(path.exists() for path in outputs):
    shutil.copytree(here / real, root / "rutherford", dirs_exist_ok=True)
if real or command["stage"] == "promotion" and "allow" in command["command"][-1]:
    outputs = []
last = ("manifest.json", "artifact_manifest.json")
for path in outputs:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name not in last:
        path.write_bytes(render(judged))
for path in [path for path in outputs if path.name == last[0]]:
    sealed(path, schema="mhx.manifest.v1", kind="made up", config={{}}, outputs={{}}, hashes={{}},
           identity=[], claim_level="validation", claim_scope="made up", waivers=[])
for path in [path for path in outputs if path.name == last[1]]:
    sealed(path, schema="mhx.artifacts.v1", root=".", claim_levels={{}},
           files=listing(path.parent))
sys.exit(fate)
'''


def lane(folder: Path, table: dict, *words: object):
    given = {flag: value for flag, value in table.items() if value is not None}
    return mhx(*LANE, "--outdir", folder, *flags(given), *words)


def manifest(folder: Path) -> dict:
    return read(folder / "production_campaign_manifest.json")


def words_of(document: dict, name: str) -> list[str]:
    (command,) = [entry for entry in document["commands"] if entry["id"] == name]
    return command["command"]


def value(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1]


def results(folder: Path) -> dict[str, dict]:
    return {entry["id"]: entry for entry in manifest(folder)["execution"]["results"]}


@pytest.fixture(scope="module")
def dry(tmp_path_factory):
    """The lane of the check in 2.9: (folder, document, what was said)."""
    folder = tmp_path_factory.mktemp("dry") / "lane"
    words = {
        "--harris-growth-rate": 0.125,
        "--target-saved-frames": 121,
        "--dt": 0.02,
        "--seconds-per-step-estimate": 1e-3,
    }
    said = lane(folder, words)
    assert said.code == 0, said.text
    return folder, manifest(folder), said


# The list


def test_derived_values(dry):
    _, document, _ = dry
    times = document["campaign"]["time"]
    assert document["campaign"]["duration"]["t_end"] == pytest.approx(240.0, abs=1e-9)
    assert times["save_every"] == 100
    assert times["save_interval"] == pytest.approx(2.0, abs=1e-12)
    assert times["fit_stop"] == pytest.approx(16.0, abs=1e-12)


def test_a_dry_run_leaves_a_list_and_a_script(dry):
    folder, document, said = dry
    assert "dry run only" in said.out
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left - {".lock"} == {"production_campaign_manifest.json", "run_commands.sh"}
    assert document["mode"] == "dry_run"
    assert document["execution"] == {
        **document["execution"],
        "requested": False,
        "status": "skipped_dry_run",
        "results": [],
    }


def test_keys_of_the_list(dry):
    _, document, _ = dry
    assert document["schema"] == "mhx.tools.nonlinear_production_campaign.v1"
    assert document["claim_level"] == "validation"
    keys = {"created_utc", "claim_boundary", "production_claim_policy", "campaign"}
    assert keys | {"required_gates", "commands", "execution", "validation"} <= document.keys()
    policy = document["production_claim_policy"]
    assert policy.keys() >= {"double_harris_boundary", "rutherford_boundary"}
    assert policy["default_claim_level"] == "validation"
    assert policy["production_finalize_command_id"] == FINALISE
    campaign = document["campaign"]
    assert campaign.keys() >= {"root", "python_executable", "duration", "grid", "time", "physics"}
    assert campaign.keys() >= {"seed_qi", "timeouts"}
    assert campaign["time"].keys() >= {"dt", "target_saved_frames", "save_every", "fit_start"}
    assert campaign["physics"].keys() >= {
        "lundquist_proxy",
        "eta_lundquist_proxy",
        "mode",
        "equilibrium",
        "hold_equilibrium",
    }
    assert campaign["physics"]["lundquist_proxy"] == pytest.approx(1 / 4.5e-3)
    assert campaign["physics"]["eta_lundquist_proxy"] == pytest.approx(
        [1 / 6e-3, 1 / 4.5e-3, 1 / 3e-3]
    )


def test_the_eleven_commands(dry):
    _, document, _ = dry
    listed = document["commands"]
    assert [(entry["id"], entry["stage"], entry["expensive"]) for entry in listed] == COMMANDS
    for entry in listed:
        assert entry.keys() >= {"family", "gate", "description", "shell", "claim_boundary"}
        assert entry["timeout_seconds"] == (43200 if entry["expensive"] else 1800)
        assert entry["expected_outputs"]
        assert entry["claim_boundary"]
        assert shlex.split(entry["shell"])[-len(entry["command"]) :] == entry["command"]
        assert not any(Path(name).is_absolute() for name in entry["expected_outputs"])


def test_gates_that_the_lane_requires(dry):
    _, document, _ = dry
    required = {entry["gate"]: entry for entry in document["required_gates"]}
    assert set(required) == {
        "duration",
        "convergence",
        "seed_qi",
        "width_aspect",
        "eta_lundquist",
        "movie",
        "promotion",
    }
    for entry in required.values():
        assert entry["required"] is True
        assert entry["evidence"]
        assert set(entry["command_ids"]) <= set(IDS)
        assert entry["command_ids"]


def test_driver_gates(dry):
    _, document, _ = dry
    validation = document["validation"]
    assert validation["schema"] == "mhx.tools.nonlinear_production_campaign.gates.v1"
    assert set(validation["checks"]) == set(GATES.split())
    assert all(validation["checks"].values()) is validation["passed"] is True
    for entry in validation["verdicts"].values():
        assert entry.keys() >= {"verdict", "metric", "value", "bound", "reason", "remedy"}
    assert validation["verdicts"]["seed_qi_has_multiple_seeds"]["bound"]["low"] == 8


def test_one_physical_sampling_goes_to_all_stages(dry):
    _, document, _ = dry
    for name in ("rutherford_plan", "double_harris_long_run", "seed_qi"):
        assert value(words_of(document, name), "--save-every") == "100"
    for name in IDS[2:6]:
        words = words_of(document, name)
        given = "--save-interval" if "--save-interval" in words else "--save-every"
        assert float(value(words, given)) == {"--save-interval": 2.0, "--save-every": 100}[given]


def test_equilibrium_and_holding_go_to_commands_1_to_7(dry):
    _, document, _ = dry
    for name in IDS[:7]:
        words = words_of(document, name)
        assert value(words, "--equilibrium") == "periodic_double_harris"
        assert "--hold-equilibrium" in words


def test_what_each_command_asks(dry):
    _, document, _ = dry
    words = {name: words_of(document, name) for name in IDS}
    outdirs = [
        "rutherford",
        "double_harris/long_run",
        "double_harris/convergence_main",
        "double_harris/convergence_crosscheck",
        "double_harris/width_sweep",
        "double_harris/eta_lundquist_sweep",
        "seed_qi",
    ]
    for name, outdir in zip(IDS, outdirs, strict=False):
        assert value(words[name], "--outdir").endswith(outdir)
    assert "rutherford-plan-production" in words["rutherford_plan"]
    assert {"double-harris-long-run", "--movies"} <= set(words["double_harris_long_run"])
    assert value(words[IDS[2]], "--resolutions") == "128,192,256"
    assert value(words[IDS[3]], "--resolutions") == "160,224,256"
    for name in IDS[2:4]:
        assert [float(dt) for dt in value(words[name], "--dt-values").split(",")] == [
            0.02,
            0.01,
            0.005,
        ]
    assert value(words[IDS[4]], "--sweep-axis") == "width"
    assert [float(a) for a in value(words[IDS[4]], "--widths").split(",")] == [0.32, 0.36, 0.4]
    assert value(words[IDS[5]], "--sweep-axis") == "resistivity"
    assert [float(eta) for eta in value(words[IDS[5]], "--etas").split(",")] == [
        0.006,
        0.0045,
        0.003,
    ]
    assert value(words["seed_qi"], "--seeds") == "0,1,2,3,4,5,6,7"
    assert float(value(words["seed_qi"], "--noise-amplitude")) == pytest.approx(0.05 * 4e-3)
    execute = words["rutherford_execute"]
    assert {"rutherford-execute", "--movies"} <= set(execute)
    assert not {"--max-steps", "--allow-production-claim"} & set(execute)
    check = words["double_harris_promotion_check"]
    assert float(value(check, "--min-t-end")) == pytest.approx(240)
    assert check.count("--convergence-dir") == 2
    promote = words["rutherford_promotion_check"]
    assert promote.count("--convergence-dir") == 2
    assert {"--seed-qi-dir", "--width-sweep-dir", "--eta-sweep-dir", "--require-sweeps"} <= set(
        promote
    )
    assert {"--max-steps", "0", "--allow-production-claim"} <= set(words[FINALISE])
    claiming = [name for name in IDS if "--allow-production-claim" in words[name]]
    assert claiming == [FINALISE]


def test_the_script(dry):
    folder, document, _ = dry
    path = folder / "run_commands.sh"
    assert os.access(path, os.X_OK)
    text = path.read_text()
    assert "bash" in text.splitlines()[0]
    assert "set -euo pipefail" in text
    steps = [line.split() for line in text.splitlines() if line.strip().startswith("run_step ")]
    assert [float(step[1]) for step in steps] == [
        entry["timeout_seconds"] for entry in document["commands"]
    ]
    for step, entry in zip(steps, document["commands"], strict=True):
        assert step[2:] == entry["command"][-len(step[2:]) :]
    subprocess.run(["bash", "-n", path], check=True)


def test_defaults_of_the_lane(tmp_path):
    said = lane(tmp_path / "lane", {"--seconds-per-step-estimate": 1e-3})
    assert said.code == 0, said.text
    campaign = manifest(tmp_path / "lane")["campaign"]
    grid, physics, times = campaign["grid"], campaign["physics"], campaign["time"]
    assert (grid["nx"], grid["ny"], grid["min_production_resolution"]) == (256, 256, 128)
    assert grid["convergence_resolutions"] == [128, 192, 256]
    assert grid["crosscheck_resolutions"] == [160, 224, 256]
    assert (physics["width"], physics["eta"], physics["nu"]) == (0.36, 4.5e-3, 4.5e-3)
    assert physics["perturbation_amplitude"] == 4e-3
    assert physics["mode"] == [2, 1]
    assert physics["hold_equilibrium"] is True
    assert campaign["seed_qi"]["seeds"] == list(range(8))
    assert campaign["timeouts"]["timeout_seconds"] == 43200
    assert campaign["timeouts"]["gate_timeout_seconds"] == 1800
    duration = campaign["duration"]
    gamma = duration["growth_rate"]
    assert duration["growth_rate_source"] == "computed"
    assert gamma == pytest.approx(0.10497, rel=1e-3)
    t_end = 30 / gamma
    steps = math.ceil(t_end / times["dt"] - 1e-9)
    assert duration["t_end"] == pytest.approx(t_end, abs=times["dt"])
    assert times["target_saved_frames"] == 400
    assert times["save_every"] == math.ceil(steps / 400)
    assert times["save_interval"] == pytest.approx(times["save_every"] * times["dt"])
    assert times["fit_stop"] == pytest.approx(max(3 * times["save_interval"], 2 / gamma))
    plan = words_of(manifest(tmp_path / "lane"), "rutherford_plan")
    assert "--harris-growth-rate" not in plan


def test_cosine_lane_takes_mode_1_1_and_decays(tmp_path):
    table = TINY | {"--equilibrium": "cosine_tearing", "--harris-growth-rate": 0.1}
    said = lane(tmp_path / "lane", table | {"--width": None, "--widths": None})
    assert said.code in (0, 1), said.text
    document = manifest(tmp_path / "lane")
    assert document["campaign"]["physics"]["mode"] == [1, 1]
    assert document["campaign"]["physics"]["hold_equilibrium"] is False
    for name in IDS[:7]:
        words = words_of(document, name)
        assert value(words, "--equilibrium") == "cosine_tearing"
        assert "--decaying-equilibrium" in words


@pytest.mark.parametrize(
    ("words", "gate"),
    [
        ({"--seeds": "0,1,2,3,4,5,6"}, "seed_qi_has_multiple_seeds"),
        ({"--seeds": "0,1,2,3,4,5,6,6"}, "seed_qi_has_multiple_seeds"),
        ({"--widths": "0.45,0.5"}, "width_sweep_declared"),
        ({"--etas": "0.008,0.006"}, "eta_lundquist_sweep_declared"),
        ({"--min-production-resolution": 33}, "production_resolution_floor"),
        ({"--dt": 0.6}, "time_step_stable_all"),
        ({"--crosscheck-resolutions": "24,32,40"}, "convergence_has_two_bundles"),
    ],
)
def test_driver_gates_can_fail(tmp_path, words, gate):
    said = lane(tmp_path / "lane", TINY | words)
    if said.code == 2 and words.get("--seeds", "").endswith("6,6"):  # refused as what it is
        assert "--seeds" in said.err
        return
    assert said.code == 1, said.text
    verdict = manifest(tmp_path / "lane")["validation"]["verdicts"][gate]
    assert verdict["verdict"] == "fail"
    assert gate in said.text


@pytest.mark.parametrize(
    "words",
    [
        {"--dry-run": None, "--execute": None},
        {"--target-saved-frames": 2},
        {"--min-reconnected-flux-amplification": 0.9},
        {"--min-island-width-amplification": 0.5},
        {"--eta": "nan"},
        {"--safety-factor": 0},
        {"--production-efolds": -1},
        {"--timeout-seconds": 0},
        {"--convergence-resolutions": "128,x"},
        {"--equilibrium": "zero"},
    ],
)
def test_lane_refusals(tmp_path, words):
    said = mhx(*LANE, "--outdir", tmp_path / "lane", *flags(TINY | words))
    assert said.code == 2, said.text
    assert any(flag in said.err for flag in words)
    assert not (tmp_path / "lane" / "production_campaign_manifest.json").exists()


def test_the_tool_is_the_same_function(tmp_path):
    tool = Path(__file__).parents[2] / "tools" / "run_nonlinear_production_campaign.py"
    lane(tmp_path / "a", TINY)
    call = [sys.executable, tool, "--outdir", tmp_path / "b", *flags(TINY)]
    ended = subprocess.run(call, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "dry run only" in ended.stdout
    one, other = manifest(tmp_path / "a"), manifest(tmp_path / "b")
    assert [e["command"][1:] for e in one["commands"]] == [
        e["command"][1:] for e in other["commands"]
    ]
    text = subprocess.run(
        [sys.executable, tool, "--help"], text=True, capture_output=True, check=True
    ).stdout
    for flag in ("--execute", "--gate-timeout-seconds", "--qi-noise-amplitude", "--restart"):
        assert flag in text


# Its conduct


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """What commands 1 and 8 of the tiny lane leave, made by them: folders `plan` and `run`."""
    root = tmp_path_factory.mktemp("campaign")
    lane(root / "lane", TINY)
    words = words_of(manifest(root / "lane"), "rutherford_plan")
    words = words[words.index("campaign") :]
    words[words.index("--outdir") + 1] = str(root / "plan")
    said = mhx(*words)
    assert said.code in (0, 1), said.text
    shutil.copytree(root / "plan", root / "run")
    said = mhx("campaign", "rutherford-execute", root / "run", "--movies")
    assert said.code in (0, 1), said.text
    return root


class Course:
    """A tiny lane whose commands are stood in for."""

    def __init__(self, root: Path, campaign: Path) -> None:
        self.root, self.folder = root, root / "lane"
        for name in ("plan", "run"):
            (root / name).symlink_to(campaign / name)
        self.python = root / "python"
        self.python.write_text(STAND_IN.format(python=sys.executable))
        shutil.copy(verify.__file__, root / "verify.py")  # needs the standard library alone
        self.python.chmod(0o755)
        self.words = [*flags(TINY), "--python-executable", str(self.python)]
        self.fate()

    def fate(self, **ends: object) -> None:
        (self.root / "fate.json").write_text(json.dumps(ends))

    def execute(self, *words: object):
        return mhx(*LANE, "--outdir", self.folder, *self.words, "--execute", *words)

    def start(self, *words: str) -> subprocess.Popen:
        call = [sys.executable, "-m", "mhx", *LANE, "--outdir", str(self.folder), *self.words]
        return subprocess.Popen(
            [*call, "--execute", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def called(self) -> list[str]:
        """Who was called since the last question."""
        path = self.root / "calls.txt"
        names = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return names

    def wait_for(self, name: str) -> None:
        end = time.monotonic() + 60
        path = self.root / "calls.txt"
        while not (path.exists() and name in path.read_text().split()):
            assert time.monotonic() < end, f"{name} was never called"
            time.sleep(0.05)


@pytest.fixture
def course(tmp_path, campaign):
    return Course(tmp_path, campaign)


def alive(course: Course) -> list[str]:
    """Processes that still run the stand-in of this lane."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if str(course.python) in words and "--execute" not in words:
            found.append(" ".join(words))
    return found


def test_a_lane_that_passes_runs_each_command_once(course):
    said = course.execute()
    assert course.called() == IDS
    document = manifest(course.folder)
    assert document["mode"] == "execute"
    assert document["execution"]["requested"] is True
    table = results(course.folder)
    assert [entry["status"] for entry in table.values()] == ["passed"] * 11
    for name, entry in table.items():
        assert entry.keys() >= {"id", "status", "returncode", "started_utc", "finished_utc"}
        assert entry["returncode"] == 0
        assert f"said by {name}" in (course.folder / "logs" / f"{name}.log").read_text()
    assert document["execution"]["status"] == "passed"
    assert said.code == 0, said.text


def test_a_second_call_skips_what_passed_and_restart_does_not(course):
    course.execute()
    course.called()
    said = course.execute()
    assert (said.code, course.called()) == (0, [])
    said = course.execute("--restart")
    assert course.called() == IDS


@pytest.mark.parametrize("fault", ["altered", "missing"])
def test_a_command_whose_outputs_no_longer_verify_runs_again(course, fault):
    course.execute()
    course.called()
    path = course.folder / "double_harris/width_sweep/periodic_double_harris_parameter_sweep.npz"
    if fault == "altered":
        path.write_text("something else")
    else:
        path.unlink()
    course.execute()
    again = course.called()
    assert "double_harris_width_sweep" in again
    assert not {"double_harris_long_run", "double_harris_convergence_main", "seed_qi"} & set(again)


def test_failed_gates_are_recorded_and_the_lane_goes_on(course):
    course.fate(double_harris_convergence_main=1, rutherford_promotion_check=1)
    said = course.execute()
    assert said.code == 1
    assert course.called() == IDS[:-1]
    table = results(course.folder)
    for name in ("double_harris_convergence_main", "rutherford_promotion_check"):
        assert (table[name]["status"], table[name]["returncode"]) == ("gates_failed", 1)
        assert "made_up" in json.dumps(table[name])
    assert table[FINALISE]["status"] == "skipped"
    assert table["seed_qi"]["status"] == "passed"
    assert manifest(course.folder)["execution"]["status"] == "failed"
    assert "made_up" in said.text
    course.fate()
    said = course.execute()
    again = course.called()
    assert said.code == 0, said.text
    assert {"double_harris_convergence_main", "rutherford_promotion_check", FINALISE} <= set(again)
    assert not {"rutherford_plan", "double_harris_long_run", "seed_qi"} & set(again)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (2, "failed"),
        (3, "failed"),
        (4, "failed"),
        (6, "failed"),
        (70, "failed"),
        (75, "interrupted"),
    ],
)
def test_only_these_ends_stop_a_lane(course, code, status):
    course.fate(double_harris_convergence_main=code)
    said = course.execute()
    assert said.code == code, said.text
    assert course.called() == IDS[:3]
    entry = results(course.folder)["double_harris_convergence_main"]
    assert (entry["status"], entry["returncode"]) == (status, code)
    lane_status = "interrupted" if code == 75 else "failed"
    assert manifest(course.folder)["execution"]["status"] == lane_status


def test_a_refused_claim_alone_is_exit_5(course):
    course.fate(**{FINALISE: 5})
    said = course.execute()
    assert said.code == 5, said.text
    assert course.called() == IDS


def test_the_other_check_does_not_keep_the_claim_away(course):
    course.fate(double_harris_promotion_check=1)
    said = course.execute()
    assert said.code == 1
    assert course.called() == IDS


def test_an_end_without_its_outputs_is_no_pass(course):
    course.fate(seed_qi="bare")
    said = course.execute()
    assert said.code != 0
    entry = results(course.folder)["seed_qi"]
    assert entry["status"] != "passed"
    assert "ensemble.npz" in said.text + json.dumps(entry)


def test_a_command_over_its_time_is_ended_with_its_tree(course):
    course.fate(double_harris_long_run="sleep 300")
    said = course.execute("--timeout-seconds", "1", "--grace-seconds", "1")
    assert said.code == 124, said.text
    assert course.called() == IDS[:2]
    entry = results(course.folder)["double_harris_long_run"]
    assert (entry["status"], entry["timeout_seconds"]) == ("timeout", 1)
    assert alive(course) == []


def test_gate_commands_have_their_own_limit(course):
    course.fate(double_harris_promotion_check="sleep 300")
    said = course.execute("--gate-timeout-seconds", "2", "--grace-seconds", "1")
    assert said.code == 124, said.text
    assert course.called() == IDS[:9]
    assert results(course.folder)["double_harris_promotion_check"]["timeout_seconds"] == 2


def test_sigterm_ends_the_command_too_and_the_same_call_goes_on(course):
    course.fate(double_harris_long_run="sleep 300")
    process = course.start("--grace-seconds", "2")
    course.wait_for("double_harris_long_run")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 75, out
    assert alive(course) == []
    assert manifest(course.folder)["execution"]["status"] == "interrupted"
    assert results(course.folder)["double_harris_long_run"]["status"] == "interrupted"
    course.called()
    course.fate()
    assert course.execute("--grace-seconds", "2").code == 0
    assert course.called() == IDS[1:]


def test_a_killed_driver_leaves_nothing_running_and_goes_on(course):
    course.fate(double_harris_long_run="sleep 300")
    process = course.start()
    course.wait_for("double_harris_long_run")
    process.kill()
    process.communicate(timeout=60)
    end = time.monotonic() + 20
    while alive(course) and time.monotonic() < end:
        time.sleep(0.1)
    assert alive(course) == []
    assert results(course.folder)["rutherford_plan"]["status"] == "passed"
    course.called()
    course.fate()
    said = course.execute()
    assert said.code == 0, said.text
    assert course.called() == IDS[1:]


def test_two_drivers_do_not_share_a_lane(course):
    course.fate(double_harris_long_run="sleep 300")
    process = course.start("--grace-seconds", "1")
    try:
        course.wait_for("double_harris_long_run")
        said = course.execute("--grace-seconds", "1")
        assert said.code == 6, said.text
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert course.called() == IDS[:2]


def test_another_lane_in_the_folder_is_refused(course):
    """2.1: other parameters never mix with what was computed for these."""
    course.fate(double_harris_long_run=3)
    course.execute()
    course.called()
    before = manifest(course.folder)
    said = mhx(*LANE, "--outdir", course.folder, *course.words, "--eta", "0.009", "--execute")
    assert said.code == 2, said.text
    assert course.called() == []
    assert manifest(course.folder) == before


# The script does the same


def script(course: Course) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", course.folder / "run_commands.sh"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=course.root,
    )


@pytest.mark.parametrize(
    ("ends", "code", "called"),
    [
        ({}, 0, IDS),
        ({"rutherford_promotion_check": 1}, 1, IDS[:-1]),
        ({FINALISE: 5}, 5, IDS),
        ({FINALISE: 5, "double_harris_width_sweep": 1}, 1, IDS),
        ({"double_harris_long_run": 3}, 3, IDS[:2]),
        ({"double_harris_long_run": 75}, 75, IDS[:2]),
    ],
    ids=lambda value: None if isinstance(value, list) else json.dumps(value),
)
def test_script_follows_the_rules_of_the_lane(course, ends, code, called):
    mhx(*LANE, "--outdir", course.folder, *course.words)
    course.fate(**ends)
    ended = script(course)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert course.called() == called


@pytest.mark.skipif(shutil.which("timeout") is None, reason="coreutils `timeout` is not here")
def test_script_stops_at_a_timeout(course):
    words = ["--timeout-seconds", "1", "--grace-seconds", "1"]
    mhx(*LANE, "--outdir", course.folder, *course.words, *words)
    course.fate(double_harris_long_run="sleep 300")
    ended = script(course)
    assert ended.returncode == 124, ended.stdout + ended.stderr
    assert alive(course) == []


def test_documented_defaults(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    text = " ".join(mhx(*LANE, "--help").out.split())
    for line in textwrap.dedent(
        """\
        --nx <int> Points along x [default: 256]
        [default: 0.36]
        [default: 0.0045]
        [default: 0.004]
        [default: 128,192,256]
        [default: 160,224,256]
        [default: 0,1,2,3,4,5,6,7]
        [default: 43200]
        [default: 1800]
        [default: 60]
        [default: 400]
        [default: 128]
        [default: 1e-9]
        [default: 1e-8]
        [default: 1.05]
        [default: 100]
        [default: 0.05 eps]
        [default: 0.32,0.36,0.40]
        [default: 0.006,0.0045,0.003]
        [default: outputs/campaigns/nonlinear_production_campaign]"""
    ).splitlines():
        assert line in text, line
