"""The ground of a model: outline, elevation, and the lines that a user drew on it.

Coordinates in m, x east, y north, as the user gave them; elevations in m.  A plane is linear and
goes on outside of its anchors.  A valley rises with the distance from its axis and, by its slope,
with the distance from the southern edge of the domain.  An elevation model is sampled in between
its points, or averaged over a cell.  Meshing is in `mesh`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater import drainage
from mhx.groundwater.catchment import catchment_of
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.polygons import cell_polygons
from mhx.groundwater.polylines import line_of, outline_of, read_points
from mhx.groundwater.rasters import Raster, read_raster
from mhx.groundwater.site import Constraint, Domain, Site, Topography

Elevation = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class Terrain:
    """Where the model lies.

    outline: (m, 2) m, counter-clockwise, first point not repeated.
    elevation: points (k, 2) m -> (k,) m; None where no topography is declared.
    lines: id of a mesh constraint -> (k, 2) m as drawn; a closed one ends where it begins.
    metrics: what delineating and simplifying the outline did, in words of `mesh_metrics`.
    raster: the elevation model to average over cells, for sampling = "cell_mean".
    """

    outline: Floats
    elevation: Elevation | None
    lines: Mapping[str, Floats]
    metrics: Mapping[str, float] = field(default_factory=dict)
    raster: Raster | None = None

    def tops(self, grid: Grid) -> Floats:
        """(n,) m: the ground at the centre of each cell, or its mean over the cell."""
        if self.elevation is None:
            raise ConfigError("topography is required: the cells need a top")
        tops = self.elevation(grid.centres)
        if self.raster is None:
            return tops
        means = _cell_means(self.raster, grid)
        return np.where(np.isnan(means), tops, means)


def terrain_of(config: Site) -> Terrain:
    """Outline, elevation and lines of a configuration; ConfigError for what does not fit.

    An elevation model takes up to a second (pits are filled); everything else is quick.
    """
    domain, topography = config.domain, config.topography
    raster, drained = None, None
    if topography is not None and topography.kind == "dem":
        raster = read_raster(str(topography.source))
        if topography.fill or domain.kind == "catchment":
            drained = drainage.flooded(raster.elevation)
    if domain.kind != "catchment":
        outline, stream, metrics = _drawn_outline(domain), None, {}
    elif raster is None or drained is None:
        raise ConfigError("domain.kind is 'catchment', which needs topography.kind = 'dem'")
    else:
        found = catchment_of(raster, domain, drained)
        outline, stream, metrics = found.outline, found.stream, dict(found.metrics)
    lines = {
        line.id: _drawn_line(line, f"mesh.constraint[{index}]", stream)
        for index, line in enumerate(config.mesh.constraint)
    }
    if topography is None:
        return Terrain(outline=outline, elevation=None, lines=lines, metrics=metrics)
    if raster is None:
        elevation = _FORMULAS[topography.kind](topography, outline, lines)
        return Terrain(outline=outline, elevation=elevation, lines=lines, metrics=metrics)
    if topography.fill and drained is not None:
        raster = Raster(
            elevation=drained[0], x0=raster.x0, y0=raster.y0,
            cell_x=raster.cell_x, cell_y=raster.cell_y,
        )  # fmt: skip
    return Terrain(
        outline=outline,
        elevation=raster.nearest if topography.sampling == "nearest" else raster.bilinear,
        lines=lines,
        metrics=metrics,
        raster=raster if topography.sampling == "cell_mean" else None,
    )


def _drawn_outline(domain: Domain) -> Floats:
    if domain.kind == "rectangle":
        assert domain.length_x is not None and domain.length_y is not None
        west, south = domain.x0, domain.y0
        east, north = west + domain.length_x, south + domain.length_y
        return np.array([[west, south], [east, south], [east, north], [west, north]])
    if domain.file is not None:
        return outline_of(read_points(domain.file, "domain.file"), f"domain.file: {domain.file}")
    return outline_of(np.array(domain.points, dtype=float), "domain.points")


def _drawn_line(line: Constraint, key: str, stream: Floats | None) -> Floats:
    if line.file is not None:
        points, where = read_points(line.file, f"{key}.file"), f"{key}.file: {line.file}"
    elif line.points is not None:
        points, where = np.array(line.points, dtype=float), f"{key}.points"
    elif stream is not None:
        points, where = stream, f"{key}.source"
    else:
        raise ConfigError(f"{key}.source is 'stream', which needs domain.kind = 'catchment'")
    return line_of(points, where, closed=line.closed)


def _plane(table: Topography, outline: Floats, lines: Mapping[str, Floats]) -> Elevation:
    """z = base + amplitude t, t = 0 and 1 at the anchors of the lowest and the highest side."""
    assert table.base_elevation is not None and table.amplitude is not None
    base, amplitude = table.base_elevation, table.amplitude
    axis = 0 if table.rises_to in ("west", "east") else 1
    support = table.support_cell or 0.0
    inset = 0.5 * support if table.anchor == "cell_centres" else 0.0
    low = float(outline[:, axis].min()) + inset
    length = float(np.ptp(outline[:, axis])) - 2 * inset
    if length <= 0:
        raise ConfigError(
            f"topography.support_cell = {support:g} m leaves no room for a plane between the "
            f"centres of the outermost cells"
        )
    falling = table.rises_to in ("west", "south")

    def elevation(points: Floats) -> Floats:
        share = (points[:, axis] - low) / length
        return base + amplitude * (1 - share if falling else share)

    return elevation


def _valley(table: Topography, outline: Floats, lines: Mapping[str, Floats]) -> Elevation:
    """z = base + slope y + relief (1 - exp(-d / width)), d = distance to the axis.

    y counts from the southern edge, so that projected northings do not lift the valley.
    """
    assert table.base_elevation is not None and table.slope is not None
    assert table.relief is not None and table.width is not None
    base, slope, relief, width = table.base_elevation, table.slope, table.relief, table.width
    axis = shapely.LineString(lines[str(table.axis)])
    shapely.prepare(axis)
    south = float(outline[:, 1].min())

    def elevation(points: Floats) -> Floats:
        distance = shapely.distance(shapely.points(points), axis)
        return base + slope * (points[:, 1] - south) - relief * np.expm1(-distance / width)

    return elevation


_FORMULAS = {"plane": _plane, "valley": _valley}


def _cell_means(raster: Raster, grid: Grid) -> Floats:
    """(n,) m: mean of the raster cells whose centres lie in a cell; NaN where there are none."""
    centres = raster.centres(np.arange(raster.elevation.size))
    heights = raster.elevation.ravel()
    low, high = grid.vertices.min(axis=0), grid.vertices.max(axis=0)
    near = np.all((centres >= low) & (centres <= high), axis=1) & ~np.isnan(heights)
    tree = shapely.STRtree(cell_polygons(grid))
    which, cells = tree.query(shapely.points(centres[near]), "intersects")
    total = np.bincount(cells, heights[near][which], minlength=grid.n_cells)
    count = np.bincount(cells, minlength=grid.n_cells)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
