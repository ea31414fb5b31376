"""What a run starts from: an equilibrium, a coherent seed and smooth noise.

`EQUILIBRIA` is the table of the built-in ones; a package adds its own under the entry-point group
`mhx.equilibria` (a name, and an `Equilibrium`).  A one-dimensional equilibrium varies along its
`normal` and has two sheets; it may be held against resistivity.  Flux and vorticity are given as
functions of x and y in physical space, periodic by themselves.  Where the Fourier series is known
it is used, cut at the retained modes; else the function is sampled on a finer grid and cut.

psi in units of L v_A, lengths in L; B = (psi_y, -psi_x).  Nothing here knows time or dissipation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal

import numpy as np

from mhx.errors import ConfigError
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State

if TYPE_CHECKING:
    from mhx.reconnection.config import Reconnection

GROUP = "mhx.equilibria"
OVERSAMPLING = 2  # of a function without a series: what then aliases lies beyond 5/3 of the grid

CELLS_PER_SHEET = 32  # in a half-width: the upper third of the spectrum is then round-off
MOST_CELLS = 2**18
SHEAR_MODES = 512  # in which the shear of a row is measured that does not say it

Function = Callable[["Reconnection", np.ndarray, np.ndarray], np.ndarray]
Length = Callable[["Reconnection"], float]


@dataclass(frozen=True, kw_only=True)
class Equilibrium:
    """One row of the table.

    psi, omega: `f(config, x, y)`, x (n, 1), y (1, m), without seed and noise; omega None is 0.
    parameters: the keys of `[physics.equilibrium_parameters]` that it uses, with their defaults.
    normal: the direction across the sheets; None: no sheets, nothing to hold, no growth rate.
    series: `f(config, modes)`, the coefficients c_0..c_modes of psi along the normal, if known.
    envelope: `f(config, m)`, the coefficient of each mode m along the normal of a function that the
    seed is multiplied with, about the edge of the box; None: 1, so that the seed is one mode.
    sheets: where the field reverses, as fractions of the box along the normal.
    held: whether the equilibrium is kept up unless the configuration says otherwise.
    shear: |psi''| at a sheet [v_A / L]; scale: half-width a, so that it diffuses in a^2/eta [L];
    both are measured where they are not given.
    """

    purpose: str
    psi: Function
    omega: Function | None = None
    parameters: Mapping[str, float | int] = field(default_factory=dict)
    normal: Literal["x", "y"] | None = None
    series: Callable[["Reconnection", int], np.ndarray] | None = None
    envelope: Callable[["Reconnection", np.ndarray], np.ndarray] | None = None
    sheets: tuple[float, float] = (0.25, 0.75)
    held: bool = False
    shear: Length | None = None
    scale: Length | None = None


def _cosine(config: "Reconnection", x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """psi = cos(2 pi y/Ly): force-free in the plane, stable against tearing."""
    return np.cos(2 * np.pi / config.grid.ly * y) + 0 * x


def _cosine_series(config: "Reconnection", modes: int) -> np.ndarray:
    series = np.zeros(modes + 1, complex)
    series[1] = 0.5
    return series


def _log_cosh(u: np.ndarray) -> np.ndarray:
    return np.abs(u) + np.log1p(np.exp(-2 * np.abs(u))) - np.log(2)


def _double_harris(config: "Reconnection", x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """psi' = A {sum_n [tanh((x - Lx/4 - n Lx)/a) - tanh((x - 3 Lx/4 - n Lx)/a)] - 1}, psi(0) = 0.

    The sum runs over so many images that the next one is below round-off one period away.
    """
    width, amplitude = config.parameters["width"], config.parameters["amplitude"]
    lx = config.grid.lx
    reach = 3 + int(20 * width / lx)
    images = lx * np.arange(-reach, reach + 1)

    def wells(at: np.ndarray) -> np.ndarray:
        up = _log_cosh((at[..., None] - lx / 4 - images) / width)
        down = _log_cosh((at[..., None] - 3 * lx / 4 - images) / width)
        return width * (up - down).sum(axis=-1) - at

    return amplitude * (wells(x) - wells(np.zeros(1))) + 0 * y


def _double_harris_series(config: "Reconnection", modes: int) -> np.ndarray:
    """psi = -(4 pi A a/Lx) sum_odd s_m sin(k_m x)/(k_m sinh(pi k_m a/2)), s_m = 1, -1, 1, ..."""
    width, amplitude = config.parameters["width"], config.parameters["amplitude"]
    lx = config.grid.lx
    m = np.arange(1, modes + 1, 2)
    sign = 1 - 2 * (((m - 1) // 2) % 2)
    k = 2 * np.pi * m / lx
    u = np.pi * k * width / 2
    one_over_sinh = 2 * np.exp(-u) / -np.expm1(-2 * u)  # without overflow
    sine = -(4 * np.pi * amplitude * width / lx) * sign / k * one_over_sinh
    series = np.zeros(modes + 1, complex)
    series[1::2] = -0.5j * sine
    return series


def _on_both_sheets(config: "Reconnection", m: np.ndarray) -> np.ndarray:
    """exp(-((x - Lx/4)/a)^2) + exp(-((x - 3 Lx/4)/a)^2) and all images: even m alone, real."""
    width, lx = config.parameters["width"], config.grid.lx
    sign = (1 - m % 2) * (1 - m % 4)  # 1, 0, -1, 0 for m = 0, 1, 2, 3
    gauss = np.exp(-((np.pi * m * width / lx) ** 2))
    return 2 * np.sqrt(np.pi) * width / lx * sign * gauss


def _orszag_tang_psi(config: "Reconnection", x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Orszag and Tang, J. Fluid Mech. 90, 129 (1979), mirrored: x to -x."""
    kx, ky = 2 * np.pi / config.grid.lx, 2 * np.pi / config.grid.ly
    return np.cos(ky * y) + 0.5 * np.cos(2 * kx * x)


