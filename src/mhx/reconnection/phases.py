"""What a finished series says: linear window, algebraic (Rutherford) phase, saturation.

Each function takes plain series and returns a plain dictionary for JSON.  `found` says whether
there is such a phase; where not, `reason` says why, and what could not be computed is None, never
a stand-in.  The window is found from the series alone, without the eigenvalue it will be compared
with.  Rates in v_A/L, times in L/v_A, widths in L.  Judging belongs to gates.

Rutherford, Phys. Fluids 16, 1903 (1973): dW/dt = 1.22 eta Delta' for delta << W << 1/Delta'.
Escande and Ottaviani, Phys. Lett. A 323, 278 (2004), and Militello and Porcelli, Phys. Plasmas 11,
L13 (2004), go on to dW/dt = 1.22 eta (Delta' - 0.41 W c), c = -j''/j of the held equilibrium at the
sheet, 2/a^2 for a Harris sheet.  Derived and tried out in docs/explanation/small-islands.md.
"""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

Series = Sequence[float] | np.ndarray

MIN_SAMPLES = 5
FLATNESS = 0.1  # g stays this close to its own median, relative
RUTHERFORD = 1.22
CURVATURE = 0.4113  # half of 1/1.2155, from the same integral as Rutherford's 1.22
SMALL_ISLAND = 8.0  # smallest predicted W over the layer's width at which a width is compared
WIDEST = 1.2  # and its largest, in units of sqrt(2/c), which is a for a Harris sheet
MAX_RATE_VARIATION = 0.35
MAX_FINAL_GROWTH = 0.5  # of the linear slope
CONSTANT_PSI = 0.5  # largest Delta' delta at which constant-psi theory is compared with
RATIO_RANGE = (0.3, 1.5)  # of dW/dt over 1.22 eta Delta'; finite width and Pm = 1 lower it
SATURATED = 0.1  # of the largest dW/dt

_LINEAR = (
    "start", "stop", "t_start", "t_end", "samples", "efolds", "slope", "slope_standard_error",
    "median_growth", "slope_first_three_quarters", "slope_last_three_quarters",
    "fit_window_sensitivity",
)  # fmt: skip
_ALGEBRAIC = (
    "start", "stop", "t_start", "t_end", "samples", "width_start", "width_end", "width_rate",
    "linear_rms", "exponential_rms", "rms_ratio", "width_rate_variation", "final_growth_ratio",
    "theory_width_rate", "rutherford_ratio", "constant_psi_parameter", "comparable", "unmet",
    "unmet_count",
)  # fmt: skip
_SATURATION = (
    "t_start", "samples", "width", "width_over_half_box", "max_width_rate", "theory_width",
    "theory_ratio", "comparable",
)  # fmt: skip


def leading_sheet(history: Mapping[str, np.ndarray]) -> int | None:
    """Which sheet's flux becomes the larger one, 0 or 1; None without sheets."""
    flux = [history[name] for name in ("sheet_flux_0", "sheet_flux_1") if name in history]
    if len(flux) < 2 or not len(flux[0]):
        return None
    return int(np.max(flux[1]) > np.max(flux[0]))


