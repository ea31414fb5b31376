"""What was one case on paper is measured again after the runs: `comparison_audit`.

Per method and fact: the value of the reference, of the method, how far they are apart and how far
they may be.  Area and simulated time 1e-9 relative, nominal recharge and mass put in 1e-6, heads at
fixed-head boundaries exact (single precision where the engine keeps no more), accepted recharge
1 %.  Cells of boundaries, number and area of those with a fixed head belong to the mesh: they are
listed, for they explain most differences, and judge nothing.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mhx.evidence.gates import Gate
from mhx.groundwater.comparison.planning import Difference
from mhx.groundwater.comparison.reading import Solved
from mhx.groundwater.packages import Quantity
from mhx.groundwater.units import DAY

SINGLE = ("mfnwt", "mt3dusgs")
"""Engines whose files are in single precision."""
EXACT = "analytic"
"""The engine that may have no budget: what it does not tell is listed, not judged."""
FLOAT32 = 2.0**-22
"""Two roundings to single precision, relative [1]."""
STATED_RATE = ("wel", "rcha", "src")
"""Packages that put in what they are told; what fixed concentrations let in is a result."""
MISMATCHES = "audit_mismatches"
EXPLANATION = (
    "Recharge on cells with a fixed head is dropped, so meshes that fix other areas accept other "
    "recharge: the commonest hidden difference between two meshes of one case. A conductance that "
    "is stated for each cell adds up over as many cells as a mesh has there; leakance, per area or "
    "length, does not."
)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One measured fact of a method beside that of the reference.

    apart: abs(value - reference), over abs(reference) where `relative`.  allowed: None judges
    nothing.
    """

    simulation: str
    name: str
    unit: str
    reference: float
    value: float
    relative: bool
    allowed: float | None

    @property
    def apart(self) -> float:
        """How far the two are apart; 0 where both are the same number, or both have none."""
        if math.isnan(self.reference) and math.isnan(self.value):
            return 0.0
        off = abs(self.value - self.reference)
        if not self.relative or off == 0:
            return off
        return off / abs(self.reference) if self.reference else math.inf

    @property
    def verdict(self) -> str:
        """pass, fail, or listed."""
        if self.allowed is None:
            return "listed"
        return "pass" if self.apart <= self.allowed else "fail"  # NaN fails


