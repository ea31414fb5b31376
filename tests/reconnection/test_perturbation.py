"""The distance of a run from its unseeded base: exact at the start, and equal to a second run's."""

import numpy as np
import pytest

from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import Sampler
from mhx.reconnection.equilibria import equilibrium_hat, initial_state
from mhx.reconnection.perturbation import Perturbation
from mhx.reconnection.run import integrate
from mhx.reconnection.state import State
from mhx.reconnection.timestep import fields_of

HARRIS, COSINE = "periodic_double_harris", "cosine_tearing"
EPS = 2e-3


def configured(equilibrium: str = HARRIS, *, eps=EPS, held=True, noise=0.0, **given):
    table = {
        "mesh": {"shape": given.get("shape", [32, 16])},
        "time": {"t1": 0.4, "dt": 0.02, "save_every": 10},
        "physics": {
            "equilibrium": equilibrium,
            "equilibrium_parameters": {"perturbation_amplitude": eps, **given.get("sheet", {})},
            "resistivity": 0.02,
            "viscosity": 0.01,
            "hyper_resistivity": given.get("hyper", 0.0),
            "hold_equilibrium": held,
        },
        "initial": {"noise_amplitude": noise, "seed": 3},
    }
    return Reconnection.model_validate(table)


@pytest.mark.parametrize("equilibrium", [HARRIS, COSINE])
@pytest.mark.parametrize("eps", [1e-6, 2e-3])
def test_the_seed_alone_has_the_norm_of_a_product_of_cosines(equilibrium, eps):
    """sum of cos^2 cos^2 over a grid is a quarter of its points."""
    config = configured(equilibrium, eps=eps)
    found = Perturbation(config).norm(initial_state(config))
    assert found == pytest.approx(np.sqrt(32 * 16) / 2, rel=1e-9)


def test_noise_counts_as_perturbation():
    config = configured(noise=1e-3)
    quiet = Perturbation(config).norm(initial_state(configured()))
    assert Perturbation(config).norm(initial_state(config)) > 1.1 * quiet


def test_without_a_seed_the_norm_is_not_divided():
    config = configured(eps=0.0, noise=1e-3)
    rms = Perturbation(config).norm(initial_state(config)) / np.sqrt(32 * 16)
    assert rms == pytest.approx(1e-3, rel=1e-9)


@pytest.mark.parametrize("hyper", [0.0, 1e-4])
def test_a_sheet_that_only_diffuses_is_its_own_base(hyper):
    config, time = configured(held=False, hyper=hyper), 7.0
    k2 = config.grid.k2
    decay = np.exp(-(0.02 * k2 + hyper * k2**2) * time)
    diffused = State(1, time, equilibrium_hat(config) * decay, np.zeros_like(decay * 1j))
    assert Perturbation(config).norm(diffused) < 1e-12 / EPS


@pytest.mark.slow
@pytest.mark.parametrize("held", [True, False], ids=["held", "decaying"])
@pytest.mark.parametrize("equilibrium", [HARRIS, COSINE])
def test_the_norm_is_that_of_the_difference_from_a_run_without_seed(equilibrium, held):
    seeded, bare = (
        integrate(configured(equilibrium, eps=eps, held=held), quiet=True) for eps in (EPS, 0.0)
    )
    difference = [
        np.fft.irfft2(getattr(seeded.state, name) - getattr(bare.state, name), s=(32, 16))
        for name in ("psi_hat", "omega_hat")
    ]
    expected = np.sqrt(sum((field**2).sum() for field in difference)) / EPS
    assert seeded.history["perturbation_norm"][-1] == pytest.approx(expected, rel=1e-6)


def row_of(config: Reconnection) -> dict[str, float]:
    state = initial_state(config)
    return Sampler(config, state, lambda s: fields_of(s, config.grid)).row(state)


@pytest.mark.parametrize("mode", [(2, 1), (1, 3), (4, 4)])
def test_the_dominant_mode_of_a_double_sheet_is_that_of_its_seed(mode):
    sheet = {"perturbation_mode_x": mode[0], "perturbation_mode_y": mode[1]}
    row = row_of(configured(sheet=sheet))
    assert (row["dominant_flux_mode_x"], row["dominant_flux_mode_y"]) == mode
    assert row["seed_mode_reconnected_flux"] == row["reconnected_flux"] == pytest.approx(EPS / 2)


def test_a_mode_above_the_low_ones_is_followed_but_not_dominant():
    sheet = {"perturbation_mode_x": 2, "perturbation_mode_y": 5}
    row = row_of(configured(sheet=sheet, noise=1e-4))
    assert row["seed_mode_reconnected_flux"] == pytest.approx(EPS / 2)
    assert row["dominant_flux_mode_y"] < 5
    assert row["reconnected_flux"] < row["seed_mode_reconnected_flux"]


def test_the_mode_of_a_cosine_sheet_is_the_planned_one_whatever_is_larger():
    sheet = {"perturbation_mode_x": 2, "perturbation_mode_y": 1}
    row = row_of(configured(COSINE, sheet=sheet, noise=1e-1, held=False))
    assert (row["dominant_flux_mode_x"], row["dominant_flux_mode_y"]) == (2, 1)
    assert row["seed_mode_reconnected_flux"] == row["reconnected_flux"]
