"""`mhx campaign rutherford-status`: where a run stands, read and never written.

It takes no lock, so it may be asked while an executor is at work; what it shows is a moment old.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

from mhx.campaigns import criteria
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.campaigns.rutherford.claim import REPORT, judged_again
from mhx.campaigns.rutherford.resume import View, refusal, view
from mhx.errors import EvidenceError
from mhx.evidence import schemas, store
from mhx.evidence.claims import UNSPECIFIED, ClaimLevel, current_level
from mhx.evidence.gates import GateResult
from mhx.evidence.verify import NothingToVerify, verify
from mhx.execution.lock import holder
from mhx.report.answer import Answer
from mhx.report.progress import duration

EXECUTE = "mhx campaign rutherford-execute"
CHECK = "mhx campaign rutherford-promotion-check"


def status(run_dir: Path) -> Answer:
    """Step, rate, time left, who is at work, what is damaged, which gates are open."""
    folder = RunFolder(Path(run_dir))
    plan = read_plan(folder)
    shown = view(folder, plan)
    found, owner = shown.found, holder(folder.root)
    if foreign := refusal(shown):
        return replace(foreign, document=_document(plan, shown, str(owner) if owner else None))
    step, target = found.start_step, plan.target_step
    stated, effective = _levels(folder, at_work=owner is not None)
    open_gates = _open_gates(folder)
    percent = 100 * step / target
    details = [*_rate(shown), f"lock: {owner or 'nobody is at work'}"]
    details += found.notes
    details += [
        f"{entry.checkpoint_id} is no resume point: {entry.reason}" for entry in found.rejected
    ]
    details.append(
        f"level: {stated}" + (f" (effective: {effective})" if effective != stated else "")
    )
    details += [f"last call: {line}" for line in _last_attempt(folder)]
    details += [_closing(result, folder) for result in open_gates]
    if not (folder.promotion / REPORT).is_file():
        details.append(
            f"promotion: {len(criteria.CRITERIA)} gates are not judged yet: {CHECK} {folder.root}"
        )
    finished = step >= target
    return Answer(
        headline=f"step {step} of {target}, t = {step * plan.dt:.6g}, {percent:.1f} %: {effective}",
        details=details,
        next=f"{CHECK if finished else EXECUTE} {quote(str(folder.root))}",
        document=_document(plan, shown, str(owner) if owner else None)
        | {
            "percent": percent,
            "claim_level": stated,
            "effective_level": effective,
            "open_promotion_gates": [
                {
                    "gate": result.gate.name,
                    "verdict": result.verdict.value,
                    "command": _command(result, folder),
                }
                for result in open_gates
            ],
        },
    )


def _document(plan: Plan, shown: View, owner: str | None) -> dict[str, Any]:
    left = shown.document
    return {
        "step": shown.found.start_step,
        "time": shown.found.start_step * plan.dt,
        "target_step": plan.target_step,
        "remaining_steps": left["remaining_steps"],
        "chunks_remaining": left["chunks_remaining"],
        "seconds_per_step": left["seconds_per_step"],
        "seconds_per_step_source": left["seconds_per_step_source"],
        "estimated_seconds_left": left["estimated_seconds_left"],
        "lock_owner": owner,
        "invalid_checkpoints": left["invalid_checkpoints"],
        "plan_digest": plan.digest,
        "family_digest": plan.family_digest,
    }


def _rate(shown: View) -> list[str]:
    left = shown.document
    told = [f"rate: {left['seconds_per_step']:.3g} s per step, {left['seconds_per_step_source']}"]
    if left["remaining_steps"]:
        told.append(
            f"{left['remaining_steps']} steps left, {duration(left['estimated_seconds_left'])} in "
            f"{left['chunks_remaining']} job(s)"
        )
    return told


def _levels(folder: RunFolder, *, at_work: bool) -> tuple[str, str]:
    """The level that the ledger states, and what the files support; a claim is verified."""
    try:
        stated = current_level(folder.ledger)
        if stated != ClaimLevel.PRODUCTION.value or at_work:
            return stated, stated
        return stated, verify(folder.root).effective_level
    except (EvidenceError, NothingToVerify):
        return UNSPECIFIED, UNSPECIFIED


def _open_gates(folder: RunFolder) -> list[GateResult]:
    """Promotion gates that do not pass, judged again from what the last check stored."""
    schema = schemas.gates_of(schemas.CAMPAIGN_PROMOTION)
    try:
        stored = store.read_json(folder.promotion / "validation.json", schema)
        return [result for result in judged_again(stored) if not result.passed]
    except (EvidenceError, KeyError, TypeError):
        return []


def _command(result: GateResult, folder: RunFolder) -> str:
    return result.gate.remedy.replace("RUN_DIR", str(folder.root))


def _closing(result: GateResult, folder: RunFolder) -> str:
    return f"open: {result.gate.name} ({result.verdict.value}); {_command(result, folder)}"


def _last_attempt(folder: RunFolder) -> list[str]:
    found = sorted(folder.attempts.glob("*/status.json"))
    if not found:
        return []
    try:
        told: Mapping[str, Any] = store.read_json(found[-1], schemas.ATTEMPT)
    except EvidenceError:
        return []
    code = told.get("exit_code")
    ending = "no exit code: running or killed" if code is None else f"exit code {code}"
    return [f"{told.get('attempt_id')}, {ending}"]