@dataclass(frozen=True, kw_only=True)
class Report:
    """Both halves of the audit.  on_mismatch: what a difference leads to."""

    reference: str
    on_mismatch: str
    leaves: Sequence[Difference]
    facts: Sequence[Fact]

    @property
    def mismatches(self) -> int:
        """Leaves and facts that differ and may not."""
        wrong = [one for one in self.leaves if not one.allowed]
        return len(wrong) + sum(fact.verdict == "fail" for fact in self.facts)

    @property
    def status(self) -> str:
        """pass, warn, fail or ignored."""
        if self.on_mismatch == "ignore":
            return "ignored"
        if not self.mismatches:
            return "pass"
        return self.on_mismatch

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gate of the audit, where a mismatch is a failure."""
        return (SAME_CASE,) if self.on_mismatch == "fail" else ()

    def document(self) -> dict[str, Any]:
        """As `comparison_audit.json` holds it, but for its schema."""
        return {
            "mode": "strict_same_case",
            "on_mismatch": self.on_mismatch,
            "status": self.status,
            "reference_simulation": self.reference,
            "mismatches": self.mismatches,
            "explanation": EXPLANATION,
            "configuration": [vars(one) for one in self.leaves],
            "measured": [
                {**vars(fact), "apart": fact.apart, "verdict": fact.verdict} for fact in self.facts
            ],
        }


SAME_CASE = Gate(
    name="methods_solve_one_case",
    metric=MISMATCHES,
    high=0,
    reason="a difference between two cases would be read as one between two methods",
    remedy="see comparison_audit.md: make the case equal, or state "
    "comparison.audit.on_mismatch = 'warn' where the difference is meant",
)


def facts_of(reference: Solved, others: Iterable[Solved]) -> list[Fact]:
    """Every measured fact of every method but the reference."""
    base = dict(_measured(reference))
    return [fact for one in others for fact in _beside(reference, base, one)]


_Key = tuple[str, str]


def _beside(reference: Solved, base: Mapping[_Key, float], one: Solved) -> Iterator[Fact]:
    ours = dict(_measured(one))
    engines = {reference.config.engine, one.config.engine}
    single, exact = engines & set(SINGLE), EXACT in engines
    for name, unit in dict.fromkeys((*base, *ours)):
        value = ours.get((name, unit), math.nan)
        allowed, relative = _allowed(name)
        if name.startswith("boundary_head") and single:
            allowed = FLOAT32
        if math.isnan(value + base.get((name, unit), math.nan)) and exact:
            allowed = None
        yield Fact(
            simulation=one.id,
            name=name,
            unit=unit,
            reference=base.get((name, unit), math.nan),
            value=value,
            relative=relative,
            allowed=allowed,
        )


def _allowed(name: str) -> tuple[float | None, bool]:
    """How far a fact may be apart, and whether relative to the reference."""
    if name in ("domain_area", "simulated_time"):
        return 1e-9, True
    if name in ("recharge_nominal", "mass_put_in"):
        return 1e-6, True
    if name == "recharge_accepted":
        return 0.01, True
    return (0.0 if name.startswith("boundary_head") else None), True


def _measured(one: Solved) -> Iterator[tuple[_Key, float]]:
    """(name, unit) -> value of what was measured in a run."""
    metrics = one.metrics

    def flow(name: str) -> float:
        value = metrics.get(f"flow_metrics.{name}")
        return math.nan if value is None else float(value)

    yield ("domain_area", "m2"), float(one.grid.areas.sum())
    if one.solute is not None or one.flow.about["regime"] == "transient":
        yield ("simulated_time", "d"), one.end_d
    yield ("recharge_nominal", "m3/s"), flow("recharge_nominal_m3_s")
    yield ("recharge_accepted", "m3/s"), flow("recharge_accepted_m3_s")
    if one.solute is not None:
        yield ("mass_put_in", "kg"), _mass_put_in(one)
    yield from _boundary_heads(one)
    for name, place in one.flow.about["boundaries"].items():
        yield (f"boundary_cells_{name}", "1"), len(place["cells"])
    yield ("fixed_head_cells", "1"), flow("fixed_head_cells")
    yield ("fixed_head_area", "m2"), flow("fixed_head_area_m2")


def _mass_put_in(one: Solved) -> float:
    """What sources of a stated rate brought in over the whole time [kg]."""
    assert one.solute is not None and one.config.flow is not None
    told = [table.id for table in one.config.flow.source if table.package in STATED_RATE]
    if one.config.transport is not None:
        told += [table.id for table in one.config.transport.bc if table.package in STATED_RATE]
    if not one.solute.budget:
        return math.nan
    seconds = one.solute.length_d * DAY
    rows = [row for row in one.solute.budget if row.boundary in told]
    return float(sum(row.rate_in * seconds[row.saved] for row in rows))


def _boundary_heads(one: Solved) -> Iterator[tuple[_Key, float]]:
    """Lowest and highest head that each chd holds, last step.

    MODFLOW's cells have the head itself.  Elements hold it at nodes and exact solutions at the
    edge, so for those it is what was stated, where that is a number.
    """
    grid, flow = one.grid, one.flow
    tables = one.config.flow.bc if one.config.flow is not None else []
    for table in tables:
        if table.package != "chd":
            continue
        if one.config.engine in ("mf6", *SINGLE):
            place = flow.about["boundaries"][table.id]
            nodes = [
                la * grid.n_cells + c for la, c in zip(place["layers"], place["cells"], strict=True)
            ]
            heads = flow.heads[-1].ravel()[nodes]
            low, high = float(heads.min()), float(heads.max())
        elif isinstance(table.head, float | int | Quantity):
            low = high = float(table.head if isinstance(table.head, float | int) else table.head.si)
        else:
            continue
        yield (f"boundary_head_{table.id}_low", "m"), low
        yield (f"boundary_head_{table.id}_high", "m"), high


def lines_of(report: Report) -> list[str]:
    """`comparison_audit.md`, line by line."""
    lines = [
        "# Audit: only the method may differ",
        "",
        f"**{report.status.upper()}**: {report.mismatches} differences that are not of the method, "
        f"from the reference `{report.reference}` (on_mismatch = {report.on_mismatch}).",
        "",
        "## Configuration, leaf by leaf",
        "",
        "| simulation | key | reference | here | |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.simulation} | `{one.key}` | {one.reference} | {one.value} | "
        f"{'method' if one.allowed else '**no method**'} |"
        for one in report.leaves
    ]
    lines += ["", "## Measured facts", ""]
    lines += ["| simulation | fact | unit | reference | here | apart | allowed | |"]
    lines += ["| --- | --- | --- | ---: | ---: | ---: | ---: | --- |"]
    lines += [
        f"| {fact.simulation} | {fact.name} | {fact.unit} | {fact.reference:.10g} | "
        f"{fact.value:.10g} | {fact.apart:.3g} | "
        f"{'' if fact.allowed is None else format(fact.allowed, '.3g')} | {fact.verdict} |"
        for fact in report.facts
    ]
    return [*lines, "", EXPLANATION, ""]
