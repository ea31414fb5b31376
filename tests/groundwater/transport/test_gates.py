"""Gates of transport: each passes a sound run and fails on what it is there for."""

import math

import pytest

from mhx.config import parse
from mhx.evidence.gates import Verdict, judge
from mhx.groundwater.config import Simulation
from mhx.groundwater.transport import gates
from mhx.groundwater.vocabulary import TRANSPORT, VOCABULARY

from ..models import document

SOUND = {
    "every_transport_step_converged": ("converged", 1, 0),
    "solute_balance_of_every_step": ("max_abs_step_percent_discrepancy", 0.1, 0.6),
    "solute_mass_closes": ("closure_relative", 1e-8, 1e-5),
    "no_concentration_below_zero": ("undershoot", 0.009, 0.011),
    "no_concentration_above_its_sources": ("overshoot", 0.0, 0.011),
}


def config(sources=(), solute=(), **transport):
    found = document(source=list(sources))
    found["simulation"]["process"].append({"id": "t", "type": "transport"})
    found["transport"] = {
        "param": {"porosity": 0.2},
        "time": {"length": 10.0, "steps": 5},
        "bc": list(solute),
        **transport,
    }
    return parse(Simulation, found)


def by_name(one):
    return {gate.name: gate for gate in gates.transport_gates(one)}


def test_every_gate_reads_a_metric_that_exists_and_says_what_to_do():
    found = by_name(config())
    assert found.keys() == SOUND.keys()
    for gate in found.values():
        assert VOCABULARY.find(gate.metric) is not None
        assert gate.remedy


@pytest.mark.parametrize(("name", "metric", "good", "bad"), [(k, *v) for k, v in SOUND.items()])
def test_a_gate_passes_what_is_sound_and_fails_what_is_not(name, metric, good, bad):
    gate = by_name(config())[name]
    assert gate.metric == f"{TRANSPORT}{metric}"
    assert judge(gate, {gate.metric: good}).verdict is Verdict.PASS
    assert judge(gate, {gate.metric: bad}).verdict is Verdict.FAIL
    assert judge(gate, {gate.metric: math.nan}).verdict is Verdict.UNKNOWN


def test_bounds_of_overshoot_and_undershoot_are_the_users():
    found = by_name(config(accept={"overshoot_max": 0.2, "undershoot_max": 0.0}))
    assert found["no_concentration_above_its_sources"].high == 0.2
    assert found["no_concentration_below_zero"].high == 0.0


def test_an_engine_in_single_precision_is_let_more_and_a_formula_has_no_budget():
    double = config()
    single = double.model_copy(update={"engine": "mt3dusgs"})
    assert by_name(double)["solute_mass_closes"].high == 1e-6
    assert by_name(single)["solute_mass_closes"].high == 1e-4
    formula = by_name(double.model_copy(update={"engine": "analytic"}))
    assert formula.keys() == {
        "no_concentration_below_zero",
        "no_concentration_above_its_sources",
    }


RAIN = {"id": "rain", "package": "rcha", "where": {"all": True}, "rate": 1e-9}
THIRST = {"id": "trees", "package": "evt", "where": {"all": True}, "rate": 1e-9, "depth": 2.0}
LEAK = {"id": "leak", "package": "src", "where": {"cells": [3]}, "value": 1e-6}
HELD = {"id": "held", "package": "cnc", "where": {"cells": [3]}, "value": 1.0}
CASES = {
    "rain only mixes": ([RAIN], [HELD], True),
    "plants leave the solute behind": ([THIRST], [HELD], False),
    "mass that is added has no bound": ([], [LEAK], False),
}


@pytest.mark.parametrize(("sources", "solute", "bounded"), CASES.values(), ids=CASES)
def test_only_what_mixes_has_a_largest_concentration(sources, solute, bounded):
    found = by_name(config(sources, solute))
    assert ("no_concentration_above_its_sources" in found) is bounded
    assert "no_concentration_below_zero" in found
