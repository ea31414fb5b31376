"""What is said when a lane has ended: how each command did, what it cost, what to do next."""

from collections.abc import Mapping
from shlex import join, quote
from typing import Any

from mhx.campaigns.lane import document as lanes
from mhx.campaigns.lane.drive import GATES_FAILED, PASSED, SKIPPED
from mhx.campaigns.runbook import span
from mhx.errors import INTERRUPTED, STOPPED_EARLY, ClaimRefused
from mhx.evidence.claims import UNSPECIFIED
from mhx.evidence.manifest import MANIFEST_NAME
from mhx.evidence.provenance import own_command
from mhx.evidence.store import read_json
from mhx.report.answer import Answer

LANE_COMMAND = ("mhx", "campaign", "production-lane")
_TOLD = 20  # failed gates of one command


def answer(lane: lanes.Lane, content: Mapping[str, Any], code: int, run: str) -> Answer:
    """The answer of `--execute`; `run`: the folder below the root that may carry a claim."""
    execution = content["execution"]
    rows = execution["results"]
    level = level_of(lane, run)
    return Answer(
        headline=_headline(code, execution, level, len(lane.commands)),
        wrote=lane.root,
        details=[
            *(line for row in rows for line in _told(row)),
            *_cost(content),
        ],
        next=_next(lane, code, run),
        document={**content, "claim_level_of_the_run": level},
        exit_code=code,
    )


def level_of(lane: lanes.Lane, run: str) -> str:
    """The level that the manifest of the run states; `mhx verify` says what it is worth."""
    path = lane.root / run / MANIFEST_NAME
    return str(read_json(path)["claim_level"]) if path.is_file() else UNSPECIFIED


def _headline(code: int, execution: Mapping[str, Any], level: str, count: int) -> str:
    rows = execution["results"]
    done = sum(row["status"] in (PASSED, SKIPPED) and row["returncode"] == 0 for row in rows)
    how = f"{done} of {count} commands passed, the run is {level}"
    if code == 0:
        return f"the lane is done: {how}"
    if code in (STOPPED_EARLY, INTERRUPTED):
        return f"the lane was stopped: {how}; the same call goes on"
    if code == ClaimRefused.exit_code:
        return f"the lane is done and the claim was refused: {how}"
    failed = [row["id"] for row in rows if row["status"] == GATES_FAILED]
    if code == 1:
        return f"the lane is done, gates of {', '.join(failed) or 'a check'} did not pass: {how}"
    return f"the lane stopped at {execution['stopped_at']}, exit code {code}: {how}"


def _told(row: Mapping[str, Any]) -> list[str]:
    spent = row.get("wall_seconds")
    time = f" {spent:7.1f} s" if spent is not None and row["status"] != SKIPPED else " " * 10
    why = f": {row['reason']}" if row["reason"] else ""
    gates = [_gate(name, verdict) for name, verdict in row.get("verdicts", {}).items()]
    more = [f"{len(gates) - _TOLD} more"] if len(gates) > _TOLD else []
    return [
        f"  {row['status']:<12}{time}  {row['id']}{why}",
        *(f"      {line}" for line in [*gates[:_TOLD], *more]),
    ]


def _gate(name: str, told: Mapping[str, Any]) -> str:
    """One gate with what it read and its bound."""
    if not told.get("metric"):
        return name
    value = "not reported" if told["value"] is None else f"{told['value']:.6g}"
    low, high = (told["bound"] or {}).get("low"), (told["bound"] or {}).get("high")
    sides = [f">= {low:.6g}"] if low is not None else []
    sides += [f"<= {high:.6g}"] if high is not None else []
    return f"{told['verdict']:<7}  {name}: {told['metric']} = {value}, must be {', '.join(sides)}"


def _cost(content: Mapping[str, Any]) -> list[str]:
    """What was carried out took so long, by the clock and in processor time."""
    execution = content["execution"]
    hours, rows = execution["core_hours"], execution["results"]
    wall = sum(row.get("wall_seconds", 0.0) for row in rows)
    stages = ", ".join(f"{stage} {value:.3g}" for stage, value in hours.items() if stage != "total")
    known = content["campaign"].get("estimate")
    guess = f" (estimated before: {span(known['seconds'])})" if known else ""
    return [f"{span(wall)}{guess}, {hours['total']:.3g} core-hours ({stages})"]


def _next(lane: lanes.Lane, code: int, run: str) -> str:
    if code == 0:
        return f"mhx verify {quote(str(lane.root))}"
    if code in (1, ClaimRefused.exit_code):
        return f"mhx campaign rutherford-status {quote(str(lane.root / run))}"
    return same_call()


def same_call(*more: str, without: str = "") -> str:
    """The command line of this lane as it can be typed again, `more` after it."""
    program, *words = own_command()
    typed = LANE_COMMAND if program.endswith(".py") else [program]  # a script takes the same flags
    return join([*typed, *(word for word in words if word != without), *more])
