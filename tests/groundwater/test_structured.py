import numpy as np
import pytest

from mhx.errors import ConfigError
from mhx.groundwater.conformity import mesh_metrics

from .sites import meshed, rectangle, site

L_SHAPE = {
    "kind": "polygon",
    "points": [[0, 0], [400, 0], [400, 200], [200, 200], [200, 400], [0, 400]],
}


@pytest.mark.parametrize(
    ("kind", "grid_kind"), [("structured", "dis"), ("rectangular_disv", "disv")]
)
def test_cells_count_along_rows_from_the_north_west(kind, grid_kind):
    grid, _ = meshed(
        site(rectangle(x0=10.0, y0=20.0), kind=kind, size=None, cell_x=100.0, cell_y=200.0)
    )
    assert grid.kind == grid_kind and grid.n_cells == 40
    assert grid.shape == ((4, 10) if grid_kind == "dis" else None)
    assert grid.centres[0].tolist() == [60.0, 720.0] and grid.centres[39].tolist() == [960.0, 120.0]
    assert (grid.areas == 20_000).all()
    north_west = grid.vertices[grid.cell(0)].tolist()
    assert north_west == [[10.0, 820.0], [110.0, 820.0], [110.0, 620.0], [10.0, 620.0]]


def test_a_regular_grid_is_exact():
    config = site()
    grid, terrain = meshed(config)
    found = mesh_metrics(grid, terrain, config)
    assert (found["n_cells"], found["n_nodes"], found["n_edges"]) == (80, 99, 178)
    assert found["orthogonality_max_deg"] == found["face_offset_max"] == 0
    assert found["area_error_relative"] == found["symmetric_difference_fraction"] == 0
    assert found["min_angle_deg"] == found["max_angle_deg"] == 90
    assert found["aspect_max"] == 1 and found["neighbours_max"] == 4


def test_cells_must_fill_the_rectangle():
    with pytest.raises(ConfigError, match=r"mesh.cell_x = 300.0 does not fill 1000.0 m .* 3 cells"):
        meshed(site(size=300.0))


def test_a_dis_grid_needs_a_rectangle():
    with pytest.raises(ConfigError, match=r"needs domain\.kind = 'rectangle'"):
        meshed(site(L_SHAPE))


def test_polygons_keep_the_cells_whose_centre_lies_inside():
    config = site(L_SHAPE, kind="rectangular_disv")
    grid, terrain = meshed(config)
    assert grid.n_cells == 12
    assert np.isin(grid.corners, np.arange(len(grid.vertices))).all()
    found = mesh_metrics(grid, terrain, config)
    assert found["symmetric_difference_fraction"] == 0 and found["euler_characteristic"] == 1
    assert found["edges_not_shared_by_two"] == 0


def test_a_staircase_is_seen_in_the_metrics():
    triangle = {"kind": "polygon", "points": [[0, 0], [400, 0], [0, 400]]}
    config = site(triangle, kind="rectangular_disv")
    grid, terrain = meshed(config)
    found = mesh_metrics(grid, terrain, config)
    assert found["symmetric_difference_fraction"] == pytest.approx(0.25)
    assert found["outline_hausdorff_m"] > 50


def test_an_outline_narrower_than_the_cells_is_refused():
    sliver = {"kind": "polygon", "points": [[0, 0], [400, 0], [400, 400], [390, 10]]}
    with pytest.raises(ConfigError, match="no cell has its centre inside"):
        meshed(site(sliver, kind="rectangular_disv", size=400.0))
