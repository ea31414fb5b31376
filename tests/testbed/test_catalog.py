"""Catalogs: how files are read, what filters drop, how rows become cases."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhx.config import Source
from mhx.testbed.cases import case_list
from mhx.testbed.config import Testbed
from mhx.testbed.sources.templates import Fields, TemplateError, fill, typed

SITES = """\
case_id,case_label,axis,enabled,tags,K,region,nodes
north,North site,K,yes,alpine;wet,1e-5,Alps,n.csv
south,South site,K,1,wet,2e-5,alps,s.csv
east,,K,no,dry,3e-5,Jura,e.csv
west,West site,K,,wet,4e-5,Jura,w.csv
"""


def listed(tmp_path, content=SITES, rules=({},), name="sites.csv", **catalog):
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / name).write_bytes(content)
    table = Testbed.model_validate(
        {
            "subject": "mesh",
            "axis": [{"id": "K", "unit": "m/s", "keys": ["flow.param.K.value"]}],
            "catalog": {"path": f"data/{name}", **catalog},
            "case_from_catalog": list(rules),
        }
    )
    return case_list(table, Source(str(tmp_path / "k.toml")), tmp_path)


def told(found, tmp_path):
    return [fault.replace(f"{tmp_path}/", "") for fault in found.faults]


def ids(found):
    assert found.faults == ()
    return [case.id for case in found.cases]


def test_rows_become_cases_with_the_fields_of_the_catalog(tmp_path):
    found = listed(tmp_path)
    assert ids(found) == ["north", "south"]
    case = found.cases[0]
    assert (case.label, case.axis, case.axis_unit, case.enabled) == ("North site", "K", "m/s", True)
    assert case.changes == ("flow.param.K.value",)
    assert case.place == ("testbed", "case_from_catalog", 0)


def test_disabled_rows_are_kept_on_request_as_disabled_cases(tmp_path):
    found = listed(tmp_path, include_disabled=True)
    assert {case.id: case.enabled for case in found.cases} == {
        "north": True,
        "south": True,
        "east": False,
        "west": False,
    }
    assert [case.label for case in found.cases][2:] == ["east", "West site"]


def test_the_plan_says_what_was_read_and_what_each_filter_dropped(tmp_path):
    rules = [{}, {"id_template": "{case_id}_2", "exclude_tags": ["alpine"]}]
    found = listed(tmp_path, rules=rules, field_equals={"region": "ALPS"}, tags=["wet"])
    assert ids(found) == ["north", "south", "south_2"]
    record = found.catalog
    assert record["sha256"] == hashlib.sha256(SITES.encode()).hexdigest()
    assert record["path"] == "data/sites.csv"
    assert (record["rows"], record["kept"]) == (4, 2)
    assert record["dropped"] == {"enabled": 2, "field_equals": 0, "tags": 0}
    assert record["rules"] == [
        {"kept": 2, "dropped": {}},
        {"kept": 1, "dropped": {"exclude_tags": 1}},
    ]
    assert record["tag_separator"] == ";"


def test_a_limit_counts_what_passed_the_other_filters(tmp_path):
    found = listed(tmp_path, include_disabled=True, tags=["wet"], limit=2)
    assert ids(found) == ["north", "south"]
    assert found.catalog["dropped"] == {"tags": 1, "limit": 1}


def test_nothing_left_is_a_fault_that_says_why(tmp_path):
    rows = "".join(f"s{n},{'x' if n < 3 else 'y'},t\n" for n in range(12))
    found = listed(
        tmp_path, f"case_id,region,tags\n{rows}", field_equals={"region": "x"}, tags=["u"]
    )
    assert told(found, tmp_path) == [
        "no case is left: sites.csv has 12 rows, field_equals dropped 9, tags dropped 3"
    ]


def test_a_rule_that_drops_everything_is_named(tmp_path):
    found = listed(tmp_path, rules=[{"tags": ["nowhere"]}])
    assert told(found, tmp_path) == [
        "no case is left: sites.csv has 4 rows, enabled dropped 2, "
        "case_from_catalog[0].tags dropped 2"
    ]


def test_templates_fill_ids_values_and_overlays(tmp_path):
    rule = {
        "id_template": "{case_id}-{K:.1e}",
        "label_template": "{region}: {case_label}",
        "value_template": "{K}",
        "overlay": {
            "mesh": {"nodes": "{nodes}", "size": 3.0, "list": ["{K}", "a {K}"]},
            "flow": {"text": "{{K}} of {case_id}"},
        },
    }
    found = listed(tmp_path, rules=[rule], path_fields=["nodes"])
    case = found.cases[0]
    assert ids(found) == ["north-1.0e-05", "south-2.0e-05"]
    assert case.label == "Alps: North site"
    assert (case.axis_value, case.coordinates) == (1e-5, {"K": 1e-5})
    value, own = case.overlays
    assert (value.data, value.keyed) == ({"flow": {"param": {"K": {"value": 1e-5}}}}, True)
    assert own.data == {
        "mesh": {
            "nodes": (tmp_path / "data" / "n.csv").as_posix(),
            "size": 3.0,
            "list": [1e-5, "a 1e-5"],
        },
        "flow": {"text": "{K} of north"},
    }
    assert own.place == ("testbed", "case_from_catalog", 0, "overlay")


def test_a_disabled_rule_makes_disabled_cases(tmp_path):
    assert not any(case.enabled for case in listed(tmp_path, rules=[{"enabled": False}]).cases)


TYPED = {
    **dict.fromkeys(["true", "Yes", "y", "ON"], True),
    **dict.fromkeys(["false", "No", "n", "off"], False),
    **{"1": 1, "-3": -3, "+4": 4, "0": 0, "1.5": 1.5, ".5": 0.5, "1.": 1.0, "2e-5": 2e-5},
    **{"1E+3": 1000.0, "": "", "007": "007", "1_000": "1_000", "nan": "nan", "inf": "inf"},
    **{"1e999": "1e999", "9" * 30: "9" * 30, "K1": "K1", "2026-01-01": "2026-01-01"},
}


@pytest.mark.parametrize(("text", "value"), TYPED.items())
def test_a_lone_field_becomes_its_typed_value(text, value):
    found = typed(text)
    assert found == value
    assert type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_python_writes_is_read_back(number):
    assert typed(repr(number)) == number


BROKEN = {
    "{K": "'{K' is no template: expected '}' before end of string",
    "K}": "'K}' is no template: single '}' encountered in format string",
    "{}": "'{}' is no template: a field needs a name",
    "{K!r}": "'{K!r}' is no template: only {field:format} is known",
    "{K:{n}}": "'{K:{n}}' is no template: only {field:format} is known",
    "{K.real}": "no field 'K.real'; fields: K",
    "{K[0]}": "no field 'K[0]'; fields: K",
    "{K:d}": "{K:d} does not fit '1e-5'",
}


@pytest.mark.parametrize(("template", "message"), BROKEN.items())
def test_a_template_that_cannot_be_filled(template, message):
    with pytest.raises(TemplateError) as caught:
        fill(template, Fields({"K": "1e-5"}, typed, str))
    assert str(caught.value) == message


@given(st.text())
def test_text_without_braces_is_left_alone(text):
    text = text.replace("{", "").replace("}", "")
    assert fill(text, Fields({}, typed, str)) == text


def test_a_field_that_is_not_there_is_told_once_at_the_template(tmp_path):
    rule = {"overlay": {"flow": {"param": {"K": {"value": "{k_value}"}}}}}
    found = listed(tmp_path, "case_id,K\na,1\nb,2\n", rules=[rule])
    assert told(found, tmp_path) == [
        "case_from_catalog[0] overlay.flow.param.K.value: no field 'k_value'; fields: case_id, K"
    ]


def test_required_fields_are_asked_of_the_rows_that_are_kept(tmp_path):
    text = "case_id,K,porosity\na,1,2\n\nb,,\nc, ,3\nd,,4\n"
    found = listed(
        tmp_path,
        text,
        required_fields=["K"],
        rules=[{"required_fields": ["porosity"], "field_equals": {"case_id": "a"}}],
    )
    assert told(found, tmp_path) == [
        "sites.csv:4  required fields missing or blank: K",
        "sites.csv:5  required fields missing or blank: K",
        "sites.csv:6  required fields missing or blank: K",
    ]
    found = listed(tmp_path, text, required_fields=["K", "porosity"], exclude_tags=["x"])
    assert told(found, tmp_path)[0] == (
        "sites.csv:4  required fields missing or blank: K, porosity"
    )


def test_many_faults_of_lines_are_counted(tmp_path):
    text = "case_id,K\n" + "".join(f"s{n},\n" for n in range(30))
    lines = told(listed(tmp_path, text, required_fields=["K"]), tmp_path)
    assert len(lines) == 21
    assert lines[0] == "sites.csv: 10 more lines with faults"


def test_byte_order_mark_and_quotes_in_the_header_are_stripped(tmp_path):
    text = "\ufeff\"case_id\",'K', porosity \na,1,2\n"
    found = listed(tmp_path, text, required_fields=["case_id", "K", "porosity"])
    assert ids(found) == ["a"]
    assert ids(listed(tmp_path, '\ufeff\ufeff"case_id"\na\n')) == ["a"]


def test_quoted_cells_may_hold_commas_and_line_ends(tmp_path):
    text = 'case_id,case_label,K\na,"one, ""two""\nthree",1\nb,x,\n'
    found = listed(tmp_path, text, required_fields=["K"])
    assert told(found, tmp_path) == ["sites.csv:4  required fields missing or blank: K"]
    assert found.cases[0].label == 'one, "two"\nthree'


CSV_FAULTS = {
    "empty": ("", ["sites.csv:1  has no header"]),
    "too many cells": (
        "case_id,K\na,1\nb,2,3\n",
        ["sites.csv:3  has 3 cells, the header has 2"],
    ),
    "a field twice": (
        "case_id,K,K\na,1,2\n",
        ["sites.csv:1  field 'K' stands twice in the header"],
    ),
    "an open quote": ('case_id\n"a\n', ["sites.csv:2  not CSV: unexpected end of data"]),
    "no id": (
        "site,K\na,1\n",
        [
            "testbed.catalog.id_field: no field 'case_id' in sites.csv; known: site, K",
        ],
    ),
    "an empty id": ("case_id,K\n ,1\n", ["sites.csv:2  case id '' is empty"]),
    "an id twice": (
        "case_id,K\na,1\nA,2\n",
        [
            "sites.csv:3  case id 'A' is used twice "
            "(sites.csv:2 and 3; upper and lower case are equal)"
        ],
    ),
    "no truth value": (
        "case_id,enabled\na,maybe\n",
        [
            "sites.csv:2  enabled must be true or false, yes or no, y or n, on or off, 1 or 0, "
            "got 'maybe'"
        ],
    ),
}


@pytest.mark.parametrize(("text", "lines"), CSV_FAULTS.values(), ids=CSV_FAULTS)
def test_what_a_csv_file_may_not_hold(tmp_path, text, lines):
    assert told(listed(tmp_path, text), tmp_path) == lines


def test_a_catalog_that_is_no_text_and_one_of_no_known_kind(tmp_path):
    found = listed(tmp_path, b"case_id\n\xff\n")
    assert told(found, tmp_path) == ["testbed.catalog.path: 'sites.csv' is not UTF-8 text (byte 8)"]
    found = listed(tmp_path, name="sites.txt")
    assert told(found, tmp_path) == [
        "testbed.catalog.format is \"auto\", but 'sites.txt' ends in none of .csv, .jsonl, .ndjson"
    ]
    assert ids(listed(tmp_path, name="sites.txt", format="csv")) == ["north", "south"]


def test_a_filter_on_a_field_that_is_not_there_is_a_fault(tmp_path):
    found = listed(tmp_path, field_equals={"regoin": "x"}, rules=[{"field_equals": {"a": 1}}])
    assert told(found, tmp_path) == [
        "testbed.catalog.field_equals: no field 'regoin'; did you mean 'region'? "
        "Known: case_id, case_label, axis, enabled, tags, K, region, nodes",
        "case_from_catalog[0] field_equals: no field 'a'; "
        "known: case_id, case_label, axis, enabled, tags, K, region, nodes",
    ]


EQUAL = {"text": "wEt", "number": 2, "float": 2.0, "truth": True}


@pytest.mark.parametrize("value", EQUAL.values(), ids=EQUAL)
def test_a_field_equals_a_value_as_text_or_as_what_it_stands_for(tmp_path, value):
    cell = {"wEt": "WET"}.get(value, "yes" if value is True else "2")
    found = listed(tmp_path, f"case_id,f\na,{cell}\nb,3\n", field_equals={"f": value})
    assert ids(found) == ["a"]


JSONL = [
    {"case_id": "a", "K": 1, "on": True, "tags": ["wet"], "list": [1, 2.5], "text": "1"},
    {"case_id": "b", "K": 2.5, "on": False, "tags": "wet;dry", "list": [], "text": "yes"},
]


def test_json_lines_keep_their_types(tmp_path):
    text = "\n".join(map(json.dumps, JSONL)) + "\n\n"
    keys = ("K", "on", "list", "text")
    rule = {"overlay": {"x": {key: f"{{{key}}}" for key in keys} | {"all": "{K} {on} {list}"}}}
    found = listed(tmp_path, text, [rule], name="sites.jsonl", tags=["wet"])
    assert ids(found) == ["a", "b"]
    made = [case.overlays[0].data["x"] for case in found.cases]
    assert made[0] == {"K": 1, "on": True, "list": [1, 2.5], "text": "1", "all": "1 true [1, 2.5]"}
    assert [type(value) for value in made[0].values()] == [int, bool, list, str, str]
    assert made[1]["text"] == "yes"


JSON_FAULTS = {
    "no JSON": ('{"case_id": "a"}\n{case}\n', "sites.jsonl:2  not JSON: "),
    "no object": ("[1]\n", "sites.jsonl:1  must be a JSON object"),
    "a key twice": (
        '{"case_id": "a", "K": 1, "K": 2}\n',
        "sites.jsonl:1  not JSON: keys given twice: K",
    ),
    "not a number": ('{"case_id": "a", "K": NaN}\n', "sites.jsonl:1  not JSON: NaN is no number"),
    "too large": ('{"case_id": "a", "K": 1e999}\n', "not JSON: 1e999 is too large a number"),
    "null": (
        '{"case_id": "a", "K": null}\n',
        "sites.jsonl:1  case_from_catalog[0] overlay.K: the field is null, "
        "for which a configuration has no word",
    ),
    "absent": (
        '{"case_id": "a", "K": 1}\n{"case_id": "b"}\n',
        "sites.jsonl:2  case_from_catalog[0] overlay.K: no field 'K'; fields: case_id",
    ),
}


@pytest.mark.parametrize(("text", "line"), JSON_FAULTS.values(), ids=JSON_FAULTS)
def test_what_json_lines_may_not_hold(tmp_path, text, line):
    rule = {"overlay": {"K": "{K}"} if "K" in text else {}}
    lines = told(listed(tmp_path, text, [rule], name="sites.jsonl"), tmp_path)
    assert any(line in told for told in lines), lines


def test_a_value_needs_an_axis_in_a_catalog_too(tmp_path):
    rule = {"axis_template": "h", "value_template": "{K}"}
    assert told(listed(tmp_path, rules=[rule]), tmp_path)[0] == (
        "sites.csv:2  case 'north': value needs a declared axis; 'h' is only a tag"
    )


def test_older_names_of_fields_are_read_and_noticed(tmp_path):
    found = listed(tmp_path, "variant_id,variant_label\na,One\n")
    assert [(case.id, case.label) for case in found.cases] == [("a", "One")]
    assert found.notices == (
        "sites.csv: field 'variant_id' is an older spelling of 'case_id'",
        "sites.csv: field 'variant_label' is an older spelling of 'case_label'",
    )
    found = listed(tmp_path, "variant_id,case_id\na,b\n")
    assert told(found, tmp_path) == [
        "sites.csv:1  fields 'variant_id' and 'case_id' are two spellings; keep 'case_id'"
    ]


def test_the_same_rows_under_two_rules_need_two_ids(tmp_path):
    found = listed(tmp_path, rules=[{}, {}])
    assert told(found, tmp_path)[0] == (
        "sites.csv:2  case id 'north' is used twice (sites.csv:2; upper and lower case are equal)"
    )
