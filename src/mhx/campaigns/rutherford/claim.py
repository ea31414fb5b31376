"""The claim side of the executor: ask for the highest level, keep it, or step down from it.

A claim rests on the promotion report in `RUN_DIR/promotion`, and on nothing that the report says of
itself: its files are hashed again, its values drawn from the run again, its verdicts judged again,
and the run must be the one that was judged, byte for byte.  Reports elsewhere support nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mhx.campaigns import criteria
from mhx.campaigns.execute import NON_FINITE, UNSTABLE, Outcome
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan
from mhx.errors import EvidenceError
from mhx.evidence import manifest, schemas, store
from mhx.evidence.claims import UNSPECIFIED, ClaimLevel, Waiver
from mhx.evidence.gates import Gate, GateResult, judge
from mhx.evidence.hashing import file_digest
from mhx.evidence.verify import NothingToVerify, Problem, of_an_older_report, verify

REPORT = "promotion_readiness.json"
CHECK = "mhx campaign rutherford-promotion-check"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the promotion folder supports; reasons by the gate that they make fail."""

    report_faults: Sequence[str] = ()
    completion_faults: Sequence[str] = ()
    results: Sequence[GateResult] = ()
    waivers: Sequence[Waiver] = ()
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reasons(self) -> list[str]:
        return [*self.report_faults, *self.completion_faults]

    @property
    def metrics(self) -> dict[str, float | None]:
        return {
            "claim_report_faults": len(self.report_faults),
            "claim_completion_faults": len(self.completion_faults),
        }


NOT_ASKED = Standing()


def refuse_altered(folder: RunFolder) -> None:
    """Before a claim is considered, every byte must be as it was recorded.

    A report that was made anew since an earlier claim is no alteration: it is judged by `standing`.
    """
    try:
        found = verify(folder.root).problems
    except NothingToVerify as error:
        raise EvidenceError(str(error)) from error
    anew = _checked_anew(folder)
    problems = [
        problem
        for problem in found
        if not of_an_older_report(problem) and not (anew and _of_the_report(folder, problem))
    ]
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise EvidenceError(f"{folder.root}: no claim can be made about it:{listed}")


def _of_the_report(folder: RunFolder, problem: Problem) -> bool:
    """A file of the report is not the one that an older list names."""
    return problem.kind == "altered" and Path(problem.path).parts[:1] == (folder.promotion.name,)


def _checked_anew(folder: RunFolder) -> bool:
    """Whether the report is whole by itself: then it may be newer than the list that names it.

    A link is none: what lies elsewhere may be exchanged without a trace here.
    """
    if folder.promotion.is_symlink():
        return False
    try:
        return not verify(folder.promotion).problems
    except NothingToVerify:
        return False


def standing(folder: RunFolder, plan: Plan, outcome: Outcome) -> Standing:
    """Read the promotion folder with suspicion and compare it with the run as it is now."""
    place = folder.promotion
    if not (place / REPORT).is_file():
        return Standing(
            report_faults=[f"{place / REPORT} is missing; run {CHECK} {folder.root}"],
            completion_faults=_completion(plan, outcome, {}),
        )
    try:
        problems = verify(place).problems
        report = store.read_json(place / REPORT, schemas.CAMPAIGN_PROMOTION)
        validation = store.read_json(
            place / "validation.json", schemas.gates_of(schemas.CAMPAIGN_PROMOTION)
        )
    except (NothingToVerify, EvidenceError) as error:
        return Standing(report_faults=[str(error)])
    results = _strictest(judged_again(validation) + _by_our_bounds(plan, validation))
    faults = [f"promotion/{problem}" for problem in problems]
    if report.get("run_digest") != manifest.run_digest(folder.root):
        faults.append(f"the report is about another state of this run; run {CHECK} again")
    faults += [str(result) for result in results if not result.passed]
    from mhx.campaigns.rutherford import promotion  # noqa: PLC0415  (0.3 s; most calls claim nothing)

    faults += promotion.contradictions(folder, plan, report, validation)
    answers = report.get("reviewer_answers") or []
    if not answers or any(answer.get("status") != "answered" for answer in answers):
        faults.append("a reviewer question is unanswered")
    waivers = _waivers(plan, report)
    faults += [str(waiver) for waiver in waivers]
    return Standing(
        report_faults=list(dict.fromkeys(faults)),
        completion_faults=_completion(plan, outcome, report),
        results=results,
        waivers=waivers,
        report=report,
    )


