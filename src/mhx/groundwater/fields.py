"""Heads and concentrations of a run for other programs: ParaView (VTU) and a GIS (GeoJSON).

One polygon per cell, in the coordinates of the mesh; the last saved step.  A dry cell has no head:
NaN in the VTU file, null in GeoJSON.  In the VTU file z is the ground.
"""

import json
import math
from pathlib import Path

import numpy as np

from mhx.evidence.store import write_text
from mhx.groundwater.grid import Floats, Grid, Ids

VTU, GEOJSON = "cells.vtu", "cells.geojson"
VTK_POLYGON = 7


def write_vtu(path: Path, grid: Grid, top: Floats, columns: dict[str, Floats]) -> None:
    """Cells as polygons at the ground's elevation; columns: name -> (n,) per cell."""
    corners, offsets = grid.corners, grid.offsets
    points = np.column_stack([grid.vertices, _at_vertices(grid, top)])
    kinds = np.full(grid.n_cells, VTK_POLYGON)
    cells = [
        _array("connectivity", "Int64", corners),
        _array("offsets", "Int64", offsets[1:]),
        _array("types", "UInt8", kinds),
    ]
    data = [_array(name, "Float64", values) for name, values in columns.items()]
    text = "\n".join(
        [
            '<?xml version="1.0"?>',
            '<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian">',
            "<UnstructuredGrid>",
            f'<Piece NumberOfPoints="{len(points)}" NumberOfCells="{grid.n_cells}">',
            "<Points>",
            _array("points", "Float64", points.ravel(), components=3),
            "</Points>",
            "<Cells>",
            *cells,
            "</Cells>",
            "<CellData>",
            *data,
            "</CellData>",
            "</Piece>",
            "</UnstructuredGrid>",
            "</VTKFile>",
            "",
        ]
    )
    write_text(path, text)


def write_geojson(path: Path, grid: Grid, columns: dict[str, Floats], crs: str | None) -> None:
    """Cells as features with `cell_id` and the columns; `crs` is noted, not transformed."""
    names = list(columns)
    rows = np.column_stack([columns[name] for name in names]).tolist()
    features = []
    for cell, numbers in enumerate(rows):
        ring = grid.vertices[grid.cell(cell)][::-1].tolist()  # rings run counter-clockwise there
        found = {
            name: number if math.isfinite(number) else None
            for name, number in zip(names, numbers, strict=True)
        }
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        properties = {"cell_id": cell, **found}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    document = {"type": "FeatureCollection", "features": features}
    if crs is not None:
        document["coordinates_in"] = crs
    write_text(path, json.dumps(document, allow_nan=False) + "\n")


def columns_of(
    top: Floats, bottoms: Floats, heads: Floats, fields: dict[str, Floats]
) -> dict[str, Floats]:
    """What is written per cell: top, then head and bottom per layer, then stored fields.

    heads: (n_layers, n) of one step; fields: name -> (n,) or (n_layers, n).
    """
    found = {"top_m": top}
    for name, values in {"bottom_m": bottoms, "head_m": heads, **fields}.items():
        layers = np.atleast_2d(values)
        for number, layer in enumerate(layers, start=1):
            found[name if len(layers) == 1 else f"{name}_{number}"] = layer
    return found


def _at_vertices(grid: Grid, top: Floats) -> Floats:
    """(nv,) mean of the tops around each vertex [m]."""
    total = np.bincount(grid.corners, top[grid.owners], minlength=len(grid.vertices))
    count = np.bincount(grid.corners, minlength=len(grid.vertices))
    mean: Floats = total / np.maximum(count, 1)
    return mean


def _array(name: str, kind: str, values: Floats | Ids, components: int = 1) -> str:
    head = f'<DataArray type="{kind}" Name="{name}" NumberOfComponents="{components}"'
    return f'{head} format="ascii">\n{" ".join(map(repr, values.tolist()))}\n</DataArray>'
