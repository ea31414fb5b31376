"""What lies in the ground: domain, topography, layers and mesh of a simulation.

Lengths in metres, x east and y north in whatever projection the user works in.  A top and a bottom
belong to a cell's centre.  Nothing is read or computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Strict, model_validator

from mhx.config import InputPath, Pair, Table
from mhx.groundwater.kinds import Fault, Kinded, Uses, refuse

Points = Annotated[tuple[Pair, ...], Strict(False)]
"""A list of `[x, y]` [m]."""


class Outlet(Table):
    """Where a catchment drains: a cell of the elevation model, or a point."""

    row: int | None = Field(default=None, ge=0, description="row, from the north [1]")
    column: int | None = Field(default=None, ge=0, description="column, from the west [1]")
    x: float | None = Field(default=None, description="easting [m]")
    y: float | None = Field(default=None, description="northing [m]")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = tuple(k for k in ("row", "column", "x", "y") if getattr(self, k) is not None)
        if given not in (("row", "column"), ("x", "y")):
            refuse("Outlet", [Fault((), "must hold row and column, or x and y")])
        return self


class Domain(Kinded):
    """The area that is modelled."""

    uses: ClassVar[Mapping[str, Uses]] = {
        "rectangle": Uses(("length_x", "length_y"), ("x0", "y0")),
        "polygon": Uses(("file|points",)),
        "catchment": Uses(("outlet",), ("snap_cells", "min_area_km2", "simplify_m")),
    }

    kind: Literal["rectangle", "polygon", "catchment"] = Field(description="how it is given")
    x0: float = Field(default=0.0, description="western edge [m]")
    y0: float = Field(default=0.0, description="southern edge [m]")
    length_x: float | None = Field(default=None, gt=0, le=1e8, description="extent to the east [m]")
    length_y: float | None = Field(
        default=None, gt=0, le=1e8, description="extent to the north [m]"
    )
    file: InputPath | None = Field(default=None, description="CSV with x,y or GeoJSON")
    points: Points | None = Field(default=None, min_length=3, description="corners [m]")
    outlet: Outlet | None = Field(default=None, description="where the catchment drains")
    snap_cells: int = Field(
        default=3, ge=0, description="cells around the outlet searched for the stream [1]"
    )
    min_area_km2: float | None = Field(
        default=None, gt=0, description="smallest area a catchment may have [km2]"
    )
    simplify_m: float | None = Field(
        default=None, ge=0, description="tolerance of the simplified outline [m]"
    )
    crs: str | None = Field(default=None, description="recorded, not transformed")


class Topography(Kinded):
    """Elevation of the ground."""

    uses: ClassVar[Mapping[str, Uses]] = {
        "plane": Uses(
            ("base_elevation", "amplitude", "rises_to"),
            ("anchor", "support_cell"),
        ),
        "valley": Uses(("base_elevation", "slope", "relief", "width", "axis")),
        "dem": Uses(("source",), ("sampling", "fill")),
    }

    kind: Literal["plane", "valley", "dem"] = Field(description="how it is given")
    base_elevation: float | None = Field(default=None, description="lowest elevation [m]")
    amplitude: float | None = Field(default=None, description="rise across the domain [m]")
    rises_to: Literal["west", "east", "north", "south"] | None = Field(
        default=None, description="side that lies highest"
    )
    anchor: Literal["edges", "cell_centres"] = Field(
        default="edges", description="where a plane reaches its extremes"
    )
    support_cell: float | None = Field(
        default=None, gt=0, description="cell whose centres anchor a plane [m]"
    )
    slope: float | None = Field(default=None, description="rise of a valley with y [1]")
    relief: float | None = Field(default=None, description="height of the flanks [m]")
    width: float | None = Field(default=None, gt=0, description="scale of the flanks [m]")
    axis: str | None = Field(default=None, description="mesh constraint along the valley floor")
    source: Literal["matplotlib:jacksboro_fault_dem"] | InputPath | None = Field(
        default=None, description="the elevation model that matplotlib ships, or .npz, .asc, .tif"
    )
    sampling: Literal["bilinear", "nearest", "cell_mean"] = Field(
        default="bilinear", description="how an elevation model is read between its points"
    )
    fill: bool = Field(default=True, description="fill pits by priority flood")

    @model_validator(mode="after")
    def _anchored(self) -> Self:
        if self.anchor == "cell_centres" and self.support_cell is None:
            told = "is required with anchor = 'cell_centres' [m]"
            refuse("Topography", [Fault(("support_cell",), told, absent=True)])
        return self


class Layers(Kinded):
    """Thickness of what conducts water."""

    uses: ClassVar[Mapping[str, Uses]] = {
        "constant_thickness": Uses(("thickness",)),
        "constant_bottom": Uses(("bottom",)),
        "bottom_below_lowest": Uses(("depth",)),
        "surfaces": Uses(("bottoms",)),
    }

    kind: Literal["constant_thickness", "constant_bottom", "bottom_below_lowest", "surfaces"] = (
        Field(description="how the bottom is given")
    )
    thickness: float | None = Field(default=None, gt=0, description="of all layers together [m]")
    bottom: float | None = Field(default=None, description="elevation of the lowest bottom [m]")
    depth: float | None = Field(
        default=None, gt=0, description="of the bottom below the lowest point of the ground [m]"
    )
    bottoms: list[InputPath] | None = Field(
        default=None, min_length=1, description="one file per layer, from the top [m]"
    )
    n_layers: int = Field(default=1, ge=1, le=1000, description="layers [1]")
    fractions: list[float] | None = Field(
        default=None, description="share of each layer in the thickness, from the top [1]"
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        faults = []
        layers, shares = self.n_layers, self.fractions
        if shares is not None and (len(shares) != layers or min(shares, default=0) <= 0):
            faults.append(
                Fault(("fractions",), f"must be a number > 0 for each of {layers} layers")
            )
        elif shares is not None and abs(sum(shares) - 1) > 1e-9:
            faults.append(Fault(("fractions",), f"must add up to 1, got {sum(shares):.10g}"))
        if self.bottoms is not None and len(self.bottoms) != layers:
            told = f"must be {layers} files, one per layer, got {len(self.bottoms)}"
            faults.append(Fault(("bottoms",), told))
        refuse("Layers", faults)
        return self


class Constraint(Table):
    """A line or polygon that the mesh must respect."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="name, used by selectors and metrics")
    file: InputPath | None = Field(default=None, description="CSV with x,y or GeoJSON")
    points: Points | None = Field(default=None, min_length=2, description="vertices [m]")
    source: Literal["stream"] | None = Field(default=None, description="main stream of a catchment")
    embed: bool = Field(default=True, description="edges or generators on the line")
    size: float | None = Field(default=None, gt=0, description="edge length at the line [m]")
    distance: float | None = Field(
        default=None, gt=0, description="over which the edge length grows to mesh.size [m]"
    )
    closed: bool = Field(default=False, description="the last vertex joins the first")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [key for key in ("file", "points", "source") if getattr(self, key) is not None]
        if len(given) != 1:
            refuse("Constraint", [Fault((), "must hold one of file, points or source")])
        return self


