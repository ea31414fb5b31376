"""Islands and current sheets whose width, length and flux are known in closed form."""

import numpy as np
import pytest

from mhx.reconnection import sheets
from mhx.reconnection.config import Reconnection
from mhx.reconnection.critical_points import critical_points
from mhx.reconnection.diagnostics import Sampler
from mhx.reconnection.equilibria import initial_state
from mhx.reconnection.interpolant import Interpolant
from mhx.reconnection.sheets import Points, Sheet
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.timestep import fields_of

PI = np.pi
GRID = Grid(48, 40)
HARRIS, COSINE = "periodic_double_harris", "cosine_tearing"
RIDGE = Sheet(position=0.0, reach=PI / 2, bowl=-1, mode=1)


def interpolant(f, grid: Grid = GRID) -> Interpolant:
    x, y = grid.x[:, None], grid.y[None, :]
    return Interpolant.of(np.fft.rfft2(f(x, y) + 0 * (x + y)) * grid.keep, grid)


def island_of(psi: Interpolant, sheet: Sheet = RIDGE, grid: Grid = GRID) -> sheets.Island | None:
    points = Points.of(critical_points(psi, grid.shape), sheet, grid.lx, swapped=False)
    return sheets.main_island(points, sheet.bowl)


def configured(equilibrium: str, shape, box=(2 * PI, 2 * PI), noise=0.0, **given) -> Reconnection:
    """given: keys of [physics], or of its equilibrium parameters."""
    top = ("resistivity", "hyper_resistivity", "hold_equilibrium")
    physics = {key: value for key, value in given.items() if key in top}
    parameters = {key: value for key, value in given.items() if key not in top}
    table = {
        "mesh": {"shape": list(shape), "upper": list(box)},
        "time": {"t1": 1.0, "dt": 0.01},
        "physics": {"equilibrium": equilibrium, "equilibrium_parameters": parameters} | physics,
        "initial": {"noise_amplitude": noise},
    }
    return Reconnection.model_validate(table)


def row(config: Reconnection, state: State | None = None) -> dict[str, float]:
    initial = initial_state(config)
    sampler = Sampler(config, initial, lambda s: fields_of(s, config.grid))
    return sampler.row(initial if state is None else state)


@pytest.mark.parametrize("eps", [1e-6, 1e-3, 0.05, 0.3])
@pytest.mark.parametrize("shift", [0.0, 0.4, 3.0])
def test_the_separatrix_of_a_pendulum_island(eps, shift):
    """psi = cos x + eps cos y: cos x = 1 - 2 eps at the edge, psi(O) - psi(X) = 2 eps."""
    psi = interpolant(lambda x, y: np.cos(x) + eps * np.cos(y - shift))
    island = island_of(psi)
    assert island.flux == pytest.approx(2 * eps, rel=1e-9)
    width = sheets.separatrix_width(psi, island, RIDGE.bowl)
    assert width == pytest.approx(2 * np.arccos(1 - 2 * eps), rel=1e-8)
    assert sheets.sheet_flux(psi, RIDGE) == pytest.approx(eps, rel=1e-9)
    assert sheets.mean_curvature(psi, RIDGE) == pytest.approx(-1.0, rel=1e-12)


def test_the_other_sheet_has_the_same_island_upside_down():
    psi = interpolant(lambda x, y: np.cos(x) + 0.1 * np.cos(y))
    valley = Sheet(position=PI, reach=PI / 2, bowl=1, mode=1)
    island = island_of(psi, valley)
    assert island.flux == pytest.approx(0.2, rel=1e-12)
    assert island.v == pytest.approx(PI, abs=1e-9)
    assert sheets.separatrix_width(psi, island, 1) == pytest.approx(2 * np.arccos(0.8), rel=1e-9)


def test_of_two_islands_the_one_with_more_flux_is_measured():
    """cos y + 0.8 cos 2y on the ridge: peaks 1.8 at 0 and -0.2 at pi, passes at -0.925 between."""
    psi = interpolant(lambda x, y: np.cos(x) + 0.1 * (np.cos(y) + 0.8 * np.cos(2 * y)))
    island = island_of(psi)
    pass_level = 0.1 * (-1 / 3.2 + 0.8 * (2 / 3.2**2 - 1))
    assert np.sin(island.v) == pytest.approx(0.0, abs=1e-9)
    assert np.cos(island.v) == pytest.approx(1.0)
    assert island.flux == pytest.approx(0.18 - pass_level, rel=1e-9)


def test_no_island_without_an_x_point():
    assert island_of(interpolant(lambda x, y: np.cos(x))) is None


def test_a_current_peak_that_falls_below_half_has_a_length():
    """j = cos x (1 + 0.8 cos y): half of 1.8 along y where cos y = -1/8, across at 2 pi/3."""
    psi = interpolant(lambda x, y: np.cos(x) + 0.4 * np.cos(x) * np.cos(y))
    for start in (0.0, 2.0, PI, 5.0):  # uphill from anywhere
        found = sheets.current_sheet(psi.current(), 0.3, start)
        assert found.length == pytest.approx(2 * np.arccos(-1 / 8), rel=1e-9)
        assert not found.saturated
        assert found.thickness == pytest.approx(2 * PI / 3, rel=1e-9)
    assert found.peak == pytest.approx(1 + 0.8 * np.cos(5.0), rel=1e-9)


def test_a_current_that_never_falls_below_half_is_as_long_as_the_box():
    psi = interpolant(lambda x, y: np.cos(x) + 0.1 * np.cos(x) * np.cos(y))
    found = sheets.current_sheet(psi.current(), 0.0, 0.0)
    assert found.saturated
    assert found.length == pytest.approx(2 * PI)


