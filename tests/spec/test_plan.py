"""Sections 2.3, 3.3, 4.2, 5.5, 5.6 and 5.9: what the planner writes and from what."""

import json
import math
import tomllib
from pathlib import Path

import pytest

from .lane import HARRIS, TINY, arrays, execute, flags, mhx, plan, read, tree

LEGACY = [
    "time",
    "reconnected_flux",
    "rutherford_island_width",
    "reconnection_rate_proxy",
    "magnetic_energy",
    "kinetic_energy",
    "total_energy",
    "dissipation_budget_residual",
    "magnetic_divergence_linf",
    "current_density_linf",
    "current_sheet_thickness",
    "current_sheet_length",
    "current_sheet_aspect_ratio",
    "x_point_count",
    "o_point_count",
]
PLAN_KEYS = """schema template_schema api_version claim_level claim_boundary config
    duration_assessment walltime_policy estimated_steps estimated_saved_frames save_every
    checkpoint_every_steps estimated_checkpoints steps_per_walltime_job estimated_walltime_jobs
    estimated_walltime_seconds min_production_resolution required_outputs job_array_schema
    plan_digest family family_digest thresholds waivers growth_rate time_step resource_estimate
    promotion_outlook"""
DURATION_KEYS = """name purpose scope t_end growth_rate required_efolds safety_factor required_t_end
    observed_efolds sufficient_for_intended_scope sufficient_for_nonlinear_claim
    sufficient_for_production_claim action growth_rate_source growth_rate_computed
    growth_rate_declared relative_mismatch diffusion_time"""
WALLTIME_KEYS = """max_walltime_hours seconds_per_step_estimate checkpoint_interval_minutes
    preemption_margin_minutes min_steps_per_job max_walltime_seconds usable_walltime_seconds
    checkpoint_interval_seconds steps_per_walltime_job checkpoint_every_steps
    seconds_per_step_source"""
FAMILY_KEYS = """equilibrium width amplitude perturbation_amplitude perturbation_mode_x
    perturbation_mode_y resistivity viscosity hyper_resistivity hold_equilibrium lx ly
    noise_amplitude"""
PLAN_GATES = """duration_guard_passed growth_rate_computed growth_rate_declared_matches_computed
    linear_mode_resolved_on_grid equilibrium_resolved equilibrium_exactly_periodic
    time_step_stable end_time_is_whole_steps production_resolution_floor saved_frame_floor
    checkpoint_cadence_defined walltime_chunking_defined checkpoint_index_initialized
    resume_contract_defined required_outputs_declared claim_level_not_completed_production
    resources_available"""


def missing(table: dict, keys: str) -> set[str]:
    return set(keys.split()) - table.keys()


def config_of(folder: Path) -> dict:
    return tomllib.loads((folder / "campaign_config.toml").read_text())


@pytest.fixture(scope="module")
def sheet(tmp_path_factory) -> Path:
    """The production candidate of 2.11 (c), at its own 128 x 128 points."""
    folder = tmp_path_factory.mktemp("candidate") / "run"
    candidate = {
        "--equilibrium": "periodic_double_harris",
        "--width": 0.36,
        "--perturbation-amplitude": 0.004,
        "--mode-x": 2,
        "--mode-y": 1,
        "--eta": 0.0045,
        "--nu": 0.0045,
        "--nx": 128,
        "--ny": 128,
        "--dt": 0.02,
        "--target-saved-frames": 121,
        "--seconds-per-step-estimate": 2e-3,
    }
    said = plan(folder, candidate)
    assert said.code == 0, said.text
    return folder


# Keys and schema ids


def test_plan_has_the_keys_of_the_reference_and_the_new_ones(planned, sheet):
    for folder in (planned, sheet):
        document = read(folder / "campaign_plan.json")
        assert not missing(document, PLAN_KEYS)
        assert not missing(document["duration_assessment"], DURATION_KEYS)
        assert not missing(document["walltime_policy"], WALLTIME_KEYS)
        assert set(document["family"]) == set(FAMILY_KEYS.split())
        assert not missing(document["time_step"], "dt dt_max ratio source")
        assert document["schema"] == "mhx.campaign.rutherford_production_plan.v1"
        assert document["template_schema"] == "mhx.campaign.rutherford_template.v1"
        assert document["job_array_schema"] == "mhx.campaign.rutherford_walltime_job_array.v1"
        assert document["api_version"] == "v1"
        assert document["duration_assessment"]["scope"] == "nonlinear_production"
        outputs = document["required_outputs"]
        assert outputs["histories"] == LEGACY
        assert set(outputs["convergence"]) == {
            "resolution_sweep",
            "time_step_sweep",
            "checkpoint_restart_reproducibility",
            "fit_window_sensitivity",
        }
        assert len(outputs["figures"]) == 5 and len(outputs["movies"]) == 2
        assert outputs["metadata"]


