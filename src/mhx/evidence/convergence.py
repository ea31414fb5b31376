"""Observed order of convergence and numerical uncertainty of a value on three or more grids.

    r21 = h2/h1, r32 = h3/h2 (1 = finest), e21 = f2 - f1, e32 = f3 - f2, R = e21/e32
    p solves |e32/e21| = r21^p (r32^p - s)/(r21^p - s), s = sign R     (Celik et al. 2008)
    f_ext = f1 - e21/(r21^p - 1),   GCI21 = 1.25 |e21/f1|/(r21^p - 1)

This is the fixed point of Celik, Ghia, Roache, Freitas, Coleman and Raad (J. Fluids Eng. 130,
078001, 2008), found by bisection, because the iteration need not settle; the right side grows with
p, so there is one p.  It is negative where the differences grow as the grids are refined.  For
equal ratios that is |R| >= 1; for others |R| says little (h = 1, 2, 2.6 at first order: R = 1.67).

The uncertainty U is limited as by Oberkampf and Roy (Verification and Validation in Scientific
Computing, 2010, section 8.7): factor 1.25 and the formal order where the observed one is within
10 % of it, else factor 3 and the order kept inside 0.5 .. formal.  Spectral methods have no order:
there the error is A exp(-b N).  What a check says of these numbers: `order_verdicts.py`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mhx.evidence.statistics import mean, pearson

TRUSTED, DOUBTED = 1.25, 3.0  # factors of safety
_NEAR = 0.10  # |p - pf|/pf up to which the observed order is the formal one
_GOLDEN = (math.sqrt(5) - 1) / 2
_ORDERS = (0.05, 12.0)  # where the least-squares fit looks for one


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Least squares of f0 + a h^p over all grids; std: sqrt of the residual's variance."""

    order: float
    extrapolated: float
    coefficient: float
    std: float


@dataclass(frozen=True, kw_only=True)
class Order:
    """What three grids say; None where it is not defined.

    sizes, values: the three finest, finest first.  ratio: R.  order: p.  gci21, gci32: with factor
    1.25 and the observed order, relative [1], or absolute where |f1| <= noise (`absolute`).
    asymptotic: GCI32/(r21^p GCI21), near 1 in the asymptotic range.  safety, exponent: what the
    limiter chose; uncertainty: U in the unit of the value; relative: U/|f1|.
    """

    grids: int
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    r21: float
    r32: float
    ratio: float | None
    order: float | None
    extrapolated: float | None
    gci21: float | None
    gci32: float | None
    asymptotic: float | None
    safety: float | None
    exponent: float | None
    uncertainty: float | None
    relative: float | None
    absolute: bool
    condition: str  # monotone, oscillating, diverging, exact (finest pair), below noise
    fit: Fit | None


@dataclass(frozen=True, kw_only=True)
class Decay:
    """What three resolutions N say of a spectral method; the finest comes last here.

    rate: b per unit of N.  rho: exp(-b (N3 - N2)).  r_squared: of ln|difference| against N, from
    four resolutions on.  The rest as in `Order`.
    """

    grids: int
    counts: tuple[float, ...]
    values: tuple[float, ...]
    rate: float | None
    rho: float | None
    safety: float | None
    uncertainty: float | None
    relative: float | None
    absolute: bool
    r_squared: float | None
    condition: str  # decaying, alternating, growing, exact, below noise


def algebraic(
    sizes: Sequence[float],
    values: Sequence[float],
    formal: float | None = None,
    noise: float = 0.0,
) -> Order:
    """Order and uncertainty from values on three or more distinct grid sizes h > 0."""
    ladder = _ladder(sizes, values)
    (h1, f1), (h2, f2), (h3, f3) = ladder[:3]
    r21, r32 = h2 / h1, h3 / h2
    e21, e32 = f2 - f1, f3 - f2
    absolute = abs(f1) <= noise
    p = _order(e21, e32, r21, r32)
    condition = _condition(e21, e32, p, noise)
    safety, exponent = (DOUBTED, None) if condition != "monotone" else _limited(p, formal)
    if condition == "monotone":
        u = None if exponent is None else safety * _over(abs(e21), r21, exponent)
    elif condition == "exact" and noise > 0:
        u = DOUBTED * noise
    else:
        u = DOUBTED * max(abs(e21), abs(e32), abs(f3 - f1))
    gci21 = _gci(e21, r21, p, None if absolute else f1)
    gci32 = _gci(e32, r32, p, None if absolute else f2)
    return Order(
        grids=len(ladder),
        sizes=(h1, h2, h3),
        values=(f1, f2, f3),
        r21=r21,
        r32=r32,
        ratio=e21 / e32 if e32 else None,
        order=p,
        extrapolated=None
        if p is None or p <= 0
        else f1 - math.copysign(1, e21) * _over(abs(e21), r21, p),
        gci21=gci21,
        gci32=gci32,
        asymptotic=_asymptotic(gci21, gci32, r21, p),
        safety=safety,
        exponent=exponent,
        uncertainty=u,
        relative=None if u is None or absolute else u / abs(f1),
        absolute=absolute,
        condition=condition,
        fit=fit([h for h, _ in ladder], [f for _, f in ladder]),
    )


