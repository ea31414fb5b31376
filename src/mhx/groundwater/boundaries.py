"""Boundary conditions and sources on a grid: cells, layers and MODFLOW's columns, per period.

Levels are metres; conductances and rates leave here in MODFLOW's time unit.  A leakance counts per
area of a cell, or per metre of line where the cells were named by a line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mhx.errors import ConfigError
from mhx.groundwater.grid import Floats, Grid, Ids
from mhx.groundwater.model import Boundary, nodes
from mhx.groundwater.packages import Package, Quantity, Series
from mhx.groundwater.polygons import segments_of
from mhx.groundwater.tables import per_period
from mhx.groundwater.terrain import Terrain
from mhx.groundwater.units import to_si
from mhx.groundwater.where import cells_where, line_cells

LONGEST_NAME = 16  # characters of a package name in MODFLOW 6
ONE_COLUMN = {
    "wel": ("q", "rate"),
    "rcha": ("recharge", "rate"),
    "src": ("smassrate", "value"),
    "cnc": ("conc", "value"),
}
"""Package -> MODFLOW's only column, and our key of it."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a boundary is put into; seconds: in MODFLOW's time unit."""

    grid: Grid
    terrain: Terrain
    top: Floats
    n_periods: int
    seconds: float


def on_grid(
    table: Package, key: str, index: int, setting: Setting, others: Mapping[str, Ids]
) -> Boundary:
    """One table in its cells.

    key: `flow.bc[0]`, for faults; index: its number among all; others: cells of the bc by id.
    """
    cells = _cells(table, key, setting, others)
    layers = np.asarray(sorted(set(table.layers)), np.int64) - 1
    rows = _Rows(table, key, setting, cells)
    name = f"{_package(table)}_{table.id}"
    return Boundary(
        id=table.id,
        package=_package(table),
        name=name if len(name) <= LONGEST_NAME else f"{_package(table)}-{index}",
        cells=np.tile(cells, layers.size),
        layers=np.repeat(layers, cells.size),
        values={k: np.tile(v, (1, layers.size)) for k, v in rows.columns().items()},
        concentration=rows.carried(layers.size),
    )


def all_on_grid(
    tables: Sequence[tuple[str, int, Package]], setting: Setting, others: Mapping[str, Ids]
) -> dict[str, Boundary]:
    """Every table in its cells, by id; those whose cells are what others leave come last.

    tables: key for faults, number, table.  others: cells of boundaries that are placed, by id.
    """
    found: dict[str, Boundary] = {}
    cells: dict[str, Ids] = dict(others)
    waiting = list(tables)
    while waiting:
        ready = [t for t in waiting if t[2].where.except_ is None or t[2].where.except_ in cells]
        if not ready:
            key, _, table = waiting[0]
            raise ConfigError(f"{key}.where.except: {table.where.except_!r} waits for itself")
        for key, number, table in ready:
            boundary = on_grid(table, key, number, setting, cells)
            found[table.id] = boundary
            cells[table.id] = np.unique(boundary.cells)
        waiting = [t for t in waiting if t[2].id not in found]
    ordered = {table.id: found[table.id] for _, _, table in tables}
    keys = {table.id: key for key, _, table in tables}
    refuse_twice_fixed(
        [(keys[name], boundary) for name, boundary in ordered.items()], setting.grid.n_cells
    )
    return ordered


FIXED = {"chd": "a cell has one head", "cnc": "a cell has one concentration"}
"""Packages that hold what a cell has, and why not twice."""


def refuse_twice_fixed(boundaries: Sequence[tuple[str, Boundary]], n_cells: int) -> None:
    """ConfigError where two of a package fix one cell: MODFLOW would take the last."""
    owner: dict[int, str] = {}
    for key, boundary in boundaries:
        if boundary.package not in FIXED:
            continue
        for node in nodes(boundary, n_cells).tolist():
            if node in owner:
                layer, cell = divmod(node, n_cells)
                raise ConfigError(
                    f"{key}.where: cell {cell} in layer {layer + 1} is fixed by {owner[node]!r}, "
                    f"too; {FIXED[boundary.package]}"
                )
            owner[node] = boundary.id


def _package(table: Package) -> str:
    return str(table.package)  # type: ignore[attr-defined]  # every Package has one


def _cells(table: Package, key: str, setting: Setting, others: Mapping[str, Ids]) -> Ids:
    return cells_where(table.where, setting.grid, setting.terrain, key=f"{key}.where", known=others)


class _Rows:
    """The columns of one package over periods and cells."""

    def __init__(self, table: Package, key: str, setting: Setting, cells: Ids) -> None:
        self.table, self.key, self.setting, self.cells = table, key, setting, cells
        self.shape = (setting.n_periods, cells.size)

    def columns(self) -> dict[str, Floats]:
        """MODFLOW's columns in MODFLOW's order."""
        match _package(self.table):
            case "chd":
                return {"head": self.level("head")}
            case "ghb":
                return {"bhead": self.level("head"), "cond": self.conductance()}
            case "drn":
                return {"elev": self.level("elevation"), "cond": self.conductance()}
            case "riv":
                found = {"stage": self.level("stage"), "cond": self.conductance()}
                return found | {"rbot": self.below(self.level("bottom"), found["stage"])}
            case "cnc" | "wel" | "rcha" | "src" as package:
                name, key = ONE_COLUMN[package]
                scale = 1.0 if package == "cnc" else self.setting.seconds
                return {name: self.number(key) * scale}
            case _:
                return self.evapotranspiration()

    def carried(self, n_layers: int) -> Floats | None:
        """(n_periods, k) concentration of what enters; ConfigError for negative ones."""
        if getattr(self.table, "concentration", None) is None:
            return None
        found = self.number("concentration")
        if found.min() < 0:
            raise ConfigError(f"{self.key}.concentration must be >= 0, got {found.min():g}")
        return np.tile(found, (1, n_layers))

    def evapotranspiration(self) -> dict[str, Floats]:
        """The columns of evt; without a surface it is largest at the top."""
        surface = "top" if getattr(self.table, "surface", None) is None else None
        return {
            "surface": self.level("surface", surface),
            "rate": self.number("rate") * self.setting.seconds,
            "depth": self.positive("depth"),
        }

    def number(self, key: str) -> Floats:
        """(n_periods, k) of a constant, a quantity or a series, in SI."""
        found = getattr(self.table, key)
        if isinstance(found, Quantity):
            return np.full(self.shape, found.si)
        if isinstance(found, Series):
            where = f"{self.key}.{key}"
            values = per_period(found.file, found.column, self.shape[0], where)
            factor = 1.0 if found.unit is None else to_si(1.0, found.unit)
            return np.broadcast_to((values * factor)[:, None], self.shape).copy()
        return np.full(self.shape, float(found))

    def level(self, key: str, instead: str | None = None) -> Floats:
        """(n_periods, k) elevations [m]."""
        found = instead or getattr(self.table, key)
        if not isinstance(found, str):
            return self.number(key)
        word, _, rest = found.partition(" ")
        shift = float(rest.replace(" ", "")) if rest else 0.0
        under = self.setting.top[self.cells] if word == "top" else self.stages()
        return np.tile(under + shift, (self.shape[0], 1))

    def stages(self) -> Floats:
        """(k,) ground along a line, lowered where it would rise downstream."""
        top = self.setting.top[self.cells]
        centres = self.setting.grid.centres[self.cells]
        order = np.argsort(_along(self.segments(), centres), kind="stable")
        if top[order[0]] < top[order[-1]]:  # drawn from the mouth to the source
            order = order[::-1]
        found = np.empty(top.size)
        found[order] = np.minimum.accumulate(top[order])
        return found

    def segments(self) -> Floats:
        """(m, 2, 2) the line of `where.line`: as the mesh respects it, else as it was drawn."""
        name = str(self.table.where.line)
        meshed, drawn = self.setting.grid.constraints, self.setting.terrain.lines
        return segments_of(meshed[name] if name in meshed else drawn[name])

    def conductance(self) -> Floats:
        """(n_periods, k) per time unit."""
        if getattr(self.table, "conductance", None) is not None:
            return self.positive("conductance") * self.setting.seconds
        grid = self.setting.grid
        if self.table.where.line is not None:
            where, key = self.table.where, f"{self.key}.where"
            size = line_cells(where, grid, self.setting.terrain, key=key)[1]
        else:
            size = grid.areas[self.cells]
        return self.positive("leakance") * size * self.setting.seconds

    def positive(self, key: str) -> Floats:
        """Like `number`; ConfigError for values <= 0."""
        found = self.number(key)
        if found.min() <= 0:
            raise ConfigError(f"{self.key}.{key} must be > 0, got {found.min():g}")
        return found

    def below(self, bottom: Floats, stage: Floats) -> Floats:
        """The bottoms of a river; ConfigError where one lies above its stage."""
        wrong = np.argwhere(bottom > stage)
        if wrong.size:
            period, at = wrong[0]
            raise ConfigError(
                f"{self.key}.bottom must be <= stage, got {bottom[period, at]:g} under "
                f"{stage[period, at]:g} in cell {self.cells[at]}"
            )
        return bottom


def _along(segments: Floats, points: Floats) -> Floats:
    """(k,) distance along a polyline of the point on it that is nearest to each point [m]."""
    start, step = segments[:, 0], segments[:, 1] - segments[:, 0]
    length = np.hypot(step[:, 0], step[:, 1])
    share = ((points[:, None] - start) * step).sum(axis=2) / np.maximum(length**2, 1e-300)
    share = np.clip(share, 0, 1)
    off = points[:, None] - start - share[..., None] * step
    nearest = (off**2).sum(axis=2).argmin(axis=1)
    before = np.cumsum(length) - length
    found: Floats = before[nearest] + share[np.arange(len(points)), nearest] * length[nearest]
    return found
