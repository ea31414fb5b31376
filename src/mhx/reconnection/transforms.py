"""Real transforms between fields and their retained coefficients, under jit.

Fields are real, (nx, ny), indexed [x, y].  Coefficients are the retained columns my = 0 ... my_max
of `rfft2`, turned and split: two real arrays (re, im) of shape (my_max + 1, nx), columns mx in FFT
order.  So the complex transforms along x run over contiguous rows and over a third of the half
spectrum only, and all loops between transforms are real; XLA is slow at complex ones.  Columns
beyond mx_max are present; `equations` keeps them zero.  Wave numbers and masks: `spectral.Grid`.
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


def turned(half: np.ndarray, grid: Grid) -> np.ndarray:
    """The retained columns of a host array over the half spectrum, as (my_max + 1, nx)."""
    full = np.broadcast_to(half, grid.hat_shape)
    return np.ascontiguousarray(full[:, : grid.my_max + 1].T)


def to_field(hat: Hat, grid: Grid) -> Array:
    """The real field of a set of coefficients."""
    along_y = jnp.fft.ifft(lax.complex(hat.re, hat.im)).T
    missing = grid.hat_shape[1] - along_y.shape[1]
    return jnp.fft.irfft(jnp.pad(along_y, ((0, 0), (0, missing))), n=grid.ny)


def to_hat(field: Array, grid: Grid) -> Hat:
    """Coefficients of a real field; those beyond mx_max are not yet cleared."""
    along_y = jnp.fft.rfft(field)[:, : grid.my_max + 1]
    full = jnp.fft.fft(along_y.T)
    return Hat(full.real, full.imag)


def split(hat: np.ndarray, grid: Grid, dtype: np.dtype) -> Hat:
    """Host coefficients (nx, ny//2 + 1) as the stepper holds them."""
    kept = turned(hat, grid)
    return Hat(jnp.array(kept.real, dtype), jnp.array(kept.imag, dtype))


def join(hat: Hat, grid: Grid) -> np.ndarray:
    """Host coefficients (nx, ny//2 + 1) of what the stepper holds; undoes `split` bit for bit."""
    re, im = np.asarray(hat.re), np.asarray(hat.im)
    full = np.zeros(grid.hat_shape, np.result_type(re.dtype, np.complex64))
    full.real[:, : grid.my_max + 1] = re.T
    full.imag[:, : grid.my_max + 1] = im.T
    return full