def spectral(counts: Sequence[float], values: Sequence[float], noise: float = 0.0) -> Decay:
    """Rate of exponential convergence from values at three or more distinct resolutions N."""
    ladder = _ladder(counts, values)
    (n1, f1), (n2, f2), (n3, f3) = ladder[-3:]
    differences = [after - before for (_, before), (_, after) in pairwise(ladder)]
    largest = max(abs(f2 - f1), abs(f3 - f2), abs(f3 - f1))
    absolute = abs(f3) <= noise
    rate = rho = u = None
    safety, r_squared = DOUBTED, _log_linear(ladder)
    above = [d for d in differences if abs(d) > noise]
    last = max(abs(f3 - f2), noise)  # at the noise floor the rate is at least the one found
    if not above:
        condition, u = "below noise", DOUBTED * max(map(abs, differences))
    elif any(d * above[0] < 0 for d in above):
        condition, u = "alternating", DOUBTED * largest
    elif last == 0:
        condition = "exact"
    elif abs(f2 - f1) <= noise:
        condition, u = "growing", DOUBTED * largest
    else:
        rate = _rate(abs(f2 - f1) / last, n2 - n1, n3 - n2)
        condition = "decaying" if rate > 0 else "growing"
        if len(ladder) >= 4 and r_squared is not None and r_squared >= 0.95:
            safety = TRUSTED
        if rate > 0:
            rho = math.exp(-rate * (n3 - n2))
            u = safety * last * rho / -math.expm1(-rate * (n3 - n2))
    return Decay(
        grids=len(ladder),
        counts=(n1, n2, n3),
        values=(f1, f2, f3),
        rate=rate,
        rho=rho,
        safety=safety,
        uncertainty=u,
        relative=None if u is None or absolute else u / abs(f3),
        absolute=absolute,
        r_squared=r_squared,
        condition=condition,
    )


def fit(sizes: Sequence[float], values: Sequence[float]) -> Fit | None:
    """Least squares of f0 + a h^p on four or more grids; None where no order p is preferred."""
    if len(sizes) < 4 or min(values) == max(values):
        return None
    span = max(values) - min(values)
    units = [(value - values[0]) / span for value in values]
    best = min((0.05 * k for k in range(1, 241)), key=lambda p: _residual(sizes, units, p)[0])
    if not _ORDERS[0] < best < _ORDERS[1]:
        return None
    low, high = best - 0.05, best + 0.05
    for _ in range(60):  # golden section
        left, right = high - (high - low) * _GOLDEN, low + (high - low) * _GOLDEN
        if _residual(sizes, units, left)[0] < _residual(sizes, units, right)[0]:
            high = right
        else:
            low = left
    p = (low + high) / 2
    square, start, slope = _residual(sizes, units, p)
    return Fit(
        order=p,
        extrapolated=values[0] + span * start,
        coefficient=span * slope,
        std=span * math.sqrt(square / (len(sizes) - 3)),
    )


def _ladder(sizes: Sequence[float], values: Sequence[float]) -> list[tuple[float, float]]:
    ladder = sorted(zip(sizes, values, strict=True))
    if len(ladder) < 3 or ladder[0][0] <= 0:
        raise ValueError(f"an order needs three grids of positive size, got {list(sizes)!r}")
    if not math.isfinite(max(values) - min(values)):
        raise ValueError("an order needs values whose differences are numbers")
    if any(a == b for (a, _), (b, _) in pairwise(ladder)):
        raise ValueError(f"an order needs distinct grids, got {list(sizes)!r}")
    return ladder


