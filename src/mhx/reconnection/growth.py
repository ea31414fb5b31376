"""What an eigen-solve of a sheet says: modes, rates, the layer and the jump outside it.

Values only; how they are found stands in `linear`.  Rates in v_A/L, lengths in L.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

DOUBLING = 1e-6  # relative change of a converged rate when the modes are doubled


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One eigenmode.  parity: of psi about the mid-planes, "none" where that does not exist.

    gamma, frequency [v_A/L]; vector: b, then u, over the mode numbers `psi_modes`, `phi_modes`.
    """

    gamma: float
    frequency: float
    parity: str
    residual: float
    psi_modes: np.ndarray = field(repr=False)
    phi_modes: np.ndarray = field(repr=False)
    vector: np.ndarray = field(repr=False)

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("gamma", "frequency", "parity", "residual")}


@dataclass(frozen=True, kw_only=True)
class GrowthRate:
    """What the eigen-solve says; rates in v_A/L, lengths in L.

    k: wave number of the followed mode; gamma and its neighbours: of the leading mode there.
    modes, change_on_doubling: the last resolution, and the relative change since half of it.
    branches: the leading mode of each parity; spectrum: the leading one of the waves of the box, of
    some where it holds many; fastest: the largest converged rate in it.
    grid_gamma: with the retained modes of the grid alone; equilibrium_tail: share of the energy of
    psi_eq beyond two thirds of the largest retained index, what is not retained included.
    delta_prime_*: of the outer equation, None where it does not exist; delta_eta (0 for a stable
    sheet) and delta_visc: widths of the layer; constant_psi_parameter: Delta' of the seed's branch
    times the larger of them; current_curvature: -j''/j of the equilibrium at the sheet, or None.
    """

    gamma: float
    frequency: float
    parity: str
    residual: float
    k: float
    mode_along: int
    frozen: bool
    modes: int
    change_on_doubling: float
    branches: dict[str, dict[str, Any]]
    spectrum: list[dict[str, Any]]
    spectrum_complete: bool
    fastest: dict[str, Any]
    grid_gamma: float
    equilibrium_tail: float
    seed_parity: str
    delta_prime_even: float | None
    delta_prime_odd: float | None
    delta_eta: float
    delta_visc: float
    constant_psi_parameter: float | None
    current_curvature: float | None
    leading: Mode = field(repr=False)

    @property
    def unstable(self) -> bool:
        return self.gamma > 0

    @property
    def converged(self) -> bool:
        """Whether doubling the modes left the rate as it was."""
        return self.change_on_doubling <= DOUBLING

    @property
    def faster_mode(self) -> str:
        """That the box holds a mode which grows faster, in words; empty where it holds none."""
        fastest = self.fastest
        if fastest["mode_along"] == self.mode_along or fastest["gamma"] <= self.gamma:
            return ""
        return (
            f"mode {fastest['mode_along']} along the sheets grows faster than the followed mode "
            f"{self.mode_along}: {fastest['gamma']:.4g} against {self.gamma:.4g} v_A/L"
        )

    def constant_psi_theory(self, eta: float) -> dict[str, float] | None:
        """What `phases` compares with, of the seed's branch; None without one.

        The curvature of the current is there where it stays: for a held equilibrium alone.
        """
        jumps = {"even": self.delta_prime_even, "odd": self.delta_prime_odd}
        jump, parameter = jumps.get(self.seed_parity), self.constant_psi_parameter
        if jump is None or parameter is None:
            return None
        theory = {"eta": eta, "delta_prime": jump, "constant_psi_parameter": parameter}
        if self.current_curvature is not None and not self.frozen:
            theory["current_curvature"] = self.current_curvature
        return theory

    def document(self) -> dict[str, Any]:
        """`growth_rate` of the plan: plain values, without the eigenvector."""
        table = asdict(replace(self, leading=None))  # type: ignore[arg-type]
        del table["leading"]
        return table | {"unstable": self.unstable, "converged": self.converged}
