"""The report of a testbed: `testbed_report.md` and one offline page, from its evidence alone.

This module decides what stands where; `report_tables` and `report_pictures` fill the sections, and
`mhx.report` writes Markdown and HTML.  Long lists are cut in the report and named in full in the
CSV files, to which a note points.  Without the template engine (extra `report`) no page is written.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mhx.evidence.store import write_bytes, write_text
from mhx.report import html, markdown
from mhx.report.page import Cell, Page, Section, counted, figure
from mhx.testbed.page import report_ensembles, report_pictures, report_tables
from mhx.testbed.page.evidence import Evidence, OpenGates

MARKDOWN, HTML = "testbed_report.md", "testbed_report.html"

__all__ = ["HTML", "MARKDOWN", "Evidence", "page_of", "write_report"]


def write_report(root: Path, evidence: Evidence) -> tuple[str, ...]:
    """Write the report files into the folder of the testbed and return their names."""
    page = page_of(root, evidence)
    write_text(root / MARKDOWN, markdown.render(page))
    if not html.can_render():
        return (MARKDOWN,)
    write_bytes(root / HTML, html.render(page))
    return MARKDOWN, HTML


def page_of(root: Path, evidence: Evidence) -> Page:
    """The report as a page; reads logs and gates of the cases below `root`, writes nothing."""
    gates = OpenGates.of(root, evidence.cases)
    count = _Count(evidence, gates)
    manifest = evidence.manifest
    return Page(
        title=str(evidence.plan["testbed_id"]),
        kind=f"testbed \N{MIDDLE DOT} {evidence.plan['subject']} / {evidence.plan['runner']}",
        verdict=count.verdict,
        headline=count.headline,
        figures=list(count.tiles()),
        summary=[
            ("Subject", Cell(str(evidence.plan["subject"]))),
            ("Purpose", Cell(str(evidence.plan.get("purpose") or ""))),
            ("Runner", Cell(str(evidence.plan["runner"]))),
            ("Execute", Cell(figure(bool(manifest.get("execute"))))),
            ("Cases", Cell(str(manifest.get("case_count", len(evidence.cases))))),
            ("Successful", Cell(str(count.ok))),
            ("Failed", Cell(str(count.failed), tone="fail" if count.failed else "")),
            ("Pending", Cell(str(count.pending))),
        ],
        sections=[
            Section(anchor=anchor, title=title, lead=lead, blocks=blocks)
            for anchor, title, lead, make in _contents(root, evidence, gates)
            if (blocks := make())
        ],
        footer="Numbers in full, one row a case: testbed_metrics.csv. "
        "Is all of it still as it was written? python verify.py",
    )


Contents = tuple[str, str, str, Callable[[], Sequence[Any]]]


def _contents(root: Path, evidence: Evidence, gates: OpenGates) -> Iterator[Contents]:
    """Anchor, title, a line of explanation and the maker of each section, in order."""
    tables, pictures, ensembles = report_tables, report_pictures, report_ensembles
    yield (
        "checks", "Checks",
        "Declared before the cases ran. Unknown is not a pass: no case is dropped to judge one.",
        lambda: tables.checks(evidence),
    )  # fmt: skip
    yield "cases", "Cases", "", lambda: tables.cases(root, evidence, gates)
    yield (
        "gates", "Gates of the children that did not pass",
        "Each case judges itself; what did not pass there limits what its numbers mean here.",
        lambda: tables.open_gates(gates),
    )  # fmt: skip
    yield "trends", "Trends along the axes", "", lambda: pictures.trends(evidence)
    yield (
        "differences", "Differences to the reference",
        "Change of each metric, and relative to the absolute value at the reference.",
        lambda: tables.differences(evidence),
    )  # fmt: skip
    yield (
        "convergence", "Convergence",
        "Order and uncertainty from the three finest grids; U is limited as by Oberkampf and Roy.",
        lambda: pictures.convergence(evidence),
    )  # fmt: skip
    yield (
        "seeds", "Random seeds",
        "Dots: one seed each. Broad bar: 95 % confidence of the mean. Thin: 95 % of further seeds.",
        lambda: ensembles.seeds(evidence),
    )  # fmt: skip
    yield (
        "samples", "Sampled designs", "",
        lambda: ensembles.samples(evidence),
    )  # fmt: skip
    yield (
        "effects", "One axis at a time",
        "Range of the metric when one axis moves and the others stay at the reference.",
        lambda: pictures.tornados(evidence),
    )  # fmt: skip
    yield "factors", "Grid effects", "", lambda: tables.factors(evidence)
    yield "failures", "Failures", "", lambda: tables.failures(root, evidence)
    yield (
        "isolation", "Isolation",
        "What each case changed against the base, and whether it was meant to.",
        lambda: tables.isolation(evidence),
    )  # fmt: skip
    yield "provenance", "Provenance", "", lambda: tables.provenance(evidence)


@dataclass(frozen=True)
class _Count:
    """How a testbed stands, counted."""

    evidence: Evidence
    gates: OpenGates

    def _cases(self, *statuses: str) -> int:
        return sum(row["status"] in statuses for row in self.evidence.cases)

    @property
    def ok(self) -> int:
        return self._cases("ok")

    @property
    def failed(self) -> int:
        return self._cases("failed", "timeout")

    @property
    def enabled(self) -> int:
        return len(self.evidence.cases) - self._cases("disabled")

    @property
    def pending(self) -> int:
        return self.enabled - self.ok - self.failed

    def _checks(self, verdict: str) -> int:
        return sum(self._worst_of_check(name) == verdict for name in self._check_ids())

    def _check_ids(self) -> list[str]:
        return list(dict.fromkeys(check["check_id"] for check in self.evidence.checks))

    def _worst_of_check(self, name: str) -> str:
        found = {row["verdict"] for row in self.evidence.checks if row["check_id"] == name}
        return next(word for word in ("fail", "unknown", "pass") if word in found)

    @property
    def _required(self) -> set[str]:
        return {row["verdict"] for row in self.evidence.checks if row["required"]}

    @property
    def verdict(self) -> str:
        if self.failed or "fail" in self._required:
            return "fail"
        if self.pending or "unknown" in self._required or not self.ok:
            return "unknown"
        return "fail" if self.evidence.manifest.get("exit_code") == 1 else "pass"

    @property
    def headline(self) -> str:
        words = [f"{self.ok} of {counted(self.enabled, 'case')} finished"]
        if self.failed:
            words.append(f"{self.failed} failed")
        if self.pending:
            planned = not self.evidence.manifest.get("execute") and not self.ok
            words.append(f"{self.pending} {'planned, nothing has run' if planned else 'pending'}")
        checks = self._check_ids()
        if checks:
            words.append(f"{self._checks('pass')} of {counted(len(checks), 'check')} passed")
        if self.gates.cases:
            words.append(
                f"{counted(len(self.gates.names), 'gate')} of the children did not pass "
                f"({counted(len(self.gates.cases), 'case')})"
            )
        return "; ".join(words) + "."

    def tiles(self) -> Iterator[tuple[str, str, str]]:
        """Name, value and tone of the large numbers at the top."""
        yield "finished", f"{self.ok} / {self.enabled}", "" if self.pending else "pass"
        if self.failed:
            yield "failed", str(self.failed), "fail"
        reused = sum(bool(row.get("reused")) for row in self.evidence.cases)
        if reused:
            yield "reused", str(reused), ""
        total = len(self._check_ids())
        if total:
            passed = self._checks("pass")
            tone = "pass" if passed == total else "fail" if self._checks("fail") else "unknown"
            yield "checks passed", f"{passed} / {total}", tone
        if self.gates.names:
            yield "open gates", str(len(self.gates.names)), "fail"
        wall = (self.evidence.manifest.get("provenance") or {}).get("wall_seconds")
        if isinstance(wall, int | float):
            yield "wall clock", report_tables.duration(wall), ""
