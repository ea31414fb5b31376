"""From the end of a process to the end of a case: status, reason, and what the run left.

The exit code says how it ended, the files say what it is worth: a run that left no summary has
finished nothing, and a summary whose required metrics are missing is kept beside the failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mhx.errors import INTERRUPTED, STOPPED_EARLY, ConfigError, EvidenceError, MhxError, RunError
from mhx.execution.job import Ending, Outcome
from mhx.testbed.files.columns import Contract, RequiredMetric
from mhx.testbed.running.journal import Result
from mhx.testbed.running.reading import Reading, read_error, read_run

FINISHED_CODES = (0, 1)  # 1: a gate of the run did not pass; it has finished
LOG_LINES = 20
LONGEST = 2000  # characters of an error in the tables; all of it is in log and run_error.json


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A case that ended: what the journal keeps, and what its run left (None: no finished run).

    error: what a caller raises who does not go on after a failure.
    """

    result: Result
    reading: Reading | None = None
    error: MhxError | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked of a case: its identity in the plan."""

    case_id: str
    run_dir: str
    child_digest: str
    case_digest: str
    parts: Mapping[str, Any]


def asked(case: Mapping[str, Any]) -> Asked:
    """From a case of the plan document."""
    slug = Path(case["config_path"]).stem
    return Asked(
        case_id=case["case_id"],
        run_dir=f"cases/{slug}",
        child_digest=case["child_digest"],
        case_digest=case["case_digest"],
        parts=case.get("digest_parts", {}),
    )


def ended(root: Path, case: Asked, outcome: Outcome, contract: Contract, stopping: bool) -> Ended:
    """Judge one outcome; reads the run folder, writes nothing.

    stopping: the launcher was told to stop, so that a process that ended badly was interrupted.
    """
    result = _base(root, case, outcome)
    code = outcome.exit_code
    if outcome.ending is Ending.TIMEOUT:
        text = (
            f"case {case.case_id!r} exceeded {outcome.job.timeout_s:g} s "
            f"(attempt {outcome.attempt}); stopped"
        )
        return _failed(result, RunError(text), status="timeout")
    if outcome.ending is Ending.FINISHED and code in FINISHED_CODES:
        return finished(root, result, contract)
    if outcome.ending is Ending.INTERRUPTED or code in (STOPPED_EARLY, INTERRUPTED) or stopping:
        why = f"stopped before it had finished (attempt {outcome.attempt})"
        return Ended(result=replace(result, status="interrupted", error=why))
    if outcome.ending is Ending.DIED or code is None:
        how = f" (signal {outcome.signal})" if outcome.signal else ""
        text = f"case {case.case_id!r}: the process died{how}; see {result.log}"
        return _failed(result, RunError(text))
    return _failed(result, _told(root, case, result, outcome))


def finished(root: Path, result: Result, contract: Contract) -> Ended:
    """A run that says it has finished: its files are read, its required metrics demanded."""
    try:
        reading = read_run(root / result.run_dir)
    except (EvidenceError, KeyError, TypeError, ValueError) as error:
        text = f"case {result.case_id!r}: it left no verifiable summary: {_one_line(error, root)}"
        return _failed(result, EvidenceError(text))
    result = replace(
        result,
        status="ok",
        gate_verdict=reading.gate_verdict,
        open_gates=reading.open_gates,
        summary_sha256=reading.summary_sha256,
        manifest_sha256=reading.manifest_sha256,
        run_digest=reading.run_digest,
    )
    try:
        contract.check(result.case_id, reading.metrics, reading.notes)
    except RequiredMetric as error:
        failed = replace(result, status="failed", error=str(error))
        return Ended(result=failed, reading=reading, error=error)
    return Ended(result=result, reading=reading)


def _base(root: Path, case: Asked, outcome: Outcome) -> Result:
    log = outcome.log
    inside = log.is_absolute() and log.is_relative_to(root.absolute())
    return Result(
        case_id=case.case_id,
        status="failed",
        exit_code=outcome.exit_code,
        attempt=outcome.attempt,
        log=(log.relative_to(root.absolute()) if inside else log).as_posix(),
        started_utc=outcome.started_utc,
        finished_utc=outcome.finished_utc,
        duration_seconds=round(outcome.wall_s, 6),
        note=outcome.note,
        run_dir=case.run_dir,
        child_digest=case.child_digest,
        case_digest=case.case_digest,
        parts=case.parts,
    )


def _failed(result: Result, error: MhxError, status: str = "failed") -> Ended:
    return Ended(result=replace(result, status=status, error=str(error)), error=error)


def _told(root: Path, case: Asked, result: Result, outcome: Outcome) -> MhxError:
    """The error of a run that said no: its `run_error.json`, or the last words of its log."""
    code = outcome.exit_code or 0
    record = read_error(root / case.run_dir)
    if record is not None and record.get("exit_code") == code:
        told = f"{record.get('class')}: {record.get('message')} (exit code {code})"
    else:
        said = last_words(root / result.log) or outcome.note
        told = f"exit code {code}: {said or 'it left no reason'}"
    kinds: dict[int, type[MhxError]] = {
        ConfigError.exit_code: ConfigError,
        EvidenceError.exit_code: EvidenceError,
    }
    text = _one_line(f"case {case.case_id!r}: {told}", root)
    return kinds.get(code, RunError)(text)


def last_words(log: Path) -> str:
    """The last line of a log that says something; empty where there is none."""
    lines = log_tail(log)
    return lines[-1].removeprefix("mhx: ") if lines else ""


def log_tail(log: Path, lines: int = LOG_LINES) -> list[str]:
    """The last lines of a log that are not blank."""
    try:
        content = log.read_bytes()[-64 * 1024 :]
    except OSError:
        return []
    told = [line.rstrip() for line in content.decode("utf-8", "replace").splitlines()]
    return [line for line in told if line.strip()][-lines:]


def _one_line(text: object, root: Path) -> str:
    """Without line ends, with paths below the testbed told from there, of a length for a table."""
    told = told_from(root, " ".join(str(text).split()))
    if len(told) <= LONGEST:
        return told
    half = LONGEST // 2
    return f"{told[:half]} [...] {told[-half:]}"


def told_from(root: Path, text: str) -> str:
    """The text with paths below the testbed told from there, so that it can be moved."""
    return text.replace(f"{root.absolute().as_posix()}/", "").replace(f"{root.as_posix()}/", "")
