"""Studies about a planned run: the same family, ladders around it, contradictions by name."""

from pathlib import Path

import pytest

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import read_plan
from mhx.campaigns.rutherford.binding import bind
from mhx.campaigns.rutherford.executed import executed
from mhx.campaigns.rutherford.plan import Options, plan_production
from mhx.campaigns.rutherford.studies.flags import Convergence, LongRun, Seeds, Sweep, study_of
from mhx.config import parse
from mhx.config.merge import merged
from mhx.errors import ConfigError
from mhx.evidence.hashing import content_digest
from mhx.reconnection.config import Reconnection, family_digest


def planned(folder: Path, **flags) -> Path:
    given = {
        "equilibrium": "periodic_double_harris", "width": 0.45, "amplitude": 0.9, "eta": 0.008,
        "nu": 0.004, "perturbation_amplitude": 0.004, "noise_amplitude": 1e-5, "seed": 7,
        "nx": 32, "ny": 32, "lx": 6.0, "ly": 5.0, "t_end": 4.0, "save_every": 2,
        "min_production_resolution": 8, "seconds_per_step_estimate": 1e-3,
    }  # fmt: skip
    plan_production(Options(outdir=folder, **{**given, **flags}))
    return folder


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory) -> Path:
    return planned(tmp_path_factory.mktemp("plan") / "run")


def configs(study):
    return {case.id: parse(Reconnection, merged(study.base, case.overlay)) for case in study.cases}


@pytest.mark.parametrize("options", [Convergence, LongRun])
def test_every_case_is_of_the_planned_family(options, run_dir):
    plan = read_plan(RunFolder(run_dir))
    study = study_of(options(from_plan=run_dir))
    assert content_digest(study.family) == plan.family_digest
    for config in configs(study).values():
        assert family_digest(config) == plan.family_digest
        assert config.initial.seed == 7
        assert config.t_end >= plan.target_time
        assert config.diagnostics.fit_time_window[1] > 0


def test_a_run_that_was_bound_with_other_noise_is_what_evidence_is_about(tmp_path):
    folder = RunFolder(planned(tmp_path / "run"))
    plan = read_plan(folder)
    assert executed(folder, plan).initial.noise_amplitude == 1e-5
    bind(folder, plan, 5, 1e-3, "attempt")
    run = executed(folder, plan)
    assert (run.initial.seed, run.initial.noise_amplitude) == (5, 1e-3)
    for options in (Convergence, Seeds):
        for config in configs(study_of(options(from_plan=folder.root))).values():
            assert family_digest(config) == family_digest(run)
    with pytest.raises(ConfigError, match=r"--noise-amplitude must be 0\.001"):
        study_of(Convergence(from_plan=folder.root, noise_amplitude=1e-5))


def test_the_ladders_lie_around_the_plan(run_dir):
    plan = read_plan(RunFolder(run_dir))
    study = study_of(Convergence(from_plan=run_dir))
    cases = configs(study)
    assert {config.grid.shape for config in cases.values()} == {(24, 24), (32, 32), (48, 48)}
    steps = {config.dt for config in cases.values() if config.grid.nx == 32}
    assert steps == {plan.dt, plan.dt / 2, plan.dt / 4}
    assert len(study.cases) == 5, "the step of the grids is one of the ladder of steps"
    finest = next(config for config in cases.values() if config.grid.nx == 48)
    assert finest.time_step.ratio <= 0.5
    interval = plan.save_every * plan.dt
    for config in cases.values():
        assert config.save_every * config.dt == pytest.approx(interval, rel=1e-12)


def test_a_grid_that_is_not_square_keeps_its_proportion(tmp_path):
    run = planned(tmp_path / "run", nx=64, ny=16)
    shapes = {
        config.grid.shape for config in configs(study_of(Convergence(from_plan=run))).values()
    }
    assert shapes == {(48, 12), (64, 16), (96, 24)}


def test_a_long_run_is_the_planned_run(run_dir):
    plan = read_plan(RunFolder(run_dir))
    (config,) = configs(study_of(LongRun(from_plan=run_dir, movies=False))).values()
    assert (config.dt, config.save_every) == (plan.dt, plan.save_every)
    assert config.grid.shape == (32, 32)
    assert config.t_end == plan.target_time


def test_a_sweep_includes_the_planned_value(run_dir):
    widths = [c.parameters["width"] for c in configs(study_of(Sweep(from_plan=run_dir))).values()]
    assert 0.45 in widths
    etas = configs(study_of(Sweep(from_plan=run_dir, sweep_axis="resistivity"))).values()
    assert (0.008, 0.004) in [config.dissipation[:2] for config in etas]


def test_an_ensemble_is_of_the_planned_family_but_for_more_noise(run_dir, tmp_path):
    plan = read_plan(RunFolder(run_dir))
    study = study_of(Seeds(from_plan=run_dir))
    own = {**study.family, "noise_amplitude": 1e-5}
    assert content_digest(own) == plan.family_digest
    assert study.family["noise_amplitude"] == pytest.approx(0.05 * 0.004)
    assert [c.initial.seed for c in configs(study).values()] == list(range(8))
    loud = planned(tmp_path / "loud", noise_amplitude=1e-2)
    assert study_of(Seeds(from_plan=loud)).family["noise_amplitude"] == 1e-2


def test_what_contradicts_the_plan_is_named_all_at_once(run_dir):
    given = {"eta": 0.009, "width": 0.45, "mode_y": 2, "t_end": 9.0, "hold_equilibrium": False}
    with pytest.raises(ConfigError) as caught:
        study_of(LongRun(from_plan=run_dir, dt="0.5", nx=32, save_every="3", **given))
    t_end = read_plan(RunFolder(run_dir)).target_time
    first, *faults = str(caught.value).splitlines()
    assert first == "double-harris-long-run: 6 faults"
    assert [line.partition(",")[0].strip() for line in faults] == [
        f"--dt must be {read_plan(RunFolder(run_dir)).dt!r}",
        "--eta must be 0.008",
        "--hold-equilibrium must be True",
        "--mode-y must be 1",
        "--save-every must be 2",
        f"--t-end must be {t_end!r}",
    ]
    assert faults[1].endswith(f"as planned in {run_dir}, got 0.009; leave it out")


def test_less_noise_than_the_run_has_proves_nothing_about_it(run_dir):
    with pytest.raises(ConfigError, match=r"--noise-amplitude must be >= 1e-05, as planned in"):
        study_of(Seeds(from_plan=run_dir, noise_amplitude="1e-6"))


def test_auto_is_what_the_plan_says(run_dir):
    plan = read_plan(RunFolder(run_dir))
    study = study_of(Seeds(from_plan=run_dir, dt="auto", save_every="auto", noise_amplitude="auto"))
    for config in configs(study).values():
        assert (config.dt, config.save_every) == (plan.dt, plan.save_every)
        assert config.initial.noise_amplitude == pytest.approx(0.05 * 0.004)


def test_a_word_for_a_number_is_told_by_its_flag(run_dir):
    with pytest.raises(ConfigError, match="--noise-amplitude must be a number"):
        study_of(Seeds(from_plan=run_dir, noise_amplitude="much"))


def test_a_flag_that_says_what_the_plan_says_is_no_fault(run_dir):
    study_of(Sweep(from_plan=run_dir, eta=0.008, nx=32, lx=6, widths="0.4,0.45,0.5"))


def test_a_folder_without_a_plan_is_named(tmp_path):
    with pytest.raises(ConfigError, match="plan first"):
        study_of(Seeds(from_plan=tmp_path))
