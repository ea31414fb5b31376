"""A catchment cut out of an elevation model: its outline, its main stream, and what that cost.

The outline follows the cells that drain through the outlet, then may be simplified; the point where
water leaves is one of its vertices and the end of the stream.  Simplifying changes area and shape:
both changes are metrics.  Coordinates are those of the raster, in m.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater import drainage
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.polygons import hausdorff
from mhx.groundwater.rasters import Raster
from mhx.groundwater.site import Domain, Outlet

HEAD_SHARE = 0.06
"""The main stream begins where this share of the catchment drains through it [1]."""
SAME = 1e-9
"""Points nearer than this share of the outline's length are one [1]."""


@dataclass(frozen=True, kw_only=True)
class Catchment:
    """outline: (m, 2) m, counter-clockwise.  stream: (k, 2) m, downstream, ends on the outline."""

    outline: Floats
    stream: Floats
    metrics: Mapping[str, float]


def catchment_of(raster: Raster, domain: Domain, drained: tuple[Floats, Ids]) -> Catchment:
    """What drains through `domain.outlet`.

    drained: filled elevations and receivers of `drainage.flooded`.
    Raises ConfigError when the outlet lies outside, or less than `min_area_km2` drains to it.
    """
    assert domain.outlet is not None
    heights, target = drained
    count = drainage.accumulation(heights, target)
    place = _asked(raster, domain.outlet)
    outlet = drainage.snapped(count, raster.shape, place, domain.snap_cells)
    inside = drainage.upstream(heights, target, outlet).reshape(raster.shape)
    area = float(count[outlet]) * raster.cell_x * raster.cell_y
    least = domain.min_area_km2
    if least is not None and area < least * 1e6:
        row, column = divmod(outlet, raster.shape[1])
        raise ConfigError(
            f"domain.outlet: {area / 1e6:.4g} km2 drain through row {row}, column {column}, less "
            f"than domain.min_area_km2 = {least:g}; move the outlet onto the stream or raise "
            f"domain.snap_cells (now {domain.snap_cells})"
        )
    cells = drainage.main_stream(target, count, outlet, int(np.ceil(HEAD_SHARE * count[outlet])))
    path = raster.centres(cells)
    mouth, ring = _outline(raster, inside, outlet, int(target[outlet]))
    outline, stream = _simplified(ring, np.vstack([path, mouth]), domain.simplify_m or 0.0)
    kept = shapely.Polygon(outline)
    metrics = {
        "catchment_area_m2": area,
        "catchment_relief_m": float(np.ptp(raster.elevation[inside])),
        "catchment_stream_length_m": float(np.hypot(*np.diff(path, axis=0).T).sum()),
        "outline_area_change_relative": kept.area / area - 1.0,
        "outline_simplification_hausdorff_m": hausdorff(ring[:-1], outline, pieces=50),
    }
    return Catchment(outline=outline, stream=stream, metrics=metrics)


def _asked(raster: Raster, outlet: Outlet) -> tuple[int, int]:
    if outlet.x is not None and outlet.y is not None:
        row, column = raster.cell_of(np.array([[outlet.x, outlet.y]]))
        place = int(row[0]), int(column[0])
    else:
        place = int(outlet.row or 0), int(outlet.column or 0)
    rows, columns = raster.shape
    if place[0] >= rows or place[1] >= columns:
        raise ConfigError(
            f"domain.outlet: row {place[0]}, column {place[1]} lies outside of the elevation "
            f"model, which has {rows} rows and {columns} columns"
        )
    if np.isnan(raster.elevation[place]):
        raise ConfigError(
            f"domain.outlet: the elevation model knows no elevation in row {place[0]}, column "
            f"{place[1]}"
        )
    return place


def _outline(raster: Raster, inside: Any, outlet: int, below: int) -> tuple[Floats, Floats]:
    """Where water leaves, and the ring around the cells that begins and ends there."""
    row, column = np.nonzero(_pinched(inside.copy()))
    south = raster.shape[0] - 1 - row  # whole numbers: neighbouring boxes share their corners
    union = shapely.union_all(shapely.box(column, south, column + 1, south + 1))
    size, corner = np.array([raster.cell_x, raster.cell_y]), np.array([raster.x0, raster.y0])
    placed = shapely.transform(union, lambda points: corner + points * size)
    parts = [part for part in shapely.get_parts(placed) if _holds(part, raster, outlet)]
    ring = shapely.Polygon(parts[0].exterior).normalize().exterior
    at = raster.centres(np.array([outlet]))[0]
    if below >= 0:
        leaving = shapely.Point(0.5 * (at + raster.centres(np.array([below]))[0]))
    else:
        leaving = shapely.Point(at)
    start = ring.project(leaving)
    mouth = np.array(ring.interpolate(start).coords)[0]
    points = np.array(ring.coords)[:-1]
    along = np.array([ring.project(shapely.Point(point)) for point in points])
    turn = np.argsort((along - start) % ring.length, kind="stable")
    around = points[turn]
    if np.hypot(*(around[0] - mouth)) <= SAME * ring.length:
        around = around[1:]
    closed = np.vstack([mouth, around, mouth])
    return mouth, closed if shapely.LinearRing(closed).is_ccw else closed[::-1]


def _pinched(inside: Any) -> Any:
    """Cells that hang together by a corner only get a common neighbour: an outline is no figure 8.

    D8 drains across corners.  The cell added is the western one of the two in question.
    """
    while True:
        a, b = inside[:-1, :-1], inside[:-1, 1:]
        c, d = inside[1:, :-1], inside[1:, 1:]
        falling, rising = a & d & ~b & ~c, b & c & ~a & ~d
        if not (falling.any() or rising.any()):
            return inside
        c |= falling
        a |= rising


def _holds(part: shapely.Polygon, raster: Raster, cell: int) -> bool:
    return bool(part.contains(shapely.Point(raster.centres(np.array([cell]))[0])))


def _simplified(ring: Floats, path: Floats, tolerance: float) -> tuple[Floats, Floats]:
    """Douglas-Peucker on both; the mouth and the vertex farthest from it stay.

    The stream gets half the tolerance, so that it does not leave the outline near the mouth.
    """
    far = int(np.argmax(np.hypot(*(ring - ring[0]).T)))
    halves = shapely.MultiLineString([ring[: far + 1], ring[far:]])
    first, second = shapely.get_parts(shapely.simplify(halves, tolerance, preserve_topology=True))
    outline = np.vstack([np.array(first.coords)[:-1], np.array(second.coords)[:-1]])
    polygon = shapely.Polygon(outline)
    if not polygon.is_valid:
        raise ConfigError(
            f"domain.simplify_m = {tolerance:g} makes the outline cross itself; use a smaller one"
        )
    stream = np.array(shapely.LineString(path).simplify(0.5 * tolerance).coords)
    return outline, stream
