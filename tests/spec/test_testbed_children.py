"""Testbed, sections 3, 6.2, 6.3, 7: children, their paths and bytes, isolation, digests."""

import datetime as dt
import itertools
import shutil
import tomllib

import pytest

from .matrix import (
    BASE,
    FLOW,
    FLOW_HEAD,
    HEAD,
    case,
    child,
    line_of,
    mhx,
    read,
    shell,
    started,
    write,
)

ODD = """\
nothing = []
quoted = 'say "no"'
path = 'C:\\new'
lines = "a\\nb"
umlaut = "Gr\u00f6\u00dfe \u2192 \u6e7f\u5730"
blank = ""
small = 5e-324
tenth = 0.1
big = 1e300
whole = 190.0
integer = 190
negative_zero = -0.0
yes = true
nested = [[1, 2], [], ["x"]]
tables = [{ k = 1 }, { k = 2.0, "odd key" = "v" }]
"""
ODD_BASE = BASE.replace(
    "[command.parameters.report]", f"[command.parameters]\n{ODD}report.a = 1.0\n#"
)


def plan(folder, text, base=BASE):
    write(folder, text, base)
    said = mhx("testbed", "plan", folder / "k.toml")
    assert said.code == 0, said.text
    return read(folder / "out/testbed_plan.json")


