"""Does RK4 converge at its order?  Three time steps, two differences, and whether they mean it.

With dt, dt/2, dt/4 the leading errors are one function of space (or time) times dt^4, so the two
differences D1 = dt - dt/2 and D2 = dt/2 - dt/4 have one shape and sizes 16 to 1.  Round-off has no
such shape.  A pair is measured when |D2| is above the floor and the cosine between D1 and D2 is at
least 0.99: noise of a relative size n in D2 lowers the cosine to 1/sqrt(1 + n^2) and changes the
order by log2(sqrt(1 + n^2)), by less than 1 % of 4 then.

A held run that has saturated ends in a fixed point.  A fixed point of RK4 is one of the equations,
whatever dt: there the final fields of dt and dt/4 agree to round-off, for a scheme of any order.
Measured, a = 0.36, eta = nu = 0.0045, 128^2, t = 286, dt = 0.022, 0.011, 0.0055: final fields apart
by 8e-15 and 9e-15, kinetic energy on the way by 8.4e-10 and 5.3e-11, order 3.997, cosine 0.99995.
So where the final fields measure no order it is taken from the histories on the way, of the
quantity that shows the time step most, relative to its largest value.  Where none of them measures
one either and the fields are below the floor, time steps do not matter at the level of round-off:
d1 is then bounded instead.  Above the floor nothing can be said, and that is no pass.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mhx.campaigns.rutherford.studies.cases import CaseRun
from mhx.campaigns.rutherford.studies.ladders import (
    at_common_times,
    fields_apart,
    inner,
    series_of,
)
from mhx.evidence.convergence import algebraic

FORMAL = 4  # of classical Runge-Kutta
FLOOR = 1e-12  # relative; below it differences are taken for round-off
ALIGNED = 0.99  # cosine between two differences that are one function
FIELDS, HISTORIES = "final fields", ("kinetic_energy", "sheet_flux_0", "sheet_flux_1")
MEASURED, BELOW, TWO, UNALIGNED, APART = (
    "measured", "below floor", "two time steps", "not one function", "other end times",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two differences of one quantity: d1 of the coarse and the middle step, d2 of the finer ones.

    d1, d2: relative; cosine: between them; order: what they say, None where one is 0.
    """

    quantity: str
    d1: float
    d2: float
    cosine: float
    order: float | None

    @property
    def above(self) -> bool:
        return self.d2 >= FLOOR

    @property
    def measured(self) -> bool:
        return self.above and self.cosine >= ALIGNED and self.order is not None


@dataclass(frozen=True, kw_only=True)
class TimeOrder:
    """What a ladder of time steps says.

    status: `measured`; `below floor`, `two time steps`: only the size of d1 counts; `not one
        function`, `other end times`: nothing can be said.  used: the pair that was judged.
    """

    status: str
    steps: tuple[float, ...]
    used: Pair | None
    pairs: tuple[Pair, ...]

    @property
    def error(self) -> float | None:
        """|order/4 - 1|; None where no order was measured."""
        if self.status != MEASURED or self.used is None or self.used.order is None:
            return None
        return abs(self.used.order / FORMAL - 1)

    @property
    def difference(self) -> float | None:
        """d1 where it is judged in place of an order."""
        return self.used.d1 if self.status in (BELOW, TWO) and self.used else None

    def document(self) -> dict[str, Any]:
        told = {} if self.used is None else asdict(self.used)
        return {
            "status": self.status,
            "time_steps": list(self.steps),
            **{name: told.get(name) for name in ("quantity", "d1", "d2", "cosine", "order")},
            "formal_order": FORMAL,
            "floor": FLOOR,
            "pairs": [asdict(pair) | {"measured": pair.measured} for pair in self.pairs],
        }


def time_order(ladder: Sequence[CaseRun]) -> TimeOrder | None:
    """The order along a ladder, largest dt first; None without two steps.

    Of more than three steps the finest three that measure an order are used, else the finest.
    """
    if len(ladder) < 2:
        return None
    if len(ladder) == 2:
        return _of_two(ladder)
    found = [_of_three(ladder[n : n + 3]) for n in range(len(ladder) - 2)][::-1]
    return next((one for one in found if one.status == MEASURED), found[0])


def _of_two(ladder: Sequence[CaseRun]) -> TimeOrder:
    apart = fields_apart(ladder[0], ladder[1])
    steps = tuple(run.config.dt for run in ladder)
    if apart is None:
        return TimeOrder(status=APART, steps=steps, used=None, pairs=())
    scale = series_of(ladder[1])
    size = math.sqrt(inner(ladder[1], apart, apart) / inner(ladder[1], scale, scale))
    pair = Pair(quantity=FIELDS, d1=size, d2=0.0, cosine=0.0, order=None)
    return TimeOrder(status=TWO, steps=steps, used=pair, pairs=(pair,))


def _of_three(ladder: Sequence[CaseRun]) -> TimeOrder:
    steps = tuple(run.config.dt for run in ladder)
    fields = _fields(ladder)
    if fields is None:
        return TimeOrder(status=APART, steps=steps, used=None, pairs=())
    onway = tuple(_histories(ladder))
    pairs = (fields, *onway)
    if fields.measured:
        return TimeOrder(status=MEASURED, steps=steps, used=fields, pairs=pairs)
    clear = [pair for pair in onway if pair.measured]
    if clear:
        used = max(clear, key=lambda pair: pair.d2)
        return TimeOrder(status=MEASURED, steps=steps, used=used, pairs=pairs)
    status = UNALIGNED if fields.above else BELOW
    return TimeOrder(status=status, steps=steps, used=fields, pairs=pairs)


def _fields(ladder: Sequence[CaseRun]) -> Pair | None:
    """Relative L2 of (psi, omega) at the end; None where the ends are different times."""
    coarse, middle, fine = ladder
    one, other = fields_apart(coarse, middle), fields_apart(middle, fine)
    if one is None or other is None:
        return None
    scale = series_of(fine)
    d1, d2, size = (math.sqrt(inner(fine, x, x)) for x in (one, other, scale))
    if not size:
        return None
    cosine = inner(fine, one, other) / (d1 * d2) if d1 and d2 else 0.0
    return _pair(FIELDS, ladder, (d1 / size, d2 / size), cosine)


def _histories(ladder: Sequence[CaseRun]) -> Iterator[Pair]:
    """Largest difference of a history at the times that all have sampled, over its largest."""
    for name in HISTORIES:
        series = at_common_times(ladder, name)
        if series is None or not np.isfinite(series).all():
            continue
        one, other = series[0] - series[1], series[1] - series[2]
        d1, d2, size = (float(np.abs(x).max()) for x in (one, other, series[2]))
        if not size:
            continue
        lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
        cosine = float(one @ other) / lengths if lengths else 0.0
        yield _pair(name, ladder, (d1 / size, d2 / size), cosine)


def _pair(
    quantity: str, ladder: Sequence[CaseRun], apart: tuple[float, float], cosine: float
) -> Pair:
    d1, d2 = apart
    order = None
    if d1 and d2:
        steps = sorted(run.config.dt for run in ladder)
        order = algebraic(steps, [0.0, d2, d2 + d1]).order
    return Pair(quantity=quantity, d1=d1, d2=d2, cosine=cosine, order=order)
