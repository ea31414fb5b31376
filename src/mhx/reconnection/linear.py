"""The growth rate of the configured equilibrium: an eigen-solve in Fourier space, nothing sampled.

    gamma psi   = i k p phi + eta L psi - eta4 L^2 psi           L = d_ss - k^2,  p = psi_eq'(s)
    gamma omega = i k (p L - p'') psi + nu L omega               omega = L phi

s runs along the normal, from a mid-plane between the sheets, k along them.  With K^2 = -L and
phi = -i chi, b = K psi and u = K chi are the two halves of the energy, and the problem is

    gamma b = k K p K^-1 u - (eta K^2 + eta4 K^4) b
    gamma u = -k K^-1 (p K^2 + p'') K^-1 b - nu K^2 u

real where p is even about the mid-plane: then even and odd functions separate, two branches, and
where p has odd harmonics only each of them once more.  Dense while that is cheap, else shift and
invert from the rate found with half the modes.  A residual is in units of |gamma| + k max |p|.  The
sheet is frozen: in a decaying run the rate is that of its first instant.
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import linalg

from mhx.errors import ConfigError
from mhx.reconnection import equilibria
from mhx.reconnection.growth import DOUBLING, GrowthRate, Mode
from mhx.reconnection.outer import current_curvature, delta_prime

if TYPE_CHECKING:
    from mhx.reconnection.config import Reconnection

BRANCHES: tuple[Literal["even", "odd"], ...] = ("even", "odd")
FEWEST, MOST = 32, 1024  # modes +-m of the psi and phi expansions
DENSE = 400  # unknowns up to which all eigenvalues are asked for
SHORTEST = 1.2  # k a up to which other waves of the box are looked at
OTHER_WAVES = 16  # of the spectrum, spread evenly where the box holds more
FLOOR = 1e-6  # of k max |p|: a rate below it counts as marginal, its error is taken against this


@dataclass(frozen=True)
class Sheet:
    """What the eigen-problem reads of a configuration, apart from the wave number.

    field: coefficients p_0..p_2M about the mid-plane; wave: 2 pi/length, of one mode number.
    """

    field: np.ndarray
    wave: float
    eta: float
    nu: float
    eta4: float

    @property
    def even(self) -> bool:
        """p is even about the mid-plane, so that its coefficients are real."""
        return bool(np.abs(self.field.imag).max() <= 1e-10 * np.abs(self.field).max())

    @property
    def alternating(self) -> bool:
        """p has odd harmonics only."""
        return bool(np.abs(self.field[::2]).max() <= 1e-12 * np.abs(self.field).max())


def growth_rate(config: "Reconnection") -> GrowthRate:
    """Solve for the followed mode of `config`; ConfigError where there is no sheet."""
    k = config.wave_number
    if k is None:
        raise ConfigError(
            f"equilibrium {config.physics.equilibrium!r} has no sheets, so no growth rate; "
            "choose one that has, for example periodic_double_harris"
        )
    modes, best, change = _converged(config, k)
    leading = _first(best)
    seeded = _seed_parity(config, leading.parity)
    steep: dict[str, float | None] = {branch: delta_prime(config, k, branch) for branch in BRANCHES}
    delta_eta, delta_visc = _layer_widths(config, k, leading.gamma)
    jump = steep.get(seeded)
    own = _row(config.mode[_along(config)], k, modes, change) | leading.document()
    spectrum, complete = _spectrum(config, own)
    known = [row for row in spectrum if row["change_on_doubling"] <= DOUBLING] or [own]
    return GrowthRate(
        gamma=leading.gamma,
        frequency=leading.frequency,
        parity=leading.parity,
        residual=leading.residual,
        k=k,
        mode_along=own["mode_along"],
        frozen=not config.held,
        modes=modes,
        change_on_doubling=change,
        branches={parity: mode.document() for parity, mode in best.items()},
        spectrum=spectrum,
        spectrum_complete=complete,
        fastest=max(known, key=lambda row: row["gamma"]),
        grid_gamma=_on_the_grid(config, k, best),
        equilibrium_tail=equilibrium_tail(config),
        seed_parity=seeded,
        delta_prime_even=steep["even"],
        delta_prime_odd=steep["odd"],
        delta_eta=delta_eta,
        delta_visc=delta_visc,
        constant_psi_parameter=None if jump is None else jump * max(delta_eta, delta_visc),
        current_curvature=current_curvature(config),
        leading=leading,
    )


def _converged(config: "Reconnection", k: float) -> tuple[int, dict[str, Mode], float]:
    """Double the modes until the leading rate stays: modes, best of each parity, last change."""
    modes = FEWEST
    wanted = min(6 / ((config.scale or 1.0) * _wave(config)), MOST / 2)
    while modes < wanted:
        modes *= 2
    best, change = _leading_modes(sheet_of(config, modes), k, {}), math.inf
    while modes < MOST and not change <= DOUBLING:
        modes *= 2
        sheet, before = sheet_of(config, modes), _first(best).gamma
        best = _leading_modes(sheet, k, best)
        after = _first(best).gamma
        scale = max(abs(after), FLOOR * k * _strongest(sheet))
        change = abs(after - before) / scale if scale else 0.0
    return modes, best, change


def sheet_of(config: "Reconnection", modes: int, kept: int | None = None) -> Sheet:
    """The sheet for an expansion in so many modes; of p only the `kept` ones, or all of them."""
    wave = _wave(config)
    first, second = config.equilibrium.sheets
    middle = (first + second - 1) * np.pi  # phase of the mid-plane, whatever the length
    m = np.arange(2 * modes + 1)
    field = 1j * wave * m * equilibria.profile(config, 2 * modes) * np.exp(1j * m * middle)
    if kept is not None:
        field[kept + 1 :] = 0
    by = config.dissipation
    return Sheet(field, wave, by.eta, by.nu, by.eta4)


def _along(config: "Reconnection") -> int:
    return 1 if config.equilibrium.normal == "x" else 0


def _wave(config: "Reconnection") -> float:
    """Wave number of mode 1 across the sheets."""
    return 2 * np.pi / (config.grid.ly, config.grid.lx)[_along(config)]


def _strongest(sheet: Sheet) -> float:
    """A bound of |p|, close to its maximum for a sheet."""
    return float(2 * np.abs(sheet.field).sum())


def _leading_modes(sheet: Sheet, k: float, guesses: dict[str, Mode]) -> dict[str, Mode]:
    """The fastest mode of each parity; `guesses` are those of a coarser expansion."""
    best: dict[str, Mode] = {}
    for parity, psi, phi, matrix in _blocks(sheet, k):
        guess = guesses.get(parity)
        if guess is not None and len(matrix) > DENSE and guess.psi_modes[0] != psi[0]:
            continue  # the slower half of this parity
        scale = k * _strongest(sheet)
        gamma, vector, residual = _leading(matrix, scale, guess)
        if parity not in best or gamma.real > best[parity].gamma:
            best[parity] = Mode(
                gamma=float(gamma.real),
                frequency=float(abs(gamma.imag)),
                parity=parity,
                residual=residual,
                psi_modes=psi,
                phi_modes=phi,
                vector=vector,
            )
    return best


def _blocks(sheet: Sheet, k: float) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Parity, mode numbers of psi and of phi, matrix: the parts into which the problem falls."""
    most = (len(sheet.field) - 1) // 2
    if not sheet.even:
        m = np.arange(-most, most + 1)
        yield "none", m, m, _matrix(sheet, k, m, m, 0)
        return
    for parity, sign in (("even", 1), ("odd", -1)):
        m = np.arange(0 if sign == 1 else 1, most + 1)
        if not sheet.alternating:
            yield parity, m, m, _matrix(sheet, k, m, m, sign)
            continue
        for psi, phi in ((m[::2], m[1::2]), (m[1::2], m[::2])):
            yield parity, psi, phi, _matrix(sheet, k, psi, phi, sign)