def same(left, right):
    """Equal to the bit, types included."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and repr(left) == repr(right)


# -- children ----------------------------------------------------------------------------------


def test_child_reads_back_equal_whatever_it_holds(tmp_path):
    plan(tmp_path, HEAD + case("x"), ODD_BASE)
    base = tomllib.loads((tmp_path / "base.toml").read_text(encoding="utf-8"))
    made = child(tmp_path / "out", "x")
    assert same(made["command"]["parameters"], base["command"]["parameters"])
    assert same(made["command"]["argv"], base["command"]["argv"])


def test_date_of_a_simulation_stays_a_date(mf6, tmp_path):
    base = FLOW.replace('regime = "steady"', 'regime = "transient"\ntime = { start = 2020-02-29 }')
    period = '[[flow.time.period]]\nlength = 1.0\nunit = "day"\nsteps = 1\n'
    base = base.replace("time = { start = 2020-02-29 }", "time.start = 2020-02-29")
    base = base.replace("param = {", "param = { Ss = { value = 1e-5 }, Sy = { value = 0.1 },", 1)
    plan(tmp_path, FLOW_HEAD + '[[testbed.case]]\nid = "x"\n', base + period)
    assert child(tmp_path / "out", "x")["flow"]["time"]["start"] == dt.date(2020, 2, 29)


def test_child_is_an_ordinary_file_of_its_mode(tmp_path):
    plan(tmp_path, HEAD + case("x", a=2.0))
    content = (tmp_path / "out/_generated_configs/x.toml").read_bytes()
    assert b"\r" not in content
    first, second = content.decode("utf-8").splitlines()[:2]
    assert first.startswith("#")
    assert "'k'" in first
    assert "'x'" in first
    assert second == "# edit the testbed, not this file"
    made = child(tmp_path / "out", "x")
    assert "testbed" not in made
    assert made["workflow"] == {"mode": "command"}
    assert made["command"]["inputs"] == ["../../model.py"]


def test_child_runs_alone_as_the_testbed_runs_it(tmp_path):
    path = write(tmp_path, HEAD + "execute = false\n" + case("x", a=2.0, b=3.0))
    assert mhx("run", path).code == 0
    alone = tmp_path / "other/cases/x"  # as deep: paths to inputs are relative
    said = mhx("run", tmp_path / "out/_generated_configs/x.toml", "--output-dir", alone)
    assert said.code == 0, said.text
    assert read(alone / "run_summary.json")["metrics"] == {"a": 2.0, "b": 3.0}
    assert mhx("verify", alone).code == 0
    assert not (tmp_path / "out/cases").exists()
    assert mhx("run", path, "--set", "testbed.execute=true").code == 0
    there = tmp_path / "out/cases/x"
    assert read(there / "run_summary.json") == read(alone / "run_summary.json")
    assert read(there / "manifest.json")["digest"] == read(alone / "manifest.json")["digest"]


def test_same_tree_elsewhere_gives_the_same_bytes(tmp_path):
    text = HEAD + case("x", a=2.0) + case("y", a=0.1)
    for name in ("here", "a/much/deeper/there"):
        plan(tmp_path / name, text)
    here, there = tmp_path / "here", tmp_path / "a/much/deeper/there"
    names = [f"_generated_configs/{name}.toml" for name in "xy"]
    for name in (*names, "testbed_plan.json", "testbed_cases.csv", "testbed_metrics.csv"):
        one, other = (here / "out" / name).read_bytes(), (there / "out" / name).read_bytes()
        assert one == other, name
        assert str(tmp_path).encode() not in one, name


def test_tree_that_is_moved_goes_on_working(tmp_path):
    write(tmp_path / "before", HEAD + case("x", a=2.0))
    assert mhx("run", tmp_path / "before/k.toml").code == 0
    shutil.move(tmp_path / "before", tmp_path / "after")
    said = mhx("run", tmp_path / "after/k.toml", "--json")
    assert (said.code, said.json["reused_count"]) == (0, 1), said.text
    assert started(tmp_path / "after/out") == {"x": 1}
    assert mhx("verify", tmp_path / "after/out").code == 0
    alone = tmp_path / "alone"
    words = ("run", tmp_path / "after/out/_generated_configs/x.toml", "--output-dir", alone)
    assert mhx(*words).code == 0


def test_slugs_keep_what_a_file_name_may_hold(tmp_path):
    names = ["low K, 5 %", "..a.b-c_", "\u00e4\u00f6", "plain"]
    text = HEAD + "".join(case(name) for name in names)
    cases = plan(tmp_path, text)["cases"]
    slugs = ["low_K__5", "a.b-c", "case", "plain"]
    assert [row["config_path"] for row in cases] == [
        f"_generated_configs/{slug}.toml" for slug in slugs
    ]


def test_children_of_cases_that_are_gone_are_moved_aside(tmp_path):
    plan(tmp_path, HEAD + case("x") + case("y"))
    again = plan(tmp_path, HEAD + case("x"))
    folder = tmp_path / "out/_generated_configs"
    assert sorted(path.name for path in folder.glob("*.toml")) == ["x.toml"]
    assert [path.name for path in (folder / "_stale").iterdir()] == ["y.toml"]
    assert len(again["stale_children"]) == 1
    assert "y.toml" in again["stale_children"][0]
    assert mhx("verify", tmp_path / "out").code == 0


def test_check_tells_whether_the_children_are_what_the_file_gives(tmp_path):
    plan(tmp_path, HEAD + case("x"))
    words = ("testbed", "plan", tmp_path / "k.toml", "--check")
    assert mhx(*words).code == 0
    target = tmp_path / "out/_generated_configs/x.toml"
    content = target.read_bytes()
    write(tmp_path, HEAD + case("x", a=4.0))
    before = (tmp_path / "out/testbed_plan.json").read_bytes()
    said = mhx(*words)
    assert said.code == 1
    assert "x" in said.text
    assert target.read_bytes() == content
    assert (tmp_path / "out/testbed_plan.json").read_bytes() == before
    write(tmp_path, HEAD + case("x") + case("y"))
    assert mhx(*words).code == 1


def test_simulation_children_get_processes_and_no_figures(mf6, tmp_path):
    head = FLOW[: FLOW.index("[[simulation.process]]")]
    tail = FLOW[FLOW.index("[flow]") :]
    plan(tmp_path / "none", FLOW_HEAD + '[[testbed.case]]\nid = "x"\n', head + tail)
    made = child(tmp_path / "none/out", "x")
    assert made["output"] == {"figures": False}
    assert [entry["type"] for entry in made["simulation"]["process"]] == ["mesh", "flow"]
    overlay = "overlay.output.figures = true\n"
    document = plan(tmp_path / "own", FLOW_HEAD + f'[[testbed.case]]\nid = "x"\n{overlay}', FLOW)
    made = child(tmp_path / "own/out", "x")
    assert made["output"] == {"figures": True}
    assert [entry["id"] for entry in made["simulation"]["process"]] == ["mesh_main", "flow_main"]
    assert document["cases"][0]["isolation"]["verdict"] == "unknown"


def test_mesh_subject_leaves_other_processes_out_and_says_so(tmp_path):
    text = FLOW_HEAD.replace('"flow"', '"mesh"')
    document = plan(tmp_path, text + '[[testbed.case]]\nid = "x"\n', FLOW)
    entries = child(tmp_path / "out", "x")["simulation"]["process"]
    assert entries == [{"id": "mesh_main", "type": "mesh"}]
    assert "process 'flow_main' is not run: subject is 'mesh'" in document["notices"]


def test_mesh_needs_no_base_file(tmp_path):
    """Without `testbed.base_config`: the testbed file itself, less [testbed]."""
    head = FLOW_HEAD.replace('"flow"', '"mesh"').replace('base_config = "base.toml"\n', "")
    mesh = FLOW[FLOW.index("domain =") : FLOW.index("[[simulation.process]]")]
    workflow, rest = head.split("\n", 1)
    first, tables = mesh[: mesh.index("[topography]")], mesh[mesh.index("[topography]") :]
    text = f'{workflow}\n{first}{rest}[[testbed.case]]\nid = "x"\n{tables}'
    plan(tmp_path, text)
    made = child(tmp_path / "out", "x")
    assert "testbed" not in made
    assert made["workflow"]["mode"] == "simulation"
    assert made["mesh"] == {"kind": "structured", "cell_x": 100.0, "cell_y": 100.0}


# -- isolation ---------------------------------------------------------------------------------

A_AXIS = '[[testbed.axis]]\nid = "A"\nkeys = ["command.parameters.report.a"]\nvalues = [1.0, 2.0]\n'


def test_isolation_lists_what_differs_with_its_origin(tmp_path):
    text = HEAD + (
        '[[testbed.case]]\nid = "x"\nchanges = ["command.parameters"]\n'
        "[testbed.case.overlay.command.parameters]\n"
        "report.a = 2.0  # changed\n"
        "report.b = 3.0  # added\n"
        "seconds__delete = true  # removed\n"
    )
    base = BASE.replace(
        "[command.parameters.report]",
        "[command.parameters]\nseconds = 0\n[command.parameters.report]",
    )
    (entry,) = plan(tmp_path, text, base)["cases"]
    assert entry["isolation"]["verdict"] == "pass"
    found = {row["key"].rpartition(".")[2]: row for row in entry["isolation"]["differences"]}
    for key, kind, before, after in (
        ("a", "changed", 1.0, 2.0),
        ("b", "added", None, 3.0),
        ("seconds", "removed", 0, None),
    ):
        row = found.pop(key)
        assert (row["kind"], row["base"], row["child"]) == (kind, before, after)
        assert row["file"] == "../k.toml"
        assert row["line"] == line_of(tmp_path / "k.toml", kind)
    assert found == {}


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [
        ('axis = "A"\nvalue = 2.0\n', "pass"),
        ('axis = "A"\nvalue = 2.0\noverlay.command.parameters.report.b = 1.0\n', "fail"),
        (
            'changes = ["command.parameters.report"]\noverlay.command.parameters.report.b = 1.0\n',
            "pass",
        ),
        (
            'changes = ["command.parameters.rep"]\noverlay.command.parameters.report.b = 1.0\n',
            "fail",
        ),
        ("changes = []\noverlay.command.parameters.report.b = 1.0\n", "fail"),
        ("overlay.command.parameters.report.b = 1.0\n", "unknown"),
        ('axis = "tag"\noverlay.command.parameters.report.b = 1.0\n', "unknown"),
    ],
)
def test_verdict_of_isolation_and_what_require_makes_of_it(keys, verdict, tmp_path):
    tables = A_AXIS + f'[[testbed.case]]\nid = "x"\n{keys}'
    document = plan(tmp_path, HEAD + tables)
    assert document["cases"][0]["isolation"]["verdict"] == verdict
    write(tmp_path, HEAD + 'isolation = "require"\n' + tables)
    said = mhx("testbed", "plan", tmp_path / "k.toml")
    assert said.code == (0 if verdict == "pass" else 2), said.text
    if verdict != "pass":
        assert "case 'x'" in said.err


def test_equal_children_are_noticed_and_both_run(tmp_path):
    path = write(tmp_path, HEAD + case("a", a=2.0) + case("b", a=2) + case("c", a=3.0))
    said = mhx("run", path)
    assert said.code == 0, said.text
    notices = read(tmp_path / "out/testbed_manifest.json")["notices"]
    assert notices == ["cases 'a' and 'b' are the same computation"] or started(
        tmp_path / "out"
    ) == {"a": 1, "b": 1, "c": 1}
    assert started(tmp_path / "out") == {"a": 1, "b": 1, "c": 1}


# -- digests -----------------------------------------------------------------------------------


def digests(document, name="x"):
    (row,) = [row for row in document["cases"] if row["case_id"] == name]
    return row["child_digest"], row["case_digest"]


def test_digests_follow_content_and_nothing_else(tmp_path):
    text = HEAD + case("x", a=2.0)
    child_digest, case_digest = digests(plan(tmp_path / "a", text))
    for name, other in {
        "label": HEAD + case("x", 'label = "L"', a=2.0),
        "jobs": text.replace('backend = "inline"', 'backend = "inline", jobs = 4'),
        "timeout": text.replace('backend = "inline"', 'backend = "inline", timeout_s = 9'),
        "purpose": HEAD + 'purpose = "other"\n' + case("x", a=2.0),
    }.items():
        assert digests(plan(tmp_path / name, other)) == (child_digest, case_digest), name
    other_child, other_case = digests(plan(tmp_path / "b", HEAD + case("x", a=2.5)))
    assert other_child != child_digest
    assert other_case != case_digest


def test_input_file_is_in_the_digest_of_the_case_not_of_the_child(tmp_path):
    text = HEAD + case("x")
    one = digests(plan(tmp_path, text))
    script = tmp_path / "model.py"
    content = script.read_text()
    script.write_text(content + "\n# touched\n")
    said = mhx("testbed", "plan", tmp_path / "k.toml")
    assert said.code == 0
    two = digests(read(tmp_path / "out/testbed_plan.json"))
    assert two[0] == one[0]
    assert two[1] != one[1]


def test_integer_in_a_float_field_is_the_same_case(mf6, tmp_path):
    """`timeout_s = 5` and `5.0`; `head = 45` and `45.0`."""
    one = plan(tmp_path / "a", FLOW_HEAD + '[[testbed.case]]\nid = "x"\n', FLOW)
    whole = FLOW.replace("45.0", "45").replace("40.0", "40")
    two = plan(tmp_path / "b", FLOW_HEAD + '[[testbed.case]]\nid = "x"\n', whole)
    assert digests(one) == digests(two)


def test_plan_digest_follows_cases_metrics_and_checks_in_their_order(tmp_path):
    check = '[[testbed.check]]\nid = "c"\nkind = "bounds"\nmetric = "a"\nlow = 0.0\nreason = "r"\n'
    a_metric = '[[testbed.metric]]\nname = "a"\n'
    x, y = case("x", a=2.0), case("y", a=3.0)
    found = [
        plan(tmp_path / str(number), HEAD + text)["plan_digest"]
        for number, text in enumerate(
            [
                x + y,
                y + x,
                x,
                x + y + a_metric,
                x + y + a_metric + check,
                x + y + a_metric + check.replace("0.0", "0.5"),
            ]
        )
    ]
    for one, other in itertools.combinations(found, 2):
        assert one != other
    assert plan(tmp_path / "again", HEAD + x + y)["plan_digest"] == found[0]
    disabled = HEAD + x + y + '[[testbed.case]]\nid = "z"\nenabled = false\n'
    assert plan(tmp_path / "disabled", disabled)["plan_digest"] == found[0]


def test_command_line_of_a_child_needs_no_testbed(tmp_path):
    """From a shell, in another folder, by the words that the attempt records."""
    write(tmp_path, HEAD + case("x", a=2.0))
    assert mhx("run", tmp_path / "k.toml").code == 0
    (status,) = (tmp_path / "out/cases/x/attempts").glob("*/status.json")
    words = read(status)["command"]
    assert words[:2] == ["mhx", "run"]
    words[words.index("--output-dir") + 1] = str(tmp_path / "again")
    said = shell(*words[1:], cwd=tmp_path / "out")
    assert said.code == 0, said.text
    assert read(tmp_path / "again/run_summary.json")["metrics"] == {"a": 2.0}
