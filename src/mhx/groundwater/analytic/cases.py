"""The cases that have an exact solution: their numbers, in SI.

Positions are those of the outline: a head on the side west holds at the western edge, unless
`solver.analytic.anchor` puts it into the centres of the outer cells, where MODFLOW holds it.  How
they are read from a configuration: `flow_cases.py` and `solute_cases.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Heads on two opposite sides: at low < high along an axis (0: x, 1: y) [m].

    k [m/s] along the axis; thickness, width across [m].
    """

    axis: int
    low: float
    high: float
    head_low: float
    head_high: float
    k: float
    thickness: float
    width: float

    @property
    def flux(self) -> float:
        """Water through a unit of area, positive along the axis [m/s]."""
        return self.k * (self.head_low - self.head_high) / (self.high - self.low)


@dataclass(frozen=True, kw_only=True)
class Dupuit(Linear):
    """The same with a water table: thickness is its height above `bottom`; recharge [m/s]."""

    bottom: float
    recharge: float


@dataclass(frozen=True, kw_only=True)
class Toth:
    """A head mean + slope (s - middle) along a side of length `length`, s its coordinate.

    axis: of the side (0: it runs along x).  held, far: coordinates of the side and of the one
    opposite, across.  k_along, k_across [m/s]; thickness [m].
    """

    axis: int
    start: float
    length: float
    held: float
    far: float
    mean: float
    slope: float
    k_along: float
    k_across: float
    thickness: float


@dataclass(frozen=True, kw_only=True)
class Theis:
    """Wells (x, y, rate into the ground [m3/s]) in ground at rest at `head`.

    transmissivity [m2/s], storage [1].
    """

    head: float
    transmissivity: float
    storage: float
    wells: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """Transport in uniform flow, from an inlet at x = 0 in the direction of flow.

    flow: heads.  velocity: of the water [m/s] > 0.  dispersion: along the flow [m2/s].
    retardation R [1]; decay of what is dissolved and sorbed [1/s]: R c_t = D c_xx - v c_x - R l c.
    held: whether c0 [kg/m3] is held at the inlet, else it comes with the water.  start: at time 0.
    """

    flow: Linear
    velocity: float
    dispersion: float
    retardation: float
    decay: float
    source: float
    start: float
    held: bool


@dataclass(frozen=True, kw_only=True)
class Strip(Column):
    """A column whose inlet holds c0 between `first` and `last` across the flow, 0 beside it.

    across: transverse dispersion [m2/s].  sides: coordinates of the sides along the flow.
    """

    across: float
    first: float
    last: float
    sides: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Decay:
    """Water at rest with the same concentration everywhere.

    start [kg/m3]; decay [1/s], of order 0 [kg/m3/s]; retardation [1].
    """

    flow: Linear
    start: float
    decay: float
    order: int
    retardation: float


Case = Linear | Dupuit | Toth | Theis | Column | Strip | Decay
