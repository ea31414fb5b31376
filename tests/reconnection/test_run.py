"""One whole run: exact answers, the trajectory of a cut run, refusals with advice, its files."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from mhx.config import parse
from mhx.errors import ConfigError, SolverError
from mhx.evidence import schemas
from mhx.reconnection import run as module
from mhx.reconnection import timestep
from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import HISTORY
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.run import integrate, measures, run, solver_of
from mhx.reconnection.trajectory import read_history, read_state
from mhx.runner import RunRequest


def configured(equilibrium="cosine_tearing", n=16, t1=1.0, **changes):
    """A small run; changes are dotted keys with `__` for the dot."""
    table = {
        "mesh": {"shape": [n, n]},
        "time": {"t1": t1},
        "physics": {"equilibrium": equilibrium, "resistivity": 1e-3, "viscosity": 1e-3},
    }
    for key, value in changes.items():
        *path, last = key.split("__")
        here = table
        for part in path:
            here = here.setdefault(part, {})
        here[last] = value
    return table


def course(table):
    return integrate(parse(Reconnection, table), quiet=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that was carried out, its folder and its summary."""
    root = tmp_path_factory.mktemp("run")
    table = configured(time__save_every=4, initial__seed=3, initial__noise_amplitude=1e-6)
    return root, run(RunRequest(config=table, output_dir=root))


@pytest.mark.slow
def test_every_artifact_of_the_summary_lies_in_the_folder(finished):
    root, summary = finished
    on_disk = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    assert set(summary.artifacts) == on_disk
    assert {"history.npz", "final_state.npz", "diagnostics.json", "validation.json"} <= on_disk
    assert "figures/final_field.png" in on_disk


def test_the_history_holds_the_whole_vocabulary_and_ends_at_the_last_step(finished):
    root, summary = finished
    history = read_history(root / "history.npz")
    assert history.absent == ()
    steps = int(summary.metrics["run.steps"])
    wanted = [*range(0, steps, 4), steps]
    assert history.arrays["step"].tolist() == wanted
    np.testing.assert_array_equal(
        history.arrays["time"], history.arrays["step"] * summary.metrics["run.dt"]
    )


def test_the_summary_repeats_the_stored_history(finished):
    root, summary = finished
    arrays = read_history(root / "history.npz").arrays
    for name in HISTORY.keys() - {"time", "step"}:
        assert summary.metrics[f"final.{name}"] == arrays[name][-1]
        assert summary.metrics[f"max.{name}"] == arrays[name].max()
    assert all(math.isfinite(value) for value in summary.metrics.values())


def test_the_last_state_is_the_last_row(finished):
    root, summary = finished
    state, belongs = read_state(root / "final_state.npz")
    assert state.step == summary.metrics["run.steps"]
    assert belongs.initial_energy == summary.metrics["initial.total_energy"]
    assert state.dissipated == summary.metrics["final.dissipated_energy"]


def test_the_files_tell_schema_family_and_verdicts(finished):
    root, summary = finished
    told = json.loads((root / "diagnostics.json").read_text())
    judged = json.loads((root / "validation.json").read_text())
    assert told["schema"] == schemas.CAMPAIGN_EXECUTION
    assert told["family_digest"] == summary.notes["family_digest"]
    assert (told["seed"], told["save_every"], told["stop_reason"]) == (3, 4, "target")
    assert judged["schema"] == schemas.RUN_VALIDATION
    assert set(judged["checks"]) == {
        "finite_histories", "energy_growth_within_tolerance", "time_step_stable_throughout",
        "energy_budget_residual_within_tolerance", "magnetic_divergence_within_tolerance",
        "spectral_tail_within_tolerance",
    }  # fmt: skip


@pytest.mark.slow
def test_the_same_configuration_gives_the_same_bytes(finished, tmp_path):
    root, summary = finished
    table = configured(time__save_every=4, initial__seed=3, initial__noise_amplitude=1e-6)
    again = run(RunRequest(config=table, output_dir=tmp_path))
    assert again.artifacts == summary.artifacts
    for name in summary.artifacts:
        if name != "diagnostics.json":  # it tells the cost of a step
            assert (tmp_path / name).read_bytes() == (root / name).read_bytes(), name


@pytest.mark.slow
def test_blocks_leave_no_trace_in_the_trajectory():
    """Whatever is sampled on the way, the state is that of any other cut, bit for bit."""
    table = configured("periodic_double_harris", t1=2.0, initial__noise_amplitude=1e-3)
    config = parse(Reconnection, table | {"time": {"t1": 2.0, "save_every": 3}})
    state = integrate(config, quiet=True).state
    solver, cut = solver_of(config), initial_state(config)
    for steps in (1, 7, config.steps - 8):
        cut = solver.run(cut, steps)
    assert state.psi_hat.tobytes() == cut.psi_hat.tobytes()
    assert state.omega_hat.tobytes() == cut.omega_hat.tobytes()
    assert (state.dissipated, state.injected) == (cut.dissipated, cut.injected)


@pytest.mark.slow
def test_the_cosine_sheet_decays_as_its_one_mode_does():
    """E(t)/E(0) = exp(-2 eta t) to the order of the seed's energy."""
    parameters = {"perturbation_amplitude": 1e-6}
    made = course(
        configured(n=24, t1=10.0, time__dt=0.05, time__save_every=50,
                   physics__equilibrium_parameters=parameters)
    )  # fmt: skip
    energy = made.history["total_energy"]
    assert energy[-1] / energy[0] == pytest.approx(math.exp(-0.02), rel=1e-9)


