"""`testbed_manifest.json`: everything about a matrix in one object, with its digests.

`digest` is identity: the plan, and what each case gave; no times, hosts or attempts, and no metric
that is a duration.  `files` are digests of bytes.  `seal` covers every byte of the file itself: it
is the SHA-256 of the file with sixty-four zeros in its place.  The journal only grows, so its entry
is a place in it: that many lines, the last of which has that digest.
"""

import json
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.errors import EvidenceError
from mhx.evidence.hashing import content_digest
from mhx.evidence.provenance import now, provenance
from mhx.evidence.schemas import TESTBED_MANIFEST
from mhx.testbed.checks import worst
from mhx.testbed.expand import FOLDER
from mhx.testbed.files.rows import EXECUTED, SUCCESSFUL
from mhx.testbed.files.tables import Tables
from mhx.testbed.records import (
    ANALYSIS,
    CASES,
    CHECKS,
    MANIFEST,
    METRICS,
    REPORT_HTML,
    REPORT_MD,
    SEAL,
    Findings,
    seal_holds,
)
from mhx.testbed.running.journal import JOURNAL, PLAN

VERSION = "testbed_manifest_v1"
PATHS = {
    "plan_json": PLAN,
    "manifest_json": MANIFEST,
    "cases_csv": CASES,
    "metrics_csv": METRICS,
    "checks_csv": CHECKS,
    "analysis_json": ANALYSIS,
    "report_markdown": REPORT_MD,
    "report_html": REPORT_HTML,
    "events_jsonl": JOURNAL,
    "generated_configs_dir": FOLDER,
}
_OF_PLAN = (
    *("testbed_id", "profile", "subject", "purpose", "runner", "config_path", "base_config"),
    *("catalog", "case_from_catalog", "plan_digest", "notices"),
)


@dataclass
class Circumstance:
    """When, where and by whom a matrix was carried out, and how that ended; no identity."""

    execute: bool
    engines: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] | None = None
    started_utc: str = field(default_factory=now)
    finished_utc: str | None = None
    exit_code: int | None = None
    began: float = field(default_factory=time.monotonic)

    def document(self) -> dict[str, Any]:
        """`provenance` of the manifest."""
        return {
            **provenance(command=self.command),
            "engines": dict(self.engines),
            "started_utc": self.started_utc,
            "finished_utc": self.finished_utc,
            "wall_seconds": round(time.monotonic() - self.began, 6),
            "cpu_seconds": round(_cpu_seconds(), 6),
        }


def document(
    plan: Mapping[str, Any],
    tables: Tables,
    findings: Findings,
    *,
    circumstance: Circumstance,
    files: Mapping[str, str],
    place: Mapping[str, Any],
) -> dict[str, Any]:
    """Every key of 12.5 but `cases` and `metrics`, which stand ready as lines.

    place: of the journal, number of lines and digest of the last one.
    """
    checks = list(findings.checks)
    own = {
        f"{state.result.run_dir}/manifest.json": state.result.manifest_sha256
        for state in tables.states.values()
        if state.result and state.result.manifest_sha256
    }
    identity = {
        "schema": TESTBED_MANIFEST,
        "testbed_id": plan["testbed_id"],
        "plan_digest": plan["plan_digest"],
        "results": tables.digest(),
        "checks": [[check["check_id"], check["group"], check["verdict"]] for check in checks],
    }
    return {
        **{key: plan.get(key) for key in _OF_PLAN},
        "schema": TESTBED_MANIFEST,
        "schema_version": VERSION,
        "output_root": ".",
        "execute": circumstance.execute,
        **counts(tables),
        "metric_contract": tables.contract.document(),
        "checks": checks,
        "verdict": worst(checks),
        "exit_code": circumstance.exit_code,
        "paths": PATHS,
        "files": {**files, **own},
        "journal": dict(place),
        "digest": content_digest(identity),
        "provenance": circumstance.document(),
    }


def counts(tables: Tables) -> dict[str, int]:
    """The six counts of a matrix."""
    found = tables.counted()
    executed = sum(found[status] for status in EXECUTED)
    return {
        "case_count": len(tables.states),
        "executed_count": executed,
        "successful_count": found[SUCCESSFUL],
        "failed_count": executed - found[SUCCESSFUL],
        "reused_count": sum(state.reused for state in tables.states.values()),
        "pending_count": len(tables.states) - executed - found["disabled"],
    }


def read_manifest(root: Path) -> dict[str, Any]:
    """The stored manifest; EvidenceError when it is missing, torn or was edited."""
    path = root / MANIFEST
    try:
        content = path.read_bytes()
        found: dict[str, Any] = json.loads(content)
        whole = seal_holds(content, found[SEAL])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvidenceError(
            f"{path} is missing or torn ({error}); "
            "run the testbed again: it is made from plan and journal"
        ) from error
    if not whole:
        raise EvidenceError(
            f"{path} was edited after it was written; "
            "run the testbed again: it is made from plan and journal"
        )
    return found


def lost_lines(root: Path, place: Mapping[str, Any]) -> int:
    """Lines that the journal had when the manifest was made, and has no more; 0 without one."""
    try:
        stored: int = read_manifest(root)["journal"]["lines"]
    except EvidenceError:
        return 0
    return max(0, stored - int(place["lines"]))


def _cpu_seconds() -> float:
    """Of this process and of the children that it has waited for."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
