"""What an `order` check says of the numbers of `convergence.py`: pass, fail or unknown, and why.

The first line of a table that holds is the verdict.  Reasons not to judge at all (ratios too near,
seeds, no sign, noise) stand before failures, and a failure before the observed order that is too
good: a better order than the formal one is no bonus, the grids are not in the asymptotic range.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mhx.evidence.convergence import Decay, Order
from mhx.evidence.gates import Verdict

SMALLEST_RATIO = 1.3
_ROUNDING = 1e-9  # 1.3 h/h may be less than 1.3

Line = tuple[bool, Verdict, str]


@dataclass(frozen=True, kw_only=True)
class OrderBounds:
    """What a check declares; None: not declared.

    tolerance: of p relative to the formal order [1].  max_uncertainty: of U/|f1| [1], of U itself
    where |f1| <= noise.  noise: absolute, in the unit of the value.  seed_std: standard deviation
    between random seeds, in the unit of the value.
    """

    formal: float | None = None
    tolerance: float | None = None
    max_uncertainty: float | None = None
    noise: float = 0.0
    seed_std: float | None = None


def judged(found: Order, bounds: OrderBounds) -> tuple[Verdict, str]:
    """The verdict of an algebraic order check, and why."""
    p, formal, tolerance = found.order, bounds.formal, bounds.tolerance
    wants_order = tolerance is not None
    lowest = highest = None
    if formal is not None and tolerance is not None and p is not None:
        lowest, highest = formal * (1 - tolerance), formal * (1 + tolerance)
    told = f"observed order {p:.4g}, formal {formal:g}" if p and formal else "no order"
    return _first(
        (
            min(found.r21, found.r32) < SMALLEST_RATIO * (1 - _ROUNDING),
            Verdict.UNKNOWN,
            f"a refinement ratio is below {SMALLEST_RATIO}",
        ),
        _seeds(found.values, bounds),
        (
            found.condition == "diverging",
            Verdict.FAIL,
            "diverging: the differences do not shrink as the grids are refined",
        ),
        (
            found.condition == "oscillating",
            Verdict.UNKNOWN,
            "oscillating: the differences change sign, which tells no order",
        ),
        (
            found.condition == "exact" and not bounds.noise,
            Verdict.UNKNOWN,
            "the two finest values are equal, which tells no order",
        ),
        (
            found.condition != "monotone" and wants_order,
            Verdict.UNKNOWN,
            "the differences are within the noise, which tells no order",
        ),
        (wants_order and lowest is None, Verdict.UNKNOWN, "no formal order is declared"),
        (
            lowest is not None and p is not None and p < lowest,
            Verdict.FAIL,
            f"{told}: lower than allowed",
        ),
        *_uncertain(found, bounds),
        (
            highest is not None and p is not None and p > highest,
            Verdict.UNKNOWN,
            f"{told}: higher than allowed, the grids are not in the asymptotic range",
        ),
    )


def judged_decay(found: Decay, bounds: OrderBounds) -> tuple[Verdict, str]:
    """The verdict of a spectral order check, and why."""
    return _first(
        _seeds(found.values, bounds) if found.condition != "below noise" else _NEVER,
        (
            found.condition == "alternating",
            Verdict.UNKNOWN,
            "the differences change sign above the noise",
        ),
        (
            found.condition == "exact",
            Verdict.UNKNOWN,
            "the two finest values are equal and no noise is declared",
        ),
        (
            found.condition == "growing",
            Verdict.FAIL,
            "growing: the differences do not shrink as N grows",
        ),
        *_uncertain(found, bounds),
        (found.condition == "below noise", Verdict.PASS, "all differences are within the noise"),
    )


_NEVER: Line = (False, Verdict.UNKNOWN, "")


def _first(*lines: Line) -> tuple[Verdict, str]:
    for holds, verdict, text in lines:
        if holds:
            return verdict, text
    return Verdict.PASS, "within every declared bound"


def _seeds(values: Sequence[float], bounds: OrderBounds) -> Line:
    smallest = min(_steps(values))
    holds = bounds.seed_std is not None and bounds.seed_std >= smallest
    text = f"seeds differ by {bounds.seed_std or 0:.3g}, grids by {smallest:.3g}"
    return holds, Verdict.UNKNOWN, text


def _uncertain(found: Order | Decay, bounds: OrderBounds) -> tuple[Line, Line]:
    highest = bounds.max_uncertainty
    value = found.uncertainty if found.absolute else found.relative
    kind = "uncertainty" if found.absolute else "relative uncertainty"
    missing = highest is not None and value is None
    above = highest is not None and value is not None and not value <= highest
    return (
        (missing, Verdict.UNKNOWN, "without a formal order no uncertainty can be told"),
        (above, Verdict.FAIL, f"{kind} {value or 0:.3g}, at most {highest or 0:g} is allowed"),
    )


def _steps(values: Iterable[float]) -> list[float]:
    return [abs(after - before) for before, after in pairwise(values)]
