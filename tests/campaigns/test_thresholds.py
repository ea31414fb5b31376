"""Production bounds: defaults, tightening, loosening, refusals."""

import pytest

from mhx.campaigns.thresholds import BOUNDS, faults_in, parsed, resolved, waivers
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
}


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
