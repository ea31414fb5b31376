"""The rows of a testbed in plan order, each rendered once, whatever the order they are known in.

Rewriting a file joins lines that stand ready, so that its cost is that of its bytes: a case that
ends renders its own lines and no others.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mhx.evidence.hashing import content_digest
from mhx.evidence.store import strict
from mhx.testbed.files.columns import Column, Contract
from mhx.testbed.files.rows import (
    CASE_COLUMNS,
    VOLATILE,
    State,
    case_line,
    case_row,
    line,
    metric_header,
    metric_row,
    runner_columns,
)
from mhx.workflow.registry import Registration

# a summary may hold durations, and an error the name of an attempt
_NO_IDENTITY = VOLATILE | {"summary_sha256", "error"}


class Tables:
    """What is known of each case, as rows and as lines.

    case_rows: 12.2 with `open_gates` and `run_digest`; metric_rows: 12.3, of executed cases.
    """

    def __init__(self, plan: Mapping[str, Any], contract: Contract, row: Registration) -> None:
        self.contract = contract
        self._row = row
        self._cases: list[Mapping[str, Any]] = list(plan["cases"])
        self._place = {case["case_id"]: number for number, case in enumerate(self._cases)}
        self._case_rows: list[dict[str, Any]] = [{} for _ in self._cases]
        self._lines: list[tuple[str, str, str]] = [("", "", "")] * len(self._cases)
        self._metrics: list[tuple[dict[str, Any], str, str] | None] = [None] * len(self._cases)
        self._columns: list[Column] = contract.columns
        self.states: dict[str, State] = {}
        self._stale: set[int] = set()
        for case in self._cases:
            self.set(case["case_id"], _before(case))

    def set(self, case_id: str, state: State) -> None:
        """Take in what is known of a case now; its lines are made when they are asked for."""
        self.states[case_id] = state
        self._stale.add(self._place[case_id])
        self.contract.learn(state.values)

    def _render(self) -> None:
        while self._stale:
            self._render_case(self._stale.pop())

    def _render_case(self, place: int) -> None:
        case = self._cases[place]
        state = self.states[case["case_id"]]
        row = case_row(case, state, self._row.runner or "")
        row |= runner_columns(self._row.columns, self._row.mode, row, state)
        kept = {key: value for key, value in row.items() if key not in _NO_IDENTITY}
        text = case_line(row)
        result = state.result
        row["open_gates"] = list(result.open_gates) if result else []
        row["run_digest"] = kept["run_digest"] = result.run_digest if result else ""
        self._case_rows[place] = row
        self._lines[place] = (text, _compact(row), content_digest(strict(kept)))
        self._metrics[place] = None

    def state(self, case_id: str) -> State:
        return self.states[case_id]

    def counted(self) -> Counter[str]:
        """How many cases have each status."""
        return Counter(state.status for state in self.states.values())

    @property
    def case_rows(self) -> Sequence[dict[str, Any]]:
        self._render()
        return self._case_rows

    @property
    def metric_rows(self) -> list[dict[str, Any]]:
        return [rendered[0] for rendered in self._rendered_metrics()]

    def cases_csv(self) -> bytes:
        """testbed_cases.csv"""
        self._render()
        header = line((*CASE_COLUMNS, *self._row.columns))
        return "".join([header, *(text for text, _, _ in self._lines)]).encode()

    def metrics_csv(self) -> bytes:
        """testbed_metrics.csv"""
        rendered = self._rendered_metrics()
        header = line(metric_header(self._columns))
        return "".join([header, *(text for _, text, _ in rendered)]).encode()

    def cases_json(self) -> list[str]:
        """One JSON object a case."""
        self._render()
        return [text for _, text, _ in self._lines]

    def metrics_json(self) -> list[str]:
        """One JSON object an executed case."""
        return [text for _, _, text in self._rendered_metrics()]

    def digest(self) -> str:
        """Identity of what the cases gave: no times, no attempts, nothing of durations."""
        timed = {column.name for column in self.contract.columns if column.kind == "duration"}
        metrics = [
            {key: value for key, value in row.items() if key not in timed and key != "error"}
            for row in self.metric_rows
        ]
        return content_digest(
            {"cases": [digest for _, _, digest in self._lines], "metrics": strict(metrics)}
        )

    def _rendered_metrics(self) -> list[tuple[dict[str, Any], str, str]]:
        self._render()
        if self.contract.columns is not self._columns:  # a name not met before: all rows widen
            self._columns = self.contract.columns
            self._metrics = [None] * len(self._cases)
        found = []
        for place, row in enumerate(self._case_rows):
            state = self.states[row["case_id"]]
            if state.executed:
                found.append(self._rendered_metric(place, state, row["error"]))
        return found

    def _rendered_metric(
        self, place: int, state: State, error: str
    ) -> tuple[dict[str, Any], str, str]:
        rendered = self._metrics[place]
        if rendered is None:
            row = metric_row(self._cases[place], state, self._columns, error)
            rendered = self._metrics[place] = (row, line(row.values()), _compact(row))
        return rendered


def _compact(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _before(case: Mapping[str, Any]) -> State:
    """What the plan says of a case before anything is known of its run."""
    if fault := case.get("fault"):
        return State(status="failed", error=fault)
    return State(status="planned" if case["enabled"] else "disabled")
