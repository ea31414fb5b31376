"""Base + overlays -> child: what is forced, injected, resolved, shared, refused."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from mhx.config import InputPath, OutputPath, Table, read_toml
from mhx.config.layers import read_chain
from mhx.testbed.child.isolation import verdict
from mhx.testbed.expand import base_of, child_of
from mhx.testbed.matrix import Case, Overlay, nested
from mhx.workflow.registry import Registration


class Workflow(Table):
    mode: Literal["simulation"]
    name: str = ""
    output_dir: OutputPath | None = None


class Process(Table):
    id: str
    type: str


class Simulation(Table):
    process: list[Process] = Field(default_factory=list)


class Boundary(Table):
    id: str
    head: float = Field(0.0, description="head [m]")
    series: InputPath | None = None


class Flow(Table):
    k: float = Field(1.0, gt=0, description="conductivity [m/s]")
    bc: list[Boundary] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    on: bool = False


class Output(Table):
    figures: bool = True
    fields: list[str] = Field(default_factory=list)


class Model(Table):
    workflow: Workflow
    simulation: Simulation = Simulation()
    flow: Flow = Flow()
    output: Output = Output()
    grid: InputPath | None = None
    model: dict[str, str] | None = None

    def refusals(self):
        return {"flow.k": "must be < 1000, or the run would blow up"} if self.flow.k > 999 else {}


REST = """\
[workflow]
mode = "simulation"
output_dir = "out"
[flow]
k = 1e-5
[[flow.bc]]
id = "west"
head = 10.0
[[flow.bc]]
id = "east"
series = "data/east.csv"
"""
BASE = f'grid = "data/nodes.csv"\n{REST}'


@pytest.fixture
def made(tmp_path):
    """A base file with its inputs, expanded for a subject: `made(text, subject)`."""
    for name in ("nodes", "east", "other"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}.csv").write_text(name)

    def make(text=BASE, subject="flow", runner="simulation"):
        path = tmp_path / "base.toml"
        path.write_text(text)
        row = Registration(
            subject=subject,
            runner=runner,
            mode="simulation",
            entry="-",
            config="-",
            purpose="Tests.",
            child_defaults={"output": {"figures": False}},
        )
        folder = tmp_path / "testbed" / "k" / "_generated_configs"
        return base_of(read_chain(path), row, Model, folder)

    return make


@pytest.fixture
def case(tmp_path):
    """A case whose overlays stand in k.toml, beside the base: `case({...}, keyed={...})`."""
    (tmp_path / "k.toml").write_text("testbed = 1\n\n\noverlay = 1\n")
    _, source = read_toml(tmp_path / "k.toml")

    def make(*overlays, keyed=None, changes=None):
        layers = [
            Overlay(data=data, place=("overlay",), folder=tmp_path, source=source)
            for data in overlays
        ]
        if keyed is not None:
            layers.append(
                Overlay(data=keyed, place=("overlay",), folder=tmp_path, source=source, keyed=True)
            )
        return Case(
            id="low_k", label="", slug="low_k", place=(), changes=changes, overlays=tuple(layers)
        )

    return make


def child(made, made_case, **base):
    found, _, faults = made(**base)
    assert not faults
    return child_of(made_case, found)


def told(faults, tmp_path):
    return [fault.replace(f"{tmp_path}/", "") for fault in faults]


def test_a_child_is_the_base_with_mode_processes_and_defaults_of_the_row(made, case):
    data = child(made, case()).data
    assert list(data) == ["workflow", "simulation", "flow", "output", "grid"]
    assert data["workflow"] == {"mode": "simulation"}
    assert data["simulation"]["process"] == [
        {"id": "mesh_main", "type": "mesh"},
        {"id": "flow_main", "type": "flow"},
    ]
    assert data["output"] == {"figures": False}


def test_what_the_base_sets_goes_before_the_defaults_of_the_row(made, case):
    text = f"{BASE}[output]\nfields = ['head']\nfigures = true\n"
    assert child(made, case(), text=text).data["output"] == {"fields": ["head"], "figures": True}
    data = child(made, case({"output": {"figures": True}})).data
    assert data["output"] == {"figures": True}


def test_what_is_injected_is_no_difference(made, case):
    found = child(made, case())
    assert found.differences == ()
    assert verdict(found.differences, None) == "pass"


def test_paths_count_from_the_child_and_lead_to_the_same_files(made, case, tmp_path):
    found = child(made, case({"flow": {"bc": [{"id": "east", "series": "data/other.csv"}]}}))
    folder = tmp_path / "testbed" / "k" / "_generated_configs"
    assert found.data["grid"] == "../../../data/nodes.csv"
    assert set(found.inputs) == {"../../../data/nodes.csv", "../../../data/other.csv"}
    folder.mkdir(parents=True)
    assert (folder / found.data["flow"]["bc"][1]["series"]).read_text() == "other"


def test_the_run_folder_is_no_part_of_a_child(made, case, tmp_path):
    assert "output_dir" not in child(made, case()).data["workflow"]
    found = child(made, case({"workflow": {"output_dir": "mine"}}))
    assert told(found.faults, tmp_path) == [
        "k.toml:4  case 'low_k': overlay may not set workflow.output_dir; "
        "each case has its own folder"
    ]


def test_overlays_are_laid_one_after_another(made, case):
    made_case = case({"flow": {"k": 2.0, "on": True}}, keyed=nested(["flow.k"], 3.0))
    flow = child(made, made_case).data["flow"]
    assert (flow["k"], flow["on"]) == (3.0, True)


def test_keys_of_an_axis_step_into_arrays_by_id(made, case):
    found = child(made, case(keyed=nested(["flow.bc.east.head"], 7.5), changes=("flow.bc.east",)))
    assert [entry.get("head") for entry in found.data["flow"]["bc"]] == [10.0, 7.5]
    assert [entry["key"] for entry in found.differences] == ["flow.bc.east.head"]
    assert verdict(found.differences, ("flow.bc.east",)) == "pass"
    assert verdict(found.differences, ("flow.bc.eas",)) == "fail"


def test_a_key_of_an_axis_that_leads_to_no_item_is_a_fault(made, case, tmp_path):
    found = child(made, case(keyed=nested(["flow.bc.eats.head"], 7.5)))
    assert told(found.faults, tmp_path) == [
        "k.toml:4  case 'low_k': flow.bc.eats names no item of flow.bc; did you mean flow.bc.east?"
    ]


DIFFERENCES = {
    "changed": ({"flow": {"k": 2e-5}}, ("flow.k", "changed", False, 1e-5, 2e-5, 4)),
    "added": ({"flow": {"on": True}}, ("flow.on", "added", True, None, True, 4)),
    "removed": ({"grid__delete": True}, ("grid", "removed", False, "...", None, 4)),
    "of another type": ({"flow": {"k": True}}, ("flow.k", "changed", False, 1e-5, True, 4)),
    "a list": ({"flow": {"tags": ["a"]}}, ("flow.tags", "added", True, None, ["a"], 4)),
}


@pytest.mark.parametrize(("overlay", "told"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_is_on_record_with_both_values_and_its_line(overlay, told, made, case):
    (found,) = child(made, case(overlay)).differences
    key, kind, new, old, value, line = told
    assert (found["key"], found["kind"], found["new"], found["line"]) == (key, kind, new, line)
    assert found["file"] == "../../k.toml"
    assert found["child"] == value
    assert old == "..." or found["base"] == old


def test_whole_and_real_numbers_are_no_difference(made, case):
    text = BASE.replace("1e-5", "2.0")
    assert child(made, case({"flow": {"k": 2}}), text=text).differences == ()


VERDICTS = {
    "inside": (["flow.k"], ("flow",), "pass"),
    "the key itself": (["flow.k"], ("flow.k",), "pass"),
    "outside": (["flow.k", "grid"], ("flow",), "fail"),
    "a name that only begins so": (["flow.kk"], ("flow.k",), "fail"),
    "nothing may change": (["flow.k"], (), "fail"),
    "nothing is declared": (["flow.k"], None, "unknown"),
    "nothing changed": ([], None, "pass"),
}


@pytest.mark.parametrize(("keys", "changes", "wanted"), VERDICTS.values(), ids=VERDICTS)
def test_verdict_of_isolation(keys, changes, wanted):
    assert verdict([{"key": key} for key in keys], changes) == wanted


FAULTS = {
    "unknown key": (
        {"flow": {"kk": 1}},
        "k.toml:4  case 'low_k': flow.kk is not a known key; did you mean flow.k?",
    ),
    "out of bounds": (
        {"flow": {"k": -1.0}},
        "k.toml:4  case 'low_k': flow.k must be > 0.0 [m/s], got -1.0",
    ),
    "what the table refuses": (
        {"flow": {"k": 1e4}},
        "k.toml:4  case 'low_k': flow.k must be < 1000, or the run would blow up",
    ),
    "no file": (
        {"grid": "data/gone.csv"},
        "k.toml:4  case 'low_k': grid: no file 'data/gone.csv' beside k.toml",
    ),
    "a directive": (
        {"flow": {"icc__delete": True}},
        "k.toml:4  case 'low_k': flow.icc__delete names no inherited key",
    ),
    "nothing to append to": (
        {"mesh": {"constraint__append": []}},
        "k.toml:4  case 'low_k': mesh.constraint__append has nothing to append to",
    ),
}


@pytest.mark.parametrize(("overlay", "wanted"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_child_names_the_case_and_the_line(overlay, wanted, made, case, tmp_path):
    found = child(made, case(overlay))
    assert wanted in told(found.faults, tmp_path)
    assert found.config is None


def test_a_fault_of_the_base_points_at_the_base(made, case, tmp_path):
    text = BASE.replace('series = "data/east.csv"', 'series = "data/gone.csv"\nheed = 1')
    assert told(child(made, case(), text=text).faults, tmp_path) == [
        "base.toml:12  case 'low_k': flow.bc[1].series: no file 'data/gone.csv' beside base.toml",
        "base.toml:13  case 'low_k': flow.bc[1].heed is not a known key; "
        "did you mean flow.bc[1].head?",
    ]


PROCESS = '[[simulation.process]]\nid = "{0}_main"\ntype = "{0}"\n'
MESH_AND_FLOW = f"{PROCESS.format('mesh')}{PROCESS.format('flow')}{REST}"


def test_a_mesh_testbed_runs_no_other_process_and_says_so(made, case):
    base, notices, faults = made(text=MESH_AND_FLOW, subject="mesh")
    assert notices == ["process 'flow_main' is not run: subject is 'mesh'"]
    assert not faults
    added = {"simulation": {"process": [{"id": "flow_2", "type": "flow"}]}}
    for overlay in ({}, added):
        data = child_of(case(overlay), base).data
        assert data["simulation"]["process"] == [{"id": "mesh_main", "type": "mesh"}]


OF_SUBJECT = {
    "transport": ("transport", "", ["mesh", "flow", "transport"]),
    "flow of an own model": ("flow", "model = {}\n", ["flow"]),
    "transport of an own model": ("transport", "model = {}\n", ["flow", "transport"]),
}


@pytest.mark.parametrize(("subject", "own", "types"), OF_SUBJECT.values(), ids=OF_SUBJECT)
def test_a_base_without_processes_gets_those_of_its_subject(subject, own, types, made):
    base, _, faults = made(text=f"{own}{BASE}", subject=subject)
    assert not faults
    assert base.data["simulation"]["process"] == [
        {"id": f"{name}_main", "type": name} for name in types
    ]


def test_an_own_model_is_no_subject_of_a_mesh_testbed(made, tmp_path):
    _, _, faults = made(text=f"model = {{}}\n{BASE}", subject="mesh")
    assert told(faults, tmp_path) == [
        "base.toml:1  subject is 'mesh', but [model] brings its own mesh"
    ]


def test_a_subject_without_its_process_is_a_fault(made, tmp_path):
    text = f"{PROCESS.format('mesh')}{REST}"
    _, _, faults = made(text=text, subject="flow")
    assert told(faults, tmp_path) == [
        "base.toml:1  subject is 'flow', but no [[simulation.process]] has type 'flow'"
    ]


def test_other_runners_have_no_processes(made, case):
    assert "simulation" not in child(made, case(), subject="rods", runner="rods").data


def test_a_child_shares_what_it_does_not_change(made, case):
    base, _, _ = made()
    data = child_of(case({"flow": {"k": 2.0}}), base).data
    assert data["simulation"] is base.data["simulation"]
    assert data["flow"]["bc"] is base.data["flow"]["bc"]
    assert base.data["flow"]["k"] == 1e-5


def test_a_base_behind_a_link_leads_to_its_files(made, case, tmp_path):
    real = tmp_path / "elsewhere" / "deep" / "k"
    real.mkdir(parents=True)
    (tmp_path / "testbed").mkdir()
    (tmp_path / "testbed" / "k").symlink_to(real)
    data = child(made, case()).data
    folder = tmp_path / "testbed" / "k" / "_generated_configs"
    folder.mkdir()
    assert Path(folder / data["grid"]).read_text() == "nodes"
