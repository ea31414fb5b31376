"""The grid of somebody else's model, from the binary grid file that MODFLOW 6 writes.

The file starts with lines of 50 characters (kind, version, number and length of the lines that
follow), then says in one line each what arrays it holds, then holds them: int32 and float64, little
endian, indices from 1.  Lengths leave here in metres; rotation and offset of the grid are applied.
Layers, where DIS and DISV have them, run downwards; the nodes of DISU are one layer here, with
`under` telling which lie one over the other.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mhx.errors import EvidenceError
from mhx.groundwater.grid import Edges, Flags, Floats, Grid, Ids, clockwise, signed_areas
from mhx.groundwater.memory import remembered

_LINE = 50
_TYPES: Mapping[str, "np.dtype[Any]"] = {
    "INTEGER": np.dtype("<i4"),
    "DOUBLE": np.dtype("<f8"),
    "SINGLE": np.dtype("<f4"),
}
_TOUCHING = 1e-9
"""Share of a node's thickness by which the one under it may be off [1]."""

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class OwnGrid:
    """Cells of a model with their elevations.

    kind: dis, disv or disu.  grid: outlines of the cells of a layer, None where a DISU grid has no
    vertices.  centres: (n, 2) m, None likewise.  areas: (n,) m2, 0 where only the model tells
    them.  top: (n,) m, of the uppermost cell that takes part.  bottoms, active, confined:
    (n_layers, n).  under: as in `FlowResult`.  one, other, position: each connection once, its
    nodes and where it stands among the flows between cells.  key: digest of the file.
    """

    kind: str
    key: str
    grid: Grid | None
    centres: Floats | None
    areas: Floats
    top: Floats
    bottoms: Floats
    active: Flags
    confined: Flags
    under: Ids | None
    one: Ids
    other: Ids
    position: Ids

    @property
    def layers(self) -> int:
        """Number of layers; 1 for DISU."""
        return len(self.bottoms)

    @property
    def cells(self) -> int:
        """Cells of a layer."""
        return int(self.areas.size)


def read_grid(path: Path, metres: float) -> OwnGrid:
    """The grid of a binary grid file; EvidenceError where it is torn or none.

    metres: length of the model's unit [m].  Remembered by what the file holds.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read ({error.strerror or error})") from error
    key = hashlib.sha256(content + repr(metres).encode()).hexdigest()
    return remembered("own grid", key, lambda: _made(path, content, metres, key))


def _made(path: Path, content: bytes, metres: float, key: str) -> OwnGrid:
    try:
        kind, arrays = _parsed(content)
        return _GRIDS[kind](arrays, metres, key)
    except (ValueError, KeyError, IndexError) as error:
        raise EvidenceError(f"{path} is torn or no binary grid file: {error}") from error


def _parsed(content: bytes) -> tuple[str, Arrays]:
    """Kind in lower case, and every array by its name."""
    words = [content[at : at + _LINE].split() for at in range(0, 4 * _LINE, _LINE)]
    kind = words[0][1].decode("ascii").lower()
    count, length = int(words[2][1]), int(words[3][1])
    at = 4 * _LINE
    lines = [content[at + n * length : at + (n + 1) * length].decode("ascii") for n in range(count)]
    at += count * length
    arrays: dict[str, np.ndarray] = {}
    for line in lines:
        if line.startswith("#"):
            continue
        name, told, _, dimensions, *rest = line.split()
        shape = tuple(int(size) for size in rest[: int(dimensions)])[::-1]
        if told == "CHARACTER":  # of versions that tell of a coordinate system
            at += math.prod(shape)
            continue
        dtype = _TYPES[told]
        size = math.prod(shape)
        arrays[name] = np.frombuffer(content, dtype, size, at).reshape(shape)
        at += size * dtype.itemsize
    return kind, arrays


def _dis(arrays: Arrays, metres: float, key: str) -> OwnGrid:
    rows, columns = int(arrays["NROW"]), int(arrays["NCOL"])
    x = np.concatenate([[0.0], np.cumsum(arrays["DELR"])])
    y = np.concatenate([[0.0], np.cumsum(arrays["DELC"][::-1])])[::-1]
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    row, column = np.divmod(np.arange(rows * columns), columns)
    first = row * (columns + 1) + column
    corners = np.stack([first, first + 1, first + columns + 2, first + columns + 1], axis=1)
    middles = np.stack(np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2), axis=-1)
    plan = _Plan(
        vertices=places,
        corners=corners.ravel(),
        offsets=np.arange(rows * columns + 1) * 4,
        centres=middles.reshape(-1, 2),
        shape=(rows, columns),
    )
    return _layered(arrays, _placed(plan, arrays, metres), metres, key)


def _disv(arrays: Arrays, metres: float, key: str) -> OwnGrid:
    return _layered(arrays, _placed(_polygons(arrays), arrays, metres), metres, key)


def _disu(arrays: Arrays, metres: float, key: str) -> OwnGrid:
    """Areas are not in the file; those of the outlines count where there are any."""
    nodes = int(arrays["NODES"])
    top, bottom = arrays["TOP"] * metres, arrays["BOT"] * metres
    grid = None
    if "VERTICES" in arrays:
        plan = _polygons(arrays)
        if (np.diff(plan.offsets) >= 3).all():
            grid = _placed(plan, arrays, metres)
    one, other, position = _connections(arrays)
    active = arrays["IDOMAIN"] > 0 if "IDOMAIN" in arrays else np.ones(nodes, dtype=bool)
    return OwnGrid(
        kind="disu", key=key, grid=grid, centres=None if grid is None else grid.centres,
        areas=np.zeros(nodes) if grid is None else grid.areas, top=top,
        bottoms=bottom[None], active=active[None], confined=(arrays["ICELLTYPE"] == 0)[None],
        under=_under(one, other, top, bottom), one=one, other=other, position=position,
    )  # fmt: skip


_GRIDS = {"dis": _dis, "disv": _disv, "disu": _disu}


def _layered(arrays: Arrays, grid: Grid, metres: float, key: str) -> OwnGrid:
    shape = int(arrays["NLAY"]), grid.n_cells
    bottoms = arrays["BOTM"].reshape(shape) * metres
    active = arrays["IDOMAIN"].reshape(shape) > 0
    tops = np.vstack([arrays["TOP"].reshape(1, -1) * metres, bottoms[:-1]])
    uppermost = active.argmax(axis=0)[None]
    one, other, position = _connections(arrays)
    return OwnGrid(
        kind=grid.kind, key=key, grid=grid, centres=grid.centres, areas=grid.areas,
        top=np.take_along_axis(tops, uppermost, axis=0)[0], bottoms=bottoms, active=active,
        confined=arrays["ICELLTYPE"].reshape(shape) == 0, under=None,
        one=one, other=other, position=position,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Cells of a layer in the model's own coordinates; shape: rows and columns of a DIS grid."""

    vertices: Floats
    corners: Ids
    offsets: Ids
    centres: Floats
    shape: tuple[int, int] | None = None