@pytest.mark.slow
def test_orszag_tang_closes_its_budget():
    made = course(configured("orszag_tang", n=32, t1=0.5, time__dt=0.01, time__save_every=10))
    assert made.history["total_energy"][0] == pytest.approx(1.0, rel=1e-12)
    assert made.history["dissipation_budget_residual"].max() < 1e-8


@pytest.mark.slow
def test_a_held_sheet_grows_at_its_eigenvalue():
    """gamma = 0.10497 for a = 0.36, eta = nu = 0.0045, k_y = 1, exactly periodic form."""
    parameters = {
        "width": 0.36, "perturbation_amplitude": 1e-6, "perturbation_mode_x": 2,
        "perturbation_mode_y": 1,
    }  # fmt: skip
    table = configured(
        "periodic_double_harris", n=64, t1=80.0, time__save_every=30,
        physics__resistivity=0.0045, physics__viscosity=0.0045,
        physics__equilibrium_parameters=parameters, diagnostics__fit_time_window=[20.0, 80.0],
    )  # fmt: skip
    config = parse(Reconnection, table)
    made = integrate(config, quiet=True)
    growth = growth_rate(config)
    found = module.found_phases(config, made.history, growth)
    metrics = measures(config, made, found, growth)
    assert metrics["fit_window.slope"] == pytest.approx(0.10497, rel=1e-3)
    assert metrics["growth_rate"] == pytest.approx(0.10497, rel=5e-3)
    assert metrics["eigenvalue.gamma"] == pytest.approx(0.10497, rel=1e-4)
    assert metrics["eigenvalue.mismatch"] < 5e-3
    assert found["linear_phase"]["efolds"] > 6


@pytest.mark.slow
def test_only_the_quantities_asked_for_are_stored(tmp_path):
    wanted = ["total_energy", "sheet_flux_0"]
    table = configured(t1=0.5, diagnostics__quantities=wanted)
    summary = run(RunRequest(config=table, output_dir=tmp_path))
    assert set(read_history(tmp_path / "history.npz").arrays) == {"time", "step", *wanted}
    assert "final.kinetic_energy" in summary.metrics  # measured all the same


def test_what_does_not_exist_is_not_reported(tmp_path):
    summary = run(RunRequest(config=configured("orszag_tang", t1=0.2), output_dir=tmp_path))
    assert "growth_rate" not in summary.metrics
    assert not any(name.startswith("eigenvalue") for name in summary.metrics)
    assert not any("island_width" in name for name in summary.metrics)
    assert summary.notes["linear_phase"] == "this equilibrium has no current sheets"
    assert not (tmp_path / "figures" / "island_width_history.png").exists()


def test_a_coarse_run_is_carried_out_and_judged(tmp_path):
    table = configured("periodic_double_harris", n=12, t1=0.2, physics__resistivity=0.02)
    run(RunRequest(config=table, output_dir=tmp_path))
    judged = json.loads((tmp_path / "validation.json").read_text())
    assert judged["verdicts"]["spectral_tail_within_tolerance"]["verdict"] == "fail"
    assert judged["passed"] is False


def test_a_step_that_is_too_large_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match=r"time\.dt must be <= "):
        run(RunRequest(config=configured(time__dt=0.9), output_dir=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


class Spoiled:
    """A solver whose states go wrong from some step on."""

    def __init__(self, solver, step, spoil):
        self._solver, self._step, self._spoil = solver, step, spoil

    def __getattr__(self, name):
        return getattr(self._solver, name)

    def read(self, carry, step):
        state = self._solver.read(carry, step)
        return self._spoil(state) if step >= self._step else state


def not_finite(state):
    hat = state.psi_hat.copy()
    hat[1, 1] = np.nan
    return replace(state, psi_hat=hat)


def too_strong(state):
    return replace(state, psi_hat=30 * state.psi_hat)


FAULTS = {
    "not finite": (not_finite, "holds values that are not finite"),
    "unstable": (too_strong, "is beyond the stability limit of RK4: dt/dt_max = "),
}


@pytest.mark.parametrize(("spoil", "words"), FAULTS.values(), ids=FAULTS)
def test_a_state_that_cannot_be_trusted_stops_the_run_at_once(monkeypatch, tmp_path, spoil, words):
    whole = module.solver_of
    monkeypatch.setattr(module, "solver_of", lambda config: Spoiled(whole(config), 6, spoil))
    table = configured(t1=20.0, time__save_every=3)
    with pytest.raises(SolverError, match=re.escape(words)) as stopped:
        run(RunRequest(config=table, output_dir=tmp_path / "out"))
    message = str(stopped.value)
    config = parse(Reconnection, table)
    assert f"the state at step 6 (t = {6 * config.dt:g} L/v_A)" in message
    assert "the last good sample is that of step 3;" in message
    better = float(re.search(r"time\.dt = (\S+) would do", message)[1])
    assert 0 < better < config.dt
    timestep.refuse_unstable(parse(Reconnection, configured(time__dt=better)).time_step)
    assert not (tmp_path / "out").exists()
