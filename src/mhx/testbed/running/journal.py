"""The journal of a testbed: `testbed_events.jsonl`, one line for what happened, before all else.

    planned    a plan was written; its SHA-256, so that an edited plan is found
    started    a launcher began to carry out cases
    looked     what the runner looks at before its cases stood; its digest
    claimed    a case is about to start (not synced: it need only outlive the process)
    outcome    a case ended; all that the evidence files say of it comes from here
    ended      a launcher ended in good order

What a case is now is its newest line: `outcome` its status, `claimed` without one that somebody was
stopped in the middle of it.  Nothing here is identity.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mhx.errors import ConfigError, EvidenceError
from mhx.evidence.hashing import file_digest
from mhx.evidence.provenance import now
from mhx.evidence.schemas import TESTBED_EVENT
from mhx.evidence.store import Journal, read_chained, strict

JOURNAL, PLAN = "testbed_events.jsonl", "testbed_plan.json"


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a case ended, as the journal keeps it.

    status: a word of testbed.md, 8.1; error: why, where it is not ok.
    gate_verdict: pass, fail or unknown; empty where the run judged no gate.
    open_gates: its gates that did not pass.
    run_digest: identity of the run (its manifest's digest); manifest_sha256: bytes of that file.
    parts: what entered the case digest besides the configuration, by name.
    note: what a reader should know besides; origin: the testbed that a linked run comes from.
    """

    case_id: str
    status: str
    error: str = ""
    exit_code: int | None = None
    attempt: str = ""
    log: str = ""
    started_utc: str = ""
    finished_utc: str = ""
    duration_seconds: float | None = None
    gate_verdict: str = ""
    open_gates: tuple[str, ...] = ()
    run_dir: str = ""
    child_digest: str = ""
    case_digest: str = ""
    summary_sha256: str = ""
    manifest_sha256: str = ""
    run_digest: str = ""
    backend_job: str = ""
    note: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""


_FIELDS = frozenset(entry.name for entry in fields(Result))


@dataclass
class History:
    """What a journal says.

    results: newest outcome of each case; claims: cases begun since then, with their digest.
    begun: those of them that the newest launcher began.
    durations: seconds of every ok outcome, by case.
    looked: digests of what the runner looked at before its cases, and found well.
    plans: SHA-256 of the plans that may lie in the folder: those written since a launcher last
        began, and the one with which it began.
    """

    results: dict[str, Result] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    durations: dict[str, float] = field(default_factory=dict)
    looked: set[str] = field(default_factory=set)
    plans: list[str] = field(default_factory=list)
    launches: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in one line."""
        match line.get("event"):
            case "planned":
                self.plans.append(line["plan_sha256"])
            case "looked":
                self.looked.add(line["looked_at"])
            case "claimed":
                self.claims[line["case_id"]] = line["case_digest"]
                self.begun.add(line["case_id"])
            case "outcome":
                result = result_of(line)
                self.results[result.case_id] = result
                self.claims.pop(result.case_id, None)
                self.begun.discard(result.case_id)
                if result.status == "ok" and result.duration_seconds is not None:
                    self.durations[result.case_id] = result.duration_seconds
            case "started":
                self.begun.clear()
                del self.plans[:-1]
                self.launches.append(line)

    def status_of(self, case_id: str) -> str:
        """The last recorded status of a case; `interrupted` where it was begun and never ended."""
        if case_id in self.claims:
            return "interrupted"
        found = self.results.get(case_id)
        return found.status if found else "planned"


def result_of(line: Mapping[str, Any]) -> Result:
    """The result that an `outcome` line holds."""
    known = {key: value for key, value in line.items() if key in _FIELDS}
    return Result(**{**known, "open_gates": tuple(known.get("open_gates", ()))})


def history(lines: Iterable[Mapping[str, Any]]) -> History:
    """What these lines say, oldest first."""
    found = History()
    for line in lines:
        found.add(line)
    return found


def stored_history(root: Path) -> History:
    """What the journal of a folder says; EvidenceError where it was altered.

    ConfigError: `root` is a file, the testbed's own TOML perhaps.
    """
    if root.is_file():
        raise ConfigError(f"{root} is a file; name the folder of the testbed, its output_root")
    return history(read_chained(root / JOURNAL))


def note(journal: Journal, event: str, facts: Mapping[str, Any], *, sync: bool = True) -> None:
    """Add one line; on return it is on the disk, unless `sync` is False."""
    line = {"schema": TESTBED_EVENT, "event": event, "utc": now(), **facts}
    journal.append(line, sync=sync)


def record(journal: Journal, result: Result) -> None:
    """Add the outcome of a case."""
    note(journal, "outcome", vars(result))


def digest_of(content: bytes) -> str:
    """SHA-256 of a file's bytes before they are written."""
    return hashlib.sha256(content).hexdigest()


def compact(entry: Mapping[str, Any]) -> str:
    """One case or row as one line of JSON, as it stands in plan and manifest."""
    return json.dumps(strict(entry), sort_keys=True, ensure_ascii=False, allow_nan=False)


def opened(root: Path) -> Journal:
    """The journal of a folder, to be entered; EvidenceError, and no new one, where it was lost."""
    if (root / PLAN).exists() and not (root / JOURNAL).exists():
        raise _lost(root)
    return Journal(root / JOURNAL)


def check_plan(root: Path, known: History) -> None:
    """Refuse a folder whose plan is not one that its journal knows.

    Not only the newest: a launcher may be killed between line and file, and more than once.
    """
    plan = root / PLAN
    if not plan.exists():
        return
    if not known.plans:
        raise _lost(root)
    if file_digest(plan) not in known.plans:
        raise EvidenceError(
            f"{plan} was altered after it was written: restore it from a copy, or delete it and "
            "run `mhx testbed plan` again; finished cases are kept"
        )


def _lost(root: Path) -> EvidenceError:
    return EvidenceError(
        f"{root / JOURNAL} is missing or empty, {PLAN} is there: restore it from a copy, "
        "or move the folder away and run again"
    )
