"""`mhx testbed status DIR`: where a matrix stands, from the stored plan and the journal alone.

Nothing is expanded and nothing is hashed again but the plan itself.  `stale` is computed: the
result on record belongs to another digest than the plan's.
"""

import os
import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mhx.execution.lock import holder
from mhx.report.answer import Answer
from mhx.testbed.files.answers import TOLD, counted
from mhx.testbed.files.keeping import read_plan
from mhx.testbed.running.journal import History, stored_history

_ORDER = (
    *("ok", "failed", "timeout", "interrupted", "skipped", "running", "submitted"),
    *("planned", "disabled"),
)
_TROUBLE = ("failed", "timeout", "interrupted")


def status(root: Path) -> Answer:
    """How many cases have which status, which are stale, and what to do next.

    ConfigError: no testbed lies there.  EvidenceError: its plan or its journal was altered.
    """
    known = stored_history(root)
    plan = read_plan(root, known)
    at_work = holder(root)
    cases = [_known(case, known, at_work is not None) for case in plan["cases"]]
    counts = Counter(case["status"] for case in cases)
    stale = [case["case_id"] for case in cases if case["stale"]]
    told = ", ".join(f"{counts[word]} {word}" for word in _ORDER if counts[word])
    lines = [f"a launcher is at work: {at_work}"] if at_work else []
    lines += [f"stale: {_some(stale)} (the plan has changed since)"] if stale else []
    lines += _troubles(cases)
    file = _file(root, plan)
    open_cases = len(cases) - counts["ok"] - counts["disabled"] + len(stale)
    return Answer(
        headline=f"{plan['testbed_id']}: {counted(len(cases), 'case')}: {told}",
        details=lines,
        next=f"mhx testbed run {file}" if open_cases and not at_work else "",
        document={
            "testbed_id": plan["testbed_id"],
            "plan_digest": plan["plan_digest"],
            "launcher": str(at_work) if at_work else None,
            "counts": dict(counts),
            "stale": stale,
            "cases": cases,
        },
    )


def _known(case: Mapping[str, Any], known: History, working: bool) -> dict[str, Any]:
    """One case: id, status, error, and whether its result is of another digest."""
    case_id = case["case_id"]
    if fault := case.get("fault"):
        return {
            "case_id": case_id,
            "status": "failed",
            "stale": False,
            "attempt": "",
            "error": fault,
        }
    result = known.results.get(case_id)
    state = known.status_of(case_id) if case["enabled"] else "disabled"
    if working and case_id in known.begun:
        state = "running"
    stale = result is not None and case["enabled"] and result.case_digest != case["case_digest"]
    return {
        "case_id": case_id,
        "status": state,
        "stale": stale,
        "attempt": result.attempt if result else "",
        "error": result.error if result else "",
    }


def _troubles(cases: list[dict[str, Any]]) -> list[str]:
    found = [case for case in cases if case["status"] in _TROUBLE]
    lines = [f"  {case['status']:<11}  {case['case_id']}: {_why(case)}" for case in found[:TOLD]]
    return lines + ([f"  and {len(found) - TOLD} more"] if len(found) > TOLD else [])


def _why(case: Mapping[str, Any]) -> str:
    error: str = case["error"].removeprefix(f"case {case['case_id']!r}: ")
    return error or "it was begun and did not end"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more


def _file(root: Path, plan: Mapping[str, Any]) -> str:
    """The testbed's file, as it is reached from here."""
    return shlex.quote(os.path.normpath(root / plan["config_path"]))
