"""Testbed, sections 4.3 to 4.6 and 6.1: from axes, catalogs and designs to cases and children."""

import hashlib
import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from .matrix import BASE, FLOW, FLOW_HEAD, HEAD, case, child, mhx, read, write


def axis(name: str, lines: str, key: str | None = None) -> str:
    where = key or f"command.parameters.report.{name}"
    return f'[[testbed.axis]]\nid = "{name}"\nkeys = ["{where}"]\n{lines}\n'


def design(name: str, kind: str, lines: str = "") -> str:
    return f'[[testbed.design]]\nid = "{name}"\nkind = "{kind}"\n{lines}\n'


def planned(folder: Path, text: str, base: str = BASE, **others: str) -> list[dict[str, Any]]:
    """The cases of the plan, in its order."""
    write(folder, text, base, **others)
    said = mhx("testbed", "plan", folder / "k.toml")
    assert said.code == 0, said.text
    cases = read(folder / "out/testbed_plan.json")["cases"]
    assert isinstance(cases, list)
    return cases


def points(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row["coordinates"] for row in cases]


def reported(folder: Path, case_id: str) -> dict[str, Any]:
    report = child(folder / "out", case_id)["command"]["parameters"]["report"]
    assert isinstance(report, dict)
    return report


NX = axis("nx", "values = [16, 32, 64]", "command.parameters.nx")
DT = axis("dt", "values = [0.1, 0.2]")
LAW = axis("law", 'values = ["darcy", "turbulent"]', "command.parameters.law")


# -- designs -----------------------------------------------------------------------------------


def test_grid_is_the_product_last_axis_fastest_less_what_is_excluded(tmp_path):
    exclude = 'axes = ["nx", "dt", "law"]\nexclude = [{ nx = 64, dt = 0.2 }]'
    cases = planned(tmp_path, HEAD + NX + DT + LAW + design("g", "grid", exclude))
    expected = [
        {"nx": nx, "dt": dt, "law": law}
        for nx, dt, law in itertools.product([16, 32, 64], [0.1, 0.2], ["darcy", "turbulent"])
        if (nx, dt) != (64, 0.2)
    ]
    assert points(cases) == expected
    assert {row["design"] for row in cases} == {"g"}
    assert len({row["case_id"] for row in cases}) == len(cases)
    for row in cases:
        parameters = child(tmp_path / "out", Path(row["config_path"]).stem)["command"]["parameters"]
        assert parameters["report"] == {"a": 1.0, "dt": row["coordinates"]["dt"]}
        assert (parameters["nx"], parameters["law"]) == (
            row["coordinates"]["nx"],
            row["coordinates"]["law"],
        )
        assert row["isolation"]["verdict"] == "pass"  # the union of the axes' keys


def test_one_at_a_time_starts_at_the_references_and_varies_each_axis_alone(tmp_path):
    text = HEAD + NX.replace("]\n\n", "]\n") + "reference = 32\n" + DT + LAW
    cases = planned(tmp_path, text + design("o", "one_at_a_time", 'axes = ["nx", "dt", "law"]'))
    centre = {"nx": 32, "dt": 0.1, "law": "darcy"}
    assert points(cases) == [
        centre,
        centre | {"nx": 16},
        centre | {"nx": 64},
        centre | {"dt": 0.2},
        centre | {"law": "turbulent"},
    ]


@pytest.mark.parametrize("count", [1, 7, 20])
def test_latin_hypercube_has_one_sample_in_each_stratum_of_each_axis(count, tmp_path):
    x = axis("x", "low = 2.0\nhigh = 6.0")
    k = axis("K", 'low = 1e-6\nhigh = 1e-3\ndistribution = "loguniform"')
    text = HEAD + x + k + design("l", "latin_hypercube", f'axes = ["x", "K"]\ncount = {count}')
    cases = planned(tmp_path, text)
    assert len(cases) == count
    strata = sorted(int((row["coordinates"]["x"] - 2.0) / 4.0 * count) for row in cases)
    assert strata == list(range(count))
    logs = sorted(
        int(math.log(row["coordinates"]["K"] / 1e-6) / math.log(1e3) * count) for row in cases
    )
    assert logs == list(range(count))
    for row in cases:
        written = reported(tmp_path, Path(row["config_path"]).stem)
        assert {"x": written["x"], "K": written["K"]} == row["coordinates"]


