"""The trigonometric interpolant of a truncated field: values between grid points, to round-off.

    f(u, v) = Re sum_ab c[a, b] exp(i (ku[a] u + kv[b] v))

Axis 0 is u, axis 1 is v: (x, y), or (y, x) after `swapped`.  ku has both signs, kv >= 0; columns
kv > 0 carry the factor 2 of the half spectrum.  Positions are measured from the box corner.

Sums are numpy loops, not matrix products: a threaded BLAS adds in an order that depends on the
number of threads, and the rows of a cut run must be those of an unbroken one to the last bit.
Finding points or widths belongs to `critical_points` and `sheets`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mhx.reconnection.spectral import Grid

BLOCK = 512  # points per matrix product: bounds the memory of fields with thousands of points
OVERSAMPLING = 8  # samples of a line per shortest wavelength


@dataclass(frozen=True)
class Line:
    """f along one coordinate: f(u) = Re sum c[a] exp(i k[a] u), k >= 0, period `length`."""

    c: np.ndarray
    k: np.ndarray
    length: float

    def at(self, u: np.ndarray, order: int = 0) -> np.ndarray:
        """f or its derivative of the given order at the positions `u`, any shape."""
        phase = np.multiply.outer(u, self.k)
        return (np.exp(1j * phase) * (self.c * (1j * self.k) ** order)).sum(axis=-1).real

    def samples(self, start: float) -> tuple[np.ndarray, np.ndarray]:
        """Distances in [0, length) from `start`, and f there."""
        count = OVERSAMPLING * self.k.size
        half = 0.5 * count * self.c * np.exp(1j * self.k * start)
        half[0] = 2 * half[0].real
        return np.arange(count) * (self.length / count), np.fft.irfft(half, count)


@dataclass(frozen=True)
class Interpolant:
    """One real field; see the module docstring."""

    c: np.ndarray
    ku: np.ndarray
    kv: np.ndarray
    lengths: tuple[float, float]

    @classmethod
    def of(cls, hat: np.ndarray, grid: Grid) -> "Interpolant":
        """From `rfft2` coefficients on `grid`; only its retained modes are read."""
        mu = np.arange(-grid.mx_max, grid.mx_max + 1)
        kept = slice(0, grid.my_max + 1)
        c = (hat[mu, kept] * grid.to_origin[mu, kept]).astype(np.complex128)
        c[:, 1:] *= 2
        return cls(c, grid.kx[mu, 0], grid.ky[0, kept], (grid.lx, grid.ly))

    def swapped(self) -> "Interpolant":
        """The same field with the axes exchanged, f(v, u)."""
        right = 0.5 * self.c[:, 1:]
        left = right[::-1, ::-1].conj()
        middle = self.c[:, :1]  # only its real part counts: make it Hermitian before cutting
        middle = 0.5 * (middle + middle[::-1].conj())
        whole = np.concatenate([left, middle, right], axis=1).T
        half = whole[:, self.ku.size // 2 :].copy()
        half[:, 1:] *= 2
        ku = np.concatenate([-self.kv[:0:-1], self.kv])
        return Interpolant(half, ku, self.ku[self.ku.size // 2 :], self.lengths[::-1])

    def current(self) -> "Interpolant":
        """-lap f, the current density when f is psi."""
        k2 = self.ku[:, None] ** 2 + self.kv**2
        return Interpolant(k2 * self.c, self.ku, self.kv, self.lengths)

    def at(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """f at the points (u[p], v[p])."""
        return self.jet(u, v)[0]

    def jet(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """f, f_u, f_v, f_uu, f_uv, f_vv at the points (u[p], v[p]): shape (6, points)."""
        blocks = [slice(i, i + BLOCK) for i in range(0, max(len(u), 1), BLOCK)]
        return np.concatenate([self._jet(u[b], v[b]) for b in blocks], axis=1)

    @cached_property
    def _table(self) -> np.ndarray:
        """f = sum of _table times (cos, sin)(k u) times (cos, sin)(k v) over k >= 0, all real."""
        zero = self.ku.size // 2
        plus, minus = self.c[zero:].copy(), self.c[zero::-1].copy()
        minus[0] = 0
        even, odd = plus + minus, 1j * (plus - minus)
        return np.block([[even.real, -even.imag], [odd.real, -odd.imag]])

    def _jet(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        rows = np.concatenate(_waves(u, self.ku[self.ku.size // 2 :]))
        f, fu, fuu = np.einsum("pa,ab->pb", rows, self._table).reshape(3, len(u), 2 * self.kv.size)
        g, gv, gvv = _waves(v, self.kv)
        pairs = ((f, g), (fu, g), (f, gv), (fuu, g), (fu, gv), (f, gvv))
        return np.stack([(a * b).sum(axis=1) for a, b in pairs])

    def across(self, v: float) -> Line:
        """f(., v) as a function of u."""
        c = (self.c * np.exp(1j * self.kv * v)).sum(axis=1)
        zero = self.ku.size // 2
        half = c[zero:].copy()
        half[1:] += c[zero - 1 :: -1].conj() if zero else 0
        return Line(half, self.ku[zero:], self.lengths[0])

    def along(self, u: float) -> Line:
        """f(u, .) as a function of v."""
        c = (self.c * np.exp(1j * self.ku * u)[:, None]).sum(axis=0)
        return Line(c, self.kv, self.lengths[1])

    def gradient_on(self, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """f_u, f_v at the cell centres of a grid of this shape, at least that of the modes."""
        nu, nv = shape
        mu = np.arange(self.ku.size) - self.ku.size // 2
        du, dv = self.lengths[0] / nu, self.lengths[1] / nv
        centred = self.c * (
            np.exp(0.5j * du * self.ku)[:, None] * np.exp(0.5j * dv * self.kv) * (0.5 * nu * nv)
        )
        centred[:, 0] *= 2
        spread = np.zeros((2, nu, self.kv.size), complex)
        spread[0, mu] = 1j * self.ku[:, None] * centred
        spread[1, mu] = 1j * self.kv * centred
        fu, fv = np.fft.irfft(np.fft.ifft(spread, axis=1), nv, axis=2)
        return fu, fv


def _waves(at: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(cos, sin)(k at), (points, 2 modes), and its first two derivatives."""
    phase = np.outer(at, k)
    cos, sin = np.cos(phase), np.sin(phase)
    value = np.concatenate([cos, sin], axis=1)
    slope = np.concatenate([-k * sin, k * cos], axis=1)
    return value, slope, np.concatenate([-(k**2) * cos, -(k**2) * sin], axis=1)


def bracketed_root(
    f: Callable[[float], tuple[float, float]], inside: float, outside: float
) -> float:
    """The root between `inside` (f > 0) and `outside` (f <= 0), by Newton kept in its bracket.

    f returns value and derivative.  Ends when a step no longer moves the point.
    """
    u = 0.5 * (inside + outside)
    for _ in range(60):
        value, slope = f(u)
        if value > 0:
            inside = u
        else:
            outside = u
        low, high = min(inside, outside), max(inside, outside)
        new = u - value / slope if slope else high
        if abs(new - u) <= 1e-14 * (1.0 + abs(u)):
            return min(max(new, low), high)
        if not low < new < high:
            new = 0.5 * (low + high)
        u = new
    return u
