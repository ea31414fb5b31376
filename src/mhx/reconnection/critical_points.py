"""X and O points of the flux function: all zeros of grad psi, with spectral accuracy.

Found on the trigonometric interpolant, so that neither position nor count hangs on the grid.  An X
point is a saddle, det(Hessian) < 0; an O point is an extremum, det > 0.  On a torus there are as
many of one as of the other, and at least two, which is checked.  A function of psi alone: no memory
between samples, so that cut runs find the same points.  Which sheet a point belongs to: `sheets`.
"""

from dataclasses import dataclass

import numpy as np

from mhx.reconnection.interpolant import Interpolant

TOLERANCE = 1e-10  # of max |grad psi| for a zero, of the mean square Hessian for a degenerate one
MERGE = 0.1  # [cells]
REACH = 4.0  # [cells] a first Newton step beyond this does not belong to a root of its own cell
ITERATIONS = 30
REFINEMENTS = (1, 2, 4)
CROWDED = 2000  # points: grid-scale noise, where a finer search costs seconds and proves nothing


@dataclass(frozen=True)
class CriticalPoints:
    """Non-degenerate zeros of grad psi, and what stands against the count.

    x, y: positions in [0, lx) x [0, ly).  kind: -1 for X, +1 for O.  bowl: sign of lap psi.
    degenerate: zeros with a singular Hessian, not among the points; 1 for a one-dimensional state,
        where whole lines of them exist.
    resolved: X and O are equally many, after a finer search if need be.
    """

    x: np.ndarray
    y: np.ndarray
    psi: np.ndarray
    kind: np.ndarray
    bowl: np.ndarray
    degenerate: int
    resolved: bool

    @property
    def x_count(self) -> int:
        return int(np.count_nonzero(self.kind < 0))

    @property
    def o_count(self) -> int:
        return int(np.count_nonzero(self.kind > 0))

    def table(self) -> np.ndarray:
        """(points, 4): x, y, psi, kind; the form in which they are stored."""
        return np.stack([self.x, self.y, self.psi, self.kind.astype(float)], axis=1)


def critical_points(psi: Interpolant, shape: tuple[int, int]) -> CriticalPoints:
    """All critical points of psi; `shape` is the grid on which the search starts."""
    mean_square = 0.5 * np.abs(psi.c) ** 2
    mean_square[:, 0] *= 2
    along_u = (psi.ku[:, None] ** 2 * mean_square).sum()
    along_v = (psi.kv**2 * mean_square).sum()
    if min(along_u, along_v) <= TOLERANCE**2 * (along_u + along_v):
        # Flat along an axis to within the tolerance: its critical points are lines.
        return _collect(psi, np.empty((2, 0)), degenerate=1)

    k2 = psi.ku[:, None] ** 2 + psi.kv**2
    singular = TOLERANCE * float((k2**2 * mean_square).sum())
    points = np.empty((2, 0))
    for finer in REFINEMENTS:
        points, degenerate = _search(psi, (shape[0] * finer, shape[1] * finer), points, singular)
        found = _collect(psi, points, degenerate)
        if found.resolved or points.shape[1] > CROWDED:
            break
    return found


def _collect(psi: Interpolant, points: np.ndarray, degenerate: int) -> CriticalPoints:
    """Classify converged points; order by x, then y."""
    u, v = points
    f, _, _, fuu, fuv, fvv = psi.jet(u, v)
    kind = np.where(fuu * fvv < fuv**2, -1, 1)
    order = np.lexsort((v, u))
    saddles = int(np.count_nonzero(kind < 0))
    # Morse: without degenerate points there are at least two saddles and two extrema on a torus.
    enough = saddles >= 2 or degenerate > 0
    return CriticalPoints(
        x=u[order],
        y=v[order],
        psi=f[order],
        kind=kind[order],
        bowl=np.sign(fuu + fvv)[order].astype(int),
        degenerate=degenerate,
        resolved=enough and 2 * saddles == kind.size,
    )


def _search(
    psi: Interpolant, shape: tuple[int, int], known: np.ndarray, singular: float
) -> tuple[np.ndarray, int]:
    """Regular zeros from starts on this grid and `known` ones; number of degenerate zeros."""
    cell = np.array([[psi.lengths[0] / shape[0]], [psi.lengths[1] / shape[1]]])
    gu, gv = psi.gradient_on(shape)
    small = TOLERANCE * float(np.sqrt((gu**2 + gv**2).max()))
    starts = np.concatenate([known, _starts(gu, gv, small) * cell], axis=1)
    points, det = _newton(psi, starts, cell, (small, singular))
    regular = np.abs(det) > singular
    lengths = np.array(psi.lengths)[:, None]
    points = points % lengths
    points[points >= lengths] = 0.0  # -1e-17 % L is L
    near = MERGE * cell
    flat = _merged(points[:, ~regular], lengths, near)
    saddles = _merged(points[:, regular & (det < 0)], lengths, near)
    extrema = _merged(points[:, regular & (det > 0)], lengths, near)
    kept = np.concatenate([saddles, extrema], axis=1)
    return kept[:, ~_beside(kept, flat, lengths / near, near)], flat.shape[1]


