"""`mhx campaign rutherford-resume-plan`: where the next chunk starts, and why not later.

Every candidate is verified, nothing is moved.  The answer is printed even where it cannot be
written; `resume_plan.json` is a view that no digest covers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.campaigns.resume import (
    Resume,
    resume_document,
    select_resume_checkpoint,
    write_view,
)
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import schemas, store
from mhx.evidence.gates import GateResult
from mhx.report.answer import Answer
from mhx.report.progress import duration

EXECUTE = "mhx campaign rutherford-execute"
UNREADABLE = 4  # no resume point is left: evidence is damaged


@dataclass(frozen=True, kw_only=True)
class View:
    """A resume plan: what was found, the document, its gates."""

    found: Resume
    document: Mapping[str, Any]
    results: Sequence[GateResult]


def resume_plan(run_dir: Path, target_step: int | None = None) -> Answer:
    """Say where the run would go on, and what that would cost."""
    folder = RunFolder(Path(run_dir))
    shown = view(folder, read_plan(folder), target_step)
    written = write_view(folder.resume_plan, shown.document)
    if foreign := refusal(shown):
        return replace(foreign, wrote=folder.resume_plan if written else None)
    found, passed = shown.found, bool(shown.document["validation"]["passed"])
    usable = found.checkpoint is not None or found.from_initial
    chosen = found.checkpoint.checkpoint_id if found.checkpoint else "the initial state"
    details = list(found.notes)
    details += [
        f"{entry.checkpoint_id} is no resume point: {entry.reason}" for entry in found.rejected
    ]
    seconds = shown.document["estimated_seconds_left"]
    details.append(
        f"{found.remaining_steps} steps left in {shown.document['chunks_remaining']} job(s), "
        f"{duration(seconds)}"
    )
    if not written:
        details.append(f"{folder.resume_plan} cannot be written; nothing else depends on it")
    return Answer(
        headline=(
            f"start at step {found.start_step} ({chosen}), target {found.target_step}"
            if usable
            else "no resume point: no checkpoint is valid, and the initial state is damaged"
        ),
        wrote=folder.resume_plan if written else None,
        results=[] if passed else shown.results,
        details=details,
        next=f"{EXECUTE} {quote(str(run_dir))}" if usable and found.remaining_steps else "",
        document=shown.document,
        exit_code=0 if passed else 1 if usable else UNREADABLE,
    )


def refusal(shown: View) -> Answer | None:
    """The answer where the checkpoints belong to another plan; the executor refuses it, too."""
    if not shown.found.foreign:
        return None
    return Answer(
        headline=f"no resume point: {shown.found.foreign}",
        document=shown.document,
        exit_code=ConfigError.exit_code,
    )


def view(folder: RunFolder, plan: Plan, target_step: int | None = None) -> View:
    """The resume plan of a run, sized by the rate that was measured if there is one."""
    found = select_resume_checkpoint(folder.root, target_step)
    rate, source = _rate(folder, plan)
    policy = replace(plan.policy, seconds_per_step_estimate=rate, seconds_per_step_source=source)
    per_job = policy.steps_per_walltime_job(plan.target_step)
    document, results = resume_document(
        folder.root, found, steps_per_job=per_job, execute_command=f"{EXECUTE} ."
    )
    document |= {
        "plan_digest": plan.digest,
        "seconds_per_step": rate,
        "seconds_per_step_source": source,
        "estimated_seconds_left": found.remaining_steps * rate,
    }
    return View(found=found, document=document, results=results)


def _rate(folder: RunFolder, plan: Plan) -> tuple[float, str]:
    """Seconds per step: measured by the executor, or what the plan reckons with."""
    try:
        measured = store.read_json(folder.diagnostics, schemas.CAMPAIGN_EXECUTION)
        rate = float(measured["seconds_per_step"])
    except (EvidenceError, KeyError, TypeError):
        rate = math.nan
    if rate > 0:
        return rate, "measured"
    return plan.policy.seconds_per_step_estimate, plan.policy.seconds_per_step_source
