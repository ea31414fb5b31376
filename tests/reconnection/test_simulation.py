"""The Python face of a run: same bits as the runner, refusals, round trips, gradients."""

import numpy as np
import pytest

import mhx
from mhx.errors import ConfigError, SolverError
from mhx.reconnection.run import integrate
from mhx.reconnection.simulation import METRICS, Simulation

WORDS = {"shape": (16, 24), "equilibrium": "orszag_tang", "eta": 0.02, "nu": 0.02}
STEPS = {"dt": 0.02, "t_end": 0.2, "save_every": 4}


def test_simulation_is_a_public_name():
    assert mhx.Simulation is Simulation


def test_it_takes_the_steps_and_samples_of_the_runner():
    sim = Simulation(**WORDS, **STEPS)
    sim.run(steps=3).run(t=0.02).run()
    course = integrate(sim.config, quiet=True)
    assert np.array_equal(sim.state.psi_hat, course.state.psi_hat)
    assert sim.state.dissipated == course.state.dissipated
    assert sim.history["step"].tolist() == [0, 3, 4, 8, 10]
    for name in ("total_energy", "dissipated_energy"):
        assert sim.history[name][[0, 2, 3, 4]].tolist() == course.history[name].tolist()


def test_the_callback_sees_every_sample():
    seen = []
    Simulation(**WORDS, **STEPS).run(callback=lambda sim: seen.append(sim.time))
    assert seen == pytest.approx([0.08, 0.16, 0.2])


def test_a_saved_run_goes_on_with_the_same_bits(tmp_path):
    sim = Simulation(**WORDS, **STEPS).run(steps=4)
    again = Simulation.load(sim.save(tmp_path / "run"))
    assert again.history["step"].tolist() == [0, 4]
    assert np.array_equal(again.run().state.psi_hat, sim.run().state.psi_hat)
    for name, values in sim.history.items():
        assert np.array_equal(again.history[name], values, equal_nan=True), name


def test_fields_are_the_known_start():
    sim = Simulation(**WORDS, **STEPS)
    x, y = np.meshgrid(sim.grid.x, sim.grid.y, indexing="ij")
    np.testing.assert_allclose(sim.fields()["psi"], np.cos(y) + 0.5 * np.cos(2 * x), atol=1e-14)
    np.testing.assert_allclose(sim.fields()["vx"], np.sin(y) + 0 * x, atol=1e-13)


def test_a_picture_is_drawn(tmp_path):
    path = Simulation(**WORDS, **STEPS).plot(tmp_path / "field.png")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda sim: sim.run(t=1.0, steps=2), "t or steps"),
        (lambda sim: sim.run(steps=-1), "cannot go back"),
        (lambda sim: sim.grad("flux", steps=1), "metric must be one of"),
        (lambda sim: sim.grad("dissipated", with_respect_to="dt", steps=1), "with_respect_to"),
        (lambda sim: Simulation(**{**WORDS, "eta": -1.0}), "resistivity"),
        (lambda sim: Simulation(**WORDS, widht=0.3), "widht"),
        (lambda sim: Simulation(**WORDS, dt=2.0), "dt"),
    ],
    ids=["both", "back", "metric", "input", "negative", "misspelt", "unstable"],
)
def test_refusals_name_what_was_asked(call, text):
    sim = Simulation(**WORDS, **STEPS)
    with pytest.raises(ConfigError, match=text):
        call(sim)


def test_a_run_that_leaves_the_numbers_stops_at_the_last_good_sample(monkeypatch):
    sim = Simulation(**WORDS, **STEPS).run(steps=4)
    read = sim._solver.read

    def broken(carry, step):
        state = read(carry, step)
        state.psi_hat[1, 1] = np.nan
        return state

    monkeypatch.setattr(sim._solver, "read", broken)
    with pytest.raises(SolverError, match="stands at step 4"):
        sim.run()
    assert sim.state.step == 4


@pytest.mark.slow
def test_gradients_equal_finite_differences():
    h = 1e-4

    def lost(eta):
        return Simulation(**{**WORDS, "eta": eta}, **STEPS).run().state.dissipated

    value, slope = Simulation(**WORDS, **STEPS).grad("dissipated", steps=10)
    assert value == pytest.approx(lost(0.02), rel=1e-12)
    assert slope == pytest.approx((lost(0.02 + h) - lost(0.02 - h)) / (2 * h), rel=1e-5)
    assert "dissipated" in METRICS


def test_it_says_what_it_is_and_where_it_stands():
    assert repr(Simulation(shape=(16, 8))) == (
        "<Simulation: periodic_double_harris, 16 x 8 points, t = 0>"
    )
