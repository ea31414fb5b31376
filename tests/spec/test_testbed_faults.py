"""Testbed, section 5: what is wrong with a file is said in the documented words, file and line.

In each example the line at fault ends with the comment `# here` (or `# there`); `{here}` stands
for its number in the text that is expected.
"""

import re
from pathlib import Path

import pytest

from .matrix import BASE, FLOW, FLOW_HEAD, HEAD, case, line_of, metric, mhx, read, rows, write

TWO = HEAD + case("one") + case("two", a=2.0)
FLOW_CASE = '[[testbed.case]]\nid = "{}"\n'
K_AXIS = """\
[[testbed.axis]]
id = "K"
keys = ["flow.param.K.value"]
values = [1e-6, 1e-5]
"""
A_AXIS = """\
[[testbed.axis]]
id = "A"
keys = ["command.parameters.report.a"]
values = [1.0, 2.0, 4.0]
"""
CATALOG = 'catalog = { path = "sites.csv" }\n'
RULE = '[[testbed.case_from_catalog]]\noverlay.command.parameters.report.a = "{K}"\n'


def marked(text: str, folder: Path, name: str) -> str:
    """The text with `{here}`, `{there}` as line numbers of that file."""
    for mark in ("here", "there"):
        if f"{{{mark}}}" in text:
            text = text.replace(f"{{{mark}}}", str(line_of(folder / name, mark)))
    return text


def check(tmp: Path, expected: str) -> None:
    """One fault, in these words: `FILE:LINE  TEXT`; exit 2, nothing on stdout, no traceback."""
    name = expected.partition(":")[0]
    expected = marked(expected, tmp, name)
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 2, said.text
    assert said.out == ""
    assert said.err == f"mhx: k.toml: 1 fault\n  {expected}\n"
    again = mhx("run", "k.toml", "--dry-run")
    assert (again.code, again.err) == (2, said.err)


# -- the [testbed] tables ----------------------------------------------------------------------

TABLES = {
    "table missing": (
        'workflow = { mode = "testbed" }  # here\n',
        "k.toml:{here}  [testbed] is missing; workflow.mode is 'testbed'",
    ),
    "unknown key": (
        TWO + '[[testbed.metrc]]  # here\nname = "a"\n',
        "k.toml:{here}  testbed.metrc is not a known key; did you mean testbed.metric?",
    ),
    "wrong type": (
        HEAD + 'execute = "false"  # here\n' + case("one"),
        "k.toml:{here}  testbed.execute must be true or false, got 'false' (a string)",
    ),
    "unknown subject": (
        HEAD.replace('"external"', '"flo"  # here') + case("one"),
        "k.toml:{here}  testbed.subject is 'flo'; did you mean 'flow'? "
        "Known: mesh, flow, transport, reconnection, external",
    ),
    "unknown runner": (
        HEAD.replace('{ type = "command" }', '{ type = "mf6" }  # here') + case("one"),
        "k.toml:{here}  testbed.runner.type is 'mf6'; "
        "known: simulation, comparison, reduced_mhd, command",
    ),
    "wrong pair": (
        HEAD.replace('subject = "external"', 'subject = "mesh"  # here') + case("one"),
        "k.toml:{here}  testbed.subject 'mesh' does not run with 'command'; "
        "it runs with: simulation",
    ),
    "no such base": (
        HEAD.replace('"base.toml"', '"bose.toml"  # here') + case("one"),
        "k.toml:{here}  testbed.base_config: no file 'bose.toml' in the folder of k.toml",
    ),
    "no case": (
        HEAD,
        "k.toml:2  no case is declared; add [[testbed.case]], [[testbed.case_from_catalog]] "
        "or [[testbed.design]]",
    ),
    "empty id": (
        TWO + '[[testbed.case]]\nid = ""  # here\n',
        "k.toml:{here}  testbed.case[2].id is empty",
    ),
    "same slug": (
        HEAD + case("a b") + '[[testbed.case]]\nid = "a_b"  # here\n',
        "k.toml:{here}  cases 'a b' and 'a_b' would share _generated_configs/a_b.toml; rename one",
    ),
    "overlay type": (
        HEAD + '[[testbed.case]]\nid = "low_k"\noverlay = [1]  # here\n',
        "k.toml:{here}  case 'low_k': overlay must be a table, got a list",
    ),
    "reserved": (
        HEAD + '[[testbed.case]]\nid = "low_k"\noverlay.workflow.mode = "simulation"  # here\n',
        "k.toml:{here}  case 'low_k': overlay may not set workflow.mode; "
        "the pair (external, command) fixes it",
    ),
    "value without axis": (
        HEAD + '[[testbed.case]]\nid = "low_k"\naxis = "K"\nvalue = 1.0  # here\n',
        "k.toml:{here}  case 'low_k': value needs a declared axis; 'K' is only a tag",
    ),
    "append": (
        HEAD + '[[testbed.case]]\nid = "x"\noverlay.command.templates__append = ["t"]  # here\n',
        "k.toml:{here}  case 'x': command.templates__append has nothing to append to",
    ),
    "delete not true": (
        HEAD + '[[testbed.case]]\nid = "x"\noverlay.command.inputs__delete = 1  # here\n',
        "k.toml:{here}  case 'x': command.inputs__delete must be true, got 1",
    ),
    "delete nothing": (
        HEAD + '[[testbed.case]]\nid = "x"\noverlay.command.input__delete = true  # here\n',
        "k.toml:{here}  case 'x': command.input__delete names no inherited key; "
        "did you mean command.inputs?",
    ),
    "fixed column": (
        TWO + '[[testbed.metric]]\nname = "status"  # here\nsource = "a"\n',
        "k.toml:{here}  metric name 'status' is a fixed column; choose another",
    ),
    "check of an unknown metric": (
        TWO
        + metric("head")
        + '[[testbed.check]]\nid = "trend"\nkind = "bounds"\nlow = 0.0\nmetric = "heads"  # here\n'
        + 'reason = "r"\n',
        "k.toml:{here}  check 'trend': metric 'heads' is not declared; did you mean 'head'?",
    ),
    "limit": (
        HEAD + 'catalog = { path = "sites.csv", limit = 0 }  # here\n' + RULE,
        "k.toml:{here}  testbed.catalog.limit must be >= 1, got 0",
    ),
    "child": (
        HEAD + '[[testbed.case]]\nid = "low_k"\noverlay.command.input = []  # here\n',
        "k.toml:{here}  case 'low_k': command.input is not a known key; "
        "did you mean command.inputs?",
    ),
}