def test_resource_estimate_is_spelled_as_the_table_says(planned):
    """3.3: `resource_estimate` {memory, disk, seconds, device, source}."""
    estimate = read(planned / "campaign_plan.json")["resource_estimate"]
    assert not missing(estimate, "seconds device source")
    assert {name.removesuffix("_bytes") for name in estimate} >= {"memory", "disk"}


def test_plan_levels_follow_the_plan_gates(planned, sheet):
    assert read(planned / "campaign_plan.json")["claim_level"] == "unspecified"
    assert read(sheet / "campaign_plan.json")["claim_level"] == "production_template"


@pytest.mark.parametrize("name", ["validation.json", "plan_validation.json"])
def test_plan_verdict_names_every_gate_with_metric_value_bound_and_reason(name, planned, sheet):
    for folder in (planned, sheet):
        if not (folder / name).exists():
            assert name == "validation.json"
            continue
        document = read(folder / name)
        assert document["schema"] == "mhx.campaign.rutherford_production_plan.gates.v1"
        assert set(document["checks"]) == set(PLAN_GATES.split())
        assert not missing(document, "schema passed checks thresholds diagnostics verdicts")
        for gate, verdict in document["verdicts"].items():
            assert not missing(verdict, "verdict metric value bound reason remedy")
            assert verdict["reason"]
            assert document["checks"][gate] is (verdict["verdict"] == "pass")
        assert document["passed"] is all(document["checks"].values())


def test_plan_manifests(planned):
    document = read(planned / "plan_manifest.json")
    keys = """schema api_version created_utc mhx_version kind claim_level claim_scope config outputs
        hashes digest git code_digest dependencies python platform device dtype command
        family_digest plan_digest waivers"""
    assert not missing(document, keys)
    assert document["schema"] == "mhx.manifest.v1"
    assert document["kind"] == "run"


def test_configuration_file_has_the_tables_of_the_reference(sheet):
    table = config_of(sheet)
    assert not missing(table, "name output_dir workflow mesh time physics initial numerics")
    assert table["workflow"]["mode"] == "reconnection"
    assert set(table["mesh"]) == {"shape", "lower", "upper", "periodic"}
    assert set(table["time"]) == {"t0", "t1", "dt", "save_every"}
    assert table["time"] == {"t0": 0, "t1": table["time"]["t1"], "dt": 0.02, "save_every": 118}
    physics = table["physics"]
    names = "model equilibrium resistivity viscosity hold_equilibrium hyper_resistivity"
    assert not missing(physics, names)
    assert (physics["resistivity"], physics["viscosity"]) == (0.0045, 0.0045)
    assert physics["hold_equilibrium"] is True and physics["hyper_resistivity"] == 0
    parameters = physics["equilibrium_parameters"]
    assert parameters == {
        "perturbation_amplitude": 0.004,
        "width": 0.36,
        "amplitude": 1.0,
        "magnetic_shear": pytest.approx(1 / 0.36),
        "perturbation_mode_x": 2,
        "perturbation_mode_y": 1,
    }
    assert table["initial"] == {"seed": 0, "noise_amplitude": 1e-6}
    assert not missing(table["numerics"], "spatial_method dealiasing time_integrator dtype")
    assert table["numerics"]["dealiasing"] == "two_thirds"
    assert table["numerics"]["time_integrator"] == "rk4"
    assert not missing(table["diagnostics"], "quantities mode fit_time_window")
    assert table["diagnostics"]["mode"] == [2, 1]


def test_plan_config_is_the_configuration_file(planned, sheet):
    for folder in (planned, sheet):
        assert read(folder / "campaign_plan.json")["config"] == config_of(folder)


