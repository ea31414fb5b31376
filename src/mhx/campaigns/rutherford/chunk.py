"""What one call of the executor does in its folder: bind, go on, step, judge.

The initial state is bound or checked, the run goes on where the resume plan says,
`campaigns.execute.drive` steps, and the outcome is judged from what lies on disk.
"""

import math
import signal
from collections.abc import Mapping
from typing import Any

from mhx import __version__
from mhx.campaigns import keeping, thresholds
from mhx.campaigns.execute import (
    MAX_STEPS,
    TARGET,
    Outcome,
    Schedule,
    drive,
)
from mhx.campaigns.folder import RunFolder
from mhx.campaigns.keeping import KEEP_STATES, Keeper
from mhx.campaigns.plan import Plan
from mhx.campaigns.resume import Resume, select_resume_checkpoint
from mhx.campaigns.rutherford import claim, closing
from mhx.campaigns.rutherford.binding import Bound, bind, refuse_disagreement
from mhx.campaigns.rutherford.conclusion import Chunk, chain, missing_movies
from mhx.campaigns.rutherford.execute import BOUNDS, Call, Options
from mhx.campaigns.rutherford.stepper import RutherfordStepper
from mhx.config import parse, read_toml
from mhx.errors import ConfigError, EvidenceError, SolverError
from mhx.evidence import checkpoints, schemas, store
from mhx.evidence.claims import Waiver
from mhx.evidence.hashing import content_digest
from mhx.evidence.provenance import code_digest, dependencies
from mhx.evidence.verify import verify
from mhx.reconnection.compilation import keep_compilations
from mhx.reconnection.config import Reconnection
from mhx.reconnection.timestep import EXPLICIT, rounded_down
from mhx.reconnection.trajectory import read_state
from mhx.report.answer import Answer
from mhx.report.progress import Progress


def carried_out(call: Call) -> Answer:
    folder, options = call.folder, call.options
    if options.allow_production_claim:
        claim.refuse_altered(folder)
    found = select_resume_checkpoint(folder.root, call.plan.target_step)
    if _nothing_to_do(call, found):
        return closing.nothing_to_do(folder, call.plan)
    if call.watch.received == signal.SIGINT:  # nothing to checkpoint, and nothing written yet
        raise KeyboardInterrupt
    _refuse_restart(call, found)
    discarded = keeping.set_aside(folder, found.rejected, call.attempt.name)
    call.say(*discarded)
    call.say(*keeping.sweep(folder, call.attempt.name))
    bound = bind(folder, call.plan, options.seed, options.noise_amplitude, call.attempt.name)
    if bound.told:
        call.say(bound.told)
    found = select_resume_checkpoint(folder.root, call.plan.target_step)
    chunk = _advanced(call, bound, found, discarded)
    call.attempt.note({"last_step": chunk.outcome.end_step, "stop": chunk.outcome.stop_reason})
    if chunk.outcome.fault and not chunk.outcome.end_step:
        raise SolverError(f"{folder.root}: {chunk.outcome.fault.message}")
    if chunk.outcome.exit_code == 130:
        raise KeyboardInterrupt
    answer = closing.close(
        folder, chunk, asked=options.allow_production_claim, told=call.told, waivers=_waivers(call)
    )
    if fault := chunk.outcome.fault:
        raise SolverError(
            f"{folder.root}: {fault.message}; checkpoint {chunk.outcome.end_step} is kept, nothing "
            "after it: mhx campaign rutherford-plan-production --outdir NEW_DIR --dt ..."
        )
    return answer