@pytest.mark.parametrize("situation", TABLES)
def test_fault_of_a_table_names_file_line_and_way_out(situation, inside):
    text, expected = TABLES[situation]
    write(inside, text, sites__csv="case_id,K\ns1,1.0\n")
    check(inside, expected)


def test_older_faults_of_checks_stand_at_the_check(inside):
    """`needs axis`, `has no bound`, `has no refines`: one list, in the order of the file."""
    checks = """\
[[testbed.check]]  # here
id = "trend"
kind = "monotonic"
metric = "a"
direction = "increasing"
reason = "r"
[[testbed.check]]
id = "mass"
kind = "bounds"
metric = "a"
reason = "r"
[[testbed.check]]
id = "order"
kind = "order"
metric = "a"
axis = "A"
formal_order = 2
order_tolerance = 0.25
reason = "r"
"""
    path = write(inside, HEAD + A_AXIS + case("one") + metric("a") + checks)
    said = mhx("testbed", "plan", path.name)
    assert said.code == 2
    head, *faults = said.err.splitlines()
    assert head == "mhx: k.toml: 3 faults"
    assert [fault.split("  ", 2)[2] for fault in faults] == [
        "check 'trend' (monotonic) needs axis",
        "check 'mass' (bounds) has no bound",
        "check 'order': axis 'A' has no refines = \"size\" or \"count\"",
    ]
    first = line_of(path, "here")
    numbers = [int(re.match(r"  k\.toml:(\d+)  ", fault)[1]) for fault in faults]
    assert first <= numbers[0] < first + 6 <= numbers[1] < first + 11 <= numbers[2] < first + 18


def test_case_ids_are_equal_without_regard_to_case(inside):
    path = write(
        inside,
        HEAD
        + '[[testbed.case]]\nid = "low_k"  # here\n'
        + '[[testbed.case]]\nid = "Low_K"  # there\n',
    )
    said = mhx("testbed", "plan", path.name)
    here, there = line_of(path, "here"), line_of(path, "there")
    text = (
        f"case id 'Low_K' is used twice (k.toml:{here} and {there}; upper and lower case are equal)"
    )
    assert said.code == 2
    assert re.fullmatch(rf"mhx: k.toml: 1 fault\n  k.toml:\d+  {re.escape(text)}\n", said.err), (
        said.err
    )


