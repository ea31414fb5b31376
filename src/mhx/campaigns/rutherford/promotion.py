"""`mhx campaign rutherford-promotion-check`: everything a reviewer would ask, asked of the files.

No verdict of another program is read: the folder is hashed again, the history is judged again, the
eigen-solve is repeated, stretches are integrated again.  Report and picture are written whatever
the verdict; exit 0 when every gate passes, 1 when one does not, 4 when evidence is altered.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from mhx.campaigns import criteria, promotion
from mhx.campaigns.bundles import Given
from mhx.campaigns.commands import record_command
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, read_plan
from mhx.campaigns.promotion import Binding, Verdicts
from mhx.campaigns.questions import ANSWERED
from mhx.campaigns.rutherford import claim_figures, plan_document, plan_gates
from mhx.campaigns.rutherford.evidence import About, judged_evidence
from mhx.campaigns.rutherford.executed import executed
from mhx.campaigns.rutherford.file_metrics import Metrics, file_metrics
from mhx.campaigns.rutherford.judgement import judgement
from mhx.campaigns.rutherford.promotion_options import RESTART_STEPS, Options, refuse
from mhx.campaigns.rutherford.restart_check import RestartCheck, restart_check
from mhx.campaigns.rutherford.run_figures import Run
from mhx.campaigns.supporting import Bundles
from mhx.campaigns.thresholds import BOUNDS
from mhx.config import parse
from mhx.errors import ConfigError, EvidenceError
from mhx.evidence import schemas
from mhx.evidence.checkpoints import Checkpoint, read_records
from mhx.evidence.claims import Waiver
from mhx.evidence.gates import GateResult, judge
from mhx.evidence.manifest import read_manifest, run_digest
from mhx.evidence.store import read_json, strict
from mhx.execution.lock import hold
from mhx.reconnection.config import Reconnection, family_digest
from mhx.reconnection.growth import GrowthRate
from mhx.reconnection.linear import growth_rate
from mhx.reconnection.trajectory import read_history
from mhx.report.answer import Answer

LADDERS, SWEPT = 12, 3  # whole runs that the cases of a convergence study, a sweep amount to
__all__ = ["Options", "check", "contradictions"]


def check(run_dir: Path, options: Options) -> Answer:
    """Judge a run, write the report, and say what is missing."""
    folder = RunFolder(run_dir)
    plan = read_plan(folder)
    refuse(folder, options)
    config = parse(Reconnection, plan.config)
    policy = _policy(plan, options, config)
    with hold(run_dir):
        about = About(executed(folder, plan), plan.target_time, policy.bounds)
        bundles = judged_evidence(folder, about, options.bundles)
        found = _Found.of(folder, plan, options.restart_steps)
        verdicts = _verdicts(found, policy, bundles)
        binding = Binding(
            folder=folder,
            outdir=options.outdir or folder.promotion,
            plan=plan,
            run_digest=run_digest(run_dir),
            family=family_digest(config),
            evidence_digests=bundles.digests,
        )
        lacking = promotion.missing(verdicts, run_dir, _costs(folder, plan, found))
        report = promotion.document(verdicts, binding, lacking)
        pictures = _pictures(binding, verdicts, about)
        promotion.write(verdicts, binding, report, pictures)
        faults = [*found.faults, *bundles.problems]
        if not binding.trial:
            faults += _recorded(folder)
    return _answer(verdicts, binding, lacking, faults, bundles.told)


def _pictures(binding: Binding, verdicts: Verdicts, about: About) -> list[str]:
    """What a paper about the run would show, drawn beside the report; names of the files."""
    history = _history(binding.folder)
    if not history:
        return []
    run = Run(history=history, facts=verdicts.facts, bounds=verdicts.policy.bounds)
    return claim_figures.draw(binding.outdir / promotion.FIGURES, run, about.judged)


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

    Everything is drawn from the files again, and stretches by a new draw; so a report whose values
    were typed in is told from one that was judged, whatever was hashed around it.
    """
    config = parse(Reconnection, plan.config)
    sweeps = report.get("sweep_reports") or {}
    given = Given(
        convergence=[folder.root / name for name in report.get("convergence_dirs") or ()],
        seeds=folder.root / report["seed_qi_dir"] if report.get("seed_qi_dir") else None,
        width_sweep=folder.root / sweeps["width"]["path"] if "width" in sweeps else None,
        eta_sweep=folder.root / sweeps["eta"]["path"] if "eta" in sweeps else None,
    )
    found, facts, _ = _from_files(folder, plan, config)
    about = About(executed(folder, plan), plan.target_time, plan.thresholds)
    bundles = judged_evidence(folder, about, given)
    metrics = _with_evidence(found, facts["code_digest"], bundles)
    stated = {one["metric"]: one["value"] for one in validation["verdicts"].values()}
    told = [
        f"the promotion report states {name} {_told(value)}, the run gives {_told(metrics[name])}"
        for name, value in stated.items()
        if name in metrics and not _same(value, metrics[name])
    ]
    listed = {row["gate"] for row in report.get("waivers") or ()}
    told += [str(waiver) for waiver in _unmet(plan, config) if waiver.gate not in listed]
    if report.get("plan_digest") != plan.digest:
        told.append("the promotion report is about another plan")
    told += _changed(report, bundles)
    if told or stated.get("restart_difference") is None:  # refused already
        return told
    return list(_not_repeated(folder, plan, report))


