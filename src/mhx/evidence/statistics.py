"""Small statistics on the standard library: spread, ensembles, ranks, regression, Sobol indices.

Not a statistics package: only what checks and the analysis of a testbed read.  Values are finite
floats; whoever calls sorts out what is missing.  Standard deviations are of a sample (n - 1).  What
is not defined (a relative spread about a mean of 0, a correlation without variance) is None, never
0 or infinity.  Sums are exactly rounded (`math.fsum`), so no order of the cases changes a result.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import mul

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)
SOBOL_SMALLEST = 64
_COLLINEAR = 1e-10  # of a variance 1: what an axis adds to those before it


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How values scatter about their mean; intervals are for 95 %, by Student's t.

    cv: s/|mean| [1]; half_width: t s/sqrt(n) relative to |mean| [1]; None where undefined.
    confidence, prediction: intervals of the mean and of one further value, None for one value.
    """

    n: int
    mean: float
    std: float | None
    cv: float | None
    half_width: float | None
    confidence: tuple[float, float] | None
    prediction: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """A sample in few numbers; the histogram has `counts[i]` values in `edges[i] .. edges[i+1]`."""

    n: int
    mean: float
    std: float | None
    smallest: float
    largest: float
    quantiles: dict[str, float]
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Regression:
    """Standardised coefficients, one per axis, and the share of the variance they explain [1]."""

    coefficients: tuple[float, ...]
    r_squared: float
    n: int


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean, between the extremes, whatever the size of the numbers."""
    low, high = min(values), max(values)
    if low == high:
        return low
    scale = _scale(low, high)
    found = math.fsum(value / scale for value in values) / len(values)
    return min(max(found * scale, low), high)


def deviation(values: Sequence[float]) -> float | None:
    """Standard deviation of a sample (n - 1); None for fewer than two values."""
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    if low == high:
        return 0.0
    centre = mean(values)
    scale = _scale(low - centre, high - centre) if math.isfinite(high - low) else _scale(low, high)
    apart = [value / scale - centre / scale for value in values]
    left = math.fsum(apart)  # the rounding of the mean
    variance = (math.fsum(map(mul, apart, apart)) - left * left / len(apart)) / (len(apart) - 1)
    return math.sqrt(max(variance, 0.0)) * scale


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard deviation and 95 % intervals of at least one value."""
    n, centre, s = len(values), mean(values), deviation(values)
    if s is None:
        return Spread(
            n=n, mean=centre, std=None, cv=None, half_width=None, confidence=None, prediction=None
        )
    t = t_quantile(0.975, n - 1)
    half = t * s / math.sqrt(n)
    beyond = t * s * math.sqrt(1 + 1 / n)
    return Spread(
        n=n,
        mean=centre,
        std=s,
        cv=_ratio(s, centre),
        half_width=_ratio(half, centre),
        confidence=(centre - half, centre + half),
        prediction=(centre - beyond, centre + beyond),
    )


