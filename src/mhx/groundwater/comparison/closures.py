"""How well the balance of each method closes, per stress period, from its budget.

    water  = recharge + wells + fixed head in - fixed head out - drains - rivers - ET - storage
    solute = sources - sinks - decay - change of what is stored

that is: everything in less everything out, storage and decay being components of the budget; means
over the saved steps of a period.  Water m3/s and mm/d over the domain, solute kg/s; relative to the
throughput, the larger of all in and all out.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mhx.groundwater.comparison.reading import Solved
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.results import BudgetRow
from mhx.groundwater.units import DAY

OK, WARN = 1e-3, 1e-2
"""Relative, or mm/d: up to the first a balance is OK, up to the second a warning."""
GRADES = ("OK", "WARN", "CHECK")


@dataclass(frozen=True, kw_only=True)
class Closure:
    """One balance of one period.

    balance: water or solute.  inward, outward, residual: m3/s, or kg/s.  residual_mm_d: NaN for a
    solute.  terms: component -> in less out.
    """

    simulation: str
    balance: str
    period: int
    inward: float
    outward: float
    residual: float
    residual_mm_d: float
    terms: Mapping[str, float]

    @property
    def unit(self) -> str:
        """Of its rates."""
        return "m3/s" if self.balance == "water" else "kg/s"

    @property
    def relative(self) -> float:
        """abs(residual) over the throughput; 0 where nothing flows and nothing is lost."""
        throughput = max(self.inward, self.outward)
        if throughput > 0:
            return abs(self.residual) / throughput
        return 0.0 if self.residual == 0 else math.inf

    @property
    def grade(self) -> int:
        """0: OK, 1: WARN, 2: CHECK; small against the throughput or small by itself is enough."""
        own = abs(self.residual_mm_d) if math.isfinite(self.residual_mm_d) else math.inf
        least = min(self.relative, own)
        return 0 if least <= OK else 1 if least <= WARN else 2


def closures_of(solved: Solved) -> list[Closure]:
    """Every balance of a method, the water first."""
    flow, solute = solved.flow, solved.solute
    area = float(solved.grid.areas.sum())
    found = list(_balances(solved.id, "water", flow.budget, flow.period, flow.length_d, area))
    if solute is not None:
        periods = np.ones(len(solute.time_d), dtype=np.int64)
        if len(flow.period) == len(periods):  # saved at the same steps
            periods = flow.period
        found += _balances(solved.id, "solute", solute.budget, periods, solute.length_d, area)
    return found


def _balances(
    simulation: str,
    balance: str,
    rows: Iterable[BudgetRow],
    periods: Ids,
    lengths: Floats,
    area: float,
) -> Iterator[Closure]:
    count = len(periods)
    tables: dict[str, Floats] = {}
    for row in rows:
        if not row.boundary:  # those of single boundaries are parts of these
            table = tables.setdefault(row.component, np.zeros((2, count)))
            table[:, row.saved] += row.rate_in, row.rate_out
    if not tables:
        return
    for period in np.unique(periods).tolist():
        share = np.where(periods == period, lengths, 0.0)
        share = share / share.sum()
        means = {name: table @ share for name, table in tables.items()}
        inward, outward = (float(sum(mean[side] for mean in means.values())) for side in (0, 1))
        residual = inward - outward
        per_day = residual / area * DAY * 1e3 if balance == "water" else math.nan
        yield Closure(
            simulation=simulation,
            balance=balance,
            period=period,
            inward=inward,
            outward=outward,
            residual=residual,
            residual_mm_d=per_day,
            terms={name: float(mean[0] - mean[1]) for name, mean in sorted(means.items())},
        )


def summary_of(closures: Iterable[Closure]) -> dict[str, float]:
    """The four numbers that a comparison reports of all its balances; NaN where none is told."""
    found = list(closures)
    water = [one for one in found if one.balance == "water"]
    nothing = math.nan
    return {
        "closure_max_abs_m3_s": max((abs(one.residual) for one in water), default=nothing),
        "closure_max_abs_mm_d": max((abs(one.residual_mm_d) for one in water), default=nothing),
        "closure_relative_error_p95": (
            float(np.percentile([one.relative for one in water], 95)) if water else nothing
        ),
        "closure_status_code": max((one.grade for one in found), default=nothing),
    }


def metrics_of(closures: Iterable[Closure]) -> dict[str, float]:
    """The worst of one method's balances, by the names below its id."""
    water = [one for one in closures if one.balance == "water"]
    solute = [one for one in closures if one.balance == "solute"]
    found: dict[str, float] = {}
    if water:
        found |= {
            "closure_m3_s": max(abs(one.residual) for one in water),
            "closure_mm_d": max(abs(one.residual_mm_d) for one in water),
            "closure_relative": max(one.relative for one in water),
        }
    if solute:
        found |= {
            "solute_closure_kg_s": max(abs(one.residual) for one in solute),
            "solute_closure_relative": max(one.relative for one in solute),
        }
    return found
