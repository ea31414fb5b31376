"""A solution solves its own problem only: every key that makes it another one is named."""

import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater.analytic.evaluating import case_of, evaluate
from mhx.groundwater.config import Simulation

from ..squares import EAST, WEST, chd, document

OPEN = {"newton": False, "xt3d": False, "cell_type": "convertible"}
WELL = {"id": "well", "package": "wel", "where": {"points": [[500.0, 500.0]]}, "rate": -1e-3}
RAIN = {"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-8}
HELD = {"id": "inlet", "package": "cnc", "where": {"side": "west"}, "value": 1.0}
SOLUTE = {
    "param": {"porosity": 0.2, "alpha_l": 10.0, "alpha_th": 1.0},
    "time": {"length": 500.0, "steps": 10},
    "bc": [HELD],
}
PUMPED = {
    "bc": [], "source": [WELL], "regime": "transient",
    "param": {"K": {"value": 1e-4}, "Ss": {"value": 1e-5}},
    "time": {"period": [{"length": 1000.0, "unit": "s", "steps": 2}]},
}  # fmt: skip


def case(solution, *, transport=None, **changes):
    flow = {
        key: value
        for key, value in changes.items()
        if key not in ("domain", "layers", "mesh", "topography")
    }
    data = document(engine="analytic", **flow)
    data |= {key: value for key, value in changes.items() if key not in flow}
    data["solver"] = {"analytic": {"solution": solution}}
    if transport is not None:
        data["simulation"]["process"].append({"id": "t", "type": "transport"})
        data["transport"] = transport
    return data


def anchored(data, kind="structured"):
    data["solver"]["analytic"]["anchor"] = "cell_centres"
    data["mesh"] = {"kind": kind, "size": 100.0}
    return data


HILL = {"kind": "plane", "base_elevation": 102.0, "amplitude": 6.0, "rises_to": "west"}
DEEP = {"kind": "constant_bottom", "bottom": 90.0}
REFUSED = {
    "no solution": (case(None), "solver.analytic.solution is required with engine = 'analytic'"),
    "an unknown one": (case("hantush"), "must be one of linear, dupuit, toth, theis for flow"),
    "one of transport": (case("ogata_banks"), "must be one of linear, dupuit, toth, theis for"),
    "linear, with rain": (case("linear", source=[RAIN]), "flow.source[0].package must be left out"),
    "linear, one head": (case("linear", bc=[WEST]), "flow.bc must be chd on two opposite sides"),
    "linear, unconfined": (
        case("linear", formulation=OPEN),
        "flow.formulation.cell_type must be 'confined'",
    ),
    "linear, turned": (
        case("linear", param={"K": {"value": 1e-4}, "angle1": {"value": 30.0}}),
        "flow.param.angle1 must be left out",
    ),
    "linear, on a polygon": (
        case("linear", domain={"kind": "polygon", "points": [[0, 0], [9, 0], [0, 9]]}),
        "domain.kind must be 'rectangle'",
    ),
    "linear, in layers": (
        case("linear", layers={"kind": "constant_thickness", "thickness": 10.0, "n_layers": 2}),
        "layers.n_layers must be 1",
    ),
    "linear, random": (
        case("linear", param={"K": {"field": {"mean": 1e-4, "sigma": 1.0,
                                              "correlation_length": 100.0, "seed": 1}}}),
        "flow.param.K must be one value",
    ),
    "dupuit, confined": (case("dupuit"), "flow.formulation.cell_type must be 'convertible'"),
    "dupuit, above ground": (
        case("dupuit", formulation=OPEN, source=[RAIN]),
        "topography.base_elevation must lie above the water table, which reaches",
    ),
    "dupuit, above a ground that falls": (
        case("dupuit", formulation=OPEN, layers=DEEP, topography=HILL | {"rises_to": "east"}),
        "topography.base_elevation must lie above the water table, which reaches 105 m where",
    ),
    "dupuit, above a ground that falls across": (
        case("dupuit", formulation=OPEN, layers=DEEP, topography=HILL | {"rises_to": "north"}),
        "topography.base_elevation must lie above the water table, which reaches 105 m where",
    ),
    "toth, two sides": (case("toth"), "flow.bc must be chd on one side and nothing else"),
    "toth, one head": (case("toth", bc=[WEST]), "flow.bc[0].head must follow the ground, as 'top'"),
    "toth, sloping away": (
        case("toth", bc=[chd("west", "top", side="west")],
             topography={"kind": "plane", "base_elevation": 1.0, "amplitude": 5.0,
                         "rises_to": "east"}),
        "topography.rises_to must run along the side west",
    ),
    "theis, steady": (case("theis"), "flow.regime must be 'transient'"),
    "theis, felt": (
        case("theis", **PUMPED | {"time": {"period": [{"length": 1.0}]}}),
        "domain must leave the well at [500, 500] further from its sides: after 86400 s",
    ),
    "theis, held elsewhere": (
        case("theis", **PUMPED | {"bc": [EAST]}),
        "flow.bc[0].head must be flow.ic.value (103 m)",
    ),
    "a solution of flow for transport": (
        case("linear", transport=SOLUTE),
        "must be one of ogata_banks, flux_column, strip_source, decay for transport, got 'linear'",
    ),
    "ogata_banks, at the outflow": (
        case("ogata_banks", transport=SOLUTE | {"bc": [HELD | {"where": {"side": "east"}}]}),
        "transport.bc[0].where.side must be 'west', where water enters,",
    ),
    "ogata_banks, without dispersion": (
        case("ogata_banks", transport=SOLUTE | {"param": {"porosity": 0.2}}),
        "transport.param.alpha_l is required with solver.analytic.solution = 'ogata_banks' [m]",
    ),
    "ogata_banks, through the end": (
        case("ogata_banks", transport=SOLUTE | {"time": {"length": 5000.0, "steps": 10}}),
        "domain must be longer along the flow: after 4.32e+08 s the front reaches its end at 1000",
    ),
    "ogata_banks, in still water": (
        case("ogata_banks", bc=[WEST, EAST | {"head": 105.0}], transport=SOLUTE),
        "flow.bc must let water flow",
    ),
    "ogata_banks, zero order": (
        case("ogata_banks", transport=SOLUTE | {"param": SOLUTE["param"] | {
            "decay": 1e-9, "decay_order": 0}}),
        "transport.param.decay_order must be 1",
    ),
    "flux_column, held": (case("flux_column", transport=SOLUTE), "transport.bc must be left out"),
    "flux_column, clean water": (
        case("flux_column", transport=SOLUTE | {"bc": []}),
        "flow.bc[0].concentration is required with solver.analytic.solution = 'flux_column'",
    ),
    "linear, at centres of no regular cells": (
        anchored(case("linear"), "voronoi"),
        "solver.analytic.anchor must be 'edges' with mesh.kind = 'voronoi'",
    ),
    "dupuit, at centres with rain": (
        anchored(case("dupuit", formulation=OPEN, source=[RAIN])),
        "solver.analytic.anchor must be 'edges', since recharge falls on the outer half cells",
    ),
    "flux_column, at centres": (
        anchored(case("flux_column", transport=SOLUTE | {"bc": []})),
        "solver.analytic.anchor must be 'edges', where the water enters,",
    ),
    "decay, in water that flows": (
        case("decay", transport=SOLUTE | {"bc": []}),
        "flow.bc must be two equal heads, so that the water is at rest,",
    ),
    "decay, of nothing": (
        case("decay", bc=[WEST, EAST | {"head": 105.0}], transport=SOLUTE | {"bc": []}),
        "transport.param.decay is required with solver.analytic.solution = 'decay' [1/s]",
    ),
    "strip_source, all of the side": (
        case("strip_source", transport=SOLUTE),
        "transport.bc[0].where.line is required with solver.analytic.solution = 'strip_source'",
    ),
    "strip_source, beside clean water": (
        case("strip_source",
             mesh={"kind": "voronoi", "size": 100.0,
                   "constraint": [{"id": "strip", "points": [[0, 400], [0, 600]]}]},
             transport=SOLUTE | {"bc": [HELD | {"where": {"line": "strip"}}]}),
        "transport.bc must hold 0 on the rest of the side west, too, by further cnc along lines "
        "(800 m of it hold nothing),",
    ),
    "strip_source, elsewhere": (
        case("strip_source",
             mesh={"kind": "voronoi", "size": 100.0,
                   "constraint": [{"id": "strip", "points": [[500, 400], [500, 600]]}]},
             transport=SOLUTE | {"bc": [HELD | {"where": {"line": "strip"}}]}),
        "transport.bc[0].where.line must lie on the side west, where water enters,",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "told"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_key_and_the_solution(data, told):
    with pytest.raises(ConfigError) as refused:
        parse(Simulation, data)
    assert told in str(refused.value)


def test_all_faults_come_at_once():
    data = case("linear", formulation=OPEN, source=[RAIN])
    with pytest.raises(ConfigError) as refused:
        parse(Simulation, data)
    assert "cell_type must be" in str(refused.value)
    assert "package must be left out" in str(refused.value)


def test_a_decayed_front_need_not_be_ahead():
    """Steady with decay: nothing reaches the end, however long it takes."""
    param = SOLUTE["param"] | {"decay": {"value": 0.05, "unit": "1/day"}}
    time = {"length": 50_000.0, "steps": 10}
    found = case("ogata_banks", transport=SOLUTE | {"param": param, "time": time})
    parse(Simulation, found)


def test_what_is_evaluated_need_not_be_the_engine():
    """A comparison asks for the exact solution of a case that MODFLOW solves."""
    data = case("linear", transport=SOLUTE) | {"engine": "mf6"}
    config = parse(Simulation, data)
    assert evaluate("linear", config, [[250.0, 1.0]], [0.0]) == pytest.approx(104.0)
    assert case_of("ogata_banks", config).velocity == pytest.approx(1e-4 * 4e-3 / 0.2)
    with pytest.raises(ConfigError, match=r"flow.formulation.cell_type must be 'convertible'"):
        evaluate("dupuit", config, [[0.0, 0.0]], [0.0])
    with pytest.raises(
        ConfigError, match=r"must be one of linear, .*strip_source, decay, got 'none'"
    ):
        evaluate("none", config, [[0.0, 0.0]], [0.0])


def test_sides_are_held_at_edges_or_at_centres_of_the_outer_cells():
    data = anchored(case("linear"))
    found = evaluate("linear", parse(Simulation, data), [[50.0, 0.0], [950.0, 0.0]], [0.0])
    assert found[0] == pytest.approx([105.0, 101.0])
    data["solver"]["analytic"]["anchor"] = "edges"
    found = evaluate("linear", parse(Simulation, data), [[0.0, 0.0], [1000.0, 0.0]], [0.0])
    assert found[0] == pytest.approx([105.0, 101.0])


def test_a_water_table_below_a_sloping_ground_is_dupuits():
    """105 m to 101 m below 108 m to 102 m."""
    data = case("dupuit", formulation=OPEN, layers=DEEP, topography=HILL)
    assert parse(Simulation, data).engine == "analytic"
