"""One duration, one time step and one cadence for all stages of a lane.

    t_end         = N_e s_f / gamma
    save_every    = ceil(ceil(t_end/dt) / target_saved_frames)      unless given
    save_interval = save_every dt
    fit_stop      = min(t_end, max(3 save_interval, 2/gamma))       unless given

`dt = "auto"` is stable in every case of every stage: the finest grid, the largest eta and nu of the
sweeps.  Each stage integrates to t1 = steps dt, which dt/2 and dt/4 reach as well.  Times in L/v_A,
rates in v_A/L.  Nothing is written here.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mhx.campaigns.duration import (
    HARRIS_REFERENCE_RATE,
    Duration,
    Rate,
    choose_rate,
    need_positive,
    required_time,
)
from mhx.campaigns.rutherford import design
from mhx.campaigns.rutherford.lane.flags import COMMAND, Lane
from mhx.campaigns.rutherford.parameters import MOST
from mhx.errors import ConfigError
from mhx.reconnection.config import Reconnection
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.timestep import TimeStep

_PROBE_TIME = 1e6  # end of a run whose length is not yet known; longer than any step
_WHOLE = 1e-9  # of a step
_HALVINGS = (1, 2, 4)


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """How long, how often, and where the early fit ends.  t_end is what was asked for."""

    dt: float
    t_end: float
    steps: int
    save_every: int
    fit_stop: float

    @property
    def t1(self) -> float:
        """The end time in whole steps."""
        return self.steps * self.dt

    @property
    def save_interval(self) -> float:
        return self.save_every * self.dt


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run of the lane, as far as its cost and its stability go.

    stage: id of the command that computes it; key: equal for runs that are computed once.
    """

    stage: str
    asked: Lane
    dt: float
    movies: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        return self.asked.nx, self.asked.ny

    @property
    def key(self) -> tuple[object, ...]:
        table = self.asked
        physics = (table.width, table.eta, table.nu, table.seed, table.noise_amplitude)
        return (*self.shape, self.dt, *physics, self.movies)


@dataclass(frozen=True, kw_only=True)
class LaneDesign:
    """A lane, thought through.  ratio: the largest dt over dt_max of any case [1]."""

    asked: Lane
    duration: Duration
    cadence: Cadence
    dt_values: tuple[float, ...]
    crosscheck_dt_values: tuple[float, ...]
    ratio: float

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every run that the commands ask for, in their order, equal ones included."""
        return tuple(_cases(self.asked, self.cadence.dt, self.dt_values, self.crosscheck_dt_values))


def cadence(rate: float, asked: Lane, dt: float) -> Cadence:
    """The derived values of a lane from its growth rate and its time step."""
    t_end = required_time(rate, asked.production_efolds, asked.safety_factor)
    steps = design.countable(t_end, dt, COMMAND, design.SETTERS)
    stride = _stride(asked, steps, dt)
    window = max(3 * stride * dt, 2 / rate)
    return Cadence(
        dt=dt,
        t_end=t_end,
        steps=steps,
        save_every=stride,
        fit_stop=min(t_end, window) if asked.fit_stop is None else asked.fit_stop,
    )


def _stride(asked: Lane, steps: int, dt: float) -> int:
    """Steps between samples: given as steps, as a time, or by the number of samples."""
    if asked.save_interval is None:
        return asked.save_every or math.ceil(steps / asked.target_saved_frames)
    stride = asked.save_interval / dt
    whole = max(1, round(stride))
    if abs(stride - whole) > _WHOLE * whole or asked.save_every not in (None, whole):
        other = "" if asked.save_every is None else f" and --save-every {asked.save_every}"
        raise ConfigError(
            f"{COMMAND}: --save-interval {asked.save_interval:g} is {stride:.6g} steps of "
            f"{dt:g}{other}; all stages share one cadence of whole steps: give --save-every alone"
        )
    return whole


def think(asked: Lane) -> LaneDesign:
    """Everything that follows from the flags; a ConfigError where nothing can follow."""
    dt, ratio = _step(asked)
    rate = _rate(asked)
    made = cadence(need_positive(rate), asked, dt)
    _refuse_uncountable(asked, made.t_end)
    config = configured(asked, dt)
    scale, eta = config.scale, asked.eta
    return LaneDesign(
        asked=asked,
        duration=Duration(
            t_end=made.t1,
            rate=rate,
            efolds=asked.production_efolds,
            safety_factor=asked.safety_factor,
            diffusion_time=scale**2 / eta if scale and eta else None,
        ),
        cadence=made,
        dt_values=asked.dt_values or _halved(dt),
        crosscheck_dt_values=asked.crosscheck_dt_values or _halved(dt),
        ratio=ratio,
    )


def _refuse_uncountable(asked: Lane, t_end: float) -> None:
    for flag, steps in (
        ("--dt-values", asked.dt_values),
        ("--crosscheck-dt-values", asked.crosscheck_dt_values),
    ):
        shortest = min(steps or (t_end,))
        if not t_end / shortest < MOST:
            raise ConfigError(
                f"{COMMAND}: {flag} must reach {t_end:g} [L/v_A] in fewer than {MOST:g} steps, "
                f"got {shortest:g}"
            )


def _rate(asked: Lane) -> Rate:
    """The declared rate where there is one: the plan's duration gate holds it against the other."""
    computed = growth_rate(configured(asked, "auto")).gamma
    declared = asked.harris_growth_rate
    if declared is not None:
        return Rate(used=declared, source="declared", computed=computed, declared=declared)
    reference = HARRIS_REFERENCE_RATE if asked.equilibrium == design.COSINE else None
    return choose_rate(computed=computed, declared=None, reference=reference)


