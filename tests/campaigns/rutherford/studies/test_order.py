"""The order in time: measured where the time step shows, never in round-off."""

import dataclasses

import numpy as np
import pytest

from mhx.campaigns.rutherford.studies import order
from mhx.campaigns.rutherford.studies.order import BELOW, MEASURED, TWO, UNALIGNED, time_order

from .synthetic import Law, case

STEPS = (0.08, 0.04, 0.02)


def ladder(law=None, steps=STEPS, **changes):
    return tuple(
        case(f"dt{dt:g}", law or Law(), time__dt=dt, time__save_every=round(0.8 / dt), **changes)
        for dt in steps
    )


def test_the_order_of_the_final_fields_is_found():
    found = time_order(ladder())
    assert (found.status, found.used.quantity) == (MEASURED, order.FIELDS)
    assert found.used.order == pytest.approx(4, abs=1e-6)
    assert found.used.cosine == pytest.approx(1)
    assert found.error < 1e-6 and found.difference is None


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_a_scheme_of_lower_order_is_told(power):
    found = time_order(ladder(Law(step_power=power)))
    assert found.status == MEASURED
    assert found.used.order == pytest.approx(power, abs=1e-3)
    assert found.error > 0.10


def test_steps_need_not_be_halved():
    found = time_order(ladder(steps=(0.08, 0.05, 0.02)))
    assert found.used.order == pytest.approx(4, abs=1e-6)


@pytest.mark.parametrize("power", [1.0, 4.0])
def test_a_run_that_has_saturated_is_judged_on_the_way(power):
    """Its end depends on no time step, whatever the scheme: that would be a pass for any."""
    law = Law(final_share=0.0, step_power=power)
    found = time_order(ladder(law))
    assert (found.status, found.used.quantity) == (MEASURED, "kinetic_energy")
    assert found.pairs[0].d2 < order.FLOOR
    assert found.used.order == pytest.approx(power, abs=1e-3)


def test_round_off_at_the_end_is_no_order():
    found = time_order(ladder(Law(final_share=0.0, noise=1e-15)))
    assert (found.status, found.used.quantity) == (MEASURED, "kinetic_energy")
    assert found.used.order == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("trial", range(20))
def test_noise_below_the_floor_measures_nothing(trial):
    """Whatever the draw: steps that do not matter are judged by how little they do."""
    runs = ladder(Law(step_coefficient=0.0, noise=1e-14), initial__seed=trial)
    named = [dataclasses.replace(run, history=_shaken(run, trial)) for run in runs]
    found = time_order(named)
    assert found.status == BELOW
    assert found.error is None and found.difference < 1e-12


@pytest.mark.parametrize("trial", range(20))
def test_noise_above_the_floor_is_neither_an_order_nor_a_pass(trial):
    runs = ladder(Law(step_coefficient=0.0, noise=1e-9), initial__seed=trial)
    named = [dataclasses.replace(run, history=_shaken(run, trial)) for run in runs]
    found = time_order(named)
    assert found.status == UNALIGNED
    assert found.error is None and found.difference is None


def _shaken(run, trial):
    """The same history with another draw of its noise, as slow as round-off that adds up."""
    rng = np.random.default_rng([trial, round(1e6 * run.config.dt)])
    drift = np.cumsum(rng.normal(size=len(run.history["time"])))
    scale = 1e-16 if run.history["kinetic_energy"][5] else 0.0
    return {
        **run.history,
        **{
            name: run.history[name] * (1 + scale * drift)
            for name in ("kinetic_energy", "sheet_flux_0", "sheet_flux_1")
        },
    }


def test_two_steps_alone_bound_the_difference():
    found = time_order(ladder(steps=(0.08, 0.04)))
    assert found.status == TWO and found.error is None
    assert found.difference == pytest.approx(1e-4 * (0.08**4 - 0.04**4), rel=1e-3)


def test_of_many_steps_the_finest_three_that_measure_are_used():
    """The three smallest of these lie below the floor, at the end and on the way."""
    found = time_order(ladder(Law(step_coefficient=3e-6), steps=(0.08, 0.04, 0.02, 0.01, 0.005)))
    assert (found.status, found.steps) == (MEASURED, (0.08, 0.04, 0.02))


def test_ends_at_different_times_say_nothing():
    runs = ladder()
    late = dataclasses.replace(
        runs[0], state=dataclasses.replace(runs[0].state, time=runs[0].state.time + 0.01)
    )
    found = time_order((late, *runs[1:]))
    assert found.used is None and found.error is None and found.difference is None


def test_one_step_has_no_order():
    assert time_order(ladder(steps=(0.08,))) is None


def test_what_was_compared_is_on_record():
    told = time_order(ladder(Law(final_share=0.0))).document()
    assert told["quantity"] == "kinetic_energy" and told["floor"] == 1e-12
    assert told["pairs"][0]["quantity"] == order.FIELDS
    assert [pair["measured"] for pair in told["pairs"]] == [False, True, True, True]
