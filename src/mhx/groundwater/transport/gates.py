"""Gates on a transport run, with the reason of each and what to do when it fails.

They read `transport_metrics.*` by full names.  Bounds on overshoot and undershoot stand in
`[transport.accept]`; the others are fixed here.  Courant and Peclet numbers are advice in the notes
and no gates: a coarse run is still a solution of its own discrete equations.
"""

from dataclasses import replace

from mhx.evidence.gates import Gate
from mhx.groundwater.config import Simulation
from mhx.groundwater.transport.config import Transport
from mhx.groundwater.vocabulary import TRANSPORT

CONVERGED = Gate(
    name="every_transport_step_converged",
    metric=f"{TRANSPORT}converged",
    low=1,
    high=1,
    reason="concentrations of a step that did not converge are no solution",
    remedy="use smaller time steps (transport.time.courant), or advection = 'upstream'",
)
STEP_BALANCE = Gate(
    name="solute_balance_of_every_step",
    metric=f"{TRANSPORT}max_abs_step_percent_discrepancy",
    high=0.5,
    reason="the percent discrepancy of the solute, for the rates of the worst step",
    remedy="use smaller time steps; with tvd the limiter may keep the solver from converging",
)
CLOSURE = Gate(
    name="solute_mass_closes",
    metric=f"{TRANSPORT}closure_relative",
    high=1e-6,
    reason="what came, went and decayed by the budget must be what the concentrations show: the "
    "water balance says nothing of it",
    remedy="use smaller time steps or tighter closures; with transient flow see "
    "notes.transport.storage",
)
SINGLE_PRECISION = {"mt3dusgs": 1e-4}
"""Engine -> the closure that single precision allows: masses summed over a thousand steps [1]."""


def transport_gates(config: Simulation) -> list[Gate]:
    """The sanity gates of a transport run that is built here."""
    assert config.transport is not None  # a transport process has one
    if config.engine == "analytic":  # no steps, no budget: a formula
        return hull_gates(config.transport, mixed=not _adds(config))
    closure = replace(CLOSURE, high=SINGLE_PRECISION.get(config.engine, CLOSURE.high))
    return [CONVERGED, STEP_BALANCE, closure, *hull_gates(config.transport, not _adds(config))]


def hull_gates(transport: Transport, mixed: bool = True) -> list[Gate]:
    """Nothing below 0 and, where concentrations only mix, nothing above the largest that enters."""
    accept = transport.accept
    cure = (
        "use advection = 'tvd' or 'upstream', smaller cells (Peclet <= 2), or longer steps; on "
        "skewed cells dispersion_xt3d = false"
    )
    low = Gate(
        name="no_concentration_below_zero",
        metric=f"{TRANSPORT}undershoot",
        high=accept.undershoot_max,
        reason="a negative concentration is made by the scheme, or by a src that takes more mass "
        "than there is",
        remedy=cure,
    )
    high = Gate(
        name="no_concentration_above_its_sources",
        metric=f"{TRANSPORT}overshoot",
        high=accept.overshoot_max,
        reason="water that mixes is nowhere more concentrated than what enters, is held, or was "
        "there: more is made by the scheme",
        remedy=cure,
    )
    return [low, high] if mixed else [low]


def _adds(config: Simulation) -> bool:
    """Whether solute may gather beyond all that enters: mass added, or water taken without it."""
    assert config.transport is not None and config.flow is not None
    added = any(table.package == "src" for table in config.transport.bc)
    return added or any(table.package == "evt" for table in config.flow.source)