def test_job_array_and_index(planned):
    document = read(planned / "job_array.json")
    keys = "schema run_dir total_steps steps_per_job checkpoint_every_steps jobs"
    assert not missing(document, keys)
    for job in document["jobs"]:
        keys = """job_index start_step end_step checkpoint_every_steps expected_terminal_checkpoint
            resume_plan_command execute_command depends_on"""
        assert not missing(job, keys)
    index = read(planned / "checkpoints" / "checkpoint_index.json")
    keys = """schema api_version created_utc updated_utc run_dir target_step target_time
        latest_checkpoint checkpoints resume_policy plan_digest"""
    assert not missing(index, keys)
    assert index["schema"] == "mhx.campaign.rutherford_checkpoint_index.v1"
    assert index["checkpoints"] == [] and index["latest_checkpoint"] is None
    assert index["target_step"] == 48 and index["target_time"] == pytest.approx(0.48)
    keys = "checkpoint_every_steps steps_per_walltime_job walltime_policy"
    assert not missing(index["resume_policy"], keys)


def test_runbook_says_formula_source_and_commands(sheet):
    text = (sheet / "runbook.md").read_text()
    for word in (
        "mhx.campaign.rutherford_runbook.v1",
        "rutherford-execute",
        "rutherford-resume-plan",
        "cd ",
        "0.1049",
    ):
        assert word in text, f"{word} is missing in\n{text}"


def test_json_files_are_sorted_and_indented(planned):
    for path in planned.rglob("*.json"):
        text = path.read_text()
        assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n", path


def test_paths_in_files_are_relative_to_the_run(planned, finished):
    """3.1, E13: nothing of where the run lies; the runbook and logs of commands keep what was
    typed."""
    for path in (*planned.rglob("*.json"), *finished.rglob("*.json")):
        if "attempts" in path.parts or path.name in {"manifest.json", "plan_manifest.json"}:
            continue
        assert str(path.parent.parent) not in path.read_text(), path


# Counts


@pytest.mark.parametrize(
    ("t_end", "dt"), [(1.0, 0.01), (0.35, 0.1), (0.7, 0.1), (1.0, 0.03), (0.1 + 0.2, 0.1)]
)
def test_end_time_is_whole_steps(t_end, dt, tmp_path):
    assert plan(tmp_path / "run", t_end=t_end, dt=dt, save_every=1).code in (0, 1)
    document = read(tmp_path / "run" / "campaign_plan.json")
    steps = max(1, math.ceil(t_end / dt - 1e-9))
    assert document["estimated_steps"] == steps
    assert document["config"]["time"]["t1"] == steps * dt
    assert document["duration_assessment"]["t_end"] == steps * dt
    assert read(tmp_path / "run" / "plan_validation.json")["checks"]["end_time_is_whole_steps"]


@pytest.mark.parametrize(
    ("seconds", "interval", "hours", "margin"),
    [(1e-3, 30, 12, 20), (2.0, 1, 12, 20), (40.0, 30, 1, 20), (50.0, 1, 0.5, 5)],
)
def test_checkpoints_and_chunks_are_counted_by_the_formula(
    seconds, interval, hours, margin, tmp_path
):
    folder = tmp_path / "run"
    said = plan(
        folder,
        t_end=1.0,
        seconds_per_step_estimate=seconds,
        checkpoint_interval_minutes=interval,
        max_walltime_hours=hours,
        preemption_margin_minutes=margin,
    )
    assert said.code in (0, 1), said.text
    steps = 100
    document = read(folder / "campaign_plan.json")
    every = max(1, min(math.floor(interval * 60 / seconds), math.ceil(steps / 8), steps))
    per_job = min(math.floor((hours * 3600 - margin * 60) / seconds), steps)
    assert document["estimated_steps"] == steps
    assert document["checkpoint_every_steps"] == every
    assert document["steps_per_walltime_job"] == per_job
    assert document["estimated_checkpoints"] == math.ceil(steps / every)
    assert document["estimated_walltime_jobs"] == math.ceil(steps / per_job)
    assert document["estimated_walltime_seconds"] == pytest.approx(steps * seconds)
    policy = document["walltime_policy"]
    assert policy["usable_walltime_seconds"] == pytest.approx(hours * 3600 - margin * 60)
    assert policy["max_walltime_seconds"] == pytest.approx(hours * 3600)
    assert policy["checkpoint_interval_seconds"] == pytest.approx(interval * 60)
    assert policy["seconds_per_step_source"] == "given"
    jobs = read(folder / "job_array.json")["jobs"]
    bounds = [(job["start_step"], job["end_step"]) for job in jobs]
    assert bounds == [(i, min(i + per_job, steps)) for i in range(0, steps, per_job)]
    for job in jobs:
        assert job["expected_terminal_checkpoint"].endswith(f"step_{job['end_step']:012d}.json")


