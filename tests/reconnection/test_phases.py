"""Windows, slopes and phases: exact series, a brute-force search, and series without a phase."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mhx.reconnection.phases import algebraic_phase, leading_sheet, linear_phase, saturation

T = np.linspace(0.0, 50.0, 201)


def tearing(t: np.ndarray, gamma: float = 0.2, end: float = 20.0) -> np.ndarray:
    """An island width: exp(gamma t / 2) until `end`, from there on a straight line."""
    early = 0.01 * np.exp(gamma / 2 * np.minimum(t, end))
    return early * (1 + gamma / 2 * np.maximum(t - end, 0))


def test_an_exponential_is_one_window_with_its_own_slope():
    found = linear_phase(T, 1e-6 * np.exp(0.3 * T))
    assert found["found"]
    assert (found["start"], found["stop"], found["samples"]) == (0, 201, 201)
    assert found["slope"] == pytest.approx(0.3, rel=1e-12)
    assert found["efolds"] == pytest.approx(15.0, rel=1e-12)
    assert found["slope_standard_error"] < 1e-12
    assert found["fit_window_sensitivity"] < 1e-12


def test_the_window_ends_where_growth_slows_down():
    """f = exp(0.2 t) to t = 20, then (1 + 0.1 (t - 20))^2: g = 0.2/(1 + 0.1 (t - 20)).

    The median is 0.2, so the window ends where g has lost 10 %: 1.11 after t = 20.
    """
    found = linear_phase(T, tearing(T) ** 2)
    assert found["t_start"] == 0.0
    assert found["t_end"] == 21.0
    assert found["median_growth"] == pytest.approx(0.2, rel=1e-3)
    assert found["slope"] == pytest.approx(0.2, rel=5e-3)


def test_a_transient_before_the_window_is_left_out():
    f = 1e-6 * (np.exp(0.2 * T) + 30 * np.exp(-2 * T))
    found = linear_phase(T, f)
    assert 2.0 < found["t_start"] < 4.0
    assert found["t_end"] == 50.0
    assert found["slope"] == pytest.approx(0.2, rel=2e-3)


def test_the_standard_error_is_that_of_the_textbook():
    rng = np.random.default_rng(0)
    errors = 1e-3 * rng.normal(size=T.size)
    found = linear_phase(T, np.exp(0.3 * T + errors))
    here = slice(found["start"], found["stop"])
    (slope, _), covariance = np.polyfit(T[here], (0.3 * T + errors)[here], 1, cov=True)
    assert found["slope"] == pytest.approx(slope, rel=1e-12)
    assert found["slope_standard_error"] == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-9)


def test_cutting_a_quarter_from_either_end_shows_a_bent_window():
    f = np.exp(0.2 * T - 0.0004 * T**2)
    found = linear_phase(T, f)
    n, cut = found["samples"], found["samples"] // 4
    t, log = T[found["start"] : found["stop"]], np.log(f)[found["start"] : found["stop"]]
    whole, first, last = (
        np.polyfit(t[part], log[part], 1)[0]
        for part in (slice(None), slice(None, n - cut), slice(cut, None))
    )
    assert found["slope_first_three_quarters"] == pytest.approx(first, rel=1e-9)
    assert found["slope_last_three_quarters"] == pytest.approx(last, rel=1e-9)
    worst = max(abs(first - whole), abs(last - whole)) / whole
    assert found["fit_window_sensitivity"] == pytest.approx(worst, rel=1e-6)
    assert found["fit_window_sensitivity"] > 0.01


def brute_force(t: np.ndarray, f: np.ndarray) -> float | None:
    """The largest number of e-folds over every interval, straight from the definition."""
    log = np.log(f)
    g = np.gradient(log, t)
    best = None
    for i in range(len(t)):
        for j in range(i + 5, len(t) + 1):
            median = np.median(g[i:j])
            if median > 0 and (np.abs(g[i:j] - median) <= 0.1 * median).all():
                gain = log[j - 1] - log[i]
                best = gain if best is None or gain > best else best
    return best if best is not None and best > 0 else None


@settings(max_examples=150, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=5, max_size=24), st.floats(0.0, 0.6))
def test_no_interval_holds_more_efolds_than_the_window(shape, spread):
    steps = 0.3 + spread * (np.array(shape) - 0.5)
    t = 0.7 * np.arange(len(steps))
    f = np.exp(np.cumsum(steps))
    expected = brute_force(t, f)
    found = linear_phase(t, f)
    assert found["found"] is (expected is not None)
    if expected is not None:
        assert found["efolds"] == pytest.approx(expected, rel=1e-12)


def test_a_long_series_is_searched_in_moderate_time():
    """2000 samples of a growth rate that drifts slowly: no window is long, all are tried."""
    t = np.linspace(0, 100, 2000)
    found = linear_phase(t, np.exp(2 * np.log1p(t)))
    assert found["found"]
    g = 2 / (1 + t[found["start"] : found["stop"]])
    assert g.max() / g.min() < 1.25


WITHOUT = {
    "empty": ([], []),
    "one sample": ([0.0], [1.0]),
    "four samples": (T[:4], np.exp(T[:4])),
    "constant": (T, np.ones_like(T)),
    "zero": (T, np.zeros_like(T)),
    "decaying": (T, np.exp(-T)),
    "bumps": (T, 2 + np.sin(9 * T)),
    "time stands still": (np.zeros(9), np.exp(np.arange(9.0))),
    "not finite from the fourth on": (T, np.where(np.arange(201) < 3, np.exp(T), np.nan)),
}


@pytest.mark.parametrize(("t", "f"), WITHOUT.values(), ids=WITHOUT)
def test_where_there_is_no_phase_the_reason_says_why(t, f):
    linear = linear_phase(t, f)
    algebraic = algebraic_phase(t, f, f, linear)
    end = saturation(t, f)
    for phase in (linear, algebraic):
        assert not phase["found"]
        assert phase["reason"]
        assert all(v is None for k, v in phase.items() if k not in ("found", "reason"))
    assert end["found"] or end["reason"]
    json.dumps([linear, algebraic, end], allow_nan=False)


def test_growth_from_nothing_has_no_rate_where_the_flux_was_zero():
    f = np.where(T < 5, 0.0, np.exp(0.2 * T))
    found = linear_phase(T, f)
    assert found["t_start"] >= 5.0
    assert found["slope"] == pytest.approx(0.2, rel=1e-9)


def test_an_island_that_widens_linearly_is_algebraic():
    w = tearing(T)
    linear = linear_phase(T, w**2)
    rate = 0.01 * np.exp(2.0) * 0.1
    theory = {"eta": 0.01, "delta_prime": rate / 0.0122, "constant_psi_parameter": 0.2}
    found = algebraic_phase(T, w, w**2, linear, theory)
    assert found["unmet"] == []
    assert found["unmet_count"] == 0
    assert found["found"]
    assert found["t_start"] == linear["t_end"]
    assert found["t_end"] == 50.0
    assert found["width_rate"] == pytest.approx(rate, rel=1e-9)
    assert found["rutherford_ratio"] == pytest.approx(1.0, rel=1e-9)
    assert found["width_rate_variation"] < 1e-9
    assert found["rms_ratio"] < 1e-9
    # g = 2 (dW/dt)/W at the end against 0.2
    assert found["final_growth_ratio"] == pytest.approx(0.25 / 1.0, rel=0.02)
    json.dumps(found, allow_nan=False)


def test_the_phase_ends_where_the_rate_has_halved():
    """W = tanh after t = 20: dW/dt = sech^2 is half at arctanh(1/sqrt 2) = 0.881 time scales."""
    w = np.where(T < 20, np.exp(0.1 * (T - 20)), 1 + np.tanh((T - 20) / 10))
    found = algebraic_phase(T, w, w**2, linear_phase(T, w**2))
    assert found["t_end"] == pytest.approx(20 + 8.81, abs=0.25)


NOT_ALGEBRAIC = {
    "goes on exponentially": (
        np.where(T < 25, tearing(T), tearing(np.array(25.0)) * np.exp(0.09 * (T - 25))),
        "exponential fits",
    ),
    "widens by a jump": (tearing(T) + 0.2 * (1 + np.tanh((T - 30) / 0.8)), "dW/dt varies"),
}


@pytest.mark.parametrize(("w", "words"), NOT_ALGEBRAIC.values(), ids=NOT_ALGEBRAIC)
def test_other_widening_is_refused_with_its_number(w, words):
    linear = {"found": True, "stop": 81, "slope": 0.2}
    found = algebraic_phase(T, w, w**2, linear)
    assert not found["found"]
    assert words in found["reason"]
    assert found["unmet_count"] == len(found["unmet"]) > 0


@pytest.mark.parametrize(
    ("parameter", "comparable", "unmet"), [(0.4, True, 1), (0.5, True, 1), (0.6, False, 0)]
)
def test_the_slope_is_held_against_theory_only_where_theory_holds(parameter, comparable, unmet):
    w = tearing(T)
    theory = {"eta": 0.01, "delta_prime": 100.0, "constant_psi_parameter": parameter}
    found = algebraic_phase(T, w, w**2, linear_phase(T, w**2), theory)
    assert found["rutherford_ratio"] == pytest.approx(0.00739 / 1.22, rel=1e-3)
    assert found["comparable"] is comparable
    assert found["unmet_count"] == unmet


def test_saturation_begins_where_the_rate_stays_below_a_tenth():
    """W = 1 - exp(-t/5): dW/dt is a tenth of its start after 5 ln 10 = 11.5."""
    found = saturation(T, 1 - np.exp(-T / 5), half_box=np.pi)
    assert found["t_start"] == pytest.approx(11.5, abs=0.3)
    assert found["width"] == pytest.approx(0.9, abs=0.01)
    assert found["width_over_half_box"] == pytest.approx(found["width"] / np.pi)


def test_a_growing_island_is_not_saturated():
    found = saturation(T, tearing(T))
    assert not found["found"]
    assert "dW/dt is still 1 of its maximum" in found["reason"]


def test_the_leading_sheet_is_the_one_that_reaches_further():
    one, two = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.5, 2.0])
    assert leading_sheet({"sheet_flux_0": one, "sheet_flux_1": two}) == 0
    assert leading_sheet({"sheet_flux_0": two, "sheet_flux_1": one}) == 1
    assert leading_sheet({"time": one}) is None


def test_a_width_that_breaks_off_inside_the_linear_window_has_no_algebraic_phase():
    t = np.linspace(0, 100, 101)
    flux = 1e-3 * np.exp(0.1 * t)
    width = np.where(np.arange(101) < 20, 4 * np.sqrt(flux), np.nan)
    linear = linear_phase(t, flux)
    found = algebraic_phase(t, width, flux, linear)
    assert not found["found"]
    assert found["unmet_count"] == 1
