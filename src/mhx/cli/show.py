"""The end of every command: its answer in words, or as one JSON object, then its exit code."""

import json as jsonlib
import math
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from mhx.errors import RunError

if TYPE_CHECKING:
    from mhx.evidence.gates import GateResult
    from mhx.report.answer import Answer


def finish(answer: "Answer", json: bool = False) -> NoReturn:
    """Print what was done, what did not pass and what comes next; leave with the answer's code."""
    text = one_object(document(answer)) if json else words(answer)
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader has left; the answer's code still holds
        silence()
    except OSError as error:
        silence()
        raise RunError(
            f"the answer cannot be written to standard output ({error.strerror}); "
            "what the command did stands"
        ) from error
    raise typer.Exit(answer.exit_code)


def words(answer: "Answer") -> str:
    """The answer as plain text: headline, path, open gates, details, next command."""
    lines = [answer.headline]
    if answer.wrote is not None:
        lines.append(f"wrote {answer.wrote}")
    for result in answer.not_passed:
        lines += _gate_lines(result)
    lines += answer.details
    if answer.next:
        lines.append(f"next: {answer.next}")
    return "\n".join(lines)


def document(answer: "Answer") -> dict[str, Any]:
    """What `--json` prints: the command's own document and what every command says."""
    return {
        **answer.document,
        "headline": answer.headline,
        "path": None if answer.wrote is None else str(answer.wrote),
        "exit_code": answer.exit_code,
        "details": list(answer.details),
        "next": answer.next or None,
        "gates": [
            {
                "name": result.gate.name,
                "verdict": result.verdict.value,
                "metric": result.gate.metric,
                "value": result.value,
                "bound": result.gate.bound,
                "reason": result.gate.reason,
                "remedy": result.gate.remedy,
            }
            for result in answer.results
        ],
    }


def one_object(content: Mapping[str, Any]) -> str:
    """Strict JSON, two-space indent, sorted keys; numbers that are not finite become null."""
    return jsonlib.dumps(_plain(content), indent=2, sort_keys=True, allow_nan=False)


def silence() -> None:
    """Give standard output somewhere to go, so that closing it at exit fails no more."""
    sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115  # lives until exit


def _gate_lines(result: "GateResult") -> list[str]:
    gate = result.gate
    value = "not reported" if result.value is None else f"{result.value:.6g}"
    lines = [
        f"  {result.verdict.value:<7}  {gate.name}: {gate.metric} = {value}, "
        f"must be {gate.bound_text}",
        f"           {gate.reason}",
    ]
    return [*lines, f"           {gate.remedy}"] if gate.remedy else lines


def _plain(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case Enum():
            return _plain(value.value)
        case PurePath():
            return value.as_posix()
    return value
