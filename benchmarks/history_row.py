"""What does one row of the history cost?  Bounds: 8 ms at 128^2, 30 ms at 256^2, median.

Held double Harris sheets with seed and noise at t = 10 (linear) and t = 40 (nonlinear); the fields
come from the stepper, as in a run.
"""

import sys
import time

from _record import record, spread

from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import Sampler
from mhx.reconnection.equilibria import equilibrium_hat, initial_state
from mhx.reconnection.solver import Physics, Solver

BOUNDS_S = {128: 0.008, 256: 0.030}
DT, STEPS = 0.02, {"early": 500, "late": 1500}
ETA = 4.5e-3


def configuration(points: int) -> Reconnection:
    sheets = {"width": 0.36, "perturbation_amplitude": 4e-3}
    physics = {"resistivity": ETA, "viscosity": ETA, "equilibrium_parameters": sheets}
    return Reconnection.model_validate(
        {
            "mesh": {"shape": [points, points]},
            "time": {"t1": DT * sum(STEPS.values()), "dt": DT},
            "physics": {"equilibrium": "periodic_double_harris"} | physics,
            "initial": {"noise_amplitude": 1e-6},
        }
    )


def seconds(sampler: Sampler, state, repeats: int) -> list[float]:
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        sampler.row(state)
        found.append(time.perf_counter() - began)
    return found[3:]  # the first ones compile and fill caches


def main() -> int:
    figures, slow = {}, False
    for points, bound in BOUNDS_S.items():
        config = configuration(points)
        state = initial_state(config)
        physics = Physics(eta=ETA, nu=ETA, held=equilibrium_hat(config))
        solver = Solver(config.grid, physics, config.dt)
        sampler = Sampler(config, state, solver.fields)
        for when, steps in STEPS.items():
            state = solver.run(state, steps)
            figures[f"{points}^2 {when}"] = found = spread(seconds(sampler, state, 43))
            slow |= found["median_s"] > bound
    record("history_row", figures, bounds_s=BOUNDS_S, dt=DT, steps=STEPS)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
