"""Formulas: the equations they solve, their limits, and another package's answers."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy.integrate import quad
from scipy.special import exp1

from mhx.groundwater.analytic import heads, solutes
from mhx.groundwater.analytic.cases import Column, Dupuit, Linear, Strip, Theis, Toth

DAY = 86_400.0
FLOW = Linear(
    axis=0, low=0.0, high=100.0, head_low=10.0, head_high=9.0, k=1e-3, thickness=5.0, width=40.0
)


def column(**changes):
    numbers = {
        "velocity": 1.0 / DAY, "dispersion": 0.5 / DAY, "retardation": 1.0, "decay": 0.0,
        "source": 1.0, "start": 0.0, "held": True,
    }  # fmt: skip
    return Column(flow=FLOW, **(numbers | changes))


def strip(**changes):
    numbers = {
        "velocity": 1.0 / DAY, "dispersion": 0.5 / DAY, "retardation": 1.0, "decay": 0.0,
        "source": 1.0, "start": 0.0, "held": True, "across": 0.1 / DAY,
        "first": 15.0, "last": 25.0, "sides": (0.0, 40.0),
    }  # fmt: skip
    return Strip(flow=FLOW, **(numbers | changes))


def at(x, y=20.0):
    x = np.atleast_1d(np.asarray(x, float))
    return np.column_stack([x, np.broadcast_to(y, x.shape)])


X = np.array([0.0, 0.5, 3.0, 9.0, 10.0, 12.0, 20.0])


@pytest.mark.slow
@pytest.mark.parametrize("decay", [0.0, 0.02])
@pytest.mark.parametrize("retardation", [1.0, 2.5])
def test_a_column_with_a_held_inlet_is_that_of_adepy(decay, retardation):
    adepy = pytest.importorskip("adepy.uniform")
    case = column(decay=decay / DAY, retardation=retardation)
    found = solutes.concentration(case, at(X), 10 * DAY)
    theirs = adepy.seminf1(1.0, X, 10.0, v=1.0, al=0.5, lamb=decay, R=retardation)
    assert found == pytest.approx(np.ravel(theirs), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("retardation", [1.0, 2.5])
def test_a_column_with_a_flux_inlet_is_that_of_adepy(retardation):
    """Without decay: with it, adepy 0.2 gives up to 1.08 c0, by a sign in its third term."""
    adepy = pytest.importorskip("adepy.uniform")
    case = column(held=False, retardation=retardation)
    found = solutes.concentration(case, at(X), 10 * DAY)
    theirs = adepy.seminf3(1.0, X, 10.0, v=1.0, al=0.5, R=retardation)
    assert found == pytest.approx(np.ravel(theirs), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("decay", [0.0, 0.02])
def test_a_strip_in_a_wide_field_is_that_of_adepy(decay):
    adepy = pytest.importorskip("adepy.uniform")
    case = strip(decay=decay / DAY, sides=(-1e4, 1e4))
    y = np.array([20.0, 16.0, 25.0, 28.0])
    for distance in (1.0, 8.0, 14.0):
        found = solutes.concentration(case, at(np.full(4, distance), y), 10 * DAY)
        theirs = [
            np.ravel(
                adepy.stripi(1.0, distance, one, 10.0, v=1.0, al=0.5, ah=0.1,
                             y1=15.0, y2=25.0, lamb=decay)
            )[0]
            for one in y.tolist()
        ]  # fmt: skip
        assert found == pytest.approx(theirs, abs=1e-8)


@pytest.mark.slow
def test_a_strip_between_sides_is_that_of_adepy():
    adepy = pytest.importorskip("adepy.uniform")
    case = strip(sides=(10.0, 40.0), across=0.5 / DAY)
    y = np.array([10.5, 20.0, 28.0])
    found = solutes.concentration(case, at(np.full(3, 8.0), y), 10 * DAY)
    theirs = [
        np.ravel(adepy.stripf(1.0, 8.0, one, 10.0, v=1.0, al=0.5, ah=0.5, y1=5.0, y2=15.0, w=30.0))[
            0
        ]
        for one in (y - 10.0).tolist()
    ]
    assert found == pytest.approx(theirs, abs=1e-6)


COLUMNS = {
    "held": column(),
    "held, sorbed and decaying": column(retardation=2.5, decay=0.02 / DAY),
    "entering": column(held=False),
    "entering, sorbed and decaying": column(held=False, retardation=2.5, decay=0.02 / DAY),
    "entering, hardly decaying": column(held=False, decay=1e-6 / DAY),
    "held, from water that had some": column(start=0.3, decay=0.02 / DAY),
    "entering, into water that had some": column(held=False, start=0.3, decay=0.02 / DAY),
    "a strip": strip(),
    "a strip, sorbed and decaying": strip(retardation=2.5, decay=0.02 / DAY),
}


@pytest.mark.parametrize("case", COLUMNS.values(), ids=COLUMNS)
def test_concentrations_solve_the_transport_equation(case):
    """R c_t = D c_xx + D' c_yy - v c_x - R l c, by differences of fourth order."""
    x, y, t = 6.0, 24.0, 8.0  # beside a front, in metres and days

    def c(dx=0.0, dy=0.0, dt=0.0):
        return solutes.concentration(case, at(x + dx, y + dy), (t + dt) * DAY)[0]

    def first(f, h):
        return (8 * (f(h) - f(-h)) - f(2 * h) + f(-2 * h)) / (12 * h)

    def second(f, h):
        return (16 * (f(h) + f(-h)) - f(2 * h) - f(-2 * h) - 30 * f(0.0)) / (12 * h * h)

    h = 0.05
    across = getattr(case, "across", 0.0) * DAY
    c_t = first(lambda s: c(dt=s), h)
    right = case.dispersion * DAY * second(lambda s: c(dx=s), h)
    right += across * second(lambda s: c(dy=s), h) - case.velocity * DAY * first(
        lambda s: c(dx=s), h
    )
    right -= case.retardation * case.decay * DAY * c()
    assert abs(case.velocity * DAY * first(lambda s: c(dx=s), h)) > 1e-3
    assert case.retardation * c_t == pytest.approx(right, abs=3e-6)


