"""Faults of a model and its patches are told before a run, at the line that is wrong."""

from pathlib import Path

import pytest

from mhx.errors import ConfigError
from mhx.groundwater.existing import copying
from mhx.groundwater.existing.planning import refusals
from mhx.workflow.load import load

from .hand_written import edited, written
from .own_models import table

CASE = """[workflow]
mode = "simulation"
[[simulation.process]]
id = "flow"
type = "flow"
[model]
path = "user"
[[model.patch]]
id = "factor"
package = "npf"
variable = "k"
operation = "multiply"
value = {value}
[[model.option]]
file = "ims"
block = "linear"
key = "{key}"
value = 1e-8
"""


def case(folder: Path, value: float = 2.0, key: str = "inner_dvclose") -> Path:
    path = folder / "case.toml"
    path.write_text(CASE.format(value=value, key=key))
    return path


def test_a_patch_that_can_be_done_is_loaded(tmp_path: Path) -> None:
    written(tmp_path / "user")
    assert load(case(tmp_path)).config["model"]["patch"][0]["value"] == 2.0


def test_faults_are_told_with_file_and_line(tmp_path: Path) -> None:
    written(tmp_path / "user")
    with pytest.raises(ConfigError) as error:
        load(case(tmp_path, 1.0, "inner_dvclos"))
    lines = str(error.value).split("\n")
    assert lines[0].endswith("case.toml: 2 faults")
    assert lines[1].endswith(
        "case.toml:8  model.patch[0] changed nothing: npf.k is from 0.5 to 12.0 and value is 1.0"
    )
    assert "case.toml:17  model.option[0].key: 'inner_dvclos' is not known" in lines[2]


def test_a_model_that_is_wrong_is_told_at_its_path(tmp_path: Path) -> None:
    text = edited("in_put/o.oc", " save head all\n save budget all\n", "")
    found = refusals(table(written(tmp_path / "user", o_oc=text)))
    assert list(found) == ["model.path"]
    assert found["model.path"].startswith(
        ": 'GWF_1' does not save heads and budgets; add to o.oc\n"
    )
    assert found["model.path"].endswith(
        "model.add_output_control = true, which adds it to the copies"
    )


def test_keys_inside_a_patch_are_found(tmp_path: Path) -> None:
    cells = {
        "package": "npf",
        "variable": "k",
        "operation": "set",
        "value": 1.0,
        "cells": [[9, 9, 9]],
    }
    found = refusals(table(written(tmp_path / "user"), [cells]))
    text = "must be 3 numbers within [2, 3, 4], got [9, 9, 9]"
    assert found == {"model.patch.0.cells.0": text}


def test_a_missing_path_is_told_once_by_the_one_who_looks_for_all_paths(tmp_path: Path) -> None:
    assert refusals(table(tmp_path / "none")) == {}
    with pytest.raises(ConfigError) as error:
        load(case(tmp_path))
    assert str(error.value).count("\n") == 1


def test_a_plan_is_made_once_for_check_and_run(tmp_path: Path) -> None:
    model = table(written(tmp_path / "user"))
    assert copying.planned(model) is copying.planned(model)
    (tmp_path / "user/in_put/c.chd").write_text(edited("in_put/c.chd", "15. # a", "16. # a"))
    assert "in_put/c.chd" in copying.planned(model).links
