"""A solution of a checked configuration at points and times, without a mesh.

Points (k, 2) m in the coordinates of the domain, times in days since the start; values (t, k):
heads m of a solution of flow, concentrations kg/m3 of one of transport.
"""

from collections.abc import Sequence

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.analytic import heads, solutes
from mhx.groundwater.analytic.cases import Case, Column, Decay, Dupuit, Linear, Theis
from mhx.groundwater.analytic.reading import Reading
from mhx.groundwater.analytic.solutions import FLOW, TRANSPORT
from mhx.groundwater.config import Simulation
from mhx.groundwater.grid import Floats
from mhx.groundwater.units import DAY


def evaluate(
    solution: str, config: Simulation, points: Floats, times: Sequence[float] | Floats
) -> Floats:
    """Values at points and times; ConfigError where the configuration is another problem."""
    case = case_of(solution, config)
    days = np.asarray(times, dtype=float)
    where = np.asarray(points, dtype=float).reshape(-1, 2)
    if isinstance(case, Column | Decay):
        return np.stack([solutes.concentration(case, where, time * DAY) for time in days])
    return np.stack([heads_of(case, where, time * DAY) for time in days])


def case_of(solution: str, config: Simulation) -> Case:
    """The numbers of a solution in a configuration; ConfigError naming every key that differs."""
    solutions = {**FLOW, **TRANSPORT}
    if solution not in solutions:
        known = ", ".join(solutions)
        raise ConfigError(f"solver.analytic.solution must be one of {known}, got {solution!r}")
    if solution in TRANSPORT and config.transport is None:
        raise ConfigError(f"transport is required with solver.analytic.solution = {solution!r}")
    read = Reading(config, solution)
    case = solutions[solution](read)
    if read.faults:
        told = [f"{'.'.join(map(str, place))} {text}" for place, text, _ in read.faults]
        raise ConfigError("\n  ".join(told))
    return case


def heads_of(case: Case, points: Floats, seconds: float) -> Floats:
    """(k,) heads of a case of flow, or those under one of transport [m]."""
    if isinstance(case, Column | Decay):
        return heads.linear(case.flow, points)
    if isinstance(case, Theis):
        return heads.theis(case, points, seconds)
    if isinstance(case, Dupuit):
        return heads.dupuit(case, points)
    return heads.linear(case, points) if isinstance(case, Linear) else heads.toth(case, points)
