"""`mhx campaign rutherford-promotion-check`: everything a reviewer would ask, asked of the files.

No verdict of another program is read: the folder is hashed again, the history is judged again, the
eigen-solve is repeated, stretches are integrated again.  Report and picture are written whatever
the verdict; exit 0 when every gate passes, 1 when one does not, 4 when evidence is altered.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mhx.campaigns import criteria, promotion
from mhx.campaigns.bundles import Bundles, Given, find_bundles
from mhx.campaigns.commands import record_command
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.campaigns.promotion import Binding, Verdicts
from mhx.campaigns.questions import ANSWERED
from mhx.campaigns.rutherford.file_metrics import Metrics, file_metrics
from mhx.campaigns.rutherford.judgement import judgement
from mhx.campaigns.rutherford.promotion_options import Options, refuse
from mhx.campaigns.rutherford.restart_check import RestartCheck, restart_check
from mhx.campaigns.thresholds import BOUNDS
from mhx.config import parse
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import schemas
from mhx.evidence.checkpoints import Checkpoint, read_records
from mhx.evidence.claims import Waiver
from mhx.evidence.gates import GateResult
from mhx.evidence.manifest import run_digest
from mhx.evidence.store import read_json
from mhx.execution.lock import hold
from mhx.reconnection.config import Reconnection, family_digest
from mhx.reconnection.linear import GrowthRate, growth_rate
from mhx.reconnection.trajectory import read_history
from mhx.report.answer import Answer

__all__ = ["Options", "check", "contradictions"]


def check(run_dir: Path, options: Options) -> Answer:
    """Judge a run, write the report, and say what is missing."""
    folder = RunFolder(run_dir)
    plan = read_plan(folder)
    refuse(folder, options)
    family = family_digest(parse(Reconnection, plan.config))
    with hold(run_dir):
        bundles = find_bundles(folder, family, options.bundles)
        found = _Found.of(folder, plan, options.restart_steps)
        verdicts = _verdicts(found, plan, options, bundles)
        binding = Binding(
            folder=folder,
            outdir=options.outdir or folder.promotion,
            plan=plan,
            run_digest=run_digest(run_dir),
            family=family,
            evidence_digests=bundles.digests,
        )
        lacking = promotion.missing(verdicts, run_dir, _costs(folder, plan, found))
        report = promotion.document(verdicts, binding, lacking)
        promotion.write(verdicts, binding, report)
        faults = [*found.faults, *bundles.problems]
        if not binding.trial:
            faults += _recorded(folder)
    return _answer(verdicts, binding, lacking, faults, bundles.told)


def _recorded(folder: RunFolder) -> list[str]:
    """Note the command; a journal that was altered takes no line, and is a fault."""
    try:
        record_command(folder, [folder.promotion.name])
    except EvidenceError as error:
        return [str(error)]
    return []


def contradictions(
    folder: RunFolder, plan: Plan, report: Mapping[str, Any], validation: Mapping[str, Any]
) -> list[str]:
    """Values of a promotion report that the run and its evidence do not give, one line each.

    Everything is drawn from the files again but what rests on a random draw; so a report whose
    values were typed in is told from one that was judged, whatever was hashed around it.
    """
    config = parse(Reconnection, plan.config)
    given = Given(
        convergence=[folder.root / name for name in report.get("convergence_dirs") or ()],
        seeds=folder.root / report["seed_qi_dir"] if report.get("seed_qi_dir") else None,
    )
    metrics, _, _ = _from_files(folder, plan, config)
    metrics = {**metrics, **find_bundles(folder, family_digest(config), given).metrics()}
    stated = {one["metric"]: one["value"] for one in validation["verdicts"].values()}
    return [
        f"the promotion report states {name} {_told(value)}, the run gives {_told(metrics[name])}"
        for name, value in stated.items()
        if name in metrics and not _same(value, metrics[name])
    ]


def _same(stated: float | None, found: float | None) -> bool:
    """Equal to the round-off of another machine's linear algebra."""
    if stated is None or found is None or not math.isfinite(found):
        return stated is None and (found is None or not math.isfinite(found))
    return math.isclose(stated, found, rel_tol=1e-9)


def _told(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.10g}"


