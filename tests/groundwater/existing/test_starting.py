"""`mhx testbed init --model`: what is written, and that it runs as it is."""

import tomllib
from pathlib import Path

import pytest

from mhx.cli import main
from mhx.errors import ConfigError
from mhx.groundwater.existing.starting import start

from . import own_models
from .hand_written import edited, written


def test_the_files_name_what_was_found(tmp_path: Path) -> None:
    written(tmp_path / "own model")
    answer = start(tmp_path / "own model", tmp_path / "try.toml")
    base = (tmp_path / "try_base.toml").read_text()
    found = tomllib.loads(base)
    assert found["model"] == {
        "path": "own model",
        "patch": [
            {
                "id": "npf_k",
                "package": "npf",
                "variable": "k",
                "operation": "multiply",
                "value": 2.0,
            }
        ],
    }
    for line in (
        "# GWF model GWF_1:",
        "2 stress periods, 3 time steps",
        "# GWF_1, Left (chd): head",
        "# GWF_1, wells (wel): q",
    ):
        assert line in base
    testbed = tomllib.loads((tmp_path / "try.toml").read_text())["testbed"]
    assert testbed["subject"] == "flow" and testbed["base_config"] == "try_base.toml"
    assert testbed["axis"][0]["keys"] == ["model.patch.npf_k.value"]
    assert 1.0 not in testbed["axis"][0]["values"]
    sources = {metric["source"] for metric in testbed["metric"]}
    assert "flow_metrics.budget_wel_rate_out_m3_s" in sources
    assert answer.next == f"mhx run {tmp_path / 'try.toml'}"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    model = written(tmp_path / "own")
    start(model, tmp_path / "try.toml")
    with pytest.raises(ConfigError, match=r"try\.toml is there already"):
        start(model, tmp_path / "try.toml")
    (tmp_path / "try.toml").unlink()
    with pytest.raises(ConfigError, match=r"try_base\.toml is there already"):
        start(model, tmp_path / "try.toml")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no mfsim\.nam"):
        start(tmp_path, tmp_path / "try.toml")
    assert not list(tmp_path.iterdir())


def test_output_control_is_asked_for_where_the_model_saves_nothing(tmp_path: Path) -> None:
    model = written(tmp_path / "own", o_oc=edited("in_put/o.oc", "save budget", "print budget"))
    start(model, tmp_path / "try.toml")
    found = tomllib.loads((tmp_path / "try_base.toml").read_text())
    assert found["model"]["add_output_control"] is True


@pytest.mark.slow
@pytest.mark.parametrize("make", [own_models.plain, own_models.coupled, own_models.joined])
def test_it_runs_as_it_is(make, mf6: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    own_models.written(make(tmp_path / "own"))
    assert main(["testbed", "init", "--model", "own"]) == 0
    assert main(["run", "own_testbed.toml"]) == 0, capsys.readouterr().err
    assert "4 of 4 cases ok" in capsys.readouterr().out