def test_metric_names_are_unique(inside):
    text = TWO + '[[testbed.metric]]\nname = "head"  # here\nsource = "a"\n'
    path = write(inside, text + '[[testbed.metric]]\nname = "head"  # there\nsource = "a"\n')
    said = mhx("testbed", "plan", path.name)
    here, there = line_of(path, "here"), line_of(path, "there")
    assert said.code == 2
    assert said.err.endswith(f"  metric 'head' is declared twice (k.toml:{here} and {there})\n")


def test_inheritance_that_goes_round_is_told_as_a_path(inside):
    write(inside, 'base_config = "b.toml"\n')
    (inside / "a.toml").write_text('base_config = "b.toml"\n')
    (inside / "b.toml").write_text('base_config = "a.toml"\n')
    said = mhx("run", "a.toml")
    assert said.code == 2
    assert "base_config goes round: a.toml -> b.toml -> a.toml\n" in said.err


def test_design_beyond_the_guard_is_counted_not_built(inside):
    axes = "".join(
        f'[[testbed.axis]]\nid = "x{i}"\nkeys = ["command.parameters.report.x{i}"]\n'
        "values = [0, 1, 2, 3]\n"
        for i in range(8)
    )
    ids = ", ".join(f'"x{i}"' for i in range(8))
    grid = f'[[testbed.design]]\nid = "grid"  # here\nkind = "grid"\naxes = [{ids}]\n'
    path = write(inside, HEAD + axes + grid)
    said = mhx("testbed", "plan", path.name)
    assert said.code == 2
    assert "the design 'grid' makes 65536 cases; testbed.max_cases is 10000\n" in said.err


# -- catalogs ----------------------------------------------------------------------------------


def test_filters_that_leave_no_case_say_what_each_dropped(inside):
    keys = 'path = "sites.csv", field_equals = { region = "west" }, tags = ["good"]'
    lines = [f"s{i},east,good,1.0" for i in range(9)] + [f"w{i},west,poor,1.0" for i in range(3)]
    sites = "case_id,region,tags,K\n" + "\n".join(lines) + "\n"
    write(inside, HEAD + f"catalog = {{ {keys} }}\n" + RULE, sites__csv=sites)
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 2
    assert (
        "no case is left: sites.csv has 12 rows, field_equals dropped 9, tags dropped 3\n"
        in said.err
    )


def test_row_without_required_fields_is_named_by_its_line(inside):
    keys = 'catalog = { path = "sites.csv", required_fields = ["K", "porosity"] }\n'
    sites = "case_id,K,porosity\n" + "".join(f"s{i},1,0.2\n" for i in range(5)) + "s6, ,\n"
    write(inside, HEAD + keys + RULE, sites__csv=sites)
    check(inside, "sites.csv:7  required fields missing or blank: K, porosity")


def test_template_with_an_unknown_field_lists_the_fields(inside):
    rule = (
        '[[testbed.case_from_catalog]]\noverlay.command.parameters.report.a = "{k_value}"  # here\n'
    )
    write(inside, HEAD + CATALOG + rule, sites__csv="case_id,K\ns1,1.0\n")
    check(
        inside,
        "k.toml:{here}  case_from_catalog[0] overlay.command.parameters.report.a: "
        "no field 'k_value'; fields: case_id, K",
    )


# -- groundwater: process entries, typed paths, the closed vocabulary ---------------------------

