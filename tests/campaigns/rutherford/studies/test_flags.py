"""From flags to a study: the defaults, the cases, every fault by its flag, and what is a waiver."""

from pathlib import Path

import pytest

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.studies import flags
from mhx.campaigns.rutherford.studies.flags import Convergence, LongRun, Seeds, Sweep, study_of
from mhx.campaigns.rutherford.studies.study import Study
from mhx.config import parse
from mhx.config.merge import merged
from mhx.errors import ConfigError
from mhx.evidence.hashing import content_digest
from mhx.reconnection.config import Reconnection, family

HARRIS, COSINE = "periodic_double_harris", "cosine_tearing"
SMALL = {"width": 0.45, "eta": 0.008, "nu": 0.008}
GRID = {**SMALL, "nx": 16, "ny": 16, "t_end": 2.0}


def configs(study: Study) -> dict[str, Reconnection]:
    """Every case as the run file that its child will be."""
    return {case.id: parse(Reconnection, merged(study.base, case.overlay)) for case in study.cases}


def only(study: Study) -> Reconnection:
    (config,) = configs(study).values()
    return config


def told(options: flags.Common) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        study_of(options)
    first, *faults = str(caught.value).splitlines()
    assert first.startswith(f"{options.command}: {len(faults)} fault")
    return [fault.strip() for fault in faults]


def test_a_long_run_without_flags():
    study = study_of(LongRun())
    config = only(study)
    assert config.grid.shape == (64, 64)
    assert config.parameters["width"] == 0.4
    assert config.dissipation[:2] == (5e-3, 5e-3)
    assert config.parameters["perturbation_amplitude"] == 1e-3
    assert config.mode == (2, 1)
    assert config.held
    assert config.initial.noise_amplitude == 1e-6
    assert config.t_end == pytest.approx(100, abs=config.dt)
    assert 350 <= config.steps / config.save_every <= 450
    assert config.diagnostics.fit_time_window == (0, 10)
    assert config.diagnostics.frames
    assert study.movies
    assert study.bounds["min_early_growth_rate"] == 5e-2
    assert study.bounds["min_max_growth_factor"] == 2.0
    assert study.bounds["min_reconnected_flux_amplification"] == 1.05
    assert study.bounds["min_island_width_amplification"] == 1.05
    assert study.family == family(config)
    assert study.outdir == Path("outputs/benchmarks/double_harris_long_run")


def test_convergence_without_flags():
    study = study_of(Convergence())
    cases = configs(study)
    grids = {c.grid.shape for c in cases.values()}
    assert grids == {(64, 64), (96, 96), (128, 128)}
    (dt,) = {config.dt for config in cases.values() if config.grid.nx != 96}
    steps = sorted(config.dt for config in cases.values() if config.grid.nx == 96)
    assert steps == [dt / 4, dt / 2, dt]
    assert study.bounds["max_relative_growth_rate_spread"] == 0.02
    assert study.bounds["min_early_growth_rate"] == 1e-3
    assert study.bounds["min_max_growth_factor"] == 1.05
    for config in cases.values():
        assert config.diagnostics.fit_time_window == (0, 4)
        assert config.t_end >= 80
        assert config.save_every * config.dt == pytest.approx(1.0, abs=dt / 2)
        assert config.time_step.ratio <= 0.9


def test_all_cases_of_a_study_are_sampled_at_the_same_times_and_end_together():
    cases = configs(study_of(Convergence(resolutions="16,24,32", reference_resolution=24, **SMALL)))
    assert len({config.steps * config.dt for config in cases.values()}) == 1
    assert len({config.save_every * config.dt for config in cases.values()}) == 1


def test_a_case_of_both_ladders_is_one_case_and_the_longest_comes_first():
    study = study_of(Convergence(resolutions="16,24,32", reference_resolution=24, **SMALL))
    both = [case.id for case in study.cases if len(case.coordinates) == 2]
    assert [case.split("_")[0] for case in both] == ["n24"]
    assert len(study.cases) == 5
    cost = [c.steps * c.grid.nx * c.grid.ny for c in configs(study).values()]
    assert cost == sorted(cost, reverse=True)


def test_a_reference_off_the_ladder_of_grids_is_a_ladder_of_its_own():
    study = study_of(Convergence(resolutions="16,32", reference_resolution=24, **SMALL))
    assert sorted(case.id.split("_")[0] for case in study.cases) == [
        *("n16", "n24", "n24", "n24", "n32")
    ]


