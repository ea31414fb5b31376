"""From a testbed file to children, digests and faults; nothing is run here."""

import json
import os
import re
import shutil
import sys
import tomllib
import types
from dataclasses import replace

import pytest

from mhx.errors import ConfigError, EngineMissing
from mhx.evidence.bulk import write_many
from mhx.testbed import plan as plans
from mhx.testbed.child import digests
from mhx.testbed.child.children import differing_children, write_children
from mhx.testbed.plan import make_plan
from mhx.workflow.load import Changes, load

THREE = """
[workflow]
mode = "testbed"
[testbed]
subject = "probe"
runner = { type = "probe" }
base_config = "base.toml"
axis = [{ id = "K", unit = "m/s", keys = ["probe.k"], values = [1.0, 2.0, 4.0] }]
design = [{ id = "line", kind = "grid", axes = ["K"] }]
"""
NODES = '[workflow]\nmode = "probe"\n[probe]\nk = 1.0\nnodes = "nodes.csv"\n'


@pytest.fixture
def plan(file):
    """Plan a testbed; three cases along K unless told otherwise."""

    def made(text=THREE, **told):
        return make_plan(file(text, **told))

    return made


def case(**keys):
    return "\n[[testbed.case]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def told(path, changes=None):
    with pytest.raises(ConfigError) as caught:
        make_plan(path, changes).raise_faults()
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def test_planning_writes_nothing(plan, tmp_path):
    assert len(plan().cases) == 3
    assert sorted(os.listdir(tmp_path)) == ["base.toml", "k.toml"]


def test_each_child_is_an_ordinary_configuration(plan, tmp_path):
    found = plan()
    assert write_children(found) == ()
    for planned, k in zip(found.cases, (1.0, 2.0, 4.0), strict=True):
        path = tmp_path / "testbed" / "k" / planned.config_path
        content = path.read_bytes()
        assert b"\r" not in content
        head = content.decode().splitlines()[:2]
        assert head == [
            f"# testbed 'k', case {planned.case.id!r}",
            "# edit the testbed, not this file",
        ]
        data = tomllib.loads(content.decode())
        assert data == planned.child == {"workflow": {"mode": "probe"}, "probe": {"k": k}}
        assert load(path).config["probe"]["k"] == k


def test_children_that_stand_are_left_and_those_of_no_case_put_aside(plan, tmp_path):
    write_children(plan())
    folder = tmp_path / "testbed" / "k" / "_generated_configs"
    stood = {path.name: path.stat().st_ino for path in folder.iterdir()}
    found = plan(fewer=("[1.0, 2.0, 4.0]", "[1.0, 2.0]"))
    assert differing_children(found) == ["line_4.toml"]
    assert write_children(found) == ("line_4.toml",)
    assert (folder / "_stale" / "line_4.toml").is_file()
    kept = {path.name: path.stat().st_ino for path in folder.glob("*.toml")}
    assert kept == {name: stood[name] for name in ("line_1.toml", "line_2.toml")}
    assert differing_children(found) == []


def test_an_edited_child_is_found_and_written_anew(plan, tmp_path):
    found = plan()
    write_children(found)
    child = tmp_path / "testbed" / "k" / found.cases[1].config_path
    whole = child.read_bytes()
    child.write_bytes(whole + b"\n")
    assert differing_children(found) == [child.name]
    write_children(found)
    assert child.read_bytes() == whole


def test_a_tree_that_is_moved_has_the_same_children_and_digests(file, tmp_path):
    (tmp_path / "nodes.csv").write_text("1,2\n")
    path = file(base=NODES)
    first = make_plan(path)
    write_children(first)
    moved = tmp_path.parent / f"{tmp_path.name}_moved"
    shutil.copytree(tmp_path, moved, ignore=shutil.ignore_patterns("_generated_configs"))
    second = make_plan(moved / "k.toml")
    write_children(second)
    for one, other in zip(first.cases, second.cases, strict=True):
        assert (first.root / one.config_path).read_bytes() == (
            second.root / other.config_path
        ).read_bytes()
        assert (one.child_digest, one.case_digest) == (other.child_digest, other.case_digest)
    assert first.document() == second.document()
    assert load(second.root / second.cases[0].config_path).inputs == {
        "probe.nodes": second.root / "_generated_configs/../../../nodes.csv"
    }


def test_digests_tell_configuration_inputs_and_code_apart(file, tmp_path, monkeypatch):
    nodes = tmp_path / "nodes.csv"
    nodes.write_text("1,2\n")
    path = file(base=NODES)
    was = make_plan(path).cases[0]
    assert set(was.parts["inputs"]) == {"../../../nodes.csv"}
    nodes.write_text("1,3\n")
    now = make_plan(path).cases[0]
    assert now.child_digest == was.child_digest
    assert now.case_digest != was.case_digest
    assert now.parts["inputs"] != was.parts["inputs"]
    digests.package_digest.cache_clear()
    monkeypatch.setattr(digests, "file_digest", lambda path: "0" * 64)
    other = make_plan(path).cases[0]
    digests.package_digest.cache_clear()
    assert other.child_digest == now.child_digest
    assert other.parts["code"] != now.parts["code"]
    assert other.case_digest != now.case_digest


