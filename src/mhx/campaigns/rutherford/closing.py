"""The end of a call of the executor: series, pictures, verdicts, manifests, ledger, answer.

All of it can be made again from the checkpoints.  The order is: what the gates read, the verdicts,
the views of what is left, then `manifest.json`, `artifact_manifest.json` and a line of the ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any

from mhx import __version__
from mhx.campaigns.commands import record_command
from mhx.campaigns.execute import SIGNAL
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.plan import Plan, job_array
from mhx.campaigns.resume import write_index
from mhx.campaigns.rutherford import claim, conclusion
from mhx.campaigns.rutherford import resume as resuming
from mhx.campaigns.rutherford.binding import PLACE
from mhx.campaigns.rutherford.conclusion import Chunk, chain
from mhx.campaigns.rutherford.execution_gates import execution_gates
from mhx.campaigns.supporting import words
from mhx.errors import ClaimRefused
from mhx.evidence import manifest, schemas, store
from mhx.evidence.claims import (
    ClaimLevel,
    Waiver,
    current_level,
    grant,
    record_transition,
)
from mhx.evidence.gates import GateResult, all_pass, judge_all, validation_document
from mhx.evidence.provenance import own_command, provenance
from mhx.reconnection.config import Reconnection
from mhx.report.answer import Answer
from mhx.report.progress import duration

EXECUTE = "mhx campaign rutherford-execute"
CHECK = "mhx campaign rutherford-promotion-check"


def close(
    folder: RunFolder,
    chunk: Chunk,
    *,
    asked: bool | None,
    told: Sequence[str],
    waivers: Sequence[Waiver],
) -> Answer:
    """Judge what is on disk, write it down, and answer; a refused claim raises after that."""
    write_index(folder, chunk.plan)
    history = conclusion.write_series(folder, chunk)
    conclusion.draw(folder, chunk, history)
    if chunk.outcome.stop_reason != SIGNAL:  # whoever sent it does not wait for movies
        conclusion.draw_movies(folder, chunk)
    before = current_level(folder.ledger)
    wanted = ClaimLevel.PRODUCTION
    ask = asked is True or (asked is None and before == wanted.value)
    stands = claim.standing(folder, chunk.plan, chunk.outcome) if ask else claim.NOT_ASKED
    found = conclusion.metrics(folder, chunk, history) | stands.metrics
    results = judge_all(execution_gates(chunk.bounds), found)
    level, reason = claim.level_of(
        before, chunk.outcome, asked=asked, keeps=ask and not stands.reasons
    )
    refusal: Exception | None = None
    if asked:
        try:
            level, reason = _granted(results, stands, waivers)
        except ClaimRefused as error:
            refusal = error
            level, reason = claim.refused(before, chunk.outcome, keeps=not stands.reasons)
    document = conclusion.diagnostics(folder, chunk, history, found) | {
        "claim_level": level,
        "allow_production_claim": bool(asked),
        "production_promotion_report_ready": bool(ask and not stands.reasons),
        "claim_reasons": stands.reasons,
        "waivers": [waiver.document() for waiver in waivers],
        "mhx_version": __version__,
    }
    store.write_json(folder.diagnostics, document)
    schema = schemas.gates_of(schemas.CAMPAIGN_EXECUTION)
    store.write_json(folder.validation, validation_document(schema, results, document))
    view = _left(folder, chunk)
    _seal(folder, chunk, (before, level, reason), waivers, stands.report)
    if refusal:
        raise refusal
    lost = [f"the claim that was made no longer holds: {reason}" for reason in stands.reasons]
    return _answer(folder, chunk, results, level, [*told, *lost, *view])


def nothing_to_do(folder: RunFolder, plan: Plan) -> Answer:
    """The answer of a finished run that is as it was recorded; nothing is written."""
    stored = store.read_json(folder.validation, schemas.gates_of(schemas.CAMPAIGN_EXECUTION))
    results = claim.judged_again(stored)
    level = current_level(folder.ledger)
    return Answer(
        headline=f"nothing to do: the target, step {plan.target_step}, is reached; {level}",
        results=results,
        next=f"{CHECK} {quote(str(folder.root))}",
        document={"end_step": plan.target_step, "claim_level": level, "steps_run": 0},
        exit_code=0 if all_pass(results) else 1,
    )


def _granted(
    results: Sequence[GateResult], stands: claim.Standing, waivers: Sequence[Waiver]
) -> tuple[str, str]:
    """The highest level, through its one door, or ClaimRefused with every reason."""
    ran = [result for result in results if result.gate.name == "finite_histories"]
    capped = [*waivers, *(row for row in stands.waivers if row not in waivers)]
    judged = {
        ClaimLevel.SMOKE: ran,
        ClaimLevel.VALIDATION: list(results),
        ClaimLevel.PRODUCTION: list(stands.results),
    }
    try:
        level = grant(ClaimLevel.PRODUCTION, judged, capped)
    except ClaimRefused as error:
        new = [reason for reason in stands.reasons if reason not in str(error)]
        lines = "".join(f"\n  {reason}" for reason in new)
        raise ClaimRefused(f"{error}{lines}") from error
    return level.value, "granted: the promotion report verifies and every gate passes"


def _left(folder: RunFolder, chunk: Chunk) -> list[str]:
    """Chunks and time that are left, at the measured rate; the views that say so."""
    plan, rate = chunk.plan, chunk.seconds_per_step
    document: Mapping[str, Any] = plan.document
    if rate:
        policy = replace(
            plan.policy, seconds_per_step_estimate=rate, seconds_per_step_source="measured"
        )
        sized = policy.steps_per_walltime_job(plan.target_step)
        document = {**document, "steps_per_walltime_job": sized}
    array = job_array(document, start_step=chunk.outcome.end_step)
    store.write_json(folder.job_array, {**array, "start_step": chunk.outcome.end_step})
    view = resuming.view(folder, plan)
    store.write_json(folder.resume_plan, view.document)
    left = view.document["remaining_steps"]
    if not left or not rate:
        return []
    return [
        f"{rate:.3g} s per step measured; {left} steps left, {duration(left * rate)} in "
        f"{view.document['chunks_remaining']} job(s)"
    ]


def _seal(
    folder: RunFolder,
    chunk: Chunk,
    change: tuple[str, str, str],
    waivers: Sequence[Waiver],
    report: Mapping[str, Any],
) -> None:
    """Manifests last, each covering what was written before it, and a line of the ledger."""
    before, level, reason = change
    root, plan = folder.root, chunk.plan
    own = manifest.MANIFEST_NAME
    names = [name for name in _own_files(folder) if name != own]
    record_command(folder, [*names, own, manifest.ARTIFACT_MANIFEST_NAME])
    described = manifest.describe(root, names)
    states = [name for record in chain(folder)[-1:] for name in record.state]
    identity = [PLACE, *states, folder.history.name]
    claimed = claim.claim_document(plan, level, scope(chunk, level, report), folder)
    manifest.write_manifest(
        root,
        manifest.Manifest(
            kind="run",
            config={**plan.config, "initial": chunk.bound.config.initial.document()},
            files={name: described[name] for name in identity},
            figures={name: text for name, text in described.items() if name not in identity},
            provenance=provenance(device=chunk.device, dtype=chunk.bound.config.numerics.dtype),
            claim={**claimed, "waivers": [waiver.document() for waiver in waivers]},
        ),
    )
    manifest.write_artifact_manifest(root)
    record_transition(
        folder.ledger,
        from_level=before,
        to_level=level,
        command=own_command(),
        digests=manifest.bindings(root),
        reason=reason,
    )


def _own_files(folder: RunFolder) -> list[str]:
    """The files of the run itself; a nested bundle or promotion answers for its own."""
    root = folder.root
    found = manifest.evidence_files(root)
    nested = {
        name.rpartition("/")[0] + "/"
        for name in found
        if name.endswith(f"/{manifest.MANIFEST_NAME}")
    }
    return [
        name
        for name in found
        if not name.startswith(tuple(nested)) and name != manifest.ARTIFACT_MANIFEST_NAME
    ]


def scope(chunk: Chunk, level: str, report: Mapping[str, Any]) -> str:
    """`claim_scope`: what the level is about, in one sentence.

    report: of the promotion that supports the level; the evidence that it found belongs to a claim.
    """
    config, outcome = chunk.bound.config, chunk.outcome
    used, physics, grid = config.parameters, config.physics, config.grid
    held = "held" if config.held else "decaying"
    lengths = {"a": config.scale, "k": config.wave_number}
    sheet = "".join(f"{name} = {value:.4g}, " for name, value in lengths.items() if value)
    eps = used.get("perturbation_amplitude")
    evidence = ""
    if level == ClaimLevel.PRODUCTION.value and report.get("evidence_scope"):
        evidence = f"it persists over {words(report['evidence_scope'])}; {_faster(config)}"
    noise = f", noise/seed {config.initial.noise_amplitude / eps:.3g}" if eps else ""
    return (
        f"{level} for {physics.equilibrium} ({held}), {sheet}"
        f"eta = {physics.resistivity:g}, nu = {physics.viscosity:g}, "
        f"box {grid.lx:.4g} x {grid.ly:.4g}, t = 0 .. {outcome.end_step * config.dt:.6g}, "
        f"{grid.nx} x {grid.ny} points, dt = {config.dt:g}, seed {config.initial.seed}{noise}; "
        f"{evidence}numerical, not agreement with data"
    )


def _faster(config: Reconnection) -> str:
    """That the box holds a mode which grows faster than the followed one, where it does."""
    from mhx.reconnection.linear import growth_rate  # noqa: PLC0415  (scipy; most calls claim nothing)

    told = growth_rate(config).faster_mode
    return f"{told}; " if told else ""


def _answer(
    folder: RunFolder, chunk: Chunk, results: Sequence[GateResult], level: str, told: list[str]
) -> Answer:
    outcome, plan = chunk.outcome, chunk.plan
    passed = all_pass(results)
    if level == ClaimLevel.PRODUCTION.value:
        following = f"mhx verify {quote(str(folder.root))}"
    elif outcome.end_step >= plan.target_step:
        following = f"{CHECK} {quote(str(folder.root))}"
    else:
        following = f"{EXECUTE} {quote(str(folder.root))}"
    failed = sum(not result.passed for result in results)
    verdict = "all gates pass" if passed else f"{failed} of {len(results)} gates did not pass"
    return Answer(
        headline=(
            f"step {outcome.end_step} of {plan.target_step} "
            f"(t = {outcome.end_step * chunk.bound.config.dt:.6g}), {outcome.steps_run} steps in "
            f"this call, ended by {outcome.stop_reason}: {level}, {verdict}"
        ),
        wrote=folder.root,
        results=results,
        details=told,
        next=following,
        document=store.read_json(folder.diagnostics, schemas.CAMPAIGN_EXECUTION),
        exit_code=outcome.exit_code or (0 if passed else 1),
    )
