"""Rewriting that stays cheap, files that can be told from altered ones, rows as CSV holds them."""

import json
import math

import pytest

from mhx.evidence.store import render_json
from mhx.testbed.files.rows import cell, line
from mhx.testbed.records import Budget, render, seal_holds, sealed


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_rewriting_takes_at_most_its_share_of_the_time():
    clock = Clock()
    budget = Budget(0.05, clock)
    spent = 0.0
    for outcome in range(10_000):
        clock.now += 0.01
        if budget.due:
            with budget.spending():
                clock.now += (cost := 1e-4 * outcome)  # grows with the number of cases
                spent += cost
        assert budget.spent == pytest.approx(spent)
        assert spent <= 0.05 * clock.now + budget.last
    assert 0.04 * clock.now <= spent <= 0.0501 * clock.now


def test_a_cheap_rewriting_follows_every_outcome():
    clock = Clock()
    budget, count = Budget(0.05, clock), 0
    for _ in range(100):
        clock.now += 0.03
        if budget.due:
            with budget.spending():
                clock.now += 0.001
            count += 1
    assert count == 100


def test_rendered_json_is_what_it_says():
    document = {"b": [1, {"x": None}], "a": "é\n", "z": {}, "nan": math.nan}
    assert render(document) == render_json(document)
    rows = [{"id": "a", "v": 0.1}, {"id": "b", "v": None}]
    text = render(document, {"rows": [json.dumps(row, sort_keys=True) for row in rows]})
    assert json.loads(text)["rows"] == rows
    assert text.count(b"\n") == render(document).count(b"\n") + len(rows) + 2
    assert json.loads(render({}, {"rows": []})) == {"rows": []}


def test_a_seal_covers_every_byte():
    text = render({"a": 1, "seal": "0" * 64, "z": "tail"})
    content = sealed(text)
    seal = json.loads(content)["seal"]
    assert seal_holds(content, seal)
    for place in range(len(content)):
        altered = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        try:
            other = json.loads(altered)["seal"]
        except (ValueError, KeyError):
            continue
        assert not seal_holds(altered, other)


CELLS = {
    "nothing": (None, ""),
    "truth": (True, "true"),
    "a number to the last digit": (0.1 + 0.2, "0.30000000000000004"),
    "a count": (7, "7"),
    "not a number": (math.nan, ""),
    "infinity": (math.inf, ""),
    "a table": ({"b": 1, "a": [1.5]}, '{"a":[1.5],"b":1}'),
    "text": ("a, b", "a, b"),
}


@pytest.mark.parametrize(("value", "text"), CELLS.values(), ids=CELLS)
def test_a_cell(value, text):
    assert cell(value) == text


def test_a_line_is_quoted_where_it_must():
    assert line(["a,b", 'say "x"', None, 1.0]) == '"a,b","say ""x""",,1.0\n'
