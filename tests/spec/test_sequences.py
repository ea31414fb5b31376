"""Sections 2.2, 2.11 and 4.3: the template, the FAST run, and the sequences that must run."""

import re
import tomllib

import numpy as np
import pytest

from .lane import EXECUTE, PLAN, arrays, execute, mhx, read

TEMPLATE_GATES = """duration_guard_passed not_fast_resolution long_time_window
    sufficient_saved_frames fixed_scale_movie_requirements_recorded
    nonlinear_diagnostics_requirements_recorded"""
FAST_GATES = """finite_histories saved_initial_and_final_samples duration_within_fast_limit
    duration_flagged_below_production_template energy_growth_within_tolerance
    magnetic_divergence_within_tolerance claim_level_is_not_production"""
FAST_KEYS = """schema template_schema claim_level claim_boundary seeds shape t_end dt steps
    save_every samples mode resistivity viscosity perturbation_amplitude noise_amplitude
    max_relative_energy_growth max_magnetic_divergence_linf production_template_final_time
    duration_fraction_of_template template_claim_level required_runtime_outputs_inherited"""
FAST_ARRAYS = """reconnected_flux rutherford_island_width reconnection_rate_proxy magnetic_energy
    kinetic_energy total_energy current_density_linf magnetic_divergence_linf"""
PROMOTION_KEYS = """schema api_version run_dir claim_level_if_passed claim_boundary history_schema
    history_sample_count target_step terminal_step max_energy_budget_residual
    max_magnetic_divergence_linf reconnected_flux_amplification island_width_amplification
    max_x_point_count max_o_point_count convergence_dirs convergence_reports seed_qi_dir
    seed_qi_report thresholds promotion_ready validation_schema checks restart_check
    production_ready waivers reviewer_answers run_digest evidence_digests linear_phase
    algebraic_phase missing"""
QUESTIONS = """growth_rate linear_efolds algebraic_phase energy_budget robustness fixed_ranges
    reproducible"""
PROMOTION_GATES = """campaign_plan_present execution_diagnostics_present
    execution_validation_present run_manifest_present artifact_manifest_present
    execution_validation_passed artifact_hashes_verified checkpoint_chain_verified
    code_identity_recorded command_sequence_recorded completed_target terminal_step_reaches_target
    duration_guard_passed equilibrium_tearing_unstable equilibrium_survives_duration
    history_schema_supported required_history_keys_present finite_history_arrays
    minimum_history_samples energy_budget_residual_within_tolerance
    magnetic_divergence_within_tolerance spectral_tail_within_tolerance
    time_step_stable_throughout linear_phase_observed growth_rate_matches_eigenvalue
    fit_window_sensitivity algebraic_phase_detected nonlinear_response_present
    reconnected_flux_amplifies island_width_amplifies island_width_definitions_agree
    current_sheet_geometry_present current_sheet_geometry_positive critical_point_counts_present
    x_critical_points_detected o_critical_points_detected topology_identity_holds
    fixed_scale_movies_present movies_fixed_scale_verified convergence_bundle_count
    convergence_bundles_passed convergence_axes_covered evidence_matches_run
    seed_qi_bundle_present seed_qi_bundle_passed checkpoint_restart_reproducibility"""
RIGHT = """campaign_plan_present artifact_hashes_verified checkpoint_chain_verified
    completed_target terminal_step_reaches_target energy_budget_residual_within_tolerance
    history_schema_supported required_history_keys_present finite_history_arrays
    topology_identity_holds checkpoint_restart_reproducibility"""
WRONG = """duration_guard_passed equilibrium_tearing_unstable minimum_history_samples
    convergence_bundle_count seed_qi_bundle_present"""


def fast(folder, *words):
    return mhx("campaign", "rutherford-run-fast", "--outdir", folder, *words)


def promote(folder, *words):
    return mhx("campaign", "rutherford-promotion-check", folder, *words)


# Template


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template") / "t"
    said = mhx("campaign", "rutherford-template", "--outdir", folder)
    assert said.code == 0, said.text
    return folder


def test_template_files_and_level(template):
    names = {path.name for path in template.iterdir()}
    assert names >= {
        "campaign.json",
        "campaign_config.toml",
        "duration_assessment.json",
        "validation.json",
        "manifest.json",
    }
    campaign = read(template / "campaign.json")
    assert campaign["schema"] == "mhx.campaign.rutherford_template.v1"
    assert campaign["claim_level"] == "production_template"
    validation = read(template / "validation.json")
    assert validation["schema"] == "mhx.campaign.rutherford_template.gates.v1"
    assert set(validation["checks"]) == set(TEMPLATE_GATES.split())
    manifest = read(template / "manifest.json")
    assert (manifest["kind"], manifest["claim_level"]) == ("template", "production_template")
    assert mhx("verify", template).code == 0


