"""Numbers of a configuration, and the faults that make it another problem than it should be.

Values in SI; no numpy, since this runs when a case is planned.
"""

import math
from typing import TYPE_CHECKING

from mhx.groundwater.kinds import Fault, Place
from mhx.groundwater.packages import Boundary, Quantity, WaterSource
from mhx.groundwater.units import to_si

if TYPE_CHECKING:
    from mhx.groundwater.config import Simulation
    from mhx.groundwater.flow_config import Param

AXES = {"west": 0, "east": 0, "south": 1, "north": 1}
OPPOSITE = {"west": "east", "east": "west", "south": "north", "north": "south"}


class Reading:
    """Numbers of a configuration, and the faults that make it another problem."""

    def __init__(self, config: "Simulation", solution: str) -> None:
        self.config, self.faults = config, list[Fault]()
        self.told = f"with solver.analytic.solution = {solution!r}"

    def must(self, good: bool, place: Place, what: str) -> bool:
        """Note a fault at a key unless it is as it must be."""
        if not good:
            self.faults.append(Fault(place, f"must {what} {self.told}"))
        return good

    def given(self, value: object, place: Place, what: str = "") -> bool:
        """Note a fault at a key that is missing."""
        if value is None:
            self.faults.append(Fault(place, f"is required {self.told}{what}", absent=True))
        return value is not None

    def number(self, value: object, place: Place) -> float:
        """A constant in SI; NaN and a fault for what is none."""
        if isinstance(value, Quantity):
            return value.si
        if isinstance(value, int | float):
            return float(value)
        if self.given(value, place):
            self.must(False, place, "be one number")
        return math.nan

    def uniform(self, param: "Param | None", place: Place, default: float = math.nan) -> float:
        """A parameter that is one value everywhere, in SI; its default where it is not given."""
        if param is None:
            if math.isnan(default):
                self.given(None, place)
            return default
        if self.must(param.value is not None, place, "be one value"):
            assert param.value is not None
            return param.value if param.unit is None else to_si(param.value, param.unit)
        return math.nan

    def box(self) -> tuple[float, float, float, float]:
        """West, east, south and north of the rectangle [m]."""
        domain = self.config.domain
        assert domain is not None  # checked by Simulation
        if not self.must(domain.kind == "rectangle", ("domain", "kind"), "be 'rectangle'"):
            return (math.nan,) * 4
        assert domain.length_x is not None and domain.length_y is not None
        return (
            domain.x0,
            domain.x0 + domain.length_x,
            domain.y0,
            domain.y0 + domain.length_y,
        )

    def conductivity(self) -> tuple[float, float]:
        """K along x and along y [m/s]; one layer, one value, axes along the sides."""
        flow, layers = self.config.flow, self.config.layers
        assert flow is not None and layers is not None
        self.must(layers.n_layers == 1, ("layers", "n_layers"), "be 1")
        param = flow.param
        place: Place = ("flow", "param")
        self.must(param.angle1 is None, (*place, "angle1"), "be left out")
        along = self.uniform(param.K, (*place, "K"))
        ratio = self.uniform(param.K22_ratio, (*place, "K22_ratio"), 1.0)
        return along, along * ratio

    def regime(self, regime: str, cell_type: str) -> None:
        """Which equation is solved."""
        flow = self.config.flow
        assert flow is not None
        self.must(flow.regime == regime, ("flow", "regime"), f"be {regime!r}")
        place = ("flow", "formulation", "cell_type")
        self.must(flow.formulation.cell_type == cell_type, place, f"be {cell_type!r}")

    def thickness(self) -> float:
        """The same everywhere [m]."""
        layers, flat = self.config.layers, self.flat_top()
        assert layers is not None
        if layers.thickness is not None:
            return layers.thickness
        if flat is not None and layers.bottom is not None:
            return flat - layers.bottom
        if flat is not None and layers.depth is not None:
            return layers.depth
        self.must(False, ("layers", "kind"), "be 'constant_thickness'")
        return math.nan

    def flat_top(self) -> float | None:
        """Elevation of a ground that is flat [m]."""
        ground = self.config.topography
        flat = ground is not None and ground.kind == "plane" and not ground.amplitude
        return ground.base_elevation if ground is not None and flat else None

    def bottom(self) -> float:
        """Elevation of a flat bottom [m]."""
        layers, flat = self.config.layers, self.flat_top()
        assert layers is not None
        if layers.bottom is not None:
            return layers.bottom
        depth = layers.thickness if layers.thickness is not None else layers.depth
        if flat is not None and depth is not None:
            return flat - depth
        self.must(False, ("layers", "kind"), "be 'constant_bottom'")
        return math.nan

    def sides(self) -> dict[str, tuple[int, Boundary]]:
        """Fixed heads by the side they lie on; anything else is a fault."""
        flow = self.config.flow
        assert flow is not None
        found = {}
        for index, table in enumerate(flow.bc):
            place: Place = ("flow", "bc", index)
            chd = self.must(table.package == "chd", (*place, "package"), "be 'chd'")
            side = self.must(table.where.side is not None, (*place, "where"), "be a side")
            if chd and side:
                found[str(table.where.side)] = (index, table)
        return found

    def sources(self, package: str) -> list[tuple[int, WaterSource]]:
        """Sources of a package; others are faults."""
        flow = self.config.flow
        assert flow is not None
        for index, table in enumerate(flow.source):
            place = ("flow", "source", index, "package")
            must = f"be {package!r}" if package else "be left out"
            self.must(table.package == package, place, must)
        return [(i, table) for i, table in enumerate(flow.source) if table.package == package]

    def opposite(self) -> tuple[int, float, float]:
        """Axis between the two sides with a head, and the heads at its lower and upper end."""
        sides = self.sides()
        pair = len(sides) == 2 and all(OPPOSITE[side] in sides for side in sides)
        if not self.must(pair, ("flow", "bc"), "be chd on two opposite sides and nothing else"):
            return 0, math.nan, math.nan
        low, high = ("west", "east") if "west" in sides else ("south", "north")
        heads = []
        for side in (low, high):
            index, table = sides[side]
            heads.append(self.number(table.head, ("flow", "bc", index, "head")))
        return AXES[low], heads[0], heads[1]

    def inset(self, axis: int) -> float:
        """How far inside of a side it is held: half a cell of a regular grid, or nothing [m]."""
        mesh = self.config.mesh
        assert mesh is not None  # checked by Simulation
        if self.config.solver.analytic.anchor == "edges":
            return 0.0
        place = ("solver", "analytic", "anchor")
        regular = mesh.kind in ("structured", "rectangular_disv")
        self.must(regular, place, f"be 'edges' with mesh.kind = {mesh.kind!r}")
        cell = (mesh.cell_x, mesh.cell_y)[axis] or mesh.size
        return 0.5 * cell if regular and cell is not None else 0.0

    def edges_only(self, why: str) -> None:
        """For what is not held at centres of cells."""
        anchor = self.config.solver.analytic.anchor
        self.must(anchor == "edges", ("solver", "analytic", "anchor"), f"be 'edges', {why},")

    def between(self) -> tuple[int, float, float, float, float, float, float]:
        """Axis, its ends and their heads, K along it and the width across."""
        west, east, south, north = self.box()
        axis, head_low, head_high = self.opposite()
        k = self.conductivity()[axis]
        ends = ((west, east), (south, north))
        inset = self.inset(axis)
        low, high = ends[axis][0] + inset, ends[axis][1] - inset
        start, end = ends[1 - axis]
        return axis, low, high, head_low, head_high, k, end - start
