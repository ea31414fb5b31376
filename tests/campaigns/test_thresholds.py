"""Production bounds: defaults, tightening, loosening, refusals."""

import pytest

from mhx.campaigns.thresholds import (
    BOUNDS,
    FLOORS,
    at_validation,
    faults_in,
    parsed,
    relaxed,
    resolved,
    strictest,
    waivers,
)
from mhx.errors import ConfigError

DOCUMENTED = {
    "min_production_resolution": 96,
    "min_history_samples": 100,
    "min_convergence_dirs": 2,
    "max_energy_budget_residual": 1e-9,
    "max_divergence_linf": 1e-9,
    "max_relative_energy_growth": 1e-9,
    "max_spectral_tail": 1e-6,
    "max_stability_ratio": 1.0,
    "min_reconnected_flux_amplification": 1.05,
    "min_island_width_amplification": 1.05,
    "min_linear_efolds": 1.0,
    "min_nonlinear_response": 0.05,
    "max_growth_rate_mismatch": 0.10,
    "max_fit_window_change": 0.05,
    "max_diffusion_times": 0.5,
    "max_island_width_disagreement": 0.25,
    "min_movie_frames": 20,
    "min_saved_frames": 100,
    "max_restart_difference": 1e-10,
    "max_relative_growth_rate_spread": 0.02,
    "max_relative_max_growth_spread": 0.02,
    "max_relative_flux_amplification_spread": 0.02,
    "max_relative_width_amplification_spread": 0.02,
    "max_resolution_difference": 0.01,
    "max_timestep_order_error": 0.10,
    "max_timestep_difference": 1e-6,
    "max_relative_energy_increase": 1e-8,
    "min_seeds": 8,
    "max_seed_spread": 0.05,
    "max_sweep_growth_mismatch": 0.10,
}
OF_A_VALIDATION = {"max_resolution_difference": 0.05, "min_seeds": 2, "max_seed_spread": 0.20}


def test_every_production_bound_is_the_documented_one():
    assert {name: bound.value for name, bound in BOUNDS.items()} == DOCUMENTED


@pytest.mark.parametrize("name", BOUNDS)
def test_looser_is_a_waiver_and_tighter_is_none(name):
    bound = BOUNDS[name]
    up, down = bound.value * 2, bound.value / 2
    looser, tighter = (up, down) if bound.side == "high" else (down, up)
    assert [row.gate for row in waivers({name: looser}, where="plan")] == [bound.gate]
    assert waivers({name: tighter}, where="plan") == []
    assert waivers({name: bound.value}, where="plan") == []


def test_a_waiver_names_both_bounds_and_the_place():
    (row,) = waivers({"max_divergence_linf": 1e-8}, where="--max-divergence-linf")
    assert (row.production_bound, row.used_bound, row.where) == (
        1e-9,
        1e-8,
        "--max-divergence-linf",
    )


def test_what_is_not_given_is_ours():
    assert resolved({})["min_history_samples"] == 100
    assert resolved({"min_history_samples": None})["min_history_samples"] == 100
    assert resolved({"min_history_samples": 7})["min_history_samples"] == 7


REFUSED = {
    "unknown name": ("max_divergence=1", "is no bound"),
    "no number": ("max_divergence_linf=low", "NAME=VALUE"),
    "no value": ("max_divergence_linf", "NAME=VALUE"),
    "not finite": ("max_divergence_linf=nan", "finite"),
    "negative": ("max_divergence_linf=-1", ">= 0"),
    "half a sample": ("min_history_samples=99.5", "whole number"),
    "no sample": ("min_history_samples=1", ">= 2"),
}


@pytest.mark.parametrize(("word", "told"), REFUSED.values(), ids=REFUSED)
def test_refusals(word, told):
    (fault,) = faults_in([word])
    assert told in fault


def test_all_faults_come_at_once():
    assert len(faults_in(["a=1", "b=2", "min_movie_frames=x"])) == 3
    assert "twice" in faults_in(["min_movie_frames=20", "min_movie_frames=30"])[0]
    with pytest.raises(ConfigError, match=r"(?s)a is no bound.*b is no bound"):
        resolved({"a": 1, "b": 2})


def test_words_become_bounds():
    assert parsed(["max_divergence_linf=1e-8", " min_movie_frames = 30"]) == {
        "max_divergence_linf": 1e-8,
        "min_movie_frames": 30.0,
    }


def test_a_bundle_judges_itself_at_the_bounds_of_a_validation():
    assert at_validation() == DOCUMENTED | OF_A_VALIDATION


@pytest.mark.parametrize("kind", FLOORS)
@pytest.mark.parametrize("name", [*BOUNDS, *FLOORS["convergence"]])
def test_what_a_bundle_relaxes_is_a_waiver_against_its_own_tier(name, kind):
    own = at_validation() | FLOORS[kind]
    looser = own[name] / 2 if name.startswith("min_") else own[name] * 2
    (row,) = relaxed({name: looser}, kind, where="study")
    assert (row.production_bound, row.used_bound, row.where) == (own[name], looser, "study")
    assert relaxed({name: own[name]}, kind, where="study") == []


def test_a_study_is_judged_again_at_the_bounds_of_the_plan_whatever_it_says_itself():
    loose = {"max_resolution_difference": 0.5, "min_seeds": 2, "min_max_growth_factor": 1.0}
    bounds = strictest({"min_seeds": 10}, loose | {"fit_stop": 7.0}, "seeds")
    assert bounds["max_resolution_difference"] == 0.01  # a production bound, not the study's
    assert bounds["min_seeds"] == 10  # the plan's
    assert bounds["min_max_growth_factor"] == 1.05  # a floor is never lowered
    assert bounds["fit_stop"] == 7.0
    higher = strictest({}, {"min_max_growth_factor": 3.0}, "seeds")
    assert higher["min_max_growth_factor"] == 3.0
