"""What is sampled of a state: `HISTORY` says each name, unit and meaning; `Sampler` computes a row.

A row is a function of the state and the configuration alone, so that cut runs have the rows of
unbroken ones.  Values that do not exist are not made up: without sheets in the equilibrium (vortex,
zero field) the names of sheets are left out.  Fields in v_A, lengths in L, times in L/v_A.
Not here: geometry (`sheets`), topology (`critical_points`), what a series means (`phases`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mhx.reconnection import equilibria, timestep
from mhx.reconnection.critical_points import CriticalPoints, critical_points
from mhx.reconnection.interpolant import Interpolant
from mhx.reconnection.perturbation import Perturbation
from mhx.reconnection.sheets import Sheets
from mhx.reconnection.state import State

if TYPE_CHECKING:
    from mhx.reconnection.config import Reconnection


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One name of the history.  sheets: only where the equilibrium has current sheets."""

    name: str
    unit: str
    meaning: str
    dtype: str = "float64"
    sheets: bool = False


def _quantities() -> list[Quantity]:
    """The table: name, unit, meaning; `[s]` stands for one name per sheet."""
    everywhere = [
        ("time", "L/v_A", "step * dt"),
        ("step", "1", "global step"),
        (
            "reconnected_flux",
            "L v_A",
            "legacy proxy 2 |psi_hat(m)|/(nx ny): planned mode (cosine sheet), else the largest "
            "with 0 <= mx <= 4, 1 <= my <= 4 at that sample; reported, not gated",
        ),
        (
            "seed_mode_reconnected_flux",
            "L v_A",
            "2 |psi_hat(m)|/(nx ny) of the mode that is followed",
        ),
        ("dominant_flux_mode_x", "1", "mx of the mode that reconnected_flux is that of"),
        ("dominant_flux_mode_y", "1", "my of the mode that reconnected_flux is that of"),
        ("reconnection_rate_proxy", "v_A^2", "numpy.gradient(reconnected_flux, time)"),
        ("magnetic_energy", "v_A^2", "0.5 <|grad psi|^2>, domain mean"),
        ("kinetic_energy", "v_A^2", "0.5 <|grad phi|^2>, domain mean"),
        ("total_energy", "v_A^2", "magnetic plus kinetic energy"),
        (
            "dissipation_budget_residual",
            "1",
            "|E(t) - E(0) + dissipated - injected| / max(E(0), dissipated)",
        ),
        ("energy_increase_rate", "v_A^3/L", "max(dE/dt, 0) from the instantaneous budget"),
        (
            "magnetic_divergence_linf",
            "v_A/L",
            "max |div B| of the arrays that the stepper multiplies",
        ),
        ("current_density_linf", "v_A/L", "max |lap psi| on the grid"),
        ("x_point_count", "1", "X points: saddles of psi"),
        ("o_point_count", "1", "O points: extrema of psi"),
        ("topology_unresolved", "1", "1 where X and O points could not be made to agree in number"),
        (
            "degenerate_points",
            "1",
            "zeros of grad psi with a singular Hessian, not counted; 0 or more",
        ),
        ("dissipated_energy", "v_A^2", "energy lost to resistivity and viscosity since step 0"),
        (
            "injected_energy",
            "v_A^2",
            "energy fed in by the source of a held equilibrium since step 0",
        ),
        (
            "spectral_tail",
            "1",
            "share of the energy in modes with |mx| or |my| >= 2/3 of the largest retained index",
        ),
        ("stability_ratio", "1", "dt/dt_max of the fields; above 1 RK4 is unstable"),
    ]
    of_sheets = [
        (
            "perturbation_norm",
            "1",
            "L2 norm over grid values of (psi, omega) minus the unseeded base, over eps",
        ),
        (
            "rutherford_island_width",
            "L",
            "4 sqrt(reconnected_flux/B'), B' the initial shear; legacy",
        ),
        (
            "current_sheet_thickness",
            "L",
            "full width of |j| at half maximum across the stronger sheet",
        ),
        (
            "current_sheet_length",
            "L",
            "the same along it; the box where |j| never falls below half",
        ),
        ("current_sheet_length_saturated", "1", "1 where the length is that of the box"),
        ("current_sheet_aspect_ratio", "1", "length over thickness"),
        (
            "sheet_flux[s]",
            "L v_A",
            "(2/L) |integral of psi exp(-i k s) ds| along the sheet, seed mode",
        ),
        ("island_width[s]", "L", "4 sqrt(sheet_flux/B')"),
        (
            "separatrix_width[s]",
            "L",
            "width across the O point of the region inside the X point's level",
        ),
        (
            "mean_shear_change[s]",
            "1",
            "change of the mean shear at the sheet from its linear reference",
        ),
        ("flux_xo[s]", "L v_A", "|psi(X) - psi(O)| of the main island of the sheet"),
    ]
    rows = [Quantity(name=n, unit=u, meaning=m) for n, u, m in everywhere]
    rows += [
        Quantity(name=n.replace("[s]", end), unit=u, meaning=m, sheets=True)
        for n, u, m in of_sheets
        for end in (("_0", "_1") if n.endswith("[s]") else ("",))
    ]
    whole = (
        *("step", "x_point_count", "o_point_count"),
        *("dominant_flux_mode_x", "dominant_flux_mode_y"),
    )
    return [replace(row, dtype="int64") if row.name in whole else row for row in rows]


