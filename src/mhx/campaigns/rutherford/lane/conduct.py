"""`production-lane`: write the list of commands and judge it; with `--execute`, carry it out.

The dry run is the default and always comes first: also with `--execute` the manifest and the script
are on disk before the first command starts.
"""

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mhx.campaigns.lane import document as lanes
from mhx.campaigns.lane import ending, gates
from mhx.campaigns.lane.drive import Drive
from mhx.campaigns.lane.script import write_script
from mhx.campaigns.lane.sealing import seal
from mhx.campaigns.runbook import span
from mhx.campaigns.rutherford.lane import document as told
from mhx.campaigns.rutherford.lane import estimate
from mhx.campaigns.rutherford.lane.commands import commands
from mhx.campaigns.rutherford.lane.design import LaneDesign, think
from mhx.campaigns.rutherford.lane.flags import COMMAND, Lane, Options
from mhx.campaigns.rutherford.lane.words import RUN, STAGE_FOLDERS
from mhx.errors import ConfigError
from mhx.evidence import schemas, store
from mhx.evidence.gates import GateResult, all_pass, validation_document
from mhx.evidence.store import read_json
from mhx.execution.lock import hold
from mhx.report.answer import Answer

OUTDIR = Path("outputs/campaigns/nonlinear_production_campaign")


def conduct(options: Options) -> Answer:
    """Ask for a lane: a dry run, or the whole of it."""
    asked = Lane.of(options)
    python = _python(options)
    designed = think(asked)
    lane = _lane(designed, options, python)
    with hold(lane.root):
        lane = _estimated(lane, designed)
        results = declare(lane, asked, execute=bool(options.execute))
        if not options.execute:
            return _dry(lane, designed, results)
        return _executed(lane, options, asked.grace_seconds)


def _estimated(lane: lanes.Lane, designed: LaneDesign) -> lanes.Lane:
    """The lane with its costs: measured, or those of an earlier call for the same lane."""
    before = lanes.stored(lane)
    known = before["campaign"].get("estimate") if before else None
    if before and known and not lanes.same_lane(before, lanes.document(lane, before=before)):
        costs = known["by_command"]
    else:
        rates = estimate.rates_of(designed)
        costs = estimate.expected(designed, rates)
        known = {**rates.document(), "by_command": costs, "seconds": sum(costs.values())}
    timed = [replace(command, seconds=costs[command.id]) for command in lane.commands]
    return replace(lane, commands=timed, campaign={**lane.campaign, "estimate": known})


def declare(lane: lanes.Lane, asked: Lane, *, execute: bool) -> list[GateResult]:
    """Write manifest and script, read the manifest back, judge it, and write it with verdicts.

    A lane that has run already is left as it is by a dry run.  One whose time step can only end in
    NaN is not carried out.
    """
    before = lanes.stored(lane)
    content = lanes.document(lane, execute=execute, before=before)
    lanes.refuse_another(lane, before, content)
    results = gates.judged(store.strict(content))
    if before and before["execution"]["results"] and not execute:
        return results
    lanes.write(lane, content)
    write_script(lane.root / lanes.SCRIPT, lane.commands, lane.program, asked.grace_seconds)
    written = read_json(lane.manifest, schemas.PRODUCTION_LANE)
    results = gates.judged(written)
    lanes.write(lane, {**content, "validation": validation(results, written)})
    if execute and gates.unstable(written):
        told = next(r for r in results if r.gate.name == "time_step_stable_all")
        raise ConfigError(f"{COMMAND}: --dt is too large for a case of this lane: {told}")
    return results


def validation(results: Sequence[GateResult], content: Mapping[str, Any]) -> dict[str, Any]:
    """`validation` of the manifest."""
    return validation_document(
        schemas.gates_of(schemas.PRODUCTION_LANE), results, gates.measure(content)
    )


def _executed(lane: lanes.Lane, options: Options, grace_s: float) -> Answer:
    """Carry the lane out, seal its root, and say how each command ended."""
    content = read_json(lane.manifest, schemas.PRODUCTION_LANE)
    drive = Drive(
        lane=lane,
        content=content,
        grace_s=grace_s,
        restart=bool(options.restart),
        silent=bool(options.json),
    )
    code = drive.carry_out()
    seal(lane)
    return ending.answer(lane, drive.content, code, RUN)


def _lane(designed: LaneDesign, options: Options, python: str) -> lanes.Lane:
    root = options.outdir or OUTDIR
    return lanes.Lane(
        root=root,
        commands=commands(designed),
        program=(python, "-P", "-m", "mhx"),  # -P: no file of the root is taken for a module
        campaign=told.campaign(designed, root.as_posix(), python),
        required_gates=told.required_gates(),
        policy=told.POLICY,
        stage_folders=STAGE_FOLDERS,
    )


def _python(options: Options) -> str:
    """The interpreter of the commands, as a path that holds in any folder."""
    given = options.python_executable or sys.executable
    found = shutil.which(given)
    if found is None:
        raise ConfigError(
            f"{COMMAND}: --python-executable {given!r} is no program that can be run; "
            "give the path of a Python that has mhx installed"
        )
    return str(Path(found).absolute())


def _dry(lane: lanes.Lane, designed: LaneDesign, results: Sequence[GateResult]) -> Answer:
    passed = all_pass(results)
    ran = bool(read_json(lane.manifest)["execution"]["results"])
    script = shlex.quote((lane.root / lanes.SCRIPT).as_posix())
    return Answer(
        headline=(
            f"dry run only: {len(lane.commands)} commands are listed, "
            f"{'the lane has run before and is left as it is' if ran else 'none was carried out'}; "
            f"{'all' if passed else 'not all'} {len(results)} gates of the list pass"
        ),
        wrote=lane.root,
        results=results,
        details=[
            *summary(designed),
            _cost(lane),
            *(f"  {span(each.seconds or 0.0):>9}  {each.id}" for each in lane.commands),
            f"the same as a script: {script}",
        ],
        next=ending.same_call("--execute", without="--dry-run"),
        document=read_json(lane.manifest, schemas.PRODUCTION_LANE),
        exit_code=0 if passed else 1,
    )


def _cost(lane: lanes.Lane) -> str:
    cost = lane.campaign["estimate"]
    source = "measured here" if cost["source"] == "measured" else "from --seconds-per-step-estimate"
    return f"about {span(cost['seconds'])} with {cost['jobs']} case(s) at a time ({source})"


def summary(designed: LaneDesign) -> list[str]:
    """How long, how often, from which rate."""
    rate, made = designed.duration.rate, designed.cadence
    lines = [
        f"growth rate {rate.used:.5g} v_A/L ({rate.source}), t_end {made.t_end:.6g} L/v_A = "
        f"{made.steps} steps of dt {made.dt:g} ({designed.ratio:.2f} of the stability limit)",
        f"a sample every {made.save_every} steps ({made.save_interval:g} L/v_A) in all stages, "
        f"early fit up to {made.fit_stop:.5g} L/v_A",
    ]
    if rate.computed is not None and 0 < rate.computed < (rate.declared or 0.0):
        lines.append(
            f"warning: the declared rate is above the computed one, {rate.computed:.5g} v_A/L: the "
            "plan's duration gate will not pass; leave --harris-growth-rate out"
        )
    return lines
