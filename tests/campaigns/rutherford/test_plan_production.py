"""The planner: what it writes, refuses, repeats and moves aside."""

import json
import math
import tomllib

import pytest

from mhx.campaigns import staging
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import read_plan
from mhx.campaigns.rutherford import plan as planner
from mhx.campaigns.rutherford.plan import Options, plan_production
from mhx.errors import ConfigError, EvidenceError, RunLocked
from mhx.evidence import verify
from mhx.execution.lock import hold

TINY = {"nx": 8, "ny": 8, "min_production_resolution": 8, "seconds_per_step_estimate": 1e-3}
CANDIDATE = {
    "equilibrium": "periodic_double_harris",
    "width": 0.36,
    "perturbation_amplitude": 0.004,
    "mode_x": 2,
    "mode_y": 1,
    "eta": 0.0045,
    "nu": 0.0045,
    "dt": 0.02,
    "target_saved_frames": 121,
    "seconds_per_step_estimate": 1e-3,
}
KEYS = {
    *("schema", "template_schema", "api_version", "claim_level", "claim_boundary", "config"),
    *("duration_assessment", "walltime_policy", "estimated_steps", "estimated_saved_frames"),
    *("save_every", "checkpoint_every_steps", "estimated_checkpoints", "steps_per_walltime_job"),
    *("estimated_walltime_jobs", "estimated_walltime_seconds", "min_production_resolution"),
    *("required_outputs", "job_array_schema", "plan_digest", "family", "family_digest"),
    *("thresholds", "waivers", "growth_rate", "time_step", "resource_estimate"),
    "promotion_outlook",
}
FILES = {
    *("campaign_config.toml", "campaign_plan.json", "runbook.md", "job_array.json"),
    *("plan_validation.json", "plan_manifest.json", "manifest.json", "artifact_manifest.json"),
    *("commands.jsonl", "claim_ledger.jsonl", "verify.py", "checkpoints/checkpoint_index.json"),
}


def plan(root, **flags):
    return plan_production(Options(outdir=root, **{**TINY, **flags}))


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".lock")
    }


def test_the_files_and_keys_of_a_plan(tmp_path):
    answer = plan(tmp_path / "run")
    assert answer.exit_code == 0
    assert set(files(tmp_path / "run")) == FILES
    folder = RunFolder(tmp_path / "run")
    document = json.loads(folder.plan.read_text())
    assert document.keys() >= KEYS
    assert document["claim_level"] == "production_template"
    assert document["config"] == tomllib.loads(folder.config.read_text())
    index = json.loads(folder.index.read_text())
    assert (index["target_step"], index["checkpoints"]) == (document["estimated_steps"], [])
    assert verify.verify(folder.root).problems == []


def test_times_are_whole_steps_that_reach_the_required_time(tmp_path):
    plan(tmp_path / "run")
    document = json.loads((tmp_path / "run/campaign_plan.json").read_text())
    time, required = document["config"]["time"], document["duration_assessment"]["required_t_end"]
    assert required == pytest.approx(2290.076, abs=1e-3)
    assert time["t1"] == document["estimated_steps"] * time["dt"]
    assert 0 <= time["t1"] - required < time["dt"]


def test_the_production_candidate(tmp_path):
    answer = plan_production(Options(outdir=tmp_path / "run", **CANDIDATE))
    assert answer.exit_code == 0
    document = json.loads((tmp_path / "run/campaign_plan.json").read_text())
    assert document["growth_rate"]["gamma"] == pytest.approx(0.10497, rel=1e-3)
    assert document["duration_assessment"]["growth_rate_source"] == "computed"
    assert document["config"]["time"]["t1"] == pytest.approx(286, abs=1)
    assert document["family"]["hold_equilibrium"] is True
    assert document["waivers"] == []
    assert document["promotion_outlook"] == []


def test_the_default_cosine_plan_names_what_it_cannot_pass(tmp_path):
    answer = plan_production(Options(outdir=tmp_path / "run", seconds_per_step_estimate=1e-3))
    assert answer.exit_code == 0
    document = json.loads((tmp_path / "run/campaign_plan.json").read_text())
    assert [row["gate"] for row in document["promotion_outlook"]] == [
        "equilibrium_tearing_unstable",
        "equilibrium_survives_duration",
    ]
    assert document["duration_assessment"]["growth_rate_source"] == "reference"
    told = document["time_step"]
    assert told["dt_max"] == pytest.approx(0.0673, abs=5e-5)
    assert told["source"] == "auto"


