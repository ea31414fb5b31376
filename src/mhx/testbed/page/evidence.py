"""What a report reads: the evidence of a testbed as plain values, and the open gates of its cases.

Gates are judged where a case ran; here their stored values are only shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.errors import EvidenceError
from mhx.evidence.store import read_json

VALIDATION = "validation.json"
READ_AT_MOST = 500  # cases whose gates are read for their values; names are known of all


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The evidence files of a testbed.

    plan: testbed_plan.json.  cases: rows of testbed_cases.csv, with `open_gates` (names).
    metrics: rows of testbed_metrics.csv, numbers as numbers, None where there is none.
    checks, analysis: as `checks.judge_checks` and `analysis.analyse` give them.
    manifest: testbed_manifest.json, complete or without its lists of rows.
    """

    plan: Mapping[str, Any]
    cases: Sequence[Mapping[str, Any]]
    metrics: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    analysis: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def contract(self) -> Sequence[Mapping[str, Any]]:
        """The columns with name and unit."""
        return self.manifest.get("metric_contract") or self.plan.get("metrics") or ()

    def unit(self, metric: str) -> str:
        """Unit of a metric; empty without dimension."""
        found = next((c.get("unit") for c in self.contract if c["name"] == metric), "") or ""
        return "" if found == "1" else str(found)

    def axis(self, name: str) -> Mapping[str, Any]:
        """A declared axis; empty for a tag."""
        return next((axis for axis in self.plan.get("axes") or () if axis["id"] == name), {})

    def rows(self) -> dict[str, Mapping[str, Any]]:
        """The metric row of each case by its id."""
        return {row["case_id"]: row for row in self.metrics}


@dataclass(frozen=True)
class OpenGates:
    """Gates of the cases that did not pass.

    names: those gates, the commonest first.  cases: case -> its open gates.
    stored: case -> gate -> what `validation.json` holds of it, as far as it was read.
    """

    names: Sequence[str]
    cases: Mapping[str, Sequence[str]]
    stored: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path, rows: Sequence[Mapping[str, Any]]) -> "OpenGates":
        """Gates by name from the rows, their values from the cases' folders."""
        open_ones = {
            row["case_id"]: [_name(gate) for gate in row.get("open_gates") or ()] for row in rows
        }
        cases = {name: gates for name, gates in open_ones.items() if gates}
        counted: dict[str, int] = {}
        for gates in cases.values():
            for gate in gates:
                counted[gate] = counted.get(gate, 0) + 1
        names = sorted(counted, key=lambda gate: (-counted[gate], gate))
        wanted = [row for row in rows if row["case_id"] in cases][:READ_AT_MOST]
        stored = {row["case_id"]: verdicts_of(root, row) for row in wanted}
        return cls(names, cases, stored)


def verdicts_of(root: Path, row: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The gates of a case as stored; empty where they cannot be read."""
    if not row.get("run_dir"):
        return {}
    try:
        found = read_json(root / str(row["run_dir"]) / VALIDATION).get("verdicts")
    except EvidenceError:  # verify names the file
        return {}
    return found if isinstance(found, Mapping) else {}


def _name(gate: Any) -> str:
    return str(gate["name"]) if isinstance(gate, Mapping) else str(gate)
