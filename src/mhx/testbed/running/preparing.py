"""Everything of a matrix before its first case starts: children, what stands, dry evidence.

Nothing here starts a runner.  What stands is decided once, told in the plan as `would_reuse`, and
the launcher then does as it was told.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mhx.errors import ConfigError
from mhx.testbed.child.children import write_children
from mhx.testbed.files.keeping import Keeper
from mhx.testbed.files.rows import State
from mhx.testbed.plan import Plan
from mhx.testbed.running.journal import History, Result
from mhx.testbed.running.outcome import Ended, finished
from mhx.testbed.running.reuse import Decision, Policy, Reuse


def prepare(
    plan: Plan, keeper: Keeper, known: History, policy: Policy, starts: set[str]
) -> dict[str, Decision]:
    """Write children and dry evidence; returns what becomes of each enabled case.

    starts: ids of the cases that are about to start where nothing of theirs stands.
    ConfigError: the plan's faults, after the evidence that names them is written.
    """
    stale = write_children(plan)
    reuse = Reuse(keeper.root, known, policy)
    seconds = _expected(known)
    decisions: dict[str, Decision] = {}
    for case in keeper.document["cases"]:
        case |= {"would_reuse": None, "reuse_reason": "", "expected_seconds": None}
    for case in keeper.cases:
        case_id = case["case_id"]
        decision = decisions[case_id] = reuse.decide(case)
        case["would_reuse"] = decision.stands or decision.origin is not None
        case["reuse_reason"] = decision.reason
        case["expected_seconds"] = seconds(case_id)
        result = known.results.get(case_id)
        same = result is not None and result.case_digest == case["case_digest"]
        state = State(reuse_reason=decision.reason)
        if result is not None and decision.stands:
            state = _standing(keeper, result)
        elif result is not None and same and case_id not in starts:
            state = _on_record(keeper, result, known.status_of(case_id), decision.reason)
        keeper.set(case_id, state)
    if plan.faults:
        keeper.circumstance.exit_code = ConfigError.exit_code
    keeper.write_plan(stale)
    plan.raise_faults()
    return decisions


def policy_of(plan: Plan, *, fresh: bool, rerun_failed: bool) -> Policy:
    """What the file and the command line say of reuse."""
    table = plan.table.reuse
    return Policy(
        mode=table.mode,
        rerun_failed=table.rerun_failed or rerun_failed,
        fresh=fresh,
        sources=plan.sources,
    )


def recorded(keeper: Keeper, case: Mapping[str, Any], known: History) -> State:
    """What the journal and the run of a case say, whatever a next start would make of it."""
    result = known.results.get(case["case_id"])
    status = known.status_of(case["case_id"])
    if result is None or result.case_digest != case["case_digest"]:
        return State(status="interrupted") if status == "interrupted" else State()
    if status != "interrupted" and result.summary_sha256:
        return _standing(keeper, result)
    return keeper.state(Ended(result=replace(result, status=status)))


def _standing(keeper: Keeper, result: Result) -> State:
    """A result that is kept; its metrics are taken from the stored summary again."""
    if not result.summary_sha256:
        return keeper.state(Ended(result=result))
    again = finished(keeper.root, replace(result, error=""), keeper.contract)
    return keeper.state(again, reused=again.result.status == "ok")


def _on_record(keeper: Keeper, result: Result, status: str, reason: str) -> State:
    """How a case that does not start now ended before; what no longer verifies is planned anew."""
    if status == "ok":
        return State(reuse_reason=reason)
    return keeper.state(Ended(result=replace(result, status=status)), reason=reason)


def _expected(known: History) -> Callable[[str], float | None]:
    """Seconds that a case took before, or that the others took on average."""
    durations: Mapping[str, float] = known.durations
    mean = round(sum(durations.values()) / len(durations), 6) if durations else None
    return lambda case_id: durations.get(case_id, mean)
