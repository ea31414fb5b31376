"""Figures of a run: what is drawn is what was found, and what was not found is not drawn."""

from dataclasses import replace

import numpy as np
import pytest

from mhx.campaigns.rutherford import claim_figures
from mhx.campaigns.rutherford.run_figures import (
    Run,
    energy_budget,
    linear_phase,
    rutherford_phase,
    saturation,
)
from mhx.campaigns.thresholds import BOUNDS
from mhx.reconnection import phases

T = np.linspace(0, 400, 401)
GAMMA, ETA, JUMP, SATURATED = 0.08, 0.004, 0.4, 1.5


def history():
    """A width that grows as exp(gamma t/2), then straight, then not at all."""
    width = 0.02 * np.exp(GAMMA * T / 2) / (1 + 0.02 / 1.6 * np.exp(GAMMA * T / 2))
    found = {"time": T, "total_energy": 0.4 - 1e-4 * T, "kinetic_energy": 0 * T}
    found |= {"dissipated_energy": 3e-4 * T, "injected_energy": 2e-4 * T}
    found["dissipation_budget_residual"] = np.full(len(T), 1e-13)
    for n in (0, 1):
        found |= {f"island_width_{n}": width, f"sheet_flux_{n}": width**2 / 16}
        found |= {f"separatrix_width_{n}": 1.2 * width, f"mean_shear_change_{n}": 0.2 * width}
    return found


def facts(arrays, parameter):
    flux, width = arrays["sheet_flux_0"], arrays["island_width_0"]
    linear = phases.linear_phase(T, flux)
    theory = {"eta": ETA, "delta_prime": JUMP, "constant_psi_parameter": parameter}
    algebraic = phases.algebraic_phase(T, width, flux, linear, theory) | {"found": True}
    return {
        "growth_rate": {"gamma": GAMMA},
        "linear_phase": linear,
        "algebraic_phase": algebraic,
        "saturation": phases.saturation(T, width, np.pi)
        | {"theory_width": SATURATED, "comparable": parameter <= phases.CONSTANT_PSI},
    }


def made(parameter=0.2):
    arrays = history()
    bounds = {name: bound.value for name, bound in BOUNDS.items()}
    return Run(history=arrays, facts=facts(arrays, parameter), bounds=bounds)


def curve(panel, start):
    (found,) = [one for one in panel.curves if one.label.startswith(start)]
    return np.asarray(found.x, float), np.asarray(found.y, float)


def test_fit_and_eigenvalue_cross_the_flux_in_the_middle_of_the_window():
    run = made()
    flux, rate = linear_phase(run)
    window = run.facts["linear_phase"]
    for start, slope in (("fit", window["slope"]), ("eigenvalue", GAMMA)):
        x, y = curve(flux, start)
        assert np.diff(np.log(y))[0] / np.diff(x)[0] == pytest.approx(slope)
        middle = np.interp((window["t_start"] + window["t_end"]) / 2, x, np.log(y))
        here = slice(window["start"], window["stop"])
        assert middle == pytest.approx(np.log(run.history["sheet_flux_0"][here]).mean())
    assert [level.y for level in rate.levels] == [window["slope"], GAMMA]
    (band,) = rate.bands
    assert (band.low, band.high) == pytest.approx((0.9 * GAMMA, 1.1 * GAMMA))
    assert "% of the eigenvalue" in rate.note


def test_the_straight_fit_lies_on_the_width_of_its_phase():
    run = made()
    panel, _ = rutherford_phase(run)
    phase = run.facts["algebraic_phase"]
    x, y = curve(panel, "straight fit")
    assert (x[0], x[-1]) == (phase["t_start"], phase["t_end"])
    assert (y[-1] - y[0]) / (x[-1] - x[0]) == pytest.approx(phase["width_rate"])
    assert np.abs(y - np.interp(x, T, run.history["island_width_0"])).max() < 0.1


def test_every_regime_is_a_line_over_the_width():
    run = made()
    _, regimes = rutherford_phase(run)
    x, y = curve(regimes, "linear")
    assert (x[0], y[0]) == (0, 0)
    assert y[1] / x[1] == pytest.approx(GAMMA / 2)
    _, flat = curve(regimes, "$1.22")
    assert flat == pytest.approx([1.22 * ETA * JUMP] * 2)
    x, y = curve(regimes, "small islands")
    assert (x[0], y[0]) == (0, flat[0])
    assert (x[1], y[1]) == (SATURATED, 0)
    (level,) = saturation(run)[0].levels
    assert level.y == SATURATED


def test_theory_is_not_drawn_outside_its_range():
    _, regimes = rutherford_phase(made(parameter=1.5))
    assert not [one.label for one in regimes.curves if "1.22" in one.label]
    assert "out of its range" in regimes.note
    assert "1.5" in regimes.note
    assert saturation(made(parameter=1.5))[0].levels == []


def test_saturation_is_marked_where_it_was_found():
    run = made()
    width, rate, response = saturation(run)
    found = run.facts["saturation"]
    assert [mark.x for mark in width.uprights] == [found["t_start"]]
    x, y = curve(rate, "sheet 0")
    assert y.max() == 1
    assert (y[x > found["t_start"]] < phases.SATURATED).all()
    assert response.levels[0].y == BOUNDS["min_nonlinear_response"].value


def test_the_balance_shows_that_the_budget_closes():
    _, balance, residual = energy_budget(made())
    _, change = curve(balance, "change of $E$")
    x, net = curve(balance, "fed in less")
    np.testing.assert_allclose(net, np.interp(x, T, change), atol=1e-14)
    assert residual.levels[0].y == BOUNDS["max_energy_budget_residual"].value


def test_what_was_not_found_is_told_and_not_drawn():
    nothing = {"found": False, "reason": "the flux never grows"}
    run = replace(made(), facts=dict.fromkeys(("linear_phase", "saturation"), nothing))
    flux, rate = linear_phase(run)
    assert {one.label for one in flux.curves} == {"sheet 0", "sheet 1"}
    assert flux.note == "no linear window found"
    assert not (flux.spans or rate.levels or rate.bands)
    assert saturation(run)[0].uprights == []
    assert saturation(run)[0].note == "the flux never grows"


def test_a_run_without_sheets_has_its_energy_budget_alone(tmp_path):
    bare = {name: values for name, values in history().items() if not name.endswith(("_0", "_1"))}
    run = replace(made(), history=bare, facts={})
    assert claim_figures.draw(tmp_path, run, {}) == ["energy_budget.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["energy_budget.png"]


DAMAGED = {
    "a number that is none": ("sheet_flux", 10, np.nan),
    "an infinite width": ("island_width", slice(None), np.inf),
    "no flux at all": ("sheet_flux", slice(None), 0.0),
    "a clock that stands": ("time", slice(1, None), 0.0),
    "no time at all": ("time", slice(None), np.nan),
}


@pytest.mark.parametrize(("name", "where", "value"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_history_is_drawn_as_far_as_it_goes(name, where, value):
    run = made()
    damaged = {key: row.copy() for key, row in run.history.items()}
    for key, row in damaged.items():
        if key.startswith(name):
            row[where] = value
    for panels_of in claim_figures.OF_THE_RUN.values():
        for panel in panels_of(replace(run, history=damaged)):
            assert all(np.isfinite(panel.ylim or (0, 1)))
            assert all(np.isfinite(panel.xlim or (0, 1)))
