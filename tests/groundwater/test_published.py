"""Three published runs, to every digit, and what their published columns hide.

The mesh is no part of the project: it lies in `shared/` beside it.
"""

import copy
import csv
import os
from pathlib import Path
from typing import Any

import pytest

from mhx.groundwater import simulation
from mhx.runner import RunRequest
from mhx.workflow.load import load

PUBLISHED = Path(__file__).parents[1] / "published"
MESH = PUBLISHED.parents[2] / "shared" / "data" / "flow_k_sensitivity"
ROWS = {5e-6: ("61.95", "0.05158187"), 1e-5: ("47.55", "0.05158152"), 2e-5: ("40.91", "0.05158121")}
FREE = 1e-4 / 86400 * 44566625.227  # recharge on the cells without a fixed head [m3/s]


def metrics(name: str, k: float, folder: Path) -> dict[str, float]:
    if not MESH.is_dir():
        reason = f"NOT TESTED HERE: the published mesh is not in {MESH}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    config: dict[str, Any] = copy.deepcopy(dict(load(PUBLISHED / f"{name}.toml").config))
    config["flow"]["param"]["K"]["value"] = k
    config["output"]["figures"] = False
    summary = simulation.run(RunRequest(config=config, output_dir=folder))
    found = summary.metrics
    return {key.removeprefix("flow_metrics."): value for key, value in found.items()}


@pytest.mark.parametrize("k", ROWS)
def test_the_published_digits(k: float, mf6: Path, tmp_path: Path) -> None:
    found = metrics("flow_k_sensitivity_base", k, tmp_path)
    head_range, outflow = ROWS[k]
    assert f"{found['head_range_m']:.2f}" == head_range
    assert f"{found['budget_chd_total_out']:.8f}" == outflow
    assert found["n_cells"] == 547 and found["param_K"] == k
    assert found["max_abs_mass_balance_percent_error"] == 0
    assert found["budget_chd_total_in"] == 0


@pytest.mark.parametrize("k", ROWS)
def test_in_days_and_tight_the_outflow_is_the_recharge_for_every_k(
    k: float, mf6: Path, tmp_path: Path
) -> None:
    found = metrics("flow_k_sensitivity_tight_base", k, tmp_path)
    assert f"{found['budget_chd_total_out']:.8f}" == "0.05158174"
    assert found["budget_chd_total_out"] == pytest.approx(FREE, rel=1e-8)
    assert f"{found['head_range_m']:.2f}" == ROWS[k][0]


def test_what_the_figures_hide(mf6: Path, tmp_path: Path) -> None:
    found = metrics("flow_k_sensitivity_base", 5e-6, tmp_path)
    assert found["recharge_accepted_fraction"] == pytest.approx(0.884, abs=5e-4)
    assert found["recharge_nominal_m3_s"] == pytest.approx(0.0583398, abs=5e-8)
    assert found["recharge_accepted_m3_s"] == pytest.approx(0.0515817, abs=5e-8)
    assert found["flooded_cell_fraction"] > 0.8
    assert found["head_min_m"] == 170
    assert found["fixed_head_area_m2"] == pytest.approx(2485975.6 + 3353024.2, abs=0.1)
    mesh = {key.removeprefix("mesh_metrics."): value for key, value in found.items()}
    assert mesh["min_angle_deg"] == pytest.approx(2.03, abs=5e-3)
    assert mesh["min_angle_p05_deg"] == pytest.approx(23.8, abs=0.05)
    assert mesh["max_angle_deg"] == pytest.approx(169.7, abs=0.05)
    assert mesh["cell_area_max_m2"] == pytest.approx(1468531, abs=1)


def test_nothing_floods_where_k_is_larger(mf6: Path, tmp_path: Path) -> None:
    for k in (1e-5, 2e-5):
        found = metrics("flow_k_sensitivity_base", k, tmp_path / str(k))
        assert found["flooded_cell_fraction"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flow_k_sensitivity", "flow_k_sensitivity_tight"])
def test_the_published_matrix_in_one_command(
    name: str, mf6: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every required metric is there, every check passes, and what is wrong is flagged."""
    if not MESH.is_dir():
        metrics(f"{name}_base", 1e-5, tmp_path)  # skips, or fails in CI
    from mhx.cli import main

    monkeypatch.setenv("MHX_MF6", str(mf6))
    root = tmp_path / "matrix"
    words = ["run", str(PUBLISHED / f"{name}.toml"), "--set", f"testbed.output_root={root}"]
    assert main(words) == 0
    with (root / "testbed_metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case_id"] for row in rows] == ["low_k", "reference_k", "high_k"]
    for row, (head_range, outflow) in zip(rows, ROWS.values(), strict=True):
        assert row["n_cells"] == "547" and float(row["max_abs_balance_error"]) == 0
        assert f"{float(row['head_range_m']):.2f}" == head_range
        expected = "0.05158174" if name.endswith("tight") else outflow
        assert f"{float(row['prescribed_head_out']):.8f}" == expected
        assert f"{float(row['recharge_in']):.8f}" == "0.05158174"
    with (root / "testbed_checks.csv").open(newline="") as stream:
        assert {row["verdict"] for row in csv.DictReader(stream)} == {"pass"}
    report = (root / "testbed_report.md").read_text()
    assert "recharge_is_accepted" in report and "heads_stay_below_ground" in report