def test_whole_numbers_and_another_name_are_the_same_case(plan):
    whole = plan(values=("[1.0, 2.0, 4.0]", "[1, 2, 4]"), base='workflow = { name = "x" }\n')
    real = plan()
    assert [c.child_digest for c in whole.cases] == [c.child_digest for c in real.cases]


def test_worker_counts_and_changes_on_the_command_line_are_no_identity(file):
    path = file()
    plain = make_plan(path)
    changed = make_plan(path, Changes(sets=("testbed.execution.jobs=2",)))
    assert changed.table.execution.jobs == 2
    assert changed.plan_digest == plain.plan_digest
    assert changed.document()["overrides"] == [
        {
            "key": "testbed.execution.jobs",
            "value": 2,
            "from": "--set testbed.execution.jobs",
        }
    ]


def test_the_plan_digest_covers_cases_metrics_and_checks(plan):
    was = plan().plan_digest
    metric = '[[testbed.metric]]\nname = "probe.k"\n'
    assert plan(extra=metric).plan_digest != was
    assert plan(values=("4.0", "5.0")).plan_digest != was
    assert (
        plan(purpose=('subject = "probe"', 'subject = "probe"\npurpose = "x"')).plan_digest == was
    )


def test_a_child_digest_is_pinned():
    """If this changes, every stored case loses its identity: bump the schema."""
    config = {"workflow": {"mode": "probe", "name": "x"}, "k": 1.0, "output_dir": "out"}
    assert digests.child_digest(config).startswith("379a4014e572")


def test_equal_cases_are_noticed(plan):
    extra = case(id='"a"', overlay="{ probe = { k = 2 } }", changes='["probe.k"]')
    assert plan(extra=extra).notices == ("cases 'a' and 'line_2' are the same computation",)


def test_the_value_of_a_case_is_read_from_its_child(plan):
    extra = case(id='"a"', axis='"K"', overlay="{ probe = { k = 3 } }")
    found = plan(extra=extra).cases[0].case
    assert (found.axis_value, found.coordinates) == (3.0, {"K": 3.0})
    default = plan(base='workflow = { mode = "probe" }\n', extra=case(id='"a"', axis='"K"'))
    assert default.cases[0].case.axis_value == 1.0


def test_a_disabled_case_has_no_child(plan):
    found = plan(extra=case(id='"a"', enabled="false", overlay="{ probe = { kk = 2 } }"))
    document = found.document()["cases"][0]
    assert (document["status"], document["config_path"], document["child_digest"]) == (
        *("disabled", ""),
        "",
    )
    found.raise_faults()


def test_without_a_base_the_other_tables_of_the_file_are_the_base(plan):
    found = plan(base_config=('base_config = "base.toml"\n', ""), extra="\n[probe]\nlimit = 3.0\n")
    assert found.cases[0].child == {
        "workflow": {"mode": "probe"},
        "probe": {"k": 1.0, "limit": 3.0},
    }


def test_every_fault_of_every_case_is_told_with_its_line(file):
    extra = case(id='"a"', overlay="{ probe = { kk = 2 } }", changes="[]")
    extra += case(id='"b"', overlay='{ probe = { nodes = "gone.csv" } }')
    assert told(file(extra=extra, base="[workflow]\n[probe]\nlimt = 1.0\n", text=THREE)) == [
        "k.toml: 7 faults",
        "  base.toml:3  case 'a': probe.limt is not a known key; did you mean probe.limit?",
        "  k.toml:13  case 'a': probe.kk is not a known key; did you mean probe.k?",
        "  base.toml:3  case 'b': probe.limt is not a known key; did you mean probe.limit?",
        "  k.toml:18  case 'b': probe.nodes: no file 'gone.csv' beside k.toml",
        *(
            f"  base.toml:3  case 'line_{k}': probe.limt is not a known key; "
            "did you mean probe.limit?"
            for k in (1, 2, 4)
        ),
    ]


def test_a_fault_that_many_cases_share_is_counted(file):
    values = ", ".join(map(str, range(1, 31)))
    path = file(THREE.replace("1.0, 2.0, 4.0", values), base="workflow = {}\nx = 1\n")
    lines = told(path)
    assert lines[0] == "k.toml: 11 faults"
    assert lines[-1].endswith("x is not a known key; known here: workflow, probe (20 more cases)")
    assert len(make_plan(path).cases[29].faults) == 1


ISOLATION = {
    "more than it may": (
        'changes = ["probe.k"]\noverlay = { probe = { k = 2, limit = 3.0 } }',
        ":11  case 'a': testbed.isolation is 'require', but probe.limit is outside of what it may "
        "change: probe.k",
    ),
    "nobody knows": (
        "overlay = { probe = { k = 2 } }",
        ":10  case 'a': testbed.isolation is 'require', but neither an axis nor changes says what "
        "it may change",
    ),
}