def _matrix(sheet: Sheet, k: float, psi: np.ndarray, phi: np.ndarray, sign: int) -> np.ndarray:
    """The eigen-problem in (b, u) over the given mode numbers; sign: parity, 0 for none."""
    k_psi = np.sqrt((sheet.wave * psi) ** 2 + k**2)
    k_phi = np.sqrt((sheet.wave * phi) ** 2 + k**2)
    bend = -((sheet.wave * np.arange(len(sheet.field))) ** 2) * sheet.field
    to_psi = _product(sheet.field, psi, phi, sign)
    to_phi, bent = (_product(series, phi, psi, sign) for series in (sheet.field, bend))
    return np.block(
        [
            [
                np.diag(-(sheet.eta * k_psi**2 + sheet.eta4 * k_psi**4)),
                k * k_psi[:, None] * to_psi / k_phi,
            ],
            [
                -k / k_phi[:, None] * (to_phi * k_psi**2 + bent) / k_psi,
                np.diag(-sheet.nu * k_phi**2),
            ],
        ]
    )


def _product(series: np.ndarray, rows: np.ndarray, columns: np.ndarray, sign: int) -> np.ndarray:
    """Multiplication by a function: coefficients `columns` in, `rows` out.

    sign 0: all mode numbers; 1 and -1: those >= 0 of even and odd functions, f_-m = +-f_m.
    """
    apart = rows[:, None] - columns
    if sign == 0:
        return np.where(apart >= 0, series[np.abs(apart)], series[np.abs(apart)].conj())
    mirrored = np.where(columns == 0, 0.0, sign * series.real[rows[:, None] + columns])
    return series.real[np.abs(apart)] + mirrored


