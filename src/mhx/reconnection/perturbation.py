"""How far a run is from its equilibrium without seed and noise, which needs no second run.

A one-dimensional equilibrium without seed is known exactly: held it stays, else each Fourier mode
of psi decays as exp(-(eta k^2 + eta4 k^4) t), and each of omega as exp(-nu k^2 t).

    norm = sqrt(sum over grid points of (psi - psi_base)^2 + (omega - omega_base)^2) / eps

eps is the amplitude of the seed; without one the norm is not divided.  Grows with the number of
points, so only ratios of it are compared between grids.
"""

from typing import TYPE_CHECKING

import numpy as np

from mhx.reconnection.equilibria import equilibrium_hat, initial_state
from mhx.reconnection.state import State

if TYPE_CHECKING:
    from mhx.reconnection.config import Reconnection


class Perturbation:
    """The difference of a state of one configuration from its unseeded base."""

    def __init__(self, config: "Reconnection") -> None:
        grid, loss = config.grid, config.dissipation
        self._psi = equilibrium_hat(config)
        self._omega = initial_state(config).omega_hat  # seed and noise are in psi alone
        resist = (loss.eta + loss.eta4 * grid.k2) * grid.k2
        self._decay = 0 * resist if config.held else resist
        self._damping = loss.nu * grid.k2
        self._weight = grid.weight * (grid.nx * grid.ny)  # Parseval: of a sum, not a mean
        self._eps = float(config.parameters.get("perturbation_amplitude", 0.0)) or 1.0

    def base(self, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients of psi and omega of the unseeded base, (nx, ny//2 + 1) each."""
        return self._psi * np.exp(-self._decay * time), self._omega * np.exp(-self._damping * time)

    def norm(self, state: State) -> float:
        """L2 norm over grid values of (psi, omega) minus base, over eps."""
        psi, omega = self.base(state.time)
        squares = np.abs(state.psi_hat - psi) ** 2 + np.abs(state.omega_hat - omega) ** 2
        return float(np.sqrt((self._weight * squares).sum())) / self._eps