def _advanced(call: Call, bound: Bound, found: Resume, discarded: list[str]) -> Chunk:
    """Go on from the chosen checkpoint as far as this call may."""
    folder, plan, options = call.folder, call.plan, call.options
    left = found.remaining_steps
    steps = left if options.max_steps is None else min(left, options.max_steps)
    start, faults = _loaded(folder, plan, bound, found)
    chunk: dict[str, Any] = {
        "plan": plan,
        "bound": bound,
        "resumed_from": found.checkpoint,
        "discarded": discarded,
        "movies": bool(options.movies),
        "bounds": {**plan.thresholds, **options.bounds()},
        "resume_faults": faults,
    }
    if not steps and chain(folder):
        reason = MAX_STEPS if left else TARGET
        outcome = Outcome(stop_reason=reason, start_step=start.step, end_step=start.step)
        return Chunk(outcome=outcome, **_measured_before(folder), **chunk)
    keep_compilations()
    stepper = RutherfordStepper(bound.config, bound.initial, start, bound.belongs)
    if not steps:
        fault = stepper.observe()
        outcome = Outcome(
            stop_reason=fault.kind if fault else MAX_STEPS,
            start_step=0,
            end_step=0,
            fault=fault,
        )
    else:
        outcome = _driven(call, stepper, bound, found, start.step + steps)
    return Chunk(
        outcome=outcome,
        seconds_per_step=outcome.seconds_per_step,
        device=stepper.solver.device,
        first_row=stepper.last_row,
        **chunk,
    )


def _driven(
    call: Call, stepper: RutherfordStepper, bound: Bound, found: Resume, end: int
) -> Outcome:
    folder, plan, options = call.folder, call.plan, call.options
    before = found.checkpoint.document if found.checkpoint else {}
    keeper = Keeper(
        folder=folder,
        plan=plan,
        attempt=call.attempt.name,
        initial_sha256=bound.sha256,
        environment=_environment(stepper),
        keep_states=KEEP_STATES if options.keep_states is None else options.keep_states,
        before_s=float(before.get("walltime_elapsed_seconds", 0.0)),
        previous=found.checkpoint.digest if found.checkpoint else None,
    )
    schedule = Schedule(
        end=end,
        target=plan.target_step,
        save_every=stepper.save_every,
        checkpoint_every=plan.checkpoint_every_steps,
        checkpoint_seconds=plan.policy.checkpoint_interval_seconds,
    )
    call.say(f"step {stepper.step} of {plan.target_step}, this call goes to step {end}")
    with Progress(end, start=stepper.step, quiet=options.json) as progress:

        def tell(step: int, rate: float) -> None:
            row = stepper.last_row
            progress.update(
                step,
                stepper.time,
                energy_residual=row["dissipation_budget_residual"],
                stability_ratio=row["stability_ratio"],
            )

        def keep() -> None:
            keeper.keep(stepper)
            call.attempt.say(f"checkpoint at step {stepper.step}, t = {stepper.time:.6g}")

        reckoned = _reckoned(folder, plan)
        return drive(stepper, schedule, call.watch, keep=keep, tell=tell, reckoned=reckoned)


def _loaded(folder: RunFolder, plan: Plan, bound: Bound, found: Resume) -> tuple[Any, int]:
    """The state to go on from, and how many things about it are not as the resume plan says."""
    record = found.checkpoint
    if record is None:
        return bound.initial, 0
    if record.registered:
        raise EvidenceError(
            f"{folder.root / record.path} was registered by hand, and no history leads to it; the "
            "executor cannot go on from it: move that record out of the way"
        )
    (name,) = record.state
    state, belongs = read_state(folder.root / name, grid=bound.config.grid)
    wrong = (
        belongs.plan_digest != plan.digest,
        belongs.dtype != bound.config.numerics.dtype,
        state.step != found.start_step,
        not checkpoints.intact(folder.root, record.state),
    )
    if any(wrong[:2]):
        raise EvidenceError(f"{folder.root / name} belongs to another plan or precision")
    return state, sum(wrong)