@pytest.mark.parametrize("decay", [0.0, 1e-7, 0.02])
def test_inlets_are_what_they_are_called(decay):
    """c = c0, or v c - D c_x = v c0."""
    h = 1e-3
    for law in (True, False):
        case = column(held=law, decay=decay / DAY, start=0.1, source=2.0)
        c = solutes.concentration(case, at(np.arange(5) * h), 10 * DAY)
        slope = (-25 * c[0] + 48 * c[1] - 36 * c[2] + 16 * c[3] - 3 * c[4]) / (12 * h)
        entered = c[0] - (0.0 if law else 0.5 * slope)
        assert entered == pytest.approx(2.0, abs=1e-6)


def test_mass_in_a_flux_column_is_what_came():
    """Mass = v c0 t / R without decay; with it v c0 (1 - exp(-l t)) / (R l)."""
    for decay in (0.0, 0.05):
        case = column(held=False, decay=decay / DAY, retardation=2.0)
        found, _ = quad(lambda x: solutes.concentration(case, at(x), 10 * DAY)[0], 0, 40, limit=200)  # noqa: B023
        came = 10.0 if not decay else (1 - np.exp(-10 * decay)) / decay
        assert 2.0 * found == pytest.approx(came, rel=1e-8)


def test_forms_with_and_without_small_decay_meet():
    """Danckwerts' integral, the closed form with decay and the one without."""
    edge = solutes.SMALL / (4 * 0.5)  # decay [1/d] at which the form changes
    below, above = (column(held=False, decay=edge * f / DAY) for f in (1 - 1e-6, 1 + 1e-6))
    one, two = (solutes.concentration(case, at(X), 10 * DAY) for case in (below, above))
    assert one == pytest.approx(two, abs=1e-9)
    none = solutes.concentration(column(held=False), at(X), 10 * DAY)
    tiny = solutes.concentration(column(held=False, decay=1e-12 / DAY), at(X), 10 * DAY)
    assert tiny == pytest.approx(none, abs=1e-10)


def test_a_strip_as_wide_as_the_field_is_a_column():
    wide = strip(first=0.0, last=40.0, across=0.5 / DAY)
    found = solutes.concentration(wide, at(X[1:], 11.0), 10 * DAY)
    assert found == pytest.approx(solutes.concentration(column(), at(X[1:]), 10 * DAY), abs=1e-9)


def test_long_columns_do_not_overflow():
    case = column(dispersion=1e-3 / DAY)
    x = np.linspace(0, 5000, 50)
    for law in (True, False):
        found = solutes.concentration(replace(case, held=law), at(x), 2500 * DAY)
        assert np.isfinite(found).all()
        assert found[0] == pytest.approx(1.0)
        assert found[-1] == 0.0


def test_flow_against_the_axis_starts_at_the_other_end():
    back = replace(column(), flow=replace(FLOW, head_low=9.0, head_high=10.0))
    there = solutes.concentration(column(), at(X), 10 * DAY)
    assert solutes.concentration(back, at(100 - X), 10 * DAY) == pytest.approx(there, abs=1e-15)


