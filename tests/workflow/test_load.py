"""A configuration file, checked against the table of its mode."""

from pathlib import Path

import pytest

from mhx.errors import ConfigError
from mhx.workflow.load import load

PLACES = {
    "nothing said": ("", "runs/rod"),
    "in [workflow]": ('output_dir = "out/a"', "out/a"),
    "up and over": ('output_dir = "../b"', "../b"),
}


@pytest.mark.parametrize(("workflow", "folder"), PLACES.values(), ids=PLACES)
def test_the_run_folder_counts_from_the_folder_of_the_file(workflow, folder, rod_file, tmp_path):
    assert load(rod_file(workflow=workflow)).output_dir.resolve() == (tmp_path / folder).resolve()


def test_an_absolute_run_folder_is_kept(rod_file, tmp_path):
    asked = tmp_path / "elsewhere"
    assert load(rod_file(workflow=f"output_dir = '{asked}'")).output_dir == asked


def test_the_name_is_the_files_unless_given(rod_file):
    assert load(rod_file()).name == "rod"
    assert load(rod_file(workflow='name = "k"')).name == "k"


def test_every_default_is_in_the_configuration(rod_file):
    assert load(rod_file("length = 2")).config == {
        "length": 2.0,
        "limit": 10.0,
        "fault": "",
        "workflow": {"mode": "rods"},
    }


REFUSED = {
    "no workflow": ("a = 1", "case.toml:1  workflow.mode is required; it says what runs: "),
    "no mode": ("a = 1\n[workflow]\nname = 'x'", "case.toml:2  workflow.mode is required; "),
    "a number": ("[workflow]\n\nmode = 3", "case.toml:3  workflow.mode must be text, got 3; "),
    "unknown": (
        "[workflow]\nmode = 'rod'",
        "case.toml:2  workflow.mode must be 'simulation' or 'comparison' or 'reconnection' or "
        "'command' or 'testbed' or 'rods', got 'rod'; did you mean 'rods'?",
    ),
    "empty": ("", "case.toml:1  workflow.mode is required"),
}


@pytest.mark.parametrize(("text", "told"), REFUSED.values(), ids=REFUSED)
def test_a_file_without_a_usable_mode_is_refused(text, told, rods, tmp_path):
    path = tmp_path / "case.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith(told)


def test_a_folder_is_told_as_a_user_would_type_it(tmp_path, monkeypatch):
    (tmp_path / "examples").mkdir()
    file = tmp_path / "examples" / "a.toml"
    file.write_text(
        'workflow = { mode = "command", output_dir = "../outputs/a" }\n[command]\nargv = ["true"]\n'
    )
    monkeypatch.chdir(tmp_path)
    assert load(Path("examples/a.toml")).output_dir == Path("outputs/a")
    monkeypatch.chdir(tmp_path / "examples")
    assert load(Path("a.toml")).output_dir == tmp_path / "outputs" / "a"
