"""`mhx benchmark ...`: studies that give a long run its evidence, one function per command.

Each command writes a testbed into its folder, carries it out, and judges what the cases left.  An
absent flag is None and means the library's own default, which the help tells in words.  Units are
Alfvenic throughout: lengths in L, speeds in v_A, times in L/v_A, eta = 1/S, nu = 1/Re.
"""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mhx.cli import show
from mhx.cli.command import TableCommand
from mhx.cli.flags import JUDGEMENT, OUTPUT, Json, flag, given_flags
from mhx.cli.stopped import unless_stopped
from mhx.cli.study_flags import (
    CASES,
    TIME,
    Amplitude,
    Dt,
    Eps,
    Equilibrium,
    Eta,
    FitStart,
    FitStop,
    FromPlan,
    Hold,
    Jobs,
    Lx,
    Ly,
    MinEarly,
    MinFlux,
    MinGrowth,
    MinIsland,
    ModeX,
    ModeY,
    Noise,
    Nu,
    Nx,
    Ny,
    Outdir,
    SaveEvery,
    SaveInterval,
    Seed,
    Share,
    Width,
    spread,
)

if TYPE_CHECKING:
    from mhx.campaigns.rutherford.studies.flags import Common
    from mhx.campaigns.rutherford.studies.study import Study
    from mhx.report.answer import Answer

STORY = """Evidence for a long run: convergence, seeds, sweeps, one long run.

A run is believed when others like it say the same. Each command writes the cases of a study as a
testbed into --outdir, carries out what is not finished yet, and judges the files that the cases
left. The same command again goes on where it was.

\b
For a run that was planned into DIR:
  mhx benchmark double-harris-convergence --from-plan DIR --outdir DIR/convergence/main
  mhx benchmark seed-robust-qi --from-plan DIR --outdir DIR/seed_qi
  mhx campaign rutherford-promotion-check DIR

\b
Without a plan, a study of a few seconds:
  mhx benchmark double-harris-convergence --width 0.45 --eta 0.008 --nu 0.008 \\
      --resolutions 32,48,64 --reference-resolution 48 --t-end 20 --outdir outputs/quick

Exit codes: 0 every gate passed, 1 written and a gate did not pass, 2 wrong input and nothing
written, 3 the run failed, 4 files altered or missing, 6 folder in use, 75 stopped: run it again.
"""

