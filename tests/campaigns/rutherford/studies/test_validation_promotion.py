"""The check of one long run and its convergence: a tiny run, and never more than a validation."""

import shutil
from pathlib import Path

import pytest

from mhx.campaigns.rutherford.studies import (
    bundle,
    figures,
    flags,
    testbeds,
    validation_promotion,
)
from mhx.campaigns.rutherford.studies.validation_promotion import DEFAULTS, Options, check
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import schemas, store
from mhx.evidence.verify import verify
from mhx.testbed.launcher import Options as Launch
from mhx.testbed.launcher import run_testbed

from ...forger import edit, read

SHEET = {"width": 0.45, "eta": 8e-3, "nu": 8e-3, "perturbation_amplitude": 4e-3}
DOCUMENTED = {
    *("execution_diagnostics_present", "execution_validation_present", "run_manifest_present"),
    *("execution_validation_passed", "history_schema_supported", "required_history_keys_present"),
    *("finite_history_arrays", "minimum_history_samples", "minimum_duration_reached"),
    *("energy_increase_within_tolerance", "reconnected_flux_amplifies", "island_width_amplifies"),
    *("critical_point_counts_present", "x_critical_points_detected", "o_critical_points_detected"),
    *("fixed_scale_movies_present", "convergence_bundle_count", "convergence_bundles_passed"),
}


@pytest.fixture(scope="session")
def long_run(tmp_path_factory):
    """A long run that is short; never touched by a test."""
    outdir = tmp_path_factory.mktemp("long") / "run"
    study = flags.study_of(
        flags.LongRun(outdir=outdir, nx=16, ny=16, t_end=12.0, movies=False, **SHEET)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "draw", lambda *a: [])
        run_testbed(testbeds.write(study), Launch(backend="inline"))
        bundle.conclude(study)
    return outdir


@pytest.fixture
def folder(long_run, tmp_path, monkeypatch):
    monkeypatch.setattr(
        validation_promotion, "gate_matrix", lambda path, *a, **k: store.write_json(path, {})
    )
    return Path(shutil.copytree(long_run, tmp_path / "run"))


@pytest.mark.slow
def test_every_documented_gate_is_judged_and_what_lacks_is_told(folder):
    answer = check(folder, Options())
    assert {result.gate.name for result in answer.results} == DOCUMENTED
    failed = {result.gate.name for result in answer.not_passed}
    assert {"minimum_duration_reached", "convergence_bundle_count"} <= failed
    assert "fixed_scale_movies_present" in failed
    assert not {"finite_history_arrays", "energy_increase_within_tolerance"} & failed
    assert (answer.exit_code, answer.wrote) == (1, folder / "promotion")
    assert verify(folder).problems == [] and verify(folder / "promotion").problems == []


@pytest.mark.slow
def test_the_report_is_a_validation_whatever_passes(folder):
    loose = Options(min_t_end=0.0, min_convergence_dirs=0, require_movies=False)
    check(folder, loose)
    report = read(folder / "promotion/promotion_readiness.json")
    assert report["schema"] == schemas.DOUBLE_HARRIS_PROMOTION
    assert report["claim_level_if_passed"] == "validation" and report["run_dir"] == ".."
    assert {row["where"] for row in report["waivers"]} == {"--min-t-end", "--min-convergence-dirs"}
    stated = read(folder / "promotion/manifest.json")
    assert (stated["kind"], stated["claim_level"]) == ("promotion", "validation")
    assert "fixed_scale_movies_present" not in report["checks"]


@pytest.mark.slow
def test_the_manifest_names_the_run_that_was_judged(folder):
    check(folder, Options())
    (case,) = (folder / "cases").glob("*/manifest.json")
    ran, made = read(case), read(folder / "promotion/manifest.json")
    assert made["config"]["mesh"] == ran["config"]["mesh"]
    assert (made["device"], made["dtype"]) == (ran["device"], "float64")
    assert made["device"] is not None
    for words in ("long run of periodic_double_harris", "eta = "):
        assert words in made["claim_scope"]


@pytest.mark.slow
def test_a_long_run_that_was_altered_is_named(folder):
    edit(folder / "diagnostics.json", extra=1)
    answer = check(folder, Options())
    assert answer.exit_code == EvidenceError.exit_code
    assert any("diagnostics.json" in fault for fault in answer.document["altered"])


@pytest.mark.slow
def test_a_long_run_is_no_convergence_bundle(folder):
    answer = check(folder, Options(convergence_dir=[folder]))
    assert any("bundle_kind_matches" in line for line in answer.details)


BAD = {
    "negative": ({"min_t_end": -1.0}, "--min-t-end must be a finite number >= 0"),
    "not finite": ({"max_relative_energy_increase": float("nan")}, "--max-relative-energy"),
    "below one": (
        {"min_island_width_amplification": 0.5},
        "--min-island-width-amplification must be >= 1",
    ),
}


@pytest.mark.parametrize(("given", "told"), BAD.values(), ids=BAD)
def test_bad_flags_are_named_and_nothing_is_written(tmp_path, given, told):
    with pytest.raises(ConfigError) as refused:
        check(tmp_path / "nowhere", Options(**given))
    assert told in str(refused.value)
    assert "holds no finished long run" in str(refused.value)
    assert not (tmp_path / "nowhere").exists()


def test_what_is_not_given_is_ours_and_only_looser_is_a_waiver():
    assert Options().bounds == DEFAULTS and not Options().waivers
    assert not Options(min_t_end=40.0, max_relative_energy_increase=1e-9).waivers
    (row,) = Options(max_relative_energy_increase=1e-3).waivers
    assert row.gate == "energy_increase_within_tolerance"
