"""The rows of testbed_cases.csv and testbed_metrics.csv, as tables and as lines of CSV.

A row is made from a case of the plan and from what is known of it (`State`); the columns never
change with what happened.  Volatile columns tell circumstance: they are never compared.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.testbed.files.columns import Column, Value
from mhx.testbed.running.journal import Result

CASE_COLUMNS = (
    *("case_id", "case_label", "axis", "enabled", "status", "config_path", "runner"),
    *("duration_seconds", "error", "axis_value", "axis_unit", "design", "coordinates"),
    *("isolation", "gate_verdict", "reused", "reuse_reason", "attempt", "exit_code", "run_dir"),
    *("child_digest", "case_digest", "summary_sha256", "started_utc", "finished_utc"),
    "backend_job",
)
CHECK_COLUMNS = (
    *("check_id", "kind", "metric", "axis", "group", "verdict", "value", "bound", "required"),
    *("n_cases", "cases", "reason", "detail"),
)
VOLATILE = frozenset(
    {
        *("duration_seconds", "wall_time_seconds", "started_utc", "finished_utc", "attempt"),
        *("reused", "reuse_reason", "backend_job"),
    }
)
EXECUTED = ("ok", "failed", "timeout")
SUCCESSFUL = "ok"


@dataclass(kw_only=True)
class State:
    """What is known of a case now.

    values: its metrics by column; notes: texts of its summary, for the columns of the runner.
    """

    status: str = "planned"
    result: Result | None = None
    reused: bool = False
    reuse_reason: str = ""
    error: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def executed(self) -> bool:
        return self.status in EXECUTED


def case_row(case: Mapping[str, Any], state: State, runner: str) -> dict[str, Any]:
    """One row of 12.2 without the runner's own columns; None where there is nothing to say."""
    result = state.result
    value, unit = axis_value(case)
    return {
        "case_id": case["case_id"],
        "case_label": case["case_label"],
        "axis": case["axis"],
        "enabled": case["enabled"],
        "status": state.status,
        "config_path": case["config_path"],
        "runner": runner,
        "duration_seconds": result.duration_seconds if result else None,
        "error": state.error or (result.error if result else ""),
        "axis_value": value,
        "axis_unit": unit,
        "design": case.get("design", ""),
        "coordinates": dict(case.get("coordinates") or {}),
        "isolation": (case.get("isolation") or {}).get("verdict", ""),
        "gate_verdict": result.gate_verdict if result else "",
        "reused": state.reused,
        "reuse_reason": state.reuse_reason,
        "attempt": result.attempt if result else "",
        "exit_code": result.exit_code if result else None,
        "run_dir": result.run_dir if result else "",
        "child_digest": case.get("child_digest", ""),
        "case_digest": case.get("case_digest", ""),
        "summary_sha256": result.summary_sha256 if result else "",
        "started_utc": result.started_utc if result else "",
        "finished_utc": result.finished_utc if result else "",
        "backend_job": result.backend_job if result else "",
    }


def runner_columns(
    columns: Sequence[str], mode: str, row: Mapping[str, Any], state: State
) -> dict[str, Any]:
    """The columns that the registry row declares, from notes and metrics of the summary."""
    if state.result is None or not state.result.summary_sha256:
        return dict.fromkeys(columns)
    known = {
        "mode": mode,
        "name": Path(row["config_path"]).stem,
        "output_summary_json": f"{row['run_dir']}/run_summary.json",
        **state.notes,
    }
    return {name: known.get(name) for name in columns}


def own_notes(
    columns: Sequence[str], metrics: Mapping[str, Any], notes: Mapping[str, str], volatile: set[str]
) -> dict[str, Any]:
    """What a summary holds for the runner's columns; a column may stand for a table of metrics."""
    found: dict[str, Any] = {}
    for name in columns:
        if name in notes or name in metrics:
            found[name] = notes.get(name, metrics.get(name))
            continue
        prefix = f"{name}."
        table = {
            key.removeprefix(prefix): value
            for key, value in metrics.items()
            if key.startswith(prefix) and key not in volatile
        }
        if table:
            found[name] = table
    return found


def metric_row(
    case: Mapping[str, Any], state: State, columns: Sequence[Column], error: str
) -> dict[str, Any]:
    """One row of 12.3, numbers as numbers."""
    value, _ = axis_value(case)
    values = {column.name: state.values.get(column.name) for column in columns}
    return {
        "case_id": case["case_id"],
        "case_label": case["case_label"],
        "axis": case["axis"],
        "status": state.status,
        **values,
        "axis_value": value,
        "missing": ";".join(name for name, found in values.items() if found is None),
        "error": error,
    }


def metric_header(columns: Iterable[Column]) -> list[str]:
    """The columns of testbed_metrics.csv."""
    names = [column.name for column in columns]
    return ["case_id", "case_label", "axis", "status", *names, "axis_value", "missing", "error"]


def axis_value(case: Mapping[str, Any]) -> tuple[Any, str]:
    """Where a case stands on its axis, and in which unit; nothing for a bare tag."""
    coordinates = case.get("coordinates") or {}
    value = case.get("axis_value", coordinates.get(case["axis"]))
    return value, case.get("axis_unit") or ""


def line(values: Iterable[Any]) -> str:
    """One line of CSV, with its line end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([cell(value) for value in values])
    return text.getvalue()


def case_line(row: Mapping[str, Any]) -> str:
    """A row of testbed_cases.csv; its duration has six decimals."""
    seconds = row["duration_seconds"]
    told = "" if seconds is None else f"{seconds:.6f}"
    return line({**row, "duration_seconds": told}.values())


def cell(value: Any) -> str:
    """A value as CSV holds it; what is not finite is empty."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value) if math.isfinite(value) else ""
        case Mapping() | list() | tuple():
            return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(value)