def configured(asked: Lane, dt: float | str) -> Reconnection:
    """The run file of one case, of no particular length."""
    t1 = _PROBE_TIME if dt == "auto" else 10 * float(dt)
    return design.configuration(asked, dt=dt, t1=t1, save_every=1, command=COMMAND)


def _step(asked: Lane) -> tuple[float, float]:
    """The step of all stages, and the largest ratio of a step to the limit of its case."""
    limits: dict[object, TimeStep] = {}
    for case in _cases(asked, 0.0, asked.dt_values, asked.crosscheck_dt_values):
        if _start(case) not in limits:
            limits[_start(case)] = configured(case.asked, "auto").time_step
    dt = min(limit.dt for limit in limits.values()) if asked.dt == "auto" else float(asked.dt)
    ladders = (asked.dt_values or _halved(dt), asked.crosscheck_dt_values or _halved(dt))
    ratio = max(case.dt / limits[_start(case)].dt_max for case in _cases(asked, dt, *ladders))
    return dt, ratio


def _start(case: Case) -> object:
    """What decides the stability of a case: all but its step."""
    return case.key[:2], case.key[3:]


def _halved(dt: float) -> tuple[float, ...]:
    return tuple(dt / part for part in _HALVINGS)


def _cases(
    asked: Lane, dt: float, main: tuple[float, ...], crosscheck: tuple[float, ...]
) -> Iterator[Case]:
    yield Case(stage="double_harris_long_run", asked=asked, dt=dt, movies=True)
    ladders = (
        ("double_harris_convergence_main", asked.convergence_resolutions, main),
        ("double_harris_convergence_crosscheck", asked.crosscheck_resolutions, crosscheck),
    )
    for stage, resolutions, steps in ladders:
        for points in resolutions:
            yield Case(stage=stage, asked=_changed(asked, nx=points, ny=points), dt=dt)
        coarse = min(resolutions)
        for step in steps:
            yield Case(stage=stage, asked=_changed(asked, nx=coarse, ny=coarse), dt=step)
    for width in asked.widths:
        yield Case(stage="double_harris_width_sweep", asked=_changed(asked, width=width), dt=dt)
    for eta, nu in zip(asked.etas, asked.viscosities, strict=True):
        changed = _changed(asked, eta=eta, nu=nu)
        yield Case(stage="double_harris_eta_lundquist_sweep", asked=changed, dt=dt)
    for seed in asked.seeds:
        noisy = _changed(asked, seed=seed, noise_amplitude=asked.qi_noise_amplitude)
        yield Case(stage="seed_qi", asked=noisy, dt=dt)
    yield Case(stage="rutherford_execute", asked=asked, dt=dt, movies=True)


def _changed(asked: Lane, **values: float | int) -> Lane:
    return asked.model_copy(update=values)