@lru_cache(maxsize=512)
def t_quantile(probability: float, dof: float) -> float:
    """Quantile of Student's t; relative error below 1e-10 up to dof 10,000, 1e-8 to a million."""
    if not 0 < probability < 1 or not dof > 0:
        raise ValueError(f"no t quantile for probability {probability!r} and dof {dof!r}")
    if probability == 0.5:
        return 0.0
    tail = 2 * min(probability, 1 - probability)  # both tails together
    low, high = 0.0, 1.0
    while _both_tails(high, dof) > tail:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _both_tails(middle, dof) > tail else (low, middle)
    return math.copysign(high, probability - 0.5)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the order statistics of sorted values; share 0..1."""
    place = (len(ordered) - 1) * share
    below = min(math.floor(place), len(ordered) - 1)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    part = place - below
    return low if low == high else low * (1 - part) + high * part


def histogram(values: Sequence[float]) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """ceil(sqrt(n)), at most 50, equal classes between the extremes; one where all are equal."""
    low, high = min(values), max(values)
    if low == high:
        return (low, high), (len(values),)
    classes = min(math.ceil(math.sqrt(len(values))), 50)
    shares = (k / classes for k in range(1, classes))
    edges = (low, *(low * (1 - share) + high * share for share in shares), high)
    if any(right <= left for left, right in pairwise(edges)):  # nearer than floats can be told
        return (low, high), (len(values),)
    counts = [0] * classes
    for value in values:
        counts[min(bisect_right(edges, value), classes) - 1] += 1
    return edges, tuple(counts)


def ensemble(values: Sequence[float]) -> Ensemble:
    """A sample of at least one value in few numbers."""
    ordered = sorted(values)
    edges, counts = histogram(ordered)
    return Ensemble(
        n=len(ordered),
        mean=mean(ordered),
        std=deviation(ordered),
        smallest=ordered[0],
        largest=ordered[-1],
        quantiles={f"{share:.2f}": quantile(ordered, share) for share in QUANTILES},
        edges=edges,
        counts=counts,
    )


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or values[order[end]] != values[order[start]]:
            for place in order[start:end]:
                found[place] = (start + 1 + end) / 2
            start = end
    return found


def pearson(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Linear correlation; None for fewer than two pairs or where one side does not vary."""
    left, right = standardised(x), standardised(y)
    if left is None or right is None:
        return None
    return max(-1.0, min(1.0, math.fsum(map(mul, left, right))))


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Rank correlation, ties by mean ranks; None where one side does not vary."""
    return pearson(ranks(x), ranks(y))


def standardised(values: Sequence[float]) -> list[float] | None:
    """Values less their mean, of length 1; None where they do not vary."""
    if len(values) < 2 or min(values) == max(values):
        return None
    scale = _scale(min(values), max(values))
    inner = [value / scale for value in values]
    centre = mean(inner)
    apart = [value - centre for value in inner]
    longest = max(map(abs, apart))
    apart = [value / longest for value in apart]
    length = math.sqrt(math.fsum(map(mul, apart, apart)))
    return [value / length for value in apart]


def regression(columns: Sequence[Sequence[float]], y: Sequence[float]) -> Regression | str:
    """Standardised regression coefficients of y on the columns; the reason where there are none.

    Least squares by the normal equations in correlation form, solved by Cholesky: sampled designs
    are nearly orthogonal, and what is not is refused as collinear.
    """
    n = len(y)
    if n < len(columns) + 2:
        return f"{n} values are too few for {len(columns)} axes"
    target = standardised(y)
    if target is None:
        return "the metric does not vary"
    made = [standardised(column) for column in columns]
    sides = [column for column in made if column is not None]
    if not sides or len(sides) < len(made):
        return "an axis does not vary"
    matrix = [[math.fsum(map(mul, a, b)) for b in sides] for a in sides]
    right = [math.fsum(map(mul, side, target)) for side in sides]
    solved = _cholesky_solved(matrix, right)
    if solved is None:
        return "the axes are collinear"
    explained = math.fsum(map(mul, solved, right))
    return Regression(coefficients=tuple(solved), r_squared=min(max(explained, 0.0), 1.0), n=n)


def first_order_sobol(x: Sequence[float], y: Sequence[float], count: int) -> float | str:
    """Share of the variance of y that fixing x removes on average; the reason where there is none.

    Sobol' (2001) by the classes of Plischke, Borgonovo and Smith (2013): the cases sorted by x, cut
    into 2^floor(log2(sqrt(count))) classes of equal size (to one case).  count: of the design.
    """
    n = len(y)
    if n < SOBOL_SMALLEST:
        return f"{n} values, {SOBOL_SMALLEST} are needed"
    if min(x) == max(x):
        return "the axis does not vary"
    apart = standardised(y)  # sums of squares relative to their total, which is then 1
    if apart is None:
        return "the metric does not vary"
    classes = 2 ** math.floor(math.log2(math.sqrt(max(count, n))))
    order = sorted(range(n), key=x.__getitem__)
    cuts = [k * n // classes for k in range(classes + 1)]
    parts = [[apart[place] for place in order[a:b]] for a, b in pairwise(cuts)]
    return math.fsum(math.fsum(part) ** 2 / len(part) for part in parts if part)


def _scale(low: float, high: float) -> float:
    """A power of two near the largest number, so that squares neither overflow nor vanish."""
    return math.ldexp(1.0, min(max(math.frexp(max(abs(low), abs(high)))[1], -1021), 1021))


def _ratio(value: float, centre: float) -> float | None:
    found = value / abs(centre) if centre else math.inf
    return found if math.isfinite(found) else None


def _both_tails(t: float, dof: float) -> float:
    """P(|T| > t), as a regularised incomplete beta function (Abramowitz and Stegun 26.5.27)."""
    square = t * t
    return _incomplete_beta(dof / 2, 0.5, dof / (dof + square), square / (dof + square))


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """I_x(a, b) with rest = 1 - x, by the continued fraction (26.5.8), evaluated as by Lentz."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):  # where it converges slowly: the other side
        return 1 - _incomplete_beta(b, a, rest, x)
    front = a * math.log(x) + b * math.log(rest) - math.log(a)
    front += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    tiny = 1e-300
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for part in (even, odd):
            d = 1 / _away(1 + part * d, tiny)
            c = _away(1 + part / c, tiny)
            step = c * d
            value *= step
        if abs(step - 1) < 1e-16:
            break
    return math.exp(front) * value


def _away(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def _cholesky_solved(
    matrix: Sequence[Sequence[float]], right: Sequence[float]
) -> list[float] | None:
    """Solve a symmetric system; None where a pivot says that it is singular."""
    size = len(right)
    low = [[0.0] * size for _ in range(size)]
    half = [0.0] * size
    for i in range(size):
        for j in range(i + 1):
            left = matrix[i][j] - math.fsum(low[i][k] * low[j][k] for k in range(j))
            if i == j:
                if left < _COLLINEAR:
                    return None
                low[i][i] = math.sqrt(left)
            else:
                low[i][j] = left / low[j][j]
        half[i] = (right[i] - math.fsum(low[i][k] * half[k] for k in range(i))) / low[i][i]
    solved = [0.0] * size
    for i in reversed(range(size)):
        known = math.fsum(low[k][i] * solved[k] for k in range(i + 1, size))
        solved[i] = (half[i] - known) / low[i][i]
    return solved
