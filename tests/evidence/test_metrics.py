"""Metrics have dotted names; a required one that is absent is an error."""

import pytest

from mhx.errors import MissingMetric
from mhx.evidence.metrics import flatten, required, select


def test_nested_tables_become_dotted_names():
    assert flatten({"flow": {"head": {"max_m": 2.0}, "cells": 9}, "t": 1}) == {
        "flow.head.max_m": 2.0,
        "flow.cells": 9,
        "t": 1,
    }


def test_two_spellings_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"a\.b"):
        flatten({"a": {"b": 1}, "a.b": 2})


def test_selection_keeps_the_order_asked_for_and_shows_gaps():
    assert list(select({"a": 1, "b": 2}, ["b", "c", "a"]).items()) == [
        ("b", 2),
        ("c", None),
        ("a", 1),
    ]


def test_a_required_metric_that_is_absent_is_named_with_what_there_was():
    with pytest.raises(MissingMetric) as caught:
        required({"flow.cells": 9, "flow.head": None}, ["flow.cells", "flow.head"], case="k_low")
    assert "case 'k_low'" in str(caught.value)
    assert "'flow.head'" in str(caught.value)
    assert "flow.cells" in str(caught.value)
    assert caught.value.exit_code == 4


def test_required_metrics_that_are_there_are_returned():
    assert required({"a": 0, "b": 2}, ["a"], case="c") == {"a": 0}
