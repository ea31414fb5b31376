"""Sections 2.6, 4.5, 4.6, 4.8: what evidence is worth to a run, and to a long run."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from .lane import mhx, plan, read, tree

REPORT_CHECKS = """directory_exists validation_json_present validation_passed manifest_present
    manifest_claim_level_valid artifact_manifest_present artifact_manifest_schema_supported
    artifact_manifest_hashes_validation artifact_manifest_hashes_manifest all_hashes_verified
    verdicts_recomputed family_matches content_distinct"""
QUESTIONS = """growth_rate linear_efolds algebraic_phase energy_budget robustness fixed_ranges
    reproducible"""
VALIDATION_GATES = """execution_diagnostics_present execution_validation_present
    run_manifest_present execution_validation_passed history_schema_supported
    required_history_keys_present finite_history_arrays minimum_history_samples
    minimum_duration_reached energy_increase_within_tolerance reconnected_flux_amplifies
    island_width_amplifies critical_point_counts_present x_critical_points_detected
    o_critical_points_detected fixed_scale_movies_present convergence_bundle_count
    convergence_bundles_passed"""


def promote(folder: Path, *words: object):
    return mhx("campaign", "rutherford-promotion-check", folder, *words)


def report_of(folder: Path) -> dict:
    return read(folder / "promotion" / "promotion_readiness.json")


def why(document: dict, gate: str, folder: Path) -> str:
    """Everything that a promotion says about one gate."""
    verdict = read(folder / "promotion" / "validation.json")["verdicts"][gate]
    return json.dumps([verdict, document])


@pytest.fixture(scope="module")
def evidence(harris, tmp_path_factory):
    """Ladders and seeds asked for with --from-plan, both beside a copy of the run."""
    root = tmp_path_factory.mktemp("evidence")
    shutil.copytree(harris, root / "run")
    bench = ("benchmark", "double-harris-convergence", "--from-plan", root / "run")
    ladder = mhx(
        *bench, "--outdir", root / "ladder", "--resolutions", "24x16,32x24", "--dt-values", "0.04"
    )
    assert ladder.code in (0, 1), ladder.text
    seeds = mhx(
        *("benchmark", "seed-robust-qi", "--from-plan", root / "run"),
        *("--outdir", root / "seeds", "--seeds", "0,1"),
    )
    assert seeds.code in (0, 1), seeds.text
    return root


@pytest.fixture(scope="module")
def promoted(evidence):
    """Judged with the ladder, a copy of it and the seeds: (root, report, what was said)."""
    shutil.copytree(evidence / "ladder", evidence / "again")
    said = promote(
        evidence / "run",
        *("--convergence-dir", evidence / "ladder", "--convergence-dir", evidence / "again"),
        *("--seed-qi-dir", evidence / "seeds"),
    )
    assert said.code == 1, said.text
    return evidence, report_of(evidence / "run"), said


# --from-plan


def test_from_plan_takes_every_parameter(evidence):
    planned = read(evidence / "run" / "campaign_plan.json")
    ladder = read(evidence / "ladder" / "diagnostics.json")
    assert ladder["family"] == planned["family"]
    assert ladder["family_digest"] == planned["family_digest"]
    for case in ladder["cases"]:
        assert case["family_digest"] == planned["family_digest"]
        assert case["t_end"] == pytest.approx(planned["config"]["time"]["t1"])


def test_seeds_from_a_plan_differ_in_noise_alone(evidence):
    planned = read(evidence / "run" / "campaign_plan.json")["family"]
    family = read(evidence / "seeds" / "diagnostics.json")["family"]
    assert family["noise_amplitude"] >= planned["noise_amplitude"]
    assert {**family, "noise_amplitude": None} == {**planned, "noise_amplitude": None}


def test_a_flag_against_the_plan_is_refused(evidence, tmp_path):
    for flag, word in (("--eta", 0.1), ("--width", 0.5), ("--t-end", 9.9), ("--mode-y", 2)):
        said = mhx(
            *("benchmark", "seed-robust-qi", "--from-plan", evidence / "run"),
            *("--outdir", tmp_path / "b", flag, word),
        )
        assert said.code == 2, said.text
        assert flag in said.err


def test_from_a_folder_without_a_plan(tmp_path):
    said = mhx(
        *("benchmark", "seed-robust-qi", "--from-plan", tmp_path),
        *("--outdir", tmp_path / "b"),
    )
    assert said.code in (2, 4), said.text
    assert "plan" in said.err


# The report on bundles


def test_bundle_reports(promoted):
    _, report, _ = promoted
    assert len(report["convergence_reports"]) == 2
    for entry in [*report["convergence_reports"], report["seed_qi_report"]]:
        assert entry.keys() >= {"path", "passed", "checks", "validation_schema", "claim_level"}
        assert set(REPORT_CHECKS.split()) <= entry["checks"].keys()
        assert entry["claim_level"] == "validation"
        assert all(type(value) is bool for value in entry["checks"].values())
    schemas = {entry["validation_schema"] for entry in report["convergence_reports"]}
    assert schemas == {"mhx.validation.periodic_double_harris_convergence.gates.v1"}
    seeds = report["seed_qi_report"]
    assert seeds["validation_schema"] == "mhx.validation.seed_robust_qi.gates.v1"


def test_a_bundle_counts_once(promoted):
    root, report, _ = promoted
    distinct = [entry["checks"]["content_distinct"] for entry in report["convergence_reports"]]
    assert sorted(distinct) == [False, True] or distinct == [False, False]
    verdict = read(root / "run/promotion/validation.json")["verdicts"]["convergence_bundle_count"]
    assert (verdict["verdict"], verdict["value"], verdict["bound"]["low"]) == ("fail", 1, 2)


def test_axes_and_bundles_are_judged_from_their_cases(promoted):
    _, report, _ = promoted
    checks = report["checks"]
    assert not checks["convergence_axes_covered"]  # two resolutions, one time step
    assert not checks["seed_qi_bundle_passed"]  # two seeds, eight are needed
    assert checks["seed_qi_bundle_present"]
    assert "ensemble_size" in json.dumps(report["seed_qi_report"])
    for entry in report["convergence_reports"]:
        assert entry["checks"]["all_hashes_verified"]
        assert entry["checks"]["family_matches"]


def test_evidence_is_bound_by_digest(promoted):
    root, report, _ = promoted
    digests = report["evidence_digests"]
    found = {read(root / name / "manifest.json")["digest"] for name in ("ladder", "seeds")}
    assert found <= set(digests.values())
    assert not [place for place in digests if Path(place).is_absolute()]
    assert not [place for place in report["convergence_dirs"] if Path(place).is_absolute()]


def test_reviewer_answers_have_value_gate_and_file(promoted):
    root, report, _ = promoted
    answers = {entry["id"]: entry for entry in report["reviewer_answers"]}
    assert list(answers) == QUESTIONS.split()
    checks = read(root / "run/promotion/validation.json")["checks"]
    for name, entry in answers.items():
        assert entry.keys() >= {"id", "question", "status", "answer", "metrics", "gates"}
        assert entry["status"] in ("answered", "unknown")
        assert entry["answer"], name
        assert entry["gates"], name
        assert entry["files"], name
        for place in entry["files"]:
            assert not Path(place).is_absolute()
            assert (root / "run" / place).exists() or "movie" in place, (name, place)
    assert {"convergence_axes_covered", "evidence_matches_run"} & set(
        answers["robustness"]["gates"]
    )
    named = {gate for entry in answers.values() for gate in entry["gates"]}
    assert {gate for gate in named if gate in checks} >= {"evidence_matches_run"}


def test_what_is_missing_says_what_would_close_it(promoted):
    _, report, said = promoted
    failed = {name for name, passed in report["checks"].items() if not passed}
    for entry in report["missing"]:
        assert entry.keys() >= {"gate", "what", "command"}
        assert any("estimated" in key for key in entry)
    assert failed <= {entry["gate"] for entry in report["missing"]}
    for name in failed:
        assert name in said.text
    commands = " ".join(str(entry["command"]) for entry in report["missing"])
    assert "--from-plan" in commands


@pytest.fixture(scope="module")
def alone(harris, tmp_path_factory):
    """The run judged without evidence, with flags below the production bounds."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    shutil.copytree(harris, folder)
    said = promote(
        folder,
        *("--no-require-movies", "--min-history-samples", 2, "--min-convergence-dirs", 1),
        *("--require-sweeps", "--restart-check-max-steps", 1),
    )
    assert said.code == 1, said.text
    return folder


