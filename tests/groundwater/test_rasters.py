import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from mhx.errors import ConfigError, EngineMissing
from mhx.groundwater import rasters
from mhx.groundwater.rasters import SHIPPED, Raster, read_raster

HEIGHTS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])  # row 0 in the north
ASC = """ncols 3
nrows 2
xllcorner 100
yllcorner 200
cellsize 10
NODATA_value -9999
1 2 3
4 -9999 6
"""


def raster(heights=HEIGHTS) -> Raster:
    return Raster(elevation=heights.copy(), x0=100.0, y0=200.0, cell_x=10.0, cell_y=10.0)


def at(*points):
    return np.array(points, dtype=float)


def test_bilinear_is_exact_at_centres_and_linear_in_between():
    found = raster().bilinear(at((105, 215), (110, 215), (105, 210), (110, 210)))
    assert found.tolist() == [1.0, 1.5, 2.5, 3.0]


def test_beyond_the_outermost_centres_the_last_value_holds():
    assert raster().bilinear(at((100, 220), (130, 200), (115, 220))).tolist() == [1.0, 6.0, 2.0]


def test_nearest_is_the_cell_that_holds_the_point():
    assert raster().nearest(at((101, 219), (129, 201), (130, 200))).tolist() == [1.0, 6.0, 6.0]


def test_between_known_and_unknown_cells_the_known_ones_count():
    heights = HEIGHTS.copy()
    heights[0, 1] = np.nan
    assert raster(heights).bilinear(at((110, 215))).tolist() == [1.0]


@pytest.mark.parametrize("way", ["nearest", "bilinear"])
def test_outside_of_the_model_and_without_elevation_nothing_is_invented(way):
    with pytest.raises(ConfigError, match=r"\(99, 210\) lies outside .* covers x 100 to 130"):
        getattr(raster(), way)(at((99, 210)))
    with pytest.raises(ConfigError, match=r"knows no elevation at \(105, 215\)"):
        getattr(raster(np.full((2, 3), np.nan)), way)(at((105, 215)))


def test_the_shipped_model_is_turned_into_local_metres():
    found = read_raster(SHIPPED)
    assert found.shape == (344, 403)
    assert (found.elevation.min(), found.elevation.max()) == (236, 1076)
    assert (round(found.cell_x, 1), round(found.cell_y, 1)) == (74.5, 92.5)
    assert (found.x0, found.y0) == (0, 0)


def test_an_asc_file(tmp_path):
    path = tmp_path / "dem.asc"
    path.write_text(ASC)
    found = read_raster(str(path))
    assert (found.x0, found.y0, found.cell_x, found.cell_y) == (100, 200, 10, 10)
    assert np.isnan(found.elevation[1, 1]) and found.elevation[0].tolist() == [1, 2, 3]
    path.write_text(ASC.replace("xllcorner 100", "xllcenter 105"))
    assert read_raster(str(path)).x0 == 100


def test_an_asc_file_as_gdal_writes_it(tmp_path):
    """Cells that are no squares, and NaN for what is not known."""
    path = tmp_path / "dem.asc"
    sides = ASC.replace("cellsize 10\n", "dx 10\ndy 25\n").replace(
        "yllcorner 200", "yllcenter 212.5"
    )
    path.write_text(sides)
    found = read_raster(str(path))
    assert (found.x0, found.y0, found.cell_x, found.cell_y) == (100, 200, 10, 25)
    path.write_text(sides.replace("-9999", "nan"))
    again = read_raster(str(path))
    assert np.array_equal(again.elevation, found.elevation, equal_nan=True)
    assert np.isnan(again.elevation[1, 1])


def test_an_asc_file_in_degrees_is_refused(tmp_path):
    """Read as metres it would be a catchment of square millimetres."""
    path = tmp_path / "dem.asc"
    degrees = {"xllcorner 100": "xllcorner 2.1", "yllcorner 200": "yllcorner 48.2"}
    text = ASC.replace("cellsize 10", "cellsize 0.000833333333")
    for metres, place in degrees.items():
        text = text.replace(metres, place)
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"these are degrees, and \.asc is read in metres"):
        read_raster(str(path))


def test_an_npz_file_of_whole_numbers_names_what_is_no_elevation(tmp_path):
    path = tmp_path / "dem.npz"
    heights = np.array([[1, 2, 3], [4, -32768, 6]], np.int16)
    edges = {"xmin": 4e5, "xmax": 4e5 + 30, "ymin": 6e6, "ymax": 6e6 + 20}
    np.savez(path, elevation=heights, nodata=-32768, **edges)
    assert np.argwhere(np.isnan(read_raster(str(path)).elevation)).tolist() == [[1, 1]]


def test_an_npz_file_in_metres_and_in_degrees(tmp_path):
    path = tmp_path / "dem.npz"
    metres = {"xmin": 4e5, "xmax": 4e5 + 30, "ymin": 6e6, "ymax": 6e6 + 20}
    np.savez(path, elevation=HEIGHTS, **metres)
    found = read_raster(str(path))
    assert (found.x0, found.y0, found.cell_x, found.cell_y) == (4e5, 6e6, 10, 10)
    degrees = {"xmin": 10.0, "xmax": 10.3, "ymin": 59.9, "ymax": 60.1}
    np.savez(path, elevation=HEIGHTS, **degrees)
    found = read_raster(str(path))
    assert found.cell_x == pytest.approx(0.1 * 111_320 * 0.5)
    assert found.cell_y == pytest.approx(0.1 * 110_960)
    np.savez(path, elevation=HEIGHTS, geographic=False, **degrees)
    assert read_raster(str(path)).cell_x == pytest.approx(0.1)