def _order(e21: float, e32: float, r21: float, r32: float) -> float | None:
    """The p of the module's first lines; None where a difference is 0.

    In logarithms: L = p ln r21 + ln|r32^p - s| - ln|r21^p - s| grows with p; at p = 0 it is
    ln(ln r32/ln r21) for s = 1 and 0 for s = -1.
    """
    if e21 == 0 or e32 == 0:
        return None
    wanted = math.log(abs(e32)) - math.log(abs(e21))
    a, b, monotone = math.log(r21), math.log(r32), e21 * e32 > 0

    def side(p: float) -> float:
        if monotone and abs(p) < 1e-9:
            return math.log(b / a)
        return p * a + _log_power(p * b, monotone) - _log_power(p * a, monotone)

    return _solved(side, wanted, 1.0, most=1e6)


def _solved(side: Callable[[float], float], wanted: float, scale: float, *, most: float) -> float:
    """Where a function that rises takes a value: bracketed from +-scale up to +-most, halved."""
    low, high = -scale, scale
    while side(low) > wanted and low > -most:
        low *= 2
    while side(high) < wanted and high < most:
        high *= 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if side(middle) < wanted else (low, middle)
    return high


def _log_power(x: float, less: bool) -> float:
    """ln|e^x - 1| (less) or ln(e^x + 1), without overflow."""
    if x > 40:
        return x
    return math.log(abs(math.expm1(x))) if less else math.log1p(math.exp(x))


def _condition(e21: float, e32: float, p: float | None, noise: float) -> str:
    if abs(e21) <= noise:
        return "below noise" if abs(e32) <= noise else "exact"
    if p is None or p <= 0:
        return "diverging"
    return "monotone" if e21 * e32 > 0 else "oscillating"


def _limited(p: float | None, formal: float | None) -> tuple[float, float | None]:
    """Factor of safety and order of the uncertainty; no order where no formal one is declared."""
    if p is None or formal is None:
        return DOUBTED, None
    if abs(p - formal) <= _NEAR * formal:
        return TRUSTED, formal
    return DOUBTED, min(max(0.5, p), formal)


def _over(difference: float, ratio: float, order: float) -> float:
    """difference/(ratio^order - 1), 0 where that overflows."""
    power = order * math.log(ratio)
    return difference / math.expm1(power) if power < 700 else 0.0


def _gci(difference: float, ratio: float, p: float | None, value: float | None) -> float | None:
    """With factor 1.25 and the observed order; relative to the value, absolute for None."""
    if p is None or p <= 0 or value == 0:
        return None
    found = TRUSTED * _over(abs(difference), ratio, p)
    return found if value is None else found / abs(value)


def _asymptotic(
    fine: float | None, coarse: float | None, ratio: float, p: float | None
) -> float | None:
    if not fine or coarse is None or p is None or p * math.log(ratio) > 700:
        return None
    return coarse / (math.exp(p * math.log(ratio)) * fine)


def _rate(ratio: float, first: float, second: float) -> float:
    """b of (1 - e^(-b first))/(e^(-b first) - e^(-b (first + second))) = ratio > 0.

    The left side is e^(b first) (1 - e^(-b first))/(1 - e^(-b second)): it grows with b.
    """
    wanted = math.log(ratio)

    def side(b: float) -> float:
        if abs(b) * max(first, second) < 1e-9:
            return math.log(first / second)
        # ln|e^x - 1| for both; the second is e^(b second) times too large
        return _log_power(b * first, True) - _log_power(b * second, True) + b * second

    return _solved(side, wanted, 1 / first, most=1e9)


def _log_linear(ladder: Sequence[tuple[float, float]]) -> float | None:
    """R2 of ln|difference| against N; None for fewer than four resolutions or a difference 0."""
    steps = [(n, abs(after - before)) for (n, before), (_, after) in pairwise(ladder)]
    if len(steps) < 3 or any(size == 0 for _, size in steps):
        return None
    found = pearson([n for n, _ in steps], [math.log(size) for _, size in steps])
    return 1.0 if found is None else found * found


def _residual(
    sizes: Sequence[float], values: Sequence[float], p: float
) -> tuple[float, float, float]:
    """Sum of squares, f0 and a of the straight line through (h^p, f), h relative to the largest."""
    largest = max(sizes)
    x = [(h / largest) ** p for h in sizes]
    x0, f0 = mean(x), mean(values)
    dx, df = [v - x0 for v in x], [v - f0 for v in values]
    square = math.fsum(v * v for v in dx)
    slope = math.fsum(a * b for a, b in zip(dx, df, strict=True)) / square if square else 0.0
    left = math.fsum((b - slope * a) ** 2 for a, b in zip(dx, df, strict=True))
    return left, f0 - slope * x0, slope / largest**p
