"""The last fields of a long run beside those of its unseeded base, where a study asks for them.

On the grid of the run, (nx, ny), [x, y], cell-centred: psi in L v_A, omega in v_A/L.
"""

from collections.abc import Iterable

import numpy as np

from mhx.campaigns.rutherford.studies.cases import CaseRun
from mhx.campaigns.rutherford.studies.study import Study
from mhx.reconnection.perturbation import Perturbation


def stored_fields(study: Study, runs: Iterable[CaseRun]) -> dict[str, np.ndarray]:
    """`base_psi`, `base_omega`, `perturbed_psi`, `perturbed_omega`; none unless asked for."""
    run = next(iter(runs), None)
    if not study.store_fields or run is None:
        return {}
    state, shape = run.state, run.config.grid.shape
    base = Perturbation(run.config).base(state.time)
    hats = {"base": base, "perturbed": (state.psi_hat, state.omega_hat)}
    return {
        f"{whose}_{name}": np.fft.irfft2(hat, s=shape)
        for whose, both in hats.items()
        for name, hat in zip(("psi", "omega"), both, strict=True)
    }
