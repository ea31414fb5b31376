"""Every shipped example loads, and runs to its end when shrunk."""

import json
import tomllib
from pathlib import Path

import pytest

from mhx.cli import main
from mhx.config import to_toml
from mhx.workflow.load import load

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").rglob("*.toml"))
NAMES = [path.stem for path in EXAMPLES]


def test_there_are_examples():
    assert {"orszag_tang", "held_double_harris", "decaying_cosine"} <= set(NAMES)


@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_is_a_valid_configuration_that_writes_below_outputs(path):
    folder = load(path).output_dir.resolve()
    assert folder == ROOT / "outputs" / "examples" / path.stem


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=NAMES)
def test_an_example_runs_shrunk(path, tmp_path, capsys):
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
