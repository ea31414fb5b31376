"""Carries a lane out: command after command, what passed is skipped, what stops it is said.

    exit code of a command          what becomes of it            the lane
    0                               passed                        goes on
    1                               gates_failed, named           goes on to its end
    5                               failed: the claim is refused  is at its end
    75, or asked to stop            interrupted                   stops, 75 (130 after Ctrl-C)
    time limit exceeded             timeout                       stops, 124
    2, 3, 4, 6, crashes             failed                        stops with that code, crashes 70

A command that passed and whose outputs are missing or do not verify is 4; beside gates that failed
they are named and the lane goes on.  The manifest is rewritten after every command, so
a lane that is killed at any moment goes on where it was; each command continues by itself.
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mhx.campaigns.lane import document as lanes
from mhx.campaigns.lane.commands import LaneCommand
from mhx.campaigns.lane.outputs import Outputs
from mhx.campaigns.lane.process import Ended, Running, Stop, stoppable
from mhx.campaigns.lane.progress import Progress
from mhx.campaigns.lane.sealing import unseal
from mhx.errors import BUG, INTERRUPTED, STOPPED_EARLY, ClaimRefused, EvidenceError
from mhx.evidence.store import write_json

PASSED, GATES_FAILED, FAILED = "passed", "gates_failed", "failed"
TIMEOUT, STOPPED, SKIPPED = "timeout", "interrupted", "skipped"
TIMED_OUT = 124
_STOPPING = frozenset({2, 3, 4, 6, BUG, STOPPED_EARLY, TIMED_OUT, INTERRUPTED})


@dataclass(kw_only=True)
class Drive:
    """One call of a lane.  content: its manifest, kept up to date; restart: skip nothing."""

    lane: lanes.Lane
    content: dict[str, Any]
    grace_s: float
    restart: bool = False
    silent: bool = False
    ran: set[str] = field(default_factory=set)
    stopped_at: str | None = None

    def __post_init__(self) -> None:
        self.outputs = Outputs(self.lane.root)
        self.rows: dict[str, dict[str, Any]] = {
            row["id"]: dict(row) for row in self.content["execution"]["results"]
        }
        self.progress = Progress(
            count=len(self.lane.commands), left=self.lane.commands, silent=self.silent
        )

    def carry_out(self) -> int:
        """All commands that are due; the exit code of the lane."""
        with stoppable() as stop:
            self._write("running")
            due = [command for command in self.lane.commands if not self._stands(command)]
            self.progress.left = due
            for number, command in enumerate(self.lane.commands, start=1):
                if command not in due and not self.ran & {*command.needs}:
                    self._skip(number, command)
                    continue
                if self._is_left_out(command):
                    continue
                if (code := self._run(number, command, stop)) is not None:
                    self.stopped_at = command.id
                    self._write("interrupted" if code in (STOPPED_EARLY, INTERRUPTED) else FAILED)
                    return code
        code = self._verdict()
        self._write(PASSED if code == 0 else FAILED)
        return code

    def _stands(self, command: LaneCommand) -> bool:
        """Whether it passed before and what it left is as it was left."""
        row = self.rows.get(command.id)
        if self.restart or row is None or not _passed(row):
            return False
        changes = self.outputs.changes(command, row["outputs"])
        for change in changes:
            self.progress.say(f"{command.id} passed before, but {change}: it runs again")
        return not changes

    def _skip(self, number: int, command: LaneCommand) -> None:
        row = self.rows[command.id]
        row |= {"status": SKIPPED, "reason": f"passed at {row['finished_utc']}; outputs verify"}
        self.progress.say(f"[{number}/{self.progress.count}] {command.id}: skipped, it passed")

    def _is_left_out(self, command: LaneCommand) -> bool:
        """A claim that must be refused is not asked for."""
        if not command.only_after or _passed(self.rows[command.only_after]):
            return False
        code = self.rows[command.only_after]["returncode"]
        reason = f"{command.only_after} exited {code}"
        empty = {"returncode": None, "started_utc": None, "finished_utc": None}
        self.rows[command.id] = {
            **_plain(command, self.rows.get(command.id)),
            **empty,
            "status": SKIPPED,
            "reason": reason,
        }
        self.progress.say(f"{command.id}: left out, {reason}")
        return True

    def _run(self, number: int, command: LaneCommand, stop: Stop) -> int | None:
        """Carry one command out and note how it ended; the exit code where that stops the lane."""
        if stop.asked:
            return _asked_to_stop(stop, None)
        unseal(self.lane)
        self.progress.begin(number, command)
        running = Running(
            words=command.typed(self.lane.program),
            folder=self.lane.root,
            log=self.lane.root / lanes.LOGS / f"{command.id}.log",
            timeout_s=command.timeout_seconds,
            grace_s=self.grace_s,
            stop=stop,
        )
        ended = running.carry_out(lambda spent: self.progress.watch(number, command, spent))
        self.ran.add(command.id)
        self.outputs.forget()
        row, code = self._judged(command, ended, stop)
        self.rows[command.id] = row
        self.progress.end(command, ended.wall_s)
        self.progress.say(f"[{number}/{self.progress.count}] {command.id}: {_told(row)}")
        self._write("running")
        return code

    def _judged(
        self, command: LaneCommand, ended: Ended, stop: Stop
    ) -> tuple[dict[str, Any], int | None]:
        """The row of a command that ended, and the code with which the lane stops, if it does."""
        row = {
            **_plain(command, self.rows.get(command.id)),
            "returncode": ended.code,
            "started_utc": ended.started_utc,
            "finished_utc": ended.finished_utc,
            "wall_seconds": ended.wall_s,
            "gates_failed": [],
            "verdicts": {},
            "outputs": {},
        }
        row["core_seconds"] += ended.core_s
        row["attempts"] += 1
        if ended.code in (0, 1):
            row["reason"] = "; ".join(self.outputs.faults(command))
            if row["reason"] and ended.code == 0:
                return row | {"status": FAILED}, EvidenceError.exit_code
            row["outputs"] = self.outputs.digests(command)
            row |= self._gates(command) if ended.code else {}
            row["status"] = GATES_FAILED if ended.code else PASSED
            return row, None
        return self._ended_badly(command, row, ended, stop)

    def _gates(self, command: LaneCommand) -> dict[str, Any]:
        """The gates of a command that did not pass: their names, and what they read."""
        failed = self.outputs.failed_gates(command)
        return {"gates_failed": list(failed), "verdicts": failed}

    def _ended_badly(
        self, command: LaneCommand, row: dict[str, Any], ended: Ended, stop: Stop
    ) -> tuple[dict[str, Any], int | None]:
        log = f"see {lanes.LOGS}/{command.id}.log"
        if ended.timed_out:
            reason = f"longer than its {command.timeout_seconds:g} s; run the lane again; {log}"
            return row | {"status": TIMEOUT, "reason": reason}, TIMED_OUT
        if stop.asked or ended.code == STOPPED_EARLY:
            reason = "stopped; the same call goes on from here"
            return row | {"status": STOPPED, "reason": reason}, _asked_to_stop(stop, ended.code)
        if ended.code == ClaimRefused.exit_code:
            row |= self._gates(command)
            return row | {"status": FAILED, "reason": f"the claim is refused; {log}"}, None
        code = ended.code if ended.code in _STOPPING else BUG
        return row | {"status": FAILED, "reason": f"exit code {ended.code}; {log}"}, code

    def _verdict(self) -> int:
        """0: all passed; 5: nothing but the claim failed; else 1."""
        open_ = [row for row in self.rows.values() if not _passed(row)]
        if not open_:
            return 0
        refused = [row for row in open_ if row["returncode"] == ClaimRefused.exit_code]
        return ClaimRefused.exit_code if refused == open_ else 1

    def _write(self, status: str) -> None:
        order = [command.id for command in self.lane.commands]
        rows = [self.rows[name] for name in order if name in self.rows]
        self.content["execution"] = {
            "requested": True,
            "status": status,
            "stopped_at": self.stopped_at,
            "results": rows,
            "core_hours": core_hours(self.lane.commands, rows),
        }
        write_json(self.lane.manifest, self.content)


def core_hours(
    commands: Sequence[LaneCommand], rows: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Processor time by stage and in all, every attempt included [h]."""
    stages = {command.id: command.stage for command in commands}
    found = dict.fromkeys(dict.fromkeys(stages.values()), 0.0)
    for row in rows:
        found[stages[row["id"]]] += row.get("core_seconds", 0.0) / 3600
    return {**found, "total": sum(found.values())}


def _passed(row: Mapping[str, Any]) -> bool:
    """A command that was skipped has passed before."""
    return row["returncode"] == 0 and row["status"] in (PASSED, SKIPPED)


def _plain(command: LaneCommand, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What every row has; the cost of earlier attempts counts."""
    known = before or {}
    return {
        "id": command.id,
        "timeout_seconds": command.timeout_seconds,
        "core_seconds": known.get("core_seconds", 0.0),
        "attempts": known.get("attempts", 0),
        "reason": "",
    }


def _asked_to_stop(stop: Stop, code: int | None) -> int:
    """75 where the command stopped with a checkpoint or a signal other than Ctrl-C came; or 130."""
    if code == STOPPED_EARLY or stop.by != signal.SIGINT:
        return STOPPED_EARLY
    return INTERRUPTED


def _told(row: Mapping[str, Any]) -> str:
    gates = f": {', '.join(row['gates_failed'])}" if row["gates_failed"] else ""
    why = f", {row['reason']}" if row["reason"] else ""
    return f"{row['status']} after {row['wall_seconds']:.1f} s{gates}{why}"