def _beside(
    points: np.ndarray, others: np.ndarray, cells: np.ndarray, near: np.ndarray
) -> np.ndarray:
    """Points that lie closer than `near` to one of `others`; `cells` is the period in that unit.

    Towards a degenerate zero Newton crawls, and some starts stop just outside the bound.
    """
    beside = np.zeros(points.shape[1], bool)
    for other in others.T:
        apart = np.abs(points - other[:, None]) / near
        beside |= np.hypot(*np.minimum(apart, cells - apart)) < 1
    return beside


def _starts(gu: np.ndarray, gv: np.ndarray, small: float) -> np.ndarray:
    """Start points in cells, (2, starts): cells with sign changes, and minima of |grad psi|."""
    candidates = _straddles(gu, small) & _straddles(gv, small)
    i, j = np.nonzero(candidates)
    i1, j1 = (i + 1) % gu.shape[0], (j + 1) % gu.shape[1]
    corners = np.stack([g[a, b] for g in (gu, gv) for a in (i, i1) for b in (j, j1)])
    corners = corners.reshape(2, 2, 2, -1)  # component, end along u, end along v, start
    middle = corners.mean(axis=(1, 2))
    (a, c), (b, d) = (
        (corners[:, 1] - corners[:, 0]).mean(axis=1),
        np.diff(corners, axis=2).mean(1)[:, 0],
    )
    # One step with the differences of the cell as its Hessian, at most half a cell.
    det = a * d - b * c
    det = np.where(det == 0, np.inf, det)
    offset = np.stack([b * middle[1] - d * middle[0], c * middle[0] - a * middle[1]]) / det
    inside = np.stack([i, j]) + 1.0 + np.clip(offset, -0.5, 0.5)

    size = gu**2 + gv**2
    low = size
    for axis in (0, 1):
        low = np.minimum(low, np.minimum(np.roll(low, 1, axis), np.roll(low, -1, axis)))
    return np.concatenate([inside, np.stack(np.nonzero(size == low)) + 0.5], axis=1)


def _straddles(g: np.ndarray, small: float) -> np.ndarray:
    """Cells (i, i+1) x (j, j+1) at whose corners g has both signs; |g| <= small counts as both."""
    low, high = g <= small, g >= -small
    for axis in (0, 1):
        low, high = low | np.roll(low, -1, axis), high | np.roll(high, -1, axis)
    return low & high


def _newton(
    psi: Interpolant, points: np.ndarray, cell: np.ndarray, bounds: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Converged points and det(Hessian) there; starts that lead nowhere are dropped."""
    small, singular = bounds
    done: list[np.ndarray] = []
    for iteration in range(ITERATIONS):
        _, gu, gv, huu, huv, hvv = psi.jet(*points)
        det = huu * hvv - huv**2
        flat = np.abs(det) <= singular
        # Where the Hessian has rank one its pseudo-inverse is H / |H|^2: move to the line of zeros.
        over = np.where(flat, np.maximum(huu**2 + 2 * huv**2 + hvv**2, 1e-300), det)
        step = (
            np.where(
                flat,
                np.stack([-(huu * gu + huv * gv), -(huv * gu + hvv * gv)]),
                np.stack([huv * gv - hvv * gu, huv * gu - huu * gv]),
            )
            / over
        )
        cells = np.abs(step / cell).max(axis=0, initial=0.0)
        zero = np.hypot(gu, gv) <= small
        last = iteration == ITERATIONS - 1
        ready = zero & ((cells < 1e-6) | flat | last)
        done.append(np.concatenate([(points + step * (cells < 1e-6))[:, ready], det[None, ready]]))
        on = ~ready & ((cells < REACH) | (iteration > 0))
        if last or not on.any():
            break
        points = points[:, on] + (step / np.maximum(cells, 1.0))[:, on]
    found = np.concatenate(done, axis=1)
    return found[:2], found[2]


def _merged(points: np.ndarray, lengths: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Points without repetitions: of those closer than `near` to each other the first is kept."""
    points = points[:, np.lexsort(points[::-1])]
    count = points.shape[1]
    repeated = np.zeros(count, bool)
    index = np.arange(count)
    for shift in range(1, count // 2 + 1):
        apart = np.abs(np.roll(points, -shift, axis=1) - points)
        apart = np.minimum(apart, lengths - apart) / near
        if apart[0].min() > 1:  # sorted along u, cyclically: further shifts lie further apart
            break
        close = np.hypot(*apart) < 1
        repeated[np.maximum(index, (index + shift) % count)[close]] = True
    return points[:, ~repeated]
