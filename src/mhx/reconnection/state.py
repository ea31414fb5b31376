"""The state of one run at one step, on the host."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class State:
    """Half-spectrum coefficients (`spectral.Grid`) and the two budget integrals.

    psi_hat, omega_hat: complex, (nx, ny//2 + 1), plain `rfft2` of the cell-centred fields, zero
        outside `Grid.keep`.  They are the only input of a resume: an inverse and a forward
        transform do not give the same bits back.
    dissipated, injected: energy lost to resistivity and viscosity, and fed in by the source of a
        held equilibrium, since step 0 [v_A^2, domain mean].
    """

    step: int
    time: float
    psi_hat: np.ndarray
    omega_hat: np.ndarray
    dissipated: float = 0.0
    injected: float = 0.0

    @property
    def finite(self) -> bool:
        """True when no number of the state is NaN or infinite."""
        return bool(
            np.isfinite(self.psi_hat).all()
            and np.isfinite(self.omega_hat).all()
            and np.isfinite([self.dissipated, self.injected]).all()
        )
