"""What `[transport]` may say, and what each refusal tells."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from mhx.config import json_schema, parse
from mhx.errors import ConfigError
from mhx.groundwater.config import Simulation

from .columns import column

Change = Callable[[dict[str, Any]], Any]
LEAK = {"id": "leak", "package": "src", "where": {"cells": [3]}, "value": 1e-6}
TRANSIENT = {
    "regime": "transient", "time": {"period": [{"length": 5.0}]},
    "param": {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}},
}  # fmt: skip


def refused(change: Change) -> list[str]:
    data = copy.deepcopy(column(observation=[{"id": "p", "x": 3.0, "y": 2.0}]))
    change(data)
    with pytest.raises(ConfigError) as error:
        parse(Simulation, data)
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def setting(key: str, value: Any) -> Change:
    """Set a key below `transport`; numbers step into lists, one past the end adds."""

    def change(data: dict[str, Any]) -> None:
        *above, last = key.split(".")
        table: Any = data["transport"]
        for name in above:
            table = table[int(name)] if name.isdigit() else table.setdefault(name, {})
        if last.isdigit() and int(last) == len(table):
            table.append(value)
        else:
            table[int(last) if last.isdigit() else last] = value

    return change


def of_flow(**changes: Any) -> Change:
    return lambda data: data["flow"].update(changes)


def without(key: str) -> Change:
    *above, last = key.split(".")

    def change(data: dict[str, Any]) -> None:
        table = data["transport"]
        for name in above:
            table = table[name]
        del table[last]

    return change


REFUSALS = [
    (
        without("param.porosity"),
        "transport.param.porosity is required: falling back to specific yield makes fronts too "
        "fast",
    ),
    (without("param"), "transport.param.porosity is required: falling back to specific yield"),
    (lambda d: d.pop("transport"), "transport is required by the process transport"),
    (setting("param.porosity", 1.5), "transport.param.porosity must be > 0 and <= 1, got 1.5"),
    (setting("param.porosity", 0.0), "transport.param.porosity must be > 0 and <= 1, got 0.0"),
    (setting("param.alpha_l", -1.0), "transport.param.alpha_l must be >= 0, got -1.0"),
    (setting("param.decay_order", 2), "transport.param.decay_order must be 0 or 1, got 2"),
    (setting("param.kd", 1e-4), "transport.param.bulk_density is required beside kd"),
    (setting("param.bulk_density", 1600.0), "transport.param.kd is required beside bulk_density"),
    (
        setting("param.decay", {"value": 1.0, "unit": "day"}),
        "transport.param.decay.unit must be 1/s or 1/day, got 'day'",
    ),
    (
        setting("scheme", {"advection": "quick"}),
        "transport.scheme.advection must be 'upstream', 'central' or 'tvd', got 'quick'",
    ),
    (without("time"), "transport.time.length is required with steady flow"),
    (
        setting("time", {"length": 1.0, "steps": 3, "courant": 0.5}),
        "transport.time.courant must be left out: steps is given, too",
    ),
    (
        of_flow(**TRANSIENT),
        "transport.time.length must be left out: the stress periods of flow.time say it",
    ),
    (
        lambda d: (of_flow(**TRANSIENT)(d), setting("time", {"steps": 3})(d)),
        "transport.time.steps must be left out: the stress periods of flow.time say it; courant "
        "refines them",
    ),
    (setting("bc.1", {**LEAK, "id": "Inlet"}), "transport.bc[1].id is used twice: 'Inlet'"),
    (
        setting("bc.1", {**LEAK, "id": "west"}),
        "transport.bc[1].id is the id of a flow.bc or flow.source, too: 'west'",
    ),
    (
        setting("bc.1", {**LEAK, "where": {"except": "lost"}}),
        "transport.bc[1].where.except must be the id of another bc (east, inlet, west), got 'lost'",
    ),
    (setting("bc.1", {**LEAK, "layers": [2]}), "transport.bc[1].layers[0] must be <= 1 layers"),
    (
        setting("bc.1", {**LEAK, "value": {"value": 1.0, "unit": "kg/m3"}}),
        "transport.bc[1].value.unit must be left out: it has no other, got 'kg/m3'",
    ),
    (
        setting("bc.0.value", {"value": 1.0, "unit": "m"}),
        "transport.bc[0].value.unit must be g/m3 or kg/m3 or mg/L, got 'm'",
    ),
    (
        setting("bc.0.value", -1.0),
        "transport.bc[0].value must be >= 0 [kg/m3] with package = 'cnc', got -1.0",
    ),
    (
        setting("bc.1", {**LEAK, "where": {"line": "river"}}),
        "transport.bc[1].where.line must be the id of a mesh.constraint (none is declared), got",
    ),
    (
        setting("observation.1", {"id": "p", "x": 3.0, "y": 2.0}),
        "transport.observation[1].id is used twice: 'p'",
    ),
    (
        setting("observation.0", {"id": "p", "x": 3.0}),
        "transport.observation[0] must hold x and y, or line",
    ),
    (
        setting("observation.0", {"id": "p", "line": "river"}),
        "transport.observation[0].line must be the id of a mesh.constraint",
    ),
    (
        setting("observation.0.x", 1000.0),
        "transport.observation[0].x must lie in the domain, 0 .. 100 [m], got 1000.0",
    ),
    (
        setting("observation.0.layer", 2),
        "transport.observation[0].layer must be <= 1 layers, got 2",
    ),
    (
        setting("front_line", "river"),
        "transport.front_line must be the id of a mesh.constraint (none is declared), got 'river'",
    ),
    (setting("ic", {"value": -1.0}), "transport.ic.value must be >= 0 [kg/m3], got -1.0"),
    (
        setting("ic", {"value": {"value": 1.0, "unit": "m/s"}}),
        "transport.ic.value.unit must be g/m3 or kg/m3 or mg/L, got 'm/s'",
    ),
    (
        setting("ic", {"value": 1.0, "file": "start.csv"}),
        "transport.ic.value must be left out: file is given, too",
    ),
    (
        of_flow(bc=[{"id": "d", "package": "drn", "where": {"all": True}, "elevation": 1.0,
                     "conductance": 1.0, "concentration": 1.0}]),
        "flow.bc[0].concentration is not used with package = 'drn'",
    ),
    (
        of_flow(source=[{"id": "w", "package": "wel", "where": {"cells": [3]}, "rate": 1.0,
                         "concentration": -2.0}]),
        "flow.source[0].concentration must be >= 0 [kg/m3], got -2.0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), REFUSALS, ids=[told[:70] for _, told in REFUSALS])
def test_what_does_not_fit_is_told_at_its_key(change: Change, told: str) -> None:
    assert any(line.startswith(told) for line in refused(change)), refused(change)


def test_a_transport_process_needs_a_flow_process() -> None:
    def change(data: dict[str, Any]) -> None:
        data["simulation"]["process"][1]["enabled"] = False

    assert "simulation.process must hold an enabled flow: transport needs one" in refused(change)


def test_a_table_for_later_is_not_held_against_the_flow() -> None:
    data = column()
    data["simulation"]["process"][2]["enabled"] = False
    data["flow"] |= TRANSIENT
    assert parse(Simulation, data).transport is not None


def test_what_was_written_reads_back() -> None:
    first = parse(Simulation, column(observation=[{"id": "p", "x": 3.0, "y": 2.0}]))
    assert parse(Simulation, first.model_dump(mode="json", exclude_none=True)) == first


def test_every_number_says_its_unit() -> None:
    tables = json_schema(Simulation)["$defs"]
    for name in ("TransportParams", "TransportTime", "TransportInitial", "SoluteBoundary"):
        for key, field in tables[name]["properties"].items():
            kinds = str(field)
            if "'number'" in kinds or "'integer'" in kinds:
                assert field["description"].endswith("]"), f"{name}.{key}"
