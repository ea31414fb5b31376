import numpy as np
import pytest
import shapely

from mhx.errors import ConfigError
from mhx.groundwater.terrain import terrain_of

from .sites import JACKSBORO, PLANE, STREAM, catchment, line, meshed, rectangle, site, star

CORNERS = np.array([[0.0, 0.0], [1000.0, 0.0], [1000.0, 800.0], [0.0, 800.0]])


@pytest.mark.parametrize(
    ("rises_to", "heights"),
    [
        ("west", [110, 100, 100, 110]),
        ("east", [100, 110, 110, 100]),
        ("south", [110, 110, 100, 100]),
        ("north", [100, 100, 110, 110]),
    ],
)
def test_a_plane_reaches_its_extremes_at_the_edges(rises_to, heights):
    terrain = terrain_of(site(topography=PLANE | {"rises_to": rises_to}))
    assert terrain.outline.tolist() == CORNERS.tolist()
    assert terrain.elevation(CORNERS).tolist() == heights


def test_a_plane_anchored_at_cell_centres_goes_on_to_the_edge():
    anchored = PLANE | {"anchor": "cell_centres", "support_cell": 100.0}
    terrain = terrain_of(site(topography=anchored))
    inside, edge = terrain.elevation(np.array([[50.0, 0.0], [0.0, 0.0]]))
    assert inside == 110
    assert edge == pytest.approx(110 + 10 * 50 / 900)
    with pytest.raises(ConfigError, match="leaves no room for a plane"):
        terrain_of(site(topography=anchored | {"support_cell": 1000.0}))


def test_a_valley_rises_from_its_axis_and_along_its_slope():
    valley = {
        "kind": "valley", "base_elevation": 50.0, "slope": 0.01, "relief": 40.0, "width": 200.0,
        "axis": "river",
    }  # fmt: skip
    river = line("river", (500.0, 0.0), (500.0, 6_000_800.0))
    domain = rectangle(y0=6_000_000.0)
    terrain = terrain_of(site(domain, valley, constraint=[river]))
    points = np.array([[500.0, 0.0], [500.0, 800.0], [700.0, 0.0], [300.0, 0.0]])
    flank = 50 + 40 * (1 - np.exp(-1))
    found = terrain.elevation(points + np.array([0.0, 6_000_000.0]))
    assert found == pytest.approx([50, 58, flank, flank])


def test_a_polygon_from_points_and_from_a_file(tmp_path):
    points = star([100.0, 50.0, 100.0, 50.0])
    drawn = terrain_of(site({"kind": "polygon", "points": points}))
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in points))
    read = terrain_of(site({"kind": "polygon", "file": str(tmp_path / "a.csv")}))
    assert drawn.outline.tolist() == read.outline.tolist() == points


def test_without_topography_there_is_no_top():
    grid, terrain = meshed(site())
    with pytest.raises(ConfigError, match="topography is required: the cells need a top"):
        terrain.tops(grid)


@pytest.fixture(scope="module")
def bowl(tmp_path_factory):
    """3 x 2 cells of 100 m with a pit in the south of the middle."""
    path = tmp_path_factory.mktemp("dem") / "bowl.npz"
    heights = np.array([[9.0, 9.0, 9.0], [9.0, 2.0, 9.0], [9.0, 5.0, 9.0], [9.0, 9.0, 9.0]])
    edges = {"xmin": 0.0, "xmax": 300.0, "ymin": 0.0, "ymax": 400.0}
    np.savez(path, elevation=heights, geographic=False, **edges)
    return {"kind": "dem", "source": str(path)}


def test_pits_are_filled_unless_told_otherwise(bowl):
    pit = np.array([[150.0, 250.0]])
    small = rectangle(300.0, 400.0)
    assert terrain_of(site(small, bowl)).elevation(pit) == pytest.approx(9, abs=0.01)
    assert terrain_of(site(small, bowl | {"fill": False})).elevation(pit) == 2


def test_the_mean_over_a_cell_is_that_of_the_raster_cells_in_it(bowl):
    raw = bowl | {"fill": False, "sampling": "cell_mean"}
    config = site(rectangle(300.0, 400.0), raw, size=None, cell_x=300.0, cell_y=200.0)
    grid, terrain = meshed(config)
    assert terrain.tops(grid) == pytest.approx([(9 * 5 + 2) / 6, (9 * 5 + 5) / 6])
    fine = site(rectangle(300.0, 400.0), raw, size=20.0)
    grid, terrain = meshed(fine)  # most cells hold no raster centre: bilinear
    plain = terrain_of(site(rectangle(300.0, 400.0), bowl | {"fill": False}))
    assert terrain.tops(grid) == pytest.approx(plain.tops(grid))


def test_a_domain_larger_than_the_elevation_model_is_refused(bowl):
    grid, terrain = meshed(site(topography=bowl))
    with pytest.raises(ConfigError, match="lies outside of the elevation model"):
        terrain.tops(grid)


@pytest.mark.slow
def test_sampling_nearest_gives_values_of_the_model():
    config = site(catchment(), JACKSBORO | {"sampling": "nearest", "fill": False})
    terrain = terrain_of(config)
    inside = np.array([shapely.Polygon(terrain.outline).representative_point().coords[0]])
    assert terrain.elevation(inside) % 1 == 0


REFUSED = {
    "catchment of a plane": (catchment(), PLANE, {}, "needs topography.kind = 'dem'"),
    "stream of a rectangle": (
        None, PLANE, {"constraint": [STREAM]},
        r"mesh.constraint\[0\].source is 'stream', which needs domain.kind = 'catchment'",
    ),
    "line of one point": (
        None, PLANE, {"constraint": [line("a", (1.0, 1.0), (1.0, 1.0))]},
        r"mesh.constraint\[0\].points: a line needs at least 2 different points",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("domain", "topography", "mesh", "told"), REFUSED.values(), ids=REFUSED)
def test_refused(domain, topography, mesh, told):
    with pytest.raises(ConfigError, match=told):
        terrain_of(site(domain, topography, **mesh))
