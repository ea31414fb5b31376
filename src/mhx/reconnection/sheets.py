"""Current sheets and islands: fluxes, widths and lengths of one sheet, on the interpolant.

Coordinates here are (across, along): u along the sheet normal, v along the sheet; for sheets whose
normal is y the interpolant comes `swapped`.  Lengths in L, flux in L v_A.  `Sheets` makes the part
of a history row that needs sheets; the names are explained in `diagnostics.HISTORY`.

A sheet is an extremum of the mean flux along the normal: psi'' > 0 there is a valley, whose islands
close around minima of psi; psi'' < 0 is a ridge, with maxima.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mhx.reconnection import equilibria
from mhx.reconnection.critical_points import CriticalPoints
from mhx.reconnection.interpolant import Interpolant, Line, bracketed_root

if TYPE_CHECKING:
    from mhx.reconnection.config import Reconnection


@dataclass(frozen=True)
class Sheet:
    """Where a sheet lies and what is expected of it.

    position: u of the sheet.  reach: half the distance to the next one; points closer belong to it.
    bowl: +1 valley, -1 ridge.  mode: number of seed wave lengths along the sheet.
    """

    position: float
    reach: float
    bowl: int
    mode: int


@dataclass(frozen=True)
class Points:
    """The critical points of one sheet, (across, along), sorted along the sheet."""

    u: np.ndarray
    v: np.ndarray
    psi: np.ndarray
    kind: np.ndarray
    bowl: np.ndarray

    @classmethod
    def of(cls, found: CriticalPoints, sheet: Sheet, length: float, swapped: bool) -> "Points":
        """Those closer to this sheet than to another; `length` is the period across."""
        u, v = (found.y, found.x) if swapped else (found.x, found.y)
        apart = np.abs(u - sheet.position)
        here = np.nonzero(np.minimum(apart, length - apart) <= sheet.reach)[0]
        here = here[np.argsort(v[here], kind="stable")]
        return cls(u[here], v[here], found.psi[here], found.kind[here], found.bowl[here])


@dataclass(frozen=True)
class Island:
    """The main island of a sheet: its O point, the flux level of its X point, flux between them."""

    u: float
    v: float
    level: float
    flux: float


@dataclass(frozen=True)
class CurrentSheet:
    """Full widths at half maximum of |j|, across and along, and the peak |j| across."""

    peak: float
    thickness: float
    length: float
    saturated: bool


def sheet_flux(psi: Interpolant, sheet: Sheet) -> float:
    """(2/L) |integral of psi(u_s, v) exp(-i k v) dv| along the sheet, k = 2 pi mode/L."""
    mode = abs(sheet.mode)
    if mode >= psi.kv.size:
        return 0.0
    amplitude = (psi.c[:, mode] * np.exp(1j * psi.ku * sheet.position)).sum()
    return float(np.abs(amplitude)) if mode else 2 * float(np.abs(amplitude.real))


def mean_curvature(psi: Interpolant, sheet: Sheet) -> float:
    """m'' at the sheet, m the mean of psi along it [v_A / L]: the mean magnetic shear."""
    wave = np.exp(1j * psi.ku * sheet.position)
    return float((-(psi.ku**2) * wave * psi.c[:, 0]).sum().real)


def main_island(points: Points, bowl: int) -> Island | None:
    """The island that holds most flux; None where no O point has an X point beside it.

    The X point of an island is that neighbour along the sheet whose flux is nearer to the O
    point's: its level is the first to open.
    """
    saddle = np.nonzero(points.kind < 0)[0]
    centre = np.nonzero((points.kind > 0) & (points.bowl == bowl))[0]
    if not saddle.size or not centre.size:
        return None
    after = np.searchsorted(saddle, centre)
    sides = np.stack([saddle[after - 1], saddle[after % saddle.size]])
    flux = bowl * (points.psi[sides] - points.psi[centre])
    flux = np.where(flux > 0, flux, np.inf).min(
        axis=0
    )  # an X point on the wrong side bounds nothing
    flux[np.isinf(flux)] = 0.0
    best = int(np.argmax(flux))
    if flux[best] == 0:
        return None
    at = centre[best]
    level = points.psi[at] + bowl * flux[best]
    return Island(float(points.u[at]), float(points.v[at]), float(level), float(flux[best]))


def separatrix_width(psi: Interpolant, island: Island, bowl: int) -> float:
    """Extent across the sheet, through the O point, of the region inside the X point's level."""
    line = psi.across(island.v)
    width = _extent(line, island.u, lambda f: bowl * (island.level - f))
    return line.length if width is None else width


def current_sheet(current: Interpolant, u: float, v: float) -> CurrentSheet:
    """Geometry of the sheet through (u, v): from there uphill to the peak of |j| on either line."""
    across, along = current.across(v), current.along(u)
    peak, thickness = _half_width(across, u)
    _, length = _half_width(along, v)
    return CurrentSheet(
        peak,
        across.length if thickness is None else thickness,
        along.length if length is None else length,
        length is None,
    )


def strongest_saddle(points: Points, current: Interpolant) -> tuple[float, float] | None:
    """(u, v) of the X point with the largest |j|; None without X points."""
    saddle = np.nonzero(points.kind < 0)[0]
    if not saddle.size:
        return None
    u, v = points.u[saddle], points.v[saddle]
    best = 0 if saddle.size == 1 else int(np.argmax(np.abs(current.at(u, v))))
    return float(u[best]), float(v[best])