def _leading(
    matrix: np.ndarray, scale: float, guess: Mode | None
) -> tuple[complex, np.ndarray, float]:
    """The eigenvalue of largest real part, its vector, and the residual against |gamma| + scale."""
    if guess is None or len(matrix) <= DENSE:
        values = linalg.eigvals(matrix)
        start = complex(values[np.argmax(values.real + 1e-14 * values.imag)])
    else:
        start = complex(guess.gamma, guess.frequency)
    return _refined(matrix, start, scale)


def _refined(matrix: np.ndarray, start: complex, scale: float) -> tuple[complex, np.ndarray, float]:
    """Inverse iteration near `start`, the shift renewed until the residual is round-off."""
    real = start.imag == 0 and np.isrealobj(matrix)
    rng = np.random.default_rng(0)
    vector = rng.normal(size=len(matrix)) + (0 if real else 1j * rng.normal(size=len(matrix)))
    value, best = start, (start, vector / np.linalg.norm(vector), math.inf)
    for _ in range(4):
        shift = value + 1e-9 * (abs(value) + scale)
        shifted = matrix - (shift.real if real else shift) * np.eye(len(matrix))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", linalg.LinAlgWarning)  # an exact shift is welcome
            factors = linalg.lu_factor(shifted, check_finite=False)
        for _ in range(3):
            vector = linalg.lu_solve(factors, vector, check_finite=False)
            vector = vector / np.linalg.norm(vector)
            image = matrix @ vector
            value = complex(np.vdot(vector, image))
            size = abs(value) + scale
            residual = float(np.linalg.norm(image - value * vector) / size) if size else 0.0
            if residual < best[2]:
                best = (value, vector, residual)
        if best[2] <= 1e-13:
            break
    return best


def _spectrum(config: "Reconnection", own: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The leading rate of each wave of the box with k a < 1.2, and whether none was left out."""
    unit = own["k"] / own["mode_along"]
    most = max(1, math.ceil(SHORTEST / ((config.scale or 1.0) * unit)) - 1)
    afford = OTHER_WAVES if own["modes"] <= DENSE else OTHER_WAVES // 4
    waves = np.unique(np.linspace(1, most, min(most, afford)).round().astype(int))
    rows = [own]
    for wave in {*waves.tolist()} - {own["mode_along"]}:
        modes, best, change = _converged(config, wave * unit)
        rows.append(_row(wave, wave * unit, modes, change) | _first(best).document())
    return sorted(rows, key=lambda row: row["k"]), len(waves) == most


def _row(wave: int, k: float, modes: int, change: float) -> dict[str, Any]:
    return {"mode_along": wave, "k": k, "modes": modes, "change_on_doubling": change}


def _first(best: dict[str, Mode]) -> Mode:
    return max(best.values(), key=lambda mode: mode.gamma)


def _on_the_grid(config: "Reconnection", k: float, best: dict[str, Mode]) -> float:
    """The leading rate in the retained modes of the grid alone, psi_eq cut as the grid does."""
    kept = config.grid.mx_max if config.equilibrium.normal == "x" else config.grid.my_max
    found = _leading_modes(sheet_of(config, kept, kept), k, best)
    return _first(found).gamma


def equilibrium_tail(config: "Reconnection") -> float:
    """Share of the energy of psi_eq in mode numbers from two thirds of the last retained one on."""
    kept = config.grid.mx_max if config.equilibrium.normal == "x" else config.grid.my_max
    m = np.arange(16 * kept + 1)
    energy = (m * np.abs(equilibria.profile(config, 16 * kept))) ** 2
    return float(energy[3 * m >= 2 * kept].sum() / energy.sum())


def _layer_widths(config: "Reconnection", k: float, gamma: float) -> tuple[float, float]:
    """Resistive and visco-resistive width of the inner layer [L]."""
    by, pull = config.dissipation, (k * (config.shear or math.inf)) ** 2
    resistive = (max(gamma, 0.0) * by.eta / pull) ** (1 / 4)
    return resistive, (by.eta * by.nu / pull) ** (1 / 6)


def _seed_parity(config: "Reconnection", otherwise: str) -> str:
    """The branch that the seed excites: the same sign on both sheets is even."""
    first, second = equilibria.seed_on_sheets(config)
    if abs(first * second) <= 1e-20 * (first**2 + second**2 + 1e-300) or not first * second:
        return otherwise
    return "even" if first * second > 0 else "odd"