def test_template_is_always_the_cosine_sheet(template):
    table = tomllib.loads((template / "campaign_config.toml").read_text())
    physics = table["physics"]
    assert physics["equilibrium"] == "cosine_tearing"
    assert physics["resistivity"] == physics["viscosity"] == 1e-3
    parameters = physics["equilibrium_parameters"]
    assert parameters["perturbation_amplitude"] == 1e-3
    assert (parameters["perturbation_mode_x"], parameters["perturbation_mode_y"]) == (1, 1)
    assert table["output_dir"] == "outputs/production/rutherford_island"
    assert table["time"]["t1"] >= 2290.07
    assert {"quantities", "mode", "fit_time_window"} <= table["diagnostics"].keys()


def test_template_duration(template):
    document = read(template / "duration_assessment.json")
    assert document["required_t_end"] == pytest.approx(2290.1, abs=0.05)
    assert document["growth_rate"] == 0.0131


@pytest.mark.parametrize(
    ("words", "gate"),
    [
        (["--nx", "32"], "not_fast_resolution"),
        (["--target-saved-frames", "20"], "sufficient_saved_frames"),
    ],
)
def test_template_gates_fail(words, gate, tmp_path):
    said = mhx("campaign", "rutherford-template", "--outdir", tmp_path / "t", *words)
    assert said.code == 1, said.text
    assert gate in said.text
    assert read(tmp_path / "t" / "validation.json")["checks"][gate] is False
    assert read(tmp_path / "t" / "campaign.json")["claim_level"] == "unspecified"


def test_template_flags(tmp_path):
    words = ["--harris-growth-rate", "0.02", "--production-efolds", "5", "--safety-factor", "2"]
    words += ["--run-output-dir", "my/run", "--nx", "64", "--ny", "96", "--dt", "0.03"]
    said = mhx("campaign", "rutherford-template", "--outdir", tmp_path / "t", *words)
    assert said.code == 0, said.text
    document = read(tmp_path / "t" / "duration_assessment.json")
    assert document["required_t_end"] == pytest.approx(500)
    table = tomllib.loads((tmp_path / "t" / "campaign_config.toml").read_text())
    assert table["output_dir"] == "my/run"
    assert table["mesh"]["shape"] == [64, 96]
    assert table["time"]["dt"] == 0.03


# FAST run


@pytest.fixture(scope="module")
def fast_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fast") / "f"
    said = fast(folder, "--seeds", "0,1,2", "--t-end", "0.1")
    assert said.code == 0, said.text
    return folder


def test_fast_files_keys_and_gates(fast_run):
    document = read(fast_run / "diagnostics.json")
    assert not set(FAST_KEYS.split()) - document.keys()
    assert document["schema"] == "mhx.validation.rutherford_campaign_run.v1"
    assert document["claim_level"] == "validation"
    assert document["seeds"] == [0, 1, 2]
    assert document["shape"] == [24, 24]
    assert (document["steps"], document["samples"]) == (10, 11)
    validation = read(fast_run / "validation.json")
    assert validation["schema"] == "mhx.validation.rutherford_campaign_run.gates.v1"
    assert set(validation["checks"]) == set(FAST_GATES.split())
    assert (fast_run / "campaign_template.json").is_file()
    assert (fast_run / "figures" / "rutherford_fast_histories.png").is_file()
    assert not (fast_run / "figures" / "flux_movie.gif").exists()
    assert mhx("verify", fast_run).code == 0