@pytest.mark.parametrize(("keys", "wanted"), ISOLATION.values(), ids=ISOLATION)
def test_isolation_can_be_required(keys, wanted, file):
    text = THREE.replace("[testbed]\n", '[testbed]\nisolation = "require"\n')
    text = text.replace('design = [{ id = "line", kind = "grid", axes = ["K"] }]\n', "")
    lines = told(file(text, extra=f'[[testbed.case]]\nid = "a"\n{keys}\n'))
    assert lines[0] == "k.toml: 1 fault"
    assert re.sub(r":\d+", "", lines[1]).endswith(re.sub(r":\d+", "", wanted))


def test_the_folder_of_another_testbed_is_refused(file, tmp_path):
    root = tmp_path / "testbed" / "k"
    root.mkdir(parents=True)
    (root / "testbed_plan.json").write_text(json.dumps({"testbed_id": "other"}))
    assert told(file()) == [
        "k.toml: 1 fault",
        "  k.toml:4  testbed/k already belongs to testbed 'other'; choose another "
        "testbed.output_root",
    ]


@pytest.mark.parametrize(
    ("base", "place", "mode"),
    [
        (THREE, "base.toml:3", "testbed"),
        ('workflow = "testbed"\n[testbed]\nsubject = "mesh"\n', "base.toml:1", "testbed"),
        ('[workflow]\nmode = "simulation"\n[mesh]\n', "base.toml:2", "simulation"),
    ],
)
def test_a_base_of_another_mode_is_no_base(file, base, place, mode):
    assert told(file(base=base)) == [
        "k.toml: 1 fault",
        f"  {place}  workflow.mode is {mode!r}; the pair (probe, probe) takes a base of mode "
        "'probe'",
    ]


def test_a_base_need_not_name_its_mode(file):
    assert make_plan(file(base="[probe]\nk = 1.0\n")).faults == ()


def test_a_file_of_another_mode_is_no_testbed(tmp_path, probe):
    path = tmp_path / "k.toml"
    path.write_text('[workflow]\nmode = "probe"\n')
    assert told(path) == ["k.toml:2  workflow.mode must be 'testbed', got 'probe'"]


@pytest.fixture
def engines(monkeypatch):
    """The row of the tests uses the engines that a function tells: `engines(function)`."""
    row_of = plans._row_of

    def use(identity):
        module = types.ModuleType("engines_of_tests")
        module.identity = identity
        monkeypatch.setitem(sys.modules, "engines_of_tests", module)
        named = "engines_of_tests:identity"
        monkeypatch.setattr(plans, "_row_of", lambda table: replace(row_of(table), identity=named))

    return use


def test_an_engine_that_is_missing_is_a_notice_and_another_digest(plan, engines):
    def missing(config):
        raise EngineMissing("mf6 was not found; looked at:\n  PATH: no mf6 there")

    engines(lambda config: {"mf6": "6.4.1 abc"})
    there = plan().cases[0]
    engines(missing)
    found = plan()
    assert found.notices == ("mf6 was not found; looked at:\n  PATH: no mf6 there",)
    assert found.cases[0].parts["engines"] == {"missing": "mf6 was not found"}
    assert found.cases[0].case_digest != there.case_digest


def test_engines_are_asked_for_once_unless_what_they_depend_on_differs(plan, engines):
    asked = []

    def identity(config):
        asked.append(config["probe"]["limit"])
        return {"mf6": f"for {asked[-1]}"}

    engines(identity)
    extra = case(id='"a"', overlay="{ probe = { limit = 3.0 } }")
    found = plan(extra=extra).cases
    assert asked == [3.0, 1e9]
    assert [c.parts["engines"]["mf6"] for c in found] == ["for 3.0", *3 * ["for 1000000000.0"]]


def test_the_document_has_the_documented_keys(plan):
    document = plan(extra='[[testbed.metric]]\nname = "probe.k"\n').document()
    keys = """schema_version schema testbed_id profile config_path subject purpose runner
        base_config catalog case_from_catalog axes designs metrics checks plan_digest overrides
        notices stale_children cases"""
    assert set(keys.split()) == set(document)
    assert (document["config_path"], document["base_config"]) == ("../../k.toml", "../../base.toml")
    assert document["metrics"] == [{"name": "probe.k", "source": "probe.k", "required": False,
                                    "description": ""}]  # fmt: skip
    first = document["cases"][1]
    assert first["isolation"] == {
        "verdict": "pass",
        "differences": [
            {
                **{"key": "probe.k", "kind": "changed", "new": False, "base": 1.0, "child": 2.0},
                **{"file": "../../k.toml", "line": 8},
            }
        ],
    }
    json.dumps(document, allow_nan=False)


def test_many_files_are_written_whole_and_only_where_they_differ(tmp_path):
    folder = tmp_path / "many"
    files = [(f"{number}.toml", b"x" * number) for number in range(20)]
    assert write_many(folder, files) == 20
    assert write_many(folder, [*files, ("3.toml", b"y")]) == 1
    assert (folder / "3.toml").read_bytes() == b"y"
    assert sorted(os.listdir(folder)) == sorted(name for name, _ in files)


def test_files_that_cannot_be_made_leave_none_and_no_draft(tmp_path):
    folder = tmp_path / "many"

    def files():
        yield "a.toml", b"a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_many(folder, files())
    assert os.listdir(folder) == []
