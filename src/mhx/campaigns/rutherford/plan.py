"""`rutherford-plan-production`: from flags to a run directory whose plan has been judged.

Nothing is written before every parameter has been checked.  Planning again with the same parameters
writes nothing; other parameters are refused, or with `--force` the old run is moved aside first.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from mhx.campaigns import runbook, staging
from mhx.campaigns.commands import record_command
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, job_array, read_plan
from mhx.campaigns.resume import write_index
from mhx.campaigns.rutherford import plan_document, plan_gates
from mhx.campaigns.rutherford.design import Design, design
from mhx.campaigns.rutherford.parameters import Parameters, asked, differences
from mhx.campaigns.staging import Standing
from mhx.config import to_toml
from mhx.errors import ConfigError, EvidenceError, RunLocked
from mhx.evidence import manifest, schemas, verify
from mhx.evidence.claims import UNSPECIFIED, record_transition
from mhx.evidence.gates import GateResult, all_pass, validation_document
from mhx.evidence.provenance import provenance
from mhx.evidence.store import write_json, write_text
from mhx.execution.lock import hold
from mhx.report.answer import Answer

OUTDIR = Path("outputs/campaigns/rutherford_production_plan")
COMMAND = "rutherford-plan-production"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags of the command; None is ours (`Parameters` says what that is)."""

    outdir: Path | None = None
    equilibrium: str | None = None
    width: float | None = None
    amplitude: float | None = None
    perturbation_amplitude: float | None = None
    mode_x: int | None = None
    mode_y: int | None = None
    eta: float | None = None
    nu: float | None = None
    hold_equilibrium: bool | None = None
    seed: int | None = None
    noise_amplitude: float | None = None
    harris_growth_rate: float | None = None
    production_efolds: float | None = None
    safety_factor: float | None = None
    t_end: float | None = None
    nx: int | None = None
    ny: int | None = None
    lx: float | None = None
    ly: float | None = None
    dt: float | str | None = None
    target_saved_frames: int | None = None
    save_every: int | None = None
    dtype: str | None = None
    max_walltime_hours: float | None = None
    preemption_margin_minutes: float | None = None
    checkpoint_interval_minutes: float | None = None
    seconds_per_step_estimate: float | str | None = None
    min_production_resolution: int | None = None
    threshold: Sequence[str] | None = None
    force: bool | None = None


def plan_production(options: Options) -> Answer:
    """Plan a run, judge the plan, and say what it could become."""
    wanted = asked(Parameters, options, COMMAND)
    outdir = options.outdir or OUTDIR
    folder = RunFolder(outdir)
    staging.refuse_foreign(folder)
    found = staging.standing(folder)
    if found is Standing.PLANNED and (same := _unchanged(folder, wanted, bool(options.force))):
        return same
    thought = design(wanted, outdir)
    with hold(folder.root):
        staging.refuse_foreign(folder)
        if staging.standing(folder) is Standing.PLANNED and found is not Standing.PLANNED:
            raise RunLocked(f"{folder.root} was planned by another process just now; look at it")
        staged = staging.begin(folder)
        results = _write(staged, thought, outdir)
        aside = staging.move_aside(folder) if folder.plan.exists() else None
        staging.publish(folder)
    return _answer(folder, results, aside)


def _unchanged(folder: RunFolder, wanted: Parameters, force: bool) -> Answer | None:
    """The answer when this very run is planned already; None where `--force` replaces another."""
    try:
        planned = read_plan(folder)
    except EvidenceError:
        if force:  # a torn or altered plan is moved aside, too
            return None
        raise
    changes = differences(planned.document["parameters"], wanted.stored())
    if not changes:
        return _no_change(folder, planned)
    if force:
        return None
    listed = "".join(f"\n  {change}" for change in changes)
    raise ConfigError(
        f"{folder.root} is planned with other parameters (planned -> asked):{listed}\n"
        "plan into another --outdir, or use --force: the old run is then moved to superseded/"
    )


