"""JSON Schemas of what testbeds, runs and comparisons leave for other programs, complete.

Those of `mhx schema testbed_plan`, `testbed_manifest`, `run_summary`, `comparison_manifest`.  Keys
are added over time, never renamed or removed, hence `additionalProperties` stays true at the top;
what a key holds is stated in full.
"""

from collections.abc import Mapping
from typing import Any

from mhx.evidence import schemas

Node = Mapping[str, Any]

TEXT: Node = {"type": "string"}
FLAG: Node = {"type": "boolean"}
COUNT: Node = {"type": "integer", "minimum": 0}
NUMBER: Node = {"type": "number"}
TABLE: Node = {"type": "object"}
SHA256: Node = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DIGEST: Node = {"type": "string", "pattern": "^([0-9a-f]{64})?$"}
SCALAR: Node = {"type": ["string", "number", "boolean", "null"]}
VERDICT: Node = {"enum": ["pass", "fail", "unknown"]}
STATUS: Node = {
    "enum": [
        *("disabled", "planned", "submitted", "running", "ok", "failed", "timeout"),
        *("interrupted", "skipped"),
    ]
}


def _or_null(node: Node) -> Node:
    return {"anyOf": [node, {"type": "null"}]}


def _list(node: Node) -> Node:
    return {"type": "array", "items": node}


def _table(node: Node) -> Node:
    return {"type": "object", "additionalProperties": node}


