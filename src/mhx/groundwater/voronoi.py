"""Voronoi cells of given nodes, cut off at the outline.

The nodes are the generators and become the cells' centres, so that each connection is at right
angles to its face.  Vertices nearer than 1e-6 m are one vertex; corners run clockwise.
"""

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Ids

MERGE = 1e-6
"""Vertices nearer than this are one [m]."""
FAR = 10.0
"""Distance of the four far points, in extents of the outline [1]: every real cell is finite."""


def voronoi_cells(nodes: Floats, outline: Floats) -> tuple[Floats, Ids, Ids]:
    """Vertices, corners and offsets of the cells of the nodes, in their order, clockwise.

    Raises ConfigError where cells are so small that nothing of them is left.
    """
    origin = outline.min(axis=0)  # local coordinates keep the digits
    points, ring = nodes - origin, outline - origin
    centre, extent = 0.5 * ring.max(axis=0), float(ring.max())
    reach = FAR * extent * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    diagram = Voronoi(np.vstack([points, centre + reach]))
    regions = [diagram.regions[region] for region in diagram.point_region[: len(points)]]
    count = np.array([len(region) for region in regions])
    flat = diagram.vertices[np.concatenate(regions)]
    owner = np.repeat(np.arange(len(points)), count)
    places, owner = _clipped(flat, owner, points, shapely.Polygon(ring))
    vertices, corners = _merged(places)
    keep = _distinct(corners, owner)
    corners, owner = corners[keep], owner[keep]
    count = np.bincount(owner, minlength=len(points))
    if flat_cells := int((count < 3).sum()):
        raise ConfigError(
            f"mesh.kind is 'voronoi': {flat_cells} of {len(points)} cells are thinner than "
            f"{MERGE:g} m, up to which two vertices are one; the outline is {ring[:, 0].max():g} m "
            f"by {ring[:, 1].max():g} m: are its coordinates in m?"
        )
    offsets = np.concatenate([[0], np.cumsum(count)])
    used, renumbered = np.unique(corners, return_inverse=True)
    return vertices[used] + origin, renumbered, offsets


def _clipped(
    flat: Floats, owner: Ids, points: Floats, outline: shapely.Polygon
) -> tuple[Floats, Ids]:
    """Corners of the cells inside the outline, clockwise, and the cell of each."""
    ring, index = _closed(flat, owner)
    cells = shapely.polygons(shapely.linearrings(ring, indices=index))
    shapely.prepare(outline)
    cut = np.flatnonzero(~shapely.contains_properly(outline, cells))
    whole = shapely.intersection(cells[cut], outline)
    several = shapely.get_type_id(whole) != shapely.GeometryType.POLYGON
    cells[cut] = whole
    if several.any():
        _given_away(cells, cut[several], points)
    cells = shapely.orient_polygons(cells, exterior_cw=True)
    corners, owner = shapely.get_coordinates(cells, return_index=True)
    last = np.r_[owner[1:] != owner[:-1], True]  # shapely repeats the first corner
    return corners[~last], owner[~last]


def _closed(flat: Floats, owner: Ids) -> tuple[Floats, Ids]:
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    ends = np.r_[first[1:], len(owner)]
    return np.insert(flat, ends, flat[first], axis=0), np.insert(owner, ends, owner[first])


def _given_away(cells: np.ndarray, torn: Ids, points: Floats) -> None:
    """A cell torn by the outline keeps the piece with its generator; neighbours get the others.

    This happens where the outline is narrower than the cells: such a neighbour is no longer at
    right angles to its faces, which the orthogonality in the metrics shows.
    """
    spare = []
    for cell in torn.tolist():
        parts = [p for p in shapely.get_parts(cells[cell]) if p.geom_type == "Polygon"]
        near = int(np.argmin(shapely.distance(parts, shapely.Point(points[cell]))))
        cells[cell] = parts.pop(near)
        spare += parts
    for part in spare:
        beside = np.flatnonzero(shapely.intersects(cells, part.buffer(MERGE)))
        border = shapely.length(shapely.intersection(cells[beside], part.buffer(MERGE)))
        best = int(beside[np.argmax(border)])
        cells[best] = shapely.union(shapely.set_precision(cells[best], MERGE), part)


def _merged(corners: Floats) -> tuple[Floats, Ids]:
    """Different vertices, numbered as they first appear, and the vertex of each corner."""
    pairs = cKDTree(corners).query_pairs(MERGE, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(corners),) * 2
    )
    _, label = connected_components(links, directed=False)
    _, first, number = np.unique(label, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return corners[first[order]], rank[number]


def _distinct(corners: Ids, owner: Ids) -> np.ndarray:
    """Corners that differ from the next one of their cell."""
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    following = np.roll(corners, -1)
    following[np.r_[first[1:] - 1, len(owner) - 1]] = corners[first]
    return corners != following