benchmark_app = typer.Typer(
    name="benchmark",
    help=STORY,
    short_help="Convergence, seeds, sweeps: evidence for a long run.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@benchmark_app.command("double-harris-long-run", cls=TableCommand)
def double_harris_long_run(
    *,
    outdir: Outdir = None,
    from_plan: FromPlan = None,
    equilibrium: Equilibrium = None,
    width: Width = None,
    amplitude: Amplitude = None,
    eta: Eta = None,
    nu: Nu = None,
    hold_equilibrium: Hold = None,
    perturbation_amplitude: Eps = None,
    mode_x: ModeX = None,
    mode_y: ModeY = None,
    seed: Seed = None,
    noise_amplitude: Noise = None,
    lx: Lx = None,
    ly: Ly = None,
    nx: Nx = None,
    ny: Ny = None,
    dt: Dt = None,
    t_end: Annotated[float | None, flag("End time, L/v_A [default: 100]", panel=TIME)] = None,
    ci_fast: Annotated[
        bool | None,
        flag(
            "A short run (t_end < 30, by default 20), labelled so, or none that is "
            "[default: either]",
            "--ci-fast/--validation-duration",
            panel=TIME,
        ),
    ] = None,
    save_every: SaveEvery = None,
    save_interval: SaveInterval = None,
    fit_start: FitStart = None,
    fit_stop: FitStop = None,
    movies: Annotated[
        bool | None,
        flag(
            "Movies of flux and current density [default: yes]",
            "--movies/--no-movies",
            panel=OUTPUT,
        ),
    ] = None,
    store_fields: Annotated[
        bool | None,
        flag(
            "Keep the last fields of the run and of its unseeded base [default: no]",
            "--store-fields/--no-store-fields",
            panel=OUTPUT,
        ),
    ] = None,
    min_early_growth_rate: MinEarly = None,
    min_max_growth_factor: MinGrowth = None,
    min_reconnected_flux_amplification: MinFlux = None,
    min_island_width_amplification: MinIsland = None,
    share: Share = None,
    jobs: Jobs = None,
    json: Json = False,
) -> None:
    """Follow one seeded sheet for long. Does it grow, reconnect and dissipate as it should?"""
    given = given_flags(locals())
    from mhx.campaigns.rutherford.studies.flags import LongRun

    _finish(LongRun(**given), json)


@benchmark_app.command("double-harris-convergence", cls=TableCommand)
def double_harris_convergence(
    *,
    outdir: Outdir = None,
    from_plan: FromPlan = None,
    equilibrium: Equilibrium = None,
    width: Width = None,
    amplitude: Amplitude = None,
    eta: Eta = None,
    nu: Nu = None,
    hold_equilibrium: Hold = None,
    perturbation_amplitude: Eps = None,
    mode_x: ModeX = None,
    mode_y: ModeY = None,
    seed: Seed = None,
    noise_amplitude: Noise = None,
    lx: Lx = None,
    ly: Ly = None,
    resolutions: Annotated[
        str | None,
        flag(
            "Grids at one time step, N or NXxNY [default: 64,96,128; from a plan: 3/4, 1, 3/2 "
            "of its grid]",
            panel=CASES,
        ),
    ] = None,
    dt_values: Annotated[
        str | None,
        flag("Time steps on one grid, L/v_A [default: auto, dt, dt/2, dt/4]", panel=CASES),
    ] = None,
    reference_resolution: Annotated[
        str | None, flag("Grid of the time steps [default: 96; from a plan: its grid]", panel=CASES)
    ] = None,
    reference_dt: Annotated[
        str | None,
        flag("Time step of the grids, L/v_A [default: auto, stable on the finest]", panel=CASES),
    ] = None,
    t_end: Annotated[float | None, flag("End time, L/v_A [default: 80]", panel=TIME)] = None,
    save_every: SaveEvery = None,
    save_interval: SaveInterval = None,
    fit_start: FitStart = None,
    fit_stop: FitStop = None,
    min_early_growth_rate: MinEarly = None,
    min_max_growth_factor: MinGrowth = None,
    min_reconnected_flux_amplification: MinFlux = None,
    min_island_width_amplification: MinIsland = None,
    max_relative_growth_rate_spread: Annotated[float | None, spread("Growth rate")] = None,
    max_relative_max_growth_spread: Annotated[float | None, spread("Largest growth")] = None,
    max_relative_flux_amplification_spread: Annotated[
        float | None, spread("Flux amplification")
    ] = None,
    max_relative_width_amplification_spread: Annotated[
        float | None, spread("Width amplification")
    ] = None,
    share: Share = None,
    jobs: Jobs = None,
    json: Json = False,
) -> None:
    """Repeat one run on other grids and steps. Is the answer that of the equations?"""
    given = given_flags(locals())
    from mhx.campaigns.rutherford.studies.flags import Convergence

    _finish(Convergence(**given), json)


@benchmark_app.command("double-harris-parameter-sweep", cls=TableCommand)
def double_harris_parameter_sweep(
    *,
    outdir: Outdir = None,
    from_plan: FromPlan = None,
    equilibrium: Equilibrium = None,
    width: Width = None,
    amplitude: Amplitude = None,
    eta: Eta = None,
    nu: Nu = None,
    hold_equilibrium: Hold = None,
    perturbation_amplitude: Eps = None,
    mode_x: ModeX = None,
    mode_y: ModeY = None,
    seed: Seed = None,
    noise_amplitude: Noise = None,
    lx: Lx = None,
    ly: Ly = None,
    sweep_axis: Annotated[
        str | None, flag("width, resistivity or mode [default: width]", panel=CASES)
    ] = None,
    widths: Annotated[
        str | None, flag("Half-widths a, L [default: about 7/8, 1, 9/8 of --width]", panel=CASES)
    ] = None,
    etas: Annotated[
        str | None, flag("Resistivities, L v_A [default: about 0.8, 1, 1.2 of --eta]", panel=CASES)
    ] = None,
    viscosities: Annotated[
        str | None,
        flag("One per resistivity, L v_A [default: the etas, times --nu/--eta]", panel=CASES),
    ] = None,
    modes: Annotated[
        str | None, flag("Seed modes [default: 2:1,2:2,4:1; cosine 1:1,1:2,2:1]", panel=CASES)
    ] = None,
    nx: Nx = None,
    ny: Ny = None,
    dt: Dt = None,
    t_end: Annotated[float | None, flag("End time, L/v_A [default: 60]", panel=TIME)] = None,
    save_every: SaveEvery = None,
    save_interval: SaveInterval = None,
    fit_start: FitStart = None,
    fit_stop: FitStop = None,
    min_early_growth_rate: MinEarly = None,
    min_max_growth_factor: MinGrowth = None,
    min_reconnected_flux_amplification: MinFlux = None,
    min_island_width_amplification: MinIsland = None,
    share: Share = None,
    jobs: Jobs = None,
    json: Json = False,
) -> None:
    """Vary width, resistivity or mode. Does growth follow theory around the base, too?"""
    given = given_flags(locals())
    from mhx.campaigns.rutherford.studies.flags import Sweep

    _finish(Sweep(**given), json)


@benchmark_app.command("seed-robust-qi", cls=TableCommand)
def seed_robust_qi(
    *,
    outdir: Outdir = None,
    from_plan: FromPlan = None,
    equilibrium: Equilibrium = None,
    width: Width = None,
    amplitude: Amplitude = None,
    eta: Eta = None,
    nu: Nu = None,
    hold_equilibrium: Hold = None,
    perturbation_amplitude: Eps = None,
    mode_x: ModeX = None,
    mode_y: ModeY = None,
    seeds: Annotated[
        str | None,
        flag("Seeds of the noise, one case each [default: 0,1,2,3,4,5,6,7]", panel=CASES),
    ] = None,
    noise_amplitude: Annotated[
        str | None,
        flag("RMS of the noise in psi, L v_A [default: auto, 0.05 of the seed]", panel=CASES),
    ] = None,
    lx: Lx = None,
    ly: Ly = None,
    nx: Nx = None,
    ny: Ny = None,
    dt: Dt = None,
    t_end: Annotated[float | None, flag("End time, L/v_A [default: 40]", panel=TIME)] = None,
    save_every: SaveEvery = None,
    save_interval: SaveInterval = None,
    fit_start: FitStart = None,
    fit_stop: FitStop = None,
    share: Share = None,
    jobs: Jobs = None,
    json: Json = False,
) -> None:
    """Repeat one run with other noise. Are its quantities of interest no accident of the seed?"""
    given = given_flags(locals())
    from mhx.campaigns.rutherford.studies.flags import Seeds

    _finish(Seeds(**given), json)


@benchmark_app.command("double-harris-promotion-check")
def double_harris_promotion_check(
    run_dir: Annotated[
        Path, typer.Argument(help="The folder of a double-harris-long-run.", metavar="RUN_DIR")
    ],
    *,
    outdir: Annotated[
        Path | None, flag("Where the report goes [default: RUN_DIR/promotion]", panel=OUTPUT)
    ] = None,
    convergence_dir: Annotated[
        list[Path] | None,
        flag("A convergence bundle of the same run; may be repeated [default: none]"),
    ] = None,
    require_movies: Annotated[
        bool | None,
        flag("Both movies must be there [default: yes]", "--require-movies/--no-require-movies"),
    ] = None,
    min_history_samples: Annotated[
        int | None, flag("Samples, at least [default: 30]", panel=JUDGEMENT)
    ] = None,
    min_convergence_dirs: Annotated[
        int | None, flag("Convergence bundles, at least [default: 1]", panel=JUDGEMENT)
    ] = None,
    min_t_end: Annotated[
        float | None, flag("Time reached, at least, L/v_A [default: 30]", panel=JUDGEMENT)
    ] = None,
    min_reconnected_flux_amplification: MinFlux = None,
    min_island_width_amplification: MinIsland = None,
    max_relative_energy_increase: Annotated[
        float | None,
        flag("Energy gained between samples, over E(0), at most [default: 1e-8]", panel=JUDGEMENT),
    ] = None,
    json: Json = False,
) -> None:
    """Judge a long run with its convergence. What passes is a validation and never more."""
    given = given_flags(locals(), "run_dir")
    from mhx.campaigns.rutherford.studies import validation_promotion

    options = validation_promotion.Options(**given)
    show.finish(unless_stopped(lambda: validation_promotion.check(run_dir, options)), json)


def _finish(options: "Common", json: bool) -> NoReturn:
    """Write the study, carry out its cases, judge them, and say how it went."""
    from mhx.report.progress import silenced

    with silenced(json):
        answer = unless_stopped(lambda: _answer(options))
    show.finish(answer, json)


def _answer(options: "Common") -> "Answer":
    from mhx.campaigns.rutherford.studies import bundle, flags, testbeds

    study = flags.study_of(options)
    file = testbeds.write(study)
    return bundle.standing(study) or _carried_out(study, file, options.jobs)


def _carried_out(study: "Study", file: Path, jobs: int | str | None) -> "Answer":
    """The answer of the bundle; that of the testbed where it was stopped before its end."""
    from mhx.campaigns.rutherford.studies import bundle, movies, testbeds
    from mhx.evidence.provenance import own_command
    from mhx.testbed.launcher import Options, run_testbed

    told: Sequence[str] = testbeds.nothing_shared(study)
    if study.cases:
        ran = run_testbed(file, Options(jobs=jobs or "auto"))
        if ran.exit_code not in (0, 1):
            return replace(ran, next=shlex.join(own_command()))
        told = [*told, *ran.details]  # why a case failed, which the bundle does not know
    movies.draw(study)
    answer = bundle.conclude(study)
    return replace(answer, details=[*told, *answer.details])
