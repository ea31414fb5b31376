"""Elevation models: read from a file, asked for heights anywhere in between.

Elevations in m, indexed [row, column], row 0 in the north; x and y in m, x east and y north.  A
geographic model (degrees) becomes local metres counted from its south-western corner:
dx = dlon 111 320 cos(lat), dy = dlat 110 960, lat in its middle.  Projected ones keep their
coordinates.  NaN is no elevation.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from mhx.errors import ConfigError, EngineMissing
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.polylines import number, text_of

KEY = "topography.source"
SHIPPED = "matplotlib:jacksboro_fault_dem"
"""The elevation model inside the matplotlib package; cited "as shipped by matplotlib"."""
DEGREE_X, DEGREE_Y = 111_320.0, 110_960.0
"""Metres per degree of longitude at the equator, and of latitude."""
DEGREES_BELOW = 0.1
"""Cells smaller than this, where edges could be degrees, are not metres."""


@dataclass(frozen=True, kw_only=True)
class Raster:
    """Elevations on a regular raster; x0, y0: its south-western corner, not a cell's centre."""

    elevation: Floats
    x0: float
    y0: float
    cell_x: float
    cell_y: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.elevation.shape
        return rows, columns

    def centres(self, cells: Ids) -> Floats:
        """(k, 2) m: the centres of raster cells, given by flat id."""
        row, column = np.divmod(cells, self.shape[1])
        return np.stack(
            [
                self.x0 + (column + 0.5) * self.cell_x,
                self.y0 + (self.shape[0] - row - 0.5) * self.cell_y,
            ],
            axis=1,
        )

    def cell_of(self, points: Floats) -> tuple[Ids, Ids]:
        """Rows and columns of the cells that hold the points; ConfigError outside the raster."""
        right = (points[:, 0] - self.x0) / self.cell_x
        down = self.shape[0] - (points[:, 1] - self.y0) / self.cell_y
        outside = (right < 0) | (right > self.shape[1]) | (down < 0) | (down > self.shape[0])
        if outside.any():
            raise ConfigError(f"{KEY}: {self._beyond(points[np.argmax(outside)])}")
        row = np.minimum(down.astype(int), self.shape[0] - 1)
        column = np.minimum(right.astype(int), self.shape[1] - 1)
        return row, column

    def nearest(self, points: Floats) -> Floats:
        """(k,) m: the elevation of the cell that holds each point."""
        return self._known(points, self.elevation[self.cell_of(points)])

    def bilinear(self, points: Floats) -> Floats:
        """(k,) m: between the four nearest cell centres; beside unknown ones between the others."""
        self.cell_of(points)
        rows, columns = self.shape
        right = np.clip((points[:, 0] - self.x0) / self.cell_x - 0.5, 0, columns - 1)
        down = np.clip(rows - (points[:, 1] - self.y0) / self.cell_y - 0.5, 0, rows - 1)
        column = np.minimum(right.astype(int), max(columns - 2, 0))
        row = np.minimum(down.astype(int), max(rows - 2, 0))
        s, t = right - column, down - row
        total, weights = np.zeros(len(points)), np.zeros(len(points))
        for below, share_y in ((0, 1 - t), (1, t)):
            for beside, share_x in ((0, 1 - s), (1, s)):
                at = np.minimum(row + below, rows - 1), np.minimum(column + beside, columns - 1)
                height = self.elevation[at]
                weight = np.where(np.isnan(height), 0.0, share_x * share_y)
                total += np.where(weight > 0, height, 0.0) * weight
                weights += weight
        known = weights > 0
        return self._known(points, np.where(known, total / np.where(known, weights, 1), np.nan))

    def _known(self, points: Floats, heights: Floats) -> Floats:
        unknown = np.isnan(heights)
        if unknown.any():
            x, y = points[np.argmax(unknown)]
            raise ConfigError(
                f"{KEY}: the elevation model knows no elevation at ({x:.10g}, {y:.10g})"
            )
        return heights

    def _beyond(self, point: Floats) -> str:
        east = self.x0 + self.shape[1] * self.cell_x
        north = self.y0 + self.shape[0] * self.cell_y
        return (
            f"the point ({point[0]:.10g}, {point[1]:.10g}) lies outside of the elevation model, "
            f"which covers x {self.x0:.10g} to {east:.10g} and y {self.y0:.10g} to {north:.10g} m"
        )


