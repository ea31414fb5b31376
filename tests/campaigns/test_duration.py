"""How long a run must be."""

import pytest

from mhx.campaigns.duration import (
    HARRIS_REFERENCE_RATE,
    Duration,
    choose_rate,
    need_positive,
    required_time,
)
from mhx.errors import ConfigError

RATES = {
    "nothing declared": ((0.1, None, None), (0.1, "computed")),
    "a faster declared rate does not shorten": ((0.1, 0.2, None), (0.1, "computed")),
    "a slower declared rate lengthens": ((0.1, 0.05, None), (0.05, "declared")),
    "a stable sheet follows the declared rate": ((-0.1, 0.2, None), (0.2, "declared")),
    "a stable sheet falls back on a reference": ((-0.1, None, 0.3), (0.3, "reference")),
    "a reference never replaces a real rate": ((0.1, None, 0.3), (0.1, "computed")),
    "nothing is known": ((-0.1, None, None), (None, "none")),
}


@pytest.mark.parametrize(("given", "expected"), RATES.values(), ids=RATES)
def test_which_rate_counts(given, expected):
    computed, declared, reference = given
    rate = choose_rate(computed=computed, declared=declared, reference=reference)
    assert (rate.used, rate.source) == expected


@pytest.mark.parametrize(("safety", "expected"), [(1, 763.4), (3, 2290.1)])
def test_windows_of_the_documented_harris_rate(safety, expected):
    assert round(required_time(HARRIS_REFERENCE_RATE, 10, safety), 1) == expected


def test_mismatch_is_relative_to_the_computed_rate():
    assert choose_rate(computed=0.1, declared=0.12).mismatch == pytest.approx(0.2)
    assert choose_rate(computed=0.1, declared=None).mismatch is None
    assert choose_rate(computed=None, declared=0.1).mismatch is None


def _duration(t_end: float) -> Duration:
    rate = choose_rate(computed=0.1, declared=None)
    return Duration(t_end=t_end, rate=rate, efolds=10, safety_factor=3)


def test_the_document_carries_the_formula_and_its_verdict():
    told = _duration(300.0).document(name="n", purpose="p")
    assert told["required_t_end"] == pytest.approx(300.0)
    assert told["observed_efolds"] == pytest.approx(30.0)
    assert told["scope"] == "nonlinear_production"
    assert told["sufficient_for_intended_scope"] is True
    short = _duration(299.0).document(name="n", purpose="p")
    assert short["sufficient_for_nonlinear_claim"] is False
    assert "300" in short["action"]


def test_no_end_time_follows_from_a_stable_sheet():
    with pytest.raises(ConfigError, match="--t-end"):
        need_positive(choose_rate(computed=-0.1, declared=None))
