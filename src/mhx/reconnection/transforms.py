"""Real transforms between fields and their retained coefficients, under jit.

Fields are real, (nx, ny), indexed [x, y].  Coefficients are the retained columns my = 0 ... my_max
of `rfft2`, as two real arrays (re, im) of shape (nx, my_max + 1), rows mx in FFT order: complex
loops are slower than real ones in XLA.  Rows beyond mx_max are present; `equations` keeps them zero.
Wave numbers, masks and weights belong to `spectral.Grid`.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from mhx.reconnection.spectral import Grid


class Hat(NamedTuple):
    """Retained coefficients of one real field: real and imaginary part."""

    re: Array
    im: Array


def columns(grid: Grid) -> int:
    """Number of retained columns, my = 0 ... my_max."""
    return grid.my_max + 1


def to_field(hat: Hat, grid: Grid) -> Array:
    """The real field of a set of coefficients."""
    missing = grid.hat_shape[1] - columns(grid)
    full = jnp.pad(lax.complex(hat.re, hat.im), ((0, 0), (0, missing)))
    return jnp.fft.irfft2(full, s=grid.shape)


def to_hat(field: Array, grid: Grid) -> Hat:
    """Coefficients of a real field; its rows beyond mx_max are not yet cleared."""
    full = jnp.fft.rfft2(field)[:, : columns(grid)]
    return Hat(full.real, full.imag)


def split(hat: np.ndarray, grid: Grid, dtype: np.dtype) -> Hat:
    """Host coefficients (nx, ny//2 + 1) as the stepper holds them."""
    kept = np.asarray(hat)[:, : columns(grid)]
    return Hat(jnp.array(kept.real, dtype), jnp.array(kept.imag, dtype))


def join(hat: Hat, grid: Grid) -> np.ndarray:
    """Host coefficients (nx, ny//2 + 1) of what the stepper holds; the inverse of `split`."""
    re, im = np.asarray(hat.re), np.asarray(hat.im)
    full = np.zeros(grid.hat_shape, np.result_type(re.dtype, np.complex64))
    full.real[:, : columns(grid)] = re
    full.imag[:, : columns(grid)] = im
    return full
