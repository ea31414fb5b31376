"""Flags of the planner: defaults, dependent defaults, refusals all at once."""

import math

import pytest

from mhx.campaigns.rutherford.parameters import Parameters, asked, differences
from mhx.campaigns.rutherford.plan import Options
from mhx.errors import ConfigError

DOUBLE = {"equilibrium": "periodic_double_harris"}


def parameters(**flags):
    return asked(Parameters, Options(**flags), "rutherford-plan-production")


def test_defaults_of_the_cosine_sheet():
    found = parameters()
    assert (found.equilibrium, found.mode_x, found.mode_y) == ("cosine_tearing", 1, 1)
    assert found.hold_equilibrium is False
    assert (found.nx, found.ny, found.dt, found.target_saved_frames) == (128, 128, "auto", 400)
    assert (found.eta, found.nu, found.perturbation_amplitude) == (1e-3, 1e-3, 1e-3)
    assert (found.production_efolds, found.safety_factor) == (10, 3)
    assert (found.lx, found.ly) == (2 * math.pi, 2 * math.pi)
    assert (found.seed, found.noise_amplitude, found.dtype) == (0, 1e-6, "float64")
    assert found.harris_growth_rate is None
    assert found.seconds_per_step_estimate == "auto"
    policy = found.policy(1.0, "given")
    assert (policy.max_walltime_hours, policy.preemption_margin_minutes) == (12, 20)
    assert policy.checkpoint_interval_minutes == 30


def test_defaults_of_the_double_harris_sheet():
    found = parameters(**DOUBLE)
    assert (found.mode_x, found.mode_y, found.hold_equilibrium) == (2, 1, True)
    assert parameters(**DOUBLE, hold_equilibrium=False).hold_equilibrium is False


def test_words_that_are_numbers_are_numbers():
    assert parameters(dt="0.02").dt == 0.02
    assert parameters(dt="auto").dt == "auto"
    assert parameters(seconds_per_step_estimate="1e-3").seconds_per_step_estimate == 1e-3


REFUSED = {
    "unknown equilibrium": ({"equilibrium": "harris"}, "--equilibrium must be"),
    "an equilibrium without sheets": ({"equilibrium": "orszag_tang"}, "no sheets"),
    "width": ({**DOUBLE, "width": 0.0}, "--width must be"),
    "width of a sheet without one": ({"width": 0.3}, "--width is no parameter of cosine_tearing"),
    "amplitude": ({**DOUBLE, "amplitude": 0.0}, "--amplitude must not be 0"),
    "endless width": ({**DOUBLE, "width": 1e300}, "--width must be >= 1e-09 and <= 1e+09 [L]"),
    "seed amplitude": ({"perturbation_amplitude": 0.0}, "--perturbation-amplitude must be > 0"),
    "mode along the sheets": ({**DOUBLE, "mode_y": 0}, "--mode-y must be >= 1"),
    "mode along cosine sheets": ({"mode_x": 0}, "--mode-x must be >= 1"),
    "mode beyond the grid": ({"nx": 24, "mode_x": 8}, "--mode-x must be <= 7"),
    "negative mode": ({"mode_x": -1}, "--mode-x must be"),
    "eta": ({"eta": -1e-3}, "--eta must be >= 0"),
    "nu": ({"nu": -1e-3}, "--nu must be >= 0"),
    "nan": ({"eta": math.nan}, "--eta must be finite"),
    "infinity": ({"t_end": math.inf}, "--t-end must be finite"),
    "rate": ({"harris_growth_rate": 0.0}, "--harris-growth-rate must be"),
    "e-folds": ({"production_efolds": -1.0}, "--production-efolds must be > 0"),
    "safety": ({"safety_factor": 0.0}, "--safety-factor must be > 0"),
    "end time": ({"t_end": 0.0}, "--t-end must be"),
    "small grid": ({"nx": 4}, "--nx must be >= 8"),
    "box": ({"lx": -1.0}, "--lx must be >= 1e-09"),
    "endless box": ({"ly": 1e300}, "--ly must be >= 1e-09 and <= 1e+09 [L], got 1e+300"),
    "stride of no step": ({"save_every": 10**400}, "--save-every must be"),
    "floor of no grid": ({"min_production_resolution": 10**400}, "must be >= 8 and <= 8192"),
    "seed of no generator": ({"seed": 2**63}, "--seed must be >= 0 and < 9223372036854775808"),
    "a word for a count": ({"nx": "many"}, "--nx must be a whole number >= 8 and <= 8192"),
    "half a seed": ({"seed": "0.5"}, "--seed must be a whole number >= 0 and <"),
    "a word that is no number": ({"eta": "nan"}, "--eta must be finite: a number >= 0.0"),
    "margin left at its default": (
        {"max_walltime_hours": 0.1},
        "--preemption-margin-minutes must be < 6 [min], which is --max-walltime-hours 0.1, got 20",
    ),
    "dt in words": ({"dt": "small"}, "--dt must be"),
    "negative dt": ({"dt": "-0.1"}, "--dt must be a number > 0"),
    "dt is not finite": ({"dt": "nan"}, "--dt must be"),
    "frames": ({"target_saved_frames": 0}, "--target-saved-frames must be >= 1"),
    "stride": ({"save_every": 0}, "--save-every must be"),
    "seed": ({"seed": -1}, "--seed must be >= 0"),
    "noise": ({"noise_amplitude": -1e-9}, "--noise-amplitude must be >= 0"),
    "precision": ({"dtype": "float16"}, "--dtype must be"),
    "walltime": ({"max_walltime_hours": 0.0}, "--max-walltime-hours must be > 0"),
    "margin": ({"max_walltime_hours": 1.0, "preemption_margin_minutes": 60.0}, "must be < 60"),
    "interval": ({"checkpoint_interval_minutes": 0.0}, "--checkpoint-interval-minutes must be > 0"),
    "cost": ({"seconds_per_step_estimate": "0"}, "--seconds-per-step-estimate must be"),
    "floor": ({"min_production_resolution": 4}, "--min-production-resolution must be >= 8"),
    "threshold": ({"threshold": ["max_div=1"]}, "--threshold max_div is no bound"),
}


