"""Models as other people leave them: names of their own, settings that take away what is read,
paths of another system, and runs that go on after a step that failed."""

from pathlib import Path
from typing import Any

import pytest

from mhx.config import parse
from mhx.errors import ConfigError
from mhx.groundwater.existing.config import Model
from mhx.groundwater.existing.copying import planned
from mhx.groundwater.existing.reading import opened
from mhx.groundwater.existing.starting import start

from . import own_models
from .own_models import written

pytestmark = pytest.mark.slow


def edited(folder: Path, name: str, old: str, new: str) -> Path:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return folder


def patch(package: str, variable: str, value: float = 2.0, **more: Any) -> dict[str, Any]:
    told = {"package": package, "variable": variable, "operation": "multiply", "value": value}
    return {"id": "one"} | told | more


def plan(folder: Path, **table: Any) -> Any:
    return planned(parse(Model, {"path": folder} | table))


def refused(folder: Path, **table: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        plan(folder, **table)
    return str(caught.value)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return written(own_models.plain(tmp_path / "own"))


def test_a_package_answers_to_the_name_that_its_user_gave_it(own: Path) -> None:
    edited(own, "flow.nam", "flow.npf  npf", "flow.npf  Ground")
    made = plan(own, patch=[patch("ground", "k33")])
    assert list(made.files) == ["flow.npf"]
    assert [p.name for p in opened(own).model.packages if p.type == "npf"] == ["npf"]


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [("dis", "nogrb", True), ("nam", "save_flows", False), ("oc", "budget", False)],
)
def test_a_setting_that_takes_away_what_is_read_is_refused(
    file: str, key: str, value: bool, own: Path
) -> None:
    told = refused(own, option=[{"file": file, "block": "options", "key": key, "value": value}])
    assert told.startswith(f"model.option[0].value must not be {str(value).lower()} for {file} ")
    assert "are read from what the run saves" in told


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("FLOW.Npf", ", but 'flow.npf' (upper and lower case differ here)"),
        (r".\flow.npf", " (folders of a path are parted by / here)"),
        ("other.npf", ""),
    ],
)
def test_a_path_of_another_system_is_told_with_what_is_there(
    name: str, hint: str, own: Path
) -> None:
    told = refused(edited(own, "flow.nam", "flow.npf", name))
    first, second = told.splitlines()
    assert first.endswith("mfsim.nam names a file that is not there")
    assert second.endswith(f"{name!r}: no such file{hint}")


def test_a_file_without_a_block_is_told(own: Path) -> None:
    (own / "flow.npf").write_text("# nothing\n")
    told = refused(own, patch=[patch("npf", "k")])
    assert told == "model.patch[0].variable: npf.k is not in flow.npf, which holds no block"


def test_a_first_testbed_over_a_model_that_goes_on(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(own, "mfsim.nam", "BEGIN options", "BEGIN options\n  CONTINUE")
    monkeypatch.chdir(tmp_path)
    start(own, None)
    base = (tmp_path / "own_base.toml").read_text()
    assert "\nallow_continue = true  # it says CONTINUE; " in base
    assert "add_output_control" not in base