HISTORY: dict[str, Quantity] = {row.name: row for row in _quantities()}
DERIVED = "reconnection_rate_proxy"  # needs the whole series
LOW_MODES = (4, 4)  # of the legacy flux proxy


def assemble(
    rows: Sequence[Mapping[str, float]] | Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """One array per name, from rows in order or from arrays, and the rate over all of it."""
    if not isinstance(rows, Mapping):
        rows = {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}
    arrays = {
        name: np.asarray(values, HISTORY[name].dtype if name in HISTORY else None)
        for name, values in rows.items()
    }
    if "reconnected_flux" in arrays and "time" in arrays:
        flux, time = arrays["reconnected_flux"], arrays["time"]
        arrays[DERIVED] = np.gradient(flux, time) if len(flux) > 1 else np.zeros(len(flux))
    return arrays


def _in_double(state: State) -> State:
    """Sums of a float32 run are taken in float64 too."""
    psi, omega = (hat.astype(np.complex128) for hat in (state.psi_hat, state.omega_hat))
    return replace(state, psi_hat=psi, omega_hat=omega)


class Sampler:
    """Computes rows of the history of one configuration.

    initial: the state at step 0, whose energy the budget starts from.
    fields: state to vx, vy, bx, by, (4, nx, ny), the arrays that the stepper multiplies.
    """

    def __init__(
        self, config: "Reconnection", initial: State, fields: Callable[[State], np.ndarray]
    ) -> None:
        self.config, self.grid, self.fields, self._dt = config, config.grid, fields, config.dt
        grid = self.grid
        self._inverse_k2 = 1 / np.where(grid.k2 > 0, grid.k2, np.inf)
        self._weight = grid.weight * grid.keep
        # The derivative of the Nyquist mode of a real field is zero.
        self._dx = np.where(2 * np.abs(grid.mx) == grid.nx, 0.0, grid.kx)
        self._dy = np.where(2 * grid.my == grid.ny, 0.0, grid.ky)
        self._tail = (3 * np.abs(grid.mx) >= 2 * grid.mx_max) | (3 * grid.my >= 2 * grid.my_max)
        self._held = equilibria.equilibrium_hat(config) if config.held else None
        self._initial_energy = float(sum(self._energies(initial)))
        self._sheets = Sheets(config) if config.equilibrium.normal else None
        self._perturbation = Perturbation(config) if config.equilibrium.normal else None
        self._sampled = [name for name in self.names if name != DERIVED]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of this configuration in the order of `HISTORY`, `DERIVED` among them."""
        return tuple(n for n, row in HISTORY.items() if self._sheets or not row.sheets)

    def row(self, state: State) -> dict[str, float]:
        """All names but `DERIVED`."""
        return self.sample(state)[0]

    def points(self, state: State) -> CriticalPoints:
        """X and O points."""
        return critical_points(Interpolant.of(state.psi_hat, self.grid), self.grid.shape)

    def sample(self, state: State) -> tuple[dict[str, float], CriticalPoints]:
        """Row and points together, for the price of the row."""
        # A state that is about to blow up must come out as not finite, not as a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            fields = np.asarray(self.fields(state), np.float64)
            return self._sample(_in_double(state), fields)

    def _sample(self, state: State, fields: np.ndarray) -> tuple[dict[str, float], CriticalPoints]:
        psi = Interpolant.of(state.psi_hat, self.grid)
        points = critical_points(psi, self.grid.shape)
        current = np.fft.irfft2(self.grid.k2 * state.psi_hat, self.grid.shape)
        fluxes = self._proxies(state)
        values: dict[str, float] = {
            "time": float(state.time),
            "step": int(state.step),
            **fluxes,
            **self._budget(state),
            "magnetic_divergence_linf": self._divergence(fields),
            "current_density_linf": float(np.abs(current).max()),
            "x_point_count": points.x_count,
            "o_point_count": points.o_count,
            "topology_unresolved": float(not points.resolved),
            "degenerate_points": float(points.degenerate),
            "stability_ratio": self._stability(fields),
        }
        if self._sheets:
            flux = fluxes["reconnected_flux"]
            values |= self._sheets.row(state.time, psi, points, current, flux)
        if self._perturbation:
            values["perturbation_norm"] = self._perturbation.norm(state)
        return {name: values[name] for name in self._sampled}, points

    def _proxies(self, state: State) -> dict[str, float]:
        """The legacy flux of `HISTORY`, which mode it is that of, and the flux of the own mode."""
        size = 2 * np.abs(state.psi_hat) / (self.grid.nx * self.grid.ny)
        own_x, own_y = self.config.mode
        own = float(size[own_x, own_y]) if self.grid.keep[own_x, own_y] else 0.0
        mx, my, flux = own_x, own_y, own
        if self.config.equilibrium.normal != "y":
            low = size[: LOW_MODES[0] + 1, 1 : LOW_MODES[1] + 1]
            mx, above = (int(index) for index in np.unravel_index(np.argmax(low), low.shape))
            my, flux = above + 1, float(low[mx, above])
        return {
            "reconnected_flux": flux,
            "seed_mode_reconnected_flux": own,
            "dominant_flux_mode_x": mx,
            "dominant_flux_mode_y": my,
        }

    def _energies(self, state: State) -> tuple[float, float]:
        psi, omega = np.abs(state.psi_hat) ** 2, np.abs(state.omega_hat) ** 2
        magnetic = 0.5 * (self._weight * self.grid.k2 * psi).sum()
        kinetic = 0.5 * (self._weight * self._inverse_k2 * omega).sum()
        return float(magnetic), float(kinetic)

    def _budget(self, state: State) -> dict[str, float]:
        """Energies, their budget since step 0, the rate now, and the share near the cut-off."""
        by, grid = self.config.dissipation, self.grid
        psi, omega = np.abs(state.psi_hat) ** 2, np.abs(state.omega_hat) ** 2
        magnetic, kinetic = 0.5 * grid.k2 * psi, 0.5 * self._inverse_k2 * omega
        density = self._weight * (magnetic + kinetic)
        energies = self._energies(state)
        total, whole = sum(energies), float(density.sum())
        scale = max(self._initial_energy, state.dissipated)
        gap = abs(total - self._initial_energy + state.dissipated - state.injected)

        resist = (by.eta + by.eta4 * grid.k2) * grid.k2**2
        loss = resist * psi + by.nu * omega
        if self._held is not None:
            loss = loss - resist * (state.psi_hat * self._held.conj()).real
        return {
            "magnetic_energy": energies[0],
            "kinetic_energy": energies[1],
            "total_energy": total,
            "dissipation_budget_residual": gap / scale if scale else gap,
            "energy_increase_rate": max(0.0, -float((self._weight * loss).sum())),
            "dissipated_energy": float(state.dissipated),
            "injected_energy": float(state.injected),
            "spectral_tail": float(density[self._tail].sum()) / whole if whole else 0.0,
        }

    def _divergence(self, fields: np.ndarray) -> float:
        bx, by = np.fft.rfft2(fields[2:])
        divergence = np.fft.irfft2(1j * (self._dx * bx + self._dy * by), self.grid.shape)
        return float(np.abs(divergence).max())

    def _stability(self, fields: np.ndarray) -> float:
        return timestep.stability_ratio(fields, self.grid, self.config.dissipation, self._dt)