def _orszag_tang_omega(config: "Reconnection", x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """lap phi of phi = cos(kx x) + cos(ky y)."""
    kx, ky = 2 * np.pi / config.grid.lx, 2 * np.pi / config.grid.ly
    return -(kx**2) * np.cos(kx * x) - ky**2 * np.cos(ky * y)


def _zero(config: "Reconnection", x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 0 * (x + y)


def _wave_number_y(config: "Reconnection") -> float:
    return 2 * np.pi / config.grid.ly


EQUILIBRIA: dict[str, Equilibrium] = {
    "cosine_tearing": Equilibrium(
        purpose="one cosine sheet pair, normal y; stable: a path for executor and schema checks",
        psi=_cosine,
        series=_cosine_series,
        normal="y",
        sheets=(0.0, 0.5),
        parameters={
            "perturbation_amplitude": 1e-3,
            "perturbation_mode_x": 1,
            "perturbation_mode_y": 1,
        },
        shear=lambda config: _wave_number_y(config) ** 2,
        scale=lambda config: 1 / _wave_number_y(config),
    ),
    "periodic_double_harris": Equilibrium(
        purpose="two opposite Harris sheets at Lx/4 and 3 Lx/4, normal x, exactly periodic",
        psi=_double_harris,
        series=_double_harris_series,
        normal="x",
        held=True,
        parameters={
            "width": 0.4,
            "amplitude": 1.0,
            "perturbation_amplitude": 1e-3,
            "perturbation_mode_x": 2,
            "perturbation_mode_y": 1,
        },
        shear=lambda config: abs(config.parameters["amplitude"]) / config.parameters["width"],
        scale=lambda config: float(config.parameters["width"]),
    ),
    "periodic_double_harris_local": Equilibrium(
        purpose="the same sheets; a seed of width a on each of them: small islands, narrow layers",
        psi=_double_harris,
        series=_double_harris_series,
        envelope=_on_both_sheets,
        normal="x",
        held=True,
        parameters={
            "width": 0.4,
            "amplitude": 1.0,
            "perturbation_amplitude": 1e-4,
            "perturbation_mode_x": 0,
            "perturbation_mode_y": 1,
        },
        shear=lambda config: abs(config.parameters["amplitude"]) / config.parameters["width"],
        scale=lambda config: float(config.parameters["width"]),
    ),
    "orszag_tang": Equilibrium(
        purpose="a decaying vortex, E0 = 1 in the 2 pi box; no equilibrium, cannot be held",
        psi=_orszag_tang_psi,
        omega=_orszag_tang_omega,
    ),
    "zero": Equilibrium(
        purpose="nothing but the seed and the noise; for tests of diffusion",
        psi=_zero,
        parameters={
            "perturbation_amplitude": 0.0,
            "perturbation_mode_x": 1,
            "perturbation_mode_y": 1,
        },
    ),
}


def names() -> list[str]:
    """All equilibria that can be asked for; nothing is loaded."""
    return [*EQUILIBRIA, *sorted(set(entry_points(group=GROUP).names) - set(EQUILIBRIA))]


@cache
def find(name: str) -> Equilibrium | None:
    """The row of that name, None when there is none; `ConfigError` if a package's row is broken."""
    if name in EQUILIBRIA:
        return EQUILIBRIA[name]
    for point in entry_points(group=GROUP, name=name):
        try:
            row = point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                f"equilibrium {name!r}: {point.value} cannot be loaded: {error}; "
                "mend or uninstall the package that declares it"
            ) from error
        if not isinstance(row, Equilibrium):
            raise ConfigError(
                f"equilibrium {name!r}: {point.value} is of type {type(row).__name__}, "
                "expected mhx.reconnection.equilibria.Equilibrium"
            )
        return row
    return None


def profile(config: "Reconnection", modes: int) -> np.ndarray:
    """Coefficients c_0..c_modes of psi_eq along the normal.

    psi_eq = sum over m of c_m exp(i k_m s), c_-m = c_m*, s along the normal from the box edge.
    """
    row = config.equilibrium
    if row.normal is None:
        raise ConfigError(
            f"equilibrium {config.physics.equilibrium!r} has no sheets, so no profile"
        )
    if row.series is not None:
        return row.series(config, modes)
    samples = OVERSAMPLING * max(2 * modes + 1, 64)
    length = config.grid.lx if row.normal == "x" else config.grid.ly
    along = length * np.arange(samples)[:, None] / samples
    origin = np.zeros((1, 1))
    values = (
        row.psi(config, along, origin) if row.normal == "x" else row.psi(config, origin, along.T)
    )
    return np.fft.rfft(np.broadcast_to(values.ravel(), samples))[: modes + 1] / samples


def measured_shear(config: "Reconnection") -> tuple[float, float]:
    """(|psi''| at the first sheet, strongest |psi'| over that): shear and half-width of a row."""
    row = config.equilibrium
    length = config.grid.lx if row.normal == "x" else config.grid.ly
    k = 2 * np.pi / length * np.arange(SHEAR_MODES + 1)
    series = profile(config, SHEAR_MODES)
    here = np.exp(1j * k * row.sheets[0] * length)
    shear = float(abs(2 * np.real(np.sum(-(k**2) * series * here))))
    samples = 8 * SHEAR_MODES
    slope = np.fft.irfft(np.append(1j * k * series, np.zeros(samples // 2 - SHEAR_MODES)), samples)
    return shear, float(np.abs(slope).max() * samples / shear) if shear else np.inf


def equilibrium_hat(config: "Reconnection") -> np.ndarray:
    """psi without seed and noise: `rfft2` coefficients, truncated, (nx, ny//2 + 1)."""
    grid = config.grid
    if config.equilibrium.normal is None:
        return _sampled(config, config.equilibrium.psi)
    coefficients = np.zeros(grid.hat_shape, complex)
    if config.equilibrium.normal == "x":
        series = profile(config, grid.mx_max)
        coefficients[0, 0] = series[0].real
        coefficients[1 : grid.mx_max + 1, 0] = series[1:]
        coefficients[-grid.mx_max :, 0] = series[:0:-1].conj()
    else:
        coefficients[0, : grid.my_max + 1] = profile(config, grid.my_max)
    return coefficients / grid.to_origin


def initial_state(config: "Reconnection") -> State:
    """Equilibrium, seed and noise at step 0."""
    psi = equilibrium_hat(config) + seed_hat(config) + noise_hat(config)
    omega = np.zeros_like(psi)
    if config.equilibrium.omega is not None:
        omega = _sampled(config, config.equilibrium.omega)
    return State(step=0, time=0.0, psi_hat=psi, omega_hat=omega)


def seed_hat(config: "Reconnection") -> np.ndarray:
    """eps cos(2 pi mx x/Lx) cos(2 pi my y/Ly), times the envelope of the row if it has one.

    Zero where the equilibrium takes no seed; truncated like all else.
    """
    grid, row = config.grid, config.equilibrium
    coefficients = np.zeros(grid.hat_shape, complex)
    used = config.parameters
    if used.get("perturbation_amplitude"):
        in_x, in_y = (
            _wave(m, used[f"perturbation_mode_{axis}"], config, row.normal == axis)
            for m, axis in ((grid.mx[:, 0], "x"), (grid.my[0], "y"))
        )
        coefficients = used["perturbation_amplitude"] * grid.keep * np.outer(in_x, in_y)
    return coefficients / grid.to_origin


def _wave(m: np.ndarray, wave: int, config: "Reconnection", across: bool) -> np.ndarray:
    """Coefficients at the modes m of cos(wave), across the sheets times the envelope."""
    envelope = config.equilibrium.envelope if across else None
    if envelope is None:
        return ((m == wave) + 0.0 + (m == -wave)) / 2
    return (envelope(config, m - wave) + envelope(config, m + wave)) / 2


def noise_hat(config: "Reconnection") -> np.ndarray:
    """The four longest waves with random phases; RMS = the noise amplitude; psi only."""
    grid, amplitude = config.grid, config.initial.noise_amplitude
    coefficients = np.zeros(grid.hat_shape, complex)
    rng = np.random.default_rng(config.initial.seed)
    for mx in (1, 2):
        for my in (1, 2):
            phase = rng.uniform(0, 2 * np.pi)  # drawn before the coefficient
            coefficients[mx, my] = rng.normal() / 2 * np.exp(1j * phase)
    rms = np.sqrt(2 * np.sum(np.abs(coefficients) ** 2))
    return amplitude / rms * coefficients / grid.to_origin


def seed_on_sheets(config: "Reconnection") -> tuple[float, float]:
    """Amplitude that the seed has on each sheet; (1, 1) puts none on the double Harris sheets."""
    used, row = config.parameters, config.equilibrium
    mode = used.get(f"perturbation_mode_{row.normal}", 0)
    size = used.get("perturbation_amplitude", 0.0)
    first, second = (size * np.cos(2 * np.pi * mode * sheet) for sheet in row.sheets)
    return float(first), float(second)


def periodicity_error(config: "Reconnection") -> float:
    """How far the equilibrium function is from a smooth periodic one, in units of its field.

    Two things are measured at twice the resolution or finer: its values one period on, in x and in
    y; and the slope that the upper third of its spectrum holds, which is round-off for a smooth
    function.  The textbook double sheet without images fails the first, wrapped into the box the
    second: a jump at the edge is a hidden current sheet.
    """
    grid, normal = config.grid, config.equilibrium.normal
    sizes = [2 * grid.nx, 2 * grid.ny]
    if normal is not None:
        across, along = (0, 1) if normal == "x" else (1, 0)
        length = (grid.lx, grid.ly)[across]
        sheet = CELLS_PER_SHEET * length / (config.scale or length)
        sizes[across] = int(min(max(sizes[across], sheet), MOST_CELLS))
        sizes[along] = 16
    fine = Grid(sizes[0], sizes[1], grid.lx, grid.ly)
    functions = (config.equilibrium.psi, config.equilibrium.omega)
    return max(_mismatch(config, fine, function) for function in functions if function is not None)


def _mismatch(config: "Reconnection", fine: Grid, function: Function) -> float:
    x, y = fine.x[:, None], fine.y[None, :]
    here = np.broadcast_to(function(config, x, y), fine.shape)
    slopes = np.sqrt(fine.k2) * np.abs(np.fft.rfft2(here) * fine.to_origin)
    field = slopes.sum()
    if not field:
        return 0.0
    worst = slopes[~fine.keep].max()
    for shift_x, shift_y, length in ((fine.lx, 0.0, fine.lx), (0.0, fine.ly, fine.ly)):
        there = function(config, x + shift_x, y + shift_y)
        worst = max(worst, 2 * np.pi / length * np.abs(there - here).max())
    return float(worst / field)


def _sampled(config: "Reconnection", function: Function) -> np.ndarray:
    """Coefficients of a function, sampled finer than the grid and cut at its retained modes."""
    grid = config.grid
    fine = Grid(OVERSAMPLING * grid.nx, OVERSAMPLING * grid.ny, grid.lx, grid.ly)
    values = np.broadcast_to(function(config, fine.x[:, None], fine.y[None, :]), fine.shape)
    series = np.fft.rfft2(values) * fine.to_origin
    coefficients = np.zeros(grid.hat_shape, complex)
    kept = np.arange(-grid.mx_max, grid.mx_max + 1)
    coefficients[kept, : grid.my_max + 1] = series[kept, : grid.my_max + 1]
    return coefficients / grid.to_origin
