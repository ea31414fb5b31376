"""Measured facts beside those of the reference: each tolerance on both of its sides."""

import math
from dataclasses import replace
from typing import Any

import pytest

from mhx.evidence.gates import Verdict, judge
from mhx.groundwater.comparison.audit import MISMATCHES, SAME_CASE, Fact, Report, facts_of, lines_of
from mhx.groundwater.comparison.planning import Difference
from mhx.groundwater.comparison.reading import Solved

from .made import budget, flow, grid, solute, solved

METRICS = {
    "flow_metrics.recharge_nominal_m3_s": 1.0,
    "flow_metrics.recharge_accepted_m3_s": 0.9,
    "flow_metrics.fixed_head_cells": 2.0,
    "flow_metrics.fixed_head_area_m2": 200.0,
}


def run(name: str = "a", heads: float = 9.0, engine: str = "mf6", **metrics: float) -> Solved:
    told = METRICS | {f"flow_metrics.{key}": value for key, value in metrics.items()}
    more: dict[str, Any] = {} if engine == "mf6" else {"engine": engine}
    return solved(name, flow(heads), metrics=told, **more)


def verdict(name: str, reference: Solved, other: Solved) -> str:
    return next(fact.verdict for fact in facts_of(reference, [other]) if fact.name == name)


FACTS = {
    "nominal recharge within 1e-6": ("recharge_nominal", run(recharge_nominal_m3_s=1 + 9e-7), True),
    "and not beyond": ("recharge_nominal", run(recharge_nominal_m3_s=1 + 1.1e-6), False),
    "accepted recharge within 1 %": ("recharge_accepted", run(recharge_accepted_m3_s=0.908), True),
    "and not beyond it": ("recharge_accepted", run(recharge_accepted_m3_s=0.89), False),
    "a fact that is not told": ("recharge_accepted", run(recharge_accepted_m3_s=math.nan), False),
    "heads of boundaries": ("boundary_head_west_low", run(), True),
    "by a millionth of a metre": ("boundary_head_west_low", run(heads=9.000001), False),
    "but for single precision": (
        "boundary_head_west_low",
        replace(run(heads=9.000001), config=run().config.model_copy(update={"engine": "mfnwt"})),
        True,
    ),
}


@pytest.mark.parametrize(("name", "other", "passes"), FACTS.values(), ids=FACTS)
def test_a_fact_may_differ_as_far_as_it_says(name: str, other: Solved, passes: bool) -> None:
    assert verdict(name, run("ref"), other) == ("pass" if passes else "fail")


def test_the_area_of_the_cells_is_measured() -> None:
    wide = grid()
    larger = replace(wide, areas=wide.areas * (1 + 2e-9))
    other = solved("a", flow(9.0, mesh=larger), mesh=larger, metrics=METRICS)
    assert verdict("domain_area", run("ref"), other) == "fail"
    assert verdict("domain_area", run("ref"), run()) == "pass"


def test_fixed_cells_are_listed_and_judge_nothing() -> None:
    other = run(fixed_head_cells=40.0, fixed_head_area_m2=1.0)
    assert verdict("fixed_head_cells", run("ref"), other) == "listed"
    assert verdict("boundary_cells_east", run("ref"), other) == "listed"


def moving(name: str, end: float, mass: float) -> Solved:
    """A source of a stated rate, and a fixed concentration, which lets in what it may."""
    rows = budget((0, "rcha", "rain", mass, 0.0), (0, "chd", "west", 100 * mass, 0.0))
    return solved(
        name,
        flow(9.0, times=(end,), regime="transient"),
        transport=solute([[[0.0] * 8]], (end,), rows),
        metrics=METRICS,
    )


def test_simulated_time_and_mass_put_in_are_measured() -> None:
    assert verdict("simulated_time", moving("ref", 10.0, 1.0), moving("a", 10.0, 1.0)) == "pass"
    assert verdict("simulated_time", moving("ref", 10.0, 1.0), moving("a", 10.1, 1.0)) == "fail"
    assert verdict("mass_put_in", moving("ref", 10.0, 1.0), moving("a", 10.0, 1.0001)) == "fail"
    found = facts_of(moving("ref", 10.0, 1.0), [moving("a", 10.0, 1.0)])
    mass = next(fact for fact in found if fact.name == "mass_put_in")
    assert mass.value == 10 * 86400.0


def test_what_an_exact_solution_does_not_tell_is_listed() -> None:
    """It has no balance of masses; of every other engine a gap is a failure."""
    told = moving("ref", 10.0, 1.0)
    silent = replace(told, id="a", solute=solute([[[0.0] * 8]], (10.0,)))
    exact = replace(silent, config=told.config.model_copy(update={"engine": "analytic"}))
    assert verdict("mass_put_in", told, silent) == "fail"
    assert verdict("mass_put_in", told, exact) == "listed"


def report(on_mismatch: str = "fail", allowed: bool = True, fact: float = 1.0) -> Report:
    leaf = Difference(
        simulation="a", key="flow.param.K.value", reference=1, value=2, allowed=allowed
    )
    measured = Fact(
        simulation="a", name="domain_area", unit="m2", reference=1.0, value=fact, relative=True,
        allowed=1e-9,
    )  # fmt: skip
    return Report(reference="ref", on_mismatch=on_mismatch, leaves=[leaf], facts=[measured])


STATUS = {
    "nothing differs": (report(), "pass", 0),
    "a leaf does": (report(allowed=False), "fail", 1),
    "a fact does": (report(fact=2.0), "fail", 1),
    "both, and it is a warning": (report("warn", False, 2.0), "warn", 2),
    "nothing, and it would be a warning": (report("warn"), "pass", 0),
    "nobody asks": (report("ignore", False, 2.0), "ignored", 2),
}


@pytest.mark.parametrize(("one", "status", "count"), STATUS.values(), ids=STATUS)
def test_the_status_says_what_a_mismatch_leads_to(one: Report, status: str, count: int) -> None:
    assert (one.status, one.mismatches) == (status, count)
    assert one.document()["status"] == status
    assert f"**{status.upper()}**" in "\n".join(lines_of(one))


def test_a_mismatch_fails_the_gate_only_where_it_is_a_failure() -> None:
    assert judge(SAME_CASE, {MISMATCHES: report().mismatches}).verdict is Verdict.PASS
    assert judge(SAME_CASE, {MISMATCHES: report(fact=2.0).mismatches}).verdict is Verdict.FAIL
    assert report().gates == (SAME_CASE,)
    assert report("warn").gates == report("ignore").gates == ()
