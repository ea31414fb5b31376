"""Axes of a picture: where a number lies, and which numbers are written beside it.

Ticks are 1, 2 or 5 times a power of ten; logarithmic ones are decades, with 2 and 5 between them
where there are few.  Labels that would need many digits share a factor or are counted from a base,
which then stands in the axis label.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SUPERSCRIPT = str.maketrans(
    "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)
TICKS = 6  # wanted
LARGEST = 1e300  # beyond, differences need not be numbers
SMALLEST_LOG, LARGEST_LOG = 1e-150, 1e150  # ratios are numbers


@dataclass(frozen=True)
class Scale:
    """low .. high onto 0 .. 1; ticks with their labels; factor: words that belong to all labels."""

    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...]
    factor: str = ""

    def holds(self, value: float) -> bool:
        """True for a number that can be drawn."""
        return drawable(value, self.log)

    def share(self, value: float) -> float:
        """Place between the ends, 0 .. 1."""
        if self.log:
            return (math.log10(value) - math.log10(self.low)) / (
                math.log10(self.high) - math.log10(self.low)
            )
        return value / (self.high - self.low) - self.low / (self.high - self.low)


def drawable(value: float, log: bool) -> bool:
    """True for numbers that are not beyond all bounds; on logarithmic axes, positive ones."""
    return SMALLEST_LOG < value < LARGEST_LOG if log else abs(value) <= LARGEST


def scale_of(
    values: Iterable[float], *, log: bool, names: Sequence[str] = (), whole: bool = False
) -> Scale:
    """A scale that holds all values with some room; names: categories at 0, 1, 2 ...

    whole: the values are counts, from 0 to the largest.
    """
    if names:
        shown = tuple((float(n), name) for n, name in enumerate(names))
        return Scale(-0.5, len(names) - 0.5, False, shown)
    numbers = [float(v) for v in values if drawable(v, log)]
    if not numbers:
        return Scale(0.1, 1.0, log, ())
    low, high = min(numbers), max(numbers)
    if log:
        return _logarithmic(low, high)
    if whole:
        return _linear(0.0, high * 1.06, whole=True)
    if high - low <= max(1e-13 * max(abs(low), abs(high)), 1e-290):
        room = abs(low) * 0.05 if abs(low) > 1e-280 else 1.0
        return _linear(low - room, high + room)
    room = (high - low) * 0.06
    return _linear(low - room, high + room)


def _linear(low: float, high: float, *, whole: bool = False) -> Scale:
    step = _step((high - low) / TICKS)
    if whole:
        step = max(step, 1.0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = [n * step for n in range(first, last + 1)]
    labels, factor = _labels(ticks, step)
    return Scale(low, high, False, tuple(zip(ticks, labels, strict=True)), factor)


def _logarithmic(low: float, high: float) -> Scale:
    room = (high / low) ** 0.06 if low < high else 1.5
    low, high = low / room, high * room
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    every = max(1, (last - first) // 6)
    ticks = [m * 10.0**e for e in range(max(first, -300), min(last, 300) + 1, every) for m in steps]
    shown = [tick for tick in ticks if low <= tick <= high]
    if len(shown) < 2:
        shown = [low * (high / low) ** share for share in (0.1, 0.5, 0.9)]
        return Scale(low, high, True, tuple((tick, f"{tick:.3g}") for tick in shown))
    return Scale(low, high, True, tuple((tick, spoken(tick)) for tick in shown))


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)


def _labels(ticks: Sequence[float], step: float) -> tuple[list[str], str]:
    largest = max(map(abs, ticks), default=1.0)
    if largest > 0 and step / largest < 2e-4:  # too many digits: count from the first tick
        inner, factor = _labels([tick - ticks[0] for tick in ticks], step)
        base = f"{ticks[0]:.9g}"
        return inner, f"{base} + {factor or 'ticks'}"
    exponent = math.floor(math.log10(largest)) if largest else 0
    if -3 <= exponent <= 4:
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return [f"{tick:.{decimals}f}".replace("-0.0", "0.0") if tick == 0 else
                f"{tick:.{decimals}f}" for tick in ticks], ""  # fmt: skip
    power = 10.0**exponent if exponent > -300 else 1e-300
    decimals = max(0, -math.floor(math.log10(step / power) + 1e-9))
    words = f"\u00d7 10{str(exponent).translate(SUPERSCRIPT)}"
    return [f"{tick / power:.{decimals}f}" for tick in ticks], words


def spoken(tick: float) -> str:
    """A positive number in few characters: 0.05, 10⁻⁹, 2·10⁻⁷."""
    exponent = math.floor(math.log10(tick) + 1e-9)
    if -3 <= exponent <= 3:
        return f"{tick:g}"
    digit = round(tick / 10.0**exponent)
    power = f"10{str(exponent).translate(SUPERSCRIPT)}"
    return power if digit == 1 else f"{digit}\u00b7{power}"
