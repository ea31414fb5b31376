"""Sections 2.1 to 2.7: what is refused is refused in words, with exit 2, and leaves nothing behind.

Every flag, out of range and not finite; what is named is the flag and the value found.
"""

import re

import pytest

from .lane import EXECUTE, HARRIS, PLAN, TINY, flags, mhx, plan, read, tree

PLAN_FAULTS = [
    ("--equilibrium", "harris_pinch"),
    ("--equilibrium", "orszag_tang"),
    ("--equilibrium", "zero"),
    ("--perturbation-amplitude", "0"),
    ("--perturbation-amplitude", "-1e-3"),
    ("--eta", "-1e-3"),
    ("--nu", "-0.5"),
    ("--harris-growth-rate", "0"),
    ("--harris-growth-rate", "-0.1"),
    ("--production-efolds", "0"),
    ("--production-efolds", "-1"),
    ("--safety-factor", "0"),
    ("--t-end", "0"),
    ("--t-end", "-1"),
    ("--save-every", "0"),
    ("--save-every", "-3"),
    ("--save-every", "2.5"),
    ("--nx", "2"),
    ("--nx", "0"),
    ("--ny", "4"),
    ("--ny", "-8"),
    ("--nx", "many"),
    ("--lx", "0"),
    ("--ly", "-6"),
    ("--dt", "0"),
    ("--dt", "-0.01"),
    ("--dt", "soon"),
    ("--target-saved-frames", "0"),
    ("--seed", "-1"),
    ("--seed", "0.5"),
    ("--noise-amplitude", "-1e-6"),
    ("--dtype", "float16"),
    ("--max-walltime-hours", "0"),
    ("--preemption-margin-minutes", "-1"),
    ("--checkpoint-interval-minutes", "0"),
    ("--seconds-per-step-estimate", "0"),
    ("--seconds-per-step-estimate", "-1"),
    ("--seconds-per-step-estimate", "fast"),
    ("--min-production-resolution", "0"),
    ("--threshold", "no_such_gate=1"),
    ("--threshold", "max_spectral_tail"),
    ("--threshold", "max_spectral_tail=nan"),
    ("--mode-x", "1.5"),
]
NUMBERS = [
    "--perturbation-amplitude",
    "--eta",
    "--nu",
    "--harris-growth-rate",
    "--production-efolds",
    "--safety-factor",
    "--t-end",
    "--lx",
    "--ly",
    "--dt",
    "--noise-amplitude",
    "--max-walltime-hours",
    "--preemption-margin-minutes",
    "--checkpoint-interval-minutes",
    "--seconds-per-step-estimate",
]


def refused(said, flag: str, value: str) -> None:
    """Exit 2; flag and value in words; no traceback; nothing on stdout but words."""
    assert said.code == 2, said.text
    assert "Traceback" not in said.text
    assert flag in said.text, said.text
    named = value.rpartition("=")[2]
    short = f"{float(named):g}" if re.fullmatch(r"[-+.\de]+", named) else named
    assert named in said.text or short in said.text, said.text


@pytest.mark.parametrize(("flag", "value"), PLAN_FAULTS)
def test_planner_names_flag_and_value_out_of_range_and_writes_nothing(flag, value, tmp_path):
    words = flags(TINY | {flag: value})
    said = mhx("campaign", PLAN, "--outdir", tmp_path / "run", *words)
    refused(said, flag, value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("flag", NUMBERS)
def test_planner_refuses_numbers_that_are_not_finite(flag, value, tmp_path):
    words = flags(TINY | {flag: value})
    said = mhx("campaign", PLAN, "--outdir", tmp_path / "run", *words)
    assert said.code == 2, said.text
    assert flag in said.text
    assert value.lstrip("-") in said.text
    assert "Traceback" not in said.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--width", "0"),
        ("--width", "-0.4"),
        ("--width", "nan"),
        ("--amplitude", "0"),
        ("--amplitude", "inf"),
    ],
)
def test_sheet_needs_a_positive_width_and_a_field(flag, value, tmp_path):
    words = flags(HARRIS | {flag: value})
    said = mhx("campaign", PLAN, "--outdir", tmp_path / "run", *words)
    refused(said, flag, value)
    assert list(tmp_path.iterdir()) == []