@pytest.mark.parametrize(("frames", "steps"), [(7, 100), (40, 100), (1000, 100), (64, 100)])
def test_stride_follows_from_the_frames(frames, steps, tmp_path):
    assert plan(tmp_path / "run", t_end=1.0, save_every=None, target_saved_frames=frames).code == 1
    document = read(tmp_path / "run" / "campaign_plan.json")
    assert document["save_every"] == max(1, round(steps / frames))


def test_duration_windows(tmp_path):
    """763.4 and 2290.1."""
    for factor, window in ((1, 763.4), (3, 2290.1)):
        folder = tmp_path / str(factor)
        assert plan(folder, t_end=None, save_every=None, safety_factor=factor).code == 0
        assessment = read(folder / "campaign_plan.json")["duration_assessment"]
        assert assessment["required_t_end"] == pytest.approx(window, abs=0.05)
        assert assessment["required_t_end"] == pytest.approx(factor * 10 / 0.0131)
        assert assessment["t_end"] >= assessment["required_t_end"]
        assert assessment["growth_rate_source"] == "reference"
        assert assessment["observed_efolds"] == pytest.approx(assessment["t_end"] * 0.0131)


def test_duration_scales_with_efolds_and_declared_rate(tmp_path):
    assert plan(tmp_path / "a", t_end=None, save_every=None, production_efolds=4).code == 0
    assert plan(tmp_path / "b", t_end=None, save_every=None, harris_growth_rate=0.05).code == 0
    a = read(tmp_path / "a" / "campaign_plan.json")["duration_assessment"]
    b = read(tmp_path / "b" / "campaign_plan.json")["duration_assessment"]
    assert a["required_t_end"] == pytest.approx(3 * 4 / 0.0131)
    assert b["required_t_end"] == pytest.approx(3 * 10 / 0.05)
    assert b["growth_rate_source"] == "declared" and b["growth_rate_declared"] == 0.05


def test_candidate_is_planned_from_its_own_growth_rate(sheet):
    document = read(sheet / "campaign_plan.json")
    assessment = document["duration_assessment"]
    assert assessment["growth_rate_computed"] == pytest.approx(0.10494, rel=1e-3)
    assert assessment["growth_rate_source"] == "computed"
    assert assessment["t_end"] == pytest.approx(286, abs=1)
    assert assessment["diffusion_time"] == pytest.approx(0.36**2 / 0.0045)
    assert document["estimated_steps"] == math.ceil(assessment["required_t_end"] / 0.02 - 1e-9)
    assert document["growth_rate"]["gamma"] == assessment["growth_rate_computed"]
    assert document["promotion_outlook"] == []
    assert document["waivers"] == []


def test_growth_rate_of_the_wider_sheet(tmp_path):
    base = HARRIS | {"--width": 0.4, "--eta": 5e-3, "--nu": 5e-3, "--nx": 64, "--ny": 32}
    plan(tmp_path / "run", base)
    rate = read(tmp_path / "run" / "campaign_plan.json")["growth_rate"]
    assert rate["gamma"] == pytest.approx(0.09097, rel=1e-3)
    assert rate["parity"] in ("even", "odd")
    assert rate["residual"] <= 1e-10 and rate["change_on_doubling"] <= 1e-6