FLOWS = {
    "base missing": (
        FLOW_HEAD.replace('base_config = "base.toml"\n', "") + FLOW_CASE.format("one"),
        FLOW,
        r"k.toml:\d+  testbed.base_config is required for subject 'flow': "
        "every case is an overlay on it",
    ),
    "reserved": (
        FLOW_HEAD + FLOW_CASE.format("low_k") + 'overlay.workflow.mode = "reconnection"  # here\n',
        FLOW,
        "k.toml:{here}  case 'low_k': overlay may not set workflow.mode; "
        r"the pair \(flow, simulation\) fixes it",
    ),
    "append": (
        FLOW_HEAD + FLOW_CASE.format("x") + "overlay.mesh.constraint__append = []  # here\n",
        FLOW,
        "k.toml:{here}  case 'x': mesh.constraint__append has nothing to append to",
    ),
    "delete not true": (
        FLOW_HEAD + FLOW_CASE.format("x") + "overlay.flow.ic__delete = 1  # here\n",
        FLOW,
        "k.toml:{here}  case 'x': flow.ic__delete must be true, got 1",
    ),
    "delete nothing": (
        FLOW_HEAD + FLOW_CASE.format("x") + "overlay.flow.icc__delete = true  # here\n",
        FLOW,
        r"k.toml:{here}  case 'x': flow.icc__delete names no inherited key; did you mean flow.ic\?",
    ),
    "unknown source": (
        FLOW_HEAD
        + FLOW_CASE.format("x")
        + '[[testbed.metric]]\nname = "h"\nsource = "flow_metrics.n_cell"  # here\n',
        FLOW,
        "k.toml:{here}  metric 'h': a simulation never reports 'flow_metrics.n_cell'; "
        r"did you mean 'flow_metrics.n_cells'\?",
    ),
    "unit": (
        FLOW_HEAD
        + FLOW_CASE.format("x")
        + '[[testbed.metric]]\nname = "head"\nsource = "flow_metrics.head_range_m"\n'
        + 'unit = "ft"  # here\n',
        FLOW,
        "k.toml:{here}  metric 'head': unit 'ft' is not the unit of flow_metrics.head_range_m, 'm'",
    ),
    "child": (
        FLOW_HEAD + FLOW_CASE.format("low_k") + "overlay.flow.param.Kk.value = 1e-5  # here\n",
        FLOW,
        r"k.toml:{here}  case 'low_k': flow.param.Kk is not a known key; "
        r"did you mean flow.param.K\?",
    ),
}


@pytest.mark.parametrize("situation", FLOWS)
def test_fault_of_a_flow_matrix(situation, inside):
    text, base, expected = FLOWS[situation]
    path = write(inside, text, base)
    said = mhx("testbed", "plan", path.name)
    expected = marked(expected, inside, "k.toml")
    assert said.code == 2, said.text
    assert re.fullmatch(f"mhx: k.toml: 1 fault\n  {expected}\n", said.err), said.err


def test_process_of_the_subject_must_be_there(inside):
    base = FLOW.replace('[[simulation.process]]\nid = "flow_main"\ntype = "flow"\n', "")
    write(inside, FLOW_HEAD + FLOW_CASE.format("x"), base)
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 2
    assert "  subject is 'flow', but no [[simulation.process]] has type 'flow'\n" in said.err


def test_missing_input_of_the_base_stands_at_its_line_there(inside):
    base = FLOW.replace(
        "param = { K = { value = 1e-5 } }", 'param = { K = { file = "k.csv" } }  # here'
    )
    write(inside, FLOW_HEAD + FLOW_CASE.format("x"), base)
    here = line_of(inside / "base.toml", "here")
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 2
    assert f"  base.toml:{here}  " in said.err
    assert "flow.param.K.file: no file 'k.csv' beside base.toml\n" in said.err


def test_sources_of_patterns_are_known(mf6, inside):
    """`budget_<component>_net` and `param_<name>` are words of the vocabulary."""
    sources = ("budget_chd_net", "param_K", "budget_rcha_total_in", "budget_west_rate_in_m3_s")
    text = FLOW_HEAD + FLOW_CASE.format("x")
    for source in sources:
        text += f'[[testbed.metric]]\nname = "{source}"\nsource = "flow_metrics.{source}"\n'
    write(inside, text, FLOW)
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 0, said.text


# -- all at once, and what is left --------------------------------------------------------------


def test_all_faults_of_all_files_are_one_list(inside):
    text = (
        HEAD
        + 'execute = "no"  # here\nmax_case = 3  # there\n'
        + case("one")
        + '[[testbed.metric]]\nname = "error"\n'
    )
    path = write(inside, text)
    said = mhx("run", "k.toml")
    head, *faults = said.err.splitlines()
    assert said.code == 2
    assert head == f"mhx: k.toml: {len(faults)} faults"
    assert (
        f"  k.toml:{line_of(path, 'here')}  "
        "testbed.execute must be true or false, got 'no' (a string)"
    ) in faults
    assert (
        f"  k.toml:{line_of(path, 'there')}  "
        "testbed.max_case is not a known key; did you mean testbed.max_cases?"
    ) in faults
    assert any(
        fault.endswith("  metric name 'error' is a fixed column; choose another")
        for fault in faults
    )


