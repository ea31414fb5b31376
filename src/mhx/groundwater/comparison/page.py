"""The report of a comparison: `comparison_report.md` and `.html`, one self-contained page.

The words say what a comparison can: how methods differ, not which one is right, unless the
reference is an exact solution.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.evidence.gates import GateResult, all_pass
from mhx.evidence.store import write_bytes, write_text
from mhx.groundwater.comparison import records
from mhx.groundwater.comparison.carrying import Ended
from mhx.groundwater.comparison.children import Child
from mhx.groundwater.comparison.closures import GRADES
from mhx.groundwater.comparison.figures import Drawn
from mhx.groundwater.comparison.reading import Solved
from mhx.groundwater.comparison.records import Findings
from mhx.report import html, markdown
from mhx.report.page import (
    Block,
    Bullets,
    Cell,
    Charts,
    Column,
    Page,
    Section,
    Table,
    Words,
    figure,
)
from mhx.report.pictures import embedded

SAYS = (
    "It says how methods differ from the reference, not which of them is right: the reference is "
    "itself a numerical method."
)
SAYS_EXACT = (
    "The reference is an exact solution of the case, so a difference from it is the error of a "
    "method."
)
TONES = ("pass", "unknown", "fail")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a report is made of."""

    findings: Findings
    children: Sequence[Child]
    ended: Mapping[str, Ended]
    solved: Mapping[str, Solved]
    gates: Sequence[GateResult]
    drawn: Sequence[Drawn]
    wall_s: float

    @property
    def exact(self) -> bool:
        """Whether the reference is an exact solution."""
        return any(
            child.id == self.findings.reference and child.config.engine == "analytic"
            for child in self.children
        )


def write(root: Path, told: Told) -> None:
    """Both forms of the report; HTML where the template engine is installed."""
    page = _page(root, told)
    write_text(root / records.REPORT_MD, markdown.render(page))
    if html.can_render():
        write_bytes(root / records.REPORT_HTML, html.render(page))


def _page(root: Path, told: Told) -> Page:
    found = told.findings
    failed = [one for one in told.ended.values() if not one.finished]
    good = all_pass(told.gates) if told.gates else not failed
    others = sum(child.id != found.reference for child in told.children)
    counts = found.counts
    return Page(
        title=found.comparison_id,
        kind="Comparison of methods",
        verdict="pass" if good else "fail",
        headline=f"{others} methods against {_label(told, found.reference)}: "
        f"{counts['n_metric_rows']} comparisons, audit {found.audit.status}",
        figures=[
            ("methods", str(len(told.children)), "fail" if failed else ""),
            ("values compared", str(counts["n_difference_rows"]), ""),
            ("without a partner", str(counts["n_unmatched_rows"]), ""),
            ("wall time", f"{told.wall_s:.1f} s", ""),
        ],
        summary=[
            ("Reference", Cell(found.reference, code=True)),
            ("Audit", Cell(found.audit.status, href=records.AUDIT_MD)),
            ("Simulations", Cell(", ".join(child.id for child in told.children))),
            ("Failed", Cell(", ".join(one.id for one in failed) or "none")),
        ],
        sections=[
            Section(
                anchor="methods",
                title="Methods",
                blocks=_methods(root, told),
                lead=SAYS_EXACT if told.exact else SAYS,
            ),
            Section(anchor="differences", title="Differences", blocks=_differences(told)),
            Section(anchor="pictures", title="Pictures", blocks=_pictures(told)),
            Section(anchor="closures", title="Closures", blocks=[_closures(told)]),
            Section(anchor="audit", title="Audit", blocks=_audit(told)),
            Section(anchor="gates", title="Gates", blocks=_gates(told)),
            Section(anchor="files", title="Files", blocks=[_files(root)]),
        ],
        footer="Made by mhx from the run folders of the methods; every number stands in the files.",
    )


def _label(told: Told, name: str) -> str:
    return next((child.label for child in told.children if child.id == name), name)


