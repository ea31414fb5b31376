"""Each gate of a mesh and of a flow run: what it bounds, and a run that makes it fail."""

import math

import pytest

from mhx.config import parse
from mhx.evidence.gates import Verdict, judge
from mhx.groundwater import gates
from mhx.groundwater.config import Simulation
from mhx.groundwater.flow_metrics import flow_metrics
from mhx.groundwater.gates import flow_gates, mesh_gates
from mhx.groundwater.vocabulary import FLOW, MESH, VOCABULARY

BASE = {
    "workflow": {"mode": "simulation"},
    "simulation": {"process": [{"id": "m", "type": "mesh"}, {"id": "f", "type": "flow"}]},
    "domain": {"kind": "rectangle", "x0": 0.0, "y0": 0.0, "length_x": 300.0, "length_y": 100.0},
    "topography": {
        "kind": "plane",
        "base_elevation": 10.0,
        "amplitude": 0.0,
        "rises_to": "west",
    },
    "layers": {"kind": "constant_thickness", "thickness": 10.0},
    "mesh": {"kind": "structured", "size": 100.0},
    "flow": {
        "regime": "steady",
        "formulation": {"newton": False, "xt3d": False},
        "param": {"K": {"value": 1e-5}},
    },
}


def config(mesh=(), flow=()):
    table = {**BASE, "mesh": {**BASE["mesh"], **dict(mesh)}, "flow": {**BASE["flow"], **dict(flow)}}
    return parse(Simulation, table)


def ends(left, right):
    return [
        (("west", "chd", [0]), {"head": left}),
        (("east", "chd", [2]), {"head": right}),
    ]


RAIN = (("rain", "rcha", [0, 1, 2]), {"recharge": 0.002})
WELL = (("well", "wel", [1]), {"q": -1.0})


def verdicts(table, model, solved):
    result, _ = solved(model)
    found = {f"{FLOW}{key}": value for key, value in flow_metrics(result).items()}
    return {gate.name: judge(gate, found).verdict for gate in flow_gates(table, model)}


def failed(found):
    return {name for name, verdict in found.items() if verdict is not Verdict.PASS}


def test_a_sound_run_passes_every_gate(strip, solved):
    drains = (("ground", "drn", [1]), {"elev": 8.5, "cond": 50.0})
    found = verdicts(config(), strip([*ends(9.0, 7.0), drains]), solved)
    assert set(found) == {
        "every_step_converged",
        "balance_of_every_step",
        "balance_of_all_volumes",
        "budget_file_closes",
        "no_column_runs_dry",
        "heads_stay_below_ground",
        "no_head_below_its_boundaries",
        "no_head_above_its_boundaries",
    }
    assert failed(found) == set()


def test_recharge_lost_on_fixed_heads_fails(strip, solved):
    model = strip([*ends(9.0, 7.0), RAIN], nominal=3 * 0.002 * 1e4 / 86400)
    found = verdicts(config(), model, solved)
    assert failed(found) == {"recharge_is_accepted"}
    assert "no_head_above_its_boundaries" not in found  # with a source there is no hull


def test_heads_above_ground_fail_unless_flooding_is_allowed(strip, solved):
    model = strip(ends(12.0, 9.0))
    assert failed(verdicts(config(), model, solved)) == {"heads_stay_below_ground"}
    allowed = config(flow={"accept": {"allow_flooding": True}})
    assert "heads_stay_below_ground" not in {gate.name for gate in flow_gates(allowed, model)}


def test_a_dry_column_fails(strip, solved):
    model = strip(ends(5.0, 5.0), top=[10.0, 30.0, 10.0], convertible=1)
    assert failed(verdicts(config(), model, solved)) == {"no_column_runs_dry"}


def test_a_head_beyond_its_boundaries_fails(strip):
    low, high = flow_gates(config(), strip([*ends(9.0, 7.0)]))[-2:]
    assert (low.low, high.high) == pytest.approx((7.0, 9.0), abs=2e-8)
    assert judge(low, {low.metric: 6.99}).verdict is Verdict.FAIL
    assert judge(high, {high.metric: 9.01}).verdict is Verdict.FAIL
    assert judge(high, {high.metric: 9.0 + 5e-9}).verdict is Verdict.PASS  # closure is 1e-9 m


