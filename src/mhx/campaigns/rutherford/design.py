"""From parameters to a run that can be executed: growth rate, duration, time step, counts, cost.

Nothing is written here.  What would make a run end in NaN is refused; all else that a plan may
lack is judged by the gates afterwards.  Lengths in L, times in L/v_A, walltime in seconds.
"""

import math
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.campaigns import plan as planning
from mhx.campaigns import resources
from mhx.campaigns.duration import (
    HARRIS_REFERENCE_RATE,
    Duration,
    choose_rate,
    need_positive,
    required_time,
)
from mhx.campaigns.plan import WalltimePolicy
from mhx.campaigns.rutherford.parameters import LONGEST, MOST, Parameters, Problem
from mhx.config import Source, parse
from mhx.errors import ConfigError, RunError
from mhx.reconnection import timestep
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import HISTORY
from mhx.reconnection.equilibria import equilibrium_hat, initial_state
from mhx.reconnection.growth import GrowthRate
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.timestep import TimeStep

COMMAND = "rutherford-plan-production"
MAX_JOBS = 10_000
SETTERS = "--production-efolds, --safety-factor or --harris-growth-rate"
"""What sets an end time that is not given."""
COSINE = "cosine_tearing"
SINGLE_RUN = "../single_run"
"""Where `mhx run campaign_config.toml` writes: beside the campaign, whose files it leaves alone."""
PROBE_TIME = 1e6  # end of a run whose length is not yet known; longer than any step
_FIELDS_OF_A_PLAN = 30  # real arrays of the grid alive at once while planning

_SHEET = "physics.equilibrium_parameters"
FLAGS = {  # key of the run file: flag of the planner
    "mesh.shape": "--nx/--ny",
    "mesh.shape.0": "--nx",
    "mesh.shape.1": "--ny",
    "mesh.upper": "--lx/--ly",
    "mesh.upper.0": "--lx",
    "mesh.upper.1": "--ly",
    "time.t1": "--t-end",
    "time.dt": "--dt",
    "time.save_every": "--save-every",
    "physics.equilibrium": "--equilibrium",
    "physics.resistivity": "--eta",
    "physics.viscosity": "--nu",
    f"{_SHEET}.width": "--width",
    f"{_SHEET}.amplitude": "--amplitude",
    f"{_SHEET}.perturbation_amplitude": "--perturbation-amplitude",
    f"{_SHEET}.perturbation_mode_x": "--mode-x",
    f"{_SHEET}.perturbation_mode_y": "--mode-y",
    "diagnostics.mode": "--mode-x/--mode-y",
    "initial.seed": "--seed",
    "initial.noise_amplitude": "--noise-amplitude",
}


@dataclass(frozen=True, kw_only=True)
class Design:
    """One run, thought through."""

    asked: Parameters
    config: Reconnection
    growth: GrowthRate
    duration: Duration
    step: TimeStep
    steps: int
    save_every: int
    policy: WalltimePolicy
    device: str
    resource_estimate: dict[str, Any]


def design(asked: Parameters, folder: Path) -> Design:
    """Everything that follows from the parameters; a ConfigError where nothing can follow."""
    free = resources.room(folder)
    _can_be_planned_here(asked, free)
    step = stable_step(asked)
    growth = growth_rate(_probe(asked))
    rate = choose_rate(
        computed=growth.gamma,
        declared=asked.harris_growth_rate,
        reference=HARRIS_REFERENCE_RATE if asked.equilibrium == COSINE else None,
    )
    efolds, factor = asked.production_efolds, asked.safety_factor
    t_end = asked.t_end or required_time(need_positive(rate), efolds, factor)
    steps = countable(t_end, step.dt, COMMAND, "--t-end" if asked.t_end else SETTERS)
    save_every = asked.save_every or planning.stride(steps, asked.target_saved_frames)
    t1 = steps * step.dt
    config = configuration(
        asked,
        dt=step.dt,
        t1=t1,
        save_every=save_every,
        window=fit_window(rate.used, save_every * step.dt, t1),
    )
    seconds, source, device = _cost(asked, config)
    policy = asked.policy(seconds, source)
    _can_be_queued(asked, policy, steps)
    needs = resources.Needs(
        shape=config.grid.shape,
        samples=planning.samples(steps, save_every),
        checkpoints=math.ceil(steps / policy.checkpoint_every_steps(steps)),
    )
    return Design(
        asked=asked,
        config=config,
        growth=growth,
        duration=Duration(
            t_end=t1,
            rate=rate,
            efolds=efolds,
            safety_factor=factor,
            diffusion_time=_diffusion_time(config),
        ),
        step=step,
        steps=steps,
        save_every=save_every,
        policy=policy,
        device=device,
        resource_estimate={
            **resources.estimate(needs, free),
            "seconds": steps * seconds,
            "device": device,
            "source": source,
        },
    )


def configuration(
    asked: Problem,
    *,
    dt: float | str,
    t1: float,
    save_every: int,
    window: tuple[float, float] | None = None,
    command: str = COMMAND,
) -> Reconnection:
    """`run_file` as a checked table; its faults name the flags of the command."""
    data = run_file(asked, dt=dt, t1=t1, save_every=save_every, window=window)
    return parse(Reconnection, data, Source(command, flags=FLAGS))


