"""Pictures of a page as SVG: trends, ladders, ensembles, bars.  Standard library alone.

A page may hold dozens of them and is drawn again while cases finish, so they cost a millisecond and
some kilobytes each.  Colours and line styles are classes of the page's style sheet, which knows a
light and a dark page and paper; no colour alone carries a meaning.  Every text is escaped here.
Numbers that are not finite, or not positive on a logarithmic axis, are left out; the caller says
so in words.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from mhx.report.scales import Scale, scale_of

WIDTH, HEIGHT = 420.0, 268.0
TOP, RIGHT, BOTTOM = 24.0, 14.0, 46.0
CHARACTER = 6.1  # pixels per character of a label, at most
SERIES = 6  # styles of lines


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points joined in order; style: 0 .. 5 or a class of its own; dots: whether they are shown."""

    x: Sequence[float]
    y: Sequence[float]
    label: str = ""
    style: int | str = 0
    dots: bool = True
    joined: bool = True


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A vertical bar from low to high at x: an interval; style: a class."""

    x: float
    low: float
    high: float
    style: str = "interval"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an axis says; names: of the places 0, 1, 2 ... of a categorical axis."""

    label: str = ""
    log: bool = False
    names: Sequence[str] = ()
    include: Sequence[float] = ()  # numbers that must lie on it


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One pair of axes.  rules: horizontal lines with a name."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line] = ()
    bars: Sequence[Bar] = ()
    rules: Sequence[tuple[float, str]] = ()
    note: str = ""
    legend: bool = field(default=False)


def draw(picture: Picture) -> str:
    """The picture as one `svg` element."""
    x, y = _scales(picture)
    left = 22 + CHARACTER * max((len(text) for _, text in y.ticks), default=1) + 14
    frame = _Frame(left, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM, x, y)
    parts = [*_grid(frame, picture)]
    for value, name in picture.rules:
        if y.holds(value):
            parts.append(_segment(frame.left, frame.y(value), frame.right, frame.y(value), "rule"))
            parts.append(_text(frame.right, frame.y(value) - 4, name, "note", "end"))
    for bar in picture.bars:
        if x.holds(bar.x) and y.holds(bar.low) and y.holds(bar.high):
            at = frame.x(bar.x)
            parts.append(_segment(at, frame.y(bar.low), at, frame.y(bar.high), bar.style))
    for line in picture.lines:
        parts += _line(frame, line)
    if picture.legend:
        parts += _legend(frame, picture.lines)
    return _svg(picture.title, parts, HEIGHT)


def histogram(
    title: str,
    label: str,
    edges: Sequence[float],
    counts: Sequence[int],
    quantiles: Sequence[tuple[str, float]],
) -> str:
    """Counts in classes, with quantiles marked below and named."""
    span = [*edges, *(value for _, value in quantiles)]
    x = scale_of(span, log=False)
    y = scale_of([0, max(counts, default=0) or 1], log=False, whole=True)
    left = 22 + CHARACTER * max((len(text) for _, text in y.ticks), default=1) + 14
    frame = _Frame(left, WIDTH - RIGHT, TOP + 6, HEIGHT - BOTTOM, x, y)
    parts = [*_grid(frame, Picture(title=title, x=Axis(label=label), y=Axis(label="cases")))]
    if edges and edges[0] == edges[-1]:
        at = frame.x(edges[0])
        parts.append(_box(at - 5, frame.y(counts[0]), 10, frame.bottom - frame.y(counts[0])))
    else:
        for n, count in enumerate(counts):
            a, b, top = frame.x(edges[n]), frame.x(edges[n + 1]), frame.y(count)
            parts.append(_box(a, top, b - a - 0.6, frame.bottom - top))
    last = -math.inf
    for name, value in quantiles:
        at = frame.x(value)
        parts.append(_segment(at, frame.top, at, frame.bottom, "quantile"))
        if at - last > 30:
            parts.append(_text(at, frame.top - 4, name, "note", "middle"))
            last = at
    return _svg(title, parts, HEIGHT)