def test_without_evidence_its_gates_are_open(alone):
    verdicts = read(alone / "promotion/validation.json")["verdicts"]
    for gate in (
        "convergence_bundle_count",
        "convergence_bundles_passed",
        "convergence_axes_covered",
        "evidence_matches_run",
        "seed_qi_bundle_present",
        "seed_qi_bundle_passed",
        "width_aspect_sweep_passed",
        "eta_lundquist_sweep_passed",
    ):
        assert verdicts[gate]["verdict"] in ("fail", "unknown"), gate
        assert verdicts[gate]["remedy"]
    assert verdicts["checkpoint_restart_reproducibility"]["verdict"] == "unknown"


def test_evidence_about_another_family_is_refused_by_name(evidence, finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    said = promote(
        tmp_path / "run",
        *("--convergence-dir", evidence / "ladder", "--seed-qi-dir", evidence / "seeds"),
    )
    assert said.code == 1, said.text
    report = report_of(tmp_path / "run")
    assert not report["checks"]["evidence_matches_run"]
    assert not report["convergence_reports"][0]["checks"]["family_matches"]
    text = why(report, "evidence_matches_run", tmp_path / "run") + said.text
    assert "ladder" in text
    assert "family" in text


def test_altered_evidence_is_exit_4_and_named(evidence, tmp_path):
    shutil.copytree(evidence / "run", tmp_path / "run")
    shutil.copytree(evidence / "ladder", tmp_path / "ladder")
    path = next((tmp_path / "ladder" / "cases").glob("*/history.npz"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    said = promote(tmp_path / "run", "--convergence-dir", tmp_path / "ladder")
    assert said.code == 4, said.text
    assert "history.npz" in said.text


def test_relaxed_flags_are_waivers(alone):
    report = report_of(alone)
    waived = {entry["gate"] for entry in report["waivers"]}
    assert {"minimum_history_samples", "convergence_bundle_count"} <= waived
    assert any("movies" in gate for gate in waived)
    for entry in report["waivers"]:
        assert entry.keys() >= {"gate", "production_bound", "used_bound", "where"}
    assert report["production_ready"] is False


# The promotion of a long run


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    """A long run and its ladder, judged: (root, what was said)."""
    root = tmp_path_factory.mktemp("long")
    sheet = ["--width", 0.6, "--eta", 0.008, "--nu", 0.008, "--t-end", 30, "--save-interval", 1]
    said = mhx(
        *("benchmark", "double-harris-long-run", "--outdir", root / "run", *sheet),
        *("--nx", 24, "--ny", 24, "--dt", 0.1),
    )
    assert said.code in (0, 1), said.text
    said = mhx(
        *("benchmark", "double-harris-convergence", "--outdir", root / "ladder", *sheet),
        *("--resolutions", "24,32", "--dt-values", "0.1"),
        *("--reference-resolution", 24, "--reference-dt", 0.1),
    )
    assert said.code in (0, 1), said.text
    said = mhx(
        *("benchmark", "double-harris-promotion-check", root / "run"),
        *("--convergence-dir", root / "ladder"),
    )
    assert said.code in (0, 1), said.text
    return root, said


def test_files_and_gates_of_a_long_run_promotion(long_run):
    root, said = long_run
    folder = root / "run" / "promotion"
    assert set(tree(folder)) >= {
        "promotion_readiness.json",
        "validation.json",
        "manifest.json",
        "artifact_manifest.json",
    }
    validation = read(folder / "validation.json")
    assert validation["schema"] == "mhx.validation.periodic_double_harris_promotion.gates.v1"
    assert set(validation["checks"]) == set(VALIDATION_GATES.split())
    assert validation["passed"] is (said.code == 0)
    bounds = {name: entry["bound"] for name, entry in validation["verdicts"].items()}
    assert bounds["minimum_history_samples"]["low"] == 30
    assert bounds["minimum_duration_reached"]["low"] == 30
    assert bounds["energy_increase_within_tolerance"]["high"] == 1e-8
    assert bounds["convergence_bundle_count"]["low"] == 1
    checks = validation["checks"]
    assert checks["minimum_history_samples"]  # 31 of them
    assert checks["minimum_duration_reached"]
    assert checks["convergence_bundle_count"]
    assert checks["fixed_scale_movies_present"]


def test_a_long_run_promotion_is_a_validation_whatever_passes(long_run):
    root, _ = long_run
    folder = root / "run" / "promotion"
    report, manifest = read(folder / "promotion_readiness.json"), read(folder / "manifest.json")
    assert report["schema"] == "mhx.validation.periodic_double_harris_promotion.v1"
    assert report["claim_level_if_passed"] == "validation"
    assert (manifest["kind"], manifest["claim_level"]) == ("promotion", "validation")
    assert "production" not in (manifest["claim_level"], report["claim_level_if_passed"])
    listed = read(folder / "artifact_manifest.json")["files"]
    for entry in listed:
        data = (folder / entry["path"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_long_run_without_ladder_or_long_enough(long_run, tmp_path):
    root, _ = long_run
    words = ("--min-t-end", 31, "--min-history-samples", 40, "--outdir", tmp_path / "p")
    said = mhx("benchmark", "double-harris-promotion-check", root / "run", *words)
    assert said.code == 1
    checks = read(tmp_path / "p" / "validation.json")["checks"]
    for gate in (
        "minimum_duration_reached",
        "minimum_history_samples",
        "convergence_bundle_count",
        "convergence_bundles_passed",
    ):
        assert not checks[gate]
        assert gate in said.text


def test_only_a_long_run_is_judged_as_one(tmp_path):
    plan(tmp_path / "run")
    said = mhx("benchmark", "double-harris-promotion-check", tmp_path / "run")
    assert said.code in (1, 2, 4), said.text
    assert "Traceback" not in said.text