def run_file(
    asked: Problem,
    *,
    dt: float | str,
    t1: float,
    save_every: int,
    window: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """The ordinary run file of what is asked for, not checked yet."""
    seed = {
        "perturbation_amplitude": asked.perturbation_amplitude,
        "perturbation_mode_x": asked.mode_x,
        "perturbation_mode_y": asked.mode_y,
    }
    sheet = {
        name: asked.row.parameters[name] if value is None else value
        for name, value in (("width", asked.width), ("amplitude", asked.amplitude))
        if name in asked.row.parameters
    }
    return {
        "name": "rutherford_production",
        "output_dir": SINGLE_RUN,
        "workflow": {"mode": "reconnection"},
        "mesh": {
            "shape": [asked.nx, asked.ny],
            "lower": [0.0, 0.0],
            "upper": [asked.lx, asked.ly],
            "periodic": [True, True],
        },
        "time": {"t0": 0.0, "t1": t1, "dt": dt, "save_every": save_every},
        "physics": {
            "model": "reduced_mhd",
            "equilibrium": asked.equilibrium,
            "equilibrium_parameters": {**seed, **sheet},
            "resistivity": asked.eta,
            "viscosity": asked.nu,
            "hyper_resistivity": 0.0,
            "hold_equilibrium": asked.hold_equilibrium,
        },
        "initial": {"seed": asked.seed, "noise_amplitude": asked.noise_amplitude},
        "numerics": {
            "spatial_method": "pseudo_spectral",
            "dealiasing": "two_thirds",
            "time_integrator": "rk4",
            "dtype": asked.dtype,
        },
        "diagnostics": {
            "quantities": list(HISTORY),
            "mode": [asked.mode_x, asked.mode_y],
            **({} if window is None else {"fit_time_window": list(window)}),
        },
    }


def _probe(asked: Parameters) -> Reconnection:
    """The configuration while its length is not yet known."""
    t1 = PROBE_TIME if asked.dt == "auto" else min(10 * float(asked.dt), LONGEST)
    return configuration(asked, dt=asked.dt, t1=t1, save_every=1)


def _can_be_planned_here(asked: Parameters, free: resources.Room) -> None:
    needed = _FIELDS_OF_A_PLAN * resources.REAL * asked.nx * asked.ny
    if needed > free.memory:
        raise RunError(
            f"planning --nx {asked.nx} --ny {asked.ny} needs {needed / 2**30:.1f} GiB of memory, "
            f"{free.memory / 2**30:.1f} GiB are free here; plan on a larger machine"
        )


def _can_be_queued(asked: Parameters, policy: WalltimePolicy, steps: int) -> None:
    """`job_array.json` has a row for each job."""
    per_job = policy.steps_per_walltime_job(steps)
    if steps > MAX_JOBS * per_job:
        raise ConfigError(
            f"{COMMAND}: {steps} steps of {policy.seconds_per_step_estimate:g} s are "
            f"{math.ceil(steps / per_job):.3g} jobs, at most {MAX_JOBS} can be listed; raise "
            f"--max-walltime-hours (now {asked.max_walltime_hours:g}), lower "
            f"--preemption-margin-minutes (now {asked.preemption_margin_minutes:g}) or "
            "--seconds-per-step-estimate, or plan a shorter run"
        )


def stable_step(asked: Parameters, command: str = COMMAND) -> TimeStep:
    """The step asked for; above 0.9 dt_max it ends in NaN and is refused."""
    step = _probe(asked).time_step
    if step.dt > timestep.EXPLICIT * step.dt_max:
        largest = timestep.rounded_down(timestep.EXPLICIT * step.dt_max, 3)
        raise ConfigError(
            f"{command}: --dt must be <= {largest:g} [L/v_A] on this grid, got {step.dt:g}: RK4 is "
            f"stable up to {step.dt_max:.4g} for this initial state; --dt auto takes half of that"
        )
    return step


def countable(t_end: float, dt: float, command: str, setters: str) -> int:
    """Whole steps to the end time, as many as can be numbered; `setters`: the flags that set it."""
    if t_end > LONGEST or not t_end / dt < MOST:
        raise ConfigError(
            f"{command}: an end time of {t_end:g} [L/v_A] is {t_end / dt:.3g} steps of {dt:g}; it "
            f"must be <= {LONGEST:g} and fewer than {MOST:g} steps; change {setters}, or --dt"
        )
    return planning.steps_to(t_end, dt)


def fit_window(rate: float | None, interval: float, t1: float) -> tuple[float, float]:
    """The early fit window, which feeds the legacy numbers alone [L/v_A]."""
    return 0.0, t1 if rate is None else min(t1, max(3 * interval, 2 / rate))


def _diffusion_time(config: Reconnection) -> float | None:
    if config.scale is None or not config.physics.resistivity:
        return None
    return float(config.scale**2 / config.physics.resistivity)


def _cost(asked: Parameters, config: Reconnection) -> tuple[float, str, str]:
    """Seconds per step, where that comes from, and on which device."""
    if asked.seconds_per_step_estimate != "auto":
        return float(asked.seconds_per_step_estimate), "given", platform.machine()
    # Late: JAX is needed for the measurement alone.
    from mhx.reconnection.solver import Physics, Solver, seconds_per_step  # noqa: PLC0415

    held = equilibrium_hat(config) if config.held else None
    physics = Physics(eta=asked.eta, nu=asked.nu, held=held)
    solver = Solver(config.grid, physics, config.dt, asked.dtype)
    return seconds_per_step(solver, initial_state(config)), "measured", solver.device