def test_sobol_sequence_unscrambled_begins_as_published_and_may_be_extended(tmp_path):
    x, y = axis("x", "low = 0.0\nhigh = 8.0"), axis("y", "low = 0.0\nhigh = 8.0")
    keys = 'axes = ["x", "y"]\nscramble = false\ncount = '
    cases = planned(tmp_path / "a", HEAD + x + y + design("s", "sobol", keys + "4"))
    first = [(0.0, 0.0), (4.0, 4.0), (6.0, 2.0), (2.0, 6.0)]
    assert [(row["coordinates"]["x"], row["coordinates"]["y"]) for row in cases] == first
    assert read(tmp_path / "a/out/testbed_plan.json")["notices"] == []
    more = planned(tmp_path / "b", HEAD + x + y + design("s", "sobol", keys + "6"))
    assert points(more)[:4] == points(cases)
    notices = read(tmp_path / "b/out/testbed_plan.json")["notices"]
    assert len(notices) == 1
    assert "power of two" in notices[0]


def test_scrambled_sobol_keeps_its_points_when_extended_and_follows_its_seed(tmp_path):
    x = axis("x", "low = 0.0\nhigh = 1.0")

    def drawn(name: str, keys: str) -> list[float]:
        cases = planned(tmp_path / name, HEAD + x + design("s", "sobol", 'axes = ["x"]\n' + keys))
        return [row["coordinates"]["x"] for row in cases]

    four = drawn("a", "count = 4\nseed = 3")
    assert drawn("b", "count = 8\nseed = 3")[:4] == four
    assert drawn("c", "count = 4\nseed = 4") != four
    assert sorted(int(4 * value) for value in four) == [0, 1, 2, 3]


def test_integer_axis_rounds_its_samples(tmp_path):
    n = axis("n", "low = 1.0\nhigh = 9.0\ninteger = true", "command.parameters.n")
    cases = planned(tmp_path, HEAD + n + design("s", "sobol", 'axes = ["n"]\ncount = 8'))
    for row in cases:
        assert type(row["coordinates"]["n"]) is int
        assert 1 <= row["coordinates"]["n"] <= 9


def test_seeds_from_a_base_seed_are_the_documented_hash(tmp_path):
    keys = 'key = "command.parameters.seed"\nbase_seed = 7\ncount = '
    cases = planned(tmp_path / "a", HEAD + design("q", "seeds", keys + "3"))
    expected = [int(hashlib.sha256(f"7:{i}".encode()).hexdigest()[:8], 16) for i in range(3)]
    seeds = [
        child(tmp_path / "a/out", Path(row["config_path"]).stem)["command"]["parameters"]["seed"]
        for row in cases
    ]
    assert seeds == expected
    more = planned(tmp_path / "b", HEAD + design("q", "seeds", keys + "5"))
    assert [row["case_id"] for row in more][:3] == [row["case_id"] for row in cases]


def test_listed_seeds_are_crossed_with_axes(tmp_path):
    keys = 'key = "command.parameters.seed"\nseeds = [11, 5]\naxes = ["dt"]'
    cases = planned(tmp_path, HEAD + DT + design("q", "seeds", keys))
    pairs = {
        (
            row["coordinates"]["dt"],
            child(tmp_path / "out", Path(row["config_path"]).stem)["command"]["parameters"]["seed"],
        )
        for row in cases
    }
    assert pairs == {(0.1, 11), (0.1, 5), (0.2, 11), (0.2, 5)}
    assert len(cases) == 4


def test_templates_name_cases_and_design_overlay_lies_below_the_axis(tmp_path):
    keys = (
        'axes = ["dt"]\nid_template = "run_{index:04d}"\nlabel_template = "step {dt}"\n'
        "overlay.command.parameters.report = { dt = 9.0, b = 2.0 }"
    )
    cases = planned(tmp_path, HEAD + DT + design("g", "grid", keys))
    assert [row["case_id"] for row in cases] == ["run_0000", "run_0001"]
    assert [row["case_label"] for row in cases] == ["step 0.1", "step 0.2"]
    assert reported(tmp_path, "run_0001") == {"a": 1.0, "b": 2.0, "dt": 0.2}