def refuse(folder: RunFolder, plan: Plan, options: Options) -> None:
    """Everything that stands against this call; nothing has been written."""
    faults = []
    for name, least in (("max_steps", 0), ("keep_states", 1), ("seed", 0)):
        value = getattr(options, name)
        if value is not None and value < least:
            faults.append(f"--{name.replace('_', '-')} must be >= {least}, got {value!r}")
    for name in ("walltime_minutes", "noise_amplitude", *BOUNDS):
        value = getattr(options, name)
        least_or_more = name != "walltime_minutes"
        if value is not None and not (
            math.isfinite(value) and (value >= 0 if least_or_more else value > 0)
        ):
            bound = ">= 0" if least_or_more else "> 0"
            faults.append(
                f"--{name.replace('_', '-')} must be a finite number {bound}, got {value!r}"
            )
    if faults:
        raise ConfigError("\n".join(faults))
    refuse_disagreement(folder, plan, options.seed, options.noise_amplitude)
    _refuse_other_configuration(folder, plan)
    for journal in (folder.ledger, folder.commands):
        store.read_chained(journal)  # an altered one could not be written on at the end
    step = parse(Reconnection, plan.config).time_step
    if not step.ratio <= EXPLICIT:
        raise SolverError(
            f"{folder.root}: dt = {step.dt:g} is beyond the stability limit of the initial state "
            f"({step.dt_max:.4g}); nothing has run; a plan with --dt "
            f"{rounded_down(EXPLICIT * step.dt_max, 3):g} or less would do"
        )


def _refuse_other_configuration(folder: RunFolder, plan: Plan) -> None:
    """`campaign_config.toml` is the plan's configuration; an edited one is another run."""
    try:
        written, _ = read_toml(folder.config)
    except ConfigError as error:
        raise EvidenceError(f"{folder.config} is missing or altered: {error}") from error
    if content_digest(written) != content_digest(plan.config):
        raise EvidenceError(
            f"{folder.config} was altered after planning: it is not the configuration of "
            f"{folder.plan.name}; restore it from a copy, or plan into a new folder"
        )


def _refuse_restart(call: Call, found: Resume) -> None:
    if call.options.no_restart and found.checkpoint is None and found.rejected:
        listed = "".join(f"\n  {entry.checkpoint_id}: {entry.reason}" for entry in found.rejected)
        raise EvidenceError(
            f"{call.folder.root}: no checkpoint is valid, and --no-restart forbids to start again "
            f"from step 0:{listed}"
        )


def _nothing_to_do(call: Call, found: Resume) -> bool:
    """A finished run, asked for no more than it is, and still as it was recorded."""
    options, folder = call.options, call.folder
    asked = (options.max_steps == 0, options.allow_production_claim is not None, options.bounds())
    if found.remaining_steps or found.rejected or any(asked):
        return False
    if options.movies and missing_movies(folder):
        return False
    return not verify(folder.root).problems


def _reckoned(folder: RunFolder, plan: Plan) -> float | None:
    """Seconds of a step alone as the last call measured them, or else the planner, if it did."""
    try:
        old = store.read_json(folder.diagnostics, schemas.CAMPAIGN_EXECUTION)
    except EvidenceError:
        old = {}
    planned = plan.policy.seconds_per_step_source == "measured"
    return old.get("stepping_seconds_per_step") or (
        plan.policy.seconds_per_step_estimate if planned else None
    )


def _measured_before(folder: RunFolder) -> dict[str, Any]:
    """Rate and device of the call that last made a step."""
    try:
        old = store.read_json(folder.diagnostics, schemas.CAMPAIGN_EXECUTION)
    except EvidenceError:
        return {}
    return {"seconds_per_step": old.get("seconds_per_step"), "device": old.get("device")}


def _environment(stepper: RutherfordStepper) -> Mapping[str, Any]:
    versions = dependencies()
    return {
        "mhx_version": __version__,
        "code_digest": code_digest(),
        "jax_version": versions.get("jax"),
        "device": stepper.solver.device,
        "dtype": stepper.belongs.dtype,
    }


def _waivers(call: Call) -> list[Any]:
    """What caps the level: the plan's waivers, and bounds looser than the plan's."""
    given = call.options.bounds()
    looser = {name: value for name, value in given.items() if value > call.plan.thresholds[name]}
    told = [
        Waiver(
            gate=thresholds.BOUNDS[name].gate,
            production_bound=thresholds.BOUNDS[name].value,
            used_bound=value,
            where=f"rutherford-execute {BOUNDS[name]}",
        )
        for name, value in looser.items()
    ]
    return [*call.plan.waivers, *told]