def test_a_transient_run_may_keep_what_it_started_from(strip):
    model = strip(ends(8.0, 7.0), transient=True)  # starts at 9 m everywhere
    assert flow_gates(config(), model)[-1].high == pytest.approx(9.0)


def test_a_well_leaves_no_hull(strip):
    names = {gate.name for gate in flow_gates(config(), strip([*ends(9.0, 7.0), WELL]))}
    assert not {"no_head_below_its_boundaries", "no_head_above_its_boundaries"} & names


OUTSIDE = {
    gates.CONVERGED: 0,
    gates.STEP_BALANCE: 0.51,
    gates.VOLUME_BALANCE: 0.51,
    gates.CLOSURE: 2e-6,
    gates.RECHARGE: 0.98,
    gates.FLOODED: 0.02,
    gates.DRY: 0.001,
}


@pytest.mark.parametrize(("gate", "value"), OUTSIDE.items(), ids=[gate.name for gate in OUTSIDE])
def test_a_flow_gate_fails_outside_its_bound_and_is_unknown_without_a_number(gate, value):
    assert judge(gate, {gate.metric: value}).verdict is Verdict.FAIL
    assert judge(gate, {gate.metric: math.nan}).verdict is Verdict.UNKNOWN
    assert judge(gate, {}).verdict is Verdict.UNKNOWN


MESH_OUTSIDE = {
    "smallest_angle": 19.9,
    "neighbours_alike_in_area": 6.1,
    "connections_are_orthogonal": 30.1,
    "cells_fill_the_domain": 2e-6,
}


@pytest.mark.parametrize(("name", "value"), MESH_OUTSIDE.items(), ids=MESH_OUTSIDE)
def test_a_mesh_gate_fails_outside_the_bound_of_the_configuration(name, value):
    table = config(mesh={"kind": "triangles", "accept": {"orthogonality_max_deg": 30.0}})
    found = {gate.name: gate for gate in mesh_gates(table.mesh)}
    assert set(found) == set(MESH_OUTSIDE)
    gate = found[name]
    assert judge(gate, {gate.metric: value}).verdict is Verdict.FAIL
    inside = gate.low if math.isfinite(gate.low) else gate.high
    assert judge(gate, {gate.metric: inside}).verdict is Verdict.PASS


def test_mesh_gates_follow_kind_and_bounds():
    names = {gate.name for gate in mesh_gates(config(mesh={"kind": "voronoi"}).mesh)}
    assert names == {"neighbours_alike_in_area", "cells_fill_the_domain"}
    stricter = config(mesh={"accept": {"area_ratio_max": 2.0}})
    assert mesh_gates(stricter.mesh)[0].high == 2.0


def test_a_single_cell_is_asked_for_nothing_about_neighbours():
    table = config(mesh={"accept": {"orthogonality_max_deg": 30.0}})
    names = [gate.name for gate in mesh_gates(table.mesh, neighbours=False)]
    assert names == ["cells_fill_the_domain"]


def test_every_gate_reads_a_word_and_says_what_to_do(strip):
    table = config(mesh={"kind": "triangles", "accept": {"orthogonality_max_deg": 30.0}})
    for gate in (*mesh_gates(table.mesh), *flow_gates(table, strip(ends(9.0, 7.0))), *OUTSIDE):
        assert VOCABULARY.find(gate.metric) is not None
        assert gate.metric.startswith((FLOW, MESH))
        assert gate.reason and gate.remedy


@pytest.mark.parametrize(
    ("engine", "word"),
    [("mf6", "solver.mf6."), ("mfnwt", "solver.mfnwt."), ("fem_p1", "no keys"), ("fem_p2", "mf6")],
)
def test_what_to_do_names_keys_of_the_engine_that_ran(engine, word, strip):
    mesh = {"kind": "triangles"} if engine.startswith("fem") else {}
    newton = {"formulation": {"newton": engine == "mfnwt", "xt3d": False}}
    table = parse(Simulation, config(mesh=mesh, flow=newton).document() | {"engine": engine})
    named = ("every_step_converged", "balance_of_every_step", "budget_file_closes")
    found = {gate.name: gate.remedy for gate in flow_gates(table, strip(ends(9.0, 7.0)))}
    for name in named:
        assert word in found[name]
        assert ("solver.mf6." in found[name]) == (engine == "mf6")
