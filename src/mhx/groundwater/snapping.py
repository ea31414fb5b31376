"""Outline and constraints made fit to be meshed: one planar net of points and segments.

Ends of constraints that lie on the outline, or nearer to it than `snap` x h, are put on it; a
straight vertex of the outline within that distance of such an end is dropped, while a true corner,
or the end of another line, takes the end in: two vertices 2 m apart would make an angle of 0.8
degrees at h = 75 m.  Lines are cut where they cross each other and where they leave the outline.
The area never changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Ids

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
    rim = _Rim(outline)
    touch = 1e-9 * float(np.ptp(outline, axis=0).max())
    moved: list[Floats] = []
    chains: dict[str, Floats] = {}
    for line in lines:
        spans, pieces = _inside(outline, line, touch)
        for piece in pieces if line.embed else []:
            for index in range(len(piece)):
                end = index in (0, len(piece) - 1)
                reach = max(snap * line.size, touch) if end else touch
                piece[index] = rim.attached(piece[index], reach)
        moved.append(_joined(pieces, touch))
        chains[line.id] = _chain(line.points, spans, pieces)
    return _net(rim.ring, lines, moved, chains)


def _inside(
    ring: Floats, line: Line, touch: float
) -> tuple[list[tuple[float, float]], list[Floats]]:
    """The pieces of a line inside the outline, in its order and direction, and where each lies.

    Where: the distances along the line [m] at which a piece begins and ends.
    """
    reach = shapely.Polygon(ring).buffer(touch)
    thread = shapely.LineString(line.points)
    if reach.covers(thread):
        return [(0.0, thread.length)], [line.points.copy()]
    found = []
    for part in shapely.get_parts(shapely.intersection(thread, reach)):
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

    def __init__(self, outline: Floats) -> None:
        self.ring = outline
        self.fixed = outline[_turning(outline)]

    def attached(self, end: Floats, reach: float) -> Floats:
        """The point, put on the outline if that is nearer than `reach`; a vertex of it then."""
        if shapely.LinearRing(self.ring).distance(shapely.Point(end)) > reach:
            return end
        away = np.hypot(*(self.fixed - end).T)
        if away.min() <= reach:
            return self.fixed[int(np.argmin(away))]
        self._drop(end, reach)
        ring = shapely.LinearRing(self.ring)
        at = ring.project(shapely.Point(end))
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(self.ring, axis=0).T))])
        edge = int(np.searchsorted(along, at, side="right")) - 1
        on = np.array(ring.interpolate(at).coords)[0]
        self.ring = np.insert(self.ring, edge + 1, on, axis=0)
        self.fixed = np.vstack([self.fixed, on])
        return on

    def _drop(self, end: Floats, reach: float) -> None:
        """Leave out the vertices near the end, which are all straight ones."""
        self.ring = self.ring[np.hypot(*(self.ring - end).T) > reach]


def _turning(ring: Floats) -> Ids:
    """Vertices at which the outline turns: without them the area would be another."""
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    one, two = ring - before, after - ring
    cross = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    return np.flatnonzero(cross > STRAIGHT * (np.sum(one**2, axis=1) + np.sum(two**2, axis=1)))


def _net(
    ring: Floats, lines: Sequence[Line], moved: Sequence[Floats], chains: Mapping[str, Floats]
) -> Net:
    """Points merged, lines cut where they cross or meet each other or a vertex of the outline."""
    solid = [segments for line, segments in zip(lines, moved, strict=True) if line.embed]
    naming = _Naming(ring)
    outer = np.array([naming(point) for point in ring])
    named = {}
    for line, segments in zip(lines, moved, strict=True):
        pieces = _cut(segments, solid, ring) if line.embed else list(segments)
        ends = [(naming(a), naming(b)) for a, b in pieces]
        named[line.id] = np.array([pair for pair in ends if pair[0] != pair[1]]).reshape(-1, 2)
    return Net(points=np.array(naming.points), ring=outer, lines=named, chains=chains)


class _Naming:
    """One id for all points that are the same to round-off."""

    def __init__(self, ring: Floats) -> None:
        self.origin = ring.min(axis=0)
        self.grain = 1e-9 * float(np.ptp(ring, axis=0).max())
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


def _cut(segments: Floats, solid: Sequence[Floats], ring: Floats) -> list[Floats]:
    """The segments of one line, each cut at the points where any line or the outline meets it."""
    edges = np.concatenate([*solid, np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)])
    tree = shapely.STRtree(shapely.linestrings(edges))
    cut: list[Floats] = []
    for a, b in segments:
        segment = shapely.LineString([a, b])
        reach = 1e-9 * segment.length
        met = edges[tree.query(segment, "dwithin", distance=reach)]
        crossings = shapely.intersection(segment, shapely.linestrings(met))
        at = np.concatenate([shapely.get_coordinates(crossings), met.reshape(-1, 2)])
        step = b - a
        along = (at - a) @ step / (step @ step)
        off = np.abs((at - a) @ np.array([-step[1], step[0]])) / (step @ step)
        inner = np.unique(along[(along > 1e-9) & (along < 1 - 1e-9) & (off <= 1e-9)])
        stops = np.concatenate([[0.0], inner, [1.0]])
        chain = a + stops[:, None] * step
        chain[-1] = b
        cut.extend(np.stack([chain[:-1], chain[1:]], axis=1))
    return cut
