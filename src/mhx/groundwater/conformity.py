"""How good a mesh is, and whether it is one: the numbers of `mesh_metrics`.

Shape: angles, aspect, neighbours.  Two-point fluxes between cells are consistent where the line
between two centres is at right angles to their face and cuts it in its middle: orthogonality is the
angle to the face's normal [degrees], face offset |s - 1/2| with s the share of the face at which it
is cut.  Conformity: areas, Euler's number, edges, vertices, islands, and the distance to the
outline.  Constraints: triangles carry a line on edges, Voronoi cells on centres; both are measured.
"""

from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray

from mhx.groundwater.grid import Floats, Grid, Ids, signed_areas
from mhx.groundwater.linefit import constraint_metrics
from mhx.groundwater.mesh import target_size
from mhx.groundwater.polygons import cell_polygons, hausdorff
from mhx.groundwater.site import Site
from mhx.groundwater.terrain import Terrain

DUPLICATE = 1e-6
"""Vertices nearer than this count twice [m]."""
SHORT = 0.1
"""A face shorter than this share of h is short [1]."""
ON_OUTLINE = 1e-6
"""Distance from the outline, as a share of h, up to which an edge lies on it [1]."""


def mesh_metrics(grid: Grid, terrain: Terrain, config: Site) -> dict[str, float]:
    """Every key of `mesh_metrics` without its prefix; lengths m, areas m2, angles degrees.

    Left out: `duration_s`, which whoever makes the mesh knows, and what does not exist, such as the
    offset of faces where there is no inner face.
    """
    h = target_size(config.mesh, grid)
    outline = shapely.Polygon(terrain.outline)
    lines = {line.id: terrain.lines[line.id] for line in config.mesh.constraint}
    return {
        **_sizes(grid, outline.area),
        **_shapes(grid),
        **_faces(grid, h),
        **_wholeness(grid, outline, h),
        **constraint_metrics(grid, lines, h),
        **terrain.metrics,
    }


def _sizes(grid: Grid, wanted: float) -> dict[str, float]:
    edges, areas = grid.edges, grid.areas
    total = float(areas.sum())
    return {
        "n_cells": grid.n_cells,
        "n_nodes": np.unique(grid.corners).size,
        "n_edges": edges.count,
        "area_total_m2": total,
        "area_error_relative": abs(total - wanted) / wanted,
        "cell_area_min_m2": float(areas.min()),
        "cell_area_max_m2": float(areas.max()),
        "cell_area_mean_m2": float(areas.mean()),
        "cell_area_ratio": float(areas.max() / areas.min()),
        "h_effective_m": float(np.sqrt(areas.mean())),
        "h_min_m": float(np.sqrt(areas.min())),
        "boundary_cell_area_max_m2": float(areas[edges.owner].max(initial=0.0)),
    }


def _shapes(grid: Grid) -> dict[str, float]:
    inside = angles(grid)
    smallest = np.minimum.reduceat(inside, grid.offsets[:-1])
    aspect = aspects(grid)
    return {
        "min_angle_deg": float(smallest.min()),
        "min_angle_p05_deg": float(np.percentile(smallest, 5)),
        "max_angle_deg": float(inside.max()),
        "aspect_max": float(aspect.max()),
        "aspect_mean": float(aspect.mean()),
    }


def angles(grid: Grid) -> Floats:
    """The interior angle at each entry of `corners` [degrees]."""
    here = grid.vertices[grid.corners]
    ahead = grid.vertices[grid.corners[grid.following]] - here
    back = np.empty_like(ahead)
    back[grid.following] = -ahead
    cross = ahead[:, 0] * back[:, 1] - ahead[:, 1] * back[:, 0]
    dot = np.sum(ahead * back, axis=1)
    clockwise = np.degrees(np.arctan2(-cross, dot))
    return np.where(clockwise < 0, clockwise + 360.0, clockwise)


def aspects(grid: Grid) -> Floats:
    """(n,) longer over shorter side of the smallest rectangle around each cell, however turned."""
    result = np.ones(grid.n_cells)
    points = grid.vertices[grid.corners]
    side = points[grid.following] - points
    side /= np.maximum(np.hypot(side[:, 0], side[:, 1]), 1e-300)[:, None]
    count = np.diff(grid.offsets)
    for size in np.unique(count):
        cells = np.flatnonzero(count == size)
        rows = grid.offsets[cells][:, None] + np.arange(size)
        corner, along = points[rows] - points[rows[:, :1]], side[rows]
        across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
        # one side of the smallest rectangle lies on a side of the (convex) cell
        length = np.ptp(np.einsum("cpk,cdk->cdp", corner, along), axis=2)
        width = np.ptp(np.einsum("cpk,cdk->cdp", corner, across), axis=2)
        which = np.argmin(length * width, axis=1)[:, None]
        a, b = (np.take_along_axis(v, which, axis=1)[:, 0] for v in (length, width))
        result[cells] = np.maximum(a, b) / np.minimum(a, b)
    bent = np.unique(grid.owners[angles(grid) > 180.0 + 1e-6])
    if bent.size:
        result[bent] = _rectangle_aspects(cell_polygons(grid)[bent])
    return result