class MeshAccept(Table):
    """Bounds on the mesh that become gates."""

    min_angle_deg: float | None = Field(
        default=20.0, ge=0, le=60, description="smallest angle of triangles [degrees]"
    )
    area_ratio_max: float | None = Field(
        default=6.0, ge=1, description="larger over smaller neighbour [1]"
    )
    orthogonality_max_deg: float | None = Field(
        default=None, ge=0, le=90, description="between connection and face normal [degrees]"
    )
    symmetric_difference_max: float | None = Field(
        default=1e-6, ge=0, description="area not shared with the outline, relative [1]"
    )


class Mesh(Kinded):
    """The grid."""

    uses: ClassVar[Mapping[str, Uses]] = {
        "triangles": Uses(("size",), ("size_min", "size_max", "algorithm", "smoothing")),
        "voronoi": Uses(("size",), ("size_min", "size_max", "algorithm", "smoothing")),
        "structured": Uses(("size|cell_x",), ("cell_y",)),
        "rectangular_disv": Uses(("size|cell_x",), ("cell_y",)),
        "file": Uses(("nodes", "cells")),
    }

    kind: Literal["triangles", "voronoi", "structured", "rectangular_disv", "file"] = Field(
        default="voronoi", description="kind of cells"
    )
    size: float | None = Field(default=None, gt=0, description="target edge length [m]")
    size_min: float | None = Field(default=None, gt=0, description="smallest edge length [m]")
    size_max: float | None = Field(default=None, gt=0, description="largest edge length [m]")
    cell_x: float | None = Field(default=None, gt=0, description="cell length in x [m]")
    cell_y: float | None = Field(default=None, gt=0, description="cell length in y [m]")
    algorithm: Literal["delaunay", "frontal", "triangle"] = Field(
        default="frontal", description="gmsh 5 or 6, or the package meshpy"
    )
    smoothing: int = Field(default=10, ge=0, description="Laplace steps [1]")
    seed: int = Field(default=1, ge=0, description="gmsh RandomSeed [1]")
    nodes: InputPath | None = Field(default=None, description="CSV node_id,x,y")
    cells: InputPath | None = Field(default=None, description="CSV cell_id,n0,n1,n2")
    snap_factor: float = Field(
        default=0.4, ge=0, lt=1, description="outline vertices so near a constraint end go [h]"
    )
    constraint: list[Constraint] = Field(default=[], description="lines and polygons to respect")
    accept: MeshAccept = Field(default=MeshAccept(), description="bounds that become gates")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        faults = []
        low, size, high = self.size_min, self.size, self.size_max
        if low is not None and size is not None and low > size:
            faults.append(Fault(("size_min",), f"must be <= {size:g}, mesh.size [m], got {low:g}"))
        if high is not None and size is not None and high < size:
            faults.append(Fault(("size_max",), f"must be >= {size:g}, mesh.size [m], got {high:g}"))
        if self.cell_x is not None and self.cell_y is None:
            faults.append(Fault(("cell_y",), "is required beside cell_x [m]", absent=True))
        names = [line.id for line in self.constraint]
        for index, name in enumerate(names):
            if name in names[:index]:
                faults.append(Fault(("constraint", index, "id"), f"is used twice: {name!r}"))
        refuse("Mesh", faults)
        return self


@dataclass(frozen=True, kw_only=True)
class Site:
    """The tables that terrain and mesh are made of."""

    domain: Domain
    topography: Topography | None
    mesh: Mesh