@pytest.mark.parametrize("width", [0.2, 0.3, 0.36, 0.4])
@pytest.mark.parametrize("eps", [0.0, 1e-6])
def test_a_harris_sheet_is_2_arccosh_sqrt_2_widths_thick(width, eps):
    config = configured(HARRIS, (128, 16), width=width, perturbation_amplitude=eps)
    values = row(config)
    assert 2 * np.arccosh(np.sqrt(2)) == pytest.approx(1.763, abs=1e-3)
    assert values["current_sheet_thickness"] == pytest.approx(1.7627 * width, rel=1e-3)
    assert values["current_sheet_length"] == pytest.approx(2 * PI)
    assert values["current_sheet_length_saturated"] == 1.0


@pytest.mark.parametrize("shape", [(32, 32), (24, 40), (31, 33)])
@pytest.mark.parametrize("eps", [0.0, 1e-6])
def test_the_cosine_sheet_is_a_third_of_the_box_thick_and_lies_along_x(shape, eps):
    square = row(configured(COSINE, shape, perturbation_amplitude=eps))
    assert square["current_sheet_thickness"] == pytest.approx(2 * PI / 3, rel=1e-5)
    assert square["current_sheet_aspect_ratio"] == pytest.approx(3.0, rel=1e-5)
    oblong = row(configured(COSINE, shape, (4 * PI, PI), perturbation_amplitude=eps))
    assert oblong["current_sheet_thickness"] == pytest.approx(PI / 3, rel=1e-5)
    assert oblong["current_sheet_aspect_ratio"] == pytest.approx(12.0, rel=1e-5)


SEEDED = {
    "double Harris": {"equilibrium": HARRIS, "shape": (96, 24), "width": 0.4},
    "cosine": {"equilibrium": COSINE, "shape": (24, 32)},
    "cosine, odd": {"equilibrium": COSINE, "shape": (25, 33), "perturbation_mode_x": 2},
}


@pytest.mark.parametrize("flags", SEEDED.values(), ids=SEEDED)
def test_a_small_seed_puts_its_amplitude_on_both_sheets(flags):
    """All definitions of the width meet at 4 sqrt(eps/B') in the limit of a small island."""
    values = row(configured(perturbation_amplitude=1e-5, **flags))
    shear = 2.5 if "width" in flags else 1.0
    for s in (0, 1):
        assert values[f"sheet_flux_{s}"] == pytest.approx(1e-5, rel=1e-9)
        assert values[f"flux_xo_{s}"] == pytest.approx(2e-5, rel=1e-9)
        assert values[f"island_width_{s}"] == pytest.approx(4 * np.sqrt(1e-5 / shear), rel=1e-9)
        assert values[f"separatrix_width_{s}"] == pytest.approx(
            values[f"island_width_{s}"], rel=1e-3
        )
        assert values[f"mean_shear_change_{s}"] < 1e-13
    counts = 2 * flags.get("perturbation_mode_x", 1) if "width" not in flags else 2
    assert values["x_point_count"] == values["o_point_count"] == counts


def test_a_mode_without_amplitude_on_the_sheets_puts_no_flux_there():
    """cos(x) vanishes at Lx/4 and 3 Lx/4."""
    values = row(configured(HARRIS, (64, 16), perturbation_mode_x=1))
    assert values["sheet_flux_0"] < 1e-15
    assert values["reconnected_flux"] == pytest.approx(5e-4)


@pytest.mark.parametrize("flags", list(SEEDED.values())[:2], ids=list(SEEDED)[:2])
def test_moving_along_the_sheet_changes_no_value_of_it(flags):
    config = configured(noise=3e-3, perturbation_amplitude=0.02, **flags)
    grid, state = config.grid, initial_state(config)
    sampler = Sampler(config, state, lambda s: fields_of(s, grid))
    k = grid.kx if config.equilibrium.normal == "y" else grid.ky
    moved = State(0, 0.0, state.psi_hat * np.exp(-1j * k * 0.777), state.omega_hat)
    here, there = sampler.row(state), sampler.row(moved)
    grid_maxima = ("current_density_linf", "stability_ratio", "magnetic_divergence_linf")
    for name, value in here.items():
        if name not in grid_maxima and name != "dissipation_budget_residual":
            assert there[name] == pytest.approx(value, rel=1e-8, abs=1e-12), name


@pytest.mark.parametrize("held", [True, False])
def test_the_mean_shear_is_compared_with_the_profile_that_would_be_there(held):
    """Each Fourier mode of a decaying profile falls by exp(-eta k^2 t)."""
    given = {"hold_equilibrium": held, "resistivity": 5e-3, "hyper_resistivity": 1e-5}
    config = configured(HARRIS, (66, 16), **given)  # column 16 lies on the sheet
    grid = config.grid
    start = initial_state(config)
    k2 = grid.kx**2
    faded = start.psi_hat * np.exp(-(5e-3 * k2 + 1e-5 * k2**2) * 7.0)
    later = State(700, 7.0, faded, start.omega_hat)
    values = row(config, later)
    change = values["mean_shear_change_0"]
    curvature = [
        np.fft.irfft2(-k2 * hat, grid.shape).mean(axis=1) for hat in (faded, start.psi_hat)
    ]
    expected = 1 - curvature[0][16] / curvature[1][16]
    assert expected > 0.1
    assert change == pytest.approx(expected if held else 0.0, abs=1e-12)