def _not_repeated(folder: RunFolder, plan: Plan, report: Mapping[str, Any]) -> Iterator[str]:
    """Stretches integrated again, as long as those of the report, that the run does not show."""
    config = parse(Reconnection, plan.config)
    records = [one for one in read_records(folder.root)[0] if not one.registered]
    stretches = (report.get("restart_check") or {}).get("stretches") or ()
    lengths = [one["end_step"] - one["start_step"] for one in stretches]
    again = _restart(folder, config, records, max([RESTART_STEPS, *lengths]))
    rows = criteria.criteria(
        plan.thresholds, require_sweeps=False, same_machine=again.same_machine(records)
    )
    gate = next(row.gate for row in rows if row.gate.metric == "restart_difference")
    result = judge(gate, {gate.metric: again.difference})
    if not result.passed:
        yield f"stretches were integrated again: {result}"


def _changed(report: Mapping[str, Any], bundles: Bundles) -> Iterator[str]:
    """Evidence that is not what was judged, and a scope that the evidence does not have."""
    judged, now = report.get("evidence_digests") or {}, bundles.digests
    for name in sorted(judged.keys() | now.keys()):
        if judged.get(name) != now.get(name):
            yield f"the evidence in {name} is not the one that was judged; check again"
    if strict(report.get("evidence_scope")) != strict(bundles.scope()):
        yield "the promotion report states a scope that its evidence does not have"


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
        "code_digest": _code(folder),
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


def _code(folder: RunFolder) -> str | None:
    """The code that wrote the run, as its manifest says; None where that was edited."""
    try:
        return str(read_manifest(folder.manifest).get("code_digest"))
    except EvidenceError:
        return None


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


def _policy(plan: Plan, options: Options, config: Reconnection) -> promotion.Policy:
    return promotion.policy(
        plan,
        options.bounds,
        require_movies=options.require_movies is not False,
        require_sweeps=options.require_sweeps is True,
        unmet=_unmet(plan, config),
    )


def _verdicts(found: _Found, policy: promotion.Policy, bundles: Bundles) -> Verdicts:
    metrics = _with_evidence(found.metrics, found.facts["code_digest"], bundles)
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


def _with_evidence(
    found: Mapping[str, float | None], code: str | None, bundles: Bundles
) -> dict[str, float | None]:
    """The metrics of the run with those of its evidence; one code must have made both."""
    metrics = {**found, **bundles.metrics()}
    faults = metrics.get("code_identity_faults")
    if faults is not None:
        metrics["code_identity_faults"] = faults + len(bundles.codes - {code})
    return metrics


def _unmet(plan: Plan, config: Reconnection) -> list[Waiver]:
    """Plan gates that do not pass when they are judged again, also where the plan names none."""
    growth = _growth(config)
    results = plan_gates.of_the_problem(plan.document, config, growth.document()) if growth else []
    failed = [result for result in results if not result.passed]
    return [*_too_coarse(config), *map(plan_document.waived, failed)]


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
    """Seconds of one core by command, as far as they follow from the measured cost of a step."""
    try:
        rate = read_json(folder.diagnostics).get("seconds_per_step")
    except EvidenceError:
        rate = None
    per_step = plan.policy.seconds_per_step_estimate
    if isinstance(rate, float) and rate > 0:
        per_step = rate
    whole = plan.target_step * per_step
    sweeps = {row.gate.remedy: SWEPT * whole for row in criteria.SWEEPS}
    return {
        criteria.EXECUTE: max(0, found.steps_left) * per_step,
        criteria.CONVERGENCE: LADDERS * whole,
        criteria.SEEDS: BOUNDS["min_seeds"].value * whole,
        **sweeps,
    }


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
    claim = f"mhx campaign rutherford-execute {quote(str(binding.folder.root))} --max-steps 0"
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
        cost = row["estimated_seconds"]
        note = f"  (about {cost:.0f} s)" if cost else ""
        waiting.setdefault(f"{row['command']}{note}", []).append(row["gate"])
    return [f"to pass {', '.join(gates)}:\n  {command}" for command, gates in waiting.items()]