def test_level_names_stand_in_the_ids(tmp_path):
    dt = axis("dt", 'values = [0.1, 0.2]\nnames = ["fine", "coarse"]')
    cases = planned(tmp_path, HEAD + dt + design("g", "grid", 'axes = ["dt"]'))
    assert [row["coordinates"] for row in cases] == [{"dt": 0.1}, {"dt": 0.2}]
    assert ["fine" in cases[0]["case_id"], "coarse" in cases[1]["case_id"]] == [True, True]


def test_level_sets_several_keys(tmp_path):
    level = """\
level = [
  { id = "thin", value = 1.0, overlay = { command = { parameters = { report = { b = 1.0 } } } } },
  { id = "wide", value = 2.0, overlay = { command = { parameters = { report = { b = 4.0 } } } } },
]"""
    cases = planned(tmp_path, HEAD + axis("w", level) + design("g", "grid", 'axes = ["w"]'))
    assert points(cases) == [{"w": 1.0}, {"w": 2.0}]
    assert [reported(tmp_path, row["case_id"])["b"] for row in cases] == [1.0, 4.0]


def test_disabled_design_makes_disabled_cases_without_children(tmp_path):
    cases = planned(
        tmp_path, HEAD + DT + case("one") + design("g", "grid", 'axes = ["dt"]\nenabled = false')
    )
    assert [row["status"] for row in cases] == ["planned", "disabled", "disabled"]
    assert [bool(row["config_path"]) for row in cases] == [True, False, False]
    assert [path.name for path in (tmp_path / "out/_generated_configs").glob("*.toml")] == [
        "one.toml"
    ]


def test_cases_come_by_hand_then_catalog_then_designs_in_file_order(tmp_path):
    text = (
        HEAD
        + 'catalog = { path = "sites.csv" }\n'
        + DT
        + design("g", "grid", 'axes = ["dt"]\nid_template = "g{index}"')
        + '[[testbed.case_from_catalog]]\noverlay.command.parameters.report.a = "{K}"\n'
        + case("b")
        + case("a")
    )
    cases = planned(tmp_path, text, sites__csv="case_id,K\ns2,1\ns1,2\n")
    assert [row["case_id"] for row in cases] == ["b", "a", "s2", "s1", "g0", "g1"]


def test_plan_that_exists_is_read_back_and_not_drawn_again(tmp_path):
    x = axis("x", "low = 0.0\nhigh = 1.0")
    text = HEAD + x + design("l", "latin_hypercube", 'axes = ["x"]\ncount = 5')
    cases = planned(tmp_path, text)
    before = (tmp_path / "out/testbed_plan.json").read_bytes()
    assert points(planned(tmp_path, text)) == points(cases)
    assert (
        read(tmp_path / "out/testbed_plan.json")["plan_digest"] == json.loads(before)["plan_digest"]
    )


def test_case_on_a_declared_axis_sets_its_keys_or_reads_its_value(tmp_path):
    text = (
        HEAD
        + axis("K", 'unit = "m/s"\nvalues = [1e-6, 1e-5]')
        + '[[testbed.case]]\nid = "set"\naxis = "K"\nvalue = 2e-5\n'
        + '[[testbed.case]]\nid = "read"\naxis = "K"\noverlay.command.parameters.report.K = 3e-5\n'
        + '[[testbed.case]]\nid = "tagged"\naxis = "anything"\n'
    )
    cases = planned(tmp_path, text)
    assert [row["axis"] for row in cases] == ["K", "K", "anything"]
    assert reported(tmp_path, "set") == {"a": 1.0, "K": 2e-5}
    rows = {row["case_id"]: row for row in read(tmp_path / "out/testbed_manifest.json")["cases"]}
    assert rows["set"]["axis_value"] == 2e-5
    assert rows["read"]["axis_value"] == 3e-5
    assert rows["set"]["axis_unit"] == "m/s"
    assert rows["tagged"]["axis_value"] is None


# -- catalogs ----------------------------------------------------------------------------------

