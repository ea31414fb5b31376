"""Laying one table over another."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.config.merge import merged, stepped
from mhx.errors import ConfigError

SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
KEYS = st.sampled_from(["a", "b", "c", "id", "d_e"])
TABLES = st.recursive(
    st.dictionaries(KEYS, SCALARS, max_size=3),
    lambda inner: st.dictionaries(
        KEYS, SCALARS | inner | st.lists(inner, max_size=3) | st.lists(SCALARS, max_size=2)
    ),
    max_leaves=10,
)


@given(TABLES, TABLES)
def test_an_overlay_laid_twice_is_laid_once(base, overlay):
    once = merged(base, overlay)
    assert merged(once, overlay) == once


@given(TABLES)
def test_nothing_laid_over_a_table_leaves_it(base):
    assert merged(base, {}) == base


@given(TABLES, TABLES)
def test_merging_changes_neither_side(base, overlay):
    kept = copy.deepcopy((base, overlay))
    merged(base, overlay)
    assert (base, overlay) == kept


@given(TABLES)
def test_a_table_laid_over_nothing_is_itself(overlay):
    assert merged({}, overlay) == overlay


def bc(*items):
    return {
        "flow": {"bc": [dict(zip(("id", "head", "kind"), item, strict=False)) for item in items]}
    }


CASES = {
    "tables merge deeply": (
        {"a": {"b": 1, "c": 2}},
        {"a": {"c": 3}},
        {"a": {"b": 1, "c": 3}},
    ),
    "a scalar replaces a table": ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
    "a table replaces a scalar": ({"a": 2}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    "a list replaces a list, of equal length too": ({"a": [1, 2]}, {"a": [3, 4]}, {"a": [3, 4]}),
    "an empty list stays an empty list": ({"a": [1]}, {"a": []}, {"a": []}),
    "an empty text is a value": ({"a": "x"}, {"a": ""}, {"a": ""}),
    "arrays merge by id, in the order of the base": (
        bc(("w", 1, "chd"), ("e", 2)),
        bc(("n", 5), ("w", 3)),
        bc(("w", 3, "chd"), ("e", 2), ("n", 5)),
    ),
    "one item without an id and the array is replaced": (
        {"a": [{"id": 1, "x": 1}]},
        {"a": [{"id": 1, "y": 2}, {"y": 3}]},
        {"a": [{"id": 1, "y": 2}, {"y": 3}]},
    ),
    "an id that stands twice and the array is replaced": (
        {"a": [{"id": "x", "y": 1}]},
        {"a": [{"id": "x"}, {"id": "x"}]},
        {"a": [{"id": "x"}, {"id": "x"}]},
    ),
    "an empty array meets items with ids": ({"a": []}, {"a": [{"id": 1}]}, {"a": [{"id": 1}]}),
    "append": ({"a": [1]}, {"a__append": [2, 3]}, {"a": [1, 2, 3]}),
    "append to an array of tables": (
        {"a": [{"id": 1}]},
        {"a__append": [{"id": 2}]},
        {"a": [{"id": 1}, {"id": 2}]},
    ),
    "delete": (
        {"a": 1, "b": {"c": 2, "d": 3}},
        {"b": {"c__delete": True}},
        {"a": 1, "b": {"d": 3}},
    ),
    "delete and set begins anew": (
        {"a": {"b": 1}},
        {"a": {"c": 2}, "a__delete": True},
        {"a": {"c": 2}},
    ),
    "replace": ({"a": {"b": 1}}, {"a__replace": {"c": 2}}, {"a": {"c": 2}}),
    "replace where ids would merge": (
        bc(("w", 1)),
        {"flow": {"bc__replace": [{"id": "w", "kind": "drn"}]}},
        {"flow": {"bc": [{"id": "w", "kind": "drn"}]}},
    ),
    "replace what is not there": ({}, {"a__replace": 1}, {"a": 1}),
    "a directive inside an item": (
        bc(("w", 1, "chd")),
        {"flow": {"bc": [{"id": "w", "head__delete": True}]}},
        {"flow": {"bc": [{"id": "w", "kind": "chd"}]}},
    ),
    "a directive without a name is a key": ({}, {"__append": 1}, {"__append": 1}),
}


OVERLAYS = {
    "a directive stays for whoever lays it": (
        {},
        {"overlay": {"mesh": {"cell_x__delete": True}}},
        {"overlay": {"mesh": {"cell_x__delete": True}}},
    ),
    "of two overlays the later counts": (
        {"overlay": {"mesh": {"size": 2, "cell_x__delete": True}}},
        {"overlay": {"mesh": {"size": 3}}},
        {"overlay": {"mesh": {"size": 3, "cell_x__delete": True}}},
    ),
    "a later deletion takes what was said before": (
        {"base_overlay": {"flow": {"ic": {"value": 1}, "bc__append": [1]}}},
        {"base_overlay": {"flow": {"ic__delete": True}}},
        {"base_overlay": {"flow": {"bc__append": [1], "ic__delete": True}}},
    ),
    "two extensions are one": (
        {"overlay": {"bc__append": [1]}},
        {"overlay": {"bc__append": [2]}},
        {"overlay": {"bc__append": [1, 2]}},
    ),
    "items merge by id": (
        {"m": [{"id": "a", "overlay": {"bc": [{"id": "w", "head": 1}]}}]},
        {"m": [{"id": "a", "overlay": {"bc": [{"id": "w", "rate__delete": True}, {"id": "e"}]}}]},
        {
            "m": [
                {
                    "id": "a",
                    "overlay": {"bc": [{"id": "w", "head": 1, "rate__delete": True}, {"id": "e"}]},
                }
            ]
        },
    ),
    "an overlay is replaced as it is written": (
        {"overlay": {"a": 1}},
        {"overlay__replace": {"b__delete": True}},
        {"overlay": {"b__delete": True}},
    ),
}


@pytest.mark.parametrize(("base", "overlay", "result"), OVERLAYS.values(), ids=OVERLAYS)
def test_an_overlay_in_a_table_keeps_its_directives(base, overlay, result):
    kept = copy.deepcopy((base, overlay))
    assert merged(base, overlay) == result
    assert (base, overlay) == kept


@pytest.mark.parametrize(("base", "overlay", "result"), CASES.values(), ids=CASES)
def test_merge(base, overlay, result):
    assert merged(base, overlay) == result


FAULTS = {
    "nothing to append to": (
        {"mesh": {}},
        {"mesh": {"constraint__append": [1]}},
        "mesh.constraint__append has nothing to append to",
    ),
    "a scalar is nothing to append to": (
        {"a": 3},
        {"a__append": [1]},
        "a__append has nothing to append to",
    ),
    "append a scalar": ({"a": [3]}, {"a__append": 1}, "a__append must be a list, got 1"),
    "delete by a number": (
        {"flow": {"ic": {}}},
        {"flow": {"ic__delete": 1}},
        "flow.ic__delete must be true, got 1",
    ),
    "delete by false": (
        {"flow": {"ic": {}}},
        {"flow": {"ic__delete": False}},
        "flow.ic__delete must be true, got false",
    ),
    "delete what is not there": (
        {"flow": {"ic": {}}},
        {"flow": {"icc__delete": True}},
        "flow.icc__delete names no inherited key; did you mean flow.ic?",
    ),
    "inside a new table": (
        {},
        {"a": {"b__append": [1]}},
        "a.b__append has nothing to append to",
    ),
    "inside a new item": (
        bc(("w", 1)),
        {"flow": {"bc": [{"id": "n", "where__delete": True}]}},
        "flow.bc[0].where__delete names no inherited key",
    ),
}


@pytest.mark.parametrize(("base", "overlay", "told"), FAULTS.values(), ids=FAULTS)
def test_a_directive_that_cannot_be_followed_is_a_fault(base, overlay, told):
    with pytest.raises(ConfigError) as caught:
        merged(base, overlay)
    assert str(caught.value) == told


def test_what_an_overlay_does_not_touch_is_shared():
    base = {"a": {"b": {}}, "c": {"d": {}}}
    result = merged(base, {"a": {"x": 1}})
    assert result["c"] is base["c"]
    assert result["a"]["b"] is base["a"]["b"]


def test_a_dotted_key_steps_into_an_array_of_tables_by_id():
    base = bc(("w", 1), ("e", 2))
    overlay, faults = stepped(base, {"flow": {"bc": {"e": {"head": 5}}, "k": 1}})
    assert not faults
    assert overlay == {"flow": {"bc": [{"id": "e", "head": 5}], "k": 1}}
    assert merged(base, overlay) == {"flow": {**bc(("w", 1), ("e", 5))["flow"], "k": 1}}


STEPS = {
    "nearly": ("river", "rivr", "names no item of flow.bc; did you mean flow.bc.river?"),
    "not at all": ("river", "x", "names no item of flow.bc; its ids: river"),
}


@pytest.mark.parametrize(("there", "asked", "told"), STEPS.values(), ids=STEPS)
def test_a_step_to_an_id_that_is_not_there_is_a_fault(there, asked, told):
    _, faults = stepped(bc((there, 1)), {"flow": {"bc": {asked: {"head": 5}}}})
    assert [(fault.place, fault.text) for fault in faults] == [(("flow", "bc", asked), told)]
