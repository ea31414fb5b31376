"""Time steps of transport: as many as asked for, or as a largest Courant number needs.

The Courant number of a cell is dt x outflow / pore volume: steps are as many times shorter as it
is too large.  With transient flow shorter steps change the flow, so that one has to look again.
Steps of a stress period are refined by splitting each into the same number: n steps with the
multiplier m become k n steps with m^(1/k), and every step of before still ends where it did.
"""

import math
from dataclasses import replace

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.flow_config import MOST_STEPS
from mhx.groundwater.grid import Floats
from mhx.groundwater.model import FlowModel, Period
from mhx.groundwater.transport.config import TransportTime

COURANT = 0.5
"""Largest Courant number where none is asked for [1]."""
SLACK = 1e-9
"""What a Courant number may exceed its bound by, relative: round-off [1]."""


def courant_of(time: TransportTime) -> float | None:
    """The bound on the Courant number; None where the number of steps is given."""
    if time.steps is not None:
        return None
    return COURANT if time.courant is None else time.courant


def courants(flow: FlowModel, turnovers: Floats) -> Floats:
    """(n_periods,) largest Courant number in the steps of each stress period.

    turnovers: (steps,) largest outflow over pore volume of all cells in each time step [1/d].
    """
    ends = np.array([end for _, _, end in flow.step_ends_d])
    periods = np.array([period for period, _, _ in flow.step_ends_d])
    found = np.zeros(len(flow.periods))
    np.maximum.at(found, periods - 1, turnovers * np.diff(ends, prepend=0.0))
    return found


def turnover(outflow: Floats, pore_volume: Floats) -> float:
    """Largest outflow over pore volume of all cells with water, per unit of time of the outflow."""
    wet = pore_volume > 0
    return float((outflow[wet] / pore_volume[wet]).max(initial=0.0))


def within(found: Floats, bound: float) -> bool:
    """Whether no Courant number exceeds the bound."""
    return bool((found <= bound * (1 + SLACK)).all())


def finer(flow: FlowModel, found: Floats, bound: float) -> FlowModel:
    """The flow model with steps in which the Courant numbers of before would keep the bound.

    found: (n_periods,) as of `courants`.  ConfigError where more steps than MODFLOW can number
    would be needed.
    """
    periods = []
    for number, (period, courant) in enumerate(zip(flow.periods, found.tolist(), strict=True), 1):
        needed = _longest(period) * min(1.0, bound / courant) if courant > 0 else math.inf
        steps = period.steps if math.isinf(needed) else math.ceil(period.length / needed)
        if steps > MOST_STEPS:
            raise ConfigError(
                f"transport.time.courant = {bound:g} needs {steps} time steps in stress period "
                f"{number} (at most {MOST_STEPS}): raise it, shorten transport.time.length, or "
                "make the small cells larger that much water passes"
            )
        periods.append(refined(period, needed))
    return replace(flow, periods=tuple(periods))


def refined(period: Period, longest: float) -> Period:
    """Steps of at most `longest` [MODFLOW's unit], with those of before among their ends."""
    split = max(1, math.ceil(_longest(period) / (longest * (1 + SLACK))))
    finer = _split(period, split)
    while _longest(finer) > longest * (1 + SLACK):  # the last of a growing step's parts is longer
        split += max(1, split // 100)
        finer = _split(period, split)
    return finer


def _split(period: Period, parts: int) -> Period:
    return Period(
        length=period.length,
        steps=period.steps * parts,
        multiplier=period.multiplier ** (1 / parts),
    )


def _longest(period: Period) -> float:
    """The longest step of a period."""
    if period.multiplier == 1.0:
        return period.length / period.steps
    lengths = period.multiplier ** np.arange(period.steps)
    return float(period.length * lengths.max() / lengths.sum())
