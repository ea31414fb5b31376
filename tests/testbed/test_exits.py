"""The exit code of a matrix."""

import pytest

from mhx.testbed.files.exits import exit_code
from mhx.testbed.files.rows import State
from mhx.testbed.running.journal import Result


def case(status, gate=""):
    result = Result(case_id="a", status=status, gate_verdict=gate)
    return State(status=status, result=result)


def check(verdict, required=True):
    return {"verdict": verdict, "required": required}


OK = case("ok")
TABLE = {
    "all ok": ([OK, OK], [], 0),
    "a disabled case does not count": ([OK, State(status="disabled")], [], 0),
    "a failed case": ([OK, case("failed")], [], 1),
    "a timeout": ([case("timeout")], [], 1),
    "a case that did not start": ([OK, State()], [], 1),
    "an interrupted case goes before all else": ([case("failed"), case("interrupted")], [], 75),
    "a gate that failed": ([case("ok", "fail")], [], 1),
    "a gate that could not be judged": ([case("ok", "unknown")], [], 1),
    "a gate that passed": ([case("ok", "pass")], [], 0),
    "a check that passes": ([OK], [check("pass")], 0),
    "a check that fails": ([OK], [check("fail")], 1),
    "a check that is unknown": ([OK], [check("unknown")], 1),
    "a check that is not required": ([OK], [check("fail", required=False)], 0),
}


@pytest.mark.parametrize(("states", "checks", "code"), TABLE.values(), ids=TABLE)
def test_exit_code(states, checks, code):
    assert exit_code(states, checks, gates=True) == code


def test_gates_count_only_where_they_are_asked_for():
    assert exit_code([case("ok", "fail")], [], gates=False) == 0


def test_with_some_cases_left_out_a_check_may_still_be_unknown():
    assert exit_code([OK], [check("unknown")], gates=True, partial=True) == 0
    assert exit_code([OK], [check("fail")], gates=True, partial=True) == 1
