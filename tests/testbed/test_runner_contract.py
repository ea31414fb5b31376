"""One contract for every runner: built-in, fake, third-party, any executable.

Each kind carries out the same small matrix: a reference case, a case along an axis, the first
computation once more (a proof of determinism), a disabled case.  A kind may add a case that fails
when it runs; the others must go on.
"""

import csv
import json
import math
import shutil
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

import mhx
from mhx.config import Table
from mhx.errors import ConfigError, SolverError
from mhx.evidence.manifest import verified
from mhx.runner import RunRequest, RunSummary
from mhx.testbed.launcher import Options, plan_testbed, run_testbed
from mhx.workflow import registry
from mhx.workflow.registry import Registration
from mhx.workflow.run import run_file

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A runner and a matrix for it.

    key: what the axis sets, to `values`; source: a metric, with its unit; never: a source that a
    closed vocabulary refuses; failing: an overlay whose case fails when it runs.
    files, folders: what lies beside the base.
    """

    subject: str
    runner: str
    base: str
    key: str
    values: tuple[float, float]
    source: str
    unit: str
    files: dict[str, str] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    failing: str = ""
    failure: str = ""
    exit_code: int = 3
    never: str = ""
    backend: str = "local"


class Free(Table):
    """The table of the fake."""

    workflow: dict[str, str]
    k: float = 1.0
    fault: bool = False


def fake_runner(request: RunRequest) -> RunSummary:
    """Answer from the case's own configuration; no solver, no files."""
    if request.config["fault"]:
        raise SolverError("the fake did not converge")
    return RunSummary(
        metrics={"fake.k": request.config["k"], "fake.head_m": 1 / request.config["k"]}
    )