CATALOG_KEYS = """
    path format id_field label_field axis_field enabled_field tags_field tag_separator
    required_fields path_fields field_equals tags exclude_tags include_disabled
"""
RULE = """\
[[testbed.case_from_catalog]]
overlay.command.parameters.value = "{v}"
overlay.command.parameters.text = "v is {v}"
"""


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("true", True),
        ("yes", True),
        ("Y", True),
        ("on", True),
        ("false", False),
        ("No", False),
        ("n", False),
        ("off", False),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e-5", 1e-5),
        ("2E3", 2000.0),
        ("darcy", "darcy"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_cell_becomes_its_typed_value_and_in_a_sentence_stays_text(cell, value, tmp_path):
    planned(
        tmp_path,
        HEAD + 'catalog = { path = "s.csv" }\n' + RULE,
        s__csv=f"case_id,v\none,{cell}\n",
    )
    parameters = child(tmp_path / "out", "one")["command"]["parameters"]
    assert (parameters["value"], type(parameters["value"])) == (value, type(value))
    assert parameters["text"] == f"v is {cell}"


def test_lines_of_json_keep_their_types(tmp_path):
    lines = [{"case_id": "a", "v": "12"}, {"case_id": "b", "v": 12}, {"case_id": "c", "v": [1, 2]}]
    planned(
        tmp_path,
        HEAD + 'catalog = { path = "s.jsonl" }\n' + RULE,
        s__jsonl="".join(json.dumps(line) + "\n" for line in lines),
    )
    values = [child(tmp_path / "out", name)["command"]["parameters"]["value"] for name in "abc"]
    assert values == ["12", 12, [1, 2]]


CATALOG = """\
\ufeff"case_id",case_label,axis,enabled,tags,region,v
a,first,K,1,good;deep,West,1
b,,K,yes,good,west,2
c,,K,on,good;odd,west,3
d,,K,y,good,east,4
e,,K,,good,west,5
f,,K,false,good,west,6
g,,K,TRUE,poor,west,7
h,,K,1,good; deep ,WEST,8
"""


def test_filters_of_the_catalog_drop_and_count(tmp_path):
    keys = (
        'path = "s.csv", tags = ["good"], exclude_tags = ["odd"], '
        'field_equals = { region = "west" }'
    )
    cases = planned(tmp_path, HEAD + f"catalog = {{ {keys} }}\n" + RULE, s__csv=CATALOG)
    assert [row["case_id"] for row in cases] == ["a", "b", "h"]
    assert [row["case_label"] for row in cases] == ["first", "b", "h"]
    catalog = read(tmp_path / "out/testbed_plan.json")["catalog"]
    assert catalog["sha256"] == hashlib.sha256((tmp_path / "s.csv").read_bytes()).hexdigest()
    assert catalog["rows"] == 8
    assert catalog["kept"] == 3
    assert sum(catalog["dropped"].values()) == 5
    assert catalog["path"] == "../s.csv"
    for key in CATALOG_KEYS.split():
        assert key in catalog, key


def test_disabled_rows_are_kept_when_asked_for_and_the_limit_cuts(tmp_path):
    keys = 'path = "s.csv", include_disabled = true'
    cases = planned(tmp_path / "all", HEAD + f"catalog = {{ {keys} }}\n" + RULE, s__csv=CATALOG)
    status = {row["case_id"]: row["status"] for row in cases}
    assert len(status) == 8
    assert [name for name in status if status[name] == "disabled"] == ["e", "f"]
    keys = 'path = "s.csv", limit = 2'
    cases = planned(tmp_path / "cut", HEAD + f"catalog = {{ {keys} }}\n" + RULE, s__csv=CATALOG)
    assert [row["case_id"] for row in cases] == ["a", "b"]


def test_rules_are_crossed_with_rows_in_order_and_filter_by_themselves(tmp_path):
    rules = """\
[[testbed.case_from_catalog]]
id_template = "{case_id}_one"
label_template = "{case_id} in {region}"
axis_template = "at_{region}"
tags = ["deep"]
overlay.command.parameters.report.a = "{v}"
[[testbed.case_from_catalog]]
id_template = "{case_id}_two"
limit = 2
overlay.command.parameters.report.a = "{v}"
"""
    text = HEAD + 'catalog = { path = "s.csv" }\n' + rules
    cases = planned(tmp_path, text, s__csv=CATALOG)
    assert [row["case_id"] for row in cases] == ["a_one", "h_one", "a_two", "b_two"]
    assert cases[0]["case_label"] == "a in West"
    assert cases[0]["axis"] == "at_West"


def test_value_template_sets_the_keys_of_the_axis(tmp_path):
    rule = '[[testbed.case_from_catalog]]\naxis_template = "A"\nvalue_template = "{v}"\n'
    text = HEAD + 'catalog = { path = "s.csv" }\n' + axis("A", "values = [1.0, 2.0]") + rule
    cases = planned(tmp_path, text, s__csv="case_id,v\none,1.0\ntwo,2.0\n")
    assert [reported(tmp_path, row["case_id"])["A"] for row in cases] == [1.0, 2.0]
    assert {row["axis"] for row in cases} == {"A"}
    assert {row["isolation"]["verdict"] for row in cases} == {"pass"}


def test_path_fields_count_from_the_folder_of_the_catalog(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/in.txt").write_text("x")
    (tmp_path / "data/s.csv").write_text("case_id,file\none,in.txt\n")
    keys = 'path = "data/s.csv", path_fields = ["file"]'
    rule = '[[testbed.case_from_catalog]]\noverlay.command.inputs__append = ["{file}"]\n'
    planned(tmp_path, HEAD + f"catalog = {{ {keys} }}\n" + rule)
    assert child(tmp_path / "out", "one")["command"]["inputs"] == [
        "../../model.py",
        "../../data/in.txt",
    ]


def test_other_names_of_the_fields(tmp_path):
    keys = (
        'path = "s.txt", format = "csv", id_field = "name", label_field = "title", '
        'axis_field = "kind", enabled_field = "use", tags_field = "marks", tag_separator = "|", '
        'tags = ["good"]'
    )
    rule = '[[testbed.case_from_catalog]]\noverlay.command.parameters.report.a = "{v}"\n'
    cases = planned(
        tmp_path,
        HEAD + f"catalog = {{ {keys} }}\n" + rule,
        s__txt="name,title,kind,use,marks,v\n"
        "x,The X,K,1,odd|good,1\ny,Y,K,0,good,1\nz,Z,K,1,odd,1\n",
    )
    assert [(row["case_id"], row["case_label"], row["axis"]) for row in cases] == [
        ("x", "The X", "K")
    ]


# -- merging -----------------------------------------------------------------------------------

NESTED = BASE + 'b = 2.0\n[command.parameters.deep]\nlist = [1, 2]\nempty = []\ntext = "x"\n'


def test_tables_merge_and_lists_replace(tmp_path):
    overlay = """\
[[testbed.case]]
id = "x"
[testbed.case.overlay.command.parameters]
deep = { list = [3], text = "" }
report.b = 5.0
"""
    planned(tmp_path, HEAD + overlay, NESTED)
    parameters = child(tmp_path / "out", "x")["command"]["parameters"]
    assert parameters == {
        "report": {"a": 1.0, "b": 5.0},
        "deep": {"list": [3], "empty": [], "text": ""},
    }


def test_directives_append_delete_replace_and_never_reach_the_child(tmp_path):
    overlay = """\
[[testbed.case]]
id = "x"
[testbed.case.overlay.command.parameters]
deep.list__append = [3]
deep.text__delete = true
report__replace = { c = 7.0 }
"""
    planned(tmp_path, HEAD + overlay, NESTED)
    parameters = child(tmp_path / "out", "x")["command"]["parameters"]
    assert parameters == {"report": {"c": 7.0}, "deep": {"list": [1, 2, 3], "empty": []}}
    text = (tmp_path / "out/_generated_configs/x.toml").read_text()
    assert "__" not in text


def test_arrays_of_tables_merge_by_id(mf6, tmp_path):
    overlay = """\
[[testbed.case]]
id = "x"
[testbed.case.overlay.flow]
bc = [
  { id = "east", head = 41.0 },
  { id = "middle", package = "drn", where = { all = true }, elevation = "top", leakance = 1e-5 },
]
"""
    planned(tmp_path, FLOW_HEAD + overlay, FLOW)
    boundaries = child(tmp_path / "out", "x")["flow"]["bc"]
    assert [(one["id"], one.get("head")) for one in boundaries] == [
        ("west", 45.0),
        ("east", 41.0),
        ("middle", None),
    ]
    assert boundaries[1]["package"] == "chd"


def test_axis_key_steps_into_an_array_by_id_and_replace_takes_it_whole(mf6, tmp_path):
    text = (
        FLOW_HEAD
        + axis("H", "values = [46.0]", "flow.bc.west.head")
        + design("g", "grid", 'axes = ["H"]\nid_template = "g"')
        + '[[testbed.case]]\nid = "r"\n[testbed.case.overlay.flow]\nbc__replace = '
        + '[{ id = "south", package = "chd", where = { side = "south" }, head = 44.0 }]\n'
    )
    planned(tmp_path, text, FLOW)
    heads = {one["id"]: one["head"] for one in child(tmp_path / "out", "g")["flow"]["bc"]}
    assert heads == {"west": 46.0, "east": 40.0}
    assert [one["id"] for one in child(tmp_path / "out", "r")["flow"]["bc"]] == ["south"]


def test_base_inherits_and_its_paths_count_from_where_they_were_written(tmp_path):
    (tmp_path / "far").mkdir()
    write(tmp_path / "far", HEAD)  # far/model.py
    (tmp_path / "far/parent.toml").write_text(BASE)
    base = 'base_config = "far/parent.toml"\n[command.parameters.report]\nb = 2.0\n'
    planned(tmp_path, HEAD + case("x"), base)
    made = child(tmp_path / "out", "x")
    assert made["command"]["inputs"] == ["../../far/model.py"]
    assert made["command"]["parameters"]["report"] == {"a": 1.0, "b": 2.0}
    assert "base_config" not in made


# -- what goes over the file -------------------------------------------------------------------


def test_overlay_then_set_then_environment_go_over_the_file(tmp_path, monkeypatch):
    write(tmp_path, HEAD + 'purpose = "file"\n' + case("x"))
    over = tmp_path / "over.toml"
    over.write_text('[testbed]\npurpose = "overlay"\nmax_cases = 7\nprofile = "generic"\n')
    words = ["testbed", "plan", tmp_path / "k.toml"]

    def purpose(*more: object) -> str:
        said = mhx(*words, *more)
        assert said.code == 0, said.text
        return str(read(tmp_path / "out/testbed_plan.json")["purpose"])

    assert purpose() == "file"
    assert purpose("--overlay", over) == "overlay"
    assert purpose("--set", "testbed.purpose=set", "--overlay", over) == "set"
    monkeypatch.setenv("MHX_SET_testbed__purpose", "environment")
    assert purpose("--set", "testbed.purpose=set", "--overlay", over) == "environment"
    plan = read(tmp_path / "out/testbed_plan.json")
    assert plan["config_path"] == "../k.toml"  # the real file
    text = json.dumps(plan["overrides"])
    assert "testbed.purpose" in text
    assert "testbed.max_cases" in text
    monkeypatch.delenv("MHX_SET_testbed__purpose")
    assert purpose() == "file"
    assert read(tmp_path / "out/testbed_plan.json")["overrides"] == []


def test_fault_of_an_override_names_where_it_came_from(tmp_path, monkeypatch):
    path = write(tmp_path, HEAD + case("x"))
    said = mhx("testbed", "plan", path, "--set", "testbed.execute=maybe")
    assert said.code == 2
    assert "testbed.execute" in said.err
    assert "--set" in said.err
    monkeypatch.setenv("MHX_SET_testbed__execute", "maybe")
    said = mhx("testbed", "plan", path)
    assert said.code == 2
    assert "MHX_SET_testbed__execute" in said.err


def test_testbed_file_inherits_and_its_cases_merge_by_id(tmp_path):
    write(tmp_path / "far", HEAD + case("one", a=2.0) + case("two", a=3.0))
    heir = """\
base_config = "far/k.toml"
[testbed]
purpose = "heir"
output_root = "out"
[[testbed.case]]
id = "two"
enabled = false
[[testbed.case]]
id = "three"
overlay.command.parameters.report.a = 9.0
"""
    (tmp_path / "heir.toml").write_text(heir)
    said = mhx("testbed", "plan", tmp_path / "heir.toml")
    assert said.code == 0, said.text
    plan = read(tmp_path / "out/testbed_plan.json")
    assert [(row["case_id"], row["status"]) for row in plan["cases"]] == [
        ("one", "planned"),
        ("two", "disabled"),
        ("three", "planned"),
    ]
    assert (plan["purpose"], plan["config_path"]) == ("heir", "../heir.toml")
    assert plan["base_config"] == "../far/base.toml"  # told where it was written
    assert child(tmp_path / "out", "three")["command"]["inputs"] == ["../../far/model.py"]
    assert not (tmp_path / "far/out").exists()
