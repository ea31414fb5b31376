"""Two-dimensional reduced MHD in stress/EMF form.  Strauss, Phys. Fluids 19, 134 (1976).

    v = (-phi_y, phi_x),  B = (psi_y, -psi_x),  omega = lap phi,  j = -lap psi
    psi_t   = -E + eta lap(psi - held) - eta4 lap^2(psi - held)
    omega_t = -[(dxx - dyy) R + dx dy D] + nu lap omega
    E = v_y B_x - v_x B_y,  R = v_x v_y - B_x B_y,  D = (v_y^2 - v_x^2) - (B_y^2 - B_x^2)

`held` is the equilibrium kept up against resistivity, 0 if it may decay.  In p = v + B, m = v - B
four products do for nine:

    E = (p_x m_y - p_y m_x)/2,  R = (p_x m_y + p_y m_x)/2,  D = p_y m_y - p_x m_x

Two integrals over time go with the fields, of these domain means:

    dissipated: eta <j^2> + eta4 <|grad j|^2> + nu <omega^2>
    injected:   eta <j j_held> + eta4 <grad j . grad j_held>
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import tree_map

from mhx.reconnection.spectral import Grid
from mhx.reconnection.transforms import Hat, split, to_field, to_hat, turned


class Fields(NamedTuple):
    """What the equations advance: flux function and vorticity."""

    psi: Hat
    omega: Hat


class Rates(NamedTuple):
    """Per mode: energy lost to dissipation and fed in by the source, per unit of time."""

    dissipated: Array
    injected: Array


class Coefficients(NamedTuple):
    """Dissipation; numbers or traced scalars, so that a run can be differentiated by them."""

    eta: Array | float
    nu: Array | float
    eta4: Array | float


class Operators(NamedTuple):
    """Arrays over the retained columns, laid out as `Hat`; what varies along x only is (1, nx),
    along y only (rows, 1).

    inverse: -1/k^2 on retained modes, 0 for the mean, whose value is a gauge.
    weight: Parseval, mean(f g) = sum weight Re(f^ conj g^).
    held: psi_hat of the equilibrium that is kept up, if one is.
    """

    kx: Array
    keep_x: Array
    ky: Array
    keep_y: Array
    inverse: Array
    weight: Array
    held: Hat | None

    @classmethod
    def of(cls, grid: Grid, held: np.ndarray | None, dtype: np.dtype) -> "Operators":
        rows = grid.my_max + 1
        keep_x = np.abs(grid.mx) <= grid.mx_max
        inverse = np.where(grid.keep, -1.0 / np.where(grid.k2 > 0, grid.k2, np.inf), 0.0)
        along_y = (a[:, :rows].T for a in (grid.ky, np.ones_like(grid.ky), grid.weight))
        ky, keep_y, weight = (jnp.array(a, dtype) for a in along_y)
        return cls(
            jnp.array(grid.kx.T, dtype),
            jnp.array(keep_x.T, dtype),
            ky,
            keep_y,
            jnp.array(turned(inverse, grid), dtype),
            weight,
            None if held is None else split(np.where(grid.keep, held, 0), grid, dtype),
        )

    def cut(self, rows: Callable[[Array], Array]) -> "Operators":
        """The same for other rows: `rows` of all that varies along y."""
        kx, keep_x, *along_y = self
        return Operators(kx, keep_x, *tree_map(rows, along_y))

    @property
    def keep(self) -> Array:
        return self.keep_x * self.keep_y

    @property
    def k2(self) -> Array:
        return self.kx**2 + self.ky**2


def products(
    px: Array, py: Array, mx: Array, my: Array, stress: Array | float = 0.0
) -> tuple[Array, Array, Array]:
    """E, R and D - stress from the fields p and m."""
    up, down = px * my, py * mx
    return 0.5 * (up - down), 0.5 * (up + down), (py * my - px * mx) - stress


class Equations:
    """The equations on one grid, with or without a held equilibrium.

    The pointwise parts take the operators of the rows at hand, by default of all rows.
    """

    def __init__(self, grid: Grid, held: np.ndarray | None, dtype: np.dtype) -> None:
        self.grid, self.dtype, self.ops = grid, dtype, Operators.of(grid, held, dtype)
        self.stress: Array | float = 0.0  # D of the held profile, see `stress_of_held`

    def stress_of_held(self, elsasser: Callable[[Fields], tuple[Array, ...]]) -> Array | float:
        """D of a held profile of one coordinate, (nx, 1) or (1, ny); 0 where there is none.

        Such a D has no curl, but off powers of two its transform leaves round-off in other modes.
        Taken away before the transform, the held state is a fixed point to the last bit, provided
        that the fields come from the same `elsasser` as in the step.
        """
        held = self.ops.held
        if held is None:
            return 0.0
        along_y = any(np.asarray(a)[1:].any() for a in held)
        along_x = any(np.asarray(a)[:, 1:].any() for a in held)
        if along_x and along_y:
            return 0.0
        still = Fields(held, Hat(*(jnp.array(np.zeros(a.shape), a.dtype) for a in held)))
        px, py, mx, my = (np.asarray(f) for f in elsasser(still))
        stress = py * my - px * mx
        return jnp.asarray(stress[:1] if along_y else stress[:, :1])

    def potentials(self, now: Fields, ops: Operators | None = None) -> tuple[Hat, Hat]:
        """phi - psi and phi + psi, of which (-d_y, d_x) gives p and m."""
        inverse = (ops or self.ops).inverse
        phi = [inverse * w for w in now.omega]
        pairs = list(zip(phi, now.psi, strict=True))
        return Hat(*(f - s for f, s in pairs)), Hat(*(f + s for f, s in pairs))

    def elsasser(self, now: Fields) -> tuple[Array, Array, Array, Array]:
        """The four fields that are multiplied: p_x, p_y, m_x, m_y of p = v + B, m = v - B."""
        kx, ky, grid = self.ops.kx, self.ops.ky, self.grid
        a, b = self.potentials(now)
        return (
            to_field(Hat(ky * a.im, -ky * a.re), grid),
            to_field(Hat(-kx * a.im, kx * a.re), grid),
            to_field(Hat(ky * b.im, -ky * b.re), grid),
            to_field(Hat(-kx * b.im, kx * b.re), grid),
        )

    def slopes(
        self,
        of_products: Sequence[Hat],
        now: Fields,
        by: Coefficients,
        ops: Operators | None = None,
    ) -> Fields:
        """Time derivative from the coefficients of E, R and D."""
        emf, shear, normal = of_products
        ops = ops or self.ops
        kx, ky, keep, k2, held = ops.kx, ops.ky, ops.keep, ops.k2, ops.held
        resist, viscous = (by.eta + by.eta4 * k2) * k2, by.nu * k2
        loose = now.psi
        if held is not None:
            loose = Hat(*(a - b for a, b in zip(now.psi, held, strict=True)))
        # dxx - dyy is -(kx^2 - ky^2) and dx dy is -kx ky: both signs of the curl turn.
        along, across = keep * (kx**2 - ky**2), keep * (kx * ky)
        return Fields(
            Hat(*(-keep * e - resist * a for e, a in zip(emf, loose, strict=True))),
            Hat(
                *(
                    along * r + across * d - viscous * w
                    for r, d, w in zip(shear, normal, now.omega, strict=True)
                )
            ),
        )

    def rhs(self, now: Fields, by: Coefficients) -> Fields:
        """Time derivative: four inverse and three forward real transforms."""
        three = products(*self.elsasser(now), self.stress)
        return self.slopes([to_hat(product, self.grid) for product in three], now, by)

    def rates(self, now: Fields, by: Coefficients, ops: Operators | None = None) -> Rates:
        """Dissipation and injection mode by mode; their sums are the domain means."""
        psi, omega, ops = now.psi, now.omega, ops or self.ops
        held = ops.held
        ohmic = ops.weight * ops.k2**2 * (by.eta + by.eta4 * ops.k2)
        viscous = ops.weight * by.nu
        lost = ohmic * (psi.re**2 + psi.im**2) + viscous * (omega.re**2 + omega.im**2)
        if held is None:
            return Rates(lost, jnp.zeros((), lost.dtype))
        return Rates(lost, ohmic * (psi.re * held.re + psi.im * held.im))

    def energies(self, now: Fields) -> tuple[Array, Array]:
        """Magnetic and kinetic energy, domain means."""
        psi, omega, ops = now.psi, now.omega, self.ops
        magnetic = ops.weight * ops.k2 * (psi.re**2 + psi.im**2)
        kinetic = -ops.weight * ops.inverse * (omega.re**2 + omega.im**2)
        return 0.5 * jnp.sum(magnetic), 0.5 * jnp.sum(kinetic)
