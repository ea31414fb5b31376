"""Observed orders against published examples and exact ladders; the verdict table line by line."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mhx.evidence.convergence import algebraic, fit, spectral
from mhx.evidence.gates import Verdict
from mhx.evidence.order_verdicts import OrderBounds, judged, judged_decay

NASA = ((1, 2, 4), (0.97050, 0.96854, 0.96178))
CELIK = {  # sizes, values, p, GCI21; Celik et al. 2008, table 1
    "monotone, r = 1.5 and 4/3": ((1, 1.5, 2), (6.063, 5.972, 5.863), 1.53, 0.022),
    "low order, r = 2 and 2.143": ((1, 2, 2 * 2.143), (10.7880, 10.7250, 10.6050), 0.75, 0.011),
    "oscillating": ((1, 2, 2 * 2.143), (6.0042, 5.9624, 6.0909), 1.51, 0.005),
}


def test_the_verification_example_of_nasa():
    found = algebraic(*NASA)
    assert found.order == pytest.approx(1.78617, abs=5e-6)
    assert found.extrapolated == pytest.approx(0.971300, abs=5e-7)
    assert 100 * found.gci21 == pytest.approx(0.1031, abs=5e-5)
    assert 100 * found.gci32 == pytest.approx(0.3562, abs=5e-5)
    assert found.asymptotic == pytest.approx(1.002, abs=5e-4)


@pytest.mark.parametrize(("sizes", "values", "order", "gci"), CELIK.values(), ids=CELIK)
def test_the_examples_of_celik_and_others(sizes, values, order, gci):
    found = algebraic(sizes, values)
    assert round(found.order, 2) == order
    assert round(found.gci21, 3) == gci


def test_the_oscillating_example_is_unknown_whatever_is_declared():
    sizes, values, *_ = CELIK["oscillating"]
    for bounds in (
        OrderBounds(formal=2, tolerance=0.1),
        OrderBounds(formal=2, max_uncertainty=0.001),
        OrderBounds(formal=1.5, tolerance=0.25, max_uncertainty=1.0),
    ):
        verdict, why = judged(algebraic(sizes, values, bounds.formal), bounds)
        assert (verdict, "oscillating" in why) == (Verdict.UNKNOWN, True)
    found = algebraic(sizes, values)
    assert found.uncertainty == pytest.approx(3 * (6.0909 - 5.9624))


LADDERS = st.tuples(
    st.floats(0.01, 10), st.floats(1.3, 4), st.floats(1.3, 4), st.floats(0.3, 6),
    st.floats(-5, 5), st.sampled_from([-1.0, 1.0]),
)  # fmt: skip


@given(LADDERS)
def test_an_exact_ladder_gives_its_order_whatever_the_ratios(ladder):
    h1, r21, r32, p, limit, sign = ladder
    sizes = [h1, h1 * r21, h1 * r21 * r32]
    assume(sizes[0] ** p > 1e-5 * sizes[2] ** p)
    a = sign / sizes[2] ** p
    found = algebraic(sizes, [limit + a * h**p for h in sizes], p)
    assert found.order == pytest.approx(p, rel=1e-6)
    assert found.condition == "monotone"
    assert found.extrapolated == pytest.approx(limit, abs=1e-6)
    assert (found.safety, found.exponent) == (1.25, p)
    assert found.uncertainty == pytest.approx(1.25 * abs(a) * h1**p, rel=1e-4)


@given(LADDERS)
def test_a_diverging_ladder_fails_whatever_the_ratios(ladder):
    h1, r21, r32, p, limit, sign = ladder
    sizes = [h1, h1 * r21, h1 * r21 * r32]
    assume(sizes[0] ** -p < 1e5 * sizes[2] ** -p)
    found = algebraic(sizes, [limit + sign * (h / h1) ** -p for h in sizes], 2)
    assert found.condition == "diverging"
    assert found.order == pytest.approx(-p, rel=1e-4)
    assert judged(found, OrderBounds(formal=2, tolerance=9))[0] is Verdict.FAIL


def test_a_ratio_of_differences_above_one_is_no_divergence_by_itself():
    """First order on h = 1, 2, 2.6: R = 1/0.6, because the second step is short."""
    sizes = (1.0, 2.0, 2.6)
    found = algebraic(sizes, [5 + h for h in sizes], 1)
    assert found.ratio == pytest.approx(1 / 0.6)
    assert found.order == pytest.approx(1)
    assert judged(found, OrderBounds(formal=1, tolerance=0.1))[0] is Verdict.PASS


@pytest.mark.parametrize("ratio", [1.0, 1.5, -1.0, -1.5])
def test_with_equal_ratios_divergence_is_a_ratio_of_one_or_more(ratio):
    found = algebraic((1, 2, 4), (0.0, ratio, ratio + 1), 2)
    assert found.ratio == pytest.approx(ratio)
    assert found.condition == "diverging"


def values_of(order, f0=1.0, a=0.01):
    return [f0 + a * h**order for h in (1, 2, 4)]


ORDER, BOTH = {"formal": 2.0, "tolerance": 0.1}, {"formal": 2.0, "tolerance": 0.1,
                                                  "max_uncertainty": 0.05}  # fmt: skip
TABLE = {  # sizes, values, bounds -> verdict, words
    "as declared": ((1, 2, 4), values_of(2), BOTH, "pass", "within every declared bound"),
    "order too low": ((1, 2, 4), values_of(1.7), ORDER, "fail", "lower than allowed"),
    "order on the bound": ((1, 2, 4), values_of(1.81), ORDER, "pass", "within"),
    "order too good": ((1, 2, 4), values_of(2.3), ORDER, "unknown", "higher than allowed"),
    "uncertain": ((1, 2, 4), values_of(2, a=1.0), BOTH, "fail", "uncertainty"),
    "uncertain and too good": ((1, 2, 4), values_of(2.3, a=1.0), BOTH, "fail", "uncertainty"),
    "ratio too small": ((1, 1.29, 4), [1, 1.01, 1.1], BOTH, "unknown", "ratio is below 1.3"),
    "ratio of 1.3 up to rounding": ((1.0, 1.9, 1.9 * 1.3), [2.0, 2.9, 1 + 1.9 * 1.3],
                                    {"formal": 1.0, "tolerance": 0.1}, "pass", "within"),
    "diverging": ((1, 2, 4), [1, 1.2, 1.3], BOTH, "fail", "diverging"),
    "oscillating": ((1, 2, 4), [1, 0.9, 1.2], BOTH, "unknown", "oscillating"),
    "oscillating apart": ((1, 2, 4), [1, 1.4, 1.1], BOTH, "fail", "diverging"),
    "all equal": ((1, 2, 4), [1, 1, 1], ORDER, "unknown", "within the noise"),
    "all equal, no order asked": ((1, 2, 4), [1, 1, 1], {"max_uncertainty": 0.1}, "pass", ""),
    "finest two equal": ((1, 2, 4), [1, 1, 1.1], {"formal": 2.0, "max_uncertainty": 9}, "unknown",
                         "the two finest values are equal"),
    "below noise": ((1, 2, 4), [1, 1.01, 1.02], {**ORDER, "noise": 0.1}, "unknown", "noise"),
    "below noise, no order asked": ((1, 2, 4), [1, 1.01, 1.02],
                                    {"formal": 2.0, "max_uncertainty": 0.07, "noise": 0.1}, "pass",
                                    "within"),
    "below noise, too uncertain": ((1, 2, 4), [1, 1.01, 1.02],
                                   {"formal": 2.0, "max_uncertainty": 0.05, "noise": 0.1}, "fail",
                                   "uncertainty"),
    "finest two within the noise": ((1, 2, 4), [1, 1.001, 1.2],
                                    {"formal": 2.0, "max_uncertainty": 0.04, "noise": 0.01}, "pass",
                                    "within"),
    "seeds differ as much": ((1, 2, 4), values_of(2), {**BOTH, "seed_std": 0.0301}, "unknown",
                             "seeds differ"),
    "seeds differ less": ((1, 2, 4), values_of(2), {**BOTH, "seed_std": 0.0299}, "pass", "within"),
    "no formal order": ((1, 2, 4), values_of(2), {"max_uncertainty": 0.1}, "unknown",
                        "without a formal order"),
    "no formal order, tolerance": ((1, 2, 4), values_of(2), {"tolerance": 0.1}, "unknown",
                                   "no formal order"),
}  # fmt: skip


@pytest.mark.parametrize(("sizes", "values", "bounds", "verdict", "words"), TABLE.values(),
                         ids=TABLE)  # fmt: skip
def test_verdict_of_an_order(sizes, values, bounds, verdict, words):
    asked = OrderBounds(**bounds)
    found, why = judged(algebraic(sizes, values, asked.formal, asked.noise), asked)
    assert found.value == verdict
    assert words in why


def test_the_limiter_trusts_only_orders_near_the_formal_one():
    for order, safety, exponent in ((2.0, 1.25, 2), (1.9, 1.25, 2), (1.5, 3, 1.5), (0.2, 3, 0.5),
                                    (4.0, 3, 2)):  # fmt: skip
        found = algebraic((1, 2, 4), values_of(order), 2)
        assert (found.safety, round(found.exponent, 9)) == (safety, exponent)
        step = abs(found.values[1] - found.values[0])
        assert found.uncertainty == pytest.approx(safety * step / (2**exponent - 1))


def test_the_limited_uncertainty_bounds_the_error_more_often_than_the_plain_one():
    """f = 1 + a h^2 + b h^3: the reason for the limiter, on a small set of such triplets."""
    plain = limited = total = 0
    for n in range(-20, 21):
        for h in (0.05, 0.1, 0.2, 0.4):
            sizes = (h, 2 * h, 4 * h)
            values = [1 + 0.5 * x**2 + 0.1 * n * x**3 for x in sizes]
            found = algebraic(sizes, values, 2)
            if found.condition != "monotone":
                continue
            error = abs(values[0] - 1)
            total += 1
            plain += found.gci21 * abs(values[0]) >= error
            limited += found.uncertainty >= error
    assert limited > plain
    assert limited > 0.95 * total


def test_near_zero_uncertainty_is_absolute():
    found = algebraic((1, 2, 4), (1e-9, 2e-9, 6e-9), 2, noise=1.5e-9)
    assert found.absolute
    assert found.relative is None
    zero = algebraic((1, 2, 4), (0.0, 3.0, 15.0), 2)
    assert (zero.absolute, zero.gci21) == (True, pytest.approx(1.25))
    assert judged(zero, OrderBounds(formal=2, max_uncertainty=1.2))[0] is Verdict.FAIL
    assert judged(zero, OrderBounds(formal=2, max_uncertainty=1.3))[0] is Verdict.PASS


def test_four_grids_are_fitted_besides():
    sizes = [1, 2, 4, 8]
    found = fit(sizes, [3 + 0.2 * h**1.7 for h in sizes])
    assert (found.order, found.extrapolated) == (pytest.approx(1.7), pytest.approx(3))
    assert found.coefficient == pytest.approx(0.2)
    assert found.std < 1e-8
    assert fit(sizes[:3], [1, 2, 3]) is None
    assert fit(sizes, [1, 1, 1, 1]) is None
    assert algebraic(sizes, [3 + 0.2 * h**1.7 for h in sizes]).fit.order == found.order


@pytest.mark.parametrize("sizes", [(1, 2), (0, 1, 2), (-1, 1, 2), (1, 1, 2)])
def test_what_is_no_ladder_is_refused(sizes):
    with pytest.raises(ValueError, match="an order needs"):
        algebraic(sizes, [1.0] * len(sizes))


def test_the_order_of_the_grids_does_not_matter():
    assert algebraic((4, 1, 2), (0.96178, 0.97050, 0.96854)) == algebraic(*NASA)


@given(st.floats(0.01, 2), st.integers(4, 40), st.integers(4, 40), st.floats(-3, 3))
def test_an_exponential_gives_its_rate_whatever_the_spacing(rate, first, second, limit):
    counts = (8, 8 + first, 8 + first + second)
    assume(rate * (first + second) < 20)
    found = spectral(counts, [limit + math.exp(-rate * (n - 8)) for n in counts])
    assert found.rate == pytest.approx(rate, rel=1e-3)
    error = math.exp(-rate * (first + second))
    assert found.uncertainty == pytest.approx(3 * error, rel=1e-2, abs=1e-12)


def decays(counts, rate=0.2):
    return [1 + math.exp(-rate * n) for n in counts]


SPECTRAL = {  # counts, values, bounds -> verdict, words, factor of safety
    "three": ((16, 32, 64), decays((16, 32, 64)), {"max_uncertainty": 1e-4}, "pass", "", 3.0),
    "four on a line": ((8, 16, 24, 32), decays((8, 16, 24, 32)), {"max_uncertainty": 0.01}, "pass",
                       "", 1.25),
    "four off the line": ((8, 16, 24, 32), [1, 1.001, 1.101, 1.106], {"max_uncertainty": 0.1},
                          "pass", "", 3.0),
    "uncertain": ((4, 6, 8), decays((4, 6, 8)), {"max_uncertainty": 0.01}, "fail", "uncertainty",
                  3.0),
    "growing": ((8, 16, 24), [1, 1.1, 1.4], {"max_uncertainty": 9}, "fail", "growing", 3.0),
    "alternating": ((8, 16, 24), [1, 1.1, 1.05], {"max_uncertainty": 9}, "unknown", "change sign",
                    3.0),
    "below noise": ((8, 16, 24), [1, 1 + 1e-13, 1], {"max_uncertainty": 1e-6, "noise": 1e-12},
                    "pass", "within the noise", 3.0),
    "below noise, too uncertain": ((8, 16, 24), [1, 1.01, 1], {"max_uncertainty": 1e-6,
                                   "noise": 0.1}, "fail", "uncertainty", 3.0),
    "at the noise floor": ((8, 16, 24), [1, 1.1, 1.1 + 1e-13], {"max_uncertainty": 1e-9,
                           "noise": 1e-12}, "pass", "", 3.0),
    "finest two equal": ((8, 16, 24), [1, 1.1, 1.1], {"max_uncertainty": 1.0}, "unknown",
                         "no noise is declared", 3.0),
    "seeds": ((16, 32, 64), decays((16, 32, 64)), {"max_uncertainty": 1e-4, "seed_std": 0.01},
              "unknown", "seeds differ", 3.0),
}  # fmt: skip


@pytest.mark.parametrize(("counts", "values", "bounds", "verdict", "words", "safety"),
                         SPECTRAL.values(), ids=SPECTRAL)  # fmt: skip
def test_verdict_of_a_spectral_order(counts, values, bounds, verdict, words, safety):
    asked = OrderBounds(**bounds)
    numbers = spectral(counts, values, asked.noise)
    found, why = judged_decay(numbers, asked)
    assert found.value == verdict
    assert words in why
    assert numbers.safety == safety
