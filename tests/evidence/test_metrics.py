"""Metrics have dotted names; a required one that is absent is an error."""

import pytest

from mhx.errors import MissingMetric
from mhx.evidence.metrics import Metric, Vocabulary, flatten, required, select


def test_nested_tables_become_dotted_names():
    assert flatten({"flow": {"head": {"max_m": 2.0}, "cells": 9}, "t": 1}) == {
        "flow.head.max_m": 2.0,
        "flow.cells": 9,
        "t": 1,
    }


LISTS = {
    "numbers by their place": ([4.0, 5.0], {"a.0": 4.0, "a.1": 5.0}),
    "tables by their id": (
        [{"id": "w1", "h": 1}, {"id": "w-2", "h": {"m": 2}}],
        {"a.w1.h": 1, "a.w-2.h.m": 2},
    ),
    "tables by their name": ([{"name": "x", "h": 1}], {"a.x.h": 1}),
    "an id goes before a name": ([{"id": 7, "name": "x", "h": 1}], {"a.7.name": "x", "a.7.h": 1}),
    "one id twice": (
        [{"id": "w", "h": 1}, {"id": "w", "h": 2}],
        {"a.0.id": "w", "a.0.h": 1, "a.1.id": "w", "a.1.h": 2},
    ),
    "an id of which no metric is made": ([{"id": "a b"}], {"a.0.id": "a b"}),
    "only one has an id": ([{"id": "w"}, 3], {"a.0.id": "w", "a.1": 3}),
    "a list of lists": ([[1, 2], [3]], {"a.0.0": 1, "a.0.1": 2, "a.1.0": 3}),
    "nothing": ([], {}),
}


@pytest.mark.parametrize(("items", "flat"), LISTS.values(), ids=LISTS)
def test_items_of_a_list_have_names_of_their_own(items, flat):
    assert flatten({"a": items}) == flat


def test_a_long_list_is_one_value():
    assert len(flatten({"a": list(range(1000))})) == 1000
    assert list(flatten({"a": list(range(1001))})) == ["a"]


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


WORDS = Vocabulary(
    [
        Metric("flow.n_cells", "1", "cells", "count"),
        Metric("flow.budget_<component>_net", "m3/s", "in minus out"),
        Metric("flow.budget_total_net", "m3/s", "all components", "integral"),
        Metric("comparison.<simulation>.<observable>.rmse", "m", "difference"),
    ]
)
FOUND = {
    "an exact word": ("flow.n_cells", "count"),
    "an id in a pattern": ("flow.budget_chd-1_net", "point"),
    "an exact word before the pattern that holds it": ("flow.budget_total_net", "integral"),
    "several ids": ("comparison.k_low.head.rmse", "point"),
    "not a word": ("flow.n_cell", None),
    "a dot is no part of an id": ("flow.budget_a.b_net", None),
    "an empty id": ("flow.budget__net", None),
    "more than the pattern": ("flow.budget_chd_net_in", None),
    "the pattern itself": ("flow.budget_<component>_net", None),
}


@pytest.mark.parametrize(("key", "kind"), FOUND.values(), ids=FOUND)
def test_a_vocabulary_finds_the_word_of_a_key(key, kind):
    word = WORDS.find(key)
    assert (None if word is None else (word.name, word.kind)) == (kind and (key, kind))


def test_a_vocabulary_guesses_what_was_meant():
    assert WORDS.near("flow.n_cell") == "flow.n_cells"
    assert WORDS.near("zzz") is None


def test_a_word_stands_in_a_vocabulary_once():
    with pytest.raises(ValueError, match="'a' twice"):
        Vocabulary([Metric("a", "1", "x"), Metric("a", "m", "y")])


def test_a_kind_is_one_of_those_known():
    with pytest.raises(ValueError, match="metric 'a': kind must be one of"):
        Metric("a", "1", "x", "speed")
