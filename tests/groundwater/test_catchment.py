import numpy as np
import pytest
import shapely

from mhx.errors import ConfigError
from mhx.groundwater import drainage
from mhx.groundwater.catchment import catchment_of
from mhx.groundwater.rasters import Raster
from mhx.groundwater.site import Domain
from mhx.groundwater.terrain import terrain_of

from .sites import JACKSBORO, STREAM, catchment, site


def valley(rows: int = 9, columns: int = 12) -> Raster:
    """A trough along the middle row that falls to the east."""
    y, x = np.mgrid[0:rows, 0:columns]
    heights = 100.0 - x + 5.0 * np.abs(y - rows // 2)
    return Raster(elevation=heights, x0=0.0, y0=0.0, cell_x=10.0, cell_y=20.0)


def cut(raster: Raster, **domain):
    table = Domain(kind="catchment", **domain)
    return catchment_of(raster, table, drainage.flooded(raster.elevation))


@pytest.mark.slow
def test_the_example_catchment():
    """6.2 km2, relief 234 m, main stream 2.9 km, with the outlet at row 104, column 255."""
    metrics = terrain_of(site(catchment(), JACKSBORO)).metrics
    assert round(metrics["catchment_area_m2"] / 1e6, 1) == 6.2
    assert metrics["catchment_relief_m"] == 234
    assert round(metrics["catchment_stream_length_m"] / 1e3, 1) == 2.9
    assert metrics["outline_area_change_relative"] == pytest.approx(0, abs=1e-9)
    assert metrics["outline_simplification_hausdorff_m"] == 0


@pytest.mark.slow
def test_simplifying_changes_area_and_shape_and_says_so():
    raw = terrain_of(site(catchment(), JACKSBORO, constraint=[STREAM]))
    plain = terrain_of(site(catchment(simplify_m=90.0), JACKSBORO, constraint=[STREAM]))
    assert len(plain.outline) < len(raw.outline) / 3
    change = shapely.Polygon(plain.outline).area / shapely.Polygon(raw.outline).area - 1
    assert plain.metrics["outline_area_change_relative"] == pytest.approx(change)
    assert 0 < abs(change) < 0.01
    assert 45 < plain.metrics["outline_simplification_hausdorff_m"] <= 90
    for terrain in (raw, plain):
        stream = terrain.lines["stream"]
        assert (terrain.outline == stream[-1]).all(axis=1).any()  # ends on a vertex of the outline
        assert terrain.elevation(stream[[-1]]) < terrain.elevation(stream[[0]])


def test_the_stream_runs_downhill_to_a_vertex_of_the_outline():
    found = cut(valley(), outlet={"row": 4, "column": 10}, snap_cells=0)
    assert found.stream[-1].tolist() == [110.0, 90.0]  # between the outlet and its receiver
    assert (found.outline == found.stream[-1]).all(axis=1).any()
    assert shapely.LinearRing(found.outline).is_ccw
    assert found.metrics["catchment_area_m2"] == shapely.Polygon(found.outline).area


def test_an_outlet_in_metres_is_the_cell_that_holds_it():
    by_cell = cut(valley(), outlet={"row": 4, "column": 10}, snap_cells=0)
    by_place = cut(valley(), outlet={"x": 105.0, "y": 90.0}, snap_cells=0)
    assert by_cell.outline.tolist() == by_place.outline.tolist()


@pytest.mark.parametrize("column", [10, 11], ids=["inside", "at the rim"])
def test_a_catchment_is_the_same_wherever_it_lies(column):
    """Projected coordinates of millions of metres take no corner away."""
    here = valley()
    there = Raster(
        elevation=here.elevation,
        x0=461_000.0,
        y0=6_863_000.0,
        cell_x=here.cell_x,
        cell_y=here.cell_y,
    )
    asked = {"outlet": {"row": 4, "column": column}, "snap_cells": 0}
    one, other = cut(here, **asked), cut(there, **asked)
    corner = [there.x0, there.y0]
    assert one.outline.tolist() == (other.outline - corner).tolist()
    assert one.stream.tolist() == (other.stream - corner).tolist()
    assert other.metrics["outline_area_change_relative"] == pytest.approx(0, abs=1e-12)


def test_cells_that_hang_together_by_a_corner_become_one_outline():
    y, x = np.mgrid[0:8, 0:8]
    diagonal = Raster(
        elevation=10.0 * np.abs(x - y) + 0.5 * (16 - x - y), x0=0.0, y0=0.0, cell_x=1.0, cell_y=1.0
    )
    found = cut(diagonal, outlet={"row": 6, "column": 6}, snap_cells=0)
    polygon = shapely.Polygon(found.outline)
    assert polygon.is_valid
    assert polygon.covers(shapely.LineString(found.stream))


REFUSED = {
    "outside": ({"outlet": {"row": 9, "column": 3}}, "row 9, column 3 lies outside of the elev"),
    "outside in metres": ({"outlet": {"x": -1.0, "y": 3.0}}, r"the point \(-1, 3\) lies outside"),
    "too small": (
        {"outlet": {"row": 0, "column": 3}, "snap_cells": 0, "min_area_km2": 0.01},
        r"km2 drain through row 0, column 3, less than domain.min_area_km2 = 0.01; move",
    ),
}


@pytest.mark.parametrize(("domain", "told"), REFUSED.values(), ids=REFUSED)
def test_refused(domain, told):
    with pytest.raises(ConfigError, match=told):
        cut(valley(), **domain)


def test_an_outlet_without_elevation_is_refused():
    raster = valley()
    raster.elevation[4, 4] = np.nan
    with pytest.raises(ConfigError, match="knows no elevation in row 4, column 4"):
        cut(raster, outlet={"row": 4, "column": 4})
