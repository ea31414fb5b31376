"""Whole runs with measured data: exact heads of a strip, files and figure left behind, refusals."""

import csv
import json
import math
from pathlib import Path

import pytest

from mhx.cli import main
from mhx.errors import ConfigError
from mhx.workflow.load import load
from mhx.workflow.run import run_file

DITCHES = Path(__file__).parents[3] / "examples" / "groundwater" / "ditches_base.toml"
TRANSIENT = """
[flow]
regime = "transient"
param = { K = { value = 1e-4 }, Ss = { value = 1e-4 } }
[flow.time]
start = 2020-01-01
period = [{ length = 4.0, steps = 2 }, { length = 6.0, steps = 1 }]
"""


def exact(x):
    """Head of `ditches_base` at x [m]: h0 + R x (L - x)/(2 K b), R = 1 mm/day, K b = 1e-3 m2/s."""
    return 15.0 + 1e-3 / 86400 * x * (800.0 - x) / (2 * 1e-4 * 10.0)


def write(folder, text, heads=""):
    (folder / "heads.csv").write_text(heads or "id,x,y,value\nb1,50,150,15\n")
    path = folder / "case.toml"
    path.write_text(
        f'base_config = "{DITCHES}"\n[workflow]\nmode = "simulation"\noutput_dir = "run"\n{text}'
    )
    return path


FILE = '[[observation]]\nfile = "heads.csv"\nquantity = "head"\n'


@pytest.fixture(scope="module")
def run(mf6, tmp_path_factory):
    """Heads measured where they are known exactly, half the true outflow to the west."""
    folder = tmp_path_factory.mktemp("measured")
    # at a cell centre block-centred differences are exact up to the constant R dx^2/(8 K b)
    lines = [f"b{x:.0f},{x},150,{exact(x)!r},0.1" for x in (50.0, 250.0, 450.0)]
    heads = "\n".join(["id,x,y,value,standard_deviation", *lines, "b750,750,150,99,", ""])
    flow = (
        '[[observation]]\nid = "west"\nquantity = "flow"\nboundary = "west"\nvalue = -40.0\n'
        'unit = "m3/day"\n'
    )
    path = write(folder, FILE + flow, heads.replace("99,", f"{exact(750.0)!r},"))
    assert run_file(path).exit_code == 0
    return folder / "run"


@pytest.mark.slow
def test_residuals_of_an_exact_solution_are_the_known_error_of_the_scheme(run):
    metrics = json.loads((run / "run_summary.json").read_text())["metrics"]
    error = 1e-3 / 86400 * 100.0**2 / (8 * 1e-4 * 10.0)
    assert metrics["observation_metrics.head_n"] == 4
    for name in ("b50", "b250", "b450", "b750"):
        found = metrics[f"observation_metrics.obs_{name}_residual_m"]
        assert found == pytest.approx(error, rel=1e-6)
    assert metrics["observation_metrics.head_bias_m"] == pytest.approx(error, rel=1e-6)
    # half of 1 mm/day on 800 m x 200 m leaves to the west, out of the model
    assert metrics["observation_metrics.obs_west_residual_m3_s"] == pytest.approx(
        (-80.0 + 40.0) / 86400, rel=1e-6
    )
    assert metrics["observation_metrics.flow_r2"] is None


@pytest.mark.slow
def test_the_table_holds_both_values_and_the_figure_is_drawn(run):
    with (run / "results" / "observations.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        *("id", "quantity", "time_d", "cell", "layer", "observed", "simulated", "residual"),
        *("standard_deviation", "weight"),
    ]
    assert [row["id"] for row in rows] == ["b50", "b250", "b450", "b750", "west"]
    assert (rows[0]["cell"], rows[0]["layer"], rows[0]["time_d"]) == ("0", "1", "")
    assert (rows[4]["cell"], rows[4]["layer"], rows[4]["standard_deviation"]) == ("", "", "")
    for row in rows:
        residual = float(row["simulated"]) - float(row["observed"])
        assert residual == pytest.approx(float(row["residual"]), abs=1e-15)
    assert (run / "figures" / "observed_simulated.png").stat().st_size > 10_000
    assert main(["verify", str(run)]) == 0