def _from_files(
    folder: RunFolder, plan: Plan, config: Reconnection
) -> tuple[Metrics, dict[str, Any], list[str]]:
    """Metrics, facts and faults that need nothing but the files and the eigen-solve."""
    records = [one for one in read_records(folder.root)[0] if not one.registered]
    history, growth = _history(folder), _growth(config)
    metrics, faults = file_metrics(folder, plan, records, history)
    if plan.document.get("family_digest") != family_digest(config):
        faults.append("contradicted: campaign_plan.json (its family is not its configuration's)")
        metrics |= {"plan_faults": 1.0, "artifact_faults": float(len(faults))}
    facts: dict[str, Any] = {
        "history_schema": schemas.CAMPAIGN_HISTORY if history else None,
        "growth_rate": growth.document() if growth else None,
        "terminal_step": records[-1].step if records else 0,
    }
    if history:
        judged = judgement(config, plan, history, growth)
        metrics, facts = {**metrics, **judged.metrics}, {**facts, **judged.facts}
    return metrics, facts, faults


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the folder itself shows, before any bound is applied."""

    config: Reconnection
    metrics: Mapping[str, float | None]
    facts: Mapping[str, Any]
    faults: Sequence[str]
    steps_left: int
    same_machine: bool

    @classmethod
    def of(cls, folder: RunFolder, plan: Plan, restart_steps: int) -> "_Found":
        config = parse(Reconnection, plan.config)
        records = [one for one in read_records(folder.root)[0] if not one.registered]
        metrics, facts, faults = _from_files(folder, plan, config)
        again = _restart(folder, config, records, restart_steps)
        return cls(
            config=config,
            metrics={**metrics, "restart_difference": again.difference},
            facts={**facts, "restart_check": again.document()},
            faults=faults,
            steps_left=plan.target_step - facts["terminal_step"],
            same_machine=again.same_machine(records),
        )


def _history(folder: RunFolder) -> dict[str, Any]:
    """The real arrays of the history; none when it is missing, torn, empty or of another schema."""
    try:
        found = read_history(folder.history).arrays
    except EvidenceError:
        return {}
    real = {name: values for name, values in found.items() if values.dtype.kind in "if"}
    return real if {"step", "time"} <= real.keys() and len(real["step"]) else {}


def _growth(config: Reconnection) -> GrowthRate | None:
    try:
        return growth_rate(config)
    except ConfigError:  # a state without a sheet has no growth rate
        return None


def _restart(
    folder: RunFolder, config: Reconnection, records: Sequence[Checkpoint], steps: int
) -> RestartCheck:
    try:
        return restart_check(folder, config, records, steps)
    except EvidenceError as error:
        return RestartCheck(stretches=(), reason=str(error))


def _verdicts(found: _Found, plan: Plan, options: Options, bundles: Bundles) -> Verdicts:
    metrics = {**found.metrics, **bundles.metrics()}
    policy = promotion.policy(
        plan,
        options.bounds,
        require_movies=options.require_movies is not False,
        require_sweeps=options.require_sweeps is True,
        unmet=_too_coarse(found.config),
    )
    rows = list(
        criteria.criteria(
            policy.bounds,
            require_sweeps=policy.require_sweeps,
            same_machine=found.same_machine,
            finished=found.steps_left <= 0,
        )
    )
    return Verdicts(
        judged=promotion.judged(rows, metrics, policy),
        policy=policy,
        metrics=metrics,
        facts={**found.facts, **bundles.facts()},
    )


def _too_coarse(config: Reconnection) -> list[Waiver]:
    """A grid below the production floor is a waiver, also where the plan does not list it."""
    floor, points = BOUNDS["min_production_resolution"], min(config.grid.shape)
    if points >= floor.value:
        return []
    return [
        Waiver(
            gate=floor.gate,
            production_bound=floor.value,
            used_bound=points,
            where="the grid itself",
        )
    ]


def _costs(folder: RunFolder, plan: Plan, found: _Found) -> dict[str, float | None]:
    """Seconds by command, as far as they follow from the measured cost of a step."""
    try:
        rate = read_json(folder.diagnostics).get("seconds_per_step")
    except EvidenceError:
        rate = None
    per_step = plan.policy.seconds_per_step_estimate
    if isinstance(rate, float) and rate > 0:
        per_step = rate
    return {criteria.EXECUTE: max(0, found.steps_left) * per_step}


def _answer(
    verdicts: Verdicts,
    binding: Binding,
    lacking: Sequence[Mapping[str, Any]],
    faults: Sequence[str],
    bundles: Sequence[str],
) -> Answer:
    details = [f"altered evidence: {fault}" for fault in faults]
    details += [f"no evidence: {told}" for told in bundles]
    if binding.trial:
        details.append(f"a trial: only {binding.folder.promotion} supports a claim")
    details += _remedies(lacking)
    details += [
        f"{answer['question']} {answer['answer']}"
        for answer in verdicts.answers
        if answer["status"] == ANSWERED
    ]
    ready = verdicts.promotion_ready
    claim = f"mhx campaign rutherford-execute {binding.folder.root} --max-steps 0"
    following = next((row["command"] for row in lacking if row["command_available"]), "")
    return Answer(
        headline=promotion.headline(verdicts),
        wrote=binding.outdir,
        results=[_without_remedy(result) for result in verdicts.results],
        details=details,
        next=f"{claim} --allow-production-claim" if verdicts.production_ready else following,
        document={
            "promotion_ready": ready,
            "production_ready": verdicts.production_ready,
            "missing": list(lacking),
            "reviewer_answers": verdicts.answers,
            "altered": list(faults),
        },
        exit_code=EvidenceError.exit_code if faults else int(not ready),
    )


def _without_remedy(result: GateResult) -> GateResult:
    """Remedies are told once for all gates that share one."""
    return replace(result, gate=replace(result.gate, remedy=""))


def _remedies(lacking: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line per command that would help, with the gates that wait for it."""
    waiting: dict[str, list[str]] = {}
    for row in lacking:
        later = row["command"].startswith(promotion.NOT_HERE)
        note = "  (not part of this version)" if later else ""
        cost = row["estimated_seconds"]
        note += f"  (about {cost:.0f} s)" if cost else ""
        waiting.setdefault(f"{row['command']}{note}", []).append(row["gate"])
    return [f"to pass {', '.join(gates)}:\n  {command}" for command, gates in waiting.items()]
