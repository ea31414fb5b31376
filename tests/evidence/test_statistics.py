"""Small statistics against SciPy and NumPy, exact answers, and what is not defined."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

from mhx.evidence import statistics as ours

FINITE = st.floats(-1e6, 1e6, allow_nan=False).map(lambda v: v if abs(v) > 1e-6 else 0.0)
SAMPLES = st.lists(FINITE, min_size=2, max_size=40)


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 7, 9, 19, 63, 999, 9999])
@pytest.mark.parametrize("probability", [0.025, 0.4, 0.6, 0.9, 0.975, 0.9999])
def test_t_quantiles_are_those_of_scipy(dof, probability):
    expected = stats.t.ppf(probability, dof)
    assert ours.t_quantile(probability, dof) == pytest.approx(expected, rel=1e-10)


def test_t_quantiles_of_a_million_are_nearly_normal():
    assert ours.t_quantile(0.975, 1e6) == pytest.approx(stats.norm.ppf(0.975), rel=1e-5)
    assert ours.t_quantile(0.5, 3) == 0


@pytest.mark.parametrize(("probability", "dof"), [(0, 3), (1, 3), (math.nan, 3), (0.9, 0)])
def test_t_quantiles_that_do_not_exist_are_refused(probability, dof):
    with pytest.raises(ValueError, match="no t quantile"):
        ours.t_quantile(probability, dof)


@pytest.mark.parametrize(("n", "factor"), [(3, 2.48), (5, 1.24), (8, 0.84), (10, 0.72), (20, 0.47)])
def test_half_widths_of_the_mean_are_those_of_the_table(n, factor):
    """t(0.975, n-1)/sqrt(n), as the specification prints it."""
    assert ours.t_quantile(0.975, n - 1) / math.sqrt(n) == pytest.approx(factor, abs=0.005)


@given(SAMPLES)
def test_mean_and_deviation_are_those_of_numpy(values):
    assert ours.mean(values) == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9)
    assert ours.deviation(values) == pytest.approx(np.std(values, ddof=1), rel=1e-7, abs=1e-8)


@given(SAMPLES, st.randoms())
def test_no_order_of_the_cases_changes_a_result(values, draw):
    shuffled = list(values)
    draw.shuffle(shuffled)
    assert ours.spread(shuffled) == ours.spread(values)
    assert ours.ensemble(shuffled) == ours.ensemble(values)


EXTREME = {
    "large": ([1e308, 5e307, 1.5e308], 1e308),
    "opposite": ([1.7e308, -1.7e308], 0.0),
    "tiny": ([5e-324, 1e-323, 1.5e-323], 1e-323),
}


@pytest.mark.parametrize(("values", "middle"), EXTREME.values(), ids=EXTREME)
def test_numbers_near_the_ends_of_the_range_neither_overflow_nor_vanish(values, middle):
    assert ours.mean(values) == pytest.approx(middle, rel=1e-12)
    assert ours.deviation(values) > 0


@given(FINITE, st.integers(2, 60))
def test_equal_values_have_their_value_as_mean_and_no_spread(value, n):
    found = ours.spread([value] * n)
    assert (found.mean, found.std) == (value, 0.0)
    assert found.confidence == (value, value)
    assert found.cv == (0.0 if value else None)


def test_a_single_value_has_no_spread():
    found = ours.spread([3.0])
    assert (found.n, found.mean) == (1, 3.0)
    assert found.std is found.cv is found.half_width is found.confidence is found.prediction is None


def test_about_a_mean_of_zero_nothing_is_relative():
    found = ours.spread([-1.0, 1.0])
    assert (found.mean, found.cv, found.half_width) == (0.0, None, None)
    assert found.std == pytest.approx(math.sqrt(2))


def test_intervals_are_those_of_scipy():
    values = [4.1, 3.9, 4.4, 4.0, 4.2, 3.7]
    found = ours.spread(values)
    low, high = stats.t.interval(0.95, 5, loc=np.mean(values), scale=stats.sem(values))
    assert found.confidence == pytest.approx((low, high), rel=1e-12)
    assert found.half_width == pytest.approx((high - low) / 2 / np.mean(values), rel=1e-12)
    beyond = stats.t.ppf(0.975, 5) * np.std(values, ddof=1) * math.sqrt(1 + 1 / 6)
    assert found.prediction == pytest.approx((np.mean(values) - beyond, np.mean(values) + beyond))


@given(SAMPLES)
def test_quantiles_and_histogram_are_those_of_numpy(values):
    found = ours.ensemble(values)
    expected = np.quantile(values, ours.QUANTILES)
    assert list(found.quantiles.values()) == pytest.approx(list(expected), rel=1e-9, abs=1e-9)
    assert sum(found.counts) == len(values)
    assert (found.edges[0], found.edges[-1]) == (min(values), max(values))
    if len(found.counts) > 1:
        assert len(found.counts) == min(math.ceil(math.sqrt(len(values))), 50)
        assert list(found.counts) == list(np.histogram(values, np.array(found.edges))[0])


def test_a_histogram_has_fifty_classes_at_most_and_one_for_equal_values():
    assert len(ours.histogram(list(range(10_000)))[1]) == 50
    assert ours.histogram([2.0, 2.0, 2.0]) == ((2.0, 2.0), (3,))
    near = [1.0, math.nextafter(1.0, 2)] * 8
    assert ours.histogram(near) == ((near[0], near[1]), (16,))


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30))
def test_ranks_share_ties_as_in_scipy(values):
    assert ours.ranks(values) == list(stats.rankdata(values))


@given(st.lists(st.tuples(FINITE, st.integers(0, 5)), min_size=3, max_size=30))
def test_rank_correlation_is_that_of_scipy(pairs):
    x, y = [a for a, _ in pairs], [float(b) for _, b in pairs]
    found = ours.spearman(x, y)
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-10)
        assert -1 <= found <= 1


def test_standardised_regression_is_least_squares_of_standardised_columns():
    draw = np.random.default_rng(3)
    x = draw.normal(size=(40, 3)) * [1, 1e-6, 1e5]
    y = x @ [2.0, 3e6, -1e-5] + draw.normal(size=40)
    found = ours.regression([list(column) for column in x.T], list(y))
    z = (x - x.mean(0)) / x.std(0, ddof=1)
    target = (y - y.mean()) / y.std(ddof=1)
    expected, residual, *_ = np.linalg.lstsq(z, target, rcond=None)
    assert found.coefficients == pytest.approx(expected, rel=1e-9)
    assert found.r_squared == pytest.approx(1 - residual[0] / (target @ target), rel=1e-9)
    assert found.n == 40


COLUMN = [1.0, 2.0, 3.0, 4.0, 5.0]
NO_REGRESSION = {
    "too few": ([COLUMN[:2]], COLUMN[:2], "2 values are too few for 1 axes"),
    "constant metric": ([COLUMN], [7.0] * 5, "the metric does not vary"),
    "constant axis": ([COLUMN, [1.0] * 5], COLUMN, "an axis does not vary"),
    "collinear": ([COLUMN, [2 * v + 1 for v in COLUMN]], [1.0, 0, 2, 4, 1], "axes are collinear"),
}


@pytest.mark.parametrize(("columns", "y", "reason"), NO_REGRESSION.values(), ids=NO_REGRESSION)
def test_a_regression_that_means_nothing_gives_its_reason(columns, y, reason):
    assert reason in ours.regression(columns, y)


def ishigami(count, seed):
    points = qmc.Sobol(3, scramble=True, rng=seed).random(count)
    x = -math.pi + 2 * math.pi * points
    y = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    return x, y


@pytest.mark.parametrize(("count", "error"), [(64, 0.10), (256, 0.023), (1024, 0.006)])
def test_sobol_indices_of_the_ishigami_function(count, error):
    """a = 7, b = 0.1: 0.3139, 0.4424, 0; errors over 30 scrambles, as the specification measured.

    Thirty of them tell such an error to 1/sqrt(60) = 13 %; three times that is allowed.
    """
    apart = []
    for seed in range(30):
        x, y = ishigami(count, seed)
        found = [ours.first_order_sobol(list(x[:, i]), list(y), count) for i in range(3)]
        apart.append(np.array(found) - [0.3139, 0.4424, 0.0])
    assert np.sqrt(np.mean(np.square(apart), axis=0)).max() < 1.39 * error


def test_sobol_indices_of_a_sum_add_up_to_one():
    x = qmc.Sobol(2, scramble=True, rng=0).random(4096)
    y = list(3 * x[:, 0] + 4 * x[:, 1])
    found = [ours.first_order_sobol(list(x[:, i]), y, 4096) for i in range(2)]
    assert found == pytest.approx([9 / 25, 16 / 25], abs=0.01)


def test_sobol_indices_are_not_given_where_they_mean_nothing():
    x = [float(n) for n in range(64)]
    assert ours.first_order_sobol(x[:63], x[:63], 63) == "63 values, 64 are needed"
    assert ours.first_order_sobol(x, [1.0] * 64, 64) == "the metric does not vary"
    assert ours.first_order_sobol([2.0] * 64, x, 64) == "the axis does not vary"
