"""Two-dimensional reduced MHD in stress/EMF form.  Strauss, Phys. Fluids 19, 134 (1976).

    v = (-phi_y, phi_x),  B = (psi_y, -psi_x),  omega = lap phi,  j = -lap psi
    psi_t   = -E + eta lap(psi - held) - eta4 lap^2(psi - held)
    omega_t = -[(dxx - dyy) R + dx dy D] + nu lap omega
    E = v_y B_x - v_x B_y,  R = v_x v_y - B_x B_y,  D = (v_y^2 - v_x^2) - (B_y^2 - B_x^2)

`held` is the equilibrium kept up against resistivity, 0 if it may decay.  In p = v + B, m = v - B the
products are four instead of nine:

    E = (p_x m_y - p_y m_x)/2,  R = (p_x m_y + p_y m_x)/2,  D = p_y m_y - p_x m_x

Two integrals are advanced with the fields, in domain means:

    dissipated_t = eta <j^2> + eta4 <|grad j|^2> + nu <omega^2>
    injected_t   = eta <j j_held> + eta4 <grad j . grad j_held>
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from mhx.reconnection.spectral import Grid
from mhx.reconnection.transforms import Hat, columns, split, to_field, to_hat


class Flow(NamedTuple):
    """What is integrated in time: flux function, vorticity and the two budget integrals."""

    psi: Hat
    omega: Hat
    dissipated: Array
    injected: Array


class Coefficients(NamedTuple):
    """Dissipation; numbers or traced scalars, so that a run can be differentiated by them."""

    eta: Array | float
    nu: Array | float
    eta4: Array | float


class Operators(NamedTuple):
    """Arrays over the retained columns, (nx, my_max + 1) or broadcastable; zero outside `keep`.

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
        kept = slice(0, columns(grid))
        kx, ky, k2 = grid.kx, grid.ky[:, kept], grid.k2[:, kept]
        keep = grid.keep[:, kept]
        inverse = -1.0 / np.where(k2 > 0, k2, np.inf)
        weight = grid.weight[:, kept] * keep
        arrays = (kx * keep, ky * keep, k2 * keep, inverse * keep, 1.0 * keep)
        curl = ((kx**2 - ky**2) * keep, kx * ky * keep)
        return cls(*(jnp.array(a, dtype) for a in (*arrays, *curl, weight)))


def velocities(psi: Hat, omega: Hat, ops: Operators, grid: Grid) -> tuple[Array, ...]:
    """The four fields that are multiplied: p_x, p_y, m_x, m_y of p = v + B, m = v - B."""
    phi = Hat(ops.inverse * omega.re, ops.inverse * omega.im)
    minus = Hat(phi.re - psi.re, phi.im - psi.im)  # p = (-d_y, d_x)(phi - psi)
    plus = Hat(phi.re + psi.re, phi.im + psi.im)  # m = (-d_y, d_x)(phi + psi)
    return (
        to_field(Hat(ops.ky * minus.im, -ops.ky * minus.re), grid),
        to_field(Hat(-ops.kx * minus.im, ops.kx * minus.re), grid),
        to_field(Hat(ops.ky * plus.im, -ops.ky * plus.re), grid),
        to_field(Hat(-ops.kx * plus.im, ops.kx * plus.re), grid),
    )


def equations(grid: Grid, ops: Operators, held: Hat | None) -> Callable[[Flow, Coefficients], Flow]:
    """The right-hand side on one grid: `rhs(flow, coefficients) -> time derivative of flow`."""

    def rhs(flow: Flow, by: Coefficients) -> Flow:
        psi, omega = flow.psi, flow.omega
        px, py, mx, my = velocities(psi, omega, ops, grid)
        up, down = px * my, py * mx
        emf = to_hat(0.5 * (up - down), grid)
        shear = to_hat(0.5 * (up + down), grid)
        normal = to_hat(py * my - px * mx, grid)

        resist = (by.eta + by.eta4 * ops.k2) * ops.k2
        viscous = by.nu * ops.k2
        loose = psi if held is None else Hat(psi.re - held.re, psi.im - held.im)
        # dx dy is -kx ky and dxx - dyy is -(kx^2 - ky^2): the curl keeps R and D with a plus.
        dpsi = [-ops.keep * e - resist * p for e, p in zip(emf, loose, strict=True)]
        domega = [
            ops.shear * r + ops.normal * d - viscous * w
            for r, d, w in zip(shear, normal, omega, strict=True)
        ]
        ohmic = ops.weight * resist * ops.k2
        lost = ohmic * (psi.re**2 + psi.im**2) + (by.nu * ops.weight) * (omega.re**2 + omega.im**2)
        fed = jnp.zeros_like(flow.injected)
        if held is not None:
            fed = jnp.sum(ohmic * (psi.re * held.re + psi.im * held.im))
        return Flow(Hat(*dpsi), Hat(*domega), jnp.sum(lost), fed)

    return rhs


def held_hat(held: np.ndarray | None, grid: Grid, dtype: np.dtype) -> Hat | None:
    """The held equilibrium as the stepper holds it, truncated."""
    return None if held is None else split(np.where(grid.keep, held, 0), grid, dtype)
