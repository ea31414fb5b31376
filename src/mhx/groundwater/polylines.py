"""Lines and outlines that a user drew: CSV with columns x and y, or GeoJSON.

Points are (n, 2), x east and y north, in m; a repeated closing point is dropped from an outline.
Every fault names file and line.
"""

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats

_DRAWN = ("LineString", "Polygon")


def read_points(path: Path, key: str) -> Floats:
    """The points of the file that `key` names, in their order."""
    text = text_of(path, key)
    if path.suffix.lower() in (".geojson", ".json"):
        return _geojson(path, key, text)
    return _csv(path, key, text)


def outline_of(points: Floats, where: str) -> Floats:
    """A simple polygon, counter-clockwise, no point repeated; ConfigError if it is none.

    where: what the message names, a key or a file.
    """
    ring = points[np.any(points != np.roll(points, -1, axis=0), axis=1)]
    if len(ring) < 3:
        raise ConfigError(f"{where}: an outline needs at least 3 points, got {len(ring)}")
    polygon = shapely.Polygon(ring)
    if not polygon.is_valid:
        raise ConfigError(f"{where}: the outline is no simple polygon: {_reason(polygon)}")
    return ring if polygon.exterior.is_ccw else np.ascontiguousarray(ring[::-1])


def line_of(points: Floats, where: str, *, closed: bool = False) -> Floats:
    """A line of at least two different points; closed: it ends where it begins."""
    line = np.concatenate([points, points[:1]]) if closed else points
    line = line[np.r_[True, np.any(np.diff(line, axis=0) != 0, axis=1)]]
    if len(line) < (4 if closed else 2):
        least = "a closed line needs at least 3" if closed else "a line needs at least 2"
        raise ConfigError(f"{where}: {least} different points")
    return line


def text_of(path: Path, key: str) -> str:
    """The text of an input file, or a ConfigError that names the key and the file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{key}: {path} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ConfigError(f"{key}: {path} cannot be read: {error.strerror}") from None


def number(text: str, place: str) -> float:
    """A finite number of a file; place: `file:line  column`."""
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"{place} must be a number, got {text!r}") from None
    if not math.isfinite(value):
        raise ConfigError(f"{place} must be finite, got {text!r}")
    return value


def csv_rows(text: str) -> Any:
    """A reader of CSV that takes cells of any length; Python's own limit is 131,072 characters."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    return csv.reader(text.splitlines())


def _csv(path: Path, key: str, text: str) -> Floats:
    rows = csv_rows(text)
    header = [name.strip() for name in next(rows, [])]
    if "x" not in header or "y" not in header:
        shown = ",".join(header) or "nothing"
        raise ConfigError(f"{key}: {path}:1  the header must have the columns x,y, got {shown}")
    columns = header.index("x"), header.index("y")
    points = []
    for row in rows:
        if not row:
            continue
        place = f"{key}: {path}:{rows.line_num}"
        if len(row) != len(header):
            raise ConfigError(f"{place}  must have {len(header)} values, got {len(row)}")
        points.append([number(row[c], f"{place}  {header[c]}") for c in columns])
    return np.array(points, dtype=float).reshape(-1, 2)


def _geojson(path: Path, key: str, text: str) -> Floats:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{key}: {path}:{error.lineno}  not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # numbers or nesting without end
        raise ConfigError(f"{key}: {path} is no drawing: {error}") from None
    found = [g for g in _geometries(document) if g.get("type") in _DRAWN]
    if len(found) != 1:
        raise ConfigError(
            f"{key}: {path} must hold one LineString or Polygon, got {len(found)} of them"
        )
    drawn: Any = found[0].get("coordinates")
    if found[0]["type"] == "Polygon":
        if isinstance(drawn, list) and len(drawn) > 1:
            raise ConfigError(f"{key}: {path} holds a polygon with a hole; outlines have none")
        drawn = drawn[0] if drawn else []
    try:
        points = np.array([[float(p[0]), float(p[1])] for p in drawn]).reshape(-1, 2)
    except (TypeError, ValueError, IndexError, KeyError):
        raise ConfigError(f"{key}: {path}: coordinates must be a list of [x, y]") from None
    if not np.isfinite(points).all():
        raise ConfigError(f"{key}: {path}: coordinates must be finite")
    return points


def _geometries(document: Any) -> list[dict[str, Any]]:
    """The geometries of a GeoJSON document, however deep it wraps them."""
    if not isinstance(document, dict):
        return []
    inner = document.get("features", document.get("geometries"))
    if isinstance(inner, list):
        return [geometry for part in inner for geometry in _geometries(part)]
    if "geometry" in document:
        return _geometries(document["geometry"])
    return [document]


def _reason(polygon: shapely.Polygon) -> str:
    return str(shapely.is_valid_reason(polygon)).replace("[", " at (").replace("]", ")")
