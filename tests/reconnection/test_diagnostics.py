"""A row of the history: its names, what must hold of each value, and growth against theory."""

from dataclasses import replace

import numpy as np
import pytest

from mhx.reconnection.config import Reconnection
from mhx.reconnection.diagnostics import HISTORY, Sampler, assemble
from mhx.reconnection.equilibria import equilibrium_hat, initial_state
from mhx.reconnection.phases import linear_phase
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.timestep import dt_max, fields_of, rates

PI = np.pi
HARRIS, COSINE = "periodic_double_harris", "cosine_tearing"
LEGACY = [
    "time",
    "reconnected_flux",
    "rutherford_island_width",
    "reconnection_rate_proxy",
    "magnetic_energy",
    "kinetic_energy",
    "total_energy",
    "dissipation_budget_residual",
    "magnetic_divergence_linf",
    "current_density_linf",
    "current_sheet_thickness",
    "current_sheet_length",
    "current_sheet_aspect_ratio",
    "x_point_count",
    "o_point_count",
]
NEW = [
    "step",
    "energy_increase_rate",
    "sheet_flux_0",
    "sheet_flux_1",
    "island_width_0",
    "island_width_1",
    "separatrix_width_0",
    "separatrix_width_1",
    "mean_shear_change_0",
    "mean_shear_change_1",
    "dissipated_energy",
    "injected_energy",
    "spectral_tail",
    "stability_ratio",
    "flux_xo_0",
    "flux_xo_1",
    "perturbation_norm",
    "seed_mode_reconnected_flux",
    "dominant_flux_mode_x",
    "dominant_flux_mode_y",
]


def configured(equilibrium: str, shape=(32, 32), noise=0.0, **given) -> Reconnection:
    """given: keys of [physics], or of its equilibrium parameters."""
    top = ("resistivity", "viscosity", "hyper_resistivity", "hold_equilibrium")
    physics = {key: value for key, value in given.items() if key in top}
    parameters = {key: value for key, value in given.items() if key not in top}
    table = {
        "mesh": {"shape": list(shape)},
        "time": {"t1": 100.0, "dt": 0.01},
        "physics": {"equilibrium": equilibrium, "equilibrium_parameters": parameters} | physics,
        "initial": {"noise_amplitude": noise},
    }
    return Reconnection.model_validate(table)


def sampler(config: Reconnection, initial: State | None = None) -> Sampler:
    start = initial_state(config) if initial is None else initial
    return Sampler(config, start, lambda state: fields_of(state, config.grid))


def row(config: Reconnection, state: State | None = None) -> dict[str, float]:
    """A row of `state`, the initial one if there is none."""
    return sampler(config).row(initial_state(config) if state is None else state)


def state_of(grid: Grid, psi, omega=None) -> State:
    x, y = grid.x[:, None], grid.y[None, :]
    hats = [
        np.fft.rfft2(np.zeros(grid.shape) if f is None else f(x, y) + 0 * (x + y)) * grid.keep
        for f in (psi, omega)
    ]
    return State(0, 0.0, *hats)


CASES = {
    "double Harris": configured(HARRIS, (64, 32)),
    "double Harris, noisy, odd": configured(HARRIS, (63, 33), noise=1e-3),
    "double Harris without a seed": configured(HARRIS, (64, 32), perturbation_amplitude=0.0),
    "cosine": configured(COSINE, (24, 32)),
    "cosine without a seed": configured(COSINE, (24, 32), perturbation_amplitude=0.0),
    "vortex": configured("orszag_tang"),
    "nothing": configured("zero"),
}


def test_the_vocabulary_holds_every_name_with_unit_and_meaning():
    assert set(LEGACY) | set(NEW) <= set(HISTORY)
    for name, quantity in HISTORY.items():
        assert quantity.name == name
        assert quantity.unit
        assert quantity.meaning
    whole = {name for name, quantity in HISTORY.items() if quantity.dtype == "int64"}
    modes = {"dominant_flux_mode_x", "dominant_flux_mode_y"}
    assert whole == {"step", "x_point_count", "o_point_count"} | modes


