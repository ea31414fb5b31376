"""How large a step the classical Runge-Kutta scheme bears, for a state and its dissipation.

    R(z) = 1 + z + z^2/2 + z^3/6 + z^4/24,    |R(z)| <= 1 for all z = dt (-d + i w),
    0 <= d <= d_max = max(eta k^2 + eta4 k^4, nu k^2),  k^2 = kx_max^2 + ky_max^2
    0 <= w <= w_max = max over the grid of kx_max (|vx| + |Bx|) + ky_max (|vy| + |By|)

with the largest *retained* wave numbers.  For dt w <= 2 sqrt 2 the stable part of a line of
constant w is one interval that starts at d = 0, and it shrinks as w grows.  So the rectangle is
stable exactly if two of its corners are: (0, w_max) and (d_max, w_max).  A test compares this with
maximising |R| over the whole boundary, where a polynomial has its maximum.

numpy only; the fields are (4, nx, ny): vx, vy, Bx, By.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mhx.errors import ConfigError
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State

if TYPE_CHECKING:
    from mhx.reconnection.config import Reconnection

AUTO = 0.5  # of dt_max: field strengths grow by about half during reconnection
EXPLICIT = 0.9  # of dt_max: the largest step that may be asked for
IMAGINARY = 2 * math.sqrt(2)  # end of the stable part of the imaginary axis


class Dissipation(Protocol):
    """eta, nu [L v_A] and eta4 [L^3 v_A]."""

    @property
    def eta(self) -> float: ...
    @property
    def nu(self) -> float: ...
    @property
    def eta4(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class TimeStep:
    """The step of a configuration against the limit of its initial state.

    source: "auto" or "given"; ratio: dt/dt_max; advance and decay: w_max and d_max [v_A/L].
    """

    dt: float
    dt_max: float
    source: str
    advance: float
    decay: float

    @property
    def ratio(self) -> float:
        return self.dt / self.dt_max

    def document(self) -> dict[str, float | str]:
        """`time_step` of the plan."""
        return {"dt": self.dt, "dt_max": self.dt_max, "ratio": self.ratio, "source": self.source}


def dt_max(w_max: float, d_max: float) -> float:
    """Largest stable step; infinite when nothing moves and nothing decays, NaN from NaN."""
    size = math.hypot(w_max, d_max)
    if not 0 < size < math.inf:
        return math.inf if size == 0 else math.nan if math.isnan(size) else 0.0
    corner = _along_ray(-d_max / size, w_max / size) / size
    return min(corner, IMAGINARY / w_max) if w_max else corner


def _along_ray(x: float, y: float) -> float:
    """Smallest t > 0 at which |R(t (x + i y))| = 1 is left, for |x + i y| = 1, x <= 0.

    |R|^2 - 1 is a polynomial in t of degree 8.  Up to t^4 it agrees with exp(2 x t) - 1, because R
    does with exp: written so, nothing cancels near the imaginary axis.
    """
    if x == 0:
        return IMAGINARY
    z = complex(x, y)
    two = 2 * x
    powers = [
        1 / 576,
        two / 144,
        2 * (z**2).real / 48 + 1 / 36,
        2 * (z**3).real / 24 + two / 12,
        two**4 / 24,
        two**3 / 6,
        two**2 / 2,
        two,
    ]
    roots = np.roots(powers)
    real = roots.real[(np.abs(roots.imag) < 1e-7) & (roots.real > 1)]
    return float(real.min())


def rates(fields: np.ndarray, grid: Grid, physics: Dissipation) -> tuple[float, float]:
    """(w_max, d_max): the fastest phase and the fastest decay of the retained modes [v_A/L]."""
    vx, vy, bx, by = np.abs(fields)
    phase = grid.kx_max * (vx + bx) + grid.ky_max * (vy + by)
    return float(phase.max()), decay_rate(grid, physics)


def decay_rate(grid: Grid, physics: Dissipation) -> float:
    """d_max: decay of the shortest retained wave [v_A/L]."""
    k2 = grid.kx_max**2 + grid.ky_max**2
    return max(physics.eta * k2 + physics.eta4 * k2**2, physics.nu * k2)


def stability_ratio(fields: np.ndarray, grid: Grid, physics: Dissipation, dt: float) -> float:
    """dt/dt_max for these fields: above 1 the scheme may blow up; infinite where fields are."""
    limit = dt_max(*rates(fields, grid, physics))
    return dt / limit if limit else math.inf


def fields_of(state: State, grid: Grid) -> np.ndarray:
    """vx, vy, Bx, By at the cell centres, (4, nx, ny)."""
    inverse = np.divide(-1.0, grid.k2, out=np.zeros_like(grid.k2), where=grid.k2 > 0)
    phi, psi = inverse * state.omega_hat, state.psi_hat
    ikx, iky = 1j * grid.kx, 1j * grid.ky
    hats = np.stack([-iky * phi, ikx * phi, iky * psi, -ikx * psi])
    return np.fft.irfft2(hats, grid.shape)


def rounded_down(value: float, digits: int = 2) -> float:
    """The largest number of so many decimal digits that is not above `value` > 0."""
    exponent = math.floor(math.log10(value)) - digits + 1
    mantissa = math.floor(value / 10.0**exponent * (1 + 1e-12))
    return float(f"{mantissa}e{exponent}")


def time_step(config: "Reconnection") -> TimeStep:
    """The step that `config` asks for, against the limit of its initial state, noise included."""
    dissipation = config.dissipation
    state = initial_state(config)
    advance, decay = rates(fields_of(state, config.grid), config.grid, dissipation)
    limit = dt_max(advance, decay)
    if not limit > 0:
        raise ConfigError(
            f"no time step is stable: fields of rate {advance:.3g} v_A/L and decay of rate "
            f"{decay:.3g} v_A/L on this grid; lower the amplitude or the dissipation"
        )
    given = config.time.dt
    if given != "auto":
        return TimeStep(dt=given, dt_max=limit, source="given", advance=advance, decay=decay)
    dt = config.time.t1 if math.isinf(limit) else rounded_down(AUTO * limit)
    return TimeStep(
        dt=min(dt, config.time.t1), dt_max=limit, source="auto", advance=advance, decay=decay
    )


def unstable(step: TimeStep) -> str | None:
    """What an explicit step above 0.9 dt_max of the initial state must be; None when it is fine."""
    if step.dt <= EXPLICIT * step.dt_max:
        return None
    most = rounded_down(EXPLICIT * step.dt_max, 3)
    return (
        f"must be <= {most:g} [L/v_A] for this initial state, got {step.dt:g}: "
        f"RK4 is stable up to {step.dt_max:.3g}, and a larger step ends in NaN"
    )


def refuse_unstable(step: TimeStep) -> None:
    """An unstable step is a fault of whoever chose it."""
    if told := unstable(step):
        raise ConfigError(f"time.dt {told}")