UNSTABLE = {"128 points, dt 0.1": (128, 0.1, "0.0605"), "96 points, dt 0.2": (96, 0.2, "0.082")}


@pytest.mark.parametrize(("points", "dt", "largest"), UNSTABLE.values(), ids=UNSTABLE)
def test_a_step_that_ends_in_nan_is_refused_with_the_largest_that_does_not(
    points, dt, largest, tmp_path
):
    with pytest.raises(ConfigError, match=f"--dt must be <= {largest} "):
        plan(tmp_path / "run", nx=points, ny=points, dt=dt)
    assert not (tmp_path / "run").exists()
    assert plan(tmp_path / "run", nx=points, ny=points, dt=float(largest)).exit_code == 0


def test_96_points_bear_a_step_of_0_05(tmp_path):
    assert plan(tmp_path / "run", nx=96, ny=96, dt=0.05).exit_code == 0


def test_the_laptop_demo_is_a_waived_plan(tmp_path):
    answer = plan(tmp_path / "run", dt=1e-2, target_saved_frames=120)
    assert answer.exit_code == 0
    document = json.loads((tmp_path / "run/campaign_plan.json").read_text())
    assert (document["estimated_steps"], document["save_every"]) == (229008, 1908)
    assert [row["gate"] for row in document["waivers"]] == ["production_resolution_floor"]


def test_a_failed_gate_is_a_waiver_and_no_template(tmp_path):
    answer = plan(tmp_path / "run", t_end=1.0)
    assert answer.exit_code == 1
    assert [result.gate.name for result in answer.not_passed] == [
        "duration_guard_passed",
        "saved_frame_floor",
    ]
    read = read_plan(RunFolder(tmp_path / "run"))
    assert read.document["claim_level"] == "unspecified"
    assert read.failed_gates == ["duration_guard_passed", "saved_frame_floor"]
    assert {waiver.gate for waiver in read.waivers} >= set(read.failed_gates)
    validation = json.loads((tmp_path / "run/plan_validation.json").read_text())
    assert validation["passed"] is False
    assert validation["checks"]["duration_guard_passed"] is False
    assert verify.verify(tmp_path / "run").problems == []


def test_a_declared_rate_that_is_too_fast_shortens_nothing(tmp_path):
    plan_production(Options(outdir=tmp_path / "run", **CANDIDATE, harris_growth_rate=0.2))
    document = json.loads((tmp_path / "run/campaign_plan.json").read_text())
    assert document["duration_assessment"]["growth_rate"] == document["growth_rate"]["gamma"]
    assert document["failed_gates"] == ["growth_rate_declared_matches_computed"]


def test_planning_again_writes_nothing(tmp_path):
    plan(tmp_path / "run")
    before = files(tmp_path / "run")
    answer = plan(tmp_path / "run", eta=1e-3)  # ours, written out
    assert (answer.exit_code, answer.wrote) == (0, None)
    assert plan(tmp_path / "run", force=True).wrote is None
    assert files(tmp_path / "run") == before


def test_other_parameters_are_refused_by_name_and_value(tmp_path):
    plan(tmp_path / "run")
    before = files(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"(?s)--eta: 0\.001 -> 0\.002.*--seed: 0 -> 3"):
        plan(tmp_path / "run", eta=2e-3, seed=3)
    assert files(tmp_path / "run") == before


def test_force_moves_the_old_run_aside(tmp_path):
    root = tmp_path / "run"
    plan(root)
    (root / "checkpoints/state_step_000000000001.npz").write_bytes(b"a state")
    before = files(root)
    assert plan(root, eta=2e-3, force=True).exit_code == 0
    (aside,) = (root / "superseded").iterdir()
    assert files(aside) == before
    assert set(files(root)) - {name for name in files(root) if "superseded" in name} == FILES
    assert verify.verify(root).problems == []


def test_force_moves_a_torn_plan_aside_too(tmp_path):
    root = tmp_path / "run"
    plan(root)
    (root / "campaign_plan.json").write_text("{")
    with pytest.raises(EvidenceError, match="torn"):
        plan(root)
    assert plan(root, force=True).exit_code == 0


