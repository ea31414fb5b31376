"""Cases: what each is, in which order, and what keeps them apart."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.config import Source
from mhx.config.layers import read_chain
from mhx.config.merge import merged, stepped
from mhx.testbed.cases import case_list, slug
from mhx.testbed.config import Testbed
from mhx.testbed.declaration.declared import declared
from mhx.testbed.matrix import nested, same, shown
from mhx.testbed.sources.axes import value_at

K = {
    "id": "K",
    "unit": "m/s",
    "keys": ["flow.param.K.value", "flow.param.K.note"],
    "values": [5e-6, 1e-5],
    "names": ["low", "high"],
}
METHOD = {"id": "method", "keys": ["solver.method"], "values": ["cg", "bicgstab", True]}
SIZE = {
    "id": "h",
    "keys": ["mesh.size"],
    "level": [
        {"id": "coarse", "value": 80, "overlay": {"mesh": {"size": 80, "smooth": True}}},
        {"id": "fine", "value": 40},
    ],
}


def listed(tmp_path, **table):
    table = Testbed.model_validate({"subject": "mesh", "axis": [K, METHOD, SIZE], **table})
    return case_list(table, Source(str(tmp_path / "k.toml")), tmp_path)


def one(tmp_path, **case):
    found = listed(tmp_path, case=[{"id": "a", **case}])
    assert found.faults == ()
    return found.cases[0]


def data(case):
    return [dict(overlay.data) for overlay in case.overlays]


def test_a_case_is_its_id_until_it_says_more(tmp_path):
    case = one(tmp_path)
    assert (case.id, case.label, case.slug, case.enabled) == ("a", "a", "a", True)
    assert (case.axis, case.axis_value, case.axis_unit, case.design) == ("", None, "", "")
    assert (case.coordinates, case.changes, case.overlays) == ({}, None, ())
    assert case.place == ("testbed", "case", 0)


def test_a_bare_tag_keeps_working(tmp_path):
    case = one(tmp_path, axis="anything", overlay={"mesh": {"size": 1.0}})
    assert (case.axis, case.axis_value, case.changes) == ("anything", None, None)
    assert data(case) == [{"mesh": {"size": 1.0}}]


def test_a_value_sets_every_key_of_its_axis_below_the_own_overlay(tmp_path):
    case = one(tmp_path, axis="K", value=3e-5, overlay={"mesh": {"size": 1.0}})
    assert (case.axis_value, case.axis_unit, case.coordinates) == (3e-5, "m/s", {"K": 3e-5})
    assert data(case) == [
        {"flow": {"param": {"K": {"value": 3e-5, "note": 3e-5}}}},
        {"mesh": {"size": 1.0}},
    ]
    assert [(overlay.place[3:], overlay.keyed) for overlay in case.overlays] == [
        (("value",), True),
        (("overlay",), False),
    ]
    assert case.changes == ("flow.param.K.value", "flow.param.K.note")


def test_a_value_may_be_the_name_of_a_level(tmp_path):
    assert one(tmp_path, axis="K", value="high").axis_value == 1e-5
    case = one(tmp_path, axis="h", value="coarse")
    assert case.axis_value == 80
    assert data(case) == [{"mesh": {"size": 80, "smooth": True}}]
    assert data(one(tmp_path, axis="h", value=40)) == [{"mesh": {"size": 40}}]


def test_an_axis_of_words_takes_any_word(tmp_path):
    assert one(tmp_path, axis="method", value="bcgs").axis_value == "bcgs"
    assert one(tmp_path, axis="method", value=True).axis_value is True


def test_an_overlay_that_goes_over_the_value_is_noticed(tmp_path):
    overlay = {"mesh": {"size": 1.0}}
    found = listed(tmp_path, case=[{"id": "a", "axis": "h", "value": 40, "overlay": overlay}])
    assert found.notices == ("case 'a': its overlay sets mesh.size, too, and goes over its value",)
    assert data(found.cases[0]) == [{"mesh": {"size": 40}}, overlay]
    assert listed(tmp_path, case=[{"id": "a", "axis": "h", "overlay": overlay}]).notices == ()


def test_a_level_that_is_not_there_is_a_fault(tmp_path):
    found = listed(tmp_path, case=[{"id": "a", "axis": "h", "value": "corse"}])
    assert found.faults == (
        "case 'a': axis 'h' has no level 'corse'; did you mean 'coarse'? Known: coarse, fine",
    )


def test_a_case_without_value_leaves_it_to_its_child(tmp_path):
    case = one(tmp_path, axis="K", overlay={"flow": {"param": {"K": {"value": 2.0}}}})
    assert (case.axis_value, case.axis_unit, case.coordinates) == (None, "m/s", {})
    assert case.changes == ("flow.param.K.value", "flow.param.K.note")
    child = {"flow": {"param": {"K": {"value": 2.0}}}}
    assert value_at(child, "flow.param.K.value") == 2.0
    assert value_at(child, "flow.param.K") is None
    assert value_at(child, "flow.parm.K.value") is None
    assert value_at({"bc": [{"id": "a"}, {"id": "river", "head": 3}]}, "bc.river.head") == 3
    assert value_at({"bc": 3}, "bc.river.head") is None


CHANGES = {
    "of the overlay": ({"changes": ["mesh"]}, ("mesh",)),
    "nothing": ({"changes": []}, ()),
    "of the axis": ({"axis": "h"}, ("mesh.size",)),
    "instead of the axis": ({"axis": "h", "changes": ["mesh"]}, ("mesh",)),
    "besides the value": (
        {"axis": "h", "value": 40, "changes": ["solver"]},
        ("solver", "mesh.size"),
    ),
    "of nobody": ({"axis": "tag"}, None),
}


@pytest.mark.parametrize(("case", "changes"), CHANGES.values(), ids=CHANGES)
def test_what_a_case_may_change(tmp_path, case, changes):
    assert one(tmp_path, **case).changes == changes


def test_hand_listed_come_before_the_catalog_and_the_catalog_before_designs(tmp_path):
    (tmp_path / "s.csv").write_text("case_id\nrow\n")
    found = listed(
        tmp_path,
        design=[{"id": "g", "kind": "grid", "axes": ["h"]}],
        catalog={"path": "s.csv"},
        case_from_catalog=[{}],
        case=[{"id": "hand"}, {"id": "off", "enabled": False}],
    )
    assert [case.id for case in found.cases] == ["hand", "off", "row", "g_coarse", "g_fine"]
    assert [case.enabled for case in found.cases] == [True, False, True, True, True]


def test_all_cases_together_may_be_too_many(tmp_path):
    found = listed(
        tmp_path,
        max_cases=2,
        case=[{"id": "a"}],
        design=[{"id": "g", "kind": "grid", "axes": ["h"]}],
    )
    assert found.faults == ("3 cases are declared; testbed.max_cases is 2",)


def test_ids_of_different_sources_meet(tmp_path):
    (tmp_path / "s.csv").write_text("case_id\ng_fine\n")
    text = """\
