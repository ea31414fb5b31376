"""Every shipped example loads and runs to its end: matrices whole, long plasma runs shrunk."""

import json
import tomllib
from pathlib import Path

import pytest

from mhx.cli import main
from mhx.config import to_toml
from mhx.testbed.plan import make_plan
from mhx.workflow import registry
from mhx.workflow.load import load

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").rglob("*.toml"))


def having(*modes):
    """Examples of these modes, as parameters of a test."""
    found = [
        path for path in EXAMPLES if tomllib.loads(path.read_text())["workflow"]["mode"] in modes
    ]
    return pytest.mark.parametrize("path", found, ids=[path.stem for path in found])


def test_there_are_examples():
    assert {
        *("orszag_tang", "held_double_harris", "decaying_cosine", "time_step_order"),
        *("flow_k_sensitivity", "mesh_resolution", "resolution_convergence", "jacksboro"),
        *("boundary_conditions", "solver_options", "latin_hypercube", "decay_order"),
        *("advection_schemes", "formulations", "formulations_thickness", "gwt_vs_mt3d"),
        *("gwt_vs_mt3d_schemes", "own_model", "nwt_conductivity"),
    } <= {path.stem for path in EXAMPLES}


def test_every_pair_of_subject_and_runner_has_an_example():
    shown = set()
    for path in EXAMPLES:
        table = tomllib.loads(path.read_text()).get("testbed")
        if table is not None:
            runner = table.get("runner", {}).get("type", "simulation")
            shown.add((table["subject"], runner))
    assert shown >= {
        (subject, runner)
        for subject, runners in registry.SUPPORTED_SUBJECT_RUNNERS.items()
        for runner in runners
    }


@having("reconnection", "simulation", "comparison", "command")
def test_a_run_is_a_valid_configuration_that_writes_below_outputs(path):
    folder = load(path).output_dir.resolve()
    assert folder == ROOT / "outputs" / "examples" / path.stem


@having("testbed")
def test_a_matrix_plans_without_a_fault_below_outputs(path, gmsh):
    plan = make_plan(path)
    assert plan.faults == ()
    assert plan.root.resolve() == ROOT / "outputs" / "examples" / path.stem


@pytest.mark.slow
@having("reconnection")
def test_a_plasma_run_ends_when_shrunk(path, tmp_path, capsys):
    table = tomllib.loads(path.read_text())
    table["mesh"]["shape"] = [24, 24]
    table["time"] |= {"t1": 0.2, "dt": 0.02}
    shrunk = tmp_path / path.name
    shrunk.write_text(to_toml(table))
    root = tmp_path / "run"
    assert main(["run", str(shrunk), "--output-dir", str(root), "--json"]) in (0, 1)
    answer = json.loads(capsys.readouterr().out)
    assert answer["metrics"]["run.steps"] == 10
    assert main(["verify", str(root)]) == 0
    # asked for again, it is verified and not computed
    assert main(["run", str(shrunk), "--output-dir", str(root)]) == answer["exit_code"]
    assert "nothing was computed" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "mt3dusgs", "gmsh")
@having("simulation", "comparison", "command")
def test_a_run_ends_and_verifies(path, tmp_path, capsys):
    root = tmp_path / "run"
    code = main(["run", str(path), "--output-dir", str(root)])
    gates = json.loads((root / "validation.json").read_text()) if code == 1 else {"passed": True}
    assert code == (0 if gates["passed"] else 1)
    assert main(["verify", str(root)]) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("mf6", "mt3dusgs", "gmsh")
@having("testbed")
def test_a_matrix_ends_with_every_check_passed_and_is_not_repeated(path, tmp_path, capsys):
    words = ["run", str(path), "--set", f'testbed.output_root="{tmp_path / "matrix"}"', "--json"]
    assert main(words) == 0
    manifest = json.loads((tmp_path / "matrix" / "testbed_manifest.json").read_text())
    assert manifest["successful_count"] == manifest["case_count"] > 1
    assert manifest["checks"]
    assert {check["verdict"] for check in manifest["checks"]} == {"pass"}
    assert main(["verify", str(tmp_path / "matrix")]) == 0
    assert main(words) == 0
    again = json.loads((tmp_path / "matrix" / "testbed_manifest.json").read_text())
    assert again["reused_count"] == manifest["case_count"]
    assert again["digest"] == manifest["digest"]
