"""Exact concentrations in uniform flow, as shares of c0; x m along the flow from the inlet, t s.

    R c_t = D c_xx + D' c_yy - v c_x - R l c,    a = (R x - u t)/w,  b = (R x + u t)/w,
    w = 2 sqrt(D R t),  u = sqrt(v^2 + 4 R l D)

`held`: c = 1 at x = 0.  Ogata and Banks, USGS PP 411-A (1961); with decay Bear (1979), eq. 7-147.
`entering`: v c - D c_x = v at x = 0.  Lindstrom et al. (1967); van Genuchten and Alves (1982), C14.
`strip`: c = 1 at x = 0 for y in a strip and 0 beside it.  Wexler, USGS TWRI 3-B7 (1992).
exp(v x/D) erfc(b) overflows; it is exp(-a^2) erfcx(b), since b^2 - a^2 = u x/D.
"""

from dataclasses import replace

import numpy as np
from scipy.special import erf, erfc, erfcx

from mhx.groundwater.analytic.cases import Column, Decay, Strip
from mhx.groundwater.grid import Floats

SMALL = 1e-5
"""4 R l D/v^2 below which the closed form with decay cancels and is integrated instead [1]."""
NODES = 200
"""Points of the quadratures."""
TAIL = 6.5
"""erfc(6.5) = 4e-20: what lies beyond is nothing [1]."""
IMAGES = 4
"""Mirror images of a strip behind each side along the flow, at most."""


def concentration(case: Column | Decay, points: Floats, time: float) -> Floats:
    """(k,) kg/m3 at points (k, 2) after `time` s; what was there at the start fades and leaves.

    What was there needs no solution of its own: it is the share that clean water has not replaced.
    """
    if isinstance(case, Decay):
        return decayed(case, points, time)
    x = np.maximum(distance(case, points), 0.0)  # what lies beyond is held, too
    if time <= 0:
        return np.where((x <= 0) & case.held, case.source, case.start)
    law = held if case.held else entering
    if isinstance(case, Strip):
        share = strip(case, x, points[:, 1 - case.flow.axis], time)
    else:
        share = law(case, x, time)
    if not case.start:
        return case.source * share
    left = 1 - law(replace(case, decay=0.0), x, time)
    return case.source * share + case.start * np.exp(-case.decay * time) * left


def decayed(case: Decay, points: Floats, time: float) -> Floats:
    """(k,) kg/m3 of water at rest; of order 0 what is sorbed does not decay, and 0 is the end."""
    if case.order == 1:
        left = case.start * np.exp(-case.decay * time)
    else:
        left = max(case.start - case.decay * time / case.retardation, 0.0)
    return np.full(len(points), left)


def distance(case: Column, points: Floats) -> Floats:
    """(k,) m from the inlet along the flow."""
    place, flow = points[:, case.flow.axis], case.flow
    return place - flow.low if flow.flux > 0 else flow.high - place


def held(case: Column, x: Floats, time: float) -> Floats:
    """c/c0 with c = c0 at the inlet."""
    v, d, r = case.velocity, case.dispersion, case.retardation
    u = np.sqrt(v**2 + 4 * r * case.decay * d)
    width = 2 * np.sqrt(d * r * time)
    a, b = (r * x - u * time) / width, (r * x + u * time) / width
    faded = np.exp((v - u) * x / (2 * d))
    return 0.5 * faded * (erfc(a) + np.exp(-(a**2)) * erfcx(b))


def entering(case: Column, x: Floats, time: float) -> Floats:
    """c/c0 where the water that enters carries c0."""
    v, d, r = case.velocity, case.dispersion, case.retardation
    mu = r * case.decay
    u = np.sqrt(v**2 + 4 * mu * d)
    width = 2 * np.sqrt(d * r * time)
    a, b = (r * x - v * time) / width, (r * x + v * time) / width
    if mu == 0:
        bulk = np.sqrt(v**2 * time / (np.pi * d * r)) - 0.5 * (
            1 + v * x / d + v**2 * time / (d * r)
        ) * erfcx(b)
        return 0.5 * erfc(a) + np.exp(-(a**2)) * bulk
    if 4 * mu * d / v**2 < SMALL:
        return _faded(case, x, time)
    less = -4 * mu * d / (v + u)  # v - u, free of cancellation
    faded = np.exp(less * x / (2 * d))
    c, e = (r * x - u * time) / width, (r * x + u * time) / width
    arrived = v / (v + u) * erfc(c) + v / less * np.exp(-(c**2)) * erfcx(e)
    left = v**2 / (2 * mu * d) * np.exp(-case.decay * time - a**2) * erfcx(b)
    return faded * arrived + left


def _faded(case: Column, x: Floats, time: float) -> Floats:
    """Danckwerts: exp(-l t) C(t) + l times the integral of exp(-l s) C(s) ds, C without decay."""
    still = replace(case, decay=0.0)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    times, steps = 0.5 * time * (1 + nodes), 0.5 * time * weights
    gone = sum(
        step * np.exp(-case.decay * at) * entering(still, x, at)
        for at, step in zip(times.tolist(), steps.tolist(), strict=True)
    )
    left: Floats = np.exp(-case.decay * time) * entering(still, x, time) + case.decay * gone
    return left


def strip(case: Strip, x: Floats, y: Floats, time: float) -> Floats:
    """c/c0 beside a strip: the arrival times of a column, each with what is spread sideways by it.

    The arrivals are integrated over a = (x - v t)/(2 sqrt(D t)), in which they are a bell.
    """
    v, d = case.velocity / case.retardation, case.dispersion / case.retardation
    inside = (y > case.first) & (y < case.last)
    found = np.where(x <= 0, inside, 0.0)
    at = np.flatnonzero(x > 0)
    x, y = x[at][:, None], y[at][:, None]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    low = np.clip((x - v * time) / (2 * np.sqrt(d * time)), -TAIL, TAIL)
    a = low + 0.5 * (TAIL - low) * (1 + nodes)
    half = 0.5 * (TAIL - low) * weights
    arrived = _arrival(a, x, v, d) ** 2
    bell = 2 / np.sqrt(np.pi) * np.exp(-(a**2)) * x / (x + v * arrived)
    sideways = _sideways(case, y, arrived)
    found[at] = (half * bell * np.exp(-case.decay * arrived) * sideways).sum(axis=1)
    return found


def _arrival(a: Floats, x: Floats, v: float, d: float) -> Floats:
    """Square root of the time at which (x - v t)/(2 sqrt(d t)) is a, free of cancellation."""
    root = np.sqrt(a**2 * d + v * x)
    late = np.where(a < 0, root - a * np.sqrt(d), 1.0)
    soon = np.where(a < 0, 1.0, root + a * np.sqrt(d))
    return np.where(a < 0, late / v, x / soon)


def _sideways(case: Strip, y: Floats, time: Floats) -> Floats:
    """Share of a strip's water at y after a time, mirrored at the sides along the flow."""
    width = 2 * np.sqrt(case.across / case.retardation * time)
    south, north = case.sides
    span = north - south
    found = np.zeros(np.broadcast_shapes(y.shape, time.shape))
    for image in range(-IMAGES, IMAGES + 1):
        for low, high in (
            (case.first, case.last),
            (2 * south - case.last, 2 * south - case.first),
        ):
            shift = 2 * image * span
            if max(south - high - shift, low + shift - north) > TAIL * float(width.max()):
                continue
            found += 0.5 * (erf((high + shift - y) / width) - erf((low + shift - y) / width))
    return found