workflow = { mode = "testbed" }
[testbed]
subject = "mesh"
catalog = { path = "s.csv" }
case_from_catalog = [{}]
[[testbed.axis]]
id = "h"
keys = ["mesh.size"]
values = [1, 2]
names = ["coarse", "fine"]
[[testbed.case]]
id = "G_Fine"
[[testbed.design]]
id = "g"
kind = "grid"
axes = ["h"]
"""
    (tmp_path / "k.toml").write_text(text)
    written = read_chain(tmp_path / "k.toml")
    found = declared(written.data, written.source, tmp_path / "k.toml")
    faults = case_list(found.table, found.source, tmp_path).faults
    assert [fault.replace(f"{tmp_path}/", "") for fault in faults] == [
        "s.csv:2  case id 'g_fine' is used 3 times "
        "(k.toml:12, s.csv:2 and k.toml:13; upper and lower case are equal)"
    ]


def test_overlays_count_from_the_file_in_which_they_stand(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "p.toml").write_text(
        '[[testbed.case]]\nid = "p"\noverlay.mesh.nodes = "n.csv"\n'
    )
    (tmp_path / "k.toml").write_text(
        'base_config = "shared/p.toml"\nworkflow = { mode = "testbed" }\n'
        '[[testbed.case]]\nid = "k"\noverlay.mesh.nodes = "n.csv"\n'
    )
    written = read_chain(tmp_path / "k.toml")
    found = declared(written.data, written.source, tmp_path / "k.toml")
    cases = case_list(found.table, found.source, tmp_path).cases
    assert {case.id: case.overlays[0].folder for case in cases} == {
        "p": tmp_path / "shared",
        "k": tmp_path,
    }


def test_dotted_keys_step_into_arrays_of_tables_by_id(tmp_path):
    """The overlay holds the steps; the base says which of them are ids."""
    axis = {"id": "stage", "keys": ["flow.bc.river.stage"], "values": [1.0]}
    found = listed(tmp_path, axis=[axis], case=[{"id": "a", "axis": "stage", "value": 2.0}])
    base = {"flow": {"bc": [{"id": "sea", "head": 0.0}, {"id": "river", "stage": 1.0}]}}
    overlay, _ = stepped(base, found.cases[0].overlays[0].data)
    assert merged(base, overlay) == {
        "flow": {"bc": [{"id": "sea", "head": 0.0}, {"id": "river", "stage": 2.0}]}
    }


SLUGS = {
    "low_k": "low_k",
    "a b": "a_b",
    "K=1e-5 m/s": "K_1e-5_m_s",
    "..hidden..": "hidden",
    "-x-": "x",
    "日本": "case",
    "été": "t",
    "a.b-C_9": "a.b-C_9",
    "___": "case",
}


@pytest.mark.parametrize(("case_id", "name"), SLUGS.items())
def test_a_slug_is_what_a_file_can_be_called(case_id, name):
    assert slug(case_id) == name


@given(st.text())
def test_a_slug_is_a_plain_file_name_and_its_own_slug(text):
    name = slug(text)
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?", name)
    assert slug(name) == name


def test_ids_without_any_letter_collide(tmp_path):
    found = listed(tmp_path, case=[{"id": "日"}, {"id": "本"}])
    assert found.faults == (
        "cases '日' and '本' would share _generated_configs/case.toml; rename one",
    )


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans())
def test_a_value_in_an_id_is_still_the_value(value):
    text = shown(value)
    back = {"true": True, "false": False}[text] if isinstance(value, bool) else type(value)(text)
    assert back == value


def test_true_is_no_number():
    assert same(1, 1.0)
    assert not same(1, True)
    assert same(True, True)
    assert not same("1", 1)


def test_keys_become_tables():
    assert nested(["a.b", "a.c", "d"], 3) == {"a": {"b": 3, "c": 3}, "d": 3}
    assert nested([], 3) == {}