@pytest.mark.parametrize(("flags", "told"), REFUSED.values(), ids=REFUSED)
def test_refusals(flags, told):
    with pytest.raises(ConfigError) as refusal:
        parameters(**flags)
    assert told in str(refusal.value)
    assert "1 fault" in str(refusal.value)


def test_all_faults_come_at_once():
    with pytest.raises(ConfigError) as refusal:
        parameters(nx=4, eta=-1.0, dt="fast", mode_y=99, threshold=["x=1"], seed=-1)
    told = str(refusal.value)
    assert "6 faults" in told
    for flag in ("--nx", "--eta", "--dt", "--mode-y", "--threshold", "--seed"):
        assert flag in told


def test_a_bound_may_be_moved_by_flag_or_threshold():
    assert parameters().bounds["min_production_resolution"] == 96
    assert parameters(min_production_resolution=128).bounds["min_production_resolution"] == 128
    moved = parameters(threshold=["max_divergence_linf=1e-10"])
    assert moved.bounds["max_divergence_linf"] == 1e-10


def test_bounds_of_counts_are_whole():
    found = parameters(min_production_resolution=8, threshold=["min_movie_frames=30"]).bounds
    assert repr(found["min_production_resolution"]) == "8"
    assert repr(found["min_movie_frames"]) == "30"
    assert repr(found["max_stability_ratio"]) == "1.0"


def test_words_are_words_where_no_number_may_stand():
    with pytest.raises(ConfigError, match="--dtype must be 'float64' or 'float32', got '32'"):
        parameters(dtype="32")


def test_differences_are_told_by_flag_old_and_new():
    old, new = parameters().stored(), parameters(eta=2e-3, dt="0.05", t_end=9.0).stored()
    assert differences(old, new) == [
        "--dt: auto -> 0.05",
        "--eta: 0.001 -> 0.002",
        "--t-end: default -> 9.0",
    ]
    moved = parameters(threshold=["max_divergence_linf=1e-8"]).stored()
    assert differences(old, moved) == ["--threshold max_divergence_linf: 1e-09 -> 1e-08"]


def test_a_default_that_is_written_out_is_no_difference():
    written = parameters(nx=128, dt="auto", mode_x=1, hold_equilibrium=False, eta=0.001)
    assert differences(parameters().stored(), written.stored()) == []