def _half_width(line: Line, start: float) -> tuple[float, float | None]:
    """Peak of |f| uphill from `start`, and full width at half of it; None if it has no end."""
    distance, f = line.samples(start)
    size = np.abs(f)
    step = 1 if size[1] >= size[-1] else -1
    path = size if step > 0 else np.roll(size[::-1], 1)
    top = step * int(np.argmax(np.diff(np.append(path, path[0])) <= 0))
    sign = 1.0 if f[top] >= 0 else -1.0
    spacing = distance[1]
    u = start + top * spacing
    for _ in range(4):  # Newton on the slope; the sample is within a few per cent of a wavelength
        slope, bend = (sign * float(line.at(np.array(u), order)) for order in (1, 2))
        if bend >= 0 or abs(slope) > -bend * spacing:
            break
        u -= slope / bend
    peak = sign * float(line.at(np.array(u)))
    if peak <= 0:
        return 0.0, None
    return peak, _extent(line, u, lambda value: sign * value - 0.5 * peak)


def _extent(line: Line, centre: float, depth: Callable[..., np.ndarray]) -> float | None:
    """Width of the region around `centre` where depth(f) > 0; 0 outside, None if it has no end.

    depth is affine in f.
    """
    distance, f = line.samples(centre)
    outside = np.nonzero(depth(f) <= 0)[0]
    if not outside.size:
        return None
    if outside[0] == 0:
        return 0.0
    spacing = distance[1]
    zero = depth(0.0)

    def along(side: float) -> Callable[[float], tuple[float, float]]:
        def at(offset: float) -> tuple[float, float]:
            wave = line.c * np.exp(1j * line.k * (centre + side * offset))
            slope = (1j * line.k * wave).sum().real
            return float(depth(wave.sum().real)), float(side * (depth(slope) - zero))

        return at

    first, last = int(outside[0]), len(f) - int(outside[-1])
    right = bracketed_root(along(1.0), (first - 1) * spacing, first * spacing)
    return right + bracketed_root(along(-1.0), (last - 1) * spacing, last * spacing)


class Sheets:
    """The sheets of one configuration, and what a history row says of them."""

    def __init__(self, config: "Reconnection") -> None:
        row, grid = config.equilibrium, config.grid
        self.swapped = row.normal == "y"
        self.length = grid.ly if self.swapped else grid.lx
        self._along = grid.lx if self.swapped else grid.ly
        modes = grid.my_max if self.swapped else grid.mx_max
        mode = config.mode[0 if self.swapped else 1]

        k = 2 * np.pi / self.length * np.arange(modes + 1)
        positions = config.sheets
        series = equilibria.profile(config, modes)
        # psi'' at each sheet, by modes, and how fast each mode diffuses if it may
        self._curvature = np.array(
            [-2 * k**2 * (series * np.exp(1j * k * p)).real for p in positions]
        )
        rate = config.dissipation.eta * k**2 + config.dissipation.eta4 * k**4
        self._decay = 0 * rate if config.held else rate
        given = config.shear
        self.shear = abs(self._curvature.sum(axis=1)).max() if given is None else given
        bowls = np.sign(self._curvature.sum(axis=1)).astype(int)
        # Half the smallest distance between neighbours, around the box.
        reach = min(np.diff([*positions, positions[0] + self.length])) / 2
        self.sheets = [
            Sheet(position, reach, int(bowl), mode)
            for position, bowl in zip(positions, bowls, strict=True)
        ]

    def row(
        self, time: float, psi: Interpolant, found: CriticalPoints, current: np.ndarray, flux: float
    ) -> dict[str, float]:
        """current: j on the grid [x, y].  flux: the legacy proxy."""
        if self.swapped:
            psi, current = psi.swapped(), current.T
        density = psi.current()
        reference = (self._curvature * np.exp(-self._decay * time)).sum(axis=1)
        values = {"rutherford_island_width": self._width(flux)}
        geometries = []
        for n, sheet in enumerate(self.sheets):
            points = Points.of(found, sheet, self.length, self.swapped)
            island = main_island(points, sheet.bowl)
            here = sheet_flux(psi, sheet)
            change = abs(mean_curvature(psi, sheet) - reference[n])
            values |= {
                f"sheet_flux_{n}": here,
                f"island_width_{n}": self._width(here),
                f"separatrix_width_{n}": separatrix_width(psi, island, sheet.bowl)
                if island
                else 0.0,
                f"mean_shear_change_{n}": change / abs(reference[n]),
                f"flux_xo_{n}": island.flux if island else 0.0,
            }
            centre = strongest_saddle(points, density) or self._current_maximum(sheet, current)
            geometries.append(current_sheet(density, *centre))
        strongest = max(geometries, key=lambda geometry: geometry.peak)
        values |= {
            "current_sheet_thickness": strongest.thickness,
            "current_sheet_length": strongest.length,
            "current_sheet_length_saturated": strongest.saturated,
            "current_sheet_aspect_ratio": strongest.length / strongest.thickness,
        }
        return {name: float(value) for name, value in values.items()}

    def _width(self, flux: float) -> float:
        """Full width of the constant-psi island of that flux."""
        return 4 * float(np.sqrt(flux / self.shear))

    def _current_maximum(self, sheet: Sheet, current: np.ndarray) -> tuple[float, float]:
        """Cell centre of the largest |j| near this sheet, for where there is no X point."""
        count = current.shape[0]
        u = (np.arange(count) + 0.5) * (self.length / count)
        apart = np.abs(u - sheet.position)
        here = np.minimum(apart, self.length - apart) <= sheet.reach
        size = np.where(here[:, None], np.abs(current), -1.0)
        i, j = np.unravel_index(np.argmax(size), size.shape)
        return float(u[i]), (int(j) + 0.5) * self._along / current.shape[1]