def test_grids_need_not_be_square():
    study = study_of(
        Convergence(resolutions="32x16,48x16", reference_resolution="32x16", t_end=2.0, **SMALL)
    )
    assert {config.grid.shape for config in configs(study).values()} == {(32, 16), (48, 16)}


def test_given_time_steps_set_the_step_of_the_grids_too():
    """The largest of them that half the limit of the finest grid allows."""
    given = {"resolutions": "16,32", "reference_resolution": 16, "t_end": 2.0, **SMALL}
    study = study_of(Convergence(dt_values="0.2,0.1,0.05", save_interval=0.2, **given))
    (finest,) = (config for config in configs(study).values() if config.grid.nx == 32)
    assert finest.dt == 0.1
    assert 0.2 > 0.5 * finest.time_step.dt_max > 0.1


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (Sweep(), ["width_0.35", "width_0.4", "width_0.45"]),
        (Sweep(width=0.36), ["width_0.32", "width_0.36", "width_0.4"]),
        (Sweep(widths="0.3,0.5"), ["width_0.3", "width_0.5"]),
        (
            Sweep(sweep_axis="resistivity"),
            ["resistivity_0.004", "resistivity_0.005", "resistivity_0.006"],
        ),
        (Sweep(sweep_axis="mode"), ["mode_2_1", "mode_2_2", "mode_4_1"]),
        (Sweep(sweep_axis="mode", modes="2:1,2:3"), ["mode_2_1", "mode_2_3"]),
        (
            Sweep(sweep_axis="mode", equilibrium=COSINE),
            ["mode_1_1", "mode_1_2", "mode_2_1"],
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_the_cases_of_a_sweep(options, ids):
    study = study_of(options)
    assert [case.id for case in study.cases] == ids
    assert study.bounds["min_max_growth_factor"] == 1.05
    for config in configs(study).values():
        assert config.t_end >= 60
        assert config.grid.shape == (64, 64)


def test_viscosities_follow_the_etas_at_the_prandtl_number_of_the_base():
    equal = configs(study_of(Sweep(sweep_axis="resistivity", etas="0.004,0.005")))
    assert [config.dissipation[:2] for config in equal.values()] == [
        (0.004, 0.004), (0.005, 0.005)
    ]  # fmt: skip
    tenth = configs(study_of(Sweep(sweep_axis="resistivity", nu=5e-4, etas="0.004,0.005")))
    assert [config.dissipation[:2] for config in tenth.values()] == [
        (0.004, 0.0004), (0.005, 0.0005)
    ]  # fmt: skip
    given = {"sweep_axis": "resistivity", "etas": "0.004,0.005", "viscosities": "0.001,0.002"}
    assert [c.dissipation[1] for c in configs(study_of(Sweep(**given))).values()] == [0.001, 0.002]


def test_a_short_study_still_has_samples_enough():
    config = only(study_of(Seeds(seeds="0", nx=32, ny=32, t_end=4.0)))
    assert config.steps / config.save_every >= 10


def test_a_mode_that_is_swept_is_the_mode_that_is_followed():
    for name, config in configs(study_of(Sweep(sweep_axis="mode"))).items():
        assert name == f"mode_{config.mode[0]}_{config.mode[1]}"


def test_seeds_without_flags():
    study = study_of(Seeds())
    cases = configs(study)
    assert [config.initial.seed for config in cases.values()] == list(range(8))
    for config in cases.values():
        assert config.initial.noise_amplitude == pytest.approx(5e-5)
        assert config.t_end >= 40
        assert config.physics.equilibrium == HARRIS


@pytest.mark.parametrize("options", [Convergence, LongRun, Seeds])
def test_every_study_follows_the_equilibrium_that_it_is_given(options):
    study = study_of(options(equilibrium=COSINE, t_end=2.0))
    for config in configs(study).values():
        assert config.physics.equilibrium == COSINE
        assert config.mode == (1, 1)
        assert not config.held
    held = study_of(options(equilibrium=COSINE, hold_equilibrium=True, t_end=2.0))
    assert all(config.held for config in configs(held).values())


def test_a_width_sweep_of_a_sheet_without_width_has_no_case():
    study = study_of(Sweep(equilibrium=COSINE))
    assert not study.cases
    assert study.unavailable == "cosine_tearing has no width, so there is nothing to vary"


def test_equal_runs_of_two_studies_are_equal_children():
    """Equal in all that the digest of a child covers, whatever study wrote them."""
    given = {**GRID, "dt": 0.05, "save_interval": 0.5, "fit_stop": 1.0}
    widths = configs(study_of(Sweep(**given)))["width_0.45"]
    etas = configs(study_of(Sweep(sweep_axis="resistivity", **given)))["resistivity_0.008"]
    plain = only(study_of(LongRun(movies=False, **given)))
    ladder = {"resolutions": "16,24", "reference_resolution": 16, "reference_dt": 0.05}
    shared = {name: given[name] for name in given if name not in ("nx", "ny", "dt")}
    grids = configs(study_of(Convergence(**shared, **ladder)))["n16_dt0.05"]
    assert len({content_digest(c.document()) for c in (widths, etas, plain, grids)}) == 1


def test_only_movies_ask_for_pictures():
    assert only(study_of(LongRun(**GRID))).diagnostics.frames is True
    assert only(study_of(LongRun(movies=False, **GRID))).diagnostics.frames is None


def test_a_short_run_is_asked_for_as_such():
    assert only(study_of(LongRun(ci_fast=True))).t_end == pytest.approx(20, abs=0.1)
    assert told(LongRun(ci_fast=True, t_end=40.0)) == [
        "--ci-fast needs --t-end < 30 [L/v_A], got 40.0"
    ]
    assert told(LongRun(ci_fast=False, t_end=10.0)) == [
        "--ci-fast must stand instead of --validation-duration for --t-end < 30 [L/v_A], got 10.0"
    ]


FAULTS = {
    "a mode off the coarsest grid": (
        Convergence(resolutions="8,16", reference_resolution=16, mode_y=4, t_end=2.0),
        "--mode-y must be <= 2, the last retained mode in y, got 4",
    ),
    "a grid twice": (
        Convergence(resolutions="16,24,16"),
        "--resolutions must name each value once; (16, 16) stands there twice",
    ),
    "a grid that is none": (
        Convergence(resolutions="16,2"),
        "--resolutions must be numbers of points from 8 to 8192 like 64,96,128 or 512x32, "
        "got '16,2'",
    ),
    "a step of nothing": (
        Convergence(dt_values="0.1,0"),
        "--dt-values must be numbers >= 1e-30 and <= 1e+09, got (0.1, 0.0)",
    ),
    "a step below any number of them": (
        LongRun(dt=1e-320),
        "--dt must be >= 1e-30 [L/v_A], got 1e-320",
    ),
    "an end that is none": (
        LongRun(t_end=1e-320),
        "--t-end must be >= 1e-30 [L/v_A], got 1e-320",
    ),
    "steps that are no number": (
        Convergence(dt_values="0.1,nan"),
        "--dt-values must be numbers like 0.4,0.2,0.1 or auto, got '0.1,nan'",
    ),
    "grids left to themselves": (
        Convergence(resolutions="auto"),
        "--resolutions must be numbers of points from 8 to 8192 like 64,96,128 or 512x32, "
        "got 'auto'",
    ),
    "a reference that is no grid": (
        Convergence(reference_resolution="100000"),
        "--reference-resolution must be a number of points from 8 to 8192 like 96 or 512x32, "
        "got '100000'",
    ),
    "samples beyond the end": (
        LongRun(save_interval=1e9),
        "--save-interval must be <= --t-end 100 [L/v_A], got 1000000000.0",
    ),
    "more steps than can be counted, none of them asked for": (
        LongRun(amplitude=1e9),
        "--t-end must be reached in fewer than 1e+12 steps of 6.7e-11 [L/v_A], got 100.0",
    ),
    "a mode of nothing": (
        Sweep(sweep_axis="mode", modes="2:1,2:0"),
        "--modes must be >= 1 along the sheets of periodic_double_harris, got 2:0",
    ),
    "a mode off the grid": (
        Sweep(sweep_axis="mode", modes="2:1,40:1"),
        "--modes must be <= 21, the last mode that nx = 64 retains, got 40:1",
    ),
    "steps that share no sample": (
        Convergence(
            resolutions="16,24", reference_resolution=16, dt_values="0.05,0.03",
            save_interval=0.1, t_end=2.0, **SMALL,
        ),
        "--dt-values/--reference-dt must divide the time between samples, 0.1 [L/v_A], into "
        "whole steps, got 0.03; take steps whose ratios are whole numbers",
    ),
    "a sheet wider than its half of the box": (
        Sweep(widths="0.4,2"),
        "--widths must be <= 1.5708 [L], a quarter of the box: the sheets would overlap, got 2.0",
    ),
    "values of another axis": (
        Sweep(etas="0.1"),
        "--etas is not used by --sweep-axis width; leave it out",
    ),
    "viscosities without their etas": (
        Sweep(sweep_axis="resistivity", etas="0.1,0.2", viscosities="0.1"),
        "--viscosities must be as many as --etas, 2, got 1",
    ),
    "a seed twice": (
        Seeds(seeds="1,2,1"),
        "--seeds must name each value once; 1 stands there twice",
    ),
    "a seed that is none": (
        Seeds(seeds="1,x"),
        "--seeds must be whole numbers like 0,1,2, got '1,x'",
    ),
    "two strides": (
        Seeds(save_every=3, save_interval=1.0),
        "--save-interval must be left out where --save-every is given, got 1.0",
    ),
    "a window that ends before it begins": (
        Seeds(fit_start=3.0, fit_stop=2.0),
        "--fit-stop must be > --fit-start 3 [L/v_A], got 2.0",
    ),
    "a window beyond the end": (
        Seeds(t_end=2.0, fit_stop=5.0, dt=0.1, nx=16, ny=16),
        "--fit-start/--fit-stop must be increasing and end by 2 [L/v_A], got [0.0, 5.0]",
    ),
    "a vortex": (
        LongRun(equilibrium="orszag_tang"),
        "--equilibrium must be",
    ),
    "an unknown axis": (
        Sweep(sweep_axis="beta"),
        "--sweep-axis must be 'width', 'resistivity' or 'mode', got 'beta'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_fault_names_its_flag(options, fault):
    (line,) = told(options)
    assert line.startswith(fault)


def test_an_unstable_step_is_refused_for_every_grid_that_it_is_unstable_on():
    given = {"resolutions": "16,64,96", "reference_resolution": 16, "t_end": 4.0}
    lines = told(Convergence(reference_dt=0.2, dt_values="0.2,0.1", save_interval=1.0, **given))
    assert [line.rpartition(" (at ")[2] for line in lines] == [
        *("64 x 64 points)", "96 x 96 points)")
    ]
    assert all(line.startswith("--dt-values/--reference-dt must be <= ") for line in lines)


LOOSER = {
    "min_early_growth_rate": (LongRun, 1e-2, 6e-2, "early_growth_positive"),
    "min_max_growth_factor": (
        *(Convergence, 1.01, 1.1, "nonlinear_difference_reaches_visible_growth"),
    ),
    "min_reconnected_flux_amplification": (Sweep, 1.0, 1.2, "reconnected_flux_amplifies"),
    "min_island_width_amplification": (LongRun, 1.0, 1.2, "island_width_amplifies"),
    "max_relative_growth_rate_spread": (Convergence, 0.5, 0.01, "growth_rate_spread_bounded"),
    "max_relative_max_growth_spread": (Convergence, 0.5, 0.01, "max_growth_spread_bounded"),
    "max_relative_flux_amplification_spread": (
        *(Convergence, 0.5, 0.01, "flux_amplification_spread_bounded"),
    ),
    "max_relative_width_amplification_spread": (
        *(Convergence, 0.5, 0.01, "width_amplification_spread_bounded"),
    ),
}


@pytest.mark.parametrize(("name", "row"), LOOSER.items(), ids=LOOSER)
def test_a_looser_bound_is_a_waiver_and_a_tighter_one_is_not(name, row):
    options, looser, tighter, gate = row
    common = {"t_end": 2.0, **SMALL}
    (waiver,) = study_of(options(**{name: looser}, **common)).waivers
    assert (waiver.gate, waiver.used_bound) == (gate, looser)
    assert waiver.where == f"--{name.replace('_', '-')}"
    strict = study_of(options(**{name: tighter}, **common))
    assert not strict.waivers
    assert strict.bounds[name] == tighter


def test_every_bound_of_a_validation_is_among_those_of_a_study():
    study = study_of(Seeds(**GRID))
    assert thresholds.at_validation().items() <= study.bounds.items()
    assert (study.bounds["fit_start"], study.bounds["fit_stop"]) == (0.0, pytest.approx(2, abs=0.3))
