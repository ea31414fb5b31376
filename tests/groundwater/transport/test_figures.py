"""Pictures of transport: which there are, on which scale, and what is marked in them."""

import json

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("shapely")

from mhx.groundwater.terrain import Terrain
from mhx.groundwater.transport import figures
from mhx.report import maps, movies, plots

from .plumes import box, hexagons, result

TIMES = np.arange(1.0, 13.0)


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """A function that draws a result and returns what each picture was given."""
    told = {}

    def keep(path, what, *words, **more):
        told[path.stem] = (what, *words)
        return path.with_suffix(".json")

    monkeypatch.setattr(maps, "cell_maps", keep)
    monkeypatch.setattr(plots, "panels", keep)
    monkeypatch.setattr(movies, "write_movie", keep)

    def draw(grid, one):
        told.clear()
        terrain = Terrain(outline=grid.outline, elevation=None, lines={})
        return [path.name for path in figures.draw_transport(tmp_path, grid, terrain, one)], told

    return draw


def passing(grid, largest=1.0):
    """A front that walks through the grid, one row per time."""
    x = grid.centres[:, 0]
    return largest * np.stack([(x < x.max() * t / TIMES[-1]).astype(float) for t in TIMES])


def test_a_run_has_maps_curves_and_a_movie_on_one_scale(drawn):
    grid = box(40.0, 20.0, 5.0)
    one = result(grid, passing(grid), TIMES, observed={"a": TIMES / 12, "b": TIMES / 24})
    names, told = drawn(grid, one)
    assert names == [
        "concentration_maps.png", "breakthrough.png", "concentration.gif", "concentration.json",
    ]  # fmt: skip
    several = told["concentration_maps"][0]
    assert [each.title for each in several] == ["2 d", "4 d", "6 d", "8 d", "10 d", "12 d"]
    assert {each.limits for each in several} == {(0.0, 1.0)}
    movie = told["concentration"][0]
    assert (movie.vmin, movie.vmax, movie.metres) == (0.0, 1.0, True)
    assert list(movie.times) == TIMES.tolist()
    assert list(movie.steps) == list(range(1, 13))
    (panel,) = told["breakthrough"][0]
    assert [curve.label for curve in panel.curves] == ["a", "b"]
    assert [level.label for level in panel.levels] == ["c0", "0.5 c0"]


def test_small_concentrations_are_in_milligrams_and_dilute_ones_fill_the_scale(drawn):
    grid = box(40.0, 20.0, 5.0)
    weak = result(grid, passing(grid, 0.02), TIMES, about={"source_concentration": 0.02})
    dilute = result(grid, passing(grid, 0.02), TIMES, observed={"a": 0.02 * TIMES / 12})
    for one in (weak, dilute):
        _, told = drawn(grid, one)
        first = told["concentration_maps"][0][0]
        assert first.limits == pytest.approx((0.0, 20.0))
        assert first.colour_label == "concentration  [mg/L]"
        assert first.values.max() == pytest.approx(20.0)
    (panel,) = told["breakthrough"][0]
    assert panel.levels == []  # c0 lies far above the picture
    assert list(panel.curves[0].y)[-1] == pytest.approx(20.0)


def test_one_moment_is_a_map_without_a_movie_and_no_observation_has_no_curve(drawn):
    grid = box(40.0, 20.0, 5.0)
    names, _ = drawn(grid, result(grid, passing(grid)[:1]))
    assert names == ["concentration_maps.png"]


def test_cells_that_are_dry_or_beyond_what_mixes_are_marked(drawn):
    grid = box(40.0, 20.0, 5.0)
    values = passing(grid)
    values[-1, :4] = (1.02, 1.005, -0.02, np.nan)
    one = result(grid, values, TIMES)
    _, told = drawn(grid, one)
    last = told["concentration_maps"][0][-1]
    marked = {each.label: len(each.polygons) for each in last.special}
    assert marked == {"dry": 1, "below 0 by 1%": 1, "above c0 by 1%": 1}
    assert np.isnan(told["concentration"][0].frames[-1]).any()  # dry stays blank
    added = result(grid, values, TIMES, about={"source_concentration": 0.0})
    last = drawn(grid, added)[1]["concentration_maps"][0][-1]
    assert [len(each.polygons) for each in last.special] == [1, 1, 0]  # no c0, nothing above it


def test_the_largest_of_the_layers_is_shown_and_said(drawn):
    grid = box(40.0, 20.0, 5.0)
    values = np.stack([passing(grid), 0.5 * passing(grid)], axis=1)
    values[-1, 0, 0] = np.nan
    _, told = drawn(grid, result(grid, values, TIMES))
    several, _, note = told["concentration_maps"]
    assert note.startswith("largest of 2 layers")
    assert several[-1].values[0] == 0.5
    assert several[-1].values[1] == 1.0


def test_no_solute_at_all_can_be_drawn(drawn):
    grid = box(40.0, 20.0, 5.0)
    nothing = np.zeros((12, grid.n_cells))
    one = result(
        grid, nothing, TIMES, about={"source_concentration": 0.0}, observed={"a": 0 * TIMES}
    )
    _, told = drawn(grid, one)
    assert told["concentration"][0].vmax == 1.0


def test_a_long_run_is_shown_in_evenly_chosen_frames(drawn):
    grid = box(40.0, 20.0, 5.0)
    times = np.arange(1.0, 301.0)
    one = result(grid, np.ones((300, grid.n_cells)), times)
    movie = drawn(grid, one)[1]["concentration"][0]
    assert len(movie.frames) == figures.FRAMES
    assert set(np.diff(movie.times).tolist()) == {5.0}
    assert (movie.times[-1], movie.stride) == (300.0, 5)


def test_the_movie_shows_each_cell_where_it_is():
    grid = hexagons(6, 4, 10.0)
    low, high = grid.vertices.min(axis=0), grid.vertices.max(axis=0)
    extent = (low[0], high[0], low[1], high[1])
    cells = figures._raster(grid, extent)
    rows, columns = cells.shape
    assert -1 in cells  # the gaps at the rim
    at = (grid.centres - low) / (high - low) * (columns, rows)
    assert cells[at[:, 1].astype(int), at[:, 0].astype(int)].tolist() == list(range(24))


@pytest.mark.slow
def test_equal_runs_have_equal_pictures(tmp_path):
    grid = hexagons(12, 6, 5.0)
    one = result(grid, passing(grid), TIMES, observed={"a": TIMES / 12})
    terrain = Terrain(outline=grid.outline, elevation=None, lines={"river": grid.outline[:2]})
    first, second = (
        figures.draw_transport(tmp_path / name, grid, terrain, one) for name in ("one", "two")
    )
    for path, again in zip(first, second, strict=True):
        assert path.read_bytes() == again.read_bytes()
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert json.loads(first[-1].read_text())["frame_count"] == 12