ASC_FAULTS = {
    "no size": (ASC.replace("cellsize 10\n", ""), "needs ncols, nrows, cellsize"),
    "word in the header": (ASC.replace("nrows 2", "nrows two"), r"dem.asc:2  nrows must be a numb"),
    "too long a header line": (ASC.replace("nrows 2", "nrows 2 2"), r"dem.asc:2  a header line is"),
    "too few values": (ASC.replace("1 2 3", "1 2"), "must hold 2 rows of 3 values, got 5 values"),
    "no number": (ASC.replace("1 2 3", "1 2 x"), r"dem.asc:7  could not convert"),
}


@pytest.mark.parametrize(("text", "told"), ASC_FAULTS.values(), ids=ASC_FAULTS)
def test_faults_of_an_asc_file(tmp_path, text, told):
    (tmp_path / "dem.asc").write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_raster(str(tmp_path / "dem.asc"))


def test_faults_of_an_npz_file(tmp_path):
    path = tmp_path / "dem.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ConfigError, match=r"is not readable as \.npz"):
        read_raster(str(path))
    np.savez(path, elevation=HEIGHTS, xmin=0.0)
    whole = path.read_bytes()
    for torn in (b"PK\x03\x04", whole[: len(whole) // 2], whole[:-30], b""):
        path.write_bytes(torn)
        with pytest.raises(ConfigError, match=r"is not readable as \.npz"):
            read_raster(str(path))
    path.write_bytes(whole)
    with pytest.raises(ConfigError, match="lacks the arrays xmax, ymin, ymax"):
        read_raster(str(path))
    np.savez(path, elevation=HEIGHTS, xmin=[0.0, 1.0], xmax=1.0, ymin=0.0, ymax=1.0)
    with pytest.raises(ConfigError, match=r"is not readable as \.npz"):
        read_raster(str(path))
    np.savez(path, elevation=HEIGHTS[0], xmin=0.0, xmax=1.0, ymin=0.0, ymax=1.0)
    with pytest.raises(ConfigError, match="must hold rows and columns"):
        read_raster(str(path))


@pytest.mark.parametrize("source", ["matplotlib:other", "dem.png"])
def test_an_unknown_source_names_the_known_ones(source):
    with pytest.raises(ConfigError, match=r"known are matplotlib:jacksboro_fault_dem and files th"):
        read_raster(source)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"dem\.asc: no such file"):
        read_raster(str(tmp_path / "dem.asc"))


class RasterioError(Exception):
    """What rasterio raises."""


def rasterio_with(monkeypatch, geographic=False, **transform):
    """A rasterio that knows one file: 2 x 3 cells, one of them masked."""
    heights = np.ma.masked_equal(HEIGHTS, 5.0)

    @contextmanager
    def open_(path):
        if not path.read_bytes().startswith(b"II*"):
            raise RasterioError("not recognised")
        yield SimpleNamespace(
            bounds=SimpleNamespace(left=100.0, bottom=20.0, right=130.0, top=40.0),
            transform=SimpleNamespace(**({"a": 10.0, "b": 0.0, "d": 0.0, "e": -10.0} | transform)),
            crs=SimpleNamespace(is_geographic=geographic),
            read=lambda band, masked: heights,
        )

    fake = SimpleNamespace(open=open_, errors=SimpleNamespace(RasterioError=RasterioError))
    monkeypatch.setitem(sys.modules, "rasterio", fake)


@pytest.fixture
def tif(tmp_path):
    path = tmp_path / "dem.tif"
    path.write_bytes(b"II*\0")
    return path


def test_a_geotiff_in_metres_and_in_degrees(tif, monkeypatch):
    rasterio_with(monkeypatch)
    found = read_raster(str(tif))
    assert (found.x0, found.y0, found.cell_x, found.cell_y) == (100, 20, 10, 10)
    assert np.isnan(found.elevation[1, 1]) and found.elevation[1, 2] == 6
    rasterio_with(monkeypatch, geographic=True)
    found = read_raster(str(tif))
    assert (found.x0, found.y0) == (0, 0)
    assert found.cell_x == pytest.approx(10 * 111_320 * np.cos(np.deg2rad(30)))


def test_a_geotiff_that_is_none_or_turned(tif, monkeypatch):
    rasterio_with(monkeypatch, b=0.1)
    with pytest.raises(ConfigError, match="is rotated or upside down"):
        read_raster(str(tif))
    rasterio_with(monkeypatch, e=10.0)
    with pytest.raises(ConfigError, match="is rotated or upside down"):
        read_raster(str(tif))
    tif.write_bytes(b"text")
    with pytest.raises(ConfigError, match="is not readable as GeoTIFF: not recognised"):
        read_raster(str(tif))


def test_a_geotiff_without_rasterio_names_the_extra(tif, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(EngineMissing, match=r"pip install 'mhx\[raster\]'"):
        read_raster(str(tif))


def test_the_readers_are_those_of_the_manual():
    assert set(rasters._READERS) == {".npz", ".asc", ".tif", ".tiff"}
