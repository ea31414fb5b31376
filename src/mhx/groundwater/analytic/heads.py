"""Exact heads and flows, in SI: lengths m, times s, K m/s, rates m3/s, positive into the ground.

    linear   h = h0 + (h1 - h0) s
    dupuit   u^2 = u0^2 + (u1^2 - u0^2) s + (R L^2 / K) s (1 - s),  u the height above the bottom
    toth     h = mean - sum over odd n of 4 g L / (n pi)^2 cos(n pi x / L)
                 cosh(n pi k d / L) / cosh(n pi k H / L),  k^2 = K along the side / K across it
    theis    h = h0 + Q / (4 pi T) E1(r^2 S / (4 T t))

s is the share of the way between two sides, d the distance from the closed side opposite, H that of
the held one, g the slope along it.  Toth, J. Geophys. Res. 68 (1963); Theis, Trans. AGU 16 (1935).
"""

import numpy as np
from scipy.special import exp1

from mhx.groundwater.analytic.cases import Dupuit, Linear, Theis, Toth
from mhx.groundwater.grid import Floats

MODES = 20_001
"""Modes of Toth's series at most; the flow through its side converges like 1/n^2."""
FADED = 40.0
"""Decay exponent beyond which a mode is below round-off [1]."""
_BLOCK = 256


def linear(case: Linear, points: Floats) -> Floats:
    """(k,) heads of uniform flow at points (k, 2)."""
    return case.head_low + (case.head_high - case.head_low) * _share(case, points)


def dupuit(case: Dupuit, points: Floats) -> Floats:
    """(k,) heads at points (k, 2); NaN where there is no water above the bottom."""
    share = _share(case, points)
    low, high = case.head_low - case.bottom, case.head_high - case.bottom
    bulge = case.recharge / case.k * (case.high - case.low) ** 2
    square = low**2 + (high**2 - low**2) * share + bulge * share * (1 - share)
    return case.bottom + np.sqrt(np.where(square > 0, square, np.nan))


def dupuit_rates(case: Dupuit) -> tuple[float, float]:
    """Water that enters at the lower and at the upper end."""
    low, high = case.head_low - case.bottom, case.head_high - case.bottom
    length = case.high - case.low
    through = case.k * case.width * (low**2 - high**2) / (2 * length)
    half = case.recharge * case.width * length / 2
    return through - half, -through - half


def toth(case: Toth, points: Floats) -> Floats:
    """(k,) heads at points (k, 2)."""
    along = points[:, case.axis] - case.start
    height = abs(case.held - case.far)
    away = np.abs(points[:, 1 - case.axis] - case.far)
    stretch = np.sqrt(case.k_along / case.k_across) * np.pi / case.length
    gaps = (height - away) * stretch
    on_side = gaps <= 1e-12 * height * stretch
    found = case.slope * (along - case.length / 2)
    inner = np.flatnonzero(~on_side)
    if inner.size:
        found[inner] = _modes(case, along[inner], gaps[inner], height * stretch)
    return case.mean + found


def _modes(case: Toth, along: Floats, gaps: Floats, depth: float) -> Floats:
    """Sum over odd n, as far as a mode is felt anywhere.  gaps: n times them is the exponent."""
    found = np.zeros(along.size)
    last = min(MODES, FADED / float(gaps.min()) + 1)
    odd = np.arange(1, last + 1, 2)
    for some in np.array_split(odd, max(1, odd.size // _BLOCK)):
        n = some[:, None]
        ratio = np.exp(-n * gaps) * (1 + np.exp(-2 * n * (depth - gaps)))
        ratio /= 1 + np.exp(-2 * n * depth)
        waves = np.cos(n * np.pi * along / case.length) * ratio / n**2
        found += waves.sum(axis=0)
    return -4 * case.slope * case.length / np.pi**2 * found


def toth_rate(case: Toth) -> float:
    """Water that enters through the higher half of the held side, and leaves through the other."""
    n = np.arange(1, MODES, 2)
    stretch = np.sqrt(case.k_along / case.k_across)
    depth = abs(case.held - case.far) * stretch * np.pi / case.length
    signs = np.where(n % 4 == 1, 1.0, -1.0)  # sin(n pi / 2)
    total = float((signs * np.tanh(n * depth) / n**2).sum())
    through = case.k_across * case.thickness * stretch * 4 * abs(case.slope) * case.length
    return through / np.pi**2 * total


def theis(case: Theis, points: Floats, time: float) -> Floats:
    """(k,) heads at points (k, 2) after a time; infinite at a well itself."""
    found = np.full(len(points), case.head)
    if time <= 0:
        return found
    for x, y, rate in case.wells:
        distance = np.hypot(points[:, 0] - x, points[:, 1] - y)
        found += rate * _drawdown(case, distance, time)
    return found


def theis_mean(case: Theis, well: int, radius: float, time: float) -> float:
    """Mean head of the disc around a well, from all wells; others count at its middle [m]."""
    x, y, rate = case.wells[well]
    others = tuple(one for at, one in enumerate(case.wells) if at != well)
    rest = Theis(
        head=case.head, transmissivity=case.transmissivity, storage=case.storage, wells=others
    )
    u = radius**2 * case.storage / (4 * case.transmissivity * time)
    # the mean of E1(u r^2) over a disc is its integral over u, divided by u
    mean = exp1(u) - np.expm1(-u) / u
    around = float(theis(rest, np.array([[x, y]]), time)[0])
    return around + rate / (4 * np.pi * case.transmissivity) * float(mean)


def _drawdown(case: Theis, distance: Floats, time: float) -> Floats:
    u = distance**2 * case.storage / (4 * case.transmissivity * time)
    return np.asarray(exp1(u) / (4 * np.pi * case.transmissivity))


def _share(case: Linear, points: Floats) -> Floats:
    return (points[:, case.axis] - case.low) / (case.high - case.low)
