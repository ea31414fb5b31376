"""Outline and constraints made fit to be meshed: one planar net of points and segments.

Ends of constraints that lie on the outline, or nearer to it than `snap` x h, are put on it; a
straight vertex of the outline within that distance of such an end is dropped, while a true corner,
or the end of another line, takes the end in: two vertices 2 m apart would make an angle of 0.8
degrees at h = 75 m.  An end stays where moving it would take its line out of the outline.  Lines
are cut where they cross each other and where they leave the outline.  The area never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Ids

TOUCH = 1e-6
"""Distance up to which two points are one, and a point lies on a line, as a share of h [1]."""
STRAIGHT = 1e-9
"""Area over the square of the length up to which three outline vertices are on one line [1]."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A constraint.

    points: (k, 2) m.  size: target edge length at it [m].  embed: whether edges follow it.
    """

    id: str
    points: Floats
    size: float
    embed: bool = True


@dataclass(frozen=True, kw_only=True)
class Net:
    """What the generator is given.

    points: (p, 2) m.  ring: ids of the outline's vertices, counter-clockwise.
    lines: id -> (s, 2) ids of the ends of each segment, in the line's direction, on the outline's
        edges too.
    chains: id -> (k, 2) m, the whole line with its ends as they were moved; where it leaves the
        outline in between, it goes on outside as it was drawn.
    """

    points: Floats
    ring: Ids
    lines: Mapping[str, Ids]
    chains: Mapping[str, Floats]

    @property
    def outline(self) -> Floats:
        """(m, 2) m: the outline with the vertices that constraints brought."""
        return self.points[self.ring]


def snapped(outline: Floats, lines: Sequence[Line], snap: float) -> Net:
    """The net of an outline and the constraints inside; ConfigError when one lies outside."""
    extent = float(np.ptp(outline, axis=0).max())
    touch = max(1e-9 * extent, TOUCH * min([line.size for line in lines], default=extent))
    rim = _Rim(outline, touch)
    room = shapely.Polygon(outline).buffer(touch)
    shapely.prepare(room)
    moved: list[Floats] = []
    chains: dict[str, Floats] = {}
    for line in lines:
        spans, pieces = _inside(room, line)
        if line.embed:
            pieces = [_settled(piece, rim, room, snap * line.size) for piece in pieces]
        moved.append(_joined(pieces, touch))
        chains[line.id] = _chain(line.points, spans, pieces)
    return _net(rim, lines, moved, chains)


def _settled(piece: Floats, rim: "_Rim", room: shapely.Polygon, reach: float) -> Floats:
    """The piece with both ends on the outline where they come within reach of it.

    Where that would lead it out of the outline (around a corner that bends inwards), or take away
    most of it, one end or both stay where they were.
    """
    least = 0.5 * shapely.LineString(piece).length
    for choice in ((True, True), (True, False), (False, True), (False, False)):
        trial = piece.copy()
        for index, wanted in zip((0, -1), choice, strict=True):
            if wanted:
                trial[index] = rim.nearby(trial[index], reach)
        thread = shapely.LineString(trial)
        if thread.length >= least and room.covers(thread):
            break
    for index in range(len(trial)):
        wanted = choice[0] if index == 0 else choice[1] and index == len(trial) - 1
        trial[index] = rim.attached(trial[index], reach if wanted else 0.0)
    return trial


def _inside(room: shapely.Polygon, line: Line) -> tuple[list[tuple[float, float]], list[Floats]]:
    """The pieces of a line inside the outline, in its order and direction, and where each lies.

    Where: the distances along the line [m] at which a piece begins and ends.
    """
    thread = shapely.LineString(line.points)
    if room.covers(thread):
        return [(0.0, thread.length)], [line.points.copy()]
    found = []
    for part in shapely.get_parts(shapely.intersection(thread, room)):
        if part.geom_type != "LineString" or part.length <= 1e-3 * line.size:
            continue
        points = np.array(part.coords)
        begin, end = shapely.line_locate_point(thread, shapely.points(points[[0, -1]])).tolist()
        found.append(
            ((begin, end), points) if begin <= end else ((end, begin), points[::-1].copy())
        )
    if not found:
        raise ConfigError(f"mesh.constraint {line.id!r} lies outside of the outline")
    found.sort(key=lambda entry: entry[0])
    return [span for span, _ in found], [points for _, points in found]


def _chain(drawn: Floats, spans: Sequence[tuple[float, float]], pieces: Sequence[Floats]) -> Floats:
    """The pieces, joined by what the user drew between them."""
    passed = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(drawn, axis=0).T))])
    parts = [pieces[0]]
    for (_, left), (entered, _), piece in zip(spans, spans[1:], pieces[1:], strict=False):
        parts += [drawn[(passed > left) & (passed < entered)], piece]
    return np.concatenate(parts)


def _joined(pieces: list[Floats], touch: float) -> Floats:
    """(s, 2, 2) m: the segments of all pieces, without those that are points."""
    segments = [np.stack([piece[:-1], piece[1:]], axis=1) for piece in pieces]
    joined: Floats = np.concatenate(segments)
    return joined[np.hypot(*(joined[:, 1] - joined[:, 0]).T) > touch]


class _Rim:
    """The outline while constraints are attached to it.

    fixed: its vertices that stay, corners and those that constraints brought.
    """

    def __init__(self, outline: Floats, touch: float) -> None:
        self.ring = outline
        self.fixed = outline[_turning(outline)]
        self.touch = touch

    def nearby(self, point: Floats, reach: float) -> Floats:
        """Where a point goes: a fixed vertex within reach, else the outline, else it stays."""
        ring = shapely.LinearRing(self.ring)
        if ring.distance(shapely.Point(point)) > reach:
            return point
        away = np.hypot(*(self.fixed - point).T)
        if away.min() <= reach:
            return self.fixed[int(np.argmin(away))]
        return np.array(ring.interpolate(ring.project(shapely.Point(point))).coords)[0]

    def attached(self, point: Floats, reach: float) -> Floats:
        """The point, a vertex of the outline from now on if it lies on it.

        The straight vertices within reach are left out instead.
        """
        on = self.nearby(point, 2 * self.touch)  # a line was cut at `touch` beyond the outline
        if on is point or np.any(np.all(self.fixed == on, axis=1)):
            return on
        kept = np.ones(len(self.ring), dtype=bool)
        kept[np.hypot(*(self.ring - on).T) <= max(reach, self.touch)] = False
        kept |= (self.ring[:, None] == self.fixed).all(axis=2).any(axis=1)
        self.ring = self.ring[kept]
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self.ring, axis=0).T))])
        at = shapely.LinearRing(self.ring).project(shapely.Point(on))
        edge = int(np.searchsorted(along, at, side="right")) - 1
        self.ring = np.insert(self.ring, edge + 1, on, axis=0)
        self.fixed = np.vstack([self.fixed, on])
        return on


def _turning(ring: Floats) -> Ids:
    """Vertices at which the outline turns: without them the area would be another."""
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    one, two = ring - before, after - ring
    cross = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    return np.flatnonzero(cross > STRAIGHT * (np.sum(one**2, axis=1) + np.sum(two**2, axis=1)))


def _net(
    rim: _Rim, lines: Sequence[Line], moved: Sequence[Floats], chains: Mapping[str, Floats]
) -> Net:
    """Points merged, lines cut where they cross or meet each other or a vertex of the outline."""
    solid = [segments for line, segments in zip(lines, moved, strict=True) if line.embed]
    rings = np.stack([rim.ring, np.roll(rim.ring, -1, axis=0)], axis=1)
    edges = np.concatenate([*solid, rings])
    naming = _Naming(rim)
    outer = np.array([naming(point) for point in rim.ring])
    named = {}
    for line, segments in zip(lines, moved, strict=True):
        pieces = _cut(segments, edges, rim.touch) if line.embed else list(segments)
        ends = [(naming(a), naming(b)) for a, b in pieces]
        named[line.id] = np.array([pair for pair in ends if pair[0] != pair[1]]).reshape(-1, 2)
    return Net(points=np.array(naming.points), ring=outer, lines=named, chains=chains)


class _Naming:
    """One id for all points that touch."""

    def __init__(self, rim: _Rim) -> None:
        self.origin = rim.ring.min(axis=0)
        self.grain = rim.touch
        self.ids: dict[tuple[int, int], int] = {}
        self.points: list[Floats] = []

    def __call__(self, point: Floats) -> int:
        x, y = np.round((point - self.origin) / self.grain).astype(np.int64).tolist()
        for place in ((x + i, y + j) for i in (0, -1, 1) for j in (0, -1, 1)):
            if place in self.ids:
                return self.ids[place]
        self.ids[x, y] = len(self.points)
        self.points.append(point)
        return self.ids[x, y]


def _cut(segments: Floats, edges: Floats, touch: float) -> list[Floats]:
    """The segments of one line, each cut at the points where an edge crosses or meets it."""
    tree = shapely.STRtree(shapely.linestrings(edges))
    cut: list[Floats] = []
    for a, b in segments:
        segment = shapely.LineString([a, b])
        met = edges[tree.query(segment, "dwithin", distance=touch)]
        crossings = shapely.intersection(segment, shapely.linestrings(met))
        at = np.concatenate([shapely.get_coordinates(crossings), met.reshape(-1, 2)])
        length = segment.length
        ahead = (b - a) / length
        along = (at - a) @ ahead
        aside = np.abs((at - a) @ np.array([-ahead[1], ahead[0]]))
        inner = np.unique(along[(along > touch) & (along < length - touch) & (aside <= touch)])
        stops = np.concatenate([[0.0], inner])
        chain = np.vstack([a + stops[:, None] * ahead, b])
        cut.extend(np.stack([chain[:-1], chain[1:]], axis=1))
    return cut
