"""What a simulation file may say: refusals with the keys' own words, and what reads back."""

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mhx.config import json_schema, parse
from mhx.errors import ConfigError
from mhx.groundwater.config import Simulation

from .models import chd, document

Change = Callable[[dict[str, Any]], Any]
RAIN = {"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-9}


def refused(change: Change) -> list[str]:
    """The lines of the fault after a change of a sound configuration."""
    data = copy.deepcopy(document(source=[copy.deepcopy(RAIN)]))
    change(data)
    with pytest.raises(ConfigError) as error:
        parse(Simulation, data)
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def setting(key: str, value: Any) -> Change:
    """Set one dotted key; numbers step into lists."""

    def change(data: dict[str, Any]) -> None:
        *above, last = key.split(".")
        table: Any = data
        for name in above:
            table = table[int(name)] if name.isdigit() else table.setdefault(name, {})
        table[last] = value

    return change


def leaving_out(key: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        *above, last = key.split(".")
        table: Any = data
        for name in above:
            table = table[int(name)] if name.isdigit() else table[name]
        del table[last]

    return change


NEEDED = "is required: the formulation changes heads, so it must be stated"

REFUSALS = [
    (leaving_out("flow.formulation.newton"), f"flow.formulation.newton {NEEDED}"),
    (leaving_out("flow.formulation.xt3d"), f"flow.formulation.xt3d {NEEDED}"),
    (leaving_out("domain.length_x"), "domain.length_x is required with kind = 'rectangle' [m]"),
    (
        setting("domain.points", [[0, 0], [1, 0], [1, 1]]),
        "domain.points is not used with kind = 'rectangle', which takes length_x, length_y, x0, "
        "y0; got [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]",
    ),
    (
        setting("topography.anchor", "cell_centres"),
        "topography.support_cell is required with anchor = 'cell_centres' [m]",
    ),
    (leaving_out("topography"), "topography is required by the process flow"),
    (leaving_out("flow"), "flow is required by the process flow"),
    (
        setting("layers.fractions", [0.5, 0.6]),
        "layers.fractions must be a number > 0 for each of 1 layers",
    ),
    (
        setting("flow.bc.0.stage", 3.0),
        "flow.bc[0].stage is not used with package = 'chd', which takes head, concentration; "
        "got 3.0",
    ),
    (
        setting("flow.bc.0.where", {}),
        "flow.bc[0].where must hold one of side, line, polygon, points, cells, boundary, all or "
        "except",
    ),
    (
        setting("flow.bc.0.where", {"side": "west", "all": True}),
        "flow.bc[0].where must hold one of side, line, polygon, points, cells, boundary, all or "
        "except",
    ),
    (
        setting("flow.bc.0.where", {"side": "west", "last_m": 3.0}),
        "flow.bc[0].where.last_m must be left out: it belongs to line",
    ),
    (
        setting("flow.bc.0.where", {"sid": "west"}),
        "flow.bc[0].where.sid is not a known key; did you mean flow.bc[0].where.side?",
    ),
    (
        setting("flow.bc.0.where", {"line": "brook"}),
        "flow.bc[0].where.line must be the id of a mesh.constraint (river), got 'brook'",
    ),
    (
        setting("flow.source.0.where", {"except": "weast"}),
        "flow.source[0].where.except must be the id of another bc (east), got 'weast'",
    ),
    (
        setting("flow.bc.0.head", "topp"),
        "flow.bc[0].head must be a number or text or a table [m], got 'topp'",
    ),
    (
        setting("flow.bc.0.head", "stream"),
        "flow.bc[0].head must be used with where.line, along which it falls, got 'stream'",
    ),
    (
        setting("flow.source.0.rate", {"value": 1.0, "unit": "m3/day"}),
        "flow.source[0].rate.unit must be m/s or m/day or mm/day or mm/year, got 'm3/day'",
    ),
    (
        setting("flow.source.0.layers", [2]),
        "flow.source[0].layers must be [1]: recharge enters at the top, got [2]",
    ),
    (setting("flow.bc.0.layers", [2]), "flow.bc[0].layers[0] must be <= 1 layers, got 2"),
    (
        setting("flow.bc.0.id", "drn"),
        "flow.bc[0].id must not be 'drn': metrics of the whole budget have this name",
    ),
    (
        setting("flow.bc", [chd(id="chd", where={"side": "west"}), chd()]),
        "flow.bc[0].id must not be 'chd': metrics of the whole budget have this name",
    ),
    (setting("flow.source.0.id", "East"), "flow.source[0].id is used twice: 'East'"),
    (setting("flow.param.K.value", 0.0), "flow.param.K.value must be > 0 [m/s], got 0.0"),
    (setting("flow.param.K", {}), "flow.param.K must hold one of value, zones, file or field"),
    (
        setting("flow.param.K", {"zones": {"a": 1.0}}),
        "flow.param.K.zone_file is required beside zones",
    ),
    (
        setting("flow.param.K.unit", "m3/day"),
        "flow.param.K.unit must be m/s or m/day or mm/day or mm/year, got 'm3/day'",
    ),
    (
        setting("simulation.process.0.type", "flow"),
        "simulation.process[1].type is used twice: 'flow'",
    ),
    (
        setting("simulation.process", []),
        "simulation.process must be a list of at least 1, each a table, got []",
    ),
    (
        setting("simulation.process.0.enabled", False),
        "simulation.process must hold an enabled mesh: flow needs one",
    ),
    (setting("mesh.size_min", 200.0), "mesh.size_min is not used with kind = 'rectangular_disv',"),
    (
        setting("mesh", {"kind": "voronoi", "size": 50.0, "size_min": 60.0}),
        "mesh.size_min must be <= 50, mesh.size [m], got 60",
    ),
    (
        setting("flow.time", {"start": "2026-13-45", "period": [{"length": 1.0}]}),
        "flow.time.start must be a date, as 2026-01-31, got '2026-13-45'",
    ),
    (
        setting("flow.time", {"period": [{"length": 1.0, "steps": 10**8}]}),
        "flow.time.period[0].steps must be >= 1 and <= 1000000, got 100000000",
    ),
    (leaving_out("mesh.size"), "mesh.size is required with kind = 'rectangular_disv', or cell_x"),
    (
        setting("solver.mf6.outer_dvclose", 0.0),
        "solver.mf6.outer_dvclose must be > 0.0 [m], got 0.0",
    ),
]


@pytest.mark.parametrize(("change", "told"), REFUSALS, ids=[told[:60] for _, told in REFUSALS])
def test_what_does_not_fit_is_told_at_its_key(change: Change, told: str) -> None:
    assert any(line.startswith(told) for line in refused(change)), refused(change)


def test_transient_flow_needs_storage_and_time() -> None:
    assert sorted(refused(setting("flow.regime", "transient"))) == [
        "flow.param.Ss is required with regime = 'transient' [1/m]",
        "flow.param.Sy is required with regime = 'transient'",
        "flow.time is required with regime = 'transient'",
    ]


def test_all_faults_come_at_once() -> None:
    def change(data: dict[str, Any]) -> None:
        del data["flow"]["formulation"]
        data["domain"]["length_x"] = -1.0

    assert len(refused(change)) == 3


def test_every_default_filled_in_reads_back() -> None:
    once = parse(Simulation, document(source=[RAIN], bc=[chd(where={"boundary": True})]))
    assert parse(Simulation, once.document()) == once
    left = parse(Simulation, document(source=[RAIN | {"where": {"except": "east"}}]))
    assert left.document()["flow"]["source"][0]["where"] == {"except": "east"}


def test_a_date_of_toml_is_kept_as_text() -> None:
    import datetime

    time = {"start": datetime.date(2026, 1, 31), "period": [{"length": 1.0}]}
    assert parse(Simulation, document(time=time)).document()["flow"]["time"]["start"] == (
        "2026-01-31"
    )


def test_the_schema_is_one_of_json() -> None:
    assert "simulation" in json_schema(Simulation)["properties"]


def test_the_tables_need_no_solver_library() -> None:
    heavy = ["numpy", "scipy", "flopy", "gmsh", "shapely", "matplotlib"]
    code = f"import sys, mhx.groundwater.config; print(set({heavy}) & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["flow_k_sensitivity_base", "flow_k_sensitivity_tight_base"])
def test_the_published_base_is_read(name: str) -> None:
    from mhx.config import read_toml

    path = Path(__file__).parents[1] / "published" / f"{name}.toml"
    data, source = read_toml(path)
    if "base_config" not in data:
        assert parse(Simulation, data, source).flow is not None
