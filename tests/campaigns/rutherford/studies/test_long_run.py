"""One long run: every case gate passes on a sound one and fails on a damaged one."""

import dataclasses

import numpy as np
import pytest

from mhx.campaigns import thresholds
from mhx.campaigns.rutherford.studies.judging import judge
from mhx.campaigns.rutherford.studies.measures import measured
from mhx.campaigns.rutherford.studies.study import LONG_RUN

from .synthetic import Law, case, cases

FLOORS = thresholds.at_validation() | thresholds.FLOORS[LONG_RUN]


def results(run, **more):
    return {r.gate.name: r for r in judge(LONG_RUN, cases(run, **more), FLOORS).results}


def with_row(run, name, place, value):
    values = run.history[name].astype(float)
    values[place] = value
    return dataclasses.replace(run, history={**run.history, name: values})


def cut(run, samples):
    return dataclasses.replace(run, history={k: v[:samples] for k, v in run.history.items()})


def test_a_sound_run_passes_every_gate():
    found = results(case("long"))
    assert [str(result) for result in found.values() if not result.passed] == []
    assert set(found) == {
        "finite_histories", "full_duration_reached", "enough_saved_samples",
        "early_growth_positive", "nonlinear_difference_reaches_visible_growth",
        "reconnected_flux_amplifies", "island_width_amplifies", "total_energy_is_dissipative",
        "short_duration_is_labeled_fast", "energy_growth_within_tolerance",
        "energy_budget_residual_within_tolerance", "magnetic_divergence_within_tolerance",
        "time_step_stable_throughout", "spectral_tail_within_tolerance", "all_subcases_passed",
    }  # fmt: skip


DAMAGED = {
    "a NaN": ("finite_histories", lambda run: with_row(run, "current_density_linf", 5, np.nan)),
    "cut short": ("full_duration_reached", lambda run: cut(run, -1)),
    "seven samples": ("enough_saved_samples", lambda run: cut(run, 7)),
    "a slow mode": ("early_growth_positive", lambda run: case("x", Law(rate=0.04))),
    "an amplitude that doubles at most": (
        "nonlinear_difference_reaches_visible_growth",
        lambda run: case("x", Law(top=7e-3)),
    ),
    "no flux": ("reconnected_flux_amplifies", lambda run: case("x", Law(top=4.1e-3))),
    "no island": ("island_width_amplifies", lambda run: case("x", Law(top=4.1e-3))),
    "energy from nowhere": (
        "total_energy_is_dissipative",
        lambda run: case("x", Law(growth_of_energy=1e-3)),
    ),
    "a little energy from nowhere": (
        "energy_growth_within_tolerance",
        lambda run: with_row(run, "total_energy", 5, run.history["total_energy"][4] + 2e-9),
    ),
    "an open budget": (
        "energy_budget_residual_within_tolerance",
        lambda run: with_row(run, "dissipation_budget_residual", 9, 1e-6),
    ),
    "a divergence": (
        "magnetic_divergence_within_tolerance",
        lambda run: with_row(run, "magnetic_divergence_linf", 9, 1e-6),
    ),
    "beyond stability": (
        "time_step_stable_throughout",
        lambda run: with_row(run, "stability_ratio", 9, 1.01),
    ),
    "unresolved": (
        "spectral_tail_within_tolerance",
        lambda run: with_row(run, "spectral_tail", 9, 1e-3),
    ),
}


@pytest.mark.parametrize(("gate", "damage"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_run_fails_the_gate_that_is_there_for_it(gate, damage):
    found = results(damage(case("long")))
    assert not found[gate].passed
    assert not found["all_subcases_passed"].passed


def test_a_short_run_says_that_it_is_one():
    short = case("long", time__t1=20.0)
    assert not results(short)["short_duration_is_labeled_fast"].passed
    labelled = results(short, purpose="fast_validation: one long seeded run")
    assert labelled["short_duration_is_labeled_fast"].passed
    thirty = case("long", time__t1=30.0, time__dt=0.1)
    assert results(thirty)["short_duration_is_labeled_fast"].passed


def test_an_altered_run_is_not_judged():
    torn = dataclasses.replace(case("long"), problems=("history.npz is not the file",))
    found = results(torn)
    assert found["all_subcases_passed"].value == 1
    assert found["early_growth_positive"].value is None


def test_two_runs_are_no_long_run():
    judged = judge(LONG_RUN, cases(case("a"), case("b", initial__seed=1)), FLOORS)
    assert not judged.passed


def test_the_numbers_are_those_of_the_law():
    """A logistic flux: slope at the start, top over seed at the end."""
    numbers = measured(case("long"), {**FLOORS, "fit_start": 0.0, "fit_stop": 4.0}).metrics
    assert numbers["linear_growth_rate"] == pytest.approx(0.08, rel=0.08)
    assert numbers["gamma_fit"] == pytest.approx(0.08 * 0.98, rel=0.01)
    assert numbers["fitted_early_growth_rate"] == pytest.approx(numbers["gamma_fit"])
    assert numbers["early_growth_factor"] == pytest.approx(
        np.exp(4 * numbers["gamma_fit"]), rel=0.01
    )
    assert numbers["max_growth_factor"] == numbers["reconnected_flux_amplification"]
    assert numbers["island_width_amplification"] == pytest.approx(
        np.sqrt(numbers["reconnected_flux_amplification"])
    )


def test_the_window_of_the_configuration_serves_where_none_is_asked_for():
    windowed = case("long", diagnostics__fit_time_window=[0.0, 4.0])
    asked = measured(case("long"), {"fit_start": 0.0, "fit_stop": 4.0}).metrics["gamma_fit"]
    assert measured(windowed, {}).metrics["gamma_fit"] == asked


def test_the_arrays_hold_the_history_and_the_numbers():
    judged = judge(LONG_RUN, cases(case("long")), FLOORS)
    assert judged.arrays["perturbation_norm"].shape == judged.arrays["time"].shape
    for name in ("fitted_early_growth_rate", "early_growth_factor", "max_growth_factor",
                 "reconnected_flux_amplification", "island_width_amplification"):  # fmt: skip
        assert judged.arrays[name].shape == (), name
    assert judged.facts["linear_phase"]["found"]
    assert judged.facts["growth_rate"]["gamma"] == pytest.approx(0.0835, rel=1e-3)