def test_still_water_that_had_some_keeps_it_but_for_decay():
    case = column(start=0.4, source=0.4, decay=0.1 / DAY)
    far = solutes.concentration(case, at(90.0), 5 * DAY)
    assert far == pytest.approx(0.4 * np.exp(-0.5))


# heads


def laplacian(head, x, y, h, stretch=1.0):
    """K h_xx + K' h_yy over K, by differences of second order."""
    along = head(x + h, y) + head(x - h, y) - 2 * head(x, y)
    across = head(x, y + h) + head(x, y - h) - 2 * head(x, y)
    return (along + stretch * across) / h**2


TOTH = Toth(
    axis=0, start=50.0, length=1000.0, held=600.0, far=100.0, mean=110.0, slope=0.02,
    k_along=1e-4, k_across=2.5e-5, thickness=10.0,
)  # fmt: skip


def toth_at(case, x, y):
    return float(heads.toth(case, np.array([[x, y]]))[0])


def test_toth_solves_his_problem():
    def head(x, y):
        return toth_at(TOTH, x, y)

    assert head(1050.0, 600.0) == pytest.approx(110 + 0.02 * 500)
    assert head(50.0, 600.0) == pytest.approx(110 - 0.02 * 500)
    # just below the side the series is at work; it meets the line there
    assert head(300.0, 599.9) == pytest.approx(head(300.0, 600.0), abs=3e-3)
    assert abs(laplacian(head, 400.0, 350.0, 2.0, stretch=0.25)) < 1e-9
    for normal in (
        head(50.01, 400.0) - head(50.0, 400.0),
        head(400.0, 100.01) - head(400.0, 100.0),
    ):
        assert abs(normal) < 1e-6
    assert head(550.0, 300.0) == pytest.approx(110.0, abs=1e-12)


def test_toth_is_the_same_laid_along_the_other_axis():
    turned = replace(TOTH, axis=1, start=50.0)
    assert toth_at(turned, 333.0, 222.0) == pytest.approx(toth_at(TOTH, 222.0, 333.0), abs=1e-12)


def test_the_flow_through_toths_side_is_that_of_his_heads():
    """K' b times the slope of the heads across, over the middle where it turns: what passes there.

    All water that enters the higher half crosses the middle of the length.
    """
    x, h = 550.0, 1e-2

    def passing(y):
        slope = (toth_at(TOTH, x + h, y) - toth_at(TOTH, x - h, y)) / (2 * h)
        return TOTH.k_along * TOTH.thickness * slope

    through, _ = quad(passing, 100.0, 599.999, limit=100, epsabs=1e-10)
    assert heads.toth_rate(TOTH) == pytest.approx(through, rel=1e-3)


def test_dupuit_keeps_water():
    case = Dupuit(
        axis=1, low=0.0, high=500.0, head_low=12.0, head_high=10.0, k=1e-4, thickness=np.nan,
        width=30.0, bottom=2.0, recharge=1e-8,
    )  # fmt: skip
    low, high = heads.dupuit_rates(case)
    assert low + high == pytest.approx(-1e-8 * 500 * 30, rel=1e-12)
    y = np.array([0.0, 200.0, 201.0, 500.0])
    h = heads.dupuit(case, np.column_stack([np.full(4, 7.0), y]))
    assert h[[0, 3]] == pytest.approx([12.0, 10.0], abs=1e-12)
    inside = -1e-4 * 30 * (h[2] - h[1]) * (0.5 * (h[1] + h[2]) - 2.0)
    assert inside == pytest.approx(low + 1e-8 * 30 * 200.5, rel=1e-9)


def test_theis_stores_what_the_wells_give():
    case = Theis(head=50.0, transmissivity=1e-3, storage=1e-4, wells=((10.0, 20.0, -2e-3),))
    t = 2 * DAY
    u = 100.0**2 * 1e-4 / (4e-3 * t)
    drawn = 2e-3 / (4 * np.pi * 1e-3) * exp1(u)
    assert heads.theis(case, np.array([[110.0, 20.0]]), t) == pytest.approx([50 - drawn])
    change, _ = quad(
        lambda r: r * (heads.theis(case, np.array([[10.0 + r, 20.0]]), t)[0] - 50),
        0,
        3e4,
        limit=300,
    )
    assert 2 * np.pi * 1e-4 * change == pytest.approx(-2e-3 * t, rel=1e-6)
    disc, _ = quad(
        lambda r: 2 * r / 25.0 * heads.theis(case, np.array([[10.0 + r, 20.0]]), t)[0], 0, 5.0
    )
    assert heads.theis_mean(case, 0, 5.0, t) == pytest.approx(disc, rel=1e-9)
