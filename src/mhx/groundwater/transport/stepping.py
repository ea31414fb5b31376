"""Time steps of transport: as many as asked for, or as a largest Courant number needs.

The Courant number of a cell is dt x outflow / pore volume, so a bound on it and a flow field give
the longest step.  Steps of a stress period are refined by splitting each into the same number:
n steps with the multiplier m become k n steps with m^(1/k), and every step of before still ends
where it did.
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


def turnover(outflow: Floats, pore_volume: Floats) -> float:
    """Largest outflow over pore volume of all cells with water, per unit of time of the outflow."""
    wet = pore_volume > 0
    return float((outflow[wet] / pore_volume[wet]).max(initial=0.0))


def with_courant(flow: FlowModel, turnovers: Floats, courant: float) -> FlowModel:
    """The flow model with steps in which no Courant number exceeds the bound.

    turnovers: (n_periods,) largest turnover in each stress period [1/s].  ConfigError where more
    steps than MODFLOW can number would be needed.
    """
    periods = []
    for number, (period, rate) in enumerate(zip(flow.periods, turnovers, strict=True), start=1):
        longest = math.inf if rate <= 0 else courant / float(rate) / flow.seconds
        finer = refined(period, longest)
        if finer.steps > MOST_STEPS:
            raise ConfigError(
                f"transport.time.courant = {courant:g} needs {finer.steps} time steps in stress "
                f"period {number} (at most {MOST_STEPS}): a cell is flushed in "
                f"{1 / rate / 86400:.3g} days; raise it, shorten transport.time.length, or make "
                "small cells with much water larger"
            )
        periods.append(finer)
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
