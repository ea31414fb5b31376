"""What `[comparison]` may say: each refusal at its key."""

from typing import Any

import pytest

from mhx.config import faults_in
from mhx.config.faults import dotted
from mhx.groundwater.comparison.config import ComparisonTable, Observable


def table(**changes: Any) -> dict[str, Any]:
    return {
        "base_simulation_config": "base.toml",
        "reference_simulation": "a",
        "simulation": [{"id": "a"}, {"id": "b"}],
    } | changes


def faults(data: dict[str, Any], kind: Any = ComparisonTable) -> list[str]:
    found = faults_in(kind, data)[1]
    return [f"{dotted(one.place)} {one.text}" for one in found]


HEAD = {"name": "h", "variable": "head"}
WATER = {"name": "q", "variable": "budget"}
OBSERVABLES = {
    "a point without y": (
        HEAD | {"support": "point", "x": 1.0},
        "y is required with support = 'point' [m]",
    ),
    "points of two lengths": (
        HEAD | {"support": "point", "x": [1.0, 2.0], "y": [1.0]},
        "y must be as long as x, 2, got 1",
    ),
    "a line of one point": (
        HEAD | {"support": "line", "x": [1.0], "y": [1.0]},
        "x must hold 2 numbers or more [m], got 1",
    ),
    "a key of another support": (
        HEAD | {"support": "domain", "cell": 3},
        "cell is not used with support = 'domain', which takes component, layer; got 3",
    ),
    "a head of an outlet": (
        HEAD | {"support": "outlet", "boundary_id": "w"},
        "support must be 'point' or 'line' or 'cell' or 'boundary' or 'mask' or 'domain' or 'map' "
        "with variable = 'head', got 'outlet'",
    ),
    "a budget of a point": (
        WATER | {"support": "point", "x": 1.0, "y": 1.0},
        "support must be 'outlet' or 'boundary' or 'domain' with variable = 'budget', got 'point'",
    ),
    "a budget of nothing": (
        WATER | {"support": "domain"},
        "component is required by a budget",
    ),
    "a head with a component": (
        HEAD | {"support": "domain", "component": "chd"},
        "component must be left out: a head has none",
    ),
    "another unit": (
        HEAD | {"support": "domain", "unit": "ft"},
        "unit must be 'm', the unit of head, got 'ft'",
    ),
    "a time before the start": (
        HEAD | {"support": "domain", "time": -1.0},
        "time must be >= 0 [d], got -1.0",
    ),
    "cells of two meshes": (
        HEAD | {"support": "domain", "reducer": "value"},
        "reducer must be 'area_mean' or 'mean' or 'sum' or 'max' with support = 'domain', "
        "got 'value'",
    ),
    "a mean of a map": (
        HEAD | {"support": "map", "reducer": "mean"},
        "reducer must be 'value' with support = 'map', got 'mean'",
    ),
}


@pytest.mark.parametrize(("data", "told"), OBSERVABLES.values(), ids=OBSERVABLES)
def test_an_observable_is_refused_at_its_key(data: dict[str, Any], told: str) -> None:
    assert told in faults(data, Observable)


TABLES = {
    "a reference that is no method": (
        table(reference_simulation="c"),
        "reference_simulation must be the id of an enabled simulation (a, b), got 'c'",
    ),
    "a method named twice": (
        table(simulation=[{"id": "a"}, {"id": "a"}]),
        "simulation[1].id is used twice: 'a'",
    ),
    "methods that differ in capitals alone": (
        table(simulation=[{"id": "a"}, {"id": "A"}]),
        "simulation[1].id is used twice: 'A'",
    ),
    "an observable named twice": (
        table(observable=[HEAD | {"support": "domain"}] * 2),
        "observable[1].name is used twice: 'h'",
    ),
    "an observable of an unknown method": (
        table(observable=[HEAD | {"support": "domain", "simulations": ["z"]}]),
        "observable[0].simulations[0] must be the id of a simulation (a, b), got 'z'",
    ),
    "a finished run with an overlay": (
        table(simulation=[{"id": "a"}, {"id": "b", "run_dir": "r", "overlay": {"mesh": {}}}]),
        "simulation[1].overlay must be left out: the run in run_dir is finished",
    ),
    "a map without a raster": (
        table(raster={"enabled": False}, observable=[HEAD | {"support": "map"}]),
        "observable[0].support must be another: comparison.raster.enabled is false, got 'map'",
    ),
}


@pytest.mark.parametrize(("data", "told"), TABLES.values(), ids=TABLES)
def test_a_comparison_is_refused_at_its_key(data: dict[str, Any], told: str) -> None:
    assert told in faults(data)


def test_what_a_support_does_with_several_values() -> None:
    assert Observable(**HEAD, support="domain").reduced == "area_mean"
    assert Observable(**HEAD, support="point", x=1.0, y=2.0).reduced == "value"
    assert Observable(**HEAD, support="point", x=1.0, y=2.0).points == [(1.0, 2.0)]