def test_seed_mode_zero_zero_is_refused(tmp_path):
    said = plan(tmp_path / "run", mode_x=0, mode_y=0)
    assert said.code == 2, said.text
    assert "--mode-x" in said.text or "--mode-y" in said.text
    assert list(tmp_path.iterdir()) == []


def test_margin_must_leave_time(tmp_path):
    said = plan(tmp_path / "run", max_walltime_hours=1, preemption_margin_minutes=60)
    assert said.code == 2, said.text
    assert "--preemption-margin-minutes" in said.text
    assert list(tmp_path.iterdir()) == []


def test_all_faults_are_reported_at_once(tmp_path):
    said = plan(tmp_path / "run", eta=-1, nu="nan", nx=1, dt=-4, seed=-7)
    assert said.code == 2
    for flag in ("--eta", "--nu", "--nx", "--dt", "--seed"):
        assert re.search(rf"{flag}\b", said.text), f"{flag} is missing in\n{said.text}"
    assert list(tmp_path.iterdir()) == []


def test_unknown_flag_and_unknown_command_are_usage_errors(tmp_path):
    for words in (
        ["campaign", PLAN, "--outdir", tmp_path / "run", "--viscousity", "1"],
        ["campaign", "rutherford-guess"],
        ["flourish"],
    ):
        said = mhx(*words)
        assert said.code == 2, said.text
        assert "Traceback" not in said.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("n", "dt"), [(128, 0.1), (96, 0.2)])
def test_steps_that_would_blow_up_are_refused_with_the_largest_that_would_not(n, dt, tmp_path):
    said = plan(tmp_path / "run", nx=n, ny=n, dt=dt, t_end=1, min_production_resolution=96)
    assert said.code != 0, said.text
    assert "Traceback" not in said.text
    assert f"{dt:g}" in said.text
    # 5.6: 0.0673 at 128 points, and the same argument scaled by the largest kept wave number
    largest = {128: 0.0673, 96: 0.0673 * 42 / 31}[n]
    named = [float(word) for word in re.findall(r"\b0\.\d+", said.text)]
    assert any(0.88 * largest <= number <= 1.005 * largest for number in named), said.text


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--nx", "32"),
        ("--ny", "4"),
        ("--dt", "5"),
        ("--dt", "nan"),
        ("--t-end", "inf"),
        ("--t-end", "0"),
        ("--save-every", "7"),
        ("--save-every", "0"),
        ("--eta", "-1"),
        ("--nu", "nan"),
        ("--seed", "-1"),
        ("--seeds", "0,x"),
        ("--seeds", "1,1"),
        ("--noise-amplitude", "-1"),
    ],
)
def test_fast_run_refuses(flag, value, tmp_path):
    if flag == "--nx":
        value = "7"
    said = mhx("campaign", "rutherford-run-fast", "--outdir", tmp_path / "fast", flag, value)
    assert said.code == 2, said.text
    assert flag in said.text
    assert value in said.text or f"{float(value):g}" in said.text, said.text
    assert "Traceback" not in said.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--harris-growth-rate", "0"),
        ("--harris-growth-rate", "nan"),
        ("--production-efolds", "-1"),
        ("--safety-factor", "inf"),
        ("--nx", "2"),
        ("--dt", "0"),
        ("--target-saved-frames", "9"),
    ],
)
def test_template_refuses(flag, value, tmp_path):
    said = mhx("campaign", "rutherford-template", "--outdir", tmp_path / "t", flag, value)
    refused(said, flag, value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--max-steps", "-1"),
        ("--walltime-minutes", "0"),
        ("--walltime-minutes", "nan"),
        ("--seed", "-2"),
        ("--noise-amplitude", "inf"),
        ("--max-relative-energy-growth", "nan"),
        ("--max-divergence-linf", "-1"),
        ("--keep-states", "-1"),
    ],
)
def test_executor_refuses_flags_and_leaves_the_run_alone(flag, value, planned, copy):
    folder = copy(planned)
    before = tree(folder)
    said = mhx("campaign", EXECUTE, folder, flag, value)
    refused(said, flag, value)
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--min-history-samples", "-1"),
        ("--min-convergence-dirs", "-1"),
        ("--max-energy-budget-residual", "nan"),
        ("--max-divergence-linf", "-1"),
        ("--min-reconnected-flux-amplification", "inf"),
        ("--min-island-width-amplification", "nan"),
        ("--min-linear-efolds", "nan"),
        ("--restart-check-max-steps", "-1"),
    ],
)
def test_promotion_check_refuses_flags(flag, value, planned, copy):
    folder = copy(planned)
    before = tree(folder)
    said = mhx("campaign", "rutherford-promotion-check", folder, flag, value)
    refused(said, flag, value)
    assert tree(folder) == before