def _methods(root: Path, told: Told) -> list[Block]:
    rows = []
    for child in told.children:
        ended, one = told.ended[child.id], told.solved.get(child.id)
        href = ""
        if ended.root.is_relative_to(root):
            href = ended.root.relative_to(root).as_posix() + "/"
        mesh = child.config.mesh.kind if child.config.mesh is not None else "own model"
        role = " (reference)" if child.id == told.findings.reference else ""
        open_gates = ", ".join(one.open_gates) if one is not None else ""
        rows.append(
            [
                Cell(child.label + role),
                Cell(child.id, href=href, code=True),
                Cell(child.config.engine),
                Cell(mesh),
                Cell(str(one.grid.n_cells) if one is not None else ""),
                Cell(one.notes.get("flow.formulation", "") if one is not None else ""),
                Cell(f"{one.wall_s:.3g}" if one is not None else ""),
                Cell(ended.status, tone="pass" if ended.finished else "fail"),
                Cell(open_gates or ("all pass" if one is not None else "")),
            ]
        )
    columns = [
        *(Column("Method"), Column("Id"), Column("Engine"), Column("Mesh")),
        *(Column("Cells", numeric=True), Column("Formulation"), Column("Wall", "s", numeric=True)),
        *(Column("Status", badge=True), Column("Its own gates")),
    ]
    blocks: list[Block] = [Table(columns=columns, rows=rows)]
    blocks += formulations(told.solved.values())
    blocks += [Words(f"{one.id}: {one.error}", "fail") for one in told.ended.values() if one.error]
    return blocks


def formulations(solved: Iterable[Solved]) -> list[Block]:
    """What engines say of themselves beside MODFLOW 6: each note once, with all who have it."""
    noted: dict[tuple[str, str], list[str]] = {}
    runs = list(solved)
    for step in ("flow", "transport"):
        for one in runs:
            text = one.notes.get(f"{step}.agreement")
            if text is not None:
                noted.setdefault((step, text), []).append(one.label)
    items = [(f"{step} of {'; '.join(who)}", Cell(text)) for (step, text), who in noted.items()]
    return [Words("Where formulations differ:"), Bullets(items=items)] if items else []


def _differences(told: Told) -> list[Block]:
    found = told.findings
    columns = [
        *(Column("Observable"), Column("Method"), Column("Unit"), Column("Pairs", numeric=True)),
        *(Column("Bias", numeric=True), Column("MAE", numeric=True)),
        *(Column("RMSE", numeric=True), Column("Largest", numeric=True)),
        *(Column("Mean relative", numeric=True), Column("Unmatched", numeric=True)),
    ]
    order = {row.observable: n for n, row in reversed(list(enumerate(found.rows)))}
    rows = [
        [
            Cell(row.observable, code=True),
            Cell(_label(told, row.simulation)),
            Cell(row.unit),
            *(Cell(figure(row.statistics[name], 4)) for name in row.statistics),
            Cell(str(row.n_unmatched)),
        ]
        for row in sorted(found.rows, key=lambda row: order[row.observable])
    ]
    note = f"Method less reference ({found.reference}): a positive bias is too high."
    blocks: list[Block] = [Table(columns=columns, rows=rows, note=note)] if rows else []
    for name, own in found.interpolation.items():
        blocks.append(
            Words(
                f"{name}: the reference read as {own['other']} instead of {own['interpolation']} "
                f"differs from itself by an RMSE of {figure(own['rmse'], 4)} {own['unit']} "
                f"(largest {figure(own['max_abs_error'], 4)}); smaller differences of "
                "this map may be those of reading it."
            )
        )
    lost = [f"{row.observable}, {text}" for row in found.rows for text in row.why]
    blocks += [Words(text, "unknown") for text in dict.fromkeys(lost)]
    return blocks or [Words("Nothing was compared.", "unknown")]


def _pictures(told: Told) -> list[Block]:
    charts = [embedded(one.path, one.caption, wide=one.wide) for one in told.drawn]
    if not charts:
        return [Words("There is none.")]
    names = ", ".join(one.path.name for one in told.drawn)
    return [Charts(charts=charts, note=f"As files in {records.FIGURES}/: {names}.")]


