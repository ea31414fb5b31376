"""Tables of a simulation for the tests of terrain and mesh."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from mhx.config import parse
from mhx.groundwater.grid import Grid
from mhx.groundwater.mesh import make_grid
from mhx.groundwater.site import Domain, Mesh, Site, Topography
from mhx.groundwater.terrain import Terrain, terrain_of

PLANE = {"kind": "plane", "base_elevation": 100.0, "amplitude": 10.0, "rises_to": "west"}
STREAM = {"id": "stream", "source": "stream"}
JACKSBORO = {"kind": "dem", "source": "matplotlib:jacksboro_fault_dem"}


def rectangle(length_x: float = 1000.0, length_y: float = 800.0, **more: float) -> dict[str, Any]:
    return {"kind": "rectangle", "length_x": length_x, "length_y": length_y, **more}


def catchment(**more: Any) -> dict[str, Any]:
    return {"kind": "catchment", "outlet": {"row": 104, "column": 255}, **more}


def site(
    domain: dict[str, Any] | None = None,
    topography: dict[str, Any] | None = None,
    **mesh: Any,
) -> Site:
    """The three tables that terrain and mesh read, checked as in a file."""
    return SimpleNamespace(
        domain=parse(Domain, domain or rectangle()),
        topography=parse(Topography, topography) if topography else None,
        mesh=parse(Mesh, {"kind": "structured", "size": 100.0} | mesh),
    )


def meshed(config: Site) -> tuple[Grid, Terrain]:
    terrain = terrain_of(config)
    return make_grid(config, terrain), terrain


def line(name: str, *points: tuple[float, float], **more: Any) -> dict[str, Any]:
    return {"id": name, "points": [list(point) for point in points], **more}


def star(radii: list[float]) -> list[list[float]]:
    """A simple polygon: one vertex per radius, at equal angles."""
    angle = 2 * np.pi * np.arange(len(radii)) / len(radii)
    return np.stack([radii * np.cos(angle), radii * np.sin(angle)], axis=1).tolist()