def _rectangle_aspects(polygons: NDArray[np.object_]) -> Floats:
    """The same for cells that are not convex."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygons)).reshape(-1, 5, 2)
    a = np.hypot(*(corners[:, 1] - corners[:, 0]).T)
    b = np.hypot(*(corners[:, 2] - corners[:, 1]).T)
    return np.maximum(a, b) / np.minimum(a, b)


def orthogonality(grid: Grid) -> Floats:
    """(m,) per inner edge: angle between c_j - c_i and the normal of the face [degrees]."""
    edges = grid.edges
    face = grid.vertices[edges.b] - grid.vertices[edges.a]
    link = grid.centres[edges.j] - grid.centres[edges.i]
    dot = np.abs(np.sum(face * link, axis=1))
    cross = np.abs(face[:, 0] * link[:, 1] - face[:, 1] * link[:, 0])
    return np.degrees(np.arctan2(dot, cross))


def _offsets_of_faces(grid: Grid) -> Floats:
    """(m,) |s - 1/2|, s = where the line through both centres cuts the face."""
    edges = grid.edges
    a = grid.vertices[edges.a]
    face = grid.vertices[edges.b] - a
    start = grid.centres[edges.i]
    link = grid.centres[edges.j] - start
    cross = face[:, 0] * link[:, 1] - face[:, 1] * link[:, 0]
    away = start - a
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (away[:, 0] * link[:, 1] - away[:, 1] * link[:, 0]) / cross
    return np.abs(share - 0.5)


def _faces(grid: Grid, h: float) -> dict[str, float]:
    edges, areas = grid.edges, grid.areas
    if edges.i.size == 0:
        return {"neighbours_max": 0}
    angle = orthogonality(grid)
    offset = _offsets_of_faces(grid)
    face = grid.vertices[edges.b] - grid.vertices[edges.a]
    one, two = areas[edges.i], areas[edges.j]
    neighbours = np.bincount(np.concatenate([edges.i, edges.j]))
    return {
        "area_ratio_max": float((np.maximum(one, two) / np.minimum(one, two)).max()),
        "orthogonality_max_deg": float(angle.max()),
        "orthogonality_mean_deg": float(angle.mean()),
        "orthogonality_p95_deg": float(np.percentile(angle, 95)),
        "orthogonality_fraction_gt_1deg": float(np.mean(angle > 1.0)),
        "face_offset_max": float(offset.max()),
        "face_offset_mean": float(offset.mean()),
        "short_face_fraction": float(np.mean(np.hypot(face[:, 0], face[:, 1]) < SHORT * h)),
        "neighbours_max": int(neighbours.max()),
    }


def _wholeness(grid: Grid, outline: shapely.Polygon, h: float) -> dict[str, float]:
    edges = grid.edges
    used = np.unique(grid.corners)
    signed = signed_areas(grid.vertices, grid.corners, grid.offsets)
    parts = _parts(grid.n_cells, edges.i, edges.j)
    middle = 0.5 * (grid.vertices[edges.owner_a] + grid.vertices[edges.owner_b])
    ring = shapely.LinearRing(outline.exterior)
    shapely.prepare(ring)
    inner = ~shapely.dwithin(ring, shapely.points(middle), ON_OUTLINE * h)
    cover = covered(grid)
    difference = shapely.symmetric_difference(cover, outline).area
    rim = shapely.get_coordinates(outline.exterior)[:-1]
    rings = [shapely.get_coordinates(part.exterior)[:-1] for part in shapely.get_parts(cover)]
    away = max(hausdorff(rim, other, pieces=10) for other in rings)
    return {
        "symmetric_difference_fraction": float(difference / outline.area),
        "outline_hausdorff_m": away,
        "euler_characteristic": int(used.size - edges.count + grid.n_cells),
        "duplicate_vertices": _close_pairs(grid.vertices[used]),
        "edges_not_shared_by_two": int(np.count_nonzero(inner) + edges.crowded),
        "cells_not_clockwise": int(np.count_nonzero(signed >= 0)),
        "islands": int(parts - 1),
    }


def _parts(count: int, one: Ids, other: Ids) -> int:
    """How many pieces `count` cells and their connections are; scipy takes 0.3 s to import."""
    part = np.arange(count)
    while True:
        lower = np.minimum(part[one], part[other])
        before = part.copy()
        np.minimum.at(part, before[one], lower)  # a piece joins the lowest that it touches
        np.minimum.at(part, before[other], lower)
        while (part != (further := part[part])).any():
            part = further
        if (part == before).all():
            return int(np.unique(part).size)


def _close_pairs(vertices: Floats) -> int:
    """How many pairs of vertices are not further apart than `DUPLICATE`."""
    points = shapely.points(vertices)
    one, other = shapely.STRtree(points).query(points, "dwithin", distance=DUPLICATE)
    return int(np.count_nonzero(one < other))


def covered(grid: Grid) -> shapely.Polygon | shapely.MultiPolygon:
    """What the cells cover together: the polygons that the boundary edges close."""
    edges = grid.edges
    chains = _chains(dict(zip(edges.owner_a.tolist(), edges.owner_b.tolist(), strict=True)))
    if chains is None:  # a vertex where two boundaries meet, or cells that overlap
        return shapely.union_all(cell_polygons(grid))
    rings = [grid.vertices[chain] for chain in chains]
    solid = [ring for ring in rings if not shapely.LinearRing(ring).is_ccw]
    holes = [ring for ring in rings if shapely.LinearRing(ring).is_ccw]
    whole = shapely.union_all([shapely.Polygon(ring) for ring in solid])
    if holes:
        whole = shapely.difference(whole, shapely.union_all([shapely.Polygon(r) for r in holes]))
    return whole


def _chains(following: Mapping[int, int]) -> list[list[int]] | None:
    """The closed ways through a map of vertices; None when it is not made of closed ways."""
    left = dict(following)
    chains = []
    while left:
        start, here = left.popitem()
        chain = [start]
        while here != start:
            chain.append(here)
            if (step := left.pop(here, None)) is None:
                return None
            here = step
        if len(chain) < 3:
            return None
        chains.append(chain)
    return chains