def bars(
    title: str,
    label: str,
    rows: Sequence[tuple[str, float, float, str]],
    centre: float = 0.0,
    include: Sequence[float] = (),
) -> str:
    """Horizontal bars: name, start, end, words at the end; a line at the centre.

    include: numbers that must lie on the axis, for scales that are alike in many pictures.
    """
    span = [centre, *include, *(end for _, a, b, _ in rows for end in (a, b))]
    x = scale_of(span, log=False)
    height = 26.0 * len(rows) + TOP + BOTTOM
    names = min(150.0, 14 + CHARACTER * max((len(name) for name, *_ in rows), default=1))
    frame = _Frame(names + 8, WIDTH - 62, TOP, height - BOTTOM, x, x)
    parts = []
    for value, text in x.ticks:
        at = frame.x(value)
        parts.append(_segment(at, frame.top, at, frame.bottom, "grid"))
        parts.append(_text(at, frame.bottom + 15, text, "tick", "middle"))
    for n, (name, start, end, words) in enumerate(rows):
        top = frame.top + 26 * n + 5
        a, b = sorted((frame.x(start), frame.x(end)))
        parts.append(_text(frame.left - 8, top + 12, _short(name, 22), "tick name", "end"))
        parts.append(_box(a, top, max(b - a, 1.2), 16))
        parts.append(_text(frame.right + 6, top + 12, words, "note", "start"))
    parts.append(_segment(frame.x(centre), frame.top, frame.x(centre), frame.bottom, "axis"))
    parts.append(_text((frame.left + frame.right) / 2, height - 8, _with(label, x), "label",
                       "middle"))  # fmt: skip
    return _svg(title, parts, height)


@dataclass(frozen=True)
class _Frame:
    left: float
    right: float
    top: float
    bottom: float
    across: Scale
    up: Scale

    def x(self, value: float) -> float:
        return self.left + self.across.share(value) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - self.up.share(value) * (self.bottom - self.top)


def _scales(picture: Picture) -> tuple[Scale, Scale]:
    xs = [v for line in picture.lines for v in line.x]
    xs += [*(bar.x for bar in picture.bars), *picture.x.include]
    ys = [v for line in picture.lines for v in line.y]
    ys += [end for bar in picture.bars for end in (bar.low, bar.high)]
    ys += [*(value for value, _ in picture.rules), *picture.y.include]
    return (
        scale_of(xs, log=picture.x.log, names=picture.x.names),
        scale_of(ys, log=picture.y.log),
    )


def _grid(frame: _Frame, picture: Picture) -> Iterable[str]:
    for value, text in frame.up.ticks:
        at = frame.y(value)
        yield _segment(frame.left, at, frame.right, at, "grid")
        yield _text(frame.left - 7, at + 3.6, text, "tick", "end")
    for value, text in frame.across.ticks:
        at = frame.x(value)
        yield _segment(at, frame.bottom, at, frame.bottom + 4, "axis")
        yield _text(at, frame.bottom + 16, _short(text, 16), "tick", "middle")
    yield _segment(frame.left, frame.bottom, frame.right, frame.bottom, "axis")
    middle = (frame.left + frame.right) / 2
    yield _text(middle, HEIGHT - 9, _with(picture.x.label, frame.across), "label", "middle")
    label = picture.y.label
    up = (frame.top + frame.bottom) / 2
    if frame.up.factor:
        yield _text(4, TOP - 11, frame.up.factor, "note", "start")
    yield (
        f'<text class="label" text-anchor="middle" transform="translate(13 {up:.1f}) rotate(-90)">'
        f"{escape(_short(label, 44))}</text>"
    )
    if picture.note:
        yield _text(frame.right, frame.top - 4, picture.note, "note", "end")


def _line(frame: _Frame, line: Line) -> list[str]:
    shown = [(x, y) for x, y in zip(line.x, line.y, strict=True)
             if frame.across.holds(x) and frame.up.holds(y)]  # fmt: skip
    points = [(frame.x(x), frame.y(y)) for x, y in shown]
    style = f"s{line.style}" if isinstance(line.style, int) else line.style
    parts = []
    if line.joined and len(points) > 1:
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline class="line {style}" points="{path}"/>')
    if line.dots and points:  # a stroke of no length with round caps is a dot
        size = "dots" if len(points) <= 60 else "dots small"
        path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in points)
        parts.append(f'<path class="{size} {style}" d="{path}"/>')
    return parts


def _legend(frame: _Frame, lines: Sequence[Line]) -> list[str]:
    parts = []
    at = max(frame.left + 2.0, 14 + CHARACTER * len(frame.up.factor))
    for line in lines:
        if not line.label:
            continue
        text = _short(line.label, 26)
        if at + 24 + CHARACTER * len(text) > frame.right:
            break
        style = f"s{line.style}" if isinstance(line.style, int) else line.style
        parts.append(f'<path class="line {style}" d="M{at:.1f} {TOP - 14.5:.1f}h14"/>')
        parts.append(_text(at + 18, TOP - 11, text, "note", "start"))
        at += 30 + CHARACTER * len(text)
    return parts


def _with(label: str, scale: Scale) -> str:
    return f"{label}  {scale.factor}".strip() if scale.factor else label


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def _segment(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<path class="{style}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def _box(x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.4):.1f}" '
        f'height="{max(height, 0):.1f}"/>'
    )


def _text(x: float, y: float, text: str, style: str, anchor: str) -> str:
    return (
        f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _svg(title: str, parts: Iterable[str], height: float) -> str:
    name = escape(title, quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{name}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