def test_fast_histories(fast_run):
    h = arrays(fast_run / "rutherford_fast_histories.npz")
    assert str(h["schema"]) == "mhx.validation.rutherford_campaign_run.v1"
    assert h["seed"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(h["time"], np.arange(11) * 0.01, atol=1e-15)
    for name in FAST_ARRAYS.split():
        assert h[name].shape == (3, 11), name
    assert h["final_magnetic_divergence_linf"].shape == (3,)
    assert len({row.tobytes() for row in h["reconnected_flux"]}) == 3
    for energy in h["total_energy"]:
        expected = np.exp(-2e-3 * h["time"])
        np.testing.assert_allclose(energy / energy[0], expected, rtol=1e-6)


@pytest.mark.slow
def test_fast_run_is_deterministic_and_takes_its_flags(fast_run, tmp_path):
    words = ["--seed", "1", "--t-end", "0.1", "--smoke", "--gif"]
    said = fast(tmp_path / "f", *words)
    assert said.code == 0, said.text
    ours = arrays(tmp_path / "f" / "rutherford_fast_histories.npz")
    theirs = arrays(fast_run / "rutherford_fast_histories.npz")
    assert ours["total_energy"][0].tobytes() == theirs["total_energy"][1].tobytes()
    assert read(tmp_path / "f" / "diagnostics.json")["claim_level"] == "smoke"
    assert read(tmp_path / "f" / "manifest.json")["claim_level"] == "smoke"
    assert (tmp_path / "f" / "figures" / "flux_movie.gif").is_file()


@pytest.mark.slow
def test_fast_duration_gate(tmp_path):
    words = ["--t-end", "2.5", "--dt", "0.05", "--nx", "8", "--ny", "8", "--save-every", "10"]
    said = fast(tmp_path / "f", *words)
    assert said.code == 1, said.text
    assert "duration_within_fast_limit" in said.text
    assert "2.5" in said.text


# (a), (b), (c)


@pytest.mark.slow
def test_six_commands_with_default_flags(inside):
    campaigns = "outputs/campaigns/"
    plan = campaigns + "rutherford_production_plan"
    codes = []
    for words in (
        ["rutherford-template"],
        ["rutherford-run-fast"],
        [PLAN],
        ["rutherford-resume-plan", plan],
        [EXECUTE, plan, "--max-steps", "128"],
        ["rutherford-promotion-check", plan],
    ):
        said = mhx("campaign", *words)
        assert "Traceback" not in said.text, said.text
        codes.append(said.code)
    assert codes == [0, 0, 0, 0, 0, 1]
    assert read(inside / plan / "diagnostics.json")["end_step"] == 128
    assert mhx("verify", plan).code == 0


@pytest.mark.slow
def test_laptop_demo(inside):
    words = "--nx 8 --ny 8 --dt 1e-2 --target-saved-frames 120 --min-production-resolution 8"
    words += " --seconds-per-step-estimate 1e-3"
    said = mhx("campaign", PLAN, "--outdir", "demo", *words.split())
    assert said.code == 0, said.text
    assert "promotion" in said.text and "equilibrium_tearing_unstable" in said.text
    said = execute("demo", "--max-steps", "8", "--movies")
    assert said.code == 0, said.text
    said = promote("demo", "--no-require-movies", "--min-history-samples", "2")
    assert said.code == 1, said.text
    assert (inside / "demo" / "promotion" / "figures" / "promotion_matrix.png").is_file()
    assert mhx("verify", "demo").code == 0


@pytest.mark.slow
def test_production_candidate_at_half_the_points(inside):
    words = """--equilibrium periodic_double_harris --width 0.36 --perturbation-amplitude 0.004
        --mode-x 2 --mode-y 1 --eta 0.0045 --nu 0.0045 --nx 64 --ny 64 --dt 0.04
        --target-saved-frames 121 --min-production-resolution 64
        --seconds-per-step-estimate 1e-3"""
    said = mhx("campaign", PLAN, "--outdir", "run", *words.split())
    document = read(inside / "run" / "campaign_plan.json")
    assert document["growth_rate"]["gamma"] == pytest.approx(0.10494, rel=1e-3)
    said = execute("run")
    assert said.code in (0, 1), said.text
    diagnostics = read(inside / "run" / "diagnostics.json")
    assert diagnostics["completed_target"] is True
    assert diagnostics["max_energy_budget_residual"] < 1e-9
    h = arrays(inside / "run" / "production_history.npz")
    assert np.max(h["sheet_flux_0"]) > 1.05 * h["sheet_flux_0"][0]
    assert np.max(h["mean_shear_change_0"]) > 0.05
    linear = diagnostics["linear_phase"]
    assert linear["efolds"] == pytest.approx(1.6, abs=0.5)
    assert linear["slope"] == pytest.approx(0.10494, rel=0.1)


# Promotion


@pytest.fixture(scope="module")
def judged(tmp_path_factory, finished):
    import shutil

    folder = tmp_path_factory.mktemp("judged") / "run"
    shutil.copytree(finished, folder)
    said = promote(folder)
    assert said.code == 1, said.text
    return folder, said


def test_promotion_report(judged):
    folder, said = judged
    report = read(folder / "promotion" / "promotion_readiness.json")
    assert not set(PROMOTION_KEYS.split()) - report.keys()
    assert report["schema"] == "mhx.campaign.rutherford_promotion.v1"
    assert report["promotion_ready"] is False and report["production_ready"] is False
    assert not set(PROMOTION_GATES.split()) - report["checks"].keys()
    answers = report["reviewer_answers"]
    assert [answer["id"] for answer in answers] == QUESTIONS.split()
    for answer in answers:
        keys = {"id", "question", "status", "answer", "metrics", "gates"}
        assert keys <= answer.keys()
        assert answer["status"] in ("answered", "unknown")
    assert report["missing"]
    for entry in report["missing"]:
        assert "gate" in entry and "command" in entry
    assert (folder / "promotion" / "figures" / "promotion_matrix.png").is_file()
    for name in ("validation.json", "artifact_manifest.json", "manifest.json"):
        assert (folder / "promotion" / name).is_file()
    validation = read(folder / "promotion" / "validation.json")
    assert validation["schema"] == "mhx.campaign.rutherford_promotion.gates.v1"
    for gate in ("convergence_bundle_count", "equilibrium_tearing_unstable"):
        assert gate in said.text
        assert validation["checks"][gate] is False


def test_promotion_manifest(judged):
    folder, _ = judged
    manifest = read(folder / "promotion" / "manifest.json")
    assert manifest["kind"] == "promotion"
    assert manifest["claim_level"] == "validation"
    assert (
        manifest["run_digest"]
        == read(folder / "promotion" / "promotion_readiness.json")["run_digest"]
    )
    assert mhx("verify", folder).code == 0


def test_promotion_gates_of_the_stable_sheet(judged):
    """The cosine sheet cannot be promoted; what it did right passes."""
    folder, _ = judged
    checks = read(folder / "promotion" / "promotion_readiness.json")["checks"]
    for gate in RIGHT.split():
        assert checks[gate] is True, gate
    for gate in WRONG.split():
        assert checks[gate] is False, gate


@pytest.mark.slow
def test_report_elsewhere_is_a_trial(finished, copy, tmp_path):
    """E12: the message names the folder that counts."""
    folder = copy(finished)
    said = promote(folder, "--outdir", tmp_path / "trial")
    assert said.code == 1, said.text
    assert re.search(r"promotion", said.text) and "trial" in said.text
    assert str(folder / "promotion") in said.text or "RUN_DIR/promotion" in said.text, said.text
    assert (tmp_path / "trial" / "promotion_readiness.json").is_file()
    assert not (folder / "promotion").exists()
    assert mhx("verify", folder).code == 0


@pytest.mark.slow
def test_altered_evidence_ends_promotion_with_four(finished, copy):
    """Section 9: last history value times 100: exit 4."""
    folder = copy(finished)
    h = arrays(folder / "production_history.npz")
    h["sheet_flux_0"][-1] *= 100
    np.savez(folder / "production_history.npz", **h)
    said = promote(folder)
    assert said.code == 4, said.text
    assert "production_history.npz" in said.text


@pytest.mark.slow
def test_forged_convergence_folders_are_no_evidence(finished, copy):
    """C1, section 9: three hand-written JSON folders with false hashes."""
    folder = copy(finished)
    for name in ("convergence/a", "convergence/b", "seed_qi"):
        (folder / name).mkdir(parents=True)
        (folder / name / "validation.json").write_text('{"passed": true, "checks": {}}')
        (folder / name / "manifest.json").write_text('{"claim_level": "validation"}')
        (folder / name / "artifact_manifest.json").write_text(
            '{"schema": "mhx.artifacts.v1", "files": []}'
        )
    said = promote(folder)
    assert said.code in (1, 4), said.text
    report = folder / "promotion" / "promotion_readiness.json"
    if report.exists():
        checks = read(report)["checks"]
        assert checks["convergence_bundles_passed"] is False
        assert checks["seed_qi_bundle_passed"] is False


@pytest.mark.slow
def test_looser_promotion_bounds_are_waivers(finished, copy):
    folder = copy(finished)
    said = promote(folder, "--no-require-movies", "--max-energy-budget-residual", "1e-3")
    assert said.code == 1, said.text
    waived = {w["gate"] for w in read(folder / "promotion" / "promotion_readiness.json")["waivers"]}
    assert any("energy_budget" in gate for gate in waived)
    assert any("movies" in gate for gate in waived)


@pytest.mark.slow
def test_unfinished_run_is_not_promoted(cut, copy):
    folder = copy(cut)
    said = promote(folder)
    assert said.code == 1, said.text
    checks = read(folder / "promotion" / "promotion_readiness.json")["checks"]
    assert checks["completed_target"] is False
    assert checks["terminal_step_reaches_target"] is False


@pytest.mark.slow
def test_sweeps_when_required(finished, copy):
    folder = copy(finished)
    said = promote(folder, "--require-sweeps")
    assert said.code == 1, said.text
    checks = read(folder / "promotion" / "promotion_readiness.json")["checks"]
    assert checks["width_aspect_sweep_passed"] is False
    assert checks["eta_lundquist_sweep_passed"] is False