@pytest.mark.slow
def test_a_series_is_told_in_days_and_dates_alike(mf6, tmp_path):
    heads = (
        "id,x,y,value,time\nb1,50,150,15.0,4\nb1,50,150,15.0,2020-01-05\nb1,50,150,15.0,7\n"
        "b1,50,150,15.0,0\n"
    )
    run_file(write(tmp_path, TRANSIENT + FILE, heads))
    with (tmp_path / "run" / "results" / "observations.csv").open(newline="") as stream:
        rows = [(float(row["time_d"]), float(row["simulated"])) for row in csv.DictReader(stream)]
    (_, first), (day, same), (_, between), start = rows
    assert (day, same) == (4.0, first)
    assert start == (0.0, 15.0)  # what the run starts from
    saved = json.loads((tmp_path / "run" / "run_summary.json").read_text())["metrics"]
    last = 2 * between - first  # 7 days lie half between the saved steps 4 and 10
    assert first < between < last
    residual = saved["observation_metrics.obs_b1_residual_m"]
    squares = [(value - 15.0) ** 2 for _, value in rows]
    assert residual == pytest.approx(math.sqrt(sum(squares) / 4), rel=1e-12)


@pytest.mark.slow
def test_a_point_between_outline_and_mesh_is_refused_when_the_mesh_is_there(mf6, tmp_path):
    shape = "[domain]\nkind = 'polygon'\npoints = [[0, 0], [800, 0], [800, 200], [0, 100]]\n"
    heads = "id,x,y,value\nb1,700,100,15\nb2,10,190,15\n"
    path = tmp_path / "case.toml"
    write(tmp_path, "", heads)
    text = DITCHES.read_text().partition("[topography]")
    text = f"{text[1]}{text[2]}{FILE}".replace('"structured"', '"rectangular_disv"')
    path.write_text(f"workflow.mode = 'simulation'\n{shape}{text}")
    with pytest.raises(ConfigError) as caught:
        run_file(path, tmp_path / "run")
    line = path.read_text().splitlines().index('file = "heads.csv"') + 1
    assert str(caught.value).splitlines() == [
        f"{path}: 1 fault",
        f"  {path}:{line}  observation[0].file: heads.csv:3  x and y must lie in the mesh, "
        "got 10.0, 190.0",
    ]


def test_faults_are_told_before_a_run_with_their_lines(tmp_path):
    heads = "id,x,y,value,layer\nb1,50,150,15,2\nb2,900,150,15,1\n"
    flow = '[[observation]]\nid = "w"\nquantity = "flow"\nboundary = "wst"\nvalue = 1.0\n'
    path = write(tmp_path, FILE + flow, heads)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert [line.strip() for line in str(caught.value).splitlines()[1:]] == [
        f"{path}:6  observation[0].file: heads.csv:2  layer must be <= 1 layers, got 2; "
        "heads.csv:3  x and y must lie in the mesh, got 900.0, 150.0",
        f"{path}:11  observation[1].boundary must be a boundary or source (west, east, recharge), "
        "got 'wst'; did you mean 'west'?",
    ]


def test_a_file_is_read_again_when_it_has_changed(tmp_path):
    path = write(tmp_path, FILE)
    load(path)
    (tmp_path / "heads.csv").write_text("id,x,y,value\nb1,50,150,fifteen\n")
    with pytest.raises(ConfigError, match="2  value must be a number"):
        load(path)


def test_a_mesh_alone_has_nothing_to_be_held_against(tmp_path):
    mesh_only = "[[simulation.process]]\nid = 'flow_main'\ntype = 'flow'\nenabled = false\n"
    path = write(tmp_path, mesh_only + FILE)
    with pytest.raises(ConfigError, match="observation must be left out: no process computes"):
        load(path)
