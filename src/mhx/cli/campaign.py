"""`mhx campaign ...`: one function per command; its parameters are the flags.

An absent flag is None and means the library's own default, which the help tells in words.  What a
command needs is imported in its body, so that help costs no solver.  Units are Alfvenic throughout:
lengths in L, speeds in v_A, times in L/v_A, eta = 1/S, nu = 1/Re.
"""

from pathlib import Path
from typing import Annotated

import typer

from mhx.cli import show
from mhx.cli.command import TableCommand
from mhx.cli.flags import (
    DURATION,
    GRID,
    JUDGEMENT,
    OUTPUT,
    SHEET,
    WALLTIME,
    Json,
    flag,
    given_flags,
)

campaign_app = typer.Typer(
    name="campaign",
    help="Plan a long run, execute it in chunks, judge it.",
    no_args_is_help=True,
)

RunDir = Annotated[Path, typer.Argument(help="The run directory that the planner wrote.")]


@campaign_app.command("rutherford-template", cls=TableCommand)
def rutherford_template(
    *,
    outdir: Annotated[
        Path | None,
        flag("Folder to write [default: outputs/campaigns/rutherford_template]", panel=OUTPUT),
    ] = None,
    harris_growth_rate: Annotated[
        float | None,
        flag("Growth rate that sets the duration, v_A/L [default: 0.0131]", panel=DURATION),
    ] = None,
    production_efolds: Annotated[
        float | None, flag("E-folding times to cover [default: 10]", panel=DURATION)
    ] = None,
    safety_factor: Annotated[
        float | None, flag("Factor on top of them [default: 3]", panel=DURATION)
    ] = None,
    nx: Annotated[int | None, flag("Points along x [default: 128]", panel=GRID)] = None,
    ny: Annotated[int | None, flag("Points along y [default: 128]", panel=GRID)] = None,
    dt: Annotated[
        str | None,
        flag("Time step, L/v_A, or auto: half the stability limit [default: auto]", panel=GRID),
    ] = None,
    target_saved_frames: Annotated[
        int | None, flag("Saved samples to aim at, at least 10 [default: 400]", panel=GRID)
    ] = None,
    run_output_dir: Annotated[
        Path | None,
        flag(
            "Where the run itself would write; goes into the TOML "
            "[default: outputs/production/rutherford_island]",
            panel=OUTPUT,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Sketch a plan that is long enough. Always the decaying cosine sheet; nothing is run."""
    given = given_flags(locals())
    from mhx.campaigns.rutherford import template

    show.finish(template.write(template.Options(**given)), json)


@campaign_app.command("rutherford-run-fast", cls=TableCommand)
def rutherford_run_fast(
    *,
    outdir: Annotated[
        Path | None,
        flag("Folder to write [default: outputs/campaigns/rutherford_fast]", panel=OUTPUT),
    ] = None,
    nx: Annotated[int | None, flag("Points along x, at least 8 [default: 24]", panel=GRID)] = None,
    ny: Annotated[int | None, flag("Points along y, at least 8 [default: 24]", panel=GRID)] = None,
    t_end: Annotated[
        float | None, flag("End time, L/v_A; gated at 2 [default: 0.24]", panel=GRID)
    ] = None,
    dt: Annotated[
        str | None,
        flag("Time step, L/v_A; refused above the stability bound [default: 0.01]", panel=GRID),
    ] = None,
    save_every: Annotated[
        int | None,
        flag("Steps between samples; must divide t_end/dt [default: 1]", panel=GRID),
    ] = None,
    seed: Annotated[int | None, flag("Seed of the noise [default: 0]", panel=SHEET)] = None,
    seeds: Annotated[
        str | None,
        flag("Several seeds, e.g. 0,1,2; a trajectory each [default: --seed alone]", panel=SHEET),
    ] = None,
    eta: Annotated[
        float | None, flag("Resistivity 1/S, L v_A [default: 0.001]", panel=SHEET)
    ] = None,
    nu: Annotated[float | None, flag("Viscosity 1/Re, L v_A [default: 0.001]", panel=SHEET)] = None,
    noise_amplitude: Annotated[
        float | None, flag("RMS of the noise in psi, L v_A [default: 1e-6]", panel=SHEET)
    ] = None,
    gif: Annotated[bool | None, flag("Also write a movie of psi [default: no]", "--gif")] = None,
    smoke: Annotated[
        bool | None, flag("Label the result smoke instead of validation [default: no]", "--smoke")
    ] = None,
    json: Json = False,
) -> None:
    """Run a tiny trajectory, in seconds. Its histories have the names of a production run."""
    given = given_flags(locals())
    from mhx.campaigns.rutherford import fast

    show.finish(fast.run(fast.Options(**given)), json)


@campaign_app.command("rutherford-plan-production", cls=TableCommand)
def rutherford_plan_production(
    *,
    outdir: Annotated[
        Path | None,
        flag(
            "The run directory [default: outputs/campaigns/rutherford_production_plan]",
            panel=OUTPUT,
        ),
    ] = None,
    equilibrium: Annotated[
        str | None,
        flag(
            "cosine_tearing, periodic_double_harris, or periodic_double_harris_local, whose seed "
            "lies on the sheets [default: cosine_tearing]",
            panel=SHEET,
        ),
    ] = None,
    width: Annotated[
        float | None, flag("Half-width a of a sheet, L [default: 0.4]", panel=SHEET)
    ] = None,
    amplitude: Annotated[
        float | None, flag("Field A far from a sheet, v_A [default: 1]", panel=SHEET)
    ] = None,
    perturbation_amplitude: Annotated[
        float | None, flag("Coherent seed eps in psi, L v_A [default: 0.001]", panel=SHEET)
    ] = None,
    mode_x: Annotated[
        int | None, flag("Seed mode along x [default: 1; double Harris: 2]", panel=SHEET)
    ] = None,
    mode_y: Annotated[
        int | None, flag("Seed mode along y, and the diagnostic k_y [default: 1]", panel=SHEET)
    ] = None,
    eta: Annotated[
        float | None, flag("Resistivity 1/S, L v_A [default: 0.001]", panel=SHEET)
    ] = None,
    nu: Annotated[float | None, flag("Viscosity 1/Re, L v_A [default: 0.001]", panel=SHEET)] = None,
    hold_equilibrium: Annotated[
        bool | None,
        flag(
            "Keep the sheet up against resistivity, or let it diffuse "
            "[default: hold for double Harris, decaying for cosine]",
            "--hold-equilibrium/--decaying-equilibrium",
            panel=SHEET,
        ),
    ] = None,
    seed: Annotated[int | None, flag("Seed of the noise [default: 0]", panel=SHEET)] = None,
    noise_amplitude: Annotated[
        float | None, flag("RMS of the noise in psi, L v_A [default: 1e-6]", panel=SHEET)
    ] = None,
    harris_growth_rate: Annotated[
        float | None,
        flag(
            "Growth rate you expect, v_A/L; compared with the computed one "
            "[default: computed alone; cosine: 0.0131 as documented reference]",
            panel=DURATION,
        ),
    ] = None,
    production_efolds: Annotated[
        float | None, flag("E-folding times N_e to cover [default: 10]", panel=DURATION)
    ] = None,
    safety_factor: Annotated[
        float | None, flag("Factor s_f on top of them [default: 3]", panel=DURATION)
    ] = None,
    t_end: Annotated[
        float | None,
        flag("End time, L/v_A [default: safety factor * e-folds / rate]", panel=DURATION),
    ] = None,
    nx: Annotated[int | None, flag("Points along x [default: 128]", panel=GRID)] = None,
    ny: Annotated[int | None, flag("Points along y [default: 128]", panel=GRID)] = None,
    lx: Annotated[float | None, flag("Box along x, L [default: 2 pi]", panel=GRID)] = None,
    ly: Annotated[float | None, flag("Box along y, L [default: 2 pi]", panel=GRID)] = None,
    dt: Annotated[
        str | None,
        flag("Time step, L/v_A, or auto: half the stability limit [default: auto]", panel=GRID),
    ] = None,
    target_saved_frames: Annotated[
        int | None, flag("Saved samples to aim at [default: 400]", panel=GRID)
    ] = None,
    save_every: Annotated[
        int | None,
        flag("Steps between samples [default: from --target-saved-frames]", panel=GRID),
    ] = None,
    dtype: Annotated[
        str | None,
        flag("float64, or float32, which caps the level at validation [default: float64]"),
    ] = None,
    max_walltime_hours: Annotated[
        float | None, flag("Walltime of one job, h [default: 12]", panel=WALLTIME)
    ] = None,
    preemption_margin_minutes: Annotated[
        float | None, flag("Reserved at its end, min [default: 20]", panel=WALLTIME)
    ] = None,
    checkpoint_interval_minutes: Annotated[
        float | None,
        flag("Longest time between checkpoints, min [default: 30]", panel=WALLTIME),
    ] = None,
    seconds_per_step_estimate: Annotated[
        str | None,
        flag(
            "Cost of a step, s, or auto: timed here for about 2 s [default: auto]", panel=WALLTIME
        ),
    ] = None,
    min_production_resolution: Annotated[
        int | None,
        flag("Floor of min(nx, ny); below 96 it is a waiver [default: 96]", panel=JUDGEMENT),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        flag(
            "NAME=VALUE, repeatable: bound of a gate, fixed now; looser than ours is a waiver",
            panel=JUDGEMENT,
        ),
    ] = None,
    force: Annotated[
        bool | None,
        flag("Move a run of other parameters aside [default: refuse]", "--force", panel=OUTPUT),
    ] = None,
    json: Json = False,
) -> None:
    """Plan a production run and judge the plan.

    A folder with the same plan is left as it is. One with another is refused, or with --force its
    old run is moved to superseded/ first. Exit 0 if every plan gate passes, 1 if one does not.
    """
    given = given_flags(locals())
    from mhx.campaigns.rutherford import plan

    show.finish(plan.plan_production(plan.Options(**given)), json)


@campaign_app.command("rutherford-resume-plan")
def rutherford_resume_plan(
    run_dir: RunDir,
    target_step: Annotated[
        int | None, flag("Step to reach [default: the target of the plan]")
    ] = None,
    json: Json = False,
) -> None:
    """Say where the next chunk would start. Every checkpoint is verified, none is moved."""
    from mhx.campaigns.rutherford import resume

    show.finish(resume.resume_plan(run_dir, target_step), json)


@campaign_app.command("rutherford-execute")
def rutherford_execute(
    run_dir: RunDir,
    *,
    max_steps: Annotated[
        int | None,
        flag("Steps of this chunk; 0 judges again and runs nothing [default: all that remain]"),
    ] = None,
    walltime_minutes: Annotated[
        float | None,
        flag("Stop in time with a checkpoint, exit 75, min [default: no limit]", panel=WALLTIME),
    ] = None,
    keep_states: Annotated[
        int | None,
        flag(
            "Newest full states kept, besides the last and every tenth [default: 3]",
            panel=WALLTIME,
        ),
    ] = None,
    no_restart: Annotated[
        bool | None,
        flag("Exit 4 where no checkpoint is valid [default: start again]", "--no-restart"),
    ] = None,
    seed: Annotated[
        int | None, flag("Seed, until the initial state is bound [default: the plan's]")
    ] = None,
    noise_amplitude: Annotated[
        float | None,
        flag("RMS noise, L v_A, until the initial state is bound [default: the plan's]"),
    ] = None,
    movies: Annotated[
        bool | None,
        flag("Draw the movies of the whole run so far [default: no]", "--movies/--no-movies"),
    ] = None,
    allow_production_claim: Annotated[
        bool | None,
        flag(
            "Ask for the production level, or step down from it [default: neither]",
            "--allow-production-claim/--validation-claim",
            panel=JUDGEMENT,
        ),
    ] = None,
    max_relative_energy_growth: Annotated[
        float | None, flag("Bound, 1 [default: the plan's, 1e-9]", panel=JUDGEMENT)
    ] = None,
    max_divergence_linf: Annotated[
        float | None,
        flag("Bound of max |div B|, v_A/L [default: the plan's, 1e-9]", panel=JUDGEMENT),
    ] = None,
    json: Json = False,
) -> None:
    """Advance a run to its target, or by one chunk. It starts from the newest valid checkpoint."""
    given = given_flags(locals(), "run_dir")
    from mhx.campaigns.rutherford import execute

    show.finish(execute.execute(run_dir, execute.Options(json=json, **given)), json)


@campaign_app.command("rutherford-promotion-check")
def rutherford_promotion_check(
    run_dir: RunDir,
    *,
    outdir: Annotated[
        Path | None,
        flag(
            "Where the report goes; elsewhere it is a trial [default: RUN_DIR/promotion]",
            panel=OUTPUT,
        ),
    ] = None,
    convergence_dir: Annotated[
        list[Path] | None,
        flag("A convergence bundle, repeatable [default: RUN_DIR/convergence/*]"),
    ] = None,
    seed_qi_dir: Annotated[Path | None, flag("The seed bundle [default: RUN_DIR/seed_qi]")] = None,
    width_sweep_dir: Annotated[Path | None, flag("The width sweep [default: none]")] = None,
    eta_sweep_dir: Annotated[Path | None, flag("The resistivity sweep [default: none]")] = None,
    require_sweeps: Annotated[
        bool | None,
        flag("Both sweeps must pass [default: no]", "--require-sweeps/--no-require-sweeps"),
    ] = None,
    require_movies: Annotated[
        bool | None,
        flag(
            "Both movies must be there; without is a waiver [default: yes]",
            "--require-movies/--no-require-movies",
        ),
    ] = None,
    min_history_samples: Annotated[
        int | None, flag("Samples, at least [default: the plan's, 100]", panel=JUDGEMENT)
    ] = None,
    min_convergence_dirs: Annotated[
        int | None, flag("Distinct bundles, at least [default: the plan's, 2]", panel=JUDGEMENT)
    ] = None,
    max_energy_budget_residual: Annotated[
        float | None, flag("Energy budget, 1 [default: the plan's, 1e-9]", panel=JUDGEMENT)
    ] = None,
    max_divergence_linf: Annotated[
        float | None, flag("Max |div B|, v_A/L [default: the plan's, 1e-9]", panel=JUDGEMENT)
    ] = None,
    min_reconnected_flux_amplification: Annotated[
        float | None, flag("Flux, max/initial [default: the plan's, 1.05]", panel=JUDGEMENT)
    ] = None,
    min_island_width_amplification: Annotated[
        float | None, flag("Width, max/initial [default: the plan's, 1.05]", panel=JUDGEMENT)
    ] = None,
    min_linear_efolds: Annotated[
        float | None, flag("E-folds of linear growth [default: the plan's, 1]", panel=JUDGEMENT)
    ] = None,
    restart_check_max_steps: Annotated[
        int | None,
        flag("Longest stretch integrated again, steps [default: 20000]", panel=JUDGEMENT),
    ] = None,
    json: Json = False,
) -> None:
    """Say whether a run may be called production. Exit 1 if not, and what is missing is listed."""
    given = given_flags(locals(), "run_dir")
    from mhx.campaigns.rutherford import promotion

    show.finish(promotion.check(run_dir, promotion.Options(**given)), json)


@campaign_app.command("rutherford-status")
def rutherford_status(run_dir: RunDir, json: Json = False) -> None:
    """Say where a run stands and what is open. Reads only."""
    from mhx.campaigns.rutherford import status

    show.finish(status.status(run_dir), json)
