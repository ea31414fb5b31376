"""Groundwater, section 12: the published case, every digit; and what its figures hide."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .matrix import by_id, header, json, mhx, read, rows, shell

PUBLISHED = Path(__file__).parents[1] / "published"
MESH = PUBLISHED.parents[2] / "shared/data/flow_k_sensitivity"
TABLE = {
    "low_k": (5e-06, 547, "61.95", "0.05158187"),
    "reference_k": (1e-05, 547, "47.55", "0.05158152"),
    "high_k": (2e-05, 547, "40.91", "0.05158121"),
}


def carried_out(name, folder):
    if not MESH.is_dir():
        text = f"NOT TESTED HERE: the published mesh is not at {MESH}"
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)
    said = mhx("run", PUBLISHED / f"{name}.toml", "--set", f"testbed.output_root={folder}")
    assert said.code == 0, said.text
    assert mhx("verify", folder).code == 0
    return folder


@pytest.fixture(scope="module")
def published(mf6, tmp_path_factory):
    return carried_out("flow_k_sensitivity", tmp_path_factory.mktemp("published") / "out")


def test_published_rows_to_every_digit(published):
    found = by_id(published / "testbed_metrics.csv")
    assert list(found) == list(TABLE)
    for name, (k, cells, head_range, outflow) in TABLE.items():
        row = found[name]
        assert float(row["param_K"]) == k
        assert float(row["n_cells"]) == cells
        assert f"{float(row['head_range_m']):.2f}" == head_range
        assert f"{float(row['prescribed_head_out']):.8f}" == outflow
        assert float(row["max_abs_balance_error"]) == 0.0
        assert f"{float(row['recharge_in']):.7f}" == "0.0515817"


def test_every_published_column_is_required(published):
    contract = read(published / "testbed_manifest.json")["metric_contract"]
    required = {entry["name"]: entry["source"] for entry in contract if entry["required"]}
    assert required == {
        "duration_s": "flow_metrics.duration_s",
        "n_cells": "flow_metrics.n_cells",
        "param_K": "flow_metrics.param_K",
        "max_abs_balance_error": "flow_metrics.max_abs_mass_balance_percent_error",
        "head_range_m": "flow_metrics.head_range_m",
        "prescribed_head_out": "flow_metrics.budget_chd_total_out",
        "recharge_in": "flow_metrics.budget_rcha_total_in",
    }
    units = {entry["name"]: entry["unit"] for entry in contract}
    assert units["head_range_m"] == "m"
    assert units["prescribed_head_out"] == "m3/s"


def test_its_checks_pass_and_its_gates_do_not(published):
    checks = rows(published / "testbed_checks.csv")
    assert {row["kind"] for row in checks} >= {"monotonic", "bounds", "difference"}
    assert {row["verdict"] for row in checks} == {"pass"}
    cases = by_id(published / "testbed_cases.csv")
    assert {row["status"] for row in cases.values()} == {"ok"}
    assert {row["gate_verdict"] for row in cases.values()} == {"fail"}
    assert {row["isolation"] for row in cases.values()} == {"pass"}


def test_simulation_rows_have_the_columns_of_their_runner(published):
    columns = header(published / "testbed_cases.csv")
    assert columns[-11:] == [
        *("mode", "name", "sim_id", "run_id", "wall_time_seconds", "catalog", "mass_balance"),
        *("flow_metrics", "output_mesh", "output_summary_json", "output_figure"),
    ]


def test_what_the_figures_hide_is_measured_and_shown(published):
    def metrics(name):
        return read(published / f"cases/{name}/run_summary.json")["metrics"]

    low = metrics("low_k")
    assert low["flow_metrics.recharge_nominal_m3_s"] == pytest.approx(0.0583398, abs=5e-8)
    assert low["flow_metrics.recharge_accepted_m3_s"] == pytest.approx(0.0515817, abs=5e-8)
    assert round(low["flow_metrics.recharge_accepted_fraction"], 3) == 0.884
    assert low["flow_metrics.fixed_head_cells"] == 8
    assert low["flow_metrics.fixed_head_area_m2"] == pytest.approx(5838999.8, abs=0.2)
    assert low["flow_metrics.flooded_cell_fraction"] > 0.8
    for name in ("reference_k", "high_k"):
        assert metrics(name)["flow_metrics.flooded_cell_fraction"] == 0.0
        assert metrics(name)["flow_metrics.head_min_m"] == 170.0
    report = (published / "testbed_report.md").read_text()
    for word in ("recharge_accepted_fraction", "flooded_area_fraction", "0.884"):
        assert word in report, word


def test_mesh_of_the_published_case_is_as_poor_as_measured(published):
    found = read(published / "cases/low_k/run_summary.json")["metrics"]
    mesh = {key.partition(".")[2]: value for key, value in found.items() if "mesh_metrics." in key}
    assert mesh["n_nodes"] == 283
    assert mesh["n_cells"] == 547
    assert round(mesh["min_angle_deg"], 2) == 2.03
    assert round(mesh["min_angle_p05_deg"], 1) == 23.8
    assert round(mesh["max_angle_deg"], 1) == 169.7
    assert round(mesh["cell_area_min_m2"]) == 563
    assert round(mesh["cell_area_max_m2"]) == 1468531
    assert mesh["area_total_m2"] == pytest.approx(50405625, rel=1e-9)


def test_in_days_and_tight_the_outflow_is_the_recharge_of_the_free_cells(mf6, tmp_path):
    root = carried_out("flow_k_sensitivity_tight", tmp_path / "out")
    found = by_id(root / "testbed_metrics.csv")
    assert [f"{float(row['prescribed_head_out']):.8f}" for row in found.values()] == [
        "0.05158174"
    ] * 3
    for name, (_, _, head_range, _) in TABLE.items():
        assert f"{float(found[name]['head_range_m']):.2f}" == head_range


def test_second_run_reuses_all_three(published):
    said = mhx(
        *("run", PUBLISHED / "flow_k_sensitivity.toml", "--json"),
        *("--set", f"testbed.output_root={published}"),
    )
    assert (said.code, said.json["reused_count"]) == (0, 3), said.text


def test_each_child_runs_alone(published, tmp_path):
    alone = tmp_path / "alone"
    words = ("run", published / "_generated_configs/low_k.toml", "--output-dir", alone)
    said = mhx(*words)
    assert said.code in (0, 1), said.text  # its sanity gates fail, and are shown
    ours = read(alone / "run_summary.json")["metrics"]
    theirs = read(published / "cases/low_k/run_summary.json")["metrics"]
    same = {key for key in theirs if not key.endswith("duration_s")}
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}


# -- the lists ---------------------------------------------------------------------------------


def test_runners_lists_the_pairs_of_this_issue(tmp_path):
    said = mhx("runners")
    assert said.code == 0
    for pair in (
        ("mesh", "simulation"),
        ("flow", "simulation"),
        ("flow", "comparison"),
        ("transport", "simulation"),
        ("transport", "comparison"),
        ("reconnection", "reduced_mhd"),
        ("external", "command"),
    ):
        assert any(line.split()[:2] == list(pair) for line in said.out.splitlines()), pair
    found = mhx("runners", "--json").json
    assert found["problems"] == []


def test_runners_and_status_load_no_solver(tmp_path):
    code = (
        "import sys\nfrom mhx.cli import main\nmain(['runners'])\n"
        "heavy = {'jax', 'numpy', 'flopy', 'gmsh', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_views_of_the_registry_agree():
    from mhx import testbed

    assert testbed.SUPPORTED_SUBJECTS == ("mesh", "flow", "transport", "reconnection", "external")
    assert testbed.SUPPORTED_RUNNERS == ("simulation", "comparison", "reduced_mhd", "command")
    assert dict(testbed.SUPPORTED_SUBJECT_RUNNERS) == {
        "mesh": ("simulation",),
        "flow": ("simulation", "comparison"),
        "transport": ("simulation", "comparison"),
        "reconnection": ("reduced_mhd",),
        "external": ("command",),
    }
    assert dict(testbed.RUNNER_WORKFLOWS) == {
        "simulation": "simulation",
        "comparison": "comparison",
        "reduced_mhd": "reconnection",
        "command": "command",
    }
    assert set(testbed.DEFAULT_RUNNER_METRICS) <= set(testbed.SUPPORTED_RUNNERS)


PLUG = """\
from mhx.config import Table as Base
from mhx.runner import RunSummary
from mhx.workflow.registry import Registration