def test_a_foreign_folder_is_left_alone_force_or_not(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    for force in (False, True):
        with pytest.raises(ConfigError, match="not empty"):
            plan(tmp_path, force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_nothing_is_written_where_a_parameter_is_refused(tmp_path):
    for flags in ({"nx": 4}, {"dt": 99.0}, {"save_every": 10**9}, {"t_end": 1e30}):
        with pytest.raises(ConfigError):
            plan(tmp_path / "run", **flags)
    assert list(tmp_path.iterdir()) == []


def test_a_locked_run_is_not_replaced(tmp_path):
    plan(tmp_path / "run")
    with hold(tmp_path / "run"), pytest.raises(RunLocked):
        plan(tmp_path / "run", eta=2e-3, force=True)


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("force", [False, True], ids=["first", "force"])
@pytest.mark.parametrize("place", ["write_text", "write_index", "record_transition"])
def test_a_killed_planner_is_completed_by_the_same_command(place, force, tmp_path, monkeypatch):
    root = tmp_path / "run"
    flags = {"eta": 2e-3, "force": force}
    if force:
        plan(root)
    with monkeypatch.context() as patch:

        def kill(*args, **kw):
            raise Killed

        patch.setattr(planner, place, kill)
        with pytest.raises(Killed):
            plan(root, **flags)
    if force:
        assert verify.verify(root).effective_level == "production_template"
    else:
        assert not (root / "campaign_plan.json").exists()
    assert plan(root, **flags).exit_code == 0
    assert not (root / staging.PLANNING).exists()
    assert verify.verify(root).problems == []


def test_equal_plans_have_equal_digests(tmp_path):
    one = plan(tmp_path / "one")
    other = plan(tmp_path / "other", seconds_per_step_estimate=0.5, max_walltime_hours=1.0)
    assert one.document["plan_digest"] == other.document["plan_digest"]
    different = plan(tmp_path / "different", threshold=["max_divergence_linf=1e-10"])
    assert different.document["plan_digest"] != one.document["plan_digest"]


def test_a_seed_that_misses_the_sheets_is_named(tmp_path):
    answer = plan_production(Options(outdir=tmp_path / "run", **{**CANDIDATE, "mode_x": 1}))
    assert any("puts no flux on the sheets" in line for line in answer.details)


def test_a_mode_of_the_box_that_grows_faster_is_named(tmp_path):
    assert not any("faster" in line for line in plan(tmp_path / "one").details)
    longer = {**CANDIDATE, "ly": 6 * math.pi, "mode_y": 3}
    answer = plan_production(Options(outdir=tmp_path / "three", **longer))
    (told,) = [line for line in answer.details if "faster" in line]
    assert told.startswith("warning: mode 2 along the sheets grows faster than the followed mode 3")


def test_single_precision_caps_the_level(tmp_path):
    plan(tmp_path / "run", dtype="float32")
    assert "precision" in {row.gate for row in read_plan(RunFolder(tmp_path / "run")).waivers}


def test_whole_numbers_stay_whole_in_the_files(tmp_path):
    plan(tmp_path / "run")
    document = json.loads((tmp_path / "run/campaign_plan.json").read_text())
    (waiver,) = [row for row in document["waivers"] if row["gate"] == "production_resolution_floor"]
    found = (
        *(document["min_production_resolution"], document["thresholds"]["min_history_samples"]),
        *(waiver["used_bound"], waiver["production_bound"]),
    )
    assert repr(found) == "(8, 100, 8, 96)"


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"t_end": 1e13, "dt": "0.01"}, "change --t-end, or --dt"),
        ({"production_efolds": 1e14}, "change --production-efolds, --safety-factor or"),
        ({"t_end": 100.0, "dt": "0.01", "seconds_per_step_estimate": 1e6}, "1e+04 jobs"),
        ({"dt": "1e300"}, "--dt must be"),
    ],
    ids=["steps of an end time", "steps of e-folds", "jobs", "step"],
)
def test_what_cannot_be_counted_is_refused_by_flag(flags, told, tmp_path):
    if "jobs" in told:
        flags = flags | {"t_end": 100.01}
    with pytest.raises(ConfigError) as refusal:
        plan(tmp_path / "run", **flags)
    assert told in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_looser_threshold_is_a_waiver_in_plan_and_manifest(tmp_path):
    plan(tmp_path / "run", threshold=["max_divergence_linf=1e-6"])
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert "magnetic_divergence_within_tolerance" in {row["gate"] for row in manifest["waivers"]}


@pytest.mark.slow
def test_the_cost_of_a_step_is_measured(tmp_path):
    plan(tmp_path / "run", seconds_per_step_estimate="auto")
    policy = json.loads((tmp_path / "run/campaign_plan.json").read_text())["walltime_policy"]
    assert policy["seconds_per_step_source"] == "measured"
    assert 0 < policy["seconds_per_step_estimate"] < math.inf
