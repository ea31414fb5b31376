"""Numbers that a user gives per cell or per stress period, read from files.

CSV with a header, one row per cell in the order of `mesh/cells.csv` or with the column `cell_id`;
for several layers either once for all or layer after layer.  Zones may be polygons of a GeoJSON
file (property `zone`), which hold the cells whose centre lies inside.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.polylines import csv_rows


def columns(path: Path, key: str) -> dict[str, list[str]]:
    """The columns of a CSV file by name; ConfigError where it is no table."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{key}: {path} cannot be read: {reason}") from error
    rows = [row for row in csv_rows(text) if row]
    if len(rows) < 2:
        raise ConfigError(f"{key}: {path} holds no rows below a header")
    header = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            told = f"has {len(row)} values, the header {len(header)}"
            raise ConfigError(f"{key}: {path}:{number}  {told}")
    return {name: [row[at].strip() for row in rows[1:]] for at, name in enumerate(header)}


def column(path: Path, name: str, key: str) -> list[str]:
    """One column of a CSV file; ConfigError names those there are."""
    table = columns(path, key)
    if name not in table:
        known = ", ".join(table)
        raise ConfigError(f"{key}: {path} has no column {name!r}; it has {known}")
    return table[name]


def numbers(texts: Sequence[str], path: Path, key: str) -> Floats:
    """Finite numbers; ConfigError with the line of the first that is none."""
    found = np.empty(len(texts))
    for index, text in enumerate(texts):
        try:
            found[index] = float(text)
        except ValueError:
            found[index] = math.nan
        if not math.isfinite(found[index]):
            raise ConfigError(f"{key}: {path}:{index + 2}  must be a number, got {text!r}")
    return found


def per_period(path: Path, name: str, n_periods: int, key: str) -> Floats:
    """(n_periods,) of a column with one row per stress period."""
    found = numbers(column(path, name, key), path, key)
    if found.size != n_periods:
        raise ConfigError(f"{key}: {path} has {found.size} rows for {n_periods} stress periods")
    return found


def per_cell(path: Path, shape: tuple[int, int], key: str) -> Floats:
    """(n_layers, n) of the column `value`, or of the only column beside `cell_id`."""
    table = columns(path, key)
    names = [name for name in table if name not in ("cell_id", "layer")]
    name = "value" if "value" in names or len(names) != 1 else names[0]
    texts = _ordered(table, column(path, name, key), path, key)
    return _layered(numbers(texts, path, key), shape, path, key)


def zones_per_cell(path: Path, grid: Grid, n_layers: int, key: str) -> np.ndarray:
    """(n_layers, n) names of zones; "" where a GeoJSON file has none."""
    if path.suffix.lower() in (".json", ".geojson"):
        return np.tile(_zones_of_polygons(path, grid, key), (n_layers, 1))
    table = columns(path, key)
    texts = _ordered(table, column(path, "zone", key), path, key)
    return _layered(np.array(texts, dtype=object), (n_layers, grid.n_cells), path, key)


def _ordered(table: dict[str, list[str]], texts: list[str], path: Path, key: str) -> list[str]:
    """The rows in the order of the cells, where the file says which cell each row is."""
    if "cell_id" not in table:
        return texts
    ids = numbers(table["cell_id"], path, key).astype(int)
    if "layer" in table:
        ids = ids + (numbers(table["layer"], path, key).astype(int) - 1) * (ids.max() + 1)
    if sorted(ids.tolist()) != list(range(len(ids))):
        raise ConfigError(f"{key}: {path}: cell_id must name each cell once, from 0")
    return [texts[at] for at in np.argsort(ids)]


def _layered(found: Any, shape: tuple[int, int], path: Path, key: str) -> Any:
    layers, cells = shape
    if found.size == cells:
        return np.tile(found, (layers, 1))
    if found.size == layers * cells:
        return found.reshape(shape)
    raise ConfigError(
        f"{key}: {path} has {found.size} rows for {cells} cells"
        + (f" in {layers} layers" if layers > 1 else "")
    )


def _zones_of_polygons(path: Path, grid: Grid, key: str) -> np.ndarray:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        features = [(f["properties"]["zone"], shape(f["geometry"])) for f in document["features"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        told = f"{key}: {path} must hold GeoJSON features, each a polygon with a property zone"
        raise ConfigError(told) from error
    found = np.full(grid.n_cells, "", dtype=object)
    for name, polygon in features:
        found[shapely.contains_xy(polygon, *grid.centres.T)] = str(name)
    return found
