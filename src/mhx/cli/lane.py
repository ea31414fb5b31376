"""`mhx campaign production-lane`: a whole campaign from one command; its parameters are the flags.

An absent flag is None and means the library's own default, which the help tells in words.
"""

from pathlib import Path
from typing import Annotated

import typer

from mhx.cli import show
from mhx.cli.command import TableCommand
from mhx.cli.flags import DURATION, GRID, JUDGEMENT, SHEET, WALLTIME, Json, flag
from mhx.cli.stopped import unless_stopped

STUDIES, LANE = "Evidence", "The lane"


def register(campaign: typer.Typer) -> None:
    """Add the command to its group."""
    told = "From a plan to a claim, in one command."
    campaign.command("production-lane", cls=TableCommand, short_help=told)(production_lane)


def production_lane(
    *,
    outdir: Annotated[
        Path | None,
        flag(
            "Root of the lane [default: outputs/campaigns/nonlinear_production_campaign]",
            panel=LANE,
        ),
    ] = None,
    execute: Annotated[
        bool | None,
        flag("Carry the commands out [default: list them only]", "--execute", panel=LANE),
    ] = None,
    dry_run: Annotated[
        bool | None, flag("List them only, as without --execute", "--dry-run", panel=LANE)
    ] = None,
    restart: Annotated[
        bool | None,
        flag("Skip nothing that passed before [default: skip it]", "--restart", panel=LANE),
    ] = None,
    jobs: Annotated[
        str | None, flag("Cases at a time, or auto: one per CPU [default: auto]", panel=LANE)
    ] = None,
    python_executable: Annotated[
        str | None, flag("Python that runs the commands [default: this one]", panel=LANE)
    ] = None,
    timeout_seconds: Annotated[
        float | None, flag("Limit of an expensive command, s [default: 43200]", panel=LANE)
    ] = None,
    gate_timeout_seconds: Annotated[
        float | None, flag("Limit of every other command, s [default: 1800]", panel=LANE)
    ] = None,
    grace_seconds: Annotated[
        float | None, flag("Between asking to end and killing, s [default: 60]", panel=LANE)
    ] = None,
    equilibrium: Annotated[
        str | None,
        flag(
            "periodic_double_harris or cosine_tearing [default: periodic_double_harris]",
            panel=SHEET,
        ),
    ] = None,
    hold_equilibrium: Annotated[
        bool | None,
        flag(
            "Keep the sheet up against resistivity, or let it diffuse "
            "[default: hold for double Harris, decaying for cosine]",
            "--hold-equilibrium/--decaying-equilibrium",
            panel=SHEET,
        ),
    ] = None,
    width: Annotated[
        float | None, flag("Half-width a of a sheet, L [default: 0.36]", panel=SHEET)
    ] = None,
    eta: Annotated[
        float | None, flag("Resistivity 1/S, L v_A [default: 0.0045]", panel=SHEET)
    ] = None,
    nu: Annotated[
        float | None, flag("Viscosity 1/Re, L v_A [default: as --eta]", panel=SHEET)
    ] = None,
    perturbation_amplitude: Annotated[
        float | None, flag("Coherent seed eps in psi, L v_A [default: 0.004]", panel=SHEET)
    ] = None,
    mode_x: Annotated[
        int | None, flag("Seed mode along x [default: 2; cosine: 1]", panel=SHEET)
    ] = None,
    mode_y: Annotated[
        int | None, flag("Seed mode along y, the diagnostic k_y [default: 1]", panel=SHEET)
    ] = None,
    noise_amplitude: Annotated[
        float | None, flag("RMS of the noise in psi, L v_A [default: 1e-6]", panel=SHEET)
    ] = None,
    harris_growth_rate: Annotated[
        float | None,
        flag(
            "Growth rate that sets the duration, v_A/L; the plan holds it against the computed one "
            "[default: computed]",
            panel=DURATION,
        ),
    ] = None,
    production_efolds: Annotated[
        float | None, flag("E-folding times N_e to cover [default: 10]", panel=DURATION)
    ] = None,
    safety_factor: Annotated[
        float | None, flag("Factor s_f on top of them [default: 3]", panel=DURATION)
    ] = None,
    nx: Annotated[int | None, flag("Points along x [default: 256]", panel=GRID)] = None,
    ny: Annotated[int | None, flag("Points along y [default: 256]", panel=GRID)] = None,
    dt: Annotated[
        str | None,
        flag("Time step, L/v_A, or auto: stable in every stage [default: auto]", panel=GRID),
    ] = None,
    target_saved_frames: Annotated[
        int | None, flag("Saved samples to aim at, at least 3 [default: 400]", panel=GRID)
    ] = None,
    save_every: Annotated[
        int | None, flag("Steps between samples [default: from the frames]", panel=GRID)
    ] = None,
    save_interval: Annotated[
        float | None, flag("The same as a time, L/v_A [default: from the frames]", panel=GRID)
    ] = None,
    fit_stop: Annotated[
        float | None,
        flag("End of the early fit, L/v_A [default: max(3 samples, 2/gamma)]", panel=GRID),
    ] = None,
    convergence_resolutions: Annotated[
        str | None, flag("Grids of the first ladder [default: 128,192,256]", panel=STUDIES)
    ] = None,
    crosscheck_resolutions: Annotated[
        str | None, flag("Grids of the second [default: 160,224,256]", panel=STUDIES)
    ] = None,
    dt_values: Annotated[
        str | None, flag("Steps of the first, L/v_A [default: dt,dt/2,dt/4]", panel=STUDIES)
    ] = None,
    crosscheck_dt_values: Annotated[
        str | None, flag("Steps of the second, L/v_A [default: dt,dt/2,dt/4]", panel=STUDIES)
    ] = None,
    seeds: Annotated[
        str | None, flag("Seeds of the ensemble [default: 0,1,2,3,4,5,6,7]", panel=STUDIES)
    ] = None,
    qi_noise_amplitude: Annotated[
        float | None, flag("RMS of their noise, L v_A [default: 0.05 eps]", panel=STUDIES)
    ] = None,
    widths: Annotated[
        str | None, flag("Widths to compare, L [default: 0.32,0.36,0.40]", panel=STUDIES)
    ] = None,
    etas: Annotated[
        str | None,
        flag("Resistivities to compare, L v_A [default: 0.006,0.0045,0.003]", panel=STUDIES),
    ] = None,
    viscosities: Annotated[
        str | None, flag("Their viscosities, L v_A [default: as --etas]", panel=STUDIES)
    ] = None,
    max_walltime_hours: Annotated[
        float | None, flag("Walltime of one job, h [default: 12]", panel=WALLTIME)
    ] = None,
    preemption_margin_minutes: Annotated[
        float | None, flag("Reserved at its end, min [default: 20]", panel=WALLTIME)
    ] = None,
    checkpoint_interval_minutes: Annotated[
        float | None, flag("Longest time between checkpoints, min [default: 30]", panel=WALLTIME)
    ] = None,
    seconds_per_step_estimate: Annotated[
        str | None, flag("Cost of a step, s, or auto: timed here [default: auto]", panel=WALLTIME)
    ] = None,
    min_production_resolution: Annotated[
        int | None,
        flag("Floor of min(nx, ny); below 96 it is a waiver [default: 128]", panel=JUDGEMENT),
    ] = None,
    max_energy_budget_residual: Annotated[
        float | None, flag("Energy budget, 1 [default: 1e-9]", panel=JUDGEMENT)
    ] = None,
    max_relative_energy_growth: Annotated[
        float | None, flag("Energy gained per sample, 1 [default: 1e-9]", panel=JUDGEMENT)
    ] = None,
    max_relative_energy_increase: Annotated[
        float | None, flag("The same of the evidence, 1 [default: 1e-8]", panel=JUDGEMENT)
    ] = None,
    max_divergence_linf: Annotated[
        float | None, flag("Max |div B|, v_A/L [default: 1e-9]", panel=JUDGEMENT)
    ] = None,
    min_history_samples: Annotated[
        int | None, flag("Samples, at least [default: 100]", panel=JUDGEMENT)
    ] = None,
    min_reconnected_flux_amplification: Annotated[
        float | None, flag("Flux, max/initial, at least 1 [default: 1.05]", panel=JUDGEMENT)
    ] = None,
    min_island_width_amplification: Annotated[
        float | None, flag("Width, max/initial, at least 1 [default: 1.05]", panel=JUDGEMENT)
    ] = None,
    json: Json = False,
) -> None:
    """List every command from a plan to a claim, or carry them out with --execute.

    Eleven commands: plan, long run, two convergence ladders, two sweeps, seeds, the run itself, two
    checks, the claim. Running it again skips what passed and goes on with the rest. A stage whose
    gates fail does not end the lane: a bad case ends as a validation with everything named.
    """
    given = dict(locals())
    from mhx.campaigns.rutherford.lane import conduct, flags

    show.finish(unless_stopped(lambda: conduct.conduct(flags.Options(**given))), json)
