"""Pictures of a groundwater run: which there are, and what they are made of."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("shapely")

from mhx.groundwater import figures
from mhx.groundwater.terrain import Terrain
from mhx.report import maps

LINE = np.array([[50.0, 20.0], [450.0, 380.0]])


@pytest.fixture
def pond(strip):
    """4 x 5 cells with a dry one, a flooded one and a drain; two steps."""
    top = np.full(20, 10.0)
    top[19] = 30.0  # its bottom lies above every head
    top[7] = 5.0
    return strip(
        [
            (("west", "chd", [0, 5, 10, 15]), {"head": 9.0}),
            (("east", "chd", [4, 9, 14]), {"head": 7.0}),
            (("ditch", "drn", [11]), {"elev": 6.0, "cond": 3.0}),
            (("rain", "rcha", np.arange(20)), {"recharge": 1e-4}),
        ],
        shape=(4, 5),
        top=top,
        convertible=1,
        periods=((5.0, 2, 1.0),),
        nominal=20 * 1e-4 * 1e4 / 86400,
    )


@pytest.mark.slow
def test_a_flow_run_has_its_pictures_and_equal_runs_have_equal_ones(pond, solved, tmp_path):
    result, _ = solved(pond)
    terrain = Terrain(outline=pond.grid.outline, elevation=None, lines={"river": LINE})
    drawn = figures.draw(tmp_path / "one", pond.grid, terrain, result)
    assert [path.name for path in drawn] == [
        "head_map.png",
        "watertable_depth.png",
        "budget.png",
        "budget_history.png",
        "mesh_quality.png",
    ]
    for path, again in zip(
        drawn, figures.draw(tmp_path / "two", pond.grid, terrain, result), strict=True
    ):
        assert path.read_bytes() == again.read_bytes()
        assert path.read_bytes().startswith(b"\x89PNG")


def test_a_mesh_alone_has_one_picture(pond, tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(maps, "cell_map", lambda path, drawn, beside=(): told.append(drawn))
    terrain = Terrain(outline=pond.grid.outline, elevation=None, lines={})
    assert [path.name for path in figures.draw(tmp_path, pond.grid, terrain, None)] == [
        "mesh_quality.png"
    ]
    assert told[0].values.tolist() == pytest.approx([90.0] * 20)


def test_flooded_dry_and_fixed_cells_are_named(pond, solved, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        maps, "cell_map", lambda path, one, beside=(): drawn.update({path.stem: one})
    )
    monkeypatch.setattr(maps, "bars", lambda path, *rest: drawn.update({path.stem: rest}))
    result, _ = solved(pond)
    terrain = Terrain(outline=pond.grid.outline, elevation=None, lines={})
    figures.draw(tmp_path, pond.grid, terrain, result)
    named = {one.label: len(one.polygons) for one in drawn["watertable_depth"].special}
    assert named == {"above ground by more than 0.01 m": 1, "dry": 1}
    assert "5 % of the area above ground" in drawn["watertable_depth"].note
    assert {one.label: len(one.polygons) for one in drawn["head_map"].special} == {
        "fixed head": 7,
        "dry": 1,
    }
    levels = drawn["head_map"].contours.levels
    low, high = drawn["head_map"].limits
    assert all(low <= level <= high for level in levels) and len(levels) >= 4
    bars, _, unit, note = drawn["budget"]
    assert {bar.name for bar in bars} == {"chd", "drn", "rcha"}
    assert unit == "rate  [L/s]"
    assert "% of the recharge is not accepted" in note  # on seven fixed cells and a dry one


def test_contours_need_an_area(strip):
    grid = strip([], shape=(1, 4)).grid
    assert figures.contours_of(grid, np.arange(4.0), 0.0, 3.0) is None
    square = strip([], shape=(3, 3)).grid
    assert figures.contours_of(square, np.full(9, 7.0), 6.5, 7.5) is None  # nor where it is flat
    found = figures.contours_of(square, np.arange(9.0), 0.0, 8.0)
    assert found.levels == [0, 1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("step", "nice"), [(0.1, 0.1), (0.11, 0.2), (2.3, 2.5), (3, 5), (51, 100), (1e-4, 1e-4)]
)
def test_contour_steps_are_round(step, nice):
    assert figures._round_step(step) == pytest.approx(nice)


def test_small_rates_are_in_litres():
    assert figures._unit(0.02) == (1.0, "m³/s")
    assert figures._unit(2e-4) == (1e3, "L/s")
