"""Cells at points and on the common raster."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from mhx.groundwater.comparison.sampling import LINEAR, NEAREST, Sampler, area_of, raster_over

from .made import grid

POINTS = np.array([[12.0, 8.0], [20.5, 10.5], [39.0, 1.0], [50.0, 5.0]])


def plane(points: np.ndarray) -> np.ndarray:
    return 1.0 + 0.3 * points[:, 0] - 0.2 * points[:, 1]


def test_nearest_is_the_cell_that_holds_the_point() -> None:
    mesh = grid()
    found = Sampler(mesh, POINTS, NEAREST)
    values = np.arange(8.0)  # row 0 in the north
    assert found.at(values)[:3].tolist() == [5.0, 2.0, 7.0]
    assert np.isnan(found.at(values)[3]) and found.outside.tolist() == [3]


def test_linear_is_exact_for_a_plane_inside_the_centres() -> None:
    mesh = grid()
    found = Sampler(mesh, POINTS, LINEAR).at(plane(mesh.centres))
    assert found[:2] == pytest.approx(plane(POINTS[:2]), abs=1e-12)
    assert found[2] == pytest.approx(plane(mesh.centres[[7]])[0])  # beyond the last centres


def test_along_an_edge_linear_goes_on_and_extrapolates_nothing() -> None:
    """In the outer half of a row of cells: as on the line through their centres."""
    mesh = grid()
    edge = np.array([[12.0, 0.5], [28.0, 0.5]])
    found = Sampler(mesh, edge, LINEAR).at(plane(mesh.centres))
    assert found == pytest.approx(plane(np.array([[12.0, 5.0], [28.0, 5.0]])), abs=1e-7)


def test_linear_keeps_its_digits_at_projected_coordinates() -> None:
    """Northings of 7e6 m must not eat those of a head."""
    away = np.array([6e5, 7e6])
    mesh = grid()
    far = replace(
        mesh,
        vertices=mesh.vertices + away,
        centres=mesh.centres + away,
        outline=mesh.outline + away,
    )
    values = plane(mesh.centres)
    assert Sampler(far, POINTS[:2] + away, LINEAR).at(values) == pytest.approx(
        plane(POINTS[:2]), abs=1e-8
    )


@pytest.mark.slow
def test_linear_does_not_span_cells_that_are_no_neighbours(gmsh: object) -> None:
    """Centroids of the triangles along an edge make slivers as long as the edge.

    Of f = (x/L)^2 a triangle of size h is off by about (h/L)^2, a sliver by as much as 1/4.
    """
    from mhx.config import parse
    from mhx.groundwater.config import Simulation
    from mhx.groundwater.mesh import make_grid
    from mhx.groundwater.terrain import terrain_of

    from .made import CASE

    size, length = 10.0, 200.0
    tables = {
        "domain": {"kind": "rectangle", "length_x": length, "length_y": 50.0},
        "mesh": {"kind": "triangles", "size": size},
    }
    site = parse(Simulation, CASE | tables).site
    mesh = make_grid(site, terrain_of(site))
    along = np.column_stack([np.linspace(10.0, 190.0, 400), np.full(400, 0.1)])
    found = Sampler(mesh, along, LINEAR).at((mesh.centres[:, 0] / length) ** 2)
    assert np.abs(found - (along[:, 0] / length) ** 2).max() < 2 * (size / length) ** 2


def test_a_dry_cell_has_no_value_and_gives_none_to_its_neighbours() -> None:
    mesh = grid()
    values = plane(mesh.centres)
    values[5] = np.nan
    found = Sampler(mesh, POINTS, LINEAR).at(values)
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(plane(POINTS[[1]])[0])


@pytest.mark.parametrize("cells", [2, 7, 40])
def test_the_weights_of_a_raster_are_areas(cells: int) -> None:
    """All of a rectangle, whose pixels need not fit it; `cells` along its longer side."""
    raster = raster_over(area_of(grid()), cells)
    assert raster.shape[1] == cells
    if cells != 7:  # 20 m are not a whole number of 40/7 m
        assert raster.weights.sum() == pytest.approx(800.0)
    assert raster.weights.max() <= (40.0 / cells) ** 2 * (1 + 1e-12)


def test_a_raster_has_no_pixels_beside_its_outline() -> None:
    raster = raster_over(shapely.Polygon([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]), 50)
    assert raster.weights.sum() == pytest.approx(50.0, rel=0.03)
    image = raster.image(np.ones(raster.pixels.size))
    assert np.isfinite(image[0, 0]) and np.isnan(image[-1, -1])


def test_cells_without_an_outline_are_their_own_area() -> None:
    """A model that was not meshed here has none; cells that are left out leave a gap."""
    mesh = replace(grid(), outline=np.empty((0, 2)))
    assert area_of(mesh).area == pytest.approx(800.0)


def test_one_row_of_cells_has_no_triangles_and_is_read_as_it_is() -> None:
    from mhx.groundwater.structured import regular

    outline = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 10.0], [0.0, 10.0]])
    mesh = regular("dis", outline, (10.0, 10.0), {})
    found = Sampler(mesh, np.array([[12.0, 5.0]]), LINEAR).at(np.arange(4.0))
    assert found.tolist() == [1.0]