FAKE = Registration(
    subject="fake",
    runner="fake",
    mode="fake",
    entry="fake_for_contract:fake_runner",
    config="fake_for_contract:Free",
    purpose="Tests.",
)
SCRIPT = """
import json, sys
from pathlib import Path
config = json.loads(Path(sys.argv[1]).read_text())
if config["k"] < 0:
    sys.exit("k is negative")
Path("out.json").write_text(json.dumps({"flow": {"head_m": 1 / config["k"], "state": "dry"}}))
"""
KINDS = {
    "fake": Kind(
        subject="fake",
        runner="fake",
        base='workflow = { mode = "fake" }\nk = 1.0\n',
        key="k",
        values=(1.0, 2.0),
        source="fake.head_m",
        unit="m",
        failing="fault = true",
        failure="the fake did not converge",
        backend="inline",
    ),
    "third party": Kind(
        subject="probe",
        runner="probe",
        base='[workflow]\nmode = "probe"\n[probe]\nk = 1.0\n',
        key="probe.k",
        values=(1.0, 2.0),
        source="probe.head_m",
        unit="m",
        failing='probe.fault = "solver"',
        failure="the probe did not converge",
    ),
    "command": Kind(
        subject="external",
        runner="command",
        base="""
[workflow]
mode = "command"
[command]
argv = ["{python}", "model.py", "{config}"]
inputs = ["model.py"]
templates = ["model.json.template"]
parameters = { k = 1.0 }
metrics_json = "out.json"
""",
        files={"model.py": SCRIPT, "model.json.template": '{"k": {{k}}}'},
        key="command.parameters.k",
        values=(1.0, 2.0),
        source="flow.head_m",
        unit="m",
        failing="command.parameters.k = -1.0",
        failure="k is negative",
    ),
    "reconnection": Kind(
        subject="reconnection",
        runner="reduced_mhd",
        base="""
[workflow]
mode = "reconnection"
[mesh]
shape = [16, 16]
[time]
t1 = 0.2
[physics]
equilibrium = "orszag_tang"
resistivity = 1e-3
viscosity = 1e-3
""",
        key="physics.resistivity",
        values=(1e-3, 2e-3),
        source="final.total_energy",
        unit="v_A^2",
        failing="time = { t1 = 20.0, dt = 0.1 }, physics = { resistivity = 0.0, viscosity = 0.0 }",
        failure="is beyond the stability limit of RK4",
        never="final.total_enrgy",
    ),
    "mesh": Kind(
        subject="mesh",
        runner="simulation",
        base=(EXAMPLES / "groundwater" / "ditches_base.toml").read_text(),
        key="mesh.cell_x",
        values=(100.0, 50.0),
        source="mesh_metrics.n_cells",
        unit="1",
        never="mesh_metrics.n_cell",
    ),
    "flow": Kind(
        subject="flow",
        runner="simulation",
        base=(EXAMPLES / "groundwater" / "ditches_base.toml").read_text(),
        key="flow.param.K.value",
        values=(1e-4, 2e-4),
        source="flow_metrics.head_range_m",
        unit="m",
        failing="solver.mf6.outer_maximum = 1, solver.mf6.inner_maximum = 1",
        failure="did not converge in stress period 1, time step 1",
        never="flow_metrics.head_rnge_m",
    ),
}
KINDS |= {
    "own model": Kind(
        subject="flow",
        runner="simulation",
        base="""
[workflow]
mode = "simulation"
[model]
path = "own_model"
[[model.patch]]
id = "k"
package = "npf"
variable = "k"
operation = "multiply"
value = 2.0
""",
        folders=(EXAMPLES / "groundwater" / "own_model",),
        key="model.patch.k.value",
        values=(2.0, 3.0),
        source="flow_metrics.head_range_m",
        unit="m",
        failing='model.option = [{ file = "ims", block = "nonlinear", key = "outer_maximum", '
        "value = 1 }]",
        failure="did not converge in stress period 1, time step 1",
        never="flow_metrics.head_rnge_m",
    ),
    "transport": Kind(
        subject="transport",
        runner="simulation",
        base=(EXAMPLES / "groundwater" / "advection_schemes_base.toml").read_text(),
        key="transport.param.alpha_l.value",
        values=(2.0, 8.0),
        source="transport_metrics.front_width_m",
        unit="m",
        failing="transport.bc__append = [{ id = 'far', package = 'cnc', value = 1.0, "
        "where = { points = [[-5.0, 5.0]] } }]",
        failure="transport.bc[1].where.points: outside of the mesh: [-5, 5]",
        exit_code=2,
        never="transport_metrics.front_with_m",
    ),
    "comparison": Kind(
        subject="transport",
        runner="comparison",
        base="""
[workflow]
mode = "comparison"
[comparison]
base_simulation_config = "case.toml"
base_simulation_overlay = { mesh = { cell_x = 20.0, cell_y = 20.0 } }
reference_simulation = "upstream"
simulation = [
  { id = "upstream" },
  { id = "tvd", overlay = { transport.scheme.advection = "tvd" } },
]
[[comparison.observable]]
name = "near"
variable = "concentration"
support = "point"
x = 50.0
y = 70.0
time = "all"
""",
        files={"case.toml": (EXAMPLES / "groundwater" / "gwt_vs_mt3d_base.toml").read_text()},
        key="comparison.base_simulation_overlay.transport.time.steps",
        values=(4, 8),
        source="n_difference_rows",
        unit="1",
        failing="comparison.base_simulation_overlay.solver.mf6 = "
        "{ outer_maximum = 1, inner_maximum = 1 }",
        failure="did not converge in stress period 1, time step 1",
        never="n_difference_row",
    ),
}
SLOW = ("reconnection", "mesh", "flow", "own model", "transport", "comparison")
USES_MODFLOW = ("flow", "own model", "transport", "comparison")
ROWS = ("reference", "varied", "again", "off")


def testbed_file(kind, extra=""):
    failing = ""
    if kind.failing:
        failing = f'[[testbed.case]]\nid = "failing"\noverlay = {{ {kind.failing} }}\n'
    return f"""
[workflow]
mode = "testbed"
[testbed]
id = "contract"
subject = "{kind.subject}"
base_config = "base.toml"
execution = {{ backend = "{kind.backend}", jobs = 2 }}
require_child_gates = false
[testbed.runner]
type = "{kind.runner}"
[[testbed.axis]]
id = "x"
keys = ["{kind.key}"]
values = {list(kind.values)}
[[testbed.case]]
id = "reference"
axis = "x"
value = {kind.values[0]!r}
[[testbed.case]]
id = "varied"
axis = "x"
value = {kind.values[1]!r}
[[testbed.case]]
id = "again"
axis = "x"
value = {kind.values[0]!r}
[[testbed.case]]
id = "off"
enabled = false
{failing}
[[testbed.metric]]
name = "answer"
source = "{kind.source}"
required = true
{extra}
"""


testbed_file.__test__ = False


