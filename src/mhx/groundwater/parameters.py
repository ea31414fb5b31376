"""Properties of the ground on a grid: uniform, by zone, from a file, or a random field.

A random field is a sum of plane waves (the randomisation method: wave vectors drawn from the
spectrum of the exponential covariance, random phases), so that it belongs to the place and not to
the mesh: a finer grid samples the same field.  Mantoglou and Wilson, Water Resour. Res. 18 (1982).
"""

import math
from collections.abc import Mapping

import numpy as np

from mhx.config import Table
from mhx.errors import ConfigError
from mhx.groundwater.flow_config import Flow, Param, RandomField
from mhx.groundwater.grid import Floats, Grid
from mhx.groundwater.tables import per_cell, zones_per_cell
from mhx.groundwater.units import to_si

WAVES = 1000
"""Plane waves of a random field: its values are Gaussian to about 1/sqrt(WAVES)."""


def properties(flow: Flow, grid: Grid, n_layers: int, seconds: float) -> dict[str, Floats]:
    """k, k22, k33, angle1, ss, sy as far as declared, each (n_layers, n), k per time unit."""
    shape = (n_layers, grid.n_cells)
    params = flow.param
    k = on_grid(params.K, "K", grid, n_layers) * seconds
    found = {"k": k}
    for name, key in (("K22_ratio", "k22"), ("K33_ratio", "k33")):
        ratio = getattr(params, name)
        if ratio is not None:
            found[key] = k * on_grid(ratio, name, grid, n_layers)
    for name, key in (("angle1", "angle1"), ("Ss", "ss"), ("Sy", "sy")):
        param = getattr(params, name)
        if param is not None and (key == "angle1" or flow.regime == "transient"):
            found[key] = on_grid(param, name, grid, n_layers)
    if flow.regime == "transient":  # MODFLOW wants both, and reads sy of convertible cells only
        found.setdefault("sy", np.zeros(shape))
    return found


def reported(params: Table) -> dict[str, float]:
    """`param_K`, `param_K_<zone>`: the numbers that stand in the configuration, in SI."""
    found: dict[str, float] = {}
    for name in type(params).model_fields:
        param = getattr(params, name)
        if isinstance(param, Param):
            for place, value in param.numbers().items():
                zone = "" if place == ("value",) else f"_{place[-1]}"
                found[f"param_{name}{zone}"] = _si(value, param)
    return found


def _si(value: float, param: Param) -> float:
    return value if param.unit is None else to_si(value, param.unit)


def on_grid(param: Param, name: str, grid: Grid, n_layers: int, table: str = "flow") -> Floats:
    """(n_layers, n) of one parameter of `[flow.param]`, or of that of another table, in SI."""
    key, shape = f"{table}.param.{name}", (n_layers, grid.n_cells)
    if param.value is not None:
        found = np.full(shape, param.value)
    elif param.zones is not None:
        found = _zoned(param.zones, zones_per_cell(_path(param), grid, n_layers, key), key)
    elif param.file is not None:
        found = per_cell(param.file, shape, key)
    else:
        assert param.field is not None  # checked by Param
        found = np.tile(lognormal(param.field, grid), (n_layers, 1))
    if name != "angle1" and (found.min() < 0 or (name[0] == "K" and found.min() == 0)):
        bound = "> 0" if name[0] == "K" else ">= 0"
        raise ConfigError(f"{key} must be {bound} in every cell, got {found.min():g}")
    return found if param.unit is None else found * to_si(1.0, param.unit)


def _path(param: Param):  # type: ignore[no-untyped-def]
    assert param.zone_file is not None  # checked by Param
    return param.zone_file


def _zoned(values: Mapping[str, float], zones: np.ndarray, key: str) -> Floats:
    """Values by the name of the zone; every cell needs one, and every value a cell."""
    found = np.full(zones.shape, math.nan)
    for zone, value in values.items():
        inside = zones == zone
        if not inside.any():
            known = ", ".join(sorted(set(zones.ravel()) - {""})) or "none"
            raise ConfigError(f"{key}.zones.{zone} names no cell; zones: {known}")
        found[inside] = value
    missing = sorted(set(zones[np.isnan(found)]))
    if missing:
        names = ", ".join(name or "(outside every zone)" for name in missing)
        raise ConfigError(f"{key}.zones has no value for {names}")
    return found


def lognormal(field: RandomField, grid: Grid) -> Floats:
    """(n,) of mean * exp(sigma Z), Z with covariance exp(-distance / correlation_length)."""
    draw = np.random.default_rng(field.seed).random((3, WAVES))
    # P(k) = 1 - 1/sqrt(1 + (k l)^2): radial distribution of the exponential covariance in a plane
    k = np.sqrt(1 / (1 - draw[0]) ** 2 - 1) / field.correlation_length
    angle, phase = 2 * math.pi * draw[1], 2 * math.pi * draw[2]
    place = grid.centres - grid.outline.min(axis=0)
    z = np.zeros(grid.n_cells)
    for some in np.array_split(np.arange(WAVES), 10):  # n x 100 at a time: memory
        waves = np.stack([k[some] * np.cos(angle[some]), k[some] * np.sin(angle[some])])
        z += np.cos(place @ waves + phase[some]).sum(axis=1)
    return field.mean * np.exp(field.sigma * math.sqrt(2 / WAVES) * z)
