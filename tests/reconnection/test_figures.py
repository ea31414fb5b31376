"""Which pictures a run has; that what is drawn is what was computed."""

import json

import numpy as np
import pytest

from mhx.reconnection import figures
from mhx.reconnection.diagnostics import HISTORY
from mhx.reconnection.spectral import Grid
from mhx.reconnection.state import State
from mhx.reconnection.trajectory import Frame, stack
from mhx.report import plots

T = np.linspace(0, 40, 41)
HISTORY_ARRAYS = {name: np.exp(0.1 * T) for name in HISTORY} | {"time": T}
FIVE = {
    "production_histories.png", "current_sheet_aspect_ratio.png", "island_width_history.png",
    "reconnected_flux_history.png", "energy_budget_history.png",
}  # fmt: skip


@pytest.fixture
def panels(monkeypatch):
    """Panels by file name, instead of pictures."""
    seen = {}
    monkeypatch.setattr(plots, "panels", lambda path, drawn: seen.update({path.name: drawn}))
    return seen


def curves(panel):
    return {curve.label: np.asarray(curve.y) for curve in panel.curves}


@pytest.mark.slow
def test_a_full_history_gives_the_five_figures_of_the_plan(tmp_path):
    written = figures.all_histories(tmp_path, HISTORY_ARRAYS)
    assert {path.name for path in written} == FIVE
    assert {path.name for path in tmp_path.iterdir()} == FIVE


def test_an_equilibrium_without_sheets_gives_those_that_have_something_to_show(panels, tmp_path):
    names = {name for name, row in HISTORY.items() if not row.sheets}
    history = {name: HISTORY_ARRAYS[name] for name in names}
    written = {path.name for path in figures.all_histories(tmp_path, history)}
    assert written == FIVE - {"current_sheet_aspect_ratio.png", "island_width_history.png"}
    titles = [panel.title for panel in panels["production_histories.png"]]
    assert not any("width" in title for title in titles)


def test_an_old_history_is_drawn_without_what_it_lacks(panels, tmp_path):
    old = {k: v for k, v in HISTORY_ARRAYS.items() if not k.startswith("sheet_flux")}
    figures.all_histories(tmp_path, old, window=(1.0, 9.0), slope=0.1, eigenvalue=0.1)
    (panel,) = panels["reconnected_flux_history.png"]
    assert curves(panel).keys() == {"legacy proxy"}


def test_the_flux_is_drawn_with_its_window_and_the_slope_of_the_eigenvalue(panels, tmp_path):
    figures.reconnected_flux_history(
        tmp_path / "f.png", HISTORY_ARRAYS, window=(10.0, 20.0), slope=0.1, eigenvalue=0.105
    )
    (panel,) = panels["f.png"]
    (span,) = panel.spans
    assert (span.start, span.end) == (10.0, 20.0)
    assert panel.note == "slope 0.1, eigenvalue 0.105 $v_A/L$"
    low, high = curves(panel)[r"$\exp(\gamma t)$, eigenvalue"]
    assert np.log(high / low) / 10 == pytest.approx(0.105)
    assert np.sqrt(low * high) == pytest.approx(np.exp(1.5), rel=1e-3)  # the flux in the middle


def test_a_missing_window_is_told(panels, tmp_path):
    figures.reconnected_flux_history(tmp_path / "f.png", HISTORY_ARRAYS)
    assert panels["f.png"][0].note == "no linear window found"


def test_the_account_of_energy_closes_in_the_picture(panels, tmp_path):
    dissipated, injected = 0.02 * T, 0.015 * T
    history = HISTORY_ARRAYS | {
        "dissipated_energy": dissipated,
        "injected_energy": injected,
        "total_energy": 0.4 - dissipated + injected,
    }
    figures.energy_budget_history(tmp_path / "e.png", history, bound=1e-9)
    account, residual = panels["e.png"]
    drawn = curves(account)
    closed = drawn["change of total energy"] + drawn["dissipated"] - drawn["fed in by the source"]
    np.testing.assert_allclose(closed, 0, atol=1e-15)
    assert residual.levels[0].y == 1e-9