def rows_of(root, name):
    with (root / name).open(newline="") as stream:
        return {row["case_id"]: row for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def surroundings(distribution):
    """Fake and third-party rows, known here; the third-party ones in worker processes, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(distribution))
        module = SimpleNamespace(fake_runner=fake_runner, Free=Free)
        patch.setitem(sys.modules, "fake_for_contract", module)
        installed = registry.entry_points
        point = SimpleNamespace(load=lambda: (FAKE,), value="fake", dist=None)
        patch.setattr(registry, "entry_points", lambda group: (*installed(group=group), point))
        registry.rows.cache_clear()
        yield
    registry.rows.cache_clear()
    sys.modules.pop("mhx_probe", None)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in KINDS],
)
def kind(request, surroundings):
    if request.param in USES_MODFLOW:
        request.getfixturevalue("mf6")
    return KINDS[request.param]


@pytest.fixture(scope="module")
def folder(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract")
    beside(kind, folder)
    (folder / "contract.toml").write_text(testbed_file(kind))
    return folder


def beside(kind, folder):
    """Write the base and what it reads."""
    for name, content in {"base.toml": kind.base, **kind.files}.items():
        (folder / name).write_text(content)
    for path in kind.folders:
        shutil.copytree(path, folder / path.name)


@pytest.fixture(scope="module")
def planned(folder):
    """The dry run, and what lay on disk after it."""
    answer = plan_testbed(folder / "contract.toml")
    root = folder / "testbed" / "contract"
    on_disk = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return SimpleNamespace(answer=answer, root=root, on_disk=on_disk)


@pytest.fixture(scope="module")
def carried(planned, folder):
    """The matrix, carried out once."""
    answer = run_testbed(folder / "contract.toml")
    return SimpleNamespace(answer=answer, root=planned.root)


@pytest.fixture
def finished(kind):
    return ["reference", "varied", "again"]


def test_planning_writes_children_and_evidence_and_starts_nothing(kind, planned):
    assert planned.answer.exit_code == 0
    children = {name for name in planned.on_disk if name.startswith("_generated_configs/")}
    expected = {"reference", "varied", "again", *(["failing"] if kind.failing else [])}
    assert children == {f"_generated_configs/{name}.toml" for name in expected}
    assert {"testbed_plan.json", "testbed_cases.csv", "testbed_manifest.json"} <= planned.on_disk
    assert not [name for name in planned.on_disk if name.startswith("cases/")]
    plan = json.loads((planned.root / "testbed_plan.json").read_text())
    assert {case["case_id"]: case["status"] for case in plan["cases"]} == {
        **dict.fromkeys(expected, "planned"),
        "off": "disabled",
    }


def test_a_child_is_an_ordinary_configuration_that_runs_alone(kind, carried, tmp_path):
    child = carried.root / "_generated_configs" / "varied.toml"
    table = tomllib.loads(child.read_text())
    assert "testbed" not in table
    assert table["workflow"]["mode"] == registry.RUNNER_WORKFLOWS[kind.runner]
    answer = run_file(child, tmp_path / "alone")
    here = mhx.load(carried.root / "cases" / "varied")
    alone = mhx.load(tmp_path / "alone")
    assert answer.exit_code in (0, 1)
    assert alone.metrics[kind.source] == here.metrics[kind.source]


def test_every_enabled_case_ends_in_the_order_of_the_plan(kind, carried, finished):
    rows = rows_of(carried.root, "testbed_cases.csv")
    failing = ["failing"] if kind.failing else []
    assert list(rows) == [*ROWS, *failing]
    assert {rows[name]["status"] for name in finished} == {"ok"}
    assert rows["off"]["status"] == "disabled"
    assert all(rows[name]["attempt"] and rows[name]["summary_sha256"] for name in finished)
    assert carried.answer.exit_code == (1 if failing else 0)


def test_a_case_that_fails_is_on_record_with_its_reason_and_stops_nothing(kind, carried):
    if not kind.failing:
        pytest.skip("no small mesh is known to fail when it is made")
    row = rows_of(carried.root, "testbed_cases.csv")["failing"]
    assert row["status"] == "failed"
    assert kind.failure in row["error"]
    assert int(row["exit_code"]) == kind.exit_code
    attempt = carried.root / "cases" / "failing" / "attempts" / row["attempt"]
    assert (attempt / "log.txt").is_file()
    assert json.loads((attempt / "status.json").read_text())["exit_code"] == kind.exit_code
    assert rows_of(carried.root, "testbed_metrics.csv")["failing"]["answer"] == ""


def test_metrics_come_from_the_summary_and_equal_cases_have_equal_answers(kind, carried, finished):
    rows = rows_of(carried.root, "testbed_metrics.csv")
    for name in finished:
        summary = json.loads((carried.root / "cases" / name / "run_summary.json").read_text())
        assert float(rows[name]["answer"]) == summary["metrics"][kind.source]
        assert math.isfinite(float(rows[name]["answer"]))
    assert rows["reference"]["answer"] == rows["again"]["answer"] != rows["varied"]["answer"]
    equal = [mhx.load(carried.root / "cases" / name).digest for name in ("reference", "again")]
    assert equal[0] == equal[1]


def test_what_a_run_reports_is_in_the_vocabulary_of_its_runner(kind, carried):
    pair = (kind.subject, kind.runner)
    row = next(row for row in registry.rows() if (row.subject, row.runner) == pair)
    words = registry.vocabulary_of(row)
    run = mhx.load(carried.root / "cases" / "reference")
    if words is not None:
        assert words.find(kind.source).unit == kind.unit
        unknown = [key for key in run.metrics if words.find(key) is None]
        assert not (words.closed and unknown)
    assert all(path.is_file() for path in run.artifacts)


def test_every_folder_verifies(carried, finished):
    for name in finished:
        assert not verified(carried.root / "cases" / name).problems


def test_asked_again_nothing_that_finished_is_repeated(kind, carried, folder, finished):
    before = rows_of(carried.root, "testbed_cases.csv")
    answer = run_testbed(folder / "contract.toml")
    after = rows_of(carried.root, "testbed_cases.csv")
    assert answer.exit_code == carried.answer.exit_code
    for name in finished:
        assert after[name]["reused"] == "true"
        assert after[name]["attempt"] == before[name]["attempt"]
        assert len(list((carried.root / "cases" / name / "attempts").iterdir())) == 1
    metrics = rows_of(carried.root, "testbed_metrics.csv")
    assert {metrics[name]["status"] for name in finished} == {"ok"}


def test_one_place_or_two_give_the_same_answers(kind, carried, folder, finished, tmp_path):
    beside(kind, tmp_path)
    shutil.copy(folder / "contract.toml", tmp_path)
    run_testbed(tmp_path / "contract.toml", Options(jobs=1))
    root = tmp_path / "testbed" / "contract"
    ours, theirs = (rows_of(each, "testbed_metrics.csv") for each in (root, carried.root))
    assert {name: ours[name]["answer"] for name in ours} == {
        name: theirs[name]["answer"] for name in theirs
    }
    key = "child_digest"
    ours, theirs = (rows_of(each, "testbed_cases.csv") for each in (root, carried.root))
    assert [row[key] for row in ours.values()] == [row[key] for row in theirs.values()]


def test_a_required_metric_that_is_not_reported_fails_the_case_and_keeps_its_summary(
    kind, folder, tmp_path
):
    beside(kind, tmp_path)
    source = kind.never or f"{kind.source}_lost"
    extra = f'[[testbed.metric]]\nname = "lost"\nsource = "{source}"\nrequired = true\n'
    file = tmp_path / "contract.toml"
    file.write_text(testbed_file(kind, extra))
    root = tmp_path / "testbed" / "contract"
    if kind.never:
        with pytest.raises(ConfigError) as caught:
            run_testbed(file)
        assert f"a {kind.runner} never reports {source!r}; did you mean {kind.source!r}?" in str(
            caught.value
        )
        assert not (root / "cases").exists()
        return
    assert run_testbed(file).exit_code == 1
    row = rows_of(root, "testbed_cases.csv")["reference"]
    assert row["status"] == "failed"
    assert f"required metric 'lost' ({source}) was not reported" in row["error"]
    assert mhx.load(root / "cases" / "reference").metrics[kind.source] > 0


def test_a_wrong_key_is_found_before_anything_runs(kind, folder, tmp_path):
    beside(kind, tmp_path)
    extra = '[[testbed.case]]\nid = "wrong"\noverlay = { no_such_table = { a = 1 } }\n'
    (tmp_path / "contract.toml").write_text(testbed_file(kind, extra))
    with pytest.raises(ConfigError, match="case 'wrong': no_such_table is not a known key"):
        run_testbed(tmp_path / "contract.toml")
    assert not (tmp_path / "testbed" / "contract" / "cases").exists()