@pytest.mark.parametrize("config", CASES.values(), ids=CASES)
def test_a_row_has_the_names_of_its_configuration_as_finite_plain_numbers(config):
    sampled = sampler(config)
    values, points = sampled.sample(initial_state(config))
    assert [*values] == [name for name in sampled.names if name != "reconnection_rate_proxy"]
    has_sheets = config.equilibrium.normal is not None
    assert {name in values for name, q in HISTORY.items() if q.sheets} == {has_sheets}
    for name, value in values.items():
        assert type(value) is (int if HISTORY[name].dtype == "int64" else float), name
        assert np.isfinite(value), name
    assert values["x_point_count"] == values["o_point_count"] == points.x_count
    assert points.table().tolist() == sampled.points(initial_state(config)).table().tolist()


@pytest.mark.parametrize("config", CASES.values(), ids=CASES)
def test_a_row_is_a_function_of_the_state_alone(config):
    """Cut runs must have the rows of unbroken ones, to the last bit."""
    sampled, state = sampler(config), initial_state(config)
    other = replace(state, step=7, time=0.07, psi_hat=0.5 * state.psi_hat, dissipated=0.1)
    first = [sampled.row(state), sampled.row(other)]
    fresh = sampler(config)
    again = [fresh.row(other), fresh.row(state)]
    assert first == again[::-1]


def test_a_sheet_without_a_seed_is_degenerate_and_still_measured():
    values = row(CASES["double Harris without a seed"])
    assert values["degenerate_points"] == 1.0
    assert values["topology_unresolved"] == 0.0
    assert values["x_point_count"] == values["o_point_count"] == 0
    assert values["separatrix_width_0"] == values["flux_xo_0"] == values["sheet_flux_0"] == 0.0
    assert values["current_sheet_thickness"] == pytest.approx(1.7627 * 0.4, rel=1e-3)


@pytest.mark.parametrize("shape", [(32, 32), (24, 40), (31, 33)])
def test_energies_of_known_modes(shape):
    """psi = cos(2x + y), phi = 3 cos y: E_B = 5/4, E_K = 9/4."""
    config = configured("zero", shape)
    state = state_of(
        config.grid, lambda x, y: np.cos(2 * x + y), lambda x, y: -3 * np.cos(y) + 0 * x
    )
    values = row(config, state)
    assert values["magnetic_energy"] == pytest.approx(1.25, rel=1e-12)
    assert values["kinetic_energy"] == pytest.approx(2.25, rel=1e-12)
    assert values["total_energy"] == pytest.approx(3.5, rel=1e-12)


def test_energies_and_currents_of_the_equilibria():
    harris, vortex = row(configured(HARRIS, (128, 16))), row(configured("orszag_tang"))
    assert harris["total_energy"] == pytest.approx(0.372677, abs=1e-6)
    assert harris["current_density_linf"] == pytest.approx(2.5, rel=5e-3)
    assert vortex["magnetic_energy"] == pytest.approx(0.5)
    assert vortex["kinetic_energy"] == pytest.approx(0.5)
    assert vortex["x_point_count"] == 4


def test_the_budget_of_an_exactly_decaying_mode_closes():
    """psi = cos y: E falls by exp(-2 eta t), and what it lost is what was dissipated."""
    config = configured(COSINE, perturbation_amplitude=0.0, resistivity=2e-3)
    start = initial_state(config)
    decay = np.exp(-2e-3 * 10.0)
    lost = 0.25 * (1 - decay**2)
    later = State(1000, 10.0, decay * start.psi_hat, start.omega_hat, lost)
    values = row(config, later)
    assert values["dissipation_budget_residual"] < 1e-15
    assert values["mean_shear_change_0"] < 1e-14
    assert values["energy_increase_rate"] == 0.0
    assert values["dissipated_energy"] == lost


