"""The exit code of a matrix, from how its cases ended and what its checks say."""

from collections.abc import Iterable, Mapping
from typing import Any

from mhx.errors import STOPPED_EARLY
from mhx.testbed.files.rows import State

NOT_PASSED = 1


def exit_code(
    states: Iterable[State],
    checks: Iterable[Mapping[str, Any]],
    *,
    gates: bool,
    partial: bool = False,
) -> int:
    """0: all is well; 1: a case, a gate or a check did not pass; 75: a case was interrupted.

    states: of the cases that were to run.  gates: whether gates of the cases count.
    partial: only some cases were to run, so that a check without all its values says nothing yet.
    """
    known = [state for state in states if state.status != "disabled"]
    if any(state.status == "interrupted" for state in known):
        return STOPPED_EARLY
    refused = ("fail",) if partial else ("fail", "unknown")
    passed = (
        all(state.status == "ok" for state in known)
        and not (gates and any(_gates_open(state) for state in known))
        and not any(check["required"] and check["verdict"] in refused for check in checks)
    )
    return 0 if passed else NOT_PASSED


def _gates_open(state: State) -> bool:
    return state.result is not None and state.result.gate_verdict in ("fail", "unknown")