def _object(properties: Mapping[str, Node], optional: tuple[str, ...] = ()) -> Node:
    """Every key required but the optional ones; further keys may come."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [key for key in properties if key not in optional],
    }


_DIFFERENCE = _object(
    {
        "key": TEXT,
        "kind": {"enum": ["added", "removed", "changed"]},
        "base": {},
        "child": {},
        "file": _or_null(TEXT),
        "line": _or_null(COUNT),
    },
    optional=("base", "child"),
)
_OF_BOTH = {
    "testbed_id": TEXT,
    "profile": {"const": "generic"},
    "subject": TEXT,
    "purpose": TEXT,
    "runner": TEXT,
    "config_path": TEXT,
    "base_config": _or_null(TEXT),
    "catalog": _or_null(TABLE),
    "case_from_catalog": _list(TABLE),
    "plan_digest": SHA256,
    "notices": _list(TEXT),
}
_PLANNED = _object(
    {
        "case_id": TEXT,
        "case_label": TEXT,
        "axis": TEXT,
        "enabled": FLAG,
        "status": {"enum": ["planned", "disabled"]},
        "config_path": TEXT,
        "design": TEXT,
        "coordinates": _table(SCALAR),
        "child_digest": DIGEST,
        "case_digest": DIGEST,
        "isolation": _object(
            {
                "verdict": {"enum": ["pass", "fail", "unknown", ""]},
                "differences": _list(_DIFFERENCE),
            }
        ),
        "would_reuse": _or_null(FLAG),
        "reuse_reason": TEXT,
        "expected_seconds": _or_null(NUMBER),
    }
)
PLAN: Mapping[str, Node] = {
    "schema": {"const": schemas.TESTBED_PLAN},
    "schema_version": {"const": "testbed_plan_v1"},
    **_OF_BOTH,
    "axes": _list(_object({"id": TEXT})),
    "designs": _list(_object({"id": TEXT, "kind": TEXT})),
    "metrics": _list(_object({"name": TEXT, "source": TEXT, "required": FLAG})),
    "checks": _list(_object({"id": TEXT, "kind": TEXT, "metric": TEXT, "reason": TEXT})),
    "overrides": _list(TABLE),
    "stale_children": _list(TEXT),
    "cases": _list(_PLANNED),
}

_CASE = _object(
    {
        **dict.fromkeys(("case_id", "case_label", "axis", "config_path", "runner"), TEXT),
        **dict.fromkeys(("error", "axis_unit", "design", "reuse_reason", "attempt"), TEXT),
        **dict.fromkeys(("run_dir", "started_utc", "finished_utc", "backend_job"), TEXT),
        **dict.fromkeys(("child_digest", "case_digest", "summary_sha256"), DIGEST),
        "enabled": FLAG,
        "reused": FLAG,
        "status": STATUS,
        "duration_seconds": _or_null(NUMBER),
        "axis_value": SCALAR,
        "coordinates": _table(SCALAR),
        "isolation": {"enum": ["pass", "fail", "unknown", ""]},
        "gate_verdict": {"enum": ["pass", "fail", "unknown", ""]},
        "exit_code": _or_null({"type": "integer"}),
        "open_gates": _list(TEXT),
    }
)
_METRICS = _object(
    {
        **dict.fromkeys(("case_id", "case_label", "axis", "missing", "error"), TEXT),
        "status": {"enum": ["ok", "failed", "timeout"]},
        "axis_value": SCALAR,
    }
)
_CHECK = _object(
    {
        **dict.fromkeys(("check_id", "kind", "metric", "axis", "group", "reason"), TEXT),
        "verdict": VERDICT,
        "required": FLAG,
        "n_cases": COUNT,
        "value": {},
        "bound": {},
        "cases": {},
        "detail": {},
    }
)
_COUNTS = ("case", "executed", "successful", "failed", "reused", "pending")
MANIFEST: Mapping[str, Node] = {
    "schema": {"const": schemas.TESTBED_MANIFEST},
    "schema_version": {"const": "testbed_manifest_v1"},
    **_OF_BOTH,
    "output_root": {"const": "."},
    "execute": FLAG,
    **{f"{name}_count": COUNT for name in _COUNTS},
    "cases": _list(_CASE),
    "metrics": _list(_METRICS),
    "metric_contract": _list(
        _object({"name": TEXT, "source": TEXT, "unit": TEXT, "kind": TEXT, "required": FLAG})
    ),
    "checks": _list(_CHECK),
    "verdict": _or_null(VERDICT),
    "exit_code": _or_null({"type": "integer"}),
    "paths": _table(TEXT),
    "files": _table(SHA256),
    "digest": SHA256,
    "provenance": _object(
        {
            **dict.fromkeys(("mhx_version", "python", "platform", "host", "started_utc"), TEXT),
            "git": TABLE,
            "engines": TABLE,
            "command": _list(TEXT),
            "finished_utc": _or_null(TEXT),
            "wall_seconds": NUMBER,
            "cpu_seconds": NUMBER,
        }
    ),
    "journal": _object({"lines": COUNT, "digest": DIGEST}),
    "seal": SHA256,
}

SUMMARY: Mapping[str, Node] = {
    "schema": {"const": schemas.RUN_SUMMARY},
    "metrics": _table(_or_null(NUMBER)),
    "notes": _table(TEXT),
    "artifacts": _list(TEXT),
}

_METHOD = _object(
    {
        **dict.fromkeys(("id", "label", "engine", "error"), TEXT),
        "status": {"enum": ["ok", "failed", "timeout", "missing"]},
        "run_dir": _or_null(TEXT),
        "run_digest": _or_null(SHA256),
        "n_cells": _or_null(COUNT),
        "wall_time_s": _or_null(NUMBER),
        "open_gates": _list(TEXT),
    }
)
_COMPARED = ("observable", "metric", "difference", "unmatched")
COMPARISON: Mapping[str, Node] = {
    "schema": {"const": schemas.COMPARISON_MANIFEST},
    "schema_version": {"const": "comparison_manifest_v1"},
    "comparison_id": TEXT,
    "reference_simulation": TEXT,
    "audit_status": {"enum": ["pass", "warn", "fail", "ignored"]},
    "audit_mismatches": COUNT,
    "n_simulations": COUNT,
    "n_failed_simulations": COUNT,
    "n_empty_observables": COUNT,
    **{f"n_{name}_rows": COUNT for name in _COMPARED},
    "closure_max_abs_m3_s": _or_null(NUMBER),
    "closure_max_abs_mm_d": _or_null(NUMBER),
    "closure_relative_error_p95": _or_null(NUMBER),
    "closure_status_code": {"enum": [0, 1, 2, None]},
    "wall_time_seconds": NUMBER,
    "observables": _list(_object({"name": TEXT, "variable": TEXT, "support": TEXT})),
    "simulations": _list(_METHOD),
    "files": _table(SHA256),
}

PROPERTIES: Mapping[str, Mapping[str, Node]] = {
    schemas.TESTBED_PLAN: PLAN,
    schemas.TESTBED_MANIFEST: MANIFEST,
    schemas.RUN_SUMMARY: SUMMARY,
    schemas.COMPARISON_MANIFEST: COMPARISON,
}
"""Schema id -> every key that a file of it has, and what the key holds."""

ALIASES: Mapping[str, str] = {
    "testbed_plan": schemas.TESTBED_PLAN,
    "testbed_manifest": schemas.TESTBED_MANIFEST,
    "run_summary": schemas.RUN_SUMMARY,
    "comparison_manifest": schemas.COMPARISON_MANIFEST,
}
"""Short names of these files -> their schema ids."""