BROKEN = {
    "dissipation forgotten": ({"dissipated": 0.0}, 0.01),
    "of the wrong sign": ({"dissipated": -0.0025}, 0.02),
    "energy injected that never came": ({"injected": 0.025}, 0.1),
}


@pytest.mark.parametrize(("change", "residual"), BROKEN.values(), ids=BROKEN)
def test_a_budget_that_does_not_close_shows(change, residual):
    config = configured(COSINE, perturbation_amplitude=0.0)
    start = initial_state(config)
    later = State(1, 1.0, np.sqrt(0.99) * start.psi_hat, start.omega_hat, 0.0025)
    assert row(config, later)["dissipation_budget_residual"] < 1e-15
    shown = row(config, replace(later, **change))["dissipation_budget_residual"]
    assert shown == pytest.approx(residual, rel=1e-9)


def test_the_residual_is_taken_over_what_was_dissipated_once_that_is_more():
    config = configured(COSINE, perturbation_amplitude=0.0)
    later = replace(initial_state(config), dissipated=2.0, injected=2.1)
    assert row(config, later)["dissipation_budget_residual"] == pytest.approx(0.05)


def test_a_held_equilibrium_below_its_strength_gains_energy():
    """dE/dt = eta <j j_eq> - eta <j^2> = eta (1/2 - 1/4) <j_eq^2> for half the field."""
    config = configured(HARRIS, (64, 16), resistivity=3e-3)
    equilibrium, grid = equilibrium_hat(config), config.grid
    state = State(0, 0.0, 0.5 * equilibrium, 0 * equilibrium)
    current = np.fft.irfft2(grid.k2 * equilibrium, grid.shape)
    expected = 3e-3 * 0.25 * np.mean(current**2)
    assert row(config, state)["energy_increase_rate"] == pytest.approx(expected, rel=1e-12)
    assert row(config, replace(state, psi_hat=equilibrium))["energy_increase_rate"] < 1e-15


def test_divergence_is_that_of_the_arrays_which_are_multiplied():
    config = configured(COSINE)
    state, grid = initial_state(config), config.grid
    assert row(config)["magnetic_divergence_linf"] < 1e-13

    def wrong(state: State) -> np.ndarray:
        fields = fields_of(state, grid)
        fields[2] += 0.25 * np.sin(3 * grid.x)[:, None]
        return fields

    shown = Sampler(config, state, wrong).row(state)["magnetic_divergence_linf"]
    assert shown == pytest.approx(0.75 * np.abs(np.cos(3 * grid.x)).max(), rel=1e-9)


@pytest.mark.parametrize(("mode", "share"), [(6, 0.0), (7, 0.5), (10, 0.5)])
def test_the_tail_begins_at_two_thirds_of_the_largest_retained_mode(mode, share):
    """32 points retain 10 modes, two thirds of them are 6.7; both modes have the same energy."""
    config = configured("zero")
    along_x = state_of(config.grid, lambda x, y: np.cos(y) + np.cos(mode * x) / mode)
    along_y = state_of(config.grid, lambda x, y: np.cos(x) + np.cos(mode * y) / mode)
    flow = state_of(
        config.grid, lambda x, y: np.cos(x), lambda x, y: mode * np.cos(mode * y) + 0 * x
    )
    for state in (along_x, along_y):
        assert row(config, state)["spectral_tail"] == pytest.approx(share, abs=1e-15)
    assert row(config, flow)["spectral_tail"] == pytest.approx(share, abs=1e-15)


def test_the_stability_ratio_is_the_step_over_its_limit():
    config = configured(COSINE)
    fields = fields_of(initial_state(config), config.grid)
    limit = dt_max(*rates(fields, config.grid, config.dissipation))
    assert row(config)["stability_ratio"] == pytest.approx(0.01 / limit)