def read_raster(source: str) -> Raster:
    """The elevation model that `topography.source` names."""
    if source == SHIPPED:
        from matplotlib.cbook import get_sample_data  # noqa: PLC0415  (0.1 s, for one source)

        shipped: Any = get_sample_data("jacksboro_fault_dem.npz")
        with shipped as arrays:
            return _from_arrays(dict(arrays), source)
    path = Path(source)
    reader = _READERS.get(path.suffix.lower())
    if source.startswith("matplotlib:") or reader is None:
        raise ConfigError(
            f"{KEY} is {source!r}; known are {SHIPPED} and files that end in {', '.join(_READERS)}"
        )
    if not path.is_file():
        raise ConfigError(f"{KEY}: {path}: no such file")
    return reader(path)


def _read_npz(path: Path) -> Raster:
    """`elevation` and `xmin`, `xmax`, `ymin`, `ymax` of its edges, row 0 in the north.

    `geographic` says whether the edges are degrees; without it they are when they could be.
    `nodata` is the number that stands for no elevation, besides NaN.
    """
    try:
        with path.open("rb") as stream, np.load(stream) as arrays:
            return _from_arrays(dict(arrays), str(path))
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        raise ConfigError(f"{KEY}: {path} is not readable as .npz: {error}") from None


def _from_arrays(arrays: Mapping[str, Any], name: str) -> Raster:
    absent = [key for key in ("elevation", "xmin", "xmax", "ymin", "ymax") if key not in arrays]
    if absent:
        raise ConfigError(f"{KEY}: {name} lacks the arrays {', '.join(absent)}")
    elevation = np.array(arrays["elevation"], dtype=float)
    if "nodata" in arrays:
        elevation[elevation == float(arrays["nodata"])] = np.nan
    # in the model that matplotlib ships, ymin and ymax are swapped
    west, east = sorted((float(arrays["xmin"]), float(arrays["xmax"])))
    south, north = sorted((float(arrays["ymin"]), float(arrays["ymax"])))
    if elevation.ndim != 2 or elevation.size == 0 or west == east or south == north:
        raise ConfigError(f"{KEY}: {name} must hold rows and columns over an area")
    fits = _may_be_degrees(west, south, east, north)
    degrees = bool(arrays["geographic"]) if "geographic" in arrays else fits
    return _placed(elevation, (west, south, east, north), degrees)


def _may_be_degrees(west: float, south: float, east: float, north: float) -> bool:
    return max(abs(west), abs(east)) <= 360 and max(abs(south), abs(north)) <= 90


def _placed(elevation: Floats, edges: tuple[float, float, float, float], degrees: bool) -> Raster:
    west, south, east, north = edges
    width, height = east - west, north - south
    if degrees:
        width *= DEGREE_X * np.cos(np.deg2rad(0.5 * (south + north)))
        height *= DEGREE_Y
        west = south = 0.0
    rows, columns = elevation.shape
    return Raster(
        elevation=elevation, x0=west, y0=south,
        cell_x=float(width / columns), cell_y=float(height / rows),
    )  # fmt: skip


