"""What is not the case that an exact solution solves, told with its key when it is planned.

Imported by the configuration: no numpy.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mhx.groundwater.analytic.reading import Reading
from mhx.groundwater.analytic.solutions import FLOW, TRANSPORT
from mhx.groundwater.kinds import Fault

if TYPE_CHECKING:
    from mhx.groundwater.config import Simulation


def faults(config: "Simulation") -> Iterator[Fault]:
    """Keys of a configuration with engine = 'analytic' that make it another problem."""
    if config.engine != "analytic" or config.model is not None or not config.runs("flow"):
        return
    needed = (config.domain, config.mesh, config.layers, config.flow, config.topography)
    if any(table is None for table in needed):
        return  # told already
    solute = config.runs("transport")
    if solute and config.transport is None:
        return
    solutions, name = (TRANSPORT if solute else FLOW), config.solver.analytic.solution
    place, known = ("solver", "analytic", "solution"), ", ".join(solutions)
    if name is None:
        told = f"is required with engine = 'analytic': one of {known}"
        yield Fault(place, told, absent=True)
    elif name not in solutions:
        kind = "transport" if solute else "flow without transport"
        yield Fault(place, f"must be one of {known} for {kind}, got {name!r}")
    else:
        read = Reading(config, name)
        solutions[name](read)
        yield from read.faults