def linear_phase(time: Series, flux: Series) -> dict[str, Any]:
    """The window of exponential growth of a sheet flux f, and its slope.

    With g = numpy.gradient(ln f, t): the interval of at least 5 samples in which g stays within
    10 % of its own positive median, chosen to maximise ln(f_end/f_start) = `efolds`.  `slope` is
    the least-squares slope of ln f; `fit_window_sensitivity` its largest relative change when a
    quarter of the window is cut from either end.  `start`, `stop`: indices, `stop` exclusive.
    """
    t, f = _series(time, flux)
    if t.size < MIN_SAMPLES:
        return _none(_LINEAR, f"{t.size} samples, at least {MIN_SAMPLES} are needed")
    positive = f > 0
    log = np.log(np.where(positive, f, 1.0))
    growth = _gradient(log, t)
    # A sample next to f = 0 has no growth rate.
    whole = positive & np.append(positive[1:], True) & np.append(True, positive[:-1])
    growth[~whole] = -np.inf
    window = _flattest(log, growth)
    if window is None:
        if not (growth > 0).any():
            return _none(_LINEAR, "the flux never grows")
        return _none(
            _LINEAR,
            f"no {MIN_SAMPLES} samples in a row whose growth rate stays within "
            f"{FLATNESS:.0%} of its median",
        )
    start, stop = window
    t, log = t[start:stop], log[start:stop]
    cut = max(1, t.size // 4)
    slope, error = _fit(t, log)
    first, last = _fit(t[:-cut], log[:-cut])[0], _fit(t[cut:], log[cut:])[0]
    return {
        "found": True,
        "reason": None,
        "start": start,
        "stop": stop,
        "t_start": float(t[0]),
        "t_end": float(t[-1]),
        "samples": int(t.size),
        "efolds": float(log[-1] - log[0]),
        "slope": slope,
        "slope_standard_error": error,
        "median_growth": float(np.median(growth[start:stop])),
        "slope_first_three_quarters": first,
        "slope_last_three_quarters": last,
        "fit_window_sensitivity": max(abs(first - slope), abs(last - slope)) / abs(slope),
    }


def _flattest(log: np.ndarray, growth: np.ndarray) -> tuple[int, int] | None:
    """[start, stop) of `linear_phase`.

    Within 10 % of the median means max(g) <= 1.1 median and min(g) >= 0.9 median, hence max(g) <=
    (1.1/0.9) min(g), which a longer window can only lose: each start has a furthest end.
    """
    best, window = 0.0, None
    values = growth.tolist()
    for start in range(len(values) - MIN_SAMPLES + 1):
        high = low = values[start]
        furthest = start
        for value in values[start:]:
            high, low = max(high, value), min(low, value)
            if low <= 0 or high * (1 - FLATNESS) > low * (1 + FLATNESS) * (1 + 1e-12):
                break
            furthest += 1
        if furthest - start < MIN_SAMPLES or log[start:furthest].max() - log[start] <= best:
            continue
        for count, flat in enumerate(_flat(values[start:furthest]), start=1):
            gain = log[start + count - 1] - log[start]
            if flat and count >= MIN_SAMPLES and gain > best:
                best, window = gain, (start, start + count)
    return window


def _flat(values: Sequence[float]) -> Iterator[bool]:
    """For n = 1, 2, ...: do the first n values stay within 10 % of their median?"""
    ordered: list[float] = []
    for n, value in enumerate(values, start=1):
        insort(ordered, value)
        median = 0.5 * (ordered[(n - 1) // 2] + ordered[n // 2])
        reach = FLATNESS * median
        yield ordered[-1] <= median + reach and ordered[0] >= median - reach


def algebraic_phase(
    time: Series,
    width: Series,
    flux: Series,
    linear: Mapping[str, Any],
    theory: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Widening after the linear window: is W linear in time rather than exponential?

    From the end of `linear` (of `linear_phase`) to the first sample where dW/dt has fallen to half
    its later maximum, or to the last sample.  Both errors are RMS in W.  `final_growth_ratio`:
    growth rate of the flux at the end over the linear slope.  theory: `eta`, `delta_prime`,
    `constant_psi_parameter`; with it `rutherford_ratio` is fitted over predicted dW/dt, compared
    where the parameter is <= 0.5.  `unmet` lists each condition that fails, `unmet_count` counts
    them; None where there is no linear window to start from.
    """
    t, w, f = _series(time, width, flux)
    if not linear.get("found"):
        return _none(_ALGEBRAIC, "no linear window, so no end of it")
    start = int(linear["stop"]) - 1
    rate = _gradient(w, t)
    stop = _half_maximum(rate, start) if start < t.size else start
    if stop - start < MIN_SAMPLES:
        reason = (
            f"{stop - start} samples after the linear window, at least {MIN_SAMPLES} are needed"
        )
        return _none(_ALGEBRAIC, reason) | {"unmet": [reason], "unmet_count": 1}
    here = slice(start, stop)
    if not (w[here] > 0).all() or not (f[here] > 0).all():
        reason = "width or flux is not positive after the linear window"
        return _none(_ALGEBRAIC, reason) | {"unmet": [reason], "unmet_count": 1}
    slope = _fit(t[here], w[here])[0]
    straight, bent = _rms_of_fits(t[here], w[here])
    mean = float(rate[here].mean())
    growth = _gradient(np.log(np.where(f > 0, f, 1.0)), t)
    found = {
        "start": start,
        "stop": stop,
        "t_start": float(t[start]),
        "t_end": float(t[stop - 1]),
        "samples": stop - start,
        "width_start": float(w[start]),
        "width_end": float(w[stop - 1]),
        "width_rate": slope,
        "linear_rms": straight,
        "exponential_rms": bent,
        "rms_ratio": straight / bent if bent else None,
        "width_rate_variation": float(rate[here].std()) / mean if mean > 0 else None,
        "final_growth_ratio": float(growth[stop - 1]) / linear["slope"],
    } | _against_theory(slope, theory)
    unmet = _unmet(found)
    verdict = {"found": not unmet, "reason": "; ".join(unmet) or None}
    return {**verdict, **found, "unmet": unmet, "unmet_count": len(unmet)}


def _half_maximum(rate: np.ndarray, start: int) -> int:
    """One past the first sample where the rate has fallen to half its maximum from `start` on."""
    peak = start + int(np.argmax(rate[start:]))
    below = np.nonzero(rate[peak:] <= 0.5 * rate[peak])[0]
    return peak + int(below[0]) + 1 if below.size and rate[peak] > 0 else len(rate)


def _rms_of_fits(t: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """RMS errors in W of W linear in t and of ln W linear in t."""
    errors = []
    for values, back in ((w, lambda line: line), (np.log(w), np.exp)):
        slope, _ = _fit(t, values)
        line = values.mean() + slope * (t - t.mean())
        errors.append(float(np.sqrt(np.mean((w - back(line)) ** 2))))
    return errors[0], errors[1]


def _against_theory(slope: float, theory: Mapping[str, float] | None) -> dict[str, Any]:
    if not theory:
        return {
            "theory_width_rate": None,
            "rutherford_ratio": None,
            "constant_psi_parameter": None,
            "comparable": None,
        }
    expected = RUTHERFORD * theory["eta"] * theory["delta_prime"]
    parameter = theory["constant_psi_parameter"]
    return {
        "theory_width_rate": expected,
        "rutherford_ratio": slope / expected if expected > 0 else None,
        "constant_psi_parameter": parameter,
        "comparable": bool(expected > 0 and parameter <= CONSTANT_PSI),
    }


def _unmet(found: Mapping[str, Any]) -> list[str]:
    """The conditions of an algebraic phase that these values miss, in words with numbers."""
    ratio, variation, final = (
        found[name] for name in ("rms_ratio", "width_rate_variation", "final_growth_ratio")
    )
    unmet = []
    if ratio is None or ratio >= 1:
        unmet.append(f"an exponential fits W no worse than a line: RMS ratio {_text(ratio)}")
    if variation is None or variation > MAX_RATE_VARIATION:
        unmet.append(f"dW/dt varies by {_text(variation)}, bound {MAX_RATE_VARIATION}")
    if final > MAX_FINAL_GROWTH:
        unmet.append(
            f"growth at the end is {final:.3g} of the linear slope, bound {MAX_FINAL_GROWTH}"
        )
    low, high = RATIO_RANGE
    if found["comparable"] and not low <= found["rutherford_ratio"] <= high:
        unmet.append(
            f"dW/dt is {found['rutherford_ratio']:.3g} of 1.22 eta Delta', range {low} to {high}"
        )
    return unmet


def saturation(
    time: Series,
    width: Series,
    half_box: float | None = None,
    theory: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The first sample from which on dW/dt stays below 10 % of its maximum, 5 samples or more.

    half_box: Lx/2 along the normal; two islands whose widths come near it may meet.  theory: as in
    `algebraic_phase`, with `current_curvature` where the equilibrium is held; then `theory_width`
    is where 1.22 eta (Delta' - 0.41 W c) vanishes.  `theory_ratio` takes the last width: the island
    approaches its own at the rate eta c/2, long after dW/dt is small.  `comparable`: the predicted
    width is at least 8 layer widths and at most 1.2 sqrt(2/c), 1.2 a for a Harris sheet.
    """
    t, w = _series(time, width)
    expected = _small_island(theory)
    if t.size < MIN_SAMPLES:
        reason = f"{t.size} samples, at least {MIN_SAMPLES} are needed"
        return _none(_SATURATION, reason) | expected
    rate = _gradient(w, t)
    top = float(rate.max())
    if top <= 0:
        return _none(_SATURATION, "the width never grows") | expected
    above = int(np.nonzero(rate >= SATURATED * top)[0][-1])
    start = above + 1
    if t.size - start < MIN_SAMPLES:
        reason = (
            f"dW/dt is still {rate[-1] / top:.2g} of its maximum at the end"
            if above == t.size - 1
            else f"only {t.size - start} samples at the end have dW/dt below 10 % of its maximum"
        )
        return _none(_SATURATION, reason) | {"max_width_rate": top} | expected
    predicted = expected["theory_width"]
    return {
        "found": True,
        "reason": None,
        "t_start": float(t[start]),
        "samples": t.size - start,
        "width": float(w[start]),
        "width_over_half_box": float(w[start]) / half_box if half_box else None,
        "max_width_rate": top,
        **expected,
        "theory_ratio": float(w[-1]) / predicted if predicted else None,
    }


def _small_island(theory: Mapping[str, float] | None) -> dict[str, Any]:
    """Predicted width of a saturated small island, and whether it is one; None where there is no
    theory: no held equilibrium, a stable sheet, or a current that is not largest at the sheet.
    """
    nothing = {"theory_width": None, "comparable": None}
    if not theory:
        return nothing
    jump, bend = theory["delta_prime"], theory.get("current_curvature")
    if bend is None or bend <= 0 or jump <= 0:
        return nothing
    width = jump / (CURVATURE * bend)
    layer = theory["constant_psi_parameter"] / jump
    small = SMALL_ISLAND * layer <= width <= WIDEST * np.sqrt(2 / bend)
    return {"theory_width": width, "comparable": bool(small)}


def _series(*columns: Series) -> tuple[np.ndarray, ...]:
    """Float arrays, cut at the first sample that is not finite or not later than the one before."""
    arrays = [np.asarray(column, float) for column in columns]
    good = np.all([np.isfinite(array) for array in arrays], axis=0)
    good[1:] &= arrays[0][1:] > arrays[0][:-1]
    count = int(np.argmin(np.append(good, False)))
    return tuple(array[:count] for array in arrays)


def _gradient(values: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.gradient(values, t) if t.size > 1 else np.zeros(t.size)


def _fit(t: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Least-squares slope and its standard error; 3 points or more."""
    centred = t - t.mean()
    spread = float(centred @ centred)
    slope = float(centred @ values) / spread
    rest = values - values.mean() - slope * centred
    return slope, float(np.sqrt(rest @ rest / (t.size - 2) / spread))


def _none(names: Sequence[str], reason: str) -> dict[str, Any]:
    return {"found": False, "reason": reason} | dict.fromkeys(names)


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3g}"