def _closures(told: Told) -> Block:
    columns = [
        *(Column("Method"), Column("Balance"), Column("Period", numeric=True)),
        *(Column("In", numeric=True), Column("Out", numeric=True)),
        *(Column("Residual", numeric=True), Column("Unit"), Column("Residual", "mm/d", True)),
        *(Column("Relative", numeric=True), Column("Grade", badge=True)),
    ]
    rows = [
        [
            Cell(_label(told, one.simulation)),
            Cell(one.balance),
            Cell(str(one.period)),
            *(Cell(figure(value, 6)) for value in (one.inward, one.outward)),
            Cell(figure(one.residual, 3)),
            Cell(one.unit),
            Cell("" if math.isnan(one.residual_mm_d) else figure(one.residual_mm_d, 3)),
            Cell(figure(one.relative, 3)),
            Cell(GRADES[one.grade], tone=TONES[one.grade]),
        ]
        for one in told.findings.closures
    ]
    if not rows:
        return Words("No method tells a balance.", "unknown")
    note = "Everything in less everything out, mean of a period; exact solutions have no balance."
    return Table(columns=columns, rows=rows, note=note)


def _audit(told: Told) -> list[Block]:
    audit = told.findings.audit
    leaves = [
        [
            Cell(one.simulation),
            Cell(one.key, code=True),
            Cell(_text(one.reference)),
            Cell(_text(one.value)),
            Cell("method" if one.allowed else "case", tone="" if one.allowed else "fail"),
        ]
        for one in audit.leaves
    ]
    facts = [
        [
            Cell(fact.simulation),
            Cell(fact.name),
            Cell(fact.unit),
            *(Cell(figure(value)) for value in (fact.reference, fact.value)),
            Cell(figure(fact.apart, 3)),
            Cell("" if fact.allowed is None else figure(fact.allowed, 3)),
            Cell(fact.verdict, tone=fact.verdict if fact.verdict in ("pass", "fail") else "muted"),
        ]
        for fact in audit.facts
    ]
    differing = [*map(Column, ("Method", "Key", "Reference", "Here", "Belongs to"))]
    measured = [
        *(Column("Method"), Column("Fact"), Column("Unit"), Column("Reference", numeric=True)),
        *(Column("Here", numeric=True), Column("Apart", numeric=True)),
        *(Column("Allowed", numeric=True), Column("Verdict", badge=True)),
    ]
    return [
        Table(columns=differing, rows=leaves, caption="Configuration, leaf by leaf"),
        Table(columns=measured, rows=facts, caption="Measured facts"),
    ]


def _text(value: Any) -> str:
    if value is None:
        return "absent"
    return figure(value) if isinstance(value, float) else str(value)


def _gates(told: Told) -> list[Block]:
    if not told.gates:
        return [Words("No bound was declared.")]
    columns = [
        *(Column("Gate"), Column("Metric"), Column("Value", numeric=True)),
        *(Column("Bound"), Column("Verdict", badge=True), Column("Reason")),
    ]
    rows = [
        [
            Cell(result.gate.name),
            Cell(result.gate.metric, code=True),
            Cell(figure(result.value)),
            Cell(result.gate.bound_text),
            Cell(result.verdict.value, tone=result.verdict.value),
            Cell(result.gate.reason),
        ]
        for result in told.gates
    ]
    return [Table(columns=columns, rows=rows)]


def _files(root: Path) -> Block:
    names: Iterable[tuple[str, str]] = (
        (records.OBSERVABLES, "every value that was read"),
        (records.DIFFERENCES, "every value beside its partner"),
        (records.UNMATCHED, "every value that has no partner"),
        (records.METRICS, "one row per method and observable"),
        (records.MAPS, "maps on the common raster"),
        (records.CLOSURES, "balances per period"),
        (records.AUDIT_JSON, "the audit, complete"),
        (records.METRICS_JSON, "the differences, for programs"),
    )
    rows = [
        [Cell(name, href=name, code=True), Cell(what)]
        for name, what in names
        if (root / name).is_file()
    ]
    return Table(columns=[Column("File"), Column("What it holds")], rows=rows)