def judged_again(validation: Mapping[str, Any]) -> list[GateResult]:
    """The gates of a validation file, judged anew from the values and bounds stored in it."""
    results = []
    for name, stored in validation["verdicts"].items():
        low, high = stored["bound"]["low"], stored["bound"]["high"]
        gate = Gate(
            name=name,
            metric=stored["metric"],
            reason=stored["reason"],
            remedy=stored.get("remedy", ""),
            **({} if low is None else {"low": low}),
            **({} if high is None else {"high": high}),
        )
        results.append(judge(gate, {gate.metric: stored["value"]}))
    return results


def level_of(current: str, outcome: Outcome, *, asked: bool | None, keeps: bool) -> tuple[str, str]:
    """The level of a run after a call that grants nothing, and why.

    keeps: a claim that was made before still holds.
    """
    if outcome.stop_reason in (NON_FINITE, UNSTABLE):
        return UNSPECIFIED, f"the run stopped at step {outcome.end_step}: {outcome.stop_reason}"
    if not outcome.end_step:
        return current, "the initial state is bound, nothing has run"
    validation = ClaimLevel.VALIDATION.value
    if asked is False:
        return validation, "stepped down by --validation-claim"
    if current == ClaimLevel.PRODUCTION.value:
        if keeps:
            return current, "judged again; the claim holds"
        return validation, "the evidence no longer supports the claim that was made"
    return validation, f"executed to step {outcome.end_step} and judged"


def refused(current: str, outcome: Outcome, *, keeps: bool) -> tuple[str, str]:
    """The level of a run to which the claim that was asked for is refused, and why."""
    if current == ClaimLevel.PRODUCTION.value:
        return level_of(current, outcome, asked=None, keeps=keeps)
    return current, "the claim that was asked for is refused"


def claim_document(plan: Plan, level: str, scope: str, folder: RunFolder) -> dict[str, Any]:
    """The claim part of the manifest of a run; the highest level names its report."""
    body: dict[str, Any] = {
        "claim_level": level,
        "claim_scope": scope,
        "family_digest": plan.family_digest,
        "plan_digest": plan.digest,
    }
    if level == ClaimLevel.PRODUCTION.value:
        body["run_digest"] = manifest.run_digest(folder.root)
        body["promotion_report_sha256"] = file_digest(folder.promotion / REPORT)
    return body


def _by_our_bounds(plan: Plan, validation: Mapping[str, Any]) -> list[GateResult]:
    """Every promotion gate at the bounds of the plan; one that was left out is unknown."""
    verdicts = validation["verdicts"]
    rows = criteria.criteria(plan.thresholds, require_sweeps=False, same_machine=False)
    gates = [row.gate for row in rows] + list(criteria.READINESS)
    return [judge(gate, {gate.metric: verdicts.get(gate.name, {}).get("value")}) for gate in gates]


def _strictest(results: Sequence[GateResult]) -> list[GateResult]:
    """One result per gate: one that did not pass, if there is one."""
    kept: dict[str, GateResult] = {}
    for result in results:
        if result.gate.name not in kept or kept[result.gate.name].passed:
            kept[result.gate.name] = result
    return list(kept.values())


def _waivers(plan: Plan, report: Mapping[str, Any]) -> list[Waiver]:
    told = []
    for row in report.get("waivers") or []:
        used = row["used_bound"]
        told.append(Waiver(**{**row, "used_bound": float("inf") if used is None else used}))
    return plan.waivers + [waiver for waiver in told if waiver not in plan.waivers]


def _completion(plan: Plan, outcome: Outcome, report: Mapping[str, Any]) -> list[str]:
    faults = []
    if outcome.end_step < plan.target_step:
        faults.append(f"the run stands at step {outcome.end_step} of {plan.target_step}")
    if report and report.get("terminal_step") != outcome.end_step:
        faults.append(
            f"the report judged step {report.get('terminal_step')}, the run stands at step "
            f"{outcome.end_step}"
        )
    return faults