def _read_asc(path: Path) -> Raster:
    """ESRI ASCII grid, in metres; `dx` and `dy` may stand for `cellsize`, as GDAL writes them."""
    lines = text_of(path, KEY).splitlines()
    header: dict[str, float] = {}
    for place, line in enumerate(lines, start=1):
        words = line.split()
        if not words or not words[0][0].isalpha() or words[0].lower() == "nan":
            break
        if len(words) != 2:
            raise ConfigError(f"{KEY}: {path}:{place}  a header line is a word and a number")
        word = words[0].lower()
        if word == "nodata_value" and words[1].lower() == "nan":
            header[word] = np.nan  # equals no number: cells that are NaN stay so
        else:
            header[word] = number(words[1], f"{KEY}: {path}:{place}  {words[0]}")
    sides = ("dx", "dy") if "dx" in header and "dy" in header else ("cellsize", "cellsize")
    absent = [key for key in ("ncols", "nrows", *sides[:1]) if key not in header]
    corner = [
        next((k for k in (f"{a}llcorner", f"{a}llcenter") if k in header), None) for a in "xy"
    ]
    if absent or None in corner:
        raise ConfigError(
            f"{KEY}: {path} needs ncols, nrows, cellsize, xllcorner and yllcorner (or ...center)"
        )
    body = lines[len(header) :]
    shape = int(header["nrows"]), int(header["ncols"])
    size = header[sides[0]], header[sides[1]]
    elevation = _matrix(path, body, len(header), shape)
    elevation[elevation == header.get("nodata_value", -9999.0)] = np.nan
    x0, y0 = (
        header[str(key)] - (length / 2 if str(key).endswith("center") else 0)
        for key, length in zip(corner, size, strict=True)
    )
    east, north = x0 + shape[1] * size[0], y0 + shape[0] * size[1]
    if max(size) < DEGREES_BELOW and _may_be_degrees(x0, y0, east, north):
        raise ConfigError(
            f"{KEY}: {path} has cells of {size[0]:g} by {size[1]:g} between {x0:g}, {y0:g} and "
            f"{east:g}, {north:g}: these are degrees, and .asc is read in metres; project it, or "
            "store it as .npz with geographic = true"
        )
    return Raster(elevation=elevation, x0=x0, y0=y0, cell_x=size[0], cell_y=size[1])


def _matrix(path: Path, body: list[str], above: int, shape: tuple[int, int]) -> Floats:
    values: list[float] = []
    for place, line in enumerate(body, start=above + 1):
        try:
            values.extend(map(float, line.split()))
        except ValueError as error:
            raise ConfigError(f"{KEY}: {path}:{place}  {error}") from None
    if len(values) != shape[0] * shape[1] or not values:
        told = f"{shape[0]} rows of {shape[1]} values"
        raise ConfigError(f"{KEY}: {path} must hold {told}, got {len(values)} values")
    return np.array(values).reshape(shape)


def _read_tif(path: Path) -> Raster:
    """GeoTIFF, its first band; degrees where its coordinate system says so."""
    try:
        import rasterio  # noqa: PLC0415  (an extra of its own)
    except ImportError:
        raise EngineMissing(
            f"{KEY}: {path} is a GeoTIFF, which needs the package rasterio: "
            "pip install 'mhx[raster]'"
        ) from None
    try:
        with rasterio.open(path) as data:
            bounds, transform = data.bounds, data.transform
            degrees = bool(data.crs is not None and data.crs.is_geographic)
            elevation = data.read(1, masked=True).astype(float).filled(np.nan)
    except rasterio.errors.RasterioError as error:
        raise ConfigError(f"{KEY}: {path} is not readable as GeoTIFF: {error}") from None
    if transform.b or transform.d or transform.a < 0 or transform.e > 0:
        raise ConfigError(f"{KEY}: {path} is rotated or upside down; warp it north up first")
    edges = (bounds.left, bounds.bottom, bounds.right, bounds.top)
    return _placed(elevation, edges, degrees)


_READERS: Mapping[str, Callable[[Path], Raster]] = {
    ".npz": _read_npz, ".asc": _read_asc, ".tif": _read_tif, ".tiff": _read_tif,
}  # fmt: skip
