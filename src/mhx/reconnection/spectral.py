"""The periodic box [0, lx) x [0, ly), its wave numbers and the 2/3 truncation.

Fields are real, shape (nx, ny), indexed [x, y], at cell centres x_i = (i + 1/2) dx.  Their
transforms are `rfft2`: complex, shape (nx, ny//2 + 1), unnormalised forward.  Modes outside `keep`
are zero, so products of two fields alias only into modes that are thrown away.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Box and resolution; lengths in units of L.  Wave numbers are angular, 2 pi m / length."""

    nx: int
    ny: int
    lx: float = 2 * np.pi
    ly: float = 2 * np.pi

    @property
    def shape(self) -> tuple[int, int]:
        return (self.nx, self.ny)

    @property
    def hat_shape(self) -> tuple[int, int]:
        return (self.nx, self.ny // 2 + 1)

    @cached_property
    def x(self) -> np.ndarray:
        """Cell centres along x, (nx,)."""
        return (np.arange(self.nx) + 0.5) * (self.lx / self.nx)

    @cached_property
    def y(self) -> np.ndarray:
        """Cell centres along y, (ny,)."""
        return (np.arange(self.ny) + 0.5) * (self.ly / self.ny)

    @cached_property
    def mx(self) -> np.ndarray:
        """Mode numbers along x in FFT order, (nx, 1), integers as float."""
        return np.fft.fftfreq(self.nx, 1 / self.nx)[:, None]

    @cached_property
    def my(self) -> np.ndarray:
        """Mode numbers along y, (1, ny//2 + 1)."""
        return np.fft.rfftfreq(self.ny, 1 / self.ny)[None, :]

    @cached_property
    def kx(self) -> np.ndarray:
        """Wave numbers along x, (nx, 1)."""
        return self.mx * (2 * np.pi / self.lx)

    @cached_property
    def ky(self) -> np.ndarray:
        """Wave numbers along y, (1, ny//2 + 1)."""
        return self.my * (2 * np.pi / self.ly)

    @cached_property
    def k2(self) -> np.ndarray:
        """kx^2 + ky^2, (nx, ny//2 + 1)."""
        return self.kx**2 + self.ky**2

    @cached_property
    def keep(self) -> np.ndarray:
        """True where |mx| < nx/3 and |my| < ny/3, (nx, ny//2 + 1)."""
        return (np.abs(self.mx) < self.nx / 3) & (np.abs(self.my) < self.ny / 3)

    @property
    def mx_max(self) -> int:
        """Largest retained mode number along x: the largest integer below nx/3."""
        return (self.nx - 1) // 3

    @property
    def my_max(self) -> int:
        """Largest retained mode number along y."""
        return (self.ny - 1) // 3

    @property
    def kx_max(self) -> float:
        """Largest retained wave number along x."""
        return self.mx_max * 2 * np.pi / self.lx

    @property
    def ky_max(self) -> float:
        """Largest retained wave number along y."""
        return self.my_max * 2 * np.pi / self.ly

    @cached_property
    def to_origin(self) -> np.ndarray:
        """`hat * to_origin` = Fourier coefficients: f(x, y) = sum c exp(i (kx x + ky y)).

        The factor holds the half-cell shift of the cell centres and 1/(nx ny).  The sum runs over
        the full plane; on the half spectrum a column my > 0 stands for itself and its conjugate.
        """
        shift = self.kx * (self.lx / self.nx / 2) + self.ky * (self.ly / self.ny / 2)
        return np.exp(-1j * shift) / (self.nx * self.ny)

    @cached_property
    def weight(self) -> np.ndarray:
        """Parseval weights on the half spectrum, (1, ny//2 + 1): mean(f g) = sum w Re(f^ conj g^).

        Includes 1/(nx ny)^2.  The Nyquist column, never retained, would count once.
        """
        twice = np.where((self.my == 0) | (2 * self.my == self.ny), 1.0, 2.0)
        return twice / (self.nx * self.ny) ** 2