def test_negative_target_step_is_refused(planned, copy):
    folder = copy(planned)
    before = tree(folder)
    said = mhx("campaign", "rutherford-resume-plan", folder, "--target-step", -1)
    refused(said, "--target-step", "-1")
    assert tree(folder) == before


@pytest.mark.parametrize(
    "command",
    [EXECUTE, "rutherford-resume-plan", "rutherford-status", "rutherford-promotion-check"],
)
@pytest.mark.parametrize("kind", ["missing", "foreign", "a file"])
def test_run_directories_that_are_none(command, kind, tmp_path):
    folder = tmp_path / "run"
    if kind == "foreign":
        folder.mkdir()
        (folder / "thesis.tex").write_text("irreplaceable")
    elif kind == "a file":
        folder.write_text("irreplaceable")
    said = mhx("campaign", command, folder)
    assert said.code in (2, 4), said.text
    assert str(folder) in said.text
    assert "Traceback" not in said.text
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in left] == {
        "missing": [],
        "foreign": ["thesis.tex"],
        "a file": ["run"],
    }[kind]


def test_planner_does_not_write_into_a_file_or_a_foreign_folder(tmp_path):
    (tmp_path / "file").write_text("irreplaceable")
    said = plan(tmp_path / "file")
    assert said.code in (2, 3), said.text
    assert "Traceback" not in said.text
    assert (tmp_path / "file").read_text() == "irreplaceable"


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--width", {"width": 0.3}),
        ("--amplitude", {"amplitude": 2.0}),
    ],
)
def test_parameters_that_the_equilibrium_does_not_have_are_errors(flag, words, tmp_path):
    """Section 9: unused keys are errors; 3.3: the cosine sheet has no such parameter."""
    said = plan(tmp_path / "run", **words)
    assert said.code == 2, said.text
    assert flag in said.text
    assert list(tmp_path.iterdir()) == []


def test_unstable_step_may_be_planned_in_no_way_that_runs(tmp_path):
    """2.3: the executor refuses a plan whose `time_step_stable` failed."""
    folder = tmp_path / "run"
    said = plan(folder, dt=1.45, t_end=14.5)  # between 0.9 and 1 of the bound at 8 x 8
    assert said.code in (1, 2), said.text
    if folder.exists():
        assert read(folder / "plan_validation.json")["checks"]["time_step_stable"] is False
        said = mhx("campaign", EXECUTE, folder)
        assert said.code == 2, said.text
        assert not (folder / "checkpoints" / "initial_state.npz").exists()


def test_box_beyond_all_bounds_names_its_flag(tmp_path):
    said = plan(tmp_path / "run", lx=1e300)
    refused(said, "--lx", "1e+300")
    assert list(tmp_path.iterdir()) == []
