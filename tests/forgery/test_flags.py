"""Bounds relaxed in the open: recorded as waivers, shown, and no more than a validation."""

import pytest

from mhx.evidence.checkpoints import read_records, write_record

from ..campaigns.forger import alter, read, scaled
from .forging import TOP, forged
from .refusal import check, level, refused, run_not_promoted
from .small_lane import claim

pytestmark = pytest.mark.accept

AT_THE_CHECK = {
    "a budget that need not close": (
        ("--max-energy-budget-residual", 1.0),
        "waiver energy_budget_residual_within_tolerance",
    ),
    "a field that need not be free of divergence": (
        ("--max-divergence-linf", 1.0),
        "waiver magnetic_divergence_within_tolerance",
    ),
    "a linear phase of no length": (
        ("--min-linear-efolds", 0.1),
        "waiver linear_phase_observed",
    ),
    "one bundle for two": (("--min-convergence-dirs", 1), "waiver convergence_bundle_count"),
    "two samples": (("--min-history-samples", 2), "waiver minimum_history_samples"),
    "no response asked for": (
        ("--min-reconnected-flux-amplification", 1.0),
        "waiver reconnected_flux_amplifies",
    ),
    "no movies": (("--no-require-movies",), "waiver fixed_scale_movies_present"),
}


@pytest.mark.parametrize(("flags", "reason"), AT_THE_CHECK.values(), ids=AT_THE_CHECK)
def test_a_bound_relaxed_at_the_check_caps_the_claim(mhx, undecided, flags, reason):
    """Every gate passes at the stricter bound as well: it is the bound that was asked for."""
    run_not_promoted(mhx, undecided, f"validation only: .*{reason}", *flags)


IN_THE_PLAN = {
    "a tail of any size": ("--threshold", "max_spectral_tail=1e-2"),
    "a coarser floor": ("--nx", 64, "--ny", 64, "--min-production-resolution", 64),
    "one e-fold": ("--production-efolds", 1),
    "no margin": ("--safety-factor", 1),
    "half the digits": ("--dtype", "float32"),
    "two seeds": ("--threshold", "min_seeds=2"),
    "spreads of half": ("--threshold", "max_seed_spread=0.5"),
    "any order in time": ("--threshold", "max_timestep_order_error=10"),
}
SHEET = (
    *("--equilibrium", "periodic_double_harris", "--width", 0.45, "--eta", 0.008, "--nu", 0.008),
    *("--perturbation-amplitude", 4e-3, "--seconds-per-step-estimate", 5e-4),
)


@pytest.mark.parametrize("flags", IN_THE_PLAN.values(), ids=IN_THE_PLAN)
def test_a_bound_relaxed_in_the_plan_is_a_waiver_before_anything_runs(mhx, tmp_path, flags):
    grid = () if "--nx" in flags else ("--nx", 96, "--ny", 96)
    run = tmp_path / "run"
    mhx("campaign", "rutherford-plan-production", "--outdir", run, *SHEET, *grid, *flags)
    said = mhx("campaign", "rutherford-promotion-check", run)
    refused(said, "validation only: .*waiver")


def test_a_bound_relaxed_at_the_claim_caps_it(mhx, undecided):
    said = mhx(
        "campaign", "rutherford-execute", undecided.run, "--max-steps", 0,
        "--allow-production-claim", "--max-divergence-linf", 1.0,
    )  # fmt: skip
    refused(said, "waiver magnetic_divergence_within_tolerance", (5,))


def test_what_the_check_was_told_not_to_look_at_the_claim_looks_at(mhx, undecided):
    """States given up, so that the drawn stretch is long, and a look of a thousand steps only."""
    run = undecided.run
    alter(sorted(run.glob("checkpoints/history_step_*.npz"))[3], scaled("kinetic_energy", 4, 1.001))
    for record in read_records(run)[0][:-2]:
        (run / next(iter(record.state))).unlink()
        write_record(run, {**record.document, "pruned": True})
    forged(run)
    check(mhx, undecided, "--restart-check-max-steps", 1000, draw=0)
    refused(claim(mhx, undecided, draw=0), "integrated again", (5,))
    assert level(mhx, undecided) != TOP


def test_planning_again_over_a_run_is_refused_or_puts_it_aside(mhx, undecided):
    """A plan with other bounds, once the results are known."""
    plan = ("campaign", "rutherford-plan-production", "--outdir", undecided.run, *SHEET)
    other = ("--nx", 96, "--ny", 96, "--dt", 0.045, "--threshold", "max_spectral_tail=1e-9")
    refused(mhx(*plan, *other), "another plan|other parameters|--force", (2,))
    mhx(*plan, *other, "--force")
    assert list((undecided.run / "superseded").iterdir())
    assert not (undecided.run / "production_history.npz").exists()
    assert read(undecided.run / "plan_manifest.json")["claim_level"] != "production"
    refused(check(mhx, undecided), "completed_target|terminal_step_reaches_target")
