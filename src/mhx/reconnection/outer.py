"""Delta' of a sheet: the jump in slope that the ideal region outside the layer asks for.

    psi1'' - (k^2 + p''/p) psi1 = 0,    p = psi_eq',    Delta' = -2 psi1'(0-)/psi1(0)

is integrated from the mid-plane s = -l to the sheet s = 0 as psi1 = exp(k (s + l)) f(s), which
neither overflows nor loses digits; even branch psi1'(-l) = 0, odd branch psi1(-l) = 0.  p is summed
from its Fourier series about the sheet with p(0) = 0 taken out term by term, so that p''/p keeps
its digits down to the sheet, where it is p'''/p'.

Furth, Killeen and Rosenbluth, Phys. Fluids 6, 459 (1963).
"""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.polynomial import chebyshev

from mhx.reconnection import equilibria

if TYPE_CHECKING:
    from mhx.reconnection.config import Reconnection

MOST_TERMS = 2**14  # of the series of psi_eq
SAME = 1e-9  # relative change on doubling the Chebyshev order
ORDERS = (32, 64, 128, 256, 512)


def delta_prime(config: "Reconnection", k: float, branch: Literal["even", "odd"]) -> float | None:
    """Delta' of the first sheet [1/L]; None where p''/p has no limit or nothing converges."""
    terms = _field_at_sheet(config)
    if terms is None:
        return None
    wave, field = terms
    reach = (config.sheets[1] - config.sheets[0]) / 2
    before = None
    for order in ORDERS:
        slope = _log_slope(wave, field, (k, reach, order), branch)
        if slope is None:
            return None
        if before is not None and abs(slope - before) <= SAME * (abs(slope) + 1 / reach):
            return float(-2 * slope)
        before = slope
    return None


def current_curvature(config: "Reconnection") -> float | None:
    """-j''/j at the first sheet [1/L^2], 2/a^2 for a Harris sheet; None where j' does not vanish.

    j is the current of the equilibrium, so this is the limit of -p''/p at the sheet.
    """
    terms = _field_at_sheet(config)
    well = None if terms is None else _well(*terms, np.zeros(1))
    return None if well is None else -float(well[0])


def _field_at_sheet(config: "Reconnection") -> tuple[np.ndarray, np.ndarray] | None:
    """k_m and the coefficients of p about the first sheet, m >= 1, until they vanish."""
    length = config.grid.lx if config.equilibrium.normal == "x" else config.grid.ly
    count = 64
    while count <= MOST_TERMS:
        wave = 2 * np.pi / length * np.arange(count + 1)
        field = 1j * wave * equilibria.profile(config, count)
        weight = np.abs(field) * wave**3
        if weight[-count // 8 :].max() <= 1e-13 * weight.max():
            return wave[1:], (field * np.exp(1j * wave * config.sheets[0]))[1:]
        count *= 2
    return None


def _log_slope(
    wave: np.ndarray, field: np.ndarray, settings: tuple[float, float, int], branch: str
) -> float | None:
    """psi1'/psi1 on the sheet, from Chebyshev collocation of order n on [-l, 0]."""
    k, reach, order = settings
    angle = np.pi * np.arange(order + 1) / order
    s = -reach * np.sin(angle / 2) ** 2  # from the sheet, 0, to the mid-plane, -l
    well = _well(wave, field, s)
    if well is None:
        return None
    basis = np.eye(order + 1)
    first = chebyshev.chebder(basis) * (2 / reach)
    second = chebyshev.chebder(basis, 2) * (2 / reach) ** 2
    at = np.cos(angle)
    f, f1 = chebyshev.chebvander(at, order), chebyshev.chebvander(at, order - 1) @ first
    f2 = chebyshev.chebvander(at, order - 2) @ second
    matrix = (f2 + 2 * k * f1 - well[:, None] * f)[: order - 1]
    start = np.stack([f[-1], f1[-1]])
    given = np.zeros(order + 1)
    given[-2:] = (1, -k) if branch == "even" else (0, 1 / reach)
    series = np.linalg.solve(np.vstack([matrix, start]), given)
    value, slope = f[0] @ series, f1[0] @ series
    return float(k + slope / value) if value else None


def _well(wave: np.ndarray, field: np.ndarray, s: np.ndarray) -> np.ndarray | None:
    """p''/p at s <= 0, its limit p'''/p' at s = 0; None where p'' does not vanish with p."""
    angle = s[1:, None] * wave
    about = -4 * np.sin(angle / 2) ** 2 * field.real - 2 * np.sin(angle) * field.imag
    slope = -2 * np.sum(wave * field.imag)
    bend = -2 * np.sum(wave**2 * field.real)
    if not slope or abs(bend) > 1e-8 * np.sum(wave**2 * np.abs(field)):
        return None
    limit = 2 * np.sum(wave**3 * field.imag) / slope
    p, p2 = about.sum(axis=1), (-(wave**2) * about).sum(axis=1)
    return np.concatenate([[limit], p2 / p])