@pytest.mark.slow
def test_declared_rate_that_contradicts_the_computed_one_fails_the_plan(tmp_path):
    base = HARRIS | {"--nx": 48, "--ny": 32, "--t-end": 2000, "--save-every": 100}
    base |= {"--width": 0.4, "--eta": 5e-3, "--nu": 5e-3}
    for rate, agrees in ((0.0925, True), (0.12, False), (0.05, False)):
        folder = tmp_path / str(rate)
        said = plan(folder, base, harris_growth_rate=rate)
        document = read(folder / "plan_validation.json")
        assert document["checks"]["growth_rate_declared_matches_computed"] is agrees, said.text
        assessment = read(folder / "campaign_plan.json")["duration_assessment"]
        computed = assessment["growth_rate_computed"]
        assert assessment["growth_rate"] == pytest.approx(min(rate, computed))
        assert assessment["relative_mismatch"] == pytest.approx(
            abs(rate - computed) / computed, rel=0.15
        )
        assert said.code == 1 or agrees


@pytest.mark.parametrize(
    ("gate", "base", "changes"),
    [
        ("duration_guard_passed", TINY, {}),
        ("saved_frame_floor", TINY, {}),
        ("production_resolution_floor", TINY, {"min_production_resolution": 96}),
        ("equilibrium_resolved", HARRIS, {"width": 0.2}),
        ("linear_mode_resolved_on_grid", HARRIS, {"width": 0.3}),
    ],
)
def test_plan_gates_fail_and_are_printed_with_metric_value_and_bound(gate, base, changes, tmp_path):
    said = plan(tmp_path / "run", base, **changes)
    assert said.code == 1
    document = read(tmp_path / "run" / "plan_validation.json")
    verdict = document["verdicts"][gate]
    assert document["checks"][gate] is False and verdict["verdict"] == "fail"
    assert gate in said.text and verdict["metric"] in said.text
    waived = {waiver["gate"] for waiver in read(tmp_path / "run" / "campaign_plan.json")["waivers"]}
    assert gate in waived


@pytest.mark.slow
def test_waivers_of_looser_bounds_only(tmp_path):
    for value, waived in (("1e-7", False), ("1e-6", False), ("1e-3", True)):
        folder = tmp_path / value
        said = mhx(
            "campaign",
            "rutherford-plan-production",
            "--outdir",
            folder,
            *flags(TINY),
            "--threshold",
            f"max_spectral_tail={value}",
        )
        assert said.code == 1, said.text
        document = read(folder / "campaign_plan.json")
        assert document["thresholds"]["max_spectral_tail"] == float(value)
        listed = [w for w in document["waivers"] if "spectral_tail" in w["gate"]]
        assert bool(listed) is waived
        for waiver in listed:
            assert not missing(waiver, "gate production_bound used_bound where")


# Time step


@pytest.mark.parametrize(("n", "largest"), [(128, 0.0673), (96, 0.0673 * 42 / 31)])
def test_largest_stable_step(n, largest, tmp_path):
    folder = tmp_path / "run"
    said = plan(folder, nx=n, ny=n, dt="auto", t_end=1, min_production_resolution=96)
    assert said.code in (0, 1), said.text
    step = read(folder / "campaign_plan.json")["time_step"]
    assert step["dt_max"] == pytest.approx(largest, rel=3e-3)
    half = 0.5 * step["dt_max"]
    digits = 10 ** (math.floor(math.log10(half)) - 1)
    assert step["dt"] == pytest.approx(math.floor(half / digits) * digits)
    assert step["source"] == "auto"
    assert step["ratio"] == pytest.approx(step["dt"] / step["dt_max"])


def test_ninety_six_points_with_a_twentieth_is_fine(tmp_path):
    said = plan(tmp_path / "run", nx=96, ny=96, dt=0.05, min_production_resolution=96, t_end=1)
    assert read(tmp_path / "run" / "plan_validation.json")["checks"]["time_step_stable"], said.text


# Flags: each changes what it should


