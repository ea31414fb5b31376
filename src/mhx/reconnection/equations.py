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

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

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
    """Arrays over the retained columns, laid out as `Hat`; zero outside `keep`.

    inverse: -1/k^2, 0 for the mean, whose value is a gauge.
    shear, normal: what R and D are multiplied by in the curl, kx^2 - ky^2 and kx ky.
    weight: Parseval, mean(f g) = sum weight Re(f^ conj g^).
    """

    kx: Array
    ky: Array
    k2: Array
    inverse: Array
    keep: Array
    shear: Array
    normal: Array
    weight: Array

    @classmethod
    def of(cls, grid: Grid, dtype: np.dtype) -> "Operators":
        kx, ky, k2, keep = grid.kx, grid.ky, grid.k2, grid.keep
        inverse = -1.0 / np.where(k2 > 0, k2, np.inf)
        curl = (kx**2 - ky**2, kx * ky)
        arrays = (kx, ky, k2, inverse, 1.0, *curl, grid.weight)
        return cls(*(jnp.array(turned(a * keep, grid), dtype) for a in arrays))


class Equations:
    """The equations on one grid, with or without a held equilibrium."""

    def __init__(self, grid: Grid, held: np.ndarray | None, dtype: np.dtype) -> None:
        self.grid, self.ops = grid, Operators.of(grid, dtype)
        self.held: Hat | None = None
        self.stress: Array | float = 0.0  # D of the held profile
        if held is not None:
            kept = np.where(grid.keep, held, 0)
            self.held = split(kept, grid, dtype)
            self.stress = self._stress_of(self.held, kept)

    def _stress_of(self, psi: Hat, held: np.ndarray) -> Array | float:
        """D = B_x^2 - B_y^2 of a held profile of one coordinate, (nx, 1) or (1, ny).

        Such a D has no curl, but off powers of two its transform leaves round-off in other modes.
        Taken away before the transform, the held state is a fixed point to the last bit.
        """
        along_y, along_x = np.any(held[:, 1:]), np.any(held[1:])
        if along_x and along_y:
            return 0.0
        still = Fields(psi, Hat(*(jnp.zeros_like(a) for a in psi)))
        bx, by, _, _ = jax.jit(self.elsasser)(still)
        profile = bx * bx - by * by
        return profile[:1] if along_y else profile[:, :1]

    def elsasser(self, now: Fields) -> tuple[Array, Array, Array, Array]:
        """The four fields that are multiplied: p_x, p_y, m_x, m_y of p = v + B, m = v - B."""
        kx, ky, grid = self.ops.kx, self.ops.ky, self.grid
        phi = [self.ops.inverse * w for w in now.omega]
        p = Hat(*(f - s for f, s in zip(phi, now.psi, strict=True)))  # p = (-d_y, d_x)(phi - psi)
        m = Hat(*(f + s for f, s in zip(phi, now.psi, strict=True)))  # m = (-d_y, d_x)(phi + psi)
        return (
            to_field(Hat(ky * p.im, -ky * p.re), grid),
            to_field(Hat(-kx * p.im, kx * p.re), grid),
            to_field(Hat(ky * m.im, -ky * m.re), grid),
            to_field(Hat(-kx * m.im, kx * m.re), grid),
        )

    def rhs(self, now: Fields, by: Coefficients) -> Fields:
        """Time derivative: four inverse and three forward real transforms."""
        ops, grid = self.ops, self.grid
        px, py, mx, my = self.elsasser(now)
        up, down = px * my, py * mx
        emf = to_hat(0.5 * (up - down), grid)
        shear = to_hat(0.5 * (up + down), grid)
        normal = to_hat((py * my - px * mx) - self.stress, grid)

        resist, viscous = (by.eta + by.eta4 * ops.k2) * ops.k2, by.nu * ops.k2
        loose = now.psi
        if self.held is not None:
            loose = Hat(*(a - b for a, b in zip(now.psi, self.held, strict=True)))
        # dxx - dyy is -(kx^2 - ky^2) and dx dy is -kx ky: both signs of the curl turn.
        return Fields(
            Hat(*(-ops.keep * e - resist * a for e, a in zip(emf, loose, strict=True))),
            Hat(
                *(
                    ops.shear * r + ops.normal * d - viscous * w
                    for r, d, w in zip(shear, normal, now.omega, strict=True)
                )
            ),
        )

    def rates(self, now: Fields, by: Coefficients) -> Rates:
        """Dissipation and injection mode by mode; their sums are the domain means."""
        psi, omega, ops = now.psi, now.omega, self.ops
        ohmic = ops.weight * ops.k2**2 * (by.eta + by.eta4 * ops.k2)
        viscous = ops.weight * by.nu
        lost = ohmic * (psi.re**2 + psi.im**2) + viscous * (omega.re**2 + omega.im**2)
        if self.held is None:
            return Rates(lost, jnp.zeros((), lost.dtype))
        return Rates(lost, ohmic * (psi.re * self.held.re + psi.im * self.held.im))

    def energies(self, now: Fields) -> tuple[Array, Array]:
        """Magnetic and kinetic energy, domain means."""
        psi, omega, ops = now.psi, now.omega, self.ops
        magnetic = ops.weight * ops.k2 * (psi.re**2 + psi.im**2)
        kinetic = -ops.weight * ops.inverse * (omega.re**2 + omega.im**2)
        return 0.5 * jnp.sum(magnetic), 0.5 * jnp.sum(kinetic)
