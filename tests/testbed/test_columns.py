"""Columns: exact sources, nothing in the place of what is missing, texts of what fails."""

import pytest

from mhx.evidence.metrics import Metric, Vocabulary
from mhx.testbed.files.columns import RequiredMetric, contract_of

WORDS = Vocabulary([Metric("flow.head_m", "m", "head"), Metric("t_s", "s", "", "duration")])
METRICS = {"flow.head_m": 2.0, "flow.n": 3, "broken": None, "status": 1.0}
NOTES = {"audit": "pass", "status": "fine", "flow.solver": "mf6"}


def column(source, **more):
    return contract_of([{"name": "c", "source": source, **more}], vocabulary=WORDS)


SOURCES = {
    "a dotted metric": ("flow.head_m", 2.0),
    "a whole number": ("flow.n", 3),
    "a note": ("notes.audit", "pass"),
    "a note below a level": ("notes.flow.solver", "mf6"),
    "a dotted name is no note": ("flow.solver", None),
    "a bare name among the notes": ("audit", "pass"),
    "a bare name among the metrics first": ("status", 1.0),
    "a note where a metric has its name": ("notes.status", "fine"),
    "no guess at the level above": ("head_m", None),
    "not a number": ("broken", None),
}


@pytest.mark.parametrize(("source", "value"), SOURCES.values(), ids=SOURCES)
def test_a_source_is_matched_exactly(source, value):
    assert column(source).take(METRICS, NOTES) == {"c": value}


FAULTS = {
    "broken": "case 'a': required metric 'c' is nan",
    "flow.m": "case 'a': required metric 'c' (flow.m) was not reported; "
    "the runner reported: broken, flow.head_m and 5 more",
    "head_m": "case 'a': required metric 'c' (head_m) was not reported; "
    "the runner reported: broken, flow.head_m and 5 more; nearest: flow.head_m",
}


@pytest.mark.parametrize("source", FAULTS)
def test_a_required_column_says_what_was_there(source):
    with pytest.raises(RequiredMetric) as raised:
        column(source, required=True).check("a", METRICS, NOTES)
    assert str(raised.value) == FAULTS[source]
    assert raised.value.exit_code == 4
    column(source).check("a", METRICS, NOTES)


def test_unit_and_kind_are_the_vocabularys():
    (found,) = column("flow.head_m").document()
    assert (found["unit"], found["kind"]) == ("m", "point")
    (found,) = column("t_s", unit="s").document()
    assert found["kind"] == "duration"


def test_an_open_contract_learns_its_columns():
    contract = contract_of([], vocabulary=WORDS)
    assert contract.learn(["b", "a"])
    assert not contract.learn(["a"])
    assert contract.learn(["flow.head_m"])
    assert [column.name for column in contract.columns] == ["a", "b", "flow.head_m"]
    assert contract.columns[2].unit == "m"


def test_a_metric_that_nobody_declared_never_takes_a_fixed_column():
    """A program may report `status` or `Case_ID`: the identity of the row must stand."""
    contract = contract_of([])
    values = contract.take({"status": 2, "Case_ID": 3.0, "y": 1.0}, {})
    assert values == {"reported:status": 2, "reported:Case_ID": 3.0, "y": 1.0}
    assert [(column.name, column.source) for column in contract.columns] == [
        ("reported:Case_ID", "Case_ID"),
        ("reported:status", "status"),
        ("y", "y"),
    ]
    assert not contract.learn(values)


def test_a_required_number_is_no_text():
    with pytest.raises(RequiredMetric) as raised:
        column("audit", required=True).check("a", METRICS, NOTES)
    assert str(raised.value) == (
        "case 'a': required metric 'c' is 'pass', a text; "
        'where a text is meant, say kind = "text"'
    )
    column("audit", required=True, kind="text").check("a", METRICS, NOTES)
    column("notes.audit", required=True).check("a", METRICS, NOTES)


def test_defaults_of_a_runner_are_not_required():
    contract = contract_of([], defaults=("flow.head_m", "none"))
    assert contract.take(METRICS, {}) == {"flow.head_m": 2.0, "none": None}
    contract.check("a", {}, {})