@pytest.mark.parametrize(
    ("flag", "value", "where"),
    [
        ("perturbation_amplitude", 2e-3, "physics.equilibrium_parameters.perturbation_amplitude"),
        ("mode_x", 2, "physics.equilibrium_parameters.perturbation_mode_x"),
        ("mode_y", 2, "physics.equilibrium_parameters.perturbation_mode_y"),
        ("eta", 2e-3, "physics.resistivity"),
        ("nu", 0.0, "physics.viscosity"),
        ("nx", 10, "mesh.shape.0"),
        ("ny", 12, "mesh.shape.1"),
        ("lx", 3.0, "mesh.upper.0"),
        ("ly", 5.0, "mesh.upper.1"),
        ("dt", 0.02, "time.dt"),
        ("save_every", 3, "time.save_every"),
        ("seed", 4, "initial.seed"),
        ("noise_amplitude", 1e-5, "initial.noise_amplitude"),
        ("dtype", "float32", "numerics.dtype"),
    ],
)
def test_flag_reaches_the_configuration_and_the_digest(flag, value, where, planned, tmp_path):
    said = plan(tmp_path / "run", **{flag: value})
    assert said.code == 1, said.text
    found = config_of(tmp_path / "run")
    for key in where.split("."):
        found = found[int(key)] if key.isdecimal() else found[key]
    assert found == value
    before = read(planned / "campaign_plan.json")
    after = read(tmp_path / "run" / "campaign_plan.json")
    assert after["plan_digest"] != before["plan_digest"]
    circumstance = {"nx", "ny", "dt", "save_every", "seed", "dtype"}
    assert (after["family_digest"] == before["family_digest"]) is (flag in circumstance)


def test_hold_flag(tmp_path):
    words = flags(TINY)
    for flag, held in (("--hold-equilibrium", True), ("--decaying-equilibrium", False)):
        folder = tmp_path / flag
        mhx("campaign", "rutherford-plan-production", "--outdir", folder, *words, flag)
        assert config_of(folder)["physics"]["hold_equilibrium"] is held
    assert config_of(tmp_path / "--hold-equilibrium")["physics"]["equilibrium"] == "cosine_tearing"


def test_single_precision_is_a_waiver(planned, tmp_path):
    """2.3: `float32` caps the level at validation."""
    plan(tmp_path / "run", dtype="float32")
    known = {waiver["gate"] for waiver in read(planned / "campaign_plan.json")["waivers"]}
    waived = {waiver["gate"] for waiver in read(tmp_path / "run" / "campaign_plan.json")["waivers"]}
    assert waived - known


def test_seed_that_puts_no_flux_on_the_sheets_is_warned_of(tmp_path):
    said = plan(tmp_path / "run", HARRIS, mode_x=1)
    assert said.code in (0, 1)
    assert "warning" in said.text.lower() or "no flux" in said.text.lower(), said.text


def test_default_modes_of_the_double_harris_sheet(tmp_path):
    plan(tmp_path / "run", HARRIS)
    parameters = config_of(tmp_path / "run")["physics"]["equilibrium_parameters"]
    assert (parameters["perturbation_mode_x"], parameters["perturbation_mode_y"]) == (2, 1)


# Planning again


def test_same_parameters_again_write_nothing(planned, copy):
    folder = copy(planned)
    before = tree(folder)
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.json")}
    said = plan(folder)
    assert said.code == 0, said.text
    assert tree(folder) == before
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())


@pytest.mark.slow
def test_other_parameters_are_refused_and_force_moves_the_old_run_aside(cut, copy):
    folder = copy(cut)
    before = tree(folder)
    said = plan(folder, eta=2e-3)
    assert said.code == 2, said.text
    assert "--force" in said.text
    assert tree(folder) == before
    said = mhx(
        "campaign",
        "rutherford-plan-production",
        "--outdir",
        folder,
        *flags(TINY | {"--eta": 2e-3}),
        "--force",
    )
    assert said.code == 1, said.text
    (old,) = (folder / "superseded").iterdir()
    kept = tree(old)
    for name, content in before.items():
        assert kept[name] == content, name
    assert config_of(folder)["physics"]["resistivity"] == 2e-3
    assert not list((folder / "checkpoints").glob("state_step_*"))
    assert mhx("verify", folder).code == 0
    assert execute(folder, "--max-steps", 2).code == 0
    assert int(arrays(folder / "production_history.npz")["step"][0]) == 0


@pytest.mark.slow
def test_measured_rate_is_marked_as_measured(tmp_path):
    said = plan(tmp_path / "run", seconds_per_step_estimate=None)
    assert said.code == 1
    policy = read(tmp_path / "run" / "campaign_plan.json")["walltime_policy"]
    assert policy["seconds_per_step_source"] == "measured"
    assert 0 < policy["seconds_per_step_estimate"] < 1