def test_the_legacy_flux_follows_the_planned_mode_or_the_largest_low_one():
    cosine = configured(COSINE, perturbation_amplitude=1e-3)
    assert row(cosine)["reconnected_flux"] == pytest.approx(5e-4, rel=1e-9)
    assert row(cosine)["rutherford_island_width"] == pytest.approx(4 * np.sqrt(5e-4), rel=1e-9)
    harris = configured(HARRIS, perturbation_amplitude=0.0)
    start = initial_state(harris)
    for mode, counted in {(2, 1): True, (4, 4): True, (5, 1): False, (1, 5): False}.items():
        seeded = start.psi_hat.copy()
        seeded[mode] += 0.01 * 32 * 32
        shown = row(harris, replace(start, psi_hat=seeded))["reconnected_flux"]
        assert shown == pytest.approx(0.02 if counted else 0.0, abs=1e-12)


def test_a_float32_state_is_measured_in_float64():
    config = CASES["double Harris"]
    state = initial_state(config)
    single = replace(
        state,
        psi_hat=state.psi_hat.astype(np.complex64),
        omega_hat=state.omega_hat.astype(np.complex64),
    )
    here, there = row(config), row(config, single)
    for name in ("total_energy", "sheet_flux_0", "current_sheet_thickness", "flux_xo_1"):
        assert there[name] == pytest.approx(here[name], rel=1e-3)
        assert type(there[name]) is float


def test_a_state_that_blows_up_is_not_finite_rather_than_an_error():
    config = CASES["cosine"]
    state = initial_state(config)
    values = row(config, replace(state, psi_hat=1e160 * state.psi_hat))
    assert not np.isfinite(values["total_energy"])


def test_the_rate_is_the_gradient_over_the_whole_series():
    rows = [{"time": t, "step": n, "reconnected_flux": t**2} for n, t in enumerate([0.0, 1.0, 3.0])]
    arrays = assemble(rows)
    assert arrays["step"].dtype == np.int64
    assert arrays["reconnection_rate_proxy"] == pytest.approx([1.0, 2.0, 4.0])
    again = assemble(arrays)
    assert all(np.array_equal(again[name], arrays[name]) for name in arrays)


def test_short_and_partial_series_are_assembled():
    assert assemble([{"time": 0.0, "reconnected_flux": 1.0}])["reconnection_rate_proxy"] == [0.0]
    assert assemble([]) == {}
    assert [*assemble([{"time": 0.0, "step": 0}])] == ["time", "step"]


@pytest.mark.slow
def test_the_held_sheet_grows_at_the_eigenvalue():
    """a = 0.40, eta = nu = 0.005: gamma = 0.09104 (exactly periodic form), to 1e-3.

    Seed 1e-6, so that t = 20 to 80 is linear.  The window that is found must say the same.
    """
    from mhx.reconnection.solver import Physics, Solver

    config = configured(
        HARRIS, (64, 64), perturbation_amplitude=1e-6, resistivity=5e-3, viscosity=5e-3
    )
    physics = Physics(eta=5e-3, nu=5e-3, held=equilibrium_hat(config))
    solver = Solver(config.grid, physics, 0.05)
    state = initial_state(config)
    sampled = Sampler(config, state, solver.fields)
    rows = [sampled.row(state)]
    for _ in range(80):
        state = solver.run(state, 20)
        rows.append(sampled.row(state))
    history = assemble(rows)
    time, flux = history["time"], history["sheet_flux_0"]
    assert np.polyfit(time[20:], np.log(flux[20:]), 1)[0] == pytest.approx(0.09104, rel=1e-3)
    window = linear_phase(time, flux)
    assert window["slope"] == pytest.approx(0.09104, rel=1e-3)
    assert window["fit_window_sensitivity"] < 1e-3
    assert window["efolds"] > 6
    widths = history["separatrix_width_0"] / history["island_width_0"]
    assert np.abs(widths - 1).max() < 0.02
    assert history["mean_shear_change_0"].max() < 1e-3
    assert history["dissipation_budget_residual"].max() < 1e-12
    assert (history["x_point_count"] == 2).all()
    assert (history["o_point_count"] == 2).all()
