"""The seven reviewer questions: answered by values, open where a gate under them is unknown."""

import pytest

from mhx.campaigns.criteria import CRITERIA
from mhx.campaigns.questions import QUESTIONS, reviewer_answers
from mhx.evidence.gates import judge_all

GATES = {row.gate.name: row.gate for row in CRITERIA}


def answered(metrics):
    return {one["id"]: one for one in reviewer_answers(judge_all(GATES.values(), metrics), metrics)}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question_is_open_until_every_gate_under_it_has_a_value(question):
    metrics = {GATES[name].metric: 0.25 for name in question.gates}
    assert answered(metrics)[question.id]["status"] == "answered"
    for name in question.gates:
        lacking = {**metrics, GATES[name].metric: None}
        found = answered(lacking)[question.id]
        assert found["status"] == "unknown"
        assert name in found["answer"]


def test_an_unfavourable_answer_is_an_answer():
    found = answered({"max_energy_budget_residual": 0.5, "history_samples": 121.0})
    one = found["energy_budget"]
    assert (one["status"], one["gates"]) == (
        "answered",
        {"energy_budget_residual_within_tolerance": "fail"},
    )
    assert one["answer"] == "its largest residual is 0.5, over 121 samples."


def test_there_are_seven_questions_and_each_names_gates_that_exist():
    assert len({question.id for question in QUESTIONS}) == 7
    assert {name for question in QUESTIONS for name in question.gates} <= GATES.keys()