def _placed(plan: _Plan, arrays: Arrays, metres: float) -> Grid:
    """The plan of a layer, turned and moved to where the model says it lies."""
    angle = math.radians(float(arrays["ANGROT"]))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    origin = np.array([float(arrays["XORIGIN"]), float(arrays["YORIGIN"])])
    vertices = (plan.vertices @ turn + origin) * metres
    corners = clockwise(vertices, plan.corners, plan.offsets)
    return Grid(
        kind="disv" if plan.shape is None else "dis",
        vertices=vertices,
        corners=corners,
        offsets=plan.offsets,
        centres=(plan.centres @ turn + origin) * metres,
        areas=np.abs(signed_areas(vertices, corners, plan.offsets)),
        shape=plan.shape,
        outline=np.empty((0, 2)),
    )


def _polygons(arrays: Arrays) -> _Plan:
    """Corners and offsets of the cells; the first corner may be repeated in the file."""
    offsets = arrays["IAVERT"].astype(np.int64) - 1
    corners = arrays["JAVERT"].astype(np.int64) - 1
    closed = corners[offsets[:-1]] == corners[offsets[1:] - 1]
    kept = np.ones(corners.size, dtype=bool)
    kept[(offsets[1:] - 1)[closed]] = False
    return _Plan(
        vertices=arrays["VERTICES"],
        corners=corners[kept],
        offsets=np.concatenate([[0], np.cumsum(np.diff(offsets) - closed)]),
        centres=np.stack([arrays["CELLX"], arrays["CELLY"]], axis=1),
    )


def _connections(arrays: Arrays) -> tuple[Ids, Ids, Ids]:
    """Each pair of neighbours once, the lower node first, and its place in the list of flows."""
    ia, ja = arrays["IA"].astype(np.int64) - 1, arrays["JA"].astype(np.int64) - 1
    rows = np.repeat(np.arange(ia.size - 1), np.diff(ia))
    position = np.flatnonzero(ja > rows)
    return rows[position], ja[position], position


def _under(one: Ids, other: Ids, top: Floats, bottom: Floats) -> Ids:
    """(levels, m) nodes over each other: neighbours of which one ends where the other begins.

    Of several under one node the one with the lowest number counts; nodes that none lies over are
    the ground.
    """
    upper = np.concatenate([one, other])
    lower = np.concatenate([other, one])
    slack = _TOUCHING * np.maximum(top[upper] - bottom[upper], 0.0)
    stacked = top[lower] <= bottom[upper] + slack
    upper, lower = upper[stacked], lower[stacked]
    beneath = np.full(top.size, -1)
    order = np.argsort(-lower, kind="stable")  # the last one written stays
    beneath[upper[order]] = lower[order]
    ground = np.ones(top.size, dtype=bool)
    ground[lower] = False
    levels = [np.flatnonzero(ground)]
    while (levels[-1] >= 0).any() and len(levels) <= top.size:
        last = levels[-1]
        levels.append(np.where(last >= 0, beneath[last], -1))
    return np.stack(levels[:-1])


def outline_of(grid: Grid, active: Flags) -> Floats:
    """(m, 2) m, the longest ring around the cells that take part, counter-clockwise."""
    edges: Edges = grid.edges
    start, end = [edges.owner_a[active[edges.owner]]], [edges.owner_b[active[edges.owner]]]
    inside, outside = active[edges.i] & ~active[edges.j], ~active[edges.i] & active[edges.j]
    start += [edges.a[inside], edges.b[outside]]
    end += [edges.b[inside], edges.a[outside]]
    after: dict[int, list[int]] = {}
    for here, there in zip(
        np.concatenate(start).tolist(), np.concatenate(end).tolist(), strict=True
    ):
        after.setdefault(here, []).append(there)
    best = np.empty((0, 2))
    length = 0.0
    while after:
        ring = [next(iter(after))]
        while following := after.get(ring[-1]):
            ring.append(following.pop())
            if not following:
                del after[ring[-2]]
        around = grid.vertices[ring[:-1]] if ring[0] == ring[-1] else grid.vertices[ring]
        size = float(np.linalg.norm(around - np.roll(around, 1, axis=0), axis=1).sum())
        if size > length:
            best, length = around[::-1], size
    return best
