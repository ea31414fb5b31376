"""What the commands of a testbed say when they are done: plain words, and one JSON object."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from mhx.report.answer import Answer
from mhx.report.progress import duration
from mhx.testbed.checks import worst
from mhx.testbed.files import manifest
from mhx.testbed.files.keeping import Keeper
from mhx.testbed.files.repeating import repeated
from mhx.testbed.files.rows import State
from mhx.testbed.plan import Plan

TOLD = 10  # cases or checks that an answer lists before it counts the rest
_TROUBLE = ("failed", "timeout", "interrupted", "skipped")
_RETURNED = ("testbed_id", "profile", "subject", "purpose", "runner")


def planned(keeper: Keeper, path: Path) -> Answer:
    """A plan: how many cases, what would be reused, what to look at."""
    cases = [case for case in keeper.document["cases"] if case["enabled"]]
    off = len(keeper.document["cases"]) - len(cases)
    stand = sum(bool(case["would_reuse"]) for case in cases)
    parts = [f"{counted(len(cases), 'case')} planned"]
    parts += [f"{off} disabled"] if off else []
    parts += [f"{stand} would be reused"] if stand else []
    unisolated = [case["case_id"] for case in cases if _isolation(case) == "fail"]
    details = list(_listed([_intent(case) for case in cases if not case["would_reuse"]]))
    due = [case["expected_seconds"] for case in cases if not case["would_reuse"]]
    if due and None not in due:
        details.append(f"about {duration(sum(due))} of computing, by the cases before")
    details += _listed([f"  notice    {n}" for n in keeper.document["notices"]])
    if unisolated:
        details.append(f"more than declared changes in: {some(unisolated)}")
    return Answer(
        headline=f"{keeper.document['testbed_id']}: {', '.join(parts)}; nothing was started",
        wrote=keeper.root,
        details=details,
        next=_command(keeper, path),
        document=_document(keeper),
    )


def compared(plan: Plan, differing: Sequence[str]) -> Answer:
    """Children on disk against those of the file."""
    children = sum(planned.child is not None for planned in plan.cases)
    verdict = (
        f"{len(differing)} differ from the file" if differing else "all as the file gives them"
    )
    return Answer(
        headline=f"{plan.table.id}: {counted(children, 'child').replace('childs', 'children')}, "
        f"{verdict}; nothing was written",
        details=list(_listed([f"  {name}" for name in differing])),
        next=_plan_again(plan) if differing else "",
        document={"children": children, "differing": list(differing)},
        exit_code=1 if differing else 0,
    )


def _plan_again(plan: Plan) -> str:
    return f"mhx testbed plan {quote(str(plan.path))}{repeated(plan.overrides)}"


def carried_out(keeper: Keeper, path: Path) -> Answer:
    """A matrix: how many cases are ok, what failed and why, checks, and the next command."""
    states = keeper.tables.states
    code = keeper.circumstance.exit_code or 0
    counts = keeper.tables.counted()
    enabled = len(states) - counts["disabled"]
    parts = [f"{counts['ok']} of {counted(enabled, 'case')} ok"]
    parts += [f"{counts[word]} {word}" for word in (*_TROUBLE, "planned") if counts[word]]
    reused = sum(state.reused for state in states.values())
    parts += [f"{reused} reused"] if reused else []
    gates = sum(_gates_open(state) for state in states.values())
    parts += [f"gates of {counted(gates, 'case')} did not pass"] if gates else []
    checks = keeper.judged().checks
    parts += [_checks_told(checks)] if checks else []
    troubled = [case_id for case_id, state in states.items() if state.status in _TROUBLE]
    return Answer(
        headline=f"{keeper.document['testbed_id']}: {', '.join(parts)}",
        wrote=keeper.root,
        details=list(_details(keeper, troubled, checks)),
        next=_next(keeper, path, troubled, code),
        document=_document(keeper),
        exit_code=code,
    )


def _details(
    keeper: Keeper, troubled: Sequence[str], checks: Iterable[Mapping[str, Any]]
) -> Iterable[str]:
    states = keeper.tables.states
    yield from _listed([_trouble(case_id, states[case_id]) for case_id in troubled])
    gates = [
        f"  gate      {case_id}: {', '.join(state.result.open_gates)}"
        for case_id, state in states.items()
        if state.result and _gates_open(state)
    ]
    yield from _listed(gates)
    open_checks = [check for check in checks if check["verdict"] != "pass"]
    yield from _listed([_check(check) for check in open_checks])
    yield from _listed([f"  notice    {notice}" for notice in keeper.document["notices"]])


def _gates_open(state: State) -> bool:
    return state.result is not None and bool(state.result.open_gates)


def _trouble(case_id: str, state: State) -> str:
    error = state.error or (state.result.error if state.result else "")
    return f"  {state.status:<8}  {case_id}: {error.removeprefix(f'case {case_id!r}: ')}"


def _check(check: Mapping[str, Any]) -> str:
    group = f" [{check['group']}]" if check.get("group") else ""
    optional = "" if check["required"] else " (not required)"
    why = check.get("detail") or check.get("reason") or ""
    text = why.get("text", "") if isinstance(why, Mapping) else why
    return f"  {check['verdict']:<8}  check {check['check_id']!r}{group}{optional}: {text}"


def _next(keeper: Keeper, path: Path, troubled: Sequence[str], code: int) -> str:
    states = keeper.tables.states
    stopped = [case_id for case_id in troubled if states[case_id].status == "interrupted"]
    if stopped or code in (75, 130):
        return _command(keeper, path)
    if troubled:
        return f"mhx testbed explain {quote(str(keeper.root))} {quote(troubled[0])}"
    return f"mhx verify {quote(str(keeper.root))}"


def _command(keeper: Keeper, path: Path) -> str:
    return f"mhx testbed run {quote(str(path))}{repeated(keeper.document['overrides'])}"


def _checks_told(checks: Sequence[Mapping[str, Any]]) -> str:
    passed = sum(check["verdict"] == "pass" for check in checks)
    return f"{passed} of {counted(len(checks), 'check')} passed"


def _document(keeper: Keeper) -> dict[str, Any]:
    """What `--json` prints: ids, counts, paths, verdict, and the cases that are not ok."""
    findings = keeper.judged()
    rows = keeper.tables.case_rows
    return {
        **{key: keeper.document.get(key) for key in _RETURNED},
        **manifest.counts(keeper.tables),
        "output_root": str(keeper.root),
        "paths": {name: str(keeper.root / path) for name, path in manifest.PATHS.items()},
        "verdict": worst(findings.checks),
        "checks": list(findings.checks),
        "not_ok": [
            {key: row[key] for key in ("case_id", "status", "error", "attempt")}
            for row in rows
            if row["status"] in _TROUBLE
        ],
        "notices": keeper.document["notices"],
    }


def _intent(case: Mapping[str, Any]) -> str:
    return f"  to run    {case['case_id']}: {case['reuse_reason']}"


def _isolation(case: Mapping[str, Any]) -> str:
    return str((case.get("isolation") or {}).get("verdict", ""))


def _listed(lines: Sequence[str]) -> Iterable[str]:
    yield from lines[:TOLD]
    if len(lines) > TOLD:
        yield f"  and {len(lines) - TOLD} more"


def some(names: Sequence[str]) -> str:
    """The first names, then how many more."""
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more


def counted(number: int, noun: str) -> str:
    """`1 case`, `2 cases`"""
    return f"{number} {noun}{'' if number == 1 else 's'}"