class Table(Base):
    workflow: dict
    k: float = 1.0


def run(request):
    return RunSummary(metrics={"flow.k": request.config["k"]})


ROWS = (Registration("toy", "toy_runner", "toy", "plug:run", "plug:Table", "A toy."),)
"""


def plug_in(folder, name, target, module=PLUG):
    """A temporary distribution."""
    (folder / "plug.py").write_text(module)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[mhx.runners]\n{name} = {target}\n")


def test_plug_in_is_listed_and_a_broken_one_stops_nothing(tmp_path):
    plug_in(tmp_path, "plug", "plug:ROWS")
    plug_in(tmp_path, "broken", "no_such_module:ROWS")
    said = shell("runners", "--json", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert said.code == 0, said.text
    found = said.json
    assert ("toy", "toy_runner") in {(row["subject"], row["runner"]) for row in found["runners"]}, (
        found["problems"]
    )
    assert "broken" in json.dumps(found["problems"])


@pytest.mark.parametrize("name", ["list", "doctor"])
def test_engines_are_listed_with_version_and_hash(name, mf6):
    said = mhx("engines", name)
    assert said.code in (0, 1), said.text
    for word in ("mf6", "mfnwt", "mt3dusgs"):
        assert word in said.out
    assert "6." in said.out
    if name == "doctor":
        for word in ("gmsh", "flopy"):
            assert word in said.out
    found = mhx("engines", name, "--json").json
    text = json.dumps(found)
    assert hashlib.sha256(mf6.read_bytes()).hexdigest() in text


TOY = (
    'workflow = { mode = "testbed" }\n[testbed]\nid = "k"\nsubject = "toy"\n'
    'base_config = "base.toml"\noutput_root = "out"\nrunner = { type = "toy_runner" }\n'
    '[[testbed.case]]\nid = "x"\noverlay.k = 4.0\n'
    '[[testbed.metric]]\nname = "k"\nsource = "flow.k"\nrequired = true\n'
)


def toy(folder, module=PLUG):
    plug_in(folder, "plug", "plug:ROWS", module)
    (folder / "base.toml").write_text('workflow = { mode = "toy" }\nk = 1.0\n')
    (folder / "k.toml").write_text(TOY)
    return shell("run", "k.toml", cwd=folder, PYTHONPATH=str(folder))


def test_matrix_over_the_runner_of_a_plug_in(tmp_path):
    said = toy(tmp_path)
    assert said.code == 0, said.text
    assert by_id(tmp_path / "out/testbed_metrics.csv")["x"]["k"] == "4.0"
    said = shell("verify", "out", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert said.code == 0, said.text


def test_plug_in_with_a_table_of_another_kind_is_told_in_words(tmp_path):
    module = PLUG.replace(
        "from mhx.config import Table as Base", "from pydantic import BaseModel as Base"
    )
    said = toy(tmp_path, module)
    assert said.code == 2, said.text
    assert "plug:Table does not extend mhx.config.Table" in said.err
