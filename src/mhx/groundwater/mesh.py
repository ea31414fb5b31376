"""From terrain and `[mesh]` to a grid: outline and constraints, snapped, then one generator.

gmsh makes the nodes of triangles and of Voronoi cells alike; regular grids and meshes from files
need no gmsh.  How good a mesh became is said in `conformity`.
"""

import math
from collections.abc import Mapping

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater.grid import Grid, centroids, signed_areas
from mhx.groundwater.meshfile import read_triangles
from mhx.groundwater.site import Mesh, Site
from mhx.groundwater.snapping import Line, Net, snapped
from mhx.groundwater.structured import MOST_CELLS, regular
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.triangles import Sizes, triangulated

GROWTH = 4.0
"""Distance over which the edge length grows from a constraint, in mesh.size, unless given [1]."""


def make_grid(config: Site, terrain: Terrain) -> Grid:
    """The grid that `[mesh]` asks for over the outline of the terrain.

    Raises ConfigError for what does not fit, EngineMissing without gmsh where it is needed.
    """
    mesh = config.mesh
    if mesh.kind == "file":
        assert mesh.nodes is not None and mesh.cells is not None
        return read_triangles(mesh.nodes, mesh.cells, terrain.outline, terrain.lines)
    if mesh.kind in ("structured", "rectangular_disv"):
        kind = "dis" if mesh.kind == "structured" else "disv"
        return regular(kind, terrain.outline, _cell(mesh), terrain.lines)  # type: ignore[arg-type]
    if mesh.algorithm == "triangle":
        raise ConfigError(
            "mesh.algorithm is 'triangle', the optional generator of the package meshpy, which "
            "this version does not drive; use 'frontal' or 'delaunay'"
        )
    net = _net(mesh, terrain)
    embedded = frozenset(line.id for line in mesh.constraint if line.embed)
    sizes = _sizes(mesh)
    _affordable(net, sizes)
    nodes, triangles = triangulated(net, sizes, embedded)
    if mesh.kind == "triangles":
        vertices, corners = nodes, triangles.ravel()
        offsets = np.arange(len(triangles) + 1) * 3
        centres = centroids(vertices, corners, offsets)
    else:
        from mhx.groundwater.voronoi import voronoi_cells  # noqa: PLC0415  (scipy, 0.3 s)

        vertices, corners, offsets = voronoi_cells(nodes, net.outline)
        centres = nodes
    return Grid(
        kind="disv", vertices=vertices, corners=corners, offsets=offsets, centres=centres,
        areas=-signed_areas(vertices, corners, offsets), outline=net.outline,
        constraints=dict(net.chains),
    )  # fmt: skip


def _affordable(net: Net, sizes: Sizes) -> None:
    """A ConfigError in time, where gmsh would work for days and end without memory.

    A triangle of edge h has the area sqrt(3)/4 h^2; from a line of length L the edge grows evenly
    from s to h over the distance D on both sides, which makes 2 L D / (s h) of such areas.
    """
    area = shapely.Polygon(net.outline).area
    wanted = [(area / sizes.size / sizes.size, "mesh.size", sizes.size)]  # inf, if need be
    for name, (size, distance) in sizes.near.items():
        length = shapely.LineString(net.chains[name]).length
        key = f"mesh.constraint {name!r}: size"
        wanted.append((2 * length * distance / size / sizes.size, key, size))
    for areas, key, size in wanted:
        if (triangles := areas / (math.sqrt(3) / 4)) > MOST_CELLS:
            raise ConfigError(
                f"{key} = {size:g} m makes about {triangles:.1e} triangles, more than "
                f"{MOST_CELLS}; make it larger"
            )


def target_size(mesh: Mesh, grid: Grid) -> float:
    """h [m]: the edge length asked for; of a mesh from a file the square root of the mean area."""
    if mesh.size is not None:
        return mesh.size
    if mesh.cell_x is not None and mesh.cell_y is not None:
        return float(np.sqrt(mesh.cell_x * mesh.cell_y))
    return float(np.sqrt(grid.areas.mean()))


def _cell(mesh: Mesh) -> tuple[float, float]:
    if mesh.cell_x is not None and mesh.cell_y is not None:
        return mesh.cell_x, mesh.cell_y
    assert mesh.size is not None
    return mesh.size, mesh.size


def _net(mesh: Mesh, terrain: Terrain) -> Net:
    assert mesh.size is not None
    lines = [
        Line(
            id=line.id, points=terrain.lines[line.id], embed=line.embed,
            size=min(mesh.size, line.size or mesh.size),
        )
        for line in mesh.constraint
    ]  # fmt: skip
    return snapped(terrain.outline, lines, mesh.snap_factor)


def _sizes(mesh: Mesh) -> Sizes:
    assert mesh.size is not None
    near: Mapping[str, tuple[float, float]] = {
        line.id: (line.size, line.distance or GROWTH * mesh.size)
        for line in mesh.constraint
        if line.size is not None
    }
    return Sizes(
        size=mesh.size, size_min=mesh.size_min, near=near,
        algorithm=mesh.algorithm, smoothing=mesh.smoothing, seed=mesh.seed,
    )  # fmt: skip
