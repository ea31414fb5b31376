"""`mhx testbed explain DIR CASE`: how a case stands, why, its log, and the command that reruns it.

Reads plan, journal and log; runs nothing and hashes nothing but the plan.
"""

import difflib
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mhx.errors import ConfigError
from mhx.report.answer import Answer
from mhx.testbed.files.keeping import read_plan
from mhx.testbed.files.repeating import repeated
from mhx.testbed.running.journal import History, Result, stored_history
from mhx.testbed.running.outcome import log_tail

LOG_LINES = 10


def explain(root: Path, case_id: str) -> Answer:
    """Why a case is as it is.

    ConfigError: no such testbed or case.  EvidenceError: its plan or its journal was altered.
    """
    known = stored_history(root)
    plan = read_plan(root, known)
    case = _case(plan, case_id)
    result = known.results.get(case_id)
    state = known.status_of(case_id) if case["enabled"] else "disabled"
    state = "failed" if case.get("fault") else state
    stale = result is not None and result.case_digest != case["case_digest"]
    lines = list(_lines(root, case, known, stale))
    return Answer(
        headline=f"{plan['testbed_id']}, case {case_id!r}: {state}{' (stale)' if stale else ''}",
        details=lines,
        next=rerun_command(root, plan, case, state, stale),
        document={
            "case_id": case_id,
            "status": state,
            "stale": stale,
            "reuse_reason": case.get("reuse_reason", ""),
            "result": dict(vars(result)) if result else None,
        },
    )


def rerun_command(
    root: Path, plan: Mapping[str, Any], case: Mapping[str, Any], state: str, stale: bool
) -> str:
    """The one command that carries out this case again."""
    if not case["enabled"]:
        return ""
    file = os.path.normpath(root / plan["config_path"])
    fresh = " --fresh" if state == "ok" and not stale else ""
    failed = " --rerun-failed" if state in ("failed", "timeout") else ""
    words = f"mhx testbed run {shlex.quote(file)} --case {shlex.quote(case['case_id'])}"
    return words + fresh + failed + repeated(plan["overrides"])


def _lines(root: Path, case: Mapping[str, Any], known: History, stale: bool) -> Iterator[str]:
    result = known.results.get(case["case_id"])
    if not case["enabled"]:
        yield "why: enabled = false; it has no child"
        return
    if fault := case.get("fault"):
        yield f"why: {fault} (no child is written until that is mended)"
        return
    yield f"child: {root / case['config_path']}"
    if case["case_id"] in known.claims:
        yield "why: it was begun and did not end: the launcher was killed, or is at work"
    elif result is None:
        yield "why: it has not been started"
    elif result.error:
        yield f"why: {result.error}"
    if stale:
        yield "stale: the plan has changed since this result; the next run computes it again"
    if reason := case.get("reuse_reason"):
        yield f"not reused when it was last planned: {reason}"
    if result is not None:
        yield from _ended(root, result)


def _ended(root: Path, result: Result) -> Iterator[str]:
    """Attempt, gates and log of the last outcome."""
    if result.finished_utc:
        took = f", {result.duration_seconds:.3g} s" if result.duration_seconds else ""
        yield f"attempt: {result.attempt or '-'}, ended {result.finished_utc}{took}"
    if result.note:
        yield f"note: {result.note}"
    if result.origin:
        yield f"origin: {result.origin}"
    if result.run_dir:
        yield f"run: {root / result.run_dir}"
    if result.open_gates:
        yield f"gates that did not pass: {', '.join(result.open_gates)}"
    if result.log:
        yield f"log: {root / result.log}"
        if result.status != "ok":
            yield from (f"  | {line}" for line in log_tail(root / result.log, LOG_LINES))


def _case(plan: Mapping[str, Any], case_id: str) -> Mapping[str, Any]:
    cases: dict[str, Mapping[str, Any]] = {case["case_id"]: case for case in plan["cases"]}
    if case_id in cases:
        return cases[case_id]
    close = difflib.get_close_matches(case_id, cases, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"testbed {plan['testbed_id']!r} has no case {case_id!r}{hint}")