def _no_change(folder: RunFolder, planned: Plan) -> Answer:
    if staging.is_left_over(folder):
        with hold(folder.root):
            staging.drop(folder)
    return Answer(
        headline=f"already planned with these parameters: {folder.root} is left as it is",
        details=[
            f"plan digest {planned.digest[:12]}, target step {planned.target_step}",
            *(f"plan gate that did not pass: {name}" for name in planned.failed_gates),
        ],
        next=f"mhx campaign rutherford-execute {quote(str(folder.root))}",
        document={
            "plan_digest": planned.digest,
            "claim_level": planned.document["claim_level"],
            "parameters": planned.document["parameters"],
        },
    )


def _write(staged: RunFolder, thought: Design, outdir: Path) -> list[GateResult]:
    """All files of a plan; the level is that of a template only if every gate passes."""
    document = plan_document.compose(thought)
    results = _attempt(staged, document, outdir)
    failed = [result for result in results if not result.passed]
    if failed:
        document = plan_document.with_failures(document, failed)
        results = _attempt(staged, document, outdir)
    write_json(
        staged.plan_validation,
        validation_document(schemas.gates_of(schemas.CAMPAIGN_PLAN), results, {}),
    )
    shutil.copyfile(Path(verify.__file__), staged.verify_script)
    files = manifest.evidence_files(staged.root)
    record_command(staged, [*files, manifest.ARTIFACT_MANIFEST_NAME, manifest.PLAN_MANIFEST_NAME])
    _write_manifests(staged, document)
    manifest.write_artifact_manifest(staged.root)
    record_transition(
        staged.ledger,
        from_level=UNSPECIFIED,
        to_level=document["claim_level"],
        command=provenance()["command"],
        digests=manifest.bindings(staged.root),
        reason="planned" if all_pass(results) else "planned; at least one plan gate did not pass",
    )
    return results


def _attempt(staged: RunFolder, document: dict[str, Any], outdir: Path) -> list[GateResult]:
    """Write what the gates read, and judge it."""
    write_text(staged.config, to_toml(document["config"]))
    write_json(staged.plan, document)
    write_json(staged.job_array, job_array(document))
    write_index(staged, Plan(document))
    write_text(staged.runbook, runbook.render(document, run_dir=outdir, started_in=Path.cwd()))
    _write_manifests(staged, document)
    return plan_gates.judged(staged)


def _write_manifests(staged: RunFolder, document: dict[str, Any]) -> None:
    """`manifest.json`, and its twin that no later command rewrites."""
    names = [
        name
        for name in manifest.evidence_files(staged.root)
        if name not in (manifest.MANIFEST_NAME, manifest.PLAN_MANIFEST_NAME)
    ]
    identity = [staged.config.relative_to(staged.root).as_posix()]
    for own in (manifest.PLAN_MANIFEST_NAME, manifest.MANIFEST_NAME):
        listed = (
            names if own == manifest.PLAN_MANIFEST_NAME else [*names, manifest.PLAN_MANIFEST_NAME]
        )
        described = manifest.describe(staged.root, listed)
        content = manifest.Manifest(
            kind="run",
            config=document["config"],
            files={name: described[name] for name in identity},
            figures={name: text for name, text in described.items() if name not in identity},
            provenance=provenance(
                device=document["resource_estimate"]["device"],
                dtype=document["config"]["numerics"]["dtype"],
            ),
            claim=plan_document.claim(document),
        )
        manifest.write_manifest(staged.root, content, own)


def _answer(folder: RunFolder, results: list[GateResult], aside: Path | None) -> Answer:
    planned = read_plan(folder)
    document = planned.document
    failed = [result for result in results if not result.passed]
    return Answer(
        headline=(
            f"plan {'passes all' if not failed else 'does not pass all'} {len(results)} gates"
            f": {document['claim_level']}"
        ),
        wrote=folder.root,
        results=results,
        details=[
            *([f"the old run was moved to {aside}"] if aside else []),
            *plan_document.summary(document),
        ],
        next=f"mhx campaign rutherford-execute {quote(str(folder.root))}",
        document={
            key: document[key]
            for key in (
                *("plan_digest", "claim_level", "estimated_steps", "save_every", "time_step"),
                *("duration_assessment", "growth_rate", "resource_estimate", "waivers"),
                *("promotion_outlook", "parameters"),
            )
        },
        exit_code=0 if all_pass(results) else 1,
    )