def test_the_fast_run_has_a_line_per_seed(panels, tmp_path):
    many = {name: np.outer(np.arange(1, 4), T) for name, *_ in figures.FAST}
    figures.rutherford_fast_histories(tmp_path / "f.png", T, many, [0, 5, 9])
    drawn = panels["f.png"]
    assert [len(panel.curves) for panel in drawn] == [3] * len(figures.FAST)
    assert [curve.label for curve in drawn[0].curves] == ["seed 0", "seed 5", "seed 9"]


def state_of(psi, grid):
    return State(0, 0.0, np.fft.rfft2(psi) * grid.keep, np.zeros(grid.hat_shape, complex))


@pytest.mark.parametrize("shape", [(64, 64), (24, 40), (33, 31)])
def test_the_field_picture_shows_the_same_field_on_a_finer_grid(monkeypatch, tmp_path, shape):
    seen = []
    monkeypatch.setattr(plots, "field_map", lambda path, drawn: seen.append(drawn))
    grid = Grid(*shape, 4.0, 6.0)
    kx, ky = 2 * np.pi / 4, 2 * np.pi / 6

    def field(x, y):
        return np.cos(2 * kx * x + 0.3)[:, None] * np.sin(3 * ky * y + 0.7)[None, :]

    saddle = np.array([[1.0, 2.0, 0.25]])
    figures.field_picture(
        tmp_path / "f.png", state_of(field(grid.x, grid.y), grid), grid, x_points=saddle
    )
    (drawn,) = seen
    x, y = np.asarray(drawn.x), np.asarray(drawn.y)
    assert len(x) >= 360
    np.testing.assert_allclose(drawn.lines, field(x, y).T, atol=1e-12)
    wanted = (4 * kx**2 + 9 * ky**2) * field(x, y).T
    np.testing.assert_allclose(drawn.colour, wanted[1:-1, 1:-1], atol=1e-10)
    assert drawn.separatrix == [0.25]
    assert [marks.label for marks in drawn.marks] == ["X point"]
    assert drawn.extent == (0.0, 4.0, 0.0, 6.0)


def test_a_field_that_is_zero_can_be_drawn(tmp_path):
    grid = Grid(16, 16)
    figures.field_picture(tmp_path / "f.png", state_of(np.zeros(grid.shape), grid), grid)
    assert (tmp_path / "f.png").exists()


def frames_of(scale=1.0):
    x = np.linspace(0, 1, 8)
    pictures = [
        Frame(n, 0.1 * n, *(np.outer(x, x - 0.5)[None] * [[[n + 1.0]], [[-3.0 * n]]] * scale))
        for n in range(4)
    ]
    return stack(pictures, every=2)


def test_both_movies_have_one_symmetric_range_over_all_frames(tmp_path):
    written = figures.write_movies(tmp_path, frames_of(), Grid(8, 8))
    assert [path.name for path in written] == [
        "fixed_scale_flux_movie.gif", "fixed_scale_flux_movie.json",
        "fixed_scale_current_density_movie.gif", "fixed_scale_current_density_movie.json",
    ]  # fmt: skip
    flux, current = (json.loads(path.read_text()) for path in written[1::2])
    assert (flux["vmin"], flux["vmax"]) == (-2.0, 2.0)
    assert (current["vmin"], current["vmax"]) == (-4.5, 4.5)
    assert flux["frame_steps"] == [0, 1, 2, 3]
    assert flux["frame_stride"] == 2


def test_two_runs_can_share_one_range(tmp_path):
    limits = {"psi": (-7.0, 7.0)}
    for name, scale in (("a", 1.0), ("b", 2.0)):
        figures.write_movies(tmp_path / name, frames_of(scale), Grid(8, 8), limits)
    for name in ("a", "b"):
        told = json.loads((tmp_path / name / "fixed_scale_flux_movie.json").read_text())
        assert (told["vmin"], told["vmax"]) == (-7.0, 7.0)


def test_frames_that_are_not_finite_are_refused(tmp_path):
    frames = frames_of()
    frames.j[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        figures.write_movies(tmp_path, frames, Grid(8, 8))
