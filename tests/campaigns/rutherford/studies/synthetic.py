"""Cases with histories in closed form, so that what a study must say of them is known exactly.

The flux is logistic: it grows at `rate` and ends at `top`.  Errors of step and grid are added in
the shape of one smooth function, as truncation errors are.
"""

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies.cases import CaseRun, Cases
from mhx.config import parse
from mhx.evidence.hashing import content_digest
from mhx.reconnection.config import Reconnection
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.state import State

WIDTH, ETA, SEED = 0.45, 0.008, 4e-3


def document(**changes: Any) -> dict[str, Any]:
    """A run file; `changes` by dotted key with `__` for the dot."""
    tables: dict[str, Any] = {
        "mesh": {"shape": [16, 16]},
        "time": {"t1": 80.0, "dt": 0.08, "save_every": 10},
        "physics": {
            "equilibrium": "periodic_double_harris",
            "resistivity": ETA,
            "viscosity": ETA,
            "equilibrium_parameters": {"width": WIDTH, "perturbation_amplitude": SEED},
        },
        "initial": {"noise_amplitude": 1e-6},
    }
    for key, value in changes.items():
        *above, name = key.split("__")
        table = tables
        for part in above:
            table = table.setdefault(part, {})
        table[name] = value
    return tables


def config(**changes: Any) -> Reconnection:
    return parse(Reconnection, document(**changes))


@dataclass(frozen=True, kw_only=True)
class Law:
    """What the history of a case is; errors are relative."""

    rate: float = 0.08
    top: float = 0.2
    step_coefficient: float = 1e-4
    step_power: float = 4.0
    final_share: float = 1.0
    grid_error: float = 0.0
    noise: float = 0.0
    tail: float = 1e-9
    divergence: float = 1e-14
    kinetic: float = 1e-3
    energy: float = 0.4
    growth_of_energy: float = 0.0


def case(name: str, law: Law = Law(), **changes: Any) -> CaseRun:
    """One finished case that follows a law."""
    table = config(**changes)
    steps = np.append(np.arange(0, table.steps, table.save_every), table.steps)
    time = steps * table.dt
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    truncation = law.step_coefficient * table.dt**law.step_power
    shape = np.sin(math.pi * time / table.t_end)  # nothing is left of it at the end
    factor = 1 + (truncation + law.grid_error) * shape + law.noise * rng.normal(size=len(time))
    flux = SEED / (SEED / law.top + (1 - SEED / law.top) * np.exp(-law.rate * time)) * factor
    zero = np.zeros(len(time))
    energy = law.energy - 1e-4 * time + law.growth_of_energy * np.arange(len(time))
    kinetic = law.kinetic * (flux / law.top) ** 2
    history = {
        "step": steps,
        "time": time,
        "sheet_flux_0": flux,
        "sheet_flux_1": flux,
        "island_width_0": 4 * np.sqrt(flux / table.shear),
        "island_width_1": 4 * np.sqrt(flux / table.shear),
        "perturbation_norm": flux / flux[0],
        "kinetic_energy": kinetic,
        "magnetic_energy": energy - kinetic,
        "total_energy": energy,
        "dissipated_energy": 1e-4 * time,
        "injected_energy": zero,
        "dissipation_budget_residual": zero,
        "magnetic_divergence_linf": zero + law.divergence,
        "current_density_linf": zero + 1 / WIDTH,
        "spectral_tail": zero + law.tail,
        "stability_ratio": zero + 0.3,
    }
    return CaseRun(
        id=name,
        label=name,
        folder=Path(name),
        config=table,
        history=history,
        state=_final(table, law, truncation, rng),
        digest=content_digest(table.document()),
    )


def _final(table: Reconnection, law: Law, truncation: float, rng: np.random.Generator) -> State:
    """A last state that depends on dt as the law says; `final_share` of that is left at the end."""
    start = initial_state(table)
    noise = law.noise * rng.normal(size=start.psi_hat.shape) * table.grid.keep
    factor = 1 + truncation * law.final_share + noise
    return State(
        step=table.steps,
        time=table.t_end,
        psi_hat=start.psi_hat * factor,
        omega_hat=0 * start.psi_hat,
        dissipated=1e-4 * table.t_end,
    )


def cases(*runs: CaseRun, **more: Any) -> Cases:
    """A study of these cases and no others."""
    return Cases(planned=tuple(run.id for run in runs), runs=runs, **more)