def test_every_invalid_child_is_reported_recorded_and_nothing_runs(inside):
    text = (
        HEAD
        + '[[testbed.case]]\nid = "x"\noverlay.command.input = []  # here\n'
        + case("fine", a=2.0)
        + '[[testbed.case]]\nid = "y"\noverlay.command.timeout_s = -1.0  # there\n'
    )
    path = write(inside, text)
    said = mhx("run", "k.toml")
    assert said.code == 2
    head, first, second = said.err.splitlines()
    assert head == "mhx: k.toml: 2 faults"
    assert first.startswith(f"  k.toml:{line_of(path, 'here')}  case 'x': command.input is not")
    assert second.startswith(f"  k.toml:{line_of(path, 'there')}  case 'y': command.timeout_s ")
    found = {row["case_id"]: row for row in rows(inside / "out/testbed_cases.csv")}
    assert {name: row["status"] for name, row in found.items()} == {
        "x": "failed",
        "fine": "planned",
        "y": "failed",
    }
    assert "command.input is not a known key" in found["x"]["error"]
    assert not (inside / "out/cases").exists()
    assert read(inside / "out/testbed_manifest.json")["exit_code"] == 2


def test_output_root_of_another_testbed_is_refused(inside):
    write(inside, HEAD.replace('output_root = "out"', 'output_root = "outputs/k"') + case("one"))
    assert mhx("testbed", "plan", "k.toml").code == 0
    before = (inside / "outputs/k/testbed_plan.json").read_bytes()
    other = HEAD.replace('id = "k"', 'id = "other"').replace(
        'output_root = "out"', 'output_root = "outputs/k"  # here'
    )
    path = write(inside, other + case("one"))
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 2
    assert (
        f"  k.toml:{line_of(path, 'here')}  outputs/k already belongs to testbed 'k'; "
        "choose another testbed.output_root\n"
    ) in said.err
    assert (inside / "outputs/k/testbed_plan.json").read_bytes() == before


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ('testbed_id = "k"\n', 'id = "k"\n'),
        ('[[testbed.variant]]\nid = "two"\n', '[[testbed.case]]\nid = "one"\n'),
        ('[[testbed.metrics]]\nname = "a"\n', '[[testbed.metric]]\nname = "b"\n'),
    ],
)
def test_both_spellings_at_once_are_a_fault(older, newer, inside):
    text = HEAD.replace('id = "k"\n', "")
    table = [part for part in (older, newer) if part.startswith("[[")]
    keys = [part for part in (older, newer) if not part.startswith("[[")]
    text += "".join(keys) + (case("zero") if "case" not in newer else "") + "".join(table)
    write(inside, text)
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 2, said.text
    assert older.strip("[").split(" ")[0].split("]")[0].removeprefix("testbed.") in said.err


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("testbed_id", "id").replace('id = "k"', 'testbed_id = "k"') + case("one"),
        HEAD.replace('workflow = { mode = "testbed" }', 'workflow = "testbed"') + case("one"),
        HEAD + '[[testbed.variants]]\nid = "one"\n',
        HEAD + case("one") + '[[testbed.metrics]]\nname = "a"\n',
    ],
)
def test_older_spellings_are_accepted_with_a_notice(text, inside):
    write(inside, text)
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 0, said.text
    plan = read(inside / "out/testbed_plan.json")
    assert len(plan["notices"]) == 1
    assert read(inside / "out/testbed_manifest.json")["notices"] == plan["notices"]
    assert [row["case_id"] for row in plan["cases"]] == ["one"]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + 'profile = "regional_lab"\n' + case("one"),
        HEAD.replace('"command"', '"calibration"') + case("one"),
        TWO + '[mesh]\nkind = "structured"\n',
        HEAD + "jobs = 2\n" + case("one"),
        HEAD.replace("inline", "slurmm") + case("one"),
        HEAD.replace('backend = "inline"', "jobs = 0") + case("one"),
        HEAD.replace('backend = "inline"', "timeout_s = 0") + case("one"),
        HEAD + "max_cases = 1.5\n" + case("one"),
        HEAD + 'isolation = "strict"\n' + case("one"),
        BASE,
    ],
)
def test_other_wrong_tables_are_refused_in_words(text, inside):
    write(inside, text)
    said = mhx("testbed", "plan", "k.toml")
    assert said.code == 2, said.text
    assert "Traceback" not in said.text
    assert not (inside / "out" / "cases").exists()
