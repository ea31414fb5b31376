"""Triangles from gmsh: an outline and embedded lines in, nodes and triangles out.

One thread, one seed, no configuration file of the user: the same input gives the same bytes, in one
process and across processes.  Coordinates go in counted from the corner of the outline, and the
points of the outline and of the lines come back exactly as they went in.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mhx.errors import SolverError
from mhx.groundwater.doctor import import_gmsh
from mhx.groundwater.grid import Floats, Ids
from mhx.groundwater.snapping import Net

ALGORITHMS = {"delaunay": 5, "frontal": 6}
"""gmsh's numbers."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Target edge lengths [m] and how the generator works.

    near: id of a constraint -> (edge length at the line, distance over which it grows to `size`).
    """

    size: float
    size_min: float | None
    near: Mapping[str, tuple[float, float]]
    algorithm: str
    smoothing: int
    seed: int


def triangulated(net: Net, sizes: Sizes, embedded: frozenset[str]) -> tuple[Floats, Ids]:
    """Nodes (k, 2) m and triangles (m, 3), clockwise, of what the net encloses.

    embedded: the lines that edges must follow; the others only set the size around them.
    Raises EngineMissing without gmsh or its system libraries, SolverError when gmsh gives up.
    """
    gmsh = import_gmsh()
    origin = net.points.min(axis=0)
    with _Session(gmsh, sizes):
        _describe(gmsh, net, net.points - origin, sizes, embedded)
        gmsh.model.mesh.generate(2)
        nodes, triangles, corners = _mesh(gmsh)
    nodes = nodes + origin
    for point, node in corners.items():
        nodes[node] = net.points[point]
    return nodes, triangles


class _Session:
    """gmsh from start to end: its settings, and its failures as a SolverError.

    gmsh raises `Exception` itself, nothing more special; what else is raised goes on unchanged.
    """

    def __init__(self, gmsh: Any, sizes: Sizes) -> None:
        self.gmsh = gmsh
        self.options = {
            "General.Terminal": 0,
            "General.NumThreads": 1,
            "Mesh.MaxNumThreads1D": 1,
            "Mesh.MaxNumThreads2D": 1,
            "Mesh.RandomSeed": sizes.seed,
            "Mesh.Algorithm": ALGORITHMS[sizes.algorithm],
            "Mesh.Smoothing": sizes.smoothing,
            "Mesh.MeshSizeExtendFromBoundary": 0,
            "Mesh.MeshSizeFromPoints": 0,
            "Mesh.MeshSizeFromCurvature": 0,
            "Mesh.MeshSizeMin": sizes.size_min or 0.0,
            "Mesh.MeshSizeMax": sizes.size,  # constraints only refine; size_max is not less
        }

    def __enter__(self) -> None:
        self.gmsh.initialize(argv=["gmsh"], readConfigFiles=False, interruptible=False)
        for name, value in self.options.items():
            self.gmsh.option.setNumber(name, value)
        self.gmsh.model.add("plane")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: Any
    ) -> None:
        try:
            if kind is Exception:
                raise SolverError(f"gmsh could not mesh the outline: {error}") from error
        finally:
            self.gmsh.finalize()


def _describe(gmsh: Any, net: Net, points: Floats, sizes: Sizes, embedded: frozenset[str]) -> None:
    """Points, lines, surface, embedded lines and the size field."""
    geo = gmsh.model.geo
    for tag, (x, y) in enumerate(points.tolist(), start=1):
        geo.addPoint(x, y, 0.0, 0.0, tag)
    curves: dict[tuple[int, int], int] = {}
    for a, b in zip(net.ring.tolist(), np.roll(net.ring, -1).tolist(), strict=True):
        curves[a, b] = curves[b, a] = geo.addLine(a + 1, b + 1)
    outer = list(dict.fromkeys(curves.values()))
    of_line: dict[str, list[int]] = {}
    for name, segments in net.lines.items():
        if name not in embedded and name not in sizes.near:
            continue
        for a, b in segments.tolist():
            if (a, b) not in curves:
                curves[a, b] = curves[b, a] = geo.addLine(a + 1, b + 1)
            of_line.setdefault(name, []).append(curves[a, b])
    loop = geo.addCurveLoop(outer)
    surface = geo.addPlaneSurface([loop])
    geo.synchronize()
    inner = {tag: None for name in embedded for tag in of_line.get(name, []) if tag not in outer}
    if inner:
        gmsh.model.mesh.embed(1, sorted(inner), 2, surface)
    _size_field(gmsh, of_line, sizes)


def _size_field(gmsh: Any, of_line: Mapping[str, list[int]], sizes: Sizes) -> None:
    """The smallest of the ramps around the constraints that have a size of their own."""
    field = gmsh.model.mesh.field
    fields = []
    for name, (size, distance) in sizes.near.items():
        away = field.add("Distance")
        field.setNumbers(away, "CurvesList", of_line[name])
        longest = max(_length(gmsh, tag) for tag in of_line[name])
        field.setNumber(away, "Sampling", max(20, math.ceil(4 * longest / size)))
        ramp = field.add("Threshold")
        values = {"SizeMin": size, "SizeMax": sizes.size, "DistMin": 0.0, "DistMax": distance}
        field.setNumber(ramp, "InField", away)
        for key, value in values.items():
            field.setNumber(ramp, key, value)
        fields.append(ramp)
    if not fields:
        return
    least = field.add("Min")
    field.setNumbers(least, "FieldsList", fields)
    field.setAsBackgroundMesh(least)


def _length(gmsh: Any, curve: int) -> float:
    (ends,) = (gmsh.model.getAdjacencies(1, curve)[1],)
    a, b = (np.array(gmsh.model.getValue(0, int(tag), [])) for tag in ends)
    return float(np.hypot(*(b - a)[:2]))


def _mesh(gmsh: Any) -> tuple[Floats, Ids, dict[int, int]]:
    """Nodes and triangles as gmsh made them, and the node of each point that we gave."""
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    _, corners = gmsh.model.mesh.getElementsByType(2)
    used, triangles = np.unique(np.asarray(corners, dtype=np.int64), return_inverse=True)
    position = {int(tag): index for index, tag in enumerate(tags)}
    rows = np.array([position[int(tag)] for tag in used])
    nodes = np.asarray(coordinates).reshape(-1, 3)[rows, :2]
    node_of = {int(tag): index for index, tag in enumerate(used)}
    given = {}
    for _, tag in gmsh.model.getEntities(0):
        for node in gmsh.model.mesh.getNodes(0, tag)[0]:
            if int(node) in node_of:
                given[int(tag) - 1] = node_of[int(node)]
    return nodes, _clockwise(nodes, triangles.reshape(-1, 3)), given


def _clockwise(nodes: Floats, triangles: Ids) -> Ids:
    a, b, c = (nodes[triangles[:, k]] for k in range(3))
    one, two = b - a, c - a
    left = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] > 0
    return np.where(left[:, None], triangles[:, [0, 2, 1]], triangles)
