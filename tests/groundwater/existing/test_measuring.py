"""Measured heads beside those of somebody else's model: what holds before its first saved step."""

import csv
import shutil
from pathlib import Path

import pytest

from mhx.workflow.run import run_file

MODEL = Path(__file__).parents[3] / "examples" / "groundwater" / "own_model"
CASE = """
[workflow]
mode = "simulation"
output_dir = "run"
[model]
path = "model"
[[model.patch]]
id = "k"
package = "npf"
variable = "k"
operation = "multiply"
value = 1.25
[[simulation.process]]
id = "flow"
type = "flow"
[[observation]]
file = "heads.csv"
"""
HEADS = "id,quantity,cell,boundary,time,value\n" + "".join(
    f"b,head,105,,{time},30\nq,flow,,river,{time},0\n" for time in (0.0, 0.5, 1.0)
)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["steady-state", "transient"])
def test_a_model_starts_from_its_heads_unless_its_first_period_is_steady(first, mf6, tmp_path):
    shutil.copytree(MODEL, tmp_path / "model")
    storage = tmp_path / "model" / "valley.sto"
    storage.write_text(storage.read_text().replace("STEADY-STATE", first))
    (tmp_path / "heads.csv").write_text(HEADS)
    (tmp_path / "case.toml").write_text(CASE)
    run_file(tmp_path / "case.toml")
    with (tmp_path / "run" / "results" / "observations.csv").open(newline="") as stream:
        rows = [(row["id"], float(row["simulated"])) for row in csv.DictReader(stream)]
    heads = [value for name, value in rows if name == "b"]
    if first == "steady-state":
        assert heads[0] == heads[1] == heads[2]
    else:
        assert heads[0] == 36.0  # what the model starts from
        assert heads[1] == pytest.approx((36.0 + heads[2]) / 2, rel=1e-12)
    flows = [value for name, value in rows if name == "q"]
    assert flows[0] == flows[1] == flows[2] < 0
